/* tests/backends/support_numerics.h: one kernel, computed as it stands by the interpreter, and
 * again legalised for a target: by the interpreter, or as printed text by a device. */
#ifndef WEFT_TEST_BACKENDS_SUPPORT_NUMERICS_H
#define WEFT_TEST_BACKENDS_SUPPORT_NUMERICS_H

#include "support.h"

#include "lower/lower.h"
#include "runtime/device.h"

enum { NUMERIC_PARAMS = 16, NUMERIC_SECTIONS = 64, NUMERIC_INPUTS = 4 };

/* What a section of the output may be off by: in units of the last place, or absolutely, for what
 * is in [lo, hi] of the section's first input; beyond, only NaN and infinities are compared. */
typedef struct budget {
    const char *what; /* in messages: "exp" */
    double ulp, device_ulp, device_abs, lo, hi;
} budget;

/* Inputs first, then outputs; output o consists of sections of `step` elements, each its own
 * budget. */
typedef struct numeric_case {
    char name[64];
    weft_str text;
    int ninput, noutput;
    weft_dtype dtype[NUMERIC_PARAMS];
    int64_t step, count[NUMERIC_PARAMS];
    void *data[NUMERIC_PARAMS]; /* inputs, and what is expected of the outputs */
    int nsection;
    budget section[NUMERIC_SECTIONS];
    bool may_refuse; /* not every target can have it */
    int first;       /* input that [lo, hi] speaks of */
} numeric_case;

/* A parameter with room for n elements; its index. */
int add_input(numeric_case *, weft_dtype, int64_t n);
int add_output(numeric_case *, weft_dtype, int64_t n);
/* Whether the target computes with every dtype of the case. */
bool has_types(const numeric_case *, const weft_target *);
/* Computes what is expected, from the text at level flat. */
void settle(numeric_case *);
/* Whether the case may be refused and is, with a message that names the target. */
bool is_refused(const numeric_case *, const weft_target *);
/* The case legalised for the target, printed, and interpreted; how many elements are off. */
int check_legalised(const numeric_case *, const weft_target *);
/* All cases legalised, printed, loaded together and run on the first device of the driver, if there
 * is one; how many elements are off. */
int check_on_device(const weft_driver *, weft_numerics, int n, numeric_case *const *);
/* The same, but what a device gives for an output goes to `judge`, which counts what is off. */
typedef int numeric_judge(void *user, const numeric_case *, int param, const void *got,
                          const weft_device_info *);
int judge_on_device(const weft_driver *, weft_numerics, int n, numeric_case *const *,
                    numeric_judge *, void *user);
void drop_case(numeric_case *);

#endif
