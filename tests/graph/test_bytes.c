/* test_bytes.c: large constants leave memory when nothing reads them any more, and not before. */
#include "support.h"

#include "graph/passes.h"
#include "graph/priv.h"

enum { N = 256 };

/* A constant of N * N small numbers, no two rows and no two columns alike. */
static weft_value *
table(weft_graph *g, const char *name)
{
    const int64_t dim[2] = { N, N };
    weft_const c = weft_const_make(g, WEFT_F32, 2, dim);
    float *at = (float *)(uintptr_t)c.data;
    for (int i = 0; i < N * N; i++)
        at[i] = (float)(i % 1021 + 1);
    return weft_graph_constant(g, name, &c);
}

static float
element(const weft_value *v, int i)
{
    return ((const float *)v->data->data)[i];
}

static void
a_constant_of_its_own_is_let_go(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[1]) -> (x) { }");
    const weft_value *v = table(g, "v"), *other = table(g, "other");
    weft_graph_let_go(g, v);
    assert_true(element(v, N * N / 2) == 0); /* Linux gives new pages for those that left */
    assert_true(element(other, N * N / 2) != 0);
    weft_graph_destroy(g);
}

static void
bytes_that_another_constant_shares_stay(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[1]) -> (x) { }");
    const weft_value *v = table(g, "v");
    weft_const row = *v->data;
    const int64_t dim[1] = { N };
    row.ndim = 1;
    row.dim = dim;
    row.size = N * sizeof(float);
    row.data = (const float *)v->data->data + N * N / 2;
    assert_non_null(weft_graph_constant(g, "row", &row));
    weft_graph_let_go(g, v);
    assert_true(element(v, N * N / 2) != 0);
    weft_graph_destroy(g);
}

static void
bytes_of_the_caller_stay(void **state)
{
    (void)state;
    weft_graph *g = graph_of("graph f(x: f32[1]) -> (x) { }");
    float *own = calloc((size_t)N * N, sizeof *own);
    const int64_t dim[2] = { N, N };
    const weft_const c = {
        .dtype = WEFT_F32, .ndim = 2, .dim = dim, .data = own, .size = (size_t)N * N * sizeof *own
    };
    own[N * N / 2] = 1;
    const weft_value *v = weft_graph_constant(g, "v", &c);
    weft_graph_let_go(g, v);
    assert_true(element(v, N * N / 2) == 1);
    weft_graph_destroy(g);
    free(own);
}

static const weft_value *
matmul(weft_graph *g, weft_value *w, int64_t tb)
{
    const int64_t no = 0;
    weft_value *in[2] = { g->input.at[0], w };
    const weft_attr attr[2] = { weft_attr_int("ta", &no), weft_attr_int("tb", &tb) };
    weft_value *y = weft_graph_add(g, WEFT_GOP_MATMUL, "", "", NULL, 2, in, 2, attr);
    assert_non_null(y);
    return y;
}

static void
a_weight_is_there_until_all_its_readers_are_packed(void **state)
{
    (void)state;
    const weft_graph_options options = { .pack_lanes = 16 };
    weft_graph *g = graph_of("graph f(x: f32[1, 256]) -> (x) { }");
    weft_value *w = table(g, "w");
    const weft_value *y[3] = { matmul(g, w, 0), matmul(g, w, 0), matmul(g, w, 1) };
    assert_int_equal(weft_run_graph_passes(g, "pack-weights", &options), WEFT_OK);
    const weft_value *columns = y[0]->node->in[1], *rows = y[2]->node->in[1];
    assert_ptr_equal(columns, y[1]->node->in[1]);
    for (int k = 0; k < N; k++)
        for (int n = 0; n < N; n++) {
            int at = n / 16 * N * 16 + k * 16 + n % 16;
            assert_true(element(columns, at) == (float)((k * N + n) % 1021 + 1));
            assert_true(element(rows, at) == (float)((n * N + k) % 1021 + 1));
        }
    assert_true(element(w, N * N / 2) == 0);
    weft_graph_destroy(g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_of_its_own_is_let_go),
        cmocka_unit_test(bytes_that_another_constant_shares_stay),
        cmocka_unit_test(bytes_of_the_caller_stay),
        cmocka_unit_test(a_weight_is_there_until_all_its_readers_are_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
