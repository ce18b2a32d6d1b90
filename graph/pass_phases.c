/* split-phases: transposed convolutions of constant weights as convolutions.
 *
 * Place y of the output has phase (y + pad) % stride, and what it adds up are steps of the input
 * times every stride-th tap of the kernel from its phase on.  So each output channel becomes a
 * channel for every phase, of a convolution without strides over ceil(kernel / stride) taps, zeros
 * where a phase has fewer; its results are put side by side again and what is padding is cut off.
 *
 * needs   types, weights before they are packed
 * keeps   order, results up to the order of sums
 */
#include "graph/passes.h"

#include <string.h>

typedef struct phases {
    weft_sweep s;
    weft_node *n;
    int rank;        /* spatial axes */
    int64_t all;     /* phases of all axes together */
    const int64_t *stride, *dilation, *pad, *more;
    int64_t *taps;   /* of a phase, by axis */
    int64_t *around; /* zeros that the convolution takes before and after: [2 * rank] */
} phases;

static const int64_t *
ints(const weft_node *n, const char *name)
{
    return weft_node_attr(n, name)->ints;
}

/* Whether the convolution is one: axes that are strided are not dilated, and nothing is cut off
 * before the first tap or after the last. */
static bool
describe(phases *p, weft_node *n)
{
    weft_graph *g = p->s.g;
    const weft_const *w = n->in[1]->data;
    p->n = n;
    p->rank = w->ndim - 2;
    p->all = 1;
    p->stride = ints(n, "strides");
    p->dilation = ints(n, "dilations");
    p->pad = ints(n, "pads");
    p->more = ints(n, "output_padding");
    p->taps = WEFT_NEW_ARRAY(&g->ir->arena, p->rank, int64_t);
    p->around = WEFT_NEW_ARRAY(&g->ir->arena, 2 * p->rank, int64_t);
    for (int d = 0; d < p->rank; d++) {
        int64_t reach = (w->dim[2 + d] - 1) * p->dilation[d], stride = p->stride[d];
        int64_t last = reach - p->pad[p->rank + d] + p->more[d];
        if ((stride > 1 && p->dilation[d] > 1) || w->dim[2 + d] < 1 || last < 0)
            return false;
        p->taps[d] = weft_ceildiv(w->dim[2 + d], stride);
        p->around[d] = (p->taps[d] - 1) * p->dilation[d] - p->pad[d] / stride;
        p->around[p->rank + d] = last / stride;
        p->all *= stride;
        if (p->around[d] < 0)
            return false;
    }
    return true;
}

static bool
is_split(phases *p, weft_node *n)
{
    return n->op == WEFT_GOP_CONV_TRANSPOSE && n->in[1]->data &&
           weft_dtype_bits(n->in[1]->dtype) >= 8 && (n->nin < 3 || !n->in[2] || n->in[2]->data) &&
           describe(p, n);
}

/* ---- constants ------------------------------------------------------------------------------- */

/* The element of the kernel that tap `u` of phase `phase` is, both numbers
 * over all axes; -1: none. */
static int64_t
kernel_element(const phases *p, int64_t phase, int64_t u)
{
    const int64_t *kernel = p->n->in[1]->data->dim + 2;
    int64_t at = 0, step = 1;
    for (int d = p->rank; d-- > 0;) {
        int64_t from_end = p->taps[d] - 1 - u % p->taps[d];
        int64_t k = from_end * p->stride[d] + phase % p->stride[d];
        if (k >= kernel[d])
            return -1;
        at += k * step;
        step *= kernel[d];
        u /= p->taps[d];
        phase /= p->stride[d];
    }
    return at;
}

/* [C, M / groups, k..] as [M * phases, C / groups, taps..]. */
static weft_value *
split_weight(const phases *p)
{
    weft_graph *g = p->s.g;
    const weft_const *w = p->n->in[1]->data;
    int64_t groups = weft_node_int(p->n, "groups"), each = w->dim[1], in = w->dim[0] / groups,
            kernel = weft_product_of(p->rank, w->dim + 2), taps = weft_product_of(p->rank, p->taps),
            size = weft_dtype_bits(w->dtype) / 8;
    int64_t *dim = WEFT_NEW_ARRAY(&g->ir->arena, w->ndim, int64_t);
    dim[0] = groups * each * p->all;
    dim[1] = in;
    memcpy(dim + 2, p->taps, (size_t)p->rank * sizeof *dim);
    weft_const c = weft_const_make(g, w->dtype, w->ndim, dim);
    char *to = (char *)(uintptr_t)c.data;
    for (int64_t m = 0; m < dim[0]; m++)
        for (int64_t i = 0; i < in * taps; i++, to += size) {
            int64_t at = kernel_element(p, m % p->all, i % taps), out = m / p->all;
            int64_t row = (out / each * in + i / taps) * each + out % each;
            if (at >= 0)
                memcpy(to, (const char *)w->data + (row * kernel + at) * size, (size_t)size);
        }
    return weft_graph_constant(
        g, weft_arena_printf(&g->ir->arena, "%s.phases", p->n->in[1]->name), &c);
}

/* Each element for all phases. */
static weft_value *
split_bias(const phases *p)
{
    weft_graph *g = p->s.g;
    const weft_value *bias = p->n->in[2];
    int64_t n = bias->data->dim[0] * p->all, size = weft_dtype_bits(bias->dtype) / 8;
    weft_const c = weft_const_make(g, bias->dtype, 1, &n);
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)(uintptr_t)c.data + i * size,
               (const char *)bias->data->data + i / p->all * size, (size_t)size);
    return weft_graph_constant(g, weft_arena_printf(&g->ir->arena, "%s.phases", bias->name), &c);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static weft_value *
convolved(phases *p)
{
    weft_node *n = p->n;
    bool bias = n->nin > 2 && n->in[2];
    int64_t *one = WEFT_NEW_ARRAY(&p->s.scratch, p->rank, int64_t);
    for (int d = 0; d < p->rank; d++)
        one[d] = 1;
    weft_value *in[3] = { n->in[0], split_weight(p), bias ? split_bias(p) : NULL };
    weft_attr attr[4] = { weft_attr_ints("strides", p->rank, one),
                          weft_attr_ints("dilations", p->rank, p->dilation),
                          weft_attr_ints("pads", 2 * p->rank, p->around),
                          *weft_node_attr(n, "groups") };
    if (!in[1] || (bias && !in[2]))
        return NULL;
    return p->all == 1 ? weft_sweep_instead(&p->s, n, WEFT_GOP_CONV, bias ? 3 : 2, in, 4, attr)
                       : weft_graph_add(p->s.g, WEFT_GOP_CONV, n->name, n->kind, NULL, bias ? 3 : 2,
                                        in, 4, attr);
}

static weft_value *
moved(phases *p, weft_op op, weft_value *v, weft_attr attr)
{
    return v ? weft_graph_add(p->s.g, op, p->n->name, p->n->kind, NULL, 1, &v, 1, &attr) : NULL;
}

/* [N, M * phases, y..] as [N, M, y * stride..]. */
static weft_value *
side_by_side(phases *p, weft_value *v)
{
    weft_graph *g = p->s.g;
    int r = p->rank;
    const weft_expr **apart = WEFT_NEW_ARRAY(&g->ir->arena, 2 * r + 2, const weft_expr *);
    const weft_expr **whole = WEFT_NEW_ARRAY(&g->ir->arena, r + 2, const weft_expr *);
    int64_t *order = WEFT_NEW_ARRAY(&p->s.scratch, 2 * r + 2, int64_t);
    whole[0] = apart[0] = v->dim[0];
    whole[1] = apart[1] = p->n->out[0]->dim[1];
    order[1] = 1;
    for (int d = 0; d < r; d++) {
        apart[2 + d] = weft_dim(g, p->stride[d]);
        apart[2 + r + d] = v->dim[2 + d];
        whole[2 + d] = weft_dim_op(g, WEFT_EK_MUL, v->dim[2 + d], apart[2 + d]);
        order[2 + 2 * d] = 2 + r + d;
        order[3 + 2 * d] = 2 + d;
    }
    v = moved(p, WEFT_GOP_RESHAPE, v, weft_attr_dims("dims", 2 * r + 2, apart));
    v = moved(p, WEFT_GOP_TRANSPOSE, v, weft_attr_ints("axes", 2 * r + 2, order));
    return moved(p, WEFT_GOP_RESHAPE, v, weft_attr_dims("dims", r + 2, whole));
}

/* The places of the output: those from the padding on. */
static bool
cut(phases *p, weft_value *v)
{
    weft_graph *g = p->s.g;
    const weft_value *out = p->n->out[0];
    const weft_expr **start = WEFT_NEW_ARRAY(&g->ir->arena, out->ndim, const weft_expr *);
    int64_t *step = WEFT_NEW_ARRAY(&p->s.scratch, out->ndim, int64_t);
    for (int d = 0; d < out->ndim; d++) {
        start[d] = weft_dim(g, d < 2 ? 0 : p->pad[d - 2] % p->stride[d - 2]);
        step[d] = 1;
    }
    weft_attr attr[3] = { weft_attr_dims("starts", out->ndim, start),
                          weft_attr_ints("steps", out->ndim, step),
                          weft_attr_dims("dims", out->ndim, out->dim) };
    return v && weft_sweep_instead(&p->s, p->n, WEFT_GOP_SLICE, 1, &v, 3, attr);
}

weft_status
weft_pass_split_phases(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    bool ok = true;
    phases p = { .s = weft_sweep_start(g) };
    for (int i = 0; i < p.s.n; i++) {
        weft_node *n = weft_sweep_take(&p.s, i);
        if (!ok || !is_split(&p, n)) {
            weft_sweep_keep(&p.s, n);
            continue;
        }
        weft_value *v = convolved(&p);
        ok = v && (p.all == 1 || cut(&p, side_by_side(&p, v)));
    }
    *changed = weft_sweep_end(&p.s);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
