// vectors
//   launch    grid 4,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void vectors(device const float *A [[buffer(0)]],
                    device const int *I [[buffer(1)]],
                    device float *C [[buffer(2)]],
                    device int *D [[buffer(3)]],
                    uint3 block_id [[threadgroup_position_in_grid]],
                    uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    const int i = (bx * 256 + tx) * 4;
    float4 t[2];
    const float4 v = *(device const float4 *)&A[(bx * 256 + tx) * 4];
    const float s = v.x + v.w;
    t[0] = v * float4(2.0f) + float4(s, 1.0f, 2.0f, s);
    t[1] = sqrt(v) - -v;
    *(device float4 *)&C[i] = t[0] / t[1] + float4(t[1].y);
    C[tx] = v.x;
    C[tx + 256] = v.y;
    C[tx + 512] = v.z;
    C[tx + 768] = v.w;
    const float4 lanes = v + float4(A[tx], A[tx + 512], A[tx + 1024], A[tx + 1536]);
    C[tx] = lanes.x;
    C[tx + 256] = lanes.y;
    C[tx + 512] = lanes.z;
    C[tx + 768] = lanes.w;
    *(device int4 *)&D[i] = int4(v) + *(device const int4 *)&I[i] * int4(tx, tx + 1, tx + 2, tx + 3);
    *(device float2 *)&C[i] = s > 0.0f ? *(device const float2 *)&A[i] : float2(0.0f, s);
}
