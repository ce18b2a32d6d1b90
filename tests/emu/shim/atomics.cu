// block 64
// Atomic functions: what they leave and what they give.
#include <cuda_fp16.h>
extern "C" __global__ void atomics(const int *in, int *out)
{
    __shared__ int i32[8];
    __shared__ unsigned u32[8], seen;
    __shared__ unsigned long long u64[8];
    __shared__ long long i64[2];
    __shared__ float f32[2];
    __shared__ double f64;
    __shared__ __half h;
    __shared__ __half2 h2;
    int t = threadIdx.x, wrong = 0;
    if (t == 0) {
        for (int i = 0; i < 8; i++)
            i32[i] = u32[i] = u64[i] = i == 4 ? 255 : 0;
        i64[0] = i64[1] = f32[0] = f32[1] = f64 = seen = 0;
        h = __float2half(0), h2 = __floats2half2_rn(0, 0);
    }
    __syncthreads();
    int before = atomicAdd(&i32[0], 2);
    wrong += before < 0 || before > 126 || before % 2;
    atomicOr(&u32[before / 2 / 32], 1u << before / 2 % 32); // every thread saw another value
    t % 2 ? atomicSub(&i32[1], t) : atomicSub_block(&i32[1], t);
    atomicMin(&i32[2], t - 40);
    atomicMax(&i32[3], t);
    atomicAnd(&i32[4], ~(1 << t % 4));
    atomicXor(&i32[5], t);
    atomicMin(&u32[2], (unsigned)-t);
    atomicMax(&u32[3], (unsigned)-t);
    atomicInc(&u32[5], 9);
    atomicDec(&u32[6], 9);
    atomicAdd(&u64[0], 1ull << 33);
    atomicMax(&u64[1], (unsigned long long)-t);
    atomicMin(&i64[0], (long long)-t << 40);
    atomicMax(&i64[1], (long long)t << 40);
    atomicAnd(&u64[4], 0xf0ull | (unsigned)t >> 6);
    atomicAdd(&f32[0], 0.5f);
    atomicAdd(&f64, 0.25);
    atomicAdd(&h, __float2half(2.0f));
    atomicAdd(&h2, __floats2half2_rn(1.0f, -1.0f));
    atomicExch(&f32[1], (float)t);
    if (atomicCAS_block(&u32[7], 0u, (unsigned)t + 100) == 0u)
        atomicAdd_block(&seen, 1u);
    __syncthreads();
    wrong += i32[0] != 128 || u32[0] != ~0u || u32[1] != ~0u || i32[1] != -2016 || i32[2] != -40 || i32[3] != 63;
    wrong += i32[4] != 240 || i32[5] != 0 || u32[2] != 0 || u32[3] != (unsigned)-1 || u32[5] != 4;
    wrong += u32[6] != 6; // 0, 9, 8, ... 0, 9: 64 steps of 10
    wrong += u64[0] != 64ull << 33 || u64[1] != ~0ull || u64[4] != 0xf0 || seen != 1 || u32[7] < 100;
    wrong += i64[0] != -63ll << 40 || i64[1] != 63ll << 40;
    wrong += f32[0] != 32 || f64 != 16 || f32[1] < 0 || f32[1] > 63;
    wrong += __half2float(h) != 128 || __low2float(h2) != 64 || __high2float(h2) != -64;
    out[t] = wrong + in[0];
}
