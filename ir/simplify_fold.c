/* Operations on constants, exactly as doc/IR.md defines them.  What a device may round differently
 * (exp and its like) is not folded. */
#include "ir/simplify.h"

#include <math.h>

static bool
is_unsigned(weft_dtype t)
{
    return weft_dtype_kind(t) == WEFT_KIND_UINT;
}

static bool
int_less(weft_dtype t, int64_t a, int64_t b)
{
    return t == WEFT_U64 ? (uint64_t)a < (uint64_t)b : a < b;
}

/* ---- integers -------------------------------------------------------------------------------- */

/* Quotient and remainder, floor or (trunc) to zero; both 0 by 0. */
static void
divide(weft_dtype t, bool trunc, int64_t a, int64_t b, int64_t *q, int64_t *r)
{
    *q = *r = 0;
    if (b == 0)
        return;
    if (t == WEFT_U64) {
        *q = (int64_t)((uint64_t)a / (uint64_t)b);
        *r = (int64_t)((uint64_t)a % (uint64_t)b);
    } else if (b == -1) { /* the least integer by -1 wraps */
        *q = (int64_t)(0 - (uint64_t)a);
    } else {
        *q = trunc ? a / b : weft_floordiv(a, b);
        *r = trunc ? a % b : weft_floormod(a, b);
    }
}

static int64_t
shift(weft_dtype t, weft_ek kind, int64_t a, int64_t by)
{
    int bits = weft_dtype_bits(t);
    bool all = by < 0 || by >= bits;
    if (kind == WEFT_EK_SHL)
        return all ? 0 : (int64_t)((uint64_t)a << by);
    if (is_unsigned(t))
        return all ? 0 : (int64_t)((uint64_t)a >> by);
    return a >> (all ? 63 : by);
}

int64_t
weft_fold_ints(weft_dtype t, weft_ek kind, int64_t a, int64_t b)
{
    int64_t q, r;
    bool trunc = kind == WEFT_EK_TDIV || kind == WEFT_EK_TMOD;
    switch (kind) {
    case WEFT_EK_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case WEFT_EK_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case WEFT_EK_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case WEFT_EK_FDIV:
    case WEFT_EK_TDIV:
        divide(t, trunc, a, b, &q, &r);
        return q;
    case WEFT_EK_FMOD:
    case WEFT_EK_TMOD:
        divide(t, trunc, a, b, &q, &r);
        return r;
    case WEFT_EK_MIN:
        return int_less(t, b, a) ? b : a;
    case WEFT_EK_MAX:
        return int_less(t, a, b) ? b : a;
    case WEFT_EK_AND:
    case WEFT_EK_BAND:
        return a & b;
    case WEFT_EK_OR:
    case WEFT_EK_BOR:
        return a | b;
    case WEFT_EK_BXOR:
        return a ^ b;
    case WEFT_EK_EQ:
        return a == b;
    case WEFT_EK_NE:
        return a != b;
    case WEFT_EK_LT:
        return int_less(t, a, b);
    case WEFT_EK_LE:
        return !int_less(t, b, a);
    case WEFT_EK_GT:
        return int_less(t, b, a);
    case WEFT_EK_GE:
        return !int_less(t, a, b);
    default:
        return shift(t, kind, a, b);
    }
}

/* ---- floats ---------------------------------------------------------------------------------- */

static bool
float_compare(weft_ek kind, double a, double b)
{
    switch (kind) {
    case WEFT_EK_EQ:
        return a == b;
    case WEFT_EK_NE:
        return a != b;
    case WEFT_EK_LT:
        return a < b;
    case WEFT_EK_LE:
        return a <= b;
    case WEFT_EK_GT:
        return a > b;
    default:
        return a >= b;
    }
}

/* Computed in double and rounded to the type by the maker: the same as rounding once, since double
 * has more than twice the bits of every smaller type. */
static bool
float_binary(weft_ek kind, double a, double b, double *r)
{
    switch (kind) {
    case WEFT_EK_ADD:
        *r = a + b;
        return true;
    case WEFT_EK_SUB:
        *r = a - b;
        return true;
    case WEFT_EK_MUL:
        *r = a * b;
        return true;
    case WEFT_EK_DIV:
        *r = a / b;
        return true;
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        if (isnan(a) || isnan(b))
            *r = NAN;
        else
            *r = (kind == WEFT_EK_MIN) == (a < b) ? a : b;
        return a != b || signbit(a) == signbit(b); /* which zero is not said */
    default:
        return false;
    }
}

static bool
float_call(weft_intrin which, double a, double *r)
{
    switch (which) {
    case WEFT_IN_SQRT:
        *r = sqrt(a);
        return true;
    case WEFT_IN_FLOOR:
        *r = floor(a);
        return true;
    case WEFT_IN_CEIL:
        *r = ceil(a);
        return true;
    case WEFT_IN_TRUNC:
        *r = trunc(a);
        return true;
    case WEFT_IN_RINT:
        *r = rint(a);
        return true;
    case WEFT_IN_ABS:
        *r = fabs(a);
        return true;
    default:
        return false;
    }
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static const weft_expr *
fold_binary(weft_ir *ir, const weft_expr *e)
{
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    weft_ek kind = (weft_ek)e->h.kind;
    weft_dtype t = weft_dtype_of(a);
    bool compare = kind >= WEFT_EK_EQ && kind <= WEFT_EK_GE;
    double r;
    if (!weft_is_float(t))
        return weft_int(ir, weft_dtype_of(e), weft_fold_ints(t, kind, a->h.u.i, b->h.u.i));
    if (compare)
        return weft_int(ir, WEFT_BOOL, float_compare(kind, a->h.u.f, b->h.u.f));
    return float_binary(kind, a->h.u.f, b->h.u.f, &r) ? weft_float(ir, t, r) : NULL;
}

static const weft_expr *
fold_unary(weft_ir *ir, const weft_expr *e)
{
    const weft_expr *a = e->arg[0];
    weft_dtype t = weft_dtype_of(a);
    if (e->h.kind == WEFT_EK_NOT)
        return weft_int(ir, t, !a->h.u.i);
    if (e->h.kind == WEFT_EK_BNOT)
        return weft_int(ir, t, ~a->h.u.i);
    if (weft_is_float(t))
        return weft_float(ir, t, -a->h.u.f);
    return weft_int(ir, t, (int64_t)(0 - (uint64_t)a->h.u.i));
}

static const weft_expr *
fold_cast(weft_ir *ir, const weft_expr *e)
{
    const weft_expr *a = e->arg[0];
    weft_dtype from = weft_dtype_of(a), to = weft_dtype_of(e);
    if (to == WEFT_BOOL)
        return weft_int(ir, to, weft_is_float(from) ? a->h.u.f != 0 : a->h.u.i != 0);
    if (weft_is_float(from) && weft_is_float(to))
        return weft_float(ir, to, a->h.u.f);
    if (weft_is_float(from)) {
        uint64_t room = 0;
        weft_set_f64(to, &room, 0, a->h.u.f);
        return weft_int(ir, to, weft_get_i64(to, &room, 0));
    }
    if (!weft_is_float(to))
        return weft_int(ir, to, a->h.u.i);
    int64_t v = a->h.u.i;
    if (v > (int64_t)1 << 53 || v < -((int64_t)1 << 53) || (from == WEFT_U64 && v < 0))
        return NULL; /* a double would round it first */
    return weft_float(ir, to, (double)v);
}

static const weft_expr *
fold_call(weft_ir *ir, const weft_expr *e)
{
    const weft_expr *a = e->arg[0];
    weft_dtype t = weft_dtype_of(a);
    double r;
    if (e->h.u.intrin == WEFT_IN_ISNAN)
        return weft_int(ir, WEFT_BOOL, isnan(a->h.u.f));
    if (e->h.u.intrin == WEFT_IN_ISINF)
        return weft_int(ir, WEFT_BOOL, isinf(a->h.u.f));
    if (e->h.nargs != 1)
        return NULL;
    if (weft_is_float(t))
        return float_call(e->h.u.intrin, a->h.u.f, &r) ? weft_float(ir, t, r) : NULL;
    if (e->h.u.intrin != WEFT_IN_ABS)
        return NULL;
    bool minus = !is_unsigned(t) && a->h.u.i < 0;
    return weft_int(ir, t, minus ? (int64_t)(0 - (uint64_t)a->h.u.i) : a->h.u.i);
}

const weft_expr *
weft_simp_fold(weft_facts *f, const weft_expr *e)
{
    if (e->h.nargs == 0 || e->h.type.lanes != 1 || e->arg[0]->h.type.lanes != 1)
        return NULL;
    if (e->h.kind == WEFT_EK_SELECT || e->h.kind == WEFT_EK_GUARD)
        return weft_is_imm(e->arg[0]) ? e->arg[e->arg[0]->h.u.i ? 1 : 2] : NULL;
    for (int i = 0; i < e->h.nargs; i++)
        if (!weft_is_imm(e->arg[i]))
            return NULL;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_NEG:
    case WEFT_EK_NOT:
    case WEFT_EK_BNOT:
        return fold_unary(f->ir, e);
    case WEFT_EK_CAST:
        return fold_cast(f->ir, e);
    case WEFT_EK_CALL:
        return fold_call(f->ir, e);
    case WEFT_EK_LOAD:
    case WEFT_EK_BITCAST:
        return NULL;
    default:
        return weft_expr_infos[e->h.kind].nargs == 2 ? fold_binary(f->ir, e) : NULL;
    }
}
