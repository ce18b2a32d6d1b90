/* te/topi/elementwise.c: functions of single elements, broadcast as NumPy does. */
#include "topi/topi.h"

#include <math.h>
#include <string.h>

/* ---- one operand ----------------------------------------------------------------------------- */

typedef const weft_expr *unary_rule(weft_te *, const double *param, const weft_expr *x);

static const weft_expr *
num(weft_te *te, const weft_expr *like, double v)
{
    return weft_imm(te->ir, like->h.type, v);
}

#define ADD(a, b)     weft_add(te->ir, a, b)
#define SUB(a, b)     weft_sub(te->ir, a, b)
#define MUL(a, b)     weft_mul(te->ir, a, b)
#define DIV(a, b)     weft_div(te->ir, a, b)
#define NUM(v)        num(te, x, v)
#define CALL(f, a)    weft_topi_call(te, f, a)
#define PICK(c, a, b) weft_select(te->ir, c, a, b)
#define UNARY(name, ...)                                                                           \
    static const weft_expr *name(weft_te *te, const double *p, const weft_expr *x)                 \
    {                                                                                              \
        (void)p;                                                                                   \
        return __VA_ARGS__;                                                                        \
    }

UNARY(negative, weft_neg(te->ir, x))
UNARY(absolute, weft_dtype_kind((weft_dtype)x->h.type.dtype) == WEFT_KIND_UINT ? x : CALL("abs", x))
UNARY(sign, PICK(weft_gt(te->ir, x, NUM(0)), NUM(1), PICK(weft_lt(te->ir, x, NUM(0)), NUM(-1), x)))
UNARY(reciprocal, DIV(NUM(1), x))
UNARY(logical_not, weft_not(te->ir, x))
UNARY(bitwise_not, weft_unary(te->ir, WEFT_EK_BNOT, x))
UNARY(relu, weft_max(te->ir, x, NUM(0)))
UNARY(sigmoid, DIV(NUM(1), ADD(NUM(1), CALL("exp", weft_neg(te->ir, x)))))
UNARY(softplus, ADD(weft_max(te->ir, x, NUM(0)),
                    CALL("log1p", CALL("exp", weft_neg(te->ir, CALL("abs", x))))))
UNARY(softsign, DIV(x, ADD(NUM(1), CALL("abs", x))))
UNARY(leaky_relu, PICK(weft_lt(te->ir, x, NUM(0)), MUL(NUM(p[0]), x), x))
UNARY(elu, PICK(weft_lt(te->ir, x, NUM(0)), MUL(NUM(p[0]), CALL("expm1", x)), x))
UNARY(selu, MUL(NUM(p[1]), PICK(weft_gt(te->ir, x, NUM(0)), x, MUL(NUM(p[0]), CALL("expm1", x)))))
UNARY(hard_sigmoid,
      weft_max(te->ir, weft_min(te->ir, ADD(MUL(NUM(p[0]), x), NUM(p[1])), NUM(1)), NUM(0)))
UNARY(thresholded_relu, PICK(weft_gt(te->ir, x, NUM(p[0])), x, NUM(0)))
UNARY(isnan_of, CALL("isnan", x))

static const weft_expr *
isinf_of(weft_te *te, const double *p, const weft_expr *x)
{
    const weft_expr *plus = weft_eq(te->ir, x, NUM(INFINITY)),
                    *minus = weft_eq(te->ir, x, NUM(-INFINITY));
    if (p[0] != 0 && p[1] != 0)
        return weft_or(te->ir, plus, minus);
    return p[0] != 0 ? plus : p[1] != 0 ? minus : weft_int(te->ir, WEFT_BOOL, 0);
}

/* Functions that are one intrinsic; NumPy's name and the IR's. */
static const struct {
    const char *name, *intrin;
} intrinsics[] = {
    { "exp", "exp" },       { "log", "log" },       { "sqrt", "sqrt" },     { "sin", "sin" },
    { "cos", "cos" },       { "tan", "tan" },       { "arcsin", "asin" },   { "arccos", "acos" },
    { "arctan", "atan" },   { "sinh", "sinh" },     { "cosh", "cosh" },     { "tanh", "tanh" },
    { "arcsinh", "asinh" }, { "arccosh", "acosh" }, { "arctanh", "atanh" }, { "erf", "erf" },
    { "floor", "floor" },   { "ceil", "ceil" },     { "rint", "rint" },
};

static const struct {
    const char *name;
    unary_rule *rule;
} rules[] = {
    { "negative", negative },
    { "abs", absolute },
    { "sign", sign },
    { "reciprocal", reciprocal },
    { "logical_not", logical_not },
    { "bitwise_not", bitwise_not },
    { "relu", relu },
    { "sigmoid", sigmoid },
    { "softplus", softplus },
    { "softsign", softsign },
    { "leaky_relu", leaky_relu },
    { "elu", elu },
    { "selu", selu },
    { "hard_sigmoid", hard_sigmoid },
    { "thresholded_relu", thresholded_relu },
    { "isnan", isnan_of },
    { "isinf", isinf_of },
};

static const weft_expr *
unary_value(weft_te *te, const char *name, const double *param, const weft_expr *x)
{
    if (!x)
        return NULL;
    bool whole = weft_is_int((weft_dtype)x->h.type.dtype);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, name) == 0)
            return rules[i].rule(te, param, x);
    for (size_t i = 0; i < sizeof intrinsics / sizeof *intrinsics; i++)
        if (strcmp(intrinsics[i].name, name) == 0) /* rounding an integer leaves it */
            return whole ? x : weft_topi_call(te, intrinsics[i].intrin, x);
    return NULL;
}

weft_tensor *
weft_topi_unary(weft_te *te, const char *name, const double *param, weft_tensor *x)
{
    if (!x)
        return NULL;
    int n = x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, x->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    return weft_te_compute(te, name, n, axis,
                           unary_value(te, name, param, weft_topi_at(te, x, at)));
}

/* ---- two operands ---------------------------------------------------------------------------- */

typedef const weft_expr *binary_rule(weft_te *, bool flag, const weft_expr *x, const weft_expr *y);

/* Whether C's quotient, which rounds to zero, is one above the floor. */
static const weft_expr *
rounds_up(weft_te *te, const weft_expr *x, const weft_expr *y)
{
    weft_ir *ir = te->ir;
    const weft_expr *rest = weft_ne(ir, weft_fmod(ir, x, y), NUM(0));
    const weft_expr *unlike = weft_ne(ir, weft_lt(ir, x, NUM(0)), weft_lt(ir, y, NUM(0)));
    return weft_and(ir, rest, unlike);
}

static const weft_expr *
divide(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)
{
    weft_dtype t = (weft_dtype)x->h.type.dtype;
    (void)flag;
    if (weft_is_float(t))
        return DIV(x, y);
    const weft_expr *q = weft_fdiv(te->ir, x, y);
    if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        return q;
    return PICK(rounds_up(te, x, y), ADD(q, NUM(1)), q);
}

static const weft_expr *
mod(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)
{
    weft_dtype t = (weft_dtype)x->h.type.dtype;
    const weft_expr *arg[2] = { x, y };
    if (weft_is_float(t)) {
        const weft_expr *rem = weft_call(te->ir, "frem", 2, arg);
        const weft_expr *unlike =
            weft_ne(te->ir, weft_lt(te->ir, rem, NUM(0)), weft_lt(te->ir, y, NUM(0)));
        const weft_expr *moved = weft_and(te->ir, unlike, weft_ne(te->ir, rem, NUM(0)));
        return flag ? rem : PICK(moved, ADD(rem, y), rem);
    }
    const weft_expr *floor = weft_fmod(te->ir, x, y);
    if (!flag || weft_dtype_kind(t) == WEFT_KIND_UINT)
        return floor;
    return PICK(rounds_up(te, x, y), SUB(floor, y), floor);
}

/* x^y of integers by repeated squaring; a negative exponent rounds to zero unless x is 1 or -1. */
static const weft_expr *
integer_power(weft_te *te, const weft_expr *x, const weft_expr *y)
{
    weft_ir *ir = te->ir;
    const weft_expr *r = NUM(1), *square = x;
    for (int bit = 0; bit < 6; bit++) {
        const weft_expr *half = weft_fdiv(ir, y, num(te, y, (double)(1 << bit)));
        const weft_expr *odd = weft_eq(ir, weft_fmod(ir, half, num(te, y, 2)), num(te, y, 1));
        r = PICK(odd, MUL(r, square), r);
        square = MUL(square, square);
    }
    if (weft_dtype_kind((weft_dtype)y->h.type.dtype) == WEFT_KIND_UINT)
        return r;
    const weft_expr *even = weft_eq(ir, weft_fmod(ir, y, num(te, y, 2)), num(te, y, 0));
    const weft_expr *of_minus = PICK(even, NUM(1), NUM(-1));
    const weft_expr *below =
        PICK(weft_eq(ir, x, NUM(1)), NUM(1), PICK(weft_eq(ir, x, NUM(-1)), of_minus, NUM(0)));
    return PICK(weft_lt(ir, y, num(te, y, 0)), below, r);
}

static const weft_expr *
power(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)
{
    weft_dtype tx = (weft_dtype)x->h.type.dtype, ty = (weft_dtype)y->h.type.dtype;
    (void)flag;
    if (!weft_is_float(tx) && !weft_is_float(ty))
        return integer_power(te, x, y);
    weft_dtype t = weft_is_float(tx) ? tx : ty;
    const weft_expr *base = weft_cast(te->ir, t, x), *to = weft_cast(te->ir, t, y);
    if (weft_is_imm(y) && weft_is_float(ty) && y->h.u.f == 2)
        return weft_cast(te->ir, tx, MUL(base, base));
    if (weft_is_imm(y) && weft_is_float(ty) && y->h.u.f == 1)
        return x;
    const weft_expr *arg[2] = { base, to };
    return weft_cast(te->ir, tx, weft_call(te->ir, "pow", 2, arg));
}

static const weft_expr *
prelu(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)
{
    (void)flag;
    return PICK(weft_lt(te->ir, x, NUM(0)), MUL(y, x), x);
}

#define BINARY(name, maker)                                                                        \
    static const weft_expr *name(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)   \
    {                                                                                              \
        (void)flag;                                                                                \
        return maker(te->ir, x, y);                                                                \
    }
BINARY(add, weft_add)
BINARY(subtract, weft_sub)
BINARY(multiply, weft_mul)
BINARY(maximum, weft_max)
BINARY(minimum, weft_min)
BINARY(logical_and, weft_and)
BINARY(logical_or, weft_or)
BINARY(equal, weft_eq)
BINARY(not_equal, weft_ne)
BINARY(less, weft_lt)
BINARY(less_equal, weft_le)
BINARY(greater, weft_gt)
BINARY(greater_equal, weft_ge)
#define BITWISE(name, kind)                                                                        \
    static const weft_expr *name(weft_te *te, bool flag, const weft_expr *x, const weft_expr *y)   \
    {                                                                                              \
        (void)flag;                                                                                \
        return weft_binary(te->ir, WEFT_EK_##kind, x, y);                                          \
    }
BITWISE(bitwise_and, BAND)
BITWISE(bitwise_or, BOR)
BITWISE(bitwise_xor, BXOR)
BITWISE(left_shift, SHL)
BITWISE(right_shift, SHR)

static const struct {
    const char *name;
    binary_rule *rule;
} binaries[] = {
    { "add", add },
    { "subtract", subtract },
    { "multiply", multiply },
    { "divide", divide },
    { "power", power },
    { "mod", mod },
    { "maximum", maximum },
    { "minimum", minimum },
    { "prelu", prelu },
    { "logical_and", logical_and },
    { "logical_or", logical_or },
    { "logical_xor", not_equal },
    { "bitwise_and", bitwise_and },
    { "bitwise_or", bitwise_or },
    { "bitwise_xor", bitwise_xor },
    { "left_shift", left_shift },
    { "right_shift", right_shift },
    { "equal", equal },
    { "not_equal", not_equal },
    { "less", less },
    { "less_equal", less_equal },
    { "greater", greater },
    { "greater_equal", greater_equal },
};

weft_tensor *
weft_topi_binary(weft_te *te, const char *name, bool flag, weft_tensor *a, weft_tensor *b)
{
    if (!a || !b)
        return NULL;
    const weft_expr **dim;
    int n = weft_topi_broadcast_shape(te, 2, (weft_tensor *[]){ a, b }, &dim);
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    const weft_expr *x = weft_topi_at_broadcast(te, a, n, at),
                    *y = weft_topi_at_broadcast(te, b, n, at);
    for (size_t i = 0; x && y && i < sizeof binaries / sizeof *binaries; i++)
        if (strcmp(binaries[i].name, name) == 0)
            return weft_te_compute(te, name, n, axis, binaries[i].rule(te, flag, x, y));
    return NULL;
}

/* ---- the rest -------------------------------------------------------------------------------- */

weft_tensor *
weft_topi_where(weft_te *te, weft_tensor *cond, weft_tensor *a, weft_tensor *b)
{
    const weft_expr **dim;
    int n = weft_topi_broadcast_shape(te, 3, (weft_tensor *[]){ cond, a, b }, &dim);
    weft_axis **axis = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axis);
    return weft_te_compute(te, "where", n, axis,
                           weft_select(te->ir, weft_topi_at_broadcast(te, cond, n, at),
                                       weft_topi_at_broadcast(te, a, n, at),
                                       weft_topi_at_broadcast(te, b, n, at)));
}

weft_tensor *
weft_topi_clip(weft_te *te, weft_tensor *x, weft_tensor *min, weft_tensor *max)
{
    if (!x)
        return NULL;
    int n = x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, x->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *v = weft_topi_at(te, x, at);
    if (min)
        v = weft_max(te->ir, v, weft_topi_at_broadcast(te, min, n, at));
    if (max)
        v = weft_min(te->ir, v, weft_topi_at_broadcast(te, max, n, at));
    return weft_te_compute(te, "clip", n, axis, v);
}

weft_tensor *
weft_topi_cast(weft_te *te, weft_tensor *x, weft_dtype t)
{
    if (!x)
        return NULL;
    int n = x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, x->buf->shape);
    const weft_expr *v = weft_topi_at(te, x, weft_topi_refs(te, n, axis));
    if (v && t == WEFT_BOOL)
        v = v->h.type.dtype == WEFT_BOOL ? v : weft_ne(te->ir, v, num(te, v, 0));
    return weft_te_compute(te, "cast", n, axis, weft_cast(te->ir, t, v));
}

weft_tensor *
weft_topi_bitcast(weft_te *te, weft_tensor *x, weft_dtype t)
{
    if (!x)
        return NULL;
    int n = x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, x->buf->shape);
    const weft_expr *v = weft_topi_at(te, x, weft_topi_refs(te, n, axis));
    if (v && v->h.type.dtype == WEFT_BOOL)
        v = weft_cast(te->ir, WEFT_U8, v);
    v = weft_bitcast(te->ir, weft_scalar(t == WEFT_BOOL ? WEFT_U8 : t), v);
    if (v && t == WEFT_BOOL)
        v = weft_ne(te->ir, v, num(te, v, 0));
    return weft_te_compute(te, "bitcast", n, axis, v);
}

weft_tensor *
weft_topi_full(weft_te *te, weft_dtype t, int ndim, const weft_expr *const *dim, double value)
{
    return weft_te_compute(te, "full", ndim, weft_topi_axes(te, ndim, dim),
                           weft_topi_num(te, t, value));
}
