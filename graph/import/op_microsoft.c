/* Importers of operators that ONNX Runtime puts into models that it makes faster, of domain
 * com.microsoft: each is what it stands for. */
#include "import/ops.h"

#include <math.h>

static weft_value *
with_number(onnx_node *n, weft_op op, weft_value *x, double v)
{
    return x ? weft_onnx_binary(n, op, x, weft_onnx_scalar(n, x->dtype, v)) : NULL;
}

static weft_value *
sum_of(onnx_node *n, weft_value *a, weft_value *b)
{
    return a && b ? weft_onnx_binary(n, WEFT_GOP_ADD, a, b) : a;
}

/* ---- activations ----------------------------------------------------------------------------- */

/* 0.5 * x * (1 + f): output 0. */
static void
give_gelu(onnx_node *n, weft_value *x, weft_value *f)
{
    f = with_number(n, WEFT_GOP_ADD, f, 1);
    f = x && f ? weft_onnx_binary(n, WEFT_GOP_MUL, f, x) : NULL;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, with_number(n, WEFT_GOP_MUL, f, 0.5));
}

void
weft_onnx_import_bias_gelu(onnx_node *n)
{
    weft_value *x = sum_of(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1));
    weft_value *f = with_number(n, WEFT_GOP_MUL, x, sqrt(0.5));
    give_gelu(n, x, f ? weft_onnx_unary(n, WEFT_GOP_ERF, f) : NULL);
}

void
weft_onnx_import_fast_gelu(onnx_node *n)
{
    const double root = 0.7978845608028654; /* sqrt(2 / pi) */
    weft_value *x = sum_of(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1));
    weft_value *square = x ? weft_onnx_binary(n, WEFT_GOP_MUL, x, x) : NULL;
    weft_value *f = with_number(n, WEFT_GOP_MUL, square, 0.044715 * root);
    f = with_number(n, WEFT_GOP_ADD, f, root);
    f = f ? weft_onnx_binary(n, WEFT_GOP_MUL, f, x) : NULL;
    give_gelu(n, x, f ? weft_onnx_unary(n, WEFT_GOP_TANH, f) : NULL);
}

/* x * sigmoid(alpha * x) */
void
weft_onnx_import_quick_gelu(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_value *f = with_number(n, WEFT_GOP_MUL, x, weft_onnx_attr_float(n, "alpha", (double)1.702f));
    f = weft_onnx_unary(n, WEFT_GOP_SIGMOID, f);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, x, f));
}

/* ---- normalisation of sums ------------------------------------------------------------------- */

/* input + skip + bias is output 3, output 0 its norm: about the mean and with an addend, or not. */
static void
skip_norm(onnx_node *n, bool has_beta)
{
    weft_value *bias = weft_onnx_in(n, has_beta ? 4 : 3),
               *beta = has_beta ? weft_onnx_in(n, 3) : NULL;
    double epsilon = weft_onnx_attr_float(n, "epsilon", (double)1e-12f);
    if (!bias)
        weft_onnx_last(n, 3);
    weft_value *x = sum_of(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1));
    if (bias)
        weft_onnx_last(n, 3);
    x = sum_of(n, x, bias);
    if (n->status != WEFT_OK)
        return;
    weft_value *in[] = { x, weft_onnx_in(n, 2), beta };
    weft_attr attr[] = { weft_attr_int("axis", &(int64_t){ x->ndim - 1 }),
                         weft_attr_float("epsilon", &epsilon) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, has_beta ? WEFT_GOP_LAYER_NORM : WEFT_GOP_RMS_NORM,
                                       beta ? 3 : 2, in, 2, attr));
    weft_onnx_set(n, 3, x);
}

void
weft_onnx_import_skip_layer_norm(onnx_node *n)
{
    skip_norm(n, true);
}

void
weft_onnx_import_skip_rms_norm(onnx_node *n)
{
    skip_norm(n, false);
}

/* ---- products -------------------------------------------------------------------------------- */

static weft_value *
transposed(onnx_node *n, weft_value *v)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, v->ndim + 1, int64_t);
    for (int d = 0; d < v->ndim; d++)
        axes[d] = d < v->ndim - 2 ? d : 2 * v->ndim - 3 - d;
    return v->ndim < 2 ? v : weft_onnx_transpose(n, v, axes);
}

/* alpha * A B, each transposed or not. */
void
weft_onnx_import_fused_matmul(onnx_node *n)
{
    weft_value *a = weft_onnx_in(n, 0), *b = weft_onnx_in(n, 1);
    double alpha = weft_onnx_attr_float(n, "alpha", 1);
    if (weft_onnx_attr_int(n, "transBatchA", 0) || weft_onnx_attr_int(n, "transBatchB", 0))
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "transBatchA and transBatchB are not supported");
    a = weft_onnx_attr_int(n, "transA", 0) ? transposed(n, a) : a;
    b = weft_onnx_attr_int(n, "transB", 0) ? transposed(n, b) : b;
    weft_value *y = weft_onnx_matmul(n, a, b, alpha == 1);
    if (alpha != 1) {
        weft_onnx_last(n, 0);
        y = with_number(n, WEFT_GOP_MUL, y, alpha);
    }
    weft_onnx_set(n, 0, y);
}
