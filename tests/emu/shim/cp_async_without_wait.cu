// block 32
// Without a wait the place does not hold what was copied, however long ago that began.
#include <cuda_pipeline_primitives.h>

extern "C" __global__ void cp_async_without_wait(const int *in, int *out)
{
    __shared__ __align__(16) int tile[128];
    int t = threadIdx.x;
    for (int i = 0; i < 4; i++)
        tile[t * 4 + i] = 5;
    __pipeline_memcpy_async(&tile[t * 4], in + t * 4, 16);
    __pipeline_commit();
    __syncthreads();
    int early = tile[(t * 4 + 4) % 128];
    __syncthreads();
    __pipeline_wait_prior(1); // one group may be left: the only one
    __syncthreads();
    int still = tile[(t * 4 + 4) % 128];
    __syncthreads();
    __pipeline_wait_prior(0);
    __syncthreads();
    out[t] = early == in[(t * 4 + 4) % 128] || still != early || tile[(t * 4 + 4) % 128] != in[(t * 4 + 4) % 128];
}
