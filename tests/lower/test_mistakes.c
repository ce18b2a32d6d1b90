/* Mistakes that compilers of this kind have made, by their numbers: mistakes.def has a row for each,
 * and says what would fail here if it were made again. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* ---- tests/lower/mistakes: a program or kernel, and what becomes of it ----------------------- */

static void
run_passes_named(const golden *g, weft_kernel *k, weft_diag *diag)
{
    char names[128];
    weft_lower_options o = golden_options(g->input);
    weft_caps caps = plain_caps(true);
    o.caps = &caps;
    if (sscanf(g->input, "# passes: %127s", names) == 1 &&
        weft_run_passes(k, names, &o, diag) != WEFT_OK)
        fail_msg("%s: %s", g->path, weft_diag_text(diag));
}

/* The kernels, or the sentence that a program is refused with. */
static void
lower_program(const golden *g, weft_str *got)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("program.te", g->input, diag);
    weft_lowered low = { 0 };
    if (!te || weft_lower_te(te, &low, diag) != WEFT_OK)
        weft_str_add(got, weft_diag_text(diag));
    else
        for (int k = 0; k < low.nkernel; k++) {
            run_passes_named(g, low.kernel[k], diag);
            weft_print_kernel(got, low.kernel[k]);
        }
    weft_te_destroy(te);
    weft_diag_destroy(diag);
}

static void
programs_with_a_number_lower_to_what_stands_behind_their_mark(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("mistakes", ".te", &at);
    for (int i = 0; i < n; i++) {
        weft_str got = { 0 };
        lower_program(&at[i], &got);
        assert_golden(&at[i], weft_str_text(&got));
        weft_str_free(&got);
    }
    goldens_free(n, at);
}

static void
kernels_with_a_number_become_what_stands_behind_their_mark(void **state)
{
    (void)state;
    golden *at;
    int n = goldens("mistakes", ".wir", &at);
    for (int i = 0; i < n; i++) {
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        weft_kernel *const *kernel;
        int nkernel = 0;
        weft_str got = { 0 };
        if (weft_parse_kernels(ir, at[i].path, at[i].input, &nkernel, &kernel) != WEFT_OK)
            fail_msg("%s", weft_diag_text(diag));
        for (int k = 0; k < nkernel; k++) {
            run_passes_named(&at[i], kernel[k], diag);
            weft_print_kernel(&got, kernel[k]);
        }
        assert_golden(&at[i], weft_str_text(&got));
        weft_str_free(&got);
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
    goldens_free(n, at);
}

/* ---- what is no text ------------------------------------------------------------------------- */

static void
an_axis_of_another_program_is_refused_139(void **state)
{
    (void)state;
    static const char text[] = "te t(A: f32[4]) {\n    B[i < 4] = A[i]\n}\n";
    weft_te *te = must_parse(text), *other = must_parse(text);
    weft_axis *axis = weft_stage_axis(other, other->output.at[0], 0);
    assert_int_not_equal(weft_unroll(te, te->output.at[0], axis), WEFT_OK);
    assert_non_null(strstr(weft_diag_text(te->diag), "name its own stage"));
    done(te);
    done(other);
}

static int
place_of(const char *pass)
{
    for (int i = weft_pass_count; i-- > 0;)
        if (strcmp(weft_passes[i].name, pass) == 0)
            return i;
    return -1;
}

/* Only legalize and what gives no memory another place come behind: async waits before the barriers
 * that stand. */
static void
barriers_are_planned_when_memory_is_final_17439_17441_15478_15481(void **state)
{
    (void)state;
    static const char *const behind[] = { "legalize", "stream",   "hoist",   "simplify", "limits",
                                          "async",    "prefetch", "offsets", "rejoin",   "join" };
    int at = place_of("barriers");
    assert_true(at > place_of("reduce-threads") && at > place_of("unroll"));
    for (int i = at + 1; i < weft_pass_count; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof behind / sizeof *behind; k++)
            known = known || strcmp(weft_passes[i].name, behind[k]) == 0;
        if (!known)
            fail_msg("pass '%s' runs after the barriers were planned: may it change who shares "
                     "memory?",
                     weft_passes[i].name);
    }
}

/* ---- the table ------------------------------------------------------------------------------- */

typedef struct row {
    const char *numbers, *sentence, *file, *has, *lacks;
} row;

static const row rows[] = {
#define HERE(numbers, sentence, file)                                                              \
    { numbers, sentence, "tests/lower/mistakes/" file, NULL, NULL },
#define TEST(numbers, sentence, file, function)   { numbers, sentence, file, function, NULL },
#define TEXT(numbers, sentence, file, has, lacks) { numbers, sentence, file, has, lacks },
#define OTHER(numbers, reason)
#include "mistakes.def"
#undef HERE
#undef TEST
#undef TEXT
#undef OTHER
};

static char *
read_source(const char *path)
{
    char whole[1024], *text;
    size_t n;
    weft_diag *diag = weft_diag_create();
    snprintf(whole, sizeof whole, "%s/../../%s", WEFT_TEST_DIR, path);
    if (weft_file_read(diag, whole, 1 << 24, &text, &n) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
    return text;
}

static void
check_row(void **state)
{
    const row *r = *state;
    char *text = read_source(r->file);
    if (r->has && !strstr(text, r->has))
        fail_msg("#%s: %s has no '%s'", r->numbers, r->file, r->has);
    if (r->lacks && strstr(text, r->lacks))
        fail_msg("#%s: %s has '%s'", r->numbers, r->file, r->lacks);
    free(text);
}

/* A file here has its numbers in its name. */
static void
files_are_named_by_their_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = rows[i].numbers;
        if (!strstr(rows[i].file, "tests/lower/mistakes/"))
            continue;
        while (*at) {
            char number[16];
            int n = (int)strcspn(at, " ");
            snprintf(number, sizeof number, "_%.*s", n, at);
            if (!strstr(rows[i].file, number))
                fail_msg("%s is not named by %s", rows[i].file, rows[i].numbers);
            at += n;
            at += strspn(at, " ");
        }
    }
}

int
main(void)
{
    enum { ROWS = sizeof rows / sizeof *rows, FIRST = 5 };
    struct CMUnitTest tests[FIRST + ROWS] = {
        cmocka_unit_test(programs_with_a_number_lower_to_what_stands_behind_their_mark),
        cmocka_unit_test(kernels_with_a_number_become_what_stands_behind_their_mark),
        cmocka_unit_test(an_axis_of_another_program_is_refused_139),
        cmocka_unit_test(barriers_are_planned_when_memory_is_final_17439_17441_15478_15481),
        cmocka_unit_test(files_are_named_by_their_numbers),
    };
    char name[ROWS][256];
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(name[i], sizeof name[i], "%s: %s", rows[i].numbers, rows[i].sentence);
        tests[FIRST + i] =
            (struct CMUnitTest){ name[i], check_row, NULL, NULL, (void *)(uintptr_t)&rows[i] };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
