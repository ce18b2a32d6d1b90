/* test_levels.c: what strict, default and fast promise of contraction, division, square roots,
 * denormals and special values (levels.def) holds on every device.  What is expected is computed by
 * the host's compiler, not by the interpreter: that is held against it as well. */
#include "support_numerics.h"

#include "backends/cuda/nvrtc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONTRACTIONS = 4096, PAIRS = 65536, SMALL = 1024 };

typedef struct promise {
    weft_api api;
    weft_numerics level;
    bool contracts;
    double division, root;
    bool flushes, loses;
} promise;

static const promise promises[] = {
#define LEVEL(api, level, contracts, division, root, flushes, loses, source)                       \
    { WEFT_API_##api, WEFT_##level, contracts, division, root, flushes, loses },
#include "levels.def"
#undef LEVEL
};

/* ---- what is computed ------------------------------------------------------------------------ */

typedef enum property { ROUNDED, CONTRACTED, DIVISION, ROOT, DENORMAL, SPECIAL } property;

/* One section: a text of A, B, C at i, and the same in C for either type, rounded at every step;
 * `once` where the text may be contracted: with its product exact. */
typedef struct operation {
    property property;
    const char *text;
    float (*f32)(float, float, float);
    double (*f64)(double, double, double);
    float (*once32)(float, float, float);
    double (*once64)(double, double, double);
} operation;

/* A product is volatile so that no compiler of this file contracts it. */
#define BOTH(name, expression)                                                                     \
    static float name##_f32(float a, float b, float c)                                             \
    {                                                                                              \
        volatile float p = a * b;                                                                  \
        (void)a, (void)b, (void)c, (void)p;                                                        \
        return (float)(expression);                                                                \
    }                                                                                              \
    static double name##_f64(double a, double b, double c)                                         \
    {                                                                                              \
        volatile double p = a * b;                                                                 \
        (void)a, (void)b, (void)c, (void)p;                                                        \
        return (double)(expression);                                                               \
    }
#define ONCE(name, single, twofold)                                                                \
    static float name##_f32(float a, float b, float c)                                             \
    {                                                                                              \
        return single;                                                                             \
    }                                                                                              \
    static double name##_f64(double a, double b, double c)                                         \
    {                                                                                              \
        return twofold;                                                                            \
    }
BOTH(add, a + b)
BOTH(subtract, a - b)
BOTH(multiply, p)
BOTH(muladd, p + c)
BOTH(twice, (c + p) + p)
BOTH(divide, a / b)
BOTH(invert, 1 / a)
BOTH(third, a / 3)
BOTH(root_of_size, sqrt(fabs(a)))
BOTH(halve, a * 0.5f)
BOTH(less_its_own, (a + b) - a)
BOTH(sum_of_three, (a + b) + c)
BOTH(times_zero, a * 0.0f)
BOTH(less_itself, a - a)
BOTH(plus_zero, a + 0.0f)
BOTH(zero_less, 0.0f - a)
BOTH(negative, -a)
BOTH(quotient_of_itself, a / a)
BOTH(none_of, 0 / a)
BOTH(is_positive, a > 0)
BOTH(is_itself, a == a)
ONCE(muladd_once, fmaf(a, b, c), fma(a, b, c))
ONCE(twice_once, fmaf(a, b, fmaf(a, b, c)), fma(a, b, fma(a, b, c)))

#define SAME(name) name##_f32, name##_f64
#define OP(property, text, name)                                                                   \
    {                                                                                              \
        property, text, SAME(name), NULL, NULL                                                     \
    }
#define CONTRACTABLE(text, name)                                                                   \
    {                                                                                              \
        CONTRACTED, text, SAME(name), SAME(name##_once)                                            \
    }

/* C is -A * B: what is not contracted gives 0, what is gives the product's rounding error. */
static const operation contractions[] = { CONTRACTABLE("A[i] * B[i] + C[i]", muladd),
                                          CONTRACTABLE("C[i] - A[i] * -B[i]", muladd),
                                          CONTRACTABLE("p + C[i]", muladd),
                                          CONTRACTABLE("acc[0]", twice) };
static const operation quotients[] = { OP(DIVISION, "A[i] / B[i]", divide),
                                       OP(DIVISION, "T(1.0) / A[i]", invert),
                                       OP(DIVISION, "A[i] / T(3.0)", third),
                                       OP(ROOT, "sqrt(abs(A[i]))", root_of_size) };
/* C is small beside A, so that the order of a sum shows. */
static const operation roundings[] = { OP(ROUNDED, "A[i] + B[i]", add),
                                       OP(ROUNDED, "A[i] - B[i]", subtract),
                                       OP(ROUNDED, "A[i] * B[i]", multiply),
                                       OP(ROUNDED, "(A[i] + B[i]) - A[i]", less_its_own),
                                       OP(ROUNDED, "(A[i] + B[i]) + C[i]", sum_of_three) };
static const operation denormals[] = { OP(DENORMAL, "A[i] * T(0.5)", halve),
                                       OP(DENORMAL, "A[i] + B[i]", add),
                                       OP(DENORMAL, "A[i] - B[i]", subtract),
                                       OP(DENORMAL, "T(A[i] > T(0.0))", is_positive) };
static const operation specials[] = {
    OP(SPECIAL, "A[i] * T(0.0)", times_zero), OP(SPECIAL, "A[i] - A[i]", less_itself),
    OP(SPECIAL, "A[i] + T(0.0)", plus_zero),  OP(SPECIAL, "T(0.0) - A[i]", zero_less),
    OP(SPECIAL, "-A[i]", negative),           OP(SPECIAL, "A[i] / A[i]", quotient_of_itself),
    OP(SPECIAL, "T(0.0) / A[i]", none_of),    OP(SPECIAL, "T(A[i] == A[i])", is_itself),
    OP(SPECIAL, "A[i] / B[i]", divide),       OP(SPECIAL, "A[i] * B[i]", multiply),
    OP(SPECIAL, "A[i] + B[i]", add)
};

/* ---- inputs ---------------------------------------------------------------------------------- */

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

/* Any mantissa, either sign, an exponent in [lo, hi]. */
static double
random_float(uint64_t *state, int lo, int hi)
{
    double m = 1 + ldexp((double)next(state), -53);
    int e = lo + (int)(next(state) % (uint64_t)(hi - lo + 1));
    return (next(state) & 1 ? -1 : 1) * ldexp(m, e);
}

typedef void fill(weft_dtype, uint64_t *state, int64_t i, double in[3]);

static double
rounded(weft_dtype t, double v)
{
    return t == WEFT_F32 ? (double)(float)v : v;
}

static void
fill_products(weft_dtype t, uint64_t *state, int64_t i, double in[3])
{
    (void)i;
    in[0] = rounded(t, random_float(state, 0, 0));
    in[1] = rounded(t, random_float(state, 0, 0));
    in[2] = -rounded(t, in[0] * in[1]);
}

static void
fill_quotients(weft_dtype t, uint64_t *state, int64_t i, double in[3])
{
    (void)t, (void)i;
    in[0] = random_float(state, -40, 40);
    in[1] = random_float(state, -40, 40);
    in[2] = 0;
}

static void
fill_sums(weft_dtype t, uint64_t *state, int64_t i, double in[3])
{
    (void)t, (void)i;
    in[0] = random_float(state, 0, 20);
    in[1] = random_float(state, -20, 20);
    in[2] = random_float(state, -24, 0);
}

/* Around the least normal number, so that operands, results or both are denormal. */
static void
fill_small(weft_dtype t, uint64_t *state, int64_t i, double in[3])
{
    int least = t == WEFT_F32 ? -126 : -1022;
    (void)i;
    in[0] = random_float(state, least - 6, least + 1);
    in[1] = random_float(state, least - 6, least + 1);
    in[2] = 0;
}

static void
fill_specials(weft_dtype t, uint64_t *state, int64_t i, double in[3])
{
    static const double values[] = {
        0.0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 3.5, -1e30, 1e-30
    };
    (void)t, (void)state;
    in[0] = values[i % 10];
    in[1] = values[i / 10 % 10];
    in[2] = 0;
}

static const struct kind {
    const char *name;
    const operation *operation;
    int n;
    int64_t count;
    fill *fill;
} kinds[] = { { "contraction", contractions, 4, CONTRACTIONS, fill_products },
              { "quotient", quotients, 4, PAIRS, fill_quotients },
              { "rounding", roundings, 5, PAIRS, fill_sums },
              { "denormal", denormals, 4, SMALL, fill_small },
              { "special", specials, 11, 128, fill_specials } };
enum { NKINDS = sizeof kinds / sizeof *kinds };

/* ---- cases ----------------------------------------------------------------------------------- */

static double
value(const operation *op, weft_dtype t, bool once, const double in[3])
{
    if (t == WEFT_F32)
        return (double)(once ? op->once32 : op->f32)((float)in[0], (float)in[1], (float)in[2]);
    return (once ? op->once64 : op->f64)(in[0], in[1], in[2]);
}

static void
read_inputs(const numeric_case *c, int64_t i, double in[3])
{
    for (int k = 0; k < 3; k++)
        in[k] = weft_get_f64(c->dtype[k], c->data[k], i);
}

static void
write_text(numeric_case *c, const struct kind *kind, const char *t)
{
    long long n = (long long)kind->count;
    weft_str_addf(&c->text,
                  "kernel flat %s(A: %s[%lld], B: %s[%lld], C: %s[%lld], D: out %s[%lld])\n",
                  c->name, t, n, t, n, t, n, t, n * kind->n);
    weft_str_addf(&c->text,
                  "{\n    for b in 0..%lld on block.x {\n        for t in 0..64 on thread.x {\n"
                  "            let i: i32 = b * 64 + t\n            let p: %s = A[i] * B[i]\n"
                  "            alloc acc: local %s[1]\n            acc[0] = C[i]\n"
                  "            for j in 0..2 {\n                acc[0] = acc[0] + A[i] * B[i]\n    "
                  "        }\n",
                  n / 64, t, t);
    for (int k = 0; k < kind->n; k++) {
        weft_str_addf(&c->text, "            D[%lld + i] = ", n * k);
        for (const char *at = kind->operation[k].text; *at; at++)
            if (*at == 'T')
                weft_str_add(&c->text, t);
            else
                weft_str_addn(&c->text, at, 1);
        weft_str_add(&c->text, "\n");
    }
    weft_str_add(&c->text, "        }\n    }\n}\n");
}

static numeric_case *
make_case(const struct kind *kind, weft_dtype t)
{
    numeric_case *c = calloc(1, sizeof *c);
    uint64_t state = 20;
    double in[3];
    snprintf(c->name, sizeof c->name, "%s_%s", kind->name, weft_dtype_name(t));
    for (int k = 0; k < 3; k++)
        add_input(c, t, kind->count);
    add_output(c, t, kind->n * kind->count);
    c->step = kind->count;
    for (int64_t i = 0; i < kind->count; i++) {
        kind->fill(t, &state, i, in);
        for (int k = 0; k < 3; k++)
            weft_set_f64(t, c->data[k], i, in[k]);
    }
    write_text(c, kind, weft_dtype_name(t));
    return c;
}

static const struct kind *
kind_of(const numeric_case *c)
{
    const struct kind *k = kinds;
    while (strncmp(c->name, k->name, strlen(k->name)) != 0)
        k++;
    return k;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* What a device was seen to do, a row of the table that is printed. */
typedef struct seen {
    const promise *promise;
    int64_t contracted, flushed;
    double division, root;
} seen;

static double
ulps(weft_dtype t, double got, double want)
{
    int e;
    if (got == want || (isnan(got) && isnan(want)))
        return 0;
    if (isnan(got) || isnan(want) || isinf(got) || isinf(want))
        return INFINITY;
    (void)frexp(want, &e);
    int least = t == WEFT_F32 ? -126 : -1022, digits = t == WEFT_F32 ? 23 : 52;
    return fabs(got - want) / ldexp(1, (e - 1 < least ? least : e - 1) - digits);
}

static bool
is_denormal(weft_dtype t, double v)
{
    return v != 0 && fabs(v) < (t == WEFT_F32 ? 0x1p-126 : 0x1p-1022);
}

/* The result with denormals zero before it, after it, or both. */
static bool
is_flushed(const operation *op, weft_dtype t, const double in[3], double got)
{
    for (int mask = 0; mask < 4; mask++) {
        double zeroed[3] = { in[0], in[1], in[2] };
        for (int k = 0; k < 2; k++)
            if (mask >> k & 1 && is_denormal(t, in[k]))
                zeroed[k] = 0;
        double v = value(op, t, false, zeroed);
        if (got == v || (got == 0 && is_denormal(t, v)))
            return true;
    }
    return false;
}

static bool
within(double off, double limit)
{
    return off <= (limit > 0 ? ceil(limit) : 0);
}

static bool
keeps(const seen *s, const operation *op, weft_dtype t, int width, const weft_target *target,
      const double in[3], double got, seen *out)
{
    const promise *p = s->promise;
    double want = value(op, t, false, in), off = ulps(t, got, want);
    bool exact = p->level == WEFT_STRICT && target->round_division & width;
    bool kept = !p->flushes || (p->level == WEFT_STRICT && target->denorm_preserve & width);
    switch (op->property) {
    case ROUNDED:
        return off == 0 || p->loses;
    case CONTRACTED:
        out->contracted += off != 0;
        return off == 0 || (p->contracts && got == value(op, t, true, in));
    case DIVISION:
        out->division = fmax(out->division, off);
        return within(off, exact ? 0 : p->division);
    case ROOT:
        out->root = fmax(out->root, off);
        return within(off, exact ? 0 : p->root);
    case DENORMAL:
        out->flushed += off != 0;
        return off == 0 || (!kept && is_flushed(op, t, in, got));
    case SPECIAL:
        return p->loses ||
               (within(off, strchr(op->text, '/') && !exact ? p->division : 0) &&
                (p->level != WEFT_STRICT || isnan(want) || !signbit(want) == !signbit(got)));
    }
    return false;
}

static int
judge(void *user, const numeric_case *c, int param, const void *got, const weft_device_info *info)
{
    seen *s = user;
    const struct kind *kind = kind_of(c);
    weft_dtype t = c->dtype[0];
    int differ = 0;
    double in[3];
    for (int k = 0; k < kind->n; k++) {
        int here = 0;
        for (int64_t i = 0; i < kind->count; i++) {
            double v = weft_get_f64(t, got, k * kind->count + i);
            read_inputs(c, i, in);
            if (keeps(s, &kind->operation[k], t, t == WEFT_F32 ? 32 : 64, &info->target, in, v, s))
                continue;
            if (!here++)
                print_error("%s, %s: %s of %s: A %a, B %a, C %a give %a, not %a\n", info->id,
                            weft_numerics_name(s->promise->level), kind->operation[k].text,
                            weft_dtype_name(t), in[0], in[1], in[2], v,
                            value(&kind->operation[k], t, false, in));
        }
        differ += here;
    }
    (void)param;
    return differ;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void
the_interpreter_computes_what_the_host_does(void **state)
{
    int differ = 0;
    (void)state;
    for (int k = 0; k < NKINDS; k++)
        for (int f = 0; f < 2; f++) {
            numeric_case *c = make_case(&kinds[k], f ? WEFT_F64 : WEFT_F32);
            seen s = { &promises[0], 0, 0, 0, 0 };
            weft_device_info info = { .id = "interp",
                                      .target = *weft_profile_find("interp", NULL) };
            settle(c);
            differ += judge(&s, c, 3, c->data[3], &info);
            drop_case(c);
        }
    assert_int_equal(differ, 0);
}

static void
check_levels(const weft_driver *driver)
{
    numeric_case *cases[2 * NKINDS];
    int differ = 0, n = 0;
    for (int k = 0; k < NKINDS; k++)
        for (int f = 0; f < 2; f++)
            cases[n++] = make_case(&kinds[k], f ? WEFT_F64 : WEFT_F32);
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        seen s = { &promises[i], 0, 0, 0, 0 };
        if (promises[i].api != driver->api)
            continue;
        differ += judge_on_device(driver, promises[i].level, n, cases, judge, &s);
        print_message(
            "%-9s %-7s  contracted %5lld  division %.2g ulp  sqrt %.2g ulp  flushed %lld\n",
            driver->name, weft_numerics_name(promises[i].level), (long long)s.contracted,
            s.division, s.root, (long long)s.flushed);
    }
    for (int i = 0; i < n; i++)
        drop_case(cases[i]);
    assert_int_equal(differ, 0);
}

/* PTX says what NVRTC made of a product and a sum, a quotient and a root. */
static void
nvrtc_makes_of_each_level_what_it_promises(void **state)
{
    static const char text[] = "extern \"C\" __global__ void f(float *a)\n{\n"
                               "    a[0] = a[1] * a[2] + a[3];\n"
                               "    a[4] = a[5] / a[6];\n    a[7] = sqrtf(a[8]);\n}\n";
    static const char *const has[][3] = {
        [WEFT_STRICT] = { "mul.rn.f32", "div.rn.f32", "sqrt.rn.f32" },
        [WEFT_DEFAULT] = { "fma.rn.f32", "div.rn.f32", "sqrt.rn.f32" },
        [WEFT_FAST] = { "fma.rn.ftz.f32", "div.approx.ftz.f32", "sqrt.approx.ftz.f32" },
    };
    weft_nvrtc nvrtc;
    (void)state;
    if (!weft_nvrtc_open(&nvrtc, NULL))
        skip();
    for (int level = WEFT_STRICT; level <= WEFT_FAST; level++) {
        weft_diag *diag = weft_diag_create();
        weft_str options = { 0 };
        bool exact;
        void *image = NULL;
        size_t size = 0;
        weft_status s =
            weft_nvrtc_options(&nvrtc, 81, (weft_numerics)level, &exact, &options, diag);
        if (s == WEFT_OK)
            s = weft_nvrtc_image(&nvrtc, "f", text, options.at, exact, diag, NULL, &image, &size);
        if (s != WEFT_OK)
            fail_msg("%s", weft_diag_text(diag));
        assert_false(exact);
        for (int i = 0; i < 3; i++)
            if (!strstr(image, has[level][i]))
                fail_msg("%s: no %s in\n%s", weft_numerics_name((weft_numerics)level),
                         has[level][i], (char *)image);
        free(image);
        weft_str_free(&options);
        weft_diag_destroy(diag);
    }
}

#define LEVELS_OF(name)                                                                            \
    static void every_level_of_##name##_keeps_its_promises(void **state)                           \
    {                                                                                              \
        (void)state;                                                                               \
        check_levels(&weft_##name##_driver);                                                       \
    }
LEVELS_OF(opencl)
LEVELS_OF(vulkan)
LEVELS_OF(cuda_emu)
LEVELS_OF(metal_emu)
LEVELS_OF(vulkan_emu)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interpreter_computes_what_the_host_does),
        cmocka_unit_test(nvrtc_makes_of_each_level_what_it_promises),
        cmocka_unit_test(every_level_of_opencl_keeps_its_promises),
        cmocka_unit_test(every_level_of_vulkan_keeps_its_promises),
        cmocka_unit_test(every_level_of_cuda_emu_keeps_its_promises),
        cmocka_unit_test(every_level_of_metal_emu_keeps_its_promises),
        cmocka_unit_test(every_level_of_vulkan_emu_keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
