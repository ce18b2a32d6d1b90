/* Statements, and what is asked of the simplifier beside rewriting: proofs, bounds, congruences,
 * intervals, affine parts. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* ---- statements ------------------------------------------------------------------------------ */

static char *
simplified(const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *k;
    int n = 0;
    if (weft_parse_kernels(ir, "test", text, &n, &k) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    k[0]->body = weft_simplify_stmt(ir, NULL, k[0]->body);
    assert_ptr_equal(weft_simplify_stmt(ir, NULL, k[0]->body), k[0]->body);
    assert_int_equal(weft_verify(k[0], "after simplify", diag), WEFT_OK);
    weft_str s = { 0 };
    weft_print_kernel(&s, k[0]);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    return weft_str_take(&s);
}

/* Bodies of a kernel over f32 buffers A, C and the scalar n. */
static void
check(const char *from, const char *want)
{
    static const char head[] = "kernel flat k(A: f32[1024], C: inout f32[1024]; n: i32) {\n";
    weft_str a = { 0 };
    weft_str_addf(&a, "%s%s}\n", head, from);
    char *got = simplified(weft_str_text(&a));
    const char *body = strchr(got, '{');
    weft_str b = { 0 };
    weft_str_addf(&b, "{\n%s}\n", want);
    assert_non_null(body);
    assert_string_equal(body, weft_str_text(&b));
    weft_str_free(&a);
    weft_str_free(&b);
    free(got);
}

static void
a_loop_bounds_its_variable_for_what_is_inside(void **state)
{
    (void)state;
    check("for o in 0..16 { for i in 0..4 { if o * 4 + i < 64 { C[(o * 4 + i) // 4] = 1.0 } } }\n",
          "    for o in 0..16 {\n        for i in 0..4 {\n            C[o] = 1.0\n        }\n    "
          "}\n");
    check("for i in 0..n { if i < n { C[i] = 1.0 } }\n",
          "    for i in 0..n {\n        C[i] = 1.0\n    }\n");
}

static void
a_guard_of_a_sum_decides_its_quotient_and_its_remainder(void **state)
{
    (void)state;
    check("for o in 0..7 { for i in 0..16 { if o * 16 + i < 100 {\n"
          "C[o * 16 + i] = A[(o * 16 + i) // 100] + A[(o * 16 + i) // 5 % 20] } } }\n",
          "    for o in 0..7 {\n        for i in 0..16 {\n            if o * 16 + i < 100 {\n"
          "                C[o * 16 + i] = A[0] + A[(o * 16 + i) // 5]\n            }\n        }\n"
          "    }\n");
}

static void
one_side_of_a_condition_that_failed_decides_the_other(void **state)
{
    (void)state;
    check("for i in 0..8 { for j in 0..8 { if i < 4 && j < 5 { C[0] = 1.0 } else {\n"
          "if i < 4 { if j < 5 { C[1] = 1.0 } else { C[2] = 1.0 } } } } }\n",
          "    for i in 0..8 {\n        for j in 0..8 {\n            if i < 4 && j < 5 {\n"
          "                C[0] = 1.0\n            } else if i < 4 {\n                C[2] = 1.0\n"
          "            }\n        }\n    }\n");
}

static void
remainders_that_no_iteration_leaves_are_known(void **state)
{
    (void)state;
    check("for o in 0..9 { for i in 0..20 { if (o * 71 + i + 51) % 230 >= 17 { C[0] = 1.0 }\n"
          "if (o * 71 + i + 51) % 230 >= 18 { C[1] = 1.0 } } }\n",
          "    for o in 0..9 {\n        for i in 0..20 {\n            C[0] = 1.0\n"
          "            if (o * 71 + i + 51) % 230 >= 18 {\n                C[1] = 1.0\n"
          "            }\n        }\n    }\n");
    check("for o in 0..3 { if (o * 25 + 24) % 33 < 25 { C[o] = 1.0 } }\n",
          "    for o in 0..3 {\n        C[o] = 1.0\n    }\n");
}

static void
what_is_known_of_a_remainder_narrows_the_quotient(void **state)
{
    (void)state;
    check("for i in 0..31 { if i % 8 >= 7 { C[i] = A[min(i // 8, 2)] } }\n",
          "    for i in 0..31 {\n        if i % 8 >= 7 {\n            C[i] = A[i // 8]\n        }\n"
          "    }\n");
}

static void
a_minimum_of_vectors_is_the_one_that_is_less_in_every_lane(void **state)
{
    (void)state;
    check("for i in 0..8 { C[min(ramp(i * 4, 1, 4), bcast(32, 4))] = A[max(ramp(i, 1, 4), bcast(1, "
          "4))] }\n",
          "    for i in 0..8 {\n        C[ramp(i * 4, 1, 4)] = A[max(ramp(i, 1, 4), bcast(1, 4))]\n"
          "    }\n");
}

static void
loops_of_one_step_and_of_none_go(void **state)
{
    (void)state;
    check("for i in 0..1 { C[i + 3] = 1.0 }\n", "    C[3] = 1.0\n");
    check("for i in 0..0 { C[i] = 1.0 }\nC[1] = 2.0\n", "    C[1] = 2.0\n");
    check("for i in 0..8 { if i >= 8 { C[i] = 1.0 } }\n", "");
}

static void
a_loop_of_one_step_or_none_is_a_condition(void **state)
{
    (void)state;
    check("for i in 0..(n + 15) // 16 - n // 16 { C[i + 3] = 1.0 }\n",
          "    if n // 16 < (n + 15) // 16 {\n        C[3] = 1.0\n    }\n");
    check("for i in 0..(n + 16) // 16 - n // 16 { C[i] = 1.0 }\n", "    C[0] = 1.0\n");
    check("for i in 0..(n + 17) // 16 - n // 16 { C[i] = 1.0 }\n",
          "    for i in 0..(n + 1) // 16 - n // 16 + 1 {\n        C[i] = 1.0\n    }\n");
    check("for i in 0..min(n, 1) { C[i] = 1.0 }\n",
          "    if min(n, 1) >= 1 {\n        C[0] = 1.0\n    }\n");
}

static void
a_bound_loop_of_one_step_stays_with_its_variable_gone(void **state)
{
    (void)state;
    check("for t in 0..1 on thread.x { C[t] = 1.0 }\n",
          "    for t in 0..1 on thread.x {\n        C[0] = 1.0\n    }\n");
}

static void
a_condition_holds_in_its_branch_and_not_in_the_other(void **state)
{
    (void)state;
    check("if n < 4 { if n < 8 { C[0] = 1.0 } } else { if n >= 4 { C[1] = 1.0 } }\n",
          "    if n < 4 {\n        C[0] = 1.0\n    } else {\n        C[1] = 1.0\n    }\n");
    check("if n < 4 { for i in 0..0 { C[i] = 1.0 } } else { C[1] = 1.0 }\n",
          "    if n >= 4 {\n        C[1] = 1.0\n    }\n");
    check("if n == 3 { C[n] = 1.0 }\n", "    if n == 3 {\n        C[3] = 1.0\n    }\n");
}

static void
what_a_condition_says_of_memory_is_forgotten(void **state)
{
    (void)state;
    check("if C[0] < 4.0 { C[0] = 5.0\nif C[0] < 4.0 { C[1] = 1.0 } }\n",
          "    if C[0] < 4.0 {\n        C[0] = 5.0\n        if C[0] < 4.0 {\n"
          "            C[1] = 1.0\n        }\n    }\n");
}

static void
lets_of_constants_and_variables_are_inlined(void **state)
{
    (void)state;
    check("let a: i32 = 3 + 4\nlet b: i32 = n\nC[a] = f32(b)\n", "    C[7] = f32(n)\n");
    check("let a: f32 = A[0]\nC[0] = a * 1.0\nC[1] = a\n",
          "    let a: f32 = A[0]\n    C[0] = a\n    C[1] = a\n");
    check("let a: f32 = A[0]\nC[0] = 1.0\n", "    C[0] = 1.0\n");
    check("let a: i32 = n % 4\nif a < 4 { C[a] = 1.0 }\n",
          "    let a: i32 = n % 4\n    C[a] = 1.0\n");
}

static void
what_threads_combine_is_simplified_and_stays(void **state)
{
    (void)state;
    check("for t in 0..8 on thread.x { allreduce s: f32 = A[t % 8] * 1.0 over thread.x combine (a, "
          "b) "
          "= (a + b) from (0.0)\nif t == 0 { C[0] = s } }\n",
          "    for t in 0..8 on thread.x {\n        allreduce s: f32 = A[t] over thread.x combine "
          "(a, b) "
          "= (a + b) from (0.0)\n        if t == 0 {\n            C[0] = s\n        }\n    }\n");
    check("eval abs(n)\nC[0] = 1.0\n", "    C[0] = 1.0\n");
}

static void
an_unchanged_statement_is_the_same_pointer(void **state)
{
    (void)state;
    check("barrier shared\n", "    barrier shared\n");
    check("while C[0] < 4.0 { C[0] = C[0] + 1.0 }\n",
          "    while C[0] < 4.0 {\n        C[0] = C[0] + 1.0\n    }\n");
}

/* ---- questions ------------------------------------------------------------------------------- */

typedef struct bench {
    weft_ir *ir;
    weft_facts *facts;
    const weft_var *var[6]; /* n m i j x y */
} bench;

enum { N, M, I, J, X, Y };

static bench
setup(void)
{
    static const char *const name[] = { "n", "m", "i", "j", "x", "y" };
    bench b = { .ir = weft_ir_create(NULL) };
    b.facts = weft_facts_create(b.ir);
    for (int k = 0; k < 6; k++)
        b.var[k] = weft_var_make(b.ir, name[k], weft_scalar(WEFT_I32));
    return b;
}

static void
teardown(bench *b)
{
    weft_facts_destroy(b->facts);
    weft_ir_destroy(b->ir);
}

static const weft_expr *
expr(bench *b, const char *text)
{
    const weft_expr *e = weft_parse_expr(b->ir, "test", text, 6, b->var, 0, NULL);
    assert_non_null(e);
    return e;
}

static void
assert_expr(const weft_expr *e, const char *want)
{
    weft_str s = { 0 };
    if (e)
        weft_print_expr(&s, e);
    assert_string_equal(weft_str_text(&s), want);
    weft_str_free(&s);
}

static void
facts_prove_within_their_scope_and_not_after_it(void **state)
{
    (void)state;
    bench b = setup();
    int mark = weft_facts_mark(b.facts);
    weft_facts_extent(b.facts, b.var[I], expr(&b, "m"));
    weft_facts_extent(b.facts, b.var[J], expr(&b, "n"));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "i*n + j < m*n")));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "i*n + j >= 0 && n >= 1")));
    assert_false(weft_prove(b.ir, b.facts, expr(&b, "i*n + j < m*n - 1")));
    assert_false(weft_prove(b.ir, b.facts, expr(&b, "i*m + j < m*n")));
    weft_facts_pop(b.facts, mark);
    assert_false(weft_prove(b.ir, b.facts, expr(&b, "i*n + j < m*n")));
    assert_false(weft_prove(b.ir, b.facts, expr(&b, "i >= 0")));
    assert_true(weft_prove(b.ir, NULL, expr(&b, "x + 1 > x")));
    teardown(&b);
}

static void
the_tail_of_a_split_is_proven_with_its_rounded_extent(void **state)
{
    (void)state;
    bench b = setup();
    weft_facts_range(b.facts, b.var[N], expr(&b, "1"), NULL);
    weft_facts_extent(b.facts, b.var[I], expr(&b, "(n + 15)//16"));
    weft_facts_extent(b.facts, b.var[J], expr(&b, "16"));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "i*16 < n")));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "i*16 + j < n + 15")));
    assert_false(weft_prove(b.ir, b.facts, expr(&b, "i*16 + j < n")));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "min(n - i*16, 16) >= 1")));
    weft_facts_assume(b.facts, expr(&b, "i*16 + j < n"));
    assert_true(weft_prove(b.ir, b.facts, expr(&b, "i*16 + j + 1 <= n")));
    teardown(&b);
}

static void
an_assumption_bounds_each_of_its_variables(void **state)
{
    (void)state;
    int64_t lo, hi;
    bench b = setup();
    weft_facts_extent(b.facts, b.var[I], expr(&b, "100"));
    weft_facts_extent(b.facts, b.var[J], expr(&b, "16"));
    weft_facts_assume(b.facts, expr(&b, "i*16 + j < 50"));
    assert_true(weft_bounds(b.ir, b.facts, expr(&b, "i"), &lo, &hi));
    assert_int_equal(lo, 0);
    assert_int_equal(hi, 3);
    weft_facts_assume(b.facts, expr(&b, "x % 8 == 5 && x > 4"));
    weft_modular(b.ir, b.facts, expr(&b, "x*2 + 1"), &lo, &hi);
    assert_int_equal(lo, 16);
    assert_int_equal(hi, 11);
    assert_false(weft_bounds(b.ir, b.facts, expr(&b, "x"), &lo, &hi));
    assert_int_equal(lo, 5);
    assert_int_equal(hi, INT64_MAX);
    teardown(&b);
}

static void
bounds_and_congruences_follow_the_operators(void **state)
{
    (void)state;
    int64_t lo, hi;
    bench b = setup();
    weft_facts_range(b.facts, b.var[X], expr(&b, "-3"), expr(&b, "10"));
    assert_true(weft_bounds(b.ir, b.facts, expr(&b, "x*-2 + 1"), &lo, &hi));
    assert_int_equal(lo, -19);
    assert_int_equal(hi, 7);
    assert_true(weft_bounds(b.ir, b.facts, expr(&b, "x//4"), &lo, &hi));
    assert_int_equal(lo, -1);
    assert_int_equal(hi, 2);
    assert_true(weft_bounds(b.ir, b.facts, expr(&b, "y*4 % 16"), &lo, &hi));
    assert_int_equal(hi, 12);
    assert_true(weft_bounds(b.ir, b.facts, expr(&b, "min(y, 7) % 100 + max(x, 0)"), &lo, &hi));
    assert_int_equal(hi, 109);
    assert_false(weft_bounds(b.ir, b.facts, expr(&b, "y"), &lo, &hi));
    assert_true(lo == INT64_MIN && hi == INT64_MAX);
    weft_modular(b.ir, b.facts, expr(&b, "y*12 + n*8 + 6"), &lo, &hi);
    assert_int_equal(lo, 4);
    assert_int_equal(hi, 2);
    weft_modular(b.ir, b.facts, expr(&b, "7"), &lo, &hi);
    assert_int_equal(lo, 0);
    assert_int_equal(hi, 7);
    weft_modular(b.ir, b.facts, expr(&b, "y//3"), &lo, &hi);
    assert_int_equal(lo, 1);
    teardown(&b);
}

static void
affine_parts_are_found(void **state)
{
    (void)state;
    const weft_expr *stride, *rest;
    bench b = setup();
    assert_true(weft_affine_in(b.ir, expr(&b, "(i*4 + j)*8 + 3"), b.var[I], &stride, &rest));
    assert_expr(stride, "32");
    assert_expr(rest, "j * 8 + 3");
    assert_true(weft_affine_in(b.ir, expr(&b, "(i + 1)*n + j*i - 2"), b.var[I], &stride, &rest));
    assert_expr(stride, "j + n");
    assert_expr(rest, "n - 2");
    assert_true(weft_affine_in(b.ir, expr(&b, "j*3"), b.var[I], &stride, &rest));
    assert_expr(stride, "0");
    assert_false(weft_affine_in(b.ir, expr(&b, "i*i"), b.var[I], &stride, &rest));
    assert_false(weft_affine_in(b.ir, expr(&b, "i//2 + i"), b.var[I], &stride, &rest));
    assert_false(weft_affine_in(b.ir, expr(&b, "min(i, 4)"), b.var[I], &stride, &rest));
    teardown(&b);
}

static void
check_interval(bench *b, const char *e, const char *lo, const char *hi)
{
    const weft_interval i = { expr(b, "0"), expr(b, "n - 1") }, j = { expr(b, "0"), expr(b, "15") };
    const weft_interval of[2] = { i, j };
    weft_interval r = weft_eval_interval(b->ir, b->facts, expr(b, e), 2, b->var + I, of);
    assert_expr(r.lo, lo);
    assert_expr(r.hi, hi);
}

static void
intervals_are_symbolic(void **state)
{
    (void)state;
    bench b = setup();
    weft_facts_range(b.facts, b.var[N], expr(&b, "1"), NULL);
    check_interval(&b, "i", "0", "n - 1");
    check_interval(&b, "x*16 + j", "x * 16", "x * 16 + 15");
    check_interval(&b, "i*2 - j + 1", "-14", "n * 2 - 1");
    check_interval(&b, "i*m", "", "");
    check_interval(&b, "i*n", "0", "n * (n - 1)");
    check_interval(&b, "(x*16 + j)//16", "x", "x");
    check_interval(&b, "(i*16 + j)//4", "0", "n * 4 - 1");
    check_interval(&b, "j % 4", "0", "3");
    check_interval(&b, "min(i, j)", "0", "min(n - 1, 15)");
    check_interval(&b, "min(y, j)", "min(y, 0)", "min(y, 15)");
    check_interval(&b, "select(i < 4, i, j)", "0", "max(n - 1, 15)");
    check_interval(&b, "i*i", "0", "(n - 1) * (n - 1)");
    teardown(&b);
}

static void
the_work_is_linear_in_the_nodes_of_a_dag(void **state)
{
    (void)state;
    bench b = setup();
    const weft_expr *e = expr(&b, "x"), *c = expr(&b, "x < y");
    for (int k = 0; k < 200; k++) { /* 2^200 paths */
        e = weft_min(b.ir, weft_mul(b.ir, e, expr(&b, "y")), weft_fdiv(b.ir, e, expr(&b, "n")));
        e = weft_select(b.ir, c, e, weft_add(b.ir, e, e));
        c = weft_and(b.ir, c, weft_lt(b.ir, e, weft_fmod(b.ir, e, expr(&b, "n"))));
    }
    double before = weft_now();
    assert_non_null(weft_simplify_expr(b.ir, b.facts, e));
    assert_true(weft_now() - before < 5);
    teardown(&b);
}

static void
sums_too_long_or_too_deep_are_left_alone(void **state)
{
    (void)state;
    bench b = setup();
    const weft_expr *e = expr(&b, "x"), *f = expr(&b, "x");
    for (int k = 0; k < 5000; k++)
        e = weft_add(b.ir, e, weft_ref(b.ir, weft_var_make(b.ir, "v", weft_scalar(WEFT_I32))));
    for (int k = 0; k < 5000; k++)
        f = weft_fmod(b.ir, weft_fdiv(b.ir, f, expr(&b, "n")), expr(&b, "m"));
    double before = weft_now();
    assert_non_null(weft_simplify_expr(b.ir, b.facts, e));
    assert_non_null(weft_simplify_expr(b.ir, b.facts, f));
    assert_true(weft_now() - before < 5);
    teardown(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_bounds_its_variable_for_what_is_inside),
        cmocka_unit_test(a_guard_of_a_sum_decides_its_quotient_and_its_remainder),
        cmocka_unit_test(one_side_of_a_condition_that_failed_decides_the_other),
        cmocka_unit_test(remainders_that_no_iteration_leaves_are_known),
        cmocka_unit_test(what_is_known_of_a_remainder_narrows_the_quotient),
        cmocka_unit_test(a_minimum_of_vectors_is_the_one_that_is_less_in_every_lane),
        cmocka_unit_test(loops_of_one_step_and_of_none_go),
        cmocka_unit_test(a_loop_of_one_step_or_none_is_a_condition),
        cmocka_unit_test(a_bound_loop_of_one_step_stays_with_its_variable_gone),
        cmocka_unit_test(a_condition_holds_in_its_branch_and_not_in_the_other),
        cmocka_unit_test(what_a_condition_says_of_memory_is_forgotten),
        cmocka_unit_test(lets_of_constants_and_variables_are_inlined),
        cmocka_unit_test(what_threads_combine_is_simplified_and_stays),
        cmocka_unit_test(an_unchanged_statement_is_the_same_pointer),
        cmocka_unit_test(facts_prove_within_their_scope_and_not_after_it),
        cmocka_unit_test(the_tail_of_a_split_is_proven_with_its_rounded_extent),
        cmocka_unit_test(an_assumption_bounds_each_of_its_variables),
        cmocka_unit_test(bounds_and_congruences_follow_the_operators),
        cmocka_unit_test(affine_parts_are_found),
        cmocka_unit_test(intervals_are_symbolic),
        cmocka_unit_test(the_work_is_linear_in_the_nodes_of_a_dag),
        cmocka_unit_test(sums_too_long_or_too_deep_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
