/* What ONNX's running sums, sorting and spectral operators become. */
#include "support_onnx.h"

static void
the_axis_of_a_running_sum_counts_from_the_end(void **state)
{
    (void)state;
    model m = model_one(14, "2,n", "CumSum", "x axis", "exclusive=1");
    model_ints(&m, "axis", "", "-1");
    check_nodes(&m, NULL,
                "axis: i64[] = constant [-1]\n"
                "y: f32[2, n] = cumsum(x) {axis=1, exclusive=1, reverse=0}\n");
}

static void
top_k_of_operator_set_1_has_an_attribute(void **state)
{
    (void)state;
    model m = model_one(9, "2,9", "TopK", "x", "k=3 axis=0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "argsort|count is more than axis 0 has elements");
    m = model_one(9, "2,9", "TopK", "x", "k=3");
    check_nodes(&m, NULL,
                "y_argsort: i64[2, 3] = argsort(x) {axis=1, descending=1, count=[3]}\n"
                "y: f32[2, 3] = take_along_axis(x, y_argsort) {axis=1}\n");
}

static void
top_k_may_take_as_many_as_there_are(void **state)
{
    (void)state;
    model m = model_make(11);
    model_input(&m, "x", ONNX_FLOAT, "n");
    model_node(&m, "Shape", "x", "k", NULL);
    model_node(&m, "TopK", "x k", "_ y", "largest=0 sorted=0");
    model_output(&m, "y");
    check_nodes(&m, NULL,
                "k: i64[1] = dims() {value=[n], scalar=0}\n"
                "y: i64[n] = argsort(x) {axis=0, descending=0, count=[n]}\n"
                "y_take_along_axis: f32[n] = take_along_axis(x, y) {axis=0}\n");
}

static void
a_short_transform_is_a_product(void **state)
{
    (void)state;
    model m = model_one(17, "1,2,1", "DFT", "x", "onesided=1");
    check_nodes(&m, NULL,
                "y_constant: f32[2, 4] = constant [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0]\n"
                "y_transpose: f32[1, 2, 1] = transpose(x) {axes=[0, 1, 2]}\n"
                "y_reshape: f32[1, 2, 1] = reshape(y_transpose) {dims=[1, 2, 1]}\n"
                "y_reshape_1: f32[1, 2] = reshape(y_reshape) {dims=[1, 2]}\n"
                "y_matmul: f32[1, 4] = matmul(y_reshape_1, y_constant) {ta=0, tb=0}\n"
                "y_reshape_2: f32[1, 2, 2] = reshape(y_matmul) {dims=[1, 2, 2]}\n"
                "y_reshape_3: f32[1, 2, 2] = reshape(y_reshape_2) {dims=[1, 2, 2]}\n"
                "y: f32[1, 2, 2] = transpose(y_reshape_3) {axes=[0, 1, 2]}\n");
}

static void
a_transform_goes_along_no_parts(void **state)
{
    (void)state;
    model m = model_one(17, "1,8,2", "DFT", "x", "axis=-1");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "DFT|axis -1 is the last");
    m = model_one(17, "1,8,3", "DFT", "x", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "DFT|has to be 1 (real) or 2");
    m = model_one(17, "1,n,1", "DFT", "x", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "DFT|dimension 1 of 'x' has to be constant");
}

static void
a_window_of_a_symbol_is_computed(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "n");
    model_node(&m, "Size", "x", "k", NULL);
    model_node(&m, "HannWindow", "k", "y", "output_datatype=11");
    model_output(&m, "y");
    weft_graph *g = import(&m, NULL);
    assert_int_equal(g->output.at[0]->dtype, WEFT_F64);
    assert_int_equal(g->output.at[0]->ndim, 1);
    weft_graph_destroy(g);
}

static void
coordinates_of_what_is_not_zero_are_as_many_as_the_run_finds(void **state)
{
    (void)state;
    model m = model_one(13, "n", "NonZero", "x", NULL);
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [0.0]\n"
                "y_not_equal: bool[n] = not_equal(x, y_constant)\n"
                "y_reshape: bool[n] = reshape(y_not_equal) {dims=[n]}\n"
                "y_cast: i64[n] = cast(y_reshape) {dtype=i64}\n"
                "y_sum: i64[] = sum(y_cast) {axes=[0], keepdims=0}\n"
                "y_flatnonzero: i64[n] = flatnonzero(y_reshape)\n"
                "y: i64[] = read(y_sum) {symbol=\"y\", at=0, most=[n]}\n"
                "y_slice: i64[y] = slice(y_flatnonzero) {starts=[0], steps=[1], dims=[y]}\n"
                "y_reshape_1: i64[1, y] = reshape(y_slice) {dims=[1, y]}\n"
                "y_1: i64[1, y] = concatenate(y_reshape_1) {axis=0}\n");
}

static void
a_condition_may_be_shorter_than_what_it_is_for(void **state)
{
    (void)state;
    model m = model_make(11);
    model_input(&m, "x", ONNX_FLOAT, "4,2");
    model_input(&m, "c", ONNX_BOOL, "3");
    model_node(&m, "Compress", "x c", "y", "axis=0");
    model_output(&m, "y");
    check_nodes(&m, NULL,
                "y_slice: bool[3] = slice(c) {starts=[0], steps=[1], dims=[3]}\n"
                "y_cast: i64[3] = cast(y_slice) {dtype=i64}\n"
                "y_sum: i64[] = sum(y_cast) {axes=[0], keepdims=0}\n"
                "y_flatnonzero: i64[3] = flatnonzero(y_slice)\n"
                "y: i64[] = read(y_sum) {symbol=\"y\", at=0, most=[3]}\n"
                "y_slice_1: i64[y] = slice(y_flatnonzero) {starts=[0], steps=[1], dims=[y]}\n"
                "y_1: f32[y, 2] = take(x, y_slice_1) {axis=0}\n");
}

static void
boxes_need_scores_of_three_dimensions(void **state)
{
    (void)state;
    model m = model_make(11);
    model_input(&m, "b", ONNX_FLOAT, "1,6,4");
    model_input(&m, "s", ONNX_FLOAT, "1,6");
    model_node(&m, "NonMaxSuppression", "b s", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "NonMaxSuppression|three dimensions");
    m = model_make(11);
    model_input(&m, "b", ONNX_FLOAT, "1,6,4");
    model_input(&m, "s", ONNX_FLOAT, "1,1,7");
    model_node(&m, "NonMaxSuppression", "b s", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "non_max_suppression|boxes f32[b, n, 4]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_axis_of_a_running_sum_counts_from_the_end),
        cmocka_unit_test(top_k_of_operator_set_1_has_an_attribute),
        cmocka_unit_test(top_k_may_take_as_many_as_there_are),
        cmocka_unit_test(a_short_transform_is_a_product),
        cmocka_unit_test(a_transform_goes_along_no_parts),
        cmocka_unit_test(a_window_of_a_symbol_is_computed),
        cmocka_unit_test(coordinates_of_what_is_not_zero_are_as_many_as_the_run_finds),
        cmocka_unit_test(a_condition_may_be_shorter_than_what_it_is_for),
        cmocka_unit_test(boxes_need_scores_of_three_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
