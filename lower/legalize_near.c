/* lower/legalize_near.c: vectors whose lanes lie near each other in memory,
 * on CPUs that take vectors.
 *
 *   A[ramp(i, 2, 8)]             every second element
 *   A[(i + ramp(0, 1, 8)) / 2]   each element twice
 *
 * A few whole vectors hold them all, and picking lanes of registers is cheap where a load each is
 * not.  Pieces begin at the first place and end at the last: nothing outside of what the lanes span
 * is read.  What lies between the lanes is.  It has to be an argument that nobody writes; a
 * thread's own memory may hold nothing there, so of that there are to be lanes at each place. */
#include "lower/legalize.h"

/* An argument that nobody writes. */
static bool
is_still(const weft_kernel *k, const weft_buf *buf)
{
    for (int i = 0; i < k->nparam; i++)
        if (k->param[i] == buf)
            return k->no_alias && k->access[i] == WEFT_READ;
    return false;
}

/* Whether a lane lies at each of the places that they span. */
static bool
is_full(weft_legal *l, const int64_t *at, int lanes, int64_t least, int64_t span)
{
    bool *met = WEFT_NEW_ARRAY(&l->scratch, span, bool);
    int64_t n = 0;
    for (int i = 0; i < lanes; i++) {
        n += !met[at[i] - least];
        met[at[i] - least] = true;
    }
    return n == span;
}

/* One lane of an index; NULL where it is read from memory. */
static const weft_expr *
lane_of(weft_legal *l, const weft_expr *e, int lane)
{
    if (e->h.type.lanes == 1)
        return e;
    if (e->h.kind == WEFT_EK_RAMP || e->h.kind == WEFT_EK_BCAST || e->h.kind == WEFT_EK_IMM ||
        e->h.kind == WEFT_EK_VEC)
        return weft_legal_lane(l, e, lane);
    if (!e->h.pure || e->h.kind == WEFT_EK_VAR)
        return NULL;
    const weft_expr **arg = WEFT_NEW_ARRAY(&l->scratch, e->h.nargs + 1, const weft_expr *);
    weft_head head = e->h;
    head.type.lanes = 1;
    for (int i = 0; i < e->h.nargs; i++)
        if (!(arg[i] = lane_of(l, e->arg[i], lane)))
            return NULL;
    return weft_expr_make(l->ir, head, e->h.nargs, arg);
}

/* How far each lane's place is from that of lane 0, *first; false when it is not known. */
static bool
find_places(weft_legal *l, const weft_expr *index, const weft_expr **first, int64_t *at)
{
    for (int i = 0; i < index->h.type.lanes; i++) {
        const weft_expr *place = lane_of(l, index, i);
        if (!place)
            return false;
        *first = i == 0 ? place : *first;
        const weft_expr *apart =
            weft_simplify_expr(l->ir, l->facts, weft_sub(l->ir, place, *first));
        if (!apart || !weft_as_int(apart, &at[i]))
            return false;
    }
    return true;
}

/* Lanes of a piece: a power of two that the target has vectors of, no more than are spanned. */
static int
lanes_of_piece(const weft_legal *l, int lanes, int64_t span)
{
    int piece = 1;
    while (piece * 2 <= lanes && piece * 2 <= span)
        piece *= 2;
    while (piece > 1 && !(l->caps->lanes >> piece & 1))
        piece /= 2;
    return piece;
}

static const weft_expr *
piece_at(weft_legal *l, const weft_expr *load, const weft_expr *first, int64_t at, int lanes)
{
    weft_ir *ir = l->ir;
    const weft_expr *base = weft_simplify_expr(
        ir, l->facts, weft_add(ir, first, weft_imm(ir, first->h.type, (double)at)));
    const weft_expr *index = weft_ramp(ir, base, weft_imm(ir, base->h.type, 1), lanes);
    return weft_load(ir, load->h.u.buf, 1, &index);
}

/* Which piece each lane lies in, and where. */
static void
share_out(weft_near *near, int lanes, int piece, int64_t least, int64_t span, const int64_t *at)
{
    for (int i = 0; i < lanes; i++) {
        int64_t from = at[i] - least, p = from / piece, begin = p * piece;
        if (begin > span - piece)
            begin = span - piece;
        near->piece[i] = (int)p;
        near->lane[i] = (int)(from - begin);
    }
}

static bool
may_be_near(const weft_legal *l, const weft_expr *load)
{
    const weft_expr *index = load->arg[0];
    bool contiguous = index->h.kind == WEFT_EK_RAMP && weft_is_int_imm(index->arg[1], 1);
    return index->h.type.lanes >= WEFT_NEAR_LANES && !contiguous &&
           index->h.kind != WEFT_EK_BCAST && l->caps->vector_load &&
           l->options->target->cls == WEFT_CLASS_VECTOR_CPU &&
           weft_dtype_bits(load->h.u.buf->dtype) >= 8;
}

/* The span of the lanes from `least` on, if few vectors cover it and it may be read; 0. */
static int64_t
find_span(weft_legal *l, const weft_buf *buf, int lanes, const int64_t *at, int64_t *least)
{
    int64_t most = 0;
    *least = 0;
    for (int i = 0; i < lanes; i++) {
        *least = at[i] < *least ? at[i] : *least;
        most = at[i] > most ? at[i] : most;
    }
    int64_t span = most - *least + 1;
    bool few = most - *least < (int64_t)WEFT_NEAR_VECTORS * lanes;
    bool own = few && buf->space == WEFT_LOCAL && is_full(l, at, lanes, *least, span);
    return few && (own || is_still(l->kernel, buf)) ? span : 0;
}

bool
weft_legal_near(weft_legal *l, const weft_expr *load, weft_near *near)
{
    int lanes = load->arg[0]->h.type.lanes;
    int64_t *at = WEFT_NEW_ARRAY(&l->scratch, lanes, int64_t), least = 0, span;
    const weft_expr *first = NULL;
    if (!may_be_near(l, load) || !find_places(l, load->arg[0], &first, at) ||
        !(span = find_span(l, load->h.u.buf, lanes, at, &least)))
        return false;
    int piece = lanes_of_piece(l, lanes, span);
    near->n = (int)weft_ceildiv(span, piece);
    if (piece == 1 || near->n > WEFT_NEAR_VECTORS)
        return false;
    near->load = WEFT_NEW_ARRAY(&l->scratch, near->n, const weft_expr *);
    near->piece = WEFT_NEW_ARRAY(&l->scratch, lanes, int);
    near->lane = WEFT_NEW_ARRAY(&l->scratch, lanes, int);
    for (int p = 0; p < near->n; p++) {
        int64_t begin = (int64_t)p * piece < span - piece ? (int64_t)p * piece : span - piece;
        near->load[p] = piece_at(l, load, first, least + begin, piece);
    }
    share_out(near, lanes, piece, least, span, at);
    return true;
}
