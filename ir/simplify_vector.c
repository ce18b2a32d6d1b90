/* Vectors: work that is the same in all lanes is done once, and what is known of a ramp's lanes.
 * The algebra of ramps is in rules.def. */
#include "ir/simplify.h"

/* ---- broadcasts ------------------------------------------------------------------------------ */

/* Works lane by lane on arguments of as many lanes as the result. */
static bool
is_elementwise(const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_CALL:
        return weft_intrin_infos[e->h.u.intrin].cls != WEFT_IC_LANES;
    case WEFT_EK_SELECT:
    case WEFT_EK_CAST:
        return true;
    default:
        return e->h.kind != WEFT_EK_GUARD && weft_expr_infos[e->h.kind].form != WEFT_FORM_OWN;
    }
}

/* op(bcast(x), bcast(y)) is bcast(op(x, y)); a load at one place is one load. */
static const weft_expr *
lift_broadcast(weft_facts *f, const weft_expr *e)
{
    enum { MOST = 8 };
    const weft_expr *arg[MOST];
    int first = e->h.kind == WEFT_EK_GUARD, last = e->h.nargs;
    if (e->h.nargs == 0 || e->h.nargs > MOST)
        return NULL;
    if (e->h.kind == WEFT_EK_LOAD)
        first = last - 1;
    else if (!first && !is_elementwise(e))
        return NULL;
    for (int i = 0; i < last; i++) {
        if (i >= first && e->arg[i]->h.kind != WEFT_EK_BCAST)
            return NULL;
        arg[i] = i >= first ? e->arg[i]->arg[0] : e->arg[i];
    }
    weft_head h = e->h;
    h.type.lanes = 1;
    return weft_bcast(f->ir, weft_expr_make(f->ir, h, e->h.nargs, arg), e->h.type.lanes);
}

/* ---- ramps ----------------------------------------------------------------------------------- */

/* The base, stride and lanes of an index ramp with a constant stride. */
static bool
is_index_ramp(const weft_expr *e, int64_t *stride)
{
    return e->h.kind == WEFT_EK_RAMP && e->arg[0]->h.index && weft_as_int(e->arg[1], stride);
}

static bool
same_quotient(weft_facts *f, const weft_expr *ramp, int64_t stride, int64_t c)
{
    int64_t way;
    weft_range r = weft_range_of(
        f, weft_simp(f, weft_fmod(f->ir, ramp->arg[0], weft_int(f->ir, weft_dtype_of(ramp), c))));
    if (!weft_mul64(stride, ramp->h.type.lanes - 1, &way) || r.lo < 0 || r.hi > c)
        return false;
    return way >= 0 ? way < c && r.hi + way < c : way > -c && r.lo + way >= 0;
}

/* ramp // c and ramp % c where all lanes have the same quotient. */
static const weft_expr *
divide_ramp(weft_facts *f, const weft_expr *e)
{
    int64_t c, stride;
    const weft_expr *ramp = e->arg[0];
    weft_ir *ir = f->ir;
    if (!is_index_ramp(ramp, &stride) || !weft_as_const(e->arg[1], &c) || c <= 0 ||
        !same_quotient(f, ramp, stride, c))
        return NULL;
    const weft_expr *by = weft_int(ir, weft_dtype_of(ramp), c);
    if (e->h.kind == WEFT_EK_FDIV)
        return weft_bcast(ir, weft_fdiv(ir, ramp->arg[0], by), e->h.type.lanes);
    return weft_ramp(ir, weft_fmod(ir, ramp->arg[0], by), ramp->arg[1], e->h.type.lanes);
}

/* ramp op bcast(n), where base - n + stride * lane is on one side of 0 whatever the lane: the first
 * lane decides for all.  base - n is r modulo g, and r + way < g for the way to the last lane. */
static const weft_expr *
compare_ramp(weft_facts *f, const weft_expr *e)
{
    int64_t stride, way;
    const weft_expr *ramp = e->arg[0];
    bool next = e->h.kind == WEFT_EK_LE || e->h.kind == WEFT_EK_GT; /* x <= n is x < n + 1 */
    weft_ir *ir = f->ir;
    if (e->h.kind == WEFT_EK_EQ || e->h.kind == WEFT_EK_NE || e->arg[1]->h.kind != WEFT_EK_BCAST)
        return NULL;
    const weft_expr *n = e->arg[1]->arg[0];
    if (!n->h.index || !is_index_ramp(ramp, &stride) || stride <= 0 ||
        !weft_mul64(stride, ramp->h.type.lanes - 1, &way))
        return NULL;
    const weft_expr *far = weft_sub(ir, ramp->arg[0], n);
    if (next)
        far = weft_sub(ir, far, weft_const_like(ir, n->h.type, 1));
    weft_mod m = weft_mod_of(f, weft_simp(f, far));
    if (m.coeff <= 1 || way >= m.coeff || m.base + way >= m.coeff)
        return NULL;
    const weft_expr *first = weft_binary(ir, (weft_ek)e->h.kind, ramp->arg[0], n);
    return weft_bcast(ir, first, e->h.type.lanes);
}

/* A comparison of vectors that the bounds of all lanes decide. */
static const weft_expr *
decide_lanes(weft_facts *f, const weft_expr *e)
{
    if (!weft_is_int(weft_dtype_of(e->arg[0])) || weft_dtype_of(e->arg[0]) == WEFT_U64 ||
        !weft_facts_droppable(f, e))
        return NULL;
    weft_range a = weft_range_of(f, e->arg[0]), b = weft_range_of(f, e->arg[1]);
    bool swap = e->h.kind == WEFT_EK_GT || e->h.kind == WEFT_EK_LE;
    bool less = e->h.kind == WEFT_EK_LT || e->h.kind == WEFT_EK_GT;
    if (e->h.kind == WEFT_EK_EQ || e->h.kind == WEFT_EK_NE)
        return a.hi < b.lo || b.hi < a.lo
                   ? weft_bool_const(f->ir, e->h.type, e->h.kind == WEFT_EK_NE)
                   : NULL;
    if (swap) {
        weft_range r = a;
        a = b;
        b = r;
    }
    if (a.hi < b.lo) /* a < b in every lane */
        return weft_bool_const(f->ir, e->h.type, less);
    return a.lo >= b.hi ? weft_bool_const(f->ir, e->h.type, !less) : NULL;
}

/* ---- single lanes ---------------------------------------------------------------------------- */

static const weft_expr *
simp_lane(weft_facts *f, const weft_expr *e)
{
    const weft_expr *v = e->arg[0];
    weft_ir *ir = f->ir;
    if (!weft_facts_droppable(f, v))
        return NULL;
    if (v->h.kind == WEFT_EK_BCAST)
        return v->arg[0];
    if (v->h.kind == WEFT_EK_VEC)
        return v->arg[e->h.u.i];
    if (v->h.kind != WEFT_EK_RAMP)
        return NULL;
    const weft_expr *way = weft_mul(ir, v->arg[1], weft_int(ir, weft_dtype_of(v), e->h.u.i));
    return weft_add(ir, v->arg[0], way);
}

/* vec(lane(v, 0), lane(v, 1), ...) is v. */
static const weft_expr *
whole_vector(const weft_expr *e)
{
    const weft_expr *v = e->arg[0]->h.kind == WEFT_EK_LANE ? e->arg[0]->arg[0] : NULL;
    if (!v || !weft_same_type(v->h.type, e->h.type))
        return NULL;
    for (int i = 0; i < e->h.nargs; i++)
        if (e->arg[i]->h.kind != WEFT_EK_LANE || e->arg[i]->arg[0] != v || e->arg[i]->h.u.i != i)
            return NULL;
    return v;
}

static const weft_expr *
simp_vec(weft_facts *f, const weft_expr *e)
{
    int64_t stride = 0, step;
    const weft_expr *v = whole_vector(e);
    if (v)
        return v;
    bool same = true;
    for (int i = 1; i < e->h.nargs; i++)
        same &= e->arg[i] == e->arg[0];
    if (same)
        return weft_bcast(f->ir, e->arg[0], e->h.type.lanes);
    if (!weft_is_int(weft_dtype_of(e)) || !e->h.pure)
        return NULL;
    for (int i = 1; i < e->h.nargs; i++) {
        const weft_expr *d = weft_simp(f, weft_sub(f->ir, e->arg[i], e->arg[i - 1]));
        if (!weft_as_int(d, &step) || (i > 1 && step != stride))
            return NULL;
        stride = step;
    }
    return weft_ramp(f->ir, e->arg[0], weft_int(f->ir, weft_dtype_of(e), stride), e->h.type.lanes);
}

const weft_expr *
weft_simp_vector(weft_facts *f, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_LANE)
        return simp_lane(f, e);
    if (e->h.type.lanes == 1)
        return NULL;
    if (e->h.kind == WEFT_EK_VEC)
        return simp_vec(f, e);
    const weft_expr *r = lift_broadcast(f, e);
    if (!r && (e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD))
        r = divide_ramp(f, e);
    if (!r && e->h.kind >= WEFT_EK_EQ && e->h.kind <= WEFT_EK_GE) {
        r = decide_lanes(f, e);
        r = r ? r : compare_ramp(f, e);
    }
    return r;
}
