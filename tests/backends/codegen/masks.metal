// masks
//   launch    grid 4,1,1  block 256,1,1
#include <metal_stdlib>
using namespace metal;

#pragma METAL fp contract(on)
[[max_total_threads_per_threadgroup(256)]]
kernel void masks(device const float *A [[buffer(0)]],
                  device const int *I [[buffer(1)]],
                  device const long *H [[buffer(2)]],
                  device float *C [[buffer(3)]],
                  device long *D [[buffer(4)]],
                  device bool *E [[buffer(5)]],
                  uint3 block_id [[threadgroup_position_in_grid]],
                  uint3 thread_id [[thread_position_in_threadgroup]])
{
    int bx = block_id.x;
    int tx = thread_id.x;
    const float4 v = *(device const float4 *)&A[(bx * 256 + tx) * 4];
    const int4 n = *(device const int4 *)&I[(bx * 256 + tx) * 4];
    const bool4 pos = v > float4(0.0f);
    *(device float4 *)&C[(bx * 256 + tx) * 4] = select(float4(0.0f), v, pos & !(n == int4(3)));
    *(device long4 *)&D[(bx * 256 + tx) * 4] = select(long4(-1L), *(device const long4 *)&H[(bx * 256 + tx) * 4], pos);
    C[tx] = pos.y ? 1.0f : 0.0f;
    *(device float4 *)&C[(bx * 256 + tx) * 4] = float4(pos) + (tx > 3 ? v : -v);
    const bool4 lanes = isnan(v) | pos;
    E[(bx * 256 + tx) * 4] = lanes.x;
    E[(bx * 256 + tx) * 4 + 1] = lanes.y;
    E[(bx * 256 + tx) * 4 + 2] = lanes.z;
    E[(bx * 256 + tx) * 4 + 3] = lanes.w;
}
