/* What the primitives leave behind: leaves, relations, extents, attachments. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define MATMUL                                                                                     \
    "te mm(A: f32[m, k], B: f32[k, n]) { C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j] } "

/* "by tx r": the loop order. */
static const char *
leaves(const weft_te *te, const char *of, char buffer[256])
{
    const weft_stage *s = weft_te_stage(te, tensor(te, of));
    buffer[0] = 0;
    for (int i = 0; i < s->leaf.n; i++) {
        strcat(buffer, i ? " " : "");
        strcat(buffer, s->leaf.at[i]->var->name);
    }
    return buffer;
}

static void
split_by_a_factor_rounds_the_outer_extent_up(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(MATMUL "schedule { o, q = split(C.i, 64) }");
    assert_string_equal(text_of(axis(te, "C", "o")->extent, b), "(m + 63) // 64");
    assert_string_equal(text_of(axis(te, "C", "i")->extent, b), "m"); /* the root axis */
    weft_stage *s = weft_te_stage(te, tensor(te, "C"));
    assert_int_equal(s->relation.n, 1);
    const weft_relation *r = &s->relation.at[0];
    assert_int_equal(r->kind, WEFT_REL_SPLIT);
    assert_ptr_equal(r->whole, s->op->axis[0]);
    assert_ptr_equal(r->outer, s->leaf.at[0]);
    assert_ptr_equal(r->inner, s->leaf.at[1]);
    assert_true(weft_is_int_imm(r->factor, 64));
    assert_null(r->parts);
    done(te);
}

static void
split_of_a_constant_axis_folds(void **state)
{
    (void)state;
    char b[256];
    weft_te *te =
        must_parse("te f() { B[i < 100] = f32(i) } schedule { o, t = split(B.i, 32) p, q = "
                   "split_parts(t, 5) x, y = split(o, 64)}");
    assert_string_equal(text_of(axis(te, "B", "x")->extent, b), "1");
    assert_string_equal(text_of(axis(te, "B", "y")->extent, b),
                        "64"); /* the declared factor is kept */
    assert_string_equal(text_of(axis(te, "B", "p")->extent, b), "5");
    assert_string_equal(text_of(axis(te, "B", "q")->extent, b), "7");
    assert_string_equal(leaves(te, "B", b), "x y p q");
    done(te);
}

static void
split_into_parts_keeps_the_number_of_parts(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(MATMUL "schedule { o, q = split_parts(C.j, 128) }");
    assert_string_equal(text_of(axis(te, "C", "o")->extent, b), "128");
    assert_string_equal(text_of(axis(te, "C", "q")->extent, b), "(n + 127) // 128");
    const weft_relation *r = &weft_te_stage(te, tensor(te, "C"))->relation.at[0];
    assert_null(r->factor);
    assert_true(weft_is_int_imm(r->parts, 128));
    done(te);
}

static void
split_takes_a_symbolic_factor(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(MATMUL "schedule { o, q = split(C.r, n) }");
    assert_string_equal(text_of(axis(te, "C", "o")->extent, b), "(k + n - 1) // n");
    assert_string_equal(text_of(axis(te, "C", "q")->extent, b), "n");
    assert_int_equal(axis(te, "C", "q")->kind, WEFT_AXIS_REDUCE);
    done(te);
}

static void
a_constant_factor_takes_the_type_of_the_axis(void **state)
{
    (void)state;
    char b[256];
    weft_te *te =
        must_parse("te f(n: i64, A: f32[n]) { B[i < n] = A[i] } schedule { o, q = split(B.i, 8) }");
    assert_string_equal(text_of(axis(te, "B", "o")->extent, b), "(n + 7i64) // 8i64");
    assert_int_equal(axis(te, "B", "q")->var->type.dtype, WEFT_I64);
    done(te);
}

static void
fuse_multiplies_extents_whichever_way_it_is_asked(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(MATMUL "schedule { f = fuse(C.j, C.i) }");
    const weft_stage *s = weft_te_stage(te, tensor(te, "C"));
    const weft_relation *r = &s->relation.at[0];
    assert_string_equal(r->outer->var->name, "i");
    assert_string_equal(r->inner->var->name, "j");
    assert_ptr_equal(r->whole, s->leaf.at[0]);
    assert_string_equal(text_of(r->whole->extent, b), "m * n");
    assert_string_equal(leaves(te, "C", b), "f r");
    assert_string_equal(te->log.at[0], "f = fuse(C.i, C.j)");
    done(te);
}

/* The extents of a stage's leaves with their types. */
static const char *
leaf_extents(weft_te *te, const char *name, char b[256])
{
    const weft_stage *s = weft_te_stage(te, tensor(te, name));
    int n = 0;
    for (int i = 0; i < s->leaf.n; i++) {
        const weft_expr *e = s->leaf.at[i]->extent;
        int64_t v = -1;
        (void)weft_as_int(e, &v);
        n += snprintf(b + n, 256 - (size_t)n, "%s%lld %s", i ? ", " : "", (long long)v,
                      weft_dtype_name((weft_dtype)e->h.type.dtype));
    }
    return b;
}

static void
an_axis_fused_beyond_i32_is_i64_and_what_it_is_split_into_is_not(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(
        "te f() { B[i < 65536, j < 65536, k < 8] = 0.0 } schedule { f = fuse(B.i, B.j) }");
    assert_string_equal(leaf_extents(te, "B", b), "4294967296 i64, 8 i32");
    done(te);
    te = must_parse("te f() { B[i < 65536, j < 65536, k < 8] = 0.0 }\n"
                    "schedule { f = fuse(B.i, B.j) g = fuse(f, B.k) o, n = split(g, 256) }");
    assert_string_equal(leaf_extents(te, "B", b), "134217728 i32, 256 i32");
    done(te);
}

static void
a_fused_extent_that_no_loop_counts_is_refused(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    assert_null(weft_te_parse("t",
                              "te f() { B[i < 2147483647, j < 2147483647, k < 2147483647] = 0.0 }\n"
                              "schedule { f = fuse(B.i, B.j) g = fuse(f, B.k) }",
                              diag));
    assert_non_null(
        strstr(weft_diag_text(diag),
               "a loop of 4611686014132420609 * 2147483647 iterations does not fit i64"));
    weft_diag_destroy(diag);
}

static void
reorder_permutes_the_places_the_axes_hold(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(
        "te f() { B[a < 2, b < 3, c < 4, d < 5] = 0.0 } schedule { reorder(B, d, a, c) }");
    assert_string_equal(leaves(te, "B", b), "d b a c");
    done(te);
}

static void
tile_splits_both_axes_and_puts_the_outer_ones_first(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(MATMUL);
    weft_tensor *c = tensor(te, "C");
    weft_axis *made[4];
    assert_int_equal(weft_tile(te, c, axis(te, "C", "i"), axis(te, "C", "r"), weft_i32(te->ir, 4),
                               weft_i32(te->ir, 8), made),
                     WEFT_OK);
    assert_string_equal(leaves(te, "C", b), "i_o r_o j i_i r_i");
    assert_ptr_equal(made[3], weft_te_stage(te, c)->leaf.at[4]);
    assert_int_equal(te->log.n, 1);
    assert_string_equal(te->log.at[0], "i_o, r_o, i_i, r_i = tile(C.i, C.r, 4, 8)");
    done(te);
}

static void
an_attach_axis_that_is_split_moves_to_the_inner(void **state)
{
    (void)state;
    weft_te *te = must_parse(
        MATMUL "schedule { S = cache_read(A, shared) compute_at(S, C, r) o, q = split(C.r, 4) }");
    assert_ptr_equal(weft_te_stage(te, tensor(te, "S"))->attach_axis, axis(te, "C", "q"));
    done(te);
}

static void
an_attach_axis_that_is_fused_moves_to_the_fused(void **state)
{
    (void)state;
    weft_te *te =
        must_parse(MATMUL "schedule { S = cache_read(A, shared) T = cache_read(B, shared) "
                          "compute_at(S, C, i) compute_at(T, C, j) f = fuse(C.i, C.j) }");
    assert_ptr_equal(weft_te_stage(te, tensor(te, "S"))->attach_axis, axis(te, "C", "f"));
    assert_ptr_equal(weft_te_stage(te, tensor(te, "T"))->attach_axis, axis(te, "C", "f"));
    done(te);
}

static void
compute_at_reaches_through_stages_between(void **state)
{
    (void)state;
    weft_te *te = must_parse(MATMUL "schedule { S = cache_read(A, shared) L = cache_read(S, local) "
                                    "compute_at(L, C, r) compute_at(S, C, i) compute_root(L) }");
    assert_int_equal(weft_te_stage(te, tensor(te, "S"))->attach, WEFT_AT_AXIS);
    assert_int_equal(weft_te_stage(te, tensor(te, "L"))->attach, WEFT_AT_ROOT);
    done(te);
}

static void
a_primitive_that_fails_changes_nothing(void **state)
{
    (void)state;
    weft_te *te = must_parse(MATMUL "schedule { o, q = split(C.i, 8) bind(q, thread.x) }");
    char *before = weft_te_print(te);
    weft_tensor *c = tensor(te, "C");
    weft_axis *o = axis(te, "C", "o"), *q = axis(te, "C", "q"), *pair[2] = { o, o };
    assert_int_not_equal(weft_split(te, c, q, weft_i32(te->ir, 2), NULL, NULL), WEFT_OK);
    assert_int_not_equal(weft_split(te, c, o, weft_i32(te->ir, 0), NULL, NULL), WEFT_OK);
    assert_int_not_equal(weft_tile(te, c, o, q, weft_i32(te->ir, 2), weft_i32(te->ir, 2), NULL),
                         WEFT_OK);
    assert_int_not_equal(weft_fuse(te, c, o, q, NULL), WEFT_OK);
    assert_int_not_equal(weft_reorder(te, c, 2, pair), WEFT_OK);
    assert_int_not_equal(weft_bind_axis(te, c, o, "thread.x"), WEFT_OK);
    assert_int_not_equal(weft_vectorize(te, c, o), WEFT_OK);
    assert_int_not_equal(weft_compute_at(te, c, c, o), WEFT_OK);
    assert_null(weft_rfactor(te, c, o, 0));
    assert_null(weft_cache_write(te, c, "local"));
    assert_null(weft_cache_read(te, c, "local", 0, NULL));
    char *after = weft_te_print(te), *stages = weft_te_print_stages(te);
    assert_string_equal(before, after);
    assert_int_equal(te->stage.n, 1);
    free(before);
    free(after);
    free(stages);
    done(te);
}

static void
rfactor_takes_the_other_loops_of_the_reduction_along(void **state)
{
    (void)state;
    char b[256];
    weft_te *te = must_parse(
        MATMUL "schedule { ro, ri = split(C.r, 8) roo, roi = split(ro, 4) reorder(C, roo, i, j) "
               "S = cache_read(A, shared) compute_at(S, C, roo) bind(roi, thread.x) "
               "F = rfactor(ri, 2) }");
    assert_string_equal(leaves(te, "C", b), "i j ri");
    assert_string_equal(leaves(te, "F", b), "i j ri roo roi");
    assert_int_equal(axis(te, "F", "ri")->kind, WEFT_AXIS_DATA);
    assert_int_equal(axis(te, "F", "roi")->bind, WEFT_THREAD_X);
    assert_int_equal(axis(te, "C", "ri")->kind, WEFT_AXIS_REDUCE);
    assert_int_equal(weft_te_stage(te, tensor(te, "C"))->relation.n, 0);
    assert_ptr_equal(weft_te_stage(te, tensor(te, "S"))->attach_stage,
                     weft_te_stage(te, tensor(te, "F")));
    done(te);
}

static void
an_axis_whose_reduction_moved_is_refused_by_name(void **state)
{
    (void)state;
    weft_te *te = must_parse(MATMUL);
    weft_tensor *c = tensor(te, "C");
    weft_axis *r = axis(te, "C", "r");
    weft_axis *ri;
    weft_split(te, c, r, weft_i32(te->ir, 4), NULL, &ri);
    assert_non_null(weft_rfactor(te, c, ri, 0));
    assert_int_not_equal(weft_split(te, c, r, weft_i32(te->ir, 4), NULL, NULL), WEFT_OK);
    assert_says(te, "split: axis r is no loop of stage 'C' since its reduction moved to another "
                    "stage; take an axis of that stage");
    done(te);
}

static void
made_axes_get_names_from_their_parents(void **state)
{
    (void)state;
    weft_te *te = must_parse(MATMUL);
    weft_tensor *c = tensor(te, "C");
    weft_axis *o, *q, *f;
    weft_split(te, c, weft_stage_axis(te, c, 0), weft_i32(te->ir, 4), &o, &q);
    weft_split(te, c, weft_stage_axis(te, c, 1), weft_i32(te->ir, 4), NULL, NULL);
    weft_split(te, c, o, weft_i32(te->ir, 4), NULL, &o);
    assert_int_equal(weft_fuse(te, c, o, q, &f), WEFT_OK);
    char *text = weft_te_print(te);
    assert_non_null(strstr(text, "schedule {\n"
                                 "    i_o, i_i = split(C.i, 4)\n"
                                 "    j_o, j_i = split(C.j, 4)\n"
                                 "    i_o_o, i_o_i = split(i_o, 4)\n"
                                 "    i_o_i_i_i = fuse(i_o_i, i_i)\n"
                                 "}\n"));
    free(text);
    done(te);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_by_a_factor_rounds_the_outer_extent_up),
        cmocka_unit_test(split_of_a_constant_axis_folds),
        cmocka_unit_test(split_into_parts_keeps_the_number_of_parts),
        cmocka_unit_test(split_takes_a_symbolic_factor),
        cmocka_unit_test(a_constant_factor_takes_the_type_of_the_axis),
        cmocka_unit_test(fuse_multiplies_extents_whichever_way_it_is_asked),
        cmocka_unit_test(an_axis_fused_beyond_i32_is_i64_and_what_it_is_split_into_is_not),
        cmocka_unit_test(a_fused_extent_that_no_loop_counts_is_refused),
        cmocka_unit_test(reorder_permutes_the_places_the_axes_hold),
        cmocka_unit_test(tile_splits_both_axes_and_puts_the_outer_ones_first),
        cmocka_unit_test(an_attach_axis_that_is_split_moves_to_the_inner),
        cmocka_unit_test(an_attach_axis_that_is_fused_moves_to_the_fused),
        cmocka_unit_test(compute_at_reaches_through_stages_between),
        cmocka_unit_test(a_primitive_that_fails_changes_nothing),
        cmocka_unit_test(rfactor_takes_the_other_loops_of_the_reduction_along),
        cmocka_unit_test(an_axis_whose_reduction_moved_is_refused_by_name),
        cmocka_unit_test(made_axes_get_names_from_their_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
