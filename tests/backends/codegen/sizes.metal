// sizes
//   launch    grid 1,1,1  block 64,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void sizes(device const float *A [[buffer(0)]],
                  device const int *I [[buffer(1)]],
                  device float *C [[buffer(2)]],
                  device int *D [[buffer(3)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = thread_id.x;
    C[i] = fabs(A[i]);
    D[i] = abs(I[i]);
}
