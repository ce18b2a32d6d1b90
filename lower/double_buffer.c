/* double-buffer: memory with stages is filled for a later iteration while this one's is read.
 *
 *                                                 s[..] of iteration 0
 *   for r in 0..k {                               for r in 0..k {
 *       s[i] = A[r * 64 + i]                          if r + 1 < k { t = A[(r + 1) * 64 + i] }
 *       c = c + s[..]                      ->         c = c + s[r % 2 * 64 + ..]
 *   }                                                 if r + 1 < k { s[(r + 1) % 2 * 64 + i] = t }
 *                                                 }
 *
 * The loop is the innermost one around all uses.  What fills the memory there, and what only that
 * reads, goes ahead by stages - 1 iterations.  Elements that a thread brings from global memory to
 * shared memory wait in registers, so that nothing waits for them before the iteration's work is
 * done; where they are too many, or their number is not constant, they are stored as they come.  So
 * is what a statement copies alone where such stores may be asynchronous (async.c).
 *
 * needs   level flat; before partition, which takes the loops apart; an iteration stores all that
 *         it reads of memory with stages
 * keeps   the level
 * breaks  memory that a loop fills and reads has no stages any more, and is that many times as
 *         large */
#include "lower/priv.h"

enum {
    MAX_REGISTERS = 64, /* elements on their way, of a thread */
    STAGE_BITS = 2048   /* a stage's size is a multiple */
};

typedef struct staged {
    const weft_buf *from, *to;
    const weft_expr *size; /* elements of a stage */
    bool filled;           /* by the loop at hand */
} staged;

typedef struct filler {
    weft_ir *ir;
    weft_kernel *kernel;
    bool async; /* the target copies from global memory to shared on its own */
    weft_facts *facts;
    weft_arena scratch;
    WEFT_VEC(staged) at;
    weft_diag *diag;
    weft_status status;
} filler;

/* ---- uses ------------------------------------------------------------------------------------ */

typedef struct search {
    const weft_buf *buf;
    const weft_stmt *but; /* not looked into; NULL: everywhere */
    bool loads, stores;
} search;

static bool
look_at_expr(void *user, const weft_expr *e)
{
    search *s = user;
    s->loads |= e->h.kind == WEFT_EK_LOAD && e->h.u.buf == s->buf;
    return true;
}

static bool
look_at_stmt(void *user, const weft_stmt *s)
{
    search *f = user;
    for (int i = 0; s->kind == WEFT_SK_MATRIX && i < weft_matrix_op_places(s->u.matrix.op); i++)
        if (s->u.matrix.place[i].buf == f->buf)
            *(i == 0 ? &f->stores : &f->loads) = true;
    f->stores |= (s->kind == WEFT_SK_STORE && s->u.store.buf == f->buf) ||
                 (s->kind == WEFT_SK_ATOMIC && s->u.atomic.buf == f->buf);
    return s != f->but;
}

static search
uses(const weft_stmt *s, const weft_buf *buf, const weft_stmt *but)
{
    search f = { buf, but, false, false };
    weft_walk_stmt(&(weft_walker){ look_at_expr, look_at_stmt, &f }, s);
    return f;
}

static staged *
staged_of(filler *f, const weft_buf *buf)
{
    for (int i = 0; i < f->at.n; i++)
        if (f->at.at[i].from == buf)
            return &f->at.at[i];
    return NULL;
}

static bool
is_filled(filler *f, const weft_buf *buf)
{
    const staged *s = staged_of(f, buf);
    return s && s->filled;
}

/* ---- the loop's statements ------------------------------------------------------------------- */

/* A loop's body: allocations and names around statements, some of which go ahead. */
typedef struct contents {
    const weft_stmt *loop;
    WEFT_VEC(const weft_stmt *) at, wrap; /* wrap: outermost first */
    bool *ahead, *alone; /* alone: of these, what needs no register to wait in */
    int stages;
} contents;

/* Which of a body's statements: those that stay, those that go ahead by way of registers,
 * and the rest of those. */
enum { STAY = 1, HELD = 2, ALONE = 4 };

static bool
is_of(const contents *b, int i, int which)
{
    return which & (!b->ahead[i] ? STAY : b->alone[i] ? ALONE : HELD);
}

static bool
has_any(const contents *b, int which)
{
    for (int i = 0; i < b->at.n; i++)
        if (is_of(b, i, which))
            return true;
    return false;
}

/* Allocations in the last place of a sequence count as standing around all of it. */
static void
open_stmt(filler *f, contents *b, const weft_stmt *s)
{
    if (s->kind == WEFT_SK_ALLOC ||
        (s->kind == WEFT_SK_LET && b->at.n == 0 && s->u.let.value->h.pure)) {
        *WEFT_PUSH(&f->scratch, &b->wrap) = s;
        open_stmt(f, b, s->kind == WEFT_SK_ALLOC ? s->u.alloc.body : s->u.let.body);
        return;
    }
    if (s->kind != WEFT_SK_SEQ) {
        *WEFT_PUSH(&f->scratch, &b->at) = s;
        return;
    }
    for (int i = 0; i < s->u.seq.n; i++)
        if (i + 1 == s->u.seq.n && s->u.seq.at[i]->kind == WEFT_SK_ALLOC)
            open_stmt(f, b, s->u.seq.at[i]);
        else
            *WEFT_PUSH(&f->scratch, &b->at) = s->u.seq.at[i];
}

static contents
open_body(filler *f, const weft_stmt *loop)
{
    contents b = { .loop = loop };
    open_stmt(f, &b, loop->u.loop.body);
    b.ahead = WEFT_NEW_ARRAY(&f->scratch, b.at.n + 1, bool);
    b.alone = WEFT_NEW_ARRAY(&f->scratch, b.at.n + 1, bool);
    return b;
}

typedef struct stores {
    filler *f;
    WEFT_VEC(const weft_buf *) buf;
} stores;

static bool
note_store(void *user, const weft_stmt *s)
{
    stores *w = user;
    const weft_buf *buf = s->kind == WEFT_SK_STORE    ? s->u.store.buf
                          : s->kind == WEFT_SK_ATOMIC ? s->u.atomic.buf
                          : s->kind == WEFT_SK_MATRIX ? s->u.matrix.place[0].buf
                                                      : NULL;
    if (buf)
        *WEFT_PUSH(&w->f->scratch, &w->buf) = buf;
    return true;
}

/* Statements that go ahead, from those that fill: one that stores what they read does, too. */
static void
find_ahead(filler *f, contents *b)
{
    stores *of = WEFT_NEW_ARRAY(&f->scratch, b->at.n + 1, stores);
    bool changed = true;
    for (int i = 0; i < b->at.n; i++) {
        of[i].f = f;
        weft_walk_stmt(&(weft_walker){ .stmt = note_store, .user = &of[i] }, b->at.at[i]);
        for (int k = 0; k < of[i].buf.n; k++)
            b->ahead[i] |= is_filled(f, of[i].buf.at[k]);
    }
    while (changed) {
        changed = false;
        for (int i = 0; i < b->at.n; i++)
            for (int k = 0; k < b->at.n; k++)
                for (int w = 0; w < of[k].buf.n && b->ahead[i] && !b->ahead[k]; w++)
                    if (uses(b->at.at[i], of[k].buf.at[w], NULL).loads)
                        b->ahead[k] = changed = true;
    }
}

static weft_status
refuse(filler *f, const contents *b, const weft_buf *buf)
{
    if (!f->status)
        f->status = weft_fail(
            f->diag, WEFT_UNSUPPORTED,
            "kernel '%s': loop '%s' cannot fill memory ahead: '%s' is stored for that and read by "
            "others in the same iteration; double_buffer it as well, or compute it at another loop",
            f->kernel->name, b->loop->u.loop.var->name, buf->name);
    return f->status;
}

/* What goes ahead stores nothing that the rest uses, but the memory with stages, and that before it
 * is read. */
static weft_status
check_ahead(filler *f, const contents *b)
{
    for (int i = 0; i < b->at.n; i++) {
        stores of = { .f = f };
        if (b->ahead[i])
            weft_walk_stmt(&(weft_walker){ .stmt = note_store, .user = &of }, b->at.at[i]);
        for (int w = 0; w < of.buf.n; w++)
            for (int k = 0; k < b->at.n; k++) {
                search u = uses(b->at.at[k], of.buf.at[w], NULL);
                if (!b->ahead[k] &&
                    (u.stores || (u.loads && k < i) || (u.loads && !is_filled(f, of.buf.at[w]))))
                    return refuse(f, b, of.buf.at[w]);
            }
    }
    return WEFT_OK;
}

/* ---- through registers ----------------------------------------------------------------------- */

typedef enum way { STRAIGHT, TO_REGISTERS, FROM_REGISTERS } way;

/* A copy of what goes ahead. */
typedef struct copier {
    filler *f;
    way way;
    const weft_expr *stage;           /* that is filled */
    WEFT_VEC(const weft_stmt *) loop; /* around the statement at hand */
    WEFT_VEC(const weft_buf *) part;  /* registers, one buffer a store */
    int nstore;
} copier;

typedef struct estimate {
    filler *f;
    int64_t times, total; /* -1: not known */
    int64_t lanes;        /* at a time */
    bool brings;          /* from global memory */
    bool computes;        /* something that is no copy of 4, 8 or 16 bytes */
} estimate;

static bool
is_global(void *user, const weft_expr *e)
{
    estimate *c = user;
    c->brings |= e->h.kind == WEFT_EK_LOAD &&
                 (e->h.u.buf->space == WEFT_GLOBAL || e->h.u.buf->space == WEFT_CONSTANT);
    return true;
}

/* A copy of as many bytes as go by themselves, or zeros. */
static bool
is_copy(const estimate *c, const weft_expr *e)
{
    int64_t bits = c->lanes * weft_dtype_bits((weft_dtype)e->h.type.dtype);
    if (e->h.kind == WEFT_EK_GUARD && e->arg[2]->h.kind == WEFT_EK_IMM)
        e = e->arg[1];
    return e->h.kind == WEFT_EK_LOAD && e->h.u.buf->space == WEFT_GLOBAL &&
           (bits == 32 || bits == 64 || bits == 128);
}

static void
count_registers(estimate *c, const weft_stmt *s)
{
    int64_t n, times = c->times;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            count_registers(c, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
        if (!weft_as_int(s->u.loop.extent, &n) || !weft_mul64(times, n, &c->times)) {
            c->total = -1;
            return;
        }
        c->lanes = s->u.loop.bind == WEFT_VECTORIZE ? n : 1;
        count_registers(c, s->u.loop.body);
        c->lanes = 1;
        c->times = times;
        return;
    case WEFT_SK_IF:
        count_registers(c, s->u.iff.then);
        if (s->u.iff.els)
            count_registers(c, s->u.iff.els);
        return;
    case WEFT_SK_LET:
        count_registers(c, s->u.let.body);
        return;
    case WEFT_SK_STORE:
        if (c->total < 0 || !is_filled(c->f, s->u.store.buf) ||
            s->u.store.buf->space != WEFT_SHARED || !weft_add64(c->total, c->times, &c->total))
            c->total = -1;
        c->computes |= !is_copy(c, s->u.store.value);
        weft_walk_expr(&(weft_walker){ .expr = is_global, .user = c }, s->u.store.value);
        return;
    default:
        c->total = -1;
        return;
    }
}

/* Whether what goes ahead is read there as well. */
static bool
is_read_ahead(filler *f, const contents *b)
{
    for (int i = 0; i < b->at.n; i++)
        for (int k = 0; k < f->at.n && b->ahead[i]; k++)
            if (f->at.at[k].filled && uses(b->at.at[i], f->at.at[k].from, NULL).loads)
                return true;
    return false;
}

/* Registers hold what is stored without being read again, is not too much, and
 * does not go by itself. */
static void
find_alone(filler *f, const contents *b)
{
    int64_t held = is_read_ahead(f, b) ? -1 : 0;
    bool brings = false;
    for (int i = 0; i < b->at.n; i++) {
        estimate c = { .f = f, .times = 1, .lanes = 1 };
        if (!b->ahead[i])
            continue;
        count_registers(&c, b->at.at[i]);
        b->alone[i] = f->async && c.total >= 0 && !c.computes;
        if (c.total < 0 || held < 0 || (!b->alone[i] && !weft_add64(held, c.total, &held)))
            held = -1;
        brings |= !b->alone[i] && c.brings;
    }
    for (int i = 0; i < b->at.n; i++)
        b->alone[i] |= held <= 0 || held > MAX_REGISTERS || !brings;
}

/* The register of the element that the loops around are at. */
static const weft_expr *
register_index(const copier *c, int64_t *size)
{
    weft_ir *ir = c->f->ir;
    const weft_expr *index = weft_i32(ir, 0);
    *size = 1;
    for (int i = 0; i < c->loop.n; i++) {
        int64_t n = 1;
        weft_as_int(c->loop.at[i]->u.loop.extent, &n);
        index = weft_add(ir, weft_mul(ir, index, weft_i32(ir, n)),
                         weft_cast(ir, WEFT_I32, weft_ref(ir, c->loop.at[i]->u.loop.var)));
        *size *= n;
    }
    return weft_simplify_expr(ir, NULL, index);
}

static const weft_buf *
register_buf(copier *c, const weft_stmt *store, int64_t n)
{
    weft_ir *ir = c->f->ir;
    const weft_expr *size = weft_i32(ir, n);
    if (c->way == TO_REGISTERS)
        *WEFT_PUSH(&c->f->scratch, &c->part) =
            weft_buf_make(ir, weft_arena_printf(&ir->arena, "%s_next", store->u.store.buf->name),
                          store->u.store.buf->dtype, WEFT_LOCAL, 1, &size);
    return c->part.at[c->nstore++];
}

static const weft_stmt *
copy_store(copier *c, const weft_stmt *s)
{
    weft_ir *ir = c->f->ir;
    const staged *to = staged_of(c->f, s->u.store.buf);
    const weft_expr *value = s->u.store.value;
    if (!to || !to->filled)
        return s;
    if (c->way != STRAIGHT) {
        int64_t size;
        const weft_expr *at = register_index(c, &size);
        const weft_buf *part = register_buf(c, s, size);
        if (c->way == TO_REGISTERS)
            return weft_store(ir, part, 1, &at, value);
        value = weft_load(ir, part, 1, &at);
    }
    const weft_expr *index = weft_shifted(ir, s->u.store.index[0], c->stage, to->size);
    return weft_store(ir, to->to, 1, &index, value);
}

static const weft_stmt *
copy_matrix(copier *c, const weft_stmt *s)
{
    weft_spot at[WEFT_MATRIX_PLACES];
    const weft_expr *index[WEFT_MATRIX_PLACES];
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        const weft_spot *place = &s->u.matrix.place[i];
        const staged *to = is_filled(c->f, place->buf) ? staged_of(c->f, place->buf) : NULL;
        index[i] =
            to ? weft_shifted(c->f->ir, place->index[0], c->stage, to->size) : place->index[0];
        at[i] = (weft_spot){ to ? to->to : place->buf, 1, &index[i] };
    }
    return weft_matrix_with(c->f->ir, s, at);
}

static const weft_stmt *
copy_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    copier *c = rw->user;
    bool loop = s->kind == WEFT_SK_FOR && c->way != STRAIGHT;
    if (loop)
        *WEFT_PUSH(&c->f->scratch, &c->loop) = s;
    s = weft_rewrite_children(rw, s);
    if (loop) {
        c->loop.n--;
        weft_bind bind = s->u.loop.bind == WEFT_VECTORIZE ? WEFT_VECTORIZE : WEFT_UNROLL;
        return weft_for(rw->ir, s->u.loop.var, bind, s->u.loop.extent, s->u.loop.body);
    }
    return s->kind == WEFT_SK_STORE    ? copy_store(c, s)
           : s->kind == WEFT_SK_MATRIX ? copy_matrix(c, s)
                                       : s;
}

/* Loads of memory with stages, from the stage of the iteration. */
static const weft_expr *
copy_expr(weft_rewriter *rw, const weft_expr *e)
{
    copier *c = rw->user;
    e = weft_rewrite_args(rw, e);
    const staged *from = e->h.kind == WEFT_EK_LOAD ? staged_of(c->f, e->h.u.buf) : NULL;
    if (!from || !from->filled)
        return e;
    const weft_expr *index = weft_shifted(rw->ir, e->arg[0], c->stage, from->size);
    return weft_load(rw->ir, from->to, 1, &index);
}

static const weft_stmt *
copied(copier *c, const weft_stmt *s)
{
    weft_rewriter rw = { .ir = c->f->ir, .expr = copy_expr, .stmt = copy_stmt, .user = c };
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    return s;
}

/* ---- putting together ------------------------------------------------------------------------ */

static bool
wraps(filler *f, const contents *b, const weft_stmt *wrap, int which)
{
    if (wrap->kind == WEFT_SK_LET)
        return true;
    if (is_filled(f, wrap->u.alloc.buf))
        return false;
    for (int i = 0; i < b->at.n; i++) {
        search u = uses(b->at.at[i], wrap->u.alloc.buf, NULL);
        if (is_of(b, i, which) && (u.loads || u.stores))
            return true;
    }
    return false;
}

/* Some of the statements, with what stands around them. */
static const weft_stmt *
select_part(filler *f, const contents *b, int which)
{
    const weft_stmt **at = WEFT_NEW_ARRAY(&f->scratch, b->at.n + 1, const weft_stmt *);
    int n = 0;
    for (int i = 0; i < b->at.n; i++)
        if (is_of(b, i, which))
            at[n++] = b->at.at[i];
    const weft_stmt *s = weft_seq(f->ir, n, at);
    for (int i = b->wrap.n; i-- > 0;)
        if (wraps(f, b, b->wrap.at[i], which))
            s = b->wrap.at[i]->kind == WEFT_SK_LET
                    ? weft_let(f->ir, b->wrap.at[i]->u.let.var, b->wrap.at[i]->u.let.value, s)
                    : weft_alloc(f->ir, b->wrap.at[i]->u.alloc.buf, s);
    return s;
}

static const weft_expr *
modulo(filler *f, const weft_expr *e, int64_t n)
{
    return weft_simplify_expr(f->ir, f->facts,
                              weft_fmod(f->ir, e, weft_int(f->ir, (weft_dtype)e->h.type.dtype, n)));
}

/* What goes ahead, for iteration `at`, if there is one. */
static const weft_stmt *
fill_for(copier *c, const contents *b, const weft_expr *at, int which)
{
    filler *f = c->f;
    const weft_var *v = b->loop->u.loop.var;
    const weft_expr *there =
        weft_simplify_expr(f->ir, f->facts, weft_lt(f->ir, at, b->loop->u.loop.extent));
    if (!has_any(b, which))
        return weft_nop(f->ir);
    const weft_stmt *s = weft_subst_stmt(f->ir, select_part(f, b, which), 1, &v, &at);
    c->stage = modulo(f, at, b->stages);
    s = weft_refresh(f->ir, copied(c, s));
    return weft_is_int_imm(there, 1) ? s : weft_if(f->ir, there, s, NULL);
}

static const weft_stmt *
before_loop(filler *f, const contents *b)
{
    const weft_stmt *s = weft_nop(f->ir);
    for (int d = 0; d < b->stages - 1; d++) {
        copier c = { .f = f, .way = STRAIGHT };
        const weft_expr *at = weft_int(f->ir, (weft_dtype)b->loop->u.loop.var->type.dtype, d);
        s = weft_seq2(f->ir, s, fill_for(&c, b, at, HELD | ALONE));
    }
    return s;
}

static const weft_stmt *
inside_loop(filler *f, const contents *b)
{
    weft_ir *ir = f->ir;
    const weft_expr *now = weft_ref(ir, b->loop->u.loop.var),
                    *next = weft_add(ir, now,
                                     weft_int(ir, (weft_dtype)now->h.type.dtype, b->stages - 1));
    copier work = { .f = f, .way = STRAIGHT, .stage = modulo(f, now, b->stages) };
    const weft_stmt *s = copied(&work, select_part(f, b, STAY));
    copier c = { .f = f, .way = TO_REGISTERS }, straight = { .f = f, .way = STRAIGHT };
    s = weft_seq2(ir, fill_for(&c, b, next, HELD), s);
    c.way = FROM_REGISTERS;
    c.nstore = 0;
    s = weft_seq2(ir, s, fill_for(&c, b, next, HELD));
    s = weft_seq2(ir, fill_for(&straight, b, next, ALONE), s);
    for (int i = c.part.n; i-- > 0;)
        s = weft_alloc(ir, c.part.at[i], s);
    return s;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static void
make_room(filler *f, staged *s, int stages)
{
    weft_ir *ir = f->ir;
    weft_dtype t = (weft_dtype)s->size->h.type.dtype;
    const weft_expr *all =
        weft_simplify_expr(ir, NULL, weft_mul(ir, s->size, weft_int(ir, t, stages)));
    weft_buf *to = weft_arena_dup(
        &ir->arena, weft_buf_make(ir, s->from->name, s->from->dtype, s->from->space, 1, &all),
        sizeof *to);
    to->align = s->from->align;
    s->to = to;
}

/* Every stage of memory that threads share begins where a vector may, and where a row of them does:
 * a stage that some of a row fill the end of is seen to end with the row, and no barrier stands
 * between that and reads of the next stage. */
static const weft_expr *
stage_size(weft_ir *ir, const weft_buf *buf)
{
    int64_t n, bits = weft_dtype_bits(buf->dtype);
    if (buf->space != WEFT_SHARED || bits > 64 || !weft_as_int(buf->shape[0], &n))
        return buf->shape[0];
    return weft_int(ir, (weft_dtype)buf->shape[0]->h.type.dtype,
                    weft_round_up(n, STAGE_BITS / bits));
}

static bool
note_staged(void *user, const weft_stmt *s)
{
    filler *f = user;
    if (s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->stages)
        *WEFT_PUSH(&f->scratch, &f->at) =
            (staged){ .from = s->u.alloc.buf, .size = stage_size(f->ir, s->u.alloc.buf) };
    return true;
}

typedef struct allocation {
    const weft_buf *buf;
    bool found;
} allocation;

static bool
look_for_alloc(void *user, const weft_stmt *s)
{
    allocation *a = user;
    a->found |= s->kind == WEFT_SK_ALLOC && s->u.alloc.buf == a->buf;
    return !a->found;
}

/* Memory that is allocated around the loop, or around all of its body. */
static bool
is_around(const contents *b, const weft_buf *buf)
{
    allocation a = { buf, false };
    for (int i = 0; i < b->at.n && !a.found; i++)
        weft_walk_stmt(&(weft_walker){ .stmt = look_for_alloc, .user = &a }, b->at.at[i]);
    return !a.found;
}

/* Whether a statement that does not fill it reads it. */
static bool
is_read(const contents *b, const weft_buf *buf)
{
    for (int i = 0; i < b->at.n; i++) {
        search u = uses(b->at.at[i], buf, NULL);
        if (u.loads && !u.stores)
            return true;
    }
    return false;
}

/* The memory with stages that the loop is the innermost around; the most stages among it. */
static int
find_filled(filler *f, const weft_stmt *loop, const contents *b)
{
    int stages = 0;
    for (int i = 0; i < f->at.n; i++) {
        staged *s = &f->at.at[i];
        search out = uses(f->kernel->body, s->from, loop), in = uses(loop, s->from, NULL);
        s->filled = !s->to && !out.loads && !out.stores && in.stores && is_read(b, s->from) &&
                    is_around(b, s->from);
        if (s->filled && s->from->stages > stages)
            stages = s->from->stages;
    }
    for (int i = 0; i < f->at.n; i++)
        if (f->at.at[i].filled)
            make_room(f, &f->at.at[i], stages);
    return stages;
}

/* was: the loop as it was found in the kernel; now: with its body rewritten. */
static const weft_stmt *
fill_ahead(filler *f, const weft_stmt *was, const weft_stmt *loop)
{
    contents b = open_body(f, loop);
    b.stages = find_filled(f, was, &b);
    if (b.stages == 0)
        return loop;
    find_ahead(f, &b);
    if (check_ahead(f, &b) != WEFT_OK)
        return loop;
    find_alone(f, &b);
    int mark = weft_facts_mark(f->facts);
    const weft_stmt *s = before_loop(f, &b);
    weft_facts_extent(f->facts, loop->u.loop.var, loop->u.loop.extent);
    const weft_stmt *inside = inside_loop(f, &b);
    weft_facts_pop(f->facts, mark);
    s = weft_seq2(f->ir, s, weft_for_like(f->ir, loop, loop->u.loop.extent, inside));
    for (int i = b.wrap.n; i-- > 0;)
        if (b.wrap.at[i]->kind == WEFT_SK_ALLOC && is_filled(f, b.wrap.at[i]->u.alloc.buf))
            s = weft_alloc(f->ir, staged_of(f, b.wrap.at[i]->u.alloc.buf)->to, s);
    return s;
}

static const weft_stmt *
visit(weft_rewriter *rw, const weft_stmt *s)
{
    filler *f = rw->user;
    const weft_stmt *now = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_FOR && !f->status &&
        (s->u.loop.bind == WEFT_SERIAL || s->u.loop.bind == WEFT_UNROLL))
        return fill_ahead(f, s, now);
    const staged *of = s->kind == WEFT_SK_ALLOC ? staged_of(f, s->u.alloc.buf) : NULL;
    return of && of->to && uses(now, of->to, NULL).stores
               ? weft_alloc(rw->ir, of->to, now->u.alloc.body)
               : now;
}

static const weft_expr *
leave(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

weft_status
weft_pass_double_buffer(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    filler f = { .ir = k->ir, .kernel = k, .diag = diag, .async = o->caps && o->caps->async_copy };
    *changed = false;
    weft_walk_stmt(&(weft_walker){ .stmt = note_staged, .user = &f }, k->body);
    if (f.at.n == 0)
        return WEFT_OK;
    f.facts = weft_kernel_facts(k);
    weft_rewriter rw = { .ir = k->ir, .expr = leave, .stmt = visit, .user = &f };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    weft_facts_destroy(f.facts);
    weft_arena_reset(&f.scratch);
    *changed = !f.status && body != k->body;
    if (*changed)
        k->body = body;
    return f.status;
}
