/* spv_types.c: types and constants, by names as spirv-dis gives them. */
#include "backends/vulkan/spv_emit.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text;
    int cap;
} scalars[WEFT_DTYPE_COUNT] = {
    [WEFT_BOOL] = { "bool", "OpTypeBool", -1 },
    [WEFT_I8] = { "char", "OpTypeInt 8 1", -1 },
    [WEFT_I16] = { "short", "OpTypeInt 16 1", -1 },
    [WEFT_I32] = { "int", "OpTypeInt 32 1", -1 },
    [WEFT_I64] = { "long", "OpTypeInt 64 1", SPV_CAP_INT64 },
    [WEFT_U8] = { "uchar", "OpTypeInt 8 0", -1 },
    [WEFT_U16] = { "ushort", "OpTypeInt 16 0", -1 },
    [WEFT_U32] = { "uint", "OpTypeInt 32 0", -1 },
    [WEFT_U64] = { "ulong", "OpTypeInt 64 0", SPV_CAP_INT64 },
    [WEFT_F16] = { "half", "OpTypeFloat 16", -1 },
    [WEFT_F32] = { "float", "OpTypeFloat 32", -1 },
    [WEFT_F64] = { "double", "OpTypeFloat 64", SPV_CAP_FLOAT64 },
};

void
spv_computes(spv_emit *c, weft_dtype t)
{
    if (t == WEFT_F16)
        c->b.cap[SPV_CAP_FLOAT16] = true;
    if (t == WEFT_I16 || t == WEFT_U16)
        c->b.cap[SPV_CAP_INT16] = true;
    if (t == WEFT_I8 || t == WEFT_U8)
        c->b.cap[SPV_CAP_INT8] = true;
}

int
spv_float_widths(const spv_emit *c)
{
    static const weft_dtype floats[] = { WEFT_F16, WEFT_F32, WEFT_F64 };
    int widths = 0;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (!spv_is_new(&c->b, scalars[floats[i]].text))
            widths += weft_dtype_bits(floats[i]);
    return widths;
}

/* A narrow type that no buffer holds is there for its conversions alone: those need the capability.
 */
void
spv_settle_caps(spv_emit *c)
{
    static const weft_dtype narrow[] = { WEFT_I8, WEFT_U8, WEFT_I16, WEFT_U16, WEFT_F16 };
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++) {
        spv_cap held = weft_dtype_bits(narrow[i]) == 8 ? SPV_CAP_STORAGE8 : SPV_CAP_STORAGE16;
        if (!c->b.cap[held] && !spv_is_new(&c->b, scalars[narrow[i]].text))
            spv_computes(c, narrow[i]);
    }
}

spv_id
spv_type(spv_emit *c, weft_type type)
{
    if (!scalars[type.dtype].name) {
        spv_fail(c, "a value of type", weft_dtype_name((weft_dtype)type.dtype));
        type.dtype = WEFT_I32;
    }
    const char *name = scalars[type.dtype].name;
    if (scalars[type.dtype].cap >= 0)
        c->b.cap[scalars[type.dtype].cap] = true;
    spv_id scalar = spv_declare(&c->b, name, "%s", scalars[type.dtype].text);
    if (type.lanes == 1)
        return scalar;
    if (type.lanes > 4)
        spv_fail(c, "a vector of more than 4 lanes of", weft_dtype_name((weft_dtype)type.dtype));
    const char *hint = weft_arena_printf(&c->arena, "v%d%s", type.lanes, name);
    return spv_declare(&c->b, hint, "OpTypeVector %s %d", scalar, type.lanes);
}

spv_id
spv_pointer(spv_emit *c, const char *storage, spv_id to, const char *to_name)
{
    const char *hint = weft_arena_printf(&c->arena, "ptr_%s_%s", storage, to_name);
    return spv_declare(&c->b, hint, "OpTypePointer %s %s", storage, to);
}

/* ---- constants ------------------------------------------------------------------------------- */

/* "-1.5" as a name's part: n1_5 */
static const char *
name_of(spv_emit *c, const char *type, const char *text)
{
    char *hint = weft_arena_printf(&c->arena, "%s_%s", type, text);
    for (char *at = hint; *at; at++)
        *at = *at == '-' ? 'n' : *at == '.' || *at == '+' ? '_' : *at;
    return hint;
}

spv_id
spv_int(spv_emit *c, weft_dtype t, int64_t v)
{
    char text[32];
    spv_id type = spv_type(c, weft_scalar(t));
    if (t == WEFT_BOOL)
        return v ? spv_declare(&c->b, "true", "OpConstantTrue %s", type)
                 : spv_declare(&c->b, "false", "OpConstantFalse %s", type);
    spv_computes(c, t);
    if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        snprintf(text, sizeof text, "%" PRIu64, (uint64_t)v);
    else
        snprintf(text, sizeof text, "%" PRId64, v);
    return spv_declare(&c->b, name_of(c, scalars[t].name, text), "OpConstant %s %s", type, text);
}

spv_id
spv_uint(spv_emit *c, int64_t v)
{
    return spv_int(c, WEFT_U32, v);
}

static double
smallest_normal(weft_dtype t)
{
    return t == WEFT_F16 ? 0x1p-14 : t == WEFT_F32 ? 0x1p-126 : 0x1p-1022;
}

/* Whether the assembler makes v of the text.  It cuts off what an f16 has no room for instead of
 * rounding it. */
static bool
reads_back(weft_dtype t, const char *text, double v)
{
    double x = strtod(text, NULL);
    if (t == WEFT_F16)
        return weft_round_to(t, x) == v && fabs(x) >= fabs(v);
    return (t == WEFT_F32 ? (double)(float)x : x) == v;
}

/* Decimal where that reads back the same; infinities, NaN and subnormals in hexadecimal, which the
 * assembler takes bit by bit. */
static void
float_text(weft_dtype t, double v, char text[64])
{
    int beyond = t == WEFT_F16 ? 16 : t == WEFT_F32 ? 128 : 1024;
    if (isnan(v)) {
        snprintf(text, 64, "0x1.8p+%d", beyond);
    } else if (isinf(v)) {
        snprintf(text, 64, "%s0x1p+%d", v < 0 ? "-" : "", beyond);
    } else if (v != 0 && fabs(v) < smallest_normal(t)) {
        snprintf(text, 64, "%a", v);
    } else {
        int digits = 1;
        do
            snprintf(text, 64, "%.*g", digits, v);
        while (!reads_back(t, text, v) && digits++ < 17);
        if (digits > 17)
            snprintf(text, 64, "%a", v);
    }
}

spv_id
spv_float(spv_emit *c, weft_dtype t, double v)
{
    char text[64];
    float_text(t, v, text);
    spv_id type = spv_type(c, weft_scalar(t));
    spv_computes(c, t);
    return spv_declare(&c->b, name_of(c, scalars[t].name, text), "OpConstant %s %s", type, text);
}

spv_id
spv_splat(spv_emit *c, weft_type type, spv_id one)
{
    if (type.lanes == 1)
        return one;
    weft_str lanes = { 0 };
    for (int i = 0; i < type.lanes; i++)
        weft_str_addf(&lanes, " %s", one);
    const char *hint = weft_arena_printf(&c->arena, "%s_x%d", one + 1, type.lanes);
    spv_id id = spv_declare(&c->b, hint, "OpConstantComposite %s%s", spv_type(c, type),
                            weft_str_text(&lanes));
    weft_str_free(&lanes);
    return id;
}

spv_id
spv_number(spv_emit *c, weft_type type, int v)
{
    weft_dtype t = (weft_dtype)type.dtype;
    return spv_splat(c, type, weft_is_float(t) ? spv_float(c, t, v) : spv_int(c, t, v));
}
