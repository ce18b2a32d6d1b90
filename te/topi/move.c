/* te/topi/move.c: operators that move elements without changing them. */
#include "topi/topi.h"

#include <string.h>

static const weft_expr *
like(weft_te *te, const weft_expr *e, int64_t v)
{
    return e ? weft_int(te->ir, (weft_dtype)e->h.type.dtype, v) : NULL;
}

weft_tensor *
weft_topi_broadcast_to(weft_te *te, weft_tensor *x, int ndim, const weft_expr *const *dim)
{
    weft_axis **axis = weft_topi_axes(te, ndim, dim);
    const weft_expr **at = weft_topi_refs(te, ndim, axis);
    return weft_te_compute(te, "broadcast_to", ndim, axis, weft_topi_at_broadcast(te, x, ndim, at));
}

weft_tensor *
weft_topi_reshape(weft_te *te, weft_tensor *x, int ndim, const weft_expr *const *dim)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    weft_axis **axis = weft_topi_axes(te, ndim, dim);
    const weft_expr **at = weft_topi_refs(te, ndim, axis), *flat = weft_i32(ir, 0);
    for (int d = 0; d < ndim; d++)
        flat = d == 0 ? at[0] : weft_add(ir, weft_mul(ir, flat, dim[d]), at[d]);
    int n = x->buf->ndim;
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *);
    for (int d = n; d-- > 0;) {
        from[d] = d == 0 ? flat : weft_fmod(ir, flat, x->buf->shape[d]);
        flat = weft_fdiv(ir, flat, x->buf->shape[d]);
        if (from[d])
            from[d] = weft_simplify_expr(ir, NULL, from[d]);
    }
    return weft_te_compute(te, "reshape", ndim, axis, weft_topi_at(te, x, from));
}

weft_tensor *
weft_topi_transpose(weft_te *te, weft_tensor *x, const int64_t *axes)
{
    if (!x)
        return NULL;
    int n = x->buf->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    const weft_expr **from = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    for (int d = 0; d < n; d++)
        dim[d] = x->buf->shape[axes[d]];
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    for (int d = 0; d < n; d++)
        from[axes[d]] = at[d];
    return weft_te_compute(te, "transpose", n, axis, weft_topi_at(te, x, from));
}

weft_tensor *
weft_topi_concatenate(weft_te *te, int n, weft_tensor *const *x, int axis)
{
    weft_ir *ir = te->ir;
    for (int i = 0; i < n; i++)
        if (!x[i])
            return NULL;
    int ndim = x[0]->buf->ndim;
    const weft_expr **dim =
        weft_arena_dup(&ir->arena, x[0]->buf->shape, (size_t)ndim * sizeof *dim);
    const weft_expr **start = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *);
    start[0] = like(te, dim[axis], 0);
    for (int i = 0; i < n; i++)
        start[i + 1] = weft_simplify_expr(ir, NULL, weft_add(ir, start[i], x[i]->buf->shape[axis]));
    dim[axis] = start[n];
    weft_axis **axes = weft_topi_axes(te, ndim, dim);
    const weft_expr **at = weft_topi_refs(te, ndim, axes), *whole = at[axis], *value = NULL;
    for (int i = n; i-- > 0;) {
        at[axis] = weft_sub(ir, whole, start[i]);
        const weft_expr *v = weft_topi_at(te, x[i], at);
        value = value ? weft_guard(ir, weft_lt(ir, whole, start[i + 1]), v, value) : v;
    }
    return weft_te_compute(te, "concatenate", ndim, axes, value);
}

weft_tensor *
weft_topi_block(weft_te *te, weft_tensor *x, int64_t lanes)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *);
    memcpy(dim, x->buf->shape, (size_t)n * sizeof *dim);
    dim[1] = weft_simplify_expr(ir, NULL, weft_fdiv(ir, dim[1], like(te, dim[1], lanes)));
    dim[n] = weft_i32(ir, lanes);
    weft_axis **axis = weft_topi_axes(te, n + 1, dim);
    const weft_expr **at = weft_topi_refs(te, n + 1, axis);
    at[1] = weft_add(ir, weft_mul(ir, at[1], like(te, at[1], lanes)), at[n]);
    return weft_te_compute(te, "block", n + 1, axis, weft_topi_at(te, x, at));
}

weft_tensor *
weft_topi_unblock(weft_te *te, weft_tensor *x)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim - 1;
    const weft_expr **dim = weft_arena_dup(&ir->arena, x->buf->shape, (size_t)n * sizeof *dim);
    const weft_expr *lanes = x->buf->shape[n];
    dim[1] = weft_simplify_expr(ir, NULL, weft_mul(ir, dim[1], lanes));
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *);
    memcpy(at, weft_topi_refs(te, n, axis), (size_t)n * sizeof *at);
    at[n] = weft_fmod(ir, at[1], lanes);
    at[1] = weft_fdiv(ir, at[1], lanes);
    return weft_te_compute(te, "unblock", n, axis, weft_topi_at(te, x, at));
}

weft_tensor *
weft_topi_slice(weft_te *te, weft_tensor *x, const weft_expr *const *start, const int64_t *step,
                const weft_expr *const *dim)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    for (int d = 0; d < n; d++)
        at[d] = weft_add(ir, start[d], weft_mul(ir, at[d], like(te, at[d], step[d])));
    return weft_te_compute(te, "slice", n, axis, weft_topi_at(te, x, at));
}

weft_tensor *
weft_topi_take(weft_te *te, weft_tensor *x, weft_tensor *index, int axis)
{
    if (!x || !index)
        return NULL;
    int nx = x->buf->ndim, ni = index->buf->ndim, n = nx - 1 + ni;
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    const weft_expr **from = WEFT_NEW_ARRAY(&te->ir->arena, nx + 1, const weft_expr *);
    for (int d = 0; d < n; d++)
        dim[d] = d < axis        ? x->buf->shape[d]
                 : d < axis + ni ? index->buf->shape[d - axis]
                                 : x->buf->shape[d - ni + 1];
    weft_axis **axes = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axes);
    for (int d = 0; d < nx; d++)
        from[d] = d < axis ? at[d] : d == axis ? NULL : at[d + ni - 1];
    const weft_expr *i = weft_topi_at(te, index, at + axis);
    if (!i)
        return NULL;
    from[axis] = weft_topi_inside(te, i, x->buf->shape[axis]);
    return weft_te_compute(te, "take", n, axes,
                           weft_topi_at_some(te, x, from, 1, &x->buf->shape[axis]));
}

weft_tensor *
weft_topi_take_along_axis(weft_te *te, weft_tensor *x, weft_tensor *index, int axis)
{
    if (!x || !index)
        return NULL;
    int n = x->buf->ndim;
    weft_axis **axes = weft_topi_axes(te, n, index->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axes), *i = weft_topi_at(te, index, at);
    if (!i)
        return NULL;
    at[axis] = weft_topi_inside(te, i, x->buf->shape[axis]);
    return weft_te_compute(te, "take", n, axes,
                           weft_topi_at_some(te, x, at, 1, &x->buf->shape[axis]));
}

/* ---- padding --------------------------------------------------------------------------------- */

/* Where element i - before of an axis of n elements is read from. */
static const weft_expr *
source(weft_te *te, weft_pad_mode mode, const weft_expr *i, const weft_expr *n)
{
    weft_ir *ir = te->ir;
    const weft_expr *zero = like(te, i, 0), *one = like(te, i, 1);
    const weft_expr *last = weft_sub(ir, n, one);
    if (mode == WEFT_PAD_EDGE)
        return weft_max(ir, weft_min(ir, i, last), zero);
    if (mode == WEFT_PAD_WRAP)
        return weft_fmod(ir, i, n);
    /* reflect: there and back again without repeating the ends */
    const weft_expr *period = weft_max(ir, weft_mul(ir, last, like(te, i, 2)), one);
    const weft_expr *m = weft_fmod(ir, i, period);
    return weft_min(ir, m, weft_sub(ir, period, m));
}

weft_tensor *
weft_topi_pad(weft_te *te, weft_tensor *x, const weft_expr *const *before,
              const weft_expr *const *after, weft_pad_mode mode, const weft_expr *value)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_expr *), *in = NULL;
    for (int d = 0; d < n; d++)
        dim[d] = weft_simplify_expr(
            ir, NULL, weft_add(ir, weft_add(ir, x->buf->shape[d], before[d]), after[d]));
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    for (int d = 0; d < n; d++) {
        const weft_expr *size = x->buf->shape[d];
        if (weft_is_int_imm(before[d], 0) && weft_is_int_imm(after[d], 0))
            continue;
        at[d] = weft_sub(ir, at[d], before[d]);
        if (mode != WEFT_PAD_CONSTANT) {
            at[d] = source(te, mode, at[d], size);
            continue;
        }
        const weft_expr *ok =
            weft_and(ir, weft_ge(ir, at[d], like(te, at[d], 0)), weft_lt(ir, at[d], size));
        in = in ? weft_and(ir, in, ok) : ok;
    }
    const weft_expr *v = weft_topi_at(te, x, at);
    return weft_te_compute(te, "pad", n, axis, in ? weft_guard(ir, in, v, value) : v);
}
