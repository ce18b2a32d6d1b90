/* Rules as expressions. */
#include "support_rules.h"

#include <string.h>

const uint8_t *
skip_pattern(const uint8_t *p)
{
    int n = *p < WEFT_EK_COUNT ? weft_expr_infos[*p].nargs : 0;
    for (p++; n > 0; n--)
        p = skip_pattern(p);
    return p;
}

bool
pattern_has(const uint8_t *p, int code)
{
    for (const uint8_t *end = skip_pattern(p); p < end; p++)
        if (*p == code)
            return true;
    return false;
}

bool
pattern_has_wild(const uint8_t *p)
{
    for (const uint8_t *end = skip_pattern(p); p < end; p++)
        if (*p >= WEFT_PAT_X && *p <= WEFT_PAT_Q)
            return true;
    return false;
}

static const weft_expr *
literal(const binding *b, int code, weft_type type)
{
    double v = code == WEFT_PAT_1 || code == WEFT_PAT_T ? 1 : code == WEFT_PAT_M1 ? -1 : 0;
    if (code == WEFT_PAT_T || code == WEFT_PAT_F)
        type.dtype = WEFT_BOOL;
    return weft_imm(b->ir, type, code == WEFT_PAT_M0 ? -0.0 : v);
}

const weft_expr *
pattern_expr(const binding *b, const uint8_t *p, weft_type type, weft_dtype operands)
{
    const weft_expr *arg[3] = { NULL };
    weft_ek kind = (weft_ek)*p;
    if (*p >= WEFT_PAT_0)
        return literal(b, *p, type);
    if (*p >= WEFT_PAT_A)
        return b->constant[*p - WEFT_PAT_A];
    if (*p >= WEFT_PAT_X)
        return b->wild[*p - WEFT_PAT_X];
    weft_type inner = type;
    if (kind >= WEFT_EK_EQ && kind <= WEFT_EK_GE)
        inner.dtype = (uint8_t)operands;
    if (kind == WEFT_EK_RAMP || kind == WEFT_EK_BCAST)
        inner.lanes = 1;
    p++;
    for (int i = 0; i < weft_expr_infos[kind].nargs; i++, p = skip_pattern(p))
        arg[i] = pattern_expr(b, p, inner, operands);
    if (kind == WEFT_EK_RAMP)
        return weft_ramp(b->ir, arg[0], arg[1], type.lanes);
    if (kind == WEFT_EK_BCAST)
        return weft_bcast(b->ir, arg[0], type.lanes);
    if (kind == WEFT_EK_SELECT)
        return weft_select(b->ir, arg[0], arg[1], arg[2]);
    if (kind == WEFT_EK_GUARD)
        return weft_guard(b->ir, arg[0], arg[1], arg[2]);
    return weft_expr_infos[kind].nargs == 1 ? weft_unary(b->ir, kind, arg[0])
                                            : weft_binary(b->ir, kind, arg[0], arg[1]);
}

int
rule_lanes(const weft_rule *r)
{
    return pattern_has(r->lhs, WEFT_EK_RAMP) || pattern_has(r->lhs, WEFT_EK_BCAST) ? 4 : 1;
}

static weft_type
root_type(const weft_rule *r, weft_dtype t)
{
    bool truth = *r->lhs == WEFT_EK_SELECT || *r->lhs == WEFT_EK_GUARD || r->of == WEFT_FOR_BOOL ||
                 weft_expr_infos[*r->lhs].yields_bool;
    return (weft_type){ (uint8_t)(truth ? WEFT_BOOL : t), (uint8_t)rule_lanes(r) };
}

char *
rule_text(const weft_rule *r)
{
    static const char *const name[] = { "x", "y", "z", "w", "p", "q" };
    weft_dtype t = r->of & (WEFT_FOR_INT | WEFT_FOR_INDEX) ? WEFT_I32
                   : r->of & WEFT_FOR_FLOAT                ? WEFT_F32
                                                           : WEFT_BOOL;
    weft_ir *ir = weft_ir_create(NULL);
    weft_str s = { 0 };
    binding b = { .ir = ir };
    bool choice = (*r->lhs == WEFT_EK_SELECT || *r->lhs == WEFT_EK_GUARD) && t != WEFT_BOOL;
    for (int i = 0; i < 6; i++)
        b.wild[i] = weft_ref(ir, weft_var_make(ir, name[i], weft_scalar(t)));
    for (int i = 0; i < 2; i++)
        b.constant[i] = weft_ref(ir, weft_var_make(ir, i ? "c1" : "c0", weft_scalar(t)));
    weft_type root = choice ? weft_scalar(t) : root_type(r, t);
    const weft_expr *lhs = pattern_expr(&b, r->lhs, root, t),
                    *rhs = pattern_expr(&b, r->rhs, root, t);
    if (!lhs || !rhs)
        fail_msg("rule %d of kind %s is not well typed", (int)(r - weft_simplify_rules),
                 weft_expr_infos[*r->lhs].name);
    weft_print_expr(&s, lhs);
    weft_str_add(&s, " -> ");
    weft_print_expr(&s, rhs);
    if (*r->when != WEFT_PAT_T) {
        weft_str_add(&s, " when ");
        weft_print_expr(&s, pattern_expr(&b, r->when, weft_scalar(WEFT_BOOL), t));
    }
    weft_ir_destroy(ir);
    return weft_str_take(&s);
}
