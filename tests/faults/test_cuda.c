/* The CUDA driver against a fake libcuda and libnvrtc: the only execution it has where there is no
 * GPU.  Launches are checked for handles, dimensions and arguments, and every call fails in
 * turn. */
#include "support_life.h"

#include "../runtime/support.h"

fake_state *fake_cuda(void);
fake_state *fake_nvrtc(void);

static void
a_session_on_cuda_launches_what_its_module_says(void **state)
{
    (void)state;
    fake_state *f = fake_cuda();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_drivers drivers = { 1, { &weft_cuda_driver } };
    weft_module *m = support_module(WEFT_API_CUDA, fault_add_cu, NULL);
    fake_arm(f, -1, 0, false);
    f->launches = 0;
    if (weft_device_open(&drivers, "cuda", diag, &d))
        fail_msg("%s", weft_diag_text(diag));
    assert_string_equal(d->info.name, "Fake GPU");
    assert_string_equal(d->info.target.name, "sm_80");
    assert_int_equal(d->info.target.shared_bytes, 49152);
    life l = live(d, m, true, diag);
    if (l.status)
        fail_msg("%s: %s", l.step, weft_diag_text(diag));
    assert_int_equal(f->launches, 2 + 2 + 2 + 1); /* two runs, a profile, one step */
    weft_device_close(d);
    assert_int_equal(f->alive, 0);
    assert_int_equal(fake_nvrtc()->alive, 0);
    if (f->wrong)
        fail_msg("%s", f->words);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

/* What the text declares is the compiler's to count; more than that a launch has to ask for. */
static void
shared_bytes_beyond_what_a_text_declares_are_asked_for_at_the_launch(void **state)
{
    (void)state;
    static const int bytes[] = { 36864, 98304 };
    weft_drivers drivers = { 1, { &weft_cuda_driver } };
    for (int i = 0; i < 2; i++) {
        weft_module *m = support_module(WEFT_API_CUDA, fault_add_cu, NULL);
        weft_diag *diag = weft_diag_create();
        weft_device *d = NULL;
        m->program->kernel[0].shared_bytes = bytes[i];
        m->program->profile.shared_bytes = 49152;
        fake_arm(fake_cuda(), -1, 0, false);
        assert_int_equal(weft_device_open(&drivers, "cuda", diag, &d), WEFT_OK);
        life l = live(d, m, true, diag);
        if (l.status || fake_cuda()->wrong)
            fail_msg("%s: %s %s", l.step, weft_diag_text(diag), fake_cuda()->words);
        assert_int_equal(fake_cuda()->shared, i ? bytes[i] : 0);
        weft_device_close(d);
        weft_module_destroy(m);
        weft_diag_destroy(diag);
    }
}

static void
every_call_of_cuda_may_fail(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_cuda_driver, WEFT_API_CUDA, fault_add_cu, fake_cuda(), 999,
                              false, WEFT_DEVICE);
}

static void
memory_may_end_at_any_call_of_cuda(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_cuda_driver, WEFT_API_CUDA, fault_add_cu, fake_cuda(), 2, false,
                              WEFT_OUT_OF_MEMORY);
}

/* CUDA_ERROR_ILLEGAL_ADDRESS: the context gives it to every later call. */
static void
a_cuda_context_may_break_at_any_call(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_cuda_driver, WEFT_API_CUDA, fault_add_cu, fake_cuda(), 700,
                              true, WEFT_LOST);
}

static void
every_call_of_nvrtc_may_fail(void **state)
{
    (void)state;
    weft_module *m = support_module(WEFT_API_CUDA, fault_add_cu, NULL);
    weft_drivers drivers = { 1, { &weft_cuda_driver } };
    long k = 0;
    for (bool failed = true; failed; k++) {
        weft_diag *diag = weft_diag_create();
        weft_device *d = NULL;
        weft_session *s = NULL;
        fake_arm(fake_nvrtc(), k, 1, false);
        assert_int_equal(weft_device_open(&drivers, "cuda", diag, &d), WEFT_OK);
        weft_status status = weft_session_create(m, d, NULL, diag, &s);
        failed = fake_nvrtc()->failed[0] != 0;
        if (status && !strstr(weft_diag_text(diag), "add.cu"))
            fail_msg("%s: %s", fake_nvrtc()->failed, weft_diag_text(diag));
        weft_session_destroy(s);
        weft_device_close(d);
        assert_int_equal(fake_nvrtc()->alive, 0);
        assert_int_equal(fake_cuda()->alive, 0);
        weft_diag_destroy(diag);
    }
    assert_true(k > 4);
    fake_arm(fake_nvrtc(), -1, 0, false);
    weft_module_destroy(m);
}

static void
text_that_nvrtc_refuses_is_named_with_its_words(void **state)
{
    (void)state;
    weft_module *m = support_module(WEFT_API_CUDA, "#error no such thing\n", "100");
    weft_drivers drivers = { 1, { &weft_cuda_driver } };
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    assert_int_equal(weft_device_open(&drivers, "cuda", diag, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, diag, &s), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "NVRTC 12.4 refuses add.cu"));
    assert_non_null(strstr(weft_diag_text(diag), "no such thing"));
    weft_device_close(d);
    assert_int_equal(fake_nvrtc()->alive, 0);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
a_run_that_failed_on_cuda_can_be_repeated(void **state)
{
    static const char *const fault[] = { "cuGraphLaunch=2",       "cuMemAlloc=2",
                                         "cuMemcpyHtoDAsync=2",   "cuMemcpyDtoHAsync=2",
                                         "cuStreamSynchronize=2", "cuCtxSetCurrent=2" };
    (void)state;
    every_failed_run_can_be_repeated(&weft_cuda_driver, WEFT_API_CUDA, fault_add_cu, fake_cuda(),
                                     fault, sizeof fault / sizeof *fault);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_on_cuda_launches_what_its_module_says),
        cmocka_unit_test(shared_bytes_beyond_what_a_text_declares_are_asked_for_at_the_launch),
        cmocka_unit_test(every_call_of_cuda_may_fail),
        cmocka_unit_test(memory_may_end_at_any_call_of_cuda),
        cmocka_unit_test(a_cuda_context_may_break_at_any_call),
        cmocka_unit_test(every_call_of_nvrtc_may_fail),
        cmocka_unit_test(text_that_nvrtc_refuses_is_named_with_its_words),
        cmocka_unit_test(a_run_that_failed_on_cuda_can_be_repeated),
    };
    setenv("WEFT_CACHE", "0", 1);
    unsetenv("CUDA_HOME");
    unsetenv("CUDA_PATH");
    return cmocka_run_group_tests_name("cuda", tests, NULL, NULL);
}
