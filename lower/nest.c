/* Loop nests: the loops of a stage, its guards, the initialisation and update of reductions, and
 * the nests of stages that are attached to its loops.
 *
 * Guards stand around stores alone, never around loops: a barrier may come to stand in any loop.
 * One generator (weft_site_guard) makes those of initialisation, update and copy. */
#include "lower/priv.h"

typedef struct nest {
    weft_plan *p;
    weft_site *s;
    int init_at;   /* the first leaf that a reduction runs over; -1: none */
    bool cross;    /* a reduce leaf runs on threads: accumulates in `part`, one a thread */
    unsigned axes; /* those threads, bits 1u << bind */
    const weft_buf **part;
    weft_combiner *with;
} nest;

static const weft_stmt *build(nest *, int leaf);
static const weft_stmt *leaf_loop(const nest *, const weft_axis *, const weft_var *,
                                  const weft_stmt *body);

/* ---- statements at the innermost place ------------------------------------------------------- */

static const weft_stmt *
guarded(const nest *n, const weft_expr *cond, const weft_stmt *s)
{
    return cond ? weft_if(n->p->ir, cond, s, NULL) : s;
}

/* One thread alone stores where the stage's memory is shared with threads that it is not bound to.
 */
static const weft_expr *
one_of(const nest *n, unsigned own, unsigned also)
{
    const weft_cluster *g = n->s->cluster;
    const weft_expr *cond = NULL;
    if (n->s->space >= WEFT_LOCAL)
        return NULL;
    for (int i = 0; i < n->s->stage->leaf.n; i++)
        own |= 1u << n->s->stage->leaf.at[i]->bind;
    for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++) {
        if (!g->var[b] || weft_is_int_imm(g->extent[b], 1) || (own & ~also & 1u << b))
            continue;
        const weft_expr *t = weft_ref(n->p->ir, g->var[b]);
        cond =
            weft_ix_and(n->p->ir, cond,
                        weft_eq(n->p->ir, t, weft_int(n->p->ir, (weft_dtype)t->h.type.dtype, 0)));
    }
    return cond;
}

static const weft_expr *
one_thread(const nest *n, unsigned also)
{
    return one_of(n, 0, also);
}

/* A tile is of all lanes along thread.x; along the other axes one subgroup alone stores it. */
static const weft_stmt *
one_group(const nest *n, const weft_stmt *s)
{
    return s ? guarded(n, one_of(n, 1u << WEFT_THREAD_X, 0), s) : NULL;
}

static const weft_stmt *
store_all(const nest *n, const weft_expr *const *value, const weft_expr *const *what)
{
    int nout = n->s->op->nout;
    const weft_stmt **store = WEFT_NEW_ARRAY(n->p->arena, nout, const weft_stmt *);
    const weft_expr **index = weft_site_index(n->p, n->s, value);
    for (int k = 0; k < nout; k++)
        store[k] = weft_store(n->p->ir, n->s->buf[k], n->s->op->naxis, index, what[k]);
    return weft_seq(n->p->ir, nout, store);
}

static const weft_stmt *
copy(const nest *n)
{
    const weft_plan *p = n->p;
    const weft_expr **what = WEFT_NEW_ARRAY(p->arena, n->s->op->nout, const weft_expr *);
    bool padded = n->s->padded;
    const weft_expr *guard = padded ? weft_site_reach(p, n->s, n->s->value, false)
                                    : weft_site_guard(p, n->s, n->s->value, false);
    int mark = weft_facts_mark(p->facts);
    if (guard)
        weft_facts_assume(p->facts, guard);
    const weft_expr *within = padded ? weft_site_domain(p, n->s, n->s->value) : NULL;
    int inner = weft_facts_mark(p->facts);
    if (within)
        weft_facts_assume(p->facts, within);
    for (int k = 0; k < n->s->op->nout; k++)
        what[k] = weft_site_resolve(p, n->s, n->s->value, n->s->body[k]);
    weft_facts_pop(p->facts, inner);
    for (int k = 0; within && k < n->s->op->nout; k++)
        what[k] = weft_guard(p->ir, within, what[k], weft_imm(p->ir, what[k]->h.type, 0));
    const weft_stmt *s = store_all(n, n->s->value, what);
    weft_facts_pop(p->facts, mark);
    return guarded(n, weft_ix_and(p->ir, guard, one_thread(n, 0)), s);
}

/* ---- reductions ------------------------------------------------------------------------------ */

/* Where the update accumulates: the output's element, or the thread's own part. */
static const weft_expr *
accumulator(const nest *n, const weft_expr *const *index, int k)
{
    const weft_expr *zero = weft_i32(n->p->ir, 0);
    return n->cross ? weft_load(n->p->ir, n->part[k], 1, &zero)
                    : weft_load(n->p->ir, n->s->buf[k], n->s->op->naxis, index);
}

static const weft_stmt *
accumulate(const nest *n, const weft_expr *const *index, int k, const weft_expr *what)
{
    const weft_expr *zero = weft_i32(n->p->ir, 0);
    return n->cross ? weft_store(n->p->ir, n->part[k], 1, &zero, what)
                    : weft_store(n->p->ir, n->s->buf[k], n->s->op->naxis, index, what);
}

/* One value: acc = result(acc, source). */
static const weft_stmt *
update_one(const nest *n, const weft_expr *const *index, const weft_expr *source)
{
    const weft_te_op *op = n->s->op;
    const weft_var *const var[2] = { op->lhs[0], op->rhs[0] };
    const weft_expr *const to[2] = { accumulator(n, index, 0), source };
    return accumulate(n, index, 0, weft_subst_expr(n->p->ir, op->result[0], 2, var, to));
}

/* A tuple changes at once: all new values are named before the first is stored. */
static const weft_stmt *
update_tuple(const nest *n, const weft_expr *const *index, const weft_expr *const *source)
{
    weft_ir *ir = n->p->ir;
    const weft_te_op *op = n->s->op;
    int m = op->nout;
    const weft_var **var = WEFT_NEW_ARRAY(n->p->arena, 2 * m, const weft_var *),
                   **fresh = WEFT_NEW_ARRAY(n->p->arena, 2 * m, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(n->p->arena, 2 * m, const weft_expr *);
    const weft_stmt **store = WEFT_NEW_ARRAY(n->p->arena, m, const weft_stmt *);
    for (int k = 0; k < m; k++) {
        var[k] = op->lhs[k];
        to[k] = accumulator(n, index, k);
        var[m + k] = op->rhs[k];
        fresh[k] = weft_var_make(ir, op->rhs[k]->name, op->rhs[k]->type);
        to[m + k] = weft_ref(ir, fresh[k]);
        fresh[m + k] = weft_var_make(
            ir, weft_arena_printf(&ir->arena, "%s_next", op->out[k]->buf->name), op->lhs[k]->type);
        store[k] = accumulate(n, index, k, weft_ref(ir, fresh[m + k]));
    }
    const weft_stmt *s = weft_seq(ir, m, store);
    for (int k = m - 1; k >= 0; k--)
        s = weft_let(ir, fresh[m + k], weft_subst_expr(ir, op->result[k], 2 * m, var, to), s);
    for (int k = m - 1; k >= 0; k--)
        s = weft_let(ir, fresh[k], source[k], s);
    return s;
}

static const weft_stmt *
update(const nest *n)
{
    const weft_plan *p = n->p;
    const weft_site *s = n->s;
    const weft_expr **source = WEFT_NEW_ARRAY(p->arena, s->op->nout, const weft_expr *);
    const weft_expr *guard = weft_site_guard(p, s, s->value, false);
    int mark = weft_facts_mark(p->facts);
    if (guard)
        weft_facts_assume(p->facts, guard);
    for (int k = 0; k < s->op->nout; k++)
        source[k] = weft_site_resolve(p, s, s->value, s->body[k]);
    const weft_expr *cond = s->cond ? weft_site_resolve(p, s, s->value, s->cond) : NULL;
    const weft_expr **index = weft_site_index(p, s, s->value);
    const weft_stmt *u =
        s->op->nout == 1 ? update_one(n, index, source[0]) : update_tuple(n, index, source);
    weft_facts_pop(p->facts, mark);
    if (!n->cross)
        guard = weft_ix_and(p->ir, guard, one_thread(n, 0));
    return guarded(n, guard, guarded(n, cond, u));
}

/* What a reduction ends in where no source contributes: `other`, or a scan's first values. */
static const weft_expr *const *
first_or(const nest *n, const weft_expr *const *value, const weft_expr *const *other)
{
    const weft_plan *p = n->p;
    const weft_site *s = n->s;
    if (!s->first)
        return other;
    const weft_expr **what = WEFT_NEW_ARRAY(p->arena, s->op->nout, const weft_expr *);
    const weft_expr *t = weft_site_resolve(p, s, value, weft_ref(p->ir, s->op->scan->var));
    const weft_expr *start = weft_eq(p->ir, t, weft_int(p->ir, (weft_dtype)t->h.type.dtype, 0));
    for (int k = 0; k < s->op->nout; k++)
        what[k] = weft_guard(p->ir, start, weft_site_resolve(p, s, value, s->first[k]), other[k]);
    return what;
}

/* The data leaves from `leaf` on once more, with variables of their own, around the identities. */
static const weft_stmt *
init_nest(const nest *n, int leaf, const weft_expr **value)
{
    const weft_plan *p = n->p;
    const weft_site *s = n->s;
    if (leaf == s->tile_at && leaf < s->stage->leaf.n)
        return one_group(n, weft_site_tile(n->p, n->s, value, true));
    if (leaf == s->stage->leaf.n) {
        weft_site_values(p, s, value);
        const weft_expr *guard = weft_site_guard(p, s, value, true);
        int mark = weft_facts_mark(p->facts);
        if (guard)
            weft_facts_assume(p->facts, guard);
        const weft_stmt *store = store_all(n, value, first_or(n, value, s->op->identity));
        weft_facts_pop(p->facts, mark);
        return guarded(n, weft_ix_and(p->ir, guard, one_thread(n, 0)), store);
    }
    const weft_axis *axis = s->stage->leaf.at[leaf];
    if (axis->kind == WEFT_AXIS_REDUCE)
        return init_nest(n, leaf + 1, value);
    if (!s->loop[axis->id]) {
        value[axis->id] = s->value[axis->id];
        return init_nest(n, leaf + 1, value);
    }
    const weft_var *v = weft_var_make(p->ir, axis->var->name, axis->var->type);
    int mark = weft_facts_mark(p->facts);
    weft_facts_extent(p->facts, v, s->extent[axis->id]);
    value[axis->id] = weft_ref(p->ir, v);
    const weft_stmt *body = init_nest(n, leaf + 1, value);
    weft_facts_pop(p->facts, mark);
    return leaf_loop(n, axis, v, body);
}

static const weft_stmt *
init(const nest *n)
{
    const weft_site *s = n->s;
    const weft_expr **value = WEFT_NEW_ARRAY(n->p->arena, n->p->te->naxis, const weft_expr *);
    for (int i = 0; i < n->init_at; i++)
        if (s->stage->leaf.at[i]->kind == WEFT_AXIS_DATA)
            value[s->stage->leaf.at[i]->id] = s->value[s->stage->leaf.at[i]->id];
    return init_nest(n, n->init_at, value);
}

/* ---- reductions across threads --------------------------------------------------------------- */

/* Whether a reduce leaf runs on threads; then no data loop may stand within the reduction. */
static bool
find_cross(nest *n)
{
    const weft_site *s = n->s;
    for (int i = 0; i < s->stage->leaf.n; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        if ((leaf->kind == WEFT_AXIS_REDUCE || (s->op->nreduce && i == s->tile_at)) &&
            n->init_at < 0)
            n->init_at = i;
        if (leaf->kind == WEFT_AXIS_REDUCE && weft_is_thread(leaf->bind)) {
            n->cross = true;
            n->axes |= 1u << leaf->bind;
        }
    }
    for (int b = WEFT_THREAD_X; n->cross && b <= WEFT_THREAD_Z; b++) {
        int64_t threads;
        if (!s->cluster->var[b] || weft_as_int(s->cluster->extent[b], &threads))
            continue;
        weft_fail(n->p->diag, WEFT_INVALID_ARGUMENT,
                  "stage '%s' is reduced across threads, but how many run on %s is not known; "
                  "split the axis that is "
                  "bound to it by a number",
                  s->name, weft_bind_name((weft_bind)b));
        return false;
    }
    for (int i = n->init_at; n->cross && i < s->stage->leaf.n; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        if (leaf->kind != WEFT_AXIS_DATA || !s->loop[leaf->id])
            continue;
        weft_fail(n->p->diag, WEFT_INVALID_ARGUMENT,
                  "stage '%s' is reduced across threads, but its data axis '%s' runs inside the "
                  "reduction; reorder it "
                  "before the reduce axes",
                  s->name, weft_axis_label(n->p->te, leaf));
        return false;
    }
    return true;
}

static void
make_parts(nest *n)
{
    weft_ir *ir = n->p->ir;
    const weft_te_op *op = n->s->op;
    const weft_expr *one = weft_i32(ir, 1);
    n->part = WEFT_NEW_ARRAY(n->p->arena, op->nout, const weft_buf *);
    for (int k = 0; k < op->nout; k++) {
        const weft_buf *out = op->out[k]->buf;
        n->part[k] = weft_buf_make(ir, weft_arena_printf(&ir->arena, "%s_part", out->name),
                                   out->dtype, WEFT_LOCAL, 1, &one);
    }
    n->with = WEFT_NEW(&ir->arena, weft_combiner);
    *n->with = (weft_combiner){ op->nout, op->lhs, op->rhs, op->result, op->identity };
}

/* Each thread reduces its share into its part; the parts are combined; one thread stores. */
static const weft_stmt *
cross_reduction(nest *n)
{
    weft_ir *ir = n->p->ir;
    weft_site *s = n->s;
    int m = s->op->nout;
    make_parts(n);
    const weft_stmt **at = WEFT_NEW_ARRAY(n->p->arena, m + 2, const weft_stmt *);
    const weft_expr **part = WEFT_NEW_ARRAY(n->p->arena, m, const weft_expr *),
                    **all = WEFT_NEW_ARRAY(n->p->arena, m, const weft_expr *);
    const weft_var **var = WEFT_NEW_ARRAY(n->p->arena, m, const weft_var *);
    for (int k = 0; k < m; k++) {
        const weft_buf *out = s->op->out[k]->buf;
        at[k] = accumulate(n, NULL, k, s->op->identity[k]);
        part[k] = accumulator(n, NULL, k);
        var[k] = weft_var_make(ir, weft_arena_printf(&ir->arena, "%s_all", out->name),
                               weft_scalar(out->dtype));
        all[k] = weft_ref(ir, var[k]);
    }
    at[m] = build(n, n->init_at);
    const weft_expr *guard = weft_site_guard(n->p, s, s->value, true);
    const weft_stmt *store = guarded(n, weft_ix_and(ir, guard, one_thread(n, n->axes)),
                                     store_all(n, s->value, first_or(n, s->value, all)));
    at[m + 1] = weft_allreduce(ir, n->with, n->axes, var, part, store);
    const weft_stmt *body = weft_seq(ir, m + 2, at);
    for (int k = m - 1; k >= 0; k--)
        body = weft_alloc(ir, n->part[k], body);
    return body;
}

/* ---- loops ----------------------------------------------------------------------------------- */

/* The loop of a leaf around its body.  Lanes of a loop without iterations
 * are none: it is serial. */
static const weft_stmt *
leaf_loop(const nest *n, const weft_axis *leaf, const weft_var *v, const weft_stmt *body)
{
    const weft_expr *extent = n->s->extent[leaf->id];
    bool empty = weft_is_int_imm(extent, 0);
    weft_stmt loop = { WEFT_SK_FOR, .u.loop = { .var = v,
                                                .bind = empty ? WEFT_SERIAL : leaf->bind,
                                                .unroll = leaf->unroll } };
    return weft_for_like(n->p->ir, &loop, extent, body);
}

/* The stages that are computed at a leaf, before what follows in its body. */
static const weft_stmt *
with_attached(nest *n, int leaf, const weft_stmt *body)
{
    weft_plan *p = n->p;
    for (int i = p->nsite - 1; i >= 0; i--) {
        weft_site *s = &p->site[i];
        if (!s->live || s->inlined || s->parent != n->s || s->at != leaf)
            continue;
        body = weft_seq2(p->ir, weft_site_nest(p, s), body);
        for (int k = s->op->nout - 1; s->space >= WEFT_LOCAL && k >= 0; k--)
            body = weft_alloc(p->ir, s->buf[k], body);
    }
    return body;
}

/* The loops from `leaf` on, without the initialisation that may stand before them. */
static const weft_stmt *
build(nest *n, int leaf)
{
    const weft_plan *p = n->p;
    weft_site *s = n->s;
    if (leaf == s->tile_at && leaf < s->stage->leaf.n)
        return one_group(n, weft_site_tile(n->p, s, s->value, false));
    if (leaf == s->stage->leaf.n)
        return s->op->nreduce ? update(n) : copy(n);
    const weft_axis *axis = s->stage->leaf.at[leaf];
    const weft_var *v = s->loop[axis->id];
    int mark = weft_facts_mark(p->facts);
    if (v)
        weft_facts_extent(p->facts, v, s->extent[axis->id]);
    const weft_stmt *body = leaf + 1 != n->init_at ? build(n, leaf + 1)
                            : n->cross             ? cross_reduction(n)
                                                   : weft_seq2(p->ir, init(n), build(n, leaf + 1));
    body = with_attached(n, leaf, body);
    weft_facts_pop(p->facts, mark);
    return v ? leaf_loop(n, axis, v, body) : body;
}

const weft_stmt *
weft_site_nest(weft_plan *p, weft_site *s)
{
    nest n = { .p = p, .s = s, .init_at = -1 };
    if (s->op->kind == WEFT_OP_EXTERN)
        return weft_refresh(p->ir, s->op->stmt);
    if (!find_cross(&n) || weft_site_check_tile(p, s))
        return NULL;
    if (n.init_at != 0)
        return build(&n, 0);
    return n.cross ? cross_reduction(&n) : weft_seq2(p->ir, init(&n), build(&n, 0));
}
