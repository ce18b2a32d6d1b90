/* Every misuse of a primitive or of the language ends in a sentence that names stage, axis and
 * remedy, at the place in the text. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

typedef struct mistake {
    const char *text; /* of the schedule, or of a whole program */
    const char *says;
} mistake;

#define MATMUL                                                                                     \
    "te mm(A: f32[m, k], B: f32[k, n]) {\n"                                                        \
    "    D[i < m, r < k] = A[i, r] * 2.0\n"                                                        \
    "    C[i < m, j < n] = sum(r < k) D[i, r] * B[r, j]\n"                                         \
    "    best, at[i < 9] = reduce(r < 8) (f32(r), r) from (-inf, 0)\n"                             \
    "        with (a, b), (c, d) = (max(a, c), select(a >= c, b, d))\n"                            \
    "    E[i < 64, j < 3] = f32(i)\n"                                                              \
    "    return C, best\n"                                                                         \
    "}\n"

static void
check(const char *text, const char *says)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("t.te", text, diag);
    if (te || !strstr(weft_diag_text(diag), says))
        fail_msg("%s\nexpected: %s\ngot: %s", text, says, te ? "no error" : weft_diag_text(diag));
    weft_diag_destroy(diag);
}

static void
check_schedules(const mistake *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "%sschedule {\n%s\n}\n", MATMUL, m[i].text);
        check(weft_str_text(&s), m[i].says);
        weft_str_free(&s);
    }
}

#define CHECK_SCHEDULES(m) check_schedules(m, sizeof(m) / sizeof *(m))

static void
split_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "a, b = split(C.i, 0)",
          "split: axis C.i of stage 'C' by 0; a size is from 1 to 2147483647" },
        { "a, b = split(C.i, -4)", "the size given for axis C.i of stage 'C' is negative" },
        { "a, b = split(C.i, 4.0)",
          "the size given for axis C.i of stage 'C' is not an i32 or i64" },
        { "a, b = split(C.i, i64(m))",
          "split: axis C.i of stage 'C' is i32 and the size is i64; cast the size" },
        { "a, b = split(C.i, A[0, 0])", "is not an i32 or i64" },
        { "a, b = split(C.i, 4)\nc, d = split(C.i, 4)",
          "split: axis C.i of stage 'C' was split into a and b; schedule these" },
        { "bind(C.i, block.x)\na, b = split(C.i, 4)",
          "split: axis C.i of stage 'C' is bound to block.x already; split it first, then bind a "
          "part" },
        { "vectorize(E.j)\na, b = split_parts(E.j, 4)",
          "split_parts: axis E.j of stage 'E' is bound to vectorize already" },
        { "a, b = split(A.i, 4)", "'A' is an input and has no stage to schedule" },
        { "a, b = split(C.q, 4)", "stage 'C' has no axis 'q'" },
        { "a, b = split(i, 4)", "several stages have an axis 'i': write TENSOR.i" },
        { "a, b = split(zz, 4)", "there is no axis 'zz'" },
        { "a = split(C.i, 4)",
          "'split' makes two axes, to be named before '=': 1 names before '='" },
        { "split(C.i, 4)", "'split' makes two axes, to be named before '=': 0 names before '='" },
        { "a, a = split(C.i, 4)", "'a' is named twice here" },
        { "m, a = split(C.i, 4)", "'m' is a symbol already: choose another name" },
        { "C, a = split(C.i, 4)", "'C' is a tensor already: choose another name" },
        { "i, a = split(C.i, 4)", "'i' is an axis already: choose another name" },
        { "compute_inline(D)\na, b = split(D.i, 4)",
          "split: stage 'D' is computed inline and has no loops; give it some by compute_root(D)" },
    };
    CHECK_SCHEDULES(m);
}

static void
tile_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "a, b, c, d = tile(C.i, C.i, 4, 4)",
          "tile: axis C.i of stage 'C' twice; name two axes, or split it" },
        { "a, b, c, d = tile(C.i, D.i, 4, 4)", "tile: axis D.i belongs to stage 'D', not to 'C'" },
        { "a, b, c, d = tile(C.i, C.j, 4, 0)",
          "tile: axis C.j of stage 'C' by 0; a size is from 1 to 2147483647" },
        { "bind(C.j, thread.x)\na, b, c, d = tile(C.i, C.j, 4, 4)",
          "tile: axis C.j of stage 'C' is bound to thread.x already; split it first" },
        { "a, b = tile(C.i, C.j, 4, 4)",
          "'tile' makes four axes, to be named before '=': 2 names before '='" },
        { "a, b, c, d = tile(C.i, C.j, 4)", "',' is expected, not ')'" },
    };
    CHECK_SCHEDULES(m);
}

static void
store_predicate_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "store_predicate(C, i < 4)",
          "store_predicate: 'C' is an output, every element of which is written; cache_write(C, "
          "local) gives a stage that may leave some out" },
        { "store_predicate(A, 0 < 4)", "store_predicate: 'A' is an input and has no stage" },
        { "store_predicate(D, i)",
          "store_predicate: the condition of stage 'D' is no bool; compare an axis" },
        { "store_predicate(D, A[i, r] > 0.0)",
          "store_predicate: the condition of stage 'D' reads a tensor; it is made of the stage's" },
        { "X = cache_write(C, local)\nstore_predicate(X, r < 4)", "there is no 'r' in scope" },
        { "store_predicate(D, i < m)\nstore_predicate(D, r < 4)",
          "store_predicate: stage 'D' has a condition already; join the two by &&" },
        { "compute_inline(D)\nstore_predicate(D, i < 4)",
          "store_predicate: stage 'D' is computed inline and has no loops" },
    };
    CHECK_SCHEDULES(m);
}

static void
fuse_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "f = fuse(C.j, C.r)", "fuse: axis C.j of stage 'C' is a data axis and C.r a reduce axis; "
                                "fuse axes of one kind" },
        { "f = fuse(C.i, C.r)", "fuse: axes C.i and C.r of stage 'C' are no neighbours; reorder "
                                "them next to each other" },
        { "f = fuse(C.i, C.i)", "fuse: axes C.i and C.i of stage 'C' are the same; name two axes" },
        { "f = fuse(C.i, D.i)",
          "fuse: axis D.i belongs to stage 'D', not to 'C'; name its own stage" },
        { "f = fuse(C.i, C.j)\ng = fuse(C.i, C.j)",
          "fuse: axis C.i of stage 'C' was fused into f; schedule that" },
        { "bind(C.j, thread.x)\nf = fuse(C.i, C.j)",
          "fuse: axis C.j of stage 'C' is bound to thread.x already; fuse first, then bind the "
          "fused axis" },
    };
    CHECK_SCHEDULES(m);
}

static void
reorder_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "reorder(C, i, j, i)", "reorder: axis C.i of stage 'C' is listed twice; list it once" },
        { "reorder(C, D.i)", "reorder: axis D.i belongs to stage 'D', not to 'C'" },
        { "reorder(C)", "reorder: 0 axes of stage 'C', which has 3; name some" },
        { "reorder(A)", "reorder: 'A' is an input and has no stage" },
        { "a, b = split(C.i, 2)\nreorder(C, j, i)",
          "reorder: axis C.i of stage 'C' was split into a and b" },
    };
    CHECK_SCHEDULES(m);
}

static void
bind_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "bind(C.i, warp.x)",
          "bind: axis C.i of stage 'C' to 'warp.x'; it can be block.x to block.z" },
        { "bind(C.i, vectorize)", "bind: axis C.i of stage 'C' to 'vectorize'" },
        { "bind(C.i, block.x)\nbind(C.i, block.y)",
          "bind: axis C.i of stage 'C' is bound to block.x already; a loop runs in one way, choose "
          "another axis" },
        { "bind(C.i, block.x)\nbind(C.j, block.x)",
          "bind: block.x runs axis C.i of stage 'C' already and cannot run C.j too; fuse the two, "
          "or use another" },
        { "bind(C.r, block.x)",
          "bind: reduce axis C.r of stage 'C' cannot run on block.x; only threads of one block" },
        { "bind(C.r, parallel)", "bind: reduce axis C.r of stage 'C' cannot run on parallel" },
        { "bind(C.r, vthread)", "bind: reduce axis C.r of stage 'C' cannot run on vthread" },
        { "a, b = split(C.i, 2)\nbind(C.i, block.x)",
          "bind: axis C.i of stage 'C' was split into a and b" },
    };
    CHECK_SCHEDULES(m);
}

static void
tensorize_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "tensorize(C.r, wmma)",
          "tensorize: stage 'C' with 'wmma', which is no matrix intrinsic" },
        { "bind(C.j, thread.x)\ntensorize(C.i, wmma_16x16x8_tf32_f32)",
          "axis C.j of stage 'C', inside of C.i, is bound to thread.x" },
        { "tensorize(E.i, wmma_16x16x8_tf32_f32)\ntensorize(E.j, wmma_16x16x8_tf32_f32)",
          "a matrix instruction from axis E.i on already" },
        { "tensorize(E.i, wmma_16x16x8_tf32_f32)\na, b = split(E.i, 4)",
          "split: axis E.i of stage 'E' is tensorized" },
    };
    CHECK_SCHEDULES(m);
}

static void
vectorize_unroll_and_pragma_say_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "vectorize(C.i)", "vectorize: axis C.i of stage 'C' has the extent m, no constant; split "
                            "it by a constant" },
        { "vectorize(E.i)", "vectorize: axis E.i of stage 'E' has 64 iterations and a vector at "
                            "most 16 lanes; split" },
        { "vectorize(C.r)",
          "vectorize: axis C.r of stage 'C' is a reduce axis; vectorise a data axis, or unroll" },
        { "a, b = split(C.j, 4)\ncompute_at(D, C, b)\nvectorize(b)",
          "vectorize: stage 'D' is computed at axis b of stage 'C'; compute it at a loop outside" },
        { "vectorize(E.j)\nunroll(E.j)",
          "unroll: axis E.j of stage 'E' is bound to vectorize already" },
        { "unroll(C.r)", "unroll: axis C.r of stage 'C' has the extent k, no constant" },
        { "pragma(C.r, vectorise, 4)",
          "pragma: axis C.r of stage 'C' with 'vectorise'; there is unroll" },
        { "pragma(C.r, unroll, 0)", "pragma: axis C.r of stage 'C' to be unrolled by 0; a number" },
        { "pragma(C.r, unroll, 2)\na, b = split(C.r, 4)",
          "split: axis C.r of stage 'C' has a pragma; do this first" },
        { "vectorize(E.j)\npragma(E.j, unroll, 2)",
          "pragma: axis E.j of stage 'E' is bound to vectorize already" },
    };
    CHECK_SCHEDULES(m);
}

static void
compute_at_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "compute_at(C, D, D.i)",
          "compute_at: 'C' is an output and is computed at root; cache_write(C, local) gives" },
        { "compute_at(D, E, E.i)",
          "compute_at: stage 'D' at axis E.i, but 'E' does not read it, directly or through" },
        { "compute_at(D, D, D.i)",
          "compute_at: stage 'D' at its own loop; name the stage that reads it" },
        { "compute_at(D, C, D.i)", "compute_at: axis D.i belongs to stage 'D', not to 'C'" },
        { "compute_at(A, C, C.i)", "compute_at: 'A' is an input and has no stage" },
        { "compute_at(D, A, C.i)", "compute_at: 'A' is an input and has no stage" },
        { "a, b = split(C.j, 4)\nvectorize(b)\ncompute_at(D, C, b)",
          "compute_at: axis b of stage 'C' is vectorised and holds no other stage; compute 'D' at "
          "a loop outside" },
        { "X = cache_read(D, global, C)\ncompute_inline(X)\ncompute_at(D, X, X.i)",
          "compute_at: stage 'D' at a loop of 'X', which is computed inline; name the stage that "
          "'X' is inlined into" },
    };
    CHECK_SCHEDULES(m);
}

static void
compute_inline_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "X = cache_write(C, local)\ncompute_inline(X)",
          "compute_inline: stage 'X' is a reduction and cannot stand inside an expression; compute "
          "it at a loop" },
        { "x, y = cache_write(best, local)\ncompute_inline(best)",
          "compute_inline: stage 'best' computes 2 tensors" },
        { "X = cache_write(C, local)\ncompute_inline(C)",
          "compute_inline: 'C' is an output and is computed at root" },
        { "X = cache_write(D, local)\ncompute_at(X, D, D.i)\ncompute_inline(D)",
          "compute_inline: stage 'X' is computed at axis D.i of stage 'D'; move it by "
          "compute_root(X) first" },
        { "compute_inline(A)", "compute_inline: 'A' is an input and has no stage" },
    };
    CHECK_SCHEDULES(m);
}

static void
caches_say_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "X = cache_read(A, register, D)",
          "cache_read: 'A' in the space 'register'; it can be global, shared, local or fragment" },
        { "X = cache_read(A, shared, C)", "cache_read: 'C' does not read 'A'; it is read by 'D'" },
        { "X = cache_read(E, shared)", "cache_read: nobody reads 'E'; a copy is for its readers" },
        { "compute_inline(D)\nX = cache_read(D, shared)",
          "cache_read: stage 'D' is computed inline and is not there" },
        { "cache_read(A, shared, D)",
          "'cache_read' makes a tensor, to be named before '=': 0 names before '='" },
        { "X = cache_write(A, local)", "cache_write: 'A' is an input and has no stage" },
        { "a, b = split(C.i, 4)\nX = cache_write(C, local)",
          "cache_write: the loops of stage 'C' are split or fused already; call cache_write before "
          "that" },
        { "compute_at(D, C, C.i)\nX = cache_write(C, local)",
          "cache_write: stage 'D' is computed at a loop of 'C'; call cache_write first, then "
          "compute_at" },
        { "compute_inline(D)\nX = cache_write(D, local)",
          "cache_write: stage 'D' is computed inline and writes nothing" },
        { "X = cache_write(C, constant)", "cache_write: 'C' in the space 'constant'" },
        { "X = cache_write(best, local)",
          "the stage of 'best' computes 2 tensors: a name for the copy of each is needed" },
        { "X = cache_write(C, local)\na, b = split(C.r, 4)", "stage 'C' has no axis 'r'" },
    };
    CHECK_SCHEDULES(m);
}

static void
rfactor_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "F = rfactor(C.i)", "rfactor: axis C.i of stage 'C' is a data axis; factor a reduce "
                              "axis, or a part that split" },
        { "F = rfactor(C.r, 3)",
          "rfactor: axis C.r of stage 'C' as dimension 3; it can be one from 0 to 2" },
        { "a, b = split(C.r, 4)\nF = rfactor(C.r)",
          "rfactor: axis C.r of stage 'C' was split into a and b; schedule these" },
        { "a, b = split(C.r, 4)\nF = rfactor(b)\nG = rfactor(b)",
          "several stages have an axis 'b': write TENSOR.b" },
        { "a, b = split(C.r, 4)\nF = rfactor(b)\nbind(C.a, thread.x)",
          "stage 'C' has no axis 'a'" },
        { "F = rfactor(best.r)", "the stage of 'best' computes 2 tensors: a name for the factor of "
                                 "each is needed before '=', not 1" },
        { "rfactor(C.r)", "'rfactor' makes a tensor, to be named before '=': 0 names before '='" },
        { "F = rfactor(A.i)", "'A' is an input and has no stage to schedule" },
    };
    CHECK_SCHEDULES(m);
}

#define EXTERN                                                                                     \
    "te f(A: f32[m]) {\n"                                                                          \
    "    D[i < m] = A[i] * 2.0\n"                                                                  \
    "    extern S: f32[m] { for i in 0..m { S[i] = D[i] } }\n"                                     \
    "    C[i < m] = S[i]\n"                                                                        \
    "} schedule { "

static void
extern_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "te f(A: f32[m]) { extern S: f32[m] { A[0] = 1.0 } }",
          "extern 'S' stores to a tensor that it does not make, 'A'" },
        { "te f(A: f32[m]) { extern S: f32[m] { alloc b: local f32[m] S[0] = b[0] } }",
          "extern 'S' allocates memory of no constant size, in 'b'" },
        { "te f(A: f32[m]) { extern S: f32[m] { S[0] = B[0] } }", "there is no 'B' in scope" },
        { "te f(A: f32[m]) { extern S: f32[q] { S[0] = 1.0 } }", "there is no 'q' in scope" },
        { "te f(A: f32[m]) { extern S: f32[-1] { S[0] = 1.0 } }",
          "dimension 0 of extern 'S' is negative" },
        { "te f(A: f32[m]) { extern S: f32[m], S: f32[m] { S[0] = 1.0 } }",
          "'S' is defined twice here" },
        { "te f(A: f32[m]) { extern S: f32[m] for }", "'{' is expected, not 'for'" },
        { "te f(A: f32[m]) { extern S: f32[m] { for t in 0..8 on thread.x { if t < 4 { barrier "
          "shared S[t] = 1.0 } } } }",
          "extern 'S'" },
        { EXTERN "a, b = split(S.i, 4) }", "stage 'S' has no axis 'i'" },
        { EXTERN "reorder(S) }",
          "reorder: stage 'S' is extern and its loops are its statements'; write them there" },
        { EXTERN "compute_at(S, C, C.i) }",
          "compute_at: stage 'S' is extern and a kernel of its own" },
        { EXTERN "compute_inline(S) }",
          "compute_inline: stage 'S' is extern and a kernel of its own" },
        { EXTERN "compute_inline(D) }",
          "compute_inline: 'D' is read by the statements of an extern stage" },
        { EXTERN "X = cache_write(S, local) }",
          "cache_write: 'S' is extern and its statements write it" },
        { EXTERN "set_scope(S, shared) }",
          "set_scope: stage 'S' is extern, whose memory is global and dense" },
        { EXTERN "storage_align(S, 0, 4, 1) }",
          "storage_align: stage 'S' is extern, whose memory is global and dense" },
        { EXTERN "store_predicate(S, m < 4) }", "store_predicate: stage 'S' is extern" },
    };
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        check(m[i].text, m[i].says);
}

#define SCAN                                                                                       \
    "te f(A: f32[n, 8]) {\n"                                                                       \
    "    S[t < n, i < 8, j < 4] = scan(t) from A[0, i] with S[t - 1, 7 - i, j] + A[t, i]\n"        \
    "    D[t < n] = S[t, 0, 0]\n"                                                                  \
    "    return D\n"                                                                               \
    "} schedule { "

static void
scan_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { SCAN "bind(S.t, block.x) }", "bind: axis S.t of stage 'S' is the scan's, whose steps run "
                                       "in order; it cannot be bound" },
        { SCAN "a, b = split(S.t, 4) vectorize(b) }",
          "vectorize: axis b of stage 'S' is the scan's, whose steps run in order" },
        { SCAN "f = fuse(S.t, S.i) }", "fuse: axis S.t of stage 'S' is the scan's" },
        { SCAN "reorder(S, i, t) }",
          "reorder: axis S.i of stage 'S' before a loop of the scan's steps, which run in order "
          "with all of a step inside; leave it behind" },
        { SCAN "a, b = split(S.t, 4) reorder(S, b, a) }",
          "reorder: axis b of stage 'S' before a loop of the scan's steps" },
        { SCAN "bind(S.i, block.x) }",
          "bind: axis S.i of stage 'S' cannot run on block.x: a step of the scan reads along it" },
        { SCAN "a, b, c, d = tile(S.i, S.j, 2, 2) }",
          "tile: of axes S.i and S.j of stage 'S' one runs inside the scan's steps; split them" },
        { SCAN "a, b, c, d = tile(S.t, S.j, 2, 2) }",
          "tile: axis S.t of stage 'S' is the scan's, whose steps run in order" },
        { SCAN "X = cache_write(S, local) }",
          "cache_write: stage 'S' is a scan, each step of which reads the one before" },
        { SCAN "compute_at(S, D, D.t) }", "compute_at: stage 'S' is a scan" },
        { SCAN "compute_inline(S) }", "compute_inline: stage 'S' is a scan" },
        { SCAN "set_scope(S, shared) }", "set_scope: stage 'S' is a scan" },
        { "te f(A: f32[n]) { S[t < n] = scan(t) from 0.0 with sum(k < 8) S[t - 1] } schedule { F = "
          "rfactor(S.k) }",
          "rfactor: stage 'S' is a scan" },
        { "te f(A: f32[n]) { S[t < n] = scan(t) from 0.0 with S[t - 2] }",
          "the scan of 'S' along axis 't': a step reads another step than the one before it; keep "
          "what is older in a state of its own" },
        { "te f(A: f32[n]) { S[t < n] = scan(t) from 0.0 with S[t] }",
          "a step reads another step than the one before it" },
        { "te f(A: f32[n]) { S[t < n] = scan(t) from S[t] with S[t - 1] }",
          "there is no 'S' in scope" },
        { "te f(A: f32[n]) { S[t < n] = scan(i) from 0.0 with S[t - 1] }",
          "an axis of 'S' is expected, along which its steps run" },
        { "te f(A: f32[n]) { S[t < n] = scan(t) from 0.0 with 1 }",
          "the scan of 'S' has a value of another type than its state; cast it" },
        { "te f(A: f32[n]) { S, T[t < n] = scan(t) from (0.0, 1) with (S[t - 1]) }",
          "1 values for 2 tensors: one each is needed" },
    };
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        check(m[i].text, m[i].says);
}

static void
memory_primitives_say_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "set_scope(C, shared)",
          "set_scope: 'C' is an output and lives in global memory; cache_write(C, shared) gives" },
        { "set_scope(A, shared)",
          "set_scope: 'A' is an input, whose memory is global; use the copy that cache_read" },
        { "set_scope(D, warp)", "set_scope: 'D' in the space 'warp'" },
        { "compute_inline(D)\nset_scope(D, local)",
          "set_scope: stage 'D' is computed inline and has no memory" },
        { "storage_align(D, 2, 32, 8)", "storage_align: 'D' has no dimension 2; it has 2" },
        { "storage_align(D, 0, 0, 0)",
          "storage_align: dimension 0 of 'D' by 0 with offset 0; the factor is at least 1" },
        { "storage_align(D, 0, 8, 8)", "storage_align: dimension 0 of 'D' by 8 with offset 8" },
        { "storage_align(C, 0, 8, 1)",
          "storage_align: 'C' is an output, whose layout is its caller's; align what" },
        { "storage_align(A, 0, 8, 1)",
          "storage_align: 'A' is an input, whose layout is its caller's" },
        { "double_buffer(A)", "double_buffer: 'A' is an input, which no loop fills; use the copy" },
        { "double_buffer(C)",
          "double_buffer: 'C' is an output, whose memory is its caller's; double what" },
        { "compute_inline(D)\ndouble_buffer(D)",
          "double_buffer: stage 'D' is computed inline and has no memory" },
        { "zero_fill(A)", "zero_fill: 'A' is an input, which ends at its edge; use the copy" },
        { "zero_fill(C)", "zero_fill: 'C' is an output, which ends at its edge; fill what" },
        { "S = cache_write(C, local)\nzero_fill(S)",
          "zero_fill: stage 'S' is a reduction, of no elements beyond its edge" },
        { "buffer_stages(D, 1)", "buffer_stages: 'D' in 1 stages; there can be from 2 to 8" },
        { "buffer_stages(D, 9)", "buffer_stages: 'D' in 9 stages; there can be from 2 to 8" },
    };
    CHECK_SCHEDULES(m);
}

static void
schedule_text_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "cut(C.i, 4)",
          "t.te:10:1: error: a schedule primitive is expected, as split or bind\ncut(C.i, 4)\n^" },
        { "bind(C.i block.x)", "t.te:10:10: error: ',' is expected, not 'block.x'" },
        { "bind(C.i, 4)", "what runs the axis, as block.x or thread.x, is expected" },
        { "compute_at(4, C, C.i)", "the name of a tensor is expected" },
        { "compute_at(m, C, C.i)", "'m' is no tensor" },
        { "compute_root(Q)", "there is no 'Q' in scope" },
        { "x = bind(C.i, block.x)", "'bind' makes nothing: 1 names before '='" },
        { "storage_align(D, 0, n, 8)", "a number is expected" },
        { "vectorize(7)", "an axis is expected: TENSOR.axis, or one made above" },
    };
    CHECK_SCHEDULES(m);
}

static void
program_text_says_what_is_wrong(void **state)
{
    (void)state;
    static const mistake m[] = {
        { "te f(A: f32[m]) { B[i < m] = A[i] + 1 }", "t.te:1:35: error: '+' of f32 and i32" },
        { "te f(A: f32[m]) { B[i < m] = A[i, i] }", "load of 'A' (1 dimensions, 2 indices)" },
        { "te f(A: f32[m]) { B[i < m] = A[j] }", "there is no 'j' in scope" },
        { "te f(A: f32[m]) { B[i < m] = sum(i < m) A[i] }",
          "'i' is an axis already: choose another name" },
        { "te f(A: f32[m]) { m[i < m] = A[i] }", "'m' is a symbol already: choose another name" },
        { "te f(A: f32[m]) { A[i < m] = 1.0 }", "'A' is a tensor already: choose another name" },
        { "te f(A: f32[m]) { B[i < A[0]] = 1.0 }", "is not an i32 or i64" },
        { "te f(A: i32[m]) { B[i < A[0]] = 1.0 }",
          "the extent of axis 'i' is computed from a tensor's elements" },
        { "te f(A: f32[-1]) { B[i < 3] = 1.0 }", "dimension 0 of input 'A' is negative" },
        { "te f(x: f32) { B[i < 3] = 1.0 }",
          "'x' is f32: sizes are i32 or i64, and a parameter that is none needs a value" },
        { "te f(A: f32[m]) { B[i < m] = any(r < m) A[r] }",
          "'B' is any over f32; compare first, any and all take bool" },
        { "te f(A: f32[m]) { B[i < m] = sum(r < m) A[r] > 0.0 }",
          "'B' is sum over bool; use any or all, or cast" },
        { "te f(A: f32[m]) { B[i < m] = sum(r < m where r) A[r] }",
          "the condition of 'B' is not a bool" },
        { "te f(A: f32[m]) { B[i < m] = ramp(i, 1, 4) }",
          "makes a vector; expressions are scalar" },
        { "te f(A: i32[m]) { B[i < m] = tdiv(A[i], 2) }",
          "the definition of 'B' divides towards zero; use // and %" },
        { "te f(A: f32[m]) { B[i < m] = shfl(A[i], 0) }",
          "the definition of 'B' moves values between threads" },
        { "te f(A: f32[m]) { B, C[i < m] = sum(r < m) A[r] }",
          "'sum' defines one tensor, not 2; use 'reduce'" },
        { "te f(A: f32[m]) { B, C[i < m] = A[i] }", "'(' is expected, not 'A'" },
        { "te f(A: f32[m]) { B, C[i < m] = (A[i]) }",
          "1 values for 2 tensors: one each is needed" },
        { "te f(A: f32[m]) { B, B[i < m] = A[i] }", "'B' is defined twice here" },
        { "te f(A: f32[m]) { B[i < m] = reduce(r < m) (A[i], 0) from (0.0) with (a), (b) = (a + b) "
          "}",
          "2 values for 1 tensors: one each is needed" },
        { "te f(A: f32[m]) { B[i < m] = reduce(r < m) (A[i]) from (0) with (a), (b) = (a + b) }",
          "component 0 of the reducer of 'B': its identity has another type than its source" },
        { "te f(A: f32[m]) { B[i < m] = reduce(r < m) (A[i]) from (0.0) with (a), (b) = (a + A[0]) "
          "}",
          "component 0 of the reducer of 'B': its result uses 'A'; it may use the reducer's "
          "variables and symbols" },
        { "te f(A: f32[m]) { out B[i < m] = A[i] return B }",
          "outputs are marked by 'out' or listed by 'return', not both" },
        { "te f(A: f32[m]) { B[i < m] = A[i] return A }",
          "'A' is an input and cannot be an output; define a tensor" },
        { "te f(A: f32[m]) { B[i < m] = A[i] return B, B }", "'B' is an output already" },
        { "te f(A: f32[m]) { B[i < m] = A[i] } schedule { } x",
          "nothing is expected after the program" },
        { "te f(A: f32[m]) { B$2f[i < m] = A[i] }",
          "names in te are letters, digits and '_'; 'B/' has" },
        { "te f(A: f32[m]) { B.x[i < m] = A[i] }",
          "names in te are letters, digits and '_'; 'B.x' has another" },
        { "kernel f()", "'te' is expected" },
        { "", "'te' is expected, not the end of the text" },
        { "te f(A: f32[m]) { B[i < m] = A[i]", "a name is expected, not the end of the text" },
        { "te f(A: f32[m]) { B[i < m] = A[i] } schedule { bind(", "an axis is expected" },
        { "te f(A: f32[m", "']' is expected, not the end of the text" },
        { "te f(A: f32x4[m]) { B[i < m] = A[i] }", "a type of elements is expected, as f32" },
    };
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        check(m[i].text, m[i].says);
}

static void
an_error_shows_the_line_and_a_caret(void **state)
{
    (void)state;
    static const char text[] = "te f(A: f32[m]) {\n    B[i < m] = A[i] + i\n}\n";
    check(text, "t.te:2:21: error: '+' of f32 and i32");
    check(text, "\n    B[i < m] = A[i] + i\n"
                "                    ^\n");
}

/* ---- hostile text ---------------------------------------------------------------------------- */

static char *
repeat(const char *head, const char *part, int n, const char *tail)
{
    weft_str s = { 0 };
    weft_str_add(&s, head);
    for (int i = 0; i < n; i++)
        weft_str_add(&s, part);
    weft_str_add(&s, tail);
    return weft_str_take(&s);
}

static void
deep_nesting_is_refused(void **state)
{
    (void)state;
    char *t = repeat("te f(A: f32[m]) { B[i < m] = ", "(", 100000, "");
    check(t, "levels of brackets");
    free(t);
    t = repeat("te f(A: f32[m]) { B[i < m] = A[i]", " + A[i]", 100000, " }");
    check(t, "operators deep");
    free(t);
}

static void
a_flood_of_stages_is_refused(void **state)
{
    (void)state;
    weft_str s = { 0 };
    weft_str_add(&s, "te f(A: f32[m]) {");
    for (int i = 0; i < 5000; i++)
        weft_str_addf(&s, "B%d[i < m] = A[i]\n", i);
    weft_str_add(&s, "}");
    check(weft_str_text(&s), "would be stage 4097 of the program, which has at most 4096");
    weft_str_free(&s);
}

static void
a_flood_of_splits_is_refused(void **state)
{
    (void)state;
    weft_str s = { 0 };
    weft_str_add(&s, "te f(A: f32[m]) { B[i < m] = A[i] } schedule { o0, i0 = split(B.i, 2)\n");
    for (int i = 1; i < 2000; i++)
        weft_str_addf(&s, "o%d, i%d = split(o%d, 2)\n", i, i, i - 1);
    weft_str_add(&s, "}");
    check(weft_str_text(&s), "stage 'B' has 1024 loops, the most there can be; fuse some");
    weft_str_free(&s);
}

static void
truncated_text_never_crashes(void **state)
{
    (void)state;
    static const char text[] =
        MATMUL "schedule { Cl = cache_write(C, local) a, b = split(Cl.r, 8) "
               "f = fuse(C.i, C.j) bind(f, block.x) As = cache_read(A, shared, D) }";
    char cut[sizeof text];
    for (size_t n = 0; n + 1 < sizeof text - 1; n++) {
        memcpy(cut, text, n);
        cut[n] = 0;
        weft_diag *diag = weft_diag_create();
        weft_te *te = weft_te_parse("t.te", cut, diag);
        assert_true(te || weft_diag_status(diag) != WEFT_OK);
        weft_te_destroy(te);
        weft_diag_destroy(diag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_says_what_is_wrong),
        cmocka_unit_test(tile_says_what_is_wrong),
        cmocka_unit_test(store_predicate_says_what_is_wrong),
        cmocka_unit_test(fuse_says_what_is_wrong),
        cmocka_unit_test(reorder_says_what_is_wrong),
        cmocka_unit_test(bind_says_what_is_wrong),
        cmocka_unit_test(tensorize_says_what_is_wrong),
        cmocka_unit_test(vectorize_unroll_and_pragma_say_what_is_wrong),
        cmocka_unit_test(compute_at_says_what_is_wrong),
        cmocka_unit_test(compute_inline_says_what_is_wrong),
        cmocka_unit_test(caches_say_what_is_wrong),
        cmocka_unit_test(rfactor_says_what_is_wrong),
        cmocka_unit_test(extern_says_what_is_wrong),
        cmocka_unit_test(scan_says_what_is_wrong),
        cmocka_unit_test(memory_primitives_say_what_is_wrong),
        cmocka_unit_test(schedule_text_says_what_is_wrong),
        cmocka_unit_test(program_text_says_what_is_wrong),
        cmocka_unit_test(an_error_shows_the_line_and_a_caret),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_flood_of_stages_is_refused),
        cmocka_unit_test(a_flood_of_splits_is_refused),
        cmocka_unit_test(truncated_text_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
