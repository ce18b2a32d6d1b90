// half_functions
//   launch    grid 1,1,1  block 256,1,1
#include <cuda_fp16.h>
#ifndef WEFT_BITS
#define WEFT_BITS
template <class T, class S> __device__ inline T weft_bits(S s)
{
    T t;
    memcpy(&t, &s, sizeof t);
    return t;
}
#endif
extern "C" __global__ void __launch_bounds__(256)
half_functions(const __half *__restrict__ A, __half *__restrict__ C, bool *__restrict__ E)
{
    int i = threadIdx.x;
    const __half x = A[i];
    C[i] = (__half)expf((float)x) + (__half)log2f((float)(x * x)) - (__half)tanhf((float)-x);
    C[i + 256] = (__half)sqrtf((float)x) * (__half)rsqrtf((float)x) + (__half)floorf((float)x);
    C[i + 512] = (__half)fmaf((float)x, (float)x, 0.5f) * __float2half(2.0f);
    C[i + 768] = (__half)i + (__half)((float)x * 0.1f);
    C[i + 1024] = weft_bits<__half>((unsigned short)i);
    C[i + 1280] = x != __float2half(0.0f) && x < __float2half(3.0f) ? __float2half(1.0f) / x : __float2half(__int_as_float(0x7fc00000));
    E[i] = isnan((float)x) || isinf((float)x);
}
