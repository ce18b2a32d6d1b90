/* Groups: who belongs to one, and what crosses its border. */
#include "graph/priv.h"

bool
weft_group_immediate(const weft_group *group, const weft_value *v)
{
    if (!v->data || v->nelem != 1)
        return false;
    for (int i = 0; i < group->nnode; i++) {
        const weft_node *n = group->node[i];
        weft_pattern p = weft_op_infos[n->op].pattern;
        for (int j = 0; j < n->nin; j++)
            if (n->in[j] == v && (p == WEFT_PAT_OPAQUE || (p == WEFT_PAT_CONTRACTION && j < 2)))
                return false;
    }
    return true;
}

bool
weft_group_computes(const weft_group *group)
{
    return group->pattern != WEFT_PAT_ALIAS && group->pattern != WEFT_PAT_PARTS &&
           !weft_node_flows(group->node[0]);
}

/* Values that a node of another group or the graph's caller reads. */
static bool *
escaping(const weft_graph *g, weft_arena *scratch)
{
    bool *escapes = WEFT_NEW_ARRAY(scratch, g->value.n, bool);
    for (int i = 0; i < g->node.n; i++) {
        const weft_node *n = g->node.at[i];
        for (int j = 0; j < n->nin; j++)
            if (n->in[j] && n->in[j]->node && n->in[j]->node->group != n->group)
                escapes[n->in[j]->id] = true;
    }
    for (int i = 0; i < g->output.n; i++)
        escapes[g->output.at[i]->id] = true;
    return escapes;
}

static void
find_members(weft_graph *g)
{
    for (int i = 0; i < g->group.n; i++)
        g->group.at[i]->nnode = 0;
    for (int i = 0; i < g->node.n; i++)
        if (g->node.at[i]->group >= 0)
            g->group.at[g->node.at[i]->group]->nnode++;
    for (int i = 0; i < g->group.n; i++) {
        weft_group *group = g->group.at[i];
        group->node = WEFT_NEW_ARRAY(&g->ir->arena, group->nnode, weft_node *);
        group->nnode = 0;
    }
    for (int i = 0; i < g->node.n; i++)
        if (g->node.at[i]->group >= 0) {
            weft_group *group = g->group.at[g->node.at[i]->group];
            group->node[group->nnode++] = g->node.at[i];
        }
}

/* seen[v] is the last group, plus one, that took v in. */
static void
find_border(weft_graph *g, int index, const bool *escapes, int *seen)
{
    weft_group *group = g->group.at[index];
    WEFT_VEC(weft_value *) in = { 0 }, out = { 0 };
    for (int i = 0; i < group->nnode; i++) {
        const weft_node *n = group->node[i];
        for (int j = 0; j < n->nin; j++) {
            weft_value *v = n->in[j];
            if (!v || (v->node && v->node->group == index) || seen[v->id] == index + 1)
                continue;
            seen[v->id] = index + 1;
            if (!weft_group_immediate(group, v))
                *WEFT_PUSH(&g->ir->arena, &in) = v;
        }
        for (int j = 0; j < n->nout; j++)
            if (escapes[n->out[j]->id])
                *WEFT_PUSH(&g->ir->arena, &out) = n->out[j];
    }
    group->in = in.at;
    group->nin = in.n;
    group->out = out.at;
    group->nout = out.n;
}

void
weft_group_finish(weft_graph *g)
{
    weft_arena scratch = { 0 };
    const bool *escapes = escaping(g, &scratch);
    int *seen = WEFT_NEW_ARRAY(&scratch, g->value.n, int);
    find_members(g);
    for (int i = 0; i < g->group.n; i++)
        find_border(g, i, escapes, seen);
    weft_arena_reset(&scratch);
}
