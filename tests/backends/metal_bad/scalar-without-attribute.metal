// Every parameter of a kernel has an attribute.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], constant int &n, uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = n;
}
