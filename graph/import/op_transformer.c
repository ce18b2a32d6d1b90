/* Importers of what transformers and their kin are made of beside attention: rotary embedding,
 * gated activation, causal convolution with a state. */
#include "import/ops.h"

#include <string.h>

/* ---- rotary embedding ------------------------------------------------------------------------ */

/* Elements start, start + step, ..: `count` along the last axis. */
static weft_value *
strided(onnx_node *n, weft_value *x, int64_t start, int64_t step, int64_t count)
{
    if (n->status != WEFT_OK)
        return NULL;
    int rank = x->ndim;
    const weft_expr **starts = WEFT_NEW_ARRAY(n->arena, rank, const weft_expr *),
                    **dims = WEFT_NEW_ARRAY(n->arena, rank, const weft_expr *);
    int64_t *steps = WEFT_NEW_ARRAY(n->arena, rank, int64_t);
    for (int i = 0; i < rank; i++) {
        bool last = i == rank - 1;
        starts[i] = weft_dim(n->graph, last ? start : 0);
        dims[i] = last ? weft_dim(n->graph, count) : x->dim[i];
        steps[i] = last ? step : 1;
    }
    weft_attr attr[] = { weft_attr_dims("starts", rank, starts), weft_attr_ints("steps", rank, steps),
                         weft_attr_dims("dims", rank, dims) };
    return weft_onnx_emit(n, WEFT_GOP_SLICE, 1, &x, 3, attr);
}

/* The cache's `half` values for every place of the sequence, with an axis of 1 for the heads. */
static weft_value *
angles(onnx_node *n, int input, int64_t half, bool heads_last)
{
    weft_value *in[] = { weft_onnx_in(n, input), weft_onnx_in(n, 3) };
    int rank = in[1] ? 2 : 3;
    if (n->status == WEFT_OK && (in[0]->ndim != rank || (in[1] && in[1]->ndim != 2)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "input %d has %d dimensions; needed are %d%s", input, in[0]->ndim, rank,
                       in[1] ? ", and 2 of position_ids" : " without position_ids");
    if (n->status != WEFT_OK)
        return NULL;
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 0 });
    weft_value *v = in[1] ? weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &axis) : in[0];
    if (v && !weft_is_int_imm(v->dim[2], half))
        v = strided(n, v, 0, 1, half);
    if (!v)
        return NULL;
    const weft_expr *one = weft_dim(n->graph, 1),
                    *dim[4] = { v->dim[0], heads_last ? v->dim[1] : one,
                                heads_last ? one : v->dim[1], v->dim[2] };
    return weft_onnx_reshape(n, v, 4, dim);
}

static weft_value *
joined(onnx_node *n, int count, weft_value *const *in, int axis)
{
    weft_attr attr = weft_attr_int("axis", &(int64_t){ axis });
    return weft_onnx_emit(n, WEFT_GOP_CONCAT, count, in, 1, &attr);
}

static weft_value *
with_unit(onnx_node *n, weft_value *v)
{
    const weft_expr *dim[5];
    for (int i = 0; v && i < 4; i++)
        dim[i] = v->dim[i];
    dim[4] = weft_dim(n->graph, 1);
    return weft_onnx_reshape(n, v, 5, dim);
}

/* The first 2 * half elements of the last axis, of four, turned by the angles: pairs are halves, or
 * neighbours. */
static weft_value *
rotated(onnx_node *n, weft_value *x, int64_t half, bool neighbours, bool heads_last)
{
    weft_value *cos = angles(n, 1, half, heads_last), *sin = angles(n, 2, half, heads_last);
    int step = neighbours ? 2 : 1;
    weft_value *a = strided(n, x, 0, step, half),
               *b = strided(n, x, neighbours ? 1 : half, step, half);
    weft_value *pair[] = {
        weft_onnx_binary(n, WEFT_GOP_SUB, weft_onnx_binary(n, WEFT_GOP_MUL, cos, a),
                         weft_onnx_binary(n, WEFT_GOP_MUL, sin, b)),
        weft_onnx_binary(n, WEFT_GOP_ADD, weft_onnx_binary(n, WEFT_GOP_MUL, sin, a),
                         weft_onnx_binary(n, WEFT_GOP_MUL, cos, b)),
    };
    if (!neighbours)
        return joined(n, 2, pair, 3);
    for (int i = 0; i < 2; i++)
        pair[i] = with_unit(n, pair[i]);
    weft_value *v = joined(n, 2, pair, 4);
    if (!v)
        return NULL;
    const weft_expr *dim[4] = { v->dim[0], v->dim[1], v->dim[2], weft_dim(n->graph, 2 * half) };
    return weft_onnx_reshape(n, v, 4, dim);
}

/* [batch, sequence, heads * size] with the heads apart. */
static weft_value *
heads_apart(onnx_node *n, weft_value *x, int64_t heads)
{
    int64_t width = weft_onnx_size(n, x, 2);
    if (n->status == WEFT_OK && (heads < 1 || width % heads))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "three dimensions need num_heads, a divisor of %lld, not %lld",
                       (long long)width, (long long)heads);
    if (n->status != WEFT_OK)
        return NULL;
    const weft_expr *dim[4] = { x->dim[0], x->dim[1], weft_dim(n->graph, heads),
                                weft_dim(n->graph, width / heads) };
    return weft_onnx_reshape(n, x, 4, dim);
}

void
weft_onnx_import_rotary_embedding(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *y = x;
    int64_t heads = weft_onnx_attr_int(n, "num_heads", 0),
            turned = weft_onnx_attr_int(n, "rotary_embedding_dim", 0);
    bool neighbours = weft_onnx_attr_int(n, "interleaved", 0) != 0, flat = x->ndim == 3;
    if (!flat && x->ndim != 4)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "X has %d dimensions; 3 or 4 are needed", x->ndim);
    if (n->status == WEFT_OK && flat)
        y = heads_apart(n, x, heads);
    int64_t size = n->status == WEFT_OK ? weft_onnx_size(n, y, 3) : 0;
    turned = turned ? turned : size;
    if (n->status == WEFT_OK && (turned < 0 || turned > size || turned % 2))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "%lld of %lld elements of a head are to be rotated: neither odd nor more",
                       (long long)turned, (long long)size);
    if (n->status != WEFT_OK)
        return;
    weft_value *part[] = { rotated(n, y, turned / 2, neighbours, flat), NULL };
    if (turned < size) {
        part[1] = strided(n, y, turned, 1, size - turned);
        if (!flat)
            weft_onnx_last(n, 0);
        part[0] = joined(n, 2, part, 3);
    }
    if (flat) {
        weft_onnx_last(n, 0);
        part[0] = weft_onnx_reshape(n, part[0], 3, x->dim);
    }
    weft_onnx_set(n, 0, part[0]);
}

/* ---- gated activation ------------------------------------------------------------------------ */

/* a * sigmoid(alpha * a) */
static weft_value *
swish(onnx_node *n, weft_value *a, double alpha)
{
    weft_value *s = a;
    if (a && alpha != 1)
        s = weft_onnx_binary(n, WEFT_GOP_MUL, a, weft_onnx_scalar(n, a->dtype, alpha));
    return weft_onnx_binary(n, WEFT_GOP_MUL, a, weft_onnx_unary(n, WEFT_GOP_SIGMOID, s));
}

void
weft_onnx_import_swiglu(onnx_node *n)
{
    weft_value *a = weft_onnx_in(n, 0), *b = weft_onnx_in(n, 1);
    bool same = a->ndim == b->ndim;
    for (int i = 0; same && i < a->ndim; i++)
        same = weft_dim_equal(n->graph, a->dim[i], b->dim[i]) == 1;
    if (!same)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "A and B have to be of one shape");
    weft_value *gate = swish(n, a, weft_onnx_attr_float(n, "alpha", 1));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, gate, b));
}

/* ---- causal convolution ---------------------------------------------------------------------- */

/* What the windows go over: the last k - 1 elements of before, or zeros, then the input. */
static weft_value *
with_past(onnx_node *n, weft_value *x, weft_value *past, int64_t more)
{
    weft_value *in[] = { past, x };
    weft_attr attr[] = { weft_attr_ints("before", 3, (int64_t[]){ 0, 0, more }),
                         weft_attr_ints("after", 3, (int64_t[]){ 0, 0, 0 }),
                         weft_attr_text("mode", "constant") };
    return past ? joined(n, 2, in, 2) : weft_onnx_emit(n, WEFT_GOP_PAD, 1, &x, 3, attr);
}

static weft_value *
depthwise(onnx_node *n, weft_value *x, weft_value *w, weft_value *bias, bool last)
{
    weft_value *in[] = { x, w, bias };
    int64_t channels = weft_onnx_size(n, w, 0);
    weft_attr attr[] = { weft_attr_ints("strides", 1, (int64_t[]){ 1 }),
                         weft_attr_ints("dilations", 1, (int64_t[]){ 1 }),
                         weft_attr_ints("pads", 2, (int64_t[]){ 0, 0 }),
                         weft_attr_int("groups", &channels) };
    if (last)
        weft_onnx_last(n, 0);
    return weft_onnx_emit(n, WEFT_GOP_CONV, bias ? 3 : 2, in, 4, attr);
}

void
weft_onnx_import_causal_conv(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *w = weft_onnx_in(n, 1), *past = weft_onnx_in(n, 3);
    const char *how = weft_onnx_attr_text(n, "activation", "none");
    bool plain = strcmp(how, "none") == 0;
    if (!plain && strcmp(how, "silu") != 0 && strcmp(how, "swish") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "activation is '%s', not none, silu or swish", how);
    if (x->ndim != 3 || w->ndim != 3 || (past && past->ndim != 3))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input, weight and past_state need three dimensions");
    int64_t k = n->status == WEFT_OK ? weft_onnx_size(n, w, 2) : 1;
    if (n->status == WEFT_OK &&
        (k < 1 || (past && weft_dim_equal(n->graph, past->dim[2], weft_dim(n->graph, k - 1)) != 1)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "past_state has to hold one element less than the kernel's %lld",
                       (long long)k);
    if (n->status != WEFT_OK)
        return;
    weft_value *all = with_past(n, x, past, k - 1);
    weft_value *y = depthwise(n, all, w, weft_onnx_in(n, 2), plain);
    weft_onnx_set(n, 0, plain ? y : swish(n, y, 1));
    weft_onnx_last(n, 1);
    weft_onnx_set(n, 1, weft_onnx_slice(n, all, 2, x->dim[2], weft_dim(n->graph, k - 1)));
}
