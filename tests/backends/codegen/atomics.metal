// histogram
//   launch    grid 32,1,1  block 256,1,1  shared 1.0 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void histogram(device const uchar *A [[buffer(0)]],
                      device uint *H [[buffer(1)]],
                      device int *M [[buffer(2)]],
                      constant int &n [[buffer(3)]],
                      uint3 block_id [[threadgroup_position_in_grid]],
                      uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup uint bins[256];
    int bx = block_id.x;
    int tx = thread_id.x;
    bins[tx] = 0u;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const int i = bx * 256 + tx;
    if (i < n) {
        atomic_fetch_add_explicit((threadgroup atomic_uint *)&bins[(int)A[i]], 1u, memory_order_relaxed);
        atomic_fetch_max_explicit((device atomic_int *)&M[0], (int)A[i], memory_order_relaxed);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    atomic_fetch_add_explicit((device atomic_uint *)&H[tx], bins[tx], memory_order_relaxed);
}
