/* Importers of random numbers: what their operators make of the words of `random_bits`.
 *
 * Uniform numbers of [0, 1) are the upper 24 bits of a word, or for f64 53 bits of two; normal ones
 * come of two uniform ones after G. Box and M. Muller, "A note on the generation of random normal
 * deviates" (1958).  All but f64 is computed in f32.
 */
#include "import/ops.h"
#include "import/reader.h"

#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

/* The bits of a seed; without one, a hash of the first output's name. */
static void
find_key(onnx_node *n, int64_t key[2])
{
    const char *name = n->nout ? n->proto->output[0] : "";
    uint64_t hash = weft_hash_bytes(name, strlen(name));
    float seed = (float)weft_onnx_attr_float(n, "seed", 0);
    uint32_t bits;
    memcpy(&bits, &seed, sizeof bits);
    bool seeded = weft_onnx_has_attr(n, "seed");
    key[0] = seeded ? (int64_t)bits : (int64_t)(hash & UINT32_MAX);
    key[1] = seeded ? 0 : (int64_t)(hash >> 32);
}

/* What the key is folded with: the seed of all numbers, then the iterations. */
static weft_attr
folds(onnx_node *n, const int64_t *seed)
{
    const onnx_reader *r = n->reader;
    const weft_expr **all = WEFT_NEW_ARRAY(n->arena, r->iteration.n + 1, const weft_expr *);
    all[0] = weft_dim(n->graph, *seed);
    for (int i = 0; i < r->iteration.n; i++)
        all[i + 1] = r->iteration.at[i];
    return weft_attr_dims("folds", r->iteration.n + 1, all);
}

/* Words of a stream, `per` for each element of the shape: the first of all, then the second .. */
typedef struct words {
    onnx_node *n;
    int ndim;
    const weft_expr *const *dim;
    const weft_expr *count; /* of elements */
    weft_value *all;
} words;

static words
words_of(onnx_node *n, int ndim, const weft_expr *const *dim, int64_t per)
{
    words w = { .n = n, .ndim = ndim, .dim = dim };
    const int64_t *seed = n->reader->options->seed;
    int64_t key[2];
    find_key(n, key);
    if (!seed)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "no two engines give the same random numbers; a seed (--seed N) takes weft's");
    if (n->status != WEFT_OK)
        return w;
    w.count = weft_onnx_made_dim(n, weft_dim_product(n->graph, dim, 0, ndim));
    const weft_expr *total = weft_dim_op(n->graph, WEFT_EK_MUL, w.count, weft_dim(n->graph, per));
    if (!weft_onnx_made_dim(n, total))
        return w;
    weft_attr attr[] = { weft_attr_dims("dim", 1, &total), weft_attr_ints("key", 2, key),
                         folds(n, seed) };
    w.all = weft_onnx_emit(n, WEFT_GOP_RANDOM_BITS, 0, NULL, 3, attr);
    return w;
}

/* Word i of each element without its last `drop` bits, as a float. */
static weft_value *
word(const words *w, int64_t i, int drop, weft_dtype t)
{
    onnx_node *n = w->n;
    const weft_expr *start = weft_dim_op(n->graph, WEFT_EK_MUL, w->count, weft_dim(n->graph, i));
    weft_value *part = weft_onnx_slice(n, w->all, 0, weft_onnx_made_dim(n, start), w->count);
    part = part ? weft_onnx_reshape(n, part, w->ndim, w->dim) : NULL;
    if (drop)
        part = weft_onnx_binary(n, WEFT_GOP_RIGHT_SHIFT, part, weft_onnx_scalar(n, WEFT_U32, drop));
    return weft_onnx_cast(n, part, t);
}

static weft_value *
times(onnx_node *n, weft_value *x, double by)
{
    return x ? weft_onnx_binary(n, WEFT_GOP_MUL, x, weft_onnx_scalar(n, x->dtype, by)) : NULL;
}

static weft_value *
plus(onnx_node *n, weft_value *x, double by)
{
    return x ? weft_onnx_binary(n, WEFT_GOP_ADD, x, weft_onnx_scalar(n, x->dtype, by)) : NULL;
}

/* 53 bits of words i and i + 1, a whole number. */
static weft_value *
long_word(const words *w, int64_t i)
{
    weft_value *high = times(w->n, word(w, i, 5, WEFT_F64), 67108864.0 /* 2^26 */);
    return weft_onnx_binary(w->n, WEFT_GOP_ADD, high, word(w, i + 1, 6, WEFT_F64));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* f32 or f64, in [0, 1). */
static weft_value *
uniform(onnx_node *n, weft_dtype t, int ndim, const weft_expr *const *dim)
{
    bool wide = t == WEFT_F64;
    words w = words_of(n, ndim, dim, wide ? 2 : 1);
    return wide ? times(n, long_word(&w, 0), 0x1p-53) : times(n, word(&w, 0, 8, t), 0x1p-24);
}

/* sqrt(-2 log u) cos(2 pi v), where u is no 0. */
static weft_value *
normal(onnx_node *n, weft_dtype t, int ndim, const weft_expr *const *dim)
{
    const double tau = 6.283185307179586;
    bool wide = t == WEFT_F64;
    words w = words_of(n, ndim, dim, wide ? 4 : 2);
    weft_value *u = plus(n, wide ? long_word(&w, 0) : word(&w, 0, 0, t), 0.5);
    weft_value *v = wide ? times(n, long_word(&w, 2), 0x1p-53 * tau)
                         : times(n, word(&w, 1, 8, t), 0x1p-24 * tau);
    u = weft_onnx_unary(n, WEFT_GOP_LOG, times(n, u, wide ? 0x1p-53 : 0x1p-32));
    u = weft_onnx_unary(n, WEFT_GOP_SQRT, times(n, u, -2));
    return weft_onnx_binary(n, WEFT_GOP_MUL, u, weft_onnx_unary(n, WEFT_GOP_COS, v));
}

/* ---- operators ------------------------------------------------------------------------------- */

/* The dtype that is asked for: a float. */
static weft_dtype
float_dtype(onnx_node *n, weft_dtype absent)
{
    weft_dtype t = weft_onnx_has_attr(n, "dtype")
                       ? weft_onnx_element(n, weft_onnx_attr_int(n, "dtype", 0))
                       : absent;
    if (n->status == WEFT_OK && t != WEFT_F16 && t != WEFT_BF16 && t != WEFT_F32 && t != WEFT_F64)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "random numbers of %s are not possible; dtype has to be f16, bf16, f32 or f64",
                       weft_dtype_name(t));
    return t;
}

static weft_dtype
computed_in(weft_dtype t)
{
    return t == WEFT_F64 ? t : WEFT_F32;
}

/* Output 0 is x * scale + offset, of dtype t. */
static void
give_scaled(onnx_node *n, weft_value *x, double scale, double offset, weft_dtype t)
{
    x = scale != 1 ? times(n, x, scale) : x;
    x = offset != 0 ? plus(n, x, offset) : x;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, x, t));
}

static void
give_uniform(onnx_node *n, weft_dtype t, int ndim, const weft_expr *const *dim)
{
    double low = weft_onnx_attr_float(n, "low", 0), high = weft_onnx_attr_float(n, "high", 1);
    if (n->status == WEFT_OK)
        give_scaled(n, uniform(n, computed_in(t), ndim, dim), high - low, low, t);
}

static void
give_normal(onnx_node *n, weft_dtype t, int ndim, const weft_expr *const *dim)
{
    double mean = weft_onnx_attr_float(n, "mean", 0), scale = weft_onnx_attr_float(n, "scale", 1);
    if (n->status == WEFT_OK)
        give_scaled(n, normal(n, computed_in(t), ndim, dim), scale, mean, t);
}

/* The dims of attribute `shape`. */
static const weft_expr *const *
shape_attr(onnx_node *n, int *ndim)
{
    *ndim = 0;
    if (!weft_onnx_has_attr(n, "shape"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'shape' is missing");
    const int64_t *shape = weft_onnx_attr_ints(n, "shape", ndim);
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, *ndim + 1, const weft_expr *);
    for (int d = 0; d < *ndim && n->status == WEFT_OK; d++) {
        if (shape[d] < 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'shape' holds %lld, which is no size",
                           (long long)shape[d]);
        dim[d] = weft_dim(n->graph, shape[d]);
    }
    return dim;
}

void
weft_onnx_import_random_uniform(onnx_node *n)
{
    int ndim;
    weft_dtype t = float_dtype(n, WEFT_F32);
    const weft_expr *const *dim = shape_attr(n, &ndim);
    give_uniform(n, t, ndim, dim);
}

void
weft_onnx_import_random_normal(onnx_node *n)
{
    int ndim;
    weft_dtype t = float_dtype(n, WEFT_F32);
    const weft_expr *const *dim = shape_attr(n, &ndim);
    give_normal(n, t, ndim, dim);
}

void
weft_onnx_import_random_uniform_like(onnx_node *n)
{
    const weft_value *x = weft_onnx_in(n, 0);
    give_uniform(n, float_dtype(n, x->dtype), x->ndim, x->dim);
}

void
weft_onnx_import_random_normal_like(onnx_node *n)
{
    const weft_value *x = weft_onnx_in(n, 0);
    give_normal(n, float_dtype(n, x->dtype), x->ndim, x->dim);
}

/* 1 where a uniform number is below x, which is how probable 1 is. */
void
weft_onnx_import_bernoulli(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = weft_onnx_has_attr(n, "dtype")
                       ? weft_onnx_element(n, weft_onnx_attr_int(n, "dtype", 0))
                       : x->dtype;
    if (n->status == WEFT_OK && !weft_is_float(x->dtype))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 0 is %s: probabilities are floats",
                       weft_dtype_name(x->dtype));
    if (n->status != WEFT_OK)
        return;
    weft_dtype in = computed_in(x->dtype);
    weft_value *u = uniform(n, in, x->ndim, x->dim);
    bool test = t == WEFT_BOOL;
    if (test)
        weft_onnx_last(n, 0);
    weft_value *one = weft_onnx_binary(n, WEFT_GOP_LESS, u, weft_onnx_cast(n, x, in));
    if (!test)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, one, t));
}

/* ---- Multinomial ----------------------------------------------------------------------------- */

/* exp(x) without what all of a row have in common, summed up to each class. */
static weft_value *
distribution(onnx_node *n, weft_value *x)
{
    int64_t axis = 1;
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_int("exclusive", &(int64_t){ 0 }),
                         weft_attr_int("reverse", &(int64_t){ 0 }) };
    weft_value *top = weft_onnx_reduce(n, WEFT_GOP_REDUCE_MAX, x, 1, &axis, true);
    weft_value *e = weft_onnx_unary(n, WEFT_GOP_EXP, weft_onnx_binary(n, WEFT_GOP_SUB, x, top));
    return weft_onnx_emit(n, WEFT_GOP_CUMSUM, 1, &e, 3, attr);
}

/* The class of a number below the total is how many sums it has reached: [batch, size]. */
static weft_value *
classes_of(onnx_node *n, weft_value *sums, weft_value *u)
{
    weft_graph *g = n->graph;
    if (n->status != WEFT_OK)
        return NULL;
    const weft_expr *one = weft_dim(g, 1), *batch = sums->dim[0], *classes = sums->dim[1];
    const weft_expr *last = weft_dim_op(g, WEFT_EK_SUB, classes, one);
    weft_value *total = weft_onnx_slice(n, sums, 1, weft_onnx_made_dim(n, last), one);
    weft_value *at = weft_onnx_binary(n, WEFT_GOP_MUL, u, total);
    if (n->status != WEFT_OK)
        return NULL;
    at = weft_onnx_reshape(n, at, 3, (const weft_expr *[]){ batch, at->dim[1], one });
    sums = weft_onnx_reshape(n, sums, 3, (const weft_expr *[]){ batch, one, classes });
    weft_value *reached = weft_onnx_binary(n, WEFT_GOP_LESS_EQUAL, sums, at);
    return weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, weft_onnx_cast(n, reached, WEFT_I32), 1,
                            &(int64_t){ 2 }, false);
}

void
weft_onnx_import_multinomial(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = weft_onnx_element(n, weft_onnx_attr_int(n, "dtype", 6 /* INT32 */));
    int64_t size = weft_onnx_attr_int(n, "sample_size", 1);
    if (n->status == WEFT_OK && (x->ndim != 2 || !weft_is_float(x->dtype)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "input 0 has to be floats of two dimensions, batch and classes");
    if (n->status == WEFT_OK && weft_is_int_imm(x->dim[1], 0))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 0 has no classes to choose from");
    if (n->status == WEFT_OK && t != WEFT_I32 && t != WEFT_I64)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "classes are i32 or i64, not %s", weft_dtype_name(t));
    if (n->status == WEFT_OK && size < 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "sample_size=%lld is no size", (long long)size);
    if (n->status != WEFT_OK)
        return;
    weft_dtype in = computed_in(x->dtype);
    const weft_expr *dim[] = { x->dim[0], weft_dim(n->graph, size) };
    weft_value *sums = distribution(n, weft_onnx_cast(n, x, in));
    weft_value *found = classes_of(n, sums, uniform(n, in, 2, dim));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, found, t));
}
