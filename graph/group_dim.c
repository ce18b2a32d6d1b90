/* Dims of a graph as expressions of a te program. */
#include "graph/priv.h"

/* The dim in integers of dtype t. */
static const weft_expr *
dim_in(weft_te *te, const weft_expr *e, weft_dtype t)
{
    int64_t v;
    if (!e)
        return NULL;
    if (weft_as_int(e, &v) && e->h.type.dtype != WEFT_BOOL) {
        if (t == WEFT_I64 || v == (int32_t)v)
            return weft_int(te->ir, t, v);
        weft_fail(te->diag, WEFT_LIMIT,
                  "a size or offset of %lld is beyond the 31 bits that kernels "
                  "index one dimension with: reshape the tensor",
                  (long long)v);
        return NULL;
    }
    if (e->h.kind == WEFT_EK_VAR) /* the same symbol if it is there */
        return weft_cast(te->ir, t, weft_te_symbol(te, e->h.u.var->name, WEFT_I32));
    const weft_expr *arg[3]; /* dims are trees of operators of at most three arguments */
    weft_assert(e->h.nargs <= 3, "a dim of %d arguments", e->h.nargs);
    for (int i = 0; i < e->h.nargs; i++)
        arg[i] = dim_in(te, e->arg[i], t);
    for (int i = 0; i < e->h.nargs; i++)
        if (!arg[i])
            return NULL;
    weft_head head = e->h;
    if (head.type.dtype == WEFT_I64)
        head.type.dtype = (uint8_t)t;
    return weft_expr_make(te->ir, head, e->h.nargs, arg);
}

const weft_expr *
weft_group_dim(weft_te *te, const weft_graph *g, const weft_expr *e)
{
    (void)g;
    return dim_in(te, e, WEFT_I32);
}

const weft_expr *
weft_group_factor(weft_te *te, const weft_expr *e)
{
    int64_t v;
    bool small = e && weft_as_int(e, &v) && v == (int32_t)v;
    return dim_in(te, e, small ? WEFT_I32 : WEFT_I64);
}
