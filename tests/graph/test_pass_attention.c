/* What is attention, and what is not. */
#include "support.h"

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
    static const weft_graph_options vectors = { .attention_lanes = 16, .attention_registers = 16 };
    static const weft_graph_options more = { .attention_lanes = 16, .attention_registers = 32 };
#define BODY(t) "(q: " t "[n, 64], k: " t "[64, 600], v: " t "[600, 64]) -> (y) {\n"
    check_passes("fuse-attention,eliminate-dead", &vectors,
                 "graph f" BODY("f32") "    s = matmul(q, k) {ta=0, tb=0}\n"
                                       "    p = softmax(s) {axis=1}\n"
                                       "    y = matmul(p, v) {ta=0, tb=0}\n"
                                       "}\n",
                 "graph f" BODY("f32") "    y: f32[n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, "
                                       "scale=1.0, rows=6, keys=608, lanes=16}\n"
                                       "}\n");
    check_passes("fuse-attention,eliminate-dead", &vectors,
                 "graph f" BODY("f64") "    s = matmul(q, k) {ta=0, tb=0}\n"
                                       "    p = softmax(s) {axis=1}\n"
                                       "    y = matmul(p, v) {ta=0, tb=0}\n"
                                       "}\n",
                 "graph f" BODY("f64") "    y: f64[n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, "
                                       "scale=1.0, rows=6, keys=608, lanes=8}\n"
                                       "}\n");
#undef BODY
#define BODY "(q: f32[n, 64], k: f32[64, 4100], v: f32[4100, 64]) -> (y) {\n"
    check_passes("fuse-attention,eliminate-dead", &more,
                 "graph f" BODY "    s = matmul(q, k) {ta=0, tb=0}\n"
                 "    p = softmax(s) {axis=1}\n"
                 "    y = matmul(p, v) {ta=0, tb=0}\n"
                 "}\n",
                 "graph f" BODY "    y: f32[n, 64] = attention(q, k, v) {tq=0, tk=0, tv=0, "
                 "scale=1.0, rows=12, keys=1376, lanes=16}\n"
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

/* What comes out of it is of the operands' dtype. */
static void
products_that_give_the_dtype_of_their_sums_are_no_attention(void **state)
{
    (void)state;
    static const char head[] =
        "graph f(q: f16[2, 96, 64], k: f16[2, 64, 96], v: f16[2, 96, 64]) -> (y) {";
    static const char *const bodies[] = {
        "s = matmul(q, k) {ta=0, tb=0} p = softmax(s) {axis=2} "
        "y = matmul(p, v) {ta=0, tb=0, dtype=f32} }",
        "s = matmul(q, k) {ta=0, tb=0, dtype=f32} p = softmax(s) {axis=2} w = cast(v) {dtype=f32} "
        "y = matmul(p, w) {ta=0, tb=0} }",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        weft_str text = { 0 };
        weft_str_addf(&text, "%s%s", head, bodies[i]);
        check_no_attention(&near, weft_str_text(&text));
        weft_str_free(&text);
    }
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_products_around_a_softmax_are_attention),
        cmocka_unit_test(attention_takes_a_scale_a_mask_and_transposed_operands),
        cmocka_unit_test(attention_in_vectors_has_keys_in_panels),
        cmocka_unit_test(attention_with_zero_where_softmax_is_nan_says_so),
        cmocka_unit_test(attention_with_zero_where_all_is_masked_says_so),
        cmocka_unit_test(attention_computes_a_causal_mask),
        cmocka_unit_test(attention_finds_a_causal_constant),
        cmocka_unit_test(attention_takes_what_scales_its_operands),
        cmocka_unit_test(attention_of_attention_is_two),
        cmocka_unit_test(products_that_give_the_dtype_of_their_sums_are_no_attention),
        cmocka_unit_test(what_is_no_attention_stays),
        cmocka_unit_test(attention_that_does_not_pay_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
