/* vthread: virtual threads become copies of the statements that differ between them; the rest is
 * done once for all.
 *
 *   for v in 0..2 on vthread {
 *       alloc c: local f32[4]                      alloc c: local f32[8]
 *       for r in 0..k {                            for r in 0..k {
 *           s[t] = A[r * 32 + t]                       s[t] = A[r * 32 + t]
 *           for i in 0..4 {                 ->         for i in 0..4 {
 *               c[i] = c[i] + s[v * 4 + i]                 for v in 0..2 unroll {
 *           }                                                  c[v * 4 + i] =
 *           c[v * 4 + i] + s[v * 4 + i]
 *       }
 *   }
 *
 * needs   level flat; constant extents; before partition and unroll, as guards come to stand in the
 *         innermost loops and copies are made by unroll
 * keeps   the level; loops that all virtual threads go round alike, and barriers, stand once
 * breaks  loops on vthread are gone; memory allocated inside them that differs is of all together
 *
 * A statement differs when the loop's variable is in it, or memory that does: memory of the loop's
 * body that a statement which differs has stored to.  The order of the copies is that of threads of
 * a block that go statement by statement, which a loop on vthread allows (doc/IR.md, 3). */
#include "lower/priv.h"

typedef struct injector {
    weft_ir *ir;
    const weft_var *var; /* of the loop at hand */
    int64_t n;
    weft_arena scratch;
    WEFT_VEC(bool) differs;           /* variables, by id */
    WEFT_VEC(const weft_buf *) own;   /* allocated in the body */
    WEFT_VEC(const weft_buf *) apart; /* what they became where they differ; NULL: one for all */
    bool changed;
} injector;

/* ---- what differs ---------------------------------------------------------------------------- */

static int
own_place(const injector *j, const weft_buf *buf)
{
    for (int i = 0; i < j->own.n; i++)
        if (j->own.at[i] == buf)
            return i;
    return -1;
}

/* The memory of all virtual threads that stands for buf; NULL where it is one for all. */
static const weft_buf *
apart(const injector *j, const weft_buf *buf)
{
    int at = own_place(j, buf);
    return at < 0 ? NULL : j->apart.at[at];
}

static bool
var_differs(const injector *j, const weft_var *v)
{
    return v->id < (uint32_t)j->differs.n && j->differs.at[v->id];
}

typedef struct search {
    const injector *j;
    bool found;
} search;

static bool
look_at_expr(void *user, const weft_expr *e)
{
    search *s = user;
    s->found |= (e->h.kind == WEFT_EK_VAR && var_differs(s->j, e->h.u.var)) ||
                (e->h.kind == WEFT_EK_LOAD && apart(s->j, e->h.u.buf));
    return !s->found;
}

static bool
matrix_differs(const injector *j, const weft_stmt *s)
{
    bool differs = false;
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++)
        differs |= apart(j, s->u.matrix.place[i].buf) != NULL;
    return differs;
}

/* Each virtual thread does its own atomics and calls for their effect. */
static bool
look_at_stmt(void *user, const weft_stmt *s)
{
    search *f = user;
    f->found |= s->kind == WEFT_SK_ATOMIC || s->kind == WEFT_SK_EVAL ||
                (s->kind == WEFT_SK_STORE && apart(f->j, s->u.store.buf)) ||
                (s->kind == WEFT_SK_MATRIX && matrix_differs(f->j, s));
    return !f->found;
}

static bool
expr_differs(const injector *j, const weft_expr *e)
{
    search s = { j, false };
    weft_walk_expr(&(weft_walker){ .expr = look_at_expr, .user = &s }, e);
    return s.found;
}

/* Whether anything in s does. */
static bool
stmt_differs(const injector *j, const weft_stmt *s)
{
    search f = { j, false };
    weft_walk_stmt(&(weft_walker){ look_at_expr, look_at_stmt, &f }, s);
    return f.found;
}

static void
mark_var(injector *j, const weft_var *v)
{
    while (j->differs.n <= (int)v->id)
        *WEFT_PUSH(&j->scratch, &j->differs) = false;
    j->changed |= !j->differs.at[v->id];
    j->differs.at[v->id] = true;
}

static void
mark_buf(injector *j, const weft_buf *buf)
{
    int at = own_place(j, buf);
    if (at < 0 || j->apart.at[at])
        return;
    const weft_expr *size = weft_mul(
        j->ir, buf->shape[0], weft_int(j->ir, (weft_dtype)buf->shape[0]->h.type.dtype, j->n));
    size = weft_simplify_expr(j->ir, NULL, size);
    weft_buf *all = weft_arena_dup(
        &j->ir->arena, weft_buf_make(j->ir, buf->name, buf->dtype, buf->space, 1, &size),
        sizeof *all);
    all->align = buf->align;
    all->stages = buf->stages;
    all->frag = buf->frag;
    j->apart.at[at] = all;
    j->changed = true;
}

/* Whether its results do. */
static bool
mark_allreduce(injector *j, const weft_stmt *s, bool cond)
{
    int n = s->u.all.with->n;
    for (int i = 0; i < n; i++)
        cond |= expr_differs(j, s->u.all.value[i]);
    for (int i = 0; cond && i < n; i++)
        mark_var(j, s->u.all.var[i]);
    return cond;
}

/* Marks the variables and buffers that differ where s stands; cond: some virtual threads do not get
 * there, or each does all of it by itself, as goes_around says below. */
static void
mark(injector *j, const weft_stmt *s, bool cond)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            mark(j, s->u.seq.at[i], cond);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        cond |= expr_differs(j, s->u.loop.extent);
        cond |= s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_VECTORIZE && stmt_differs(j, s);
        if (cond && s->u.loop.var)
            mark_var(j, s->u.loop.var);
        mark(j, s->u.loop.body, cond);
        return;
    case WEFT_SK_IF:
        cond |= expr_differs(j, s->u.iff.cond);
        mark(j, s->u.iff.then, cond);
        if (s->u.iff.els)
            mark(j, s->u.iff.els, cond);
        return;
    case WEFT_SK_LET:
        cond |= expr_differs(j, s->u.let.value);
        if (cond)
            mark_var(j, s->u.let.var);
        mark(j, s->u.let.body, cond);
        return;
    case WEFT_SK_ALLOC:
        mark(j, s->u.alloc.body, cond);
        return;
    case WEFT_SK_ALLREDUCE:
        cond = mark_allreduce(j, s, cond);
        mark(j, s->u.all.body, cond);
        return;
    case WEFT_SK_STORE:
        if (cond || expr_differs(j, s->u.store.index[0]) || expr_differs(j, s->u.store.value))
            mark_buf(j, s->u.store.buf);
        return;
    case WEFT_SK_ATOMIC:
        mark_buf(j, s->u.atomic.buf);
        return;
    case WEFT_SK_MATRIX:
        if (cond || stmt_differs(j, s))
            mark_buf(j, s->u.matrix.place[0].buf);
        return;
    default:
        return;
    }
}

static bool
note_own(void *user, const weft_stmt *s)
{
    injector *j = user;
    if (s->kind == WEFT_SK_ALLOC) {
        *WEFT_PUSH(&j->scratch, &j->own) = s->u.alloc.buf;
        *WEFT_PUSH(&j->scratch, &j->apart) = NULL;
    }
    return true;
}

static void
find_what_differs(injector *j, const weft_stmt *body)
{
    weft_walk_stmt(&(weft_walker){ .stmt = note_own, .user = j }, body);
    mark_var(j, j->var);
    do {
        j->changed = false;
        mark(j, body, false);
    } while (j->changed);
}

/* ---- copies ---------------------------------------------------------------------------------- */

typedef struct copier {
    const injector *j;
    const weft_expr *v; /* the virtual thread's number */
} copier;

/* Where an element of one virtual thread stands in the memory of all. */
static const weft_expr *
moved(weft_ir *ir, const copier *c, const weft_buf *buf, const weft_expr *index)
{
    return weft_shifted(ir, index, c->v, buf->shape[0]);
}

static const weft_expr *
copy_expr(weft_rewriter *rw, const weft_expr *e)
{
    const copier *c = rw->user;
    if (e->h.kind == WEFT_EK_VAR)
        return e->h.u.var == c->j->var ? c->v : e;
    e = weft_rewrite_args(rw, e);
    const weft_buf *all = e->h.kind == WEFT_EK_LOAD ? apart(c->j, e->h.u.buf) : NULL;
    if (!all)
        return e;
    const weft_expr *index = moved(rw->ir, c, e->h.u.buf, e->arg[0]);
    return weft_load(rw->ir, all, 1, &index);
}

static const weft_stmt *
copy_matrix(weft_ir *ir, const copier *c, const weft_stmt *s)
{
    weft_spot at[WEFT_MATRIX_PLACES];
    const weft_expr *index[WEFT_MATRIX_PLACES];
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        const weft_spot *place = &s->u.matrix.place[i];
        const weft_buf *all = apart(c->j, place->buf);
        index[i] = all ? moved(ir, c, place->buf, place->index[0]) : place->index[0];
        at[i] = (weft_spot){ all ? all : place->buf, 1, &index[i] };
    }
    return weft_matrix_with(ir, s, at);
}

static const weft_stmt *
copy_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    const copier *c = rw->user;
    s = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_STORE && apart(c->j, s->u.store.buf)) {
        const weft_expr *index = moved(rw->ir, c, s->u.store.buf, s->u.store.index[0]);
        return weft_store(rw->ir, apart(c->j, s->u.store.buf), 1, &index, s->u.store.value);
    }
    if (s->kind == WEFT_SK_MATRIX)
        return copy_matrix(rw->ir, c, s);
    weft_stmt now = *s;
    if (s->kind == WEFT_SK_ATOMIC && apart(c->j, s->u.atomic.buf)) {
        now.u.atomic.buf = apart(c->j, s->u.atomic.buf);
        now.u.atomic.index = moved(rw->ir, c, s->u.atomic.buf, s->u.atomic.index);
        return weft_stmt_make(rw->ir, now);
    }
    if (s->kind == WEFT_SK_ALLOC && apart(c->j, s->u.alloc.buf))
        return weft_alloc(rw->ir, apart(c->j, s->u.alloc.buf), s->u.alloc.body);
    return s;
}

/* s once for each virtual thread. */
static const weft_stmt *
each(const injector *j, const weft_stmt *s)
{
    const weft_var *v = weft_var_make(j->ir, j->var->name, j->var->type);
    copier c = { j, weft_ref(j->ir, v) };
    weft_rewriter rw = { .ir = j->ir, .expr = copy_expr, .stmt = copy_stmt, .user = &c };
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    return weft_for(j->ir, v, WEFT_UNROLL, weft_int(j->ir, (weft_dtype)v->type.dtype, j->n), s);
}

/* ---- inwards --------------------------------------------------------------------------------- */

/* Whether all virtual threads get to the inside of s alike, so that it can stand around them; lanes
 * stay innermost. */
static bool
goes_around(const injector *j, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_FOR:
        return s->u.loop.bind != WEFT_VECTORIZE && !expr_differs(j, s->u.loop.extent);
    case WEFT_SK_WHILE:
        return !expr_differs(j, s->u.loop.extent);
    case WEFT_SK_IF:
        return !expr_differs(j, s->u.iff.cond);
    case WEFT_SK_LET:
        return !var_differs(j, s->u.let.var);
    case WEFT_SK_ALLREDUCE:
        return !var_differs(j, s->u.all.var[0]);
    case WEFT_SK_SEQ:
    case WEFT_SK_ALLOC:
        return true;
    default:
        return false;
    }
}

static const weft_stmt *
push_in(weft_rewriter *rw, const weft_stmt *s)
{
    const injector *j = rw->user;
    if (!stmt_differs(j, s))
        return s;
    if (!goes_around(j, s))
        return each(j, s);
    s = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_ALLOC && apart(j, s->u.alloc.buf))
        return weft_alloc(rw->ir, apart(j, s->u.alloc.buf), s->u.alloc.body);
    return s;
}

static const weft_expr *
leave(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

static const weft_stmt *
inject(weft_ir *ir, const weft_stmt *loop, int64_t n)
{
    injector j = { .ir = ir, .var = loop->u.loop.var, .n = n };
    find_what_differs(&j, loop->u.loop.body);
    weft_rewriter rw = { .ir = ir, .expr = leave, .stmt = push_in, .user = &j };
    const weft_stmt *s = weft_rewrite_stmt(&rw, loop->u.loop.body);
    weft_rewrite_done(&rw);
    weft_arena_reset(&j.scratch);
    return s;
}

static const weft_stmt *
visit(weft_rewriter *rw, const weft_stmt *s)
{
    int64_t n;
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_FOR || s->u.loop.bind != WEFT_VTHREAD ||
        !weft_as_int(s->u.loop.extent, &n))
        return s;
    return n > 0 ? inject(rw->ir, s, n) : weft_nop(rw->ir);
}

weft_status
weft_pass_vthread(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    (void)diag;
    weft_rewriter rw = { .ir = k->ir, .expr = leave, .stmt = visit };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
