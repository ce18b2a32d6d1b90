/* te/rules/scan.c: recurrences: what no step reads across runs in parallel, each with all steps. */
#include "rules/priv.h"

enum { TOGETHER = 64 }; /* threads of a block, or recurrences that a core of a CPU takes in a row */

void
weft_rule_scan(weft_rule *r, weft_stage *s)
{
    weft_tensor *t = s->op->out[0];
    int n = 0, all = s->leaf.n;
    weft_axis **leaf = WEFT_NEW_ARRAY(&r->scratch, all, weft_axis *);
    for (int i = 0; i < all; i++) /* the others stay behind, in their order */
        if (s->leaf.at[i]->kind == WEFT_AXIS_DATA && !s->leaf.at[i]->ordered &&
            !s->leaf.at[i]->crossed)
            leaf[n++] = s->leaf.at[i];
    for (int i = 0, k = n; i < all; i++)
        if (s->leaf.at[i]->kind != WEFT_AXIS_DATA || s->leaf.at[i]->ordered ||
            s->leaf.at[i]->crossed)
            leaf[k++] = s->leaf.at[i];
    if (n == 0 || weft_reorder(r->te, t, all, leaf))
        return;
    weft_axis *apart = weft_rule_fuse(r, t, n, leaf);
    if (apart && r->target->cls == WEFT_CLASS_VECTOR_CPU)
        (void)weft_rule_bind_chunks(r, t, apart, TOGETHER);
    else
        weft_rule_bind_threads(r, t, apart, TOGETHER);
    weft_str_addf(weft_rule_note(r, "scan"), "%d axes of %d in parallel", n, s->op->naxis);
}
