/* te/rules/gather.c: convolutions as products of matrices.
 *
 * Where a matrix unit takes the product, the reduction over channels and window becomes one axis, places
 * of all images another, and channels of the result the third.  The matrices are not made: a tile's
 * chunk is gathered into shared memory, by indices that are computed. */
#include "rules/priv.h"

enum { LEAST = 16 }; /* as for any product on a matrix unit */

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

/* Whether there is a matrix unit, and enough for it to do. */
static bool
is_for_unit(const plan *p)
{
    bool many = false;
    weft_dtype a = (weft_dtype)inner(p->op->body[0]->arg[0])->h.type.dtype,
               b = (weft_dtype)inner(p->op->body[0]->arg[1])->h.type.dtype,
               sum = (weft_dtype)p->op->body[0]->h.type.dtype;
    int64_t rows = steps_of(p, p->g.nrow, p->op->axis, p->g.row, NULL),
            k = steps_of(p, p->op->nreduce, p->op->reduce, NULL, NULL),
            cols = steps_of(p, p->g.ncol, p->op->axis, p->g.col, &many);
    return rows >= LEAST && k >= LEAST && (cols >= LEAST || (cols > 0 && many)) && a == b &&
           weft_rule_has_unit(p->r, a, sum);
}

static void
gather(weft_rule *r, weft_stage *s)
{
    weft_product of;
    plan p = { .r = r, .op = s->op, .g = { .divided = -1 } };
    if (!weft_rule_factors(r, s, &of) || of.a == of.b || s->op->naxis == 0 ||
        has(of.both, of.nboth, s->op->naxis - 1))
        return;
    choose_axes(&p, &of);
    if ((s->op->nreduce > 1 || p.g.divided >= 0) && p.g.nrow && is_for_unit(&p))
        (void)weft_te_gather_product(r->te, s, &p.g);
}

void
weft_rule_gather(weft_rule *r)
{
    int n = r->te->stage.n;
    weft_stage **stage = WEFT_NEW_ARRAY(&r->scratch, n + 1, weft_stage *);
    for (int i = 0; i < n; i++)
        stage[i] = r->te->stage.at[i];
    for (int i = 0; i < n && r->target->matrix; i++)
        if (stage[i]->op->kind == WEFT_OP_COMPUTE && stage[i]->op->nreduce && !stage[i]->op->scan)
            gather(r, stage[i]);
}
