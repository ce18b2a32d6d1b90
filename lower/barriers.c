/* lower/barriers.c: where the threads of a block have to wait for each other.
 *
 * needs   level flat; buffers final: no pass after this one may make two of them share memory
 * keeps   everything else
 * breaks  nothing; adds BARRIER statements
 *
 * Two accesses of one buffer conflict when one of them writes and some element may be touched by
 * two different threads; two of buffers that lie over each other when one writes.  Execution is
 * followed in order with the accesses since the last barrier; where a statement conflicts with one
 * of them, a barrier goes before it.  Loops are followed round until nothing is added, which covers
 * what one iteration leaves for the next; where they take parts of memory by turns (`i % 2`), one
 * turn after the other.  A statement under a condition that threads may disagree on is taken as a
 * whole: barriers stand before it, never in it.
 */
#include "lower/barriers.h"

#include <string.h>

enum { MAX_CYCLE = 8 }; /* iterations after which a loop touches the same memory again */

/* ---- following execution --------------------------------------------------------------------- */

static void follow(weft_waits *, const weft_stmt *);

static bool
has_barrier(const weft_waits *p, const weft_stmt *s)
{
    for (int i = 0; i < p->before.n; i++)
        if (p->before.at[i] == s)
            return true;
    return false;
}

static void
put_barrier(weft_waits *p, const weft_stmt *s)
{
    if (!has_barrier(p, s))
        *WEFT_PUSH(&p->scratch, &p->before) = s;
    p->pending.n = 0;
}

static bool
same_access(const weft_touch *a, const weft_touch *b)
{
    return a->buf == b->buf && a->index == b->index && a->write == b->write &&
           a->matrix == b->matrix && a->plain == b->plain && a->affine == b->affine &&
           a->shift == b->shift && a->lo == b->lo && a->hi == b->hi &&
           memcmp(a->first, b->first, sizeof a->first) == 0 &&
           memcmp(a->last, b->last, sizeof a->last) == 0;
}

/* More accesses to a list, each kept once. */
static void
add_accesses(weft_waits *p, weft_touches *to, const weft_touches *more)
{
    for (int i = 0; i < more->n; i++) {
        bool known = false;
        for (int k = 0; k < to->n && !known; k++)
            known = same_access(&to->at[k], &more->at[i]);
        if (!known)
            *WEFT_PUSH(&p->scratch, to) = more->at[i];
    }
}

static int
fence_of(const weft_buf *buf)
{
    return buf->space == WEFT_SHARED ? WEFT_FENCE_SHARED : WEFT_FENCE_GLOBAL;
}

/* The accesses happen now, at statement s. */
static void
meet(weft_waits *p, const weft_stmt *s, const weft_touches *now)
{
    const weft_touch *hit = NULL;
    for (int i = 0; i < now->n && !hit; i++)
        for (int k = 0; k < p->pending.n && !hit; k++)
            if (weft_touch_conflict(p, &now->at[i], &p->pending.at[k]))
                hit = &now->at[i];
    if (hit) {
        p->fence |= fence_of(hit->buf);
        put_barrier(p, s);
    }
    add_accesses(p, &p->pending, now);
}

/* Whether e is made of the thread's number. */
static bool
varies(const weft_waits *p, const weft_expr *e)
{
    for (int t = 0; t < 3; t++)
        if (p->thread[t] && p->extent[t] > 1 && weft_uses_var(e, p->thread[t]))
            return true;
    for (int i = 0; i < p->varying.n; i++)
        if (weft_uses_var(e, p->varying.at[i]))
            return true;
    return false;
}

static bool
differs(const weft_waits *p, const weft_expr *e)
{
    return varies(p, e) || !e->h.pure;
}

static void
note_name(weft_waits *p, const weft_stmt *let)
{
    if (varies(p, let->u.let.value))
        *WEFT_PUSH(&p->scratch, &p->varying) = let->u.let.var;
}

/* Everything that s touches, under the loops and conditions around each access. */
static void
collect_all(weft_waits *p, weft_touches *list, const weft_stmt *s)
{
    int mark = weft_facts_mark(p->facts);
    weft_touch_collect(p, list, s);
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            collect_all(p, list, s->u.seq.at[i]);
        break;
    case WEFT_SK_FOR:
        weft_facts_extent(p->facts, s->u.loop.var, s->u.loop.extent);
        collect_all(p, list, s->u.loop.body);
        break;
    case WEFT_SK_WHILE:
        collect_all(p, list, s->u.loop.body);
        break;
    case WEFT_SK_IF:
        weft_facts_assume(p->facts, s->u.iff.cond);
        collect_all(p, list, s->u.iff.then);
        weft_facts_pop(p->facts, mark);
        if (s->u.iff.els)
            collect_all(p, list, s->u.iff.els);
        break;
    case WEFT_SK_LET:
        collect_all(p, list, s->u.let.body);
        break;
    case WEFT_SK_ALLOC:
        collect_all(p, list, s->u.alloc.body);
        break;
    default:
        break;
    }
    weft_facts_pop(p->facts, mark);
}

/* Threads may disagree on whether they run it: its accesses count as one, at its place.  Two stores
 * in it are of one run of one stage, which computes no element twice; in global memory a thread
 * reads what it has stored itself alone. */
static void
follow_divided(weft_waits *p, const weft_stmt *s)
{
    weft_touches all = { 0 };
    collect_all(p, &all, s);
    for (int i = 0; i < all.n; i++)
        for (int k = i; k < all.n; k++)
            if (all.at[i].buf->space == WEFT_SHARED &&
                !(all.at[i].write && all.at[k].write && all.at[i].buf == all.at[k].buf) &&
                weft_touch_conflict(p, &all.at[i], &all.at[k]) && !p->status)
                p->status = weft_fail(
                    p->diag, WEFT_UNSUPPORTED,
                    "kernel '%s': '%s' needs a barrier where the threads of a block may disagree; "
                    "move its stage out of the guarded loop",
                    p->kernel->name, all.at[i].buf->name);
    meet(p, s, &all);
}

static bool
runs_once(const weft_waits *p, const weft_stmt *s)
{
    int64_t least, most;
    return s->kind == WEFT_SK_FOR &&
           weft_bounds(p->ir, p->facts, s->u.loop.extent, &least, &most) && least > 0;
}

static bool
is_bound(const weft_stmt *s)
{
    return s->kind == WEFT_SK_FOR &&
           (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind));
}

static bool
look_for_barrier(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_BARRIER;
    return !*found;
}

/* Whether s was followed as a whole: nothing in it waits for anything in it. */
static bool
follow_whole(weft_waits *p, const weft_stmt *s)
{
    weft_touches all = { 0 };
    bool waits = false;
    weft_walk_stmt(&(weft_walker){ .stmt = look_for_barrier, .user = &waits }, s);
    if (waits)
        return false;
    collect_all(p, &all, s);
    for (int i = 0; i < all.n; i++)
        for (int k = i; k < all.n; k++)
            if (weft_touch_conflict(p, &all.at[i], &all.at[k]))
                return false;
    meet(p, s, &all);
    return true;
}

typedef struct cycle {
    const weft_var *var;
    int64_t n;
} cycle;

/* v, or v + 1 and so on */
static bool
counts(const weft_expr *e, const weft_var *v)
{
    if (e->h.kind == WEFT_EK_ADD && weft_is_imm(e->arg[1]))
        e = e->arg[0];
    return e->h.kind == WEFT_EK_VAR && e->h.u.var == v;
}

static bool
look_for_cycle(void *user, const weft_expr *e)
{
    cycle *c = user;
    int64_t n, both;
    if (e->h.kind == WEFT_EK_FMOD && weft_as_int(e->arg[1], &n) && n > 1 && n <= MAX_CYCLE &&
        counts(e->arg[0], c->var)) {
        both = c->n / weft_gcd(c->n, n) * n;
        c->n = both <= MAX_CYCLE ? both : c->n;
    }
    return true;
}

/* After how many iterations what the loop touches recurs: memory in stages is taken by turns.  Of
 * loops in each other one is followed so. */
static int64_t
cycle_of(const weft_waits *p, const weft_stmt *s)
{
    cycle c = { s->u.loop.var, 1 };
    if (s->kind == WEFT_SK_FOR && p->turn.n == 0)
        weft_walk_stmt(&(weft_walker){ .expr = look_for_cycle, .user = &c }, s->u.loop.body);
    return c.n;
}

/* One iteration, of those that are c.n times c.var, and r more. */
static void
follow_turn(weft_waits *p, const weft_stmt *s, cycle c, int64_t r)
{
    int mark = weft_facts_mark(p->facts), turns = p->turn.n;
    const weft_var *v = s->u.loop.var;
    if (s->kind == WEFT_SK_FOR)
        weft_facts_extent(p->facts, v, s->u.loop.extent);
    if (c.n > 1) {
        weft_dtype t = (weft_dtype)v->type.dtype;
        int64_t steps;
        bool known = weft_as_int(s->u.loop.extent, &steps) && steps > r;
        weft_facts_range(p->facts, c.var, weft_int(p->ir, t, 0),
                         known ? weft_int(p->ir, t, (steps - 1 - r) / c.n) : NULL);
        *WEFT_PUSH(&p->scratch, &p->turn) = v;
        *WEFT_PUSH(&p->scratch, &p->turn_value) =
            weft_add(p->ir, weft_mul(p->ir, weft_ref(p->ir, c.var), weft_int(p->ir, t, c.n)),
                     weft_int(p->ir, t, r));
    }
    follow(p, s->u.loop.body);
    p->turn.n = p->turn_value.n = turns;
    weft_facts_pop(p->facts, mark);
}

/* The loop goes round; into `after`, what waits when it ends. */
static void
follow_round(weft_waits *p, const weft_stmt *s, cycle c, weft_touches *after)
{
    int64_t steps = 0, last = -1;
    if (s->kind == WEFT_SK_FOR && weft_as_int(s->u.loop.extent, &steps) && steps > 0)
        last = (steps - 1) % c.n;
    for (int64_t r = 0; r < c.n && (last < 0 || r < steps); r++) {
        follow_turn(p, s, c, r);
        if (last < 0 || r == last)
            add_accesses(p, after, &p->pending);
    }
}

/* Rounds until one adds no barrier: the second sees what the first left.  Then the first again,
 * with what waits before the loop: a barrier that only that needs stands before the loop, once. */
static void
follow_loop(weft_waits *p, const weft_stmt *s)
{
    weft_touches start = p->pending, after = { 0 };
    cycle c = { NULL, cycle_of(p, s) };
    int had, round = 0;
    if (c.n > 1)
        c.var = weft_var_make(p->ir, s->u.loop.var->name, s->u.loop.var->type);
    p->pending = (weft_touches){ 0 };
    do {
        had = p->before.n;
        after.n = 0;
        follow_round(p, s, c, &after);
    } while ((round++ == 0 || p->before.n > had) && !p->status);
    had = p->before.n;
    p->pending.n = 0;
    add_accesses(p, &p->pending, &start);
    follow_round(p, s, c, &after);
    if (p->before.n > had) {
        p->before.n = had;
        put_barrier(p, s);
        start.n = after.n = 0;
        follow_round(p, s, c, &after);
    }
    if (!runs_once(p, s))
        add_accesses(p, &after, &start);
    p->pending = after;
}

/* A thread or block runs once. */
static void
follow_bound(weft_waits *p, const weft_stmt *s)
{
    int mark = weft_facts_mark(p->facts);
    weft_facts_extent(p->facts, s->u.loop.var, s->u.loop.extent);
    follow(p, s->u.loop.body);
    weft_facts_pop(p->facts, mark);
}

/* Both branches, each from what waits at `start`. */
static void
follow_branches(weft_waits *p, const weft_stmt *s, const weft_touches *start)
{
    weft_touches after = { 0 };
    p->pending.n = 0;
    add_accesses(p, &p->pending, start);
    follow(p, s->u.iff.then);
    add_accesses(p, &after, &p->pending);
    p->pending.n = 0;
    add_accesses(p, &p->pending, start); /* the branch may be skipped, its barriers with it */
    if (s->u.iff.els)
        follow(p, s->u.iff.els);
    add_accesses(p, &p->pending, &after);
}

/* What a branch would wait for at its begin all wait for before it: one barrier on every path. */
static void
follow_if(weft_waits *p, const weft_stmt *s)
{
    weft_touches start = p->pending, none = { 0 };
    p->pending = none;
    follow_branches(p, s, &none);
    int had = p->before.n;
    follow_branches(p, s, &start);
    if (p->before.n == had)
        return;
    p->before.n = had;
    put_barrier(p, s);
    follow_branches(p, s, &none);
}

/* A barrier that was there orders what its fence names. */
static void
forget(weft_waits *p, int fence)
{
    int kept = 0;
    for (int i = 0; i < p->pending.n; i++)
        if (!(fence_of(p->pending.at[i].buf) & fence))
            p->pending.at[kept++] = p->pending.at[i];
    p->pending.n = kept;
}

static void
follow(weft_waits *p, const weft_stmt *s)
{
    weft_touches own = { 0 };
    if (has_barrier(p, s)) /* from a round before */
        p->pending.n = 0;
    bool loop = s->kind == WEFT_SK_FOR || s->kind == WEFT_SK_WHILE;
    if ((loop && differs(p, s->u.loop.extent)) ||
        (s->kind == WEFT_SK_IF && differs(p, s->u.iff.cond))) {
        follow_divided(p, s);
        return;
    }
    weft_touch_collect(p, &own, s);
    meet(p, s, &own);
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            follow(p, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        if (is_bound(s))
            follow_bound(p, s);
        else if (!follow_whole(p, s))
            follow_loop(p, s);
        return;
    case WEFT_SK_IF:
        follow_if(p, s);
        return;
    case WEFT_SK_LET:
        note_name(p, s);
        follow(p, s->u.let.body);
        return;
    case WEFT_SK_ALLOC:
        follow(p, s->u.alloc.body);
        return;
    case WEFT_SK_BARRIER:
        forget(p, s->u.barrier.fence);
        return;
    default:
        return;
    }
}

/* Between any two accesses that conflict there is a barrier now, though perhaps one that others
 * asked for: all barriers order every space in which accesses conflict. */
static void
complete_fence(weft_waits *p)
{
    weft_touches all = { 0 };
    collect_all(p, &all, p->kernel->body);
    for (int i = 0; i < all.n; i++) {
        int fence = fence_of(all.at[i].buf);
        for (int k = i; k < all.n && !(p->fence & fence); k++)
            if (weft_touch_conflict(p, &all.at[i], &all.at[k]))
                p->fence |= fence;
    }
}

/* ---- the pass -------------------------------------------------------------------------------- */

static bool
note_bound(void *user, const weft_stmt *s)
{
    weft_waits *p = user;
    if (s->kind != WEFT_SK_FOR)
        return true;
    weft_bind b = s->u.loop.bind;
    if (weft_is_thread(b)) {
        int t = (int)b - WEFT_THREAD_X;
        p->thread[t] = s->u.loop.var;
        if (!weft_as_int(s->u.loop.extent, &p->extent[t]))
            p->extent[t] = INT32_MAX;
    }
    if (weft_is_block(b))
        *WEFT_PUSH(&p->scratch, &p->uniform) = s->u.loop.var;
    return true;
}

static const weft_stmt *
insert(weft_rewriter *rw, const weft_stmt *s)
{
    weft_waits *p = rw->user;
    const weft_stmt *t = weft_rewrite_children(rw, s);
    for (int i = 0; i < p->before.n; i++)
        if (p->before.at[i] == s)
            return weft_seq2(rw->ir, weft_barrier(rw->ir, p->fence), t);
    return t;
}

weft_status
weft_pass_barriers(weft_kernel *k, const weft_lower_options *options, bool *changed,
                   weft_diag *diag)
{
    weft_waits p = { .ir = k->ir, .kernel = k, .extent = { 1, 1, 1 }, .diag = diag };
    (void)options;
    *changed = false;
    for (int i = 0; i < k->nscalar; i++)
        *WEFT_PUSH(&p.scratch, &p.uniform) = k->scalar[i];
    weft_walk_stmt(&(weft_walker){ .stmt = note_bound, .user = &p }, k->body);
    if (p.extent[0] == 1 && p.extent[1] == 1 && p.extent[2] == 1) {
        weft_arena_reset(&p.scratch);
        return WEFT_OK;
    }
    p.facts = weft_facts_create(k->ir);
    follow(&p, k->body);
    if (p.before.n)
        complete_fence(&p);
    weft_facts_destroy(p.facts);
    if (p.before.n && !p.status) {
        weft_rewriter rw = { .ir = k->ir, .stmt = insert, .user = &p };
        k->body = weft_rewrite_stmt(&rw, k->body);
        weft_rewrite_done(&rw);
        *changed = true;
    }
    weft_arena_reset(&p.scratch);
    return p.status;
}
