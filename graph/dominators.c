/* Post-dominators of a graph in one sweep from the outputs back. */
#include "graph/dominators.h"

#include <string.h>

enum {
    FAR = 1024
}; /* steps up the tree after which nothing fuses anyway: keeps the sweep linear */

static void
find_uses(const weft_graph *g, weft_dominators *d, weft_arena *arena)
{
    int n = g->node.n;
    d->first_use = WEFT_NEW_ARRAY(arena, n + 2, int);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < g->node.at[i]->nin; j++)
            if (g->node.at[i]->in[j] && g->node.at[i]->in[j]->node)
                d->first_use[g->node.at[i]->in[j]->node->id + 2]++;
    for (int i = 0; i < n; i++)
        d->first_use[i + 2] += d->first_use[i + 1];
    d->use = WEFT_NEW_ARRAY(arena, d->first_use[n + 1] + 1, int);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < g->node.at[i]->nin; j++)
            if (g->node.at[i]->in[j] && g->node.at[i]->in[j]->node)
                d->use[d->first_use[g->node.at[i]->in[j]->node->id + 1]++] = i;
}

static bool
same_dims(const weft_value *a, const weft_value *b)
{
    bool same = a->ndim == b->ndim;
    for (int i = 0; same && i < a->ndim; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

/* What the user does with the value: a broadcast of equal shapes is elementwise. */
static weft_pattern
edge(const weft_value *from, const weft_node *user)
{
    weft_pattern p = weft_op_infos[user->op].pattern;
    return p == WEFT_PAT_BROADCAST && same_dims(from, user->out[0]) ? WEFT_PAT_ELEMWISE : p;
}

/* The lowest common ancestor of a and b, and the patterns met on the way; -1: none. */
static int
common(const weft_dominators *d, int a, int b, weft_pattern *p)
{
    for (int steps = 0; a != b; steps++) {
        if (a < 0 || b < 0 || steps > FAR)
            return -1;
        int *up = d->depth[a] >= d->depth[b] ? &a : &b;
        *p = *p > d->pattern[*up] ? *p : d->pattern[*up];
        *up = d->parent[*up];
    }
    return a;
}

weft_dominators
weft_dominators_find(const weft_graph *g, weft_arena *arena)
{
    weft_dominators d = { 0 };
    int n = g->node.n;
    find_uses(g, &d, arena);
    d.parent = WEFT_NEW_ARRAY(arena, n, int);
    d.depth = WEFT_NEW_ARRAY(arena, n, int);
    d.pattern = WEFT_NEW_ARRAY(arena, n, weft_pattern);
    bool *output = WEFT_NEW_ARRAY(arena, g->value.n, bool);
    for (int i = 0; i < g->output.n; i++)
        output[g->output.at[i]->id] = true;
    for (int i = n - 1; i >= 0; i--) {
        const weft_value *v = g->node.at[i]->out[0];
        d.pattern[i] = WEFT_PAT_CONST;
        d.parent[i] = -1;
        for (int u = d.first_use[i]; u < d.first_use[i + 1]; u++) {
            weft_pattern p = edge(v, g->node.at[d.use[u]]);
            d.pattern[i] = d.pattern[i] > p ? d.pattern[i] : p;
            d.parent[i] = u == d.first_use[i] ? d.use[u]
                          : d.parent[i] < 0   ? -1
                                              : common(&d, d.parent[i], d.use[u], &d.pattern[i]);
        }
        if (output[v->id] || d.first_use[i] == d.first_use[i + 1])
            d.parent[i] = -1;
        d.depth[i] = d.parent[i] < 0 ? 1 : d.depth[d.parent[i]] + 1;
    }
    return d;
}
