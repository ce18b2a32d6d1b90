/* What operators of the first operator sets become. */
#include "support_onnx.h"

static model
over(int64_t opset, const char *x, const char *op, const char *attrs)
{
    model m = model_make(opset);
    if (x)
        model_input(&m, "x", ONNX_FLOAT, x);
    model_node(&m, op, x ? "x" : "", "y", attrs);
    model_output(&m, "y");
    return m;
}

static void
affine_multiplies_and_adds(void **state)
{
    (void)state;
    model m = over(7, "n,3", "Affine", "alpha=2.0 beta=0.5");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [2.0]\n"
                "y_constant_1: f32[] = constant [0.5]\n"
                "y_multiply: f32[n, 3] = multiply(x, y_constant)\n"
                "y: f32[n, 3] = add(y_multiply, y_constant_1)\n");
    m = over(7, "n,3", "Scale", "scale=3.0");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [3.0]\n"
                "y: f32[n, 3] = multiply(x, y_constant)\n");
}

static void
an_image_is_scaled_with_a_bias_a_channel(void **state)
{
    (void)state;
    model m = over(7, "n,2,4,4", "ImageScaler", "scale=2.0 bias=[1.0,-1.0]");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [2.0]\n"
                "y_constant_1: f32[2, 1, 1] = constant [1.0, -1.0]\n"
                "y_multiply: f32[n, 2, 4, 4] = multiply(x, y_constant)\n"
                "y: f32[n, 2, 4, 4] = add(y_multiply, y_constant_1)\n");
    m = over(7, "n,3,4,4", "ImageScaler", "bias=[1.0,-1.0]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "'bias' has 2 elements|one a channel");
    m = over(7, "3,4,4", "ImageScaler", "bias=[1.0,-1.0,0.0]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "3 dimensions, not four");
}

static void
an_image_is_cropped_by_borders_or_to_a_size(void **state)
{
    (void)state;
    model m = over(7, "1,2,h,5", "Crop", "border=[1,0,2,1]");
    check_nodes(&m, NULL,
                "y_slice: f32[1, 2, h - 1, 5] = slice(x) {starts=[0, 0, 0, 0], steps=[1, 1, 1, 1], "
                "dims=[1, 2, h - 1, 5]}\n"
                "y: f32[1, 2, h - 1, 2] = slice(y_slice) {starts=[0, 0, 0, 1], steps=[1, 1, 1, 1], "
                "dims=[1, 2, h - 1, 2]}\n");
    m = over(7, "1,2,4,5", "Crop", "border=[1,1,1,1] scale=[2,3]");
    weft_graph *g = import(&m, NULL);
    assert_true(weft_is_int_imm(g->output.at[0]->dim[2], 2));
    assert_true(weft_is_int_imm(g->output.at[0]->dim[3], 3));
    weft_graph_destroy(g);
    m = over(7, "1,2,4,5", "Crop", "border=[1,1,1,1] scale=[2,5]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "beyond axis 3 of the image");
    m = over(7, "1,2,4,5", "Crop", "border=[1,1,1]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "have 3 and 0 elements");
}

static void
parametric_activations_scale_before_and_after(void **state)
{
    (void)state;
    model m = over(7, "n", "ParametricSoftplus", "alpha=2.0 beta=0.5");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [0.5]\n"
                "y_constant_1: f32[] = constant [2.0]\n"
                "y_multiply: f32[n] = multiply(x, y_constant)\n"
                "y_softplus: f32[n] = softplus(y_multiply)\n"
                "y: f32[n] = multiply(y_softplus, y_constant_1)\n");
    m = over(7, "n", "ScaledTanh", "alpha=2.0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "attribute 'beta' is missing");
}

static void
a_fill_takes_its_shape_from_attribute_input_or_its_elements(void **state)
{
    (void)state;
    model m = over(7, NULL, "ConstantFill", "shape=[2,3] value=1.5");
    check_nodes(&m, NULL, "y: f32[2, 3] = full() {dims=[2, 3], value=1.5, dtype=f32}\n");
    m = over(7, "n,3", "ConstantFill", "extra_shape=[2] dtype=7");
    check_nodes(&m, NULL, "y: i64[n, 3, 2] = full() {dims=[n, 3, 2], value=0.0, dtype=i64}\n");
    m = over(7, NULL, "GivenTensorFill", "shape=[2,1] values=[1.0,2.0]");
    check_nodes(&m, NULL,
                "y_constant: f32[2] = constant [1.0, 2.0]\n"
                "y: f32[2, 1] = reshape(y_constant) {dims=[2, 1]}\n");
    m = over(7, NULL, "GivenTensorFill", "shape=[3] values=[1.0,2.0]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "number of elements");
}

static void
means_go_over_batch_and_space_or_over_all(void **state)
{
    (void)state;
    model m = over(1, "n,3,h,w", "MeanVarianceNormalization", "normalize_variance=0");
    check_nodes(&m, NULL,
                "y_mean: f32[1, 3, 1, 1] = mean(x) {axes=[0, 2, 3], keepdims=1}\n"
                "y: f32[n, 3, h, w] = subtract(x, y_mean)\n");
    m = over(1, "n,3,h,w", "MeanVarianceNormalization", "across_channels=1 normalize_variance=0");
    check_nodes(&m, NULL,
                "y_mean: f32[1, 1, 1, 1] = mean(x) {axes=[0, 1, 2, 3], keepdims=1}\n"
                "y: f32[n, 3, h, w] = subtract(x, y_mean)\n");
}

static void
what_went_with_an_operator_set_is_refused_after_it(void **state)
{
    (void)state;
    model m = over(10, "n", "Affine", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "went with operator set 10");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(affine_multiplies_and_adds),
        cmocka_unit_test(an_image_is_scaled_with_a_bias_a_channel),
        cmocka_unit_test(an_image_is_cropped_by_borders_or_to_a_size),
        cmocka_unit_test(parametric_activations_scale_before_and_after),
        cmocka_unit_test(a_fill_takes_its_shape_from_attribute_input_or_its_elements),
        cmocka_unit_test(means_go_over_batch_and_space_or_over_all),
        cmocka_unit_test(what_went_with_an_operator_set_is_refused_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
