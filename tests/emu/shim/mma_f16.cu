// block 32
// mma.sync with halves: fragments are filled and read by the tables of the PTX ISA.
#include <cuda_fp16.h>

__device__ float a_of(int row, int k) { return (float)((row * 7 + k * 3) % 11 - 5) * 0.25f; }
__device__ float b_of(int k, int column) { return (float)((k * 5 + column * 2) % 13 - 6) * 0.5f; }
__device__ unsigned pack(float lo, float hi)
{
    return (unsigned)__half_as_ushort(__float2half(hi)) << 16 | __half_as_ushort(__float2half(lo));
}

// Elements 0 to 3 of C in this lane: rows g and g + 8, columns 2 t and 2 t + 1.
__device__ float expected(int i, int depth, float c)
{
    int row = threadIdx.x / 4 + 8 * (i / 2), column = threadIdx.x % 4 * 2 + i % 2;
    for (int k = 0; k < depth; k++)
        c += a_of(row, k) * b_of(k, column);
    return c;
}

extern "C" __global__ void mma_f16(const int *in, int *out)
{
    int g = threadIdx.x / 4, t = threadIdx.x % 4, wrong = 0;
    unsigned a[4], b[2];
    float c[4], d[4];
    for (int i = 0; i < 4; i++)
        c[i] = (float)(in[i] + t);
    // a0,a1: (g, 2t..)  a2,a3: (g+8, 2t..)  a4,a5: (g, 2t+8..)  a6,a7: (g+8, 2t+8..)
    a[0] = pack(a_of(g, 2 * t), a_of(g, 2 * t + 1));
    a[1] = pack(a_of(g + 8, 2 * t), a_of(g + 8, 2 * t + 1));
    a[2] = pack(a_of(g, 2 * t + 8), a_of(g, 2 * t + 9));
    a[3] = pack(a_of(g + 8, 2 * t + 8), a_of(g + 8, 2 * t + 9));
    b[0] = pack(b_of(2 * t, g), b_of(2 * t + 1, g));
    b[1] = pack(b_of(2 * t + 8, g), b_of(2 * t + 9, g));
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};\n"
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]),
                   "f"(c[1]), "f"(c[2]), "f"(c[3]));
    for (int i = 0; i < 4; i++)
        wrong += d[i] != expected(i, 16, c[i]);

    // In place, half as deep.
    for (int i = 0; i < 4; i++)
        d[i] = c[i];
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(b[0]));
    for (int i = 0; i < 4; i++)
        wrong += d[i] != expected(i, 8, c[i]);

    // Sums in halves: exact here, as all numbers are small multiples of 1/8.
    unsigned c01 = pack(c[0], c[1]), c23 = pack(c[2], c[3]), d01, d23;
    asm("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9};"
        : "=r"(d01), "=r"(d23)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c01), "r"(c23));
    wrong += d01 != pack(expected(0, 16, c[0]), expected(1, 16, c[1]));
    wrong += d23 != pack(expected(2, 16, c[2]), expected(3, 16, c[3]));
    out[threadIdx.x] = wrong;
}
