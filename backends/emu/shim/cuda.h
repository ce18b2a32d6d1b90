/* emu/shim/cuda.h: what CUDA C knows without a header, as NVIDIA's programming guide has it:
 * built-in variables and vector types, functions of mathematics, bits, conversions, warps and
 * atomics.
 *
 * Conversions of floats to integers saturate and make NaN 0, as PTX's cvt does (the compiler's
 * flags see to casts).  Functions that are documented as fast and rough are as exact here as the
 * others.
 */
#ifndef WEFT_CUDA_H
#define WEFT_CUDA_H

#include "weft_emu_text.h"

#define __global__
#define __device__
#define __host__
#define __constant__    static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(N) alignas(N)
#define __grid_constant__
/* Threads of a block talk through global memory across barriers; none of that may be cached. */
#define __restrict__
#define __restrict
#define __CUDACC__           1
#define __CUDA_ARCH__        900
#define __builtin_align__(N) alignas(N)

#define WEFT_FN static inline __attribute__((unused))

/* ---- vector types ---------------------------------------------------------------------------- */

#define WEFT_CUDA_COPIES(V, S, N)                                                                  \
    V() = default;                                                                                 \
    V(const V &other) { weft_copy_whole<weft_whole<S, N>>(this, &other); }                         \
    V &operator=(const V &other)                                                                   \
    {                                                                                              \
        weft_copy_whole<weft_whole<S, N>>(this, &other);                                           \
        return *this;                                                                              \
    }

#define WEFT_CUDA_VECTOR(V, S, ALIGN2, ALIGN4)                                                     \
    struct V##1 { S x; };                                                                          \
    struct alignas(ALIGN2) V##2                                                                    \
    {                                                                                              \
        S x, y;                                                                                    \
        constexpr V##2(S a, S b) : x(a), y(b) {}                                                   \
        WEFT_CUDA_COPIES(V##2, S, 2)                                                               \
    };                                                                                             \
    struct V##3 { S x, y, z; };                                                                    \
    struct alignas(ALIGN4) V##4                                                                    \
    {                                                                                              \
        S x, y, z, w;                                                                              \
        constexpr V##4(S a, S b, S c, S d) : x(a), y(b), z(c), w(d) {}                             \
        WEFT_CUDA_COPIES(V##4, S, 4)                                                               \
    };                                                                                             \
    WEFT_FN V##1 make_##V##1(S x) { return V##1 { x }; }                                           \
    WEFT_FN V##2 make_##V##2(S x, S y) { return V##2(x, y); }                                      \
    WEFT_FN V##3 make_##V##3(S x, S y, S z) { return V##3 { x, y, z }; }                           \
    WEFT_FN V##4 make_##V##4(S x, S y, S z, S w) { return V##4(x, y, z, w); }
WEFT_CUDA_VECTOR(char, signed char, 2, 4)
WEFT_CUDA_VECTOR(uchar, unsigned char, 2, 4)
WEFT_CUDA_VECTOR(short, short, 4, 8)
WEFT_CUDA_VECTOR(ushort, unsigned short, 4, 8)
WEFT_CUDA_VECTOR(int, int, 8, 16)
WEFT_CUDA_VECTOR(uint, unsigned int, 8, 16)
WEFT_CUDA_VECTOR(long, long, 16, 16)
WEFT_CUDA_VECTOR(ulong, unsigned long, 16, 16)
WEFT_CUDA_VECTOR(longlong, long long, 16, 16)
WEFT_CUDA_VECTOR(ulonglong, unsigned long long, 16, 16)
WEFT_CUDA_VECTOR(float, float, 8, 16)
WEFT_CUDA_VECTOR(double, double, 16, 16)

struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int a = 1, unsigned int b = 1, unsigned int c = 1) : x(a), y(b), z(c) {}
    constexpr operator uint3() const { return uint3{ x, y, z }; }
};

/* ---- where a thread stands ------------------------------------------------------------------- */

static WEFT_QUIET __attribute__((const)) uint3 weft_thread_index()
{
    const uint32_t *at = weft_now->self->thread;
    return uint3{ at[0], at[1], at[2] };
}
static WEFT_QUIET __attribute__((const)) uint3 weft_block_index()
{
    const uint32_t *at = weft_now->self->block;
    return uint3{ at[0], at[1], at[2] };
}
static WEFT_QUIET __attribute__((const)) dim3 weft_block_size()
{
    const uint32_t *at = weft_now->self->threads;
    return dim3(at[0], at[1], at[2]);
}
static WEFT_QUIET __attribute__((const)) dim3 weft_grid_size()
{
    const uint32_t *at = weft_now->self->blocks;
    return dim3(at[0], at[1], at[2]);
}
#define threadIdx (weft_thread_index())
#define blockIdx  (weft_block_index())
#define blockDim  (weft_block_size())
#define gridDim   (weft_grid_size())
static constexpr int warpSize = 32;

/* ---- floats ---------------------------------------------------------------------------------- */

/* expf, exp of double and float, and of integers as double. */
#define WEFT_CUDA_MATH1(F)                                                                         \
    WEFT_FN float F##f(float x) { return __builtin_##F##f(x); }                                    \
    WEFT_FN double F(double x) { return __builtin_##F(x); }                                        \
    WEFT_FN float F(float x) { return __builtin_##F##f(x); }                                       \
    template <class T> WEFT_FN typename weft_if<weft_integer<T>::value, double>::type F(T x)       \
    {                                                                                              \
        return __builtin_##F((double)x);                                                           \
    }
#define WEFT_CUDA_MATH2(F)                                                                         \
    WEFT_FN float F##f(float x, float y) { return __builtin_##F##f(x, y); }                        \
    WEFT_FN double F(double x, double y) { return __builtin_##F(x, y); }                           \
    WEFT_FN float F(float x, float y) { return __builtin_##F##f(x, y); }                           \
    WEFT_FN double F(double x, float y) { return __builtin_##F(x, (double)y); }                    \
    WEFT_FN double F(float x, double y) { return __builtin_##F((double)x, y); }
WEFT_CUDA_MATH1(acos)
WEFT_CUDA_MATH1(acosh)
WEFT_CUDA_MATH1(asin)
WEFT_CUDA_MATH1(asinh)
WEFT_CUDA_MATH1(atan)
WEFT_CUDA_MATH1(atanh)
WEFT_CUDA_MATH1(cbrt)
WEFT_CUDA_MATH1(ceil)
WEFT_CUDA_MATH1(cos)
WEFT_CUDA_MATH1(cosh)
WEFT_CUDA_MATH1(erf)
WEFT_CUDA_MATH1(erfc)
WEFT_CUDA_MATH1(exp)
WEFT_CUDA_MATH1(exp2)
WEFT_CUDA_MATH1(expm1)
WEFT_CUDA_MATH1(fabs)
WEFT_CUDA_MATH1(floor)
WEFT_CUDA_MATH1(lgamma)
WEFT_CUDA_MATH1(log)
WEFT_CUDA_MATH1(log10)
WEFT_CUDA_MATH1(log1p)
WEFT_CUDA_MATH1(log2)
WEFT_CUDA_MATH1(logb)
WEFT_CUDA_MATH1(nearbyint)
WEFT_CUDA_MATH1(rint)
WEFT_CUDA_MATH1(round)
WEFT_CUDA_MATH1(sin)
WEFT_CUDA_MATH1(sinh)
WEFT_CUDA_MATH1(sqrt)
WEFT_CUDA_MATH1(tan)
WEFT_CUDA_MATH1(tanh)
WEFT_CUDA_MATH1(tgamma)
WEFT_CUDA_MATH1(trunc)
WEFT_CUDA_MATH2(atan2)
WEFT_CUDA_MATH2(copysign)
WEFT_CUDA_MATH2(fdim)
WEFT_CUDA_MATH2(fmax)
WEFT_CUDA_MATH2(fmin)
WEFT_CUDA_MATH2(fmod)
WEFT_CUDA_MATH2(hypot)
WEFT_CUDA_MATH2(nextafter)
WEFT_CUDA_MATH2(pow)
WEFT_CUDA_MATH2(remainder)

WEFT_FN double exp10(double x) { return __builtin_pow(10.0, x); }
WEFT_FN float exp10(float x) { return (float)__builtin_pow(10.0, x); }
WEFT_FN float exp10f(float x) { return (float)__builtin_pow(10.0, x); }
WEFT_FN double pow(double x, int n) { return __builtin_pow(x, n); }
WEFT_FN float pow(float x, int n) { return __builtin_powf(x, (float)n); }
WEFT_FN float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
WEFT_FN float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
WEFT_FN double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
WEFT_FN float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
WEFT_FN float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }
WEFT_FN double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
WEFT_FN float rcbrtf(float x) { return 1.0f / __builtin_cbrtf(x); }
WEFT_FN double rcbrt(double x) { return 1.0 / __builtin_cbrt(x); }
WEFT_FN float fdividef(float a, float b) { return a / b; }
WEFT_FN float ldexpf(float x, int n) { return __builtin_ldexpf(x, n); }
WEFT_FN double ldexp(double x, int n) { return __builtin_ldexp(x, n); }
WEFT_FN float scalbnf(float x, int n) { return __builtin_ldexpf(x, n); }
WEFT_FN double scalbn(double x, int n) { return __builtin_ldexp(x, n); }
WEFT_FN int ilogbf(float x) { return __builtin_ilogbf(x); }
WEFT_FN int ilogb(double x) { return __builtin_ilogb(x); }
WEFT_FN float frexpf(float x, int *n)
{
    int k;
    float m = __builtin_frexpf(x, &k);
    *n = k;
    return m;
}
WEFT_FN double frexp(double x, int *n)
{
    int k;
    double m = __builtin_frexp(x, &k);
    *n = k;
    return m;
}
WEFT_FN float modff(float x, float *i)
{
    float k, f = __builtin_modff(x, &k);
    *i = k;
    return f;
}
WEFT_FN double modf(double x, double *i)
{
    double k, f = __builtin_modf(x, &k);
    *i = k;
    return f;
}
WEFT_FN void sincosf(float x, float *s, float *c)
{
    *s = __builtin_sinf(x);
    *c = __builtin_cosf(x);
}
WEFT_FN void sincos(double x, double *s, double *c)
{
    *s = __builtin_sin(x);
    *c = __builtin_cos(x);
}
WEFT_FN float normcdff(float x) { return 0.5f * __builtin_erfcf(-x * 0.70710678f); }
WEFT_FN double normcdf(double x) { return 0.5 * __builtin_erfc(-x * 0.70710678118654752); }

/* Exact where x is a multiple of a half. */
WEFT_FN double sinpi(double x)
{
    double r = x - 2.0 * __builtin_rint(x / 2.0), h = __builtin_rint(2.0 * r);
    double y = (r - h / 2.0) * 3.14159265358979323846;
    int quarter = (int)h & 3;
    double v = quarter & 1 ? __builtin_cos(y) : __builtin_sin(y);
    return quarter & 2 ? -v : v;
}
WEFT_FN double cospi(double x)
{
    return sinpi(0.5 - __builtin_fabs(x - 2.0 * __builtin_rint(x / 2.0)));
}
WEFT_FN float sinpif(float x) { return (float)sinpi((double)x); }
WEFT_FN float cospif(float x) { return (float)cospi((double)x); }

WEFT_FN bool isnan(float x) { return __builtin_isnan(x); }
WEFT_FN bool isnan(double x) { return __builtin_isnan(x); }
WEFT_FN bool isinf(float x) { return __builtin_isinf(x); }
WEFT_FN bool isinf(double x) { return __builtin_isinf(x); }
WEFT_FN bool isfinite(float x) { return __builtin_isfinite(x); }
WEFT_FN bool isfinite(double x) { return __builtin_isfinite(x); }
WEFT_FN bool signbit(float x) { return __builtin_signbit(x); }
WEFT_FN bool signbit(double x) { return __builtin_signbit(x); }
#define INFINITY     (__builtin_inff())
#define NAN          (__builtin_nanf(""))
#define CUDART_INF_F (__builtin_inff())
#define CUDART_NAN_F (__builtin_nanf(""))
WEFT_FN float nanf(const char *) { return __builtin_nanf(""); }
WEFT_FN double nan(const char *) { return __builtin_nan(""); }

/* Whole numbers of floats: to nearest even (rint), or away from zero at a half (round). */
WEFT_FN long lrintf(float x) { return (long)__builtin_rintf(x); }
WEFT_FN long lrint(double x) { return (long)__builtin_rint(x); }
WEFT_FN long long llrintf(float x) { return (long long)__builtin_rintf(x); }
WEFT_FN long long llrint(double x) { return (long long)__builtin_rint(x); }
WEFT_FN long lroundf(float x) { return (long)__builtin_roundf(x); }
WEFT_FN long lround(double x) { return (long)__builtin_round(x); }
WEFT_FN long long llroundf(float x) { return (long long)__builtin_roundf(x); }
WEFT_FN long long llround(double x) { return (long long)__builtin_round(x); }

/* __expf and their like. */
WEFT_FN float __expf(float x) { return __builtin_expf(x); }
WEFT_FN float __exp10f(float x) { return exp10f(x); }
WEFT_FN float __logf(float x) { return __builtin_logf(x); }
WEFT_FN float __log2f(float x) { return __builtin_log2f(x); }
WEFT_FN float __log10f(float x) { return __builtin_log10f(x); }
WEFT_FN float __powf(float x, float y) { return __builtin_powf(x, y); }
WEFT_FN float __sinf(float x) { return __builtin_sinf(x); }
WEFT_FN float __cosf(float x) { return __builtin_cosf(x); }
WEFT_FN float __tanf(float x) { return __builtin_tanf(x); }
WEFT_FN void __sincosf(float x, float *s, float *c) { sincosf(x, s, c); }
/* Of 2^126 < |b| < 2^128 the guide says: 0, NaN if a is infinite. */
WEFT_FN float __fdividef(float a, float b)
{
    float m = __builtin_fabsf(b);
    return m > 0x1p126f && m < __builtin_inff() ? a * 0.0f : a / b;
}
WEFT_FN float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

/* Arithmetic that is not contracted, whatever the flags. */
WEFT_FN float weft_fence(float x)
{
    __asm__ volatile("" : "+m"(x));
    return x;
}
WEFT_FN double weft_fence(double x)
{
    __asm__ volatile("" : "+m"(x));
    return x;
}
WEFT_FN float __fadd_rn(float a, float b) { return weft_fence(weft_fence(a) + b); }
WEFT_FN float __fsub_rn(float a, float b) { return weft_fence(weft_fence(a) - b); }
WEFT_FN float __fmul_rn(float a, float b) { return weft_fence(a * b); }
WEFT_FN float __fdiv_rn(float a, float b) { return weft_fence(a / b); }
WEFT_FN float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
WEFT_FN float __frcp_rn(float a) { return weft_fence(1.0f / a); }
WEFT_FN float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
WEFT_FN float __frsqrt_rn(float a) { return (float)(1.0 / __builtin_sqrt((double)a)); }
WEFT_FN double __dadd_rn(double a, double b) { return weft_fence(weft_fence(a) + b); }
WEFT_FN double __dsub_rn(double a, double b) { return weft_fence(weft_fence(a) - b); }
WEFT_FN double __dmul_rn(double a, double b) { return weft_fence(a * b); }
WEFT_FN double __ddiv_rn(double a, double b) { return weft_fence(a / b); }
WEFT_FN double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
WEFT_FN double __drcp_rn(double a) { return weft_fence(1.0 / a); }
WEFT_FN double __dsqrt_rn(double a) { return __builtin_sqrt(a); }

/* ---- min, max, abs --------------------------------------------------------------------------- */

#define WEFT_CUDA_MINMAX(T, A, B)                                                                  \
    WEFT_FN T min(A a, B b) { return (T)a < (T)b ? (T)a : (T)b; }                                  \
    WEFT_FN T max(A a, B b) { return (T)a > (T)b ? (T)a : (T)b; }
WEFT_CUDA_MINMAX(int, int, int)
WEFT_CUDA_MINMAX(unsigned int, unsigned int, unsigned int)
WEFT_CUDA_MINMAX(unsigned int, int, unsigned int)
WEFT_CUDA_MINMAX(unsigned int, unsigned int, int)
WEFT_CUDA_MINMAX(long, long, long)
WEFT_CUDA_MINMAX(unsigned long, unsigned long, unsigned long)
WEFT_CUDA_MINMAX(unsigned long, long, unsigned long)
WEFT_CUDA_MINMAX(unsigned long, unsigned long, long)
WEFT_CUDA_MINMAX(long long, long long, long long)
WEFT_CUDA_MINMAX(unsigned long long, unsigned long long, unsigned long long)
WEFT_CUDA_MINMAX(unsigned long long, long long, unsigned long long)
WEFT_CUDA_MINMAX(unsigned long long, unsigned long long, long long)
WEFT_FN float min(float a, float b) { return __builtin_fminf(a, b); }
WEFT_FN float max(float a, float b) { return __builtin_fmaxf(a, b); }
WEFT_FN double min(double a, double b) { return __builtin_fmin(a, b); }
WEFT_FN double max(double a, double b) { return __builtin_fmax(a, b); }
WEFT_FN double min(float a, double b) { return __builtin_fmin((double)a, b); }
WEFT_FN double max(float a, double b) { return __builtin_fmax((double)a, b); }
WEFT_FN double min(double a, float b) { return __builtin_fmin(a, (double)b); }
WEFT_FN double max(double a, float b) { return __builtin_fmax(a, (double)b); }
WEFT_FN unsigned int umin(unsigned int a, unsigned int b) { return a < b ? a : b; }
WEFT_FN unsigned int umax(unsigned int a, unsigned int b) { return a > b ? a : b; }
WEFT_FN long long llmin(long long a, long long b) { return a < b ? a : b; }
WEFT_FN long long llmax(long long a, long long b) { return a > b ? a : b; }
WEFT_FN unsigned long long ullmin(unsigned long long a, unsigned long long b)
{
    return a < b ? a : b;
}
WEFT_FN unsigned long long ullmax(unsigned long long a, unsigned long long b)
{
    return a > b ? a : b;
}
WEFT_FN int abs(int x) { return x < 0 ? -x : x; }
WEFT_FN long abs(long x) { return x < 0 ? -x : x; }
WEFT_FN long long abs(long long x) { return x < 0 ? -x : x; }
WEFT_FN float abs(float x) { return __builtin_fabsf(x); }
WEFT_FN double abs(double x) { return __builtin_fabs(x); }
WEFT_FN long labs(long x) { return x < 0 ? -x : x; }
WEFT_FN long long llabs(long long x) { return x < 0 ? -x : x; }

/* ---- bits ------------------------------------------------------------------------------------ */

WEFT_FN float __int_as_float(int x) { return weft_as<float>(x); }
WEFT_FN int __float_as_int(float x) { return weft_as<int>(x); }
WEFT_FN float __uint_as_float(unsigned int x) { return weft_as<float>(x); }
WEFT_FN unsigned int __float_as_uint(float x) { return weft_as<unsigned int>(x); }
WEFT_FN double __longlong_as_double(long long x) { return weft_as<double>(x); }
WEFT_FN long long __double_as_longlong(double x) { return weft_as<long long>(x); }
WEFT_FN int __double2hiint(double x) { return (int)(weft_as<uint64_t>(x) >> 32); }
WEFT_FN int __double2loint(double x) { return (int)weft_as<uint64_t>(x); }
WEFT_FN double __hiloint2double(int hi, int lo)
{
    return weft_as<double>((uint64_t)(uint32_t)hi << 32 | (uint32_t)lo);
}
WEFT_FN int __popc(unsigned int x) { return __builtin_popcount(x); }
WEFT_FN int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
WEFT_FN int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
WEFT_FN int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
WEFT_FN int __ffs(int x) { return __builtin_ffs(x); }
WEFT_FN int __ffsll(long long x) { return __builtin_ffsll(x); }
WEFT_FN unsigned int __brev(unsigned int x) { return __builtin_bitreverse32(x); }
WEFT_FN unsigned long long __brevll(unsigned long long x) { return __builtin_bitreverse64(x); }
/* Bytes of y:x by the nibbles of s; its top bit repeats the byte's sign. */
WEFT_FN unsigned int __byte_perm(unsigned int x, unsigned int y, unsigned int s)
{
    uint64_t bytes = (uint64_t)y << 32 | x;
    unsigned int result = 0;
    for (int i = 0; i < 4; i++) {
        unsigned int pick = s >> 4 * i & 15, byte = (unsigned int)(bytes >> 8 * (pick & 7)) & 255;
        result |= (pick & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;
    }
    return result;
}
WEFT_FN unsigned int __funnelshift_l(unsigned int lo, unsigned int hi, unsigned int n)
{
    return (unsigned int)(((uint64_t)hi << 32 | lo) << (n & 31) >> 32);
}
WEFT_FN unsigned int __funnelshift_r(unsigned int lo, unsigned int hi, unsigned int n)
{
    return (unsigned int)(((uint64_t)hi << 32 | lo) >> (n & 31));
}
WEFT_FN unsigned int __funnelshift_lc(unsigned int lo, unsigned int hi, unsigned int n)
{
    return n >= 32 ? lo : __funnelshift_l(lo, hi, n);
}
WEFT_FN unsigned int __funnelshift_rc(unsigned int lo, unsigned int hi, unsigned int n)
{
    return n >= 32 ? hi : __funnelshift_r(lo, hi, n);
}
WEFT_FN int __mulhi(int a, int b) { return (int)((int64_t)a * b >> 32); }
WEFT_FN unsigned int __umulhi(unsigned int a, unsigned int b)
{
    return (unsigned int)((uint64_t)a * b >> 32);
}
WEFT_FN long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
WEFT_FN unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
WEFT_FN int __mul24(int a, int b) { return (a << 8 >> 8) * (b << 8 >> 8); }
WEFT_FN unsigned int __umul24(unsigned int a, unsigned int b)
{
    return (a & 0xffffff) * (b & 0xffffff);
}
WEFT_FN unsigned int __sad(int a, int b, unsigned int c)
{
    return c + (a > b ? (unsigned int)a - (unsigned int)b : (unsigned int)b - (unsigned int)a);
}
WEFT_FN unsigned int __usad(unsigned int a, unsigned int b, unsigned int c)
{
    return c + (a > b ? a - b : b - a);
}
WEFT_FN int __hadd(int a, int b) { return (int)(((int64_t)a + b) >> 1); }
WEFT_FN int __rhadd(int a, int b) { return (int)(((int64_t)a + b + 1) >> 1); }
WEFT_FN unsigned int __uhadd(unsigned int a, unsigned int b)
{
    return (unsigned int)(((uint64_t)a + b) >> 1);
}
WEFT_FN unsigned int __urhadd(unsigned int a, unsigned int b)
{
    return (unsigned int)(((uint64_t)a + b + 1) >> 1);
}

/* Dot products of four bytes. */
template <class A, class B> WEFT_FN int weft_dp4a(uint32_t a, uint32_t b, int c)
{
    for (int i = 0; i < 4; i++)
        c += (int)(A)(a >> 8 * i) * (int)(B)(b >> 8 * i);
    return c;
}
WEFT_FN int __dp4a(int a, int b, int c)
{
    return weft_dp4a<int8_t, int8_t>((uint32_t)a, (uint32_t)b, c);
}
WEFT_FN unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c)
{
    return (unsigned int)weft_dp4a<uint8_t, uint8_t>(a, b, (int)c);
}
WEFT_FN int __dp4a(char4 a, char4 b, int c)
{
    return c + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* Float to integer in the four directions; saturating, NaN is 0. */
#define WEFT_CUDA_TO_INTEGER(FROM, F, TO, I, SUFFIX)                                               \
    WEFT_FN I __##FROM##2##TO##_rn(F x) { return (I)__builtin_rint##SUFFIX(x); }                   \
    WEFT_FN I __##FROM##2##TO##_rz(F x) { return (I)x; }                                           \
    WEFT_FN I __##FROM##2##TO##_ru(F x) { return (I)__builtin_ceil##SUFFIX(x); }                   \
    WEFT_FN I __##FROM##2##TO##_rd(F x) { return (I)__builtin_floor##SUFFIX(x); }
WEFT_CUDA_TO_INTEGER(float, float, int, int, f)
WEFT_CUDA_TO_INTEGER(float, float, uint, unsigned int, f)
WEFT_CUDA_TO_INTEGER(float, float, ll, long long, f)
WEFT_CUDA_TO_INTEGER(float, float, ull, unsigned long long, f)
WEFT_CUDA_TO_INTEGER(double, double, int, int, )
WEFT_CUDA_TO_INTEGER(double, double, uint, unsigned int, )
WEFT_CUDA_TO_INTEGER(double, double, ll, long long, )
WEFT_CUDA_TO_INTEGER(double, double, ull, unsigned long long, )
WEFT_FN float __int2float_rn(int x) { return (float)x; }
WEFT_FN float __uint2float_rn(unsigned int x) { return (float)x; }
WEFT_FN float __ll2float_rn(long long x) { return (float)x; }
WEFT_FN float __ull2float_rn(unsigned long long x) { return (float)x; }
WEFT_FN double __int2double_rn(int x) { return x; }
WEFT_FN double __uint2double_rn(unsigned int x) { return x; }
WEFT_FN double __ll2double_rn(long long x) { return (double)x; }
WEFT_FN double __ull2double_rn(unsigned long long x) { return (double)x; }
WEFT_FN float __double2float_rn(double x) { return (float)x; }

/* The float next to x: the one towards zero, -inf or +inf that is not x itself. */
WEFT_FN float weft_directed(double x, int toward)
{
    float f = (float)x;
    if ((double)f == x || x != x)
        return f;
    bool down = toward < 0 || (toward == 0 && x > 0);
    if (down ? (double)f < x : (double)f > x)
        return f;
    return __builtin_nextafterf(f, down ? -__builtin_inff() : __builtin_inff());
}
WEFT_FN float __double2float_rz(double x) { return weft_directed(x, 0); }
WEFT_FN float __double2float_ru(double x) { return weft_directed(x, 1); }
WEFT_FN float __double2float_rd(double x) { return weft_directed(x, -1); }
WEFT_FN float __int2float_rz(int x) { return weft_directed(x, 0); }
WEFT_FN float __int2float_ru(int x) { return weft_directed(x, 1); }
WEFT_FN float __int2float_rd(int x) { return weft_directed(x, -1); }
WEFT_FN float __uint2float_rz(unsigned int x) { return weft_directed(x, 0); }
WEFT_FN float __uint2float_ru(unsigned int x) { return weft_directed(x, 1); }
WEFT_FN float __uint2float_rd(unsigned int x) { return weft_directed(x, -1); }

/* weft_odd of integers: bits that a double cannot hold are kept as one. */
WEFT_FN float weft_odd(unsigned long long x)
{
    int shift = x >> 32 ? 32 - __builtin_clzll(x) : 0;
    unsigned long long lost = x & ((1ull << shift) - 1);
    return weft_odd((double)(x >> shift | (lost != 0))) * (float)(1ull << shift);
}
WEFT_FN float weft_odd(long long x)
{
    return x < 0 ? -weft_odd(0ull - (unsigned long long)x) : weft_odd((unsigned long long)x);
}

/* ---- memory ---------------------------------------------------------------------------------- */

template <class T> WEFT_FN T __ldg(const T *p) { return *p; }
template <class T> WEFT_FN T __ldca(const T *p) { return *p; }
template <class T> WEFT_FN T __ldcg(const T *p) { return *p; }
template <class T> WEFT_FN T __ldcs(const T *p) { return *p; }
template <class T> WEFT_FN void __stcg(T *p, T v) { *p = v; }
template <class T> WEFT_FN void __stcs(T *p, T v) { *p = v; }
template <class T> WEFT_FN void __stwb(T *p, T v) { *p = v; }
WEFT_FN void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
WEFT_FN void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
WEFT_FN void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* Places in shared memory as PTX counts them. */
static WEFT_QUIET size_t __cvta_generic_to_shared(const void *p)
{
    return (size_t)((const char *)p - weft_now->shared_base);
}
static WEFT_QUIET void *__cvta_shared_to_generic(size_t at)
{
    return weft_now->shared_base + (uint32_t)at;
}
WEFT_FN size_t __cvta_generic_to_global(const void *p) { return (size_t)p; }

#define assert(X)                                                                                  \
    ((X) ? (void)0 : weft_fault("assert", __FILE__, __LINE__, "assertion failed: " #X))
WEFT_FN void __trap(WEFT_HERE) { weft_fault("__trap", file, line, "the kernel asks to stop"); }
#define printf __builtin_printf

/* ---- barriers -------------------------------------------------------------------------------- */

WEFT_FN void __syncthreads(WEFT_HERE)
{
    weft_barrier("__syncthreads", file, line, WEFT_EMU_SHARED | WEFT_EMU_GLOBAL);
}

/* Every thread's value, by number in the block, where all can read them between two barriers. */
static WEFT_QUIET int weft_count_threads(const char *what, const char *file, int line,
                                         int predicate)
{
    static const weft_emu_array array = { "the values of a block", "", 0, 1, 1024, 1 };
    const weft_emu_thread *self = weft_now->self;
    unsigned char *value = (unsigned char *)weft_now->host->shared(weft_now, &array);
    uint32_t n = self->threads[0] * self->threads[1] * self->threads[2];
    int count = 0;
    value[self->warp * self->warp_size + self->lane] = predicate != 0;
    weft_barrier(what, file, line, WEFT_EMU_SHARED | WEFT_EMU_GLOBAL);
    for (uint32_t i = 0; i < n; i++)
        count += value[i];
    weft_barrier(what, file, line, WEFT_EMU_SHARED | WEFT_EMU_GLOBAL);
    return count;
}
WEFT_FN int __syncthreads_count(int predicate, WEFT_HERE)
{
    return weft_count_threads("__syncthreads_count", file, line, predicate);
}
WEFT_FN int __syncthreads_or(int predicate, WEFT_HERE)
{
    return weft_count_threads("__syncthreads_or", file, line, predicate) != 0;
}
WEFT_FN int __syncthreads_and(int predicate, WEFT_HERE)
{
    return weft_count_threads("__syncthreads_and", file, line, !predicate) == 0;
}

/* ---- warps ----------------------------------------------------------------------------------- */

WEFT_FN void __syncwarp(unsigned int mask = 0xffffffffu, WEFT_HERE)
{
    weft_exchange("__syncwarp", file, line, mask, nullptr, 0, nullptr);
}

static WEFT_QUIET unsigned int __activemask(WEFT_HERE)
{
    return (unsigned int)weft_exchange_active("__activemask", file, line, nullptr, 0, nullptr);
}

/* The lane that PTX's shfl reads: by mode, the operand b and the width of a segment. */
enum weft_shuffle { WEFT_SHFL_IDX, WEFT_SHFL_UP, WEFT_SHFL_DOWN, WEFT_SHFL_BFLY };

static WEFT_QUIET uint32_t weft_source_lane(weft_shuffle mode, uint32_t b, int width,
                                            const char *what, const char *file, int line)
{
    uint32_t lane = weft_lane(), w = (uint32_t)width, first = lane & ~(w - 1),
             last = first | (w - 1);
    if (w == 0 || w > 32 || (w & (w - 1)))
        weft_fault(what, file, line, "the width is no power of two from 1 to 32");
    b &= 31;
    switch (mode) {
    case WEFT_SHFL_IDX:
        return first | (b & (w - 1));
    case WEFT_SHFL_UP:
        return lane >= first + b ? lane - b : lane;
    case WEFT_SHFL_DOWN:
        return lane + b <= last ? lane + b : lane;
    case WEFT_SHFL_BFLY:
        return (lane ^ b) <= last ? lane ^ b : lane;
    }
    return lane;
}

template <class T>
static WEFT_QUIET T weft_shuffle_value(weft_shuffle mode, const char *what, const char *file,
                                       int line, unsigned int mask, T value, uint32_t b, int width)
{
    static_assert(sizeof(T) <= 16, "a shuffle takes numbers and pairs of halves");
    T all[64], mine = value;
    uint32_t from = weft_source_lane(mode, b, width, what, file, line);
    weft_exchange(what, file, line, mask, &mine, sizeof mine, all);
    return all[from];
}
template <class T>
WEFT_FN T __shfl_sync(unsigned int mask, T value, int lane, int width = warpSize, WEFT_HERE)
{
    return weft_shuffle_value(WEFT_SHFL_IDX, "__shfl_sync", file, line, mask, value, (uint32_t)lane,
                              width);
}
template <class T>
WEFT_FN T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = warpSize,
                         WEFT_HERE)
{
    return weft_shuffle_value(WEFT_SHFL_UP, "__shfl_up_sync", file, line, mask, value, delta,
                              width);
}
template <class T>
WEFT_FN T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = warpSize,
                           WEFT_HERE)
{
    return weft_shuffle_value(WEFT_SHFL_DOWN, "__shfl_down_sync", file, line, mask, value, delta,
                              width);
}
template <class T>
WEFT_FN T __shfl_xor_sync(unsigned int mask, T value, int lanes, int width = warpSize, WEFT_HERE)
{
    return weft_shuffle_value(WEFT_SHFL_BFLY, "__shfl_xor_sync", file, line, mask, value,
                              (uint32_t)lanes, width);
}

static WEFT_QUIET unsigned int weft_ballot(const char *what, const char *file, int line,
                                           unsigned int mask, int predicate,
                                           unsigned int *took_part)
{
    unsigned char all[64], mine = predicate != 0;
    unsigned int votes = 0;
    uint64_t there = weft_exchange(what, file, line, mask, &mine, 1, all);
    for (int i = 0; i < 32; i++)
        votes |= (there >> i & 1) && all[i] == 1 ? 1u << i : 0;
    *took_part = (unsigned int)there;
    return votes;
}
WEFT_FN unsigned int __ballot_sync(unsigned int mask, int predicate, WEFT_HERE)
{
    unsigned int there;
    return weft_ballot("__ballot_sync", file, line, mask, predicate, &there);
}
WEFT_FN int __any_sync(unsigned int mask, int predicate, WEFT_HERE)
{
    unsigned int there;
    return weft_ballot("__any_sync", file, line, mask, predicate, &there) != 0;
}
WEFT_FN int __all_sync(unsigned int mask, int predicate, WEFT_HERE)
{
    unsigned int there, votes = weft_ballot("__all_sync", file, line, mask, predicate, &there);
    return votes == there;
}

template <class T>
static WEFT_QUIET unsigned int weft_match(const char *what, const char *file, int line,
                                          unsigned int mask, T value, unsigned int *took_part)
{
    T all[64], mine = value;
    unsigned int same = 0;
    uint64_t there = weft_exchange(what, file, line, mask, &mine, sizeof mine, all);
    for (int i = 0; i < 32; i++)
        same |=
            (there >> i & 1) && __builtin_memcmp(&all[i], &mine, sizeof mine) == 0 ? 1u << i : 0;
    *took_part = (unsigned int)there;
    return same;
}
template <class T> WEFT_FN unsigned int __match_any_sync(unsigned int mask, T value, WEFT_HERE)
{
    unsigned int there;
    return weft_match("__match_any_sync", file, line, mask, value, &there);
}
template <class T>
WEFT_FN unsigned int __match_all_sync(unsigned int mask, T value, int *all_same, WEFT_HERE)
{
    unsigned int there, same = weft_match("__match_all_sync", file, line, mask, value, &there);
    *all_same = same == there;
    return same == there ? there : 0;
}

static WEFT_QUIET uint32_t weft_reduce(const char *what, const char *file, int line,
                                       unsigned int mask, weft_atomic_op op, uint32_t value)
{
    uint32_t all[64], mine = value, sum = value;
    uint64_t there = weft_exchange(what, file, line, mask, &mine, sizeof mine, all);
    for (uint32_t i = 0; i < 32; i++)
        if (i != weft_lane() && (there >> i & 1))
            sum = weft_atomic_value<uint32_t, int32_t, float>(op, sum, all[i], 0);
    return sum;
}
#define WEFT_CUDA_REDUCE(NAME, T, OP)                                                              \
    WEFT_FN T __reduce_##NAME##_sync(unsigned int mask, T value, WEFT_HERE)                        \
    {                                                                                              \
        return (T)weft_reduce("__reduce_" #NAME "_sync", file, line, mask, OP, (uint32_t)value);   \
    }
WEFT_CUDA_REDUCE(add, unsigned int, WEFT_ADD)
WEFT_CUDA_REDUCE(add, int, WEFT_ADD)
WEFT_CUDA_REDUCE(min, unsigned int, WEFT_UMIN)
WEFT_CUDA_REDUCE(min, int, WEFT_MIN)
WEFT_CUDA_REDUCE(max, unsigned int, WEFT_UMAX)
WEFT_CUDA_REDUCE(max, int, WEFT_MAX)
WEFT_CUDA_REDUCE(and, unsigned int, WEFT_AND)
WEFT_CUDA_REDUCE(or, unsigned int, WEFT_OR)
WEFT_CUDA_REDUCE(xor, unsigned int, WEFT_XOR)

/* ---- atomics --------------------------------------------------------------------------------- */

#define WEFT_CUDA_ATOMIC1(NAME, T, BITS, OP)                                                       \
    WEFT_FN T NAME(T *p, T v)                                                                      \
    {                                                                                              \
        return weft_as<T>(weft_atomic##BITS(p, OP, weft_as<uint##BITS##_t>(v)));                   \
    }
/* For the device, the block, the system. */
#define WEFT_CUDA_ATOMIC(NAME, T, BITS, OP)                                                        \
    WEFT_CUDA_ATOMIC1(NAME, T, BITS, OP)                                                           \
    WEFT_CUDA_ATOMIC1(NAME##_block, T, BITS, OP) WEFT_CUDA_ATOMIC1(NAME##_system, T, BITS, OP)
WEFT_CUDA_ATOMIC(atomicAdd, int, 32, WEFT_ADD)
WEFT_CUDA_ATOMIC(atomicAdd, unsigned int, 32, WEFT_ADD)
WEFT_CUDA_ATOMIC(atomicAdd, unsigned long long, 64, WEFT_ADD)
WEFT_CUDA_ATOMIC(atomicAdd, float, 32, WEFT_FADD)
WEFT_CUDA_ATOMIC(atomicAdd, double, 64, WEFT_FADD)
WEFT_CUDA_ATOMIC(atomicExch, int, 32, WEFT_EXCHANGE)
WEFT_CUDA_ATOMIC(atomicExch, unsigned int, 32, WEFT_EXCHANGE)
WEFT_CUDA_ATOMIC(atomicExch, unsigned long long, 64, WEFT_EXCHANGE)
WEFT_CUDA_ATOMIC(atomicExch, float, 32, WEFT_EXCHANGE)
WEFT_CUDA_ATOMIC(atomicMin, int, 32, WEFT_MIN)
WEFT_CUDA_ATOMIC(atomicMin, unsigned int, 32, WEFT_UMIN)
WEFT_CUDA_ATOMIC(atomicMin, long long, 64, WEFT_MIN)
WEFT_CUDA_ATOMIC(atomicMin, unsigned long long, 64, WEFT_UMIN)
WEFT_CUDA_ATOMIC(atomicMax, int, 32, WEFT_MAX)
WEFT_CUDA_ATOMIC(atomicMax, unsigned int, 32, WEFT_UMAX)
WEFT_CUDA_ATOMIC(atomicMax, long long, 64, WEFT_MAX)
WEFT_CUDA_ATOMIC(atomicMax, unsigned long long, 64, WEFT_UMAX)
WEFT_CUDA_ATOMIC(atomicInc, unsigned int, 32, WEFT_INC)
WEFT_CUDA_ATOMIC(atomicDec, unsigned int, 32, WEFT_DEC)
WEFT_CUDA_ATOMIC(atomicAnd, int, 32, WEFT_AND)
WEFT_CUDA_ATOMIC(atomicAnd, unsigned int, 32, WEFT_AND)
WEFT_CUDA_ATOMIC(atomicAnd, unsigned long long, 64, WEFT_AND)
WEFT_CUDA_ATOMIC(atomicOr, int, 32, WEFT_OR)
WEFT_CUDA_ATOMIC(atomicOr, unsigned int, 32, WEFT_OR)
WEFT_CUDA_ATOMIC(atomicOr, unsigned long long, 64, WEFT_OR)
WEFT_CUDA_ATOMIC(atomicXor, int, 32, WEFT_XOR)
WEFT_CUDA_ATOMIC(atomicXor, unsigned int, 32, WEFT_XOR)
WEFT_CUDA_ATOMIC(atomicXor, unsigned long long, 64, WEFT_XOR)
#define WEFT_CUDA_SUB(NAME, T)                                                                     \
    WEFT_FN T NAME(T *p, T v) { return atomicAdd(p, (T)(0u - (unsigned int)v)); }
WEFT_CUDA_SUB(atomicSub, int)
WEFT_CUDA_SUB(atomicSub, unsigned int)
WEFT_CUDA_SUB(atomicSub_block, int)
WEFT_CUDA_SUB(atomicSub_block, unsigned int)
WEFT_CUDA_SUB(atomicSub_system, int)
WEFT_CUDA_SUB(atomicSub_system, unsigned int)

#define WEFT_CUDA_CAS1(NAME, T, BITS)                                                              \
    WEFT_FN T NAME(T *p, T compare, T v)                                                           \
    {                                                                                              \
        return (T)weft_atomic##BITS(p, WEFT_CAS, (uint##BITS##_t)v, (uint##BITS##_t)compare);      \
    }
#define WEFT_CUDA_CAS(T, BITS)                                                                     \
    WEFT_CUDA_CAS1(atomicCAS, T, BITS)                                                             \
    WEFT_CUDA_CAS1(atomicCAS_block, T, BITS) WEFT_CUDA_CAS1(atomicCAS_system, T, BITS)
WEFT_CUDA_CAS(int, 32)
WEFT_CUDA_CAS(unsigned int, 32)
WEFT_CUDA_CAS(unsigned long long, 64)
WEFT_CUDA_CAS(unsigned short, 16)

#endif
