// ahead
//   launch    grid 1,1,1  block 1,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(1)]]
kernel void ahead(device const float *A [[buffer(0)]],
                  device float *C [[buffer(1)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    for (int i = 0; i < 1024; i++) {
        C[i] = A[i] * 2.0f;
    }
}
