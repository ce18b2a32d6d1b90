/* Importers of quantised operators: conversions between reals and scaled small numbers, and
 * products and convolutions of these, which are summed in i32. */
#include "import/ops.h"

/* ---- scales and zero points ------------------------------------------------------------------ */

static bool
is_one(const weft_value *v)
{
    int64_t count;
    return weft_value_count(v, &count) && count == 1;
}

/* v: one number a block of so many elements of x along the axis: each as often as it counts. */
static weft_value *
repeated(onnx_node *n, weft_value *v, const weft_value *x, int axis, int64_t block)
{
    int64_t size, count;
    if (v->ndim != x->ndim || block < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "a scale of %d dimensions for %d is possible with a positive block_size "
                       "alone, and has to have as many",
                       v->ndim, x->ndim);
    else if (weft_as_int(x->dim[axis], &size) && weft_as_int(v->dim[axis], &count) &&
             weft_ceildiv(size, block) != count)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "%lld scales along axis %d for %lld elements in blocks of %lld",
                       (long long)count, axis, (long long)size, (long long)block);
    if (n->status != WEFT_OK)
        return NULL;
    weft_value *at = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, x->dim[axis]);
    at = weft_onnx_binary(n, WEFT_GOP_DIV, at, weft_onnx_scalar(n, WEFT_I64, (double)block));
    weft_attr attr = weft_attr_int("axis", &(int64_t){ axis });
    return weft_onnx_emit(n, WEFT_GOP_GATHER, 2, (weft_value *[]){ v, at }, 1, &attr);
}

/* A scale or zero point of x as it broadcasts to it: of the tensor, of each place along the axis,
 * or of blocks along it. */
static weft_value *
spread(onnx_node *n, weft_value *v, const weft_value *x)
{
    int64_t block = weft_onnx_attr_int(n, "block_size", 0),
            axis = weft_onnx_attr_int(n, "axis", 1);
    if (!v || n->status != WEFT_OK)
        return NULL;
    if (is_one(v))
        return weft_onnx_reshape(n, v, 0, NULL);
    if (v->ndim == 1 && x->ndim == 1 && block == 0)
        return v;
    int along = weft_onnx_axis(n, axis, x->ndim, false);
    if (n->status != WEFT_OK)
        return NULL;
    return v->ndim == 1 && block == 0 ? weft_onnx_along(n, v, along, x->ndim)
                                      : repeated(n, v, x, along, block);
}

/* ---- from and to reals ----------------------------------------------------------------------- */

/* v, a float, to the nearest integer (ties to even), with the zero point and within t's range: i32
 * to be cast.  What is clipped first has no effect on what comes of it. */
static weft_value *
rounded(onnx_node *n, weft_value *v, weft_value *zero, weft_dtype t)
{
    const double beyond = 1 << 18;
    v = weft_onnx_unary(n, WEFT_GOP_RINT, weft_onnx_cast(n, v, WEFT_F32));
    v = weft_onnx_emit(n, WEFT_GOP_CLIP, 3,
                       (weft_value *[]){ v, weft_onnx_scalar(n, WEFT_F32, -beyond),
                                         weft_onnx_scalar(n, WEFT_F32, beyond) },
                       0, NULL);
    v = weft_onnx_cast(n, v, WEFT_I32);
    if (zero)
        v = weft_onnx_binary(n, WEFT_GOP_ADD, v, weft_onnx_cast(n, zero, WEFT_I32));
    return weft_onnx_emit(
        n, WEFT_GOP_CLIP, 3,
        (weft_value *[]){ v, weft_onnx_scalar(n, WEFT_I32, (double)weft_dtype_min(t)),
                          weft_onnx_scalar(n, WEFT_I32, (double)weft_dtype_max(t)) },
        0, NULL);
}

/* Output `output`: v, scaled already, as a t. */
static void
set_quantised(onnx_node *n, int output, weft_value *v, weft_value *zero, weft_dtype t,
              bool saturate)
{
    if (n->status != WEFT_OK)
        return;
    if (weft_is_int(t)) {
        v = rounded(n, v, zero, t);
    } else {
        if (zero)
            v = weft_onnx_binary(n, WEFT_GOP_ADD, v, weft_onnx_cast(n, zero, v->dtype));
        v = weft_onnx_before_cast(n, v, t, saturate);
    }
    weft_onnx_last(n, output);
    weft_onnx_set(n, output, weft_onnx_cast(n, v, t));
}

/* The dtype that an attribute gives, or `absent`. */
static weft_dtype
dtype_attr(onnx_node *n, const char *name, weft_dtype absent)
{
    int64_t number = weft_onnx_attr_int(n, name, 0);
    return number ? weft_onnx_element(n, number) : absent;
}

static void
check_quantised(onnx_node *n, weft_dtype t)
{
    bool whole = weft_is_int(t) && weft_dtype_bits(t) <= 16;
    bool real = weft_is_float(t) && weft_dtype_bits(t) <= 8 && t != WEFT_F8E8M0;
    if (n->status == WEFT_OK && !whole && !real)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%s is no dtype that is quantised to",
                       weft_dtype_name(t));
}

void
weft_onnx_import_quantize_linear(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *scale = weft_onnx_in(n, 1), *zero = weft_onnx_in(n, 2);
    bool saturate = weft_onnx_attr_int(n, "saturate", 1) != 0;
    weft_dtype t = dtype_attr(n, "output_dtype", zero ? zero->dtype : WEFT_U8);
    weft_dtype own = weft_is_float(scale->dtype) && scale->dtype != WEFT_F8E8M0 ? scale->dtype
                     : weft_is_float(x->dtype)                                  ? x->dtype
                                                                                : WEFT_F32;
    weft_dtype precision = dtype_attr(n, "precision", own);
    check_quantised(n, t);
    if (n->status == WEFT_OK && (!weft_is_float(precision) || weft_dtype_bits(precision) < 16))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "precision %s: a float of 16 bits or more is needed",
                       weft_dtype_name(precision));
    if (n->status == WEFT_OK && zero && zero->dtype != t)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "output_dtype is %s, but the zero point is %s",
                       weft_dtype_name(t), weft_dtype_name(zero->dtype));
    scale = weft_onnx_cast(n, spread(n, scale, x), precision);
    zero = spread(n, zero, x);
    weft_value *q =
        weft_onnx_binary(n, WEFT_GOP_DIV, weft_onnx_cast(n, x, precision), scale);
    set_quantised(n, 0, q, zero, t, saturate);
}

/* x less its zero point: integers exactly, floats in f32. */
static weft_value *
centred(onnx_node *n, weft_value *x, weft_value *zero)
{
    weft_dtype wide = weft_is_int(x->dtype) ? WEFT_I32 : WEFT_F32;
    x = weft_onnx_cast(n, x, wide);
    return zero ? weft_onnx_binary(n, WEFT_GOP_SUB, x, weft_onnx_cast(n, zero, wide)) : x;
}

void
weft_onnx_import_dequantize_linear(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *scale = weft_onnx_in(n, 1), *zero = weft_onnx_in(n, 2);
    weft_dtype t = dtype_attr(n, "output_dtype", scale->dtype);
    if (n->status == WEFT_OK && (!weft_is_float(t) || weft_dtype_bits(t) < 16))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the result would be %s; output_dtype has to be a float of 16 bits or more",
                       weft_dtype_name(t));
    if (n->status == WEFT_OK && zero && zero->dtype != x->dtype)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the zero point is %s, input 0 is %s",
                       weft_dtype_name(zero->dtype), weft_dtype_name(x->dtype));
    scale = weft_onnx_cast(n, spread(n, scale, x), WEFT_F32);
    zero = spread(n, zero, x);
    if (n->status != WEFT_OK)
        return;
    weft_value *v = weft_onnx_cast(n, centred(n, x, zero), WEFT_F32);
    if (t == WEFT_F32)
        weft_onnx_last(n, 0);
    v = weft_onnx_binary(n, WEFT_GOP_MUL, v, scale);
    if (t != WEFT_F32)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, v, t));
}

/* The greatest (least) element of x, or 0 where all are below (above). */
static weft_value *
end_of(onnx_node *n, weft_value *x, bool greatest)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    for (int d = 0; d < x->ndim; d++)
        axes[d] = d;
    weft_value *v = weft_onnx_reduce(n, greatest ? WEFT_GOP_REDUCE_MAX : WEFT_GOP_REDUCE_MIN, x,
                                     x->ndim, axes, false);
    return weft_onnx_binary(n, greatest ? WEFT_GOP_MAXIMUM : WEFT_GOP_MINIMUM, v,
                            weft_onnx_scalar(n, x->dtype, 0));
}

void
weft_onnx_import_dynamic_quantize(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = x->dtype;
    weft_value *most = end_of(n, x, true), *least = end_of(n, x, false);
    weft_value *zero = weft_onnx_scalar(n, t, 0), *range = weft_onnx_scalar(n, t, 255);
    weft_value *span = weft_onnx_binary(n, WEFT_GOP_SUB, most, least);
    span = weft_onnx_where(n, weft_onnx_binary(n, WEFT_GOP_EQUAL, most, least),
                           weft_onnx_scalar(n, t, 1), span);
    weft_onnx_last(n, 1);
    weft_value *scale = weft_onnx_binary(n, WEFT_GOP_DIV, span, range);
    weft_onnx_set(n, 1, scale);
    weft_value *point = weft_onnx_binary(n, WEFT_GOP_SUB, zero,
                                         weft_onnx_binary(n, WEFT_GOP_DIV, least, scale));
    set_quantised(n, 2, point, NULL, WEFT_U8, true);
    if (n->status == WEFT_OK)
        set_quantised(n, 0, weft_onnx_binary(n, WEFT_GOP_DIV, x, scale), n->out[2], WEFT_U8, true);
}

/* ---- products -------------------------------------------------------------------------------- */

/* A scale or zero point of a matrix's rows: a list of them stands in a column. */
static weft_value *
by_rows(onnx_node *n, weft_value *v)
{
    if (!v || n->status != WEFT_OK)
        return v;
    if (is_one(v))
        return weft_onnx_reshape(n, v, 0, NULL);
    return v->ndim == 1 ? weft_onnx_along(n, v, 0, 2) : v;
}

static weft_value *
by_columns(onnx_node *n, weft_value *v)
{
    return v && n->status == WEFT_OK && is_one(v) ? weft_onnx_reshape(n, v, 0, NULL) : v;
}

void
weft_onnx_import_matmul_integer(onnx_node *n)
{
    weft_value *a = centred(n, weft_onnx_in(n, 0), by_rows(n, weft_onnx_in(n, 2))),
               *b = centred(n, weft_onnx_in(n, 1), by_columns(n, weft_onnx_in(n, 3)));
    weft_onnx_set(n, 0, weft_onnx_matmul(n, a, b, true));
}

/* sum * a_scale * b_scale / y_scale as an element of y. */
static void
set_rescaled(onnx_node *n, weft_value *sum, weft_value *a_scale, weft_value *b_scale,
             weft_value *y_scale, weft_value *zero, weft_dtype t)
{
    weft_value *by = weft_onnx_binary(n, WEFT_GOP_MUL, weft_onnx_cast(n, a_scale, WEFT_F32),
                                      weft_onnx_cast(n, b_scale, WEFT_F32));
    by = weft_onnx_binary(n, WEFT_GOP_DIV, by, weft_onnx_cast(n, y_scale, WEFT_F32));
    weft_value *v = weft_onnx_binary(n, WEFT_GOP_MUL, weft_onnx_cast(n, sum, WEFT_F32), by);
    set_quantised(n, 0, v, zero, t, true);
}

void
weft_onnx_import_qlinear_matmul(onnx_node *n)
{
    weft_value *zero = weft_onnx_in(n, 7);
    weft_value *a = centred(n, weft_onnx_in(n, 0), by_rows(n, weft_onnx_in(n, 2))),
               *b = centred(n, weft_onnx_in(n, 3), by_columns(n, weft_onnx_in(n, 5)));
    if (a && b && a->dtype != b->dtype)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "a and b have to be both integers or both floats");
    check_quantised(n, zero->dtype);
    weft_value *sum = weft_onnx_matmul(n, a, b, false);
    set_rescaled(n, sum, by_rows(n, weft_onnx_in(n, 1)), by_columns(n, weft_onnx_in(n, 4)),
                 by_rows(n, weft_onnx_in(n, 6)), by_rows(n, zero), zero->dtype);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* One number, or one an output channel: along axis `at` of `rank`. */
static weft_value *
by_channels(onnx_node *n, weft_value *v, int at, int rank)
{
    if (!v || n->status != WEFT_OK)
        return NULL;
    if (is_one(v))
        return weft_onnx_reshape(n, v, 0, NULL);
    if (v->ndim != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "a scale or zero point is one number, or a list of one an output channel");
    return n->status == WEFT_OK ? weft_onnx_along(n, v, at, rank) : NULL;
}

void
weft_onnx_import_conv_integer(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *w = weft_onnx_in(n, 1);
    x = centred(n, x, by_columns(n, weft_onnx_in(n, 2)));
    w = centred(n, w, by_channels(n, weft_onnx_in(n, 3), 0, w->ndim));
    weft_onnx_set(n, 0, weft_onnx_conv(n, x, w, NULL, true));
}

void
weft_onnx_import_qlinear_conv(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *w = weft_onnx_in(n, 3), *zero = weft_onnx_in(n, 7);
    int rank = x->ndim;
    x = centred(n, x, by_columns(n, weft_onnx_in(n, 2)));
    w = centred(n, w, by_channels(n, weft_onnx_in(n, 5), 0, w->ndim));
    check_quantised(n, zero->dtype);
    weft_value *sum = weft_onnx_conv(n, x, w, weft_onnx_in(n, 8), false);
    set_rescaled(n, sum, by_columns(n, weft_onnx_in(n, 1)),
                 by_channels(n, weft_onnx_in(n, 4), 1, rank), by_columns(n, weft_onnx_in(n, 6)),
                 by_columns(n, zero), zero->dtype);
}
