/* graph/op_te.h: what the files of ops.def's te column share. */
#ifndef WEFT_GRAPH_OP_TE_H
#define WEFT_GRAPH_OP_TE_H

#include "graph/priv.h"
#include "topi/topi.h"

/* A definition: the graph and the node are for what it makes of attributes and dims. */
#define TE_OP(te_name)                                                                             \
    weft_status weft_te_op_##te_name(weft_te *te, const weft_graph *g __attribute__((unused)),     \
                                     const weft_node *n __attribute__((unused)),                   \
                                     weft_tensor *const *in, weft_tensor **out)

/* The definition's only output; where there is none, what should have made it has said why. */
static inline weft_status
done(const weft_te *te, weft_tensor *t, weft_tensor **out)
{
    weft_status status = weft_diag_status(te->diag);
    out[0] = t;
    return t ? WEFT_OK : status ? status : WEFT_UNSUPPORTED;
}

#endif
