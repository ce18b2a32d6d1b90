/* layout: the channels of convolutions' tensors in blocks of L, [N, C, spatial..] as
 * [N, C/L, spatial.., L], so that vectors of L channels are read, computed and written as they lie.
 *
 * A conv asks for it; what ops.def says can follow its operands does, as long as most of them come
 * in blocks already; everything else reads the plain form.  Conversions are the nodes `block` and
 * `unblock` (a reshape where all spatial dimensions are 1), made where they are first needed, at
 * most one of a kind a value.  Constants are re-laid.
 *
 * needs   types, weights of convs constant and not packed
 * keeps   order, results; graph inputs and outputs are plain
 */
#include "graph/passes.h"

#include <string.h>

enum { WORTH = 64 /* products of an input's element, against reading and writing it once more */ };

typedef struct layouter {
    weft_sweep s;
    int64_t lanes;
    weft_map *blocked; /* value id: id of its form in blocks */
    weft_map *plain;   /* value id: id of its plain form, of those that are made in blocks */
    bool *native;      /* by value id: made in blocks; the value itself is gone */
    int nvalue;
} layouter;

static weft_value *
known(const layouter *l, weft_map *map, const weft_value *v)
{
    int64_t id = weft_map_get(map, &v->id, sizeof v->id);
    weft_value *form = id < 0 ? NULL : l->s.g->value.at[id];
    bool here =
        form && (!form->node || weft_scope_within(l->s.g, l->s.g->within, form->node->scope));
    return here ? form : NULL;
}

static weft_value *
remember(weft_map *map, const weft_value *v, weft_value *form)
{
    if (form)
        *weft_map_slot(map, &v->id, sizeof v->id) = form->id;
    return form;
}

static bool
is_native(const layouter *l, const weft_value *v)
{
    return v && v->id < l->nvalue && l->native[v->id];
}

/* Whether the value can be had in blocks for nothing. */
static bool
comes_in_blocks(const layouter *l, const weft_value *v)
{
    return v && known(l, l->blocked, v);
}

/* Whether the value's channels are whole blocks. */
static bool
has_blocks(const layouter *l, const weft_value *v)
{
    int64_t channels;
    return v->ndim >= 2 && weft_dtype_bits(v->dtype) >= 8 && weft_as_int(v->dim[1], &channels) &&
           channels > 0 && channels % l->lanes == 0;
}

/* ---- forms of a value ------------------------------------------------------------------------ */

static const char *
named(weft_graph *g, const weft_value *v, const char *what)
{
    return weft_arena_printf(&g->ir->arena, "%s.%s", v->name, what);
}

static weft_value *
add(weft_graph *g, weft_op op, const char *name, weft_value *in, int nattr, const weft_attr *attr)
{
    const weft_node *from = in->node;
    return weft_graph_add(g, op, from ? from->name : "", from ? from->kind : "", name, 1, &in,
                          nattr, attr);
}

/* [A, C, inner] as [A, C/L, inner, L]. */
static weft_value *
blocked_constant(weft_graph *g, const weft_value *v, int64_t lanes)
{
    const weft_const *from = v->data;
    int64_t *dim = WEFT_NEW_ARRAY(&g->ir->arena, from->ndim + 1, int64_t), inner = 1;
    memcpy(dim, from->dim, (size_t)from->ndim * sizeof *dim);
    dim[1] /= lanes;
    dim[from->ndim] = lanes;
    for (int d = 2; d < from->ndim; d++)
        inner *= dim[d];
    weft_const c = weft_const_make(g, from->dtype, from->ndim + 1, dim);
    int64_t size = weft_dtype_bits(from->dtype) / 8, blocks = dim[0] * dim[1];
    char *to = (char *)(uintptr_t)c.data;
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = 0; i < inner; i++)
            for (int64_t k = 0; k < lanes; k++, to += size)
                memcpy(to, (const char *)from->data + ((b * lanes + k) * inner + i) * size,
                       (size_t)size);
    return weft_graph_constant(g, named(g, v, "blocked"), &c);
}

/* Whether blocks lie like the plain form: nothing but the channel behind the batch. */
static bool
is_flat(const weft_value *v)
{
    for (int d = 2; d < v->ndim; d++)
        if (!weft_is_int_imm(v->dim[d], 1))
            return false;
    return true;
}

static weft_value *
make_blocks(layouter *l, weft_value *v)
{
    weft_graph *g = l->s.g;
    if (v->data)
        return blocked_constant(g, v, l->lanes);
    weft_attr lanes = weft_attr_int("lanes", &l->lanes);
    if (!is_flat(v))
        return add(g, WEFT_GOP_BLOCK, named(g, v, "blocked"), v, 1, &lanes);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim + 1, const weft_expr *);
    memcpy(dim, v->dim, (size_t)v->ndim * sizeof *dim);
    dim[1] = weft_dim_op(g, WEFT_EK_FDIV, v->dim[1], weft_dim(g, l->lanes));
    dim[v->ndim] = weft_dim(g, l->lanes);
    return weft_reshaped(g, v, named(g, v, "blocked"), v->ndim + 1, dim);
}

static weft_value *
blocked_of(layouter *l, weft_value *v)
{
    weft_value *form = known(l, l->blocked, v);
    return form ? form : remember(l->blocked, v, make_blocks(l, v));
}

static weft_value *
plain_of(layouter *l, weft_value *v)
{
    if (!is_native(l, v))
        return v;
    weft_graph *g = l->s.g;
    weft_value *form = known(l, l->plain, v), *from = known(l, l->blocked, v);
    if (form)
        return form;
    form = is_flat(v) ? weft_reshaped(g, from, named(g, v, "plain"), v->ndim, v->dim)
                      : add(g, WEFT_GOP_UNBLOCK, named(g, v, "plain"), from, 0, NULL);
    if (form)
        weft_value_take_name(form, v);
    return remember(l->plain, v, form);
}

/* ---- operands of elementwise operators ------------------------------------------------------- */

/* The dimension of an operand that meets the output's channels; negative: it has none. */
static int
channel_of(const weft_value *v, const weft_value *out)
{
    return v->ndim - out->ndim + 1;
}

static bool
is_single(const weft_value *v)
{
    int64_t n;
    return weft_value_count(v, &n) && n == 1;
}

/* Whether the operand broadcasts to the output in blocks: its channels are all or one. */
static bool
follows(layouter *l, const weft_value *v, const weft_value *out)
{
    int at = channel_of(v, out);
    return is_single(v) || at < 0 || weft_is_int_imm(v->dim[at], 1) ||
           weft_dim_equal(l->s.g, v->dim[at], out->dim[1]) == 1;
}

static weft_value *
operand(layouter *l, weft_value *v, const weft_value *out)
{
    weft_graph *g = l->s.g;
    int at = channel_of(v, out), n = 0;
    bool one = at < 0 || weft_is_int_imm(v->dim[at], 1);
    if (is_single(v))
        return plain_of(l, v);
    if (at == 1 && !one)
        return blocked_of(l, v);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim + 2, const weft_expr *);
    if (at == 0 && !one)
        dim[n++] = weft_dim(g, 1);
    for (int d = 0; d < v->ndim; d++)
        dim[n++] = v->dim[d];
    if (one)
        dim[n++] = weft_dim(g, 1);
    weft_value *form = weft_reshaped(g, plain_of(l, v), named(g, v, "wide"), n, dim);
    return !form || one ? form : make_blocks(l, form);
}

/* ---- which nodes go over to blocks ----------------------------------------------------------- */

/* What a node in blocks says of itself. */
typedef struct decision {
    bool in, out; /* its operands, its result are in blocks */
} decision;

static decision
decide_conv(const layouter *l, const weft_node *n)
{
    const weft_value *x = n->in[0];
    const weft_const *w = n->in[1]->data;
    int64_t groups = weft_node_int(n, "groups"), lanes = l->lanes;
    if (!w || !weft_is_float(x->dtype) || weft_node_attr(n, "pack"))
        return (decision){ 0 };
    int64_t in = w->dim[1], out = w->dim[0] / groups;
    bool single = groups > 1 && in == 1 && out == 1;
    bool in_fits = has_blocks(l, x) && (single || in % lanes == 0);
    bool out_fits = w->dim[0] > 0 && w->dim[0] % lanes == 0 && (single || out % lanes == 0);
    double uses = (double)out * (double)weft_product_of(w->ndim - 2, w->dim + 2) /
                  (double)weft_product_of(w->ndim - 2, weft_node_attr(n, "strides")->ints);
    if (single)
        in_fits = in_fits && comes_in_blocks(l, x);
    else
        in_fits = in_fits && (comes_in_blocks(l, x) || (out_fits && uses >= WORTH));
    return (decision){ in_fits, out_fits && (in_fits || groups == 1) };
}

/* As many operands come in blocks as would have to be put into them. */
static bool
most_native(const layouter *l, const weft_node *n, int ndim)
{
    int native = 0, others = 0;
    for (int i = 0; i < n->nin; i++) {
        const weft_value *v = n->in[i];
        if (!v || v->ndim != ndim || v->data || is_single(v))
            continue;
        *(comes_in_blocks(l, v) ? &native : &others) += 1;
    }
    return native > 0 && native >= others;
}

static bool
can_join(const layouter *l, const weft_node *n)
{
    for (int i = 0; i < n->nin; i++)
        if (!has_blocks(l, n->in[i]))
            return false;
    return most_native(l, n, n->out[0]->ndim);
}

static bool
can_follow(layouter *l, const weft_node *n)
{
    const weft_value *out = n->out[0];
    if (!has_blocks(l, out) || !most_native(l, n, out->ndim))
        return false;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && !follows(l, n->in[i], out))
            return false;
    return true;
}

static bool
cuts_spatial(const weft_node *n)
{
    const weft_attr *axes = weft_node_attr(n, "axes");
    for (int i = 0; i < axes->n; i++)
        if (axes->ints[i] < 2)
            return false;
    return true;
}

static decision
decide(layouter *l, const weft_node *n)
{
    bool yes = false;
    switch (weft_op_infos[n->op].layout) {
    case WEFT_LAYOUT_CONV:
        return decide_conv(l, n);
    case WEFT_LAYOUT_SAME:
        yes = can_follow(l, n);
        break;
    case WEFT_LAYOUT_JOIN:
        yes = can_join(l, n);
        break;
    case WEFT_LAYOUT_CUT:
        yes = comes_in_blocks(l, n->in[0]) && cuts_spatial(n);
        break;
    case WEFT_LAYOUT_POOL:
        yes = comes_in_blocks(l, n->in[0]);
        break;
    case WEFT_LAYOUT_PLAIN:
        break;
    }
    return (decision){ yes, yes };
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static weft_value *
input_of(layouter *l, const weft_node *n, int i, decision d)
{
    weft_value *v = n->in[i];
    weft_layout layout = weft_op_infos[n->op].layout;
    if (!v || !d.in || (layout == WEFT_LAYOUT_CONV && i > 0))
        return v ? plain_of(l, v) : NULL;
    return layout == WEFT_LAYOUT_SAME ? operand(l, v, n->out[0]) : blocked_of(l, v);
}

/* The node over operands in the layout decided; its result in blocks stands for out[0]. */
static bool
rewrite(layouter *l, weft_node *n, decision d)
{
    weft_graph *g = l->s.g;
    weft_value **in = WEFT_NEW_ARRAY(&g->ir->arena, n->nin + 1, weft_value *);
    for (int i = 0; i < n->nin; i++) {
        in[i] = input_of(l, n, i, d);
        if (n->in[i] && !in[i])
            return false;
    }
    weft_layout layout = weft_op_infos[n->op].layout;
    if (layout == WEFT_LAYOUT_CONV && d.in)
        weft_node_set_attr(g, n, weft_attr_int("in_block", &l->lanes));
    if (layout == WEFT_LAYOUT_CONV && d.out)
        weft_node_set_attr(g, n, weft_attr_int("out_block", &l->lanes));
    if (layout == WEFT_LAYOUT_POOL)
        weft_node_set_attr(g, n, weft_attr_int("block", &l->lanes));
    if (!d.out) {
        memcpy(n->in, in, (size_t)n->nin * sizeof *in);
        weft_sweep_keep(&l->s, n);
        return weft_graph_infer_node(g, n) == WEFT_OK;
    }
    weft_value *v = weft_graph_add(g, n->op, n->name, n->kind, named(g, n->out[0], "blocked"),
                                   n->nin, in, n->nattr, n->attr);
    if (!v)
        return false;
    l->native[n->out[0]->id] = true;
    l->s.changed = true;
    return remember(l->blocked, n->out[0], v) != NULL;
}

/* Whether the node is one of the model's own conversions, between this layout and the plain one. */
static bool
is_conversion(const layouter *l, const weft_node *n)
{
    const weft_value *x = n->in[0];
    return n->op == WEFT_GOP_BLOCK     ? weft_node_int(n, "lanes") == l->lanes
           : n->op == WEFT_GOP_UNBLOCK ? weft_is_int_imm(x->dim[x->ndim - 1], l->lanes)
                                       : false;
}

/* A conversion's other side is the form that it undoes. */
static bool
take_conversion(layouter *l, weft_node *n)
{
    weft_value *x = n->in[0], *y = n->out[0];
    if (n->op == WEFT_GOP_BLOCK && comes_in_blocks(l, x)) {
        weft_sweep_put(&l->s, y, blocked_of(l, x));
        return true;
    }
    x = n->in[0] = plain_of(l, x);
    if (!x)
        return false;
    remember(l->blocked, n->op == WEFT_GOP_BLOCK ? x : y, n->op == WEFT_GOP_BLOCK ? y : x);
    weft_sweep_keep(&l->s, n);
    return true;
}

static bool
keep_plain(layouter *l, weft_node *n)
{
    for (int j = 0; j < n->nin; j++)
        if (n->in[j] && !(n->in[j] = plain_of(l, n->in[j])))
            return false;
    weft_sweep_keep(&l->s, n);
    return true;
}

static bool
plain_outputs(layouter *l)
{
    weft_graph *g = l->s.g;
    g->within = 0;
    for (int i = 0; i < g->output.n; i++) {
        weft_value *v = g->output.at[i], *plain = plain_of(l, v);
        if (!plain)
            return false;
        if (plain != v)
            weft_sweep_put(&l->s, v, plain);
    }
    return true;
}

weft_status
weft_pass_layout(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    if (options->block_lanes <= 1)
        return WEFT_OK;
    bool ok = true;
    layouter l = { .lanes = options->block_lanes, .nvalue = g->value.n };
    l.s = weft_sweep_start(g);
    l.blocked = weft_map_create(&l.s.scratch);
    l.plain = weft_map_create(&l.s.scratch);
    l.native = WEFT_NEW_ARRAY(&l.s.scratch, l.nvalue, bool);
    for (int i = 0; i < l.s.n; i++) {
        weft_node *n = weft_sweep_take(&l.s, i);
        decision d = ok ? decide(&l, n) : (decision){ 0 };
        if (!ok)
            weft_sweep_keep(&l.s, n);
        else if (is_conversion(&l, n))
            ok = take_conversion(&l, n);
        else
            ok = d.in || d.out ? rewrite(&l, n, d) : keep_plain(&l, n);
    }
    ok = ok && plain_outputs(&l);
    *changed = weft_sweep_end(&l.s);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
