/* What attention and recurrences of ONNX become, and what of them is refused. */
#include "support_onnx.h"

static model
attention(const char *q, const char *k, const char *attrs)
{
    model m = model_make(24);
    model_input(&m, "q", ONNX_FLOAT, q);
    model_input(&m, "k", ONNX_FLOAT, k);
    model_node(&m, "Attention", "q k k", "y", attrs);
    model_output(&m, "y");
    return m;
}

static model
recurrence(const char *op, const char *x, const char *w, const char *r, const char *attrs)
{
    model m = model_make(22);
    model_input(&m, "x", ONNX_FLOAT, x);
    model_floats(&m, "w", w);
    model_floats(&m, "r", r);
    model_node(&m, op, "x w r", "y", attrs);
    model_output(&m, "y");
    return m;
}

static void
heads_that_share_keys_are_an_axis_that_keys_broadcast_along(void **state)
{
    (void)state;
    model m = attention("1,4,n,8", "1,2,m,8", "scale=0.5");
    check_nodes(&m, NULL,
                "y_constant: f32[] = constant [0.5]\n"
                "y_reshape: f32[1, 2, 2, n, 8] = reshape(q) {dims=[1, 2, 2, n, 8]}\n"
                "y_reshape_1: f32[1, 2, 1, m, 8] = reshape(k) {dims=[1, 2, 1, m, 8]}\n"
                "y_matmul: f32[1, 2, 2, n, m] = matmul(y_reshape, y_reshape_1) {ta=0, tb=1}\n"
                "y_multiply: f32[1, 2, 2, n, m] = multiply(y_matmul, y_constant)\n"
                "y_softmax: f32[1, 2, 2, n, m] = softmax(y_multiply) {axis=4}\n"
                "y_reshape_2: f32[1, 2, 1, m, 8] = reshape(k) {dims=[1, 2, 1, m, 8]}\n"
                "y_matmul_1: f32[1, 2, 2, n, 8] = matmul(y_softmax, y_reshape_2) {ta=0, tb=0}\n"
                "y: f32[1, 4, n, 8] = reshape(y_matmul_1) {dims=[1, 4, n, 8]}\n");
}

static void
attention_refuses_what_does_not_fit(void **state)
{
    (void)state;
    check_refused(&(model[]){ attention("1,3,5,8", "1,2,5,8", NULL) }[0], NULL, WEFT_INVALID_INPUT,
                  "Attention|3 heads of queries share 2 of keys");
    check_refused(&(model[]){ attention("1,3,8", "1,3,8", NULL) }[0], NULL, WEFT_INVALID_INPUT,
                  "Attention|q_num_heads");
    check_refused(&(model[]){ attention("1,3,8", "1,2,3,8", NULL) }[0], NULL, WEFT_INVALID_INPUT,
                  "Attention|3, 4 and 4 dimensions");
    check_refused(&(model[]){ attention("1,2,3,8", "1,2,3,8", "qk_matmul_output_mode=4") }[0], NULL,
                  WEFT_INVALID_INPUT, "Attention|qk_matmul_output_mode is 4");
}

static void
a_recurrence_refuses_what_does_not_fit(void **state)
{
    (void)state;
    check_refused(&(model[]){ recurrence("GRU", "2,1,2", "1,3,2", "1,3,3", NULL) }[0], NULL,
                  WEFT_INVALID_INPUT, "GRU|input 1");
    check_refused(&(model[]){ recurrence("LSTM", "2,1,2", "1,4,2", "1,4,1", "direction='up'") }[0],
                  NULL, WEFT_INVALID_INPUT, "LSTM|direction is 'up'");
}

static int
count_of(const weft_graph *g, weft_op op)
{
    int n = 0;
    for (int i = 0; i < g->node.n; i++)
        n += g->node.at[i]->op == op;
    return n;
}

static void
the_input_of_all_steps_is_one_product(void **state)
{
    (void)state;
    model m = recurrence("RNN", "2,1,2", "1,1,2", "1,1,1", NULL);
    weft_graph *g = import(&m, NULL);
    assert_int_equal(count_of(g, WEFT_GOP_MATMUL), 1 + 2); /* and one a step for the state */
    assert_int_equal(count_of(g, WEFT_GOP_CARRY), 0);
    weft_graph_destroy(g);
}

static void
many_steps_are_a_loop(void **state)
{
    (void)state;
    static const char *const lengths[] = { "99,1,2", "n,1,2" };
    for (int i = 0; i < 2; i++) {
        model m = recurrence("LSTM", lengths[i], "2,4,2", "2,4,1", "direction='bidirectional'");
        weft_graph *g = import(&m, NULL);
        assert_int_equal(count_of(g, WEFT_GOP_MATMUL), 1 + 2);
        assert_int_equal(count_of(g, WEFT_GOP_CARRY), 4);
        assert_int_equal(count_of(g, WEFT_GOP_STACK), 2);
        weft_graph_destroy(g);
    }
}

static void
a_range_to_a_symbol_is_counted(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "n");
    model_ints(&m, "zero", "", "0");
    model_ints(&m, "two", "", "2");
    model_node(&m, "Size", "x", "s", NULL);
    model_node(&m, "Range", "zero s two", "y", NULL);
    model_output(&m, "y");
    check_nodes(&m, NULL,
                "zero: i64[] = constant [0]\ntwo: i64[] = constant [2]\n"
                "s: i64[] = dims() {value=[n], scalar=1}\n"
                "y: i64[(n + 1) // 2] = arange() {start=[0], step=[2], dim=[(n + 1) // 2], "
                "dtype=i64}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_that_share_keys_are_an_axis_that_keys_broadcast_along),
        cmocka_unit_test(attention_refuses_what_does_not_fit),
        cmocka_unit_test(a_recurrence_refuses_what_does_not_fit),
        cmocka_unit_test(the_input_of_all_steps_is_one_product),
        cmocka_unit_test(many_steps_are_a_loop),
        cmocka_unit_test(a_range_to_a_symbol_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
