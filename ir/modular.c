/* What an integer is congruent to: value == coeff * k + base for some integer k.  Holds for what
 * may wrap too, as long as coeff divides 2^bits; else only for exact nodes. */
#include "ir/simplify.h"

static weft_mod
mod(int64_t coeff, int64_t base)
{
    if (coeff == INT64_MIN || coeff == 1)
        return (weft_mod){ 1, 0 };
    if (coeff < 0)
        coeff = -coeff;
    return (weft_mod){ coeff, coeff ? weft_floormod(base, coeff) : base };
}

static const weft_mod unknown = { 1, 0 };

static weft_mod
mod_add(weft_mod a, weft_mod b, int64_t sign)
{
    int64_t base;
    if (!weft_mul64(b.base, sign, &base) || !weft_add64(a.base, base, &base))
        return unknown;
    return mod(weft_gcd(a.coeff, b.coeff), base);
}

/* (m*i + a) * (n*j + b) = m*n*ij + m*b*i + n*a*j + a*b */
static weft_mod
mod_mul(weft_mod a, weft_mod b)
{
    int64_t mn, mb, na, ab;
    if (!weft_mul64(a.coeff, b.coeff, &mn) || !weft_mul64(a.coeff, b.base, &mb) ||
        !weft_mul64(b.coeff, a.base, &na) || !weft_mul64(a.base, b.base, &ab) || mb == INT64_MIN ||
        na == INT64_MIN)
        return unknown;
    return mod(weft_gcd(mn, weft_gcd(mb, na)), ab);
}

/* Both may be the value. */
static weft_mod
mod_join(weft_mod a, weft_mod b)
{
    int64_t far;
    if (__builtin_sub_overflow(a.base, b.base, &far) || far == INT64_MIN)
        return unknown;
    return mod(weft_gcd(weft_gcd(a.coeff, b.coeff), far), a.base);
}

static weft_mod
of_fdiv(weft_facts *f, const weft_expr *e)
{
    int64_t c;
    weft_mod a = weft_mod_of(f, e->arg[0]);
    if (!weft_as_int(e->arg[1], &c) || c <= 0)
        return unknown;
    if (a.coeff == 0)
        return mod(0, weft_floordiv(a.base, c));
    return a.coeff % c == 0 ? mod(a.coeff / c, weft_floordiv(a.base, c)) : unknown;
}

static weft_mod
of_fmod(weft_facts *f, const weft_expr *e)
{
    int64_t c;
    weft_mod a = weft_mod_of(f, e->arg[0]);
    if (!weft_as_int(e->arg[1], &c) || c <= 0)
        return unknown;
    if (a.coeff == 0)
        return mod(0, weft_floormod(a.base, c));
    int64_t g = weft_gcd(a.coeff, c);
    return g == c ? mod(0, weft_floormod(a.base, c)) : mod(g, a.base);
}

/* A value that may wrap keeps what it is modulo a power of two that 2^bits is a multiple of. */
static weft_mod
after_wrap(weft_mod m, weft_dtype t)
{
    if (m.coeff == 0)
        return unknown;
    int64_t power = m.coeff & -m.coeff;
    int bits = weft_dtype_bits(t);
    if (bits < 62 && power > (int64_t)1 << bits)
        power = (int64_t)1 << bits;
    return mod(power, m.base);
}

static weft_mod
of_cast(weft_facts *f, const weft_expr *e)
{
    weft_dtype from = weft_dtype_of(e->arg[0]), to = weft_dtype_of(e);
    if (!weft_is_int(from))
        return unknown;
    weft_range r = weft_range_of(f, e->arg[0]);
    if (from != WEFT_U64)
        r = weft_range_meet(weft_range_of_dtype(from), r);
    return e->h.index || to == from || weft_range_fits(r, to) ? weft_mod_of(f, e->arg[0]) : unknown;
}

static weft_mod
compute(weft_facts *f, const weft_expr *e)
{
    weft_mod m;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return weft_dtype_of(e) == WEFT_U64 && e->h.u.i < 0 ? unknown : mod(0, e->h.u.i);
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
        m = mod_add(weft_mod_of(f, e->arg[0]), weft_mod_of(f, e->arg[1]),
                    e->h.kind == WEFT_EK_ADD ? 1 : -1);
        return weft_expr_exact(f, e) ? m : after_wrap(m, weft_dtype_of(e));
    case WEFT_EK_NEG:
        m = mod_add(mod(0, 0), weft_mod_of(f, e->arg[0]), -1);
        return weft_expr_exact(f, e) ? m : after_wrap(m, weft_dtype_of(e));
    case WEFT_EK_MUL:
        m = mod_mul(weft_mod_of(f, e->arg[0]), weft_mod_of(f, e->arg[1]));
        return weft_expr_exact(f, e) ? m : after_wrap(m, weft_dtype_of(e));
    case WEFT_EK_FDIV:
        return of_fdiv(f, e);
    case WEFT_EK_FMOD:
        return of_fmod(f, e);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return mod_join(weft_mod_of(f, e->arg[0]), weft_mod_of(f, e->arg[1]));
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        return mod_join(weft_mod_of(f, e->arg[1]), weft_mod_of(f, e->arg[2]));
    case WEFT_EK_BCAST:
        return weft_mod_of(f, e->arg[0]);
    case WEFT_EK_CAST:
        return of_cast(f, e);
    default:
        return unknown;
    }
}

weft_mod
weft_mod_of(weft_facts *f, const weft_expr *e)
{
    weft_note *note = weft_facts_note(f, e);
    if (note->mod_version == f->version)
        return (weft_mod){ note->coeff, note->base };
    if (f->look >= WEFT_MAX_DEPTH)
        return unknown;
    f->look++;
    weft_mod m = weft_is_int(weft_dtype_of(e)) ? compute(f, e) : unknown;
    f->look--;
    if (e->h.kind == WEFT_EK_VAR || f->nkeyed) {
        const weft_fact *fact = weft_facts_find(f, WEFT_FACT_RANGE, e);
        if (fact && fact->coeff != 1 &&
            (m.coeff == 1 || fact->coeff % (m.coeff ? m.coeff : 1) == 0))
            m = mod(fact->coeff, fact->base);
    }
    note->coeff = m.coeff;
    note->base = m.base;
    note->mod_version = f->version;
    return m;
}

void
weft_modular(weft_ir *ir, weft_facts *facts, const weft_expr *e, int64_t *coeff, int64_t *base)
{
    *coeff = 1;
    *base = 0;
    if (!e || !weft_is_int(weft_dtype_of(e)))
        return;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    weft_mod m = weft_mod_of(f, weft_simp(f, e));
    if (!facts)
        weft_facts_destroy(f);
    *coeff = m.coeff;
    *base = m.base;
}
