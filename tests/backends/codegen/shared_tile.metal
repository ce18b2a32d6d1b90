// softexp
//   launch    grid 16,1,1  block 64,1,1  shared 256 B
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void softexp(device const float *A [[buffer(0)]],
                    device float *C [[buffer(1)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    threadgroup float tile[64];
    int bx = block_id.x;
    int tx = thread_id.x;
    tile[tx] = A[bx * 64 + tx];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int k = 0; k < 64; k++) {
        if (k < tx) {
            C[bx * 64 + tx] += exp(tile[tx] - tile[min(k, 63)]) * 0.5f;
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
}
