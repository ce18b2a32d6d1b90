/* Passes on kernels written as text: tests/lower/passes, first line "# passes: a,b".  A line "#
 * lacks: f16 erf async overlay memory:f8e5m2 wide:shfl" takes from a target without vectors what it
 * names, "# vectors: 4" gives it aligned vectors of up to 4 lanes, "# lanes: 32" subgroups, "# class:
 * vector-cpu" makes it another machine, which has more vectors. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void
take_away(weft_caps *caps, const char *word, size_t n)
{
    bool memory = n > 7 && strncmp(word, "memory:", 7) == 0,
         wide = n > 5 && strncmp(word, "wide:", 5) == 0;
    weft_dtype t = memory ? weft_dtype_parse(word + 7, n - 7) : weft_dtype_parse(word, n);
    if (t != WEFT_DTYPE_COUNT)
        *(memory ? &caps->storage[t] : &caps->arith[t]) = false;
    if (n == strlen("async") && memcmp(word, "async", n) == 0)
        caps->async_copy = false;
    if (n == strlen("overlay") && memcmp(word, "overlay", n) == 0)
        caps->overlay = false;
    word += wide ? 5 : 0;
    n -= wide ? 5 : 0;
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        if (strlen(weft_intrin_infos[i].text) == n &&
            memcmp(weft_intrin_infos[i].text, word, n) == 0)
            (wide ? caps->intrin64 : caps->intrin)[i] = false;
}

static weft_caps
caps_of(const char *text)
{
    weft_caps caps = plain_caps(strstr(text, "# class: vector-cpu") != NULL);
    const char *at = strstr(text, "# lacks: ");
    if (strstr(text, "# vectors: 4")) {
        caps.lanes |= 1u << 2 | 1u << 4;
        caps.aligned_vector_load = true;
    }
    for (at = at ? at + 9 : "\n"; *at != '\n'; at += *at == ' ') {
        size_t n = strcspn(at, " \n");
        take_away(&caps, at, n);
        at += n;
    }
    return caps;
}

static void
runs_the_named_passes_to_the_text_behind_the_mark(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("passes", ".wir", &at);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char names[128];
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        weft_kernel *const *kernel;
        int nkernel = 0;
        weft_lower_options o = golden_options(at[i].input);
        weft_caps caps = caps_of(at[i].input);
        o.caps = &caps;
        weft_str got = { 0 };
        if (sscanf(at[i].input, "# passes: %127s", names) != 1)
            fail_msg("%s does not name its passes", at[i].path);
        weft_status st = weft_parse_kernels(ir, at[i].path, at[i].input, &nkernel, &kernel);
        for (int k = 0; st == WEFT_OK && k < nkernel; k++) {
            st = weft_run_passes(kernel[k], names, &o, diag);
            weft_print_kernel(&got, kernel[k]);
        }
        if (st != WEFT_OK)
            fail_msg("%s: %s", at[i].path, weft_diag_text(diag));
        assert_golden(&at[i], weft_str_text(&got));
        weft_str_free(&got);
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
    goldens_free(n, at);
}

static void
names_the_passes_there_are_when_asked_for_another(void **state)
{
    (void)state;
    weft_te *te = must_parse("te t(A: f32[4]) {\n    B[i < 4] = A[i]\n}\n");
    weft_lowered low = must_lower(te);
    weft_lower_options o = plain_options();
    assert_int_equal(weft_run_passes(low.kernel[0], "flatten,flatter", &o, te->diag),
                     WEFT_NOT_FOUND);
    assert_non_null(
        strstr(weft_diag_text(te->diag), "no pass 'flatter'; passes are flatten, simplify"));
    done(te);
}

static void
refuses_a_pass_at_a_level_it_does_not_take(void **state)
{
    (void)state;
    weft_te *te = must_parse("te t(A: f32[4]) {\n    B[i < 4] = A[i]\n}\n");
    weft_lowered low = must_lower(te);
    weft_lower_options o = plain_options();
    assert_int_equal(weft_run_passes(low.kernel[0], "barriers", &o, te->diag),
                     WEFT_INVALID_ARGUMENT);
    assert_non_null(
        strstr(weft_diag_text(te->diag), "pass 'barriers' takes kernels at level flat"));
    done(te);
}

static void
skips_and_stops_where_the_options_say(void **state)
{
    (void)state;
    weft_te *te =
        must_parse("te t(A: f32[4]) {\n    B[i < 4] = A[i]\n}\nschedule {\n    unroll(B.i)\n}\n");
    weft_lowered low = must_lower(te);
    weft_lower_options o = plain_options();
    o.skip = "simplify,unroll";
    o.stop_after = "barriers";
    o.roundtrip = true;
    assert_int_equal(weft_run_passes(low.kernel[0], NULL, &o, te->diag), WEFT_OK);
    assert_int_equal(low.kernel[0]->level, WEFT_LEVEL_FLAT);
    weft_str got = { 0 };
    weft_print_kernel(&got, low.kernel[0]);
    assert_non_null(strstr(weft_str_text(&got), "unroll"));
    weft_str_free(&got);
    done(te);
}

static void
refuses_to_fill_ahead_from_what_others_read(void **state)
{
    (void)state;
    weft_te *te = must_parse("te t(A: f32[64, 8]) {\n"
                             "    P[i < 64, j < 8] = A[i, j] * 2.0\n"
                             "    B[i < 64, j < 8] = P[i, j] + 1.0\n"
                             "    C[i < 64] = sum(j < 8) B[i, j] * P[i, j]\n"
                             "}\nschedule {\n    compute_at(B, C, C.i)\n    set_scope(B, local)\n"
                             "    compute_at(P, C, C.i)\n    set_scope(P, local)\n"
                             "    double_buffer(B)\n}\n");
    weft_lowered low = must_lower(te);
    weft_lower_options o = plain_options();
    assert_int_equal(weft_run_passes(low.kernel[0], "flatten,double-buffer", &o, te->diag),
                     WEFT_UNSUPPORTED);
    assert_non_null(strstr(weft_diag_text(te->diag),
                           "kernel 't': loop 'i' cannot fill memory ahead: 'P' is stored for that "
                           "and read by others in the same iteration; double_buffer it as well"));
    done(te);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_the_named_passes_to_the_text_behind_the_mark),
        cmocka_unit_test(names_the_passes_there_are_when_asked_for_another),
        cmocka_unit_test(refuses_a_pass_at_a_level_it_does_not_take),
        cmocka_unit_test(skips_and_stops_where_the_options_say),
        cmocka_unit_test(refuses_to_fill_ahead_from_what_others_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
