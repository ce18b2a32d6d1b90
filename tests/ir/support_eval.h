/* tests/ir/support_eval.h: the value of an expression, computed as doc/IR.md says. */
#ifndef TEST_IR_SUPPORT_EVAL_H
#define TEST_IR_SUPPORT_EVAL_H

#include "support.h"

enum { EVAL_LANES = 8, EVAL_LOADS = 256 };

typedef struct value {
    weft_type type;
    int64_t i[EVAL_LANES]; /* integers and bool, within the type */
    double f[EVAL_LANES];  /* floats */
} value;

/* Values for variables, made up memory, and what an evaluation did. */
typedef struct env {
    int n;
    const weft_var *const *var;
    const value *of;
    uint64_t seed;       /* decides what memory holds */
    bool overflow;       /* an index left its type */
    int nload;           /* elements loaded, as buffer << 40 ^ index; more than fit are not kept */
    int64_t load[EVAL_LOADS];
} env;

value eval(env *, const weft_expr *);
/* Equal bit by bit; every NaN is one; `zeros`: of either sign are one too. */
bool same_value(const value *, const value *, bool zeros);
uint64_t next_random(uint64_t *state);

#endif
