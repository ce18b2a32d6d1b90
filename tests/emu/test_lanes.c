/* Lanes of a warp that exchange values, and those that should and do not. */
#include "support.h"

static const kernel cuda[] = {
    { "rotate", "out[tx] = __shfl_sync(0xffffffffu, in[tx], (tx + 1) % 32);", 1, N, { NULL } },
    { "order_by_exchange",
      "__shared__ float t[64]; t[tx] = in[tx]; __syncwarp(); float v = t[tx ^ 1]; __syncwarp();\n"
      "t[tx] = v; out[tx] = v;",
      1,
      N,
      { NULL } },
    { "two_places",
      "if (tx < 16) out[tx] = __shfl_sync(0xffffffffu, in[tx], 0);\n"
      "else out[tx] = __shfl_sync(0xffffffffu, in[tx], 1);",
      1,
      32,
      { "16 of 32 threads wait at __shfl_sync", "thread (16,0,0) waits at __shfl_sync" } },
    { "at_a_barrier",
      "if (tx < 16) out[tx] = __shfl_sync(0xffffffffu, in[tx], 0); else __syncthreads();",
      1,
      32,
      { "16 of 32 threads wait at __shfl_sync", "thread (16,0,0) waits at __syncthreads" } },
    { "not_of_its_mask",
      "out[tx] = __shfl_sync(0xfu, in[tx], 0);",
      1,
      32,
      { "is called by lane 4, which its mask 0xf leaves out" } },
    { "race_of_lanes",
      "__shared__ float t[64]; t[tx] = in[tx]; __syncwarp(); out[tx] = t[(tx + 32) % 64];",
      1,
      N,
      { "shared array 't'" } },
    { "atomic_and_plain",
      "atomicAdd(&out[0], 1.0f); if (tx == 5) out[0] = 7;",
      1,
      32,
      { "race on element 0 of buffer 'out'", "atomically" } },
    { "atomics", "atomicAdd(&out[0], 1.0f);", 16, N, { NULL } },
};

enum { NCUDA = sizeof cuda / sizeof *cuda };

static void
exchanges_are_right_or_faults(void **state)
{
    static const char *const order[] = { "forward", "reverse", "shuffle:3" };
    (void)state;
    for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
        weft_device *device = support_open(0, order[o]);
        if (!device)
            skip();
        weft_code *code = support_load(device, 0, cuda, NCUDA);
        for (int i = 0; i < NCUDA; i++) {
            run r = support_run(device, code, &cuda[i], i);
            if (!r.status == !!cuda[i].said[0])
                fail_msg("%s, %s: %s", order[o], cuda[i].name, r.message);
            for (int k = 0; k < 3 && cuda[i].said[k] && o == 0; k++)
                if (!strstr(r.message, cuda[i].said[k]))
                    fail_msg("%s lacks: %s", r.message, cuda[i].said[k]);
            for (int k = 0; k < N && i == 0; k++)
                assert_true(r.out[k] == (float)(k / 32 * 32 + (k + 1) % 32));
            for (int k = 0; k < N && i == 1; k++)
                assert_true(r.out[k] == (float)(k ^ 1));
            if (i == NCUDA - 1)
                assert_true(r.out[0] == 16 * N);
            support_free(&r);
        }
        device->driver->unload(device, code);
        device->driver->close(device);
    }
}

/* Metal's barriers order the memory that they name. */
static void
a_barrier_orders_the_memory_it_names(void **state)
{
    static const kernel metal[] = {
        { "shared_unordered",
          "threadgroup float t[64]; t[tx] = in[tx]; threadgroup_barrier(mem_flags::mem_device);\n"
          "out[tx] = t[63 - tx];",
          1,
          N,
          { "shared array 't'" } },
        { "device_unordered",
          "out[tx] = in[tx]; threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "float v = out[63 - tx]; if (v > 100) out[0] = v;",
          1,
          N,
          { "no barrier for device memory between them" } },
        { "ordered",
          "out[tx] = in[tx]; threadgroup_barrier(mem_flags::mem_device);\n"
          "float v = out[63 - tx]; if (v > 100) out[0] = v;",
          1,
          N,
          { NULL } },
        { "simd", "out[tx] = simd_sum(in[tx]);", 1, N, { NULL } },
    };
    weft_device *device = support_open(1, "forward");
    (void)state;
    if (!device)
        skip();
    weft_code *code = support_load(device, 1, metal, 4);
    for (int i = 0; i < 4; i++) {
        run r = support_run(device, code, &metal[i], i);
        if (metal[i].said[0] ? !strstr(r.message, metal[i].said[0]) : r.status != WEFT_OK)
            fail_msg("%s: %s", metal[i].name, r.message);
        for (int k = 0; k < N && i == 3; k++)
            assert_true(r.out[k] == (k < 32 ? 496 : 1520));
        support_free(&r);
    }
    device->driver->unload(device, code);
    device->driver->close(device);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_are_right_or_faults),
        cmocka_unit_test(a_barrier_orders_the_memory_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
