/* emu/shim/cuda_fp16.h: half precision, as NVIDIA's CUDA Math API has it: every operation rounds to
 * nearest even once. */
#ifndef WEFT_CUDA_FP16_H
#define WEFT_CUDA_FP16_H

#include "cuda_small_float.h"

#define __CUDA_FP16_TYPES_EXIST__

struct __half_raw {
    unsigned short x;
};

struct alignas(2) __half {
    __fp16 bits;
    __half() = default;
    __half(__half_raw r) : bits(__builtin_bit_cast(__fp16, r.x)) {}
    __half(float x) : bits((__fp16)x) {}
    __half(double x) : bits((__fp16)weft_odd(x)) {}
    __half(short x) : bits((__fp16)(float)x) {}
    __half(unsigned short x) : bits((__fp16)(float)x) {}
    __half(int x) : bits((__fp16)weft_odd((double)x)) {}
    __half(unsigned int x) : bits((__fp16)weft_odd((double)x)) {}
    __half(long x) : bits((__fp16)weft_odd((long long)x)) {}
    __half(unsigned long x) : bits((__fp16)(float)x) {}
    __half(long long x) : bits((__fp16)weft_odd(x)) {}
    __half(unsigned long long x) : bits((__fp16)(float)x) {}
    operator float() const { return (float)bits; }
    operator __half_raw() const { return __half_raw{ __builtin_bit_cast(unsigned short, bits) }; }
    explicit operator double() const { return (double)(float)bits; }
    explicit operator bool() const { return (float)bits != 0.0f; }
    explicit operator char() const { return (char)(float)bits; }
    explicit operator signed char() const { return (signed char)(float)bits; }
    explicit operator unsigned char() const { return (unsigned char)(float)bits; }
    explicit operator short() const { return (short)(float)bits; }
    explicit operator unsigned short() const { return (unsigned short)(float)bits; }
    explicit operator int() const { return (int)(float)bits; }
    explicit operator unsigned int() const { return (unsigned int)(float)bits; }
    explicit operator long() const { return (long)(float)bits; }
    explicit operator unsigned long() const { return (unsigned long)(float)bits; }
    explicit operator long long() const { return (long long)(float)bits; }
    explicit operator unsigned long long() const { return (unsigned long long)(float)bits; }
};

struct alignas(4) __half2 {
    __half x, y;
    __half2() = default;
    __half2(const __half &a, const __half &b) : x(a), y(b) {}
};

typedef __half half;
typedef __half2 half2;
typedef __half nv_half;
typedef __half2 nv_half2;

WEFT_FN unsigned short __half_as_ushort(const __half a) { return weft_as<unsigned short>(a); }
WEFT_FN short __half_as_short(const __half a) { return weft_as<short>(a); }
WEFT_FN __half __ushort_as_half(unsigned short a) { return weft_as<__half>(a); }
WEFT_FN __half __short_as_half(short a) { return weft_as<__half>(a); }
WEFT_FN __half weft_negated(const __half a)
{
    return __ushort_as_half(__half_as_ushort(a) ^ 0x8000);
}
WEFT_FN bool weft_negative(const __half a) { return __half_as_ushort(a) >> 15; }

WEFT_SMALL_FLOAT(__half, __half2)

/* ---- conversions ----------------------------------------------------------------------------- */

WEFT_FN __half __float2half(float x) { return __half(x); }
WEFT_FN __half __float2half_rn(float x) { return __half(x); }
WEFT_FN __half __double2half(double x) { return __half(x); }
WEFT_FN float __half2float(const __half a) { return (float)a; }

/* Rounds towards zero, +inf or -inf: the half next to the nearest one, if that went the other way.
 */
WEFT_FN __half weft_directed_half(float x, int toward)
{
    __half h(x);
    float f = (float)h;
    if (f == x || x != x || __builtin_isinf(x))
        return h;
    bool down = toward < 0 || (toward == 0 && x > 0);
    if (down ? f < x : f > x)
        return h;
    unsigned short bits = __half_as_ushort(h), magnitude = bits & 0x7fff;
    if (magnitude == 0)
        return __ushort_as_half(down ? 0x8001 : 0x0001);
    bool away = down == weft_negative(h);
    return __ushort_as_half(
        (unsigned short)((bits & 0x8000) | (away ? magnitude + 1 : magnitude - 1)));
}
WEFT_FN __half __float2half_rz(float x) { return weft_directed_half(x, 0); }
WEFT_FN __half __float2half_ru(float x) { return weft_directed_half(x, 1); }
WEFT_FN __half __float2half_rd(float x) { return weft_directed_half(x, -1); }

/* Conversions of integers round to nearest even; to integers they saturate, and NaN is 0. */
#define WEFT_HALF_FROM(NAME, I)                                                                    \
    WEFT_FN __half __##NAME##2half_rn(I x) { return __half(x); }
#define WEFT_HALF_TO(NAME, I)                                                                      \
    WEFT_FN I __half2##NAME##_rn(__half x) { return (I)__builtin_rintf((float)x); }                \
    WEFT_FN I __half2##NAME##_rz(__half x) { return (I)(float)x; }                                 \
    WEFT_FN I __half2##NAME##_ru(__half x) { return (I)__builtin_ceilf((float)x); }                \
    WEFT_FN I __half2##NAME##_rd(__half x) { return (I)__builtin_floorf((float)x); }
#define WEFT_HALF_INTEGER(NAME, I) WEFT_HALF_FROM(NAME, I) WEFT_HALF_TO(NAME, I)
WEFT_HALF_INTEGER(int, int)
WEFT_HALF_INTEGER(uint, unsigned int)
WEFT_HALF_INTEGER(short, short)
WEFT_HALF_INTEGER(ushort, unsigned short)
WEFT_HALF_INTEGER(ll, long long)
WEFT_HALF_INTEGER(ull, unsigned long long)

WEFT_FN __half2 __halves2half2(const __half a, const __half b) { return __half2(a, b); }
WEFT_FN __half2 make_half2(const __half a, const __half b) { return __half2(a, b); }
WEFT_FN __half2 __half2half2(const __half a) { return __half2(a, a); }
WEFT_FN __half2 __float2half2_rn(float a) { return __half2(__half(a), __half(a)); }
WEFT_FN __half2 __floats2half2_rn(float a, float b) { return __half2(__half(a), __half(b)); }
WEFT_FN __half2 __float22half2_rn(float2 a) { return __half2(__half(a.x), __half(a.y)); }
WEFT_FN float2 __half22float2(const __half2 a) { return make_float2((float)a.x, (float)a.y); }
WEFT_FN __half __low2half(const __half2 a) { return a.x; }
WEFT_FN __half __high2half(const __half2 a) { return a.y; }
WEFT_FN __half2 __low2half2(const __half2 a) { return __half2(a.x, a.x); }
WEFT_FN __half2 __high2half2(const __half2 a) { return __half2(a.y, a.y); }
WEFT_FN __half2 __lows2half2(const __half2 a, const __half2 b) { return __half2(a.x, b.x); }
WEFT_FN __half2 __highs2half2(const __half2 a, const __half2 b) { return __half2(a.y, b.y); }
WEFT_FN __half2 __lowhigh2highlow(const __half2 a) { return __half2(a.y, a.x); }

#define CUDART_INF_FP16        __ushort_as_half((unsigned short)0x7C00U)
#define CUDART_NAN_FP16        __ushort_as_half((unsigned short)0x7FFFU)
#define CUDART_ZERO_FP16       __ushort_as_half((unsigned short)0x0000U)
#define CUDART_ONE_FP16        __ushort_as_half((unsigned short)0x3C00U)
#define CUDART_MAX_NORMAL_FP16 __ushort_as_half((unsigned short)0x7BFFU)

#endif
