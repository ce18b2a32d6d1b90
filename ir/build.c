/* The checked builders: each says what types its operands may have, broadcasts a scalar that meets
 * a vector, and reports anything else. */
#include "ir/priv.h"

#include <string.h>

const char *
weft_type_text(weft_ir *ir, weft_type t)
{
    const char *name = weft_dtype_name((weft_dtype)t.dtype);
    return t.lanes == 1 ? name : weft_arena_printf(&ir->arena, "%sx%d", name, t.lanes);
}

static weft_dtype
dtype_of(const weft_expr *e)
{
    return (weft_dtype)e->h.type.dtype;
}

static bool
is_bool(const weft_expr *e)
{
    return dtype_of(e) == WEFT_BOOL;
}

/* Gives all n operands the same number of lanes, where those that differ are scalars. */
static bool
spread(weft_ir *ir, int n, const weft_expr **e)
{
    int lanes = 1;
    for (int i = 0; i < n; i++)
        if (e[i]->h.type.lanes > lanes)
            lanes = e[i]->h.type.lanes;
    for (int i = 0; i < n; i++) {
        if (e[i]->h.type.lanes != 1 && e[i]->h.type.lanes != lanes)
            return false;
        if (e[i]->h.type.lanes != lanes)
            e[i] = weft_bcast(ir, e[i], lanes);
    }
    return true;
}

static const weft_expr *
refuse(weft_ir *ir, const char *what, int n, const weft_expr *const *e, const char *want)
{
    weft_str types = { 0 };
    for (int i = 0; i < n; i++)
        weft_str_addf(&types, "%s%s",
                      i == 0       ? ""
                      : i == n - 1 ? " and "
                                   : ", ",
                      weft_type_text(ir, e[i]->h.type));
    weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'%s' of %s: %s", what, weft_str_text(&types), want);
    weft_str_free(&types);
    return NULL;
}

static const weft_expr *
node(weft_ir *ir, weft_ek kind, weft_type type, int n, const weft_expr *const *args)
{
    return weft_expr_make(ir, (weft_head){ .kind = (uint8_t)kind, .type = type }, n, args);
}

/* ---- operators ------------------------------------------------------------------------------- */

/* What the operands of an operator have to be, as it stands in a message; NULL if `t` is that. */
static const char *
operand_fault(weft_ek kind, weft_dtype t)
{
    switch (kind) {
    case WEFT_EK_OR:
    case WEFT_EK_AND:
    case WEFT_EK_NOT:
        return t == WEFT_BOOL ? NULL : "bool operands are needed";
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
        return NULL;
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
    case WEFT_EK_BAND:
    case WEFT_EK_BNOT:
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        return weft_is_int(t) ? NULL : "integer operands are needed";
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        return weft_is_int(t) ? NULL : "integer operands are needed (floats: '/' or frem)";
    case WEFT_EK_DIV:
        return weft_is_float(t) ? NULL : "float operands are needed (integers: '//')";
    default:
        return t == WEFT_BOOL ? "numbers are needed (bool: '&&', '||', or a cast)" : NULL;
    }
}

const weft_expr *
weft_binary(weft_ir *ir, weft_ek kind, const weft_expr *a, const weft_expr *b)
{
    if (!a || !b)
        return NULL;
    const weft_expr *arg[2] = { a, b };
    const weft_expr_info *info = &weft_expr_infos[kind];
    const char *fault = "operands of one type are needed, cast one of them";
    if (dtype_of(a) == dtype_of(b) && spread(ir, 2, arg))
        fault = operand_fault(kind, dtype_of(a));
    if (fault)
        return refuse(ir, info->text, 2, arg, fault);
    weft_type type = arg[0]->h.type;
    if (info->yields_bool)
        type.dtype = WEFT_BOOL;
    return node(ir, kind, type, 2, arg);
}

const weft_expr *
weft_unary(weft_ir *ir, weft_ek kind, const weft_expr *a)
{
    if (!a)
        return NULL;
    const char *fault = operand_fault(kind, dtype_of(a));
    if (fault)
        return refuse(ir, weft_expr_infos[kind].text, 1, &a, fault);
    return node(ir, kind, a->h.type, 1, &a);
}

#define BINARY(name, kind)                                                                         \
    const weft_expr *weft_##name(weft_ir *ir, const weft_expr *a, const weft_expr *b)              \
    {                                                                                              \
        return weft_binary(ir, WEFT_EK_##kind, a, b);                                              \
    }
BINARY(add, ADD)
BINARY(sub, SUB)
BINARY(mul, MUL)
BINARY(div, DIV)
BINARY(fdiv, FDIV)
BINARY(fmod, FMOD)
BINARY(min, MIN)
BINARY(max, MAX)
BINARY(eq, EQ)
BINARY(ne, NE)
BINARY(lt, LT)
BINARY(le, LE)
BINARY(gt, GT)
BINARY(ge, GE)
BINARY(and, AND)
BINARY(or, OR)
#undef BINARY

const weft_expr *
weft_not(weft_ir *ir, const weft_expr *a)
{
    return weft_unary(ir, WEFT_EK_NOT, a);
}

const weft_expr *
weft_neg(weft_ir *ir, const weft_expr *a)
{
    return weft_unary(ir, WEFT_EK_NEG, a);
}

const weft_expr *
weft_select(weft_ir *ir, const weft_expr *cond, const weft_expr *a, const weft_expr *b)
{
    if (!cond || !a || !b)
        return NULL;
    const weft_expr *arg[3] = { cond, a, b };
    if (!is_bool(cond) || dtype_of(a) != dtype_of(b) || !spread(ir, 3, arg))
        return refuse(ir, "select", 3, arg, "a bool and two values of one type are needed");
    return node(ir, WEFT_EK_SELECT, arg[1]->h.type, 3, arg);
}

const weft_expr *
weft_guard(weft_ir *ir, const weft_expr *cond, const weft_expr *a, const weft_expr *b)
{
    if (!cond || !a || !b)
        return NULL;
    const weft_expr *arg[3] = { cond, a, b };
    if (!is_bool(cond) || cond->h.type.lanes != 1 || dtype_of(a) != dtype_of(b) ||
        !spread(ir, 2, arg + 1))
        return refuse(ir, "guard", 3, arg, "a scalar bool and two values of one type are needed");
    return node(ir, WEFT_EK_GUARD, arg[1]->h.type, 3, arg);
}

/* ---- conversions and lanes ------------------------------------------------------------------- */

const weft_expr *
weft_cast_to(weft_ir *ir, weft_type to, const weft_expr *e)
{
    if (!e)
        return NULL;
    if (e->h.type.lanes == 1 && to.lanes != 1)
        return weft_bcast(ir, weft_cast_to(ir, weft_scalar((weft_dtype)to.dtype), e), to.lanes);
    if (e->h.type.lanes != to.lanes)
        return refuse(ir, weft_type_text(ir, to), 1, &e, "a cast keeps the number of lanes");
    return weft_same_type(to, e->h.type) ? e : node(ir, WEFT_EK_CAST, to, 1, &e);
}

const weft_expr *
weft_cast(weft_ir *ir, weft_dtype t, const weft_expr *e)
{
    return e ? weft_cast_to(ir, (weft_type){ (uint8_t)t, e->h.type.lanes }, e) : NULL;
}

const weft_expr *
weft_bitcast(weft_ir *ir, weft_type to, const weft_expr *e)
{
    if (!e)
        return NULL;
    if (weft_same_type(to, e->h.type))
        return e;
    if (is_bool(e) || to.dtype == WEFT_BOOL ||
        to.lanes * weft_dtype_bits((weft_dtype)to.dtype) !=
            e->h.type.lanes * weft_dtype_bits(dtype_of(e)))
        return refuse(ir, weft_arena_printf(&ir->arena, "bits_%s", weft_type_text(ir, to)), 1, &e,
                      "types of the same size, not bool, are needed");
    return node(ir, WEFT_EK_BITCAST, to, 1, &e);
}

static const weft_expr *
bad_lanes(weft_ir *ir, const char *what, int lanes)
{
    weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'%s' with %d lanes: 1 to 255 are possible", what,
              lanes);
    return NULL;
}

const weft_expr *
weft_ramp(weft_ir *ir, const weft_expr *base, const weft_expr *stride, int lanes)
{
    if (!base || !stride)
        return NULL;
    const weft_expr *arg[2] = { base, stride };
    if (lanes < 1 || lanes > UINT8_MAX)
        return bad_lanes(ir, "ramp", lanes);
    if (!weft_is_int(dtype_of(base)) || base->h.type.lanes != 1 ||
        !weft_same_type(base->h.type, stride->h.type))
        return refuse(ir, "ramp", 2, arg, "two scalar integers of one type are needed");
    if (lanes == 1)
        return base;
    return node(ir, WEFT_EK_RAMP, (weft_type){ base->h.type.dtype, (uint8_t)lanes }, 2, arg);
}

const weft_expr *
weft_bcast(weft_ir *ir, const weft_expr *e, int lanes)
{
    if (!e)
        return NULL;
    if (lanes < 1 || lanes > UINT8_MAX)
        return bad_lanes(ir, "bcast", lanes);
    if (lanes == 1)
        return e;
    if (e->h.type.lanes != 1)
        return refuse(ir, "bcast", 1, &e, "a scalar is needed");
    return node(ir, WEFT_EK_BCAST, (weft_type){ e->h.type.dtype, (uint8_t)lanes }, 1, &e);
}

const weft_expr *
weft_lane(weft_ir *ir, const weft_expr *v, int lane)
{
    if (!v)
        return NULL;
    if (lane < 0 || lane >= v->h.type.lanes) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "lane %d of %s: there are lanes 0 to %d", lane,
                  weft_type_text(ir, v->h.type), v->h.type.lanes - 1);
        return NULL;
    }
    if (v->h.type.lanes == 1)
        return v;
    weft_head h = { .kind = WEFT_EK_LANE, .type = weft_scalar(dtype_of(v)), .u.i = lane };
    return weft_expr_make(ir, h, 1, &v);
}

const weft_expr *
weft_vec(weft_ir *ir, int n, const weft_expr *const *lanes)
{
    if (n < 1 || n > UINT8_MAX)
        return bad_lanes(ir, "vec", n);
    for (int i = 0; i < n; i++) {
        if (!lanes[i])
            return NULL;
        if (lanes[i]->h.type.lanes != 1 || dtype_of(lanes[i]) != dtype_of(lanes[0]))
            return refuse(ir, "vec", n, lanes, "scalars of one type are needed");
    }
    if (n == 1)
        return lanes[0];
    return node(ir, WEFT_EK_VEC, (weft_type){ lanes[0]->h.type.dtype, (uint8_t)n }, n, lanes);
}

/* ---- loads and calls ------------------------------------------------------------------------- */

const char *
weft_index_fault(const weft_buf *buf, int n, const weft_expr *const *index)
{
    if (n != buf->ndim)
        return "the number of indices differs from the number of dimensions";
    for (int i = 0; i < n; i++) {
        if (!weft_is_int(dtype_of(index[i])))
            return "an index has to be an integer";
        if (index[i]->h.type.lanes != 1 && i != n - 1)
            return "only the last index may be a vector";
    }
    return NULL;
}

const weft_expr *
weft_load(weft_ir *ir, const weft_buf *buf, int n, const weft_expr *const *index)
{
    if (!buf)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!index[i])
            return NULL;
    const char *fault = weft_index_fault(buf, n, index);
    if (fault) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "load of '%s' (%d dimensions, %d indices): %s",
                  buf->name, buf->ndim, n, fault);
        return NULL;
    }
    weft_type type = { (uint8_t)buf->dtype, n ? index[n - 1]->h.type.lanes : 1 };
    return weft_expr_make(ir, (weft_head){ .kind = WEFT_EK_LOAD, .type = type, .u.buf = buf }, n,
                          index);
}

/* What is wrong with a call's arguments; their lanes agree already. */
static const char *
call_fault(const weft_intrin_info *info, int n, const weft_expr *const *arg)
{
    if (info->cls == WEFT_IC_LANES)
        return dtype_of(arg[1]) == WEFT_I32 && arg[1]->h.type.lanes == 1
                   ? NULL
                   : "the second argument has to be a scalar i32";
    for (int i = 0; i < n; i++) {
        if (dtype_of(arg[i]) != dtype_of(arg[0]))
            return "arguments of one type are needed";
        if (is_bool(arg[i]) || (info->cls != WEFT_IC_ANY && !weft_is_float(dtype_of(arg[i]))))
            return info->cls == WEFT_IC_ANY ? "numbers are needed" : "floats are needed";
    }
    return NULL;
}

const weft_expr *
weft_intrinsic(weft_ir *ir, weft_intrin which, int n, const weft_expr *const *args)
{
    const weft_intrin_info *info = &weft_intrin_infos[which];
    const weft_expr *arg[4] = { NULL };
    if (n != info->nargs) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'%s' takes %d arguments, not %d", info->text,
                  info->nargs, n);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        if (!args[i])
            return NULL;
        arg[i] = args[i];
    }
    if (info->cls != WEFT_IC_LANES && !spread(ir, n, arg))
        return refuse(ir, info->text, n, arg, "as many lanes, or scalars, are needed");
    const char *fault = call_fault(info, n, arg);
    if (fault)
        return refuse(ir, info->text, n, arg, fault);
    weft_type type = arg[0]->h.type;
    if (info->cls == WEFT_IC_TEST)
        type.dtype = WEFT_BOOL;
    return weft_expr_make(ir, (weft_head){ .kind = WEFT_EK_CALL, .type = type, .u.intrin = which },
                          n, arg);
}

const weft_expr *
weft_call(weft_ir *ir, const char *name, int n, const weft_expr *const *args)
{
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        if (strcmp(weft_intrin_infos[i].text, name) == 0)
            return weft_intrinsic(ir, (weft_intrin)i, n, args);
    weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "there is no intrinsic '%s' (see doc/IR.md)", name);
    return NULL;
}
