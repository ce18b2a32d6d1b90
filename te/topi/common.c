/* te/topi/common.c: what the definitions of operators share. */
#include "topi/topi.h"

#include <string.h>

weft_axis **
weft_topi_axes(weft_te *te, int ndim, const weft_expr *const *dim)
{
    static const char letters[] = "ijklmnpquv";
    weft_axis **axis = WEFT_NEW_ARRAY(&te->ir->arena, ndim + 1, weft_axis *);
    for (int d = 0; d < ndim; d++) {
        char name[16];
        if (d < (int)sizeof letters - 1)
            snprintf(name, sizeof name, "%c", letters[d]);
        else
            snprintf(name, sizeof name, "i%d", d);
        axis[d] = weft_te_axis(te, name, dim[d]);
    }
    return axis;
}

const weft_expr **
weft_topi_refs(weft_te *te, int n, weft_axis *const *axis)
{
    const weft_expr **ref = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    for (int d = 0; d < n; d++)
        ref[d] = weft_axis_ref(te, axis[d]);
    return ref;
}

const weft_expr *const *
weft_topi_dims(const weft_tensor *t)
{
    return t->buf->shape;
}

const weft_expr *
weft_topi_at(weft_te *te, weft_tensor *t, const weft_expr *const *index)
{
    if (!t)
        return NULL;
    if (t->op->kind == WEFT_OP_COMPUTE && t->op->nreduce == 0 && weft_is_imm(t->op->body[t->index]))
        return t->op->body[t->index];
    return weft_tensor_at(te, t, t->buf->ndim, index);
}

const weft_expr *
weft_topi_at_broadcast(weft_te *te, weft_tensor *t, int n, const weft_expr *const *at)
{
    if (!t)
        return NULL;
    int ndim = t->buf->ndim;
    const weft_expr **index = WEFT_NEW_ARRAY(&te->ir->arena, ndim + 1, const weft_expr *);
    for (int d = 0; d < ndim; d++) {
        const weft_expr *i = at[n - ndim + d], *dim = t->buf->shape[d];
        int64_t extent;
        if (!weft_as_int(dim, &extent)) /* a symbol may turn out to be 1 */
            index[d] =
                weft_min(te->ir, i,
                         weft_sub(te->ir, dim, weft_int(te->ir, (weft_dtype)dim->h.type.dtype, 1)));
        else
            index[d] = extent == 1 ? weft_int(te->ir, (weft_dtype)i->h.type.dtype, 0) : i;
    }
    return weft_topi_at(te, t, index);
}

const weft_expr *
weft_topi_inside(weft_te *te, const weft_expr *i, const weft_expr *dim)
{
    weft_ir *ir = te->ir;
    if (!i)
        return NULL;
    weft_dtype t = weft_dtype_bits((weft_dtype)i->h.type.dtype) > 32 ? WEFT_I64 : WEFT_I32;
    i = weft_cast(ir, t, i);
    dim = weft_cast(ir, t, dim);
    const weft_expr *zero = weft_int(ir, t, 0), *last = weft_sub(ir, dim, weft_int(ir, t, 1));
    i = weft_select(ir, weft_lt(ir, i, zero), weft_add(ir, i, dim), i);
    return weft_cast(ir, WEFT_I32, weft_max(ir, weft_min(ir, i, last), zero));
}

const weft_expr *
weft_topi_at_some(weft_te *te, weft_tensor *t, const weft_expr *const *index, int n,
                  const weft_expr *const *dim)
{
    weft_ir *ir = te->ir;
    const weft_expr *v = weft_topi_at(te, t, index), *some = NULL;
    int64_t size;
    for (int d = 0; d < n; d++) {
        if (weft_as_int(dim[d], &size) && size > 0)
            continue;
        const weft_expr *has =
            weft_gt(ir, dim[d], weft_int(ir, (weft_dtype)dim[d]->h.type.dtype, 0));
        some = some ? weft_and(ir, some, has) : has;
    }
    return some && v ? weft_guard(ir, some, v, weft_imm(ir, v->h.type, 0)) : v;
}

int
weft_topi_broadcast_shape(weft_te *te, int k, weft_tensor *const *t, const weft_expr ***dim)
{
    int n = 0;
    for (int i = 0; i < k; i++)
        n = t[i] && t[i]->buf->ndim > n ? t[i]->buf->ndim : n;
    *dim = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    for (int i = 0; i < k; i++)
        for (int d = 0; t[i] && d < t[i]->buf->ndim; d++) {
            const weft_expr **to = &(*dim)[n - t[i]->buf->ndim + d], *from = t[i]->buf->shape[d];
            int64_t have;
            if (!*to || weft_is_int_imm(*to, 1) || (weft_as_int(from, &have) && have != 1))
                *to = from;
        }
    return n;
}

weft_dtype
weft_topi_sum_dtype(weft_dtype t)
{
    return weft_is_float(t) && weft_dtype_bits(t) < 32 ? WEFT_F32 : t;
}

const weft_expr *
weft_topi_num(weft_te *te, weft_dtype t, double v)
{
    return weft_imm(te->ir, weft_scalar(t), v);
}

const weft_expr *
weft_topi_call(weft_te *te, const char *intrin, const weft_expr *x)
{
    return weft_call(te->ir, intrin, 1, &x);
}
