// Threadgroup memory has no initialiser.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    threadgroup float tile[4] = { 0, 0, 0, 0 };
    C[i] = tile[i];
}
