// Positions are unsigned.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], int3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = 1.0f;
}
