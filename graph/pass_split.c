/* split-large: what no buffer of the target holds becomes several.  A contraction whose weight is
 * larger than one buffer's range is split along its output channels, a table that is looked up
 * along its rows; a concatenation of more inputs than a kernel has arguments becomes a tree.
 * Parts point into the constant where they are contiguous there, and are copies otherwise.
 *
 * needs   types
 * keeps   order, results to the bit
 */
#include "graph/passes.h"

#include <string.h>

enum { DEFAULT_BUFFERS = 31 };

typedef struct splitter {
    weft_sweep s;
    int64_t limit; /* bytes of one constant; 0: none */
    int max_in;    /* inputs of a concatenation */
} splitter;

/* ---- parts of a constant --------------------------------------------------------------------- */

/* Rows from .. from+n-1 of the first dimension: no copy. */
static weft_value *
rows(weft_graph *g, const weft_value *v, int64_t from, int64_t n)
{
    weft_const c = *v->data;
    int64_t *dim = weft_arena_dup(&g->ir->arena, c.dim, (size_t)c.ndim * sizeof *dim);
    int64_t row = (int64_t)c.size / (dim[0] ? dim[0] : 1);
    dim[0] = n;
    c.dim = dim;
    c.data = (const char *)c.data + from * row;
    c.size = (size_t)(n * row);
    return weft_graph_constant(
        g, weft_arena_printf(&g->ir->arena, "%s.%lld", v->name, (long long)from), &c);
}

/* Columns from .. from+n-1 of a matrix: a copy. */
static weft_value *
columns(weft_graph *g, const weft_value *v, int64_t from, int64_t n)
{
    const weft_const *w = v->data;
    int64_t dim[2] = { w->dim[0], n }, size = weft_dtype_bits(w->dtype) / 8;
    weft_const c = weft_const_make(g, w->dtype, 2, dim);
    for (int64_t k = 0; k < dim[0]; k++)
        memcpy((char *)(uintptr_t)c.data + k * n * size,
               (const char *)w->data + (k * w->dim[1] + from) * size, (size_t)(n * size));
    return weft_graph_constant(
        g, weft_arena_printf(&g->ir->arena, "%s.%lld", v->name, (long long)from), &c);
}

static bool
whole_bytes(const weft_const *c)
{
    return weft_dtype_bits(c->dtype) >= 8;
}

/* ---- contractions ---------------------------------------------------------------------------- */

/* How many of `total` channels fit into one part; 0 after an error. */
static int64_t
channels_per_part(splitter *p, const weft_node *n, int64_t total)
{
    const weft_const *w = n->in[1]->data;
    int64_t each = (int64_t)w->size / (total ? total : 1), fit = each ? p->limit / each : total;
    if (fit == 0)
        weft_node_fail(p->s.g, n, WEFT_LIMIT,
                       "one output channel of the weight takes %lld bytes, and a "
                       "buffer of the target has at most %lld",
                       (long long)each, (long long)p->limit);
    return fit > 16 ? fit / 16 * 16 : fit;
}

static weft_value *
join(splitter *p, weft_node *n, int axis, int nparts, weft_value *const *part)
{
    int64_t at = axis;
    weft_attr attr = weft_attr_int("axis", &at);
    return weft_sweep_instead(&p->s, n, WEFT_GOP_CONCAT, nparts, part, 1, &attr);
}

static bool
split_contraction(splitter *p, weft_node *n)
{
    weft_graph *g = p->s.g;
    const weft_const *w = n->in[1]->data;
    bool matmul = n->op == WEFT_GOP_MATMUL, by_column = matmul && !weft_node_int(n, "tb");
    int64_t total = w->dim[by_column ? 1 : 0], fit = channels_per_part(p, n, total);
    if (fit == 0)
        return false;
    WEFT_VEC(weft_value *) part = { 0 };
    for (int64_t from = 0; from < total; from += fit) {
        int64_t count = total - from < fit ? total - from : fit;
        weft_value *in[3] = { n->in[0] };
        in[1] = by_column ? columns(g, n->in[1], from, count) : rows(g, n->in[1], from, count);
        if (n->nin > 2 && n->in[2])
            in[2] = rows(g, n->in[2], from, count);
        weft_value *v =
            weft_graph_add(g, n->op, n->name, n->kind, NULL, n->nin, in, n->nattr, n->attr);
        if (!v)
            return false;
        *WEFT_PUSH(&p->s.scratch, &part) = v;
    }
    return join(p, n, matmul ? n->out[0]->ndim - 1 : 1, part.n, part.at) != NULL;
}

static bool
splits_contraction(const splitter *p, const weft_node *n)
{
    if ((n->op != WEFT_GOP_MATMUL && n->op != WEFT_GOP_CONV) || !n->in[1]->data || !p->limit ||
        (int64_t)n->in[1]->data->size <= p->limit || weft_node_attr(n, "pack") ||
        !whole_bytes(n->in[1]->data))
        return false;
    if (n->op == WEFT_GOP_MATMUL)
        return n->in[1]->ndim == 2;
    return weft_node_int(n, "groups") == 1 && (n->nin < 3 || !n->in[2] || n->in[2]->data);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static bool
splits_table(const splitter *p, const weft_node *n)
{
    const weft_const *t = n->op == WEFT_GOP_GATHER ? n->in[0]->data : NULL;
    return t && p->limit && (int64_t)t->size > p->limit && weft_node_int(n, "axis") == 0 &&
           whole_bytes(t) && (n->in[1]->dtype == WEFT_I64 || n->in[1]->dtype == WEFT_I32);
}

static weft_value *
number(weft_graph *g, weft_dtype t, int64_t v)
{
    weft_const c = weft_const_make(g, t, 0, NULL);
    weft_set_i64(t, (void *)(uintptr_t)c.data, 0, v);
    return weft_graph_constant(g, NULL, &c);
}

static weft_value *
helper(splitter *p, const weft_node *n, weft_op op, weft_value *a, weft_value *b, weft_value *c)
{
    weft_value *in[3] = { a, b, c };
    if (!a || !b)
        return NULL;
    return weft_graph_add(p->s.g, op, n->name, n->kind, NULL, c ? 3 : 2, in, 0, NULL);
}

/* cond, of the shape of the indices, with 1s for the row's dimensions behind it. */
static weft_value *
per_row(splitter *p, const weft_node *n, weft_value *cond)
{
    weft_graph *g = p->s.g;
    int ndim = n->out[0]->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, ndim, const weft_expr *);
    for (int i = 0; i < ndim; i++)
        dim[i] = cond && i < cond->ndim ? cond->dim[i] : weft_dim(g, 1);
    weft_attr attr = weft_attr_dims("dims", ndim, dim);
    return cond ? weft_graph_add(g, WEFT_GOP_RESHAPE, n->name, n->kind, NULL, 1, &cond, 1, &attr)
                : NULL;
}

/* Every index is looked up in every part, clipped to it, and the part it is in is taken. */
static bool
split_table(splitter *p, weft_node *n)
{
    weft_graph *g = p->s.g;
    const weft_const *table = n->in[0]->data;
    weft_dtype t = n->in[1]->dtype;
    int64_t total = table->dim[0], each = (int64_t)table->size / total, axis = 0;
    int64_t fit = p->limit / each;
    weft_attr attr = weft_attr_int("axis", &axis);
    if (fit == 0)
        return weft_node_fail(g, n, WEFT_LIMIT,
                              "one row of the table takes %lld bytes, and a buffer of the "
                              "target has at most %lld",
                              (long long)each, (long long)p->limit),
               false;
    weft_value *index = n->in[1], *all = NULL, *under = NULL;
    weft_value *from_end = helper(p, n, WEFT_GOP_ADD, index, number(g, t, total), NULL);
    weft_value *negative = helper(p, n, WEFT_GOP_LESS, index, number(g, t, 0), NULL);
    index = helper(p, n, WEFT_GOP_WHERE, negative, from_end, index);
    for (int64_t from = 0; from < total; from += fit) {
        int64_t count = total - from < fit ? total - from : fit;
        weft_value *at = helper(p, n, WEFT_GOP_SUB, index, number(g, t, from), NULL);
        at = helper(p, n, WEFT_GOP_CLIP, at, number(g, t, 0), number(g, t, count - 1));
        weft_value *in[2] = { rows(g, n->in[0], from, count), at };
        weft_value *part = in[0] && at ? weft_graph_add(g, WEFT_GOP_GATHER, n->name, n->kind, NULL,
                                                        2, in, 1, &attr)
                                       : NULL;
        all = !all ? part : helper(p, n, WEFT_GOP_WHERE, under, all, part);
        under = per_row(p, n, helper(p, n, WEFT_GOP_LESS, index, number(g, t, from + count), NULL));
        if (!all || !under)
            return false;
    }
    weft_value_take_name(all, n->out[0]);
    weft_sweep_put(&p->s, n->out[0], all);
    return true;
}

/* ---- concatenations -------------------------------------------------------------------------- */

static bool
split_concat(splitter *p, weft_node *n)
{
    int count = n->nin;
    weft_value **in = weft_arena_dup(&p->s.scratch, n->in, (size_t)count * sizeof *in);
    while (count > p->max_in) {
        int made = 0;
        for (int i = 0; i < count; i += p->max_in) {
            int some = count - i < p->max_in ? count - i : p->max_in;
            weft_value *v = some == 1 ? in[i]
                                      : weft_graph_add(p->s.g, n->op, n->name, n->kind, NULL, some,
                                                       in + i, n->nattr, n->attr);
            if (!v)
                return false;
            in[made++] = v;
        }
        count = made;
    }
    return weft_sweep_instead(&p->s, n, n->op, count, in, n->nattr, n->attr) != NULL;
}

weft_status
weft_pass_split_large(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    splitter p = { .s = weft_sweep_start(g), .limit = options->max_range };
    int buffers = options->max_buffers ? options->max_buffers : DEFAULT_BUFFERS;
    if (options->max_alloc && (!p.limit || options->max_alloc < p.limit))
        p.limit = options->max_alloc;
    p.max_in = buffers > 3 ? buffers - 1 : 2;
    bool ok = true;
    for (int i = 0; i < p.s.n; i++) {
        weft_node *n = weft_sweep_take(&p.s, i);
        if (ok && splits_contraction(&p, n))
            ok = split_contraction(&p, n);
        else if (ok && splits_table(&p, n))
            ok = split_table(&p, n);
        else if (ok && n->op == WEFT_GOP_CONCAT && n->nin > p.max_in)
            ok = split_concat(&p, n);
        else
            weft_sweep_keep(&p.s, n);
    }
    *changed = weft_sweep_end(&p.s);
    if (ok)
        return WEFT_OK;
    return weft_diag_status(g->diag) ? weft_diag_status(g->diag) : WEFT_LIMIT;
}
