/* lower/pieces.c: a store of a vector as stores of fewer lanes.
 *
 * Each lane is computed as before.  A vector that has a name is not looked into, nor a reading of
 * the bits of one of other lanes. */
#include "lower/lower.h"

typedef struct piece {
    weft_ir *ir;
    int from, lanes;
    bool whole; /* something cannot be cut */
} piece;

static const weft_expr *
ramp_from(const piece *p, const weft_expr *e)
{
    const weft_expr *skip = weft_imm(p->ir, e->arg[0]->h.type, p->from);
    const weft_expr *first = weft_add(p->ir, e->arg[0], weft_mul(p->ir, skip, e->arg[1]));
    return weft_ramp(p->ir, weft_simplify_expr(p->ir, NULL, first), e->arg[1], p->lanes);
}

static const weft_expr *
lane_by_lane(piece *p, weft_rewriter *rw, const weft_expr *e)
{
    const weft_expr **arg = WEFT_NEW_ARRAY(&p->ir->arena, e->h.nargs + 1, const weft_expr *);
    weft_head head = e->h;
    head.type.lanes = (uint8_t)p->lanes;
    for (int i = 0; i < e->h.nargs; i++) {
        int lanes = e->arg[i]->h.type.lanes;
        p->whole |= lanes != 1 && lanes != e->h.type.lanes;
        arg[i] = weft_rewrite_expr(rw, e->arg[i]);
    }
    return p->whole ? e : weft_expr_make(p->ir, head, e->h.nargs, arg);
}

static const weft_expr *
cut(weft_rewriter *rw, const weft_expr *e)
{
    piece *p = rw->user;
    if (e->h.type.lanes == 1 || p->whole)
        return e;
    switch (e->h.kind) {
    case WEFT_EK_VAR:
        p->whole = true;
        return e;
    case WEFT_EK_BCAST:
        return weft_bcast(rw->ir, e->arg[0], p->lanes);
    case WEFT_EK_RAMP:
        return ramp_from(p, e);
    case WEFT_EK_VEC:
        return weft_vec(rw->ir, p->lanes, e->arg + p->from);
    default:
        return lane_by_lane(p, rw, e);
    }
}

static const weft_expr *
lanes_of(piece *p, const weft_expr *e)
{
    weft_rewriter rw = { .ir = p->ir, .expr = cut, .user = p };
    e = weft_rewrite_expr(&rw, e);
    weft_rewrite_done(&rw);
    return e;
}

typedef struct reading {
    const weft_stmt *store;
    bool elsewhere; /* of what is stored, other elements than each lane's own */
} reading;

static bool
look(void *user, const weft_expr *e)
{
    reading *r = user;
    r->elsewhere |=
        e->h.kind == WEFT_EK_LOAD && weft_buf_meets(e->h.u.buf, r->store->u.store.buf) &&
        (e->h.u.buf != r->store->u.store.buf || e->arg[0] != r->store->u.store.index[0]);
    return !r->elsewhere;
}

int
weft_lanes_within(const weft_caps *caps, int lanes)
{
    int n = lanes & -lanes;
    while (n > 1 && (n > 31 || !(caps->lanes >> n & 1)))
        n /= 2;
    return n;
}

const weft_stmt *
weft_store_in_pieces(weft_ir *ir, const weft_stmt *s, int lanes)
{
    int n = s->u.store.value->h.type.lanes / lanes;
    reading r = { .store = s };
    const weft_stmt **at = WEFT_NEW_ARRAY(&ir->arena, n + 1, const weft_stmt *);
    weft_walk_expr(&(weft_walker){ .expr = look, .user = &r }, s->u.store.value);
    piece p = { .ir = ir, .lanes = lanes, .whole = r.elsewhere };
    for (int i = 0; i < n && !p.whole; i++) {
        p.from = i * lanes;
        const weft_expr *index = lanes_of(&p, s->u.store.index[0]);
        at[i] = weft_store(ir, s->u.store.buf, 1, &index, lanes_of(&p, s->u.store.value));
    }
    return p.whole ? NULL : weft_seq(ir, n, at);
}
