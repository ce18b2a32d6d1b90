/* Importers of constants: given as attributes, filled, counted, or masks made of them. */
#include "import/ops.h"

#include <math.h>
#include <string.h>

/* ---- Constant -------------------------------------------------------------------------------- */

/* One or several numbers of an attribute; ndim 0 or 1. */
static void
of_numbers(onnx_node *n, weft_dtype t, int ndim, int count, const int64_t *ints,
           const double *floats)
{
    int64_t dim = count;
    weft_const c;
    void *data = weft_onnx_new_constant(n, t, ndim, &dim, &c);
    for (int i = 0; data && i < count; i++) {
        if (ints)
            weft_set_i64(t, data, i, ints[i]);
        else
            weft_set_f64(t, data, i, floats[i]);
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, data ? weft_onnx_constant_of(n, &c) : NULL);
}

void
weft_onnx_import_constant(onnx_node *n)
{
    weft_const c;
    int count;
    if (weft_onnx_has_attr(n, "value")) {
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0,
                      weft_onnx_attr_tensor(n, "value", &c) ? weft_onnx_constant_of(n, &c) : NULL);
    } else if (weft_onnx_has_attr(n, "value_float")) {
        double v = weft_onnx_attr_float(n, "value_float", 0);
        of_numbers(n, WEFT_F32, 0, 1, NULL, &v);
    } else if (weft_onnx_has_attr(n, "value_int")) {
        int64_t v = weft_onnx_attr_int(n, "value_int", 0);
        of_numbers(n, WEFT_I64, 0, 1, &v, NULL);
    } else if (weft_onnx_has_attr(n, "value_floats")) {
        const double *v = weft_onnx_attr_floats(n, "value_floats", &count);
        of_numbers(n, WEFT_F32, 1, count, NULL, v);
    } else if (weft_onnx_has_attr(n, "value_ints")) {
        const int64_t *v = weft_onnx_attr_ints(n, "value_ints", &count);
        of_numbers(n, WEFT_I64, 1, count, v, NULL);
    } else if (n->proto->n_attribute == 0) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "no value is given");
    } else {
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "a constant given by '%s' is not supported",
                       weft_onnx_text(n->proto->attribute[0]->name));
    }
}

/* An integer that a double does not hold is spread out; what remains is filled. */
void
weft_onnx_import_constant_of_shape(onnx_node *n)
{
    int count;
    weft_const c = { .dtype = WEFT_F32, .size = 4, .data = &(float){ 0 } };
    const weft_expr *const *dim = weft_onnx_sizes(n, 0, &count);
    if (weft_onnx_has_attr(n, "value") && !weft_onnx_attr_tensor(n, "value", &c))
        return;
    int bits = weft_dtype_bits(c.dtype);
    if (n->status == WEFT_OK && c.size != (size_t)(bits < 8 ? 8 : bits) / 8)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the value has to be one element, not %zu bytes",
                       c.size);
    if (n->status != WEFT_OK)
        return;
    double v = weft_get_f64(c.dtype, c.data, 0);
    if (!weft_is_float(c.dtype) && (v > 9007199254740992.0 || v < -9007199254740992.0)) {
        weft_onnx_last(n, 0);
        const char *name = n->next;
        n->next = NULL;
        weft_value *one = weft_onnx_constant_of(n, &c);
        n->next = name;
        weft_onnx_set(n, 0, weft_onnx_broadcast(n, weft_onnx_reshape(n, one, 0, NULL), count, dim));
        return;
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_full(n, c.dtype, count, dim, v));
}

/* ---- counted --------------------------------------------------------------------------------- */

/* ceil((limit - start) / step), at least 0; step is not 0. */
static const weft_expr *
range_count(onnx_node *n, const weft_expr *start, const weft_expr *limit, int64_t step)
{
    weft_graph *g = n->graph;
    int64_t from, to, span;
    if (weft_as_int(start, &from) && weft_as_int(limit, &to)) {
        if (step == INT64_MIN || __builtin_sub_overflow(to, from, &span)) {
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "a delta of %lld from %lld to %lld is not possible",
                           (long long)step, (long long)from, (long long)to);
            return NULL;
        }
        return weft_dim(g, (span < 0) != (step < 0) ? 0 : span / step + (span % step != 0));
    }
    if (step < -INT32_MAX || step > INT32_MAX) {
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "a delta of %lld for symbolic limits", (long long)step);
        return NULL;
    }
    const weft_expr *way = step > 0 ? weft_dim_op(g, WEFT_EK_SUB, limit, start)
                                    : weft_dim_op(g, WEFT_EK_SUB, start, limit);
    return weft_dim_ceildiv(g, weft_dim_op(g, WEFT_EK_MAX, way, weft_dim(g, 0)),
                            step > 0 ? step : -step);
}

static weft_value *
counted(onnx_node *n, weft_dtype t, int64_t start, int64_t step, int64_t size)
{
    weft_const c;
    void *data = weft_onnx_new_constant(n, t, 1, &size, &c);
    for (int64_t i = 0; data && i < size; i++)
        weft_set_i64(t, data, i, start + i * step);
    return data ? weft_onnx_constant_of(n, &c) : NULL;
}

static void
range_of_ints(onnx_node *n, weft_dtype t)
{
    const weft_expr *start = n->in[0]->elem[0], *limit = n->in[1]->elem[0];
    int64_t step = 0;
    if (!weft_as_int(n->in[2]->elem[0], &step) || step == 0) {
        weft_onnx_fail(n, step ? WEFT_UNSUPPORTED : WEFT_INVALID_INPUT,
                       "delta has to be no symbol, and not 0");
        return;
    }
    const weft_expr *count = range_count(n, start, limit, step);
    int64_t from, size;
    weft_onnx_last(n, 0);
    if (weft_as_int(start, &from) && count && weft_as_int(count, &size))
        weft_onnx_set(n, 0, counted(n, t, from, step, size));
    else
        weft_onnx_set(n, 0, weft_onnx_arange(n, t, start, step, count));
}

static void
range_of_floats(onnx_node *n, weft_dtype t)
{
    double start, limit, step;
    if (!weft_onnx_in_number(n, 0, &start) || !weft_onnx_in_number(n, 1, &limit) ||
        !weft_onnx_in_number(n, 2, &step))
        return;
    double steps = ceil((limit - start) / step);
    if (isnan(steps) || steps > INT32_MAX)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "a delta of %g from %g to %g is not possible", step,
                       start, limit);
    int64_t count = isnan(steps) || steps <= 0 || steps > INT32_MAX ? 0 : (int64_t)steps;
    weft_const c;
    void *data = weft_onnx_new_constant(n, t, 1, &count, &c);
    for (int64_t i = 0; data && i < count; i++)
        weft_set_f64(t, data, i, start + (double)i * step);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, data ? weft_onnx_constant_of(n, &c) : NULL);
}

/* ceil(span / step) of integers of either sign, where it is above 0. */
static weft_value *
steps_of_ints(onnx_node *n, weft_value *span, weft_value *step)
{
    weft_value *zero = weft_onnx_scalar(n, WEFT_I64, 0);
    weft_value *whole = weft_onnx_binary(n, WEFT_GOP_DIV, span, step);
    weft_value *rest = weft_onnx_binary(n, WEFT_GOP_SUB, span,
                                        weft_onnx_binary(n, WEFT_GOP_MUL, whole, step));
    weft_value *more = weft_onnx_binary(
        n, WEFT_GOP_AND, weft_onnx_binary(n, WEFT_GOP_NOT_EQUAL, rest, zero),
        weft_onnx_binary(n, WEFT_GOP_EQUAL, weft_onnx_binary(n, WEFT_GOP_LESS, span, zero),
                         weft_onnx_binary(n, WEFT_GOP_LESS, step, zero)));
    return weft_onnx_binary(n, WEFT_GOP_ADD, whole, weft_onnx_cast(n, more, WEFT_I64));
}

static weft_value *
one_number(onnx_node *n, int i)
{
    weft_value *v = n->in[i];
    int64_t count;
    if (!weft_value_count(v, &count) || count != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be one number", i);
    return v->ndim ? weft_onnx_reshape(n, v, 0, NULL) : v;
}

/* start + i * step, as many as the run finds that there are before the limit. */
static void
range_of_run(onnx_node *n, weft_dtype t)
{
    weft_dtype wide = weft_is_float(t) ? t : WEFT_I64;
    weft_value *start = weft_onnx_cast(n, one_number(n, 0), wide),
               *limit = weft_onnx_cast(n, one_number(n, 1), wide),
               *step = weft_onnx_cast(n, one_number(n, 2), wide);
    weft_value *steps = weft_onnx_binary(n, WEFT_GOP_SUB, limit, start);
    steps = weft_is_float(t) ? weft_onnx_unary(n, WEFT_GOP_CEIL,
                                               weft_onnx_binary(n, WEFT_GOP_DIV, steps, step))
                             : steps_of_ints(n, steps, step);
    steps = weft_onnx_binary(n, WEFT_GOP_MAXIMUM, weft_onnx_cast(n, steps, WEFT_I64),
                             weft_onnx_scalar(n, WEFT_I64, 0));
    const weft_expr *count = weft_onnx_size_at(n, steps, 0, 0);
    if (!count)
        return;
    weft_value *at = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, count);
    at = weft_onnx_binary(n, WEFT_GOP_MUL, weft_onnx_cast(n, at, wide), step);
    if (t == wide)
        weft_onnx_last(n, 0);
    at = weft_onnx_binary(n, WEFT_GOP_ADD, at, start);
    if (t != wide)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, at, t));
}

void
weft_onnx_import_range(onnx_node *n)
{
    weft_dtype t = n->in[0]->dtype;
    bool known = true;
    for (int i = 0; i < 3; i++)
        known = known && n->in[i]->elem && n->in[i]->nelem == 1;
    if (n->in[1]->dtype != t || n->in[2]->dtype != t)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "start, limit and delta have to be of one type");
    else if (!known)
        range_of_run(n, t);
    else if (weft_is_float(t))
        range_of_floats(n, t);
    else
        range_of_ints(n, t);
}

/* ---- masks ----------------------------------------------------------------------------------- */

void
weft_onnx_import_eye_like(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_dtype t = weft_onnx_has_attr(n, "dtype")
                       ? weft_onnx_dtype(weft_onnx_attr_int(n, "dtype", 0))
                       : x->dtype;
    int64_t k = weft_onnx_attr_int(n, "k", 0);
    if (x->ndim != 2 || t == WEFT_DTYPE_COUNT)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs a matrix and an element type that weft has");
    if (n->status != WEFT_OK)
        return;
    int64_t dim[2] = { weft_onnx_size(n, x, 0), weft_onnx_size(n, x, 1) };
    weft_const c;
    void *data = n->status == WEFT_OK ? weft_onnx_new_constant(n, t, 2, dim, &c) : NULL;
    for (int64_t i = 0; data && i < dim[0]; i++)
        if (k > -dim[0] && k < dim[1] && i + k >= 0 && i + k < dim[1])
            weft_set_f64(t, data, i * dim[1] + i + k, 1);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, data ? weft_onnx_constant_of(n, &c) : NULL);
}

/* Whether a triangle has its elements, of constant sizes and offset. */
static weft_value *
known_triangle(onnx_node *n, const int64_t dim[2], int64_t offset, bool upper)
{
    weft_const c;
    uint8_t *data = weft_onnx_new_constant(n, WEFT_BOOL, 2, dim, &c);
    for (int64_t i = 0; data && i < dim[0]; i++)
        for (int64_t j = 0; j < dim[1]; j++)
            data[i * dim[1] + j] = upper ? j - i >= offset : j - i <= offset;
    return data ? weft_onnx_constant_of(n, &c) : NULL;
}

/* The same of any: column - row against the offset, input 1 or 0. */
static weft_value *
triangle(onnx_node *n, const weft_value *x, bool upper)
{
    const weft_expr *zero = weft_dim(n->graph, 0);
    weft_value *row = weft_onnx_arange(n, WEFT_I64, zero, 1, x->dim[x->ndim - 2]),
               *column = weft_onnx_arange(n, WEFT_I64, zero, 1, x->dim[x->ndim - 1]);
    weft_value *offset = weft_onnx_in(n, 1);
    offset = offset ? weft_onnx_reshape(n, weft_onnx_cast(n, offset, WEFT_I64), 0, NULL)
                    : weft_onnx_scalar(n, WEFT_I64, 0);
    weft_value *off = weft_onnx_binary(n, WEFT_GOP_SUB, weft_onnx_along(n, column, 1, 2),
                                       weft_onnx_along(n, row, 0, 2));
    return weft_onnx_binary(n, upper ? WEFT_GOP_GREATER_EQUAL : WEFT_GOP_LESS_EQUAL, off, offset);
}

/* The upper (or lower) triangle of the last two dimensions is kept, the rest is 0. */
void
weft_onnx_import_trilu(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *k = weft_onnx_in(n, 1);
    bool upper = weft_onnx_attr_int(n, "upper", 1) != 0;
    int64_t dim[2], offset = 0;
    if (x->ndim < 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "needs two dimensions at least");
    if (n->status != WEFT_OK)
        return;
    bool known = weft_as_int(x->dim[x->ndim - 2], &dim[0]) &&
                 weft_as_int(x->dim[x->ndim - 1], &dim[1]) &&
                 (!k || (k->elem && k->nelem == 1 && weft_as_int(k->elem[0], &offset)));
    weft_value *mask = known ? known_triangle(n, dim, offset, upper) : triangle(n, x, upper);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_where(n, mask, x, weft_onnx_scalar(n, x->dtype, 0)));
}

/* The element of `values` at i: off, then on. */
static weft_value *
value_at(onnx_node *n, int i)
{
    const weft_expr *one = weft_dim(n->graph, 1);
    return weft_onnx_reshape(
        n, weft_onnx_slice(n, weft_onnx_in(n, 2), 0, weft_dim(n->graph, i), one), 0, NULL);
}

/* Indices with an axis of 1 against 0 .. depth - 1 along it; negative ones count from the end. */
void
weft_onnx_import_one_hot(onnx_node *n)
{
    weft_value *index = weft_onnx_in(n, 0);
    int rank = index->ndim + 1, axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), rank, false);
    weft_value *given = weft_onnx_cast(n, weft_onnx_in(n, 1), WEFT_I64);
    const weft_expr *depth = weft_onnx_size_at(n, given, 0, axis);
    int64_t known;
    if (n->status == WEFT_OK && ((weft_as_int(depth, &known) && (known < 1 || known > INT32_MAX)) ||
                                 weft_onnx_in(n, 2)->ndim != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "depth has to be positive and values have to be a list of two");
    if (n->status != WEFT_OK)
        return;
    const weft_expr **apart = WEFT_NEW_ARRAY(n->arena, rank, const weft_expr *);
    for (int i = 0; i < rank; i++)
        apart[i] = i == axis ? weft_dim(n->graph, 1) : index->dim[i < axis ? i : i - 1];
    weft_value *count = weft_onnx_along(
        n, weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, depth), axis, rank);
    weft_value *zero = weft_onnx_scalar(n, WEFT_I64, 0);
    index = weft_onnx_reshape(n, weft_onnx_cast(n, index, WEFT_I64), rank, apart);
    weft_value *wrapped = weft_onnx_binary(n, WEFT_GOP_ADD, index,
                                           weft_graph_dims(n->graph, NULL, 1, &depth));
    index = weft_onnx_where(n, weft_onnx_binary(n, WEFT_GOP_LESS, index, zero), wrapped, index);
    weft_value *hit = weft_onnx_binary(n, WEFT_GOP_EQUAL, index, count);
    weft_value *on = value_at(n, 1), *off = value_at(n, 0);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_where(n, hit, on, off));
}
