/* flat-places: the spatial dimensions of convolutions of single elements as one, [N, C, spatial..]
 * as [N, C, places], so that vectors run along whole images and not along rows of them.
 *
 * A conv asks for it whose kernel is 1, with steps of 1 and no pads, in the plain layout;
 * elementwise operators that read its result follow.  Everything else reads the form there was:
 * `reshape`, which is the same memory.
 *
 * needs   types, the layout chosen, weights not packed
 * keeps   order, results; graph inputs and outputs are as they were
 */
#include "graph/passes.h"

#include <string.h>

typedef struct flattener {
    weft_sweep s;
    weft_map *flat; /* value id: id of its flat form */
    weft_map *full; /* value id: id of its full form, of those that are made flat */
    bool *native;   /* by value id: made flat; the value itself is gone */
    int nvalue;
} flattener;

static bool
is_native(const flattener *f, const weft_value *v)
{
    return v->id < f->nvalue && f->native[v->id];
}

/* The form that is remembered, if it can be read here. */
static weft_value *
known(const flattener *f, weft_map *map, const weft_value *v)
{
    int64_t id = weft_map_get(map, &v->id, sizeof v->id);
    weft_value *form = id < 0 ? NULL : f->s.g->value.at[id];
    return form && (!form->node || weft_scope_within(f->s.g, f->s.g->within, form->node->scope))
               ? form
               : NULL;
}

static weft_value *
remember(weft_map *map, const weft_value *v, weft_value *form)
{
    if (form)
        *weft_map_slot(map, &v->id, sizeof v->id) = form->id;
    return form;
}

static const char *
named(weft_graph *g, const weft_value *v, const char *what)
{
    return weft_arena_printf(&g->ir->arena, "%s.%s", v->name, what);
}

static weft_value *
full_of(flattener *f, weft_value *v)
{
    weft_value *form = is_native(f, v) ? known(f, f->full, v) : v;
    if (form)
        return form;
    form = weft_reshaped(f->s.g, known(f, f->flat, v), named(f->s.g, v, "full"), v->ndim, v->dim);
    if (form)
        weft_value_take_name(form, v);
    return remember(f->full, v, form);
}

/* The value with its last `rank` dimensions as one of their product; those that it lacks are 1. */
static weft_value *
flat_of(flattener *f, weft_value *v, int rank)
{
    weft_graph *g = f->s.g;
    bool whole = v->ndim == rank + 2; /* an operand that broadcasts is not for everybody the same */
    weft_value *form = whole ? known(f, f->flat, v) : NULL;
    int lead = v->ndim > rank ? v->ndim - rank : 0, n = lead;
    if (form)
        return form;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, lead + 1, const weft_expr *);
    memcpy(dim, v->dim, (size_t)lead * sizeof *dim);
    dim[n] = weft_dim(g, 1);
    for (int d = lead; d < v->ndim; d++)
        dim[n] = weft_dim_op(g, WEFT_EK_MUL, dim[n], v->dim[d]);
    form = weft_reshaped(g, v, named(g, v, "flat"), n + 1, dim);
    return whole ? remember(f->flat, v, form) : form;
}

/* ---- which nodes go flat --------------------------------------------------------------------- */

static bool
all_are(const weft_attr *attr, int64_t value)
{
    for (int i = 0; i < attr->n; i++)
        if (attr->ints[i] != value)
            return false;
    return true;
}

static bool
is_pointwise(const weft_node *n)
{
    const weft_value *w = n->in[1];
    if (n->op != WEFT_GOP_CONV || n->in[0]->ndim < 4 || weft_node_attr(n, "in_block") ||
        weft_node_attr(n, "out_block") || weft_node_attr(n, "pack"))
        return false;
    for (int d = 2; d < w->ndim; d++)
        if (!weft_is_int_imm(w->dim[d], 1))
            return false;
    return all_are(weft_node_attr(n, "strides"), 1) && all_are(weft_node_attr(n, "pads"), 0);
}

/* Whether the operand has all of the result's last `rank` dimensions, or of
 * each but one element. */
static bool
follows(const flattener *f, const weft_value *v, const weft_value *out, int rank)
{
    bool all = v->ndim >= rank, none = true;
    for (int d = 1; d <= rank && d <= v->ndim; d++) {
        const weft_expr *dim = v->dim[v->ndim - d];
        all = all && weft_dim_equal(f->s.g, dim, out->dim[out->ndim - d]) == 1;
        none = none && weft_is_int_imm(dim, 1);
    }
    return all || none;
}

/* Whether an elementwise node reads a flat result and nothing that speaks
 * against being so itself. */
static bool
can_follow(const flattener *f, const weft_node *n)
{
    const weft_value *out = n->out[0];
    bool any = false;
    if (weft_op_infos[n->op].layout != WEFT_LAYOUT_SAME || out->ndim < 4)
        return false;
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] && !follows(f, n->in[i], out, out->ndim - 2))
            return false;
        any = any || (n->in[i] && n->in[i]->ndim == out->ndim && is_native(f, n->in[i]));
    }
    return any;
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static void
forget_dimensions(weft_graph *g, weft_node *n)
{
    int64_t one = 1, none[2] = { 0, 0 };
    weft_node_set_attr(g, n, weft_attr_ints("strides", 1, &one));
    weft_node_set_attr(g, n, weft_attr_ints("dilations", 1, &one));
    weft_node_set_attr(g, n, weft_attr_ints("pads", 2, none));
}

/* The node over flat operands; its result stands for out[0]. */
static bool
rewrite(flattener *f, weft_node *n)
{
    weft_graph *g = f->s.g;
    bool conv = n->op == WEFT_GOP_CONV;
    int rank = n->out[0]->ndim - 2;
    weft_value **in = WEFT_NEW_ARRAY(&g->ir->arena, n->nin + 1, weft_value *);
    for (int i = 0; i < n->nin; i++) {
        bool as_it_is = !n->in[i] || n->in[i]->ndim == 0 || (conv && i > 1);
        in[i] = as_it_is ? n->in[i] : flat_of(f, n->in[i], rank);
        if (n->in[i] && !in[i])
            return false;
    }
    if (conv)
        forget_dimensions(g, n);
    weft_value *v = weft_graph_add(g, n->op, n->name, n->kind,
                                   named(g, n->out[0], "flat"), n->nin, in, n->nattr, n->attr);
    if (!v)
        return false;
    f->native[n->out[0]->id] = true;
    f->s.changed = true;
    return remember(f->flat, n->out[0], v) != NULL;
}

/* A reshape takes either form. */
static bool
keep_full(flattener *f, weft_node *n)
{
    bool either = n->op == WEFT_GOP_RESHAPE && is_native(f, n->in[0]);
    if (either)
        n->in[0] = known(f, f->flat, n->in[0]);
    for (int i = 0; i < n->nin && !either; i++)
        if (n->in[i] && !(n->in[i] = full_of(f, n->in[i])))
            return false;
    weft_sweep_keep(&f->s, n);
    return true;
}

static bool
full_outputs(flattener *f)
{
    weft_graph *g = f->s.g;
    g->within = 0;
    for (int i = 0; i < g->output.n; i++) {
        weft_value *v = g->output.at[i], *full = full_of(f, v);
        if (!full)
            return false;
        if (full != v)
            weft_sweep_put(&f->s, v, full);
    }
    return true;
}

weft_status
weft_pass_flat_places(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    if (!options->flat_places)
        return WEFT_OK;
    bool ok = true;
    flattener f = { .nvalue = g->value.n };
    f.s = weft_sweep_start(g);
    f.flat = weft_map_create(&f.s.scratch);
    f.full = weft_map_create(&f.s.scratch);
    f.native = WEFT_NEW_ARRAY(&f.s.scratch, f.nvalue, bool);
    for (int i = 0; i < f.s.n; i++) {
        weft_node *n = weft_sweep_take(&f.s, i);
        if (!ok)
            weft_sweep_keep(&f.s, n);
        else
            ok = is_pointwise(n) || can_follow(&f, n) ? rewrite(&f, n) : keep_full(&f, n);
    }
    ok = ok && full_outputs(&f);
    *changed = weft_sweep_end(&f.s);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
