/* te/topi/pool.c: pooling windows over any number of spatial axes. */
#include "topi/topi.h"

typedef struct pool_axes {
    weft_tensor *x; /* the input, padded where its size is constant */
    weft_axis **out, **reduce;
    const weft_expr **at, **from; /* refs of out; the index into x */
    const weft_expr *in;          /* the tap lies within x; NULL: always */
} pool_axes;

/* How many elements windows reach beyond the end of a spatial axis; false when not constant. */
static bool
overhang(const weft_tensor *x, const weft_window *w, const weft_expr *const *out, int d, int64_t *n)
{
    int64_t size, windows;
    if (!weft_as_int(x->buf->shape[2 + d], &size) || !weft_as_int(out[d], &windows))
        return false;
    *n = (windows - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1 - w->pad[d] - size;
    *n = *n > 0 ? *n : 0;
    return true;
}

/* x with `fill` around those spatial axes whose size is constant; x itself when nothing is added.
 */
static weft_tensor *
padded(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out,
       const weft_expr *fill)
{
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr **before = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    const weft_expr **after = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    bool any = false;
    for (int d = 0; d < n; d++) {
        bool spatial = d >= 2 && d < 2 + w->rank;
        int64_t end = 0, known = spatial && overhang(x, w, out, d - 2, &end);
        int64_t start = known ? w->pad[d - 2] : 0;
        before[d] = weft_i32(ir, start);
        after[d] = weft_i32(ir, end);
        any = any || start || end;
    }
    return any ? weft_topi_pad(te, x, before, after, WEFT_PAD_CONSTANT, fill) : x;
}

static pool_axes
make_axes(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out,
          const weft_expr *fill)
{
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr **dim = weft_arena_dup(&ir->arena, x->buf->shape, (size_t)n * sizeof *dim);
    pool_axes a = { .x = padded(te, x, w, out, fill),
                    .reduce = WEFT_NEW_ARRAY(&ir->arena, w->rank + 1, weft_axis *),
                    .from = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *) };
    for (int d = 0; d < w->rank; d++)
        dim[2 + d] = out[d];
    a.out = weft_topi_axes(te, n, dim);
    a.at = weft_topi_refs(te, n, a.out);
    for (int d = 0; d < n; d++)
        a.from[d] = a.at[d];
    for (int d = 0; d < w->rank; d++) {
        int64_t end, known = overhang(x, w, out, d, &end);
        a.reduce[d] = weft_te_reduce_axis(te, weft_arena_printf(&ir->arena, "r%d", d),
                                          weft_i32(ir, w->kernel[d]));
        const weft_expr *tap =
            weft_mul(ir, weft_axis_ref(te, a.reduce[d]), weft_i32(ir, w->dilation[d]));
        const weft_expr *start = weft_mul(ir, a.at[2 + d], weft_i32(ir, w->stride[d]));
        if (!known)
            start = weft_sub(ir, start, weft_i32(ir, w->pad[d]));
        a.from[2 + d] = weft_add(ir, start, tap);
        if (known)
            continue;
        const weft_expr *ok = weft_and(ir, weft_ge(ir, a.from[2 + d], weft_i32(ir, 0)),
                                       weft_lt(ir, a.from[2 + d], x->buf->shape[2 + d]));
        a.in = a.in ? weft_and(ir, a.in, ok) : ok;
    }
    return a;
}

weft_tensor *
weft_topi_max_pool(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out)
{
    if (!x)
        return NULL;
    const weft_expr *none = weft_lowest(te->ir, weft_scalar(x->buf->dtype));
    pool_axes a = make_axes(te, x, w, out, none);
    const weft_expr *v = weft_topi_at(te, a.x, a.from);
    return weft_te_reduce(te, "max_pool", x->buf->ndim, a.out, w->rank, a.reduce, WEFT_RMAX,
                          a.in ? weft_guard(te->ir, a.in, v, none) : v);
}

/* How many taps of the window at output position y lie in [-low, size + high) of one axis. */
static const weft_expr *
taps(weft_te *te, const weft_window *w, int d, const weft_expr *y, const weft_expr *size,
     int64_t low, int64_t high)
{
    weft_ir *ir = te->ir;
    const weft_expr *step = weft_i32(ir, w->dilation[d]), *zero = weft_i32(ir, 0);
    const weft_expr *start =
        weft_sub(ir, weft_mul(ir, y, weft_i32(ir, w->stride[d])), weft_i32(ir, w->pad[d] - low));
    const weft_expr *room =
        weft_sub(ir, weft_add(ir, weft_cast(ir, WEFT_I32, size), weft_i32(ir, low + high)), start);
    const weft_expr *ceil = weft_i32(ir, w->dilation[d] - 1);
    const weft_expr *first =
        weft_fdiv(ir, weft_add(ir, weft_max(ir, weft_sub(ir, zero, start), zero), ceil), step);
    const weft_expr *last =
        weft_min(ir, weft_fdiv(ir, weft_add(ir, room, ceil), step), weft_i32(ir, w->kernel[d]));
    return weft_simplify_expr(ir, NULL, weft_sub(ir, last, first));
}

weft_tensor *
weft_topi_avg_pool(weft_te *te, weft_tensor *x, const weft_window *w, bool count_pad,
                   const weft_expr *const *out)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    pool_axes a = make_axes(te, x, w, out, weft_topi_num(te, t, 0));
    const weft_expr *v = weft_cast(ir, wide, weft_topi_at(te, a.x, a.from)),
                    *zero = weft_topi_num(te, wide, 0);
    weft_tensor *sum = weft_te_reduce(te, "sum", n, a.out, w->rank, a.reduce, WEFT_SUM,
                                      a.in ? weft_guard(ir, a.in, v, zero) : v);
    if (!sum)
        return NULL;
    weft_axis **axis = weft_topi_axes(te, n, sum->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *count = weft_i32(ir, 1);
    for (int d = 0; d < w->rank; d++)
        count = weft_mul(ir, count,
                         taps(te, w, d, at[2 + d], x->buf->shape[2 + d], count_pad ? w->pad[d] : 0,
                              count_pad ? w->pad[w->rank + d] : 0));
    const weft_expr *mean = weft_div(ir, weft_topi_at(te, sum, at),
                                     weft_cast(ir, wide, weft_simplify_expr(ir, NULL, count)));
    return weft_te_compute(te, "avg_pool", n, axis, weft_cast(ir, t, mean));
}
