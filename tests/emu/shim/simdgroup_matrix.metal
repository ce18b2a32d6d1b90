// block 32
// Matrices of 8 x 8 that a SIMD group holds: loaded, multiplied, stored, of halves, bfloats and floats.
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

kernel void simdgroup_matrix(device const int *in [[buffer(0)]],
                                  device int *out [[buffer(1)]],
                                  uint t [[thread_index_in_simdgroup]])
{
    threadgroup float a[16 * 24], b[64], c[64];
    threadgroup half ha[64];
    int wrong = in[0];
    for (uint i = t; i < 16 * 24; i += 32)
        a[i] = int(i * 7 % 11) - 5;
    for (uint i = t; i < 64; i += 32)
        b[i] = int(i * 5 % 13) - 6;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < 64; i += 32)
        ha[i] = half(a[i / 8 * 24 + i % 8]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_float8x8 fa, fb, fc = make_filled_simdgroup_matrix<float, 8, 8>(2.0f), fd;
    simdgroup_half8x8 fh;
    simdgroup_load(fa, a, 24, ulong2(3, 5)); // from column 3, row 5 on
    simdgroup_load(fb, b, 8, ulong2(0), true);
    simdgroup_multiply_accumulate(fc, fa, fb, fc);
    simdgroup_store(fc, c, 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < 64; i += 32) {
        float sum = 2;
        for (uint k = 0; k < 8; k++)
            sum += a[(i / 8 + 5) * 24 + k + 3] * b[i % 8 * 8 + k];
        wrong += c[i] != sum;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_load(fh, ha, 8);
    simdgroup_multiply(fd, fh, simdgroup_float8x8(2.0f)); // twice, by a diagonal
    fd.thread_elements()[0] += 100;
    simdgroup_store(fd, c + 0, 8, ulong2(0, 0), true);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < 64; i += 32) {
        float twice = 2 * a[i % 8 * 24 + i / 8];
        wrong += c[i] != twice && c[i] != twice + 100;
    }
    threadgroup bfloat ba[64];
    for (uint i = t; i < 64; i += 32)
        ba[i] = bfloat(a[i / 8 * 24 + i % 8]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_bfloat8x8 fe;
    simdgroup_float8x8 fs = make_filled_simdgroup_matrix<float, 8, 8>(1.0f);
    simdgroup_load(fe, ba, 8, ulong2(0), true);
    simdgroup_multiply_accumulate(fs, fe, fe, fs);
    simdgroup_store(fs, b, 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < 64; i += 32) {
        float sum = 1;
        for (uint k = 0; k < 8; k++)
            sum += a[k * 24 + i / 8] * a[i % 8 * 24 + k];
        wrong += b[i] != sum;
    }
    wrong += fe.thread_elements().x != ba[(2 * (t / 4 & 2) + 2 * (t % 2)) * 8 + (t / 4 & 4) + t / 2 % 4];
    // Two lanes beside each other hold four elements of a row.
    uint row = (t / 4 & 4) + t / 2 % 4, column = 2 * (t / 4 & 2) + 2 * (t % 2);
    wrong += c[column * 8 + row] != 2 * a[row * 24 + column] + 100 || fd.thread_elements().y != 2 * a[row * 24 + column + 1];
    out[t] = wrong;
}
