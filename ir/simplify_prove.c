/* Proof of a sum >= 0 from the facts: a variable is eliminated by taking a multiple of a fact away
 * that is >= 0 itself.  From  m*n - i*n - j - 1  the facts  n - 1 - j >= 0  and  n * (m - 1 - i) >=
 * 0 leave 0.  Steps are budgeted: what is not found soon is not found.
 */
#include "ir/simplify.h"

enum { PROOF_STEPS = 48, PROOF_DEPTH = 6, WIDEN_NODES = 64 };

static bool nonneg(weft_facts *f, const weft_lin *d, int depth);

/* A product that may be taken apart: one that does not wrap. */
static bool
is_product(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_MUL && e->h.index;
}

/* c of lin == c * atom + rest; a sum, since atom may be a factor of products.  False as well where
 * its constant could not be negated. */
static bool
coefficient(weft_facts *f, const weft_lin *lin, const weft_expr *atom, weft_lin *c)
{
    weft_lin_init(c, lin->dtype, false);
    for (int i = 0; i < lin->n; i++) {
        int found = 0;
        const weft_expr *e = lin->t[i].atom, *rest = NULL;
        if (e == atom)
            found = 1;
        else if (is_product(e))
            rest = weft_atom_without(f, e, atom, &found);
        if (found > 1)
            return false;
        if (found && !rest && !weft_lin_add_const(c, lin->t[i].c))
            return false;
        if (found && rest) {
            weft_lin part;
            if (!weft_lin_of(f, &part, weft_simp(f, rest), WEFT_LIN_POLY) ||
                !weft_lin_add_lin(c, &part, lin->t[i].c))
                return false;
        }
    }
    return c->k != INT64_MIN;
}

/* d >= 0 just when s * d + s-1 >= 0, of which the coefficient dc is a multiple of c. */
static bool
scale(weft_lin *d, weft_lin *dc, int64_t c)
{
    weft_lin plain = *d;
    int64_t s = c / weft_gcd(dc->k, c);
    s = s < 0 ? -s : s;
    weft_lin_init(d, plain.dtype, false);
    return weft_lin_add_lin(d, &plain, s) && weft_lin_add_const(d, s - 1) &&
           weft_mul64(dc->k, s, &dc->k);
}

/* d - lambda * fact, where lambda makes the atom vanish; false unless that lambda is >= 0. */
static bool
eliminate(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *atom,
          const weft_lin *fact, weft_lin *rest, int depth)
{
    weft_lin fc, by = *dc, lambda, part;
    if (!coefficient(f, fact, atom, &fc) || fc.n != 0 || fc.k == 0)
        return false;
    *rest = *d;
    rest->steps = 0;
    if (by.n == 0 && ((by.k < 0) != (fc.k < 0) || (by.k % fc.k != 0 && !scale(rest, &by, fc.k))))
        return false;
    weft_lin_init(&lambda, d->dtype, false);
    if (by.k % fc.k != 0)
        return false;
    lambda.k = by.k / fc.k;
    for (int i = 0; i < by.n; i++) {
        if (by.t[i].c % fc.k != 0)
            return false;
        weft_lin_add_term(&lambda, by.t[i].atom, by.t[i].c / fc.k);
    }
    if (lambda.n > 0 && !(lambda.index && fact->index && nonneg(f, &lambda, depth)))
        return false;
    return weft_lin_mul(f, &part, &lambda, fact) && weft_lin_add_lin(rest, &part, -1);
}

static bool
try_fact(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *atom,
         const weft_lin *fact, int depth)
{
    weft_lin rest;
    return f->budget-- > 0 && eliminate(f, d, dc, atom, fact, &rest, depth) &&
           nonneg(f, &rest, depth);
}

/* The bounds of an atom as facts: atom - lo >= 0 and hi - atom >= 0. */
static bool
try_range(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *atom, int depth)
{
    weft_lin fact;
    weft_range r = weft_range_of(f, atom);
    weft_lin_init(&fact, d->dtype, false);
    fact.k = r.lo == INT64_MIN ? 0 : -r.lo;
    if (r.lo != INT64_MIN && weft_lin_add_term(&fact, atom, 1) &&
        try_fact(f, d, dc, atom, &fact, depth))
        return true;
    weft_lin_init(&fact, d->dtype, false);
    fact.k = r.hi;
    return r.hi != INT64_MAX && weft_lin_add_term(&fact, atom, -1) &&
           try_fact(f, d, dc, atom, &fact, depth);
}

/* What a quotient says of its dividend: x - c*q >= 0 and c*q + c-1 - x >= 0. */
static bool
try_quotient(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *q, int depth)
{
    int64_t c;
    weft_lin fact, minus;
    if (q->h.kind != WEFT_EK_FDIV || !weft_as_int(q->arg[1], &c) || c <= 0 ||
        !weft_lin_of(f, &fact, q->arg[0], WEFT_LIN_POLY) || !weft_lin_add_term(&fact, q, -c))
        return false;
    if (try_fact(f, d, dc, q, &fact, depth))
        return true;
    weft_lin_init(&minus, d->dtype, false);
    return weft_lin_add_lin(&minus, &fact, -1) && weft_lin_add_const(&minus, c - 1) &&
           try_fact(f, d, dc, q, &minus, depth);
}

/* What a minimum or maximum says of its sides: a - min(a, b) >= 0. */
static bool
try_minmax(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *m, int depth)
{
    if (m->h.kind != WEFT_EK_MIN && m->h.kind != WEFT_EK_MAX)
        return false;
    int64_t sign = m->h.kind == WEFT_EK_MIN ? 1 : -1;
    for (int i = 0; i < 2; i++) {
        weft_lin fact;
        weft_lin_init(&fact, d->dtype, false);
        if (weft_lin_add(f, &fact, m->arg[i], sign, WEFT_LIN_POLY) &&
            weft_lin_add_term(&fact, m, -sign) && try_fact(f, d, dc, m, &fact, depth))
            return true;
    }
    return false;
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* The index e of a narrower type as one of type t, conversions at the variables alone: so that
 * i64(x + 1) and i64(x) + 1 are one.  After *nodes nodes, the plain conversion. */
static const weft_expr *
widen(weft_facts *f, const weft_expr *e, weft_dtype t, int *nodes)
{
    const weft_expr *arg[3] = { NULL };
    bool leaf = e->h.nargs == 0 || e->h.nargs > 3 || e->h.kind == WEFT_EK_CAST ||
                weft_expr_infos[e->h.kind].yields_bool || e->h.kind == WEFT_EK_SELECT ||
                e->h.kind == WEFT_EK_GUARD;
    if (leaf || --*nodes < 0)
        return weft_cast(f->ir, t, e);
    for (int i = 0; i < e->h.nargs; i++)
        arg[i] = widen(f, e->arg[i], t, nodes);
    weft_head h = e->h;
    h.type.dtype = (uint8_t)t;
    return weft_expr_make(f->ir, h, e->h.nargs, arg);
}

/* to += c * e, multiplied out and conversions drawn down. */
static bool
add_wide(weft_facts *f, weft_lin *to, const weft_expr *e, int64_t c)
{
    int nodes = WIDEN_NODES;
    if (e->h.kind == WEFT_EK_CAST && e->h.index && weft_is_int(weft_dtype_of(e->arg[0])) &&
        weft_dtype_bits(weft_dtype_of(e->arg[0])) < weft_dtype_bits(to->dtype))
        e = weft_simp(f, widen(f, e->arg[0], to->dtype, &nodes));
    return weft_lin_add(f, to, e, c, WEFT_LIN_POLY);
}

/* A fact, in the type of the sum it is to help with. */
static bool
fact_sum(weft_facts *f, const weft_expr *key, weft_dtype t, weft_lin *fact)
{
    int nodes = WIDEN_NODES;
    weft_dtype own = weft_dtype_of(key);
    if (own == t)
        return weft_lin_of(f, fact, key, WEFT_LIN_POLY);
    if (!key->h.index || weft_dtype_bits(own) >= weft_dtype_bits(t))
        return false;
    return weft_lin_of(f, fact, weft_simp(f, widen(f, key, t, &nodes)), WEFT_LIN_POLY);
}

/* ---- elimination ----------------------------------------------------------------------------- */

/* A minimum or maximum is one of its sides: the sum is >= 0 if it is with either in its place. */
static bool
try_either(weft_facts *f, const weft_lin *d, const weft_lin *dc, const weft_expr *m, int depth)
{
    if ((m->h.kind != WEFT_EK_MIN && m->h.kind != WEFT_EK_MAX) || dc->n != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        weft_lin with = *d;
        with.steps = 0;
        if (f->budget-- <= 0 || !weft_lin_add_term(&with, m, -dc->k) ||
            !weft_lin_add(f, &with, m->arg[i], dc->k, WEFT_LIN_POLY) || !nonneg(f, &with, depth))
            return false;
    }
    return true;
}

static bool
try_atom(weft_facts *f, const weft_lin *d, const weft_expr *atom, int depth)
{
    weft_lin dc, fact;
    if (!coefficient(f, d, atom, &dc) || (dc.n == 0 && dc.k == 0))
        return false;
    for (int i = f->fact.n - 1; i >= 0 && f->budget > 0; i--) {
        const weft_expr *key = f->fact.at[i].key;
        if (f->fact.at[i].kind == WEFT_FACT_GE0 && fact_sum(f, key, d->dtype, &fact) &&
            try_fact(f, d, &dc, atom, &fact, depth))
            return true;
    }
    if (try_quotient(f, d, &dc, atom, depth) || try_minmax(f, d, &dc, atom, depth) ||
        try_either(f, d, &dc, atom, depth))
        return true;
    return dc.n > 0 && try_range(f, d, &dc, atom, depth);
}

/* The youngest atom below a limit, products taken apart: what stands innermost goes first. */
static const weft_expr *
youngest(const weft_lin *d, uint32_t limit)
{
    const weft_expr *best = NULL;
    for (int i = 0; i < d->n; i++) {
        const weft_expr *e = d->t[i].atom;
        for (;; e = e->arg[0]) {
            const weft_expr *a = is_product(e) ? e->arg[1] : e;
            if (a->id < limit && (!best || a->id > best->id))
                best = a;
            if (!is_product(e))
                break;
        }
    }
    return best;
}

static bool
nonneg(weft_facts *f, const weft_lin *d, int depth)
{
    if (weft_lin_range(f, d).lo >= 0)
        return true;
    if (depth >= PROOF_DEPTH)
        return false;
    const weft_expr *atom = youngest(d, UINT32_MAX);
    for (; atom && f->budget > 0; atom = youngest(d, atom->id))
        if (try_atom(f, d, atom, depth + 1))
            return true;
    return false;
}

bool
weft_lin_provable(const weft_facts *f, const weft_lin *lin)
{
    for (int i = 0; i < lin->n; i++) {
        weft_ek kind = (weft_ek)lin->t[i].atom->h.kind;
        if (kind == WEFT_EK_FDIV || kind == WEFT_EK_MIN || kind == WEFT_EK_MAX)
            return true;
    }
    return f->nge0 > 0 && lin->n > 0;
}

bool
weft_lin_nonneg(weft_facts *f, const weft_lin *lin)
{
    if (weft_lin_range(f, lin).lo >= 0)
        return true;
    if (f->budget > 0) /* a proof within a proof: no budget of its own */
        return false;
    f->budget = PROOF_STEPS;
    weft_lin poly; /* products multiplied out */
    weft_lin_init(&poly, lin->dtype, false);
    bool ok = weft_lin_add_const(&poly, lin->k);
    for (int i = 0; i < lin->n && ok; i++)
        ok = add_wide(f, &poly, lin->t[i].atom, lin->t[i].c);
    ok = ok && nonneg(f, &poly, 0);
    f->budget = 0;
    return ok;
}

bool
weft_expr_at_least(weft_facts *f, const weft_expr *e, int64_t lo)
{
    weft_lin d;
    if (weft_range_of(f, e).lo >= lo)
        return true;
    return weft_lin_of(f, &d, e, WEFT_LIN_EXACT) && weft_lin_add_const(&d, -lo) &&
           weft_lin_nonneg(f, &d);
}

bool
weft_expr_within(weft_facts *f, const weft_expr *e, const weft_expr *n)
{
    weft_lin d;
    if (!weft_expr_at_least(f, e, 0) || !weft_lin_of(f, &d, n, WEFT_LIN_EXACT))
        return false;
    return weft_lin_add(f, &d, e, -1, WEFT_LIN_EXACT) && weft_lin_add_const(&d, -1) &&
           weft_lin_nonneg(f, &d);
}

bool
weft_prove(weft_ir *ir, weft_facts *facts, const weft_expr *cond)
{
    if (!cond)
        return false;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    const weft_expr *e = weft_simplify_expr(ir, f, cond);
    int64_t v;
    bool holds = weft_as_const(e, &v) && v;
    if (!facts)
        weft_facts_destroy(f);
    return holds;
}
