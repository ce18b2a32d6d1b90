/* A user's own operators: from the model's node to the group's program, and what is refused. */
#include "support_onnx.h"

#include <stdio.h>

#define PROGRAM                                                                                    \
    "te f(A: f32[m, 2 * k], B: f32[2 * k, n]) {\\n"                                                \
    "    C[i < m, j < n] = sum(r < 2 * k) A[i, r] * B[r, j]\\n"                                    \
    "    D[i < m] = f32(k)\\n"                                                                     \
    "    return C, D\\n}\\n"
#define CALL(k) "custom(x, w) {te=\"" PROGRAM "\", output=" #k "} from \"mine\" (MyOp)"

static void
types_come_from_the_program(void **state)
{
    (void)state;
    weft_graph *g =
        graph_of("graph f(x: f32[b + 1, 6], w: f32[6, 5]) -> (c, d) {\n"
                 "    c: f32[b + 1, 5] = " CALL(0) "\n"
                                                   "    d: f32[b + 1] = " CALL(1) "\n"
                                                                                  "}\n");
    char *once = text_of(g);
    weft_graph *again = graph_of(once);
    char *twice = text_of(again);
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    weft_graph_destroy(g);
    weft_graph_destroy(again);
}

static void
inputs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *inputs, *part;
    } rows[] = {
        { "x: f16[3, 6], w: f32[6, 5]",
          "node 'mine' (MyOp): custom: input 0 is f16 of 2 dimensions; program 'f' takes "
          "A: f32[m, 2 * k]; inputs x: f16[3, 6], w: f32[6, 5]" },
        { "x: f32[3, 6, 1], w: f32[6, 5]", "input 0 is f32 of 3 dimensions" },
        { "x: f32[3, 7], w: f32[7, 5]", "dimension 1 of input 0 does not fit" },
        { "x: f32[3, 6], w: f32[8, 5]", "dimension 0 of input 1 does not fit" },
        { "x: f32[3, n], w: f32[n, 5]",
          "whether dimension 1 of input 0 fits is not known: program 'f' takes A: f32[m, 2 * k]; "
          "give the model's symbols a value (--dim)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "graph f(%s) -> (y) { y = %s }", rows[i].inputs, CALL(0));
        check_error(weft_str_text(&s), rows[i].part);
        weft_str_free(&s);
    }
    check_error("graph f(x: f32[2]) -> (y) { y = custom(x) {te=\"te f(A: f32[m], k: i32) "
                "{B[i < m] = A[i] + f32(k)}\", output=0} }",
                "symbol 'k' of program 'f' follows from no dimension of an input; give the node");
    check_error("graph f(x: f32[2]) -> (y) { y = custom(x) {te=\"te f(A: f32[m]) "
                "{B[i < m] = A[i]}\", output=1} }",
                "program 'f' has no output 1");
    check_error("graph f(x: f32[2]) -> (y) { y = custom(x, x) {te=\"te f(A: f32[m]) "
                "{B[i < m] = A[i]}\", output=0} }",
                "program 'f' takes 1 inputs, and the node has 2");
    check_error("graph f(x: f32[2]) -> (y) { y = custom(x) {te=\"te f(A: f32[m]) "
                "{B[i < m] = A[j]}\", output=0} }",
                "there is no 'j' in scope");
}

static void
outputs_of_one_node_are_one_group(void **state)
{
    (void)state;
    check_groups("graph f(x: f32[4, 6], w: f32[6, 5]) -> (y, d) {\n"
                 "    a = relu(x)\n"
                 "    c = custom(a, w) {te=\"" PROGRAM "\", output=0}\n"
                 "    d = custom(a, w) {te=\"" PROGRAM "\", output=1}\n"
                 "    y = relu(c)\n"
                 "}\n",
                 NULL, "relu | custom+custom | relu");
}

/* The program of the last group of the graph. */
static char *
program_of(const char *graph, const char **schedule)
{
    weft_graph *g = graph_of(graph);
    weft_diag *diag = weft_diag_create();
    g->diag = g->ir->diag = diag;
    assert_int_equal(weft_run_graph_passes(g, NULL, &(weft_graph_options){ 0 }), WEFT_OK);
    weft_te *te = weft_group_te(g, g->group.at[g->group.n - 1], diag);
    if (!te)
        fail_msg("%s", weft_diag_text(diag));
    *schedule = te->schedule ? strdup(te->schedule) : NULL;
    char *text = weft_te_print(te);
    weft_te_destroy(te);
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
    return text;
}

static void
the_group_computes_the_program_over_the_graphs_sizes(void **state)
{
    (void)state;
    const char *schedule;
    char *text = program_of(
        "graph f(x: f32[b, 4]) -> (y) {\n"
        "    one: f32[1] = constant [2.0]\n"
        "    y = custom(x, x, one) {te=\"te f(A: f32[m, n], B: f32[m, n], S: f32[1]) {\\n"
        "    C[i < m, j < n] = A[i, j] * B[m - 1 - i, j] + S[0]\\n}\\n"
        "schedule {\\n    o, t = split(C.i, n)\\n}\\n\", output=0}\n"
        "}\n",
        &schedule);
    assert_string_equal(text, "te custom(A: f32[b, 4], S: f32[1]) {\n"
                              "    C[i < b, j < 4] = A[i, j] * A[b - 1 - i, j] + S[0]\n"
                              "}\n");
    assert_string_equal(schedule, "schedule {\n    o, t = split(C.i, n)\n}\n");
    free(text);
    free((char *)(uintptr_t)schedule);
}

/* ---- the model's node ------------------------------------------------------------------------ */

/* my.te, and a model with one node of it. */
static model
with_program(const char *program, const char *in, const char *out, const char *attrs)
{
    FILE *f = fopen("my.te", "w");
    assert_non_null(f);
    fputs(program, f);
    fclose(f);
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_node_of(&m, "mydomain", "MyOp", in, out, attrs);
    model_output(&m, "y");
    return m;
}

static const weft_import_options mine = { .nop = 1,
                                          .op_name = (const char *const[]){ "mydomain.MyOp" },
                                          .op_file = (const char *const[]){ "my.te" } };

static void
numbers_among_the_attributes_stand_in_the_program(void **state)
{
    (void)state;
    model m = with_program("te f(A: f32[m, n], alpha: f32, k: i32, add: bool) {\n"
                           "    B[i < m, j < k] = A[i, j % n] * alpha + select(add, 1.0, 0.0)\n"
                           "}\n",
                           "x", "y", "alpha=0.5 k=7 add=1");
    check_nodes(&m, &mine,
                "y: f32[2, 7] = custom(x) {te=\"te f(A: f32[m, n]) {\\n    B[i < m, j < 7] = "
                "A[i, j % n] * 0.5 + select(true, 1.0, 0.0)\\n}\\n\", output=0}\n");
    remove("my.te");
}

static void
nodes_that_the_program_does_not_fit_are_refused(void **state)
{
    (void)state;
    static const char copy[] = "te f(A: f32[m, n]) { B[i < m, j < n] = A[i, j] }";
    static const struct {
        const char *program, *in, *out, *attrs, *parts;
    } rows[] = {
        { copy, "x", "y", "k=1", "(MyOp): |attribute 'k' is no parameter of my.te" },
        { copy, "x", "y z", "", "it has 2 outputs, and my.te makes 1" },
        { copy, "x x", "y", "", "program 'f' takes 1 inputs, and the node has 2" },
        { "te f(A: f32[m, n], k: i8) { B[i < m] = A[i, 0] }", "x", "y", "k=200",
          "my.te:1:20: error: 'k' is i8, which does not hold the value given for it" },
        { "te f(A: f32[m, n], k: i32) { B[i < m] = A[i, 0] }", "x", "y", "k=0.5",
          "'k' is i32, which does not hold the value given for it" },
        { "te f(A: f32[m, n], a: f32) { B[i < m] = a }", "x", "y", "",
          "'a' is f32: sizes are i32 or i64, and a parameter that is none needs a value" },
        { "te f(A: f64[m, n]) { B[i < m] = A[i, 0] }", "x", "y", "",
          "input 0 is f32 of 2 dimensions; program 'f' takes A: f64[m, n]" },
        { "te f(", "x", "y", "", "my.te:1:6: error: " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        model m = with_program(rows[i].program, rows[i].in, rows[i].out, rows[i].attrs);
        check_refused(&m, &mine, WEFT_INVALID_INPUT, rows[i].parts);
    }
    model text = with_program(copy, "x", "y", "mode='a'");
    check_refused(&text, &mine, WEFT_UNSUPPORTED, "attribute 'mode' is no integer and no float");
    remove("my.te");
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_node_of(&m, "other", "MyOp", "x", "y", "");
    model_output(&m, "y");
    check_refused(&m, &mine, WEFT_UNSUPPORTED, "operators of domain 'other' are not supported");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_come_from_the_program),
        cmocka_unit_test(inputs_that_do_not_fit_are_refused),
        cmocka_unit_test(outputs_of_one_node_are_one_group),
        cmocka_unit_test(the_group_computes_the_program_over_the_graphs_sizes),
        cmocka_unit_test(numbers_among_the_attributes_stand_in_the_program),
        cmocka_unit_test(nodes_that_the_program_does_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
