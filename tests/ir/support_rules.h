/* tests/ir/support_rules.h: the simplifier's rules as expressions, for their tests. */
#ifndef TEST_IR_SUPPORT_RULES_H
#define TEST_IR_SUPPORT_RULES_H

#include "support.h"
#include "ir/simplify.h"

/* What the wildcards X Y Z W P Q and the constants A B stand for, by code less that of X or A. */
typedef struct binding {
    weft_ir *ir;
    const weft_expr *wild[6];
    const weft_expr *constant[2];
} binding;

const uint8_t *skip_pattern(const uint8_t *);
bool pattern_has(const uint8_t *, int code);
bool pattern_has_wild(const uint8_t *);
/* The pattern as an expression of the type; literals and comparisons take their operands' dtype. */
const weft_expr *pattern_expr(const binding *, const uint8_t *, weft_type, weft_dtype operands);
/* The lanes of a rule's two sides: 4 where it is about vectors, else 1. */
int rule_lanes(const weft_rule *);
/* "from -> to when condition", to be freed. */
char *rule_text(const weft_rule *);

#endif
