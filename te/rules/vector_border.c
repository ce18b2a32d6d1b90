/* te/rules/vector_border.c: input with borders that is copied plane by plane.
 *
 * A window over each channel alone reads a plane of its input and no other: the copy with
 * borders around it, which is cheaper to read than conditions are to ask, need not be a kernel
 * of its own.  A work-group copies a plane, which stays in a first cache, and computes the
 * results that read it. */
#include "rules/vector.h"

#include <string.h>

enum {
    MOST_BYTES = 64 << 10, /* of planes: near caches keep them, and so does a stack */
    MOST_VECTORS = 32       /* of a row that is written out */
};

/* ---- which axes number planes ---------------------------------------------------------------- */

/* What an index is where reduce axes of one step are at it. */
static const weft_expr *
index_at(const vector_search *s, const weft_expr *index)
{
    weft_ir *ir = s->r->te->ir;
    for (int i = 0; i < s->op->nreduce; i++) {
        const weft_var *v = s->op->reduce[i]->var;
        const weft_expr *zero = weft_int(ir, (weft_dtype)v->type.dtype, 0);
        if (weft_is_int_imm(s->op->reduce[i]->extent, 1))
            index = weft_subst_expr(ir, index, 1, &v, &zero);
    }
    return weft_simplify_expr(ir, NULL, index);
}

static bool
is_reduced(const vector_search *s, const weft_expr *index)
{
    for (int i = 0; i < s->op->nreduce; i++)
        if (weft_uses_var(index, s->op->reduce[i]->var))
            return true;
    return false;
}

/* The data axis that an index is; -1: it is something else. */
static int
axis_at(const vector_search *s, const weft_expr *index)
{
    for (int d = 0; index->h.kind == WEFT_EK_VAR && d < s->op->naxis; d++)
        if (s->op->axis[d]->var == index->h.u.var)
            return d;
    return -1;
}

/* Whether each plane that the read goes through is of the results at some data axes alone, outer
 * ones: those are in lead[]. */
static bool
find_planes(const vector_search *s, const weft_read *read, bool *lead)
{
    bool any = false;
    for (int i = 0; i < read->load->h.nargs; i++) {
        const weft_expr *index = index_at(s, read->load->arg[i]);
        int d = axis_at(s, index);
        if (is_reduced(s, index) || weft_is_int_imm(index, 0))
            continue;
        if (d < 0)
            return false;
        lead[d] = any = true;
    }
    for (int d = 0; d < s->op->naxis; d++)
        if (!weft_is_int_imm(s->op->axis[d]->extent, 1) && !read->along[d])
            return false;
    return any && !lead[s->axis[s->best.lane_axis]] && !lead[s->axis[0]];
}

/* ---- the copy -------------------------------------------------------------------------------- */

/* Bytes of the planes that a tile reads; -1: unknown. */
static int64_t
bytes_of_planes(const vector_search *s, const weft_read *read, const bool *lead)
{
    const weft_buf *buf = read->load->h.u.buf;
    int64_t n = 1, extent, bytes;
    for (int i = 0; i < buf->ndim; i++) {
        int d = axis_at(s, index_at(s, read->load->arg[i]));
        if (d >= 0 && lead[d])
            continue;
        if (!weft_as_int(buf->shape[i], &extent) || !weft_mul64(n, extent, &n))
            return -1;
    }
    for (int k = 0; k < s->n; k++)
        if (lead[s->axis[k]] && !weft_mul64(n, s->best.size[k], &n))
            return -1;
    return weft_dtype_bytes(buf->dtype, n, &bytes) ? bytes : -1;
}

weft_tensor *
weft_vector_border(const vector_search *s, bool *lead)
{
    for (int i = 0; i < s->nread; i++) {
        weft_tensor *t = weft_te_tensor_of(s->r->te, s->read[i].load->h.u.buf);
        weft_stage *stage = t ? weft_te_stage(s->r->te, t) : NULL;
        if (!stage || stage->op->kind != WEFT_OP_COMPUTE || stage->op->nreduce || stage->op->scan ||
            stage->attach != WEFT_AT_ROOT || weft_rule_is_output(stage->op) ||
            weft_te_is_kept(s->r->te, t) || !weft_rule_reader(s->r, stage->op))
            continue;
        memset(lead, 0, (size_t)s->op->naxis * sizeof *lead);
        if (!find_planes(s, &s->read[i], lead))
            continue;
        int64_t bytes = bytes_of_planes(s, &s->read[i], lead);
        if (bytes >= 0 && bytes <= MOST_BYTES)
            return t;
    }
    return NULL;
}

void
weft_vector_copy_border(const vector_search *s, weft_tensor *border, weft_tensor *out,
                        weft_axis *at)
{
    weft_te *te = s->r->te;
    weft_axis *row = border->op->axis[border->op->naxis - 1], *vectors, *lane;
    int64_t n = weft_rule_extent(row), lanes = s->r->target->vector_lanes;
    if (weft_compute_at(te, border, out, at) || weft_set_scope(te, border, "local"))
        return;
    while (lanes > 1 && n < lanes)
        lanes /= 2;
    if (lanes < 2 || n > MOST_VECTORS * lanes ||
        !weft_rule_steps_along(s->r, border->op, border->op->naxis - 1) ||
        weft_split(te, border, row, weft_rule_num(s->r, lanes), &vectors, &lane))
        return;
    (void)weft_unroll(te, border, vectors);
    (void)weft_vectorize(te, border, lane);
}
