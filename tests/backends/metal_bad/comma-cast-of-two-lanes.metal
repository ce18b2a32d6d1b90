// A cast of a comma expression is its last lane four times, not a vector.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    float2 v = (float2)(A[i], A[i + 1]);
    C[i] = v.x + v.y;
}
