/* test_parts.c: what printing stands on: identifiers, vector layout, the header comment. */
#include "support.h"

#include "backends/idents.h"
#include "backends/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- identifiers ----------------------------------------------------------------------------- */

static void
a_name_in_use_or_reserved_gets_a_suffix(void **state)
{
    (void)state;
    weft_arena arena = { 0 };
    weft_idents names;
    weft_idents_init(&names, &arena, "for half");
    assert_string_equal(weft_idents_add(&names, "x"), "x");
    assert_string_equal(weft_idents_add(&names, "x"), "x_1");
    assert_string_equal(weft_idents_add(&names, "half"), "half_1");
    assert_string_equal(weft_idents_add(&names, "x_1"), "x_1_1");
    weft_arena_reset(&arena);
}

static void
a_name_is_free_again_after_its_block(void **state)
{
    (void)state;
    weft_arena arena = { 0 };
    weft_idents names;
    weft_idents_init(&names, &arena, NULL);
    weft_idents_add(&names, "i");
    int mark = names.stack.n;
    assert_string_equal(weft_idents_add(&names, "i"), "i_1");
    assert_string_equal(weft_idents_add(&names, "j"), "j");
    weft_idents_close(&names, mark);
    assert_string_equal(weft_idents_add(&names, "i"), "i_1");
    assert_string_equal(weft_idents_add(&names, "j"), "j");
    weft_arena_reset(&arena);
}

static void
any_text_becomes_an_identifier(void **state)
{
    (void)state;
    weft_arena arena = { 0 };
    weft_idents names;
    weft_idents_init(&names, &arena, NULL);
    assert_string_equal(weft_idents_add(&names, "conv1/weights:0"), "conv1_weights_0");
    assert_string_equal(weft_idents_add(&names, "3d"), "v3d");
    assert_string_equal(weft_idents_add(&names, ""), "v");
    assert_string_equal(weft_idents_add(&names, "a__b"), "a_b");
    assert_string_equal(weft_idents_add(&names, "\xc3\xa9"), "v_1");
    weft_arena_reset(&arena);
}

/* ---- layout ---------------------------------------------------------------------------------- */

/* The quotient as text, or "none". */
static char *
quotient_text(const char *text, int64_t n)
{
    weft_ir *ir = weft_ir_create(NULL);
    const weft_var *var[2] = { weft_var_make(ir, "i", weft_scalar(WEFT_I32)),
                               weft_var_make(ir, "j", weft_scalar(WEFT_I32)) };
    const weft_expr *e = weft_parse_expr(ir, "test", text, 2, var, 0, NULL), *q;
    weft_str out = { 0 };
    assert_non_null(e);
    q = weft_quotient(ir, e, n);
    if (q)
        weft_print_expr(&out, q);
    else
        weft_str_add(&out, "none");
    weft_ir_destroy(ir);
    return weft_str_take(&out);
}

static void
a_multiple_by_its_form_is_divided(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "i * 16", "i" },
        { "32 * i", "2 * i" },
        { "i * 16 + 48", "i + 3" },
        { "i * 8", "none" },
        { "i", "none" },
        { "(i * 4 + j * 8) * 4", "i + j * 2" },
        { "64", "4" },
        { "i * 16 + 4", "none" },
        { "i * 64 - j * 32", "i * 4 - j * 2" },
        { "(i * 16 + j) * 1", "none" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = quotient_text(cases[i][0], 16);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

/* The layout of the array t in a kernel with that body. */
static int
layout_of(const char *body, unsigned pieces)
{
    weft_ir *ir = weft_ir_create(NULL);
    weft_arena arena = { 0 };
    weft_str text = { 0 };
    weft_str_addf(
        &text,
        "kernel device k(A: f32[64], C: out f32[64])\n    grid(1, 1, 1)\n    block(4, 1, 1)\n{\n"
        "    for i in 0..4 on thread.x {\n        alloc t: local f32[32]\n%s    }\n}\n",
        body);
    const weft_kernel *kernel = parse_kernel(ir, "layout", weft_str_text(&text));
    const weft_stmt *alloc = kernel->body->u.loop.body;
    assert_int_equal(alloc->kind, WEFT_SK_ALLOC);
    int lanes = weft_vector_layout(&arena, kernel, pieces)[alloc->u.alloc.buf->id];
    weft_str_free(&text);
    weft_arena_reset(&arena);
    weft_ir_destroy(ir);
    return lanes;
}

static void
an_array_of_whole_aligned_vectors_is_one_of_vectors(void **state)
{
    (void)state;
    assert_int_equal(
        layout_of(
            "t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\nC[ramp(i * 8, 1, 8)] = t[ramp(i * 8, 1, 8)]\n",
            WEFT_PIECE_LANE),
        8);
}

static void
an_unaligned_strided_or_mixed_access_keeps_scalars(void **state)
{
    (void)state;
    assert_int_equal(layout_of("t[ramp(i, 1, 8)] = bcast(0.0, 8)\n", WEFT_PIECE_LANE), 1);
    assert_int_equal(layout_of("t[ramp(i * 8, 2, 8)] = bcast(0.0, 8)\n", WEFT_PIECE_LANE), 1);
    assert_int_equal(
        layout_of("t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\nt[ramp(i * 4, 1, 4)] = bcast(0.0, 4)\n",
                  WEFT_PIECE_LANE),
        1);
    assert_int_equal(
        layout_of("t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\nt[i] = 1.0\n", WEFT_PIECE_LANE), 1);
}

static void
a_scalar_at_a_constant_index_is_a_lane_where_lanes_have_names(void **state)
{
    (void)state;
    static const char body[] = "t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\nC[i] = t[9]\n";
    assert_int_equal(layout_of(body, WEFT_PIECE_LANE), 8);
    assert_int_equal(layout_of(body, 0), 1);
}

static void
a_scalar_at_any_index_is_allowed_where_elements_have_addresses(void **state)
{
    (void)state;
    static const char body[] = "t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\nC[i] = t[i + 9]\n";
    assert_int_equal(layout_of(body, WEFT_PIECE_LANE | WEFT_PIECE_PICK), 8);
    assert_int_equal(layout_of(body, WEFT_PIECE_LANE), 1);
    assert_int_equal(layout_of("t[i] = 0.0\n", WEFT_PIECE_LANE | WEFT_PIECE_PICK), 1);
}

static void
some_lanes_at_a_constant_index_are_a_piece_where_several_have_a_name(void **state)
{
    (void)state;
    static const char half[] = "t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\n"
                               "t[ramp(12, 1, 4)] = t[ramp(8, 1, 4)]\nC[i] = t[9]\n";
    unsigned pieces = WEFT_PIECE_LANE | WEFT_PIECE_SOME;
    assert_int_equal(layout_of(half, pieces), 8);
    assert_int_equal(layout_of(half, WEFT_PIECE_LANE), 1);
    assert_int_equal(layout_of("t[ramp(12, 1, 4)] = bcast(0.0, 4)\n"
                               "t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\n",
                               pieces),
                     8);
    assert_int_equal(layout_of("t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\n"
                               "t[ramp(6, 1, 4)] = bcast(0.0, 4)\n",
                               pieces),
                     1);
    assert_int_equal(layout_of("t[ramp(i * 8, 1, 8)] = bcast(0.0, 8)\n"
                               "t[ramp(i * 4, 1, 4)] = bcast(0.0, 4)\n",
                               pieces),
                     1);
}

static void
one_vector_is_no_array_of_elements(void **state)
{
    (void)state;
    assert_int_equal(layout_of("t[ramp(0, 1, 32)] = bcast(0.0, 32)\nC[i] = t[i]\n",
                               WEFT_PIECE_LANE | WEFT_PIECE_PICK),
                     1);
    assert_int_equal(layout_of("t[ramp(0, 1, 32)] = bcast(0.0, 32)\nC[i] = t[3]\n",
                               WEFT_PIECE_LANE | WEFT_PIECE_PICK),
                     32);
}

/* ---- header ---------------------------------------------------------------------------------- */

static char *
header_of(weft_kernel_info info, const char *comment)
{
    weft_ir *ir = weft_ir_create(NULL);
    weft_str out = { 0 };
    weft_kernel kernel = { .ir = ir,
                           .name = "conv1_relu",
                           .level = WEFT_LEVEL_DEVICE,
                           .shared_bytes = 8192,
                           .info = info };
    for (int i = 0; i < 3; i++) {
        kernel.grid[i] = weft_i32(ir, i < 2 ? 14 : 1);
        kernel.block[i] = weft_i32(ir, i < 2 ? 16 : 1);
    }
    weft_print_header(&out, &kernel, comment);
    weft_ir_destroy(ir);
    return weft_str_take(&out);
}

static void
the_header_says_layers_output_schedule_and_launch(void **state)
{
    (void)state;
    char *text = header_of(
        (weft_kernel_info){ "conv1 (Conv) + bn1 (BatchNormalization, folded) + relu1 (Relu)",
                            "resnet50.onnx", "out f32[1,64,112,112]",
                            "contraction/gpu: tile 64x8x8, 4x4 registers", 236e6, 0.64e6, 3.21e6 },
        "// ");
    assert_string_equal(text, "// conv1_relu: conv1 (Conv) + bn1 (BatchNormalization, folded) + "
                              "relu1 (Relu)        model: resnet50.onnx\n"
                              "//   out       f32[1,64,112,112]      236.0 MFLOP   0.64 MB read, "
                              "3.21 MB written   61.3 FLOP/byte\n"
                              "//   schedule  contraction/gpu: tile 64x8x8, 4x4 registers\n"
                              "//   launch    grid 14,14,1  block 16,16,1  shared 8.0 KiB\n");
    free(text);
}

static void
what_is_not_known_is_not_said(void **state)
{
    (void)state;
    char *text =
        header_of((weft_kernel_info){ .flops = -1, .bytes_read = -1, .bytes_written = -1 }, "; ");
    assert_string_equal(
        text, "; conv1_relu\n;   launch    grid 14,14,1  block 16,16,1  shared 8.0 KiB\n");
    free(text);
}

static void
a_hostile_name_stays_in_its_comment(void **state)
{
    (void)state;
    char *text = header_of((weft_kernel_info){ "evil\n} int x; //\\", "m\r\n\\", "o\nx y\n#error",
                                               "s\\\n", -1, -1, -1 },
                           "// ");
    int lines = 0;
    for (const char *at = text; *at; at++) {
        if (at == text || at[-1] == '\n')
            assert_true(strncmp(at, "// ", 3) == 0);
        lines += *at == '\n';
        assert_int_not_equal(*at, '\\');
        assert_int_not_equal(*at, '\r');
    }
    assert_int_equal(lines, 4);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_use_or_reserved_gets_a_suffix),
        cmocka_unit_test(a_name_is_free_again_after_its_block),
        cmocka_unit_test(any_text_becomes_an_identifier),
        cmocka_unit_test(a_multiple_by_its_form_is_divided),
        cmocka_unit_test(an_array_of_whole_aligned_vectors_is_one_of_vectors),
        cmocka_unit_test(an_unaligned_strided_or_mixed_access_keeps_scalars),
        cmocka_unit_test(a_scalar_at_a_constant_index_is_a_lane_where_lanes_have_names),
        cmocka_unit_test(a_scalar_at_any_index_is_allowed_where_elements_have_addresses),
        cmocka_unit_test(some_lanes_at_a_constant_index_are_a_piece_where_several_have_a_name),
        cmocka_unit_test(one_vector_is_no_array_of_elements),
        cmocka_unit_test(the_header_says_layers_output_schedule_and_launch),
        cmocka_unit_test(what_is_not_known_is_not_said),
        cmocka_unit_test(a_hostile_name_stays_in_its_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
