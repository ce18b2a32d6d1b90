/* The te column before its functions exist: each says so.  A definition elsewhere wins. */
#include "graph/priv.h"

#define PENDING(te)                                                                                \
    __attribute__((weak))                                                                          \
    weft_status weft_te_op_##te(weft_te *t, const weft_graph *g, const weft_node *n,               \
                                weft_tensor *const *in, weft_tensor **out)                         \
    {                                                                                              \
        (void)t, (void)in, (void)out;                                                              \
        return weft_fail(g->diag, WEFT_UNSUPPORTED, "node '%s': %s has no tensor expression yet",  \
                         n->name, weft_op_infos[n->op].text);                                      \
    }
PENDING(full)
PENDING(identity)
PENDING(cast)
PENDING(unary)
PENDING(binary)
PENDING(where)
PENDING(clip)
PENDING(broadcast_to)
PENDING(reshape)
PENDING(transpose)
PENDING(concat)
PENDING(slice)
PENDING(gather)
PENDING(pad)
PENDING(reduce)
PENDING(argreduce)
PENDING(matmul)
PENDING(conv)
PENDING(conv_transpose)
PENDING(pool)
PENDING(lrn)
PENDING(softmax)
PENDING(layer_norm)
PENDING(instance_norm)
PENDING(batch_norm)
