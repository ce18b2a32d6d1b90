/* lower/reduce_threads.c: reductions across the threads of a block, by shuffles or shared memory.
 *
 * needs   level flat; ALLREDUCE statements; constant thread extents
 * keeps   var[i] of each ALLREDUCE is the combination over its axes, the same for all threads there
 *         up to the order in which each has combined
 * breaks  ALLREDUCE statements are gone; needs barriers (planned later, as for any shared memory);
 *         where threads exchange values the launch requires the target's subgroups
 *
 * By shuffles where subgroups are of neighbouring threads (reduce_lanes.c).  Elsewhere each thread
 * writes its value to its own place; then, one axis after the other, the lower half of the threads
 * takes over the upper half's until one is left: log2(extent) steps an axis.
 */
#include "lower/reduce.h"

/* One ALLREDUCE being replaced. */
typedef struct tree {
    const weft_combiner *with;
    const weft_buf **buf;
    const weft_expr *own; /* the thread's place: its number, x fastest */
} tree;

static const weft_expr *
thread_ref(weft_thread_reducer *r, int t)
{
    return weft_cast(r->rw.ir, WEFT_I32, weft_ref(r->rw.ir, r->thread[t]));
}

static int64_t
stride_of(const weft_thread_reducer *r, int axis)
{
    int64_t stride = 1;
    for (int t = 0; t < axis; t++)
        stride *= r->extent[t];
    return stride;
}

const weft_expr *
weft_thread_number(weft_thread_reducer *r, unsigned skip)
{
    weft_ir *ir = r->rw.ir;
    const weft_expr *sum = weft_i32(ir, 0);
    for (int t = 0; t < 3; t++)
        if (r->thread[t] && r->extent[t] > 1 && !(skip >> (WEFT_THREAD_X + t) & 1))
            sum = weft_add(ir, sum, weft_mul(ir, thread_ref(r, t), weft_i32(ir, stride_of(r, t))));
    return weft_simplify_expr(ir, NULL, sum);
}

const weft_buf *
weft_thread_reducer_memory(weft_thread_reducer *r, weft_dtype t, int64_t elements)
{
    const weft_expr *size = weft_i32(r->rw.ir, elements);
    const weft_buf *buf = weft_buf_make(r->rw.ir, "red", t, WEFT_SHARED, 1, &size);
    *WEFT_PUSH(&r->scratch, &r->shared) = buf;
    return buf;
}

/* Own place = own place combined with the place `distance` above; all new values before any store.
 */
static const weft_stmt *
combine(weft_thread_reducer *r, const tree *t, int64_t distance)
{
    weft_ir *ir = r->rw.ir;
    int n = t->with->n;
    const weft_expr *other = weft_add(ir, t->own, weft_i32(ir, distance));
    const weft_var **from = WEFT_NEW_ARRAY(&r->scratch, 2 * n, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(&r->scratch, 2 * n, const weft_expr *);
    const weft_var **name = WEFT_NEW_ARRAY(&r->scratch, n, const weft_var *);
    const weft_stmt **store = WEFT_NEW_ARRAY(&r->scratch, n, const weft_stmt *);
    for (int i = 0; i < n; i++) {
        from[i] = t->with->lhs[i];
        to[i] = weft_load(ir, t->buf[i], 1, &t->own);
        from[n + i] = t->with->rhs[i];
        to[n + i] = weft_load(ir, t->buf[i], 1, &other);
        name[i] = weft_var_make(ir, "sum", weft_scalar(t->buf[i]->dtype));
        store[i] = weft_store(ir, t->buf[i], 1, &t->own, weft_ref(ir, name[i]));
    }
    if (n == 1)
        return weft_store(ir, t->buf[0], 1, &t->own,
                          weft_subst_expr(ir, t->with->result[0], 2, from, to));
    const weft_stmt *s = weft_seq(ir, n, store);
    for (int i = n; i-- > 0;)
        s = weft_let(ir, name[i], weft_subst_expr(ir, t->with->result[i], 2 * n, from, to), s);
    return s;
}

static const weft_stmt *
halve(weft_thread_reducer *r, const tree *t, int axis, int64_t below, int64_t distance)
{
    weft_ir *ir = r->rw.ir;
    const weft_expr *cond = weft_lt(ir, weft_ref(ir, r->thread[axis]),
                                    weft_int(ir, (weft_dtype)r->thread[axis]->type.dtype, below));
    return weft_if(ir, cond, combine(r, t, distance * stride_of(r, axis)), NULL);
}

/* The steps along one axis: down to a power of two first, then by halves. */
static const weft_stmt *
reduce_axis(weft_thread_reducer *r, const tree *t, int axis)
{
    int64_t n = r->extent[axis], half = 1;
    const weft_stmt *s = weft_nop(r->rw.ir);
    while (half * 2 <= n)
        half *= 2;
    if (half < n)
        s = halve(r, t, axis, n - half, half);
    for (half /= 2; half > 0; half /= 2)
        s = weft_seq2(r->rw.ir, s, halve(r, t, axis, half, half));
    return s;
}

static const weft_stmt *
by_halves(weft_thread_reducer *r, const weft_stmt *s)
{
    weft_ir *ir = r->rw.ir;
    int n = s->u.all.with->n;
    int64_t threads = r->extent[0] * r->extent[1] * r->extent[2];
    const weft_expr *result = weft_thread_number(r, s->u.all.axes);
    tree t = { s->u.all.with, WEFT_NEW_ARRAY(&r->scratch, n, const weft_buf *),
               weft_thread_number(r, 0) };
    const weft_stmt *out = weft_nop(ir), *body = s->u.all.body;
    for (int i = 0; i < n; i++) {
        const weft_expr *value = s->u.all.value[i];
        t.buf[i] = weft_thread_reducer_memory(r, (weft_dtype)value->h.type.dtype, threads);
        out = weft_seq2(ir, out, weft_store(ir, t.buf[i], 1, &t.own, value));
    }
    for (int axis = 0; axis < 3; axis++)
        if (s->u.all.axes >> (WEFT_THREAD_X + axis) & 1 && r->extent[axis] > 1)
            out = weft_seq2(ir, out, reduce_axis(r, &t, axis));
    for (int i = n; i-- > 0;)
        body = weft_let(ir, s->u.all.var[i], weft_load(ir, t.buf[i], 1, &result), body);
    return weft_seq2(ir, out, body);
}

static const weft_stmt *
replace(weft_thread_reducer *r, const weft_stmt *s)
{
    const weft_stmt *by_lanes = weft_reduce_lanes(r, s);
    return by_lanes ? by_lanes : by_halves(r, s);
}

/* Over one thread there is nothing to combine. */
static const weft_stmt *
name_values(weft_thread_reducer *r, const weft_stmt *s)
{
    const weft_stmt *body = s->u.all.body;
    for (int i = s->u.all.with->n; i-- > 0;)
        body = weft_let(r->rw.ir, s->u.all.var[i], s->u.all.value[i], body);
    return body;
}

static const weft_stmt *
visit(weft_rewriter *rw, const weft_stmt *s)
{
    weft_thread_reducer *r = rw->user;
    int64_t n = 1;
    if (s->kind == WEFT_SK_FOR && weft_is_thread(s->u.loop.bind)) {
        int t = (int)s->u.loop.bind - WEFT_THREAD_X;
        r->thread[t] = s->u.loop.var;
        if (!weft_as_int(s->u.loop.extent, &r->extent[t]))
            r->extent[t] = 0;
        weft_facts_extent(r->facts, s->u.loop.var, s->u.loop.extent);
    }
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_ALLREDUCE)
        return s;
    for (int t = 0; t < 3; t++) {
        if (r->extent[t] == 0 && !r->status)
            r->status = weft_fail(r->diag, WEFT_UNSUPPORTED,
                                  "kernel '%s': a reduction across threads needs a constant number "
                                  "of them; split the axis by a number and bind the inner part",
                                  r->kernel->name);
        if (s->u.all.axes >> (WEFT_THREAD_X + t) & 1)
            n *= r->extent[t];
    }
    return n == 1 ? name_values(r, s) : replace(r, s);
}

static void
find_launch(weft_thread_reducer *r)
{
    const weft_expr *grid[3], *block[3];
    weft_launch_dims(r->kernel, grid, block);
    for (int t = 0; t < 3; t++)
        if (!weft_as_int(block[t], &r->launched[t]))
            r->launched[t] = -1;
}

/* Lanes of the target's subgroups, where threads of the kernel may exchange values. */
static int
lanes_of(const weft_thread_reducer *r, const weft_lower_options *o)
{
    const weft_target *t = o->target;
    bool can = o->caps && o->caps->lanes_in_order && t->subgroup_shuffle &&
               (r->kernel->subgroup == 0 || r->kernel->subgroup == t->subgroup);
    return can && weft_may_ask_subgroups(t, t->subgroup, r->launched) ? t->subgroup : 1;
}

weft_status
weft_pass_reduce_threads(weft_kernel *k, const weft_lower_options *options, bool *changed,
                         weft_diag *diag)
{
    weft_thread_reducer r = { .rw = { .ir = k->ir, .stmt = visit },
                       .kernel = k,
                       .extent = { 1, 1, 1 },
                       .facts = weft_facts_create(k->ir),
                       .diag = diag };
    r.rw.user = &r;
    find_launch(&r);
    r.lanes = lanes_of(&r, options);
    const weft_stmt *body = weft_rewrite_stmt(&r.rw, k->body);
    weft_rewrite_done(&r.rw);
    for (int i = r.shared.n; i-- > 0;)
        body = weft_alloc(k->ir, r.shared.at[i], body);
    weft_facts_destroy(r.facts);
    weft_arena_reset(&r.scratch);
    *changed = body != k->body && !r.status;
    if (*changed)
        k->body = body;
    if (*changed && r.shuffles)
        k->subgroup = r.lanes;
    return r.status;
}
