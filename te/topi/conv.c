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
        bool spatial = d >= 2 && d < 2 + w->rank;
        before[d] = weft_i32(ir, spatial ? w->pad[d - 2] : 0);
        after[d] = weft_i32(ir, spatial ? w->pad[w->rank + d - 2] : 0);
        any = any || !weft_is_int_imm(before[d], 0) || !weft_is_int_imm(after[d], 0);
    }
    return any ? weft_topi_pad(te, x, before, after, WEFT_PAD_CONSTANT,
                               weft_topi_num(te, x->buf->dtype, 0))
               : x;
}

/* The channel that position `at` of a tensor is of: [n, m, ..] or [n, m / block, .., block]. */
static const weft_expr *
channel_at(weft_te *te, int n, const weft_expr *const *at, int64_t block)
{
    weft_ir *ir = te->ir;
    return block ? weft_add(ir, weft_mul(ir, at[1], weft_i32(ir, block)), at[n - 1]) : at[1];
}

/* c + bias[channel], in dtype t. */
static weft_tensor *
finish(weft_te *te, weft_tensor *c, weft_tensor *bias, int64_t block, weft_dtype t)
{
    if (!c || (!bias && c->buf->dtype == t))
        return c;
    int n = c->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, c->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *v = weft_topi_at(te, c, at);
    const weft_expr *m = channel_at(te, n, at, block);
    if (bias)
        v = weft_add(te->ir, v, weft_cast(te->ir, c->buf->dtype, weft_topi_at(te, bias, &m)));
    return weft_te_compute(te, bias ? "biased" : "rounded", n, axis, weft_cast(te->ir, t, v));
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
    int nout, nreduce;
    weft_axis **out, **reduce;   /* n, m, spatial.., of blocks m's lane; c, kernel.., c's lane */
    const weft_expr **at, **k;   /* refs of out; of the kernel axes */
    const weft_expr *c, *c_lane; /* of the input channel in its group: block and lane, or whole */
} conv_axes;

/* dim: of the result, with its lanes; channels: of a group, whole or blocks of `lanes`. */
static conv_axes
make_axes(weft_te *te, int rank, const weft_expr *const *dim, int64_t block,
          const weft_expr *channels, int64_t lanes, const weft_expr *const *kernel)
{
    weft_arena *arena = &te->ir->arena;
    conv_axes a = { .nout = rank + 2 + (block > 0), .nreduce = rank + 1 + (lanes > 0) };
    a.out = WEFT_NEW_ARRAY(arena, a.nout, weft_axis *);
    a.reduce = WEFT_NEW_ARRAY(arena, a.nreduce, weft_axis *);
    a.out[0] = weft_te_axis(te, "n", dim[0]);
    a.out[1] = weft_te_axis(te, block ? "mb" : "m", dim[1]);
    a.reduce[0] = weft_te_reduce_axis(te, lanes ? "cb" : "c", channels);
    for (int d = 0; d < rank; d++) {
        a.out[2 + d] = weft_te_axis(te, spatial_name(te, "", rank, d), dim[2 + d]);
        a.reduce[1 + d] = weft_te_reduce_axis(te, spatial_name(te, "k", rank, d), kernel[d]);
    }
    if (block)
        a.out[rank + 2] = weft_te_axis(te, "m", weft_i32(te->ir, block));
    if (lanes)
        a.reduce[rank + 1] = weft_te_reduce_axis(te, "c", weft_i32(te->ir, lanes));
    a.at = weft_topi_refs(te, a.nout, a.out);
    a.k = weft_topi_refs(te, rank, a.reduce + 1);
    a.c = weft_axis_ref(te, a.reduce[0]);
    a.c_lane = lanes ? weft_axis_ref(te, a.reduce[rank + 1]) : NULL;
    return a;
}

/* A convolution being defined. */
typedef struct conv {
    weft_te *te;
    weft_tensor *x, *w; /* x padded */
    const weft_window *window;
    int64_t groups;
    weft_conv_layout layout;
    int64_t lanes; /* of the blocks that the input channels are summed in; 0: one by one */
    conv_axes a;
} conv;

static const weft_expr *
simple(weft_te *te, const weft_expr *e)
{
    return weft_simplify_expr(te->ir, NULL, e);
}

/* The weight's element of output channel m. */
static const weft_expr *
weight_at(const conv *c, const weft_expr *m)
{
    weft_te *te = c->te;
    weft_ir *ir = te->ir;
    int rank = c->window->rank, n = 0;
    int64_t pack = c->layout.pack;
    const weft_expr **at = WEFT_NEW_ARRAY(&ir->arena, rank + 4, const weft_expr *);
    bool blocks = pack && c->lanes;
    bool as_stored = pack && pack == c->layout.out_block; /* like the result's blocks */
    at[n++] = as_stored ? c->a.at[1] : pack ? weft_fdiv(ir, m, weft_i32(ir, pack)) : m;
    at[n++] = c->lanes && !blocks
                  ? weft_add(ir, weft_mul(ir, c->a.c, weft_i32(ir, c->lanes)), c->a.c_lane)
                  : c->a.c;
    for (int d = 0; d < rank; d++)
        at[n++] = c->a.k[d];
    if (blocks)
        at[n++] = c->a.c_lane;
    if (pack)
        at[n++] = as_stored ? c->a.at[c->a.nout - 1] : weft_fmod(ir, m, weft_i32(ir, pack));
    return weft_topi_at(te, c->w, at);
}

/* The input's element for output channel m, of `out` channels. */
static const weft_expr *
input_at(const conv *c, const weft_expr *m, const weft_expr *out)
{
    weft_te *te = c->te;
    weft_ir *ir = te->ir;
    int rank = c->window->rank;
    const weft_expr **at = WEFT_NEW_ARRAY(&ir->arena, rank + 3, const weft_expr *);
    bool own = c->layout.in_block && !c->lanes; /* each channel for itself */
    at[0] = c->a.at[0];
    at[1] = own ? c->a.at[1] : c->a.c;
    if (c->groups > 1 && !own) {
        const weft_expr *each = simple(te, weft_fdiv(ir, out, weft_i32(ir, c->groups)));
        const weft_expr *group = simple(te, weft_fdiv(ir, m, each));
        at[1] = weft_add(ir, weft_mul(ir, group, c->a.reduce[0]->extent), c->a.c);
    }
    for (int d = 0; d < rank; d++)
        at[2 + d] = weft_add(ir, weft_mul(ir, c->a.at[2 + d], weft_i32(ir, c->window->stride[d])),
                             weft_mul(ir, c->a.k[d], weft_i32(ir, c->window->dilation[d])));
    at[2 + rank] = own ? c->a.at[c->a.nout - 1] : c->a.c_lane;
    return weft_topi_at(te, c->x, at);
}

/* The dims of the result of `out` channels, and its axes; false when a window is not constant. */
static bool
define_axes(conv *c, const weft_expr *out)
{
    weft_te *te = c->te;
    weft_ir *ir = te->ir;
    int rank = c->window->rank;
    int64_t block = c->layout.out_block;
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, rank + 3, const weft_expr *);
    const weft_expr *const *from = c->x->buf->shape, *channels = c->w->buf->shape[1];
    dim[0] = from[0];
    dim[1] = block ? simple(te, weft_fdiv(ir, out, weft_i32(ir, block))) : out;
    for (int d = 0; d < rank; d++) {
        int64_t kernel;
        if (!weft_as_int(c->w->buf->shape[2 + d], &kernel))
            return false;
        dim[2 + d] = windows(te, from[2 + d], kernel, c->window->stride[d], c->window->dilation[d]);
    }
    if (c->lanes && !c->layout.pack)
        channels = simple(te, weft_fdiv(ir, channels, weft_i32(ir, c->lanes)));
    c->a = make_axes(te, rank, dim, block, channels, c->lanes, c->w->buf->shape + 2);
    return true;
}

weft_tensor *
weft_topi_conv(weft_te *te, weft_tensor *x, weft_tensor *w, weft_tensor *bias,
               const weft_window *window, int64_t groups, const weft_conv_layout *layout,
               weft_dtype to)
{
    if (!x || !w)
        return NULL;
    weft_ir *ir = te->ir;
    weft_dtype wide = weft_topi_sum_dtype(x->buf->dtype);
    bool single = groups > 1 && weft_is_int_imm(w->buf->shape[1], 1); /* channel of a group */
    conv c = { .te = te, .w = w, .window = window, .groups = groups, .layout = *layout };
    c.lanes = layout->in_block && !single ? layout->in_block : 0;
    c.x = zero_padded(te, x, window);
    const weft_expr *out = layout->pack ? weft_i32(ir, layout->out) : w->buf->shape[0];
    if (!c.x || !define_axes(&c, out))
        return NULL;
    const weft_expr *m = channel_at(te, c.a.nout, c.a.at, layout->out_block);
    const weft_expr *product = weft_mul(ir, weft_cast(ir, wide, input_at(&c, m, out)),
                                        weft_cast(ir, wide, weight_at(&c, m)));
    weft_tensor *sum =
        weft_te_reduce(te, "conv", c.a.nout, c.a.out, c.a.nreduce, c.a.reduce, WEFT_SUM, product);
    return finish(te, sum, bias, layout->out_block, to);
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
    conv_axes a = make_axes(te, rank, dim, 0, each_in, 0, w->buf->shape + 2);
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
    const weft_expr **weight = WEFT_NEW_ARRAY(&ir->arena, rank + 2, const weft_expr *);
    weight[0] = c;
    weight[1] = m;
    for (int d = 0; d < rank; d++)
        weight[2 + d] = a.k[d];
    const weft_expr *product = weft_mul(ir, weft_cast(ir, wide, weft_topi_at(te, x, from)),
                                        weft_cast(ir, wide, weft_topi_at(te, w, weight)));
    const weft_expr *zero = weft_topi_num(te, wide, 0);
    weft_tensor *sum = weft_te_reduce(te, "conv_transpose", rank + 2, a.out, rank + 1, a.reduce,
                                      WEFT_SUM, in ? weft_guard(ir, in, product, zero) : product);
    return finish(te, sum, bias, 0, t);
}
