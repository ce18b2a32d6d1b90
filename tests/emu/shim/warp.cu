// block 48
// Shuffles, votes, reductions and matches, in a whole warp and in one of 16 lanes.
extern "C" __global__ void warp(const int *in, int *out)
{
    int t = threadIdx.x, lane = t % 32, lanes = t < 32 ? 32 : 16, wrong = 0;
    unsigned all = 0xffffffffu;
    wrong += __shfl_sync(all, t, 5) != t - lane + 5;
    wrong += __shfl_sync(all, t, 9, 8) != t - lane + lane / 8 * 8 + 1; // the lane is taken modulo the width
    wrong += __shfl_sync(all, 0.5f * t, lane ^ 1) != 0.5f * (t ^ 1);
    wrong += __shfl_sync(all, (long long)t << 40, 0) != (long long)(t - lane) << 40;
    wrong += __shfl_up_sync(all, t, 3) != (lane < 3 ? t : t - 3);
    wrong += __shfl_up_sync(all, t, 1, 4) != (lane % 4 == 0 ? t : t - 1);
    if (lane + 3 < lanes || lanes == 32)
        wrong += __shfl_down_sync(lanes == 32 ? all : 0x1fffu, t, 3) != (lane + 3 < 32 ? (lane + 3 < 13 || lanes == 32 ? t + 3 : -1) : t);
    wrong += __shfl_down_sync(all, t, 2, 4) != (lane % 4 < 2 ? t + 2 : t);
    wrong += __shfl_xor_sync(all, t, 7) != (t ^ 7);
    wrong += __shfl_xor_sync(all, t, 1, 2) != (t ^ 1);
    wrong += __ballot_sync(all, lane % 3 == 0) != (0x49249249u & (lanes == 32 ? all : 0xffffu));
    wrong += __any_sync(all, lane == 7) != 1 || __any_sync(all, 0) != 0;
    wrong += __all_sync(all, 1) != 1 || __all_sync(all, lane != 7) != 0;
    wrong += __activemask() != (lanes == 32 ? all : 0xffffu);
    wrong += __reduce_add_sync(all, lane) != lanes * (lanes - 1) / 2;
    wrong += __reduce_min_sync(all, lane - 3) != -3 || __reduce_max_sync(all, (unsigned)lane) != lanes - 1;
    wrong += __reduce_or_sync(all, 1u << lane) != (lanes == 32 ? all : 0xffffu);
    wrong += __reduce_and_sync(all, 6u | lane) != 6u || __reduce_xor_sync(all, 1u << lane / 2 * 2) != 0u;
    unsigned same = 0;
    for (int i = 0; i < lanes; i++)
        same |= (unsigned)(i % 5 == lane % 5) << i;
    wrong += __match_any_sync(all, lane % 5) != same;
    int one;
    wrong += __match_all_sync(all, t / 64, &one) != (lanes == 32 ? all : 0xffffu) || one != 1;
    wrong += __match_all_sync(all, lane / 8, &one) != 0 || one != 0;
    // Lanes of a mask alone, in two halves that do other things.
    if (lane < 8)
        wrong += __shfl_sync(0xffu, t, 3) != t - lane + 3;
    else if (lane < 16)
        wrong += __ballot_sync(0xff00u, lane & 1) != 0xaa00u;
    __syncwarp();
    int sum = lane;
    for (int i = 8; i; i /= 2)
        sum += __shfl_xor_sync(all, sum, i);
    wrong += sum != (lane < 16 ? 120 : 120 + 256);
    wrong += __syncthreads_count(t % 3 == 0) != 16 || __syncthreads_or(t == 47) != 1 || __syncthreads_and(t != 47) != 0;
    out[t] = wrong + in[0];
}
