/* Which concatenations are had in place. */
#include "support.h"

#define HEAD                                                                                       \
    "graph f(x: f32[1, 16]) -> (y) {\n"                                                            \
    "    u: f32[16, 32] = constant weights(\"00\")\n"                                              \
    "    v: f32[16, 32] = constant weights(\"11\")\n"                                              \
    "    w: f32[16, 31] = constant weights(\"22\")\n"
#define PRODUCT " {ta=0, tb=0} "
#define A       "a = matmul(x, u)" PRODUCT
#define B       "b = matmul(x, v)" PRODUCT
#define C       "c = matmul(x, w)" PRODUCT

/* The patterns of the groups, in order, where parts begin at multiples of `align`. */
static void
check_aligned(int64_t align, const char *text, const char *patterns)
{
    weft_graph *g = graph_of(text);
    weft_str s = { 0 };
    assert_int_equal(
        weft_run_graph_passes(g, "clean-up,common-subexpressions,eliminate-dead,fuse",
                              &(weft_graph_options){ .part_align = align }),
        WEFT_OK);
    for (int i = 0; i < g->group.n; i++)
        weft_str_addf(&s, "%s%s", i ? " " : "", weft_pattern_name(g->group.at[i]->pattern));
    assert_string_equal(weft_str_text(&s), patterns);
    weft_str_free(&s);
    weft_graph_destroy(g);
}

static void
check_patterns(const char *text, const char *patterns)
{
    check_aligned(64, text, patterns);
}

static void
results_of_kernels_side_by_side_are_in_place(void **state)
{
    (void)state;
    const char *text = HEAD A B "y = concatenate(a, b) {axis=1} }";
    check_patterns(text, "contraction contraction parts");
    check_aligned(0, text, "contraction contraction injective");
    check_patterns(HEAD A B "s = softmax(a) {axis=1} t = concatenate(a, b) {axis=1}"
                            " y = concatenate(t, s) {axis=1} }",
                   "contraction contraction rowwise parts");
}

static void
rows_that_alternate_are_copied(void **state)
{
    (void)state;
#define ROWS                                                                                       \
    "graph f(x: f32[2, 16]) -> (y) { u: f32[16, 32] = constant weights(\"00\")\n"                  \
    "v: f32[16, 32] = constant weights(\"11\")\n"
    check_patterns(ROWS A B "y = concatenate(a, b) {axis=1} }",
                   "contraction contraction injective");
    check_patterns(ROWS A B "y = concatenate(a, b) {axis=0} }", "contraction contraction parts");
}

static void
a_part_begins_at_a_multiple_and_ends_anywhere(void **state)
{
    (void)state;
    check_patterns(HEAD A C "y = concatenate(a, c) {axis=1} }", "contraction contraction parts");
    check_patterns(HEAD C A "y = concatenate(c, a) {axis=1} }",
                   "contraction contraction injective");
    check_aligned(128, HEAD A C "y = concatenate(a, c) {axis=1} }",
                  "contraction contraction parts");
    check_aligned(256, HEAD A C "y = concatenate(a, c) {axis=1} }",
                  "contraction contraction injective");
}

static void
elements_of_half_a_byte_begin_at_whole_ones(void **state)
{
    (void)state;
#define HALVES(n)                                                                                  \
    "graph f(x: i4[" n "], z: i4[2]) -> (y) { a = cumsum(x) {axis=0, exclusive=0, reverse=0}"      \
    " b = cumsum(z) {axis=0, exclusive=0, reverse=0} y = concatenate(a, b) {axis=0} }"
    check_aligned(1, HALVES("4"), "opaque opaque parts");
    check_aligned(1, HALVES("5"), "opaque opaque injective");
}

static void
a_value_lies_in_one_other_at_most(void **state)
{
    (void)state;
    check_patterns(HEAD A "y = concatenate(a, a) {axis=1} }", "contraction injective");
    check_patterns(HEAD A B "s = concatenate(a, b) {axis=1} t = concatenate(b, a) {axis=1}"
                            " y = concatenate(s, t) {axis=1} }",
                   "contraction contraction injective");
    check_patterns(HEAD A B "s = concatenate(a, a) {axis=1} t = concatenate(b, a) {axis=1}"
                            " p = softmax(s) {axis=1} q = softmax(t) {axis=1} y = add(p, q) }",
                   "contraction contraction injective parts rowwise rowwise");
    check_patterns(HEAD A B "r = concatenate(a, b) {axis=1} s = concatenate(r, b) {axis=1}"
                            " t = concatenate(b, a) {axis=1} p = softmax(s) {axis=1}"
                            " q = softmax(t) {axis=1} y = concatenate(p, q) {axis=1} }",
                   "contraction contraction injective parts rowwise rowwise parts");
}

static void
what_is_made_in_place_is_a_part_of_the_next(void **state)
{
    (void)state;
    check_patterns(HEAD A B "s = concatenate(a, b) {axis=1} t = softmax(s) {axis=1}"
                            " y = concatenate(s, t) {axis=1} }",
                   "contraction contraction parts rowwise parts");
}

static void
what_the_caller_sees_and_constants_stay_where_they_are(void **state)
{
    (void)state;
#define OUTPUTS(head) "graph f(x: f32[1, 16], z: f32[1, 32]) -> (y" head ") {\n"                   \
    "    u: f32[16, 32] = constant weights(\"00\")\n    k: f32[1, 32] = constant weights(\"1\")\n"
    check_patterns(OUTPUTS("") A "y = concatenate(a, z) {axis=1} }", "contraction injective");
    check_patterns(OUTPUTS("") A "y = concatenate(k, a) {axis=1} }", "contraction injective");
    check_patterns(OUTPUTS(", a") A "s = softmax(a) {axis=1} y = concatenate(s, a) {axis=1} }",
                   "contraction rowwise injective");
    check_patterns(OUTPUTS(", r") A "s = softmax(a) {axis=1} r = reshape(a) {dims=[4, 8]}"
                                    " y = concatenate(s, a) {axis=1} }",
                   "contraction rowwise alias injective");
    check_patterns(OUTPUTS(", r") A "s = softmax(a) {axis=1} y = concatenate(s, a) {axis=1}"
                                    " r = reshape(y) {dims=[8, 8]} }",
                   "contraction rowwise parts alias");
}

static void
the_memory_of_a_reshape_is_placed_with_it(void **state)
{
    (void)state;
    check_patterns(HEAD A B "r = reshape(a) {dims=[4, 8]} s = reshape(b) {dims=[4, 8]}"
                            " y = concatenate(r, s) {axis=0} }",
                   "contraction contraction alias alias parts");
    check_patterns(HEAD A "r = reshape(a) {dims=[4, 8]} s = reshape(a) {dims=[2, 2, 8]}"
                          " t = reshape(s) {dims=[4, 8]} p = softmax(t) {axis=0}"
                          " y = concatenate(r, p) {axis=0} }",
                   "contraction alias rowwise parts");
}

static void
sizes_that_are_not_known_are_copied(void **state)
{
    (void)state;
    check_patterns("graph f(x: f32[n, 16]) -> (y) { s = softmax(x) {axis=0} t = softmax(x) {axis=1}"
                   " y = concatenate(s, t) {axis=0} }",
                   "rowwise rowwise injective");
    check_patterns("graph f(x: f32[n, 16]) -> (y) { s = softmax(x) {axis=0} t = softmax(x) {axis=1}"
                   " y = concatenate(s, t) {axis=1} }",
                   "rowwise rowwise injective");
}

static void
parts_are_made_in_the_scope_of_the_whole(void **state)
{
    (void)state;
#define LOOP(body)                                                                                 \
    "graph f(x: f32[16]) -> (y) { p = softmax(x) {axis=0} c = carry(x) loop i < 3 { " body         \
    " s = softmax(d) {axis=0} z = slice(s) {starts=[0], steps=[1], dims=[16]} e = yield(z, c) }"   \
    " y = result(e) }"
    check_patterns(LOOP("a = softmax(c) {axis=0} b = max(c) {axes=[0], keepdims=1}"
                        " d = concatenate(a, b) {axis=0}"),
                   "opaque rowwise reduction parts rowwise injective opaque opaque");
    check_patterns(LOOP("a = softmax(c) {axis=0} d = concatenate(p, a) {axis=0}"),
                   "rowwise opaque rowwise injective rowwise injective opaque opaque");
    check_patterns(LOOP("a = softmax(p) {axis=0} d = concatenate(c, a) {axis=0}"),
                   "rowwise opaque rowwise injective rowwise injective opaque opaque");
    check_patterns("graph f(x: f32[16]) -> (y) { c = carry(x) loop i < 3 { s = softmax(c) {axis=0}"
                   " e = yield(s, c) } r = result(e) t = softmax(r) {axis=0}"
                   " y = concatenate(r, t) {axis=0} }",
                   "opaque rowwise opaque opaque rowwise injective");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_kernels_side_by_side_are_in_place),
        cmocka_unit_test(rows_that_alternate_are_copied),
        cmocka_unit_test(a_part_begins_at_a_multiple_and_ends_anywhere),
        cmocka_unit_test(elements_of_half_a_byte_begin_at_whole_ones),
        cmocka_unit_test(a_value_lies_in_one_other_at_most),
        cmocka_unit_test(what_is_made_in_place_is_a_part_of_the_next),
        cmocka_unit_test(what_the_caller_sees_and_constants_stay_where_they_are),
        cmocka_unit_test(the_memory_of_a_reshape_is_placed_with_it),
        cmocka_unit_test(sizes_that_are_not_known_are_copied),
        cmocka_unit_test(parts_are_made_in_the_scope_of_the_whole),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
