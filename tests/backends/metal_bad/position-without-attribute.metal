// A position needs its attribute.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], uint3 t)
{
    int i = t.x;
    C[i] = 1.0f;
}
