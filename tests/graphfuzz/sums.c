/* tests/graphfuzz/sums.c: reductions, windows, and row-wise operators.
 *
 * A sum of n numbers in any order errs by at most n roundings of the sum of their magnitudes; sums
 * of f16 and bf16 are made in f32 and rounded once.
 */
#include "graphfuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool
reduces(const gf_value *v)
{
    return v->ndim > 0 && v->dtype != WEFT_BOOL;
}

static bool
reduces_exactly(const gf_value *v)
{
    return reduces(v) && v->error == 0;
}

static bool
is_rows(const gf_value *v)
{
    return v->ndim > 0 && weft_is_float(v->dtype);
}

static bool
is_image(const gf_value *v)
{
    return v->ndim >= 3 && weft_is_float(v->dtype);
}

static double
sum_unit(weft_dtype t)
{
    double f32 = gf_unit(WEFT_F32);
    return gf_unit(t) > f32 ? f32 : gf_unit(t);
}

/* Some axes, at least one; y's dims without them, or with them as 1. */
static int
reduce_axes(gf_graph *g, const gf_value *x, bool keep, gf_value *y, int64_t *axes, int64_t *count)
{
    int n = 0;
    int64_t must = gf_below(g, x->ndim);
    y->ndim = 0;
    *count = 1;
    for (int d = 0; d < x->ndim; d++) {
        if (d == must || gf_below(g, 3) == 0) {
            axes[n++] = d;
            *count *= x->dim[d];
            if (keep)
                y->dim[y->ndim++] = 1;
        } else {
            y->dim[y->ndim++] = x->dim[d];
        }
    }
    return n;
}

bool
gf_reduce(gf_graph *g)
{
    static const weft_op ops[] = { WEFT_GOP_REDUCE_SUM, WEFT_GOP_REDUCE_SUM, WEFT_GOP_REDUCE_MEAN,
                                   WEFT_GOP_REDUCE_MAX, WEFT_GOP_REDUCE_MIN, WEFT_GOP_REDUCE_PROD };
    weft_op op = ops[gf_below(g, 6)];
    int at = gf_pick(g, reduces);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    int64_t axes[GF_RANK], n;
    bool keep = gf_below(g, 2), whole = !weft_is_float(x.dtype);
    int naxes = reduce_axes(g, &x, keep, &y, axes, &n);
    double count = (double)n, most = gf_most(&x);
    if (op == WEFT_GOP_REDUCE_MEAN && whole)
        return false;
    if (op == WEFT_GOP_REDUCE_SUM) {
        y.lo = fmin(x.lo * count, x.lo);
        y.hi = fmax(x.hi * count, x.hi);
        y.error = count * x.error + count * sum_unit(x.dtype) * count * most;
    } else if (op == WEFT_GOP_REDUCE_MEAN) {
        y.error = x.error + (count + 2) * sum_unit(x.dtype) * most;
    } else if (op == WEFT_GOP_REDUCE_PROD) {
        double top = pow(fmax(most, 1), count);
        y.lo = x.lo < 0 ? -top : 0;
        y.hi = top;
        y.error = count * x.error * top + count * sum_unit(x.dtype) * top;
    }
    bool rounds = op != WEFT_GOP_REDUCE_MAX && op != WEFT_GOP_REDUCE_MIN;
    if (whole && rounds) {
        y.lo = (double)weft_dtype_min(x.dtype);
        y.hi = x.dtype == WEFT_U64 ? 1.8e19 : (double)weft_dtype_max(x.dtype);
    }
    y.error = whole ? 0 : rounds ? y.error + gf_unit(y.dtype) * gf_most(&y) : x.error;
    char list[60], attrs[100];
    gf_dims_text(list, sizeof list, naxes, axes);
    snprintf(attrs, sizeof attrs, "axes=%s, keepdims=%d", list, keep);
    return gf_add(g, op, y, 1, &at, attrs);
}

bool
gf_argreduce(gf_graph *g)
{
    int at = gf_pick(g, reduces_exactly);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    int axis = (int)gf_below(g, x.ndim);
    bool keep = gf_below(g, 2), last = gf_below(g, 2);
    y.dtype = WEFT_I64;
    y.ndim = 0;
    for (int d = 0; d < x.ndim; d++)
        if (d != axis || keep)
            y.dim[y.ndim++] = d == axis ? 1 : x.dim[d];
    y.lo = 0;
    y.hi = (double)x.dim[axis] - 1;
    char attrs[60];
    snprintf(attrs, sizeof attrs, "axis=%d, keepdims=%d, last=%d", axis, keep, last);
    return gf_add(g, gf_below(g, 2) ? WEFT_GOP_ARGMAX : WEFT_GOP_ARGMIN, y, 1, &at, attrs);
}

/* ---- rows ------------------------------------------------------------------------------------ */

bool
gf_softmax(gf_graph *g)
{
    int at = gf_pick(g, is_rows);
    at = at < 0 ? -1 : gf_clipped(g, at, -8, 8);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    int axis = (int)gf_below(g, x.ndim);
    bool logs = gf_below(g, 3) == 0;
    double n = (double)x.dim[axis], u = gf_unit(x.dtype);
    y.lo = logs ? x.lo - x.hi - log(n) : 0;
    y.hi = logs ? 0 : 1;
    y.error = 2 * x.error + (16 + n) * sum_unit(x.dtype) * fmax(gf_most(&x), 1) +
              4 * u * fmax(gf_most(&y), gf_most(&x));
    char attrs[24];
    snprintf(attrs, sizeof attrs, "axis=%d", axis);
    return gf_add(g, logs ? WEFT_GOP_LOG_SOFTMAX : WEFT_GOP_SOFTMAX, y, 1, &at, attrs);
}

/* Batch, instance and layer normalisation with an epsilon that keeps them from being steep. */
bool
gf_norm(gf_graph *g)
{
    int at = gf_pick(g, is_rows);
    at = at < 0 ? -1 : gf_clipped(g, at, -4, 4);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    int kind = (int)gf_below(g, 3), axis = (int)gf_below(g, x.ndim), in[5] = { at };
    if ((kind < 2 && x.ndim < 2) || (kind == 1 && x.ndim < 3))
        return false;
    gf_value y = x;
    int64_t c = kind < 2 ? x.dim[1] : x.dim[x.ndim - 1];
    in[1] = gf_new_weights(g, x.dtype, 1, &c, 0.5, 1.5);
    in[2] = gf_new_weights(g, x.dtype, 1, &c, -1, 1);
    double n = 1, slope = 4 * 1.5, most = kind == 0 ? 1.5 * 5 / 0.7 + 1 : 0;
    char attrs[60];
    if (kind == 0) {
        in[3] = gf_new_weights(g, x.dtype, 1, &c, -1, 1);
        in[4] = gf_new_weights(g, x.dtype, 1, &c, 0.5, 1.5);
        snprintf(attrs, sizeof attrs, "epsilon=0.125");
    } else if (kind == 1) {
        n = (double)(gf_count(&x) / (x.dim[0] * x.dim[1]));
        snprintf(attrs, sizeof attrs, "epsilon=0.125");
    } else {
        for (int d = axis; d < x.ndim; d++)
            n *= (double)x.dim[d];
        snprintf(attrs, sizeof attrs, "axis=%d, epsilon=0.125", axis);
    }
    if (kind)
        most = 1.5 * fmin(sqrt(n), 8 / 0.35) + 1;
    y.lo = -most;
    y.hi = most;
    y.error = slope * (2 + most) * x.error + (16 + 2 * n) * sum_unit(x.dtype) * slope * (2 + most) +
              16 * gf_unit(x.dtype) * slope * most;
    weft_op op = kind == 0   ? WEFT_GOP_BATCH_NORM
                 : kind == 1 ? WEFT_GOP_INSTANCE_NORM
                             : WEFT_GOP_LAYER_NORM;
    return gf_add(g, op, y, kind == 0 ? 5 : 3, in, attrs);
}

bool
gf_lrn(gf_graph *g)
{
    int at = gf_pick(g, is_image);
    at = at < 0 ? -1 : gf_clipped(g, at, -4, 4);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    double m = gf_most(&y);
    y.error = y.error * (1 + 5 * m) + 32 * gf_unit(y.dtype) * fmax(m, 1);
    y.lo = fmin(y.lo, 0);
    y.hi = fmax(y.hi, 0);
    return gf_add(g, WEFT_GOP_LRN, y, 1, &at, "size=3, alpha=0.25, beta=0.75, bias=1.0");
}

/* ---- windows --------------------------------------------------------------------------------- */

bool
gf_pool(gf_graph *g)
{
    int at = gf_pick(g, is_image);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    int n = x.ndim - 2;
    int64_t kernel[GF_RANK], stride[GF_RANK], dilation[GF_RANK], pads[2 * GF_RANK], taps = 1;
    bool average = gf_below(g, 2);
    for (int i = 0; i < n; i++) {
        int64_t size = x.dim[2 + i];
        kernel[i] = 1 + gf_below(g, size < 3 ? size : 3);
        stride[i] = 1 + gf_below(g, 2);
        dilation[i] = kernel[i] * 2 - 1 <= size && !average ? 1 + gf_below(g, 2) : 1;
        int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
        pads[i] = gf_below(g, kernel[i]);
        pads[n + i] = gf_below(g, kernel[i]);
        int64_t room = size + pads[i] + pads[n + i] - reach;
        if (room < 0)
            return false;
        y.dim[2 + i] = room / stride[i] + 1;
        taps *= kernel[i];
    }
    if (!average && n) /* a window over padding alone has no maximum */
        for (int i = 0; i < n; i++)
            if (pads[i] >= (kernel[i] - 1) * dilation[i] + 1 || dilation[i] > 1)
                pads[i] = pads[n + i] = 0,
                y.dim[2 + i] = (x.dim[2 + i] - ((kernel[i] - 1) * dilation[i] + 1)) / stride[i] + 1;
    char k[50], s[50], d[50], p[80], attrs[GF_TEXT];
    gf_dims_text(k, sizeof k, n, kernel);
    gf_dims_text(s, sizeof s, n, stride);
    gf_dims_text(d, sizeof d, n, dilation);
    gf_dims_text(p, sizeof p, 2 * n, pads);
    snprintf(attrs, sizeof attrs, "kernel=%s, strides=%s, dilations=%s, pads=%s, ceil=0%s", k, s, d,
             p, average ? ", count_include_pad=1" : "");
    if (average) {
        y.error = x.error + ((double)taps + 2) * sum_unit(x.dtype) * gf_most(&x) +
                  gf_unit(x.dtype) * gf_most(&x);
        y.lo = fmin(x.lo, 0);
        y.hi = fmax(x.hi, 0);
    }
    return gf_add(g, average ? WEFT_GOP_AVG_POOL : WEFT_GOP_MAX_POOL, y, 1, &at, attrs);
}
