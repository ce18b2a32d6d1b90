/* lower/legalize_type.c: dtypes that a target lacks, in registers and in memory. */
#include "lower/legalize.h"

#include <math.h>

static weft_dtype
carrier(const weft_caps *caps, weft_dtype t)
{
    if (t == WEFT_BOOL || caps->arith[t])
        return t;
    if (weft_is_float(t))
        return weft_dtype_bits(t) <= 16 ? WEFT_F32 : t;
    if (weft_dtype_bits(t) > 32)
        return t;
    return weft_dtype_kind(t) == WEFT_KIND_UINT ? WEFT_U32 : WEFT_I32;
}

weft_dtype
weft_legal_carrier(const weft_legal *l, weft_dtype t)
{
    return carrier(l->caps, t);
}

weft_dtype
weft_held_dtype(const weft_caps *caps, weft_dtype t)
{
    return t == WEFT_BOOL && !caps->bool_storage ? WEFT_I32 : carrier(caps, t);
}

weft_dtype
weft_legal_memory(const weft_legal *l, weft_dtype t, weft_space space)
{
    if (space != WEFT_GLOBAL && space != WEFT_CONSTANT)
        return weft_held_dtype(l->caps, t);
    if (t == WEFT_BOOL)
        return l->caps->bool_storage && l->caps->storage[t] ? t : WEFT_U8;
    if (l->caps->storage[t] || (weft_dtype_bits(t) >= 8 && !weft_legal_has_layout(t)))
        return t;
    if (weft_dtype_bits(t) < 8)
        return WEFT_U8;
    return weft_dtype_bits(t) == 8 ? WEFT_U8 : WEFT_U16;
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
    int lanes = x->h.type.lanes;
    if (x->h.kind == WEFT_EK_VEC && weft_lanes_within(l->caps, lanes) < lanes) {
        const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
        for (int i = 0; i < lanes; i++)
            lane[i] = weft_legal_wrap(l, t, x->arg[i]);
        return weft_vec(l->ir, lanes, lane);
    }
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

/* A float to an integer of dtype t held in `carrier`: truncates, saturates, NaN gives 0.  What is
 * too large for a word is converted too, to something that is not chosen. */
static const weft_expr *
float_to_int(weft_legal *l, weft_dtype t, weft_dtype carrier, const weft_expr *x)
{
    weft_ir *ir = l->ir;
    weft_type type = as_type(carrier, x);
    bool is_signed = weft_dtype_kind(t) == WEFT_KIND_INT;
    int bits = weft_dtype_bits(t);
    if (weft_dtype_bits((weft_dtype)x->h.type.dtype) < 32) /* whose ends are not */
        x = weft_cast_to(ir, as_type(WEFT_F32, x), x);
    x = weft_legal_bind(l, "f", x);
    const weft_expr *lo = imm_like(l, x, (double)weft_dtype_min(t)), *zero = imm_like(l, x, 0);
    const weft_expr *nan =
        is_signed ? weft_select(ir, weft_binary(ir, WEFT_EK_NE, x, x), zero, lo) : zero;
    const weft_expr *from_below = weft_select(ir, weft_binary(ir, WEFT_EK_GT, x, lo), x, nan);
    if (bits <= 16) { /* its ends are floats */
        const weft_expr *hi = imm_like(l, x, (double)weft_dtype_max(t));
        return weft_cast_to(ir, type,
                            weft_select(ir, weft_binary(ir, WEFT_EK_GT, x, hi), hi, from_below));
    }
    const weft_expr *high =
        weft_binary(ir, WEFT_EK_GE, x, imm_like(l, x, ldexp(1, is_signed ? bits - 1 : bits)));
    const weft_expr *most = weft_bcast(ir, weft_int(ir, carrier, weft_dtype_max(t)), type.lanes);
    return weft_select(ir, high, most, weft_cast_to(ir, type, from_below));
}

/* Whether every value of `from` is one of `to`. */
static bool
includes(weft_dtype to, weft_dtype from)
{
    bool to_signed = weft_dtype_kind(to) == WEFT_KIND_INT,
         from_signed = weft_dtype_kind(from) == WEFT_KIND_INT;
    int to_bits = weft_dtype_bits(to), from_bits = weft_dtype_bits(from);
    if (to == WEFT_F8E8M0 || (from == WEFT_F8E8M0 && to != WEFT_BF16))
        return false; /* powers of two alone, from 2^-127 on */
    if (weft_is_float(to))
        return weft_is_int(from) ? from_bits - from_signed <= weft_dtype_mantissa(to) + 1
                                 : (from_bits == 8 && to_bits == 16) ||
                                       (from_bits == 16 && to_bits >= 32);
    return weft_is_int(from) &&
           (from_signed ? to_signed && to_bits >= from_bits : to_bits >= from_bits + to_signed);
}

/* x in `carrier` brought to a value of the narrower dtype `to`, unless the memory it goes to will.
 */
static const weft_expr *
narrowed(weft_legal *l, weft_dtype to, weft_dtype from, const weft_expr *x, bool stored)
{
    if (stored || to == (weft_dtype)x->h.type.dtype || includes(to, from))
        return x;
    return weft_is_int(to)             ? weft_legal_wrap(l, to, x)
           : weft_legal_has_layout(to) ? weft_legal_round(l, to, x)
                                       : x;
}

bool
weft_legal_cast_compares(const weft_legal *l, weft_dtype to, weft_dtype from)
{
    bool small = weft_is_float(to) && weft_legal_carrier(l, to) != to;
    return to == WEFT_BOOL || from == WEFT_BOOL || small ||
           (weft_is_float(from) && weft_is_int(to) &&
            !(l->caps->sat_cast && weft_legal_carrier(l, to) == to));
}

const weft_expr *
weft_legal_cast(weft_legal *l, weft_dtype to, const weft_expr *x, weft_dtype from, bool stored)
{
    weft_ir *ir = l->ir;
    weft_dtype carrier = weft_legal_carrier(l, to);
    weft_type type = as_type(carrier, x);
    if (to == WEFT_BOOL)
        return x->h.type.dtype == WEFT_BOOL ? x : weft_binary(ir, WEFT_EK_NE, x, imm_like(l, x, 0));
    if (from == WEFT_BOOL)
        return weft_select(ir, x, weft_imm(ir, type, 1), weft_imm(ir, type, 0));
    if (weft_is_float(from) && weft_is_int(to))
        return l->caps->sat_cast && carrier == to ? weft_cast_to(ir, type, x)
                                                  : float_to_int(l, to, carrier, x);
    if (from == WEFT_F64 && carrier == WEFT_F32 && to != WEFT_F32)
        return narrowed(l, to, from, weft_legal_round_to_odd(l, x), stored);
    if (x->h.kind == WEFT_EK_CAST &&
        includes((weft_dtype)x->h.type.dtype, (weft_dtype)x->arg[0]->h.type.dtype) &&
        weft_is_int((weft_dtype)x->h.type.dtype))
        x = x->arg[0]; /* it only widens what memory holds */
    const weft_expr *y = weft_same_type(type, x->h.type) ? x : weft_cast_to(ir, type, x);
    return narrowed(l, to, from, y, stored);
}

/* ---- bits ------------------------------------------------------------------------------------ */

/* The bits of x, a value of dtype t of 16 bits or fewer, as u32. */
static const weft_expr *
bits_of(weft_legal *l, weft_dtype t, const weft_expr *x)
{
    weft_ir *ir = l->ir;
    if (weft_is_float(t))
        return weft_legal_float_bits(l, t, weft_cast_to(ir, as_type(WEFT_F32, x), x));
    const weft_expr *u = weft_cast_to(ir, as_type(WEFT_U32, x), x);
    return weft_dtype_kind(t) == WEFT_KIND_UINT
               ? u
               : weft_binary(ir, WEFT_EK_BAND, u, imm_like(l, u, (1 << weft_dtype_bits(t)) - 1));
}

/* Whether bits of t can be taken apart: those of integers, and of floats whose layout is known. */
static bool
has_bits(weft_dtype t)
{
    return weft_is_int(t) || weft_legal_has_layout(t);
}

const weft_expr *
weft_legal_bitcast(weft_legal *l, const weft_expr *e, weft_dtype from)
{
    weft_ir *ir = l->ir;
    weft_dtype to = (weft_dtype)e->h.type.dtype, carrier = weft_legal_carrier(l, to);
    const weft_expr *x = e->arg[0];
    if (from == to)
        return x;
    if (from == (weft_dtype)x->h.type.dtype && to == carrier)
        return e;
    if (weft_dtype_bits(from) != weft_dtype_bits(to) || weft_dtype_bits(to) > 16 ||
        !has_bits(from) || !has_bits(to))
        return weft_legal_refuse(l, "the bits", from);
    const weft_expr *bits = bits_of(l, from, x);
    if (weft_is_float(to))
        return weft_cast_to(ir, as_type(carrier, x), weft_legal_float_of_bits(l, to, bits));
    bits = weft_cast_to(ir, as_type(carrier, x), bits);
    return weft_dtype_kind(to) == WEFT_KIND_UINT ? bits : weft_legal_wrap(l, to, bits);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Whether values of t pass through comparisons between memory and registers. */
bool
weft_legal_memory_compares(weft_dtype t, weft_dtype memory)
{
    return t != memory && (t == WEFT_BOOL || weft_is_float(t)) && weft_is_int(memory);
}

const weft_expr *
weft_legal_from_memory(weft_legal *l, weft_dtype t, const weft_expr *load)
{
    weft_ir *ir = l->ir;
    weft_dtype memory = (weft_dtype)load->h.type.dtype;
    weft_type carrier = as_type(weft_legal_carrier(l, t), load);
    if (t == WEFT_BOOL && memory != WEFT_BOOL) {
        const weft_expr *wide =
            weft_cast_to(ir, as_type(weft_legal_carrier(l, memory), load), load);
        return weft_binary(ir, WEFT_EK_NE, wide, imm_like(l, wide, 0));
    }
    if (weft_is_float(t) && weft_is_int(memory))
        return weft_legal_float_of_bits(l, t, weft_cast_to(ir, as_type(WEFT_U32, load), load));
    return weft_same_type(carrier, load->h.type) ? load : weft_cast_to(ir, carrier, load);
}

/* The element that begins `shift` bits up in a byte. */
const weft_expr *
weft_legal_from_byte(weft_legal *l, weft_dtype t, const weft_expr *byte, const weft_expr *shift)
{
    weft_ir *ir = l->ir;
    int bits = weft_dtype_bits(t);
    const weft_expr *u = weft_cast(ir, WEFT_U32, byte);
    u = weft_binary(ir, WEFT_EK_SHR, u, weft_cast(ir, WEFT_U32, shift));
    u = weft_binary(ir, WEFT_EK_BAND, u, imm_like(l, u, (1 << bits) - 1));
    if (weft_is_float(t))
        return weft_legal_float_of_bits(l, t, u);
    return weft_dtype_kind(t) == WEFT_KIND_UINT ? u
                                                : weft_legal_wrap(l, t, weft_cast(ir, WEFT_I32, u));
}

const weft_expr *
weft_legal_to_memory(weft_legal *l, weft_dtype t, weft_dtype memory, const weft_expr *value)
{
    weft_ir *ir = l->ir;
    if (t == WEFT_BOOL && memory != WEFT_BOOL) {
        weft_type wide = as_type(weft_legal_carrier(l, memory), value);
        value = weft_select(ir, value, weft_imm(ir, wide, 1), weft_imm(ir, wide, 0));
    } else if (weft_is_float(t) && weft_is_int(memory)) {
        value = weft_legal_float_bits(l, t, value);
    }
    weft_type type = as_type(memory, value);
    if (value->h.kind == WEFT_EK_CAST && weft_same_type(type, value->arg[0]->h.type) &&
        includes((weft_dtype)value->h.type.dtype, memory)) /* it was widened to be carried */
        return value->arg[0];
    return weft_same_type(type, value->h.type) ? value : weft_cast_to(ir, type, value);
}
