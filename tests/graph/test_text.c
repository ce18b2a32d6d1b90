/* Graph text: what is printed reads back as the same, and mistakes are told with their place. */
#include "support.h"

static void
round_trip(const char *text)
{
    weft_graph *g = graph_of(text);
    char *printed = text_of(g);
    assert_string_equal(printed, text);
    free(printed);
    weft_graph_destroy(g);
}

static void
prints_what_it_read(void **state)
{
    (void)state;
    round_trip("graph net(x: f32[1, 3, 8, 8]) -> (y) model \"net.onnx\" {\n"
               "    w: f32[4, 3, 3, 3] = constant weights(\"0123456789abcdef\")\n"
               "    b: f32[4] = constant [0.5, -1.0, inf, 1e-05]\n"
               "    c: f32[1, 4, 6, 6] = conv(x, w, b) {strides=[1, 1], dilations=[1, 1], "
               "pads=[0, 0, 0, 0], groups=1} from \"conv1\" (Conv)\n"
               "    y: f32[1, 4, 6, 6] = leaky_relu(c) {alpha=0.01} from \"act\" (LeakyRelu)\n"
               "}\n");
}

static void
keeps_names_that_are_no_words(void **state)
{
    (void)state;
    round_trip("graph \"my net\"(\"/x:0\": f32[2]) -> (\"out put\" = \"/y:0\") {\n"
               "    \"none\": f32[2] = relu(\"/x:0\") from \"a \\\"b\\\"\" (\"my op\")\n"
               "    \"/y:0\": f32[2] = clip(\"none\", none, none)\n"
               "}\n");
}

static void
keeps_symbols_and_expressions(void **state)
{
    (void)state;
    round_trip("graph f(x: f32[n, m * 2], z: f32[n, 3]) -> (y, s) {\n"
               "    y: f32[n, m * 2 + 3] = concatenate(x, z) {axis=1}\n"
               "    s: i64[2] = dims() {value=[n, m * 2 + 3], scalar=0}\n"
               "}\n");
}

static void
keeps_sizes_that_a_run_reads(void **state)
{
    (void)state;
    round_trip("graph f(c: i32[2], x: f32[n, 3]) -> (y) {\n"
               "    k: i64[] = read(c) {symbol=\"k\", at=1, most=[n * 2]}\n"
               "    y: f32[k, 3] = slice(x) {starts=[0, 0], steps=[1, 1], dims=[k, 3]}\n"
               "}\n");
}

static void
keeps_conditions_and_loops(void **state)
{
    (void)state;
    round_trip("graph f(c: bool[], x: f32[n, 3]) -> (y, z, s) {\n"
               "    k: i64[] = read(c) {symbol=\"k\", at=0, most=[1]}\n"
               "    a: f32[n, 3] = carry(x)\n"
               "    loop i < n {\n"
               "        if k {\n"
               "            b: f32[n, 3] = relu(a)\n"
               "            d: f32[n, 3] = yield(b)\n"
               "        }\n"
               "        if 1 - k {\n"
               "            e: f32[n, 3] = yield(a)\n"
               "        }\n"
               "        f: f32[n, 3] = merge(d, e) {dims=[n, 3]}\n"
               "        g: f32[n, n, 3] = stack(f) {at=[i], size=[n]}\n"
               "        h: f32[n, 3] = yield(f, a)\n"
               "        m: i64[] = read(c) {symbol=\"m\", at=0, most=[1]}\n"
               "    } while m as count\n"
               "    y: f32[n, 3] = result(h)\n"
               "    z: f32[count, n, 3] = result(g) {size=[count]}\n"
               "    s: i64[1] = dims() {value=[count], scalar=0}\n"
               "}\n");
}

static void
keeps_constants_of_every_kind(void **state)
{
    (void)state;
    round_trip("graph f() -> (a, b, c, d, e) {\n"
               "    a: i64[2] = constant [-9223372036854775808, 9223372036854775807]\n"
               "    b: bool[] = constant [1]\n"
               "    c: u64[1] = constant [18446744073709551615]\n"
               "    d: f16[3] = constant [nan, 0.1, -0.0]\n"
               "    e: i4[3] = constant [-8, 7, 1]\n"
               "}\n");
}

static void
keeps_groups(void **state)
{
    (void)state;
    round_trip("graph f(x: f32[4]) -> (z) {\n"
               "    group 0 elementwise {\n"
               "        y: f32[4] = exp(x)\n"
               "        t: f32[4] = negative(y)\n"
               "    }\n"
               "    group 1 alias {\n"
               "        z: f32[2, 2] = reshape(t) {dims=[2, 2]}\n"
               "    }\n"
               "}\n");
}

static void
types_may_be_left_out(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[2, 3]) -> (y) { y = transpose(x) {axes=[1, 0]} }");
    int64_t d;
    assert_true(weft_as_int(g->output.at[0]->dim[0], &d));
    assert_int_equal(d, 3);
    weft_graph_destroy(g);
}

static void
mistakes_have_a_place(void **state)
{
    (void)state;
    check_error("graph f(x: f32[2]) -> (y) {\n    y = exq(x)\n}\n", "test:2:9: ");
    check_error("graph f(x: f32[2]) -> (y) {\n    y = exq(x)\n}\n", "there is no operator 'exq'");
    check_error("graph f(x: f32[2]) -> (y) { y = exp(z) }", "'z' is not defined");
    check_error("graph f(x: f32[2]) -> (y) { y = exp(x) y = exp(x) }", "'y' is defined twice");
    check_error("graph f(x: f32[2]) -> (q) { y = exp(x) }", "'q' is not defined");
    check_error("graph f(x: f32[2]) -> (z) { if 1 { y = exp(x) } z = exp(y) }",
                "in a scope that this is not in");
    check_error("graph f(x: f32[2]) -> (y) { if 1 { y = exp(x) } }", "made in a scope");
    check_error("graph f(x: f32[2]) -> (y) { y = yield(x) }", "in no scope");
    check_error("graph f(x: f32[n]) -> (y) { loop n < 2 { y = exp(x) } }", "a symbol already");
    check_error("graph f(x: f32[n]) -> (x) { loop i < 2 { y = carry(x) u = yield(x, y) } }",
                "no carry from right before");
    check_error("graph f(x: f32[2], z: f32[3]) -> (x) { y = carry(x) loop i < 2 { u = yield(z, y) } }",
                "changes its type or shape");
    check_error("graph f(x: f32[2]) -> (y) { loop i < 2 { u = yield(x) } y = result(u) }",
                "a yield to a carry");
    check_error("graph f(x: i64[2]) -> (y) { k = read(x) {symbol=\"k\", at=0, most=[2]} y = exp(k) }",
                "a size that the run reads");
    check_error("graph f(x: i64[2]) -> (y) { k = read(x) {symbol=\"k\", at=2, most=[2]} }",
                "no element 2");
    check_error("graph f(x: f32[2]) -> (y) { y: f32[3] = exp(x) }", "is f32[2] by its inputs");
    check_error("graph f(x: f32[2]) -> (y) { y = exp(x) {beta=1} }", "exp has no attribute 'beta'");
    check_error("graph f(x: f32[2]) -> (y) { y = transpose(x) }", "attribute 'axes' is missing");
    check_error("graph f(x: f32[2]) -> (y) { y = exp(x, x) }", "takes 1 inputs, not 2");
    check_error("graph f(x: f32[2]) -> (y) { y: f32[n] = exp(x) }", "'n' is no symbol");
    check_error("graph f(x: f32[-1]) -> (x) { }", "negative dimension");
    check_error("graph f(x: f33[1]) -> (x) { }", "a dtype is expected");
    check_error("graph f(x: f32[1]) -> (x) { } x", "nothing is expected after the graph");
    check_error("graph f(x: f32[1]) -> (x", "')' is expected");
    check_error("graph f(x: f32[1]) -> (x) { group 1 elementwise { } }", "group 0 is expected");
    check_error("", "'graph' is expected");
}

static void
hostile_sizes_are_refused(void **state)
{
    (void)state;
    check_error("graph f() -> () { w: f32[99999999999] = constant weights(\"00\") }",
                "larger than");
    check_error("graph f() -> () { w: f32[99999999999, 99999999999] = constant [1] }",
                "have to be constant and their product");
    check_error("graph f() -> () { w: f32[99999999999] = constant [1] }", "elements are expected");
    check_error("graph f() -> () { w: f32[2] = constant [1] }", "',' is expected");
    check_error("graph f(x: f32[9223372036854775807 * 2]) -> () { }", "overflows");
    weft_str s = { 0 };
    weft_str_add(&s, "graph f(x: f32[");
    for (int i = 0; i < 100000; i++)
        weft_str_add(&s, "(");
    check_error(weft_str_text(&s), "nest deeper");
    weft_str_free(&s);
}

static void
every_prefix_of_a_graph_is_an_error(void **state)
{
    (void)state;
    const char *text =
        "graph f(x: f32[n, 2]) -> (y) model \"m\" { c: f32[2] = constant [1, 2] group 0 "
        "broadcast { y = add(x, c) from \"a\" (B) } }";
    char *copy = strdup(text);
    for (size_t n = strlen(text) - 1; n > 0; n--) {
        copy[n] = 0;
        check_error(copy, "error");
    }
    free(copy);
    weft_graph_destroy(graph_of(text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_it_read),
        cmocka_unit_test(keeps_names_that_are_no_words),
        cmocka_unit_test(keeps_symbols_and_expressions),
        cmocka_unit_test(keeps_sizes_that_a_run_reads),
        cmocka_unit_test(keeps_conditions_and_loops),
        cmocka_unit_test(keeps_constants_of_every_kind),
        cmocka_unit_test(keeps_groups),
        cmocka_unit_test(types_may_be_left_out),
        cmocka_unit_test(mistakes_have_a_place),
        cmocka_unit_test(hostile_sizes_are_refused),
        cmocka_unit_test(every_prefix_of_a_graph_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
