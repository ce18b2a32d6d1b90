/* emu/shim/cuda_small_float.h: what __half and __nv_bfloat16 have in common, over a type T that has
 * a constructor from float, a conversion to float, both exact or to nearest even, and a pair T2.
 *
 * An operation is computed in float, where its result is exact enough to be rounded again, and
 * rounded to T: the result is that of one rounding.  fma goes through double for the same reason.
 */
#ifndef WEFT_CUDA_SMALL_FLOAT_H
#define WEFT_CUDA_SMALL_FLOAT_H

#include "cuda.h"

#define WEFT_SMALL_OPERATOR(T, T2, OP, NAME)                                                       \
    WEFT_FN T operator OP(const T &a, const T &b) { return T((float)a OP(float) b); }              \
    WEFT_FN T &operator OP##=(T &a, const T &b) { return a = a OP b; }                             \
    WEFT_FN T NAME(const T a, const T b) { return a OP b; }                                        \
    WEFT_FN T NAME##_rn(const T a, const T b) { return a OP b; }                                   \
    WEFT_FN T2 operator OP(const T2 &a, const T2 &b) { return T2(a.x OP b.x, a.y OP b.y); }        \
    WEFT_FN T2 &operator OP##=(T2 &a, const T2 &b) { return a = a OP b; }
#define WEFT_SMALL_OPERATOR2(T2, NAME, OP)                                                         \
    WEFT_FN T2 NAME(const T2 a, const T2 b) { return T2(a.x OP b.x, a.y OP b.y); }                 \
    WEFT_FN T2 NAME##_rn(const T2 a, const T2 b) { return T2(a.x OP b.x, a.y OP b.y); }
/* __heq is ordered, __hequ also true of NaN; __heq2 gives 1.0 or 0.0, __hbeq2 whether both hold. */
#define WEFT_SMALL_COMPARE(T, T2, OP, NAME)                                                        \
    WEFT_FN bool operator OP(const T &a, const T &b) { return (float)a OP(float) b; }              \
    WEFT_FN bool __h##NAME(const T a, const T b)                                                   \
    {                                                                                              \
        return !weft_unordered(a, b) && (float)a OP(float) b;                                      \
    }                                                                                              \
    WEFT_FN bool __h##NAME##u(const T a, const T b)                                                \
    {                                                                                              \
        return weft_unordered(a, b) || (float)a OP(float) b;                                       \
    }                                                                                              \
    WEFT_FN T2 __h##NAME##2(const T2 a, const T2 b)                                                \
    {                                                                                              \
        return T2(T(__h##NAME(a.x, b.x) ? 1.0f : 0.0f), T(__h##NAME(a.y, b.y) ? 1.0f : 0.0f));     \
    }                                                                                              \
    WEFT_FN T2 __h##NAME##u2(const T2 a, const T2 b)                                               \
    {                                                                                              \
        return T2(T(__h##NAME##u(a.x, b.x) ? 1.0f : 0.0f),                                         \
                  T(__h##NAME##u(a.y, b.y) ? 1.0f : 0.0f));                                        \
    }                                                                                              \
    WEFT_FN bool __hb##NAME##2(const T2 a, const T2 b)                                             \
    {                                                                                              \
        return __h##NAME(a.x, b.x) && __h##NAME(a.y, b.y);                                         \
    }                                                                                              \
    WEFT_FN bool __hb##NAME##u2(const T2 a, const T2 b)                                            \
    {                                                                                              \
        return __h##NAME##u(a.x, b.x) && __h##NAME##u(a.y, b.y);                                   \
    }
#define WEFT_SMALL_FUNCTION(T, T2, NAME, VALUE)                                                    \
    WEFT_FN T h##NAME(const T a)                                                                   \
    {                                                                                              \
        float x = (float)a;                                                                        \
        return T(VALUE);                                                                           \
    }                                                                                              \
    WEFT_FN T2 h2##NAME(const T2 a) { return T2(h##NAME(a.x), h##NAME(a.y)); }

#define WEFT_SMALL_FLOAT(T, T2)                                                                    \
    WEFT_FN bool weft_unordered(const T a, const T b)                                              \
    {                                                                                              \
        return __builtin_isunordered((float)a, (float)b);                                          \
    }                                                                                              \
    WEFT_FN T operator-(const T &a) { return weft_negated(a); }                                    \
    WEFT_FN T operator+(const T &a) { return a; }                                                  \
    WEFT_FN T2 operator-(const T2 &a) { return T2(-a.x, -a.y); }                                   \
    WEFT_FN T2 operator+(const T2 &a) { return a; }                                                \
    WEFT_SMALL_OPERATOR(T, T2, +, __hadd)                                                          \
    WEFT_SMALL_OPERATOR(T, T2, -, __hsub)                                                          \
    WEFT_SMALL_OPERATOR(T, T2, *, __hmul)                                                          \
    WEFT_SMALL_OPERATOR(T, T2, /, __hdiv)                                                          \
    WEFT_SMALL_OPERATOR2(T2, __hadd2, +)                                                           \
    WEFT_SMALL_OPERATOR2(T2, __hsub2, -)                                                           \
    WEFT_SMALL_OPERATOR2(T2, __hmul2, *)                                                           \
    WEFT_FN T2 __h2div(const T2 a, const T2 b) { return a / b; }                                   \
    WEFT_FN T &operator++(T &a) { return a += T(1.0f); }                                           \
    WEFT_FN T &operator--(T &a) { return a -= T(1.0f); }                                           \
    WEFT_FN T weft_saturated(const T a) { return T(__saturatef((float)a)); }                       \
    WEFT_FN T __hadd_sat(const T a, const T b) { return weft_saturated(a + b); }                   \
    WEFT_FN T __hsub_sat(const T a, const T b) { return weft_saturated(a - b); }                   \
    WEFT_FN T __hmul_sat(const T a, const T b) { return weft_saturated(a * b); }                   \
    WEFT_FN T __hfma(const T a, const T b, const T c)                                              \
    {                                                                                              \
        return T(weft_odd_fma((float)a, (float)b, (float)c));                                      \
    }                                                                                              \
    WEFT_FN T __hfma_relu(const T a, const T b, const T c)                                         \
    {                                                                                              \
        T r = __hfma(a, b, c);                                                                     \
        return (float)r < 0.0f ? T(0.0f) : r;                                                      \
    }                                                                                              \
    WEFT_FN T __hfma_sat(const T a, const T b, const T c)                                          \
    {                                                                                              \
        return weft_saturated(__hfma(a, b, c));                                                    \
    }                                                                                              \
    WEFT_FN T2 __hfma2(const T2 a, const T2 b, const T2 c)                                         \
    {                                                                                              \
        return T2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));                                   \
    }                                                                                              \
    WEFT_FN T __hneg(const T a) { return weft_negated(a); }                                        \
    WEFT_FN T2 __hneg2(const T2 a) { return -a; }                                                  \
    WEFT_FN T __habs(const T a) { return weft_negative(a) ? weft_negated(a) : a; }                 \
    WEFT_FN T2 __habs2(const T2 a) { return T2(__habs(a.x), __habs(a.y)); }                        \
    WEFT_SMALL_COMPARE(T, T2, ==, eq)                                                              \
    WEFT_SMALL_COMPARE(T, T2, !=, ne)                                                              \
    WEFT_SMALL_COMPARE(T, T2, <, lt)                                                               \
    WEFT_SMALL_COMPARE(T, T2, <=, le)                                                              \
    WEFT_SMALL_COMPARE(T, T2, >, gt)                                                               \
    WEFT_SMALL_COMPARE(T, T2, >=, ge)                                                              \
    WEFT_FN bool __hisnan(const T a) { return __builtin_isnan((float)a); }                         \
    WEFT_FN int __hisinf(const T a)                                                                \
    {                                                                                              \
        return __builtin_isinf((float)a) ? (weft_negative(a) ? -1 : 1) : 0;                        \
    }                                                                                              \
    WEFT_FN T2 __hisnan2(const T2 a)                                                               \
    {                                                                                              \
        return T2(T(__hisnan(a.x) ? 1.0f : 0.0f), T(__hisnan(a.y) ? 1.0f : 0.0f));                 \
    }                                                                                              \
    /* The number where one operand is NaN; -0 is less than +0. */                                 \
    WEFT_FN T __hmin(const T a, const T b)                                                         \
    {                                                                                              \
        if (__hisnan(a) || __hisnan(b))                                                            \
            return __hisnan(a) ? b : a;                                                            \
        return a < b || (a == b && weft_negative(a)) ? a : b;                                      \
    }                                                                                              \
    WEFT_FN T __hmax(const T a, const T b)                                                         \
    {                                                                                              \
        if (__hisnan(a) || __hisnan(b))                                                            \
            return __hisnan(a) ? b : a;                                                            \
        return a > b || (a == b && !weft_negative(a)) ? a : b;                                     \
    }                                                                                              \
    WEFT_FN T __hmin_nan(const T a, const T b)                                                     \
    {                                                                                              \
        return weft_unordered(a, b) ? T(__builtin_nanf("")) : __hmin(a, b);                        \
    }                                                                                              \
    WEFT_FN T __hmax_nan(const T a, const T b)                                                     \
    {                                                                                              \
        return weft_unordered(a, b) ? T(__builtin_nanf("")) : __hmax(a, b);                        \
    }                                                                                              \
    WEFT_FN T2 __hmin2(const T2 a, const T2 b) { return T2(__hmin(a.x, b.x), __hmin(a.y, b.y)); }  \
    WEFT_FN T2 __hmax2(const T2 a, const T2 b) { return T2(__hmax(a.x, b.x), __hmax(a.y, b.y)); }  \
    WEFT_SMALL_FUNCTION(T, T2, sqrt, __builtin_sqrtf(x))                                           \
    WEFT_SMALL_FUNCTION(T, T2, rsqrt, 1.0 / __builtin_sqrt((double)x))                             \
    WEFT_SMALL_FUNCTION(T, T2, rcp, 1.0f / x)                                                      \
    WEFT_SMALL_FUNCTION(T, T2, exp, __builtin_exp((double)x))                                      \
    WEFT_SMALL_FUNCTION(T, T2, exp2, __builtin_exp2((double)x))                                    \
    WEFT_SMALL_FUNCTION(T, T2, exp10, exp10((double)x))                                            \
    WEFT_SMALL_FUNCTION(T, T2, log, __builtin_log((double)x))                                      \
    WEFT_SMALL_FUNCTION(T, T2, log2, __builtin_log2((double)x))                                    \
    WEFT_SMALL_FUNCTION(T, T2, log10, __builtin_log10((double)x))                                  \
    WEFT_SMALL_FUNCTION(T, T2, sin, __builtin_sin((double)x))                                      \
    WEFT_SMALL_FUNCTION(T, T2, cos, __builtin_cos((double)x))                                      \
    WEFT_SMALL_FUNCTION(T, T2, tanh, __builtin_tanh((double)x))                                    \
    WEFT_SMALL_FUNCTION(T, T2, floor, __builtin_floorf(x))                                         \
    WEFT_SMALL_FUNCTION(T, T2, ceil, __builtin_ceilf(x))                                           \
    WEFT_SMALL_FUNCTION(T, T2, trunc, __builtin_truncf(x))                                         \
    WEFT_SMALL_FUNCTION(T, T2, rint, __builtin_rintf(x))                                           \
    WEFT_FN float __low2float(const T2 a) { return (float)a.x; }                                   \
    WEFT_FN float __high2float(const T2 a) { return (float)a.y; }                                  \
    WEFT_CUDA_SMALL_ATOMICS(T, T2)

/* Of a pair each half is atomic by itself, as the guide says. */
#define WEFT_CUDA_SMALL_ATOMICS(T, T2)                                                             \
    WEFT_FN T atomicAdd(T *p, T v)                                                                 \
    {                                                                                              \
        uint16_t old = weft_atomic16(p, WEFT_LOAD, 0), found;                                      \
        for (;; old = found) {                                                                     \
            T next = weft_as<T>(old) + v;                                                          \
            found = weft_atomic16(p, WEFT_CAS, weft_as<uint16_t>(next), old);                      \
            if (found == old)                                                                      \
                return weft_as<T>(old);                                                            \
        }                                                                                          \
    }                                                                                              \
    WEFT_FN T2 atomicAdd(T2 *p, T2 v)                                                              \
    {                                                                                              \
        T x = atomicAdd(&p->x, v.x), y = atomicAdd(&p->y, v.y);                                    \
        return T2(x, y);                                                                           \
    }

#endif
