/* An ONNX model as a graph: constants and inputs, then the nodes in topological order, then the
 * outputs.  A node that fails is reported and given up; the rest is still read (refused.c). */
#include "import/reader.h"

#include <stdlib.h>
#include <string.h>

void
weft_reader_fail(onnx_reader *r, weft_status st, const char *fmt, ...)
{
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&s, fmt, args);
    va_end(args);
    weft_fail(r->file.diag, st, "%s: %s", r->file.leaf, weft_str_text(&s));
    weft_str_free(&s);
    r->status = r->status != WEFT_OK ? r->status : st;
}

weft_status
weft_reader_tell(onnx_reader *r)
{
    weft_diag *inner = r->graph->diag;
    weft_status st = weft_diag_status(inner);
    int length;
    const char *text = weft_diag_first(inner, &length);
    if (st != WEFT_OK)
        weft_reader_fail(r, st, "%.*s", length, text);
    weft_diag_clear(inner);
    return st;
}

/* ---- names ----------------------------------------------------------------------------------- */

void
weft_reader_define(onnx_reader *r, const char *name, onnx_slot slot)
{
    int64_t *at = weft_map_slot(r->names->map, name, strlen(name));
    if (*at >= 0) {
        weft_reader_fail(r, WEFT_INVALID_INPUT, "'%s' is defined twice; names have to be unique",
                         name);
        return;
    }
    *at = r->slot.n;
    *WEFT_PUSH(&r->file.arena, &r->slot) = slot;
}

bool
weft_reader_find(const onnx_reader *r, const char *name, onnx_slot *slot)
{
    *slot = (onnx_slot){ 0 };
    for (const onnx_names *n = r->names; n; n = n->outer) {
        int64_t at = weft_map_get(n->map, name, strlen(name));
        if (at < 0)
            continue;
        *slot = r->slot.at[at];
        return true;
    }
    return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static const char *
provenance(const onnx_node_proto *p)
{
    if (*weft_onnx_text(p->name))
        return p->name;
    for (size_t i = 0; i < p->n_output; i++)
        if (*p->output[i])
            return p->output[i];
    return weft_onnx_text(p->op_type);
}

/* Fills n->in; false: something is not there, which has been reported, now or before. */
static bool
resolve_inputs(onnx_node *n)
{
    bool all = true;
    for (int i = 0; i < n->nin; i++) {
        const char *name = n->proto->input[i];
        onnx_slot slot;
        if (!*name)
            continue;
        if (!weft_reader_find(n->reader, name, &slot))
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "input %d ('%s') is made by no other node, input or initializer", i,
                           name);
        n->in[i] = slot.value;
        n->in_list[i] = slot.list;
        all = all && (slot.value || slot.list);
    }
    return all;
}

static bool
is_there(const onnx_node *n, int i)
{
    return n->in[i] || n->in_list[i];
}

static void
check_arity(onnx_node *n)
{
    const onnx_op *op = n->op;
    for (int i = 0; i < n->nin && !op->lists; i++)
        if (n->in_list[i])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d ('%s') is %s; it takes tensors", i,
                           n->proto->input[i],
                           n->in_list[i]->optional ? "an optional" : "a sequence");
    while (n->nin > op->min_in && !is_there(n, n->nin - 1))
        n->nin--;
    if (n->nin < op->min_in || (op->max_in >= 0 && n->nin > op->max_in))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d inputs; it takes %d%s", n->nin, op->min_in,
                       op->max_in == op->min_in ? ""
                       : op->max_in < 0         ? " or more"
                                                : " at least and not so many");
    if (n->nout < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has no outputs");
    int required = op->max_in < 0 && !op->lists ? n->nin : op->min_in;
    for (int i = 0; i < required && n->status == WEFT_OK; i++)
        if (!is_there(n, i))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d is missing", i);
}

/* An attribute that the importer did not ask for may change what the operator means. */
static void
check_attributes(onnx_node *n)
{
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (!n->used[i])
            weft_onnx_fail(n, WEFT_UNSUPPORTED, "attribute '%s' is not supported",
                           weft_onnx_text(n->proto->attribute[i]->name));
}

static void
check_outputs(onnx_node *n)
{
    for (int i = 0; i < n->nout; i++) {
        if (!*n->proto->output[i] || n->out_list[i])
            continue;
        if (!n->out[i])
            weft_onnx_fail(n, WEFT_UNSUPPORTED, "output %d ('%s') is not supported", i,
                           n->proto->output[i]);
        else if (n->out[i]->ndim > WEFT_ONNX_MAX_RANK)
            weft_onnx_fail(n, WEFT_UNSUPPORTED,
                           "output %d has %d dimensions; at most %d are allowed", i,
                           n->out[i]->ndim, WEFT_ONNX_MAX_RANK);
    }
}

static void
run_importer(onnx_node *n)
{
    const char *program = weft_reader_user_op(n->reader, n->proto);
    if (program) {
        weft_reader_import_user(n, program);
        return;
    }
    check_arity(n);
    if (n->status != WEFT_OK)
        return;
    if (n->version < 6)
        weft_onnx_ignore(n, "consumed_inputs");
    n->op->import(n);
    if (n->status == WEFT_OK)
        check_attributes(n);
    if (n->status == WEFT_OK)
        check_outputs(n);
}

onnx_node
weft_reader_node(onnx_reader *r, const onnx_node_proto *p)
{
    weft_arena *arena = &r->file.arena;
    const char *why = NULL;
    onnx_node n = {
        .reader = r, .graph = r->graph, .arena = arena, .proto = p, .version = r->opset
    };
    n.name = provenance(p);
    n.kind = weft_onnx_text(p->op_type);
    n.op = weft_onnx_find_op(p, r->opset, arena, &why);
    n.nin = (int)p->n_input;
    n.nout = (int)p->n_output;
    n.in = WEFT_NEW_ARRAY(arena, n.nin + 1, weft_value *);
    n.out = WEFT_NEW_ARRAY(arena, n.nout + 1, weft_value *);
    n.in_list = WEFT_NEW_ARRAY(arena, n.nin + 1, const onnx_list *);
    n.out_list = WEFT_NEW_ARRAY(arena, n.nout + 1, const onnx_list *);
    n.used = WEFT_NEW_ARRAY(arena, p->n_attribute + 1, bool);
    if (!n.op && !weft_reader_user_op(r, p))
        weft_onnx_fail(&n, WEFT_UNSUPPORTED, "%s", why);
    r->status = r->status != WEFT_OK ? r->status : n.status;
    return n;
}

/* What rests on an unsure value is unsure. */
static void
define_outputs(onnx_node *n)
{
    onnx_reader *r = n->reader;
    bool unsure = false;
    for (int i = 0; i < n->nin; i++)
        unsure =
            unsure || weft_map_get(r->unsure, n->proto->input[i], strlen(n->proto->input[i])) >= 0;
    for (int i = 0; i < n->nout; i++) {
        const char *name = n->proto->output[i];
        if (*name)
            weft_reader_define(r, name, (onnx_slot){ n->out[i], n->out_list[i] });
        if (*name && unsure)
            *weft_map_slot(r->unsure, name, strlen(name)) = 1;
    }
}

static void
import_node(onnx_reader *r, const onnx_node_proto *p)
{
    onnx_node n = weft_reader_node(r, p);
    bool there = resolve_inputs(&n);
    if (there && n.status == WEFT_OK)
        run_importer(&n);
    if (there && n.status == WEFT_OK)
        define_outputs(&n);
    else
        weft_reader_give_up(&n);
    r->status = r->status != WEFT_OK ? r->status : n.status;
}

void
weft_reader_nodes(onnx_reader *r, const onnx_graph_proto *p)
{
    if (p->n_sparse_initializer)
        weft_reader_fail(r, WEFT_UNSUPPORTED, "sparse initializers are not supported");
    const onnx_node_proto *const *order = weft_reader_order(r, p);
    for (size_t i = 0; i < p->n_node; i++)
        import_node(r, order[i]);
}

/* ---- graphs of nodes ------------------------------------------------------------------------- */

/* Inputs of the graph that are none of its initializers get what they stand for. */
static void
define_inputs(onnx_node *n, const onnx_graph_proto *p, int nin, const onnx_slot *in)
{
    onnx_reader *r = n->reader;
    int k = 0;
    for (size_t i = 0; i < p->n_input; i++) {
        const char *name = weft_onnx_text(p->input[i]->name);
        if (weft_map_get(r->names->map, name, strlen(name)) >= 0)
            continue;
        if (k < nin)
            weft_reader_define(r, name, in[k]);
        k++;
    }
    if (k != nin)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "its graph '%s' has %d inputs, where %d are given",
                       weft_onnx_text(p->name), k, nin);
}

static void
find_outputs(onnx_node *n, const onnx_graph_proto *p, int nout, onnx_slot *out)
{
    if (p->n_output != (size_t)nout)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "its graph '%s' has %zu outputs, where %d are needed",
                       weft_onnx_text(p->name), p->n_output, nout);
    for (int i = 0; i < nout && n->status == WEFT_OK; i++) {
        const char *name = weft_onnx_text(p->output[i]->name);
        if (!weft_reader_find(n->reader, name, &out[i]))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "output '%s' of its graph is made by no node",
                           name);
        else if (!out[i].value && !out[i].list) /* reported where it should have been made */
            n->status = n->reader->status ? n->reader->status : WEFT_INVALID_INPUT;
    }
}

void
weft_onnx_body(onnx_node *n, const onnx_graph_proto *p, const weft_expr *iteration, int nin,
               const onnx_slot *in, int nout, onnx_slot *out)
{
    onnx_reader *r = n->reader;
    onnx_names names = { .map = weft_map_create(&r->file.arena), .outer = r->names, .proto = p };
    if (n->status != WEFT_OK)
        return;
    *weft_map_slot(r->told, &p, sizeof p) = 1;
    r->names = &names;
    if (iteration)
        *WEFT_PUSH(&r->file.arena, &r->iteration) = iteration;
    weft_reader_initializers(r, p);
    define_inputs(n, p, nin, in);
    if (n->status == WEFT_OK)
        weft_reader_nodes(r, p);
    if (n->status == WEFT_OK)
        find_outputs(n, p, nout, out);
    r->iteration.n -= iteration != NULL;
    r->names = names.outer;
    n->next = NULL;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static bool
is_output(const weft_graph *g, const weft_value *v)
{
    for (int i = 0; i < g->output.n; i++)
        if (g->output.at[i] == v)
            return true;
    return false;
}

/* An output is made by a node, and every output by its own. */
static void
give_output(onnx_reader *r, const char *name, weft_value *v)
{
    weft_graph *g = r->graph;
    if (!v->node || is_output(g, v))
        v = weft_graph_add(g, WEFT_GOP_IDENTITY, name, "Identity", name, 1, &v, 0, NULL);
    if (!v || weft_graph_output(g, v) != WEFT_OK)
        weft_reader_tell(r);
    else
        g->output_name.at[g->output_name.n - 1] = weft_arena_strdup(&g->ir->arena, name);
}

/* Of a list, each of its tensors: "y.0", "y.1", .. */
static void
give_outputs(onnx_reader *r, const char *name, onnx_slot slot)
{
    if (slot.value)
        give_output(r, name, slot.value);
    for (int i = 0; slot.list && i < slot.list->n; i++) {
        bool same = slot.list->optional && slot.list->at[i].list;
        give_outputs(r, same ? name : weft_arena_printf(&r->file.arena, "%s.%d", name, i),
                     slot.list->at[i]);
    }
}

/* The element type of an output may be left out; one that is there has to be right.  Shapes are
 * inferred, and not compared: models declare wrong ones. */
static void
check_declared(onnx_reader *r, const onnx_value_proto *v, const weft_value *made)
{
    const WeftOnnx__TypeProto *t = v->type;
    int64_t type = t && t->tensor_type ? t->tensor_type->elem_type : 0;
    const char *name = weft_onnx_dtype_name(type);
    if (type && made && weft_onnx_dtype(type) != made->dtype)
        weft_reader_fail(r, WEFT_INVALID_INPUT,
                         "output '%s' is declared to be of element type %d%s%s%s, but is %s",
                         weft_onnx_text(v->name), (int)type, name ? " (" : "", name ? name : "",
                         name ? ")" : "", weft_dtype_name(made->dtype));
}

static void
import_output(onnx_reader *r, const onnx_value_proto *v)
{
    const char *name = weft_onnx_text(v->name);
    onnx_slot slot;
    if (!weft_reader_find(r, name, &slot))
        weft_reader_fail(r, WEFT_INVALID_INPUT, "output '%s' is made by no node", name);
    check_declared(r, v, slot.value);
    give_outputs(r, name, slot);
}

static void
import_graph(onnx_reader *r)
{
    const onnx_graph_proto *p = r->proto;
    weft_reader_inputs(r);
    weft_reader_nodes(r, p);
    for (size_t i = 0; i < p->n_output; i++)
        import_output(r, p->output[i]);
    if (p->n_output == 0)
        weft_reader_fail(r, WEFT_INVALID_INPUT, "the graph has no outputs");
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* A graph whose messages go to a diag of the reader's; `mappings` go with it. */
static void
begin(onnx_reader *r)
{
    r->proto = r->model->graph;
    r->names = WEFT_NEW(&r->file.arena, onnx_names);
    r->names->map = weft_map_create(&r->file.arena);
    r->names->proto = r->proto;
    r->told = weft_map_create(&r->file.arena);
    r->unsure = weft_map_create(&r->file.arena);
    r->bound = weft_map_create(&r->file.arena);
    r->mappings = calloc(1, sizeof *r->mappings);
    weft_assert(r->mappings, "out of memory");
    r->mappings->model = r->file.map;
    r->graph = weft_graph_create(weft_onnx_text(r->proto->name), weft_diag_create());
    r->graph->model = weft_arena_strdup(&r->graph->ir->arena, r->file.leaf);
    r->graph->owner = r->mappings;
    r->graph->release = weft_onnx_release;
}

/* Hands the graph to the caller's diag, or destroys it where it has faults. */
static weft_graph *
finish(onnx_reader *r)
{
    weft_graph *g = r->graph;
    weft_diag *inner = g->diag;
    if (r->status != WEFT_OK && r->options->partial)
        weft_reader_keep_rest(r);
    g->diag = g->ir->diag = r->file.diag;
    weft_diag_destroy(inner);
    if (r->status == WEFT_OK || r->options->partial)
        return g;
    weft_graph_destroy(g);
    return NULL;
}

weft_graph *
weft_import_onnx(const char *path, const weft_import_options *options, weft_diag *diag)
{
    static const weft_import_options none;
    onnx_reader r = { .options = options ? options : &none };
    weft_graph *g = NULL;
    r.model = weft_onnx_open_model(&r.file, path, &r.opset, diag);
    if (r.model) {
        begin(&r);
        import_graph(&r);
        g = finish(&r);
    }
    weft_onnx_close(&r.file, r.model != NULL);
    return g;
}
