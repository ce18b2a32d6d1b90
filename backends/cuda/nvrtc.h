/* backends/cuda/nvrtc.h: NVIDIA's compiler library, found at run time.  It needs neither driver nor
 * GPU. */
#ifndef WEFT_CUDA_NVRTC_H
#define WEFT_CUDA_NVRTC_H

#include "base/base.h"
#include "base/target.h"

/* The library and what it can compile for. */
typedef struct weft_nvrtc {
    int major, minor;
    int narch, arch[64]; /* 75, 80, ... as the library lists them */
    char include[512];   /* where cuda_fp16.h is; "" when it was not found */
#define CU(symbol, name, parameters)
#define CU_OPTIONAL(symbol, name, parameters)
#define NVRTC(symbol, name, parameters) int(*name) parameters;
#include "backends/cuda/cu_functions.def"
#undef CU
#undef CU_OPTIONAL
#undef NVRTC
} weft_nvrtc;

/* Finds libnvrtc by name, in $CUDA_HOME, $CUDA_PATH and the usual places; false and the reason if
 * it is not there. */
bool weft_nvrtc_open(weft_nvrtc *, weft_str *why);
/* Options for an architecture and a numerics level, one a line.  *exact: machine code for that very
 * architecture; else PTX of the newest that the library knows below it. */
weft_status weft_nvrtc_options(const weft_nvrtc *, int arch, weft_numerics, bool *exact,
                               weft_str *options, weft_diag *);
/* Compiles to an image (CUBIN, or PTX where not exact), malloc'ed.  log, if not NULL, gets the
 * compiler's words, with ptxas' registers, spills and shared bytes. */
weft_status weft_nvrtc_image(const weft_nvrtc *, const char *name, const char *text,
                             const char *options, bool exact, weft_diag *, weft_str *log,
                             void **image, size_t *size);
/* Compiles CUDA text for an architecture (90 for sm_90) and throws the result away: for tests, and
 * to check printed text where there is no driver.  WEFT_NO_DEVICE when there is no libnvrtc. */
weft_status weft_nvrtc_compile(const char *name, const char *text, int arch, weft_numerics,
                               weft_diag *, weft_str *log);

#endif
