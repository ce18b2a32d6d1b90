// half_scale
//   launch    grid 4,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void half_scale(device const half *A [[buffer(0)]],
                       device const float *S [[buffer(1)]],
                       device half *C [[buffer(2)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    const float s = S[0];
    C[bx * 256 + tx] = (half)((float)A[bx * 256 + tx] * s);
    *(device half4 *)&C[(bx * 256 + tx) * 4] = half4(float4(*(device const half4 *)&A[(bx * 256 + tx) * 4]) * float4(s));
    C[tx] = A[tx + 1];
}
