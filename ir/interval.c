/* Symbolic intervals: the least and greatest value of an expression while some variables run over
 * ranges; and sums that are affine in one variable. */
#include "ir/simplify.h"

/* ---- affine in one variable ------------------------------------------------------------------ */

static bool
split_affine(weft_facts *f, const weft_lin *lin, const weft_expr *v, weft_lin *stride,
             weft_lin *rest)
{
    weft_lin_init(stride, lin->dtype, lin->wraps);
    weft_lin_init(rest, lin->dtype, lin->wraps);
    rest->k = lin->k;
    for (int i = 0; i < lin->n; i++) {
        int count = 0;
        weft_term t = lin->t[i];
        const weft_expr *other = weft_atom_without(f, t.atom, v, &count);
        if (count > 1 || (other && weft_uses_var(other, v->h.u.var)))
            return false;
        if (count == 0)
            weft_lin_add_term(rest, t.atom, t.c);
        else if (other ? !weft_lin_add_term(stride, other, t.c) : !weft_lin_add_const(stride, t.c))
            return false;
    }
    return true;
}

bool
weft_affine_in(weft_ir *ir, const weft_expr *e, const weft_var *var, const weft_expr **stride,
               const weft_expr **rest)
{
    weft_lin lin, s, r;
    if (!e || !var || !weft_is_scalar_int(e) || e->h.type.dtype != var->type.dtype)
        return false;
    weft_facts *f = weft_facts_create(ir);
    const weft_expr *v = weft_ref(ir, var);
    const weft_expr *simple = weft_simplify_expr(ir, f, e);
    bool ok = weft_lin_of(f, &lin, simple, e->h.index ? WEFT_LIN_POLY : WEFT_LIN_RING) &&
              split_affine(f, &lin, v, &s, &r);
    if (ok) {
        *stride = weft_simp(f, weft_lin_build(f, &s));
        *rest = weft_simp(f, weft_lin_build(f, &r));
    }
    weft_facts_destroy(f);
    return ok;
}

/* ---- intervals ------------------------------------------------------------------------------- */

typedef struct scan {
    weft_facts *f;
    int n;
    const weft_var *const *var;
    const weft_interval *of;
    WEFT_VEC(const weft_expr *) seen; /* what was looked at, with what came out */
    WEFT_VEC(weft_interval) found;
} scan;

static const weft_interval nothing = { NULL, NULL };

static weft_interval interval_of(scan *, const weft_expr *);

static bool
mentions(const scan *s, const weft_expr *e)
{
    for (int i = 0; i < s->n; i++)
        if (weft_uses_var(e, s->var[i]))
            return true;
    return false;
}

static const weft_expr *
simple(const scan *s, const weft_expr *e)
{
    return e ? weft_simp(s->f, e) : NULL;
}

/* to + c * e; NULL when a part is missing, or constants leave the type: what is so far from any
 * value is no bound. */
static const weft_expr *
add_scaled(const scan *s, const weft_expr *to, const weft_expr *e, int64_t c)
{
    int64_t v, w = 0;
    if (!to || !e)
        return NULL;
    weft_ir *ir = s->f->ir;
    if (weft_as_int(e, &v)) {
        (void)weft_as_int(to, &w);
        if (!weft_mul64(v, c, &v) || !weft_add64(v, w, &w) ||
            !weft_range_fits((weft_range){ v, v }, weft_dtype_of(e)) ||
            !weft_range_fits((weft_range){ w, w }, weft_dtype_of(e)))
            return NULL;
    }
    to = weft_add(ir, to, weft_mul(ir, e, weft_const_like(ir, e->h.type, c)));
    return weft_simp(s->f, to);
}

/* The interval of k + c0*a0 + ...: each atom at the end that its coefficient's sign asks for. */
static weft_interval
of_sum(scan *s, const weft_lin *lin)
{
    weft_interval r = { weft_int(s->f->ir, lin->dtype, lin->k), NULL };
    r.hi = r.lo;
    for (int i = 0; i < lin->n; i++) {
        weft_interval a = interval_of(s, lin->t[i].atom);
        int64_t c = lin->t[i].c;
        r.lo = add_scaled(s, r.lo, c > 0 ? a.lo : a.hi, c);
        r.hi = add_scaled(s, r.hi, c > 0 ? a.hi : a.lo, c);
    }
    return r;
}

/* The product of two ends; NULL when constants leave the type. */
static const weft_expr *
mul_ends(const scan *s, const weft_expr *a, const weft_expr *b)
{
    int64_t v, w;
    if (weft_as_int(a, &v) && weft_as_int(b, &w) &&
        (!weft_mul64(v, w, &v) || !weft_range_fits((weft_range){ v, v }, weft_dtype_of(a))))
        return NULL;
    return weft_simp(s->f, weft_mul(s->f->ir, a, b));
}

/* x * y where y is free of the variables, or both are >= 0. */
static weft_interval
of_product(scan *s, const weft_expr *x, const weft_expr *y)
{
    weft_interval a = interval_of(s, x), b = interval_of(s, y);
    if (!a.lo || !a.hi || !b.lo || !b.hi)
        return nothing;
    bool fixed = b.lo == b.hi;
    if (fixed && weft_expr_at_least(s->f, weft_simp(s->f, weft_neg(s->f->ir, y)), 0))
        return (weft_interval){ mul_ends(s, a.hi, b.lo), mul_ends(s, a.lo, b.lo) };
    if (!weft_expr_at_least(s->f, b.lo, 0) || (!fixed && !weft_expr_at_least(s->f, a.lo, 0)))
        return nothing;
    return (weft_interval){ mul_ends(s, a.lo, b.lo), mul_ends(s, a.hi, b.hi) };
}

/* x // d and x % d by a d > 0 that is free of the variables. */
static weft_interval
of_division(scan *s, const weft_expr *e)
{
    weft_ir *ir = s->f->ir;
    const weft_expr *d = e->arg[1];
    if (mentions(s, d) || !weft_expr_at_least(s->f, d, 1))
        return nothing;
    weft_interval a = interval_of(s, e->arg[0]);
    weft_interval q = { NULL, NULL };
    if (a.lo)
        q.lo = weft_simp(s->f, weft_fdiv(ir, a.lo, d));
    if (a.hi)
        q.hi = weft_simp(s->f, weft_fdiv(ir, a.hi, d));
    if (e->h.kind == WEFT_EK_FDIV)
        return q;
    if (q.lo && q.lo == q.hi)
        return (weft_interval){ weft_simp(s->f, weft_fmod(ir, a.lo, d)),
                                weft_simp(s->f, weft_fmod(ir, a.hi, d)) };
    const weft_expr *one = weft_const_like(ir, d->h.type, 1);
    return (weft_interval){ weft_const_like(ir, d->h.type, 0),
                            weft_simp(s->f, weft_sub(ir, d, one)) };
}

static weft_interval
of_pair(scan *s, weft_ek lo, weft_ek hi, const weft_expr *x, const weft_expr *y)
{
    weft_ir *ir = s->f->ir;
    weft_interval a = interval_of(s, x), b = interval_of(s, y);
    return (weft_interval){ simple(s, weft_binary(ir, lo, a.lo, b.lo)),
                            simple(s, weft_binary(ir, hi, a.hi, b.hi)) };
}

/* What is known without the variables: the constant bounds. */
static weft_interval
of_bounds(scan *s, const weft_expr *e)
{
    weft_dtype t = weft_dtype_of(e);
    weft_range r = weft_range_of(s->f, e);
    weft_interval i = nothing;
    if (r.lo != INT64_MIN)
        i.lo = weft_int(s->f->ir, t, r.lo);
    if (r.hi != INT64_MAX)
        i.hi = weft_int(s->f->ir, t, r.hi);
    return i;
}

static weft_interval
of_minmax(scan *s, const weft_expr *e)
{
    weft_ek kind = (weft_ek)e->h.kind;
    weft_ir *ir = s->f->ir;
    weft_interval a = interval_of(s, e->arg[0]), b = interval_of(s, e->arg[1]);
    weft_interval r = { simple(s, weft_binary(ir, kind, a.lo, b.lo)),
                        simple(s, weft_binary(ir, kind, a.hi, b.hi)) };
    if (kind == WEFT_EK_MIN && !r.hi) /* a minimum is no more than either side */
        r.hi = a.hi ? a.hi : b.hi;
    if (kind == WEFT_EK_MAX && !r.lo)
        r.lo = a.lo ? a.lo : b.lo;
    return r;
}

/* Whether the ends of e's interval are values of e: each variable is in it once, and it grows or
 * falls with each. */
static bool
is_tight(const scan *s, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_VAR || !mentions(s, e))
        return true;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_NEG:
    case WEFT_EK_CAST:
        return is_tight(s, e->arg[0]);
    case WEFT_EK_FDIV:
        return !mentions(s, e->arg[1]) && is_tight(s, e->arg[0]);
    case WEFT_EK_MUL:
        return (!mentions(s, e->arg[0]) || !mentions(s, e->arg[1])) && is_tight(s, e->arg[0]) &&
               is_tight(s, e->arg[1]);
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
        for (int i = 0; i < s->n; i++)
            if (weft_uses_var(e->arg[0], s->var[i]) && weft_uses_var(e->arg[1], s->var[i]))
                return false;
        return is_tight(s, e->arg[0]) && is_tight(s, e->arg[1]);
    default:
        return false;
    }
}

/* What is no value of the argument may not fit where every value does: such an end is not taken. */
static const weft_expr *
cast_end(scan *s, const weft_expr *e, const weft_expr *end)
{
    weft_dtype to = weft_dtype_of(e);
    if (!end)
        return NULL;
    weft_range r = weft_range_of(s->f, end), d = weft_range_of_dtype(to);
    bool fits = to == WEFT_I64 || (r.lo > d.lo && r.hi < d.hi);
    if (!fits && (weft_is_imm(end) || !is_tight(s, e->arg[0])))
        return NULL;
    return weft_simp(s->f, weft_cast(s->f->ir, to, end));
}

static weft_interval
of_cast(scan *s, const weft_expr *e)
{
    if (!weft_is_scalar_int(e->arg[0]) || !e->h.index)
        return of_bounds(s, e);
    weft_interval a = interval_of(s, e->arg[0]);
    return (weft_interval){ cast_end(s, e, a.lo), cast_end(s, e, a.hi) };
}

static weft_interval
of_var(scan *s, const weft_expr *e)
{
    for (int i = 0; i < s->n; i++)
        if (s->var[i] == e->h.u.var)
            return s->of[i];
    return (weft_interval){ e, e };
}

static weft_interval
of_node(scan *s, const weft_expr *e)
{
    weft_lin lin;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_NEG:
        if (e->h.index && weft_lin_of(s->f, &lin, e, WEFT_LIN_EXACT))
            return of_sum(s, &lin);
        break;
    case WEFT_EK_MUL:
        if (!e->h.index || !weft_lin_of(s->f, &lin, e, WEFT_LIN_EXACT))
            break;
        if (lin.n == 1 && lin.t[0].atom == e)
            return mentions(s, e->arg[1]) ? of_product(s, e->arg[1], e->arg[0])
                                          : of_product(s, e->arg[0], e->arg[1]);
        return of_sum(s, &lin);
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        if (e->h.index)
            return of_division(s, e);
        break;
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return of_minmax(s, e);
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        return of_pair(s, WEFT_EK_MIN, WEFT_EK_MAX, e->arg[1], e->arg[2]);
    case WEFT_EK_CAST:
        return of_cast(s, e);
    default:
        break;
    }
    return of_bounds(s, e);
}

static weft_interval
interval_of(scan *s, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_VAR)
        return of_var(s, e);
    if (e->h.pure && !mentions(s, e))
        return (weft_interval){ e, e };
    for (int i = 0; i < s->seen.n; i++)
        if (s->seen.at[i] == e)
            return s->found.at[i];
    weft_interval r = of_node(s, e);
    weft_interval known = of_bounds(s, e);
    if (!r.lo)
        r.lo = known.lo;
    if (!r.hi)
        r.hi = known.hi;
    *WEFT_PUSH(&s->f->arena, &s->seen) = e;
    *WEFT_PUSH(&s->f->arena, &s->found) = r;
    return r;
}

weft_interval
weft_eval_interval(weft_ir *ir, weft_facts *facts, const weft_expr *e, int n,
                   const weft_var *const *var, const weft_interval *of)
{
    if (!e || !weft_is_scalar_int(e))
        return nothing;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    int mark = weft_facts_mark(f);
    for (int i = 0; i < n; i++)
        weft_facts_range(f, var[i], of[i].lo, of[i].hi);
    scan s = { .f = f, .n = n, .var = var, .of = of };
    weft_interval r = interval_of(&s, weft_simplify_expr(ir, f, e));
    weft_facts_pop(f, mark);
    r.lo = simple(&s, r.lo);
    r.hi = simple(&s, r.hi);
    if (!facts)
        weft_facts_destroy(f);
    return r;
}
