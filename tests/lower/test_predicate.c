/* Stages that store some of their elements: the right sums, and a report where one too many is left
 * out. */
#include "support.h"

#include "ir/interp.h"

#include <string.h>

enum { N = 8 };

/* B[i]: the sum of row i of 2 * A up to the diagonal, from a local S that stores where `stored`
 * says. */
static weft_status
sum_to_the_diagonal(const char *stored, float out[N], weft_diag *diag)
{
    char text[400];
    snprintf(text, sizeof text,
             "te tri(A: f32[8, 8]) {\n"
             "    S[i < 8, j < 8] = A[i, j] * 2.0\n"
             "    B[i < 8] = sum(r < 8 where r <= i) S[i, r]\n"
             "}\n"
             "schedule {\n"
             "    bind(B.i, block.x)\n"
             "    compute_at(S, B, B.i)\n"
             "    set_scope(S, local)\n"
             "    o, v = split(S.j, 3)\n"
             "    store_predicate(S, %s)\n"
             "}\n",
             stored);
    float a[N * N];
    for (int i = 0; i < N * N; i++)
        a[i] = (float)(i % 7);
    weft_te *te = must_parse(text);
    weft_lowered low = must_lower(te);
    weft_interp_options options = { .threads = 1 };
    weft_interp *in = weft_interp_create(low.kernel[0], &options, diag);
    const weft_interp_buffer buffer[] = { { a, N * N, true, false }, { out, N, false, true } };
    weft_status status = weft_interp_run(in, buffer, NULL, diag);
    weft_interp_destroy(in);
    done(te);
    return status;
}

static void
elements_that_a_predicate_leaves_out_are_not_missed(void **state)
{
    (void)state;
    float out[N];
    assert_int_equal(sum_to_the_diagonal("j <= i", out, NULL), WEFT_OK);
    for (int i = 0; i < N; i++) {
        float want = 0;
        for (int j = 0; j <= i; j++)
            want += 2 * (float)((i * N + j) % 7);
        assert_true(out[i] == want);
    }
}

static void
a_read_of_what_a_predicate_left_out_is_reported(void **state)
{
    (void)state;
    float out[N];
    weft_diag *diag = weft_diag_create();
    assert_int_not_equal(sum_to_the_diagonal("j < i", out, diag), WEFT_OK);
    assert_non_null(strstr(weft_diag_text(diag), "read of uninitialised memory S[0, 0]"));
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_that_a_predicate_leaves_out_are_not_missed),
        cmocka_unit_test(a_read_of_what_a_predicate_left_out_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
