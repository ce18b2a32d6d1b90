/* Sessions on real devices: hand-written kernels give the sums; limits and shapes are refused. */
#include "support.h"

#include "backends/vulkan/device_priv.h"

#include <math.h>
#include <stdio.h>

static weft_drivers
linked(void)
{
    return weft_linked_drivers();
}

/* Whether the driver has a device; says so when it has not. */
static bool
present(const weft_driver *driver)
{
    weft_str why = { 0 };
    bool is_there = driver->count(&why) > 0;
    if (!is_there)
        print_message("skipped: %s: %s\n", driver->name, weft_str_text(&why));
    weft_str_free(&why);
    return is_there;
}

static void
run_and_compare(weft_session *s, weft_diag *diag, int n)
{
    float a[1000], c[1000], y[1000];
    size_t bytes = (size_t)n * sizeof(float);
    for (int i = 0; i < n; i++) {
        a[i] = (float)(i * 2);
        c[i] = (float)(i + 7);
        y[i] = -1;
    }
    weft_session_poison(s, diag);
    weft_session_set_input(s, 0, a, bytes, diag);
    weft_session_set_input(s, 1, c, bytes, diag);
    weft_session_run(s, diag);
    weft_session_get_output(s, 0, y, bytes, diag);
    assert_string_equal(weft_diag_text(diag), "");
    for (int i = 0; i < n; i++)
        assert_float_equal(y[i], (a[i] + (float)i * 0.5f + c[i]) * 3, 0);
}

static void
adds_on(const weft_driver *driver, const char *text)
{
    if (!present(driver))
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    weft_drivers drivers = linked();
    weft_module *m = support_module(driver->api, text, NULL);
    weft_device_open(&drivers, driver->name, diag, &d);
    if (!d)
        fail_msg("%s", weft_diag_text(diag));
    if (weft_session_create(m, d, NULL, diag, &s))
        fail_msg("%s", weft_diag_text(diag));
    const int64_t sizes[] = { 1000, 1, 63, 65, 0, 1000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t *dims[] = { &sizes[i], &sizes[i] };
        if (weft_session_bind(s, dims, diag))
            fail_msg("%s", weft_diag_text(diag));
        run_and_compare(s, diag, (int)sizes[i]);
        run_and_compare(s, diag, (int)sizes[i]);
    }
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
a_kernel_of_opencl_c_adds(void **state)
{
    (void)state;
    adds_on(&weft_opencl_driver, support_add_cl);
}

static void
a_kernel_of_spirv_text_adds(void **state)
{
    (void)state;
    adds_on(&weft_vulkan_driver, support_add_spv);
}

/* The module of the sum with its kernel, of that text, under another name. */
static weft_module *
module_named(const char *name, const char *text)
{
    weft_module *m = support_module(WEFT_API_OPENCL, text, NULL);
    m->program->kernel->name = name;
    return m;
}

static void
kernels_of_several_modules_are_loaded_in_one_go(void **state)
{
    (void)state;
    if (!present(&weft_opencl_driver))
        skip();
    static const char narrow[] =
        "__kernel void narrow(__global const float *a, __global const float *b,\n"
        "                     __global float *y, int n, int scale)\n"
        "{\n"
        "    int i = get_group_id(0) * 64 + get_local_id(0);\n"
        "    if (i < n)\n"
        "        y[i] = (a[i] + b[i]) * (float)scale;\n"
        "}\n";
    static const uint8_t scalars[] = { WEFT_I32, WEFT_I32 };
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_drivers drivers = linked();
    weft_module *m[] = { module_named("add", support_add_cl), module_named("narrow", narrow),
                         module_named("wrong", "__kernel void wrong(int") };
    weft_kernels *k;
    m[1]->program->kernel->scalar = scalars;
    assert_int_equal(weft_device_open(&drivers, "opencl", diag, &d), WEFT_OK);
    assert_int_equal(weft_kernels_load(3, m, d, NULL, NULL, &k), WEFT_INVALID_INPUT);
    assert_null(k);
    assert_int_equal(weft_kernels_load(2, m, d, NULL, diag, &k), WEFT_OK);
    for (int i = 1; i >= 0; i--) {
        const int64_t n = 100, *dims[] = { &n, &n };
        weft_session *s;
        assert_int_equal(weft_session_create_with(k, i, diag, &s), WEFT_OK);
        assert_int_equal(weft_session_bind(s, dims, diag), WEFT_OK);
        run_and_compare(s, diag, (int)n);
        weft_session_destroy(s);
    }
    weft_kernels_unload(k);
    weft_device_close(d);
    for (int i = 0; i < 3; i++)
        weft_module_destroy(m[i]);
    weft_diag_destroy(diag);
}

/* As on a GPU whose memory the host does not see. */
static void
vulkan_memory_that_the_host_does_not_see_is_staged(void **state)
{
    (void)state;
    if (!present(&weft_vulkan_driver))
        skip();
    enum { BYTES = 40 << 20 }; /* more than the staging buffer */
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_memory *a = NULL, *b = NULL;
    char *data = malloc(BYTES), *back = malloc(BYTES);
    for (int i = 0; i < BYTES; i++)
        data[i] = (char)(i * 7 + (i >> 12));
    assert_int_equal(weft_vulkan_driver.open(0, diag, &d), WEFT_OK);
    ((weft_vk_device *)d)->mapped = false;
    weft_vulkan_driver.alloc(d, BYTES, &a, diag);
    weft_vulkan_driver.alloc(d, BYTES, &b, diag);
    assert_null(a->mapped);
    weft_vulkan_driver.upload(d, a, 0, data, BYTES, diag);
    weft_vulkan_driver.copy(d, b, 4, a, 0, BYTES - 4, diag);
    weft_vulkan_driver.upload(d, b, 0, "head", 4, diag);
    weft_vulkan_driver.download(d, b, 0, back, BYTES, diag);
    assert_string_equal(weft_diag_text(diag), "");
    assert_memory_equal(back, "head", 4);
    assert_memory_equal(back + 4, data, BYTES - 4);
    weft_vulkan_driver.free(d, a);
    weft_vulkan_driver.free(d, b);
    weft_device_close(d);
    free(data);
    free(back);
    weft_diag_destroy(diag);
}

static void
text_that_does_not_compile_is_refused_with_the_compilers_words(void **state)
{
    (void)state;
    const struct {
        const weft_driver *driver;
        const char *text, *words;
    } bad[] = {
        { &weft_opencl_driver, "__kernel void add(__global float *a) { x = 1; }", "add.cl" },
        { &weft_vulkan_driver, "OpCapability Shader\nOpNonsense\n", "add:2:" },
        { &weft_vulkan_driver,
          "OpCapability Shader\nOpMemoryModel Logical GLSL450\n%a = OpTypeInt 32 7\n",
          "validator" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!present(bad[i].driver))
            continue;
        weft_diag *diag = weft_diag_create();
        weft_device *d = NULL;
        weft_session *s = NULL;
        weft_module *m = support_module(bad[i].driver->api, bad[i].text, "10");
        assert_int_equal(bad[i].driver->open(0, diag, &d), WEFT_OK);
        assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_INVALID_INPUT);
        assert_null(s);
        if (!strstr(weft_diag_text(diag), bad[i].words))
            fail_msg("%s", weft_diag_text(diag));
        weft_device_close(d);
        weft_module_destroy(m);
        weft_diag_destroy(diag);
    }
}

static void
temporaries_are_kept_when_asked(void **state)
{
    (void)state;
    if (!present(&weft_opencl_driver))
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, "100");
    float t[100];
    assert_int_equal(weft_opencl_driver.open(0, diag, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_OK);
    run_and_compare(s, diag, 100);
    assert_int_equal(weft_session_get_tensor(s, 2, t, sizeof t, diag), WEFT_INVALID_ARGUMENT);
    weft_diag_clear(diag);
    assert_int_equal(weft_session_keep_temps(s, true, diag), WEFT_OK);
    run_and_compare(s, diag, 100);
    assert_int_equal(weft_session_get_tensor(s, 2, t, sizeof t, diag), WEFT_OK);
    for (int i = 0; i < 100; i++)
        assert_float_equal(t[i], (float)i * 2.5f, 0);
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

/* The second step, y = (t + c) * 3, on a t that the first never made. */
static void
a_step_runs_alone_on_what_its_tensors_are_given(void **state)
{
    (void)state;
    if (!present(&weft_opencl_driver))
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, "100");
    float t[100], c[100], y[100], w[1000] = { 0 };
    for (int i = 0; i < 100; i++) {
        t[i] = (float)(1000 + i);
        c[i] = (float)i;
    }
    assert_int_equal(weft_opencl_driver.open(0, diag, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_OK);
    assert_int_equal(weft_session_set_tensor(s, 2, t, sizeof t, diag), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_session_run_steps(s, 1, 1, diag), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_session_keep_temps(s, true, diag), WEFT_OK);
    weft_diag_clear(diag);
    assert_int_equal(weft_session_set_tensor(s, 4, w, sizeof w, diag), WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(diag), "constant"));
    assert_int_equal(weft_session_set_tensor(s, 2, t, sizeof t - 4, NULL), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_session_set_tensor(s, 9, t, sizeof t, NULL), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_session_run_steps(s, 1, 2, NULL), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_session_run_steps(s, -1, 1, NULL), WEFT_INVALID_ARGUMENT);
    weft_diag_clear(diag);
    weft_session_poison(s, diag);
    weft_session_set_tensor(s, 2, t, sizeof t, diag);
    weft_session_set_input(s, 1, c, sizeof c, diag);
    weft_session_run_steps(s, 1, 1, diag);
    weft_session_run_steps(s, 2, 0, diag);
    weft_session_get_output(s, 0, y, sizeof y, diag);
    assert_string_equal(weft_diag_text(diag), "");
    for (int i = 0; i < 100; i++)
        assert_float_equal(y[i], (t[i] + c[i]) * 3, 0);
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

/* Without its guard the kernel writes 28 elements behind the end of both of its results. */
static void
a_kernel_that_writes_behind_its_tensors_is_found_where_they_are_kept(void **state)
{
    (void)state;
    if (!present(&weft_opencl_driver))
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    char text[1024];
    const char *guard = strstr(support_add_cl, "if (i < n)");
    snprintf(text, sizeof text, "%.*s%s", (int)(guard - support_add_cl), support_add_cl,
             guard + strlen("if (i < n)"));
    weft_module *m = support_module(WEFT_API_OPENCL, text, "100");
    float a[100] = { 0 }, c[100] = { 0 };
    assert_int_equal(weft_opencl_driver.open(0, diag, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_OK);
    assert_int_equal(weft_session_keep_temps(s, true, diag), WEFT_OK);
    assert_int_equal(weft_session_set_input(s, 0, a, sizeof a, diag), WEFT_OK);
    assert_int_equal(weft_session_set_input(s, 1, c, sizeof c, diag), WEFT_OK);
    assert_int_equal(weft_session_run_steps(s, 0, 2, diag), WEFT_MISMATCH);
    assert_non_null(strstr(weft_diag_text(diag), "writes outside its tensors: 0 bytes behind"));
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

/* What the kernels write of t lies where t does, and nothing else of its memory is touched. */
static void
a_part_is_written_where_it_lies(void **state)
{
    enum { N = 100, AT = (1024 + 4096) / 4, WHOLE = N + 2048 };
    (void)state;
    if (!present(&weft_opencl_driver))
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    weft_module *m = support_parts(WEFT_API_OPENCL, support_add_cl, "100");
    float whole[WHOLE], pair[WHOLE - 1024];
    assert_int_equal(weft_opencl_driver.open(0, diag, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_OK);
    run_and_compare(s, diag, N);
    assert_int_equal(weft_session_keep_temps(s, true, diag), WEFT_OK);
    run_and_compare(s, diag, N);
    assert_int_equal(weft_session_run_steps(s, 0, 2, diag), WEFT_OK);
    assert_int_equal(weft_session_get_tensor(s, SUPPORT_WHOLE, whole, sizeof whole, diag), WEFT_OK);
    assert_int_equal(weft_session_get_tensor(s, SUPPORT_PAIR, pair, sizeof pair, diag), WEFT_OK);
    for (int i = 0; i < WHOLE; i++)
        assert_true(i < AT || i >= AT + N ? isnan(whole[i])
                                          : whole[i] == (float)(i - AT) * 2.5f);
    assert_memory_equal(pair, whole + 1024 / 4, sizeof pair);
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
times_are_measured_and_written(void **state)
{
    const weft_driver *drivers[] = { &weft_opencl_driver, &weft_vulkan_driver };
    const char *texts[] = { support_add_cl, support_add_spv };
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (!present(drivers[i]))
            continue;
        weft_diag *diag = weft_diag_create();
        weft_device *d = NULL;
        weft_session *s = NULL;
        weft_module *m = support_module(drivers[i]->api, texts[i], "1000");
        char *folder = support_folder(), path[64];
        size_t n;
        assert_int_equal(drivers[i]->open(0, diag, &d), WEFT_OK);
        assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_OK);
        snprintf(path, sizeof path, "%s/trace.json", folder);
        assert_null(weft_session_times(s));
        assert_int_equal(weft_session_write_trace(s, path, NULL), WEFT_INVALID_ARGUMENT);
        run_and_compare(s, diag, 1000);
        if (weft_session_profile(s, diag))
            fail_msg("%s", weft_diag_text(diag));
        assert_true(weft_session_times(s)[0] > 0 && weft_session_times(s)[0] < 10);
        assert_int_equal(weft_session_write_trace(s, path, diag), WEFT_OK);
        char *text = support_read(path, &n);
        assert_non_null(strstr(text, "\"traceEvents\""));
        assert_non_null(strstr(text, "add \\\"one\\\""));
        free(text);
        weft_session_destroy(s);
        weft_device_close(d);
        weft_module_destroy(m);
        support_remove(folder);
        weft_diag_destroy(diag);
    }
}

/* ---- on the null device ---------------------------------------------------------------------- */

typedef struct bench {
    weft_diag *diag;
    weft_device *device;
    weft_module *module;
    weft_session *session;
} bench;

static bench
null_bench(const char *n)
{
    bench b = { .diag = weft_diag_create(),
                .module = support_module(WEFT_API_OPENCL, support_add_cl, n) };
    assert_int_equal(weft_null_driver.open(0, b.diag, &b.device), WEFT_OK);
    return b;
}

static void
drop(bench *b)
{
    weft_session_destroy(b->session);
    weft_device_close(b->device);
    weft_module_destroy(b->module);
    weft_diag_destroy(b->diag);
}

static void
everything_but_the_launch_works_without_an_api(void **state)
{
    (void)state;
    bench b = null_bench("1000");
    float x[1000] = { 0 };
    assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session), WEFT_OK);
    assert_int_equal(weft_session_run(b.session, b.diag), WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(b.diag), "input 'a' has no data"));
    weft_diag_clear(b.diag);
    assert_int_equal(weft_session_set_input(b.session, 0, x, 7, b.diag), WEFT_INVALID_ARGUMENT);
    weft_diag_clear(b.diag);
    weft_session_set_input(b.session, 0, x, sizeof x, b.diag);
    weft_session_set_input(b.session, 1, x, sizeof x, b.diag);
    assert_int_equal(weft_session_run(b.session, b.diag), WEFT_OK);
    assert_int_equal(weft_session_profile(b.session, b.diag), WEFT_OK);
    assert_int_equal(weft_session_get_output(b.session, 0, x, sizeof x, b.diag), WEFT_OK);
    drop(&b);
}

static void
shapes_that_break_a_constraint_are_refused_by_name(void **state)
{
    (void)state;
    bench b = null_bench(NULL);
    int64_t big = 1001, fine = 10, other = 11;
    float x[10];
    assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session), WEFT_OK);
    assert_int_equal(weft_session_set_input(b.session, 0, x, 40, b.diag), WEFT_INVALID_ARGUMENT);
    weft_diag_clear(b.diag);
    assert_int_equal(weft_session_bind(b.session, (const int64_t *[]){ &big, &big }, b.diag),
                     WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(b.diag), "'n' = 1001"));
    weft_diag_clear(b.diag);
    assert_int_equal(weft_session_bind(b.session, (const int64_t *[]){ &fine, &other }, b.diag),
                     WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(b.diag), "input 'c'"));
    weft_diag_clear(b.diag);
    assert_int_equal(weft_session_bind(b.session, (const int64_t *[]){ &fine, &fine }, b.diag),
                     WEFT_OK);
    int64_t dim = 0;
    assert_int_equal(weft_session_dims(b.session, 3, &dim, b.diag), WEFT_OK);
    assert_int_equal(dim, 10);
    drop(&b);
}

static void
a_launch_beyond_the_limits_is_refused_with_numbers(void **state)
{
    (void)state;
    bench b = null_bench("1000");
    b.device->info.target.max_threads = 32;
    assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session), WEFT_LIMIT);
    assert_non_null(strstr(weft_diag_text(b.diag), "its block is 64"));
    assert_non_null(strstr(weft_diag_text(b.diag), "at most 32"));
    b.device->info.target.max_threads = 64;
    b.device->info.target.max_range = 3999;
    assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session), WEFT_LIMIT);
    assert_non_null(strstr(weft_diag_text(b.diag), "one buffer is 4000"));
    drop(&b);
}

static const struct {
    const char *reach, *iterations;
    int64_t n;
    const char *message; /* NULL: fine */
} counts[] = {
    { "n * 3000000", "1", 715, NULL },
    { "n * 3000000", "1", 716,
      "kernel 'add': with n = 716 it counts to 2148000000 in i32, which ends at 2147483647; use "
      "smaller sizes, compile the model for these alone (--dim), or declare a program's symbols i64" },
    { "n * n * 9223372036854775807", "1", 2, "it counts to 9223372036854775807 in i32" },
    { "3000000000 // n", "1", 0, NULL }, /* nothing is launched */
    { "3000000000", "1", 2, "kernel 'add': it counts to 3000000000 in i32" },
    { "n", "n * 100", 5, NULL },
    { "n", "n * 100", 6,
      "kernel 'add': with n = 6 a thread's loops come to 600 iterations; device 'null' (null device) "
      "ends them at 500; use smaller sizes or another device" },
};

static void
sizes_beyond_what_a_kernel_counts_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        bench b = null_bench(NULL);
        b.module->program->step[1].reach = &counts[i].reach;
        b.module->program->step[1].iterations = counts[i].iterations;
        b.module->program->step[0].iterations = NULL;
        b.device->info.target.max_iterations = 500;
        assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session), WEFT_OK);
        weft_status want = counts[i].message ? WEFT_LIMIT : WEFT_OK;
        int64_t n = counts[i].n;
        if (weft_session_bind(b.session, (const int64_t *[]){ &n, &n }, b.diag) != want ||
            (want && !strstr(weft_diag_text(b.diag), counts[i].message)))
            fail_msg("n = %lld: %s", (long long)n, weft_diag_text(b.diag));
        drop(&b);
    }
}

static void
a_tensor_may_take_over_the_memory_of_one_that_dies(void **state)
{
    (void)state;
    int64_t bytes[2];
    for (int pair = 0; pair < 2; pair++) {
        bench b = null_bench("1000");
        weft_program *p = b.module->program;
        /* t becomes a chain: t (steps 0, 1), u (1, 2) may lie in t */
        weft_mod_tensor *tensor = WEFT_NEW_ARRAY(&b.module->arena, 6, weft_mod_tensor);
        weft_mod_step *step = WEFT_NEW_ARRAY(&b.module->arena, 3, weft_mod_step);
        memcpy(tensor, p->tensor, 5 * sizeof *tensor);
        tensor[5] = tensor[2];
        tensor[5].name = "u";
        tensor[5].first = 1;
        tensor[5].last = 2;
        tensor[5].in_place = pair ? 2 : -1;
        memcpy(step, p->step, 2 * sizeof *step);
        step[2] = step[1];
        weft_mod_arg *mid = weft_arena_dup(&b.module->arena, step[1].buffer, 3 * sizeof *mid);
        weft_mod_arg *end = weft_arena_dup(&b.module->arena, step[1].buffer, 3 * sizeof *mid);
        mid[2].tensor = 5;
        end[0].tensor = 5;
        step[1].buffer = mid;
        step[2].buffer = end;
        p->tensor = tensor;
        p->ntensor = 6;
        p->step = step;
        p->nstep = 3;
        assert_int_equal(weft_module_check(b.module, b.diag), WEFT_OK);
        assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session),
                         WEFT_OK);
        bytes[pair] = weft_session_arena_bytes(b.session);
        drop(&b);
    }
    assert_int_equal(bytes[0] - bytes[1], 4032);
}

static const struct {
    int64_t align, at;
    const char *message; /* NULL: fine */
} places[] = {
    { 1024, 4096, NULL },
    { 1, 8192, "'t' has 4000 bytes and lies from byte 9216 on in 'whole', which has 12192" },
    { 2048, 2048, "'t' is bound from byte 3072 of its memory on, which must be a multiple of 2048" },
    { 1, 1 << 20, "'t' has 4000 bytes and lies from byte 1049600 on in 'whole'" },
};

static void
a_part_beyond_its_tensor_or_between_the_places_of_buffers_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bench b = null_bench(NULL);
        int64_t n = 1000;
        weft_module_destroy(b.module);
        b.module = support_parts(WEFT_API_OPENCL, support_add_cl, NULL);
        b.module->program->tensor[SUPPORT_T].at = places[i].at;
        b.device->info.target.offset_align = places[i].align;
        assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session),
                         WEFT_OK);
        weft_status status = weft_session_bind(b.session, (const int64_t *[]){ &n, &n }, b.diag);
        assert_int_equal(status == WEFT_OK, !places[i].message);
        if (places[i].message && !strstr(weft_diag_text(b.diag), places[i].message))
            fail_msg("place %zu: %s", i, weft_diag_text(b.diag));
        drop(&b);
    }
}

/* t is the last element of its memory; `a` has a hundred. */
static void
a_copy_into_a_part_ends_where_its_memory_does(void **state)
{
    static const weft_mod_arg args[] = { { 0, NULL, false }, { SUPPORT_T, NULL, true } };
    static const char *const one[] = { "1" };
    (void)state;
    bench b = null_bench("100");
    weft_mod_step copy = { WEFT_STEP_COPY, .kernel = -1, .symbol = -1, .count = -1, .nbuffer = 2,
                           .buffer = args };
    weft_module_destroy(b.module);
    b.module = support_parts(WEFT_API_OPENCL, support_add_cl, "100");
    weft_program *p = b.module->program;
    p->tensor[SUPPORT_T].dim = one;
    p->tensor[SUPPORT_T].at = (100 + 2048) * 4 - 1024 - 4;
    p->step[0] = copy;
    p->nstep = 1;
    assert_int_equal(weft_module_check(b.module, b.diag), WEFT_OK);
    assert_int_equal(weft_session_create(b.module, b.device, NULL, b.diag, &b.session),
                     WEFT_LIMIT);
    assert_non_null(strstr(weft_diag_text(b.diag), "there is room for 4 in 't'"));
    drop(&b);
}

static void
an_unknown_device_is_refused_with_what_is_usable(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_drivers drivers = linked();
    const char *ids[] = { "hal", "null:1", "null:x", "null:", "opencl:999" };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        weft_device *d = NULL;
        weft_diag_clear(diag);
        assert_int_equal(weft_device_open(&drivers, ids[i], diag, &d), WEFT_NO_DEVICE);
        assert_null(d);
        assert_non_null(strstr(weft_diag_text(diag), ids[i]));
        assert_non_null(strstr(weft_diag_text(diag), "null"));
    }
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_of_opencl_c_adds),
        cmocka_unit_test(a_kernel_of_spirv_text_adds),
        cmocka_unit_test(kernels_of_several_modules_are_loaded_in_one_go),
        cmocka_unit_test(vulkan_memory_that_the_host_does_not_see_is_staged),
        cmocka_unit_test(text_that_does_not_compile_is_refused_with_the_compilers_words),
        cmocka_unit_test(temporaries_are_kept_when_asked),
        cmocka_unit_test(a_step_runs_alone_on_what_its_tensors_are_given),
        cmocka_unit_test(a_kernel_that_writes_behind_its_tensors_is_found_where_they_are_kept),
        cmocka_unit_test(a_part_is_written_where_it_lies),
        cmocka_unit_test(times_are_measured_and_written),
        cmocka_unit_test(everything_but_the_launch_works_without_an_api),
        cmocka_unit_test(shapes_that_break_a_constraint_are_refused_by_name),
        cmocka_unit_test(a_launch_beyond_the_limits_is_refused_with_numbers),
        cmocka_unit_test(sizes_beyond_what_a_kernel_counts_are_refused_by_name),
        cmocka_unit_test(a_tensor_may_take_over_the_memory_of_one_that_dies),
        cmocka_unit_test(a_part_beyond_its_tensor_or_between_the_places_of_buffers_is_refused),
        cmocka_unit_test(a_copy_into_a_part_ends_where_its_memory_does),
        cmocka_unit_test(an_unknown_device_is_refused_with_what_is_usable),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
