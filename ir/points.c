/* Decides by trial: where the variables of an index expression have few values together, its value
 * at all of those points that the conditions around allow may be one and the same.  Neither bounds
 * nor proofs see that the last steps of a loop over a padded image, where they cross from one of
 * its rows to the next, are outside of both axes or of none. */
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

/* Whether all points of the set have one value; there has to be a point. */
static bool
one_value(uint32_t set, const int64_t v[MAX_POINTS], int64_t *value)
{
    int first = 0;
    while (first < MAX_POINTS && !(set >> first & 1))
        first++;
    if (first == MAX_POINTS)
        return false;
    *value = v[first];
    for (int j = first; j < MAX_POINTS; j++)
        if (set >> j & 1 && v[j] != *value)
            return false;
    return true;
}

const weft_expr *
weft_simp_points(weft_facts *f, const weft_expr *e)
{
    points p; /* not cleared: most calls end before it is needed */
    int64_t v[MAX_POINTS], value;
    int nodes = MAX_NODES, first = 0;
    p.nvar = 0;
    p.n = 1;
    p.most = MAX_POINTS;
    if (!add_variables(f, &p, e, &nodes))
        return NULL;
    p.most = 0;
    if (!next_condition(f, &p, &first))
        return NULL;
    lay_out(&p);
    evaluate(&p, e, v);
    return one_value(possible(f, &p), v, &value) ? weft_const_like(f->ir, e->h.type, value) : NULL;
}
