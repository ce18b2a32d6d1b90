// block 32
// Functions of the standard library.
#include <metal_stdlib>
using namespace metal;

kernel void functions(device const int *in [[buffer(0)]],
                      device int *out [[buffer(1)]],
                      ushort t [[thread_index_in_threadgroup]])
{
    int wrong = in[0];
    wrong += exp2(3.0) != 8 || sqrt(16.0f) != 4 || rsqrt(4.0f) != 0.5 || fast::exp(0.0) != 1 || precise::sqrt(9.0) != 3;
    wrong += exp2(half(3)) != 8.0h || any(sqrt(float2(4, 9)) != float2(2, 3)) || any(fabs(half2(-1, 2)) != half2(1, 2));
    wrong += rint(2.5) != 2 || round(2.5) != 3 || trunc(-2.5) != -2 || fract(2.25) != 0.25 || fract(-0.25) != 0.75;
    wrong += sign(-3.0) != -1 || sign(0.0) != 0 || sign(NAN) != 0 || saturate(1.5) != 1 || saturate(-1.0) != 0 || step(1.0, 0.5) != 0;
    wrong += smoothstep(0.0, 1.0, 0.5) != 0.5 || sinpi(0.5) != 1 || cospi(1.0) != -1 || exp10(2.0) != 100 || powr(2.0, 3.0) != 8;
    wrong += fmod(-5.0, 3.0) != -2 || copysign(2.0, -0.0) != -2 || fma(2.0, 3.0, 4.0) != 10 || fma(2.0h, 3.0h, 4.0h) != 10.0h;
    wrong += fma(half(1.0009765625), half(1.0009765625), half(-1.001953125)) != half(9.5367431640625e-07); // once rounded
    wrong += min(NAN, 1.0) != 1 || max(1.0, NAN) != 1 || fmin(2.0, 1.0) != 1 || min3(3, 1, 2) != 1 || median3(3, 1, 2) != 2;
    wrong += !isnan(NAN) || !isinf(half(INFINITY)) || !isfinite(1.0) || isnormal(1e-40) || !signbit(-0.0) || any(isnan(float2(0)));
    wrong += abs(-3) != 3 || absdiff(-3, 4) != 7u || absdiff(4u, 7u) != 3u || clamp(7, 1, 5) != 5 || popcount(255u) != 8 || clz(1u) != 31;
    wrong += clz(ushort(1)) != 15 || ctz(8) != 3 || ctz(0) != 32 || rotate(0x80000001u, 1u) != 3 || reverse_bits(1u) != 0x80000000u;
    wrong += reverse_bits(uchar(1)) != 128 || rotate(uchar(0x81), uchar(1)) != 3;
    wrong += addsat(2147483647, 1) != 2147483647 || addsat(-2147483647 - 1, -1) != -2147483647 - 1 || addsat(~0u, 1u) != ~0u;
    wrong += subsat(1u, 2u) != 0 || subsat(-2147483647 - 1, 1) != -2147483647 - 1 || addsat(char(100), char(100)) != 127;
    wrong += mulhi(-1, 1) != -1 || mulhi(0x80000000u, 4u) != 2 || mulhi(1l << 62, 8l) != 2 || hadd(-3, -2) != -3 || rhadd(-3, -2) != -2;
    wrong += extract_bits(0xabcdu, 4u, 8u) != 0xbc || extract_bits(0xf0, 4u, 4u) != -1 || insert_bits(0u, 5u, 4u, 3u) != 0x50 || mul24(0x1000003, 5) != 15;
    float c, s = sincos(0.0f, c);
    int e;
    wrong += s != 0 || c != 1 || frexp(12.0, e) != 0.75 || e != 4 || ldexp(1.0, 5) != 32 || ilogb(8.0) != 3;
    wrong += numeric_limits<float>::max() != FLT_MAX || numeric_limits<int>::min() != INT_MIN || numeric_limits<uint>::max() != UINT_MAX;
    wrong += 1 / 2.0 != 0.5f || sizeof(1.0) != 4 || sizeof(0.5h) != 2 || 1e3 != 1000 || 0x1p3 != 8;
    out[t] = wrong;
}
