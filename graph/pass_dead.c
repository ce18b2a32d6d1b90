/* eliminate-dead: nodes and values that no output needs go, with the bytes of constants that were
 * theirs; ids are given anew.  What reads a size is needed by what has the size.
 *
 * needs   nodes in order
 * keeps   inputs and outputs of the graph, order
 */
#include "graph/passes.h"

#include <string.h>

typedef struct marks {
    const weft_graph *g;
    bool *value;      /* by id */
    bool *scope;      /* something in it is needed */
    weft_map *symbol; /* names of symbols in the dims of what is needed */
    weft_map *count;  /* name of a symbol that a loop binds at its end: the loop */
} marks;

static void mark_scope(marks *, int scope);

static void
mark_symbols(marks *m, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_VAR) {
        const char *name = e->h.u.var->name;
        *weft_map_slot(m->symbol, name, strlen(name)) = 1;
        mark_scope(m, (int)weft_map_get(m->count, name, strlen(name)));
    }
    for (int i = 0; i < e->h.nargs; i++)
        mark_symbols(m, e->arg[i]);
}

/* What decides whether the scope runs, and those around it; -1: none. */
static void
mark_scope(marks *m, int scope)
{
    for (; scope > 0 && !m->scope[scope]; scope = m->g->scope.at[scope].parent) {
        const weft_scope *s = &m->g->scope.at[scope];
        m->scope[scope] = true;
        mark_symbols(m, s->bound);
        if (s->test)
            mark_symbols(m, s->test);
    }
}

static void
mark_dims(marks *m, int n, const weft_expr *const *dim)
{
    for (int i = 0; i < n; i++)
        mark_symbols(m, dim[i]);
}

static bool
is_needed(const marks *m, const weft_node *n)
{
    const weft_attr *symbol = n->op == WEFT_GOP_READ ? weft_node_attr(n, "symbol") : NULL;
    bool carried = n->op == WEFT_GOP_YIELD && n->nin > 1 && m->value[n->in[1]->id];
    return symbol ? weft_map_get(m->symbol, symbol->text, strlen(symbol->text)) >= 0
                  : carried || m->value[n->out[0]->id];
}

/* What the node reads, and the scope that this is made in. */
static void
mark_node(marks *m, const weft_node *n)
{
    m->value[n->out[0]->id] = true;
    mark_scope(m, n->scope);
    mark_dims(m, n->out[0]->ndim, n->out[0]->dim);
    for (int i = 0; i < n->nattr; i++)
        if (n->attr[i].kind == WEFT_ATTR_DIMS)
            mark_dims(m, n->attr[i].n, n->attr[i].dims);
    for (int j = 0; j < n->nin; j++) {
        if (!n->in[j])
            continue;
        m->value[n->in[j]->id] = true;
        mark_scope(m, n->in[j]->node ? n->in[j]->node->scope : 0);
    }
}

/* One sweep from the outputs backwards, as nodes are in order.  Whether a carry was found to be
 * needed after its yield, which stands behind it, was passed. */
static bool
sweep(marks *m)
{
    bool again = false;
    for (int i = m->g->node.n - 1; i >= 0; i--)
        if (is_needed(m, m->g->node.at[i]))
            mark_node(m, m->g->node.at[i]);
    for (int i = 0; i < m->g->node.n; i++) {
        const weft_node *n = m->g->node.at[i];
        again = again || (is_needed(m, n) && !m->value[n->out[0]->id]);
    }
    return again;
}

static bool *
needed_values(const weft_graph *g, weft_arena *scratch)
{
    marks m = { .g = g,
                .value = WEFT_NEW_ARRAY(scratch, g->value.n, bool),
                .scope = WEFT_NEW_ARRAY(scratch, g->scope.n, bool) };
    m.symbol = weft_map_create(scratch);
    m.count = weft_map_create(scratch);
    for (int i = 0; i < g->scope.n; i++)
        if (g->scope.at[i].count) {
            const char *name = g->scope.at[i].count->name;
            *weft_map_slot(m.count, name, strlen(name)) = i;
        }
    for (int i = 0; i < g->input.n; i++)
        m.value[g->input.at[i]->id] = true;
    for (int i = 0; i < g->output.n; i++)
        m.value[g->output.at[i]->id] = true;
    while (sweep(&m))
        ;
    return m.value;
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
