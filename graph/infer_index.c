/* Inference of what indices pick and put: gather_nd, put_along_axis, scatter_nd; and of det. */
#include "graph/priv.h"

#include <string.h>

static weft_status
check_indices(weft_graph *g, weft_node *n)
{
    if (!weft_is_int(n->in[1]->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 1, the indices, has to be of integers");
    return WEFT_OK;
}

static weft_status
check_updates(weft_graph *g, weft_node *n)
{
    static const char *const known[] = { "none", "add", "mul", "max", "min" };
    const char *reduction = weft_node_attr(n, "reduction")->text;
    int i = 0;
    while (i < 5 && strcmp(known[i], reduction) != 0)
        i++;
    if (i == 5)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "reduction '%s' is not one of none, add, mul, max and min",
                              reduction);
    if (n->in[2]->dtype != n->in[0]->dtype)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 2, the updates, has to be of %s",
                              weft_dtype_name(n->in[0]->dtype));
    return WEFT_OK;
}

static bool
has_shape(weft_graph *g, const weft_value *v, int ndim, const weft_expr *const *dim)
{
    bool same = v->ndim == ndim;
    for (int d = 0; same && d < ndim; d++)
        same = weft_dim_equal(g, v->dim[d], dim[d]) == 1;
    return same;
}

/* Indices lie within x along every other axis. */
weft_status
weft_infer_put_along_axis(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    int64_t axis = weft_node_int(n, "axis");
    weft_status st = check_indices(g, n);
    if (st == WEFT_OK)
        st = check_updates(g, n);
    if (st != WEFT_OK)
        return st;
    if (axis < 0 || axis >= x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d",
                              (long long)axis, x->ndim - 1);
    if (index->ndim != x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 1 has to have %d dimensions",
                              x->ndim);
    for (int d = 0; d < x->ndim; d++)
        if (d != axis && weft_dim_at_least(
                             g, weft_dim_op(g, WEFT_EK_SUB, x->dim[d], index->dim[d]), 0) != 1)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input 1 is not surely within input 0 along axis %d", d);
    if (!has_shape(g, n->in[2], index->ndim, index->dim))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 2 has to have the shape of input 1");
    return weft_infer_out(g, n, x->dtype, x->ndim, x->dim);
}

/* How many axes the index tuples speak of, behind `batch` others. */
static weft_status
tuple_size(weft_graph *g, weft_node *n, int64_t batch, int *k)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    int64_t size;
    weft_status st = check_indices(g, n);
    if (st != WEFT_OK)
        return st;
    if (batch < 0 || batch >= index->ndim || batch > x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "%lld batch dimensions are not possible; the indices need one more",
                              (long long)batch);
    if (!weft_as_int(index->dim[index->ndim - 1], &size))
        return weft_node_fail(g, n, WEFT_UNSUPPORTED,
                              "the last dimension of input 1 has to be constant; give the symbols "
                              "it is made of a value (--dim)");
    if (size > x->ndim - batch)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "tuples of %lld indices for %d axes",
                              (long long)size, x->ndim - (int)batch);
    *k = (int)size;
    return WEFT_OK;
}

weft_status
weft_infer_gather_nd(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    int64_t batch = weft_node_int(n, "batch");
    int k, lead = index->ndim - 1;
    weft_status st = tuple_size(g, n, batch, &k);
    if (st != WEFT_OK)
        return st;
    for (int d = 0; d < batch; d++)
        if (weft_dim_equal(g, x->dim[d], index->dim[d]) != 1)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "dimension %d of a batch is not the same in inputs 0 and 1", d);
    int behind = (int)batch + k, ndim = lead + x->ndim - behind;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, ndim + 1, const weft_expr *);
    for (int d = 0; d < ndim; d++)
        dim[d] = d < lead ? index->dim[d] : x->dim[behind + d - lead];
    return weft_infer_out(g, n, x->dtype, ndim, dim);
}

weft_status
weft_infer_scatter_nd(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    int k, lead = index->ndim - 1;
    weft_status st = tuple_size(g, n, 0, &k);
    if (st == WEFT_OK)
        st = check_updates(g, n);
    if (st != WEFT_OK)
        return st;
    int ndim = lead + x->ndim - k;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, ndim + 1, const weft_expr *);
    for (int d = 0; d < ndim; d++)
        dim[d] = d < lead ? index->dim[d] : x->dim[k + d - lead];
    if (!has_shape(g, n->in[2], ndim, dim))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 2 has to have the shape of input 1 without its last dimension, "
                              "then what input 0 has behind the indexed axes");
    return weft_infer_out(g, n, x->dtype, x->ndim, x->dim);
}

weft_status
weft_infer_det(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    int batch = x->ndim - 2;
    if (!weft_is_float(x->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a float is needed, cast it");
    if (batch < 0 || weft_dim_equal(g, x->dim[batch], x->dim[batch + 1]) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the last two dimensions have to be there and surely equal");
    return weft_infer_out(g, n, x->dtype, batch, x->dim);
}
