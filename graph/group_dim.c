/* Dims of a graph as expressions of a te program. */
#include "graph/priv.h"

const weft_expr *
weft_group_dim(weft_te *te, const weft_graph *g, const weft_expr *e)
{
    int64_t v;
    if (!e)
        return NULL;
    if (weft_as_int(e, &v) && e->h.type.dtype != WEFT_BOOL) {
        if (v == (int32_t)v)
            return weft_i32(te->ir, v);
        weft_fail(te->diag, WEFT_LIMIT,
                  "a size or offset of %lld is beyond the 31 bits that kernels "
                  "index one dimension with: reshape the tensor",
                  (long long)v);
        return NULL;
    }
    if (e->h.kind == WEFT_EK_VAR)
        return weft_te_symbol(te, e->h.u.var->name, WEFT_I32); /* the same if it is there */
    const weft_expr *arg[3]; /* dims are trees of operators of at most three arguments */
    weft_assert(e->h.nargs <= 3, "a dim of %d arguments", e->h.nargs);
    for (int i = 0; i < e->h.nargs; i++)
        arg[i] = weft_group_dim(te, g, e->arg[i]);
    for (int i = 0; i < e->h.nargs; i++)
        if (!arg[i])
            return NULL;
    weft_head head = e->h;
    if (head.type.dtype == WEFT_I64)
        head.type.dtype = WEFT_I32;
    return weft_expr_make(te->ir, head, e->h.nargs, arg);
}
