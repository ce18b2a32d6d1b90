/* What a model holds, read without building its graph: for `weft inspect`. */
#include "import/onnx.h"

#include <string.h>

typedef struct reading {
    onnx_file file;
    const onnx_graph_proto *proto;
    weft_arena *arena; /* the caller's */
    weft_model_summary *s;
} reading;

/* ---- operators ------------------------------------------------------------------------------- */

static void
count_op(reading *r, weft_map *seen, const onnx_node_proto *p, int64_t opset)
{
    const char *domain = weft_onnx_text(p->domain), *name = weft_onnx_text(p->op_type), *why;
    const char *key = weft_arena_printf(&r->file.arena, "%s %s", name, domain);
    int64_t *at = weft_map_slot(seen, key, strlen(key));
    if (*at < 0) {
        *at = r->s->nop++;
        bool supported = weft_onnx_find_op(p, opset, r->arena, &why) != NULL;
        r->s->op[*at].domain = weft_arena_strdup(r->arena, domain);
        r->s->op[*at].name = weft_arena_strdup(r->arena, name);
        r->s->op[*at].supported = supported;
        r->s->op[*at].reason = supported ? NULL : weft_arena_strdup(r->arena, why);
    }
    r->s->op[*at].count++;
}

static size_t
count_nodes(const onnx_graph_proto *g)
{
    size_t n = g->n_node;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_attribute; k++)
            n += g->node[i]->attribute[k]->g ? count_nodes(g->node[i]->attribute[k]->g) : 0;
    return n;
}

/* In the order of their first use, with those of graphs that nodes hold. */
static void
count_graph(reading *r, weft_map *seen, const onnx_graph_proto *g, int64_t opset)
{
    for (size_t i = 0; i < g->n_node; i++) {
        count_op(r, seen, g->node[i], opset);
        for (size_t k = 0; k < g->node[i]->n_attribute; k++)
            if (g->node[i]->attribute[k]->g)
                count_graph(r, seen, g->node[i]->attribute[k]->g, opset);
    }
}

static void
count_ops(reading *r, int64_t opset)
{
    weft_map *seen = weft_map_create(&r->file.arena);
    r->s->op = weft_arena_array(r->arena, count_nodes(r->proto) + 1, sizeof *r->s->op);
    count_graph(r, seen, r->proto, opset);
}

/* ---- inputs and outputs ---------------------------------------------------------------------- */

static const char *
dim_text(weft_arena *arena, const WeftOnnx__Dimension *d)
{
    if (d->has_dim_value && d->dim_value != -1)
        return weft_arena_printf(arena, "%lld", (long long)d->dim_value);
    return *weft_onnx_text(d->dim_param) ? weft_arena_strdup(arena, d->dim_param) : "?";
}

/* WEFT_DTYPE_COUNT and rank -1 where the model does not say, or says what weft does not have. */
static void
describe_tensor(reading *r, const onnx_value_proto *v, weft_model_side *side)
{
    const WeftOnnx__TensorTypeProto *t = v->type ? v->type->tensor_type : NULL;
    side->dtype = t ? weft_onnx_dtype(t->elem_type) : WEFT_DTYPE_COUNT;
    side->ndim = -1;
    if (!t || !t->shape || t->shape->n_dim > WEFT_ONNX_MAX_RANK)
        return;
    const char **text = WEFT_NEW_ARRAY(r->arena, t->shape->n_dim + 1, const char *);
    for (size_t i = 0; i < t->shape->n_dim; i++)
        text[i] = dim_text(r->arena, t->shape->dim[i]);
    side->ndim = (int)t->shape->n_dim;
    side->dim = text;
}

static bool
is_list(const onnx_value_proto *v)
{
    return v->type && (v->type->sequence_type || v->type->optional_type);
}

/* A type may be left out, as may its element type: 0. */
static bool
is_refused(const onnx_value_proto *v)
{
    const WeftOnnx__TypeProto *t = v->type;
    if (t && t->tensor_type)
        return t->tensor_type->elem_type &&
               weft_onnx_dtype(t->tensor_type->elem_type) == WEFT_DTYPE_COUNT;
    return t && (t->map_type || t->sparse_tensor_type || t->opaque_type);
}

static void
describe_side(reading *r, const onnx_value_proto *v, weft_model_side *side)
{
    side->name = weft_arena_strdup(r->arena, weft_onnx_text(v->name));
    side->list = is_list(v);
    side->refused = is_refused(v);
    describe_tensor(r, v, side);
}

/* Inputs that are no initializers, which is what the graph will have. */
static void
describe_sides(reading *r)
{
    const onnx_graph_proto *p = r->proto;
    weft_model_summary *s = r->s;
    weft_map *constant = weft_map_create(&r->file.arena);
    for (size_t i = 0; i < p->n_initializer; i++) {
        const char *name = weft_onnx_text(p->initializer[i]->name);
        *weft_map_slot(constant, name, strlen(name)) = 1;
    }
    s->in = weft_arena_array(r->arena, p->n_input + 1, sizeof *s->in);
    s->out = weft_arena_array(r->arena, p->n_output + 1, sizeof *s->out);
    for (size_t i = 0; i < p->n_input; i++) {
        const char *name = weft_onnx_text(p->input[i]->name);
        if (weft_map_get(constant, name, strlen(name)) < 0)
            describe_side(r, p->input[i], &s->in[s->nin++]);
    }
    for (size_t i = 0; i < p->n_output; i++)
        describe_side(r, p->output[i], &s->out[s->nout++]);
}

/* ---- random numbers -------------------------------------------------------------------------- */

static bool
is_in(const weft_map *map, const char *name)
{
    return weft_map_get(map, name, strlen(name)) >= 0;
}

/* Puts what is made of random numbers into the map: whether anything in the graph is. */
static bool
mark_random(reading *r, weft_map *random, const onnx_graph_proto *g)
{
    bool any = false;
    for (size_t i = 0; i < g->n_node; i++) {
        const onnx_node_proto *p = g->node[i];
        const char *why;
        const onnx_op *op = weft_onnx_find_op(p, r->s->opset, &r->file.arena, &why);
        bool here = op && op->random;
        for (size_t k = 0; k < p->n_input; k++)
            here = here || is_in(random, p->input[k]);
        for (size_t k = 0; k < p->n_attribute; k++)
            if (p->attribute[k]->g && mark_random(r, random, p->attribute[k]->g))
                here = true;
        for (size_t k = 0; here && k < p->n_output; k++)
            if (*p->output[k])
                *weft_map_slot(random, p->output[k], strlen(p->output[k])) = 1;
        any = any || here;
    }
    return any;
}

static void
find_random(reading *r)
{
    weft_map *random = weft_map_create(&r->file.arena);
    mark_random(r, random, r->proto);
    for (int i = 0; i < r->s->nout; i++)
        r->s->out[i].random = is_in(random, r->s->out[i].name);
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Elements of a tensor; what cannot be counted is left to the importer to refuse. */
static void
count_tensor(weft_model_summary *s, const onnx_tensor_proto *t)
{
    int64_t count = 1, bytes, sum;
    bool fits = true;
    for (size_t i = 0; i < t->n_dims; i++)
        fits = fits && t->dims[i] >= 0 && weft_mul64(count, t->dims[i], &count);
    weft_dtype dtype = weft_onnx_dtype(t->data_type);
    if (!fits || dtype == WEFT_DTYPE_COUNT || !weft_dtype_bytes(dtype, count, &bytes))
        return;
    if (weft_add64(s->parameters, count, &sum))
        s->parameters = sum;
    if (weft_add64(s->parameter_bytes, bytes, &sum))
        s->parameter_bytes = sum;
}

static void
count_parameters(reading *r)
{
    for (size_t i = 0; i < r->proto->n_initializer; i++)
        count_tensor(r->s, r->proto->initializer[i]);
    for (size_t i = 0; i < r->proto->n_node; i++) {
        const onnx_node_proto *p = r->proto->node[i];
        for (size_t k = 0;
             k < p->n_attribute && strcmp(weft_onnx_text(p->op_type), "Constant") == 0; k++)
            if (p->attribute[k]->t)
                count_tensor(r->s, p->attribute[k]->t);
    }
}

weft_status
weft_inspect_onnx(const char *path, weft_arena *arena, weft_model_summary *s, weft_diag *diag)
{
    reading r = { .arena = arena, .s = s };
    weft_diag *own = diag ? diag : weft_diag_create();
    *s = (weft_model_summary){ .format = "ONNX" };
    const onnx_model_proto *m = weft_onnx_open_model(&r.file, path, &s->opset, own);
    weft_status st = m ? WEFT_OK : weft_diag_status(own);
    if (m) {
        r.proto = m->graph;
        s->ir_version = m->ir_version;
        s->producer = weft_arena_strdup(arena, weft_onnx_text(m->producer_name));
        count_ops(&r, s->opset);
        describe_sides(&r);
        find_random(&r);
        count_parameters(&r);
    }
    weft_onnx_close(&r.file, false);
    if (!diag)
        weft_diag_destroy(own);
    return st;
}
