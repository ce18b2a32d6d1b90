/* Whether a graph is one: ids, order, arities, names, groups. */
#include "graph/priv.h"

#include <string.h>

static weft_status
fault(const weft_graph *g, const char *when, const char *what, const char *name)
{
    return weft_fail(g->diag, WEFT_INTERNAL, "%s: graph '%s': %s: '%s'", when, g->name, what, name);
}

static weft_status
verify_values(const weft_graph *g, const char *when, weft_arena *scratch)
{
    weft_map *names = weft_map_create(scratch);
    for (int i = 0; i < g->value.n; i++) {
        const weft_value *v = g->value.at[i];
        if (v->id != i)
            return fault(g, when, "a value's id is not its place", v->name);
        int64_t *slot = weft_map_slot(names, v->name, strlen(v->name));
        if (*slot >= 0)
            return fault(g, when, "two values have the name", v->name);
        *slot = i;
        if (v->ndim < 0)
            return fault(g, when, "a value's rank is not known", v->name);
        for (int d = 0; d < v->ndim; d++)
            if (!v->dim[d] || v->dim[d]->h.type.dtype != WEFT_I64)
                return fault(g, when, "a dimension is no i64 expression", v->name);
        if (v->node && v->data)
            return fault(g, when, "a constant is made by a node", v->name);
    }
    return WEFT_OK;
}

static weft_status
verify_node(const weft_graph *g, const char *when, const weft_node *n, bool *defined)
{
    const weft_op_info *info = &weft_op_infos[n->op];
    if (n->nin < info->min_in || (info->max_in >= 0 && n->nin > info->max_in) || n->nout != 1)
        return fault(g, when, "a node has the wrong number of inputs or outputs", n->name);
    for (int i = 0; i < n->nin; i++) {
        const weft_value *v = n->in[i];
        if (!v && (i < info->min_in || info->max_in < 0))
            return fault(g, when, "a node lacks an input", n->name);
        if (v && (v->id >= g->value.n || g->value.at[v->id] != v))
            return fault(g, when, "a node reads a value that is not in the graph", v->name);
        if (v && !defined[v->id])
            return fault(g, when, "a value is read before it is made", v->name);
        if (v && !weft_node_sees(g, n, v))
            return fault(g, when, "a value is read outside its scope", v->name);
    }
    const weft_value *v = n->out[0];
    if (v->id >= g->value.n || g->value.at[v->id] != v || v->node != n)
        return fault(g, when, "a node's output is not its own", n->name);
    if (n->group < -1 || n->group >= g->group.n)
        return fault(g, when, "a node is in a group that there is not", n->name);
    defined[v->id] = true;
    return WEFT_OK;
}

/* Scopes nest, and none is entered twice. */
static weft_status
verify_scopes(const weft_graph *g, const char *when, weft_arena *scratch)
{
    bool *left = WEFT_NEW_ARRAY(scratch, g->scope.n, bool);
    for (int i = 0, at = 0; i < g->node.n; i++) {
        int to = g->node.at[i]->scope;
        if (to < 0 || to >= g->scope.n)
            return fault(g, when, "a node is in a scope that there is not", g->node.at[i]->name);
        for (; !weft_scope_within(g, to, at); at = g->scope.at[at].parent)
            left[at] = true;
        for (int s = to; s != at; s = g->scope.at[s].parent)
            if (left[s])
                return fault(g, when, "a scope's nodes do not stand together",
                             g->node.at[i]->name);
        at = to;
    }
    return WEFT_OK;
}

static weft_status
verify_nodes(const weft_graph *g, const char *when, weft_arena *scratch)
{
    bool *defined = WEFT_NEW_ARRAY(scratch, g->value.n, bool);
    for (int i = 0; i < g->value.n; i++)
        defined[i] = g->value.at[i]->data != NULL;
    for (int i = 0; i < g->input.n; i++)
        defined[g->input.at[i]->id] = true;
    for (int i = 0; i < g->node.n; i++) {
        if (g->node.at[i]->id != i)
            return fault(g, when, "a node's id is not its place", g->node.at[i]->name);
        weft_status st = verify_node(g, when, g->node.at[i], defined);
        if (st != WEFT_OK)
            return st;
    }
    for (int i = 0; i < g->output.n; i++)
        if (!defined[g->output.at[i]->id])
            return fault(g, when, "an output is not made", g->output.at[i]->name);
    return g->output.n == g->output_name.n
               ? WEFT_OK
               : fault(g, when, "outputs and their names differ in number", g->name);
}

/* Members of a group stand side by side; groups in order. */
static weft_status
verify_groups(const weft_graph *g, const char *when)
{
    int at = 0;
    for (int i = 0; i < g->group.n; i++) {
        const weft_group *group = g->group.at[i];
        for (int j = 0; j < group->nnode; j++, at++)
            if (at >= g->node.n || g->node.at[at] != group->node[j] || group->node[j]->group != i)
                return fault(g, when, "a group's nodes do not stand together",
                             group->nnode ? group->node[j]->name : "");
        if (group->nnode == 0 || (group->nout == 0 && !weft_group_flows(group)))
            return fault(g, when, "a group is empty or makes nothing", g->name);
    }
    return g->group.n && at != g->node.n
               ? fault(g, when, "a node is in no group", g->node.at[at]->name)
               : WEFT_OK;
}

weft_status
weft_graph_verify(const weft_graph *g, const char *when)
{
    weft_arena scratch = { 0 };
    weft_status st = verify_values(g, when, &scratch);
    if (st == WEFT_OK)
        st = verify_scopes(g, when, &scratch);
    if (st == WEFT_OK)
        st = verify_nodes(g, when, &scratch);
    if (st == WEFT_OK)
        st = verify_groups(g, when);
    weft_arena_reset(&scratch);
    return st;
}
