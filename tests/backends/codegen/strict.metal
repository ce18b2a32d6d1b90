// axpy
//   launch    grid 1,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(off)
[[max_total_threads_per_threadgroup(256)]]
kernel void axpy(device const float *A [[buffer(0)]],
                 device const float *B [[buffer(1)]],
                 device float *C [[buffer(2)]],
                 uint3 block_id [[threadgroup_position_in_grid]],
                 uint3 thread_id [[thread_position_in_threadgroup]])
{
    int i = thread_id.x;
    const float p = A[i] * B[i];
    C[i] = p + A[i] / 3.0f - -B[i];
}
