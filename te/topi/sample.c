/* te/topi/sample.c: values of a tensor at places that another tensor gives, between the elements
 * too. */
#include "topi/topi.h"

#include <string.h>

static const char *const modes[] = { "nearest", "linear", "cubic" }; /* ORDER: taps, below */
static const char *const paddings[] = { "zeros", "border", "reflection" }; /* ORDER: padding */
static const char *const units[] = { "edges", "corners", "elements" };     /* ORDER: unit */
typedef enum padding { ZEROS, BORDER, REFLECTION } padding;
typedef enum unit { EDGES, CORNERS, ELEMENTS } unit;
enum { MAX_TAPS = 4 };

static int
find(const char *const names[3], const char *name)
{
    int i = 0;
    while (i < 3 && strcmp(names[i], name) != 0)
        i++;
    return i;
}

int
weft_topi_sample_taps(const weft_sample *how)
{
    static const int taps[] = { 1, 2, 4, 0 };
    bool known = find(paddings, how->padding) < 3 && find(units, how->units) < 3;
    return known ? taps[find(modes, how->mode)] : 0;
}

/* An axis that is sampled: its places and its elements. */
typedef struct line {
    weft_te *te;
    const weft_sample *how;
    padding pad;
    unit unit;
    weft_dtype t;                /* of places and weights */
    const weft_expr *size;       /* i32 */
    const weft_expr *low, *high; /* the borders, in elements */
} line;

static const weft_expr *
num(const line *l, double v)
{
    return weft_topi_num(l->te, l->t, v);
}

static line
line_of(weft_te *te, const weft_sample *how, weft_dtype t, const weft_expr *size)
{
    weft_ir *ir = te->ir;
    line l = { .te = te,
               .how = how,
               .pad = (padding)find(paddings, how->padding),
               .unit = (unit)find(units, how->units),
               .t = t,
               .size = weft_cast(ir, WEFT_I32, size) };
    double beyond = l.unit == EDGES ? 0.5 : 0;
    const weft_expr *last = weft_cast(ir, t, weft_sub(ir, l.size, weft_i32(ir, 1)));
    l.low = num(&l, -beyond);
    l.high = weft_add(ir, last, num(&l, beyond));
    return l;
}

/* A place in the units of the grid as one in elements. */
static const weft_expr *
in_elements(const line *l, const weft_expr *p)
{
    weft_ir *ir = l->te->ir;
    const weft_expr *size = weft_cast(ir, l->t, l->size), *one = num(l, 1), *half = num(l, 0.5);
    p = weft_cast(ir, l->t, p);
    if (l->unit == ELEMENTS)
        return p;
    p = weft_add(ir, p, one);
    if (l->unit == CORNERS)
        return weft_mul(ir, weft_mul(ir, p, half), weft_sub(ir, size, one));
    return weft_mul(ir, weft_sub(ir, weft_mul(ir, p, size), one), half);
}

/* Thrown back at the borders until it is between them. */
static const weft_expr *
reflected(const line *l, const weft_expr *p)
{
    weft_ir *ir = l->te->ir;
    const weft_expr *span = weft_sub(ir, l->high, l->low);
    const weft_expr *period = weft_max(ir, weft_mul(ir, span, num(l, 2)), num(l, 1));
    const weft_expr *far = weft_topi_call(l->te, "abs", weft_sub(ir, p, l->low));
    const weft_expr *turns = weft_topi_call(l->te, "floor", weft_div(ir, far, period));
    far = weft_sub(ir, far, weft_mul(ir, turns, period));
    const weft_expr *back = weft_add(ir, l->low, weft_min(ir, far, weft_sub(ir, period, far)));
    return weft_max(ir, weft_min(ir, back, l->high), l->low);
}

/* The place as far as it is read: no farther out than its taps are all outside. */
static const weft_expr *
confined(const line *l, const weft_expr *p)
{
    weft_ir *ir = l->te->ir;
    const weft_expr *last = weft_cast(ir, l->t, weft_sub(ir, l->size, weft_i32(ir, 1)));
    const weft_expr *away = weft_or(ir, weft_lt(ir, p, l->low), weft_gt(ir, p, l->high));
    if (l->pad == BORDER)
        return weft_select(ir, away, weft_max(ir, weft_min(ir, p, last), num(l, 0)), p);
    if (l->pad == REFLECTION)
        return weft_select(ir, away, reflected(l, p), p);
    return weft_max(ir, weft_min(ir, p, weft_add(ir, last, num(l, 4))), num(l, -4));
}

/* Index i of the axis, inside it; *in: whether it was, where that matters. */
static const weft_expr *
tap_at(const line *l, const weft_expr *i, const weft_expr **in)
{
    weft_ir *ir = l->te->ir;
    const weft_expr *zero = weft_i32(ir, 0), *one = weft_i32(ir, 1), *two = weft_i32(ir, 2);
    const weft_expr *last = weft_sub(ir, l->size, one);
    bool edges = l->unit == EDGES;
    *in = NULL;
    if (l->pad == ZEROS)
        *in = weft_and(ir, weft_ge(ir, i, zero), weft_lt(ir, i, l->size));
    if (l->pad == REFLECTION) {
        const weft_expr *period = weft_mul(ir, edges ? l->size : last, two);
        period = weft_max(ir, period, one);
        const weft_expr *m = weft_fmod(ir, i, period);
        i = weft_min(ir, m, weft_sub(ir, edges ? weft_sub(ir, period, one) : period, m));
    }
    return weft_max(ir, weft_min(ir, i, last), zero);
}

typedef struct taps {
    int n;
    const weft_expr *at[MAX_TAPS], *in[MAX_TAPS], *weight[MAX_TAPS]; /* NULL: always; 1 */
} taps;

static taps
taps_of(const line *l, const weft_expr *place)
{
    weft_ir *ir = l->te->ir;
    taps s = { .n = weft_topi_sample_taps(l->how) };
    const weft_expr *p = in_elements(l, place);
    if (s.n == 1)
        p = weft_topi_call(l->te, "rint", p);
    p = confined(l, p);
    const weft_expr *before = weft_topi_call(l->te, "floor", p), *part = weft_sub(ir, p, before);
    before = weft_cast(ir, WEFT_I32, before);
    for (int k = 0; k < s.n; k++)
        s.at[k] = tap_at(l, weft_add(ir, before, weft_i32(ir, s.n == 4 ? k - 1 : k)), &s.in[k]);
    if (s.n == 4)
        weft_topi_cubic_weights(l->te, part, -0.75, s.weight);
    if (s.n == 2) {
        s.weight[0] = weft_sub(ir, num(l, 1), part);
        s.weight[1] = part;
    }
    return s;
}

typedef struct sampler {
    weft_te *te;
    weft_tensor *x;
    weft_dtype wide;
    const taps *axis; /* one a spatial axis */
    const weft_expr **at;
} sampler;

/* The weighted sum over the taps of axes from d on; `in`: those before lie in x, NULL: always. */
static const weft_expr *
sample(sampler *s, int d, const weft_expr *in)
{
    weft_ir *ir = s->te->ir;
    if (d == s->x->buf->ndim) {
        const weft_expr *v = weft_cast(ir, s->wide, weft_topi_at(s->te, s->x, s->at));
        return in ? weft_select(ir, in, v, weft_topi_num(s->te, s->wide, 0)) : v;
    }
    const taps *a = &s->axis[d - 2];
    const weft_expr *sum = NULL;
    for (int k = 0; k < a->n; k++) {
        s->at[d] = a->at[k];
        const weft_expr *v =
            sample(s, d + 1, in && a->in[k] ? weft_and(ir, in, a->in[k]) : in ? in : a->in[k]);
        if (a->weight[k])
            v = weft_mul(ir, weft_cast(ir, s->wide, a->weight[k]), v);
        sum = sum ? weft_add(ir, sum, v) : v;
    }
    return sum;
}

/* [N, C, places..] */
static weft_axis **
out_axes(weft_te *te, const weft_tensor *x, const weft_tensor *at)
{
    int n = at->buf->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    dim[0] = x->buf->shape[0];
    dim[1] = x->buf->shape[1];
    for (int d = 1; d < n - 1; d++)
        dim[d + 1] = at->buf->shape[d];
    return weft_topi_axes(te, n, dim);
}

weft_tensor *
weft_topi_sample(weft_te *te, weft_tensor *x, weft_tensor *at, const weft_sample *how)
{
    if (!x || !at)
        return NULL;
    weft_ir *ir = te->ir;
    int rank = x->buf->ndim - 2, n = at->buf->ndim;
    weft_dtype t = x->buf->dtype, places = weft_topi_sum_dtype(at->buf->dtype);
    bool weighs = weft_topi_sample_taps(how) > 1;
    weft_axis **out = out_axes(te, x, at);
    const weft_expr **o = weft_topi_refs(te, n, out);
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *);
    taps *axis = WEFT_NEW_ARRAY(&ir->arena, rank + 1, taps);
    from[0] = o[0];
    for (int d = 1; d < n - 1; d++)
        from[d] = o[d + 1];
    for (int d = 0; d < rank; d++) {
        line l = line_of(te, how, places, x->buf->shape[2 + d]);
        from[n - 1] = weft_i32(ir, how->reversed ? rank - 1 - d : d);
        axis[d] = taps_of(&l, weft_topi_at(te, at, from));
    }
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, rank + 3, const weft_expr *);
    index[0] = o[0];
    index[1] = o[1];
    sampler s = { .te = te,
                  .x = x,
                  .wide = !weighs ? t : t == WEFT_F64 ? t : WEFT_F32,
                  .axis = axis,
                  .at = index };
    return weft_te_compute(te, "sample", n, out, weft_cast(ir, t, sample(&s, 2, NULL)));
}
