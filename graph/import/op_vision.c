/* Importers of sampling and of regions: GridSample, AffineGrid, RoiAlign, MaxRoiPool, Col2Im,
 * MaxUnpool. */
#include "import/ops.h"

#include <string.h>

/* ---- grids ----------------------------------------------------------------------------------- */

/* The graph's name of a mode. */
static const char *
sample_mode(onnx_node *n)
{
    static const char *const names[][2] = { { "linear", "linear" },
                                            { "nearest", "nearest" },
                                            { "cubic", "cubic" },
                                            { "bilinear", "linear" },
                                            { "bicubic", "cubic" } };
    const char *mode = weft_onnx_attr_text(n, "mode", "linear");
    int first = n->version < 20 ? 1 : 0, end = n->version < 20 ? 5 : 3;
    if (n->version < 20 && !weft_onnx_has_attr(n, "mode"))
        return "linear";
    for (int i = first; i < end; i++)
        if (strcmp(mode, names[i][0]) == 0)
            return names[i][1];
    weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode '%s' is not known", mode);
    return "linear";
}

void
weft_onnx_import_grid_sample(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    bool corners = weft_onnx_attr_int(n, "align_corners", 0) != 0;
    weft_attr attr[] = {
        weft_attr_text("mode", sample_mode(n)),
        weft_attr_text("padding", weft_onnx_attr_text(n, "padding_mode", "zeros")),
        weft_attr_text("units", corners ? "corners" : "edges"),
        weft_attr_int("reversed", &(int64_t){ 1 })
    };
    if (in[0]->ndim != in[1]->ndim)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input and grid have %d and %d dimensions",
                       in[0]->ndim, in[1]->ndim);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_SAMPLE, 2, in, 4, attr));
}

/* Places of an axis of `size` elements between -1 and 1, along axis `at` of `ndim`. */
static weft_value *
axis_places(onnx_node *n, weft_dtype t, int64_t size, bool corners, int ndim, int at)
{
    int64_t *dim = WEFT_NEW_ARRAY(n->arena, ndim, int64_t);
    for (int i = 0; i < ndim; i++)
        dim[i] = i == at ? size : 1;
    weft_const c;
    void *data = weft_onnx_new_constant(n, t, ndim, dim, &c);
    for (int64_t i = 0; data && i < size; i++) {
        double steps = corners ? (double)(size - 1) : (double)size,
               place = corners ? 2 * (double)i : 2 * (double)i + 1;
        weft_set_f64(t, data, i, corners && size == 1 ? 0 : (place - steps) / steps);
    }
    return data ? weft_onnx_constant_of(n, &c) : NULL;
}

/* Column `column` of theta [N, r, r + 1] as [N, 1.., r]. */
static weft_value *
theta_column(onnx_node *n, weft_value *theta, int rank, int column)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, rank + 2, const weft_expr *),
                    *one = weft_dim(n->graph, 1);
    weft_value *v = weft_onnx_slice(n, theta, 2, weft_dim(n->graph, column), one);
    for (int i = 0; i < rank + 2; i++)
        dim[i] = i == 0 ? theta->dim[0] : i == rank + 1 ? theta->dim[1] : one;
    return weft_onnx_reshape(n, v, rank + 2, dim);
}

/* grid[n, .., i] = sum over axes of theta[n, i, axis] * place of the axis,
 * and theta's last column. */
void
weft_onnx_import_affine_grid(onnx_node *n)
{
    weft_value *theta = weft_onnx_in(n, 0);
    bool corners = weft_onnx_attr_int(n, "align_corners", 0) != 0;
    int count;
    const int64_t *size = weft_onnx_in_ints(n, 1, &count);
    int rank = count - 2;
    if (!size)
        return;
    if (rank < 1 || theta->ndim != 3 || !weft_is_int_imm(theta->dim[1], rank) ||
        !weft_is_int_imm(theta->dim[2], rank + 1) || !weft_is_float(theta->dtype))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs floats [N, r, r + 1] and r + 2 sizes");
    if (n->status == WEFT_OK &&
        weft_dim_equal(n->graph, theta->dim[0], weft_dim(n->graph, size[0])) == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "theta is not for a batch of %lld",
                       (long long)size[0]);
    if (n->status != WEFT_OK)
        return;
    weft_dtype t = theta->dtype, wide = weft_dtype_bits(t) < 32 ? WEFT_F32 : t;
    theta = weft_onnx_cast(n, theta, wide);
    weft_value *grid = theta_column(n, theta, rank, rank);
    for (int axis = 0; axis < rank && n->status == WEFT_OK; axis++) {
        weft_value *place = axis_places(n, wide, size[2 + axis], corners, rank + 2, 1 + axis);
        weft_value *turned = theta_column(n, theta, rank, rank - 1 - axis);
        turned = weft_onnx_binary(n, WEFT_GOP_MUL, turned, place);
        if (axis == rank - 1 && wide == t)
            weft_onnx_last(n, 0);
        grid = weft_onnx_binary(n, WEFT_GOP_ADD, grid, turned);
    }
    if (wide != t)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, grid, t));
}

/* ---- regions --------------------------------------------------------------------------------- */

/* Whether places of regions are half an element less than they say. */
static bool
is_half_pixel(onnx_node *n)
{
    const char *how = weft_onnx_attr_text(n, "coordinate_transformation_mode",
                                          n->version < 16 ? "output_half_pixel" : "half_pixel");
    bool half = strcmp(how, "half_pixel") == 0;
    if (!half && strcmp(how, "output_half_pixel") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "coordinate_transformation_mode is '%s', not half_pixel or "
                       "output_half_pixel",
                       how);
    return half;
}

void
weft_onnx_import_roi_align(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    const char *mode = weft_onnx_attr_text(n, "mode", "avg");
    int64_t height = weft_onnx_attr_int(n, "output_height", 1),
            width = weft_onnx_attr_int(n, "output_width", 1),
            samples = weft_onnx_attr_int(n, "sampling_ratio", 0), half = is_half_pixel(n);
    double scale = weft_onnx_attr_float(n, "spatial_scale", 1);
    if (strcmp(mode, "avg") != 0 && strcmp(mode, "max") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode is '%s', not avg or max", mode);
    weft_attr attr[] = { weft_attr_int("height", &height),
                         weft_attr_int("width", &width),
                         weft_attr_int("samples", &samples),
                         weft_attr_float("scale", &scale),
                         weft_attr_int("half_pixel", &half),
                         weft_attr_text("mode", strcmp(mode, "avg") == 0 ? "mean" : "max") };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_ROI_ALIGN, 3, in, 6, attr));
}

void
weft_onnx_import_max_roi_pool(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    int64_t *size = weft_onnx_attr_list(n, "pooled_shape", 2, 1, 1);
    double scale = weft_onnx_attr_float(n, "spatial_scale", 1);
    if (!weft_onnx_has_attr(n, "pooled_shape"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'pooled_shape' is missing");
    weft_attr attr[] = { weft_attr_int("height", &size[0]), weft_attr_int("width", &size[1]),
                         weft_attr_float("scale", &scale) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_MAX_ROI_POOL, 2, in, 3, attr));
}

/* ---- windows put together again -------------------------------------------------------------- */

void
weft_onnx_import_col2im(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int rank, count;
    const weft_expr *const *image = weft_onnx_elems(n, 1, &rank);
    const int64_t *kernel = weft_onnx_in_ints(n, 2, &count);
    if (n->status == WEFT_OK && (count != rank || rank < 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "image_shape and block_shape have %d and %d elements",
                       rank, count);
    if (n->status != WEFT_OK)
        return;
    weft_attr attr[] = {
        weft_attr_dims("image", rank, image), weft_attr_ints("kernel", rank, kernel),
        weft_attr_ints("strides", rank, weft_onnx_attr_list(n, "strides", rank, 1, 1)),
        weft_attr_ints("dilations", rank, weft_onnx_attr_list(n, "dilations", rank, 1, 1)),
        weft_attr_ints("pads", 2 * rank, weft_onnx_attr_list(n, "pads", 2 * rank, 0, 0))
    };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_COL2IM, 1, &x, 5, attr));
}

/* ---- pooling undone -------------------------------------------------------------------------- */

/* The dims of what was pooled, the least that it can have been. */
static const weft_expr **
unpooled_dims(onnx_node *n, const weft_value *x)
{
    int rank = x->ndim - 2;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, x->ndim, const weft_expr *);
    const int64_t *kernel = weft_onnx_attr_list(n, "kernel_shape", rank, 1, 1);
    const int64_t *stride = weft_onnx_attr_list(n, "strides", rank, 1, 1);
    const int64_t *pad = weft_onnx_attr_list(n, "pads", 2 * rank, 0, 0);
    if (!weft_onnx_has_attr(n, "kernel_shape"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'kernel_shape' is missing");
    dim[0] = x->dim[0];
    dim[1] = x->dim[1];
    for (int i = 0; i < rank && n->status == WEFT_OK; i++) {
        const weft_expr *steps =
            weft_dim_op(n->graph, WEFT_EK_SUB, x->dim[2 + i], weft_dim(n->graph, 1));
        steps = weft_dim_op(n->graph, WEFT_EK_MUL, steps, weft_dim(n->graph, stride[i]));
        dim[2 + i] = weft_dim_op(n->graph, WEFT_EK_ADD, steps,
                                 weft_dim(n->graph, kernel[i] - pad[i] - pad[rank + i]));
    }
    return dim;
}

/* v with zeros behind it, or less of it, so that its shape is input 2. */
static weft_value *
with_shape(onnx_node *n, weft_value *v)
{
    int count;
    const weft_expr *const *shape = weft_onnx_elems(n, 2, &count);
    if (!shape || !v || n->status != WEFT_OK)
        return v;
    if (count != v->ndim)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "output_shape has %d elements; %d are needed", count,
                       v->ndim);
    const weft_expr **before = WEFT_NEW_ARRAY(n->arena, v->ndim, const weft_expr *),
                    **after = WEFT_NEW_ARRAY(n->arena, v->ndim, const weft_expr *);
    for (int i = 0; i < v->ndim && n->status == WEFT_OK; i++) {
        before[i] = weft_dim(n->graph, 0);
        after[i] = weft_dim_op(n->graph, WEFT_EK_SUB, shape[i], v->dim[i]);
    }
    weft_attr attr[] = { weft_attr_dims("before", v->ndim, before),
                         weft_attr_dims("after", v->ndim, after),
                         weft_attr_text("mode", "constant") };
    weft_onnx_last(n, 0);
    return weft_onnx_emit(n, WEFT_GOP_PAD, 1, &v, 3, attr);
}

void
weft_onnx_import_max_unpool(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *index = weft_onnx_in(n, 1);
    if (x->ndim < 3 || index->ndim != x->ndim) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "needs an input and indices of one rank, three at least");
        return;
    }
    const weft_expr **dim = unpooled_dims(n, x);
    if (n->status != WEFT_OK)
        return;
    const weft_expr *all = weft_dim_product(n->graph, dim, 0, x->ndim),
                    *given = weft_dim_product(n->graph, x->dim, 0, x->ndim);
    weft_attr attr[] = { weft_attr_int("axis", &(int64_t){ 0 }),
                         weft_attr_text("reduction", "none") };
    weft_value *in[] = { weft_onnx_full(n, x->dtype, 1, &all, 0),
                         weft_onnx_reshape(n, index, 1, &given),
                         weft_onnx_reshape(n, x, 1, &given) };
    weft_value *v = weft_onnx_emit(n, WEFT_GOP_PUT_ALONG_AXIS, 3, in, 2, attr);
    if (!weft_onnx_in(n, 2))
        weft_onnx_last(n, 0);
    v = weft_onnx_reshape(n, v, x->ndim, dim);
    weft_onnx_set(n, 0, with_shape(n, v));
}
