/* test_limits.c: a kernel beyond what its target can do is refused with the number and the limit,
 * and so is what no rewriting can give. */
#include "support.h"

#include <string.h>

static const weft_target small = {
    .name = "small",
    .api = WEFT_API_OPENCL,
    .max_threads = 64,
    .max_block = { 64, 32, 4 },
    .max_grid = { 1000, 100, 10 },
    .shared_bytes = 1024,
    .max_buffers = 3,
    .scalar_bytes = 16,
    .max_range = 4000,
    .max_iterations = 500,
};

/* The kernel goes through the passes and ends with the status and a message with the words. */
static void
check(const char *head, const char *body, const char *passes, const weft_caps *caps,
      weft_status want, const char *words)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_str text = { 0 };
    weft_lower_options o = { .target = &small, .caps = caps };
    weft_kernel *const *kernel;
    int n = 0;
    weft_str_addf(&text, "kernel flat big(%s) {\n%s\n}\n", head, body);
    if (weft_parse_kernels(ir, "limits", weft_str_text(&text), &n, &kernel) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    weft_status st = weft_run_passes(kernel[0], passes, &o, diag);
    if (st != want || !strstr(weft_diag_text(diag), words))
        fail_msg("%s: status %d: %s", words, (int)st, weft_diag_text(diag));
    weft_str_free(&text);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

static void
limit(const char *head, const char *body, const char *words)
{
    weft_caps caps = plain_caps(true);
    check(head, body, "legalize,limits", &caps, WEFT_LIMIT, words);
}

static void
loops_are_not_written_out_without_end(void **state)
{
    (void)state;
    weft_caps caps = plain_caps(true);
    check("C: out f32[1]", "for i in 0..1000000000 unroll { C[0] = 1.0 }", "unroll", &caps,
          WEFT_LIMIT, "loop 'i' has 1000000000 iterations of 1 statements, and at most 8192");
    check("C: out f32[1]", "for i in 0..200 unroll { for j in 0..200 unroll { C[0] = 1.0 } }",
          "unroll", &caps, WEFT_LIMIT, "loop 'i' has 200 iterations of 200 statements");
}

static void
launches_beyond_the_limits_are_refused_with_the_numbers(void **state)
{
    (void)state;
    static const char one[] = "C: out f32[1]";
    limit(one, "for t in 0..65 on thread.x { C[0] = 1.0 }",
          "kernel 'big' needs 65 threads along one axis of a block, opencl:small allows 64; split "
          "the axis by a smaller factor");
    limit(one, "for t in 0..5 on thread.z { C[0] = 1.0 }",
          "needs 5 threads along one axis of a block, opencl:small allows 4");
    limit(one, "for t in 0..16 on thread.x { for u in 0..8 on thread.y { C[0] = 1.0 } }",
          "needs 128 threads a block, opencl:small allows 64; split a thread axis");
    limit(one, "for b in 0..1001 on block.x { C[0] = 1.0 }",
          "needs 1001 blocks along one axis, opencl:small allows 1000; bind");
    limit(one, "for b in 0..11 on block.z { C[0] = 1.0 }",
          "needs 11 blocks along one axis, opencl:small allows 10");
}

static void
memory_and_arguments_beyond_the_limits_are_refused_with_the_numbers(void **state)
{
    (void)state;
    limit("C: out f32[1]",
          "alloc s: shared f32[129] alloc u: shared f32[128] for t in 0..4 on thread.x { s[t] = "
          "1.0 u[t] = 1.0 C[0] = s[t] }",
          "needs 1040 bytes of shared memory, opencl:small allows 1024; use smaller tiles");
    limit("A: f32[1], B: f32[1], D: f32[1], C: out f32[1]", "C[0] = 1.0",
          "needs 4 buffer arguments, opencl:small allows 3; fuse fewer operators");
    limit("A: f32[1001], C: out f32[1]", "C[0] = A[1000]",
          "needs 4004 bytes of the buffer 'A', opencl:small allows 4000; split the tensor");
    limit("C: out f32[1]",
          "C[0] = 0.0 for i in 0..20 { if i < 3 { for j in 0..30 { C[0] = C[0] + 1.0 } } else { "
          "for j in 0..9 { C[0] = 1.0 } } }",
          "needs 620 iterations of a thread's loops, opencl:small allows 500; split the reduction");
    limit("C: out f32[1]; a: i32, b: i64, c: i32", "C[0] = 1.0",
          "needs 20 bytes of scalar arguments, opencl:small allows 16; give");
}

/* Together 1536 bytes; one over the other 1024. */
static const char halves_then_floats[] =
    "alloc h: shared f16[256] alloc f: shared f32[256] for t in 0..64 on thread.x {"
    "  for i in 0..4 { h[i * 64 + t] = f16(A[i * 64 + t]) }"
    "  for i in 0..4 { C[i * 64 + t] = f32(h[255 - i * 64 - t]) }"
    "  for i in 0..4 { f[i * 64 + t] = A[i * 64 + t] * 2.0 }"
    "  for i in 0..4 { C[i * 64 + t] = C[i * 64 + t] + f[255 - i * 64 - t] } }";

static void
arrays_that_lie_over_each_other_fit_where_they_would_not_apart(void **state)
{
    (void)state;
    static const char head[] = "A: f32[256], C: inout f32[256]";
    weft_caps caps = plain_caps(true);
    check(head, halves_then_floats, "storage,barriers,legalize,limits", &caps, WEFT_OK, "");
    caps.overlay = false;
    check(head, halves_then_floats, "storage,barriers,legalize,limits", &caps, WEFT_LIMIT,
          "needs 1536 bytes of shared memory, opencl:small allows 1024");
}

static void
sizes_that_only_the_launch_knows_are_refused(void **state)
{
    (void)state;
    weft_caps caps = plain_caps(true);
    check("C: out f32[n]; n: i32", "for t in 0..n on thread.y { C[t] = 1.0 }", "legalize,limits",
          &caps, WEFT_UNSUPPORTED,
          "thread.y has a size that is not constant; split the axis by a number and bind the inner "
          "part");
    check("C: out f32[n]; n: i32", "alloc s: shared f32[n] C[0] = 1.0", "legalize,limits", &caps,
          WEFT_UNSUPPORTED, "the size of 's', which is memory of its own, is not a constant");
}

static void
what_no_rewriting_gives_is_refused_by_name(void **state)
{
    (void)state;
    weft_caps caps = plain_caps(true);
    caps.arith[WEFT_F64] = caps.storage[WEFT_F64] = caps.arith[WEFT_I64] = false;
    caps.storage[WEFT_I8] = caps.storage[WEFT_U8] = false;
    caps.bool_storage = false;
    caps.intrin[WEFT_IN_SIN] = false;
    static const char copy[] = "C[0] = A[0]";
    check("A: f64[1], C: out f64[1]", copy, "legalize", &caps, WEFT_UNSUPPORTED,
          "kernel 'big': a buffer of f64 is not to be had on opencl:small");
    check("A: i8[1], C: out i8[1]", copy, "legalize", &caps, WEFT_UNSUPPORTED,
          "a buffer of i8 is not to be had");
    check("A: bool[1], C: out bool[1]", copy, "legalize", &caps, WEFT_UNSUPPORTED,
          "a buffer of bool is not to be had");
    check("A: f32[1], C: out f32[1]", "C[0] = f32(f64(A[0]) * 0.1f64)", "legalize", &caps,
          WEFT_UNSUPPORTED, "f64 is not to be had");
    check("A: i32[1], C: out i32[1]", "C[0] = i32(i64(A[0]) * 3i64)", "legalize", &caps,
          WEFT_UNSUPPORTED, "i64 is not to be had");
    check("A: f32[1], C: out f32[1]", "C[0] = sin(A[0])", "legalize", &caps, WEFT_UNSUPPORTED,
          "sin of f32 is not to be had");
}

static void
subgroups_that_a_block_is_not_made_of_are_refused(void **state)
{
    (void)state;
    static const struct {
        int threads, max;
        const char *words; /* NULL: taken */
    } row[] = { { 32, 0, NULL },
                { 64, 4, NULL },
                { 40, 4,
                  "asks for subgroups of 16: opencl:whole gives them to blocks of whole ones, at "
                  "most 4 of them, not of 40 x 1 x 1 threads" },
                { 40, 0, "whole ones, not of 40 x 1 x 1 threads; split the thread axes" },
                { 48, 2, "at most 2 of them, not of 48 x 1 x 1" } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[256];
        weft_target whole = small;
        weft_caps caps = plain_caps(true);
        weft_lower_options o = { .target = &whole, .caps = &caps };
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        weft_kernel *const *kernel;
        int n = 0;
        snprintf(whole.name, sizeof whole.name, "whole");
        whole.subgroup = 16;
        whole.subgroup_shuffle = whole.whole_subgroups = true;
        whole.max_subgroups = row[i].max;
        snprintf(text, sizeof text,
                 "kernel flat k(A: f32[64], C: out f32[64]) {\n    for t in 0..%d on thread.x {\n"
                 "        C[t] = shfl_xor(A[t], 1)\n    }\n}\n",
                 row[i].threads);
        assert_int_equal(weft_parse_kernels(ir, "whole", text, &n, &kernel), WEFT_OK);
        weft_status st = weft_run_passes(kernel[0], "legalize,limits", &o, diag);
        assert_int_equal(st, row[i].words ? WEFT_LIMIT : WEFT_OK);
        assert_int_equal(kernel[0]->subgroup, 16);
        if (row[i].words && !strstr(weft_diag_text(diag), row[i].words))
            fail_msg("%s", weft_diag_text(diag));
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_are_not_written_out_without_end),
        cmocka_unit_test(launches_beyond_the_limits_are_refused_with_the_numbers),
        cmocka_unit_test(memory_and_arguments_beyond_the_limits_are_refused_with_the_numbers),
        cmocka_unit_test(arrays_that_lie_over_each_other_fit_where_they_would_not_apart),
        cmocka_unit_test(sizes_that_only_the_launch_knows_are_refused),
        cmocka_unit_test(what_no_rewriting_gives_is_refused_by_name),
        cmocka_unit_test(subgroups_that_a_block_is_not_made_of_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
