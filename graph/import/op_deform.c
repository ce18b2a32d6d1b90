/* The importer of DeformConv: samples, whose products with the weight are a convolution. */
#include "import/ops.h"

#include <string.h>

static const weft_expr **
new_dims(onnx_node *n, int count)
{
    return WEFT_NEW_ARRAY(n->arena, count + 1, const weft_expr *);
}

/* Tensors are [N, C, d1.., dr], weights [M, C / groups, k1.., kr]. */
typedef struct deform {
    onnx_node *node;
    weft_graph *g;
    weft_value *x, *w, *offset, *mask;
    int rank;
    int64_t groups, offset_groups, taps; /* taps: elements of the kernel */
    int64_t *kernel, *stride, *dilation, *pad;
    weft_dtype places;
} deform;

static const weft_expr *
times(const deform *d, const weft_expr *a, int64_t by)
{
    return weft_dim_op(d->g, WEFT_EK_MUL, a, weft_dim(d->g, by));
}

static const weft_expr *
over(const deform *d, const weft_expr *a, int64_t by)
{
    return weft_dim_op(d->g, WEFT_EK_FDIV, a, weft_dim(d->g, by));
}

/* dim[0 ..]: the kernel, then the result's spatial dims; the number of them. */
static int
tap_dims(const deform *d, const weft_expr **dim)
{
    for (int i = 0; i < d->rank; i++) {
        dim[i] = weft_dim(d->g, d->kernel[i]);
        dim[d->rank + i] = d->offset->dim[2 + i];
    }
    return 2 * d->rank;
}

static void
read_kernel(deform *d)
{
    onnx_node *n = d->node;
    d->kernel = WEFT_NEW_ARRAY(n->arena, d->rank + 1, int64_t);
    d->taps = 1;
    for (int i = 0; i < d->rank && n->status == WEFT_OK; i++) {
        d->kernel[i] = weft_onnx_size(n, d->w, 2 + i);
        bool fits = d->kernel[i] > 0 && weft_mul64(d->taps, d->kernel[i], &d->taps) &&
                    d->taps <= INT32_MAX;
        if (n->status == WEFT_OK && !fits)
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "a kernel with a dimension of %lld is not possible",
                           (long long)d->kernel[i]);
    }
    bool says = weft_onnx_has_attr(n, "kernel_shape");
    int64_t *given = weft_onnx_attr_list(n, "kernel_shape", d->rank, 1, 1);
    for (int i = 0; i < d->rank && says && n->status == WEFT_OK; i++)
        if (given[i] != d->kernel[i])
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "kernel_shape says %lld where the weight has %lld", (long long)given[i],
                           (long long)d->kernel[i]);
    d->stride = weft_onnx_attr_list(n, "strides", d->rank, 1, 1);
    d->dilation = weft_onnx_attr_list(n, "dilations", d->rank, 1, 1);
    d->pad = weft_onnx_attr_list(n, "pads", 2 * d->rank, 0, 0);
}

/* Whether dimension i of v is a * by. */
static bool
is_times(const deform *d, const weft_value *v, int i, const weft_expr *a, int64_t by)
{
    return weft_dim_equal(d->g, v->dim[i], times(d, a, by)) == 1;
}

static void
check_deform(deform *d)
{
    onnx_node *n = d->node;
    const weft_expr *one = weft_dim(d->g, 1);
    int64_t m = weft_onnx_size(n, d->w, 0);
    if (n->status != WEFT_OK)
        return;
    bool fits = d->groups >= 1 && d->offset_groups >= 1 && m % d->groups == 0 &&
                is_times(d, d->x, 1, d->w->dim[1], d->groups) &&
                is_times(d, d->x, 1, over(d, d->x->dim[1], d->offset_groups), d->offset_groups);
    if (!fits)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the channels do not fit the weight, group=%lld and offset_group=%lld",
                       (long long)d->groups, (long long)d->offset_groups);
    else if (!is_times(d, d->offset, 1, weft_dim(d->g, d->taps * d->rank), d->offset_groups) ||
             !is_times(d, d->offset, 0, d->x->dim[0], 1) ||
             (d->mask && !is_times(d, d->mask, 1, weft_dim(d->g, d->taps), d->offset_groups)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "offset and mask are not one place and one factor for each element of a "
                       "kernel of %lld",
                       (long long)d->taps);
    for (int i = 0; i < d->rank && n->status == WEFT_OK; i++) {
        int64_t reach = (d->kernel[i] - 1) * d->dilation[i] + 1;
        const weft_expr *room =
            weft_dim_op(d->g, WEFT_EK_ADD, d->x->dim[2 + i],
                        weft_dim(d->g, d->pad[i] + d->pad[d->rank + i] - reach));
        const weft_expr *windows = weft_dim_op(d->g, WEFT_EK_ADD, over(d, room, d->stride[i]), one);
        if (weft_dim_equal(d->g, windows, d->offset->dim[2 + i]) != 1)
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "dimension %d of the offsets is not the number of windows", 2 + i);
    }
}

/* Where windows, or elements of the kernel, begin along each axis: a constant that broadcasts to
 * [.., k1.., kr, o1.., or, r]. */
static weft_value *
steps(const deform *d, bool kernel)
{
    onnx_node *n = d->node;
    int rank = d->rank, first = kernel ? 0 : rank;
    int64_t *dim = WEFT_NEW_ARRAY(n->arena, 2 * rank + 1, int64_t), count = 1;
    for (int i = 0; i < 2 * rank; i++)
        dim[i] = 1;
    for (int i = 0; i < rank && n->status == WEFT_OK; i++) {
        dim[first + i] = kernel ? d->kernel[i] : weft_onnx_size(n, d->offset, 2 + i);
        if (n->status == WEFT_OK && !weft_mul64(count, dim[first + i], &count))
            weft_onnx_fail(n, WEFT_LIMIT, "the windows are too many");
    }
    dim[2 * rank] = rank;
    weft_const c;
    void *data = weft_onnx_new_constant(n, d->places, 2 * rank + 1, dim, &c);
    for (int64_t at = 0; data && at < count; at++) {
        int64_t rest = at;
        for (int i = rank; i-- > 0;) {
            int64_t k = rest % dim[first + i];
            double place = kernel ? (double)(k * d->dilation[i] - d->pad[i])
                                  : (double)(k * d->stride[i]);
            weft_set_f64(d->places, data, at * rank + i, place);
            rest /= dim[first + i];
        }
    }
    return data ? weft_onnx_constant_of(n, &c) : NULL;
}

/* [N * offset groups, k.., o.., r]: where each element of each window is read. */
static weft_value *
places_of(const deform *d)
{
    onnx_node *n = d->node;
    int rank = d->rank, ndim = 2 * rank + 2;
    const weft_expr **dim = new_dims(n, ndim);
    int64_t *order = WEFT_NEW_ARRAY(n->arena, ndim, int64_t);
    dim[0] = times(d, d->x->dim[0], d->offset_groups);
    dim[rank + 1] = weft_dim(d->g, rank);
    for (int i = 0; i < rank; i++) {
        dim[1 + i] = weft_dim(d->g, d->kernel[i]);
        dim[rank + 2 + i] = d->offset->dim[2 + i];
    }
    for (int i = 0; i < ndim; i++)
        order[i] = i <= rank ? i : i < ndim - 1 ? i + 1 : rank + 1;
    weft_value *v = weft_onnx_reshape(n, weft_onnx_cast(n, d->offset, d->places), ndim, dim);
    v = weft_onnx_transpose(n, v, order);
    v = weft_onnx_binary(n, WEFT_GOP_ADD, v, steps(d, false));
    return weft_onnx_binary(n, WEFT_GOP_ADD, v, steps(d, true));
}

/* [N, groups, C / groups * taps, windows]: what the weight is multiplied with. */
static weft_value *
columns_of(const deform *d)
{
    onnx_node *n = d->node;
    int rank = d->rank;
    const weft_expr **dim = new_dims(n, 2 * rank + 2);
    weft_attr attr[] = { weft_attr_text("mode", "linear"), weft_attr_text("padding", "zeros"),
                         weft_attr_text("units", "elements"),
                         weft_attr_int("reversed", &(int64_t){ 0 }) };
    dim[0] = times(d, d->x->dim[0], d->offset_groups);
    dim[1] = over(d, d->x->dim[1], d->offset_groups);
    for (int i = 0; i < rank; i++)
        dim[2 + i] = d->x->dim[2 + i];
    weft_value *in[2] = { weft_onnx_reshape(n, d->x, rank + 2, dim), places_of(d) };
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_SAMPLE, 2, in, 4, attr);
    dim[1] = weft_dim(d->g, 1);
    int ndim = 2 + tap_dims(d, dim + 2);
    if (d->mask)
        v = weft_onnx_binary(n, WEFT_GOP_MUL, v, weft_onnx_reshape(n, d->mask, ndim, dim));
    dim[0] = d->x->dim[0];
    dim[1] = weft_dim(d->g, d->groups);
    dim[2] = times(d, d->w->dim[1], d->taps);
    dim[3] = weft_dim_product(d->g, d->offset->dim, 2, d->offset->ndim);
    return weft_onnx_reshape(n, v, 4, dim);
}

void
weft_onnx_import_deform_conv(onnx_node *n)
{
    weft_value *bias = weft_onnx_in(n, 3);
    deform d = { .node = n,
                 .g = n->graph,
                 .x = weft_onnx_in(n, 0),
                 .w = weft_onnx_in(n, 1),
                 .offset = weft_onnx_in(n, 2),
                 .mask = weft_onnx_in(n, 4),
                 .groups = weft_onnx_attr_int(n, "group", 1),
                 .offset_groups = weft_onnx_attr_int(n, "offset_group", 1) };
    d.rank = d.x->ndim - 2;
    d.places = d.x->dtype == WEFT_F64 ? WEFT_F64 : WEFT_F32;
    if (d.rank < 1 || d.w->ndim != d.x->ndim || d.offset->ndim != d.x->ndim ||
        (d.mask && d.mask->ndim != d.x->ndim)) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs operands of one rank, three at least");
        return;
    }
    read_kernel(&d);
    check_deform(&d);
    if (n->status != WEFT_OK)
        return;
    const weft_expr **dim = new_dims(n, d.x->ndim), *m = over(&d, d.w->dim[0], d.groups);
    const weft_expr *matrix[3] = { weft_dim(d.g, d.groups), m, times(&d, d.w->dim[1], d.taps) };
    weft_value *in[2] = { weft_onnx_reshape(n, d.w, 3, matrix), columns_of(&d) };
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ 0 }),
                         weft_attr_int("tb", &(int64_t){ 0 }) };
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_MATMUL, 2, in, 2, attr);
    dim[0] = d.x->dim[0];
    dim[1] = d.w->dim[0];
    for (int i = 0; i < d.rank; i++)
        dim[2 + i] = d.offset->dim[2 + i];
    if (!bias)
        weft_onnx_last(n, 0);
    v = weft_onnx_reshape(n, v, d.x->ndim, dim);
    if (bias) {
        for (int i = 0; i <= d.rank; i++)
            dim[i] = i ? weft_dim(d.g, 1) : d.w->dim[0];
        bias = weft_onnx_reshape(n, bias, d.rank + 1, dim);
        weft_onnx_last(n, 0);
        v = weft_onnx_binary(n, WEFT_GOP_ADD, v, bias);
    }
    weft_onnx_set(n, 0, v);
}
