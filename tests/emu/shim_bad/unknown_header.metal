// error: emulated devices know no header <metal_raytracing>
#include <metal_raytracing>
kernel void unknown_header(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    out[0] = in[0];
}
