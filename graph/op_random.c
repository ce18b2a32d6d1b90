/* graph/op_random.c: random numbers: their type, and their tensor expression. */
#include "graph/priv.h"
#include "topi/topi.h"

weft_status
weft_infer_random_bits(weft_graph *g, weft_node *n)
{
    const weft_attr *dim = weft_node_attr(n, "dim"), *key = weft_node_attr(n, "key");
    if (dim->n != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "'dim' has to be one size");
    if (key->n != 2)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "'key' has to be two integers");
    for (int i = 0; i < 2; i++)
        if (key->ints[i] < 0 || key->ints[i] > UINT32_MAX)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "'key' holds %lld, outside 0..4294967295",
                                  (long long)key->ints[i]);
    return weft_infer_out(g, n, WEFT_U32, 1, dim->dims);
}

weft_status
weft_te_op_random_bits(weft_te *te, const weft_graph *g, const weft_node *n, weft_tensor *const *in,
                       weft_tensor **out)
{
    const weft_attr *folds = weft_node_attr(n, "folds");
    const weft_expr **fold = WEFT_NEW_ARRAY(&te->ir->arena, folds->n + 1, const weft_expr *);
    (void)in;
    for (int i = 0; i < folds->n; i++)
        fold[i] = weft_group_dim(te, g, folds->dims[i]);
    out[0] = weft_topi_random_bits(te, weft_group_dim(te, g, weft_node_dim(n, "dim", 0)),
                                   weft_node_attr(n, "key")->ints, folds->n, fold);
    return out[0] ? WEFT_OK : weft_diag_status(te->diag);
}
