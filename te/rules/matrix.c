/* te/rules/matrix.c: products on matrix units.
 *
 * A block computes a tile of results.  Its subgroups hold parts of it as matrices; a chunk of the
 * reduction is fetched into shared memory at a time, in whole tiles, some chunks ahead where copies go
 * on by themselves.  The results go through shared memory as well, where what reads them finds them
 * element by element, unless they can be stored as they are.  Shapes are data; of those that fit
 * the target the one is taken whose estimated time is least. */
#include "rules/gpu.h"

#include <math.h>
#include <string.h>

enum {
    LEAST = 16,           /* rows, columns and steps below which units stand idle */
    MOST_STEPS = 160,     /* in a chunk of whole periods */
    MOST_AHEAD = 16,      /* fetches of a thread that wait in registers */
    READ = 2,             /* instructions of a matrix from shared memory */
    FETCH = 4,            /* of a fetch from global memory */
    DIVISION = 5,         /* and of each division in its index */
    STORE = 3,            /* of a result, by way of shared memory */
    OVERHEAD = 40,        /* registers for addresses and loops */
    CUDA_REGISTERS = 240, /* that a thread may have */
    MOST_STAGES = 4,      /* chunks in shared memory */
    BUSY = 512,           /* threads of a core for which there is room beside each other */
    FRAGMENT = 8          /* registers of a factor's matrix */
};

/* A subgroup's part of a block's tile, and the subgroups. */
typedef struct shape {
    int rows, cols, warp_rows, warp_cols;
} shape;

static const shape shapes[] = {
    { 64, 64, 2, 4 }, { 64, 64, 4, 2 }, { 64, 64, 2, 2 }, { 64, 32, 2, 4 }, { 32, 32, 4, 2 }, { 32, 32, 2, 4 }, { 32, 32, 2, 2 }, { 32, 16, 2, 2 },
    { 16, 32, 2, 2 }, { 16, 16, 2, 2 },
};

/* How many times as fast as lanes a unit multiplies. */
static const int rates[WEFT_API_COUNT] = {
    [WEFT_API_CUDA] = 8, [WEFT_API_VULKAN] = 4, [WEFT_API_METAL] = 2
};

typedef struct side { /* a factor */
    const weft_expr *load;
    weft_tensor *from;
    int own, steps; /* dimensions that step with the results' axis and with the reduction */
    bool from_start; /* its steps are those of the reduction: behind the last it has none */
    bool computed;  /* a stage that would be inlined otherwise */
    int64_t lanes;  /* neighbours that may be moved at once */
    int64_t period; /* of a computed one: after so many steps its digits are the same */
    int divisions;  /* and so often steps are divided in its index */
} side;

typedef struct matrix_tile {
    weft_rule *r;
    const weft_te_op *op; /* the reduction */
    const weft_matrix *unit;
    int row, col; /* data axes */
    side a, b;
    int most;                     /* steps of the intrinsic that a chunk may hold */
    int64_t chunk;                /* steps at a time */
    int64_t rows, cols;           /* of a subgroup's part */
    int64_t warp_rows, warp_cols; /* subgroups of a block */
    bool direct;                  /* results are stored as they are */
    int stages;                   /* chunks in shared memory: the last but one are fetched ahead */
    weft_home home;               /* the result's loops */
} matrix_tile;

/* ---- whether --------------------------------------------------------------------------------- */

/* The dimension of a load that alone uses the variable, and steps by one with it; -1: none. */
static int
stepping(weft_rule *r, const weft_expr *load, const weft_var *v)
{
    int found = -1;
    for (int d = 0; d < load->h.nargs; d++) {
        const weft_expr *stride, *rest;
        if (!weft_uses_var(load->arg[d], v))
            continue;
        if (found >= 0 || !weft_affine_in(r->te->ir, load->arg[d], v, &stride, &rest) ||
            !weft_is_int_imm(weft_simplify_expr(r->te->ir, NULL, stride), 1))
            return -1;
        found = d;
    }
    return found;
}

static bool
take_side(const matrix_tile *t, const weft_expr *e, int axis, side *s)
{
    s->load = e->h.kind == WEFT_EK_CAST ? e->arg[0] : e;
    if (s->load->h.kind != WEFT_EK_LOAD)
        return false;
    s->from = weft_te_tensor_of(t->r->te, s->load->h.u.buf);
    s->own = stepping(t->r, s->load, t->op->axis[axis]->var);
    s->steps = stepping(t->r, s->load, t->op->reduce[0]->var);
    int last = s->load->h.nargs - 1;
    s->from_start = s->steps >= 0 && s->load->arg[s->steps]->h.kind == WEFT_EK_VAR;
    return s->own >= 0 && s->steps >= 0 && s->own != s->steps &&
           (s->own == last || s->steps == last);
}

static bool
uses(const weft_expr *e, const weft_axis *axis)
{
    return weft_uses_var(e, axis->var);
}

/* The columns are the innermost axis, the rows the longest of those that the
 * other factor has alone. */
static bool
choose_axes(matrix_tile *t, const weft_expr *body)
{
    const weft_te_op *op = t->op;
    t->col = op->naxis - 1;
    t->row = -1;
    int b = uses(body->arg[1], op->axis[t->col]);
    const weft_expr *left = body->arg[!b], *right = body->arg[b];
    int64_t most = -1;
    for (int d = 0; d < t->col; d++) {
        int64_t n = weft_rule_extent(op->axis[d]);
        n = n < 0 ? INT32_MAX : n;
        if (uses(left, op->axis[d]) && !uses(right, op->axis[d]) && n > most) {
            most = n;
            t->row = d;
        }
    }
    return t->row >= 0 && !uses(left, op->axis[t->col]) && take_side(t, left, t->row, &t->a) &&
           take_side(t, right, t->col, &t->b);
}

/* Steps of the intrinsic that a chunk may hold: tiles begin at multiples of so
 * many bytes.  0: none. */
static int
steps_within(const weft_matrix *m, const side *s, int own)
{
    int bytes = weft_dtype_bits(m->factor) / 8, last = s->load->h.nargs - 1;
    int width = (s->own == last ? own : m->k) * bytes;
    return width % m->align == 0 ? 32 / m->k : s->own == last ? 0 : 1;
}

static bool
takes(const weft_rule *r, const weft_matrix *m, weft_dtype factor, weft_dtype sum)
{
    return m->api == r->target->api && weft_target_multiplies(r->target, m) && !m->round10 &&
           m->factor == factor && m->sum == sum && weft_dtype_bits(factor) <= 16;
}

static bool
choose_unit(matrix_tile *t)
{
    weft_dtype sum = (weft_dtype)t->op->body[0]->h.type.dtype, factor = t->a.load->h.u.buf->dtype;
    for (int i = 0; i < weft_matrix_count(); i++) {
        const weft_matrix *m = weft_matrix_at(i);
        if (factor != t->b.load->h.u.buf->dtype || !takes(t->r, m, factor, sum))
            continue;
        int a = steps_within(m, &t->a, m->m), b = steps_within(m, &t->b, m->n);
        if (a == 0 || b == 0)
            continue;
        t->unit = m;
        t->most = a < b ? a : b;
        return true;
    }
    return false;
}

static bool
is_worth_it(const matrix_tile *t)
{
    const weft_axis *axis[3] = { t->op->axis[t->row], t->op->axis[t->col], t->op->reduce[0] };
    for (int i = 0; i < 3; i++) {
        int64_t n = weft_rule_extent(axis[i]);
        if (n >= 0 && n < LEAST)
            return false;
    }
    return true;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static bool
divides(const weft_axis *axis, int64_t n)
{
    int64_t e = weft_rule_extent(axis);
    return e > 0 && e % n == 0;
}

static int64_t
tile_rows(const matrix_tile *t)
{
    return t->rows * t->warp_rows;
}

static int64_t
tile_cols(const matrix_tile *t)
{
    return t->cols * t->warp_cols;
}

static int64_t
threads_of(const matrix_tile *t)
{
    return WEFT_MATRIX_LANES * t->warp_rows * t->warp_cols;
}

static double
blocks(const matrix_tile *t)
{
    double n = 1;
    for (int d = 0; d < t->op->naxis; d++) {
        int64_t size = d == t->row ? tile_rows(t) : d == t->col ? tile_cols(t) : 1;
        n *= (double)weft_ceildiv(weft_tile_steps(weft_rule_extent(t->op->axis[d])), size);
    }
    return n;
}

/* Neighbours that may be moved at once, no more than `lanes`, of which rows of memory have whole
 * ones. */
static int64_t
lanes_of(const weft_buf *b, int64_t lanes)
{
    int64_t n;
    if (b->ndim == 0 || !weft_as_int(b->shape[b->ndim - 1], &n) || n == 0)
        return 1;
    while (n % lanes)
        lanes /= 2;
    return lanes;
}

/* Of the target's vectors, none wider than 4. */
static int64_t
vector_of(const weft_rule *r)
{
    return r->target->vector_lanes > 1 ? weft_least(r->target->vector_lanes, 4) : 1;
}

/* A copy that goes by itself moves 16 bytes. */
static int64_t
most_lanes(const matrix_tile *t)
{
    return weft_rule_copies_alone(t->r) ? 128 / weft_dtype_bits(t->unit->factor) : vector_of(t->r);
}

static void
look_into(const matrix_tile *t, side *s)
{
    const weft_stage *stage = weft_te_stage(t->r->te, s->from);
    int last = s->load->h.nargs - 1;
    s->computed = stage && stage->attach == WEFT_AT_INLINE;
    s->lanes = lanes_of(s->from->buf, most_lanes(t));
    s->period = 1;
    if (!s->computed)
        return;
    s->lanes = weft_rule_vector_of(t->r, s->from->op, last, s->lanes);
    s->divisions = weft_rule_divisions(t->r, s->from->op, s->steps, &s->period);
}

/* Of rows of shared memory: the stride is `unit` elements times a number, and half of that. */
static int64_t
unit_of(const matrix_tile *t)
{
    return 256 / weft_dtype_bits(t->unit->factor);
}

/* Bytes of a factor's chunk. */
static int64_t
chunk_bytes(const matrix_tile *t, const side *s, int64_t own)
{
    int64_t unit = unit_of(t), last = s->load->h.nargs - 1;
    int64_t row = s->own == last ? own : t->chunk, rows = s->own == last ? t->chunk : own;
    int64_t pitch = row + weft_floormod(unit / 2 - row, unit);
    return rows * pitch * weft_dtype_bits(t->unit->factor) / 8;
}

/* Whether a factor's copy is made of pieces that go by themselves. */
static bool
is_copied(const matrix_tile *t, const side *s)
{
    return s->lanes * weft_dtype_bits(t->unit->factor) >= 32;
}

/* Fetches of a thread for a chunk. */
static double
fetches_of(const matrix_tile *t, const side *s, int64_t own)
{
    return (double)own * (double)t->chunk / (double)threads_of(t) / (double)s->lanes;
}

/* Of them those that wait in registers where a chunk is fetched ahead. */
static double
waiting_for(const matrix_tile *t, const side *s, int64_t own)
{
    return is_copied(t, s) ? 0 : fetches_of(t, s, own);
}

static double
waiting_of(const matrix_tile *t)
{
    return waiting_for(t, &t->a, tile_rows(t)) + waiting_for(t, &t->b, tile_cols(t));
}

/* Copies that go by themselves, or a few computed elements. */
static bool
can_be_ahead(const matrix_tile *t)
{
    int64_t steps = weft_rule_extent(t->op->reduce[0]);
    return weft_rule_copies_alone(t->r) && (steps < 0 || steps > t->chunk) &&
           (is_copied(t, &t->a) || t->a.computed) && (is_copied(t, &t->b) || t->b.computed) &&
           waiting_of(t) <= MOST_AHEAD;
}

/* Bytes of a chunk of both factors. */
static int64_t
bytes_of(const matrix_tile *t)
{
    return chunk_bytes(t, &t->a, tile_rows(t)) + chunk_bytes(t, &t->b, tile_cols(t));
}

/* Chunks where they are fetched ahead: more than two where all copies go by themselves, and leave
 * a core room for other blocks. */
static int
stages_ahead(const matrix_tile *t)
{
    int64_t room = weft_target_shared(t->r->target) * threads_of(t) / BUSY / bytes_of(t);
    int64_t steps = weft_rule_extent(t->op->reduce[0]), most = MOST_STAGES;
    if (steps >= 0)
        most = weft_least(most, weft_ceildiv(steps, t->chunk));
    return waiting_of(t) > 0 || room < 2 ? 2 : (int)weft_least(room, most);
}

/* The chunks and the results: beside them, or over them where arrays that live at different times
 * may lie so.  Chunks are whole ones where factors go on behind the last step. */
static bool
is_within(const matrix_tile *t)
{
    const weft_target *target = t->r->target;
    int64_t bytes = bytes_of(t) * t->stages;
    int64_t results =
        t->direct ? 0 : tile_rows(t) * tile_cols(t) * weft_dtype_bits(t->unit->sum) / 8;
    bytes = target->api != WEFT_API_CUDA ? bytes + results : bytes > results ? bytes : results;
    bool whole = (t->a.from_start && t->b.from_start) || divides(t->op->reduce[0], t->chunk);
    return whole && bytes <= weft_target_shared(target) && threads_of(t) <= target->max_threads &&
           (t->stages == 1 || can_be_ahead(t));
}

/* Steps of a computed factor that a thread fetches in a row for one place; 0: it fetches what comes
 * next. */
static int64_t
part_of(const matrix_tile *t, const side *s, int64_t own)
{
    int64_t places = own / WEFT_MATRIX_LANES, subgroups = t->warp_rows * t->warp_cols;
    bool apart = places > 0 && own % WEFT_MATRIX_LANES == 0 &&
                 (places == 1 || places == t->warp_rows || places == t->warp_cols ||
                  places % subgroups == 0);
    if (!s->computed || s->lanes > 1 || s->own != s->load->h.nargs - 1 || !apart)
        return 0;
    int64_t parts = places % subgroups == 0 ? 1 : subgroups / places;
    return t->chunk % parts == 0 ? t->chunk / parts : 0;
}

static double
fetching_of(const matrix_tile *t, const side *s, int64_t own)
{
    int64_t part = part_of(t, s, own);
    bool digits = s->computed && s->lanes == 1 && (part == 0 || part % s->period != 0);
    return fetches_of(t, s, own) * (FETCH + (digits ? DIVISION * s->divisions : 0));
}

static double
time_of(const matrix_tile *t)
{
    const weft_matrix *m = t->unit;
    double rows = (double)t->rows / m->m, cols = (double)t->cols / m->n;
    double steps = (double)t->chunk / m->k,
           results = (double)(t->rows * t->cols) / WEFT_MATRIX_LANES;
    double each = (double)m->m * m->n * m->k / WEFT_MATRIX_LANES / rates[m->api];
    double chunks =
        ceil((double)weft_tile_steps(weft_rule_extent(t->op->reduce[0])) / (double)t->chunk);
    weft_block_work w = { .blocks = blocks(t),
                          .chunks = chunks,
                          .threads = (double)threads_of(t),
                          .apart = rows * cols,
                          .ahead = t->stages > 1 };
    w.instructions = steps * (rows * cols * each + (rows + cols) * READ) +
                     fetching_of(t, &t->a, tile_rows(t)) + fetching_of(t, &t->b, tile_cols(t)) +
                     results * STORE / chunks;
    w.most_registers = t->r->target->api == WEFT_API_CUDA ? CUDA_REGISTERS : 0;
    w.registers =
        results + (rows + cols) * FRAGMENT + OVERHEAD + (t->stages > 1 ? waiting_of(t) : 0);
    return weft_block_time(t->r->target, &w);
}

static void
consider(const matrix_tile *t, matrix_tile *best, double *least)
{
    double time = is_within(t) ? time_of(t) : INFINITY;
    if (time < *least) {
        *best = *t;
        *least = time;
    }
}

static int64_t
whole_periods(const matrix_tile *t)
{
    int64_t k = t->unit->k, all, period = t->b.period > t->a.period ? t->b.period : t->a.period;
    return weft_mul64(period / weft_gcd(period, k), k, &all) ? all : INT32_MAX;
}

/* Results are stored as they are where tiles are whole ones.  The time;
 * infinite where nothing fits. */
static double
choose_sizes(matrix_tile *t, bool alone)
{
    double least = INFINITY;
    matrix_tile best = *t;
    int64_t whole = whole_periods(t), chunks[2] = { t->unit->k * t->most, whole };
    int n = 1 + (t->most > 1 && whole <= MOST_STEPS && whole % chunks[0] != 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        t->rows = s->rows;
        t->cols = s->cols;
        t->warp_rows = s->warp_rows;
        t->warp_cols = s->warp_cols;
        if (t->rows % t->unit->m || t->cols % t->unit->n)
            continue;
        t->direct = alone && divides(t->op->axis[t->row], tile_rows(t)) &&
                    divides(t->op->axis[t->col], tile_cols(t));
        for (int k = 0; k < 2 * n; k++) {
            t->chunk = chunks[k / 2];
            t->stages = k % 2 == 0 ? stages_ahead(t) : 1;
            consider(t, &best, &least);
        }
    }
    *t = best;
    return least;
}

/* ---- schedules ------------------------------------------------------------------------------- */

static const weft_expr *
num(const matrix_tile *t, int64_t n)
{
    return weft_rule_num(t->r, n);
}

static bool
cut(const matrix_tile *t, weft_tensor *of, weft_axis *axis, int64_t by, weft_axis **outer,
    weft_axis **inner)
{
    return weft_split(t->r->te, of, axis, num(t, by), outer, inner) == WEFT_OK;
}

/* The stage's loop on the block's threads, `lanes` neighbours at a time. */
static void
spread_over_block(const matrix_tile *t, weft_tensor *of, weft_axis *all, int64_t lanes)
{
    weft_te *te = t->r->te;
    weft_axis *v = NULL, *x, *y, *z;
    if (lanes > 1 && !cut(t, of, all, lanes, &all, &v))
        return;
    if (!cut(t, of, all, WEFT_MATRIX_LANES, &all, &x) || !cut(t, of, all, t->warp_rows, &all, &y) ||
        !cut(t, of, all, t->warp_cols, &all, &z))
        return;
    (void)weft_bind_axis(te, of, x, "thread.x");
    (void)weft_bind_axis(te, of, y, "thread.y");
    (void)weft_bind_axis(te, of, z, "thread.z");
    if (v)
        (void)weft_vectorize(te, of, v);
}

/* An axis of a stage: `part` steps of it are computed at a time, by tiles of `size`. */
typedef struct tiled {
    weft_axis *axis;
    int64_t part, size;
} tiled;

/* Loops over parts, in them over tiles, unrolled, and the tile's own: axis i is at place nesting[i]
 * of each.  parts[n] and tiles[n] are written. */
static bool
tile_loops(const matrix_tile *t, weft_tensor *of, int n, const tiled *of_axis, const int *nesting,
           weft_axis **parts, weft_axis **tiles)
{
    weft_te *te = t->r->te;
    weft_axis *order[9], *part;
    for (int i = 0; i < n; i++)
        if (!cut(t, of, of_axis[i].axis, of_axis[i].part, &order[nesting[i]], &part) ||
            !cut(t, of, part, of_axis[i].size, &tiles[i], &order[2 * n + i]))
            return false;
    for (int i = 0; i < n; i++) {
        parts[i] = order[nesting[i]];
        order[n + nesting[i]] = tiles[i];
    }
    if (weft_reorder(te, of, 3 * n, order))
        return false;
    for (int i = 0; i < n; i++)
        (void)weft_unroll(te, of, tiles[i]);
    return weft_tensorize(te, of, order[2 * n], t->unit->name) == WEFT_OK;
}

/* The stage that stores matrices, on the block's subgroups; the loop around a subgroup's part. */
static weft_axis *
schedule_store(const matrix_tile *t, weft_tensor *of, weft_axis *row, weft_axis *col)
{
    weft_te *te = t->r->te;
    weft_axis *wy, *wx, *part[2], *tile[2], *inner[2];
    if (!cut(t, of, row, t->rows, &wy, &part[0]) || !cut(t, of, col, t->cols, &wx, &part[1]) ||
        !cut(t, of, part[0], t->unit->m, &tile[0], &inner[0]) ||
        !cut(t, of, part[1], t->unit->n, &tile[1], &inner[1]))
        return NULL;
    weft_axis *order[6] = { wy, wx, tile[0], tile[1], inner[0], inner[1] };
    if (weft_reorder(te, of, 6, order) || weft_bind_axis(te, of, wy, "thread.y") ||
        weft_bind_axis(te, of, wx, "thread.z") || weft_unroll(te, of, tile[0]) ||
        weft_unroll(te, of, tile[1]) || weft_tensorize(te, of, inner[0], t->unit->name))
        return NULL;
    return wx;
}

/* Blocks over everything but the tile; the loop that one block runs. */
static weft_axis *
schedule_grid(matrix_tile *t, weft_tensor *result, weft_axis **row, weft_axis **col)
{
    weft_home *home = &t->home;
    if (!weft_rule_home_loops(t->r, t->op, result, home))
        return NULL;
    weft_axis **order =
        WEFT_NEW_ARRAY(&t->r->scratch, home->naxis + home->nrest + 2, weft_axis *);
    int n = 0;
    for (int i = 0; i < home->nrest; i++)
        order[n++] = home->rest[i];
    for (int d = 0; d < home->naxis; d++)
        if (d != t->row && d != t->col && home->axis[d])
            order[n++] = home->axis[d];
    if (!cut(t, result, home->axis[t->row], t->rows * t->warp_rows, &order[n], row) ||
        !cut(t, result, home->axis[t->col], t->cols * t->warp_cols, &order[n + 1], col))
        return NULL;
    int grid = n + 2;
    weft_axis *leaves[2] = { *row, *col };
    weft_axis **all = WEFT_NEW_ARRAY(&t->r->scratch, grid + 2, weft_axis *);
    memcpy(all, order, (size_t)grid * sizeof *all);
    memcpy(all + grid, leaves, sizeof leaves);
    if (weft_reorder(t->r->te, result, grid + 2, all))
        return NULL;
    return weft_rule_fuse(t->r, result, grid, order);
}

static bool
can_fetch(const matrix_tile *t, const side *s)
{
    return !s->computed || weft_rule_reader(t->r, s->from->op);
}

enum { MOST_UNROLLED = 16 };

/* Places of the tile on thread.x and subgroups, parts of the steps on the subgroups that are left:
 * a thread's steps, of which whole periods are unrolled, have digits that are constants. */
static bool
spread_places(const matrix_tile *t, const side *s, weft_tensor *copy, int64_t own, int64_t part)
{
    weft_te *te = t->r->te;
    const weft_te_op *op = copy->op;
    int64_t subgroups = t->warp_rows * t->warp_cols, places = own / WEFT_MATRIX_LANES;
    int64_t y = places == t->warp_rows || places % subgroups == 0 ? t->warp_rows : 1;
    int64_t z = (places == t->warp_cols && y == 1) || places % subgroups == 0 ? t->warp_cols : 1;
    int n = 0;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, op->naxis + 8, weft_axis *);
    weft_axis *steps = NULL, *window, *x, *on[2] = { NULL, NULL }, *rest;
    for (int d = 0; d < s->own; d++) {
        weft_axis *axis = op->axis[d];
        if (d == s->steps &&
            (!cut(t, copy, axis, part, &axis, &steps) ||
             (y == 1 && !cut(t, copy, axis, t->warp_rows, &axis, &on[0])) ||
             (z == 1 && !cut(t, copy, axis, t->warp_cols, &axis, &on[1]))))
            return false;
        order[n++] = axis;
    }
    if (!cut(t, copy, op->axis[s->own], WEFT_MATRIX_LANES, &rest, &x) ||
        (y > 1 && !cut(t, copy, rest, y, &rest, &on[0])) ||
        (z > 1 && !cut(t, copy, rest, z, &rest, &on[1])))
        return false;
    order[n++] = rest;
    window = steps;
    if (part > MOST_UNROLLED && cut(t, copy, steps, s->period, &steps, &window))
        order[n++] = steps;
    order[n++] = window;
    if (part <= MOST_UNROLLED || s->period > 1)
        (void)weft_unroll(te, copy, window);
    for (int i = 0; i < 2; i++)
        order[n++] = on[i];
    order[n++] = x;
    return !weft_reorder(te, copy, n, order) && !weft_bind_axis(te, copy, on[0], "thread.y") &&
           !weft_bind_axis(te, copy, on[1], "thread.z") && !weft_bind_axis(te, copy, x, "thread.x");
}

/* A factor in shared memory, and matrices of it. */
static bool
fetch(const matrix_tile *t, const side *s, bool right, weft_tensor *sum, weft_axis *chunk,
      weft_axis *step)
{
    weft_te *te = t->r->te;
    weft_tensor *from = s->from;
    bool own = s->computed;
    int64_t size = right ? tile_cols(t) : tile_rows(t), part = part_of(t, s, size);
    weft_tensor *copy = own ? from : weft_cache_read(te, from, "shared", 1, &sum);
    if (!copy || (own && weft_compute_root(te, copy)) || weft_compute_at(te, copy, sum, chunk) ||
        (own && weft_set_scope(te, copy, "shared")))
        return false;
    weft_tensor *held = weft_cache_read(te, copy, "fragment", 1, &sum);
    if (!held || weft_compute_at(te, held, sum, step))
        return false;
    static const int nesting[2] = { 0, 1 };
    const tiled own_axis = { held->op->axis[s->own], right ? t->cols : t->rows,
                             right ? t->unit->n : t->unit->m };
    const tiled steps = { held->op->axis[s->steps], t->unit->k, t->unit->k };
    const tiled axes[2] = { right ? steps : own_axis, right ? own_axis : steps };
    weft_axis *parts[2], *tile[2];
    if (!tile_loops(t, held, 2, axes, nesting, parts, tile))
        return false;
    (void)weft_storage_align(te, copy, s->load->h.nargs - 2, unit_of(t), unit_of(t) / 2);
    if (t->stages > 1)
        (void)weft_buffer_stages(te, copy, t->stages);
    if (part)
        return spread_places(t, s, copy, size, part);
    weft_axis *all = weft_rule_fuse(t->r, copy, copy->op->naxis, copy->op->axis);
    if (all)
        spread_over_block(t, copy, all, s->lanes);
    return all;
}

static void
schedule_sum(const matrix_tile *t, weft_tensor *sum)
{
    const weft_te_op *op = sum->op;
    static const int nesting[3] = { 1, 2, 0 }; /* the reduction outside */
    const tiled axes[3] = { { op->axis[t->row], t->rows, t->unit->m },
                            { op->axis[t->col], t->cols, t->unit->n },
                            { op->reduce[0], t->chunk, t->unit->k } };
    weft_axis *part[3], *tile[3];
    if (!tile_loops(t, sum, 3, axes, nesting, part, tile))
        return;
    if (fetch(t, &t->a, false, sum, part[2], tile[2]))
        (void)fetch(t, &t->b, true, sum, part[2], tile[2]);
}

static void
say(const matrix_tile *t)
{
    static const char *const stages[MOST_STAGES + 1] = { NULL, "", ", 2 stages", ", 3 stages",
                                                         ", 4 stages" };
    weft_str_addf(weft_rule_note(t->r, "contraction"),
                  "tile %d %s %d %s, %s by %d through shared%s, %s", (int)(t->rows * t->warp_rows),
                  t->op->axis[t->row]->var->name, (int)(t->cols * t->warp_cols),
                  t->op->axis[t->col]->var->name, t->op->reduce[0]->var->name, (int)t->chunk,
                  stages[t->stages], t->unit->name);
}

/* What the tile is, before any primitive is applied, and what it is estimated to take; infinite
 * where no unit takes the product. */
static double
choose(matrix_tile *t, weft_stage *reduce, weft_stage *out)
{
    weft_product p;
    if (!t->r->target->matrix || !weft_rule_product(t->r, reduce, &p) || p.a == p.b ||
        reduce->op->nreduce != 1 || !choose_axes(t, reduce->op->body[0]) || !choose_unit(t) ||
        !is_worth_it(t))
        return INFINITY;
    look_into(t, &t->a);
    look_into(t, &t->b);
    return can_fetch(t, &t->a) && can_fetch(t, &t->b) ? choose_sizes(t, reduce == out) : INFINITY;
}

double
weft_rule_matrix_time(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    matrix_tile t = { .r = r, .op = reduce->op };
    return choose(&t, reduce, out);
}

bool
weft_rule_matrix_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_te *te = r->te;
    matrix_tile t = { .r = r, .op = reduce->op };
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    if (isinf(choose(&t, reduce, out)))
        return false;
    say(&t);
    weft_tensor *staged = reduce != out ? sum
                          : t.direct    ? NULL
                                        : weft_cache_write(te, result, "shared");
    weft_tensor *held = weft_cache_write(te, staged ? staged : result, "fragment");
    weft_axis *row, *col, *part;
    weft_axis *grid = held ? schedule_grid(&t, result, &row, &col) : NULL;
    if (!grid)
        return true;
    if (staged) {
        weft_axis *all;
        if (weft_compute_at(te, staged, result, grid) || weft_set_scope(te, staged, "shared") ||
            weft_fuse(te, result, row, col, &all))
            return true;
        spread_over_block(&t, result, all, lanes_of(result->buf, vector_of(r)));
        part = schedule_store(&t, staged, staged->op->axis[t.row], staged->op->axis[t.col]);
    } else {
        part = schedule_store(&t, result, row, col);
    }
    weft_rule_bind_grid(r, result, grid);
    if (part && weft_compute_at(te, held, staged ? staged : result, part) == WEFT_OK)
        schedule_sum(&t, held);
    return true;
}
