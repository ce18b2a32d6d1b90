// Two parameters share a buffer index.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(0)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = A[i];
}
