/* Vectors of a loop's tail: lanes that are asked each for itself.
 *
 *   for l in lanes 16 { if (l < 5) s }     for l in lanes 4 { s(l) }; s(4)
 *
 * A vectorised loop whose lanes a condition tells apart is divided into parts of as many lanes as
 * have one answer, powers of two.  Where nothing is known of the condition, lanes may become
 * scalars, unrolled, so that registers keep constant indices; and where registers are somebody
 * else's vectors too, unless the target reaches some lanes of one: else they have to be of one width
 * to be registers. */
#include "lower/priv.h"

typedef struct divider {
    weft_ir *ir;
    weft_facts *facts;
    weft_arena arena;
    WEFT_VEC(const weft_stmt *) part; /* of the loop at hand */
    bool parts;                       /* registers need not be of one width */
    bool scalars;                     /* what becomes of lanes of which nothing is */
    WEFT_VEC(const weft_buf *) own;   /* memory of a thread that is all within the statement */
} divider;

/* ---- conditions ------------------------------------------------------------------------------ */

typedef struct asking {
    const weft_var *of, *too; /* too: NULL, or in the same condition */
    bool found;
} asking;

static void
look_at(asking *a, const weft_expr *cond)
{
    a->found |= weft_uses_var(cond, a->of) && (!a->too || weft_uses_var(cond, a->too));
}

static bool
find_guard_expr(void *user, const weft_expr *e)
{
    asking *a = user;
    if (e->h.kind == WEFT_EK_GUARD)
        look_at(a, e->arg[0]);
    return !a->found;
}

static bool
find_guard_stmt(void *user, const weft_stmt *s)
{
    asking *a = user;
    if (s->kind == WEFT_SK_IF)
        look_at(a, s->u.iff.cond);
    return !a->found;
}

/* Whether a condition in the body depends on the loop's variable, and on `too`. */
static bool
is_asked(const weft_stmt *loop, const weft_var *too)
{
    asking a = { .of = loop->u.loop.var, .too = too };
    weft_walk_stmt(&(weft_walker){ find_guard_expr, find_guard_stmt, &a }, loop->u.loop.body);
    return a.found;
}

static bool
is_lanes(const weft_stmt *s)
{
    return s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_VECTORIZE;
}

/* ---- registers ------------------------------------------------------------------------------- */

static bool
note_own(void *user, const weft_stmt *s)
{
    divider *d = user;
    if (s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->space == WEFT_LOCAL)
        *WEFT_PUSH(&d->arena, &d->own) = s->u.alloc.buf;
    return true;
}

typedef struct foreign {
    const divider *d;
    bool found;
} foreign;

static void
look_at_memory(foreign *f, const weft_buf *buf)
{
    bool own = buf->space != WEFT_LOCAL;
    for (int i = 0; i < f->d->own.n; i++)
        own = own || f->d->own.at[i] == buf;
    f->found = f->found || !own;
}

static bool
find_foreign_load(void *user, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_LOAD)
        look_at_memory(user, e->h.u.buf);
    return true;
}

static bool
find_foreign_store(void *user, const weft_stmt *s)
{
    if (s->kind == WEFT_SK_STORE)
        look_at_memory(user, s->u.store.buf);
    return true;
}

/* Whether the loop uses registers that others take as vectors of all its lanes. */
static bool
uses_foreign(const divider *d, const weft_stmt *loop)
{
    foreign f = { .d = d };
    if (!d->parts)
        weft_walk_stmt(&(weft_walker){ find_foreign_load, find_foreign_store, &f }, loop);
    return f.found;
}

/* ---- parts of a vector ----------------------------------------------------------------------- */

/* The loop's lanes from `from` on, n of them. */
static const weft_stmt *
some_lanes(divider *d, const weft_stmt *loop, int64_t from, int64_t n)
{
    weft_ir *ir = d->ir;
    weft_dtype t = (weft_dtype)loop->u.loop.var->type.dtype;
    const weft_stmt *s = weft_refresh(ir, loop);
    const weft_var *v = s->u.loop.var, *lane = weft_var_make(ir, v->name, v->type);
    const weft_expr *at = weft_int(ir, t, from);
    if (n > 1)
        at = weft_ix(ir, WEFT_EK_ADD, weft_ref(ir, lane), at);
    const weft_stmt *body = weft_subst_stmt(ir, s->u.loop.body, 1, &v, &at);
    if (n > 1)
        body = weft_for(ir, lane, WEFT_VECTORIZE, weft_int(ir, t, n), body);
    return weft_simplify_stmt(ir, d->facts, body);
}

/* Conditions that are joined by &&. */
static int
conjuncts_of(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_AND ? conjuncts_of(e->arg[0]) + conjuncts_of(e->arg[1]) : 1;
}

static bool
count_question(void *user, const weft_expr *e)
{
    *(int *)user += e->h.kind == WEFT_EK_GUARD ? conjuncts_of(e->arg[0]) : 0;
    return true;
}

static bool
count_condition(void *user, const weft_stmt *s)
{
    *(int *)user += s->kind == WEFT_SK_IF ? conjuncts_of(s->u.iff.cond) : 0;
    return true;
}

static int
conditions(const weft_stmt *s)
{
    int n = 0;
    weft_walk_stmt(&(weft_walker){ count_question, count_condition, &n }, s);
    return n;
}

/* As many lanes from `from` on as have one answer, a power of two; how many, or 0
 * where it is not known. */
static int64_t
take_lanes(divider *d, const weft_stmt *loop, int64_t from, int64_t end)
{
    int64_t n = 1;
    const weft_stmt *s;
    while (n * 2 <= end - from)
        n *= 2;
    for (;; n /= 2) {
        s = some_lanes(d, loop, from, n);
        if (n == 1 || !is_lanes(s) || !is_asked(s, NULL))
            break;
    }
    *WEFT_PUSH(&d->arena, &d->part) = s;
    return conditions(s) < conditions(loop) ? n : 0;
}

static const weft_stmt *
divide_lanes(divider *d, const weft_stmt *loop)
{
    int64_t n, at = 0, step = 0;
    if (!is_asked(loop, NULL))
        return loop;
    d->part.n = 0;
    if (weft_as_int(loop->u.loop.extent, &n) && !uses_foreign(d, loop))
        for (step = 1; at < n && step; at += step)
            step = take_lanes(d, loop, at, n);
    if (step)
        return weft_seq(d->ir, d->part.n, d->part.at);
    weft_bind bind = d->scalars ? WEFT_UNROLL : WEFT_VECTORIZE;
    return weft_for(d->ir, loop->u.loop.var, bind, loop->u.loop.extent, loop->u.loop.body);
}

/* ---- unrolled loops around vectors ----------------------------------------------------------- */

typedef struct around {
    const weft_var *var;
    bool found;
} around;

static bool
find_common(void *user, const weft_stmt *s)
{
    around *a = user;
    a->found = a->found || (is_lanes(s) && is_asked(s, a->var));
    return !a->found;
}

/* Whether a condition depends on the unrolled loop's step and on a lane inside. */
static bool
is_asked_with_lanes(const weft_stmt *loop)
{
    around a = { .var = loop->u.loop.var };
    weft_walk_stmt(&(weft_walker){ .stmt = find_common, .user = &a }, loop->u.loop.body);
    return a.found;
}

static bool
find_asked(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found = *found || (is_lanes(s) && is_asked(s, NULL));
    return !*found;
}

static bool
has_asked_lanes(const weft_stmt *s)
{
    bool found = false;
    weft_walk_stmt(&(weft_walker){ .stmt = find_asked, .user = &found }, s);
    return found;
}

static const weft_stmt *rewrite(weft_rewriter *, const weft_stmt *);

/* The steps of an unrolled loop one after another. */
static const weft_stmt *
write_out(weft_rewriter *rw, const weft_stmt *loop, int64_t n)
{
    divider *d = rw->user;
    const weft_stmt **step = WEFT_NEW_ARRAY(&d->arena, n + 1, const weft_stmt *);
    for (int64_t i = 0; i < n; i++) {
        const weft_stmt *s = i ? weft_refresh(rw->ir, loop) : loop;
        const weft_var *v = s->u.loop.var;
        const weft_expr *at = weft_int(rw->ir, (weft_dtype)v->type.dtype, i);
        s = weft_subst_stmt(rw->ir, s->u.loop.body, 1, &v, &at);
        step[i] = rewrite(rw, weft_simplify_stmt(rw->ir, d->facts, s));
        if (!d->scalars && has_asked_lanes(step[i]))
            return loop; /* for nothing */
    }
    return weft_seq(rw->ir, (int)n, step);
}

static const weft_stmt *
rewrite(weft_rewriter *rw, const weft_stmt *s)
{
    int64_t n;
    if (is_lanes(s))
        return divide_lanes(rw->user, weft_rewrite_children(rw, s));
    if (s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_UNROLL &&
        weft_as_int(s->u.loop.extent, &n) && is_asked_with_lanes(s))
        return write_out(rw, s, n);
    return weft_rewrite_children(rw, s);
}

static const weft_expr *
keep_expr(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

const weft_stmt *
weft_divide_lanes(weft_ir *ir, weft_facts *facts, const weft_caps *caps, bool scalars,
                  const weft_stmt *s)
{
    divider d = { .ir = ir, .facts = facts, .parts = caps && caps->parts, .scalars = scalars };
    weft_rewriter rw = { .ir = ir, .expr = keep_expr, .stmt = rewrite, .user = &d };
    weft_walk_stmt(&(weft_walker){ .stmt = note_own, .user = &d }, s);
    s = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    weft_arena_reset(&d.arena);
    return s;
}
