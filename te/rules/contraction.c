/* te/rules/contraction.c: sums of products with something to share between results. */
#include "rules/priv.h"

bool
weft_rule_contraction(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    (void)r, (void)reduce, (void)out;
    return false;
}
