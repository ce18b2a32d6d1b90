/* Interning, rewriting, substitution, walking and cloning. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define EVERYTHING WEFT_TEST_DIR "/everything.wir"

static weft_kernel *
read_kernel(weft_ir *ir, const char *path)
{
    char *text;
    size_t size;
    int n;
    weft_kernel *const *k;
    assert_int_equal(weft_file_read(NULL, path, 1 << 20, &text, &size), WEFT_OK);
    assert_int_equal(weft_parse_kernels(ir, path, text, &n, &k), WEFT_OK);
    free(text);
    return k[0];
}

static char *
print(const weft_kernel *k)
{
    weft_str s = { 0 };
    weft_print_kernel(&s, k);
    return weft_str_take(&s);
}

static void
the_same_expression_is_one_pointer(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_expr *x = weft_ref(ir, weft_var_make(ir, "x", weft_scalar(WEFT_I32)));
    const weft_expr *y = weft_ref(ir, weft_var_make(ir, "x", weft_scalar(WEFT_I32)));
    assert_ptr_equal(weft_add(ir, x, weft_i32(ir, 1)), weft_add(ir, x, weft_i32(ir, 1)));
    assert_ptr_not_equal(weft_add(ir, x, weft_i32(ir, 1)), weft_add(ir, y, weft_i32(ir, 1)));
    assert_ptr_not_equal(weft_add(ir, x, y), weft_add(ir, y, x));
    assert_ptr_not_equal(weft_float(ir, WEFT_F32, 0.0), weft_float(ir, WEFT_F32, -0.0));
    assert_ptr_equal(weft_float(ir, WEFT_F32, 0.0 / 0.0), weft_float(ir, WEFT_F32, -(0.0 / 0.0)));
    assert_ptr_not_equal(weft_int(ir, WEFT_I32, 1), weft_int(ir, WEFT_I64, 1));
    assert_ptr_equal(weft_int(ir, WEFT_U8, 257), weft_int(ir, WEFT_U8, 1));
    weft_ir_destroy(ir);
}

static void
a_head_knows_what_is_pure_and_what_is_an_index(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_expr *i = weft_ref(ir, weft_var_make(ir, "i", weft_scalar(WEFT_I32)));
    const weft_expr *u = weft_ref(ir, weft_var_make(ir, "u", weft_scalar(WEFT_U32)));
    const weft_expr *four = weft_i32(ir, 4);
    const weft_buf *buf = weft_buf_make(ir, "A", WEFT_I32, WEFT_GLOBAL, 1, &four);
    const weft_expr *load = weft_load(ir, buf, 1, &i);
    const weft_expr *shl = weft_binary(ir, WEFT_EK_SHL, i, four);
    assert_true(weft_add(ir, weft_fdiv(ir, i, four), i)->h.index);
    assert_true(weft_cast(ir, WEFT_I64, i)->h.index);
    assert_true(weft_lt(ir, i, four)->h.index);
    assert_false(weft_add(ir, load, i)->h.index);
    assert_false(weft_add(ir, load, i)->h.pure);
    assert_false(weft_add(ir, u, u)->h.index);
    assert_false(weft_add(ir, shl, i)->h.index);
    assert_false(weft_ramp(ir, i, four, 4)->h.index);
    assert_true(shl->h.pure);
    weft_ir_destroy(ir);
}

static void
mistakes_in_building_give_null_and_the_first_is_reported(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    const weft_expr *f = weft_float(ir, WEFT_F32, 1), *i = weft_i32(ir, 1);
    assert_null(weft_mul(ir, weft_add(ir, f, i), f));
    assert_string_equal(weft_diag_text(diag), "error: '+' of f32 and i32: operands of one type are "
                                              "needed, cast one of them\n");
    assert_null(weft_div(ir, i, i));
    assert_null(weft_fdiv(ir, f, f));
    assert_null(weft_and(ir, i, i));
    assert_null(weft_select(ir, i, f, f));
    assert_null(weft_call(ir, "exp", 1, &i));
    assert_null(weft_call(ir, "no_such", 1, &f));
    assert_null(weft_lane(ir, weft_bcast(ir, f, 4), 4));
    assert_null(weft_bitcast(ir, weft_scalar(WEFT_F64), f));
    assert_null(weft_add(ir, weft_bcast(ir, f, 4), weft_bcast(ir, f, 8)));
    assert_int_equal(weft_diag_status(diag), WEFT_INVALID_ARGUMENT);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

static void
a_rewrite_that_changes_nothing_returns_the_same_pointers(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    weft_kernel *k = read_kernel(ir, EVERYTHING);
    uint32_t before = ir->nexpr;
    weft_rewriter rw = { .ir = ir };
    assert_ptr_equal(weft_rewrite_stmt(&rw, k->body), k->body);
    assert_int_equal(ir->nexpr, before);
    weft_rewrite_done(&rw);
    weft_ir_destroy(ir);
}

static const weft_expr *
count_visits(weft_rewriter *rw, const weft_expr *e)
{
    ++*(int *)rw->user;
    return weft_rewrite_args(rw, e);
}

static void
a_rewrite_visits_a_dag_once_a_node(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_expr *e = weft_ref(ir, weft_var_make(ir, "x", weft_scalar(WEFT_I32)));
    for (int i = 0; i < 60; i++)
        e = weft_add(ir, e, e);
    int visits = 0;
    weft_rewriter rw = { .ir = ir, .expr = count_visits, .user = &visits };
    assert_ptr_equal(weft_rewrite_expr(&rw, e), e);
    assert_int_equal(visits, 61);
    weft_rewrite_forget(&rw);
    weft_rewrite_expr(&rw, e);
    assert_int_equal(visits, 122);
    weft_rewrite_done(&rw);
    assert_true(weft_uses_var(e, weft_var_make(ir, "y", weft_scalar(WEFT_I32))) == false);
    weft_ir_destroy(ir);
}

static void
substitution_replaces_every_use(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_var *v[2] = { weft_var_make(ir, "a", weft_scalar(WEFT_I32)),
                             weft_var_make(ir, "b", weft_scalar(WEFT_I32)) };
    const weft_expr *a = weft_ref(ir, v[0]), *b = weft_ref(ir, v[1]);
    const weft_expr *to[2] = { b, weft_i32(ir, 7) }; /* at once: the new b stays */
    const weft_expr *e = weft_add(ir, weft_mul(ir, a, b), a);
    assert_ptr_equal(weft_subst_expr(ir, e, 2, v, to),
                     weft_add(ir, weft_mul(ir, b, weft_i32(ir, 7)), b));
    weft_ir_destroy(ir);
}

static bool
count_expr(void *user, const weft_expr *e)
{
    ((int *)user)[e->h.kind == WEFT_EK_LOAD]++;
    return true;
}

static void
a_walk_meets_every_expression_once(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_expr *four = weft_i32(ir, 4);
    const weft_buf *buf = weft_buf_make(ir, "A", WEFT_I32, WEFT_GLOBAL, 1, &four);
    const weft_expr *load = weft_load(ir, buf, 1, &four);
    const weft_stmt *s = weft_store(ir, buf, 1, &four, weft_add(ir, load, load));
    int n[2] = { 0 };
    weft_walk_stmt(&(weft_walker){ .expr = count_expr, .user = n }, weft_seq2(ir, s, s));
    assert_int_equal(n[0], 2); /* 4 and the sum */
    assert_int_equal(n[1], 1);
    weft_ir_destroy(ir);
}

static void
a_clone_in_another_context_prints_the_same(void **state)
{
    (void)state;
    weft_ir *from = weft_ir_create(NULL), *to = weft_ir_create(NULL);
    weft_kernel *k = read_kernel(from, EVERYTHING);
    char *before = print(k);
    weft_clone_map *map = weft_clone_map_create(to);
    weft_kernel *copy = weft_clone_kernel(map, k);
    assert_ptr_equal(weft_clone_buf(map, k->param[0]), copy->param[0]);
    weft_ir_destroy(from);
    char *after = print(copy);
    assert_string_equal(before, after);
    assert_int_equal(weft_verify(copy, "cloned", NULL), WEFT_OK);
    free(before);
    free(after);
    weft_ir_destroy(to);
}

static void
sequences_are_flat(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_stmt *b = weft_barrier(ir, 0), *nop = weft_nop(ir);
    const weft_stmt *two = weft_seq2(ir, b, b);
    assert_ptr_equal(weft_seq2(ir, nop, b), b);
    assert_int_equal(weft_seq2(ir, two, weft_seq2(ir, nop, two))->u.seq.n, 4);
    assert_null(weft_seq2(ir, b, NULL));
    weft_ir_destroy(ir);
}

static void
every_row_of_the_tables_is_complete(void **state)
{
    (void)state;
    for (int k = 0; k < WEFT_EK_COUNT; k++) {
        const weft_expr_info *info = &weft_expr_infos[k];
        assert_non_null(info->name);
        assert_true(info->form == WEFT_FORM_OWN || (*info->text && info->nargs > 0));
        assert_true(info->form != WEFT_FORM_INFIX || (info->nargs == 2 && info->prec < 70));
        assert_true(!info->commutes || info->nargs == 2);
    }
    for (int i = 0; i < WEFT_IN_COUNT; i++) {
        assert_true(*weft_intrin_infos[i].text);
        assert_in_range(weft_intrin_infos[i].nargs, 1, 4);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_expression_is_one_pointer),
        cmocka_unit_test(a_head_knows_what_is_pure_and_what_is_an_index),
        cmocka_unit_test(mistakes_in_building_give_null_and_the_first_is_reported),
        cmocka_unit_test(a_rewrite_that_changes_nothing_returns_the_same_pointers),
        cmocka_unit_test(a_rewrite_visits_a_dag_once_a_node),
        cmocka_unit_test(substitution_replaces_every_use),
        cmocka_unit_test(a_walk_meets_every_expression_once),
        cmocka_unit_test(a_clone_in_another_context_prints_the_same),
        cmocka_unit_test(sequences_are_flat),
        cmocka_unit_test(every_row_of_the_tables_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
