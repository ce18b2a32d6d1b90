// Arrays have constant extents.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], constant int &n [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    float acc[n];
    acc[0] = 1.0f;
    C[i] = acc[0];
}
