/* What the interpreter computes: every intrinsic and dtype against libm and C, vectors, lanes under
 * masks, and that order and workers change nothing. */
#include "support_interp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 700 }; /* more than one chunk of lanes */

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* ---- intrinsics ------------------------------------------------------------------------------ */

static double
rsqrt_of(double a)
{
    return 1 / sqrt(a);
}
static double
isnan_of(double a)
{
    return isnan(a);
}
static double
isinf_of(double a)
{
    return isinf(a) != 0;
}

static const struct one {
    const char *name;
    double (*f)(double);
    double lo, hi;
} ones[] = {
    { "exp", exp, -20, 20 },      { "exp2", exp2, -20, 20 },       { "expm1", expm1, -1, 1 },
    { "log", log, 0.01, 50 },     { "log2", log2, 0.01, 50 },      { "log1p", log1p, -0.5, 5 },
    { "sqrt", sqrt, 0, 50 },      { "rsqrt", rsqrt_of, 0.1, 50 },  { "sin", sin, -9, 9 },
    { "cos", cos, -9, 9 },        { "tan", tan, -1.5, 1.5 },       { "asin", asin, -1, 1 },
    { "acos", acos, -1, 1 },      { "atan", atan, -9, 9 },         { "sinh", sinh, -9, 9 },
    { "cosh", cosh, -9, 9 },      { "tanh", tanh, -3, 3 },         { "asinh", asinh, -9, 9 },
    { "acosh", acosh, 1, 9 },     { "atanh", atanh, -0.99, 0.99 }, { "erf", erf, -3, 3 },
    { "floor", floor, -9, 9 },    { "ceil", ceil, -9, 9 },         { "trunc", trunc, -9, 9 },
    { "rint", rint, -9, 9 },      { "abs", fabs, -9, 9 },          { "isnan", isnan_of, -9, 9 },
    { "isinf", isinf_of, -9, 9 },
};

static const struct two {
    const char *name;
    double (*f)(double, double);
} twos[] = { { "pow", pow }, { "frem", fmod }, { "atan2", atan2 }, { "copysign", copysign } };

static void
one_intrinsic(const struct one *t)
{
    float a[MANY], c[MANY];
    double d[MANY], e[MANY];
    char text[300];
    const char *cast = strncmp(t->name, "is", 2) == 0 ? "f32" : "";
    for (int i = 0; i < MANY; i++) {
        d[i] = t->lo + (t->hi - t->lo) * i / (MANY - 1);
        a[i] = (float)d[i];
    }
    a[3] = (float)(d[3] = t->lo);
    if (*cast) {
        d[1] = d[2] = a[1] = a[2] = INFINITY;
        d[2] = a[2] = NAN;
    }
    snprintf(text, sizeof text,
             "kernel flat k(A: f32[700], C: out f32[700]) { for i in 0..700 parallel {"
             " C[i] = %s(%s(A[i])) } }",
             cast, t->name);
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(text, b, NULL, NULL);
    snprintf(text, sizeof text,
             "kernel flat k(A: f64[700], C: out f64[700]) { for i in 0..700 parallel {"
             " C[i] = %s(%s(A[i])) } }",
             *cast ? "f64" : "", t->name);
    weft_interp_buffer wide[] = { IN(d), OUT(e) };
    interp_ok(text, wide, NULL, NULL);
    for (int i = 0; i < MANY; i++) {
        if (c[i] != (float)t->f((double)a[i]) || e[i] != t->f(d[i]))
            print_message("%s(%g): %.9g, %.17g\n", t->name, d[i], (double)c[i], e[i]);
        assert_true(c[i] == (float)t->f((double)a[i]));
        assert_true(e[i] == t->f(d[i]));
    }
}

static void
intrinsics_of_one_argument_agree_with_libm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        one_intrinsic(&ones[i]);
}

static void
intrinsics_of_two_arguments_agree_with_libm(void **state)
{
    (void)state;
    float a[MANY], x[MANY], c[MANY];
    uint32_t seed = 1;
    for (int i = 0; i < MANY; i++) {
        a[i] = (float)(next_random(&seed) % 1000) / 100 - 3;
        x[i] = (float)(next_random(&seed) % 1000) / 200 - 2;
    }
    for (size_t t = 0; t < sizeof twos / sizeof *twos; t++) {
        char text[300];
        snprintf(text, sizeof text,
                 "kernel flat k(A: f32[700], B: f32[700], C: out f32[700]) {"
                 " for i in 0..700 parallel { C[i] = %s(A[i], B[i]) } }",
                 twos[t].name);
        weft_interp_buffer b[] = { IN(a), IN(x), OUT(c) };
        interp_ok(text, b, NULL, NULL);
        for (int i = 0; i < MANY; i++) {
            float want = (float)twos[t].f((double)a[i], (double)x[i]);
            assert_true(c[i] == want || (isnan(want) && isnan(c[i])));
        }
    }
}

static void
fma_rounds_once_and_a_product_and_sum_twice(void **state)
{
    (void)state;
    float a[3] = { 1 + 0x1p-12f, 3, -1 }, c[2];
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    a[2] = -(1 + 0x1p-11f);
    interp_ok("kernel flat k(A: f32[3], C: out f32[2]) {"
              " C[0] = fma(A[0], A[0], A[2])  C[1] = A[0] * A[0] + A[2] }",
              b, NULL, NULL);
    assert_true(c[0] == 0x1p-24f);
    assert_true(c[1] == 0);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void
division_rounds_down_and_by_zero_gives_zero(void **state)
{
    (void)state;
    int32_t a[9] = { 7, -7, 7, -7, 5, INT32_MIN, 6, -6, 0 },
            x[9] = { 2, 2, -2, -2, 0, -1, 3, 3, 5 };
    int32_t c[36];
    weft_interp_buffer b[] = { IN(a), IN(x), OUT(c) };
    interp_ok("kernel flat k(A: i32[9], B: i32[9], C: out i32[36]) { for i in 0..9 parallel {"
              " C[i] = A[i] // B[i]  C[9 + i] = A[i] % B[i]"
              " C[18 + i] = tdiv(A[i], B[i])  C[27 + i] = tmod(A[i], B[i]) } }",
              b, NULL, NULL);
    const int32_t want[36] = { 3, -4, -4, 3, 0, INT32_MIN, 2, -2, 0, 1, 1,  -1, -1, 0, 0, 0, 0, 0,
                               3, -3, -3, 3, 0, INT32_MIN, 2, -2, 0, 1, -1, 1,  -1, 0, 0, 0, 0, 0 };
    assert_memory_equal(c, want, sizeof want);
}

static void
integers_wrap_at_every_width(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int bits;
        bool is_signed;
    } types[] = { { "i8", 8, true },    { "i16", 16, true },  { "i32", 32, true },
                  { "i64", 64, true },  { "u8", 8, false },   { "u16", 16, false },
                  { "u32", 32, false }, { "u64", 64, false }, { "i4", 4, true },
                  { "u4", 4, false },   { "i2", 2, true },    { "u2", 2, false } };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        int64_t a[8] = { 0, 1, -1, 127, -128, INT64_MAX, INT64_MIN, 1234567891011 }, c[40];
        char text[700];
        const char *ty = types[t].type;
        snprintf(text, sizeof text,
                 "kernel flat k(A: i64[8], C: out i64[40]) { for i in 0..8 parallel {"
                 " let x: %s = %s(A[i])  let y: %s = %s(A[(i + 3) %% 8])"
                 " C[i] = i64(x + y)  C[8 + i] = i64(x * y)  C[16 + i] = i64(-x)"
                 " C[24 + i] = i64(x - y)  C[32 + i] = i64(x << %s(1)) } }",
                 ty, ty, ty, ty, ty);
        weft_interp_buffer b[] = { IN(a), OUT(c) };
        interp_ok(text, b, NULL, NULL);
        uint64_t mask = types[t].bits == 64 ? UINT64_MAX : (1ull << types[t].bits) - 1;
        for (int i = 0; i < 8; i++) {
            uint64_t x = (uint64_t)a[i], y = (uint64_t)a[(i + 3) % 8];
            uint64_t want[5] = { x + y, x * y, 0 - x, x - y, x << 1 };
            for (int j = 0; j < 5; j++) {
                uint64_t w = want[j] & mask;
                if (types[t].is_signed && types[t].bits < 64 && w >> (types[t].bits - 1))
                    w |= ~mask;
                assert_int_equal(c[8 * j + i], (int64_t)w);
            }
        }
    }
}

static void
shifts_beyond_the_width_give_zero_or_the_sign(void **state)
{
    (void)state;
    int32_t a[4] = { -5, 5, -5, 5 }, s[4] = { 1, 31, 32, -1 }, c[8];
    weft_interp_buffer b[] = { IN(a), IN(s), OUT(c) };
    interp_ok("kernel flat k(A: i32[4], S: i32[4], C: out i32[8]) { for i in 0..4 parallel {"
              " C[i] = A[i] << S[i]  C[4 + i] = A[i] >> S[i] } }",
              b, NULL, NULL);
    const int32_t want[8] = { -10, INT32_MIN, 0, 0, -3, 0, -1, 0 };
    assert_memory_equal(c, want, sizeof want);
}

static void
min_and_max_give_nan_for_nan(void **state)
{
    (void)state;
    float a[4] = { NAN, 1, 2, -INFINITY }, x[4] = { 1, NAN, 3, INFINITY }, c[8];
    weft_interp_buffer b[] = { IN(a), IN(x), OUT(c) };
    interp_ok("kernel flat k(A: f32[4], B: f32[4], C: out f32[8]) { for i in 0..4 parallel {"
              " C[i] = min(A[i], B[i])  C[4 + i] = max(A[i], B[i]) } }",
              b, NULL, NULL);
    assert_true(isnan(c[0]) && isnan(c[1]) && isnan(c[4]) && isnan(c[5]));
    assert_true(c[2] == 2 && c[6] == 3 && c[3] == -INFINITY && c[7] == INFINITY);
}

static void
floats_become_integers_by_truncation_and_saturation(void **state)
{
    (void)state;
    float a[8] = { 1.9f, -1.9f, NAN, 1e30f, -1e30f, 300, -0.5f, INFINITY };
    int8_t c[8];
    uint8_t d[8];
    int64_t e[8];
    bool f[8];
    weft_interp_buffer b[] = { IN(a), OUT(c), OUT(d), OUT(e), OUT(f) };
    interp_ok(
        "kernel flat k(A: f32[8], C: out i8[8], D: out u8[8], E: out i64[8], F: out bool[8]) {"
        " for i in 0..8 parallel { C[i] = i8(A[i])  D[i] = u8(A[i])  E[i] = i64(A[i])"
        " F[i] = bool(A[i]) } }",
        b, NULL, NULL);
    const int8_t want_c[8] = { 1, -1, 0, 127, -128, 127, 0, 127 };
    const uint8_t want_d[8] = { 1, 0, 0, 255, 0, 255, 0, 255 };
    assert_memory_equal(c, want_c, 8);
    assert_memory_equal(d, want_d, 8);
    assert_true(e[0] == 1 && e[2] == 0 && e[3] == INT64_MAX && e[4] == INT64_MIN && e[5] == 300);
    for (int i = 0; i < 8; i++)
        assert_true(f[i]);
}

/* ---- dtypes ---------------------------------------------------------------------------------- */

static bool
same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void
every_dtype_is_copied_and_converted(void **state)
{
    (void)state;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
        uint8_t a[2048], c[2048];
        float f[256];
        uint32_t seed = 3;
        char text[400];
        const char *name = weft_dtype_name((weft_dtype)t);
        for (size_t i = 0; i < sizeof a; i++)
            a[i] = (uint8_t)next_random(&seed);
        for (int i = 0; i < 256 && t == WEFT_BOOL; i++)
            a[i] &= 1;
        memset(c, 0, sizeof c);
        snprintf(text, sizeof text,
                 "kernel flat k(A: %s[256], C: out %s[256], F: out f32[256]) {"
                 " for i in 0..256 parallel { C[255 - i] = A[i]  F[i] = f32(A[i]) } }",
                 name, name);
        weft_interp_buffer b[] = { { a, 256, true, false }, { c, 256, false, true }, OUT(f) };
        weft_interp_options two = { .threads = 2 };
        interp_ok(text, b, NULL, &two);
        for (int i = 0; i < 256; i++) {
            assert_true(
                same(weft_get_f64((weft_dtype)t, c, 255 - i), weft_get_f64((weft_dtype)t, a, i)));
            if (weft_dtype_bits((weft_dtype)t) < 64)
                assert_true(same((double)f[i], (double)(float)weft_get_f64((weft_dtype)t, a, i)));
        }
    }
}

static void
small_floats_round_after_every_operation(void **state)
{
    (void)state;
    static const weft_dtype types[] = { WEFT_F16, WEFT_BF16, WEFT_F8E4M3FN, WEFT_F8E5M2 };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        float a[MANY], x[MANY], c[2 * MANY];
        uint32_t seed = 9;
        char text[400];
        const char *name = weft_dtype_name(types[t]);
        for (int i = 0; i < MANY; i++) {
            a[i] = (float)ldexp((double)next_random(&seed) / 0x1p24 - 0.5,
                                (int)(next_random(&seed) % 24) - 14);
            x[i] = (float)ldexp((double)next_random(&seed) / 0x1p24 - 0.5,
                                (int)(next_random(&seed) % 24) - 14);
        }
        a[0] = 70000;
        snprintf(
            text, sizeof text,
            "kernel flat k(A: f32[700], B: f32[700], C: out f32[1400]) { for i in 0..700 parallel {"
            " C[i] = f32(%s(A[i]) + %s(B[i]))  C[700 + i] = f32(%s(A[i]) * %s(B[i])) } }",
            name, name, name, name);
        weft_interp_buffer b[] = { IN(a), IN(x), OUT(c) };
        interp_ok(text, b, NULL, NULL);
        for (int i = 0; i < MANY; i++) {
            double p = weft_round_to(types[t], (double)a[i]),
                   q = weft_round_to(types[t], (double)x[i]);
            assert_true(same((double)c[i], weft_round_to(types[t], p + q)));
            assert_true(same((double)c[MANY + i], weft_round_to(types[t], p * q)));
        }
    }
}

static void
widening_computes_in_double_but_stores_the_dtype(void **state)
{
    (void)state;
    float a[1000], c[1];
    double sum = 0;
    float narrow = 0;
    for (int i = 0; i < 1000; i++) {
        a[i] = (float)sin(i);
        sum += (double)a[i];
        narrow += a[i];
    }
    const char *text = "kernel loops k(A: f32[1000], C: out f32[1]) { for j in 0..1 parallel {"
                       " alloc s: local f32[1]  s[0] = 0.0"
                       " for i in 0..1000 { s[0] = s[0] + A[i] }  C[j] = s[0] } }";
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(text, b, NULL, NULL);
    assert_true(c[0] == narrow);
    weft_interp_options widen = { .widen = true };
    interp_ok(text, b, NULL, &widen);
    assert_true(c[0] == (float)sum);
    assert_true((float)sum != narrow);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static void
vectors_load_store_and_take_apart(void **state)
{
    (void)state;
    float a[64], c[128];
    for (int i = 0; i < 64; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok("kernel flat k(A: f32[64], C: out f32[128]) { for i in 0..16 on thread.x {"
              " let v: f32x4 = A[ramp(i * 4, 1, 4)]"
              " C[ramp(i * 4, 1, 4)] = v * bcast(2.0, 4) + vec(lane(v, 3), 1.0, f32(i), 0.5)"
              " C[ramp(i + 64, 16, 4)] = select(v > bcast(31.5, 4), v, -v) } }",
              b, NULL, NULL);
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 4; k++) {
            const float add[4] = { a[4 * i + 3], 1, (float)i, 0.5f };
            assert_true(c[4 * i + k] == a[4 * i + k] * 2 + add[k]);
            assert_true(c[64 + i + 16 * k] == (i >= 8 ? a[4 * i + k] : -a[4 * i + k]));
        }
}

static void
each_lane_goes_round_its_own_loop(void **state)
{
    (void)state;
    int32_t c[64], d[64];
    weft_interp_buffer b[] = { OUT(c), OUT(d) };
    interp_ok(
        "kernel flat k(C: out i32[64], D: out i32[64]) { for i in 0..64 on thread.x {"
        " alloc n: local i32[2]  n[0] = i + 1  n[1] = 0"
        " while n[0] != 1 { if n[0] % 2 == 0 { n[0] = n[0] // 2 } else { n[0] = 3 * n[0] + 1 }"
        "   n[1] = n[1] + 1 }"
        " C[i] = n[1]  n[0] = 0"
        " for j in 0..i { n[0] = n[0] + j }  D[i] = n[0] } }",
        b, NULL, NULL);
    for (int i = 0; i < 64; i++) {
        int n = i + 1, steps = 0;
        for (; n != 1; steps++)
            n = n % 2 ? 3 * n + 1 : n / 2;
        assert_int_equal(c[i], steps);
        assert_int_equal(d[i], i * (i - 1) / 2);
    }
}

static void
shuffles_stay_in_their_subgroup(void **state)
{
    (void)state;
    static const weft_order orders[] = { WEFT_ORDER_FORWARD, WEFT_ORDER_REVERSE,
                                         WEFT_ORDER_SHUFFLE };
    for (int o = 0; o < 3; o++) {
        int32_t c[192];
        weft_interp_options options = { .order = orders[o], .seed = 5 };
        weft_interp_buffer b[] = { OUT(c) };
        interp_ok(
            "kernel flat k(C: out i32[192]) subgroup 16 { for i in 0..64 on thread.x {"
            " C[i] = shfl(i, 3)  C[64 + i] = shfl_down(i, 4)  C[128 + i] = shfl_xor(i, 5) } }",
            b, NULL, &options);
        for (int i = 0; i < 64; i++) {
            assert_int_equal(c[i], i / 16 * 16 + 3);
            if (i % 16 < 12)
                assert_int_equal(c[64 + i], i + 4);
            assert_int_equal(c[128 + i], i ^ 5);
        }
    }
}

static void
allreduce_combines_along_its_axes(void **state)
{
    (void)state;
    int32_t c[96], d[96];
    for (int o = 0; o < 3; o++) {
        weft_interp_options options = { .order = (weft_order)o };
        weft_interp_buffer b[] = { OUT(c), OUT(d) };
        interp_ok(
            "kernel flat k(C: out i32[96], D: out i32[96]) {"
            " for b in 0..2 on block.x { for y in 0..6 on thread.y { for x in 0..8 on thread.x {"
            "  allreduce s: i32 = x * y over thread.x combine (p, q) = (p + q) from (0)"
            "  C[(b * 6 + y) * 8 + x] = s"
            "  allreduce m: i32, at: i32 = (x * 5 + y * 3) % 7, x"
            "   over thread.x, thread.y combine (p, i, q, j) ="
            "   (max(p, q), select(p > q || p == q && i < j, i, j)) from (-1, 99)"
            "  D[(b * 6 + y) * 8 + x] = m * 100 + at } } } }",
            b, NULL, &options);
        int best = -1, at = 0;
        for (int x = 0; x < 8; x++)
            for (int y = 0; y < 6; y++)
                if ((x * 5 + y * 3) % 7 > best) {
                    best = (x * 5 + y * 3) % 7;
                    at = x;
                }
        for (int i = 0; i < 96; i++) {
            assert_int_equal(c[i], 28 * (i / 8 % 6));
            assert_int_equal(d[i], best * 100 + at);
        }
    }
}

/* ---- order and workers ----------------------------------------------------------------------- */

static void
order_and_workers_change_no_bit(void **state)
{
    (void)state;
    const char *text = "kernel device k(A: f32[1024], B: f32[1024], C: out f32[1024]) grid(4, 4, "
                       "1) block(8, 8, 1) {"
                       " alloc s: shared f32[64] alloc t: shared f32[64] alloc acc: local f32[1]"
                       " for by in 0..4 on block.y { for bx in 0..4 on block.x {"
                       " for ty in 0..8 on thread.y { for tx in 0..8 on thread.x {"
                       "  acc[0] = 0.0"
                       "  for ko in 0..4 { barrier shared"
                       "   s[ty * 8 + tx] = A[(by * 8 + ty) * 32 + ko * 8 + tx]"
                       "   t[ty * 8 + tx] = B[(ko * 8 + ty) * 32 + bx * 8 + tx]"
                       "   barrier shared"
                       "   for k in 0..8 { acc[0] = acc[0] + s[ty * 8 + k] * t[k * 8 + tx] } }"
                       "  C[(by * 8 + ty) * 32 + bx * 8 + tx] = acc[0] } } } } }";
    float a[1024], x[1024], want[1024], c[1024];
    for (int i = 0; i < 1024; i++) {
        a[i] = (float)sin(i);
        x[i] = (float)cos(3 * i);
    }
    for (int i = 0; i < 32; i++)
        for (int j = 0; j < 32; j++) {
            want[i * 32 + j] = 0;
            for (int k = 0; k < 32; k++)
                want[i * 32 + j] += a[i * 32 + k] * x[k * 32 + j];
        }
    for (int o = 0; o < 6; o++) {
        weft_interp_options options = { .order = (weft_order)(o % 3),
                                        .seed = 17,
                                        .threads = 1 + o / 3 };
        weft_interp_buffer b[] = { IN(a), IN(x), OUT(c) };
        memset(c, 0, sizeof c);
        interp_ok(text, b, NULL, &options);
        assert_memory_equal(c, want, sizeof c);
    }
}

static void
symbols_set_shapes_extents_and_values(void **state)
{
    (void)state;
    float a[60], c[60];
    for (int i = 0; i < 60; i++)
        a[i] = (float)i;
    weft_interp_buffer b[] = { IN(a), OUT(c) };
    interp_ok(
        "kernel loops k(A: f32[m, n], C: out f32[n, m]; m: i32, n: i32) {"
        " for i in 0..n on block.x { for j in 0..m on thread.x { C[i, j] = A[j, i] * f32(n) } } }",
        b, (const int64_t[]){ 5, 12 }, NULL);
    for (int i = 0; i < 12; i++)
        for (int j = 0; j < 5; j++)
            assert_true(c[i * 5 + j] == a[j * 12 + i] * 12);
}

/* ---- lanes against one lane ------------------------------------------------------------------ */

static void
random_expr(weft_str *out, uint32_t *seed, int depth)
{
    static const char *const ops[] = { "+", "-", "*", "//", "%", "+", "-", "*" };
    static const char *const rel[] = { "<", "<=", ">", ">=", "==", "!=" };
    uint32_t pick = next_random(seed) % 12;
    if (depth == 0 || pick == 0) {
        uint32_t leaf = next_random(seed) % 5;
        if (leaf < 3)
            weft_str_add(out, leaf == 0 ? "i" : leaf == 1 ? "j" : "k");
        else if (leaf == 3)
            weft_str_addf(out, "%d", (int)(next_random(seed) % 9) - 4);
        else
            weft_str_addf(out, "%d", (int)(next_random(seed) % 3000000) * 700);
        return;
    }
    weft_str_add(out, pick < 9 ? "(" : pick == 9 ? "min(" : pick == 10 ? "select(" : "guard(");
    random_expr(out, seed, depth - 1);
    weft_str_addf(out, " %s ",
                  pick < 9    ? ops[pick % 8]
                  : pick == 9 ? ","
                              : rel[next_random(seed) % 6]);
    random_expr(out, seed, depth - 1);
    for (int i = 0; i < 2 && pick > 9; i++) {
        weft_str_add(out, ", ");
        random_expr(out, seed, depth - 1);
    }
    weft_str_add(out, ")");
}

/* The expression for all i, j and k, the outer loops of the kind given. */
static void
tabulate(const char *loops, const char *e, int32_t *c)
{
    weft_str text = { 0 };
    weft_str_addf(&text,
                  "kernel loops k(C: out i32[6, 40, 30]) { for i in 0..40 %s { for j in 0..30 %s {"
                  " for k in 0..6 { C[k, i, j] = %s } } } }",
                  loops, loops, e);
    weft_interp_buffer b[] = { { c, 6 * 40 * 30, false, true } };
    interp_ok(weft_str_text(&text), b, NULL, NULL);
    weft_str_free(&text);
}

static void
random_expressions_are_the_same_for_many_lanes_and_one(void **state)
{
    (void)state;
    uint32_t seed = 42;
    for (int t = 0; t < 400; t++) {
        int32_t c[6 * 40 * 30], d[6 * 40 * 30];
        weft_str e = { 0 };
        random_expr(&e, &seed, 1 + t % 4);
        tabulate("parallel", weft_str_text(&e), c);
        tabulate("", weft_str_text(&e), d);
        if (memcmp(c, d, sizeof c) != 0)
            print_message("%s\n", weft_str_text(&e));
        assert_memory_equal(c, d, sizeof c);
        weft_str_free(&e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intrinsics_of_one_argument_agree_with_libm),
        cmocka_unit_test(intrinsics_of_two_arguments_agree_with_libm),
        cmocka_unit_test(fma_rounds_once_and_a_product_and_sum_twice),
        cmocka_unit_test(division_rounds_down_and_by_zero_gives_zero),
        cmocka_unit_test(integers_wrap_at_every_width),
        cmocka_unit_test(shifts_beyond_the_width_give_zero_or_the_sign),
        cmocka_unit_test(min_and_max_give_nan_for_nan),
        cmocka_unit_test(floats_become_integers_by_truncation_and_saturation),
        cmocka_unit_test(every_dtype_is_copied_and_converted),
        cmocka_unit_test(small_floats_round_after_every_operation),
        cmocka_unit_test(widening_computes_in_double_but_stores_the_dtype),
        cmocka_unit_test(vectors_load_store_and_take_apart),
        cmocka_unit_test(each_lane_goes_round_its_own_loop),
        cmocka_unit_test(shuffles_stay_in_their_subgroup),
        cmocka_unit_test(allreduce_combines_along_its_axes),
        cmocka_unit_test(order_and_workers_change_no_bit),
        cmocka_unit_test(symbols_set_shapes_extents_and_values),
        cmocka_unit_test(random_expressions_are_the_same_for_many_lanes_and_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
