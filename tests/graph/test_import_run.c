/* What operators become whose sizes and axes only the run knows. */
#include "support_onnx.h"

static model
over(int64_t opset, const char *dims, const char *op, const char *in, const char *attrs)
{
    model m = model_make(opset);
    model_input(&m, "x", ONNX_FLOAT, dims);
    model_input(&m, "k", ONNX_INT64, "1");
    model_node(&m, op, in, "y", attrs);
    model_output(&m, "y");
    return m;
}

static void
k_is_read_and_at_most_what_the_axis_has(void **state)
{
    (void)state;
    model m = over(11, "2,n", "TopK", "x k", NULL);
    check_nodes(&m, NULL,
                "y: i64[] = read(k) {symbol=\"y\", at=0, most=[n]}\n"
                "y_argsort: i64[2, y] = argsort(x) {axis=1, descending=1, count=[y]}\n"
                "y_1: f32[2, y] = take_along_axis(x, y_argsort) {axis=1}\n");
}

static void
an_axis_is_the_condition_that_runs(void **state)
{
    (void)state;
    model m = over(14, "2,n", "CumSum", "x k", NULL);
    check_nodes(&m, NULL,
                "zero: i64[] = constant [0]\n"
                "rank: i64[] = constant [2]\n"
                "y_reshape: i64[] = reshape(k) {dims=[]}\n"
                "y_add: i64[] = add(y_reshape, rank)\n"
                "y_less: bool[] = less(y_reshape, zero)\n"
                "y_where: i64[] = where(y_less, y_add, y_reshape)\n"
                "y: i64[] = read(y_where) {symbol=\"y\", at=0, most=[1]}\n"
                "if 1 - min(y, 1) {\n"
                "y_cumsum: f32[2, n] = cumsum(x) {axis=0, exclusive=0, reverse=0}\n"
                "y_yield: f32[2, n] = yield(y_cumsum)\n"
                "}\n"
                "if 1 - min(max(y - 1, 1 - y), 1) {\n"
                "y_cumsum_1: f32[2, n] = cumsum(x) {axis=1, exclusive=0, reverse=0}\n"
                "y_yield_1: f32[2, n] = yield(y_cumsum_1)\n"
                "}\n"
                "y_1: f32[2, n] = merge(y_yield, y_yield_1) {dims=[2, n]}\n");
}

/* Expects a symbol that is read, and is at most what the text says. */
static void
check_read(const weft_graph *g, const weft_expr *symbol, const char *most)
{
    weft_str text = { 0 };
    for (int i = 0; i < g->node.n; i++)
        if (g->node.at[i]->op == WEFT_GOP_READ && g->node.at[i]->out[0]->elem[0] == symbol)
            weft_print_dim(&text, weft_node_dim(g->node.at[i], "most", 0));
    assert_string_equal(weft_str_text(&text), most);
    weft_str_free(&text);
}

static void
bounds_of_a_slice_are_brought_into_the_axis_and_read(void **state)
{
    (void)state;
    model m = over(13, "n,5", "Slice", "x k end axis step", NULL);
    model_ints(&m, "end", "1", "4");
    model_ints(&m, "axis", "1", "0");
    model_ints(&m, "step", "1", "2");
    weft_graph *g = import(&m, NULL);
    const weft_node *slice = g->output.at[0]->node;
    assert_int_equal(slice->op, WEFT_GOP_SLICE);
    check_read(g, weft_node_dim(slice, "starts", 0), "n");
    check_read(g, weft_node_dim(slice, "dims", 0), "(n + 1) // 2");
    weft_graph_destroy(g);
}

static void
expanding_reads_sizes_where_the_input_has_one_element(void **state)
{
    (void)state;
    weft_import_options o = { .nshape = 1,
                              .shape_name = (const char *[]){ "y" },
                              .shape = (const char *[]){ "9x8x7" } };
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "1,7");
    model_input(&m, "k", ONNX_INT64, "3");
    model_node(&m, "Expand", "x k", "y", NULL);
    model_output(&m, "y");
    check_nodes(&m, &o,
                "y: i64[] = read(k) {symbol=\"y\", at=0, most=[9]}\n"
                "y_1: i64[] = read(k) {symbol=\"y_1\", at=1, most=[8]}\n"
                "y_2: f32[y, y_1, 7] = broadcast_to(x) {dims=[y, y_1, 7]}\n");
}

static void
sizes_without_a_bound_say_what_to_do(void **state)
{
    (void)state;
    model m = over(13, "1", "Expand", "x k", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "size of axis 0|--shape");
    m = over(13, "n", "Expand", "x k", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "whether axis 0 broadcasts depends on symbols");
    m = over(13, "n", "ConstantOfShape", "k", NULL);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "size of axis 0|--shape");
}

static void
a_symbol_of_an_output_that_has_a_size_is_its_bound(void **state)
{
    (void)state;
    weft_import_options o = { .ndim = 1,
                              .dim_name = (const char *[]){ "m" },
                              .dim_value = (int64_t[]){ 6 } };
    model m = model_make(13);
    model_input(&m, "k", ONNX_INT64, "1");
    model_node(&m, "ConstantOfShape", "k", "y", NULL);
    model_output_of(&m, "y", ONNX_FLOAT, "m");
    check_nodes(&m, &o,
                "y: i64[] = read(k) {symbol=\"y\", at=0, most=[6]}\n"
                "y_1: f32[y] = full() {dims=[y], value=0.0, dtype=f32}\n");
}

static void
scales_are_read_and_the_sizes_that_they_make(void **state)
{
    (void)state;
    weft_import_options o = { .nshape = 1,
                              .shape_name = (const char *[]){ "y" },
                              .shape = (const char *[]){ "9" } };
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "4");
    model_input(&m, "s", ONNX_FLOAT, "1");
    model_node(&m, "Resize", "x _ s", "y", "coordinate_transformation_mode='asymmetric'");
    model_output(&m, "y");
    check_nodes(&m, &o,
                "y_constant: f32[] = constant [1441440.0]\n"
                "y_size: i64[1] = constant [4]\n"
                "y_multiply: f32[1] = multiply(s, y_constant)\n"
                "y_rint: f32[1] = rint(y_multiply)\n"
                "y_cast: i64[1] = cast(y_rint) {dtype=i64}\n"
                "y_cast_1: f32[1] = cast(y_size) {dtype=f32}\n"
                "y_multiply_1: f32[1] = multiply(y_cast_1, s)\n"
                "y_floor: f32[1] = floor(y_multiply_1)\n"
                "y_cast_2: i64[1] = cast(y_floor) {dtype=i64}\n"
                "y: i64[] = read(y_cast_2) {symbol=\"y\", at=0, most=[9]}\n"
                "y_1: i64[] = read(y_cast) {symbol=\"y_1\", at=0, most=[1511459389440]}\n"
                "y_2: f32[y] = resize(x) {dims=[y], step=[1441440], offset=[0], divisor=[max(y_1, 1)], "
                "mode=\"round_half_down\", exclude_outside=0}\n");
    m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "4");
    model_input(&m, "s", ONNX_FLOAT, "1");
    model_node(&m, "Resize", "x _ s", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "Resize|size of axis 0|--shape");
}

static void
what_is_no_list_of_integers_is_refused(void **state)
{
    (void)state;
    model m = over(13, "2,3", "Slice", "x x k", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "input 1 ('x') has to be a list of integers");
    m = over(14, "2,3", "CumSum", "x x", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "the axis ('x') has to be one integer");
    m = over(11, "2,3", "TopK", "x x", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "k has to be one integer");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k_is_read_and_at_most_what_the_axis_has),
        cmocka_unit_test(an_axis_is_the_condition_that_runs),
        cmocka_unit_test(bounds_of_a_slice_are_brought_into_the_axis_and_read),
        cmocka_unit_test(expanding_reads_sizes_where_the_input_has_one_element),
        cmocka_unit_test(sizes_without_a_bound_say_what_to_do),
        cmocka_unit_test(a_symbol_of_an_output_that_has_a_size_is_its_bound),
        cmocka_unit_test(scales_are_read_and_the_sizes_that_they_make),
        cmocka_unit_test(what_is_no_list_of_integers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
