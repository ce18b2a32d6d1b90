/* What If, Loop and Scan of ONNX become, and what of them is refused. */
#include "support_onnx.h"

/* Expects the parts of the text, separated by '|', in this order; those after '!' nowhere. */
static void
check_has(model *m, const char *parts)
{
    weft_graph *g = import(m, NULL);
    char *text = text_of(g), *at = text;
    for (const char *p = parts; *p; p += strspn(p, "|")) {
        char part[256];
        size_t n = strcspn(p, "|");
        bool absent = *p == '!';
        snprintf(part, sizeof part, "%.*s", (int)(n - absent), p + absent);
        char *found = strstr(absent ? text : at, part);
        if (!found != absent)
            fail_msg("'%s' is %s: %s", part,
                     absent ? "there" : "not there, or not after the part before", text);
        at = absent ? at : found;
        p += n;
    }
    free(text);
    weft_graph_destroy(g);
}

/* ---- If -------------------------------------------------------------------------------------- */

/* y = x's negative where `op` of two constants holds, else what `other` makes of x. */
static model
chosen(const char *op, const char *other)
{
    model m = model_make(17), branch[2] = { model_make(17), model_make(17) };
    model_input(&m, "x", ONNX_FLOAT, "2,n");
    model_ints(&m, "one", "", "1");
    model_ints(&m, "two", "", "2");
    model_node(&m, op, "one two", "c", NULL);
    model_node(&branch[0], "Neg", "x", "t", NULL);
    model_output(&branch[0], "t");
    model_node(&branch[1], other, "x", "e", NULL);
    model_output(&branch[1], "e");
    model_node_graphs(&m, "If", "c", "y", NULL, 2, (const char *[]){ "then_branch", "else_branch" },
                      branch);
    model_node(&m, "Abs", "y", "z", NULL);
    model_output(&m, "z");
    return m;
}

static void
a_condition_that_is_known_chooses_its_branch(void **state)
{
    (void)state;
    model m = chosen("Less", "Frobnicate"); /* which nothing asks for */
    check_has(&m, "t: f32[2, n] = negative(x)|z: f32[2, n] = abs(t)|!if |!merge");
    m = chosen("Greater", "Exp");
    check_has(&m, "e: f32[2, n] = exp(x)|z: f32[2, n] = abs(e)|!negative|!merge");
    m = chosen("Greater", "Frobnicate");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "node 'e' (Frobnicate)");
}

static model
decided(const char *other, const char *outputs)
{
    model m = model_make(17), branch[2] = { model_make(17), model_make(17) };
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_input(&m, "c", ONNX_BOOL, "");
    model_node(&branch[0], "Neg", "x", "t", NULL);
    model_output(&branch[0], "t");
    model_node(&branch[1], other, "x", "e", NULL);
    model_output(&branch[1], "e");
    model_node_graphs(&m, "If", "c", outputs, NULL, 2,
                      (const char *[]){ "then_branch", "else_branch" }, branch);
    model_output(&m, "y");
    return m;
}

static void
a_condition_that_the_run_knows_is_read_and_both_branches_are_there(void **state)
{
    (void)state;
    model m = decided("Exp", "y");
    check_has(&m, "= read(c)|if |negative(x)|yield(t)|if |exp(x)|yield(e)|y_1: f32[2, 3] = merge(");
}

static void
branches_that_give_different_things_are_refused(void **state)
{
    (void)state;
    model m = decided("Shape", "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED,
                  "(If)|one branch gives f32 of rank 2, the other i64 of rank 1; give the");
    m = decided("Exp", "y z");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(If)|it has 2 outputs, and its branch 1");
}

/* ---- Loop ------------------------------------------------------------------------------------ */

/* y = Loop over v, from x: f32[2], of w = `op`(v, x), where each is also put into `outs`. */
static model
loop(const char *trips, const char *op, const char *attrs, bool stacks)
{
    model m = model_make(17), body = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2");
    if (trips)
        model_ints(&m, "trips", "", trips);
    else
        model_input(&m, "trips", ONNX_INT64, "");
    model_input(&body, "i", ONNX_INT64, "");
    model_input(&body, "go", ONNX_BOOL, "");
    model_input(&body, "v", ONNX_FLOAT, NULL);
    model_node(&body, "Identity", "go", "on", NULL);
    model_node(&body, op, "v x", "w", attrs);
    model_node(&body, "Exp", "w", "s", NULL);
    model_output(&body, "on");
    model_output(&body, "w");
    if (stacks)
        model_output(&body, "s");
    model_node_graphs(&m, "Loop", "trips _ x", stacks ? "y all" : "y", NULL, 1,
                      (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    if (stacks)
        model_output(&m, "all");
    return m;
}

static void
a_short_loop_is_unrolled_and_a_long_one_is_not(void **state)
{
    (void)state;
    model m = loop("3", "Add", NULL, false);
    check_has(&m, "w: f32[2] = add(x, x)|w_1: f32[2] = add(w, x)|w_2: f32[2] = add(w_1, x)|!loop|"
                  "!carry");
    m = loop("1000", "Add", NULL, false);
    check_has(&m, "= carry(x)|loop|< 1000|w: f32[2] = add(|= yield(w, |y: f32[2] = result(|!w_1");
}

static void
a_loop_of_no_iteration_gives_what_it_begins_with(void **state)
{
    (void)state;
    model m = loop("0", "Add", NULL, true);
    check_has(&m, "all: f32[0, 2] = full()|y: f32[2] = identity(x)|!loop");
}

static void
the_run_decides_how_often_a_loop_runs(void **state)
{
    (void)state;
    model m = loop(NULL, "Add", NULL, false);
    check_has(&m, "= read(trips)|= carry(x)|loop|= add(|y_1: f32[2] = result(");
}

static void
what_iterations_give_is_put_together(void **state)
{
    (void)state;
    model m = loop("2", "Add", NULL, true);
    check_has(&m, "all: f32[2, 2] = concatenate(|!loop");
    m = loop("50", "Add", NULL, true);
    check_has(&m, "loop|s: f32[2] = exp(w)|= stack(s) {|all: f32[50, 2] = result(");
}

static void
what_endless_iterations_give_is_not_put_together(void **state)
{
    (void)state;
    model m = loop(NULL, "Add", NULL, true);
    check_refused(&m, NULL, WEFT_UNSUPPORTED,
                  "(Loop)|how often it runs is known when the model runs alone, and output 1 has");
}

static void
a_value_that_changes_its_shape_is_unrolled_or_refused_by_name(void **state)
{
    (void)state;
    model m = loop("30", "Concat", "axis=0", false);
    check_has(&m, "w_30: f32[62] = concatenate(|!result(");
    m = loop(NULL, "Concat", "axis=0", false);
    check_refused(&m, NULL, WEFT_UNSUPPORTED,
                  "(Loop)|'w' of its graph changes its type or shape from iteration to iteration");
    m = loop("100000", "Concat", "axis=0", false);
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "(Loop)|'w' of its graph changes its type or shape");
}

static void
a_loop_may_end_by_its_condition(void **state)
{
    (void)state;
    model m = model_make(17), body = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "");
    model_floats(&m, "zero", "");
    model_input(&body, "i", ONNX_INT64, "");
    model_input(&body, "go", ONNX_BOOL, "");
    model_input(&body, "v", ONNX_FLOAT, NULL);
    model_node(&body, "Add", "v x", "w", NULL);
    model_node(&body, "Less", "w zero", "on", NULL);
    model_output(&body, "on");
    model_output(&body, "w");
    model_node_graphs(&m, "Loop", "_ _ x", "y", NULL, 1, (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    check_has(&m, "loop|on: bool[] = less(w, zero)|= read(on)|while|y_1: f32[] = result(");
}

/* A condition in a loop; both read values of the model around them. */
static void
graphs_in_graphs_read_what_is_around_them(void **state)
{
    (void)state;
    model m = model_make(17), body = model_make(17), branch[2] = { model_make(17), model_make(17) };
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_ints(&m, "trips", "", "100");
    model_input(&m, "c", ONNX_BOOL, "");
    model_node(&branch[0], "Add", "v x", "t", NULL);
    model_output(&branch[0], "t");
    model_node(&branch[1], "Sub", "v x", "e", NULL);
    model_output(&branch[1], "e");
    model_input(&body, "i", ONNX_INT64, "");
    model_input(&body, "go", ONNX_BOOL, "");
    model_input(&body, "v", ONNX_FLOAT, "2");
    model_node_graphs(&body, "If", "c", "w", NULL, 2,
                      (const char *[]){ "then_branch", "else_branch" }, branch);
    model_output(&body, "go");
    model_output(&body, "w");
    model_node_graphs(&m, "Loop", "trips _ x", "y", NULL, 1, (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    check_has(&m, "loop|if |t: f32[2] = add(y_carry, x)|if |e: f32[2] = subtract(y_carry, x)|"
                  "w_1: f32[2] = merge(|yield(w_1, y_carry)|y: f32[2] = result(");
}

static void
a_loop_whose_graph_does_not_fit_is_refused(void **state)
{
    (void)state;
    model m = model_make(17), body = model_make(17);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_ints(&m, "trips", "", "2");
    model_input(&body, "i", ONNX_INT64, "");
    model_input(&body, "go", ONNX_BOOL, "");
    model_output(&body, "go");
    model_node_graphs(&m, "Loop", "trips _ x", "y", NULL, 1, (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_INVALID_INPUT,
                  "(Loop)|its graph has 1 outputs; a condition and 1 carried values are 2");
}

/* ---- Scan ------------------------------------------------------------------------------------ */

/* Running sums y of x, each also put into `all`; the state begins as `s`. */
static model
scan(int64_t opset, const char *s, const char *x, const char *in, const char *attrs)
{
    model m = model_make(opset), body = model_make(opset);
    model_input(&m, "s", ONNX_FLOAT, s);
    model_input(&m, "x", ONNX_FLOAT, x);
    model_input(&body, "v", ONNX_FLOAT, NULL);
    model_input(&body, "e", ONNX_FLOAT, NULL);
    model_node(&body, "Add", "v e", "w", NULL);
    model_node(&body, "Neg", "w", "o", NULL);
    model_output(&body, "w");
    model_output(&body, "o");
    model_node_graphs(&m, "Scan", in, "y all", attrs, 1, (const char *[]){ "body" }, &body);
    model_output(&m, "y");
    model_output(&m, "all");
    return m;
}

static void
a_scan_takes_its_inputs_apart_along_an_axis_in_a_direction(void **state)
{
    (void)state;
    model m = scan(9, "2", "3,2", "s x", "num_scan_inputs=1");
    check_has(&m, "starts=[0, 0]|starts=[1, 0]|starts=[2, 0]|"
                  "all: f32[3, 2] = concatenate(y_reshape_3");
    m = scan(11, "2", "2,3", "s x",
             "num_scan_inputs=1 scan_input_axes=[-1] scan_input_directions=[1]");
    check_has(&m, "starts=[0, 2]|starts=[0, 1]|starts=[0, 0]|all: f32[3, 2] = concatenate(");
}

static void
a_scan_puts_its_outputs_together_along_an_axis_in_a_direction(void **state)
{
    (void)state;
    model m = scan(11, "2", "3,2", "s x",
                   "num_scan_inputs=1 scan_output_axes=[1] scan_output_directions=[1]");
    check_has(&m, "all: f32[2, 3] = concatenate(|{axis=1}");
    m = scan(11, "2", "n,2", "s x",
             "num_scan_inputs=1 scan_output_axes=[-1] scan_output_directions=[1]");
    check_has(&m, "loop|< n|= stack(o) {at=[|- 1|size=[n]|= result(|all: f32[2, n] = transpose(");
}

static void
a_scan_over_a_length_that_the_run_knows_is_a_loop(void **state)
{
    (void)state;
    model m = scan(16, "2", "n,2", "s x", "num_scan_inputs=1");
    check_has(&m, "= carry(s)|loop|< n|slice(x)|w: f32[2] = add(|= stack(o)|y: f32[2] = result(|"
                  "all: f32[n, 2] = result(");
}

static void
scan_of_operator_set_8_has_a_batch(void **state)
{
    static const char both[] = "y_concatenate: f32[2, 4] = concatenate(|"
                               "y_concatenate_1: f32[2, 3, 4] = concatenate(";
    (void)state;
    model m = scan(8, "2,4", "2,3,4", "_ s x", "num_scan_inputs=1");
    check_has(&m, both);
    m = scan(8, "2,4", "2,3,4", "lengths s x", "num_scan_inputs=1");
    model_ints(&m, "lengths", "2", "3,3");
    check_has(&m, both);
    m = scan(8, "2,4", "2,3,4", "lengths s x", "num_scan_inputs=1");
    model_ints(&m, "lengths", "2", "3,2");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "(Scan)|2 of 3; only whole ones are supported");
    m = scan(8, "n,4", "n,3,4", "_ s x", "num_scan_inputs=1");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "(Scan)|dimension 0 of 'x' has to be constant");
}

static void
a_scan_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    model m = scan(11, "2", "3,2", "s x", "num_scan_inputs=1 scan_input_axes=[2]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Scan)|axis 2 is outside -2..1");
    m = scan(11, "2", "3,2", "s x", "num_scan_inputs=1 scan_input_directions=[2]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Scan)|is neither 0 nor 1");
    m = scan(11, "2", "3,2", "s x", "num_scan_inputs=1 scan_output_axes=[0,0]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Scan)|have to have 1 elements");
    m = scan(11, "2", "3,2", "s x", "num_scan_inputs=3");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Scan)|or scans 3 of 2 inputs");
    m = scan(11, "3,2", "4,2", "s x", "num_scan_inputs=2");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Scan)|scanned inputs are of different lengths");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_that_is_known_chooses_its_branch),
        cmocka_unit_test(a_condition_that_the_run_knows_is_read_and_both_branches_are_there),
        cmocka_unit_test(branches_that_give_different_things_are_refused),
        cmocka_unit_test(a_short_loop_is_unrolled_and_a_long_one_is_not),
        cmocka_unit_test(a_loop_of_no_iteration_gives_what_it_begins_with),
        cmocka_unit_test(the_run_decides_how_often_a_loop_runs),
        cmocka_unit_test(what_iterations_give_is_put_together),
        cmocka_unit_test(what_endless_iterations_give_is_not_put_together),
        cmocka_unit_test(a_value_that_changes_its_shape_is_unrolled_or_refused_by_name),
        cmocka_unit_test(a_loop_may_end_by_its_condition),
        cmocka_unit_test(graphs_in_graphs_read_what_is_around_them),
        cmocka_unit_test(a_loop_whose_graph_does_not_fit_is_refused),
        cmocka_unit_test(a_scan_takes_its_inputs_apart_along_an_axis_in_a_direction),
        cmocka_unit_test(a_scan_puts_its_outputs_together_along_an_axis_in_a_direction),
        cmocka_unit_test(a_scan_over_a_length_that_the_run_knows_is_a_loop),
        cmocka_unit_test(scan_of_operator_set_8_has_a_batch),
        cmocka_unit_test(a_scan_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
