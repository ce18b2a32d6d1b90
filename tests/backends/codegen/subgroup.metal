// subgroup
//   launch    grid 2,1,1  block 16,8,2
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void subgroup(device const float *A [[buffer(0)]],
                     device float *C [[buffer(1)]],
                     uint3 block_id [[threadgroup_position_in_grid]],
                     uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tz = thread_id.z;
    int ty = thread_id.y;
    int tx = thread_id.x;
    const float x = A[bx * 256 + tz * 128 + ty * 16 + tx];
    C[bx * 256 + tz * 128 + ty * 16 + tx] = x + simd_shuffle_xor(x, (ushort)(1)) + simd_shuffle_down(x, (ushort)(1)) + simd_shuffle(x, (ushort)(0));
}
