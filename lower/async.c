/* async: copies from global memory to tiles in shared memory become asynchronous, where the target has
 * such, and are waited for before the next barrier.
 *
 * needs   level device; barriers in place
 * keeps   everything else
 *
 * A buffer qualifies that matrices alone are loaded from, so that a barrier stands between a copy and
 * whoever reads it, the copying thread included; and whose every store is a copy of 4, 8 or 16 bytes, or
 * zeros by a guard. */
#include "lower/lower.h"

typedef struct copies {
    weft_ir *ir;
    weft_arena scratch;
    bool *copied, *other; /* by buffer id: stored by such copies; touched otherwise */
    bool any, late;
} copies;

static bool
note_load(void *user, const weft_expr *e)
{
    copies *c = user;
    if (e->h.kind == WEFT_EK_LOAD)
        c->other[e->h.u.buf->id] = true;
    return true;
}

static bool
note_stmt(void *user, const weft_stmt *s)
{
    copies *c = user;
    const weft_expr *cond;
    if (s->kind == WEFT_SK_STORE && weft_async_source(s->u.store.value, &cond))
        c->copied[s->u.store.buf->id] = true;
    else if (s->kind == WEFT_SK_STORE)
        c->other[s->u.store.buf->id] = true;
    else if (s->kind == WEFT_SK_ATOMIC)
        c->other[s->u.atomic.buf->id] = true;
    else if (s->kind == WEFT_SK_MATRIX && s->u.matrix.op == WEFT_MATRIX_STORE)
        c->other[s->u.matrix.place[0].buf->id] = true;
    return true;
}

static bool
is_copy(const copies *c, const weft_stmt *s)
{
    return s->kind == WEFT_SK_STORE && s->u.store.buf->space == WEFT_SHARED &&
           c->copied[s->u.store.buf->id] && !c->other[s->u.store.buf->id];
}

/* ---- waits ----------------------------------------------------------------------------------- */

static const weft_stmt *place(copies *, const weft_stmt *, bool *pending);

/* What one iteration leaves under way the next one meets. */
static const weft_stmt *
place_loop(copies *c, const weft_stmt *s, bool *pending)
{
    weft_stmt t = *s;
    bool after = *pending;
    t.u.loop.body = place(c, s->u.loop.body, &after);
    if (after && !*pending)
        t.u.loop.body = place(c, s->u.loop.body, &after);
    *pending |= after;
    return t.u.loop.body == s->u.loop.body ? s : weft_stmt_make(c->ir, t);
}

static const weft_stmt *
place_if(copies *c, const weft_stmt *s, bool *pending)
{
    weft_stmt t = *s;
    bool otherwise = *pending;
    t.u.iff.then = place(c, s->u.iff.then, pending);
    if (s->u.iff.els)
        t.u.iff.els = place(c, s->u.iff.els, &otherwise);
    *pending |= otherwise;
    return weft_stmt_make(c->ir, t);
}

static const weft_stmt *
place_seq(copies *c, const weft_stmt *s, bool *pending)
{
    const weft_stmt **at = WEFT_NEW_ARRAY(&c->scratch, s->u.seq.n + 1, const weft_stmt *);
    for (int i = 0; i < s->u.seq.n; i++)
        at[i] = place(c, s->u.seq.at[i], pending);
    return weft_seq(c->ir, s->u.seq.n, at);
}

/* Statements in the order they run: copies are under way from then on, and are waited for before a
 * barrier; c->late where a matrix would be loaded of them before one. */
static const weft_stmt *
place(copies *c, const weft_stmt *s, bool *pending)
{
    weft_stmt t = *s;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return place_seq(c, s, pending);
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        return place_loop(c, s, pending);
    case WEFT_SK_IF:
        return place_if(c, s, pending);
    case WEFT_SK_LET:
        t.u.let.body = place(c, s->u.let.body, pending);
        return weft_stmt_make(c->ir, t);
    case WEFT_SK_ALLOC:
        t.u.alloc.body = place(c, s->u.alloc.body, pending);
        return weft_stmt_make(c->ir, t);
    case WEFT_SK_STORE:
        if (!is_copy(c, s))
            return s;
        *pending = c->any = t.u.store.async = true;
        return weft_stmt_make(c->ir, t);
    case WEFT_SK_MATRIX:
        c->late |= *pending && s->u.matrix.op == WEFT_MATRIX_LOAD &&
                   c->copied[s->u.matrix.place[1].buf->id];
        return s;
    case WEFT_SK_BARRIER: {
        const weft_stmt *const at[3] = { weft_async(c->ir, WEFT_ASYNC_COMMIT), weft_async(c->ir, 0),
                                         s };
        bool wait = *pending;
        *pending = false;
        return wait ? weft_seq(c->ir, 3, at) : s;
    }
    default:
        return s;
    }
}

weft_status
weft_pass_async(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    copies c = { .ir = k->ir };
    (void)diag;
    *changed = false;
    if (!o->caps->async_copy)
        return WEFT_OK;
    c.copied = WEFT_NEW_ARRAY(&c.scratch, k->ir->nbuf + 1, bool);
    c.other = WEFT_NEW_ARRAY(&c.scratch, k->ir->nbuf + 1, bool);
    weft_walk_stmt(&(weft_walker){ note_load, note_stmt, &c }, k->body);
    bool pending = false;
    const weft_stmt *body = place(&c, k->body, &pending);
    if (c.any && !c.late) {
        k->body = body;
        *changed = true;
    }
    weft_arena_reset(&c.scratch);
    return WEFT_OK;
}
