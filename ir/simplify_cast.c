/* Conversions that lose nothing are merged with the next one, and what is left of tests and
 * arithmetic on single values: abs, pow, division by a power of two. */
#include "ir/simplify.h"

#include <math.h>

/* ---- casts ----------------------------------------------------------------------------------- */

static bool
is_small_float(weft_dtype t)
{
    return weft_dtype_bits(t) <= 8;
}

/* Every value of `from` is one of `to`. */
static bool
float_holds_float(weft_dtype to, weft_dtype from)
{
    if (to == from || to == WEFT_F64)
        return true;
    if (to == WEFT_F32)
        return from != WEFT_F64;
    return to == WEFT_F16 && is_small_float(from) && from != WEFT_F8E8M0;
}

/* Every integer of the range is a value of `to`. */
static bool
float_holds_ints(weft_dtype to, weft_range r)
{
    int bits = weft_dtype_mantissa(to) + 1;
    if (to != WEFT_F16 && to != WEFT_BF16 && to != WEFT_F32 && to != WEFT_F64)
        return false;
    return r.lo >= -((int64_t)1 << bits) && r.hi <= (int64_t)1 << bits;
}

static weft_range
full_range(weft_facts *f, const weft_expr *e)
{
    weft_range r = weft_range_of(f, e);
    return weft_dtype_of(e) == WEFT_U64 ? r
                                        : weft_range_meet(weft_range_of_dtype(weft_dtype_of(e)), r);
}

/* The conversion e, of a simple argument, keeps every value. */
static bool
keeps_value(weft_facts *f, const weft_expr *e)
{
    const weft_expr *x = e->arg[0];
    weft_dtype from = weft_dtype_of(x), to = weft_dtype_of(e);
    if (weft_is_float(from))
        return weft_is_float(to) && float_holds_float(to, from);
    weft_range r = full_range(f, x);
    if (weft_is_float(to))
        return float_holds_ints(to, r);
    return to != WEFT_BOOL && (e->h.index || weft_range_fits(r, to));
}

const weft_expr *
weft_simp_cast(weft_facts *f, const weft_expr *e)
{
    const weft_expr *a = e->arg[0];
    weft_dtype to = weft_dtype_of(e), mid = weft_dtype_of(a);
    if (to == mid)
        return a;
    if (to == WEFT_BOOL && weft_is_int(mid))
        return weft_ne(f->ir, a, weft_const_like(f->ir, a->h.type, 0));
    if (a->h.kind != WEFT_EK_CAST)
        return NULL;
    const weft_expr *x = a->arg[0];
    weft_dtype from = weft_dtype_of(x);
    bool ints = weft_is_int(to) && weft_is_int(mid) && weft_is_int(from);
    if (ints && weft_dtype_bits(to) <= weft_dtype_bits(mid)) /* wraps twice, or once */
        return weft_cast(f->ir, to, x);
    if (!keeps_value(f, a))
        return NULL;
    if (to == from)
        return x;
    if (!weft_is_float(from) && weft_is_float(mid) && !weft_is_float(to)) /* saturates, not wraps */
        return to != WEFT_BOOL && weft_range_fits(full_range(f, x), to) ? weft_cast(f->ir, to, x)
                                                                        : NULL;
    return weft_cast(f->ir, to, x);
}

/* ---- calls and float division ---------------------------------------------------------------- */

static const weft_expr *
simp_pow(weft_facts *f, const weft_expr *e)
{
    double p;
    const weft_expr *x = e->arg[0];
    if (!weft_as_float(e->arg[1], &p) || !weft_facts_droppable(f, x))
        return NULL;
    if (p == 1)
        return x;
    return p == 2 ? weft_mul(f->ir, x, x) : NULL;
}

static const weft_expr *
simp_abs(weft_facts *f, const weft_expr *e)
{
    const weft_expr *x = e->arg[0];
    if (!weft_is_int(weft_dtype_of(e)))
        return x->h.kind == WEFT_EK_NEG ? weft_intrinsic(f->ir, WEFT_IN_ABS, 1, x->arg) : NULL;
    weft_range r = weft_range_of(f, x);
    if (r.lo >= 0)
        return x;
    return r.hi <= 0 ? weft_neg(f->ir, x) : NULL;
}

const weft_expr *
weft_simp_call(weft_facts *f, const weft_expr *e)
{
    if (e->h.u.intrin == WEFT_IN_ABS)
        return simp_abs(f, e);
    return e->h.u.intrin == WEFT_IN_POW ? simp_pow(f, e) : NULL;
}

/* x / 0 by comparisons: drivers fold a quotient or a product with what they find to be
 * 0 as if there were no infinities (lavapipe's optimiser takes x / 0 to be undefined
 * and 0 * inf to be 0). */
static const weft_expr *
over_zero(weft_facts *f, const weft_expr *x, double infinity)
{
    const weft_expr *zero = weft_imm(f->ir, x->h.type, 0);
    const weft_expr *below =
        weft_select(f->ir, weft_lt(f->ir, x, zero), weft_imm(f->ir, x->h.type, -infinity),
                    weft_imm(f->ir, x->h.type, NAN));
    return weft_select(f->ir, weft_lt(f->ir, zero, x), weft_imm(f->ir, x->h.type, infinity), below);
}

/* x / 2^n is x * 2^-n, as long as 2^-n is a normal number of the type. */
const weft_expr *
weft_simp_float_div(weft_facts *f, const weft_expr *e)
{
    int power;
    double c;
    weft_dtype t = weft_dtype_of(e);
    if (!weft_as_float(e->arg[1], &c))
        return NULL;
    if (c == 0 && !is_small_float(t))
        return over_zero(f, e->arg[0], 1 / c);
    if (fabs(frexp(c, &power)) != 0.5)
        return NULL;
    int most = t == WEFT_F64 ? 1000 : t == WEFT_F32 || t == WEFT_BF16 ? 120 : 12;
    if (is_small_float(t) || power > most || power < -most)
        return NULL;
    return weft_mul(f->ir, e->arg[0], weft_imm(f->ir, e->h.type, 1 / c));
}
