/* Scans across threads: every step sees the one before, whatever order the threads run in. */
#include "support.h"

#include "ir/interp.h"

#include <string.h>

enum { STEPS = 11, WIDTH = 8 };

/* S[t, i]: A[0, i], then what the step before has at the mirrored place, plus A[t, i]. */
static void
expected(const float *a, float *s)
{
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < WIDTH; i++)
            s[t * WIDTH + i] =
                t == 0 ? a[i] : s[(t - 1) * WIDTH + WIDTH - 1 - i] + a[t * WIDTH + i];
}

static const char *const programs[] = {
    "te f(A: f32[n, 8]) {\n"
    "    S[t < n, i < 8] = scan(t) from A[0, i] with S[t - 1, 7 - i] + A[t, i]\n"
    "}\n",
    "te f(A: f32[n, 8]) {\n"
    "    S[t < n, i < 8] = scan(t) from A[0, i]\n"
    "        with sum(k < 8 where k == 7 - i) S[t - 1, k] + A[t, i]\n"
    "}\n",
};

static const struct {
    int program;
    const char *schedule;
} rows[] = {
    { 0, "" },
    { 0, "schedule { bind(S.i, thread.x) }" },
    { 0, "schedule { o, q = split(S.t, 4) unroll(q) bind(S.i, thread.x) }" },
    { 0, "schedule { a, b = split(S.i, 3) bind(a, thread.y) bind(b, thread.x) }" },
    { 0, "schedule { a, b = split(S.i, 4) vectorize(b) }" },
    { 1, "" },
    { 1, "schedule { bind(S.i, thread.x) }" },
    { 1, "schedule { bind(S.k, thread.x) }" },
    { 1, "schedule { bind(S.k, thread.x) bind(S.i, thread.y) o, q = split_parts(S.t, 2) }" },
};

static void
check(int program, const char *schedule, const char *passes, weft_order order)
{
    weft_str text = { 0 };
    weft_str_addf(&text, "%s%s", programs[program], schedule);
    weft_te *te = must_parse(weft_str_text(&text));
    weft_lowered low = must_lower(te);
    weft_lower_options o = plain_options();
    weft_caps caps = plain_caps(true);
    o.caps = &caps;
    float a[STEPS * WIDTH], got[STEPS * WIDTH], want[STEPS * WIDTH];
    for (int i = 0; i < STEPS * WIDTH; i++)
        a[i] = (float)(i * 5 % 7);
    expected(a, want);
    const weft_interp_buffer buffer[] = { { a, STEPS * WIDTH, true, false },
                                          { got, STEPS * WIDTH, false, true } };
    int64_t n = STEPS;
    weft_status st = *passes ? weft_run_passes(low.kernel[0], passes, &o, te->diag) : WEFT_OK;
    weft_interp_options options = { .threads = 1, .order = order, .seed = 5 };
    weft_interp *in = st ? NULL : weft_interp_create(low.kernel[0], &options, te->diag);
    if (!in || weft_interp_run(in, buffer, &n, te->diag) || memcmp(got, want, sizeof got) != 0)
        fail_msg("%s\n%s: %s", weft_str_text(&text), passes, weft_diag_text(te->diag));
    weft_interp_destroy(in);
    weft_str_free(&text);
    done(te);
}

static void
steps_come_one_after_the_other_at_every_level(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int order = 0; order < 3; order++) {
            check(rows[i].program, rows[i].schedule, "", (weft_order)order);
            check(rows[i].program, rows[i].schedule,
                  "flatten,simplify,partition,vectorize,unroll,reduce-threads,simplify,barriers,"
                  "legalize,hoist",
                  (weft_order)order);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_come_one_after_the_other_at_every_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
