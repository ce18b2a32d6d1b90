// half_gelu
//   launch    grid 16,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void half_gelu(device const half *A [[buffer(0)]],
                      device half *C [[buffer(1)]],
                      uint3 block_id [[threadgroup_position_in_grid]],
                      uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    const half x = A[bx * 256 + tx];
    C[bx * 256 + tx] = x * 0.5h * (1.0h + tanh(x)) - sqrt(x * x) - 1.7753906h;
    C[bx * 256 + tx] = x > 0.0h ? x : -half(INFINITY);
}
