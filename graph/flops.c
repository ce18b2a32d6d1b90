/* Work and traffic of nodes, for kernels' headers and reports. */
#include "graph/flops.h"

/* As a double, so that nothing overflows. */
static double
count(const weft_value *v)
{
    double n = 1;
    for (int i = 0; i < v->ndim; i++) {
        int64_t d;
        if (!weft_as_int(v->dim[i], &d))
            return -1;
        n *= (double)d;
    }
    return n;
}

static double
dim(const weft_value *v, int i)
{
    int64_t d;
    return weft_as_int(v->dim[i], &d) ? (double)d : -1;
}

static double
matmul_flops(const weft_node *n)
{
    const weft_value *a = n->in[0];
    double k = dim(a, a->ndim - (weft_node_int(n, "ta") ? 2 : 1)), out = count(n->out[0]);
    return k < 0 || out < 0 ? -1 : 2 * k * out;
}

/* Both products, and what softmax takes. */
static double
attention_flops(const weft_node *n)
{
    const weft_value *q = n->in[0], *v = n->in[2];
    double depth = dim(q, q->ndim - (weft_node_int(n, "tq") ? 2 : 1)),
           width = dim(v, v->ndim - (weft_node_int(n, "tv") ? 2 : 1)),
           keys = dim(v, v->ndim - (weft_node_int(n, "tv") ? 1 : 2)), out = count(n->out[0]);
    if (depth < 0 || width <= 0 || keys < 0 || out < 0)
        return -1;
    return out / width * keys * (2 * depth + 2 * width + 5);
}

/* Each output takes the input channels of its group times the window. */
static double
conv_flops(const weft_node *n)
{
    double out = count(n->out[0]), window = n->in[1]->data || out >= 0 ? dim(n->in[1], 1) : -1;
    bool packed = weft_node_attr(n, "pack") != NULL; /* blocks of channels count as a dimension */
    for (int i = 2; i < n->in[1]->ndim - packed; i++)
        window *= dim(n->in[1], i);
    return out < 0 || window < 0 ? -1 : 2 * out * window;
}

/* Each input element goes to as many outputs as the weight has per input channel. */
static double
conv_transpose_flops(const weft_node *n)
{
    double in = count(n->in[0]), window = 1;
    for (int i = 1; i < n->in[1]->ndim; i++)
        window *= dim(n->in[1], i);
    return in < 0 || window < 0 ? -1 : 2 * in * window;
}

static double
pool_flops(const weft_node *n)
{
    const weft_attr *kernel = weft_node_attr(n, "kernel");
    double out = count(n->out[0]);
    for (int i = 0; kernel && i < kernel->n; i++)
        out *= (double)kernel->ints[i];
    return out < 0 ? -1 : out;
}

double
weft_node_flops(const weft_node *n)
{
    switch (weft_op_infos[n->op].pattern) {
    case WEFT_PAT_CONST:
    case WEFT_PAT_ALIAS:
    case WEFT_PAT_PARTS:
    case WEFT_PAT_INJECTIVE:
        return 0;
    case WEFT_PAT_ELEMWISE:
    case WEFT_PAT_BROADCAST:
        return n->op == WEFT_GOP_CAST ? 0 : count(n->out[0]);
    case WEFT_PAT_REDUCTION:
        return weft_node_attr(n, "kernel") ? pool_flops(n) : count(n->in[0]);
    case WEFT_PAT_ROWWISE:
        return count(n->in[0]) < 0 ? -1
                                   : 5 * count(n->in[0]); /* find, subtract, exp, sum, divide */
    case WEFT_PAT_OPAQUE: /* a program of the user's own says nothing */
        return n->op == WEFT_GOP_ATTENTION ? attention_flops(n) : 0;
    case WEFT_PAT_CONTRACTION:
        break;
    }
    return n->op == WEFT_GOP_MATMUL ? matmul_flops(n)
           : n->op == WEFT_GOP_CONV ? conv_flops(n)
                                    : conv_transpose_flops(n);
}

double
weft_value_bytes(const weft_value *v)
{
    double n = count(v);
    return n < 0 ? -1 : n * weft_dtype_bits(v->dtype) / 8;
}
