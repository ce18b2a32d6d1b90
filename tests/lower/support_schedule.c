/* Random schedules: caches first, then for every stage, consumers first, where it is computed and
 * how its loops run.  What a primitive refuses is left undone. */
#include "support_random.h"

#include <string.h>

const char *const primitive_name[P_COUNT] = {
    "split",          "split_parts", "fuse",       "reorder",        "block",
    "thread",         "vthread",     "vectorize",  "unroll",         "parallel",
    "compute_inline", "compute_at",  "cache_read", "cache_write",    "set_scope",
    "storage_align",  "rfactor",     "tile",       "store_predicate"
};

typedef struct scheduler {
    rng *r;
    weft_te *te;
    int *count;
    bool threads; /* this schedule uses blocks and threads */
} scheduler;

static void
tally(scheduler *c, primitive p, weft_status st)
{
    c->count[p] += st == WEFT_OK;
}

static weft_axis *
leaf(scheduler *c, const weft_stage *s)
{
    return s->leaf.n ? s->leaf.at[pick(c->r, s->leaf.n)] : NULL;
}

/* ---- loops ----------------------------------------------------------------------------------- */

static void
reshape(scheduler *c, weft_stage *s)
{
    weft_tensor *t = s->op->out[0];
    weft_axis *a = leaf(c, s), *outer, *inner;
    const weft_expr *size = weft_i32(c->te->ir, 2 + pick(c->r, 5));
    int at = s->leaf.n > 1 ? pick(c->r, s->leaf.n - 1) : -1;
    if (!a)
        return;
    switch (pick(c->r, 5)) {
    case 0:
        tally(c, P_SPLIT, weft_split(c->te, t, a, size, &outer, &inner));
        break;
    case 1:
        tally(c, P_PARTS, weft_split_parts(c->te, t, a, size, &outer, &inner));
        break;
    case 2:
        if (at >= 0 && s->leaf.at[at]->kind == s->leaf.at[at + 1]->kind)
            tally(c, P_FUSE, weft_fuse(c->te, t, s->leaf.at[at], s->leaf.at[at + 1], &outer));
        break;
    case 3:
        if (s->leaf.n <= 3) /* blocks stay small enough to be interpreted */
            tally(c, P_TILE, weft_tile(c->te, t, a, leaf(c, s), size, size, NULL));
        break;
    default:
        if (at >= 0) {
            int other = pick(c->r, s->leaf.n);
            weft_axis *pair[2] = { s->leaf.at[other], s->leaf.at[at] };
            if (other != at)
                tally(c, P_REORDER, weft_reorder(c->te, t, 2, pair));
        }
    }
}

static bool
is_bound(const weft_stage *s, const char *what)
{
    for (int i = 0; i < s->leaf.n; i++)
        if (!strcmp(weft_bind_name(s->leaf.at[i]->bind), what))
            return true;
    return false;
}

static void
bind_one(scheduler *c, weft_stage *s, const char *what, primitive p)
{
    weft_axis *a = leaf(c, s);
    if (a && a->bind == WEFT_SERIAL && !is_bound(s, what) &&
        (a->kind == WEFT_AXIS_DATA || p == P_THREAD))
        tally(c, p, weft_bind_axis(c->te, s->op->out[0], a, what));
}

static void
mark_loops(scheduler *c, weft_stage *s)
{
    weft_tensor *t = s->op->out[0];
    weft_axis *a = leaf(c, s), *last = s->leaf.n ? s->leaf.at[s->leaf.n - 1] : NULL;
    if (!a)
        return;
    if (c->threads && s->attach == WEFT_AT_ROOT)
        for (int k = pick(c->r, 3); k > 0; k--)
            bind_one(c, s, once_in(c->r, 2) ? "block.x" : "block.y", P_BLOCK);
    if (c->threads)
        for (int k = pick(c->r, 3); k > 0; k--)
            bind_one(c, s, once_in(c->r, 2) ? "thread.x" : "thread.y", P_THREAD);
    if (once_in(c->r, 8))
        bind_one(c, s, "vthread", P_VTHREAD);
    if (!c->threads && once_in(c->r, 4))
        bind_one(c, s, "parallel", P_PARALLEL);
    if (once_in(c->r, 2) && last->bind == WEFT_SERIAL && last->kind == WEFT_AXIS_DATA)
        tally(c, P_VECTORIZE, weft_vectorize(c->te, t, last));
    a = leaf(c, s);
    if (once_in(c->r, 3) && a->bind == WEFT_SERIAL)
        tally(c, P_UNROLL, weft_unroll(c->te, t, a));
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool
is_output(const weft_stage *s)
{
    for (int k = 0; k < s->op->nout; k++)
        if (s->op->out[k]->is_output)
            return true;
    return false;
}

static void
place(scheduler *c, weft_stage *s)
{
    weft_tensor *t = s->op->out[0];
    weft_stage **reader;
    weft_arena scratch = { 0 };
    int n = weft_te_readers(c->te, t, &scratch, &reader);
    if (n > 0 && !is_output(s)) {
        weft_stage *at = reader[pick(c->r, n)];
        int how = pick(c->r, 6);
        if (how == 0 && !s->space_set)
            tally(c, P_INLINE, weft_compute_inline(c->te, t));
        else if ((how < 5 || s->space_set) && leaf(c, at) && at->attach != WEFT_AT_INLINE)
            tally(c, P_COMPUTE_AT, weft_compute_at(c->te, t, at->op->out[0], leaf(c, at)));
    }
    weft_arena_reset(&scratch);
    if (s->attach == WEFT_AT_AXIS && !s->space_set && once_in(c->r, 3))
        tally(c, P_SCOPE, weft_set_scope(c->te, t, once_in(c->r, 2) ? "shared" : "local"));
    if (s->attach == WEFT_AT_AXIS && s->op->naxis > 0 && once_in(c->r, 4))
        tally(c, P_ALIGN, weft_storage_align(c->te, t, pick(c->r, s->op->naxis), 4, pick(c->r, 3)));
}

static void
caches(scheduler *c)
{
    for (int i = c->te->tensor.n - 1; i >= 0; i--) {
        weft_tensor *t = c->te->tensor.at[i];
        const char *space = c->threads && once_in(c->r, 2) ? "shared" : "local";
        bool computed = t->op->kind == WEFT_OP_COMPUTE;
        if (once_in(c->r, 5))
            tally(c, P_CACHE_READ,
                  weft_cache_read(c->te, t, space, 0, NULL) ? WEFT_OK : WEFT_INVALID_ARGUMENT);
        if (computed && t->op->nout == 1 && once_in(c->r, 5))
            tally(c, P_CACHE_WRITE,
                  weft_cache_write(c->te, t, space) ? WEFT_OK : WEFT_INVALID_ARGUMENT);
    }
}

/* A reduce axis, if a random leaf is one. */
static void
factor(scheduler *c, weft_stage *s)
{
    weft_axis *a = leaf(c, s);
    if (a && a->kind == WEFT_AXIS_REDUCE)
        tally(c, P_RFACTOR,
              weft_rfactor(c->te, s->op->out[0], a, pick(c->r, s->op->naxis + 1))
                  ? WEFT_OK
                  : WEFT_INVALID_ARGUMENT);
}

/* A condition that holds, though nothing proves it. */
static void
predicate(scheduler *c, const weft_stage *s)
{
    weft_ir *ir = c->te->ir;
    const weft_expr *i = weft_ref(ir, s->op->axis[pick(c->r, s->op->naxis)]->var);
    const weft_expr *one = weft_int(ir, (weft_dtype)i->h.type.dtype, 1);
    tally(c, P_PREDICATE,
          weft_store_predicate(c->te, s->op->out[0],
                               weft_le(ir, weft_binary(ir, WEFT_EK_BAND, i, one), one)));
}

void
random_schedule(rng *r, weft_te *te, int count[P_COUNT])
{
    scheduler c = { r, te, count, !once_in(r, 4) };
    if (once_in(r, 2))
        caches(&c);
    for (int i = te->stage.n - 1; i >= 0; i--) {
        weft_stage *s = te->stage.at[i];
        place(&c, s);
        for (int k = pick(r, 5); k > 0; k--)
            reshape(&c, s);
        if (once_in(r, 4))
            factor(&c, s);
        if (s->op->naxis && once_in(r, 8))
            predicate(&c, s);
        mark_loops(&c, s);
    }
}
