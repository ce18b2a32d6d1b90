/* What is told of a model with faults: all of them, each once, and none that is but a consequence;
 * and the graph of the rest. */
#include "support_onnx.h"

#include <unistd.h>

/* The import's messages, one a line. */
static char *
messages(model *m)
{
    char path[PATH_SIZE];
    write_model(m, path);
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, NULL, diag);
    unlink(path);
    assert_null(g);
    char *text = strdup(weft_diag_text(diag));
    weft_diag_destroy(diag);
    return text;
}

/* Expects so many messages, and in each the part of that number. */
static void
check_messages(model *m, int n, const char *const *part)
{
    char *text = messages(m), *line = text;
    for (int i = 0; i < n; i++) {
        char *end = strchr(line, '\n');
        if (!end)
            fail_msg("%d messages, not %d:\n%s", i, n, text);
        *end = '\0';
        if (!strstr(line, part[i]))
            fail_msg("'%s' is not in: %s", part[i], line);
        line = end + 1;
    }
    if (*line)
        fail_msg("there is more: %s", line);
    free(text);
}
#define CHECK(m, ...)                                                                              \
    check_messages(m, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(const char *),              \
                   (const char *[]){ __VA_ARGS__ })

static void
all_that_stops_a_model_is_told(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2,8");
    model_input(&m, "s", ONNX_INT64, "2");
    model_node(&m, "Frobnicate", "x", "a", NULL);
    model_node_of(&m, "com.acme", "Bend", "x", "b", NULL);
    model_node(&m, "ImageDecoder", "x", "c", NULL);
    model_node(&m, "Relu", "x", "d", "slope=0.5");
    model_node(&m, "Reshape", "x s", "e", NULL);
    for (const char *p = "abcde"; *p; p++)
        model_output(&m, (char[]){ *p, '\0' });
    CHECK(&m, "node 'a' (Frobnicate): the operator is not supported; a te program can stand for it "
              "(--op Frobnicate=FILE.te)",
          "node 'b' (Bend): operators of domain 'com.acme' are not supported; a te program can "
          "stand for it (--op com.acme.Bend=FILE.te)",
          "node 'c' (ImageDecoder): ", "node 'd' (Relu): attribute 'slope' is not supported",
          "node 'e' (Reshape): input 1 ('s') decides a shape");
}

static void
what_reads_a_refused_node_is_not_told_again(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2,8");
    model_node(&m, "Frobnicate", "x", "a", NULL);
    model_node(&m, "Relu", "a", "b", "slope=0.5"); /* of no known type: not read */
    model_node(&m, "Frobnicate", "b", "c", NULL);
    model_output(&m, "c");
    CHECK(&m, "node 'a'", "node 'c'");
}

static void
a_declared_type_stands_in_for_what_was_refused(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "n,8");
    model_node(&m, "Frobnicate", "x", "a", NULL);
    model_node(&m, "Relu", "a", "b", "slope=0.5");
    model_node(&m, "MatMul", "b x", "c", NULL);
    model_output(&m, "c");
    model_declare(&m, "a", ONNX_FLOAT, "n,8");
    model_declare(&m, "b", ONNX_FLOAT, "n,8");
    CHECK(&m, "node 'a'", "node 'b' (Relu): attribute 'slope'", "node 'c' (MatMul)");
}

static void
a_declared_type_with_unknown_sizes_stands_in_for_nothing(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "n,8");
    model_node(&m, "Frobnicate", "x", "a", NULL);
    model_node(&m, "Relu", "a", "b", "slope=0.5");
    model_node(&m, "Frobnicate", "x", "c", NULL);
    model_node(&m, "Relu", "c", "d", "slope=0.5");
    model_output(&m, "b");
    model_declare(&m, "a", ONNX_FLOAT, "?,8");
    model_declare(&m, "c", ONNX_FLOAT, "another,8");
    CHECK(&m, "node 'a'", "node 'c'");
}

/* The shape could have been known. */
static void
a_shape_that_rests_on_a_refused_node_is_no_fault_of_its_own(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2,8");
    model_node(&m, "Frobnicate", "x", "s", NULL);
    model_node(&m, "Neg", "s", "t", NULL);
    model_node(&m, "Reshape", "x t", "y", NULL);
    model_output(&m, "y");
    model_declare(&m, "s", ONNX_INT64, "2");
    CHECK(&m, "node 's'");
}

static void
operators_in_graphs_that_are_not_read_are_told(void **state)
{
    (void)state;
    model m = model_make(17), branch[2] = { model_make(17), model_make(17) };
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_node(&branch[0], "Foo", "x", "t", NULL);
    model_output(&branch[0], "t");
    model_node(&branch[1], "Bar", "x", "u", NULL);
    model_output(&branch[1], "u");
    model_node(&m, "Frobnicate", "x", "c", NULL);
    model_node_graphs(&m, "If", "c", "y", NULL, 2, (const char *[]){ "then_branch", "else_branch" },
                      branch);
    model_output(&m, "y");
    CHECK(&m, "node 'c' (Frobnicate)", "node 't' (Foo)", "node 'u' (Bar)");
}

static void
a_fault_in_a_graph_is_told_once_however_often_it_runs(void **state)
{
    (void)state;
    model m = model_make(17), body = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_ints(&m, "trips", "1", "3");
    model_input(&body, "i", ONNX_INT64, "");
    model_input(&body, "go", ONNX_BOOL, "");
    model_input(&body, "v", ONNX_FLOAT, "2");
    model_node(&body, "Identity", "go", "on", NULL);
    model_node(&body, "Relu", "v", "lost", "slope=0.5");
    model_node(&body, "Neg", "v", "w", NULL);
    model_output(&body, "on");
    model_output(&body, "w");
    model_node_graphs(&m, "Loop", "trips _ x", "y", NULL, 1, (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    CHECK(&m, "node 'lost' (Relu): attribute 'slope'");
}

static void
the_rest_of_a_model_is_a_graph(void **state)
{
    (void)state;
    static const weft_import_options partial = { .partial = true };
    model m = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2,8");
    model_node(&m, "Neg", "x", "a", NULL);
    model_node(&m, "Frobnicate", "a", "b", NULL);
    model_node(&m, "Abs", "b", "c", NULL);
    model_node(&m, "Exp", "x", "unread", NULL);
    model_output(&m, "c");
    model_declare(&m, "b", ONNX_FLOAT, "8,2");
    char path[PATH_SIZE];
    write_model(&m, path);
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, &partial, diag);
    unlink(path);
    assert_int_equal(weft_diag_status(diag), WEFT_UNSUPPORTED);
    assert_non_null(g);
    char *text = text_of(g);
    for (const char *const *part = (const char *[]){ "x: f32[2, 8], b: f32[8, 2]) -> (c, a)",
                                                     "a: f32[2, 8] = negative(x)",
                                                     "c: f32[8, 2] = abs(b)", NULL };
         *part; part++)
        if (!strstr(text, *part))
            fail_msg("'%s' is not in: %s", *part, text);
    assert_null(strstr(text, "exp"));
    assert_int_equal(weft_graph_verify(g, "partial"), WEFT_OK);
    free(text);
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
}

/* What the model declares bounds a size that the run finds, of an inner value too. */
static void
a_declared_size_bounds_what_the_run_finds(void **state)
{
    (void)state;
    model m = model_make(17);
    model_input(&m, "limit", ONNX_INT64, "");
    model_ints(&m, "zero", "", "0");
    model_ints(&m, "one", "", "1");
    model_node(&m, "Range", "zero limit one", "r", NULL);
    model_node(&m, "Neg", "r", "y", NULL);
    model_output(&m, "y");
    model_declare(&m, "r", ONNX_INT64, "16");
    weft_graph *g = import(&m, NULL);
    char *text = text_of(g);
    if (!strstr(text, "most=[16]"))
        fail_msg("%s", text);
    free(text);
    weft_graph_destroy(g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_stops_a_model_is_told),
        cmocka_unit_test(what_reads_a_refused_node_is_not_told_again),
        cmocka_unit_test(a_declared_type_stands_in_for_what_was_refused),
        cmocka_unit_test(a_declared_type_with_unknown_sizes_stands_in_for_nothing),
        cmocka_unit_test(a_shape_that_rests_on_a_refused_node_is_no_fault_of_its_own),
        cmocka_unit_test(operators_in_graphs_that_are_not_read_are_told),
        cmocka_unit_test(a_fault_in_a_graph_is_told_once_however_often_it_runs),
        cmocka_unit_test(the_rest_of_a_model_is_a_graph),
        cmocka_unit_test(a_declared_size_bounds_what_the_run_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
