/* Index arithmetic, and the relations between axes: ranges downwards, indices upwards, guards. */
#include "lower/priv.h"

const weft_expr *
weft_ix_cast(weft_ir *ir, weft_dtype t, const weft_expr *e)
{
    int64_t v;
    if (!e || e->h.type.dtype == t)
        return e;
    return weft_as_int(e, &v) ? weft_int(ir, t, v) : weft_cast(ir, t, e);
}

/* x op neutral or zero, as far as it needs no proof; NULL otherwise. */
static const weft_expr *
trivial(weft_ir *ir, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    if ((op == WEFT_EK_ADD || op == WEFT_EK_SUB) && weft_is_int_imm(b, 0))
        return a;
    if (op == WEFT_EK_ADD && weft_is_int_imm(a, 0))
        return b;
    if ((op == WEFT_EK_MUL || op == WEFT_EK_FDIV) && weft_is_int_imm(b, 1))
        return a;
    if (op == WEFT_EK_MUL && weft_is_int_imm(a, 1))
        return b;
    if (op == WEFT_EK_FMOD && weft_is_int_imm(b, 1))
        return weft_int(ir, (weft_dtype)a->h.type.dtype, 0);
    return NULL;
}

const weft_expr *
weft_ix(weft_ir *ir, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    int64_t x, y, r;
    if (!a || !b)
        return NULL;
    if (a->h.type.dtype != b->h.type.dtype) {
        a = weft_ix_cast(ir, WEFT_I64, a);
        b = weft_ix_cast(ir, WEFT_I64, b);
    }
    weft_dtype t = (weft_dtype)a->h.type.dtype;
    if (weft_as_int(a, &x) && weft_as_int(b, &y) && weft_fold_i64(op, x, y, &r) &&
        weft_wrap_i64(t, r) == r)
        return weft_int(ir, t, r);
    const weft_expr *e = trivial(ir, op, a, b);
    return e ? e : weft_binary(ir, op, a, b);
}

/* ceil(a / b). */
static const weft_expr *
ceil_of(weft_ir *ir, const weft_expr *a, const weft_expr *b)
{
    const weft_expr *one = b ? weft_int(ir, (weft_dtype)b->h.type.dtype, 1) : NULL;
    return weft_ix(ir, WEFT_EK_FDIV, weft_ix(ir, WEFT_EK_ADD, a, weft_ix(ir, WEFT_EK_SUB, b, one)),
                   b);
}

const weft_expr *
weft_ix_and(weft_ir *ir, const weft_expr *a, const weft_expr *b)
{
    return !a ? b : !b ? a : weft_and(ir, a, b);
}

/* ---- ranges ---------------------------------------------------------------------------------- */

/* Whether a leaf made of the axis runs on threads or blocks: such ranges are kept as declared. */
static bool
reaches_thread(const weft_site *s, const weft_axis *axis)
{
    for (int i = 0; i < s->stage->relation.n; i++) {
        const weft_relation *r = &s->stage->relation.at[i];
        if (r->kind == WEFT_REL_SPLIT && r->whole == axis)
            return reaches_thread(s, r->outer) || reaches_thread(s, r->inner);
        if (r->kind == WEFT_REL_FUSE && (r->outer == axis || r->inner == axis))
            return reaches_thread(s, r->whole);
    }
    return weft_is_thread(axis->bind) || weft_is_block(axis->bind);
}

/* A part's extent or value in the type of the whole, which may be the wider one. */
static const weft_expr *
in_whole(const weft_plan *p, const weft_relation *r, const weft_expr *e)
{
    return e ? weft_ix_cast(p->ir, (weft_dtype)r->whole->var->type.dtype, e) : NULL;
}

static void
split_extents(weft_plan *p, weft_site *s, const weft_relation *r)
{
    const weft_expr *whole = s->extent[r->whole->id];
    const weft_expr *given =
        weft_ix_cast(p->ir, (weft_dtype)whole->h.type.dtype, r->factor ? r->factor : r->parts);
    weft_axis *said = r->factor ? r->inner : r->outer, *rest = r->factor ? r->outer : r->inner;
    int64_t f, n;
    if (weft_as_int(given, &f) && weft_as_int(whole, &n) && n < f && n > 0 &&
        !reaches_thread(s, said) && !weft_site_in_tile(s, said))
        given = whole;
    s->extent[said->id] = given;
    s->extent[rest->id] = weft_simplify_expr(p->ir, p->sizes, ceil_of(p->ir, whole, given));
}

weft_status
weft_site_extents(weft_plan *p, weft_site *s)
{
    for (int i = 0; i < s->stage->relation.n; i++) {
        const weft_relation *r = &s->stage->relation.at[i];
        if (r->kind == WEFT_REL_SPLIT)
            split_extents(p, s, r);
        else
            s->extent[r->whole->id] = weft_simplify_expr(
                p->ir, p->sizes,
                weft_ix(p->ir, WEFT_EK_MUL, in_whole(p, r, s->extent[r->outer->id]),
                        s->extent[r->inner->id]));
    }
    for (int i = 0; i < s->stage->leaf.n; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        const weft_expr **e = &s->extent[leaf->id];
        if (!*e)
            return weft_fail(p->diag, WEFT_INTERNAL,
                             "lowering '%s': leaf '%s' of stage '%s' has no range", p->te->name,
                             leaf->var->name, s->name);
        *e = weft_ix_cast(p->ir, (weft_dtype)leaf->var->type.dtype, *e);
    }
    return WEFT_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

const weft_expr *
weft_site_leaf(const weft_plan *p, const weft_site *s, const weft_axis *leaf)
{
    const weft_var *v = s->cluster->var[leaf->bind];
    v = v ? v : s->loop[leaf->id];
    return v ? weft_ix_cast(p->ir, (weft_dtype)leaf->var->type.dtype, weft_ref(p->ir, v))
             : weft_int(p->ir, (weft_dtype)leaf->var->type.dtype, 0);
}

void
weft_site_values(const weft_plan *p, const weft_site *s, const weft_expr **value)
{
    weft_ir *ir = p->ir;
    for (int i = s->stage->relation.n - 1; i >= 0; i--) {
        const weft_relation *r = &s->stage->relation.at[i];
        const weft_expr *inner = s->extent[r->inner->id];
        if (r->kind == WEFT_REL_SPLIT) {
            const weft_expr *base =
                weft_ix(ir, WEFT_EK_MUL, in_whole(p, r, value[r->outer->id]), inner);
            value[r->whole->id] = weft_ix_cast(ir, (weft_dtype)r->whole->var->type.dtype,
                                               weft_ix(ir, WEFT_EK_ADD, base, value[r->inner->id]));
        } else if (weft_is_int_imm(s->extent[r->outer->id], 1)) {
            value[r->outer->id] = weft_int(ir, (weft_dtype)r->outer->var->type.dtype, 0);
            value[r->inner->id] =
                weft_ix_cast(ir, (weft_dtype)r->inner->var->type.dtype, value[r->whole->id]);
        } else {
            const weft_expr *whole = value[r->whole->id];
            value[r->outer->id] = weft_ix_cast(ir, (weft_dtype)r->outer->var->type.dtype,
                                               weft_ix(ir, WEFT_EK_FDIV, whole, inner));
            value[r->inner->id] = weft_ix_cast(ir, (weft_dtype)r->inner->var->type.dtype,
                                               weft_ix(ir, WEFT_EK_FMOD, whole, inner));
        }
    }
}

const weft_expr *
weft_site_absolute(const weft_plan *p, const weft_site *s, const weft_expr *const *value, int d)
{
    const weft_axis *axis = weft_site_axis(s, d);
    const weft_expr *e = value[axis->id];
    if (e && d < s->op->naxis)
        e = weft_ix(p->ir, WEFT_EK_ADD, s->min[d], e);
    return weft_ix_cast(p->ir, (weft_dtype)axis->var->type.dtype, e);
}

/* ---- guards ---------------------------------------------------------------------------------- */

/* x // c < d as x < c * d, which says more to whoever looks for the range of x. */
static const weft_expr *
multiplied(const weft_plan *p, const weft_expr *cond)
{
    int64_t c, d, cd;
    if (!cond || cond->h.kind != WEFT_EK_LT || cond->arg[0]->h.kind != WEFT_EK_FDIV ||
        !weft_as_int(cond->arg[0]->arg[1], &c) || !weft_as_int(cond->arg[1], &d) || c <= 0 ||
        !weft_mul64(c, d, &cd))
        return cond;
    weft_dtype t = (weft_dtype)cond->arg[1]->h.type.dtype;
    return weft_wrap_i64(t, cd) == cd ? weft_lt(p->ir, cond->arg[0]->arg[0], weft_int(p->ir, t, cd))
                                      : cond;
}

/* Whether x // c < d because 0 <= x < c * d, of numbers that are not known yet: a fused axis.
 * c, not below 0, is not 0 then. */
static bool
is_part(const weft_plan *p, const weft_expr *cond)
{
    if (cond->h.kind != WEFT_EK_LT || cond->arg[0]->h.kind != WEFT_EK_FDIV ||
        weft_is_imm(cond->arg[0]->arg[1]))
        return false;
    const weft_expr *x = cond->arg[0]->arg[0], *c = cond->arg[0]->arg[1], *d = cond->arg[1],
                    *zero = weft_int(p->ir, (weft_dtype)c->h.type.dtype, 0);
    return weft_prove(p->ir, p->facts, weft_ge(p->ir, c, zero)) &&
           weft_prove(p->ir, p->facts, weft_ge(p->ir, x, zero)) &&
           weft_prove(p->ir, p->facts, weft_lt(p->ir, x, weft_mul(p->ir, d, c)));
}

/* cond is added to the guard, and to what is known, unless it is known already. */
static void
require(const weft_plan *p, const weft_expr **guard, const weft_expr *cond)
{
    cond = multiplied(p, weft_simplify_expr(p->ir, p->facts, cond));
    if (!cond || weft_is_int_imm(cond, 1) || weft_prove(p->ir, p->facts, cond) || is_part(p, cond))
        return;
    weft_facts_assume(p->facts, cond);
    *guard = weft_ix_and(p->ir, *guard, cond);
}

static const weft_expr *
less(const weft_plan *p, const weft_expr *a, const weft_expr *b)
{
    if (a->h.type.dtype != b->h.type.dtype) {
        a = weft_ix_cast(p->ir, WEFT_I64, a);
        b = weft_ix_cast(p->ir, WEFT_I64, b);
    }
    return weft_lt(p->ir, a, b);
}

/* Splits whose parts overshoot the whole.  An axis is `known` to be within its range once the axis
 * it was split from, as the outer part, or fused from, as the outer part, is; one fused from an axis
 * of one step once the inner part is, which has its value. */
static void
require_splits(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
               bool data_only, const weft_expr **guard)
{
    bool *known = WEFT_NEW_ARRAY(p->arena, p->te->naxis, bool);
    for (int i = 0; i < s->stage->relation.n; i++) {
        const weft_relation *r = &s->stage->relation.at[i];
        const weft_expr *whole = s->extent[r->whole->id];
        if (r->kind == WEFT_REL_FUSE) {
            bool one = weft_is_int_imm(s->extent[r->outer->id], 1);
            known[r->whole->id] = known[(one ? r->inner : r->outer)->id];
            continue;
        }
        const weft_expr *covers = weft_ix_cast(
            p->ir, (weft_dtype)whole->h.type.dtype,
            weft_ix(p->ir, WEFT_EK_MUL, in_whole(p, r, s->extent[r->outer->id]),
                    s->extent[r->inner->id]));
        bool skip = data_only && r->whole->kind != WEFT_AXIS_DATA;
        if (!skip && !known[r->whole->id] && value[r->whole->id] &&
            !weft_prove(p->ir, p->facts, weft_eq(p->ir, covers, whole))) {
            require(p, guard, less(p, value[r->whole->id], whole));
            known[r->whole->id] = true;
        }
        known[r->outer->id] = known[r->whole->id];
    }
}

/* Leaves on a thread axis of the kernel that is longer than theirs. */
static void
require_threads(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
                bool data_only, const weft_expr **guard)
{
    for (int i = 0; i < s->stage->leaf.n; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        if (!s->cluster->var[leaf->bind] || (data_only && leaf->kind != WEFT_AXIS_DATA))
            continue;
        if (s->extent[leaf->id] != s->cluster->extent[leaf->bind])
            require(p, guard, less(p, value[leaf->id], s->extent[leaf->id]));
    }
}

bool
weft_site_reduces_over(const weft_site *s, weft_bind bind)
{
    for (int i = 0; i < s->stage->leaf.n; i++)
        if (s->stage->leaf.at[i]->bind == bind && s->stage->leaf.at[i]->kind == WEFT_AXIS_REDUCE)
            return true;
    return false;
}

/* What each thread computes for itself is for the threads that read it: those of the loop that it
 * is computed at, which may be fewer than the kernel has, but all where they reduce it together. */
static void
require_readers(const weft_plan *p, const weft_site *s, const weft_expr **guard)
{
    unsigned together = 0;
    for (; s->parent && s->space == WEFT_LOCAL; s = s->parent) {
        for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++)
            together |= weft_site_reduces_over(s, (weft_bind)b) ? 1u << b : 0;
        for (int i = 0; i <= s->at; i++) {
            const weft_axis *leaf = s->parent->stage->leaf.at[i];
            const weft_expr *extent = s->parent->extent[leaf->id];
            if (weft_is_thread(leaf->bind) && !(together >> leaf->bind & 1) &&
                extent != s->cluster->extent[leaf->bind])
                require(p, guard, less(p, s->parent->value[leaf->id], extent));
        }
    }
}

/* Regions that reach beyond the tensor. */
static void
require_domain(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
               const weft_expr **guard)
{
    for (int d = 0; d < s->op->naxis; d++) {
        const weft_axis *axis = s->op->axis[d];
        if (weft_is_int_imm(s->min[d], 0) && s->extent[axis->id] == axis->extent)
            continue;
        const weft_expr *at = weft_site_absolute(p, s, value, d);
        require(p, guard, weft_ge(p->ir, at, weft_int(p->ir, (weft_dtype)at->h.type.dtype, 0)));
        require(p, guard, less(p, at, axis->extent));
    }
}

const weft_expr *
weft_site_reach(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
                bool data_only)
{
    const weft_expr *guard = NULL;
    int mark = weft_facts_mark(p->facts);
    require_threads(p, s, value, data_only, &guard);
    require_splits(p, s, value, data_only, &guard);
    weft_facts_pop(p->facts, mark);
    return guard;
}

const weft_expr *
weft_site_domain(const weft_plan *p, const weft_site *s, const weft_expr *const *value)
{
    const weft_expr *guard = NULL;
    int mark = weft_facts_mark(p->facts);
    require_domain(p, s, value, &guard);
    weft_facts_pop(p->facts, mark);
    return guard;
}

const weft_expr *
weft_site_guard(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
                bool data_only)
{
    const weft_expr *guard = NULL;
    int mark = weft_facts_mark(p->facts);
    require_threads(p, s, value, data_only, &guard);
    require_readers(p, s, &guard);
    require_splits(p, s, value, data_only, &guard);
    if (!s->beyond)
        require_domain(p, s, value, &guard);
    if (s->stage->stored)
        require(p, &guard, weft_site_resolve(p, s, value, s->stage->stored));
    weft_facts_pop(p->facts, mark);
    return guard;
}
