/* What default schedules make use of, by the primitives that they apply. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

typedef struct choice {
    const char *text, *target, *has, *lacks; /* lacks: NULL, or what is not to be there */
} choice;

static void
check_choices(int n, const choice *m)
{
    for (int i = 0; i < n; i++) {
        char *log = schedule_of(m[i].text, m[i].target);
        if (!strstr(log, m[i].has) || (m[i].lacks && strstr(log, m[i].lacks)))
            fail_msg("for %s, '%s' is missing or '%s' is there:\n%s\n%s", m[i].target, m[i].has,
                     m[i].lacks ? m[i].lacks : "", m[i].text, log);
        free(log);
    }
}

static void
large_products_use_what_a_gpu_gains_from(void **state)
{
    (void)state;
    static const choice m[] = {
        { "te p(A: f32[512, 512], B: f32[512, 512]) { out C[i < 512, j < 512] = sum(r < 512) A[i, r] "
          "* B[r, j] }",
          "gpu", "double_buffer(A_shared)", NULL },
        { "te p(A: f32[512, 512], B: f32[512, 512]) { out C[i < 512, j < 512] = sum(r < 512) A[i, r] "
          "* B[r, j] }",
          "gpu", "vectorize(", "storage_align(B_shared" },
        { "te p(A: f32[509, 512], B: f32[512, 509]) { out C[i < 509, j < 509] = sum(r < 512) A[i, r] "
          "* B[r, j] }",
          "gpu", "zero_fill(B_shared)", NULL },
        { "te p(A: f32[512, 512], B: f32[512, 512]) { out C[i < 512, j < 512] = sum(r < 512) A[i, r] "
          "* B[j, r] }",
          "gpu", "vthread", NULL },
        { "te p(A: f32[512, 512], B: f32[512, 512]) { out C[i < 512, j < 512] = sum(r < 512) A[i, r] "
          "* B[j, r] }",
          "gpu", "storage_align(B_shared, 0, 2, 1)", NULL },
        { "te p(A: f32[512, 512], B: f32[512, 512]) { out C[i < 512, j < 512] = sum(r < 512) A[i, r] "
          "* B[r, j] }",
          "mobile", "vectorize(", "double_buffer" },
    };
    check_choices(sizeof m / sizeof *m, m);
}

#define ROWS_SOFTMAX(n, m)                                                                         \
    "te p(X: f32[" #n ", " #m "]) { M[i < " #n "] = fmax(j < " #m ") X[i, j]\n E[i < " #n         \
    ", j < " #m "] = exp(X[i, j] - M[i])\n S[i < " #n "] = sum(j < " #m ") E[i, j]\n out Y[i < " \
    #n ", j < " #m "] = E[i, j] / S[i] }"

static void
products_with_few_tiles_and_long_sums_are_cut_on_a_gpu(void **state)
{
    (void)state;
    static const char few[] = "te p(A: f32[20, 1152], B: f32[1152, 30]) { out C[i < 20, j < 30] = "
                              "sum(r < 1152) A[i, r] * B[r, j] }",
                      many[] = "te p(A: f32[200, 1000], B: f32[1000, 300]) { out C[i < 200, j < 300] "
                               "= sum(r < 1000) A[i, r] * B[r, j] }";
    static const choice m[] = {
        { few, "gpu", "C_rf = rfactor(", NULL },
        { few, "gpu", "cache_read(A, shared, C_rf", NULL },
        { many, "gpu", "cache_read(A, shared, C", "rfactor" },
        { few, "mobile", "cache_read(A, shared, C", "rfactor" },
    };
    check_choices(sizeof m / sizeof *m, m);
}

static void
threads_of_a_gpu_read_neighbours_and_are_many(void **state)
{
    (void)state;
    static const char
        total[] = "te p(X: f32[100000]) { out Y[] = sum(i < 100000) X[i] }",
        rows[] = "te p(X: f32[9999, 512]) { out Y[i < 9999] = sum(j < 512) X[i, j] }",
        pairs[] = "te p(X: f32[n, 512]) { out Y[i < n] = sum(j < 512) X[i, j] * X[n - 1 - i, "
                  "j] }",
        odd[] = "te p(X: f32[9999, 511]) { out Y[i < 9999] = sum(j < 511) X[i, j] }",
        columns[] = "te p(X: f32[100, 200]) { out Y[j < 200] = sum(i < 100) X[i, j] }",
        odd_columns[] = "te p(X: f32[100, 201]) { out Y[j < 201] = sum(i < 100) X[i, j] }",
        many[] = "te p(X: f32[64, 65536]) { out Y[j < 65536] = sum(i < 64) X[i, j] }",
        across[] = "te p(X: f32[64, 96]) { out Y[i < 96, j < 64] = X[j, i] }",
        each[] = "te p(X: f32[130, 64]) { out Y[i < 130, j < 64] = X[i, j] + 1.0 }",
        few[] = "te p(X: f32[13, 64]) { out Y[i < 13, j < 64] = X[i, j] + 1.0 }";
    static const choice m[] = {
        { total, "gpu", "Y_rf = rfactor(", NULL },
        { rows, "gpu", "bind(j_i_o, thread.x)", "rfactor" },
        { rows, "gpu", "X_local = cache_read(X, local, Y)", NULL },
        { odd, "gpu", "bind(j_i, thread.x)", "cache_read" },
        { total, "gpu", "X_local = cache_read(X, local, Y_rf)", NULL },
        { "te p(X: f32[n, m, 512]) { out Y[i < n, k < m] = sum(j < 512) X[i, k, j] }", "gpu",
          "X_local = cache_read(X, local, Y)", NULL },
        { "te p(X: f32[n, 512, m]) { out Y[i < n, k < m] = sum(j < 512) X[i, j, k] }", "gpu",
          "bind(", "vectorize" },
        { pairs, "gpu", "thread.x", "cache_read" },
        { rows, "gpu", "bind(i_i, thread.y)", NULL },
        { columns, "gpu", "bind(Y_local_rf.i_i, thread.y)", NULL },
        { columns, "gpu", "vectorize(j_i_i)", NULL },
        { odd_columns, "gpu", "bind(i_i, thread.y)", "vectorize" },
        { odd_columns, "gpu", "bind(j_i, thread.x)", NULL },
        { many, "gpu", "vectorize(j_i_i)", "thread.y" },
        { across, "gpu", "set_scope(X_shared, shared)", NULL },
        { each, "gpu", "vectorize(i_j_i)", NULL },
        { few, "gpu", "bind(i_j_i, thread.x)", "vectorize" },
        { across, "mobile", "storage_align(X_shared, 0, 2, 1)", NULL },
        { ROWS_SOFTMAX(64, 1024), "gpu", "set_scope(E, shared)", "thread.y" },
        { ROWS_SOFTMAX(64, 1024), "gpu", "E_local = cache_read(E, local, S)", NULL },
        { ROWS_SOFTMAX(64, 1021), "gpu", "set_scope(E, shared)", "cache_read" },
        { ROWS_SOFTMAX(4096, 32), "gpu", "bind(i_i, thread.y)", NULL },
        { "te p(X: f32[4096, 10, 1]) { M[i < 4096, k < 1] = fmax(j < 10) X[i, j, k]\n S[i < 4096, "
          "k < 1] "
          "= sum(j < 10) X[i, j, k] - M[i, k]\n out Y[i < 4096, j < 10, k < 1] = X[i, j, k] / S[i, "
          "k] }",
          "gpu", "bind(i_i, thread.y)", NULL },
    };
    check_choices(sizeof m / sizeof *m, m);
}

static void
vectors_run_along_places_and_over_channels_of_one_group(void **state)
{
    (void)state;
    static const choice m[] = {
        { "te p(X: f32[1, 272, 784], W: f32[272, 68]) { out Y[n < 1, m < 272, x < 784] = sum(c < 68) "
          "X[n, m // 68 * 68 + c, x] * W[m, c] }",
          "vectors of 16", "split(Y_local.m, 4)", NULL },
        { "te p(X: f32[1, 272, 784], W: f32[272, 68]) { out Y[n < 1, m < 272, x < 784] = sum(c < 68) "
          "X[n, m // 68 * 68 + c, x] * W[m, c] }",
          "vectors of 16", "split(Y_local.x, 16)", NULL },
        { "te p(X: f32[8, 14, 14]) { out Y[m < 8, y < 16, x < 16] = guard(y >= 1 && y < 15 && x >= 1 "
          "&& x < 15, X[m, y - 1, x - 1], 0.0) }",
          "vectors of 16", "vectorize(x_i)", NULL },
    };
    check_choices(sizeof m / sizeof *m, m);
}

#define BORDER(c, h, h2)                                                                           \
    "te p(X: f32[" #c ", " #h ", " #h "], W: f32[" #c ", 3, 3]) { pad[m < " #c ", y < " #h2        \
    ", x < " #h2 "] = guard(y >= 1 && y <= " #h " && x >= 1 && x <= " #h                           \
    ", X[m, y - 1, x - 1], 0.0)\n"

static void
borders_are_copied_where_a_window_looks_at_one_plane(void **state)
{
    (void)state;
    static const choice m[] = {
        { BORDER(64, 14, 16) "out Y[m < 64, y < 14, x < 14] = sum(u < 3, v < 3) pad[m, y + u, x + v] "
                             "* W[m, u, v] }",
          "vectors of 16", "compute_at(pad, Y, ", NULL },
        { BORDER(64, 14, 16) "out Y[m < 64, y < 7, x < 7] = max(u < 3, v < 3) pad[m, y * 2 + u, x * "
                             "2 + v] }",
          "vectors of 16", "compute_at(pad, Y, ", NULL },
        /* each plane is of all results */
        { BORDER(64, 14, 16) "out Y[k < 64, y < 14, x < 14] = sum(m < 64, u < 3, v < 3) pad[m, y + u, "
                             "x + v] * W[k, u, v] }",
          "vectors of 16", "bind(", "compute_at(pad, " },
        /* beyond what is near */
        { BORDER(64, 200, 202) "out Y[m < 64, y < 200, x < 200] = sum(u < 3, v < 3) pad[m, y + u, x + "
                               "v] * W[m, u, v] }",
          "vectors of 16", "bind(", "compute_at(pad, " },
    };
    check_choices(sizeof m / sizeof *m, m);
}

static void
neighbours_in_a_window_load_once_what_they_share(void **state)
{
    (void)state;
    static const choice m[] = {
        { "te p(X: f32[4, 30, 30, 16], W: f32[4, 3, 3, 16]) { out Y[c < 4, y < 28, x < 28, l < 16] = "
          "sum(u < 3, v < 3) X[c, y + u, x + v, l] * W[c, u, v, l] }",
          "vectors of 16", "unroll(Y_local.v)", "unroll(Y_local.u)" },
        { "te p(X: f32[4, 30, 30, 16]) { out Y[c < 4, y < 14, x < 14, l < 16] = max(u < 3, v < 3) X[c, "
          "y * 2 + u, x * 2 + v, l] }",
          "vectors of 16", "unroll(Y_local.v)", "unroll(Y_local.u)" },
        /* lanes along a row: what lies below each other */
        { BORDER(64, 64, 66) "out Y[m < 64, y < 64, x < 64] = sum(u < 3, v < 3) pad[m, y + u, x + v] "
                             "* W[m, u, v] }",
          "vectors of 16", "unroll(Y_local.u)", "unroll(Y_local.v)" },
        /* windows side by side, one whose steps lie between those of its neighbours, too many steps */
        { "te p(X: f32[4, 30, 90, 16]) { out Y[c < 4, y < 28, x < 30, l < 16] = max(v < 3) X[c, y, x * "
          "3 + v, l] }",
          "vectors of 16", "vectorize(", "unroll(Y_local.v)" },
        { "te p(X: f32[4, 30, 90, 16]) { out Y[c < 4, y < 28, x < 28, l < 16] = max(v < 3) X[c, y, x + "
          "v * 2, l] }",
          "vectors of 16", "vectorize(", "unroll(Y_local.v)" },
        { "te p(X: f32[4, 30, 90, 16]) { out Y[c < 4, y < 28, x < 28, l < 16] = max(v < 40) X[c, y, x "
          "+ v, l] }",
          "vectors of 16", "vectorize(", "unroll(Y_local.v)" },
        /* filters share what they read: arithmetic is what takes the time */
        { "te p(X: f32[64, 30, 30], W: f32[4, 64, 3, 3, 16]) { out Y[k < 4, y < 28, x < 28, l < 16] = "
          "sum(c < 64, u < 3, v < 3) X[c, y + u, x + v] * W[k, c, u, v, l] }",
          "vectors of 16", "vectorize(", "unroll(Y_local.v)" },
    };
    check_choices(sizeof m / sizeof *m, m);
}

#define PACKED(m, k, n)                                                                            \
    "te p(A: f32[" #m ", " #k "], B: f32[" #n " // 16, " #k ", 16]) { out C[i < " #m ", j < " #n   \
    "] = sum(r < " #k ") A[i, r] * B[j // 16, r, j % 16] }"

static void
products_on_vectors_keep_near_what_they_read_again(void **state)
{
    (void)state;
    static const choice m[] = {
        /* rows with whole pages between them drive each other out of a first cache */
        { PACKED(14, 1024, 128), "vectors of 16", "split(C.i, 7)", NULL },
        { PACKED(14, 1028, 128), "vectors of 16", "split(C.i, 14)", "split(C.i, 7)" },
        /* as many panels side by side as caches keep the next lines of; a plain row is one stream */
        { PACKED(1, 4096, 4096), "vectors of 16", "split(j_o, 8)", "split(j_o, 16)" },
        { "te p(A: f32[1, 4096], B: f32[4096, 4096]) { out C[i < 1, j < 4096] = sum(r < 4096) A[i, r] * "
          "B[r, j] }",
          "vectors of 16", "split(j_o, 16)", NULL },
        /* a tile across the panels takes one: places of two need an address each */
        { PACKED(16, 4096, 4096), "vectors of 16", "j_o, j_i = split(C.j, 16)", "split(C.i, 8)" },
        /* rows across the lanes are copied side by side where enough tiles share them */
        { "te p(A: f32[512, 256], B: f32[512, 256]) { out C[i < 512, j < 512] = sum(r < 256) A[i, r] "
          "* B[j, r] }",
          "vectors of 16", "compute_at(B_turned, C, ", "B_shared" },
        { "te p(A: f32[16, 256], B: f32[512, 256]) { out C[i < 16, j < 512] = sum(r < 256) A[i, r] "
          "* B[j, r] }",
          "vectors of 16", "C", "B_turned" },
        /* tiles do not go along a batch, whatever overhangs along the others */
        { "te p(A: f32[48, 197, 64], B: f32[48, 64, 197]) { out C[b < 48, i < 197, j < 197] = sum(r < "
          "64) A[b, i, r] * B[b, r, j] }",
          "vectors of 16", "compute_at(B_shared, C, ", "split(C.b, " },
        /* a copied panel serves all rows where whole panels keep the cores even, few where one is a part,
         * and one alone is copied for every core */
        { "te p(A: f32[1024, 1024], B: f32[1024, 1024]) { out C[i < 1024, j < 1024] = sum(k < 1024) A[i, "
          "k] * B[k, j] }",
          "vectors of 16", "B_shared = cache_read(B, shared", "split(i_o, " },
        { "te p(A: f32[1000, 1001], B: f32[1001, 999]) { out C[i < 1000, j < 999] = sum(k < 1001) A[i, "
          "k] * B[k, j] }",
          "vectors of 16", "split(i_o, ", NULL },
        { "te p(A: f32[4096, 1024], B: f32[1024, 1024]) { out C[i < 4096, j < 64] = sum(k < 1024) A[i, k] "
          "* B[k, j] }",
          "vectors of 16", "split(i_o, ", NULL },
        /* as many panels take turns as a core's cache keeps, or those of the cores' own */
        { PACKED(1024, 512, 1024), "vectors of 16", "split(j_o_o, 4)", NULL },
        { PACKED(2048, 2048, 2048), "vectors of 16", "bind(j_o_o, block.x)", "split(j_o_o, " },
        { PACKED(2048, 4096, 2048), "vectors of 16", "split(j_o_o, 16)", NULL },
    };
    check_choices(sizeof m / sizeof *m, m);
}

static void
of_what_is_not_known_few_are_served_as_well_as_many(void **state)
{
    (void)state;
    static const choice m[] = {
        /* channels and pixels make tiles, not a batch that may be one; they do of rows that have none */
        { "te p(X: f32[n, 64, 13, 13], W: f32[63, 64, 16]) { out Y[i < n, k < 1000, y < 13, x < 13] = "
          "sum(c < 64) X[i, c, y, x] * W[k // 16, c, k % 16] }",
          "vectors of 16", "split(Y.x, 13)", "split(Y.i, " },
        { "te p(X: f32[n, 64], W: f32[63, 64, 16]) { out Y[i < n, k < 1000] = sum(c < 64) X[i, c] * "
          "W[k // 16, c, k % 16] }",
          "vectors of 16", "split(Y.i, ", NULL },
        /* nor do lanes, though what else there is is not known either */
        { "te p(X: f32[n, 64, h, w], W: f32[64, 64, 3, 3]) { out C[i < n, k < 64, y < h, x < w] = sum(c "
          "< 64, u < 3, v < 3) guard(y + u >= 1 && y + u < h + 1 && x + v >= 1 && x + v < w + 1, X[i, c, "
          "y + u - 1, x + v - 1], 0.0) * W[k, c, u, v] }",
          "vectors of 16", "split(C.k, 16)", "split(C.i, " },
        /* a copy of a panel serves some tiles, however few rows there are */
        { "te p(A: f32[n, 3000], B: f32[3000, 128]) { out C[i < n, j < 128] = sum(k < 3000) A[i, k] * "
          "B[k, j] }",
          "vectors of 16", "B_shared = cache_read(B, shared", "split(i_o, 1)" },
        { "te p(A: f32[n, 3000], B: f32[128 // 16, 3000, 16]) { out C[i < n, j < 128] = sum(k < 3000) "
          "A[i, k] * B[j // 16, k, j % 16] }",
          "vectors of 16", "bind(", "split(i_o, 0)" },
        /* groups of all that one could take would be one for few */
        { "te p(X: f32[n, 40, 10], W: f32[40, 10]) { out Y[i < n, c < 40] = sum(v < 10) X[i, c, v] * "
          "W[c, v] }",
          "vectors of 16", "split(Y.i, 8)", NULL },
        /* tiles of a length that is not known are whole but for the last ones */
        { "te p(A: f32[n, 64]) { out C[i < 64, j < n] = A[j, i] }", "vectors of 16",
          "A_local = cache_read(A, local", NULL },
    };
    check_choices(sizeof m / sizeof *m, m);
}

#define SOFTMAX(k)                                                                                 \
    "te p(X: f32[3, 100, " #k "]) { M[i < 3, k < " #k "] = max(j < 100) X[i, j, k]\n"              \
    "E[i < 3, j < 100, k < " #k "] = exp(X[i, j, k] - M[i, k])\n"                                  \
    "S[i < 3, k < " #k "] = sum(j < 100) E[i, j, k]\n"                                             \
    "out Y[i < 3, j < 100, k < " #k "] = E[i, j, k] / S[i, k] }"

static void
what_lies_along_another_axis_is_read_and_computed_in_vectors(void **state)
{
    (void)state;
    static const choice m[] = {
        { "te p(A: f32[512, 512]) { out C[i < 512, j < 512] = A[j, i] }", "vectors of 16",
          "A_local = cache_read(A, local", NULL },
        /* lanes that a few vectors hold: every second element, each twice, those of clamped places */
        { "te p(A: f32[24, 112]) { out C[i < 24, j < 56] = A[i, j * 2] }", "vectors of 16",
          "vectorize(", NULL },
        { "te p(A: f32[24, 56]) { out C[i < 24, j < 112] = A[i, max(min(j // 2, 55), 0)] }",
          "vectors of 16", "vectorize(", NULL },
        { "te p(A: f32[24, 560]) { out C[i < 24, j < 56] = A[i, j * 10] }", "vectors of 16", "bind(",
          "vectorize(" },
        /* blocks of channels, planes of which are no more near than rows that are long */
        { "te p(A: f32[9, 56, 56, 16]) { out C[c < 144, y < 56, x < 56] = A[c // 16, y, x, c % 16] }",
          "vectors of 16", "A_local = cache_read(A, local", NULL },
        { "te p(A: f32[6, 56, 56, 24]) { out C[c < 144, y < 56, x < 56] = A[c // 24, y, x, c % 24] }",
          "vectors of 16", "bind(", "cache_read" },
        { "te p(A: f32[9, 6, 6, 16]) { out C[c < 144, y < 6, x < 6] = A[c // 16, y, x, c % 16] }",
          "vectors of 16", "bind(", "cache_read" },
        /* parts of lines, of which a plain loop finds the rest near */
        { "te p(A: f32[40, 1000]) { out C[i < 1000, j < 40] = A[j, i] }", "vectors of 16", "bind(",
          "cache_read" },
        { "te p(A: f32[40, 1024]) { out C[i < 1024, j < 40] = A[j, i] }", "vectors of 16",
          "split(C.j, 8)", NULL },
        { SOFTMAX(40), "vectors of 16", "split(Y.k, 8)", NULL },
        { SOFTMAX(48), "vectors of 16", "compute_at(E, Y", NULL },
        { SOFTMAX(3), "vectors of 16", "compute_at(E, Y", "vectorize(" },
    };
    check_choices(sizeof m / sizeof *m, m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_products_use_what_a_gpu_gains_from),
        cmocka_unit_test(products_with_few_tiles_and_long_sums_are_cut_on_a_gpu),
        cmocka_unit_test(threads_of_a_gpu_read_neighbours_and_are_many),
        cmocka_unit_test(products_on_vectors_keep_near_what_they_read_again),
        cmocka_unit_test(vectors_run_along_places_and_over_channels_of_one_group),
        cmocka_unit_test(borders_are_copied_where_a_window_looks_at_one_plane),
        cmocka_unit_test(neighbours_in_a_window_load_once_what_they_share),
        cmocka_unit_test(of_what_is_not_known_few_are_served_as_well_as_many),
        cmocka_unit_test(what_lies_along_another_axis_is_read_and_computed_in_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
