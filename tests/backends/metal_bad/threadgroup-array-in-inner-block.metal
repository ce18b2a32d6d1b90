// Threadgroup memory is declared in the kernel's outermost scope.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    if (i < 3) {
        threadgroup float tile[16];
        tile[i] = A[i];
        C[i] = tile[i];
    }
}
