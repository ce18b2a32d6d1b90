/* Which remainders a sum of a few small values leaves, found by trying them: 71 * o + i with o < 9
 * and i < 51 is never within 0..2 modulo 230, which no bound of the sum tells. */
#include "ir/simplify.h"

enum { MOST_TRIED = 64 };

typedef struct trial {
    int64_t c;
    weft_lin rest;       /* all terms but the one that is taken as an interval */
    int64_t low, length; /* of that interval: its first value, how many come after */
    weft_range found;
} trial;

static int64_t
values(weft_facts *f, const weft_term *t)
{
    weft_range r = weft_range_of(f, t->atom);
    bool bounded = r.lo > INT32_MIN && r.hi < INT32_MAX && t->c > INT32_MIN && t->c < INT32_MAX;
    return bounded ? r.hi - r.lo + 1 : INT64_MAX;
}

/* The term of coefficient 1 with the most values becomes the interval, which without one is a
 * single value.  False when too many values are left to be tried. */
static bool
begin(weft_facts *f, trial *t, const weft_lin *lin)
{
    int64_t most = 1, tried = 1;
    int longest = -1;
    for (int i = 0; i < lin->n; i++) {
        int64_t n = values(f, &lin->t[i]);
        if (n == INT64_MAX)
            return false;
        if (lin->t[i].c == 1 && n > most) {
            most = n;
            longest = i;
        }
    }
    if (most >= t->c)
        return false;
    t->rest = *lin;
    if (longest >= 0)
        t->rest.t[longest] = t->rest.t[--t->rest.n];
    for (int i = 0; i < t->rest.n; i++)
        if (!weft_mul64(tried, values(f, &t->rest.t[i]), &tried) || tried > MOST_TRIED)
            return false;
    t->low = lin->k + (longest >= 0 ? weft_range_of(f, lin->t[longest].atom).lo : 0);
    t->length = most - 1;
    return true;
}

/* From term i on, `at` being the sum of the terms before; false when everything is possible. */
static bool
attempt(weft_facts *f, trial *t, int i, int64_t at)
{
    if (i == t->rest.n) {
        int64_t lo = weft_floormod(at + t->low, t->c), hi = lo + t->length;
        if (lo < t->found.lo)
            t->found.lo = lo;
        if (hi > t->found.hi)
            t->found.hi = hi;
        return hi < t->c;
    }
    weft_range r = weft_range_of(f, t->rest.t[i].atom);
    for (int64_t v = r.lo; v <= r.hi; v++)
        if (!attempt(f, t, i + 1, at + v * t->rest.t[i].c))
            return false;
    return true;
}

/* (y // d + r) % c is (y + d*r) % (c*d) // d: a sum with a quotient as the one of its dividend, for
 * a divisor *c that is *d times as large. */
static bool
without_quotient(weft_facts *f, weft_lin *lin, int64_t *c, int64_t *d)
{
    int i = 0;
    *d = 1;
    while (i < lin->n && !(lin->t[i].atom->h.kind == WEFT_EK_FDIV && lin->t[i].c == 1))
        i++;
    if (i == lin->n)
        return true;
    weft_lin r = *lin;
    const weft_expr *q = r.t[i].atom;
    r.t[i] = r.t[--r.n];
    return weft_as_int(q->arg[1], d) && *d > 0 && weft_mul64(*c, *d, c) &&
           weft_lin_of(f, lin, q->arg[0], WEFT_LIN_EXACT) && weft_lin_add_lin(lin, &r, *d);
}

weft_range
weft_residues(weft_facts *f, const weft_expr *x, int64_t c)
{
    int64_t d;
    weft_lin lin;
    trial t = { .c = c, .found = { INT64_MAX, INT64_MIN } };
    weft_range all = { 0, c - 1 };
    if (!x->h.index || !weft_lin_of(f, &lin, x, WEFT_LIN_EXACT) ||
        !without_quotient(f, &lin, &t.c, &d) || t.c >= INT32_MAX || lin.n < 1 ||
        lin.k <= INT32_MIN || lin.k >= INT32_MAX || !begin(f, &t, &lin) || !attempt(f, &t, 0, 0))
        return all;
    return (weft_range){ t.found.lo / d, t.found.hi / d };
}
