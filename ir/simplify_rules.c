/* The rule table and its matcher.  Patterns are byte strings in prefix order; wildcards are bound
 * on the way down, operators that commute are tried both ways round.
 */
#include "ir/simplify.h"

#include <math.h>
#include <string.h>

#define X    WEFT_PAT_X
#define Y    WEFT_PAT_Y
#define Z    WEFT_PAT_Z
#define W    WEFT_PAT_W
#define P    WEFT_PAT_P
#define Q    WEFT_PAT_Q
#define A    WEFT_PAT_A
#define B    WEFT_PAT_B
#define N0   WEFT_PAT_0
#define N1   WEFT_PAT_1
#define M1   WEFT_PAT_M1
#define M0   WEFT_PAT_M0
#define F    WEFT_PAT_F
#define T    WEFT_PAT_T
#define BOOL  WEFT_FOR_BOOL
#define INT   WEFT_FOR_INT
#define FLOAT WEFT_FOR_FLOAT
#define INDEX WEFT_FOR_INDEX

#define OR(p, q)        WEFT_EK_OR, p, q
#define AND(p, q)       WEFT_EK_AND, p, q
#define EQ(p, q)        WEFT_EK_EQ, p, q
#define NE(p, q)        WEFT_EK_NE, p, q
#define LT(p, q)        WEFT_EK_LT, p, q
#define LE(p, q)        WEFT_EK_LE, p, q
#define GT(p, q)        WEFT_EK_GT, p, q
#define GE(p, q)        WEFT_EK_GE, p, q
#define BOR(p, q)       WEFT_EK_BOR, p, q
#define BXOR(p, q)      WEFT_EK_BXOR, p, q
#define BAND(p, q)      WEFT_EK_BAND, p, q
#define SHL(p, q)       WEFT_EK_SHL, p, q
#define SHR(p, q)       WEFT_EK_SHR, p, q
#define ADD(p, q)       WEFT_EK_ADD, p, q
#define SUB(p, q)       WEFT_EK_SUB, p, q
#define MUL(p, q)       WEFT_EK_MUL, p, q
#define DIV(p, q)       WEFT_EK_DIV, p, q
#define FDIV(p, q)      WEFT_EK_FDIV, p, q
#define FMOD(p, q)      WEFT_EK_FMOD, p, q
#define NEG(p)          WEFT_EK_NEG, p
#define NOT(p)          WEFT_EK_NOT, p
#define BNOT(p)         WEFT_EK_BNOT, p
#define MIN(p, q)       WEFT_EK_MIN, p, q
#define MAX(p, q)       WEFT_EK_MAX, p, q
#define SELECT(p, q, r) WEFT_EK_SELECT, p, q, r
#define GUARD(p, q, r)  WEFT_EK_GUARD, p, q, r
#define RAMP(p, q)      WEFT_EK_RAMP, p, q
#define BCAST(p)        WEFT_EK_BCAST, p

const weft_rule weft_simplify_rules[] = {
#define RULE(operands, from, to, when) { operands, { from }, { to }, { when } },
#include "ir/rules.def"
#undef RULE
};
const int weft_nsimplify_rules = (int)(sizeof weft_simplify_rules / sizeof *weft_simplify_rules);

/* ---- matching -------------------------------------------------------------------------------- */

enum { NWILD = 6, NCONST = 2 };

typedef struct match {
    weft_facts *f;
    const weft_expr *wild[NWILD];   /* by code - WEFT_PAT_X */
    const weft_expr *constant[NCONST];
} match;

static bool
is_wild(int code)
{
    return code >= WEFT_PAT_X && code < WEFT_PAT_X + NWILD;
}

static bool
is_const(int code)
{
    return code >= WEFT_PAT_A && code < WEFT_PAT_A + NCONST;
}

static bool
is_literal(int code)
{
    return code >= WEFT_PAT_0;
}

static const uint8_t *
skip(const uint8_t *p)
{
    int n = *p < WEFT_EK_COUNT ? weft_expr_infos[*p].nargs : 0;
    for (p++; n > 0; n--)
        p = skip(p);
    return p;
}

static int64_t
literal_int(int code)
{
    return code == WEFT_PAT_1 || code == WEFT_PAT_T ? 1 : code == WEFT_PAT_M1 ? -1 : 0;
}

static double
literal_float(int code)
{
    return code == WEFT_PAT_M0 ? -0.0 : (double)literal_int(code);
}

static bool
match_literal(int code, const weft_expr *e)
{
    int64_t v;
    double d, want = literal_float(code);
    bool truth = code == WEFT_PAT_T || code == WEFT_PAT_F;
    if (weft_as_float(e, &d))
        return !truth && d == want && signbit(d) == signbit(want);
    if (code == WEFT_PAT_M0 || !weft_as_const(e, &v) || truth != (weft_dtype_of(e) == WEFT_BOOL))
        return false;
    return v == weft_wrap_i64(weft_dtype_of(e), literal_int(code));
}

static bool
bind(const weft_expr **slot, const weft_expr *e)
{
    if (*slot)
        return *slot == e;
    *slot = e;
    return true;
}

static bool match_node(match *, const uint8_t *, const weft_expr *);

static bool
match_args(match *m, const uint8_t *p, const weft_expr *e)
{
    for (int i = 0; i < e->h.nargs; i++, p = skip(p))
        if (!match_node(m, p, e->arg[i]))
            return false;
    return true;
}

static bool
match_node(match *m, const uint8_t *p, const weft_expr *e)
{
    int64_t v;
    double d;
    int code = *p;
    if (is_wild(code))
        return (code < WEFT_PAT_P || e->h.pure) && bind(&m->wild[code - WEFT_PAT_X], e);
    if (is_const(code))
        return (weft_as_const(e, &v) || weft_as_float(e, &d)) &&
               bind(&m->constant[code - WEFT_PAT_A], e);
    if (is_literal(code))
        return match_literal(code, e);
    if (e->h.kind != code)
        return false;
    match before = *m;
    if (match_args(m, p + 1, e))
        return true;
    *m = before;
    if (!weft_expr_infos[code].commutes)
        return false;
    const uint8_t *second = skip(p + 1);
    if (match_node(m, p + 1, e->arg[1]) && match_node(m, second, e->arg[0]))
        return true;
    *m = before;
    return false;
}

/* ---- replacing ------------------------------------------------------------------------------- */

static bool
only_constants(const uint8_t *p)
{
    for (const uint8_t *end = skip(p); p < end; p++)
        if (is_wild(*p) || *p == WEFT_EK_RAMP || *p == WEFT_EK_BCAST)
            return false;
    return true;
}

static const weft_expr *
first_operand(const match *m, const uint8_t *p)
{
    for (const uint8_t *end = skip(p); p < end; p++) {
        if (is_wild(*p))
            return m->wild[*p - WEFT_PAT_X];
        if (is_const(*p))
            return m->constant[*p - WEFT_PAT_A];
    }
    return NULL;
}

/* The value of a pattern of constants, computed as integers without end; false on overflow. */
static bool
eval_int(const match *m, const uint8_t *p, int64_t *v)
{
    int64_t a, b = 0;
    if (is_const(*p)) {
        const weft_expr *e = m->constant[*p - WEFT_PAT_A];
        return weft_as_const(e, v) && (*v >= 0 || weft_dtype_of(e) != WEFT_U64);
    }
    if (is_literal(*p)) {
        *v = literal_int(*p);
        return true;
    }
    const uint8_t *second = skip(p + 1);
    if (!eval_int(m, p + 1, &a) || (weft_expr_infos[*p].nargs > 1 && !eval_int(m, second, &b)))
        return false;
    switch ((weft_ek)*p) {
    case WEFT_EK_MUL:
        return weft_mul64(a, b, v);
    case WEFT_EK_FDIV:
        *v = b > 0 ? weft_floordiv(a, b) : 0;
        return b > 0;
    case WEFT_EK_FMOD:
        *v = b > 0 ? weft_floormod(a, b) : 0;
        return b > 0;
    case WEFT_EK_MIN:
        *v = a < b ? a : b;
        return true;
    case WEFT_EK_MAX:
        *v = a > b ? a : b;
        return true;
    case WEFT_EK_BAND:
        *v = a & b;
        return true;
    case WEFT_EK_BOR:
        *v = a | b;
        return true;
    case WEFT_EK_AND:
        *v = a && b;
        return true;
    case WEFT_EK_EQ:
        *v = a == b;
        return true;
    case WEFT_EK_LE:
        *v = a <= b;
        return true;
    case WEFT_EK_GE:
        *v = a >= b;
        return true;
    case WEFT_EK_GT:
        *v = a > b;
        return true;
    default:
        return false;
    }
}

static const weft_expr *
build_const(const match *m, const uint8_t *p, weft_type type)
{
    int64_t v;
    double d;
    weft_dtype t = (weft_dtype)type.dtype;
    if (weft_is_float(t)) {
        if (is_literal(*p))
            return weft_imm(m->f->ir, type, literal_float(*p));
        if (*p == WEFT_EK_NEG && is_const(p[1]) &&
            weft_as_float(m->constant[p[1] - WEFT_PAT_A], &d))
            return weft_imm(m->f->ir, type, -d);
        return NULL;
    }
    if (!eval_int(m, p, &v))
        return NULL;
    if (!is_literal(*p) && t != WEFT_BOOL &&
        !weft_range_fits((weft_range){ v, v }, t == WEFT_U64 ? WEFT_I64 : t))
        return NULL;
    return weft_const_like(m->f->ir, type, v);
}

/* The expression of a pattern, of the given type; NULL when a constant does not fit. */
static const weft_expr *
build(const match *m, const uint8_t *p, weft_type type)
{
    const weft_expr *arg[3] = { NULL };
    weft_ek kind = (weft_ek)*p;
    if (is_wild(*p))
        return m->wild[*p - WEFT_PAT_X];
    if (is_const(*p) && weft_same_type(m->constant[*p - WEFT_PAT_A]->h.type, type))
        return m->constant[*p - WEFT_PAT_A];
    if (only_constants(p))
        return build_const(m, p, type);
    weft_type inner = type;
    if (kind >= WEFT_EK_EQ && kind <= WEFT_EK_GE)
        inner = first_operand(m, p)->h.type;
    if (kind == WEFT_EK_RAMP || kind == WEFT_EK_BCAST)
        inner.lanes = 1;
    p++;
    for (int i = 0; i < weft_expr_infos[kind].nargs; i++, p = skip(p)) {
        weft_type want = inner;
        if (i == 0 && (kind == WEFT_EK_SELECT || kind == WEFT_EK_GUARD))
            want.dtype = WEFT_BOOL;
        arg[i] = build(m, p, want);
        if (!arg[i])
            return NULL;
    }
    weft_ir *ir = m->f->ir;
    switch (kind) {
    case WEFT_EK_NOT:
    case WEFT_EK_NEG:
    case WEFT_EK_BNOT:
        return weft_unary(ir, kind, arg[0]);
    case WEFT_EK_SELECT:
        return weft_select(ir, arg[0], arg[1], arg[2]);
    case WEFT_EK_GUARD:
        return weft_guard(ir, arg[0], arg[1], arg[2]);
    case WEFT_EK_RAMP:
        return weft_ramp(ir, arg[0], arg[1], type.lanes);
    case WEFT_EK_BCAST:
        return weft_bcast(ir, arg[0], type.lanes);
    default:
        return weft_binary(ir, kind, arg[0], arg[1]);
    }
}

/* ---- conditions ------------------------------------------------------------------------------ */

static bool
holds_for(const weft_rule *r, const match *m)
{
    const weft_expr *e = first_operand(m, r->lhs);
    weft_dtype t = weft_dtype_of(e);
    if (r->of & WEFT_FOR_INDEX) {
        for (int i = 0; i < NWILD; i++)
            if (m->wild[i] && !m->wild[i]->h.index)
                return false;
        return weft_is_int(t);
    }
    int is = t == WEFT_BOOL ? WEFT_FOR_BOOL : weft_is_int(t) ? WEFT_FOR_INT : WEFT_FOR_FLOAT;
    return (r->of & is) != 0;
}

static bool
uses(const uint8_t *p, int code)
{
    for (const uint8_t *end = skip(p); p < end; p++)
        if (*p == code)
            return true;
    return false;
}

static bool
may_drop(const weft_rule *r, const match *m)
{
    for (int i = 0; i < NWILD; i++)
        if (m->wild[i] && !uses(r->rhs, WEFT_PAT_X + i) && !weft_facts_droppable(m->f, m->wild[i]))
            return false;
    return true;
}

static bool
when_holds(const weft_rule *r, const match *m)
{
    int64_t v;
    if (*r->when == WEFT_PAT_T)
        return true;
    if (only_constants(r->when))
        return eval_int(m, r->when, &v) && v;
    const weft_expr *e = build(m, r->when, weft_scalar(WEFT_BOOL));
    return e && weft_as_const(weft_simp(m->f, e), &v) && v;
}

const weft_expr *
weft_simp_rules(weft_facts *f, const weft_expr *e)
{
    for (int i = 0; i < weft_nsimplify_rules; i++) {
        const weft_rule *r = &weft_simplify_rules[i];
        if (*r->lhs != e->h.kind)
            continue;
        match m = { .f = f };
        if (!match_node(&m, r->lhs, e) || !holds_for(r, &m) || !may_drop(r, &m) ||
            !when_holds(r, &m))
            continue;
        const weft_expr *to = build(&m, r->rhs, e->h.type);
        if (to && to != e)
            return to;
    }
    return NULL;
}
