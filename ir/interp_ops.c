/* The interpreter's arithmetic: one loop over lanes for each operator and class, made by macros so
 * that the compiler vectorises them.  All are total: no operand traps. */
#include "ir/interp_priv.h"

#include <math.h>
#include <string.h>

const int weft_interp_size[CLS_COUNT] = { 1, 4, 4, 8, 8, 4, 8 };

/* Three loops of an operator with operands of type T and results of type R: both vectors, either
 * one uniform. */
#define KERNELS(name, T, R, ...)                                                                   \
    static void name##_vv(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        R *restrict o = o_;                                                                        \
        const T *pa = a_, *pb = b_;                                                                \
        for (int k = 0; k < n; k++) {                                                              \
            T a = pa[k], b = pb[k];                                                                \
            o[k] = (R)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }                                                                                              \
    static void name##_vu(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        R *restrict o = o_;                                                                        \
        const T *pa = a_, b = *(const T *)b_;                                                      \
        for (int k = 0; k < n; k++) {                                                              \
            T a = pa[k];                                                                           \
            o[k] = (R)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }                                                                                              \
    static void name##_uv(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        R *restrict o = o_;                                                                        \
        const T a = *(const T *)a_, *pb = b_;                                                      \
        for (int k = 0; k < n; k++) {                                                              \
            T b = pb[k];                                                                           \
            o[k] = (R)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }                                                                                              \
    static const kernset name = { name##_vv, name##_vu, name##_uv };

/* ---- integers -------------------------------------------------------------------------------- */

/* Signed: U is the unsigned type that wraps. */
#define SIGNED_DIVISIONS(s, T, U)                                                                  \
    static inline T tdiv_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return b == 0 ? 0 : b == -1 ? (T)(0 - (U)a) : a / b;                                       \
    }                                                                                              \
    static inline T tmod_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return b == 0 || b == -1 ? 0 : a % b;                                                      \
    }                                                                                              \
    static inline T fdiv_of_##s(T a, T b)                                                          \
    {                                                                                              \
        T q = tdiv_of_##s(a, b);                                                                   \
        return b != 0 && b != -1 && a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;                  \
    }                                                                                              \
    static inline T fmod_of_##s(T a, T b)                                                          \
    {                                                                                              \
        T m = tmod_of_##s(a, b);                                                                   \
        return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                           \
    }
#define UNSIGNED_DIVISIONS(s, T)                                                                   \
    static inline T tdiv_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return b == 0 ? 0 : a / b;                                                                 \
    }                                                                                              \
    static inline T tmod_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return b == 0 ? 0 : a % b;                                                                 \
    }                                                                                              \
    static inline T fdiv_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return tdiv_of_##s(a, b);                                                                  \
    }                                                                                              \
    static inline T fmod_of_##s(T a, T b)                                                          \
    {                                                                                              \
        return tmod_of_##s(a, b);                                                                  \
    }

SIGNED_DIVISIONS(i32, int32_t, uint32_t)
SIGNED_DIVISIONS(i64, int64_t, uint64_t)
UNSIGNED_DIVISIONS(u32, uint32_t)
UNSIGNED_DIVISIONS(u64, uint64_t)

#define INTEGER_KERNELS(s, T, U, BITS)                                                             \
    KERNELS(add_##s, T, T, (U)a + (U)b)                                                            \
    KERNELS(sub_##s, T, T, (U)a - (U)b)                                                            \
    KERNELS(mul_##s, T, T, (U)a *(U)b)                                                             \
    KERNELS(fdiv_##s, T, T, fdiv_of_##s(a, b))                                                     \
    KERNELS(fmod_##s, T, T, fmod_of_##s(a, b))                                                     \
    KERNELS(tdiv_##s, T, T, tdiv_of_##s(a, b))                                                     \
    KERNELS(tmod_##s, T, T, tmod_of_##s(a, b))                                                     \
    KERNELS(min_##s, T, T, a < b ? a : b)                                                          \
    KERNELS(max_##s, T, T, a > b ? a : b)                                                          \
    KERNELS(bor_##s, T, T, a | b)                                                                  \
    KERNELS(bxor_##s, T, T, a ^ b)                                                                 \
    KERNELS(band_##s, T, T, a &b)                                                                  \
    KERNELS(shl_##s, T, T, (U)b < BITS ? (U)a << ((U)b & (BITS - 1)) : 0)                          \
    KERNELS(shr_##s, T, T, a >> ((U)b < BITS ? (U)b : BITS - 1) >> ((U)b >= BITS ? 1 : 0))
#define COMPARE_KERNELS(s, T)                                                                      \
    KERNELS(eq_##s, T, uint8_t, a == b)                                                            \
    KERNELS(ne_##s, T, uint8_t, a != b)                                                            \
    KERNELS(lt_##s, T, uint8_t, a < b)                                                             \
    KERNELS(le_##s, T, uint8_t, a <= b)                                                            \
    KERNELS(gt_##s, T, uint8_t, a > b)                                                             \
    KERNELS(ge_##s, T, uint8_t, a >= b)

INTEGER_KERNELS(i32, int32_t, uint32_t, 32)
INTEGER_KERNELS(u32, uint32_t, uint32_t, 32)
INTEGER_KERNELS(i64, int64_t, uint64_t, 64)
INTEGER_KERNELS(u64, uint64_t, uint64_t, 64)
COMPARE_KERNELS(i32, int32_t)
COMPARE_KERNELS(u32, uint32_t)
COMPARE_KERNELS(i64, int64_t)
COMPARE_KERNELS(u64, uint64_t)
COMPARE_KERNELS(b, uint8_t)
KERNELS(or_b, uint8_t, uint8_t, a | b)
KERNELS(and_b, uint8_t, uint8_t, a &b)
KERNELS(xor_b, uint8_t, uint8_t, a ^ b)

/* ---- floats ---------------------------------------------------------------------------------- */

/* -0 is less than +0, and a NaN operand gives NaN. */
#define MINMAX(s, T, U, ZEROS)                                                                     \
    static inline T equal_##s(T a, T b, bool least)                                                \
    {                                                                                              \
        U x, y;                                                                                    \
        memcpy(&x, &a, sizeof x);                                                                  \
        memcpy(&y, &b, sizeof y);                                                                  \
        x = least ? x | y : x & y;                                                                 \
        memcpy(&a, &x, sizeof x);                                                                  \
        return a;                                                                                  \
    }                                                                                              \
    KERNELS(min_##s, T, T, a < b || a != a ? a : a == b ? equal_##s(a, b, true) : b)               \
    KERNELS(max_##s, T, T, a > b || a != a ? a : a == b ? equal_##s(a, b, false) : b)
#define FLOAT_KERNELS(s, T)                                                                        \
    KERNELS(add_##s, T, T, a + b)                                                                  \
    KERNELS(sub_##s, T, T, a - b)                                                                  \
    KERNELS(mul_##s, T, T, a *b)                                                                   \
    KERNELS(div_##s, T, T, a / b)

FLOAT_KERNELS(f32, float)
FLOAT_KERNELS(f64, double)
MINMAX(f32, float, uint32_t, 0)
MINMAX(f64, double, uint64_t, 0)
COMPARE_KERNELS(f32, float)
COMPARE_KERNELS(f64, double)

/* ---- the table ------------------------------------------------------------------------------- */

#define ON_INTEGERS(op)                                                                            \
    {                                                                                              \
        NULL, &op##_i32, &op##_u32, &op##_i64, &op##_u64, NULL, NULL                               \
    }
#define ON_NUMBERS(op)                                                                             \
    {                                                                                              \
        NULL, &op##_i32, &op##_u32, &op##_i64, &op##_u64, &op##_f32, &op##_f64                     \
    }
#define ON_ALL(op)                                                                                 \
    {                                                                                              \
        &op##_b, &op##_i32, &op##_u32, &op##_i64, &op##_u64, &op##_f32, &op##_f64                  \
    }

static const kernset *const binary[WEFT_EK_COUNT][CLS_COUNT] = {
    [WEFT_EK_OR] = { &or_b },
    [WEFT_EK_AND] = { &and_b },
    [WEFT_EK_EQ] = ON_ALL(eq),
    [WEFT_EK_NE] = ON_ALL(ne),
    [WEFT_EK_LT] = ON_ALL(lt),
    [WEFT_EK_LE] = ON_ALL(le),
    [WEFT_EK_GT] = ON_ALL(gt),
    [WEFT_EK_GE] = ON_ALL(ge),
    [WEFT_EK_BOR] = { &or_b, &bor_i32, &bor_u32, &bor_i64, &bor_u64, NULL, NULL },
    [WEFT_EK_BXOR] = { &xor_b, &bxor_i32, &bxor_u32, &bxor_i64, &bxor_u64, NULL, NULL },
    [WEFT_EK_BAND] = { &and_b, &band_i32, &band_u32, &band_i64, &band_u64, NULL, NULL },
    [WEFT_EK_SHL] = ON_INTEGERS(shl),
    [WEFT_EK_SHR] = ON_INTEGERS(shr),
    [WEFT_EK_ADD] = ON_NUMBERS(add),
    [WEFT_EK_SUB] = ON_NUMBERS(sub),
    [WEFT_EK_MUL] = ON_NUMBERS(mul),
    [WEFT_EK_DIV] = { [CLS_F32] = &div_f32, [CLS_F64] = &div_f64 },
    [WEFT_EK_FDIV] = ON_INTEGERS(fdiv),
    [WEFT_EK_FMOD] = ON_INTEGERS(fmod),
    [WEFT_EK_TDIV] = ON_INTEGERS(tdiv),
    [WEFT_EK_TMOD] = ON_INTEGERS(tmod),
    [WEFT_EK_MIN] = { &and_b, &min_i32, &min_u32, &min_i64, &min_u64, &min_f32, &min_f64 },
    [WEFT_EK_MAX] = { &or_b, &max_i32, &max_u32, &max_i64, &max_u64, &max_f32, &max_f64 },
};

const kernset *
weft_interp_binary(weft_ek kind, icls cls)
{
    return binary[kind][cls];
}

/* ---- one operand ----------------------------------------------------------------------------- */

#define KERNEL1(name, T, ...)                                                                      \
    static void name(void *o_, const void *a_, int n)                                              \
    {                                                                                              \
        T *restrict o = o_;                                                                        \
        const T *pa = a_;                                                                          \
        for (int k = 0; k < n; k++) {                                                              \
            T a = pa[k];                                                                           \
            o[k] = (T)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }

KERNEL1(neg_i32, uint32_t, 0 - a)
KERNEL1(neg_i64, uint64_t, 0 - a)
KERNEL1(neg_f32, float, -a)
KERNEL1(neg_f64, double, -a)
KERNEL1(bnot_32, uint32_t, ~a)
KERNEL1(bnot_64, uint64_t, ~a)
KERNEL1(not_b, uint8_t, !a)

static const kern1 unary[WEFT_EK_COUNT][CLS_COUNT] = {
    [WEFT_EK_NEG] = { NULL, neg_i32, neg_i32, neg_i64, neg_i64, neg_f32, neg_f64 },
    [WEFT_EK_BNOT] = { not_b, bnot_32, bnot_32, bnot_64, bnot_64, NULL, NULL },
    [WEFT_EK_NOT] = { not_b },
};

kern1
weft_interp_unary(weft_ek kind, icls cls)
{
    return unary[kind][cls];
}

/* ---- moving ---------------------------------------------------------------------------------- */

#define FILL(T, member)                                                                            \
    {                                                                                              \
        T *p = o, x = u.member;                                                                    \
        for (int k = 0; k < n; k++)                                                                \
            p[k] = x;                                                                              \
        break;                                                                                     \
    }

void
weft_interp_fill(icls cls, void *o, scal u, int n)
{
    switch (weft_interp_size[cls]) {
    case 1:
        memset(o, u.b, (size_t)n);
        break;
    case 4:
        FILL(bits32, u32)
    case 8:
        FILL(bits64, u64)
    }
}

#define BLEND(T)                                                                                   \
    {                                                                                              \
        T *restrict p = o;                                                                         \
        const T *x = a, *y = b;                                                                    \
        for (int k = 0; k < n; k++)                                                                \
            p[k] = c[k] ? x[k] : y[k];                                                             \
        break;                                                                                     \
    }

void
weft_interp_blend(icls cls, void *o, const uint8_t *c, const void *a, const void *b, int n)
{
    switch (weft_interp_size[cls]) {
    case 1:
        BLEND(uint8_t)
    case 4:
        BLEND(bits32)
    case 8:
        BLEND(bits64)
    }
}

#define RANGE(name, T)                                                                             \
    void name(const T *a, int n, val *r)                                                           \
    {                                                                                              \
        T lo = a[0], hi = a[0], first = a[0];                                                      \
        int odd;                                                                                   \
        for (int k = 0; k < n; k++) {                                                              \
            lo = a[k] < lo ? a[k] : lo;                                                            \
            hi = a[k] > hi ? a[k] : hi;                                                            \
        }                                                                                          \
        odd = (uint64_t)(int64_t)hi - (uint64_t)(int64_t)lo != (uint64_t)n - 1;                    \
        for (int k = 0; k < n && !odd; k++)                                                        \
            odd = a[k] - first != k;                                                               \
        r->min = lo;                                                                               \
        r->max = hi;                                                                               \
        r->ranged = true;                                                                          \
        r->contig = !odd;                                                                          \
    }

RANGE(weft_interp_range32, int32_t)
RANGE(weft_interp_range64, int64_t)
