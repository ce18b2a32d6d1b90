// Threadgroup memory is declared in kernels.
#include <metal_stdlib>
using namespace metal;

float helper(float x)
{
    threadgroup float tile[16];
    tile[0] = x;
    return tile[0];
}

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    C[i] = helper(A[i]);
}
