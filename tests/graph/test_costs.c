/* The FLOPs and bytes of kernels' headers, against counts made another way: by walking over every
 * multiply-add of the operator's definition, and by the sizes of the tensors. */
#include "support.h"

typedef struct cost {
    double flops, read, written;
} cost;

/* What the header of group i says, all passes run. */
static cost
cost_of(const char *text, int i, int ngroup)
{
    weft_graph *g = graph_of(text);
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    assert_int_equal(g->group.n, ngroup);
    weft_te *te = weft_group_te(g, g->group.at[i], g->diag);
    assert_non_null(te);
    cost c = { te->info.flops, te->info.bytes_read, te->info.bytes_written };
    weft_te_destroy(te);
    weft_graph_destroy(g);
    return c;
}

static void
check_cost(cost got, double flops, double read, double written)
{
    assert_true(got.flops == flops);
    assert_true(got.read == read);
    assert_true(got.written == written);
}

/* The multiply-adds of a convolution, taps in the padding included, as every kernel does them. */
static int64_t
conv_taps(int64_t batch, int64_t out_channels, int64_t out_size, int64_t in_channels, int64_t group,
          int64_t window)
{
    int64_t taps = 0;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t o = 0; o < out_channels; o++)
            for (int64_t yx = 0; yx < out_size * out_size; yx++)
                for (int64_t c = 0; c < in_channels / group; c++)
                    for (int64_t k = 0; k < window * window; k++)
                        taps++;
    return taps;
}

static void
a_convolution_counts_each_tap_twice_and_what_follows_once(void **state)
{
    (void)state;
    cost c =
        cost_of("graph f(x: f32[2, 6, 9, 9], s: f32[8, 1, 1]) -> (y) {\n"
                "w: f32[8, 6, 3, 3] = constant weights(\"00\")\n"
                "c = conv(x, w) {strides=[2, 2], dilations=[1, 1], pads=[1, 1, 1, 1], groups=1}\n"
                "t = add(c, s) y = relu(t) }",
                0, 1);
    int64_t out = 2 * 8 * 5 * 5;
    check_cost(c, (double)(2 * conv_taps(2, 8, 5, 6, 1, 3) + 2 * out),
               4 * (2 * 6 * 9 * 9 + 8 * 6 * 9 + 8), (double)(4 * out));
}

static void
a_grouped_convolution_counts_the_channels_of_its_group(void **state)
{
    (void)state;
    cost c =
        cost_of("graph f(x: f32[1, 6, 8, 8]) -> (y) {\n"
                "w: f32[12, 2, 3, 3] = constant weights(\"00\")\n"
                "y = conv(x, w) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=3} }",
                0, 1);
    check_cost(c, (double)(2 * conv_taps(1, 12, 6, 6, 3, 3)), 4 * (6 * 64 + 12 * 2 * 9),
               4 * 12 * 36);
}

static void
a_product_of_matrices_counts_each_multiply_add_twice(void **state)
{
    (void)state;
    const int64_t m = 5, n = 7, k = 11;
    int64_t adds = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t r = 0; r < k; r++)
                adds++;
    cost c = cost_of(
        "graph f(a: f32[5, 11], b: f32[11, 7]) -> (y) { y = matmul(a, b) {ta=0, tb=0} }", 0, 1);
    check_cost(c, (double)(2 * adds), (double)(4 * (m * k + k * n)), (double)(4 * m * n));
    c = cost_of("graph f(a: f32[11, 5], b: f32[7, 11]) -> (y) { y = matmul(a, b) {ta=1, tb=1} }", 0,
                1);
    check_cost(c, (double)(2 * adds), (double)(4 * (m * k + k * n)), (double)(4 * m * n));
    c = cost_of(
        "graph f(a: f32[3, 5, 11], b: f32[3, 11, 7]) -> (y) { y = matmul(a, b) {ta=0, tb=0} }", 0,
        1);
    check_cost(c, (double)(3 * 2 * adds), (double)(3 * 4 * (m * k + k * n)),
               (double)(3 * 4 * m * n));
}

static void
an_elementwise_group_counts_each_operator_and_its_borders_traffic_alone(void **state)
{
    (void)state;
    cost c = cost_of("graph f(x: f32[6, 10], z: f32[10]) -> (y) { a = add(x, z) b = exp(a) "
                     "y = multiply(a, b) }",
                     0, 1);
    check_cost(c, 3 * 60, 4 * (60 + 10), 4 * 60);
}

static void
half_precision_halves_the_bytes(void **state)
{
    (void)state;
    cost c = cost_of("graph f(x: f16[6, 10]) -> (y) { y = exp(x) }", 0, 1);
    check_cost(c, 60, 120, 120);
}

static void
pooling_counts_every_element_of_every_window(void **state)
{
    (void)state;
    int64_t looks = 0;
    for (int64_t out = 0; out < 3 * 4 * 4; out++)
        for (int64_t k = 0; k < 2 * 3; k++)
            looks++;
    cost c = cost_of("graph f(x: f32[1, 3, 8, 12]) -> (y) { y = max_pool(x) {kernel=[2, 3], "
                     "strides=[2, 3], dilations=[1, 1], pads=[0, 0, 0, 0], ceil=0} }",
                     0, 1);
    check_cost(c, (double)looks, 4 * 3 * 8 * 12, 4 * 3 * 4 * 4);
}

static void
moving_data_costs_no_flops(void **state)
{
    (void)state;
    cost c = cost_of("graph f(x: f32[6, 10]) -> (y) { y = transpose(x) {axes=[1, 0]} }", 0, 1);
    check_cost(c, 0, 240, 240);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution_counts_each_tap_twice_and_what_follows_once),
        cmocka_unit_test(a_grouped_convolution_counts_the_channels_of_its_group),
        cmocka_unit_test(a_product_of_matrices_counts_each_multiply_add_twice),
        cmocka_unit_test(an_elementwise_group_counts_each_operator_and_its_borders_traffic_alone),
        cmocka_unit_test(half_precision_halves_the_bytes),
        cmocka_unit_test(pooling_counts_every_element_of_every_window),
        cmocka_unit_test(moving_data_costs_no_flops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
