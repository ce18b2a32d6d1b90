/* te/rules/injective.c: stages whose elements do not depend on each other. */
#include "rules/priv.h"

enum {
    GPU_THREADS = 256,
    LANE_THREADS = 64,
    MOST_VECTORS = 32, /* of a row that is written out */
    WORK_OF_A_GROUP =
        16384 /* elements: a work-group of a CPU runtime costs about as much as 1000 */
};

void
weft_rule_reference(weft_rule *r, weft_stage *s)
{
    for (int d = 0; d < s->op->naxis; d++)
        if (!s->op->axis[d]->ordered && !s->op->axis[d]->crossed)
            (void)weft_bind_axis(r->te, s->op->out[0], s->op->axis[d], "parallel");
}

static int64_t
threads_of(const weft_rule *r)
{
    return r->target->cls == WEFT_CLASS_LANE_CPU ? LANE_THREADS : GPU_THREADS;
}

/* ---- CPUs that take vectors ------------------------------------------------------------------ */

/* The widest power of two up to the target's lanes that the extent fills at least once. */
static int64_t
lanes_for(const weft_rule *r, int64_t extent, weft_dtype t)
{
    int64_t lanes = r->target->vector_lanes;
    if (weft_dtype_bits(t) > 32)
        lanes /= 2;
    while (lanes > 1 && extent >= 0 && extent < lanes)
        lanes /= 2;
    return lanes;
}

/* Outer loops over work-groups of enough work each, inner ones inside. */
static void
bind_chunks(weft_rule *r, weft_tensor *t, weft_axis *outer, int64_t work_inside)
{
    int64_t n = outer ? weft_rule_extent(outer) : 0;
    int64_t chunk = work_inside > 0 ? WORK_OF_A_GROUP / work_inside : 1;
    if (n > 0) /* every core gets some */
        chunk =
            weft_least(chunk, weft_ceildiv(n, 2 * (r->target->cores > 0 ? r->target->cores : 1)));
    if (outer)
        (void)weft_rule_bind_chunks(r, t, outer, chunk);
}

/* Whether lanes go along the last axis but for its ends, which a condition leaves out: rows that
 * are copied into wider ones. */
static bool
has_rows(weft_rule *r, const weft_te_op *op)
{
    int last = op->naxis - 1;
    int64_t n = weft_rule_extent(op->axis[last]), lanes = lanes_for(r, n, op->out[0]->buf->dtype);
    return lanes > 1 && n > 0 && n <= MOST_VECTORS * lanes &&
           weft_rule_guarded_along(r, op, last) && weft_rule_steps_along(r, op, last);
}

/* Whole rows without a loop: which lanes are left out is known then. */
static bool
run_row(weft_rule *r, weft_tensor *t)
{
    weft_axis *row = t->op->axis[t->op->naxis - 1], *vectors, *lane;
    int64_t lanes = lanes_for(r, weft_rule_extent(row), t->buf->dtype);
    return !weft_split(r->te, t, row, weft_rule_num(r, lanes), &vectors, &lane) &&
           !weft_unroll(r->te, t, vectors) && !weft_vectorize(r->te, t, lane);
}

static void
injective_rows(weft_rule *r, weft_stage *s)
{
    const weft_te_op *op = s->op;
    int last = op->naxis - 1;
    int64_t row = weft_rule_extent(op->axis[last]);
    weft_axis *outer = weft_rule_fuse(r, op->out[0], last, op->axis);
    weft_str_addf(weft_rule_note(r, "injective"), "rows of %d lanes",
                  (int)lanes_for(r, row, op->out[0]->buf->dtype));
    if (run_row(r, op->out[0]))
        bind_chunks(r, op->out[0], outer, row);
}

/* Whether aligned groups of so many neighbours along the last axis are vectors, or
 * are picked from some. */
static bool
has_lanes(weft_rule *r, const weft_te_op *op, int64_t lanes)
{
    int last = op->naxis - 1;
    return !weft_rule_guarded_along(r, op, last) &&
           (weft_rule_steps_along(r, op, last) || weft_rule_near(r, op, last, lanes));
}

static void
injective_vector(weft_rule *r, weft_stage *s)
{
    const weft_te_op *op = s->op;
    weft_tensor *t = op->out[0];
    int from = weft_rule_flat_from(r, op);
    if (from < 0)
        return;
    if (has_rows(r, op)) {
        injective_rows(r, s);
        return;
    }
    int64_t inside = weft_rule_count(op->axis, from, op->naxis);
    int64_t lanes = lanes_for(r, inside, t->buf->dtype);
    if (!has_lanes(r, op, lanes))
        lanes = 1;
    weft_axis *flat = weft_rule_fuse(r, t, op->naxis - from, op->axis + from);
    weft_axis *outer = weft_rule_fuse(r, t, from, op->axis), *vectors, *lane;
    if (!flat)
        return;
    weft_str_addf(weft_rule_note(r, "injective"), "%d lanes", (int)lanes);
    vectors = flat;
    if (lanes > 1) {
        if (weft_split(r->te, t, flat, weft_rule_num(r, lanes), &vectors, &lane))
            return;
        (void)weft_vectorize(r->te, t, lane);
    }
    bool large = inside < 0 || inside > WORK_OF_A_GROUP;
    if (!large) {
        bind_chunks(r, t, outer ? outer : vectors, outer ? inside : lanes);
        return;
    }
    weft_axis *group, *rest, *all;
    if (weft_split(r->te, t, vectors, weft_rule_num(r, WORK_OF_A_GROUP / lanes), &group, &rest))
        return;
    all = group;
    if (outer && weft_fuse(r->te, t, outer, group, &all))
        return;
    weft_rule_bind_grid(r, t, all);
}

/* ---- GPUs ------------------------------------------------------------------------------------ */

/* Neighbours that a thread takes at once, of which `inside` are one after another: a vector where it
 * leaves enough threads to wait for memory with, who have more of it on the way. */
static int64_t
lanes_of_thread(weft_rule *r, const weft_te_op *op, int64_t inside, int64_t outside)
{
    const weft_target *t = r->target;
    int64_t lanes = weft_dtype_bits(op->out[0]->buf->dtype) > 32 ? t->vector_lanes / 2
                                                                 : t->vector_lanes,
            all;
    bool gpu = t->cls == WEFT_CLASS_GPU || t->cls == WEFT_CLASS_MOBILE;
    if (!gpu || lanes < 2 || inside < 0 || outside < 0 || inside % lanes != 0 ||
        !weft_mul64(inside, outside, &all) || all / lanes < weft_rule_busy_threads(r) ||
        weft_dtype_bits(op->out[0]->buf->dtype) < 8 || !weft_rule_lanes_along(r, op, op->naxis - 1))
        return 1;
    return lanes;
}

static void
injective_threads(weft_rule *r, weft_stage *s)
{
    const weft_te_op *op = s->op;
    weft_tensor *t = op->out[0];
    weft_str_addf(weft_rule_note(r, "injective"), "%d threads", (int)threads_of(r));
    if (op->naxis == 0)
        return;
    int from = weft_rule_flat_from(r, op);
    int64_t lanes = lanes_of_thread(r, op, weft_rule_count(op->axis, from, op->naxis),
                                    weft_rule_count(op->axis, 0, from));
    weft_axis *flat = weft_rule_fuse(r, t, op->naxis - from, op->axis + from),
              *all = weft_rule_fuse(r, t, from, op->axis), *lane;
    if (lanes > 1) {
        weft_str_addf(&r->note, ", %d lanes", (int)lanes);
        if (weft_split(r->te, t, flat, weft_rule_num(r, lanes), &flat, &lane) ||
            weft_vectorize(r->te, t, lane))
            return;
    }
    if (all && flat && weft_fuse(r->te, t, all, flat, &all))
        return;
    weft_rule_bind_threads(r, t, all ? all : flat, threads_of(r));
}

void
weft_rule_injective(weft_rule *r, weft_stage *s)
{
    if (r->target->cls != WEFT_CLASS_LANE_CPU && weft_rule_across(r, s))
        return;
    if (r->target->cls == WEFT_CLASS_VECTOR_CPU)
        injective_vector(r, s);
    else
        injective_threads(r, s);
}
