// half_functions
//   launch    grid 1,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void half_functions(device const half *A [[buffer(0)]],
                           device half *C [[buffer(1)]],
                           device bool *E [[buffer(2)]],
                           uint3 block_id [[threadgroup_position_in_grid]],
                           uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = thread_id.x;
    const half x = A[i];
    C[i] = exp(x) + log2(x * x) - tanh(-x);
    C[i + 256] = sqrt(x) * rsqrt(x) + floor(x);
    C[i + 512] = fma(x, x, 0.5h) * 2.0h;
    C[i + 768] = (half)i + (half)((float)x * 0.1f);
    C[i + 1024] = as_type<half>((ushort)i);
    C[i + 1280] = x != 0.0h && x < 3.0h ? 1.0h / x : half(NAN);
    E[i] = isnan(x) || isinf(x);
}
