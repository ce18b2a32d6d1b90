// block 32
// Fragments of nvcuda::wmma against a product by hand: shapes, layouts, types.
#include <mma.h>
using namespace nvcuda;

__device__ float a_of(int row, int k) { return (float)((row * 7 + k * 3) % 11 - 5); }
__device__ float b_of(int k, int column) { return (float)((k * 5 + column * 2) % 13 - 6); }

template <int M, int N, int K, class T, class S, class D, class LA, class LB> __device__ int test(void *room)
{
    S *a = (S *)room, *b = a + 32 * 16;
    D *c = (D *)(b + 32 * 16);
    const bool rows_a = weft_same<LA, wmma::row_major>::value, rows_b = weft_same<LB, wmma::row_major>::value;
    int wrong = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < M * K; i += 32)
        a[rows_a ? i : i % K * M + i / K] = (S)a_of(i / K, i % K);
    for (int i = threadIdx.x; i < K * N; i += 32)
        b[rows_b ? i : i % N * K + i / N] = (S)b_of(i / N, i % N);
    for (int i = threadIdx.x; i < M * N; i += 32)
        c[i] = (D)(float)(i % 7);
    __syncthreads();
    wmma::fragment<wmma::matrix_a, M, N, K, T, LA> fa;
    wmma::fragment<wmma::matrix_b, M, N, K, T, LB> fb;
    wmma::fragment<wmma::accumulator, M, N, K, D> fc, fd;
    wmma::load_matrix_sync(fa, a, rows_a ? K : M);
    wmma::load_matrix_sync(fb, b, rows_b ? N : K);
    wmma::load_matrix_sync(fc, c, N, wmma::mem_row_major);
    wmma::fill_fragment(fd, 2);
    for (int i = 0; i < fd.num_elements; i++)
        fc.x[i] = fc.x[i] + fd.x[i];
    wmma::mma_sync(fc, fa, fb, fc);
    __syncthreads();
    wmma::store_matrix_sync(c, fc, M, wmma::mem_col_major);
    for (int i = threadIdx.x; i < M * N; i += 32) {
        float sum = (float)(i % 7) + 2;
        for (int k = 0; k < K; k++)
            sum += a_of(i / N, k) * b_of(k, i % N);
        wrong += (float)c[i % N * M + i / N] != sum;
    }
    return wrong;
}

extern "C" __global__ void wmma(const int *in, int *out)
{
    __shared__ __align__(32) unsigned char room[12288];
    int wrong = in[0];
    wrong += test<16, 16, 16, half, half, float, wmma::row_major, wmma::col_major>(room);
    wrong += test<32, 8, 16, half, half, float, wmma::col_major, wmma::row_major>(room);
    wrong += test<8, 32, 16, half, half, half, wmma::row_major, wmma::row_major>(room);
    wrong += test<16, 16, 16, __nv_bfloat16, __nv_bfloat16, float, wmma::row_major, wmma::col_major>(room);
    wrong += test<16, 16, 8, wmma::precision::tf32, float, float, wmma::row_major, wmma::col_major>(room);
    wrong += test<8, 8, 4, double, double, double, wmma::row_major, wmma::col_major>(room);
    wrong += test<16, 16, 16, signed char, signed char, int, wmma::row_major, wmma::col_major>(room);
    out[threadIdx.x] = wrong;
}
