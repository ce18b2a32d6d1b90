/* emu/shim/cuda_bf16.h: bfloat16, as NVIDIA's CUDA Math API has it: every operation rounds to
 * nearest even once. */
#ifndef WEFT_CUDA_BF16_H
#define WEFT_CUDA_BF16_H

#include "cuda_small_float.h"

#define __CUDA_BF16_TYPES_EXIST__

struct __nv_bfloat16_raw {
    unsigned short x;
};

WEFT_FN unsigned short weft_bfloat_bits(float x)
{
    uint32_t bits = weft_as<uint32_t>(x);
    if (x != x)
        return 0x7fff;
    return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

struct alignas(2) __nv_bfloat16 {
    unsigned short bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(__nv_bfloat16_raw r) : bits(r.x) {}
    __nv_bfloat16(float x) : bits(weft_bfloat_bits(x)) {}
    __nv_bfloat16(double x) : bits(weft_bfloat_bits(weft_odd(x))) {}
    __nv_bfloat16(short x) : bits(weft_bfloat_bits((float)x)) {}
    __nv_bfloat16(unsigned short x) : bits(weft_bfloat_bits((float)x)) {}
    __nv_bfloat16(int x) : bits(weft_bfloat_bits(weft_odd((double)x))) {}
    __nv_bfloat16(unsigned int x) : bits(weft_bfloat_bits(weft_odd((double)x))) {}
    __nv_bfloat16(long x) : bits(weft_bfloat_bits(weft_odd((long long)x))) {}
    __nv_bfloat16(unsigned long x) : bits(weft_bfloat_bits(weft_odd((unsigned long long)x))) {}
    __nv_bfloat16(long long x) : bits(weft_bfloat_bits(weft_odd(x))) {}
    __nv_bfloat16(unsigned long long x) : bits(weft_bfloat_bits(weft_odd(x))) {}
    operator float() const { return weft_as<float>((uint32_t)bits << 16); }
    operator __nv_bfloat16_raw() const { return __nv_bfloat16_raw{ bits }; }
    explicit operator double() const { return (double)(float)*this; }
    explicit operator bool() const { return (bits & 0x7fff) != 0; }
    explicit operator char() const { return (char)(float)*this; }
    explicit operator signed char() const { return (signed char)(float)*this; }
    explicit operator unsigned char() const { return (unsigned char)(float)*this; }
    explicit operator short() const { return (short)(float)*this; }
    explicit operator unsigned short() const { return (unsigned short)(float)*this; }
    explicit operator int() const { return (int)(float)*this; }
    explicit operator unsigned int() const { return (unsigned int)(float)*this; }
    explicit operator long() const { return (long)(float)*this; }
    explicit operator unsigned long() const { return (unsigned long)(float)*this; }
    explicit operator long long() const { return (long long)(float)*this; }
    explicit operator unsigned long long() const { return (unsigned long long)(float)*this; }
};

struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
    __nv_bfloat162() = default;
    __nv_bfloat162(const __nv_bfloat16 &a, const __nv_bfloat16 &b) : x(a), y(b) {}
};

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

WEFT_FN unsigned short __bfloat16_as_ushort(const __nv_bfloat16 a) { return a.bits; }
WEFT_FN short __bfloat16_as_short(const __nv_bfloat16 a) { return (short)a.bits; }
WEFT_FN __nv_bfloat16 __ushort_as_bfloat16(unsigned short a) { return weft_as<__nv_bfloat16>(a); }
WEFT_FN __nv_bfloat16 __short_as_bfloat16(short a) { return weft_as<__nv_bfloat16>(a); }
WEFT_FN __nv_bfloat16 weft_negated(const __nv_bfloat16 a)
{
    return __ushort_as_bfloat16(a.bits ^ 0x8000);
}
WEFT_FN bool weft_negative(const __nv_bfloat16 a) { return a.bits >> 15; }

WEFT_SMALL_FLOAT(__nv_bfloat16, __nv_bfloat162)

/* ---- conversions ----------------------------------------------------------------------------- */

WEFT_FN __nv_bfloat16 __float2bfloat16(float x) { return __nv_bfloat16(x); }
WEFT_FN __nv_bfloat16 __float2bfloat16_rn(float x) { return __nv_bfloat16(x); }
WEFT_FN __nv_bfloat16 __double2bfloat16(double x) { return __nv_bfloat16(x); }
WEFT_FN float __bfloat162float(const __nv_bfloat16 a) { return (float)a; }

/* A bfloat is the upper half of a float: what is cut off tells the direction. */
WEFT_FN __nv_bfloat16 weft_directed_bfloat(float x, int toward)
{
    uint32_t bits = weft_as<uint32_t>(x);
    bool away = toward != 0 && (bits & 0xffff) && (toward < 0) == (bits >> 31);
    if (x != x)
        return __nv_bfloat16(x);
    return __ushort_as_bfloat16((unsigned short)((bits >> 16) + away));
}
WEFT_FN __nv_bfloat16 __float2bfloat16_rz(float x) { return weft_directed_bfloat(x, 0); }
WEFT_FN __nv_bfloat16 __float2bfloat16_ru(float x) { return weft_directed_bfloat(x, 1); }
WEFT_FN __nv_bfloat16 __float2bfloat16_rd(float x) { return weft_directed_bfloat(x, -1); }

/* Conversions of integers round to nearest even; to integers they saturate, and NaN is 0. */
#define WEFT_BFLOAT_FROM(NAME, I)                                                                  \
    WEFT_FN __nv_bfloat16 __##NAME##2bfloat16_rn(I x) { return __nv_bfloat16(x); }
#define WEFT_BFLOAT_TO(NAME, I)                                                                    \
    WEFT_FN I __bfloat162##NAME##_rn(__nv_bfloat16 x) { return (I)__builtin_rintf((float)x); }     \
    WEFT_FN I __bfloat162##NAME##_rz(__nv_bfloat16 x) { return (I)(float)x; }                      \
    WEFT_FN I __bfloat162##NAME##_ru(__nv_bfloat16 x) { return (I)__builtin_ceilf((float)x); }     \
    WEFT_FN I __bfloat162##NAME##_rd(__nv_bfloat16 x) { return (I)__builtin_floorf((float)x); }
#define WEFT_BFLOAT_INTEGER(NAME, I) WEFT_BFLOAT_FROM(NAME, I) WEFT_BFLOAT_TO(NAME, I)
WEFT_BFLOAT_INTEGER(int, int)
WEFT_BFLOAT_INTEGER(uint, unsigned int)
WEFT_BFLOAT_INTEGER(short, short)
WEFT_BFLOAT_INTEGER(ushort, unsigned short)
WEFT_BFLOAT_INTEGER(ll, long long)
WEFT_BFLOAT_INTEGER(ull, unsigned long long)

WEFT_FN __nv_bfloat162 __halves2bfloat162(const __nv_bfloat16 a, const __nv_bfloat16 b)
{
    return __nv_bfloat162(a, b);
}
WEFT_FN __nv_bfloat162 make_bfloat162(const __nv_bfloat16 a, const __nv_bfloat16 b)
{
    return __nv_bfloat162(a, b);
}
WEFT_FN __nv_bfloat162 __bfloat162bfloat162(const __nv_bfloat16 a) { return __nv_bfloat162(a, a); }
WEFT_FN __nv_bfloat162 __float2bfloat162_rn(float a) { return __nv_bfloat162(a, a); }
WEFT_FN __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return __nv_bfloat162(a, b); }
WEFT_FN __nv_bfloat162 __float22bfloat162_rn(float2 a) { return __nv_bfloat162(a.x, a.y); }
WEFT_FN float2 __bfloat1622float2(const __nv_bfloat162 a)
{
    return make_float2((float)a.x, (float)a.y);
}
WEFT_FN __nv_bfloat16 __low2bfloat16(const __nv_bfloat162 a) { return a.x; }
WEFT_FN __nv_bfloat16 __high2bfloat16(const __nv_bfloat162 a) { return a.y; }
WEFT_FN __nv_bfloat162 __low2bfloat162(const __nv_bfloat162 a) { return __nv_bfloat162(a.x, a.x); }
WEFT_FN __nv_bfloat162 __high2bfloat162(const __nv_bfloat162 a) { return __nv_bfloat162(a.y, a.y); }

#define CUDART_INF_BF16  __ushort_as_bfloat16((unsigned short)0x7F80U)
#define CUDART_NAN_BF16  __ushort_as_bfloat16((unsigned short)0x7FFFU)
#define CUDART_ZERO_BF16 __ushort_as_bfloat16((unsigned short)0x0000U)
#define CUDART_ONE_BF16  __ushort_as_bfloat16((unsigned short)0x3F80U)

#endif
