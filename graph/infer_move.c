/* Inference of operators that move elements: reshape, transpose, concatenate, slice, take, pad. */
#include "graph/priv.h"

#include <string.h>

static weft_status
check_axis(weft_graph *g, weft_node *n, int64_t axis, int rank)
{
    if (axis >= 0 && axis < rank)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d", (long long)axis,
                          rank - 1);
}

/* An attribute with one element a dimension of input 0. */
static weft_status
check_length(weft_graph *g, weft_node *n, const char *name)
{
    const weft_attr *a = weft_node_attr(n, name);
    if (a->n == n->in[0]->ndim)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                          "attribute '%s' has %d elements where %d are needed", name, a->n,
                          n->in[0]->ndim);
}

weft_status
weft_infer_broadcast_to(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    const weft_attr *to = weft_node_attr(n, "dims");
    bool fits = to->n >= x->ndim;
    for (int i = 0; fits && i < x->ndim; i++)
        fits = weft_is_int_imm(x->dim[i], 1) ||
               weft_dim_equal(g, x->dim[i], to->dims[to->n - x->ndim + i]) == 1;
    if (!fits)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 0 does not broadcast to the %d dimensions "
                              "given",
                              to->n);
    return weft_infer_out(g, n, x->dtype, to->n, to->dims);
}

weft_status
weft_infer_reshape(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    const weft_attr *to = weft_node_attr(n, "dims");
    const weft_expr *have = weft_dim_product(g, x->dim, 0, x->ndim);
    const weft_expr *want = weft_dim_product(g, to->dims, 0, to->n);
    if (weft_dim_equal(g, have, want) == 0) {
        weft_str s = { 0 };
        weft_print_dims(&s, to->n, to->dims);
        weft_status st = weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                        "%s holds another number of elements", weft_str_text(&s));
        weft_str_free(&s);
        return st;
    }
    return weft_infer_out(g, n, x->dtype, to->n, to->dims);
}

weft_status
weft_infer_block(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    int64_t lanes = weft_node_int(n, "lanes");
    const weft_expr *left = x->ndim < 2 || lanes < 2
                                ? NULL
                                : weft_dim_op(g, WEFT_EK_FMOD, x->dim[1], weft_dim(g, lanes));
    if (lanes > INT32_MAX || weft_dim_equal(g, left, weft_dim(g, 0)) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "dimension 1 is no whole number of blocks of lanes=%lld",
                              (long long)lanes);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim + 1, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    dim[1] = weft_dim_op(g, WEFT_EK_FDIV, x->dim[1], weft_dim(g, lanes));
    dim[x->ndim] = weft_dim(g, lanes);
    return weft_infer_out(g, n, x->dtype, x->ndim + 1, dim);
}

weft_status
weft_infer_unblock(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    if (x->ndim < 3)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "needs three dimensions at least");
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    dim[1] = weft_dim_op(g, WEFT_EK_MUL, x->dim[1], x->dim[x->ndim - 1]);
    return weft_infer_out(g, n, x->dtype, x->ndim - 1, dim);
}

weft_status
weft_infer_transpose(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    weft_status st = check_length(g, n, "axes");
    if (st != WEFT_OK)
        return st;
    const int64_t *axes = weft_node_attr(n, "axes")->ints;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    bool *seen = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, bool);
    for (int i = 0; i < x->ndim; i++) {
        st = check_axis(g, n, axes[i], x->ndim);
        if (st != WEFT_OK)
            return st;
        if (seen[axes[i]])
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld stands twice in 'axes'",
                                  (long long)axes[i]);
        seen[axes[i]] = true;
        dim[i] = x->dim[axes[i]];
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}

static bool
fits_beside(weft_graph *g, const weft_value *a, const weft_value *b, int axis)
{
    if (a->dtype != b->dtype || a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (i != axis && weft_dim_equal(g, a->dim[i], b->dim[i]) != 1)
            return false;
    return true;
}

weft_status
weft_infer_concat(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    int64_t axis = weft_node_int(n, "axis");
    weft_status st = check_axis(g, n, axis, x->ndim);
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    for (int i = 1; i < n->nin; i++) {
        if (!fits_beside(g, x, n->in[i], (int)axis))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input %d does not fit beside input 0: dtype, "
                                  "rank and every dimension but %lld have to be equal",
                                  i, (long long)axis);
        dim[axis] = weft_dim_op(g, WEFT_EK_ADD, dim[axis], n->in[i]->dim[axis]);
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}

/* Whether the first and last elements of one axis of a slice lie outside for certain. */
static bool
slice_outside(weft_graph *g, const weft_expr *start, int64_t step, const weft_expr *count,
              const weft_expr *size)
{
    if (weft_is_int_imm(count, 0))
        return false;
    const weft_expr *steps = weft_dim_op(g, WEFT_EK_SUB, count, weft_dim(g, 1));
    const weft_expr *last = weft_dim_op(g, WEFT_EK_MUL, steps, weft_dim(g, step));
    last = weft_dim_op(g, WEFT_EK_ADD, start, last);
    const weft_expr *over = weft_dim_op(g, WEFT_EK_SUB, size, step < 0 ? start : last);
    return weft_dim_at_least(g, step < 0 ? last : start, 0) == 0 ||
           weft_dim_at_least(g, over, 1) == 0;
}

weft_status
weft_infer_slice(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "starts", "steps", "dims" };
    const weft_value *x = n->in[0];
    for (int i = 0; i < 3; i++) {
        weft_status st = check_length(g, n, lists[i]);
        if (st != WEFT_OK)
            return st;
    }
    const weft_attr *start = weft_node_attr(n, "starts"), *step = weft_node_attr(n, "steps");
    const weft_attr *dims = weft_node_attr(n, "dims");
    for (int i = 0; i < x->ndim; i++) {
        if (step->ints[i] == 0 || step->ints[i] == INT64_MIN)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "step %lld of axis %d is not possible",
                                  (long long)step->ints[i], i);
        if (slice_outside(g, start->dims[i], step->ints[i], dims->dims[i], x->dim[i]))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %d is read outside its bounds",
                                  i);
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, dims->dims);
}

weft_status
weft_infer_gather(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *index = n->in[1];
    int64_t axis = weft_node_int(n, "axis");
    weft_status st = check_axis(g, n, axis, x->ndim);
    if (st != WEFT_OK)
        return st;
    if (!weft_is_int(index->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 1, the indices, has to be of integers");
    int ndim = x->ndim - 1 + index->ndim, at = 0;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, ndim, const weft_expr *);
    for (int i = 0; i < axis; i++)
        dim[at++] = x->dim[i];
    for (int i = 0; i < index->ndim; i++)
        dim[at++] = index->dim[i];
    for (int i = (int)axis + 1; i < x->ndim; i++)
        dim[at++] = x->dim[i];
    return weft_infer_out(g, n, x->dtype, ndim, dim);
}

weft_status
weft_infer_pad(weft_graph *g, weft_node *n)
{
    static const char *const modes[] = { "constant", "edge", "reflect", "wrap" };
    const weft_value *x = n->in[0], *fill = n->nin > 1 ? n->in[1] : NULL;
    weft_status st = check_length(g, n, "before");
    if (st == WEFT_OK)
        st = check_length(g, n, "after");
    if (st != WEFT_OK)
        return st;
    const char *mode = weft_node_attr(n, "mode")->text;
    int m = 0;
    while (m < 4 && strcmp(mode, modes[m]) != 0)
        m++;
    if (m == 4)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "mode '%s' is not one of constant, edge, reflect "
                              "and wrap",
                              mode);
    int64_t count;
    if (fill && (fill->dtype != x->dtype || !weft_value_count(fill, &count) || count != 1))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 1 has to be one element of %s",
                              weft_dtype_name(x->dtype));
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    for (int i = 0; i < x->ndim; i++) {
        dim[i] = weft_dim_op(g, WEFT_EK_ADD, x->dim[i], weft_node_dim(n, "before", i));
        dim[i] = weft_dim_op(g, WEFT_EK_ADD, dim[i], weft_node_dim(n, "after", i));
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}
