/* Integers: quotients and divisors. */
#include "support.h"

#include <stdint.h>

static void
a_divisor_is_common_and_the_greatest(void **state)
{
    (void)state;
    for (int64_t a = -24; a <= 24; a++)
        for (int64_t b = -24; b <= 24; b++) {
            int64_t g = weft_gcd(a, b), most = 0;
            for (int64_t d = 1; d <= 24; d++)
                most = a % d == 0 && b % d == 0 ? d : most;
            assert_int_equal(g, a || b ? most : 0);
        }
}

static void
the_ends_of_the_range_have_divisors_too(void **state)
{
    (void)state;
    assert_int_equal(weft_gcd(INT64_MAX, 0), INT64_MAX);
    assert_int_equal(weft_gcd(INT64_MIN, 6), 2);
    assert_int_equal(weft_gcd(INT64_MIN, -1), 1);
    assert_int_equal(weft_gcd(-1, INT64_MIN), 1);
    assert_true(weft_gcd(INT64_MIN, 0) == INT64_MIN && weft_gcd(INT64_MIN, INT64_MIN) == INT64_MIN);
}

static void
quotients_round_down_and_up(void **state)
{
    (void)state;
    for (int64_t a = -9; a <= 9; a++)
        for (int64_t b = -4; b <= 4; b++) {
            if (b == 0)
                continue;
            int64_t q = weft_floordiv(a, b), m = weft_floormod(a, b);
            assert_int_equal(q * b + m, a);
            assert_true(m == 0 || (m < 0) == (b < 0));
            assert_int_equal(weft_ceildiv(a, b), q + (m != 0));
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_divisor_is_common_and_the_greatest),
        cmocka_unit_test(the_ends_of_the_range_have_divisors_too),
        cmocka_unit_test(quotients_round_down_and_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
