// halve
//   launch    grid 4,1,1  block 1,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(1)]]
kernel void halve(device const float *A [[buffer(0)]],
                  device float *C [[buffer(1)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    int b = block_id.x;
    for (int i = 0; i < 32; i++) {
        *(device float4 *)&C[b * 128 + i * 4] = *(device const float4 *)&A[b * 128 + i * 4] * float4(0.5f);
    }
}
