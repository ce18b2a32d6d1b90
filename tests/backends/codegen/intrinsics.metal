// intrinsics
//   launch    grid 1,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void intrinsics(device const float *A [[buffer(0)]],
                       device const int *I [[buffer(1)]],
                       device const uint *U [[buffer(2)]],
                       device float *C [[buffer(3)]],
                       device int *D [[buffer(4)]],
                       device bool *E [[buffer(5)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = thread_id.x;
    const float x = A[i];
    C[i] = exp(x) + exp2(x) + log(x) + log2(x);
    C[i] = sqrt(x) * rsqrt(x);
    C[i] = sin(x) + cos(x) + tan(x);
    C[i] = sinh(x) + cosh(x) + tanh(x) + asinh(x) + acosh(x) + atanh(x);
    C[i] = floor(x) + ceil(x) + trunc(x) + rint(x);
    C[i] = fma(x, x, 1.0f);
    D[i] = min(I[i], 3) * max(I[i], -3);
    D[i] = (int)min(U[i], 7u);
    E[i] = isnan(x) || isinf(x);
}
