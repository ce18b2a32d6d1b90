/* Affine sums: k + c0*a0 + c1*a1 + ...  Every sum of integers has one canonical form: like terms
 * merged, the positive ones first, of these the products of more factors first, then the larger
 * coefficients, then the older atoms; the constant last.  So a flattened index reads from the
 * outermost stride to the innermost, and equal sums are one expression.
 */
#include "ir/simplify.h"

enum { MAX_FACTORS = 8, MAX_STEPS = 4 * WEFT_LIN_MAX };

void
weft_lin_init(weft_lin *lin, weft_dtype dtype, bool wraps)
{
    lin->dtype = dtype;
    lin->wraps = wraps;
    lin->index = true;
    lin->n = lin->steps = 0;
    lin->k = 0;
}

/* ---- coefficients ---------------------------------------------------------------------------- */

/* Where a sum may wrap, a coefficient is kept within the type; -1 stays -1 for unsigned ones. */
static int64_t
wrapped(weft_dtype t, int64_t v)
{
    int64_t max = weft_dtype_max(t);
    if (t == WEFT_U64 || (v <= max && v >= -max))
        return v;
    return weft_wrap_i64(t, v);
}

static bool
coeff_add(const weft_lin *lin, int64_t a, int64_t b, int64_t *r)
{
    bool ok = weft_add64(a, b, r);
    if (lin->wraps)
        *r = wrapped(lin->dtype, *r);
    return lin->wraps || (ok && *r != INT64_MIN);
}

static bool
coeff_mul(const weft_lin *lin, int64_t a, int64_t b, int64_t *r)
{
    bool ok = weft_mul64(a, b, r);
    if (lin->wraps)
        *r = wrapped(lin->dtype, *r);
    return lin->wraps || (ok && *r != INT64_MIN);
}

bool
weft_lin_add_const(weft_lin *lin, int64_t k)
{
    return coeff_add(lin, lin->k, k, &lin->k);
}

bool
weft_lin_add_term(weft_lin *lin, const weft_expr *atom, int64_t c)
{
    for (int i = 0; i < lin->n; i++) {
        if (lin->t[i].atom != atom)
            continue;
        if (!coeff_add(lin, lin->t[i].c, c, &lin->t[i].c))
            return false;
        if (lin->t[i].c == 0)
            lin->t[i] = lin->t[--lin->n];
        return true;
    }
    if (lin->n == WEFT_LIN_MAX)
        return false;
    lin->index &= atom->h.index;
    lin->t[lin->n++] = (weft_term){ atom, c };
    return true;
}

bool
weft_lin_add_lin(weft_lin *to, const weft_lin *from, int64_t c)
{
    int64_t v;
    if (!coeff_mul(to, from->k, c, &v) || !weft_lin_add_const(to, v))
        return false;
    for (int i = 0; i < from->n; i++)
        if (!coeff_mul(to, from->t[i].c, c, &v) ||
            (v && !weft_lin_add_term(to, from->t[i].atom, v)))
            return false;
    return true;
}

/* ---- products -------------------------------------------------------------------------------- */

static int
degree(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_MUL ? degree(e->arg[0]) + degree(e->arg[1]) : 1;
}

static bool
collect_factors(const weft_expr *e, const weft_expr **factor, int *n)
{
    if (e->h.kind == WEFT_EK_MUL)
        return collect_factors(e->arg[0], factor, n) && collect_factors(e->arg[1], factor, n);
    if (*n == MAX_FACTORS)
        return false;
    int i = (*n)++;
    for (; i > 0 && factor[i - 1]->id > e->id; i--)
        factor[i] = factor[i - 1];
    factor[i] = e;
    return true;
}

const weft_expr *
weft_atom_without(weft_facts *f, const weft_expr *atom, const weft_expr *factor, int *count)
{
    if (atom == factor) {
        ++*count;
        return NULL;
    }
    if (atom->h.kind != WEFT_EK_MUL)
        return atom;
    const weft_expr *a = weft_atom_without(f, atom->arg[0], factor, count);
    const weft_expr *b = weft_atom_without(f, atom->arg[1], factor, count);
    return a && b ? weft_mul(f->ir, a, b) : a ? a : b;
}

/* The atom a * b, factors in order; NULL when there are too many. */
static const weft_expr *
product(weft_facts *f, const weft_expr *a, const weft_expr *b)
{
    const weft_expr *factor[MAX_FACTORS];
    int n = 0;
    if (!collect_factors(a, factor, &n) || !collect_factors(b, factor, &n))
        return NULL;
    const weft_expr *e = factor[0];
    for (int i = 1; i < n; i++)
        e = weft_mul(f->ir, e, factor[i]);
    return e;
}

bool
weft_lin_mul(weft_facts *f, weft_lin *to, const weft_lin *a, const weft_lin *b)
{
    int64_t c;
    weft_lin_init(to, a->dtype, a->wraps);
    if (!weft_lin_add_lin(to, a, b->k))
        return false;
    for (int j = 0; j < b->n; j++) {
        if (!coeff_mul(to, a->k, b->t[j].c, &c) || (c && !weft_lin_add_term(to, b->t[j].atom, c)))
            return false;
        for (int i = 0; i < a->n; i++) {
            const weft_expr *atom = product(f, a->t[i].atom, b->t[j].atom);
            if (!atom || !coeff_mul(to, a->t[i].c, b->t[j].c, &c) ||
                (c && !weft_lin_add_term(to, atom, c)))
                return false;
        }
    }
    return true;
}

/* ---- taking apart ---------------------------------------------------------------------------- */

static bool
add_product(weft_facts *f, weft_lin *lin, const weft_expr *e, int64_t c, weft_lin_mode mode)
{
    int64_t v, scaled = 0;
    weft_lin a, b, ab;
    for (int i = 0; i < 2; i++)
        if (weft_as_int(e->arg[i], &v))
            return coeff_mul(lin, c, v, &scaled) &&
                   weft_lin_add(f, lin, e->arg[1 - i], scaled, mode);
    if (mode == WEFT_LIN_POLY && e->h.index && weft_lin_of(f, &a, e->arg[0], mode) &&
        weft_lin_of(f, &b, e->arg[1], mode) && weft_lin_mul(f, &ab, &a, &b))
        return weft_lin_add_lin(lin, &ab, c);
    return weft_lin_add_term(lin, e, c);
}

bool
weft_lin_add(weft_facts *f, weft_lin *lin, const weft_expr *e, int64_t c, weft_lin_mode mode)
{
    int64_t v;
    if (c == 0)
        return true;
    if (lin->steps++ > MAX_STEPS)
        return false;
    if (weft_as_int(e, &v)) {
        if (!lin->wraps && lin->dtype == WEFT_U64 && v < 0)
            return false;
        return coeff_mul(lin, c, v, &v) && weft_lin_add_const(lin, v);
    }
    bool apart = e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB || e->h.kind == WEFT_EK_NEG ||
                 e->h.kind == WEFT_EK_MUL;
    if (!apart || (mode != WEFT_LIN_RING && !weft_expr_exact(f, e)))
        return weft_lin_add_term(lin, e, c);
    if (e->h.kind == WEFT_EK_MUL)
        return add_product(f, lin, e, c, mode);
    int64_t minus = 0;
    if (e->h.kind != WEFT_EK_ADD && !coeff_mul(lin, c, -1, &minus))
        return false;
    if (e->h.kind == WEFT_EK_NEG)
        return weft_lin_add(f, lin, e->arg[0], minus, mode);
    return weft_lin_add(f, lin, e->arg[0], c, mode) &&
           weft_lin_add(f, lin, e->arg[1], e->h.kind == WEFT_EK_ADD ? c : minus, mode);
}

bool
weft_lin_of(weft_facts *f, weft_lin *lin, const weft_expr *e, weft_lin_mode mode)
{
    weft_lin_init(lin, weft_dtype_of(e), mode == WEFT_LIN_RING && !e->h.index);
    return weft_lin_add(f, lin, e, 1, mode);
}

weft_range
weft_lin_range(weft_facts *f, const weft_lin *lin)
{
    weft_range r = { lin->k, lin->k };
    for (int i = 0; i < lin->n; i++) {
        weft_range a = weft_range_of(f, lin->t[i].atom);
        r = weft_range_add(r, weft_range_scale(a, lin->t[i].c));
    }
    return r;
}

bool
weft_lin_safe(weft_facts *f, const weft_lin *lin)
{
    int64_t max = lin->dtype == WEFT_U64 ? INT64_MAX : weft_dtype_max(lin->dtype);
    if (lin->k > max || lin->k < -max)
        return false;
    for (int i = 0; i < lin->n; i++)
        if (lin->t[i].c > max || lin->t[i].c < -max)
            return false;
    return lin->index || weft_range_fits(weft_lin_range(f, lin), lin->dtype);
}

/* ---- putting together ------------------------------------------------------------------------ */

static int64_t
magnitude(int64_t c)
{
    return c == INT64_MIN ? INT64_MAX : c < 0 ? -c : c;
}

static bool
before(const weft_term *a, const weft_term *b)
{
    if ((a->c > 0) != (b->c > 0))
        return a->c > 0;
    int i = degree(a->atom), j = degree(b->atom);
    if (i != j)
        return i > j;
    if (a->c != b->c)
        return magnitude(a->c) > magnitude(b->c);
    return a->atom->id < b->atom->id;
}

static void
sort_terms(weft_lin *lin)
{
    for (int i = 1; i < lin->n; i++) {
        weft_term t = lin->t[i];
        int j = i;
        for (; j > 0 && before(&t, &lin->t[j - 1]); j--)
            lin->t[j] = lin->t[j - 1];
        lin->t[j] = t;
    }
}

static const weft_expr *
scaled(weft_facts *f, weft_dtype t, const weft_expr *atom, int64_t c)
{
    return c == 1 ? atom : weft_mul(f->ir, atom, weft_int(f->ir, t, c));
}

/* sum + c * atom, where `sum` is there already. */
static const weft_expr *
append(weft_facts *f, weft_dtype t, const weft_expr *sum, const weft_expr *atom, int64_t c)
{
    bool minus =
        c < 0 && -magnitude(c) == c && (t == WEFT_U64 || magnitude(c) <= weft_dtype_max(t));
    const weft_expr *part = weft_int(f->ir, t, minus ? -c : c);
    if (atom)
        part = scaled(f, t, atom, minus ? -c : c);
    return minus ? weft_sub(f->ir, sum, part) : weft_add(f->ir, sum, part);
}

static const weft_expr *
first_term(weft_facts *f, weft_dtype t, weft_term term)
{
    return term.c == -1 ? weft_neg(f->ir, term.atom) : scaled(f, t, term.atom, term.c);
}

const weft_expr *
weft_lin_build(weft_facts *f, weft_lin *lin)
{
    weft_dtype t = lin->dtype;
    if (lin->n == 0)
        return weft_int(f->ir, t, lin->k);
    sort_terms(lin);
    bool k_first = lin->t[0].c < 0 && lin->k > 0;
    const weft_expr *sum = k_first ? weft_int(f->ir, t, lin->k) : first_term(f, t, lin->t[0]);
    for (int i = !k_first; i < lin->n; i++)
        sum = append(f, t, sum, lin->t[i].atom, lin->t[i].c);
    return lin->k == 0 || k_first ? sum : append(f, t, sum, NULL, lin->k);
}

void
weft_lin_side(const weft_lin *lin, bool positive, weft_lin *side)
{
    weft_lin_init(side, lin->dtype, lin->wraps);
    for (int i = 0; i < lin->n; i++)
        if ((lin->t[i].c > 0) == positive)
            weft_lin_add_term(side, lin->t[i].atom, positive ? lin->t[i].c : -lin->t[i].c);
}

/* ---- the rewriting --------------------------------------------------------------------------- */

static bool
has_factored_sum(const weft_lin *lin)
{
    for (int i = 0; i < lin->n; i++) {
        const weft_expr *e = lin->t[i].atom;
        for (; e->h.kind == WEFT_EK_MUL; e = e->arg[0])
            if (e->arg[1]->h.kind == WEFT_EK_ADD || e->arg[1]->h.kind == WEFT_EK_SUB)
                return true;
        if (e != lin->t[i].atom && (e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB))
            return true;
    }
    return false;
}

static int
size(const weft_lin *lin)
{
    return lin->n + (lin->k != 0);
}

/* Products of sums are multiplied out where that leaves no more terms: (i + 1)*n - i*n is n. */
static void
multiply_out(weft_facts *f, const weft_expr *e, weft_lin *lin)
{
    weft_lin poly;
    if (e->h.index && has_factored_sum(lin) && weft_lin_of(f, &poly, e, WEFT_LIN_POLY) &&
        size(&poly) <= size(lin))
        *lin = poly;
}

/* a * b, neither of them constant. */
static bool
multiply(weft_facts *f, const weft_expr *e, weft_lin *lin)
{
    weft_lin a, b;
    int64_t c = 1;
    const weft_expr *x = e->arg[0], *y = e->arg[1];
    if (weft_lin_of(f, &a, x, WEFT_LIN_RING) && a.n == 1 && a.k == 0) {
        x = a.t[0].atom;
        c = a.t[0].c;
    }
    if (weft_lin_of(f, &b, y, WEFT_LIN_RING) && b.n == 1 && b.k == 0) {
        y = b.t[0].atom;
        if (!coeff_mul(lin, c, b.t[0].c, &c))
            return false;
    }
    const weft_expr *atom = product(f, x, y);
    return atom && (c == 0 || weft_lin_add_term(lin, atom, c));
}

const weft_expr *
weft_simp_sum(weft_facts *f, const weft_expr *e)
{
    int64_t v;
    weft_lin lin;
    if (!weft_facts_droppable(f, e)) /* an effect happens as often as written */
        return NULL;
    weft_lin_init(&lin, weft_dtype_of(e), !e->h.index);
    if (e->h.kind == WEFT_EK_MUL && !weft_as_int(e->arg[0], &v) && !weft_as_int(e->arg[1], &v)) {
        if (!multiply(f, e, &lin))
            return NULL;
    } else if (!weft_lin_add(f, &lin, e, 1, WEFT_LIN_RING)) {
        return NULL;
    }
    multiply_out(f, e, &lin);
    while (weft_lin_recombine(f, &lin))
        continue;
    if (lin.index && e->h.index && !weft_lin_safe(f, &lin))
        return NULL;
    const weft_expr *r = weft_lin_build(f, &lin);
    return r == e ? NULL : r;
}
