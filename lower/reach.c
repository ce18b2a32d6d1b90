/* How far a kernel counts: the largest values that its i32 arithmetic comes to, and the iterations
 * of a thread's loops, over its scalars.  Whoever launches it holds them against what i32 and the
 * device hold.
 *
 * needs  any level; what is no index and no place in memory wraps and is not looked at
 * keeps  the kernel: expressions are added to its context */
#include "lower/reach.h"

static const weft_expr *walk(weft_counter *, const weft_stmt *);

static const weft_expr *
none(const weft_counter *c)
{
    return weft_int(c->ir, WEFT_I64, 0);
}

static void
look_at_places(weft_counter *c, const weft_buf *buf, int n, const weft_expr *const *index)
{
    for (int i = 0; i < n; i++)
        weft_span_place(c, buf, index[i]);
}

static void
look_at_matrix(weft_counter *c, const weft_stmt *s)
{
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        const weft_spot *at = &s->u.matrix.place[i];
        look_at_places(c, at->buf, at->n, at->index);
    }
    if (s->u.matrix.value)
        weft_span_of(c, s->u.matrix.value);
    if (s->u.matrix.stride)
        weft_span_of(c, s->u.matrix.stride);
}

/* The index of a loop's body is below the extent, which is told.  NULL: the body is never run. */
static const weft_expr *
walk_extent(weft_counter *c, const weft_stmt *s)
{
    const weft_expr *one = weft_int(c->ir, WEFT_I64, 1);
    weft_span extent = weft_span_of(c, s->u.loop.extent);
    int64_t n;
    if (s->kind == WEFT_SK_WHILE)
        return one;
    if (weft_as_int(extent.hi, &n) && n < 1)
        return NULL;
    c->of_var[s->u.loop.var->id] =
        (weft_span){ none(c), weft_span_op(c, WEFT_EK_SUB, extent.hi, one) };
    return extent.hi ? weft_span_op(c, WEFT_EK_MAX, extent.hi, none(c)) : one;
}

static const weft_expr *
walk_loop(weft_counter *c, const weft_stmt *s)
{
    const weft_expr *times = walk_extent(c, s), *one = weft_int(c->ir, WEFT_I64, 1);
    const weft_expr *body = times ? walk(c, s->u.loop.body) : NULL;
    weft_bind bind = s->kind == WEFT_SK_FOR ? s->u.loop.bind : WEFT_SERIAL;
    if (!times)
        return none(c);
    if (bind != WEFT_SERIAL && bind != WEFT_UNROLL)
        return body;
    return weft_span_op(c, WEFT_EK_MUL, weft_span_op(c, WEFT_EK_ADD, body, one), times);
}

static const weft_expr *
walk_if(weft_counter *c, const weft_stmt *s)
{
    const weft_stmt *arm[2] = { s->u.iff.then, s->u.iff.els };
    const weft_expr *most = none(c);
    weft_span_of(c, s->u.iff.cond);
    for (int i = 0; i < 2; i++) {
        weft_scene around = weft_span_enter(c, s->u.iff.cond, i == 0);
        if (arm[i])
            most = weft_span_op(c, WEFT_EK_MAX, most, walk(c, arm[i]));
        weft_span_leave(c, around);
    }
    return most;
}

static const weft_expr *
walk_seq(weft_counter *c, const weft_stmt *s)
{
    const weft_expr *all = none(c);
    for (int i = 0; i < s->u.seq.n; i++)
        all = weft_span_op(c, WEFT_EK_ADD, all, walk(c, s->u.seq.at[i]));
    return all;
}

/* What has no statements in it. */
static void
look_at(weft_counter *c, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_STORE:
        look_at_places(c, s->u.store.buf, s->u.store.n, s->u.store.index);
        weft_span_of(c, s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        look_at_places(c, s->u.atomic.buf, 1, &s->u.atomic.index);
        weft_span_of(c, s->u.atomic.value);
        return;
    case WEFT_SK_EVAL:
        weft_span_of(c, s->u.eval.call);
        return;
    case WEFT_SK_MATRIX:
        look_at_matrix(c, s);
        return;
    default:
        return; /* what has no values, and hints, which may lie anywhere */
    }
}

/* The iterations that a thread comes to in the statement. */
static const weft_expr *
walk(weft_counter *c, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return walk_seq(c, s);
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        return walk_loop(c, s);
    case WEFT_SK_IF:
        return walk_if(c, s);
    case WEFT_SK_LET:
        c->of_var[s->u.let.var->id] = weft_span_of(c, s->u.let.value);
        c->of_let[s->u.let.var->id] = s->u.let.value;
        return walk(c, s->u.let.body);
    case WEFT_SK_ALLOC:
        return walk(c, s->u.alloc.body);
    case WEFT_SK_ALLREDUCE:
        for (int i = 0; i < s->u.all.with->n; i++)
            weft_span_of(c, s->u.all.value[i]);
        return walk(c, s->u.all.body);
    default:
        look_at(c, s);
        return none(c);
    }
}

/* A scalar counts in i64 here: a variable of its name.  One of 0 is taken for 1: what is counted
 * does not grow by that. */
static void
add_scalar(weft_counter *c, const weft_var *v)
{
    weft_dtype own = (weft_dtype)v->type.dtype;
    const weft_var *wide = weft_var_make(c->ir, v->name, weft_scalar(WEFT_I64));
    weft_facts_range(c->facts, wide, weft_int(c->ir, WEFT_I64, 1),
                     own == WEFT_I64 ? NULL : weft_int(c->ir, WEFT_I64, weft_dtype_max(own)));
    c->of_var[v->id] = (weft_span){ weft_ref(c->ir, wide), weft_ref(c->ir, wide) };
}

/* What cannot be told is more than anything holds. */
weft_reach
weft_kernel_reach(const weft_kernel *k)
{
    weft_ir *ir = k->ir;
    weft_counter c = { .ir = ir, .facts = weft_facts_create(ir), .scene = 1, .nscene = 1 };
    c.of_var = WEFT_NEW_ARRAY(&c.arena, ir->nvar, weft_span);
    c.of_let = WEFT_NEW_ARRAY(&c.arena, ir->nvar, const weft_expr *);
    c.seen = WEFT_NEW_ARRAY(&c.arena, ir->nexpr, weft_seen);
    for (int i = 0; i < k->nscalar; i++)
        add_scalar(&c, k->scalar[i]);
    weft_reach r = { .iterations = walk(&c, k->body) };
    if (c.lost)
        weft_most_add(&c, r.iterations = weft_int(ir, WEFT_I64, INT64_MAX));
    r.n = k->nscalar ? c.most.n : 0;
    r.most = weft_most_list(&c);
    weft_facts_destroy(c.facts);
    weft_arena_reset(&c.arena);
    return r;
}
