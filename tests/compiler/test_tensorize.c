/* test_tensorize.c: products on matrix units, scheduled by hand: in the interpreter, with its checks, and
 * printed, on emulated devices in every order of threads, they give what the unscheduled program
 * gives. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "runtime/session.h"

/* ---- programs -------------------------------------------------------------------------------- */

/* D = max(A * B + bias, 0): `turned`, B is n x k. */
typedef struct product {
    const char *intrinsic, *device;
    int m, n, k; /* not multiples of the tiles */
    bool turned;
    int align, offset; /* of lines in shared memory */
    int steps;         /* of the intrinsic in a chunk of k */
} product;

static const char program[] = "te product(A: $f[$M, $K], B: $f[$B], bias: $s[$N]) {\n"
                              "    C[i < $M, j < $N] = sum(r < $K) $a * $b\n"
                              "    D[i < $M, j < $N] = max(C[i, j] + bias[j], $0)\n"
                              "}\n";

/* Four subgroups a block, four tiles a subgroup; all that is shared is filled up to whole tiles. */
static const char schedule[] = "schedule {\n"
                               "    set_scope(C, shared)\n"
                               "    Cf = cache_write(C, fragment)\n"
                               "    As = cache_read(A, shared, Cf)\n"
                               "    Af = cache_read(As, fragment, Cf)\n"
                               "    Bs = cache_read(B, shared, Cf)\n"
                               "    Bf = cache_read(Bs, fragment, Cf)\n"
                               "    by, di = split(D.i, $u)\n"
                               "    bx, dj = split(D.j, $v)\n"
                               "    reorder(D, by, bx, di, dj)\n"
                               "    bind(by, block.y)\n"
                               "    bind(bx, block.x)\n"
                               "    d = fuse(di, dj)\n"
                               "    d1, dx = split(d, 32)\n"
                               "    d2, dy = split(d1, 2)\n"
                               "    d3, dz = split(d2, 2)\n"
                               "    bind(dx, thread.x)\n"
                               "    bind(dy, thread.y)\n"
                               "    bind(dz, thread.z)\n"
                               "    compute_at(C, D, bx)\n"
                               "    cy, ci = split(C.i, $w)\n"
                               "    cx, cj = split(C.j, $z)\n"
                               "    cio, cii = split(ci, $m)\n"
                               "    cjo, cji = split(cj, $n)\n"
                               "    reorder(C, cy, cx, cio, cjo, cii, cji)\n"
                               "    bind(cy, thread.y)\n"
                               "    bind(cx, thread.z)\n"
                               "    unroll(cio)\n"
                               "    unroll(cjo)\n"
                               "    tensorize(cii, $t)\n"
                               "    compute_at(Cf, C, cx)\n"
                               "    fio, fii = split(Cf.i, $m)\n"
                               "    fjo, fji = split(Cf.j, $n)\n"
                               "    ro, rr = split(Cf.r, $c)\n"
                               "    rm, ri = split(rr, $k)\n"
                               "    reorder(Cf, ro, rm, fio, fjo, fii, fji, ri)\n"
                               "    unroll(fio)\n"
                               "    unroll(fjo)\n"
                               "    tensorize(fii, $t)\n"
                               "    compute_at(Af, Cf, rm)\n"
                               "    compute_at(Bf, Cf, rm)\n"
                               "    aio, aii = split(Af.i0, $m)\n"
                               "    aro, ari = split(Af.i1, $k)\n"
                               "    reorder(Af, aio, aro, aii, ari)\n"
                               "    unroll(aio)\n"
                               "    tensorize(aii, $t)\n"
                               "    bro, bri = split(Bf.$p, $k)\n"
                               "    bjo, bji = split(Bf.$q, $n)\n"
                               "    reorder(Bf, bro, bjo, bri, bji)\n"
                               "    unroll(bjo)\n"
                               "    tensorize(bri, $t)\n"
                               "    compute_at(As, Cf, ro)\n"
                               "    compute_at(Bs, Cf, ro)\n"
                               "    storage_align(As, 0, $x, $y)\n"
                               "    storage_align(Bs, 0, $x, $y)\n"
                               "    a = fuse(As.i0, As.i1)\n"
                               "    a1, ax = split(a, 32)\n"
                               "    a2, ay = split(a1, 2)\n"
                               "    bind(ax, thread.x)\n"
                               "    bind(ay, thread.y)\n"
                               "    b = fuse(Bs.i0, Bs.i1)\n"
                               "    b1, bx2 = split(b, 32)\n"
                               "    b2, bz2 = split(b1, 2)\n"
                               "    bind(bx2, thread.x)\n"
                               "    bind(bz2, thread.z)\n"
                               "}\n";

/* Matrices from and to global memory, where sizes are multiples of the tiles: a subgroup a tile. */
static const char direct[] = "schedule {\n"
                             "    compute_root(C)\n"
                             "    Cf = cache_write(C, fragment)\n"
                             "    io, ii = split(C.i, $m)\n"
                             "    jo, ji = split(C.j, $n)\n"
                             "    reorder(C, io, jo, ii, ji)\n"
                             "    bind(io, block.y)\n"
                             "    bind(jo, block.x)\n"
                             "    tensorize(ii, $t)\n"
                             "    compute_at(Cf, C, jo)\n"
                             "    fii, fi = split(Cf.i, $m)\n"
                             "    fjj, fj = split(Cf.j, $n)\n"
                             "    ro, ri = split(Cf.r, $k)\n"
                             "    reorder(Cf, fii, fjj, ro, fj, ri, fi)\n"
                             "    tensorize(fj, $t)\n"
                             "}\n";

static void
fill_hole(weft_str *out, char hole, const product *p, const weft_matrix *t)
{
    const char *f = weft_dtype_name(t->factor), *s = weft_dtype_name(t->sum);
    const char *cast = t->factor == t->sum ? "" : s;
    switch (hole) {
    case 'f':
    case 's':
        weft_str_add(out, hole == 'f' ? f : s);
        return;
    case 't':
        weft_str_add(out, t->name);
        return;
    case 'a':
        weft_str_addf(out, "%s(A[i, r])", cast);
        return;
    case 'b':
        weft_str_addf(out, "%s(B[%s])", cast, p->turned ? "j, r" : "r, j");
        return;
    case 'B':
        weft_str_addf(out, "%d, %d", p->turned ? p->n : p->k, p->turned ? p->k : p->n);
        return;
    case '0':
        weft_str_addf(out, "%s%s", weft_is_float(t->sum) ? "0.0" : "0",
                      t->sum == WEFT_F32 || t->sum == WEFT_I32 ? "" : s);
        return;
    case 'p':
    case 'q':
        weft_str_add(out, (hole == 'p') == p->turned ? "i1" : "i0");
        return;
    default:
        weft_str_addf(out, "%d",
                      hole == 'M'   ? p->m
                      : hole == 'N' ? p->n
                      : hole == 'K' ? p->k
                      : hole == 'm' ? t->m
                      : hole == 'n' ? t->n
                      : hole == 'k' ? t->k
                      : hole == 'u' ? 4 * t->m
                      : hole == 'v' ? 4 * t->n
                      : hole == 'w' ? 2 * t->m
                      : hole == 'z' ? 2 * t->n
                      : hole == 'c' ? p->steps * t->k
                      : hole == 'x' ? p->align
                                    : p->offset);
    }
}

static void
fill_in(weft_str *out, const char *text, const product *p)
{
    const weft_matrix *t = weft_matrix_named(p->intrinsic, strlen(p->intrinsic));
    for (const char *at; (at = strchr(text, '$')); text = at + 2) {
        weft_str_addn(out, text, (size_t)(at - text));
        fill_hole(out, at[1], p, t);
    }
    weft_str_add(out, text);
}

/* ---- running --------------------------------------------------------------------------------- */

static void
fill_input(weft_session *s, int input, weft_diag *diag)
{
    weft_tensor_desc d = { .size = sizeof d };
    int64_t n = 1, bytes;
    assert_int_equal(weft_session_input(s, input, &d), WEFT_OK);
    for (int i = 0; i < d.ndim; i++)
        n *= d.dim[i];
    assert_true(weft_dtype_bytes(d.dtype, n, &bytes));
    void *data = calloc(1, (size_t)bytes + 1);
    unsigned seed = (unsigned)input + 1;
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        int v = (int)(seed >> 16) % 17 - 8; /* sums of products are exact in every type */
        if (weft_is_float(d.dtype))
            weft_set_f64(d.dtype, data, i, v / 4.0);
        else
            weft_set_i64(d.dtype, data, i, weft_dtype_kind(d.dtype) == WEFT_KIND_UINT ? v + 8 : v);
    }
    assert_int_equal(weft_session_set_input(s, input, data, (size_t)bytes, diag), WEFT_OK);
    free(data);
}

/* Each symbol of the inputs' shapes is `size`. */
static void
bind_sizes(weft_session *s, int64_t size, weft_diag *diag)
{
    enum { INPUTS = 4, DIMS = 6 };
    int64_t dim[INPUTS][DIMS];
    const int64_t *dims[INPUTS];
    const weft_program *p = weft_session_program(s);
    assert_true(p->ninput <= INPUTS);
    for (int i = 0; i < p->ninput; i++) {
        const weft_mod_tensor *t = &p->tensor[p->input[i]];
        for (int d = 0; d < t->ndim && d < DIMS; d++) {
            char *end;
            dim[i][d] = strtoll(t->dim[d], &end, 10);
            dim[i][d] = *end ? size : dim[i][d];
        }
        dims[i] = dim[i];
    }
    if (weft_session_bind(s, dims, diag))
        fail_msg("%s", weft_diag_text(diag));
}

/* The last output's numbers; malloc'ed. */
static double *
run(const char *text, const char *device_name, int64_t size, int64_t *n)
{
    weft_diag *diag = weft_diag_create();
    weft_drivers all = weft_all_drivers();
    weft_device *device;
    weft_module *module = NULL;
    weft_session *s = NULL;
    weft_compile_job job = { .numerics = WEFT_DEFAULT };
    weft_target target;
    weft_te *te = weft_te_parse("product.te", text, diag);
    if (!te)
        fail_msg("%s\n%s", weft_diag_text(diag), text);
    if (weft_device_open(&all, device_name, diag, &device) ||
        weft_resolve_target(NULL, device, &target, diag))
        fail_msg("%s", weft_diag_text(diag));
    job.target = &target;
    if (weft_te_module(te, &job, diag, &module) ||
        weft_session_create(module, device, NULL, diag, &s))
        fail_msg("%s: %s\n%s", device_name, weft_diag_text(diag), text);
    bind_sizes(s, size, diag);
    for (int i = 0; i < weft_session_input_count(s); i++)
        fill_input(s, i, diag);
    if (weft_session_run(s, diag))
        fail_msg("%s: %s\n%s", device_name, weft_diag_text(diag), text);
    weft_tensor_desc d = { .size = sizeof d };
    int64_t bytes;
    int last = weft_session_output_count(s) - 1;
    assert_int_equal(weft_session_output(s, last, &d), WEFT_OK);
    *n = 1;
    for (int i = 0; i < d.ndim; i++)
        *n *= d.dim[i];
    assert_true(weft_dtype_bytes(d.dtype, *n, &bytes));
    void *data = malloc((size_t)bytes + 1);
    double *got = malloc((size_t)*n * sizeof *got + 1);
    assert_int_equal(weft_session_get_output(s, last, data, (size_t)bytes, diag), WEFT_OK);
    for (int64_t i = 0; i < *n; i++)
        got[i] = weft_get_f64(d.dtype, data, i);
    free(data);
    weft_session_destroy(s);
    weft_device_close(device);
    weft_module_destroy(module);
    weft_diag_destroy(diag);
    return got;
}

static void
compare(const char *device, const char *text, int64_t size, int64_t n, const double *expected)
{
    int64_t count;
    double *got = run(text, device, size, &count);
    assert_int_equal(count, n);
    for (int64_t i = 0; i < n; i++)
        if (got[i] != expected[i])
            fail_msg("%s, size %lld: element %lld is %g, not %g\n%s", device, (long long)size,
                     (long long)i, got[i], expected[i], text);
    free(got);
}

/* A program without a schedule in the interpreter, and with one there and on the device. */
static void
check_text(const char *plain, const char *scheduled, const char *device, int64_t size)
{
    static const char *const orders[] = { "forward", "reverse", "shuffle:1" };
    int64_t n;
    double *expected = run(plain, "interp", size, &n);
    compare("interp", scheduled, size, n, expected);
    for (int i = 0; i < 3; i++) {
        setenv("WEFT_EMU_ORDER", orders[i], 1);
        compare(device, scheduled, size, n, expected);
    }
    unsetenv("WEFT_EMU_ORDER");
    free(expected);
}

static void
check(const product *p, const char *how)
{
    weft_str plain = { 0 }, text = { 0 };
    fill_in(&plain, program, p);
    fill_in(&text, program, p);
    fill_in(&text, how, p);
    check_text(weft_str_text(&plain), weft_str_text(&text), p->device, 0);
    weft_str_free(&plain);
    weft_str_free(&text);
}

static void
products_of_odd_sizes_go_through_shared_memory(void **state)
{
    (void)state;
    static const product all[] = {
        { "wmma_16x16x16_f16_f32", "cuda-emu", 70, 90, 50, false, 16, 8, 2 },
        { "wmma_16x16x16_bf16_f32", "cuda-emu", 65, 33, 31, true, 16, 8, 2 },
        { "wmma_16x16x8_tf32_f32", "cuda-emu", 5, 67, 20, false, 8, 4, 2 },
        { "wmma_8x8x4_f64_f64", "cuda-emu", 33, 31, 9, false, 4, 2, 2 },
        { "wmma_16x16x16_i8_i32", "cuda-emu", 70, 20, 40, true, 32, 0, 1 },
        { "wmma_16x16x16_u8_i32", "cuda-emu", 30, 65, 17, true, 32, 0, 1 },
        { "wmma_32x8x16_f16_f32", "cuda-emu", 130, 33, 17, true, 16, 8, 2 },
        { "simdgroup_8x8x8_f16_f32", "metal-emu", 35, 30, 20, false, 8, 4, 2 },
        { "simdgroup_8x8x8_f32_f32", "metal-emu", 33, 65, 17, true, 8, 4, 2 },
        { "simdgroup_8x8x8_bf16_f32", "metal-emu", 35, 30, 17, true, 8, 4, 2 },
        { "coop_16x16x16_f16_f32", "vulkan-emu", 70, 90, 50, false, 16, 8, 2 },
        { "wmma_16x16x16_f16_f32", "vulkan-emu", 65, 31, 17, true, 16, 8, 2 },
        { "coop_16x16x16_f16_f32", "cuda-emu", 33, 65, 31, false, 16, 8, 2 },
        { "coop_16x8x16_f16_f16", "vulkan-emu", 65, 33, 20, false, 16, 8, 2 },
        { "coop_16x8x8_f16_f32", "vulkan-emu", 33, 31, 9, true, 16, 8, 2 },
        { "coop_16x16x16_u8_i32", "vulkan-emu", 30, 65, 17, true, 32, 0, 1 },
        { "coop_16x16x32_i8_i32", "vulkan-emu", 70, 20, 40, true, 32, 16, 1 },
        { "coop_16x8x32_i8_i32", "vulkan-emu", 20, 31, 70, true, 32, 0, 2 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check(&all[i], schedule);
}

static void
products_of_whole_tiles_go_straight_through_global_memory(void **state)
{
    (void)state;
    static const product all[] = {
        { "wmma_16x16x16_f16_f32", "cuda-emu", 48, 32, 64, false, 0, 0, 0 },
        { "wmma_16x16x8_tf32_f32", "cuda-emu", 16, 32, 24, true, 0, 0, 0 },
        { "simdgroup_8x8x8_f32_f32", "metal-emu", 24, 16, 8, true, 0, 0, 0 },
        { "simdgroup_8x8x8_bf16_f32", "metal-emu", 24, 16, 24, true, 0, 0, 0 },
        { "coop_16x16x16_f16_f32", "vulkan-emu", 48, 32, 64, false, 0, 0, 0 },
        { "coop_16x8x32_i8_i32", "vulkan-emu", 32, 16, 64, true, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check(&all[i], direct);
}

/* What the rules make of it, without a schedule. */
static void
rules_give_products_to_the_units_of_a_target(void **state)
{
    (void)state;
    static const product all[] = {
        { "wmma_16x16x16_f16_f32", "cuda-emu", 128, 64, 64, false, 0, 0, 0 },
        { "wmma_16x16x16_f16_f32", "cuda-emu", 70, 92, 50, true, 0, 0, 0 },
        { "wmma_16x16x16_bf16_f32", "cuda-emu", 65, 33, 31, false, 0, 0, 0 },
        { "wmma_16x16x16_i8_i32", "cuda-emu", 70, 30, 40, true, 0, 0, 0 },
        { "wmma_8x32x16_u8_i32", "cuda-emu", 30, 65, 17, false, 0, 0, 0 },
        { "simdgroup_8x8x8_f16_f32", "metal-emu", 35, 30, 20, false, 0, 0, 0 },
        { "simdgroup_8x8x8_bf16_f32", "metal-emu", 33, 64, 31, true, 0, 0, 0 },
        { "coop_16x16x16_f16_f32", "vulkan-emu", 128, 128, 64, false, 0, 0, 0 },
        { "coop_16x16x16_f16_f32", "vulkan-emu", 70, 92, 50, true, 0, 0, 0 },
        { "coop_16x16x16_u8_i32", "vulkan-emu", 30, 65, 17, false, 0, 0, 0 },
        { "coop_16x16x16_i8_i32", "vulkan-emu", 70, 30, 40, true, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weft_str text = { 0 };
        fill_in(&text, program, &all[i]);
        weft_te *te = weft_te_parse("product.te", weft_str_text(&text), NULL);
        char *shown = weft_te_show(
            te,
            strstr(all[i].device, "cuda")    ? "cuda:sm_80"
            : strstr(all[i].device, "metal") ? "metal:apple9"
                                             : "vulkan:rdna3",
            "te", NULL);
        assert_non_null(shown);
        assert_non_null(strstr(shown, all[i].intrinsic));
        free(shown);
        weft_te_destroy(te);
        weft_str_free(&text);
        check(&all[i], "");
    }
}

static void
rules_leave_products_alone_that_no_unit_takes(void **state)
{
    (void)state;
    static const struct {
        const char *target, *text;
    } all[] = {
        { "cuda:sm_75", "te p(A: bf16[64, 64], B: bf16[64, 64]) {"
                        " C[i < 64, j < 64] = sum(r < 64) f32(A[i, r]) * f32(B[r, j]) }" },
        { "metal:apple8", "te p(A: bf16[64, 64], B: bf16[64, 64]) {"
                          " C[i < 64, j < 64] = sum(r < 64) f32(A[i, r]) * f32(B[r, j]) }" },
        { "opencl:generic-gpu", "te p(A: f16[64, 64], B: f16[64, 64]) {"
                                " C[i < 64, j < 64] = sum(r < 64) f32(A[i, r]) * f32(B[r, j]) }" },
        { "vulkan:generic-gpu", "te p(A: f16[64, 64], B: f16[64, 64]) {"
                                " C[i < 64, j < 64] = sum(r < 64) f32(A[i, r]) * f32(B[r, j]) }" },
        { "vulkan:ampere", "te p(A: u8[64, 64], B: u8[64, 64]) {"
                           " C[i < 64, j < 64] = sum(r < 64) i32(A[i, r]) * i32(B[r, j]) }" },
        { "cuda:sm_80", "te p(A: f32[64, 64], B: f32[64, 64]) {"
                        " C[i < 64, j < 64] = sum(r < 64) A[i, r] * B[r, j] }" },
        /* behind the last step the factors go on: a chunk that is no whole one would take that in */
        { "cuda:sm_80", "te p(A: f16[64, 64], B: f16[64, 64]) {"
                        " C[i < 64, j < 64] = sum(r < 40) f32(A[i, r + 8]) * f32(B[r + 8, j]) }" },
        { "cuda:sm_80", "te p(A: f16[4, 64], B: f16[64, 64]) {"
                        " C[i < 4, j < 64] = sum(r < 64) f32(A[i, r]) * f32(B[r, j]) }" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weft_te *te = weft_te_parse("p.te", all[i].text, NULL);
        char *shown = weft_te_show(te, all[i].target, "te", NULL);
        assert_non_null(shown);
        assert_null(strstr(shown, "tensorize"));
        free(shown);
        weft_te_destroy(te);
    }
}

/* Channels and window are one reduction then, and what reads the sum is computed with its tile. */
static void
rules_gather_convolutions_for_the_units_of_a_target(void **state)
{
    (void)state;
    static const struct {
        const char *target, *x, *index, *w, *intrinsic; /* NULL: none */
    } all[] = {
        { "cuda:sm_80", "2, 32", "c", "40, 32", "wmma_16x16x16_f16_f32" },
        { "cuda:sm_80", "n, 32", "c", "40, 32", "wmma_16x16x16_f16_f32" },
        { "cuda:sm_80", "2, 64", "m // 20 * 32 + c", "40, 32", "wmma_16x16x16_f16_f32" },
        { "metal:apple8", "2, 32", "c", "40, 32", "simdgroup_8x8x8_f16_f32" },
        { "cuda:sm_80", "2, 32", "c", "12, 32", NULL },
        { "opencl:generic-gpu", "2, 32", "c", "40, 32", NULL },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weft_str text = { 0 };
        weft_str_addf(&text,
                      "te conv(X: f16[%s, 9, 10], W: f16[%s, 3, 3]) {\n"
                      "    S[b < %.1s, m < %.2s, y < 7, x < 8] = sum(c < 32, ky < 3, kx < 3)\n"
                      "        f32(X[b, %s, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n"
                      "    Y[b < %.1s, m < %.2s, y < 7, x < 8] = f16(max(S[b, m, y, x], 0.0))\n}\n",
                      all[i].x, all[i].w, all[i].x, all[i].w, all[i].index, all[i].x, all[i].w);
        weft_diag *diag = weft_diag_create();
        weft_te *te = weft_te_parse("conv.te", weft_str_text(&text), diag);
        char *shown = te ? weft_te_show(te, all[i].target, "te", diag) : NULL;
        if (!shown)
            fail_msg("%s\n%s", weft_diag_text(diag), weft_str_text(&text));
        bool on_unit = strstr(shown, "tensorize");
        if (on_unit != (all[i].intrinsic != NULL) ||
            (on_unit && (!strstr(shown, "compute_at(S_product, Y") ||
                         !strstr(shown, all[i].intrinsic))))
            fail_msg("%s: %s", all[i].target, shown);
        weft_te *again = weft_te_parse("shown.te", shown, diag); /* the text is a program too */
        if (!again)
            fail_msg("%s\n%s", weft_diag_text(diag), shown);
        weft_te_destroy(again);
        weft_te_destroy(te);
        weft_diag_destroy(diag);
        weft_str_free(&text);
        free(shown);
    }
}

/* Batches of none, of a tile's part, of more than one block. */
static void
gathered_convolutions_take_batches_of_every_size(void **state)
{
    (void)state;
    static const struct {
        const char *device, *target;
    } all[] = {
        { "cuda-emu", "cuda:sm_80" },
        { "metal-emu", "metal:apple8" },
        { "vulkan-emu", "vulkan:rdna3" },
    };
    static const int64_t batches[] = { 0, 1, 3 };
    static const char text[] =
        "te conv(X: f16[n, 4, 9, 10], W: f16[20, 4, 3, 3]) {\n"
        "    S[b < n, m < 20, y < 7, x < 8] = sum(c < 4, ky < 3, kx < 3)\n"
        "        f32(X[b, c, y + ky, x + kx]) * f32(W[m, c, ky, kx])\n"
        "    Y[b < n, m < 20, y < 7, x < 8] = f16(max(S[b, m, y, x] * 0.0625, 0.0))\n}\n";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weft_te *te = weft_te_parse("conv.te", text, NULL);
        char *shown = weft_te_show(te, all[i].target, "te", NULL);
        assert_non_null(shown);
        assert_non_null(strstr(shown, "compute_at(S_product, Y"));
        for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
            check_text(text, shown, all[i].device, batches[k]);
            check_text(text, text, all[i].device, batches[k]); /* by the rules for the device */
        }
        free(shown);
        weft_te_destroy(te);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_odd_sizes_go_through_shared_memory),
        cmocka_unit_test(products_of_whole_tiles_go_straight_through_global_memory),
        cmocka_unit_test(rules_give_products_to_the_units_of_a_target),
        cmocka_unit_test(rules_leave_products_alone_that_no_unit_takes),
        cmocka_unit_test(rules_gather_convolutions_for_the_units_of_a_target),
        cmocka_unit_test(gathered_convolutions_take_batches_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
