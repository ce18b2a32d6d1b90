/* An evaluator of expressions, one lane after the other, written apart from the simplifier's
 * folding so that neither vouches for itself. */
#include "support_eval.h"

#include <math.h>
#include <string.h>

uint64_t
next_random(uint64_t *s)
{
    *s += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = *s;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static weft_dtype
dtype(const weft_expr *e)
{
    return (weft_dtype)e->h.type.dtype;
}

/* ---- one lane -------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

static wide
as_wide(weft_dtype t, int64_t v)
{
    return t == WEFT_U64 ? (wide)(uint64_t)v : (wide)v;
}

static wide
floor_div(wide a, wide b)
{
    wide q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

static wide
shifted(const weft_expr *e, wide a, int64_t by)
{
    int bits = weft_dtype_bits(dtype(e));
    bool all = (uint64_t)by >= (uint64_t)bits;
    if (e->h.kind == WEFT_EK_SHL)
        return all ? 0 : (wide)((uint64_t)a << by);
    return a >> (all ? 127 : by);
}

static wide
int_op(const weft_expr *e, weft_dtype t, int64_t x, int64_t y)
{
    wide a = as_wide(t, x), b = as_wide(t, y);
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_OR:
    case WEFT_EK_BOR:
        return a | b;
    case WEFT_EK_AND:
    case WEFT_EK_BAND:
        return a & b;
    case WEFT_EK_BXOR:
        return a ^ b;
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
    case WEFT_EK_GE:
        return a >= b;
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
        return shifted(e, a, y);
    case WEFT_EK_ADD:
        return a + b;
    case WEFT_EK_SUB:
        return a - b;
    case WEFT_EK_MUL:
        return (wide)((uwide)a * (uwide)b);
    case WEFT_EK_FDIV:
        return b == 0 ? 0 : floor_div(a, b);
    case WEFT_EK_FMOD:
        return b == 0 ? 0 : a - floor_div(a, b) * b;
    case WEFT_EK_TDIV:
        return b == 0 ? 0 : a / b;
    case WEFT_EK_TMOD:
        return b == 0 ? 0 : a % b;
    case WEFT_EK_NEG:
        return -a;
    case WEFT_EK_NOT:
        return !a;
    case WEFT_EK_BNOT:
        return ~a;
    case WEFT_EK_MIN:
        return a < b ? a : b;
    case WEFT_EK_MAX:
        return a > b ? a : b;
    default:
        fail_msg("kind %d is not evaluated", e->h.kind);
        return 0;
    }
}

/* Of two zeros the lesser, or the greater: the same whichever comes first. */
static double
zero_of(bool least, double a, double b)
{
    return (signbit(a) || signbit(b)) && (least || (signbit(a) && signbit(b))) ? -0.0 : 0.0;
}

static double
float_minmax(bool least, double a, double b)
{
    if (isnan(a) || isnan(b))
        return (double)NAN;
    if (a == 0 && b == 0)
        return zero_of(least, a, b);
    return least == (a < b) ? a : b;
}

static double
float_op(const weft_expr *e, double a, double b)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
        return a + b;
    case WEFT_EK_SUB:
        return a - b;
    case WEFT_EK_MUL:
        return a * b;
    case WEFT_EK_DIV:
        return a / b;
    case WEFT_EK_NEG:
        return -a;
    case WEFT_EK_MIN:
        return float_minmax(true, a, b);
    case WEFT_EK_MAX:
        return float_minmax(false, a, b);
    default:
        fail_msg("float kind %d is not evaluated", e->h.kind);
        return 0;
    }
}

static bool
float_compare(weft_ek kind, double a, double b)
{
    return kind == WEFT_EK_EQ   ? a == b
           : kind == WEFT_EK_NE ? a != b
           : kind == WEFT_EK_LT ? a < b
           : kind == WEFT_EK_LE ? a <= b
           : kind == WEFT_EK_GT ? a > b
                                : a >= b;
}

static double
float_call(const weft_expr *e, double a)
{
    switch (e->h.u.intrin) {
    case WEFT_IN_SQRT:
        return sqrt(a);
    case WEFT_IN_FLOOR:
        return floor(a);
    case WEFT_IN_ABS:
        return fabs(a);
    case WEFT_IN_EXP:
        return exp(a);
    default:
        fail_msg("call %d is not evaluated", e->h.u.intrin);
        return 0;
    }
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void
set_int(env *v, const weft_expr *e, value *r, int lane, wide x)
{
    weft_dtype t = dtype(e);
    r->i[lane] = weft_wrap_i64(t, (int64_t)(uint64_t)x);
    if (e->h.index && as_wide(t, r->i[lane]) != x)
        v->overflow = true;
}

static void
cast_lane(env *v, const weft_expr *e, const value *a, value *r, int lane)
{
    weft_dtype from = (weft_dtype)a->type.dtype, to = dtype(e);
    int64_t room = 0;
    if (weft_is_float(from) && weft_is_float(to))
        r->f[lane] = weft_round_to(to, a->f[lane]);
    else if (weft_is_float(from) && to == WEFT_BOOL)
        r->i[lane] = a->f[lane] != 0;
    else if (weft_is_float(from)) {
        weft_set_f64(to, &room, 0, a->f[lane]);
        r->i[lane] = weft_get_i64(to, &room, 0);
    } else if (weft_is_float(to)) {
        r->f[lane] = weft_round_to(to, (double)as_wide(from, a->i[lane]));
    } else if (to == WEFT_BOOL) {
        r->i[lane] = a->i[lane] != 0;
    } else {
        set_int(v, e, r, lane, as_wide(from, a->i[lane]));
    }
}

static void
load_lane(env *v, const weft_expr *e, const value *index, value *r, int lane)
{
    int64_t at = index->i[index->type.lanes == 1 ? 0 : lane];
    int64_t key = (int64_t)e->h.u.buf->id << 40 ^ (at & 0xffffffffff);
    uint64_t s = v->seed ^ (uint64_t)key;
    if (v->nload < EVAL_LOADS)
        v->load[v->nload++] = key;
    uint64_t bits = next_random(&s);
    if (weft_is_float(dtype(e)))
        r->f[lane] = weft_round_to(dtype(e), (double)(int64_t)(bits % 64) / 8 - 4);
    else
        r->i[lane] = weft_wrap_i64(dtype(e), bits % 4 == 0 ? (int64_t)(bits >> 8)
                                                           : (int64_t)(bits >> 8) % 16 - 8);
}

static void
eval_lane(env *v, const weft_expr *e, const value *a, const value *b, value *r, int lane)
{
    weft_dtype from = (weft_dtype)a->type.dtype;
    if (e->h.kind == WEFT_EK_CAST)
        cast_lane(v, e, a, r, lane);
    else if (e->h.kind == WEFT_EK_CALL && weft_is_float(from))
        r->f[lane] = weft_round_to(dtype(e), float_call(e, a->f[lane]));
    else if (e->h.kind == WEFT_EK_CALL) /* abs */
        set_int(v, e, r, lane, a->i[lane] < 0 ? -(wide)a->i[lane] : a->i[lane]);
    else if (!weft_is_float(from))
        set_int(v, e, r, lane, int_op(e, from, a->i[lane], b->i[lane]));
    else if (weft_expr_infos[e->h.kind].yields_bool)
        r->i[lane] = float_compare((weft_ek)e->h.kind, a->f[lane], b->f[lane]);
    else
        r->f[lane] = weft_round_to(dtype(e), float_op(e, a->f[lane], b->f[lane]));
}

static void
copy_lane(value *to, int i, const value *from, int j)
{
    to->i[i] = from->i[j];
    to->f[i] = from->f[j];
}

static value
eval_leaf(env *v, const weft_expr *e)
{
    value r = { .type = e->h.type };
    if (e->h.kind == WEFT_EK_VAR) {
        for (int i = 0; i < v->n; i++)
            if (v->var[i] == e->h.u.var)
                return v->of[i];
        fail_msg("variable %s has no value", e->h.u.var->name);
    }
    if (weft_is_float(dtype(e)))
        r.f[0] = e->h.u.f;
    else
        r.i[0] = e->h.u.i;
    return r;
}

static value
eval_choice(env *v, const weft_expr *e)
{
    value c = eval(v, e->arg[0]), r = { .type = e->h.type };
    if (e->h.kind == WEFT_EK_GUARD)
        return eval(v, e->arg[c.i[0] ? 1 : 2]);
    value a = eval(v, e->arg[1]), b = eval(v, e->arg[2]);
    for (int i = 0; i < r.type.lanes; i++)
        copy_lane(&r, i, c.i[i] ? &a : &b, i);
    return r;
}

static value
eval_vec(env *v, const weft_expr *e)
{
    value r = { .type = e->h.type };
    for (int i = 0; i < e->h.nargs; i++) {
        value a = eval(v, e->arg[i]);
        copy_lane(&r, i, &a, 0);
    }
    return r;
}

value
eval(env *v, const weft_expr *e)
{
    value r = { .type = e->h.type };
    if (e->h.kind == WEFT_EK_IMM || e->h.kind == WEFT_EK_VAR)
        return eval_leaf(v, e);
    if (e->h.kind == WEFT_EK_SELECT || e->h.kind == WEFT_EK_GUARD)
        return eval_choice(v, e);
    if (e->h.kind == WEFT_EK_VEC)
        return eval_vec(v, e);
    value a = eval(v, e->arg[0]), b = e->h.nargs > 1 ? eval(v, e->arg[1]) : a;
    for (int i = 0; i < r.type.lanes; i++) {
        if (e->h.kind == WEFT_EK_BCAST)
            copy_lane(&r, i, &a, 0);
        else if (e->h.kind == WEFT_EK_LANE)
            copy_lane(&r, i, &a, (int)e->h.u.i);
        else if (e->h.kind == WEFT_EK_LOAD)
            load_lane(v, e, &a, &r, i);
        else if (e->h.kind == WEFT_EK_RAMP)
            r.i[i] = weft_wrap_i64(dtype(e),
                                   (int64_t)((uint64_t)a.i[0] + (uint64_t)i * (uint64_t)b.i[0]));
        else
            eval_lane(v, e, &a, &b, &r, i);
    }
    if (e->h.kind == WEFT_EK_RAMP && e->arg[0]->h.index && e->arg[1]->h.index)
        for (int i = 0; i < r.type.lanes; i++)
            v->overflow |= (wide)r.i[i] != (wide)a.i[0] + (wide)i * b.i[0];
    return r;
}

bool
same_value(const value *a, const value *b, bool zeros)
{
    if (!weft_same_type(a->type, b->type))
        return false;
    for (int i = 0; i < a->type.lanes; i++) {
        if (!weft_is_float((weft_dtype)a->type.dtype)) {
            if (a->i[i] != b->i[i])
                return false;
        } else if (isnan(a->f[i]) || isnan(b->f[i])) {
            if (!isnan(a->f[i]) || !isnan(b->f[i]))
                return false;
        } else if (a->f[i] != b->f[i] || (!zeros && signbit(a->f[i]) != signbit(b->f[i]))) {
            return false;
        }
    }
    return true;
}
