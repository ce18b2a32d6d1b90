// A kernel's pointers name their address space.
#include <metal_stdlib>
using namespace metal;

kernel void bad(const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = A[i];
}
