/* te/rules/contraction.c: sums of products with something to share between results, by class. */
#include "rules/priv.h"

bool
weft_rule_contraction(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    switch (r->target->cls) {
    case WEFT_CLASS_VECTOR_CPU:
        return weft_rule_vector_tile(r, reduce, out);
    case WEFT_CLASS_LANE_CPU:
        return weft_rule_lane_tile(r, reduce, out);
    case WEFT_CLASS_GPU:
    case WEFT_CLASS_MOBILE:
        return weft_rule_matrix_tile(r, reduce, out) || weft_rule_block_tile(r, reduce, out);
    default:
        return false;
    }
}
