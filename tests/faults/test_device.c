/* A whole life of a session in which call after call of the device fails, as a memory loop does it:
 * the first call, then the second, until none fails.  Each time there is one clear message, nothing
 * is left alive, and a session made afterwards is right. */
#include "support_life.h"

#include "../runtime/support.h"

enum { N = 300 };

static int
lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* One life with call k failing; whether there was such a call. */
static bool
fails_clearly(fault_device *f, weft_module *m, const fault_api *api, long k, weft_status status)
{
    weft_diag *diag = weft_diag_create();
    char words[64], when[160];
    snprintf(words, sizeof words, "injected fault %ld", k);
    fault_arm(f, k, FAULT_CALLS, status, words);
    life l = live(&f->base, m, api->computes, diag);
    bool failed = f->failed;
    snprintf(when, sizeof when, "call %ld, %s, failing in '%s' on %s", k,
             failed ? fault_call_name(f->which) : "none", l.step ? l.step : "destroy",
             api->driver->name);
    fault_expect_nothing_alive(f, when);
    if (l.status) {
        if (l.status != status || weft_diag_status(diag) != status)
            fail_msg("%s: status %d, message's %d, not %d", when, (int)l.status,
                     (int)weft_diag_status(diag), (int)status);
        if (!strstr(weft_diag_text(diag), words) || lines(weft_diag_text(diag)) > 2)
            fail_msg("%s: the message is\n%s", when, weft_diag_text(diag));
        if (status == WEFT_OUT_OF_MEMORY && f->which == FAULT_ALLOC &&
            !strstr(weft_diag_text(diag), "use smaller shapes"))
            fail_msg("%s: the message does not say what to do\n%s", when, weft_diag_text(diag));
    } else if (failed && f->which != FAULT_SYNC) {
        fail_msg("%s: nobody was told", when); /* a sync that fails in destroy has no one to tell */
    } else {
        assert_string_equal(weft_diag_text(diag), "");
    }
    weft_diag_clear(diag);
    fault_disarm(f);
    f->base.lost = false; /* opened again, as far as sessions can tell */
    l = live(&f->base, m, api->computes, diag);
    if (l.status || failed != (k < f->calls))
        fail_msg("after %s: a new session fails at '%s' of %ld calls: %s", when, l.step, f->calls,
                 weft_diag_text(diag));
    fault_expect_nothing_alive(f, "a whole life");
    weft_diag_destroy(diag);
    return failed;
}

/* On a real device the statuses take turns, for time. */
static void
every_call_fails_once(const weft_status *status, int n)
{
    for (int i = 0; i < fault_napi; i++) {
        const fault_api *api = &fault_apis[i];
        if (api->computes == (n == 1))
            continue;
        fault_device *f = fault_open(api->driver);
        if (!f)
            continue;
        weft_module *m = support_module(api->api, api->text, NULL);
        long k = 0;
        while (fails_clearly(f, m, api, k, status[k % n]))
            k++;
        assert_true(k > 30);
        print_message("%s: %ld calls failed, one a life\n", api->driver->name, k);
        weft_module_destroy(m);
        weft_device_close(&f->base);
    }
}

static void
any_driver_call_may_fail_and_is_reported_once_and_leaves_nothing(void **state)
{
    (void)state;
    every_call_fails_once((weft_status[]){ WEFT_DEVICE }, 1);
}

static void
the_device_may_run_out_of_memory_in_any_call(void **state)
{
    (void)state;
    every_call_fails_once((weft_status[]){ WEFT_OUT_OF_MEMORY }, 1);
}

static void
the_device_may_be_lost_in_any_call(void **state)
{
    (void)state;
    every_call_fails_once((weft_status[]){ WEFT_LOST }, 1);
}

static void
on_real_devices_too(void **state)
{
    (void)state;
    every_call_fails_once((weft_status[]){ WEFT_DEVICE, WEFT_OUT_OF_MEMORY, WEFT_LOST }, 3);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void
a_kernel_that_does_not_compile_is_named_and_leaves_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < fault_napi; i++) {
        fault_device *f = fault_apis[i].computes ? fault_open(fault_apis[i].driver) : NULL;
        if (!f)
            continue;
        weft_diag *diag = weft_diag_create();
        weft_module *m =
            support_module(fault_apis[i].api, "kernel add this is no program\n", "300");
        weft_session *s = NULL;
        weft_status status = weft_session_create(m, &f->base, NULL, diag, &s);
        if (status != WEFT_INVALID_INPUT || !strstr(weft_diag_text(diag), "add"))
            fail_msg("%s: status %d: %s", fault_apis[i].driver->name, (int)status,
                     weft_diag_text(diag));
        assert_null(s);
        fault_expect_nothing_alive(f, "text that does not compile");
        weft_device_close(&f->base);
        weft_module_destroy(m);
        weft_diag_destroy(diag);
    }
}

/* ---- single faults --------------------------------------------------------------------------- */

static void
a_session_that_failed_to_bind_can_be_bound_again(void **state)
{
    (void)state;
    fault_device *f = fault_open(&weft_null_driver);
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    weft_diag *diag = weft_diag_create();
    weft_session *s = NULL;
    life l = { 0 };
    assert_int_equal(weft_session_create(m, &f->base, NULL, diag, &s), WEFT_OK);
    for (int k = 0; k < 2; k++) {
        int64_t n = N;
        fault_arm(f, k, FAULT_ALLOC, WEFT_OUT_OF_MEMORY, "no room");
        assert_int_equal(weft_session_bind(s, (const int64_t *[]){ &n, &n }, diag),
                         WEFT_OUT_OF_MEMORY);
        assert_non_null(strstr(weft_diag_text(diag), k ? "outputs and temporaries" : "inputs"));
        weft_diag_clear(diag);
        assert_int_equal(weft_session_run(s, diag), WEFT_INVALID_ARGUMENT);
        weft_diag_clear(diag);
        fault_disarm(f);
        if (!live_once(&l, s, N, false, diag))
            fail_msg("%s: %s", l.step, weft_diag_text(diag));
    }
    weft_session_destroy(s);
    fault_expect_nothing_alive(f, "two failed binds");
    weft_device_close(&f->base);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

/* An input of which half arrived is none. */
static void
an_input_that_failed_to_arrive_must_be_set_again(void **state)
{
    (void)state;
    fault_device *f = fault_open(&weft_null_driver);
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, "300");
    weft_diag *diag = weft_diag_create();
    weft_session *s = NULL;
    float x[300] = { 0 };
    assert_int_equal(weft_session_create(m, &f->base, NULL, diag, &s), WEFT_OK);
    assert_int_equal(weft_session_set_input(s, 0, x, sizeof x, diag), WEFT_OK);
    assert_int_equal(weft_session_set_input(s, 1, x, sizeof x, diag), WEFT_OK);
    fault_arm(f, 0, FAULT_UPLOAD, WEFT_DEVICE, "torn");
    assert_int_equal(weft_session_set_input(s, 1, x, sizeof x, diag), WEFT_DEVICE);
    weft_diag_clear(diag);
    assert_int_equal(weft_session_run(s, diag), WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(diag), "input 'c' has no data"));
    weft_session_destroy(s);
    weft_device_close(&f->base);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
expect_lost(const char *what, weft_status s, weft_diag *diag)
{
    static const char sentence[] = "error: device 'null' (null device) is lost, with all that its "
                                   "sessions hold; destroy them, close it and open it again\n";
    if (s != WEFT_LOST || strcmp(weft_diag_text(diag), sentence) != 0)
        fail_msg("%s: status %d: %s", what, (int)s, weft_diag_text(diag));
    weft_diag_clear(diag);
}

static void
a_lost_device_gives_the_same_sentence_to_every_later_call(void **state)
{
    (void)state;
    fault_device *f = fault_open(&weft_null_driver);
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, "300");
    weft_diag *diag = weft_diag_create();
    weft_session *s = NULL, *other = NULL;
    float x[300] = { 0 };
    assert_int_equal(weft_session_create(m, &f->base, NULL, diag, &s), WEFT_OK);
    weft_session_set_input(s, 0, x, sizeof x, diag);
    weft_session_set_input(s, 1, x, sizeof x, diag);
    fault_arm(f, 0, FAULT_SUBMIT, WEFT_LOST, "vkQueueSubmit: VK_ERROR_DEVICE_LOST (-4)");
    assert_int_equal(weft_session_run(s, diag), WEFT_LOST);
    assert_non_null(strstr(weft_diag_text(diag), "VK_ERROR_DEVICE_LOST"));
    assert_non_null(strstr(weft_diag_text(diag), "is lost"));
    weft_diag_clear(diag);
    fault_arm(f, -1, FAULT_CALLS, WEFT_OK, "");
    expect_lost("run", weft_session_run(s, diag), diag);
    expect_lost("profile", weft_session_profile(s, diag), diag);
    expect_lost("sync", weft_session_sync(s, diag), diag);
    expect_lost("poison", weft_session_poison(s, diag), diag);
    expect_lost("set input", weft_session_set_input(s, 0, x, sizeof x, diag), diag);
    expect_lost("get output", weft_session_get_output(s, 0, x, sizeof x, diag), diag);
    expect_lost("keep", weft_session_keep_temps(s, true, diag), diag);
    expect_lost("set tensor", weft_session_set_tensor(s, 0, x, sizeof x, diag), diag);
    expect_lost("run steps", weft_session_run_steps(s, 0, 2, diag), diag);
    expect_lost("create", weft_session_create(m, &f->base, NULL, diag, &other), diag);
    assert_null(other);
    weft_session_destroy(s);
    assert_int_equal(f->calls, 0); /* a lost device is asked nothing that could fail or hang */
    fault_expect_nothing_alive(f, "a lost device");
    weft_device_close(&f->base);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_driver_call_may_fail_and_is_reported_once_and_leaves_nothing),
        cmocka_unit_test(the_device_may_run_out_of_memory_in_any_call),
        cmocka_unit_test(the_device_may_be_lost_in_any_call),
        cmocka_unit_test(on_real_devices_too),
        cmocka_unit_test(a_kernel_that_does_not_compile_is_named_and_leaves_nothing),
        cmocka_unit_test(a_session_that_failed_to_bind_can_be_bound_again),
        cmocka_unit_test(an_input_that_failed_to_arrive_must_be_set_again),
        cmocka_unit_test(a_lost_device_gives_the_same_sentence_to_every_later_call),
    };
    char *folder = support_folder();
    setenv("WEFT_CACHE_DIR", folder, 1);
    int failed = cmocka_run_group_tests_name("device faults", tests, NULL, NULL);
    support_remove(folder);
    return failed;
}
