/* Of values over the scalars, few that are at least as large as all.
 *
 * A value is bounded by a polynomial over the scalars, each of which is at least 1, and over parts
 * that no polynomial is close to.  Where one is surely no larger than another and a small number,
 * the other and the number stand for both: what i32 has to hold is told by some products of sizes,
 * and not by every index of a tile. */
#include "lower/reach.h"

/* What a bound may be too large by: less than a thousandth of what i32 holds. */
enum { SLACK = 1 << 20 };

typedef struct weft_monomial {
    int64_t times;
    int n;
    const weft_expr *factor[WEFT_MOST_FACTORS]; /* by id, ascending: variables, or parts */
} monomial;

/* How close a bound has to be: TIGHT ones are too large by small numbers, and by less than a tile. */
typedef enum closeness { TIGHT, LOOSE, LOOSE_BY_NUMBERS } closeness;

typedef weft_polynomial poly;

/* ---- polynomials ----------------------------------------------------------------------------- */

static bool
same_factors(const monomial *a, const monomial *b)
{
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++)
        if (a->factor[i] != b->factor[i])
            return false;
    return true;
}

/* p + m * times; false beyond what the numbers and their negatives hold. */
static bool
add_term(weft_counter *c, poly *p, const monomial *m, int64_t times)
{
    int64_t by;
    if (!weft_mul64(m->times, times, &by) || by == INT64_MIN)
        return false;
    for (int i = 0; i < p->n; i++)
        if (same_factors(&p->at[i], m))
            return weft_add64(p->at[i].times, by, &p->at[i].times) && p->at[i].times > INT64_MIN;
    monomial *to = WEFT_PUSH(&c->arena, p);
    *to = *m;
    to->times = by;
    return true;
}

static bool
add_poly(weft_counter *c, poly *p, const poly *q, int64_t times)
{
    for (int i = 0; i < q->n; i++)
        if (!add_term(c, p, &q->at[i], times))
            return false;
    return true;
}

static bool
add_number(weft_counter *c, poly *p, int64_t v)
{
    return add_term(c, p, &(monomial){ .times = v }, 1);
}

static bool
multiply(const monomial *a, const monomial *b, monomial *r)
{
    int i = 0, k = 0;
    *r = (monomial){ .n = 0 };
    if (a->n + b->n > WEFT_MOST_FACTORS || !weft_mul64(a->times, b->times, &r->times))
        return false;
    while (i < a->n || k < b->n) {
        bool left = k == b->n || (i < a->n && a->factor[i]->id <= b->factor[k]->id);
        r->factor[r->n++] = left ? a->factor[i++] : b->factor[k++];
    }
    return true;
}

static bool
add_product(weft_counter *c, poly *p, const poly *a, const poly *b)
{
    monomial m;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < b->n; k++)
            if (!multiply(&a->at[i], &b->at[k], &m) || !add_term(c, p, &m, 1))
                return false;
    return true;
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Which side of times * e a polynomial is on, and how close. */
typedef struct side {
    bool above;
    closeness how;
    bool multiplied; /* e is, by a size */
} side;

static bool bound(weft_counter *, const weft_expr *, int64_t times, side, poly *to);

static bool
is_positive(weft_counter *c, const weft_expr *e)
{
    return weft_prove(c->ir, c->facts, weft_ge(c->ir, e, weft_int(c->ir, WEFT_I64, 0)));
}

/* The expression itself, or, from above, 0 where it is less. */
static bool
bound_part(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    bool known = e->h.kind == WEFT_EK_VAR || is_positive(c, e);
    if (!known && s.above != (times > 0))
        return false;
    e = known ? e : weft_span_op(c, WEFT_EK_MAX, e, weft_int(c->ir, WEFT_I64, 0));
    return e && add_term(c, to, &(monomial){ 1, 1, { e } }, times);
}

/* Whether a bound may be too large by as much. */
static bool
is_slight(side s, int64_t by, int64_t times)
{
    int64_t all;
    bool small = !s.multiplied && weft_mul64(by, times, &all) && all < SLACK && all > -SLACK;
    return s.how != TIGHT || small;
}

/* times * (x // d), below x's terms that are above 0, each divided and rounded up.  What is added
 * to x to round up itself is then too much. */
static bool
bound_terms(weft_counter *c, const poly *x, int64_t times, int64_t d, poly *to)
{
    for (int i = 0; i < x->n; i++) {
        const monomial *m = &x->at[i];
        int64_t all;
        if (m->times <= 0 || (!m->n && times == 1 && m->times < d))
            continue;
        if (!weft_mul64(m->times, times, &all))
            return false;
        monomial part = *m;
        part.times = weft_ceildiv(all, d);
        if (!add_term(c, to, &part, 1))
            return false;
    }
    return true;
}

/* x // d: where d divides what it is multiplied by, x's own multiple is not far off.  That goes for
 * sizes of whole tiles as well that others multiply: less than twice too large. */
static bool
bound_quotient(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    int64_t d = 1;
    poly x = { 0 };
    bool number = weft_as_int(e->arg[1], &d) && d > 0;
    if (number && times % d == 0 && (s.multiplied || is_slight(s, d - 1, times / d)))
        return bound(c, e->arg[0], times / d, s, to) &&
               (s.above == (times > 0) || add_number(c, to, -(d - 1) * (times / d)));
    if (s.how == TIGHT || !s.above || times < 0)
        return bound_part(c, e, times, s, to);
    return bound(c, e->arg[0], 1, s, &x) && bound_terms(c, &x, times, number ? d : 1, to);
}

/* Whether all of it is sums, products and variables. */
static bool
is_exact(const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
    case WEFT_EK_VAR:
        return true;
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
        return is_exact(e->arg[0]) && is_exact(e->arg[1]);
    case WEFT_EK_NEG:
        return is_exact(e->arg[0]);
    default:
        return false;
    }
}

/* Whether a product grows with a bound of `then`, and with one of `first`, which may be itself. */
static bool
may_multiply(weft_counter *c, const weft_expr *first, const weft_expr *then, bool above)
{
    bool exact = is_exact(first);
    return (exact && is_exact(then)) ||
           (is_positive(c, first) && (exact || (above && is_positive(c, then))));
}

/* A factor that is bounded exactly comes first. */
static bool
bound_product(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    int64_t by;
    poly a = { 0 }, b = { 0 };
    for (int i = 0; i < 2; i++)
        if (weft_as_int(e->arg[i], &by))
            return weft_mul64(times, by, &by) && bound(c, e->arg[1 - i], by, s, to);
    bool swap = !is_exact(e->arg[0]) && is_exact(e->arg[1]);
    const weft_expr *first = e->arg[swap], *then = e->arg[!swap];
    if (!may_multiply(c, first, then, s.above && times > 0))
        return bound_part(c, e, times, s, to);
    s.multiplied = true;
    return bound(c, first, 1, s, &a) && bound(c, then, times, s, &b) && add_product(c, to, &a, &b);
}

/* A minimum is no more than either side. */
static bool
bound_min(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    int64_t n = 0, all;
    int with = weft_as_int(e->arg[0], &n) ? 0 : weft_as_int(e->arg[1], &n) ? 1 : -1;
    bool upper = s.above == (times > 0);
    if (!upper || (s.how == TIGHT && (with < 0 || !is_slight(s, n, times))))
        return bound_part(c, e, times, s, to);
    bool small = !s.multiplied && with >= 0 && n < SLACK;
    if (with >= 0 && (s.how != LOOSE || small))
        return weft_mul64(n, times, &all) && add_number(c, to, all);
    return bound(c, e->arg[with == 0], times, s, to);
}

/* max(x, n) is at most as much more than x as n is than the least of x. */
static bool
bound_max(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    int64_t n, lo, hi, all;
    bool upper = s.above == (times > 0);
    for (int i = 0; i < 2 && upper; i++)
        if (weft_as_int(e->arg[i], &n) && weft_bounds(c->ir, c->facts, e->arg[1 - i], &lo, &hi) &&
            lo > -SLACK && n < SLACK && is_slight(s, lo < n ? n - lo : 0, times))
            return bound(c, e->arg[1 - i], times, s, to) &&
                   weft_mul64(lo < n ? n - lo : 0, times, &all) && add_number(c, to, all);
    if (s.how == TIGHT || !upper || !is_positive(c, e->arg[0]) || !is_positive(c, e->arg[1]))
        return bound_part(c, e, times, s, to);
    return bound(c, e->arg[0], times, s, to) && bound(c, e->arg[1], times, s, to);
}

static bool
bound_rest(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    int64_t d = 1, all;
    bool number = weft_as_int(e->arg[1], &d) && d > 0, upper = s.above == (times > 0);
    if (number && is_slight(s, d - 1, times))
        return !upper || (weft_mul64(d - 1, times, &all) && add_number(c, to, all));
    return s.how == TIGHT || !upper ? bound_part(c, e, times, s, to)
                                    : bound(c, e->arg[1], times, s, to);
}

/* Adds a polynomial that is nowhere less than times * e, or, not `above`, nowhere more. */
static bool
bound(weft_counter *c, const weft_expr *e, int64_t times, side s, poly *to)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return weft_mul64(e->h.u.i, times, &times) && add_number(c, to, times);
    case WEFT_EK_ADD:
        return bound(c, e->arg[0], times, s, to) && bound(c, e->arg[1], times, s, to);
    case WEFT_EK_SUB:
        return bound(c, e->arg[0], times, s, to) && weft_mul64(times, -1, &times) &&
               bound(c, e->arg[1], times, s, to);
    case WEFT_EK_NEG:
        return weft_mul64(times, -1, &times) && bound(c, e->arg[0], times, s, to);
    case WEFT_EK_MUL:
        return bound_product(c, e, times, s, to);
    case WEFT_EK_FDIV:
        return bound_quotient(c, e, times, s, to);
    case WEFT_EK_FMOD:
        return bound_rest(c, e, times, s, to);
    case WEFT_EK_MIN:
        return bound_min(c, e, times, s, to);
    case WEFT_EK_MAX:
        return bound_max(c, e, times, s, to);
    default:
        return bound_part(c, e, times, s, to);
    }
}

/* ---- which is larger ------------------------------------------------------------------------- */

/* Whether b is a's multiple by factors that are at least 1. */
static bool
divides(const monomial *a, const monomial *b)
{
    int i = 0;
    for (int k = 0; k < b->n; k++)
        if (i < a->n && a->factor[i] == b->factor[k])
            i++;
        else if (b->factor[k]->h.kind != WEFT_EK_VAR)
            return false;
    return i == a->n;
}

/* The terms below 0 are made up for by larger ones. */
static bool
cover(poly *p, monomial *m)
{
    for (int i = 0; i < p->n && m->times < 0; i++) {
        monomial *by = &p->at[i];
        if (by->times <= 0 || !divides(m, by))
            continue;
        int64_t take = by->times < -m->times ? by->times : -m->times;
        by->times -= take;
        m->times += take;
    }
    return m->times >= 0;
}

/* Whether a is at most b and a number, which is given. */
static bool
is_below(weft_counter *c, const poly *a, const poly *b, int64_t *slack)
{
    poly rest = { 0 };
    int64_t least = 0;
    if (!add_poly(c, &rest, b, 1) || !add_poly(c, &rest, a, -1))
        return false;
    for (int i = 0; i < rest.n; i++)
        if (rest.at[i].n && !cover(&rest, &rest.at[i]))
            return false;
    for (int i = 0; i < rest.n; i++) {
        bool at_least_1 = divides(&(monomial){ .n = 0 }, &rest.at[i]);
        if (at_least_1 && !weft_add64(least, rest.at[i].times, &least))
            return false;
    }
    least = least > -INT64_MAX ? least : -INT64_MAX;
    *slack = least < 0 ? -least : 0;
    return true;
}

/* `by` stands for e as well, where that is no more than SLACK beyond it. */
static bool
take_in(weft_counter *c, const weft_expr *e, int64_t more, weft_most *by)
{
    int64_t add = 0;
    if (by->alone)
        return false;
    for (closeness how = TIGHT; how <= LOOSE_BY_NUMBERS; how++) {
        poly p = { 0 };
        if (!bound(c, e, 1, (side){ true, how, false }, &p) || !add_number(c, &p, more) ||
            !is_below(c, &p, &by->bound, &add) || add > SLACK - by->slack ||
            !add_number(c, &by->bound, add))
            continue;
        by->slack += add;
        return true;
    }
    return false;
}

void
weft_most_add(weft_counter *c, const weft_expr *e)
{
    weft_most own = { .of = e };
    int n = 0;
    for (int i = 0; i < c->most.n; i++)
        if (take_in(c, e, 0, &c->most.at[i]))
            return;
    own.alone = !bound(c, e, 1, (side){ true, TIGHT, false }, &own.bound);
    for (int i = 0; i < c->most.n; i++)
        if (!take_in(c, c->most.at[i].of, c->most.at[i].slack, &own))
            c->most.at[n++] = c->most.at[i];
    c->most.n = n;
    *WEFT_PUSH(&c->arena, &c->most) = own;
}

/* ---- as expressions -------------------------------------------------------------------------- */

static const weft_expr *
as_product(weft_counter *c, const monomial *m)
{
    const weft_expr *e = NULL;
    for (int i = 0; i < m->n; i++)
        e = e ? weft_ix(c->ir, WEFT_EK_MUL, e, m->factor[i]) : m->factor[i];
    const weft_expr *times = weft_int(c->ir, WEFT_I64, m->times);
    return e ? weft_ix(c->ir, WEFT_EK_MUL, e, times) : times;
}

static const weft_expr *
as_sum(weft_counter *c, const poly *p)
{
    const weft_expr *e = weft_int(c->ir, WEFT_I64, 0);
    for (int i = 0; i < p->n; i++)
        e = weft_ix(c->ir, WEFT_EK_ADD, e, as_product(c, &p->at[i]));
    return e;
}

const weft_expr **
weft_most_list(weft_counter *c)
{
    const weft_expr **e = WEFT_NEW_ARRAY(&c->ir->arena, c->most.n, const weft_expr *);
    for (int i = 0; i < c->most.n; i++)
        e[i] = c->most.at[i].alone
                   ? c->most.at[i].of
                   : weft_simplify_expr(c->ir, c->facts, as_sum(c, &c->most.at[i].bound));
    return e;
}
