/* te/topi/resize.c: samples of a tensor where an affine map of each index points.
 *
 * Index x of a resized axis reads around (x * step + offset) / divisor, a fraction that is computed
 * in integers: what it rounds to is the same on every device.  Only the distance to the element
 * before is a float.
 */
#include "topi/topi.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TAPS = 4 };

static const char *const modes[] = { "floor", "ceil", "round_half_down", "round_half_up",
                                     "linear", "cubic" }; /* ORDER: resize_mode */
typedef enum resize_mode { FLOOR, CEIL, HALF_DOWN, HALF_UP, LINEAR, CUBIC, MODE_COUNT } resize_mode;

static resize_mode
mode_of(const char *name)
{
    int m = 0;
    while (m < MODE_COUNT && strcmp(modes[m], name) != 0)
        m++;
    return (resize_mode)m;
}

bool
weft_topi_resize_knows(const char *mode)
{
    return mode_of(mode) < MODE_COUNT;
}

/* Where an axis is read: at num / den, den > 0. */
typedef struct place {
    const weft_expr *num, *den, *size; /* all of one integer dtype */
    const weft_expr *before; /* the element at or before it */
    const weft_expr *part;   /* how far behind that, in [0, 1) */
} place;

/* Whether no product of the map of so many elements onto `in` leaves i32. */
static bool
fits_i32(const weft_resize_axis *a, const weft_expr *out, const weft_expr *in)
{
    int64_t n, size, step, offset, den;
    if (!weft_as_int(out, &n) || !weft_as_int(in, &size) || !weft_as_int(a->step, &step) ||
        !weft_as_int(a->offset, &offset) || !weft_as_int(a->divisor, &den))
        return false;
    double far = (double)n * (double)llabs(step) + (double)llabs(offset) + (double)den;
    return 2 * far < INT32_MAX && (double)size * (double)den < INT32_MAX;
}

static place
place_of(weft_te *te, const weft_resize_axis *a, const weft_expr *x, const weft_expr *out,
         const weft_expr *in, weft_dtype wide)
{
    weft_ir *ir = te->ir;
    weft_dtype t = fits_i32(a, out, in) ? WEFT_I32 : WEFT_I64;
    const weft_expr *step = weft_cast(ir, t, a->step), *offset = weft_cast(ir, t, a->offset);
    place p = { .den = weft_cast(ir, t, a->divisor), .size = weft_cast(ir, t, in) };
    p.num = weft_add(ir, weft_mul(ir, weft_cast(ir, t, x), step), offset);
    p.before = weft_fdiv(ir, p.num, p.den);
    p.part = weft_div(ir, weft_cast(ir, wide, weft_fmod(ir, p.num, p.den)),
                      weft_cast(ir, wide, p.den));
    return p;
}

/* before + k as an index of the axis, its ends repeated. */
static const weft_expr *
clamped(weft_te *te, const place *p, const weft_expr *i)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)i->h.type.dtype;
    const weft_expr *last = weft_sub(ir, p->size, weft_int(ir, t, 1));
    return weft_cast(ir, WEFT_I32, weft_max(ir, weft_min(ir, i, last), weft_int(ir, t, 0)));
}

static const weft_expr *
tap_index(weft_te *te, const place *p, int64_t k)
{
    return weft_add(te->ir, p->before, weft_int(te->ir, (weft_dtype)p->before->h.type.dtype, k));
}

static const weft_expr *
nearest(weft_te *te, resize_mode mode, const place *p)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)p->num->h.type.dtype;
    const weft_expr *one = weft_int(ir, t, 1), *two = weft_int(ir, t, 2), *up = p->den;
    if (mode == FLOOR)
        return p->before;
    if (mode == CEIL)
        return weft_fdiv(ir, weft_add(ir, p->num, weft_sub(ir, p->den, one)), p->den);
    if (mode == HALF_DOWN)
        up = weft_sub(ir, p->den, one);
    return weft_fdiv(ir, weft_add(ir, weft_mul(ir, p->num, two), up), weft_mul(ir, p->den, two));
}

/* Keys' cubic kernel at distance d >= 0, in factors that lose no digits near its zeros: inner for
 * d <= 1, else outer, which is for d < 2. */
static const weft_expr *
cubic_inner(weft_te *te, const weft_expr *d, double a)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)d->h.type.dtype;
    const weft_expr *one = weft_topi_num(te, t, 1);
    const weft_expr *square = weft_mul(ir, weft_mul(ir, d, d), weft_topi_num(te, t, a + 2));
    return weft_mul(ir, weft_sub(ir, one, d), weft_sub(ir, weft_add(ir, one, d), square));
}

static const weft_expr *
cubic_outer(weft_te *te, const weft_expr *d, double a)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)d->h.type.dtype;
    const weft_expr *past = weft_sub(ir, d, weft_topi_num(te, t, 1));
    const weft_expr *left = weft_sub(ir, d, weft_topi_num(te, t, 2));
    return weft_mul(ir, weft_mul(ir, past, weft_topi_num(te, t, a)), weft_mul(ir, left, left));
}

void
weft_topi_cubic_weights(weft_te *te, const weft_expr *part, double a, const weft_expr **w)
{
    weft_ir *ir = te->ir;
    const weft_expr *one = weft_topi_num(te, (weft_dtype)part->h.type.dtype, 1);
    const weft_expr *rest = weft_sub(ir, one, part);
    w[0] = cubic_outer(te, weft_add(ir, part, one), a);
    w[1] = cubic_inner(te, part, a);
    w[2] = cubic_inner(te, rest, a);
    w[3] = cubic_outer(te, weft_add(ir, rest, one), a);
}

static const weft_expr *
is_inside(weft_te *te, const weft_expr *i, const weft_expr *size)
{
    weft_ir *ir = te->ir;
    return weft_and(ir, weft_ge(ir, i, weft_int(ir, (weft_dtype)i->h.type.dtype, 0)),
                    weft_lt(ir, i, size));
}

/* One axis of the result: the elements read and their weights. */
typedef struct taps {
    int n;
    const weft_expr *at[MAX_TAPS], *weight[MAX_TAPS]; /* weight NULL: 1 */
} taps;

/* Weights of elements outside are 0, and the sum of the others is 1 again. */
static void
leave_outside(weft_te *te, const place *p, int64_t first, taps *s)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)s->weight[0]->h.type.dtype;
    const weft_expr *zero = weft_topi_num(te, t, 0), *sum = zero;
    for (int k = 0; k < s->n; k++) {
        s->weight[k] = weft_select(ir, is_inside(te, tap_index(te, p, first + k), p->size),
                                   s->weight[k], zero);
        sum = weft_add(ir, sum, s->weight[k]);
    }
    sum = weft_select(ir, weft_eq(ir, sum, zero), weft_topi_num(te, t, 1), sum);
    for (int k = 0; k < s->n; k++)
        s->weight[k] = weft_div(ir, s->weight[k], sum);
}

static taps
taps_of(weft_te *te, const weft_resize *how, const place *p)
{
    resize_mode mode = mode_of(how->mode);
    taps s = { .n = mode == CUBIC ? 4 : mode == LINEAR ? 2 : 1 };
    int64_t first = mode == CUBIC ? -1 : 0;
    if (mode < LINEAR) {
        s.at[0] = clamped(te, p, nearest(te, mode, p));
        return s;
    }
    for (int k = 0; k < s.n; k++)
        s.at[k] = clamped(te, p, tap_index(te, p, first + k));
    if (mode == CUBIC) {
        weft_topi_cubic_weights(te, p->part, how->cubic, s.weight);
    } else {
        s.weight[0] = weft_sub(te->ir, weft_topi_num(te, (weft_dtype)p->part->h.type.dtype, 1),
                               p->part);
        s.weight[1] = p->part;
    }
    if (how->exclude_outside)
        leave_outside(te, p, first, &s);
    return s;
}

/* Whether the axis is read as it is. */
static bool
is_plain(const weft_resize_axis *a, const weft_expr *out, const weft_expr *in)
{
    int64_t step, den;
    return out == in && weft_is_int_imm(a->offset, 0) && weft_as_int(a->step, &step) &&
           weft_as_int(a->divisor, &den) && step == den;
}

typedef struct sampler {
    weft_te *te;
    weft_tensor *x;
    weft_dtype wide;
    const taps *axis;
    const weft_expr **at;
} sampler;

/* The weighted sum over the taps of axes from d on. */
static const weft_expr *
sample(sampler *s, int d)
{
    weft_ir *ir = s->te->ir;
    if (d == s->x->buf->ndim)
        return weft_cast(ir, s->wide, weft_topi_at(s->te, s->x, s->at));
    const weft_expr *sum = NULL;
    for (int k = 0; k < s->axis[d].n; k++) {
        s->at[d] = s->axis[d].at[k];
        const weft_expr *v = sample(s, d + 1);
        if (s->axis[d].weight[k])
            v = weft_mul(ir, s->axis[d].weight[k], v);
        sum = sum ? weft_add(ir, sum, v) : v;
    }
    return sum;
}

/* Whether the place lies beyond the first or the last element. */
static const weft_expr *
beyond(weft_te *te, const place *p)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)p->num->h.type.dtype;
    const weft_expr *last = weft_mul(ir, weft_sub(ir, p->size, weft_int(ir, t, 1)), p->den);
    return weft_or(ir, weft_lt(ir, p->num, weft_int(ir, t, 0)), weft_gt(ir, p->num, last));
}

static weft_dtype
weights_in(weft_dtype t)
{
    return t == WEFT_F64 ? WEFT_F64 : WEFT_F32;
}

weft_tensor *
weft_topi_resize(weft_te *te, weft_tensor *x, const weft_resize *how)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    weft_dtype t = x->buf->dtype, wide = mode_of(how->mode) < LINEAR ? t : weights_in(t);
    taps *axis = WEFT_NEW_ARRAY(&ir->arena, n + 1, taps);
    weft_axis **out = weft_topi_axes(te, n, how->dim);
    const weft_expr **at = weft_topi_refs(te, n, out), *away = NULL;
    for (int d = 0; d < n; d++) {
        axis[d] = (taps){ .n = 1, .at = { at[d] } };
        if (is_plain(&how->axis[d], how->dim[d], x->buf->shape[d]))
            continue;
        place p = place_of(te, &how->axis[d], at[d], how->dim[d], x->buf->shape[d],
                           weights_in(t));
        axis[d] = taps_of(te, how, &p);
        if (how->fill)
            away = away ? weft_or(ir, away, beyond(te, &p)) : beyond(te, &p);
    }
    sampler s = { .te = te, .x = x, .wide = wide, .axis = axis, .at = at };
    const weft_expr *v = sample(&s, 0);
    if (away)
        v = weft_select(ir, away, weft_topi_num(te, wide, *how->fill), v);
    return weft_te_compute(te, "resize", n, out, weft_cast(ir, t, v));
}

/* ---- with a filter as wide as what one element of the result stands for ---------------------- */

typedef struct filter {
    const weft_resize *how;
    const weft_resize_axis *map;
    const weft_expr *out, *in; /* sizes */
    const weft_expr *half;     /* the taps are half - 1 before the place, half behind */
    const weft_expr *shrink;   /* at most 1: elements of the result for one of the input */
    weft_dtype wide;
} filter;

/* The filter's value at tap k for element i, not normalised. */
static const weft_expr *
filter_at(weft_te *te, const filter *f, const place *p, const weft_expr *k)
{
    weft_ir *ir = te->ir;
    const weft_expr *zero = weft_topi_num(te, f->wide, 0), *one = weft_topi_num(te, f->wide, 1);
    const weft_expr *steps = weft_sub(ir, weft_add(ir, k, weft_i32(ir, 1)), f->half);
    const weft_expr *d = weft_sub(ir, weft_cast(ir, f->wide, steps), p->part);
    d = weft_topi_call(te, "abs", weft_mul(ir, d, f->shrink));
    const weft_expr *v = weft_max(ir, weft_sub(ir, one, d), zero);
    if (mode_of(f->how->mode) == CUBIC) {
        v = weft_select(ir, weft_lt(ir, d, weft_topi_num(te, f->wide, 2)),
                        cubic_outer(te, d, f->how->cubic), zero);
        v = weft_select(ir, weft_le(ir, d, one), cubic_inner(te, d, f->how->cubic), v);
    }
    return v;
}

static const weft_expr *
filter_index(weft_te *te, const filter *f, const place *p, const weft_expr *k)
{
    weft_ir *ir = te->ir;
    const weft_expr *steps = weft_sub(ir, weft_add(ir, k, weft_i32(ir, 1)), f->half);
    return weft_add(ir, p->before, weft_cast(ir, (weft_dtype)p->before->h.type.dtype, steps));
}

static const weft_expr *
filter_weight(weft_te *te, const filter *f, const place *p, const weft_expr *k)
{
    const weft_expr *v = filter_at(te, f, p, k);
    if (!f->how->exclude_outside)
        return v;
    return weft_select(te->ir, is_inside(te, filter_index(te, f, p, k), p->size), v,
                       weft_topi_num(te, f->wide, 0));
}

static weft_axis *
filter_axis(weft_te *te, const filter *f)
{
    return weft_te_reduce_axis(te, "tap", weft_simplify_expr(te->ir, NULL,
                                                             weft_mul(te->ir, f->half,
                                                                      weft_i32(te->ir, 2))));
}

static place
filter_place(weft_te *te, const filter *f, const weft_expr *i)
{
    return place_of(te, f->map, i, f->out, f->in, f->wide);
}

/* What each element's weights add up to. */
static weft_tensor *
filter_sums(weft_te *te, const filter *f)
{
    weft_axis *i = weft_te_axis(te, "i", f->out), *k = filter_axis(te, f);
    place p = filter_place(te, f, weft_axis_ref(te, i));
    return weft_te_reduce(te, "weights", 1, &i, 1, &k, WEFT_SUM,
                          filter_weight(te, f, &p, weft_axis_ref(te, k)));
}

static weft_tensor *
filter_products(weft_te *te, const filter *f, weft_tensor *x, int axis)
{
    int n = x->buf->ndim;
    weft_axis **out = weft_topi_axes(te, n, f->how->dim), *tap = filter_axis(te, f);
    const weft_expr **at = weft_topi_refs(te, n, out), *k = weft_axis_ref(te, tap);
    place p = filter_place(te, f, at[axis]);
    at[axis] = clamped(te, &p, filter_index(te, f, &p, k));
    const weft_expr *v = weft_cast(te->ir, f->wide, weft_topi_at(te, x, at));
    return weft_te_reduce(te, "resized", n, out, 1, &tap, WEFT_SUM,
                          weft_mul(te->ir, filter_weight(te, f, &p, k), v));
}

weft_tensor *
weft_topi_resize_antialias(weft_te *te, weft_tensor *x, int axis, const weft_expr *up,
                           const weft_expr *down, const weft_resize *how)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    int64_t radius = mode_of(how->mode) == CUBIC ? 2 : 1;
    const weft_expr *wider = weft_max(ir, up, down), *one = weft_i32(ir, 1);
    const weft_expr *reach = weft_mul(ir, wider, weft_i32(ir, radius));
    filter f = { .how = how,
                 .map = &how->axis[axis],
                 .out = how->dim[axis],
                 .in = x->buf->shape[axis],
                 .wide = weights_in(x->buf->dtype) };
    f.half = weft_simplify_expr(ir, NULL,
                                weft_fdiv(ir, weft_add(ir, reach, weft_sub(ir, up, one)), up));
    f.shrink = weft_div(ir, weft_cast(ir, f.wide, up), weft_cast(ir, f.wide, wider));
    weft_tensor *sums = filter_sums(te, &f), *products = filter_products(te, &f, x, axis);
    if (!sums || !products)
        return NULL;
    weft_axis **out = weft_topi_axes(te, n, how->dim);
    const weft_expr **at = weft_topi_refs(te, n, out), *sum = weft_topi_at(te, sums, &at[axis]);
    const weft_expr *zero = weft_topi_num(te, f.wide, 0);
    sum = weft_select(ir, weft_eq(ir, sum, zero), weft_topi_num(te, f.wide, 1), sum);
    const weft_expr *v = weft_div(ir, weft_topi_at(te, products, at), sum);
    if (how->fill) {
        place p = filter_place(te, &f, at[axis]);
        v = weft_select(ir, beyond(te, &p), weft_topi_num(te, f.wide, *how->fill), v);
    }
    return weft_te_compute(te, "resize", n, out, weft_cast(ir, x->buf->dtype, v));
}
