/* What contenders of bench/ compute, held against the same in double: weft's graphs in the
 * interpreter, cuBLAS and cuDNN as fakes, which take arguments as the manuals say. */
#include "../../bench/bench.h"
#include "../faults/fake/fake.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

fake_state *fake_cuda(void);
fake_state *fake_cublas(void);
fake_state *fake_cudnn(void);

#define GEMM(type, m_, n_, k_, constant_)                                                          \
    {                                                                                              \
        .name = "gemm " #type, .kind = BENCH_GEMM, .dtype = WEFT_##type, .m = (m_), .n = (n_),     \
        .k = (k_), .constant = (constant_)                                                         \
    }
#define CONV(batch_, in, out, side, window, step, parts)                                           \
    {                                                                                              \
        .name = "conv", .kind = BENCH_CONV, .dtype = WEFT_F32, .batch = (batch_),                  \
        .channels = (in), .filters = (out), .image = (side), .kernel = (window), .stride = (step), \
        .groups = (parts), .constant = true                                                        \
    }
#define ROWS(kind_, rows, columns)                                                                 \
    {                                                                                              \
        .name = #kind_, .kind = BENCH_##kind_, .dtype = WEFT_F32, .m = (rows), .n = (columns),     \
        .constant = true                                                                           \
    }

static const bench_case cases[] = {
    GEMM(F32, 5, 7, 9, false),
    GEMM(F32, 5, 7, 9, true),
    GEMM(F32, 1, 7, 9, false),
    GEMM(F16, 6, 4, 33, false),
    { .name = "attention",
      .kind = BENCH_ATTENTION,
      .dtype = WEFT_F16,
      .batch = 2,
      .heads = 3,
      .m = 10,
      .n = 8 },
    CONV(1, 3, 4, 9, 3, 1, 1),
    CONV(2, 3, 4, 9, 7, 2, 1),
    CONV(3, 8, 8, 5, 1, 1, 1),
    CONV(2, 6, 6, 8, 3, 2, 3),
    ROWS(SOFTMAX, 6, 11),
    ROWS(LAYER_NORM, 6, 11),
    ROWS(SUM, 1, 100),
    ROWS(GELU, 1, 100),
    ROWS(RELU, 1, 100),
};
enum { CASES = sizeof cases / sizeof *cases };

static void
check_element(const bench_contender *p, const bench_case *c, const bench_data *d, const float *out,
              int64_t i)
{
    double scale, want = bench_expect(c, d, i, &scale), error = fabs((double)out[i] - want);
    if (!(error <= bench_tolerance(c, want, scale)))
        fail_msg("%s of %s: [%lld] is %g, not %g", c->name, p->name, (long long)i, (double)out[i],
                 want);
}

/* Whether the contender has the case; what it gives is right then, and as right a second time. */
static bool
runs(const bench_contender *p, const bench_case *c)
{
    bench_data d;
    assert_true(bench_make_data(c, &d));
    void *state = p->open(c, &d);
    for (int time = 0; state && time < 2; time++) {
        float *out = malloc((size_t)d.out * sizeof *out);
        assert_non_null(out);
        assert_true(p->run(state));
        if (p->checked)
            assert_true(p->read(state, out, d.out));
        for (int64_t i = 0; p->checked && i < d.out; i++)
            check_element(p, c, &d, out, i);
        free(out);
    }
    if (state)
        p->close(state);
    bench_free_data(&d);
    return state != NULL;
}

static void
weft_computes_every_kind_of_case(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        bench_case c = cases[i];
        c.device = "interp";
        assert_true(runs(&bench_weft, &c));
    }
}

/* The contender has the cases of these kinds, and left nothing behind. */
static void
check_fake(const bench_contender *p, fake_state *f, unsigned kinds)
{
    assert_true(p->ready("cuda"));
    for (int i = 0; i < CASES; i++) {
        bench_case c = cases[i];
        c.device = "cuda";
        assert_int_equal(runs(p, &c), kinds >> c.kind & 1);
    }
    assert_int_equal(f->alive, 0);
    assert_int_equal(fake_cuda()->alive, 0);
    if (f->wrong || fake_cuda()->wrong)
        fail_msg("%s%s", f->words, fake_cuda()->words);
}

static void
cublas_gives_rows_though_it_works_by_columns(void **state)
{
    (void)state;
    check_fake(&bench_cublas, fake_cublas(), 1u << BENCH_GEMM);
    assert_int_equal(fake_cublas()->launches, 2 * 4);
}

static void
cudnn_gives_convolutions_and_softmax(void **state)
{
    (void)state;
    check_fake(&bench_cudnn, fake_cudnn(), 1u << BENCH_CONV | 1u << BENCH_SOFTMAX);
    assert_int_equal(fake_cudnn()->launches, 2 * 5);
}

/* Not of those that are measured in operations. */
static void
a_device_copies_for_cases_that_move_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        bench_case c = cases[i];
        c.device = "cuda";
        assert_int_equal(runs(&bench_device_copy, &c), c.kind >= BENCH_SOFTMAX);
    }
    assert_int_equal(fake_cuda()->alive, 0);
}

static void
cases_are_chosen_by_the_class_of_the_device(void **state)
{
    (void)state;
    bool gpu;
    assert_true(bench_is_gpu("interp", &gpu));
    assert_false(gpu);
    assert_true(bench_is_gpu("cuda", &gpu));
    assert_true(gpu);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weft_computes_every_kind_of_case),
        cmocka_unit_test(cublas_gives_rows_though_it_works_by_columns),
        cmocka_unit_test(cudnn_gives_convolutions_and_softmax),
        cmocka_unit_test(a_device_copies_for_cases_that_move_bytes),
        cmocka_unit_test(cases_are_chosen_by_the_class_of_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
