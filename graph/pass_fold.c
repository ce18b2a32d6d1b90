/* fold-constants: nodes whose elements are known, or whose inputs are all constants, become
 * constants.
 *
 * needs   types, known elements
 * keeps   order; a node that the evaluator refuses stays
 */
#include "graph/passes.h"

#include <string.h>

static const int64_t default_room = (int64_t)1
                                    << 20; /* bytes a result may have beyond the inputs' */

static bool
const_dims(weft_graph *g, const weft_value *v, int64_t **dim, int64_t *bytes)
{
    int64_t n;
    *dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim, int64_t);
    for (int i = 0; i < v->ndim; i++)
        if (!weft_as_int(v->dim[i], &(*dim)[i]))
            return false;
    return weft_value_count(v, &n) && weft_dtype_bytes(v->dtype, n, bytes);
}

static bool
from_elements(weft_graph *g, const weft_value *v, const int64_t *dim, weft_const *c)
{
    if (!v->elem)
        return false;
    for (int64_t i = 0; i < v->nelem; i++)
        if (!weft_is_imm(v->elem[i]))
            return false;
    *c = weft_const_make(g, v->dtype, v->ndim, dim);
    for (int64_t i = 0; i < v->nelem; i++) {
        void *data = (void *)(uintptr_t)c->data;
        if (weft_is_float(v->dtype))
            weft_set_f64(v->dtype, data, i, v->elem[i]->h.u.f);
        else
            weft_set_i64(v->dtype, data, i, v->elem[i]->h.u.i);
    }
    return true;
}

static bool
all_constant(const weft_node *n, int64_t *bytes)
{
    *bytes = 0;
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] && !n->in[i]->data)
            return false;
        *bytes += n->in[i] ? (int64_t)n->in[i]->data->size : 0;
    }
    return n->nin > 0;
}

/* Whole bytes moved by index; packed types are left to the evaluator. */
static bool
transposed(weft_graph *g, const weft_node *n, const int64_t *dim, weft_const *c)
{
    const weft_const *from = n->in[0]->data;
    int size = weft_dtype_bits(from->dtype) / 8, rank = from->ndim;
    if (n->op != WEFT_GOP_TRANSPOSE || size == 0 || rank > 8)
        return false;
    *c = weft_const_make(g, from->dtype, rank, dim);
    int64_t stride[8], step[8] = { 0 }, at[8] = { 0 }, s = size;
    for (int i = rank - 1; i >= 0; i--, s *= from->dim[i + 1])
        stride[i] = s;
    for (int i = 0; i < rank; i++)
        step[i] = stride[weft_node_attr(n, "axes")->ints[i]];
    const char *source = from->data;
    char *to = (char *)(uintptr_t)c->data;
    for (size_t o = 0; o < c->size; o += (size_t)size) {
        memcpy(to + o, source, (size_t)size);
        for (int i = rank - 1; i >= 0; i--) {
            source += step[i];
            if (++at[i] < dim[i])
                break;
            source -= step[i] * dim[i];
            at[i] = 0;
        }
    }
    return true;
}

static bool
reshaped(const weft_node *n, const int64_t *dim, weft_const *c)
{
    if (n->op != WEFT_GOP_RESHAPE && n->op != WEFT_GOP_IDENTITY)
        return false;
    *c = *n->in[0]->data;
    c->ndim = n->out[0]->ndim;
    c->dim = dim;
    return true;
}

static bool
evaluated(weft_graph *g, const weft_node *n, const weft_graph_options *options, weft_const *c)
{
    if (!options->evaluate)
        return false;
    weft_diag *own = weft_diag_create(); /* a refusal only means that the node stays */
    weft_status st = options->evaluate(options->user, g, n, c, own);
    weft_diag_destroy(own);
    return st == WEFT_OK;
}

static bool
folded(weft_graph *g, const weft_node *n, const weft_graph_options *options, weft_const *c)
{
    int64_t bytes, in, *dim;
    if (weft_node_flows(n) || !const_dims(g, n->out[0], &dim, &bytes))
        return false;
    if (from_elements(g, n->out[0], dim, c))
        return true;
    if (!all_constant(n, &in))
        return false;
    if (reshaped(n, dim, c))
        return true;
    if (bytes > (options->fold_max_bytes ? options->fold_max_bytes : in + default_room))
        return false;
    return transposed(g, n, dim, c) || evaluated(g, n, options, c);
}

weft_status
weft_pass_fold_constants(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    weft_sweep s = weft_sweep_start(g);
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        weft_const c;
        if (!folded(g, n, options, &c)) {
            weft_sweep_keep(&s, n);
            continue;
        }
        weft_value *v = weft_graph_constant(g, n->out[0]->name, &c);
        if (!v) {
            weft_sweep_end(&s);
            return WEFT_INTERNAL;
        }
        weft_value_take_name(v, n->out[0]);
        weft_sweep_put(&s, n->out[0], v);
    }
    *changed = weft_sweep_end(&s);
    return WEFT_OK;
}
