/* What the simplifier makes of expressions, as text. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* A table of tests shares one context, its variables and what is known of them:
 *   0 <= i < 16   0 <= j < 4   0 <= o < 100   0 <= r < n   0 <= s < m   1 <= n, m
 *   x, y, z: anything; p, q: bool; l: i64; u: u8; f, g: f32; buffers A (i32), U (u8), F (f32) */
typedef struct bench {
    weft_ir *ir;
    weft_diag *diag;
    weft_facts *facts;
    const weft_var *var[32];
    const weft_buf *buf[3];
    int n;
    int failed;
} bench;

static const weft_var *
add_var(bench *b, const char *name, weft_dtype t)
{
    return b->var[b->n++] = weft_var_make(b->ir, name, weft_scalar(t));
}

static void
add_loop(bench *b, const char *name, const weft_expr *extent)
{
    weft_facts_extent(b->facts, add_var(b, name, WEFT_I32), extent);
}

static bench
setup(void)
{
    bench b = { .diag = weft_diag_create() };
    b.ir = weft_ir_create(b.diag);
    b.facts = weft_facts_create(b.ir);
    const weft_var *n = add_var(&b, "n", WEFT_I32), *m = add_var(&b, "m", WEFT_I32);
    weft_facts_range(b.facts, n, weft_i32(b.ir, 1), NULL);
    weft_facts_range(b.facts, m, weft_i32(b.ir, 1), NULL);
    add_loop(&b, "o", weft_i32(b.ir, 100));
    add_loop(&b, "i", weft_i32(b.ir, 16));
    add_loop(&b, "j", weft_i32(b.ir, 4));
    add_loop(&b, "r", weft_ref(b.ir, n));
    add_loop(&b, "s", weft_ref(b.ir, m));
    const char *const ints[] = { "x", "y", "z" };
    for (int k = 0; k < 3; k++)
        add_var(&b, ints[k], WEFT_I32);
    add_var(&b, "p", WEFT_BOOL);
    add_var(&b, "q", WEFT_BOOL);
    add_var(&b, "l", WEFT_I64);
    add_var(&b, "u", WEFT_U8);
    add_var(&b, "f", WEFT_F32);
    add_var(&b, "g", WEFT_F32);
    const weft_expr *shape = weft_i32(b.ir, 1000);
    b.buf[0] = weft_buf_make(b.ir, "A", WEFT_I32, WEFT_GLOBAL, 1, &shape);
    b.buf[1] = weft_buf_make(b.ir, "U", WEFT_U8, WEFT_GLOBAL, 1, &shape);
    b.buf[2] = weft_buf_make(b.ir, "F", WEFT_F32, WEFT_GLOBAL, 1, &shape);
    return b;
}

static void
teardown(bench *b)
{
    int failed = b->failed;
    weft_facts_destroy(b->facts);
    weft_ir_destroy(b->ir);
    weft_diag_destroy(b->diag);
    assert_int_equal(failed, 0);
}

static const weft_expr *
read_expr(bench *b, const char *text)
{
    const weft_expr *e = weft_parse_expr(b->ir, "test", text, b->n, b->var, 3, b->buf);
    if (!e)
        print_error("%s\n%s", text, weft_diag_text(b->diag));
    assert_non_null(e);
    return e;
}

static char *
text_of(const weft_expr *e)
{
    weft_str s = { 0 };
    weft_print_expr(&s, e);
    return weft_str_take(&s);
}

static void
check(bench *b, const char *from, const char *want)
{
    const weft_expr *e = weft_simplify_expr(b->ir, b->facts, read_expr(b, from));
    char *got = text_of(e);
    if (strcmp(got, want) != 0) {
        print_error("%s\n  became   %s\n  expected %s\n", from, got, want);
        b->failed++;
    }
    if (weft_simplify_expr(b->ir, NULL, e) && weft_simplify_expr(b->ir, b->facts, e) != e) {
        print_error("%s\n  is simplified further the second time\n", got);
        b->failed++;
    }
    free(got);
}

#define CHECK(from, want) check(&b, from, want)

static void
a_split_index_comes_apart_again(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("x*1 + 0", "x");
    CHECK("(o*16 + i)//16", "o");
    CHECK("(o*16 + i)%16", "i");
    CHECK("(o*32 + i*4 + j)//4", "o * 8 + i");
    CHECK("(o*32 + i*2 + j//2)//64", "o // 2");
    CHECK("(o*32 + i*4 + j)//64", "(o * 8 + i) // 16");
    CHECK("(o*64 + i*4 + j)%64", "i * 4 + j");
    CHECK("(o*64 + i*4 + j)%128", "o % 2 * 64 + i * 4 + j");
    CHECK("(x//4)*4 + x%4", "x");
    CHECK("x - x//4*4", "x % 4");
    CHECK("(x + y) - 4*((x + y)//4)", "(x + y) % 4");
    CHECK("x//16*16 + x%4 + x//4%4*4", "x");
    CHECK("(x//16*4 + x%16//4)*4 + x%4", "x");
    CHECK("(o*16 + i)//12*12 + (o*16 + i)%12", "o * 16 + i");
    CHECK("x < 196 && x//14 < 13", "x // 14 < 13");
    CHECK("x >= 20 && x//14 >= 2", "x // 14 >= 2");
    CHECK("x < 180 && x//14 < 13", "x < 180");
    CHECK("o*4 + j < 18 && (o*32 + j*8 + i%8)//12 < 11", "(o * 32 + j * 8 + i % 8) // 12 < 11");
    CHECK("o*4 + j < 15 && (o*32 + j*8 + i%8)//12 < 11", "o * 4 + j < 15");
    CHECK("(x%36)//3*3 + x%3", "x % 36");
    CHECK("(x%9*4 + i)//3*3 + (x*4 + i)%3", "x % 9 * 4 + i");
    CHECK("(x%8*4 + i)//3*3 + (x*4 + i)%3", "(x % 8 * 4 + i) // 3 * 3 + (x * 4 + i) % 3");
    CHECK("(x//3)//4", "x // 12");
    CHECK("(x%12)%4", "x % 4");
    CHECK("(x%12)//4", "x // 4 % 3");
    CHECK("(x//4 + y)//2", "(y * 4 + x) // 8");
    CHECK("(x + 5)//4", "(x + 1) // 4 + 1");
    CHECK("(n + 15)//16", "(n + 15) // 16");
    CHECK("(n - 1)//16 + 1", "(n + 15) // 16");
    CHECK("(x*4 + 1)//8", "x // 2");
    CHECK("(x*4 + 1)%8", "x % 2 * 4 + 1");
    CHECK("x // -4", "-x // 4");
    CHECK("A[x] // (-2147483647 - 1)", "A[x] // -2147483648");
    CHECK("x // 0", "0");
    CHECK("x % 0", "0");
    CHECK("x // 1", "x");
    CHECK("i // 16", "0");
    CHECK("(i - 16)//16", "-1");
    CHECK("(r*8 + i//2)//8", "r");
    teardown(&b);
}

static void
sums_have_one_form(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("y + x + y", "y * 2 + x");
    CHECK("x - x", "0");
    CHECK("i + o*16 + 3 - 1", "o * 16 + i + 2");
    CHECK("(o*4 + i)*4 + j", "o * 16 + i * 4 + j");
    CHECK("3 - x", "3 - x");
    CHECK("-i - j", "-i - j");
    CHECK("x*n + x*n", "n * x * 2");
    CHECK("(r + 1)*n - r*n", "n");
    CHECK("x*4 - y*8 - 5", "x * 4 - y * 8 - 5");
    CHECK("A[x] + A[x]", "A[x] * 2");
    CHECK("A[x] - A[x]", "0");
    CHECK("u + u", "u * 2u8");
    teardown(&b);
}

static void
bounds_decide(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("o*16 + i < 1600", "true");
    CHECK("o*16 + i < 64", "o < 4");
    CHECK("o*16 + i < 1000", "o * 16 + i < 1000");
    CHECK("o*16 + i >= 64", "o >= 4");
    CHECK("o*16 + i == 1600", "false");
    CHECK("min(i, 20)", "i");
    CHECK("max(i, -1)", "i");
    CHECK("min(i + 3, i + 5)", "i + 3");
    CHECK("min(min(x, 4), 8)", "min(x, 4)");
    CHECK("min(max(x, 9), 8)", "8");
    CHECK("x < x + 1", "true");
    CHECK("A[x] < A[x] + 1", "A[x] < A[x] + 1");
    CHECK("i32(U[x]) + 3 < 259", "true");
    CHECK("(i32(U[x])*4 + j)//4", "i32(U[x])");
    CHECK("i < 16 && p", "p");
    CHECK("x + 3 < y + 5", "x < y + 2");
    CHECK("x >= 1", "x >= 1");
    CHECK("x > 0", "x >= 1");
    CHECK("x + 1 <= y", "x < y");
    CHECK("!(x < y)", "y <= x");
    CHECK("x*2 == 7", "false");
    CHECK("x*2 == y*2", "x == y");
    CHECK("x*4 + 2 == y*6", "x * 2 + 1 == y * 3");
    CHECK("select(i < 20, x, y)", "x");
    CHECK("guard(i < 20, F[i], 0.0)", "F[i]");
    CHECK("guard(i < 10, F[min(i, 12)], 0.0)", "guard(i < 10, F[i], 0.0)");
    CHECK("select(i < 10, F[min(i, 12)], 0.0)", "select(i < 10, F[min(i, 12)], 0.0)");
    teardown(&b);
}

static void
symbols_are_proven(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("r < n", "true");
    CHECK("r + 1 <= n", "true");
    CHECK("s*n + r < m*n", "true");
    CHECK("n*m - s*n - r > 0", "true");
    CHECK("(s*n + r)//n", "s");
    CHECK("(s*n + r)%n", "r");
    CHECK("r // n", "0");
    CHECK("s*n // n", "s");
    CHECK("min(r, n)", "r");
    CHECK("n >= 1", "true");
    CHECK("n // 16 * 16 <= n", "true");
    CHECK("i64(s)*i64(n) + i64(r) < i64(m)*i64(n)", "true");
    CHECK("i64(r + 1) <= i64(n)", "true");
    CHECK("x//n*n + x%n", "x");
    CHECK("x//n*n*8 + x%n*8 + 1", "x * 8 + 1");
    CHECK("x//n//m*m*n + x//n%m*n + x%n", "x");
    CHECK("l//i64(n)*i64(n) + l%i64(n)", "l");
    CHECK("r < m", "r < m");
    teardown(&b);
}

static void
conditions_are_facts_for_what_they_guard(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("x < 4 && x < 8", "x < 4");
    CHECK("x < 8 && x < 4", "x < 4");
    CHECK("x < 4 && x >= 4", "false");
    CHECK("x < 4 || x >= 4", "true");
    CHECK("x < 8 || x < 4", "x < 8");
    CHECK("p && !p", "false");
    CHECK("p && (p || q)", "p");
    CHECK("select(p, select(p, x, y), z)", "select(p, x, z)");
    CHECK("guard(x < 4, guard(x < 8, A[x], 1), 2)", "guard(x < 4, A[x], 2)");
    CHECK("select(x >= 0 && x < 16, x//16, 3)", "select(x >= 0 && x < 16, 0, 3)");
    CHECK("x == 3 && y == x", "x == 3 && y == 3");
    CHECK("!(p && x < 4)", "!p || x >= 4");
    teardown(&b);
}

/* Remainders of sums, and what holds at each of at most 32 points. */
static void
few_values_are_tried(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("(o*71 + i%4) % 230 < 3", "(o * 71 + i % 4) % 230 < 3");
    CHECK("(j*71 + i) % 230 < 229", "true");
    CHECK("(j*1024 + i + 708)//57 % 57 >= 9", "true");
    CHECK("(j*1024 + i + 708)//57 % 57 >= 10", "((j * 1024 + i + 24) // 57 + 12) % 57 >= 10");
    CHECK("j*1024//57 % 57 < 54", "true");
    CHECK("j*5 % 4 >= 1", "j >= 1");
    CHECK("(j + 3) % 4 != 0", "j != 1");
    CHECK("(1 - j) % 2 == 0 && j < 3", "j == 1");
    CHECK("(1 - j) % 2 == 0", "(1 - j) % 2 == 0");
    CHECK("guard(i < 2 && j < 3 && (j*421 + i + 419)//29 % 29 >= 1 &&"
          " (j*421 + i + 419)//29 % 29 < 28 && (j*421 + i + 419)%29 >= 1 &&"
          " (j*421 + i + 419)%29 < 28, A[(j*421 + i + 419)//29 % 29], 0)",
          "guard(i < 2 && j < 3 && ((j * 421 + i + 13) // 29 + 14) % 29 >= 1 &&"
          " ((j * 421 + i + 13) // 29 + 14) % 29 < 28, A[14], 0)");
    teardown(&b);
}

static void
floats_stay_exact(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("f*1.0", "f");
    CHECK("f + 0.0", "f + 0.0");
    CHECK("f + -0.0", "f");
    CHECK("f - 0.0", "f");
    CHECK("f*0.0", "f * 0.0");
    CHECK("f - f", "f - f");
    CHECK("(f + g) - g", "f + g - g");
    CHECK("f / 4.0", "f * 0.25");
    CHECK("f / 0.0", "select(0.0 < f, inf, select(f < 0.0, -inf, nan))");
    CHECK("f / -0.0", "select(0.0 < f, -inf, select(f < 0.0, inf, nan))");
    CHECK("f / 3.0", "f / 3.0");
    CHECK("f + -g", "f - g");
    CHECK("-(-f)", "f");
    CHECK("0.1 + 0.2", "0.3");
    CHECK("f < f", "false");
    CHECK("f == f", "f == f");
    CHECK("!(f < g)", "!(f < g)");
    CHECK("max(f, f)", "f");
    CHECK("pow(f, 2.0)", "f * f");
    CHECK("sqrt(4.0)", "2.0");
    CHECK("1.0/0.0", "inf");
    teardown(&b);
}

static void
casts_fold(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("i64(3)", "3i64");
    CHECK("i32(i64(x))", "x");
    CHECK("i64(i32(u8(x)))", "i64(u8(x))");
    CHECK("f16(f32(u))", "f16(u)");
    CHECK("i32(f32(u))", "i32(u)");
    CHECK("i32(3.7)", "3");
    CHECK("f32(f64(f))", "f");
    CHECK("f64(f16(f))", "f64(f16(f))");
    CHECK("bool(x)", "x != 0");
    CHECK("i64(i) < 20i64", "true");
    CHECK("i64(x) < i64(y)", "x < y");
    CHECK("i64(x) + 1i64 <= i64(y)", "x < y");
    CHECK("i32(p) == 1", "p");
    CHECK("i32(p) < 1", "!p");
    CHECK("i32(U[x]) == 300", "false");
    CHECK("i64(i32(l // 4i64))", "l // 4i64");
    teardown(&b);
}

static void
vectors_are_ramps_and_broadcasts(void **state)
{
    (void)state;
    bench b = setup();
    CHECK("ramp(x, 1, 4) + bcast(y, 4)", "ramp(x + y, 1, 4)");
    CHECK("ramp(x, 1, 4) * bcast(y, 4)", "ramp(x * y, y, 4)");
    CHECK("ramp(o*4, 1, 4) // bcast(4, 4)", "bcast(o, 4)");
    CHECK("ramp(o*4, 1, 4) % bcast(4, 4)", "ramp(0, 1, 4)");
    CHECK("ramp(x, 1, 4) // bcast(4, 4)", "ramp(x, 1, 4) // bcast(4, 4)");
    CHECK("ramp(o*4, 1, 4) // bcast(16, 4)", "bcast(o // 4, 4)");
    CHECK("ramp(o*4, 1, 4) % bcast(16, 4)", "ramp(o % 4 * 4, 1, 4)");
    CHECK("ramp(x, 16, 4) // bcast(8, 4)", "ramp(x // 8, 2, 4)");
    CHECK("bcast(x, 4) + bcast(y, 4)", "bcast(x + y, 4)");
    CHECK("ramp(o*4, 1, 4) < bcast(400, 4)", "bcast(true, 4)");
    CHECK("ramp(o*4, 1, 4) < bcast(n*4, 4)", "bcast(o < n, 4)");
    CHECK("ramp(o*4, 1, 4) <= bcast(n*4 - 1, 4)", "bcast(o < n, 4)");
    CHECK("ramp(o*4, 1, 4) <= bcast(n*4, 4)", "ramp(o * 4, 1, 4) <= bcast(n * 4, 4)");
    CHECK("ramp(o*4 + 2, 1, 4) >= bcast(n*4, 4)", "ramp(o * 4 + 2, 1, 4) >= bcast(n * 4, 4)");
    CHECK("lane(ramp(x, 2, 4), 3)", "x + 6");
    CHECK("lane(bcast(x, 4), 3)", "x");
    CHECK("F[bcast(x, 4)]", "bcast(F[x], 4)");
    CHECK("vec(x, x + 2, x + 4)", "ramp(x, 2, 3)");
    CHECK("vec(x, x, x)", "bcast(x, 3)");
    CHECK("ramp(x, 1, 4) - ramp(x, 1, 4)", "bcast(0, 4)");
    CHECK("bcast(f, 4) * bcast(1.0, 4)", "bcast(f, 4)");
    teardown(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_index_comes_apart_again),
        cmocka_unit_test(sums_have_one_form),
        cmocka_unit_test(bounds_decide),
        cmocka_unit_test(symbols_are_proven),
        cmocka_unit_test(conditions_are_facts_for_what_they_guard),
        cmocka_unit_test(few_values_are_tried),
        cmocka_unit_test(floats_stay_exact),
        cmocka_unit_test(casts_fold),
        cmocka_unit_test(vectors_are_ramps_and_broadcasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
