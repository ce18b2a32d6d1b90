// Nor in casts of pointers.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    threadgroup float tile[16];
    tile[i] = A[i];
    float4 v = *(device float4 *)&tile[0];
    C[i] = v.x;
}
