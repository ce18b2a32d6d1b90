/* What the tests of operators and default schedules share. */
#ifndef TESTS_TOPI_SUPPORT_H
#define TESTS_TOPI_SUPPORT_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "ir/interp.h"
#include "lower/lower.h"

/* The value of the program's i-th symbol. */
typedef struct sizes {
    int64_t at[4];
} sizes;

/* Memory of a program's outputs after it ran in the interpreter with every check on. */
typedef struct results {
    int n;
    int64_t *count;
    double **value;
} results;

/* The program as it is written, without a schedule. */
results run_reference(const char *text, const sizes *);
/* The program with its default schedule for the target, lowered to the level device. */
results run_scheduled(const char *text, const sizes *, const weft_target *, weft_order);
void results_free(results *);
/* Fails, naming program and target, unless both agree to 1e-4. */
void assert_same(const char *text, const char *target, const results *got, const results *want);

/* The primitives that the rules apply to a program for one of the targets, a line each.  free() it. */
char *schedule_of(const char *text, const char *target);

/* Targets of every class, with limits small enough to matter. */
extern const weft_target rule_targets[];
extern const int rule_target_count;

#endif
