/* bench/cudnn.c: cuDNN as a contender: convolutions by the algorithm that it measures to be
 * quickest among those that multiply in f32, and softmax.  Images lie as the case has them. */
#include "cuda.h"

#include <stdlib.h>

/* cudnnConvolutionFwdAlgoPerf_t */
typedef struct bench_cudnn_found {
    int algorithm, status;
    float milliseconds;
    size_t memory;
    int determinism, math, reserved[3];
} bench_cudnn_found;

typedef struct cudnn_api {
#define CUBLAS(symbol, name, parameters)
#define CUDNN(symbol, name, parameters) int(*name) parameters;
#include "cuda.def"
#undef CUBLAS
#undef CUDNN
} cudnn_api;

enum { FLOAT = 0 };             /* cudnnDataType_t */
enum { NCHW = 0 };              /* cudnnTensorFormat_t */
enum { CROSS_CORRELATION = 1 }; /* cudnnConvolutionMode_t */
enum { FMA_MATH = 3 };          /* cudnnMathType_t: nothing shorter than f32 */
enum { ACCURATE = 1 };          /* cudnnSoftmaxAlgorithm_t: less the maximum */
enum { INSTANCE = 0 };          /* cudnnSoftmaxMode_t: over all but the batch */

typedef struct cudnn_run {
    bench_cuda cuda; /* first */
    cudnn_api api;
    void *handle, *x, *y, *filter, *conv; /* descriptors */
    bench_cudnn_found best;
} cudnn_run;

static bool
load(cudnn_api *api)
{
    static const char *const names[] = { "libcudnn.so", "libcudnn.so.9", "libcudnn.so.8" };
    static const bench_symbol symbols[] = {
#define CUBLAS(symbol, name, parameters)
#define CUDNN(symbol, name, parameters) { #symbol, offsetof(cudnn_api, name) },
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
    cudnn_api api;
    return bench_cuda_ready(device, "cudnn") && load(&api);
}

static void
finish(void *user)
{
    cudnn_run *r = user;
    if (bench_cuda_enter(&r->cuda)) {
        if (r->conv)
            r->api.destroy_conv(r->conv);
        if (r->filter)
            r->api.destroy_filter(r->filter);
        if (r->y)
            r->api.destroy_tensor(r->y);
        if (r->x)
            r->api.destroy_tensor(r->x);
        if (r->handle)
            r->api.destroy(r->handle);
    }
    bench_cuda_close(&r->cuda);
    free(r);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* A tensor of n images, as rows lie. */
static int
describe(const cudnn_run *r, void **tensor, int64_t n, int64_t channels, int64_t side)
{
    int code = r->api.create_tensor(tensor);
    return code ? code
                : r->api.set_tensor(*tensor, NCHW, FLOAT, (int)n, (int)channels, (int)side,
                                    (int)side);
}

static int
describe_filter(cudnn_run *r)
{
    const bench_case *c = r->cuda.c;
    int code = r->api.create_filter(&r->filter), side = (int)c->kernel;
    return code ? code
                : r->api.set_filter(r->filter, FLOAT, NCHW, (int)c->filters,
                                    (int)(c->channels / c->groups), side, side);
}

static int
describe_conv(cudnn_run *r)
{
    const bench_case *c = r->cuda.c;
    int code = r->api.create_conv(&r->conv), pad = (int)c->kernel / 2, step = (int)c->stride;
    if (!code)
        code = r->api.set_conv(r->conv, pad, pad, step, step, 1, 1, CROSS_CORRELATION, FLOAT);
    if (!code)
        code = r->api.set_groups(r->conv, (int)c->groups);
    return code ? code : r->api.set_math(r->conv, FMA_MATH);
}

/* The quickest algorithm, and memory for it. */
static int
choose(cudnn_run *r)
{
    bench_cudnn_found found[16];
    int n = 0, code = r->api.find(r->handle, r->x, r->filter, r->conv, r->y, 16, &n, found);
    if (code || n < 1 || found[0].status)
        return code ? code : n < 1 ? -1 : found[0].status;
    r->best = found[0];
    return bench_cuda_scratch(&r->cuda, r->best.memory) ? 0 : -1;
}

static int
prepare(cudnn_run *r)
{
    const bench_case *c = r->cuda.c;
    bool conv = c->kind == BENCH_CONV;
    int64_t n = conv ? c->batch : c->m, in = conv ? c->channels : c->n,
            out = conv ? c->filters : c->n;
    int code = bench_cuda_enter(&r->cuda) ? r->api.create(&r->handle) : -1;
    if (!code)
        code = r->api.set_stream(r->handle, r->cuda.device->stream);
    if (!code)
        code = describe(r, &r->x, n, in, conv ? c->image : 1);
    if (!code)
        code = describe(r, &r->y, n, out, conv ? bench_out_image(c) : 1);
    if (code || !conv)
        return code;
    code = describe_filter(r);
    if (!code)
        code = describe_conv(r);
    return code ? code : choose(r);
}

static void *
open_cudnn(const bench_case *c, const bench_data *d)
{
    bool has = c->dtype == WEFT_F32 && (c->kind == BENCH_CONV || c->kind == BENCH_SOFTMAX);
    cudnn_run *r = has ? calloc(1, sizeof *r) : NULL;
    if (!r || !load(&r->api) || !bench_cuda_open(&r->cuda, c, d)) {
        free(r);
        return NULL;
    }
    int code = prepare(r);
    if (!code)
        return r;
    fprintf(stderr, "%s: cudnn: status %d\n", c->name, code);
    finish(r);
    return NULL;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static int
start(const cudnn_run *r)
{
    const float one = 1, zero = 0;
    const void *x = bench_cuda_at(r->cuda.in[0]);
    void *y = bench_cuda_at(r->cuda.out);
    if (r->cuda.c->kind == BENCH_SOFTMAX)
        return r->api.softmax(r->handle, ACCURATE, INSTANCE, &one, r->x, x, &zero, r->y, y);
    return r->api.conv(r->handle, &one, r->x, x, r->filter, bench_cuda_at(r->cuda.in[1]), r->conv,
                       r->best.algorithm, bench_cuda_at(r->cuda.scratch), r->best.memory, &zero,
                       r->y, y);
}

static bool
run(void *user)
{
    cudnn_run *r = user;
    int code = bench_cuda_enter(&r->cuda) ? start(r) : -1;
    if (code)
        fprintf(stderr, "%s: cudnn: status %d\n", r->cuda.c->name, code);
    return !code && bench_cuda_wait(&r->cuda);
}

const bench_contender bench_cudnn = { .name = "cudnn",
                                      .checked = true,
                                      .gpu = true,
                                      .ready = ready,
                                      .open = open_cudnn,
                                      .run = run,
                                      .read = bench_cuda_read,
                                      .close = finish };
