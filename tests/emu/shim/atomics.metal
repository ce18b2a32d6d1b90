// block 64
// Atomic functions in threadgroup memory: what they leave and what they give.
#include <metal_stdlib>
using namespace metal;

kernel void atomics(device const int *in [[buffer(0)]],
                    device int *out [[buffer(1)]],
                    uint t [[thread_position_in_threadgroup]])
{
    threadgroup atomic_int i[6];
    threadgroup atomic_uint u[6];
    threadgroup atomic_float f;
    int wrong = in[0];
    if (t < 6) {
        atomic_store_explicit(&i[t], t == 3 ? 255 : 0, memory_order_relaxed);
        atomic_store_explicit(&u[t], 0u, memory_order_relaxed);
    }
    if (t == 0)
        atomic_store_explicit(&f, 0.0f, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    int before = atomic_fetch_add_explicit(&i[0], 2, memory_order_relaxed);
    wrong += before % 2 || before < 0 || before > 126;
    atomic_fetch_sub_explicit(&i[1], int(t), memory_order_relaxed);
    atomic_fetch_min_explicit(&i[2], int(t) - 40, memory_order_relaxed);
    atomic_fetch_and_explicit(&i[3], ~(1 << int(t % 4)), memory_order_relaxed);
    atomic_fetch_xor_explicit(&i[4], int(t), memory_order_relaxed);
    atomic_fetch_max_explicit(&u[0], t, memory_order_relaxed);
    atomic_fetch_or_explicit(&u[1 + before / 2 / 32], 1u << (before / 2 % 32), memory_order_relaxed);
    atomic_fetch_add_explicit(&f, 0.5f, memory_order_relaxed);
    uint none = 0;
    if (atomic_compare_exchange_weak_explicit(&u[3], &none, t + 100, memory_order_relaxed, memory_order_relaxed))
        atomic_fetch_add_explicit(&u[4], 1u, memory_order_relaxed);
    else
        wrong += none < 100;
    uint other = atomic_exchange_explicit(&u[5], t, memory_order_relaxed);
    wrong += other > 63;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    wrong += atomic_load_explicit(&i[0], memory_order_relaxed) != 128 || atomic_load_explicit(&i[1], memory_order_relaxed) != -2016;
    wrong += atomic_load_explicit(&i[2], memory_order_relaxed) != -40 || atomic_load_explicit(&i[3], memory_order_relaxed) != 240;
    wrong += atomic_load_explicit(&i[4], memory_order_relaxed) != 0 || atomic_load_explicit(&u[0], memory_order_relaxed) != 63;
    wrong += (atomic_load_explicit(&u[1], memory_order_relaxed) & atomic_load_explicit(&u[2], memory_order_relaxed)) != ~0u;
    wrong += atomic_load_explicit(&f, memory_order_relaxed) != 32 || atomic_load_explicit(&u[4], memory_order_relaxed) != 1;
    out[t] = wrong;
}
