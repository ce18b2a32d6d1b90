/* lower/legalize_type.c: dtypes that a target lacks, in registers and in memory. */
#include "lower/legalize.h"

#include <math.h>

weft_dtype
weft_legal_carrier(const weft_legal *l, weft_dtype t)
{
    if (t == WEFT_BOOL || l->caps->arith[t])
        return t;
    if (weft_is_float(t))
        return weft_dtype_bits(t) <= 16 ? WEFT_F32 : t;
    if (weft_dtype_bits(t) > 32)
        return t;
    return weft_dtype_kind(t) == WEFT_KIND_UINT ? WEFT_U32 : WEFT_I32;
}

weft_dtype
weft_legal_memory(const weft_legal *l, weft_dtype t, weft_space space)
{
    if (space != WEFT_GLOBAL && space != WEFT_CONSTANT) /* the kernel's own memory holds carriers */
        return t == WEFT_BOOL && !l->caps->bool_storage ? WEFT_I32 : weft_legal_carrier(l, t);
    if (t == WEFT_BOOL)
        return l->caps->bool_storage && l->caps->storage[t] ? t : WEFT_U8;
    if (t == WEFT_BF16 && !l->caps->storage[t])
        return WEFT_U16;
    return t;
}

static const weft_expr *
imm_like(weft_legal *l, const weft_expr *e, double v)
{
    return weft_imm(l->ir, e->h.type, v);
}

const weft_expr *
weft_legal_wrap(weft_legal *l, weft_dtype t, const weft_expr *x)
{
    int bits = weft_dtype_bits(t), have = weft_dtype_bits((weft_dtype)x->h.type.dtype);
    if (!weft_is_int(t) || bits >= have || weft_is_imm(x))
        return x;
    if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        return weft_binary(l->ir, WEFT_EK_BAND, x, imm_like(l, x, (double)((1u << bits) - 1)));
    const weft_expr *by = imm_like(l, x, have - bits);
    return weft_binary(l->ir, WEFT_EK_SHR, weft_binary(l->ir, WEFT_EK_SHL, x, by), by);
}

/* ---- conversions ----------------------------------------------------------------------------- */

static weft_type
as_type(weft_dtype t, const weft_expr *like)
{
    return (weft_type){ (uint8_t)t, like->h.type.lanes };
}

/* A float to an integer of dtype t held in `carrier`: truncates, saturates, NaN gives 0. */
static const weft_expr *
float_to_int(weft_legal *l, weft_dtype t, weft_dtype carrier, const weft_expr *x)
{
    weft_ir *ir = l->ir;
    weft_type type = as_type(carrier, x);
    bool is_signed = weft_dtype_kind(t) == WEFT_KIND_INT;
    int bits = weft_dtype_bits(t);
    double above = ldexp(1, is_signed ? bits - 1 : bits), below = is_signed ? -above : 0;
    x = weft_legal_bind(l, "f", x);
    const weft_expr *high = weft_binary(ir, WEFT_EK_GE, x, imm_like(l, x, above));
    const weft_expr *low = weft_binary(ir, WEFT_EK_LE, x, imm_like(l, x, below));
    const weft_expr *nan = weft_binary(ir, WEFT_EK_NE, x, x);
    const weft_expr *out = weft_binary(ir, WEFT_EK_OR, weft_binary(ir, WEFT_EK_OR, high, low), nan);
    const weft_expr *inside = weft_cast_to(ir, type, weft_select(ir, out, imm_like(l, x, 0), x));
    const weft_expr *most = weft_bcast(ir, weft_int(ir, carrier, weft_dtype_max(t)), type.lanes);
    const weft_expr *least = weft_bcast(ir, weft_int(ir, carrier, weft_dtype_min(t)), type.lanes);
    return weft_select(ir, high, most, weft_select(ir, low, least, inside));
}

const weft_expr *
weft_legal_cast(weft_legal *l, const weft_expr *cast, weft_dtype from)
{
    weft_ir *ir = l->ir;
    const weft_expr *x = cast->arg[0];
    weft_dtype to = (weft_dtype)cast->h.type.dtype, carrier = weft_legal_carrier(l, to);
    weft_type type = as_type(carrier, x);
    if (to == WEFT_BOOL)
        return x->h.type.dtype == WEFT_BOOL ? x : weft_binary(ir, WEFT_EK_NE, x, imm_like(l, x, 0));
    if (from == WEFT_BOOL)
        return weft_select(ir, x, weft_imm(ir, type, 1), weft_imm(ir, type, 0));
    if (weft_is_float(from) && weft_is_int(to))
        return l->caps->sat_cast && carrier == to ? weft_cast_to(ir, type, x) : float_to_int(l, to, carrier, x);
    const weft_expr *y = weft_same_type(type, x->h.type) ? x : weft_cast_to(ir, type, x);
    return weft_is_int(to) ? weft_legal_wrap(l, to, y) : y;
}

/* ---- memory ---------------------------------------------------------------------------------- */

const weft_expr *
weft_legal_from_memory(weft_legal *l, weft_dtype t, const weft_expr *load)
{
    weft_ir *ir = l->ir;
    weft_dtype memory = (weft_dtype)load->h.type.dtype;
    weft_type carrier = as_type(weft_legal_carrier(l, t), load);
    if (t == WEFT_BOOL && memory != WEFT_BOOL) {
        const weft_expr *wide = weft_cast_to(ir, as_type(weft_legal_carrier(l, memory), load), load);
        return weft_binary(ir, WEFT_EK_NE, wide, imm_like(l, wide, 0));
    }
    if (t == WEFT_BF16 && memory == WEFT_U16) { /* the upper half of an f32 */
        const weft_expr *wide = weft_cast_to(ir, as_type(WEFT_U32, load), load);
        return weft_bitcast(ir, carrier, weft_binary(ir, WEFT_EK_SHL, wide, imm_like(l, wide, 16)));
    }
    return weft_same_type(carrier, load->h.type) ? load : weft_cast_to(ir, carrier, load);
}

/* The bits of x:f32 rounded to bf16, ties to even; a NaN keeps its quiet bit. */
static const weft_expr *
to_bf16_bits(weft_legal *l, const weft_expr *x)
{
    weft_ir *ir = l->ir;
    x = weft_legal_bind(l, "f", x);
    const weft_expr *bits = weft_bitcast(ir, as_type(WEFT_U32, x), x);
    const weft_expr *sixteen = imm_like(l, bits, 16);
    const weft_expr *odd = weft_binary(ir, WEFT_EK_BAND, weft_binary(ir, WEFT_EK_SHR, bits, sixteen), imm_like(l, bits, 1));
    const weft_expr *up = weft_binary(ir, WEFT_EK_ADD, bits, weft_binary(ir, WEFT_EK_ADD, odd, imm_like(l, bits, 0x7fff)));
    const weft_expr *nan = weft_binary(ir, WEFT_EK_NE, x, x);
    const weft_expr *kept = weft_select(ir, nan, imm_like(l, bits, 0x7fc00000), up);
    return weft_binary(ir, WEFT_EK_SHR, kept, sixteen);
}

const weft_expr *
weft_legal_to_memory(weft_legal *l, weft_dtype t, weft_dtype memory, const weft_expr *value)
{
    weft_ir *ir = l->ir;
    if (t == WEFT_BOOL && memory != WEFT_BOOL) {
        weft_type wide = as_type(weft_legal_carrier(l, memory), value);
        value = weft_select(ir, value, weft_imm(ir, wide, 1), weft_imm(ir, wide, 0));
    } else if (t == WEFT_BF16 && memory == WEFT_U16) {
        value = to_bf16_bits(l, value);
    }
    weft_type type = as_type(memory, value);
    return weft_same_type(type, value->h.type) ? value : weft_cast_to(ir, type, value);
}
