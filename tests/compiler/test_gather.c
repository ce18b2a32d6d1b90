/* test_gather.c: convolutions as products of gathered matrices: which way they take, as the note in the
 * kernel's header says, and what of the schedule makes it worth it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"

/* Of C channels, M filters, maps of I by I to S by S; T is the type of both factors, U that of sums. */
#define CONV(C, I, M, S, K, T, U)                                                                   \
    "te p(X: " #T "[1, " #C ", " #I ", " #I "], W: " #T "[" #M ", " #C ", " #K ", " #K "]) {"         \
    "out Y[n < 1, m < " #M ", y < " #S ", x < " #S "] = sum(c < " #C ", u < " #K ", v < " #K ") "    \
    #U "(X[n, c, y + u, x + v]) * " #U "(W[m, c, u, v]) }"

#define GROUPS                                                                                      \
    "te p(X: f32[2, 64, 10, 10], W: f32[40, 32, 3, 3]) {"                                            \
    "out Y[n < 2, m < 40, y < 8, x < 8] = sum(c < 32, u < 3, v < 3) X[n, m // 20 * 32 + c, y + u, "  \
    "x + v] * W[m, c, u, v] }"

typedef struct way {
    const char *what, *text, *target;
    bool gathered;
    const char *has; /* of the schedule; NULL: anything */
} way;

static const way ways[] = {
    { "a map that no tile of rows and columns fits", CONV(256, 16, 256, 14, 3, f32, f32), "cuda:sm_90",
      true, NULL },
    { "the same on less of a device", CONV(256, 16, 256, 14, 3, f32, f32), "opencl:generic-gpu", true,
      NULL },
    { "a thread's steps of one place, whole windows", CONV(64, 58, 64, 56, 3, f32, f32), "cuda:sm_90",
      true, "unroll(k_i" },
    { "weights as vectors", CONV(64, 58, 64, 56, 3, f32, f32), "cuda:sm_90", true, "vectorize(i_k_i)" },
    { "a chunk ahead", CONV(64, 58, 64, 56, 3, f32, f32), "cuda:sm_90", true,
      "double_buffer(Y_columns)" },
    { "places side by side in memory as vectors", CONV(256, 56, 64, 56, 1, f32, f32), "cuda:sm_90", true,
      "vectorize(k_p_i)" },
    { "places of half words as vectors", CONV(256, 56, 64, 56, 1, f16, f32), "cuda:sm_80", true,
      "vectorize(k_p_i)" },
    { "a tile of rows and columns, whose windows share most", CONV(3, 118, 64, 112, 7, f32, f32),
      "cuda:sm_90", false, NULL },
    { "a unit", CONV(3, 118, 64, 112, 7, f16, f32), "cuda:sm_90", true, "wmma_16x16x16_f16_f32" },
    { "too few filters for a unit", CONV(32, 42, 4, 40, 3, f16, f32), "cuda:sm_90", true,
      "set_scope(Y_product, local)" },
    { "a group's channels within a tile", GROUPS, "cuda:sm_90", true, "compute_at(Y_product" },
};

static char *
shown(weft_te *te, const way *w, const char *stage, weft_diag *diag)
{
    char *text = te ? weft_te_show(te, w->target, stage, diag) : NULL;
    if (!text)
        fail_msg("%s: %s", w->what, weft_diag_text(diag));
    return text;
}

static void
convolutions_take_the_way_that_is_estimated_to_be_shorter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const way *w = &ways[i];
        weft_diag *diag = weft_diag_create();
        weft_te *te = weft_te_parse("way.te", w->text, diag);
        char *source = shown(te, w, "source", diag), *schedule = shown(te, w, "te", diag);
        const char *note = strstr(source, "product/gpu: "), *said = w->gathered ? "implicit" : "direct";
        bool gathered = strstr(schedule, "Y_product");
        if (!note || strncmp(note + strlen("product/gpu: "), said, strlen(said)) != 0 ||
            gathered != w->gathered || (w->has && !strstr(schedule, w->has)))
            fail_msg("%s: %.120s\n%s", w->what, note ? note : "no note", schedule);
        free(source);
        free(schedule);
        weft_te_destroy(te);
        weft_diag_destroy(diag);
    }
}

/* What was tried and taken back leaves no name, stage or step behind: the text is that of the program and
 * the schedule alone, and is a program again. */
static void
what_was_tried_and_not_taken_leaves_nothing_behind(void **state)
{
    (void)state;
    static const way direct = { .what = "direct", .target = "cuda:sm_90",
                                .text = CONV(3, 118, 64, 112, 7, f32, f32) };
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("direct.te", direct.text, diag);
    char *text = shown(te, &direct, "te", diag);
    assert_null(strstr(text, "Y_rows"));
    weft_te *again = weft_te_parse("shown.te", text, diag);
    char *once_more = shown(again, &direct, "te", diag);
    assert_string_equal(once_more, text);
    free(text);
    free(once_more);
    weft_te_destroy(te);
    weft_te_destroy(again);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_take_the_way_that_is_estimated_to_be_shorter),
        cmocka_unit_test(what_was_tried_and_not_taken_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
