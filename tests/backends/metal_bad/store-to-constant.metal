// Constant memory is read.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], constant int &n [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    n = 3;
    C[i] = n;
}
