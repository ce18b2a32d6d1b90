/* A group as a te program: inputs, the operators' definitions in order, outputs, and what the
 * kernels' headers say. */
#include "graph/flops.h"
#include "graph/priv.h"

#include <string.h>

typedef struct maker {
    const weft_graph *g;
    const weft_group *group;
    weft_te *te;
    weft_arena scratch;
    weft_map *tensor_of; /* value id: index into tensor */
    WEFT_VEC(weft_tensor *) tensor;
} maker;

/* ---- names ----------------------------------------------------------------------------------- */

/* Letters and digits of the text up to the first blank, words joined by one underscore. */
static void
add_words(weft_str *s, const char *text)
{
    bool gap = s->n > 0;
    for (const char *c = text; *c && *c != ' '; c++) {
        bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!plain) {
            gap = s->n > 0;
            continue;
        }
        if (gap)
            weft_str_add(s, "_");
        weft_str_addn(s, c, 1);
        gap = false;
    }
}

static const weft_node *
anchor_of(const weft_group *group)
{
    const weft_node *anchor = group->node[0];
    for (int i = 1; i < group->nnode; i++)
        if (weft_op_infos[group->node[i]->op].pattern > weft_op_infos[anchor->op].pattern)
            anchor = group->node[i];
    return anchor;
}

/* The anchor's name and up to three of the operators fused behind it: "conv1_add_relu". */
static const char *
program_name(weft_arena *arena, const weft_group *group)
{
    const weft_node *anchor = anchor_of(group);
    weft_str s = { 0 };
    int more = 0;
    add_words(&s, anchor->name);
    if (!s.n)
        add_words(&s, weft_op_infos[anchor->op].text);
    for (int i = 0; i < group->nnode && more < 3; i++)
        if (group->node[i]->id > anchor->id) {
            add_words(&s, weft_op_infos[group->node[i]->op].text);
            more++;
        }
    const char *name = weft_arena_strdup(arena, weft_str_text(&s));
    weft_str_free(&s);
    return name;
}

/* What a kernel calls an operand.  Roles, not the model's names: so that layers which compute the
 * same have the same program, and share a kernel. */
static const char *
operand_name(const weft_node *n, int i)
{
    static const struct {
        weft_op op;
        const char *name[5];
    } rows[] = {
        { WEFT_GOP_CONV, { "x", "weight", "bias" } },
        { WEFT_GOP_CONV_TRANSPOSE, { "x", "weight", "bias" } },
        { WEFT_GOP_MATMUL, { "a", "b" } },
        { WEFT_GOP_ATTENTION, { "q", "k", "v", "mask" } },
        { WEFT_GOP_WHERE, { "cond", "x", "y" } },
        { WEFT_GOP_CLIP, { "x", "low", "high" } },
        { WEFT_GOP_GATHER, { "table", "index" } },
        { WEFT_GOP_PAD, { "x", "fill" } },
        { WEFT_GOP_SEARCHSORTED, { "x", "wanted" } },
        { WEFT_GOP_NON_MAX_SUPPRESSION, { "boxes", "scores", "order", "most", "iou" } },
        { WEFT_GOP_PRELU, { "x", "slope" } },
        { WEFT_GOP_SAMPLE, { "x", "place" } },
        { WEFT_GOP_ROI_ALIGN, { "x", "rois", "image" } },
        { WEFT_GOP_MAX_ROI_POOL, { "x", "rois" } },
        { WEFT_GOP_LAYER_NORM, { "x", "scale", "bias" } },
        { WEFT_GOP_RMS_NORM, { "x", "scale" } },
        { WEFT_GOP_INSTANCE_NORM, { "x", "scale", "bias" } },
        { WEFT_GOP_BATCH_NORM, { "x", "scale", "bias", "mean", "var" } },
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        if (rows[r].op == n->op && i < 5 && rows[r].name[i])
            return rows[r].name[i];
    return i == 1 && weft_op_infos[n->op].pattern == WEFT_PAT_BROADCAST ? "y" : "x";
}

/* The name by the first use of the value in the group. */
static const char *
input_name(const maker *m, const weft_value *v)
{
    for (int i = 0; i < m->group->nnode; i++)
        for (int j = 0; j < m->group->node[i]->nin; j++)
            if (m->group->node[i]->in[j] == v)
                return m->group->node[i]->op == WEFT_GOP_CUSTOM
                           ? weft_custom_input(m->te, m->group->node[i], j)
                           : operand_name(m->group->node[i], j);
    return "x";
}

/* ---- symbols --------------------------------------------------------------------------------- */

static bool
declare(maker *m, int n, const weft_expr *const *dim)
{
    for (int i = 0; i < n; i++)
        if (!weft_group_dim(m->te, m->g, dim[i]))
            return false;
    return true;
}

/* All symbols first, so that none meets a tensor or an axis of its name. */
static bool
declare_symbols(maker *m)
{
    bool ok = true;
    for (int i = 0; i < m->group->nin; i++)
        ok = ok && declare(m, m->group->in[i]->ndim, m->group->in[i]->dim);
    for (int i = 0; i < m->group->nnode; i++) {
        const weft_node *n = m->group->node[i];
        ok = ok && declare(m, n->out[0]->ndim, n->out[0]->dim);
        for (int j = 0; j < n->nattr; j++)
            if (n->attr[j].kind == WEFT_ATTR_DIMS)
                ok = ok && declare(m, n->attr[j].n, n->attr[j].dims);
    }
    return ok;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void
remember(maker *m, const weft_value *v, weft_tensor *t)
{
    *weft_map_slot(m->tensor_of, &v->id, sizeof v->id) = m->tensor.n;
    *WEFT_PUSH(&m->scratch, &m->tensor) = t;
}

static const weft_expr **
shape_of(maker *m, const weft_value *v)
{
    const weft_expr **shape = WEFT_NEW_ARRAY(&m->scratch, v->ndim, const weft_expr *);
    for (int i = 0; i < v->ndim; i++)
        shape[i] = weft_group_dim(m->te, m->g, v->dim[i]);
    return shape;
}

static bool
add_inputs(maker *m)
{
    for (int i = 0; i < m->group->nin; i++) {
        const weft_value *v = m->group->in[i];
        weft_tensor *t = weft_te_input(m->te, input_name(m, v), v->dtype, v->ndim, shape_of(m, v));
        if (!t)
            return false;
        remember(m, v, t);
    }
    return true;
}

/* A constant of one element, of its shape, as a definition that schedules inline. */
static weft_tensor *
immediate(maker *m, const weft_value *v)
{
    weft_ir *ir = weft_te_ir(m->te);
    weft_axis **axis = WEFT_NEW_ARRAY(&m->scratch, v->ndim, weft_axis *);
    for (int i = 0; i < v->ndim; i++)
        axis[i] = weft_te_axis(m->te, "i", weft_i32(ir, 1));
    const weft_expr *e = weft_is_float(v->dtype) ? weft_float(ir, v->dtype, v->elem[0]->h.u.f)
                                                 : weft_int(ir, v->dtype, v->elem[0]->h.u.i);
    return weft_te_compute(m->te, "c", v->ndim, axis, e);
}

static weft_tensor *
tensor_of(maker *m, const weft_value *v)
{
    int64_t i = weft_map_get(m->tensor_of, &v->id, sizeof v->id);
    if (i >= 0)
        return m->tensor.at[i];
    weft_assert(weft_group_immediate(m->group, v), "group reads '%s', which it has not", v->name);
    weft_tensor *t = immediate(m, v);
    if (t)
        remember(m, v, t);
    return t;
}

static bool
add_node(maker *m, const weft_node *n)
{
    weft_tensor **in = WEFT_NEW_ARRAY(&m->scratch, n->nin, weft_tensor *);
    weft_tensor **out = WEFT_NEW_ARRAY(&m->scratch, n->nout, weft_tensor *);
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && !(in[i] = tensor_of(m, n->in[i])))
            return false;
    weft_status st = weft_op_infos[n->op].te(m->te, m->g, n, in, out);
    for (int i = 0; i < n->nout && st == WEFT_OK; i++) {
        const weft_value *v = n->out[i];
        if (!out[i] || weft_tensor_ndim(out[i]) != v->ndim || weft_tensor_dtype(out[i]) != v->dtype)
            st = weft_fail(m->te->diag, WEFT_INTERNAL,
                           "the tensor expression of %s does not have the "
                           "type that was inferred",
                           weft_op_infos[n->op].text);
        else
            remember(m, v, out[i]);
    }
    if (st != WEFT_OK)
        weft_fail(m->te->diag, st, "node '%s' (%s): %s has no tensor expression for these inputs",
                  n->name, n->kind, weft_op_infos[n->op].text);
    return st == WEFT_OK;
}

/* ---- info ------------------------------------------------------------------------------------ */

static const char *
layers_text(weft_arena *arena, const weft_group *group)
{
    weft_str s = { 0 };
    const char *last = "";
    for (int i = 0; i < group->nnode; i++) {
        const weft_node *n = group->node[i];
        const char *name = *n->name || *n->kind ? n->name : weft_op_infos[n->op].text;
        const char *layer =
            *n->kind ? weft_arena_printf(arena, *name ? "%s (%s)" : "%s%s", name, n->kind) : name;
        if (strcmp(layer, last) != 0) /* a model's operator that became several nodes: once */
            weft_str_addf(&s, "%s%s", s.n ? " + " : "", layer);
        last = layer;
    }
    const char *text = weft_arena_strdup(arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

/* "out f32[1,64,112,112]". */
static const char *
output_text(weft_arena *arena, const weft_group *group)
{
    weft_str s = { 0 };
    for (int i = 0; i < group->nout; i++) {
        const weft_value *v = group->out[i];
        weft_str_addf(&s, "%s%s[", i ? ", " : "out ", weft_dtype_name(v->dtype));
        for (int d = 0; d < v->ndim; d++) {
            weft_str_add(&s, d ? "," : "");
            weft_print_dim(&s, v->dim[d]);
        }
        weft_str_add(&s, "]");
    }
    const char *text = weft_arena_strdup(arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

static double
sum_bytes(int n, weft_value *const *v)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double bytes = weft_value_bytes(v[i]);
        if (bytes < 0)
            return -1;
        sum += bytes;
    }
    return sum;
}

static double
sum_flops(const weft_group *group)
{
    double sum = 0;
    for (int i = 0; i < group->nnode; i++) {
        double flops = weft_node_flops(group->node[i]);
        if (flops < 0)
            return -1;
        sum += flops;
    }
    return sum;
}

static void
fill_info(maker *m)
{
    weft_arena *arena = &weft_te_ir(m->te)->arena;
    m->te->info = (weft_kernel_info){
        .layers = layers_text(arena, m->group),
        .model = weft_arena_strdup(arena, m->g->model),
        .output = output_text(arena, m->group),
        .flops = sum_flops(m->group),
        .bytes_read = sum_bytes(m->group->nin, m->group->in),
        .bytes_written = sum_bytes(m->group->nout, m->group->out),
    };
}

weft_te *
weft_group_te(const weft_graph *g, const weft_group *group, weft_diag *diag)
{
    maker m = { .g = g, .group = group };
    m.tensor_of = weft_map_create(&m.scratch);
    m.te = weft_te_create(program_name(&m.scratch, group), diag);
    m.te->workers = g->workers;
    bool ok = declare_symbols(&m) && add_inputs(&m);
    for (int i = 0; ok && i < group->nnode; i++)
        ok = add_node(&m, group->node[i]);
    for (int i = 0; ok && i < group->nout; i++)
        ok = weft_te_output(m.te, tensor_of(&m, group->out[i])) == WEFT_OK;
    if (ok)
        fill_info(&m);
    weft_arena_reset(&m.scratch);
    if (ok)
        return m.te;
    weft_te_destroy(m.te);
    return NULL;
}
