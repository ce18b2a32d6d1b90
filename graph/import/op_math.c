/* Importers of elementwise operators: of one input, of two (with the broadcasting of operator sets
 * before 7), of many, and activations that are made of others. */
#include "import/ops.h"

#include <math.h>
#include <string.h>

/* ---- one input ------------------------------------------------------------------------------- */

void
weft_onnx_import_unary(onnx_node *n)
{
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_unary(n, (weft_op)n->op->arg, weft_onnx_in(n, 0)));
}

void
weft_onnx_import_is_inf(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_attr attr[] = {
        weft_attr_int("positive", &(int64_t){ weft_onnx_attr_int(n, "detect_positive", 1) != 0 }),
        weft_attr_int("negative", &(int64_t){ weft_onnx_attr_int(n, "detect_negative", 1) != 0 }),
    };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_ISINF, 1, &x, 2, attr));
}

/* Operators whose attributes are weft's by the same names; NAN: there is no such attribute. */
static const struct {
    weft_op op;
    float alpha, beta, gamma;
} scaled[] = {
    { WEFT_GOP_LEAKY_RELU, 0.01f, NAN, NAN },
    { WEFT_GOP_ELU, 1, NAN, NAN },
    { WEFT_GOP_SELU, 1.67326319217681884765625f, NAN, 1.05070102214813232421875f },
    { WEFT_GOP_HARD_SIGMOID, 0.2f, 0.5f, NAN },
    { WEFT_GOP_THRESHOLDED_RELU, 1, NAN, NAN },
};

void
weft_onnx_import_scaled(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_attr attr[3];
    int k = 0, count = 0;
    while (scaled[k].op != (weft_op)n->op->arg)
        k++;
    double alpha = weft_onnx_attr_float(n, "alpha", (double)scaled[k].alpha), beta, gamma;
    attr[count++] = weft_attr_float("alpha", &alpha);
    if (!isnan(scaled[k].beta)) {
        beta = weft_onnx_attr_float(n, "beta", (double)scaled[k].beta);
        attr[count++] = weft_attr_float("beta", &beta);
    }
    if (!isnan(scaled[k].gamma)) {
        gamma = weft_onnx_attr_float(n, "gamma", (double)scaled[k].gamma);
        attr[count++] = weft_attr_float("gamma", &gamma);
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, scaled[k].op, 1, &x, count, attr));
}

/* ---- activations made of others -------------------------------------------------------------- */

/* max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) */
void
weft_onnx_import_celu(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = x->dtype;
    weft_value *alpha = weft_onnx_scalar(n, t, weft_onnx_attr_float(n, "alpha", 1)),
               *zero = weft_onnx_scalar(n, t, 0);
    weft_value *e = weft_onnx_unary(n, WEFT_GOP_EXP, weft_onnx_binary(n, WEFT_GOP_DIV, x, alpha));
    e = weft_onnx_binary(n, WEFT_GOP_SUB, e, weft_onnx_scalar(n, t, 1));
    e = weft_onnx_binary(n, WEFT_GOP_MINIMUM, weft_onnx_binary(n, WEFT_GOP_MUL, alpha, e), zero);
    weft_value *r = weft_onnx_unary(n, WEFT_GOP_RELU, x);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_ADD, r, e));
}

/* 0.5 * x * (1 + f(x)): f is erf(x / sqrt 2), or a tanh near it. */
void
weft_onnx_import_gelu(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *f;
    weft_dtype t = x->dtype;
    const char *how = weft_onnx_attr_text(n, "approximate", "none");
    if (strcmp(how, "tanh") == 0) {
        weft_value *cube =
            weft_onnx_binary(n, WEFT_GOP_MUL, weft_onnx_binary(n, WEFT_GOP_MUL, x, x), x);
        cube = weft_onnx_binary(n, WEFT_GOP_MUL, cube, weft_onnx_scalar(n, t, 0.044715));
        f = weft_onnx_binary(n, WEFT_GOP_ADD, x, cube);
        f = weft_onnx_unary(
            n, WEFT_GOP_TANH,
            weft_onnx_binary(n, WEFT_GOP_MUL, f, weft_onnx_scalar(n, t, sqrt(2 / acos(-1)))));
    } else {
        if (strcmp(how, "none") != 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "approximate is '%s', neither none nor tanh",
                           how);
        f = weft_onnx_binary(n, WEFT_GOP_MUL, x, weft_onnx_scalar(n, t, sqrt(0.5)));
        f = weft_onnx_unary(n, WEFT_GOP_ERF, f);
    }
    f = weft_onnx_binary(n, WEFT_GOP_ADD, f, weft_onnx_scalar(n, t, 1));
    f = weft_onnx_binary(n, WEFT_GOP_MUL, f, x);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, f, weft_onnx_scalar(n, t, 0.5)));
}

void
weft_onnx_import_hard_swish(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_attr attr[] = { weft_attr_float("alpha", &(double){ 1.0 / 6 }),
                         weft_attr_float("beta", &(double){ 0.5 }) };
    weft_value *h = weft_onnx_emit(n, WEFT_GOP_HARD_SIGMOID, 1, &x, 2, attr);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, x, h));
}

void
weft_onnx_import_mish(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_value *t = weft_onnx_unary(n, WEFT_GOP_TANH, weft_onnx_unary(n, WEFT_GOP_SOFTPLUS, x));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, x, t));
}

void
weft_onnx_import_swish(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *s = x;
    double alpha = weft_onnx_attr_float(n, "alpha", 1);
    if (alpha != 1)
        s = weft_onnx_binary(n, WEFT_GOP_MUL, s, weft_onnx_scalar(n, x->dtype, alpha));
    s = weft_onnx_unary(n, WEFT_GOP_SIGMOID, s);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_MUL, x, s));
}

/* x + bias below -lambd, x - bias above lambd, 0 between. */
void
weft_onnx_import_shrink(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = x->dtype;
    double lambd = weft_onnx_attr_float(n, "lambd", 0.5);
    weft_value *bias = weft_onnx_scalar(n, t, weft_onnx_attr_float(n, "bias", 0));
    weft_value *low = weft_onnx_binary(n, WEFT_GOP_LESS, x, weft_onnx_scalar(n, t, -lambd));
    weft_value *high = weft_onnx_binary(n, WEFT_GOP_GREATER, x, weft_onnx_scalar(n, t, lambd));
    weft_value *less = weft_onnx_binary(n, WEFT_GOP_SUB, x, bias),
               *more = weft_onnx_binary(n, WEFT_GOP_ADD, x, bias);
    weft_value *rest = weft_onnx_where(n, high, less, weft_onnx_scalar(n, t, 0));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_where(n, low, more, rest));
}

/* ---- two inputs ------------------------------------------------------------------------------ */

/* Before operator set 7 the second operand was laid along the first one's axes from `axis` on; its
 * dims with ones after them are the same in NumPy's broadcasting. */
static weft_value *
legacy_operand(onnx_node *n, weft_value *a, weft_value *b)
{
    if (weft_onnx_attr_int(n, "broadcast", 0) == 0) {
        weft_onnx_ignore(n, "axis");
        return b;
    }
    int axis = a->ndim - b->ndim;
    if (weft_onnx_has_attr(n, "axis"))
        axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), a->ndim, true);
    if (axis < 0 || axis + b->ndim > a->ndim) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "input 1 has %d dimensions, too many for axis %d of input 0's %d", b->ndim,
                       axis, a->ndim);
        return NULL;
    }
    int more = a->ndim - axis - b->ndim;
    if (more == 0)
        return b;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, b->ndim + more, const weft_expr *);
    for (int i = 0; i < b->ndim + more; i++)
        dim[i] = i < b->ndim ? b->dim[i] : weft_dim(n->graph, 1);
    return weft_onnx_reshape(n, b, b->ndim + more, dim);
}

void
weft_onnx_import_binary(onnx_node *n)
{
    weft_value *a = weft_onnx_in(n, 0), *b = weft_onnx_in(n, 1);
    if (n->version < 7)
        b = legacy_operand(n, a, b);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, (weft_op)n->op->arg, a, b));
}

void
weft_onnx_import_mod(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    int64_t fmod = weft_onnx_attr_int(n, "fmod", 0) != 0;
    weft_attr attr = weft_attr_int("fmod", &fmod);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_MOD, 2, in, 1, &attr));
}

/* Before operator set 7 a slope of one dimension went along the channels. */
void
weft_onnx_import_prelu(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *slope = weft_onnx_in(n, 1);
    if (n->version < 7 && slope->ndim == 1 && x->ndim > 2 && !weft_is_int_imm(slope->dim[0], 1)) {
        const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, x->ndim, const weft_expr *);
        for (int i = 0; i < x->ndim - 1; i++)
            dim[i] = i ? weft_dim(n->graph, 1) : slope->dim[0];
        slope = weft_onnx_reshape(n, slope, x->ndim - 1, dim);
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_binary(n, WEFT_GOP_PRELU, x, slope));
}

/* ---- more inputs ----------------------------------------------------------------------------- */

void
weft_onnx_import_variadic(onnx_node *n)
{
    bool mean = n->op->arg == WEFT_GOP_DIV;
    weft_op op = mean ? WEFT_GOP_ADD : (weft_op)n->op->arg;
    weft_value *v = weft_onnx_in(n, 0);
    for (int i = 1; i < n->nin; i++) {
        if (!mean && i == n->nin - 1)
            weft_onnx_last(n, 0);
        v = weft_onnx_binary(n, op, v, weft_onnx_in(n, i));
    }
    if (mean && n->nin > 1) {
        weft_onnx_last(n, 0);
        v = weft_onnx_binary(n, WEFT_GOP_DIV, v, weft_onnx_scalar(n, n->in[0]->dtype, n->nin));
    }
    weft_onnx_set(n, 0, v);
}

void
weft_onnx_import_where(onnx_node *n)
{
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0,
                  weft_onnx_where(n, weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2)));
}

void
weft_onnx_import_clip(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *in[3] = { x, weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    if (n->version < 11) {
        in[1] = weft_onnx_has_attr(n, "min")
                    ? weft_onnx_scalar(n, x->dtype, weft_onnx_attr_float(n, "min", 0))
                    : NULL;
        in[2] = weft_onnx_has_attr(n, "max")
                    ? weft_onnx_scalar(n, x->dtype, weft_onnx_attr_float(n, "max", 0))
                    : NULL;
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CLIP, in[2] ? 3 : in[1] ? 2 : 1, in, 0, NULL));
}

/* ---- dtypes ---------------------------------------------------------------------------------- */

static bool
is_f8(weft_dtype t)
{
    return t == WEFT_F8E4M3FN || t == WEFT_F8E4M3FNUZ || t == WEFT_F8E5M2 || t == WEFT_F8E5M2FNUZ;
}

/* The greatest finite value. */
static double
most(weft_dtype t)
{
    return t == WEFT_F8E4M3FN ? 448 : t == WEFT_F8E4M3FNUZ ? 240 : 57344;
}

/* What ONNX wants and weft's cast does not do by itself: 8-bit floats take their greatest value for
 * what is greater; from operator set 24 on 4-bit floats have a negative zero for NaN, and integers
 * of less than 8 bits wrap. */
weft_value *
weft_onnx_before_cast(onnx_node *n, weft_value *x, weft_dtype t, bool saturate)
{
    if (!x)
        return NULL;
    bool from_float = weft_is_float(x->dtype), recent = n->version >= 24;
    if (weft_is_int(t) && weft_dtype_bits(t) < 8 && from_float && recent)
        return weft_onnx_cast(n, x, WEFT_I32);
    if (!from_float || x->dtype == t || !((is_f8(t) && saturate) || (t == WEFT_F4E2M1 && recent)))
        return x;
    if (weft_dtype_bits(x->dtype) < 16)
        x = weft_onnx_cast(n, x, WEFT_F32);
    if (n->status != WEFT_OK)
        return NULL;
    if (t == WEFT_F4E2M1)
        return weft_onnx_where(n, weft_onnx_unary(n, WEFT_GOP_ISNAN, x),
                               weft_onnx_scalar(n, x->dtype, -0.0), x);
    weft_value *in[3] = { x };
    in[1] = weft_onnx_scalar(n, x->dtype, -most(t));
    in[2] = weft_onnx_scalar(n, x->dtype, most(t));
    return weft_onnx_emit(n, WEFT_GOP_CLIP, 3, in, 0, NULL);
}

static weft_value *
word(onnx_node *n, double v)
{
    return weft_onnx_scalar(n, WEFT_U32, v);
}

/* Whether what an f32's exponent leaves over, `rest`, makes a scale greater by one. */
static weft_value *
rounds_up(onnx_node *n, const char *rounding, weft_value *exponent, weft_value *rest)
{
    if (strcmp(rounding, "up") == 0)
        return weft_onnx_binary(n, WEFT_GOP_GREATER, rest, word(n, 0));
    if (strcmp(rounding, "down") == 0)
        return weft_onnx_binary(n, WEFT_GOP_GREATER, word(n, 0), rest);
    weft_value *half = word(n, 0x400000);
    weft_value *normal = weft_onnx_binary(n, WEFT_GOP_GREATER, exponent, word(n, 0));
    weft_value *tie = weft_onnx_binary(n, WEFT_GOP_AND, normal,
                                       weft_onnx_binary(n, WEFT_GOP_EQUAL, rest, half));
    return weft_onnx_binary(n, WEFT_GOP_OR, tie,
                            weft_onnx_binary(n, WEFT_GOP_GREATER, rest, half));
}

/* f8e8m0 is the exponent of an f32, whatever its sign, rounded; 255 stays, and stands for NaN. */
static weft_value *
scale_bits(onnx_node *n, weft_value *x, const char *rounding, bool saturate)
{
    weft_attr attr = weft_attr_dtype("dtype", WEFT_U32);
    x = weft_onnx_cast(n, x, WEFT_F32);
    weft_value *u = weft_onnx_emit(n, WEFT_GOP_BITCAST, 1, &x, 1, &attr);
    weft_value *exponent =
        weft_onnx_binary(n, WEFT_GOP_BIT_AND,
                         weft_onnx_binary(n, WEFT_GOP_RIGHT_SHIFT, u, word(n, 23)), word(n, 255));
    weft_value *rest = weft_onnx_binary(n, WEFT_GOP_BIT_AND, u, word(n, 0x7fffff));
    weft_value *room =
        weft_onnx_binary(n, WEFT_GOP_LESS, exponent, word(n, saturate ? 254 : 255));
    weft_value *up = weft_onnx_binary(n, WEFT_GOP_AND, room,
                                      rounds_up(n, rounding, exponent, rest));
    exponent = weft_onnx_binary(n, WEFT_GOP_ADD, exponent, weft_onnx_cast(n, up, WEFT_U32));
    return weft_onnx_cast(n, exponent, WEFT_U8);
}

static void
cast_to_scale(onnx_node *n, weft_value *x, bool saturate)
{
    const char *rounding = weft_onnx_attr_text(n, "round_mode", "up");
    if (strcmp(rounding, "up") != 0 && strcmp(rounding, "down") != 0 &&
        strcmp(rounding, "nearest") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "round_mode is '%s', not up, down or nearest",
                       rounding);
    if (n->status != WEFT_OK)
        return;
    weft_value *bits = x->dtype == WEFT_F8E8M0 ? x : scale_bits(n, x, rounding, saturate);
    weft_attr attr = weft_attr_dtype("dtype", WEFT_F8E8M0);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0,
                  bits == x ? x : weft_onnx_emit(n, WEFT_GOP_BITCAST, 1, &bits, 1, &attr));
}

static void
cast_to(onnx_node *n, weft_dtype t)
{
    bool saturate = weft_onnx_attr_int(n, "saturate", 1) != 0;
    weft_value *x = weft_onnx_in(n, 0);
    if (t == WEFT_F8E8M0) {
        cast_to_scale(n, x, saturate);
        return;
    }
    weft_onnx_ignore(n, "round_mode");
    x = n->status == WEFT_OK ? weft_onnx_before_cast(n, x, t, saturate) : NULL;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, x, t));
}

void
weft_onnx_import_cast(onnx_node *n)
{
    if (!weft_onnx_has_attr(n, "to"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'to' is missing");
    int64_t number = n->version < 6 ? weft_onnx_dtype_named(weft_onnx_attr_text(n, "to", ""))
                                    : weft_onnx_attr_int(n, "to", 0);
    weft_dtype t = weft_onnx_element(n, number);
    if (n->status == WEFT_OK)
        cast_to(n, t);
}

void
weft_onnx_import_cast_like(onnx_node *n)
{
    cast_to(n, weft_onnx_in(n, 1)->dtype);
}

void
weft_onnx_import_identity(onnx_node *n)
{
    weft_onnx_set_slot(n, 0, weft_onnx_slot(n, 0));
}

/* Inference alone: the mask, where asked for, keeps everything. */
void
weft_onnx_import_dropout(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *training = weft_onnx_in(n, 2);
    weft_onnx_ignore(n, "ratio seed is_test");
    if (training &&
        !(training->elem && training->nelem == 1 && weft_is_int_imm(training->elem[0], 0)))
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "training_mode (input 2) has to be constant and false: weft runs inference");
    weft_onnx_set(n, 0, x);
    if (n->nout < 2 || !*n->proto->output[1])
        return;
    weft_onnx_last(n, 1);
    weft_onnx_set(n, 1,
                  weft_onnx_full(n, n->version < 10 ? x->dtype : WEFT_BOOL, x->ndim, x->dim, 1));
}
