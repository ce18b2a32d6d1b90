/* te/rules/runs.c: neighbours along a row that a GPU's thread takes at once.
 *
 * Threads that take one element each ask for their row in four times as many instructions as threads
 * that take vectors of four, and have a quarter of it on the way.  A stage with a result for each
 * element runs in lanes; a reduction reads a vector into registers and takes its elements from
 * there. */
#include "rules/priv.h"

/* The dimension of t along which the op reads it, neighbours on the axis being neighbours there;
 * WEFT_NO_DIM: it does not depend on the axis, WEFT_ODD_DIM: in another way, or at several places or
 * one that data decides, so that a run of each would be no few elements. */
typedef struct reading {
    weft_rule *r;
    const weft_tensor *t;
    const weft_axis *axis;
    int64_t run;
    int dim;
    const weft_expr *load; /* of t, the last one; NULL: there was none */
} reading;

static bool
look(void *user, const weft_expr *e)
{
    reading *f = user;
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf != f->t->buf)
        return true;
    int d = weft_rule_dim_along(f->r, e, f->axis, f->run);
    for (int i = 0; i < e->h.nargs; i++)
        d = d == WEFT_NO_DIM || e->arg[i]->h.pure ? d : WEFT_ODD_DIM;
    bool alike = !f->load || f->load == e || (d == WEFT_NO_DIM && f->dim == WEFT_NO_DIM);
    f->dim = alike && f->dim != WEFT_ODD_DIM ? d : WEFT_ODD_DIM;
    f->load = e;
    return true;
}

static int
reads_along(weft_rule *r, const weft_te_op *op, const weft_tensor *t, const weft_axis *axis,
            int64_t run)
{
    reading f = { r, t, axis, run, WEFT_NO_DIM, NULL };
    weft_walker walker = { .expr = look, .user = &f };
    for (int i = 0; i < op->nout; i++)
        weft_walk_expr(&walker, op->body[i]);
    if (op->cond)
        weft_walk_expr(&walker, op->cond);
    return f.dim;
}

/* Whether all that is read along the axis can be read a run at a time beforehand. */
static bool
can_be_read_before(weft_rule *r, const weft_te_op *op, const weft_axis *axis, int64_t run)
{
    weft_tensor **t;
    int n = weft_te_reads(r->te, op, &r->scratch, &t);
    bool all = true;
    for (int i = 0; i < n && all; i++)
        all = reads_along(r, op, t[i], axis, run) != WEFT_ODD_DIM;
    return all;
}

static int64_t
lanes_for(const weft_rule *r, const weft_tensor *t, int64_t lanes)
{
    return weft_dtype_bits(t->buf->dtype) > 32 ? weft_least(lanes, r->target->vector_lanes / 2)
                                               : lanes;
}

/* Of vectors that a reduction reads, or another op makes. */
static int64_t
most_lanes(weft_rule *r, const weft_te_op *op)
{
    weft_tensor **t = op->out;
    int n = op->nreduce ? weft_te_reads(r->te, op, &r->scratch, &t) : op->nout;
    int64_t lanes = r->target->vector_lanes;
    for (int i = 0; i < n; i++)
        lanes = lanes_for(r, t[i], lanes);
    return lanes;
}

int64_t
weft_rule_run(weft_rule *r, const weft_te_op *op, const weft_axis *axis, double most)
{
    int64_t lanes = most_lanes(r, op);
    while (lanes > 1 && (double)lanes > most)
        lanes /= 2;
    lanes = weft_rule_vector_along(r, op, axis, lanes);
    return op->nreduce == 0 || can_be_read_before(r, op, axis, lanes) ? lanes : 1;
}

/* A copy in registers of what s reads of t, which may be inlined: then it is for others still. */
static weft_tensor *
copy_for(weft_rule *r, weft_tensor *t, weft_tensor *s)
{
    const weft_stage *of = weft_te_stage(r->te, t);
    bool inlined = of && of->attach == WEFT_AT_INLINE;
    if (inlined && weft_compute_root(r->te, t))
        return NULL;
    weft_tensor *copy = weft_cache_read(r->te, t, "local", 1, &s);
    return copy && inlined && weft_compute_inline(r->te, t) ? NULL : copy;
}

/* What the reduction reads along the axis, of each tensor a run in a register. */
static bool
read_before(weft_rule *r, weft_tensor *s, const weft_axis *along, weft_axis *at, int64_t run)
{
    weft_tensor **t;
    int n = weft_te_reads(r->te, s->op, &r->scratch, &t);
    for (int i = 0; i < n; i++) {
        int d = reads_along(r, s->op, t[i], along, run);
        if (d < 0)
            continue;
        weft_tensor *copy = copy_for(r, t[i], s);
        weft_axis *lanes;
        if (!copy || weft_compute_at(r->te, copy, s, at) ||
            weft_split(r->te, copy, copy->op->axis[d], weft_rule_num(r, run), NULL, &lanes) ||
            weft_vectorize(r->te, copy, lanes))
            return false;
    }
    return true;
}

bool
weft_rule_deal(weft_rule *r, weft_tensor *t, weft_axis *row, int64_t threads, int64_t run,
               const char *on)
{
    const weft_te_op *op = t->op;
    const weft_axis *along = op->nreduce ? op->reduce[op->nreduce - 1] : NULL;
    weft_axis *thread, *each = NULL;
    if (weft_split(r->te, t, row, weft_rule_num(r, threads * run), NULL, &thread) ||
        (run > 1 && weft_split(r->te, t, thread, weft_rule_num(r, run), &thread, &each)) ||
        weft_bind_axis(r->te, t, thread, on))
        return false;
    if (!each)
        return true;
    return along ? !weft_unroll(r->te, t, each) && read_before(r, t, along, thread, run)
                 : !weft_vectorize(r->te, t, each);
}
