/* graph/op_te_index.c: the te column of ops.def for what indices pick and put, and determinants. */
#include "graph/priv.h"
#include "topi/topi.h"

#define TE_OP(te_name)                                                                             \
    weft_status weft_te_op_##te_name(weft_te *te, const weft_graph *g, const weft_node *n,         \
                                     weft_tensor *const *in, weft_tensor **out)

static weft_status
done(const weft_te *te, weft_tensor *t, weft_tensor **out)
{
    out[0] = t;
    return t ? WEFT_OK : weft_diag_status(te->diag);
}

TE_OP(det)
{
    (void)g;
    (void)n;
    return done(te, weft_topi_det(te, in[0]), out);
}

TE_OP(gather_nd)
{
    (void)g;
    return done(te, weft_topi_gather_nd(te, in[0], in[1], (int)weft_node_int(n, "batch")), out);
}

TE_OP(put_along_axis)
{
    (void)g;
    return done(te,
                weft_topi_put_along_axis(te, in[0], in[1], in[2], (int)weft_node_int(n, "axis"),
                                         weft_node_attr(n, "reduction")->text),
                out);
}

TE_OP(scatter_nd)
{
    (void)g;
    return done(te,
                weft_topi_scatter_nd(te, in[0], in[1], in[2], weft_node_attr(n, "reduction")->text),
                out);
}
