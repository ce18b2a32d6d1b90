/* Every rule of ir/rules.def: tried on small domains, made smaller, applied by the matcher. */
#include "support_eval.h"
#include "support_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one rule is tried on. */
typedef struct trial {
    const weft_rule *rule;
    weft_dtype t;
    weft_ir *ir;
    binding bind;
    const weft_var *var[6];
    value at[6];
    int tried;
} trial;

static const weft_dtype for_dtype[] = { WEFT_BOOL, WEFT_I8, WEFT_U8, WEFT_F32, WEFT_I32 };
static const int for_bit[] = { WEFT_FOR_BOOL, WEFT_FOR_INT, WEFT_FOR_INT, WEFT_FOR_FLOAT,
                               WEFT_FOR_INDEX };

/* ---- domains --------------------------------------------------------------------------------- */

static const double floats[] = { 0, -0.0, 1, -1, 2, -0.5, 3, 0x1p100, INFINITY, -INFINITY, NAN };
static const int64_t ints[] = { 0, 1, 2, 3, 4, 7, 8, 12, -1, -2, -3, -8, 127, -127, -128, 100 };

static int
domain_size(weft_dtype t, bool few)
{
    if (t == WEFT_BOOL)
        return 2;
    if (weft_is_float(t))
        return few ? 7 : 11;
    return few ? 9 : 16;
}

static void
set_value(value *v, weft_dtype t, int which)
{
    *v = (value){ .type = weft_scalar(t) };
    if (weft_is_float(t))
        v->f[0] = floats[which];
    else
        v->i[0] = t == WEFT_BOOL ? which : weft_wrap_i64(t, ints[which]);
}

static const weft_expr *
constant(weft_ir *ir, weft_dtype t, int which)
{
    return weft_is_float(t) ? weft_float(ir, t, floats[which])
                            : weft_int(ir, t, t == WEFT_BOOL ? which : ints[which]);
}

/* ---- trying ---------------------------------------------------------------------------------- */

/* A part of constants alone is computed without wrapping, and has to fit. */
static bool
constants_fit(const trial *t, const uint8_t *p, int64_t *v)
{
    int64_t a = 0, b = 0;
    if (*p >= WEFT_PAT_0) {
        *v = *p == WEFT_PAT_1 || *p == WEFT_PAT_T ? 1 : *p == WEFT_PAT_M1 ? -1 : 0;
        return true;
    }
    if (*p >= WEFT_PAT_X) {
        *v =
            *p >= WEFT_PAT_A && !weft_is_float(t->t) ? t->bind.constant[*p - WEFT_PAT_A]->h.u.i : 0;
        return true;
    }
    const uint8_t *q = p + 1;
    for (int i = 0; i < weft_expr_infos[*p].nargs; i++, q = skip_pattern(q))
        if (!constants_fit(t, q, i ? &b : &a))
            return false;
    *v = *p == WEFT_EK_MUL ? a * b : 0;
    return pattern_has_wild(p) || weft_is_float(t->t) || *p != WEFT_EK_MUL ||
           weft_wrap_i64(t->t, *v) == *v;
}

static weft_type
type_of_root(const trial *t)
{
    bool truth = t->t == WEFT_BOOL || weft_expr_infos[*t->rule->lhs].yields_bool;
    return (weft_type){ (uint8_t)(truth ? WEFT_BOOL : t->t), (uint8_t)rule_lanes(t->rule) };
}

static value
value_of(const trial *t, const uint8_t *p, weft_type type, bool *overflow)
{
    env v = { .n = 6, .var = t->var, .of = t->at };
    value r = eval(&v, pattern_expr(&t->bind, p, type, t->t));
    *overflow |= v.overflow;
    return r;
}

static void
try_point(trial *t)
{
    int64_t unused;
    bool over = false, later = false;
    const weft_rule *r = t->rule;
    if (!constants_fit(t, r->rhs, &unused) ||
        !value_of(t, r->when, weft_scalar(WEFT_BOOL), &over).i[0])
        return;
    value a = value_of(t, r->lhs, type_of_root(t), &over);
    value b = value_of(t, r->rhs, type_of_root(t), &later);
    if (over && r->of == WEFT_FOR_INDEX)
        return;
    t->tried++;
    if (same_value(&a, &b, false))
        return;
    char *text = rule_text(r);
    print_error("%s is wrong for %s:", text, weft_dtype_name(t->t));
    for (int i = 0; i < 6; i++)
        print_error(" %lld/%g", (long long)t->at[i].i[0], t->at[i].f[0]);
    free(text);
    fail();
}

/* Every assignment of wildcards (code from X on), then of constants (from A on). */
static void
try_all(trial *t, int code)
{
    const weft_rule *r = t->rule;
    int used = 0;
    for (int c = WEFT_PAT_X; c <= WEFT_PAT_Q; c++)
        used += pattern_has(r->lhs, c);
    if (code > WEFT_PAT_B) {
        try_point(t);
        return;
    }
    int next = code == WEFT_PAT_Q ? WEFT_PAT_A : code + 1;
    if (!pattern_has(r->lhs, code)) {
        try_all(t, next);
        return;
    }
    for (int i = 0; i < domain_size(t->t, used > 3); i++) {
        if (code >= WEFT_PAT_A)
            t->bind.constant[code - WEFT_PAT_A] = constant(t->ir, t->t, i);
        else
            set_value(&t->at[code - WEFT_PAT_X], t->t, i);
        try_all(t, next);
    }
}

static trial
start(const weft_rule *r, weft_dtype t)
{
    trial x = { .rule = r, .t = t, .ir = weft_ir_create(NULL) };
    x.bind.ir = x.ir;
    for (int i = 0; i < 6; i++) {
        x.var[i] = weft_var_make(x.ir, "v", weft_scalar(t));
        x.bind.wild[i] = weft_ref(x.ir, x.var[i]);
        set_value(&x.at[i], t, 0);
    }
    for (int i = 0; i < 2; i++)
        x.bind.constant[i] = constant(x.ir, t, 1);
    return x;
}

static void
every_rule_holds_on_small_domains(void **state)
{
    (void)state;
    for (int i = 0; i < weft_nsimplify_rules; i++) {
        int tried = 0;
        for (int k = 0; k < 5; k++) {
            if (!(weft_simplify_rules[i].of & for_bit[k]))
                continue;
            trial t = start(&weft_simplify_rules[i], for_dtype[k]);
            try_all(&t, WEFT_PAT_X);
            tried += t.tried;
            weft_ir_destroy(t.ir);
        }
        assert_int_not_equal(tried, 0);
    }
}

/* ---- the measure ----------------------------------------------------------------------------- */

/* A polynomial interpretation: each operator a function that grows with its arguments' sizes. */
static double
size_of(const uint8_t *p, const double *wild)
{
    double a[3] = { 0 };
    if (!pattern_has_wild(p))
        return *p == WEFT_EK_BCAST ? 12 : 2; /* one constant, once computed */
    if (*p >= WEFT_PAT_X)
        return wild[*p - WEFT_PAT_X];
    const uint8_t *q = p + 1;
    for (int i = 0; i < weft_expr_infos[*p].nargs; i++, q = skip_pattern(q))
        a[i] = size_of(q, wild);
    switch ((weft_ek)*p) {
    case WEFT_EK_NOT:
        return 3 * a[0];
    case WEFT_EK_NEG:
        return 2 * a[0];
    case WEFT_EK_BNOT:
        return a[0] + 1;
    case WEFT_EK_ADD:
        return a[0] + a[1] + 2;
    case WEFT_EK_SUB:
        return a[0] + 2 * a[1] + 1;
    case WEFT_EK_MUL:
        return a[0] * a[1] + 1;
    case WEFT_EK_DIV:
        return a[0] * a[1] + 2;
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
        return 2 * a[0] * a[1];
    case WEFT_EK_SELECT:
        return 4 * a[0] + a[1] + a[2] + 5;
    case WEFT_EK_GUARD:
        return 4 * a[0] + a[1] + a[2] + 6;
    case WEFT_EK_RAMP:
        return a[0] + a[1] + 10;
    case WEFT_EK_BCAST:
        return a[0] + 10;
    default:
        return a[0] + a[1] + 1;
    }
}

static void
every_rule_makes_the_expression_smaller(void **state)
{
    (void)state;
    uint64_t rng = 1;
    for (int i = 0; i < weft_nsimplify_rules; i++) {
        const weft_rule *r = &weft_simplify_rules[i];
        for (int k = 0; k < 200; k++) {
            double wild[6];
            for (int j = 0; j < 6; j++)
                wild[j] = k == 0 ? 2 : (double)(2 + next_random(&rng) % (k < 100 ? 4 : 1000));
            if (size_of(r->lhs, wild) > size_of(r->rhs, wild))
                continue;
            print_error("%s grows\n", rule_text(r));
            fail();
        }
    }
}

/* ---- the matcher ----------------------------------------------------------------------------- */

static bool
applies(trial *t)
{
    weft_facts *f = weft_facts_create(t->ir);
    bool over = false;
    bool may = value_of(t, t->rule->when, weft_scalar(WEFT_BOOL), &over).i[0];
    weft_facts_assume(f, pattern_has_wild(t->rule->when)
                             ? pattern_expr(&t->bind, t->rule->when, weft_scalar(WEFT_BOOL), t->t)
                             : NULL);
    const weft_expr *e = pattern_expr(&t->bind, t->rule->lhs, type_of_root(t), t->t);
    const weft_expr *r = may ? weft_simp_rules(f, e) : NULL;
    weft_facts_destroy(f);
    if (r)
        assert_true(weft_same_type(r->h.type, e->h.type));
    return r && r != e;
}

static void
every_rule_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < weft_nsimplify_rules; i++) {
        const weft_rule *r = &weft_simplify_rules[i];
        for (int k = 0; k < 5; k++) {
            if (!(r->of & for_bit[k]))
                continue;
            trial t = start(r, for_dtype[k]);
            bool found = false;
            for (int a = 1; a < domain_size(t.t, true) && !found; a++)
                for (int b = 1; b < domain_size(t.t, true) && !found; b++) {
                    t.bind.constant[0] = constant(t.ir, t.t, a);
                    t.bind.constant[1] = constant(t.ir, t.t, b);
                    set_value(&t.at[1], t.t, 1);
                    found = applies(&t);
                }
            if (!found) {
                print_error("%s is never applied to %s\n", rule_text(r), weft_dtype_name(t.t));
                fail();
            }
            weft_ir_destroy(t.ir);
        }
    }
}

static void
rules_read_as_text(void **state)
{
    (void)state;
    char *first = rule_text(&weft_simplify_rules[0]);
    assert_string_equal(first, "x && true -> x");
    free(first);
    for (int i = 0; i < weft_nsimplify_rules; i++) {
        char *text = rule_text(&weft_simplify_rules[i]);
        assert_non_null(strstr(text, " -> "));
        if (getenv("WEFT_RULES"))
            print_message("%s\n", text);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_holds_on_small_domains),
        cmocka_unit_test(every_rule_makes_the_expression_smaller),
        cmocka_unit_test(every_rule_is_found),
        cmocka_unit_test(rules_read_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
