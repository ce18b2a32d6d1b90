// block 48
// SIMD groups: shuffles, sums, votes, of all threads and of those that are there.
#include <metal_stdlib>
using namespace metal;

kernel void simdgroup(device const int *in [[buffer(0)]],
                      device int *out [[buffer(1)]],
                      uint t [[thread_position_in_grid]],
                      ushort2 place [[thread_position_in_threadgroup]],
                      uint32_t lane [[thread_index_in_simdgroup]],
                      uint group [[simdgroup_index_in_threadgroup]],
                      uint groups [[simdgroups_per_threadgroup]],
                      uint width [[threads_per_simdgroup]],
                      uint3 size [[threads_per_threadgroup]],
                      uint3 grid [[threadgroups_per_grid]])
{
    int wrong = in[0], lanes = group == 0 ? 32 : 16, first = t - lane, last = lanes - 1;
    wrong += width != 32 || lane != t % 32 || group != t / 32 || groups != 2 || any(size != uint3(48, 1, 1)) || grid.x != 1 || place.x != t;
    wrong += simd_shuffle(int(t), 5) != first + 5 || simd_broadcast(float(t), 7) != first + 7 || simd_broadcast_first(int(t)) != first;
    wrong += simd_shuffle_xor(int(t), 3) != int(t ^ 3) || any(simd_shuffle(float2(t, 1), ushort(lane ^ 1)) != float2(t ^ 1, 1));
    if (lanes == 32) {
        wrong += simd_shuffle_down(int(t), 2) != int(lane < 30 ? t + 2 : t);
        wrong += simd_shuffle_rotate_down(int(t), 2) != first + int(lane + 2) % 32;
        wrong += simd_shuffle_rotate_up(int(t), 2) != first + int(lane + 30) % 32;
        wrong += simd_shuffle_and_fill_down(int(t), -int(t), 2) != (lane < 30 ? int(t) + 2 : -(first + int(lane) - 30));
        wrong += simd_shuffle_and_fill_up(int(t), -int(t), 2) != (lane >= 2 ? int(t) - 2 : -(first + 30 + int(lane)));
    }
    wrong += simd_shuffle_up(int(t), 2) != int(lane >= 2 ? t - 2 : t);
    wrong += simd_sum(int(lane)) != lanes * last / 2 || simd_max(float(lane)) != last || simd_min(-int(lane)) != -last;
    wrong += simd_product(lane < 4 ? 2 : 1) != 16 || simd_or(1u << lane) != (lanes == 32 ? ~0u : 0xffffu) || simd_and(lane | 6u) != 6u || simd_xor(lane == 3 ? 9 : 0) != 9;
    wrong += any(simd_sum(float2(1, 2)) != float2(lanes, 2 * lanes)) || simd_sum(0.5h) != half(lanes / 2);
    wrong += simd_prefix_exclusive_sum(1) != int(lane) || simd_prefix_inclusive_sum(1) != int(lane) + 1 || simd_prefix_inclusive_product(lane < 2 ? 3 : 1) != (lane == 0 ? 3 : 9);
    wrong += ulong(simd_ballot(lane % 2)) != (lanes == 32 ? 0xaaaaaaaaul : 0xaaaaul) || !simd_all(true) || simd_any(false) || simd_all(lane != 3);
    wrong += simd_is_first() != (lane == 0);
    if (lane % 2) // the others do not take part
        wrong += simd_sum(1) != lanes / 2 || ulong(simd_active_threads_mask()) != (lanes == 32 ? 0xaaaaaaaaul : 0xaaaaul) || simd_is_first() != (lane == 1);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = wrong;
}
