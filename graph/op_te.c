/* graph/op_te.c: the te column of ops.def for elements, movement and reductions: attributes become
 * arguments of te/topi.
 */
#include "graph/op_te.h"

#include <string.h>

static const weft_expr *const *
dims_attr(weft_te *te, const weft_graph *g, const weft_node *n, const char *name)
{
    const weft_attr *a = weft_node_attr(n, name);
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, a->n + 1, const weft_expr *);
    for (int i = 0; i < a->n; i++)
        dim[i] = weft_group_dim(te, g, a->dims[i]);
    return dim;
}

static const int64_t *
ints_attr(const weft_node *n, const char *name)
{
    return weft_node_attr(n, name)->ints;
}

static const char *
text_of(const weft_node *n)
{
    return weft_op_infos[n->op].text;
}

/* ---- elements -------------------------------------------------------------------------------- */

TE_OP(full)
{
    const weft_attr *dims = weft_node_attr(n, "dims");
    (void)in;
    return done(te,
                weft_topi_full(te, n->out[0]->dtype, dims->n, dims_attr(te, g, n, "dims"),
                               weft_node_float(n, "value")),
                out);
}

TE_OP(identity)
{
    return done(te, in[0], out);
}

TE_OP(cast)
{
    return done(te, weft_topi_cast(te, in[0], n->out[0]->dtype), out);
}

TE_OP(bitcast)
{
    return done(te, weft_topi_bitcast(te, in[0], n->out[0]->dtype), out);
}

/* The numbers of the row's attributes, in its order. */
TE_OP(unary)
{
    static const char *const names[] = { "alpha", "beta", "gamma", "positive", "negative" };
    double param[5] = { 0 };
    int k = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const weft_attr *a = weft_node_attr(n, names[i]);
        if (a)
            param[k++] = a->kind == WEFT_ATTR_FLOATS ? a->floats[0] : (double)a->ints[0];
    }
    return done(te, weft_topi_unary(te, text_of(n), param, in[0]), out);
}

TE_OP(binary)
{
    bool flag = weft_node_attr(n, "fmod") && weft_node_int(n, "fmod");
    return done(te, weft_topi_binary(te, text_of(n), flag, in[0], in[1]), out);
}

TE_OP(where)
{
    return done(te, weft_topi_where(te, in[0], in[1], in[2]), out);
}

TE_OP(clip)
{
    return done(
        te, weft_topi_clip(te, in[0], n->nin > 1 ? in[1] : NULL, n->nin > 2 ? in[2] : NULL), out);
}

/* ---- movement -------------------------------------------------------------------------------- */

TE_OP(broadcast_to)
{
    const weft_attr *dims = weft_node_attr(n, "dims");
    return done(te, weft_topi_broadcast_to(te, in[0], dims->n, dims_attr(te, g, n, "dims")), out);
}

TE_OP(reshape)
{
    const weft_attr *dims = weft_node_attr(n, "dims");
    return done(te, weft_topi_reshape(te, in[0], dims->n, dims_attr(te, g, n, "dims")), out);
}

TE_OP(transpose)
{
    return done(te, weft_topi_transpose(te, in[0], ints_attr(n, "axes")), out);
}

TE_OP(concat)
{
    return done(te, weft_topi_concatenate(te, n->nin, in, (int)weft_node_int(n, "axis")), out);
}

TE_OP(block)
{
    return done(te, weft_topi_block(te, in[0], weft_node_int(n, "lanes")), out);
}

TE_OP(unblock)
{
    return done(te, weft_topi_unblock(te, in[0]), out);
}

TE_OP(slice)
{
    return done(te,
                weft_topi_slice(te, in[0], dims_attr(te, g, n, "starts"), ints_attr(n, "steps"),
                                dims_attr(te, g, n, "dims")),
                out);
}

TE_OP(gather)
{
    return done(te, weft_topi_take(te, in[0], in[1], (int)weft_node_int(n, "axis")), out);
}

TE_OP(pad)
{
    static const char *const modes[] = { "constant", "edge", "reflect", "wrap" };
    const char *name = weft_node_attr(n, "mode")->text;
    weft_pad_mode mode = WEFT_PAD_CONSTANT;
    for (int i = 0; i < 4; i++)
        if (strcmp(modes[i], name) == 0)
            mode = (weft_pad_mode)i;
    const weft_expr *zero[1] = { weft_i32(te->ir, 0) };
    const weft_expr *value = n->nin > 1 && in[1] ? weft_topi_at(te, in[1], zero) : NULL;
    if (!value && in[0])
        value = weft_imm(te->ir, weft_scalar(in[0]->buf->dtype), 0);
    return done(te,
                weft_topi_pad(te, in[0], dims_attr(te, g, n, "before"),
                              dims_attr(te, g, n, "after"), mode, value),
                out);
}

/* ---- reductions ------------------------------------------------------------------------------ */

TE_OP(reduce)
{
    const weft_attr *axes = weft_node_attr(n, "axes");
    return done(te,
                weft_topi_reduce(te, text_of(n), in[0], axes->n, axes->ints,
                                 weft_node_int(n, "keepdims") != 0),
                out);
}

TE_OP(argreduce)
{
    return done(
        te,
        weft_topi_argreduce(te, n->op == WEFT_GOP_ARGMAX, in[0], (int)weft_node_int(n, "axis"),
                            weft_node_int(n, "keepdims") != 0, weft_node_int(n, "last") != 0),
        out);
}

/* ---- contractions and windows ---------------------------------------------------------------- */

static int64_t
int_or_zero(const weft_node *n, const char *name)
{
    return weft_node_attr(n, name) ? weft_node_int(n, name) : 0;
}

static weft_window
window_of(const weft_node *n)
{
    const weft_attr *stride = weft_node_attr(n, "strides"), *kernel = weft_node_attr(n, "kernel");
    return (weft_window){ .rank = stride->n,
                          .kernel = kernel ? kernel->ints : NULL,
                          .stride = stride->ints,
                          .dilation = ints_attr(n, "dilations"),
                          .pad = ints_attr(n, "pads") };
}

/* The spatial dims that inference found. */
static const weft_expr *const *
spatial_dims(weft_te *te, const weft_graph *g, const weft_node *n)
{
    const weft_value *v = n->out[0];
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, v->ndim, const weft_expr *);
    for (int d = 2; d < v->ndim; d++)
        dim[d - 2] = weft_group_dim(te, g, v->dim[d]);
    return dim;
}

TE_OP(matmul)
{
    return done(te,
                weft_topi_matmul(te, in[0], in[1], weft_node_int(n, "ta") != 0,
                                 weft_node_int(n, "tb") != 0, int_or_zero(n, "pack"),
                                 int_or_zero(n, "n"), n->out[0]->dtype),
                out);
}

TE_OP(attention)
{
    weft_attention how = { .tq = weft_node_int(n, "tq") != 0,
                           .tk = weft_node_int(n, "tk") != 0,
                           .tv = weft_node_int(n, "tv") != 0,
                           .scale = weft_node_float(n, "scale"),
                           .rows = weft_node_int(n, "rows"),
                           .keys = weft_node_int(n, "keys"),
                           .lanes = int_or_zero(n, "lanes"),
                           .zero = (weft_zero)int_or_zero(n, "zero"),
                           .causal = weft_node_attr(n, "causal")
                                         ? weft_group_dim(te, g, weft_node_dim(n, "causal", 0))
                                         : NULL };
    return done(te, weft_topi_attention(te, in[0], in[1], in[2], n->nin > 3 ? in[3] : NULL, &how),
                out);
}

TE_OP(conv)
{
    weft_window w = window_of(n);
    weft_conv_layout layout = { .pack = int_or_zero(n, "pack"),
                                .out = int_or_zero(n, "out_channels"),
                                .in_block = int_or_zero(n, "in_block"),
                                .out_block = int_or_zero(n, "out_block") };
    return done(te,
                weft_topi_conv(te, in[0], in[1], n->nin > 2 ? in[2] : NULL, &w,
                               weft_node_int(n, "groups"), &layout, n->out[0]->dtype),
                out);
}

TE_OP(conv_transpose)
{
    weft_window w = window_of(n);
    return done(te,
                weft_topi_conv_transpose(te, in[0], in[1], n->nin > 2 ? in[2] : NULL, &w,
                                         weft_node_int(n, "groups"), spatial_dims(te, g, n)),
                out);
}

static weft_tensor *
pooled(weft_te *te, const weft_node *n, weft_tensor *x, const weft_expr *const *dims)
{
    weft_window w = window_of(n);
    switch (n->op) {
    case WEFT_GOP_AVG_POOL:
        return weft_topi_avg_pool(te, x, &w, weft_node_int(n, "count_include_pad") != 0, dims);
    case WEFT_GOP_SUM_POOL:
        return weft_topi_sum_pool(te, x, &w, dims);
    case WEFT_GOP_MAX_POOL_INDEX:
        return weft_topi_max_pool_index(te, x, &w, weft_node_int(n, "column_major") != 0, dims);
    default:
        return weft_topi_max_pool(te, x, &w, dims);
    }
}

TE_OP(pool)
{
    return done(te, pooled(te, n, in[0], spatial_dims(te, g, n)), out);
}

TE_OP(col2im)
{
    weft_window w = window_of(n);
    return done(te, weft_topi_col2im(te, in[0], &w, dims_attr(te, g, n, "image")), out);
}

/* ---- row-wise -------------------------------------------------------------------------------- */

TE_OP(lrn)
{
    return done(te,
                weft_topi_lrn(te, in[0], weft_node_int(n, "size"), weft_node_float(n, "alpha"),
                              weft_node_float(n, "beta"), weft_node_float(n, "bias")),
                out);
}

TE_OP(softmax)
{
    return done(
        te,
        weft_topi_softmax(te, in[0], (int)weft_node_int(n, "axis"), n->op == WEFT_GOP_LOG_SOFTMAX),
        out);
}

TE_OP(rms_norm)
{
    return done(te,
                weft_topi_rms_norm(te, in[0], in[1], (int)weft_node_int(n, "axis"),
                                   weft_node_float(n, "epsilon")),
                out);
}

TE_OP(layer_norm)
{
    return done(te,
                weft_topi_layer_norm(te, in[0], in[1], n->nin > 2 ? in[2] : NULL,
                                     (int)weft_node_int(n, "axis"), weft_node_float(n, "epsilon")),
                out);
}

TE_OP(instance_norm)
{
    return done(
        te, weft_topi_instance_norm(te, in[0], in[1], in[2], weft_node_float(n, "epsilon")), out);
}

TE_OP(batch_norm)
{
    return done(te, weft_topi_batch_norm(te, in, weft_node_float(n, "epsilon")), out);
}
