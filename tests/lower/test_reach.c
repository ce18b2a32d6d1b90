/* test_reach.c: what a kernel counts to in i32, and its loops' iterations, as a launch holds them against
 * limits. */
#include "support.h"

#include <string.h>

typedef struct row {
    const char *what, *head, *body;
    const char *most, *iterations; /* the largest that i32 has to hold, 0 where all surely do */
} row;

static const row rows[] = {
    { "an index of one size", "C: out f32[m]; m: i32", "for i in 0..m { C[i] = 1.0 }", "0", "m" },
    { "an index of two sizes", "C: out f32[m * n]; m: i32, n: i32",
      "for i in 0..m { for j in 0..n { C[i * n + j] = 1.0 } }", "m * n - 1", "m * (n + 1)" },
    { "sizes of i64", "C: out f32[i64(m) * i64(n)]; m: i32, n: i32",
      "for i in 0..m { for j in 0..n { C[i64(i) * i64(n) + i64(j)] = 1.0 } }", "0", "m * (n + 1)" },
    { "an extent", "C: out f32[1]; m: i32, n: i32", "for i in 0..m * n { C[0] = 1.0 }", "m * n",
      "m * n" },
    { "a product within 64 bits", "C: out f32[1]; m: i64, n: i64", "for i in 0..m * n { C[0] = 1.0 }",
      "0", "m * n" },
    { "blocks of threads, which are no iterations", "C: out f32[m * n]; m: i32, n: i32",
      "for b in 0..(m * n + 63) // 64 on block.x { for t in 0..64 on thread.x { if b * 64 + t < m * n "
      "{ C[b * 64 + t] = 1.0 } } }",
      "m * n + 63", "0" },
    { "a fused index that is taken apart", "C: out f32[m * n]; m: i32, n: i32",
      "for f in 0..m * n on block.x { C[f // n * n + f % n] = 1.0 }", "m * n", "0" },
    { "what a condition leaves of a constant", "C: out f32[m * 1000000]; m: i32",
      "for i in 0..4096 { if i < m { C[i * 1000000] = 1.0 } }", "min(m - 1, 4095) * 1000000", "4096" },
    { "what it leaves of a sum's parts", "C: out f32[m * n]; m: i32, n: i32",
      "for o in 0..(m + 15) // 16 { for i in 0..16 { if o * 16 + i < m { C[o * (n * 16) + i * n] = 1.0 "
      "} } }",
      "max(m + 15, max(n * 16, n * min(m - 1, 15) + m * n - n))", "(m + 15) // 16 * 17" },
    { "the arm that a guard chooses", "A: f32[m], C: out f32[1]; m: i32, n: i32",
      "for i in 0..n { C[0] = guard(i * n < m, A[i * n], 0.0) }", "n * (n - 1)", "n" },
    { "a place that is loaded", "A: f32[m * n], I: i32[1], C: out f32[1]; m: i32, n: i32",
      "C[0] = A[I[0] * n]", "m * n", "0" },
    { "bytes that are loaded", "A: f32[256 * n], I: u8[1], C: out f32[1]; n: i32",
      "C[0] = A[i32(I[0]) * n]", "n * 255", "0" },
    { "arithmetic that wraps", "A: i32[1], C: out i32[1]; n: i32", "C[0] = (A[0] ^ n) * n * n", "0", "0" },
    { "values below 0", "C: out i32[1]; m: i32, n: i32", "C[0] = 0 - m * n", "m * n", "0" },
    { "the larger branch", "C: out f32[1]; m: i32, n: i32",
      "if m < 4 { for i in 0..n { C[0] = 1.0 } } else { for i in 0..n { for j in 0..m { C[0] = 1.0 } } "
      "for k in 0..7 { C[0] = 1.0 } }",
      "0", "max(n * (m + 1) + 7, n)" },
    { "a loop that grows with another", "C: out f32[1]; n: i32",
      "for i in 0..n { for j in 0..i { C[0] = 1.0 } }", "0", "n * n" },
    { "a loop of none", "C: out f32[n * 0]; n: i32", "for i in 0..0 { C[i + n * n] = 1.0 }", "0", "0" },
    { "a loop that may be of none", "C: out f32[1]; n: i32", "for i in 0..n - 9 { C[0] = 1.0 }", "0",
      "max(n - 9, 0)" },
};

/* The expression without the types of its numbers. */
static void
add_text(weft_str *to, const weft_expr *e)
{
    weft_str text = { 0 };
    weft_print_expr(&text, e);
    for (const char *at = weft_str_text(&text), *next; *at; at = next) {
        next = strstr(at, "i64");
        size_t n = next ? (size_t)(next - at) : strlen(at);
        weft_str_addn(to, at, n);
        next = next ? next + 3 : at + n;
    }
    weft_str_free(&text);
}

/* Whether both texts have the same value at several sizes. */
static bool
same(const char *a, const char *b)
{
    static const int64_t sizes[][2] = { { 1, 1 }, { 5, 7 }, { 4096, 3 }, { 17, 100000 } };
    static const char *const names[] = { "m", "n" };
    weft_arena arena = { 0 };
    const weft_iexpr *e[2] = { weft_iexpr_parse(&arena, NULL, a, 2, names),
                               weft_iexpr_parse(&arena, NULL, b, 2, names) };
    bool good = e[0] && e[1];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && good; i++) {
        int64_t v[2];
        good = !weft_iexpr_eval(e[0], sizes[i], NULL, &v[0]) &&
               !weft_iexpr_eval(e[1], sizes[i], NULL, &v[1]) && v[0] == v[1];
    }
    weft_arena_reset(&arena);
    return good;
}

static void
check_row(const row *r)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_str text = { 0 }, most = { 0 }, iterations = { 0 };
    weft_kernel *const *kernel;
    int n = 0;
    weft_str_addf(&text, "kernel flat k(%s) {\n%s\n}\n", r->head, r->body);
    if (weft_parse_kernels(ir, r->what, weft_str_text(&text), &n, &kernel) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    weft_reach reach = weft_kernel_reach(kernel[0]);
    add_text(&iterations, reach.iterations);
    for (int i = 0; i < reach.n; i++) {
        weft_str_add(&most, "max(");
        add_text(&most, reach.most[i]);
        weft_str_add(&most, ", ");
    }
    weft_str_add(&most, "0");
    for (int i = 0; i < reach.n; i++)
        weft_str_add(&most, ")");
    bool good = same(weft_str_text(&most), r->most) &&
                same(weft_str_text(&iterations), r->iterations);
    if (!good)
        fail_msg("%s: %s; %s iterations", r->what, weft_str_text(&most), weft_str_text(&iterations));
    weft_str_free(&text);
    weft_str_free(&most);
    weft_str_free(&iterations);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

static void
what_a_kernel_counts_to_is_told_over_its_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_kernel_counts_to_is_told_over_its_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
