/* te/rules/shape.c: what a rule asks of a program: extents, readers, and how accesses move along
 * axes. */
#include "rules/priv.h"

int64_t
weft_rule_extent(const weft_axis *a)
{
    int64_t n;
    return weft_as_int(a->extent, &n) ? n : -1;
}

int64_t
weft_rule_count(weft_axis *const *axis, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++) {
        int64_t e = weft_rule_extent(axis[i]);
        if (e < 0 || !weft_mul64(n, e, &n))
            return -1;
    }
    return n;
}

bool
weft_rule_is_output(const weft_te_op *op)
{
    for (int i = 0; i < op->nout; i++)
        if (op->out[i]->is_output)
            return true;
    return false;
}

weft_stage *
weft_rule_reader(weft_rule *r, const weft_te_op *op)
{
    weft_stage *only = NULL, **reader;
    for (int i = 0; i < op->nout; i++) {
        int n = weft_te_readers(r->te, op->out[i], &r->scratch, &reader);
        for (int k = 0; k < n; k++) {
            if (only && only != reader[k])
                return NULL;
            only = reader[k];
        }
    }
    return only;
}

/* ---- accesses -------------------------------------------------------------------------------- */

typedef struct loads {
    weft_rule *r;
    WEFT_VEC(const weft_expr *) at;
} loads;

static bool
collect(void *user, const weft_expr *e)
{
    loads *l = user;
    if (e->h.kind == WEFT_EK_LOAD)
        *WEFT_PUSH(&l->r->scratch, &l->at) = e;
    return true;
}

/* All loads of the op as it will be lowered. */
static loads
loads_of(weft_rule *r, const weft_te_op *op)
{
    loads l = { .r = r };
    const weft_te_op *lowered = weft_te_inlined(r->te, op);
    for (int i = 0; lowered && i < lowered->nout; i++)
        weft_walk_expr(&(weft_walker){ .expr = collect, .user = &l }, lowered->body[i]);
    return l;
}

/* The axis itself, or the only value it has. */
static bool
is_axis(const weft_expr *index, const weft_axis *axis)
{
    bool plain = index->h.kind == WEFT_EK_VAR && index->h.u.var == axis->var;
    return plain || (weft_is_int_imm(index, 0) && weft_is_int_imm(axis->extent, 1));
}

bool
weft_rule_elementwise(weft_rule *r, const weft_te_op *op, const weft_tensor *t)
{
    loads l = loads_of(r, op);
    for (int i = 0; i < l.at.n; i++) {
        const weft_expr *e = l.at.at[i];
        if (e->h.u.buf != t->buf)
            continue;
        if (e->h.nargs != op->naxis)
            return false;
        for (int d = 0; d < op->naxis; d++)
            if (!is_axis(e->arg[d], op->axis[d]))
                return false;
    }
    return true;
}

const weft_expr *
weft_rule_address(weft_rule *r, const weft_expr *load)
{
    weft_ir *ir = r->te->ir;
    const weft_buf *buf = load->h.u.buf;
    const weft_expr *sum = weft_i32(ir, 0);
    int64_t stride = 1, extent;
    for (int d = buf->ndim; d-- > 0;) {
        const weft_expr *i = weft_cast(ir, WEFT_I32, load->arg[d]);
        sum = weft_add(ir, sum, weft_mul(ir, i, weft_i32(ir, stride)));
        if (d > 0 && (!weft_as_int(buf->shape[d], &extent) || !weft_mul64(stride, extent, &stride)))
            return NULL;
    }
    return weft_simplify_expr(ir, NULL, sum);
}

/* How far the address moves a step of data axis d; false when not by a constant. */
static bool
stride_along(weft_rule *r, const weft_expr *at, const weft_te_op *op, int d, int64_t *stride)
{
    const weft_expr *s, *rest;
    return at && weft_affine_in(r->te->ir, at, op->axis[d]->var, &s, &rest) &&
           weft_as_int(s, stride);
}

static bool
is_condition_on(const weft_expr *e, const weft_var *v)
{
    if (e->h.kind == WEFT_EK_GUARD && weft_uses_var(e->arg[0], v))
        return true;
    for (int i = 0; i < e->h.nargs; i++)
        if (is_condition_on(e->arg[i], v))
            return true;
    return false;
}

bool
weft_rule_guarded_along(weft_rule *r, const weft_te_op *op, int d)
{
    const weft_te_op *lowered = weft_te_inlined(r->te, op);
    for (int i = 0; lowered && i < lowered->nout; i++)
        if (is_condition_on(lowered->body[i], op->axis[d]->var))
            return true;
    return !lowered;
}

int
weft_rule_flat_from(weft_rule *r, const weft_te_op *op)
{
    loads l = loads_of(r, op);
    int from = op->naxis - 1;
    if (from < 0 || weft_rule_guarded_along(r, op, from))
        return from;
    for (; from > 0; from--) {
        int64_t extent = weft_rule_extent(op->axis[from]);
        if (extent < 0 || weft_rule_guarded_along(r, op, from - 1))
            return from;
        for (int i = 0; i < l.at.n; i++) {
            const weft_expr *at = weft_rule_address(r, l.at.at[i]);
            int64_t outer, inner;
            if (!stride_along(r, at, op, from - 1, &outer) ||
                !stride_along(r, at, op, from, &inner) || outer != inner * extent)
                return from;
        }
    }
    return from;
}

bool
weft_rule_steps_along(weft_rule *r, const weft_te_op *op, int d)
{
    loads l = loads_of(r, op);
    int64_t stride;
    for (int i = 0; i < l.at.n; i++)
        if (!stride_along(r, weft_rule_address(r, l.at.at[i]), op, d, &stride) ||
            (stride != 0 && stride != 1))
            return false;
    return true;
}

bool
weft_rule_lanes_along(weft_rule *r, const weft_te_op *op, int d)
{
    return !weft_rule_guarded_along(r, op, d) && weft_rule_steps_along(r, op, d);
}

/* ---- products -------------------------------------------------------------------------------- */

static const weft_expr *
factor(const weft_expr *e)
{
    while (e->h.kind == WEFT_EK_CAST)
        e = e->arg[0];
    return e->h.kind == WEFT_EK_LOAD ? e : NULL;
}

static bool
uses(const weft_expr *load, const weft_var *v)
{
    for (int i = 0; i < load->h.nargs; i++)
        if (weft_uses_var(load->arg[i], v))
            return true;
    return false;
}

/* Whether an axis is known to have no index at all: tiles of such a loop have no size either. */
static bool
is_empty(const weft_te_op *op)
{
    int64_t n;
    for (int i = 0; i < op->naxis; i++)
        if (weft_as_int(op->axis[i]->extent, &n) && n == 0)
            return true;
    for (int i = 0; i < op->nreduce; i++)
        if (weft_as_int(op->reduce[i]->extent, &n) && n == 0)
            return true;
    return false;
}

bool
weft_rule_factors(weft_rule *r, weft_stage *s, weft_product *p)
{
    const weft_te_op *op = s->op;
    if (op->nreduce == 0 || op->nout != 1 || op->reducer != WEFT_SUM || op->cond ||
        op->body[0]->h.kind != WEFT_EK_MUL || is_empty(op))
        return false;
    const weft_expr *a = factor(op->body[0]->arg[0]), *b = factor(op->body[0]->arg[1]);
    if (!a || !b)
        return false;
    *p = (weft_product){ .stage = s,
                         .a = weft_te_tensor_of(r->te, a->h.u.buf),
                         .b = weft_te_tensor_of(r->te, b->h.u.buf),
                         .only_a = WEFT_NEW_ARRAY(&r->scratch, op->naxis + 1, int),
                         .only_b = WEFT_NEW_ARRAY(&r->scratch, op->naxis + 1, int),
                         .both = WEFT_NEW_ARRAY(&r->scratch, op->naxis + 1, int) };
    for (int d = 0; d < op->naxis; d++) {
        bool in_a = uses(a, op->axis[d]->var), in_b = uses(b, op->axis[d]->var);
        if (in_a && !in_b)
            p->only_a[p->na++] = d;
        else if (in_b && !in_a)
            p->only_b[p->nb++] = d;
        else
            p->both[p->nboth++] = d;
    }
    return p->a && p->b;
}

bool
weft_rule_product(weft_rule *r, weft_stage *s, weft_product *p)
{
    return weft_rule_factors(r, s, p) && p->na > 0 && p->nb > 0;
}
