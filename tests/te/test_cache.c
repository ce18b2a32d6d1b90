/* cache_read, cache_write and inlining rewrite definitions: shown as the program they leave. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void
check_stages(const char *text, const char *want)
{
    weft_te *te = must_parse(text);
    char *got = weft_te_print_stages(te);
    if (strcmp(got, want) != 0)
        fail_msg("%s\n--- expected\n%s--- got\n%s", text, want, got);
    free(got);
    done(te);
}

#define CHAIN                                                                                      \
    "te chain(A: f32[m]) { B[i < m] = A[i] + 1.0 C[i < m] = B[i] * A[i] D[j < m] = B[j] - C[j] } "

static void
cache_read_stands_right_after_its_tensor_for_all_readers(void **state)
{
    (void)state;
    check_stages(CHAIN "schedule { S = cache_read(B, shared) }", "te chain(A: f32[m]) {\n"
                                                                 "    B[i < m] = A[i] + 1.0\n"
                                                                 "    S[i < m] = B[i]  # shared\n"
                                                                 "    C[i < m] = S[i] * A[i]\n"
                                                                 "    D[j < m] = S[j] - C[j]\n"
                                                                 "}\n");
}

static void
cache_read_of_an_input_stands_first_and_serves_the_named_readers(void **state)
{
    (void)state;
    check_stages(CHAIN "schedule { S = cache_read(A, local, C) }",
                 "te chain(A: f32[m]) {\n"
                 "    S[i0 < m] = A[i0]  # local\n"
                 "    B[i < m] = A[i] + 1.0\n"
                 "    C[i < m] = B[i] * S[i]\n"
                 "    D[j < m] = B[j] - C[j]\n"
                 "}\n");
}

static void
caches_of_caches_chain(void **state)
{
    (void)state;
    check_stages(CHAIN "schedule { S = cache_read(A, shared, C) L = cache_read(S, local, C) }",
                 "te chain(A: f32[m]) {\n"
                 "    S[i0 < m] = A[i0]  # shared\n"
                 "    L[i0 < m] = S[i0]  # local\n"
                 "    B[i < m] = A[i] + 1.0\n"
                 "    C[i < m] = B[i] * L[i]\n"
                 "    D[j < m] = B[j] - C[j]\n"
                 "}\n");
}

static void
cache_write_takes_over_the_body_and_the_reduce_axes(void **state)
{
    (void)state;
    check_stages("te f(A: f32[m, k]) { C[i < m] = sum(r < k where r % 2 == 0) A[i, r] } "
                 "schedule { L = cache_write(C, local) }",
                 "te f(A: f32[m, k]) {\n"
                 "    L[i < m] = sum(r < k where r % 2 == 0) A[i, r]  # local\n"
                 "    C[i < m] = L[i]\n"
                 "}\n");
}

static void
cache_write_of_a_tuple_copies_every_component(void **state)
{
    (void)state;
    check_stages("te f(A: f32[m, k]) { v, p[i < m] = reduce(r < k) (A[i, r], r) from (-inf, 0) "
                 "with (a, b), (c, d) = (max(a, c), select(a >= c, b, d)) } "
                 "schedule { lv, lp = cache_write(p, local) }",
                 "te f(A: f32[m, k]) {\n"
                 "    lv, lp[i < m] = reduce(r < k) (A[i, r], r) from (-inf, 0)\n"
                 "        with (a, b), (c, d) = (max(a, c), select(a >= c, b, d))  # local\n"
                 "    v, p[i < m] = (lv[i], lp[i])\n"
                 "}\n");
}

static void
cache_write_keeps_bound_and_reordered_loops_where_they_belong(void **state)
{
    (void)state;
    weft_te *te =
        must_parse("te f(A: f32[m, n, k]) { C[i < m, j < n] = sum(r < k) A[i, j, r] } "
                   "schedule { reorder(C, r, j, i) bind(C.j, block.x) bind(C.r, thread.x) "
                   "L = cache_write(C, local) }");
    const weft_stage *c = weft_te_stage(te, tensor(te, "C")),
                     *l = weft_te_stage(te, tensor(te, "L"));
    assert_int_equal(c->leaf.n, 2);
    assert_string_equal(c->leaf.at[0]->var->name, "j");
    assert_int_equal(c->leaf.at[0]->bind, WEFT_BLOCK_X);
    assert_int_equal(l->leaf.n, 3);
    assert_int_equal(l->leaf.at[0]->bind, WEFT_SERIAL);
    assert_string_equal(l->leaf.at[2]->var->name, "r");
    assert_int_equal(l->leaf.at[2]->bind, WEFT_THREAD_X);
    assert_ptr_equal(l->leaf.at[2]->stage, l);
    assert_int_equal(l->space, WEFT_LOCAL);
    assert_true(l->space_set);
    done(te);
}

/* ---- inlining -------------------------------------------------------------------------------- */

static void
check_inlined(const char *text, const char *of, const char *want)
{
    char b[256];
    weft_te *te = must_parse(text);
    const weft_te_op *op = weft_te_inlined(te, tensor(te, of)->op);
    assert_non_null(op);
    assert_string_equal(text_of(op->body[0], b), want);
    assert_ptr_equal(op->out[0], tensor(te, of));
    done(te);
}

static void
an_inlined_body_replaces_its_loads_at_any_distance(void **state)
{
    (void)state;
    check_inlined(CHAIN "schedule { compute_inline(B) }", "D", "A[j] + 1.0 - C[j]");
    check_inlined(CHAIN "schedule { compute_inline(B) compute_inline(C) }", "D",
                  "A[j] + 1.0 - (A[j] + 1.0) * A[j]");
    check_inlined(CHAIN "schedule { compute_inline(C) }", "D", "B[j] - B[j] * A[j]");
    check_inlined(CHAIN "schedule { compute_inline(C) compute_root(C) }", "D", "B[j] - C[j]");
}

static void
an_op_that_reads_nothing_inlined_is_itself(void **state)
{
    (void)state;
    weft_te *te = must_parse(CHAIN "schedule { compute_inline(C) }");
    assert_ptr_equal(weft_te_inlined(te, tensor(te, "C")->op), tensor(te, "C")->op);
    assert_ptr_not_equal(weft_te_inlined(te, tensor(te, "D")->op), tensor(te, "D")->op);
    done(te);
}

static void
inlining_reaches_sources_and_conditions_of_reductions(void **state)
{
    (void)state;
    char b[256];
    weft_te *te =
        must_parse("te f(A: f32[m]) { B[i < m] = A[i] + 1.0 "
                   "C[] = sum(r < m where B[r] > 0.0) B[r] * 2.0 } schedule { compute_inline(B) }");
    const weft_te_op *op = weft_te_inlined(te, tensor(te, "C")->op);
    assert_string_equal(text_of(op->body[0], b), "(A[r] + 1.0) * 2.0");
    assert_string_equal(text_of(op->cond, b), "A[r] + 1.0 > 0.0");
    assert_int_equal(op->nreduce, 1);
    done(te);
}

static void
an_index_of_another_type_is_cast_to_the_axis(void **state)
{
    (void)state;
    check_inlined("te f(n: i64, A: f32[n], I: i32[m]) { B[i < n] = A[i] C[j < m] = B[I[j]] } "
                  "schedule { compute_inline(B) }",
                  "C", "A[i64(I[j])]");
}

static void
inlining_that_explodes_is_stopped(void **state)
{
    (void)state;
    weft_str s = { 0 };
    weft_str_add(&s, "te f(A: f32[m]) { B0[i < m] = A[i]\n");
    for (int i = 1; i < 60; i++)
        weft_str_addf(&s, "B%d[i < m] = B%d[i * 2] + B%d[i * 3 + 1]\n", i, i - 1, i - 1);
    weft_str_add(&s, "} schedule {");
    for (int i = 0; i < 59; i++)
        weft_str_addf(&s, "compute_inline(B%d)\n", i);
    weft_str_add(&s, "}");
    weft_te *te = must_parse(weft_str_text(&s));
    assert_null(weft_te_inlined(te, tensor(te, "B59")->op));
    assert_says(te, "compute some of the stages between at root (compute_root)");
    weft_str_free(&s);
    done(te);
}

static void
readers_and_reads_follow_the_rewriting(void **state)
{
    (void)state;
    weft_te *te = must_parse(CHAIN "schedule { S = cache_read(B, shared, D) }");
    weft_arena a = { 0 };
    weft_stage **stages;
    weft_tensor **reads;
    assert_int_equal(weft_te_readers(te, tensor(te, "B"), &a, &stages), 2);
    assert_ptr_equal(stages[0]->op->out[0], tensor(te, "S"));
    assert_ptr_equal(stages[1]->op->out[0], tensor(te, "C"));
    assert_int_equal(weft_te_reads(te, tensor(te, "D")->op, &a, &reads), 2);
    assert_ptr_equal(reads[0], tensor(te, "S"));
    assert_ptr_equal(reads[1], tensor(te, "C"));
    assert_int_equal(weft_te_reads(te, tensor(te, "A")->op, &a, &reads), 0);
    assert_null(weft_te_stage(te, tensor(te, "A")));
    assert_ptr_equal(weft_te_tensor_of(te, tensor(te, "C")->buf), tensor(te, "C"));
    weft_arena_reset(&a);
    done(te);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_read_stands_right_after_its_tensor_for_all_readers),
        cmocka_unit_test(cache_read_of_an_input_stands_first_and_serves_the_named_readers),
        cmocka_unit_test(caches_of_caches_chain),
        cmocka_unit_test(cache_write_takes_over_the_body_and_the_reduce_axes),
        cmocka_unit_test(cache_write_of_a_tuple_copies_every_component),
        cmocka_unit_test(cache_write_keeps_bound_and_reordered_loops_where_they_belong),
        cmocka_unit_test(an_inlined_body_replaces_its_loads_at_any_distance),
        cmocka_unit_test(an_op_that_reads_nothing_inlined_is_itself),
        cmocka_unit_test(inlining_reaches_sources_and_conditions_of_reductions),
        cmocka_unit_test(an_index_of_another_type_is_cast_to_the_axis),
        cmocka_unit_test(inlining_that_explodes_is_stopped),
        cmocka_unit_test(readers_and_reads_follow_the_rewriting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
