/* fuse-attention: softmax(q k * scale + mask) v, two products and what is between them, as one node
 * `attention`, whose kernel keeps scores near: where nothing else reads them, sizes are known that
 * have to be, and an estimate says that the target gains.
 *
 * needs   types, uses counted rightly (eliminate-dead before), weights not packed
 * keeps   order, results but for rounding: narrow floats keep scores in f32
 */
#include "graph/passes.h"

#include <math.h>
#include <string.h>

enum {
    MIN_BLOCK = 8, /* queries, keys of a block */
    MAX_BLOCK = 64,
    SIDE = 16,    /* threads that share what one loads */
    UNFUSED = 64, /* rows of a product's tile */
    RESCALE =
        24, /* operations for a result and block of keys: two exponentials and what is around */
    LONG_BLOCK = 128, /* keys of a block on a CPU, where it is not known how many there are */
    MOST_KEYS = 2048, /* where it is: the scores of a block of queries stay in a core's caches */
    MANY_REGISTERS = 32, /* of vectors: they keep MANY_ROWS queries by two vectors, and operands */
    MANY_ROWS = 12,
    SOME_ROWS = 6,
    SOME_QUERIES = 48,  /* that pay for laying keys out anew, where these do not fill vectors */
    MANY_QUERIES = 128, /* and where they do */
    SCORE_TRIPS = 5     /* written, read twice and written again by softmax, read */
};

enum { ZERO_NAN = 1, ZERO_MASKED = 2 }; /* of attention's attribute `zero` */

typedef struct finding {
    const weft_node *second, *where, *test, *most, *softmax, *add, *scaling, *first;
    weft_value *q, *k, *v, *mask;
    const weft_expr *causal; /* as of attention; the mask is then what else there is in the bias */
    int64_t tq, tk, zero;
    double scale;
} finding;

/* ---- recognising ----------------------------------------------------------------------------- */

/* The node of an operator that makes v for one reader; NULL otherwise.  Values that this pass made
 * are of no operator that it looks for, and have no uses. */
static const weft_node *
maker(const weft_value *v, weft_op op, const int *uses)
{
    return v && v->node && v->node->op == op && uses[v->id] == 1 ? v->node : NULL;
}

/* Whether a product gives the dtype of its sums, which attention does not. */
static bool
is_wider(const weft_node *product)
{
    return product->out[0]->dtype != product->in[0]->dtype;
}

static bool
same_shape(const weft_value *a, const weft_value *b)
{
    for (int d = 0; a->ndim == b->ndim && d < a->ndim; d++)
        if (a->dim[d] != b->dim[d])
            return false;
    return a->ndim == b->ndim;
}

static bool
single(const weft_value *v, double *x)
{
    if (!v->data || v->nelem != 1 || !weft_is_float(v->dtype))
        return false;
    *x = weft_get_f64(v->data->dtype, v->data->data, 0);
    return true;
}

/* What v is times or over one constant, which goes into *scale; NULL: nothing of the kind. */
static weft_value *
unscaled(const weft_node *n, double *scale)
{
    double by;
    if (!n || (n->op != WEFT_GOP_MUL && n->op != WEFT_GOP_DIV))
        return NULL;
    bool over = n->op == WEFT_GOP_DIV;
    int constant = !over && single(n->in[0], &by) ? 0 : 1;
    weft_value *from = n->in[!constant];
    if (!single(n->in[constant], &by) || !same_shape(from, n->out[0]))
        return NULL;
    *scale *= over ? 1 / by : by;
    return from;
}

/* An operand of the first product without the factor and the transposition before it. */
static weft_value *
bare(weft_value *v, int64_t *transposed, double *scale)
{
    weft_value *from = unscaled(v->node, scale);
    v = from ? from : v;
    const weft_node *n = v->node;
    bool swaps = from && n && n->op == WEFT_GOP_TRANSPOSE;
    for (int d = 0; swaps && d < v->ndim; d++)
        swaps = weft_node_attr(n, "axes")->ints[d] ==
                (d < v->ndim - 2 ? d : 2 * v->ndim - 3 - d);
    *transposed ^= swaps;
    return swaps ? n->in[0] : v;
}

/* q k, or that times or over one constant; so may be q and k themselves. */
static bool
scaled_product(const weft_value *v, const int *uses, finding *f)
{
    f->scale = 1;
    f->scaling = NULL;
    for (int op = 0; op < 2 && !f->scaling; op++)
        f->scaling = maker(v, op ? WEFT_GOP_DIV : WEFT_GOP_MUL, uses);
    if (f->scaling) {
        v = unscaled(f->scaling, &f->scale);
        if (!v)
            return false;
    }
    f->first = maker(v, WEFT_GOP_MATMUL, uses);
    if (!f->first || weft_node_attr(f->first, "pack") || is_wider(f->first))
        return false;
    f->tq = weft_node_int(f->first, "ta");
    f->tk = weft_node_int(f->first, "tb");
    f->q = bare(f->first->in[0], &f->tq, &f->scale);
    f->k = bare(f->first->in[1], &f->tk, &f->scale);
    return isfinite(f->scale);
}

/* The scores, with or without something added to them. */
static bool
masked_scores(const weft_value *v, const int *uses, finding *f)
{
    f->add = maker(v, WEFT_GOP_ADD, uses);
    for (int i = 0; f->add && i < 2; i++) {
        f->mask = f->add->in[!i];
        if (f->mask->dtype == v->dtype && same_shape(f->add->in[i], v) &&
            scaled_product(f->add->in[i], uses, f))
            return true;
    }
    f->mask = NULL;
    return !f->add && scaled_product(v, uses, f);
}

/* The maximum over the last axis of what is added to the scores, where that is -inf. */
static bool
all_masked(const weft_value *v, const int *uses, finding *f)
{
    double low;
    f->test = maker(v, WEFT_GOP_EQUAL, uses);
    f->most = f->test ? maker(f->test->in[0], WEFT_GOP_REDUCE_MAX, uses) : NULL;
    if (!f->most || !single(f->test->in[1], &low) || !isinf(low) || low > 0)
        return false;
    const weft_attr *axes = weft_node_attr(f->most, "axes");
    return axes->n == 1 && axes->ints[0] == f->most->in[0]->ndim - 1 &&
           weft_node_int(f->most, "keepdims") && same_shape(f->test->in[0], v);
}

/* A softmax, or 0 where that is NaN or everything is masked. */
static bool
weights(const weft_value *v, const int *uses, finding *f)
{
    double zero;
    f->where = maker(v, WEFT_GOP_WHERE, uses);
    if (!f->where) {
        f->softmax = maker(v, WEFT_GOP_SOFTMAX, uses);
        return f->softmax != NULL;
    }
    const weft_value *p = f->where->in[2];
    bool masked = all_masked(f->where->in[0], uses, f);
    if (!masked)
        f->test = maker(f->where->in[0], WEFT_GOP_ISNAN, uses);
    f->zero = masked ? ZERO_MASKED : ZERO_NAN;
    f->softmax = p->node && p->node->op == WEFT_GOP_SOFTMAX && uses[p->id] == (masked ? 1 : 2)
                     ? p->node
                     : NULL;
    return f->test && f->softmax && (masked || f->test->in[0] == p) && same_shape(p, v) &&
           single(f->where->in[1], &zero) && fpclassify(zero) == FP_ZERO;
}

/* ---- causal masks ---------------------------------------------------------------------------- */

/* Whether a list of integers counts by ones; where from. */
static const weft_expr *
counts(weft_graph *g, const weft_value *v)
{
    const weft_node *n = v->node;
    if (n && n->op == WEFT_GOP_ARANGE)
        return weft_is_int_imm(weft_node_dim(n, "step", 0), 1) ? weft_node_dim(n, "start", 0) : NULL;
    int64_t count;
    if (!v->data || !weft_is_int(v->dtype) || !weft_value_count(v, &count) || count < 1)
        return NULL;
    int64_t first = weft_get_i64(v->dtype, v->data->data, 0);
    for (int64_t i = 1; i < count; i++)
        if (weft_get_i64(v->dtype, v->data->data, i) - i != first)
            return NULL;
    return weft_dim(g, first);
}

/* A column or row of places, however it came to lie so. */
static const weft_expr *
places(weft_graph *g, const weft_value *v, bool column)
{
    int last = v->ndim - 1;
    bool lies = column ? last == 1 && weft_is_int_imm(v->dim[1], 1) : last == 0;
    if (lies && v->node && v->node->op == WEFT_GOP_RESHAPE && v->node->in[0]->ndim == 1)
        v = v->node->in[0];
    return lies ? counts(g, v) : NULL;
}

/* key - query <= a constant, both counted. */
static bool
causal_condition(weft_graph *g, const weft_value *v, finding *f)
{
    const weft_node *less = v->node, *ahead;
    if (!less || less->op != WEFT_GOP_LESS_EQUAL)
        return false;
    const weft_value *by = less->in[1];
    ahead = less->in[0]->node;
    if (!ahead || ahead->op != WEFT_GOP_SUB || !by->data || by->ndim || !weft_is_int(by->dtype))
        return false;
    const weft_expr *key = places(g, ahead->in[0], false), *query = places(g, ahead->in[1], true);
    if (!key || !query || !weft_is_int_imm(key, 0))
        return false;
    f->causal = weft_dim_op(g, WEFT_EK_ADD, query,
                            weft_dim(g, weft_get_i64(by->dtype, by->data->data, 0)));
    return f->causal != NULL;
}

/* Row i of a constant is 0 up to element i + causal and -inf behind. */
static bool
causal_constant(weft_graph *g, const weft_value *v, finding *f)
{
    int64_t rows, cols, up = 0;
    if (!v->data || v->ndim != 2 || !weft_as_int(v->dim[0], &rows) ||
        !weft_as_int(v->dim[1], &cols))
        return false;
    for (int64_t e = 0; e < rows * cols; e++) {
        double x = weft_get_f64(v->dtype, v->data->data, e);
        if (e < cols && up == e && fpclassify(x) == FP_ZERO)
            up++;
        bool low = e % cols > e / cols + up - 1;
        if (low ? !(isinf(x) && x < 0) : fpclassify(x) != FP_ZERO)
            return false;
    }
    f->causal = weft_dim(g, up - 1);
    return rows > 0 && up > 0 && up < cols;
}

/* Takes out of the bias, which is of one row a query and one element a key, what is causal. */
static void
find_causal(weft_graph *g, const weft_value *scores, finding *f)
{
    weft_value *b = f->mask;
    double low, zero;
    for (int d = 1; d <= 2; d++)
        if (!b || b->ndim < 2 || b->dim[b->ndim - d] != scores->dim[scores->ndim - d])
            return;
    if (causal_constant(g, b, f)) {
        f->mask = NULL;
        return;
    }
    const weft_node *where = b->node;
    f->causal = NULL;
    if (!where || where->op != WEFT_GOP_WHERE || !single(where->in[2], &low) || !isinf(low) ||
        low > 0 || !causal_condition(g, where->in[0], f))
        return;
    weft_value *rest = where->in[1];
    f->mask = single(rest, &zero) && fpclassify(zero) == FP_ZERO ? NULL : rest;
}

static bool
find(weft_graph *g, const weft_node *n, const int *uses, finding *f)
{
    *f = (finding){ .second = n };
    if (n->op != WEFT_GOP_MATMUL || weft_node_attr(n, "pack") || weft_node_int(n, "ta") ||
        is_wider(n))
        return false;
    if (!weights(n->in[0], uses, f) || weft_node_int(f->softmax, "axis") != n->in[0]->ndim - 1 ||
        !masked_scores(f->softmax->in[0], uses, f) || (f->most && f->most->in[0] != f->mask))
        return false;
    find_causal(g, f->softmax->in[0], f);
    f->v = n->in[1];
    return weft_is_float(f->v->dtype) && weft_dtype_bits(f->v->dtype) >= 8 && f->q != f->k;
}

/* ---- what it costs --------------------------------------------------------------------------- */

typedef struct costs {
    double queries, keys; /* 0: not known */
    int64_t depth, width, size;
    int64_t rows, cols; /* of a block */
    int64_t lanes;      /* of panels of keys; 0: none */
    double work;        /* operations of the fused kernel; 0: it does not fit */
} costs;

static int64_t
extent(const weft_value *v, bool swapped, bool last)
{
    int64_t n;
    return weft_as_int(v->dim[v->ndim - (swapped == last ? 2 : 1)], &n) ? n : -1;
}

static double
whole(double n, int64_t block)
{
    return n > 0 ? ceil(n / (double)block) * (double)block : 1;
}

static double
work_of(const costs *c, int64_t rows, int64_t cols)
{
    double each = 2.0 * (double)(c->depth + c->width) * (1 + SIDE / (double)rows) +
                  RESCALE * (double)c->width / (double)cols;
    return whole(c->queries, rows) * whole(c->keys, cols) * each;
}

/* What te/rules/attention.c keeps in shared memory. */
static int64_t
shared_bytes(const costs *c, int64_t rows, int64_t cols)
{
    int64_t wide = c->size < 4 ? 4 : c->size;
    return wide *
           (rows * (c->depth + 2 * cols + 2) + cols * (c->depth + 2 + c->width) + 2 * SIDE * SIDE);
}

static void
choose_blocks(costs *c, int64_t most)
{
    for (int64_t rows = MAX_BLOCK; rows >= MIN_BLOCK; rows /= 2)
        for (int64_t cols = MAX_BLOCK; cols >= MIN_BLOCK; cols /= 2) {
            double work = work_of(c, rows, cols);
            if (shared_bytes(c, rows, cols) > most || (c->work > 0 && work >= c->work))
                continue;
            c->rows = rows;
            c->cols = cols;
            c->work = work;
        }
}

/* The blocks that are best, if they are better than three kernels. */
static bool
pays_in_blocks(const weft_graph_options *o, costs *c)
{
    if (c->depth > o->attention_bytes || c->width > o->attention_bytes)
        return false;
    choose_blocks(c, o->attention_bytes);
    double scores = whole(c->queries, 1) * whole(c->keys, 1),
           work = scores * 2 * (double)(c->depth + c->width) * (1 + SIDE / (double)UNFUSED),
           bytes = scores * SCORE_TRIPS * (double)c->size;
    return c->work > 0 && c->work < work + bytes * o->flops_a_byte;
}

/* Blocks for vectors along keys and columns, which save the scores' trips.  What is spent on laying
 * keys and values out anew is for the queries to make good; three kernels spend more where keys do
 * not fill vectors. */
static bool
pays_in_vectors(const weft_graph_options *o, costs *c)
{
    int64_t keys = (int64_t)c->keys;
    c->lanes = c->size > 4 ? o->attention_lanes / 2 : o->attention_lanes;
    if (c->lanes < 2 || c->width < c->lanes || (keys > 0 && keys < c->lanes))
        return false;
    int least = keys > 0 && keys % c->lanes ? SOME_QUERIES : MANY_QUERIES;
    if (c->queries > 0 && c->queries < least)
        return false;
    int64_t blocks = keys > 0 ? weft_ceildiv(keys, MOST_KEYS) : 1,
            each = keys > 0 ? weft_ceildiv(keys, blocks) : LONG_BLOCK;
    c->rows = o->attention_registers >= MANY_REGISTERS ? MANY_ROWS : SOME_ROWS;
    c->cols = weft_round_up(each, each > c->lanes ? 2 * c->lanes : c->lanes);
    return true;
}

static bool
pays(const finding *f, const weft_graph_options *o, costs *c)
{
    int64_t queries = extent(f->q, f->tq != 0, false),
            keys = extent(f->v, weft_node_int(f->second, "tb") != 0, false);
    *c = (costs){ .queries = (double)(queries < 0 ? 0 : queries),
                  .keys = (double)(keys < 0 ? 0 : keys),
                  .depth = extent(f->q, f->tq != 0, true),
                  .width = extent(f->v, weft_node_int(f->second, "tb") != 0, true),
                  .size = weft_dtype_bits(f->q->dtype) / 8 };
    if (queries == 0 || keys == 0 || c->depth < 1 || c->width < 1)
        return false;
    return o->attention_bytes > 0 ? pays_in_blocks(o, c) : pays_in_vectors(o, c);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static bool
fuse(weft_sweep *s, weft_node *n, const finding *f, const costs *c)
{
    int64_t tv = weft_node_int(n, "tb");
    weft_attr attr[9] = { weft_attr_int("tq", &f->tq),     weft_attr_int("tk", &f->tk),
                          weft_attr_int("tv", &tv),        weft_attr_float("scale", &f->scale),
                          weft_attr_int("rows", &c->rows), weft_attr_int("keys", &c->cols) };
    int nattr = 6;
    if (c->lanes)
        attr[nattr++] = weft_attr_int("lanes", &c->lanes);
    if (f->zero)
        attr[nattr++] = weft_attr_int("zero", &f->zero);
    if (f->causal)
        attr[nattr++] = weft_attr_dims("causal", 1, &f->causal);
    weft_value *in[4] = { f->q, f->k, f->v, f->mask };
    weft_value *v = weft_sweep_instead(s, n, WEFT_GOP_ATTENTION, f->mask ? 4 : 3, in, nattr, attr);
    const weft_node *taken[] = { f->first, f->scaling, f->add,  f->softmax,
                                 f->test,  f->most,    f->where };
    for (int i = 0; v && i < 7; i++)
        if (taken[i])
            weft_node_absorb(s->g, v->node, taken[i], "fused");
    return v != NULL;
}

weft_status
weft_pass_fuse_attention(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    if (options->attention_bytes <= 0 && options->attention_lanes <= 1)
        return WEFT_OK;
    bool ok = true;
    weft_arena scratch = { 0 };
    const int *uses = weft_count_uses(g, &scratch);
    weft_sweep s = weft_sweep_start(g);
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        finding f;
        costs c;
        if (ok && find(g, n, uses, &f) && pays(&f, options, &c))
            ok = fuse(&s, n, &f, &c);
        else
            weft_sweep_keep(&s, n);
    }
    *changed = weft_sweep_end(&s);
    weft_arena_reset(&scratch);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
