/* Graph passes keep results: graphs over constants are evaluated by the reference interpreter as
 * they stand and after the passes, and the numbers compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"

#include <math.h>

/* Weights by hash are zeros: these get numbers that depend on the place alone. */
static void
fill_weights(weft_graph *g)
{
    for (int i = 0; i < g->value.n; i++) {
        weft_value *v = g->value.at[i];
        if (!v->data || v->nelem == 1)
            continue;
        weft_const *c = weft_arena_dup(&g->ir->arena, v->data, sizeof *c);
        void *data = weft_arena_alloc(&g->ir->arena, c->size + 1);
        int64_t n;
        assert_true(weft_value_count(v, &n));
        for (int64_t j = 0; j < n; j++)
            if (weft_is_float(c->dtype))
                weft_set_f64(c->dtype, data, j, (double)((j * 7 + i * 3) % 13) / 4 - 1.1);
            else
                weft_set_i64(c->dtype, data, j, weft_get_i64(c->dtype, c->data, j));
        c->data = data;
        v->data = c;
        v->elem = NULL;
        v->nelem = 0;
    }
}

/* The first output's constant after `passes`, then folding of everything. */
static weft_const
evaluated(const char *text, const char *passes, const weft_graph_options *options,
          weft_graph **keep)
{
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_parse_graph("test", text, diag);
    weft_graph_options fold = { .evaluate = weft_evaluate_node };
    if (!g)
        fail_msg("%s", weft_diag_text(diag));
    fill_weights(g);
    if (weft_run_graph_passes(g, passes, options) ||
        weft_run_graph_passes(g, "fold-constants", &fold))
        fail_msg("%s", weft_diag_text(diag));
    weft_const c = { 0 };
    if (!g->output.at[0]->data) {
        weft_str s = { 0 };
        weft_print_graph(&s, g);
        fail_msg("not folded:\n%s", weft_str_text(&s));
    } else {
        c = *g->output.at[0]->data;
    }
    g->diag = g->ir->diag = NULL;
    weft_diag_destroy(diag);
    *keep = g;
    return c;
}

static void
check_same(const char *text, const weft_graph_options *options)
{
    weft_graph *g, *h;
    weft_const a = evaluated(text, "", &(weft_graph_options){ 0 }, &g);
    weft_const b =
        evaluated(text,
                  "infer,simplify-inference,clean-up,common-subexpressions,eliminate-dead,"
                  "fold-scale,fuse-attention,eliminate-dead,split-large,layout,eliminate-dead,pack-"
                  "weights,eliminate-dead",
                  options, &h);
    assert_int_equal(a.size, b.size);
    assert_int_equal(a.ndim, b.ndim);
    int64_t n;
    assert_true(weft_value_count(g->output.at[0], &n));
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(weft_get_f64(a.dtype, a.data, i)));
    assert_true(most > 0 && isfinite(most));
    for (int64_t i = 0; i < n; i++) {
        double x = weft_get_f64(a.dtype, a.data, i), y = weft_get_f64(b.dtype, b.data, i);
        if (!(fabs(x - y) <= 1e-5 * most))
            fail_msg("element %lld is %g before and %g after", (long long)i, x, y);
    }
    weft_graph_destroy(g);
    weft_graph_destroy(h);
}

static const weft_graph_options plain,
    packed = { .pack_lanes = 4 }, small = { .max_range = 256, .max_buffers = 4 },
    both = { .max_range = 256, .pack_lanes = 4 }, blocks = { .block_lanes = 4 },
    packed_blocks = { .block_lanes = 4, .pack_lanes = 4, .flat_places = true },
    flat = { .flat_places = true };

static void
check_all(const char *text)
{
    check_same(text, &plain);
    check_same(text, &packed);
    check_same(text, &small);
    check_same(text, &both);
    check_same(text, &blocks);
    check_same(text, &packed_blocks);
    check_same(text, &flat);
}

static void
a_convolution_with_batch_norm_keeps_its_result(void **state)
{
    (void)state;
    check_all(
        "graph f() -> (y) {\n"
        "    x: f32[2, 3, 5, 4] = constant weights(\"0\")\n"
        "    w: f32[10, 3, 3, 2] = constant weights(\"0\")\n"
        "    b: f32[10] = constant weights(\"0\")\n"
        "    s: f32[10] = constant weights(\"0\")\n"
        "    m: f32[10] = constant weights(\"0\")\n"
        "    p: f32[10, 1, 1] = constant weights(\"0\")\n"
        "    c = conv(x, w, b) {strides=[2, 1], dilations=[1, 2], pads=[1, 0, 1, 1], groups=1}\n"
        "    n = batch_norm(c, s, b, m, m) {epsilon=2}\n"
        "    r = subtract(n, p)\n"
        "    y = relu(r)\n"
        "}\n");
}

static void
grouped_and_transposed_convolutions_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[1, 4, 6] = constant weights(\"0\")\n"
              "    w: f32[4, 3, 3] = constant weights(\"0\")\n"
              "    v: f32[6, 2, 1] = constant weights(\"0\")\n"
              "    s: f32[6] = constant weights(\"0\")\n"
              "    t: f32[6, 1] = constant weights(\"0\")\n"
              "    c = conv_transpose(x, w) {strides=[2], dilations=[1], pads=[1, 0], "
              "output_padding=[1], "
              "groups=2}\n"
              "    n = batch_norm(c, s, s, s, s) {epsilon=2}\n"
              "    d = conv(n, v) {strides=[1], dilations=[1], pads=[0, 0], groups=3}\n"
              "    y = divide(d, t)\n"
              "}\n");
}

/* Kernels that their strides do not divide, or exceed; a bias for all phases. */
static void
phases_of_transposed_convolutions_keep_their_results(void **state)
{
    static const char *const attrs[] = {
        "strides=[2, 3], dilations=[1, 1], pads=[1, 0, 2, 1], output_padding=[1, 2], groups=2",
        "strides=[1, 5], dilations=[2, 1], pads=[0, 2, 1, 1], output_padding=[0, 4], groups=1",
        "strides=[3, 1], dilations=[1, 1], pads=[2, 1, 2, 1], output_padding=[2, 0], groups=4",
    };
    (void)state;
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        weft_str text = { 0 };
        weft_str_addf(&text, "graph f() -> (y) {\n"
                             "    x: f32[2, 4, 5, 4] = constant weights(\"0\")\n"
                             "    w: f32[4, 4, 3, 4] = constant weights(\"0\")\n"
                             "    b: f32[%d] = constant weights(\"0\")\n"
                             "    c = conv_transpose(x, w, b) {%s}\n"
                             "    y = relu(c)\n"
                             "}\n",
                      4 * (attrs[i][strlen(attrs[i]) - 1] - '0'), attrs[i]);
        check_all(weft_str_text(&text));
        weft_str_free(&text);
    }
}

static void
convolutions_of_single_places_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[2, 6, 3, 5] = constant weights(\"0\")\n"
              "    w: f32[4, 3, 1, 1] = constant weights(\"0\")\n"
              "    v: f32[4, 4, 1, 1] = constant weights(\"0\")\n"
              "    d: f32[4, 1, 3, 3] = constant weights(\"0\")\n"
              "    p: f32[4, 1, 1] = constant weights(\"0\")\n"
              "    a = conv(x, w) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=2}\n"
              "    b = multiply(a, p)\n"
              "    r = reshape(b) {dims=[2, 2, 2, 15]}\n"
              "    t = transpose(r) {axes=[0, 2, 1, 3]}\n"
              "    u = reshape(t) {dims=[2, 4, 3, 5]}\n"
              "    e = conv(u, d) {strides=[1, 1], dilations=[1, 1], pads=[1, 1, 1, 1], groups=4}\n"
              "    f = conv(e, v) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1}\n"
              "    s = add(f, u)\n"
              "    y = relu(s)\n"
              "}\n");
}

static void
matmuls_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[2, 3, 8] = constant weights(\"0\")\n"
              "    w: f32[8, 14] = constant weights(\"0\")\n"
              "    v: f32[9, 14] = constant weights(\"0\")\n"
              "    m: f32[14] = constant weights(\"0\")\n"
              "    b: f32[9] = constant weights(\"0\")\n"
              "    a = matmul(x, w) {ta=0, tb=0}\n"
              "    c = multiply(a, m)\n"
              "    t = transpose(v) {axes=[1, 0]}\n"
              "    d = matmul(c, t) {ta=0, tb=0}\n"
              "    e = add(d, b)\n"
              "    f = transpose(e) {axes=[0, 2, 1]}\n"
              "    y = matmul(f, e) {ta=0, tb=0}\n"
              "}\n");
}

static void
tables_and_concatenations_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    t: f32[50, 4] = constant weights(\"0\")\n"
              "    i: i64[2, 3] = constant [0, 49, -1, -50, 17, 16]\n"
              "    a = take(t, i) {axis=0}\n"
              "    b = negative(a)\n"
              "    c = exp(a)\n"
              "    y = concatenate(a, b, c, b, a) {axis=1}\n"
              "}\n");
}

static void
chains_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[2, 3, 4] = constant weights(\"0\")\n"
              "    one: f32[] = constant [1]\n"
              "    a = transpose(x) {axes=[1, 2, 0]}\n"
              "    b = transpose(a) {axes=[1, 0, 2]}\n"
              "    c = reshape(b) {dims=[1, 4, 6]}\n"
              "    d = transpose(c) {axes=[1, 0, 2]}\n"
              "    e = multiply(d, one)\n"
              "    f = cast(e) {dtype=f64}\n"
              "    g = cast(f) {dtype=f32}\n"
              "    h = reshape(g) {dims=[24]}\n"
              "    k = exp(h)\n"
              "    l = exp(h)\n"
              "    y = add(k, l)\n"
              "}\n");
}

#define CONV2(pad, groups) "{strides=[1, 1], dilations=[1, 1], pads=[" pad "], groups=" groups "}"

static void
a_network_in_blocks_keeps_its_result(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[2, 3, 9, 8] = constant weights(\"0\")\n"
              "    w: f32[8, 3, 3, 3] = constant weights(\"0\")\n"
              "    b: f32[8] = constant weights(\"0\")\n"
              "    v: f32[8, 8, 3, 2] = constant weights(\"0\")\n"
              "    d: f32[8, 1, 3, 3] = constant weights(\"0\")\n"
              "    u: f32[10, 16, 1, 1] = constant weights(\"0\")\n"
              "    m: f32[1, 1, 9, 1] = constant weights(\"0\")\n"
              "    s: f32[8, 1, 1] = constant weights(\"0\")\n"
              "    l: f32[8] = constant weights(\"0\")\n"
              "    half: f32[] = constant [0.5]\n"
              "    c = conv(x, w, b) " CONV2(
                  "1, 1, 1, 1",
                  "1") "\n"
                       "    e = conv(c, v) " CONV2(
                           "1, 0, 1, 1",
                           "1") "\n"
                                "    f = conv(e, d, b) " CONV2(
                                    "1, 1, 1, 1",
                                    "8") "\n"
                                         "    g = add(c, f)\n"
                                         "    h = multiply(g, m)\n"
                                         "    i = add(h, s)\n"
                                         "    j = add(i, l)\n"
                                         "    k = multiply(j, half)\n"
                                         "    mean = mean(k) {axes=[2, 3], keepdims=1}\n"
                                         "    scaled = multiply(k, mean)\n"
                                         "    both = concatenate(scaled, e) {axis=1}\n"
                                         "    p = max_pool(both) {kernel=[3, 3], strides=[2, 2], "
                                         "dilations=[1, 1], "
                                         "pads=[1, 1, 1, 1], ceil=0}\n"
                                         "    q = avg_pool(both) {kernel=[3, 3], strides=[2, 2], "
                                         "dilations=[1, 1], "
                                         "pads=[1, 1, 1, 1], ceil=0, count_include_pad=0}\n"
                                         "    r = maximum(p, q)\n"
                                         "    t = conv(r, u) " CONV2(
                                             "0, 0, 0, 0",
                                             "1") "\n"
                                                  "    z = max(r) {axes=[3], keepdims=0}\n"
                                                  "    a = softmax(z) {axis=1}\n"
                                                  "    o = mean(t) {axes=[1, 3], keepdims=0}\n"
                                                  "    n = mean(a) {axes=[1], keepdims=0}\n"
                                                  "    y = add(o, n)\n"
                                                  "}\n");
}

static void
groups_in_blocks_keep_their_results(void **state)
{
    (void)state;
    check_all("graph f() -> (y) {\n"
              "    x: f32[1, 5, 11] = constant weights(\"0\")\n"
              "    w: f32[16, 5, 3] = constant weights(\"0\")\n"
              "    v: f32[24, 8, 4] = constant weights(\"0\")\n"
              "    u: f32[16, 12, 1] = constant weights(\"0\")\n"
              "    t: f32[12, 4, 3] = constant weights(\"0\")\n"
              "    c = conv(x, w) {strides=[1], dilations=[1], pads=[1, 1], groups=1}\n"
              "    d = conv(c, v) {strides=[1], dilations=[2], pads=[3, 2], groups=2}\n"
              "    e = conv(d, u) {strides=[2], dilations=[1], pads=[0, 0], groups=2}\n"
              "    y = conv(e, t) {strides=[1], dilations=[1], pads=[1, 1], groups=4}\n"
              "}\n");
}

static void
attention_keeps_its_result(void **state)
{
    (void)state;
    static const weft_graph_options near = { .attention_bytes = 32768, .flops_a_byte = 100 },
                                    vectors = { .attention_lanes = 4 };
    static const char text[] = "graph f() -> (y) {\n"
                               "    q: f32[2, 1, 49, 5] = constant weights(\"0\")\n"
                               "    k: f32[3, 37, 5] = constant weights(\"0\")\n"
                               "    v: f32[1, 37, 7] = constant weights(\"0\")\n"
                               "    b: f32[49, 37] = constant weights(\"0\")\n"
                               "    c: f32[] = constant [0.3]\n"
                               "    s = matmul(q, k) {ta=0, tb=1}\n"
                               "    d = multiply(c, s)\n"
                               "    a = add(d, b)\n"
                               "    p = softmax(a) {axis=3}\n"
                               "    y = matmul(p, v) {ta=0, tb=0}\n"
                               "}\n";
    check_same(text, &near);
    check_same(text, &vectors);
}

/* Attention with a mask that is -inf where a number is negative: in some rows everywhere. */
#define MASKED(weights)                                                                            \
    "graph f() -> (y) {\n"                                                                         \
    "    q: f32[132, 2] = constant weights(\"0\")\n"                                               \
    "    k: f32[2, 2] = constant weights(\"0\")\n"                                                 \
    "    v: f32[2, 2] = constant weights(\"0\")\n"                                                 \
    "    w: f32[2, 132] = constant weights(\"0\")\n"                                               \
    "    z: f32[] = constant [0]\n"                                                                \
    "    r = relu(w)\n"                                                                            \
    "    l = log(r)\n"                                                                             \
    "    b = transpose(l) {axes=[1, 0]}\n"                                                         \
    "    s = matmul(q, k) {ta=0, tb=0}\n"                                                          \
    "    a = add(s, b)\n"                                                                          \
    "    p = softmax(a) {axis=1}\n" weights "}\n"

/* Rows of the result that are numbers, NaN and 0, which fusing must not change. */
static void
count_rows(const char *text, const weft_graph_options *options, int rows[3])
{
    weft_graph *g, *h;
    weft_const a = evaluated(text, "", &plain, &g),
               b = evaluated(text, "fuse-attention,eliminate-dead", options, &h);
    for (int64_t e = 0; e < 264; e++) {
        double x = weft_get_f64(a.dtype, a.data, e), y = weft_get_f64(b.dtype, b.data, e);
        rows[isnan(x) ? 1 : fpclassify(x) == FP_ZERO ? 2 : 0]++;
        assert_true(isnan(x) ? isnan(y) : fabs(x - y) <= 1e-5);
    }
    weft_graph_destroy(g);
    weft_graph_destroy(h);
}

static void
a_query_with_no_score_is_nan_or_zero_in_attention_too(void **state)
{
    (void)state;
    static const char nan[] = MASKED("    y = matmul(p, v) {ta=0, tb=0}\n");
    static const char zero[] = MASKED("    t = isnan(p)\n"
                                      "    u = where(t, z, p)\n"
                                      "    y = matmul(u, v) {ta=0, tb=0}\n");
    static const char masked[] = MASKED("    i: f32[] = constant [-inf]\n"
                                        "    m = max(b) {axes=[1], keepdims=1}\n"
                                        "    t = equal(m, i)\n"
                                        "    u = where(t, z, p)\n"
                                        "    y = matmul(u, v) {ta=0, tb=0}\n");
    static const weft_graph_options each[2] = { { .attention_bytes = 32768, .flops_a_byte = 1e6 },
                                                { .attention_lanes = 2 } };
    for (int i = 0; i < 2; i++) {
        int of_nan[3] = { 0 }, of_zero[3] = { 0 }, of_masked[3] = { 0 };
        count_rows(nan, &each[i], of_nan);
        count_rows(zero, &each[i], of_zero);
        count_rows(masked, &each[i], of_masked);
        assert_true(of_nan[0] > 0 && of_nan[1] > 0 && of_nan[2] == 0);
        assert_true(of_zero[0] == of_nan[0] && of_zero[1] == 0 && of_zero[2] == of_nan[1]);
        assert_memory_equal(of_masked, of_zero, sizeof of_zero);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution_with_batch_norm_keeps_its_result),
        cmocka_unit_test(grouped_and_transposed_convolutions_keep_their_results),
        cmocka_unit_test(phases_of_transposed_convolutions_keep_their_results),
        cmocka_unit_test(convolutions_of_single_places_keep_their_results),
        cmocka_unit_test(matmuls_keep_their_results),
        cmocka_unit_test(tables_and_concatenations_keep_their_results),
        cmocka_unit_test(chains_keep_their_results),
        cmocka_unit_test(a_network_in_blocks_keeps_its_result),
        cmocka_unit_test(groups_in_blocks_keep_their_results),
        cmocka_unit_test(attention_keeps_its_result),
        cmocka_unit_test(a_query_with_no_score_is_nan_or_zero_in_attention_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
