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
