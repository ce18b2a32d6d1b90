/* What a run decides: graphs in text on every device that is here, against numbers written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/check.h"

typedef struct tensor {
    weft_dtype dtype;
    int ndim;
    int64_t dim[3];
    double at[24];
} tensor;

static const char *const devices[] = { "interp", "interp:1", "opencl", "vulkan", "cuda-emu", "metal-emu" };

static weft_const
const_of(weft_arena *arena, const tensor *t)
{
    weft_const c = { .dtype = t->dtype, .ndim = t->ndim, .dim = t->dim };
    void *data;
    assert_int_equal(weft_tensor_room("t", arena, &c, NULL), WEFT_OK);
    data = (void *)(uintptr_t)c.data;
    for (int64_t i = 0; i < weft_element_count(&c); i++)
        weft_set_f64(c.dtype, data, i, t->at[i]);
    return c;
}

typedef struct bench {
    weft_diag *diag;
    weft_device *device; /* NULL: the device is not here */
    weft_module *module;
    weft_session *session;
    weft_arena arena;
} bench;

static bench
set_up(const char *text, const char *device)
{
    bench b = { .diag = weft_diag_create() };
    weft_drivers drivers = weft_all_drivers();
    weft_target target;
    weft_compile_job job = { .text = text, .threads = 1, .optimize = 1 };
    if (weft_device_open(&drivers, device, NULL, &b.device) ||
        weft_resolve_target(NULL, b.device, &target, b.diag))
        return b;
    if (weft_compile_targets("flow.wir", 1, &target, &job, b.diag, &b.module) ||
        weft_session_create(b.module, b.device, NULL, b.diag, &b.session))
        fail_msg("%s: %s", device, weft_diag_text(b.diag));
    return b;
}

static void
tear_down(bench *b)
{
    weft_session_destroy(b->session);
    weft_module_destroy(b->module);
    weft_device_close(b->device);
    weft_diag_destroy(b->diag);
    weft_arena_reset(&b->arena);
}

static weft_status
run(bench *b, int nin, const tensor *in, weft_const *out)
{
    weft_const *c = WEFT_NEW_ARRAY(&b->arena, nin + 1, weft_const);
    const int64_t **dims = WEFT_NEW_ARRAY(&b->arena, nin + 1, const int64_t *);
    for (int i = 0; i < nin; i++) {
        c[i] = const_of(&b->arena, &in[i]);
        dims[i] = in[i].dim;
    }
    weft_status status = weft_session_bind(b->session, dims, b->diag);
    return status ? status : weft_run_once(b->session, c, &b->arena, out, b->diag);
}

static void
check_output(const char *device, int i, const weft_const *got, const tensor *want)
{
    assert_int_equal(got->dtype, want->dtype);
    assert_int_equal(got->ndim, want->ndim);
    for (int d = 0; d < got->ndim; d++)
        if (got->dim[d] != want->dim[d])
            fail_msg("%s: output %d: dimension %d is %lld", device, i, d, (long long)got->dim[d]);
    for (int64_t k = 0; k < weft_element_count(got); k++)
        if (weft_get_f64(got->dtype, got->data, k) != want->at[k])
            fail_msg("%s: output %d: element %lld is %g, not %g", device, i, (long long)k,
                     weft_get_f64(got->dtype, got->data, k), want->at[k]);
}

static void
gives(const char *text, int nin, const tensor *in, int nout, const tensor *want)
{
    for (size_t d = 0; d < sizeof devices / sizeof *devices; d++) {
        bench b = set_up(text, devices[d]);
        weft_const out[4];
        for (int again = 0; again < 2 && b.session; again++) { /* a session runs any number of times */
            if (run(&b, nin, in, out))
                fail_msg("%s: %s", devices[d], weft_diag_text(b.diag));
            for (int i = 0; i < nout; i++)
                check_output(devices[d], i, &out[i], &want[i]);
        }
        tear_down(&b);
    }
}

static void
fails(const char *text, int nin, const tensor *in, const char *why)
{
    bench b = set_up(text, "interp");
    weft_const out[4];
    assert_int_not_equal(run(&b, nin, in, out), WEFT_OK);
    if (!strstr(weft_diag_text(b.diag), why))
        fail_msg("'%s' does not say '%s'", weft_diag_text(b.diag), why);
    tear_down(&b);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static const char head[] =
    "graph head(c: i64[2], x: f32[n, 3]) -> (y, z) {\n"
    "    k: i64[] = read(c) {symbol=\"k\", at=1, most=[n]}\n"
    "    y: f32[k, 3] = slice(x) {starts=[0, 0], steps=[1, 1], dims=[k, 3]}\n"
    "    s: f32[k] = sum(y) {axes=[1], keepdims=0}\n"
    "    d: i64[] = dims() {value=[k * 2], scalar=1}\n"
    "    e: f32[] = cast(d) {dtype=f32}\n"
    "    z: f32[k] = multiply(s, e)\n"
    "}\n";

static void
an_output_has_the_size_that_was_read(void **state)
{
    (void)state;
    tensor in[] = { { WEFT_I64, 1, { 2 }, { 9, 2 } },
                    { WEFT_F32, 2, { 4, 3 }, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } } };
    tensor want[] = { { WEFT_F32, 2, { 2, 3 }, { 0, 1, 2, 3, 4, 5 } },
                      { WEFT_F32, 1, { 2 }, { 12, 48 } } };
    gives(head, 2, in, 2, want);
    in[0].at[1] = 0;
    want[0].dim[0] = want[1].dim[0] = 0;
    gives(head, 2, in, 2, want);
    in[1].dim[0] = 0;
    gives(head, 2, in, 2, want);
}

static void
a_size_beyond_its_bound_ends_the_run_and_is_named(void **state)
{
    (void)state;
    tensor in[] = { { WEFT_I64, 1, { 2 }, { 0, 5 } }, { WEFT_F32, 2, { 4, 3 }, { 0 } } };
    fails(head, 2, in, "'k', read from 'c', is 5; it is possible from 0 to 4");
    in[0].at[1] = -1;
    fails(head, 2, in, "is -1; it is possible from 0 to 4");
}

static void
a_size_that_falls_with_another_has_room(void **state)
{
    (void)state;
    tensor in[] = { { WEFT_BOOL, 1, { 1 }, { 1 } }, { WEFT_I32, 1, { 5 }, { 5, 6, 7, 8, 9 } } };
    tensor want[] = { { WEFT_I32, 1, { 4 }, { 5, 6, 7, 8 } } };
    const char *text = "graph tail(c: bool[1], x: i32[5]) -> (y) {\n"
                       "    k: i64[] = read(c) {symbol=\"k\", at=0, most=[1]}\n"
                       "    y: i32[5 - k] = slice(x) {starts=[0], steps=[1], dims=[5 - k]}\n"
                       "}\n";
    gives(text, 2, in, 1, want);
    in[0].at[0] = 0;
    want[0] = in[1];
    gives(text, 2, in, 1, want);
}

/* ---- conditions and loops -------------------------------------------------------------------- */

/* Two carried values that change places, a stack, a test that may end the loop early, and branches of
 * different sizes. */
static const char loops[] =
    "graph loops(x: f32[4], d: f32[4], z: f32[2], m: i64[], t: f32[]) -> (last, all, y, steps) {\n"
    "    one: f32[] = constant [1.0]\n"
    "    n: i64[] = read(m) {symbol=\"n\", at=0, most=[8]}\n"
    "    a: f32[4] = carry(x)\n"
    "    p: f32[4] = carry(d)\n"
    "    loop i < n {\n"
    "        ii: i64[] = dims() {value=[i], scalar=1}\n"
    "        fi: f32[] = cast(ii) {dtype=f32}\n"
    "        b: f32[4] = add(a, fi)\n"
    "        c: f32[n, 4] = stack(b) {at=[i], size=[n]}\n"
    "        s: f32[] = sum(b) {axes=[0], keepdims=0}\n"
    "        go: bool[] = less(s, t)\n"
    "        k: i64[] = read(go) {symbol=\"k\", at=0, most=[1]}\n"
    "        e: f32[4] = yield(p, a)\n"
    "        g: f32[4] = yield(b, p)\n"
    "    } while k as count\n"
    "    last: f32[4] = result(e)\n"
    "    all: f32[count, 4] = result(c) {size=[count]}\n"
    "    steps: i64[] = dims() {value=[count], scalar=1}\n"
    "    if k {\n"
    "        f: f32[4] = yield(x)\n"
    "    }\n"
    "    if 1 - k {\n"
    "        zz: f32[2] = add(z, one)\n"
    "        h: f32[2] = yield(zz)\n"
    "    }\n"
    "    y: f32[k * 2 + 2] = merge(f, h) {dims=[k * 2 + 2]}\n"
    "}\n";

static void
a_loop_runs_until_its_test_fails(void **state)
{
    (void)state;
    tensor in[] = { { WEFT_F32, 1, { 4 }, { 1, 2, 3, 4 } },
                    { WEFT_F32, 1, { 4 }, { 0, 0, 0, 1 } },
                    { WEFT_F32, 1, { 2 }, { 1, 2 } },
                    { WEFT_I64, 0, { 0 }, { 5 } },
                    { WEFT_F32, 0, { 0 }, { 18 } } };
    tensor early[] = { { WEFT_F32, 1, { 4 }, { 1, 1, 1, 2 } },
                       { WEFT_F32, 2, { 3, 4 }, { 1, 2, 3, 4, 1, 1, 1, 2, 3, 4, 5, 6 } },
                       { WEFT_F32, 1, { 2 }, { 2, 3 } },
                       { WEFT_I64, 0, { 0 }, { 3 } } };
    gives(loops, 5, in, 4, early);
    in[3].at[0] = 2;
    tensor whole[] = { { WEFT_F32, 1, { 4 }, { 1, 2, 3, 4 } },
                       { WEFT_F32, 2, { 2, 4 }, { 1, 2, 3, 4, 1, 1, 1, 2 } },
                       { WEFT_F32, 1, { 4 }, { 1, 2, 3, 4 } },
                       { WEFT_I64, 0, { 0 }, { 2 } } };
    gives(loops, 5, in, 4, whole);
    in[3].at[0] = 0;
    tensor never[] = { { WEFT_F32, 1, { 4 }, { 1, 2, 3, 4 } },
                       { WEFT_F32, 2, { 0, 4 }, { 0 } },
                       { WEFT_F32, 1, { 2 }, { 2, 3 } },
                       { WEFT_I64, 0, { 0 }, { 0 } } };
    gives(loops, 5, in, 4, never);
    in[3].at[0] = 9;
    fails(loops, 5, in, "'n', read from 'm', is 9; it is possible from 0 to 8");
}

/* What is made before a loop and read in it survives every round; loops in loops and conditions in
 * them have their own values. */
static const char nested[] =
    "graph nested(x: f32[3], w: f32[3]) -> (y, z) {\n"
    "    a: f32[3] = abs(x)\n"
    "    b: f32[3] = negative(w)\n"
    "    p: f32[3] = carry(x)\n"
    "    loop i < 3 {\n"
    "        q: f32[3] = carry(p)\n"
    "        loop j < i + 1 {\n"
    "            r: f32[3] = add(q, b)\n"
    "            t: f32[3] = subtract(r, b)\n"
    "            u: f32[3] = multiply(t, a)\n"
    "            v: f32[3] = yield(u, q)\n"
    "        }\n"
    "        s: f32[3] = result(v)\n"
    "        if i % 2 {\n"
    "            c: f32[3] = negative(s)\n"
    "            d: f32[3] = yield(c)\n"
    "        }\n"
    "        if 1 - i % 2 {\n"
    "            e: f32[3] = yield(s)\n"
    "        }\n"
    "        f: f32[3] = merge(d, e) {dims=[3]}\n"
    "        g: f32[3, 3] = stack(f) {at=[2 - i], size=[3]}\n"
    "        h: f32[3] = yield(f, p)\n"
    "    }\n"
    "    y: f32[3] = result(h)\n"
    "    z: f32[3, 3] = result(g)\n"
    "}\n";

static void
loops_and_conditions_nest(void **state)
{
    (void)state;
    tensor in[] = { { WEFT_F32, 1, { 3 }, { 1, 2, 3 } }, { WEFT_F32, 1, { 3 }, { 5, -6, 7 } } };
    tensor want[] = {
        { WEFT_F32, 1, { 3 }, { -1, -128, -2187 } },
        { WEFT_F32, 2, { 3, 3 }, { -1, -128, -2187, -1, -16, -81, 1, 4, 9 } },
    };
    gives(nested, 2, in, 2, want);
}

/* The device's kernels one by one, on the reference's values in each iteration. */
static void
kernels_in_loops_are_checked_one_by_one(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_compile_job job = { .text = nested, .threads = 1, .optimize = 1 };
    weft_check_options o = { .job = job, .fill = "random:0", .per_kernel = true };
    const char *device[] = { "interp" };
    weft_check_report report;
    o.ndevice = 1;
    o.device = device;
    if (weft_check_model("nested.wir", &o, diag, &report))
        fail_msg("%s", weft_diag_text(diag));
    assert_int_equal(report.run.n, 1);
    assert_int_equal(report.run.at[0].status, WEFT_OK);
    assert_int_equal(report.run.at[0].kernel.n, 1 + 1 + 6 + 1); /* a, b, u, c */
    weft_check_report_free(&report);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_has_the_size_that_was_read),
        cmocka_unit_test(a_size_beyond_its_bound_ends_the_run_and_is_named),
        cmocka_unit_test(a_size_that_falls_with_another_has_room),
        cmocka_unit_test(a_loop_runs_until_its_test_fails),
        cmocka_unit_test(loops_and_conditions_nest),
        cmocka_unit_test(kernels_in_loops_are_checked_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
