// A pointer parameter needs [[buffer(n)]].
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A, device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = A[i];
}
