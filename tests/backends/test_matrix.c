/* test_matrix.c: every row of ir/matrix.def, in both layouts: the interpreter multiplies its matrices
 * as loops do, and NVRTC, where there is one, takes what is printed of it. */
#include "support.h"

#include "ir/interp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 * 64 };

/* One subgroup: C = A * B + D, of which each is by rows or by columns. */
static char *
kernel_of(const weft_matrix *m, bool columns)
{
    const char *t = weft_dtype_name(m->factor), *u = weft_dtype_name(m->sum),
               *by = columns ? " columns" : "";
    int a = m->m * m->k, b = m->k * m->n, c = m->m * m->n;
    weft_str s = { 0 };
    weft_str_addf(&s, "kernel device k(A: %s[%d], B: %s[%d], D: %s[%d], C: out %s[%d])\n", t, a, t,
                  b, u, c, u, c);
    weft_str_addf(&s, "%s grid(1, 1, 1) block(32, 1, 1) { for x in 0..32 on thread.x {\n",
                  m->api == WEFT_API_VULKAN ? "subgroup 32" : "");
    weft_str_addf(&s, "alloc a: fragment %s[1] matrix %s a%s\n", t, m->name, by);
    weft_str_addf(&s, "alloc b: fragment %s[1] matrix %s b%s\n", t, m->name, by);
    weft_str_addf(&s, "alloc s: fragment %s[2] matrix %s sum%s\n", u, m->name, by);
    weft_str_addf(&s, "matrix a[0] = load(A[0], %d)\n", columns ? m->m : m->k);
    weft_str_addf(&s, "matrix b[0] = load(B[0], %d)\n", columns ? m->k : m->n);
    weft_str_addf(&s, "matrix s[0] = load(D[0], %d)\n", columns ? m->m : m->n);
    weft_str_addf(&s, "matrix s[1] = fill(%s)\n",
                  m->sum == WEFT_I32   ? "0"
                  : m->sum == WEFT_F32 ? "0.0"
                  : m->sum == WEFT_F64 ? "0.0f64"
                                       : "0.0f16");
    weft_str_add(&s, "matrix s[1] = mma(a[0], b[0], s[0])\n");
    weft_str_addf(&s, "matrix C[0] = store(s[1], %d) } }\n", columns ? m->m : m->n);
    return weft_str_take(&s);
}

/* Element (i, j) of a matrix of so many rows and columns. */
static double
at(weft_dtype t, const void *data, int i, int j, int rows, int cols, bool columns)
{
    return weft_get_f64(t, data, columns ? j * rows + i : i * cols + j);
}

static void
fill(weft_dtype t, void *data, int n, unsigned seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        int v = (int)(seed >> 16) % 33 - 16;
        if (weft_is_float(t))
            weft_set_f64(t, data, i, v / 8.0);
        else
            weft_set_i64(t, data, i, weft_dtype_kind(t) == WEFT_KIND_UINT ? v + 16 : v);
    }
}

static void
check_row(const weft_matrix *m, bool columns)
{
    static double data[4][MOST];
    weft_ir *ir = weft_ir_create(NULL);
    weft_diag *diag = weft_diag_create();
    char *text = kernel_of(m, columns);
    const weft_kernel *k = parse_kernel(ir, m->name, text);
    weft_interp_buffer buffer[4];
    for (int i = 0; i < 4; i++) {
        int64_t n = 0;
        assert_true(weft_as_int(k->param[i]->shape[0], &n));
        fill(k->param[i]->dtype, data[i], (int)n, (unsigned)i + 3);
        buffer[i] = (weft_interp_buffer){ data[i], n, i < 3, i == 3 };
    }
    weft_interp *in = weft_interp_create(k, &(weft_interp_options){ .threads = 1 }, diag);
    if (!in || weft_interp_run(in, buffer, NULL, diag))
        fail_msg("%s", weft_diag_text(diag));
    for (int i = 0; i < m->m; i++)
        for (int j = 0; j < m->n; j++) {
            double sum = at(m->sum, data[2], i, j, m->m, m->n, columns);
            for (int r = 0; r < m->k; r++)
                sum += at(m->factor, data[0], i, r, m->m, m->k, columns) *
                       at(m->factor, data[1], r, j, m->k, m->n, columns);
            double got = at(m->sum, data[3], i, j, m->m, m->n, columns);
            double most = m->sum == WEFT_F16 ? 5e-4 * fabs(sum) : 0; /* the others are exact */
            if (fabs(got - sum) > most)
                fail_msg("%s: element (%d, %d) is %g, not %g", m->name, i, j, got, sum);
        }
    weft_interp_destroy(in);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    free(text);
}

static void
every_intrinsic_multiplies_as_loops_do(void **state)
{
    (void)state;
    for (int i = 0; i < weft_matrix_count(); i++) {
        check_row(weft_matrix_at(i), false);
        check_row(weft_matrix_at(i), true);
    }
}

static void
every_intrinsic_is_what_its_name_says(void **state)
{
    (void)state;
    for (int i = 0; i < weft_matrix_count(); i++) {
        const weft_matrix *m = weft_matrix_at(i);
        char name[64];
        snprintf(name, sizeof name, "%s_%dx%dx%d_%s_%s",
                 m->api == WEFT_API_CUDA    ? "wmma"
                 : m->api == WEFT_API_METAL ? "simdgroup"
                                            : "coop",
                 m->m, m->n, m->k, m->round10 ? "tf32" : weft_dtype_name(m->factor),
                 weft_dtype_name(m->sum));
        assert_string_equal(m->name, name);
        assert_ptr_equal(weft_matrix_named(name, strlen(name)), m);
        for (int role = 0; role < WEFT_MATRIX_ROLES; role++) {
            weft_fragment f = { m, (weft_matrix_role)role, false };
            assert_int_equal(weft_fragment_rows(f) * weft_fragment_cols(f) % WEFT_MATRIX_LANES, 0);
        }
    }
}

static void
nvrtc_takes_every_intrinsic_of_its_api(void **state)
{
    (void)state;
    static const char *const profiles[] = { "cuda:sm_80", "cuda:sm_90" };
    for (int i = 0; i < weft_matrix_count(); i++) {
        const weft_matrix *m = weft_matrix_at(i);
        for (int p = 0; p < 2 && m->api == WEFT_API_CUDA; p++) {
            const weft_target *t = weft_profile_find(profiles[p], NULL);
            weft_ir *ir = weft_ir_create(NULL);
            weft_diag *diag = weft_diag_create();
            char *text = kernel_of(m, p == 1);
            weft_str out = { 0 };
            bool found;
            if (weft_cuda_backend.print(&out, parse_kernel(ir, m->name, text), t, WEFT_DEFAULT,
                                        diag))
                fail_msg("%s", weft_diag_text(diag));
            char *faults = nvrtc_faults(weft_str_text(&out), t->cuda_arch, &found);
            if (faults)
                fail_msg("%s on %s: %s", m->name, profiles[p], faults);
            weft_str_free(&out);
            weft_ir_destroy(ir);
            weft_diag_destroy(diag);
            free(text);
            if (!found)
                skip();
        }
    }
}

static void
a_target_without_units_prints_no_matrix(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    weft_diag *diag = weft_diag_create();
    char *text = kernel_of(weft_matrix_named("wmma_16x16x8_tf32_f32", 21), false);
    const weft_kernel *k = parse_kernel(ir, "k", text);
    static const char *const without[] = { "cuda:sm_75", "opencl", "metal", "vulkan" };
    for (int i = 0; i < 4; i++) {
        const weft_target *t = weft_profile_find(without[i], NULL);
        weft_str out = { 0 };
        assert_int_equal(weft_backend_of(t->api)->print(&out, k, t, WEFT_DEFAULT, diag),
                         WEFT_INTERNAL);
        weft_str_free(&out);
    }
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_intrinsic_is_what_its_name_says),
        cmocka_unit_test(every_intrinsic_multiplies_as_loops_do),
        cmocka_unit_test(nvrtc_takes_every_intrinsic_of_its_api),
        cmocka_unit_test(a_target_without_units_prints_no_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
