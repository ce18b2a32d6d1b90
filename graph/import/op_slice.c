/* Importers of Slice.  A start or end that is not known before the run is brought into its axis on
 * the device; first element and number of elements are read from there. */
#include "import/ops.h"

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

/* Whether as many starts, ends, axes (of which there may be none) and steps
 * (likewise) are there. */
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

/* ---- bounds that the run finds --------------------------------------------------------------- */

/* Element i of a list of bounds as an i64 tensor of rank 0. */
static weft_value *
element(onnx_node *n, weft_value *list, int64_t i)
{
    weft_graph *g = n->graph;
    if (!list || n->status != WEFT_OK)
        return NULL;
    if (list->elem && i < list->nelem)
        return weft_onnx_made(n, weft_graph_dims(g, n->name, -1, &list->elem[i]));
    weft_value *one = weft_onnx_slice(n, list, 0, weft_dim(g, i), weft_dim(g, 1));
    return weft_onnx_cast(n, one ? weft_onnx_reshape(n, one, 0, NULL) : NULL, WEFT_I64);
}

static weft_value *
size_value(onnx_node *n, const weft_expr *size)
{
    return size ? weft_onnx_made(n, weft_graph_dims(n->graph, n->name, -1, &size)) : NULL;
}

static weft_value *
plus(onnx_node *n, weft_value *v, int64_t by)
{
    return weft_onnx_binary(n, WEFT_GOP_ADD, v, size_value(n, weft_dim(n->graph, by)));
}

/* From the end where it is negative, then clamped to low .. size + low. */
static weft_value *
inside(onnx_node *n, weft_value *v, weft_value *size, int64_t low)
{
    weft_value *least = size_value(n, weft_dim(n->graph, low)),
               *zero = size_value(n, weft_dim(n->graph, 0));
    weft_value *from_end = weft_onnx_binary(n, WEFT_GOP_ADD, v, size);
    v = weft_onnx_where(n, weft_onnx_binary(n, WEFT_GOP_LESS, v, zero), from_end, v);
    v = weft_onnx_binary(n, WEFT_GOP_MAXIMUM, v, least);
    return weft_onnx_binary(n, WEFT_GOP_MINIMUM, v, low ? plus(n, size, low) : size);
}

static const weft_expr *
read_size(onnx_node *n, weft_value *v, const weft_expr *most)
{
    if (n->status != WEFT_OK)
        return NULL;
    return weft_onnx_made_dim(n, weft_graph_read(n->graph, n->name, n->kind, v, 0, most));
}

static void
cut_at_run(onnx_node *n, const weft_value *x, const cut *c, int axis, weft_value *start,
           weft_value *end, int64_t step)
{
    const weft_expr *room = x->dim[axis];
    int64_t by = step > 0 ? step : -step, low = step > 0 ? 0 : -1;
    if (step == 0 || by > INT32_MAX || by < 0) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "step %lld of axis %d is not possible",
                       (long long)step, axis);
        return;
    }
    weft_value *size = size_value(n, room), *zero = size_value(n, weft_dim(n->graph, 0));
    start = inside(n, start, size, low);
    end = inside(n, end, size, low);
    weft_value *way = step > 0 ? weft_onnx_binary(n, WEFT_GOP_SUB, end, start)
                               : weft_onnx_binary(n, WEFT_GOP_SUB, start, end);
    way = plus(n, weft_onnx_binary(n, WEFT_GOP_MAXIMUM, way, zero), by - 1);
    weft_value *count =
        weft_onnx_binary(n, WEFT_GOP_DIV, way, size_value(n, weft_dim(n->graph, by)));
    start = weft_onnx_binary(n, WEFT_GOP_MAXIMUM, start, zero); /* -1: there are no elements */
    c->start[axis] = read_size(n, start, room);
    c->dim[axis] = read_size(n, count, weft_dim_ceildiv(n->graph, room, by));
    c->step[axis] = step;
}

/* ---- the operators --------------------------------------------------------------------------- */

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

/* How many elements a list has, which is known. */
static int
length_of(onnx_node *n, int i)
{
    const weft_value *v = n->in[i];
    int64_t length = 0;
    if (n->status != WEFT_OK)
        return 0;
    if (weft_is_float(v->dtype) || v->ndim > 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d ('%s') has to be a list of integers", i,
                       v->name);
    else if (!weft_value_count(v, &length) || length > WEFT_ONNX_MAX_RANK)
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "input %d ('%s') has to be of a known length", i, v->name);
    return n->status == WEFT_OK ? (int)length : 0;
}

void
weft_onnx_import_slice(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    cut c = whole(n, x);
    int nstart, nend, naxes, nsteps;
    weft_value *start = n->in[1], *end = n->in[2];
    nstart = length_of(n, 1);
    nend = length_of(n, 2);
    const int64_t *axes = weft_onnx_axes(n, NULL, 3, x->ndim, &naxes);
    const int64_t *steps = weft_onnx_in_ints(n, 4, &nsteps);
    if (!as_many(n, x->ndim, nstart, nend, axes, naxes, steps, nsteps))
        return;
    for (int i = 0; i < nstart && n->status == WEFT_OK; i++) {
        int axis = axes ? (int)axes[i] : i;
        int64_t step = steps ? steps[i] : 1;
        if (start->elem && end->elem)
            cut_axis(n, x, &c, axis, start->elem[i], end->elem[i], step);
        else
            cut_at_run(n, x, &c, axis, element(n, start, i), element(n, end, i), step);
    }
    give_cut(n, x, &c);
}
