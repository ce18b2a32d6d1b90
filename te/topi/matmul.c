/* te/topi/matmul.c: matrix products with broadcast batches. */
#include "topi/topi.h"

/* The batch index of an operand of rank n for the output's batch axes. */
static const weft_expr **
batch(weft_te *te, const weft_tensor *t, int nbatch, const weft_expr *const *at)
{
    int n = t->buf->ndim - 2;
    const weft_expr **index = WEFT_NEW_ARRAY(&te->ir->arena, n + 3, const weft_expr *);
    for (int d = 0; d < n; d++)
        index[d] = weft_is_int_imm(t->buf->shape[d], 1) ? weft_i32(te->ir, 0) : at[nbatch - n + d];
    return index;
}

static const weft_expr *
element(weft_te *te, weft_tensor *t, int nbatch, const weft_expr *const *at, const weft_expr *row,
        const weft_expr *column, bool transposed)
{
    int n = t->buf->ndim;
    const weft_expr **index = batch(te, t, nbatch, at);
    index[n - 2] = transposed ? column : row;
    index[n - 1] = transposed ? row : column;
    return weft_topi_at(te, t, index);
}

/* Element (r, j) of weights in panels of `pack` columns. */
static const weft_expr *
packed_element(weft_te *te, weft_tensor *b, const weft_expr *r, const weft_expr *j, int64_t pack)
{
    const weft_expr *lanes = weft_i32(te->ir, pack);
    const weft_expr *index[3] = { weft_fdiv(te->ir, j, lanes), r, weft_fmod(te->ir, j, lanes) };
    return weft_topi_at(te, b, index);
}

/* The output's batch dims, then m and n. */
static int
output_shape(weft_te *te, weft_tensor *a, weft_tensor *b, bool ta, bool tb, int64_t pack, int64_t n,
             const weft_expr ***dim)
{
    int na = a->buf->ndim - 2, nb = pack ? 0 : b->buf->ndim - 2, nbatch = na > nb ? na : nb;
    const weft_expr **d = WEFT_NEW_ARRAY(&te->ir->arena, nbatch + 3, const weft_expr *);
    for (int i = 0; i < nbatch; i++) {
        const weft_expr *x = i - (nbatch - na) >= 0 ? a->buf->shape[i - (nbatch - na)] : NULL;
        const weft_expr *y = i - (nbatch - nb) >= 0 ? b->buf->shape[i - (nbatch - nb)] : NULL;
        d[i] = !x || (y && weft_is_int_imm(x, 1)) ? y : x;
    }
    d[nbatch] = a->buf->shape[ta ? na + 1 : na];
    d[nbatch + 1] = pack ? weft_i32(te->ir, n) : b->buf->shape[tb ? nb : nb + 1];
    *dim = d;
    return nbatch;
}

weft_tensor *
weft_topi_matmul(weft_te *te, weft_tensor *a, weft_tensor *b, bool ta, bool tb, int64_t pack,
                 int64_t n, weft_dtype to)
{
    if (!a || !b)
        return NULL;
    weft_ir *ir = te->ir;
    const weft_expr **dim;
    weft_dtype wide = weft_topi_sum_dtype(a->buf->dtype);
    int nbatch = output_shape(te, a, b, ta, tb, pack, n, &dim), na = a->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, nbatch + 2, dim);
    weft_axis *r = weft_te_reduce_axis(te, "r", a->buf->shape[ta ? na - 2 : na - 1]);
    const weft_expr **at = weft_topi_refs(te, nbatch + 2, axis), *k = weft_axis_ref(te, r);
    const weft_expr *x = element(te, a, nbatch, at, at[nbatch], k, ta);
    const weft_expr *y = pack ? packed_element(te, b, k, at[nbatch + 1], pack)
                              : element(te, b, nbatch, at, k, at[nbatch + 1], tb);
    weft_tensor *c = weft_te_reduce(te, "matmul", nbatch + 2, axis, 1, &r, WEFT_SUM,
                                    weft_mul(ir, weft_cast(ir, wide, x), weft_cast(ir, wide, y)));
    return c && wide != to ? weft_topi_cast(te, c, to) : c;
}
