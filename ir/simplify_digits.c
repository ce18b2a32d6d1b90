/* The way back from // and %: parts of a split index that stand in one sum are put together again.
 * x // c * c + x % c is x whatever x is, wrapping or not, so that nothing has to be proven but that
 * the divisor is not 0.
 */
#include "ir/simplify.h"

static bool
is_const_op(const weft_expr *e, weft_ek kind, int64_t *c)
{
    return e->h.kind == kind && weft_as_int(e->arg[1], c) && *c > 0;
}

static int
find_term(const weft_lin *lin, const weft_expr *atom, int64_t c)
{
    for (int i = 0; i < lin->n; i++)
        if (lin->t[i].atom == atom && lin->t[i].c == c)
            return i;
    return -1;
}

static void
remove_term(weft_lin *lin, int i)
{
    lin->t[i] = lin->t[--lin->n];
}

/* Replaces terms i and j by t * e. */
static bool
replace_pair(weft_facts *f, weft_lin *lin, int i, int j, const weft_expr *e, int64_t t)
{
    weft_lin to = *lin;
    remove_term(&to, i > j ? i : j);
    remove_term(&to, i > j ? j : i);
    to.steps = 0;
    if (!weft_lin_add(f, &to, e, t, to.wraps ? WEFT_LIN_RING : WEFT_LIN_EXACT))
        return false;
    *lin = to;
    return true;
}

/* A term tl * (y // l) where y % l is the remainder at i, though of another x: inside of it less is
 * left than inside of //. */
static int
find_congruent(weft_facts *f, const weft_lin *lin, int i, int64_t l, int64_t tl)
{
    int64_t c;
    for (int j = 0; j < lin->n; j++) {
        const weft_expr *q = lin->t[j].atom;
        if (j != i && lin->t[j].c == tl && is_const_op(q, WEFT_EK_FDIV, &c) && c == l &&
            weft_simp(f, weft_floor_mod(f, q->arg[0], l)) == lin->t[i].atom)
            return j;
    }
    return -1;
}

/* t * (x % l) at i, together with t*l * (x // l), or with t*l * (x // l % m). */
static bool
recombine_mod(weft_facts *f, weft_lin *lin, int i)
{
    int64_t l, m, tl, lm, t = lin->t[i].c;
    const weft_expr *e = lin->t[i].atom;
    if (!is_const_op(e, WEFT_EK_FMOD, &l) || !weft_mul64(t, l, &tl))
        return false;
    int scaled = 0;
    for (int j = 0; j < lin->n; j++)
        scaled += lin->t[j].c == tl;
    if (!scaled)
        return false;
    const weft_expr *x = e->arg[0];
    const weft_expr *q = weft_simp(f, weft_floor_div(f, x, l));
    int j = find_term(lin, q, tl);
    if (j >= 0 && j != i)
        return replace_pair(f, lin, i, j, x, t);
    j = find_congruent(f, lin, i, l, tl);
    if (j >= 0)
        return replace_pair(f, lin, i, j, lin->t[j].atom->arg[0], t);
    for (j = 0; j < lin->n; j++) {
        if (j == i || lin->t[j].c != tl || !is_const_op(lin->t[j].atom, WEFT_EK_FMOD, &m) ||
            !weft_mul64(l, m, &lm) || (lin->dtype != WEFT_U64 && lm > weft_dtype_max(lin->dtype)) ||
            weft_simp(f, weft_floor_mod(f, q, m)) != lin->t[j].atom)
            continue;
        return replace_pair(f, lin, i, j, weft_simp(f, weft_floor_mod(f, x, lm)), t);
    }
    return false;
}

/* t*x - t*c * (x // c) at i, where the terms of x are in the sum: t * (x % c). */
static bool
recombine_div(weft_facts *f, weft_lin *lin, int i)
{
    int64_t c;
    const weft_expr *e = lin->t[i].atom;
    if (!is_const_op(e, WEFT_EK_FDIV, &c) || lin->t[i].c % c != 0)
        return false;
    int64_t t = -(lin->t[i].c / c);
    weft_lin to = *lin;
    remove_term(&to, i);
    to.steps = 0;
    if (!weft_lin_add(f, &to, e->arg[0], -t, to.wraps ? WEFT_LIN_RING : WEFT_LIN_EXACT) ||
        !weft_lin_add(f, &to, weft_simp(f, weft_floor_mod(f, e->arg[0], c)), t,
                      to.wraps ? WEFT_LIN_RING : WEFT_LIN_EXACT) ||
        to.n + (to.k != 0) >= lin->n + (lin->k != 0))
        return false;
    *lin = to;
    return true;
}

/* ---- divisors that are not constant ---------------------------------------------------------- */

/* The factor of an atom that is a remainder by something not constant, and the product of the rest
 * (NULL: 1). */
static const weft_expr *
find_mod(weft_facts *f, const weft_expr *atom, const weft_expr **rest)
{
    int64_t c;
    const weft_expr *part;
    *rest = NULL;
    if (atom->h.kind == WEFT_EK_FMOD)
        return weft_as_int(atom->arg[1], &c) ? NULL : atom;
    if (atom->h.kind != WEFT_EK_MUL)
        return NULL;
    for (int i = 1; i >= 0; i--) {
        const weft_expr *mod = find_mod(f, atom->arg[i], &part);
        if (!mod)
            continue;
        const weft_expr *other = atom->arg[1 - i];
        *rest = part ? weft_mul(f->ir, other, part) : other;
        return mod;
    }
    return NULL;
}

/* t * (x % d) * m at i, together with t * (x // d) * d * m, is t * x * m where d is not 0. */
static bool
recombine_symbolic(weft_facts *f, weft_lin *lin, int i)
{
    weft_lin q;
    const weft_expr *m, *mod = find_mod(f, lin->t[i].atom, &m);
    if (!mod)
        return false;
    const weft_expr *d = mod->arg[1];
    const weft_expr *whole = weft_mul(f->ir, weft_fdiv(f->ir, mod->arg[0], d), d);
    whole = weft_simp(f, m ? weft_mul(f->ir, whole, m) : whole);
    if (!weft_lin_of(f, &q, whole, WEFT_LIN_RING) || q.n != 1 || q.k != 0)
        return false;
    int64_t c, t = lin->t[i].c;
    int j = weft_mul64(t, q.t[0].c, &c) ? find_term(lin, q.t[0].atom, c) : -1;
    if (j < 0 || j == i || !weft_expr_at_least(f, d, 1))
        return false;
    const weft_expr *x = m ? weft_mul(f->ir, mod->arg[0], m) : mod->arg[0];
    return replace_pair(f, lin, i, j, weft_simp(f, x), t);
}

bool
weft_lin_recombine(weft_facts *f, weft_lin *lin)
{
    if (lin->n < 2)
        return false;
    for (int i = 0; i < lin->n; i++)
        if (lin->t[i].atom->h.kind == WEFT_EK_FMOD && recombine_mod(f, lin, i))
            return true;
    for (int i = 0; i < lin->n; i++)
        if (recombine_symbolic(f, lin, i))
            return true;
    for (int i = 0; i < lin->n; i++)
        if (lin->t[i].atom->h.kind == WEFT_EK_FDIV && recombine_div(f, lin, i))
            return true;
    return false;
}
