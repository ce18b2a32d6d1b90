/* te/rules/attention.c: attention by blocks of keys (te/topi/attention.c) in one kernel, on devices
 * with shared memory.
 *
 * A block takes a block of queries.  Its threads go through the blocks of keys together: they fetch
 * keys and values, compute scores and weights in shared memory, and keep what is known of the
 * results in registers. */
#include "rules/attention.h"

enum {
    SIDE = 16, /* threads along queries, and along keys or columns of the result */
    MOST_DEPTH = 1 << 16
};

typedef weft_blocked blocked;

/* ---- recognising ----------------------------------------------------------------------------- */

/* The stage whose tensor e is an element of, where a condition holds. */
static weft_stage *
loaded(weft_rule *r, const weft_expr *e)
{
    while (e->h.kind == WEFT_EK_CAST || e->h.kind == WEFT_EK_GUARD)
        e = e->arg[e->h.kind == WEFT_EK_GUARD];
    const weft_tensor *t = e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(r->te, e->h.u.buf) : NULL;
    return t ? weft_te_stage(r->te, t) : NULL;
}

/* The factors of a sum of products, the first a stage; *b: NULL where the second is none. */
static bool
factors(weft_rule *r, const weft_stage *s, weft_stage **a, weft_stage **b)
{
    const weft_expr *e = s && s->op->nreduce == 1 && s->op->nout == 1 ? s->op->body[0] : NULL;
    if (!e || e->h.kind != WEFT_EK_MUL)
        return false;
    *a = loaded(r, e->arg[0]);
    *b = loaded(r, e->arg[1]);
    return *a && (*a)->op->nreduce == 0 && (!*b || (*b)->op->nreduce == 0);
}

/* The only stage, but for `not`, that s reads; NULL: there are others. */
static weft_stage *
reads_one(weft_rule *r, const weft_stage *s, const weft_stage * not )
{
    weft_tensor **t;
    weft_stage *found = NULL;
    int n = weft_te_reads(r->te, s->op, &r->scratch, &t);
    for (int i = 0; i < n; i++) {
        weft_stage *from = weft_te_stage(r->te, t[i]);
        if (!from || from == not || from == found)
            continue;
        if (found)
            return NULL;
        found = from;
    }
    return found;
}

static weft_stage *
online_reduction(weft_rule *r, const weft_stage *out)
{
    weft_stage *all = out->op->nreduce == 0 ? reads_one(r, out, NULL) : NULL;
    return all && all->op->nout == 3 && all->op->nreduce == 1 ? all : NULL;
}

/* The sum of products that s reads. */
static weft_stage *
weighted_sum(weft_rule *r, const weft_stage *s)
{
    weft_tensor **t;
    weft_stage *a, *b;
    int n = weft_te_reads(r->te, s->op, &r->scratch, &t);
    for (int i = 0; i < n; i++)
        if (factors(r, weft_te_stage(r->te, t[i]), &a, &b))
            return weft_te_stage(r->te, t[i]);
    return NULL;
}

/* What is known of the only block of keys, which the result reads: a sum and a weighted sum. */
static bool
find_block(weft_rule *r, blocked *b)
{
    b->weighted = b->out->op->nreduce == 0 ? weighted_sum(r, b->out) : NULL;
    b->total = b->weighted ? reads_one(r, b->out, b->weighted) : NULL;
    if (!b->total || b->total->op->nreduce != 1 ||
        !factors(r, b->weighted, &b->weights, &b->values))
        return false;
    weft_tensor **t;
    int n = weft_te_reads(r->te, b->weights->op, &r->scratch, &t);
    for (int i = 0; i < n; i++) {
        weft_stage *s = weft_te_stage(r->te, t[i]);
        b->most = s && s->op->nreduce == 1 ? s : b->most;
    }
    return b->most != NULL;
}

/* The same of any block, which what combines them reads. */
static bool
find_blocks(weft_rule *r, blocked *b)
{
    b->most = loaded(r, b->all->op->body[0]);
    b->total = loaded(r, b->all->op->body[1]);
    b->weighted = loaded(r, b->all->op->body[2]);
    return b->most && b->total && factors(r, b->weighted, &b->weights, &b->values) && b->values;
}

static bool
find_stages(weft_rule *r, weft_stage *out, blocked *b)
{
    b->out = out;
    b->all = online_reduction(r, out);
    if (!(b->all ? find_blocks : find_block)(r, b))
        return false;
    b->scores = reads_one(r, b->weights, b->most);
    b->products = b->scores ? reads_one(r, b->scores, NULL) : NULL;
    return b->products && factors(r, b->products, &b->queries, &b->keys) && b->keys &&
           loaded(r, b->most->op->body[0]) == b->scores &&
           loaded(r, b->total->op->body[0]) == b->weights;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* All extents within a block are known. */
static bool
find_sizes(blocked *b)
{
    const weft_te_op *scores = b->scores->op;
    b->nbatch = b->out->op->naxis - 2;
    if (b->nbatch < 0 || scores->naxis != b->nbatch + 4 || b->weighted->op->naxis != b->nbatch + 4)
        return false;
    b->rows = weft_rule_extent(scores->axis[b->nbatch + 1]);
    b->cols = weft_rule_extent(scores->axis[b->nbatch + 3]);
    b->width = weft_rule_extent(b->out->op->axis[b->nbatch + 1]);
    return b->rows > 0 && b->cols > 0 && b->width > 0;
}

/* Shared memory holds a block: queries, keys with a column more, values, scores, weights, a maximum
 * and a sum a query, and what threads reduce by.  Narrow floats may be held in f32. */
static bool
fits(const weft_rule *r, const blocked *b)
{
    const weft_te_op *sum = b->products->op;
    int64_t depth = weft_rule_extent(sum->reduce[0]),
            size = weft_dtype_bits(sum->out[0]->buf->dtype) / 8,
            all = b->rows * (depth + 2 * b->cols + 2) + b->cols * (depth + 2 + b->width) +
                  2 * SIDE * SIDE;
    return depth > 0 && depth < MOST_DEPTH && b->width < MOST_DEPTH &&
           all * size <= r->target->shared_bytes;
}

static void
choose_threads(const weft_rule *r, blocked *b)
{
    b->ty = b->tx = SIDE;
    for (int i = 0; b->ty * b->tx > r->target->max_threads; i++)
        *(i % 2 ? &b->tx : &b->ty) /= 2;
    b->ty = weft_least(b->ty, b->rows);
}

/* ---- the schedule ---------------------------------------------------------------------------- */

/* The axis's loop over threads, each with neighbouring iterations: thread and each. */
static bool
deal(weft_rule *r, weft_tensor *t, weft_axis *axis, int64_t extent, int64_t threads,
     weft_axis **thread, weft_axis **each)
{
    return !weft_split(r->te, t, axis, weft_rule_num(r, weft_ceildiv(extent, threads)), thread,
                       each);
}

static void
bind_both(weft_rule *r, weft_tensor *t, weft_axis *y, weft_axis *x)
{
    (void)weft_bind_axis(r->te, t, y, "thread.y");
    (void)weft_bind_axis(r->te, t, x, "thread.x");
}

bool
weft_blocked_grid(weft_rule *r, const blocked *b, weft_axis **in)
{
    weft_tensor *t = b->out->op->out[0];
    weft_axis **grid = WEFT_NEW_ARRAY(&r->scratch, b->nbatch + 1, weft_axis *), *rows;
    if (weft_split(r->te, t, b->out->op->axis[b->nbatch], weft_rule_num(r, b->rows), &rows, in))
        return false;
    for (int d = 0; d < b->nbatch; d++)
        grid[d] = b->out->op->axis[d];
    grid[b->nbatch] = rows;
    weft_rule_bind_grid(r, t, weft_rule_fuse(r, t, b->nbatch + 1, grid));
    return true;
}

/* The loop over blocks and the innermost over threads. */
static bool
schedule_out(weft_rule *r, const blocked *b, weft_axis **block, weft_axis **thread)
{
    weft_tensor *t = b->out->op->out[0];
    weft_axis *in, *y, *x, *dy, *dx;
    if (!weft_blocked_grid(r, b, &in) || !deal(r, t, in, b->rows, b->ty, &y, &dy) ||
        !deal(r, t, b->out->op->axis[b->nbatch + 1], b->width, b->tx, &x, &dx) ||
        weft_reorder(r->te, t, 4, (weft_axis *[]){ y, x, dy, dx }))
        return false;
    bind_both(r, t, y, x);
    *block = b->out->leaf.at[b->out->leaf.n - 5]; /* before y, x, dy, dx */
    *thread = x;
    return true;
}

bool
weft_blocked_place(weft_rule *r, weft_stage *s, weft_stage *consumer, weft_axis *at,
                   const char *space)
{
    weft_tensor *t = s->op->out[0];
    if (s->attach == WEFT_AT_INLINE && weft_compute_root(r->te, t))
        return false;
    return !weft_compute_at(r->te, t, consumer->op->out[0], at) && !weft_set_scope(r->te, t, space);
}

/* Filled by all threads together. */
static bool
fill(weft_rule *r, const blocked *b, weft_stage *s, weft_stage *consumer, weft_axis *at)
{
    if (!weft_blocked_place(r, s, consumer, at, "shared"))
        return false;
    weft_rule_fetch(r, s->op->out[0], (const int64_t[]){ 1, b->ty, b->tx }, 1);
    return true;
}

/* One number a query, over its keys: by the threads along x. */
static bool
reduce_keys(weft_rule *r, const blocked *b, weft_stage *s, weft_axis *at)
{
    weft_tensor *t = s->op->out[0];
    weft_axis *y, *each, *step, *x;
    if (!weft_blocked_place(r, s, b->all, at, "shared") ||
        !deal(r, t, s->op->axis[b->nbatch + 1], b->rows, b->ty, &y, &each) ||
        weft_split(r->te, t, s->op->reduce[0], weft_rule_num(r, b->tx), &step, &x))
        return false;
    bind_both(r, t, y, x);
    return true;
}

/* s in shared memory, by threads along queries and keys; *x the innermost loop over threads. */
static bool
by_pairs(weft_rule *r, const blocked *b, weft_stage *s, weft_axis *at, weft_axis **x)
{
    weft_tensor *t = s->op->out[0];
    weft_axis *y, *dy, *dx;
    if (!weft_blocked_place(r, s, b->all, at, "shared") ||
        !deal(r, t, s->op->axis[b->nbatch + 1], b->rows, b->ty, &y, &dy) ||
        !deal(r, t, s->op->axis[b->nbatch + 3], b->cols, b->tx, x, &dx) ||
        weft_reorder(r->te, t, 4, (weft_axis *[]){ y, *x, dy, dx }))
        return false;
    bind_both(r, t, y, *x);
    return true;
}

/* Scores, the products of each thread in registers. */
static bool
schedule_scores(weft_rule *r, const blocked *b, weft_axis *at)
{
    const weft_te_op *sum = b->products->op;
    weft_axis *x;
    weft_axis *inside[3] = { sum->reduce[0], sum->axis[b->nbatch + 1], sum->axis[b->nbatch + 3] };
    return by_pairs(r, b, b->scores, at, &x) &&
           weft_blocked_place(r, b->products, b->scores, x, "local") &&
           !weft_reorder(r->te, sum->out[0], 3, inside);
}

/* The results of a thread and what a block of keys adds to them, in registers; *at the loop over
 * blocks of keys. */
static bool
schedule_results(weft_rule *r, const blocked *b, weft_axis *thread, weft_axis **at)
{
    weft_tensor *t = b->all->op->out[0], *w = b->weighted->op->out[0];
    const weft_te_op *op = b->weighted->op;
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, b->all->leaf.n, weft_axis *);
    int n = b->all->op->naxis;
    *at = order[0] = b->all->op->reduce[0];
    for (int d = 0; d < n; d++)
        order[d + 1] = b->all->op->axis[d];
    weft_axis *inside[3] = { op->reduce[0], op->axis[b->nbatch + 1], op->axis[b->nbatch + 2] };
    return weft_blocked_place(r, b->all, b->out, thread, "local") &&
           !weft_reorder(r->te, t, n + 1, order) &&
           weft_blocked_place(r, b->weighted, b->all, *at, "local") &&
           !weft_reorder(r->te, w, 3, inside);
}

/* Of s only blocks of keys are computed that a query sees: data axis `at` of s goes over them. */
static bool
leave_out(weft_rule *r, const blocked *b, const weft_expr *sees, weft_stage *s, int at)
{
    const weft_te_op *all = b->all->op;
    const weft_var *from[2] = { all->axis[b->nbatch]->var, all->reduce[0]->var };
    const weft_expr *to[2] = { weft_axis_ref(r->te, s->op->axis[b->nbatch]),
                               weft_axis_ref(r->te, s->op->axis[at]) };
    return !weft_store_predicate(r->te, s->op->out[0],
                                 weft_subst_expr(r->te->ir, sees, 2, from, to));
}

static bool
leave_out_unseen(weft_rule *r, const blocked *b)
{
    const weft_expr *e = b->all->op->body[0];
    if (e->h.kind != WEFT_EK_GUARD)
        return true;
    weft_stage *s[] = { b->products, b->scores, b->most, b->weights, b->total };
    for (int i = 0; i < 5; i++)
        if (!leave_out(r, b, e->arg[0], s[i], b->nbatch + 2))
            return false;
    return leave_out(r, b, e->arg[0], b->weighted, b->nbatch + 3);
}

static bool
schedule(weft_rule *r, const blocked *b)
{
    weft_axis *block, *thread, *at, *x;
    if (!schedule_out(r, b, &block, &thread) || !schedule_results(r, b, thread, &at) ||
        !reduce_keys(r, b, b->total, at) || !by_pairs(r, b, b->weights, at, &x) ||
        !reduce_keys(r, b, b->most, at) || !schedule_scores(r, b, at) ||
        !fill(r, b, b->values, b->all, at) || !fill(r, b, b->keys, b->all, at) ||
        !fill(r, b, b->queries, b->out, block) || !leave_out_unseen(r, b))
        return false;
    int row = b->keys->op->naxis - 2; /* an odd stride: a thread's keys are apart from others' */
    return !weft_storage_align(r->te, b->keys->op->out[0], row, 2, 1);
}

bool
weft_rule_attention(weft_rule *r, weft_stage *out)
{
    blocked b = { 0 };
    bool simt = r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE;
    if (!find_stages(r, out, &b) || !find_sizes(&b))
        return false;
    if (!simt)
        return r->target->cls == WEFT_CLASS_VECTOR_CPU && weft_rule_attention_vectors(r, &b);
    if (!b.all || !fits(r, &b))
        return false;
    choose_threads(r, &b);
    weft_str_addf(weft_rule_note(r, "attention"), "a block %d queries, by %d keys, %dx%d threads",
                  (int)b.rows, (int)b.cols, (int)b.ty, (int)b.tx);
    (void)schedule(r, &b);
    return true;
}
