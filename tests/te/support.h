/* What the tests of te share. */
#ifndef TESTS_TE_SUPPORT_H
#define TESTS_TE_SUPPORT_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "te/te.h"

/* The program of a text that has to be right; its diagnostics are in te->diag. */
weft_te *must_parse(const char *text);
void done(weft_te *);
/* The tensor, and the axis of its stage (of its definition or made by a primitive), of that name.
 */
weft_tensor *tensor(const weft_te *, const char *name);
weft_axis *axis(const weft_te *, const char *tensor, const char *name);
/* An integer expression's text, in the caller's buffer. */
const char *text_of(const weft_expr *, char buffer[256]);
/* Fails unless the diagnostics hold the text. */
void assert_says(const weft_te *, const char *text);

#endif
