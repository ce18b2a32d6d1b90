/* te/rules/steps.c: runs of primitives that several rules take. */
#include "rules/priv.h"

enum { BUSY_CORE = 1024 }; /* threads of a GPU's core */

/* Where it is not known how many steps there are in all. */
enum {
    LEAST_GROUPS = 4,
    FEWER = 8 /* a group takes at least one of so many steps that it could */
};

weft_str *
weft_rule_note(weft_rule *r, const char *kind)
{
    weft_str_addf(&r->note, "%s%s/%s: ", r->note.n ? "; " : "", kind,
                  weft_class_name(r->target->cls));
    return &r->note;
}

int64_t
weft_rule_busy_threads(const weft_rule *r)
{
    return BUSY_CORE * (int64_t)(r->target->cores > 0 ? r->target->cores : 1);
}

bool
weft_rule_copies_alone(const weft_rule *r)
{
    return r->target->api == WEFT_API_CUDA && r->target->cuda_arch >= 80;
}

const weft_expr *
weft_rule_num(weft_rule *r, int64_t v)
{
    return weft_i32(r->te->ir, v);
}

weft_axis *
weft_rule_fuse(weft_rule *r, weft_tensor *t, int n, weft_axis *const *axis)
{
    weft_axis *all = n ? axis[0] : NULL;
    for (int i = 1; i < n; i++)
        if (weft_fuse(r->te, t, all, axis[i], &all))
            return NULL;
    return all;
}

/* The extent as far as it is within the limit, and 1 at least. */
static const weft_expr *
at_most(weft_rule *r, const weft_axis *axis, int64_t limit)
{
    weft_ir *ir = r->te->ir;
    weft_dtype t = (weft_dtype)axis->extent->h.type.dtype;
    const weft_expr *least = weft_min(ir, axis->extent, weft_int(ir, t, limit));
    return weft_rule_extent(axis) >= 0 ? weft_int(ir, t, limit)
                                       : weft_max(ir, least, weft_int(ir, t, 1));
}

/* Splits off what a grid cannot hold into a serial loop outside; the axis that fits. */
static weft_axis *
within(weft_rule *r, weft_tensor *t, weft_axis *axis, int64_t limit)
{
    int64_t n = weft_rule_extent(axis);
    weft_axis *outer, *inner;
    bool fits = n >= 0 ? n <= limit : limit >= INT32_MAX;
    if (fits || limit <= 0 || weft_split(r->te, t, axis, at_most(r, axis, limit), &outer, &inner))
        return axis;
    return inner;
}

void
weft_rule_bind_grid(weft_rule *r, weft_tensor *t, weft_axis *axis)
{
    if (axis)
        (void)weft_bind_axis(r->te, t, within(r, t, axis, r->target->max_grid[0]), "block.x");
}

/* What an extent is a multiple of, or the most there is. */
static int64_t
known_part(const weft_expr *e)
{
    int64_t v = 1;
    if (e->h.kind == WEFT_EK_MUL)
        return weft_mul64(known_part(e->arg[0]), known_part(e->arg[1]), &v) ? v : INT64_MAX;
    return weft_as_int(e, &v) && v > 0 ? v : 1;
}

int64_t
weft_rule_chunk(const weft_rule *r, const weft_axis *axis, int64_t least, int64_t most)
{
    int64_t groups = LEAST_GROUPS * (int64_t)(r->target->cores > 0 ? r->target->cores : 1),
            some = known_part(axis->extent) / groups;
    if (weft_rule_extent(axis) >= 0 || most <= least)
        return most;
    some = some > most / FEWER ? some : most / FEWER;
    return weft_least(most, some > least ? some : least);
}

/* So many steps of n, or fewer, down to a half, that all groups are alike; where there are few
 * groups, what a core is given counts more. */
static int64_t
even_chunk(const weft_rule *r, int64_t n, int64_t most)
{
    int64_t cores = r->target->cores > 0 ? r->target->cores : 1;
    if (n <= 0 || most <= 1 || n / most < LEAST_GROUPS * cores)
        return most;
    for (int64_t some = most; some > 1 && some >= most / 2; some--)
        if (n % some == 0)
            return some;
    return most;
}

weft_axis *
weft_rule_bind_chunks(weft_rule *r, weft_tensor *t, weft_axis *axis, int64_t chunk)
{
    weft_axis *group = axis, *step = axis;
    chunk = even_chunk(r, weft_rule_extent(axis), weft_rule_chunk(r, axis, 1, chunk));
    if (chunk > 1 && weft_split(r->te, t, axis, weft_rule_num(r, chunk), &group, &step))
        return NULL;
    weft_axis *bound = within(r, t, group, r->target->max_grid[0]);
    (void)weft_bind_axis(r->te, t, bound, "block.x");
    return chunk > 1 ? step : bound;
}

void
weft_rule_bind_threads(weft_rule *r, weft_tensor *t, weft_axis *axis, int64_t threads)
{
    weft_axis *block, *thread;
    int64_t n = axis ? weft_rule_extent(axis) : 0;
    if (!axis)
        return;
    threads = weft_least(threads, weft_least(r->target->max_threads, r->target->max_block[0]));
    if (n >= 0 && n < threads)
        threads = n > 0 ? n : 1;
    int64_t limit = r->target->max_grid[0];
    axis = within(r, t, axis, limit * threads);
    if (weft_split(r->te, t, axis, weft_rule_num(r, threads), &block, &thread))
        return;
    (void)weft_bind_axis(r->te, t, block, "block.x");
    (void)weft_bind_axis(r->te, t, thread, "thread.x");
}

void
weft_rule_fetch(weft_rule *r, weft_tensor *t, const int64_t threads[3], int64_t lanes)
{
    static const char *const names[3] = { "thread.z", "thread.y", "thread.x" };
    const weft_te_op *op = t->op;
    weft_axis *all = weft_rule_fuse(r, t, op->naxis, op->axis), *step, *inner, *part[3],
              *lane = NULL;
    int64_t size = threads[0] * threads[1] * threads[2];
    if (!all || (lanes > 1 && weft_split(r->te, t, all, weft_rule_num(r, lanes), &all, &lane)) ||
        weft_split(r->te, t, all, weft_rule_num(r, size), &step, &inner))
        return;
    int first = threads[0] == 1; /* z is an axis where there are several */
    for (int i = first; i < 2; i++) {
        size /= threads[i];
        if (weft_split(r->te, t, inner, weft_rule_num(r, size), &part[i], &inner))
            return;
    }
    part[2] = inner;
    for (int i = first; i < 3; i++)
        (void)weft_bind_axis(r->te, t, part[i], names[i]);
    if (lane)
        (void)weft_vectorize(r->te, t, lane);
}
