/* test_threads.c: reductions across threads of every shape, and barriers: all that are needed, none
 * that is not. */
#include "support.h"

#include "ir/interp.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DATA = 4096 };

/* ---- running --------------------------------------------------------------------------------- */

/* Lowered for a target of such caps whose subgroups have so many lanes. */
static weft_kernel *
lower_kernel(weft_ir *ir, const char *name, const char *text, const char *passes, int lanes,
             weft_caps caps, weft_diag *diag)
{
    weft_lower_options o = lane_options(lanes);
    weft_kernel *const *kernel;
    int n = 0;
    o.caps = &caps;
    ir->diag = diag;
    if (weft_parse_kernels(ir, name, text, &n, &kernel) != WEFT_OK ||
        weft_run_passes(kernel[0], passes, &o, diag) != WEFT_OK)
        fail_msg("%s\n%s", weft_diag_text(diag), text);
    return kernel[0];
}

static weft_kernel *
read_kernel(weft_ir *ir, const char *name, const char *text, const char *passes, weft_diag *diag)
{
    return lower_kernel(ir, name, text, passes, 1, plain_caps(true), diag);
}

/* Runs on inputs of small numbers; out[i] are the parameters afterwards. */
static weft_status
run(const weft_kernel *k, weft_order order, double (*out)[MAX_DATA], weft_diag *diag)
{
    weft_interp_options options = { .threads = 1, .order = order, .seed = 3 };
    weft_interp *in = weft_interp_create(k, &options, diag);
    weft_interp_buffer buffer[8] = { 0 };
    if (!in)
        return weft_diag_status(diag);
    for (int i = 0; i < k->nparam; i++) {
        int64_t n = 0;
        weft_dtype t = k->param[i]->dtype;
        assert_true(weft_as_int(k->param[i]->shape[0], &n) && n <= MAX_DATA && i < 8);
        bool reads = k->access[i] != WEFT_WRITE;
        buffer[i] = (weft_interp_buffer){ calloc((size_t)n, 8), n, reads, !reads };
        for (int64_t e = 0; e < n && reads; e++) {
            int64_t v = (e * 7919 + 13) % 64 - 31; /* its sums and some products are exact */
            if (weft_is_float(t))
                weft_set_f64(t, buffer[i].data, e, v == 0 ? 1 : (double)v);
            else
                weft_set_i64(t, buffer[i].data, e, v);
        }
    }
    weft_status st = weft_interp_run(in, buffer, NULL, diag);
    for (int i = 0; i < k->nparam; i++) {
        for (int64_t e = 0; e < buffer[i].count && out; e++)
            out[i][e] = weft_get_f64(k->param[i]->dtype, buffer[i].data, e);
        free(buffer[i].data);
    }
    weft_interp_destroy(in);
    return st;
}

/* ---- reductions ------------------------------------------------------------------------------ */

static const char *const combiners[] = { "(a, b) = (a + b) from (0.0)",
                                         "(a, b) = (max(a, b)) from (-inf)",
                                         "(a, b) = (min(a, b)) from (inf)",
                                         "(a, b) = (a * b) from (1.0)" };

static double
combined(int combiner, double a, double b)
{
    return combiner == 0   ? a + b
           : combiner == 1 ? (a > b ? a : b)
           : combiner == 2 ? (a < b ? a : b)
                           : a * b;
}

/* Threads x * y; reduced along the axes in `axes`; two times round a loop.  Whether by shuffles. */
static bool
check_reduction(int x, int y, unsigned axes, int combiner, int lanes)
{
    static double got[8][MAX_DATA];
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_str text = { 0 };
    int n = x * y;
    weft_str_addf(&text, "kernel flat k(A: f32[%d], C: out f32[%d]) {\n", 2 * n, 2 * n);
    weft_str_addf(
        &text, "    for ty in 0..%d on thread.y {\n        for tx in 0..%d on thread.x {\n", y, x);
    weft_str_addf(&text,
                  "            for i in 0..2 {\n                allreduce s: f32 = A[i * %d + ty * "
                  "%d + tx]%s over %s combine %s\n",
                  n, x, combiner == 3 ? " / 16.0" : "",
                  axes == 1   ? "thread.x"
                  : axes == 2 ? "thread.y"
                              : "thread.x, thread.y",
                  combiners[combiner]);
    weft_str_addf(
        &text, "                C[i * %d + ty * %d + tx] = s\n            }\n        }\n    }\n}\n",
        n, x);
    weft_kernel *k =
        lower_kernel(ir, "reduction", weft_str_text(&text),
                     "reduce-threads,simplify,barriers,legalize,hoist", lanes, plain_caps(true), diag);
    bool shuffled = k->subgroup > 0;
    for (int order = 0; order < 3; order++) {
        if (run(k, (weft_order)order, got, diag) != WEFT_OK)
            fail_msg("%s", weft_diag_text(diag));
        for (int e = 0; e < 2 * n; e++) {
            int i = e / n, ty = e % n / x, tx = e % x;
            double want = combiner == 0 ? 0 : combiner == 1 ? -1e9 : combiner == 2 ? 1e9 : 1;
            for (int v = 0; v < (axes & 2 ? y : 1); v++)
                for (int u = 0; u < (axes & 1 ? x : 1); u++) {
                    double a = got[0][i * n + (axes & 2 ? v : ty) * x + (axes & 1 ? u : tx)];
                    want = combined(combiner, want, combiner == 3 ? a / 16 : a);
                }
            double off = got[1][e] - want;
            if (!(off * off <= 1e-8 * want * want) &&
                !(want != want || want > 3e38 || want < -3e38))
                fail_msg("%dx%d threads, axes %u: element %d is %g, not %g", x, y, axes, e,
                         got[1][e], want);
        }
    }
    weft_str_free(&text);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    return shuffled;
}

static const int lane_counts[] = { 1, 4, 32, 64 };

static void
threads_of_any_number_combine_their_values(void **state)
{
    (void)state;
    static const int extents[] = { 1, 2, 3, 7, 32, 48, 96, 100, 256 };
    for (int i = 0; i < 9; i++)
        for (int combiner = 0; combiner < 4; combiner++)
            for (int l = 0; l < 4; l++) {
                int n = extents[i], lanes = lane_counts[l];
                bool shuffled = check_reduction(n, 1, 1, combiner, lanes);
                assert_true(shuffled == (lanes > 1 && n % 2 == 0 && (lanes > 4 || n < 256)));
            }
}

static void
one_axis_of_two_or_both_are_combined(void **state)
{
    (void)state;
    static const int shapes[][2] = {
        { 7, 3 }, { 4, 8 }, { 1, 5 }, { 16, 1 }, { 3, 32 }, { 33, 2 }, { 8, 24 }, { 20, 6 }
    };
    for (int i = 0; i < 8; i++)
        for (unsigned axes = 1; axes <= 3; axes++)
            for (int l = 0; l < 4; l++) {
                check_reduction(shapes[i][0], shapes[i][1], axes, 0, lane_counts[l]);
                check_reduction(shapes[i][0], shapes[i][1], axes, 1, lane_counts[l]);
            }
    assert_true(check_reduction(8, 24, 2, 0, 32)); /* columns: every eighth lane */
    assert_false(check_reduction(33, 2, 1, 0, 32));
}

static void
a_tuple_keeps_the_greatest_with_its_first_place(void **state)
{
    (void)state;
    static const int extents[] = { 1, 2, 3, 7, 32, 100, 256 };
    static double got[8][MAX_DATA];
    for (int i = 0; i < 14; i++) {
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        weft_str text = { 0 };
        int n = extents[i / 2];
        weft_str_addf(&text,
                      "kernel flat k(A: f32[%d], V: out f32[3], P: out i32[3]) {\n    for t in "
                      "0..%d on thread.x {\n        for i in 0..3 {\n",
                      3 * n, n);
        weft_str_addf(
            &text,
            "            allreduce v: f32, p: i32 = A[i * %d + t], t over thread.x combine (a, b, "
            "c, d) = "
            "(max(a, c), select(a > c || a == c && b < d, b, d)) from (-inf, 2147483647)\n",
            n);
        weft_str_add(&text, "            if t == 0 {\n                V[i] = v\n                "
                            "P[i] = p\n            }\n        }\n    }\n}\n");
        weft_kernel *k = lower_kernel(ir, "argmax", weft_str_text(&text),
                                      "reduce-threads,simplify,barriers,legalize", i % 2 ? 32 : 1,
                                      plain_caps(true), diag);
        if (run(k, WEFT_ORDER_SHUFFLE, got, diag) != WEFT_OK)
            fail_msg("%s", weft_diag_text(diag));
        for (int r = 0; r < 3; r++) {
            int best = 0;
            for (int e = 1; e < n; e++)
                best = got[0][r * n + e] > got[0][r * n + best] ? e : best;
            assert_true(got[1][r] == got[0][r * n + best] && got[2][r] == best);
        }
        weft_str_free(&text);
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
}

/* The greatest of 96 numbers of a type, and whether any is above 20, by lanes of a device that has all
 * types, or none but words. */
static void
check_type(weft_dtype t, bool rich)
{
    static double got[8][MAX_DATA];
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_str text = { 0 };
    weft_caps caps = plain_caps(rich);
    const char *name = weft_dtype_name(t);
    for (int d = 0; d < WEFT_DTYPE_COUNT; d++)
        caps.arith[d] = rich || weft_dtype_bits((weft_dtype)d) >= 32;
    for (int i = WEFT_IN_SHFL; i <= WEFT_IN_SHFL_XOR; i++)
        caps.intrin64[i] = rich || t == WEFT_F64;
    weft_str_addf(&text,
                  "kernel flat k(A: %s[96], B: out %s[1], C: out i32[1]) {\n"
                  "    for t in 0..96 on thread.x {\n"
                  "        allreduce most: %s = A[t] over thread.x combine (a, b) = (max(a, b)) from "
                  "(%s(0))\n"
                  "        allreduce any: bool = A[t] > %s(20) over thread.x combine (c, d) = "
                  "(c || d) from (false)\n"
                  "        if t == 0 {\n            B[0] = most\n            C[0] = i32(any)\n"
                  "        }\n    }\n}\n",
                  name, name, name, name, name);
    weft_kernel *k = lower_kernel(ir, name, weft_str_text(&text),
                                  "simplify,reduce-threads,simplify,barriers,legalize,hoist", 32,
                                  caps, diag);
    assert_int_equal(k->subgroup, 32);
    for (int order = 0; order < 3; order++) {
        if (run(k, (weft_order)order, got, diag) != WEFT_OK)
            fail_msg("%s", weft_diag_text(diag));
        double most = 0;
        for (int e = 0; e < 96; e++)
            most = got[0][e] > most ? got[0][e] : most;
        if (got[1][0] != most || got[2][0] != (most > 20))
            fail_msg("%s: %g and %g, not %g", name, got[1][0], got[2][0], most);
    }
    weft_str_free(&text);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

static void
numbers_of_every_size_are_exchanged(void **state)
{
    (void)state;
    static const weft_dtype types[] = { WEFT_F16, WEFT_BF16, WEFT_F32, WEFT_F64, WEFT_I8,  WEFT_I16,
                                        WEFT_I32, WEFT_I64,  WEFT_U8,  WEFT_U16, WEFT_U32, WEFT_U64 };
    for (int i = 0; i < 12; i++)
        for (int rich = 0; rich < 2; rich++)
            check_type(types[i], rich);
}

static void
threads_of_a_number_that_is_not_constant_are_refused(void **state)
{
    (void)state;
    static const char text[] =
        "kernel flat k(A: f32[n], C: out f32[1]; n: i32) {\n    for t in 0..n on thread.x {\n"
        "        allreduce s: f32 = A[t] over thread.x combine (a, b) = (a + b) from (0.0)\n"
        "        if t == 0 {\n            C[0] = s\n        }\n    }\n}\n";
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_lower_options o = plain_options();
    weft_kernel *const *kernel;
    int n = 0;
    assert_int_equal(weft_parse_kernels(ir, "n", text, &n, &kernel), WEFT_OK);
    assert_int_equal(weft_run_passes(kernel[0], "reduce-threads", &o, diag), WEFT_UNSUPPORTED);
    assert_non_null(
        strstr(weft_diag_text(diag), "needs a constant number of them; split the axis"));
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

/* ---- barriers -------------------------------------------------------------------------------- */

typedef struct removal {
    int at, seen;
} removal;

static const weft_stmt *
leave_one_out(weft_rewriter *rw, const weft_stmt *s)
{
    removal *r = rw->user;
    if (s->kind == WEFT_SK_BARRIER && r->seen++ == r->at)
        return weft_nop(rw->ir);
    return weft_rewrite_children(rw, s);
}

/* Each barrier is needed: without it the interpreter reports a race. */
static void
check_needed(const golden *g, weft_kernel *k, weft_diag *diag)
{
    removal r = { .at = -1 };
    int n = 1;
    const weft_stmt *whole = k->body;
    for (r.at = -1; r.at < n; r.at++) {
        weft_rewriter rw = { .ir = k->ir, .stmt = leave_one_out, .user = &r };
        r.seen = 0;
        k->body = weft_rewrite_stmt(&rw, whole);
        weft_rewrite_done(&rw);
        n = r.seen;
        if (r.at >= n)
            break;
        weft_diag_clear(diag);
        weft_status st = run(k, WEFT_ORDER_FORWARD, NULL, diag);
        if (r.at < 0 && st != WEFT_OK)
            fail_msg("%s: %s", g->path, weft_diag_text(diag));
        if (r.at >= 0 && (st != WEFT_INVALID_INPUT || !strstr(weft_diag_text(diag), "race")))
            fail_msg("%s: barrier %d is not needed", g->path, r.at);
    }
    k->body = whole;
}

static void
no_barrier_is_missing_and_none_too_many(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("passes", ".wir", &at), checked = 0;
    for (int i = 0; i < n; i++) {
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        if (strstr(at[i].path, "/barriers_")) {
            check_needed(&at[i],
                         read_kernel(ir, at[i].path, at[i].input, "barriers,legalize", diag), diag);
            checked++;
        }
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
    assert_true(checked >= 8);
    goldens_free(n, at);
}

/* ---- meaning --------------------------------------------------------------------------------- */

static bool
has_constant_shapes(const weft_kernel *k)
{
    int64_t n;
    for (int i = 0; i < k->nparam; i++)
        if (!weft_as_int(k->param[i]->shape[0], &n) || n > MAX_DATA || k->param[i]->ndim != 1)
            return false;
    return k->nscalar == 0;
}

/* Elements to be compared: those of an output whose dtype in memory is still the same. */
static int64_t
length_of(const weft_kernel *a, const weft_kernel *b, int param)
{
    int64_t n = 0;
    for (int i = 0; i < a->nparam; i++) /* other numbers have been put into it */
        if (a->access[i] == WEFT_READ && a->param[i]->dtype != b->param[i]->dtype)
            return 0;
    if (a->access[param] != WEFT_READ && a->param[param]->dtype == b->param[param]->dtype)
        weft_as_int(a->param[param]->shape[0], &n);
    return n;
}

/* Every kernel of the folder computes the same before and after its passes. */
static void
passes_keep_what_is_computed(void **state)
{
    (void)state;
    static double before[8][MAX_DATA], after[8][MAX_DATA];
    golden *at;
    int n = goldens("passes", ".wir", &at), checked = 0;
    for (int i = 0; i < n; i++) {
        char names[128];
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        assert_int_equal(sscanf(at[i].input, "# passes: %127s", names), 1);
        weft_kernel *k = read_kernel(ir, at[i].path, at[i].input, "", diag);
        /* some are there for their text, and run out of bounds or race */
        bool runs = has_constant_shapes(k) && run(k, WEFT_ORDER_FORWARD, before, diag) == WEFT_OK;
        if (runs && at[i].expected[0]) {
            weft_kernel *const *made;
            int nmade;
            if (weft_parse_kernels(ir, at[i].path, at[i].expected, &nmade, &made) != WEFT_OK ||
                run(made[0], WEFT_ORDER_REVERSE, after, diag) != WEFT_OK)
                fail_msg("%s: %s", at[i].path, weft_diag_text(diag));
            for (int p = 0; p < k->nparam; p++)
                for (int64_t e = 0; e < length_of(k, made[0], p); e++) {
                    double off = after[p][e] - before[p][e];
                    if (off * off > 1e-10 * before[p][e] * before[p][e])
                        fail_msg("%s: parameter %d [%d] is %g, not %g", at[i].path, p, (int)e,
                                 after[p][e], before[p][e]);
                }
            checked++;
        }
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
    assert_true(checked >= 25);
    goldens_free(n, at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_any_number_combine_their_values),
        cmocka_unit_test(one_axis_of_two_or_both_are_combined),
        cmocka_unit_test(a_tuple_keeps_the_greatest_with_its_first_place),
        cmocka_unit_test(numbers_of_every_size_are_exchanged),
        cmocka_unit_test(threads_of_a_number_that_is_not_constant_are_refused),
        cmocka_unit_test(no_barrier_is_missing_and_none_too_many),
        cmocka_unit_test(passes_keep_what_is_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
