/* What operators that ONNX Runtime makes of several become. */
#include "support_onnx.h"

static model
over(const char *op, const char *in, const char *out, const char *attrs)
{
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "n,3");
    model_input(&m, "s", ONNX_FLOAT, "n,3");
    model_input(&m, "g", ONNX_FLOAT, "3");
    model_node_of(&m, "com.microsoft", op, in, out, attrs);
    model_output(&m, "y");
    return m;
}

static void
a_norm_of_a_sum_adds_first(void **state)
{
    (void)state;
    model m = over("SkipLayerNormalization", "x s g g", "y _ _ sum", "epsilon=0.5");
    check_nodes(&m, NULL,
                "sum: f32[n, 3] = add(x, s)\n"
                "y: f32[n, 3] = layer_norm(sum, g, g) {axis=1, epsilon=0.5}\n");
    m = over("SkipSimplifiedLayerNormalization", "x s g g", "y _ _ sum", "epsilon=0.5");
    check_nodes(&m, NULL,
                "y_add: f32[n, 3] = add(x, s)\n"
                "sum: f32[n, 3] = add(y_add, g)\n"
                "y: f32[n, 3] = rms_norm(sum, g) {axis=1, epsilon=0.5}\n");
}

static void
a_fused_product_transposes_and_scales(void **state)
{
    (void)state;
    model m = over("FusedMatMul", "x s", "y", "transB=1 alpha=0.5");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [0.5]\n"
                "y_transpose: f32[3, n] = transpose(s) {axes=[1, 0]}\n"
                "y_matmul: f32[n, n] = matmul(x, y_transpose) {ta=0, tb=0}\n"
                "y: f32[n, n] = multiply(y_matmul, y_constant)\n");
    m = over("FusedMatMul", "x s", "y", "transBatchA=1");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "transBatchA and transBatchB");
}

static void
a_quick_gelu_is_a_sigmoid(void **state)
{
    (void)state;
    model m = over("QuickGelu", "x", "y", "alpha=2.0");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [2.0]\n"
                "y_multiply: f32[n, 3] = multiply(x, y_constant)\n"
                "y_sigmoid: f32[n, 3] = sigmoid(y_multiply)\n"
                "y: f32[n, 3] = multiply(x, y_sigmoid)\n");
}

static void
other_operators_and_domains_are_refused(void **state)
{
    (void)state;
    model m = over("NhwcMaxPool", "x", "y", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "the operator is not supported");
    m = over("Relu", "x", "y", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "the operator is not supported");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_norm_of_a_sum_adds_first),
        cmocka_unit_test(a_fused_product_transposes_and_scales),
        cmocka_unit_test(a_quick_gelu_is_a_sigmoid),
        cmocka_unit_test(other_operators_and_domains_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
