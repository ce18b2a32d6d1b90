/* Importer of Attention: softmax(q k * scale + bias) v over heads, as products and a softmax that
 * the pass fuse-attention finds.
 *
 * Query heads that share a head of keys are an axis of their own, along which keys and values
 * broadcast: [batch, key heads, group, sequence, size] with group 1 for keys; of one query each,
 * the group is the axis of queries: [batch, key heads, group, size].  Which keys a query may see
 * (causal, window, padding, a mask of bools) and what is added to its scores are one bias, -inf
 * where it may not.  A query that sees no key gives 0.
 */
#include "import/ops.h"

#include <math.h>

enum { MAX_DISTANCE = INT32_MAX - 1 }; /* of a key from a query, at which no bound bounds */

typedef enum qk_mode { QK_RAW, QK_CAPPED, QK_BIASED, QK_WEIGHTS } qk_mode;

typedef struct heads {
    onnx_node *n;
    weft_graph *g;
    bool packed;           /* [batch, sequence, heads * size] */
    int64_t query, key;    /* heads; of 0: as many queries' as keys' */
    weft_value *q, *k, *v; /* [batch, heads, sequence, size] */
    weft_value *mask, *past_key, *past_value, *valid;
    const weft_expr *past; /* keys before the query block; NULL: see `valid` */
    weft_dtype t;          /* of q and k */
} heads;

static const weft_expr *
dim_of(const heads *h, int64_t size)
{
    return weft_dim(h->g, size);
}

/* ---- operands -------------------------------------------------------------------------------- */

/* [batch, sequence, heads * size] as [batch, heads, sequence, size]. */
static weft_value *
unpack(const heads *h, weft_value *v, int64_t count)
{
    static const int64_t order[] = { 0, 2, 1, 3 };
    int64_t width;
    if (h->n->status != WEFT_OK)
        return NULL;
    if (count < 1 || (weft_as_int(v->dim[2], &width) && width % count))
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT,
                       "'%s' of three dimensions needs a number of heads (q_num_heads, "
                       "kv_num_heads) that divides its last one",
                       v->name);
    const weft_expr *n = dim_of(h, count > 0 ? count : 1),
                    *dim[4] = { v->dim[0], v->dim[1], n,
                                weft_dim_op(h->g, WEFT_EK_FDIV, v->dim[2], n) };
    return weft_onnx_transpose(h->n, weft_onnx_reshape(h->n, v, 4, dim), order);
}

static void
check_ranks(const heads *h)
{
    int rank = h->q->ndim;
    if ((rank != 3 && rank != 4) || h->k->ndim != rank || h->v->ndim != rank)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT,
                       "Q, K and V have %d, %d and %d dimensions; all have to have 3 or all 4", rank,
                       h->k->ndim, h->v->ndim);
    if (!h->past_key != !h->past_value)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "past_key and past_value go together");
    if (h->past_key && (h->past_key->ndim != 4 || h->past_value->ndim != 4))
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "past_key and past_value need four dimensions");
    if (h->past_key && h->valid)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "nonpad_kv_seqlen goes without past_key");
    if (h->valid && (h->valid->ndim != 1 || !weft_is_int(h->valid->dtype)))
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "nonpad_kv_seqlen has to be a list of integers");
}

/* Heads from the attributes, or from four dimensions, which have to agree with them. */
static void
count_heads(heads *h)
{
    int64_t query = weft_onnx_attr_int(h->n, "q_num_heads", 0),
            key = weft_onnx_attr_int(h->n, "kv_num_heads", 0);
    h->packed = h->q->ndim == 3;
    h->query = query;
    h->key = key;
    if (h->packed || h->n->status != WEFT_OK)
        return;
    bool same = weft_dim_equal(h->g, h->q->dim[1], h->k->dim[1]) == 1;
    h->query = same ? 0 : weft_onnx_size(h->n, h->q, 1);
    h->key = same ? 0 : weft_onnx_size(h->n, h->k, 1);
    if (!same && ((query && query != h->query) || (key && key != h->key)))
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT,
                       "q_num_heads=%lld, kv_num_heads=%lld of tensors of %lld and %lld heads",
                       (long long)query, (long long)key, (long long)h->query, (long long)h->key);
}

static weft_value *
appended(const heads *h, weft_value *past, weft_value *now, int output)
{
    weft_value *in[] = { past, now };
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 2 });
    if (!past)
        return now;
    weft_onnx_last(h->n, output);
    return weft_onnx_emit(h->n, WEFT_GOP_CONCAT, 2, in, 1, &axis);
}

/* Operands in four dimensions, what was before them in front, both outputs set. */
static void
take_operands(heads *h)
{
    check_ranks(h);
    if (h->n->status == WEFT_OK)
        count_heads(h);
    if (h->packed) {
        h->q = unpack(h, h->q, h->query);
        h->k = unpack(h, h->k, h->key);
        h->v = unpack(h, h->v, h->key);
    }
    if (h->n->status != WEFT_OK)
        return;
    h->past = h->past_key ? h->past_key->dim[2] : dim_of(h, 0);
    h->k = appended(h, h->past_key, h->k, 1);
    h->v = appended(h, h->past_value, h->v, 2);
    weft_onnx_set(h->n, 1, h->k);
    weft_onnx_set(h->n, 2, h->v);
    if (h->key < 0 || (h->key > 0 && h->query % h->key))
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT,
                       "%lld heads of queries share %lld of keys: not evenly",
                       (long long)h->query, (long long)h->key);
}

static bool
grouped(const heads *h)
{
    return h->query != h->key;
}

/* Whether the heads that share keys stand where queries stand, as there is one of these. */
static bool
single_query(const heads *h)
{
    return grouped(h) && weft_is_int_imm(h->q->dim[2], 1);
}

/* [.., heads of queries, a, b] with the heads as [key heads, group], or [.., 1, 1, a, b]; `alone`:
 * heads of keys as [key heads, 1].  Of a single query a goes, as it is 1. */
static weft_value *
split_heads(const heads *h, weft_value *v, bool alone)
{
    bool single = v && single_query(h);
    if (!v || !grouped(h) || v->ndim < 3 || (single && alone))
        return v;
    int at = v->ndim - 3, rank = at;
    bool one = weft_is_int_imm(v->dim[at], 1);
    const weft_expr *dim[5];
    for (int i = 0; i < at; i++)
        dim[i] = v->dim[i];
    dim[rank++] = one && !alone ? dim_of(h, 1) : dim_of(h, h->key);
    dim[rank++] = dim_of(h, one || alone ? 1 : h->query / h->key);
    if (!single)
        dim[rank++] = v->dim[at + 1];
    dim[rank++] = v->dim[at + 2];
    return weft_onnx_reshape(h->n, v, rank, dim);
}

/* Back; the result is that output, if there is one. */
static weft_value *
join_heads(const heads *h, weft_value *v, int output)
{
    if (!v || !grouped(h))
        return v;
    const weft_expr *dim[4] = { v->dim[0], dim_of(h, h->query), h->q->dim[2],
                                v->dim[v->ndim - 1] };
    weft_onnx_last(h->n, output);
    return weft_onnx_reshape(h->n, v, 4, dim);
}

/* ---- which keys a query sees ----------------------------------------------------------------- */

static weft_value *
number(const heads *h, weft_dtype t, double v)
{
    return weft_onnx_scalar(h->n, t, v);
}

/* The number of valid keys of each batch, [batch, 1, 1, 1], 0 .. the number of keys. */
static weft_value *
valid_keys(const heads *h)
{
    int64_t total;
    const weft_expr *one = dim_of(h, 1), *dim[4] = { h->valid->dim[0], one, one, one };
    weft_value *in[3] = { weft_onnx_cast(h->n, h->valid, WEFT_I64) };
    in[1] = number(h, WEFT_I64, 0);
    in[2] = number(h, WEFT_I64,
                   (double)(weft_as_int(h->k->dim[2], &total) ? total : INT32_MAX / 2));
    weft_value *v = weft_onnx_emit(h->n, WEFT_GOP_CLIP, 3, in, 0, NULL);
    return weft_onnx_reshape(h->n, weft_onnx_cast(h->n, v, WEFT_I32), 4, dim);
}

static weft_value *
key_places(const heads *h)
{
    return weft_onnx_arange(h->n, WEFT_I32, dim_of(h, 0), 1, h->k->dim[2]);
}

/* The places of queries among the keys, [queries, 1]; with `valid` of each batch apart. */
static weft_value *
query_places(const heads *h, weft_value *valid)
{
    const weft_expr *queries = h->q->dim[2], *dim[2] = { queries, dim_of(h, 1) },
                    *start =
                        valid ? weft_dim_op(h->g, WEFT_EK_SUB, dim_of(h, 0), queries) : h->past;
    weft_value *v = weft_onnx_reshape(h->n, weft_onnx_arange(h->n, WEFT_I32, start, 1, queries), 2,
                                      dim);
    return valid ? weft_onnx_binary(h->n, WEFT_GOP_ADD, v, valid) : v;
}

static weft_value *
both(const heads *h, weft_value *a, weft_value *b)
{
    return !a ? b : !b ? a : weft_onnx_binary(h->n, WEFT_GOP_AND, a, b);
}

/* Attribute `name`: a bound, or -1. */
static int64_t
window_side(const heads *h, const char *name)
{
    int64_t v = h->n->version < 25 ? -1 : weft_onnx_attr_int(h->n, name, -1);
    if (v < -1)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "%s is %lld, below -1", name, (long long)v);
    return v > MAX_DISTANCE ? MAX_DISTANCE : v;
}

/* Whether a key is near enough to a query: causal and window, over the distance of their places. */
static weft_value *
near_enough(const heads *h, weft_value *valid)
{
    int64_t left = window_side(h, "left_window_size"), right = window_side(h, "right_window_size");
    bool causal = weft_onnx_attr_int(h->n, "is_causal", 0) != 0;
    if (causal)
        right = 0;
    if (h->n->status != WEFT_OK || (left < 0 && right < 0))
        return NULL;
    weft_value *near = NULL,
               *ahead = weft_onnx_binary(h->n, WEFT_GOP_SUB, key_places(h), query_places(h, valid));
    if (right >= 0)
        near = weft_onnx_binary(h->n, WEFT_GOP_LESS_EQUAL, ahead,
                                number(h, WEFT_I32, (double)right));
    if (left >= 0)
        near = both(h, near,
                    weft_onnx_binary(h->n, WEFT_GOP_GREATER_EQUAL, ahead,
                                     number(h, WEFT_I32, (double)-left)));
    return near;
}

/* Whether the window of every query surely reaches back to a key. */
static bool
window_reaches(const heads *h)
{
    int64_t left = window_side(h, "left_window_size"), queries, keys;
    const weft_expr *behind = weft_dim_op(h->g, WEFT_EK_SUB, h->k->dim[2], h->past);
    return left < 0 || (weft_as_int(h->q->dim[2], &queries) && behind &&
                        weft_as_int(behind, &keys) && queries - left <= keys);
}

/* The mask over all keys: from operator set 24 on those that it says nothing of are not seen. */
static weft_value *
whole_mask(const heads *h)
{
    weft_value *mask = h->mask;
    if (mask->ndim > 4)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "attn_mask has %d dimensions; at most 4 are allowed",
                       mask->ndim);
    if (h->n->status != WEFT_OK || h->n->version < 24 || mask->ndim == 0 ||
        weft_dim_equal(h->g, mask->dim[mask->ndim - 1], h->k->dim[2]) == 1)
        return mask;
    const weft_expr *before[4], *after[4], *zero = dim_of(h, 0);
    for (int i = 0; i < mask->ndim; i++)
        before[i] = after[i] = zero;
    after[mask->ndim - 1] =
        weft_dim_op(h->g, WEFT_EK_SUB, h->k->dim[2], mask->dim[mask->ndim - 1]);
    if (weft_dim_at_least(h->g, after[mask->ndim - 1], 0) == 0)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "attn_mask is for more keys than there are");
    weft_attr attr[] = { weft_attr_dims("before", mask->ndim, before),
                         weft_attr_dims("after", mask->ndim, after),
                         weft_attr_text("mode", "constant") };
    weft_value *in[] = { mask, number(h, mask->dtype, mask->dtype == WEFT_BOOL ? 0 : -INFINITY) };
    return weft_onnx_emit(h->n, WEFT_GOP_PAD, 2, in, 3, attr);
}

/* What is added to the scores, -inf at keys that are not seen; NULL: nothing.  *all: every query
 * surely sees a key, if there are any. */
static weft_value *
bias_of(const heads *h, bool *all)
{
    weft_value *add = NULL, *seen = NULL, *valid = h->valid ? valid_keys(h) : NULL;
    if (h->mask) {
        weft_value *mask = whole_mask(h);
        if (h->n->status == WEFT_OK && mask->dtype == WEFT_BOOL)
            seen = mask;
        else
            add = weft_onnx_cast(h->n, mask, h->t);
    }
    weft_value *near = near_enough(h, valid);
    *all = !h->mask && !valid && window_reaches(h);
    seen = both(h, seen, near);
    if (valid)
        seen = both(h, seen, weft_onnx_binary(h->n, WEFT_GOP_LESS, key_places(h), valid));
    if (!seen)
        return add;
    return weft_onnx_where(h->n, seen, add ? add : number(h, h->t, 0), number(h, h->t, -INFINITY));
}

/* ---- the products ---------------------------------------------------------------------------- */

static weft_value *
product(const heads *h, weft_value *a, weft_value *b, bool transposed)
{
    weft_value *in[] = { a, b };
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ 0 }),
                         weft_attr_int("tb", &(int64_t){ transposed }) };
    return weft_onnx_emit(h->n, WEFT_GOP_MATMUL, 2, in, 2, attr);
}

static double
scale_of(const heads *h)
{
    if (weft_onnx_has_attr(h->n, "scale"))
        return weft_onnx_attr_float(h->n, "scale", 1);
    int64_t size = weft_onnx_size(h->n, h->q, 3);
    return size > 0 ? 1 / sqrt((double)size) : 1;
}

/* q k * scale; of f16 the factor comes first, as what it makes small may not fit. */
static weft_value *
scores(const heads *h)
{
    weft_value *by = number(h, h->t, scale_of(h)), *q = split_heads(h, h->q, false),
               *k = split_heads(h, h->k, true);
    if (h->t == WEFT_F16)
        return product(h, weft_onnx_binary(h->n, WEFT_GOP_MUL, q, by), k, true);
    return weft_onnx_binary(h->n, WEFT_GOP_MUL, product(h, q, k, true), by);
}

static weft_value *
capped(const heads *h, weft_value *v)
{
    double cap = weft_onnx_attr_float(h->n, "softcap", 0);
    if (cap == 0)
        return v;
    weft_value *by = number(h, h->t, cap);
    v = weft_onnx_unary(h->n, WEFT_GOP_TANH, weft_onnx_binary(h->n, WEFT_GOP_DIV, v, by));
    return weft_onnx_binary(h->n, WEFT_GOP_MUL, v, by);
}

/* 0 where a query sees no key. */
static weft_value *
guarded(const heads *h, weft_value *p, weft_value *bias)
{
    if (h->n->status != WEFT_OK)
        return NULL;
    if (bias->ndim == 0 || weft_is_int_imm(bias->dim[bias->ndim - 1], 1)) {
        weft_value *none =
            weft_onnx_binary(h->n, WEFT_GOP_EQUAL, bias, number(h, h->t, -INFINITY));
        return weft_onnx_where(h->n, none, number(h, p->dtype, 0), p);
    }
    weft_value *most = weft_onnx_reduce(h->n, WEFT_GOP_REDUCE_MAX, bias, 1,
                                        &(int64_t){ bias->ndim - 1 }, true);
    weft_value *none = weft_onnx_binary(h->n, WEFT_GOP_EQUAL, most, number(h, h->t, -INFINITY));
    return weft_onnx_where(h->n, none, number(h, p->dtype, 0), p);
}

static weft_value *
softmax(const heads *h, weft_value *s, weft_value *bias)
{
    weft_dtype t = h->t;
    if (weft_onnx_has_attr(h->n, "softmax_precision"))
        t = weft_onnx_dtype(weft_onnx_attr_int(h->n, "softmax_precision", 1));
    if (t == WEFT_DTYPE_COUNT || !weft_is_float(t) || weft_dtype_bits(t) < 16)
        weft_onnx_fail(h->n, WEFT_INVALID_INPUT, "softmax_precision is no float type");
    if (h->n->status != WEFT_OK)
        return NULL;
    s = weft_onnx_cast(h->n, s, t);
    weft_attr axis = weft_attr_int("axis", &(int64_t){ s ? s->ndim - 1 : 0 });
    weft_value *p = weft_onnx_emit(h->n, WEFT_GOP_SOFTMAX, 1, &s, 1, &axis);
    p = weft_onnx_cast(h->n, p, h->t);
    return bias ? guarded(h, p, bias) : p;
}

/* Weights times values; of two dtypes in the wider one. */
static weft_value *
weighted(const heads *h, weft_value *p)
{
    weft_value *v = split_heads(h, h->v, true);
    if (h->n->status != WEFT_OK)
        return NULL;
    weft_dtype t = weft_dtype_bits(v->dtype) > weft_dtype_bits(h->t) ? v->dtype : h->t;
    return weft_onnx_cast(
        h->n, product(h, weft_onnx_cast(h->n, p, t), weft_onnx_cast(h->n, v, t), false), h->t);
}

static void
set_result(const heads *h, weft_value *y)
{
    static const int64_t order[] = { 0, 2, 1, 3 };
    y = join_heads(h, y, h->packed ? h->n->nout : 0);
    if (h->packed && y) {
        const weft_expr *dim[3] = { y->dim[0], y->dim[2],
                                    weft_dim_op(h->g, WEFT_EK_MUL, y->dim[1], y->dim[3]) };
        y = weft_onnx_transpose(h->n, y, order);
        weft_onnx_last(h->n, 0);
        y = weft_onnx_reshape(h->n, y, 3, dim);
    }
    weft_onnx_set(h->n, 0, y);
}

void
weft_onnx_import_attention(onnx_node *n)
{
    heads h = { .n = n,
                .g = n->graph,
                .q = weft_onnx_in(n, 0),
                .k = weft_onnx_in(n, 1),
                .v = weft_onnx_in(n, 2),
                .mask = weft_onnx_in(n, 3),
                .past_key = weft_onnx_in(n, 4),
                .past_value = weft_onnx_in(n, 5),
                .valid = weft_onnx_in(n, 6) };
    int64_t mode = weft_onnx_attr_int(n, "qk_matmul_output_mode", QK_RAW);
    if (mode < QK_RAW || mode > QK_WEIGHTS)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "qk_matmul_output_mode is %lld, not 0 to 3",
                       (long long)mode);
    h.t = h.q->dtype;
    take_operands(&h);
    if (n->status != WEFT_OK)
        return;
    bool all;
    weft_value *bias = split_heads(&h, bias_of(&h, &all), false), *stage[QK_WEIGHTS + 1];
    stage[QK_RAW] = scores(&h);
    stage[QK_CAPPED] = capped(&h, stage[QK_RAW]);
    stage[QK_BIASED] = bias ? weft_onnx_binary(n, WEFT_GOP_ADD, stage[QK_CAPPED], bias)
                            : stage[QK_CAPPED];
    stage[QK_WEIGHTS] = softmax(&h, stage[QK_BIASED], all ? NULL : bias);
    if (n->nout > 3 && *n->proto->output[3])
        weft_onnx_set(n, 3, join_heads(&h, stage[mode], 3));
    set_result(&h, weighted(&h, stage[QK_WEIGHTS]));
}
