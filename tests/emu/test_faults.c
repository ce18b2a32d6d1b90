/* Each thing that an emulated device watches for, done wrong once, in both languages. */
#include "support.h"

static const kernel kernels[] = {
    { "read_beyond",
      "out[tx] = in[tx + 1];",
      1,
      N,
      { "reads out of bounds: 4 bytes at element 64 of buffer 'in', which has 64 elements of 4 "
        "bytes",
        "block (0,0,0), thread (63,0,0)" } },
    { "read_before",
      "out[tx] = in[tx - 1];",
      1,
      N,
      { "reads out of bounds: 4 bytes at element -1 of buffer 'in'", "thread (0,0,0)" } },
    { "write_beyond",
      "out[bx * 32 + tx + 1] = 1;",
      2,
      32,
      { "writes out of bounds: 4 bytes at element 64 of buffer 'out'",
        "block (1,0,0), thread (31,0,0)" } },
    { "write_read_only",
      "out[tx] = 1;",
      1,
      N,
      { "writes element 0 of buffer 'out', which the launch only reads" } },
    { "null_pointer",
      "@devicep float *p = 0; p[tx] = 1;",
      1,
      N,
      { "where no argument and no shared array lies" } },
    { "shared_beyond",
      "@shared float tile[64]; tile[tx] = 0; @sharedp float *p = tile; p[tx + 1] = 1;",
      1,
      N,
      { "race on element 1 of shared array 'tile'" } },
    { "shared_beyond_alone",
      "@shared float tile[64]; @sharedp float *p = tile; if (tx == 63) p[tx + 1] = 1;",
      1,
      N,
      { "writes out of bounds: 4 bytes at element 64 of shared array 'tile', which has 64 elements",
        "thread (63,0,0)" } },
    { "index_beyond",
      "@shared float tile[64]; tile[tx + n - 63] = 1;",
      1,
      N,
      { "index 64 is outside of", "thread (63,0,0)" } },
    { "local_beyond",
      "float a[4]; for (int i = 0; i < 4; i++) a[i] = in[i]; out[tx] = a[tx / 16 + n / 64];",
      1,
      N,
      { "index 4 is outside of", "thread (48,0,0)" } },
    { "read_after_write", /* the barrier is missing */
      "@shared float tile[64]; tile[tx] = in[tx]; tile[63 - tx] += 1; out[tx] = tile[tx];",
      1,
      N,
      { "shared array 'tile'" } },
    { "write_after_read",
      "@shared float tile[64]; tile[tx] = in[tx]; @barrier; float v = tile[(tx + 1) % 64];\n"
      "tile[tx] = v; out[tx] = v;",
      1,
      N,
      { "race on element 1 of shared array 'tile'", "thread (0,0,0) reads it",
        "this thread writes it with no barrier for shared memory between them; block (0,0,0), "
        "thread (1,0,0)" } },
    { "write_by_another_view", /* of the same bytes: one barrier is missing */
      "@shared unsigned char bytes[256]; @sharedp short *h = (@sharedp short *)bytes;\n"
      "@sharedp float *f = (@sharedp float *)(bytes + 0); h[tx] = (short)in[tx]; @barrier;\n"
      "float v = h[63 - tx]; f[tx] = v; @barrier; out[tx] = f[63 - tx];",
      1,
      N,
      { " of shared array 'bytes'", "reads it", "writes it with no barrier" } },
    { "write_after_write",
      "@shared float tile[64]; tile[tx / 2] = in[tx]; out[tx] = 0;",
      1,
      N,
      { "race on element 0 of shared array 'tile'", "thread (0,0,0) writes it",
        "thread (1,0,0)" } },
    { "read_of_nothing",
      "@shared float tile[64]; if (tx > 3) tile[tx] = 1; @barrier;\n"
      "out[tx] = tile[tx];",
      1,
      N,
      { "reads element 0 of shared array 'tile'", "which no thread of the block has written" } },
    { "race_in_block",
      "out[tx / 2] = 1;",
      1,
      N,
      { "race on element 0 of buffer 'out': thread (0,0,0) of the same block writes it" } },
    { "race_of_blocks",
      "out[tx] = (float)bx;",
      2,
      32,
      { "race on element 0 of buffer 'out': thread (0,0,0) of block (0,0,0) writes it and this "
        "thread writes it",
        "block (1,0,0), thread (0,0,0)" } },
    { "read_of_other_block",
      "if (bx == 0) out[tx] = 1; else if (out[31] > 5) out[63] = 1;",
      2,
      32,
      { "race on element 31 of buffer 'out'", "writes it", "reads it" } },
    { "some_at_barrier",
      "@shared float tile[64]; tile[tx] = 0; if (tx < 12) { @barrier; }\n"
      "out[tx] = 0;",
      1,
      N,
      { "12 of 64 threads wait at ", "thread (12,0,0) has ended" } },
    { "two_barriers",
      "if (tx < 12) { @barrier; }\nelse { @barrier; }",
      1,
      N,
      { "12 of 64 threads wait at ", "thread (12,0,0) waits at " } },
    { "misaligned",
      "*(@devicep float4 *)&out[tx / 8 * 4 + n / 64] = *(@devicep const float4 *)&in[4];",
      1,
      1,
      { "writes 16 bytes at address 0x", "which is no multiple of 16" } },
    { "misaligned_pair",
      "@shared float tile[64]; tile[tx] = 0; @barrier;\n"
      "float2 two = *(@sharedp float2 *)&tile[tx % 8 * 2 + n / 64]; out[tx] = two.x + two.y;",
      1,
      N,
      { "reads 8 bytes at address 0x", "which is no multiple of 8" } },
    { "misaligned_atomic",
      "@shared int tile[64]; tile[tx] = 0; @barrier; @add1_to((@sharedp char *)tile + "
      "2)@atomically;",
      1,
      N,
      { "writes atomically 4 bytes at address 0x", "which is no multiple of 4" } },
    { "divided_by_zero",
      "out[tx] = (float)(5 / (tx - n / 2));",
      1,
      N,
      { "5 is divided by zero", "thread (32,0,0)" } },
    { "too_much_shared",
      "@shared float tile[20000]; tile[tx] = 0; out[tx] = 0;",
      1,
      N,
      { "shared array 'tile'", "80000 bytes" } },
    { "shared_aligned_to_much",
      "alignas(65536) @shared float tile[4]; tile[tx % 4] = 1;",
      1,
      N,
      { "shared array 'tile'", "is aligned to 65536 bytes; 4096 is the most" } },
    { "too_many_threads", "out[0] = 0;", 1, 1025, { "a block of 1025 threads" } },
    { "no_threads", "out[0] = 0;", 1, 0, { "a block of 0 threads" } },
    { "negative_grid", "out[0] = 0;", -1, 1, { "a grid of -1 blocks" } },
};

enum { NKERNEL = sizeof kernels / sizeof *kernels };

static void
every_fault_is_named(void **state)
{
    (void)state;
    for (int language = 0; language < NLANGUAGE; language++) {
        weft_device *device = support_open(language, "forward");
        if (!device)
            continue;
        weft_code *code = support_load(device, language, kernels, NKERNEL);
        for (int i = 0; i < NKERNEL; i++) {
            run r = support_run(device, code, &kernels[i], i);
            if (!r.status)
                print_error("%s: %s does not fail\n", support_device[language], kernels[i].name);
            assert_int_not_equal(r.status, WEFT_OK);
            assert_non_null(strstr(r.message, kernels[i].name));
            for (int k = 0; k < 3 && kernels[i].said[k]; k++)
                if (!strstr(r.message, kernels[i].said[k]))
                    fail_msg("%s lacks: %s", r.message, kernels[i].said[k]);
            support_free(&r);
        }
        device->driver->unload(device, code);
        device->driver->close(device);
    }
}

/* The order of threads decides which of two that race comes second, not whether they race. */
static void
every_fault_is_found_in_any_order(void **state)
{
    static const char *const order[] = { "reverse", "shuffle", "shuffle:7" };
    (void)state;
    for (int language = 0; language < NLANGUAGE; language++)
        for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
            weft_device *device = support_open(language, order[o]);
            if (!device)
                continue;
            weft_code *code = support_load(device, language, kernels, NKERNEL);
            for (int i = 0; i < NKERNEL; i++) {
                run r = support_run(device, code, &kernels[i], i);
                if (!r.status)
                    fail_msg("%s, %s: %s does not fail", support_device[language], order[o],
                             kernels[i].name);
                support_free(&r);
            }
            device->driver->unload(device, code);
            device->driver->close(device);
        }
}

static void
a_device_goes_on_after_a_fault(void **state)
{
    static const kernel pair[] = {
        { "bad", "@barrier; out[tx + 1] = 1;", 1, N, { "" } },
        { "good",
          "@shared float tile[64]; tile[tx] = in[tx]; @barrier; out[tx] = tile[63 - tx];",
          1,
          N,
          { NULL } },
    };
    (void)state;
    for (int language = 0; language < NLANGUAGE; language++) {
        weft_device *device = support_open(language, "forward");
        if (!device)
            continue;
        weft_code *code = support_load(device, language, pair, 2);
        for (int i = 0; i < 6; i++) {
            run r = support_run(device, code, &pair[i % 2], i % 2);
            if (i % 2 && r.status)
                fail_msg("%s", r.message);
            assert_int_equal(r.status, i % 2 ? WEFT_OK : WEFT_DEVICE);
            for (int k = 0; k < N && i % 2; k++)
                assert_true(r.out[k] == (float)(N - 1 - k));
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
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(every_fault_is_found_in_any_order),
        cmocka_unit_test(a_device_goes_on_after_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
