// The library lives in metal::.
#include <metal_stdlib>

kernel void bad(device const float *A [[buffer(0)]], device float *C [[buffer(1)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    threadgroup_barrier(mem_flags::mem_none);
    C[i] = A[i];
}
