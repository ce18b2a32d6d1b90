/* lower/barriers.c: where the threads of a block have to wait for each other.
 *
 * needs   level flat; buffers final: no pass after this one may make two of them share memory
 * keeps   everything else
 * breaks  nothing; adds BARRIER statements
 *
 * Two accesses of one buffer conflict when one of them writes and some element may be touched by
 * two different threads.  Execution is followed in order with the accesses since the last barrier;
 * where a statement conflicts with one of them, a barrier goes before it.  Loops are followed round
 * until nothing is added, which covers what one iteration leaves for the next; where they take parts
 * of memory by turns (`i % 2`), one turn after the other.  A statement under a
 * condition that threads may disagree on is taken as a whole: barriers stand before it, never in
 * it.
 */
#include "lower/lower.h"

#include <string.h>

enum { MAX_CYCLE = 8 }; /* iterations after which a loop touches the same memory again */

/* An access: which element, as a function of the threads. */
typedef struct access {
    const weft_buf *buf;
    const weft_expr *index;
    bool write;
    bool plain;  /* a store of what does not read the place */
    bool matrix; /* of a subgroup: the element is the first of a matrix */
    bool affine; /* index = sum of stride[t] * thread[t] + shift + rest, lo <= rest <= hi, */
    int64_t stride[3], lo, hi;
    const weft_expr *shift; /* the same for all threads of a block at all times; NULL: 0 */
    bool bounded;           /* least <= index - shift <= most, for all threads */
    int64_t least, most;
    int64_t step, offset;      /* rest = step * k + offset for some k; 0: it is offset */
    int64_t first[3], last[3]; /* the threads that get here, by the conditions around */
} access;

typedef WEFT_VEC(access) access_list;

typedef struct planner {
    weft_ir *ir;
    weft_kernel *kernel;
    weft_facts *facts;
    weft_arena scratch;
    const weft_var *thread[3];
    int64_t extent[3];                  /* 1 where nothing is bound */
    access_list pending;                /* since the last barrier */
    WEFT_VEC(const weft_stmt *) before; /* statements with a barrier before them */
    WEFT_VEC(const weft_var *) turn;    /* of loops that go in cycles, with what they are in the */
    WEFT_VEC(const weft_expr *) turn_value; /* iterations at hand */
    WEFT_VEC(const weft_var *) uniform;     /* never change in a block: its numbers, the scalars */
    WEFT_VEC(const weft_var *) varying;     /* names of what depends on the thread */
    int fence;
    weft_diag *diag;
    weft_status status;
} planner;

/* ---- who touches an element ------------------------------------------------------------------ */

typedef struct uniform {
    const planner *p;
    bool holds;
} uniform;

static bool
look_uniform(void *user, const weft_expr *e)
{
    uniform *u = user;
    bool known = e->h.kind != WEFT_EK_VAR;
    for (int i = 0; i < u->p->uniform.n && !known; i++)
        known = e->h.u.var == u->p->uniform.at[i];
    u->holds &= known && e->h.pure;
    return u->holds;
}

/* Whether e never changes in a block. */
static bool
is_uniform(const planner *p, const weft_expr *e)
{
    uniform u = { p, true };
    weft_walk_expr(&(weft_walker){ .expr = look_uniform, .user = &u }, e);
    return u.holds;
}

static const weft_expr *
name_converted(weft_rewriter *rw, const weft_expr *e)
{
    const weft_var *const *v = rw->user; /* a thread's, and the name of what it is converted to */
    bool is_it = e->h.kind == WEFT_EK_CAST && e->arg[0]->h.kind == WEFT_EK_VAR &&
                 e->arg[0]->h.u.var == v[0] && weft_same_type(e->h.type, v[1]->type);
    return is_it ? weft_ref(rw->ir, v[1]) : weft_rewrite_args(rw, e);
}

/* e as stride * thread + rest, whichever of i32 and i64 the two are. */
static bool
split_thread(const planner *p, const weft_var *thread, int64_t *stride, const weft_expr **e)
{
    const weft_expr *by;
    if (!weft_uses_var(*e, thread)) {
        *stride = 0;
        return true;
    }
    const weft_var *v[2] = { thread, thread };
    if (!weft_same_type((*e)->h.type, thread->type)) {
        v[1] = weft_var_make(p->ir, thread->name, (*e)->h.type);
        weft_rewriter rw = { .ir = p->ir, .expr = name_converted, .user = v };
        *e = weft_rewrite_expr(&rw, *e);
        weft_rewrite_done(&rw);
    }
    return weft_affine_in(p->ir, *e, v[1], &by, e) && weft_as_int(by, stride) &&
           !weft_uses_var(*e, thread);
}

static bool
take_threads(const planner *p, access *a, const weft_expr **rest)
{
    for (int t = 0; t < 3; t++)
        if (p->thread[t] && (!split_thread(p, p->thread[t], &a->stride[t], rest) ||
                             !weft_bounds(p->ir, p->facts, weft_ref(p->ir, p->thread[t]),
                                          &a->first[t], &a->last[t])))
            return false;
    return true;
}

/* What an index is not a multiple of counts as changing. */
static void
take_shift(const planner *p, access *a, const weft_expr **rest)
{
    const weft_expr *stride, *other;
    for (int i = 0; i < p->uniform.n; i++) {
        const weft_var *v = p->uniform.at[i];
        if (!weft_uses_var(*rest, v) || !weft_affine_in(p->ir, *rest, v, &stride, &other) ||
            !is_uniform(p, stride))
            continue;
        *rest = other;
        stride = weft_mul(p->ir, stride, weft_ref(p->ir, v));
        a->shift = a->shift ? weft_add(p->ir, a->shift, stride) : stride;
    }
}

static bool
is_within(int64_t v, int bits)
{
    return v >= -(INT64_C(1) << bits) && v <= INT64_C(1) << bits;
}

/* Whether sums of a few such accesses' elements, one a thread, are numbers of 64 bits. */
static bool
is_near(const planner *p, const access *a)
{
    bool near = is_within(a->lo, 59) && is_within(a->hi, 59) && is_within(a->step, 59) &&
                is_within(a->offset, 59);
    for (int t = 0; t < 3; t++)
        near = near && (!p->thread[t] || (is_within(a->stride[t], 38) &&
                                          is_within(a->first[t], 20) && is_within(a->last[t], 20)));
    return near;
}

/* The index as strides of the threads, what is the same for all, and the range of the rest. */
static bool
split_index(const planner *p, access *a, const weft_expr *rest)
{
    if (!take_threads(p, a, &rest))
        return false;
    take_shift(p, a, &rest);
    rest = weft_simplify_expr(p->ir, p->facts, rest);
    if (!weft_bounds(p->ir, p->facts, rest, &a->lo, &a->hi))
        return false;
    weft_modular(p->ir, p->facts, rest, &a->step, &a->offset);
    if (!is_near(p, a))
        return false;
    a->least = a->lo;
    a->most = a->hi;
    for (int t = 0; t < 3; t++) {
        int64_t s = p->thread[t] ? a->stride[t] : 0;
        a->least += s * (s < 0 ? a->last[t] : a->first[t]);
        a->most += s * (s < 0 ? a->first[t] : a->last[t]);
    }
    return true;
}

/* The elements from the access's own on, `step` apart. */
static void
widen(access *a, int64_t elements, int64_t step)
{
    a->most += step * (elements - 1);
    if (a->affine) {
        a->hi += step * (elements - 1);
        a->step = weft_gcd(a->step, step);
    }
}

/* Who touches what. */
static void
find_owner(const planner *p, access *a)
{
    const weft_expr *index = a->index, *ramp = index->h.kind == WEFT_EK_RAMP ? index : NULL;
    int64_t step = 0;
    if (ramp)
        index = ramp->arg[0];
    if (index->h.type.lanes > 1 || !index->h.index ||
        (ramp && (!weft_as_int(ramp->arg[1], &step) || step < 0 || !is_within(step, 48))))
        return;
    index = weft_simplify_expr(p->ir, p->facts, index);
    a->affine = a->bounded = split_index(p, a, index);
    if (!a->affine) {
        a->shift = NULL;
        a->bounded = weft_bounds(p->ir, p->facts, index, &a->least, &a->most) &&
                     is_within(a->least, 59) && is_within(a->most, 59);
    }
    if (ramp && a->bounded)
        widen(a, ramp->h.type.lanes, step);
}

/* Differences of thread numbers, an axis each, by falling stride. */
typedef struct differences {
    int n;
    int64_t stride[3], least[3], most[3];
} differences;

/* Whether a sum of stride * d over the axes from `k` on, not all d zero (unless `moved`), falls
 * into [lo, hi]. */
static bool
reaches(const differences *x, int k, int64_t lo, int64_t hi, bool moved)
{
    if (k == 3 || k == x->n)
        return moved && lo <= 0 && hi >= 0;
    int64_t low = 0, high = 0, s = x->stride[k];
    for (int i = k + 1; i < x->n && i < 3; i++) {
        low += x->stride[i] * x->least[i];
        high += x->stride[i] * x->most[i];
    }
    if (s == 0) {
        bool can_move = x->least[k] != 0 || x->most[k] != 0;
        return reaches(x, k + 1, lo, hi, moved || can_move);
    }
    int64_t from = weft_ceildiv(lo - high, s), to = weft_floordiv(hi - low, s);
    from = from > x->least[k] ? from : x->least[k];
    to = to < x->most[k] ? to : x->most[k];
    if (to - from > 4) /* a wide choice: some of it meets */
        return true;
    for (int64_t d = from; d <= to; d++)
        if (reaches(x, k + 1, lo - d * s, hi - d * s, moved || d != 0))
            return true;
    return false;
}

/* The same, of the numbers in [lo, hi] that are `offset` modulo `step`. */
static bool
reaches_some(const differences *x, int64_t lo, int64_t hi, int64_t step, int64_t offset)
{
    enum { MOST = 64 };
    int64_t low = 0, high = 0;
    for (int i = 0; i < x->n; i++) {
        low += x->stride[i] * x->least[i];
        high += x->stride[i] * x->most[i];
    }
    low = lo > low ? lo : low;
    high = hi < high ? hi : high;
    if (step <= 1 || (high - low) / step > MOST)
        return reaches(x, 0, lo, hi, false);
    for (int64_t v = low + weft_floormod(offset - low, step); v <= high; v += step)
        if (reaches(x, 0, v, v, false))
            return true;
    return false;
}

static void
add_difference(differences *x, int64_t stride, int64_t least, int64_t most)
{
    int at = x->n++;
    int64_t s = stride < 0 ? -stride : stride;
    for (; at > 0 && x->stride[at - 1] < s; at--) {
        x->stride[at] = x->stride[at - 1];
        x->least[at] = x->least[at - 1];
        x->most[at] = x->most[at - 1];
    }
    x->stride[at] = s;
    x->least[at] = stride < 0 ? -most : least;
    x->most[at] = stride < 0 ? -least : most;
}

/* Whether two different threads, one at a and one at b, may touch one element.  Where one thread of
 * an axis alone gets to an access, its index does not say how it depends on the axis, and may be
 * taken to do it as the other's does. */
static bool
may_meet(const planner *p, const access *a, const access *b)
{
    differences x = { 0 };
    int64_t moved = 0; /* b's index - a's, of what the axes below do not say */
    if (a->shift != b->shift)
        return true;
    for (int t = 0; t < 3; t++) {
        int64_t stride = a->stride[t], other = b->stride[t];
        if (!p->thread[t] || p->extent[t] == 1)
            continue;
        if (stride != other && a->first[t] == a->last[t]) {
            moved -= (stride - other) * a->first[t];
            stride = other;
        } else if (stride != other && b->first[t] == b->last[t]) {
            moved += (other - stride) * b->first[t];
        } else if (stride != other) {
            return true;
        }
        add_difference(&x, stride, a->first[t] - b->last[t], a->last[t] - b->first[t]);
    }
    return reaches_some(&x, b->lo - a->hi + moved, b->hi - a->lo + moved,
                        weft_gcd(a->step, b->step), b->offset - a->offset + moved);
}

/* Whether all threads that get to the access touch the same element. */
static bool
names_no_thread(const planner *p, const access *a)
{
    bool same = a->affine;
    for (int t = 0; t < 3; t++)
        same = same && (!p->thread[t] || p->extent[t] == 1 || a->stride[t] == 0);
    return same;
}

static bool
conflict(const planner *p, const access *a, const access *b)
{
    if (a->buf != b->buf || (!a->write && !b->write))
        return false;
    /* Matrices that are stored are of one run of one stage, which computes no element twice; and so
     * is what one statement stores, where it does not add to what is there. */
    if (a->write && b->write && ((a->matrix && b->matrix) || (a->plain && b->plain)) &&
        (a->matrix || a->index == b->index))
        return false;
    if (a->bounded && b->bounded && a->shift == b->shift &&
        (a->most < b->least || b->most < a->least))
        return false;
    if (a->affine && b->affine && !may_meet(p, a, b))
        return false;
    /* A thread's own sum in global memory: the same element at every step. */
    return a->buf->space != WEFT_GLOBAL || a->index != b->index || names_no_thread(p, a);
}

/* ---- what a statement touches ---------------------------------------------------------------- */

typedef struct collecting {
    planner *p;
    access_list *list;
    const weft_stmt *store; /* a sum's own element, `s[i] = s[i] + x`, counts as stored alone */
} collecting;

static bool
is_watched(const planner *p, const weft_buf *buf)
{
    if (buf->space == WEFT_SHARED)
        return true;
    for (int i = 0; buf->space == WEFT_GLOBAL && i < p->kernel->nparam; i++)
        if (p->kernel->param[i] == buf)
            return p->kernel->access[i] == WEFT_READ_WRITE;
    return false;
}

static void
add_access(planner *p, access_list *list, const weft_buf *buf, const weft_expr *index, bool write)
{
    if (!is_watched(p, buf))
        return;
    access *a = WEFT_PUSH(&p->scratch, list);
    index = weft_subst_expr(p->ir, index, p->turn.n, p->turn.at, p->turn_value.at);
    *a = (access){ .buf = buf, .index = index, .write = write };
    find_owner(p, a);
}

static bool
reads_buffer(void *user, const weft_expr *e)
{
    const weft_buf **buf = user;
    if (e->h.kind == WEFT_EK_LOAD && e->h.u.buf == *buf)
        *buf = NULL;
    return *buf;
}

static void
add_store(planner *p, access_list *list, const weft_stmt *s)
{
    const weft_buf *buf = s->u.store.buf;
    int n = list->n;
    add_access(p, list, buf, s->u.store.index[0], true);
    if (list->n == n)
        return;
    weft_walk_expr(&(weft_walker){ .expr = reads_buffer, .user = &buf }, s->u.store.value);
    list->at[n].plain = buf && buf->space == WEFT_SHARED;
}

/* The elements of a matrix: `lines` of `width`, each line `stride` after the one before. */
static void
add_matrix(planner *p, access_list *list, const weft_stmt *s)
{
    const weft_spot *at = weft_matrix_memory(s);
    weft_fragment f = weft_matrix_held(s)->buf->frag;
    int rows = weft_fragment_rows(f), cols = weft_fragment_cols(f);
    int64_t stride, lines = f.columns ? cols : rows, width = f.columns ? rows : cols;
    if (!at || !is_watched(p, at->buf))
        return;
    add_access(p, list, at->buf, at->index[0], s->u.matrix.op == WEFT_MATRIX_STORE);
    access *a = &list->at[list->n - 1];
    a->matrix = true;
    a->affine &= weft_as_int(s->u.matrix.stride, &stride) && stride >= 0;
    a->bounded &= a->affine;
    if (a->affine)
        widen(a, (lines - 1) * stride + width, 1);
}

static bool
collect_load(void *user, const weft_expr *e)
{
    collecting *c = user;
    bool own = c->store && e->h.kind == WEFT_EK_LOAD && e->h.u.buf == c->store->u.store.buf &&
               e->arg[0] == c->store->u.store.index[0];
    if (e->h.kind == WEFT_EK_LOAD && !own)
        add_access(c->p, c->list, e->h.u.buf, e->arg[0], false);
    return true;
}

static void
collect_expr(planner *p, access_list *list, const weft_expr *e, const weft_stmt *store)
{
    collecting c = { p, list, store };
    if (e)
        weft_walk_expr(&(weft_walker){ .expr = collect_load, .user = &c }, e);
}

/* The statement's own expressions and store, not those of statements inside it. */
static void
collect_own(planner *p, access_list *list, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        collect_expr(p, list, s->u.loop.extent, NULL);
        return;
    case WEFT_SK_IF:
        collect_expr(p, list, s->u.iff.cond, NULL);
        return;
    case WEFT_SK_LET:
        collect_expr(p, list, s->u.let.value, NULL);
        return;
    case WEFT_SK_STORE:
        collect_expr(p, list, s->u.store.index[0], NULL);
        collect_expr(p, list, s->u.store.value, s);
        add_store(p, list, s);
        return;
    case WEFT_SK_ATOMIC:
        collect_expr(p, list, s->u.atomic.index, NULL);
        collect_expr(p, list, s->u.atomic.value, NULL);
        add_access(p, list, s->u.atomic.buf, s->u.atomic.index, true);
        return;
    case WEFT_SK_EVAL:
        collect_expr(p, list, s->u.eval.call, NULL);
        return;
    case WEFT_SK_MATRIX:
        add_matrix(p, list, s);
        return;
    default:
        return;
    }
}

/* ---- following execution --------------------------------------------------------------------- */

static void follow(planner *, const weft_stmt *);

static bool
has_barrier(const planner *p, const weft_stmt *s)
{
    for (int i = 0; i < p->before.n; i++)
        if (p->before.at[i] == s)
            return true;
    return false;
}

static void
put_barrier(planner *p, const weft_stmt *s)
{
    if (!has_barrier(p, s))
        *WEFT_PUSH(&p->scratch, &p->before) = s;
    p->pending.n = 0;
}

static bool
same_access(const access *a, const access *b)
{
    return a->buf == b->buf && a->index == b->index && a->write == b->write &&
           a->matrix == b->matrix && a->plain == b->plain && a->affine == b->affine &&
           a->shift == b->shift && a->lo == b->lo && a->hi == b->hi &&
           memcmp(a->first, b->first, sizeof a->first) == 0 &&
           memcmp(a->last, b->last, sizeof a->last) == 0;
}

/* More accesses to a list, each kept once. */
static void
add_accesses(planner *p, access_list *to, const access_list *more)
{
    for (int i = 0; i < more->n; i++) {
        bool known = false;
        for (int k = 0; k < to->n && !known; k++)
            known = same_access(&to->at[k], &more->at[i]);
        if (!known)
            *WEFT_PUSH(&p->scratch, to) = more->at[i];
    }
}

/* The accesses happen now, at statement s. */
static void
meet(planner *p, const weft_stmt *s, const access_list *now)
{
    const access *hit = NULL;
    for (int i = 0; i < now->n && !hit; i++)
        for (int k = 0; k < p->pending.n && !hit; k++)
            if (conflict(p, &now->at[i], &p->pending.at[k]))
                hit = &now->at[i];
    if (hit) {
        p->fence |= hit->buf->space == WEFT_SHARED ? WEFT_FENCE_SHARED : WEFT_FENCE_GLOBAL;
        put_barrier(p, s);
    }
    add_accesses(p, &p->pending, now);
}

/* Whether e is made of the thread's number. */
static bool
varies(const planner *p, const weft_expr *e)
{
    for (int t = 0; t < 3; t++)
        if (p->thread[t] && p->extent[t] > 1 && weft_uses_var(e, p->thread[t]))
            return true;
    for (int i = 0; i < p->varying.n; i++)
        if (weft_uses_var(e, p->varying.at[i]))
            return true;
    return false;
}

static bool
differs(const planner *p, const weft_expr *e)
{
    return varies(p, e) || !e->h.pure;
}

static void
note_name(planner *p, const weft_stmt *let)
{
    if (varies(p, let->u.let.value))
        *WEFT_PUSH(&p->scratch, &p->varying) = let->u.let.var;
}

/* Everything that s touches, under the loops and conditions around each access. */
static void
collect_all(planner *p, access_list *list, const weft_stmt *s)
{
    int mark = weft_facts_mark(p->facts);
    collect_own(p, list, s);
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            collect_all(p, list, s->u.seq.at[i]);
        break;
    case WEFT_SK_FOR:
        weft_facts_extent(p->facts, s->u.loop.var, s->u.loop.extent);
        collect_all(p, list, s->u.loop.body);
        break;
    case WEFT_SK_WHILE:
        collect_all(p, list, s->u.loop.body);
        break;
    case WEFT_SK_IF:
        weft_facts_assume(p->facts, s->u.iff.cond);
        collect_all(p, list, s->u.iff.then);
        weft_facts_pop(p->facts, mark);
        if (s->u.iff.els)
            collect_all(p, list, s->u.iff.els);
        break;
    case WEFT_SK_LET:
        collect_all(p, list, s->u.let.body);
        break;
    case WEFT_SK_ALLOC:
        collect_all(p, list, s->u.alloc.body);
        break;
    default:
        break;
    }
    weft_facts_pop(p->facts, mark);
}

/* Threads may disagree on whether they run it: its accesses count as one, at its place.  Two stores
 * in it are of one run of one stage, which computes no element twice; in global memory a thread
 * reads what it has stored itself alone. */
static void
follow_divided(planner *p, const weft_stmt *s)
{
    access_list all = { 0 };
    collect_all(p, &all, s);
    for (int i = 0; i < all.n; i++)
        for (int k = i; k < all.n; k++)
            if (all.at[i].buf->space == WEFT_SHARED && !(all.at[i].write && all.at[k].write) &&
                conflict(p, &all.at[i], &all.at[k]) && !p->status)
                p->status = weft_fail(
                    p->diag, WEFT_UNSUPPORTED,
                    "kernel '%s': '%s' needs a barrier where the threads of a block may disagree; "
                    "move its stage out of the guarded loop",
                    p->kernel->name, all.at[i].buf->name);
    meet(p, s, &all);
}

static bool
runs_once(const planner *p, const weft_stmt *s)
{
    int64_t least, most;
    return s->kind == WEFT_SK_FOR &&
           weft_bounds(p->ir, p->facts, s->u.loop.extent, &least, &most) && least > 0;
}

static bool
is_bound(const weft_stmt *s)
{
    return s->kind == WEFT_SK_FOR &&
           (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind));
}

static bool
look_for_barrier(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_BARRIER;
    return !*found;
}

/* Whether s was followed as a whole: nothing in it waits for anything in it. */
static bool
follow_whole(planner *p, const weft_stmt *s)
{
    access_list all = { 0 };
    bool waits = false;
    weft_walk_stmt(&(weft_walker){ .stmt = look_for_barrier, .user = &waits }, s);
    if (waits)
        return false;
    collect_all(p, &all, s);
    for (int i = 0; i < all.n; i++)
        for (int k = i; k < all.n; k++)
            if (conflict(p, &all.at[i], &all.at[k]))
                return false;
    meet(p, s, &all);
    return true;
}

typedef struct cycle {
    const weft_var *var;
    int64_t n;
} cycle;

/* v, or v + 1 and so on */
static bool
counts(const weft_expr *e, const weft_var *v)
{
    if (e->h.kind == WEFT_EK_ADD && weft_is_imm(e->arg[1]))
        e = e->arg[0];
    return e->h.kind == WEFT_EK_VAR && e->h.u.var == v;
}

static bool
look_for_cycle(void *user, const weft_expr *e)
{
    cycle *c = user;
    int64_t n, both;
    if (e->h.kind == WEFT_EK_FMOD && weft_as_int(e->arg[1], &n) && n > 1 && n <= MAX_CYCLE &&
        counts(e->arg[0], c->var)) {
        both = c->n / weft_gcd(c->n, n) * n;
        c->n = both <= MAX_CYCLE ? both : c->n;
    }
    return true;
}

/* After how many iterations what the loop touches recurs: memory in stages is taken by turns.  Of
 * loops in each other one is followed so. */
static int64_t
cycle_of(const planner *p, const weft_stmt *s)
{
    cycle c = { s->u.loop.var, 1 };
    if (s->kind == WEFT_SK_FOR && p->turn.n == 0)
        weft_walk_stmt(&(weft_walker){ .expr = look_for_cycle, .user = &c }, s->u.loop.body);
    return c.n;
}

/* One iteration, of those that are c.n times c.var, and r more. */
static void
follow_turn(planner *p, const weft_stmt *s, cycle c, int64_t r)
{
    int mark = weft_facts_mark(p->facts), turns = p->turn.n;
    const weft_var *v = s->u.loop.var;
    if (s->kind == WEFT_SK_FOR)
        weft_facts_extent(p->facts, v, s->u.loop.extent);
    if (c.n > 1) {
        weft_dtype t = (weft_dtype)v->type.dtype;
        int64_t steps;
        bool known = weft_as_int(s->u.loop.extent, &steps) && steps > r;
        weft_facts_range(p->facts, c.var, weft_int(p->ir, t, 0),
                         known ? weft_int(p->ir, t, (steps - 1 - r) / c.n) : NULL);
        *WEFT_PUSH(&p->scratch, &p->turn) = v;
        *WEFT_PUSH(&p->scratch, &p->turn_value) =
            weft_add(p->ir, weft_mul(p->ir, weft_ref(p->ir, c.var), weft_int(p->ir, t, c.n)),
                     weft_int(p->ir, t, r));
    }
    follow(p, s->u.loop.body);
    p->turn.n = p->turn_value.n = turns;
    weft_facts_pop(p->facts, mark);
}

/* The loop goes round; into `after`, what waits when it ends. */
static void
follow_round(planner *p, const weft_stmt *s, cycle c, access_list *after)
{
    int64_t steps = 0, last = -1;
    if (s->kind == WEFT_SK_FOR && weft_as_int(s->u.loop.extent, &steps) && steps > 0)
        last = (steps - 1) % c.n;
    for (int64_t r = 0; r < c.n && (last < 0 || r < steps); r++) {
        follow_turn(p, s, c, r);
        if (last < 0 || r == last)
            add_accesses(p, after, &p->pending);
    }
}

/* Rounds until one adds no barrier: the second sees what the first left.  Then the first again, with
 * what waits before the loop: a barrier that only that needs stands before the loop, once. */
static void
follow_loop(planner *p, const weft_stmt *s)
{
    access_list start = p->pending, after = { 0 };
    cycle c = { NULL, cycle_of(p, s) };
    int had, round = 0;
    if (c.n > 1)
        c.var = weft_var_make(p->ir, s->u.loop.var->name, s->u.loop.var->type);
    p->pending = (access_list){ 0 };
    do {
        had = p->before.n;
        after.n = 0;
        follow_round(p, s, c, &after);
    } while ((round++ == 0 || p->before.n > had) && !p->status);
    had = p->before.n;
    p->pending.n = 0;
    add_accesses(p, &p->pending, &start);
    follow_round(p, s, c, &after);
    if (p->before.n > had) {
        p->before.n = had;
        put_barrier(p, s);
        start.n = after.n = 0;
        follow_round(p, s, c, &after);
    }
    if (!runs_once(p, s))
        add_accesses(p, &after, &start);
    p->pending = after;
}

/* A thread or block runs once. */
static void
follow_bound(planner *p, const weft_stmt *s)
{
    int mark = weft_facts_mark(p->facts);
    weft_facts_extent(p->facts, s->u.loop.var, s->u.loop.extent);
    follow(p, s->u.loop.body);
    weft_facts_pop(p->facts, mark);
}

/* Both branches, each from what waits at `start`. */
static void
follow_branches(planner *p, const weft_stmt *s, const access_list *start)
{
    access_list after = { 0 };
    p->pending.n = 0;
    add_accesses(p, &p->pending, start);
    follow(p, s->u.iff.then);
    add_accesses(p, &after, &p->pending);
    p->pending.n = 0;
    add_accesses(p, &p->pending, start); /* the branch may be skipped, its barriers with it */
    if (s->u.iff.els)
        follow(p, s->u.iff.els);
    add_accesses(p, &p->pending, &after);
}

/* What a branch would wait for at its begin all wait for before it: one barrier on every path. */
static void
follow_if(planner *p, const weft_stmt *s)
{
    access_list start = p->pending, none = { 0 };
    p->pending = none;
    follow_branches(p, s, &none);
    int had = p->before.n;
    follow_branches(p, s, &start);
    if (p->before.n == had)
        return;
    p->before.n = had;
    put_barrier(p, s);
    follow_branches(p, s, &none);
}

static void
follow(planner *p, const weft_stmt *s)
{
    access_list own = { 0 };
    if (has_barrier(p, s)) /* from a round before */
        p->pending.n = 0;
    bool loop = s->kind == WEFT_SK_FOR || s->kind == WEFT_SK_WHILE;
    if ((loop && differs(p, s->u.loop.extent)) ||
        (s->kind == WEFT_SK_IF && differs(p, s->u.iff.cond))) {
        follow_divided(p, s);
        return;
    }
    collect_own(p, &own, s);
    meet(p, s, &own);
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            follow(p, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        if (is_bound(s))
            follow_bound(p, s);
        else if (!follow_whole(p, s))
            follow_loop(p, s);
        return;
    case WEFT_SK_IF:
        follow_if(p, s);
        return;
    case WEFT_SK_LET:
        note_name(p, s);
        follow(p, s->u.let.body);
        return;
    case WEFT_SK_ALLOC:
        follow(p, s->u.alloc.body);
        return;
    case WEFT_SK_BARRIER:
        p->pending.n = 0;
        return;
    default:
        return;
    }
}

/* ---- the pass -------------------------------------------------------------------------------- */

static bool
note_bound(void *user, const weft_stmt *s)
{
    planner *p = user;
    if (s->kind != WEFT_SK_FOR)
        return true;
    weft_bind b = s->u.loop.bind;
    if (weft_is_thread(b)) {
        int t = (int)b - WEFT_THREAD_X;
        p->thread[t] = s->u.loop.var;
        if (!weft_as_int(s->u.loop.extent, &p->extent[t]))
            p->extent[t] = INT32_MAX;
    }
    if (weft_is_block(b))
        *WEFT_PUSH(&p->scratch, &p->uniform) = s->u.loop.var;
    return true;
}

static const weft_stmt *
insert(weft_rewriter *rw, const weft_stmt *s)
{
    planner *p = rw->user;
    const weft_stmt *t = weft_rewrite_children(rw, s);
    for (int i = 0; i < p->before.n; i++)
        if (p->before.at[i] == s)
            return weft_seq2(rw->ir, weft_barrier(rw->ir, p->fence), t);
    return t;
}

weft_status
weft_pass_barriers(weft_kernel *k, const weft_lower_options *options, bool *changed,
                   weft_diag *diag)
{
    planner p = { .ir = k->ir, .kernel = k, .extent = { 1, 1, 1 }, .diag = diag };
    (void)options;
    *changed = false;
    for (int i = 0; i < k->nscalar; i++)
        *WEFT_PUSH(&p.scratch, &p.uniform) = k->scalar[i];
    weft_walk_stmt(&(weft_walker){ .stmt = note_bound, .user = &p }, k->body);
    if (p.extent[0] == 1 && p.extent[1] == 1 && p.extent[2] == 1) {
        weft_arena_reset(&p.scratch);
        return WEFT_OK;
    }
    p.facts = weft_facts_create(k->ir);
    follow(&p, k->body);
    weft_facts_destroy(p.facts);
    if (p.before.n && !p.status) {
        weft_rewriter rw = { .ir = k->ir, .stmt = insert, .user = &p };
        k->body = weft_rewrite_stmt(&rw, k->body);
        weft_rewrite_done(&rw);
        *changed = true;
    }
    weft_arena_reset(&p.scratch);
    return p.status;
}
