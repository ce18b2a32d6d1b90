/* Damaged graph text ends in a diagnostic or in a graph that every pass and group takes. */
#include "support.h"

static const char *const seeds[] = {
    "graph f(x: f32[1, 4, 8, 8], n: i64[m]) -> (y, z) model \"a\" {\n"
    "    w: f32[4, 4, 3, 3] = constant weights(\"00\")\n"
    "    s: f32[4] = constant [1, 2, 3, 4]\n"
    "    c = conv(x, w, s) {strides=[1, 1], dilations=[1, 1], pads=[1, 1, 1, 1], groups=1}\n"
    "    b = batch_norm(c, s, s, s, s) {epsilon=0.1}\n"
    "    r = relu(b) from \"a\" (B)\n"
    "    p = max_pool(r) {kernel=[2, 2], strides=[2, 2], dilations=[1, 1], pads=[0, 0, 0, 0], "
    "ceil=1}\n"
    "    y = reshape(p) {dims=[1, 64]}\n"
    "    z = add(n, n)\n"
    "}\n",
    "graph f(x: f32[n, 6], i: i64[2]) -> (y) {\n"
    "    s = dims() {value=[n, 6], scalar=0}\n"
    "    k: i64[2] = constant [-1, 1]\n"
    "    t = take(s, k) {axis=0}\n"
    "    u = multiply(t, k)\n"
    "    a = slice(x) {starts=[0, 5], steps=[1, -2], dims=[n, 3]}\n"
    "    b = pad(a) {before=[0, 1], after=[1, 0], mode=\"edge\"}\n"
    "    c = concatenate(b, b) {axis=1}\n"
    "    d = sum(c) {axes=[1], keepdims=1}\n"
    "    e = softmax(c) {axis=1}\n"
    "    h = multiply(e, d)\n"
    "    y = matmul(h, h) {ta=1, tb=0}\n"
    "}\n",
    "graph f(x: f16[2, 3]) -> (y) {\n"
    "    group 0 injective {\n"
    "        f = full() {dims=[3, 2], value=7, dtype=f16}\n"
    "        t = transpose(x) {axes=[1, 0]}\n"
    "        y = add(t, f)\n"
    "    }\n"
    "}\n",
};

static uint32_t
next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Changes, drops or doubles a few bytes, or puts a number where there is a digit. */
static char *
damaged(const char *text, uint32_t *rng)
{
    static const char *const words[] = {
        "-1", "0", "9223372036854775807", "4294967296", "n", "nan", "none", "(", "]", "x", "inf"
    };
    weft_str s = { 0 };
    size_t n = strlen(text), at = next(rng) % n;
    uint32_t times = next(rng) % 3 + 1;
    weft_str_add(&s, text);
    for (uint32_t i = 0; i < times; i++, at = next(rng) % n) {
        weft_str t = { 0 };
        while (next(rng) % 4 && at + 1 < n && !(s.at[at] >= '0' && s.at[at] <= '9'))
            at++;
        weft_str_addn(&t, s.at, at);
        if (next(rng) % 3)
            weft_str_add(&t, words[next(rng) % (sizeof words / sizeof *words)]);
        weft_str_add(&t, s.at + at + (at < s.n));
        weft_str_free(&s);
        s = t;
        n = s.n ? s.n : 1;
    }
    return weft_str_take(&s);
}

static bool
survives(const char *text)
{
    weft_graph_options options = {
        .max_range = 64, .max_buffers = 4, .pack_lanes = 2, .attention_lanes = 2
    };
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_parse_graph("hostile", text, diag);
    bool read = g != NULL;
    if (read) {
        weft_status st = weft_run_graph_passes(g, NULL, &options);
        if (st == WEFT_INTERNAL)
            fail_msg("%s\n%s", weft_diag_text(diag), text);
        for (int i = 0; st == WEFT_OK && i < g->group.n; i++)
            if (g->group.at[i]->pattern != WEFT_PAT_ALIAS)
                weft_te_destroy(weft_group_te(g, g->group.at[i], diag));
        weft_graph_destroy(g);
    } else {
        assert_int_not_equal(weft_diag_status(diag), WEFT_OK);
    }
    weft_diag_destroy(diag);
    return read;
}

static void
damaged_text_never_breaks_the_passes(void **state)
{
    (void)state;
    uint32_t rng = 1;
    int read = 0;
    for (int i = 0; i < 6000; i++) {
        char *text = damaged(seeds[i % 3], &rng);
        read += survives(text);
        free(text);
    }
    assert_true(read > 100); /* or the test tests the parser alone */
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(damaged_text_never_breaks_the_passes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
