/* lower/storage.c: arrays that are not needed at the same time share memory.
 *
 * needs   level flat; no ALLREDUCE; no buffer with stages: nothing makes new ones any more
 * keeps   what is computed; every element that is read has been written by the same array's stores
 * breaks  ALLOCs are fewer, of the largest size, or lie over each other; barriers are planned later
 *
 * An array is needed from its first use to its last, and all through a loop that uses it and does
 * not allocate it: what one iteration leaves, the next may read.  So arrays of one loop never
 * share, which would cost barriers in each iteration; nor do those under one condition, where some
 * threads alone may be.  One statement that reads an array and writes another needs both.  Small
 * arrays do not gain, and local ones of the classes that have many registers live there.
 *
 * An array lives in another, its home, as the other's bits where both are of numbers of one width.
 * Where the target can, shared arrays of any widths lie in one overlay of bytes instead, if that
 * takes less.  Local arrays do not: the classes that share them hold narrow elements as words.
 */
#include "lower/lower.h"

#include <string.h>

enum {
    LEAST_SHARED = 256, /* bytes: below them a barrier costs more than memory gains */
    LEAST_LOCAL = 1024, /* bytes that are surely no registers, where a target does not say */
    MOST_SHARED = 1 << 30
};

typedef struct array {
    const weft_buf *buf;
    int64_t elements;
    int64_t place, bytes; /* where it is placed: of the overlay */
    bool placed;
    int first, last;   /* when it is needed; last < 0: never */
    int opened, ended; /* the statements between which its allocation stands for */
    int regions;       /* around its allocation */
    bool exact;        /* of matrices, or atomic: as it is declared */
    int matrix_align;  /* bytes that matrices in it are aligned to; 0: there are none */
    int home;          /* the array whose memory it lives in; its own */
    int64_t room;      /* elements that live there need */
    int until;         /* when the last of those is no longer needed */
} array;

typedef struct storage {
    weft_kernel *kernel;
    const weft_target *target;
    const weft_caps *caps; /* NULL: nothing is known of them */
    weft_arena scratch;
    WEFT_VEC(array) array;
    int *of; /* by buffer's id: 1 + its place in `array`; 0: none */
    uint32_t nbuf;
    WEFT_VEC(int) region; /* the loops and conditions around: when each began */
    int now;
    const weft_buf **to; /* by place in `array`: what a home becomes */
} storage;

static array *
array_of(const storage *s, const weft_buf *buf)
{
    int at = buf->id < s->nbuf ? s->of[buf->id] : 0;
    return at ? &s->array.at[at - 1] : NULL;
}

/* ---- when each is needed --------------------------------------------------------------------- */

/* Bytes of an array that the registers of a thread cannot hold. */
static int64_t
least_local(const weft_target *t)
{
    int64_t all = (int64_t)t->registers * t->vector_lanes * 4;
    return t->cls == WEFT_CLASS_VECTOR_CPU && all > 0 ? all : LEAST_LOCAL;
}

static bool
may_share(const storage *s, const weft_buf *buf, int64_t *elements, int64_t *bytes)
{
    bool registers = s->target->cls == WEFT_CLASS_GPU || s->target->cls == WEFT_CLASS_MOBILE;
    if (buf->space != WEFT_SHARED && (buf->space != WEFT_LOCAL || registers))
        return false;
    return weft_dtype_bits(buf->dtype) >= 8 && buf->dtype != WEFT_BOOL && !buf->stages &&
           weft_as_int(buf->shape[0], elements) && *elements > 0 &&
           weft_dtype_bytes(buf->dtype, *elements, bytes) &&
           *bytes >= (buf->space == WEFT_SHARED ? LEAST_SHARED : least_local(s->target));
}

static void
open_array(storage *s, const weft_buf *buf)
{
    int64_t elements, bytes;
    if (!may_share(s, buf, &elements, &bytes))
        return;
    *WEFT_PUSH(&s->scratch, &s->array) = (array){ .buf = buf,
                                                  .elements = elements,
                                                  .last = -1,
                                                  .opened = s->now,
                                                  .regions = s->region.n,
                                                  .home = s->array.n };
    s->of[buf->id] = s->array.n;
}

static void
use(storage *s, const weft_buf *buf, bool exact)
{
    array *a = array_of(s, buf);
    if (!a)
        return;
    int from = s->region.n > a->regions ? s->region.at[a->regions] : s->now;
    a->first = a->last < 0 || from < a->first ? from : a->first;
    a->last = s->now;
    a->exact = a->exact || exact;
}

static bool
use_load(void *user, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_LOAD)
        use(user, e->h.u.buf, false);
    return true;
}

static void
use_loads(storage *s, const weft_expr *e)
{
    if (e)
        weft_walk_expr(&(weft_walker){ .expr = use_load, .user = s }, e);
}

/* Memory of matrices, which keeps its dtype. */
static void
note_matrices(const storage *s, const weft_stmt *m)
{
    const weft_spot *memory = weft_matrix_memory(m);
    array *a = memory ? array_of(s, memory->buf) : NULL;
    if (a)
        a->matrix_align = weft_matrix_on(s->target, weft_matrix_held(m)->buf->frag.matrix)->align;
}

static void
use_places(storage *s, const weft_stmt *m)
{
    note_matrices(s, m);
    for (int i = 0; i < weft_matrix_op_places(m->u.matrix.op); i++) {
        use(s, m->u.matrix.place[i].buf, true);
        for (int k = 0; k < m->u.matrix.place[i].n; k++)
            use_loads(s, m->u.matrix.place[i].index[k]);
    }
    use_loads(s, m->u.matrix.value);
    use_loads(s, m->u.matrix.stride);
}

static void follow(storage *, const weft_stmt *);

/* The statements of a loop or condition: what they use is needed until it ends. */
static void
follow_region(storage *s, const weft_expr *head, const weft_stmt *body, const weft_stmt *other)
{
    int start = s->now;
    *WEFT_PUSH(&s->scratch, &s->region) = start;
    use_loads(s, head);
    follow(s, body);
    if (other)
        follow(s, other);
    s->now++;
    s->region.n--;
    for (int i = 0; i < s->array.n; i++)
        if (s->array.at[i].last >= start && s->array.at[i].regions <= s->region.n)
            s->array.at[i].last = s->now;
}

static bool
runs_once(const weft_stmt *s)
{
    return s->kind == WEFT_SK_FOR &&
           (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind));
}

static void
follow_alloc(storage *s, const weft_stmt *alloc)
{
    open_array(s, alloc->u.alloc.buf);
    follow(s, alloc->u.alloc.body);
    array *a = array_of(s, alloc->u.alloc.buf);
    if (a)
        a->ended = s->now + 1;
}

static void
follow(storage *s, const weft_stmt *t)
{
    s->now++;
    switch (t->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < t->u.seq.n; i++)
            follow(s, t->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        if (runs_once(t))
            follow(s, t->u.loop.body);
        else
            follow_region(s, t->u.loop.extent, t->u.loop.body, NULL);
        return;
    case WEFT_SK_IF:
        follow_region(s, t->u.iff.cond, t->u.iff.then, t->u.iff.els);
        return;
    case WEFT_SK_LET:
        use_loads(s, t->u.let.value);
        follow(s, t->u.let.body);
        return;
    case WEFT_SK_ALLOC:
        follow_alloc(s, t);
        return;
    case WEFT_SK_STORE:
        use_loads(s, t->u.store.index[0]);
        use_loads(s, t->u.store.value);
        use(s, t->u.store.buf, t->u.store.async);
        return;
    case WEFT_SK_ATOMIC:
        use_loads(s, t->u.atomic.index);
        use_loads(s, t->u.atomic.value);
        use(s, t->u.atomic.buf, true);
        return;
    case WEFT_SK_EVAL:
        use_loads(s, t->u.eval.call);
        return;
    case WEFT_SK_PREFETCH:
        use_loads(s, t->u.prefetch.index);
        return;
    case WEFT_SK_MATRIX:
        use_places(s, t);
        return;
    default:
        return;
    }
}

/* ---- who lives where ------------------------------------------------------------------------- */

/* Values of either are numbers of words, whose bits are those in memory on every target. */
static bool
same_width(const array *a, const array *b)
{
    int bits = weft_dtype_bits(a->buf->dtype);
    if (a->buf->dtype == b->buf->dtype)
        return true;
    return !a->exact && !b->exact && bits >= 32 && bits == weft_dtype_bits(b->buf->dtype);
}

/* Whether a can live where h does, all that live there being through with it. */
static bool
fits(const array *h, const array *a)
{
    return h->room > 0 && h->until < a->first && h->buf->space == a->buf->space &&
           same_width(h, a) && h->opened <= a->opened && a->ended <= h->ended;
}

/* How much larger the home gets, else how much of it is left over: less is better. */
static int64_t
waste(const array *h, const array *a)
{
    return a->elements > h->room ? a->elements - h->room : h->room - a->elements;
}

static void
settle(storage *s, int at)
{
    array *a = &s->array.at[at], *best = NULL;
    for (int i = 0; i < s->array.n; i++) {
        array *h = &s->array.at[i];
        if (fits(h, a) && (!best || waste(h, a) < waste(best, a)))
            best = h;
    }
    a->home = best ? (int)(best - s->array.at) : at;
    best = best ? best : a;
    best->until = a->last;
    best->room = best->room > a->elements ? best->room : a->elements;
    best->exact = best->exact || a->exact;
}

/* In the order of their first uses. */
static void
settle_all(storage *s)
{
    int n = 0, *order = WEFT_NEW_ARRAY(&s->scratch, s->array.n + 1, int);
    for (int i = 0; i < s->array.n; i++) {
        int at = n;
        if (s->array.at[i].last < 0)
            continue;
        for (; at > 0 && s->array.at[order[at - 1]].first > s->array.at[i].first; at--)
            order[at] = order[at - 1];
        order[at] = i;
        n++;
    }
    for (int i = 0; i < n; i++)
        settle(s, order[i]);
}

/* ---- what lies over what --------------------------------------------------------------------- */

/* A plan of the overlay. */
typedef struct layout {
    bool *apart; /* by place in `array`: of no part in it */
    int n;
    weft_pack_item *item;
    int *which; /* by item: place in `array` */
} layout;

/* What so many elements of the array take when they are legal. */
static int64_t
held_bytes(const storage *s, const array *a, int64_t elements)
{
    weft_dtype t = a->buf->dtype, held = a->matrix_align ? t : weft_held_dtype(s->caps, t);
    int64_t bytes;
    bool known = weft_dtype_bytes(held, elements, &bytes) && bytes < MOST_SHARED;
    return known ? weft_round_up(bytes, WEFT_PLACE_ALIGN) : MOST_SHARED + 1;
}

static bool
is_shared(const array *a)
{
    return a->buf->space == WEFT_SHARED && a->last >= 0;
}

/* What shared memory takes where each array lives in its home. */
static int64_t
bytes_at_home(const storage *s)
{
    int64_t sum = 0;
    for (int i = 0; i < s->array.n; i++)
        if (is_shared(&s->array.at[i]) && s->array.at[i].home == i)
            sum += held_bytes(s, &s->array.at[i], s->array.at[i].room);
    return sum;
}

static weft_pack_item
item_of(const storage *s, const array *a)
{
    int64_t align = a->buf->align > WEFT_PLACE_ALIGN ? a->buf->align : WEFT_PLACE_ALIGN;
    return (weft_pack_item){ .size = held_bytes(s, a, a->elements),
                             .align = a->matrix_align > align ? a->matrix_align : align,
                             .first = a->first,
                             .last = a->last };
}

/* Gives all but those that are apart their places; the bytes that shared memory takes then. */
static int64_t
lay_over(storage *s, layout *l)
{
    int64_t sum = 0, *size;
    int narena;
    l->n = 0;
    for (int i = 0; i < s->array.n; i++) {
        if (!is_shared(&s->array.at[i]))
            continue;
        weft_pack_item item = item_of(s, &s->array.at[i]);
        sum += l->apart[i] ? item.size : 0;
        l->item[l->n] = item;
        l->which[l->n] = i;
        l->n += !l->apart[i];
    }
    if (weft_pack(&s->scratch, NULL, l->item, l->n, MOST_SHARED, &narena, &size) != WEFT_OK ||
        narena > 1)
        return INT64_MAX;
    return sum + (narena ? size[0] : 0);
}

/* What shares its bytes with nobody is to lie apart. */
static void
set_apart(layout *l)
{
    for (int i = 0; i < l->n; i++) {
        const weft_pack_item *a = &l->item[i];
        bool meets = false;
        for (int k = 0; k < l->n; k++)
            meets |= k != i && a->offset < l->item[k].offset + l->item[k].size &&
                     l->item[k].offset < a->offset + a->size;
        l->apart[l->which[i]] = !meets;
    }
}

/* Shared arrays leave their homes for an overlay, if that takes less. */
static void
try_overlay(storage *s)
{
    layout l = { WEFT_NEW_ARRAY(&s->scratch, s->array.n + 1, bool), 0,
                 WEFT_NEW_ARRAY(&s->scratch, s->array.n + 1, weft_pack_item),
                 WEFT_NEW_ARRAY(&s->scratch, s->array.n + 1, int) };
    if (!s->caps || !s->caps->overlay || lay_over(s, &l) == INT64_MAX)
        return;
    set_apart(&l);
    if (lay_over(s, &l) > bytes_at_home(s) - LEAST_SHARED)
        return;
    for (int i = 0; i < s->array.n; i++)
        s->array.at[i].home = is_shared(&s->array.at[i]) ? i : s->array.at[i].home;
    for (int i = 0; i < l.n; i++) {
        s->array.at[l.which[i]].place = l.item[i].offset;
        s->array.at[l.which[i]].bytes = l.item[i].size;
        s->array.at[l.which[i]].placed = true;
    }
}

static bool
any_moves(const storage *s)
{
    bool any = false;
    for (int i = 0; i < s->array.n; i++)
        any |= s->array.at[i].home != i || s->array.at[i].placed;
    return any;
}

/* ---- new memory ------------------------------------------------------------------------------ */

static const weft_buf *
placed_buf(const storage *s, const array *a)
{
    weft_ir *ir = s->kernel->ir;
    const weft_buf *b = a->buf;
    const weft_buf *made = weft_buf_make(ir, b->name, b->dtype, b->space, 1, b->shape);
    weft_buf *placed = weft_arena_dup(&ir->arena, made, sizeof *made);
    placed->align = b->align;
    placed->place = a->place;
    placed->room = a->bytes;
    return placed;
}

/* A home with others gets their names too, and room and alignment for each.  Where integers are
 * among them it is of integers: what a float keeps of its bits is not said. */
static void
make_homes(storage *s)
{
    weft_ir *ir = s->kernel->ir;
    s->to = WEFT_NEW_ARRAY(&s->scratch, s->array.n, const weft_buf *);
    for (int i = 0; i < s->array.n; i++) {
        const array *h = &s->array.at[i];
        const char *name = h->buf->name;
        weft_dtype t = h->buf->dtype;
        int64_t align = h->buf->align;
        int guests = 0;
        for (int k = 0; k < s->array.n; k++) {
            const weft_buf *guest = s->array.at[k].buf;
            if (k == i || s->array.at[k].home != i)
                continue;
            if (guests++ < 2 && strcmp(guest->name, h->buf->name) != 0)
                name = weft_arena_printf(&ir->arena, "%s_%s", name, guest->name);
            align = guest->align > align ? guest->align : align;
            t = weft_is_float(t) ? guest->dtype : t;
        }
        s->to[i] = h->placed ? placed_buf(s, h) : h->buf;
        if (!guests)
            continue;
        const weft_expr *size = weft_int(ir, (weft_dtype)h->buf->shape[0]->h.type.dtype, h->room);
        weft_buf *home = weft_arena_dup(
            &ir->arena, weft_buf_make(ir, name, t, h->buf->space, 1, &size),
            sizeof *home);
        home->align = align;
        s->to[i] = home;
    }
}

static const weft_buf *
home_of(const storage *s, const weft_buf *buf)
{
    const array *a = array_of(s, buf);
    return a ? s->to[a->home] : buf;
}

static const weft_expr *
as_bits(weft_ir *ir, weft_dtype t, const weft_expr *e)
{
    weft_type type = { (uint8_t)t, e->h.type.lanes };
    return e->h.type.dtype == t ? e : weft_bitcast(ir, type, e);
}

static const weft_expr *
move_load(weft_rewriter *rw, const weft_expr *e)
{
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_LOAD)
        return e;
    const weft_buf *home = home_of(rw->user, e->h.u.buf);
    return home == e->h.u.buf ? e
                              : as_bits(rw->ir, (weft_dtype)e->h.type.dtype,
                                        weft_load(rw->ir, home, 1, e->arg));
}

static const weft_stmt *
move_matrix(weft_rewriter *rw, const weft_stmt *s)
{
    weft_spot place[WEFT_MATRIX_PLACES];
    memcpy(place, s->u.matrix.place, sizeof place);
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++)
        place[i].buf = home_of(rw->user, place[i].buf);
    return weft_matrix_with(rw->ir, s, place);
}

static const weft_stmt *
move_store(weft_rewriter *rw, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.store.buf = home_of(rw->user, s->u.store.buf);
    if (now.u.store.buf == s->u.store.buf)
        return s;
    now.u.store.value = as_bits(rw->ir, now.u.store.buf->dtype, s->u.store.value);
    return weft_stmt_make(rw->ir, now);
}

static const weft_stmt *
move(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    weft_stmt now = *s;
    switch (s->kind) {
    case WEFT_SK_STORE:
        return move_store(rw, s);
    case WEFT_SK_ATOMIC:
        now.u.atomic.buf = home_of(rw->user, s->u.atomic.buf);
        return now.u.atomic.buf == s->u.atomic.buf ? s : weft_stmt_make(rw->ir, now);
    case WEFT_SK_MATRIX:
        return move_matrix(rw, s);
    case WEFT_SK_ALLOC: {
        const storage *st = rw->user;
        const array *a = array_of(st, s->u.alloc.buf);
        if (!a || st->to[a->home] == a->buf)
            return s;
        return &st->array.at[a->home] == a ? weft_alloc(rw->ir, st->to[a->home], s->u.alloc.body)
                                           : s->u.alloc.body;
    }
    default:
        return s;
    }
}

weft_status
weft_pass_storage(weft_kernel *k, const weft_lower_options *options, bool *changed,
                  weft_diag *diag)
{
    storage s = {
        .kernel = k, .target = options->target, .caps = options->caps, .nbuf = k->ir->nbuf
    };
    (void)diag;
    s.of = WEFT_NEW_ARRAY(&s.scratch, s.nbuf + 1, int);
    follow(&s, k->body);
    settle_all(&s);
    try_overlay(&s);
    *changed = any_moves(&s);
    if (*changed) {
        make_homes(&s);
        weft_rewriter rw = { .ir = k->ir, .expr = move_load, .stmt = move, .user = &s };
        k->body = weft_rewrite_stmt(&rw, k->body);
        weft_rewrite_done(&rw);
    }
    weft_arena_reset(&s.scratch);
    return WEFT_OK;
}
