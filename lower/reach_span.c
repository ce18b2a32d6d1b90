/* The least and the greatest value of integers in a kernel, over its scalars, and what i32 has to
 * hold of them.
 *
 * Ends are computed in i64 from those of the operands, and conditions around narrow them: what
 * stands in `if i < m` is below m.  What is loaded, and bits, have no ends. */
#include "lower/reach.h"

enum {
    LARGE = 2048, /* nodes of an expression's text */
    DEEP = 6      /* parts of parts that a condition tells of */
};

static const weft_expr *
num(weft_counter *c, int64_t v)
{
    return weft_int(c->ir, WEFT_I64, v);
}

static bool
is_arithmetic(const weft_expr *e)
{
    static const bool is[WEFT_EK_COUNT] = {
        [WEFT_EK_IMM] = true, [WEFT_EK_VAR] = true,  [WEFT_EK_ADD] = true,  [WEFT_EK_SUB] = true,
        [WEFT_EK_MUL] = true, [WEFT_EK_FDIV] = true, [WEFT_EK_FMOD] = true, [WEFT_EK_MIN] = true,
        [WEFT_EK_MAX] = true, [WEFT_EK_NEG] = true
    };
    return is[e->h.kind];
}

/* Nodes of the expression as a tree, which is what its text is; INT32_MAX at most, and of what has
 * no text in a plan. */
static int
tree_size(weft_counter *c, const weft_expr *e)
{
    int64_t n = 1;
    while (c->tree.n <= (int)e->id)
        *WEFT_PUSH(&c->arena, &c->tree) = 0;
    if (c->tree.at[e->id])
        return c->tree.at[e->id];
    for (int i = 0; i < e->h.nargs; i++)
        n += tree_size(c, e->arg[i]);
    n = is_arithmetic(e) && n < INT32_MAX ? n : INT32_MAX;
    return c->tree.at[e->id] = (int)n;
}

/* What has no text, or one that is too large, is given up. */
static const weft_expr *
kept(weft_counter *c, const weft_expr *e)
{
    bool large = tree_size(c, e) > LARGE;
    c->lost |= large;
    return large ? NULL : e;
}

/* Numbers beyond 64 bits are as large as these hold. */
const weft_expr *
weft_span_op(weft_counter *c, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    int64_t x, y, r;
    if (!a || !b)
        return NULL;
    if (weft_as_int(a, &x) && weft_as_int(b, &y) && !weft_fold_i64(op, x, y, &r))
        return num(c, (op == WEFT_EK_MUL ? (x < 0) != (y < 0) : x < 0) ? -INT64_MAX : INT64_MAX);
    return kept(c, weft_simplify_expr(c->ir, c->facts, weft_ix(c->ir, op, a, b)));
}

/* What is one value over the scalars. */
static bool
is_point(weft_span s)
{
    return s.lo && s.lo == s.hi;
}

static bool
at_least(weft_counter *c, const weft_expr *e, int64_t v)
{
    int64_t lo, hi;
    return e && ((weft_bounds(c->ir, c->facts, e, &lo, &hi) && lo >= v) ||
                 weft_prove(c->ir, c->facts, weft_ge(c->ir, e, num(c, v))));
}

static bool
is_at_most(weft_counter *c, const weft_expr *a, const weft_expr *b)
{
    return a == b || weft_prove(c->ir, c->facts, weft_le(c->ir, a, b));
}

/* ---- what i32 has to hold -------------------------------------------------------------------- */

static void
note_most(weft_counter *c, const weft_expr *e)
{
    int64_t lo, hi;
    if (!e || (weft_bounds(c->ir, c->facts, e, &lo, &hi) && hi <= INT32_MAX))
        return;
    while (c->noted.n <= (int)e->id)
        *WEFT_PUSH(&c->arena, &c->noted) = false;
    if (!c->noted.at[e->id])
        weft_most_add(c, e);
    c->noted.at[e->id] = true;
}

static void
note(weft_counter *c, weft_span s)
{
    note_most(c, s.hi);
    if (!at_least(c, s.lo, -INT32_MAX))
        note_most(c, weft_span_op(c, WEFT_EK_SUB, num(c, 0), s.lo));
}

/* Whether the expression is computed in i32 and does not wrap: see doc/IR.md, 1. */
static bool
counts(const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_NEG:
    case WEFT_EK_RAMP:
    case WEFT_EK_CAST:
        return e->h.type.dtype == WEFT_I32 && (e->h.type.lanes == 1 ? e->h.index : e->h.pure);
    default:
        return false;
    }
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static weft_span
both_ends(weft_counter *c, weft_ek op, weft_span a, weft_span b)
{
    return (weft_span){ weft_span_op(c, op, a.lo, b.lo), weft_span_op(c, op, a.hi, b.hi) };
}

static weft_span
difference(weft_counter *c, weft_span a, weft_span b)
{
    return (weft_span){ weft_span_op(c, WEFT_EK_SUB, a.lo, b.hi),
                        weft_span_op(c, WEFT_EK_SUB, a.hi, b.lo) };
}

/* The greater of e and v. */
static const weft_expr *
no_less(weft_counter *c, const weft_expr *e, int64_t v)
{
    return at_least(c, e, v) ? e : weft_span_op(c, WEFT_EK_MAX, e, num(c, v));
}

static const weft_expr *
no_more(weft_counter *c, const weft_expr *e, int64_t v)
{
    return weft_span_op(c, WEFT_EK_MIN, e, num(c, v));
}

/* The farthest from 0. */
static const weft_expr *
size_of(weft_counter *c, weft_span s)
{
    const weft_expr *below = weft_span_op(c, WEFT_EK_SUB, num(c, 0), s.lo);
    return at_least(c, s.lo, 0) ? s.hi : weft_span_op(c, WEFT_EK_MAX, s.hi, below);
}

/* a * b; (x // y) * y is no more than x. */
static const weft_expr *
most_product(weft_counter *c, const weft_expr *a, const weft_expr *b)
{
    if (a && a->h.kind == WEFT_EK_FDIV && a->arg[1] == b)
        return a->arg[0];
    if (b && b->h.kind == WEFT_EK_FDIV && b->arg[1] == a)
        return b->arg[0];
    return weft_span_op(c, WEFT_EK_MUL, a, b);
}

/* Of b that is not negative. */
static weft_span
scaled(weft_counter *c, weft_span a, weft_span b)
{
    const weft_expr *lo = is_point(b) || at_least(c, a.lo, 0)
                              ? weft_span_op(c, WEFT_EK_MUL, a.lo, b.lo)
                              : weft_span_op(c, WEFT_EK_MUL, no_more(c, a.lo, 0), b.hi);
    const weft_expr *hi = is_point(b) ? a.hi : no_less(c, a.hi, 0);
    return (weft_span){ lo, most_product(c, hi, b.hi) };
}

static weft_span
product(weft_counter *c, weft_span a, weft_span b)
{
    if (is_point(a) && is_point(b))
        return both_ends(c, WEFT_EK_MUL, a, b);
    if (at_least(c, b.lo, 0))
        return scaled(c, a, b);
    if (at_least(c, a.lo, 0))
        return scaled(c, b, a);
    const weft_expr *most = weft_span_op(c, WEFT_EK_MUL, size_of(c, a), size_of(c, b));
    return (weft_span){ weft_span_op(c, WEFT_EK_SUB, num(c, 0), most), most };
}

/* By b, which is at least 1 where it is divided by. */
static weft_span
quotient(weft_counter *c, weft_span a, weft_span b)
{
    if (!at_least(c, b.lo, 0))
        return (weft_span){ NULL, NULL };
    const weft_expr *least = no_less(c, b.lo, 1);
    if (!at_least(c, a.lo, 0))
        return (weft_span){ no_more(c, a.lo, 0),
                            weft_span_op(c, WEFT_EK_FDIV, no_less(c, a.hi, 0), least) };
    const weft_expr *most = is_point(b) ? least : b.hi ? no_less(c, b.hi, 1) : NULL;
    return (weft_span){ most ? weft_span_op(c, WEFT_EK_FDIV, a.lo, most) : num(c, 0),
                        weft_span_op(c, WEFT_EK_FDIV, a.hi, least) };
}

static weft_span
remainder_of(weft_counter *c, weft_ek op, weft_span a, weft_span b)
{
    const weft_expr *most = weft_span_op(c, WEFT_EK_SUB, b.hi, num(c, 1));
    bool above = at_least(c, a.lo, 0);
    if (!at_least(c, b.lo, 0))
        return (weft_span){ NULL, NULL };
    if (above && is_point(a) && is_point(b)) {
        const weft_expr *e = weft_span_op(c, WEFT_EK_FMOD, a.lo, no_less(c, b.lo, 1));
        return (weft_span){ e, e };
    }
    if (above && a.hi && (!most || is_at_most(c, a.hi, most)))
        most = a.hi;
    return (weft_span){ above || op == WEFT_EK_FMOD ? num(c, 0)
                                                    : weft_span_op(c, WEFT_EK_SUB, num(c, 0), most),
                        most };
}

/* A minimum is no more than either side, a maximum no less. */
static weft_span
lesser(weft_counter *c, weft_span a, weft_span b)
{
    weft_span r = both_ends(c, WEFT_EK_MIN, a, b);
    r.hi = r.hi ? r.hi : a.hi ? a.hi : b.hi;
    return r;
}

static weft_span
greater(weft_counter *c, weft_span a, weft_span b)
{
    weft_span r = both_ends(c, WEFT_EK_MAX, a, b);
    r.lo = r.lo ? r.lo : a.lo ? a.lo : b.lo;
    return r;
}

static weft_span
either(weft_counter *c, weft_span a, weft_span b)
{
    return (weft_span){ weft_span_op(c, WEFT_EK_MIN, a.lo, b.lo),
                        weft_span_op(c, WEFT_EK_MAX, a.hi, b.hi) };
}

static weft_span
arithmetic(weft_counter *c, weft_ek op, weft_span a, weft_span b)
{
    switch (op) {
    case WEFT_EK_ADD:
        return both_ends(c, op, a, b);
    case WEFT_EK_SUB:
        return difference(c, a, b);
    case WEFT_EK_MUL:
        return product(c, a, b);
    case WEFT_EK_FDIV:
    case WEFT_EK_TDIV:
        return quotient(c, a, b);
    case WEFT_EK_FMOD:
    case WEFT_EK_TMOD:
        return remainder_of(c, op, a, b);
    case WEFT_EK_MIN:
        return lesser(c, a, b);
    case WEFT_EK_MAX:
        return greater(c, a, b);
    default:
        return (weft_span){ NULL, NULL };
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* Of values of the type, where that is narrower than what counts. */
static weft_span
of_type(weft_counter *c, weft_type t)
{
    weft_dtype d = (weft_dtype)t.dtype;
    if (!weft_is_int(d) || weft_dtype_bits(d) >= 32)
        return d == WEFT_BOOL ? (weft_span){ num(c, 0), num(c, 1) } : (weft_span){ NULL, NULL };
    return (weft_span){ num(c, weft_dtype_min(d)), num(c, weft_dtype_max(d)) };
}

void
weft_span_place(weft_counter *c, const weft_buf *b, const weft_expr *at)
{
    weft_span s = weft_span_of(c, at);
    if (at->h.type.dtype != WEFT_I32)
        return;
    if (!s.hi && b->ndim == 1)
        s.hi = weft_span_op(c, WEFT_EK_SUB, weft_span_of(c, b->shape[0]).hi, num(c, 1));
    note(c, s);
}

static weft_span
of_ramp(weft_counter *c, const weft_expr *e)
{
    weft_span last = { num(c, e->h.type.lanes - 1), num(c, e->h.type.lanes - 1) };
    weft_span base = weft_span_of(c, e->arg[0]);
    weft_span end = both_ends(c, WEFT_EK_ADD, base, product(c, weft_span_of(c, e->arg[1]), last));
    return at_least(c, weft_span_of(c, e->arg[1]).lo, 0) ? (weft_span){ base.lo, end.hi }
                                                         : either(c, base, end);
}

static weft_span
of_guard(weft_counter *c, const weft_expr *e)
{
    weft_span arm[2];
    weft_span_of(c, e->arg[0]);
    for (int i = 0; i < 2; i++) {
        weft_scene around = weft_span_enter(c, e->arg[0], i == 0);
        arm[i] = weft_span_of(c, e->arg[1 + i]);
        weft_span_leave(c, around);
    }
    return either(c, arm[0], arm[1]);
}

static weft_span
of_cast(weft_counter *c, const weft_expr *e)
{
    weft_span s = weft_span_of(c, e->arg[0]);
    weft_dtype to = (weft_dtype)e->h.type.dtype;
    bool wide = to == WEFT_I32 || to == WEFT_I64;
    return wide && !weft_is_float((weft_dtype)e->arg[0]->h.type.dtype) ? s : of_type(c, e->h.type);
}

static weft_span
of_parts(weft_counter *c, const weft_expr *e)
{
    weft_span all = weft_span_of(c, e->arg[0]);
    for (int i = 1; i < e->h.nargs; i++) {
        weft_span one = weft_span_of(c, e->arg[i]);
        all = e->h.kind == WEFT_EK_VEC ? either(c, all, one) : all;
    }
    return e->h.kind == WEFT_EK_VEC || e->h.kind == WEFT_EK_BCAST || e->h.kind == WEFT_EK_LANE
               ? all
               : of_type(c, e->h.type);
}

static weft_span
of_load(weft_counter *c, const weft_expr *e)
{
    for (int i = 0; i < e->h.nargs; i++)
        weft_span_place(c, e->h.u.buf, e->arg[i]);
    return of_type(c, e->h.type);
}

static weft_span
of_kind(weft_counter *c, const weft_expr *e)
{
    int64_t v;
    weft_span a;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return weft_as_int(e, &v) ? (weft_span){ num(c, v), num(c, v) } : (weft_span){ NULL, NULL };
    case WEFT_EK_VAR:
        return c->of_var[e->h.u.var->id];
    case WEFT_EK_LOAD:
        return of_load(c, e);
    case WEFT_EK_RAMP:
        return of_ramp(c, e);
    case WEFT_EK_CAST:
        return of_cast(c, e);
    case WEFT_EK_GUARD:
        return of_guard(c, e);
    case WEFT_EK_SELECT:
        weft_span_of(c, e->arg[0]);
        return either(c, weft_span_of(c, e->arg[1]), weft_span_of(c, e->arg[2]));
    case WEFT_EK_NEG:
        a = weft_span_of(c, e->arg[0]);
        return difference(c, (weft_span){ num(c, 0), num(c, 0) }, a);
    default:
        break;
    }
    bool whole = e->h.type.dtype == WEFT_I32 || e->h.type.dtype == WEFT_I64;
    if (!whole || e->h.nargs != 2 || e->h.kind == WEFT_EK_CALL)
        return e->h.nargs ? of_parts(c, e) : of_type(c, e->h.type);
    a = weft_span_of(c, e->arg[0]);
    return arithmetic(c, (weft_ek)e->h.kind, a, weft_span_of(c, e->arg[1]));
}

/* ---- conditions ------------------------------------------------------------------------------ */

static bool
is_number(const weft_expr *e)
{
    return e && weft_is_imm(e);
}

/* The lesser of two bounds from above: of a number and another that is not told apart, both. */
static const weft_expr *
least_of(weft_counter *c, const weft_expr *a, const weft_expr *b)
{
    if (!a || !b || is_at_most(c, a, b))
        return a ? a : b;
    bool apart = is_number(a) == is_number(b) || is_at_most(c, b, a);
    return apart ? b : weft_span_op(c, WEFT_EK_MIN, a, b);
}

static weft_span
narrowed(weft_counter *c, const weft_expr *e, weft_span s)
{
    for (int i = c->known.n - 1; i >= 0 && !is_point(s); i--) {
        const weft_known *k = &c->known.at[i];
        if (k->of != e)
            continue;
        s.hi = least_of(c, s.hi, k->span.hi);
        if (k->span.lo && !(s.lo && is_at_most(c, k->span.lo, s.lo)))
            s.lo = k->span.lo;
    }
    return s;
}

weft_span
weft_span_of(weft_counter *c, const weft_expr *e)
{
    weft_seen *seen = &c->seen[e->id];
    if (seen->scene == c->scene)
        return seen->span;
    weft_span s = narrowed(c, e, of_kind(c, e));
    if (counts(e))
        note(c, s);
    *seen = (weft_seen){ c->scene, s };
    return s;
}

/* What is read from memory may be another value the next time. */
static void
learn(weft_counter *c, const weft_expr *e, const weft_expr *lo, const weft_expr *hi)
{
    if (!weft_is_imm(e) && e->h.pure && (lo || hi))
        *WEFT_PUSH(&c->arena, &c->known) = (weft_known){ e, { lo, hi } };
}

/* e is at most `most`, and so are its parts what the others leave of that. */
static void
learn_most(weft_counter *c, const weft_expr *e, const weft_expr *most, int deep)
{
    int64_t by;
    learn(c, e, NULL, most);
    if (!most || !deep)
        return;
    if (e->h.kind == WEFT_EK_CAST)
        learn_most(c, e->arg[0], most, deep - 1);
    if (e->h.kind == WEFT_EK_VAR && c->of_let[e->h.u.var->id])
        learn_most(c, c->of_let[e->h.u.var->id], most, deep - 1);
    if (e->h.kind == WEFT_EK_MUL && weft_as_int(e->arg[1], &by) && by > 0)
        learn_most(c, e->arg[0], weft_span_op(c, WEFT_EK_FDIV, most, num(c, by)), deep - 1);
    for (int i = 0; i < 2 && e->h.kind == WEFT_EK_ADD; i++)
        learn_most(c, e->arg[i],
                   weft_span_op(c, WEFT_EK_SUB, most, weft_span_of(c, e->arg[1 - i]).lo), deep - 1);
}

/* a < b, or a <= b. */
static void
learn_order(weft_counter *c, const weft_expr *a, const weft_expr *b, bool less)
{
    if (a->h.type.lanes > 1 || !weft_is_int((weft_dtype)a->h.type.dtype))
        return;
    const weft_expr *most = weft_span_of(c, b).hi, *least = weft_span_of(c, a).lo;
    learn_most(c, a, less ? weft_span_op(c, WEFT_EK_SUB, most, num(c, 1)) : most, DEEP);
    learn(c, b, less ? weft_span_op(c, WEFT_EK_ADD, least, num(c, 1)) : least, NULL);
}

static void
learn_all(weft_counter *c, const weft_expr *cond, bool truth)
{
    const weft_expr *a = cond->arg[0], *b = cond->h.nargs > 1 ? cond->arg[1] : NULL;
    switch ((weft_ek)cond->h.kind) {
    case WEFT_EK_NOT:
        learn_all(c, a, !truth);
        return;
    case WEFT_EK_AND:
    case WEFT_EK_OR:
        if (truth == (cond->h.kind == WEFT_EK_AND)) {
            learn_all(c, a, truth);
            learn_all(c, b, truth);
        }
        return;
    case WEFT_EK_LT:
    case WEFT_EK_LE:
        if (truth)
            learn_order(c, a, b, cond->h.kind == WEFT_EK_LT);
        else
            learn_order(c, b, a, cond->h.kind == WEFT_EK_LE);
        return;
    case WEFT_EK_GT:
    case WEFT_EK_GE:
        if (truth)
            learn_order(c, b, a, cond->h.kind == WEFT_EK_GT);
        else
            learn_order(c, a, b, cond->h.kind == WEFT_EK_GE);
        return;
    default:
        return;
    }
}

weft_scene
weft_span_enter(weft_counter *c, const weft_expr *cond, bool truth)
{
    weft_scene around = { c->scene, c->known.n };
    learn_all(c, cond, truth);
    if (c->known.n > around.nknown)
        c->scene = ++c->nscene;
    return around;
}

void
weft_span_leave(weft_counter *c, weft_scene around)
{
    c->scene = around.scene;
    c->known.n = around.nknown;
}
