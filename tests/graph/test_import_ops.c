/* What operators of ONNX become, version by version. */
#include "support_onnx.h"

static void
check_one(int64_t opset, const char *dims, const char *op, const char *attrs, const char *lines)
{
    model m = model_one(opset, dims, op, "x", attrs);
    check_nodes(&m, NULL, lines);
}

static void
relu_keeps_its_name(void **state)
{
    (void)state;
    check_one(14, "2,3", "Relu", NULL, "y: f32[2, 3] = relu(x)\n");
}

static void
consumed_inputs_of_old_versions_are_ignored(void **state)
{
    (void)state;
    check_one(1, "2", "Relu", "consumed_inputs=[0]", "y: f32[2] = relu(x)\n");
}

static void
an_axis_before_operator_set_7_becomes_trailing_ones(void **state)
{
    (void)state;
    model m = model_one(6, "2,3,4", "Add", "x b", "broadcast=1 axis=1");
    model_floats(&m, "b", "3");
    check_nodes(&m, NULL,
                "b: f32[3] = constant [0.0, 1.0, 2.0]\n"
                "y_reshape: f32[3, 1] = reshape(b) {dims=[3, 1]}\n"
                "y: f32[2, 3, 4] = add(x, y_reshape)\n");
}

static void
softmax_before_13_is_of_two_dimensions(void **state)
{
    (void)state;
    check_one(11, "2,3,4", "Softmax", NULL,
              "y_reshape: f32[2, 12] = reshape(x) {dims=[2, 12]}\n"
              "y_softmax: f32[2, 12] = softmax(y_reshape) {axis=1}\n"
              "y: f32[2, 3, 4] = reshape(y_softmax) {dims=[2, 3, 4]}\n");
}

static void
softmax_before_13_over_units_needs_no_reshape(void **state)
{
    (void)state;
    check_one(9, "2,3,1,1", "Softmax", NULL, "y: f32[2, 3, 1, 1] = softmax(x) {axis=1}\n");
}

static void
softmax_from_13_is_of_the_last_axis(void **state)
{
    (void)state;
    check_one(13, "2,3,4", "Softmax", NULL, "y: f32[2, 3, 4] = softmax(x) {axis=2}\n");
}

static void
same_upper_pads_more_after(void **state)
{
    (void)state;
    model m = model_one(11, "1,1,4,5", "Conv", "x w", "auto_pad='SAME_UPPER' strides=[2,1]");
    model_floats(&m, "w", "1,1,2,4");
    check_nodes(&m, NULL,
                "w: f32[1, 1, 2, 4] = constant [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]\n"
                "y: f32[1, 1, 2, 5] = conv(x, w) {strides=[2, 1], dilations=[1, 1], pads=[0, 1, 0, "
                "2], groups=1}\n");
}

static void
same_lower_pads_more_before(void **state)
{
    (void)state;
    check_one(11, "1,1,4", "MaxPool", "kernel_shape=[2] auto_pad='SAME_LOWER'",
              "y: f32[1, 1, 4] = max_pool(x) {strides=[1], dilations=[1], pads=[1, 0], kernel=[2], "
              "ceil=0}\n");
}

static void
an_output_shape_decides_the_pads_of_conv_transpose(void **state)
{
    (void)state;
    model m = model_one(11, "1,1,3", "ConvTranspose", "x w", "strides=[3] output_shape=[8]");
    model_floats(&m, "w", "1,1,3");
    check_nodes(&m, NULL,
                "w: f32[1, 1, 3] = constant [0.0, 1.0, 2.0]\n"
                "y: f32[1, 1, 8] = conv_transpose(x, w) {strides=[3], dilations=[1], pads=[1, 0], "
                "groups=1, "
                "output_padding=[0]}\n");
}

static void
gemm_scales_only_where_it_is_asked_to(void **state)
{
    (void)state;
    model m = model_one(13, "2,3", "Gemm", "x w c", "transB=1 beta=0.5");
    model_floats(&m, "w", "1,3");
    model_floats(&m, "c", "1");
    check_nodes(&m, NULL,
                "w: f32[1, 3] = constant [0.0, 1.0, 2.0]\n"
                "c: f32[1] = constant [0.0]\n"
                "y_constant: f32[] = constant [0.5]\n"
                "y_multiply: f32[1] = multiply(c, y_constant)\n"
                "y_matmul: f32[2, 1] = matmul(x, w) {ta=0, tb=1}\n"
                "y: f32[2, 1] = add(y_matmul, y_multiply)\n");
}

static void
a_vector_times_a_matrix_loses_the_row_again(void **state)
{
    (void)state;
    model m = model_one(13, "2", "MatMul", "x w", NULL);
    model_floats(&m, "w", "2,2");
    check_nodes(&m, NULL,
                "w: f32[2, 2] = constant [0.0, 1.0, 2.0, 3.0]\n"
                "y_reshape: f32[1, 2] = reshape(x) {dims=[1, 2]}\n"
                "y_matmul: f32[1, 2] = matmul(y_reshape, w) {ta=0, tb=0}\n"
                "y: f32[2] = reshape(y_matmul) {dims=[2]}\n");
}

static void
reshape_copies_zero_and_infers_minus_one(void **state)
{
    (void)state;
    model m = model_one(13, "n,3,4", "Reshape", "x shape", NULL);
    model_ints(&m, "shape", "2", "0,-1");
    check_nodes(&m, NULL,
                "shape: i64[2] = constant [0, -1]\n"
                "y: f32[n, 12] = reshape(x) {dims=[n, 12]}\n");
}

static void
reshape_of_operator_set_1_has_an_attribute(void **state)
{
    (void)state;
    check_one(1, "2,6", "Reshape", "shape=[3,-1]", "y: f32[3, 4] = reshape(x) {dims=[3, 4]}\n");
}

static void
reshape_to_a_computed_shape_stays_symbolic(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "n,3,4");
    model_ints(&m, "zero", "1", "0");
    model_ints(&m, "rest", "1", "-1");
    model_node(&m, "Shape", "x", "s", NULL);
    model_node(&m, "Gather", "s zero", "d", "axis=0");
    model_node(&m, "Concat", "d rest", "to", "axis=0");
    model_node(&m, "Reshape", "x to", "y", NULL);
    model_output(&m, "y");
    weft_graph *g = import(&m, NULL);
    char *text = text_of(g);
    assert_non_null(strstr(text, "y: f32[n, 12] = reshape(x) {dims=[n, 12]}"));
    free(text);
    weft_graph_destroy(g);
}

static void
slice_clamps_and_counts_from_the_end(void **state)
{
    (void)state;
    check_one(9, "5,6", "Slice", "axes=[0,1] starts=[-3,1] ends=[2147483647,100]",
              "y: f32[3, 5] = slice(x) {starts=[2, 1], steps=[1, 1], dims=[3, 5]}\n");
}

static void
slice_goes_backwards(void **state)
{
    (void)state;
    model m = model_one(13, "5", "Slice", "x s e a t", NULL);
    model_ints(&m, "s", "1", "9");
    model_ints(&m, "e", "1", "-99");
    model_ints(&m, "a", "1", "0");
    model_ints(&m, "t", "1", "-2");
    check_nodes(&m, NULL,
                "s: i64[1] = constant [9]\ne: i64[1] = constant [-99]\n"
                "a: i64[1] = constant [0]\nt: i64[1] = constant [-2]\n"
                "y: f32[3] = slice(x) {starts=[4], steps=[-2], dims=[3]}\n");
}

static void
slice_of_a_symbol_ends_at_the_symbol(void **state)
{
    (void)state;
    check_one(9, "n,4", "Slice", "axes=[0] starts=[1] ends=[2147483647]",
              "y: f32[n - min(n, 1), 4] = slice(x) {starts=[min(n, 1), 0], steps=[1, 1], dims=[n - "
              "min(n, 1), 4]}\n");
}

static void
split_of_18_leaves_the_rest_to_the_last(void **state)
{
    (void)state;
    model m = model_make(18);
    model_input(&m, "x", ONNX_FLOAT, "7");
    model_node(&m, "Split", "x", "a b", "num_outputs=2");
    model_output(&m, "a");
    model_output(&m, "b");
    check_nodes(&m, NULL,
                "a: f32[4] = slice(x) {starts=[0], steps=[1], dims=[4]}\n"
                "b: f32[3] = slice(x) {starts=[4], steps=[1], dims=[3]}\n");
}

static void
pads_go_to_the_axes_named(void **state)
{
    (void)state;
    model m = model_one(18, "2,3", "Pad", "x p _ a", "mode='edge'");
    model_ints(&m, "p", "2", "1,2");
    model_ints(&m, "a", "1", "-1");
    check_nodes(&m, NULL,
                "p: i64[2] = constant [1, 2]\na: i64[1] = constant [-1]\n"
                "y: f32[2, 6] = pad(x) {before=[0, 1], after=[0, 2], mode=\"edge\"}\n");
}

static void
clip_of_6_has_attributes(void **state)
{
    (void)state;
    check_one(6, "2", "Clip", "min=0.0",
              "y_constant: f32[] = constant [0.0]\ny: f32[2] = clip(x, y_constant)\n");
}

static void
clip_may_lack_its_lower_bound(void **state)
{
    (void)state;
    model m = model_one(13, "2", "Clip", "x _ max", NULL);
    model_floats(&m, "max", "1");
    check_nodes(&m, NULL, "max: f32[1] = constant [0.0]\ny: f32[2] = clip(x, none, max)\n");
}

static void
reductions_without_axes_are_of_all(void **state)
{
    (void)state;
    check_one(13, "2,3", "ReduceMean", "keepdims=0",
              "y: f32[] = mean(x) {axes=[0, 1], keepdims=0}\n");
}

static void
a_reduction_of_no_axes_may_do_nothing(void **state)
{
    (void)state;
    check_one(13, "2,3", "ReduceSum", "noop_with_empty_axes=1", "y: f32[2, 3] = identity(x)\n");
}

static void
dropout_keeps_everything(void **state)
{
    (void)state;
    model m = model_make(12);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_node(&m, "Dropout", "x", "d mask", NULL);
    model_node(&m, "Neg", "d", "y", NULL);
    model_output(&m, "y");
    model_output(&m, "mask");
    check_nodes(
        &m, NULL,
        "mask: bool[2] = full() {dims=[2], value=1.0, dtype=bool}\ny: f32[2] = negative(x)\n");
}

static void
squeeze_takes_negative_axes(void **state)
{
    (void)state;
    check_one(11, "1,2,1", "Squeeze", "axes=[-1]", "y: f32[1, 2] = reshape(x) {dims=[1, 2]}\n");
}

static void
unsqueeze_of_13_has_an_input(void **state)
{
    (void)state;
    model m = model_one(13, "2,3", "Unsqueeze", "x a", NULL);
    model_ints(&m, "a", "2", "0,-1");
    check_nodes(&m, NULL,
                "a: i64[2] = constant [0, -1]\n"
                "y: f32[1, 2, 3, 1] = reshape(x) {dims=[1, 2, 3, 1]}\n");
}

static void
cast_of_operator_set_1_names_its_type(void **state)
{
    (void)state;
    check_one(1, "2", "Cast", "to='INT64'", "y: i64[2] = cast(x) {dtype=i64}\n");
}

static void
constants_come_from_every_kind_of_attribute(void **state)
{
    (void)state;
    model m = model_make(13);
    model_node(&m, "Constant", "", "a", "value_int=3");
    model_node(&m, "Constant", "", "b", "value_ints=[1,2]");
    model_node(&m, "Constant", "", "c", "value_float=0.5");
    model_node(&m, "Constant", "", "d", "value_floats=[0.5,1.5]");
    model_node(&m, "Add", "c d", "y", NULL);
    model_node(&m, "Add", "a b", "z", NULL);
    model_output(&m, "y");
    model_output(&m, "z");
    check_nodes(&m, NULL,
                "a: i64[] = constant [3]\nb: i64[2] = constant [1, 2]\n"
                "c: f32[] = constant [0.5]\nd: f32[2] = constant [0.5, 1.5]\n"
                "y: f32[2] = add(c, d)\nz: i64[2] = add(a, b)\n");
}

static void
tile_repeats_by_broadcasting(void **state)
{
    (void)state;
    model m = model_one(13, "2,3", "Tile", "x r", NULL);
    model_ints(&m, "r", "2", "1,2");
    check_nodes(&m, NULL,
                "r: i64[2] = constant [1, 2]\n"
                "y_reshape: f32[2, 1, 3] = reshape(x) {dims=[2, 1, 3]}\n"
                "y_broadcast_to: f32[2, 2, 3] = broadcast_to(y_reshape) {dims=[2, 2, 3]}\n"
                "y: f32[2, 6] = reshape(y_broadcast_to) {dims=[2, 6]}\n");
}

static void
a_sum_of_many_is_a_chain(void **state)
{
    (void)state;
    check_nodes(&(model[]){ model_one(13, "2", "Sum", "x x x", NULL) }[0], NULL,
                "y_add: f32[2] = add(x, x)\ny: f32[2] = add(y_add, x)\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_keeps_its_name),
        cmocka_unit_test(consumed_inputs_of_old_versions_are_ignored),
        cmocka_unit_test(an_axis_before_operator_set_7_becomes_trailing_ones),
        cmocka_unit_test(softmax_before_13_is_of_two_dimensions),
        cmocka_unit_test(softmax_before_13_over_units_needs_no_reshape),
        cmocka_unit_test(softmax_from_13_is_of_the_last_axis),
        cmocka_unit_test(same_upper_pads_more_after),
        cmocka_unit_test(same_lower_pads_more_before),
        cmocka_unit_test(an_output_shape_decides_the_pads_of_conv_transpose),
        cmocka_unit_test(gemm_scales_only_where_it_is_asked_to),
        cmocka_unit_test(a_vector_times_a_matrix_loses_the_row_again),
        cmocka_unit_test(reshape_copies_zero_and_infers_minus_one),
        cmocka_unit_test(reshape_of_operator_set_1_has_an_attribute),
        cmocka_unit_test(reshape_to_a_computed_shape_stays_symbolic),
        cmocka_unit_test(slice_clamps_and_counts_from_the_end),
        cmocka_unit_test(slice_goes_backwards),
        cmocka_unit_test(slice_of_a_symbol_ends_at_the_symbol),
        cmocka_unit_test(split_of_18_leaves_the_rest_to_the_last),
        cmocka_unit_test(pads_go_to_the_axes_named),
        cmocka_unit_test(clip_of_6_has_attributes),
        cmocka_unit_test(clip_may_lack_its_lower_bound),
        cmocka_unit_test(reductions_without_axes_are_of_all),
        cmocka_unit_test(a_reduction_of_no_axes_may_do_nothing),
        cmocka_unit_test(dropout_keeps_everything),
        cmocka_unit_test(squeeze_takes_negative_axes),
        cmocka_unit_test(unsqueeze_of_13_has_an_input),
        cmocka_unit_test(cast_of_operator_set_1_names_its_type),
        cmocka_unit_test(constants_come_from_every_kind_of_attribute),
        cmocka_unit_test(tile_repeats_by_broadcasting),
        cmocka_unit_test(a_sum_of_many_is_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
