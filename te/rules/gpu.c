/* te/rules/gpu.c: products on SIMT devices, by tiles in shared memory.
 *
 * A block computes a tile of results; its threads fetch what a chunk of the reduction needs of both
 * factors into shared memory, where memory allows a chunk ahead, and each accumulates a small
 * tile in registers.  Columns are the factor that has the output's innermost axis:
 * neighbouring threads take neighbouring results, one or a vector each, and a thread's next
 * ones are of its virtual threads. */
#include "rules/gpu.h"

#include <math.h>

typedef struct pieces {
    weft_axis *block, *group, *thread, *each;
} pieces;

static bool
cut(const weft_block_tile *t, weft_tensor *of, weft_axis *axis, int64_t by, weft_axis **outer,
    weft_axis **inner)
{
    return weft_split(t->r->te, of, axis, weft_rule_num(t->r, by), outer, inner) == WEFT_OK;
}

static bool
split_cut(const weft_block_tile *t, weft_tensor *out, const weft_cut *c, pieces *p)
{
    weft_axis *tile, *rest;
    *p = (pieces){ NULL, NULL, NULL, NULL };
    if (c->axis < 0)
        return true;
    if (!cut(t, out, t->home.axis[c->axis], weft_cut_size(c), &p->block, &tile))
        return false;
    if (c->groups == 1)
        rest = tile;
    else if (!cut(t, out, tile, c->threads * c->each, &p->group, &rest))
        return false;
    return cut(t, out, rest, c->each, &p->thread, &p->each);
}

static void
push(weft_axis **list, int *n, weft_axis *axis)
{
    if (axis)
        list[(*n)++] = axis;
}

/* Whether a thread's results are stored as vectors: rows are of whole ones, and whatever
 * else they are made of has lanes.  Where columns are digits, those of a vector differ
 * in the last one alone. */
static bool
stores_vectors(const weft_block_tile *t, const weft_tensor *out)
{
    int last = t->home.last;
    int64_t n = last < 0 ? -1 : weft_rule_extent(out->op->axis[last]);
    return t->lanes && n > 0 && n % t->col.each == 0 && weft_rule_lanes_along(t->r, out->op, last);
}

static void
bind_pieces(const weft_block_tile *t, weft_tensor *out, const pieces *p, int n)
{
    weft_te *te = t->r->te;
    for (int i = 0; i < n; i++) {
        bool innermost = i == n - 1;
        if (p[i].group)
            (void)weft_bind_axis(te, out, p[i].group, "vthread");
        if (p[i].each)
            (void)(innermost && stores_vectors(t, out) ? weft_vectorize(te, out, p[i].each)
                                                       : weft_unroll(te, out, p[i].each));
    }
}

/* Blocks, virtual threads, threads, registers; the innermost thread loop. */
static weft_axis *
schedule_out(weft_block_tile *t, weft_tensor *out)
{
    weft_te *te = t->r->te;
    const weft_home *home = &t->home;
    if (!weft_rule_home_loops(t->r, t->op, out, &t->home))
        return NULL;
    weft_axis **all =
                  WEFT_NEW_ARRAY(&t->r->scratch, home->naxis + home->nrest + 12, weft_axis *),
              *block, *thread;
    pieces p[3]; /* row, col2, col */
    int n = 0, nblock;
    if (!split_cut(t, out, &t->row, &p[0]) || !split_cut(t, out, &t->col2, &p[1]) ||
        !split_cut(t, out, &t->col, &p[2]))
        return NULL;
    for (int i = 0; i < home->nrest; i++)
        push(all, &n, home->rest[i]);
    for (int d = 0; d < home->naxis; d++)
        push(all, &n,
             d == t->row.axis    ? p[0].block
             : d == t->col2.axis ? p[1].block
             : d == t->col.axis  ? p[2].block
                                 : home->axis[d]);
    nblock = n;
    for (int i = 0; i < 3; i++)
        push(all, &n, p[i].group);
    for (int i = 0; i < 3; i++)
        push(all, &n, p[i].thread);
    for (int i = 0; i < 3; i++)
        push(all, &n, p[i].each);
    if (weft_reorder(te, out, n, all))
        return NULL;
    block = weft_rule_fuse(t->r, out, nblock, all);
    thread = p[2].thread;
    if (!block || (p[1].thread && weft_fuse(te, out, p[1].thread, p[2].thread, &thread)))
        return NULL;
    weft_rule_bind_grid(t->r, out, block);
    if (t->deep > 1) {
        weft_axis *z;
        if (!cut(t, out, p[0].thread, t->row.threads / t->deep, &z, &p[0].thread))
            return NULL;
        (void)weft_bind_axis(te, out, z, "thread.z");
    }
    (void)weft_bind_axis(te, out, p[0].thread, "thread.y");
    (void)weft_bind_axis(te, out, thread, "thread.x");
    bind_pieces(t, out, p, 3);
    return thread;
}

enum { MOST_PRODUCTS = 1024 }; /* of a thread, one after the other without a loop */

/* The reduce axes: outer loops over chunks, in order[], and the chunk's steps behind them; the
 * innermost of the outer loops. */
static weft_axis *
split_steps(const weft_block_tile *t, weft_tensor *sum, weft_axis **order, int *n)
{
    const weft_te_op *op = sum->op;
    weft_axis **inner = WEFT_NEW_ARRAY(&t->r->scratch, op->nreduce + 1, weft_axis *), *at = NULL;
    int ninner = 0;
    for (int i = 0; i < op->nreduce; i++) {
        weft_axis *outer = op->reduce[i], *steps = NULL;
        if (i != t->main && weft_rule_extent(outer) == t->chunk[i]) {
            inner[ninner++] = outer;
            continue;
        }
        if (t->chunk[i] > 1 && !cut(t, sum, op->reduce[i], t->chunk[i], &outer, &steps))
            return NULL;
        at = order[(*n)++] = outer;
        push(inner, &ninner, steps);
    }
    for (int i = 0; i < ninner; i++)
        order[(*n)++] = inner[i];
    return at;
}

/* The innermost loop of a thread's steps is asked to be written out, as far as that is no more code
 * than a core's cache likes: side by side reads of neighbouring steps are vectors, and products do
 * not wait for them.  NVRTC does it by itself for one tile and not for another. */
static void
write_out_steps(const weft_block_tile *t, weft_tensor *sum, weft_axis *step)
{
    int64_t each = t->row.each * t->col.groups * t->col.each * t->col2.each,
            n = weft_rule_extent(step), most = MOST_PRODUCTS / each;
    while (n > most && n > 1)
        n = n % 2 == 0 ? n / 2 : 1;
    if (t->r->target->api == WEFT_API_CUDA && n > 1)
        (void)weft_pragma(t->r->te, sum, step, "unroll", n);
}

/* Chunks outside, the chunk's steps inside, around the thread's results; the
 * innermost chunk loop. */
static weft_axis *
schedule_sum(const weft_block_tile *t, weft_tensor *sum)
{
    weft_te *te = t->r->te;
    const weft_te_op *op = sum->op;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, 2 * op->nreduce + 4, weft_axis *);
    const weft_cut *mine[3] = { &t->row, &t->col2, &t->col };
    weft_axis *each[3] = { NULL, NULL, NULL };
    int n = 0;
    weft_axis *at = split_steps(t, sum, order, &n), *step = n > 0 ? order[n - 1] : NULL;
    for (int i = 0; at && i < 3; i++)
        if (mine[i]->each > 1) {
            weft_axis *outer;
            if (!cut(t, sum, op->axis[mine[i]->axis], mine[i]->each, &outer, &each[i]))
                return NULL;
            order[n++] = each[i];
        }
    if (!at || weft_reorder(te, sum, n, order))
        return NULL;
    if (step != at)
        write_out_steps(t, sum, step);
    for (int i = 0; i < 3; i++)
        if (each[i])
            (void)(i == 2 && t->lanes ? weft_vectorize(te, sum, each[i])
                                      : weft_unroll(te, sum, each[i]));
    return at;
}

enum { MOST_UNROLLED = 16 };

/* A thread's steps, of which whole periods are unrolled: their digits are constants then. */
static void
unroll_steps(const weft_block_tile *t, weft_tensor *copy, int64_t period, weft_axis *steps,
             weft_axis **order, int *n)
{
    weft_axis *window = steps;
    if (t->part > MOST_UNROLLED && cut(t, copy, steps, period, &steps, &window))
        order[(*n)++] = steps;
    order[(*n)++] = window;
    if (t->part <= MOST_UNROLLED || period > 1)
        (void)weft_unroll(t->r->te, copy, window);
}

/* Places on the threads of x and y, parts of the steps on those of z. */
static bool
fetch_places(const weft_block_tile *t, const weft_tile_factor *f, weft_tensor *copy)
{
    const weft_te_op *op = copy->op;
    int64_t tx = t->col.threads, ty = t->row.threads / t->deep;
    int last = op->naxis - 1, n = 0;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, op->naxis + 8, weft_axis *);
    weft_axis *part = NULL, *steps = NULL, *x, *y, *z = NULL;
    for (int d = 0; d < last; d++) {
        weft_axis *axis = op->axis[d];
        if (f->lone[d] == t->op->naxis && (!cut(t, copy, axis, t->part, &part, &steps) ||
                                           !cut(t, copy, part, t->deep, &axis, &z)))
            return false;
        order[n++] = axis;
    }
    if (!cut(t, copy, op->axis[last], tx * ty, &order[n], &y) || !cut(t, copy, y, tx, &y, &x))
        return false;
    n++;
    unroll_steps(t, copy, f->period, steps, order, &n);
    weft_axis *threads[3] = { z, y, x };
    for (int i = 0; i < 3; i++)
        order[n++] = threads[i];
    if (weft_reorder(t->r->te, copy, n, order))
        return false;
    if (t->deep > 1)
        (void)weft_bind_axis(t->r->te, copy, z, "thread.z");
    (void)weft_bind_axis(t->r->te, copy, y, "thread.y");
    (void)weft_bind_axis(t->r->te, copy, x, "thread.x");
    return true;
}

/* The factor in shared memory: a copy, or the stage itself where it would be inlined. */
static bool
fetch(const weft_block_tile *t, const weft_tile_factor *f, weft_tensor *sum, weft_axis *at)
{
    weft_te *te = t->r->te;
    weft_tensor *copy = f->own ? f->from : weft_cache_read(te, f->from, "shared", 1, &sum);
    if (!copy || (f->own && weft_compute_root(te, copy)) || weft_compute_at(te, copy, sum, at) ||
        (f->own && weft_set_scope(te, copy, "shared")) || weft_zero_fill(te, copy))
        return false;
    if ((f->align_factor &&
         weft_storage_align(te, copy, f->along, f->align_factor, f->align_offset)) ||
        (t->stages > 1 && weft_double_buffer(te, copy)))
        return false;
    const int64_t threads[3] = { t->deep, t->row.threads / t->deep,
                                 t->col.threads * t->col2.threads };
    if (t->part && f == &t->factor[1])
        return fetch_places(t, f, copy);
    weft_rule_fetch(t->r, copy, threads, f->lanes);
    return true;
}

static void
say(const weft_block_tile *t)
{
    const weft_cut *all[3] = { &t->row, &t->col2, &t->col };
    weft_str_addf(weft_rule_note(t->r, "contraction"), "tile");
    for (int i = 0; i < 3; i++)
        if (all[i]->axis >= 0)
            weft_str_addf(&t->r->note, " %d %s", (int)weft_cut_size(all[i]),
                          t->op->axis[all[i]->axis]->var->name);
    weft_str_addf(&t->r->note, ", %dx%d registers, %s by %d through shared%s",
                  (int)(t->row.groups * t->row.each),
                  (int)(t->col.groups * t->col.each * t->col2.groups * t->col2.each),
                  t->op->reduce[t->main]->var->name, (int)t->chunk[t->main],
                  t->stages > 1 ? ", double buffered" : "");
}

bool
weft_rule_block_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    weft_block_tile t = { .r = r, .op = reduce->op };
    if (!weft_block_tile_choose(&t))
        return false;
    say(&t);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    weft_axis *thread = sum ? schedule_out(&t, result) : NULL;
    if (!thread || weft_compute_at(r->te, sum, result, thread) ||
        weft_set_scope(r->te, sum, "local"))
        return true;
    weft_axis *at = schedule_sum(&t, sum);
    if (at && fetch(&t, &t.factor[0], sum, at))
        (void)fetch(&t, &t.factor[1], sum, at);
    return true;
}

double
weft_rule_block_time(weft_rule *r, weft_stage *reduce)
{
    weft_block_tile t = { .r = r, .op = reduce->op };
    return weft_block_tile_choose(&t) ? weft_tile_time(&t) : INFINITY;
}
