/* Two tensors: what agrees, by how much the others do not, and where. */
#include "support.h"

#include <math.h>

static const int64_t four[] = { 4 };

static weft_metrics
measure(weft_dtype dtype, const double *got, const double *want)
{
    static double room[2][4];
    weft_metrics m;
    weft_const c[2];
    for (int k = 0; k < 2; k++) {
        c[k] = (weft_const){ .dtype = dtype, .ndim = 1, .dim = four, .data = room[k] };
        for (int i = 0; i < 4; i++) {
            double v = (k ? want : got)[i];
            if (weft_is_float(dtype))
                weft_set_f64(dtype, room[k], i, v);
            else
                weft_set_i64(dtype, room[k], i, (int64_t)v);
        }
    }
    weft_measure(&c[0], &c[1], &m);
    return m;
}

static void
equal_tensors_agree_with_no_error_at_all(void **state)
{
    (void)state;
    const double v[] = { 1, -2, INFINITY, NAN };
    weft_metrics m = measure(WEFT_F32, v, v);
    assert_true(m.agree && m.same_type);
    assert_int_equal(m.count, 4);
    assert_true(m.nmse == 0 && m.max_abs == 0 && m.max_rel == 0 && m.max_ulp == 0);
    assert_int_equal(m.worst_at, -1);
    assert_int_equal(m.ulp_at, -1);
}

static void
errors_are_measured_with_their_places(void **state)
{
    (void)state;
    const double want[] = { 1, 2, 4, 0.5 }, got[] = { 1, 2.5, 4, 0.25 };
    weft_metrics m = measure(WEFT_F32, got, want);
    assert_false(m.agree);
    assert_int_equal(m.bad, 2);
    assert_int_equal(m.worst_at, 1);
    assert_string_equal(m.got, "2.5");
    assert_string_equal(m.want, "2");
    assert_true(m.max_abs == 0.5 && m.abs_at == 1);
    assert_true(m.max_rel == 0.5 && m.rel_at == 3);
    assert_true(fabs(m.nmse - 0.3125 / 21.25) < 1e-12);
    assert_int_equal(m.max_ulp, 1 << 23); /* 0.25 to 0.5: one binade */
    assert_int_equal(m.ulp_at, 3);
}

static void
neighbours_are_one_ulp_apart_across_zero_too(void **state)
{
    (void)state;
    const double want[] = { 1, 1, 0, 1 }, got[] = { 1 + 0x1p-23, 1, -0x1p-149, 1 };
    weft_metrics m = measure(WEFT_F32, got, want);
    assert_true(m.agree);
    assert_int_equal(m.max_ulp, 1);
    assert_int_equal(m.ulp_at, 0);
    const double half[] = { 1 + 0x1p-10, 1, 1, 1 }, ones[] = { 1, 1, 1, 1 };
    assert_int_equal(measure(WEFT_F16, half, ones).max_ulp, 1);
}

static void
each_dtype_has_its_own_budget(void **state)
{
    (void)state;
    const double want[] = { 1, 1, 1, 1 }, got[] = { 1 + 0x1p-8, 1, 1, 1 };
    assert_false(measure(WEFT_F64, got, want).agree);
    assert_false(measure(WEFT_F32, got, want).agree);
    assert_false(measure(WEFT_F16, got, want).agree);
    const double next[] = { 1 + 0x1p-7, 1, 1, 1 };
    assert_true(measure(WEFT_BF16, next, want).agree);
    const double near[] = { 1 + 0x1p-10, 1, 1, 1 };
    assert_true(measure(WEFT_F16, near, want).agree);
    assert_true(measure(WEFT_F32, near, want).agree);
    assert_false(measure(WEFT_F64, near, want).agree);
    const double one_off[] = { 2, 1, 1, 1 };
    assert_false(measure(WEFT_I32, one_off, want).agree);
    assert_false(measure(WEFT_U8, one_off, want).agree);
}

static void
small_errors_count_beside_the_largest_value(void **state)
{
    (void)state;
    const double want[] = { 1000, 0, 0, 0 }, got[] = { 1000, 0.005, 0, 0 };
    assert_true(measure(WEFT_F32, got, want).agree);
    const double alone[] = { 1, 0, 0, 0 }, off[] = { 1, 0.005, 0, 0 };
    assert_false(measure(WEFT_F32, off, alone).agree);
}

static void
nan_and_infinity_have_to_stand_in_the_same_places(void **state)
{
    (void)state;
    const double want[] = { 1, NAN, INFINITY, 2 };
    const double got[][4] = { { NAN, NAN, INFINITY, 2 },
                              { 1, 0, INFINITY, 2 },
                              { 1, NAN, -INFINITY, 2 },
                              { 1, NAN, 3e38, 2 },
                              { 1, NAN, INFINITY, INFINITY } };
    const int at[] = { 0, 1, 2, 2, 3 };
    for (int i = 0; i < 5; i++) {
        weft_metrics m = measure(WEFT_F32, got[i], want);
        assert_false(m.agree);
        assert_int_equal(m.nonfinite, 1);
        assert_int_equal(m.nonfinite_at, at[i]);
        assert_int_equal(m.worst_at, at[i]);
    }
}

static void
integers_show_the_first_that_differs(void **state)
{
    (void)state;
    const double want[] = { 1, 2, 3, 4 }, got[] = { 1, 3, 3, 40 };
    weft_metrics m = measure(WEFT_I64, got, want);
    assert_int_equal(m.bad, 2);
    assert_int_equal(m.worst_at, 1);
    assert_string_equal(m.got, "3");
    assert_int_equal(m.max_ulp, 36);
    assert_true(m.max_abs == 36 && m.abs_at == 3);
}

static void
memory_that_was_never_written_is_counted(void **state)
{
    (void)state;
    uint32_t got[4];
    const float want[4] = { 1, 2, 3, 4 };
    const int32_t minus[4] = { -1, -1, 5, 5 };
    weft_metrics m;
    memset(got, 0xff, sizeof got);
    weft_const g = { .dtype = WEFT_F32, .ndim = 1, .dim = four, .data = got }, w = g;
    w.data = want;
    weft_measure(&g, &w, &m);
    assert_int_equal(m.unwritten, 4);
    g.dtype = w.dtype = WEFT_I32;
    w.data = minus; /* -1 looks the same, and is right where it is expected */
    weft_measure(&g, &w, &m);
    assert_int_equal(m.bad, 2);
    assert_int_equal(m.unwritten, 2);
}

static void
another_type_or_shape_is_no_comparison(void **state)
{
    (void)state;
    const int64_t two[] = { 2 };
    const float v[4] = { 0 };
    weft_const a = { .dtype = WEFT_F32, .ndim = 1, .dim = four, .data = v }, b = a;
    weft_metrics m;
    weft_str why = { 0 };
    b.dim = two;
    weft_measure(&a, &b, &m);
    assert_false(m.agree || m.same_type);
    assert_false(weft_compare(&a, &b, &why));
    assert_string_equal(weft_str_text(&why), "got f32[4], expected f32[2]");
    weft_str_free(&why);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_tensors_agree_with_no_error_at_all),
        cmocka_unit_test(errors_are_measured_with_their_places),
        cmocka_unit_test(neighbours_are_one_ulp_apart_across_zero_too),
        cmocka_unit_test(each_dtype_has_its_own_budget),
        cmocka_unit_test(small_errors_count_beside_the_largest_value),
        cmocka_unit_test(nan_and_infinity_have_to_stand_in_the_same_places),
        cmocka_unit_test(integers_show_the_first_that_differs),
        cmocka_unit_test(memory_that_was_never_written_is_counted),
        cmocka_unit_test(another_type_or_shape_is_no_comparison),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
