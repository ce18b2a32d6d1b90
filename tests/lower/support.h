/* What the tests of lower share. */
#ifndef TESTS_LOWER_SUPPORT_H
#define TESTS_LOWER_SUPPORT_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "lower/lower.h"

/* The program of a text that has to be right; its diagnostics are in te->diag. */
weft_te *must_parse(const char *text);
void done(weft_te *);
/* The program's kernels at the level loops, verified. */
weft_lowered must_lower(weft_te *);
/* Options of a device that can do everything, without the environment's debugging. */
weft_lower_options plain_options(void);
/* Of one whose subgroups have so many lanes, and shuffle; until the next call. */
weft_lower_options lane_options(int lanes);
/* As the lines "# lanes: 32" and "# class: vector-cpu" of a golden's input say; 1 and gpu where there
 * are none. */
weft_lower_options golden_options(const char *input);
/* A printer that says everything as it stands; or one without vectors and with traps. */
weft_caps plain_caps(bool rich);

/* ---- files with an expectation --------------------------------------------------------------- */

/* The part of a file before and behind the line "# ----"; malloc'ed, `expected` "" if there is
 * none. */
typedef struct golden {
    char *path, *input, *expected;
} golden;
/* All files of the folder (below WEFT_TEST_DIR) whose names end so, sorted by name. */
int goldens(const char *folder, const char *ending, golden **);
void goldens_free(int n, golden *);
/* Fails unless they are the same, and says where they part; with WEFT_UPDATE=1 in the environment
 * the file is rewritten instead. */
void assert_golden(const golden *, const char *got);

#endif
