/* Inference of operators that go along an axis in an order. */
#include "graph/priv.h"

/* Whether the node's axis is one of input 0's; a fault of the node otherwise. */
static weft_status
check_axis(weft_graph *g, const weft_node *n)
{
    int64_t axis = weft_node_int(n, "axis");
    if (axis >= 0 && axis < n->in[0]->ndim)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d", (long long)axis,
                          n->in[0]->ndim - 1);
}

static weft_status
check_numbers(weft_graph *g, const weft_node *n)
{
    if (n->in[0]->dtype != WEFT_BOOL)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                          "input 0 is bool: a number is needed, cast it");
}

weft_status
weft_infer_cumulative(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    weft_status st = check_numbers(g, n);
    st = st ? st : check_axis(g, n);
    return st ? st : weft_infer_out(g, n, x->dtype, x->ndim, x->dim);
}

weft_status
weft_infer_argsort(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    const weft_attr *count = weft_node_attr(n, "count");
    weft_status st = check_axis(g, n);
    if (st != WEFT_OK)
        return st;
    int64_t axis = weft_node_int(n, "axis");
    if (count->n != 1 || weft_dim_at_least(g, count->dims[0], 0) == 0)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "count has to be one size");
    if (weft_dim_at_least(g, weft_dim_op(g, WEFT_EK_SUB, x->dim[axis], count->dims[0]), 0) == 0)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "count is more than axis %lld has elements", (long long)axis);
    const weft_expr **dim = weft_arena_dup(&g->ir->arena, x->dim, (size_t)x->ndim * sizeof *dim);
    dim[axis] = count->dims[0];
    return weft_infer_out(g, n, WEFT_I64, x->ndim, dim);
}

weft_status
weft_infer_take_along_axis(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    weft_status st = check_axis(g, n);
    if (st != WEFT_OK)
        return st;
    if (index->dtype != WEFT_I64 && index->dtype != WEFT_I32)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "indices have to be i32 or i64");
    if (index->ndim != x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the inputs differ in rank");
    for (int d = 0; d < x->ndim; d++)
        if (d != weft_node_int(n, "axis") &&
            weft_dim_at_least(g, weft_dim_op(g, WEFT_EK_SUB, x->dim[d], index->dim[d]), 0) != 1)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "dimension %d of the indices may be more than the input's", d);
    return weft_infer_out(g, n, x->dtype, x->ndim, index->dim);
}

/* ---- rows ------------------------------------------------------------------------------------ */

weft_status
weft_infer_argsort_rows(weft_graph *g, weft_node *n)
{
    if (n->in[0]->ndim != 2)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 has to be of two dimensions");
    return weft_infer_out(g, n, WEFT_I64, 1, n->in[0]->dim);
}

weft_status
weft_infer_searchsorted(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *wanted = n->in[1];
    if (x->ndim != 2 || wanted->ndim != 2 || x->dtype != wanted->dtype ||
        weft_dim_equal(g, x->dim[1], wanted->dim[1]) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the inputs have to be of two dimensions, of one dtype and have as "
                              "many columns");
    return weft_infer_out(g, n, WEFT_I64, 1, wanted->dim);
}

/* ---- selection ------------------------------------------------------------------------------- */

weft_status
weft_infer_flatnonzero(weft_graph *g, weft_node *n)
{
    if (n->in[0]->ndim != 1 || n->in[0]->dtype != WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 has to be bool of one dimension");
    return weft_infer_out(g, n, WEFT_I64, 1, n->in[0]->dim);
}

static bool
is_of(weft_graph *g, const weft_value *v, weft_dtype t, int ndim, const weft_expr *const *dim)
{
    bool same = v->dtype == t && v->ndim == ndim;
    for (int d = 0; same && d < ndim; d++)
        same = weft_dim_equal(g, v->dim[d], dim[d]) == 1;
    return same;
}

weft_status
weft_infer_non_max_suppression(weft_graph *g, weft_node *n)
{
    weft_value *const *in = n->in;
    if (in[0]->ndim != 3 || in[1]->ndim != 3)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "boxes and scores have to be of three dimensions");
    const weft_expr *box[3] = { in[1]->dim[0], in[1]->dim[2], weft_dim(g, 4) },
                    *one = weft_dim(g, 1);
    bool fits = is_of(g, in[0], WEFT_F32, 3, box) && is_of(g, in[1], WEFT_F32, 3, in[1]->dim) &&
                is_of(g, in[2], WEFT_I64, 3, in[1]->dim) && is_of(g, in[3], WEFT_I64, 1, &one) &&
                is_of(g, in[4], WEFT_F32, 1, &one);
    if (!fits || (n->nin > 5 && in[5] && !is_of(g, in[5], WEFT_F32, 1, &one)))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "boxes f32[b, n, 4], scores f32[b, c, n], order i64[b, c, n], "
                              "i64[1], f32[1] and, if it is there, f32[1] are needed");
    return weft_infer_out(g, n, WEFT_BOOL, 3, in[1]->dim);
}
