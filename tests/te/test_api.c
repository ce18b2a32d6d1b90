/* The C API: names, chained errors, outputs, reductions. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static weft_te *
empty(void)
{
    return weft_te_create("f", weft_diag_create());
}

static void
check_print(const weft_te *te, const char *want)
{
    char *got = weft_te_print(te);
    assert_string_equal(got, want);
    free(got);
}

static void
check_parses_back(const weft_te *te)
{
    char *once = weft_te_print(te);
    weft_te *again = must_parse(once);
    check_print(again, once);
    done(again);
    free(once);
}

static void
a_program_without_diagnostics_still_tells_that_a_call_failed(void **state)
{
    (void)state;
    weft_te *te = weft_te_create("f", NULL);
    assert_int_equal(weft_te_output(te, NULL), WEFT_INVALID_ARGUMENT);
    weft_te_destroy(te);
}

static void
a_program_built_in_c_prints_and_parses_back(void **state)
{
    (void)state;
    weft_te *te = empty();
    weft_ir *ir = weft_te_ir(te);
    const weft_expr *m = weft_te_symbol(te, "m", WEFT_I32), *shape[2] = { m, weft_i32(ir, 8) };
    weft_tensor *a = weft_te_input(te, "A", WEFT_F32, 2, shape);
    weft_axis *i = weft_te_axis(te, "i", m), *r = weft_te_reduce_axis(te, "r", shape[1]);
    const weft_expr *at[2] = { weft_axis_ref(te, i), weft_axis_ref(te, r) };
    weft_tensor *s = weft_te_reduce(te, "s", 1, &i, 1, &r, WEFT_RMAX, weft_tensor_at(te, a, 2, at));
    assert_int_equal(weft_te_output(te, s), WEFT_OK);
    assert_int_equal(weft_tensor_ndim(s), 1);
    assert_ptr_equal(weft_tensor_dim(s, 0), m);
    assert_int_equal(weft_tensor_dtype(s), WEFT_F32);
    assert_true(weft_is_imm(s->op->identity[0]) && isinf(s->op->identity[0]->h.u.f));
    check_print(te, "te f(A: f32[m, 8]) {\n    s[i < m] = max(r < 8) A[i, r]\n}\n");
    check_parses_back(te);
    done(te);
}

static void
check_identities(weft_dtype t, const char *const *want)
{
    for (int r = 0; r < WEFT_REDUCER_COUNT; r++) {
        char b[256];
        weft_te *te = empty();
        weft_axis *k = weft_te_reduce_axis(te, "k", weft_i32(te->ir, 4));
        const weft_expr *e = weft_cast(te->ir, t, weft_axis_ref(te, k));
        if (r == WEFT_ANY || r == WEFT_ALL)
            e = weft_gt(te->ir, e, weft_imm(te->ir, e->h.type, 2));
        weft_tensor *all = weft_te_reduce(te, "all", 0, NULL, 1, &k, (weft_reducer)r, e);
        assert_string_equal(text_of(all->op->identity[0], b), want[r]);
        done(te);
    }
}

static void
identities_are_what_changes_nothing(void **state)
{
    (void)state;
    static const char *const of_ints[] = { "0",           "1",           "2147483647", "-2147483648",
                                           "2147483647",  "-2147483648", "false",      "true" };
    static const char *const of_floats[] = { "0.0", "1.0",  "inf",   "-inf",
                                             "inf", "-inf", "false", "true" };
    check_identities(WEFT_I32, of_ints);
    check_identities(WEFT_F32, of_floats);
}

static void
names_become_identifiers_that_no_one_else_has(void **state)
{
    (void)state;
    weft_te *te = empty();
    const weft_expr *n = weft_te_symbol(te, "batch size", WEFT_I32);
    const weft_expr *other = weft_te_symbol(te, "batch_size", WEFT_I32);
    assert_ptr_not_equal(n, other);
    assert_ptr_equal(n, weft_te_symbol(te, "batch size", WEFT_I32));
    weft_tensor *a = weft_te_input(te, "conv1/Relu:0", WEFT_F32, 1, &n);
    weft_tensor *b = weft_te_input(te, "conv1/Relu:0", WEFT_F32, 1, &other);
    weft_te_input(te, "3", WEFT_F32, 0, NULL);
    weft_te_input(te, "for", WEFT_F32, 0, NULL);
    assert_string_equal(a->buf->name, "conv1_Relu_0");
    assert_string_equal(b->buf->name, "conv1_Relu_0_1");
    weft_axis *i = weft_te_axis(te, "i", n), *j = weft_te_axis(te, "i", n);
    weft_axis *both[2] = { i, j };
    const weft_expr *at = weft_axis_ref(te, j);
    weft_tensor *c = weft_te_compute(te, "inf", 2, both, weft_tensor_at(te, a, 1, &at));
    weft_axis *k = weft_te_axis(te, "i", n); /* of another definition: no suffix needed */
    at = weft_axis_ref(te, k);
    weft_te_compute(te, "i", 1, &k, weft_tensor_at(te, b, 1, &at));
    assert_int_equal(weft_te_output(te, c), WEFT_OK);
    check_print(te, "te f(conv1_Relu_0: f32[batch_size], "
                    "conv1_Relu_0_1: f32[batch_size_1], _3: f32[], for_1: f32[]) {\n"
                    "    out inf_1[i < batch_size, i_1 < batch_size] = conv1_Relu_0[i_1]\n"
                    "    i_2[i < batch_size] = conv1_Relu_0_1[i]\n"
                    "}\n");
    check_parses_back(te);
    done(te);
}

static void
variables_of_a_tuple_reducer_get_names_of_their_own(void **state)
{
    (void)state;
    weft_te *te = empty();
    weft_ir *ir = te->ir;
    const weft_expr *n = weft_te_symbol(te, "x", WEFT_I32);
    weft_axis *k = weft_te_reduce_axis(te, "k", n);
    const weft_var *l = weft_te_var(te, "x", WEFT_I32), *r = weft_te_var(te, "x", WEFT_I32);
    const weft_expr *result = weft_min(ir, weft_ref(ir, l), weft_ref(ir, r)),
                    *identity = weft_i32(ir, 99);
    const weft_expr *source = weft_axis_ref(te, k);
    const char *name = "t";
    weft_tensor *t = NULL;
    weft_tuple_reducer red = { 1, &l, &r, &result, &identity };
    assert_int_equal(weft_te_reduce_tuple(te, &name, 0, NULL, 1, &k, &red, &source, &t), WEFT_OK);
    check_print(te, "te f(x: i32) {\n"
                    "    t[] = reduce(k < x) (k) from (99)\n"
                    "        with (x_1), (x_2) = (min(x_1, x_2))\n"
                    "}\n");
    check_parses_back(te);
    done(te);
}

static void
the_first_error_passes_through_chained_calls(void **state)
{
    (void)state;
    weft_te *te = empty();
    const weft_expr *bad = weft_te_symbol(te, "n", WEFT_F32); /* the one error reported */
    weft_axis *i = weft_te_axis(te, "i", bad);
    weft_tensor *t = weft_te_compute(te, "t", 1, &i, weft_axis_ref(te, i));
    weft_axis *o = NULL;
    assert_null(t);
    assert_int_equal(weft_split(te, t, weft_stage_axis(te, t, 0), weft_i32(te->ir, 2), &o, NULL),
                     WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_bind_axis(te, t, o, "thread.x"), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_te_output(te, t), WEFT_INVALID_ARGUMENT);
    assert_string_equal(weft_diag_text(te->diag),
                        "error: symbol 'n' is f32; sizes are i32 or i64\n");
    done(te);
}

static void
a_null_without_an_error_before_it_is_one(void **state)
{
    (void)state;
    weft_te *te = empty();
    assert_int_equal(weft_te_output(te, NULL), WEFT_INVALID_ARGUMENT);
    assert_says(te, "weft_te_output was given NULL; check what the calls before it returned");
    done(te);
}

static void
an_axis_serves_one_definition(void **state)
{
    (void)state;
    weft_te *te = empty();
    weft_axis *i = weft_te_axis(te, "i", weft_i32(te->ir, 4)), *pair[2] = { i, i };
    assert_null(weft_te_compute(te, "t", 2, pair, weft_axis_ref(te, i)));
    assert_says(te, "'t' has axis 'i' twice; make two axes");
    assert_non_null(weft_te_compute(te, "t", 1, &i, weft_axis_ref(te, i)));
    assert_null(weft_te_compute(te, "u", 1, &i, weft_axis_ref(te, i)));
    assert_says(te, "axis 'i' of 'u' belongs to 't' already; make a new axis for it");
    weft_axis *r = weft_te_reduce_axis(te, "r", weft_i32(te->ir, 4));
    assert_null(weft_te_compute(te, "u", 1, &r, weft_axis_ref(te, r)));
    assert_says(
        te, "axis 'r' of 'u' is a reduce axis where a dimension stands; make it with weft_te_axis");
    weft_axis *j = weft_te_axis(te, "j", weft_i32(te->ir, 4));
    assert_null(weft_te_compute(te, "u", 1, &j, weft_axis_ref(te, i)));
    assert_says(
        te,
        "the definition of 'u' uses a variable that is neither one of its axes nor a symbol: i");
    done(te);
}

static void
a_buffer_that_is_no_tensor_is_refused(void **state)
{
    (void)state;
    weft_te *te = empty();
    const weft_expr *four = weft_i32(te->ir, 4);
    const weft_buf *buf = weft_buf_make(te->ir, "stray", WEFT_F32, WEFT_GLOBAL, 1, &four);
    weft_axis *i = weft_te_axis(te, "i", four);
    const weft_expr *at = weft_axis_ref(te, i);
    assert_null(weft_te_compute(te, "t", 1, &i, weft_load(te->ir, buf, 1, &at)));
    assert_says(te, "the definition of 't' reads what is no tensor of this program: stray");
    done(te);
}

static void
outputs_are_marked_before_scheduling(void **state)
{
    (void)state;
    weft_te *te = must_parse(
        "te f(A: f32[m]) { B[i < m] = A[i] C[i < m] = B[i] } schedule { set_scope(B, local) }");
    assert_int_not_equal(weft_te_output(te, tensor(te, "B")), WEFT_OK);
    assert_says(
        te, "stage 'B' is scheduled as an intermediate already; mark outputs before scheduling");
    done(te);
}

static void
a_program_read_without_diagnostics_can_be_used(void **state)
{
    (void)state;
    weft_te *te = weft_te_parse("t", "te f(A: f32[m]) { B[i < m] = A[i] }", NULL);
    assert_non_null(te);
    assert_int_not_equal(weft_te_output(te, NULL), WEFT_OK);
    weft_te_destroy(te);
}

static void
scans_are_built_over_states(void **state)
{
    (void)state;
    weft_te *te = empty();
    weft_ir *ir = weft_te_ir(te);
    const weft_expr *n = weft_te_symbol(te, "n", WEFT_I32);
    weft_tensor *a = weft_te_input(te, "A", WEFT_F32, 1, &n);
    weft_axis *t = weft_te_axis(te, "t", n);
    const weft_expr *at = weft_axis_ref(te, t), *before = weft_sub(ir, at, weft_i32(ir, 1));
    weft_tensor *s = weft_te_state(te, "S", WEFT_F32, 1, &t);
    const weft_expr *zero = weft_i32(ir, 0), *first = weft_tensor_at(te, a, 1, &zero);
    const weft_expr *step =
        weft_add(ir, weft_tensor_at(te, s, 1, &before), weft_tensor_at(te, a, 1, &at));
    assert_int_equal(weft_te_scan(te, 1, &s, t, &first, &step), WEFT_OK);
    assert_int_equal(weft_te_output(te, s), WEFT_OK);
    check_print(te, "te f(A: f32[n]) {\n"
                    "    S[t < n] = scan(t) from A[0] with S[t - 1] + A[t]\n"
                    "}\n");
    check_parses_back(te);
    done(te);
}

static void
a_state_without_a_scan_is_not_read_elsewhere(void **state)
{
    (void)state;
    weft_te *te = empty();
    const weft_expr *n = weft_te_symbol(te, "n", WEFT_I32);
    weft_axis *t = weft_te_axis(te, "t", n), *i = weft_te_axis(te, "i", n);
    weft_tensor *s = weft_te_state(te, "S", WEFT_F32, 1, &t);
    const weft_expr *at = weft_axis_ref(te, i), *first = weft_float(te->ir, WEFT_F32, 0);
    assert_null(weft_te_compute(te, "B", 1, &i, weft_tensor_at(te, s, 1, &at)));
    assert_says(te, "the definition of 'B' reads a state that no scan has made yet: S");
    assert_int_not_equal(weft_te_scan(te, 1, &s, i, &first, &first), WEFT_OK);
    assert_says(te, "the scan of 'S' runs along an axis that is no axis of its states; name one");
    done(te);
}

static void
extern_tensors_are_made_by_statements(void **state)
{
    (void)state;
    weft_te *te = empty();
    const weft_expr *m = weft_te_symbol(te, "m", WEFT_I32), *shape[] = { m };
    const weft_expr *const *const shapes[] = { shape, NULL };
    weft_te_input(te, "A", WEFT_F32, 1, shape);
    weft_tensor *out[2] = { NULL, NULL };
    assert_int_equal(
        weft_te_extern(te, 2, (const char *[]){ "S", "n" },
                       (const weft_dtype[]){ WEFT_F32, WEFT_I32 }, (const int[]){ 1, 0 }, shapes,
                       "n[] = m for i in 0..m on block.x { S[i] = A[m - 1 - i] }", out),
        WEFT_OK);
    assert_int_equal(weft_te_output(te, out[0]), WEFT_OK);
    assert_int_equal(weft_te_output(te, out[1]), WEFT_OK);
    check_print(te, "te f(A: f32[m]) {\n"
                    "    extern S: f32[m], n: i32[] {\n"
                    "        n[] = m\n"
                    "        for i in 0..m on block.x {\n"
                    "            S[i] = A[m - 1 - i]\n"
                    "        }\n"
                    "    }\n"
                    "}\n");
    check_parses_back(te);
    done(te);
}

static void
extern_statements_that_are_wrong_are_told_with_their_place(void **state)
{
    (void)state;
    weft_te *te = empty();
    weft_tensor *out;
    int none = 0;
    const weft_expr *const *shape = NULL;
    weft_dtype f32 = WEFT_F32;
    assert_int_not_equal(
        weft_te_extern(te, 1, (const char *[]){ "S" }, &f32, &none, &shape, "S[] = 1", &out),
        WEFT_OK);
    assert_says(te, "S:1:6: error: ");
    assert_int_equal(te->tensor.n, 0);
    done(te);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_without_diagnostics_still_tells_that_a_call_failed),
        cmocka_unit_test(a_program_read_without_diagnostics_can_be_used),
        cmocka_unit_test(a_program_built_in_c_prints_and_parses_back),
        cmocka_unit_test(identities_are_what_changes_nothing),
        cmocka_unit_test(names_become_identifiers_that_no_one_else_has),
        cmocka_unit_test(variables_of_a_tuple_reducer_get_names_of_their_own),
        cmocka_unit_test(the_first_error_passes_through_chained_calls),
        cmocka_unit_test(a_null_without_an_error_before_it_is_one),
        cmocka_unit_test(an_axis_serves_one_definition),
        cmocka_unit_test(a_buffer_that_is_no_tensor_is_refused),
        cmocka_unit_test(scans_are_built_over_states),
        cmocka_unit_test(a_state_without_a_scan_is_not_read_elsewhere),
        cmocka_unit_test(extern_tensors_are_made_by_statements),
        cmocka_unit_test(extern_statements_that_are_wrong_are_told_with_their_place),
        cmocka_unit_test(outputs_are_marked_before_scheduling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
