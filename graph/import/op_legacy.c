/* Importers of operators that operator sets before 10 had, most of them as experiments, and that
 * public models still use. */
#include "import/ops.h"

/* ---- numbers --------------------------------------------------------------------------------- */

static weft_value *
with_number(onnx_node *n, weft_op op, weft_value *x, double v)
{
    return x ? weft_onnx_binary(n, op, x, weft_onnx_scalar(n, x->dtype, v)) : NULL;
}

/* An attribute that has no usual value. */
static double
needed_float(onnx_node *n, const char *name)
{
    if (!weft_onnx_has_attr(n, name))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' is missing", name);
    return weft_onnx_attr_float(n, name, 0);
}

/* alpha * x + beta; Scale: without beta, by another name. */
void
weft_onnx_import_affine(onnx_node *n)
{
    bool scale = n->op->arg == WEFT_GOP_MUL;
    double by = weft_onnx_attr_float(n, scale ? "scale" : "alpha", 1);
    double beta = scale ? 0 : weft_onnx_attr_float(n, "beta", 0);
    weft_value *x = weft_onnx_in(n, 0);
    if (scale)
        weft_onnx_last(n, 0);
    x = with_number(n, WEFT_GOP_MUL, x, by);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, scale ? x : with_number(n, WEFT_GOP_ADD, x, beta));
}

/* alpha * f(beta * x), f by the table. */
void
weft_onnx_import_parametric(onnx_node *n)
{
    double alpha = needed_float(n, "alpha"), beta = needed_float(n, "beta");
    weft_value *x = with_number(n, WEFT_GOP_MUL, weft_onnx_in(n, 0), beta);
    x = weft_onnx_unary(n, (weft_op)n->op->arg, x);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, with_number(n, WEFT_GOP_MUL, x, alpha));
}

/* ---- images ---------------------------------------------------------------------------------- */

static bool
is_image(onnx_node *n, const weft_value *x)
{
    if (x->ndim != 4)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 0 has %d dimensions, not four", x->ndim);
    return n->status == WEFT_OK;
}

/* scale * x + bias, of each channel its own. */
void
weft_onnx_import_image_scaler(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count;
    double scale = weft_onnx_attr_float(n, "scale", 1);
    const double *bias = weft_onnx_attr_floats(n, "bias", &count);
    if (!is_image(n, x))
        return;
    if (!bias || weft_dim_equal(n->graph, x->dim[1], weft_dim(n->graph, count)) != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "attribute 'bias' has %d elements; it needs one a channel", count);
    int64_t dim[] = { count, 1, 1 };
    weft_const c;
    void *data = weft_onnx_new_constant(n, x->dtype, 3, dim, &c);
    for (int i = 0; data && i < count; i++)
        weft_set_f64(x->dtype, data, i, bias[i]);
    x = with_number(n, WEFT_GOP_MUL, x, scale);
    weft_value *of_channel = data ? weft_onnx_constant_of(n, &c) : NULL;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, x && of_channel ? weft_onnx_binary(n, WEFT_GOP_ADD, x, of_channel) : NULL);
}

/* Rows or columns from `low` on: `size` of them, or (NULL) all but `high`. */
static weft_value *
crop(onnx_node *n, weft_value *x, int axis, int64_t low, int64_t high, const int64_t *size)
{
    weft_graph *g = n->graph;
    if (!x)
        return NULL;
    const weft_expr *room = weft_dim_op(g, WEFT_EK_SUB, x->dim[axis], weft_dim(g, low));
    const weft_expr *left =
        size ? weft_dim(g, *size) : weft_dim_op(g, WEFT_EK_SUB, room, weft_dim(g, high));
    if (low < 0 || high < 0 || weft_dim_at_least(g, left, 0) == 0 ||
        weft_dim_at_least(g, weft_dim_op(g, WEFT_EK_SUB, room, left), 0) == 0) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "what is cropped lies beyond axis %d of the image", axis);
        return NULL;
    }
    return weft_onnx_slice(n, x, axis, weft_dim(g, low), weft_onnx_made_dim(n, left));
}

/* Borders are left, top, right, bottom; with `scale`, height and width of what stays. */
void
weft_onnx_import_crop(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int nborder, nscale;
    const int64_t *border = weft_onnx_attr_ints(n, "border", &nborder),
                  *scale = weft_onnx_attr_ints(n, "scale", &nscale);
    if (!is_image(n, x))
        return;
    if (nborder != 4 || (scale && nscale != 2)) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "attributes 'border' and 'scale' have %d and %d elements, not 4 and 2", nborder,
                       nscale);
        return;
    }
    x = crop(n, x, 2, border[1], border[3], scale);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, crop(n, x, 3, border[0], border[2], scale ? scale + 1 : NULL));
}

/* ---- filling --------------------------------------------------------------------------------- */

static const weft_expr *const *
of_ints(onnx_node *n, const char *name, int *count)
{
    const int64_t *v = weft_onnx_attr_ints(n, name, count);
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, *count + 1, const weft_expr *);
    for (int i = 0; i < *count; i++)
        dim[i] = weft_dim(n->graph, v[i]);
    return dim;
}

/* The attribute's, or the input's own dims or elements, and behind them what is asked for. */
static const weft_expr *const *
filled_dims(onnx_node *n, int *ndim)
{
    const weft_value *x = weft_onnx_in(n, 0);
    int nmore;
    const weft_expr *const *more = of_ints(n, "extra_shape", &nmore), *const *own;
    bool as_shape = weft_onnx_attr_int(n, "input_as_shape", 0) != 0;
    if (!x)
        own = of_ints(n, "shape", ndim);
    else if (as_shape)
        own = weft_onnx_elems(n, 0, ndim);
    else
        own = x->dim;
    *ndim = x && !as_shape ? x->ndim : *ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, *ndim + nmore + 1, const weft_expr *);
    for (int i = 0; own && i < *ndim + nmore; i++) {
        dim[i] = i < *ndim ? own[i] : more[i - *ndim];
        if (weft_dim_at_least(n->graph, dim[i], 0) == 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "dimension %d is below 0", i);
    }
    *ndim += nmore;
    return dim;
}

void
weft_onnx_import_constant_fill(onnx_node *n)
{
    int ndim = 0;
    weft_dtype t = weft_onnx_element(n, weft_onnx_attr_int(n, "dtype", 1 /* FLOAT */));
    double v = weft_onnx_attr_float(n, "value", 0);
    const weft_expr *const *dim = filled_dims(n, &ndim);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, n->status ? NULL : weft_onnx_full(n, t, ndim, dim, v));
}

void
weft_onnx_import_given_tensor_fill(onnx_node *n)
{
    int ndim = 0, count;
    const double *v = weft_onnx_attr_floats(n, "values", &count);
    const weft_expr *const *dim = filled_dims(n, &ndim);
    int64_t size = count;
    weft_const c;
    void *data = v ? weft_onnx_new_constant(n, WEFT_F32, 1, &size, &c) : NULL;
    for (int i = 0; data && i < count; i++)
        weft_set_f64(WEFT_F32, data, i, v[i]);
    if (!v)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'values' is missing");
    weft_value *all = data ? weft_onnx_constant_of(n, &c) : NULL;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, all ? weft_onnx_reshape(n, all, ndim, dim) : NULL);
}
