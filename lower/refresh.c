/* Copies of statements with names of their own: whoever doubles a statement keeps it that every
 * variable and buffer is bound once. */
#include "lower/priv.h"

typedef struct refresher {
    weft_arena arena;
    WEFT_VEC(const weft_expr *) var; /* by the variable's id; NULL: bound outside */
    WEFT_VEC(const weft_buf *) buf;
} refresher;

static const weft_var *
fresh_var(weft_rewriter *rw, const weft_var *v)
{
    refresher *r = rw->user;
    const weft_var *to = weft_var_make(rw->ir, v->name, v->type);
    while (r->var.n <= (int)v->id)
        *WEFT_PUSH(&r->arena, &r->var) = NULL;
    if (r->var.at[v->id])
        weft_rewrite_forget(rw);
    r->var.at[v->id] = weft_ref(rw->ir, to);
    return to;
}

static const weft_buf *
fresh_buf(weft_rewriter *rw, const weft_buf *b)
{
    refresher *r = rw->user;
    weft_buf *to = weft_arena_dup(
        &rw->ir->arena, weft_buf_make(rw->ir, b->name, b->dtype, b->space, b->ndim, b->shape),
        sizeof *b);
    to->stride = b->stride;
    to->align = b->align;
    to->frag = b->frag;
    to->stages = b->stages;
    to->place = b->place;
    to->room = b->room;
    while (r->buf.n <= (int)b->id)
        *WEFT_PUSH(&r->arena, &r->buf) = NULL;
    if (r->buf.at[b->id])
        weft_rewrite_forget(rw);
    r->buf.at[b->id] = to;
    return to;
}

static const weft_buf *
current_buf(const refresher *r, const weft_buf *b)
{
    return b->id < (uint32_t)r->buf.n && r->buf.at[b->id] ? r->buf.at[b->id] : b;
}

static const weft_expr *
refresh_expr(weft_rewriter *rw, const weft_expr *e)
{
    const refresher *r = rw->user;
    if (e->h.kind == WEFT_EK_VAR) {
        uint32_t id = e->h.u.var->id;
        return id < (uint32_t)r->var.n && r->var.at[id] ? r->var.at[id] : e;
    }
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_LOAD || current_buf(r, e->h.u.buf) == e->h.u.buf)
        return e;
    return weft_load(rw->ir, current_buf(r, e->h.u.buf), e->h.nargs, e->arg);
}

static const weft_stmt *
refresh_all(weft_rewriter *rw, const weft_stmt *s)
{
    int n = s->u.all.with->n;
    const weft_var **var = WEFT_NEW_ARRAY(&rw->ir->arena, n, const weft_var *);
    const weft_expr **value = WEFT_NEW_ARRAY(&rw->ir->arena, n, const weft_expr *);
    for (int i = 0; i < n; i++)
        value[i] = weft_rewrite_expr(rw, s->u.all.value[i]);
    for (int i = 0; i < n; i++)
        var[i] = fresh_var(rw, s->u.all.var[i]);
    return weft_allreduce(rw->ir, s->u.all.with, s->u.all.axes, var, value,
                          weft_rewrite_stmt(rw, s->u.all.body));
}

static const weft_stmt *
refresh_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    const refresher *r = rw->user;
    weft_stmt t = *s;
    switch (s->kind) {
    case WEFT_SK_FOR:
        t.u.loop.extent = weft_rewrite_expr(rw, s->u.loop.extent);
        t.u.loop.var = fresh_var(rw, s->u.loop.var);
        t.u.loop.body = weft_rewrite_stmt(rw, s->u.loop.body);
        return weft_stmt_make(rw->ir, t);
    case WEFT_SK_LET:
        t.u.let.value = weft_rewrite_expr(rw, s->u.let.value);
        t.u.let.var = fresh_var(rw, s->u.let.var);
        t.u.let.body = weft_rewrite_stmt(rw, s->u.let.body);
        return weft_stmt_make(rw->ir, t);
    case WEFT_SK_ALLOC:
        t.u.alloc.buf = fresh_buf(rw, s->u.alloc.buf);
        t.u.alloc.body = weft_rewrite_stmt(rw, s->u.alloc.body);
        return weft_stmt_make(rw->ir, t);
    case WEFT_SK_ALLREDUCE:
        return refresh_all(rw, s);
    case WEFT_SK_STORE:
    case WEFT_SK_ATOMIC:
        t = *weft_rewrite_children(rw, s);
        if (s->kind == WEFT_SK_STORE)
            t.u.store.buf = current_buf(r, s->u.store.buf);
        else
            t.u.atomic.buf = current_buf(r, s->u.atomic.buf);
        return weft_stmt_make(rw->ir, t);
    case WEFT_SK_MATRIX:
        t = *weft_rewrite_children(rw, s);
        for (int i = 0; i < weft_matrix_op_places(t.u.matrix.op); i++)
            t.u.matrix.place[i].buf = current_buf(r, t.u.matrix.place[i].buf);
        return weft_stmt_make(rw->ir, t);
    default:
        return weft_rewrite_children(rw, s);
    }
}

const weft_stmt *
weft_refresh(weft_ir *ir, const weft_stmt *s)
{
    refresher r = { 0 };
    weft_rewriter rw = { .ir = ir, .expr = refresh_expr, .stmt = refresh_stmt, .user = &r };
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    weft_arena_reset(&r.arena);
    return s;
}

const weft_expr *
weft_shifted(weft_ir *ir, const weft_expr *index, const weft_expr *n, const weft_expr *size)
{
    weft_dtype t = (weft_dtype)index->h.type.dtype;
    const weft_expr *by = weft_mul(ir, weft_cast(ir, t, n), weft_cast(ir, t, size));
    if (weft_is_int_imm(n, 0))
        return index;
    if (index->h.kind == WEFT_EK_RAMP)
        return weft_ramp(ir, weft_add(ir, by, index->arg[0]), index->arg[1], index->h.type.lanes);
    return weft_add(ir, by, index);
}
