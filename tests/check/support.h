/* tests/check/support.h: a device that is wrong in a way the test chooses. */
#ifndef WEFT_TEST_CHECK_SUPPORT_H
#define WEFT_TEST_CHECK_SUPPORT_H

#include "check/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What is wrong with device `liar`, which otherwise is the interpreter. */
typedef struct support_lie {
    const char *instead_of, *compiles; /* words of a kernel's text; NULL: none */
    bool runs_nothing;
    int most_launches; /* longer batches run nothing; 0: none is too long */
    bool fails, does_not_open;
} support_lie;
/* The interpreter and the liar; both last until the next call. */
weft_drivers support_drivers(support_lie);
/* Checks a graph's text on a device, with random inputs. */
void support_check(const char *text, const char *device, support_lie, bool per_kernel,
                   const char *out, weft_check_report *);
weft_check_options support_options(const char *text, const char *const *device,
                                   const weft_drivers *);

/* Ten nodes in a row; the sixth is the only tanh. */
extern const char support_ten_nodes[];
/* Three kernels; the second computes tanh. */
extern const char support_three_kernels[];

/* A new empty folder under the system's temporary one; removed by support_remove. */
char *support_folder(void);
void support_remove(char *folder);

#endif
