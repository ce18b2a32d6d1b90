// pad
//   launch    grid 16,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void pad(device const float *A [[buffer(0)]],
                device float *C [[buffer(1)]],
                constant long &n [[buffer(2)]],
                constant int &k [[buffer(3)]],
                uint3 block_id [[threadgroup_position_in_grid]],
                uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    const long i = bx * 256L + tx;
    const bool inside = i >= 3L && i - 3L < n;
    const float v = inside ? A[i - 3L] : 0.0f;
    C[i] = (v > 0.5f ? v : k == 1 ? -v : v * 2.0f) + (k > 0 ? (float)(bx / k) : 1.0f);
    C[i] = k > 2 ? (inside ? A[i - 3L] / A[0L] : -1.0f) : 2.0f;
}
