/* Importer of TfIdfVectorizer: how often each of the known n-grams stands in rows of tokens.
 *
 * An n-gram's tokens stand `distance` apart, which is 1 and as many more as may be skipped. */
#include "import/ops.h"

#include <string.h>

/* The n-grams that the node knows: of one token first, then of two, and so on. */
typedef struct ngrams {
    int ntoken, nstart, count;
    const int64_t *token, *start; /* all of them; where those of 1, 2, .. tokens start */
    const int64_t *column;        /* [count] of the result */
    const double *weight;         /* [count]; NULL: 1 */
    int64_t columns, shortest, longest, skips;
    bool once, weighs; /* how often does not matter; weights do */
} ngrams;

/* How many n-grams have `length` tokens; -1: what there is does not divide into them. */
static int64_t
of_length(const ngrams *g, int64_t length)
{
    if (length > g->nstart)
        return 0;
    int64_t from = g->start[length - 1], to = length < g->nstart ? g->start[length] : g->ntoken;
    return from >= 0 && from <= to && to <= g->ntoken && (to - from) % length == 0
               ? (to - from) / length
               : -1;
}

static void
check_pool(onnx_node *n, const ngrams *g)
{
    int64_t count = 0;
    for (int64_t length = 1; length <= g->nstart; length++) {
        int64_t more = of_length(g, length);
        if (more < 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "ngram_counts does not cut the pool of %d tokens into n-grams of %lld",
                           g->ntoken, (long long)length);
        count += more;
    }
    if (count != g->count || count == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "there are %lld n-grams, and %d of ngram_indexes",
                       (long long)count, g->count);
    for (int i = 0; i < g->count; i++)
        if (g->column[i] < 0 || g->column[i] >= INT32_MAX)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "ngram_indexes has %lld, which is no column",
                           (long long)g->column[i]);
}

static void
read_mode(onnx_node *n, ngrams *g)
{
    const char *mode = weft_onnx_attr_text(n, "mode", "");
    g->once = strcmp(mode, "IDF") == 0;
    g->weighs = g->weight && strcmp(mode, "TF") != 0;
    if (!g->once && strcmp(mode, "TF") != 0 && strcmp(mode, "TFIDF") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode is '%s', not TF, IDF or TFIDF", mode);
}

static ngrams
ngrams_of(onnx_node *n)
{
    ngrams g = { .shortest = weft_onnx_attr_int(n, "min_gram_length", 0),
                 .longest = weft_onnx_attr_int(n, "max_gram_length", 0),
                 .skips = weft_onnx_attr_int(n, "max_skip_count", 0) };
    int nweight = 0;
    if (weft_onnx_has_attr(n, "pool_strings"))
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "strings are not supported");
    g.token = weft_onnx_attr_ints(n, "pool_int64s", &g.ntoken);
    g.start = weft_onnx_attr_ints(n, "ngram_counts", &g.nstart);
    g.column = weft_onnx_attr_ints(n, "ngram_indexes", &g.count);
    g.weight = weft_onnx_attr_floats(n, "weights", &nweight);
    read_mode(n, &g);
    if (g.shortest < 1 || g.longest < g.shortest || g.skips < 0 || g.skips >= INT32_MAX)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "min_gram_length %lld, max_gram_length %lld and max_skip_count %lld are no "
                       "lengths", (long long)g.shortest, (long long)g.longest, (long long)g.skips);
    if (g.weight && nweight != g.count)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "there are %d weights, and %d of ngram_indexes",
                       nweight, g.count);
    if (n->status == WEFT_OK)
        check_pool(n, &g);
    for (int i = 0; i < g.count; i++)
        g.columns = g.column[i] >= g.columns ? g.column[i] + 1 : g.columns;
    return g;
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* Where token k of n-grams stands, that begin at each place and have each distance: [distances,
 * places]. */
static weft_value *
places(onnx_node *n, const weft_expr *distances, const weft_expr *all, int64_t k)
{
    weft_value *first = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, all);
    weft_value *further = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, k), k, distances);
    return weft_onnx_binary(n, WEFT_GOP_ADD, weft_onnx_along(n, first, 1, 2),
                            weft_onnx_along(n, further, 0, 2));
}

/* Token k of the n-grams of `length`: [count, 1, 1, 1]. */
static weft_value *
known(onnx_node *n, const ngrams *g, int64_t length, int64_t k)
{
    int64_t count = of_length(g, length), dim[4] = { count, 1, 1, 1 };
    weft_const c;
    int64_t *to = weft_onnx_new_constant(n, WEFT_I64, 4, dim, &c);
    for (int64_t i = 0; to && i < count; i++)
        to[i] = g->token[g->start[length - 1] + i * length + k];
    return weft_onnx_constant_of(n, &c);
}

/* The tokens of x [rows, tokens] that stand at places, or nothing that counts where there are none:
 * [rows, distances, tokens]. */
static weft_value *
tokens_at(onnx_node *n, weft_value *x, weft_value *place, weft_value *there)
{
    weft_value *zero = weft_onnx_scalar(n, WEFT_I64, 0);
    weft_value *in[2] = { x, weft_onnx_where(n, there, place, zero) };
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 1 });
    return weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &axis);
}

/* How often the n-grams of `length` stand in each row of x: i32 [count, rows].  Distance matters to
 * those of several tokens alone. */
static weft_value *
counts(onnx_node *n, const ngrams *g, weft_value *x, int64_t length)
{
    const weft_expr *size = x->dim[1];
    const char *name = weft_arena_printf(n->arena, "%s_size", n->name);
    weft_value *tokens = weft_onnx_reshape(n, weft_graph_dims(n->graph, name, 1, &size), 0, NULL);
    const weft_expr *distances = weft_dim(n->graph, g->skips + 1);
    distances = length > 1 ? weft_dim_op(n->graph, WEFT_EK_MIN, distances, size)
                           : weft_dim(n->graph, 1);
    weft_value *there = weft_onnx_binary(n, WEFT_GOP_LESS,
                                         places(n, distances, size, length - 1), tokens);
    weft_value *found = there;
    for (int64_t k = 0; k < length && n->status == WEFT_OK; k++) {
        weft_value *token = tokens_at(n, x, places(n, distances, size, k), there);
        weft_value *same = weft_onnx_binary(n, WEFT_GOP_EQUAL, known(n, g, length, k), token);
        found = weft_onnx_binary(n, WEFT_GOP_AND, found, same);
    }
    return weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, weft_onnx_cast(n, found, WEFT_I32), 2,
                            (int64_t[]){ 2, 3 }, false);
}

/* ---- the result ------------------------------------------------------------------------------ */

/* The n-grams whose lengths count: those from `first` on, of all. */
typedef struct chosen {
    int64_t first, count;
} chosen;

static chosen
chosen_of(const ngrams *g)
{
    chosen c = { 0 };
    for (int64_t length = 1; length <= g->nstart && length <= g->longest; length++)
        *(length < g->shortest ? &c.first : &c.count) += of_length(g, length);
    return c;
}

/* The columns, [count, 1]. */
static weft_value *
columns(onnx_node *n, const ngrams *g, chosen of)
{
    weft_const c;
    int64_t *to = weft_onnx_new_constant(n, WEFT_I64, 2, (int64_t[]){ of.count, 1 }, &c);
    if (to)
        memcpy(to, g->column + of.first, (size_t)of.count * sizeof *to);
    return weft_onnx_constant_of(n, &c);
}

/* The weights, [count, 1]. */
static weft_value *
weights(onnx_node *n, const ngrams *g, chosen of)
{
    weft_const c;
    float *to = weft_onnx_new_constant(n, WEFT_F32, 2, (int64_t[]){ of.count, 1 }, &c);
    for (int64_t i = 0; to && i < of.count; i++)
        to[i] = (float)g->weight[of.first + i];
    return weft_onnx_constant_of(n, &c);
}

/* Counts as the mode has them, f32 [count, rows]: as they are, or whether there are any. */
static weft_value *
weighted(onnx_node *n, const ngrams *g, chosen of, weft_value *count)
{
    if (g->once)
        count = weft_onnx_binary(n, WEFT_GOP_MINIMUM, count, weft_onnx_scalar(n, WEFT_I32, 1));
    count = weft_onnx_cast(n, count, WEFT_F32);
    return g->weighs ? weft_onnx_binary(n, WEFT_GOP_MUL, count, weights(n, g, of)) : count;
}

/* All counts, f32 [columns, rows]; a column that several n-grams share has their sum. */
static weft_value *
by_column(onnx_node *n, const ngrams *g, weft_value *x)
{
    const weft_expr *dim[2] = { weft_dim(n->graph, g->columns), x->dim[0] };
    weft_value *none = weft_onnx_full(n, WEFT_F32, 2, dim, 0);
    weft_value **part = WEFT_NEW_ARRAY(n->arena, g->nstart + 1, weft_value *);
    chosen of = chosen_of(g);
    int nparts = 0;
    for (int64_t length = g->shortest; length <= g->nstart && length <= g->longest; length++)
        if (of_length(g, length))
            part[nparts++] = counts(n, g, x, length);
    if (!nparts)
        return none;
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 0 }), add = weft_attr_text("reduction", "add");
    weft_value *all = weft_onnx_emit(n, WEFT_GOP_CONCAT, nparts, part, 1, &axis);
    weft_value *in[3] = { none, columns(n, g, of), weighted(n, g, of, all) };
    return weft_onnx_emit(n, WEFT_GOP_SCATTER_ND, 3, in, 1, &add);
}

/* x [tokens] or [rows, tokens]: f32 [columns] or [rows, columns]. */
void
weft_onnx_import_tfidf(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool rows = x->ndim == 2;
    ngrams g = ngrams_of(n);
    if (x->ndim > 2 || !weft_is_int(x->dtype))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the tokens have to be integers [C] or [N, C]");
    const weft_expr *dim[2] = { weft_dim(n->graph, 1),
                                x->ndim ? x->dim[0] : weft_dim(n->graph, 1) };
    x = weft_onnx_cast(n, rows ? x : weft_onnx_reshape(n, x, 2, dim), WEFT_I64);
    weft_value *y = n->status == WEFT_OK ? by_column(n, &g, x) : NULL;
    dim[0] = weft_dim(n->graph, g.columns);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, rows ? weft_onnx_transpose(n, y, (int64_t[]){ 1, 0 })
                             : weft_onnx_reshape(n, y, 1, dim));
}
