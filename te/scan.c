/* Scans: recurrences along one data axis.  Where the axis is 0 an element is its first value;
 * elsewhere a step computes it, which may read any element of the step before.
 *
 * So the loops made of that axis are `ordered`: they run in order, in one thread.  Axes along which
 * a step reads other elements than its own (`crossed`), and reduce axes, run inside them: all of a
 * step comes before the next. */
#include "te/priv.h"

/* ---- states ---------------------------------------------------------------------------------- */

weft_tensor *
weft_te_state(weft_te *te, const char *name, weft_dtype dtype, int ndim, weft_axis *const *axis)
{
    if (!te || !name || (ndim > 0 && !axis))
        return weft_te_null(te, "weft_te_state"), NULL;
    weft_arena *a = &te->ir->arena;
    const weft_expr **shape = WEFT_NEW_ARRAY(a, ndim, const weft_expr *);
    for (int d = 0; d < ndim; d++) {
        if (!axis[d])
            return weft_te_null(te, "weft_te_state"), NULL;
        shape[d] = axis[d]->extent;
    }
    weft_te_op *op = WEFT_NEW(a, weft_te_op);
    weft_tensor *t = WEFT_NEW(a, weft_tensor);
    op->kind = WEFT_OP_STATE;
    op->naxis = ndim;
    op->axis = weft_arena_dup(a, axis, (size_t)ndim * sizeof *axis);
    op->name = weft_te_take_name(te, WEFT_NAME_TENSOR, name);
    *t = (weft_tensor){ .id = te->tensor.n,
                        .te = te,
                        .op = op,
                        .buf = weft_buf_make(te->ir, op->name, dtype, WEFT_GLOBAL, ndim, shape) };
    weft_te_register(te, t);
    return t;
}

/* ---- what a step reads ----------------------------------------------------------------------- */

typedef struct reading {
    const weft_te *te;
    const weft_te_op *op;
    int scan;          /* which data axis */
    const char *fault; /* a clause about the scan, or NULL */
} reading;

static bool
is_step_before(const reading *r, const weft_expr *index)
{
    weft_ir *ir = r->te->ir;
    const weft_expr *t = weft_ref(ir, r->op->axis[r->scan]->var);
    if (!weft_same_type(index->h.type, t->h.type))
        return false;
    return weft_is_int_imm(weft_simplify_expr(ir, NULL, weft_sub(ir, t, index)), 1);
}

static bool
note_read(void *user, const weft_expr *e)
{
    reading *r = user;
    const weft_tensor *t = e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(r->te, e->h.u.buf) : NULL;
    if (!t || t->op != r->op)
        return true;
    for (int d = 0; d < r->op->naxis; d++) {
        weft_axis *axis = r->op->axis[d];
        bool own = e->arg[d]->h.kind == WEFT_EK_VAR && e->arg[d]->h.u.var == axis->var;
        axis->crossed = axis->crossed || (d != r->scan && !own);
    }
    if (!is_step_before(r, e->arg[r->scan]) && !r->fault)
        r->fault =
            "a step reads another step than the one before it; keep what is older in a state "
            "of its own";
    return true;
}

static bool
refuse_read(void *user, const weft_expr *e)
{
    reading *r = user;
    const weft_tensor *t = e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(r->te, e->h.u.buf) : NULL;
    if (t && t->op == r->op)
        r->fault = "the first value reads the scan itself; it is what the scan starts from";
    return !r->fault;
}

static weft_status
check_reads(weft_te *te, weft_te_op *op, int scan)
{
    reading r = { .te = te, .op = op, .scan = scan };
    for (int i = 0; i < op->nout; i++) {
        weft_walk_expr(&(weft_walker){ .expr = note_read, .user = &r }, op->body[i]);
        weft_walk_expr(&(weft_walker){ .expr = refuse_read, .user = &r }, op->first[i]);
    }
    if (op->cond)
        weft_walk_expr(&(weft_walker){ .expr = note_read, .user = &r }, op->cond);
    if (!r.fault)
        return WEFT_OK;
    return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "the scan of '%s' along axis '%s': %s",
                     op->out[0]->buf->name, op->scan->var->name, r.fault);
}

/* ---- the definition -------------------------------------------------------------------------- */

static weft_status
scan_fail(weft_te *te, weft_tensor *const *state, const char *why)
{
    return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "the scan of '%s' %s", state[0]->buf->name,
                     why);
}

static weft_status
check_states(weft_te *te, const weft_te_op *op, weft_tensor *const *state)
{
    for (int i = 0; i < op->nout; i++) {
        const weft_te_op *of = state[i]->op;
        bool same = of->kind == WEFT_OP_STATE && of->naxis == op->naxis;
        for (int d = 0; same && d < of->naxis; d++)
            same = of->axis[d] == op->axis[d];
        if (!same)
            return scan_fail(te, state,
                             "is given a tensor that is no state over its axes; make it with "
                             "weft_te_state");
        weft_type type = weft_scalar(state[i]->buf->dtype);
        if (!weft_same_type(op->first[i]->h.type, type) ||
            !weft_same_type(op->body[i]->h.type, type))
            return scan_fail(te, state, "has a value of another type than its state; cast it");
    }
    return WEFT_OK;
}

/* The loops: what a step crosses inside the scan's. */
static void
order_leaves(weft_stage *s)
{
    int from = 0, to = 0;
    while (s->leaf.at[from] != s->op->scan)
        from++;
    while (to < from && !s->leaf.at[to]->crossed)
        to++;
    for (int i = from; i > to; i--)
        s->leaf.at[i] = s->leaf.at[i - 1];
    s->leaf.at[to] = s->op->scan;
}

static weft_te_op *
make_op(weft_te *te, const weft_te_op *from, weft_tensor *const *state)
{
    weft_arena *a = &te->ir->arena;
    size_t bytes = (size_t)from->nout * sizeof(void *);
    weft_te_op *op = weft_arena_dup(a, from, sizeof *from);
    op->kind = WEFT_OP_COMPUTE;
    op->name = state[0]->buf->name;
    op->out = weft_arena_dup(a, state, bytes);
    op->body = weft_arena_dup(a, from->body, bytes);
    op->first = weft_arena_dup(a, from->first, bytes);
    op->reduce = weft_arena_dup(a, from->reduce, (size_t)from->nreduce * sizeof(void *));
    return op;
}

weft_status
weft_te_define_scan(weft_te *te, const weft_te_op *from, weft_tensor *const *state)
{
    int scan = 0;
    while (scan < from->naxis && from->axis[scan] != from->scan)
        scan++;
    if (scan == from->naxis)
        return scan_fail(te, state, "runs along an axis that is no axis of its states; name one");
    weft_status st = check_states(te, from, state);
    if (st != WEFT_OK || !weft_te_room(te, state[0]->buf->name))
        return st == WEFT_OK ? WEFT_LIMIT : st;
    weft_te_op *op = make_op(te, from, state);
    const weft_te_op *pending = state[0]->op;
    for (int i = 0; i < op->nout; i++) {
        state[i]->op = op;
        state[i]->index = i;
    }
    st = weft_te_check_definition(te, op) ? check_reads(te, op, scan) : WEFT_INVALID_ARGUMENT;
    for (int i = 0; st != WEFT_OK && i < op->nout; i++)
        state[i]->op = (weft_te_op *)(uintptr_t)pending;
    if (st != WEFT_OK)
        return st;
    op->scan->ordered = true;
    weft_te_insert_stage(te, op, te->stage.n);
    order_leaves(te->stage.at[te->stage.n - 1]);
    *WEFT_PUSH(&te->ir->arena, &te->source) = weft_arena_dup(&te->ir->arena, op, sizeof *op);
    return WEFT_OK;
}

static bool
any_null(int n, weft_tensor *const *state, const weft_expr *const *first,
         const weft_expr *const *step)
{
    for (int i = 0; i < n; i++)
        if (!state[i] || !first[i] || !step[i])
            return true;
    return n < 1;
}

weft_status
weft_te_scan(weft_te *te, int n, weft_tensor *const *state, weft_axis *scan,
             const weft_expr *const *first, const weft_expr *const *step)
{
    if (!te || !state || !scan || !first || !step || any_null(n, state, first, step))
        return weft_te_null(te, "weft_te_scan");
    weft_te_op op = { .naxis = state[0]->op->naxis,
                      .axis = state[0]->op->axis,
                      .nout = n,
                      .body = (const weft_expr **)(uintptr_t)step,
                      .first = (const weft_expr **)(uintptr_t)first,
                      .scan = scan,
                      .reducer = WEFT_REDUCER_COUNT };
    return weft_te_define_scan(te, &op, state);
}

weft_status
weft_te_scan_reduce(weft_te *te, weft_tensor *state, weft_axis *scan, const weft_expr *first,
                    int nreduce, weft_axis *const *reduce, weft_reducer reducer,
                    const weft_expr *source)
{
    return weft_te_scan_where(te, state, scan, first, nreduce, reduce, reducer, source, NULL);
}

/* ---- schedules ------------------------------------------------------------------------------- */

bool
weft_te_scan_free(weft_te *te, const weft_stage *s, const char *primitive)
{
    if (s->op->scan)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: stage '%s' is a scan, each step of which reads the one before in memory that "
            "holds all; it is a kernel of its own, and what reads it may copy it (cache_read)",
            primitive, weft_stage_name(s));
    return !s->op->scan;
}

bool
weft_te_check_ordered(weft_te *te, const weft_stage *s, const weft_axis *axis,
                      const char *primitive, const char *how)
{
    if (axis->ordered)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: axis %s of stage '%s' is the scan's, whose steps run in order; it cannot %s, "
            "choose another axis",
            primitive, weft_axis_label(te, axis), weft_stage_name(s), how);
    return !axis->ordered;
}

const weft_axis *
weft_te_out_of_order(const weft_stage *s)
{
    int last = -1;
    for (int i = 0; i < s->leaf.n; i++)
        last = s->leaf.at[i]->ordered ? i : last;
    for (int i = 0; i < last; i++) {
        const weft_axis *leaf = s->leaf.at[i];
        if (!leaf->ordered && (leaf->crossed || leaf->kind == WEFT_AXIS_REDUCE))
            return leaf;
    }
    return NULL;
}
