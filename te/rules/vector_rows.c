/* te/rules/vector_rows.c: reductions of what lies side by side, on CPUs that take vectors.
 *
 * A row is reduced by several vectors of partial results, so that additions need not wait for each
 * other; these are combined into one, and its lanes by halves.  Reductions that are long
 * and have few results are cut into parts first: a kernel of work-groups that reduce one each, and
 * a second that combines them. */
#include "rules/vector.h"

enum {
    VECTORS = 4,            /* of partial results */
    MOST_PARTS = 256,       /* the second kernel adds them one by one */
    WORK_OF_A_PART = 32768, /* elements */
    WORK_OF_A_GROUP = 16384,
    LAST_LANES = 100 /* cycles to combine a row's partial results */
};

static weft_axis *
last_reduce(const weft_te_op *op)
{
    return op->reduce[op->nreduce - 1];
}

static int64_t
lanes_of(const weft_rule *r, const weft_te_op *op)
{
    int64_t lanes = r->target->vector_lanes > 0 ? r->target->vector_lanes : 1;
    return weft_dtype_bits(op->out[0]->buf->dtype) > 32 ? lanes / 2 : lanes;
}

/* 1: the load goes through memory element by element along the axis; 0: it stays; -1: neither. */
static int
step_along(weft_rule *r, const weft_read *read, const weft_axis *axis)
{
    const weft_expr *stride, *rest;
    int64_t by = 0;
    int last = read->load->h.nargs - 1, d = 0;
    if (read->address)
        return weft_affine_in(r->te->ir, read->address, axis->var, &stride, &rest) &&
                       weft_as_int(stride, &by) && (by == 0 || by == 1)
                   ? (int)by
                   : -1;
    for (; d < last; d++)
        if (weft_uses_var(read->load->arg[d], axis->var))
            return -1;
    return last >= 0 &&
                   weft_affine_in(r->te->ir, read->load->arg[last], axis->var, &stride, &rest) &&
                   weft_as_int(stride, &by) && (by == 0 || by == 1)
               ? (int)by
               : -1;
}

bool
weft_vector_has_rows(weft_rule *r, const weft_te_op *op)
{
    weft_read *read;
    bool any = false;
    if (op->nreduce == 0 || lanes_of(r, op) < 2)
        return false;
    int64_t extent = weft_rule_extent(last_reduce(op));
    int n = weft_rule_reads(r, op, &read);
    for (int i = 0; i < n; i++) {
        int step = step_along(r, &read[i], last_reduce(op));
        if (step < 0)
            return false;
        any |= step == 1;
    }
    return any && (extent < 0 || extent >= 2 * lanes_of(r, op));
}

double
weft_vector_rows_cycles(weft_rule *r, const weft_te_op *op)
{
    double steps = weft_vector_count((const weft_axis *const *)op->reduce, op->nreduce),
           rows = weft_vector_count((const weft_axis *const *)op->axis, op->naxis);
    weft_read *read;
    int n = weft_rule_reads(r, op, &read);
    return rows * (steps / (double)lanes_of(r, op) * (0.5 + 0.5 * n) + LAST_LANES);
}

/* ---- a row in vectors ------------------------------------------------------------------------ */

static bool
inside(weft_rule *r, weft_tensor *t, weft_tensor *home, weft_axis *at)
{
    return !weft_compute_at(r->te, t, home, at) && !weft_set_scope(r->te, t, "local");
}

/* All leaves of a stage: its reduction's outside, then `vectors` one after another, in lanes. */
static bool
run_in_lanes(weft_rule *r, weft_tensor *t, weft_axis *vectors, weft_axis *lane)
{
    const weft_te_op *op = t->op;
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, op->nreduce + 2, weft_axis *);
    int n = 0;
    for (int i = 0; i < op->nreduce; i++)
        order[n++] = op->reduce[i];
    if (vectors)
        order[n++] = vectors;
    order[n++] = lane;
    if (weft_reorder(r->te, t, n, order) || (vectors && weft_unroll(r->te, t, vectors)))
        return false;
    return !weft_vectorize(r->te, t, lane);
}

/* The `lanes` that t combines, by halves of a vector: their logarithm of steps wait for each other. */
static bool
add_halves(weft_rule *r, weft_tensor *t, int64_t lanes, weft_tensor *home, weft_axis *at)
{
    weft_te *te = r->te;
    for (; lanes > 2 && lanes % 2 == 0; lanes /= 2) {
        weft_axis *two, *lane;
        if (weft_split(te, t, last_reduce(t->op), weft_rule_num(r, lanes / 2), &two, &lane))
            return false;
        weft_tensor *half = weft_rfactor(te, t, lane, t->op->naxis);
        if (!half || !inside(r, half, home, at) || weft_unroll(te, half, last_reduce(half->op)) ||
            !run_in_lanes(r, half, NULL, half->op->axis[half->op->naxis - 1]))
            return false;
    }
    return !weft_unroll(te, t, last_reduce(t->op));
}

bool
weft_vector_row(weft_rule *r, weft_tensor *t, weft_tensor *home, weft_axis *at)
{
    weft_te *te = r->te;
    int64_t lanes = lanes_of(r, t->op), extent = weft_rule_extent(last_reduce(t->op)),
            vectors = extent < 0 || extent >= VECTORS * lanes ? VECTORS : 1;
    weft_axis *partial, *vector, *lane;
    if (weft_split(te, t, last_reduce(t->op), weft_rule_num(r, vectors * lanes), NULL, &partial))
        return false;
    weft_tensor *many = weft_rfactor(te, t, partial, t->op->naxis), *one = many;
    if (many && vectors > 1) {
        if (weft_split(te, t, partial, weft_rule_num(r, lanes), NULL, &lane))
            return false;
        one = weft_rfactor(te, t, lane, t->op->naxis);
        partial = lane;
    }
    if (!many || !one || !inside(r, t, home, at) || !inside(r, one, home, at) ||
        (many != one && !inside(r, many, home, at)) || !add_halves(r, t, lanes, home, at))
        return false;
    weft_axis *last = many->op->axis[many->op->naxis - 1];
    if (many == one)
        return run_in_lanes(r, one, NULL, last);
    if (!run_in_lanes(r, one, NULL, one->op->axis[one->op->naxis - 1]))
        return false;
    (void)weft_unroll(te, one, last_reduce(one->op));
    return !weft_split(te, many, last, weft_rule_num(r, lanes), &vector, &lane) &&
           run_in_lanes(r, many, vector, lane);
}

/* ---- kernels --------------------------------------------------------------------------------- */

int64_t
weft_vector_rows_of_group(const weft_rule *r, double work, double rows)
{
    double cores = r->target->cores > 0 ? r->target->cores : 1,
           chunk = WORK_OF_A_GROUP / (work > 1 ? work : 1), most = rows / (4 * cores);
    return (int64_t)(chunk < most ? chunk : most);
}

bool
weft_vector_rows(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    const weft_te_op *op = reduce->op;
    double steps = weft_vector_count((const weft_axis *const *)op->reduce, op->nreduce),
           rows = weft_vector_count((const weft_axis *const *)op->axis, op->naxis);
    if (out->op->naxis == 0)
        return false;
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    weft_axis *all = sum ? weft_rule_fuse(r, result, out->op->naxis, out->op->axis) : NULL, *at;
    weft_str_addf(weft_rule_note(r, "reduction"), "%d lanes along each row",
                  (int)lanes_of(r, reduce->op));
    if (!all)
        return true;
    at = weft_rule_bind_chunks(r, result, all, weft_vector_rows_of_group(r, steps, rows));
    if (at)
        (void)weft_vector_row(r, sum, result, at);
    return true;
}

bool
weft_vector_columns(weft_rule *r, weft_stage *reduce)
{
    weft_te *te = r->te;
    const weft_te_op *op = reduce->op;
    weft_tensor *result = op->out[0];
    int last = op->naxis - 1;
    int64_t lanes = lanes_of(r, op), extent = last < 0 ? 1 : weft_rule_extent(op->axis[last]);
    double steps = weft_vector_count((const weft_axis *const *)op->reduce, op->nreduce),
           results = weft_vector_count((const weft_axis *const *)op->axis, op->naxis);
    weft_axis *vectors, *lane, *inner;
    if (lanes < 2 || last < 0 || (extent >= 0 && extent < lanes) ||
        !weft_rule_lanes_along(r, op, last))
        return false;
    weft_tensor *sum = weft_cache_write(te, result, "local");
    op = result->op;
    weft_str_addf(weft_rule_note(r, "reduction"), "%d lanes of %s", (int)lanes,
                  op->axis[last]->var->name);
    if (!sum || weft_split(te, result, op->axis[last], weft_rule_num(r, lanes), &vectors, &lane))
        return true;
    (void)weft_vectorize(te, result, lane);
    weft_axis *all = weft_rule_fuse(r, result, last, op->axis), *at = NULL;
    if (all && weft_fuse(te, result, all, vectors, &all))
        return true;
    all = all ? all : vectors;
    if (all)
        at = weft_rule_bind_chunks(
            r, result, all,
            weft_vector_rows_of_group(r, steps * (double)lanes, results / (double)lanes));
    if (at && inside(r, sum, result, at) &&
        !weft_split(te, sum, sum->op->axis[last], weft_rule_num(r, lanes), NULL, &inner))
        (void)run_in_lanes(r, sum, NULL, inner);
    return true;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* The reduce axis to cut: the outermost that gives every core some parts; NULL when none does. */
static weft_axis *
axis_to_cut(const weft_rule *r, const weft_te_op *op)
{
    for (int i = 0; i < op->nreduce; i++)
        if (weft_rule_extent(op->reduce[i]) >= 8 * (int64_t)r->target->cores)
            return op->reduce[i];
    return NULL;
}

weft_stage *
weft_vector_parts(weft_rule *r, weft_stage *reduce)
{
    const weft_te_op *op = reduce->op;
    double steps = weft_vector_count((const weft_axis *const *)op->reduce, op->nreduce),
           rows = weft_vector_count((const weft_axis *const *)op->axis, op->naxis);
    weft_axis *axis = axis_to_cut(r, op), *part;
    double parts = steps * rows / WORK_OF_A_PART;
    if (op->nout != 1 || !axis || rows >= 4.0 * r->target->cores || parts < 2.0 * r->target->cores)
        return NULL;
    int64_t extent = weft_rule_extent(axis), row = VECTORS * lanes_of(r, op);
    parts = parts < MOST_PARTS ? parts : MOST_PARTS;
    int64_t size = weft_ceildiv(extent, (int64_t)parts);
    if (axis == last_reduce(op) && size > row)
        size = weft_round_up(size, row);
    if (weft_split(r->te, op->out[0], axis, weft_rule_num(r, size), &part, NULL))
        return NULL;
    weft_tensor *factor = weft_rfactor(r->te, op->out[0], part, op->naxis);
    return factor ? weft_te_stage(r->te, factor) : NULL;
}
