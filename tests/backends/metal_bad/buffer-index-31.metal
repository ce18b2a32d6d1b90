// Buffer indices go from 0 to 30.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(31)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = 1.0f;
}
