/* Inference of operators on images: resizing, sampling, regions. */
#include "graph/priv.h"
#include "topi/topi.h"

#include <string.h>

/* Attributes of as many elements as the first of them has to have. */
static weft_status
check_lists(weft_graph *g, weft_node *n, int count, int nnames, const char *const *names)
{
    for (int i = 0; i < nnames; i++) {
        const weft_attr *a = weft_node_attr(n, names[i]);
        if (a->n != count)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "attribute '%s' has %d elements where %d are needed", names[i],
                                  a->n, count);
    }
    return WEFT_OK;
}

static weft_status
check_mode(weft_graph *g, weft_node *n)
{
    const char *mode = weft_node_attr(n, "mode")->text;
    bool cubic = strcmp(mode, "cubic") == 0, linear = strcmp(mode, "linear") == 0;
    if (!weft_topi_resize_knows(mode) ||
        (n->op == WEFT_GOP_RESIZE_ANTIALIAS && !cubic && !linear))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "mode '%s' is not known", mode);
    if (cubic && !weft_node_attr(n, "cubic"))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the mode cubic needs attribute 'cubic'");
    if ((cubic || linear) && n->in[0]->dtype == WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a number is needed, cast it");
    return WEFT_OK;
}

/* Element i of the list is not below `least` for certain, if it is constant within 31 bits. */
static weft_status
check_dim(weft_graph *g, weft_node *n, const char *name, int i, int64_t least)
{
    int64_t v;
    const weft_expr *e = weft_node_dim(n, name, i);
    if (weft_as_int(e, &v) ? v >= least && v <= INT32_MAX : weft_dim_at_least(g, e, least) != 0)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "element %d of '%s' is not in %lld..%d", i,
                          name, (long long)least, INT32_MAX);
}

static weft_status
check_map(weft_graph *g, weft_node *n, int i)
{
    weft_status st = check_dim(g, n, "divisor", i, 1);
    if (st == WEFT_OK)
        st = check_dim(g, n, "step", i, -INT32_MAX);
    return st == WEFT_OK ? check_dim(g, n, "offset", i, -INT32_MAX) : st;
}

/* An axis without elements has none to read. */
static weft_status
check_source(weft_graph *g, weft_node *n, int axis, const weft_expr *to)
{
    if (!weft_is_int_imm(n->in[0]->dim[axis], 0) || weft_is_int_imm(to, 0))
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %d is empty: it cannot be made larger",
                          axis);
}

weft_status
weft_infer_resize(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "dims", "step", "offset", "divisor" };
    const weft_value *x = n->in[0];
    weft_status st = check_lists(g, n, x->ndim, 4, lists);
    if (st == WEFT_OK)
        st = check_mode(g, n);
    for (int i = 0; i < x->ndim && st == WEFT_OK; i++) {
        st = check_map(g, n, i);
        if (st == WEFT_OK)
            st = check_source(g, n, i, weft_node_dim(n, "dims", i));
    }
    return st ? st : weft_infer_out(g, n, x->dtype, x->ndim, weft_node_attr(n, "dims")->dims);
}

weft_status
weft_infer_resize_antialias(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "dim", "step", "offset", "divisor", "up", "down" };
    const weft_value *x = n->in[0];
    int64_t axis = weft_node_int(n, "axis");
    if (axis < 0 || axis >= x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d",
                              (long long)axis, x->ndim - 1);
    weft_status st = check_lists(g, n, 1, 6, lists);
    if (st == WEFT_OK)
        st = check_mode(g, n);
    if (st == WEFT_OK)
        st = check_map(g, n, 0);
    if (st == WEFT_OK)
        st = check_dim(g, n, "up", 0, 1);
    if (st == WEFT_OK)
        st = check_dim(g, n, "down", 0, 1);
    if (st == WEFT_OK)
        st = check_source(g, n, (int)axis, weft_node_dim(n, "dim", 0));
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    dim[axis] = weft_node_dim(n, "dim", 0);
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}

/* ---- sampling -------------------------------------------------------------------------------- */

enum { MAX_TAPS = 64, MAX_SAMPLES = 1024 };

static weft_status
check_sample(weft_graph *g, weft_node *n, int rank)
{
    const weft_value *x = n->in[0];
    weft_sample how = { .mode = weft_node_attr(n, "mode")->text,
                        .padding = weft_node_attr(n, "padding")->text,
                        .units = weft_node_attr(n, "units")->text };
    int64_t taps = 1, each = weft_topi_sample_taps(&how);
    if (each == 0)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "mode '%s', padding '%s' or units '%s' is not known", how.mode,
                              how.padding, how.units);
    for (int i = 0; i < rank && taps <= MAX_TAPS; i++)
        taps *= each;
    if (taps > MAX_TAPS)
        return weft_node_fail(g, n, WEFT_UNSUPPORTED,
                              "mode '%s' over %d axes weighs more than %d elements, which is not "
                              "supported",
                              how.mode, rank, MAX_TAPS);
    if (each > 1 && x->dtype == WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a number is needed, cast it");
    return WEFT_OK;
}

weft_status
weft_infer_sample(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *at = n->in[1];
    int rank = x->ndim - 2;
    if (rank < 1 || at->ndim < 2 || !weft_is_int_imm(at->dim[at->ndim - 1], rank) ||
        weft_dim_equal(g, at->dim[0], x->dim[0]) != 1 || !weft_is_float(at->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "needs [N, C, d1.., dr] and floats [N, .., r], r at least 1");
    weft_status st = check_sample(g, n, rank);
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, at->ndim, const weft_expr *);
    dim[0] = x->dim[0];
    dim[1] = x->dim[1];
    for (int i = 1; i < at->ndim - 1; i++)
        dim[i + 1] = at->dim[i];
    for (int i = 2; i < x->ndim; i++)
        if (weft_is_int_imm(x->dim[i], 0))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %d is empty", i);
    return weft_infer_out(g, n, x->dtype, at->ndim, dim);
}

/* ---- regions --------------------------------------------------------------------------------- */

/* x [N, C, H, W] and regions [R, columns]: [R, C, height, width]. */
static weft_status
regions(weft_graph *g, weft_node *n, int columns)
{
    const weft_value *x = n->in[0], *rois = n->in[1];
    int64_t height = weft_node_int(n, "height"), width = weft_node_int(n, "width");
    if (!weft_is_float(x->dtype) || rois->dtype != x->dtype || x->ndim != 4 || rois->ndim != 2 ||
        !weft_is_int_imm(rois->dim[1], columns))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "needs floats [N, C, H, W] and regions [R, %d] of one dtype", columns);
    if (height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "%lld x %lld is no size",
                              (long long)height, (long long)width);
    for (int i = 0; i < 4; i++)
        if (i != 1 && weft_is_int_imm(x->dim[i], 0))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %d is empty", i);
    const weft_expr *dim[4] = { rois->dim[0], x->dim[1], weft_dim(g, height), weft_dim(g, width) };
    return weft_infer_out(g, n, x->dtype, 4, dim);
}

weft_status
weft_infer_roi_align(weft_graph *g, weft_node *n)
{
    const weft_value *image = n->in[2];
    const char *mode = weft_node_attr(n, "mode")->text;
    int64_t samples = weft_node_int(n, "samples");
    if (strcmp(mode, "mean") != 0 && strcmp(mode, "max") != 0)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "mode '%s' is not known", mode);
    if (samples < 0 || samples > MAX_SAMPLES)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "samples=%lld is not in 0..%d",
                              (long long)samples, MAX_SAMPLES);
    if (!weft_is_int(image->dtype) || image->ndim != 1 || n->in[1]->ndim != 2 ||
        weft_dim_equal(g, image->dim[0], n->in[1]->dim[0]) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 2 has to be an integer for each region");
    return regions(g, n, 4);
}

weft_status
weft_infer_max_roi_pool(weft_graph *g, weft_node *n)
{
    return regions(g, n, 5);
}

/* ---- windows put together again -------------------------------------------------------------- */

/* The windows over the image, each of how many elements; false: an attribute is no such number. */
static bool
image_windows(weft_graph *g, weft_node *n, int rank, const weft_expr **windows, int64_t *taps)
{
    const int64_t *kernel = weft_node_attr(n, "kernel")->ints,
                  *pads = weft_node_attr(n, "pads")->ints;
    const int64_t *stride = weft_node_attr(n, "strides")->ints,
                  *dilation = weft_node_attr(n, "dilations")->ints;
    *windows = weft_dim(g, 1);
    *taps = 1;
    for (int i = 0; i < rank; i++) {
        int64_t before = pads[i], after = pads[rank + i];
        if (kernel[i] < 1 || stride[i] < 1 || dilation[i] < 1 || before < 0 || after < 0 ||
            kernel[i] > INT32_MAX || stride[i] > INT32_MAX || dilation[i] > INT32_MAX ||
            before > INT32_MAX || after > INT32_MAX || !weft_mul64(*taps, kernel[i], taps) ||
            *taps > INT32_MAX)
            return false;
        const weft_expr *room =
            weft_dim_op(g, WEFT_EK_ADD, weft_node_dim(n, "image", i),
                        weft_dim(g, before + after - (kernel[i] - 1) * dilation[i] - 1));
        const weft_expr *steps = weft_dim_op(g, WEFT_EK_FDIV, room, weft_dim(g, stride[i]));
        *windows = weft_dim_op(g, WEFT_EK_MUL, *windows,
                               weft_dim_op(g, WEFT_EK_ADD, steps, weft_dim(g, 1)));
    }
    return true;
}

weft_status
weft_infer_col2im(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "image", "kernel", "strides", "dilations" };
    const weft_value *x = n->in[0];
    int rank = weft_node_attr(n, "image")->n;
    const weft_expr *windows;
    int64_t taps;
    weft_status st = check_lists(g, n, rank, 4, lists);
    if (st == WEFT_OK)
        st = check_lists(g, n, 2 * rank, 1, (const char *const[]){ "pads" });
    if (st != WEFT_OK)
        return st;
    if (rank < 1 || x->ndim != 3 || x->dtype == WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "needs numbers [N, C * kernel, windows]");
    if (!image_windows(g, n, rank, &windows, &taps))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the windows' numbers are out of range");
    const weft_expr *left = weft_dim_op(g, WEFT_EK_FMOD, x->dim[1], weft_dim(g, taps));
    if (weft_dim_equal(g, left, weft_dim(g, 0)) != 1 ||
        weft_dim_equal(g, x->dim[2], windows) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the input's dimensions do not fit windows of %lld elements and "
                              "their number",
                              (long long)taps);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, rank + 2, const weft_expr *);
    dim[0] = x->dim[0];
    dim[1] = weft_dim_op(g, WEFT_EK_FDIV, x->dim[1], weft_dim(g, taps));
    for (int i = 0; i < rank; i++)
        dim[2 + i] = weft_node_dim(n, "image", i);
    return weft_infer_out(g, n, x->dtype, rank + 2, dim);
}
