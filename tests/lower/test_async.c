/* test_async.c: copies from global to shared memory that go on by themselves: none is read before
 * it has arrived, none is waited for sooner than somebody reads it, and looking for them takes no
 * longer the more branches they come through. */
#include "support.h"

#include "ir/interp.h"

#include <stdlib.h>
#include <string.h>

enum { M = 48, N = 40, MAX_K = 136, MAX_STAGES = 8 };

/* A product of which a block keeps tiles of A and B, 8 deep, in so many stages. */
static const char program[] =
    "te matmul(A: f32[48, %d], B: f32[%d, 40]) {\n"
    "    C[i < 48, j < 40] = sum(r < %d) A[i, r] * B[r, j]\n"
    "}\n"
    "schedule {\n"
    "    Cl = cache_write(C, local)\n"
    "    by, yb = split(C.i, 16)\n"
    "    bx, xb = split(C.j, 16)\n"
    "    ty, y = split(yb, 4)\n"
    "    tx, x = split(xb, 4)\n"
    "    reorder(C, by, bx, ty, tx, y, x)\n"
    "    bind(by, block.y)\n"
    "    bind(bx, block.x)\n"
    "    bind(ty, thread.y)\n"
    "    bind(tx, thread.x)\n"
    "    compute_at(Cl, C, tx)\n"
    "    ro, ri = split(Cl.r, 8)\n"
    "    reorder(Cl, ro, ri, Cl.i, Cl.j)\n"
    "    As = cache_read(A, shared, Cl)\n"
    "    compute_at(As, Cl, ro)\n"
    "    fa = fuse(As.i0, As.i1)\n"
    "    fo, fi = split(fa, 16)\n"
    "    fy, fx = split(fi, 4)\n"
    "    bind(fy, thread.y)\n"
    "    bind(fx, thread.x)\n"
    "    Bs = cache_read(B, shared, Cl)\n"
    "    compute_at(Bs, Cl, ro)\n"
    "    fb = fuse(Bs.i0, Bs.i1)\n"
    "    go, gi = split(fb, 16)\n"
    "    gy, gx = split(gi, 4)\n"
    "    bind(gy, thread.y)\n"
    "    bind(gx, thread.x)\n"
    "    buffer_stages(As, %d)\n"
    "    buffer_stages(Bs, %d)\n"
    "}\n";

static weft_kernel *
lower_product(int k, int stages, weft_te **te)
{
    weft_str text = { 0 };
    weft_lower_options o = plain_options();
    weft_caps caps = plain_caps(true);
    o.caps = &caps;
    weft_str_addf(&text, program, k, k, k, stages, stages);
    *te = must_parse(weft_str_text(&text));
    weft_lowered low = must_lower(*te);
    if (weft_run_passes(low.kernel[0], NULL, &o, (*te)->diag) != WEFT_OK)
        fail_msg("%s", weft_diag_text((*te)->diag));
    weft_str_free(&text);
    return low.kernel[0];
}

/* Whether the kernel runs without a fault and gives the product of whole numbers, exactly. */
static bool
is_product(const weft_kernel *kernel, int k, weft_order order)
{
    static float a[M * MAX_K], b[MAX_K * N], c[M * N];
    const weft_interp_buffer buffer[] = { { a, M * k, true, false },
                                          { b, k * N, true, false },
                                          { c, M * N, false, true } };
    weft_interp_options options = { .threads = 1, .order = order, .seed = 11 };
    for (int i = 0; i < M * k; i++)
        a[i] = (float)(i * 7 % 11 - 5);
    for (int i = 0; i < k * N; i++)
        b[i] = (float)(i * 5 % 13 - 6);
    weft_diag *diag = weft_diag_create();
    weft_interp *in = weft_interp_create(kernel, &options, diag);
    bool right = in && weft_interp_run(in, buffer, NULL, diag) == WEFT_OK;
    for (int i = 0; i < M * N && right; i++) {
        float sum = 0;
        for (int r = 0; r < k; r++)
            sum += a[i / N * k + r] * b[r * N + i % N];
        right = c[i] == sum;
    }
    weft_interp_destroy(in);
    weft_diag_destroy(diag);
    return right;
}

/* ---- waits ----------------------------------------------------------------------------------- */

typedef struct waits {
    int n, most;  /* of them, and of the groups that one leaves */
    int at, more; /* the one that leaves so many more */
} waits;

static const weft_stmt *
change_wait(weft_rewriter *rw, const weft_stmt *s)
{
    waits *w = rw->user;
    if (s->kind != WEFT_SK_ASYNC || s->u.async.left == WEFT_ASYNC_COMMIT)
        return weft_rewrite_children(rw, s);
    w->most = s->u.async.left > w->most ? s->u.async.left : w->most;
    return w->n++ == w->at ? weft_async(rw->ir, s->u.async.left + w->more) : s;
}

/* The body with its wait number `at` changed; counts them. */
static const weft_stmt *
with_wait(const weft_kernel *k, const weft_stmt *body, int at, int more, waits *w)
{
    *w = (waits){ .at = at, .more = more };
    weft_rewriter rw = { .ir = k->ir, .stmt = change_wait, .user = w };
    body = weft_rewrite_stmt(&rw, body);
    weft_rewrite_done(&rw);
    return body;
}

static void
pipelines_of_every_depth_leave_all_stages_but_two_on_their_way(void **state)
{
    (void)state;
    for (int stages = 2; stages <= MAX_STAGES; stages++)
        for (int k = 72; k <= MAX_K; k += 31) { /* 72, 103 and 134: some tiles are not whole */
            weft_te *te;
            waits w;
            weft_kernel *kernel = lower_product(k, stages, &te);
            with_wait(kernel, kernel->body, -1, 0, &w);
            if (w.n == 0 || w.most != stages - 2)
                fail_msg("%d stages: %d waits, the longest leaves %d", stages, w.n, w.most);
            for (int order = 0; order < 3; order++)
                if (!is_product(kernel, k, (weft_order)order))
                    fail_msg("%d stages, k %d: no product", stages, k);
            done(te);
        }
}

static void
a_wait_that_left_one_group_more_would_be_too_short(void **state)
{
    (void)state;
    for (int stages = 2; stages <= 4; stages++) {
        weft_te *te;
        waits w = { .n = 1 };
        weft_kernel *kernel = lower_product(72, stages, &te);
        const weft_stmt *whole = kernel->body;
        for (int at = 0; at < w.n; at++) {
            kernel->body = with_wait(kernel, whole, at, 1, &w);
            if (is_product(kernel, 72, WEFT_ORDER_FORWARD))
                fail_msg("%d stages: wait %d of %d could leave more", stages, at, w.n);
        }
        kernel->body = whole;
        done(te);
    }
}

/* ---- branches -------------------------------------------------------------------------------- */

/* A kernel whose copies come through so many branches, behind or inside one another. */
static void
branches(weft_str *text, int n, bool nested)
{
    weft_str_add(text, "kernel device k(A: f32[64], C: out f32[32])\n    grid(1, 1, 1)\n"
                       "    block(32, 1, 1)\n{\n    alloc t: shared f32[64]\n"
                       "    for x in 0..32 on thread.x {\n        t[x] = A[x]\n");
    for (int i = 0; i < n; i++)
        weft_str_addf(text, "        if x < %d {\n            t[x + 32] = A[x + %d]\n        %s",
                      32 - i % 8, 32 - i % 8,
                      nested ? "" : "} else {\n            t[x] = A[x]\n        }\n");
    for (int i = 0; i < n && nested; i++)
        weft_str_add(text, "        }\n");
    weft_str_add(text, "        barrier shared\n        C[x] = t[31 - x]\n    }\n}\n");
}

static void
copies_under_way_are_counted_once_through_however_many_branches_they_come(void **state)
{
    (void)state;
    for (int nested = 0; nested < 2; nested++) {
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        weft_str text = { 0 };
        weft_lower_options o = plain_options();
        weft_caps caps = plain_caps(true);
        weft_kernel *const *kernel;
        waits w;
        int n = 0;
        o.caps = &caps;
        branches(&text, nested ? 60 : 400, nested);
        if (weft_parse_kernels(ir, "branches", weft_str_text(&text), &n, &kernel) ||
            weft_run_passes(kernel[0], "async", &o, diag))
            fail_msg("%s", weft_diag_text(diag));
        with_wait(kernel[0], kernel[0]->body, -1, 0, &w);
        assert_int_equal(w.n, 1);
        weft_str_free(&text);
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelines_of_every_depth_leave_all_stages_but_two_on_their_way),
        cmocka_unit_test(a_wait_that_left_one_group_more_would_be_too_short),
        cmocka_unit_test(copies_under_way_are_counted_once_through_however_many_branches_they_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
