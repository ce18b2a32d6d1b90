// error: atomic_of_short.metal:7
// error: no matching function for call to 'atomic_fetch_add_explicit'
#include <metal_stdlib>
using namespace metal;
kernel void atomic_of_short(device const int *in [[buffer(0)]], device atomic<short> *out [[buffer(1)]])
{
    atomic_fetch_add_explicit(out, in[0], memory_order_relaxed);
}
