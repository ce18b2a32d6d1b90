/* Faults in the middle of a plan that decides as it runs: a size that does not come back, a copy that
 * fails, a device that is lost in a loop.  The device has memory, so that the plan takes its way. */
#include "support.h"

#include "../runtime/support_flow.h"

static const int32_t X[] = { 3, 5, 0, 7 };

typedef struct bench {
    weft_module *module;
    weft_diag *diag;
    fault_device *device;
    weft_session *session;
} bench;

static bench
bench_make(void)
{
    bench b = { .module = support_flow(), .diag = weft_diag_create() };
    b.device = fault_open(&support_host_driver);
    assert_non_null(b.device);
    if (weft_session_create(b.module, &b.device->base, NULL, b.diag, &b.session))
        fail_msg("%s", weft_diag_text(b.diag));
    return b;
}

static void
drop(bench *b, const char *when)
{
    weft_session_destroy(b->session);
    fault_expect_nothing_alive(b->device, when);
    weft_device_close(&b->device->base);
    weft_module_destroy(b->module);
    weft_diag_destroy(b->diag);
}

static weft_status
run(bench *b)
{
    int64_t n = 0;
    int32_t y[4] = { 0 };
    weft_status s = support_flow_run(b->session, 4, X, &n, y, b->diag);
    if (!s) {
        assert_int_equal(n, 3);
        for (int i = 0; i < 3; i++)
            assert_int_equal(y[i], 42);
    }
    return s;
}

/* One run with call k of a kind failing; whether there was such a call.  The next run is right. */
static bool
fails_clearly(bench *b, fault_call only, long k, weft_status status)
{
    char when[96];
    fault_arm(b->device, k, only, status, "injected fault");
    weft_status s = run(b);
    bool failed = b->device->failed;
    snprintf(when, sizeof when, "call %ld of %s failing", k, fault_call_name(only));
    if (failed && (s != status || !strstr(weft_diag_text(b->diag), "injected fault")))
        fail_msg("%s: status %d: %s", when, (int)s, weft_diag_text(b->diag));
    weft_diag_clear(b->diag);
    fault_disarm(b->device);
    if (status == WEFT_LOST && failed)
        return true;
    if (run(b))
        fail_msg("after %s: %s", when, weft_diag_text(b->diag));
    return failed;
}

static void
any_call_of_a_run_may_fail_and_the_session_runs_again(void **state)
{
    (void)state;
    static const weft_status status[] = { WEFT_DEVICE, WEFT_OUT_OF_MEMORY };
    bench b = bench_make();
    for (int only = FAULT_ALLOC; only < FAULT_CALLS; only++) {
        long k = 0;
        while (only != FAULT_LOAD && fails_clearly(&b, (fault_call)only, k, status[k % 2]))
            k++;
        if (only == FAULT_DOWNLOAD)
            assert_int_equal(k, 5); /* k, m three times, the output */
        if (only == FAULT_COPY)
            assert_int_equal(k, 5); /* t, e, three into y */
    }
    drop(&b, "runs that failed");
}

static void
a_device_lost_in_the_middle_of_a_loop_is_asked_no_more(void **state)
{
    (void)state;
    static const fault_call calls[] = { FAULT_COPY, FAULT_DOWNLOAD, FAULT_SUBMIT, FAULT_RECORD };
    for (int i = 0; i < 4; i++)
        for (long k = 0;; k++) {
            bench b = bench_make();
            if (!fails_clearly(&b, calls[i], k, WEFT_LOST)) {
                drop(&b, "a run without a fault");
                assert_true(k > 0);
                break;
            }
            fault_arm(b.device, -1, FAULT_CALLS, WEFT_OK, "");
            assert_int_equal(weft_session_run(b.session, b.diag), WEFT_LOST);
            assert_non_null(strstr(weft_diag_text(b.diag), "is lost"));
            assert_int_equal(b.device->calls, 0);
            drop(&b, "a device lost in a loop");
        }
}

static void
a_run_that_stopped_in_a_loop_leaves_no_sizes_behind(void **state)
{
    (void)state;
    bench b = bench_make();
    int64_t n = 0;
    int32_t y[4];
    fault_arm(b.device, 3, FAULT_COPY, WEFT_DEVICE, "torn");
    assert_int_equal(run(&b), WEFT_DEVICE);
    fault_disarm(b.device);
    weft_diag_clear(b.diag);
    if (support_flow_run(b.session, 4, (const int32_t[]){ 0, 1, 1, 1 }, &n, y, b.diag))
        fail_msg("%s", weft_diag_text(b.diag));
    assert_int_equal(n, 0);
    drop(&b, "a run of no rounds");
}

static void
room_for_the_largest_sizes_is_asked_for_before_a_run(void **state)
{
    (void)state;
    bench b = bench_make();
    int64_t n = 4;
    fault_arm(b.device, 1, FAULT_ALLOC, WEFT_OUT_OF_MEMORY, "no room");
    assert_int_equal(weft_session_bind(b.session, (const int64_t *[]){ &n }, b.diag),
                     WEFT_OUT_OF_MEMORY);
    assert_non_null(strstr(weft_diag_text(b.diag), "use smaller shapes"));
    weft_diag_clear(b.diag);
    assert_int_equal(weft_session_run(b.session, b.diag), WEFT_INVALID_ARGUMENT);
    weft_diag_clear(b.diag);
    fault_disarm(b.device);
    assert_int_equal(run(&b), WEFT_OK);
    fault_arm(b.device, 0, FAULT_ALLOC, WEFT_OUT_OF_MEMORY, "no room");
    assert_int_equal(weft_session_run(b.session, b.diag), WEFT_OK);
    assert_int_equal(b.device->calls, 0); /* a run allocates nothing */
    drop(&b, "a bind without room");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_of_a_run_may_fail_and_the_session_runs_again),
        cmocka_unit_test(a_device_lost_in_the_middle_of_a_loop_is_asked_no_more),
        cmocka_unit_test(a_run_that_stopped_in_a_loop_leaves_no_sizes_behind),
        cmocka_unit_test(room_for_the_largest_sizes_is_asked_for_before_a_run),
    };
    return cmocka_run_group_tests_name("flow faults", tests, NULL, NULL);
}
