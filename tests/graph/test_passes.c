/* Each pass on graph text: what goes in, what comes out. */
#include "support.h"

static void
simplify_drops_nodes_that_do_nothing(void **state)
{
    (void)state;
    check_passes("simplify-inference,eliminate-dead", NULL,
                 "graph f(x: f32[2, 3]) -> (y) {\n"
                 "    one: f32[] = constant [1]\n"
                 "    a = identity(x) from \"drop\" (Dropout)\n"
                 "    b = cast(a) {dtype=f32}\n"
                 "    c = slice(b) {starts=[0, 0], steps=[1, 1], dims=[2, 3]}\n"
                 "    d = pad(c) {before=[0, 0], after=[0, 0], mode=\"constant\"}\n"
                 "    e = transpose(d) {axes=[0, 1]}\n"
                 "    h = multiply(e, one)\n"
                 "    y = relu(h)\n"
                 "}\n",
                 "graph f(x: f32[2, 3]) -> (y) {\n"
                 "    y: f32[2, 3] = relu(x)\n"
                 "}\n");
}

static void
simplify_keeps_an_add_of_zero_that_makes_negative_zero_positive(void **state)
{
    (void)state;
    const char *text = "graph f(x: f32[2]) -> (y) {\n"
                       "    zero: f32[] = constant [0.0]\n"
                       "    y: f32[2] = add(x, zero)\n"
                       "}\n";
    check_passes("simplify-inference", NULL, text, text);
}

static void
an_output_may_become_an_input(void **state)
{
    (void)state;
    check_passes("simplify-inference,eliminate-dead", NULL,
                 "graph f(x: f32[2]) -> (y) { y = identity(x) }",
                 "graph f(x: f32[2]) -> (y = x) {\n}\n");
}

static void
fold_makes_constants_of_known_elements(void **state)
{
    (void)state;
    check_passes("fold-constants,eliminate-dead", NULL,
                 "graph f(x: f32[2]) -> (y) {\n"
                 "    s: i64[3] = constant [2, 3, 4]\n"
                 "    i: i64[1] = constant [1]\n"
                 "    a = take(s, i) {axis=0}\n"
                 "    b = add(a, a)\n"
                 "    c = cast(b) {dtype=f32}\n"
                 "    y = multiply(x, c)\n"
                 "}\n",
                 "graph f(x: f32[2]) -> (y) {\n"
                 "    c: f32[1] = constant [6.0]\n"
                 "    y: f32[2] = multiply(x, c)\n"
                 "}\n");
}

static void
fold_transposes_and_reshapes_constants(void **state)
{
    (void)state;
    check_passes("fold-constants,eliminate-dead", NULL,
                 "graph f() -> (y, z) {\n"
                 "    w: i8[2, 3] = constant [0, 1, 2, 3, 4, 5]\n"
                 "    t: f32[2, 1, 2] = constant [0.5, 1, 2, 3]\n"
                 "    y = transpose(w) {axes=[1, 0]}\n"
                 "    z = reshape(t) {dims=[4]}\n"
                 "}\n",
                 "graph f() -> (y, z) {\n"
                 "    y: i8[3, 2] = constant [0, 3, 1, 4, 2, 5]\n"
                 "    z: f32[4] = constant [0.5, 1.0, 2.0, 3.0]\n"
                 "}\n");
}

static weft_status
evaluate_to_seven(void *user, weft_graph *g, const weft_node *n, weft_const *out, weft_diag *diag)
{
    static const float seven[] = { 7, 7, 7 };
    static const int64_t dim[] = { 3 };
    (void)g;
    ++*(int *)user;
    if (n->op == WEFT_GOP_SIN)
        return weft_fail(diag, WEFT_UNSUPPORTED, "no");
    *out = (weft_const){
        .dtype = WEFT_F32, .ndim = 1, .dim = dim, .data = seven, .size = sizeof seven
    };
    return WEFT_OK;
}

static void
fold_asks_the_evaluator_and_takes_no_for_an_answer(void **state)
{
    (void)state;
    int calls = 0;
    weft_graph_options options = { .evaluate = evaluate_to_seven, .user = &calls };
    check_passes("fold-constants,eliminate-dead", &options,
                 "graph f(x: f32[3]) -> (y, z) {\n"
                 "    w: f32[3] = constant [0, 1, 2]\n"
                 "    a = exp(w)\n"
                 "    y = sin(a)\n"
                 "    z = exp(x)\n"
                 "}\n",
                 "graph f(x: f32[3]) -> (y, z) {\n"
                 "    a: f32[3] = constant [7.0, 7.0, 7.0]\n"
                 "    y: f32[3] = sin(a)\n"
                 "    z: f32[3] = exp(x)\n"
                 "}\n");
    assert_int_equal(calls, 2);
}

static void
fold_does_not_blow_constants_up(void **state)
{
    (void)state;
    int calls = 0;
    weft_graph_options options = { .evaluate = evaluate_to_seven,
                                   .user = &calls,
                                   .fold_max_bytes = 11 };
    const char *text = "graph f() -> (y) {\n"
                       "    w: f32[3] = constant [0.0, 1.0, 2.0]\n"
                       "    y: f32[3] = exp(w)\n"
                       "}\n";
    check_passes("fold-constants", &options, text, text);
    assert_int_equal(calls, 0);
}

static void
dead_nodes_and_constants_go_and_inputs_stay(void **state)
{
    (void)state;
    check_passes("eliminate-dead", NULL,
                 "graph f(x: f32[2], unused: f32[1]) -> (y) {\n"
                 "    w: f32[2] = constant [1, 2]\n"
                 "    a = add(x, w)\n"
                 "    b = exp(a)\n"
                 "    y = exp(x)\n"
                 "}\n",
                 "graph f(x: f32[2], unused: f32[1]) -> (y) {\n"
                 "    y: f32[2] = exp(x)\n"
                 "}\n");
}

static void
common_subexpressions_are_computed_once(void **state)
{
    (void)state;
    check_passes("common-subexpressions,eliminate-dead", NULL,
                 "graph f(x: f32[2]) -> (y, z) {\n"
                 "    v: f32[2] = constant [1, 2]\n"
                 "    w: f32[2] = constant [1, 2]\n"
                 "    a = leaky_relu(x) {alpha=0.1}\n"
                 "    b = leaky_relu(x) {alpha=0.1}\n"
                 "    c = leaky_relu(x) {alpha=0.2}\n"
                 "    p = add(a, v)\n"
                 "    q = add(b, w)\n"
                 "    y = multiply(p, q)\n"
                 "    z = multiply(c, q)\n"
                 "}\n",
                 "graph f(x: f32[2]) -> (y, z) {\n"
                 "    v: f32[2] = constant [1.0, 2.0]\n"
                 "    a: f32[2] = leaky_relu(x) {alpha=0.1}\n"
                 "    c: f32[2] = leaky_relu(x) {alpha=0.2}\n"
                 "    p: f32[2] = add(a, v)\n"
                 "    y: f32[2] = multiply(p, p)\n"
                 "    z: f32[2] = multiply(c, p)\n"
                 "}\n");
}

static void
chains_of_reshapes_transposes_and_casts_are_shortened(void **state)
{
    (void)state;
    check_passes("clean-up,eliminate-dead", NULL,
                 "graph f(x: f32[2, 3, 4]) -> (r, s, t, u, v) {\n"
                 "    a = reshape(x) {dims=[6, 4]}\n"
                 "    r = reshape(a) {dims=[24]}\n"
                 "    b = transpose(x) {axes=[2, 0, 1]}\n"
                 "    s = transpose(b) {axes=[0, 2, 1]}\n"
                 "    t = transpose(b) {axes=[1, 2, 0]}\n"
                 "    c = cast(x) {dtype=f64}\n"
                 "    u = cast(c) {dtype=f32}\n"
                 "    d = cast(x) {dtype=f16}\n"
                 "    v = cast(d) {dtype=f32}\n"
                 "}\n",
                 "graph f(x: f32[2, 3, 4]) -> (r, s, t = x, u = x, v) {\n"
                 "    r: f32[24] = reshape(x) {dims=[24]}\n"
                 "    s: f32[4, 3, 2] = transpose(x) {axes=[2, 1, 0]}\n"
                 "    d: f16[2, 3, 4] = cast(x) {dtype=f16}\n"
                 "    v: f32[2, 3, 4] = cast(d) {dtype=f32}\n"
                 "}\n");
}

static void
a_transpose_of_unit_axes_is_a_reshape_and_one_before_matmul_a_flag(void **state)
{
    (void)state;
    check_passes("clean-up,eliminate-dead", NULL,
                 "graph f(x: f32[1, 3, 1, 4], k: f32[2, 5, 4]) -> (r, y) {\n"
                 "    r = transpose(x) {axes=[1, 0, 2, 3]}\n"
                 "    t = transpose(k) {axes=[0, 2, 1]}\n"
                 "    q = reshape(x) {dims=[1, 3, 4]}\n"
                 "    y = matmul(q, t) {ta=0, tb=0}\n"
                 "}\n",
                 "graph f(x: f32[1, 3, 1, 4], k: f32[2, 5, 4]) -> (r, y) {\n"
                 "    r: f32[3, 1, 1, 4] = reshape(x) {dims=[3, 1, 1, 4]}\n"
                 "    q: f32[1, 3, 4] = reshape(x) {dims=[1, 3, 4]}\n"
                 "    y: f32[2, 3, 5] = matmul(q, k) {ta=0, tb=1}\n"
                 "}\n");
}

#define CONV "strides=[1], dilations=[1], pads=[0, 0], groups=1"

static void
batch_norm_goes_into_the_convolution(void **state)
{
    (void)state;
    check_passes("fold-scale,eliminate-dead", NULL,
                 "graph f(x: f32[1, 1, 4]) -> (y) {\n"
                 "    w: f32[2, 1, 1] = constant [1, 2]\n"
                 "    b: f32[2] = constant [1, 1]\n"
                 "    scale: f32[2] = constant [2, 3]\n"
                 "    shift: f32[2] = constant [0.5, 0]\n"
                 "    mean: f32[2] = constant [1, 2]\n"
                 "    var: f32[2] = constant [3, 0]\n"
                 "    c = conv(x, w, b) {" CONV "} from \"conv1\" (Conv)\n"
                 "    y = batch_norm(c, scale, shift, mean, var) {epsilon=1} from \"bn1\" (BN)\n"
                 "}\n",
                 "graph f(x: f32[1, 1, 4]) -> (y) {\n"
                 "    w_1: f32[2, 1, 1] = constant [1.0, 6.0]\n"
                 "    b_1: f32[2] = constant [0.5, -3.0]\n"
                 "    y: f32[1, 2, 4] = conv(x, w_1, b_1) {" CONV
                 "} from \"conv1 (Conv) + bn1 (BN, folded)\"\n"
                 "}\n");
}

static void
scales_and_shifts_in_a_row_all_go_into_the_convolution(void **state)
{
    (void)state;
    check_passes(
        "fold-scale,eliminate-dead", NULL,
        "graph f(x: f32[1, 2, 4]) -> (y) {\n"
        "    w: f32[2, 1, 1] = constant [1, 2]\n"
        "    m: f32[2, 1] = constant [3, 5]\n"
        "    a: f32[] = constant [10]\n"
        "    c = conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=2}\n"
        "    d = multiply(m, c)\n"
        "    y = subtract(d, a)\n"
        "}\n",
        "graph f(x: f32[1, 2, 4]) -> (y) {\n"
        "    w_1: f32[2, 1, 1] = constant [3.0, 10.0]\n"
        "    w_1.bias: f32[2] = constant [-10.0, -10.0]\n"
        "    y: f32[1, 2, 4] = conv(x, w_1, w_1.bias) {strides=[1], dilations=[1], pads=[0, 0], "
        "groups=2}\n"
        "}\n");
}

static void
a_transposed_convolution_is_scaled_by_its_output_channels(void **state)
{
    (void)state;
    check_passes(
        "fold-scale,eliminate-dead", NULL,
        "graph f(x: f32[1, 4, 4]) -> (y) {\n"
        "    w: f32[4, 1, 1] = constant [1, 2, 3, 4]\n"
        "    m: f32[2, 1] = constant [10, 100]\n"
        "    c = conv_transpose(x, w) {"
        "strides=[1], dilations=[1], pads=[0, 0], "
        "output_padding=[0], groups=2}\n"
        "    y = multiply(c, m)\n"
        "}\n",
        "graph f(x: f32[1, 4, 4]) -> (y) {\n"
        "    w_1: f32[4, 1, 1] = constant [10.0, 20.0, 300.0, 400.0]\n"
        "    y: f32[1, 2, 4] = conv_transpose(x, w_1) {strides=[1], dilations=[1], pads=[0, 0], "
        "output_padding=[0], groups=2}\n"
        "}\n");
}

static void
a_matmul_is_scaled_by_its_columns(void **state)
{
    (void)state;
    const char *head = "graph f(x: f32[3, 2]) -> (y) {\n"
                       "    w: f32[2, 2] = constant [1, 2, 3, 4]\n"
                       "    m: f32[2] = constant [10, 100]\n";
    static const struct {
        const char *tb, *weights;
    } rows[] = { { "0", "[10.0, 200.0, 30.0, 400.0]" }, { "1", "[10.0, 20.0, 300.0, 400.0]" } };
    for (int i = 0; i < 2; i++) {
        weft_str before = { 0 }, after = { 0 };
        weft_str_addf(&before, "%sc = matmul(x, w) {ta=0, tb=%s} y = multiply(c, m) }", head,
                      rows[i].tb);
        weft_str_addf(&after,
                      "graph f(x: f32[3, 2]) -> (y) {\n    w_1: f32[2, 2] = constant %s\n"
                      "    y: f32[3, 2] = matmul(x, w_1) {ta=0, tb=%s}\n}\n",
                      rows[i].weights, rows[i].tb);
        check_passes("fold-scale,eliminate-dead", NULL, weft_str_text(&before),
                     weft_str_text(&after));
        weft_str_free(&before);
        weft_str_free(&after);
    }
}

static void
a_convolution_that_others_read_is_not_scaled(void **state)
{
    (void)state;
    const char *text = "graph f(x: f32[1, 1, 4]) -> (y, c) {\n"
                       "    w: f32[2, 1, 1] = constant [1.0, 2.0]\n"
                       "    m: f32[2, 1] = constant [3.0, 5.0]\n"
                       "    c: f32[1, 2, 4] = conv(x, w) {" CONV "}\n"
                       "    y: f32[1, 2, 4] = multiply(c, m)\n"
                       "}\n";
    check_passes("fold-scale", NULL, text, text);
}

static void
a_batch_norm_alone_is_a_multiply_and_an_add(void **state)
{
    (void)state;
    check_passes("fold-scale,eliminate-dead", NULL,
                 "graph f(x: f32[1, 2, 4]) -> (y) {\n"
                 "    scale: f32[2] = constant [2, 3]\n"
                 "    shift: f32[2] = constant [0.5, 0]\n"
                 "    mean: f32[2] = constant [1, 2]\n"
                 "    var: f32[2] = constant [3, 0]\n"
                 "    y = batch_norm(x, scale, shift, mean, var) {epsilon=1} from \"bn1\" (BN)\n"
                 "}\n",
                 "graph f(x: f32[1, 2, 4]) -> (y) {\n"
                 "    y.scale: f32[2, 1] = constant [1.0, 3.0]\n"
                 "    y.shift: f32[2, 1] = constant [-0.5, -6.0]\n"
                 "    bn1: f32[1, 2, 4] = multiply(x, y.scale) from \"bn1\" (BN)\n"
                 "    y: f32[1, 2, 4] = add(bn1, y.shift) from \"bn1\" (BN)\n"
                 "}\n");
}

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

#define HEAD "graph f(q: f32[2, n, 64], k: f32[2, 64, m], v: f32[2, m, 64], b: f32[m]) -> (y)"
static const weft_graph_options near = { .attention_bytes = 49152, .flops_a_byte = 12.5 };

static void
two_products_around_a_softmax_are_attention(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 HEAD " {\n"
                      "    s = matmul(q, k) {ta=0, tb=0}\n"
                      "    p = softmax(s) {axis=2}\n"
                      "    y = matmul(p, v) {ta=0, tb=0}\n"
                      "}\n",
                 HEAD " {\n"
                      "    y: f32[2, n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, scale=1.0, "
                      "rows=64, keys=16}\n"
                      "}\n");
}

static void
attention_takes_a_scale_a_mask_and_transposed_operands(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 "graph f(q: f32[64, n], k: f32[m, 64], v: f32[32, m], b: f32[m]) -> (y) {\n"
                 "    c: f32[1, 1] = constant [8]\n"
                 "    s = matmul(q, k) {ta=1, tb=1} from \"qk\" (MatMul)\n"
                 "    d = divide(s, c) from \"by\" (Div)\n"
                 "    a = add(b, d) from \"mask\" (Add)\n"
                 "    p = softmax(a) {axis=1} from \"p\" (Softmax)\n"
                 "    y = matmul(p, v) {ta=0, tb=1} from \"pv\" (MatMul)\n"
                 "}\n",
                 "graph f(q: f32[64, n], k: f32[m, 64], v: f32[32, m], b: f32[m]) -> (y) {\n"
                 "    y: f32[n, 32] = attention(q, k, v, b) {tq=1, tk=1, tv=1, scale=0.125, "
                 "rows=64, keys=32} from \"pv (MatMul) + qk (MatMul, fused) + by (Div, fused) + "
                 "mask (Add, fused) + p (Softmax, fused)\"\n"
                 "}\n");
}

static void
attention_in_vectors_has_keys_in_panels(void **state)
{
    (void)state;
    static const weft_graph_options vectors = { .attention_lanes = 16 };
#define BODY(t) "(q: " t "[n, 64], k: " t "[64, 600], v: " t "[600, 64]) -> (y) {\n"
    check_passes("fuse-attention,eliminate-dead", &vectors,
                 "graph f" BODY("f32") "    s = matmul(q, k) {ta=0, tb=0}\n"
                                       "    p = softmax(s) {axis=1}\n"
                                       "    y = matmul(p, v) {ta=0, tb=0}\n"
                                       "}\n",
                 "graph f" BODY("f32") "    y: f32[n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, "
                                       "scale=1.0, rows=8, keys=320, lanes=16}\n"
                                       "}\n");
    check_passes("fuse-attention,eliminate-dead", &vectors,
                 "graph f" BODY("f64") "    s = matmul(q, k) {ta=0, tb=0}\n"
                                       "    p = softmax(s) {axis=1}\n"
                                       "    y = matmul(p, v) {ta=0, tb=0}\n"
                                       "}\n",
                 "graph f" BODY("f64") "    y: f64[n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, "
                                       "scale=1.0, rows=8, keys=304, lanes=8}\n"
                                       "}\n");
#undef BODY
}

static void
attention_with_zero_where_softmax_is_nan_says_so(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 HEAD " {\n"
                      "    z: f32[] = constant [0]\n"
                      "    s = matmul(q, k) {ta=0, tb=0}\n"
                      "    p = softmax(s) {axis=2}\n"
                      "    t = isnan(p)\n"
                      "    w = where(t, z, p)\n"
                      "    y = matmul(w, v) {ta=0, tb=0}\n"
                      "}\n",
                 HEAD " {\n"
                      "    y: f32[2, n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, scale=1.0, "
                      "rows=64, keys=16, zero=1}\n"
                      "}\n");
}

static void
attention_with_zero_where_all_is_masked_says_so(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 "graph f(q: f32[2, n, 64], k: f32[2, 64, m], v: f32[2, m, 64], b: f32[n, m]) -> (y) {\n"
                 "    z: f32[] = constant [0]\n"
                 "    i: f32[] = constant [-inf]\n"
                 "    s = matmul(q, k) {ta=0, tb=0}\n"
                 "    a = add(s, b)\n"
                 "    p = softmax(a) {axis=2}\n"
                 "    x = max(b) {axes=[1], keepdims=1}\n"
                 "    t = equal(x, i)\n"
                 "    w = where(t, z, p)\n"
                 "    y = matmul(w, v) {ta=0, tb=0}\n"
                 "}\n",
                 "graph f(q: f32[2, n, 64], k: f32[2, 64, m], v: f32[2, m, 64], b: f32[n, m]) -> (y) {\n"
                 "    y: f32[2, n, 64] = attention(q, k, v, b) {tq=0, tk=0, tv=0, scale=1.0, "
                 "rows=64, keys=16, zero=2}\n"
                 "}\n");
}

static void
attention_computes_a_causal_mask(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 HEAD " {\n"
                      "    z: f32[] = constant [0]\n"
                      "    i: f32[] = constant [-inf]\n"
                      "    r: i32[] = constant [0]\n"
                      "    g = arange() {start=[m - n], step=[1], dim=[n], dtype=i32}\n"
                      "    h = reshape(g) {dims=[n, 1]}\n"
                      "    j = arange() {start=[0], step=[1], dim=[m], dtype=i32}\n"
                      "    d = subtract(j, h)\n"
                      "    c = less_equal(d, r)\n"
                      "    l = where(c, b, i)\n"
                      "    s = matmul(q, k) {ta=0, tb=0}\n"
                      "    a = add(s, l)\n"
                      "    p = softmax(a) {axis=2}\n"
                      "    y = matmul(p, v) {ta=0, tb=0}\n"
                      "}\n",
                 HEAD " {\n"
                      "    y: f32[2, n, 64] = attention(q, k, v, b) {tq=0, tk=0, tv=0, scale=1.0, "
                      "rows=64, keys=16, causal=[m - n]}\n"
                      "}\n");
}

static void
attention_finds_a_causal_constant(void **state)
{
    (void)state;
    static const weft_graph_options any = { .attention_bytes = 49152, .flops_a_byte = 1e6 };
#define BODY "(q: f32[3, 8], k: f32[8, 5], v: f32[5, 8]) -> (y) {\n"
    check_passes("fuse-attention,eliminate-dead", &any,
                 "graph f" BODY
                 "    b: f32[3, 5] = constant [0, 0, -inf, -inf, -inf, 0, 0, 0, -inf, -inf, "
                 "0, 0, 0, 0, -inf]\n"
                 "    s = matmul(q, k) {ta=0, tb=0}\n"
                 "    a = add(s, b)\n"
                 "    p = softmax(a) {axis=1}\n"
                 "    y = matmul(p, v) {ta=0, tb=0}\n"
                 "}\n",
                 "graph f" BODY
                 "    y: f32[3, 8] = attention(q, k, v) {tq=0, tk=0, tv=0, scale=1.0, rows=8, "
                 "keys=8, causal=[1]}\n"
                 "}\n");
#undef BODY
}

static void
attention_takes_what_scales_its_operands(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 "graph f(q: f32[2, n, 64], k: f32[2, m, 64], v: f32[2, m, 64]) -> (y) {\n"
                 "    c: f32[] = constant [0.5]\n"
                 "    r = multiply(q, c)\n"
                 "    t = transpose(k) {axes=[0, 2, 1]}\n"
                 "    l = multiply(t, c)\n"
                 "    s = matmul(r, l) {ta=0, tb=0}\n"
                 "    p = softmax(s) {axis=2}\n"
                 "    y = matmul(p, v) {ta=0, tb=0}\n"
                 "}\n",
                 "graph f(q: f32[2, n, 64], k: f32[2, m, 64], v: f32[2, m, 64]) -> (y) {\n"
                 "    y: f32[2, n, 64] = attention(q, k, v) {tq=0, tk=1, tv=0, scale=0.25, "
                 "rows=64, keys=16}\n"
                 "}\n");
}

static void
attention_of_attention_is_two(void **state)
{
    (void)state;
    check_passes("fuse-attention,eliminate-dead", &near,
                 HEAD " {\n"
                      "    s = matmul(q, k) {ta=0, tb=0}\n"
                      "    p = softmax(s) {axis=2}\n"
                      "    x = matmul(p, v) {ta=0, tb=0}\n"
                      "    t = matmul(x, k) {ta=0, tb=0}\n"
                      "    u = softmax(t) {axis=2}\n"
                      "    y = matmul(u, v) {ta=0, tb=0}\n"
                      "}\n",
                 HEAD " {\n"
                      "    x: f32[2, n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, scale=1.0, "
                      "rows=64, keys=16}\n"
                      "    y: f32[2, n, 64] = attention(x, k, v) {tq=0, tk=0, tv=0, scale=1.0, "
                      "rows=64, keys=16}\n"
                      "}\n");
}

/* The text with types written, as no pass changes it. */
static void
check_no_attention(const weft_graph_options *options, const char *text)
{
    weft_graph *g = graph_of(text);
    char *before = text_of(g);
    assert_int_equal(weft_run_graph_passes(g, "fuse-attention,eliminate-dead", options), WEFT_OK);
    char *after = text_of(g);
    assert_string_equal(after, before);
    free(before);
    free(after);
    weft_graph_destroy(g);
}

static void
what_is_no_attention_stays(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        /* scores, weights or what is between are read elsewhere */
        "(y, s) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "y = matmul(p, v) {ta=0, tb=0} }",
        "(y, z) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "y = matmul(p, v) {ta=0, tb=0} z = exp(p) }",
        "(y, z) { c: f32[] = constant [2] s = matmul(q, k) {ta=0, tb=0} d = multiply(s, c) "
        "p = softmax(d) {axis=2} y = matmul(p, v) {ta=0, tb=0} z = exp(d) }",
        /* another axis, another operand, another operator */
        "(y) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=1} "
        "y = matmul(p, v) {ta=0, tb=0} }",
        "(y) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "y = matmul(w, p) {ta=0, tb=0} }",
        "(y) { s = matmul(q, k) {ta=0, tb=0} p = log_softmax(s) {axis=2} "
        "y = matmul(p, v) {ta=0, tb=0} }",
        "(y) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "y = matmul(p, w) {ta=1, tb=0} }",
        /* a number that is not 0 where softmax is NaN, the test of something else */
        "(y) { c: f32[] = constant [1] s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "t = isnan(p) u = where(t, c, p) y = matmul(u, v) {ta=0, tb=0} }",
        "(y) { c: f32[] = constant [0] s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "t = isnan(w) u = where(t, c, p) y = matmul(u, v) {ta=0, tb=0} }",
        "(y, z) { c: f32[] = constant [0] s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "t = isnan(p) u = where(t, c, p) y = matmul(u, v) {ta=0, tb=0} z = exp(p) }",
        /* a scale that is no constant, or more than one number; a mask that adds a dimension */
        "(y) { s = matmul(q, k) {ta=0, tb=0} d = multiply(s, b) p = softmax(d) {axis=2} "
        "y = matmul(p, v) {ta=0, tb=0} }",
        "(y) { c: f32[2, 1, 1] = constant [2, 3] s = matmul(q, k) {ta=0, tb=0} "
        "d = multiply(s, c) p = softmax(d) {axis=2} y = matmul(p, v) {ta=0, tb=0} }",
        "(y) { s = matmul(q, k) {ta=0, tb=0} d = add(s, z4) p = softmax(d) {axis=3} "
        "y = matmul(p, v) {ta=0, tb=0} }",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char text[600];
        snprintf(text, sizeof text,
                 "graph f(q: f32[2, 96, 64], k: f32[2, 64, 96], v: f32[2, 96, 64], b: f32[96], "
                 "w: f32[96, 96], z4: f32[3, 1, 96, 96]) -> %s",
                 bodies[i]);
        check_no_attention(&near, text);
    }
}

static void
attention_that_does_not_pay_stays(void **state)
{
    (void)state;
    static const weft_graph_options off = { .flops_a_byte = 12.5 },
                                    little = { .attention_bytes = 4096, .flops_a_byte = 12.5 },
                                    slow = { .attention_bytes = 49152, .flops_a_byte = 0.1 };
    const char *const rest = " { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
                             "y = matmul(p, v) {ta=0, tb=0} }";
    char long_rows[400], one_query[400];
    snprintf(long_rows, sizeof long_rows, HEAD "%s", rest);
    snprintf(one_query, sizeof one_query,
             "graph f(q: f32[2, 1, 64], k: f32[2, 64, m], v: f32[2, m, 64]) -> (y)%s", rest);
    check_no_attention(&off, long_rows);
    check_no_attention(&little, long_rows);
    check_no_attention(&slow, long_rows);
    check_no_attention(&near, one_query);
    static const weft_graph_options vectors = { .attention_lanes = 16 };
    check_no_attention(&vectors, one_query);
    static const char *const short_ones[] = { "q: f32[127, 64], k: f32[64, 96], v: f32[96, 64]",
                                              "q: f32[47, 64], k: f32[64, 97], v: f32[97, 64]",
                                              "q: f32[960, 64], k: f32[64, 7], v: f32[7, 64]",
                                              "q: f32[960, 64], k: f32[64, 96], v: f32[96, 8]" };
    for (int i = 0; i < 4; i++) {
        snprintf(one_query, sizeof one_query,
                 "graph f(%s) -> (y) { s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=1} "
                 "y = matmul(p, v) {ta=0, tb=0} }",
                 short_ones[i]);
        check_no_attention(&vectors, one_query);
    }
}

static void
infer_follows_what_changed(void **state)
{
    (void)state;
    weft_graph *g =
        graph_of("graph f(x: f32[n, 4]) -> (y) { a = exp(x) y = sum(a) {axes=[1], keepdims=0} }");
    const weft_expr *dim[] = { weft_dim(g, 7), weft_dim(g, 4) };
    g->input.at[0]->dim = dim;
    assert_int_equal(weft_run_graph_passes(g, "infer", &(weft_graph_options){ 0 }), WEFT_OK);
    assert_true(weft_is_int_imm(g->output.at[0]->dim[0], 7));
    weft_graph_destroy(g);
}

static void
an_unknown_pass_is_an_error(void **state)
{
    (void)state;
    check_pass_error("infer,polish", NULL, "graph f(x: f32[1]) -> (x) { }",
                     "no graph pass 'polish'");
}

static void
verify_finds_a_use_before_its_value(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[1]) -> (y) { a = exp(x) y = exp(a) }");
    weft_node *first = g->node.at[0];
    g->node.at[0] = g->node.at[1];
    g->node.at[1] = first;
    g->node.at[0]->id = 0;
    g->node.at[1]->id = 1;
    weft_diag *diag = weft_diag_create();
    g->diag = diag;
    assert_int_equal(weft_graph_verify(g, "after a test"), WEFT_INTERNAL);
    assert_non_null(
        strstr(weft_diag_text(diag), "after a test: graph 'f': a value is read before"));
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simplify_drops_nodes_that_do_nothing),
        cmocka_unit_test(simplify_keeps_an_add_of_zero_that_makes_negative_zero_positive),
        cmocka_unit_test(an_output_may_become_an_input),
        cmocka_unit_test(fold_makes_constants_of_known_elements),
        cmocka_unit_test(fold_transposes_and_reshapes_constants),
        cmocka_unit_test(fold_asks_the_evaluator_and_takes_no_for_an_answer),
        cmocka_unit_test(fold_does_not_blow_constants_up),
        cmocka_unit_test(dead_nodes_and_constants_go_and_inputs_stay),
        cmocka_unit_test(common_subexpressions_are_computed_once),
        cmocka_unit_test(chains_of_reshapes_transposes_and_casts_are_shortened),
        cmocka_unit_test(a_transpose_of_unit_axes_is_a_reshape_and_one_before_matmul_a_flag),
        cmocka_unit_test(batch_norm_goes_into_the_convolution),
        cmocka_unit_test(scales_and_shifts_in_a_row_all_go_into_the_convolution),
        cmocka_unit_test(a_transposed_convolution_is_scaled_by_its_output_channels),
        cmocka_unit_test(a_matmul_is_scaled_by_its_columns),
        cmocka_unit_test(a_convolution_that_others_read_is_not_scaled),
        cmocka_unit_test(a_batch_norm_alone_is_a_multiply_and_an_add),
        cmocka_unit_test(a_large_matmul_is_split_along_its_columns),
        cmocka_unit_test(rows_of_a_large_weight_are_not_copied),
        cmocka_unit_test(a_weight_that_cannot_be_split_is_an_error_with_numbers),
        cmocka_unit_test(a_large_table_is_looked_up_in_parts),
        cmocka_unit_test(a_concatenation_of_many_becomes_a_tree),
        cmocka_unit_test(weights_are_packed_in_lanes),
        cmocka_unit_test(channels_go_over_to_blocks_where_convolutions_gain),
        cmocka_unit_test(a_models_own_conversions_to_blocks_go_where_blocks_are_there),
        cmocka_unit_test(channels_that_are_no_whole_blocks_stay),
        cmocka_unit_test(weights_of_blocks_are_packed_with_their_input_channels_side_by_side),
        cmocka_unit_test(a_weight_that_two_read_is_packed_once),
        cmocka_unit_test(two_products_around_a_softmax_are_attention),
        cmocka_unit_test(attention_takes_a_scale_a_mask_and_transposed_operands),
        cmocka_unit_test(attention_in_vectors_has_keys_in_panels),
        cmocka_unit_test(attention_with_zero_where_softmax_is_nan_says_so),
        cmocka_unit_test(attention_with_zero_where_all_is_masked_says_so),
        cmocka_unit_test(attention_computes_a_causal_mask),
        cmocka_unit_test(attention_finds_a_causal_constant),
        cmocka_unit_test(attention_takes_what_scales_its_operands),
        cmocka_unit_test(attention_of_attention_is_two),
        cmocka_unit_test(what_is_no_attention_stays),
        cmocka_unit_test(attention_that_does_not_pay_stays),
        cmocka_unit_test(infer_follows_what_changed),
        cmocka_unit_test(an_unknown_pass_is_an_error),
        cmocka_unit_test(verify_finds_a_use_before_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
