// vector_add: add1 (Add)                                                            model: add.onnx
//   C         f32[n]
//   schedule  injective/gpu: 256 threads
//   launch    grid tdiv(n + 255, 256),1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void vector_add(device const float *A [[buffer(0)]],
                       device const float *B [[buffer(1)]],
                       device float *C [[buffer(2)]],
                       constant int &n [[buffer(3)]],
                       uint3 block_id [[threadgroup_position_in_grid]],
                       uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    if (bx * 256 + tx < n) {
        C[bx * 256 + tx] = A[bx * 256 + tx] + B[bx * 256 + tx];
    }
}
