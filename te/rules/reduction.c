/* te/rules/reduction.c: reductions that share nothing between their results.
 *
 * What counts on a GPU is that neighbouring threads read neighbouring elements, and that there are
 * enough threads to wait for memory with.  Threads lie along the reduction where its elements lie
 * side by side, a row, and along the results where those do, columns, and take vectors of either
 * where all begin at one; of a few results the reduction is shared by more threads of a block, and of
 * so few that blocks are missing it is cut into parts: a kernel that reduces those, and a second that
 * combines what they have. */
#include "rules/vector.h"

#include <math.h>

enum {
    LANE_THREADS = 16,
    BLOCK = 128,        /* threads of a block of short rows */
    LANES = 32,         /* neighbouring threads whose reads are one, on any GPU */
    MOST_SHARING = 256, /* threads of a row */
    MOST_SLICES = 32,   /* threads of a column */
    LEAST_STEPS = 8,    /* of a thread that shares a reduction; twice as many of a part's */
    MOST_PARTS = 1024,
    WORK_OF_A_GROUP = 16384 /* elements, on a CPU */
};

typedef enum direction { APART, ROWS, COLUMNS } direction;

/* A reduction and how threads go about it: `along` of them share one, `beside` are on
 * neighbouring results of a block. */
typedef struct sharing {
    double results, length;
    direction direction;
    int64_t along, beside;
} sharing;

/* ---- what it reads --------------------------------------------------------------------------- */

static double
count(weft_axis *const *axis, int n)
{
    return weft_vector_count((const weft_axis *const *)axis, n);
}

static bool
uses(const weft_read *read, const weft_axis *axis)
{
    bool any = false;
    for (int i = 0; i < read->load->h.nargs; i++)
        any = any || weft_uses_var(read->load->arg[i], axis->var);
    return any;
}

/* Elements that the reduction reads there in all. */
static double
size_of(const weft_te_op *op, const weft_read *read)
{
    double all = 1;
    for (int d = 0; d < op->naxis; d++)
        all *= uses(read, op->axis[d]) ? count(&op->axis[d], 1) : 1;
    for (int d = 0; d < op->nreduce; d++)
        all *= uses(read, op->reduce[d]) ? count(&op->reduce[d], 1) : 1;
    return all;
}

/* Whether the next step of the axis reads the next element. */
static bool
reads_next(weft_rule *r, const weft_read *read, const weft_axis *axis)
{
    const weft_expr *stride, *rest;
    int last = read->load->h.nargs - 1;
    for (int i = 0; i < last && !read->address; i++)
        if (weft_uses_var(read->load->arg[i], axis->var))
            return false;
    const weft_expr *at = read->address ? read->address : last < 0 ? NULL : read->load->arg[last];
    return at && weft_affine_in(r->te->ir, at, axis->var, &stride, &rest) &&
           weft_is_int_imm(stride, 1);
}

/* The last of the axes that takes more than a step; NULL: none does. */
static const weft_axis *
innermost(weft_axis *const *axis, int n)
{
    while (n > 0 && weft_rule_extent(axis[n - 1]) == 1)
        n--;
    return n > 0 ? axis[n - 1] : NULL;
}

/* How the largest operand lies. */
static direction
direction_of(weft_rule *r, const weft_te_op *op)
{
    weft_read *read, *main = NULL;
    int n = weft_rule_reads(r, op, &read);
    for (int i = 0; i < n; i++)
        if (!main || size_of(op, &read[i]) > size_of(op, main))
            main = &read[i];
    const weft_axis *result = innermost(op->axis, op->naxis),
                    *step = innermost(op->reduce, op->nreduce);
    if (main && result && reads_next(r, main, result))
        return COLUMNS;
    return main && step && reads_next(r, main, step) ? ROWS : APART;
}

/* ---- threads --------------------------------------------------------------------------------- */

static int64_t
most_threads(const weft_rule *r)
{
    return weft_least(r->target->max_threads, r->target->max_block[0]);
}

/* Columns: as many threads share one as give all cores some to do. */
static void
share_columns(const weft_rule *r, sharing *s)
{
    int64_t most =
        weft_least(weft_least(MOST_SLICES, r->target->max_block[1]), most_threads(r) / LANES);
    s->beside = LANES;
    while (s->beside > 1 && s->results <= (double)(s->beside / 2))
        s->beside /= 2;
    while (s->along * 2 <= most &&
           s->results * (double)s->along < (double)weft_rule_busy_threads(r) &&
           s->length >= (double)(2 * s->along * LEAST_STEPS))
        s->along *= 2;
}

/* Rows: neighbouring threads share one, more of them where rows are few. */
static void
share_rows(const weft_rule *r, sharing *s)
{
    int64_t most = weft_least(MOST_SHARING, most_threads(r));
    s->along = weft_least(LANES, most);
    while (s->along * 2 <= most &&
           s->results * (double)s->along < (double)weft_rule_busy_threads(r) &&
           s->length >= (double)(2 * s->along * LEAST_STEPS))
        s->along *= 2;
    while (s->along * s->beside * 2 <= weft_least(BLOCK, most) &&
           s->beside * 2 <= r->target->max_block[1] && s->results >= (double)(s->beside * 2))
        s->beside *= 2;
}

static sharing
sharing_of(weft_rule *r, const weft_te_op *op, const weft_te_op *out)
{
    sharing s = { .results = count(out->axis, out->naxis),
                  .length = count(op->reduce, op->nreduce),
                  .direction = direction_of(r, op),
                  .along = 1,
                  .beside = 1 };
    if (s.direction == COLUMNS)
        share_columns(r, &s);
    else if (s.length >= LANES)
        share_rows(r, &s);
    return s;
}

/* ---- schedules ------------------------------------------------------------------------------- */

/* The reduction goes into the loops of the output that it is for, if it is not that itself. */
static bool
attach(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *t = reduce->op->out[0], *o = out->op->out[0];
    return out == reduce ||
           ((out->leaf.n == 0 || !weft_compute_at(r->te, t, o, out->leaf.at[out->leaf.n - 1])) &&
            !weft_set_scope(r->te, t, "local"));
}

/* One thread (or one iteration) a result. */
static void
by_thread(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *o = out->op->out[0];
    weft_axis *all = weft_rule_fuse(r, o, out->op->naxis, out->op->axis);
    double length = count(reduce->op->reduce, reduce->op->nreduce);
    int64_t chunk = length < WORK_OF_A_GROUP ? (int64_t)(WORK_OF_A_GROUP / length) : 1;
    if (r->target->cls == WEFT_CLASS_VECTOR_CPU && all)
        (void)weft_rule_bind_chunks(r, o, all, chunk);
    else
        weft_rule_bind_threads(r, o, all,
                               r->target->cls == WEFT_CLASS_LANE_CPU ? LANE_THREADS : BLOCK / 2);
    if (attach(r, reduce, out))
        weft_str_addf(weft_rule_note(r, "reduction"), "a thread a result");
}

/* Elements of a row that each of its threads takes at once. */
static int64_t
run_of(weft_rule *r, const weft_te_op *op, const sharing *s)
{
    double most = count(op->reduce, op->nreduce) / (double)s->along;
    return s->direction == ROWS ? weft_rule_run(r, op, op->reduce[op->nreduce - 1], most) : 1;
}

/* Threads of a block on neighbouring results, and on each reduction. */
static void
by_block(weft_rule *r, weft_stage *reduce, weft_stage *out, const sharing *s)
{
    weft_te *te = r->te;
    weft_tensor *t = reduce->op->out[0], *o = out->op->out[0];
    const char *along = s->direction == COLUMNS ? "thread.y" : "thread.x",
               *beside = s->direction == COLUMNS ? "thread.x" : "thread.y";
    weft_axis *block = weft_rule_fuse(r, o, out->op->naxis, out->op->axis), *result = NULL;
    if (block && s->beside > 1 &&
        weft_split(te, o, block, weft_rule_num(r, s->beside), &block, &result))
        return;
    weft_rule_bind_grid(r, o, block);
    if (result)
        (void)weft_bind_axis(te, o, result, beside);
    if (!attach(r, reduce, out))
        return;
    int64_t run = run_of(r, reduce->op, s);
    weft_axis *all = weft_rule_fuse(r, t, reduce->op->nreduce, reduce->op->reduce);
    if (!all || !weft_rule_deal(r, t, all, s->along, run, along))
        return;
    weft_str_addf(weft_rule_note(r, "reduction"), "%d threads a result, %d results a block",
                  (int)s->along, (int)s->beside);
    if (run > 1)
        weft_str_addf(&r->note, ", %d lanes", (int)run);
}

/* ---- columns in vectors ---------------------------------------------------------------------- */

/* Neighbouring results that a thread takes at once: the innermost axis of both, of which whole blocks
 * of threads have some, and whose slices shared memory holds. */
static int64_t
lanes_of(weft_rule *r, const weft_te_op *reduce, const weft_te_op *out, const sharing *s)
{
    int last = reduce->naxis - 1;
    bool wide = weft_dtype_bits(reduce->out[0]->buf->dtype) > 32 ||
                weft_dtype_bits(out->out[0]->buf->dtype) > 32;
    int64_t lanes = r->target->vector_lanes / (wide ? 2 : 1);
    if (s->direction != COLUMNS || reduce->nout > 1 || last < 0 || out->naxis != last + 1 ||
        lanes < 2 || (out != reduce && !weft_rule_elementwise(r, out, reduce->out[0])))
        return 1;
    lanes = weft_rule_vector_along(r, reduce, reduce->axis[last], lanes);
    if (out != reduce)
        lanes = weft_rule_vector_along(r, out, out->axis[last], lanes);
    int64_t columns = lanes * s->beside, bytes = weft_dtype_bits(reduce->out[0]->buf->dtype) / 8;
    bool fits = s->along == 1 || s->along * columns * bytes <= r->target->shared_bytes;
    return fits && weft_rule_extent(reduce->axis[last]) >= columns ? lanes : 1;
}

/* The last axis of a stage in vectors on threads; *thread the loop over these. */
static bool
on_vectors(weft_rule *r, weft_tensor *t, weft_axis *columns, int64_t lanes, weft_axis **thread,
           weft_axis **lane)
{
    return !weft_split(r->te, t, columns, weft_rule_num(r, lanes), thread, lane) &&
           !weft_bind_axis(r->te, t, *thread, "thread.x");
}

/* The output's blocks of columns; the loops of a block and of a thread's vector. */
static bool
block_columns(weft_rule *r, weft_tensor *o, const sharing *s, int64_t lanes, weft_axis **block,
              weft_axis **thread)
{
    const weft_te_op *op = o->op;
    int last = op->naxis - 1;
    weft_axis *outer, *inner, *lane,
        **order = WEFT_NEW_ARRAY(&r->scratch, op->naxis + 1, weft_axis *);
    if (weft_split(r->te, o, op->axis[last], weft_rule_num(r, s->beside * lanes), &outer, &inner) ||
        !on_vectors(r, o, inner, lanes, thread, &lane) || weft_vectorize(r->te, o, lane))
        return false;
    for (int d = 0; d < last; d++)
        order[d] = op->axis[d];
    order[last] = outer;
    *block = weft_rule_fuse(r, o, last + 1, order);
    weft_rule_bind_grid(r, o, *block);
    return *block;
}

/* A sum of a thread's columns at its loop of `home`: steps outside of the lanes. */
static bool
add_columns(weft_rule *r, weft_tensor *t, weft_tensor *home, weft_axis *at, weft_axis *steps,
            int64_t lanes)
{
    weft_axis *one, *lane;
    return !weft_compute_at(r->te, t, home, at) && !weft_set_scope(r->te, t, "local") &&
           !weft_split(r->te, t, t->op->axis[t->op->naxis - 1], weft_rule_num(r, lanes), &one,
                       &lane) &&
           !weft_reorder(r->te, t, 3, (weft_axis *[]){ one, steps, lane }) &&
           !weft_vectorize(r->te, t, lane);
}

/* Slices of the reduction, each of threads side by side, in shared memory. */
static bool
share_slices(weft_rule *r, weft_tensor *part, weft_tensor *o, weft_axis *block, int64_t lanes)
{
    const weft_te_op *op = part->op;
    weft_tensor *held = weft_cache_write(r->te, part, "local");
    weft_axis *thread, *lane;
    return held && !weft_compute_at(r->te, part, o, block) &&
           !weft_set_scope(r->te, part, "shared") &&
           !weft_bind_axis(r->te, part, op->axis[0], "thread.y") &&
           on_vectors(r, part, op->axis[op->naxis - 1], lanes, &thread, &lane) &&
           !weft_vectorize(r->te, part, lane) &&
           add_columns(r, held, part, thread, held->op->reduce[0], lanes);
}

/* Threads on vectors of neighbouring results, and on slices of each reduction, which they put
 * together. */
static void
by_columns(weft_rule *r, weft_stage *reduce, weft_stage *out, const sharing *s, int64_t lanes)
{
    weft_tensor *o = out->op->out[0],
                *t = out == reduce ? weft_cache_write(r->te, o, "local") : reduce->op->out[0],
                *part = NULL;
    weft_axis *block, *thread,
        *slice = t ? weft_rule_fuse(r, t, t->op->nreduce, t->op->reduce) : NULL;
    if (slice && s->along > 1) {
        if (weft_split(r->te, t, slice, weft_rule_num(r, s->along), NULL, &slice) ||
            !(part = weft_rfactor(r->te, t, slice, 0)))
            return;
        slice = t->op->reduce[0];
    }
    if (!slice || !block_columns(r, o, s, lanes, &block, &thread) ||
        !add_columns(r, t, o, thread, slice, lanes))
        return;
    if (part && !share_slices(r, part, o, block, lanes))
        return;
    weft_str_addf(weft_rule_note(r, "reduction"),
                  "%d threads a result, %d results a block, %d lanes", (int)s->along,
                  (int)(s->beside * lanes), (int)lanes);
}

static void
by_threads(weft_rule *r, weft_stage *reduce, weft_stage *out, const sharing *s)
{
    int64_t lanes = lanes_of(r, reduce->op, out->op, s);
    if (lanes > 1)
        by_columns(r, reduce, out, s, lanes);
    else if (s->along > 1)
        by_block(r, reduce, out, s);
    else
        by_thread(r, reduce, out);
}

weft_stage *
weft_rule_parts(weft_rule *r, weft_stage *reduce, int64_t size)
{
    weft_tensor *t = reduce->op->out[0];
    weft_axis *all = weft_rule_fuse(r, t, reduce->op->nreduce, reduce->op->reduce), *part;
    if (!all || weft_split(r->te, t, all, weft_rule_num(r, size), &part, NULL))
        return NULL;
    weft_tensor *factor = weft_rfactor(r->te, t, part, 0);
    return factor ? weft_te_stage(r->te, factor) : NULL;
}

/* The reduction of parts that goes before, where one kernel has work for few threads alone, each
 * part in the same way; NULL: there is none. */
static weft_stage *
cut(weft_rule *r, weft_stage *reduce, const sharing *s)
{
    double parts = (double)weft_rule_busy_threads(r) / (s->results * (double)s->along);
    int64_t whole = s->along * LEAST_STEPS, size;
    parts = parts < MOST_PARTS ? parts : MOST_PARTS;
    size = parts < 2 ? 0 : weft_round_up((int64_t)ceil(s->length / parts), whole);
    size = size < 2 * whole ? 2 * whole : size;
    if (parts < 2 || s->along == 1 || s->length < (double)(2 * size) || size > INT32_MAX)
        return NULL;
    return weft_rule_parts(r, reduce, size);
}

/* Parts that a thread may run, where it may not run the whole. */
static weft_stage *
cut_to_allowed(weft_rule *r, weft_stage *reduce)
{
    const weft_te_op *op = reduce->op;
    double length = count(op->reduce, op->nreduce), most = (double)r->target->max_iterations / 2;
    return most > 0 && length > most
               ? weft_rule_parts(r, reduce, (int64_t)ceil(length / ceil(length / most)))
               : NULL;
}

void
weft_rule_reduction(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    bool simt = r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE;
    if (!simt) {
        weft_stage *parts = cut_to_allowed(r, reduce);
        if (parts)
            by_thread(r, parts, parts);
        by_thread(r, reduce, out);
        return;
    }
    sharing s = sharing_of(r, reduce->op, out->op);
    weft_stage *parts = cut(r, reduce, &s);
    if (parts) {
        by_threads(r, parts, parts, &s);
        s = sharing_of(r, reduce->op, out->op);
    }
    by_threads(r, reduce, out, &s);
}
