// error: vector_from_wider.metal:6
#include <metal_stdlib>
using namespace metal;
kernel void vector_from_wider(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    float2 v = float3(in[0]);
    out[0] = (int)v.x;
}
