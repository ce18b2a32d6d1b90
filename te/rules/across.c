/* te/rules/across.c: stages that read across their innermost axis, on CPUs that take vectors:
 * transposes.
 *
 * What they read lies side by side along another axis.  A tile of both axes is read in vectors
 * along that one into memory of its own, and written in vectors along the innermost: every line of
 * either side is met once, however far apart lines are. */
#include "rules/vector.h"

enum {
    LEAST_SIDE = 8,        /* of a tile: what half a vector of 32 bits holds */
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

static int64_t
side_of(const across *a, int d)
{
    int64_t extent = weft_rule_extent(a->s->op->axis[d]), most = most_lanes(a);
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
    bool whole = only && weft_dtype_bits((weft_dtype)only->load->h.type.dtype) >= 8;
    a->from = whole ? weft_te_tensor_of(a->r->te, only->load->h.u.buf) : NULL;
    for (int d = 0; a->from && d < a->inner; d++)
        if (only->along[d] && weft_rule_walk(a->r, op, only, d, LEAST_SIDE) == WEFT_WALK_NEXT) {
            a->other = d;
            a->side[1] = side_of(a, d);
            a->near = stays_near(a, only);
            return reads_boxes(a, only->load);
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

/* Tiles outside, rows of a tile without loops, the innermost axis in lanes; the loop of a tile. */
static weft_axis *
split_tiles(const across *a, weft_tensor *t)
{
    weft_rule *r = a->r;
    int n = t->op->naxis;
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, n + 2, weft_axis *);
    for (int d = 0; d < n; d++)
        order[d] = t->op->axis[d];
    double work = (double)(a->side[0] * a->side[1]),
           tiles = weft_vector_count((const weft_axis *const *)order, n) / work;
    if (weft_split(r->te, t, order[a->other], weft_rule_num(r, a->side[1]), &order[a->other],
                   &order[n]) ||
        weft_split(r->te, t, order[a->inner], weft_rule_num(r, a->side[0]), &order[a->inner],
                   &order[n + 1]) ||
        weft_reorder(r->te, t, n + 2, order) || weft_unroll(r->te, t, order[n]) ||
        weft_vectorize(r->te, t, order[n + 1]))
        return NULL;
    weft_axis *all = weft_rule_fuse(r, t, n, order);
    return all ? weft_rule_bind_chunks(r, t, all, weft_vector_rows_of_group(r, work, tiles)) : NULL;
}

bool
weft_rule_across(weft_rule *r, weft_stage *s)
{
    across a = { .r = r, .s = s };
    if (!recognise(&a))
        return false;
    const weft_te_op *op = s->op;
    weft_tensor *t = op->out[0], *copy = weft_cache_read(r->te, a.from, "local", 0, NULL);
    weft_axis *at = copy ? split_tiles(&a, t) : NULL, *part;
    weft_str_addf(weft_rule_note(r, "injective"), "tiles of %d %s x %d %s, read across",
                  (int)a.side[1], op->axis[a.other]->var->name, (int)a.side[0],
                  op->axis[a.inner]->var->name);
    if (!at || weft_compute_at(r->te, copy, t, at) || weft_set_scope(r->te, copy, "local") ||
        weft_split(r->te, copy, copy->op->axis[copy->op->naxis - 1], weft_rule_num(r, a.side[1]),
                   NULL, &part))
        return true;
    (void)weft_vectorize(r->te, copy, part);
    return true;
}
