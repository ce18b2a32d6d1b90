/* lower/legalize_int.c: floor division, shifts and wrap-around as C and SPIR-V can say them.
 *
 * C divides towards zero, traps or is undefined for zero divisors and least / -1, and leaves signed
 * overflow undefined; the IR does none of that (doc/IR.md).
 */
#include "lower/legalize.h"

static const weft_expr *
num(weft_legal *l, const weft_expr *like, double v)
{
    return weft_imm(l->ir, like->h.type, v);
}

static bool
is_signed(const weft_expr *e)
{
    return weft_dtype_kind((weft_dtype)e->h.type.dtype) == WEFT_KIND_INT;
}

/* The scalar constant that e is in every lane. */
static bool
constant(const weft_expr *e, int64_t *v)
{
    if (e->h.kind == WEFT_EK_BCAST)
        e = e->arg[0];
    return weft_as_int(e, v);
}

/* The bounds of argument i of a scalar division, by what it was as well. */
static void
argument_bounds(weft_legal *l, const weft_expr *e, int i, int64_t *min, int64_t *max)
{
    int64_t low, high;
    const weft_expr *was = l->original;
    (void)weft_bounds(l->ir, l->facts, e->arg[i], min, max);
    if (!was || was->h.kind != e->h.kind || was->h.type.lanes > 1 || e->h.type.lanes > 1)
        return;
    (void)weft_bounds(l->ir, l->facts, was->arg[i], &low, &high);
    *min = *min > low ? *min : low;
    *max = *max < high ? *max : high;
}

/* Floor division of a by b > 0, one that cannot trap. */
static const weft_expr *
by_positive(weft_legal *l, const weft_expr *e)
{
    weft_ir *ir = l->ir;
    weft_ek kind = (weft_ek)e->h.kind;
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    int64_t min, max;
    argument_bounds(l, e, 0, &min, &max); /* min holds where max is not known, too */
    if (min >= 0 || !is_signed(a))
        return weft_binary(ir, kind == WEFT_EK_FDIV ? WEFT_EK_TDIV : WEFT_EK_TMOD, a, b);
    a = weft_legal_bind(l, "n", a);
    b = weft_legal_bind(l, "d", b);
    const weft_expr *rest = weft_legal_bind(l, "r", weft_binary(ir, WEFT_EK_TMOD, a, b));
    const weft_expr *below = weft_binary(ir, WEFT_EK_LT, rest, num(l, a, 0));
    if (kind == WEFT_EK_FMOD)
        return weft_select(ir, below, weft_binary(ir, WEFT_EK_ADD, rest, b), rest);
    const weft_expr *q = weft_binary(ir, WEFT_EK_TDIV, a, b);
    return weft_binary(ir, WEFT_EK_SUB, q, weft_select(ir, below, num(l, a, 1), num(l, a, 0)));
}

/* Any divisor: zero gives 0; -1 is kept from the hardware, whose quotient of the least number
 * traps. */
static const weft_expr *
by_anything(weft_legal *l, weft_ek kind, const weft_expr *a, const weft_expr *b)
{
    weft_ir *ir = l->ir;
    const weft_expr *zero = num(l, a, 0), *one = num(l, a, 1);
    a = weft_legal_bind(l, "n", a);
    b = weft_legal_bind(l, "d", b);
    const weft_expr *none = weft_binary(ir, WEFT_EK_EQ, b, zero);
    if (!is_signed(a)) {
        const weft_expr *safe = weft_select(ir, none, one, b);
        const weft_expr *q =
            weft_binary(ir, kind == WEFT_EK_FDIV ? WEFT_EK_TDIV : WEFT_EK_TMOD, a, safe);
        return weft_select(ir, none, zero, q);
    }
    const weft_expr *minus = weft_binary(ir, WEFT_EK_EQ, b, num(l, b, -1));
    const weft_expr *safe =
        weft_legal_bind(l, "d", weft_select(ir, weft_binary(ir, WEFT_EK_OR, none, minus), one, b));
    const weft_expr *rest = weft_legal_bind(l, "r", weft_binary(ir, WEFT_EK_TMOD, a, safe));
    const weft_expr *unlike = weft_binary(ir, WEFT_EK_NE, weft_binary(ir, WEFT_EK_LT, rest, zero),
                                          weft_binary(ir, WEFT_EK_LT, safe, zero));
    const weft_expr *below =
        weft_binary(ir, WEFT_EK_AND, weft_binary(ir, WEFT_EK_NE, rest, zero), unlike);
    if (kind == WEFT_EK_FMOD)
        return weft_select(ir, none, zero,
                           weft_select(ir, below, weft_binary(ir, WEFT_EK_ADD, rest, safe), rest));
    const weft_expr *q = weft_binary(ir, WEFT_EK_SUB, weft_binary(ir, WEFT_EK_TDIV, a, safe),
                                     weft_select(ir, below, one, zero));
    const weft_expr *negated = weft_legal_wrapping(l, weft_unary(ir, WEFT_EK_NEG, a));
    return weft_select(ir, none, zero, weft_select(ir, minus, negated, q));
}

const weft_expr *
weft_legal_division(weft_legal *l, const weft_expr *e)
{
    int64_t divisor, min, max;
    weft_ek kind = (weft_ek)e->h.kind;
    if (constant(e->arg[1], &divisor)) {
        if (divisor == 0)
            return num(l, e, 0);
        if (divisor > 0)
            return by_positive(l, e);
        return by_anything(l, kind, e->arg[0], e->arg[1]);
    }
    argument_bounds(l, e, 1, &min, &max);
    if (min > 0)
        return by_positive(l, e);
    return by_anything(l, kind, e->arg[0], e->arg[1]);
}

const weft_expr *
weft_legal_shift(weft_legal *l, const weft_expr *e)
{
    weft_ir *ir = l->ir;
    int bits = weft_dtype_bits((weft_dtype)e->h.type.dtype);
    int64_t by;
    if (constant(e->arg[1], &by) && by >= 0 && by < bits)
        return e;
    const weft_expr *x = e->arg[0], *amount = weft_legal_bind(l, "by", e->arg[1]);
    bool fills = e->h.kind == WEFT_EK_SHR && is_signed(e);
    if (fills)
        x = weft_legal_bind(l, "n", x);
    const weft_expr *fits = weft_binary(ir, WEFT_EK_LT, amount, num(l, amount, bits));
    if (is_signed(amount))
        fits = weft_binary(ir, WEFT_EK_AND, weft_binary(ir, WEFT_EK_GE, amount, num(l, amount, 0)),
                           fits);
    const weft_expr *masked = weft_binary(ir, WEFT_EK_BAND, amount, num(l, amount, bits - 1));
    const weft_expr *all =
        fills ? weft_binary(ir, WEFT_EK_SHR, x, num(l, e, bits - 1)) : num(l, e, 0);
    return weft_select(ir, fits, weft_binary(ir, (weft_ek)e->h.kind, x, masked), all);
}

/* x as unsigned of the same width. */
static const weft_expr *
as_unsigned(weft_legal *l, weft_type wide, const weft_expr *x)
{
    int64_t v;
    if (x->h.kind == WEFT_EK_BITCAST && weft_same_type(x->arg[0]->h.type, wide))
        return x->arg[0];
    if (constant(x, &v))
        return weft_bcast(l->ir, weft_int(l->ir, (weft_dtype)wide.dtype, v), wide.lanes);
    return weft_bitcast(l->ir, wide, x);
}

/* The bounds of each lane of a vector, as far as its form tells. */
static bool
lane_bounds(weft_legal *l, const weft_expr *e, int64_t *lo, int64_t *hi)
{
    if (e->h.type.lanes == 1)
        return weft_bounds(l->ir, l->facts, e, lo, hi);
    if (e->h.kind == WEFT_EK_BCAST)
        return weft_bounds(l->ir, l->facts, e->arg[0], lo, hi);
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    *lo = weft_dtype_min(t);
    *hi = weft_dtype_max(t);
    if (e->h.kind == WEFT_EK_CAST && weft_is_int((weft_dtype)e->arg[0]->h.type.dtype))
        return lane_bounds(l, e->arg[0], lo, hi) && *lo >= weft_dtype_min(t) &&
               *hi <= weft_dtype_max(t);
    return weft_dtype_bits(t) < 32;
}

/* Whether the ranges of the operands keep the result within its type. */
static bool
stays_inside(weft_legal *l, const weft_expr *e)
{
    int64_t lo[2] = { 0, 0 }, hi[2] = { 0, 0 }, least = weft_dtype_min((weft_dtype)e->h.type.dtype);
    int64_t most = weft_dtype_max((weft_dtype)e->h.type.dtype), corner[4];
    for (int i = 0; i < e->h.nargs; i++)
        if (!lane_bounds(l, e->arg[i], &lo[i], &hi[i]) || lo[i] < INT32_MIN || hi[i] > INT32_MAX)
            return false;
    bool product = e->h.kind == WEFT_EK_MUL, sum = e->h.kind == WEFT_EK_ADD;
    for (int i = 0; i < 4; i++) {
        int64_t a = i & 1 ? hi[0] : lo[0], b = i & 2 ? hi[1] : lo[1];
        corner[i] = e->h.nargs == 1 ? -a : product ? a * b : sum ? a + b : a - b;
        if (corner[i] < least || corner[i] > most)
            return false;
    }
    return true;
}

/* Signed data wraps: computed unsigned.  What does not overflow stays readable. */
const weft_expr *
weft_legal_wrapping(weft_legal *l, const weft_expr *e)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    const weft_expr *arg[2];
    if (l->in_range || e->h.index || weft_dtype_kind(t) != WEFT_KIND_INT ||
        weft_dtype_bits(t) < 32 || stays_inside(l, e))
        return e;
    weft_type wide = { t == WEFT_I64 ? WEFT_U64 : WEFT_U32, e->h.type.lanes };
    for (int i = 0; i < e->h.nargs; i++)
        arg[i] = as_unsigned(l, wide, e->arg[i]);
    const weft_expr *sum = e->h.nargs == 1
                               ? weft_binary(l->ir, WEFT_EK_SUB, weft_imm(l->ir, wide, 0), arg[0])
                               : weft_binary(l->ir, (weft_ek)e->h.kind, arg[0], arg[1]);
    return weft_bitcast(l->ir, e->h.type, sum);
}
