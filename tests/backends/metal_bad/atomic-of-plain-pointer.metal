// Atomics are on atomic types.
#include <metal_stdlib>
using namespace metal;

kernel void bad(device int *C [[buffer(0)]], uint3 t [[thread_position_in_threadgroup]])
{
    int i = t.x;
    atomic_fetch_add_explicit(&C[i], 1, memory_order_relaxed);
}
