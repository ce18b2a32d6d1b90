/* registers: a thread's array is as many as it has vectors of different lanes.
 *
 *   alloc v: local f32[20]            alloc v: local f32[16]
 *   v[ramp(0, 1, 16)] = ..            alloc v_1: local f32[4]
 *   v[16] = ..                        v[ramp(0, 1, 16)] = .. ; v_1[0] = ..
 *
 * A compiler keeps an array in registers that is accessed in pieces of one size.
 *
 * needs  level flat, loops over registers unrolled, indices simplified
 * keeps  the level; arrays with an index that is not constant, and such whose pieces overlap */
#include "lower/lower.h"

#include <string.h>

enum { MOST_ELEMENTS = 4096, MOST_LANES = 32 };

typedef struct array {
    const weft_buf *buf;
    int n;
    uint8_t *lanes;                     /* of the piece that begins at an element; 0: none does */
    int *place;                         /* where it is in the new array */
    int sizes, count[MOST_LANES + 1];   /* different lanes; elements of each */
    const weft_buf *to[MOST_LANES + 1]; /* by lanes */
    bool other;                         /* an access of another kind */
} array;

typedef struct registers {
    weft_ir *ir;
    weft_arena arena;
    WEFT_VEC(array) array;
} registers;

static array *
array_of(registers *r, const weft_buf *buf)
{
    for (int i = 0; buf->space == WEFT_LOCAL && i < r->array.n; i++)
        if (r->array.at[i].buf == buf)
            return &r->array.at[i];
    return NULL;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* The first element and the lanes of an access; false where they are not constant. */
static bool
as_piece(const weft_expr *index, int64_t *first, int *lanes)
{
    *lanes = index->h.type.lanes;
    if (*lanes == 1)
        return weft_as_int(index, first);
    return index->h.kind == WEFT_EK_RAMP && weft_is_int_imm(index->arg[1], 1) &&
           weft_as_int(index->arg[0], first);
}

static void
note_piece(array *a, const weft_expr *index)
{
    int64_t first;
    int lanes;
    if (!as_piece(index, &first, &lanes) || first < 0 || lanes > MOST_LANES ||
        first + lanes > a->n || (a->lanes[first] && a->lanes[first] != lanes))
        a->other = true;
    else
        a->lanes[first] = (uint8_t)lanes;
}

static bool
note_load(void *user, const weft_expr *e)
{
    array *a = e->h.kind == WEFT_EK_LOAD ? array_of(user, e->h.u.buf) : NULL;
    if (a)
        note_piece(a, e->arg[0]);
    return true;
}

static bool
note_stmt(void *user, const weft_stmt *s)
{
    registers *r = user;
    int64_t n;
    const weft_spot *memory = s->kind == WEFT_SK_MATRIX ? weft_matrix_memory(s) : NULL;
    const weft_buf *buf = s->kind == WEFT_SK_ALLOC    ? s->u.alloc.buf
                          : s->kind == WEFT_SK_STORE  ? s->u.store.buf
                          : s->kind == WEFT_SK_ATOMIC ? s->u.atomic.buf
                          : memory                    ? memory->buf
                                                      : NULL;
    array *a = buf ? array_of(r, buf) : NULL;
    if (a && s->kind == WEFT_SK_STORE)
        note_piece(a, s->u.store.index[0]);
    else if (a)
        a->other = true;
    else if (s->kind == WEFT_SK_ALLOC && buf->space == WEFT_LOCAL &&
             weft_as_int(buf->shape[0], &n) && n > 0 && n <= MOST_ELEMENTS)
        *WEFT_PUSH(&r->arena, &r->array) = (array){ .buf = buf,
                                                    .n = (int)n,
                                                    .lanes = WEFT_NEW_ARRAY(&r->arena, n, uint8_t),
                                                    .place = WEFT_NEW_ARRAY(&r->arena, n, int) };
    return true;
}

/* Where each piece goes; false where pieces overlap or are all of one size. */
static bool
place_pieces(array *a)
{
    int end = 0;
    for (int i = 0; i < a->n && !a->other; i++) {
        int lanes = a->lanes[i];
        if (!lanes)
            continue;
        if (i < end)
            return false;
        end = i + lanes;
        a->sizes += !a->count[lanes];
        a->place[i] = a->count[lanes];
        a->count[lanes] += lanes;
    }
    return !a->other && a->sizes > 1;
}

static void
make_arrays(registers *r, array *a)
{
    weft_ir *ir = r->ir;
    bool first = true;
    for (int lanes = MOST_LANES; lanes > 0; lanes--) {
        if (!a->count[lanes])
            continue;
        const weft_expr *n = weft_i32(ir, a->count[lanes]);
        const char *name =
            first ? a->buf->name : weft_arena_printf(&ir->arena, "%s_%d", a->buf->name, lanes);
        a->to[lanes] = weft_buf_make(ir, name, a->buf->dtype, WEFT_LOCAL, 1, &n);
        first = false;
    }
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static array *
divided(registers *r, const weft_buf *buf)
{
    array *a = array_of(r, buf);
    return a && a->sizes > 1 && !a->other ? a : NULL;
}

static const weft_expr *
index_in(registers *r, const array *a, const weft_expr *index, int *lanes)
{
    int64_t first = 0;
    (void)as_piece(index, &first, lanes);
    weft_dtype t = (weft_dtype)index->h.type.dtype;
    const weft_expr *at = weft_int(r->ir, t, a->place[first]);
    return *lanes == 1 ? at : weft_ramp(r->ir, at, weft_int(r->ir, t, 1), *lanes);
}

static const weft_expr *
rewrite_load(weft_rewriter *rw, const weft_expr *e)
{
    int lanes;
    e = weft_rewrite_args(rw, e);
    const array *a = e->h.kind == WEFT_EK_LOAD ? divided(rw->user, e->h.u.buf) : NULL;
    if (!a)
        return e;
    const weft_expr *index = index_in(rw->user, a, e->arg[0], &lanes);
    return weft_load(rw->ir, a->to[lanes], 1, &index);
}

static const weft_stmt *
rewrite_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    int lanes;
    s = weft_rewrite_children(rw, s);
    const array *a = s->kind == WEFT_SK_STORE   ? divided(rw->user, s->u.store.buf)
                     : s->kind == WEFT_SK_ALLOC ? divided(rw->user, s->u.alloc.buf)
                                                : NULL;
    if (!a)
        return s;
    if (s->kind == WEFT_SK_STORE) {
        const weft_expr *index = index_in(rw->user, a, s->u.store.index[0], &lanes);
        return weft_store(rw->ir, a->to[lanes], 1, &index, s->u.store.value);
    }
    const weft_stmt *body = s->u.alloc.body;
    for (lanes = 1; lanes <= MOST_LANES; lanes++)
        if (a->to[lanes])
            body = weft_alloc(rw->ir, a->to[lanes], body);
    return body;
}

weft_status
weft_pass_registers(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    (void)diag;
    registers r = { .ir = k->ir };
    bool any = false;
    weft_walk_stmt(&(weft_walker){ note_load, note_stmt, &r }, k->body);
    for (int i = 0; i < r.array.n; i++) {
        array *a = &r.array.at[i];
        bool several = place_pieces(a);
        a->sizes = several ? a->sizes : 0;
        any = any || several;
        if (several)
            make_arrays(&r, a);
    }
    weft_rewriter rw = { .ir = k->ir, .expr = rewrite_load, .stmt = rewrite_stmt, .user = &r };
    const weft_stmt *body = any ? weft_rewrite_stmt(&rw, k->body) : k->body;
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    weft_arena_reset(&r.arena);
    return WEFT_OK;
}
