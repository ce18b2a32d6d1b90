/* Transposed convolutions of constant weights as convolutions. */
#include "support.h"

static void
a_strided_one_gets_a_channel_for_each_phase_and_is_put_side_by_side(void **state)
{
    (void)state;
    check_passes("split-phases,eliminate-dead", NULL,
                 "graph f(x: f32[1, 1, n]) -> (y) {\n"
                 "    w: f32[1, 2, 3] = constant [1, 2, 3, 4, 5, 6]\n"
                 "    b: f32[2] = constant [7, 8]\n"
                 "    y = conv_transpose(x, w, b) {strides=[2], dilations=[1], pads=[1, 0], "
                 "output_padding=[1], groups=1} from \"up\" (ConvTranspose)\n"
                 "}\n",
                 "graph f(x: f32[1, 1, n]) -> (y) {\n"
                 "    w.phases: f32[4, 1, 2] = constant [3.0, 1.0, 0.0, 2.0, 6.0, 4.0, 0.0, 5.0]\n"
                 "    b.phases: f32[4] = constant [7.0, 7.0, 8.0, 8.0]\n"
                 "    up: f32[1, 4, n + 1] = conv(x, w.phases, b.phases) {strides=[1], "
                 "dilations=[1], pads=[1, 1], groups=1} from \"up\" (ConvTranspose)\n"
                 "    up_1: f32[1, 2, 2, n + 1] = reshape(up) {dims=[1, 2, 2, n + 1]} from \"up\" "
                 "(ConvTranspose)\n"
                 "    up_2: f32[1, 2, n + 1, 2] = transpose(up_1) {axes=[0, 1, 3, 2]} from \"up\" "
                 "(ConvTranspose)\n"
                 "    up_3: f32[1, 2, n * 2 + 2] = reshape(up_2) {dims=[1, 2, n * 2 + 2]} from "
                 "\"up\" (ConvTranspose)\n"
                 "    y: f32[1, 2, n * 2 + 1] = slice(up_3) {starts=[0, 0, 1], steps=[1, 1, 1], "
                 "dims=[1, 2, n * 2 + 1]} from \"up\" (ConvTranspose)\n"
                 "}\n");
}

static void
one_without_strides_is_a_convolution_with_the_kernel_turned_round(void **state)
{
    (void)state;
    check_passes("split-phases,eliminate-dead", NULL,
                 "graph f(x: f32[1, 4, 5]) -> (y) {\n"
                 "    w: f32[4, 1, 2] = constant [1, 2, 3, 4, 5, 6, 7, 8]\n"
                 "    y = conv_transpose(x, w) {strides=[1], dilations=[3], pads=[1, 2], "
                 "output_padding=[0], groups=2}\n"
                 "}\n",
                 "graph f(x: f32[1, 4, 5]) -> (y) {\n"
                 "    w.phases: f32[2, 2, 2] = constant [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0]\n"
                 "    y: f32[1, 2, 5] = conv(x, w.phases) {strides=[1], dilations=[3], pads=[2, 1], "
                 "groups=2}\n"
                 "}\n");
}

static void
check_stays(const char *text)
{
    weft_graph *g = graph_of(text);
    char *same = text_of(g);
    check_passes("split-phases", NULL, text, same);
    free(same);
    weft_graph_destroy(g);
}

#define TWO "graph f(x: f32[1, 1, 9]) -> (y) { w: f32[1, 1, 2] = constant [1, 2] "
#define REST ", output_padding=[0], groups=1} }"

/* Weights that the run gives, strides with dilations, padding beyond the kernel. */
static void
what_is_no_convolution_stays(void **state)
{
    (void)state;
    check_stays("graph f(x: f32[1, 1, 9], w: f32[1, 1, 2]) -> (y) { y = conv_transpose(x, w) "
                "{strides=[2], dilations=[1], pads=[0, 0]" REST);
    check_stays(TWO "y = conv_transpose(x, w) {strides=[2], dilations=[2], pads=[0, 0]" REST);
    check_stays(TWO "y = conv_transpose(x, w) {strides=[1], dilations=[1], pads=[2, 0]" REST);
    check_stays(TWO "y = conv_transpose(x, w) {strides=[1], dilations=[1], pads=[0, 2]" REST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strided_one_gets_a_channel_for_each_phase_and_is_put_side_by_side),
        cmocka_unit_test(one_without_strides_is_a_convolution_with_the_kernel_turned_round),
        cmocka_unit_test(what_is_no_convolution_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
