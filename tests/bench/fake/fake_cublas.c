/* A libcublas on the memory of the fake libcuda: products of columns, as its manual says. */
#define FAKE_LIBRARY
#include "../../faults/fake/fake.h"

#include "base/base.h"

enum { NOT_INITIALIZED = 1, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum { REAL_16F = 2, COMPUTE_32F = 68 };

typedef struct context {
    fake_handle h;
    void *stream;
} context;

typedef struct matrix { /* element (i, j) lies at i + j * stride */
    weft_dtype dtype;
    void *data;
    int stride;
} matrix;

#define CALL(name, ...)                                                                            \
    FAKE_API int name(__VA_ARGS__);                                                                \
    int name(__VA_ARGS__)

FAKE_API fake_state *fake_cublas(void);
FAKE_API fake_state *
fake_cublas(void)
{
    return &fake;
}

CALL(cublasCreate_v2, void **out)
{
    *out = fake_new(sizeof(context), "handle");
    return 0;
}

CALL(cublasDestroy_v2, void *handle)
{
    fake_drop(handle, "handle", "cublasDestroy");
    return 0;
}

CALL(cublasSetStream_v2, void *handle, void *stream)
{
    if (!fake_is(handle, "handle", "cublasSetStream"))
        return NOT_INITIALIZED;
    ((context *)handle)->stream = stream;
    return 0;
}

static double
dot(const matrix *a, const matrix *b, int i, int j, int k)
{
    double sum = 0;
    for (int r = 0; r < k; r++)
        sum += weft_get_f64(a->dtype, a->data, i + (int64_t)r * a->stride) *
               weft_get_f64(b->dtype, b->data, r + (int64_t)j * b->stride);
    return sum;
}

/* C = alpha A B + beta C, C of m rows and n columns; C is not read where beta is 0. */
static int
multiply(void *handle, int m, int n, int k, float alpha, matrix a, matrix b, float beta, matrix c)
{
    if (!fake_is(handle, "handle", "gemm") || !((context *)handle)->stream)
        return NOT_INITIALIZED;
    if (a.stride < m || b.stride < k || c.stride < m)
        return INVALID_VALUE;
    fake.launches++;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            int64_t at = i + (int64_t)j * c.stride;
            double old = beta < 0 || beta > 0 ? weft_get_f64(c.dtype, c.data, at) : 0;
            weft_set_f64(c.dtype, c.data, at,
                         (double)alpha * dot(&a, &b, i, j, k) + (double)beta * old);
        }
    return 0;
}

CALL(cublasSgemm_v2, void *handle, int transa, int transb, int m, int n, int k, const float *alpha,
     float *a, int lda, float *b, int ldb, const float *beta, float *c, int ldc)
{
    if (transa || transb)
        return NOT_SUPPORTED;
    return multiply(handle, m, n, k, *alpha, (matrix){ WEFT_F32, a, lda },
                    (matrix){ WEFT_F32, b, ldb }, *beta, (matrix){ WEFT_F32, c, ldc });
}

CALL(cublasGemmEx, void *handle, int transa, int transb, int m, int n, int k, const float *alpha,
     void *a, int type_a, int lda, void *b, int type_b, int ldb, const float *beta, void *c,
     int type_c, int ldc, int compute, int algorithm)
{
    if (transa || transb || type_a != REAL_16F || type_b != REAL_16F || type_c != REAL_16F ||
        compute != COMPUTE_32F || algorithm != -1)
        return NOT_SUPPORTED;
    return multiply(handle, m, n, k, *alpha, (matrix){ WEFT_F16, a, lda },
                    (matrix){ WEFT_F16, b, ldb }, *beta, (matrix){ WEFT_F16, c, ldc });
}
