/* Devices beside the reference: who is wrong is named, and nobody else. */
#include "support.h"

#include <stdio.h>

static void
a_device_that_is_right_agrees(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(support_ten_nodes, "liar", (support_lie){ 0 }, true, NULL, &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_OK);
    assert_int_equal(r.run.n, 1);
    assert_int_equal(r.run.at[0].output.n, 1);
    assert_true(r.run.at[0].kernel.n > 3);
    assert_int_equal(r.run.at[0].ngroup, r.run.at[0].kernel.n);
    weft_check_report_free(&r);
}

static void
the_kernel_that_is_wrong_is_named_and_no_other(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(support_three_kernels, "liar",
                  (support_lie){ .instead_of = "tanh(", .compiles = "sin(" }, true, NULL, &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_MISMATCH);
    assert_false(r.run.at[0].output.at[0].m.agree);
    assert_int_equal(r.run.at[0].kernel.n, 3);
    for (int i = 0; i < 3; i++) {
        const weft_check_item *item = &r.run.at[0].kernel.at[i];
        assert_int_equal(item->m.agree, i != 1);
        if (i == 1) {
            assert_non_null(strstr(item->layers, "second"));
            assert_non_null(strstr(item->layers, "bent"));
            assert_string_equal(item->tensor, "c");
        }
    }
    weft_check_report_free(&r);
}

static void
outputs_that_nobody_writes_are_seen(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(support_three_kernels, "liar", (support_lie){ .runs_nothing = true }, true, NULL,
                  &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_MISMATCH);
    assert_int_equal(r.run.at[0].output.at[0].m.unwritten, 32);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(r.run.at[0].kernel.at[i].m.unwritten, 32);
        assert_int_equal(r.run.at[0].kernel.at[i].m.nonfinite, 32);
    }
    weft_check_report_free(&r);
}

static void
nan_where_a_number_is_expected_is_charged_to_its_kernel(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(support_three_kernels, "liar",
                  (support_lie){ .instead_of = "tanh(", .compiles = "acosh(" }, true, NULL, &r);
    const weft_check_item *item = &r.run.at[0].kernel.at[1];
    assert_false(item->m.agree);
    assert_true(item->m.nonfinite > 0 && item->m.nonfinite_at >= 0);
    assert_int_equal(item->m.unwritten, 0);
    assert_true(r.run.at[0].kernel.at[2].m.agree);
    weft_check_report_free(&r);
}

static char *
printed(const weft_check_report *r)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    weft_print_check(f, r, false);
    fclose(f);
    return text;
}

static void
what_goes_wrong_between_kernels_is_charged_to_none(void **state)
{
    (void)state;
    weft_check_report r;
    support_check(support_three_kernels, "liar", (support_lie){ .most_launches = 2 }, true, NULL,
                  &r);
    assert_int_equal(weft_check_verdict(&r), WEFT_MISMATCH);
    assert_false(r.run.at[0].output.at[0].m.agree);
    for (int i = 0; i < 3; i++)
        assert_true(r.run.at[0].kernel.at[i].m.agree);
    char *text = printed(&r);
    assert_non_null(strstr(text, "every kernel agrees"));
    free(text);
    weft_check_report_free(&r);
}

static void
a_device_that_fails_is_told_from_one_that_is_wrong(void **state)
{
    (void)state;
    weft_drivers drivers = support_drivers((support_lie){ .fails = true });
    const char *devices[] = { "liar", "interp" };
    weft_check_options o = support_options(support_three_kernels, devices, &drivers);
    weft_check_report r;
    o.ndevice = 2;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_OK);
    assert_int_equal(r.run.at[0].status, WEFT_DEVICE);
    assert_non_null(strstr(r.run.at[0].why, "lost"));
    assert_int_equal(r.run.at[1].status, WEFT_OK);
    assert_int_equal(weft_check_verdict(&r), WEFT_DEVICE);
    weft_check_report_free(&r);
}

static void
a_device_that_nobody_named_may_fail_to_open(void **state)
{
    (void)state;
    weft_drivers drivers = support_drivers((support_lie){ .does_not_open = true });
    const char *device = "liar";
    weft_check_options o = support_options(support_three_kernels, &device, &drivers);
    weft_check_report r;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_DEVICE);
    assert_int_equal(r.run.n, 0);
    weft_check_report_free(&r);
    o.ndevice = 0;
    drivers = (weft_drivers){ 3, { drivers.at[1], &weft_opencl_driver, drivers.at[1] } };
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_OK);
    assert_int_equal(r.run.n >= 2, 1);
    assert_int_equal(r.run.at[0].status, WEFT_DEVICE);
    assert_string_equal(r.run.at[0].why, "liar: it is in use");
    assert_string_equal(r.run.at[r.run.n - 1].device, "liar");
    assert_int_equal(weft_check_verdict(&r), WEFT_DEVICE);
    weft_check_report_free(&r);
}

/* As many reproducers as asked for; each fails on the device that is wrong, not on another. */
static void
a_reproducer_fails_where_it_was_found(void **state)
{
    (void)state;
    char *folder = support_folder();
    weft_check_report r, again;
    support_lie lie = { .instead_of = "tanh(", .compiles = "sin(" };
    support_check(support_three_kernels, "liar", lie, true, folder, &r);
    const char *dir = r.run.at[0].kernel.at[1].reproducer;
    assert_non_null(dir);
    assert_null(r.run.at[0].kernel.at[0].reproducer);
    assert_true(weft_is_reproducer(dir));
    assert_false(weft_is_reproducer(folder));
    weft_drivers drivers = support_drivers(lie);
    const char *devices[] = { "liar", "interp" };
    for (int i = 0; i < 2; i++) {
        weft_check_options o = support_options(NULL, &devices[i], &drivers);
        assert_int_equal(weft_check_reproducer(dir, &o, NULL, &again), WEFT_OK);
        assert_int_equal(weft_check_verdict(&again), i == 0 ? WEFT_MISMATCH : WEFT_OK);
        weft_check_report_free(&again);
    }
    weft_check_report_free(&r);
    support_remove(folder);
}

static void
a_model_is_reduced_to_the_one_node_that_is_wrong(void **state)
{
    (void)state;
    char *folder = support_folder();
    for (int per_kernel = 0; per_kernel < 2; per_kernel++) {
        weft_drivers drivers =
            support_drivers((support_lie){ .instead_of = "tanh(", .compiles = "sin(" });
        const char *device = "liar";
        weft_check_options o = support_options(support_ten_nodes, &device, &drivers);
        weft_check_report r;
        char *text;
        size_t n;
        o.out = folder;
        o.per_kernel = per_kernel;
        const char *path = "ten\ntouch planted\n.wir"; /* no command of the script */
        assert_int_equal(weft_check_model(path, &o, NULL, &r), WEFT_OK);
        assert_int_equal(weft_check_reduce(path, &o, &r, NULL), WEFT_OK);
        assert_int_equal(weft_file_read(NULL, r.reduced.again, 1 << 20, &text, &n), WEFT_OK);
        assert_null(strstr(text, "planted"));
        assert_non_null(strstr(text, " -d 'liar' "));
        free(text);
        assert_int_equal(r.reduced.before, 10);
        assert_int_equal(r.reduced.after, 1);
        assert_int_equal(weft_file_read(NULL, r.reduced.path, 1 << 20, &text, &n), WEFT_OK);
        assert_non_null(strstr(text, "(e: f32[4, 8]) -> (f)"));
        assert_non_null(strstr(text, "tanh(e)"));
        free(text);
        weft_check_report_free(&r);
    }
    support_remove(folder);
}

static void
nothing_is_reduced_where_all_agree(void **state)
{
    (void)state;
    weft_drivers drivers = support_drivers((support_lie){ 0 });
    const char *device = "liar";
    weft_check_options o = support_options(support_ten_nodes, &device, &drivers);
    weft_check_report r;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_OK);
    assert_int_equal(weft_check_reduce("test.wir", &o, &r, NULL), WEFT_OK);
    assert_null(r.reduced.path);
    weft_check_report_free(&r);
}

/* What is wrong is told by the status where nobody wants the words. */
static void
a_text_that_is_no_graph_is_refused_without_a_diag(void **state)
{
    (void)state;
    weft_drivers drivers = support_drivers((support_lie){ 0 });
    const char *device = "liar";
    weft_check_options o =
        support_options("graph f(x: f32[2]) -> (y) { y = sin(z) }", &device, &drivers);
    weft_check_report r;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_INVALID_INPUT);
    weft_check_report_free(&r);
}

static void
no_device_is_an_error_and_so_is_a_target_that_none_takes(void **state)
{
    (void)state;
    weft_drivers drivers = support_drivers((support_lie){ 0 });
    const char *device = "liar", *target = "opencl:generic-gpu";
    weft_check_options o = support_options(support_three_kernels, &device, &drivers);
    weft_check_report r;
    o.ntarget = 1;
    o.target = &target;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_INVALID_ARGUMENT);
    weft_check_report_free(&r);
    o.ndevice = o.ntarget = 0; /* interpreters are not held against themselves */
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_NO_DEVICE);
    weft_check_report_free(&r);
}

/* PoCL has f64, a GPU of the generic profile has not. */
static void
unnamed_devices_run_in_their_class_and_as_a_gpu_where_they_can(void **state)
{
    (void)state;
    if (weft_opencl_driver.count(NULL) < 1)
        skip();
    weft_drivers drivers = { 1, { &weft_opencl_driver } };
    weft_check_options o = support_options("graph f(x: f64[8]) -> (y) {\n"
                                           "    y: f64[8] = exp(x)\n"
                                           "}\n",
                                           NULL, &drivers);
    weft_check_report r;
    o.ndevice = 0;
    assert_int_equal(weft_check_model("test.wir", &o, NULL, &r), WEFT_OK);
    if (r.run.n < 2 || strcmp(r.run.at[0].target, "opencl:pocl") != 0)
        skip();
    assert_true(r.run.at[0].own && !r.run.at[0].skipped);
    assert_int_equal(r.run.at[0].status, WEFT_OK);
    assert_string_equal(r.run.at[1].target, "opencl:generic-gpu");
    assert_true(r.run.at[1].skipped);
    assert_int_equal(r.run.at[1].status, WEFT_UNSUPPORTED);
    assert_int_equal(weft_check_verdict(&r), WEFT_OK);
    weft_check_report_free(&r);
}

/* 4096 times 0.1f in f32 ends at 409.5995: the device adds so, the reference in double. */
static void
the_reference_adds_in_double(void **state)
{
    (void)state;
    weft_check_report r;
    support_check("graph f(x: f32[1, 4096]) -> (y) {\n"
                  "    t: f32[] = constant [0.1]\n"
                  "    z: f32[] = constant [0.0]\n"
                  "    m: f32[1, 4096] = multiply(x, z)\n"
                  "    s: f32[1, 4096] = add(m, t)\n"
                  "    y: f32[1] = sum(s) {axes=[1], keepdims=0}\n"
                  "}\n",
                  "liar", (support_lie){ 0 }, false, NULL, &r);
    const weft_metrics *m = &r.run.at[0].output.at[0].m;
    assert_true(m->agree);
    assert_true(m->max_ulp > 10);
    weft_check_report_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_is_right_agrees),
        cmocka_unit_test(the_kernel_that_is_wrong_is_named_and_no_other),
        cmocka_unit_test(outputs_that_nobody_writes_are_seen),
        cmocka_unit_test(nan_where_a_number_is_expected_is_charged_to_its_kernel),
        cmocka_unit_test(what_goes_wrong_between_kernels_is_charged_to_none),
        cmocka_unit_test(a_device_that_fails_is_told_from_one_that_is_wrong),
        cmocka_unit_test(a_device_that_nobody_named_may_fail_to_open),
        cmocka_unit_test(a_reproducer_fails_where_it_was_found),
        cmocka_unit_test(a_model_is_reduced_to_the_one_node_that_is_wrong),
        cmocka_unit_test(nothing_is_reduced_where_all_agree),
        cmocka_unit_test(a_text_that_is_no_graph_is_refused_without_a_diag),
        cmocka_unit_test(no_device_is_an_error_and_so_is_a_target_that_none_takes),
        cmocka_unit_test(unnamed_devices_run_in_their_class_and_as_a_gpu_where_they_can),
        cmocka_unit_test(the_reference_adds_in_double),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
