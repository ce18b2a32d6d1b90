// half_gelu
//   launch    grid 16,1,1  block 256,1,1
#include <cuda_fp16.h>
extern "C" __global__ void __launch_bounds__(256)
half_gelu(const __half *__restrict__ A, __half *__restrict__ C)
{
    int bx = blockIdx.x;
    int tx = threadIdx.x;
    const __half x = A[bx * 256 + tx];
    C[bx * 256 + tx] = x * __float2half(0.5f) * (__float2half(1.0f) + (__half)tanhf((float)x)) - (__half)sqrtf((float)(x * x)) - __float2half(1.7753906f);
    C[bx * 256 + tx] = x > __float2half(0.0f) ? x : -__float2half(__int_as_float(0x7f800000));
}
