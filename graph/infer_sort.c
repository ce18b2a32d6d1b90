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
