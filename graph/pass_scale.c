/* fold-scale: what multiplies and shifts each output channel of a convolution or matmul by
 * constants goes into its constant weight and bias; a batch_norm that is left becomes a multiply
 * and an add. Arithmetic is in double, rounded once to the weight's dtype.
 *
 * needs   types, uses counted rightly (eliminate-dead before)
 * keeps   order; provenance names what was folded
 */
#include "graph/passes.h"

#include <math.h>
#include <string.h>

/* y[channel c] = x[channel c] * scale[c] + shift[c]; an absent one is 1 or 0. */
typedef struct affine {
    int64_t n;
    double *scale, *shift;
} affine;

enum { VALUES_ADDED = 4 }; /* by one node, at most */

typedef struct folder {
    weft_sweep s;
    int *uses; /* by id; room for the few values that a node can add */
} folder;

static bool
used_once(const folder *f, const weft_value *v)
{
    return f->uses[v->id] == 1;
}

/* ---- what the node does to channels ---------------------------------------------------------- */

static double
element(const weft_value *v, int64_t i)
{
    return weft_get_f64(v->data->dtype, v->data->data, i);
}

static bool
batch_norm_affine(const weft_node *n, weft_arena *scratch, affine *a)
{
    for (int i = 1; i < 5; i++)
        if (!n->in[i]->data)
            return false;
    a->n = weft_const_count(n->in[1]->data);
    a->scale = WEFT_NEW_ARRAY(scratch, a->n, double);
    a->shift = WEFT_NEW_ARRAY(scratch, a->n, double);
    double epsilon = weft_node_float(n, "epsilon");
    for (int64_t c = 0; c < a->n; c++) {
        a->scale[c] = element(n->in[1], c) / sqrt(element(n->in[4], c) + epsilon);
        a->shift[c] = element(n->in[2], c) - element(n->in[3], c) * a->scale[c];
    }
    return true;
}

/* Whether the constant varies along `axis` of the output at most, and has n or one element. */
static bool
along_axis(const weft_value *c, int rank, int axis, int64_t n)
{
    if (!c->data || c->ndim > rank)
        return false;
    for (int i = 0; i < c->ndim; i++) {
        int64_t d = c->data->dim[i];
        if (d != 1 && !(i + rank - c->ndim == axis && d == n))
            return false;
    }
    return true;
}

/* x * c, c * x, x / c, x + c, c + x, x - c with x input `which`. */
static bool
binary_affine(const weft_node *n, int which, int axis, int64_t channels, weft_arena *scratch,
              affine *a)
{
    const weft_value *c = n->in[!which];
    bool commutes = n->op == WEFT_GOP_ADD || n->op == WEFT_GOP_MUL;
    bool shifts = n->op == WEFT_GOP_ADD || n->op == WEFT_GOP_SUB;
    if ((!shifts && n->op != WEFT_GOP_MUL && n->op != WEFT_GOP_DIV) || (which == 1 && !commutes) ||
        !along_axis(c, n->out[0]->ndim, axis, channels))
        return false;
    double **to = shifts ? &a->shift : &a->scale;
    bool one = weft_const_count(c->data) == 1;
    a->n = channels;
    *to = WEFT_NEW_ARRAY(scratch, channels, double);
    for (int64_t i = 0; i < channels; i++) {
        double v = element(c, one ? 0 : i);
        (*to)[i] = n->op == WEFT_GOP_SUB ? -v : n->op == WEFT_GOP_DIV ? 1 / v : v;
    }
    return true;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* The output channel that element i of the weight is for. */
static int64_t
channel_of(const weft_node *n, const weft_const *w, int64_t i)
{
    if (n->op == WEFT_GOP_MATMUL)
        return weft_node_int(n, "tb") ? i / w->dim[1] : i % w->dim[1];
    int64_t kernel = 1;
    for (int d = 2; d < w->ndim; d++)
        kernel *= w->dim[d];
    if (n->op == WEFT_GOP_CONV)
        return i / (kernel * w->dim[1]);
    int64_t per_group = w->dim[0] / weft_node_int(n, "groups");
    return i / (kernel * w->dim[1]) / per_group * w->dim[1] + i / kernel % w->dim[1];
}

static weft_value *
scaled_weight(weft_graph *g, const weft_node *n, const affine *a)
{
    const weft_const *w = n->in[1]->data;
    if (!a->scale)
        return n->in[1];
    weft_const c = weft_const_make(g, w->dtype, w->ndim, w->dim);
    int64_t count = weft_const_count(w);
    for (int64_t i = 0; i < count; i++)
        weft_set_f64(w->dtype, (void *)(uintptr_t)c.data, i,
                     weft_get_f64(w->dtype, w->data, i) * a->scale[channel_of(n, w, i)]);
    if (w->mapped)
        weft_graph_let_go(g, n->in[1]);
    return weft_graph_constant(g, n->in[1]->name, &c);
}

static weft_value *
scaled_bias(weft_graph *g, const weft_node *n, const affine *a)
{
    const weft_value *b = n->nin > 2 ? n->in[2] : NULL;
    weft_dtype t = n->in[1]->dtype;
    if (!b && !a->shift)
        return NULL;
    weft_const c = weft_const_make(g, t, 1, &a->n);
    for (int64_t i = 0; i < a->n; i++)
        weft_set_f64(t, (void *)(uintptr_t)c.data, i,
                     (b ? element(b, i) : 0) * (a->scale ? a->scale[i] : 1) +
                         (a->shift ? a->shift[i] : 0));
    return weft_graph_constant(
        g, b ? b->name : weft_arena_printf(&g->ir->arena, "%s.bias", n->in[1]->name), &c);
}

/* ---- contractions ---------------------------------------------------------------------------- */

/* The contraction whose only reader is input `which` of n, if its weights are constants. */
static weft_node *
foldable(const folder *f, const weft_node *n, int which)
{
    weft_node *c = n->in[which]->node;
    if (!c || !used_once(f, n->in[which]) || weft_op_infos[c->op].pattern != WEFT_PAT_CONTRACTION ||
        !c->in[1]->data || weft_node_attr(c, "pack") || !weft_is_float(c->in[1]->dtype) ||
        c->out[0]->dtype != c->in[1]->dtype) /* a narrower one may not hold scale or shift */
        return NULL;
    if (c->op == WEFT_GOP_MATMUL)
        return c->in[1]->ndim == 2 ? c : NULL;
    return c->nin < 3 || !c->in[2] || c->in[2]->data ? c : NULL;
}

static int
channel_axis(const weft_node *contraction)
{
    return contraction->op == WEFT_GOP_MATMUL ? contraction->out[0]->ndim - 1 : 1;
}

/* The same rank and dims: nothing was broadcast up. */
static bool
keeps_shape(const weft_node *n, int which)
{
    const weft_value *x = n->in[which], *y = n->out[0];
    if (x->ndim != y->ndim)
        return false;
    for (int i = 0; i < x->ndim; i++)
        if (x->dim[i] != y->dim[i])
            return false;
    return true;
}

/* Puts the contraction, scaled and shifted, in the place of n. */
static bool
fold_into(folder *f, weft_node *n, weft_node *c, const affine *a)
{
    weft_graph *g = f->s.g;
    weft_value *in[3] = { c->in[0], scaled_weight(g, c, a), NULL };
    int nin = 2;
    if (c->op != WEFT_GOP_MATMUL && (in[2] = scaled_bias(g, c, a)) != NULL)
        nin = 3;
    weft_value *v = in[1] ? weft_graph_add(g, c->op, c->name, c->kind, n->out[0]->name, nin, in,
                                           c->nattr, c->attr)
                          : NULL;
    if (!v)
        return false;
    weft_node_absorb(g, v->node, n, "folded");
    f->uses[v->id] = f->uses[n->out[0]->id];
    weft_value_take_name(v, n->out[0]);
    weft_sweep_put(&f->s, n->out[0], v);
    return true;
}

/* Folds n into the contraction before it; *done tells whether. */
static bool
fold_node(folder *f, weft_node *n, bool *done)
{
    bool norm = n->op == WEFT_GOP_BATCH_NORM;
    *done = false;
    for (int which = 0; which < (norm ? 1 : 2) && which < n->nin; which++) {
        weft_node *c = n->in[which] ? foldable(f, n, which) : NULL;
        int64_t channels;
        affine a = { 0 };
        if (!c || !keeps_shape(n, which) ||
            !weft_as_int(c->out[0]->dim[channel_axis(c)], &channels))
            continue;
        bool fits = norm ? channel_axis(c) == 1 && batch_norm_affine(n, &f->s.scratch, &a)
                         : binary_affine(n, which, channel_axis(c), channels, &f->s.scratch, &a);
        if (!fits || (c->op == WEFT_GOP_MATMUL && a.shift))
            continue;
        *done = true;
        return fold_into(f, n, c, &a);
    }
    return true;
}

/* ---- batch_norm alone ------------------------------------------------------------------------ */

static weft_value *
channel_constant(weft_graph *g, const weft_node *n, const char *suffix, const affine *a,
                 const double *at)
{
    int rank = n->in[0]->ndim;
    int64_t *dim = WEFT_NEW_ARRAY(&g->ir->arena, rank, int64_t);
    for (int i = 1; i < rank; i++)
        dim[i - 1] = i == 1 ? a->n : 1;
    weft_const c = weft_const_make(g, n->in[1]->dtype, rank - 1, dim);
    for (int64_t i = 0; i < a->n; i++)
        weft_set_f64(c.dtype, (void *)(uintptr_t)c.data, i, at[i]);
    return weft_graph_constant(
        g, weft_arena_printf(&g->ir->arena, "%s.%s", n->out[0]->name, suffix), &c);
}

static bool
decompose(folder *f, weft_node *n, bool *done)
{
    affine a = { 0 };
    weft_graph *g = f->s.g;
    *done = n->in[0]->dtype == n->in[1]->dtype && batch_norm_affine(n, &f->s.scratch, &a);
    if (!*done)
        return true;
    weft_value *in[2] = { n->in[0], channel_constant(g, n, "scale", &a, a.scale) };
    in[0] = in[1] ? weft_graph_add(g, WEFT_GOP_MUL, n->name, n->kind, NULL, 2, in, 0, NULL) : NULL;
    in[1] = channel_constant(g, n, "shift", &a, a.shift);
    return in[0] && in[1] && weft_sweep_instead(&f->s, n, WEFT_GOP_ADD, 2, in, 0, NULL);
}

weft_status
weft_pass_fold_scale(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    weft_arena scratch = { 0 };
    int room = g->value.n + VALUES_ADDED * g->node.n;
    folder f = { .uses = WEFT_NEW_ARRAY(&scratch, room, int) };
    memcpy(f.uses, weft_count_uses(g, &scratch), (size_t)g->value.n * sizeof *f.uses);
    f.s = weft_sweep_start(g);
    bool ok = true;
    for (int i = 0; i < f.s.n; i++) {
        weft_node *n = weft_sweep_take(&f.s, i);
        bool done = false;
        if (ok)
            ok = fold_node(&f, n, &done);
        if (ok && !done && n->op == WEFT_GOP_BATCH_NORM)
            ok = decompose(&f, n, &done);
        if (!done)
            weft_sweep_keep(&f.s, n);
    }
    *changed = weft_sweep_end(&f.s);
    weft_arena_reset(&scratch);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
