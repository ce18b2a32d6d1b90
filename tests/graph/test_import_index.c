/* What ONNX's operators on indices, equations and quantised numbers become. */
#include "support_onnx.h"

static model
equation(const char *x, const char *in, const char *attr)
{
    return model_over(12, ONNX_FLOAT, x, "Einsum", in, attr);
}

static void
an_equation_of_a_product_is_one(void **state)
{
    (void)state;
    model m = equation("n,3", "x w", "equation='ij,kj->ik'");
    model_floats(&m, "w", "2,3");
    check_nodes(&m, NULL,
                "w: f32[2, 3] = constant [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]\n"
                "y_transpose: f32[3, 2] = transpose(w) {axes=[1, 0]}\n"
                "y_matmul: f32[n, 2] = matmul(x, y_transpose) {ta=0, tb=0}\n");
}

static void
an_equation_without_an_arrow_sums_what_occurs_twice(void **state)
{
    (void)state;
    model m = equation("2,n", "x", "equation='ba'");
    check_nodes(&m, NULL, "y: f32[n, 2] = transpose(x) {axes=[1, 0]}\n");
}

static void
an_equation_has_a_term_for_each_operand(void **state)
{
    (void)state;
    model m = equation("2,3", "x", "equation='ij,jk->ik'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "2 terms for 1 operands");
    m = equation("2,3", "x", "equation='ijk->i'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "'ijk' for an operand of 2 dimensions");
    m = equation("2,3", "x", "equation='i1->i'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "equation");
    m = equation("2,3", "x", "equation='ij->ii'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "has to stand there once");
    m = equation("2,3", "x", "equation='ij->k'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "and before it");
    m = equation("2,3", "x", "equation='ii->i'");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "not surely equal");
}

static void
a_scale_of_blocks_fits_its_input(void **state)
{
    (void)state;
    model m = model_over(21, ONNX_FLOAT, "2,6", "QuantizeLinear", "x s", "axis=1 block_size=4");
    model_floats(&m, "s", "2,3");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "3 scales along axis 1 for 6 elements in blocks of 4");
    m = model_over(21, ONNX_FLOAT, "2,6", "QuantizeLinear", "x s", "axis=1");
    model_floats(&m, "s", "2,3");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "positive block_size");
    m = model_over(21, ONNX_FLOAT, "2,6", "QuantizeLinear", "x s", "output_dtype=7");
    model_floats(&m, "s", "");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "i64 is no dtype that is quantised to");
}

static void
a_scale_along_an_axis_is_laid_along_it(void **state)
{
    (void)state;
    model m = model_over(13, ONNX_INT32, "2,n,3", "DequantizeLinear", "x s", "axis=0");
    model_floats(&m, "s", "2");
    check_nodes(&m, NULL,
                "s: f32[2] = constant [0.0, 1.0]\n"
                "y_reshape: f32[2, 1, 1] = reshape(s) {dims=[2, 1, 1]}\n"
                "y_cast: f32[2, n, 3] = cast(x) {dtype=f32}\n"
                "y: f32[2, n, 3] = multiply(y_cast, y_reshape)\n");
}

static void
a_crop_to_the_middle_is_cut_and_padded(void **state)
{
    (void)state;
    model m = model_over(18, ONNX_FLOAT, "7,4", "CenterCropPad", "x size", NULL);
    model_ints(&m, "size", "2", "4,7");
    check_nodes(&m, NULL,
                "size: i64[2] = constant [4, 7]\n"
                "y_slice: f32[4, 4] = slice(x) {starts=[1, 0], steps=[1, 1], dims=[4, 4]}\n"
                "y: f32[4, 7] = pad(y_slice) {before=[0, 1], after=[0, 2], mode=\"constant\"}\n");
}

static void
indices_of_another_rank_are_refused(void **state)
{
    (void)state;
    model m = model_over(18, ONNX_FLOAT, "7,4", "ScatterElements", "x i u", "reduction='sub'");
    model_ints(&m, "i", "1,1", "0");
    model_floats(&m, "u", "1,1");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "reduction 'sub' is not one of");
    m = model_over(18, ONNX_FLOAT, "7,4", "ScatterND", "x i u", NULL);
    model_ints(&m, "i", "1,3", "0,0,0");
    model_floats(&m, "u", "1");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "tuples of 3 indices for 2 axes");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equation_of_a_product_is_one),
        cmocka_unit_test(an_equation_without_an_arrow_sums_what_occurs_twice),
        cmocka_unit_test(an_equation_has_a_term_for_each_operand),
        cmocka_unit_test(a_scale_of_blocks_fits_its_input),
        cmocka_unit_test(a_scale_along_an_axis_is_laid_along_it),
        cmocka_unit_test(a_crop_to_the_middle_is_cut_and_padded),
        cmocka_unit_test(indices_of_another_rank_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
