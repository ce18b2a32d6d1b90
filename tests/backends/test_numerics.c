/* test_numerics.c: what doc/IR.md says of operators, functions, conversions and memory holds after
 * legalisation for any target, and on the devices that are there. */
#include "support_numerics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_CASES = 80, PAIRS = 256, POINTS = 512 };

static const char *const profiles[] = { "opencl:pocl",       "opencl:generic-gpu",
                                        "vulkan:lavapipe",   "vulkan:generic-gpu",
                                        "vulkan:adreno-740", "cuda:sm_80",
                                        "cuda:sm_75",        "metal:apple8" };
static const weft_dtype integers[] = { WEFT_I8, WEFT_I16, WEFT_I32, WEFT_I64,
                                       WEFT_U8, WEFT_U16, WEFT_U32, WEFT_U64 };
static const weft_dtype floats[] = { WEFT_F32, WEFT_F16, WEFT_F64, WEFT_BF16 };
enum { NINTEGERS = 8, NFLOATS = 4 };

typedef struct suite {
    int n;
    numeric_case *at[MAX_CASES];
} suite;

static numeric_case *
new_case(suite *s, const char *name, weft_dtype t, int64_t step)
{
    numeric_case *c = calloc(1, sizeof *c);
    assert_true(s->n < MAX_CASES);
    s->at[s->n++] = c;
    snprintf(c->name, sizeof c->name, "%s_%s", name, weft_dtype_name(t));
    c->step = step;
    return c;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void
fill_pairs(numeric_case *c, weft_dtype t, int a, int b)
{
    static const int small[] = { 0, 1, 2, 3, 7, 8, 31, 64, 100, -1, -2, -3, -7, -100 };
    for (int64_t i = 0; i < PAIRS; i++)
        for (int k = 0; k < 2; k++) {
            int64_t at = k ? i / 16 : i % 16;
            int64_t v = at < 14 ? small[at] : at == 14 ? weft_dtype_min(t) : weft_dtype_max(t);
            weft_set_i64(t, c->data[k ? b : a], i, v);
        }
}

static const double specials[] = {
    0.0,     -0.0,   INFINITY, -INFINITY, NAN,    1,     -1,     0.5,   -0.5,   1.5,    -1.5,
    2.5,     -2.5,   2,        -2,        3,      -3,    1e-5,   -1e-5, 6e-8,   1e-3,   0.9999,
    -0.9999, 1.0001, 100,      -100,      1000.5, 65504, -65504, 255.7, -128.5, 32767.5
};
enum { NSPECIALS = sizeof specials / sizeof *specials };

/* Specials, then points that thin out from 0, of either sign, then a dense stretch around 0. */
static double
point(int64_t i, int64_t n, double greatest)
{
    if (i < NSPECIALS)
        return specials[i];
    double part = (double)(i - NSPECIALS) / (double)(n - NSPECIALS);
    if (part < 0.5)
        return (i & 1 ? -1 : 1) * exp2(-20 + part * 2 * (20 + log2(greatest)));
    return (part - 0.75) * 16;
}

static void
fill_points(numeric_case *c, int param, double greatest)
{
    for (int64_t i = 0; i < c->count[param]; i++)
        weft_set_f64(c->dtype[param], c->data[param], i, point(i, c->count[param], greatest));
}

/* Every special with every special, then points in another order. */
static void
fill_float_pairs(numeric_case *c, int a, int b, double greatest)
{
    for (int64_t i = 0; i < c->count[a]; i++) {
        bool grid = i < 18 * 18;
        weft_set_f64(c->dtype[a], c->data[a], i,
                     grid ? specials[i % 18] : point(i, c->count[a], greatest));
        weft_set_f64(c->dtype[b], c->data[b], i,
                     grid ? specials[i / 18] : point(i * 37 % c->count[b], c->count[b], 30));
    }
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void
open_text(numeric_case *c)
{
    weft_str_addf(&c->text, "kernel flat %s(", c->name);
    for (int i = 0; i < c->ninput + c->noutput; i++)
        weft_str_addf(&c->text, "%s%c: %s%s[%lld]", i ? ", " : "", 'A' + i,
                      i < c->ninput ? "" : "out ", weft_dtype_name(c->dtype[i]),
                      (long long)c->count[i]);
    weft_str_addf(&c->text,
                  ")\n{\n    for b in 0..%lld on block.x {\n        for t in 0..64 on thread.x {\n"
                  "            let i: i32 = b * 64 + t\n",
                  (long long)(c->step / 64));
}

static void
close_text(numeric_case *c)
{
    weft_str_add(&c->text, "        }\n    }\n}\n");
    settle(c);
}

/* One more section of output `param`: %s stands for "the number of the section times its size plus
 * i". */
static void
section(numeric_case *c, int param, int number, const char *fmt, ...)
{
    va_list ap;
    weft_str_addf(&c->text, "            %c[%lld + i] = ", 'A' + param,
                  (long long)(number * c->step));
    va_start(ap, fmt);
    weft_str_vaddf(&c->text, fmt, ap);
    va_end(ap);
    weft_str_add(&c->text, "\n");
}

static void
integer_operators(suite *s)
{
    static const char *const binary[] = { "A[i] + B[i]",
                                          "A[i] - B[i]",
                                          "A[i] * B[i]",
                                          "A[i] // B[i]",
                                          "A[i] % B[i]",
                                          "A[i] & B[i]",
                                          "A[i] | B[i]",
                                          "A[i] ^ B[i]",
                                          "A[i] << B[i]",
                                          "A[i] >> B[i]",
                                          "min(A[i], B[i])",
                                          "max(A[i], B[i])",
                                          "-A[i]",
                                          "~A[i]",
                                          "abs(A[i])",
                                          "(A[i] + B[i]) // (A[i] - B[i])",
                                          "A[i] * A[i] * B[i] + A[i] >> B[i]" };
    static const char *const compare[] = { "A[i] == B[i]",      "A[i] != B[i]", "A[i] < B[i]",
                                           "A[i] <= B[i]",      "A[i] > B[i]",  "A[i] >= B[i]",
                                           "A[i] + B[i] > A[i]" };
    static const char *const constant[] = { "A[i] // 3%s",  "A[i] %% 3%s", "A[i] // 4%s",
                                            "A[i] %% 4%s",  "A[i] // 0%s", "A[i] %% 0%s",
                                            "A[i] << 3%s",  "A[i] >> 3%s", "A[i] << 77%s",
                                            "A[i] >> 77%s", "3%s // A[i]", "100%s %% A[i]" };
    static const char *const negative[] = { "A[i] // -3%s", "A[i] %% -3%s", "A[i] // -1%s",
                                            "A[i] %% -1%s", "-3%s // A[i]", "A[i] << -1%s" };
    enum { NB = 17, NC = 7, NK = 12, NN = 6 };
    for (int k = 0; k < NINTEGERS; k++) {
        weft_dtype t = integers[k];
        const char *name = weft_dtype_name(t);
        bool is_signed = weft_dtype_kind(t) == WEFT_KIND_INT;
        numeric_case *c = new_case(s, "integers", t, PAIRS);
        fill_pairs(c, t, add_input(c, t, PAIRS), add_input(c, t, PAIRS));
        int n = NB + NC + NK + (is_signed ? NN : 0), at = 0;
        int out = add_output(c, t, n * PAIRS);
        open_text(c);
        for (int i = 0; i < NB; i++)
            section(c, out, at++, "%s", binary[i]);
        for (int i = 0; i < NC; i++)
            section(c, out, at++, "select(%s, 1%s, 0%s)", compare[i], name, name);
        for (int i = 0; i < NK; i++)
            section(c, out, at++, constant[i], name);
        for (int i = 0; i < NN && is_signed; i++)
            section(c, out, at++, negative[i], name);
        close_text(c);
    }
}

static double
greatest_point(weft_dtype t)
{
    return t == WEFT_F16 ? 60000 : t == WEFT_F64 ? 1e200 : 1e30;
}

static void
conversions(suite *s)
{
    weft_dtype all[NINTEGERS + NFLOATS + 1];
    int n = 0;
    for (int i = 0; i < NINTEGERS; i++)
        all[n++] = integers[i];
    for (int i = 0; i < NFLOATS; i++)
        all[n++] = floats[i];
    all[n++] = WEFT_BOOL;
    for (int part = 0; part < 2 * n; part++) { /* f64 and i64 apart, for devices without */
        weft_dtype t = all[part / 2];
        numeric_case *c = new_case(s, part & 1 ? "wide" : "convert", t, PAIRS);
        int in = add_input(c, t, PAIRS);
        for (int64_t i = 0; i < PAIRS; i++)
            if (weft_is_float(t))
                weft_set_f64(t, c->data[in], i,
                             i < 8 ? ldexp(i & 1 ? -1 : 1, (int)(31 + i / 2 * 11))
                                   : point(i - 8, PAIRS - 8, 1e20));
            else if (t == WEFT_BOOL)
                weft_set_i64(t, c->data[in], i, i % 3 == 0);
            else
                weft_set_i64(t, c->data[in], i,
                             i < 2 ? (i ? weft_dtype_max(t) : weft_dtype_min(t))
                                   : (i - 128) * (i - 128) * (i - 128) * 3 / (1 + i % 5));
        int out[16], to[16], nout = 0;
        for (int k = 0; k < n; k++) {
            bool wide = all[k] == WEFT_F64 || all[k] == WEFT_I64 || all[k] == WEFT_U64;
            if (wide == (part & 1)) {
                to[nout] = k;
                out[nout++] = add_output(c, all[k], (part & 1 ? 1 : 3) * PAIRS);
            }
        }
        open_text(c);
        for (int k = 0; k < 3;
             k++) /* sums are rounded where they are stored; 64 bits reach bf16 through f32 */
            c->section[c->nsection++] = (budget){ "conversion", 1, 1, 0, -INFINITY, INFINITY };
        for (int k = 0; k < nout; k++) {
            const char *name = weft_dtype_name(all[to[k]]);
            section(c, out[k], 0, "%s(A[i])", name);
            if (part & 1)
                continue;
            section(c, out[k], 1, "%s(f32(f16(f32(A[i]))))", name);
            section(c, out[k], 2, "%s(f32(bf16(f32(A[i]))) + f32(i8(A[i])) + f32(u16(A[i])))",
                    name);
        }
        close_text(c);
    }
}

/* Floats of 8 bits live in bytes: every code to other types, and rounding into them. */
static void
small_floats(suite *s)
{
    static const weft_dtype small[] = { WEFT_F8E4M3FN, WEFT_F8E4M3FNUZ, WEFT_F8E5M2,
                                        WEFT_F8E5M2FNUZ };
    for (int k = 0; k < 4; k++) {
        const char *name = weft_dtype_name(small[k]);
        numeric_case *c = new_case(s, "small", small[k], PAIRS);
        int codes = add_input(c, small[k], PAIRS), x = add_input(c, WEFT_F32, PAIRS);
        for (int64_t i = 0; i < PAIRS; i++)
            ((uint8_t *)c->data[codes])[i] = (uint8_t)i;
        fill_points(c, x, 1e5);
        int f32 = add_output(c, WEFT_F32, 3 * PAIRS), f16 = add_output(c, WEFT_F16, PAIRS),
            i32 = add_output(c, WEFT_I32, PAIRS);
        int f8 = add_output(c, small[k], 3 * PAIRS);
        open_text(c);
        section(c, f32, 0, "f32(A[i])");
        section(c, f32, 1, "f32(%s(B[i]))", name);
        section(c, f32, 2, "f32(%s(f16(B[i])))", name);
        section(c, f16, 0, "f16(A[i])");
        section(c, i32, 0, "i32(A[i])");
        section(c, f8, 0, "%s(B[i])", name);
        section(c, f8, 1, "max(A[i], %s(0.0))", name);
        section(c, f8, 2, "select(B[i] > 1.0, A[i], %s(i))", name);
        close_text(c);
    }
}

/* Elements of less than a byte can be read. */
static void
packed(suite *s)
{
    static const weft_dtype types[] = { WEFT_I4, WEFT_U4, WEFT_I2, WEFT_U2, WEFT_F4E2M1 };
    for (int k = 0; k < 5; k++) {
        const char *name = weft_dtype_name(types[k]);
        numeric_case *c = new_case(s, "packed", types[k], PAIRS);
        int a = add_input(c, types[k], PAIRS), x = add_input(c, WEFT_F32, PAIRS);
        for (int64_t i = 0; i < PAIRS; i++) /* every pair of codes */
            ((uint8_t *)c->data[a])[i * weft_dtype_bits(types[k]) / 8] = (uint8_t)(i * 37);
        fill_points(c, x, 100);
        int f32 = add_output(c, WEFT_F32, 2 * PAIRS), i32 = add_output(c, WEFT_I32, PAIRS);
        open_text(c);
        section(c, f32, 0, "f32(A[i])");
        section(c, f32, 1, "select(B[i] == B[i], f32(%s(B[i])), 0.0)", name);
        section(c, i32, 0, "i32(max(A[%d - i], A[i]))", PAIRS - 1);
        close_text(c);
    }
}

static const struct {
    weft_intrin in;
    budget budget;
} functions[] = {
#define FUNCTION(kind, legal, device, absolute, lo, hi, reason)                                    \
    { WEFT_IN_##kind, { #kind, legal, device, absolute, lo, hi } },
#include "numerics.def"
#undef FUNCTION
};
enum { NFUNCTIONS = sizeof functions / sizeof *functions };

static budget
budget_of(budget b, weft_dtype t)
{
    if (t == WEFT_F16 || t == WEFT_BF16) { /* a rounding at the store, one before it */
        b.ulp = b.ulp > 0 ? 2 : 0;
        b.device_ulp = b.device_ulp > 0 ? 2 : 0;
        b.device_abs = strcmp(b.what, "FMA") == 0 ? 0.05 : b.device_abs;
        b.lo = b.lo < -1e4 ? -6e4 : b.lo;
        b.hi = b.hi > 1e4 ? 6e4 : b.hi;
    }
    return b;
}

/* exp2 and pow of f64 are exp of products that are rounded: by as many units as the exponent is
 * large. */
static budget
wide_budget_of(budget b, weft_dtype t)
{
    bool by_exp = strcmp(b.what, "EXP2") == 0 || strcmp(b.what, "POW") == 0;
    if (t == WEFT_F64 && by_exp)
        b.ulp = b.device_ulp = 4000;
    return budget_of(b, t);
}

static bool
is_test(weft_intrin in)
{
    return weft_intrin_infos[in].cls == WEFT_IC_TEST;
}

/* The functions that every API has for f64, or that are spelled exactly. */
static bool
is_common(weft_intrin in)
{
    return in == WEFT_IN_SQRT || in == WEFT_IN_RSQRT ||
           (in >= WEFT_IN_EXP && in <= WEFT_IN_LOG1P) ||
           (in >= WEFT_IN_SINH && in <= WEFT_IN_ATANH) ||
           (in >= WEFT_IN_FLOOR && in <= WEFT_IN_ABS) || in == WEFT_IN_POW || in == WEFT_IN_FREM ||
           in >= WEFT_IN_COPYSIGN;
}

static void
intrinsics(suite *s)
{
    static const char *const args[] = { "", "A[i]", "A[i], B[i]", "A[i], B[i], A[i]" };
    for (int k = 0; k < 4; k++) {
        weft_dtype t = floats[k < 3 ? k : 2];
        bool common = k == 3;
        numeric_case *c = new_case(s, common ? "common_functions" : "functions", t, POINTS);
        c->may_refuse = t == WEFT_F64 && !common;
        int a = add_input(c, t, POINTS), b = add_input(c, t, POINTS);
        fill_points(c, a, greatest_point(t));
        for (int64_t i = 0; i < POINTS; i++)
            weft_set_f64(t, c->data[b], i, point(i * 37 % POINTS, POINTS, 30));
        int out = add_output(c, t, NFUNCTIONS * POINTS);
        open_text(c);
        for (int f = 0; f < NFUNCTIONS; f++) {
            const weft_intrin_info *info = &weft_intrin_infos[functions[f].in];
            const char *fmt = is_test(functions[f].in) ? "%s(%s(%s))" : "%.0s%s(%s)";
            if (common && !is_common(functions[f].in))
                section(c, out, f, "A[i]");
            else
                section(c, out, f, fmt, weft_dtype_name(t), info->text, args[info->nargs]);
            c->section[c->nsection++] = wide_budget_of(functions[f].budget, t);
        }
        close_text(c);
    }
}

static void
float_operators(suite *s)
{
    static const struct {
        const char *text;
        double ulp, device;
    } ops[] = { { "A[i] + B[i]", 1, 1 },
                { "A[i] - B[i]", 1, 1 },
                { "A[i] * B[i]", 1, 1 },
                { "A[i] / B[i]", 1, 3 },
                { "min(A[i], B[i])", 0, 0 },
                { "max(A[i], B[i])", 0, 0 },
                { "-A[i]", 0, 0 },
                { "min(max(A[i], 0.0%s), 6.0%s)", 0, 0 },
                { "max(0.5%s, A[i])", 0, 0 },
                { "%s(A[i] < B[i])", 0, 0 },
                { "%s(A[i] <= B[i])", 0, 0 },
                { "%s(A[i] > B[i])", 0, 0 },
                { "%s(A[i] >= B[i])", 0, 0 },
                { "%s(A[i] == B[i])", 0, 0 },
                { "%s(A[i] != B[i])", 0, 0 },
                { "%s(bool(A[i]))", 0, 0 },
                { "select(A[i] > B[i] || A[i] != A[i], A[i], B[i])", 0, 0 },
                { "guard(i > 5, A[i - 5], B[i])", 0, 0 },
                { "guard(A[i] > 0.0%s, guard(B[i] > 0.0%s, min(A[i], B[i]), max(A[i], B[i])), "
                  "min(A[i], B[i] * 2.0%s))",
                  0, 0 },
                { "max(max(max(A[i], B[i]), max(B[i], A[i])), min(min(A[i], B[i]), A[i]))", 0,
                  0 } };
    enum { N = sizeof ops / sizeof *ops };
    for (int k = 0; k < NFLOATS; k++) {
        weft_dtype t = floats[k];
        const char *name = weft_dtype_name(t);
        numeric_case *c = new_case(s, "floats", t, POINTS);
        int a = add_input(c, t, POINTS), b = add_input(c, t, POINTS);
        fill_float_pairs(c, a, b, t == WEFT_F16 ? 1000 : 1e15);
        int out = add_output(c, t, N * POINTS);
        open_text(c);
        for (int i = 0; i < N; i++) {
            const char *text = ops[i].text;
            weft_str_addf(&c->text, "            %c[%lld + i] = ", 'A' + out,
                          (long long)(i * c->step));
            for (; *text; text++)
                if (text[0] == '%')
                    weft_str_add(&c->text, (text++, name));
                else
                    weft_str_addn(&c->text, text, 1);
            weft_str_add(&c->text, "\n");
            c->section[c->nsection++] =
                (budget){ ops[i].text, ops[i].ulp, ops[i].device, 0, -INFINITY, INFINITY };
        }
        close_text(c);
    }
}

static void
truth(suite *s)
{
    static const char *const ops[] = { "A[i] && B[i]",
                                       "A[i] || B[i]",
                                       "!A[i]",
                                       "A[i] == B[i]",
                                       "A[i] != B[i]",
                                       "select(A[i], B[i], !B[i])",
                                       "bool(i32(A[i]) + i32(B[i]) - 1)",
                                       "guard(A[i], B[i], i % 3 == 0)",
                                       "A[i] == (i32(B[i]) < 1)",
                                       "bool(f32(A[i]) - 0.5 > 0.0)" };
    enum { N = sizeof ops / sizeof *ops };
    numeric_case *c = new_case(s, "truth", WEFT_BOOL, PAIRS);
    int a = add_input(c, WEFT_BOOL, PAIRS), b = add_input(c, WEFT_BOOL, PAIRS);
    for (int64_t i = 0; i < PAIRS; i++) {
        weft_set_i64(WEFT_BOOL, c->data[a], i, i & 1);
        weft_set_i64(WEFT_BOOL, c->data[b], i, i >> 1 & 1);
    }
    int out = add_output(c, WEFT_BOOL, N * PAIRS);
    open_text(c);
    for (int i = 0; i < N; i++)
        section(c, out, i, "%s", ops[i]);
    close_text(c);
}

/* Every dtype through shared and through a thread's own memory. */
static void
memories(suite *s)
{
    for (int k = 0; k < NINTEGERS + NFLOATS + 1; k++) {
        weft_dtype t = k < NINTEGERS             ? integers[k]
                       : k < NINTEGERS + NFLOATS ? floats[k - NINTEGERS]
                                                 : WEFT_BOOL;
        const char *name = weft_dtype_name(t);
        numeric_case *c = new_case(s, "memory", t, 64);
        int a = add_input(c, t, 64);
        for (int64_t i = 0; i < 64; i++)
            if (t == WEFT_BOOL)
                weft_set_i64(t, c->data[a], i, i % 3 == 0);
            else if (weft_is_float(t))
                weft_set_f64(t, c->data[a], i, specials[i % 17]);
            else
                weft_set_i64(t, c->data[a], i, i ? i * 77 - 2400 : weft_dtype_min(t));
        add_output(c, t, 64);
        open_text(c);
        weft_str_addf(
            &c->text,
            "            alloc s: shared %s[64]\n            alloc l: local %s[4]\n"
            "            for j in 0..4 {\n                l[j] = A[(i + j) %% 64]\n            }\n"
            "            s[t] = l[1]\n            barrier shared\n"
            "            B[i] = select(l[0] == l[2], s[63 - t], l[3])\n",
            name, name);
        close_text(c);
    }
}

/* Statements on several lanes: ramps of strides 1, 2, 3, -1 and of odd offsets. */
static void
vectors(suite *s)
{
    static const int widths[] = { 2, 3, 4, 5, 8, 16 };
    static const weft_dtype types[] = { WEFT_F32,  WEFT_F16, WEFT_I32, WEFT_U8,
                                        WEFT_BOOL, WEFT_I64, WEFT_F64, WEFT_BF16 };
    for (int w = 0; w < 6; w++)
        for (int k = 0; k < 8; k++) {
            weft_dtype t = types[k];
            const char *name = weft_dtype_name(t);
            int lanes = widths[w];
            if ((lanes == 5 || lanes == 8) && k > 2 && k != 4) /* the others say it all */
                continue;
            numeric_case *c = new_case(s, "vectors", t, 64 * lanes);
            snprintf(c->name + strlen(c->name), 8, "_%d", lanes);
            int64_t n = 64 * lanes * 3 + 8;
            int a = add_input(c, t, n), b = add_input(c, t, n);
            for (int64_t i = 0; i < n; i++)
                for (int x = 0; x < 2; x++) {
                    int64_t v = (i * 7919 + x * 31) % 251 - 125;
                    if (weft_is_float(t))
                        weft_set_f64(t, c->data[x ? b : a], i,
                                     i % 50 == 7 ? (double)NAN : (double)v / 4);
                    else
                        weft_set_i64(t, c->data[x ? b : a], i, t == WEFT_BOOL ? v & 1 : v);
                }
            static const char *const of_bool[] = { "A[A0] && B[B0]",
                                                   "A[A0] != B[B0]",
                                                   "!A[A0]",
                                                   "select(A[A0], B[B0], A[A0])",
                                                   "bool(i32(A[A0]) + v % 2)",
                                                   "A[A0] || v > 20" };
            static const char *const of_int[] = {
                "A[A0] + B[B0]",       "A[A0] // B[B0]",
                "A[A0] % T(3)",        "A[A0] << B[B0]",
                "T(f32(A[A0]) * 0.3)", "select(A[A0] < B[B0], A[A0], T(bool(B[B0])))"
            };
            static const char *const of_float[] = {
                "min(A[A0], B[B0])",
                "A[A0] * B[B0]",
                "T(i32(f32(-A[A0])) % 5 + i32(f32(abs(B[B0]))))",
                "guard(t > 3, A[A0], B[B0])",
                "atan(A[A0])",
                "select(A[A0] < B[B0], A[A0], T(bool(B[B0])))"
            };
            const char *const *ops = t == WEFT_BOOL     ? of_bool
                                     : weft_is_float(t) ? of_float
                                                        : of_int;
            static const char *const ramps[] = { "e", "e + 1", "e * 2 + 3", "lanes * 64 + 2 - e",
                                                 "t", "e * 3" };
            c->may_refuse = t == WEFT_F64; /* no function is had everywhere */
            c->first = 0;
            c->step = n; /* sections are not told apart */
            int out = add_output(c, t, 6 * 64 * lanes);
            c->section[c->nsection++] = (budget){ "vector", 8, 2000, 1e-6, -INFINITY, INFINITY };
            c->section[c->nsection++] = c->section[0];
            weft_str_addf(&c->text,
                          "kernel flat %s(A: %s[%lld], B: %s[%lld], C: out %s[%lld])\n{\n", c->name,
                          name, (long long)n, name, (long long)n, name, (long long)c->count[out]);
            weft_str_addf(&c->text, "    for t in 0..64 on thread.x {\n");
            for (int i = 0; i < 6; i++) {
                weft_str_addf(
                    &c->text,
                    "        for v in 0..%d vectorize {\n            C[(%d * 64 + t) * %d + v] = ",
                    lanes, i, lanes);
                for (const char *at = ops[i]; *at; at++) {
                    const char *ramp = strncmp(at, "A0", 2) == 0   ? ramps[i]
                                       : strncmp(at, "B0", 2) == 0 ? ramps[(i + 1) % 6]
                                                                   : NULL;
                    if (!ramp) {
                        if (*at == 'T')
                            weft_str_add(&c->text, name);
                        else
                            weft_str_addn(&c->text, at, 1);
                        continue;
                    }
                    for (at++; *ramp; ramp++)
                        if (*ramp == 'e' && ramp[1] != 's')
                            weft_str_addf(&c->text, "(t * %d + v)", lanes);
                        else if (strncmp(ramp, "lanes", 5) == 0)
                            weft_str_addf(&c->text, "%d", (ramp += 4, lanes));
                        else
                            weft_str_addn(&c->text, ramp, 1);
                }
                weft_str_add(&c->text, "\n        }\n");
            }
            weft_str_add(&c->text, "    }\n}\n");
            settle(c);
        }
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void
for_each_profile(void (*make)(suite *))
{
    suite s = { 0 };
    int differ = 0;
    make(&s);
    for (size_t p = 0; p < sizeof profiles / sizeof *profiles; p++) {
        const weft_target *target = weft_profile_find(profiles[p], NULL);
        assert_non_null(target);
        for (int i = 0; i < s.n; i++)
            if (has_types(s.at[i], target) && !is_refused(s.at[i], target))
                differ += check_legalised(s.at[i], target);
    }
    for (int i = 0; i < s.n; i++)
        drop_case(s.at[i]);
    assert_int_equal(differ, 0);
}

#define LEGALISED(make)                                                                            \
    static void make##_keep_their_meaning_when_legalised(void **state)                             \
    {                                                                                              \
        (void)state;                                                                               \
        for_each_profile(make);                                                                    \
    }
LEGALISED(integer_operators)
LEGALISED(conversions)
LEGALISED(small_floats)
LEGALISED(packed)
LEGALISED(intrinsics)
LEGALISED(float_operators)
LEGALISED(truth)
LEGALISED(memories)
LEGALISED(vectors)

typedef void maker(suite *);

static int
run(const weft_driver *driver, weft_numerics level, maker *const *make, size_t n)
{
    suite s = { 0 };
    for (size_t i = 0; i < n; i++)
        make[i](&s);
    int differ = check_on_device(driver, level, s.n, s.at);
    for (int i = 0; i < s.n; i++)
        drop_case(s.at[i]);
    return differ;
}

static void
run_all(const weft_driver *driver)
{
    static maker *const scalars[] = { integer_operators, conversions,     small_floats, packed,
                                      intrinsics,        float_operators, truth,        memories };
    static maker *const lanes[] = { vectors };
    int differ = run(driver, WEFT_DEFAULT, scalars, 8);
    assert_int_equal(differ + run(driver, WEFT_DEFAULT, lanes, 1), 0);
}

/* What a level could change. */
static void
run_strict(const weft_driver *driver)
{
    static maker *const arithmetic[] = { integer_operators, conversions, intrinsics,
                                         float_operators };
    assert_int_equal(run(driver, WEFT_STRICT, arithmetic, 4), 0);
}

#define ON_DEVICES(api)                                                                            \
    static void api##_devices_compute_what_is_written(void **state)                                \
    {                                                                                              \
        (void)state;                                                                               \
        run_all(&weft_##api##_driver);                                                             \
    }                                                                                              \
    static void api##_devices_compute_the_same_in_strict(void **state)                             \
    {                                                                                              \
        (void)state;                                                                               \
        run_strict(&weft_##api##_driver);                                                          \
    }
ON_DEVICES(opencl)
ON_DEVICES(vulkan)
ON_DEVICES(cuda_emu)
ON_DEVICES(metal_emu)
ON_DEVICES(vulkan_emu)

/* An argument is a pattern of the tests to be run: "*legalised". */
int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_operators_keep_their_meaning_when_legalised),
        cmocka_unit_test(conversions_keep_their_meaning_when_legalised),
        cmocka_unit_test(packed_keep_their_meaning_when_legalised),
        cmocka_unit_test(small_floats_keep_their_meaning_when_legalised),
        cmocka_unit_test(intrinsics_keep_their_meaning_when_legalised),
        cmocka_unit_test(float_operators_keep_their_meaning_when_legalised),
        cmocka_unit_test(truth_keep_their_meaning_when_legalised),
        cmocka_unit_test(memories_keep_their_meaning_when_legalised),
        cmocka_unit_test(vectors_keep_their_meaning_when_legalised),
        cmocka_unit_test(opencl_devices_compute_what_is_written),
        cmocka_unit_test(vulkan_devices_compute_what_is_written),
        cmocka_unit_test(cuda_emu_devices_compute_what_is_written),
        cmocka_unit_test(metal_emu_devices_compute_what_is_written),
        cmocka_unit_test(vulkan_emu_devices_compute_what_is_written),
        cmocka_unit_test(opencl_devices_compute_the_same_in_strict),
        cmocka_unit_test(vulkan_devices_compute_the_same_in_strict),
        cmocka_unit_test(cuda_emu_devices_compute_the_same_in_strict),
        cmocka_unit_test(metal_emu_devices_compute_the_same_in_strict),
        cmocka_unit_test(vulkan_emu_devices_compute_the_same_in_strict),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
