/* tests/ir/support_interp.h: running kernels written as text. */
#ifndef TEST_IR_SUPPORT_INTERP_H
#define TEST_IR_SUPPORT_INTERP_H

#include "ir/interp.h"

#include "support.h"

typedef struct interp_case {
    weft_ir *ir;
    weft_diag *diag;
    weft_interp *in;
    weft_status status; /* of the last run, or of what failed before */
} interp_case;

/* Parses and prepares the first kernel of the text; fails the test where that fails. */
interp_case interp_open(const char *text, const weft_interp_options *);
weft_status interp_go(interp_case *, const weft_interp_buffer *, const int64_t *scalar);
void interp_close(interp_case *);
/* Runs the text once; fails the test unless it ends well. */
void interp_ok(const char *text, const weft_interp_buffer *, const int64_t *scalar,
               const weft_interp_options *);
/* Runs it; fails the test unless it ends with a message that contains every one of the words. */
void interp_refused(const char *text, const weft_interp_buffer *, const int64_t *scalar,
                    const weft_interp_options *, const char *const *words);
#define REFUSED(text, buffer, scalar, options, ...)                                                \
    interp_refused(text, buffer, scalar, options, (const char *const[]){ __VA_ARGS__, NULL })

/* Arguments from arrays. */
#define IN(array)                                                                                  \
    {                                                                                              \
        array, (int64_t)(sizeof(array) / sizeof *(array)), true, false                             \
    }
#define OUT(array)                                                                                 \
    {                                                                                              \
        array, (int64_t)(sizeof(array) / sizeof *(array)), false, true                             \
    }
#define SCRATCH(array)                                                                             \
    {                                                                                              \
        array, (int64_t)(sizeof(array) / sizeof *(array)), false, false                            \
    }

#endif
