// error: unknown_function.metal:7
// error: erf
#include <metal_stdlib>
using namespace metal;
kernel void unknown_function(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    out[0] = erf(in[0]);
}
