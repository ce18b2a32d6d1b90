/* tools/onnx_case.h: cases of the ONNX backend suite, alone, side by side, in processes. */
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

/* ---- one case (onnx_case.c) ------------------------------------------------------------------ */

/* The case in a directory (model.onnx, test_data_set_*): a module for each set of its data. */
typedef struct weft_case weft_case;
/* Reads the data and compiles.  prefix: what the kernels' names begin with; NULL: nothing. */
weft_case *weft_case_open(const weft_case_options *, weft_device *, const char *dir,
                          const char *prefix);
/* Adds the case's modules to the list; returns what has gone wrong with it so far. */
typedef WEFT_VEC(weft_module *) weft_case_modules;
weft_status weft_case_list(const weft_case *, weft_arena *, weft_case_modules *);
/* Runs every set and compares.  kernels: those of its modules, from `first` on in what was loaded;
 * NULL: its own are compiled. */
weft_status weft_case_run(weft_case *, const weft_kernels *, int first);
/* The verdict, where one is asked for: unsupported operators, dtypes and attributes are skips,
 * everything else that goes wrong is a failure. */
void weft_case_close(weft_case *, weft_case_result *);

/* ---- many on a device (onnx_batch.c) --------------------------------------------------------- */

/* Is told of cases by their numbers. */
typedef struct weft_case_listener {
    void *user;
    void (*starts)(void *user, int i); /* nothing but this case is at work until it is done */
    void (*done)(void *user, int i, const weft_case_result *); /* takes over `why` */
} weft_case_listener;
/* Runs cases first..first + n of dir[] in their order.  Where the driver charges by the program
 * their kernels share one, which does not show in any result: whatever does not pass or differ
 * there is done again alone. */
weft_status weft_run_cases(const weft_case_options *, weft_device **, const char *const *dir,
                           int first, int n, const weft_case_listener *, weft_diag *);

/* ---- many in processes (onnx_workers.c) ------------------------------------------------------ */

/* Runs all cases in `jobs` processes, each with a device of its own, and reports each when it is
 * done.  A case that ends its process has failed, and the rest goes on.  Call it before a driver is
 * loaded: none survives a fork. */
weft_status weft_run_suite(const weft_case_options *, int jobs, int n, const char *const *dir,
                           void *user, void (*done)(void *user, int i, const weft_case_result *),
                           weft_diag *);

#endif
