/* te/topi/index.c: elements picked by tensors of indices. */
#include "topi/topi.h"

weft_tensor *
weft_topi_gather_nd(weft_te *te, weft_tensor *x, weft_tensor *index, int batch)
{
    int64_t k;
    if (!x || !index || !weft_as_int(index->buf->shape[index->buf->ndim - 1], &k))
        return NULL;
    weft_arena *arena = &te->ir->arena;
    int nx = x->buf->ndim, lead = index->buf->ndim - 1, behind = batch + (int)k,
        n = lead + nx - behind;
    const weft_expr **dim = WEFT_NEW_ARRAY(arena, n + 1, const weft_expr *);
    for (int d = 0; d < n; d++)
        dim[d] = d < lead ? index->buf->shape[d] : x->buf->shape[behind + d - lead];
    weft_axis **axes = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axes),
                    **which = WEFT_NEW_ARRAY(arena, lead + 1, const weft_expr *),
                    **from = WEFT_NEW_ARRAY(arena, nx + 1, const weft_expr *);
    for (int d = 0; d < lead; d++)
        which[d] = at[d];
    for (int d = 0; d < nx; d++) {
        which[lead] = weft_i32(te->ir, d - batch);
        from[d] = d < batch ? at[d]
                  : d < behind
                      ? weft_topi_inside(te, weft_topi_at(te, index, which), x->buf->shape[d])
                      : at[lead + d - behind];
    }
    return weft_te_compute(te, "gather_nd", n, axes,
                           weft_topi_at_some(te, x, from, (int)k, &x->buf->shape[batch]));
}
