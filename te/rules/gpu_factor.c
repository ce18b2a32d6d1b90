/* te/rules/gpu_factor.c: what a block fetches of a factor: how its indices move, how much that is
 * in shared memory, as which vectors. */
#include "rules/gpu.h"

#include <limits.h>

enum {
    STAGE = 256, /* bytes: memory of a chunk is a multiple */
    VECTOR = WEFT_TILE_VECTOR
};

/* ---- what a factor's indices are ------------------------------------------------------------- */

static const weft_axis *
axis_at(const weft_te_op *op, int i)
{
    return i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
}

/* Whether the index moves by constants along every axis; step[] has them.  lone: the axis that it
 * is; axes of one step do not count. */
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

/* Of the stage's axes the one that steps with the reduction says what its digits are, the last one
 * what is in memory side by side. */
static void
look_into_stage(const weft_block_tile *t, weft_tile_factor *f)
{
    int last = f->load->h.nargs - 1;
    for (int d = 0; d <= last; d++)
        if (f->lone[d] >= t->op->naxis)
            f->divisions += weft_rule_divisions(t->r, f->from->op, d, &f->period);
    f->vector = weft_rule_vector_of(t->r, f->from->op, last, VECTOR);
}

/* False where a stage that would be inlined has other readers, which need it there. */
bool
weft_tile_take_factor(const weft_block_tile *t, const weft_expr *e, int axis, weft_tile_factor *f)
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
    f->vector = f->period = 1;
    f->divisions = 0;
    if (dims > 0)
        find_along(f, op, axis);
    if (dims > 0 && f->own)
        look_into_stage(t, f);
    return dims > 0 && (!f->own || weft_rule_reader(t->r, f->from->op));
}

int64_t
weft_tile_threads(const weft_block_tile *t)
{
    return t->row.threads * t->col.threads * t->col2.threads;
}

/* ---- shared memory --------------------------------------------------------------------------- */

int64_t
weft_tile_of(const weft_block_tile *t, int i)
{
    const weft_cut *all[3] = { &t->row, &t->col, &t->col2 };
    if (i >= t->op->naxis) { /* steps end with the axis, tiles may go on */
        int64_t e = weft_rule_extent(axis_at(t->op, i)), chunk = t->chunk[i - t->op->naxis];
        return e > 0 ? weft_least(chunk, e) : chunk;
    }
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
        weft_facts_extent(facts, v, weft_int(ir, (weft_dtype)v->type.dtype, weft_tile_of(t, i)));
    }
    bool known = weft_bounds(ir, facts, index, &lo, &hi);
    weft_facts_destroy(facts);
    return known && hi - lo < INT32_MAX ? hi - lo + 1 : -1;
}

/* Elements of dimension d of a factor that a tile needs for a chunk; -1: not known. */
int64_t
weft_tile_span(const weft_block_tile *t, const weft_tile_factor *f, int d)
{
    int n = t->op->naxis + t->op->nreduce;
    int64_t span = 1, each;
    if (!f->affine[d])
        return bounded_span(t, f->load->arg[d]);
    for (int i = 0; i < n; i++) {
        int64_t by = f->step[d * n + i];
        if (!weft_mul64(by < 0 ? -by : by, weft_tile_of(t, i) - 1, &each) ||
            !weft_add64(span, each, &span))
            return -1;
    }
    return span;
}

/* Bits of an element in shared memory: legalise holds what the device does
 * not compute with in 32. */
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
        int64_t span = weft_tile_span(t, f, d);
        if (d == f->along && factor)
            n += weft_floormod(factor + f->align_offset - n % factor, factor);
        if (span < 0 || !weft_mul64(n, span, &n))
            return -1;
    }
    return n > INT32_MAX ? -1 : n * held_bits(t, b->dtype) / 8;
}

int64_t
weft_tile_shared_bytes(const weft_block_tile *t)
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
        int64_t span = weft_tile_span(t, f, i);
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
        int64_t size, span = weft_tile_span(t, f, d);
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

/* Whether vectors stay between the gaps that padding leaves behind each step
 * of dimension `along`. */
static bool
keep_between_gaps(const weft_block_tile *t, const weft_tile_factor *f, int d, int64_t lanes)
{
    return f->along < d || f->along == f->load->h.nargs - 1 ||
           divides(lanes, run_from(t, f, f->along));
}

/* Elements that are fetched at once: neighbours in global memory and in shared. */
int64_t
weft_tile_lanes(const weft_block_tile *t, const weft_tile_factor *f)
{
    const weft_buf *b = f->load->h.u.buf;
    int64_t lanes = t->r->target->vector_lanes >= VECTOR ? VECTOR : 1, size = 1, span = 1;
    int d = partial_dim(t, f);
    bool odd = f->align_factor % VECTOR != 0; /* where a vector would be stored word by word */
    if (d == INT_MAX || (d >= 0 && f->lone[d] < 0) || (odd && weft_rule_copies_alone(t->r)))
        return 1;
    if (f->own)
        lanes = weft_least(lanes, f->vector);
    if (d >= 0) {
        weft_as_int(b->shape[d], &size);
        span = weft_tile_span(t, f, d);
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

/* Gaps between rows that threads would otherwise read in one bank: columns, which threads read
 * apart, come in rows of an odd number of words; rows, of which a few are read at a time, where
 * vectors may be stored.  None where a part of the threads alone would fetch the last elements: the
 * statements that do could not be told to touch others. */
void
weft_tile_pad(const weft_block_tile *t, weft_tile_factor *f, bool columns)
{
    int bits = weft_dtype_bits(f->load->h.u.buf->dtype);
    int64_t word = bits < 32 ? 32 / bits : 1; /* elements of a bank */
    f->align_factor = f->align_offset = 0;
    if (f->along < 0 || f->along == f->load->h.nargs - 1 || bits > 64 ||
        !divides(2 * word, run_from(t, f, f->along)))
        return;
    f->align_offset = columns ? word : VECTOR * word;
    f->align_factor = 2 * f->align_offset;
    if (!divides(weft_tile_lanes(t, f) * weft_tile_threads(t), elements_of(t, f)))
        f->align_factor = f->align_offset = 0;
}

/* ---- columns that are computed --------------------------------------------------------------- */

/* Whether the factor is a matrix of steps by places of the tile, which are computed one by one. */
static bool
is_gathered(const weft_block_tile *t, const weft_tile_factor *f)
{
    int last = f->load->h.nargs - 1, steps = 0;
    for (int d = 0; d < last; d++) {
        steps += f->lone[d] == t->op->naxis;
        if (f->lone[d] != t->op->naxis && weft_tile_span(t, f, d) != 1)
            return false;
    }
    return f->own && t->op->nreduce == 1 && steps == 1 && f->lone[last] == t->col.axis &&
           weft_tile_lanes(t, f) == 1;
}

/* Threads along x, and as many along y as it takes, are places of the tile; those of z
 * take parts of the steps. */
void
weft_tile_share_columns(weft_block_tile *t)
{
    int64_t places = weft_cut_size(&t->col), x = t->col.threads, rows = t->row.threads;
    t->deep = 1;
    t->part = 0;
    if (t->col2.axis >= 0 || !is_gathered(t, &t->factor[1]) || !divides(x, places))
        return;
    int64_t y = weft_least(places / x, rows);
    if (!divides(y, rows) || !divides(x * y, places) || !divides(rows / y, t->chunk[0]) ||
        rows / y > t->r->target->max_block[2])
        return;
    t->deep = rows / y;
    t->part = t->chunk[0] / t->deep;
}
