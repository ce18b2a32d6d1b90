/* Importers of normalisations and the softmax family. */
#include "import/ops.h"

#include <string.h>

static weft_value *
square(onnx_node *n, weft_value *x)
{
    return weft_onnx_binary(n, WEFT_GOP_MUL, x, x);
}

/* ---- statistics given ------------------------------------------------------------------------ */

/* The widest float among the inputs: statistics may be wider than the data. */
static weft_dtype
widest(const onnx_node *n)
{
    weft_dtype t = n->in[0]->dtype;
    for (int i = 1; i < n->nin; i++)
        if (n->in[i] && weft_dtype_bits(n->in[i]->dtype) > weft_dtype_bits(t))
            t = n->in[i]->dtype;
    return t;
}

/* Parameters for every position of a channel, as operator sets before 9 allowed (spatial=0). */
static weft_value *
norm_by_position(onnx_node *n, weft_value *const in[5], double epsilon)
{
    weft_value *e = weft_onnx_scalar(n, in[0]->dtype, epsilon);
    weft_value *v = weft_onnx_binary(n, WEFT_GOP_SUB, in[0], in[3]);
    v = weft_onnx_binary(
        n, WEFT_GOP_DIV, v,
        weft_onnx_unary(n, WEFT_GOP_SQRT, weft_onnx_binary(n, WEFT_GOP_ADD, in[4], e)));
    v = weft_onnx_binary(n, WEFT_GOP_MUL, v, in[1]);
    weft_onnx_last(n, 0);
    return weft_onnx_binary(n, WEFT_GOP_ADD, v, in[2]);
}

/* [n] as [n, 1]. */
static weft_value *
one_channel(onnx_node *n, weft_value *x)
{
    const weft_expr *dim[2] = { x->dim[0], weft_dim(n->graph, 1) };
    return weft_onnx_reshape(n, x, 2, dim);
}

void
weft_onnx_import_batch_norm(onnx_node *n)
{
    weft_value *in[5];
    double epsilon = weft_onnx_attr_float(n, "epsilon", (double)1e-5f);
    bool spatial = weft_onnx_attr_int(n, "spatial", 1) != 0;
    weft_onnx_ignore(n, "momentum is_test consumed_inputs");
    for (int i = 0; i < 5; i++)
        in[i] = n->in[i];
    bool flat = in[0]->ndim == 1;
    if (flat)
        in[0] = one_channel(n, in[0]);
    if (in[0] && in[0]->ndim < 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "X has no dimensions");
    if (weft_onnx_attr_int(n, "training_mode", 0) != 0)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "training_mode=1 is not supported: weft runs inference");
    weft_dtype t = widest(n);
    bool mixed = n->in[0]->dtype != t;
    for (int i = 0; i < 5; i++)
        in[i] = weft_onnx_cast(n, in[i], t);
    if (n->status != WEFT_OK)
        return;
    weft_value *v;
    weft_attr attr = weft_attr_float("epsilon", &epsilon);
    if (!mixed && !flat)
        weft_onnx_last(n, 0);
    if (!spatial && in[1]->ndim > 1)
        v = norm_by_position(n, in, epsilon);
    else
        v = weft_onnx_emit(n, WEFT_GOP_BATCH_NORM, 5, in, 1, &attr);
    if (mixed && !flat)
        weft_onnx_last(n, 0);
    v = weft_onnx_cast(n, v, n->in[0]->dtype);
    if (flat) {
        weft_onnx_last(n, 0);
        v = weft_onnx_reshape(n, v, 1, n->in[0]->dim);
    }
    weft_onnx_set(n, 0, v);
}

void
weft_onnx_import_lrn(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t size = weft_onnx_attr_int(n, "size", 0);
    double alpha = weft_onnx_attr_float(n, "alpha", (double)1e-4f),
           beta = weft_onnx_attr_float(n, "beta", 0.75);
    double bias = weft_onnx_attr_float(n, "bias", 1);
    if (n->status == WEFT_OK && (size < 1 || size > INT32_MAX))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'size' is missing or not positive");
    weft_attr attr[] = { weft_attr_int("size", &size), weft_attr_float("alpha", &alpha),
                         weft_attr_float("beta", &beta), weft_attr_float("bias", &bias) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_LRN, 1, &x, 4, attr));
}

/* ---- statistics taken ------------------------------------------------------------------------ */

static weft_value *
instance_norm(onnx_node *n, weft_value *x, weft_value *scale, weft_value *bias)
{
    weft_value *in[] = { x, scale, bias };
    double epsilon = weft_onnx_attr_float(n, "epsilon", (double)1e-5f);
    weft_attr attr = weft_attr_float("epsilon", &epsilon);
    return weft_onnx_emit(n, WEFT_GOP_INSTANCE_NORM, 3, in, 1, &attr);
}

void
weft_onnx_import_instance_norm(onnx_node *n)
{
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0,
                  instance_norm(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2)));
}

static weft_value *
vector_of(onnx_node *n, weft_dtype t, int64_t count, double value)
{
    weft_const c;
    void *data = weft_onnx_new_constant(n, t, 1, &count, &c);
    for (int64_t i = 0; data && i < count; i++)
        weft_set_f64(t, data, i, value);
    return data ? weft_onnx_constant_of(n, &c) : NULL;
}

/* A vector of the channels as [C, 1, ..]. */
static weft_value *
along_channels(onnx_node *n, weft_value *v, int rank)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, rank, const weft_expr *);
    for (int i = 0; i < rank - 1; i++)
        dim[i] = i ? weft_dim(n->graph, 1) : v->dim[0];
    return weft_onnx_reshape(n, v, rank - 1, dim);
}

/* Groups are instances of [N, G, the rest]; scale and bias are a group's before operator set 21 and
 * a channel's from then on. */
void
weft_onnx_import_group_norm(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *scale = weft_onnx_in(n, 1), *bias = weft_onnx_in(n, 2);
    int64_t groups = weft_onnx_attr_int(n, "num_groups", 0);
    weft_onnx_ignore(n, "stash_type");
    if (x->ndim < 2 || scale->ndim != 1 || bias->ndim != 1 || groups < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "needs two dimensions, vectors of scale and bias, and num_groups");
    if (n->status != WEFT_OK)
        return;
    bool by_group = n->version < 21 && weft_is_int_imm(scale->dim[0], groups);
    const weft_expr *rest = weft_dim_product(n->graph, x->dim, 1, x->ndim),
                    *g = weft_dim(n->graph, groups);
    const weft_expr *dim[3] = { x->dim[0], g, weft_dim_op(n->graph, WEFT_EK_FDIV, rest, g) };
    weft_value *v = weft_onnx_reshape(n, x, 3, dim);
    weft_value *ones = by_group ? scale : vector_of(n, x->dtype, groups, 1);
    weft_value *zeros = by_group ? bias : vector_of(n, x->dtype, groups, 0);
    v = instance_norm(n, v, ones, zeros);
    if (by_group)
        weft_onnx_last(n, 0);
    v = weft_onnx_reshape(n, v, x->ndim, x->dim);
    if (!by_group) {
        v = weft_onnx_binary(n, WEFT_GOP_MUL, v, along_channels(n, scale, x->ndim));
        bias = along_channels(n, bias, x->ndim);
        weft_onnx_last(n, 0);
        v = weft_onnx_binary(n, WEFT_GOP_ADD, v, bias);
    }
    weft_onnx_set(n, 0, v);
}

/* The axes from `axis` on. */
static int64_t *
axes_from(onnx_node *n, int axis, int rank)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, rank + 1, int64_t);
    for (int i = axis; i < rank; i++)
        axes[i - axis] = i;
    return axes;
}

/* Outputs 1 and 2 of LayerNormalization, in the dtype that stash_type names. */
static void
layer_statistics(onnx_node *n, weft_value *x, int axis, double epsilon, weft_dtype t)
{
    int count = x->ndim - axis;
    const int64_t *axes = axes_from(n, axis, x->ndim);
    x = weft_onnx_cast(n, x, t);
    weft_onnx_last(n, 1);
    weft_value *mean = weft_onnx_reduce(n, WEFT_GOP_REDUCE_MEAN, x, count, axes, true);
    weft_onnx_set(n, 1, mean);
    weft_value *var = square(n, weft_onnx_binary(n, WEFT_GOP_SUB, x, mean));
    var = weft_onnx_reduce(n, WEFT_GOP_REDUCE_MEAN, var, count, axes, true);
    var = weft_onnx_binary(n, WEFT_GOP_ADD, var, weft_onnx_scalar(n, t, epsilon));
    var = weft_onnx_unary(n, WEFT_GOP_SQRT, var);
    weft_onnx_last(n, 2);
    weft_onnx_set(n, 2, weft_onnx_unary(n, WEFT_GOP_RECIPROCAL, var));
}

void
weft_onnx_import_layer_norm(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), in[0]->ndim, false);
    double epsilon = weft_onnx_attr_float(n, "epsilon", (double)1e-5f);
    weft_dtype stash = weft_onnx_dtype(weft_onnx_attr_int(n, "stash_type", 1));
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_float("epsilon", &epsilon) };
    if (stash == WEFT_DTYPE_COUNT || !weft_is_float(stash))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "stash_type is no float type");
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_LAYER_NORM, in[2] ? 3 : 2, in, 2, attr));
    if ((n->nout > 1 && *n->proto->output[1]) || (n->nout > 2 && *n->proto->output[2]))
        layer_statistics(n, in[0], (int)axis, epsilon, stash);
}

/* x / sqrt(mean(x * x) + epsilon) * scale, in the widest of x, scale and what stash_type says. */
void
weft_onnx_import_rms_norm(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *scale = weft_onnx_in(n, 1);
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), x->ndim, false);
    double epsilon = weft_onnx_attr_float(n, "epsilon", (double)1e-5f);
    weft_dtype stash = weft_onnx_dtype(weft_onnx_attr_int(n, "stash_type", 1)), t = widest(n);
    if (stash == WEFT_DTYPE_COUNT || !weft_is_float(stash))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "stash_type is no float type");
    if (n->status != WEFT_OK)
        return;
    if (weft_dtype_bits(stash) > 32) /* sums are in f32 at least */
        t = stash;
    weft_value *in[] = { weft_onnx_cast(n, x, t), weft_onnx_cast(n, scale, t) };
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_float("epsilon", &epsilon) };
    if (t == scale->dtype)
        weft_onnx_last(n, 0);
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_RMS_NORM, 2, in, 2, attr);
    if (t != scale->dtype)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, v, scale->dtype));
}

/* x / norm(x) along one axis; 0 where the norm is 0. */
void
weft_onnx_import_lp_norm(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), x->ndim, false),
            p = weft_onnx_attr_int(n, "p", 2);
    if (n->status == WEFT_OK && p != 1 && p != 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "p is %lld, neither 1 nor 2", (long long)p);
    weft_value *norm = p == 1 ? weft_onnx_unary(n, WEFT_GOP_ABS, x) : square(n, x);
    norm = weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, norm, 1, &axis, true);
    if (p == 2)
        norm = weft_onnx_unary(n, WEFT_GOP_SQRT, norm);
    weft_value *zero = weft_onnx_scalar(n, x->dtype, 0);
    weft_value *none = weft_onnx_binary(n, WEFT_GOP_EQUAL, norm, zero),
               *v = weft_onnx_binary(n, WEFT_GOP_DIV, x, norm);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_where(n, none, zero, v));
}

/* d / (deviation + 1e-9), of what has no mean. */
static weft_value *
over_deviation(onnx_node *n, weft_value *d, int count, const int64_t *axes)
{
    weft_value *s = weft_onnx_reduce(n, WEFT_GOP_REDUCE_MEAN, square(n, d), count, axes, true);
    if (!s)
        return NULL;
    s = weft_onnx_binary(n, WEFT_GOP_ADD, weft_onnx_unary(n, WEFT_GOP_SQRT, s),
                         weft_onnx_scalar(n, s->dtype, 1e-9));
    weft_onnx_last(n, 0);
    return weft_onnx_binary(n, WEFT_GOP_DIV, d, s);
}

/* Before operator set 9 the axes were all or all but the channels. */
static const int64_t *
mean_axes(onnx_node *n, const weft_value *x, int *count)
{
    static const int64_t all[] = { 0, 1, 2, 3 }, no_channels[] = { 0, 2, 3 };
    bool across = n->version < 9 && weft_onnx_attr_int(n, "across_channels", 0);
    const int64_t *axes = weft_onnx_axes(n, "axes", n->nin, x->ndim, count);
    if (axes)
        return axes;
    if (x->ndim != 4)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs four dimensions or the attribute 'axes'");
    *count = across ? 4 : 3;
    return across ? all : no_channels;
}

void
weft_onnx_import_mean_variance(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count;
    const int64_t *axes = mean_axes(n, x, &count);
    bool scaled = n->version >= 9 || weft_onnx_attr_int(n, "normalize_variance", 1);
    weft_value *mean = weft_onnx_reduce(n, WEFT_GOP_REDUCE_MEAN, x, count, axes, true);
    if (!scaled)
        weft_onnx_last(n, 0);
    weft_value *d = weft_onnx_binary(n, WEFT_GOP_SUB, x, mean);
    weft_onnx_set(n, 0, scaled ? over_deviation(n, d, count, axes) : d);
}

/* ---- softmax --------------------------------------------------------------------------------- */

/* 1 at the first of the greatest elements along the axis, 0 elsewhere. */
static weft_value *
hardmax(onnx_node *n, weft_value *x, int64_t axis)
{
    int64_t size = weft_onnx_size(n, x, (int)axis);
    int64_t *dim = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    weft_const c;
    for (int i = 0; i < x->ndim; i++)
        dim[i] = i == axis ? size : 1;
    int64_t *data =
        n->status == WEFT_OK ? weft_onnx_new_constant(n, WEFT_I64, x->ndim, dim, &c) : NULL;
    for (int64_t i = 0; data && i < size; i++)
        data[i] = i;
    weft_value *index = data ? weft_onnx_constant_of(n, &c) : NULL;
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_int("keepdims", &(int64_t){ 1 }),
                         weft_attr_int("last", &(int64_t){ 0 }) };
    weft_value *at = weft_onnx_emit(n, WEFT_GOP_ARGMAX, 1, &x, 3, attr);
    return weft_onnx_binary(n, WEFT_GOP_EQUAL, index, at);
}

/* One of the family along an axis; the value made is not named.  NULL where x is: an error. */
static weft_value *
along(onnx_node *n, weft_value *x, int64_t axis, bool last)
{
    if (!x)
        return NULL;
    weft_attr attr = weft_attr_int("axis", &axis);
    if (n->op->arg == WEFT_GOP_ARGMAX) {
        weft_value *v = hardmax(n, x, axis);
        if (last)
            weft_onnx_last(n, 0);
        return weft_onnx_cast(n, v, x->dtype);
    }
    if (last)
        weft_onnx_last(n, 0);
    return weft_onnx_emit(n, (weft_op)n->op->arg, 1, &x, 1, &attr);
}

/* Before operator set 13 everything from `axis` on was one axis. */
void
weft_onnx_import_softmax(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool flat = n->version < 13;
    int axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", flat ? 1 : -1), x->ndim, flat);
    if (n->status != WEFT_OK)
        return;
    bool units = axis < x->ndim;
    for (int i = axis + 1; i < x->ndim; i++)
        units = units && weft_is_int_imm(x->dim[i], 1);
    if (!flat || units) {
        weft_onnx_set(n, 0, along(n, x, axis, true));
        return;
    }
    const weft_expr *dim[2] = { weft_dim_product(n->graph, x->dim, 0, axis),
                                weft_dim_product(n->graph, x->dim, axis, x->ndim) };
    weft_value *v = along(n, weft_onnx_reshape(n, x, 2, dim), 1, false);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, v, x->ndim, x->dim));
}
