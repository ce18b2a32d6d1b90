// async_stages
//   launch    grid 4,1,1  block 64,1,1  shared 1.2 KiB
#include <cuda_pipeline.h>
extern "C" __global__ void __launch_bounds__(64)
async_stages(const float *__restrict__ A, float *__restrict__ C)
{
    __shared__ float t[320];
    int bx = blockIdx.x;
    int x = threadIdx.x;
    const int base = bx * 320 + x;
    float s = 0.0f;
    for (int k = 0; k < 4; k++) {
        __pipeline_memcpy_async(&t[k * 64 + x], &A[base + k % 5 * 64], 4);
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    for (int k = 0; k < 16; k++) {
        __pipeline_commit();
        __pipeline_wait_prior(3);
        __syncthreads();
        __pipeline_memcpy_async(&t[(k + 4) % 5 * 64 + x], &A[base + (k + 4) % 5 * 64], 4, k < 13 ? 0 : 4);
        s += t[k % 5 * 64 + (63 - x)];
    }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int k = 0; k < 4; k++) {
        s += t[(k + 16) % 5 * 64 + (63 - x)];
    }
    C[bx * 64 + x] = s;
}
