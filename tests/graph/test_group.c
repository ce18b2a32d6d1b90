/* A group as a te program: what it reads and makes, its text, and what its kernels' headers say. */
#include "support.h"

typedef struct made {
    weft_graph *g;
    weft_te *te;
    weft_diag *diag;
} made;

/* The program of group `index` after the whole fusion, for a CPU of `workers` cores; 0: for others. */
static made
program_for(const char *text, int index, int workers)
{
    made m = { graph_of(text), NULL, weft_diag_create() };
    m.g->diag = m.g->ir->diag = m.diag;
    m.g->model = "net.onnx";
    if (weft_run_graph_passes(m.g, NULL, &(weft_graph_options){ .workers = workers }) != WEFT_OK)
        fail_msg("%s", weft_diag_text(m.diag));
    assert_true(index < m.g->group.n);
    m.te = weft_group_te(m.g, m.g->group.at[index], m.diag);
    if (!m.te)
        fail_msg("%s", weft_diag_text(m.diag));
    return m;
}

static made
program_of(const char *text, int index)
{
    return program_for(text, index, 0);
}

static void
drop(made m)
{
    weft_te_destroy(m.te);
    weft_graph_destroy(m.g);
    weft_diag_destroy(m.diag);
}

static void
inputs_and_outputs_are_the_groups(void **state)
{
    (void)state;
    made m = program_of("graph f(x: f32[4, 8], r: f32[4, 16]) -> (y) {\n"
                        "    w: f32[8, 16] = constant weights(\"00\")\n"
                        "    half: f32[] = constant [0.5]\n"
                        "    a = matmul(x, w) {ta=0, tb=0} from \"fc1\" (Gemm)\n"
                        "    b = add(a, r) from \"add1\" (Add)\n"
                        "    c = multiply(b, half) from \"scale\" (Mul)\n"
                        "    y = relu(c) from \"act\" (Relu)\n"
                        "}\n",
                        0);
    assert_int_equal(m.te->input.n, 3);
    assert_string_equal(m.te->input.at[0]->buf->name, "a");
    assert_string_equal(m.te->input.at[1]->buf->name, "b");
    assert_string_equal(m.te->input.at[2]->buf->name, "y");
    assert_int_equal(m.te->output.n, 1);
    assert_string_equal(m.te->name, "fc1_add_multiply_relu");
    char *text = weft_te_print(m.te);
    assert_non_null(strstr(text, "0.5"));
    free(text);
    drop(m);
}

static void
the_header_tells_layers_work_and_traffic(void **state)
{
    (void)state;
    made m =
        program_of("graph f(x: f32[1, 3, 6, 6]) -> (y) {\n"
                   "    w: f32[4, 3, 3, 3] = constant weights(\"00\")\n"
                   "    b: f32[4] = constant [1, 2, 3, 4]\n"
                   "    c = conv(x, w, b) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], "
                   "groups=1} from \"conv1\" (Conv)\n"
                   "    y = relu(c) from \"relu1\" (Relu)\n"
                   "}\n",
                   0);
    const weft_kernel_info *info = &m.te->info;
    assert_string_equal(info->layers, "conv1 (Conv) + relu1 (Relu)");
    assert_string_equal(info->model, "net.onnx");
    assert_string_equal(info->output, "out f32[1,4,4,4]");
    assert_float_equal(info->flops, 2.0 * 27 * 64 + 64, 0);
    assert_float_equal(info->bytes_read, 4.0 * (108 + 108 + 4), 0);
    assert_float_equal(info->bytes_written, 4.0 * 64, 0);
    drop(m);
}

static void
symbols_of_dims_are_scalars_of_the_program(void **state)
{
    (void)state;
    made m = program_of(
        "graph f(x: f32[n, m], z: f32[n, 2]) -> (y) { y = concatenate(x, z) {axis=1} }", 0);
    assert_int_equal(m.te->symbol.n, 2);
    assert_string_equal(m.te->symbol.at[0]->name, "n");
    assert_string_equal(m.te->symbol.at[1]->name, "m");
    assert_float_equal(m.te->info.flops, 0, 0);
    assert_true(m.te->info.bytes_read < 0);
    drop(m);
}

static void
sizes_are_elements_where_a_model_asks_for_them(void **state)
{
    (void)state;
    made m = program_of("graph f(x: f32[n, 4]) -> (y) {\n"
                        "    s = dims() {value=[n, 4], scalar=0}\n"
                        "    y = add(s, s)\n"
                        "}\n",
                        0);
    assert_int_equal(m.te->input.n, 0);
    assert_int_equal(m.te->symbol.n, 1);
    assert_int_equal(weft_tensor_dtype(m.te->output.at[0]), WEFT_I64);
    drop(m);
}

static void
a_symbol_keeps_its_name_beside_a_tensor_of_it(void **state)
{
    (void)state;
    made m = program_of(
        "graph f(z: f32[x, 2], q: f32[x, y]) -> (r) { r = concatenate(z, q) {axis=1} }", 0);
    assert_string_equal(m.te->symbol.at[0]->name, "x");
    assert_string_equal(m.te->symbol.at[1]->name, "y");
    drop(m);
}

static void
equal_layers_have_equal_programs(void **state)
{
    (void)state;
    const char *text = "graph f(x: f32[4, 8]) -> (y) {\n"
                       "    w1: f32[8, 8] = constant weights(\"00\")\n"
                       "    w2: f32[8, 8] = constant weights(\"11\")\n"
                       "    a = matmul(x, w1) {ta=0, tb=0} from \"fc1\" (Gemm)\n"
                       "    b = relu(a) from \"r1\" (Relu)\n"
                       "    c = matmul(b, w2) {ta=0, tb=0} from \"fc2\" (Gemm)\n"
                       "    y = relu(c) from \"r2\" (Relu)\n"
                       "}\n";
    made m = program_of(text, 0), n = program_of(text, 1);
    char *first = weft_te_print(m.te), *second = weft_te_print(n.te);
    assert_string_equal(strchr(first, '('), strchr(second, '('));
    free(first);
    free(second);
    drop(m);
    drop(n);
}

static void
every_operator_has_a_program(void **state)
{
    static const struct {
        const char *inputs, *node;
    } rows[] = {
        { "x: f32[2, 3]", "exp(x)" },
        { "x: f32[2, 3]", "leaky_relu(x) {alpha=0.1}" },
        { "x: f32[2, 3]", "cast(x) {dtype=i8}" },
        { "x: f32[2, 1, n], z: f32[4, 1]", "add(x, z)" },
        { "c: bool[2, 1], x: f32[3], z: f32[]", "where(c, x, z)" },
        { "x: f32[2], z: f32[]", "clip(x, none, z)" },
        { "x: f32[2, 1]", "broadcast_to(x) {dims=[5, 2, 3]}" },
        { "x: f32[n, 4]", "reshape(x) {dims=[n * 4]}" },
        { "x: f32[2, n, 4]", "transpose(x) {axes=[2, 0, 1]}" },
        { "x: f32[2, n], z: f32[2, m]", "concatenate(x, z) {axis=1}" },
        { "x: f32[10, 4]", "slice(x) {starts=[9, 0], steps=[-2, 1], dims=[5, 4]}" },
        { "x: f32[10, 4], i: i64[2, 3]", "take(x, i) {axis=0}" },
        { "x: f32[n, 4]", "pad(x) {before=[1, -1], after=[2, 0], mode=\"edge\"}" },
        { "x: f32[2, 3, n]", "sum(x) {axes=[0, 2], keepdims=1}" },
        { "x: f32[2, 3]", "argmax(x) {axis=0, keepdims=0, last=0}" },
        { "x: f32[5, 1, n, 8], w: f32[3, 8, m]", "matmul(x, w) {ta=0, tb=0}" },
        { "x: f32[4, 8], w: f32[2, 8, 16]", "matmul(x, w) {ta=0, tb=0, pack=16, n=20}" },
        { "x: f32[1, 6, 9, n], w: f32[4, 3, 3, 1]",
          "conv(x, w) {strides=[2, 1], dilations=[2, 1], pads=[1, 0, 1, 0], groups=2}" },
        { "x: f32[1, 3, 8, 8], w: f32[2, 3, 3, 3, 8], b: f32[12]",
          "conv(x, w, b) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1, pack=8, "
          "out_channels=12}" },
        { "x: f32[1, 4, 5], w: f32[4, 3, 3]",
          "conv_transpose(x, w) {strides=[2], dilations=[1], pads=[1, 0], output_padding=[1], "
          "groups=2}" },
        { "x: f32[1, 2, 10]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=1}" },
        { "x: f32[1, 2, 10]",
          "avg_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=1, "
          "count_include_pad=0}" },
        { "x: f32[1, 4, 10]", "lrn(x) {size=3, alpha=0.1, beta=0.5, bias=1}" },
        { "x: f32[2, 3, 4]", "softmax(x) {axis=2}" },
        { "x: f32[2, 3, 4]", "log_softmax(x) {axis=1}" },
        { "x: f32[2, 4], s: f32[4]", "layer_norm(x, s, none) {axis=1, epsilon=0.1}" },
        { "x: f32[2, 4, 3], s: f32[4], b: f32[4]", "instance_norm(x, s, b) {epsilon=0.1}" },
        { "x: f32[2, 4], s: f32[4]", "batch_norm(x, s, s, s, s) {epsilon=0.1}" },
        { "", "full() {dims=[2, 3], value=1.5, dtype=f16}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "graph f(%s) -> (y) { group 0 opaque { y = %s } }", rows[i].inputs,
                      rows[i].node);
        weft_graph *g = graph_of(weft_str_text(&s));
        weft_diag *diag = weft_diag_create();
        g->diag = g->ir->diag = diag;
        weft_te *te = weft_group_te(g, g->group.at[0], diag);
        if (!te)
            fail_msg("%s: %s", rows[i].node, weft_diag_text(diag));
        const weft_value *y = g->output.at[0];
        for (int d = 0; d < y->ndim; d++) {
            const weft_expr *is =
                weft_simplify_expr(te->ir, NULL, weft_tensor_dim(te->output.at[0], d));
            const weft_expr *want =
                weft_simplify_expr(te->ir, NULL, weft_group_dim(te, g, y->dim[d]));
            if (is != want)
                fail_msg("%s: dimension %d differs", rows[i].node, d);
        }
        weft_te_destroy(te);
        weft_graph_destroy(g);
        weft_diag_destroy(diag);
        weft_str_free(&s);
    }
}

/* Few workers take much each: neighbouring chains, elements of which few are wanted, channels of a
 * region, the lines that are scattered to; where there is any number of threads, each takes little. */
static void
loops_of_their_own_are_dealt_out_to_the_workers(void **state)
{
    static const struct {
        const char *text, *few, *many; /* what the program has for few, for many */
    } rows[] = {
        { "graph f(x: f32[1024, 512]) -> (y) { y = cumsum(x) {axis=0, exclusive=0, reverse=0} }",
          "alloc sum: local f32[64]", "alloc sum: local f32[1]" },
        { "graph f(x: f32[8, 4096]) -> (y) { y = argsort(x) {axis=1, descending=1, count=[10]} }",
          "place: i32[8, 1, 10]", "place: i32[8, 32, 10]" },
        { "graph f(x: f32[2, 100000]) -> (y) { y = argsort(x) {axis=1, descending=1, count=[600]} "
          "}",
          "place: i32[2, 3125, 32]", "place: i32[2, 3125, 32]" },
        { "graph f(x: f32[1, 64, 9, 9], r: f32[50, 4], i: i64[50]) -> (y) { y = roi_align(x, r, i) "
          "{height=3, width=2, samples=2, scale=1, half_pixel=0, mode=\"mean\"} }",
          "alloc lows_y: local i32[6]", "let channel: i32 = item // (3 * 2) % 64" },
        { "graph f(x: f32[100, 100], i: i64[100, 10], u: f32[100, 10]) -> (y) { y = "
          "put_along_axis(x, i, u) {axis=1, reduction=\"none\"} }",
          "if item < 100 {", "if item < 5000 {" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int workers = 0; workers <= 2; workers += 2) {
            made m = program_for(rows[i].text, 0, workers);
            char *text = weft_te_print(m.te);
            if (!strstr(text, workers ? rows[i].few : rows[i].many))
                fail_msg("for %d workers '%s' is missing:\n%s", workers,
                         workers ? rows[i].few : rows[i].many, text);
            free(text);
            drop(m);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_and_outputs_are_the_groups),
        cmocka_unit_test(the_header_tells_layers_work_and_traffic),
        cmocka_unit_test(symbols_of_dims_are_scalars_of_the_program),
        cmocka_unit_test(sizes_are_elements_where_a_model_asks_for_them),
        cmocka_unit_test(a_symbol_keeps_its_name_beside_a_tensor_of_it),
        cmocka_unit_test(equal_layers_have_equal_programs),
        cmocka_unit_test(loops_of_their_own_are_dealt_out_to_the_workers),
        cmocka_unit_test(every_operator_has_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
