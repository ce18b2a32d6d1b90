/* float-sums: what is computed in f32 and what is not. */
#include "support.h"

static const weft_graph_options in_floats = { .float_sums = true };
static const weft_graph_options in_halves = { .float_sums = true, .half_products = true };

static void
expect(const char *before, const char *after)
{
    check_passes("float-sums,eliminate-dead", &in_floats, before, after);
}

static void
expect_as_it_was(const char *text)
{
    expect(text, text);
}

/* 255 * 65793 = 2^24 - 1 */
static void
a_product_with_a_constant_is_exact_up_to_the_sum_of_its_columns(void **state)
{
    (void)state;
    expect("graph f(x: u8[2, 3]) -> (y) {\n"
           "    w: i32[3, 2] = constant [65790, 1, -2, 5, 1, -7]\n"
           "    a = cast(x) {dtype=i32}\n"
           "    y = matmul(a, w) {ta=0, tb=0}\n"
           "}\n",
           "graph f(x: u8[2, 3]) -> (y) {\n"
           "    w.f32: f32[3, 2] = constant [65790.0, 1.0, -2.0, 5.0, 1.0, -7.0]\n"
           "    a: i32[2, 3] = cast(x) {dtype=i32}\n"
           "    cast: f32[2, 3] = cast(a) {dtype=f32}\n"
           "    matmul: f32[2, 2] = matmul(cast, w.f32) {ta=0, tb=0}\n"
           "    y: i32[2, 2] = cast(matmul) {dtype=i32}\n"
           "}\n");
    expect_as_it_was("graph f(x: u8[2, 3]) -> (y) {\n"
                     "    w: i32[3, 2] = constant [65790, 1, -2, 5, 2, -7]\n"
                     "    a: i32[2, 3] = cast(x) {dtype=i32}\n"
                     "    y: i32[2, 2] = matmul(a, w) {ta=0, tb=0}\n"
                     "}\n");
}

/* Rows that are columns: only the first sum is too large. */
static void
the_sums_of_a_transposed_constant_go_along_its_rows(void **state)
{
    (void)state;
    expect_as_it_was("graph f(x: u8[2, 3]) -> (y) {\n"
                     "    w: i32[2, 3] = constant [65790, 3, -1, 5, 1, -7]\n"
                     "    a: i32[2, 3] = cast(x) {dtype=i32}\n"
                     "    y: i32[2, 2] = matmul(a, w) {ta=0, tb=1}\n"
                     "}\n");
    expect_as_it_was("graph f(x: u8[2, 2]) -> (y) {\n"
                     "    w: i32[2, 3] = constant [1, 2, 65000, 5, 1, -1000]\n"
                     "    a: i32[2, 2] = cast(x) {dtype=i32}\n"
                     "    y: i32[2, 3] = matmul(a, w) {ta=0, tb=0}\n"
                     "}\n");
}

/* They would wrap around to something small. */
static void
constants_that_are_too_large_stay_integers(void **state)
{
    (void)state;
    expect_as_it_was("graph f(x: u8[2, 1]) -> (y) {\n"
                     "    w: i64[1, 1] = constant [4294967297]\n"
                     "    a: i32[2, 1] = cast(x) {dtype=i32}\n"
                     "    b: i32[1, 1] = cast(w) {dtype=i32}\n"
                     "    y: i32[2, 1] = matmul(a, b) {ta=0, tb=0}\n"
                     "}\n");
    expect_as_it_was("graph f(x: u8[2, 1]) -> (y) {\n"
                     "    w: i32[1, 1] = constant [2147483647]\n"
                     "    z: i32[1, 1] = constant [-2147483648]\n"
                     "    a: i32[2, 1] = cast(x) {dtype=i32}\n"
                     "    b: i32[1, 1] = subtract(w, z)\n"
                     "    y: i32[2, 1] = matmul(a, b) {ta=0, tb=0}\n"
                     "}\n");
}

/* x - z is from -255 to 255, w - 100 from -228 to 27. */
static void
zero_points_count(void **state)
{
    (void)state;
    expect("graph f(x: u8[2, 2], z: u8[]) -> (y) {\n"
           "    w: i8[2, 1] = constant [-128, 127]\n"
           "    h: i32[] = constant [100]\n"
           "    a = cast(x) {dtype=i32}\n"
           "    b = cast(z) {dtype=i32}\n"
           "    c = subtract(a, b)\n"
           "    d = cast(w) {dtype=i32}\n"
           "    e = subtract(d, h)\n"
           "    y = matmul(c, e) {ta=0, tb=0}\n"
           "}\n",
           "graph f(x: u8[2, 2], z: u8[]) -> (y) {\n"
           "    e.f32: f32[2, 1] = constant [-228.0, 27.0]\n"
           "    a: i32[2, 2] = cast(x) {dtype=i32}\n"
           "    b: i32[] = cast(z) {dtype=i32}\n"
           "    c: i32[2, 2] = subtract(a, b)\n"
           "    cast: f32[2, 2] = cast(c) {dtype=f32}\n"
           "    matmul: f32[2, 1] = matmul(cast, e.f32) {ta=0, tb=0}\n"
           "    y: i32[2, 1] = cast(matmul) {dtype=i32}\n"
           "}\n");
    expect_as_it_was("graph f(x: u8[2, 1], z: i32[]) -> (y) {\n"
                     "    w: i32[1, 1] = constant [1]\n"
                     "    a: i32[2, 1] = cast(x) {dtype=i32}\n"
                     "    c: i32[2, 1] = subtract(a, z)\n"
                     "    y: i32[2, 1] = matmul(c, w) {ta=0, tb=0}\n"
                     "}\n");
}

/* 258 * 255 * 255 < 2^24 < 259 * 255 * 255 */
static void
of_two_inputs_every_term_counts_as_the_greatest(void **state)
{
    (void)state;
    expect("graph f(x: u8[2, 258], v: u8[258, 1]) -> (y) {\n"
           "    a = cast(x) {dtype=i32}\n"
           "    b = cast(v) {dtype=i32}\n"
           "    y = matmul(a, b) {ta=0, tb=0}\n"
           "}\n",
           "graph f(x: u8[2, 258], v: u8[258, 1]) -> (y) {\n"
           "    a: i32[2, 258] = cast(x) {dtype=i32}\n"
           "    b: i32[258, 1] = cast(v) {dtype=i32}\n"
           "    cast: f32[2, 258] = cast(a) {dtype=f32}\n"
           "    cast_1: f32[258, 1] = cast(b) {dtype=f32}\n"
           "    matmul: f32[2, 1] = matmul(cast, cast_1) {ta=0, tb=0}\n"
           "    y: i32[2, 1] = cast(matmul) {dtype=i32}\n"
           "}\n");
    expect_as_it_was("graph f(x: u8[2, 259], v: u8[259, 1]) -> (y) {\n"
                     "    a: i32[2, 259] = cast(x) {dtype=i32}\n"
                     "    b: i32[259, 1] = cast(v) {dtype=i32}\n"
                     "    y: i32[2, 1] = matmul(a, b) {ta=0, tb=0}\n"
                     "}\n");
    expect_as_it_was("graph f(x: u8[2, n], v: u8[n, 1]) -> (y) {\n"
                     "    a: i32[2, n] = cast(x) {dtype=i32}\n"
                     "    b: i32[n, 1] = cast(v) {dtype=i32}\n"
                     "    y: i32[2, 1] = matmul(a, b) {ta=0, tb=0}\n"
                     "}\n");
}

static void
a_bias_is_added_to_integers(void **state)
{
    (void)state;
    expect("graph f(x: i8[1, 1, 4, 4]) -> (y) {\n"
           "    w: i8[2, 1, 1, 1] = constant [5, -6]\n"
           "    b: i32[2] = constant [2000000000, 7]\n"
           "    a = cast(x) {dtype=i32}\n"
           "    c = cast(w) {dtype=i32}\n"
           "    y = conv(a, c, b) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1}\n"
           "}\n",
           "graph f(x: i8[1, 1, 4, 4]) -> (y) {\n"
           "    c.f32: f32[2, 1, 1, 1] = constant [5.0, -6.0]\n"
           "    b.channels: i32[2, 1, 1] = constant [2000000000, 7]\n"
           "    a: i32[1, 1, 4, 4] = cast(x) {dtype=i32}\n"
           "    cast: f32[1, 1, 4, 4] = cast(a) {dtype=f32}\n"
           "    conv: f32[1, 2, 4, 4] = conv(cast, c.f32) {strides=[1, 1], dilations=[1, 1], "
           "pads=[0, 0, 0, 0], groups=1}\n"
           "    cast_1: i32[1, 2, 4, 4] = cast(conv) {dtype=i32}\n"
           "    y: i32[1, 2, 4, 4] = add(cast_1, b.channels)\n"
           "}\n");
}

static void
nothing_is_in_floats_unless_the_target_gains(void **state)
{
    (void)state;
    const char *text = "graph f(x: u8[2, 1]) -> (y) {\n"
                       "    w: i32[1, 1] = constant [1]\n"
                       "    a: i32[2, 1] = cast(x) {dtype=i32}\n"
                       "    y: i32[2, 1] = matmul(a, w) {ta=0, tb=0}\n"
                       "}\n";
    check_passes("float-sums", NULL, text, text);
}

static void
a_product_that_says_its_dtype_is_a_product_all_the_same(void **state)
{
    (void)state;
    expect("graph f(x: u8[2, 2]) -> (y) {\n"
           "    a = cast(x) {dtype=i32}\n"
           "    y = matmul(a, a) {ta=0, tb=0, dtype=i32}\n"
           "}\n",
           "graph f(x: u8[2, 2]) -> (y) {\n"
           "    a: i32[2, 2] = cast(x) {dtype=i32}\n"
           "    cast: f32[2, 2] = cast(a) {dtype=f32}\n"
           "    cast_1: f32[2, 2] = cast(a) {dtype=f32}\n"
           "    matmul: f32[2, 2] = matmul(cast, cast_1) {ta=0, tb=0}\n"
           "    y: i32[2, 2] = cast(matmul) {dtype=i32}\n"
           "}\n");
}

/* 2048 is the last integer from which on f16 leaves some out. */
static void
factors_that_f16_holds_are_of_that_where_units_multiply_them(void **state)
{
    (void)state;
    check_passes("float-sums,eliminate-dead", &in_halves,
                 "graph f(x: u8[2, 2], v: u8[2, 3]) -> (y, z, u) {\n"
                 "    w: i32[2, 2] = constant [2048, 1, -2, 5]\n"
                 "    more: i32[2, 2] = constant [2049, 1, -2, 5]\n"
                 "    a = cast(x) {dtype=i32}\n"
                 "    b = cast(v) {dtype=i32}\n"
                 "    y = matmul(a, w) {ta=0, tb=0}\n"
                 "    z = matmul(a, more) {ta=0, tb=0}\n"
                 "    u = matmul(a, b) {ta=1, tb=0}\n"
                 "}\n",
                 "graph f(x: u8[2, 2], v: u8[2, 3]) -> (y, z, u) {\n"
                 "    w.f16: f16[2, 2] = constant [2048.0, 1.0, -2.0, 5.0]\n"
                 "    more.f32: f32[2, 2] = constant [2049.0, 1.0, -2.0, 5.0]\n"
                 "    a: i32[2, 2] = cast(x) {dtype=i32}\n"
                 "    b: i32[2, 3] = cast(v) {dtype=i32}\n"
                 "    cast: f16[2, 2] = cast(a) {dtype=f16}\n"
                 "    matmul: f32[2, 2] = matmul(cast, w.f16) {ta=0, tb=0, dtype=f32}\n"
                 "    y: i32[2, 2] = cast(matmul) {dtype=i32}\n"
                 "    cast_1: f32[2, 2] = cast(a) {dtype=f32}\n"
                 "    matmul_1: f32[2, 2] = matmul(cast_1, more.f32) {ta=0, tb=0}\n"
                 "    z: i32[2, 2] = cast(matmul_1) {dtype=i32}\n"
                 "    cast_2: f16[2, 2] = cast(a) {dtype=f16}\n"
                 "    cast_3: f16[2, 3] = cast(b) {dtype=f16}\n"
                 "    matmul_2: f32[2, 3] = matmul(cast_2, cast_3) {ta=1, tb=0, dtype=f32}\n"
                 "    u: i32[2, 3] = cast(matmul_2) {dtype=i32}\n"
                 "}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_with_a_constant_is_exact_up_to_the_sum_of_its_columns),
        cmocka_unit_test(the_sums_of_a_transposed_constant_go_along_its_rows),
        cmocka_unit_test(constants_that_are_too_large_stay_integers),
        cmocka_unit_test(zero_points_count),
        cmocka_unit_test(of_two_inputs_every_term_counts_as_the_greatest),
        cmocka_unit_test(a_bias_is_added_to_integers),
        cmocka_unit_test(a_product_that_says_its_dtype_is_a_product_all_the_same),
        cmocka_unit_test(factors_that_f16_holds_are_of_that_where_units_multiply_them),
        cmocka_unit_test(nothing_is_in_floats_unless_the_target_gains),
    };
    return cmocka_run_group_tests_name("float sums", tests, NULL, NULL);
}
