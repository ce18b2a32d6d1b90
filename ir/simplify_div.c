/* Floor division and remainder of affine sums.  All of it holds for integers without end, so every
 * step asks that the sums it makes do not wrap (weft_lin_safe).  simplify_digits.c goes the way
 * back.
 *
 * Canonical: the constant of a dividend is within 0 .. c-1, no term of it is a multiple of c,
 * division is inside and remainder outside (x // 4 % 3, never x % 12 // 4), a quotient divided
 * again is one quotient.
 */
#include "ir/simplify.h"

/* lin == c * q + r, where r has the terms that are no multiple of c and a constant in 0 .. c-1. */
static void
split(const weft_lin *lin, int64_t c, weft_lin *q, weft_lin *r)
{
    weft_lin_init(q, lin->dtype, false);
    weft_lin_init(r, lin->dtype, false);
    q->k = weft_floordiv(lin->k, c);
    r->k = weft_floormod(lin->k, c);
    for (int i = 0; i < lin->n; i++) {
        int64_t v = lin->t[i].c;
        weft_lin_add_term(v % c ? r : q, lin->t[i].atom, v % c ? v : v / c);
    }
}

/* Whether lin >= at, lin's sign turned before where `minus`. */
static bool
at_least(weft_facts *f, const weft_lin *lin, bool minus, int64_t at)
{
    weft_lin d;
    weft_lin_init(&d, lin->dtype, false);
    return at != INT64_MIN && weft_lin_add_lin(&d, lin, minus ? -1 : 1) &&
           weft_lin_add_const(&d, -at) && weft_lin_nonneg(f, &d);
}

/* Whether lin lies between c * *q and c * *q + c - 1: by its range, or one end of it by the range
 * and the other by a proof. */
static bool
one_quotient(weft_facts *f, const weft_lin *lin, int64_t c, int64_t *q)
{
    int64_t first;
    weft_range r = weft_lin_range(f, lin);
    bool low = r.lo != INT64_MIN, high = r.hi != INT64_MAX;
    if (low && high && weft_floordiv(r.lo, c) == weft_floordiv(r.hi, c)) {
        *q = weft_floordiv(r.lo, c);
        return true;
    }
    if (!weft_lin_provable(f, lin))
        return false;
    if (low && weft_mul64(weft_floordiv(r.lo, c), c, &first) && first < INT64_MAX - c) {
        *q = first / c;
        if (at_least(f, lin, true, -(first + c - 1)))
            return true;
    }
    if (!high || !weft_mul64(weft_floordiv(r.hi, c), c, &first))
        return false;
    *q = first / c;
    return at_least(f, lin, false, first);
}

/* r as g * a + b with 0 <= b < g, for the greatest g > 1 that divides c: then r // c is
 * a // (c/g), and r % c is g * (a % (c/g)) + b. */
static bool
split_common(weft_facts *f, const weft_lin *r, int64_t c, weft_lin *a, weft_lin *b, int64_t *g)
{
    int64_t limit = c, q;
    for (;;) {
        *g = 1;
        for (int i = 0; i < r->n; i++) {
            int64_t d = weft_gcd(r->t[i].c, c);
            if (d < limit && d > *g)
                *g = d;
        }
        if (*g == 1)
            return false;
        split(r, *g, a, b);
        if (one_quotient(f, b, *g, &q) && weft_lin_add_const(a, q) &&
            weft_lin_add_const(b, -*g * q) && weft_lin_safe(f, a) && weft_lin_safe(f, b))
            return true;
        limit = *g;
    }
}

static bool
is_const_op(const weft_expr *e, weft_ek kind, int64_t *c)
{
    return e->h.kind == kind && weft_as_int(e->arg[1], c) && *c > 0;
}

/* (x // l + s) // c == (x + l*s) // (l*c) */
static const weft_expr *
merge_quotients(weft_facts *f, const weft_lin *r, int64_t c)
{
    int64_t l, lc;
    for (int i = 0; i < r->n; i++) {
        const weft_expr *q = r->t[i].atom;
        if (r->t[i].c != 1 || !is_const_op(q, WEFT_EK_FDIV, &l) || !weft_mul64(l, c, &lc) ||
            (r->dtype != WEFT_U64 && lc > weft_dtype_max(r->dtype)))
            continue;
        weft_lin x, rest = *r;
        rest.t[i] = rest.t[--rest.n];
        if (!weft_lin_of(f, &x, q->arg[0], WEFT_LIN_EXACT) || !weft_lin_add_lin(&x, &rest, l))
            continue;
        if (rest.n == 0 && rest.k == 0)
            return weft_floor_div(f, q->arg[0], lc);
        if (weft_lin_safe(f, &x))
            return weft_floor_div(f, weft_lin_build(f, &x), lc);
    }
    return NULL;
}

/* r // c for an r that split left over. */
static const weft_expr *
rest_div(weft_facts *f, weft_lin *r, int64_t c)
{
    int64_t q, g, m;
    weft_lin a, b;
    weft_ir *ir = f->ir;
    if (one_quotient(f, r, c, &q))
        return weft_int(ir, r->dtype, q);
    if (split_common(f, r, c, &a, &b, &g))
        return weft_floor_div(f, weft_lin_build(f, &a), c / g);
    const weft_expr *e = merge_quotients(f, r, c);
    if (e)
        return e;
    if (r->n == 1 && r->k == 0 && r->t[0].c == 1 && is_const_op(r->t[0].atom, WEFT_EK_FMOD, &m) &&
        m % c == 0) { /* x % m // c == x // c % (m/c) */
        e = weft_fdiv(ir, r->t[0].atom->arg[0], weft_int(ir, r->dtype, c));
        return weft_fmod(ir, e, weft_int(ir, r->dtype, m / c));
    }
    return weft_fdiv(ir, weft_lin_build(f, r), weft_int(ir, r->dtype, c));
}

const weft_expr *
weft_floor_div(weft_facts *f, const weft_expr *x, int64_t c)
{
    weft_lin lin, q, r;
    weft_ir *ir = f->ir;
    const weft_expr *plain = weft_fdiv(ir, x, weft_int(ir, weft_dtype_of(x), c));
    if (c == 1)
        return x;
    if (!weft_lin_of(f, &lin, x, WEFT_LIN_EXACT))
        return plain;
    split(&lin, c, &q, &r);
    if (!weft_lin_safe(f, &q) || !weft_lin_safe(f, &r))
        return plain;
    const weft_expr *e = rest_div(f, &r, c);
    return q.n || q.k ? weft_add(ir, weft_lin_build(f, &q), e) : e;
}

/* c divides s * m: then s * (x % m) may be s * x. */
static bool
drop_inner_mods(weft_facts *f, weft_lin *lin, int64_t c)
{
    int64_t m, p;
    for (int i = 0; i < lin->n; i++) {
        weft_term t = lin->t[i];
        if (!is_const_op(t.atom, WEFT_EK_FMOD, &m) || !weft_mul64(t.c, m, &p) || p % c != 0)
            continue;
        weft_lin x;
        lin->t[i--] = lin->t[--lin->n];
        if (!weft_lin_of(f, &x, t.atom->arg[0], WEFT_LIN_EXACT) || !weft_lin_add_lin(lin, &x, t.c))
            return false;
    }
    return true;
}

const weft_expr *
weft_floor_mod(weft_facts *f, const weft_expr *x, int64_t c)
{
    int64_t k, g;
    weft_lin lin, q, r, a, b;
    weft_ir *ir = f->ir;
    weft_dtype t = weft_dtype_of(x);
    const weft_expr *plain = weft_fmod(ir, x, weft_int(ir, t, c));
    if (c == 1)
        return weft_int(ir, t, 0);
    if (!weft_lin_of(f, &lin, x, WEFT_LIN_EXACT) || !drop_inner_mods(f, &lin, c))
        return plain;
    split(&lin, c, &q, &r);
    if (!weft_lin_safe(f, &r))
        return plain;
    if (one_quotient(f, &r, c, &k) && weft_lin_add_const(&r, -k * c))
        return weft_lin_safe(f, &r) ? weft_lin_build(f, &r) : plain;
    if (!split_common(f, &r, c, &a, &b, &g))
        return weft_fmod(ir, weft_lin_build(f, &r), weft_int(ir, t, c));
    const weft_expr *digit = weft_fmod(ir, weft_lin_build(f, &a), weft_int(ir, t, c / g));
    digit = weft_mul(ir, digit, weft_int(ir, t, g));
    return b.n || b.k ? weft_add(ir, digit, weft_lin_build(f, &b)) : digit;
}

/* ---- divisors that are not constant ---------------------------------------------------------- */

/* The product of the atom's factors less those of `d`, times c; NULL when d does not divide it. */
static const weft_expr *
divide_atom(weft_facts *f, const weft_expr *atom, const weft_expr *d)
{
    if (atom == d)
        return weft_const_like(f->ir, d->h.type, 1);
    if (d->h.kind == WEFT_EK_MUL) {
        const weft_expr *part = divide_atom(f, atom, d->arg[1]);
        return part ? divide_atom(f, part, d->arg[0]) : NULL;
    }
    if (atom->h.kind != WEFT_EK_MUL)
        return NULL;
    const weft_expr *rest = divide_atom(f, atom->arg[1], d);
    if (rest)
        return weft_is_int_imm(rest, 1) ? atom->arg[0] : weft_mul(f->ir, atom->arg[0], rest);
    rest = divide_atom(f, atom->arg[0], d);
    if (!rest)
        return NULL;
    return weft_is_int_imm(rest, 1) ? atom->arg[1] : weft_mul(f->ir, rest, atom->arg[1]);
}

/* x == d * q + r; d is no constant. */
static bool
split_by(weft_facts *f, const weft_expr *x, const weft_expr *d, weft_lin *q, weft_lin *r)
{
    weft_lin lin, dl;
    if (!weft_lin_of(f, &lin, x, WEFT_LIN_EXACT) || !weft_lin_of(f, &dl, d, WEFT_LIN_EXACT))
        return false;
    bool monomial = dl.n == 1 && dl.k == 0;
    const weft_expr *by = monomial ? dl.t[0].atom : d;
    int64_t c = monomial ? dl.t[0].c : 1;
    weft_lin_init(q, lin.dtype, false);
    weft_lin_init(r, lin.dtype, false);
    r->k = lin.k;
    for (int i = 0; i < lin.n; i++) {
        weft_term t = lin.t[i];
        const weft_expr *part = t.c % c == 0 ? divide_atom(f, t.atom, by) : NULL;
        if (!part)
            weft_lin_add_term(r, t.atom, t.c);
        else if (!weft_lin_add(f, q, part, t.c / c, WEFT_LIN_EXACT))
            return false;
    }
    return x->h.index && d->h.index;
}

static const weft_expr *
divide_by(weft_facts *f, const weft_expr *e)
{
    weft_lin q, r;
    const weft_expr *x = e->arg[0], *d = e->arg[1];
    if (!split_by(f, x, d, &q, &r))
        return NULL;
    const weft_expr *rest = weft_lin_build(f, &r);
    bool within = weft_expr_within(f, rest, d);
    if (e->h.kind == WEFT_EK_FMOD) {
        if (within)
            return rest;
        return q.n || q.k ? weft_fmod(f->ir, rest, d) : NULL;
    }
    if (within)
        return weft_lin_build(f, &q);
    if ((q.n == 0 && q.k == 0) || !weft_expr_at_least(f, d, 1))
        return NULL;
    return weft_add(f->ir, weft_lin_build(f, &q), weft_fdiv(f->ir, rest, d));
}

/* x // -c == -x // c;  x % -c == -(-x % c) */
static const weft_expr *
flip_signs(weft_facts *f, const weft_expr *e, int64_t c)
{
    weft_lin x, minus;
    if (c == weft_dtype_min(weft_dtype_of(e)) || !weft_lin_of(f, &x, e->arg[0], WEFT_LIN_EXACT))
        return NULL;
    weft_lin_init(&minus, x.dtype, false);
    if (!weft_lin_add_lin(&minus, &x, -1) || !weft_lin_safe(f, &minus))
        return NULL;
    const weft_expr *by = weft_int(f->ir, x.dtype, -c);
    if (e->h.kind == WEFT_EK_FDIV)
        return weft_fdiv(f->ir, weft_lin_build(f, &minus), by);
    return weft_neg(f->ir, weft_fmod(f->ir, weft_lin_build(f, &minus), by));
}

const weft_expr *
weft_simp_div(weft_facts *f, const weft_expr *e)
{
    int64_t c;
    const weft_expr *r = NULL;
    if (!weft_facts_droppable(f, e))
        return NULL;
    if (!weft_as_int(e->arg[1], &c))
        r = divide_by(f, e);
    else if (c == 0)
        r = weft_const_like(f->ir, e->h.type, 0);
    else if (c < 0)
        r = weft_dtype_of(e) == WEFT_U64 ? NULL : flip_signs(f, e, c);
    else if (e->h.kind == WEFT_EK_FDIV)
        r = weft_floor_div(f, e->arg[0], c);
    else
        r = weft_floor_mod(f, e->arg[0], c);
    return r == e ? NULL : r;
}
