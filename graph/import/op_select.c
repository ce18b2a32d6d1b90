/* Importers of operators whose results are as many as the data says: NonZero, Compress, Unique,
 * NonMaxSuppression.
 *
 * Each finds which of its elements are taken, a list of bool; their places come first in a list of
 * all, and their number is a size that the run reads. */
#include "import/ops.h"

/* ---- what they share ------------------------------------------------------------------------- */

static weft_value *
take(onnx_node *n, weft_value *x, weft_value *index, int64_t axis)
{
    weft_value *in[2] = { x, index };
    weft_attr attr = weft_attr_int("axis", &axis);
    return weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &attr);
}

/* All elements in one dimension. */
static weft_value *
flat(onnx_node *n, weft_value *x)
{
    const weft_expr *all = x ? weft_dim_product(n->graph, x->dim, 0, x->ndim) : NULL;
    return weft_onnx_reshape(n, x, 1, &all);
}

static weft_value *
places(onnx_node *n, weft_value *flags)
{
    return weft_onnx_unary(n, WEFT_GOP_FLATNONZERO, flags);
}

/* The places of the true elements of flags [n], i64 [as many as there are]. */
static weft_value *
true_places(onnx_node *n, weft_value *flags)
{
    weft_value *count = weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, weft_onnx_cast(n, flags, WEFT_I64),
                                         1, (int64_t[]){ 0 }, false);
    return weft_onnx_counted(n, places(n, flags), 0, count);
}

/* A size as an i64 of rank 0. */
static weft_value *
size_of(onnx_node *n, const weft_expr *size)
{
    const char *name = weft_arena_printf(n->arena, "%s_size", n->name);
    if (n->status != WEFT_OK)
        return NULL;
    return weft_onnx_reshape(n, weft_graph_dims(n->graph, name, 1, &size), 0, NULL);
}

/* Coordinate d of places in a tensor of these dims. */
static weft_value *
coordinate(onnx_node *n, weft_value *place, int ndim, const weft_expr *const *dim, int d)
{
    const weft_expr *step = weft_dim_product(n->graph, dim, d + 1, ndim);
    if (!weft_is_int_imm(step, 1)) /* a size of 0 has no places */
        place = weft_onnx_binary(n, WEFT_GOP_DIV, place, size_of(n, step));
    return d ? weft_onnx_binary(n, WEFT_GOP_MOD, place, size_of(n, dim[d])) : place;
}

/* Lists of one length side by side along `axis`, as output 0. */
static void
set_stacked(onnx_node *n, int count, weft_value **list, int64_t axis)
{
    weft_attr attr = weft_attr_int("axis", &axis);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        const weft_expr *dim[2] = { weft_dim(n->graph, 1), weft_dim(n->graph, 1) };
        dim[!axis] = list[i] ? list[i]->dim[0] : NULL;
        list[i] = weft_onnx_reshape(n, list[i], 2, dim);
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CONCAT, count, list, 1, &attr));
}

/* ---- NonZero and Compress -------------------------------------------------------------------- */

static weft_value *
is_nonzero(onnx_node *n, weft_value *x)
{
    return x->dtype == WEFT_BOOL
               ? x
               : weft_onnx_binary(n, WEFT_GOP_NOT_EQUAL, x, weft_onnx_scalar(n, x->dtype, 0));
}

/* [rank, count]: of a scalar no coordinates. */
void
weft_onnx_import_non_zero(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    weft_value *place = true_places(n, flat(n, is_nonzero(n, x)));
    weft_value **list = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, weft_value *);
    for (int d = 0; d < x->ndim; d++)
        list[d] = coordinate(n, place, x->ndim, x->dim, d);
    if (x->ndim) {
        set_stacked(n, x->ndim, list, 0);
    } else if (place) {
        const weft_expr *dim[2] = { weft_dim(n->graph, 0), place->dim[0] };
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0, weft_onnx_full(n, WEFT_I64, 2, dim, 0));
    }
}

void
weft_onnx_import_compress(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *flags = weft_onnx_in(n, 1);
    int axis = 0;
    if (flags->ndim != 1 || flags->dtype != WEFT_BOOL)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the condition has to be bool of one dimension");
    if (weft_onnx_has_attr(n, "axis"))
        axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), x->ndim, false);
    else
        x = flat(n, x);
    if (n->status != WEFT_OK)
        return;
    const weft_expr *size = weft_dim_op(n->graph, WEFT_EK_MIN, flags->dim[0], x->dim[axis]);
    if (weft_dim_equal(n->graph, size, flags->dim[0]) == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "there are more conditions than elements");
    flags = weft_onnx_slice(n, flags, 0, weft_dim(n->graph, 0), size);
    weft_value *place = true_places(n, flags);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, take(n, x, place, axis));
}

/* ---- Unique ---------------------------------------------------------------------------------- */

typedef struct unique {
    onnx_node *n;
    weft_value *x;      /* the elements, or the slices along an axis */
    int axis;           /* of x */
    weft_value *rows;   /* [size, elements of a slice] */
    weft_value *order;  /* places of the rows, sorted */
    weft_value *sorted; /* the rows in that order */
    weft_value *at;     /* of each row, the first place in that order of one like it, */
    weft_value *first;  /* and where that row is in x */
    weft_value *is_first;
} unique;

static weft_value *
search(const unique *u, weft_value *rows, bool right)
{
    weft_value *in[2] = { u->sorted, rows };
    weft_attr attr = weft_attr_int("right", &(int64_t){ right });
    return weft_onnx_emit(u->n, WEFT_GOP_SEARCHSORTED, 2, in, 1, &attr);
}

/* How many true elements stand before each. */
static weft_value *
true_before(onnx_node *n, weft_value *flags)
{
    weft_value *ones = weft_onnx_cast(n, flags, WEFT_I64);
    weft_attr attr[] = { weft_attr_int("axis", &(int64_t){ 0 }),
                         weft_attr_int("exclusive", &(int64_t){ 1 }),
                         weft_attr_int("reverse", &(int64_t){ 0 }) };
    return weft_onnx_emit(n, WEFT_GOP_CUMSUM, 1, &ones, 3, attr);
}

/* The slices along the axis as rows. */
static weft_value *
rows_of(onnx_node *n, weft_value *x, int axis)
{
    int64_t *order = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    const weft_expr *dim[2] = { x->dim[axis], weft_dim(n->graph, 1) };
    for (int d = 0; d < x->ndim; d++) {
        order[d] = d == 0 ? axis : d <= axis ? d - 1 : d;
        dim[1] = d == axis ? dim[1] : weft_dim_op(n->graph, WEFT_EK_MUL, dim[1], x->dim[d]);
    }
    return weft_onnx_reshape(n, weft_onnx_transpose(n, x, order), 2, dim);
}

static void
find_first(unique *u)
{
    onnx_node *n = u->n;
    const weft_expr *size = u->x->dim[u->axis];
    if (u->rows && weft_is_int_imm(u->rows->dim[1], 1)) {
        weft_value *list = flat(n, u->rows);
        weft_attr attr[] = { weft_attr_int("axis", &(int64_t){ 0 }),
                             weft_attr_int("descending", &(int64_t){ 0 }),
                             weft_attr_dims("count", 1, &size) };
        u->order = weft_onnx_emit(n, WEFT_GOP_ARGSORT, 1, &list, 3, attr);
    } else {
        u->order = weft_onnx_unary(n, WEFT_GOP_ARGSORT_ROWS, u->rows);
    }
    u->sorted = take(n, u->rows, u->order, 0);
    u->at = search(u, u->rows, false);
    u->first = take(n, u->order, u->at, 0);
    weft_value *own = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, size);
    u->is_first = weft_onnx_binary(n, WEFT_GOP_EQUAL, u->first, own);
}

/* Outputs 1 to 3: `index` of the results in x, `number` of the result for each element. */
static void
set_details(const unique *u, weft_value *index, weft_value *number)
{
    onnx_node *n = u->n;
    weft_onnx_set(n, 1, index);
    weft_onnx_set(n, 2, number);
    if (n->nout < 4)
        return;
    weft_value *rows = take(n, u->rows, index, 0), *right = search(u, rows, true),
               *left = search(u, rows, false);
    weft_onnx_last(n, 3);
    weft_onnx_set(n, 3, weft_onnx_binary(n, WEFT_GOP_SUB, right, left));
}

/* Sorted, the results are those in whose place the order first comes upon a row; else those that
 * are the first of their like in x. */
void
weft_onnx_import_unique(onnx_node *n)
{
    bool sorted = weft_onnx_attr_int(n, "sorted", 1) != 0, by_axis = weft_onnx_has_attr(n, "axis");
    unique u = { .n = n, .x = weft_onnx_in(n, 0) };
    u.axis = by_axis ? weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), u.x->ndim, false) : 0;
    u.x = by_axis ? u.x : flat(n, u.x);
    u.rows = n->status == WEFT_OK ? rows_of(n, u.x, u.axis) : NULL;
    if (!u.rows)
        return;
    find_first(&u);
    weft_value *flags = sorted ? take(n, u.is_first, u.order, 0) : u.is_first;
    weft_value *index = true_places(n, flags);
    weft_onnx_last(n, 1);
    if (sorted)
        index = take(n, u.order, index, 0);
    weft_value *before = true_before(n, flags);
    weft_onnx_last(n, 2);
    weft_value *number = take(n, before, sorted ? u.at : u.first, 0);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, take(n, u.x, index, u.axis));
    set_details(&u, index, number);
}

/* ---- NonMaxSuppression ----------------------------------------------------------------------- */

/* Input i as one element of dtype t in one dimension; `absent` where it is not there. */
static weft_value *
one_of(onnx_node *n, int i, weft_dtype t, double absent)
{
    const weft_expr *one = weft_dim(n->graph, 1);
    weft_value *v = weft_onnx_in(n, i);
    int64_t count;
    if (v && (v->dtype != t || !weft_value_count(v, &count) || count != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be one element of %s", i,
                       weft_dtype_name(t));
    return weft_onnx_reshape(n, v ? v : weft_onnx_scalar(n, t, absent), 1, &one);
}

/* What was taken as [batch, class, box]: the boxes of a class from the best on. */
void
weft_onnx_import_non_max_suppression(onnx_node *n)
{
    weft_value *scores = weft_onnx_in(n, 1);
    int64_t centers = weft_onnx_attr_int(n, "center_point_box", 0) != 0, axis = 2, descending = 1;
    if (scores->ndim != 3)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "scores have to be of three dimensions");
    if (n->status != WEFT_OK)
        return;
    weft_attr sort[] = { weft_attr_int("axis", &axis), weft_attr_int("descending", &descending),
                         weft_attr_dims("count", 1, &scores->dim[2]) };
    weft_value *order = weft_onnx_emit(n, WEFT_GOP_ARGSORT, 1, &scores, 3, sort);
    weft_value *in[6] = { weft_onnx_in(n, 0), scores, order, one_of(n, 2, WEFT_I64, 0),
                          one_of(n, 3, WEFT_F32, 0),
                          weft_onnx_in(n, 4) ? one_of(n, 4, WEFT_F32, 0) : NULL };
    weft_attr attr = weft_attr_int("center_point_box", &centers);
    weft_value *flags =
        weft_onnx_emit(n, WEFT_GOP_NON_MAX_SUPPRESSION, in[5] ? 6 : 5, in, 1, &attr);
    weft_value *place = true_places(n, flat(n, flags)), *list[3];
    for (int d = 0; d < 2; d++)
        list[d] = coordinate(n, place, 3, scores->dim, d);
    list[2] = take(n, flat(n, order), place, 0);
    set_stacked(n, 3, list, 1);
}
