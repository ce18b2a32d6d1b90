/* bench/cuda.h: what NVIDIA's libraries need to stand beside weft: a library that is there when the
 * program runs, and the operands of a case on a CUDA device, which weft's own driver keeps.
 */
#ifndef WEFT_BENCH_CUDA_H
#define WEFT_BENCH_CUDA_H

#include "backends/cuda/device_priv.h"
#include "bench.h"

typedef struct bench_cuda {
    const bench_case *c;
    weft_diag *diag;
    weft_cu_device *device;
    weft_memory *in[BENCH_INPUTS], *out, *scratch; /* scratch: what the library asks for */
} bench_cuda;

/* The functions of rows of cuda.def, in a structure whose members have their names. */
typedef struct bench_symbol {
    const char *name;
    size_t at; /* in the structure */
} bench_symbol;
/* Fills the structure from the first library that is there of the n names; false when none is or a
 * function is missing: says so on stderr. */
bool bench_cuda_library(const char *const *name, int n, const bench_symbol *, int symbols,
                        void *functions);

/* Whether there is a CUDA device: the one that weft runs on where that is one, else the first; says
 * on stderr why not, for whom. */
bool bench_cuda_ready(const char *device, const char *whom);
/* The case's inputs, and NaN where its result goes; false: says why, and leaves nothing open. */
bool bench_cuda_open(bench_cuda *, const bench_case *, const bench_data *);
void bench_cuda_close(bench_cuda *);
/* Makes the device the thread's, before a library is called. */
bool bench_cuda_enter(bench_cuda *);
bool bench_cuda_scratch(bench_cuda *, size_t bytes);
/* Where memory lies on the device; NULL of none. */
void *bench_cuda_at(const weft_memory *);
/* Waits until all is done. */
bool bench_cuda_wait(bench_cuda *);
/* run: of a contender that begins with a bench_cuda. */
bool bench_cuda_read(void *run, float *out, int64_t count);

#endif
