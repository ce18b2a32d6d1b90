/* What is recorded: loops and branches of which everything is known are one batch. */
#include "support_flow.h"

#include <stdio.h>

/* ---- a device that executes the copies of its batches ---------------------------------------- */

static int batches, entries; /* recorded, and launches and copies in the last of them */
static int submissions;

struct weft_batch {
    int n;
    weft_launch *at;
};

static weft_status
host_record(weft_device *d, const weft_launch *launch, int n, weft_batch **batch, weft_diag *diag)
{
    (void)d, (void)diag;
    weft_batch *b = *batch = calloc(1, sizeof *b);
    b->n = n;
    b->at = calloc((size_t)n, sizeof *b->at);
    for (int i = 0; i < n; i++) {
        weft_arg *arg = calloc((size_t)launch[i].nbuffer + 1, sizeof *arg);
        memcpy(arg, launch[i].buffer, (size_t)launch[i].nbuffer * sizeof *arg);
        b->at[i] = launch[i];
        b->at[i].buffer = arg;
    }
    batches++;
    entries = n;
    return WEFT_OK;
}

static void
host_discard(weft_device *d, weft_batch *b)
{
    (void)d;
    for (int i = 0; i < b->n; i++)
        free((void *)(uintptr_t)b->at[i].buffer);
    free(b->at);
    free(b);
}

static weft_status
host_submit(weft_device *d, weft_batch *b, double *times, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    submissions++;
    for (int i = 0; i < b->n && !s; i++) {
        const weft_arg *from = &b->at[i].buffer[0], *to = &b->at[i].buffer[1];
        if (!b->at[i].code)
            s = support_host_driver.copy(d, to->memory, to->offset, from->memory, from->offset,
                                         from->size, diag);
        if (times)
            times[i] = 1;
    }
    return s;
}

/* ---- a plan ---------------------------------------------------------------------------------- */

/* y[i] = w for i = 0, 1, .. below n:
 *
 *     0  loop i < n                     3  copy  x -> t
 *     1  copy  w -> y[i]                4  loop  k < 2
 *     2  if    n - 4                    5  launch fill(e)
 *                                       6  launch fill(e)
 */
enum { OVER_I, PUT, UNLESS, WHOLE, OVER_K, MAKE, LAST, STEPS };

static weft_module *
loops(void)
{
    weft_module *m = support_flow();
    weft_program *p = m->program;
    weft_mod_step *old = p->step, *s = WEFT_NEW_ARRAY(&m->arena, STEPS, weft_mod_step);
    const char *const *n = p->tensor[FLOW_X].dim;
    weft_mod_arg *put = weft_arena_dup(&m->arena, old[FLOW_PUT].buffer, 2 * sizeof *put);
    put[0].tensor = FLOW_W;
    s[OVER_I] = old[FLOW_ROUNDS];
    s[OVER_I].bound = "n";
    s[OVER_I].test = NULL;
    s[OVER_I].count = -1;
    s[OVER_I].nbody = 5;
    s[PUT] = old[FLOW_PUT];
    s[PUT].buffer = put;
    s[UNLESS] = old[FLOW_SOME];
    s[UNLESS].bound = "n - 4";
    s[UNLESS].nbody = 1;
    s[WHOLE] = old[FLOW_WHOLE];
    s[OVER_K] = s[OVER_I];
    s[OVER_K].symbol = old[FLOW_FIRST].symbol;
    s[OVER_K].bound = "2";
    s[OVER_K].nbody = 1;
    s[MAKE] = s[LAST] = old[FLOW_MAKE];
    p->step = s;
    p->nstep = STEPS;
    p->tensor[FLOW_T].dim = p->tensor[FLOW_Y].dim = n;
    p->tensor[FLOW_T].first = p->tensor[FLOW_E].first = 0;
    p->tensor[FLOW_T].last = LAST;
    p->tensor[FLOW_E].last = LAST;
    return m;
}

typedef struct bench {
    weft_driver driver;
    weft_module *module;
    weft_diag *diag;
    weft_device *device;
    weft_session *session;
} bench;

static void
make(bench *b, bool batches_copies)
{
    b->driver = support_host_driver;
    b->driver.batches_copies = batches_copies;
    b->driver.record = host_record;
    b->driver.discard = host_discard;
    b->driver.submit = host_submit;
    b->module = loops();
    b->diag = weft_diag_create();
    batches = entries = submissions = 0;
    assert_int_equal(support_host_driver.open(0, b->diag, &b->device), WEFT_OK);
    b->device->driver = &b->driver;
    if (weft_module_check(b->module, b->diag) ||
        weft_session_create(b->module, b->device, NULL, b->diag, &b->session))
        fail_msg("%s", weft_diag_text(b->diag));
}

static void
drop(bench *b)
{
    weft_session_destroy(b->session);
    support_host_driver.close(b->device);
    weft_diag_destroy(b->diag);
    weft_module_destroy(b->module);
}

static void
run(bench *b, int n)
{
    int32_t *x = calloc((size_t)n, sizeof *x), *y = calloc((size_t)n, sizeof *y);
    int64_t nout = 0;
    batches = submissions = 0;
    if (support_flow_run(b->session, n, x, &nout, y, b->diag))
        fail_msg("%s", weft_diag_text(b->diag));
    assert_int_equal(nout, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(y[i], 42);
    free(x);
    free(y);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void
loops_of_known_length_are_one_batch(void **state)
{
    (void)state;
    bench b;
    make(&b, true);
    run(&b, 4); /* the branch is not taken */
    assert_int_equal(batches, 1);
    assert_int_equal(submissions, 1);
    assert_int_equal(entries, 4 * (1 + 2) + 1);
    run(&b, 5);
    assert_int_equal(batches, 1);
    assert_int_equal(submissions, 1);
    assert_int_equal(entries, 5 * (1 + 1 + 2) + 1);
    drop(&b);
}

static void
a_driver_that_batches_no_copies_is_given_none(void **state)
{
    (void)state;
    bench b;
    make(&b, false);
    run(&b, 5);
    assert_int_equal(batches, 2); /* the inner loop, and the last step */
    assert_int_equal(submissions, 5 + 1);
    drop(&b);
}

static void
a_loop_too_long_for_a_batch_goes_step_by_step(void **state)
{
    (void)state;
    bench b;
    make(&b, true);
    run(&b, 24000);
    assert_true(submissions > 24000);
    drop(&b);
}

static void
the_times_of_a_step_in_a_loop_are_added(void **state)
{
    (void)state;
    bench b;
    make(&b, true);
    run(&b, 7);
    assert_int_equal(weft_session_profile(b.session, b.diag), WEFT_OK);
    const double *times = weft_session_times(b.session);
    const double expected[STEPS] = { [PUT] = 7, [WHOLE] = 7, [MAKE] = 14, [LAST] = 1 };
    for (int i = 0; i < STEPS; i++)
        assert_true(times[i] == expected[i]);
    drop(&b);
}

/* Whether a session can be made of the plan after a change; it may not take long. */
static weft_status
status_of(weft_module *m, const char *over_i, const char *over_k, int nbody)
{
    weft_driver driver = support_host_driver;
    weft_device *d;
    weft_session *s = NULL;
    int32_t x[4] = { 0 }, y[4];
    int64_t nout;
    driver.batches_copies = true;
    driver.record = host_record;
    driver.discard = host_discard;
    driver.submit = host_submit;
    batches = entries = submissions = 0;
    m->program->step[OVER_I].bound = over_i;
    m->program->step[OVER_K].bound = over_k;
    m->program->step[OVER_K].nbody = nbody;
    assert_int_equal(support_host_driver.open(0, NULL, &d), WEFT_OK);
    d->driver = &driver;
    weft_status status = weft_session_create(m, d, NULL, NULL, &s);
    if (!status)
        status = support_flow_run(s, 4, x, &nout, y, NULL);
    weft_session_destroy(s);
    support_host_driver.close(d);
    weft_module_destroy(m);
    return status;
}

static void
bounds_from_outside_are_not_unrolled(void **state)
{
    (void)state;
    assert_int_equal(status_of(loops(), "0 - 4611686018427387904", "2", 1), WEFT_OK);
    assert_int_equal(entries, 1); /* the last step */
    assert_int_equal(status_of(loops(), "n", "0 - 4611686018427387904", 1), WEFT_OK);
    assert_int_equal(entries, 4 + 1);
    assert_int_equal(status_of(loops(), "n", "4611686018427387904", 0), WEFT_OK);
    assert_int_equal(status_of(loops(), "n", "20000", 1), WEFT_OK);
    assert_int_equal(submissions, 4 + 1); /* the inner loop is a batch, the outer one is not */
}

/* Two loops of 20000 turns: the first takes what a plan may have. */
static void
loops_of_a_plan_share_what_is_unrolled(void **state)
{
    (void)state;
    weft_module *m = loops();
    weft_mod_step *s = m->program->step;
    const weft_mod_step branch = s[UNLESS];
    s[UNLESS] = s[OVER_K];
    s[UNLESS].symbol = 4; /* m */
    s[UNLESS].bound = "20000";
    s[UNLESS].nbody = branch.nbody;
    assert_int_equal(status_of(m, "n", "20000", 1), WEFT_OK);
    assert_int_equal(submissions, 4 * (1 + 20000) + 1);
}

/* The inner loop runs as often as the outer one has. */
static void
a_loop_whose_length_another_decides_is_the_hosts(void **state)
{
    (void)state;
    assert_int_equal(status_of(loops(), "n", "i", 1), WEFT_OK);
    assert_int_equal(submissions, 0 + 1 + 2 + 3 + 1); /* puts are copies of the host's */
}

/* A branch that the host takes, and a copy in it that does not fit. */
static weft_module *
copy_beyond(const char *when)
{
    weft_module *m = loops();
    weft_mod_step *s = m->program->step;
    weft_mod_arg *whole = weft_arena_dup(&m->arena, s[WHOLE].buffer, 2 * sizeof *whole);
    whole[1].offset = "4";
    s[WHOLE].buffer = whole;
    s[UNLESS].bound = when;
    return m;
}

static void
a_copy_that_no_run_reaches_is_no_error(void **state)
{
    (void)state;
    assert_int_equal(status_of(copy_beyond("i * 0"), "n", "i", 1), WEFT_OK);
    assert_int_equal(status_of(copy_beyond("i * 0 + 1"), "n", "i", 1), WEFT_LIMIT);
}

static void
a_step_of_a_recorded_loop_runs_alone(void **state)
{
    (void)state;
    bench b;
    int32_t y[6];
    make(&b, true);
    run(&b, 6);
    assert_int_equal(weft_session_keep_temps(b.session, true, b.diag), WEFT_OK);
    assert_int_equal(weft_session_set_symbol(b.session, "i", 3, b.diag), WEFT_OK);
    assert_int_equal(weft_session_poison(b.session, b.diag), WEFT_OK);
    assert_int_equal(weft_session_run_steps(b.session, PUT, 1, b.diag), WEFT_OK);
    assert_int_equal(weft_session_get_output(b.session, 0, y, sizeof y, b.diag), WEFT_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(y[i] == 42, i == 3);
    drop(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_of_known_length_are_one_batch),
        cmocka_unit_test(a_driver_that_batches_no_copies_is_given_none),
        cmocka_unit_test(a_loop_too_long_for_a_batch_goes_step_by_step),
        cmocka_unit_test(the_times_of_a_step_in_a_loop_are_added),
        cmocka_unit_test(bounds_from_outside_are_not_unrolled),
        cmocka_unit_test(loops_of_a_plan_share_what_is_unrolled),
        cmocka_unit_test(a_loop_whose_length_another_decides_is_the_hosts),
        cmocka_unit_test(a_copy_that_no_run_reaches_is_no_error),
        cmocka_unit_test(a_step_of_a_recorded_loop_runs_alone),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
