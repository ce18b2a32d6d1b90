// error: the vector has no such lane
#include <metal_stdlib>
kernel void no_such_lane(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    float2 v = float2(in[0]);
    out[0] = (int)v.xz.x;
}
