// The same for integers.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    int4 v = (int4)(i, i + 1, 2, 3);
    C[i] = v.x;
}
