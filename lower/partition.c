/* partition: guards that hold almost everywhere leave the loops where they hold.
 *
 *   for v { if (c) s }            if (c) for v s            when c is free of v
 *   for v in 0..n { .. if (c) }   for v in 0..t, no guard;  for v in 0..n-t, guarded
 *                                 when c holds for all v < t, whatever the other loops are at
 *   for v { .. if (c) }           if (worst) for v, no guard; else for v guarded
 *                                 when `worst` implies c for every step of the loops inside; where
 *                                 all guards of a tile ask one thing, its registers are in both
 *
 * needs  any level; before vectorize and unroll, whose loops the last form frees of guards
 * keeps  the level; no barrier comes to stand under a guard: a statement that both reads and writes
 *        memory through which threads exchange values is never put under one
 * breaks simplified */
#include "lower/priv.h"

enum {
    MAX_STMTS = 400, /* a body larger than that is not doubled */
    MAX_DEPTH = 4    /* loops split within split loops */
};

typedef struct inner { /* loops between a guard and the statement that is looked at */
    WEFT_VEC(const weft_var *) var;
    WEFT_VEC(weft_interval) range;
} inner;

typedef struct partitioner {
    weft_ir *ir;
    const weft_kernel *k;
    const weft_caps *caps;
    const bool *exchanged; /* by parameter: threads hand values over in it */
    int depth;             /* of splits within splits */
    bool symbolic;         /* inside a loop that was split where a symbol says */
    bool tail;             /* in its second part, which runs little and gets no versions */
    weft_facts *facts;
    weft_arena arena;
    inner around; /* loops around, that a threshold has to hold for */
} partitioner;

/* ---- what a statement holds ------------------------------------------------------------------ */

typedef struct census {
    const partitioner *p;
    int stmts;
    bool shared_read, shared_write, pinned; /* pinned: a barrier or a reduction of threads */
} census;

/* Whether threads meet in the memory: it is shared, or a parameter that they hand values over
 * in. */
static bool
is_met(const partitioner *p, const weft_buf *b)
{
    for (int i = 0; b->space == WEFT_GLOBAL && i < p->k->nparam; i++)
        if (p->k->param[i] == b)
            return p->exchanged[i];
    return b->space == WEFT_SHARED;
}

static bool
count_expr(void *user, const weft_expr *e)
{
    census *c = user;
    c->shared_read |= e->h.kind == WEFT_EK_LOAD && is_met(c->p, e->h.u.buf);
    c->pinned |= e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].effect;
    return true;
}

static bool
count_stmt(void *user, const weft_stmt *s)
{
    census *c = user;
    c->stmts++;
    c->shared_write |= s->kind == WEFT_SK_STORE && is_met(c->p, s->u.store.buf);
    c->shared_write |= s->kind == WEFT_SK_ATOMIC && is_met(c->p, s->u.atomic.buf);
    const weft_spot *memory = s->kind == WEFT_SK_MATRIX ? weft_matrix_memory(s) : NULL;
    bool shared = memory && memory->buf->space == WEFT_SHARED;
    c->shared_write |= shared && s->u.matrix.op == WEFT_MATRIX_STORE;
    c->shared_read |= shared && s->u.matrix.op == WEFT_MATRIX_LOAD;
    c->pinned |=
        s->kind == WEFT_SK_BARRIER || s->kind == WEFT_SK_ALLREDUCE || s->kind == WEFT_SK_MATRIX;
    return true;
}

static census
count(const partitioner *p, const weft_stmt *s)
{
    census c = { .p = p };
    weft_walker w = { count_expr, count_stmt, &c };
    weft_walk_stmt(&w, s);
    return c;
}

/* Whether the statement may stand under a condition that threads answer differently. */
static bool
may_diverge(const partitioner *p, const weft_stmt *s)
{
    census c = count(p, s);
    return !c.pinned && !(c.shared_read && c.shared_write) && c.stmts <= MAX_STMTS;
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* The conjuncts of a condition, into at[]. */
typedef struct conjuncts {
    weft_arena *arena;
    WEFT_VEC(const weft_expr *) at;
} conjuncts;

static void
add_conjuncts(conjuncts *c, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_AND) {
        add_conjuncts(c, e->arg[0]);
        add_conjuncts(c, e->arg[1]);
        return;
    }
    for (int i = 0; i < c->at.n; i++)
        if (c->at.at[i] == e)
            return;
    *WEFT_PUSH(c->arena, &c->at) = e;
}

/* cond as less + (strict ? 1 : 0) <= more; false for other forms. */
static bool
as_order(const weft_expr *cond, const weft_expr **less, const weft_expr **more, bool *strict)
{
    weft_ek k = (weft_ek)cond->h.kind;
    bool lt = k == WEFT_EK_LT || k == WEFT_EK_LE, gt = k == WEFT_EK_GT || k == WEFT_EK_GE;
    if ((!lt && !gt) || cond->arg[0]->h.type.lanes != 1 ||
        !weft_is_int((weft_dtype)cond->arg[0]->h.type.dtype))
        return false;
    *less = cond->arg[lt ? 0 : 1];
    *more = cond->arg[lt ? 1 : 0];
    *strict = k == WEFT_EK_LT || k == WEFT_EK_GT;
    return cond->h.pure;
}

/* cond where some conjuncts are known; NULL: all of them. */
static const weft_expr *
without(weft_ir *ir, const weft_expr *cond, const conjuncts *known)
{
    if (cond->h.kind == WEFT_EK_AND)
        return weft_ix_and(ir, without(ir, cond->arg[0], known), without(ir, cond->arg[1], known));
    for (int i = 0; i < known->at.n; i++)
        if (known->at.at[i] == cond)
            return NULL;
    return cond;
}

static const weft_expr *
keep_expr(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

static const weft_stmt *
drop_known(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_IF)
        return s;
    const weft_expr *cond = without(rw->ir, s->u.iff.cond, rw->user);
    if (cond == s->u.iff.cond)
        return s;
    return cond ? weft_if(rw->ir, cond, s->u.iff.then, s->u.iff.els) : s->u.iff.then;
}

/* The statement where the conjuncts hold. */
static const weft_stmt *
assuming(partitioner *p, const weft_stmt *s, conjuncts *known)
{
    weft_rewriter rw = { .ir = p->ir, .expr = keep_expr, .stmt = drop_known, .user = known };
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    return s;
}

/* ---- guards and the loops around them -------------------------------------------------------- */

typedef struct guard {
    const weft_expr *cond;
    inner loops; /* those of the search that are around the guard */
    bool lanes;  /* one of them is vectorised or unrolled and occurs */
} guard;

typedef struct search {
    partitioner *p;
    inner loops;
    WEFT_VEC(guard) found;
    WEFT_VEC(bool) lanes; /* of loops */
} search;

/* A copy of the loops as they are now: others will take their places. */
static inner
loops_here(const search *q)
{
    inner here = { { 0 }, { 0 } };
    for (int k = 0; k < q->loops.var.n; k++) {
        *WEFT_PUSH(&q->p->arena, &here.var) = q->loops.var.at[k];
        *WEFT_PUSH(&q->p->arena, &here.range) = q->loops.range.at[k];
    }
    return here;
}

static void
note_guard(search *q, const weft_expr *cond)
{
    conjuncts c = { .arena = &q->p->arena };
    add_conjuncts(&c, cond);
    for (int i = 0; i < c.at.n; i++) {
        guard g = { .cond = c.at.at[i], .loops = loops_here(q) };
        for (int k = 0; k < g.loops.var.n; k++)
            g.lanes |= q->lanes.at[k] && weft_uses_var(g.cond, g.loops.var.at[k]);
        *WEFT_PUSH(&q->p->arena, &q->found) = g;
    }
}

static weft_interval
whole_range(weft_ir *ir, const weft_expr *extent)
{
    const weft_expr *one = weft_int(ir, (weft_dtype)extent->h.type.dtype, 1);
    return (weft_interval){ weft_int(ir, (weft_dtype)extent->h.type.dtype, 0),
                            weft_ix(ir, WEFT_EK_SUB, extent, one) };
}

static void
push_loop(partitioner *p, inner *in, const weft_stmt *loop)
{
    *WEFT_PUSH(&p->arena, &in->var) = loop->u.loop.var;
    *WEFT_PUSH(&p->arena, &in->range) = whole_range(p->ir, loop->u.loop.extent);
}

/* All guards below, in order, with the loops between. */
static void
find_guards(search *q, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            find_guards(q, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR: {
        int n = q->loops.var.n;
        push_loop(q->p, &q->loops, s);
        *WEFT_PUSH(&q->p->arena, &q->lanes) =
            s->u.loop.bind == WEFT_VECTORIZE || s->u.loop.bind == WEFT_UNROLL;
        find_guards(q, s->u.loop.body);
        q->loops.var.n = q->loops.range.n = q->lanes.n = n;
        return;
    }
    case WEFT_SK_IF:
        if (!s->u.iff.els)
            note_guard(q, s->u.iff.cond);
        find_guards(q, s->u.iff.then);
        if (s->u.iff.els)
            find_guards(q, s->u.iff.els);
        return;
    case WEFT_SK_LET: /* its name has no range: a guard over it is left alone */
        find_guards(q, s->u.let.body);
        return;
    case WEFT_SK_ALLOC:
        find_guards(q, s->u.alloc.body);
        return;
    default:
        return;
    }
}

/* Whether every variable of e is bound outside of the statement: a loop's of `in` or further out.
 */
typedef struct scope {
    const weft_stmt *s;
    bool inside;
    const weft_expr *e;
} scope;

static bool
look_for_binding(void *user, const weft_stmt *s)
{
    scope *c = user;
    const weft_var *v = s->kind == WEFT_SK_FOR   ? s->u.loop.var
                        : s->kind == WEFT_SK_LET ? s->u.let.var
                                                 : NULL;
    if (v)
        c->inside |= weft_uses_var(c->e, v);
    for (int i = 0; s->kind == WEFT_SK_ALLREDUCE && i < s->u.all.with->n; i++)
        c->inside |= weft_uses_var(c->e, s->u.all.var[i]);
    return true;
}

static bool
bound_outside(const weft_stmt *s, const weft_expr *e)
{
    scope c = { s, false, e };
    weft_walker w = { .stmt = look_for_binding, .user = &c };
    weft_walk_stmt(&w, s);
    return !c.inside;
}

/* ---- one threshold of a serial loop ---------------------------------------------------------- */

/* How far e may reach while the loops around and inside run; NULL where no end is found. */
static weft_interval
reach(partitioner *p, const weft_expr *e, const inner *a, const inner *b)
{
    int n = a->var.n + b->var.n;
    const weft_var **var = WEFT_NEW_ARRAY(&p->arena, n, const weft_var *);
    weft_interval *range = WEFT_NEW_ARRAY(&p->arena, n, weft_interval);
    for (int i = 0; i < n; i++) {
        var[i] = i < a->var.n ? a->var.at[i] : b->var.at[i - a->var.n];
        range[i] = i < a->var.n ? a->range.at[i] : b->range.at[i - a->var.n];
    }
    weft_interval r = weft_eval_interval(p->ir, p->facts, e, n, var, range);
    r.lo = r.lo ? weft_simplify_expr(p->ir, p->facts, r.lo) : NULL;
    r.hi = r.hi ? weft_simplify_expr(p->ir, p->facts, r.hi) : NULL;
    return r;
}

/* Whether all threads see the same value: it is over the kernel's scalars alone. */
static bool
is_uniform_var(void *user, const weft_expr *e)
{
    const weft_kernel **k = user;
    bool scalar = e->h.kind != WEFT_EK_VAR && e->h.kind != WEFT_EK_LOAD;
    for (int i = 0; *k && i < (*k)->nscalar; i++)
        scalar |= e->h.kind == WEFT_EK_VAR && (*k)->scalar[i] == e->h.u.var;
    if (!scalar)
        *k = NULL;
    return *k;
}

static bool
is_uniform(const partitioner *p, const weft_expr *e)
{
    const weft_kernel *k = p->k;
    weft_walker w = { .expr = is_uniform_var, .user = &k };
    weft_walk_expr(&w, e);
    return k;
}

/* a <= b, also of quotients by one number. */
static bool
at_most(partitioner *p, const weft_expr *a, const weft_expr *b)
{
    int64_t c, d;
    if (weft_prove(p->ir, p->facts, weft_le(p->ir, a, b)))
        return true;
    return a->h.kind == WEFT_EK_FDIV && b->h.kind == WEFT_EK_FDIV && weft_as_int(a->arg[1], &c) &&
           weft_as_int(b->arg[1], &d) && c == d && c > 0 && at_most(p, a->arg[0], b->arg[0]);
}

/* t between 0 and n; NULL for a symbolic t that is not known to be there, or within a loop that was
 * split at a symbolic one already: the pieces would grow with every round. */
static const weft_expr *
clamp(partitioner *p, const weft_expr *t, const weft_expr *n)
{
    weft_ir *ir = p->ir;
    const weft_expr *zero = weft_int(ir, (weft_dtype)t->h.type.dtype, 0);
    int64_t v, most;
    if (weft_as_int(t, &v) && weft_as_int(n, &most))
        return weft_ix(ir, WEFT_EK_MAX, weft_ix(ir, WEFT_EK_MIN, t, n), zero);
    return !p->symbolic && at_most(p, zero, t) && at_most(p, t, n) ? t : NULL;
}

/* t such that the guard holds for all v < t; NULL where none is found. */
static const weft_expr *
threshold(partitioner *p, const guard *g, const weft_stmt *loop)
{
    const weft_expr *less, *more, *stride, *rest;
    bool strict;
    int64_t c;
    weft_ir *ir = p->ir;
    const weft_var *v = loop->u.loop.var;
    if (!as_order(g->cond, &less, &more, &strict) || !weft_uses_var(g->cond, v))
        return NULL;
    const weft_expr *over = weft_simplify_expr(ir, p->facts, weft_sub(ir, less, more));
    weft_interval r = reach(p, over, &p->around, &g->loops);
    if (!r.hi || !weft_affine_in(ir, r.hi, v, &stride, &rest) || !weft_as_int(stride, &c) ||
        c <= 0 || !rest || !is_uniform(p, rest))
        return NULL;
    /* stride * v + rest < 0 (<= 0): v < ceil(-rest / stride) (floor(-rest / stride) + 1) */
    const weft_expr *zero = weft_int(ir, (weft_dtype)rest->h.type.dtype, 0),
                    *neg = weft_ix(ir, WEFT_EK_SUB, zero, rest);
    const weft_expr *off = weft_int(ir, (weft_dtype)rest->h.type.dtype, strict ? c - 1 : c);
    const weft_expr *t = weft_ix(ir, WEFT_EK_FDIV, weft_ix(ir, WEFT_EK_ADD, neg, off),
                                 weft_int(ir, (weft_dtype)rest->h.type.dtype, c));
    return clamp(p,
                 weft_simplify_expr(ir, p->facts, weft_ix_cast(ir, (weft_dtype)v->type.dtype, t)),
                 loop->u.loop.extent);
}

/* The smallest threshold that is worth it, with the guards it decides in `known`. */
static const weft_expr *
best_threshold(partitioner *p, const search *q, const weft_stmt *loop, conjuncts *known)
{
    const weft_expr *best = NULL;
    for (int i = 0; i < q->found.n; i++) {
        const weft_expr *t = threshold(p, &q->found.at[i], loop);
        if (!t || weft_is_int_imm(t, 0) || t == loop->u.loop.extent)
            continue;
        if (!best || best == t || weft_prove(p->ir, p->facts, weft_le(p->ir, best, t))) {
            best = best ? best : t;
        } else if (weft_prove(p->ir, p->facts, weft_le(p->ir, t, best))) {
            best = t;
        } else {
            continue;
        }
        add_conjuncts(known, q->found.at[i].cond);
    }
    return best;
}

static const weft_stmt *partition(partitioner *, const weft_stmt *);

/* ---- a loop in two parts --------------------------------------------------------------------- */

/* The loop from t on: its variable counts from 0 again. */
static const weft_stmt *
tail_loop(partitioner *p, const weft_stmt *loop, const weft_expr *t)
{
    weft_ir *ir = p->ir;
    const weft_stmt *s = weft_refresh(ir, loop);
    const weft_var *v = s->u.loop.var, *from_0 = weft_var_make(ir, v->name, v->type);
    const weft_expr *at = weft_ix(ir, WEFT_EK_ADD, t, weft_ref(ir, from_0));
    const weft_stmt *body = weft_subst_stmt(ir, s->u.loop.body, 1, &v, &at);
    const weft_expr *left =
        weft_simplify_expr(ir, p->facts, weft_ix(ir, WEFT_EK_SUB, loop->u.loop.extent, t));
    weft_stmt tail = *loop;
    tail.u.loop.var = from_0;
    return weft_for_like(ir, &tail, left, body);
}

static const weft_stmt *
try_split(partitioner *p, const weft_stmt *loop)
{
    search q = { .p = p };
    conjuncts known = { .arena = &p->arena };
    census c = count(p, loop);
    if (loop->u.loop.bind != WEFT_SERIAL || c.pinned || c.stmts > MAX_STMTS ||
        p->depth == MAX_DEPTH)
        return NULL;
    find_guards(&q, loop->u.loop.body);
    const weft_expr *t = best_threshold(p, &q, loop, &known);
    if (!t)
        return NULL;
    const weft_stmt *body = assuming(p, loop->u.loop.body, &known);
    const weft_stmt *full = weft_for_like(p->ir, loop, t, body);
    const weft_stmt *tail = weft_simplify_stmt(p->ir, p->facts, tail_loop(p, loop, t));
    bool symbolic = p->symbolic, in_tail = p->tail;
    p->symbolic |= !weft_is_imm(t);
    p->depth++;
    full = partition(p, full);
    p->tail |= !weft_is_imm(t);
    tail = weft_divide_lanes(p->ir, p->facts, p->caps, true, partition(p, tail));
    p->depth--;
    p->symbolic = symbolic;
    p->tail = in_tail;
    return weft_seq2(p->ir, full, tail);
}

/* ---- a version without guards ---------------------------------------------------------------- */

/* What implies the guard for every step of the loops inside; NULL where nothing is found. */
static const weft_expr *
worst_case(partitioner *p, const guard *g)
{
    static const inner none = { { 0 }, { 0 } };
    const weft_expr *less, *more;
    bool strict;
    if (!as_order(g->cond, &less, &more, &strict))
        return NULL;
    weft_interval a = reach(p, less, &none, &g->loops), b = reach(p, more, &none, &g->loops);
    if (!a.hi || !b.lo)
        return NULL;
    return weft_simplify_expr(p->ir, p->facts,
                              weft_binary(p->ir, strict ? WEFT_EK_LT : WEFT_EK_LE, a.hi, b.lo));
}

/* The statement where `all` does not hold. */
static const weft_stmt *
other_version(partitioner *p, const weft_stmt *s, const weft_expr *all)
{
    int mark = weft_facts_mark(p->facts);
    if (all->h.pure)
        weft_facts_assume(p->facts, weft_not(p->ir, all));
    s = weft_divide_lanes(p->ir, p->facts, p->caps, true, weft_refresh(p->ir, s));
    weft_facts_pop(p->facts, mark);
    return s;
}

/* What the guards in a statement come to, for one of it without them. */
typedef struct version {
    conjuncts known, worst; /* guards that go; what implies them */
    bool lanes;             /* one of them is asked of lanes or unrolled steps */
} version;

static version
find_version(partitioner *p, const weft_stmt *s)
{
    search q = { .p = p };
    version v = { .known = { .arena = &p->arena }, .worst = { .arena = &p->arena } };
    find_guards(&q, s);
    for (int i = 0; i < q.found.n; i++) {
        const weft_expr *w = worst_case(p, &q.found.at[i]);
        if (!w || weft_is_int_imm(w, 0) || !bound_outside(s, w))
            continue;
        v.lanes |= q.found.at[i].lanes;
        add_conjuncts(&v.known, q.found.at[i].cond);
        add_conjuncts(&v.worst, w);
    }
    return v;
}

static const weft_stmt *
try_version(partitioner *p, const weft_stmt *s)
{
    const weft_expr *all = NULL;
    if (p->tail || !may_diverge(p, s))
        return NULL;
    version v = find_version(p, s);
    bool whole = s->kind == WEFT_SK_ALLOC; /* whose guards are to be one question */
    if (!v.lanes || (whole && v.worst.at.n != 1))
        return NULL;
    for (int i = 0; i < v.worst.at.n; i++)
        if (!weft_is_int_imm(v.worst.at.at[i], 1))
            all = weft_ix_and(p->ir, all, v.worst.at.at[i]);
    const weft_stmt *full = assuming(p, s, &v.known);
    return all ? weft_if(p->ir, all, full, other_version(p, s, all)) : full;
}

/* ---- guards out of loops --------------------------------------------------------------------- */

/* for v { if (a && b) s }: the part of the condition that is free of v moves out. */
static const weft_stmt *
lift_guard(partitioner *p, const weft_stmt *loop)
{
    const weft_stmt *body = loop->u.loop.body;
    const weft_expr *out = NULL, *in = NULL;
    conjuncts c = { .arena = &p->arena };
    if (body->kind != WEFT_SK_IF || body->u.iff.els || !may_diverge(p, body))
        return loop;
    add_conjuncts(&c, body->u.iff.cond);
    for (int i = 0; i < c.at.n; i++) {
        bool free = c.at.at[i]->h.pure && !weft_uses_var(c.at.at[i], loop->u.loop.var);
        *(free ? &out : &in) = weft_ix_and(p->ir, free ? out : in, c.at.at[i]);
    }
    if (!out)
        return loop;
    const weft_stmt *inside = in ? weft_if(p->ir, in, body->u.iff.then, NULL) : body->u.iff.then;
    return weft_if(p->ir, out, weft_for_like(p->ir, loop, loop->u.loop.extent, inside), NULL);
}

static const weft_stmt *
lift(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    bool bound =
        s->kind == WEFT_SK_FOR && (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind));
    return s->kind == WEFT_SK_FOR && !bound ? lift_guard(rw->user, s) : s;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static const weft_stmt *
partition_loop(partitioner *p, const weft_stmt *s)
{
    weft_bind bind = s->u.loop.bind;
    bool bound = weft_is_block(bind) || weft_is_thread(bind);
    const weft_stmt *made = bound ? NULL : try_split(p, s);
    made = made || bound ? made : try_version(p, s);
    if (made)
        return made;
    int mark = weft_facts_mark(p->facts), n = p->around.var.n;
    weft_facts_extent(p->facts, s->u.loop.var, s->u.loop.extent);
    push_loop(p, &p->around, s);
    const weft_stmt *body = partition(p, s->u.loop.body);
    p->around.var.n = p->around.range.n = n;
    weft_facts_pop(p->facts, mark);
    return body == s->u.loop.body ? s : weft_for_like(p->ir, s, s->u.loop.extent, body);
}

static const weft_stmt *
partition_child(weft_rewriter *rw, const weft_stmt *s)
{
    return partition(rw->user, s);
}

static const weft_stmt *
partition(partitioner *p, const weft_stmt *s)
{
    if (s->kind == WEFT_SK_FOR)
        return partition_loop(p, s);
    const weft_stmt *made =
        s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->space == WEFT_LOCAL ? try_version(p, s) : NULL;
    if (made)
        return made;
    weft_rewriter rw = { .ir = p->ir, .expr = keep_expr, .stmt = partition_child, .user = p };
    int mark = weft_facts_mark(p->facts);
    if (s->kind == WEFT_SK_IF && !s->u.iff.els && s->u.iff.cond->h.pure)
        weft_facts_assume(p->facts, s->u.iff.cond);
    s = weft_rewrite_children(&rw, s);
    weft_facts_pop(p->facts, mark);
    weft_rewrite_done(&rw);
    return s;
}

weft_status
weft_pass_partition(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)diag;
    partitioner p = { .ir = k->ir, .k = k, .caps = o->caps, .facts = weft_kernel_facts(k) };
    bool *exchanged = WEFT_NEW_ARRAY(&p.arena, k->nparam, bool);
    for (int i = 0; i < k->nparam; i++)
        exchanged[i] = weft_exchanges(k, i);
    p.exchanged = exchanged;
    weft_rewriter rw = { .ir = k->ir, .expr = keep_expr, .stmt = lift, .user = &p };
    const weft_stmt *body = weft_divide_lanes(k->ir, p.facts, o->caps, false, k->body);
    body = partition(&p, weft_rewrite_stmt(&rw, body));
    weft_rewrite_done(&rw);
    weft_facts_destroy(p.facts);
    weft_arena_reset(&p.arena);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
