/* Large tensors in parts, weights in lanes, channels in blocks, places in one dimension. */
#include "support.h"

#define CONV "strides=[1], dilations=[1], pads=[0, 0], groups=1"

static void
a_large_matmul_is_split_along_its_columns(void **state)
{
    (void)state;
    weft_graph_options options = { .max_range = 16 };
    check_passes("split-large,eliminate-dead", &options,
                 "graph f(x: f32[1, 2]) -> (y) {\n"
                 "    w: f32[2, 3] = constant [1, 2, 3, 4, 5, 6]\n"
                 "    y = matmul(x, w) {ta=0, tb=0} from \"fc\" (Gemm)\n"
                 "}\n",
                 "graph f(x: f32[1, 2]) -> (y) {\n"
                 "    w.0: f32[2, 2] = constant [1.0, 2.0, 4.0, 5.0]\n"
                 "    w.2: f32[2, 1] = constant [3.0, 6.0]\n"
                 "    fc: f32[1, 2] = matmul(x, w.0) {ta=0, tb=0} from \"fc\" (Gemm)\n"
                 "    fc_1: f32[1, 1] = matmul(x, w.2) {ta=0, tb=0} from \"fc\" (Gemm)\n"
                 "    y: f32[1, 3] = concatenate(fc, fc_1) {axis=1} from \"fc\" (Gemm)\n"
                 "}\n");
}

static void
rows_of_a_large_weight_are_not_copied(void **state)
{
    (void)state;
    weft_graph_options options = { .max_alloc = 8 };
    weft_graph *g = graph_of("graph f(x: f32[1, 1, 4]) -> (y) {\n"
                             "    w: f32[3, 1, 1] = constant [1, 2, 3]\n"
                             "    b: f32[3] = constant [4, 5, 6]\n"
                             "    y = conv(x, w, b) {" CONV "}\n"
                             "}\n");
    const weft_value *w = g->node.at[0]->in[1];
    assert_int_equal(weft_run_graph_passes(g, "split-large", &options), WEFT_OK);
    assert_int_equal(g->node.n, 3);
    assert_ptr_equal(g->node.at[0]->in[1]->data->data, w->data->data);
    assert_ptr_equal(g->node.at[1]->in[1]->data->data, (const float *)w->data->data + 2);
    assert_float_equal(weft_get_f64(WEFT_F32, g->node.at[1]->in[2]->data->data, 0), 6, 0);
    weft_graph_destroy(g);
}

static void
a_weight_that_cannot_be_split_is_an_error_with_numbers(void **state)
{
    (void)state;
    weft_graph_options options = { .max_range = 4 };
    check_pass_error(
        "split-large", &options,
        "graph f(x: f32[1, 2]) -> (y) {\n"
        "    w: f32[2, 3] = constant [1, 2, 3, 4, 5, 6]\n"
        "    y = matmul(x, w) {ta=0, tb=0} from \"fc\" (Gemm)\n"
        "}\n",
        "one output channel of the weight takes 8 bytes, and a buffer of the target has at "
        "most 4");
}

static void
a_large_table_is_looked_up_in_parts(void **state)
{
    (void)state;
    weft_graph_options options = { .max_range = 16 };
    weft_graph *g = graph_of("graph f(i: i64[5]) -> (y) {\n"
                             "    t: f32[3, 2] = constant [1, 2, 3, 4, 5, 6]\n"
                             "    y = take(t, i) {axis=0}\n"
                             "}\n");
    assert_int_equal(weft_run_graph_passes(g, "split-large,eliminate-dead", &options), WEFT_OK);
    int takes = 0;
    for (int i = 0; i < g->node.n; i++)
        takes += g->node.at[i]->op == WEFT_GOP_GATHER;
    assert_int_equal(takes, 2);
    assert_string_equal(g->output.at[0]->name, "y");
    assert_int_equal(g->output.at[0]->ndim, 2);
    weft_graph_destroy(g);
}

static void
a_concatenation_of_many_becomes_a_tree(void **state)
{
    (void)state;
    weft_graph_options options = { .max_buffers = 4 };
    check_passes("split-large,eliminate-dead", &options,
                 "graph f(a: f32[1], b: f32[2]) -> (y) { y = concatenate(a, b, a, b) {axis=0} }",
                 "graph f(a: f32[1], b: f32[2]) -> (y) {\n"
                 "    concatenate: f32[4] = concatenate(a, b, a) {axis=0}\n"
                 "    y: f32[6] = concatenate(concatenate, b) {axis=0}\n"
                 "}\n");
}

static void
weights_are_packed_in_lanes(void **state)
{
    (void)state;
    weft_graph_options options = { .pack_lanes = 2 };
    check_passes(
        "pack-weights,eliminate-dead", &options,
        "graph f(x: f32[1, 2], z: f32[1, 1, 4]) -> (a, b, c) {\n"
        "    w: f32[2, 3] = constant [1, 2, 3, 4, 5, 6]\n"
        "    v: f32[3, 2] = constant [1, 2, 3, 4, 5, 6]\n"
        "    k: f32[3, 1, 2] = constant [1, 2, 3, 4, 5, 6]\n"
        "    a = matmul(x, w) {ta=0, tb=0}\n"
        "    b = matmul(x, v) {ta=0, tb=1}\n"
        "    c = conv(z, k) {" CONV "}\n"
        "}\n",
        "graph f(x: f32[1, 2], z: f32[1, 1, 4]) -> (a, b, c) {\n"
        "    w.packed: f32[2, 2, 2] = constant [1.0, 2.0, 4.0, 5.0, 3.0, 0.0, 6.0, 0.0]\n"
        "    v.packed: f32[2, 2, 2] = constant [1.0, 3.0, 2.0, 4.0, 5.0, 0.0, 6.0, 0.0]\n"
        "    k.packed: f32[2, 1, 2, 2] = constant [1.0, 3.0, 2.0, 4.0, 5.0, 0.0, 6.0, 0.0]\n"
        "    a: f32[1, 3] = matmul(x, w.packed) {ta=0, tb=0, pack=2, n=3}\n"
        "    b: f32[1, 3] = matmul(x, v.packed) {ta=0, tb=0, pack=2, n=3}\n"
        "    c: f32[1, 3, 3] = conv(z, k.packed) {" CONV ", pack=2, out_channels=3}\n"
        "}\n");
}

static void
a_weight_that_two_read_is_packed_once(void **state)
{
    (void)state;
    weft_graph_options options = { .pack_lanes = 2 };
    weft_graph *g = graph_of("graph f(x: f32[1, 2], z: f32[5, 2]) -> (a, b) {\n"
                             "    w: f32[2, 3] = constant [1, 2, 3, 4, 5, 6]\n"
                             "    a = matmul(x, w) {ta=0, tb=0}\n"
                             "    b = matmul(z, w) {ta=0, tb=0}\n"
                             "}\n");
    assert_int_equal(weft_run_graph_passes(g, "pack-weights", &options), WEFT_OK);
    assert_ptr_equal(g->node.at[0]->in[1], g->node.at[1]->in[1]);
    weft_graph_destroy(g);
}

#define CONV2 "strides=[1, 1], dilations=[1, 1], pads=[1, 1, 1, 1], groups=1"

static void
channels_go_over_to_blocks_where_convolutions_gain(void **state)
{
    (void)state;
    weft_graph_options options = { .block_lanes = 2 };
    check_passes("layout,eliminate-dead", &options,
                 "graph f(x: f32[n, 3, 5, 5], z: f32[1, 4, 5, 5]) -> (y, s) {\n"
                 "    w: f32[4, 3, 3, 3] = constant weights(\"0123456789abcdef\")\n"
                 "    v: f32[8, 4, 3, 3] = constant weights(\"0123456789abcdef\")\n"
                 "    b: f32[4, 1, 1] = constant [1, 2, 3, 4]\n"
                 "    c = conv(x, w) {" CONV2 "}\n"
                 "    r = add(c, b)\n"
                 "    t = add(z, r)\n"
                 "    d = conv(t, v) {" CONV2 "}\n"
                 "    y = mean(d) {axes=[2, 3], keepdims=1}\n"
                 "    s = softmax(d) {axis=1}\n"
                 "}\n",
                 "graph f(x: f32[n, 3, 5, 5], z: f32[1, 4, 5, 5]) -> (y, s) {\n"
                 "    w: f32[4, 3, 3, 3] = constant weights(\"0123456789abcdef\")\n"
                 "    v: f32[8, 4, 3, 3] = constant weights(\"0123456789abcdef\")\n"
                 "    b.wide.blocked: f32[1, 2, 1, 1, 2] = constant [1.0, 2.0, 3.0, 4.0]\n"
                 "    c.blocked: f32[n, 2, 5, 5, 2] = conv(x, w) {" CONV2 ", out_block=2}\n"
                 "    r.blocked: f32[n, 2, 5, 5, 2] = add(c.blocked, b.wide.blocked)\n"
                 "    z.blocked: f32[1, 2, 5, 5, 2] = block(z) {lanes=2}\n"
                 "    t.blocked: f32[n, 2, 5, 5, 2] = add(z.blocked, r.blocked)\n"
                 "    d.blocked: f32[n, 4, 5, 5, 2] = conv(t.blocked, v) {" CONV2
                 ", in_block=2, out_block=2}\n"
                 "    y.blocked: f32[n, 4, 1, 1, 2] = mean(d.blocked) {axes=[2, 3], keepdims=1}\n"
                 "    d: f32[n, 8, 5, 5] = unblock(d.blocked)\n"
                 "    s: f32[n, 8, 5, 5] = softmax(d) {axis=1}\n"
                 "    y: f32[n, 8, 1, 1] = reshape(y.blocked) {dims=[n, 8, 1, 1]}\n"
                 "}\n");
}

static void
a_models_own_conversions_to_blocks_go_where_blocks_are_there(void **state)
{
    (void)state;
    weft_graph_options options = { .block_lanes = 2 };
    check_passes(
        "layout,eliminate-dead", &options,
        "graph f(x: f32[1, 2, 5, 5, 2]) -> (y) {\n"
        "    w: f32[4, 1, 3, 3] = constant weights(\"0123456789abcdef\")\n"
        "    u = unblock(x)\n"
        "    c = conv(u, w) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=4}\n"
        "    y = block(c) {lanes=2}\n"
        "}\n",
        "graph f(x: f32[1, 2, 5, 5, 2]) -> (y = c.blocked) {\n"
        "    w: f32[4, 1, 3, 3] = constant weights(\"0123456789abcdef\")\n"
        "    c.blocked: f32[1, 2, 3, 3, 2] = conv(x, w) {strides=[1, 1], dilations=[1, 1], "
        "pads=[0, 0, 0, 0], groups=4, in_block=2, out_block=2}\n"
        "}\n");
}

static void
channels_that_are_no_whole_blocks_stay(void **state)
{
    (void)state;
    weft_graph_options options = { .block_lanes = 4 };
    const char *text = "graph f(x: f32[1, 6, 5, 5]) -> (y) {\n"
                       "    w: f32[6, 6, 3, 3] = constant weights(\"0123456789abcdef\")\n"
                       "    c: f32[1, 6, 5, 5] = conv(x, w) {" CONV2 "}\n"
                       "    y: f32[1, 6, 5, 5] = relu(c)\n"
                       "}\n";
    check_passes("layout", &options, text, text);
}

#define POINT "strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0]"
#define POINT1 "strides=[1], dilations=[1], pads=[0, 0]"

static void
places_are_one_dimension_where_convolutions_look_at_one_alone(void **state)
{
    (void)state;
    weft_graph_options options = { .flat_places = true };
    check_passes("flat-places,eliminate-dead", &options,
                 "graph f(x: f32[n, 6, h, 4], z: f32[1, 4, h, 4]) -> (y, s) {\n"
                 "    w: f32[4, 3, 1, 1] = constant [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n"
                 "    v: f32[2, 4, 1, 1] = constant [1, 2, 3, 4, 5, 6, 7, 8]\n"
                 "    b: f32[4, 1, 1] = constant [1, 2, 3, 4]\n"
                 "    c = conv(x, w) {" POINT ", groups=2}\n"
                 "    r = add(c, b)\n"
                 "    t = add(z, r)\n"
                 "    y = conv(t, v) {" POINT ", groups=1}\n"
                 "    s = softmax(t) {axis=3}\n"
                 "}\n",
                 "graph f(x: f32[n, 6, h, 4], z: f32[1, 4, h, 4]) -> (y, s) {\n"
                 "    w.flat: f32[4, 3, 1] = constant [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, "
                 "10.0, 11.0, 12.0]\n"
                 "    b.flat: f32[4, 1] = constant [1.0, 2.0, 3.0, 4.0]\n"
                 "    v.flat: f32[2, 4, 1] = constant [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]\n"
                 "    x.flat: f32[n, 6, h * 4] = reshape(x) {dims=[n, 6, h * 4]}\n"
                 "    c.flat: f32[n, 4, h * 4] = conv(x.flat, w.flat) {" POINT1 ", groups=2}\n"
                 "    r.flat: f32[n, 4, h * 4] = add(c.flat, b.flat)\n"
                 "    z.flat: f32[1, 4, h * 4] = reshape(z) {dims=[1, 4, h * 4]}\n"
                 "    t.flat: f32[n, 4, h * 4] = add(z.flat, r.flat)\n"
                 "    y.flat: f32[n, 2, h * 4] = conv(t.flat, v.flat) {" POINT1 ", groups=1}\n"
                 "    t: f32[n, 4, h, 4] = reshape(t.flat) {dims=[n, 4, h, 4]}\n"
                 "    s: f32[n, 4, h, 4] = softmax(t) {axis=3}\n"
                 "    y: f32[n, 2, h, 4] = reshape(y.flat) {dims=[n, 2, h, 4]}\n"
                 "}\n");
}

static void
what_reads_the_flat_form_in_another_shape_reads_it_itself(void **state)
{
    (void)state;
    weft_graph_options options = { .flat_places = true };
    check_passes("flat-places,eliminate-dead", &options,
                 "graph f(x: f32[1, 4, 2, 2]) -> (y) {\n"
                 "    w: f32[4, 1, 1, 1] = constant [1, 2, 3, 4]\n"
                 "    c = conv(x, w) {" POINT ", groups=4}\n"
                 "    r = reshape(c) {dims=[2, 2, 2, 2]}\n"
                 "    y = transpose(r) {axes=[1, 0, 2, 3]}\n"
                 "}\n",
                 "graph f(x: f32[1, 4, 2, 2]) -> (y) {\n"
                 "    w.flat: f32[4, 1, 1] = constant [1.0, 2.0, 3.0, 4.0]\n"
                 "    x.flat: f32[1, 4, 4] = reshape(x) {dims=[1, 4, 4]}\n"
                 "    c.flat: f32[1, 4, 4] = conv(x.flat, w.flat) {" POINT1 ", groups=4}\n"
                 "    r: f32[2, 2, 2, 2] = reshape(c.flat) {dims=[2, 2, 2, 2]}\n"
                 "    y: f32[2, 2, 2, 2] = transpose(r) {axes=[1, 0, 2, 3]}\n"
                 "}\n");
}

static void
windows_steps_borders_and_operands_of_rows_keep_their_dimensions(void **state)
{
    (void)state;
    weft_graph_options options = { .flat_places = true };
    const char *text =
        "graph f(x: f32[1, 2, 5, 5], row: f32[1, 5]) -> (a, b, c, d) {\n"
        "    w: f32[2, 2, 1, 1] = constant [1.0, 2.0, 3.0, 4.0]\n"
        "    v: f32[2, 2, 1, 2] = constant [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]\n"
        "    a: f32[1, 2, 3, 5] = conv(x, w) {strides=[2, 1], dilations=[1, 1], pads=[0, 0, 0, 0], "
        "groups=1}\n"
        "    b: f32[1, 2, 6, 5] = conv(x, w) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 1, 0], "
        "groups=1}\n"
        "    c: f32[1, 2, 5, 4] = conv(x, v) {" POINT ", groups=1}\n"
        "    d: f32[1, 2, 5, 5] = add(x, row)\n"
        "}\n";
    check_passes("flat-places", &options, text, text);
}

static void
weights_of_blocks_are_packed_with_their_input_channels_side_by_side(void **state)
{
    (void)state;
    weft_graph_options options = { .pack_lanes = 2 };
    check_passes("pack-weights,eliminate-dead", &options,
                 "graph f(x: f32[1, 1, 5, 2]) -> (y) {\n"
                 "    w: f32[2, 2, 2] = constant [1, 2, 3, 4, 5, 6, 7, 8]\n"
                 "    y = conv(x, w) {" CONV ", in_block=2, out_block=2}\n"
                 "}\n",
                 "graph f(x: f32[1, 1, 5, 2]) -> (y) {\n"
                 "    w.packed: f32[1, 1, 2, 2, 2] = constant [1.0, 5.0, 3.0, 7.0, 2.0, 6.0, 4.0, "
                 "8.0]\n"
                 "    y: f32[1, 1, 4, 2] = conv(x, w.packed) {" CONV
                 ", in_block=2, out_block=2, pack=2, out_channels=2}\n"
                 "}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_matmul_is_split_along_its_columns),
        cmocka_unit_test(rows_of_a_large_weight_are_not_copied),
        cmocka_unit_test(a_weight_that_cannot_be_split_is_an_error_with_numbers),
        cmocka_unit_test(a_large_table_is_looked_up_in_parts),
        cmocka_unit_test(a_concatenation_of_many_becomes_a_tree),
        cmocka_unit_test(weights_are_packed_in_lanes),
        cmocka_unit_test(channels_go_over_to_blocks_where_convolutions_gain),
        cmocka_unit_test(a_models_own_conversions_to_blocks_go_where_blocks_are_there),
        cmocka_unit_test(channels_that_are_no_whole_blocks_stay),
        cmocka_unit_test(places_are_one_dimension_where_convolutions_look_at_one_alone),
        cmocka_unit_test(what_reads_the_flat_form_in_another_shape_reads_it_itself),
        cmocka_unit_test(windows_steps_borders_and_operands_of_rows_keep_their_dimensions),
        cmocka_unit_test(weights_of_blocks_are_packed_with_their_input_channels_side_by_side),
        cmocka_unit_test(a_weight_that_two_read_is_packed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
