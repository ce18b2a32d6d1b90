// Kernels return nothing.
#include <metal_stdlib>
using namespace metal;

kernel int bad(device float *C [[buffer(0)]])
{
    C[0] = 1.0f;
    return 1;
}
