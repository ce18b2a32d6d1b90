/* What scales go into: batch normalisations, sums and products before and after contractions. */
#include "support.h"

#define CONV "strides=[1], dilations=[1], pads=[0, 0], groups=1"

static void
batch_norm_goes_into_the_convolution(void **state)
{
    (void)state;
    check_passes("fold-scale,eliminate-dead", NULL,
                 "graph f(x: f32[1, 1, 4]) -> (y) {\n"
                 "    w: f32[2, 1, 1] = constant [1, 2]\n"
                 "    b: f32[2] = constant [1, 1]\n"
                 "    scale: f32[2] = constant [2, 3]\n"
                 "    shift: f32[2] = constant [0.5, 0]\n"
                 "    mean: f32[2] = constant [1, 2]\n"
                 "    var: f32[2] = constant [3, 0]\n"
                 "    c = conv(x, w, b) {" CONV "} from \"conv1\" (Conv)\n"
                 "    y = batch_norm(c, scale, shift, mean, var) {epsilon=1} from \"bn1\" (BN)\n"
                 "}\n",
                 "graph f(x: f32[1, 1, 4]) -> (y) {\n"
                 "    w_1: f32[2, 1, 1] = constant [1.0, 6.0]\n"
                 "    b_1: f32[2] = constant [0.5, -3.0]\n"
                 "    y: f32[1, 2, 4] = conv(x, w_1, b_1) {" CONV
                 "} from \"conv1 (Conv) + bn1 (BN, folded)\"\n"
                 "}\n");
}

static void
scales_and_shifts_in_a_row_all_go_into_the_convolution(void **state)
{
    (void)state;
    check_passes(
        "fold-scale,eliminate-dead", NULL,
        "graph f(x: f32[1, 2, 4]) -> (y) {\n"
        "    w: f32[2, 1, 1] = constant [1, 2]\n"
        "    m: f32[2, 1] = constant [3, 5]\n"
        "    a: f32[] = constant [10]\n"
        "    c = conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=2}\n"
        "    d = multiply(m, c)\n"
        "    y = subtract(d, a)\n"
        "}\n",
        "graph f(x: f32[1, 2, 4]) -> (y) {\n"
        "    w_1: f32[2, 1, 1] = constant [3.0, 10.0]\n"
        "    w_1.bias: f32[2] = constant [-10.0, -10.0]\n"
        "    y: f32[1, 2, 4] = conv(x, w_1, w_1.bias) {strides=[1], dilations=[1], pads=[0, 0], "
        "groups=2}\n"
        "}\n");
}

static void
a_transposed_convolution_is_scaled_by_its_output_channels(void **state)
{
    (void)state;
    check_passes(
        "fold-scale,eliminate-dead", NULL,
        "graph f(x: f32[1, 4, 4]) -> (y) {\n"
        "    w: f32[4, 1, 1] = constant [1, 2, 3, 4]\n"
        "    m: f32[2, 1] = constant [10, 100]\n"
        "    c = conv_transpose(x, w) {"
        "strides=[1], dilations=[1], pads=[0, 0], "
        "output_padding=[0], groups=2}\n"
        "    y = multiply(c, m)\n"
        "}\n",
        "graph f(x: f32[1, 4, 4]) -> (y) {\n"
        "    w_1: f32[4, 1, 1] = constant [10.0, 20.0, 300.0, 400.0]\n"
        "    y: f32[1, 2, 4] = conv_transpose(x, w_1) {strides=[1], dilations=[1], pads=[0, 0], "
        "output_padding=[0], groups=2}\n"
        "}\n");
}

static void
a_matmul_is_scaled_by_its_columns(void **state)
{
    (void)state;
    const char *head = "graph f(x: f32[3, 2]) -> (y) {\n"
                       "    w: f32[2, 2] = constant [1, 2, 3, 4]\n"
                       "    m: f32[2] = constant [10, 100]\n";
    static const struct {
        const char *tb, *weights;
    } rows[] = { { "0", "[10.0, 200.0, 30.0, 400.0]" }, { "1", "[10.0, 20.0, 300.0, 400.0]" } };
    for (int i = 0; i < 2; i++) {
        weft_str before = { 0 }, after = { 0 };
        weft_str_addf(&before, "%sc = matmul(x, w) {ta=0, tb=%s} y = multiply(c, m) }", head,
                      rows[i].tb);
        weft_str_addf(&after,
                      "graph f(x: f32[3, 2]) -> (y) {\n    w_1: f32[2, 2] = constant %s\n"
                      "    y: f32[3, 2] = matmul(x, w_1) {ta=0, tb=%s}\n}\n",
                      rows[i].weights, rows[i].tb);
        check_passes("fold-scale,eliminate-dead", NULL, weft_str_text(&before),
                     weft_str_text(&after));
        weft_str_free(&before);
        weft_str_free(&after);
    }
}

static void
a_convolution_that_others_read_is_not_scaled(void **state)
{
    (void)state;
    const char *text = "graph f(x: f32[1, 1, 4]) -> (y, c) {\n"
                       "    w: f32[2, 1, 1] = constant [1.0, 2.0]\n"
                       "    m: f32[2, 1] = constant [3.0, 5.0]\n"
                       "    c: f32[1, 2, 4] = conv(x, w) {" CONV "}\n"
                       "    y: f32[1, 2, 4] = multiply(c, m)\n"
                       "}\n";
    check_passes("fold-scale", NULL, text, text);
}

/* f16 holds no 100000. */
static void
a_product_of_halves_in_f32_is_not_scaled(void **state)
{
    (void)state;
    const char *text = "graph f(x: f16[2, 2]) -> (y) {\n"
                       "    w: f16[2, 2] = constant [1.0, 2.0, 3.0, 4.0]\n"
                       "    m: f32[2] = constant [100000.0, 1.0]\n"
                       "    c: f32[2, 2] = matmul(x, w) {ta=0, tb=0, dtype=f32}\n"
                       "    y: f32[2, 2] = multiply(c, m)\n"
                       "}\n";
    check_passes("fold-scale", NULL, text, text);
}

static void
a_batch_norm_alone_is_a_multiply_and_an_add(void **state)
{
    (void)state;
    check_passes("fold-scale,eliminate-dead", NULL,
                 "graph f(x: f32[1, 2, 4]) -> (y) {\n"
                 "    scale: f32[2] = constant [2, 3]\n"
                 "    shift: f32[2] = constant [0.5, 0]\n"
                 "    mean: f32[2] = constant [1, 2]\n"
                 "    var: f32[2] = constant [3, 0]\n"
                 "    y = batch_norm(x, scale, shift, mean, var) {epsilon=1} from \"bn1\" (BN)\n"
                 "}\n",
                 "graph f(x: f32[1, 2, 4]) -> (y) {\n"
                 "    y.scale: f32[2, 1] = constant [1.0, 3.0]\n"
                 "    y.shift: f32[2, 1] = constant [-0.5, -6.0]\n"
                 "    bn1: f32[1, 2, 4] = multiply(x, y.scale) from \"bn1\" (BN)\n"
                 "    y: f32[1, 2, 4] = add(bn1, y.shift) from \"bn1\" (BN)\n"
                 "}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_goes_into_the_convolution),
        cmocka_unit_test(scales_and_shifts_in_a_row_all_go_into_the_convolution),
        cmocka_unit_test(a_transposed_convolution_is_scaled_by_its_output_channels),
        cmocka_unit_test(a_matmul_is_scaled_by_its_columns),
        cmocka_unit_test(a_convolution_that_others_read_is_not_scaled),
        cmocka_unit_test(a_product_of_halves_in_f32_is_not_scaled),
        cmocka_unit_test(a_batch_norm_alone_is_a_multiply_and_an_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
