/* lower/legalize_float.c: floats of 4, 8 and 16 bits that the target does not know, inside f32:
 * rounding to them, their bits, and back.
 *
 * bf16 is the upper half of an f32, f8e8m0 its exponent.  Of the others everything follows from the
 * widths of exponent and mantissa, and from whether the format has infinities.
 */
#include "lower/legalize.h"

#include <math.h>

typedef struct format {
    int bits, mantissa, bias, drop; /* drop: mantissa bits of f32 that it lacks */
    double least;                   /* normal number */
    double limit, beyond;           /* what is above, or at it where `tie`, becomes `beyond` */
    bool tie, has_inf, no_minus_zero;
} format;

static format
format_of(weft_dtype t)
{
    static const struct {
        weft_dtype dtype;
        int bias;
        bool no_minus_zero;
    } known[] = { { WEFT_F16, 15, false },       { WEFT_F8E4M3FN, 7, false },
                  { WEFT_F8E5M2, 15, false },    { WEFT_F8E4M3FNUZ, 8, true },
                  { WEFT_F8E5M2FNUZ, 16, true }, { WEFT_F4E2M1, 1, false } };
    format f = { .bits = weft_dtype_bits(t), .mantissa = weft_dtype_mantissa(t) };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].dtype == t) {
            f.bias = known[i].bias;
            f.no_minus_zero = known[i].no_minus_zero;
        }
    weft_assert(f.bias, "no layout of %s", weft_dtype_name(t));
    f.drop = 23 - f.mantissa;
    f.least = ldexp(1, 1 - f.bias);
    f.has_inf = isinf(weft_dtype_greatest(t));
    int exponents = 1 << (f.bits - 1 - f.mantissa);
    double greatest = f.has_inf ? ldexp(2 - ldexp(1, -f.mantissa), exponents - 2 - f.bias)
                                : weft_dtype_greatest(t);
    int e;
    (void)frexp(greatest, &e);
    f.limit = greatest + ldexp(1, e - 2 - f.mantissa);
    f.tie = !(fabs(weft_round_to(t, f.limit)) <= greatest);
    f.beyond = f.has_inf ? INFINITY : NAN;
    if (t == WEFT_F4E2M1) /* has neither: what is beyond its greatest value becomes that */
        f.limit = f.beyond = greatest;
    return f;
}

bool
weft_legal_has_layout(weft_dtype t)
{
    return t == WEFT_F16 || t == WEFT_BF16 || t == WEFT_F8E4M3FN || t == WEFT_F8E5M2 ||
           t == WEFT_F8E4M3FNUZ || t == WEFT_F8E5M2FNUZ || t == WEFT_F4E2M1 || t == WEFT_F8E8M0;
}

/* ---- builders -------------------------------------------------------------------------------- */

static const weft_expr *
num(weft_legal *l, const weft_expr *like, double v)
{
    return weft_imm(l->ir, like->h.type, v);
}

static const weft_expr *
as(weft_legal *l, weft_dtype t, const weft_expr *x)
{
    return weft_bitcast(l->ir, (weft_type){ (uint8_t)t, x->h.type.lanes }, x);
}

#define OP(kind, a, b) weft_binary(l->ir, WEFT_EK_##kind, a, b)
#define PICK(c, a, b)  weft_select(l->ir, c, a, b)
#define NAME(hint, x)  weft_legal_bind(l, hint, x)

/* ---- rounding -------------------------------------------------------------------------------- */

/* The bits of x: f32 rounded to bf16, ties to even; a NaN keeps its quiet bit. */
static const weft_expr *
bf16_bits(weft_legal *l, const weft_expr *x)
{
    x = NAME("f", x);
    const weft_expr *bits = as(l, WEFT_U32, x), *sixteen = num(l, bits, 16);
    const weft_expr *odd = OP(BAND, OP(SHR, bits, sixteen), num(l, bits, 1));
    const weft_expr *up = OP(ADD, bits, OP(ADD, odd, num(l, bits, 0x7fff)));
    return OP(SHR, PICK(OP(NE, x, x), num(l, bits, 0x7fc00000), up), sixteen);
}

/* The nearest power of two; its exponent, of which 255 is NaN and 0 is below
 * f32's normal numbers. */
static const weft_expr *
e8m0_bits(weft_legal *l, const weft_expr *x)
{
    const weft_expr *u = NAME("u", as(l, WEFT_U32, x)), *mantissa = num(l, u, 23);
    const weft_expr *one = num(l, u, 1), *zero = num(l, u, 0);
    const weft_expr *odd = OP(BAND, OP(SHR, u, mantissa), one);
    const weft_expr *usual = OP(SHR, OP(ADD, u, OP(ADD, odd, num(l, u, 0x3fffff))), mantissa);
    const weft_expr *small = PICK(OP(GT, u, num(l, u, 0x600000)), one, zero);
    const weft_expr *code = PICK(OP(LT, u, num(l, u, 0x800000)), small, usual);
    const weft_expr *minus_zero = OP(EQ, u, num(l, u, 2147483648.0));
    const weft_expr *beyond = PICK(minus_zero, zero, num(l, u, 255));
    return PICK(OP(GT, u, num(l, u, 0x7f800000)), beyond, code);
}

static const weft_expr *
e8m0_of_bits(weft_legal *l, const weft_expr *bits)
{
    bits = NAME("u", bits);
    const weft_expr *least = num(l, bits, 0x400000), *nan = num(l, bits, 0x7fc00000);
    const weft_expr *u = OP(SHL, bits, num(l, bits, 23));
    u = PICK(OP(EQ, bits, num(l, bits, 0)), least, u);
    return as(l, WEFT_F32, PICK(OP(EQ, bits, num(l, bits, 255)), nan, u));
}

/* To nearest even: normal numbers as integers; below the least of them adding a number whose last
 * place is the format's smallest step rounds, and taking it away gives the rest. */
const weft_expr *
weft_legal_round(weft_legal *l, weft_dtype t, const weft_expr *x)
{
    if (t == WEFT_BF16) {
        const weft_expr *bits = bf16_bits(l, x);
        return as(l, WEFT_F32, OP(SHL, bits, num(l, bits, 16)));
    }
    if (t == WEFT_F8E8M0)
        return e8m0_of_bits(l, e8m0_bits(l, x));
    format f = format_of(t);
    x = NAME("f", x);
    const weft_expr *u = NAME("u", as(l, WEFT_U32, x));
    const weft_expr *size = NAME("m", OP(BAND, u, num(l, u, 0x7fffffff)));
    const weft_expr *a = NAME("a", as(l, WEFT_F32, size));
    const weft_expr *odd = OP(BAND, OP(SHR, size, num(l, u, f.drop)), num(l, u, 1));
    const weft_expr *up = OP(ADD, size, OP(ADD, odd, num(l, u, (double)((1 << (f.drop - 1)) - 1))));
    const weft_expr *usual =
        as(l, WEFT_F32, OP(BAND, up, num(l, u, (double)(uint32_t)(0u - (1u << f.drop)))));
    const weft_expr *step = num(l, x, ldexp(f.least, 23 - f.mantissa));
    const weft_expr *small = OP(SUB, OP(ADD, a, step), step);
    const weft_expr *beyond = num(l, x, f.beyond);
    const weft_expr *limit = num(l, x, f.limit);
    const weft_expr *r = PICK(OP(LT, a, num(l, x, f.least)), small, usual);
    r = PICK(f.tie ? OP(GE, a, limit) : OP(GT, a, limit), beyond, r);
    r = as(l, WEFT_F32, OP(BOR, as(l, WEFT_U32, r), OP(BAND, u, num(l, u, 2147483648.0))));
    return PICK(OP(NE, x, x), x, r);
}

/* x: f64 as an f32 that rounds to a narrower format as x would: what does not fit is rounded to the
 * neighbour whose last bit is set. */
const weft_expr *
weft_legal_round_to_odd(weft_legal *l, const weft_expr *x)
{
    weft_ir *ir = l->ir;
    int lanes = x->h.type.lanes;
    x = NAME("f", x);
    const weft_expr *y = NAME("y", weft_cast_to(ir, (weft_type){ WEFT_F32, (uint8_t)lanes }, x));
    const weft_expr *back = NAME("d", weft_cast_to(ir, x->h.type, y)),
                    *u = NAME("u", as(l, WEFT_U32, y));
    const weft_expr *even = OP(EQ, OP(BAND, u, num(l, u, 1)), num(l, u, 0));
    const weft_expr *inexact = OP(OR, OP(LT, back, x), OP(GT, back, x));
    const weft_expr *positive = OP(GT, x, num(l, x, 0));
    const weft_expr *away = OP(NE, OP(LT, x, back), positive); /* y is nearer to zero than x */
    const weft_expr *odd =
        as(l, WEFT_F32, PICK(away, OP(ADD, u, num(l, u, 1)), OP(SUB, u, num(l, u, 1))));
    return PICK(OP(AND, even, inexact), odd, y);
}

/* ---- bits ------------------------------------------------------------------------------------ */

const weft_expr *
weft_legal_float_bits(weft_legal *l, weft_dtype t, const weft_expr *x)
{
    if (t == WEFT_BF16)
        return bf16_bits(l, x);
    if (t == WEFT_F8E8M0)
        return e8m0_bits(l, x);
    format f = format_of(t);
    const weft_expr *r = NAME("r", weft_legal_round(l, t, x)), *u = NAME("u", as(l, WEFT_U32, r));
    const weft_expr *size = OP(BAND, u, num(l, u, 0x7fffffff)),
                    *a = NAME("a", as(l, WEFT_F32, size));
    const weft_expr *usual = OP(SUB, OP(SHR, size, num(l, u, f.drop)),
                                num(l, u, (double)((127 - f.bias) << f.mantissa)));
    const weft_expr *is_small = NAME("s", OP(LT, a, num(l, r, f.least)));
    const weft_expr *steps =
        OP(MUL, PICK(is_small, a, num(l, r, 0)), num(l, r, ldexp(1 / f.least, f.mantissa)));
    const weft_expr *code = PICK(is_small, weft_cast_to(l->ir, u->h.type, steps), usual);
    uint32_t all = (1u << (f.bits - 1)) - 1, inf = all + 1 - (1u << f.mantissa);
    if (f.has_inf)
        code = PICK(OP(EQ, a, num(l, r, INFINITY)), num(l, u, inf), code);
    const weft_expr *sign = OP(SHL, OP(SHR, u, num(l, u, 31)), num(l, u, f.bits - 1));
    if (f.no_minus_zero)
        sign = PICK(OP(EQ, a, num(l, r, 0)), num(l, u, 0), sign);
    const weft_expr *nan = num(l, u,
                               f.no_minus_zero ? all + 1
                               : f.has_inf     ? inf | 1u << (f.mantissa - 1)
                                               : all);
    return PICK(OP(NE, r, r), nan, OP(BOR, code, sign));
}

const weft_expr *
weft_legal_float_of_bits(weft_legal *l, weft_dtype t, const weft_expr *bits)
{
    if (t == WEFT_BF16)
        return as(l, WEFT_F32, OP(SHL, bits, num(l, bits, 16)));
    if (t == WEFT_F8E8M0)
        return e8m0_of_bits(l, bits);
    format f = format_of(t);
    uint32_t all = (1u << (f.bits - 1)) - 1, inf = all + 1 - (1u << f.mantissa);
    weft_type f32 = { WEFT_F32, bits->h.type.lanes };
    bits = NAME("u", bits);
    const weft_expr *size = NAME("m", OP(BAND, bits, num(l, bits, all)));
    const weft_expr *wide = OP(SHL, size, num(l, bits, f.drop));
    const weft_expr *usual =
        as(l, WEFT_F32, OP(ADD, wide, num(l, bits, (double)((uint32_t)(127 - f.bias) << 23))));
    const weft_expr *step = weft_imm(l->ir, f32, ldexp(f.least, -f.mantissa));
    const weft_expr *v = PICK(OP(LT, size, num(l, bits, 1 << f.mantissa)),
                              OP(MUL, weft_cast_to(l->ir, f32, size), step), usual);
    if (f.has_inf)
        v = PICK(OP(GE, size, num(l, bits, inf)),
                 as(l, WEFT_F32, OP(BOR, wide, num(l, bits, 0x7f800000))), v);
    const weft_expr *sign = OP(SHL, OP(SHR, bits, num(l, bits, f.bits - 1)), num(l, bits, 31));
    v = as(l, WEFT_F32, OP(BOR, as(l, WEFT_U32, v), sign));
    const weft_expr *nan = weft_imm(l->ir, f32, NAN);
    if (f.no_minus_zero)
        return PICK(OP(EQ, bits, num(l, bits, all + 1)), nan, v);
    return f.has_inf || t == WEFT_F4E2M1 ? v : PICK(OP(EQ, size, num(l, bits, all)), nan, v);
}
