/* Where tensors lie in the memory of others, and for how long, in what a graph's text becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"

static const char *const roles[] = { "input", "output", "constant", "temp" };

/* "name role first..last", and of those that lie in another "in name+at". */
static void
print_tensor(weft_str *s, const weft_program *p, const weft_mod_tensor *t)
{
    weft_str_addf(s, "%s %s", t->name, roles[t->role]);
    if (t->role == WEFT_ROLE_TEMP && t->first >= 0)
        weft_str_addf(s, " %d..%d", t->first, t->last);
    if (t->alias >= 0)
        weft_str_addf(s, " in %s+%lld", p->tensor[t->alias].name, (long long)t->at);
    weft_str_add(s, "\n");
}

/* The tensors but inputs and constants, and the number of steps. */
static void
check_tensors(const char *text, int level, const char *expected, int steps)
{
    weft_diag *diag = weft_diag_create();
    weft_target target;
    weft_import_options import = { 0 };
    weft_compile_job job = { .optimize = level, .threads = 1, .import = &import, .text = text };
    weft_module *m = NULL;
    weft_str s = { 0 };
    assert_int_equal(weft_resolve_target("interp", NULL, &target, diag), WEFT_OK);
    if (weft_compile_targets("parts.wir", 1, &target, &job, diag, &m))
        fail_msg("%s", weft_diag_text(diag));
    const weft_program *p = m->program;
    for (int i = 0; i < p->ntensor; i++)
        if (p->tensor[i].role == WEFT_ROLE_OUTPUT || p->tensor[i].role == WEFT_ROLE_TEMP)
            print_tensor(&s, p, &p->tensor[i]);
    assert_string_equal(weft_str_text(&s), expected);
    assert_int_equal(p->nstep, steps);
    weft_str_free(&s);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

#define HEAD "graph f(x: f32[1, 16], u: f32[16, 32], v: f32[16, 32]) -> (y) {\n"
#define A    "a = matmul(x, u) {ta=0, tb=0} "
#define B    "b = matmul(x, v) {ta=0, tb=0} "
#define SCAN(axis) "{axis=" #axis ", exclusive=0, reverse=0}"

static void
inputs_lie_one_after_the_other_in_the_result(void **state)
{
    (void)state;
    const char *text = HEAD A B "c = concatenate(a, b) {axis=1} y = cumsum(c) " SCAN(1) " }";
    check_tensors(text, 2,
                  "a temp in c+0\n"
                  "b temp in c+128\n"
                  "c temp 0..2\n"
                  "y output\n",
                  3);
    check_tensors(text, 0,
                  "a temp 0..2\n"
                  "b temp 1..2\n"
                  "c temp 2..3\n"
                  "y output\n",
                  4);
}

static void
an_output_may_be_made_of_parts(void **state)
{
    (void)state;
    check_tensors(HEAD A B "y = concatenate(a, b) {axis=1} }", 2,
                  "a temp in y+0\n"
                  "b temp in y+128\n"
                  "y output\n",
                  2);
}

static void
parts_and_reshapes_of_parts_are_in_each_other(void **state)
{
    (void)state;
    check_tensors(HEAD A B "r = reshape(b) {dims=[1, 4, 8]} p = cumsum(r) " SCAN(2)
                           " q = reshape(p) {dims=[1, 32]} c = concatenate(a, q) {axis=1}"
                           " s = cumsum(c) " SCAN(1) " d = concatenate(s, c) {axis=1}"
                           " y = cumsum(d) " SCAN(1) " }",
                  2,
                  "a temp in c+0\n"
                  "b temp 1..2\n"
                  "r temp in b+0\n"
                  "p temp in c+128\n"
                  "q temp in p+0\n"
                  "c temp in d+256\n"
                  "s temp in d+0\n"
                  "d temp 0..4\n"
                  "y output\n",
                  5);
}

/* What is concatenated before a loop and read in it alone lives for all rounds. */
static void
the_parts_whole_lives_as_long_as_all_of_them(void **state)
{
    (void)state;
    check_tensors(HEAD A B "c = concatenate(a, b) {axis=1} p = carry(x) loop i < 3 {"
                           " s = cumsum(c) " SCAN(1) " k = slice(s) {starts=[0, 0], steps=[1, 1], "
                           "dims=[1, 16]} q = yield(k, p) } y = result(q) }",
                  2,
                  "a temp in c+0\n"
                  "b temp in c+128\n"
                  "c temp 0..6\n"
                  "p temp 2..7\n"
                  "s temp 4..5\n"
                  "k temp 5..6\n"
                  "y output in p+0\n",
                  7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_lie_one_after_the_other_in_the_result),
        cmocka_unit_test(an_output_may_be_made_of_parts),
        cmocka_unit_test(parts_and_reshapes_of_parts_are_in_each_other),
        cmocka_unit_test(the_parts_whole_lives_as_long_as_all_of_them),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
