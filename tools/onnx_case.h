/* tools/onnx_case.h: one case of the ONNX backend suite. */
#ifndef WEFT_ONNX_CASE_H
#define WEFT_ONNX_CASE_H

#include "tools/tools.h"

typedef enum weft_verdict { WEFT_PASSED, WEFT_FAILED, WEFT_SKIPPED } weft_verdict;

typedef struct weft_case_options {
    const char *device, *target; /* as -d and -t; NULL: the default */
    weft_compile_job job;
} weft_case_options;

typedef struct weft_case_result {
    weft_verdict verdict;
    char *why; /* one line, malloc'ed; of a failure or a skip, or what was not compared; may be "" */
    double seconds;
    bool done;
} weft_case_result;

/* Compiles and runs the case in `dir` (model.onnx, test_data_set_*).  Thread-safe: every call has
 * its own device.  Unsupported operators, dtypes and attributes are skips; everything else that
 * goes wrong is a failure. */
void weft_run_case(const weft_case_options *, const char *dir, weft_case_result *);

#endif
