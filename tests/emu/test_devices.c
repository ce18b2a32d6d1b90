/* What an emulated device needs and refuses, and right kernels in every order of threads. */
#include "support.h"

#include <unistd.h>

static weft_status
load_text(weft_device *device, const char *name, const char *text, char **message)
{
    weft_diag *diag = weft_diag_create();
    weft_source source = {
        .name = name, .text = text, .size = strlen(text), .nbuffer = 1, .block = { 1, 1, 1 }
    };
    weft_code *code = NULL;
    weft_status s = device->driver->load(device, &source, 1, WEFT_DEFAULT, &code, diag);
    if (!s)
        device->driver->unload(device, code);
    *message = strdup(weft_diag_text(diag));
    weft_diag_destroy(diag);
    return s;
}

static weft_status
open_named(const char *id, char **message)
{
    weft_drivers all = weft_linked_drivers();
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_status s = weft_device_open(&all, id, diag, &device);
    weft_device_close(device);
    *message = strdup(weft_diag_text(diag));
    weft_diag_destroy(diag);
    return s;
}

static void
a_function_that_nobody_knows_is_named(void **state)
{
    static const char *const text[] = {
        "extern \"C\" __global__ void k(float *out)\n{\n    out[0] = __frobnicate(1.0f);\n}\n",
        "#include <metal_stdlib>\nkernel void k(device float *out [[buffer(0)]])\n{\n"
        "    out[0] = frobnicate(1.0f);\n}\n",
    };
    (void)state;
    for (int language = 0; language < NLANGUAGE; language++) {
        weft_device *device = support_open(language, "forward");
        char *message;
        if (!device)
            continue;
        assert_int_equal(load_text(device, "k", text[language], &message), WEFT_INVALID_INPUT);
        if (!strstr(message, "frobnicate") || !strstr(message, language ? "k.metal:4" : "k.cu:3"))
            fail_msg("%s", message);
        free(message);
        device->driver->close(device);
    }
}

static void
a_local_array_too_large_for_a_stack_is_refused(void **state)
{
    weft_device *device = support_open(0, "forward");
    char *message;
    (void)state;
    if (!device)
        skip();
    assert_int_equal(
        load_text(device, "k",
                  "extern \"C\" __global__ void k(float *out)\n{\n    float a[90000];\n"
                  "    for (int i = 0; i < 90000; i++) a[i] = out[i % 7];\n"
                  "    for (int i = 0; i < 90000; i++) out[0] += a[(i * 7) % 90000];\n}\n",
                  &message),
        WEFT_INVALID_INPUT);
    if (!strstr(message, "stack frame size"))
        fail_msg("%s", message);
    free(message);
    device->driver->close(device);
}

static void
a_recursion_without_end_is_a_fault(void **state)
{
    static const kernel k = { "k",
                              "auto f = [&](auto &self, int i) -> float {\n"
                              "    float a[50]; for (int k = 0; k < 50; k++) a[k] = in[k] + i;\n"
                              "    return self(self, i + 1) + a[i % 50]; };\n"
                              "out[tx] = f(f, tx);",
                              1, N, { NULL } };
    weft_device *device = support_open(0, "forward");
    (void)state;
    if (!device)
        skip();
    weft_code *code = support_load(device, 0, &k, 1);
    run r = support_run(device, code, &k, 0);
    if (r.status != WEFT_DEVICE || !strstr(r.message, "more stack than a thread has"))
        fail_msg("%s", r.message);
    support_free(&r);
    device->driver->unload(device, code);
    device->driver->close(device);
}

static void
without_a_compiler_the_message_says_what_is_wanted(void **state)
{
    char *message;
    (void)state;
    setenv("WEFT_EMU_CXX", "/nowhere/clang++", 1);
    for (int language = 0; language < NLANGUAGE; language++) {
        assert_int_equal(open_named(support_device[language], &message), WEFT_NO_DEVICE);
        if (!strstr(message, "WEFT_EMU_CXX is '/nowhere/clang++'") ||
            !strstr(message, "version 15 or later"))
            fail_msg("%s", message);
        free(message);
    }
    unsetenv("WEFT_EMU_CXX");
}

static void
a_bad_order_is_told_with_the_good_ones(void **state)
{
    static const char *const bad[] = { "sideways", "shuffle:", "shuffle:x", "shuffle:1x",
                                       "reverse " };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *message;
        setenv("WEFT_EMU_ORDER", bad[i], 1);
        weft_status s = open_named("cuda-emu", &message);
        if (s == WEFT_NO_DEVICE) /* no compiler */
            skip();
        assert_int_equal(s, WEFT_INVALID_ARGUMENT);
        if (!strstr(message, bad[i]) ||
            !strstr(message, "forward, reverse, shuffle or shuffle:SEED"))
            fail_msg("%s", message);
        free(message);
    }
    unsetenv("WEFT_EMU_ORDER");
}

static void
emulated_devices_are_opened_by_name_alone(void **state)
{
    weft_device *device = NULL;
    (void)state;
    if (weft_open_device(NULL, NULL, &device) == WEFT_OK)
        assert_null(strstr(device->info.id, "emu"));
    weft_device_close(device);
}

static void
an_allocation_beyond_the_limit_is_an_error(void **state)
{
    weft_device *device = support_open(0, "forward");
    weft_diag *diag = weft_diag_create();
    weft_memory *memory;
    (void)state;
    if (!device)
        skip();
    int64_t limit = device->info.target.max_alloc;
    assert_int_equal(device->driver->alloc(device, limit + 1, &memory, diag), WEFT_OUT_OF_MEMORY);
    assert_non_null(strstr(weft_diag_text(diag), "cuda-emu: an allocation of"));
    assert_int_equal(device->driver->alloc(device, 0, &memory, NULL), WEFT_OK);
    device->driver->free(device, memory);
    weft_diag_destroy(diag);
    device->driver->close(device);
}

/* More than the C library sets room aside for at its start. */
static void
many_modules_are_loaded_at_once(void **state)
{
    enum { MANY = 300 };
    static const kernel k = { "k", "out[tx] = in[tx];", 1, N, { NULL } };
    weft_device *device = support_open(0, "forward");
    weft_code *code[MANY];
    (void)state;
    if (!device)
        skip();
    unsetenv("WEFT_CACHE"); /* it is one text, to be compiled once */
    setenv("WEFT_CACHE_DIR", "emu_test_cache", 1);
    for (int i = 0; i < MANY; i++)
        code[i] = support_load(device, 0, &k, 1);
    for (int i = MANY - 1; i >= 0; i -= 49) {
        run r = support_run(device, code[i], &k, 0);
        assert_int_equal(r.status, WEFT_OK);
        assert_true(r.out[5] == 5);
        support_free(&r);
    }
    for (int i = 0; i < MANY; i++)
        device->driver->unload(device, code[i]);
    device->driver->close(device);
}

/* ---- right kernels --------------------------------------------------------------------------- */

static const kernel right[] = {
    { "turn",
      "@shared float t[64]; t[tx] = in[tx]; @barrier; out[tx] = t[63 - tx];",
      1,
      N,
      { NULL } },
    { "sum",
      "@shared float t[64]; t[tx] = in[tx]; @barrier;\n"
      "for (int d = 32; d > 0; d /= 2) { if (tx < d) t[tx] += t[tx + d]; @barrier; }\n"
      "out[tx] = t[0];",
      1,
      N,
      { NULL } },
    { "through_memory",
      "out[tx] = in[tx]; @barriers; float v = out[63 - tx]; @barriers; out[tx] = v + out[tx];",
      1,
      N,
      { NULL } },
    { "blocks", "out[bx * 4 + tx] = in[bx * 4 + tx] * 2;", 16, 4, { NULL } },
    { "some_blocks_at_barriers",
      "@shared float t[8]; if (bx % 2 == 0) { t[tx] = in[bx * 8 + tx]; @barrier;\n"
      "out[bx * 8 + tx] = t[7 - tx]; } else { out[bx * 8 + tx] = -1; }",
      8,
      8,
      { NULL } },
    { "nothing", "out[0] = 1;", 0, 1, { NULL } },
};

enum { NRIGHT = sizeof right / sizeof *right };

static float
expected(int which, int i)
{
    switch (which) {
    case 0:
        return (float)(N - 1 - i);
    case 1:
        return N * (N - 1) / 2;
    case 2:
        return N - 1;
    case 3:
        return 2 * (float)i;
    case 4:
        return i / 8 % 2 ? -1 : (float)(i / 8 * 8 + 7 - i % 8);
    default:
        return 0;
    }
}

static void
right_kernels_are_right_in_every_order(void **state)
{
    static const char *const order[] = { "forward", "reverse", "shuffle", "shuffle:1",
                                         "shuffle:99" };
    (void)state;
    for (int language = 0; language < NLANGUAGE; language++)
        for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
            weft_device *device = support_open(language, order[o]);
            if (!device)
                continue;
            weft_code *code = support_load(device, language, right, NRIGHT);
            for (int k = 0; k < NRIGHT; k++) {
                run r = support_run(device, code, &right[k], k);
                if (r.status)
                    fail_msg("%s: %s", order[o], r.message);
                for (int i = 0; i < N; i++)
                    if (r.out[i] != expected(k, i))
                        fail_msg("%s, %s, %s: element %d is %g, not %g", support_device[language],
                                 order[o], right[k].name, i, r.out[i], expected(k, i));
                support_free(&r);
            }
            device->driver->unload(device, code);
            device->driver->close(device);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_that_nobody_knows_is_named),
        cmocka_unit_test(a_local_array_too_large_for_a_stack_is_refused),
        cmocka_unit_test(a_recursion_without_end_is_a_fault),
        cmocka_unit_test(without_a_compiler_the_message_says_what_is_wanted),
        cmocka_unit_test(a_bad_order_is_told_with_the_good_ones),
        cmocka_unit_test(emulated_devices_are_opened_by_name_alone),
        cmocka_unit_test(an_allocation_beyond_the_limit_is_an_error),
        cmocka_unit_test(many_modules_are_loaded_at_once),
        cmocka_unit_test(right_kernels_are_right_in_every_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
