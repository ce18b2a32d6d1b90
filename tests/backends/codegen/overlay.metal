// overlay
//   launch    grid 1,1,1  block 64,1,1  shared 528 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void overlay(device const float *A [[buffer(0)]],
                    device float *C [[buffer(1)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(32) threadgroup uchar shared[512];
    threadgroup uint apart[4];
    threadgroup uchar *small = (threadgroup uchar *)shared;
    threadgroup short *lead = (threadgroup short *)(shared + 64);
    threadgroup float *tile = (threadgroup float *)shared;
    threadgroup int *late = (threadgroup int *)shared;
    int t = thread_id.x;
    small[t] = (uchar)A[t];
    lead[t] = (short)((int)A[t] + 1);
    if (t < 4) {
        apart[t] = (uint)t;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const int x = (int)small[63 - t] + (int)lead[63 - t];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    tile[t] = (float)x;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float y = tile[63 - t];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    *(threadgroup int2 *)&late[2 * t] = int2((int)y);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    C[t] = (float)late[127 - t] + (float)apart[t / 16];
}
