/* Importers of reductions, some made of others, and of ArgMax and ArgMin. */
#include "import/ops.h"

/* What a reduction goes over. */
typedef struct over {
    int naxes;
    const int64_t *axes;
    bool keep, pass; /* pass: nothing is reduced, the input is the output */
} over;

/* No axes mean all of them, or none where noop_with_empty_axes says so. */
static over
read_over(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool sum = n->op->import == weft_onnx_import_reduce && n->op->arg == WEFT_GOP_REDUCE_SUM;
    bool attribute = n->version < (sum ? 13 : 18);
    over o = { .keep = weft_onnx_attr_int(n, "keepdims", 1) != 0 };
    bool none = weft_onnx_attr_int(n, "noop_with_empty_axes", 0) != 0;
    o.axes =
        weft_onnx_axes(n, attribute ? "axes" : NULL, attribute ? n->nin : 1, x->ndim, &o.naxes);
    if (o.axes && o.naxes > 0)
        return o;
    o.pass = none;
    int64_t *all = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    for (int i = 0; i < x->ndim; i++)
        all[i] = i;
    o.axes = all;
    o.naxes = x->ndim;
    return o;
}

static weft_value *
reduce(onnx_node *n, weft_op op, weft_value *x, over o)
{
    return weft_onnx_reduce(n, op, x, o.naxes, o.axes, o.keep);
}

void
weft_onnx_import_reduce(onnx_node *n)
{
    over o = read_over(n);
    weft_value *x = weft_onnx_in(n, 0);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, o.pass ? x : reduce(n, (weft_op)n->op->arg, x, o));
}

void
weft_onnx_import_reduce_l1(onnx_node *n)
{
    over o = read_over(n);
    weft_value *x = weft_onnx_in(n, 0), *v = o.pass ? x : weft_onnx_unary(n, WEFT_GOP_ABS, x);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, o.pass ? x : reduce(n, WEFT_GOP_REDUCE_SUM, v, o));
}

void
weft_onnx_import_reduce_square(onnx_node *n)
{
    over o = read_over(n);
    weft_value *x = weft_onnx_in(n, 0), *v = o.pass ? x : weft_onnx_binary(n, WEFT_GOP_MUL, x, x);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, o.pass ? x : reduce(n, WEFT_GOP_REDUCE_SUM, v, o));
}

/* Roots and logarithms are of floats; of integers they go through f64 and are cut. */
static weft_value *
as_float(onnx_node *n, weft_value *x)
{
    return weft_is_float(x->dtype) ? x : weft_onnx_cast(n, x, WEFT_F64);
}

static void
finish(onnx_node *n, weft_op op, weft_value *v, weft_dtype t)
{
    if (v && v->dtype == t) {
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0, weft_onnx_unary(n, op, v));
        return;
    }
    v = weft_onnx_unary(n, op, v);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, v, t));
}

void
weft_onnx_import_reduce_l2(onnx_node *n)
{
    over o = read_over(n);
    weft_value *x = weft_onnx_in(n, 0), *v = as_float(n, x);
    if (o.pass)
        weft_onnx_set(n, 0, x);
    else
        finish(n, WEFT_GOP_SQRT,
               reduce(n, WEFT_GOP_REDUCE_SUM, weft_onnx_binary(n, WEFT_GOP_MUL, v, v), o),
               x->dtype);
}

void
weft_onnx_import_reduce_log_sum(onnx_node *n)
{
    over o = read_over(n);
    weft_value *x = weft_onnx_in(n, 0);
    if (o.pass)
        weft_onnx_set(n, 0, x);
    else
        finish(n, WEFT_GOP_LOG, reduce(n, WEFT_GOP_REDUCE_SUM, as_float(n, x), o), x->dtype);
}

/* m + log(sum(exp(x - m))): m is the greatest element, or 0 where that is infinite. */
void
weft_onnx_import_reduce_log_sum_exp(onnx_node *n)
{
    over o = read_over(n), kept = o;
    weft_value *x = weft_onnx_in(n, 0), *v = as_float(n, x);
    if (o.pass) {
        weft_onnx_set(n, 0, x);
        return;
    }
    kept.keep = true;
    weft_attr signs[] = { weft_attr_int("positive", &(int64_t){ 1 }),
                          weft_attr_int("negative", &(int64_t){ 1 }) };
    weft_value *most = reduce(n, WEFT_GOP_REDUCE_MAX, v, kept);
    weft_value *infinite = weft_onnx_emit(n, WEFT_GOP_ISINF, 1, &most, 2, signs);
    most = weft_onnx_where(n, infinite, weft_onnx_scalar(n, v ? v->dtype : WEFT_F32, 0), most);
    v = weft_onnx_unary(n, WEFT_GOP_EXP, weft_onnx_binary(n, WEFT_GOP_SUB, v, most));
    v = weft_onnx_unary(n, WEFT_GOP_LOG, reduce(n, WEFT_GOP_REDUCE_SUM, v, o));
    if (v && !o.keep)
        most = weft_onnx_reshape(n, most, v->ndim, v->dim);
    bool same = v && v->dtype == x->dtype;
    if (same)
        weft_onnx_last(n, 0);
    v = weft_onnx_binary(n, WEFT_GOP_ADD, v, most);
    if (!same) {
        weft_onnx_last(n, 0);
        v = weft_onnx_cast(n, v, x->dtype);
    }
    weft_onnx_set(n, 0, v);
}

void
weft_onnx_import_arg(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), x->ndim, false);
    weft_attr attr[] = {
        weft_attr_int("axis", &axis),
        weft_attr_int("keepdims", &(int64_t){ weft_onnx_attr_int(n, "keepdims", 1) != 0 }),
        weft_attr_int("last", &(int64_t){ weft_onnx_attr_int(n, "select_last_index", 0) != 0 })
    };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, (weft_op)n->op->arg, 1, &x, 3, attr));
}
