/* One walk over a graph that rebuilds its list of nodes. */
#include "graph/sweep.h"

#include <string.h>

weft_sweep
weft_sweep_start(weft_graph *g)
{
    weft_sweep s = { .g = g, .node = g->node.at, .n = g->node.n, .nto = g->value.n };
    s.to = WEFT_NEW_ARRAY(&s.scratch, s.nto, weft_value *);
    memset(&g->node, 0, sizeof g->node); /* the old list stays in the arena */
    g->within = 0;
    return s;
}

static weft_value *
stands_for(const weft_sweep *s, weft_value *v)
{
    return v && v->id < s->nto && s->to[v->id] ? s->to[v->id] : v;
}

weft_node *
weft_sweep_take(weft_sweep *s, int i)
{
    weft_node *n = s->node[i];
    for (int j = 0; j < n->nin; j++)
        n->in[j] = stands_for(s, n->in[j]);
    s->g->within = n->scope;
    return n;
}

void
weft_sweep_keep(weft_sweep *s, weft_node *n)
{
    *WEFT_PUSH(&s->g->ir->arena, &s->g->node) = n;
}

void
weft_sweep_put(weft_sweep *s, weft_value *from, weft_value *to)
{
    s->to[from->id] = to;
    s->changed = true;
}

bool
weft_sweep_end(weft_sweep *s)
{
    weft_graph *g = s->g;
    for (int i = 0; i < g->output.n; i++)
        g->output.at[i] = stands_for(s, g->output.at[i]);
    for (int i = 0; i < g->node.n; i++)
        g->node.at[i]->id = i;
    g->within = 0;
    bool changed = s->changed || g->node.n != s->n;
    weft_arena_reset(&s->scratch);
    return changed;
}

int *
weft_count_uses(const weft_graph *g, weft_arena *scratch)
{
    int *uses = WEFT_NEW_ARRAY(scratch, g->value.n, int);
    for (int i = 0; i < g->node.n; i++)
        for (int j = 0; j < g->node.at[i]->nin; j++)
            if (g->node.at[i]->in[j])
                uses[g->node.at[i]->in[j]->id]++;
    for (int i = 0; i < g->output.n; i++)
        uses[g->output.at[i]->id]++;
    return uses;
}

void
weft_value_take_name(weft_value *v, weft_value *old)
{
    const char *spare = v->name;
    v->name = old->name;
    old->name = spare;
}

weft_value *
weft_sweep_instead(weft_sweep *s, weft_node *n, weft_op op, int nin, weft_value *const *in,
                   int nattr, const weft_attr *attr)
{
    weft_value *v =
        weft_graph_add(s->g, op, n->name, n->kind, n->out[0]->name, nin, in, nattr, attr);
    if (!v)
        return NULL;
    weft_value_take_name(v, n->out[0]);
    weft_sweep_put(s, n->out[0], v);
    return v;
}
