/* tests/graphfuzz/elements.c: elementwise operators. */
#include "graphfuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What an API's functions may be off by, in roundings, and functions that are made of several. */
enum { FUNCTION = 16 };

static bool
is_float(const gf_value *v)
{
    return weft_is_float(v->dtype);
}

static bool
is_integer(const gf_value *v)
{
    return weft_is_int(v->dtype);
}

static bool
is_number(const gf_value *v)
{
    return v->dtype != WEFT_BOOL;
}

static bool
is_exact_float(const gf_value *v)
{
    return is_float(v) && v->error == 0;
}

static bool
is_exact_number(const gf_value *v)
{
    return is_number(v) && v->error == 0;
}

static bool
is_bool(const gf_value *v)
{
    return v->dtype == WEFT_BOOL;
}

/* ---- one operand ----------------------------------------------------------------------------- */

#define F(name, e)                                                                                 \
    static double name(double x)                                                                   \
    {                                                                                              \
        return e;                                                                                  \
    }
F(f_neg, -x)
F(f_relu, fmax(x, 0))
F(f_reciprocal, 1 / x)
F(f_sigmoid, 1 / (1 + exp(-x)))
F(f_softplus, log1p(exp(x)))
F(f_softsign, x / (1 + fabs(x)))
F(f_leaky, x < 0 ? 0.125 * x : x)
F(f_elu, x < 0 ? 1.5 * expm1(x) : x)
F(f_selu, 1.05 * (x > 0 ? x : 1.67 * expm1(x)))
F(f_hard, fmax(fmin(0.25 * x + 0.5, 1), 0))
#undef F

/* lo, hi: where it is defined and not steep.  roundings 0: exact. */
static const struct {
    weft_op op;
    double lo, hi;
    double (*f)(double);
    int roundings;
    const char *attrs;
} unary[] = {
    { WEFT_GOP_NEG, -3000, 3000, f_neg, 0, "" },
    { WEFT_GOP_ABS, -3000, 3000, fabs, 0, "" },
    { WEFT_GOP_RELU, -3000, 3000, f_relu, 0, "" },
    { WEFT_GOP_EXP, -8, 4, exp, FUNCTION, "" },
    { WEFT_GOP_LOG, 0.125, 3000, log, FUNCTION, "" },
    { WEFT_GOP_SQRT, 0.125, 3000, sqrt, FUNCTION, "" },
    { WEFT_GOP_RECIPROCAL, 0.25, 3000, f_reciprocal, FUNCTION, "" },
    { WEFT_GOP_SINH, -4, 4, sinh, FUNCTION, "" },
    { WEFT_GOP_COSH, -4, 4, cosh, FUNCTION, "" },
    { WEFT_GOP_TANH, -99, 99, tanh, FUNCTION, "" },
    { WEFT_GOP_ASINH, -99, 99, asinh, FUNCTION, "" },
    { WEFT_GOP_ACOSH, 1.25, 99, acosh, FUNCTION, "" },
    { WEFT_GOP_ATANH, -0.9, 0.9, atanh, FUNCTION, "" },
    { WEFT_GOP_SIGMOID, -20, 20, f_sigmoid, FUNCTION, "" },
    { WEFT_GOP_SOFTPLUS, -20, 20, f_softplus, FUNCTION, "" },
    { WEFT_GOP_SOFTSIGN, -99, 99, f_softsign, FUNCTION, "" },
    { WEFT_GOP_LEAKY_RELU, -3000, 3000, f_leaky, 2, "alpha=0.125" },
    { WEFT_GOP_ELU, -20, 99, f_elu, FUNCTION, "alpha=1.5" },
    { WEFT_GOP_SELU, -20, 99, f_selu, FUNCTION, "alpha=1.67, gamma=1.05" },
    { WEFT_GOP_HARD_SIGMOID, -99, 99, f_hard, 4, "alpha=0.25, beta=0.5" },
    /* ORDER: from here on Vulkan has them in f32 alone */
    { WEFT_GOP_SIN, -9, 9, sin, FUNCTION, "" },
    { WEFT_GOP_COS, -9, 9, cos, FUNCTION, "" },
    { WEFT_GOP_TAN, -1, 1, tan, FUNCTION, "" },
    { WEFT_GOP_ASIN, -0.9, 0.9, asin, FUNCTION, "" },
    { WEFT_GOP_ACOS, -0.9, 0.9, acos, FUNCTION, "" },
    { WEFT_GOP_ATAN, -99, 99, atan, FUNCTION, "" },
    { WEFT_GOP_ERF, -9, 9, erf, FUNCTION, "" },
};
enum { NUNARY = sizeof unary / sizeof *unary, NOT_IN_F64 = 7 };

/* The function's range and steepest slope over the operand's, by samples with a margin: all of them
 * are smooth but for one corner, at 0. */
static void
sample(double (*f)(double), double lo, double hi, gf_value *to, double *slope)
{
    enum { STEPS = 256 };
    double before = f(lo), step = (hi - lo) / STEPS;
    to->lo = fmin(before, lo <= 0 && hi >= 0 ? f(0) : before);
    to->hi = fmax(before, lo <= 0 && hi >= 0 ? f(0) : before);
    *slope = 0;
    for (int i = 1; i <= STEPS; i++) {
        double y = f(lo + step * i);
        to->lo = fmin(to->lo, y);
        to->hi = fmax(to->hi, y);
        *slope = step > 0 ? fmax(*slope, fabs(y - before) / step) : 1;
        before = y;
    }
    double margin = 0.02 * (to->hi - to->lo);
    bool positive = to->lo > 0;
    to->lo -= margin;
    to->hi += margin;
    if (positive)
        to->lo = fmax(to->lo, 0.5 * (to->lo + margin));
    *slope *= 1.25;
}

bool
gf_unary(gf_graph *g)
{
    int at = gf_pick(g, is_float), u = (int)gf_below(g, NUNARY);
    if (at >= 0 && g->value[at].dtype == WEFT_F64 && u >= NUNARY - NOT_IN_F64)
        return false;
    at = at < 0 ? -1 : gf_clipped(g, at, unary[u].lo, unary[u].hi);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    double slope;
    sample(unary[u].f, x.lo - x.error, x.hi + x.error, &y, &slope);
    if (!unary[u].roundings) {
        double a = unary[u].f(x.lo), b = unary[u].f(x.hi);
        bool across = x.lo < 0 && x.hi > 0 && unary[u].op == WEFT_GOP_ABS;
        y.lo = across ? 0 : fmin(a, b);
        y.hi = fmax(a, b);
        y.error = x.error;
    } else {
        y.error = slope * x.error + unary[u].roundings * gf_unit(y.dtype) * gf_most(&y);
        if (weft_dtype_bits(y.dtype) == 64) /* f64's functions are expanded where there are none */
            y.error = fmax(y.error, 1e-12 * gf_most(&y));
    }
    return gf_add(g, unary[u].op, y, 1, &at, unary[u].attrs);
}

/* What has steps, of values without error. */
bool
gf_step(gf_graph *g)
{
    static const weft_op ops[] = { WEFT_GOP_FLOOR,
                                   WEFT_GOP_CEIL,
                                   WEFT_GOP_RINT,
                                   WEFT_GOP_SIGN,
                                   WEFT_GOP_ISNAN,
                                   WEFT_GOP_ISINF,
                                   WEFT_GOP_THRESHOLDED_RELU };
    weft_op op = ops[gf_below(g, 7)];
    int at = gf_pick(g, op == WEFT_GOP_SIGN ? is_exact_number : is_exact_float);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    const char *attrs = op == WEFT_GOP_ISINF              ? "positive=1, negative=1"
                        : op == WEFT_GOP_THRESHOLDED_RELU ? "alpha=0.25"
                                                          : "";
    if (op == WEFT_GOP_ISNAN || op == WEFT_GOP_ISINF) {
        y.dtype = WEFT_BOOL;
        y.lo = 0;
        y.hi = 1;
    } else if (op == WEFT_GOP_SIGN) {
        y.lo = fmax(-1, floor(y.lo));
        y.hi = fmin(1, ceil(y.hi));
    } else if (op != WEFT_GOP_THRESHOLDED_RELU) {
        y.lo = floor(y.lo);
        y.hi = ceil(y.hi);
    } else {
        y.lo = fmin(y.lo, 0);
        y.hi = fmax(y.hi, 0);
    }
    return gf_add(g, op, y, 1, &at, attrs);
}

bool
gf_clip(gf_graph *g)
{
    int at = gf_pick(g, is_number);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    double lo = floor(y.lo * 0.5), hi = ceil(y.hi * 0.5 + 0.5);
    if (!(fabs(lo) < 100 && fabs(hi) < 100) || lo > hi)
        return false;
    int in[3] = { at, gf_below(g, 4) ? gf_new_scalar(g, y.dtype, lo) : -1, -1 };
    if (in[1] < 0 || gf_below(g, 4))
        in[2] = gf_new_scalar(g, y.dtype, hi);
    y.lo = in[1] >= 0 ? fmax(y.lo, lo) : y.lo;
    y.hi = in[2] >= 0 ? fmin(y.hi, hi) : y.hi;
    y.lo = fmin(y.lo, y.hi);
    return gf_add(g, WEFT_GOP_CLIP, y, 3, in, "");
}

/* ---- two operands ---------------------------------------------------------------------------- */

/* The broadcast shape, of a's dtype. */
static gf_value
joined(const gf_value *a, const gf_value *b)
{
    gf_value y = *a;
    y.ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int d = 1; d <= y.ndim; d++) {
        int64_t m = d <= a->ndim ? a->dim[a->ndim - d] : 1;
        int64_t n = d <= b->ndim ? b->dim[b->ndim - d] : 1;
        y.dim[y.ndim - d] = m == 1 ? n : m;
    }
    return y;
}

static void
spread(gf_value *y, double a, double b, double c, double d)
{
    y->lo = fmin(fmin(a, b), fmin(c, d));
    y->hi = fmax(fmax(a, b), fmax(c, d));
}

/* The divisor, brought away from zero. */
static int
divisor(gf_graph *g, int at)
{
    const gf_value *v = &g->value[at];
    return v->lo >= 0.25 ? at : gf_clipped(g, at, 0.25, 50);
}

bool
gf_binary(gf_graph *g)
{
    static const weft_op ops[] = { WEFT_GOP_ADD,     WEFT_GOP_ADD,     WEFT_GOP_SUB,
                                   WEFT_GOP_MUL,     WEFT_GOP_MUL,     WEFT_GOP_DIV,
                                   WEFT_GOP_MAXIMUM, WEFT_GOP_MINIMUM, WEFT_GOP_PRELU };
    weft_op op = ops[gf_below(g, 9)];
    int in[2] = { gf_pick(g, is_float), -1 };
    in[1] = in[0] < 0 ? -1 : gf_pick_beside(g, in[0], NULL);
    if (in[1] >= 0 && op == WEFT_GOP_DIV)
        in[1] = divisor(g, in[1]);
    if (in[1] < 0)
        return false;
    const gf_value a = g->value[in[0]], b = g->value[in[1]];
    gf_value y = joined(&a, &b);
    double u = gf_unit(a.dtype), ma = gf_most(&a), mb = gf_most(&b);
    switch (op) {
    case WEFT_GOP_ADD:
        spread(&y, a.lo + b.lo, a.hi + b.hi, a.lo + b.hi, a.hi + b.lo);
        y.error = a.error + b.error + u * gf_most(&y);
        break;
    case WEFT_GOP_SUB:
        spread(&y, a.lo - b.lo, a.hi - b.hi, a.lo - b.hi, a.hi - b.lo);
        y.error = a.error + b.error + u * gf_most(&y);
        break;
    case WEFT_GOP_DIV:
        spread(&y, a.lo / b.lo, a.hi / b.hi, a.lo / b.hi, a.hi / b.lo);
        y.error = a.error / b.lo + ma * b.error / (b.lo * b.lo) + 4 * u * gf_most(&y);
        break;
    case WEFT_GOP_MAXIMUM:
    case WEFT_GOP_MINIMUM:
        spread(&y, a.lo, a.hi, b.lo, b.hi);
        y.error = fmax(a.error, b.error);
        break;
    default: /* a product, or prelu, which is one or a */
        spread(&y, a.lo * b.lo, a.hi * b.hi, a.lo * b.hi, a.hi * b.lo);
        if (op == WEFT_GOP_PRELU) {
            y.lo = fmin(y.lo, a.lo);
            y.hi = fmax(y.hi, a.hi);
        }
        y.error = a.error * fmax(mb, 1) + b.error * ma + u * gf_most(&y);
        if (op == WEFT_GOP_PRELU && y.ndim > a.ndim)
            return false;
        break;
    }
    return gf_add(g, op, y, 2, in, "");
}

bool
gf_power(gf_graph *g)
{
    int in[2] = { gf_pick(g, is_float), -1 };
    in[0] = in[0] < 0 ? -1 : gf_clipped(g, in[0], 0.25, 4);
    if (in[0] < 0)
        return false;
    const gf_value a = g->value[in[0]];
    in[1] = gf_below(g, 2) ? gf_pick_beside(g, in[0], NULL)
                           : gf_new_scalar(g, a.dtype, (double)gf_below(g, 9) / 2 - 2);
    if (in[1] >= 0 && !g->value[in[1]].is_small)
        in[1] = gf_clipped(g, in[1], -2, 2);
    if (in[1] < 0 || a.lo <= 0)
        return false;
    const gf_value b = g->value[in[1]];
    gf_value y = joined(&a, &b);
    spread(&y, pow(a.lo, b.lo), pow(a.hi, b.hi), pow(a.lo, b.hi), pow(a.hi, b.lo));
    y.lo = a.lo < 1 && a.hi > 1 ? fmin(y.lo, 1) : y.lo;
    y.hi = a.lo < 1 && a.hi > 1 ? fmax(y.hi, 1) : y.hi;
    double top = gf_most(&y);
    y.error = top * (gf_most(&b) / a.lo * a.error + 1.5 * b.error) +
              2 * FUNCTION * gf_unit(a.dtype) * top;
    if (weft_dtype_bits(y.dtype) == 64)
        y.error = fmax(y.error, 1e-12 * top);
    return gf_add(g, WEFT_GOP_POW, y, 2, in, "");
}

/* Integers are exact and wrap; only a range that is known to stay inside is narrower than the
 * dtype's. */
static void
settle_integers(gf_value *y)
{
    double least = (double)weft_dtype_min(y->dtype);
    double most = y->dtype == WEFT_U64 ? 1.8e19 : (double)weft_dtype_max(y->dtype);
    if (!(y->lo >= least && y->hi <= most)) {
        y->lo = least;
        y->hi = most;
    }
}

bool
gf_integers(gf_graph *g)
{
    static const weft_op ops[] = { WEFT_GOP_ADD, WEFT_GOP_SUB,     WEFT_GOP_MUL, WEFT_GOP_DIV,
                                   WEFT_GOP_MOD, WEFT_GOP_MAXIMUM, WEFT_GOP_POW, WEFT_GOP_MINIMUM };
    weft_op op = ops[gf_below(g, 8)];
    int in[2] = { gf_pick(g, is_integer), -1 };
    in[1] = in[0] < 0 ? -1 : gf_pick_beside(g, in[0], NULL);
    if (in[1] < 0)
        return false;
    if (op == WEFT_GOP_DIV || op == WEFT_GOP_MOD)
        in[1] = gf_clipped(g, in[1], 1, 7);
    else if (op == WEFT_GOP_POW)
        in[1] = gf_clipped(g, in[1], 0, 3);
    if (in[1] < 0)
        return false;
    const gf_value a = g->value[in[0]], b = g->value[in[1]];
    gf_value y = joined(&a, &b);
    double m = gf_most(&a);
    if (op == WEFT_GOP_ADD)
        spread(&y, a.lo + b.lo, a.hi + b.hi, a.lo + b.hi, a.hi + b.lo);
    else if (op == WEFT_GOP_SUB)
        spread(&y, a.lo - b.lo, a.hi - b.hi, a.lo - b.hi, a.hi - b.lo);
    else if (op == WEFT_GOP_MUL)
        spread(&y, a.lo * b.lo, a.hi * b.hi, a.lo * b.hi, a.hi * b.lo);
    else if (op == WEFT_GOP_POW)
        spread(&y, a.lo < 0 ? -m * m * m : 0, m * m * m, 1, m * m);
    else if (op == WEFT_GOP_MOD)
        spread(&y, 0, b.hi, fmin(a.lo, 0), 0);
    else
        spread(&y, a.lo, a.hi, op == WEFT_GOP_DIV ? 0 : b.lo, op == WEFT_GOP_DIV ? 0 : b.hi);
    settle_integers(&y);
    return gf_add(g, op, y, 2, in, op != WEFT_GOP_MOD ? "" : gf_below(g, 2) ? "fmod=0" : "fmod=1");
}

bool
gf_compare(gf_graph *g)
{
    static const weft_op ops[] = {
        WEFT_GOP_EQUAL,      WEFT_GOP_NOT_EQUAL, WEFT_GOP_LESS,
        WEFT_GOP_LESS_EQUAL, WEFT_GOP_GREATER,   WEFT_GOP_GREATER_EQUAL
    };
    int in[2] = { gf_pick(g, is_exact_number), -1 };
    in[1] = in[0] < 0 ? -1 : gf_pick_beside(g, in[0], gf_is_exact);
    if (in[1] < 0)
        return false;
    gf_value y = joined(&g->value[in[0]], &g->value[in[1]]);
    y.dtype = WEFT_BOOL;
    y.lo = 0;
    y.hi = 1;
    return gf_add(g, ops[gf_below(g, 6)], y, 2, in, "");
}

bool
gf_logic(gf_graph *g)
{
    static const weft_op ops[] = { WEFT_GOP_AND, WEFT_GOP_OR, WEFT_GOP_XOR, WEFT_GOP_NOT };
    weft_op op = ops[gf_below(g, 4)];
    int in[2] = { gf_pick(g, is_bool), -1 };
    in[1] = in[0] < 0 ? -1 : gf_pick_beside(g, in[0], NULL);
    if (in[1] < 0)
        return false;
    gf_value y = op == WEFT_GOP_NOT ? g->value[in[0]] : joined(&g->value[in[0]], &g->value[in[1]]);
    y.lo = 0;
    y.hi = 1;
    return gf_add(g, op, y, op == WEFT_GOP_NOT ? 1 : 2, in, "");
}

bool
gf_where(gf_graph *g)
{
    int in[3] = { gf_pick(g, is_bool), gf_pick(g, NULL), -1 };
    in[2] = in[1] < 0 ? -1 : gf_pick_beside(g, in[1], NULL);
    if (in[0] < 0 || in[2] < 0)
        return false;
    const gf_value c = g->value[in[0]], a = g->value[in[1]], b = g->value[in[2]];
    gf_value y = joined(&a, &b);
    for (int d = 1; d <= c.ndim && d <= y.ndim; d++)
        if (c.dim[c.ndim - d] != 1 && y.dim[y.ndim - d] != 1 &&
            c.dim[c.ndim - d] != y.dim[y.ndim - d])
            return false;
    gf_value all = joined(&y, &c);
    spread(&all, a.lo, a.hi, b.lo, b.hi);
    all.error = fmax(a.error, b.error);
    return gf_add(g, WEFT_GOP_WHERE, all, 3, in, "");
}

/* ---- conversions ----------------------------------------------------------------------------- */

static bool
holds(weft_dtype t, const gf_value *v)
{
    if (weft_is_float(t))
        return !weft_is_float(v->dtype) && gf_most(v) <= ldexp(1, weft_dtype_mantissa(t) + 1);
    if (t == WEFT_BOOL)
        return false;
    double most = t == WEFT_U64 ? 1.8e19 : (double)weft_dtype_max(t);
    return v->lo >= (double)weft_dtype_min(t) && v->hi <= most;
}

bool
gf_cast(gf_graph *g)
{
    static const weft_dtype dtypes[] = { WEFT_F32,  WEFT_F32, WEFT_F32,  WEFT_F16,
                                         WEFT_BF16, WEFT_I32, WEFT_I64,  WEFT_I8,
                                         WEFT_U8,   WEFT_I16, WEFT_BOOL, WEFT_F64 };
    weft_dtype t = dtypes[gf_below(g, g->wide ? 12 : 11)];
    int at = gf_pick(g, weft_is_float(t) ? NULL : gf_is_exact);
    if (at < 0 || g->value[at].dtype == t)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    char attrs[40];
    y.dtype = t;
    if (t == WEFT_BOOL) {
        y.lo = 0;
        y.hi = 1;
    } else if (!weft_is_float(t) && !holds(t, &x)) {
        if (weft_is_float(x.dtype)) /* saturates; not of interest */
            return false;
        settle_integers(&y);
        y.lo = fmin(y.lo, (double)weft_dtype_min(t));
        y.hi = t == WEFT_U64 ? 1.8e19 : (double)weft_dtype_max(t);
    } else if (!weft_is_float(t)) {
        y.lo = floor(x.lo);
        y.hi = ceil(x.hi);
    } else if (!holds(t, &x) && gf_unit(t) > gf_unit(x.dtype)) {
        y.error += gf_unit(t) * gf_most(&y);
    } else if (!holds(t, &x) && !weft_is_float(x.dtype)) {
        y.error = gf_unit(t) * gf_most(&y);
    }
    snprintf(attrs, sizeof attrs, "dtype=%s", weft_dtype_name(t));
    return gf_add(g, WEFT_GOP_CAST, y, 1, &at, attrs);
}
