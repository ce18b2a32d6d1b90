/* unroll: loops marked so become copies of their body, one a step.
 *
 * needs  any level; vectorize before it, as it takes the loops around vectors apart
 * keeps  the level
 * breaks simplified; parallel loops, and those whose extent is no constant, become serial
 *
 * A loop that would become more than MAX_STATEMENTS is refused: no device's compiler thanks for it,
 * and a mistyped extent should not cost all memory. */
#include "lower/priv.h"

enum { MAX_STATEMENTS = 1 << 13 };

typedef struct unroller {
    const weft_kernel *kernel;
    weft_diag *diag;
    weft_status status;
} unroller;

static bool
count_one(void *user, const weft_stmt *s)
{
    int64_t *n = user;
    *n += s->kind != WEFT_SK_SEQ;
    return true;
}

static int64_t
count(const weft_stmt *s)
{
    int64_t n = 0;
    weft_walk_stmt(&(weft_walker){ .stmt = count_one, .user = &n }, s);
    return n;
}

static const weft_stmt *
copies(weft_ir *ir, const weft_stmt *loop, int64_t n)
{
    const weft_var *v = loop->u.loop.var;
    WEFT_VEC(const weft_stmt *) at = { 0 };
    weft_arena scratch = { 0 };
    for (int64_t i = 0; i < n; i++) {
        const weft_expr *value = weft_int(ir, (weft_dtype)v->type.dtype, i);
        const weft_stmt *body = weft_subst_stmt(ir, loop->u.loop.body, 1, &v, &value);
        *WEFT_PUSH(&scratch, &at) = i ? weft_refresh(ir, body) : body;
    }
    const weft_stmt *s = weft_seq(ir, at.n, at.at);
    weft_arena_reset(&scratch);
    return s;
}

static const weft_stmt *
unroll(weft_rewriter *rw, const weft_stmt *s)
{
    int64_t n;
    s = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_PARALLEL)
        return weft_for(rw->ir, s->u.loop.var, WEFT_SERIAL, s->u.loop.extent, s->u.loop.body);
    if (s->kind != WEFT_SK_FOR || s->u.loop.bind != WEFT_UNROLL)
        return s;
    if (weft_as_int(s->u.loop.extent, &n)) {
        int64_t each = count(s->u.loop.body);
        if (n <= 1 || each <= MAX_STATEMENTS / n)
            return copies(rw->ir, s, n);
        unroller *u = rw->user;
        if (!u->status)
            u->status =
                weft_fail(u->diag, WEFT_LIMIT,
                          "kernel '%s': loop '%s' has %lld iterations of %lld statements, and at "
                          "most %d are written out; split it and unroll the inner part",
                          u->kernel->name, s->u.loop.var->name, (long long)n, (long long)each,
                          MAX_STATEMENTS);
        return s;
    }
    return weft_for(rw->ir, s->u.loop.var, WEFT_SERIAL, s->u.loop.extent, s->u.loop.body);
}

static const weft_expr *
leave(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

weft_status
weft_pass_unroll(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    unroller u = { .kernel = k, .diag = diag };
    weft_rewriter rw = { .ir = k->ir, .expr = leave, .stmt = unroll, .user = &u };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    return u.status;
}
