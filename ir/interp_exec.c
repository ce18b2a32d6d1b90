/* Runs statements for all lanes of a worker, lane-dependent control flow under masks. */
#include "ir/interp_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- common ---------------------------------------------------------------------------------- */

/* Starts a statement: temporaries of the one before are gone.  False: over max_steps. */
static bool
begin(ctx *c, const code *k)
{
    int64_t most = c->in->opt.max_steps;
    c->where = k;
    c->stmt = interp_tick(c);
    c->scratch_at = 0;
    c->scratch_used = 0;
    if (most == 0)
        return true;
    if (__atomic_add_fetch(&c->r->steps, c->mask->n, __ATOMIC_RELAXED) <= most)
        return true;
    weft_interp_fault(c, -1, WEFT_LIMIT, "more than %lld statements executed", (long long)most);
    return false;
}

static void
next_epoch(ctx *c, int fence)
{
    const uint64_t last = (1ull << (TOUCH_UNIT - TOUCH_EPOCH)) - 1;
    uint64_t *word[2] = { &c->word, &c->gword };
    for (int i = 0; i < 2; i++) {
        if (!(fence & (i ? WEFT_FENCE_GLOBAL : WEFT_FENCE_SHARED)))
            continue;
        if ((*word[i] >> TOUCH_EPOCH & last) == last)
            weft_interp_fault(
                c, -1, WEFT_LIMIT,
                "more than %llu barriers in a block cannot be checked; run without checks",
                (unsigned long long)last);
        else
            *word[i] += 1ull << TOUCH_EPOCH;
    }
}

/* Memory of the statement, one piece a number, of `bytes` a lane. */
static void *
own(ctx *c, const code *k, int i, int n, size_t bytes)
{
    ccache *m = &c->code[k->id];
    if (!m->buf)
        m->buf = WEFT_NEW_ARRAY(&c->arena, n, void *);
    if (!m->buf[i])
        m->buf[i] = weft_arena_alloc(&c->arena, bytes * (size_t)c->cap);
    return m->buf[i];
}

static void
set_var(ctx *c, const code *k, int slot, const val *v)
{
    c->var[slot] = *v;
    c->stamp[k->depth] = interp_tick(c);
}

/* A copy of the current mask that the statement may narrow. */
static mask *
own_mask(ctx *c, const code *k, uint8_t **on)
{
    mask *m = &c->code[k->id].m;
    *on = own(c, k, 0, 3, 1);
    if (c->mask->on)
        memcpy(*on, c->mask->on, (size_t)c->lanes);
    else
        memset(*on, 1, (size_t)c->lanes);
    *m = *c->mask;
    return m;
}

static void
narrow(ctx *c, mask *m, uint8_t *on, const uint8_t *cond)
{
    int n = 0;
    for (int l = 0; l < c->lanes; l++) {
        on[l] &= cond[l];
        n += on[l];
    }
    if (n == m->n)
        return;
    m->on = on;
    m->n = n;
    m->ver = interp_tick(c);
}

/* ---- loops ----------------------------------------------------------------------------------- */

static void
one_pass(ctx *c, const code *k, int64_t i)
{
    val *v = &c->var[k->slot[0]];
    v->v = NULL;
    v->ver = 0;
    v->i = i;
    c->stamp[k->depth] = interp_tick(c);
    if (k->check >= 0)
        c->loop_inst[k->check] =
            (c->loop_inst[k->check] & ~(uint64_t)UINT32_MAX) | (uint64_t)(i + 1);
    weft_interp_exec(c, k->at[0]);
    if (k->phase)
        next_epoch(c, WEFT_FENCE_SHARED | WEFT_FENCE_GLOBAL);
}

/* An extent that lanes do not agree on: each goes as far as its own. */
static void
ragged_loop(ctx *c, const code *k, const val *extent)
{
    const mask *was = c->mask;
    uint8_t *on;
    mask *m = own_mask(c, k, &on);
    int64_t *limit = own(c, k, 1, 3, sizeof *limit);
    uint8_t *more = own(c, k, 2, 3, 1);
    const void *v = weft_interp_vector(c, k->expr, extent);
    bool wide = weft_interp_size[k->expr->cls] == 8;
    for (int l = 0; l < c->lanes; l++)
        limit[l] = wide ? ((const int64_t *)v)[l] : ((const int32_t *)v)[l];
    c->mask = m;
    for (int64_t i = 0; !c->failed; i++) {
        for (int l = 0; l < c->lanes; l++)
            more[l] = i < limit[l];
        narrow(c, m, on, more);
        if (m->n == 0)
            break;
        one_pass(c, k, i);
    }
    c->mask = was;
}

static void
exec_for(ctx *c, const code *k)
{
    const val *extent = weft_interp_eval(c, k->expr);
    if (k->check >= 0)
        c->loop_inst[k->check] = ++c->insts << 32;
    if (c->failed)
        return;
    if (extent->v) {
        ragged_loop(c, k, extent);
        return;
    }
    int64_t n = extent->i;
    for (int64_t i = 0; i < n && !c->failed; i++)
        one_pass(c, k, k->reorder ? weft_interp_order(&c->in->opt, i, n) : i);
}

static void
exec_while(ctx *c, const code *k)
{
    const mask *was = c->mask;
    uint8_t *on;
    mask *m = own_mask(c, k, &on);
    c->mask = m;
    while (begin(c, k)) {
        const val *cond = weft_interp_eval(c, k->expr);
        if (c->failed || (!cond->v && !cond->i))
            break;
        if (cond->v)
            narrow(c, m, on, cond->v);
        if (m->n == 0)
            break;
        weft_interp_exec(c, k->at[0]);
        if (c->failed)
            break;
        if (k->phase)
            next_epoch(c, WEFT_FENCE_SHARED | WEFT_FENCE_GLOBAL);
    }
    c->mask = was;
}

/* ---- axes of the launch ---------------------------------------------------------------------- */

static const val *
axis_value(ctx *c, const code *k)
{
    const val *v = &c->axis[k->axis];
    if (!v->v || k->src->u.loop.var->type.dtype == WEFT_I32)
        return v;
    uint64_t key[INTERP_KEYS] = { v->ver, 0, 0, [INTERP_KEYS - 1] = 4 };
    bool hit;
    way *w = weft_interp_way(c, &c->code[k->id].way2, key, &hit);
    if (!hit) {
        void *o = weft_interp_way_buf(c, w, 1, CLS_I64);
        weft_interp_cast(CLS_I64, WEFT_I64, o, CLS_I32, v->v, c->lanes);
        weft_interp_value(c, CLS_I64, 1, o, true, &w->v);
    }
    return &w->v;
}

/* Threads at or beyond the loop's extent sit it out. */
static const mask *
axis_mask(ctx *c, const code *k, int64_t extent)
{
    const val *v = &c->axis[k->axis];
    uint64_t key[INTERP_KEYS] = { v->ver, (uint64_t)extent, 0, [INTERP_KEYS - 1] = 3 };
    bool hit;
    way *w = weft_interp_way(c, &c->code[k->id].way2, key, &hit);
    if (!hit) {
        uint8_t *o = weft_interp_way_buf(c, w, 1, CLS_BOOL);
        const int32_t *x = v->v;
        for (int l = 0; l < c->lanes; l++)
            o[l] = x[l] < extent;
        weft_interp_value(c, CLS_BOOL, 1, o, false, &w->v);
    }
    return weft_interp_split(c, &c->code[k->id].way, &w->v);
}

static void
exec_axis(ctx *c, const code *k)
{
    int64_t extent = weft_interp_eval(c, k->expr)->i;
    const val *v = &c->axis[k->axis];
    const mask *was = c->mask;
    if (c->failed)
        return;
    if (extent < c->axis_size[k->axis]) {
        if (v->v)
            c->mask = axis_mask(c, k, extent);
        else if (v->i >= extent)
            return;
    }
    if (c->mask->n > 0) {
        set_var(c, k, k->slot[0], axis_value(c, k));
        weft_interp_exec(c, k->at[0]);
    }
    c->mask = was;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void
exec_if(ctx *c, const code *k)
{
    const val *cond = weft_interp_eval(c, k->expr);
    const mask *was = c->mask;
    if (c->failed)
        return;
    if (!cond->v) {
        if (cond->i || k->at[1])
            weft_interp_exec(c, k->at[cond->i ? 0 : 1]);
        return;
    }
    const mask *m = weft_interp_split(c, &c->code[k->id].way, cond);
    for (int i = 0; i < 2 && !c->failed; i++) {
        if (!k->at[i] || m[i].n == 0)
            continue;
        c->mask = &m[i];
        weft_interp_exec(c, k->at[i]);
    }
    c->mask = was;
}

static void
exec_let(ctx *c, const code *k)
{
    const node *e = k->expr;
    const val *v = weft_interp_eval(c, e);
    icls cls = (icls)e->cls;
    bool measure = e->dtype == WEFT_I32 || e->dtype == WEFT_I64;
    if (c->failed)
        return;
    if (!v->v || (e->pure && (v->ranged || !measure))) {
        set_var(c, k, k->slot[0], v);
    } else { /* what is read now has to outlive the statement */
        void *o = own(c, k, 0, 1, (size_t)e->comps * (size_t)weft_interp_size[cls]);
        val kept;
        memcpy(o, weft_interp_vector(c, e, v), interp_bytes(cls, e->comps * c->lanes));
        weft_interp_value(c, cls, e->comps, o, measure, &kept);
        set_var(c, k, k->slot[0], &kept);
    }
    weft_interp_exec(c, k->at[0]);
}

static bool
all_arrive(ctx *c, const char *what)
{
    if (c->mask->n == c->lanes)
        return true;
    int lane = 0;
    while (interp_on(c, lane))
        lane++;
    weft_str who = { 0 };
    weft_interp_name_lane(c, &who, c->gword >> TOUCH_UNIT, lane);
    weft_interp_fault(c, -1, WEFT_INVALID_INPUT,
                      "divergent %s: %d of %d threads arrive, %s does not", what, c->mask->n,
                      c->lanes, weft_str_text(&who));
    weft_str_free(&who);
    return false;
}

static void
exec_barrier(ctx *c, const code *k)
{
    if (c->in->launch && all_arrive(c, "barrier"))
        next_epoch(c, k->fence);
}

static void
exec_seq(ctx *c, const code *k)
{
    for (int i = 0; i < k->n && !c->failed; i++) {
        weft_interp_exec(c, k->at[i]);
        if (k->phase)
            next_epoch(c, WEFT_FENCE_SHARED | WEFT_FENCE_GLOBAL);
    }
}

/* ---- reductions over threads ----------------------------------------------------------------- */

typedef struct group { /* threads that are combined: which axes, and how many */
    unsigned axes;
    int size[3], members;
} group;

/* The lane of member m of lane l's group. */
static int
member(const ctx *c, const group *g, int l, int m)
{
    int t = c->thread ? c->thread[l] : l, at[3];
    for (int i = 0; i < 3; i++) {
        at[i] = t % g->size[i];
        t /= g->size[i];
        if (!(g->axes & 1u << (WEFT_THREAD_X + i)))
            continue;
        at[i] = m % g->size[i];
        m /= g->size[i];
    }
    t = (at[2] * g->size[1] + at[1]) * g->size[0] + at[0];
    return c->lane_of ? c->lane_of[t] : t;
}

/* Each lane's value of its group's member m, in the statement's memory number i. */
static void
gather_member(ctx *c, const code *k, const group *g, int i, int n, int m, val *v)
{
    const node *e = k->value[i % k->src->u.all.with->n];
    size_t size = (size_t)weft_interp_size[e->cls];
    int count = k->src->u.all.with->n;
    const char *from = own(c, k, i % count, n, (size_t)e->comps * size);
    char *o = own(c, k, i, n, (size_t)e->comps * size);
    for (int l = 0; l < c->lanes; l++) {
        int s = member(c, g, l, m);
        for (int j = 0; j < e->comps; j++)
            memcpy(o + (size_t)(j * c->lanes + l) * size, from + (size_t)(j * c->lanes + s) * size,
                   size);
    }
    weft_interp_value(c, (icls)e->cls, e->comps, o, true, v);
}

static void
allreduce(ctx *c, const code *k)
{
    int n = k->src->u.all.with->n;
    group g = { .axes = (unsigned)k->axis, .members = 1 };
    if (!all_arrive(c, "reduction over threads"))
        return;
    for (int i = 0; i < 3; i++) {
        g.size[i] = (int)c->axis_size[WEFT_THREAD_X + i];
        g.members *= g.axes & 1u << (WEFT_THREAD_X + i) ? g.size[i] : 1;
    }
    /* memory: 0 the values, 1 the members gathered, 2 and 3 the combination so far, in turn */
    for (int i = 0; i < n; i++) {
        const node *e = k->value[i];
        const val *v = weft_interp_eval(c, e);
        void *o = own(c, k, i, 4 * n, (size_t)e->comps * (size_t)weft_interp_size[e->cls]);
        if (c->failed)
            return;
        memcpy(o, weft_interp_vector(c, e, v), interp_bytes((icls)e->cls, e->comps * c->lanes));
    }
    for (int i = 0; i < n; i++)
        gather_member(c, k, &g, 2 * n + i, 4 * n, 0, &c->var[k->lhs[i]]);
    for (int m = 1; m < g.members && !c->failed; m++) {
        begin(c, k);
        for (int i = 0; i < n; i++)
            gather_member(c, k, &g, n + i, 4 * n, m, &c->var[k->rhs[i]]);
        c->stamp[k->depth] = interp_tick(c);
        for (int i = 0; i < n; i++) {
            const node *e = k->result[i];
            size_t bytes = (size_t)e->comps * (size_t)weft_interp_size[e->cls];
            void *o = own(c, k, (m % 2 ? 3 : 2) * n + i, 4 * n, bytes);
            memcpy(o, weft_interp_vector(c, e, weft_interp_eval(c, e)), bytes * (size_t)c->lanes);
        }
        for (int i = 0; i < n; i++) {
            const node *e = k->result[i];
            void *o = own(c, k, (m % 2 ? 3 : 2) * n + i, 4 * n, 0);
            weft_interp_value(c, (icls)e->cls, e->comps, o, true, &c->var[k->lhs[i]]);
        }
    }
    for (int i = 0; i < n; i++)
        set_var(c, k, k->slot[i], &c->var[k->lhs[i]]);
    if (!c->failed)
        weft_interp_exec(c, k->at[0]);
}

void
weft_interp_exec(ctx *c, const code *k)
{
    if (k->kind == C_SEQ) {
        exec_seq(c, k);
        return;
    }
    if (!begin(c, k))
        return;
    switch (k->kind) {
    case C_SEQ:
        break;
    case C_FOR:
        exec_for(c, k);
        break;
    case C_AXIS:
        exec_axis(c, k);
        break;
    case C_REGION:
        weft_interp_region(c, k);
        break;
    case C_WHILE:
        exec_while(c, k);
        break;
    case C_IF:
        exec_if(c, k);
        break;
    case C_LET:
        exec_let(c, k);
        break;
    case C_STORE:
        weft_interp_store(c, k);
        break;
    case C_ATOMIC:
        weft_interp_atomic(c, k);
        break;
    case C_ALLOC:
        weft_interp_alloc(c, k);
        break;
    case C_BARRIER:
        exec_barrier(c, k);
        break;
    case C_EVAL:
        weft_interp_eval(c, k->expr);
        break;
    case C_ALLREDUCE:
        allreduce(c, k);
        break;
    case C_ASYNC:
        weft_interp_async(c, k);
        break;
    case C_MATRIX:
        weft_interp_matrix(c, k);
        break;
    }
}
