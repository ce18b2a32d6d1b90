// block 32
// mma.sync with bfloat16, tf32, doubles and bytes, by the tables of the PTX ISA.
#include <cuda_bf16.h>

__device__ int a_of(int row, int k) { return (row * 7 + k * 3) % 11 - 5; }
__device__ int b_of(int k, int column) { return (k * 5 + column * 2) % 13 - 6; }
__device__ unsigned pair(int lo, int hi)
{
    return (unsigned)__bfloat16_as_ushort(__float2bfloat16((float)hi)) << 16 |
           __bfloat16_as_ushort(__float2bfloat16((float)lo));
}
__device__ unsigned tf32(int x) { return __float_as_uint((float)x) | 0x1fff; } // lower bits do not count
__device__ unsigned a_bytes(int row, int k)
{
    unsigned r = 0;
    for (int j = 0; j < 4; j++)
        r |= (unsigned)(a_of(row, k + j) & 255) << 8 * j;
    return r;
}
__device__ unsigned b_bytes(int k, int column)
{
    unsigned r = 0;
    for (int j = 0; j < 4; j++)
        r |= (unsigned)((b_of(k + j, column) + 6) & 255) << 8 * j;
    return r;
}
__device__ int sum(int i, int depth, int shift)
{
    int row = threadIdx.x / 4 + 8 * (i / 2), column = threadIdx.x % 4 * 2 + i % 2, c = 0;
    for (int k = 0; k < depth; k++)
        c += a_of(row, k) * (b_of(k, column) + shift);
    return c;
}

extern "C" __global__ void mma_other(const int *in, int *out)
{
    int g = threadIdx.x / 4, t = threadIdx.x % 4, wrong = 0;
    float d[4];
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%10,%10,%10,%10};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(pair(a_of(g, 2 * t), a_of(g, 2 * t + 1))),
          "r"(pair(a_of(g + 8, 2 * t), a_of(g + 8, 2 * t + 1))),
          "r"(pair(a_of(g, 2 * t + 8), a_of(g, 2 * t + 9))),
          "r"(pair(a_of(g + 8, 2 * t + 8), a_of(g + 8, 2 * t + 9))),
          "r"(pair(b_of(2 * t, g), b_of(2 * t + 1, g))),
          "r"(pair(b_of(2 * t + 8, g), b_of(2 * t + 9, g))), "f"(0.0f));
    for (int i = 0; i < 4; i++)
        wrong += d[i] != (float)sum(i, 16, 0);

    // a0: (g, t)  a1: (g + 8, t)  a2: (g, t + 4)  a3: (g + 8, t + 4);  b0: (t, g)  b1: (t + 4, g)
    unsigned a0 = tf32(a_of(g, t)), a1 = tf32(a_of(g + 8, t)), a2 = tf32(a_of(g, t + 4)),
             a3 = tf32(a_of(g + 8, t + 4)), b0 = tf32(b_of(t, g)), b1 = tf32(b_of(t + 4, g));
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%10,%10,%10,%10};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "f"(0.0f));
    for (int i = 0; i < 4; i++)
        wrong += d[i] != (float)sum(i, 8, 0);
    asm("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a0), "r"(a1), "r"(b0), "f"(0.0f));
    for (int i = 0; i < 4; i++)
        wrong += d[i] != (float)sum(i, 4, 0);

    // Doubles, 8 x 8 x 4: a (g, t), b (t, g), c (g, 2 t) and (g, 2 t + 1)
    double e[2] = { 1, 2 };
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%0,%1};"
        : "+d"(e[0]), "+d"(e[1])
        : "d"((double)a_of(g, t)), "d"((double)b_of(t, g)));
    for (int i = 0; i < 2; i++)
        wrong += e[i] != sum(i, 4, 0) + 1 + i;

    // Signed by unsigned bytes, 16 x 8 x 32: a0 (g, 4 t) a1 (g + 8, 4 t) a2 (g, 4 t + 16) a3 (g + 8, ..)
    int s[4];
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%10,%10,%10,%10};"
        : "=r"(s[0]), "=r"(s[1]), "=r"(s[2]), "=r"(s[3])
        : "r"(a_bytes(g, 4 * t)), "r"(a_bytes(g + 8, 4 * t)), "r"(a_bytes(g, 4 * t + 16)),
          "r"(a_bytes(g + 8, 4 * t + 16)), "r"(b_bytes(4 * t, g)), "r"(b_bytes(4 * t + 16, g)),
          "r"(100));
    for (int i = 0; i < 4; i++)
        wrong += s[i] != sum(i, 32, 6) + 100;
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
        : "=r"(s[0]), "=r"(s[1]), "=r"(s[2]), "=r"(s[3])
        : "r"(a_bytes(g, 4 * t)), "r"(a_bytes(g + 8, 4 * t)), "r"(b_bytes(4 * t, g)), "r"(0));
    for (int i = 0; i < 4; i++)
        wrong += s[i] != sum(i, 16, 6);
    asm("mma.sync.aligned.m8n8k16.row.col.satfinite.s32.s8.u8.s32 {%0,%1}, {%2}, {%3}, {%4,%4};"
        : "=r"(s[0]), "=r"(s[1])
        : "r"(a_bytes(g, 4 * t)), "r"(b_bytes(4 * t, g)), "r"(0x7fffffff));
    for (int i = 0; i < 2; i++)
        wrong += s[i] != (sum(i, 16, 6) > 0 ? 0x7fffffff : 0x7fffffff + sum(i, 16, 6));
    out[threadIdx.x] = wrong + (in[0] != 0);
}
