// Positions are all uint or all ushort.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device float *C [[buffer(0)]], uint3 t [[thread_position_in_threadgroup]], ushort3 b [[threadgroup_position_in_grid]])
{
    int i = t.x;
    C[i] = b.x;
}
