/* Comparisons, minimum and maximum of integers: decided by bounds or proof where possible, else
 * brought to one form.  An order becomes "sum < 0", is divided by what its coefficients have in
 * common, and is written with positive terms on both sides:
 *   p < n,  p <= n,  p + k < n,  p < n + k,  p < k,  n >= k
 */
#include "ir/simplify.h"

static bool
is_equality(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_EQ || e->h.kind == WEFT_EK_NE;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* e as d < 0. */
static bool
as_negative(weft_facts *f, const weft_expr *e, weft_lin *d)
{
    bool flip = e->h.kind == WEFT_EK_GT || e->h.kind == WEFT_EK_GE;
    bool strict = e->h.kind == WEFT_EK_LT || e->h.kind == WEFT_EK_GT;
    weft_lin_init(d, weft_dtype_of(e->arg[0]), false);
    return weft_lin_add(f, d, e->arg[flip], 1, WEFT_LIN_EXACT) &&
           weft_lin_add(f, d, e->arg[!flip], -1, WEFT_LIN_EXACT) &&
           (strict || weft_lin_add_const(d, -1));
}

/* g*a + b < 0, where every b gives the same quotient q of -1 - b by g, is a <= q. */
static bool
divide_by(weft_facts *f, weft_lin *d, int64_t g)
{
    int64_t most, least;
    weft_lin a, b;
    weft_lin_init(&a, d->dtype, false);
    weft_lin_init(&b, d->dtype, false);
    b.k = d->k;
    for (int i = 0; i < d->n; i++) {
        int64_t c = d->t[i].c;
        weft_lin_add_term(c % g ? &b : &a, d->t[i].atom, c % g ? c : c / g);
    }
    weft_range r = weft_lin_range(f, &b);
    if (a.n == 0 || r.lo <= INT64_MIN + 1 || r.hi >= INT64_MAX - 1)
        return false;
    most = weft_floordiv(-1 - r.lo, g);
    least = weft_floordiv(-1 - r.hi, g);
    if (most != least || most == INT64_MAX)
        return false;
    a.k = -most - 1;
    *d = a;
    return true;
}

/* The greatest common divisor of the coefficients, 0 of none. */
static int64_t
content(const weft_lin *d)
{
    int64_t g = 0;
    for (int i = 0; i < d->n; i++) {
        int64_t a = d->t[i].c, b = g;
        while (b) {
            int64_t r = a % b;
            a = b;
            b = r;
        }
        g = a < 0 ? -a : a;
    }
    return g;
}

static void
divide_order(weft_facts *f, weft_lin *d)
{
    int64_t limit = INT64_MAX, g = content(d);
    if (g > 1)
        divide_by(f, d, g);
    do {
        g = 1;
        for (int i = 0; i < d->n; i++) {
            int64_t c = d->t[i].c < 0 ? -d->t[i].c : d->t[i].c;
            if (c > g && c < limit)
                g = c;
        }
        if (g > 1 && divide_by(f, d, g))
            limit = INT64_MAX;
        else
            limit = g;
    } while (g > 1);
}

/* The sides of "p op n" with the constant k of p - n + k put where it is positive. */
static bool
sides(weft_facts *f, const weft_lin *d, const weft_expr **a, const weft_expr **b)
{
    weft_lin p, n;
    weft_lin_side(d, true, &p);
    weft_lin_side(d, false, &n);
    if (d->k > 0 && p.n)
        p.k = d->k;
    else
        n.k = -d->k;
    if (!weft_lin_safe(f, &p) || !weft_lin_safe(f, &n))
        return false;
    *a = weft_lin_build(f, &p);
    *b = weft_lin_build(f, &n);
    return true;
}

/* The expression d < 0. */
static const weft_expr *
order_form(weft_facts *f, const weft_lin *d)
{
    weft_lin p, n;
    const weft_expr *a, *b;
    weft_ir *ir = f->ir;
    weft_lin_side(d, true, &p);
    weft_lin_side(d, false, &n);
    if (p.n == 0) { /* k < n */
        p.k = d->k + 1;
        if (!weft_lin_safe(f, &p) || !weft_lin_safe(f, &n))
            return NULL;
        return weft_ge(ir, weft_lin_build(f, &n), weft_lin_build(f, &p));
    }
    if (n.n == 0) { /* p < -k; of a constant that is safe, so is the side of it */
        n.k = -d->k;
        if (!weft_lin_safe(f, &p) || !weft_lin_safe(f, &n))
            return NULL;
        return weft_lt(ir, weft_lin_build(f, &p), weft_lin_build(f, &n));
    }
    weft_lin even = *d;
    if (d->k == -1)
        even.k = 0;
    if (!sides(f, &even, &a, &b))
        return NULL;
    return d->k == -1 ? weft_le(ir, a, b) : weft_lt(ir, a, b);
}

static const weft_expr *
simp_order(weft_facts *f, const weft_expr *e)
{
    weft_lin d, minus;
    if (!as_negative(f, e, &d) || d.k == INT64_MIN)
        return NULL;
    weft_range r = weft_lin_range(f, &d);
    if (r.hi < 0 || r.lo >= 0)
        return weft_bool_const(f->ir, e->h.type, r.hi < 0);
    divide_order(f, &d);
    if (d.n == 0)
        return weft_bool_const(f->ir, e->h.type, d.k < 0);
    if (weft_lin_provable(f, &d)) {
        weft_lin_init(&minus, d.dtype, false);
        minus.k = -1;
        if (weft_lin_add_lin(&minus, &d, -1) && weft_lin_nonneg(f, &minus))
            return weft_bool_const(f->ir, e->h.type, true);
        if (weft_lin_nonneg(f, &d))
            return weft_bool_const(f->ir, e->h.type, false);
    }
    return order_form(f, &d);
}

/* ---- equality -------------------------------------------------------------------------------- */

/* Whether d is never 0. */
static bool
never_zero(weft_facts *f, const weft_lin *d)
{
    weft_lin other;
    weft_range r = weft_lin_range(f, d);
    if (r.lo > 0 || r.hi < 0)
        return true;
    int64_t g = 0;
    for (int i = 0; i < d->n; i++) { /* modulo what divides every term's steps */
        weft_mod m = weft_mod_of(f, d->t[i].atom);
        int64_t step, a = g;
        if (!weft_mul64(m.coeff, d->t[i].c, &step) || step == INT64_MIN)
            return false;
        while (step) {
            int64_t rest = a % step;
            a = step;
            step = rest;
        }
        g = a < 0 ? -a : a;
    }
    int64_t sum = d->k, part;
    for (int i = 0; i < d->n; i++) {
        weft_mod m = weft_mod_of(f, d->t[i].atom);
        if (!weft_mul64(m.base, d->t[i].c, &part) || !weft_add64(sum, part, &sum))
            return false;
    }
    if (g == 0 ? sum != 0 : sum % g != 0)
        return true;
    if (!weft_lin_provable(f, d))
        return false;
    other = *d;
    if (weft_lin_add_const(&other, -1) && weft_lin_nonneg(f, &other))
        return true;
    weft_lin_init(&other, d->dtype, false);
    return weft_lin_add_lin(&other, d, -1) && weft_lin_add_const(&other, -1) &&
           weft_lin_nonneg(f, &other);
}

/* Both d >= 0 and -d >= 0. */
static bool
always_zero(weft_facts *f, const weft_lin *d)
{
    weft_lin minus;
    if (!weft_lin_provable(f, d) || !weft_lin_nonneg(f, d))
        return false;
    weft_lin_init(&minus, d->dtype, false);
    return weft_lin_add_lin(&minus, d, -1) && weft_lin_nonneg(f, &minus);
}

/* The sign that makes the oldest atom positive. */
static void
normalise_sign(weft_lin *d)
{
    int oldest = 0;
    for (int i = 1; i < d->n; i++)
        if (d->t[i].atom->id < d->t[oldest].atom->id)
            oldest = i;
    if (d->t[oldest].c > 0)
        return;
    weft_lin minus;
    weft_lin_init(&minus, d->dtype, d->wraps);
    if (weft_lin_add_lin(&minus, d, -1))
        *d = minus;
}

static const weft_expr *
equality_form(weft_facts *f, const weft_expr *e, weft_lin *d)
{
    const weft_expr *a, *b;
    normalise_sign(d);
    if (!sides(f, d, &a, &b))
        return NULL;
    if (weft_is_imm(a)) {
        const weft_expr *swap = a;
        a = b;
        b = swap;
    }
    return weft_binary(f->ir, (weft_ek)e->h.kind, a, b);
}

static const weft_expr *
simp_equality(weft_facts *f, const weft_expr *e)
{
    weft_lin d;
    bool equal = e->h.kind == WEFT_EK_EQ;
    weft_lin_init(&d, weft_dtype_of(e->arg[0]), false);
    if (!weft_lin_add(f, &d, e->arg[0], 1, WEFT_LIN_EXACT) ||
        !weft_lin_add(f, &d, e->arg[1], -1, WEFT_LIN_EXACT))
        return NULL;
    if (d.n == 0)
        return weft_bool_const(f->ir, e->h.type, (d.k == 0) == equal);
    if (never_zero(f, &d))
        return weft_bool_const(f->ir, e->h.type, !equal);
    if (always_zero(f, &d))
        return weft_bool_const(f->ir, e->h.type, equal);
    int64_t g = content(&d);
    if (g > 1 && d.k % g == 0) {
        for (int i = 0; i < d.n; i++)
            d.t[i].c /= g;
        d.k /= g;
    }
    return equality_form(f, e, &d);
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* e over the narrower type `t`: under a conversion that keeps the value, or a constant; else NULL.
 */
static const weft_expr *
narrowed(weft_facts *f, const weft_expr *e, weft_dtype t)
{
    int64_t v;
    if (weft_as_int(e, &v))
        return weft_range_fits((weft_range){ v, v }, t) ? weft_int(f->ir, t, v) : NULL;
    return e->h.kind == WEFT_EK_CAST && weft_dtype_of(e->arg[0]) == t ? e->arg[0] : NULL;
}

/* i64(x) < i64(y) is x < y, and i32(b) == 1 of a bool b is b. */
static const weft_expr *
without_casts(weft_facts *f, const weft_expr *e)
{
    int64_t v;
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    const weft_expr *cast = a->h.kind == WEFT_EK_CAST ? a : b;
    if (cast->h.kind != WEFT_EK_CAST)
        return NULL;
    weft_dtype t = weft_dtype_of(cast->arg[0]);
    if (t == WEFT_BOOL && cast == a && weft_as_int(b, &v)) {
        bool hit = e->h.kind == WEFT_EK_EQ ? v == 1 : e->h.kind == WEFT_EK_NE ? v == 0 : v == 1;
        if (v < 0 || v > 1 || e->h.kind == WEFT_EK_LE || e->h.kind == WEFT_EK_GT)
            return NULL;
        if (e->h.kind == WEFT_EK_LT)
            return v == 1 ? weft_not(f->ir, a->arg[0]) : NULL;
        if (e->h.kind == WEFT_EK_GE)
            return v == 1 ? a->arg[0] : NULL;
        return hit ? a->arg[0] : weft_not(f->ir, a->arg[0]);
    }
    if (!weft_is_int(t) || weft_dtype_kind(t) != weft_dtype_kind(weft_dtype_of(a)) ||
        weft_dtype_bits(t) >= weft_dtype_bits(weft_dtype_of(a)))
        return NULL;
    a = narrowed(f, a, t);
    b = narrowed(f, b, t);
    return a && b ? weft_binary(f->ir, (weft_ek)e->h.kind, a, b) : NULL;
}

const weft_expr *
weft_simp_compare(weft_facts *f, const weft_expr *e)
{
    if (!weft_is_scalar_int(e->arg[0]) || !weft_facts_droppable(f, e))
        return NULL;
    const weft_expr *r = without_casts(f, e);
    if (r)
        return r;
    r = is_equality(e) ? simp_equality(f, e) : simp_order(f, e);
    return r == e ? NULL : r;
}

/* ---- minimum and maximum --------------------------------------------------------------------- */

/* a <= b for certain. */
static bool
at_most(weft_facts *f, const weft_expr *a, const weft_expr *b)
{
    weft_lin d;
    weft_lin_init(&d, weft_dtype_of(a), false);
    if (!weft_lin_add(f, &d, b, 1, WEFT_LIN_EXACT) || !weft_lin_add(f, &d, a, -1, WEFT_LIN_EXACT))
        return false;
    return weft_lin_range(f, &d).lo >= 0 || (weft_lin_provable(f, &d) && weft_lin_nonneg(f, &d));
}

/* Of vectors: every lane of a and every lane of b. */
static bool
all_at_most(weft_facts *f, const weft_expr *a, const weft_expr *b)
{
    int64_t hi = weft_range_of(f, a).hi, lo = weft_range_of(f, b).lo;
    return hi != INT64_MAX && lo != INT64_MIN && hi <= lo;
}

const weft_expr *
weft_simp_minmax(weft_facts *f, const weft_expr *e)
{
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    if (!weft_is_int(weft_dtype_of(e)) || !weft_facts_droppable(f, e))
        return NULL;
    bool min = e->h.kind == WEFT_EK_MIN, scalar = e->h.type.lanes == 1;
    if (scalar ? at_most(f, a, b) : all_at_most(f, a, b))
        return min ? a : b;
    if (scalar ? at_most(f, b, a) : all_at_most(f, b, a))
        return min ? b : a;
    return NULL;
}
