/* graph/op_te_sort.c: the te column of ops.def for what goes along an axis in an order. */
#include "graph/op_te.h"

TE_OP(cumulative)
{
    return done(te,
                weft_topi_cumulative(te, n->op == WEFT_GOP_CUMPROD, in[0],
                                     (int)weft_node_int(n, "axis"),
                                     weft_node_int(n, "exclusive") != 0,
                                     weft_node_int(n, "reverse") != 0),
                out);
}

/* What a size that the run reads may be at most; 0: not known. */
static int64_t
most_of(const weft_graph *g, const weft_expr *dim)
{
    int64_t most = 0;
    for (int i = 0; i < g->node.n && dim->h.kind == WEFT_EK_VAR; i++) {
        const weft_node *n = g->node.at[i];
        if (n->op == WEFT_GOP_READ && n->out[0]->elem && n->out[0]->elem[0] == dim &&
            weft_as_int(weft_node_dim(n, "most", 0), &most))
            return most;
    }
    return 0;
}

TE_OP(argsort)
{
    const weft_expr *count = weft_group_dim(te, g, weft_node_dim(n, "count", 0));
    return done(te,
                weft_topi_argsort(te, in[0], (int)weft_node_int(n, "axis"),
                                  weft_node_int(n, "descending") != 0, count,
                                  most_of(g, n->in[0]->dim[weft_node_int(n, "axis")])),
                out);
}

TE_OP(take_along_axis)
{
    return done(te, weft_topi_take_along_axis(te, in[0], in[1], (int)weft_node_int(n, "axis")),
                out);
}

TE_OP(argsort_rows)
{
    return done(te, weft_topi_argsort_rows(te, in[0], most_of(g, n->in[0]->dim[0])), out);
}

TE_OP(searchsorted)
{
    return done(te, weft_topi_searchsorted(te, in[0], in[1], weft_node_int(n, "right") != 0), out);
}

TE_OP(flatnonzero)
{
    return done(te, weft_topi_flatnonzero(te, in[0]), out);
}

TE_OP(non_max_suppression)
{
    weft_tensor *all[6] = { in[0], in[1], in[2], in[3], in[4], n->nin > 5 ? in[5] : NULL };
    return done(
        te, weft_topi_non_max_suppression(te, all, weft_node_int(n, "center_point_box") != 0), out);
}
