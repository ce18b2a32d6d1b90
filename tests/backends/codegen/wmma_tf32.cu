// wmma_tf32
//   launch    grid 1,1,1  block 32,4,1  shared 2.5 KiB
#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void __launch_bounds__(128)
wmma_tf32(const float *__restrict__ A,
          const float *__restrict__ B,
          const float *__restrict__ D,
          float *__restrict__ C)
{
    __align__(32) __shared__ float As[640];
    int ty = threadIdx.y;
    int tx = threadIdx.x;
    for (int i = 0; i < 4; i++) {
        const int e = i * 128 + ty * 32 + tx;
        As[e / 16 * 20 + e % 16] = A[e];
    }
    __syncthreads();
    wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> a[1];
    wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> b[2];
    wmma::fragment<wmma::accumulator, 16, 16, 8, float> s[1];
    const int row = ty / 2 * 16;
    const int col = ty % 2 * 16;
    wmma::load_matrix_sync(s[0], &D[row * 32 + col], 32, wmma::mem_row_major);
    for (int t = 0; t < 2; t++) {
        wmma::load_matrix_sync(b[t], &B[col * 16 + t * 8], 16);
        for (int weft_e = 0; weft_e < b[t].num_elements; weft_e++) b[t].x[weft_e] = wmma::__float_to_tf32(b[t].x[weft_e]);
    }
    for (int k = 0; k < 2; k++) {
        wmma::load_matrix_sync(a[0], &As[row * 20 + k * 8], 20);
        for (int weft_e = 0; weft_e < a[0].num_elements; weft_e++) a[0].x[weft_e] = wmma::__float_to_tf32(a[0].x[weft_e]);
        wmma::mma_sync(s[0], a[0], b[k], s[0]);
    }
    wmma::store_matrix_sync(&C[row * 32 + col], s[0], 32, wmma::mem_row_major);
}
