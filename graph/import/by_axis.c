/* An axis that only the run knows: what is made of each axis, under the condition that it is the
 * one. */
#include "import/ops.h"

/* 1 where k is d, else 0. */
static const weft_expr *
is_axis(weft_graph *g, const weft_expr *k, int d)
{
    const weft_expr *one = weft_dim(g, 1), *at = weft_dim(g, d);
    const weft_expr *apart = weft_dim_op(g, WEFT_EK_MAX, weft_dim_op(g, WEFT_EK_SUB, k, at),
                                         weft_dim_op(g, WEFT_EK_SUB, at, k));
    return weft_dim_op(g, WEFT_EK_SUB, one, weft_dim_op(g, WEFT_EK_MIN, apart, one));
}

/* The axis, 0 to naxes - 1: the run fails where it is another. */
static const weft_expr *
read_axis(onnx_node *n, weft_value *axis, int rank, int naxes)
{
    weft_graph *g = n->graph;
    weft_value *v = weft_onnx_cast(n, weft_onnx_reshape(n, axis, 0, NULL), WEFT_I64);
    weft_value *zero = weft_onnx_made(n, weft_graph_ints(g, "zero", -1, &(int64_t){ 0 })),
               *end = weft_onnx_made(n, weft_graph_ints(g, "rank", -1, &(int64_t){ rank }));
    weft_value *from_end = weft_onnx_binary(n, WEFT_GOP_ADD, v, end);
    v = weft_onnx_where(n, weft_onnx_binary(n, WEFT_GOP_LESS, v, zero), from_end, v);
    if (n->status != WEFT_OK)
        return NULL;
    return weft_onnx_made_dim(
        n, weft_graph_read(g, n->name, n->kind, v, 0, weft_dim(g, naxes - 1)));
}

/* The dims of the one that is there: sums over conditions where they differ. */
static const weft_expr *
merged_dim(weft_graph *g, int n, const weft_expr *const *test, weft_value *const *v, int axis)
{
    const weft_expr *sum = weft_dim(g, 0);
    bool same = true;
    for (int i = 0; i < n; i++) {
        same = same && weft_dim_equal(g, v[i]->dim[axis], v[0]->dim[axis]) == 1;
        sum =
            weft_dim_op(g, WEFT_EK_ADD, sum, weft_dim_op(g, WEFT_EK_MUL, test[i], v[i]->dim[axis]));
    }
    return same ? v[0]->dim[axis] : sum;
}

weft_value *
weft_onnx_by_axis(onnx_node *n, weft_value *axis, int rank, int naxes, weft_onnx_of_axis *make,
                  const void *user)
{
    weft_graph *g = n->graph;
    int64_t count;
    if (n->status == WEFT_OK && (weft_is_float(axis->dtype) || axis->ndim > 1 ||
                                 !weft_value_count(axis, &count) || count != 1 || naxes < 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the axis ('%s') has to be one integer", axis->name);
    const char *name = n->next;
    n->next = NULL;
    const weft_expr *k = n->status ? NULL : read_axis(n, axis, rank, naxes),
                    **test = WEFT_NEW_ARRAY(n->arena, naxes + 1, const weft_expr *),
                    **dim = WEFT_NEW_ARRAY(n->arena, WEFT_ONNX_MAX_RANK, const weft_expr *);
    weft_value **v = WEFT_NEW_ARRAY(n->arena, naxes + 1, weft_value *);
    for (int d = 0; d < naxes && n->status == WEFT_OK; d++) {
        test[d] = is_axis(g, k, d);
        weft_graph_if(g, test[d]);
        v[d] = make(n, d, user);
        v[d] = weft_onnx_emit(n, WEFT_GOP_YIELD, 1, &v[d], 0, NULL);
        weft_graph_leave(g);
    }
    if (n->status != WEFT_OK)
        return NULL;
    for (int d = 0; d < v[0]->ndim; d++)
        dim[d] = weft_onnx_made_dim(n, merged_dim(g, naxes, test, v, d));
    weft_attr dims = weft_attr_dims("dims", v[0]->ndim, dim);
    n->next = name;
    return weft_onnx_emit(n, WEFT_GOP_MERGE, naxes, v, 1, &dims);
}
