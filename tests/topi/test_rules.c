/* Default schedules compute what the program says, for every class of device, whatever
 * the shapes. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

typedef struct program {
    const char *text;
    sizes size;
} program;

/* ---- products -------------------------------------------------------------------------------- */

static const program products[] = {
    { "te mm(A: f32[13, 7], B: f32[7, 19]) { out C[i < 13, j < 19] = sum(r < 7) A[i, r] * B[r, j] "
      "}",
      { { 0 } } },
    { "te mm_ta(A: f32[7, 33], B: f32[7, 18]) { out C[i < 33, j < 18] = sum(r < 7) A[r, i] * B[r, "
      "j] }",
      { { 0 } } },
    { "te mm_tb(A: f32[21, 9], B: f32[40, 9]) { out C[i < 21, j < 40] = sum(r < 9) A[i, r] * B[j, "
      "r] }",
      { { 0 } } },
    { "te mm_tt(A: f32[5, 11], B: f32[17, 5]) { out C[i < 11, j < 17] = sum(r < 5) A[r, i] * B[j, "
      "r] }",
      { { 0 } } },
    { "te mm_large(A: f32[70, 50], B: f32[50, 64]) { out C[i < 70, j < 64] = sum(r < 50) A[i, r] * "
      "B[r, j] }",
      { { 0 } } },
    { "te mm_one(A: f32[1, 1], B: f32[1, 1]) { out C[i < 1, j < 1] = sum(r < 1) A[i, r] * B[r, j] "
      "}",
      { { 0 } } },
    { "te mm_row(A: f32[1, 37], B: f32[37, 50]) { out C[i < 1, j < 50] = sum(r < 37) A[i, r] * "
      "B[r, j] }",
      { { 0 } } },
    { "te mm_column(A: f32[50, 37], B: f32[37, 1]) { out C[i < 50, j < 1] = sum(r < 37) A[i, r] * "
      "B[r, j] }",
      { { 0 } } },
    { "te mm_packed(A: f32[3, 20], B: f32[2, 20, 16], c: f32[25]) { P[i < 3, j < 25] = sum(r < 20) "
      "A[i, r] * B[j // 16, r, j % 16]\n"
      "out C[i < 3, j < 25] = max(P[i, j] + c[j], 0.0) }",
      { { 0 } } },
    { "te mm_batch(A: f32[3, 9, 6], B: f32[3, 6, 10]) { out C[b < 3, i < 9, j < 10] = sum(r < 6) "
      "A[b, i, r] * B[b, r, j] }",
      { { 0 } } },
    { "te mm_share(A: f32[2, 3, 9, 6], B: f32[6, 10]) { out C[b < 2, h < 3, i < 9, j < 10] = sum(r "
      "< 6) A[b, h, i, r] * B[r, j] }",
      { { 0 } } },
    { "te mm_turned(A: f32[100, 17], B: f32[67, 17]) { out C[i < 100, j < 67] = sum(r < 17) A[i, r] "
      "* B[j, r] }",
      { { 0 } } },
    { "te mm_turned_batch(A: f64[2, 83, 20], B: f64[2, 48, 20]) { P[b < 2, i < 83, j < 48] = sum(r < "
      "20) A[b, i, r] * B[b, j, r]\nout C[b < 2, i < 83, j < 48] = abs(P[b, i, j]) }",
      { { 0 } } },
    { "te mm_i8(A: i8[9, 12], B: i8[12, 20]) { out C[i < 9, j < 20] = sum(r < 12) i32(A[i, r]) * "
      "i32(B[r, j]) }",
      { { 0 } } },
    { "te mm_f64(A: f64[9, 12], B: f64[12, 20]) { out C[i < 9, j < 20] = sum(r < 12) A[i, r] * "
      "B[r, j] }",
      { { 0 } } },
    { "te square(A: f32[12, 12]) { out C[i < 12, j < 12] = sum(r < 12) A[i, r] * A[r, j] }",
      { { 0 } } },
    { "te residual(A: f32[20, 9], B: f32[9, 24], D: f32[20, 24]) { C[i < 20, j < 24] = sum(r < 9) "
      "A[i, r] * B[r, j]\n"
      "out E[i < 20, j < 24] = max(C[i, j] + D[i, j], 0.0) }",
      { { 0 } } },
    { "te both_ways(A: f32[20, 9], B: f32[9, 24]) { out C[i < 20, j < 24] = sum(r < 9) A[i, r] * "
      "B[r, j]\n"
      "out E[i < 20, j < 24] = max(C[i, j], 0.0) }",
      { { 0 } } },
    { "te chain(A: f32[10, 6], B: f32[6, 20], D: f32[20, 7]) { C[i < 10, j < 20] = sum(r < 6) A[i, "
      "r] * B[r, j]\n"
      "out E[i < 10, l < 7] = sum(s < 20) C[i, s] * D[s, l] }",
      { { 0 } } },
    { "te symbols(A: f32[m, k], B: f32[k, n]) { out C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j] "
      "}",
      { { 1, 1, 1 } } },
    { "te symbols(A: f32[m, k], B: f32[k, n]) { out C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j] "
      "}",
      { { 37, 5, 21 } } },
    { "te symbols(A: f32[m, k], B: f32[k, n]) { out C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j] "
      "}",
      { { 64, 32, 64 } } },
    { "te panels(A: f32[43, 100], B: f32[100, 70]) { out C[i < 43, j < 70] = sum(r < 100) A[i, r] "
      "* "
      "B[r, j] }",
      { { 0 } } },
    { "te panels_of_batches(A: f32[2, 40, 97], B: f32[2, 97, 80], c: f32[80]) { P[b < 2, i < 40, j "
      "< 80] = sum(r < 97) A[b, i, r] * B[b, r, j]\n"
      "out C[b < 2, i < 40, j < 80] = max(P[b, i, j] + c[j], 0.0) }",
      { { 0 } } },
    { "te batch_symbol(A: f32[b, 12], B: f32[1, 12, 16]) { out C[i < b, j < 16] = sum(r < 12) A[i, "
      "r] * B[j // 16, r, j % 16] }",
      { { 5 } } },
};

/* ---- convolutions and pools ------------------------------------------------------------------ */

#define PAD                                                                                        \
    "pad[n < 1, c < 3, y < 11, x < 12] = guard(y >= 1 && y < 10 && x >= 1 && x < 11, X[n, c, y - " \
    "1, x - 1], 0.0)\n"

/* Channels in lanes, a border around them. */
#define BLOCKS(type)                                                                               \
    "(X: " type "[2, 5, 6, 16], W: " type "[2, 3, 3, 16]) {"                                       \
    "pad[c < 2, y < 9, x < 10, l < 16] = guard(y >= 2 && y < 7 && x >= 2 && x < 8, "               \
    "X[c, y - 2, x - 2, l], " type "(0))\n"

static const program windows[] = {
    { "te blocks" BLOCKS("f32") "out Y[c < 2, y < 7, x < 8, l < 16] = sum(u < 3, v < 3) pad[c, y + "
      "u, x + v, l] * W[c, u, v, l] }",
      { { 0 } } },
    { "te blocks_strided" BLOCKS("f32") "out Y[c < 2, y < 4, x < 4, l < 16] = sum(u < 3, v < 3) "
      "pad[c, y * 2 + u, x * 2 + v, l] * W[c, u, v, l] }",
      { { 0 } } },
    { "te blocks_dilated" BLOCKS("i32") "out Y[c < 2, y < 5, x < 6, l < 16] = sum(u < 3, v < 3) "
      "pad[c, y + u * 2, x + v * 2, l] * W[c, u, v, l] }",
      { { 0 } } },
    { "te blocks_backwards" BLOCKS("f32") "out Y[c < 2, y < 7, x < 8, l < 16] = sum(u < 3, v < 3) "
      "pad[c, y - u + 2, x - v + 2, l] * W[c, u, v, l] }",
      { { 0 } } },
    { "te blocks_most" BLOCKS("f64") "out Y[c < 2, y < 7, x < 8, l < 16] = max(u < 3, v < 3) pad[c, "
      "y + u, x + v, l] * W[c, 0, 0, l] }",
      { { 0 } } },
    { "te outer_lanes_of_symbols(A: i32[n, 3, 22, 17]) {"
      "out B[l < 17, c < n, y < 11, x < 6] = sum(v < 2, u < 2) A[c, u * 2, x * 4 + v, l] + A[c, 2, 5 - "
      "x + v, l] }",
      { { 2 } } },
    { "te blocks_of_symbols(X: f32[n, 30, 16]) {"
      "out Y[c < n, x < 13, l < 16] = sum(v < 5) X[c, x * 2 + v, l] }",
      { { 3 } } },
    { "te conv(X: f32[1, 3, 9, 10], W: f32[20, 3, 3, 3], b: f32[20]) {" PAD
      "Y[n < 1, m < 20, y < 9, x < 10] = sum(c < 3, u < 3, v < 3) pad[n, c, y + u, x + v] * W[m, "
      "c, u, v]\n"
      "out Z[n < 1, m < 20, y < 9, x < 10] = max(Y[n, m, y, x] + b[m], 0.0) }",
      { { 0 } } },
    { "te packed(X: f32[1, 3, 9, 10], W: f32[2, 3, 3, 3, 16], b: f32[32], R: f32[1, 32, 9, 10]) "
      "{" PAD "Y[n < 1, m < 32, y < 9, x < 10] = sum(c < 3, u < 3, v < 3) pad[n, c, y + u, x + v] "
      "* W[m // 16, c, u, v, m % 16]\n"
      "out Z[n < 1, m < 32, y < 9, x < 10] = max(Y[0, m, y, x] + b[m] + R[0, m, y, x], 0.0) }",
      { { 0 } } },
    { "te packed_part(X: f32[2, 3, 11, 12], W: f32[2, 3, 3, 3, 16]) {"
      "out Y[n < 2, m < 21, y < 5, x < 5] = sum(c < 3, u < 3, v < 3) X[n, c, y * 2 + u, x * 2 + v] "
      "* W[m // 16, c, u, v, m % 16] }",
      { { 0 } } },
    { "te point(X: f32[1, 20, 14, 14], W: f32[4, 20, 1, 1, 16]) {"
      "out Y[n < 1, m < 64, y < 14, x < 14] = sum(c < 20, u < 1, v < 1) X[n, c, y + u, x + v] * "
      "W[m // 16, c, u, v, m % 16] }",
      { { 0 } } },
    { "te small_map(X: f32[1, 8, 7, 7], W: f32[64, 8, 1, 1]) {"
      "out Y[n < 1, m < 64, y < 7, x < 7] = sum(c < 8, u < 1, v < 1) X[n, c, y + u, x + v] * W[m, "
      "c, u, v] }",
      { { 0 } } },
    { "te odd_map(X: f32[1, 4, 17, 17], W: f32[2, 4, 3, 3, 16]) {"
      "out Y[n < 1, m < 32, y < 15, x < 15] = sum(c < 4, u < 3, v < 3) X[n, c, y + u, x + v] * W[m "
      "// 16, c, u, v, m % 16] }",
      { { 0 } } },
    { "te dilated(X: f32[1, 2, 13, 15], W: f32[6, 2, 3, 2]) {"
      "out Y[n < 1, m < 6, y < 9, x < 13] = sum(c < 2, u < 3, v < 2) X[n, c, y + u * 2, x + v * 2] "
      "* W[m, c, u, v] }",
      { { 0 } } },
    { "te conv1(X: f32[2, 5, 40], W: f32[18, 5, 3]) {"
      "out Y[n < 2, m < 18, x < 38] = sum(c < 5, v < 3) X[n, c, x + v] * W[m, c, v] }",
      { { 0 } } },
    { "te conv3(X: f32[1, 2, 5, 6, 7], W: f32[5, 2, 2, 2, 2]) {"
      "out Y[n < 1, m < 5, z < 4, y < 5, x < 6] = sum(c < 2, t < 2, u < 2, v < 2) X[n, c, z + t, y "
      "+ u, x + v] * W[m, c, t, u, v] }",
      { { 0 } } },
    { "te grouped(X: f32[1, 6, 8, 8], W: f32[12, 2, 3, 3]) {"
      "out Y[n < 1, m < 12, y < 6, x < 6] = sum(c < 2, u < 3, v < 3) X[n, m // 4 * 2 + c, y + u, x "
      "+ v] * W[m, c, u, v] }",
      { { 0 } } },
    { "te depthwise(X: f32[1, 5, 11, 20], W: f32[5, 1, 3, 3]) {"
      "out Y[n < 1, m < 5, y < 9, x < 18] = sum(c < 1, u < 3, v < 3) X[n, m + c, y + u, x + v] * "
      "W[m, c, u, v] }",
      { { 0 } } },
    { "te depthwise2(X: f32[1, 5, 11, 37], W: f32[5, 1, 3, 3]) {"
      "out Y[n < 1, m < 5, y < 5, x < 18] = sum(c < 1, u < 3, v < 3) X[n, m + c, y * 2 + u, x * 2 "
      "+ v] * W[m, c, u, v] }",
      { { 0 } } },
    { "te points_of_groups(X: f32[1, 20, 49], W: f32[20, 10, 1], b: f32[20]) {"
      "Y[n < 1, m < 20, x < 49] = sum(c < 10, v < 1) X[n, m // 10 * 10 + c, x + v] * W[m, c, v]\n"
      "out Z[n < 1, m < 20, x < 49] = max(Y[n, m, x] + b[m], 0.0) }",
      { { 0 } } },
    { "te points_of_odd_groups(X: f32[2, 6, 21], W: f32[34, 3, 1]) {"
      "out Y[n < 2, m < 34, x < 21] = sum(c < 3, v < 1) X[n, m // 17 * 3 + c, x + v] * W[m, c, v] "
      "}",
      { { 0 } } },
    { "te points_of_symbols(X: f32[1, 6, p], W: f32[8, 3, 1]) {"
      "out Y[n < 1, m < 8, x < p] = sum(c < 3, v < 1) X[n, m // 4 * 3 + c, x + v] * W[m, c, v] }",
      { { 27 } } },
    { "te depthwise_padded(X: f32[1, 3, 9, 10], W: f32[3, 1, 3, 3], b: f32[3]) {" PAD
      "Y[n < 1, m < 3, y < 9, x < 10] = sum(c < 1, u < 3, v < 3) pad[n, m + c, y + u, x + v] * "
      "W[m, c, u, v]\n"
      "out Z[n < 1, m < 3, y < 9, x < 10] = Y[n, m, y, x] + b[m] }",
      { { 0 } } },
    { "te depthwise_padded2(X: f32[1, 3, 9, 10], W: f32[3, 1, 3, 3]) {" PAD
      "out Y[n < 1, m < 3, y < 5, x < 5] = sum(c < 1, u < 3, v < 3) pad[n, m + c, y * 2 + u, x * 2 "
      "+ v] * W[m, c, u, v] }",
      { { 0 } } },
    { "te window_across(X: f32[1, 6, 5, 7]) { pad[n < 1, c < 8, y < 5, x < 7] = guard(c >= 1 && c < 7, "
      "X[n, c - 1, y, x], 0.0)\n"
      "out Y[n < 1, c < 6, y < 5, x < 7] = sum(u < 3) pad[n, c + u, y, x] * pad[n, c + u, y, x] }",
      { { 0 } } },
    { "te big_kernel(X: f32[1, 3, 21, 21], W: f32[16, 3, 11, 11]) {"
      "out Y[n < 1, m < 16, y < 3, x < 3] = sum(c < 3, u < 11, v < 11) X[n, c, y * 4 + u, x * 4 + "
      "v] * W[m, c, u, v] }",
      { { 0 } } },
    /* of sizes that are gathered: strides, dilation, groups, images, edges that differ */
    { "te strided(X: f32[2, 12, 19, 18], W: f32[35, 12, 3, 3]) {"
      "pad[n < 2, c < 12, y < 21, x < 20] = guard(y >= 1 && y < 20 && x >= 2, X[n, c, y - 1, x - "
      "2], 0.0)\n"
      "out Y[n < 2, m < 35, y < 10, x < 9] = sum(c < 12, u < 3, v < 3) pad[n, c, y * 2 + u, x * 2 + "
      "v] * W[m, c, u, v] }",
      { { 0 } } },
    { "te holes(X: f32[1, 9, 17, 16], W: f32[33, 9, 3, 2], b: f32[33]) {"
      "Y[n < 1, m < 33, y < 13, x < 13] = sum(c < 9, u < 3, v < 2) X[n, c, y + u * 2, x + v * 3] * "
      "W[m, c, u, v]\n"
      "out Z[n < 1, m < 33, y < 13, x < 13] = max(Y[n, m, y, x] + b[m], 0.0) }",
      { { 0 } } },
    { "te parts(X: f32[2, 24, 10, 10], W: f32[40, 12, 3, 3]) {"
      "out Y[n < 2, m < 40, y < 8, x < 8] = sum(c < 12, u < 3, v < 3) X[n, m // 20 * 12 + c, y + u, "
      "x + v] * W[m, c, u, v] }",
      { { 0 } } },
    { "te columns_only(X: f32[1, 16, 12, 8], W: f32[32, 16, 3, 1]) {"
      "pad[n < 1, c < 16, y < 14, x < 8] = guard(y >= 1 && y < 13, X[n, c, y - 1, x], 0.0)\n"
      "out Y[n < 1, m < 32, y < 12, x < 8] = sum(c < 16, u < 3, v < 1) pad[n, c, y + u, x + v] * "
      "W[m, c, u, v] }",
      { { 0 } } },
    { "te point_images(X: f32[3, 40, 6, 6], W: f32[48, 40, 1, 1]) {"
      "out Y[n < 3, m < 48, y < 6, x < 6] = sum(c < 40, u < 1, v < 1) X[n, c, y + u, x + v] * W[m, "
      "c, u, v] }",
      { { 0 } } },
    { "te conv1_long(X: f32[2, 20, 60], W: f32[36, 20, 5]) {"
      "out Y[n < 2, m < 36, x < 56] = sum(c < 20, v < 5) X[n, c, x + v] * W[m, c, v] }",
      { { 0 } } },
    { "te conv3_deep(X: f32[1, 6, 7, 8, 9], W: f32[34, 6, 2, 3, 2]) {"
      "out Y[n < 1, m < 34, z < 6, y < 6, x < 8] = sum(c < 6, t < 2, u < 3, v < 2) X[n, c, z + t, y "
      "+ u, x + v] * W[m, c, t, u, v] }",
      { { 0 } } },
    { "te image_symbol(X: f32[n, 12, 9, 9], W: f32[32, 12, 3, 3]) {"
      "out Y[b < n, m < 32, y < 7, x < 7] = sum(c < 12, u < 3, v < 3) X[b, c, y + u, x + v] * W[m, "
      "c, u, v] }",
      { { 3 } } },
    { "te map_symbols(X: f32[1, 3, h + 2, w + 2], W: f32[16, 3, 3, 3]) {"
      "out Y[n < 1, m < 16, y < h, x < w] = sum(c < 3, u < 3, v < 3) X[n, c, y + u, x + v] * W[m, "
      "c, u, v] }",
      { { 9, 13 } } },
    { "te transposed(X: f32[1, 3, 5, 6], W: f32[3, 4, 3, 3]) {"
      "out Y[n < 1, m < 4, y < 11, x < 13] = sum(c < 3, u < 3, v < 3) guard((y - u) % 2 == 0 && y "
      "- u >= 0 && (y - u) // 2 < 5 && (x - v) % 2 == 0 && x - v >= 0 && (x - v) // 2 < 6, "
      "X[n, c, (y - u) // 2, (x - v) // 2] * W[c, m, u, v], 0.0) }",
      { { 0 } } },
    { "te max_pool(X: f32[1, 6, 14, 15]) {"
      "out Y[n < 1, c < 6, y < 7, x < 8] = max(u < 3, v < 3) guard(y * 2 + u >= 1 && y * 2 + u < "
      "15 && x * 2 + v >= 1 && x * 2 + v < 16, X[n, c, y * 2 + u - 1, x * 2 + v - 1], -1e30) }",
      { { 0 } } },
    { "te average(X: f32[1, 6, 14, 40]) { S[n < 1, c < 6, y < 13, x < 39] = sum(u < 2, v < 2) X[n, "
      "c, y + u, x + v]\n"
      "out Y[n < 1, c < 6, y < 13, x < 39] = S[n, c, y, x] / 4.0 }",
      { { 0 } } },
    { "te global_pool(X: f32[2, 30, 7, 7]) { S[n < 2, c < 30, y < 1, x < 1] = sum(u < 7, v < 7) "
      "X[n, c, y + u, x + v]\n"
      "out Y[n < 2, c < 30, y < 1, x < 1] = S[n, c, y, x] / 49.0 }",
      { { 0 } } },
};

/* ---- reductions, rows, elements -------------------------------------------------------------- */

/* The largest with its place, the first of several. */
#define LARGEST(n, of)                                                                             \
    "reduce(r < " n ") (" of ", r) from (-inf, 2147483647) with (v, p), (w, q) = (max(v, w), "     \
    "select(v > w || (v == w && p < q), p, q))"

static const program others[] = {
    /* lanes that lie near each other, and blocks that are taken apart; sizes that nothing divides */
    { "te second(A: f32[5, 83]) { out C[i < 5, j < 41] = A[i, j * 2 + 1] }", { { 0 } } },
    { "te back(A: f32[5, 37]) { out C[i < 5, j < 37] = A[i, 36 - j] }", { { 0 } } },
    { "te up(A: f32[5, 21]) { out C[i < 5, j < 43] = A[i, max(min(j // 2, 20), 0)] }", { { 0 } } },
    { "te apart(A: f32[5, 9, 67, 16]) { out C[c < 75, y < 9, x < 67] = A[c // 16, y, x, c % 16] }",
      { { 0 } } },
    { "te apart8(A: f32[5, 40, 67, 8]) { out C[c < 37, y < 40, x < 67] = A[c // 8, y, x, c % 8] }",
      { { 0 } } },
    { "te softmax(X: f32[11, 37]) { M[i < 11] = max(j < 37) X[i, j]\n S[i < 11] = sum(j < 37) "
      "exp(X[i, j] - M[i])\n"
      "out Y[i < 11, j < 37] = exp(X[i, j] - M[i]) / S[i] }",
      { { 0 } } },
    { "te softmax_middle(X: f32[3, 10, 5]) { M[i < 3, k < 5] = max(j < 10) X[i, j, k]\n S[i < 3, k "
      "< 5] = sum(j < 10) exp(X[i, j, k] - M[i, k])\n"
      "out Y[i < 3, j < 10, k < 5] = exp(X[i, j, k] - M[i, k]) / S[i, k] }",
      { { 0 } } },
    { "te softmax_beside(X: f32[3, 10, 37]) { M[i < 3, k < 37] = max(j < 10) X[i, j, k]\n E[i < 3, "
      "j "
      "< 10, k < 37] = exp(X[i, j, k] - M[i, k])\n S[i < 3, k < 37] = sum(j < 10) E[i, j, k]\n"
      "out Y[i < 3, j < 10, k < 37] = E[i, j, k] * (1.0 / S[i, k]) }",
      { { 0 } } },
    { "te norm_beside(X: f32[6, 4, 18]) { S[k < 18] = sum(i < 6, j < 4) X[i, j, k]\n V[k < 18] = "
      "sum(i < 6, j < 4) (X[i, j, k] - S[k] / 24.0) * (X[i, j, k] - S[k] / 24.0)\n"
      "out Y[i < 6, j < 4, k < 18] = (X[i, j, k] - S[k] / 24.0) / sqrt(V[k] / 24.0 + 0.01) }",
      { { 0 } } },
    { "te norm(X: f32[9, 40], g: f32[40]) { S[i < 9] = sum(j < 40) X[i, j]\n V[i < 9] = sum(j < "
      "40) (X[i, j] - S[i] / 40.0) * (X[i, j] - S[i] / 40.0)\n"
      "out Y[i < 9, j < 40] = (X[i, j] - S[i] / 40.0) / sqrt(V[i] / 40.0 + 0.01) * g[j] }",
      { { 0 } } },
    { "te sum_rows(X: f32[12, 300]) { out Y[i < 12] = sum(j < 300) X[i, j] }", { { 0 } } },
    { "te sum_columns(X: f32[300, 20]) { out Y[j < 20] = sum(i < 300) X[i, j] }", { { 0 } } },
    { "te sum_all(X: f32[9, 33]) { out Y[z < 1] = sum(i < 9, j < 33) X[i, j] }", { { 0 } } },
    { "te softmax_kept(X: f32[7, 203]) { M[i < 7] = max(j < 203) X[i, j]\n E[i < 7, j < 203] = "
      "exp(X[i, j] - M[i])\n S[i < 7] = sum(j < 203) E[i, j]\n"
      "out Y[i < 7, j < 203] = E[i, j] * (1.0 / S[i]) }",
      { { 0 } } },
    { "te sum_parts(X: f32[3, 70001]) { out Y[] = sum(i < 3, j < 70001) X[i, j] }", { { 0 } } },
    { "te max_parts(X: f32[2, 100, 997]) { out Y[k < 2] = max(i < 100, j < 997) X[k, i, j] }",
      { { 0 } } },
    { "te largest_of_rows(X: f32[5, 83]) { out v, out at[i < 5] = " LARGEST("83", "X[i, r]") " }",
      { { 0 } } },
    { "te largest_of_columns(X: f32[19, 3, 21]) { out v, out at[i < 3, j < 21] = " LARGEST(
          "19", "X[r, i, j]") " }",
      { { 0 } } },
    { "te largest_symbol(X: f32[n, m]) { out v, out at[j < m] = " LARGEST("n", "X[r, j]") " }",
      { { 6, 45 } } },
    { "te sum_scalar(X: f32[9, 33]) { out Y[] = sum(i < 9, j < 33) X[i, j] }", { { 0 } } },
    { "te sum_symbol(X: f32[n, m]) { out Y[i < n] = sum(j < m) X[i, j] }", { { 7, 150 } } },
    { "te mm_long(A: f32[20, 1152], B: f32[1152, 30]) { out C[i < 20, j < 30] = sum(r < 1152) A[i, "
      "r] "
      "* B[r, j] }",
      { { 0 } } },
    { "te mm_long_relu(A: f32[2, 7, 1536], B: f32[2, 1536, 9]) { P[b < 2, i < 7, j < 9] = sum(r < "
      "1536) "
      "A[b, i, r] * B[b, r, j]\n out C[b < 2, i < 7, j < 9] = max(P[b, i, j], 0.0) }",
      { { 0 } } },
    { "te sum_long(X: f32[9001]) { out Y[] = sum(i < 9001) X[i] }", { { 0 } } },
    { "te sum_long_rows(X: f32[3, 5003]) { out Y[i < 3] = sum(j < 5003) X[i, j] }", { { 0 } } },
    { "te sum_short_rows(X: f32[37, 41]) { out Y[i < 37] = sum(j < 41) X[i, j] }", { { 0 } } },
    { "te sum_columns(X: f32[700, 5]) { out Y[j < 5] = sum(i < 700) X[i, j] }", { { 0 } } },
    { "te sum_wide_columns(X: f32[2, 300, 45]) { S[b < 2, j < 45] = sum(i < 300) X[b, i, j]\n out "
      "Y[b < 2, j < 45] = S[b, j] / 300.0 }",
      { { 0 } } },
    { "te softmax_columns(X: f32[50, 37]) { M[j < 37] = fmax(i < 50) X[i, j]\n E[i < 50, j < 37] = "
      "exp(X[i, j] - M[j])\n S[j < 37] = sum(i < 50) E[i, j]\n out Y[i < 50, j < 37] = E[i, j] / "
      "S[j] }",
      { { 0 } } },
    { "te softmax_short(X: f32[3, 11, 17]) { M[b < 3, i < 11] = fmax(j < 17) X[b, i, j]\n E[b < 3, "
      "i < 11, j < 17] = exp(X[b, i, j] - M[b, i])\n S[b < 3, i < 11] = sum(j < 17) E[b, i, j]\n "
      "out Y[b < 3, i < 11, j < 17] = E[b, i, j] / S[b, i] }",
      { { 0 } } },
    { "te mean_square(X: f32[6, 50]) { S[i < 6] = sum(j < 50) X[i, j] * X[i, j]\n out Y[i < 6] = "
      "S[i] / 50.0 }",
      { { 0 } } },
    { "te broadcast(A: f32[5, 1, 7], b: f32[3, 1]) { out C[i < 5, j < 3, k < 7] = A[i, 0, k] + "
      "b[j, 0] }",
      { { 0 } } },
    { "te transpose(A: f32[13, 21]) { out C[i < 21, j < 13] = A[j, i] }", { { 0 } } },
    { "te tiles(A: f32[48, 35]) { out C[i < 35, j < 48] = A[j, i] }", { { 0 } } },
    { "te pages(A: f32[24, 1024]) { out C[i < 1024, j < 24] = A[j, i] }", { { 0 } } },
    { "te tiles_of_both(A: f64[3, 17, 33], B: f64[3, 33, 17]) { T[b < 3, i < 33, j < 17] = A[b, j, "
      "i]\n out C[b < 3, i < 33, j < 17] = T[b, i, j] + B[b, i, j] }",
      { { 0 } } },
    { "te pool_overhanging(X: f32[3, 32, 32]) { out Y[c < 3, y < 31, x < 31] = max(u < 2, v < 2) "
      "X[c, "
      "y + u, x + v] }",
      { { 0 } } },
    { "te relu(A: f32[1000]) { out C[i < 1000] = max(A[i], 0.0) }", { { 0 } } },
    { "te kept_five(X: f32[6, 700]) { E0[i < 6, j < 700] = exp(X[i, j])\n S0[i < 6] = sum(j < "
      "700) E0[i, j]\n E1[i < 6, j < 700] = exp(X[i, j] - S0[i] / 9999.0)\n S1[i < 6] = sum(j "
      "< 700) E1[i, j]\n E2[i < 6, j < 700] = exp(X[i, j] - S1[i] / 9999.0)\n S2[i < 6] = "
      "sum(j < 700) E2[i, j]\n E3[i < 6, j < 700] = exp(X[i, j] - S2[i] / 9999.0)\n S3[i < 6] "
      "= sum(j < 700) E3[i, j]\n E4[i < 6, j < 700] = exp(X[i, j] - S3[i] / 9999.0)\n S4[i < "
      "6] = sum(j < 700) E4[i, j]\n out Y[i < 6, j < 700] = E0[i, j] / S0[i] + E1[i, j] / "
      "S1[i] + E2[i, j] / S2[i] + E3[i, j] / S3[i] + E4[i, j] / S4[i] }",
      { { 0 } } },
    { "te softmax_runs(X: f32[5, 300]) { M[i < 5] = max(j < 300) X[i, j]\n S[i < 5] = sum(j < 300) "
      "exp(X[i, j] - M[i])\n out Y[i < 5, j < 300] = exp(X[i, j] - M[i]) / S[i] }",
      { { 0 } } },
    { "te softmax_sizes(X: f32[n, m, 36]) { M[i < n, k < m] = max(j < 36) X[i, k, j]\n S[i < n, k "
      "< m] = "
      "sum(j < 36) exp(X[i, k, j] - M[i, k])\n out Y[i < n, k < m, j < 36] = exp(X[i, k, j] - M[i, "
      "k]) / "
      "S[i, k] }",
      { { 3, 5 } } },
    { "te norm_runs(X: f32[4, 6, 36], g: f32[6, 36]) { S[i < 4] = sum(j < 6, k < 36) X[i, j, k]\n "
      "V[i < 4] = sum(j < 6, k < 36) (X[i, j, k] - S[i] / 216.0) * (X[i, j, k] - S[i] / 216.0)\n "
      "out Y[i < 4, j < 6, k < 36] = (X[i, j, k] - S[i] / 216.0) / sqrt(V[i] / 216.0 + 0.01) * "
      "g[j, k] }",
      { { 0 } } },
    { "te softmax_masked(X: f32[5, 128]) { E[i < 5, j < 128] = guard(j < 101, exp(X[i, j]), 0.0)\n "
      "M[i < 5] = max(j < 128) E[i, j]\n S[i < 5] = sum(j < 128) E[i, j] / M[i]\n "
      "out Y[i < 5, j < 128] = E[i, j] / M[i] / S[i] }",
      { { 0 } } },
    { "te softmax_turned(X: f32[128, 5]) { M[i < 5] = max(j < 128) X[j, i]\n S[i < 5] = sum(j < "
      "128) "
      "exp(X[j, i] - M[i])\n out Y[i < 5, j < 128] = exp(X[j, i] - M[i]) / S[i] }",
      { { 0 } } },
    { "te sum_long_runs(X: f32[9004]) { out Y[] = sum(i < 9004) X[i] }", { { 0 } } },
    { "te max_runs(X: f32[2, 100, 1000]) { out Y[k < 2] = max(i < 100, j < 1000) X[k, i, j] }",
      { { 0 } } },
    { "te largest_of_long_rows(X: f32[5, 300]) { out v, out at[i < 5] = " LARGEST("300",
                                                                                  "X[i, r]") " }",
      { { 0 } } },
    { "te pairs(X: f32[9, 260]) { out Y[i < 9] = sum(j < 260) X[i, j] * X[8 - i, j] }", { { 0 } } },
    { "te chosen(X: f32[9, 260], K: i32[9]) { out Y[i < 9] = sum(j < 260) X[max(min(K[i], 8), 0), "
      "j] }",
      { { 0 } } },
    { "te above_first(X: f32[3, 260]) { out Y[i < 3] = sum(j < 260) X[i, 0] * X[i, j] }",
      { { 0 } } },
    { "te palindromes(X: f64[3, 260]) { out Y[i < 3] = sum(j < 260) X[i, j] * X[i, 259 - j] }",
      { { 0 } } },
    { "te vm(A: f32[1, 512], B: f32[512, 264]) { S[i < 1, j < 264] = sum(r < 512) A[i, r] * B[r, "
      "j]\n "
      "out C[i < 1, j < 264] = max(S[i, j], 0.0) }",
      { { 0 } } },
    { "te sum_of_columns(X: f32[3, 70, 132]) { out Y[b < 3, j < 132] = sum(i < 70) X[b, i, j] }",
      { { 0 } } },
    { "te sums_of_f64(X: f64[300, 136]) { S[j < 136] = sum(i < 300) X[i, j]\n out Y[j < 136] = "
      "f32(S[j]) }",
      { { 0 } } },
    { "te max_of_columns(X: f32[9001, 200]) { out Y[j < 200] = max(i < 9001) X[i, j] }",
      { { 0 } } },
    { "te sum_of_turned(X: f32[70, 132]) { S[j < 132, k < 1] = sum(i < 70) X[i, j]\n out Y[k < 1, "
      "j < 132] = "
      "S[j, k] * 2.0 }",
      { { 0 } } },
    { "te mv(A: f32[40, 512], B: f32[512, 1]) { S[i < 40, j < 1] = sum(r < 512) A[i, r] * B[r, "
      "j]\n "
      "out C[i < 40, j < 1] = max(S[i, j], 0.0) }",
      { { 0 } } },
    { "te add_its_transpose(A: f32[40, 40]) { out C[i < 40, j < 40] = A[i, j] + A[j, i] }",
      { { 0 } } },
    { "te nothing_across(A: f32[8, 64, 5, 4]) { out T[j < 0, k < 8, i < 64] = A[k, i, j // 4, j % "
      "4] }",
      { { 0 } } },
    { "te softmax_of_units(X: f32[50, 11, 1]) { M[i < 50, k < 1] = fmax(j < 11) X[i, j, k]\n E[i < "
      "50, "
      "j < 11, k < 1] = exp(X[i, j, k] - M[i, k])\n S[i < 50, k < 1] = sum(j < 11) E[i, j, k]\n "
      "out "
      "Y[i < 50, j < 11, k < 1] = E[i, j, k] / S[i, k] }",
      { { 0 } } },
    { "te relu_many(A: f32[130, 64]) { out C[i < 130, j < 64] = max(A[i, j], 0.0) }", { { 0 } } },
    { "te add_channels(A: f32[4, 52, 60], b: f32[52]) { out C[n < 4, c < 52, x < 60] = A[n, c, x] "
      "+ "
      "b[c] }",
      { { 0 } } },
    { "te one_or_other(A: f32[9000], B: f64[9000]) { out C[i < 9000] = select(B[i] > 0.0f64, A[i], "
      "exp(A[i])) }",
      { { 0 } } },
    { "te relu_symbol(A: f32[n, 3]) { out C[i < n, j < 3] = max(A[i, j], 0.0) }", { { 29 } } },
    { "te wider_rows(A: f32[5, 37]) { out C[i < 7, j < 43] = guard(i >= 1 && i < 6 && j >= 4 && j "
      "< 41, A[i - 1, j - 4], 0.0) }",
      { { 0 } } },
    { "te scalar(A: f32[]) { out C[] = A[] + 1.0 }", { { 0 } } },
    { "te concat(A: f32[3, 5], B: f32[3, 8]) { out C[i < 3, j < 13] = guard(j < 5, A[i, j], "
      "guard(j >= 5, B[i, j - 5], 0.0)) }",
      { { 0 } } },
};

/* ---- */

static void
check(const program *p, int n)
{
    for (int i = 0; i < n; i++) {
        results want = run_reference(p[i].text, &p[i].size);
        for (int t = 0; t < rule_target_count; t++) {
            results got =
                run_scheduled(p[i].text, &p[i].size, &rule_targets[t], (weft_order)((i + t) % 3));
            assert_same(p[i].text, rule_targets[t].name, &got, &want);
            results_free(&got);
        }
        results_free(&want);
    }
}

static void
products_of_all_shapes_are_what_the_program_says(void **state)
{
    (void)state;
    check(products, sizeof products / sizeof *products);
}

static void
windows_of_all_kinds_are_what_the_program_says(void **state)
{
    (void)state;
    check(windows, sizeof windows / sizeof *windows);
}

static void
reductions_rows_and_elements_are_what_the_program_says(void **state)
{
    (void)state;
    check(others, sizeof others / sizeof *others);
}

/* Attention as te/topi/attention.c writes it for vectors: its rule takes it, no other. */
static const program attentions[] = {
    { "te alone(q: f32[2, 13, 4], k: f32[2, 9, 4], v: f32[2, 9, 5]) {\n"
      "queries[i < 2, j < 3, k_1 < 6, l < 4] = guard(j * 6 + k_1 < 13, q[i, j * 6 + k_1, l], "
      "0.0)\n"
      "keys[i < 2, j < 1, k_1 < 3, l < 4, m < 4] = guard(j * 12 + (k_1 * 4 + m) < 9, k[i, j * "
      "12 + (k_1 * 4 + m), l], 0.0)\n"
      "products[i < 2, j < 3, k_1 < 6, l < 1, m < 12] = sum(r < 4) queries[i, j, k_1, r] * "
      "keys[i, l, m // 4, r, m % 4]\n"
      "scores[i < 2, j < 3, k_1 < 6, l < 1, m < 12] = select(l * 12 + m < 9, products[i, j, "
      "k_1, l, m] * 0.5, -inf)\n"
      "most[i < 2, j < 3, k_1 < 6, l < 1] = max(s < 12) scores[i, j, k_1, l, s]\n"
      "weights[i < 2, j < 3, k_1 < 6, l < 1, m_1 < 12] = exp(scores[i, j, k_1, l, m_1] - "
      "most[i, j, k_1, l])\n"
      "total[i < 2, j < 3, k_1 < 6, l < 1] = sum(s < 12) weights[i, j, k_1, l, s]\n"
      "weighted[i < 2, j < 3, k_1 < 6, l < 5, m_2 < 1] = sum(s < 9) weights[i, j, k_1, m_2, s] "
      "* v[i, s, l]\n"
      "attention[i < 2, j < 13, k_1 < 5] = weighted[i, j // 6, j % 6, k_1, 0] / total[i, j // "
      "6, j % 6, 0]\n"
      "}\n",
      { { 0 } } },
    { "te blocks(q: f32[2, 13, 4], k: f32[2, n, 4], v: f32[2, n, 5]) {\n"
      "queries[i < 2, j < 3, k_1 < 6, l < 4] = guard(j * 6 + k_1 < 13, q[i, j * 6 + k_1, l], "
      "0.0)\n"
      "keys[i < 2, j < (n + 11) // 12, k_1 < 3, l < 4, m < 4] = guard(j * 12 + (k_1 * 4 + m) < "
      "n, k[i, j * 12 + (k_1 * 4 + m), l], 0.0)\n"
      "values[i < 2, j < (n + 11) // 12, k_1 < 12, l < 5] = guard(j * 12 + k_1 < n, v[i, j * "
      "12 + k_1, l], 0.0)\n"
      "products[i < 2, j < 3, k_1 < 6, l < (n + 11) // 12, m < 12] = sum(r < 4) queries[i, j, "
      "k_1, r] * keys[i, l, m // 4, r, m % 4]\n"
      "scores[i < 2, j < 3, k_1 < 6, l < (n + 11) // 12, m < 12] = select(l * 12 + m < n, "
      "products[i, j, k_1, l, m] * 0.5, -inf)\n"
      "most[i < 2, j < 3, k_1 < 6, l < (n + 11) // 12] = max(s < 12) scores[i, j, k_1, l, s]\n"
      "weights[i < 2, j < 3, k_1 < 6, l < (n + 11) // 12, m_1 < 12] = exp(scores[i, j, k_1, l, "
      "m_1] - most[i, j, k_1, l])\n"
      "total[i < 2, j < 3, k_1 < 6, l < (n + 11) // 12] = sum(s < 12) weights[i, j, k_1, l, s]\n"
      "weighted[i < 2, j < 3, k_1 < 6, l < 5, m_2 < (n + 11) // 12] = sum(s < 12) weights[i, "
      "j, k_1, m_2, s] * values[i, m_2, s, l]\n"
      "all_most, all_total, all_weighted[i < 2, j < 3, k_1 < 6, l < 5] = reduce(b < (n + 11) "
      "// 12) (most[i, j, k_1, b], total[i, j, k_1, b], weighted[i, j, k_1, l, b]) from (-inf, "
      "0.0, 0.0)\n"
      "with (a, b_1, c), (d, e, f) = (max(a, d), select(a == -inf, 0.0, b_1 * exp(a - max(a, "
      "d))) + select(d == -inf, 0.0, e * exp(d - max(a, d))), select(a == -inf, 0.0, c * exp(a "
      "- max(a, d))) + select(d == -inf, 0.0, f * exp(d - max(a, d))))\n"
      "out attention[i < 2, j < 13, k_1 < 5] = all_weighted[i, j // 6, j % 6, k_1] / "
      "all_total[i, j // 6, j % 6, k_1]\n"
      "}\n",
      { { 30 } } },
};

static void
attention_is_what_the_program_says(void **state)
{
    (void)state;
    static const char *const has[] = { "compute_at(weighted, attention, ",
                                       "compute_at(weighted, all_most, " };
    check(attentions, 2);
    for (int i = 0; i < 2; i++) {
        char *log = schedule_of(attentions[i].text, "vectors of 16");
        if (!strstr(log, has[i]))
            fail_msg("'%s' is missing:\n%s", has[i], log);
        free(log);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_all_shapes_are_what_the_program_says),
        cmocka_unit_test(windows_of_all_kinds_are_what_the_program_says),
        cmocka_unit_test(attention_is_what_the_program_says),
        cmocka_unit_test(reductions_rows_and_elements_are_what_the_program_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
