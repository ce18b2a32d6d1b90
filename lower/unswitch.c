/* unswitch: what a guard asks of every lane or unrolled step alike is asked once, before them.
 *
 *   for v { for l in 0..16 unroll { .. guard(a && b, x, y) .. } }
 *   if (a) { for v { for l .. guard(b, x, y) .. } } else { for v { .. as it was } }
 *                                       when a is free of v, l and of the thread
 *
 * needs  any level; before vectorize and unroll
 * keeps  the level; statements of shared memory, barriers and reductions of threads stay where they
 *        are
 * breaks simplified */
#include "lower/priv.h"

enum { MAX_STMTS = 100 /* a loop of more is not doubled */ };

typedef struct switcher {
    weft_ir *ir;
    weft_arena arena;
    WEFT_VEC(const weft_var *) thread; /* of which threads, or lanes, have values of their own */
    bool written_out;                  /* within steps that are: each would ask for itself */
} switcher;

/* What a loop holds. */
typedef struct census {
    switcher *w;
    int stmts;
    bool steps; /* lanes or unrolled steps */
    bool fixed; /* what must not come to stand under a condition */
    WEFT_VEC(const weft_var *) bound;
    WEFT_VEC(const weft_expr *) cond; /* conjuncts of guards, each once */
} census;

static void
add_conjuncts(census *c, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_AND) {
        add_conjuncts(c, e->arg[0]);
        add_conjuncts(c, e->arg[1]);
        return;
    }
    for (int i = 0; i < c->cond.n; i++)
        if (c->cond.at[i] == e)
            return;
    if (e->h.pure && e->h.type.lanes == 1)
        *WEFT_PUSH(&c->w->arena, &c->cond) = e;
}

static bool
count_expr(void *user, const weft_expr *e)
{
    census *c = user;
    bool effect = e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].effect;
    c->fixed |= effect || (e->h.kind == WEFT_EK_LOAD && e->h.u.buf->space == WEFT_SHARED);
    if (e->h.kind == WEFT_EK_GUARD)
        add_conjuncts(c, e->arg[0]);
    return true;
}

static bool
count_stmt(void *user, const weft_stmt *s)
{
    census *c = user;
    c->stmts++;
    switch (s->kind) {
    case WEFT_SK_FOR:
        c->steps |= s->u.loop.bind == WEFT_UNROLL || s->u.loop.bind == WEFT_VECTORIZE;
        c->fixed |= weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind);
        *WEFT_PUSH(&c->w->arena, &c->bound) = s->u.loop.var;
        break;
    case WEFT_SK_LET:
        *WEFT_PUSH(&c->w->arena, &c->bound) = s->u.let.var;
        break;
    case WEFT_SK_STORE:
        c->fixed |= s->u.store.buf->space == WEFT_SHARED;
        break;
    case WEFT_SK_SEQ:
    case WEFT_SK_IF:
    case WEFT_SK_ALLOC:
        break;
    default: /* barriers, reductions of threads, atomics, matrices, loops of unknown length */
        c->fixed = true;
    }
    return true;
}

static bool
uses_any(const weft_expr *e, int n, const weft_var *const *v)
{
    for (int i = 0; i < n; i++)
        if (weft_uses_var(e, v[i]))
            return true;
    return false;
}

/* The conjuncts that are the same throughout the loop and for all threads, as one condition; those
 * alone are left in c.  NULL: there is none, or the loop stays as it is. */
static const weft_expr *
common(switcher *w, census *c, const weft_stmt *loop)
{
    const weft_expr *all = NULL;
    int n = 0;
    weft_walk_stmt(&(weft_walker){ count_expr, count_stmt, c }, loop);
    if (c->fixed || !c->steps || c->stmts > MAX_STMTS)
        return NULL;
    for (int i = 0; i < c->cond.n; i++) {
        const weft_expr *e = c->cond.at[i];
        if (uses_any(e, c->bound.n, c->bound.at) || uses_any(e, w->thread.n, w->thread.at))
            continue;
        c->cond.at[n++] = e;
        all = weft_ix_and(w->ir, all, e);
    }
    c->cond.n = n;
    return all;
}

/* cond where the conjuncts hold; NULL: always. */
static const weft_expr *
without(weft_ir *ir, const weft_expr *cond, const census *known)
{
    if (cond->h.kind == WEFT_EK_AND)
        return weft_ix_and(ir, without(ir, cond->arg[0], known), without(ir, cond->arg[1], known));
    for (int i = 0; i < known->cond.n; i++)
        if (known->cond.at[i] == cond)
            return NULL;
    return cond;
}

static const weft_expr *
drop_known(weft_rewriter *rw, const weft_expr *e)
{
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_GUARD)
        return e;
    const weft_expr *cond = without(rw->ir, e->arg[0], rw->user);
    return !cond               ? e->arg[1]
           : cond == e->arg[0] ? e
                               : weft_guard(rw->ir, cond, e->arg[1], e->arg[2]);
}

static const weft_stmt *rewrite(weft_rewriter *, const weft_stmt *);

static const weft_stmt *
unswitch(switcher *w, const weft_stmt *loop)
{
    census c = { .w = w };
    const weft_expr *cond = common(w, &c, loop);
    if (!cond)
        return loop;
    weft_rewriter drop = {
        .ir = w->ir, .expr = drop_known, .stmt = weft_rewrite_children, .user = &c
    };
    const weft_stmt *fast = weft_rewrite_stmt(&drop, loop);
    weft_rewrite_done(&drop);
    return weft_if(w->ir, cond, fast, weft_refresh(w->ir, loop));
}

static const weft_expr *
keep(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

/* From the outside in: a condition is asked as early as it can be. */
static const weft_stmt *
rewrite(weft_rewriter *rw, const weft_stmt *s)
{
    switcher *w = rw->user;
    if (s->kind != WEFT_SK_FOR)
        return weft_rewrite_children(rw, s);
    bool steps = s->u.loop.bind == WEFT_UNROLL, outside = w->written_out;
    if (weft_is_thread(s->u.loop.bind) || s->u.loop.bind == WEFT_VECTORIZE)
        *WEFT_PUSH(&w->arena, &w->thread) = s->u.loop.var;
    if (s->u.loop.bind == WEFT_SERIAL || (steps && !outside)) {
        const weft_stmt *made = unswitch(w, s);
        if (made != s)
            return made;
    }
    w->written_out = steps || (outside && s->u.loop.bind != WEFT_SERIAL);
    s = weft_rewrite_children(rw, s);
    w->written_out = outside;
    return s;
}

weft_status
weft_pass_unswitch(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    (void)diag;
    switcher w = { .ir = k->ir };
    weft_rewriter rw = { .ir = k->ir, .expr = keep, .stmt = rewrite, .user = &w };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    weft_arena_reset(&w.arena);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
