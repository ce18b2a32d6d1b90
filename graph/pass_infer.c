/* infer: shapes, dtypes and known elements of the whole graph again, from its inputs.
 *
 * needs   nodes in order
 * keeps   everything but types and known elements
 */
#include "graph/passes.h"

weft_status
weft_pass_infer(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    for (int i = 0; i < g->node.n; i++) {
        weft_node *n = g->node.at[i];
        weft_value before = *n->out[0];
        weft_status st = weft_graph_infer_node(g, n);
        if (st != WEFT_OK)
            return st;
        const weft_value *v = n->out[0];
        bool same = v->dtype == before.dtype && v->ndim == before.ndim;
        for (int d = 0; same && d < v->ndim; d++)
            same = v->dim[d] == before.dim[d];
        *changed = *changed || !same;
    }
    return WEFT_OK;
}
