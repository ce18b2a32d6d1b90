// pragmas
//   launch    grid n,1,1  block 1,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(1)]]
kernel void pragmas(device const float *A [[buffer(0)]],
                    device float *C [[buffer(1)]],
                    constant int &n [[buffer(2)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int b = block_id.x;
    int t = thread_id.x;
    float sum = 0.0f;
    #pragma unroll 1
    for (int i = 0; i < n; i++) {
        #pragma unroll 4
        for (int j = 0; j < n; j++) {
            #pragma unroll 4
            for (int k = 0; k < 4; k++) {
                sum += A[b * 4 + k];
            }
        }
    }
    C[b] = sum;
}
