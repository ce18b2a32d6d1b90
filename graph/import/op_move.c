/* Importers of operators that pick, join and pad: concat, split, slice, gather, pad. */
#include "import/ops.h"

#include <string.h>

void
weft_onnx_import_concat(onnx_node *n)
{
    if (n->version >= 4 && !weft_onnx_has_attr(n, "axis"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'axis' is missing");
    int64_t axis =
        weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 1), weft_onnx_in(n, 0)->ndim, false);
    weft_attr attr = weft_attr_int("axis", &axis);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CONCAT, n->nin, n->in, 1, &attr));
}

void
weft_onnx_import_gather(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), in[0]->ndim, false);
    weft_attr attr = weft_attr_int("axis", &axis);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &attr));
}

/* ---- split ----------------------------------------------------------------------------------- */

/* Parts of equal size; with num_outputs (18) the last one may be smaller. */
static const weft_expr **
equal_parts(onnx_node *n, const weft_value *x, int axis)
{
    const weft_expr **part = WEFT_NEW_ARRAY(n->arena, n->nout + 1, const weft_expr *);
    int64_t asked = weft_onnx_attr_int(n, "num_outputs", n->nout), size;
    if (asked != n->nout || n->nout < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "num_outputs is %lld, but there are %d outputs",
                       (long long)asked, n->nout);
    if (n->status != WEFT_OK)
        return NULL;
    bool constant = weft_as_int(x->dim[axis], &size);
    if (constant && size % n->nout != 0 && n->version < 18)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%lld elements do not split into %d equal parts",
                       (long long)size, n->nout);
    const weft_expr *each =
        constant && n->version >= 18
            ? weft_dim(n->graph, weft_ceildiv(size, n->nout))
            : weft_dim_op(n->graph, WEFT_EK_FDIV, x->dim[axis], weft_dim(n->graph, n->nout));
    for (int i = 0; i < n->nout; i++)
        part[i] = each;
    int64_t chunk;
    if (constant && weft_as_int(each, &chunk) && size - chunk * (n->nout - 1) >= 0)
        part[n->nout - 1] = weft_dim(n->graph, size - chunk * (n->nout - 1));
    else if (constant)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%lld elements do not split into %d parts",
                       (long long)size, n->nout);
    return part;
}

static const weft_expr **
split_parts(onnx_node *n, const weft_value *x, int axis)
{
    int count = 0;
    const weft_expr *const *given = NULL;
    const int64_t *ints = n->version < 13 ? weft_onnx_attr_ints(n, "split", &count) : NULL;
    if (!ints)
        given = weft_onnx_elems(n, 1, &count);
    if (n->status != WEFT_OK)
        return NULL;
    if (!ints && !given)
        return equal_parts(n, x, axis);
    if (count != n->nout) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d sizes for %d outputs", count, n->nout);
        return NULL;
    }
    const weft_expr **part = WEFT_NEW_ARRAY(n->arena, n->nout + 1, const weft_expr *);
    const weft_expr *sum = weft_dim(n->graph, 0);
    for (int i = 0; i < count; i++) {
        part[i] = ints ? weft_dim(n->graph, ints[i]) : given[i];
        sum = weft_dim_op(n->graph, WEFT_EK_ADD, sum, part[i]);
    }
    if (weft_dim_equal(n->graph, sum, x->dim[axis]) == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the sizes do not add up to the dimension");
    return part;
}

void
weft_onnx_import_split(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), x->ndim, false);
    const weft_expr **part = n->status == WEFT_OK ? split_parts(n, x, axis) : NULL;
    const weft_expr *start = weft_dim(n->graph, 0);
    for (int i = 0; i < n->nout && part && n->status == WEFT_OK; i++) {
        weft_onnx_last(n, i);
        weft_onnx_set(n, i, weft_onnx_slice(n, x, axis, start, part[i]));
        start = weft_dim_op(n->graph, WEFT_EK_ADD, start, part[i]);
    }
}

/* ---- slice ----------------------------------------------------------------------------------- */

static const weft_expr *
between(onnx_node *n, const weft_expr *v, const weft_expr *low, const weft_expr *high)
{
    v = weft_dim_op(n->graph, WEFT_EK_MAX, v, low);
    return weft_dim_op(n->graph, WEFT_EK_MIN, v, high);
}

/* A start or end: from the end when negative, then clamped to low .. high.  What lies beyond 31
 * bits means "the far end". */
static const weft_expr *
bound(onnx_node *n, const weft_expr *v, const weft_expr *size, const weft_expr *low,
      const weft_expr *high)
{
    int64_t k;
    if (weft_as_int(v, &k)) {
        if (k >= INT32_MAX)
            return high;
        if (k <= -INT32_MAX)
            return low;
    }
    int sign = weft_dim_at_least(n->graph, v, 0);
    if (sign < 0) {
        weft_onnx_fail(
            n, WEFT_UNSUPPORTED,
            "whether a start or end is negative depends on symbols; give them a value (--dim)");
        return NULL;
    }
    if (sign == 0)
        v = weft_dim_op(n->graph, WEFT_EK_ADD, v, size);
    return between(n, v, low, high);
}

typedef struct cut {
    const weft_expr **start, **dim;
    int64_t *step;
} cut;

/* One axis: the first element and how many. */
static void
cut_axis(onnx_node *n, const weft_value *x, const cut *c, int axis, const weft_expr *start,
         const weft_expr *end, int64_t step)
{
    weft_graph *g = n->graph;
    const weft_expr *size = x->dim[axis], *zero = weft_dim(g, 0), *count;
    const weft_expr *last = weft_dim_op(g, WEFT_EK_SUB, size, weft_dim(g, 1));
    if (step == 0 || step == INT64_MIN) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "step %lld of axis %d is not possible",
                       (long long)step, axis);
        return;
    }
    if (step > 0) {
        start = bound(n, start, size, zero, size);
        end = bound(n, end, size, zero, size);
        count = weft_dim_op(g, WEFT_EK_SUB, end, start);
    } else {
        start = bound(n, start, size, weft_dim(g, -1), last);
        end = bound(n, end, size, weft_dim(g, -1), last);
        count = weft_dim_op(g, WEFT_EK_SUB, start, end);
    }
    int64_t by = step > 0 ? step : -step;
    count = by > INT32_MAX ? weft_dim_op(g, WEFT_EK_MIN, count, weft_dim(g, 1))
                           : weft_dim_ceildiv(g, count, by);
    count = weft_dim_op(g, WEFT_EK_MAX, count, zero);
    c->start[axis] = weft_is_int_imm(count, 0) ? zero : start;
    c->dim[axis] = count;
    c->step[axis] = weft_is_int_imm(count, 1) || weft_is_int_imm(count, 0) ? 1 : step;
}

/* All of x. */
static cut
whole(onnx_node *n, const weft_value *x)
{
    cut c = { WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *),
              WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *),
              WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t) };
    for (int i = 0; i < x->ndim; i++) {
        c.start[i] = weft_dim(n->graph, 0);
        c.dim[i] = x->dim[i];
        c.step[i] = 1;
    }
    return c;
}

/* Whether as many starts, ends, axes (of which there may be none) and steps (likewise) are there. */
static bool
as_many(onnx_node *n, int rank, int nstart, int nend, const int64_t *axes, int naxes,
        const int64_t *steps, int nsteps)
{
    if (n->status == WEFT_OK && (nstart != nend || (axes ? naxes != nstart : nstart > rank) ||
                                 (steps && nsteps != nstart)))
        weft_onnx_fail(
            n, WEFT_INVALID_INPUT,
            "starts, ends, axes and steps have %d, %d, %d and %d elements; they have to be as many",
            nstart, nend, naxes, nsteps);
    return n->status == WEFT_OK;
}

static void
give_cut(onnx_node *n, weft_value *x, const cut *c)
{
    weft_attr attr[] = { weft_attr_dims("starts", x->ndim, c->start),
                         weft_attr_ints("steps", x->ndim, c->step),
                         weft_attr_dims("dims", x->ndim, c->dim) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_SLICE, 1, &x, 3, attr));
}

void
weft_onnx_import_slice_attrs(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    cut c = whole(n, x);
    int nstart, nend, naxes;
    const int64_t *start = weft_onnx_attr_ints(n, "starts", &nstart);
    const int64_t *end = weft_onnx_attr_ints(n, "ends", &nend);
    const int64_t *axes = weft_onnx_axes(n, "axes", n->nin, x->ndim, &naxes);
    if (n->status == WEFT_OK && !(start && end))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attributes 'starts' and 'ends' have to be there");
    if (!as_many(n, x->ndim, nstart, nend, axes, naxes, NULL, 0))
        return;
    for (int i = 0; i < nstart && n->status == WEFT_OK; i++)
        cut_axis(n, x, &c, axes ? (int)axes[i] : i, weft_dim(n->graph, start[i]),
                 weft_dim(n->graph, end[i]), 1);
    give_cut(n, x, &c);
}

void
weft_onnx_import_slice(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    cut c = whole(n, x);
    int nstart, nend, naxes, nsteps;
    const weft_expr *const *start = weft_onnx_elems(n, 1, &nstart);
    const weft_expr *const *end = weft_onnx_elems(n, 2, &nend);
    const int64_t *axes = weft_onnx_axes(n, NULL, 3, x->ndim, &naxes);
    const int64_t *steps = weft_onnx_in_ints(n, 4, &nsteps);
    if (!as_many(n, x->ndim, nstart, nend, axes, naxes, steps, nsteps))
        return;
    for (int i = 0; i < nstart && n->status == WEFT_OK; i++)
        cut_axis(n, x, &c, axes ? (int)axes[i] : i, start[i], end[i], steps ? steps[i] : 1);
    give_cut(n, x, &c);
}

/* ---- pad ------------------------------------------------------------------------------------- */

/* The 2 * rank elements of `given` at 2 * k for axis k, spread over the axes named by input 3. */
static void
spread_pads(onnx_node *n, int rank, int count, const weft_expr *const *given,
            const weft_expr **before, const weft_expr **after)
{
    int naxes = rank;
    const int64_t *axes = weft_onnx_axes(n, NULL, 3, rank, &naxes);
    if (!axes)
        naxes = rank;
    if (n->status == WEFT_OK && count != 2 * naxes)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d pads for %d axes; there are two an axis", count,
                       naxes);
    for (int i = 0; i < rank; i++)
        before[i] = after[i] = weft_dim(n->graph, 0);
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        int axis = axes ? (int)axes[i] : i;
        before[axis] = given[i];
        after[axis] = given[naxes + i];
    }
}

void
weft_onnx_import_pad(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *in[2] = { x, NULL };
    const weft_expr **before = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    const weft_expr **after = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    const weft_expr *const *given = NULL;
    const char *mode = weft_onnx_attr_text(n, "mode", "constant");
    int count = 0;
    if (n->version < 11) {
        const int64_t *ints = weft_onnx_attr_ints(n, n->version < 2 ? "paddings" : "pads", &count);
        const weft_expr **e = WEFT_NEW_ARRAY(n->arena, count + 1, const weft_expr *);
        for (int i = 0; i < count; i++)
            e[i] = weft_dim(n->graph, ints[i]);
        given = ints ? e : NULL;
        in[1] = weft_onnx_scalar(n, x->dtype, weft_onnx_attr_float(n, "value", 0));
    } else {
        given = weft_onnx_elems(n, 1, &count);
        in[1] = weft_onnx_in(n, 2);
    }
    if (!given)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the pads are missing");
    if (n->status != WEFT_OK)
        return;
    spread_pads(n, x->ndim, count, given, before, after);
    weft_attr attr[] = { weft_attr_dims("before", x->ndim, before),
                         weft_attr_dims("after", x->ndim, after), weft_attr_text("mode", mode) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_PAD, in[1] ? 2 : 1, in, 3, attr));
}
