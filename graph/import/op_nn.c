/* Importers of windows and contractions: Conv, ConvTranspose, pooling, Gemm, MatMul. */
#include "import/ops.h"

#include <math.h>
#include <string.h>

typedef enum auto_pad { GIVEN, SAME_UPPER, SAME_LOWER, VALID } auto_pad;

/* The window of a node: one element a spatial axis, two of pads. */
typedef struct window {
    int rank;
    int64_t *kernel, *stride, *dilation, *pad;
    auto_pad how;
} window;

/* ---- reading a window ------------------------------------------------------------------------ */

static auto_pad
auto_pad_of(onnx_node *n)
{
    static const char *const names[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER",
                                         "VALID" }; /* ORDER: auto_pad */
    const char *text = weft_onnx_attr_text(n, "auto_pad", "NOTSET");
    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0)
            return (auto_pad)i;
    weft_onnx_fail(n, WEFT_INVALID_INPUT,
                   "auto_pad is '%s', not NOTSET, SAME_UPPER, SAME_LOWER or VALID", text);
    return GIVEN;
}

/* w: the weight that decides the kernel, NULL for pooling. */
static window
window_of(onnx_node *n, const weft_value *x, const weft_value *w)
{
    window win = { .rank = x->ndim - 2 };
    if (win.rank < 1 || (w && w->ndim != x->ndim)) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "needs operands of one rank, three at least; not %d and %d", x->ndim,
                       w ? w->ndim : x->ndim);
        return win;
    }
    if (!w && !weft_onnx_has_attr(n, "kernel_shape"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'kernel_shape' is missing");
    win.kernel = weft_onnx_attr_list(n, "kernel_shape", win.rank, 1, 1);
    for (int i = 0; w && i < win.rank; i++) {
        int64_t size = weft_onnx_size(n, w, 2 + i);
        if (weft_onnx_has_attr(n, "kernel_shape") && n->status == WEFT_OK && size != win.kernel[i])
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "kernel_shape says %lld where the weight has %lld",
                           (long long)win.kernel[i], (long long)size);
        win.kernel[i] = size;
        if (n->status == WEFT_OK && size > INT32_MAX)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "the weight has a dimension of %lld",
                           (long long)size);
    }
    win.stride = weft_onnx_attr_list(n, "strides", win.rank, 1, 1);
    win.dilation = weft_onnx_attr_list(n, "dilations", win.rank, 1, 1);
    win.how = auto_pad_of(n);
    win.pad = weft_onnx_attr_list(n, "pads", 2 * win.rank, -INT32_MAX, 0);
    return win;
}

static int64_t
reach(const window *w, int i)
{
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

static void
halve(window *w, int i, int64_t total, bool more_after)
{
    int64_t less = total / 2;
    w->pad[i] = more_after ? less : total - less;
    w->pad[w->rank + i] = total - w->pad[i];
}

/* Dimension i of what the window goes over; no sum of window_of's numbers with it overflows. */
static int64_t
window_size(onnx_node *n, const weft_value *x, int i)
{
    int64_t size = weft_onnx_size(n, x, 2 + i);
    if (n->status == WEFT_OK && size > INT32_MAX)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "dimension %d of the input is %lld, more than %d",
                       2 + i, (long long)size, INT32_MAX);
    return n->status == WEFT_OK ? size : 1;
}

/* Pads of SAME: as many windows as ceil(size / stride). */
static void
resolve_pads(onnx_node *n, const weft_value *x, window *w)
{
    for (int i = 0; i < w->rank && n->status == WEFT_OK && w->how != GIVEN; i++) {
        int64_t total = reach(w, i) - 1;
        if (w->stride[i] != 1 && w->how != VALID) {
            int64_t size = window_size(n, x, i);
            total = (weft_ceildiv(size, w->stride[i]) - 1) * w->stride[i] + reach(w, i) - size;
        }
        halve(w, i, w->how == VALID || total < 0 ? 0 : total, w->how == SAME_UPPER);
    }
}

static void
window_attrs(const window *w, weft_attr attr[3])
{
    attr[0] = weft_attr_ints("strides", w->rank, w->stride);
    attr[1] = weft_attr_ints("dilations", w->rank, w->dilation);
    attr[2] = weft_attr_ints("pads", 2 * w->rank, w->pad);
}

/* Negative pads crop: a pad of its own before the window, which then has none. */
static weft_value *
crop(onnx_node *n, weft_value *x, window *w)
{
    bool negative = false;
    for (int i = 0; i < 2 * w->rank && n->status == WEFT_OK; i++)
        negative = negative || w->pad[i] < 0;
    if (!negative || n->status != WEFT_OK)
        return x;
    int64_t *before = WEFT_NEW_ARRAY(n->arena, x->ndim, int64_t),
            *after = WEFT_NEW_ARRAY(n->arena, x->ndim, int64_t);
    for (int i = 0; i < w->rank; i++) {
        before[2 + i] = w->pad[i];
        after[2 + i] = w->pad[w->rank + i];
        w->pad[i] = w->pad[w->rank + i] = 0;
    }
    weft_attr attr[] = { weft_attr_ints("before", x->ndim, before),
                         weft_attr_ints("after", x->ndim, after),
                         weft_attr_text("mode", "constant") };
    return weft_onnx_emit(n, WEFT_GOP_PAD, 1, &x, 3, attr);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

weft_value *
weft_onnx_conv(onnx_node *n, weft_value *x, weft_value *weight, weft_value *bias, bool last)
{
    if (!x || !weight)
        return NULL;
    window w = window_of(n, x, weight);
    int64_t groups = weft_onnx_attr_int(n, "group", 1);
    if (n->status != WEFT_OK)
        return NULL;
    resolve_pads(n, x, &w);
    weft_value *in[] = { crop(n, x, &w), weight, bias };
    weft_attr attr[4] = { [3] = weft_attr_int("groups", &groups) };
    window_attrs(&w, attr);
    if (last)
        weft_onnx_last(n, 0);
    return weft_onnx_emit(n, WEFT_GOP_CONV, bias ? 3 : 2, in, 4, attr);
}

void
weft_onnx_import_conv(onnx_node *n)
{
    weft_onnx_set(
        n, 0,
        weft_onnx_conv(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2), true));
}

/* Pads that make the output as large as asked for: output_shape, or stride times the input for
 * SAME.  A larger output than there is gets zeros at its end. */
static void
transpose_pads(onnx_node *n, const weft_value *x, window *w, int64_t *more)
{
    int count;
    const int64_t *shape = weft_onnx_attr_ints(n, "output_shape", &count);
    if (shape && count != w->rank && count != w->rank + 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "output_shape has %d elements; %d are needed", count,
                       w->rank);
    for (int i = 0; i < w->rank && n->status == WEFT_OK && (shape || w->how != GIVEN); i++) {
        int64_t total = more[i] + reach(w, i) - w->stride[i];
        if (shape) {
            int64_t asked = shape[count - w->rank + i], size = window_size(n, x, i);
            if (asked < 0 || asked > INT32_MAX)
                weft_onnx_fail(n, WEFT_INVALID_INPUT, "output_shape holds %lld", (long long)asked);
            if (n->status != WEFT_OK)
                return;
            total += w->stride[i] * size - asked;
        } else if (w->how == VALID) {
            total = 0;
        }
        if (total < 0)
            more[i] -= total;
        halve(w, i, total < 0 ? 0 : total, w->how == SAME_UPPER);
    }
}

void
weft_onnx_import_conv_transpose(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    window w = window_of(n, in[0], in[1]);
    int64_t groups = weft_onnx_attr_int(n, "group", 1);
    if (n->status != WEFT_OK)
        return;
    int64_t *more = weft_onnx_attr_list(n, "output_padding", w.rank, 0, 0);
    transpose_pads(n, in[0], &w, more);
    weft_attr attr[5] = {
        [3] = weft_attr_int("groups", &groups), [4] = weft_attr_ints("output_padding", w.rank, more)
    };
    window_attrs(&w, attr);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CONV_TRANSPOSE, in[2] ? 3 : 2, in, 5, attr));
}

/* ---- pooling --------------------------------------------------------------------------------- */

/* The operator over windows; the last of its attributes may be its own. */
static weft_value *
pool_by(onnx_node *n, weft_op op, weft_value *x, const window *w, const weft_attr *own)
{
    int64_t ceil = weft_onnx_attr_int(n, "ceil_mode", 0) != 0;
    weft_attr attr[6] = { [3] = weft_attr_ints("kernel", w->rank, w->kernel),
                          [4] = weft_attr_int("ceil", &ceil) };
    window_attrs(w, attr);
    if (own)
        attr[5] = *own;
    return weft_onnx_emit(n, op, 1, &x, own ? 6 : 5, attr);
}

static bool
wants_output(const onnx_node *n, int i)
{
    return i < n->nout && *n->proto->output[i];
}

void
weft_onnx_import_pool(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool average = n->op->arg == WEFT_GOP_AVG_POOL;
    window w = window_of(n, x, NULL);
    int64_t count_pads = average ? weft_onnx_attr_int(n, "count_include_pad", 0) != 0 : 0;
    int64_t column_major = average ? 0 : weft_onnx_attr_int(n, "storage_order", 0) != 0;
    weft_attr count = weft_attr_int("count_include_pad", &count_pads),
              order = weft_attr_int("column_major", &column_major);
    if (n->status != WEFT_OK)
        return;
    resolve_pads(n, x, &w);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, pool_by(n, (weft_op)n->op->arg, x, &w, average ? &count : NULL));
    if (average || !wants_output(n, 1))
        return;
    weft_onnx_last(n, 1);
    weft_onnx_set(n, 1, pool_by(n, WEFT_GOP_MAX_POOL_INDEX, x, &w, &order));
}

/* ---- norms of windows ------------------------------------------------------------------------ */

/* The attribute p, a float in the first version. */
static double
norm_of(onnx_node *n)
{
    double p = n->version < 2 ? weft_onnx_attr_float(n, "p", 2)
                              : (double)weft_onnx_attr_int(n, "p", 2);
    if (!(p > 0) || isinf(p))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "p is %g: a positive number is needed", p);
    return p;
}

/* |x| to the power p, in the dtype that is summed in. */
static weft_value *
power_of(onnx_node *n, weft_value *x, double p)
{
    weft_dtype t = x->dtype;
    x = weft_onnx_cast(n, x, weft_is_float(t) && weft_dtype_bits(t) < 32 ? WEFT_F32 : t);
    if (p >= 2 && p <= 2)
        return weft_onnx_binary(n, WEFT_GOP_MUL, x, x);
    x = weft_onnx_unary(n, WEFT_GOP_ABS, x);
    return !x || (p >= 1 && p <= 1)
               ? x
               : weft_onnx_binary(n, WEFT_GOP_POW, x, weft_onnx_scalar(n, x->dtype, p));
}

/* The root of the sum, as output 0. */
static void
set_root(onnx_node *n, weft_value *sum, double p, weft_dtype t)
{
    if (sum && p >= 2 && p <= 2)
        sum = weft_onnx_unary(n, WEFT_GOP_SQRT, sum);
    else if (sum && !(p >= 1 && p <= 1))
        sum = weft_onnx_binary(n, WEFT_GOP_POW, sum, weft_onnx_scalar(n, sum->dtype, 1 / p));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, sum, t));
}

void
weft_onnx_import_lp_pool(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    window w = window_of(n, x, NULL);
    double p = norm_of(n);
    if (n->status != WEFT_OK)
        return;
    resolve_pads(n, x, &w);
    set_root(n, pool_by(n, WEFT_GOP_SUM_POOL, power_of(n, x, p), &w, NULL), p, x->dtype);
}

/* Every axis behind the channels. */
static int64_t *
spatial_axes(onnx_node *n, const weft_value *x)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    if (x->ndim < 3)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs three dimensions at least, not %d", x->ndim);
    for (int i = 2; i < x->ndim; i++)
        axes[i - 2] = i;
    return axes;
}

void
weft_onnx_import_global_lp_pool(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t *axes = spatial_axes(n, x);
    double p = norm_of(n);
    if (n->status != WEFT_OK)
        return;
    weft_value *sum =
        weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, power_of(n, x, p), x->ndim - 2, axes, true);
    set_root(n, sum, p, x->dtype);
}

void
weft_onnx_import_global_pool(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t *axes = spatial_axes(n, x);
    if (n->status != WEFT_OK)
        return;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reduce(n, (weft_op)n->op->arg, x, x->ndim - 2, axes, true));
}

/* ---- matrices -------------------------------------------------------------------------------- */

/* v * factor; of integers the factor has to be whole. */
static weft_value *
scaled(onnx_node *n, weft_value *v, double factor)
{
    if (!v || factor == 1)
        return v;
    if (!weft_is_float(v->dtype) && factor != (double)(int64_t)factor)
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "a factor of %g for %s is not supported", factor,
                       weft_dtype_name(v->dtype));
    return weft_onnx_binary(n, WEFT_GOP_MUL, v, weft_onnx_scalar(n, v->dtype, factor));
}

void
weft_onnx_import_gemm(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) }, *c = weft_onnx_in(n, 2);
    double alpha = weft_onnx_attr_float(n, "alpha", 1), beta = weft_onnx_attr_float(n, "beta", 1);
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ weft_onnx_attr_int(n, "transA", 0) != 0 }),
                         weft_attr_int("tb",
                                       &(int64_t){ weft_onnx_attr_int(n, "transB", 0) != 0 }) };
    weft_onnx_ignore(n, "broadcast"); /* before operator set 7; shapes say the same */
    if (in[0]->ndim != 2 || in[1]->ndim != 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the operands have %d and %d dimensions; both need two", in[0]->ndim,
                       in[1]->ndim);
    if (beta == 0)
        c = NULL;
    c = scaled(n, c, beta);
    if (!c && alpha == 1)
        weft_onnx_last(n, 0);
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_MATMUL, 2, in, 2, attr);
    if (!c)
        weft_onnx_last(n, 0);
    v = scaled(n, v, alpha);
    if (c) {
        weft_onnx_last(n, 0);
        v = weft_onnx_binary(n, WEFT_GOP_ADD, v, c);
    }
    if (v && v->ndim != 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "input 2 has %d dimensions; it has to broadcast to a matrix", c->ndim);
    weft_onnx_set(n, 0, v);
}

/* The value with a dimension of 1 in front (of a row) or behind (of a column). */
static weft_value *
as_matrix(onnx_node *n, weft_value *v, bool row)
{
    const weft_expr *one = weft_dim(n->graph, 1),
                    *dim[2] = { row ? one : v->dim[0], row ? v->dim[0] : one };
    return v->ndim == 1 ? weft_onnx_reshape(n, v, 2, dim) : v;
}

/* Vectors are matrices of one row or column, and the result loses that dimension again. */
weft_value *
weft_onnx_matmul(onnx_node *n, weft_value *a, weft_value *b, bool last)
{
    if (!a || !b)
        return NULL;
    bool row = a->ndim == 1, column = b->ndim == 1;
    if (a->ndim < 1 || b->ndim < 1) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "operands of no dimensions are not possible");
        return NULL;
    }
    weft_value *in[] = { as_matrix(n, a, true), as_matrix(n, b, false) };
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ 0 }),
                         weft_attr_int("tb", &(int64_t){ 0 }) };
    if (last && !row && !column)
        weft_onnx_last(n, 0);
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_MATMUL, 2, in, 2, attr);
    if (!v || (!row && !column))
        return v;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, v->ndim, const weft_expr *);
    int rank = 0;
    for (int i = 0; i < v->ndim; i++)
        if (!(row && i == v->ndim - 2) && !(column && i == v->ndim - 1))
            dim[rank++] = v->dim[i];
    if (last)
        weft_onnx_last(n, 0);
    return weft_onnx_reshape(n, v, rank, dim);
}

void
weft_onnx_import_matmul(onnx_node *n)
{
    weft_onnx_set(n, 0, weft_onnx_matmul(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1), true));
}
