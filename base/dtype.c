/* Element types: the facts of dtype.def, and how elements are read from memory and rounded into it.
 * The small floats differ in three facts only: the bias, the greatest finite code, and what stands
 * for infinity and NaN; one decoder and one encoder serve them all. */
#include "base/base.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    int bits, kind, exponent, mantissa, dlpack;
} dtypes[WEFT_DTYPE_COUNT] = {
#define DTYPE(name, text, bits, kind, exponent, mantissa, dlpack)                                  \
    [WEFT_##name] = { text, bits, WEFT_KIND_##kind, exponent, mantissa, dlpack },
#include <weft/dtype.def>
#undef DTYPE
};

const char *
weft_dtype_name(weft_dtype t)
{
    return (unsigned)t < WEFT_DTYPE_COUNT ? dtypes[t].name : "?";
}

int
weft_dtype_bits(weft_dtype t)
{
    return dtypes[t].bits;
}

weft_dkind
weft_dtype_kind(weft_dtype t)
{
    return (weft_dkind)dtypes[t].kind;
}

int
weft_dtype_mantissa(weft_dtype t)
{
    return dtypes[t].mantissa;
}

int
weft_dtype_dlpack(weft_dtype t)
{
    return dtypes[t].dlpack;
}

weft_dtype
weft_dtype_parse(const char *name, size_t n)
{
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        if (strlen(dtypes[t].name) == n && memcmp(dtypes[t].name, name, n) == 0)
            return (weft_dtype)t;
    return WEFT_DTYPE_COUNT;
}

bool
weft_dtype_bytes(weft_dtype t, int64_t count, int64_t *bytes)
{
    int64_t bits;
    if (count < 0)
        return false;
    if (dtypes[t].bits >= 8)
        return weft_mul64(count, dtypes[t].bits / 8, bytes);
    if (!weft_mul64(count, dtypes[t].bits, &bits) || bits > INT64_MAX - 7)
        return false;
    *bytes = (bits + 7) / 8;
    return true;
}

int64_t
weft_dtype_min(weft_dtype t)
{
    return weft_dtype_kind(t) == WEFT_KIND_INT ? INT64_MIN >> (64 - dtypes[t].bits) : 0;
}

int64_t
weft_dtype_max(weft_dtype t)
{
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_INT:
        return (int64_t)((uint64_t)INT64_MAX >> (64 - dtypes[t].bits));
    case WEFT_KIND_UINT:
        return (int64_t)(UINT64_MAX >> (64 - dtypes[t].bits));
    case WEFT_KIND_BOOL:
        return 1;
    case WEFT_KIND_FLOAT:
        break;
    }
    return 0;
}

/* ---- floats of at most 16 bits --------------------------------------------------------------- */

/* Codes are without the sign, which is the bit above mantissa and exponent. */
typedef struct format {
    int mantissa, bias;
    uint32_t greatest; /* code of the greatest finite value */
    uint32_t beyond;   /* code that overflow and infinity become */
    uint32_t nan;      /* code of NaN, with sign; where there is none, what NaN becomes */
    uint32_t sign;     /* the sign bit, 0: unsigned */
    bool has_inf, has_nan, one_zero;
} format;

static const format formats[WEFT_DTYPE_COUNT] = {
    [WEFT_F16] = { 10, 15, 0x7bff, 0x7c00, 0x7e00, 0x8000, true, true, false },
    [WEFT_BF16] = { 7, 127, 0x7f7f, 0x7f80, 0x7fc0, 0x8000, true, true, false },
    [WEFT_F8E4M3FN] = { 3, 7, 0x7e, 0x7f, 0x7f, 0x80, false, true, false },
    [WEFT_F8E4M3FNUZ] = { 3, 8, 0x7f, 0x80, 0x80, 0x80, false, true, true },
    [WEFT_F8E5M2] = { 2, 15, 0x7b, 0x7c, 0x7e, 0x80, true, true, false },
    [WEFT_F8E5M2FNUZ] = { 2, 16, 0x7f, 0x80, 0x80, 0x80, false, true, true },
    [WEFT_F8E8M0] = { 0, 127, 0xfe, 0xff, 0xff, 0, false, true, false },
    [WEFT_F4E2M1] = { 1, 1, 0x7, 0x7, 0x7, 0x8, false, false, false },
};

static double
from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double
decode(weft_dtype t, uint32_t code)
{
    const format *f = &formats[t];
    uint32_t magnitude = f->sign ? code & (f->sign - 1) : code;
    uint64_t sign = (uint64_t)((code & f->sign) != 0) << 63;
    if (magnitude > f->greatest || (f->one_zero && code == f->nan))
        return f->has_inf && magnitude == f->beyond ? from_bits(sign | 0x7ffull << 52)
                                                    : (double)NAN;
    uint64_t exponent = magnitude >> f->mantissa;
    uint64_t mantissa = magnitude & ((1u << f->mantissa) - 1);
    if (exponent == 0 && t != WEFT_F8E8M0) {
        double unit = from_bits((uint64_t)(1023 + 1 - f->bias - f->mantissa) << 52);
        return (sign ? -1.0 : 1.0) * (double)mantissa * unit;
    }
    uint64_t e = exponent + 1023 - (uint64_t)f->bias;
    return from_bits(sign | e << 52 | mantissa << (52 - f->mantissa));
}

/* v's upper bits from `shift` on, rounded to nearest even. */
static uint64_t
round_shift(uint64_t v, int shift)
{
    if (shift > 62)
        return 0;
    uint64_t kept = v >> shift, rest = v & ((1ull << shift) - 1), half = 1ull << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

/* E8M0 holds powers of two only: no sign, no zero, no mantissa. */
static uint32_t
encode_power(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (isnan(v) || bits >> 63 || isinf(v))
        return v == 0 ? 0 : 0xff;
    int64_t e = (int64_t)(bits >> 52) - 1023 + 127;
    uint64_t rest = bits & ((1ull << 52) - 1), half = 1ull << 51;
    e += rest > half || (rest == half && (e & 1));
    return e < 0 ? 0 : e > 0xfe ? 0xff : (uint32_t)e;
}

static uint32_t
encode(weft_dtype t, double v)
{
    const format *f = &formats[t];
    if (t == WEFT_F8E8M0)
        return encode_power(v);
    if (isnan(v))
        return f->nan;
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t sign = bits >> 63 ? f->sign : 0;
    int e = (int)(bits >> 52 & 0x7ff) - 1023 + f->bias; /* the target's exponent field */
    uint64_t significand = (bits & ((1ull << 52) - 1)) | 1ull << 52;
    uint32_t code;
    if (e >= 1 << 12 || isinf(v))
        code = f->greatest + 1;
    else if (e >= 1) /* the hidden bit carries into the exponent field */
        code = (uint32_t)(((uint64_t)(e - 1) << f->mantissa) +
                          round_shift(significand, 52 - f->mantissa));
    else
        code = (uint32_t)round_shift(significand, 52 - f->mantissa + 1 - e);
    if (code > f->greatest)
        return f->has_inf || !f->has_nan ? f->beyond | sign : f->nan | (f->one_zero ? 0 : sign);
    return code == 0 && f->one_zero ? 0 : code | sign;
}

double
weft_dtype_greatest(weft_dtype t)
{
    if (t == WEFT_F32 || t == WEFT_F64 || formats[t].has_inf)
        return (double)INFINITY;
    return decode(t, formats[t].greatest);
}

double
weft_dtype_least(weft_dtype t)
{
    return t == WEFT_F8E8M0 ? decode(t, 0) : -weft_dtype_greatest(t);
}

double
weft_round_to(weft_dtype t, double v)
{
    if (t == WEFT_F64)
        return v;
    if (t == WEFT_F32)
        return (double)(float)v;
    return decode(t, encode(t, v));
}

/* ---- elements in memory ---------------------------------------------------------------------- */

/* The bits of element i, zero-extended. */
static uint64_t
get_bits(int bits, const void *data, int64_t i)
{
    const uint8_t *p = data;
    if (bits < 8) {
        int per = 8 / bits;
        return (uint64_t)(p[i / per] >> (i % per * bits)) & ((1u << bits) - 1);
    }
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    switch (bits) {
    case 8:
        return p[i];
    case 16:
        memcpy(&v16, p + 2 * i, 2);
        return v16;
    case 32:
        memcpy(&v32, p + 4 * i, 4);
        return v32;
    default:
        memcpy(&v64, p + 8 * i, 8);
        return v64;
    }
}

static void
set_bits(int bits, void *data, int64_t i, uint64_t v)
{
    uint8_t *p = data;
    if (bits < 8) {
        int per = 8 / bits, shift = (int)(i % per) * bits, mask = (1 << bits) - 1;
        p[i / per] = (uint8_t)((p[i / per] & ~(mask << shift)) | (((int)v & mask) << shift));
        return;
    }
    uint32_t v32 = (uint32_t)v;
    uint16_t v16 = (uint16_t)v;
    switch (bits) {
    case 8:
        p[i] = (uint8_t)v;
        break;
    case 16:
        memcpy(p + 2 * i, &v16, 2);
        break;
    case 32:
        memcpy(p + 4 * i, &v32, 4);
        break;
    default:
        memcpy(p + 8 * i, &v, 8);
        break;
    }
}

static double
float_from_bits(weft_dtype t, uint64_t bits)
{
    if (t == WEFT_F64)
        return from_bits(bits);
    if (t != WEFT_F32)
        return decode(t, (uint32_t)bits);
    float f;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, sizeof f);
    return (double)f;
}

static uint64_t
bits_from_float(weft_dtype t, double v)
{
    uint64_t bits = 0;
    float f = (float)v;
    if (t == WEFT_F64)
        memcpy(&bits, &v, sizeof v);
    else if (t == WEFT_F32) {
        uint32_t low;
        memcpy(&low, &f, sizeof f);
        bits = low;
    } else
        bits = encode(t, v);
    return bits;
}

/* Truncated and saturated to an integer type; NaN is 0. */
static int64_t
saturate(weft_dtype t, double v)
{
    bool is_unsigned = weft_dtype_kind(t) == WEFT_KIND_UINT;
    int magnitude = dtypes[t].bits - !is_unsigned;
    double beyond = ldexp(1.0, magnitude); /* 1 above the greatest value */
    if (isnan(v))
        return 0;
    if (v >= beyond)
        return weft_dtype_max(t);
    if (is_unsigned)
        return v <= 0 ? 0 : (int64_t)(uint64_t)v;
    return v < -beyond ? weft_dtype_min(t) : (int64_t)v;
}

int64_t
weft_wrap_i64(weft_dtype t, int64_t v)
{
    int spare = 64 - dtypes[t].bits;
    if (weft_dtype_kind(t) == WEFT_KIND_BOOL)
        return v != 0;
    if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        return (int64_t)((uint64_t)v << spare >> spare);
    return (int64_t)((uint64_t)v << spare) >> spare;
}

double
weft_get_f64(weft_dtype t, const void *data, int64_t i)
{
    uint64_t bits = get_bits(dtypes[t].bits, data, i);
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_FLOAT:
        return float_from_bits(t, bits);
    case WEFT_KIND_INT:
        return (double)weft_wrap_i64(t, (int64_t)bits);
    case WEFT_KIND_UINT:
    case WEFT_KIND_BOOL:
        break;
    }
    return (double)bits;
}

int64_t
weft_get_i64(weft_dtype t, const void *data, int64_t i)
{
    uint64_t bits = get_bits(dtypes[t].bits, data, i);
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_FLOAT:
        return saturate(WEFT_I64, float_from_bits(t, bits));
    case WEFT_KIND_INT:
        return weft_wrap_i64(t, (int64_t)bits);
    case WEFT_KIND_UINT:
    case WEFT_KIND_BOOL:
        break;
    }
    return (int64_t)bits;
}

void
weft_set_f64(weft_dtype t, void *data, int64_t i, double v)
{
    uint64_t bits = 0;
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_FLOAT:
        bits = bits_from_float(t, v);
        break;
    case WEFT_KIND_BOOL:
        bits = v != 0;
        break;
    case WEFT_KIND_INT:
    case WEFT_KIND_UINT:
        bits = (uint64_t)saturate(t, v);
        break;
    }
    set_bits(dtypes[t].bits, data, i, bits);
}

/* v as a double that rounds onwards as v itself would: beyond 53 bits the lost ones stick. */
static double
sticky_double(int64_t v)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (magnitude >> 53) {
        bool lost = magnitude & 0x7ff;
        magnitude = (magnitude & ~0x7ffull) | (lost ? 0x800 : 0);
    }
    return v < 0 ? -(double)magnitude : (double)magnitude;
}

void
weft_set_i64(weft_dtype t, void *data, int64_t i, int64_t v)
{
    uint64_t bits = (uint64_t)v;
    if (t == WEFT_F64)
        bits = bits_from_float(t, (double)v);
    else if (t == WEFT_F32)
        bits = bits_from_float(t, (double)(float)v);
    else if (weft_is_float(t))
        bits = bits_from_float(t, sticky_double(v));
    else if (weft_dtype_kind(t) == WEFT_KIND_BOOL)
        bits = v != 0;
    set_bits(dtypes[t].bits, data, i, bits);
}
