/* Rewriting and walking.  The one file, with walk.c, that knows where statements keep their
 * children. */
#include "ir/priv.h"

#include <string.h>

/* ---- the memo: a hash table of pairs (from, to), keyed by the expression's id ---------------- */

static const weft_expr **
memo_find(const weft_rewriter *rw, const weft_expr *e)
{
    uint32_t mask = rw->nmemo - 1;
    for (uint32_t i = e->id * 2654435761u & mask;; i = (i + 1) & mask) {
        const weft_expr **pair = &rw->memo[2 * (size_t)i];
        if (!pair[0] || pair[0] == e)
            return pair;
    }
}

static void
memo_grow(weft_rewriter *rw)
{
    const weft_expr **old = rw->memo;
    uint32_t n = rw->nmemo;
    rw->nmemo = n ? 2 * n : 64;
    rw->memo = WEFT_NEW_ARRAY(&rw->scratch, 2 * (size_t)rw->nmemo, const weft_expr *);
    for (uint32_t i = 0; i < n; i++) {
        const weft_expr **from = &old[2 * (size_t)i];
        if (from[0])
            memcpy(memo_find(rw, from[0]), from, 2 * sizeof *from);
    }
}

static void
memo_put(weft_rewriter *rw, const weft_expr *from, const weft_expr *to)
{
    if (2 * (rw->nused + 1) > rw->nmemo)
        memo_grow(rw);
    const weft_expr **pair = memo_find(rw, from);
    rw->nused += !pair[0];
    pair[0] = from;
    pair[1] = to;
}

void
weft_rewrite_forget(weft_rewriter *rw)
{
    rw->nused = 0;
    if (rw->nmemo <= 256) {
        if (rw->nmemo)
            memset(rw->memo, 0, 2 * (size_t)rw->nmemo * sizeof *rw->memo);
        return;
    }
    weft_rewrite_done(rw);
}

void
weft_rewrite_done(weft_rewriter *rw)
{
    weft_arena_reset(&rw->scratch);
    rw->memo = NULL;
    rw->nmemo = rw->nused = 0;
}

/* ---- expressions ----------------------------------------------------------------------------- */

const weft_expr *
weft_rewrite_expr(weft_rewriter *rw, const weft_expr *e)
{
    if (!e)
        return NULL;
    if (rw->nmemo) {
        const weft_expr **pair = memo_find(rw, e);
        if (pair[0])
            return pair[1];
    }
    const weft_expr *to = rw->expr ? rw->expr(rw, e) : weft_rewrite_args(rw, e);
    memo_put(rw, e, to);
    return to;
}

/* Rewrites n expressions; the same array if none changed, else one in the context. */
static const weft_expr *const *
rewrite_all(weft_rewriter *rw, int n, const weft_expr *const *at)
{
    const weft_expr **to = NULL;
    for (int i = 0; i < n; i++) {
        const weft_expr *e = weft_rewrite_expr(rw, at[i]);
        if (e == at[i])
            continue;
        if (!to)
            to = weft_arena_dup(&rw->ir->arena, at, (size_t)n * sizeof *at);
        to[i] = e;
    }
    return to ? to : at;
}

const weft_expr *
weft_rewrite_args(weft_rewriter *rw, const weft_expr *e)
{
    const weft_expr *const *to = rewrite_all(rw, e->h.nargs, e->arg);
    return to == e->arg ? e : weft_expr_with(rw->ir, e, to);
}

/* ---- statements ------------------------------------------------------------------------------ */

const weft_stmt *
weft_rewrite_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    if (!s)
        return NULL;
    return rw->stmt ? rw->stmt(rw, s) : weft_rewrite_children(rw, s);
}

static const weft_stmt *
rewrite_seq(weft_rewriter *rw, const weft_stmt *s)
{
    const weft_stmt **to = NULL;
    int n = s->u.seq.n;
    for (int i = 0; i < n; i++) {
        const weft_stmt *child = weft_rewrite_stmt(rw, s->u.seq.at[i]);
        if (child == s->u.seq.at[i])
            continue;
        if (!to)
            to = weft_arena_dup(&rw->ir->arena, s->u.seq.at, (size_t)n * sizeof *to);
        to[i] = child;
    }
    return to ? weft_seq(rw->ir, n, to) : s;
}

static const weft_stmt *
rewrite_matrix(weft_rewriter *rw, const weft_stmt *s)
{
    weft_stmt t = *s;
    bool same = true;
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        const weft_spot *at = &s->u.matrix.place[i];
        t.u.matrix.place[i].index = rewrite_all(rw, at->n, at->index);
        same &= t.u.matrix.place[i].index == at->index;
    }
    t.u.matrix.value = weft_rewrite_expr(rw, s->u.matrix.value);
    t.u.matrix.stride = weft_rewrite_expr(rw, s->u.matrix.stride);
    same &= t.u.matrix.value == s->u.matrix.value && t.u.matrix.stride == s->u.matrix.stride;
    return same ? s : weft_stmt_make(rw->ir, t);
}

const weft_stmt *
weft_rewrite_children(weft_rewriter *rw, const weft_stmt *s)
{
    weft_stmt t = *s;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return rewrite_seq(rw, s);
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        t.u.loop.extent = weft_rewrite_expr(rw, s->u.loop.extent);
        t.u.loop.body = weft_rewrite_stmt(rw, s->u.loop.body);
        if (t.u.loop.extent == s->u.loop.extent && t.u.loop.body == s->u.loop.body)
            return s;
        break;
    case WEFT_SK_IF:
        t.u.iff.cond = weft_rewrite_expr(rw, s->u.iff.cond);
        t.u.iff.then = weft_rewrite_stmt(rw, s->u.iff.then);
        t.u.iff.els = weft_rewrite_stmt(rw, s->u.iff.els);
        if (t.u.iff.cond == s->u.iff.cond && t.u.iff.then == s->u.iff.then &&
            t.u.iff.els == s->u.iff.els)
            return s;
        break;
    case WEFT_SK_LET:
        t.u.let.value = weft_rewrite_expr(rw, s->u.let.value);
        t.u.let.body = weft_rewrite_stmt(rw, s->u.let.body);
        if (t.u.let.value == s->u.let.value && t.u.let.body == s->u.let.body)
            return s;
        break;
    case WEFT_SK_STORE:
        t.u.store.index = rewrite_all(rw, s->u.store.n, s->u.store.index);
        t.u.store.value = weft_rewrite_expr(rw, s->u.store.value);
        if (t.u.store.index == s->u.store.index && t.u.store.value == s->u.store.value)
            return s;
        break;
    case WEFT_SK_ATOMIC:
        t.u.atomic.index = weft_rewrite_expr(rw, s->u.atomic.index);
        t.u.atomic.value = weft_rewrite_expr(rw, s->u.atomic.value);
        if (t.u.atomic.index == s->u.atomic.index && t.u.atomic.value == s->u.atomic.value)
            return s;
        break;
    case WEFT_SK_ALLOC:
        t.u.alloc.body = weft_rewrite_stmt(rw, s->u.alloc.body);
        if (t.u.alloc.body == s->u.alloc.body)
            return s;
        break;
    case WEFT_SK_EVAL:
        t.u.eval.call = weft_rewrite_expr(rw, s->u.eval.call);
        if (t.u.eval.call == s->u.eval.call)
            return s;
        break;
    case WEFT_SK_PREFETCH:
        t.u.prefetch.index = weft_rewrite_expr(rw, s->u.prefetch.index);
        if (t.u.prefetch.index == s->u.prefetch.index)
            return s;
        break;
    case WEFT_SK_MATRIX:
        return rewrite_matrix(rw, s);
    case WEFT_SK_ALLREDUCE:
        t.u.all.value = rewrite_all(rw, s->u.all.with->n, s->u.all.value);
        t.u.all.body = weft_rewrite_stmt(rw, s->u.all.body);
        if (t.u.all.value == s->u.all.value && t.u.all.body == s->u.all.body)
            return s;
        break;
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
    case WEFT_SK_COUNT:
        return s;
    }
    return weft_stmt_make(rw->ir, t);
}

/* ---- substitution ---------------------------------------------------------------------------- */

typedef struct substitution {
    int n;
    const weft_var *const *var;
    const weft_expr *const *to;
} substitution;

static const weft_expr *
subst(weft_rewriter *rw, const weft_expr *e)
{
    const substitution *s = rw->user;
    if (e->h.kind != WEFT_EK_VAR)
        return weft_rewrite_args(rw, e);
    for (int i = 0; i < s->n; i++)
        if (s->var[i] == e->h.u.var)
            return s->to[i];
    return e;
}

const weft_expr *
weft_subst_expr(weft_ir *ir, const weft_expr *e, int n, const weft_var *const *var,
                const weft_expr *const *to)
{
    substitution s = { n, var, to };
    weft_rewriter rw = { .ir = ir, .expr = subst, .user = &s };
    e = weft_rewrite_expr(&rw, e);
    weft_rewrite_done(&rw);
    return e;
}

const weft_stmt *
weft_subst_stmt(weft_ir *ir, const weft_stmt *s, int n, const weft_var *const *var,
                const weft_expr *const *to)
{
    substitution sub = { n, var, to };
    weft_rewriter rw = { .ir = ir, .expr = subst, .user = &sub };
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    return s;
}
