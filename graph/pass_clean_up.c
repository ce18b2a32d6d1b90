/* clean-up: chains of reshapes, transposes and casts become one of them or none; a transpose of the
 * last two axes goes into the matmul that reads it.
 *
 * needs   types
 * keeps   order; leaves dead producers for eliminate-dead
 */
#include "graph/passes.h"

/* The node that makes input 0, if it is of that operator. */
static const weft_node *
maker(const weft_node *n, weft_op op)
{
    return n->in[0] && n->in[0]->node && n->in[0]->node->op == op ? n->in[0]->node : NULL;
}

static bool
same_dims(weft_graph *g, const weft_value *a, const weft_value *b)
{
    bool same = a->ndim == b->ndim;
    for (int i = 0; same && i < a->ndim; i++)
        same = weft_dim_equal(g, a->dim[i], b->dim[i]) == 1;
    return same;
}

/* reshape of reshape: the last one decides.  Of a shape that it had before: nothing. */
static weft_value *
clean_reshape(weft_sweep *s, weft_node *n)
{
    const weft_node *first = maker(n, WEFT_GOP_RESHAPE);
    weft_value *from = first ? first->in[0] : n->in[0];
    if (same_dims(s->g, from, n->out[0]))
        return from;
    if (!first)
        return n->out[0];
    return weft_sweep_instead(s, n, WEFT_GOP_RESHAPE, 1, &from, n->nattr, n->attr);
}

/* Whether no axis but those of length 1 changes its place among the others. */
static bool
moves_only_units(const weft_value *x, const int64_t *axes)
{
    int64_t last = -1;
    for (int i = 0; i < x->ndim; i++) {
        if (weft_is_int_imm(x->dim[axes[i]], 1))
            continue;
        if (axes[i] < last)
            return false;
        last = axes[i];
    }
    return true;
}

static weft_value *
clean_transpose(weft_sweep *s, weft_node *n)
{
    const weft_node *first = maker(n, WEFT_GOP_TRANSPOSE);
    const int64_t *axes = weft_node_attr(n, "axes")->ints;
    weft_value *from = first ? first->in[0] : n->in[0];
    int rank = from->ndim;
    int64_t *both = WEFT_NEW_ARRAY(&s->g->ir->arena, rank, int64_t);
    bool in_order = true;
    for (int i = 0; i < rank; i++) {
        both[i] = first ? weft_node_attr(first, "axes")->ints[axes[i]] : axes[i];
        in_order = in_order && both[i] == i;
    }
    if (in_order)
        return from;
    if (moves_only_units(from, both)) {
        weft_attr dims = weft_attr_dims("dims", rank, n->out[0]->dim);
        return weft_sweep_instead(s, n, WEFT_GOP_RESHAPE, 1, &from, 1, &dims);
    }
    if (!first)
        return n->out[0];
    weft_attr attr = weft_attr_ints("axes", rank, both);
    return weft_sweep_instead(s, n, WEFT_GOP_TRANSPOSE, 1, &from, 1, &attr);
}

/* Whether every value of `from` is one of `to`. */
static bool
widens(weft_dtype from, weft_dtype to)
{
    weft_dkind a = weft_dtype_kind(from), b = weft_dtype_kind(to);
    int bits = weft_dtype_bits(from), to_bits = weft_dtype_bits(to);
    if (from == to || a == WEFT_KIND_BOOL)
        return true;
    if (a == WEFT_KIND_FLOAT)
        return b == WEFT_KIND_FLOAT && bits >= 16 && to_bits > bits;
    if (b == WEFT_KIND_FLOAT)
        return bits - (a == WEFT_KIND_INT) <= weft_dtype_mantissa(to) + 1 && to_bits >= 32;
    return b != WEFT_KIND_BOOL && to_bits > bits && (b == WEFT_KIND_INT || a == WEFT_KIND_UINT);
}

/* A cast that loses nothing before another cast. */
static weft_value *
clean_cast(weft_sweep *s, weft_node *n)
{
    const weft_node *first = maker(n, WEFT_GOP_CAST);
    if (!first || !widens(first->in[0]->dtype, first->out[0]->dtype))
        return n->out[0];
    weft_value *from = first->in[0];
    if (from->dtype == n->out[0]->dtype)
        return from;
    return weft_sweep_instead(s, n, WEFT_GOP_CAST, 1, &from, n->nattr, n->attr);
}

static bool
swaps_last(const weft_value *v)
{
    if (!v->node || v->node->op != WEFT_GOP_TRANSPOSE || v->ndim < 2)
        return false;
    const int64_t *axes = weft_node_attr(v->node, "axes")->ints;
    for (int i = 0; i < v->ndim - 2; i++)
        if (axes[i] != i)
            return false;
    return axes[v->ndim - 2] == v->ndim - 1;
}

static weft_value *
clean_matmul(weft_sweep *s, weft_node *n)
{
    static const char *const flag[] = { "ta", "tb" };
    weft_value *in[2] = { n->in[0], n->in[1] };
    int64_t t[2];
    weft_attr attr[3];
    const weft_attr *dtype = weft_node_attr(n, "dtype");
    bool changed = false;
    if (weft_node_attr(n, "pack"))
        return n->out[0];
    for (int i = 0; i < 2; i++) {
        bool swaps = swaps_last(in[i]);
        t[i] = (weft_node_int(n, flag[i]) != 0) != swaps;
        in[i] = swaps ? in[i]->node->in[0] : in[i];
        attr[i] = weft_attr_int(flag[i], &t[i]);
        changed = changed || swaps;
    }
    if (dtype)
        attr[2] = *dtype;
    return changed ? weft_sweep_instead(s, n, WEFT_GOP_MATMUL, 2, in, dtype ? 3 : 2, attr)
                   : n->out[0];
}

/* What stands for the node's output: itself when nothing changes, NULL after an error. */
static weft_value *
cleaned(weft_sweep *s, weft_node *n)
{
    switch (n->op) {
    case WEFT_GOP_RESHAPE:
        return clean_reshape(s, n);
    case WEFT_GOP_TRANSPOSE:
        return clean_transpose(s, n);
    case WEFT_GOP_CAST:
        return clean_cast(s, n);
    case WEFT_GOP_MATMUL:
        return clean_matmul(s, n);
    default:
        return n->out[0];
    }
}

weft_status
weft_pass_clean_up(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    weft_status st = WEFT_OK;
    weft_sweep s = weft_sweep_start(g);
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        weft_value *v = st == WEFT_OK ? cleaned(&s, n) : n->out[0];
        if (!v)
            st = WEFT_INTERNAL;
        else if (v == n->out[0])
            weft_sweep_keep(&s, n);
        else
            weft_sweep_put(&s, n->out[0], v);
    }
    *changed = weft_sweep_end(&s);
    return st;
}
