// error: use of undeclared identifier 'exp'
#include <metal_stdlib>
kernel void namespace_not_used(device const int *in [[buffer(0)]], device int *out [[buffer(1)]])
{
    out[0] = (int)exp((float)in[0]);
}
