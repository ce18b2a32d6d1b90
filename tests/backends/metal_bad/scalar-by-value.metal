// A buffer parameter is a pointer or a reference.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], int n [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = n;
}
