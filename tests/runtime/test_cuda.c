/* CUDA where there is no driver: the reason is said, and NVRTC checks text all the same. */
#include "support.h"

#include "backends/cuda/nvrtc.h"

#include <dlfcn.h>

static const char add_cu[] =
    "#include <cuda_fp16.h>\n"
    "extern \"C\" __global__ void __launch_bounds__(64) add(const float *a, const float *b, float "
    "*y, int n,\n"
    "                                                     long long scale)\n"
    "{\n"
    "    int i = blockIdx.x * 64 + threadIdx.x;\n"
    "    if (i < n)\n"
    "        y[i] = (a[i] + b[i]) * (float)scale;\n"
    "}\n";

static bool
has_nvrtc(void)
{
    weft_nvrtc n;
    weft_str why = { 0 };
    bool there = weft_nvrtc_open(&n, &why);
    if (!there)
        print_message("skipped: %s\n", weft_str_text(&why));
    weft_str_free(&why);
    return there;
}

static void
nvrtc_compiles_text_without_a_driver(void **state)
{
    (void)state;
    if (!has_nvrtc())
        skip();
    weft_diag *diag = weft_diag_create();
    for (int numerics = WEFT_STRICT; numerics <= WEFT_FAST; numerics++) {
        weft_str log = { 0 };
        if (weft_nvrtc_compile("add", add_cu, 90, (weft_numerics)numerics, diag, &log))
            fail_msg("%s", weft_diag_text(diag));
        assert_non_null(strstr(weft_str_text(&log), "registers"));
        assert_non_null(strstr(weft_str_text(&log), "0 bytes spill stores"));
        weft_str_free(&log);
    }
    weft_diag_destroy(diag);
}

static void
nvrtc_names_the_line_it_refuses(void **state)
{
    (void)state;
    if (!has_nvrtc())
        skip();
    weft_diag *diag = weft_diag_create();
    assert_int_equal(weft_nvrtc_compile("bad", "\nextern \"C\" __global__ void bad() { x; }", 90,
                                        WEFT_DEFAULT, diag, NULL),
                     WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "bad.cu(2)"));
    weft_diag_clear(diag);
    assert_int_equal(weft_nvrtc_compile("old", add_cu, 10, WEFT_DEFAULT, diag, NULL),
                     WEFT_UNSUPPORTED);
    assert_non_null(strstr(weft_diag_text(diag), "sm_10"));
    weft_diag_destroy(diag);
}

/* A toolkit's stub of libcuda loads and cannot start: then, as without any library, there are no
 * devices and a reason. */
static void
without_a_driver_there_is_no_device_and_a_reason(void **state)
{
    (void)state;
    void *real = dlopen("libcuda.so.1", RTLD_NOW);
    void *stub = real ? NULL : dlopen("/usr/local/cuda/lib64/stubs/libcuda.so", RTLD_NOW);
    weft_str why = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    int n = weft_cuda_driver.count(&why);
    if (real) {
        print_message("skipped: this machine has a CUDA driver (%d devices)\n", n);
    } else {
        assert_int_equal(n, 0);
        assert_non_null(strstr(weft_str_text(&why), stub ? "cuInit: " : "libcuda.so.1"));
        assert_int_equal(weft_cuda_driver.open(0, diag, &d), WEFT_NO_DEVICE);
        assert_null(d);
        assert_non_null(strstr(weft_diag_text(diag), weft_str_text(&why)));
    }
    weft_str_free(&why);
    weft_diag_destroy(diag);
}

static void
a_kernel_of_cuda_c_adds(void **state)
{
    (void)state;
    weft_str why = { 0 };
    int n = weft_cuda_driver.count(&why);
    if (!n)
        print_message("skipped: cuda: %s\n", weft_str_text(&why));
    weft_str_free(&why);
    if (!n)
        skip();
    weft_diag *diag = weft_diag_create();
    weft_device *d = NULL;
    weft_session *s = NULL;
    weft_module *m = support_module(WEFT_API_CUDA, add_cu, "1000");
    float a[1000], c[1000], y[1000];
    for (int i = 0; i < 1000; i++) {
        a[i] = (float)i;
        c[i] = (float)(i * 3);
    }
    if (weft_cuda_driver.open(0, diag, &d) || weft_session_create(m, d, NULL, diag, &s))
        fail_msg("%s", weft_diag_text(diag));
    weft_session_set_input(s, 0, a, sizeof a, diag);
    weft_session_set_input(s, 1, c, sizeof c, diag);
    weft_session_run(s, diag);
    weft_session_profile(s, diag);
    weft_session_get_output(s, 0, y, sizeof y, diag);
    assert_string_equal(weft_diag_text(diag), "");
    for (int i = 0; i < 1000; i++)
        assert_float_equal(y[i], (a[i] + (float)i * 0.5f + c[i]) * 3, 0);
    weft_session_destroy(s);
    weft_device_close(d);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_of_cuda_c_adds),
        cmocka_unit_test(nvrtc_compiles_text_without_a_driver),
        cmocka_unit_test(nvrtc_names_the_line_it_refuses),
        cmocka_unit_test(without_a_driver_there_is_no_device_and_a_reason),
    };
    return cmocka_run_group_tests_name("cuda", tests, NULL, NULL);
}
