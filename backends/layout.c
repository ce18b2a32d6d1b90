/* layout.c: which buffers are only ever touched by whole aligned vectors. */
#include "backends/layout.h"

bool
weft_is_dense(const weft_expr *index)
{
    return index->h.kind == WEFT_EK_RAMP && weft_is_int_imm(index->arg[1], 1);
}

static const weft_expr *
imm(weft_ir *ir, weft_type type, int64_t v)
{
    weft_head h = { .kind = WEFT_EK_IMM, .type = type, .u.i = v };
    return weft_expr_make(ir, h, 0, NULL);
}

/* c * x where c takes a part of n and x the rest; else a factor that takes all of it. */
static const weft_expr *
quotient_product(weft_ir *ir, const weft_expr *e, int64_t n)
{
    for (int i = 0; i < 2; i++) {
        const weft_expr *factor = e->arg[i], *other = e->arg[1 - i], *q;
        int64_t c, part = n;
        bool constant = weft_as_int(factor, &c) && c > 0;
        if (constant) {
            part = weft_gcd(c, n);
            other = part == n ? other : weft_quotient(ir, other, n / part);
            q = imm(ir, factor->h.type, c / part);
        } else {
            q = weft_quotient(ir, factor, n);
        }
        if (!q || !other)
            continue;
        if (weft_is_int_imm(q, 1))
            return other;
        const weft_expr *arg[2] = { i ? other : q, i ? q : other };
        return weft_expr_with(ir, e, arg);
    }
    return NULL;
}

const weft_expr *
weft_quotient(weft_ir *ir, const weft_expr *e, int64_t n)
{
    int64_t v;
    if (n == 1)
        return e;
    if (weft_as_int(e, &v))
        return v % n == 0 ? imm(ir, e->h.type, v / n) : NULL;
    if (e->h.kind == WEFT_EK_MUL)
        return quotient_product(ir, e, n);
    bool sum = e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB;
    if (!sum && !(e->h.kind == WEFT_EK_CAST && e->h.index))
        return NULL;
    const weft_expr *arg[2];
    for (int i = 0; i < e->h.nargs; i++)
        if (!(arg[i] = weft_quotient(ir, e->arg[i], n)))
            return NULL;
    return weft_expr_with(ir, e, arg);
}

bool
weft_buf_extent(const weft_buf *buf, int64_t *n)
{
    return buf->ndim == 1 && weft_as_int(buf->shape[0], n) && *n > 0;
}

typedef struct survey survey;

struct survey {
    void (*meet)(survey *, const weft_buf *, const weft_expr *index, int lanes);
    const weft_kernel *kernel;
    uint8_t *lane;   /* the most of a dense access, 0: there is none; then 1: no */
    int64_t *picked; /* the extent where a scalar's index is no constant, else 0 */
    unsigned pieces;
};

static bool
is_scalar_piece(survey *s, const weft_buf *buf, const weft_expr *index)
{
    int64_t at;
    return weft_as_int(index, &at)
               ? (s->pieces & WEFT_PIECE_LANE) != 0
               : s->pieces & WEFT_PIECE_PICK && weft_buf_extent(buf, &s->picked[buf->id]);
}

/* Whether the access is to one of those vectors of `lanes` that one of n is made of. */
static bool
is_some_piece(const survey *s, const weft_expr *index, int lanes, int n)
{
    int64_t at;
    return s->pieces & WEFT_PIECE_SOME && n % lanes == 0 && weft_is_dense(index) &&
           weft_as_int(index->arg[0], &at) && at % lanes == 0;
}

static void
note_width(survey *s, const weft_buf *buf, const weft_expr *index, int lanes)
{
    if (lanes > s->lane[buf->id] && weft_is_dense(index))
        s->lane[buf->id] = (uint8_t)lanes;
}

static void
check_access(survey *s, const weft_buf *buf, const weft_expr *index, int lanes)
{
    int64_t extent;
    int n = s->lane[buf->id];
    if (n <= 1)
        return;
    bool whole = buf->space == WEFT_GLOBAL || (weft_buf_extent(buf, &extent) && extent % n == 0),
         own = buf->space == WEFT_LOCAL,
         fits = lanes == n ? weft_is_dense(index) && weft_quotient(s->kernel->ir, index->arg[0], n)
                : lanes == 1 ? own && is_scalar_piece(s, buf, index)
                             : own && is_some_piece(s, index, lanes, n);
    if (!fits || !whole || n == 3 || buf->dtype == WEFT_BOOL)
        s->lane[buf->id] = 1;
}

static bool
meet_load(void *user, const weft_expr *e)
{
    survey *s = user;
    if (e->h.kind == WEFT_EK_LOAD)
        s->meet(s, e->h.u.buf, e->arg[0], e->h.type.lanes);
    return true;
}

static bool
meet_store(void *user, const weft_stmt *stmt)
{
    survey *s = user;
    if (stmt->kind == WEFT_SK_STORE)
        s->meet(s, stmt->u.store.buf, stmt->u.store.index[0], stmt->u.store.value->h.type.lanes);
    const weft_spot *memory = stmt->kind == WEFT_SK_MATRIX ? weft_matrix_memory(stmt) : NULL;
    if (memory)
        s->lane[memory->buf->id] = 1;
    if (stmt->kind == WEFT_SK_ATOMIC)
        s->lane[stmt->u.atomic.buf->id] = 1;
    return true;
}

const uint8_t *
weft_vector_layout(weft_arena *arena, const weft_kernel *kernel, unsigned pieces)
{
    survey s = { note_width, kernel, WEFT_NEW_ARRAY(arena, kernel->ir->nbuf + 1, uint8_t),
                 WEFT_NEW_ARRAY(arena, kernel->ir->nbuf + 1, int64_t), pieces };
    weft_walker walker = { meet_load, meet_store, &s };
    weft_walk_stmt(&walker, kernel->body);
    s.meet = check_access;
    weft_walk_stmt(&walker, kernel->body);
    for (uint32_t i = 0; i < kernel->ir->nbuf; i++)
        if (s.lane[i] == 0 || s.lane[i] == s.picked[i])
            s.lane[i] = 1;
    return s.lane;
}
