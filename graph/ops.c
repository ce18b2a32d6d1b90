/* The operator table, from ops.def. */
#include "graph/priv.h"

const weft_op_info weft_op_infos[WEFT_GOP_COUNT] = {
#define OP(kind, text, min, max, pattern, infer, te, layout, attrs)                                \
    [WEFT_GOP_##kind] = { #kind,                                                                   \
                          text,                                                                    \
                          min,                                                                     \
                          max,                                                                     \
                          attrs,                                                                   \
                          WEFT_PAT_##pattern,                                                      \
                          WEFT_LAYOUT_##layout,                                                    \
                          weft_infer_##infer,                                                      \
                          weft_te_op_##te },
#include "graph/ops.def"
#undef OP
};

static const char *const pattern_names[] = {
    /* ORDER: weft_pattern */
    "const",     "elementwise", "broadcast", "alias",  "parts",
    "injective", "reduction",   "contraction", "rowwise", "opaque",
};

const char *
weft_pattern_name(weft_pattern p)
{
    return (unsigned)p <= WEFT_PAT_OPAQUE ? pattern_names[p] : "?";
}

/* The te column of operators that are gone before groups become te. */
weft_status
weft_te_op_NONE(weft_te *te, const weft_graph *g, const weft_node *n, weft_tensor *const *in,
                weft_tensor **out)
{
    (void)te;
    (void)in;
    (void)out;
    return weft_fail(g->diag, WEFT_INTERNAL, "node '%s': operator %s has no tensor expression",
                     n->name, weft_op_infos[n->op].text);
}
