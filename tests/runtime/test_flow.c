/* Steps that the plan takes itself: what a manifest may say of them, and what numbers may come of
 * them in a run. */
#include "support_flow.h"

#include <stdio.h>

/* ---- manifests ------------------------------------------------------------------------------- */

/* What stands last before the step's name, or, where that is NULL, first of all, is replaced. */
typedef struct edit {
    const char *step, *from, *to, *message;
} edit;

static const edit edits[] = {
    { "first", "\"read\"", "\"call\"", "kind is not a word that weft knows" },
    { "first", "\"symbol\": 1", "\"symbol\": 9", "binds symbol 9; there are 5" },
    { "first", "\"symbol\": 1", "\"symbol\": 0", "binds symbol 'n', as input 'x' does" },
    { "first", "\"symbol\": 1", "\"symbol\": 2", "binds symbol 'i', as another does" },
    { "first", "\"symbol\": 1", "\"symbol\": -1", "symbol is not an integer" },
    { "first", "\"symbol\": 1,", "", "binds symbol -1" },
    { "first", "\"bound\": \"n\"", "\"bound\": \"k\"", "the bound of read" },
    { "first", "\"bound\": \"n\"", "\"bound\": \"n +\"", "the bound of read" },
    { "first", "\"bound\": \"n\"", "\"bound\": 7", "bound is not a text" },
    { "first", "\"bound\": \"n\",", "", "bound is not a text" },
    { "first", "\"tensor\": 0", "\"tensor\": 7", "there is no tensor 7" },
    { "first", "\"tensor\": 0", "\"tensor\": 1", "uses 't', whose memory lives from step 1" },
    { "first", "\"tensor\": 0,", "\"tensor\": 0}, {\"tensor\": 0,", "it takes 1 and 0" },
    { "first", "\"tensor\": 0,", "\"written\": true, \"tensor\": 0,", "buffer 0 is written" },
    { "first", "\"offset\": \"0\"", "\"offset\": \"k\"", "an offset into of x" },
    { NULL, "\"dtype\": \"i32\"", "\"dtype\": \"f32\"", "holds no integers of whole bytes" },
    { "whole", "\"tensor\": 1,", "\"tensor\": 4,", "writes 'w', which lies in constant 'w'" },
    { "whole", "\"written\": true", "\"written\": false", "buffer 1 is not written" },
    { "whole", "\"tensor\": 0", "\"tensor\": 0}, {\"tensor\": 0", "it takes 2 and 0" },
    { "some", "\"bound\": \"k\"", "\"bound\": \"m\"", "the bound of if" },
    { "some", "\"steps\": 2", "\"steps\": 99", "is over 99 steps; 6 are left" },
    { "some", "\"steps\": 2", "\"steps\": -1", "steps is not an integer" },
    { "some", "\"steps\": 2", "\"steps\": 3", "step 5 is over 3 steps; 0 are left" },
    { "some", "\"buffers\": []", "\"buffers\": [{\"tensor\": 0}]", "it takes 0 and 0" },
    { "make", "\"launch\": 0", "\"launch\": 1", "there is no kernel 1" },
    { "make", "\"tensor\": 2", "\"tensor\": 3", "'c', a later step binds" },
    { "rounds", "\"symbol\": 2", "\"symbol\": 1", "binds symbol 'k', as another does" },
    { "rounds", "\"symbol\": 2", "\"symbol\": 3", "binds symbol 'c', as another does" },
    { "rounds", "\"count\": 3", "\"count\": 4", "binds symbol 'm', as another does" },
    { "rounds", "\"count\": 3", "\"count\": 8", "binds symbol 8; there are 5" },
    { "rounds", "\"bound\": \"k\"", "\"bound\": \"c\"", "the bound of loop" },
    { "rounds", "\"bound\": \"k\"", "\"bound\": \"i\"", "the bound of loop" },
    { "rounds", "\"test\": \"m\"", "\"test\": \"c\"", "the test of a loop" },
    { "rounds", "\"test\": \"m\"", "\"test\": \"(m\"", "the test of a loop" },
    { "rounds", "\"steps\": 3", "\"steps\": 4", "is over 4 steps; 3 are left" },
    { "put", "\"offset\": \"i * 4\"", "\"offset\": \"c * 4\"", "an offset into of y" },
    { "put", "\"tensor\": 2", "\"tensor\": 3", "whose dimension 0, 'c', a later step binds" },
    { "again", "\"tensor\": 0", "\"tensor\": 1", "uses 't', whose memory lives from step 1 to 1" },
};

static const char *
find_edit(const char *text, const edit *e)
{
    const char *end = NULL, *at = NULL;
    char step[64];
    if (!e->step)
        return strstr(text, e->from);
    snprintf(step, sizeof step, "\"layers\": \"%s\"", e->step);
    end = strstr(text, step);
    for (const char *next = strstr(text, e->from); next && next < end; next = strstr(next + 1, e->from))
        at = next;
    return at;
}

static void
a_manifest_whose_steps_were_tampered_with_is_refused(void **state)
{
    (void)state;
    char *folder = support_folder(), path[128], dir[128];
    weft_module *m = support_flow(), *back = NULL;
    weft_diag *diag = weft_diag_create();
    size_t n;
    snprintf(dir, sizeof dir, "%s/a/", folder);
    snprintf(path, sizeof path, "%s/a/manifest.json", folder);
    if (weft_module_write(m, dir, diag) || weft_module_read(dir, diag, &back))
        fail_msg("%s", weft_diag_text(diag));
    weft_module_destroy(back);
    char *good = support_read(path, &n);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        weft_str bad = { 0 };
        const char *at = find_edit(good, &edits[i]);
        if (!at)
            fail_msg("the manifest has no %s", edits[i].from);
        weft_str_addn(&bad, good, (size_t)(at - good));
        weft_str_add(&bad, edits[i].to);
        weft_str_add(&bad, at + strlen(edits[i].from));
        weft_file_write(NULL, path, bad.at, bad.n);
        weft_diag_clear(diag);
        weft_status s = weft_module_read(dir, diag, &back);
        if (s == WEFT_OK || back || !strstr(weft_diag_text(diag), edits[i].message))
            fail_msg("edit %zu to %s: %s", i, edits[i].to, weft_diag_text(diag));
        weft_str_free(&bad);
    }
    free(good);
    weft_diag_destroy(diag);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
steps_in_each_other_without_end_are_refused(void **state)
{
    enum { DEEP = 65 };
    (void)state;
    weft_module *m = support_flow();
    weft_program *p = m->program;
    weft_diag *diag = weft_diag_create();
    weft_mod_step *step = WEFT_NEW_ARRAY(&m->arena, DEEP + p->nstep, weft_mod_step);
    for (int i = 0; i < DEEP; i++) {
        step[i] = p->step[FLOW_SOME];
        step[i].bound = "1";
        step[i].nbody = DEEP - 1 - i;
    }
    p->step = step;
    p->nstep = DEEP - 1;
    p->tensor[FLOW_T].first = p->tensor[FLOW_T].last = -1;
    p->tensor[FLOW_E].first = p->tensor[FLOW_E].last = -1;
    for (int i = 0; i < DEEP; i++)
        step[i].nbody--;
    assert_int_equal(weft_module_check(m, NULL), WEFT_OK);
    for (int i = 0; i < DEEP; i++)
        step[i].nbody++;
    p->nstep = DEEP;
    assert_int_equal(weft_module_check(m, diag), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "nested deeper than 64 levels"));
    weft_diag_destroy(diag);
    weft_module_destroy(m);
}

static void
memory_that_a_loop_needs_again_cannot_end_in_it(void **state)
{
    (void)state;
    weft_module *m = support_flow();
    weft_diag *diag = weft_diag_create();
    m->program->tensor[FLOW_E].last = FLOW_PUT;
    m->program->step[FLOW_ROUNDS].nbody = 2;
    m->program->nstep = 8;
    assert_int_equal(weft_module_check(m, diag), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "tensor 'e' dies at step 6, in the loop of step 5"));
    weft_diag_destroy(diag);
    weft_module_destroy(m);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct bench {
    weft_diag *diag;
    weft_device *device;
    weft_session *session;
} bench;

static bench
bench_of(weft_module *m)
{
    bench b = { .diag = weft_diag_create() };
    assert_int_equal(support_host_driver.open(0, b.diag, &b.device), WEFT_OK);
    if (weft_module_check(m, b.diag) || weft_session_create(m, b.device, NULL, b.diag, &b.session))
        fail_msg("%s", weft_diag_text(b.diag));
    return b;
}

static void
drop(bench *b, weft_module *m)
{
    weft_session_destroy(b->session);
    weft_device_close(b->device);
    weft_diag_destroy(b->diag);
    weft_module_destroy(m);
}

static void
expect_results(bench *b, const int32_t x[4], int n)
{
    int64_t nout = 0;
    int32_t y[4] = { 0 };
    if (support_flow_run(b->session, 4, x, &nout, y, b->diag))
        fail_msg("%s", weft_diag_text(b->diag));
    assert_int_equal(nout, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(y[i], 42);
}

static void
expect_refused(bench *b, const int32_t x[4], const char *message)
{
    int64_t nout = 0;
    int32_t y[4];
    weft_status s = support_flow_run(b->session, 4, x, &nout, y, b->diag);
    if (!s || s == WEFT_INTERNAL || !strstr(weft_diag_text(b->diag), message))
        fail_msg("status %d, not '%s': %s", (int)s, message, weft_diag_text(b->diag));
    weft_diag_clear(b->diag);
}

static void
the_plan_runs_as_often_as_its_inputs_say(void **state)
{
    (void)state;
    weft_module *m = support_flow();
    bench b = bench_of(m);
    expect_results(&b, (int32_t[]){ 3, 5, 0, 7 }, 3);
    expect_results(&b, (int32_t[]){ 4, 5, 1, 7 }, 4);
    expect_results(&b, (int32_t[]){ 3, 0, 0, 7 }, 2);
    expect_results(&b, (int32_t[]){ 0, 5, 0, 7 }, 0);
    drop(&b, m);
}

static void
a_size_read_back_is_within_its_bound(void **state)
{
    (void)state;
    weft_module *m = support_flow();
    bench b = bench_of(m);
    expect_refused(&b, (int32_t[]){ -1, 5, 0, 7 }, "'k', read from 'x' for first, is -1; it is possible from 0 to 4");
    expect_refused(&b, (int32_t[]){ 5, 5, 0, 7 }, "is 5; it is possible from 0 to 4");
    expect_refused(&b, (int32_t[]){ 4, 101, 0, 7 }, "'m', read from 'x' for again, is 101");
    expect_results(&b, (int32_t[]){ 3, 5, 0, 7 }, 3); /* as if nothing had been */
    drop(&b, m);
}

/* One thing of the plan is another: the run, or the binding, ends in the message. */
typedef struct wrong {
    int step, arg;          /* arg -1: of the step itself */
    int tensor;             /* -1: as it is */
    const char *expression; /* the argument's offset; the bound of the step */
    const char *message;
} wrong;

static const wrong wrongs[] = {
    { FLOW_PUT, 1, -1, "i * 4 - 8", "offset -8 into 'y' of 16 bytes" },
    { FLOW_PUT, 1, -1, "i * 4 + 16", "'e' has 4 bytes; there is room for 0 in 'y'" },
    { FLOW_PUT, 1, -1, "i * 4 + 17", "offset 17 into 'y'" },
    { FLOW_PUT, 1, -1, "n * 9223372036854775807", "expression" },
    { FLOW_AGAIN, 0, -1, "i * 4 + 12", "reads beyond the end of 'x'" },
    { FLOW_AGAIN, 0, -1, "i * 4 - 1", "offset -1 into 'x'" },
    { FLOW_FIRST, 0, -1, "n * 4 - 3", "reads beyond the end of 'x'" },
    { FLOW_ONE, 0, FLOW_X, NULL, "'x' has 16 bytes; there is room for 4 in 'e'" },
    { FLOW_WHOLE, 1, FLOW_X, "4", "'x' has 16 bytes; there is room for 12 in 'x'" },
    { FLOW_FIRST, -1, -1, "9223372036854775807", "how many is known when the model runs alone" },
    { FLOW_FIRST, -1, -1, "n - 10", "is 3; it is possible from 0 to -6" },
    { FLOW_ROUNDS, -1, -1, "k * 9223372036854775807", "tensor 'y' has too many elements" },
};

static void
set_wrong(weft_module *m, const wrong *w)
{
    weft_mod_step *s = &m->program->step[w->step];
    weft_mod_arg *arg = weft_arena_dup(&m->arena, s->buffer, 2 * sizeof *arg);
    if (w->arg < 0) {
        s->bound = w->expression;
        return;
    }
    arg[w->arg].offset = w->expression;
    arg[w->arg].tensor = w->tensor < 0 ? arg[w->arg].tensor : w->tensor;
    s->buffer = arg;
}

static void
numbers_that_leave_a_tensor_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        weft_module *m = support_flow();
        set_wrong(m, &wrongs[i]);
        bench b = bench_of(m);
        expect_refused(&b, (int32_t[]){ 3, 5, 2, 7 }, wrongs[i].message);
        drop(&b, m);
    }
}

static void
a_size_read_back_that_a_kernel_does_not_count_to_ends_the_run(void **state)
{
    (void)state;
    static const char *const reach[] = { "k * 1000000000" }, *const later[] = { "c" };
    weft_module *m = support_flow();
    m->program->step[FLOW_MAKE].nreach = 1;
    m->program->step[FLOW_MAKE].reach = later;
    assert_int_equal(weft_module_check(m, NULL), WEFT_INVALID_INPUT);
    m->program->step[FLOW_MAKE].reach = reach;
    bench b = bench_of(m);
    expect_results(&b, (int32_t[]){ 2, 5, 0, 7 }, 2);
    expect_refused(&b, (int32_t[]){ 3, 5, 0, 7 }, "with k = 3 it counts to 3000000000 in i32");
    drop(&b, m);
}

static void
bytes_are_not_copied_over_themselves(void **state)
{
    (void)state;
    weft_module *m = support_flow();
    set_wrong(m, &(wrong){ FLOW_WHOLE, 0, -1, "4", NULL });
    set_wrong(m, &(wrong){ FLOW_WHOLE, 1, FLOW_X, NULL, NULL });
    bench b = bench_of(m);
    expect_refused(&b, (int32_t[]){ 3, 5, 2, 7 }, "step 1 copies 12 bytes of 'x' over themselves");
    drop(&b, m);
    m = support_flow();
    set_wrong(m, &(wrong){ FLOW_WHOLE, 1, FLOW_X, NULL, NULL }); /* where they are */
    b = bench_of(m);
    expect_results(&b, (int32_t[]){ 3, 5, 0, 7 }, 3);
    drop(&b, m);
}

static void
a_loop_that_does_nothing_ends(void **state)
{
    (void)state;
    weft_module *m = support_flow();
    weft_mod_step *loop = &m->program->step[FLOW_ROUNDS];
    loop->bound = "9223372036854775807";
    loop->test = "1";
    loop->nbody = 0;
    m->program->nstep = FLOW_PUT;
    m->program->tensor[FLOW_E].last = FLOW_ONE;
    m->program->tensor[FLOW_Y].dim = m->program->tensor[FLOW_X].dim;
    bench b = bench_of(m);
    expect_refused(&b, (int32_t[]){ 3, 5, 2, 7 }, "iterations of loops did nothing");
    drop(&b, m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_whose_steps_were_tampered_with_is_refused),
        cmocka_unit_test(steps_in_each_other_without_end_are_refused),
        cmocka_unit_test(memory_that_a_loop_needs_again_cannot_end_in_it),
        cmocka_unit_test(the_plan_runs_as_often_as_its_inputs_say),
        cmocka_unit_test(a_size_read_back_is_within_its_bound),
        cmocka_unit_test(numbers_that_leave_a_tensor_are_refused),
        cmocka_unit_test(a_size_read_back_that_a_kernel_does_not_count_to_ends_the_run),
        cmocka_unit_test(bytes_are_not_copied_over_themselves),
        cmocka_unit_test(a_loop_that_does_nothing_ends),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
