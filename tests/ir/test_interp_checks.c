/* What the interpreter has to find, and that it finds nothing where nothing is wrong. */
#include "support_interp.h"

#include <string.h>

/* ---- bounds ---------------------------------------------------------------------------------- */

static void
an_index_beyond_a_dimension_is_reported(void **state)
{
    (void)state;
    float a[32], c[32];
    memset(a, 0, sizeof a);
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED("kernel loops k(A: f32[4, 8], C: out f32[32]) {"
            "  for i in 0..32 parallel { C[i] = A[i // 8, i % 8 + 1] } }",
            b, NULL, NULL, "kernel 'k'", "read of A[0, 8]", "out of bounds", "index 1",
            "from 0 to 7", "iteration i=7", "C[i] = A[");
}

static void
an_index_below_zero_is_reported(void **state)
{
    (void)state;
    float a[32], c[32];
    memset(a, 0, sizeof a);
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED("kernel flat k(A: f32[32], C: out f32[32]) {"
            "  for i in 0..32 parallel { C[31 - i - 1] = A[i] } }",
            b, NULL, NULL, "write of C[-1]", "iteration i=31");
}

static void
an_access_beyond_the_argument_is_reported(void **state)
{
    (void)state;
    float a[8], c[16];
    memset(a, 0, sizeof a);
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED("kernel flat k(A: f32[16], C: out f32[16]) {"
            "  for i in 0..16 parallel { C[i] = A[i] } }",
            b, NULL, NULL, "'A' at element 8", "8 elements");
}

static void
a_guarded_access_is_not_evaluated(void **state)
{
    (void)state;
    float a[4] = { 1, 2, 3, 4 }, c[6];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok("kernel flat k(A: f32[4], C: out f32[6]) {"
              "  for i in 0..6 parallel { C[i] = guard(i >= 1 && i < 5, A[i - 1], 0.0) } }",
              b, NULL, NULL);
    float want[6] = { 0, 1, 2, 3, 4, 0 };
    assert_memory_equal(c, want, sizeof c);
}

static void
an_index_out_of_a_local_array_is_reported(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out f32[8]) { for i in 0..8 on thread.x {"
            "  alloc t: local f32[4]  t[i] = 1.0  C[i] = t[i] } }",
            b, NULL, NULL, "write of t[4]", "thread (4,0,0) of block (0,0,0)");
}

/* ---- uninitialised --------------------------------------------------------------------------- */

static void
a_read_of_local_memory_before_a_write_is_reported(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out f32[8]) { for i in 0..8 on thread.x {"
            "  alloc t: local f32[2]  if i < 5 { t[1] = 1.0 }  C[i] = t[1] } }",
            b, NULL, NULL, "uninitialised memory t[1]", "thread (5,0,0)");
    interp_ok(
        "kernel flat k(C: out f32[8]) { for i in 0..8 on thread.x {"
        "  alloc t: local f32[2]  if i < 5 { t[1] = 1.0 } else { t[1] = 2.0 }  C[i] = t[1] } }",
        b, NULL, NULL);
    assert_true(c[4] == 1 && c[5] == 2);
}

static void
memory_allocated_again_is_uninitialised_again(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out f32[8]) { for i in 0..8 on thread.x { for j in 0..2 {"
            "  alloc t: local f32[1]  if j == 0 { t[0] = 1.0 }  C[i] = t[0] } } }",
            b, NULL, NULL, "uninitialised memory t[0]");
}

static void
a_read_of_shared_memory_before_a_write_is_reported(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out f32[8]) { alloc s: shared f32[9] for i in 0..8 on thread.x {"
            "  s[i] = 1.0  barrier shared  C[i] = s[i + 1] } }",
            b, NULL, NULL, "uninitialised memory s[8]", "thread (7,0,0)");
}

static void
a_read_of_an_uninitialised_argument_is_reported(void **state)
{
    (void)state;
    float a[8], c[8];
    memset(a, 0, sizeof a);
    weft_interp_buffer b[] = { SCRATCH(a), OUT(c) };
    REFUSED("kernel flat k(A: f32[8], C: out f32[8]) { for i in 0..8 parallel { C[i] = A[i] } }", b,
            NULL, NULL, "uninitialised memory A[0]");
    weft_interp_buffer d[] = { OUT(c) };
    interp_ok("kernel flat k(C: inout f32[8]) { for i in 0..8 parallel {"
              "  C[i] = 1.0  C[i] = C[i] + 1.0 } }",
              d, NULL, NULL);
    assert_true(c[7] == 2);
}

/* ---- races ----------------------------------------------------------------------------------- */

static void
a_missing_barrier_on_shared_memory_is_reported(void **state)
{
    (void)state;
    float a[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, c[8];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED("kernel device k(A: f32[8], C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " alloc s: shared f32[8] for i in 0..8 on thread.x {"
            "  s[i] = A[i]  C[i] = s[7 - i] } }",
            b, NULL, NULL, "data race on s[", "thread (", "no barrier");
    interp_ok("kernel device k(A: f32[8], C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
              " alloc s: shared f32[8] for i in 0..8 on thread.x {"
              "  s[i] = A[i]  barrier shared  C[i] = s[7 - i] } }",
              b, NULL, NULL);
    assert_true(c[0] == 7 && c[7] == 0);
}

static void
a_barrier_is_needed_before_a_tile_is_filled_again(void **state)
{
    (void)state;
    float a[16], c[8];
    memset(a, 0, sizeof a);
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    const char *text = "kernel device k(A: f32[16], C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
                       " alloc s: shared f32[8] for i in 0..8 on thread.x {"
                       "  alloc t: local f32[1]  t[0] = 0.0"
                       "  for k in 0..2 { s[i] = A[k * 8 + i]  barrier shared"
                       "    t[0] = t[0] + s[7 - i] %s }"
                       "  C[i] = t[0] } }";
    char with[600], without[600];
    snprintf(with, sizeof with, text, "barrier shared");
    snprintf(without, sizeof without, text, "");
    REFUSED(without, b, NULL, NULL, "data race on s[", "s[i] = A");
    interp_ok(with, b, NULL, NULL);
}

static void
the_barrier_of_another_space_does_not_help(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel device k(C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " alloc s: shared f32[8] for i in 0..8 on thread.x {"
            "  s[i] = 1.0  barrier global  C[i] = s[7 - i] } }",
            b, NULL, NULL, "data race on s[");
}

static void
threads_that_write_different_values_to_an_element_race(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel device k(C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " for i in 0..8 on thread.x { C[i // 2] = f32(i) } }",
            b, NULL, NULL, "data race on C[0]", "written", "thread (0,0,0)", "thread (1,0,0)");
}

static void
threads_that_write_the_same_bits_do_not_race(void **state)
{
    (void)state;
    float c[4];
    weft_interp_buffer b[] = { OUT(c) };
    interp_ok("kernel device k(C: out f32[4]) grid(1, 1, 1) block(8, 1, 1) {"
              " for i in 0..8 on thread.x { C[i // 2] = f32(i // 2) } }",
              b, NULL, NULL);
    assert_true(c[3] == 3);
}

static void
blocks_that_meet_in_global_memory_race(void **state)
{
    (void)state;
    float c[64];
    weft_interp_options one = { .threads = 1 };
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel device k(C: out f32[64]) grid(2, 1, 1) block(32, 1, 1) {"
            " alloc s: shared f32[1]"
            " for j in 0..2 on block.x { for i in 0..32 on thread.x {"
            "  C[i] = f32(j)  C[32 + i] = 0.0 } } }",
            b, NULL, &one, "data race on C[0]", "block (0,0,0)", "block (1,0,0)");
    REFUSED("kernel device k(C: inout f32[64]) grid(2, 1, 1) block(32, 1, 1) {"
            " alloc s: shared f32[1]"
            " for j in 0..2 on block.x { for i in 0..32 on thread.x {"
            "  C[j * 32 + i] = 1.0  barrier global  C[j * 32 + i] = C[i] } } }",
            b, NULL, &one, "data race on C[0]", "written by");
}

static void
iterations_of_a_parallel_loop_that_meet_race(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel loops k(C: inout f32[8]) {"
            " for i in 0..8 parallel { C[i] = 0.0 }"
            " for i in 0..8 parallel { C[(i + 1) % 8] = C[i] + 1.0 } }",
            b, NULL, NULL, "data race on C[", "iteration i=");
    interp_ok("kernel loops k(C: inout f32[8]) {"
              " for i in 0..8 parallel { C[i] = 0.0 }"
              " for i in 0..8 parallel { C[i] = C[i] + 1.0 } }",
              b, NULL, NULL);
    assert_true(c[3] == 1);
}

static void
iterations_of_a_loop_inside_a_lane_that_meet_race(void **state)
{
    (void)state;
    float c[64];
    weft_interp_buffer b[] = { OUT(c) };
    const char *text = "kernel flat k(C: out f32[64]) { for i in 0..8 on thread.x {"
                       "  alloc t: local f32[8]  t[0] = 1.0"
                       "  for v in 0..8 %s { %s }"
                       "  for s in 0..8 { C[i * 8 + s] = t[0] } } }";
    char one[400];
    snprintf(one, sizeof one, text, "vectorize", "t[v] = f32(v)  t[7 - v] = 2.0");
    REFUSED(one, b, NULL, NULL, "data race on t[", "two iterations");
    snprintf(one, sizeof one, text, "parallel", "t[0] = t[0] + f32(v)");
    REFUSED(one, b, NULL, NULL, "data race on t[0]", "two iterations");
    snprintf(one, sizeof one, text, "vectorize", "t[v] = f32(v)  t[v] = t[v] + 1.0");
    interp_ok(one, b, NULL, NULL);
    snprintf(one, sizeof one, text, "unroll", "t[0] = t[0] + f32(v)");
    interp_ok(one, b, NULL, NULL);
    assert_true(c[63] == 29);
}

static void
shared_memory_without_barriers_yet_is_in_statement_order(void **state)
{
    (void)state;
    float a[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, c[8];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok("kernel loops k(A: f32[8], C: out f32[8]) { alloc s: shared f32[8]"
              " for i in 0..8 on thread.x { s[i] = A[i] }"
              " for i in 0..8 on thread.x { C[i] = s[7 - i] } }",
              b, NULL, NULL);
    assert_true(c[1] == 6);
    REFUSED("kernel loops k(A: f32[8], C: out f32[8]) { alloc s: shared f32[8]"
            " for i in 0..8 on thread.x { s[0] = A[i] }"
            " for i in 0..8 on thread.x { C[i] = s[0] } }",
            b, NULL, NULL, "data race on s[0]");
}

static void
atomics_do_not_race_with_each_other(void **state)
{
    (void)state;
    int32_t c[1] = { 0 };
    weft_interp_buffer b[] = { { c, 1, true, false } };
    interp_ok("kernel flat k(C: inout i32[1]) { for j in 0..50 on block.x {"
              " for i in 0..64 on thread.x { atomic C[0] += i } } }",
              b, NULL, NULL);
    assert_int_equal(c[0], 50 * 64 * 63 / 2);
    REFUSED("kernel flat k(C: inout i32[1]) { for i in 0..64 on thread.x {"
            "  atomic C[0] += i  if i == 3 { C[0] = 1 } } }",
            b, NULL, NULL, "data race on C[0]");
}

/* ---- barriers, outputs, limits --------------------------------------------------------------- */

static void
a_divergent_barrier_is_reported(void **state)
{
    (void)state;
    float c[8];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel device k(C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " for i in 0..8 on thread.x { C[i] = 0.0  if i < 6 { barrier shared } } }",
            b, NULL, NULL, "divergent barrier", "6 of 8 threads", "thread (6,0,0)",
            "barrier shared");
    REFUSED("kernel device k(C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " for i in 0..8 on thread.x { C[i] = 0.0 }"
            " for i in 0..4 on thread.x { barrier shared } }",
            b, NULL, NULL, "divergent barrier", "4 of 8 threads");
    REFUSED("kernel device k(C: out f32[8]) grid(1, 1, 1) block(8, 1, 1) {"
            " for i in 0..8 on thread.x { C[i] = 0.0  for j in 0..i + 1 { barrier shared } } }",
            b, NULL, NULL, "divergent barrier", "7 of 8 threads");
    interp_ok("kernel device k(C: out f32[8]; n: i32) grid(1, 1, 1) block(8, 1, 1) {"
              " for i in 0..8 on thread.x { C[i] = 0.0"
              "  if n > 2 { for j in 0..n { barrier shared } } } }",
              b, (const int64_t[]){ 3 }, NULL);
}

static void
an_output_element_never_written_is_reported(void **state)
{
    (void)state;
    float c[12];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel loops k(C: out f32[3, 4]) { for i in 0..3 parallel { for j in 0..4 parallel {"
            "  if i + j != 3 { C[i, j] = 0.0 } } } }",
            b, NULL, NULL, "kernel 'k'", "C[0, 3]", "never written");
    weft_interp_options off = { .no_checks = true };
    interp_ok("kernel loops k(C: out f32[3, 4]) { for i in 0..3 parallel { for j in 0..4 parallel {"
              "  if i + j != 3 { C[i, j] = 0.0 } } } }",
              b, NULL, &off);
}

static void
bounds_are_checked_without_checks(void **state)
{
    (void)state;
    float c[8];
    weft_interp_options off = { .no_checks = true };
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out f32[8]) { for i in 0..9 on thread.x { C[i] = 0.0 } }", b, NULL,
            &off, "write of C[8]");
}

static void
an_endless_loop_ends_at_the_limit(void **state)
{
    (void)state;
    int32_t c[1] = { 1 };
    weft_interp_options most = { .max_steps = 1000 };
    weft_interp_buffer b[] = { { c, 1, true, false } };
    interp_case t =
        interp_open("kernel flat k(C: inout i32[1]) { while C[0] > 0 { C[0] = 1 } }", &most);
    assert_int_equal(interp_go(&t, b, NULL), WEFT_LIMIT);
    assert_non_null(strstr(weft_diag_text(t.diag), "1000 statements"));
    interp_close(&t);
}

/* ---- matrices -------------------------------------------------------------------------------- */

/* Sixteen by sixteen numbers, loaded and stored by one subgroup of `threads` threads. */
#define MATRICES(threads, body)                                                                    \
    "kernel flat k(A: f32[256], C: out f32[256]) {"                                                \
    "  alloc t: shared f32[256]"                                                                   \
    "  for x in 0.." #threads " on thread.x {"                                                     \
    "    alloc s: fragment f32[1] matrix wmma_16x16x16_f16_f32 sum " body " } }"

static void
a_matrix_goes_through_a_subgroup_whole(void **state)
{
    (void)state;
    float a[256], c[256];
    for (int i = 0; i < 256; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(MATRICES(32, "matrix s[0] = load(A[0], 16) matrix C[0] = store(s[0], 16)"), b, NULL,
              NULL);
    assert_memory_equal(c, a, sizeof c);
}

static void
a_matrix_statement_needs_whole_subgroups(void **state)
{
    (void)state;
    float a[256] = { 0 }, c[256];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(MATRICES(48, "matrix s[0] = load(A[0], 16) matrix C[0] = store(s[0], 16)"), b, NULL,
            NULL, "block of 48 threads", "whole subgroups of 32");
}

static void
a_matrix_statement_that_some_lanes_miss_is_reported(void **state)
{
    (void)state;
    float a[256] = { 0 }, c[256];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(MATRICES(32, "if x < 20 { matrix s[0] = load(A[0], 16) }"), b, NULL, NULL,
            "divergent matrix statement", "20 of the 32 threads");
}

static void
a_shuffle_that_some_lanes_miss_is_reported(void **state)
{
    (void)state;
    int32_t c[48];
    weft_interp_buffer b[] = { OUT(c) };
    REFUSED("kernel flat k(C: out i32[48]) subgroup 32 { for t in 0..48 on thread.x {"
            " C[t] = t  if t < 40 { C[t] = shfl_xor(t, 1) } } }",
            b, NULL, NULL, "divergent shuffle", "8 of the 16 threads");
    interp_ok("kernel flat k(C: out i32[48]) subgroup 32 { for t in 0..48 on thread.x {"
              " C[t] = t  if t < 32 { C[t] = shfl_xor(t, 1) } } }",
              b, NULL, NULL);
}

static void
lanes_that_give_other_places_are_reported(void **state)
{
    (void)state;
    float a[256] = { 0 }, c[256];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(MATRICES(32, "matrix s[0] = load(A[x // 31], 15)"), b, NULL, NULL,
            "different places of A", "thread (31,0,0)");
    REFUSED(MATRICES(32, "matrix s[0] = load(A[0], 15 + x // 31)"), b, NULL, NULL,
            "different strides of A");
}

static void
a_matrix_beyond_its_memory_is_reported(void **state)
{
    (void)state;
    float a[256] = { 0 }, c[256];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(MATRICES(32, "matrix s[0] = load(A[0], 17)"), b, NULL, NULL,
            "read of 'A' at element 25", "row 15", "256 elements");
}

static void
a_matrix_that_was_never_filled_is_reported(void **state)
{
    (void)state;
    float a[256] = { 0 }, c[256];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(MATRICES(32, "matrix C[0] = store(s[0], 16)"), b, NULL, NULL, "uninitialised", "s");
    REFUSED(MATRICES(32, "matrix s[0] = load(t[0], 16)"), b, NULL, NULL, "uninitialised", "t");
}

static void
a_matrix_meets_other_threads_in_shared_memory_by_barriers(void **state)
{
    (void)state;
    float a[256], c[256];
    for (int i = 0; i < 256; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    static const char copy[] = "kernel flat k(A: f32[256], C: out f32[256]) {"
                               "  alloc t: shared f32[256]"
                               "  for x in 0..32 on thread.x {"
                               "    for i in 0..8 { t[i * 32 + x] = A[i * 32 + x] } barrier shared"
                               "    alloc s: fragment f32[1] matrix wmma_16x16x16_f16_f32 sum"
                               "    matrix s[0] = load(t[0], 16) matrix C[0] = store(s[0], 16) } }";
    interp_ok(copy, b, NULL, NULL);
    assert_memory_equal(c, a, sizeof c);
    /* Lane l reads what it wrote itself: only another subgroup's elements race. */
    static const char other[] = "kernel device k(A: f32[256], C: out f32[256])"
                                "  grid(1, 1, 1) block(32, 2, 1) {"
                                "  alloc t: shared f32[256]"
                                "  for y in 0..2 on thread.y { for x in 0..32 on thread.x {"
                                "    for i in 0..4 { let e: i32 = y * 128 + i * 32 + x"
                                "      t[e] = A[e] }"
                                "    alloc s: fragment f32[1] matrix wmma_16x16x16_f16_f32 sum"
                                "    matrix s[0] = load(t[0], 16)"
                                "    if y == 0 { matrix C[0] = store(s[0], 16) } } } }";
    REFUSED(other, b, NULL, NULL, "data race on t");
}

/* ---- asynchronous stores --------------------------------------------------------------------- */

/* Two groups of copies, to t[x] and to t[4 + x]; then `body`. */
#define COPIES(body)                                                                               \
    "kernel device k(A: f32[8], C: out f32[4]) grid(1, 1, 1) block(4, 1, 1) {"                     \
    "  alloc t: shared f32[8] for x in 0..4 on thread.x {"                                         \
    "    async t[x] = A[x] async commit"                                                           \
    "    async t[4 + x] = guard(x < 2, A[4 + x], 0.0) async commit " body " } }"

static void
asynchronous_stores_arrive_at_the_wait_for_their_group(void **state)
{
    (void)state;
    float a[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, c[4], first[] = { 1, 2, 3, 4 }, all[] = { 6, 8, 3, 4 };
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(COPIES("async wait 1 C[x] = t[x]"), b, NULL, NULL);
    assert_memory_equal(c, first, sizeof c);
    interp_ok(COPIES("async wait 0 C[x] = t[x] + t[4 + x]"), b, NULL, NULL);
    assert_memory_equal(c, all, sizeof c);
}

static void
what_has_not_arrived_cannot_be_read(void **state)
{
    (void)state;
    float a[8] = { 0 }, c[4];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(COPIES("C[x] = t[x]"), b, NULL, NULL, "uninitialised memory t[0]");
    REFUSED(COPIES("async wait 1 C[x] = t[4 + x]"), b, NULL, NULL, "uninitialised memory t[4]");
    REFUSED(COPIES("async wait 0 C[x] = t[3 - x]"), b, NULL, NULL, "data race on t");
}

/* ---- an overlay ------------------------------------------------------------------------------ */

/* Halves of A in h, 16 bytes in front of the floats f; then `body`. */
#define OVERLAY(body)                                                                              \
    "kernel device k(A: f32[16], C: out f32[16]) grid(1, 1, 1) block(16, 1, 1) {"                  \
    "  alloc h: shared f16[16] bytes 0..32 alloc f: shared f32[16] bytes 16..80"                   \
    "  for x in 0..16 on thread.x { h[x] = f16(A[x]) barrier shared " body " } }"

static void
buffers_in_one_overlay_hold_what_was_stored_to_each(void **state)
{
    (void)state;
    float a[16], c[16];
    for (int i = 0; i < 16; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    weft_interp_options wide = { .widen = true }, loose = { .no_checks = true };
    const weft_interp_options *options[] = { NULL, &wide, &loose };
    for (int i = 0; i < 3; i++) {
        interp_ok(OVERLAY("let y: f32 = f32(h[15 - x]) barrier shared f[x] = y * 3.0"
                          " barrier shared C[x] = f[15 - x]"),
                  b, NULL, options[i]);
        assert_true(c[1] == 3 && c[15] == 45);
    }
}

static void
what_was_stored_over_cannot_be_read(void **state)
{
    (void)state;
    float a[16] = { 0 }, c[16];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(OVERLAY("f[x] = A[x] barrier shared C[x] = f32(h[x])"), b, NULL, NULL,
            "uninitialised memory h[8]", "where 'f' was stored", "thread (8,0,0)");
    interp_ok(OVERLAY("f[x] = A[x] barrier shared C[x] = f32(h[x % 8])"), b, NULL, NULL);
    REFUSED(OVERLAY("if x >= 4 { f[x] = A[x] } barrier shared C[x] = f[x]"), b, NULL, NULL,
            "uninitialised memory f[0]", "where 'h' was stored");
    REFUSED(OVERLAY("f[x] = A[x] barrier shared h[x] = 1.0f16 barrier shared C[x] = f[x]"), b, NULL,
            NULL, "uninitialised memory f[0]", "where 'h' was stored", "thread (0,0,0)");
}

static void
threads_that_meet_by_bytes_of_two_buffers_race(void **state)
{
    (void)state;
    float a[16] = { 0 }, c[16];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(OVERLAY("C[x] = f32(h[15 - x]) f[x] = A[x]"), b, NULL, NULL, "data race on f[",
            "read by", "written by");
    REFUSED(OVERLAY("f[x] = A[x] C[x] = f32(h[x])"), b, NULL, NULL, "data race on h[", "written by",
            "read by");
    interp_ok(OVERLAY("C[x] = f32(h[15 - x]) if x >= 4 { f[x] = A[x] }"), b, NULL, NULL);
}

static void
the_same_bits_stored_by_two_buffers_race(void **state)
{
    (void)state;
    float a[16] = { 0 }, c[16];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED(OVERLAY("h[x] = 0.0f16 f[x] = 0.0 C[x] = 0.0"), b, NULL, NULL, "data race on f[",
            "written by");
}

static void
an_overlay_holds_nothing_when_the_next_block_begins(void **state)
{
    (void)state;
    float a[2] = { 1, 2 }, c[2];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    REFUSED("kernel device k(A: f32[2], C: out f32[2]) grid(2, 1, 1) block(1, 1, 1) {"
            "  for y in 0..2 on block.x { alloc f: shared f32[4] bytes 0..16 "
            "    if y == 0 { f[0] = A[0] } C[y] = f[0] } }",
            b, NULL, NULL, "uninitialised memory f[0]", "block (1,0,0)");
}

static void
copies_on_their_way_arrive_in_an_overlay(void **state)
{
    (void)state;
    float a[16], c[16];
    for (int i = 0; i < 16; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(OVERLAY("async f[x] = A[x] async commit async wait 0 C[x] = f[x]"), b, NULL, NULL);
    assert_memory_equal(c, a, sizeof c);
    REFUSED(OVERLAY("async f[x] = A[x] async commit C[x] = f[x] async wait 0"), b, NULL, NULL,
            "uninitialised memory f[0]");
    REFUSED(OVERLAY("async f[x] = A[x] async commit barrier shared h[x] = 1.0f16 barrier shared"
                    " async wait 0 barrier shared C[x] = f32(h[x])"),
            b, NULL, NULL, "uninitialised memory h[8]", "where 'f' was stored");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_beyond_a_dimension_is_reported),
        cmocka_unit_test(buffers_in_one_overlay_hold_what_was_stored_to_each),
        cmocka_unit_test(what_was_stored_over_cannot_be_read),
        cmocka_unit_test(threads_that_meet_by_bytes_of_two_buffers_race),
        cmocka_unit_test(the_same_bits_stored_by_two_buffers_race),
        cmocka_unit_test(an_overlay_holds_nothing_when_the_next_block_begins),
        cmocka_unit_test(copies_on_their_way_arrive_in_an_overlay),
        cmocka_unit_test(an_index_below_zero_is_reported),
        cmocka_unit_test(an_access_beyond_the_argument_is_reported),
        cmocka_unit_test(a_guarded_access_is_not_evaluated),
        cmocka_unit_test(an_index_out_of_a_local_array_is_reported),
        cmocka_unit_test(a_read_of_local_memory_before_a_write_is_reported),
        cmocka_unit_test(memory_allocated_again_is_uninitialised_again),
        cmocka_unit_test(a_read_of_shared_memory_before_a_write_is_reported),
        cmocka_unit_test(a_read_of_an_uninitialised_argument_is_reported),
        cmocka_unit_test(a_missing_barrier_on_shared_memory_is_reported),
        cmocka_unit_test(a_barrier_is_needed_before_a_tile_is_filled_again),
        cmocka_unit_test(the_barrier_of_another_space_does_not_help),
        cmocka_unit_test(threads_that_write_different_values_to_an_element_race),
        cmocka_unit_test(threads_that_write_the_same_bits_do_not_race),
        cmocka_unit_test(blocks_that_meet_in_global_memory_race),
        cmocka_unit_test(iterations_of_a_parallel_loop_that_meet_race),
        cmocka_unit_test(iterations_of_a_loop_inside_a_lane_that_meet_race),
        cmocka_unit_test(shared_memory_without_barriers_yet_is_in_statement_order),
        cmocka_unit_test(atomics_do_not_race_with_each_other),
        cmocka_unit_test(a_divergent_barrier_is_reported),
        cmocka_unit_test(an_output_element_never_written_is_reported),
        cmocka_unit_test(bounds_are_checked_without_checks),
        cmocka_unit_test(an_endless_loop_ends_at_the_limit),
        cmocka_unit_test(a_matrix_goes_through_a_subgroup_whole),
        cmocka_unit_test(a_matrix_statement_needs_whole_subgroups),
        cmocka_unit_test(a_matrix_statement_that_some_lanes_miss_is_reported),
        cmocka_unit_test(a_shuffle_that_some_lanes_miss_is_reported),
        cmocka_unit_test(lanes_that_give_other_places_are_reported),
        cmocka_unit_test(a_matrix_beyond_its_memory_is_reported),
        cmocka_unit_test(a_matrix_that_was_never_filled_is_reported),
        cmocka_unit_test(a_matrix_meets_other_threads_in_shared_memory_by_barriers),
        cmocka_unit_test(asynchronous_stores_arrive_at_the_wait_for_their_group),
        cmocka_unit_test(what_has_not_arrived_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
