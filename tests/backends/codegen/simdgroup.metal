// simdgroup_f16
//   launch    grid 1,1,1  block 32,4,1  shared 768 B
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(128)]]
kernel void simdgroup_f16(device const half *A [[buffer(0)]],
                          device const half *B [[buffer(1)]],
                          device const float *D [[buffer(2)]],
                          device float *C [[buffer(3)]],
                          uint3 block_id [[threadgroup_position_in_grid]],
                          uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(32) threadgroup half As[384];
    int ty = thread_id.y;
    int tx = thread_id.x;
    for (int i = 0; i < 2; i++) {
        const int e = i * 128 + ty * 32 + tx;
        As[e / 16 * 24 + e % 16] = A[e];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_matrix<half, 8, 8> a[1];
    simdgroup_matrix<half, 8, 8> b[2];
    simdgroup_matrix<float, 8, 8> s[1];
    const int row = ty / 2 * 8;
    const int col = ty % 2 * 8;
    simdgroup_load(s[0], &D[row * 16 + col], 16, ulong2(0), false);
    for (int t = 0; t < 2; t++) {
        simdgroup_load(b[t], &B[col * 16 + t * 8], 16, ulong2(0), true);
    }
    for (int k = 0; k < 2; k++) {
        simdgroup_load(a[0], &As[row * 24 + k * 8], 24, ulong2(0), false);
        simdgroup_multiply_accumulate(s[0], a[0], b[k], s[0]);
    }
    simdgroup_store(s[0], &C[row * 16 + col], 16, ulong2(0), false);
}
