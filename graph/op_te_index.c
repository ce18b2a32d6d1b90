/* graph/op_te_index.c: the te column of ops.def for what indices pick and put, and determinants. */
#include "graph/op_te.h"

TE_OP(det)
{
    return done(te, weft_topi_det(te, in[0]), out);
}

TE_OP(gather_nd)
{
    return done(te, weft_topi_gather_nd(te, in[0], in[1], (int)weft_node_int(n, "batch")), out);
}

TE_OP(put_along_axis)
{
    return done(te,
                weft_topi_put_along_axis(te, in[0], in[1], in[2], (int)weft_node_int(n, "axis"),
                                         weft_node_attr(n, "reduction")->text),
                out);
}

TE_OP(scatter_nd)
{
    return done(te,
                weft_topi_scatter_nd(te, in[0], in[1], in[2], weft_node_attr(n, "reduction")->text),
                out);
}
