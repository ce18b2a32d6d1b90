/* bench/bench.h: weft's kernels and other libraries', in alternating runs of one process.
 *
 * A contender takes a case with inputs in memory of its own, runs it any number of times, each time
 * until the result is there, and gives the result of the last run.  All numbers of a case are of
 * its dtype; here they stand as f32, which holds them exactly.
 */
#ifndef WEFT_BENCH_H
#define WEFT_BENCH_H

#include "base/base.h"

typedef enum bench_kind {
    BENCH_GEMM,
    BENCH_ATTENTION,
    BENCH_CONV,
    BENCH_SOFTMAX,
    BENCH_LAYER_NORM,
    BENCH_SUM,
    BENCH_GELU,
    BENCH_RELU
} bench_kind;

typedef struct bench_case {
    const char *name;
    bench_kind kind;
    bool gpu;         /* it is for GPUs; otherwise for CPUs */
    weft_dtype dtype; /* f32 where anything is constant */
    int64_t m, n, k;  /* others than GEMM: m rows of n */
    int64_t batch;    /* ATTENTION, CONV */
    int64_t heads;    /* ATTENTION: of all three, each m rows of n */
    int64_t channels, filters, image, kernel, stride, groups; /* CONV */
    bool constant; /* what is multiplied by is known when the program is compiled */
    const char *peer;
    double target, tflops;
    const char *device; /* that weft runs on */
} bench_case;

enum { BENCH_INPUTS = 3 };
typedef struct bench_data {
    int nin;
    float *in[BENCH_INPUTS];
    int64_t count[BENCH_INPUTS], out; /* elements */
} bench_data;

/* The image of a convolution's result is so wide and high. */
int64_t bench_out_image(const bench_case *);
/* Multiply-adds count two; 0: the bytes are what matters. */
double bench_flops(const bench_case *);
double bench_bytes(const bench_case *, const bench_data *); /* read and written once */
/* Elements of [-0.5, 0.5) for the case; false when there is no memory. */
bool bench_make_data(const bench_case *, bench_data *);
void bench_free_data(bench_data *);
/* Element i of the result, computed in double; `scale` bounds the sum of its terms' magnitudes. */
double bench_expect(const bench_case *, const bench_data *, int64_t i, double *scale);
/* How far from it a result may be. */
double bench_tolerance(const bench_case *, double want, double scale);
/* The numbers in the case's dtype, in memory of their own; `from` NULL: NaN.  NULL: there is no
 * memory. */
void *bench_pack(const bench_case *, const float *from, int64_t count);
void bench_unpack(const bench_case *, const void *from, float *to, int64_t count);

typedef struct bench_contender {
    const char *name;
    bool checked; /* it computes the case's result */
    bool cpu;     /* a CPU library, in its own layouts */
    bool gpu;     /* it stands beside weft on GPUs; others than weft otherwise on CPUs */
    /* Whether it is there; says on stderr what is missing.  NULL: it is. */
    bool (*ready)(const char *device);
    /* NULL: it does not have the case.  What it does not keep of the data outlives it; its output
     * is NaN. */
    void *(*open)(const bench_case *, const bench_data *);
    bool (*run)(void *);
    bool (*read)(void *, float *out, int64_t count);
    void (*close)(void *);
} bench_contender;

extern const bench_contender bench_weft, bench_device_copy, bench_cublas, bench_cudnn;
/* Whether the device that weft is to run on is a GPU; false when it cannot be opened: says why. */
bool bench_is_gpu(const char *device, bool *gpu);
#ifdef BENCH_OPENBLAS
extern const bench_contender bench_openblas;
#endif
#ifdef BENCH_ONEDNN
extern const bench_contender bench_onednn, bench_onednn_plain;
#endif
#ifdef BENCH_OPENCL
extern const bench_contender bench_copy;
#endif
#ifdef BENCH_CLBLAST
extern const bench_contender bench_clblast;
#endif

#endif
