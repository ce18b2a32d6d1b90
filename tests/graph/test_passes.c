/* Each pass on graph text: what goes in, what comes out.  Those that scale, lay out and fuse attention
 * have files of their own. */
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
                 "graph f(x: f32[1, 3, 1, 4], k: f32[2, 5, 4], h: f16[5, 4]) -> (r, y, z) {\n"
                 "    r = transpose(x) {axes=[1, 0, 2, 3]}\n"
                 "    t = transpose(k) {axes=[0, 2, 1]}\n"
                 "    q = reshape(x) {dims=[1, 3, 4]}\n"
                 "    y = matmul(q, t) {ta=0, tb=0}\n"
                 "    s = transpose(h) {axes=[1, 0]}\n"
                 "    z = matmul(s, h) {ta=0, tb=0, dtype=f32}\n"
                 "}\n",
                 "graph f(x: f32[1, 3, 1, 4], k: f32[2, 5, 4], h: f16[5, 4]) -> (r, y, z) {\n"
                 "    r: f32[3, 1, 1, 4] = reshape(x) {dims=[3, 1, 1, 4]}\n"
                 "    q: f32[1, 3, 4] = reshape(x) {dims=[1, 3, 4]}\n"
                 "    y: f32[2, 3, 5] = matmul(q, k) {ta=0, tb=1}\n"
                 "    z: f32[4, 4] = matmul(h, h) {ta=1, tb=0, dtype=f32}\n"
                 "}\n");
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
        cmocka_unit_test(infer_follows_what_changed),
        cmocka_unit_test(an_unknown_pass_is_an_error),
        cmocka_unit_test(verify_finds_a_use_before_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
