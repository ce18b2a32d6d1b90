/* The interpreter's intrinsics and conversions.  What a library function computes is computed in
 * double and rounded, so that results are right to the last bit but for rare ties. */
#include "ir/interp_priv.h"

#include <math.h>
#include <string.h>

/* ---- intrinsics ------------------------------------------------------------------------------ */

#define MATH1(name, T, ...)                                                                        \
    static void name(void *o_, const void *a_, int n)                                              \
    {                                                                                              \
        T *restrict o = o_;                                                                        \
        const T *pa = a_;                                                                          \
        for (int k = 0; k < n; k++) {                                                              \
            T a = pa[k];                                                                           \
            o[k] = (T)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }
#define MATH1_BOTH(name, ...)                                                                      \
    MATH1(name##_f32, float, __VA_ARGS__)                                                          \
    MATH1(name##_f64, double, __VA_ARGS__)
#define TEST1(name, T, ...)                                                                        \
    static void name(void *o_, const void *a_, int n)                                              \
    {                                                                                              \
        uint8_t *restrict o = o_;                                                                  \
        const T *pa = a_;                                                                          \
        for (int k = 0; k < n; k++)                                                                \
            o[k] = (uint8_t)((__VA_ARGS__) != 0);                                                  \
    }

MATH1_BOTH(m_exp, exp((double)a))
MATH1_BOTH(m_exp2, exp2((double)a))
MATH1_BOTH(m_expm1, expm1((double)a))
MATH1_BOTH(m_log, log((double)a))
MATH1_BOTH(m_log2, log2((double)a))
MATH1_BOTH(m_log1p, log1p((double)a))
MATH1_BOTH(m_sqrt, sqrt((double)a))
MATH1_BOTH(m_rsqrt, 1.0 / sqrt((double)a))
MATH1_BOTH(m_sin, sin((double)a))
MATH1_BOTH(m_cos, cos((double)a))
MATH1_BOTH(m_tan, tan((double)a))
MATH1_BOTH(m_asin, asin((double)a))
MATH1_BOTH(m_acos, acos((double)a))
MATH1_BOTH(m_atan, atan((double)a))
MATH1_BOTH(m_sinh, sinh((double)a))
MATH1_BOTH(m_cosh, cosh((double)a))
MATH1_BOTH(m_tanh, tanh((double)a))
MATH1_BOTH(m_asinh, asinh((double)a))
MATH1_BOTH(m_acosh, acosh((double)a))
MATH1_BOTH(m_atanh, atanh((double)a))
MATH1_BOTH(m_erf, erf((double)a))
MATH1_BOTH(m_floor, floor((double)a))
MATH1_BOTH(m_ceil, ceil((double)a))
MATH1_BOTH(m_trunc, trunc((double)a))
MATH1_BOTH(m_rint, rint((double)a))
MATH1_BOTH(m_abs, fabs((double)a))
MATH1(m_abs_i32, int32_t, a < 0 ? 0 - (uint32_t)a : (uint32_t)a)
MATH1(m_abs_i64, int64_t, a < 0 ? 0 - (uint64_t)a : (uint64_t)a)
MATH1(m_abs_u32, uint32_t, a)
MATH1(m_abs_u64, uint64_t, a)
TEST1(m_isnan_f32, float, isnan(pa[k]))
TEST1(m_isnan_f64, double, isnan(pa[k]))
TEST1(m_isinf_f32, float, isinf(pa[k]))
TEST1(m_isinf_f64, double, isinf(pa[k]))

#define ON_FLOATS(name)                                                                            \
    {                                                                                              \
        [CLS_F32] = name##_f32, [CLS_F64] = name##_f64                                             \
    }

static const kern1 math1[WEFT_IN_COUNT][CLS_COUNT] = {
    [WEFT_IN_EXP] = ON_FLOATS(m_exp),
    [WEFT_IN_EXP2] = ON_FLOATS(m_exp2),
    [WEFT_IN_EXPM1] = ON_FLOATS(m_expm1),
    [WEFT_IN_LOG] = ON_FLOATS(m_log),
    [WEFT_IN_LOG2] = ON_FLOATS(m_log2),
    [WEFT_IN_LOG1P] = ON_FLOATS(m_log1p),
    [WEFT_IN_SQRT] = ON_FLOATS(m_sqrt),
    [WEFT_IN_RSQRT] = ON_FLOATS(m_rsqrt),
    [WEFT_IN_SIN] = ON_FLOATS(m_sin),
    [WEFT_IN_COS] = ON_FLOATS(m_cos),
    [WEFT_IN_TAN] = ON_FLOATS(m_tan),
    [WEFT_IN_ASIN] = ON_FLOATS(m_asin),
    [WEFT_IN_ACOS] = ON_FLOATS(m_acos),
    [WEFT_IN_ATAN] = ON_FLOATS(m_atan),
    [WEFT_IN_SINH] = ON_FLOATS(m_sinh),
    [WEFT_IN_COSH] = ON_FLOATS(m_cosh),
    [WEFT_IN_TANH] = ON_FLOATS(m_tanh),
    [WEFT_IN_ASINH] = ON_FLOATS(m_asinh),
    [WEFT_IN_ACOSH] = ON_FLOATS(m_acosh),
    [WEFT_IN_ATANH] = ON_FLOATS(m_atanh),
    [WEFT_IN_ERF] = ON_FLOATS(m_erf),
    [WEFT_IN_FLOOR] = ON_FLOATS(m_floor),
    [WEFT_IN_CEIL] = ON_FLOATS(m_ceil),
    [WEFT_IN_TRUNC] = ON_FLOATS(m_trunc),
    [WEFT_IN_RINT] = ON_FLOATS(m_rint),
    [WEFT_IN_ISNAN] = ON_FLOATS(m_isnan),
    [WEFT_IN_ISINF] = ON_FLOATS(m_isinf),
    [WEFT_IN_ABS] = { NULL, m_abs_i32, m_abs_u32, m_abs_i64, m_abs_u64, m_abs_f32, m_abs_f64 },
};

kern1
weft_interp_math1(weft_intrin f, icls cls)
{
    return math1[f][cls];
}

/* The three loops of a kernset from one scalar function. */
#define MATH2(name, T, ...)                                                                        \
    static inline T name##_of(T a, T b)                                                            \
    {                                                                                              \
        return (T)(__VA_ARGS__);                                                                   \
    }                                                                                              \
    static void name##_vv(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        T *o = o_;                                                                                 \
        const T *a = a_, *b = b_;                                                                  \
        for (int k = 0; k < n; k++)                                                                \
            o[k] = name##_of(a[k], b[k]);                                                          \
    }                                                                                              \
    static void name##_vu(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        T *o = o_;                                                                                 \
        const T *a = a_, *b = b_;                                                                  \
        for (int k = 0; k < n; k++)                                                                \
            o[k] = name##_of(a[k], *b);                                                            \
    }                                                                                              \
    static void name##_uv(void *o_, const void *a_, const void *b_, int n)                         \
    {                                                                                              \
        T *o = o_;                                                                                 \
        const T *a = a_, *b = b_;                                                                  \
        for (int k = 0; k < n; k++)                                                                \
            o[k] = name##_of(*a, b[k]);                                                            \
    }                                                                                              \
    static const kernset name = { name##_vv, name##_vu, name##_uv };
#define MATH2_BOTH(name, ...)                                                                      \
    MATH2(name##_f32, float, __VA_ARGS__)                                                          \
    MATH2(name##_f64, double, __VA_ARGS__)

MATH2_BOTH(m_pow, pow((double)a, (double)b))
MATH2_BOTH(m_frem, fmod((double)a, (double)b))
MATH2_BOTH(m_atan2, atan2((double)a, (double)b))
MATH2_BOTH(m_copysign, copysign((double)a, (double)b))

const kernset *
weft_interp_math2(weft_intrin f, icls cls)
{
    bool single = cls == CLS_F32;
    switch (f) {
    case WEFT_IN_POW:
        return single ? &m_pow_f32 : &m_pow_f64;
    case WEFT_IN_FREM:
        return single ? &m_frem_f32 : &m_frem_f64;
    case WEFT_IN_ATAN2:
        return single ? &m_atan2_f32 : &m_atan2_f64;
    case WEFT_IN_COPYSIGN:
        return single ? &m_copysign_f32 : &m_copysign_f64;
    default:
        return NULL;
    }
}

void
weft_interp_fma(icls cls, void *o, const void *a, const void *b, const void *c, int n)
{
    if (cls == CLS_F32) {
        float *p = o;
        const float *x = a, *y = b, *z = c;
        for (int k = 0; k < n; k++)
            p[k] = fmaf(x[k], y[k], z[k]);
    } else {
        double *p = o;
        const double *x = a, *y = b, *z = c;
        for (int k = 0; k < n; k++)
            p[k] = fma(x[k], y[k], z[k]);
    }
}

/* ---- rounding and wrapping ------------------------------------------------------------------- */

#define WRAP(T)                                                                                    \
    for (int k = 0; k < n; k++)                                                                    \
        p[k] = (int32_t)(T)p[k];                                                                   \
    break;

static void
wrap_small(weft_dtype t, int32_t *p, int n)
{
    int bits = weft_dtype_bits(t), shift = 32 - bits;
    switch (t) {
    case WEFT_I8:
        WRAP(int8_t)
    case WEFT_I16:
        WRAP(int16_t)
    case WEFT_U8:
        WRAP(uint8_t)
    case WEFT_U16:
        WRAP(uint16_t)
    default:
        for (int k = 0; k < n; k++)
            p[k] = weft_dtype_kind(t) == WEFT_KIND_INT ? (int32_t)((uint32_t)p[k] << shift) >> shift
                                                       : p[k] & ((1 << bits) - 1);
        break;
    }
}

static void
round_bf16(float *p, int n)
{
    for (int k = 0; k < n; k++) {
        uint32_t x;
        memcpy(&x, &p[k], sizeof x);
        uint32_t up = (x + 0x7fff + (x >> 16 & 1)) & 0xffff0000u;
        x = (x & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : up;
        memcpy(&p[k], &x, sizeof x);
    }
}

/* Adding and subtracting a power of two rounds to its last place: the normal numbers by the
 * hardware, in the exponent's own scale. */
static float
round_f16(float v)
{
    uint32_t x;
    memcpy(&x, &v, sizeof x);
    uint32_t sign = x & 0x80000000u, mag = x ^ sign;
    if (mag >= 0x477ff000u) /* 65520 and above, infinity, NaN */
        return mag > 0x7f800000u ? v : copysignf(INFINITY, v);
    uint32_t e = mag >> 23;
    uint32_t magic = ((e < 113 ? 113 : e) + 13) << 23; /* 2**-14 is the least normal number */
    float m, a;
    memcpy(&m, &magic, sizeof m);
    memcpy(&a, &mag, sizeof a);
    return copysignf(a + m - m, v);
}

void
weft_interp_post(icls cls, weft_dtype t, void *o, int n)
{
    float *p = o;
    if (cls == CLS_I32)
        wrap_small(t, o, n);
    else if (cls != CLS_F32)
        return;
    else if (t == WEFT_BF16)
        round_bf16(p, n);
    else if (t == WEFT_F16)
        for (int k = 0; k < n; k++)
            p[k] = round_f16(p[k]);
    else if (t != WEFT_F32)
        for (int k = 0; k < n; k++)
            p[k] = (float)weft_round_to(t, (double)p[k]);
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* Truncated and saturated to lo .. hi, which are exact in double but for 64 bits, where hi + 1 is.
 */
static int64_t
to_signed(double v, int64_t lo, int64_t hi)
{
    if (v != v)
        return 0;
    if (v <= (double)lo)
        return lo;
    return v >= (double)hi ? hi : (int64_t)v;
}

static uint64_t
to_unsigned(double v, uint64_t hi)
{
    if (!(v > 0))
        return 0;
    return v >= (double)hi ? hi : (uint64_t)v;
}

#define EACH(TO, FROM, ...)                                                                        \
    {                                                                                              \
        TO *restrict p = o;                                                                        \
        const FROM *q = a;                                                                         \
        for (int k = 0; k < n; k++) {                                                              \
            FROM x = q[k];                                                                         \
            p[k] = (TO)(__VA_ARGS__);                                                              \
        }                                                                                          \
        break;                                                                                     \
    }
#define FROM_ANY(TO)                                                                               \
    switch (fc) {                                                                                  \
    case CLS_BOOL:                                                                                 \
        EACH(TO, uint8_t, x)                                                                       \
    case CLS_I32:                                                                                  \
        EACH(TO, int32_t, x)                                                                       \
    case CLS_U32:                                                                                  \
        EACH(TO, uint32_t, x)                                                                      \
    case CLS_I64:                                                                                  \
        EACH(TO, int64_t, x)                                                                       \
    case CLS_U64:                                                                                  \
        EACH(TO, uint64_t, x)                                                                      \
    case CLS_F32:                                                                                  \
        EACH(TO, float, x)                                                                         \
    case CLS_F64:                                                                                  \
        EACH(TO, double, x)                                                                        \
    case CLS_COUNT:                                                                                \
        break;                                                                                     \
    }

static void
to_bool(uint8_t *o, icls fc, const void *a, int n)
{
    switch (fc) {
    case CLS_BOOL:
        EACH(uint8_t, uint8_t, x != 0)
    case CLS_I32:
    case CLS_U32:
        EACH(uint8_t, uint32_t, x != 0)
    case CLS_I64:
    case CLS_U64:
        EACH(uint8_t, uint64_t, x != 0)
    case CLS_F32:
        EACH(uint8_t, float, x != 0)
    case CLS_F64:
        EACH(uint8_t, double, x != 0)
    case CLS_COUNT:
        break;
    }
}

static void
float_to_int(icls tc, weft_dtype to, void *o, const double *a, int n)
{
    int64_t lo = weft_dtype_min(to), hi = weft_dtype_max(to);
    switch (tc) {
    case CLS_I32:
        EACH(int32_t, double, to_signed(x, lo, hi))
    case CLS_U32:
        EACH(uint32_t, double, to_unsigned(x, (uint64_t)hi))
    case CLS_I64:
        EACH(int64_t, double, to_signed(x, lo, hi))
    case CLS_U64:
        EACH(uint64_t, double, to_unsigned(x, (uint64_t)hi))
    default:
        break;
    }
}

/* Floats to integers by way of doubles, 64 at a time. */
static void
float_to_int_any(icls tc, weft_dtype to, void *o, icls fc, const void *a, int n)
{
    if (fc == CLS_F64) {
        float_to_int(tc, to, o, a, n);
        return;
    }
    double wide[64];
    const float *from = a;
    for (int k = 0; k < n; k += 64) {
        int m = n - k < 64 ? n - k : 64;
        for (int i = 0; i < m; i++)
            wide[i] = (double)from[k + i];
        float_to_int(tc, to, (char *)o + interp_bytes(tc, k), wide, m);
    }
}

/* To a float narrower than its class: rounded once, from double. */
static void
to_small_float(weft_dtype to, float *o, icls fc, const void *a, int n)
{
    switch (fc) {
    case CLS_BOOL:
        EACH(float, uint8_t, x)
    case CLS_I32:
        EACH(float, int32_t, weft_round_to(to, (double)x))
    case CLS_U32:
        EACH(float, uint32_t, weft_round_to(to, (double)x))
    case CLS_I64:
        EACH(float, int64_t, weft_round_to(to, (double)x))
    case CLS_U64:
        EACH(float, uint64_t, weft_round_to(to, (double)x))
    case CLS_F32:
        memcpy(o, a, interp_bytes(CLS_F32, n));
        weft_interp_post(CLS_F32, to, o, n);
        break;
    case CLS_F64:
        EACH(float, double, weft_round_to(to, x))
    case CLS_COUNT:
        break;
    }
}

void
weft_interp_cast(icls tc, weft_dtype to, void *o, icls fc, const void *a, int n)
{
    bool from_float = fc == CLS_F32 || fc == CLS_F64;
    switch (tc) {
    case CLS_BOOL:
        to_bool(o, fc, a, n);
        return;
    case CLS_F32:
        if (to != WEFT_F32)
            to_small_float(to, o, fc, a, n);
        else
            FROM_ANY(float)
        return;
    case CLS_F64:
        FROM_ANY(double)
        return;
    default:
        break;
    }
    if (from_float) {
        float_to_int_any(tc, to, o, fc, a, n);
        return;
    }
    if (weft_interp_size[tc] == 4)
        switch (fc) {
        case CLS_BOOL:
            EACH(uint32_t, uint8_t, x)
        case CLS_I32:
        case CLS_U32:
            EACH(uint32_t, uint32_t, x)
        default:
            EACH(uint32_t, uint64_t, x)
        }
    else
        switch (fc) {
        case CLS_BOOL:
            EACH(uint64_t, uint8_t, x)
        case CLS_I32:
            EACH(uint64_t, int32_t, x)
        case CLS_U32:
            EACH(uint64_t, uint32_t, x)
        default:
            EACH(uint64_t, uint64_t, x)
        }
    if (tc == CLS_I32 && to != WEFT_I32)
        weft_interp_post(tc, to, o, n);
}
