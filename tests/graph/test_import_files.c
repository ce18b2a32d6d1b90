/* Files: what is malformed, hostile or elsewhere, options, tensors, and inspecting. */
#include "support_onnx.h"

#include <sys/stat.h>
#include <unistd.h>

/* y = x + w, named like a user's. */
static model
small(void)
{
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "n,3");
    model_floats(&m, "w", "3");
    model_node(&m, "Add", "x w", "y", NULL);
    model_output(&m, "y");
    return m;
}

/* The same with an initializer given as a whole. */
static model
with_tensor(weft_str *tensor)
{
    model m = model_make(13);
    put_message(&m.graph, 5, tensor);
    model_node(&m, "Identity", "w", "y", NULL);
    model_output(&m, "y");
    return m;
}

/* ---- damage ---------------------------------------------------------------------------------- */

static weft_status
import_bytes(const void *bytes, size_t n)
{
    char path[PATH_SIZE];
    write_bytes(bytes, n, path);
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, NULL, diag);
    weft_status st = weft_diag_status(diag);
    assert_int_equal(g == NULL, st != WEFT_OK);
    assert_int_equal(*weft_diag_text(diag) == '\0', st == WEFT_OK);
    if (g)
        assert_int_equal(weft_graph_verify(g, "after import"), WEFT_OK);
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
    unlink(path);
    return st;
}

static void
a_model_cut_anywhere_is_refused(void **state)
{
    (void)state;
    model m = small();
    weft_str bytes = model_bytes(&m);
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_not_equal(import_bytes(bytes.at, n), WEFT_OK);
    assert_int_equal(import_bytes(bytes.at, bytes.n), WEFT_OK);
    weft_str_free(&bytes);
}

static void
any_changed_byte_ends_in_a_graph_or_a_message(void **state)
{
    (void)state;
    static const unsigned char changes[] = { 0x01, 0x80, 0xff, 0x08 };
    model m = small();
    weft_str bytes = model_bytes(&m);
    for (size_t i = 0; i < bytes.n; i++)
        for (size_t k = 0; k < sizeof changes; k++) {
            bytes.at[i] = (char)(bytes.at[i] ^ changes[k]);
            import_bytes(bytes.at, bytes.n);
            bytes.at[i] = (char)(bytes.at[i] ^ changes[k]);
        }
    weft_str_free(&bytes);
}

static void
the_content_says_whether_a_file_is_onnx(void **state)
{
    (void)state;
    model m = small();
    weft_str bytes = model_bytes(&m);
    assert_true(weft_is_onnx(bytes.at, bytes.n));
    assert_false(weft_is_onnx(bytes.at, bytes.n - 1));
    assert_false(weft_is_onnx("graph f() -> () {}", 18));
    assert_false(weft_is_onnx("", 0));
    weft_str_free(&bytes);
}

static void
a_missing_file_is_named(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    assert_null(weft_import_onnx("no/such.onnx", NULL, diag));
    assert_non_null(strstr(weft_diag_text(diag), "no/such.onnx"));
    weft_diag_destroy(diag);
}

static void
a_newer_operator_set_is_refused(void **state)
{
    (void)state;
    model m = small();
    m.opset = 29;
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "operator set 29|28");
}

static void
every_fault_is_reported(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_node(&m, "ImageDecoder", "x", "a", NULL);
    model_node(&m, "Relu", "a", "b", NULL); /* not reported: a has been */
    model_node(&m, "Frobnicate", "x", "c", NULL);
    model_node(&m, "Relu", "nowhere", "d", NULL);
    model_output(&m, "b");
    check_refused(&m, NULL, WEFT_UNSUPPORTED,
                  "node 'a' (ImageDecoder)|node 'c' (Frobnicate): the operator is not supported|"
                  "input 0 ('nowhere') is made by no other node");
}

static void
a_name_that_is_no_text_is_refused(void **state)
{
    (void)state;
    model m = small();
    model_node(&m, "Neg", "x", "caf\xe9", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "not text in UTF-8");
    m = small();
    model_node(&m, "Neg", "x", "caf\xc3\xa9", NULL);
    weft_graph_destroy(import(&m, NULL));
}

static void
a_node_without_outputs_is_refused(void **state)
{
    (void)state;
    model m = small();
    model_node(&m, "Shape", "x", "", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "(Shape): it has no outputs");
}

static void
a_name_defined_twice_is_refused(void **state)
{
    (void)state;
    model m = small();
    model_node(&m, "Neg", "x", "y", NULL);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "'y' is defined twice");
}

static void
a_cycle_is_refused(void **state)
{
    (void)state;
    model m = model_make(13);
    model_node(&m, "Neg", "b", "a", NULL);
    model_node(&m, "Neg", "a", "b", NULL);
    model_output(&m, "b");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "is made by no other node");
}

static void
nodes_may_stand_in_any_order(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_node(&m, "Exp", "a", "y", NULL);
    model_node(&m, "Neg", "x", "a", NULL);
    model_output(&m, "y");
    check_nodes(&m, NULL, "a: f32[2] = negative(x)\ny: f32[2] = exp(a)\n");
}

static void
an_unknown_attribute_is_refused(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2");
    model_node(&m, "Relu", "x", "y", "sharpness=3");
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "node 'y' (Relu)|attribute 'sharpness'");
}

static void
an_attribute_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,2");
    model_node(&m, "Softmax", "x", "y", "axis='last'");
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "attribute 'axis' has to be an integer");
}

static void
training_is_refused(void **state)
{
    (void)state;
    model m = model_make(14);
    model_input(&m, "x", ONNX_FLOAT, "1,2,3");
    model_input(&m, "p", ONNX_FLOAT, "2");
    model_input(&m, "t", ONNX_BOOL, "");
    model_node(&m, "BatchNormalization", "x p p p p", "a", "training_mode=1");
    model_node(&m, "Dropout", "x _ t", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "training_mode=1 is not supported|training_mode (input 2)");
}

static void
outputs_that_an_operator_has_not_are_refused(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "1,2,3");
    model_node(&m, "Relu", "x", "y more", "");
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "output 1 ('more')");
}

static void
strings_are_refused(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_STRING, "2");
    model_node(&m, "Identity", "x", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "input 'x'|STRING");
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void
a_tensor_of_too_little_data_is_refused(void **state)
{
    (void)state;
    weft_str t = tensor_head("w", ONNX_FLOAT, "3");
    put_bytes(&t, 9, "12345678", 8);
    model m = with_tensor(&t);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "initializer 'w'|8 bytes|12");
}

static void
a_tensor_of_endless_dimensions_is_refused(void **state)
{
    (void)state;
    weft_str t = tensor_head("w", ONNX_FLOAT, "4611686018427387904,4");
    model m = with_tensor(&t);
    check_refused(&m, NULL, WEFT_INVALID_INPUT,
                  "initializer 'w'|more elements than can be counted");
}

static void
a_large_tensor_without_data_allocates_nothing(void **state)
{
    (void)state;
    weft_str t = tensor_head("w", ONNX_INT32, "1099511627776");
    model m = with_tensor(&t);
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "0 elements of data");
}

static void
typed_fields_hold_bits_of_halves(void **state)
{
    (void)state;
    weft_str t = tensor_head("w", ONNX_F16, "2");
    put_int(&t, 5, 0x3c00);
    put_int(&t, 5, 0xc000);
    model m = with_tensor(&t);
    check_nodes(&m, NULL, "w: f16[2] = constant [1.0, -2.0]\ny: f16[2] = identity(w)\n");
}

static void
bools_of_a_file_become_zero_or_one(void **state)
{
    (void)state;
    weft_str t = tensor_head("w", ONNX_BOOL, "3");
    put_bytes(&t, 9, "\0\1\7", 3);
    model m = with_tensor(&t);
    weft_graph *g = import(&m, NULL);
    assert_memory_equal(g->value.at[0]->data->data, "\0\1\1", 3);
    weft_graph_destroy(g);
}

static void
long_lists_of_floats_are_not_copied(void **state)
{
    (void)state;
    enum { N = 3000 };
    float *v = malloc(N * sizeof *v);
    for (int i = 0; i < N; i++)
        v[i] = (float)i;
    weft_str t = tensor_head("w", ONNX_FLOAT, "3000");
    put_bytes(&t, 4, v, N * sizeof *v);
    model m = with_tensor(&t);
    weft_graph *g = import(&m, NULL);
    assert_memory_equal(g->value.at[0]->data->data, v, N * sizeof *v);
    assert_true(g->ir->arena.total < N * sizeof *v);
    weft_graph_destroy(g);
    free(v);
}

/* ---- external data --------------------------------------------------------------------------- */

static model
external(const char *location, const char *offset)
{
    weft_str t = tensor_head("w", ONNX_FLOAT, "2");
    const char *pair[][2] = { { "location", location }, { "offset", offset }, { "length", "8" } };
    for (int i = 0; i < 3; i++) {
        weft_str entry = { 0 };
        put_text(&entry, 1, pair[i][0]);
        put_text(&entry, 2, pair[i][1]);
        put_message(&t, 13, &entry);
    }
    put_int(&t, 14, 1);
    return with_tensor(&t);
}

static void
external_data_is_found_beside_the_model(void **state)
{
    (void)state;
    static const float v[] = { 0, 0.5f, 2 };
    assert_int_equal(weft_file_write(NULL, "import-external.bin", v, sizeof v), WEFT_OK);
    model m = external("import-external.bin", "4");
    check_nodes(&m, NULL, "w: f32[2] = constant [0.5, 2.0]\ny: f32[2] = identity(w)\n");
    m = external("import-external.bin", "8");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "ends beyond the file");
    m = external("import-external.bin", "-4");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "is not a number");
    unlink("import-external.bin");
}

static void
external_data_elsewhere_is_refused(void **state)
{
    (void)state;
    model m = external("../secret.bin", "0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "outside the model's directory");
    m = external("a/../../secret.bin", "0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "outside the model's directory");
    m = external("/etc/passwd", "0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "no relative location");
    unlink("import-link.bin");
    assert_int_equal(symlink("/etc/passwd", "import-link.bin"), 0);
    m = external("import-link.bin", "0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "leads out of the model's directory");
    unlink("import-link.bin");
}

/* ---- options --------------------------------------------------------------------------------- */

static void
an_option_gives_a_symbol_its_size(void **state)
{
    (void)state;
    model m = small();
    weft_import_options o = { .ndim = 1,
                              .dim_name = (const char *[]){ "n" },
                              .dim_value = (int64_t[]){ 5 } };
    check_nodes(&m, &o, "w: f32[3] = constant [0.0, 1.0, 2.0]\ny: f32[5, 3] = add(x, w)\n");
}

static void
a_shape_binds_its_symbols_everywhere(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "a", ONNX_FLOAT, "n,2");
    model_input(&m, "b", ONNX_FLOAT, "n,?");
    model_node(&m, "Concat", "a b", "y", "axis=1");
    model_output(&m, "y");
    weft_import_options o = { .nshape = 1,
                              .shape_name = (const char *[]){ "b" },
                              .shape = (const char *[]){ "4x6" } };
    check_nodes(&m, &o, "y: f32[4, 8] = concatenate(a, b) {axis=1}\n");
}

static void
an_input_at_hand_sizes_what_no_option_does(void **state)
{
    (void)state;
    weft_const a = { .dtype = WEFT_F32, .ndim = 2, .dim = (const int64_t[]){ 4, 2 } };
    weft_import_options o = { .ngiven = 1,
                              .given_name = (const char *[]){ "a" },
                              .given = &a };
    const char *both = "y: f32[4, 4] = concatenate(a, b) {axis=1}\n",
               *named = "y: f32[5, 4] = concatenate(a, b) {axis=1}\n",
               *open = "y: f32[n, 4] = concatenate(a, b) {axis=1}\n";
    const int64_t size[] = { 5, -1 };
    for (int i = 0; i < 3; i++) {
        model m = model_make(13);
        model_input(&m, "a", ONNX_FLOAT, "n,2");
        model_input(&m, "b", ONNX_FLOAT, "n,2");
        model_node(&m, "Concat", "a b", "y", "axis=1");
        model_output(&m, "y");
        o.ndim = i > 0;
        o.dim_name = (const char *[]){ "n" };
        o.dim_value = i > 0 ? &size[i - 1] : NULL;
        check_nodes(&m, &o, i == 0 ? both : i == 1 ? named : open);
    }
}

static void
inputs_at_hand_that_disagree_are_named(void **state)
{
    (void)state;
    weft_const at[] = { { .dtype = WEFT_F32, .ndim = 2, .dim = (const int64_t[]){ 4, 2 } },
                        { .dtype = WEFT_F32, .ndim = 2, .dim = (const int64_t[]){ 5, 2 } } };
    weft_import_options o = { .ngiven = 2,
                              .given_name = (const char *[]){ "a", "b" },
                              .given = at };
    model m = model_make(13);
    model_input(&m, "a", ONNX_FLOAT, "n,2");
    model_input(&m, "b", ONNX_FLOAT, "n,2");
    model_node(&m, "Concat", "a b", "y", "axis=1");
    model_output(&m, "y");
    check_refused(&m, &o, WEFT_INVALID_ARGUMENT, "'n' is 5|input 'b'|4 elsewhere");
}

static void
symbols_are_kept_where_a_module_is_compared_with(void **state)
{
    (void)state;
    weft_const x = { .dtype = WEFT_F32, .ndim = 2, .dim = (const int64_t[]){ 4, 3 } };
    weft_import_options o = { .ngiven = 1,
                              .given_name = (const char *[]){ "x" },
                              .given = &x,
                              .keep_symbols = true };
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "?,3");
    model_node(&m, "Neg", "x", "y", NULL);
    model_output(&m, "y");
    check_nodes(&m, &o, "y: f32[x_0, 3] = negative(x)\n");
}

static void
a_nonsensical_shape_is_refused(void **state)
{
    (void)state;
    model m = small();
    weft_import_options o = { .nshape = 1,
                              .shape_name = (const char *[]){ "x" },
                              .shape = (const char *[]){ "4x" } };
    check_refused(&m, &o, WEFT_INVALID_ARGUMENT, "'4x'|1x3x224x224");
    m = small();
    o.shape = (const char *[]){ "4x3x2" };
    check_refused(&m, &o, WEFT_INVALID_ARGUMENT, "2 dimensions, not 3");
}

static void
dimensions_without_a_name_are_named_after_input_and_axis(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "?,3");
    model_node(&m, "Neg", "x", "y", NULL);
    model_output(&m, "y");
    check_nodes(&m, NULL, "y: f32[x_0, 3] = negative(x)\n");
}

static void
a_fixed_input_is_a_constant(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_input(&m, "shape", ONNX_INT64, "1");
    model_node(&m, "Reshape", "x shape", "y", NULL);
    model_output(&m, "y");
    weft_const c = {
        .dtype = WEFT_I64, .ndim = 1, .dim = (int64_t[]){ 1 }, .data = (int64_t[]){ 6 }, .size = 8
    };
    weft_import_options o = { .nfixed = 1, .fixed_name = (const char *[]){ "shape" }, .fixed = &c };
    weft_graph *g = import(&m, &o);
    assert_int_equal(g->input.n, 1);
    assert_true(weft_is_int_imm(g->output.at[0]->dim[0], 6));
    weft_graph_destroy(g);
}

static void
an_unfixed_shape_says_what_to_do(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_input(&m, "shape", ONNX_INT64, "1");
    model_node(&m, "Reshape", "x shape", "y", NULL);
    model_output(&m, "y");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "input 1 ('shape')|fixed shape or value");
}

static void
initializers_among_the_inputs_are_constants(void **state)
{
    (void)state;
    model m = small();
    m.ir = 3;
    model_input(&m, "w", ONNX_FLOAT, "3");
    weft_graph *g = import(&m, NULL);
    assert_int_equal(g->input.n, 1);
    assert_string_equal(g->output_name.at[0], "y");
    assert_string_equal(g->node.at[0]->kind, "Add");
    weft_graph_destroy(g);
}

static void
an_output_is_of_the_element_type_that_is_declared(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_node(&m, "Neg", "x", "y", NULL);
    model_output_of(&m, "y", ONNX_INT64, "2,3");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "output 'y' is declared|7 (INT64)|but is f32");
}

static void
a_shape_that_an_output_declares_is_not_believed(void **state)
{
    (void)state;
    model m = model_make(13);
    model_input(&m, "x", ONNX_FLOAT, "2,3");
    model_node(&m, "Neg", "x", "y", NULL);
    model_output_of(&m, "y", ONNX_FLOAT, "7");
    check_nodes(&m, NULL, "y: f32[2, 3] = negative(x)\n");
}

/* ---- tensor files and inspecting ------------------------------------------------------------- */

static void
a_written_tensor_reads_the_same(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x21, 0x43, 0x05 };
    static const int64_t dim[] = { 5 };
    weft_const c = { .dtype = WEFT_I4, .ndim = 1, .dim = dim, .data = bytes, .size = 3 }, back;
    weft_arena arena = { 0 };
    const char *name;
    assert_int_equal(weft_write_tensor_pb("import-tensor.pb", "t", &c, NULL), WEFT_OK);
    assert_int_equal(weft_read_tensor_pb("import-tensor.pb", &arena, &back, &name, NULL), WEFT_OK);
    unlink("import-tensor.pb");
    assert_string_equal(name, "t");
    assert_int_equal(back.dtype, WEFT_I4);
    assert_int_equal(back.dim[0], 5);
    assert_memory_equal(back.data, bytes, 3);
    weft_arena_reset(&arena);
}

static void
inspecting_tells_a_type_that_weft_lacks_from_none(void **state)
{
    (void)state;
    model m = model_make(13);
    char path[PATH_SIZE];
    weft_arena arena = { 0 };
    weft_model_summary s;
    model_input(&m, "x", ONNX_STRING, "2");
    model_input(&m, "z", 0, NULL);
    model_node(&m, "Concat", "x z", "y", "axis=0");
    model_output(&m, "y");
    write_model(&m, path);
    assert_int_equal(weft_inspect_onnx(path, &arena, &s, NULL), WEFT_OK);
    assert_true(s.nin == 2 && s.in[0].refused && !s.in[1].refused);
    assert_true(s.nout == 1 && s.out[0].dtype == WEFT_DTYPE_COUNT && !s.out[0].refused);
    weft_arena_reset(&arena);
    unlink(path);
}

static void
inspecting_counts_operators_and_parameters(void **state)
{
    (void)state;
    model m = small();
    char path[PATH_SIZE];
    weft_arena arena = { 0 };
    weft_model_summary s;
    model_node(&m, "Neg", "y", "z", NULL);
    model_node(&m, "Neg", "z", "u", NULL);
    model_node(&m, "ImageDecoder", "u", "v", NULL);
    write_model(&m, path);
    assert_int_equal(weft_inspect_onnx(path, &arena, &s, NULL), WEFT_OK);
    unlink(path);
    assert_int_equal(s.opset, 13);
    assert_int_equal(s.nop, 3);
    assert_string_equal(s.op[1].name, "Neg");
    assert_int_equal(s.op[1].count, 2);
    assert_true(s.op[1].supported);
    assert_false(s.op[2].supported);
    assert_non_null(strstr(s.op[2].reason, "decoding images"));
    assert_int_equal(s.parameters, 3);
    assert_int_equal(s.parameter_bytes, 12);
    assert_int_equal(s.nin, 1);
    assert_string_equal(s.in[0].dim[0], "n");
    assert_string_equal(s.in[0].dim[1], "3");
    weft_arena_reset(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_cut_anywhere_is_refused),
        cmocka_unit_test(any_changed_byte_ends_in_a_graph_or_a_message),
        cmocka_unit_test(the_content_says_whether_a_file_is_onnx),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_newer_operator_set_is_refused),
        cmocka_unit_test(every_fault_is_reported),
        cmocka_unit_test(a_name_that_is_no_text_is_refused),
        cmocka_unit_test(a_node_without_outputs_is_refused),
        cmocka_unit_test(a_name_defined_twice_is_refused),
        cmocka_unit_test(a_cycle_is_refused),
        cmocka_unit_test(nodes_may_stand_in_any_order),
        cmocka_unit_test(an_unknown_attribute_is_refused),
        cmocka_unit_test(an_attribute_of_the_wrong_type_is_refused),
        cmocka_unit_test(training_is_refused),
        cmocka_unit_test(outputs_that_an_operator_has_not_are_refused),
        cmocka_unit_test(strings_are_refused),
        cmocka_unit_test(a_tensor_of_too_little_data_is_refused),
        cmocka_unit_test(a_tensor_of_endless_dimensions_is_refused),
        cmocka_unit_test(a_large_tensor_without_data_allocates_nothing),
        cmocka_unit_test(typed_fields_hold_bits_of_halves),
        cmocka_unit_test(bools_of_a_file_become_zero_or_one),
        cmocka_unit_test(long_lists_of_floats_are_not_copied),
        cmocka_unit_test(external_data_is_found_beside_the_model),
        cmocka_unit_test(external_data_elsewhere_is_refused),
        cmocka_unit_test(an_option_gives_a_symbol_its_size),
        cmocka_unit_test(a_shape_binds_its_symbols_everywhere),
        cmocka_unit_test(an_input_at_hand_sizes_what_no_option_does),
        cmocka_unit_test(inputs_at_hand_that_disagree_are_named),
        cmocka_unit_test(symbols_are_kept_where_a_module_is_compared_with),
        cmocka_unit_test(a_nonsensical_shape_is_refused),
        cmocka_unit_test(dimensions_without_a_name_are_named_after_input_and_axis),
        cmocka_unit_test(a_fixed_input_is_a_constant),
        cmocka_unit_test(an_unfixed_shape_says_what_to_do),
        cmocka_unit_test(initializers_among_the_inputs_are_constants),
        cmocka_unit_test(an_output_is_of_the_element_type_that_is_declared),
        cmocka_unit_test(a_shape_that_an_output_declares_is_not_believed),
        cmocka_unit_test(a_written_tensor_reads_the_same),
        cmocka_unit_test(inspecting_counts_operators_and_parameters),
        cmocka_unit_test(inspecting_tells_a_type_that_weft_lacks_from_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
