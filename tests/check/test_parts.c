/* Concatenations in place give what the reference gives, kernel by kernel and as a whole, and none
 * of their bytes is left unwritten. */
#include "support.h"

#define HEAD "graph f(x: f32[1, 16], u: f32[16, 32], v: f32[16, 32]) -> (y) {\n"
#define A    "a = matmul(x, u) {ta=0, tb=0} "
#define B    "b = matmul(x, v) {ta=0, tb=0} "

static void
check_agrees(const char *text, int kernels)
{
    weft_check_report r;
    support_check(text, "liar", (support_lie){ 0 }, true, NULL, &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_OK);
    assert_int_equal(r.run.at[0].output.n, 1);
    assert_int_equal(r.run.at[0].ngroup, kernels);
    weft_check_report_free(&r);
}

static void
a_whole_is_read_and_returned(void **state)
{
    (void)state;
    check_agrees(HEAD A B "c = concatenate(a, b) {axis=1} y = softmax(c) {axis=1} }", 3);
    check_agrees(HEAD A B "y = concatenate(a, b) {axis=1} }", 2);
}

static void
a_part_is_read_while_its_neighbour_is_written(void **state)
{
    (void)state;
    check_agrees(HEAD A "s = softmax(a) {axis=1} c = concatenate(s, a) {axis=1}"
                        " t = sum(c) {axes=[1], keepdims=1} d = concatenate(c, t) {axis=1}"
                        " y = softmax(d) {axis=1} }",
                 4);
}

static void
reshapes_are_placed_and_read(void **state)
{
    (void)state;
    check_agrees(HEAD A B "r = reshape(b) {dims=[1, 4, 8]} p = softmax(r) {axis=2}"
                          " q = reshape(p) {dims=[1, 32]} c = concatenate(a, q) {axis=1}"
                          " s = softmax(q) {axis=1} y = concatenate(c, s) {axis=1} }",
                 4);
}

static void
loops_read_what_lies_before_them_and_make_parts_each_round(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(HEAD A B "c = concatenate(a, b) {axis=1} p = carry(x) loop i < 3 {"
                           " s = softmax(c) {axis=1} e = matmul(p, u) {ta=0, tb=0}"
                           " f = concatenate(s, e) {axis=1} g = softmax(f) {axis=1}"
                           " k = slice(g) {starts=[0, 60], steps=[1, 1], dims=[1, 16]}"
                           " q = yield(k, p) } y = result(q) }",
                  "liar", (support_lie){ 0 }, true, NULL, &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_OK);
    weft_check_report_free(&r);
}

/* The kernel that makes the wrong part is named, and neither its neighbour nor who reads both. */
static void
a_wrong_part_is_charged_to_its_kernel(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(HEAD A B "t = tanh(b) c = concatenate(a, t) {axis=1} y = softmax(c) {axis=1} }",
                  "liar", (support_lie){ .instead_of = "tanh(", .compiles = "sin(" }, true, NULL,
                  &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_MISMATCH);
    assert_int_equal(r.run.at[0].kernel.n, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(r.run.at[0].kernel.at[i].m.agree,
                         strcmp(r.run.at[0].kernel.at[i].tensor, "t") != 0);
    weft_check_report_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_is_read_and_returned),
        cmocka_unit_test(a_part_is_read_while_its_neighbour_is_written),
        cmocka_unit_test(reshapes_are_placed_and_read),
        cmocka_unit_test(loops_read_what_lies_before_them_and_make_parts_each_round),
        cmocka_unit_test(a_wrong_part_is_charged_to_its_kernel),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
