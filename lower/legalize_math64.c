/* lower/legalize_math64.c: exp and log of f64 for devices whose functions are of f32 alone; what
 * legalize_math.c makes of them is made for f64 too.
 *
 * Taylor series: to 4e-18 of exp on [-ln 2 / 2, ln 2 / 2], to 3e-17 of log on [sqrt 1/2, sqrt 2].
 */
#include "lower/legalize.h"

#include <math.h>

static const weft_expr *
num(weft_legal *l, const weft_expr *like, double v)
{
    return weft_imm(l->ir, like->h.type, v);
}

static const weft_expr *
word(weft_legal *l, const weft_expr *like, int64_t v)
{
    return weft_bcast(l->ir, weft_int(l->ir, (weft_dtype)like->h.type.dtype, v),
                      like->h.type.lanes);
}

#define OP(kind, a, b) weft_binary(l->ir, WEFT_EK_##kind, a, b)
#define PICK(c, a, b)  weft_legal_apply(l, weft_select(l->ir, c, a, b))
#define LESS(a, b)     weft_legal_apply(l, OP(LT, a, b))
#define NAME(hint, x)  weft_legal_bind(l, hint, x)

static weft_type
type_of(const weft_expr *like, weft_dtype t)
{
    return (weft_type){ (uint8_t)t, like->h.type.lanes };
}

/* 1 + x / 2 + x x / 6 + ... + x^(n - 1) / n!, which is (exp(x) - 1) / x. */
static const weft_expr *
series(weft_legal *l, const weft_expr *x, int n)
{
    double factorial = 1;
    for (int i = 2; i <= n; i++)
        factorial *= i;
    const weft_expr *sum = num(l, x, 1 / factorial);
    for (int i = n; i > 1; i--) {
        factorial /= i;
        sum = OP(ADD, OP(MUL, sum, x), num(l, x, 1 / factorial));
    }
    return sum;
}

/* 2^k of a whole k: f64 from -1022 to 1023. */
static const weft_expr *
power_of_two(weft_legal *l, const weft_expr *k)
{
    const weft_expr *biased =
        weft_cast_to(l->ir, type_of(k, WEFT_I64), OP(ADD, k, num(l, k, 1023)));
    return weft_bitcast(l->ir, k->h.type, OP(SHL, biased, word(l, biased, 52)));
}

static const weft_expr *
whole(weft_legal *l, const weft_expr *x)
{
    return weft_legal_apply(l, weft_intrinsic(l->ir, WEFT_IN_FLOOR, 1, &x));
}

/* 2^k exp(r) with x = k ln 2 + r; 2^k in two factors, as k goes beyond the exponents. */
const weft_expr *
weft_legal_exp64(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    x = NAME("x", PICK(LESS(num(l, x, 710), x), num(l, x, 710), x));
    x = NAME("x", PICK(LESS(x, num(l, x, -746)), num(l, x, -746), x));
    const weft_expr *k = OP(ADD, OP(MUL, x, num(l, x, 1.4426950408889634)), num(l, x, 0.5));
    k = NAME("k", whole(l, k));
    const weft_expr *r = OP(SUB, x, OP(MUL, k, num(l, x, 0x1.62e42feep-1)));
    r = NAME("r", OP(SUB, r, OP(MUL, k, num(l, x, 0x1.a39ef35793c76p-33))));
    const weft_expr *p = OP(ADD, OP(MUL, series(l, r, 13), r), num(l, x, 1));
    const weft_expr *half = NAME("h", whole(l, OP(MUL, k, num(l, x, 0.5))));
    return OP(MUL, OP(MUL, p, power_of_two(l, half)), power_of_two(l, OP(SUB, k, half)));
}

const weft_expr *
weft_legal_expm1_64(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *near = NAME("p", OP(MUL, series(l, x, 17), x));
    const weft_expr *far = OP(SUB, weft_legal_exp64(l, x), num(l, x, 1));
    const weft_expr *half = num(l, x, 0.5);
    const weft_expr *is_near =
        weft_legal_apply(l, OP(AND, LESS(x, half), LESS(num(l, x, -0.5), x)));
    return PICK(is_near, near, far);
}

/* e ln 2 + log(m) with x = 2^e m; log(m) = 2 (f + f^3 / 3 + ...), f = (m - 1) / (m + 1). */
const weft_expr *
weft_legal_log64(weft_legal *l, const weft_expr *x)
{
    x = NAME("x", x);
    const weft_expr *tiny = NAME("s", LESS(x, num(l, x, 0x1p-1022))), *one = num(l, x, 1);
    const weft_expr *u = PICK(tiny, OP(MUL, x, num(l, x, 0x1p54)), x);
    u = NAME("u", weft_bitcast(l->ir, type_of(x, WEFT_U64), u));
    const weft_expr *e = weft_cast_to(l->ir, type_of(x, WEFT_I64), OP(SHR, u, word(l, u, 52)));
    e = OP(SUB, weft_cast_to(l->ir, x->h.type, e),
           PICK(tiny, num(l, x, 1023 + 54), num(l, x, 1023)));
    const weft_expr *m =
        OP(BOR, OP(BAND, u, word(l, u, (INT64_C(1) << 52) - 1)), word(l, u, INT64_C(1023) << 52));
    m = NAME("m", weft_bitcast(l->ir, x->h.type, m));
    const weft_expr *large = NAME("b", LESS(num(l, x, 1.4142135623730951), m));
    e = OP(ADD, e, PICK(large, one, num(l, x, 0)));
    m = NAME("m", PICK(large, OP(MUL, m, num(l, x, 0.5)), m));
    const weft_expr *f = NAME("f", OP(DIV, OP(SUB, m, one), OP(ADD, m, one)));
    const weft_expr *s = NAME("q", OP(MUL, f, f)), *sum = num(l, x, 1.0 / 21);
    for (int i = 19; i > 0; i -= 2)
        sum = OP(ADD, OP(MUL, sum, s), num(l, x, 1.0 / i));
    const weft_expr *y =
        OP(ADD, OP(MUL, e, num(l, x, 0.6931471805599453)), OP(MUL, OP(ADD, f, f), sum));
    const weft_expr *zero = num(l, x, 0), *inf = num(l, x, INFINITY);
    y = PICK(LESS(zero, x), y,
             PICK(weft_legal_apply(l, OP(EQ, x, zero)), num(l, x, -INFINITY), num(l, x, NAN)));
    return PICK(weft_legal_apply(l, OP(EQ, x, inf)), inf, y);
}
