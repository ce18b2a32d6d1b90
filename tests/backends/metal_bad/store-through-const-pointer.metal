// Const is const.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    A[i] = 1.0f;
}
