/* te/rules/gather.c: convolutions as products of matrices.
 *
 * The reduction over channels and window becomes one axis, places of all images another, and
 * channels of the result the third.  The matrices are not made: a tile's chunk is gathered into
 * shared memory, by indices that are computed.  That is done where it is estimated to take less
 * time than the sum as it stands: always where a matrix unit takes the product, and elsewhere where
 * tiles of places fill the device better than tiles of rows and columns do, or where a chunk of
 * whole windows is read with less ado. */
#include "rules/gpu.h"

#include <math.h>

enum {
    LEAST = 2,        /* rows, columns and steps of a product */
    RESULT_BLOCK = 64, /* threads, of a result each */
    RESULT_STEP = 14, /* instructions of such a thread for a product: two loads, their addresses */
    RESULT_REGISTERS = 32
};

typedef struct plan {
    weft_rule *r;
    const weft_te_op *op;
    const weft_expr *columns; /* the factor */
    weft_te_gather g;
} plan;

static const weft_expr *
inner(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_CAST ? e->arg[0] : e;
}

/* ---- what only a quotient is used of --------------------------------------------------------- */

typedef struct quotient {
    const weft_var *var;
    int64_t each; /* 0: none yet */
    bool other;   /* the variable itself is used, or another quotient */
} quotient;

static bool
find_quotient(void *user, const weft_expr *e)
{
    quotient *q = user;
    int64_t by;
    if (e->h.kind == WEFT_EK_VAR && e->h.u.var == q->var)
        q->other = true;
    if (e->h.kind != WEFT_EK_FDIV || e->arg[0]->h.kind != WEFT_EK_VAR ||
        e->arg[0]->h.u.var != q->var || !weft_as_int(e->arg[1], &by))
        return !q->other;
    q->other = q->other || by <= 1 || (q->each && q->each != by);
    q->each = by;
    return false;
}

/* A data axis of both factors of which the columns' one uses a quotient alone goes to the rows. */
static bool
divide(plan *p, int d)
{
    const weft_axis *axis = p->op->axis[d];
    quotient q = { .var = axis->var };
    int64_t extent = weft_rule_extent(axis);
    weft_walk_expr(&(weft_walker){ .expr = find_quotient, .user = &q }, p->columns);
    if (q.other || !q.each || extent < 0 || extent % q.each != 0 || p->g.divided >= 0)
        return false;
    p->g.divided = d;
    p->g.each = q.each;
    return true;
}

/* ---- which axes are what --------------------------------------------------------------------- */

static bool
has(const int *list, int n, int d)
{
    for (int i = 0; i < n; i++)
        if (list[i] == d)
            return true;
    return false;
}

/* Columns are of the factor that has the last axis. */
static void
choose_axes(plan *p, const weft_product *of)
{
    weft_arena *a = &p->r->scratch;
    bool in_a = has(of->only_a, of->na, p->op->naxis - 1);
    const int *rows = in_a ? of->only_b : of->only_a;
    int n = in_a ? of->nb : of->na;
    int *row = WEFT_NEW_ARRAY(a, p->op->naxis + 1, int),
        *both = WEFT_NEW_ARRAY(a, p->op->naxis + 1, int);
    p->g.swapped = in_a;
    p->columns = inner(p->op->body[0]->arg[!in_a]);
    p->g.col = in_a ? of->only_a : of->only_b;
    p->g.ncol = in_a ? of->na : of->nb;
    for (int d = 0; d < p->op->naxis; d++) {
        bool shared = has(of->both, of->nboth, d);
        if (has(rows, n, d) || (shared && divide(p, d)))
            row[p->g.nrow++] = d;
        else if (shared)
            both[p->g.nboth++] = d;
    }
    p->g.row = row;
    p->g.both = both;
}

/* The steps of fused axes; -1: not all but the first are known, or there are too many. */
static int64_t
steps_of(const plan *p, int n, weft_axis *const *axis, const int *at, bool *symbolic)
{
    int64_t all = 1;
    for (int i = 0; i < n; i++) {
        int d = at ? at[i] : i;
        const weft_axis *one = axis[d];
        int64_t e = at && d == p->g.divided ? p->g.each : weft_rule_extent(one);
        if (one->var->type.dtype != WEFT_I32 || (e < 0 && (i > 0 || !symbolic)))
            return -1;
        if (e < 0)
            *symbolic = true;
        else if (!weft_mul64(all, e, &all) || all > INT32_MAX)
            return -1;
    }
    return all;
}

static bool
is_product(const plan *p)
{
    bool many = false;
    int64_t rows = steps_of(p, p->g.nrow, p->op->axis, p->g.row, NULL),
            k = steps_of(p, p->op->nreduce, p->op->reduce, NULL, NULL),
            cols = steps_of(p, p->g.ncol, p->op->axis, p->g.col, &many);
    return rows >= LEAST && k >= LEAST && (cols >= LEAST || (cols > 0 && many));
}

static bool
plan_gathering(weft_rule *r, weft_stage *s, plan *p)
{
    weft_product of;
    *p = (plan){ .r = r, .op = s->op, .g = { .divided = -1 } };
    if (s->op->kind != WEFT_OP_COMPUTE || !weft_rule_factors(r, s, &of) || of.a == of.b ||
        s->op->naxis == 0 || has(of.both, of.nboth, s->op->naxis - 1))
        return false;
    choose_axes(p, &of);
    return (s->op->nreduce > 1 || p->g.divided >= 0) && p->g.nrow && is_product(p);
}

/* ---- which way ------------------------------------------------------------------------------- */

/* A thread a result. */
static double
plain_time(const weft_rule *r, const weft_te_op *op)
{
    double results = 1, steps = 1;
    for (int d = 0; d < op->naxis; d++)
        results *= (double)weft_tile_steps(weft_rule_extent(op->axis[d]));
    for (int d = 0; d < op->nreduce; d++)
        steps *= (double)weft_tile_steps(weft_rule_extent(op->reduce[d]));
    weft_block_work w = { .blocks = ceil(results / RESULT_BLOCK), .chunks = 1,
                          .threads = RESULT_BLOCK, .registers = RESULT_REGISTERS,
                          .instructions = steps * RESULT_STEP };
    return weft_block_time(r->target, &w);
}

static double
time_as_it_stands(weft_rule *r, weft_stage *s, weft_stage *home)
{
    double t = fmin(weft_rule_block_time(r, s), weft_rule_matrix_time(r, s, home));
    return isinf(t) ? plain_time(r, s->op) : t;
}

/* The matrices are computed where the product needs them. */
static bool
inline_factors(weft_rule *r, const weft_stage *product)
{
    for (int i = 0; i < 2; i++) {
        const weft_tensor *t =
            weft_te_tensor_of(r->te, inner(product->op->body[0]->arg[i])->h.u.buf);
        if (weft_compute_inline(r->te, t->op->out[0]))
            return false;
    }
    return true;
}

/* Which way it is, and for how many cycles instead of how many. */
static void
say(weft_rule *r, double gathered, double direct)
{
    bool better = gathered < direct;
    weft_str_addf(weft_rule_note(r, "product"), "%s, %.0f cycles, %s %.0f",
                  better ? "implicit GEMM" : "direct", better ? gathered : direct,
                  better ? "direct" : "implicit GEMM", better ? direct : gathered);
}

weft_stage *
weft_rule_gather(weft_rule *r, weft_stage *s, weft_stage *home)
{
    plan p;
    if (!plan_gathering(r, s, &p))
        return NULL;
    double direct = time_as_it_stands(r, s, home);
    weft_te_trial before = weft_te_try(r->te, s);
    weft_tensor *t = weft_te_gather_product(r->te, s, &p.g);
    weft_stage *product = t ? weft_te_stage(r->te, t) : NULL;
    if (!product || !inline_factors(r, product))
        return NULL;
    double gathered = fmin(weft_rule_block_time(r, product), weft_rule_matrix_time(r, product, s));
    say(r, gathered, direct);
    if (gathered < direct)
        return product;
    weft_te_take_back(r->te, &before);
    return NULL;
}
