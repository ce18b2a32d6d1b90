/* eliminate-dead: nodes and values that no output needs go, with the bytes of constants that were
 * theirs; ids are given anew.
 *
 * needs   nodes in order
 * keeps   inputs and outputs of the graph, order
 */
#include "graph/passes.h"

/* Marks from the outputs backwards: one sweep, as nodes are in order. */
static bool *
needed_values(const weft_graph *g, weft_arena *scratch)
{
    bool *needed = WEFT_NEW_ARRAY(scratch, g->value.n, bool);
    for (int i = 0; i < g->input.n; i++)
        needed[g->input.at[i]->id] = true;
    for (int i = 0; i < g->output.n; i++)
        needed[g->output.at[i]->id] = true;
    for (int i = g->node.n - 1; i >= 0; i--) {
        const weft_node *n = g->node.at[i];
        if (needed[n->out[0]->id])
            for (int j = 0; j < n->nin; j++)
                if (n->in[j])
                    needed[n->in[j]->id] = true;
    }
    return needed;
}

weft_status
weft_pass_eliminate_dead(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    weft_arena scratch = { 0 };
    const bool *needed = needed_values(g, &scratch);
    weft_value **dead = WEFT_NEW_ARRAY(&scratch, g->value.n + 1, weft_value *);
    int nodes = 0, values = 0, ndead = 0;
    for (int i = 0; i < g->node.n; i++) {
        weft_node *n = g->node.at[i];
        if (!needed[n->out[0]->id])
            continue;
        n->id = nodes;
        g->node.at[nodes++] = n;
    }
    for (int i = 0; i < g->value.n; i++) {
        weft_value *v = g->value.at[i];
        if (!needed[i]) {
            dead[ndead++] = v;
            continue;
        }
        v->id = values;
        g->value.at[values++] = v;
    }
    *changed = nodes != g->node.n || values != g->value.n;
    g->node.n = nodes;
    g->value.n = values;
    if (ndead)
        weft_graph_free_bytes(g, ndead, dead);
    weft_arena_reset(&scratch);
    return WEFT_OK;
}
