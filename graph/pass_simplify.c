/* simplify-inference: nodes that give back their input go.
 *
 * needs   types
 * keeps   order; breaks names of the values that go
 */
#include "graph/passes.h"

static bool
same_dims(weft_graph *g, const weft_value *a, const weft_value *b)
{
    if (a->dtype != b->dtype || a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (weft_dim_equal(g, a->dim[i], b->dim[i]) != 1)
            return false;
    return true;
}

static bool
all_zero(const weft_node *n, const char *name)
{
    const weft_attr *a = weft_node_attr(n, name);
    for (int i = 0; i < a->n; i++)
        if (!weft_is_int_imm(a->dims[i], 0))
            return false;
    return true;
}

static bool
in_order(const weft_node *n)
{
    const weft_attr *axes = weft_node_attr(n, "axes");
    for (int i = 0; i < axes->n; i++)
        if (axes->ints[i] != i)
            return false;
    return true;
}

static bool
steps_forward(const weft_node *n)
{
    const weft_attr *steps = weft_node_attr(n, "steps");
    for (int i = 0; i < steps->n; i++)
        if (steps->ints[i] != 1)
            return false;
    return true;
}

/* x + 0, x - 0, x * 1, x / 1, x ** 1 with a constant of one element. */
static bool
has_neutral(const weft_node *n)
{
    const weft_value *c = n->in[1];
    bool zero = n->op == WEFT_GOP_ADD || n->op == WEFT_GOP_SUB;
    if (!c->elem || c->nelem != 1 || (zero && weft_is_float(c->dtype))) /* -0.0 + 0.0 is 0.0 */
        return false;
    double v = weft_is_float(c->dtype) ? c->elem[0]->h.u.f : (double)c->elem[0]->h.u.i;
    return weft_is_imm(c->elem[0]) && v == (zero ? 0 : 1);
}

static bool
gives_input_back(weft_graph *g, const weft_node *n)
{
    if (n->nin == 0 || !same_dims(g, n->in[0], n->out[0]))
        return false;
    switch (n->op) {
    case WEFT_GOP_IDENTITY:
    case WEFT_GOP_CAST:
    case WEFT_GOP_RESHAPE:
    case WEFT_GOP_BROADCAST_TO:
        return true;
    case WEFT_GOP_CONCAT:
        return n->nin == 1;
    case WEFT_GOP_SLICE:
        return all_zero(n, "starts") && steps_forward(n);
    case WEFT_GOP_PAD:
        return all_zero(n, "before") && all_zero(n, "after");
    case WEFT_GOP_TRANSPOSE:
        return in_order(n);
    case WEFT_GOP_CLIP:
        return (n->nin < 2 || !n->in[1]) && (n->nin < 3 || !n->in[2]);
    case WEFT_GOP_REDUCE_SUM:
    case WEFT_GOP_REDUCE_MAX:
    case WEFT_GOP_REDUCE_MIN:
    case WEFT_GOP_REDUCE_PROD:
    case WEFT_GOP_REDUCE_MEAN:
        return weft_node_attr(n, "axes")->n == 0;
    case WEFT_GOP_ADD:
    case WEFT_GOP_SUB:
    case WEFT_GOP_MUL:
    case WEFT_GOP_DIV:
    case WEFT_GOP_POW:
        return has_neutral(n);
    default:
        return false;
    }
}

weft_status
weft_pass_simplify_inference(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    weft_sweep s = weft_sweep_start(g);
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        if (gives_input_back(g, n))
            weft_sweep_put(&s, n->out[0], n->in[0]);
        else
            weft_sweep_keep(&s, n);
    }
    *changed = weft_sweep_end(&s);
    return WEFT_OK;
}
