/* lower/legalize_lanes.c: vectors that the target lacks, lane by lane.
 *
 * A vector that cannot be had is a VEC of scalars; it dissolves where it is stored.  A store of more
 * lanes than there are is cut before (pieces.c), unless it is a copy that may go by itself.
 */
#include "lower/legalize.h"

static bool
is_run(const weft_expr *index)
{
    return index->h.kind == WEFT_EK_RAMP && weft_is_int_imm(index->arg[1], 1);
}

/* Whether a run can be one access of this buffer. */
static bool
one_access(const weft_legal *l, const weft_buf *buf, const weft_expr *index)
{
    int64_t coeff, base;
    if (!is_run(index))
        return false;
    bool anywhere = l->caps->vector_load && !(buf->dtype == WEFT_F16 && l->caps->aligned_halves);
    if (anywhere || !(l->caps->vector_load || l->caps->aligned_vector_load))
        return anywhere;
    int lanes = index->h.type.lanes;
    int64_t bytes = (int64_t)lanes * weft_dtype_bits(buf->dtype) / 8;
    bool own = buf->space != WEFT_GLOBAL && buf->space != WEFT_CONSTANT;
    weft_modular(l->ir, l->facts, index->arg[0], &coeff, &base);
    return coeff % lanes == 0 && base % lanes == 0 &&
           (own || buf->align == 0 || buf->align % bytes == 0);
}

/* Whether the node compares or chooses, or its rule will: divisions, shifts by what is not
 * constant, minima of floats and functions that have to be spelled. */
static bool
compares(const weft_legal *l, const weft_expr *e)
{
    switch (e->h.kind) {
    case WEFT_EK_SELECT:
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        return true;
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
        return e->arg[1]->h.kind != WEFT_EK_BCAST || !weft_is_imm(e->arg[1]->arg[0]);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return weft_is_float((weft_dtype)e->h.type.dtype) && !l->caps->nan_min_max;
    case WEFT_EK_CALL:
        return weft_intrin_infos[e->h.u.intrin].cls == WEFT_IC_TEST ||
               !weft_legal_has_intrinsic(l, e->h.u.intrin, (weft_dtype)e->h.type.dtype);
    default:
        return weft_expr_infos[e->h.kind].yields_bool;
    }
}

bool
weft_legal_needs_lanes(const weft_legal *l, const weft_expr *e)
{
    int lanes = e->h.type.lanes;
    if (lanes == 1 || e->h.kind == WEFT_EK_VEC)
        return false;
    if (lanes > 31 || !(l->caps->lanes >> lanes & 1))
        return true;
    if (e->h.kind == WEFT_EK_LOAD)
        return e->arg[0]->h.kind != WEFT_EK_BCAST && !one_access(l, e->h.u.buf, e->arg[0]);
    return !l->caps->vector_compare && compares(l, e);
}

const weft_expr *
weft_legal_lane(weft_legal *l, const weft_expr *e, int lane)
{
    weft_ir *ir = l->ir;
    if (e->h.type.lanes == 1)
        return e;
    switch (e->h.kind) {
    case WEFT_EK_VEC:
        return e->arg[lane];
    case WEFT_EK_BCAST:
        return e->arg[0];
    case WEFT_EK_IMM:
        return weft_is_float((weft_dtype)e->h.type.dtype)
                   ? weft_float(ir, (weft_dtype)e->h.type.dtype, e->h.u.f)
                   : weft_int(ir, (weft_dtype)e->h.type.dtype, e->h.u.i);
    case WEFT_EK_RAMP: {
        const weft_expr *step = weft_imm(ir, e->arg[0]->h.type, lane);
        return weft_simplify_expr(ir, l->facts,
                                  weft_add(ir, e->arg[0], weft_mul(ir, step, e->arg[1])));
    }
    default:
        return weft_lane(ir, weft_legal_bind(l, "v", e), lane);
    }
}

const weft_expr *
weft_legal_by_lane(weft_legal *l, const weft_expr *e)
{
    int lanes = e->h.type.lanes, n = e->h.nargs;
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    const weft_expr **arg = WEFT_NEW_ARRAY(&l->scratch, n + 1, const weft_expr *);
    for (int i = 0; i < lanes; i++) {
        if (e->h.kind == WEFT_EK_RAMP || e->h.kind == WEFT_EK_BCAST || e->h.kind == WEFT_EK_IMM) {
            lane[i] = weft_legal_lane(l, e, i);
            continue;
        }
        weft_head head = e->h;
        head.type.lanes = 1;
        for (int k = 0; k < n; k++)
            arg[k] = weft_legal_lane(l, e->arg[k], i);
        lane[i] = weft_legal_apply(l, weft_expr_make(l->ir, head, n, arg));
    }
    return weft_vec(l->ir, lanes, lane);
}

typedef struct reading {
    const weft_buf *buf;
    bool found;
} reading;

static bool
find_load(void *user, const weft_expr *e)
{
    reading *r = user;
    r->found = r->found || (e->h.kind == WEFT_EK_LOAD && e->h.u.buf == r->buf);
    return !r->found;
}

static bool
reads(const weft_expr *e, const weft_buf *buf)
{
    reading r = { buf, false };
    weft_walk_expr(&(weft_walker){ .expr = find_load, .user = &r }, e);
    return r.found;
}

const weft_expr *
weft_legal_lanes_to_compare(weft_legal *l, const weft_expr *e, bool compares_lanes)
{
    int lanes = e->h.type.lanes;
    if (lanes == 1 || e->h.kind == WEFT_EK_VEC || !compares_lanes || l->caps->vector_compare)
        return e;
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    for (int i = 0; i < lanes; i++)
        lane[i] = weft_legal_lane(l, e, i);
    return weft_vec(l->ir, lanes, lane);
}

static const weft_stmt *
store_lanes(weft_legal *l, weft_dtype t, const weft_buf *buf, const weft_expr *index,
            const weft_expr *value)
{
    int lanes = value->h.type.lanes;
    const weft_expr **v = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    const weft_stmt **at = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_stmt *);
    bool rereads = reads(value, buf); /* then every lane is read before one is written */
    for (int i = 0; i < lanes; i++) {
        v[i] = weft_legal_lane(l, value, i);
        if (rereads)
            v[i] = weft_legal_bind(l, "v", v[i]);
    }
    for (int i = 0; i < lanes; i++) {
        const weft_expr *x = weft_legal_lane(l, index, i);
        at[i] = weft_store(l->ir, buf, 1, &x, weft_legal_to_memory(l, t, buf->dtype, v[i]));
    }
    return weft_seq(l->ir, lanes, at);
}

/* The whole vector in the dtype of memory. */
static const weft_expr *
to_memory(weft_legal *l, weft_dtype t, weft_dtype memory, const weft_expr *value)
{
    bool apart = weft_legal_memory_compares(t, memory) && !l->caps->vector_compare;
    value = weft_legal_lanes_to_compare(l, value, apart);
    if (!apart || value->h.kind != WEFT_EK_VEC)
        return weft_legal_to_memory(l, t, memory, value);
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, value->h.nargs, const weft_expr *);
    for (int i = 0; i < value->h.nargs; i++)
        lane[i] = weft_legal_to_memory(l, t, memory, value->arg[i]);
    return weft_vec(l->ir, value->h.nargs, lane);
}

const weft_stmt *
weft_legal_store(weft_legal *l, weft_dtype t, const weft_buf *buf, const weft_expr *index,
                 const weft_expr *value)
{
    int lanes = value->h.type.lanes;
    bool whole =
        lanes == 1 || (lanes < 32 && (l->caps->lanes >> lanes & 1) && one_access(l, buf, index));
    if (!whole)
        return store_lanes(l, t, buf, index, value);
    return weft_store(l->ir, buf, 1, &index, to_memory(l, t, buf->dtype, value));
}

/* What a buffer became, if it holds the dtype itself and all lanes are one access of it; NULL. */
static const weft_buf *
held_as_is(const weft_legal *l, const weft_buf *old, const weft_expr *index)
{
    const weft_buf *buf = l->buf[old->id] ? l->buf[old->id] : old;
    return buf->dtype == old->dtype && one_access(l, buf, index) ? buf : NULL;
}

/* So many elements side by side, from the legal place of the first on. */
static const weft_expr *
run_of(weft_legal *l, const weft_expr *index)
{
    const weft_expr *first = weft_legal_index(l, index->arg[0]);
    if (!first)
        return NULL;
    return weft_ramp(l->ir, first, weft_imm(l->ir, first->h.type, 1), index->h.type.lanes);
}

const weft_stmt *
weft_legal_copy(weft_legal *l, const weft_stmt *s)
{
    const weft_expr *cond, *from = weft_async_source(s->u.store.value, &cond);
    if (!l->caps->async_copy || s->u.store.buf->space != WEFT_SHARED || !from ||
        !is_run(s->u.store.index[0]))
        return NULL;
    const weft_expr *at = run_of(l, from->arg[0]), *index = run_of(l, s->u.store.index[0]),
                    *where = cond ? weft_legal_expr(l, cond) : NULL;
    if (!at || !index || (cond && !where))
        return NULL;
    const weft_buf *source = held_as_is(l, from->h.u.buf, at),
                   *to = held_as_is(l, s->u.store.buf, index);
    if (!source || !to)
        return NULL;
    const weft_expr *value = weft_load(l->ir, source, 1, &at);
    if (where)
        value = weft_guard(l->ir, where, value, s->u.store.value->arg[2]);
    return weft_store(l->ir, to, 1, &index, value);
}

/* ---- shuffles -------------------------------------------------------------------------------- */

static const weft_expr *
shuffled(weft_legal *l, const weft_expr *e, weft_dtype t, const weft_expr *x)
{
    return weft_intrinsic(
        l->ir, e->h.u.intrin, 2,
        (const weft_expr *const[]){ weft_cast(l->ir, t, x), e->arg[1] });
}

/* Both halves of a number of 64 bits. */
static const weft_expr *
shuffle_halves(weft_legal *l, const weft_expr *e)
{
    weft_ir *ir = l->ir;
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    const weft_expr *x = weft_legal_bind(l, "x", e->arg[0]), *word = weft_int(ir, t, 32);
    const weft_expr *low = shuffled(l, e, WEFT_U32, x),
                    *high = shuffled(l, e, WEFT_U32, weft_binary(ir, WEFT_EK_SHR, x, word));
    return weft_binary(ir, WEFT_EK_BOR,
                       weft_binary(ir, WEFT_EK_SHL, weft_cast(ir, t, high), word),
                       weft_cast(ir, t, low));
}

const weft_expr *
weft_legal_shuffle(weft_legal *l, const weft_expr *e)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    weft_intrin in = e->h.u.intrin;
    if (!(t == WEFT_F16 ? l->caps->intrin16 : l->caps->intrin)[in])
        return weft_legal_refuse(l, weft_intrin_infos[in].text, t);
    if (t == WEFT_BOOL)
        return weft_binary(l->ir, WEFT_EK_NE,
                           shuffled(l, e, WEFT_I32,
                                    weft_select(l->ir, e->arg[0], weft_i32(l->ir, 1),
                                                weft_i32(l->ir, 0))),
                           weft_i32(l->ir, 0));
    if (weft_dtype_bits(t) < 64 || l->caps->intrin64[in])
        return e;
    return weft_is_int(t) ? shuffle_halves(l, e)
                          : weft_legal_refuse(l, weft_intrin_infos[in].text, t);
}
