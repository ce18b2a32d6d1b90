/* te/topi/norm.c: row-wise operators: every element depends on its whole row. */
#include "topi/topi.h"

/* Rows: axes [0, n) of x, those in `over` reduced away. */
typedef struct rows {
    int n, nkeep, nover;
    const bool *over;
    weft_te *te;
    weft_tensor *x;
} rows;

static rows
rows_over(weft_te *te, weft_tensor *x, int first, int last)
{
    bool *over = WEFT_NEW_ARRAY(&te->ir->arena, x->buf->ndim + 1, bool);
    rows r = { .n = x->buf->ndim, .over = over, .te = te, .x = x };
    for (int d = 0; d < r.n; d++) {
        over[d] = d >= first && d < last;
        r.nover += over[d];
    }
    r.nkeep = r.n - r.nover;
    return r;
}

/* The kept entries of an index of x. */
static const weft_expr **
kept(const rows *r, const weft_expr *const *at)
{
    const weft_expr **k = WEFT_NEW_ARRAY(&r->te->ir->arena, r->nkeep + 1, const weft_expr *);
    int n = 0;
    for (int d = 0; d < r->n; d++)
        if (!r->over[d])
            k[n++] = at[d];
    return k;
}

/* The element at an index of x, and what its row's scalars are there, as a value to reduce. */
typedef const weft_expr *element(const rows *, const weft_expr *const *at,
                                 weft_tensor *const *scalar);

/* One scalar a row: the reduction of value(x[...]). */
static weft_tensor *
reduce_rows(const rows *r, const char *name, weft_reducer reducer, element *value,
            weft_tensor *const *scalar)
{
    weft_te *te = r->te;
    const weft_expr *const *dim = weft_topi_dims(r->x);
    weft_axis **out = weft_topi_axes(te, r->nkeep, kept(r, dim));
    weft_axis **over = WEFT_NEW_ARRAY(&te->ir->arena, r->nover + 1, weft_axis *);
    const weft_expr **at = WEFT_NEW_ARRAY(&te->ir->arena, r->n + 1, const weft_expr *);
    int o = 0, k = 0;
    for (int d = 0; d < r->n; d++) {
        if (r->over[d])
            over[o] = weft_te_reduce_axis(te, weft_arena_printf(&te->ir->arena, "r%d", o), dim[d]);
        at[d] = weft_axis_ref(te, r->over[d] ? over[o++] : out[k++]);
    }
    return weft_te_reduce(te, name, r->nkeep, out, r->nover, over, reducer, value(r, at, scalar));
}

/* x's element as it is summed. */
static const weft_expr *
wide(const rows *r, const weft_expr *const *at, weft_tensor *const *scalar)
{
    (void)scalar;
    return weft_cast(r->te->ir, weft_topi_sum_dtype(r->x->buf->dtype),
                     weft_topi_at(r->te, r->x, at));
}

static const weft_expr *
row(const rows *r, const weft_expr *const *at, weft_tensor *scalar)
{
    return weft_topi_at(r->te, scalar, kept(r, at));
}

static const weft_expr *
row_length(const rows *r, weft_dtype t)
{
    weft_ir *ir = r->te->ir;
    const weft_expr *n = weft_i32(ir, 1);
    for (int d = 0; d < r->n; d++)
        if (r->over[d])
            n = weft_mul(ir, n, weft_cast(ir, WEFT_I32, weft_topi_dims(r->x)[d]));
    return weft_simplify_expr(ir, NULL, weft_cast(ir, t, weft_simplify_expr(ir, NULL, n)));
}

/* ---- softmax --------------------------------------------------------------------------------- */

static const weft_expr *
shifted_exp(const rows *r, const weft_expr *const *at, weft_tensor *const *scalar)
{
    return weft_topi_call(r->te, "exp",
                          weft_sub(r->te->ir, wide(r, at, NULL), row(r, at, scalar[0])));
}

/* exp(x - max), a tensor like x in the sum's dtype: the sum and the quotients are of it. */
static weft_tensor *
exponentials(const rows *r, weft_tensor *max)
{
    weft_te *te = r->te;
    weft_axis **out = weft_topi_axes(te, r->n, weft_topi_dims(r->x));
    return weft_te_compute(te, "exp", r->n, out,
                           shifted_exp(r, weft_topi_refs(te, r->n, out), &max));
}

weft_tensor *
weft_topi_softmax(weft_te *te, weft_tensor *x, int axis, bool log)
{
    if (!x)
        return NULL;
    rows r = rows_over(te, x, axis, axis + 1), e = r;
    /* NaN need not be the greatest: its exponential is NaN and makes the sum so. */
    weft_tensor *max = reduce_rows(&r, "max", WEFT_FMAX, wide, NULL);
    e.x = max ? exponentials(&r, max) : NULL;
    weft_tensor *sum = e.x ? reduce_rows(&e, "sum", WEFT_SUM, wide, NULL) : NULL;
    if (!sum)
        return NULL;
    weft_axis **out = weft_topi_axes(te, r.n, weft_topi_dims(x));
    const weft_expr **at = weft_topi_refs(te, r.n, out), *v;
    weft_dtype t = sum->buf->dtype;
    if (log)
        v = weft_sub(te->ir, weft_sub(te->ir, wide(&r, at, NULL), row(&r, at, max)),
                     weft_topi_call(te, "log", row(&r, at, sum)));
    else
        v = weft_mul(te->ir, weft_topi_at(te, e.x, at),
                     weft_div(te->ir, weft_topi_num(te, t, 1), row(&r, at, sum)));
    return weft_te_compute(te, log ? "log_softmax" : "softmax", r.n, out,
                           weft_cast(te->ir, x->buf->dtype, v));
}

/* ---- normalisations -------------------------------------------------------------------------- */

/* (x - mean)^2, the mean being scalar[0] over the row's length. */
static const weft_expr *
squared(const rows *r, const weft_expr *const *at, weft_tensor *const *scalar)
{
    weft_ir *ir = r->te->ir;
    const weft_expr *sum = row(r, at, scalar[0]);
    const weft_expr *mean =
        sum ? weft_div(ir, sum, row_length(r, (weft_dtype)sum->h.type.dtype)) : NULL;
    const weft_expr *d = weft_sub(ir, wide(r, at, NULL), mean);
    return weft_mul(ir, d, d);
}

/* sqrt(the row's mean of `squares`, a sum, + epsilon) */
static const weft_expr *
root_of(const rows *r, const weft_expr *const *at, weft_tensor *squares, double epsilon)
{
    weft_ir *ir = r->te->ir;
    weft_dtype t = squares->buf->dtype;
    const weft_expr *mean = weft_div(ir, row(r, at, squares), row_length(r, t));
    return weft_topi_call(r->te, "sqrt", weft_add(ir, mean, weft_topi_num(r->te, t, epsilon)));
}

/* (x - mean) * (1 / sqrt(variance + epsilon)): one division a row */
static const weft_expr *
normalised(const rows *r, const weft_expr *const *at, weft_tensor *sum, weft_tensor *squares,
           double epsilon)
{
    weft_ir *ir = r->te->ir;
    weft_dtype t = sum->buf->dtype;
    const weft_expr *mean = weft_div(ir, row(r, at, sum), row_length(r, t)),
                    *root = root_of(r, at, squares, epsilon);
    return weft_mul(ir, weft_sub(ir, wide(r, at, NULL), mean),
                    weft_div(ir, weft_topi_num(r->te, t, 1), root));
}

/* v * scale + bias in the sum's dtype, brought back to x's. */
static const weft_expr *
scaled(weft_te *te, weft_dtype t, const weft_expr *v, const weft_expr *scale, const weft_expr *bias)
{
    weft_ir *ir = te->ir;
    if (!v)
        return NULL;
    weft_dtype wide_type = (weft_dtype)v->h.type.dtype;
    v = weft_mul(ir, v, weft_cast(ir, wide_type, scale));
    if (bias)
        v = weft_add(ir, v, weft_cast(ir, wide_type, bias));
    return weft_cast(ir, t, v);
}

weft_tensor *
weft_topi_layer_norm(weft_te *te, weft_tensor *x, weft_tensor *scale, weft_tensor *bias, int axis,
                     double epsilon)
{
    if (!x || !scale)
        return NULL;
    rows r = rows_over(te, x, axis, x->buf->ndim);
    weft_tensor *sum = reduce_rows(&r, "sum", WEFT_SUM, wide, NULL);
    weft_tensor *squares = reduce_rows(&r, "squares", WEFT_SUM, squared, &sum);
    if (!squares)
        return NULL;
    weft_axis **out = weft_topi_axes(te, r.n, weft_topi_dims(x));
    const weft_expr **at = weft_topi_refs(te, r.n, out);
    const weft_expr *v = normalised(&r, at, sum, squares, epsilon);
    const weft_expr *b = bias ? weft_topi_at_broadcast(te, bias, r.n, at) : NULL;
    return weft_te_compute(
        te, "layer_norm", r.n, out,
        scaled(te, x->buf->dtype, v, weft_topi_at_broadcast(te, scale, r.n, at), b));
}

static const weft_expr *
square(const rows *r, const weft_expr *const *at, weft_tensor *const *scalar)
{
    const weft_expr *x = wide(r, at, scalar);
    return weft_mul(r->te->ir, x, x);
}

weft_tensor *
weft_topi_rms_norm(weft_te *te, weft_tensor *x, weft_tensor *scale, int axis, double epsilon)
{
    if (!x || !scale)
        return NULL;
    rows r = rows_over(te, x, axis, x->buf->ndim);
    weft_tensor *squares = reduce_rows(&r, "squares", WEFT_SUM, square, NULL);
    if (!squares)
        return NULL;
    weft_ir *ir = te->ir;
    weft_axis **out = weft_topi_axes(te, r.n, weft_topi_dims(x));
    const weft_expr **at = weft_topi_refs(te, r.n, out);
    const weft_expr *root = root_of(&r, at, squares, epsilon);
    const weft_expr *v = weft_mul(ir, wide(&r, at, NULL),
                                  weft_div(ir, weft_topi_num(te, squares->buf->dtype, 1), root));
    return weft_te_compute(
        te, "rms_norm", r.n, out,
        scaled(te, x->buf->dtype, v, weft_topi_at_broadcast(te, scale, r.n, at), NULL));
}

weft_tensor *
weft_topi_instance_norm(weft_te *te, weft_tensor *x, weft_tensor *scale, weft_tensor *bias,
                        double epsilon)
{
    if (!x || !scale || !bias)
        return NULL;
    rows r = rows_over(te, x, 2, x->buf->ndim);
    weft_tensor *sum = reduce_rows(&r, "sum", WEFT_SUM, wide, NULL);
    weft_tensor *squares = reduce_rows(&r, "squares", WEFT_SUM, squared, &sum);
    if (!squares)
        return NULL;
    weft_axis **out = weft_topi_axes(te, r.n, weft_topi_dims(x));
    const weft_expr **at = weft_topi_refs(te, r.n, out);
    const weft_expr *v = normalised(&r, at, sum, squares, epsilon);
    return weft_te_compute(te, "instance_norm", r.n, out,
                           scaled(te, x->buf->dtype, v, weft_topi_at(te, scale, at + 1),
                                  weft_topi_at(te, bias, at + 1)));
}

/* in: x, scale, bias, mean, variance, the last four of C */
weft_tensor *
weft_topi_batch_norm(weft_te *te, weft_tensor *const in[5], double epsilon)
{
    weft_ir *ir = te->ir;
    for (int i = 0; i < 5; i++)
        if (!in[i])
            return NULL;
    int n = in[0]->buf->ndim;
    weft_dtype t = weft_topi_sum_dtype(in[0]->buf->dtype);
    weft_axis **out = weft_topi_axes(te, n, weft_topi_dims(in[0]));
    const weft_expr **at = weft_topi_refs(te, n, out), *v[5];
    for (int i = 0; i < 5; i++)
        v[i] = weft_cast(ir, t, weft_topi_at(te, in[i], i == 0 ? at : at + 1));
    const weft_expr *root =
        weft_topi_call(te, "sqrt", weft_add(ir, v[4], weft_topi_num(te, t, epsilon)));
    const weft_expr *unit = weft_div(ir, weft_sub(ir, v[0], v[3]), root);
    return weft_te_compute(te, "batch_norm", n, out,
                           scaled(te, in[0]->buf->dtype, unit, v[1], v[2]));
}

/* v to the power beta; the usual 0.75 by roots, which every device has fast and exact. */
static const weft_expr *
lrn_power(weft_te *te, weft_dtype t, const weft_expr *v, double beta)
{
    weft_ir *ir = te->ir;
    const weft_expr *arg[2] = { v, weft_topi_num(te, t, beta) };
    if (beta < 0.75 || beta > 0.75)
        return weft_call(ir, "pow", 2, arg);
    const weft_expr *root = weft_call(ir, "sqrt", 1, &v);
    return weft_mul(ir, root, weft_call(ir, "sqrt", 1, &root));
}

/* x / (bias + alpha / size * sum of squares over `size` neighbouring channels)^beta */
weft_tensor *
weft_topi_lrn(weft_te *te, weft_tensor *x, int64_t size, double alpha, double beta, double bias)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    weft_dtype t = weft_topi_sum_dtype(x->buf->dtype);
    const weft_expr **before = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    const weft_expr **after = WEFT_NEW_ARRAY(&ir->arena, n, const weft_expr *);
    for (int d = 0; d < n; d++) {
        before[d] = weft_i32(ir, d == 1 ? (size - 1) / 2 : 0);
        after[d] = weft_i32(ir, d == 1 ? size - 1 - (size - 1) / 2 : 0);
    }
    weft_tensor *wide =
        weft_topi_pad(te, x, before, after, WEFT_PAD_CONSTANT, weft_topi_num(te, x->buf->dtype, 0));
    weft_axis **axis = weft_topi_axes(te, n, weft_topi_dims(x)),
              *near = weft_te_reduce_axis(te, "r", weft_i32(ir, size));
    const weft_expr **at = weft_topi_refs(te, n, axis);
    at[1] = weft_add(ir, at[1], weft_axis_ref(te, near));
    const weft_expr *v = weft_cast(ir, t, weft_topi_at(te, wide, at));
    weft_tensor *sum =
        weft_te_reduce(te, "squares", n, axis, 1, &near, WEFT_SUM, weft_mul(ir, v, v));
    axis = weft_topi_axes(te, n, weft_topi_dims(x));
    at = weft_topi_refs(te, n, axis);
    const weft_expr *mean =
        weft_mul(ir, weft_topi_at(te, sum, at), weft_topi_num(te, t, alpha / (double)size));
    const weft_expr *scale = lrn_power(te, t, weft_add(ir, weft_topi_num(te, t, bias), mean), beta);
    const weft_expr *value = weft_div(ir, weft_cast(ir, t, weft_topi_at(te, x, at)), scale);
    return weft_te_compute(te, "lrn", n, axis, weft_cast(ir, x->buf->dtype, value));
}
