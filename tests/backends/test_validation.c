/* test_validation.c: WEFT_VULKAN_VALIDATION: right launches pass each check of the validation layer
 * and a planted fault of each kind fails its call.
 *
 * The tests of checkers/ run more through the same checks; that these can fail is shown here. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include "backends/vulkan/device_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 256, BYTES = 4 * COUNT };

/* C[i] = A[i] + 1, loaded under some checks, with three buffers to run it on. */
typedef struct bench {
    weft_device *device;
    weft_code *code;
    weft_memory *memory[3];
    weft_diag *diag;
} bench;

static const char program[] = "kernel device next(A: f32[256], C: out f32[256])\n"
                              "    no_alias\n    grid(4, 1, 1)\n    block(64, 1, 1)\n{\n"
                              "    for bx in 0..4 on block.x {\n"
                              "        for tx in 0..64 on thread.x {\n"
                              "            C[bx * 64 + tx] = A[bx * 64 + tx] + 1.0\n"
                              "        }\n    }\n}\n";

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s: %s", #call, weft_diag_text(b->diag));                                    \
    } while (0)

static void
load(bench *b)
{
    weft_ir *ir = weft_ir_create(NULL);
    weft_str text = { 0 };
    const weft_kernel *k = parse_kernel(ir, "next", program);
    CHECK(weft_backend_of(WEFT_API_VULKAN)
              ->print(&text, k, &b->device->info.target, WEFT_DEFAULT, b->diag));
    weft_source source = { .name = k->name,
                           .text = weft_str_text(&text),
                           .size = text.n,
                           .block = { 64, 1, 1 },
                           .nbuffer = 2 };
    CHECK(b->device->driver->load(b->device, &source, 1, WEFT_DEFAULT, &b->code, b->diag));
    weft_str_free(&text);
    weft_ir_destroy(ir);
}

/* Skips the test where there is no device or no layer. */
static void
set_up(bench *b, const char *checks)
{
    static const float zero[COUNT] = { 0 };
    weft_str why = { 0 };
    *b = (bench){ 0 };
    setenv("WEFT_VULKAN_VALIDATION", checks, 1);
    int n = weft_vulkan_driver.count(&why);
    if (!n)
        print_message("skipped: %s\n", weft_str_text(&why));
    weft_str_free(&why);
    if (!n)
        skip();
    b->diag = weft_diag_create();
    CHECK(weft_vulkan_driver.open(0, b->diag, &b->device));
    load(b);
    for (int i = 0; i < 3; i++) {
        CHECK(weft_vulkan_driver.alloc(b->device, BYTES, &b->memory[i], b->diag));
        CHECK(weft_vulkan_driver.upload(b->device, b->memory[i], 0, zero, BYTES, b->diag));
    }
}

static void
tear_down(bench *b)
{
    for (int i = 0; i < 3; i++)
        weft_vulkan_driver.free(b->device, b->memory[i]);
    weft_vulkan_driver.unload(b->device, b->code);
    weft_vulkan_driver.close(b->device);
    weft_diag_destroy(b->diag);
    unsetenv("WEFT_VULKAN_VALIDATION");
}

/* The first buffer to the second, the second to the third, in one batch; the first launch sees
 * `size` bytes of the first buffer, from `offset` on. */
static weft_status
run(bench *b, int64_t offset, int64_t size)
{
    weft_arg arg[2][2];
    weft_launch launch[2];
    weft_batch *batch = NULL;
    for (int i = 0; i < 2; i++) {
        arg[i][0] = (weft_arg){ b->memory[i], i ? 0 : offset, i ? BYTES : size, false };
        arg[i][1] = (weft_arg){ b->memory[i + 1], 0, BYTES, true };
        launch[i] = (weft_launch){ .name = "next",
                                   .code = b->code,
                                   .grid = { 4, 1, 1 },
                                   .block = { 64, 1, 1 },
                                   .nbuffer = 2,
                                   .buffer = arg[i] };
    }
    weft_status s = weft_vulkan_driver.record(b->device, launch, 2, &batch, b->diag);
    if (!s)
        s = weft_vulkan_driver.submit(b->device, batch, NULL, b->diag);
    if (!s)
        s = weft_vulkan_driver.sync(b->device, b->diag);
    if (batch)
        weft_vulkan_driver.discard(b->device, batch);
    return s;
}

static void
is_reported(const bench *b, weft_status status, const char *words)
{
    assert_int_equal(status, WEFT_DEVICE);
    if (!strstr(weft_diag_text(b->diag), "Vulkan validation: ") ||
        !strstr(weft_diag_text(b->diag), words))
        fail_msg("no '%s' in: %s", words, weft_diag_text(b->diag));
}

static void
right_launches_pass_every_check(void **state)
{
    static const char *const all[] = { "core", "1", "gpu", "sync", "core,gpu,sync" };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bench made, *b = &made;
        float got[COUNT];
        set_up(b, all[i]);
        CHECK(run(b, 0, BYTES));
        CHECK(weft_vulkan_driver.download(b->device, b->memory[2], 0, got, BYTES, b->diag));
        assert_true(got[0] == 2 && got[COUNT - 1] == 2);
        tear_down(b);
    }
}

static void
a_descriptor_off_its_alignment_is_reported_by_the_core_checks(void **state)
{
    (void)state;
    bench b;
    set_up(&b, "core");
    is_reported(&b, run(&b, 4, BYTES - 4), "VUID-VkWriteDescriptorSet");
    tear_down(&b);
}

/* The version of the specification that the installed layer is written for; 0: no layer. */
static uint32_t
layer_version(const bench *b)
{
    const weft_vk_instance *v = ((const weft_vk_device *)b->device)->instance;
    VkLayerProperties layer[64];
    uint32_t n = 64;
    v->EnumerateInstanceLayerProperties(&n, layer);
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(layer[i].layerName, "VK_LAYER_KHRONOS_validation"))
            return layer[i].specVersion;
    return 0;
}

/* The layer of Debian 12 (1.3.239, with its SPIRV-Tools 2023.1) puts the check of the bound into
 * the kernel and the driver runs it, on lavapipe and on SwiftShader, and yet it reports nothing.
 * The one of Chromium 156 does, on the same lavapipe (tests/checkers/validation.sh). */
static void
an_access_beyond_the_descriptor_is_reported_by_the_gpu_checks(void **state)
{
    (void)state;
    bench b;
    set_up(&b, "gpu");
    bool reports = layer_version(&b) > VK_MAKE_API_VERSION(0, 1, 3, 239);
    if (reports)
        is_reported(&b, run(&b, 0, 64), "out of bounds");
    tear_down(&b);
    if (!reports) {
        print_message("skipped: the layer is older than 1.3.240 and reports no stray access\n");
        skip();
    }
}

static VKAPI_ATTR void VKAPI_CALL
no_barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
           VkDependencyFlags flags, uint32_t nmemory, const VkMemoryBarrier *memory,
           uint32_t nbuffer, const VkBufferMemoryBarrier *buffer, uint32_t nimage,
           const VkImageMemoryBarrier *image)
{
    (void)commands, (void)from, (void)to, (void)flags, (void)nmemory, (void)memory;
    (void)nbuffer, (void)buffer, (void)nimage, (void)image;
}

static void
a_barrier_left_out_between_two_launches_is_reported_by_the_sync_checks(void **state)
{
    (void)state;
    bench b;
    set_up(&b, "sync");
    ((weft_vk_device *)b.device)->CmdPipelineBarrier = no_barrier;
    is_reported(&b, run(&b, 0, BYTES), "READ_AFTER_WRITE");
    tear_down(&b);
}

static void
a_word_that_is_no_check_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "2", "all", "core;gpu", ",", "gp" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weft_str why = { 0 };
        setenv("WEFT_VULKAN_VALIDATION", wrong[i], 1);
        bool accepted = weft_vulkan_driver.count(&why) > 0;
        bool says = strstr(weft_str_text(&why), "core, gpu, sync") != NULL;
        weft_str_free(&why);
        if (accepted || !says)
            fail_msg("'%s': accepted %d, explained %d", wrong[i], accepted, says);
    }
    unsetenv("WEFT_VULKAN_VALIDATION");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_launches_pass_every_check),
        cmocka_unit_test(a_descriptor_off_its_alignment_is_reported_by_the_core_checks),
        cmocka_unit_test(an_access_beyond_the_descriptor_is_reported_by_the_gpu_checks),
        cmocka_unit_test(a_barrier_left_out_between_two_launches_is_reported_by_the_sync_checks),
        cmocka_unit_test(a_word_that_is_no_check_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
