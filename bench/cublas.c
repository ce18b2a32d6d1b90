/* bench/cublas.c: cuBLAS as a contender: its products of columns, of operands that are exchanged.
 * In f32 it multiplies in f32, no shorter type; in f16 it adds up in f32. */
#include "cuda.h"

#include <stdlib.h>

typedef struct cublas_api {
#define CUBLAS(symbol, name, parameters) int(*name) parameters;
#define CUDNN(symbol, name, parameters)
#include "cuda.def"
#undef CUBLAS
#undef CUDNN
} cublas_api;

enum { NO_TRANSPOSE = 0 };   /* cublasOperation_t */
enum { REAL_16F = 2 };       /* cudaDataType_t */
enum { COMPUTE_32F = 68 };   /* cublasComputeType_t */
enum { ANY_ALGORITHM = -1 }; /* cublasGemmAlgo_t */

typedef struct cublas_run {
    bench_cuda cuda; /* first */
    cublas_api api;
    void *handle;
} cublas_run;

static bool
load(cublas_api *api)
{
    static const char *const names[] = { "libcublas.so", "libcublas.so.13", "libcublas.so.12" };
    static const bench_symbol symbols[] = {
#define CUBLAS(symbol, name, parameters) { #symbol, offsetof(cublas_api, name) },
#define CUDNN(symbol, name, parameters)
#include "cuda.def"
#undef CUBLAS
#undef CUDNN
    };
    return bench_cuda_library(names, sizeof names / sizeof *names, symbols,
                              sizeof symbols / sizeof *symbols, api);
}

static bool
ready(const char *device)
{
    cublas_api api;
    return bench_cuda_ready(device, "cublas") && load(&api);
}

static void
finish(void *user)
{
    cublas_run *r = user;
    if (r->handle && bench_cuda_enter(&r->cuda))
        r->api.destroy(r->handle);
    bench_cuda_close(&r->cuda);
    free(r);
}

static void *
open_cublas(const bench_case *c, const bench_data *d)
{
    cublas_run *r = c->kind == BENCH_GEMM ? calloc(1, sizeof *r) : NULL;
    if (!r || !load(&r->api) || !bench_cuda_open(&r->cuda, c, d)) {
        free(r);
        return NULL;
    }
    int code = bench_cuda_enter(&r->cuda) ? r->api.create(&r->handle) : -1;
    if (!code)
        code = r->api.set_stream(r->handle, r->cuda.device->stream);
    if (!code)
        return r;
    fprintf(stderr, "%s: cublasCreate: status %d\n", c->name, code);
    finish(r);
    return NULL;
}

/* Rows of c = a b are columns of c^T = b^T a^T. */
static int
multiply(const cublas_run *r)
{
    const bench_case *c = r->cuda.c;
    int m = (int)c->m, n = (int)c->n, k = (int)c->k, no = NO_TRANSPOSE;
    const void *a = bench_cuda_at(r->cuda.in[0]), *b = bench_cuda_at(r->cuda.in[1]);
    void *to = bench_cuda_at(r->cuda.out);
    const float one = 1, zero = 0;
    if (c->dtype == WEFT_F32)
        return r->api.gemm(r->handle, no, no, n, m, k, &one, b, n, a, k, &zero, to, n);
    return r->api.gemm_typed(r->handle, no, no, n, m, k, &one, b, REAL_16F, n, a, REAL_16F, k,
                             &zero, to, REAL_16F, n, COMPUTE_32F, ANY_ALGORITHM);
}

static bool
run(void *user)
{
    cublas_run *r = user;
    int code = bench_cuda_enter(&r->cuda) ? multiply(r) : -1;
    if (code)
        fprintf(stderr, "%s: cublas: status %d\n", r->cuda.c->name, code);
    return !code && bench_cuda_wait(&r->cuda);
}

const bench_contender bench_cublas = { .name = "cublas",
                                       .checked = true,
                                       .gpu = true,
                                       .ready = ready,
                                       .open = open_cublas,
                                       .run = run,
                                       .read = bench_cuda_read,
                                       .close = finish };
