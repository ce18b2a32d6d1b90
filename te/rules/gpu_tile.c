/* te/rules/gpu_tile.c: which tile a block computes of a sum of products.
 *
 * Shapes are data; a shape is fitted to the loops, then to the target's limits, and of those that fit
 * the one is taken whose estimated time is least.  The estimate counts instructions of a thread, what
 * waiting is not hidden, and how evenly blocks fill the device: it orders tiles, no more. */
#include "rules/gpu.h"

#include <limits.h>
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
    FEW_CHUNKS = 3,     /* none is fetched ahead of these */
    STAGE = 256,        /* bytes: memory of a chunk is a multiple */
    VECTOR = 4,         /* words that one load may bring */
    UNKNOWN = 1024,     /* a symbolic extent is taken for this long */
    OVERHEAD = 24,      /* registers for addresses and loops */
    FULL_CORE = 512,    /* threads of a core that hide each other's waiting */
    LANES = 64,         /* of a core, at a time */
    LATENCY = 500,      /* cycles of a load from global memory */
    AHEAD = 60,         /* of them that remain where the load is issued a chunk ahead */
    BARRIER = 40        /* cycles until all threads of a block have met */
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

static int64_t
steps_of(int64_t extent)
{
    return extent < 0 ? UNKNOWN : extent;
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

/* ---- what a factor's indices are ------------------------------------------------------------- */

static const weft_axis *
axis_at(const weft_te_op *op, int i)
{
    return i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
}

/* Whether the index moves by constants along every axis; step[] has them.  lone: the axis that it is;
 * axes of one step do not count. */
static bool
take_steps(const weft_block_tile *t, const weft_expr *index, int64_t *step, int *lone)
{
    const weft_te_op *op = t->op;
    int moves = 0, at = -1;
    *lone = -1;
    for (int i = 0; i < op->naxis + op->nreduce; i++) {
        const weft_expr *by, *rest;
        const weft_var *v = axis_at(op, i)->var;
        if (!weft_uses_var(index, v))
            continue;
        if (!weft_affine_in(t->r->te->ir, index, v, &by, &rest) ||
            !weft_as_int(weft_simplify_expr(t->r->te->ir, NULL, by), &step[i]))
            return false;
        index = rest;
        moves += weft_rule_extent(axis_at(op, i)) != 1;
        at = weft_rule_extent(axis_at(op, i)) != 1 ? i : at;
    }
    if (moves == 1 && step[at] == 1 &&
        weft_is_int_imm(weft_simplify_expr(t->r->te->ir, NULL, index), 0))
        *lone = at;
    return true;
}

static bool
is_inlined(const weft_te *te, const weft_tensor *t)
{
    const weft_stage *s = weft_te_stage(te, t);
    return s && s->attach == WEFT_AT_INLINE;
}

static void
find_along(weft_tile_factor *f, const weft_te_op *op, int axis)
{
    int n = op->naxis + op->nreduce, last = f->load->h.nargs - 1;
    f->along = -1;
    for (int d = 0; d <= last; d++)
        if (weft_uses_var(f->load->arg[d], op->axis[axis]->var))
            f->along = f->along < 0 ? d : last + 1;
    if (f->along > last)
        f->along = -1;
    f->next = f->along == last && f->affine[last] && f->step[last * n + axis] == 1;
    f->vectors = f->next && f->lone[last] == axis;
}

/* False where a stage that would be inlined has other readers, which need it there. */
static bool
take_factor(const weft_block_tile *t, const weft_expr *e, int axis, weft_tile_factor *f)
{
    const weft_te_op *op = t->op;
    while (e->h.kind == WEFT_EK_CAST)
        e = e->arg[0];
    int n = op->naxis + op->nreduce, dims = e->h.nargs;
    f->load = e;
    f->from = weft_te_tensor_of(t->r->te, e->h.u.buf);
    f->own = is_inlined(t->r->te, f->from);
    f->step = WEFT_NEW_ARRAY(&t->r->scratch, n * dims + 1, int64_t);
    f->affine = WEFT_NEW_ARRAY(&t->r->scratch, dims + 1, bool);
    f->lone = WEFT_NEW_ARRAY(&t->r->scratch, dims + 1, int);
    for (int d = 0; d < dims; d++)
        f->affine[d] = take_steps(t, e->arg[d], f->step + d * n, &f->lone[d]);
    if (dims > 0)
        find_along(f, op, axis);
    return dims > 0 && (!f->own || weft_rule_reader(t->r, f->from->op));
}

static int64_t
threads_of(const weft_block_tile *t)
{
    return t->row.threads * t->col.threads * t->col2.threads;
}

/* ---- shared memory --------------------------------------------------------------------------- */

static int64_t
tile_of(const weft_block_tile *t, int i)
{
    const weft_cut *all[3] = { &t->row, &t->col, &t->col2 };
    if (i >= t->op->naxis)
        return t->chunk[i - t->op->naxis];
    for (int k = 0; k < 3; k++)
        if (all[k]->axis == i)
            return weft_cut_size(all[k]);
    return 1;
}

/* Of an index that does not move by constants. */
static int64_t
bounded_span(const weft_block_tile *t, const weft_expr *index)
{
    weft_ir *ir = t->r->te->ir;
    weft_facts *facts = weft_facts_create(ir);
    int64_t lo, hi;
    for (int i = 0; i < t->op->naxis + t->op->nreduce; i++) {
        const weft_var *v = axis_at(t->op, i)->var;
        weft_facts_extent(facts, v, weft_int(ir, (weft_dtype)v->type.dtype, tile_of(t, i)));
    }
    bool known = weft_bounds(ir, facts, index, &lo, &hi);
    weft_facts_destroy(facts);
    return known && hi - lo < INT32_MAX ? hi - lo + 1 : -1;
}

/* Elements of dimension d of a factor that a tile needs for a chunk; -1: not known. */
static int64_t
tile_span(const weft_block_tile *t, const weft_tile_factor *f, int d)
{
    int n = t->op->naxis + t->op->nreduce;
    int64_t span = 1, each;
    if (!f->affine[d])
        return bounded_span(t, f->load->arg[d]);
    for (int i = 0; i < n; i++) {
        int64_t by = f->step[d * n + i];
        if (!weft_mul64(by < 0 ? -by : by, tile_of(t, i) - 1, &each) ||
            !weft_add64(span, each, &span))
            return -1;
    }
    return span;
}

/* Bits of an element in shared memory: legalise holds what the device does not compute with in 32. */
static int
held_bits(const weft_block_tile *t, weft_dtype dtype)
{
    bool computes = dtype == WEFT_F16 && t->r->target->f16;
    int bits = weft_dtype_bits(dtype);
    return bits < 32 && !computes ? 32 : bits;
}

/* Bytes of a factor's tile; -1: not known. */
static int64_t
bytes_of(const weft_block_tile *t, const weft_tile_factor *f)
{
    const weft_buf *b = f->load->h.u.buf;
    int64_t n = 1, factor = f->align_factor;
    for (int d = f->load->h.nargs - 1; d >= 0; d--) {
        int64_t span = tile_span(t, f, d);
        if (d == f->along && factor)
            n += weft_floormod(factor + f->align_offset - n % factor, factor);
        if (span < 0 || !weft_mul64(n, span, &n))
            return -1;
    }
    return n > INT32_MAX ? -1 : n * held_bits(t, b->dtype) / 8;
}

static int64_t
shared_bytes(const weft_block_tile *t)
{
    int64_t a = bytes_of(t, &t->factor[0]), b = bytes_of(t, &t->factor[1]);
    return a < 0 || b < 0 ? -1 : (weft_round_up(a, STAGE) + weft_round_up(b, STAGE)) * t->stages;
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* Elements of the tile in the dimensions behind d; -1: not known. */
static int64_t
run_from(const weft_block_tile *t, const weft_tile_factor *f, int d)
{
    int64_t n = 1;
    for (int i = f->load->h.nargs - 1; i > d; i--) {
        int64_t span = tile_span(t, f, i);
        if (span < 0 || !weft_mul64(n, span, &n))
            return -1;
    }
    return n;
}

/* The last dimension that a tile has a part of; -1: none.  INT_MAX: sizes are not known. */
static int
partial_dim(const weft_block_tile *t, const weft_tile_factor *f)
{
    const weft_buf *b = f->load->h.u.buf;
    for (int d = b->ndim - 1; d >= 0; d--) {
        int64_t size, span = tile_span(t, f, d);
        if (!weft_as_int(b->shape[d], &size) || size <= 0 || span <= 0)
            return INT_MAX;
        if (span != size)
            return d;
    }
    return -1;
}

static bool
divides(int64_t n, int64_t of)
{
    return of % n == 0;
}

/* Whether vectors stay between the gaps that padding leaves behind each step of dimension `along`. */
static bool
keep_between_gaps(const weft_block_tile *t, const weft_tile_factor *f, int d, int64_t lanes)
{
    return f->along < d || f->along == f->load->h.nargs - 1 ||
           divides(lanes, run_from(t, f, f->along));
}

/* Elements that are fetched at once: neighbours in global memory and in shared. */
static int64_t
tile_lanes(const weft_block_tile *t, const weft_tile_factor *f)
{
    const weft_buf *b = f->load->h.u.buf;
    int64_t lanes = t->r->target->vector_lanes >= VECTOR ? VECTOR : 1, size = 1, span = 1;
    int d = partial_dim(t, f);
    bool odd = f->align_factor % VECTOR != 0; /* where a vector would be stored word by word */
    if (f->own || d == INT_MAX || (d >= 0 && f->lone[d] < 0) ||
        (odd && weft_rule_copies_alone(t->r)))
        return 1;
    if (d >= 0) {
        weft_as_int(b->shape[d], &size);
        span = tile_span(t, f, d);
    }
    int64_t run = run_from(t, f, d);
    while (lanes > 1 && /* of one row, and all within the edge or none */
           (!divides(lanes, run * span) || !divides(lanes, run * size) ||
            !keep_between_gaps(t, f, d, lanes) ||
            (run > 1 && !divides(lanes, run) && !divides(span, size))))
        lanes /= 2;
    return lanes;
}

/* Elements of the tile; -1: not known. */
static int64_t
elements_of(const weft_block_tile *t, const weft_tile_factor *f)
{
    return run_from(t, f, -1);
}

/* Gaps between rows that threads would otherwise read in one bank: columns, which threads read apart, come
 * in rows of an odd number of words; rows, of which a few are read at a time, where vectors may be stored.
 * None where a part of the threads alone would fetch the last elements: the statements that do could not
 * be told to touch others. */
static void
pad(const weft_block_tile *t, weft_tile_factor *f, bool columns)
{
    int bits = weft_dtype_bits(f->load->h.u.buf->dtype);
    int64_t word = bits < 32 ? 32 / bits : 1; /* elements of a bank */
    f->align_factor = f->align_offset = 0;
    if (f->along < 0 || f->along == f->load->h.nargs - 1 || bits > 64 ||
        !divides(2 * word, run_from(t, f, f->along)))
        return;
    f->align_offset = columns ? word : VECTOR * word;
    f->align_factor = 2 * f->align_offset;
    if (!divides(tile_lanes(t, f) * threads_of(t), elements_of(t, f)))
        f->align_factor = f->align_offset = 0;
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

/* The main axis by `chunk`; then, until a chunk has few steps, the others whole. */
static void
cut_steps(weft_block_tile *t, int64_t chunk)
{
    for (int i = 0; i < t->op->nreduce; i++) {
        int64_t e = weft_rule_extent(t->op->reduce[i]);
        t->chunk[i] = i == t->main ? power_up(e, chunk) : e > 0 ? e : 1;
    }
}

static bool
is_within(const weft_block_tile *t)
{
    const weft_target *target = t->r->target;
    int64_t bytes = shared_bytes(t);
    return bytes >= 0 && bytes <= target->shared_bytes && threads_of(t) <= target->max_threads &&
           t->col.threads * t->col2.threads <= target->max_block[0] &&
           t->row.threads <= target->max_block[1];
}

/* ---- the estimate ---------------------------------------------------------------------------- */

static double
blocks_of(const weft_block_tile *t)
{
    double n = 1;
    for (int d = 0; d < t->op->naxis; d++)
        n *= (double)weft_ceildiv(steps_of(weft_rule_extent(t->op->axis[d])), tile_of(t, d));
    return n;
}

typedef struct count { /* of a thread, for a chunk */
    double steps, products, reads, words, fetches; /* words that are fetched, in so many loads */
} count;

static count
count_of(const weft_block_tile *t)
{
    double rows = (double)t->row.each, threads = (double)threads_of(t);
    double cols = (double)(t->col.groups * t->col.each * t->col2.each);
    count c = { .steps = 1, .products = rows * cols };
    c.reads = rows + (t->lanes ? cols / VECTOR * 1.5 : cols);
    for (int i = 0; i < t->op->nreduce; i++)
        c.steps *= (double)t->chunk[i];
    for (int k = 0; k < 2; k++) {
        const weft_tile_factor *f = &t->factor[k];
        double n = 1;
        for (int d = 0; d < f->load->h.nargs; d++)
            n *= (double)tile_span(t, f, d);
        c.words += n / threads;
        c.fetches += n / threads / (double)tile_lanes(t, f);
    }
    return c;
}

/* 32-bit registers of a thread, while a chunk waits to be stored. */
static double
registers_of(const weft_block_tile *t, const count *c)
{
    return c->products + c->reads + OVERHEAD + (t->stages > 1 ? c->words : 0);
}

static double
chunks_of(const weft_block_tile *t)
{
    double n = 1;
    for (int i = 0; i < t->op->nreduce; i++)
        n *= (double)weft_ceildiv(steps_of(weft_rule_extent(t->op->reduce[i])), t->chunk[i]);
    return n;
}

/* Cycles until the last core is done; infinite where registers would not do. */
static double
time_of(const weft_block_tile *t)
{
    const weft_target *target = t->r->target;
    count c = count_of(t);
    double cores = target->cores > 0 ? target->cores : 8, threads = (double)threads_of(t);
    double rounds = ceil(blocks_of(t) / cores), most = target->registers > 0 ? target->registers : 64;
    if (registers_of(t, &c) > 2 * most)
        return INFINITY;
    double beside = fmin(rounds, fmax(1, floor(2 * FULL_CORE * most / (registers_of(t, &c) * threads))));
    double chunk = (c.steps * (c.products + c.reads + 2) + 4 * c.fetches + 8) * threads / LANES;
    double wait = BARRIER + (t->stages > 1 ? AHEAD : LATENCY) / beside;
    double idle = fmax(1, FULL_CORE / 2 / (beside * threads));
    return rounds * chunks_of(t) * (chunk * idle + wait);
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
    pad(t, &t->factor[0], false);
    pad(t, &t->factor[1], true);
    if (!is_within(t))
        return;
    double time = time_of(t);
    if (b->tile.r && time >= b->time)
        return;
    b->time = time;
    b->tile = *t;
    for (int i = 0; i < t->op->nreduce; i++)
        b->chunk[i] = t->chunk[i];
}

/* The shape with each chunk, and with the other reduce axes cut where they would not fit whole. */
static void
consider_shape(best *b, weft_block_tile *t, const shape *s, bool lanes)
{
    bool mobile = t->r->target->cls == WEFT_CLASS_MOBILE;
    fit(t, s, lanes);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        cut_steps(t, chunks[i]);
        for (t->stages = 1 + (!mobile && can_stage(t)); t->stages > 0; t->stages--)
            consider(b, t);
    }
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
    if (!take_factor(t, t->op->body[0]->arg[first], t->row.axis, &t->factor[0]) ||
        !take_factor(t, t->op->body[0]->arg[!first], t->col.axis, &t->factor[1]))
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
        t->factor[k].lanes = tile_lanes(t, &t->factor[k]);
    return true;
}
