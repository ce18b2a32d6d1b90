/* lower/legalize_math.c: functions that a target has no word for, from those it has.
 *
 * The polynomials were fitted for f32 by iteratively reweighted least squares towards the minimax
 * of the relative error: erf 5e-8, tanh 2e-8, exp 4e-8, expm1 5e-9, atan 1.6e-8 before rounding.
 */
#include "lower/legalize.h"

#include <math.h>

/* ---- small builders -------------------------------------------------------------------------- */

static const weft_expr *
num(weft_legal *l, const weft_expr *like, double v)
{
    return weft_imm(l->ir, like->h.type, v);
}

bool
weft_legal_has_intrinsic(const weft_legal *l, weft_intrin f, weft_dtype t)
{
    if (l->caps->slow[f] && t == WEFT_F32 && l->options->numerics != WEFT_STRICT)
        return false;
    return t == WEFT_F64   ? l->caps->intrin64[f]
           : t == WEFT_F16 ? l->caps->intrin16[f]
                           : l->caps->intrin[f];
}

static const weft_expr *
call(weft_legal *l, weft_intrin f, const weft_expr *x)
{
    const weft_expr *e = weft_intrinsic(l->ir, f, 1, &x);
    return weft_legal_has_intrinsic(l, f, (weft_dtype)x->h.type.dtype) ? e
                                                                       : weft_legal_intrinsic(l, e);
}

#define ADD(a, b)     weft_binary(l->ir, WEFT_EK_ADD, a, b)
#define SUB(a, b)     weft_binary(l->ir, WEFT_EK_SUB, a, b)
#define MUL(a, b)     weft_binary(l->ir, WEFT_EK_MUL, a, b)
#define DIV(a, b)     weft_binary(l->ir, WEFT_EK_DIV, a, b)
#define LESS(a, b)    weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_LT, a, b))
#define SAME(a, b)    weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_EQ, a, b))
#define OR(a, b)      weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_OR, a, b))
#define AND(a, b)     weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_AND, a, b))
#define PICK(c, a, b) weft_legal_apply(l, weft_select(l->ir, c, a, b))
#define NAME(hint, x) weft_legal_bind(l, hint, x)

/* c[0] + c[1] x + ... by Horner's rule. */
static const weft_expr *
polynomial(weft_legal *l, const weft_expr *x, const double *c, int n)
{
    const weft_expr *sum = num(l, x, c[n - 1]);
    for (int i = n - 1; i-- > 0;)
        sum = ADD(MUL(sum, x), num(l, x, c[i]));
    return sum;
}

/* ---- NaN-propagating minimum and maximum ----------------------------------------------------- */

static bool
is_number(const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_BCAST)
        e = e->arg[0];
    return weft_is_imm(e) && !isnan(e->h.u.f);
}

const weft_expr *
weft_legal_min_max(weft_legal *l, const weft_expr *e)
{
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    bool least = e->h.kind == WEFT_EK_MIN;
    if (is_number(a)) {
        const weft_expr *c = a;
        a = b;
        b = c;
    }
    a = NAME("a", a);
    if (is_number(b)) /* false for a NaN in a: a stays */
        return PICK(weft_legal_apply(l, weft_binary(l->ir, least ? WEFT_EK_GT : WEFT_EK_LT, a, b)),
                    b, a);
    b = NAME("b", b);
    const weft_expr *keep =
        weft_legal_apply(l, weft_binary(l->ir, least ? WEFT_EK_LE : WEFT_EK_GE, a, b));
    const weft_expr *nan = weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_NE, a, a));
    return PICK(OR(keep, nan), a, b);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* The bits of `size` but the highest, which is that of `sign`. */
static const weft_expr *
copy_sign(weft_legal *l, const weft_expr *size, const weft_expr *sign)
{
    const weft_expr *arg[2] = { size, sign };
    weft_type type = size->h.type,
              bits = { type.dtype == WEFT_F64 ? WEFT_U64 : WEFT_U32, type.lanes };
    if (weft_legal_has_intrinsic(l, WEFT_IN_COPYSIGN, (weft_dtype)type.dtype))
        return weft_intrinsic(l->ir, WEFT_IN_COPYSIGN, 2, arg);
    const weft_expr *top =
        weft_bcast(l->ir,
                   type.dtype == WEFT_F64 ? weft_int(l->ir, WEFT_U64, INT64_MIN)
                                          : weft_int(l->ir, WEFT_U32, INT64_C(1) << 31),
                   bits.lanes);
    const weft_expr *others =
        weft_bcast(l->ir,
                   type.dtype == WEFT_F64 ? weft_int(l->ir, WEFT_U64, INT64_MAX)
                                          : weft_int(l->ir, WEFT_U32, INT32_MAX),
                   bits.lanes);
    const weft_expr *rest =
        weft_binary(l->ir, WEFT_EK_BAND, weft_bitcast(l->ir, bits, size), others);
    const weft_expr *first = weft_binary(l->ir, WEFT_EK_BAND, weft_bitcast(l->ir, bits, sign), top);
    return weft_bitcast(l->ir, type, weft_binary(l->ir, WEFT_EK_BOR, rest, first));
}

/* x within -most and most; a NaN stays. */
static const weft_expr *
clamped(weft_legal *l, const weft_expr *x, double most)
{
    const weft_expr *hi = num(l, x, most), *lo = num(l, x, -most);
    x = NAME("x", x);
    x = NAME("t", PICK(LESS(hi, x), hi, x));
    return NAME("t", PICK(LESS(x, lo), lo, x));
}

/* x P(x^2) / Q(x^2). */
static const weft_expr *
odd_quotient(weft_legal *l, const weft_expr *x, const double *p, int np, const double *q, int nq)
{
    const weft_expr *z = NAME("z", MUL(x, x));
    return DIV(MUL(polynomial(l, z, p, np), x), polynomial(l, z, q, nq));
}

/* Beyond 3.92 it rounds to 1, as the quotient does there. */
static const weft_expr *
expand_erf(weft_legal *l, const weft_expr *x)
{
    static const double p[] = { 1.12837911,     0.199924976,     0.0505733845,   0.00370162568,
                                0.000141850575, -1.95782917e-06, 1.99241121e-08 },
                        q[] = { 1.0, 0.510510552, 0.114998596, 0.0143532395, 0.000956042096 };
    return odd_quotient(l, clamped(l, x, 3.92), p, 7, q, 5);
}

/* The whole number n of k = n + `zero`, whose bits are u: taken from them it is whole even where
 * compilers cancel additions. */
static const weft_expr *
whole_part(weft_legal *l, const weft_expr *k, const weft_expr *zero, const weft_expr *u)
{
    weft_type whole = { WEFT_I32, k->h.type.lanes };
    if (l->caps->exact_sums && l->options->numerics != WEFT_FAST)
        return SUB(k, zero);
    const weft_expr *bias = weft_bcast(l->ir, weft_int(l->ir, WEFT_U32, 0x4B40007F), whole.lanes);
    return weft_cast_to(l->ir, k->h.type, weft_bitcast(l->ir, whole, SUB(u, bias)));
}

/* x = n log 2 + r with n whole, up to 127, and r in -log 2 / 2 .. log 2 / 2, up to log 2 where n is
 * 127: exp is 2^n e^r with 2^n a normal number or, where exp is none, 0.  Adding 1.5 * 2^23 + 127
 * rounds to a whole number, whose bits are the lowest, biased as an exponent.  n times the first
 * part of log 2 is exact. */
static const weft_expr *
reduce_exp(weft_legal *l, const weft_expr *x, const weft_expr **power)
{
    weft_ir *ir = l->ir;
    weft_type type = x->h.type, bits = { WEFT_U32, type.lanes };
    const weft_expr *zero = num(l, x, 12582912.0 + 127), *most = num(l, x, 12582912.0 + 254),
                    *least = num(l, x, -87.8);
    x = NAME("x", x);
    x = NAME("x", PICK(LESS(x, least), least, x));
    const weft_expr *k = NAME("k", ADD(MUL(x, num(l, x, 1.4426950408889634)), zero));
    k = NAME("k", PICK(LESS(most, k), most, k));
    const weft_expr *u = NAME("u", weft_bitcast(ir, bits, k)),
                    *by = weft_bcast(ir, weft_int(ir, WEFT_U32, 23), bits.lanes);
    const weft_expr *n = NAME("n", whole_part(l, k, zero, u));
    *power = weft_bitcast(ir, type, weft_binary(ir, WEFT_EK_SHL, u, by));
    const weft_expr *r = SUB(x, MUL(n, num(l, x, 0.693145751953125)));
    return NAME("r", SUB(r, MUL(n, num(l, x, 1.42860677e-06))));
}

static const weft_expr *
expand_exp(weft_legal *l, const weft_expr *x)
{
    static const double c[] = { 1.0,          0.999999878,  0.50000228,   0.166672027,
                                0.0416199771, 0.0083188989, 0.00163144996 };
    const weft_expr *power, *r = reduce_exp(l, x, &power);
    return MUL(polynomial(l, r, c, 7), power);
}

/* Of m = e^r - 1, 2^n m - (1 - 2^n): nothing cancels near zero, where n is 0, and zeros keep their
 * sign. */
static const weft_expr *
expand_expm1(weft_legal *l, const weft_expr *x)
{
    static const double c[] = { 1.0,           0.499999974,   0.166666939,   0.0416676402,
                                0.00832748827, 0.00138537954, 0.000230253353 };
    const weft_expr *power, *r = reduce_exp(l, x, &power), *s = NAME("s", power);
    return SUB(MUL(s, MUL(polynomial(l, r, c, 7), r)), SUB(num(l, x, 1), s));
}

/* log(1 + x): the rounding of 1 + x is divided out (Goldberg 1991, theorem 4). */
static const weft_expr *
expand_log1p(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *u = NAME("u", ADD(num(l, x, 1), x));
    const weft_expr *d = NAME("d", SUB(u, num(l, x, 1)));
    const weft_expr *none = OR(SAME(d, num(l, x, 0)), SAME(u, num(l, x, INFINITY)));
    const weft_expr *safe = PICK(none, num(l, x, 1), d);
    return PICK(none, x, DIV(MUL(call(l, WEFT_IN_LOG, u), x), safe));
}

static const weft_expr *
expand_asinh(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *a = NAME("a", call(l, WEFT_IN_ABS, x)), *one = num(l, x, 1);
    const weft_expr *square = NAME("q", MUL(a, a));
    const weft_expr *root = call(l, WEFT_IN_SQRT, ADD(square, one));
    const weft_expr *usual = call(l, WEFT_IN_LOG1P, ADD(a, DIV(square, ADD(one, root))));
    const weft_expr *huge = ADD(call(l, WEFT_IN_LOG, a), num(l, x, 0.6931471805599453));
    return copy_sign(l, PICK(LESS(a, num(l, x, 1e9)), usual, huge), x);
}

static const weft_expr *
expand_acosh(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *t = NAME("t", SUB(x, num(l, x, 1)));
    const weft_expr *root = call(l, WEFT_IN_SQRT, ADD(MUL(t, t), MUL(num(l, x, 2), t)));
    const weft_expr *usual = call(l, WEFT_IN_LOG1P, ADD(t, root));
    const weft_expr *huge = ADD(call(l, WEFT_IN_LOG, x), num(l, x, 0.6931471805599453));
    return PICK(LESS(x, num(l, x, 1e9)), usual, huge);
}

static const weft_expr *
expand_atanh(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *ratio = DIV(MUL(num(l, x, 2), x), SUB(num(l, x, 1), x));
    return MUL(num(l, x, 0.5), call(l, WEFT_IN_LOG1P, ratio));
}

/* By e = expm1(|x|): (e + e / (e + 1)) / 2. */
static const weft_expr *
expand_sinh(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *e = NAME("e", call(l, WEFT_IN_EXPM1, call(l, WEFT_IN_ABS, x)));
    const weft_expr *one = num(l, x, 1);
    const weft_expr *size = MUL(num(l, x, 0.5), ADD(e, DIV(e, ADD(e, one))));
    return copy_sign(l, PICK(SAME(e, num(l, x, INFINITY)), e, size), x);
}

static const weft_expr *
expand_cosh(weft_legal *l, const weft_expr *x)
{
    const weft_expr *e = NAME("e", call(l, WEFT_IN_EXP, call(l, WEFT_IN_ABS, x)));
    return MUL(num(l, x, 0.5), ADD(e, DIV(num(l, x, 1), e)));
}

static const weft_expr *
tanh_by_expm1(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *a = call(l, WEFT_IN_ABS, x);
    const weft_expr *e = NAME("e", call(l, WEFT_IN_EXPM1, MUL(num(l, x, -2), a)));
    return copy_sign(l, DIV(weft_unary(l->ir, WEFT_EK_NEG, e), ADD(num(l, x, 2), e)), x);
}

/* Beyond 9.04 it rounds to 1, as the quotient does there. */
static const weft_expr *
expand_tanh(weft_legal *l, const weft_expr *x)
{
    static const double p[] = { 0.999999979, 0.133797152, 0.00349403128, 2.05834267e-05,
                                1.33189956e-08 },
                        q[] = { 1.0, 0.467130304, 0.0258710608, 0.000328308744, 7.76198835e-07 };
    return odd_quotient(l, clamped(l, x, 9.04), p, 5, q, 5);
}

/* To nearest, ties to even: adding and taking away 1.5 * 2^mantissa rounds what is smaller. */
static const weft_expr *
expand_rint(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *f = NAME("f", call(l, WEFT_IN_FLOOR, x)), *one = num(l, x, 1),
                    *half = num(l, x, 0.5);
    const weft_expr *d = NAME("d", SUB(x, f));
    const weft_expr *h = MUL(f, half);
    const weft_expr *odd =
        weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_NE, call(l, WEFT_IN_FLOOR, h), h));
    const weft_expr *up = OR(LESS(half, d), AND(SAME(d, half), odd));
    return PICK(up, ADD(f, one), f);
}

static const weft_expr *
expand_trunc(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    return PICK(LESS(x, num(l, x, 0)), call(l, WEFT_IN_CEIL, x), call(l, WEFT_IN_FLOOR, x));
}

static const weft_expr *
expand_abs(weft_legal *l, const weft_expr *x)
{
    weft_dtype t = (weft_dtype)x->h.type.dtype;
    if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        return x;
    x = NAME("x", x);
    const weft_expr *minus = weft_unary(l->ir, WEFT_EK_NEG, x);
    if (weft_is_int(t))
        minus = weft_legal_wrapping(l, minus);
    const weft_expr *size = PICK(LESS(x, num(l, x, 0)), minus, x);
    return weft_is_float(t) ? ADD(size, num(l, x, 0)) : size; /* -0.0 + 0.0 is 0.0 */
}

/* x^y for a constant y that takes a product or two; NULL: none of these. */
static const weft_expr *
small_power(weft_legal *l, const weft_expr *x, const weft_expr *y)
{
    y = y->h.kind == WEFT_EK_BCAST ? y->arg[0] : y;
    double n = weft_is_imm(y) ? y->h.u.f : 0;
    if (n != -1 && n != 1 && n != 2 && n != 3 && n != 4)
        return NULL;
    x = NAME("x", x);
    const weft_expr *square = n == 4 ? NAME("q", MUL(x, x)) : x;
    return n == -1  ? DIV(num(l, x, 1), x)
           : n == 1 ? x
           : n == 3 ? MUL(MUL(x, x), x)
                    : MUL(square, square);
}

/* x^y for all signs: the size by logarithms; a negative base needs a whole exponent, odd ones keep
 * its sign; x^0 and 1^y are 1 whatever the other is (C17 F.10.4.4). */
static const weft_expr *
expand_pow(weft_legal *l, const weft_expr *x, const weft_expr *y)
{
    const weft_expr *product = small_power(l, x, y);
    if (product)
        return product;
    x = NAME("x", x);
    y = NAME("y", y);
    const weft_expr *zero = num(l, x, 0), *one = num(l, x, 1), *half = num(l, x, 0.5);
    const weft_expr *a = NAME("a", call(l, WEFT_IN_ABS, x));
    const weft_expr *safe = PICK(SAME(a, zero), one, a);
    const weft_expr *size = call(l, WEFT_IN_EXP2, MUL(y, call(l, WEFT_IN_LOG2, safe)));
    size = PICK(SAME(a, one), one,
                size); /* not the infinite power of a rounding, nor 0 times infinity */
    const weft_expr *at_zero = PICK(LESS(y, zero), num(l, x, INFINITY), zero);
    size = NAME("p", PICK(SAME(a, zero), at_zero, size));
    const weft_expr *whole = SAME(call(l, WEFT_IN_FLOOR, y), y), *h = MUL(y, half);
    const weft_expr *even = SAME(call(l, WEFT_IN_FLOOR, h), h);
    const weft_expr *minus = weft_unary(l->ir, WEFT_EK_NEG, size);
    const weft_expr *of_negative = PICK(whole, PICK(even, size, minus),
                                        PICK(SAME(a, num(l, x, INFINITY)), size, num(l, x, NAN)));
    const weft_expr *result = PICK(LESS(x, zero), of_negative, size);
    const weft_expr *nan = OR(weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_NE, x, x)),
                              weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_NE, y, y)));
    result = PICK(nan, num(l, x, NAN), result);
    return PICK(OR(SAME(y, zero), SAME(x, one)), one, result);
}

/* atan of t in 0..1. */
static const weft_expr *
atan_of_part(weft_legal *l, const weft_expr *t)
{
    static const double c[] = { 1.0,
                                -0.3333307206630707,
                                0.1999261975288391,
                                -0.14203643798828125,
                                0.10640934109687805,
                                -0.07504294812679291,
                                0.04269151762127876,
                                -0.016068628057837486,
                                0.0028498894535005093 };
    t = NAME("t", t);
    return MUL(t, polynomial(l, NAME("s", MUL(t, t)), c, 9));
}

static const weft_expr *
expand_atan(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *a = NAME("a", call(l, WEFT_IN_ABS, x)), *one = num(l, x, 1);
    const weft_expr *large = LESS(one, a);
    const weft_expr *part = NAME("p", atan_of_part(l, PICK(large, DIV(one, a), a)));
    return copy_sign(l, PICK(large, SUB(num(l, x, 1.5707963267948966), part), part), x);
}

/* The angle of (|x|, |y|) in its octant, mirrored into that of (x, |y|), with y's sign: zeros and
 * infinities have the quotients 0 and 1. */
static const weft_expr *
expand_atan2(weft_legal *l, const weft_expr *y, const weft_expr *x)
{
    y = NAME("y", y);
    x = NAME("x", x);
    const weft_expr *a = NAME("a", call(l, WEFT_IN_ABS, y)),
                    *b = NAME("b", call(l, WEFT_IN_ABS, x));
    const weft_expr *zero = num(l, x, 0), *one = num(l, x, 1), *steep = LESS(b, a);
    const weft_expr *low = PICK(steep, b, a), *high = NAME("h", PICK(steep, a, b));
    const weft_expr *none = SAME(high, zero);
    const weft_expr *ratio =
        PICK(SAME(low, num(l, x, INFINITY)), one, DIV(low, PICK(none, one, high)));
    const weft_expr *part = NAME("p", atan_of_part(l, ratio));
    part = NAME("p", PICK(steep, SUB(num(l, x, 1.5707963267948966), part), part));
    const weft_expr *minus = LESS(copy_sign(l, one, x), zero);
    const weft_expr *angle =
        copy_sign(l, PICK(minus, SUB(num(l, x, 3.141592653589793), part), part), y);
    const weft_expr *nan = weft_legal_apply(
        l, weft_binary(l->ir, WEFT_EK_NE, x, x)); /* of y it is in `low` or `high` */
    return PICK(nan, x, angle);
}

/* The cosine of an angle whose sine is x, or the other way round; NaN beyond 1. */
static const weft_expr *
other_leg(weft_legal *l, const weft_expr *x)
{
    const weft_expr *one = num(l, x, 1);
    return call(l, WEFT_IN_SQRT, MUL(SUB(one, x), ADD(one, x)));
}

static const weft_expr *
expand_asin(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    return expand_atan2(l, x, other_leg(l, x));
}

static const weft_expr *
expand_acos(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    return expand_atan2(l, other_leg(l, x), x);
}

/* x without its last bits: what is left times as much of another is exact. */
static const weft_expr *
upper_half(weft_legal *l, const weft_expr *x)
{
    bool f64 = x->h.type.dtype == WEFT_F64;
    weft_type bits = { f64 ? WEFT_U64 : WEFT_U32, x->h.type.lanes };
    const weft_expr *mask =
        weft_int(l->ir, f64 ? WEFT_U64 : WEFT_U32, f64 ? -(INT64_C(1) << 27) : 0xfffff000);
    return weft_bitcast(l->ir, x->h.type,
                        weft_binary(l->ir, WEFT_EK_BAND, weft_bitcast(l->ir, bits, x),
                                    weft_bcast(l->ir, mask, bits.lanes)));
}

/* |x| - q |y|, q the whole quotient, in four exact products; q may be one off.  Exact for quotients
 * below 2^20 (2^48 for f64). */
static const weft_expr *
expand_frem(weft_legal *l, const weft_expr *x, const weft_expr *y)
{
    x = NAME("x", x);
    const weft_expr *a = NAME("a", call(l, WEFT_IN_ABS, x)),
                    *b = NAME("b", call(l, WEFT_IN_ABS, y));
    const weft_expr *q = NAME("q", call(l, WEFT_IN_FLOOR, DIV(a, b)));
    const weft_expr *q1 = NAME("q", upper_half(l, q)), *q0 = NAME("q", SUB(q, q1));
    const weft_expr *b1 = NAME("b", upper_half(l, b)), *b0 = NAME("b", SUB(b, b1));
    const weft_expr *r = SUB(SUB(SUB(a, MUL(q1, b1)), MUL(q1, b0)), MUL(q0, b1));
    r = NAME("r", SUB(r, MUL(q0, b0)));
    const weft_expr *zero = num(l, x, 0);
    r = NAME("r", PICK(LESS(r, zero), ADD(r, b), r));
    r = PICK(LESS(r, b), r, SUB(r, b));
    const weft_expr *inf = num(l, x, INFINITY), *none = AND(SAME(b, inf), LESS(a, inf));
    return copy_sign(l, PICK(none, a, r), x);
}

/* The rest needs polynomials of more terms than f32's. */
static bool
suits_f64(const weft_legal *l, weft_intrin f)
{
    bool trigonometric = (f >= WEFT_IN_SIN && f <= WEFT_IN_ATAN) || f == WEFT_IN_ATAN2;
    return !trigonometric && f != WEFT_IN_ERF && l->caps->arith[WEFT_I64];
}

/* A function of f16, by way of f32: its constants and steps would not fit. */
static const weft_expr *
by_f32(weft_legal *l, const weft_expr *e)
{
    const weft_expr *arg[3] = { 0 };
    weft_type wide = { WEFT_F32, e->h.type.lanes };
    for (int i = 0; i < e->h.nargs && i < 3; i++)
        arg[i] = weft_cast_to(l->ir, wide, e->arg[i]);
    const weft_expr *y = weft_legal_apply(l, weft_intrinsic(l->ir, e->h.u.intrin, e->h.nargs, arg));
    return y && e->h.type.dtype != WEFT_BOOL ? weft_cast_to(l->ir, e->h.type, y) : y;
}

const weft_expr *
weft_legal_intrinsic(weft_legal *l, const weft_expr *e)
{
    const weft_expr *x = e->arg[0], *y = e->h.nargs > 1 ? e->arg[1] : NULL;
    weft_dtype t = (weft_dtype)x->h.type.dtype;
    if (t == WEFT_F64 && !suits_f64(l, e->h.u.intrin))
        return weft_legal_refuse(l, weft_intrin_infos[e->h.u.intrin].text, t);
    if ((t == WEFT_F16 || t == WEFT_BF16) && weft_intrin_infos[e->h.u.intrin].cls == WEFT_IC_FLOAT)
        return by_f32(l, e);
    switch (e->h.u.intrin) {
    case WEFT_IN_ERF:
        return expand_erf(l, x);
    case WEFT_IN_EXP:
        return t == WEFT_F64 ? weft_legal_exp64(l, x) : expand_exp(l, x);
    case WEFT_IN_LOG:
        return t == WEFT_F64 ? weft_legal_log64(l, x) : weft_legal_refuse(l, "log", t);
    case WEFT_IN_EXPM1:
        return t == WEFT_F64 ? weft_legal_expm1_64(l, x) : expand_expm1(l, x);
    case WEFT_IN_LOG1P:
        return expand_log1p(l, x);
    case WEFT_IN_ASINH:
        return expand_asinh(l, x);
    case WEFT_IN_ACOSH:
        return expand_acosh(l, x);
    case WEFT_IN_ATANH:
        return expand_atanh(l, x);
    case WEFT_IN_SINH:
        return expand_sinh(l, x);
    case WEFT_IN_COSH:
        return expand_cosh(l, x);
    case WEFT_IN_TANH:
        return t == WEFT_F64 ? tanh_by_expm1(l, x) : expand_tanh(l, x);
    case WEFT_IN_TAN:
        x = NAME("x", x);
        return DIV(call(l, WEFT_IN_SIN, x), call(l, WEFT_IN_COS, x));
    case WEFT_IN_EXP2:
        return call(l, WEFT_IN_EXP, MUL(x, num(l, x, 0.6931471805599453)));
    case WEFT_IN_LOG2:
        return MUL(call(l, WEFT_IN_LOG, x), num(l, x, 1.4426950408889634));
    case WEFT_IN_RSQRT:
        return DIV(num(l, x, 1), call(l, WEFT_IN_SQRT, x));
    case WEFT_IN_RINT:
        return expand_rint(l, x);
    case WEFT_IN_TRUNC:
        return expand_trunc(l, x);
    case WEFT_IN_ABS:
        return expand_abs(l, x);
    case WEFT_IN_ISNAN:
        x = NAME("x", x);
        return weft_legal_apply(l, weft_binary(l->ir, WEFT_EK_NE, x, x));
    case WEFT_IN_ISINF:
        x = NAME("x", x);
        return OR(SAME(x, num(l, x, INFINITY)), SAME(x, num(l, x, -INFINITY)));
    case WEFT_IN_POW:
        return expand_pow(l, x, y);
    case WEFT_IN_ASIN:
        return expand_asin(l, x);
    case WEFT_IN_ACOS:
        return expand_acos(l, x);
    case WEFT_IN_ATAN:
        return expand_atan(l, x);
    case WEFT_IN_ATAN2:
        return expand_atan2(l, x, y);
    case WEFT_IN_FREM:
        return expand_frem(l, x, y);
    case WEFT_IN_COPYSIGN:
        return copy_sign(l, x, NAME("y", y));
    case WEFT_IN_FMA:
        return ADD(MUL(x, y), e->arg[2]);
    default:
        return weft_legal_refuse(l, weft_intrin_infos[e->h.u.intrin].text,
                                 (weft_dtype)e->h.type.dtype);
    }
}
