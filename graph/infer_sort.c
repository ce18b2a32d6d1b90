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
