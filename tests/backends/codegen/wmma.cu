// wmma_f16
//   launch    grid 1,1,1  block 32,4,1  shared 2.5 KiB
#include <cuda_fp16.h>
#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void __launch_bounds__(128)
wmma_f16(const __half *__restrict__ A,
         const __half *__restrict__ B,
         const float *__restrict__ D,
         float *__restrict__ C)
{
    __align__(32) __shared__ __half As[1280];
    int ty = threadIdx.y;
    int tx = threadIdx.x;
    for (int i = 0; i < 8; i++) {
        const int e = i * 128 + ty * 32 + tx;
        As[e / 32 * 40 + e % 32] = A[e];
    }
    __syncthreads();
    wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> a[1];
    wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::col_major> b[2];
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> s[1];
    const int row = ty / 2 * 16;
    const int col = ty % 2 * 16;
    wmma::load_matrix_sync(s[0], &D[row * 32 + col], 32, wmma::mem_row_major);
    for (int t = 0; t < 2; t++) {
        wmma::load_matrix_sync(b[t], &B[col * 32 + t * 16], 32);
    }
    for (int k = 0; k < 2; k++) {
        wmma::load_matrix_sync(a[0], &As[row * 40 + k * 16], 40);
        wmma::mma_sync(s[0], a[0], b[k], s[0]);
    }
    wmma::store_matrix_sync(&C[row * 32 + col], s[0], 32, wmma::mem_row_major);
}
