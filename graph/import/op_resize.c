/* Importers of Resize and Upsample.
 *
 * Every coordinate transformation is affine with rational coefficients, so an axis becomes
 * step, offset and divisor of the graph's resize: exact, and expressions over the model's
 * symbols where sizes are.
 */
#include "import/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TAPS = 16, /* elements that one node reads for each of the result */
    /* The denominator of scales that the run finds: 1 to 16 divide it, so that those that people
     * write are met exactly, and with them the places where the nearest element changes. */
    SCALE_DEN = 1441440
};

typedef struct ratio {
    const weft_expr *num, *den; /* den > 0 */
} ratio;

typedef struct axis_map {
    bool left, now; /* resized or cropped, but not by the nodes so far; by the next one */
    const weft_expr *in, *out;
    ratio scale; /* elements of the result for one of the input */
    bool exact;  /* scale is out / in */
    int64_t start, end, roi_den;
    const char *mode; /* of the graph's operator */
    const weft_expr *step, *offset, *divisor;
} axis_map;

typedef struct resize {
    onnx_node *node;
    weft_graph *g;
    weft_value *x;
    int rank;
    axis_map *axis;
    const char *coordinates;
    bool antialias;
    double cubic, fill;
    int64_t exclude_outside;
} resize;

static const weft_expr *
op(const resize *r, weft_ek kind, const weft_expr *a, const weft_expr *b)
{
    return weft_dim_op(r->g, kind, a, b);
}

static const weft_expr *
times(const resize *r, const weft_expr *a, int64_t by)
{
    return op(r, WEFT_EK_MUL, a, weft_dim(r->g, by));
}

static const weft_expr *
minus(const resize *r, const weft_expr *a, int64_t b)
{
    return op(r, WEFT_EK_SUB, a, weft_dim(r->g, b));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The fraction of least denominator in [low, high], 0 < low <= high. */
static void
simplest(double low, double high, int depth, int64_t *num, int64_t *den)
{
    double whole = floor(low);
    if (whole >= low || whole + 1 <= high || depth == 0) {
        *num = (int64_t)(whole >= low ? whole : whole + 1);
        *den = 1;
        return;
    }
    int64_t p, q;
    simplest(1 / (high - whole), 1 / (low - whole), depth - 1, &p, &q);
    *num = (int64_t)whole * p + q;
    *den = p;
}

/* The fraction that was meant by a number of the dtype's precision: 3 / 5 by 0.6f. */
static void
fraction_of(double v, weft_dtype t, int64_t *num, int64_t *den)
{
    double size = fabs(v), near = size * (t == WEFT_F16 ? 0x1p-12 : 0x1p-25);
    *num = 0;
    *den = 1;
    if (size > 0)
        simplest(size - near, size + near, 24, num, den);
    *num = v < 0 ? -*num : *num;
}

/* Input i as `count` constant numbers; NULL: it is absent or empty, or faulty. */
static const double *
numbers(onnx_node *n, int i, int count)
{
    weft_value *v = weft_onnx_in(n, i);
    int64_t have;
    if (!v || n->status != WEFT_OK || (weft_value_count(v, &have) && have == 0))
        return NULL;
    if (!weft_is_float(v->dtype) || v->ndim != 1 || !weft_is_int_imm(v->dim[0], count))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d ('%s') has to be a list of %d floats", i,
                       v->name, count);
    else if (!v->elem)
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "input %d ('%s') has to be constant", i, v->name);
    double *to = WEFT_NEW_ARRAY(n->arena, count + 1, double);
    for (int k = 0; k < count && n->status == WEFT_OK; k++)
        to[k] = v->elem[k]->h.u.f;
    return n->status == WEFT_OK ? to : NULL;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void
set_scale(resize *r, int d, double scale, weft_dtype t)
{
    int64_t num, den;
    if (!(scale >= 0x1p-20 && scale <= 0x1p20)) {
        weft_onnx_fail(r->node, WEFT_INVALID_INPUT, "a scale of %g for axis %d is not possible",
                       scale, d);
        return;
    }
    axis_map *a = &r->axis[d];
    fraction_of(scale, t, &num, &den);
    a->left = num != den;
    a->scale = (ratio){ weft_dim(r->g, num), weft_dim(r->g, den) };
    a->out = op(r, WEFT_EK_FDIV, times(r, a->in, num), weft_dim(r->g, den));
}

static void
set_size(resize *r, int d, const weft_expr *size)
{
    axis_map *a = &r->axis[d];
    int64_t v;
    if (!size)
        return;
    if (weft_as_int(size, &v) && (v < 0 || v > INT32_MAX)) {
        weft_onnx_fail(r->node, WEFT_INVALID_INPUT, "a size of %lld for axis %d is not possible",
                       (long long)v, d);
        return;
    }
    a->left = weft_dim_equal(r->g, a->in, size) != 1;
    a->scale = (ratio){ size, a->in };
    a->out = size;
    a->exact = true;
}

/* The least or greatest of the scales of the axes becomes that of all. */
static void
keep_aspect(resize *r, int naxes, const int64_t *axes, bool least)
{
    onnx_node *n = r->node;
    int64_t num = 0, den = 0;
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        int64_t in = weft_onnx_size(n, r->x, (int)axes[i]), out = 0;
        if (n->status == WEFT_OK && !weft_as_int(r->axis[axes[i]].out, &out))
            weft_onnx_fail(n, WEFT_UNSUPPORTED, "sizes have to be constant for this "
                                                "keep_aspect_ratio_policy");
        if (n->status != WEFT_OK)
            return;
        if (in < 1 || in > INT32_MAX)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "axis %lld of %lld elements has no aspect ratio",
                           (long long)axes[i], (long long)in);
        else if (den == 0 || (least ? out * den < num * in : out * den > num * in)) {
            num = out;
            den = in;
        }
    }
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        axis_map *a = &r->axis[axes[i]];
        const weft_expr *twice = times(r, a->in, 2 * num);
        a->out = op(r, WEFT_EK_FDIV, op(r, WEFT_EK_ADD, twice, weft_dim(r->g, den)),
                    weft_dim(r->g, 2 * den));
        a->scale = (ratio){ weft_dim(r->g, num), weft_dim(r->g, den) };
        a->left = num != den;
        a->exact = false;
    }
}

static void
read_sizes(resize *r, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    const char *policy = weft_onnx_attr_text(n, "keep_aspect_ratio_policy", "stretch");
    bool least = strcmp(policy, "not_larger") == 0, most = strcmp(policy, "not_smaller") == 0;
    weft_value *size = weft_onnx_in(n, 3);
    int64_t count;
    if (n->status == WEFT_OK &&
        (weft_is_float(size->dtype) || !weft_value_count(size, &count) || count != naxes))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 3, the sizes, has to be %d integers, one an axis",
                       naxes);
    if (!least && !most && strcmp(policy, "stretch") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "keep_aspect_ratio_policy is '%s', not stretch, not_larger or not_smaller",
                       policy);
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++)
        set_size(r, (int)axes[i], weft_onnx_size_at(n, size, i, (int)axes[i]));
    if (least || most)
        keep_aspect(r, naxes, axes, least);
}

static bool
has_elements(onnx_node *n, int i)
{
    const weft_value *v = weft_onnx_in(n, i);
    return v && !(v->ndim == 1 && weft_is_int_imm(v->dim[0], 0));
}

/* How the sizes of axes follow from scales that only the run knows; as everywhere, in f32. */
static weft_value *
sizes_by_run(const resize *r, weft_value *scale, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    const char *name = weft_arena_printf(n->arena, "%s_size", n->name);
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, naxes + 1, const weft_expr *);
    for (int i = 0; i < naxes; i++)
        dim[i] = r->axis[axes[i]].in;
    weft_value *in = weft_onnx_cast(n, weft_graph_dims(n->graph, name, naxes, dim), WEFT_F32);
    weft_value *size = weft_onnx_binary(n, WEFT_GOP_MUL, in, scale);
    return weft_onnx_cast(n, weft_onnx_unary(n, WEFT_GOP_FLOOR, size), WEFT_I64);
}

static void
read_scales_of_run(resize *r, weft_value *scale, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    if (r->antialias || n->version < 11)
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "scales have to be constant for %s",
                       r->antialias ? "antialias" : "operator sets below 11");
    scale = weft_onnx_cast(n, scale, WEFT_F32);
    weft_value *den = weft_onnx_scalar(n, WEFT_F32, SCALE_DEN);
    weft_value *num = weft_onnx_binary(n, WEFT_GOP_MUL, scale, den);
    num = weft_onnx_cast(n, weft_onnx_unary(n, WEFT_GOP_RINT, num), WEFT_I64);
    weft_value *size = sizes_by_run(r, scale, naxes, axes);
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        axis_map *a = &r->axis[axes[i]];
        const weft_expr *most = weft_dim(r->g, (int64_t)SCALE_DEN << 20), *scaled = NULL;
        a->out = weft_onnx_size_at(n, size, i, (int)axes[i]);
        if (n->status == WEFT_OK)
            scaled = weft_onnx_made_dim(n, weft_graph_read(r->g, n->name, n->kind, num, i, most));
        a->scale.num = op(r, WEFT_EK_MAX, scaled, weft_dim(r->g, 1));
        a->scale.den = weft_dim(r->g, SCALE_DEN);
        a->left = true;
    }
}

/* Input `at`, a scale for each of the axes. */
static void
read_scales(resize *r, int at, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    weft_value *given = weft_onnx_in(n, at);
    if (given && !given->elem && weft_is_float(given->dtype) && given->ndim == 1 &&
        weft_is_int_imm(given->dim[0], naxes)) {
        read_scales_of_run(r, given, naxes, axes);
        return;
    }
    const double *scale = numbers(n, at, naxes);
    if (!scale && naxes)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "neither scales nor sizes are given");
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++)
        set_scale(r, (int)axes[i], scale[i], given->dtype);
}

static void
read_target(resize *r, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    int at = n->version < 11 ? 1 : 2;
    if (n->version >= 11 && has_elements(n, 3) && has_elements(n, 2))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "scales and sizes are both given");
    if (n->version >= 11 && has_elements(n, 3)) {
        read_sizes(r, naxes, axes);
        return;
    }
    read_scales(r, at, naxes, axes);
}

/* Starts and ends of the axes, as fractions of one denominator. */
static void
read_roi(resize *r, int naxes, const int64_t *axes)
{
    onnx_node *n = r->node;
    const double *roi = numbers(n, 1, 2 * naxes);
    if (!roi)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 1, the region of interest, is missing");
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        axis_map *a = &r->axis[axes[i]];
        int64_t den[2];
        if (!(fabs(roi[i]) <= 0x1p20 && fabs(roi[naxes + i]) <= 0x1p20)) {
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "a region of %g to %g is not possible", roi[i],
                           roi[naxes + i]);
            return;
        }
        fraction_of(roi[i], n->in[1]->dtype, &a->start, &den[0]);
        fraction_of(roi[naxes + i], n->in[1]->dtype, &a->end, &den[1]);
        int64_t common = weft_gcd(den[0], den[1]);
        a->start *= den[1] / common;
        a->end *= den[0] / common;
        a->roi_den = den[0] / common * den[1];
        a->left = a->left || a->start != 0 || a->end != a->roi_den;
    }
}

/* ---- coordinates ----------------------------------------------------------------------------- */

/* What x * (in - 1) is divided by, and multiplied by before, so that the last element is met. */
static ratio
stretch(const resize *r, const axis_map *a)
{
    const weft_expr *one = weft_dim(r->g, 1);
    if (a->exact)
        return (ratio){ one, op(r, WEFT_EK_MAX, minus(r, a->out, 1), one) };
    const weft_expr *width = op(r, WEFT_EK_MUL, a->scale.num, a->in);
    return (ratio){ a->scale.den,
                    op(r, WEFT_EK_MAX, op(r, WEFT_EK_SUB, width, a->scale.den), one) };
}

static void
align_corners(const resize *r, axis_map *a)
{
    ratio s = stretch(r, a);
    a->step = op(r, WEFT_EK_MUL, minus(r, a->in, 1), s.num);
    a->divisor = s.den;
}

static void
asymmetric(const resize *r, axis_map *a)
{
    (void)r;
    a->step = a->scale.den;
    a->divisor = a->scale.num;
}

/* (x + 0.5) / scale + offset / (2 * scale.num) */
static void
centred(const resize *r, axis_map *a)
{
    a->step = times(r, a->scale.den, 2);
    a->divisor = times(r, a->scale.num, 2);
}

static void
tf_half_pixel_for_nn(const resize *r, axis_map *a)
{
    centred(r, a);
    a->offset = a->scale.den;
}

static void
half_pixel(const resize *r, axis_map *a)
{
    centred(r, a);
    a->offset = op(r, WEFT_EK_SUB, a->scale.den, a->scale.num);
}

static void
pytorch_half_pixel(const resize *r, axis_map *a)
{
    half_pixel(r, a);
    const weft_expr *more = op(r, WEFT_EK_MAX, minus(r, a->out, 1), weft_dim(r->g, 0));
    a->offset = op(r, WEFT_EK_MUL, a->offset, op(r, WEFT_EK_MIN, more, weft_dim(r->g, 1)));
}

/* The middles of input and result are one. */
static void
half_pixel_symmetric(const resize *r, axis_map *a)
{
    centred(r, a);
    const weft_expr *middle = op(r, WEFT_EK_MUL, minus(r, a->in, 1), a->scale.num);
    const weft_expr *back = op(r, WEFT_EK_MUL, minus(r, a->out, 1), a->scale.den);
    a->offset = op(r, WEFT_EK_SUB, middle, back);
}

static void
tf_crop_and_resize(const resize *r, axis_map *a)
{
    const weft_expr *last = minus(r, a->in, 1);
    int64_t out;
    if (!weft_as_int(a->out, &out)) {
        weft_onnx_fail(r->node, WEFT_UNSUPPORTED,
                       "tf_crop_and_resize needs constant sizes; give the symbols a value (--dim)");
    } else if (out <= 1) {
        a->step = weft_dim(r->g, 0);
        a->offset = times(r, last, a->start + a->end);
        a->divisor = weft_dim(r->g, 2 * a->roi_den);
    } else {
        ratio s = stretch(r, a);
        a->step = op(r, WEFT_EK_MUL, times(r, last, a->end - a->start), s.num);
        a->offset = op(r, WEFT_EK_MUL, times(r, last, a->start), s.den);
        a->divisor = times(r, s.den, a->roi_den);
    }
}

static const struct {
    const char *name;
    void (*map)(const resize *, axis_map *);
} transformations[] = {
    { "half_pixel", half_pixel },
    { "half_pixel_symmetric", half_pixel_symmetric },
    { "pytorch_half_pixel", pytorch_half_pixel },
    { "align_corners", align_corners },
    { "asymmetric", asymmetric },
    { "tf_half_pixel_for_nn", tf_half_pixel_for_nn },
    { "tf_crop_and_resize", tf_crop_and_resize },
};

/* Constants in lowest terms and within 31 bits: what is lost beyond them is below 2^-29. */
static void
reduce(const resize *r, axis_map *a)
{
    int64_t v[3];
    if (!weft_as_int(a->step, &v[0]) || !weft_as_int(a->offset, &v[1]) ||
        !weft_as_int(a->divisor, &v[2]))
        return;
    int64_t common = weft_gcd(weft_gcd(v[0], v[1]), v[2]);
    for (int i = 0; i < 3 && common; i++)
        v[i] /= common;
    while (v[2] > 1 && (llabs(v[0]) > INT32_MAX || llabs(v[1]) > INT32_MAX || v[2] > INT32_MAX))
        for (int i = 0; i < 3; i++)
            v[i] /= 2;
    a->step = weft_dim(r->g, v[0]);
    a->offset = weft_dim(r->g, v[1]);
    a->divisor = weft_dim(r->g, v[2]);
}

static void
map_axes(resize *r)
{
    size_t k = 0, count = sizeof transformations / sizeof *transformations;
    while (k < count && strcmp(transformations[k].name, r->coordinates) != 0)
        k++;
    if (k == count)
        weft_onnx_fail(r->node, WEFT_INVALID_INPUT,
                       "coordinate_transformation_mode '%s' is not known", r->coordinates);
    for (int d = 0; d < r->rank && r->node->status == WEFT_OK; d++) {
        axis_map *a = &r->axis[d];
        if (a->left) {
            transformations[k].map(r, a);
            reduce(r, a);
        }
    }
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool
crops(const resize *r)
{
    return strcmp(r->coordinates, "tf_crop_and_resize") == 0;
}

/* Attributes that both operators have, from attr[0] on; their number. */
static int
shared_attrs(const resize *r, const char *mode, weft_attr *attr)
{
    int n = 0;
    attr[n++] = weft_attr_text("mode", mode);
    attr[n++] = weft_attr_int("exclude_outside", &r->exclude_outside);
    if (strcmp(mode, "cubic") == 0)
        attr[n++] = weft_attr_float("cubic", &r->cubic);
    if (crops(r))
        attr[n++] = weft_attr_float("fill", &r->fill);
    return n;
}

static bool
is_wide(const resize *r, const axis_map *a)
{
    const weft_expr *less = op(r, WEFT_EK_SUB, a->scale.num, a->scale.den);
    return a->left && r->antialias && weft_dim_at_least(r->g, less, 0) != 1;
}

/* Axes for the next node: one whose filter is wide, else as many of one mode as a node takes.  The
 * axis with a wide filter, or -1. */
static int
take_axes(resize *r)
{
    const char *mode = NULL;
    int taps = 1, wide = -1;
    for (int d = 0; d < r->rank; d++)
        wide = wide < 0 && is_wide(r, &r->axis[d]) ? d : wide;
    for (int d = 0; d < r->rank; d++) {
        axis_map *a = &r->axis[d];
        mode = a->left && !mode ? a->mode : mode;
        int each = !a->left ? 1 : strcmp(a->mode, "cubic") == 0 ? 4 : *a->mode == 'l' ? 2 : 1;
        a->now = wide >= 0 ? d == wide
                           : a->left && strcmp(a->mode, mode) == 0 && taps * each <= MAX_TAPS;
        taps *= a->now ? each : 1;
        a->left = a->left && !a->now;
    }
    return wide;
}

/* Axis d with a filter that is wider where the result is smaller. */
static weft_value *
resize_wide(const resize *r, weft_value *x, int d)
{
    const axis_map *a = &r->axis[d];
    int64_t axis = d;
    weft_attr attr[11] = { weft_attr_int("axis", &axis),
                           weft_attr_dims("dim", 1, &a->out),
                           weft_attr_dims("step", 1, &a->step),
                           weft_attr_dims("offset", 1, &a->offset),
                           weft_attr_dims("divisor", 1, &a->divisor),
                           weft_attr_dims("up", 1, &a->scale.num),
                           weft_attr_dims("down", 1, &a->scale.den) };
    int n = 7 + shared_attrs(r, a->mode, attr + 7);
    return weft_onnx_emit(r->node, WEFT_GOP_RESIZE_ANTIALIAS, 1, &x, n, attr);
}

static weft_value *
resize_taken(const resize *r, weft_value *x)
{
    onnx_node *n = r->node;
    const weft_expr *one = weft_dim(r->g, 1), *zero = weft_dim(r->g, 0), **list[4];
    const char *mode = NULL;
    for (int i = 0; i < 4; i++)
        list[i] = WEFT_NEW_ARRAY(n->arena, r->rank + 1, const weft_expr *);
    for (int d = 0; d < r->rank; d++) {
        const axis_map *a = &r->axis[d];
        list[0][d] = a->now ? a->out : x->dim[d];
        list[1][d] = a->now ? a->step : one;
        list[2][d] = a->now ? a->offset : zero;
        list[3][d] = a->now ? a->divisor : one;
        mode = a->now ? a->mode : mode;
    }
    weft_attr attr[8] = { weft_attr_dims("dims", r->rank, list[0]),
                          weft_attr_dims("step", r->rank, list[1]),
                          weft_attr_dims("offset", r->rank, list[2]),
                          weft_attr_dims("divisor", r->rank, list[3]) };
    int count = 4 + shared_attrs(r, mode, attr + 4);
    return weft_onnx_emit(n, WEFT_GOP_RESIZE, 1, &x, count, attr);
}

static bool
axes_left(const resize *r)
{
    bool any = false;
    for (int d = 0; d < r->rank; d++)
        any = any || r->axis[d].left;
    return any;
}

/* All axes, in one node after another; weighted sums stay floats until the last. */
static void
make_nodes(resize *r, bool weighs)
{
    onnx_node *n = r->node;
    weft_dtype t = r->x->dtype, wide = weighs && t != WEFT_F64 ? WEFT_F32 : t;
    weft_value *x = r->x;
    if (!axes_left(r)) {
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0, weft_onnx_unary(n, WEFT_GOP_IDENTITY, x));
        return;
    }
    x = weft_onnx_cast(n, x, wide);
    while (n->status == WEFT_OK && axes_left(r)) {
        int wide_axis = take_axes(r);
        if (wide == t && !axes_left(r))
            weft_onnx_last(n, 0);
        x = wide_axis >= 0 ? resize_wide(r, x, wide_axis) : resize_taken(r, x);
    }
    if (wide != t) {
        weft_onnx_last(n, 0);
        x = weft_onnx_cast(n, x, t);
    }
    weft_onnx_set(n, 0, x);
}

/* ---- the operators --------------------------------------------------------------------------- */

static resize
start(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    resize r = { .node = n, .g = n->graph, .x = x, .rank = x->ndim };
    r.axis = WEFT_NEW_ARRAY(n->arena, r.rank + 1, axis_map);
    for (int d = 0; d < r.rank; d++) {
        const weft_expr *one = weft_dim(n->graph, 1);
        r.axis[d] = (axis_map){ .in = x->dim[d],
                                .out = x->dim[d],
                                .scale = { one, one },
                                .offset = weft_dim(n->graph, 0),
                                .roi_den = 1,
                                .end = 1 };
    }
    return r;
}

/* What "nearest" is to the graph's resize; before operator set 11, towards the far element where
 * the result is smaller. */
static const char *
nearest_mode(onnx_node *n, const axis_map *a)
{
    static const char *const names[4][2] = { { "round_prefer_floor", "round_half_down" },
                                             { "round_prefer_ceil", "round_half_up" },
                                             { "floor", "floor" },
                                             { "ceil", "ceil" } };
    const char *how = weft_onnx_attr_text(n, "nearest_mode", "round_prefer_floor");
    int64_t up, down;
    if (n->version < 11)
        return weft_as_int(a->scale.num, &up) && weft_as_int(a->scale.den, &down) && up < down
                   ? "ceil"
                   : "floor";
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i][0], how) == 0)
            return names[i][1];
    weft_onnx_fail(n, WEFT_INVALID_INPUT,
                   "nearest_mode is '%s', not round_prefer_floor, round_prefer_ceil, floor or ceil",
                   how);
    return "floor";
}

/* Reads the mode into the axes; whether it weighs several elements. */
static bool
read_mode(resize *r)
{
    onnx_node *n = r->node;
    const char *mode = weft_onnx_attr_text(n, "mode", "nearest");
    bool cubic = strcmp(mode, "cubic") == 0 && n->version > 10, near = strcmp(mode, "nearest") == 0;
    bool linear = strcmp(mode, "linear") == 0 || (strcmp(mode, "bilinear") == 0 && n->version < 7);
    if (!cubic && !linear && !near)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode '%s' is not known", mode);
    for (int d = 0; d < r->rank && n->status == WEFT_OK; d++)
        r->axis[d].mode = cubic ? "cubic" : linear ? "linear" : nearest_mode(n, &r->axis[d]);
    if (r->antialias && near)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "antialias is for the modes linear and cubic");
    return !near;
}

static void
finish(resize *r)
{
    bool weighs = read_mode(r);
    if (r->node->status == WEFT_OK)
        map_axes(r);
    if (r->node->status == WEFT_OK)
        make_nodes(r, weighs);
}

void
weft_onnx_import_resize(onnx_node *n)
{
    resize r = start(n);
    int naxes;
    int64_t *axes = weft_onnx_axes(n, "axes", 4, r.rank, &naxes);
    if (!axes) {
        axes = WEFT_NEW_ARRAY(n->arena, r.rank + 1, int64_t);
        for (naxes = 0; naxes < r.rank; naxes++)
            axes[naxes] = naxes;
    }
    r.coordinates = n->version < 11 ? "asymmetric"
                                    : weft_onnx_attr_text(n, "coordinate_transformation_mode",
                                                          "half_pixel");
    r.antialias = weft_onnx_attr_int(n, "antialias", 0) != 0;
    r.exclude_outside = weft_onnx_attr_int(n, "exclude_outside", 0) != 0;
    r.cubic = weft_onnx_attr_float(n, "cubic_coeff_a", -0.75);
    r.fill = weft_onnx_attr_float(n, "extrapolation_value", 0);
    weft_onnx_ignore(n, "nearest_mode keep_aspect_ratio_policy"); /* where they say nothing */
    read_target(&r, naxes, axes);
    if (crops(&r))
        read_roi(&r, naxes, axes);
    finish(&r);
}

/* The scales of Upsample: input 1, an attribute, or two attributes of the last axes. */
static const double *
upsample_scales(onnx_node *n, int rank)
{
    int count = rank;
    double *two = WEFT_NEW_ARRAY(n->arena, rank + 4, double);
    const double *scale = n->version >= 9   ? numbers(n, 1, rank)
                          : n->version >= 7 ? weft_onnx_attr_floats(n, "scales", &count)
                                            : two;
    if (n->version < 7) {
        for (int d = 0; d < rank; d++)
            two[d] = 1;
        if (rank < 2)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs two dimensions at least");
        else {
            two[rank - 2] = weft_onnx_attr_float(n, "height_scale", 0);
            two[rank - 1] = weft_onnx_attr_float(n, "width_scale", 0);
        }
    }
    if (n->status == WEFT_OK && (count != rank || (!scale && rank)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "scales are missing, or not one for each of %d axes",
                       rank);
    return scale;
}

void
weft_onnx_import_upsample(onnx_node *n)
{
    resize r = start(n);
    const double *scale = upsample_scales(n, r.rank);
    r.coordinates = "asymmetric";
    for (int d = 0; d < r.rank && n->status == WEFT_OK; d++)
        set_scale(&r, d, scale[d], WEFT_F32);
    finish(&r);
}
