/* Scheduled programs and the loops they become: tests/lower/loops. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void
lowers_each_program_to_the_loops_behind_its_mark(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("loops", ".te", &at);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        weft_te *te = must_parse(at[i].input);
        weft_lowered low = must_lower(te);
        weft_str got = { 0 };
        for (int k = 0; k < low.nkernel; k++)
            weft_print_kernel(&got, low.kernel[k]);
        assert_golden(&at[i], weft_str_text(&got));
        weft_str_free(&got);
        done(te);
    }
    goldens_free(n, at);
}

/* What is expected stands behind the mark: a part of the message. */
static void
refuses_schedules_that_cannot_be_lowered_with_a_sentence(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("refused", ".te", &at);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        weft_te *te = must_parse(at[i].input);
        weft_lowered low;
        if (weft_lower_te(te, &low, te->diag) == WEFT_OK)
            fail_msg("%s was lowered", at[i].path);
        assert_golden(&at[i], weft_diag_text(te->diag));
        done(te);
    }
    goldens_free(n, at);
}

static void
counts_what_is_fused_beyond_i32_in_i64_whatever_it_is_split_into(void **state)
{
    (void)state;
    weft_te *te = must_parse("te wide(A: i8[50000, 50000]) {\n"
                             "    B[i < 50000, j < 50000] = A[i, j] + 1i8\n"
                             "}\n"
                             "schedule {\n"
                             "    f = fuse(B.i, B.j)\n"
                             "    o, n = split(f, 16776960)\n"
                             "    p, q = split(n, 256)\n"
                             "}\n");
    weft_lowered low = must_lower(te);
    weft_str got = { 0 };
    assert_string_equal(weft_diag_text(te->diag), "");
    weft_print_kernel(&got, low.kernel[0]);
    assert_non_null(strstr(weft_str_text(&got),
                           "if i64(o) * 16776960i64 + i64(p * 256 + q) < 2500000000i64 {"));
    assert_null(strstr(weft_str_text(&got), "p * 256 + q < "));
    weft_str_free(&got);
    done(te);
}

static void
tells_the_role_of_every_parameter(void **state)
{
    (void)state;
    weft_te *te = must_parse("te two(A: f32[8], U: f32[2]) {\n"
                             "    B[i < 8] = A[i] + 1.0\n"
                             "    C[i < 8] = B[i] * B[7 - i]\n"
                             "}\n");
    weft_lowered low = must_lower(te);
    assert_int_equal(low.nkernel, 2);
    assert_int_equal(low.nwork, 1);
    assert_string_equal(low.work[0]->name, "B");
    assert_string_equal(low.kernel[0]->name, "two_B");
    assert_int_equal(low.kernel[0]->nparam, 2);
    assert_int_equal(low.slot[0][0].kind, WEFT_SLOT_INPUT);
    assert_int_equal(low.slot[0][1].kind, WEFT_SLOT_WORK);
    assert_int_equal(low.kernel[0]->access[1], WEFT_WRITE);
    assert_int_equal(low.slot[1][0].kind, WEFT_SLOT_WORK);
    assert_int_equal(low.kernel[1]->access[0], WEFT_READ);
    assert_int_equal(low.slot[1][1].kind, WEFT_SLOT_OUTPUT);
    done(te);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowers_each_program_to_the_loops_behind_its_mark),
        cmocka_unit_test(refuses_schedules_that_cannot_be_lowered_with_a_sentence),
        cmocka_unit_test(counts_what_is_fused_beyond_i32_in_i64_whatever_it_is_split_into),
        cmocka_unit_test(tells_the_role_of_every_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
