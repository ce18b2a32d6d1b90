/* te/topi/reduce.c: reductions over axes. */
#include "topi/topi.h"

#include <string.h>

/* A reduction's axes: the kept ones make the output, the others run inside. */
typedef struct shape {
    int nout, nreduce;
    weft_axis **out, **reduce;
    const weft_expr **at; /* the input's index */
} shape;

static bool
is_reduced(int d, int naxes, const int64_t *axes)
{
    for (int i = 0; i < naxes; i++)
        if (axes[i] == d)
            return true;
    return false;
}

static shape
split_axes(weft_te *te, weft_tensor *x, int naxes, const int64_t *axes, bool keepdims)
{
    weft_arena *arena = &te->ir->arena;
    int n = x->buf->ndim, kept = 0;
    shape s = { .reduce = WEFT_NEW_ARRAY(arena, naxes + 1, weft_axis *),
                .at = WEFT_NEW_ARRAY(arena, n + 1, const weft_expr *) };
    const weft_expr **dim = WEFT_NEW_ARRAY(arena, n + 1, const weft_expr *);
    for (int d = 0; d < n; d++)
        if (!is_reduced(d, naxes, axes))
            dim[s.nout++] = x->buf->shape[d];
        else if (keepdims)
            dim[s.nout++] = weft_i32(te->ir, 1);
    s.out = weft_topi_axes(te, s.nout, dim);
    for (int d = 0; d < n; d++) {
        bool reduced = is_reduced(d, naxes, axes);
        if (reduced) {
            s.reduce[s.nreduce] = weft_te_reduce_axis(
                te, weft_arena_printf(arena, "r%d", s.nreduce), x->buf->shape[d]);
            s.at[d] = weft_axis_ref(te, s.reduce[s.nreduce++]);
        } else {
            s.at[d] = weft_axis_ref(te, s.out[kept]);
        }
        kept += !reduced || keepdims;
    }
    return s;
}

static const struct {
    const char *name;
    weft_reducer reducer;
} reducers[] = {
    { "sum", WEFT_SUM },  { "mean", WEFT_SUM },  { "max", WEFT_RMAX },
    { "min", WEFT_RMIN }, { "prod", WEFT_PROD },
};

static weft_reducer
reducer_of(const char *name, weft_dtype t)
{
    weft_reducer r = WEFT_REDUCER_COUNT;
    for (size_t i = 0; i < sizeof reducers / sizeof *reducers; i++)
        if (strcmp(reducers[i].name, name) == 0)
            r = reducers[i].reducer;
    if (t == WEFT_BOOL)
        r = r == WEFT_RMAX ? WEFT_ANY : r == WEFT_RMIN ? WEFT_ALL : r;
    return r;
}

/* The sum over its count, in x's dtype; of integers towards zero. */
static const weft_expr *
mean_of(weft_te *te, const weft_expr *sum, const shape *s)
{
    weft_ir *ir = te->ir;
    weft_dtype t = (weft_dtype)sum->h.type.dtype;
    const weft_expr *count = weft_int(ir, WEFT_I32, 1);
    for (int i = 0; i < s->nreduce; i++)
        count = weft_mul(ir, count, weft_cast(ir, WEFT_I32, s->reduce[i]->extent));
    count = weft_cast(ir, t, weft_simplify_expr(ir, NULL, count));
    if (weft_is_float(t))
        return weft_div(ir, sum, weft_simplify_expr(ir, NULL, count));
    const weft_expr *zero = weft_topi_num(te, t, 0), *size = weft_max(ir, sum, weft_neg(ir, sum));
    const weft_expr *q = weft_fdiv(ir, size, count);
    return weft_dtype_kind(t) == WEFT_KIND_UINT
               ? weft_fdiv(ir, sum, count)
               : weft_select(ir, weft_lt(ir, sum, zero), weft_neg(ir, q), q);
}

weft_tensor *
weft_topi_reduce(weft_te *te, const char *name, weft_tensor *x, int naxes, const int64_t *axes,
                 bool keepdims)
{
    if (!x)
        return NULL;
    weft_dtype t = x->buf->dtype, wide = weft_topi_sum_dtype(t);
    shape s = split_axes(te, x, naxes, axes, keepdims);
    const weft_expr *source = weft_cast(te->ir, wide, weft_topi_at(te, x, s.at));
    bool mean = strcmp(name, "mean") == 0;
    weft_tensor *sum = s.nreduce ? weft_te_reduce(te, mean ? "sum" : name, s.nout, s.out, s.nreduce,
                                                  s.reduce, reducer_of(name, t), source)
                                 : weft_te_compute(te, name, s.nout, s.out, source);
    if (!sum || (!mean && wide == t))
        return sum;
    weft_axis **axis = weft_topi_axes(te, s.nout, sum->buf->shape);
    const weft_expr *v = weft_topi_at(te, sum, weft_topi_refs(te, s.nout, axis));
    if (mean)
        v = mean_of(te, v, &s);
    return weft_te_compute(te, name, s.nout, axis, weft_cast(te->ir, t, v));
}

/* ---- argmax and argmin ----------------------------------------------------------------------- */

weft_tensor *
weft_topi_argreduce(weft_te *te, bool greatest, weft_tensor *x, int axis, bool keepdims, bool last)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    weft_type value = weft_scalar(x->buf->dtype);
    int64_t at = axis;
    shape s = split_axes(te, x, 1, &at, keepdims);
    const weft_var *lhs[2] = { weft_te_var(te, "li", WEFT_I64),
                               weft_te_var(te, "lv", x->buf->dtype) };
    const weft_var *rhs[2] = { weft_te_var(te, "ri", WEFT_I64),
                               weft_te_var(te, "rv", x->buf->dtype) };
    const weft_expr *li = weft_ref(ir, lhs[0]), *lv = weft_ref(ir, lhs[1]),
                    *ri = weft_ref(ir, rhs[0]), *rv = weft_ref(ir, rhs[1]);
    const weft_expr *better = greatest ? weft_gt(ir, lv, rv) : weft_lt(ir, lv, rv);
    const weft_expr *earlier = last ? weft_gt(ir, li, ri) : weft_lt(ir, li, ri);
    const weft_expr *keep = weft_or(ir, better, weft_and(ir, weft_eq(ir, lv, rv), earlier));
    const weft_expr *none = weft_int(ir, WEFT_I64, last ? -1 : INT64_MAX);
    weft_tuple_reducer best = {
        .n = 2,
        .lhs = lhs,
        .rhs = rhs,
        .result =
            (const weft_expr *[]){ weft_select(ir, keep, li, ri), weft_select(ir, keep, lv, rv) },
        .identity = (const weft_expr *[]){ none, greatest ? weft_lowest(ir, value)
                                                          : weft_highest(ir, value) },
    };
    const weft_expr *source[2] = { weft_cast(ir, WEFT_I64, weft_axis_ref(te, s.reduce[0])),
                                   weft_topi_at(te, x, s.at) };
    weft_tensor *out[2];
    const char *name[2] = { greatest ? "argmax" : "argmin", "best" };
    if (weft_te_reduce_tuple(te, name, s.nout, s.out, 1, s.reduce, &best, source, out))
        return NULL;
    return out[0];
}
