/* te/rules/across.c: stages that read across their innermost axis: transposes.
 *
 * What they read lies side by side along another axis.  A tile of both axes is read along that one
 * into memory of its own, and written along the innermost: every line of either side is met once,
 * however far apart lines are.  CPUs that take vectors read and write vectors, of registers; on GPUs
 * neighbouring threads take neighbouring elements of a tile in shared memory. */
#include "rules/vector.h"

enum {
    LEAST_SIDE = 8,        /* of a tile: what half a vector of 32 bits holds */
    GPU_SIDE = 32,         /* whose reads are one, on any GPU */
    GPU_ROWS = 8,          /* of a tile that its threads take at once */
    LINE = 64,             /* bytes */
    PAGE = 4096,           /* bytes after which places of a first cache repeat */
    FIRST_CACHE = 24 << 10 /* bytes of lines that stay from one run along the axis to the next */
};

typedef struct across {
    weft_rule *r;
    weft_stage *s;
    weft_tensor *from; /* that is read across */
    int inner, other;  /* data axes: the innermost, and the one that `from` lies along */
    int64_t side[2];   /* of a tile along them */
    bool near;         /* a plain loop along the innermost finds the lines of the run before */
} across;

/* A quotient or remainder of a variable by a constant: where a block of channels
 * lies, and where in it. */
static bool
is_digit(const weft_expr *e, int64_t *divisor)
{
    return (e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD) &&
           e->arg[0]->h.kind == WEFT_EK_VAR && weft_as_int(e->arg[1], divisor);
}

/* Whether what a tile reads is a box without gaps: aligned sides do not cross a block. */
static bool
reads_boxes(const across *a, const weft_expr *load)
{
    const weft_var *inner = a->s->op->axis[a->inner]->var, *other = a->s->op->axis[a->other]->var;
    int64_t divisor;
    for (int i = 0; i < load->h.nargs; i++) {
        const weft_expr *e = load->arg[i];
        if (e->h.kind == WEFT_EK_VAR || weft_is_imm(e))
            continue;
        if (!is_digit(e, &divisor) || e->arg[0]->h.u.var == inner ||
            (e->arg[0]->h.u.var == other && divisor % a->side[1] != 0))
            return false;
    }
    return true;
}

/* Whether nothing but the stage is left to run, so that all readers are it. */
static bool
is_alone(const across *a)
{
    for (int i = 0; i < a->r->te->stage.n; i++) {
        const weft_stage *s = a->r->te->stage.at[i];
        if (s != a->s && s->attach != WEFT_AT_INLINE)
            return false;
    }
    return a->s->op->nout == 1;
}

static int64_t
most_lanes(const across *a)
{
    int64_t lanes = a->r->target->vector_lanes;
    return weft_dtype_bits(a->s->op->out[0]->buf->dtype) > 32 ? lanes / 2 : lanes;
}

static bool
is_gpu(const across *a)
{
    return a->r->target->cls == WEFT_CLASS_GPU || a->r->target->cls == WEFT_CLASS_MOBILE;
}

/* Of a tile that leaves half of shared memory to another block, and that one row of threads takes. */
static int64_t
gpu_side(const across *a)
{
    const weft_target *t = a->r->target;
    int64_t most = weft_least(t->max_threads, t->max_block[0]), side = GPU_SIDE;
    while (side > most || 2 * side * (side + 1) * (int64_t)sizeof(double) > t->shared_bytes)
        side /= 2;
    return side;
}

static int64_t
side_of(const across *a, int d)
{
    int64_t extent = weft_rule_extent(a->s->op->axis[d]),
            most = is_gpu(a) ? gpu_side(a) : most_lanes(a);
    if (is_gpu(a))
        return extent < 0 ? most : weft_least(extent, most);
    return extent < 0 ? most : weft_vector_whole_lanes(extent, most);
}

/* Whether the lines of a run along the innermost axis, and those that run as one with it, stay in a
 * first cache: they are few, and their places there differ. */
static bool
stays_near(const across *a, const weft_read *read)
{
    const weft_te_op *op = a->s->op;
    const weft_axis *inner = op->axis[a->inner];
    const weft_expr *stride, *rest;
    int64_t n = weft_rule_count(op->axis, weft_rule_flat_from(a->r, op), op->naxis), by = 0,
            bytes = 0;
    bool known = read->address &&
                 weft_affine_in(a->r->te->ir, read->address, inner->var, &stride, &rest) &&
                 weft_as_int(stride, &by) &&
                 weft_dtype_bytes((weft_dtype)read->load->h.type.dtype, by, &bytes);
    return known && n >= 0 && n * LINE <= FIRST_CACHE && bytes % PAGE != 0;
}

/* The one read that goes across, in steps of one along one other axis. */
static bool
find_read(across *a)
{
    weft_read *read, *only = NULL;
    const weft_te_op *op = a->s->op;
    int n = weft_rule_reads(a->r, op, &read);
    for (int i = 0; i < n; i++) {
        if (weft_rule_walk(a->r, op, &read[i], a->inner, a->side[0]) != WEFT_WALK_APART)
            continue;
        if (only)
            return false;
        only = &read[i];
    }
    for (int i = 0; only && i < n; i++) /* a copy of what both read would be a box around them */
        if (&read[i] != only && read[i].load->h.u.buf == only->load->h.u.buf)
            return false;
    bool whole = only && weft_dtype_bits((weft_dtype)only->load->h.type.dtype) >= 8;
    a->from = whole ? weft_te_tensor_of(a->r->te, only->load->h.u.buf) : NULL;
    for (int d = 0; a->from && d < a->inner; d++)
        if (only->along[d] && weft_rule_walk(a->r, op, only, d, LEAST_SIDE) == WEFT_WALK_NEXT) {
            a->other = d;
            a->side[1] = side_of(a, d);
            a->near = !is_gpu(a) && stays_near(a, only);
            return a->side[1] > 0 && reads_boxes(a, only->load);
        }
    return false;
}

static bool
recognise(across *a)
{
    const weft_te_op *op = a->s->op;
    a->inner = op->naxis - 1;
    if (op->naxis < 2 || weft_dtype_bits(op->out[0]->buf->dtype) < 8 || !is_alone(a))
        return false;
    a->side[0] = side_of(a, a->inner);
    if (a->side[0] < LEAST_SIDE || weft_rule_guarded_along(a->r, op, a->inner) || !find_read(a) ||
        weft_rule_guarded_along(a->r, op, a->other))
        return false;
    int64_t least = a->near ? most_lanes(a) : LEAST_SIDE; /* parts of lines are no gain there */
    return a->side[0] >= least && a->side[1] >= least;
}

/* Tiles outside, fused; of a tile the rows, tile[1], and the innermost axis, tile[0]. */
static weft_axis *
split_tiles(const across *a, weft_tensor *t, weft_axis *tile[2])
{
    weft_rule *r = a->r;
    int n = t->op->naxis;
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, n + 2, weft_axis *);
    for (int d = 0; d < n; d++)
        order[d] = t->op->axis[d];
    if (weft_split(r->te, t, order[a->other], weft_rule_num(r, a->side[1]), &order[a->other],
                   &tile[1]) ||
        weft_split(r->te, t, order[a->inner], weft_rule_num(r, a->side[0]), &order[a->inner],
                   &tile[0]))
        return NULL;
    order[n] = tile[1];
    order[n + 1] = tile[0];
    return weft_reorder(r->te, t, n + 2, order) ? NULL : weft_rule_fuse(r, t, n, order);
}

/* Rows of a tile without loops, elements in lanes. */
static void
in_lanes(const across *a, weft_tensor *t, weft_tensor *copy)
{
    weft_rule *r = a->r;
    weft_axis *tile[2], *all = split_tiles(a, t, tile), *part;
    double work = (double)(a->side[0] * a->side[1]),
           tiles = weft_vector_count((const weft_axis *const *)t->op->axis, t->op->naxis) / work;
    if (!all || weft_unroll(r->te, t, tile[1]) || weft_vectorize(r->te, t, tile[0]))
        return;
    weft_axis *at = weft_rule_bind_chunks(r, t, all, weft_vector_rows_of_group(r, work, tiles));
    if (!at || weft_compute_at(r->te, copy, t, at) || weft_set_scope(r->te, copy, "local") ||
        weft_split(r->te, copy, copy->op->axis[copy->op->naxis - 1], weft_rule_num(r, a->side[1]),
                   NULL, &part))
        return;
    (void)weft_vectorize(r->te, copy, part);
}

/* The place of `from` that the innermost axis is; -1: none. */
static int
place_of_inner(const across *a)
{
    weft_read *read;
    int n = weft_rule_reads(a->r, a->s->op, &read);
    for (int i = 0; i < n; i++)
        for (int d = 0; d < read[i].load->h.nargs; d++)
            if (read[i].load->h.u.buf == a->from->buf &&
                weft_uses_var(read[i].load->arg[d], a->s->op->axis[a->inner]->var))
                return d;
    return -1;
}

/* A tile a block, read and written by GPU_ROWS rows of threads.  A column's elements are in
 * different banks of memory: rows are of an odd length. */
static void
by_threads(const across *a, weft_tensor *t, weft_tensor *copy, int place)
{
    weft_rule *r = a->r;
    weft_axis *tile[2], *all = split_tiles(a, t, tile), *rows;
    int64_t most = weft_least(r->target->max_threads / a->side[0], r->target->max_block[1]),
            y = weft_least(weft_least(GPU_ROWS, a->side[1]), most);
    if (!all || weft_split_parts(r->te, t, tile[1], weft_rule_num(r, y), &rows, NULL))
        return;
    weft_rule_bind_grid(r, t, all);
    weft_axis *at = weft_te_stage(r->te, t)->leaf.at[weft_te_stage(r->te, t)->leaf.n - 4];
    if (weft_bind_axis(r->te, t, rows, "thread.y") ||
        weft_bind_axis(r->te, t, tile[0], "thread.x") || weft_compute_at(r->te, copy, t, at) ||
        weft_set_scope(r->te, copy, "shared"))
        return;
    (void)weft_storage_align(r->te, copy, place, 2, 1);
    weft_rule_fetch(r, copy, (const int64_t[3]){ 1, y, a->side[0] }, 1);
}

bool
weft_rule_across(weft_rule *r, weft_stage *s)
{
    across a = { .r = r, .s = s };
    if (!recognise(&a))
        return false;
    int place = place_of_inner(&a);
    weft_tensor *t = s->op->out[0],
                *copy = weft_cache_read(r->te, a.from, is_gpu(&a) ? "shared" : "local", 0, NULL);
    weft_str_addf(weft_rule_note(r, "injective"), "tiles of %d %s x %d %s, read across",
                  (int)a.side[1], s->op->axis[a.other]->var->name, (int)a.side[0],
                  s->op->axis[a.inner]->var->name);
    if (copy && is_gpu(&a))
        by_threads(&a, t, copy, place);
    else if (copy)
        in_lanes(&a, t, copy);
    return true;
}
