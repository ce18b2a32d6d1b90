/* What is read of a model after a node of it was refused, so that all faults are told at once.
 *
 * What the node should have made is taken to be as the model declares it (value_info), and
 * nodes that read it are read; where nothing is declared they are passed over.  A value like
 * that is known by its type alone: what decides a shape or is a parameter may have been
 * known, had the node not been refused, so nothing is said of nodes that such a value of at
 * most one dimension goes into.
 */
#include "import/reader.h"

#include <string.h>

static int64_t *
told(onnx_reader *r, const void *proto)
{
    return weft_map_slot(r->told, &proto, sizeof proto);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static bool
is_unsure(const onnx_node *n, int i)
{
    const char *name = n->proto->input[i];
    const weft_value *v = n->in[i];
    bool small = v && v->ndim <= 1 && !v->elem && !v->data;
    return small && weft_map_get(n->reader->unsure, name, strlen(name)) >= 0;
}

bool
weft_reader_tells(const onnx_node *n)
{
    int64_t *slot = told(n->reader, n->proto);
    bool first = *slot < 0;
    for (int i = 0; i < n->nin && first; i++)
        if (is_unsure(n, i))
            return false;
    *slot = 1;
    return first;
}

/* ---- giving a node up ------------------------------------------------------------------------ */

/* None of the graphs of a node was read: what is not supported in them stops the model, too. */
static void
refuse_in_graphs(onnx_reader *r, const onnx_node_proto *p)
{
    for (size_t i = 0; i < p->n_attribute; i++)
        if (p->attribute[i]->g && *told(r, p->attribute[i]->g) >= 0)
            return;
    for (size_t i = 0; i < p->n_attribute; i++)
        for (size_t k = 0; p->attribute[i]->g && k < p->attribute[i]->g->n_node; k++) {
            weft_reader_node(r, p->attribute[i]->g->node[k]);
            refuse_in_graphs(r, p->attribute[i]->g->node[k]);
        }
}

static void
stand_in(onnx_reader *r, const char *name)
{
    weft_value *v = *name ? weft_reader_stand_in(r, name) : NULL;
    if (*name)
        weft_reader_define(r, name, (onnx_slot){ .value = v });
    if (v)
        *weft_map_slot(r->unsure, name, strlen(name)) = 1;
}

void
weft_reader_give_up(onnx_node *n)
{
    onnx_reader *r = n->reader;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && n->in[i]->node && n->in[i]->node->scope == 0)
            *WEFT_PUSH(n->arena, &r->wanted) = n->in[i];
    refuse_in_graphs(r, n->proto);
    for (int i = 0; i < n->nout; i++)
        stand_in(r, n->proto->output[i]);
}

/* ---- the rest as a graph --------------------------------------------------------------------- */

void
weft_reader_keep_rest(onnx_reader *r)
{
    weft_graph *g = r->graph;
    bool *is_output = WEFT_NEW_ARRAY(&r->file.arena, g->value.n + 1, bool);
    for (int i = 0; i < g->output.n; i++)
        is_output[g->output.at[i]->id] = true;
    for (int i = 0; i < r->wanted.n; i++) {
        weft_value *v = r->wanted.at[i];
        if (!is_output[v->id] && v->node->op != WEFT_GOP_READ)
            weft_graph_output(g, v);
        is_output[v->id] = true;
    }
    weft_run_graph_passes(g, "eliminate-dead", &(weft_graph_options){ 0 });
}
