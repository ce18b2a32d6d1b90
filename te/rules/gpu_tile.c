/* te/rules/gpu_tile.c: which tile a block computes of a sum of products.
 *
 * Shapes are data; a shape is fitted to the loops, then to the target's limits, and of
 * those that fit the one is taken whose estimated time is least.  The estimate counts
 * instructions of a thread, what waiting is not hidden, and how evenly blocks fill the
 * device: it orders tiles, no more. */
#include "rules/gpu.h"

#include <math.h>

typedef struct shape {
    int rows, cols;          /* threads */
    int row_each, col_each;  /* results of a thread */
    bool mobile;             /* for devices of few registers too */
} shape;

static const shape shapes[] = {
    { 16, 16, 8, 8, false }, { 16, 16, 8, 4, false }, { 16, 16, 4, 8, false },
    { 8, 16, 8, 8, false },  { 8, 8, 8, 8, false },   { 8, 16, 8, 4, false },
    { 16, 16, 4, 4, true },  { 8, 16, 4, 4, true },   { 8, 8, 4, 4, true },
    { 16, 16, 2, 4, true },  { 4, 16, 4, 4, true },   { 16, 16, 1, 4, true },
    { 16, 16, 2, 2, true },  { 16, 16, 1, 1, true },  { 8, 8, 1, 1, true },
};
static const int chunks[] = { 16, 8, 4, 2, 1 };

enum {
    FEW_CHUNKS = 3,  /* none is fetched ahead of these */
    MOST_STEPS = 160, /* in a chunk of whole periods */
    VECTOR = WEFT_TILE_VECTOR
};

/* ---- axes ------------------------------------------------------------------------------------ */

static bool
has_axis(const int *list, int n, int d)
{
    for (int i = 0; i < n; i++)
        if (list[i] == d)
            return true;
    return false;
}

/* The axis of a list with the most elements; -1 in an empty one. */
static int
longest(const weft_te_op *op, const int *list, int n)
{
    int best = -1;
    int64_t most = -1;
    for (int i = 0; i < n; i++) {
        int64_t e = weft_rule_extent(op->axis[list[i]]);
        if ((e < 0 ? INT32_MAX : e) > most) {
            most = e < 0 ? INT32_MAX : e;
            best = list[i];
        }
    }
    return best;
}

static weft_cut
whole(const weft_te_op *op, int d)
{
    return (weft_cut){ d, d < 0 ? 1 : weft_rule_extent(op->axis[d]), 1, 1, 1 };
}

static bool
choose_axes(weft_block_tile *t, const weft_product *p)
{
    int last = t->op->naxis - 1, before = -1;
    bool in_a = has_axis(p->only_a, p->na, last), in_b = has_axis(p->only_b, p->nb, last);
    if (!in_a && !in_b)
        return false;
    const int *col = in_a ? p->only_a : p->only_b, *row = in_a ? p->only_b : p->only_a;
    int ncol = in_a ? p->na : p->nb, nrow = in_a ? p->nb : p->na;
    for (int i = 0; i < ncol; i++)
        if (col[i] != last && col[i] > 0 && weft_rule_extent(t->op->axis[col[i]]) != 1)
            before = col[i];
    t->row = whole(t->op, longest(t->op, row, nrow));
    t->col = whole(t->op, last);
    t->col2 = whole(t->op, before);
    return t->row.extent != 1 && (t->col.extent != 1 || before >= 0);
}

/* The longest reduce axis is cut first. */
static void
choose_main(weft_block_tile *t)
{
    int64_t most = -1;
    t->chunk = WEFT_NEW_ARRAY(&t->r->scratch, t->op->nreduce + 1, int64_t);
    for (int i = 0; i < t->op->nreduce; i++) {
        int64_t e = weft_rule_extent(t->op->reduce[i]);
        if ((e < 0 ? INT32_MAX : e) > most) {
            most = e < 0 ? INT32_MAX : e;
            t->main = i;
        }
    }
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* The power of two that n steps need, at most `most`. */
static int64_t
power_up(int64_t n, int64_t most)
{
    int64_t p = 1;
    while (p < most && (n < 0 || p < n))
        p *= 2;
    return p;
}

static int64_t
part(int64_t extent, int64_t by)
{
    return extent < 0 ? -1 : weft_ceildiv(extent, by);
}

/* The largest power of two that parts of the axis fill, at most `most`. */
static int64_t
power_within(int64_t parts, int64_t most)
{
    int64_t p = 1;
    while (p * 2 <= most && (parts < 0 || p * 2 <= parts))
        p *= 2;
    return p;
}

/* The shape over the axes there are: what the innermost does not take the one beside it does. */
static void
fit(weft_block_tile *t, const shape *s, bool lanes)
{
    weft_cut *row = &t->row, *col = &t->col, *col2 = &t->col2;
    int64_t each = lanes ? VECTOR : 1;
    t->lanes = lanes;
    col->each = each;
    col->threads = power_up(part(col->extent, each), s->cols);
    col->groups = power_within(part(col->extent, each * col->threads), s->col_each / each);
    col2->groups = row->groups = 1;
    col2->threads = power_up(col2->extent, s->cols / col->threads);
    col2->each =
        power_within(part(col2->extent, col2->threads), s->col_each / (each * col->groups));
    row->threads = power_up(row->extent, s->rows);
    row->each = power_within(part(row->extent, row->threads), s->row_each);
}

/* As many steps as there are, up to a power of two, or all of a chunk that is none. */
static int64_t
least_steps(int64_t extent, int64_t chunk)
{
    return (chunk & (chunk - 1)) == 0 ? power_up(extent, chunk) : chunk;
}

/* The main axis by `chunk`; then, until a chunk has few steps, the others whole. */
static void
cut_steps(weft_block_tile *t, int64_t chunk)
{
    for (int i = 0; i < t->op->nreduce; i++) {
        int64_t e = weft_rule_extent(t->op->reduce[i]);
        t->chunk[i] = i == t->main ? least_steps(e, chunk) : e > 0 ? e : 1;
    }
}

static bool
is_within(const weft_block_tile *t)
{
    const weft_target *target = t->r->target;
    int64_t bytes = weft_tile_shared_bytes(t);
    return bytes >= 0 && bytes <= target->shared_bytes &&
           weft_tile_threads(t) <= target->max_threads &&
           t->col.threads * t->col2.threads <= target->max_block[0] &&
           t->row.threads <= target->max_block[1];
}


/* Memory is filled ahead in one loop alone, and it should go round for a while. */
static bool
can_stage(const weft_block_tile *t)
{
    int loops = 0;
    bool few = false;
    for (int i = 0; i < t->op->nreduce; i++) {
        int64_t e = weft_rule_extent(t->op->reduce[i]);
        loops += e < 0 || e > t->chunk[i];
        few |= e > t->chunk[i] && e <= t->chunk[i] * FEW_CHUNKS;
    }
    return loops == 1 && !few;
}

typedef struct best {
    weft_block_tile tile;
    double time;
    int64_t *chunk;
} best;

static void
consider(best *b, weft_block_tile *t)
{
    weft_tile_pad(t, &t->factor[0], false);
    weft_tile_pad(t, &t->factor[1], true);
    weft_tile_share_columns(t);
    if (!is_within(t))
        return;
    double time = weft_tile_time(t);
    if (b->tile.r && time >= b->time)
        return;
    b->time = time;
    b->tile = *t;
    for (int i = 0; i < t->op->nreduce; i++)
        b->chunk[i] = t->chunk[i];
}

static void
consider_chunk(best *b, weft_block_tile *t, int64_t steps)
{
    bool mobile = t->r->target->cls == WEFT_CLASS_MOBILE;
    cut_steps(t, steps);
    for (t->stages = 1 + (!mobile && can_stage(t)); t->stages > 0; t->stages--)
        consider(b, t);
}

/* The shape with each chunk, of whole periods too, and with the other reduce axes cut where
 * they would not fit whole. */
static void
consider_shape(best *b, weft_block_tile *t, const shape *s, bool lanes)
{
    fit(t, s, lanes);
    int64_t period = t->op->nreduce == 1 ? t->factor[1].period : 1;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        consider_chunk(b, t, chunks[i]);
    for (int64_t n = 1; period > 1 && n * period <= MOST_STEPS; n *= 2)
        consider_chunk(b, t, n * period);
    cut_steps(t, 1);
    t->stages = 1;
    for (int k = 0; k < t->op->nreduce && !is_within(t); k++)
        t->chunk[k] = 1;
    consider(b, t);
}

static bool
may_read_vectors(const weft_block_tile *t)
{
    const weft_tile_factor *f = &t->factor[1];
    return f->vectors && t->r->target->vector_lanes >= VECTOR &&
           f->load->h.u.buf->dtype == WEFT_F32 && t->op->body[0]->h.type.dtype == WEFT_F32 &&
           (t->col.extent < 0 || t->col.extent >= 2 * VECTOR);
}

bool
weft_block_tile_choose(weft_block_tile *t)
{
    weft_product p;
    weft_stage *s = weft_te_stage(t->r->te, t->op->out[0]);
    best b = { .time = INFINITY };
    if (!weft_rule_product(t->r, s, &p) || p.a == p.b || !choose_axes(t, &p))
        return false;
    bool first = weft_uses_var(t->op->body[0]->arg[0], t->op->axis[t->col.axis]->var);
    if (!weft_tile_take_factor(t, t->op->body[0]->arg[first], t->row.axis, &t->factor[0]) ||
        !weft_tile_take_factor(t, t->op->body[0]->arg[!first], t->col.axis, &t->factor[1]))
        return false;
    choose_main(t);
    b.chunk = WEFT_NEW_ARRAY(&t->r->scratch, t->op->nreduce + 1, int64_t);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (t->r->target->cls == WEFT_CLASS_MOBILE && !shapes[i].mobile)
            continue;
        consider_shape(&b, t, &shapes[i], false);
        if (may_read_vectors(t))
            consider_shape(&b, t, &shapes[i], true);
    }
    if (!b.tile.r)
        return false;
    *t = b.tile;
    t->chunk = b.chunk;
    for (int k = 0; k < 2; k++)
        t->factor[k].lanes = weft_tile_lanes(t, &t->factor[k]);
    return true;
}
