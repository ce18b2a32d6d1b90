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

/* The windows' sums, in the dtype that sums are made in. */
static weft_tensor *
window_sums(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out)
{
    weft_ir *ir = te->ir;
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    pool_axes a = make_axes(te, x, w, out, weft_topi_num(te, t, 0));
    const weft_expr *v = weft_cast(ir, wide, weft_topi_at(te, a.x, a.from)),
                    *zero = weft_topi_num(te, wide, 0);
    return weft_te_reduce(te, "sum", x->buf->ndim, a.out, w->rank, a.reduce, WEFT_SUM,
                          a.in ? weft_guard(ir, a.in, v, zero) : v);
}

weft_tensor *
weft_topi_sum_pool(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out)
{
    weft_tensor *sum = x ? window_sums(te, x, w, out) : NULL;
    return sum && sum->buf->dtype != x->buf->dtype ? weft_topi_cast(te, sum, x->buf->dtype) : sum;
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
    weft_tensor *sum = window_sums(te, x, w, out);
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

/* ---- places of the greatest ------------------------------------------------------------------ */

/* The place of tap `from` among the elements of its channel, row by row; INT32_MAX beside x. */
static const weft_expr *
place_of(weft_te *te, weft_tensor *x, const weft_window *w, const pool_axes *a)
{
    weft_ir *ir = te->ir;
    const weft_expr *place = weft_i32(ir, 0), *in = NULL;
    for (int d = 0; d < w->rank; d++) {
        const weft_expr *i = a->from[2 + d], *size = weft_cast(ir, WEFT_I32, x->buf->shape[2 + d]);
        if (a->x != x && a->x->buf->shape[2 + d] != x->buf->shape[2 + d])
            i = weft_sub(ir, i, weft_i32(ir, w->pad[d]));
        const weft_expr *ok =
            weft_and(ir, weft_ge(ir, i, weft_i32(ir, 0)), weft_lt(ir, i, size));
        in = in ? weft_and(ir, in, ok) : ok;
        place = weft_add(ir, weft_mul(ir, place, size), i);
    }
    return weft_select(ir, in, place, weft_i32(ir, INT32_MAX));
}

/* The place in the channel, row by row, as one in the whole tensor. */
static const weft_expr *
index_of(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *place,
         const weft_expr *const *at, bool column_major)
{
    weft_ir *ir = te->ir;
    const weft_expr *channel =
        weft_add(ir, weft_mul(ir, at[0], weft_cast(ir, WEFT_I32, x->buf->shape[1])), at[1]);
    const weft_expr *index = weft_i32(ir, 0), *size = weft_int(ir, WEFT_I64, 1);
    const weft_expr **i = WEFT_NEW_ARRAY(&ir->arena, w->rank + 1, const weft_expr *);
    const weft_expr *rest = place;
    for (int d = w->rank; d-- > 0;) {
        const weft_expr *n = weft_cast(ir, WEFT_I32, x->buf->shape[2 + d]);
        i[d] = d ? weft_fmod(ir, rest, n) : rest;
        rest = weft_fdiv(ir, rest, n);
        size = weft_mul(ir, size, weft_cast(ir, WEFT_I64, n));
    }
    for (int d = w->rank; d-- > 0;)
        index = weft_add(ir, weft_mul(ir, index, weft_cast(ir, WEFT_I32, x->buf->shape[2 + d])),
                         i[d]);
    return weft_add(ir, weft_mul(ir, weft_cast(ir, WEFT_I64, channel), size),
                    weft_cast(ir, WEFT_I64, column_major ? index : place));
}

/* The greater of two elements with their places; of equal ones that which stands first. */
static weft_tuple_reducer
first_greatest(weft_te *te, weft_dtype t)
{
    weft_ir *ir = te->ir;
    const weft_var **lhs = WEFT_NEW_ARRAY(&ir->arena, 2, const weft_var *),
                   **rhs = WEFT_NEW_ARRAY(&ir->arena, 2, const weft_var *);
    const weft_expr **result = WEFT_NEW_ARRAY(&ir->arena, 2, const weft_expr *),
                    **none = WEFT_NEW_ARRAY(&ir->arena, 2, const weft_expr *);
    lhs[0] = weft_te_var(te, "lp", WEFT_I32);
    lhs[1] = weft_te_var(te, "lv", t);
    rhs[0] = weft_te_var(te, "rp", WEFT_I32);
    rhs[1] = weft_te_var(te, "rv", t);
    const weft_expr *lp = weft_ref(ir, lhs[0]), *lv = weft_ref(ir, lhs[1]),
                    *rp = weft_ref(ir, rhs[0]), *rv = weft_ref(ir, rhs[1]);
    const weft_expr *keep =
        weft_or(ir, weft_gt(ir, lv, rv), weft_and(ir, weft_eq(ir, lv, rv), weft_lt(ir, lp, rp)));
    result[0] = weft_select(ir, keep, lp, rp);
    result[1] = weft_select(ir, keep, lv, rv);
    none[0] = weft_i32(ir, INT32_MAX);
    none[1] = weft_lowest(ir, weft_scalar(t));
    return (
        weft_tuple_reducer){ .n = 2, .lhs = lhs, .rhs = rhs, .result = result, .identity = none };
}

weft_tensor *
weft_topi_max_pool_index(weft_te *te, weft_tensor *x, const weft_window *w, bool column_major,
                         const weft_expr *const *out)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr *none = weft_lowest(ir, weft_scalar(x->buf->dtype));
    pool_axes a = make_axes(te, x, w, out, none);
    const weft_expr *v = weft_topi_at(te, a.x, a.from);
    const weft_expr *source[2] = { place_of(te, x, w, &a),
                                   a.in ? weft_guard(ir, a.in, v, none) : v };
    weft_tuple_reducer best = first_greatest(te, x->buf->dtype);
    const char *name[2] = { "place", "greatest" };
    weft_tensor *made[2];
    if (weft_te_reduce_tuple(te, name, n, a.out, w->rank, a.reduce, &best, source, made))
        return NULL;
    weft_axis **axis = weft_topi_axes(te, n, made[0]->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *place = weft_topi_at(te, made[0], at);
    place = weft_select(ir, weft_eq(ir, place, weft_i32(ir, INT32_MAX)), weft_i32(ir, 0), place);
    return weft_te_compute(te, "max_pool_index", n, axis,
                           index_of(te, x, w, place, at, column_major));
}

/* ---- windows put together again -------------------------------------------------------------- */

/* The window that has element i of axis d as tap k of its own, in *window; whether there is one. */
static const weft_expr *
window_with(weft_te *te, const weft_window *w, int d, const weft_expr *i, const weft_expr *k,
            const weft_expr *size, const weft_expr **window, const weft_expr **windows)
{
    weft_ir *ir = te->ir;
    const weft_expr *zero = weft_i32(ir, 0), *stride = weft_i32(ir, w->stride[d]);
    const weft_expr *start = weft_sub(ir, weft_add(ir, i, weft_i32(ir, w->pad[d])),
                                      weft_mul(ir, k, weft_i32(ir, w->dilation[d])));
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
    const weft_expr *room = weft_add(ir, weft_cast(ir, WEFT_I32, size),
                                     weft_i32(ir, w->pad[d] + w->pad[w->rank + d] - reach));
    *windows = weft_simplify_expr(
        ir, NULL, weft_add(ir, weft_fdiv(ir, room, stride), weft_i32(ir, 1)));
    *window = weft_fdiv(ir, start, stride);
    const weft_expr *whole = weft_eq(ir, weft_fmod(ir, start, stride), zero);
    return weft_and(ir, weft_and(ir, weft_ge(ir, start, zero), weft_lt(ir, *window, *windows)),
                    whole);
}

weft_tensor *
weft_topi_col2im(weft_te *te, weft_tensor *x, const weft_window *w, const weft_expr *const *out)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int64_t taps = 1;
    for (int d = 0; d < w->rank; d++)
        taps *= w->kernel[d];
    int n = w->rank + 2;
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    weft_axis **tap = WEFT_NEW_ARRAY(&ir->arena, w->rank + 1, weft_axis *);
    dim[0] = x->buf->shape[0];
    dim[1] = weft_simplify_expr(ir, NULL, weft_fdiv(ir, x->buf->shape[1], weft_i32(ir, taps)));
    for (int d = 0; d < w->rank; d++)
        dim[2 + d] = out[d];
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis), *in = NULL, *place = weft_i32(ir, 0),
                    *which = weft_i32(ir, 0);
    for (int d = 0; d < w->rank; d++) {
        const weft_expr *window, *windows;
        tap[d] = weft_te_reduce_axis(te, weft_arena_printf(&ir->arena, "r%d", d),
                                     weft_i32(ir, w->kernel[d]));
        const weft_expr *k = weft_axis_ref(te, tap[d]);
        const weft_expr *ok = window_with(te, w, d, at[2 + d], k, out[d], &window, &windows);
        in = in ? weft_and(ir, in, ok) : ok;
        place = weft_add(ir, weft_mul(ir, place, windows), window);
        which = weft_add(ir, weft_mul(ir, which, weft_i32(ir, w->kernel[d])), k);
    }
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    const weft_expr *from[3] = {
        at[0], weft_add(ir, weft_mul(ir, at[1], weft_i32(ir, taps)), which), place
    };
    const weft_expr *v = weft_cast(ir, wide, weft_topi_at(te, x, from));
    weft_tensor *sum = weft_te_reduce(te, "col2im", n, axis, w->rank, tap, WEFT_SUM,
                                      weft_guard(ir, in, v, weft_topi_num(te, wide, 0)));
    return sum && wide != t ? weft_topi_cast(te, sum, t) : sum;
}
