/* Importers of losses: the negative log likelihood of classes, after softmax or not. */
#include "import/ops.h"

#include <string.h>

/* A loss being made: one element for each of the target, and how much each counts. */
typedef struct loss {
    weft_value *each, *weight; /* weight NULL: all count 1 */
} loss;

/* The dtype that a loss is summed in. */
static weft_dtype
wide_of(weft_dtype t)
{
    return weft_dtype_bits(t) < 32 ? WEFT_F32 : t;
}

static weft_value *
take(onnx_node *n, weft_op op, weft_value *x, weft_value *index, int64_t axis)
{
    weft_value *in[] = { x, index };
    weft_attr at = weft_attr_int("axis", &axis);
    return weft_onnx_emit(n, op, 2, in, 1, &at);
}

/* x's element of the class that `target` names, along axis 1, which goes. */
static weft_value *
of_class(onnx_node *n, weft_value *x, weft_value *target)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    dim[0] = target->dim[0];
    dim[1] = weft_dim(n->graph, 1);
    for (int d = 1; d < target->ndim; d++)
        dim[d + 1] = target->dim[d];
    weft_value *index = weft_onnx_reshape(n, target, x->ndim, dim);
    weft_value *picked = take(n, WEFT_GOP_TAKE_ALONG_AXIS, x, index, 1);
    return weft_onnx_reshape(n, picked, target->ndim, target->dim);
}

/* -log_prob[target] * weight[target]; nothing where the target is ignore_index. */
static loss
loss_of(onnx_node *n, weft_value *log_prob, weft_value *target, weft_value *weight)
{
    loss l = { 0 };
    weft_dtype t = wide_of(log_prob->dtype);
    weft_value *ignored = NULL, *zero = weft_onnx_scalar(n, t, 0), *class = target;
    if (weft_onnx_has_attr(n, "ignore_index")) {
        int64_t index = weft_onnx_attr_int(n, "ignore_index", 0);
        weft_value *none = weft_onnx_scalar(n, target->dtype, (double)index);
        ignored = weft_onnx_binary(n, WEFT_GOP_EQUAL, target, none);
        class = weft_onnx_where(n, ignored, weft_onnx_scalar(n, target->dtype, 0), target);
    }
    if (n->status != WEFT_OK)
        return l;
    l.each = weft_onnx_unary(n, WEFT_GOP_NEG, weft_onnx_cast(n, of_class(n, log_prob, class), t));
    if (weight) {
        l.weight = weft_onnx_cast(n, take(n, WEFT_GOP_GATHER, weight, class, 0), t);
        l.each = weft_onnx_binary(n, WEFT_GOP_MUL, l.each, l.weight);
    }
    if (ignored) {
        weft_value *count = l.weight ? l.weight : weft_onnx_scalar(n, t, 1);
        l.weight = weft_onnx_where(n, ignored, zero, count);
        l.each = weft_onnx_where(n, ignored, zero, l.each);
    }
    return l;
}

static weft_value *
total(onnx_node *n, weft_op op, weft_value *v)
{
    int rank = v ? v->ndim : 0;
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, rank + 1, int64_t);
    for (int d = 0; d < rank; d++)
        axes[d] = d;
    return weft_onnx_reduce(n, op, v, rank, axes, false);
}

static weft_value *
reduced(onnx_node *n, const loss *l)
{
    const char *how = weft_onnx_attr_text(n, "reduction", "mean");
    if (strcmp(how, "none") == 0)
        return l->each;
    if (strcmp(how, "sum") == 0)
        return total(n, WEFT_GOP_REDUCE_SUM, l->each);
    if (strcmp(how, "mean") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "reduction is '%s', not none, sum or mean", how);
    if (!l->weight)
        return total(n, WEFT_GOP_REDUCE_MEAN, l->each);
    return weft_onnx_binary(n, WEFT_GOP_DIV, total(n, WEFT_GOP_REDUCE_SUM, l->each),
                            total(n, WEFT_GOP_REDUCE_SUM, l->weight));
}

static void
check_operands(onnx_node *n)
{
    const weft_value *x = n->in[0], *target = n->in[1];
    bool fits = x->ndim >= 2 && target->ndim == x->ndim - 1;
    for (int d = 0; fits && d < target->ndim; d++)
        fits = weft_dim_equal(n->graph, target->dim[d], x->dim[d ? d + 1 : 0]) == 1;
    if (!weft_is_float(x->dtype) || !weft_is_int(target->dtype))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "scores have to be floats, targets integers");
    else if (!fits)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the targets' shape is not that of the scores without dimension 1");
}

static void
set_loss(onnx_node *n, weft_value *log_prob, weft_dtype t)
{
    weft_value *weight = weft_onnx_in(n, 2);
    if (weight && (weight->ndim != 1 ||
                   weft_dim_equal(n->graph, weight->dim[0], log_prob->dim[1]) != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the weights are not one for each class");
    if (n->status != WEFT_OK)
        return;
    loss l = loss_of(n, log_prob, weft_onnx_in(n, 1), weight);
    weft_value *v = reduced(n, &l);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, v, t));
}

void
weft_onnx_import_nll_loss(onnx_node *n)
{
    check_operands(n);
    if (n->status == WEFT_OK)
        set_loss(n, n->in[0], n->in[0]->dtype);
}

void
weft_onnx_import_softmax_loss(onnx_node *n)
{
    weft_dtype t = n->in[0]->dtype;
    check_operands(n);
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 1 });
    weft_value *x = weft_onnx_cast(n, n->in[0], wide_of(t));
    if (wide_of(t) == t)
        weft_onnx_last(n, 1);
    weft_value *log_prob = weft_onnx_emit(n, WEFT_GOP_LOG_SOFTMAX, 1, &x, 1, &axis);
    if (n->status == WEFT_OK)
        set_loss(n, log_prob, t);
    if (wide_of(t) != t)
        weft_onnx_last(n, 1);
    weft_onnx_set(n, 1, weft_onnx_cast(n, log_prob, t));
}
