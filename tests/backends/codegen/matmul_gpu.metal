// matmul: fc1 (MatMul)                                                              model: mlp.onnx
//   C         f32[128,128]           4.19 MFLOP   0.13 MB read, 65.5 kB written   21.3 FLOP/byte
//   schedule  contraction/gpu: tile 32x32x8, 4x4 registers
//   launch    grid 4,4,1  block 8,8,1  shared 2.0 KiB
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(64)]]
kernel void matmul(device const float *A [[buffer(0)]],
                   device const float *B [[buffer(1)]],
                   device float *C [[buffer(2)]],
                   uint3 block_id [[threadgroup_position_in_grid]],
                   uint3 thread_id [[thread_position_in_threadgroup]])
{
    alignas(16) threadgroup float As[256];
    alignas(16) threadgroup float Bs[256];
    int by = block_id.y;
    int bx = block_id.x;
    int ty = thread_id.y;
    int tx = thread_id.x;
    float acc[16];
    for (int i = 0; i < 16; i++) {
        acc[i] = 0.0f;
    }
    for (int ko = 0; ko < 16; ko++) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
        *(threadgroup float4 *)&As[(ty * 8 + tx) * 4] = *(device const float4 *)&A[((by * 32 + ty * 4 + tx / 2) * 32 + ko * 2 + tx % 2) * 4];
        *(threadgroup float4 *)&Bs[(ty * 8 + tx) * 4] = *(device const float4 *)&B[((ko * 8 + ty) * 32 + bx * 8 + tx) * 4];
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int ki = 0; ki < 8; ki++) {
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 4; j++) {
                    acc[i * 4 + j] += As[(ty * 4 + i) * 8 + ki] * Bs[ki * 32 + tx * 4 + j];
                }
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            C[(by * 32 + ty * 4 + i) * 128 + bx * 32 + tx * 4 + j] = acc[i * 4 + j];
        }
    }
}
