/* bench/openblas.c: OpenBLAS as a contender. */
#include "bench.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct blas_run {
    const bench_case *c;
    const bench_data *d;
    float *out;
} blas_run;

static void *
open_blas(const bench_case *c, const bench_data *d)
{
    blas_run *b = c->kind == BENCH_GEMM ? malloc(sizeof *b) : NULL;
    if (!b)
        return NULL;
    *b = (blas_run){ c, d, aligned_alloc(64, ((size_t)d->out * 4 + 63) / 64 * 64) };
    for (int64_t i = 0; b->out && i < d->out; i++)
        b->out[i] = NAN;
    return b;
}

static bool
run(void *user)
{
    blas_run *b = user;
    int m = (int)b->c->m, n = (int)b->c->n, k = (int)b->c->k;
    if (!b->out)
        return false;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, b->d->in[1], n, b->d->in[0], 1, 0, b->out,
                    1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, b->d->in[0], k,
                    b->d->in[1], n, 0, b->out, n);
    return true;
}

static bool
read_out(void *user, float *out, int64_t count)
{
    const blas_run *b = user;
    memcpy(out, b->out, (size_t)count * 4);
    return true;
}

static void
finish(void *user)
{
    blas_run *b = user;
    free(b->out);
    free(b);
}

const bench_contender bench_openblas = { .name = "openblas",
                                         .checked = true,
                                         .cpu = true,
                                         .open = open_blas,
                                         .run = run,
                                         .read = read_out,
                                         .close = finish };
