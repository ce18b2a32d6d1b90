/* te/rules/access.c: how the addresses that an operation reads move along its data axes. */
#include "rules/priv.h"

typedef struct finder {
    weft_rule *r;
    const weft_te_op *op;
    WEFT_VEC(weft_read) at;
} finder;

static bool
uses_axis(const weft_expr *load, const weft_axis *axis)
{
    for (int i = 0; i < load->h.nargs; i++)
        if (weft_uses_var(load->arg[i], axis->var))
            return true;
    return false;
}

static bool
note_load(void *user, const weft_expr *e)
{
    finder *f = user;
    if (e->h.kind != WEFT_EK_LOAD)
        return true;
    weft_read *read = WEFT_PUSH(&f->r->scratch, &f->at);
    *read = (weft_read){ .load = e, .address = weft_rule_address(f->r, e) };
    read->along = WEFT_NEW_ARRAY(&f->r->scratch, f->op->naxis + 1, bool);
    for (int d = 0; d < f->op->naxis; d++)
        read->along[d] = uses_axis(e, f->op->axis[d]);
    return true;
}

int
weft_rule_reads(weft_rule *r, const weft_te_op *op, weft_read **read)
{
    finder f = { .r = r, .op = op };
    const weft_te_op *lowered = weft_te_inlined(r->te, op);
    for (int i = 0; lowered && i < lowered->nout; i++)
        weft_walk_expr(&(weft_walker){ .expr = note_load, .user = &f }, lowered->body[i]);
    *read = f.at.at;
    return f.at.n;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* A block of lanes on an axis: axis = block * lanes + lane. */
typedef struct lane_axis {
    weft_ir *ir;
    weft_facts *facts;
    const weft_var *axis, *lane;
    const weft_expr *value;
} lane_axis;

static lane_axis
lanes_on(weft_rule *r, const weft_axis *axis, int64_t lanes)
{
    weft_ir *ir = r->te->ir;
    weft_dtype t = (weft_dtype)axis->var->type.dtype;
    lane_axis l = { .ir = ir, .facts = weft_facts_create(ir), .axis = axis->var };
    const weft_var *block = weft_var_make(ir, "block", axis->var->type);
    l.lane = weft_var_make(ir, "lane", axis->var->type);
    const weft_expr *size = weft_int(ir, t, lanes);
    weft_facts_extent(l.facts, l.lane, size);
    int64_t extent = weft_rule_extent(axis);
    if (extent > 0)
        weft_facts_extent(l.facts, block, weft_int(ir, t, weft_ceildiv(extent, lanes)));
    else
        weft_facts_range(l.facts, block, weft_int(ir, t, 0), NULL);
    l.value = weft_add(ir, weft_mul(ir, weft_ref(ir, block), size), weft_ref(ir, l.lane));
    return l;
}

/* How far e moves from lane to lane; false when not by a constant. */
static bool
lane_stride(const lane_axis *l, const weft_expr *e, int64_t *stride)
{
    const weft_expr *s, *rest;
    e = weft_simplify_expr(l->ir, l->facts, weft_subst_expr(l->ir, e, 1, &l->axis, &l->value));
    return e && weft_affine_in(l->ir, e, l->lane, &s, &rest) && weft_as_int(s, stride);
}

static weft_walk
walk_of(const lane_axis *l, const weft_read *read)
{
    int64_t stride = 0, last = 0;
    int n = read->load->h.nargs;
    if (read->address && lane_stride(l, read->address, &stride))
        return stride == 0 ? WEFT_WALK_SAME : stride == 1 ? WEFT_WALK_NEXT : WEFT_WALK_APART;
    for (int i = 0; i < n; i++) {
        if (!lane_stride(l, read->load->arg[i], &stride) || (stride != 0 && i + 1 < n))
            return WEFT_WALK_APART;
        last = stride;
    }
    return last == 0 ? WEFT_WALK_SAME : last == 1 ? WEFT_WALK_NEXT : WEFT_WALK_APART;
}

int
weft_rule_dim_along(weft_rule *r, const weft_expr *load, const weft_axis *axis, int64_t lanes)
{
    lane_axis l = lanes_on(r, axis, lanes);
    int found = WEFT_NO_DIM;
    for (int d = 0; d < load->h.nargs && found != WEFT_ODD_DIM; d++) {
        int64_t stride = 0;
        if (!lane_stride(&l, load->arg[d], &stride) || (stride != 0 && (stride != 1 || found >= 0)))
            found = WEFT_ODD_DIM;
        else if (stride == 1)
            found = d;
    }
    weft_facts_destroy(l.facts);
    return found;
}

weft_walk
weft_rule_walk(weft_rule *r, const weft_te_op *op, const weft_read *read, int d, int64_t lanes)
{
    if (!read->along[d])
        return WEFT_WALK_SAME;
    lane_axis l = lanes_on(r, op->axis[d], lanes);
    weft_walk walk = walk_of(&l, read);
    weft_facts_destroy(l.facts);
    return walk;
}

/* What e is at a lane. */
static const weft_expr *
at_lane(const lane_axis *l, const weft_expr *e, int64_t lane)
{
    const weft_expr *value = weft_int(l->ir, (weft_dtype)l->lane->type.dtype, lane);
    return weft_subst_expr(l->ir, e, 1, &l->lane, &value);
}

/* Whether all lanes of an address lie within a few vectors (lower/legalize_near.c). */
static bool
is_near(const lane_axis *l, const weft_expr *address, int64_t lanes)
{
    int64_t least = 0, most = 0, at;
    const weft_expr *e = weft_subst_expr(l->ir, address, 1, &l->axis, &l->value),
                    *first = at_lane(l, e, 0);
    for (int64_t i = 1; i < lanes && most - least < WEFT_NEAR_VECTORS * lanes; i++) {
        const weft_expr *apart =
            weft_simplify_expr(l->ir, l->facts, weft_sub(l->ir, at_lane(l, e, i), first));
        if (!apart || !weft_as_int(apart, &at))
            return false;
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    return most - least < WEFT_NEAR_VECTORS * lanes;
}

bool
weft_rule_near(weft_rule *r, const weft_te_op *op, int d, int64_t lanes)
{
    weft_read *read;
    int n = weft_rule_reads(r, op, &read);
    bool near = lanes >= WEFT_NEAR_LANES;
    lane_axis l = lanes_on(r, op->axis[d], lanes);
    for (int i = 0; i < n && near; i++)
        near = !read[i].along[d] || (read[i].address && is_near(&l, read[i].address, lanes));
    weft_facts_destroy(l.facts);
    return near;
}

/* ---- vectors of a copy ----------------------------------------------------------------------- */

typedef struct conditions {
    const lane_axis *lanes;
    bool differ;
} conditions;

static bool
look_at_condition(void *user, const weft_expr *e)
{
    conditions *c = user;
    const lane_axis *l = c->lanes;
    if (e->h.kind != WEFT_EK_GUARD)
        return !c->differ;
    const weft_expr *cond = weft_simplify_expr(
        l->ir, l->facts, weft_subst_expr(l->ir, e->arg[0], 1, &l->axis, &l->value));
    c->differ = c->differ || !cond || weft_uses_var(cond, l->lane);
    return !c->differ;
}

/* Where a load's elements lie in its row: by the whole address, or, where sizes are not known, by the
 * last index of rows that all begin at a vector.  NULL: lanes are of several rows. */
static const weft_expr *
place_in_row(const lane_axis *l, const weft_read *read, int64_t lanes)
{
    int64_t row, stride;
    const weft_buf *buf = read->load->h.u.buf;
    int last = read->load->h.nargs - 1;
    if (read->address)
        return read->address;
    if (last < 0 || !weft_as_int(buf->shape[last], &row) || row % lanes != 0)
        return NULL;
    for (int d = 0; d < last; d++)
        if (!lane_stride(l, read->load->arg[d], &stride) || stride != 0)
            return NULL;
    return read->load->arg[last];
}

static bool
begins_at_vector(const lane_axis *l, const weft_read *read, int64_t lanes)
{
    const weft_expr *stride, *first, *place = place_in_row(l, read, lanes);
    if (!place)
        return false;
    place =
        weft_simplify_expr(l->ir, l->facts, weft_subst_expr(l->ir, place, 1, &l->axis, &l->value));
    if (!weft_affine_in(l->ir, place, l->lane, &stride, &first) ||
        !weft_is_int_imm(weft_simplify_expr(l->ir, NULL, stride), 1))
        return false;
    const weft_expr *size = weft_int(l->ir, (weft_dtype)first->h.type.dtype, lanes);
    return weft_is_int_imm(weft_simplify_expr(l->ir, l->facts, weft_fmod(l->ir, first, size)), 0);
}

/* Where the other axes of the op may be. */
static void
know_axes(weft_facts *facts, int n, weft_axis *const *axis, const weft_axis *but)
{
    for (int i = 0; i < n; i++)
        if (axis[i] != but)
            weft_facts_extent(facts, axis[i]->var, axis[i]->extent);
}

/* Whether groups of so many neighbours on the axis are vectors in what the op reads: in all of it, or
 * in what it reads along the axis. */
static bool
moves_vectors(weft_rule *r, const weft_te_op *op, const weft_axis *axis, bool all, int64_t lanes)
{
    weft_read *read;
    const weft_te_op *lowered = weft_te_inlined(r->te, op);
    int64_t extent = weft_rule_extent(axis);
    int n = weft_rule_reads(r, op, &read);
    if (!lowered || n == 0 || extent < 0 || extent % lanes != 0)
        return false;
    lane_axis l = lanes_on(r, axis, lanes);
    conditions c = { &l, false };
    know_axes(l.facts, op->naxis, op->axis, axis);
    know_axes(l.facts, op->nreduce, op->reduce, axis);
    for (int i = 0; i < lowered->nout; i++)
        weft_walk_expr(&(weft_walker){ .expr = look_at_condition, .user = &c }, lowered->body[i]);
    bool fit = !c.differ;
    for (int i = 0; i < n && fit; i++)
        fit = (!all && !uses_axis(read[i].load, axis)) || begins_at_vector(&l, &read[i], lanes);
    weft_facts_destroy(l.facts);
    return fit;
}

int64_t
weft_rule_vector_of(weft_rule *r, const weft_te_op *op, int d, int64_t most)
{
    int64_t lanes = 1;
    while (2 * lanes <= most && moves_vectors(r, op, op->axis[d], true, 2 * lanes))
        lanes *= 2;
    return lanes;
}

int64_t
weft_rule_vector_along(weft_rule *r, const weft_te_op *op, const weft_axis *axis, int64_t most)
{
    int64_t lanes = 1;
    while (2 * lanes <= most && moves_vectors(r, op, axis, false, 2 * lanes))
        lanes *= 2;
    return lanes;
}

/* ---- digits ---------------------------------------------------------------------------------- */

typedef struct digits {
    const weft_var *of;
    int64_t period;
    int n;
} digits;

/* After how many steps a division, or a remainder of a quotient, begins anew;
 * 0: it is none of steps. */
static int64_t
period_of(const weft_expr *e, const weft_var *of)
{
    int64_t c, inner = 1;
    bool division = e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD;
    if (!division || !weft_as_int(e->arg[1], &c) || c <= 0 || !weft_uses_var(e->arg[0], of))
        return 0;
    if (e->h.kind == WEFT_EK_FMOD && e->arg[0]->h.kind == WEFT_EK_FDIV &&
        weft_as_int(e->arg[0]->arg[1], &inner) && inner > 0 && !weft_mul64(c, inner, &c))
        return 0;
    return c;
}

static bool
note_digit(void *user, const weft_expr *e)
{
    digits *d = user;
    int64_t c = period_of(e, d->of), all;
    if (c == 0)
        return true;
    d->n++;
    d->period = weft_mul64(d->period / weft_gcd(d->period, c), c, &all) ? all : INT32_MAX;
    return true;
}

int
weft_rule_divisions(weft_rule *r, const weft_te_op *op, int d, int64_t *period)
{
    const weft_te_op *lowered = weft_te_inlined(r->te, op);
    digits of = { op->axis[d]->var, *period, 0 };
    for (int i = 0; lowered && i < lowered->nout; i++)
        weft_walk_expr(&(weft_walker){ .expr = note_digit, .user = &of }, lowered->body[i]);
    *period = of.period;
    return of.n;
}
