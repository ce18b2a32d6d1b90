/* spv_convert.c: conversions of value and of bits.
 *
 * Integers of 8 and 16 bits are only ever widened to 32 and narrowed from 32, which devices can do
 * that hold them but do not compute with them.
 */
#include "backends/vulkan/spv_emit.h"

static bool
is_signed(weft_type t)
{
    return weft_dtype_kind((weft_dtype)t.dtype) == WEFT_KIND_INT;
}

static int
bits(weft_type t)
{
    return weft_dtype_bits((weft_dtype)t.dtype);
}

static weft_type
int_type(int size, bool with_sign, weft_type like)
{
    weft_dtype t = size == 64 ? (with_sign ? WEFT_I64 : WEFT_U64) : with_sign ? WEFT_I32 : WEFT_U32;
    return spv_lanes(t, like.lanes);
}

static spv_id
op(spv_emit *c, const char *name, weft_type type, spv_id v)
{
    return spv_op(&c->b, "%s %s %s", name, spv_type(c, type), v);
}

/* Integer to integer: widths by the source's sign, then the sign, then narrowing. */
static spv_id
int_to_int(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    int wide = bits(to) > 32 ? 64 : 32;
    if (bits(from) < wide) {
        weft_type type = int_type(wide, is_signed(from), from);
        v = op(c, is_signed(from) ? "OpSConvert" : "OpUConvert", type, v);
        from = type;
    }
    if (bits(from) > bits(to)) {
        weft_type type = bits(to) < 32 ? spv_lanes((weft_dtype)to.dtype, to.lanes)
                                       : int_type(32, is_signed(to), to);
        if (is_signed(from) != is_signed(to))
            v = op(c, "OpBitcast", int_type(bits(from), is_signed(to), from), v);
        return op(c, is_signed(to) ? "OpSConvert" : "OpUConvert", type, v);
    }
    return is_signed(from) == is_signed(to) ? v : op(c, "OpBitcast", to, v);
}

static spv_id
from_bool(spv_emit *c, weft_type to, spv_id v)
{
    weft_type type = bits(to) < 32 && to.dtype != WEFT_F16 ? int_type(32, is_signed(to), to) : to;
    spv_id zero = spv_number(c, type, 0), one = spv_number(c, type, 1);
    v = spv_op(&c->b, "OpSelect %s %s %s %s", spv_type(c, type), v, one, zero);
    return weft_same_type(type, to) ? v : spv_cast(c, to, type, v);
}

static spv_id
to_bool(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    bool is_float = weft_is_float((weft_dtype)from.dtype);
    weft_type type = is_float || bits(from) >= 32 ? from : int_type(32, is_signed(from), from);
    if (!weft_same_type(type, from))
        v = spv_cast(c, type, from, v);
    if (is_float)
        spv_computes(c, (weft_dtype)from.dtype);
    spv_id zero = spv_number(c, type, 0);
    return spv_op(&c->b, "%s %s %s %s", is_float ? "OpFUnordNotEqual" : "OpINotEqual",
                  spv_type(c, to), v, zero);
}

static spv_id
int_to_float(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    if (bits(from) < 32) {
        v = int_to_int(c, int_type(32, is_signed(from), from), from, v);
        from = int_type(32, is_signed(from), from);
    }
    spv_computes(c, (weft_dtype)to.dtype);
    return op(c, is_signed(from) ? "OpConvertSToF" : "OpConvertUToF", to, v);
}

static spv_id
float_to_int(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    weft_type type = bits(to) < 32 ? int_type(32, is_signed(to), to) : to;
    spv_computes(c, (weft_dtype)from.dtype);
    v = op(c, is_signed(type) ? "OpConvertFToS" : "OpConvertFToU", type, v);
    return weft_same_type(type, to) ? v : int_to_int(c, to, type, v);
}

spv_id
spv_cast(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    bool to_float = weft_is_float((weft_dtype)to.dtype),
         from_float = weft_is_float((weft_dtype)from.dtype);
    if (weft_same_type(to, from))
        return v;
    if (from.dtype == WEFT_BOOL)
        return from_bool(c, to, v);
    if (to.dtype == WEFT_BOOL)
        return to_bool(c, to, from, v);
    if (to_float && from_float)
        return op(c, "OpFConvert", to, v);
    if (to_float)
        return int_to_float(c, to, from, v);
    return from_float ? float_to_int(c, to, from, v) : int_to_int(c, to, from, v);
}

spv_id
spv_bitcast(spv_emit *c, weft_type to, weft_type from, spv_id v)
{
    if (weft_same_type(to, from))
        return v;
    spv_computes(c, (weft_dtype)to.dtype);
    spv_computes(c, (weft_dtype)from.dtype);
    return op(c, "OpBitcast", to, v);
}
