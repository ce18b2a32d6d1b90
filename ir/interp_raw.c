/* How the interpreter reads and writes the elements of a kernel's arguments: each storage dtype to
 * and from the class that holds it in lanes. */
#include "ir/interp_priv.h"

#include <string.h>

/* ---- small floats ---------------------------------------------------------------------------- */

static inline float
from_bits(uint32_t x)
{
    float v;
    memcpy(&v, &x, sizeof v);
    return v;
}

static inline uint32_t
to_bits(float v)
{
    uint32_t x;
    memcpy(&x, &v, sizeof x);
    return x;
}

static inline float
from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 1023;
    if (e == 31)
        return from_bits(sign | 0x7f800000u | m << 13);
    if (e == 0) { /* m * 2**-24 */
        float v = (float)m * 0x1p-24f;
        return from_bits(to_bits(v) | sign);
    }
    return from_bits(sign | (e + 112) << 23 | m << 13);
}

/* v is a value of f16 already, as every lane of that type is. */
static inline uint16_t
to_f16(float v)
{
    uint32_t x = to_bits(v), sign = x >> 16 & 0x8000, mag = x & 0x7fffffff;
    if (mag >= 0x7f800000u)
        return (uint16_t)(sign | 0x7c00 | (mag > 0x7f800000u ? 0x200 : 0));
    if (mag < 0x38800000u) /* below 2**-14 */
        return (uint16_t)(sign | (uint32_t)(from_bits(mag) * 0x1p24f));
    return (uint16_t)(sign | ((mag - 0x38000000u) >> 13));
}

static inline float
from_bf16(uint16_t h)
{
    return from_bits((uint32_t)h << 16);
}
static inline uint16_t
to_bf16(float v)
{
    return (uint16_t)(to_bits(v) >> 16);
}

/* ---- loops ----------------------------------------------------------------------------------- */

#define GET(name, S, T, ...)                                                                       \
    static void name(T *restrict o, const S *p, const int32_t *x, const uint8_t *m, int n)         \
    {                                                                                              \
        for (int k = 0; k < n; k++) {                                                              \
            if (m && !m[k]) {                                                                      \
                o[k] = 0;                                                                          \
                continue;                                                                          \
            }                                                                                      \
            S s = p[x ? x[k] : k];                                                                 \
            o[k] = (T)(__VA_ARGS__);                                                               \
        }                                                                                          \
    }
#define PUT(name, T, S, ...)                                                                       \
    static void name(const T *a, S *p, const int32_t *x, const uint8_t *m, int n)                  \
    {                                                                                              \
        for (int k = 0; k < n; k++) {                                                              \
            if (m && !m[k])                                                                        \
                continue;                                                                          \
            T v = a[k];                                                                            \
            p[x ? x[k] : k] = (S)(__VA_ARGS__);                                                    \
        }                                                                                          \
    }
#define BOTH(name, S, T, FROM, TO)                                                                 \
    GET(get_##name, S, T, FROM)                                                                    \
    PUT(put_##name, T, S, TO)

BOTH(bool, uint8_t, uint8_t, s != 0, v)
BOTH(i8, int8_t, int32_t, s, v)
BOTH(u8, uint8_t, int32_t, s, v)
BOTH(i16, int16_t, int32_t, s, v)
BOTH(u16, uint16_t, int32_t, s, v)
BOTH(32, bits32, bits32, s, v)
BOTH(64, bits64, bits64, s, v)
BOTH(f16, uint16_t, float, from_f16(s), to_f16(v))
BOTH(bf16, uint16_t, float, from_bf16(s), to_bf16(v))
BOTH(f32_wide, float, double, s, v)

/* Any dtype, by the functions of base. */
static void
get_slow(weft_dtype t, icls cls, void *o, const void *p, const int32_t *x, int64_t off,
         const uint8_t *m, int n)
{
    memset(o, 0, interp_bytes(cls, n));
    for (int k = 0; k < n; k++) {
        int64_t e = off + (x ? x[k] : k);
        if (m && !m[k])
            continue;
        if (cls == CLS_F32)
            ((float *)o)[k] = (float)weft_get_f64(t, p, e);
        else if (cls == CLS_F64)
            ((double *)o)[k] = weft_get_f64(t, p, e);
        else
            ((int32_t *)o)[k] = (int32_t)weft_get_i64(t, p, e);
    }
}

static void
put_slow(weft_dtype t, icls cls, const void *a, void *p, const int32_t *x, int64_t off,
         const uint8_t *m, int n)
{
    for (int k = 0; k < n; k++) {
        int64_t e = off + (x ? x[k] : k);
        if (m && !m[k])
            continue;
        if (cls == CLS_F32)
            weft_set_f64(t, p, e, (double)((const float *)a)[k]);
        else if (cls == CLS_F64)
            weft_set_f64(t, p, e, ((const double *)a)[k]);
        else
            weft_set_i64(t, p, e, ((const int32_t *)a)[k]);
    }
}

#define CASE_GET(name, S)                                                                          \
    get_##name(o, (const S *)base + off, x, m, n);                                                 \
    break
#define CASE_PUT(name, S)                                                                          \
    put_##name(a, (S *)base + off, x, m, n);                                                       \
    break

void
weft_interp_get(weft_dtype t, icls cls, void *o, const void *base, const int32_t *x, int64_t off,
                const uint8_t *m, int n)
{
    if (cls == CLS_F64 && t != WEFT_F64 && t != WEFT_F32) {
        get_slow(t, cls, o, base, x, off, m, n);
        return;
    }
    switch (t) {
    case WEFT_BOOL:
        CASE_GET(bool, uint8_t);
    case WEFT_I8:
        CASE_GET(i8, int8_t);
    case WEFT_U8:
        CASE_GET(u8, uint8_t);
    case WEFT_I16:
        CASE_GET(i16, int16_t);
    case WEFT_U16:
        CASE_GET(u16, uint16_t);
    case WEFT_F16:
        CASE_GET(f16, uint16_t);
    case WEFT_BF16:
        CASE_GET(bf16, uint16_t);
    case WEFT_F32:
        if (cls == CLS_F64) {
            CASE_GET(f32_wide, float);
        }
        /* fallthrough */
    case WEFT_I32:
    case WEFT_U32:
        CASE_GET(32, bits32);
    case WEFT_I64:
    case WEFT_U64:
    case WEFT_F64:
        CASE_GET(64, bits64);
    default:
        get_slow(t, cls, o, base, x, off, m, n);
    }
}

void
weft_interp_put(weft_dtype t, icls cls, const void *a, void *base, const int32_t *x, int64_t off,
                const uint8_t *m, int n)
{
    if (cls == CLS_F64 && t != WEFT_F64 && t != WEFT_F32) {
        put_slow(t, cls, a, base, x, off, m, n);
        return;
    }
    switch (t) {
    case WEFT_BOOL:
        CASE_PUT(bool, uint8_t);
    case WEFT_I8:
        CASE_PUT(i8, int8_t);
    case WEFT_U8:
        CASE_PUT(u8, uint8_t);
    case WEFT_I16:
        CASE_PUT(i16, int16_t);
    case WEFT_U16:
        CASE_PUT(u16, uint16_t);
    case WEFT_F16:
        CASE_PUT(f16, uint16_t);
    case WEFT_BF16:
        CASE_PUT(bf16, uint16_t);
    case WEFT_F32:
        if (cls == CLS_F64) {
            CASE_PUT(f32_wide, float);
        }
        /* fallthrough */
    case WEFT_I32:
    case WEFT_U32:
        CASE_PUT(32, bits32);
    case WEFT_I64:
    case WEFT_U64:
    case WEFT_F64:
        CASE_PUT(64, bits64);
    default:
        put_slow(t, cls, a, base, x, off, m, n);
    }
}
