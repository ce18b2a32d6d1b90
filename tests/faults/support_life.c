/* A session's life, and fakes that fail in it. */
#include "support_life.h"

#include "../runtime/support.h"

enum { N = 300, MORE = 700 };

static bool
took(life *l, const char *step, weft_status s)
{
    l->step = s ? step : l->step;
    l->status = s;
    return !s;
}

static bool
data_in(life *l, weft_session *s, int n, weft_diag *diag)
{
    float a[1000], c[1000];
    for (int i = 0; i < n; i++) {
        a[i] = (float)(i * 2);
        c[i] = (float)(i + 7);
    }
    return took(l, "poison", weft_session_poison(s, diag)) &&
           took(l, "set input a", weft_session_set_input(s, 0, a, (size_t)n * 4, diag)) &&
           took(l, "set input c", weft_session_set_input(s, 1, c, (size_t)n * 4, diag));
}

static bool
data_out(life *l, weft_session *s, int n, bool computes, weft_diag *diag)
{
    float y[1000];
    if (!took(l, "get output", weft_session_get_output(s, 0, y, (size_t)n * 4, diag)))
        return false;
    for (int i = 0; i < n && computes; i++)
        assert_float_equal(y[i], ((float)(i * 2) + (float)i * 0.5f + (float)(i + 7)) * 3, 0);
    return true;
}

bool
live_once(life *l, weft_session *s, int64_t n, bool computes, weft_diag *diag)
{
    const int64_t *dims[] = { &n, &n };
    return took(l, "bind", weft_session_bind(s, dims, diag)) && data_in(l, s, (int)n, diag) &&
           took(l, "run", weft_session_run(s, diag)) &&
           took(l, "sync", weft_session_sync(s, diag)) && data_out(l, s, (int)n, computes, diag);
}

life
live(weft_device *d, weft_module *m, bool computes, weft_diag *diag)
{
    life l = { 0 };
    weft_session *s = NULL;
    float t[1000];
    if (took(&l, "create", weft_session_create(m, d, NULL, diag, &s)) &&
        live_once(&l, s, N, computes, diag) && live_once(&l, s, MORE, computes, diag) &&
        took(&l, "keep temporaries", weft_session_keep_temps(s, true, diag)) &&
        data_in(&l, s, MORE, diag) && took(&l, "profile", weft_session_profile(s, diag)) &&
        took(&l, "get a temporary", weft_session_get_tensor(s, 2, t, MORE * 4, diag)) &&
        took(&l, "set a temporary", weft_session_set_tensor(s, 2, t, MORE * 4, diag)) &&
        took(&l, "run the last step",
             weft_session_run_steps(s, m->program->nstep - 1, 1, diag)))
        data_out(&l, s, MORE, computes, diag);
    if (l.status == WEFT_OK)
        assert_non_null(s);
    weft_session_destroy(s);
    return l;
}

static void
a_run_can_be_repeated(weft_session *s, const char *fault, weft_status expected)
{
    weft_diag *diag = weft_diag_create();
    life l = { 0 };
    for (int i = 0; i < 2; i++) {
        setenv("WEFT_FAKE", fault, 1);
        bool failed = !live_once(&l, s, N, true, diag);
        if (!failed || l.status != expected)
            fail_msg("with %s: status %d: %s", fault, (int)l.status, weft_diag_text(diag));
        weft_diag_clear(diag);
        unsetenv("WEFT_FAKE");
        if (!live_once(&l, s, N, true, diag))
            fail_msg("after %s: '%s' fails: %s", fault, l.step, weft_diag_text(diag));
    }
    weft_diag_destroy(diag);
}

/* ---- the calls of a fake library ------------------------------------------------------------- */

static life
open_and_live(const weft_driver *driver, weft_module *m, weft_diag *diag)
{
    weft_drivers drivers = { 1, { driver } };
    weft_device *d = NULL;
    life l = { weft_device_open(&drivers, driver->name, diag, &d), "open" };
    if (!l.status)
        l = live(d, m, true, diag);
    weft_device_close(d);
    return l;
}

static void
expect_clean(const fake_state *f, const char *when)
{
    if (f->alive)
        fail_msg("%s: %d handles are alive, the last a %s", when, f->alive, f->handles->kind);
    if (f->wrong)
        fail_msg("%s: %s", when, f->words);
}

/* One life with call k failing; whether there was such a call. */
static bool
api_call_fails(const weft_driver *driver, weft_module *m, fake_state *f, long k, int code,
               bool sticky, weft_status expected)
{
    weft_diag *diag = weft_diag_create();
    char when[200];
    fake_arm(f, k, code, sticky);
    life l = open_and_live(driver, m, diag);
    bool failed = f->failed[0] != 0;
    snprintf(when, sizeof when, "call %ld, %s, failing in '%s'", k, failed ? f->failed : "none",
             l.step ? l.step : "nothing");
    expect_clean(f, when);
    char number[16]; /* a sticky fault may be met first where it is of no consequence */
    snprintf(number, sizeof number, "(%d)", code);
    if (l.status && (!failed || !strstr(weft_diag_text(diag), sticky ? number : f->failed)))
        fail_msg("%s: the message is\n%s", when, weft_diag_text(diag));
    if (!l.status)
        assert_string_equal(weft_diag_text(diag), "");
    else if (l.status != expected && strcmp(l.step, "open") != 0)
        fail_msg("%s: status %d, not %d: %s", when, (int)l.status, (int)expected,
                 weft_diag_text(diag));
    weft_diag_clear(diag);
    fake_arm(f, -1, 0, false);
    l = open_and_live(driver, m, diag);
    if (l.status)
        fail_msg("after %s: a new life fails at '%s': %s", when, l.step, weft_diag_text(diag));
    expect_clean(f, "a whole life");
    weft_diag_destroy(diag);
    return failed;
}

void
every_api_call_of_a_life_fails_once(const weft_driver *driver, weft_module *m, fake_state *f,
                                    int code, bool sticky, weft_status expected)
{
    long k = 0;
    while (api_call_fails(driver, m, f, k, code, sticky, expected))
        k++;
    assert_true(k > 50);
    print_message("%s: %ld calls failed with %d, one a life\n", driver->name, k, code);
}

void
every_api_call_fails_once(const weft_driver *driver, weft_api api, const char *text, fake_state *f,
                          int code, bool sticky, weft_status expected)
{
    weft_module *m = support_copied(api, text, NULL);
    every_api_call_of_a_life_fails_once(driver, m, f, code, sticky, expected);
    weft_module_destroy(m);
}

void
every_failed_run_can_be_repeated(const weft_driver *driver, weft_api api, const char *text,
                                 fake_state *f, const char *const *fault, int n)
{
    weft_drivers drivers = { 1, { driver } };
    weft_module *m = support_module(api, text, NULL);
    weft_device *d = NULL;
    weft_session *s = NULL;
    fake_arm(f, -1, 0, false);
    assert_int_equal(weft_device_open(&drivers, driver->name, NULL, &d), WEFT_OK);
    assert_int_equal(weft_session_create(m, d, NULL, NULL, &s), WEFT_OK);
    for (int i = 0; i < n; i++)
        a_run_can_be_repeated(s, fault[i], WEFT_OUT_OF_MEMORY);
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    expect_clean(f, "repeated runs");
}
