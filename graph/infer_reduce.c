/* Inference of reductions, contractions and windows. */
#include "graph/priv.h"
#include "topi/topi.h"

#include <string.h>

enum { MAX_BLOCK = 4096 }; /* queries or keys of attention's blocks */

/* Input 0 has to be of numbers; of floats where the operator divides. */
static weft_status
check_numbers(weft_graph *g, weft_node *n)
{
    weft_dtype t = n->in[0]->dtype;
    bool floats = n->op == WEFT_GOP_AVG_POOL;
    if (floats ? weft_is_float(t) : t != WEFT_BOOL)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 is %s: %s", weft_dtype_name(t),
                          floats ? "a float is needed, cast it" : "a number is needed, cast it");
}

/* ---- reductions ------------------------------------------------------------------------------ */

static weft_status
reduced(weft_graph *g, weft_node *n, weft_dtype dtype, int naxes, const int64_t *axes)
{
    const weft_value *x = n->in[0];
    bool keep = weft_node_int(n, "keepdims") != 0;
    bool *gone = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, bool);
    for (int i = 0; i < naxes; i++) {
        if (axes[i] < 0 || axes[i] >= x->ndim || gone[axes[i]])
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "axis %lld is outside 0..%d or stands twice", (long long)axes[i],
                                  x->ndim - 1);
        gone[axes[i]] = true;
    }
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    int ndim = 0;
    for (int i = 0; i < x->ndim; i++)
        if (!gone[i] || keep)
            dim[ndim++] = gone[i] ? weft_dim(g, 1) : x->dim[i];
    return weft_infer_out(g, n, dtype, ndim, dim);
}

weft_status
weft_infer_reduce(weft_graph *g, weft_node *n)
{
    const weft_attr *axes = weft_node_attr(n, "axes");
    weft_dtype t = n->in[0]->dtype;
    bool order = n->op == WEFT_GOP_REDUCE_MAX || n->op == WEFT_GOP_REDUCE_MIN;
    if (t == WEFT_BOOL && !order)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 has to be of numbers");
    return reduced(g, n, t, axes->n, axes->ints);
}

weft_status
weft_infer_argreduce(weft_graph *g, weft_node *n)
{
    weft_status st = check_numbers(g, n);
    return st ? st : reduced(g, n, WEFT_I64, 1, weft_node_attr(n, "axis")->ints);
}

/* ---- matmul ---------------------------------------------------------------------------------- */

/* [.., rows, cols] of an operand, transposed or not. */
static void
matrix_dims(const weft_value *v, bool transposed, const weft_expr **rows, const weft_expr **cols)
{
    *rows = v->dim[v->ndim - (transposed ? 1 : 2)];
    *cols = v->dim[v->ndim - (transposed ? 2 : 1)];
}

/* A packed weight's lanes and channels: `count` channels in ceil(count / pack) blocks. */
static weft_status
check_pack(weft_graph *g, weft_node *n, const char *count)
{
    const weft_value *w = n->in[1];
    int64_t lanes = weft_node_int(n, "pack"), channels = weft_node_int(n, count);
    if (lanes >= 1 && channels >= 1 && weft_is_int_imm(w->dim[w->ndim - 1], lanes) &&
        weft_is_int_imm(w->dim[0], weft_ceildiv(channels, lanes)))
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                          "the weight's first and last dimension do not fit pack=%lld and %s=%lld",
                          (long long)lanes, count, (long long)channels);
}

/* The operands' dtype, or that of their sums where the node says so. */
static weft_status
product_dtype(weft_graph *g, weft_node *n, weft_dtype *t)
{
    const weft_attr *attr = weft_node_attr(n, "dtype");
    weft_dtype of = n->in[0]->dtype, sum = weft_topi_sum_dtype(of);
    *t = attr ? attr->dtype : of;
    return *t == of || *t == sum
               ? WEFT_OK
               : weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                "dtype is %s; a product of %s is that, or the %s of its sums",
                                weft_dtype_name(*t), weft_dtype_name(of), weft_dtype_name(sum));
}

weft_status
weft_infer_matmul(weft_graph *g, weft_node *n)
{
    weft_dtype type;
    const weft_value *a = n->in[0], *b = n->in[1];
    bool packed = weft_node_attr(n, "pack") != NULL;
    const weft_expr *m, *k, *k2, *cols;
    if (a->ndim < 2 || b->ndim < 2 || (packed && b->ndim != 3))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "operands need two dimensions at least");
    if (a->dtype != b->dtype)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the operands are of two dtypes");
    if (check_numbers(g, n) || product_dtype(g, n, &type))
        return WEFT_INVALID_INPUT;
    matrix_dims(a, weft_node_int(n, "ta") != 0, &m, &k);
    matrix_dims(b, weft_node_int(n, "tb") != 0, &k2, &cols);
    if (packed) {
        weft_status st = check_pack(g, n, "n");
        if (st != WEFT_OK)
            return st;
        k2 = b->dim[1];
        cols = weft_dim(g, weft_node_int(n, "n"));
    }
    if (weft_dim_equal(g, k, k2) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the inner dimensions are not equal");
    int na = a->ndim - 2, nb = packed ? 0 : b->ndim - 2, batch = na > nb ? na : nb;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, batch + 2, const weft_expr *);
    if (!weft_broadcast(g, na, a->dim, nb, b->dim, dim))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the batch dimensions do not broadcast");
    dim[batch] = m;
    dim[batch + 1] = cols;
    return weft_infer_out(g, n, type, batch + 2, dim);
}

/* ---- attention ------------------------------------------------------------------------------- */

static weft_status
check_attention(weft_graph *g, weft_node *n)
{
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && n->in[i]->dtype != n->in[0]->dtype)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the operands are of two dtypes");
    for (int i = 0; i < 3; i++)
        if (n->in[i]->ndim < 2)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "operands need two dimensions at least");
    int64_t rows = weft_node_int(n, "rows"), keys = weft_node_int(n, "keys");
    if (rows < 1 || keys < 1 || rows > MAX_BLOCK || keys > MAX_BLOCK)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "rows=%lld, keys=%lld: blocks are of 1 to %d", (long long)rows,
                              (long long)keys, MAX_BLOCK);
    int64_t lanes = weft_node_attr(n, "lanes") ? weft_node_int(n, "lanes") : 1;
    if (lanes < 1 || keys % lanes)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "lanes=%lld do not divide keys=%lld",
                              (long long)lanes, (long long)keys);
    const weft_attr *causal = weft_node_attr(n, "causal");
    if (causal && causal->n != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "causal has to be one number");
    int64_t zero = weft_node_attr(n, "zero") ? weft_node_int(n, "zero") : 0;
    if (zero < 0 || zero > 2)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "zero=%lld is not 0, 1 or 2",
                              (long long)zero);
    return weft_is_float(n->in[0]->dtype)
               ? WEFT_OK
               : weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                "input 0 is %s: a float is needed, cast it",
                                weft_dtype_name(n->in[0]->dtype));
}

/* The mask has to broadcast to [batch, m, n], and that to nothing larger. */
static bool
mask_fits(weft_graph *g, const weft_value *mask, int ndim, const weft_expr *const *dim)
{
    const weft_expr **both = WEFT_NEW_ARRAY(&g->ir->arena, ndim + 1, const weft_expr *);
    if (!mask)
        return true;
    if (mask->ndim > ndim || !weft_broadcast(g, mask->ndim, mask->dim, ndim, dim, both))
        return false;
    for (int d = 0; d < ndim; d++)
        if (weft_dim_equal(g, both[d], dim[d]) != 1)
            return false;
    return true;
}

weft_status
weft_infer_attention(weft_graph *g, weft_node *n)
{
    const weft_value *q = n->in[0], *k = n->in[1], *v = n->in[2];
    const weft_expr *m, *d, *d2, *keys, *keys2, *width;
    if (check_attention(g, n))
        return WEFT_INVALID_INPUT;
    matrix_dims(q, weft_node_int(n, "tq") != 0, &m, &d);
    matrix_dims(k, weft_node_int(n, "tk") != 0, &d2, &keys);
    matrix_dims(v, weft_node_int(n, "tv") != 0, &keys2, &width);
    if (weft_dim_equal(g, d, d2) != 1 || weft_dim_equal(g, keys, keys2) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the inner dimensions are not equal");
    int nq = q->ndim - 2, nk = k->ndim - 2, nv = v->ndim - 2, n1 = nq > nk ? nq : nk,
        batch = n1 > nv ? n1 : nv;
    const weft_expr **score = WEFT_NEW_ARRAY(&g->ir->arena, n1 + 2, const weft_expr *);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, batch + 2, const weft_expr *);
    if (!weft_broadcast(g, nq, q->dim, nk, k->dim, score) ||
        !weft_broadcast(g, n1, score, nv, v->dim, dim))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the batch dimensions do not broadcast");
    score[n1] = m;
    score[n1 + 1] = keys;
    if (!mask_fits(g, n->nin > 3 ? n->in[3] : NULL, n1 + 2, score))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the mask does not broadcast to the scores");
    dim[batch] = m;
    dim[batch + 1] = width;
    return weft_infer_out(g, n, q->dtype, batch + 2, dim);
}

/* ---- windows --------------------------------------------------------------------------------- */

static weft_status
check_ints(weft_graph *g, weft_node *n, const char *name, int count, int64_t least)
{
    const weft_attr *a = weft_node_attr(n, name);
    if (a->n != count)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "attribute '%s' has %d elements where %d are needed", name, a->n,
                              count);
    for (int i = 0; i < count; i++)
        if (a->ints[i] < least || a->ints[i] > INT32_MAX)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "attribute '%s' holds %lld, which is not in "
                                  "%lld..%d",
                                  name, (long long)a->ints[i], (long long)least, INT32_MAX);
    return WEFT_OK;
}

static weft_status
check_window(weft_graph *g, weft_node *n, int spatial)
{
    weft_status st = check_ints(g, n, "strides", spatial, 1);
    if (st == WEFT_OK)
        st = check_ints(g, n, "dilations", spatial, 1);
    return st == WEFT_OK ? check_ints(g, n, "pads", 2 * spatial, 0) : st;
}

/* (k - 1) * dilation + 1 */
static const weft_expr *
reach(weft_graph *g, const weft_expr *k, int64_t dilation)
{
    const weft_expr *steps = weft_dim_op(g, WEFT_EK_SUB, k, weft_dim(g, 1));
    steps = weft_dim_op(g, WEFT_EK_MUL, steps, weft_dim(g, dilation));
    return weft_dim_op(g, WEFT_EK_ADD, steps, weft_dim(g, 1));
}

/* The number of windows along spatial axis i. */
static const weft_expr *
windows(weft_graph *g, weft_node *n, int i, int spatial, const weft_expr *size, const weft_expr *k,
        bool ceil)
{
    const int64_t *pads = weft_node_attr(n, "pads")->ints;
    int64_t stride = weft_node_attr(n, "strides")->ints[i];
    int64_t dilation = weft_node_attr(n, "dilations")->ints[i];
    const weft_expr *padded =
        weft_dim_op(g, WEFT_EK_ADD, size, weft_dim(g, pads[i] + pads[spatial + i]));
    const weft_expr *room = weft_dim_op(g, WEFT_EK_SUB, padded, reach(g, k, dilation));
    const weft_expr *steps = ceil ? weft_dim_ceildiv(g, room, stride)
                                  : weft_dim_op(g, WEFT_EK_FDIV, room, weft_dim(g, stride));
    const weft_expr *count = weft_dim_op(g, WEFT_EK_ADD, steps, weft_dim(g, 1));
    if (!ceil)
        return count;
    /* No window starts beyond the input and the padding before it. */
    const weft_expr *last = weft_dim_op(g, WEFT_EK_ADD, size, weft_dim(g, pads[i] - 1));
    last = weft_dim_op(g, WEFT_EK_FDIV, last, weft_dim(g, stride));
    return weft_dim_op(g, WEFT_EK_MIN, count, weft_dim_op(g, WEFT_EK_ADD, last, weft_dim(g, 1)));
}

/* The lanes that an attribute puts channels in blocks of; 0: it is absent. */
static weft_status
check_block(weft_graph *g, weft_node *n, const char *name, int64_t *lanes)
{
    *lanes = weft_node_attr(n, name) ? weft_node_int(n, name) : 0;
    if (!weft_node_attr(n, name) || (*lanes >= 2 && *lanes <= INT32_MAX))
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "%s=%lld is no number of lanes", name,
                          (long long)*lanes);
}

weft_status
weft_infer_pool(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0];
    int64_t block;
    weft_status st = check_block(g, n, "block", &block);
    int spatial = x->ndim - 2 - (block > 0);
    if (st != WEFT_OK)
        return st;
    if (spatial < 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "needs at least three dimensions%s",
                              block ? " beside the block's" : "");
    if (block && !weft_is_int_imm(x->dim[x->ndim - 1], block))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the last dimension is not block=%lld",
                              (long long)block);
    st = check_numbers(g, n);
    if (st == WEFT_OK)
        st = check_ints(g, n, "kernel", spatial, 1);
    if (st == WEFT_OK)
        st = check_window(g, n, spatial);
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    for (int i = 0; i < spatial; i++)
        dim[2 + i] = windows(g, n, i, spatial, x->dim[2 + i],
                             weft_dim(g, weft_node_attr(n, "kernel")->ints[i]),
                             weft_node_int(n, "ceil") != 0);
    weft_dtype t = n->op == WEFT_GOP_MAX_POOL_INDEX ? WEFT_I64 : x->dtype;
    return weft_infer_out(g, n, t, x->ndim, dim);
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* What conv and conv_transpose share; lanes: dimensions that x and w have for lanes. */
static weft_status
check_conv(weft_graph *g, weft_node *n, int x_lanes, int w_lanes)
{
    const weft_value *x = n->in[0], *w = n->in[1];
    int rank = x->ndim - x_lanes;
    if (rank < 3 || w->ndim - w_lanes != rank)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input and weight need one rank of at least three");
    if (x->dtype != w->dtype || (n->nin > 2 && n->in[2] && n->in[2]->dtype != x->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the inputs are not of one dtype");
    if (weft_node_int(n, "groups") < 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "groups has to be positive");
    if (check_numbers(g, n))
        return WEFT_INVALID_INPUT;
    return check_window(g, n, rank - 2);
}

static weft_status
check_bias(weft_graph *g, weft_node *n, const weft_expr *channels)
{
    const weft_value *b = n->nin > 2 ? n->in[2] : NULL;
    if (!b || (b->ndim == 1 && weft_dim_equal(g, b->dim[0], channels) == 1))
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                          "the bias has to be a vector of the output channels");
}

/* How the operands of a conv lie. */
typedef struct conv_form {
    int64_t groups, pack, in_block, out_block; /* 0: not */
    bool single;               /* each group has one input channel and one output channel */
    bool blocks;               /* the weight's input channels are in blocks */
    const weft_expr *in, *out; /* channels: of a group's input, of the output */
} conv_form;

static weft_status
form_of(weft_graph *g, weft_node *n, conv_form *f)
{
    const weft_value *w = n->in[1];
    *f = (conv_form){ .groups = weft_node_int(n, "groups") };
    weft_status st = check_block(g, n, "in_block", &f->in_block);
    if (st == WEFT_OK)
        st = check_block(g, n, "out_block", &f->out_block);
    if (st == WEFT_OK && weft_node_attr(n, "pack"))
        st = check_pack(g, n, "out_channels");
    if (st != WEFT_OK)
        return st;
    if (w->ndim < 3)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the weight needs three dimensions");
    f->pack = weft_node_attr(n, "pack") ? weft_node_int(n, "pack") : 0;
    f->out = f->pack ? weft_dim(g, weft_node_int(n, "out_channels")) : w->dim[0];
    f->single =
        f->groups > 1 && weft_is_int_imm(w->dim[1], 1) && weft_is_int_imm(f->out, f->groups);
    f->blocks = f->pack && f->in_block && !f->single;
    f->in =
        f->blocks ? weft_dim_op(g, WEFT_EK_MUL, w->dim[1], weft_dim(g, f->in_block)) : w->dim[1];
    return WEFT_OK;
}

/* Whether n channels are whole blocks in each group. */
static bool
whole_blocks(weft_graph *g, const weft_expr *n, int64_t block)
{
    return weft_dim_equal(g, weft_dim_op(g, WEFT_EK_FMOD, n, weft_dim(g, block)), weft_dim(g, 0)) ==
           1;
}

static weft_status
check_form(weft_graph *g, weft_node *n, const conv_form *f)
{
    const weft_value *x = n->in[0], *w = n->in[1];
    const weft_expr *each = weft_dim_op(g, WEFT_EK_FDIV, f->out, weft_dim(g, f->groups));
    if (f->pack && f->groups > 1 && !f->single && !whole_blocks(g, each, f->pack))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "a packed weight needs whole blocks of pack=%lld channels in each of "
                              "groups=%lld",
                              (long long)f->pack, (long long)f->groups);
    bool fits = f->single ? f->in_block == f->out_block : true;
    if (f->in_block && !f->single)
        fits = whole_blocks(g, f->in, f->in_block);
    if (f->in_block)
        fits = fits && weft_is_int_imm(x->dim[x->ndim - 1], f->in_block);
    if (f->blocks)
        fits = fits && w->ndim > 4 && weft_is_int_imm(w->dim[w->ndim - 2], f->in_block);
    if (f->out_block)
        fits = fits && whole_blocks(g, f->out, f->out_block);
    if (fits)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                          "the channels of groups=%lld are no whole blocks of in_block=%lld and "
                          "out_block=%lld",
                          (long long)f->groups, (long long)f->in_block, (long long)f->out_block);
}

weft_status
weft_infer_conv(weft_graph *g, weft_node *n)
{
    const weft_value *x = n->in[0], *w = n->in[1];
    weft_dtype type;
    conv_form f;
    weft_status st = form_of(g, n, &f);
    if (st == WEFT_OK)
        st = check_conv(g, n, f.in_block > 0, (f.pack > 0) + f.blocks);
    if (st == WEFT_OK)
        st = check_form(g, n, &f);
    if (st == WEFT_OK)
        st = product_dtype(g, n, &type);
    if (st != WEFT_OK)
        return st;
    int spatial = x->ndim - 2 - (f.in_block > 0), rank = spatial + 2;
    const weft_expr *in = weft_dim_op(g, WEFT_EK_MUL, f.in, weft_dim(g, f.groups));
    const weft_expr *have =
        f.in_block ? weft_dim_op(g, WEFT_EK_MUL, x->dim[1], weft_dim(g, f.in_block)) : x->dim[1];
    const weft_expr *left = weft_dim_op(g, WEFT_EK_FMOD, f.out, weft_dim(g, f.groups));
    if (weft_dim_equal(g, have, in) != 1 || weft_dim_equal(g, left, weft_dim(g, 0)) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the channels do not fit the weight and groups=%lld",
                              (long long)f.groups);
    st = check_bias(g, n, f.out);
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, rank + 1, const weft_expr *);
    dim[0] = x->dim[0];
    dim[1] = f.out_block ? weft_dim_op(g, WEFT_EK_FDIV, f.out, weft_dim(g, f.out_block)) : f.out;
    for (int i = 0; i < spatial; i++)
        dim[2 + i] = windows(g, n, i, spatial, x->dim[2 + i], w->dim[2 + i], false);
    dim[rank] = weft_dim(g, f.out_block);
    return weft_infer_out(g, n, type, rank + (f.out_block > 0), dim);
}

weft_status
weft_infer_conv_transpose(weft_graph *g, weft_node *n)
{
    weft_status st = check_conv(g, n, 0, 0);
    int spatial = n->in[0]->ndim - 2;
    if (st == WEFT_OK)
        st = check_ints(g, n, "output_padding", spatial, 0);
    if (st != WEFT_OK)
        return st;
    const weft_value *x = n->in[0], *w = n->in[1];
    const int64_t *pads = weft_node_attr(n, "pads")->ints;
    const int64_t *more = weft_node_attr(n, "output_padding")->ints;
    const weft_expr *groups = weft_dim(g, weft_node_int(n, "groups"));
    const weft_expr *channels = weft_dim_op(g, WEFT_EK_MUL, w->dim[1], groups);
    const weft_expr *left = weft_dim_op(g, WEFT_EK_FMOD, x->dim[1], groups);
    if (weft_dim_equal(g, x->dim[1], w->dim[0]) != 1 ||
        weft_dim_equal(g, left, weft_dim(g, 0)) != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the channels do not fit the weight and the groups");
    st = check_bias(g, n, channels);
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    dim[0] = x->dim[0];
    dim[1] = channels;
    for (int i = 0; i < spatial; i++) {
        const weft_expr *steps = weft_dim_op(g, WEFT_EK_SUB, x->dim[2 + i], weft_dim(g, 1));
        steps =
            weft_dim_op(g, WEFT_EK_MUL, steps, weft_dim(g, weft_node_attr(n, "strides")->ints[i]));
        const weft_expr *size =
            weft_dim_op(g, WEFT_EK_ADD, steps,
                        reach(g, w->dim[2 + i], weft_node_attr(n, "dilations")->ints[i]));
        dim[2 + i] =
            weft_dim_op(g, WEFT_EK_ADD, size, weft_dim(g, more[i] - pads[i] - pads[spatial + i]));
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}
