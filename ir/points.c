/* Decides by trial: where the variables of an index expression have few values together, its value
 * at all of those points that the conditions around allow may be one and the same.  Neither bounds
 * nor proofs see that the last steps of a loop over a padded image, where they cross from one of
 * its rows to the next, are outside of both axes or of none.  What is decided by one variable may
 * be a comparison with that: (1 - k) % 2 == 0 with k < 3 is k == 1. */
#include "ir/simplify.h"

#include <string.h>

enum {
    MAX_VARS = 4,
    MAX_POINTS = 32, /* so that a set of points is 32 bits */
    MAX_NODES = 64   /* larger expressions are not tried */
};

typedef struct points {
    int nvar, n;
    int most; /* points that new variables may make of them; 0: there are to be no more variables */
    const weft_expr *var[MAX_VARS];
    weft_range range[MAX_VARS];
    int64_t at[MAX_VARS][MAX_POINTS];
} points;

static int
find_variable(const points *p, const weft_expr *var)
{
    int i = 0;
    while (i < p->nvar && p->var[i] != var)
        i++;
    return i;
}

static bool
add_variable(weft_facts *f, points *p, const weft_expr *var)
{
    if (find_variable(p, var) < p->nvar)
        return true;
    if (p->nvar == MAX_VARS || p->most == 0)
        return false;
    weft_range r = weft_range_of(f, var);
    if (r.lo <= INT32_MIN || r.hi >= INT32_MAX || r.hi - r.lo >= p->most / p->n)
        return false;
    p->n *= (int)(r.hi - r.lo + 1);
    p->range[p->nvar] = r;
    p->var[p->nvar++] = var;
    return true;
}

/* Whether e can be evaluated at the points, to which its variables are added. */
static bool
add_variables(weft_facts *f, points *p, const weft_expr *e, int *nodes)
{
    if (!e->h.index || e->h.nargs > 2 || --*nodes < 0)
        return false;
    if (e->h.kind == WEFT_EK_VAR)
        return add_variable(f, p, e);
    for (int i = 0; i < e->h.nargs; i++)
        if (!add_variables(f, p, e->arg[i], nodes))
            return false;
    return true;
}

/* The next of the conditions around, from fact i on, that depends on nothing else; NULL: none. */
static const weft_fact *
next_condition(weft_facts *f, points *p, int *i)
{
    while (*i < f->fact.n) {
        int nodes = MAX_NODES;
        const weft_fact *fact = &f->fact.at[(*i)++];
        if (fact->kind == WEFT_FACT_TRUE && add_variables(f, p, fact->key, &nodes))
            return fact;
    }
    return NULL;
}

static void
lay_out(points *p)
{
    int step = 1;
    for (int i = 0; i < p->nvar; i++) {
        int length = (int)(p->range[i].hi - p->range[i].lo + 1);
        for (int j = 0; j < p->n; j++)
            p->at[i][j] = p->range[i].lo + j / step % length;
        step *= length;
    }
}

/* What a node makes of its arguments' values. */
static int64_t
apply(const weft_expr *e, int64_t a, int64_t b)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return e->h.u.i;
    case WEFT_EK_NEG:
        return weft_fold_ints(weft_dtype_of(e), WEFT_EK_SUB, 0, a);
    case WEFT_EK_NOT:
        return !a;
    case WEFT_EK_CAST:
        return weft_dtype_of(e) == WEFT_BOOL ? a != 0 : a;
    default:
        return weft_fold_ints(weft_dtype_of(e->arg[0]), (weft_ek)e->h.kind, a, b);
    }
}

/* The values of e at the points. */
static void
evaluate(const points *p, const weft_expr *e, int64_t v[MAX_POINTS])
{
    int64_t b[MAX_POINTS] = { 0 };
    if (e->h.kind == WEFT_EK_VAR) {
        memcpy(v, p->at[find_variable(p, e)], (size_t)p->n * sizeof *v);
        return;
    }
    if (e->h.nargs > 0)
        evaluate(p, e->arg[0], v);
    if (e->h.nargs > 1)
        evaluate(p, e->arg[1], b);
    for (int j = 0; j < p->n; j++)
        v[j] = apply(e, e->h.nargs ? v[j] : 0, b[j]);
}

/* The points at which the conditions around hold. */
static uint32_t
possible(weft_facts *f, points *p)
{
    int64_t v[MAX_POINTS];
    uint32_t set = UINT32_MAX >> (MAX_POINTS - p->n);
    const weft_fact *fact;
    for (int i = 0; (fact = next_condition(f, p, &i));) {
        evaluate(p, fact->key, v);
        for (int j = 0; j < p->n; j++)
            if (v[j] != fact->range.lo)
                set &= ~(UINT32_C(1) << j);
    }
    return set;
}

static int
first_of(uint32_t set)
{
    int j = 0;
    while (!(set >> j & 1))
        j++;
    return j;
}

static int
last_of(uint32_t set)
{
    int j = MAX_POINTS - 1;
    while (!(set >> j & 1))
        j--;
    return j;
}

/* The points of the set at which the value is that at the first. */
static uint32_t
like_first(uint32_t set, const int64_t v[MAX_POINTS])
{
    uint32_t like = 0;
    for (int j = first_of(set); j < MAX_POINTS; j++)
        if (set >> j & 1 && v[j] == v[first_of(set)])
            like |= UINT32_C(1) << j;
    return like;
}

/* What compares the only variable with a constant and is `truth` at the points of one set, which
 * has the first of all, and not at those of the other; NULL: nothing does. */
static const weft_expr *
plain(weft_ir *ir, const points *p, uint32_t like, uint32_t other, bool truth)
{
    const weft_expr *x = p->var[0];
    const weft_expr *edge = weft_const_like(ir, x->h.type, p->at[0][first_of(other)]);
    if (last_of(like) < first_of(other))
        return truth ? weft_lt(ir, x, edge) : weft_ge(ir, x, edge);
    if (first_of(other) != last_of(other))
        return NULL;
    return truth ? weft_ne(ir, x, edge) : weft_eq(ir, x, edge);
}

const weft_expr *
weft_simp_points(weft_facts *f, const weft_expr *e)
{
    points p; /* not cleared: most calls end before it is needed */
    int64_t v[MAX_POINTS];
    int nodes = MAX_NODES, first = 0;
    p.nvar = 0;
    p.n = 1;
    p.most = MAX_POINTS;
    if (!add_variables(f, &p, e, &nodes))
        return NULL;
    p.most = 0;
    bool composed = p.nvar == 1 && e->h.type.dtype == WEFT_BOOL && e->arg[0] != p.var[0];
    if (!composed && !next_condition(f, &p, &first))
        return NULL;
    lay_out(&p);
    evaluate(&p, e, v);
    uint32_t set = possible(f, &p), like = set ? like_first(set, v) : 0;
    int64_t value = set ? v[first_of(set)] : 0;
    if (set && like == set)
        return weft_const_like(f->ir, e->h.type, value);
    return set && composed ? plain(f->ir, &p, like, set & ~like, value != 0) : NULL;
}
