/* te/topi/conv.c: convolutions over any number of spatial axes. */
#include "topi/topi.h"

static const char *const spatial_names[] = { "x", "y", "z" }; /* from the last axis back */

static const char *
spatial_name(weft_te *te, const char *prefix, int rank, int d)
{
    int back = rank - 1 - d;
    return back < 3 ? weft_arena_printf(&te->ir->arena, "%s%s", prefix, spatial_names[back])
                    : weft_arena_printf(&te->ir->arena, "%ss%d", prefix, d);
}

/* x with zeros around its spatial axes; x itself when nothing is added. */
static weft_tensor *
zero_padded(weft_te *te, weft_tensor *x, const weft_window *w)
{
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    bool any = false;
    const weft_expr **before = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    const weft_expr **after = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    for (int d = 0; d < n; d++) {
        before[d] = weft_i32(ir, d < 2 ? 0 : w->pad[d - 2]);
        after[d] = weft_i32(ir, d < 2 ? 0 : w->pad[w->rank + d - 2]);
        any = any || (d >= 2 && (w->pad[d - 2] != 0 || w->pad[w->rank + d - 2] != 0));
    }
    return any ? weft_topi_pad(te, x, before, after, WEFT_PAD_CONSTANT,
                               weft_topi_num(te, x->buf->dtype, 0))
               : x;
}

/* c + bias[axis 1], in dtype t. */
static weft_tensor *
finish(weft_te *te, weft_tensor *c, weft_tensor *bias, weft_dtype t)
{
    if (!c || (!bias && c->buf->dtype == t))
        return c;
    int n = c->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, c->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *v = weft_topi_at(te, c, at);
    if (bias)
        v = weft_add(te->ir, v, weft_cast(te->ir, c->buf->dtype, weft_topi_at(te, bias, at + 1)));
    return weft_te_compute(te, bias ? "biased" : "rounded", n, axis, weft_cast(te->ir, t, v));
}

/* The weight's element: [m, c, k..] or in panels of `pack` output channels. */
static const weft_expr *
weight_at(weft_te *te, weft_tensor *w, const weft_expr *m, const weft_expr *c, int rank,
          const weft_expr *const *k, int64_t pack)
{
    weft_ir *ir = te->ir;
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, rank + 3, const weft_expr *);
    index[0] = pack ? weft_fdiv(ir, m, weft_i32(ir, pack)) : m;
    index[1] = c;
    for (int d = 0; d < rank; d++)
        index[2 + d] = k[d];
    index[2 + rank] = pack ? weft_fmod(ir, m, weft_i32(ir, pack)) : NULL;
    return weft_topi_at(te, w, index);
}

/* (size - (kernel - 1) * dilation - 1) // stride + 1 of a padded axis */
static const weft_expr *
windows(weft_te *te, const weft_expr *size, int64_t kernel, int64_t stride, int64_t dilation)
{
    weft_ir *ir = te->ir;
    const weft_expr *room = weft_sub(
        ir, size, weft_int(ir, (weft_dtype)size->h.type.dtype, (kernel - 1) * dilation + 1));
    const weft_expr *steps =
        weft_fdiv(ir, room, weft_int(ir, (weft_dtype)size->h.type.dtype, stride));
    return weft_simplify_expr(ir, NULL,
                              weft_add(ir, steps, weft_int(ir, (weft_dtype)size->h.type.dtype, 1)));
}

typedef struct conv_axes {
    weft_axis **out, **reduce; /* n, m, spatial..; c, kernel.. */
    const weft_expr **at, **k; /* refs of out; of the kernel axes */
    const weft_expr *c;
} conv_axes;

static conv_axes
make_axes(weft_te *te, int rank, const weft_expr *const *dim, const weft_expr *channels,
          const weft_expr *const *kernel)
{
    weft_arena *arena = &te->ir->arena;
    conv_axes a = { .out = WEFT_NEW_ARRAY(arena, rank + 2, weft_axis *),
                    .reduce = WEFT_NEW_ARRAY(arena, rank + 1, weft_axis *) };
    a.out[0] = weft_te_axis(te, "n", dim[0]);
    a.out[1] = weft_te_axis(te, "m", dim[1]);
    a.reduce[0] = weft_te_reduce_axis(te, "c", channels);
    for (int d = 0; d < rank; d++) {
        a.out[2 + d] = weft_te_axis(te, spatial_name(te, "", rank, d), dim[2 + d]);
        a.reduce[1 + d] = weft_te_reduce_axis(te, spatial_name(te, "k", rank, d), kernel[d]);
    }
    a.at = weft_topi_refs(te, rank + 2, a.out);
    a.k = weft_topi_refs(te, rank, a.reduce + 1);
    a.c = weft_axis_ref(te, a.reduce[0]);
    return a;
}

weft_tensor *
weft_topi_conv(weft_te *te, weft_tensor *x, weft_tensor *w, weft_tensor *bias,
               const weft_window *window, int64_t groups, int64_t pack, int64_t out)
{
    if (!x || !w)
        return NULL;
    weft_ir *ir = te->ir;
    int rank = window->rank;
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    weft_tensor *padded = zero_padded(te, x, window);
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, rank + 2, const weft_expr *);
    if (!padded)
        return NULL;
    dim[0] = x->buf->shape[0];
    dim[1] = pack ? weft_i32(ir, out) : w->buf->shape[0];
    for (int d = 0; d < rank; d++) {
        int64_t kernel;
        if (!weft_as_int(w->buf->shape[2 + d], &kernel))
            return NULL;
        dim[2 + d] =
            windows(te, padded->buf->shape[2 + d], kernel, window->stride[d], window->dilation[d]);
    }
    conv_axes a = make_axes(te, rank, dim, w->buf->shape[1], w->buf->shape + 2);
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, rank + 2, const weft_expr *);
    from[0] = a.at[0];
    from[1] = a.c;
    if (groups > 1) {
        const weft_expr *each =
            weft_simplify_expr(ir, NULL, weft_fdiv(ir, dim[1], weft_i32(ir, groups)));
        from[1] = weft_add(ir, weft_mul(ir, weft_fdiv(ir, a.at[1], each), w->buf->shape[1]), a.c);
    }
    for (int d = 0; d < rank; d++)
        from[2 + d] = weft_add(ir, weft_mul(ir, a.at[2 + d], weft_i32(ir, window->stride[d])),
                               weft_mul(ir, a.k[d], weft_i32(ir, window->dilation[d])));
    const weft_expr *product =
        weft_mul(ir, weft_cast(ir, wide, weft_topi_at(te, padded, from)),
                 weft_cast(ir, wide, weight_at(te, w, a.at[1], a.c, rank, a.k, pack)));
    weft_tensor *c =
        weft_te_reduce(te, "conv", rank + 2, a.out, rank + 1, a.reduce, WEFT_SUM, product);
    return finish(te, c, bias, t);
}

weft_tensor *
weft_topi_conv_transpose(weft_te *te, weft_tensor *x, weft_tensor *w, weft_tensor *bias,
                         const weft_window *window, int64_t groups, const weft_expr *const *out)
{
    if (!x || !w)
        return NULL;
    weft_ir *ir = te->ir;
    int rank = window->rank;
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    const weft_expr *each_in =
        weft_simplify_expr(ir, NULL, weft_fdiv(ir, x->buf->shape[1], weft_i32(ir, groups)));
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, rank + 2, const weft_expr *), *in = NULL;
    dim[0] = x->buf->shape[0];
    dim[1] = weft_simplify_expr(ir, NULL, weft_mul(ir, w->buf->shape[1], weft_i32(ir, groups)));
    for (int d = 0; d < rank; d++)
        dim[2 + d] = out[d];
    conv_axes a = make_axes(te, rank, dim, each_in, w->buf->shape + 2);
    const weft_expr *group = weft_fdiv(ir, a.at[1], w->buf->shape[1]),
                    *m = weft_fmod(ir, a.at[1], w->buf->shape[1]);
    const weft_expr *c = weft_add(ir, weft_mul(ir, group, each_in), a.c);
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, rank + 2, const weft_expr *);
    from[0] = a.at[0];
    from[1] = c;
    for (int d = 0; d < rank; d++) {
        /* position y of the output takes x[(y + pad - k * dilation) / stride] where that is whole
         */
        const weft_expr *stride = weft_i32(ir, window->stride[d]);
        const weft_expr *y = weft_sub(ir, weft_add(ir, a.at[2 + d], weft_i32(ir, window->pad[d])),
                                      weft_mul(ir, a.k[d], weft_i32(ir, window->dilation[d])));
        from[2 + d] = weft_fdiv(ir, y, stride);
        const weft_expr *whole = weft_eq(ir, weft_fmod(ir, y, stride), weft_i32(ir, 0));
        const weft_expr *ok = weft_and(ir, weft_ge(ir, y, weft_i32(ir, 0)),
                                       weft_lt(ir, from[2 + d], x->buf->shape[2 + d]));
        ok = window->stride[d] == 1 ? ok : weft_and(ir, whole, ok);
        in = in ? weft_and(ir, in, ok) : ok;
    }
    const weft_expr *product = weft_mul(ir, weft_cast(ir, wide, weft_topi_at(te, x, from)),
                                        weft_cast(ir, wide, weight_at(te, w, c, m, rank, a.k, 0)));
    const weft_expr *zero = weft_topi_num(te, wide, 0);
    weft_tensor *sum = weft_te_reduce(te, "conv_transpose", rank + 2, a.out, rank + 1, a.reduce,
                                      WEFT_SUM, in ? weft_guard(ir, in, product, zero) : product);
    return finish(te, sum, bias, t);
}
