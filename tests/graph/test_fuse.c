/* Which nodes become one group. */
#include "support.h"

#define CONV "{strides=[1, 1], dilations=[1, 1], pads=[1, 1, 1, 1], groups=1}"
#define W                                                                                          \
    "    w: f32[4, 4, 3, 3] = constant weights(\"00\")\n    v: f32[4, 4, 3, 3] = constant "        \
    "weights(\"11\")\n"                                                                            \
    "    s: f32[4] = constant [1, 2, 3, 4]\n"
#define HEAD "graph f(x: f32[1, 4, 8, 8]) -> (y) {\n" W

static void
conv_batch_norm_relu_is_one_group(void **state)
{
    (void)state;
    check_groups(HEAD "c = conv(x, w) " CONV
                      " b = batch_norm(c, s, s, s, s) {epsilon=0.1} y = relu(b) }",
                 NULL, "conv+relu");
}

static void
a_residual_add_joins_the_last_convolution(void **state)
{
    (void)state;
    check_groups(HEAD "a = conv(x, w) " CONV " r = relu(a) b = conv(r, v) " CONV
                      " t = add(b, x) y = relu(t) }",
                 NULL, "conv+relu | conv+add+relu");
}

static void
of_two_convolutions_added_one_takes_the_add(void **state)
{
    (void)state;
    check_groups(HEAD "a = conv(x, w) " CONV " b = conv(x, v) " CONV " t = add(a, b) y = relu(t) }",
                 NULL, "conv | conv+add+relu");
}

static void
a_diamond_of_elementwise_nodes_is_one_group(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[8]) -> (y) { a = exp(x) b = sin(a) c = cos(a) y = add(b, c) }",
                 NULL, "exp+sin+cos+add");
    check_groups(HEAD "c = conv(x, w) " CONV " g = sigmoid(c) y = multiply(c, g) }", NULL,
                 "conv+sigmoid+multiply");
}

static void
a_branch_that_leaves_the_diamond_stays_outside(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[8]) -> (y, b) { a = exp(x) b = sin(a) c = cos(a) y = add(b, c) }",
                 NULL, "exp | sin | cos+add");
}

static void
a_concatenation_takes_elementwise_inputs_and_leaves_convolutions(void **state)
{
    (void)state;
    check_groups(HEAD "a = conv(x, w) " CONV
                      " r = relu(a) b = exp(x) y = concatenate(r, b) {axis=1} }",
                 NULL, "conv+relu | exp+concatenate");
}

static void
a_reshape_alone_is_an_alias(void **state)
{
    (void)state;
    const char *text = "graph f(x: f32[2, 8]) -> (y) { w: f32[8, 8] = constant weights(\"00\")\n"
                       "a = matmul(x, w) {ta=0, tb=0} r = reshape(a) {dims=[16]} y = exp(r) }";
    check_groups(text, NULL, "matmul | reshape | exp");
    weft_graph *g = graph_of(text);
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    assert_int_equal(g->group.at[0]->pattern, WEFT_PAT_CONTRACTION);
    assert_int_equal(g->group.at[1]->pattern, WEFT_PAT_ALIAS);
    assert_int_equal(g->group.at[2]->pattern, WEFT_PAT_ELEMWISE);
    weft_graph_destroy(g);
}

static void
a_reshape_between_elementwise_nodes_joins_them_and_one_at_the_border_does_not(void **state)
{
    (void)state;
    check_groups(
        "graph f(x: f32[2, 8]) -> (y) { a = exp(x) r = reshape(a) {dims=[16]} y = sin(r) }", NULL,
        "exp+reshape+sin");
    check_groups("graph f(x: f32[2, 8]) -> (y) { r = reshape(x) {dims=[16]} a = exp(r) "
                 "y = reshape(a) {dims=[4, 4]} }",
                 NULL, "reshape | exp | reshape");
}

static void
softmax_takes_cheap_producers_only_and_elementwise_followers(void **state)
{
    (void)state;
    check_groups(
        "graph f(x: f32[4, 8], m: f32[4, 8]) -> (y) { a = add(x, m) b = softmax(a) {axis=1} "
        "y = multiply(b, m) }",
        NULL, "add+softmax+multiply");
    check_groups("graph f(x: f32[4, 8]) -> (y) { a = exp(x) y = softmax(a) {axis=1} }", NULL,
                 "exp | softmax");
}

static void
reductions_take_producers_and_followers_of_their_shape(void **state)
{
    (void)state;
    check_groups(
        "graph f(x: f32[4, 8]) -> (y) { a = exp(x) s = sum(a) {axes=[1], keepdims=1} y = sqrt(s) }",
        NULL, "exp+sum+sqrt");
    check_groups(
        "graph f(x: f32[4, 8]) -> (y) { s = mean(x) {axes=[1], keepdims=1} y = subtract(x, s) }",
        NULL, "mean | subtract");
}

static void
what_is_costly_is_not_computed_for_each_of_many(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[4, 1], z: f32[4, 8]) -> (y) { a = exp(x) y = add(a, z) }", NULL,
                 "exp | add");
    check_groups("graph f(x: f32[4, 1], z: f32[4, 8]) -> (y) { a = negative(x) y = add(a, z) }",
                 NULL, "negative+add");
}

static void
movement_joins_what_reads_it(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[4, 8], z: f32[8, 4]) -> (y) { t = transpose(x) {axes=[1, 0]} y = "
                 "add(t, z) }",
                 NULL, "transpose+add");
}

static void
slices_of_rows_join_behind_a_contraction_and_other_movement_does_not(void **state)
{
    (void)state;
#define BEHIND(before, from)                                                                       \
    "graph f(a: f32[4, 8], b: f32[8, 4], x: f32[3, 4, 8]) -> (y) { " before                         \
    " m = matmul(a, b) {ta=0, tb=0} y = add(m, " from ") }"
    check_groups(BEHIND("s = slice(x) {starts=[1, 0, 4], steps=[1, 1, 1], dims=[1, 4, 4]} "
                        "r = reshape(s) {dims=[4, 4]}",
                        "r"),
                 NULL, "slice+reshape+matmul+add");
    check_groups(BEHIND("s = slice(a) {starts=[0, 0], steps=[1, 2], dims=[4, 4]}", "s"), NULL,
                 "slice | matmul+add");
    check_groups(BEHIND("s = slice(a) {starts=[0, 4], steps=[1, 1], dims=[4, 4]} "
                        "t = transpose(s) {axes=[1, 0]}",
                        "t"),
                 NULL, "slice+transpose | matmul+add");
#undef BEHIND
}

static void
an_output_of_the_graph_ends_its_group(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[4]) -> (a, y) { a = exp(x) y = sin(a) }", NULL, "exp | sin");
}

static void
without_fusion_every_node_is_a_group(void **state)
{
    (void)state;
    weft_graph_options options = { .no_fuse = true };
    check_groups("graph f(x: f32[4]) -> (y) { a = exp(x) y = sin(a) }", &options, "exp | sin");
}

static void
a_group_has_no_more_arguments_than_the_target(void **state)
{
    (void)state;
    const char *text =
        "graph f(a: f32[4], b: f32[4], c: f32[4], d: f32[4]) -> (y) { p = add(a, b) q = add(p, c) "
        "y = add(q, d) }";
    check_groups(text, NULL, "add+add+add");
    check_groups(text, &(weft_graph_options){ .max_buffers = 4 }, "add+add | add");
}

static void
inputs_and_outputs_of_groups_are_listed_once(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[4], z: f32[4]) -> (y) { k: f32[] = constant [2]\n"
                             "v: f32[4] = constant [1, 2, 3, 4]\n"
                             "a = add(x, z) b = multiply(a, k) c = add(b, v) y = add(c, x) }");
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    assert_int_equal(g->group.n, 1);
    const weft_group *group = g->group.at[0];
    assert_int_equal(group->nin, 3); /* the scalar k is an expression */
    assert_string_equal(group->in[0]->name, "x");
    assert_string_equal(group->in[1]->name, "z");
    assert_string_equal(group->in[2]->name, "v");
    assert_int_equal(group->nout, 1);
    assert_string_equal(group->out[0]->name, "y");
    weft_graph_destroy(g);
}

static void
fused_text_reads_back(void **state)
{
    (void)state;
    weft_graph *g = graph_of(HEAD "a = conv(x, w) " CONV " r = relu(a) b = exp(r) c = add(r, b) "
                                  "y = reshape(c) {dims=[256]} }");
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    char *text = text_of(g);
    weft_graph *again = graph_of(text);
    char *second = text_of(again);
    assert_string_equal(second, text);
    assert_int_equal(again->group.n, g->group.n);
    assert_int_equal(again->group.at[0]->nin, g->group.at[0]->nin);
    free(text);
    free(second);
    weft_graph_destroy(g);
    weft_graph_destroy(again);
}

/* A chain that every pass walks; each node also reads the input, so that users are many. */
static void
a_hundred_thousand_nodes_take_no_stack_and_little_time(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_graph_create("long", diag);
    const weft_expr *dim = weft_dim(g, 16);
    weft_value *x = weft_graph_input(g, "x", WEFT_F32, 1, &dim), *v = x;
    for (int i = 0; i < 100000; i++) {
        weft_value *in[2] = { v, x };
        v = weft_graph_add(g, i % 3 ? WEFT_GOP_ADD : WEFT_GOP_EXP, "n", "N", NULL, i % 3 ? 2 : 1,
                           in, 0, NULL);
    }
    weft_graph_output(g, v);
    double start = weft_now();
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    assert_true(weft_now() - start < 20);
    assert_int_equal(g->node.n, 100000);
    assert_true(g->group.n >= 100000 / 256 && g->group.n < 2000);
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_batch_norm_relu_is_one_group),
        cmocka_unit_test(a_residual_add_joins_the_last_convolution),
        cmocka_unit_test(of_two_convolutions_added_one_takes_the_add),
        cmocka_unit_test(a_diamond_of_elementwise_nodes_is_one_group),
        cmocka_unit_test(a_branch_that_leaves_the_diamond_stays_outside),
        cmocka_unit_test(a_concatenation_takes_elementwise_inputs_and_leaves_convolutions),
        cmocka_unit_test(a_reshape_alone_is_an_alias),
        cmocka_unit_test(
            a_reshape_between_elementwise_nodes_joins_them_and_one_at_the_border_does_not),
        cmocka_unit_test(softmax_takes_cheap_producers_only_and_elementwise_followers),
        cmocka_unit_test(reductions_take_producers_and_followers_of_their_shape),
        cmocka_unit_test(what_is_costly_is_not_computed_for_each_of_many),
        cmocka_unit_test(movement_joins_what_reads_it),
        cmocka_unit_test(slices_of_rows_join_behind_a_contraction_and_other_movement_does_not),
        cmocka_unit_test(an_output_of_the_graph_ends_its_group),
        cmocka_unit_test(without_fusion_every_node_is_a_group),
        cmocka_unit_test(a_group_has_no_more_arguments_than_the_target),
        cmocka_unit_test(inputs_and_outputs_of_groups_are_listed_once),
        cmocka_unit_test(fused_text_reads_back),
        cmocka_unit_test(a_hundred_thousand_nodes_take_no_stack_and_little_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
