/* Constant bounds of integer expressions by interval arithmetic, and with them the question whether
 * a node can wrap.  An index does not wrap by definition (doc/IR.md); of anything else the interval
 * has to fit the type, or nothing but the type is known of it. */
#include "ir/simplify.h"

/* ---- intervals ------------------------------------------------------------------------------- */

static weft_range
range(int64_t lo, int64_t hi)
{
    return (weft_range){ lo, hi };
}

static weft_range
everything(void)
{
    return range(INT64_MIN, INT64_MAX);
}

static bool
infinite(int64_t v)
{
    return v == INT64_MIN || v == INT64_MAX;
}

static int64_t
min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A sum of two bounds of one side; `none` where there is no telling. */
static int64_t
add_bound(int64_t a, int64_t b, int64_t none)
{
    int64_t r;
    return infinite(a) || infinite(b) || !weft_add64(a, b, &r) ? none : r;
}

weft_range
weft_range_add(weft_range a, weft_range b)
{
    return range(add_bound(a.lo, b.lo, INT64_MIN), add_bound(a.hi, b.hi, INT64_MAX));
}

/* A product of bounds where infinity times 0 is 0. */
static int64_t
mul_bound(int64_t a, int64_t b)
{
    int64_t r;
    if (a == 0 || b == 0)
        return 0;
    if (!infinite(a) && !infinite(b) && weft_mul64(a, b, &r))
        return r;
    return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

static weft_range
range_mul(weft_range a, weft_range b)
{
    int64_t p = mul_bound(a.lo, b.lo), q = mul_bound(a.lo, b.hi);
    int64_t r = mul_bound(a.hi, b.lo), s = mul_bound(a.hi, b.hi);
    weft_range x = range(min64(min64(p, q), min64(r, s)), max64(max64(p, q), max64(r, s)));
    if (x.lo == INT64_MAX) /* an overflow upwards is no lower bound */
        x.lo = INT64_MIN;
    if (x.hi == INT64_MIN)
        x.hi = INT64_MAX;
    return x;
}

weft_range
weft_range_scale(weft_range a, int64_t c)
{
    return range_mul(a, range(c, c));
}

/* Nothing is in both: the facts contradict each other, anything is right; the first stays. */
weft_range
weft_range_meet(weft_range a, weft_range b)
{
    weft_range m = range(max64(a.lo, b.lo), min64(a.hi, b.hi));
    return m.lo > m.hi ? a : m;
}

static weft_range
range_join(weft_range a, weft_range b)
{
    return range(min64(a.lo, b.lo), max64(a.hi, b.hi));
}

/* What a dtype allows, with 32 and 64 bits taken for unbounded. */
static weft_range
natural_range(weft_dtype t)
{
    weft_range r = weft_range_of_dtype(t);
    if (weft_dtype_bits(t) >= 32)
        r = range(r.lo == 0 ? 0 : INT64_MIN, INT64_MAX);
    return r;
}

weft_range
weft_range_of_dtype(weft_dtype t)
{
    if (t == WEFT_BOOL)
        return range(0, 1);
    if (!weft_is_int(t) || t == WEFT_I64)
        return everything();
    if (t == WEFT_U64)
        return range(0, INT64_MAX);
    return range(weft_dtype_min(t), weft_dtype_max(t));
}

bool
weft_range_fits(weft_range r, weft_dtype t)
{
    weft_range d = weft_range_of_dtype(t);
    return !infinite(r.lo) && !infinite(r.hi) && r.lo >= d.lo && r.hi <= d.hi;
}

/* ---- division -------------------------------------------------------------------------------- */

/* One bound of a quotient by a positive b, which may be infinite. */
static int64_t
div_bound(int64_t a, int64_t b)
{
    if (infinite(a))
        return a;
    if (b == INT64_MAX)
        return a < 0 ? -1 : 0;
    return weft_floordiv(a, b);
}

static int64_t
magnitude(weft_range a)
{
    if (infinite(a.lo) || infinite(a.hi))
        return INT64_MAX;
    return max64(a.lo < 0 ? -a.lo : a.lo, a.hi < 0 ? -a.hi : a.hi);
}

static weft_range
range_fdiv(weft_range a, weft_range b)
{
    if (b.lo > 0) {
        int64_t p = div_bound(a.lo, b.lo), q = div_bound(a.lo, b.hi);
        int64_t r = div_bound(a.hi, b.lo), s = div_bound(a.hi, b.hi);
        return range(min64(p, q), max64(r, s));
    }
    int64_t m = magnitude(a); /* no quotient is larger, and x // 0 is 0 */
    if (m == INT64_MAX)
        return everything();
    return range(a.lo >= 0 && b.lo >= 0 ? 0 : -m, m);
}

/* `m` is what is known of the dividend modulo something. */
static weft_range
range_fmod(weft_range a, weft_range b, weft_mod m)
{
    if (b.lo > 0 && a.lo >= 0 && a.hi < b.lo)
        return a;
    if (b.lo < 0) {
        int64_t big = magnitude(b);
        if (big == INT64_MAX)
            return everything();
        return range(1 - big < 0 ? 1 - big : 0, big - 1 > 0 ? big - 1 : 0);
    }
    int64_t hi = infinite(b.hi) ? INT64_MAX : max64(b.hi - 1, 0), lo = 0;
    if (weft_range_is_point(b) && b.lo > 1 && m.coeff > 1) {
        int64_t g = m.coeff, rest = b.lo;
        while (rest) { /* the greatest common divisor */
            int64_t next = g % rest;
            g = rest;
            rest = next;
        }
        lo = weft_floormod(m.base, g);
        hi = b.lo - g + lo;
    }
    if (a.lo >= 0)
        hi = min64(hi, a.hi);
    return range(min64(lo, hi), hi);
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* The range of an index, which its type bounds anyway: beyond that there is no bound to tell. */
static weft_range
within_type(weft_range r, weft_dtype t)
{
    weft_range d = weft_range_of_dtype(t);
    return range(r.lo <= d.lo ? INT64_MIN : r.lo, r.hi >= d.hi ? INT64_MAX : r.hi);
}

static weft_range
of_cast(weft_facts *f, const weft_expr *e)
{
    weft_dtype from = weft_dtype_of(e->arg[0]), to = weft_dtype_of(e);
    if (weft_is_float(from))
        return natural_range(to);
    weft_range r = weft_range_of(f, e->arg[0]);
    if (to == WEFT_BOOL)
        return r.lo > 0 || r.hi < 0 ? range(1, 1) : range(0, r.lo == 0 && r.hi == 0 ? 0 : 1);
    weft_range full = weft_range_of_dtype(from);
    if (from != WEFT_U64)
        r = range(max64(r.lo, full.lo), min64(r.hi, full.hi));
    if (e->h.index)
        return within_type(r, to);
    return weft_range_fits(r, to) ? r : natural_range(to);
}

static weft_range
of_ramp(weft_facts *f, const weft_expr *e)
{
    weft_range base = weft_range_of(f, e->arg[0]), stride = weft_range_of(f, e->arg[1]);
    weft_range way = range_mul(stride, range(0, e->h.type.lanes - 1));
    weft_range r = weft_range_add(base, way);
    bool index = e->arg[0]->h.index && e->arg[1]->h.index;
    return index || weft_range_fits(r, weft_dtype_of(e)) ? r : natural_range(weft_dtype_of(e));
}

static weft_range
of_bits(const weft_expr *e, weft_range a, weft_range b)
{
    weft_range natural = natural_range(weft_dtype_of(e));
    if (e->h.kind == WEFT_EK_BAND && (a.lo >= 0 || b.lo >= 0)) {
        if (a.lo >= 0 && b.lo >= 0)
            return range(0, min64(a.hi, b.hi));
        return range(0, a.lo >= 0 ? a.hi : b.hi);
    }
    if (a.lo < 0 || b.lo < 0 || infinite(a.hi) || infinite(b.hi))
        return natural;
    int64_t ones = 1;
    while (ones <= max64(a.hi, b.hi) && ones < INT64_MAX / 4)
        ones *= 2;
    return ones > max64(a.hi, b.hi) ? range(0, ones - 1) : natural;
}

static weft_range
of_shift_right(const weft_expr *e, weft_range a, weft_range b)
{
    weft_range natural = natural_range(weft_dtype_of(e));
    if (!weft_range_is_point(b) || b.lo < 0 || b.lo >= weft_dtype_bits(weft_dtype_of(e)))
        return a.lo >= 0 ? range(0, a.hi) : natural;
    if (weft_dtype_of(e) == WEFT_U64 && infinite(a.hi))
        return natural;
    return range(infinite(a.lo) ? a.lo : a.lo >> b.lo, infinite(a.hi) ? a.hi : a.hi >> b.lo);
}

/* x as base + k */
static const weft_expr *
without_offset(const weft_expr *x, int64_t *k)
{
    *k = 0;
    return x->h.kind == WEFT_EK_ADD && weft_as_int(x->arg[1], k) ? x->arg[0] : x;
}

/* x // m - y // m where x - y is a constant d: d // m or one more. */
static weft_range
of_quotients(const weft_expr *x, const weft_expr *y)
{
    int64_t m, k, l, d, over;
    if (x->h.kind != WEFT_EK_FDIV || y->h.kind != WEFT_EK_FDIV || x->arg[1] != y->arg[1] ||
        !weft_as_int(x->arg[1], &m) || m <= 0 || !x->h.index ||
        without_offset(x->arg[0], &k) != without_offset(y->arg[0], &l) || !weft_mul64(l, -1, &l) ||
        !weft_add64(k, l, &d) || !weft_add64(d, m - 1, &over))
        return everything();
    return range(weft_floordiv(d, m), weft_floordiv(over, m));
}

/* x // c is (x - x % c) // c: the dividend's range less what a fact says of the remainder. */
static weft_range
less_remainder(weft_facts *f, const weft_expr *e, weft_range a)
{
    int64_t c;
    if (!e->h.index || !weft_as_int(e->arg[1], &c) || c <= 0 || infinite(a.lo) || infinite(a.hi))
        return a;
    const weft_fact *m =
        weft_facts_find(f, WEFT_FACT_RANGE, weft_fmod(f->ir, e->arg[0], e->arg[1]));
    if (!m || m->range.lo < 0 || m->range.hi >= c)
        return a;
    return range(a.lo + (c - 1 - m->range.hi), a.hi - m->range.lo);
}

/* The interval of an operator over its arguments' as if integers had no end. */
static weft_range
of_operator(weft_facts *f, const weft_expr *e)
{
    weft_range a = weft_range_of(f, e->arg[0]);
    weft_range b = e->h.nargs > 1 ? weft_range_of(f, e->arg[1]) : a, r;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
        return weft_range_add(a, b);
    case WEFT_EK_SUB:
        return weft_range_meet(weft_range_add(a, weft_range_scale(b, -1)),
                               of_quotients(e->arg[0], e->arg[1]));
    case WEFT_EK_NEG:
        return weft_range_scale(a, -1);
    case WEFT_EK_MUL:
        return e->arg[0] == e->arg[1] ? weft_range_meet(range_mul(a, b), range(0, INT64_MAX))
                                      : range_mul(a, b);
    case WEFT_EK_FDIV:
        return range_fdiv(f->nkeyed ? less_remainder(f, e, a) : a, b);
    case WEFT_EK_FMOD:
        r = range_fmod(a, b, weft_mod_of(f, e->arg[0]));
        return weft_range_is_point(b) && b.lo > 1 && r.hi - r.lo == b.lo - 1
                   ? weft_residues(f, e->arg[0], b.lo)
                   : r;
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        if (a.lo < 0 || b.lo < 0)
            return everything();
        return e->h.kind == WEFT_EK_TDIV ? range_fdiv(a, b) : range_fmod(a, b, (weft_mod){ 1, 0 });
    case WEFT_EK_MIN:
        return range(min64(a.lo, b.lo), min64(a.hi, b.hi));
    case WEFT_EK_MAX:
        return range(max64(a.lo, b.lo), max64(a.hi, b.hi));
    default:
        return everything();
    }
}

static bool
is_arithmetic(const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_NEG:
    case WEFT_EK_MUL:
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return true;
    default:
        return false;
    }
}

static weft_range
of_call(weft_facts *f, const weft_expr *e)
{
    weft_dtype t = weft_dtype_of(e);
    if (e->h.u.intrin != WEFT_IN_ABS || !weft_is_int(t))
        return natural_range(t);
    weft_range a = weft_range_of(f, e->arg[0]);
    if (a.lo >= 0)
        return a;
    if (!weft_range_fits(a, t) || a.lo == weft_dtype_min(t))
        return natural_range(t);
    return range(a.hi < 0 ? -a.hi : 0, max64(-a.lo, a.hi));
}

static weft_range
compute(weft_facts *f, const weft_expr *e)
{
    weft_dtype t = weft_dtype_of(e);
    weft_range r;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        if (t == WEFT_U64 && e->h.u.i < 0)
            return range(0, INT64_MAX);
        return range(e->h.u.i, e->h.u.i);
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        return range_join(weft_range_of(f, e->arg[1]), weft_range_of(f, e->arg[2]));
    case WEFT_EK_CAST:
        return of_cast(f, e);
    case WEFT_EK_RAMP:
        return of_ramp(f, e);
    case WEFT_EK_BCAST:
    case WEFT_EK_LANE:
        return weft_range_of(f, e->arg[0]);
    case WEFT_EK_VEC:
        r = weft_range_of(f, e->arg[0]);
        for (int i = 1; i < e->h.nargs; i++)
            r = range_join(r, weft_range_of(f, e->arg[i]));
        return r;
    case WEFT_EK_BAND:
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
        return of_bits(e, weft_range_of(f, e->arg[0]), weft_range_of(f, e->arg[1]));
    case WEFT_EK_SHR:
        return of_shift_right(e, weft_range_of(f, e->arg[0]), weft_range_of(f, e->arg[1]));
    case WEFT_EK_CALL:
        return of_call(f, e);
    default:
        break;
    }
    if (!is_arithmetic(e))
        return natural_range(t);
    r = of_operator(f, e);
    if (e->h.index)
        return within_type(r, t);
    if (weft_range_fits(r, t))
        return weft_range_meet(natural_range(t), r);
    if (e->h.kind == WEFT_EK_MIN || e->h.kind == WEFT_EK_MAX)
        return weft_range_meet(natural_range(t), r);
    if (e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD)
        return r.lo >= 0 ? weft_range_meet(natural_range(t), r) : natural_range(t);
    return natural_range(t);
}

weft_range
weft_range_of(weft_facts *f, const weft_expr *e)
{
    weft_note *note = weft_facts_note(f, e);
    if (note->range_version == f->version)
        return note->range;
    weft_range r = natural_range(weft_dtype_of(e));
    if (f->look >= WEFT_MAX_DEPTH)
        return r;
    f->look++;
    if (!weft_is_float(weft_dtype_of(e)))
        r = compute(f, e);
    f->look--;
    if (e->h.kind == WEFT_EK_VAR || f->nkeyed) {
        const weft_fact *fact = weft_facts_find(f, WEFT_FACT_RANGE, e);
        if (fact)
            r = weft_range_meet(r, fact->range);
    }
    note->range = r;
    note->range_version = f->version;
    return r;
}

bool
weft_expr_exact(weft_facts *f, const weft_expr *e)
{
    if (e->h.index)
        return true;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_NEG:
        return weft_range_fits(of_operator(f, e), weft_dtype_of(e));
    default:
        return true; /* its value is what it is: an atom */
    }
}

/* True and the bounds, where both are known. */
bool
weft_bounds(weft_ir *ir, weft_facts *facts, const weft_expr *e, int64_t *min, int64_t *max)
{
    *min = INT64_MIN;
    *max = INT64_MAX;
    if (!e || weft_is_float(weft_dtype_of(e)))
        return false;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    weft_range r = weft_range_of(f, e);
    weft_range s = weft_range_of(f, weft_simp(f, e));
    if (!facts)
        weft_facts_destroy(f);
    r = weft_range_meet(r, s);
    *min = r.lo;
    *max = r.hi;
    return !infinite(r.lo) && !infinite(r.hi);
}
