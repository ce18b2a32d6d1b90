// grown
//   launch    grid 1,1,1  block 64,1,1  shared 64.0 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void grown(device const float *A [[buffer(0)]],
                  device float *C [[buffer(1)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(32) threadgroup uchar shared[65536];
    threadgroup uint apart[4];
    threadgroup float *tile = (threadgroup float *)shared;
    int t = thread_id.x;
    for (int i = 0; i < 256; i++) {
        tile[i * 64 + t] = A[i * 64 + t];
    }
    if (t < 4) {
        apart[t] = (uint)t;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    C[t] = tile[16383 - t] + (float)apart[t / 16];
}
