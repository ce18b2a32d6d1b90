/* clike_expr.c: expressions in C: precedence, literals, operators, casts, calls. */
#include "backends/clike.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *op;
    uint8_t prec;
} infixes[WEFT_EK_COUNT] = {
    [WEFT_EK_OR] = { "||", CLIKE_OR },     [WEFT_EK_AND] = { "&&", CLIKE_AND },
    [WEFT_EK_EQ] = { "==", CLIKE_EQ },     [WEFT_EK_NE] = { "!=", CLIKE_EQ },
    [WEFT_EK_LT] = { "<", CLIKE_LT },      [WEFT_EK_LE] = { "<=", CLIKE_LT },
    [WEFT_EK_GT] = { ">", CLIKE_LT },      [WEFT_EK_GE] = { ">=", CLIKE_LT },
    [WEFT_EK_BOR] = { "|", CLIKE_BOR },    [WEFT_EK_BXOR] = { "^", CLIKE_BXOR },
    [WEFT_EK_BAND] = { "&", CLIKE_BAND },  [WEFT_EK_SHL] = { "<<", CLIKE_SHIFT },
    [WEFT_EK_SHR] = { ">>", CLIKE_SHIFT }, [WEFT_EK_ADD] = { "+", CLIKE_ADD },
    [WEFT_EK_SUB] = { "-", CLIKE_ADD },    [WEFT_EK_MUL] = { "*", CLIKE_MUL },
    [WEFT_EK_DIV] = { "/", CLIKE_MUL },    [WEFT_EK_TDIV] = { "/", CLIKE_MUL },
    [WEFT_EK_TMOD] = { "%", CLIKE_MUL },
};

static weft_dtype
dtype_of(const weft_expr *e)
{
    return (weft_dtype)e->h.type.dtype;
}

static bool
is_mask(const weft_clike *c, const weft_expr *e)
{
    return c->d->mask && e->h.type.dtype == WEFT_BOOL && e->h.type.lanes > 1;
}

bool
weft_clike_half_as_float(const weft_clike *c, weft_dtype t)
{
    return t == WEFT_F16 && c->d->half_load && !c->target->f16;
}

const char *
weft_clike_type(weft_clike *c, weft_type type)
{
    weft_dtype t = (weft_dtype)type.dtype;
    if (weft_clike_half_as_float(c, t))
        t = WEFT_F32;
    if (t == WEFT_BOOL && type.lanes > 1 && c->d->mask)
        t = WEFT_I32;
    const char *scalar = c->d->type[t];
    if (!scalar) {
        weft_clike_fail(c, "values of type", weft_dtype_name(t));
        return "int";
    }
    if (type.lanes == 1)
        return scalar;
    if (type.lanes > strlen(c->d->lanes))
        weft_clike_fail(c, "a vector of more lanes than there are of", weft_dtype_name(t));
    return weft_arena_printf(&c->arena, "%s%d", c->d->vector[t] ? c->d->vector[t] : scalar,
                             type.lanes);
}

/* ---- literals -------------------------------------------------------------------------------- */

/* The shortest decimal that reads back as v. */
static void
decimal(char *text, size_t size, double v, bool is_float)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (is_float ? (float)back == (float)v : back == v)
            break;
    }
    if (!strpbrk(text, ".e"))
        strncat(text, ".0", size - strlen(text) - 1);
}

static void
float_literal(weft_clike *c, weft_dtype t, double v)
{
    char text[64];
    if (isnan(v) || isinf(v)) {
        snprintf(text, sizeof text, "%s%s", isinf(v) && v < 0 ? "-" : "",
                 isnan(v) ? c->d->nan[t] : c->d->inf[t]);
        weft_str_add(c->out, text);
        return;
    }
    decimal(text, sizeof text, v, t != WEFT_F64);
    const char *suffix = c->d->suffix[t] ? c->d->suffix[t] : "", *hole = strstr(suffix, "%0");
    if (hole)
        weft_str_addf(c->out, "%.*s%s%s", (int)(hole - suffix), suffix, text, hole + 2);
    else
        weft_str_addf(c->out, "%s%s", text, suffix);
}

static void
int_literal(weft_clike *c, weft_dtype t, int64_t v)
{
    const char *suffix = c->d->suffix[t] ? c->d->suffix[t] : "";
    if (t == WEFT_BOOL)
        weft_str_add(c->out, v ? "true" : "false");
    else if (weft_dtype_kind(t) == WEFT_KIND_UINT)
        weft_str_addf(c->out, "%" PRIu64 "%s", (uint64_t)v, suffix);
    else if (v == INT64_MIN || (t == WEFT_I32 && v == INT32_MIN))
        weft_str_addf(c->out, "(%" PRId64 "%s - 1)", v + 1, suffix); /* C has no such literal */
    else
        weft_str_addf(c->out, "%" PRId64 "%s", v, suffix);
}

static void
literal(weft_clike *c, const weft_expr *e, int prec)
{
    weft_dtype t = dtype_of(e);
    bool negative =
        weft_is_float(t) ? signbit(e->h.u.f) && !isnan(e->h.u.f) : t != WEFT_U64 && e->h.u.i < 0;
    bool bracket = negative && prec >= CLIKE_UNARY;
    if (weft_clike_half_as_float(c, t))
        t = WEFT_F32;
    weft_str_add(c->out, bracket ? "(" : "");
    if (weft_is_float(t))
        float_literal(c, t, e->h.u.f);
    else
        int_literal(c, t, e->h.u.i);
    weft_str_add(c->out, bracket ? ")" : "");
}

/* ---- operators ------------------------------------------------------------------------------- */

/* An i32 that an operator converts by itself where the other side is of 64 bits. */
static bool
is_widened(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_CAST && e->h.type.lanes == 1 && e->h.type.dtype == WEFT_I64 &&
           e->arg[0]->h.type.dtype == WEFT_I32;
}

static bool
converts(weft_ek op)
{
    return op == WEFT_EK_ADD || op == WEFT_EK_SUB || op == WEFT_EK_MUL ||
           (op >= WEFT_EK_EQ && op <= WEFT_EK_GE);
}

static void
infix(weft_clike *c, const weft_expr *e, int prec)
{
    const char *op = infixes[e->h.kind].op;
    int own = infixes[e->h.kind].prec;
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    if (converts((weft_ek)e->h.kind) && is_widened(b))
        b = b->arg[0];
    else if (converts((weft_ek)e->h.kind) && is_widened(a))
        a = a->arg[0];
    if (e->h.type.lanes > 1 && (e->h.kind == WEFT_EK_AND || e->h.kind == WEFT_EK_OR)) {
        op = e->h.kind == WEFT_EK_AND ? "&" : "|";
        own = e->h.kind == WEFT_EK_AND ? CLIKE_BAND : CLIKE_BOR;
    }
    weft_str_add(c->out, own < prec ? "(" : "");
    weft_clike_expr(c, a, own);
    weft_str_addf(c->out, " %s ", op);
    weft_clike_expr(c, b, own + 1);
    weft_str_add(c->out, own < prec ? ")" : "");
}

static void
prefix(weft_clike *c, const char *op, const weft_expr *arg, int prec)
{
    weft_str_add(c->out, CLIKE_UNARY < prec ? "(" : "");
    weft_str_add(c->out, op);
    weft_clike_expr(c, arg,
                    CLIKE_UNARY + (arg->h.kind == WEFT_EK_NEG || arg->h.kind == WEFT_EK_IMM));
    weft_str_add(c->out, CLIKE_UNARY < prec ? ")" : "");
}

static void
cast_text(weft_clike *c, weft_type to, const weft_expr *arg, int prec)
{
    weft_clike_fill fill = { .type = to, .arg = { arg } };
    if (to.lanes > 1) {
        weft_clike_template(c, c->d->vector_cast, &fill);
        return;
    }
    weft_str_add(c->out, CLIKE_UNARY < prec ? "(" : "");
    weft_clike_template(c, c->d->cast, &fill);
    weft_clike_expr(c, arg, CLIKE_UNARY);
    weft_str_add(c->out, CLIKE_UNARY < prec ? ")" : "");
}

static void
refuse_half(weft_clike *c, const weft_expr *e)
{
    if (weft_clike_half_as_float(c, dtype_of(e)))
        weft_clike_fail(c, "arithmetic of", weft_dtype_name(dtype_of(e)));
}

static void
arithmetic(weft_clike *c, const weft_expr *e, int prec)
{
    refuse_half(c, e);
    switch (e->h.kind) {
    case WEFT_EK_NEG:
        prefix(c, "-", e->arg[0], prec);
        return;
    case WEFT_EK_NOT:
        prefix(c, "!", e->arg[0], prec);
        return;
    case WEFT_EK_BNOT:
        prefix(c, "~", e->arg[0], prec);
        return;
    default:
        infix(c, e, prec);
    }
}

/* "cond ? a : b": C evaluates only the chosen arm. */
static void
ternary(weft_clike *c, const weft_expr *cond, const weft_expr *e, int prec)
{
    weft_str_add(c->out, CLIKE_CHOICE < prec ? "(" : "");
    weft_clike_expr(c, cond, CLIKE_CHOICE + 1);
    weft_str_add(c->out, " ? ");
    weft_clike_expr(c, e->arg[1], CLIKE_CHOICE + 1);
    weft_str_add(c->out, " : ");
    weft_clike_expr(c, e->arg[2], CLIKE_CHOICE);
    weft_str_add(c->out, CLIKE_CHOICE < prec ? ")" : "");
}

static void
choice(weft_clike *c, const weft_expr *e, int prec)
{
    weft_clike_fill fill = { .type = e->h.type, .arg = { e->arg[0], e->arg[1], e->arg[2] } };
    if (e->arg[0]->h.type.lanes == 1)
        ternary(c, e->arg[0], e, prec);
    else if (e->arg[0]->h.kind == WEFT_EK_BCAST)
        ternary(c, e->arg[0]->arg[0], e, prec);
    else if (c->d->choose)
        weft_clike_template(c, c->d->choose, &fill);
    else
        weft_clike_fail(c, "a select by a vector", "");
}

/* ---- conversions ----------------------------------------------------------------------------- */

static const weft_expr *
zero(weft_clike *c, weft_type type)
{
    return weft_imm(c->kernel->ir, type, 0);
}

static void
cast(weft_clike *c, const weft_expr *e, int prec)
{
    const weft_expr *arg = e->arg[0];
    weft_dtype from = dtype_of(arg), to = dtype_of(e);
    weft_ir *ir = c->kernel->ir;
    bool through = weft_clike_half_as_float(c, from) && to == WEFT_F32;
    if (from == to || through)
        weft_clike_expr(c, arg, prec);
    else if (weft_is_imm(arg) && e->h.type.lanes == 1 && weft_is_float(from) && weft_is_float(to))
        weft_clike_expr(c, weft_float(ir, to, arg->h.u.f), prec);
    else if (weft_clike_half_as_float(c, to))
        weft_clike_fail(c, "a conversion to f16 that is not stored", "");
    else if (to == WEFT_BOOL)
        weft_clike_expr(c, weft_binary(ir, WEFT_EK_NE, arg, zero(c, arg->h.type)), prec);
    else if (is_mask(c, arg))
        weft_clike_expr(c, weft_select(ir, arg, weft_imm(ir, e->h.type, 1), zero(c, e->h.type)),
                        prec);
    else
        cast_text(c, e->h.type, arg, prec);
}

/* Of bitcasts of bitcasts only the last says anything: wrapping arithmetic is full of them. */
static void
bitcast(weft_clike *c, const weft_expr *e, int prec)
{
    const weft_expr *arg = e->arg[0];
    while (arg->h.kind == WEFT_EK_BITCAST)
        arg = arg->arg[0];
    weft_clike_fill fill = { .type = e->h.type, .arg = { arg } };
    bool ints = weft_is_int(dtype_of(e)) && weft_is_int(dtype_of(arg));
    int64_t v;
    if (weft_same_type(e->h.type, arg->h.type))
        weft_clike_expr(c, arg, prec);
    else if (ints && weft_as_int(arg, &v) && v >= 0 && e->h.type.lanes == 1)
        weft_clike_expr(c, weft_int(c->kernel->ir, dtype_of(e), v), prec);
    else if (ints && e->h.type.lanes == 1 && arg->h.type.lanes == 1)
        cast_text(c, e->h.type, arg, prec);
    else
        weft_clike_template(c, c->d->bitcast, &fill);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* The function over all lanes of vectors, for languages that have scalars only:
 * "weft_map4([](float a) { return expf(a); }, x)". */
static void
call_by_lane(weft_clike *c, const weft_expr *e, const char *text)
{
    static const char *const name[3] = { "a", "b", "c" };
    weft_clike_fill fill = { .type = e->h.type, .name = { name[0], name[1], name[2] } };
    weft_clike_template(c, c->d->vector_call, &fill);
    fill.type.lanes = 1;
    weft_str_add(c->out, "([](");
    for (int i = 0; i < e->h.nargs; i++) {
        weft_type type = { e->arg[i]->h.type.dtype, 1 };
        weft_str_addf(c->out, "%s%s %s", i ? ", " : "", weft_clike_type(c, type), name[i]);
    }
    weft_str_add(c->out, ") { return ");
    weft_clike_template(c, text, &fill);
    weft_str_add(c->out, "; }");
    for (int i = 0; i < e->h.nargs; i++) {
        weft_str_add(c->out, ", ");
        weft_clike_expr(c, e->arg[i], 0);
    }
    weft_str_add(c->out, ")");
}

static void
function(weft_clike *c, const weft_expr *e, const char *text, const char *what)
{
    weft_clike_fill fill = { .type = e->h.type };
    refuse_half(c, e);
    if (!text) {
        weft_clike_fail(c, what, weft_dtype_name(dtype_of(e)));
        return;
    }
    if (e->h.type.lanes > 1 && c->d->vector_call) {
        call_by_lane(c, e, text);
        return;
    }
    for (int i = 0; i < e->h.nargs && i < 3; i++)
        fill.arg[i] = e->arg[i];
    weft_clike_template(c, text, &fill);
}

/* A function of f16 where the language has one of f32 only. */
static void
widened_call(weft_clike *c, const weft_expr *e, int prec)
{
    weft_ir *ir = c->kernel->ir;
    const weft_expr *arg[3];
    weft_type wide = { WEFT_F32, e->h.type.lanes };
    for (int i = 0; i < e->h.nargs && i < 3; i++)
        arg[i] = weft_cast_to(ir, wide, e->arg[i]);
    weft_clike_expr(
        c, weft_cast_to(ir, e->h.type, weft_intrinsic(ir, e->h.u.intrin, e->h.nargs, arg)), prec);
}

static void
call(weft_clike *c, const weft_expr *e, int prec)
{
    weft_intrin in = e->h.u.intrin;
    weft_dtype t = dtype_of(e->arg[0]);
    const char *text = c->d->call[in];
    c->subgroup = c->subgroup || weft_intrin_infos[in].cls == WEFT_IC_LANES;
    if (in == WEFT_IN_ABS && weft_dtype_kind(t) == WEFT_KIND_UINT) {
        weft_clike_expr(c, e->arg[0], prec);
        return;
    }
    bool of_floats = weft_is_float(t) && weft_intrin_infos[in].cls != WEFT_IC_LANES;
    if (of_floats && c->d->narrow_calls && (t == WEFT_F16 || t == WEFT_BF16)) {
        widened_call(c, e, prec);
        return;
    }
    if (in == WEFT_IN_ABS && !weft_is_float(t))
        text = c->d->iabs[weft_dtype_bits(t) == 64];
    else if (t == WEFT_F64 && c->d->call64[in])
        text = c->d->call64[in];
    function(c, e, text, weft_intrin_infos[in].text);
}

static void
extremum(weft_clike *c, const weft_expr *e)
{
    weft_dtype t = dtype_of(e);
    const char *const *text = e->h.kind == WEFT_EK_MIN ? c->d->min : c->d->max;
    function(c, e,
             text[t == WEFT_F64      ? 2
                  : weft_is_float(t) ? 1
                                     : 0],
             e->h.kind == WEFT_EK_MIN ? "min of" : "max of");
}

/* ---- the switch ------------------------------------------------------------------------------ */

void
weft_clike_expr(weft_clike *c, const weft_expr *e, int prec)
{
    if (is_mask(c, e) && e->h.kind != WEFT_EK_VAR) {
        weft_clike_mask(c, e, 32, prec);
        return;
    }
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        if (e->h.type.lanes == 1) {
            literal(c, e, prec);
            return;
        }
        weft_clike_vector(c, e, prec);
        return;
    case WEFT_EK_VAR:
        weft_str_add(c->out, c->var[e->h.u.var->id] ? c->var[e->h.u.var->id] : "?");
        return;
    case WEFT_EK_OR:
    case WEFT_EK_AND:
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
    case WEFT_EK_LT:
    case WEFT_EK_LE:
    case WEFT_EK_GT:
    case WEFT_EK_GE:
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
    case WEFT_EK_BAND:
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_DIV:
    case WEFT_EK_NEG:
    case WEFT_EK_NOT:
    case WEFT_EK_BNOT:
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        arithmetic(c, e, prec);
        return;
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        extremum(c, e);
        return;
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        choice(c, e, prec);
        return;
    case WEFT_EK_CAST:
        cast(c, e, prec);
        return;
    case WEFT_EK_BITCAST:
        bitcast(c, e, prec);
        return;
    case WEFT_EK_CALL:
        call(c, e, prec);
        return;
    case WEFT_EK_LOAD:
    case WEFT_EK_RAMP:
    case WEFT_EK_BCAST:
    case WEFT_EK_LANE:
    case WEFT_EK_VEC:
        weft_clike_vector(c, e, prec);
        return;
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
    case WEFT_EK_COUNT:
        break;
    }
    weft_clike_fail(c, "the operator", weft_expr_infos[e->h.kind].text);
}
