/* The Vulkan driver against a fake libvulkan: every call of the API fails in turn. */
#include "support_life.h"

#include "../runtime/support.h"

fake_state *fake_vulkan(void);

static void
loop(int code, bool sticky, weft_status expected)
{
    every_api_call_fails_once(&weft_vulkan_driver, WEFT_API_VULKAN, support_add_spv, fake_vulkan(),
                              code, sticky, expected);
}

static void
every_call_of_vulkan_may_fail(void **state)
{
    (void)state;
    loop(-13, false, WEFT_DEVICE); /* VK_ERROR_UNKNOWN */
}

static void
memory_may_end_at_any_call_of_vulkan(void **state)
{
    (void)state;
    loop(-2, false, WEFT_OUT_OF_MEMORY); /* VK_ERROR_OUT_OF_DEVICE_MEMORY */
}

static void
a_vulkan_device_may_be_lost_at_any_call(void **state)
{
    (void)state;
    loop(-4, true, WEFT_LOST); /* VK_ERROR_DEVICE_LOST */
}

/* Staged copies have calls of their own. */
static void
so_it_is_where_the_host_sees_no_device_memory(void **state)
{
    (void)state;
    setenv("WEFT_FAKE", "discrete=1", 1);
    loop(-2, false, WEFT_OUT_OF_MEMORY);
    loop(-4, true, WEFT_LOST);
    unsetenv("WEFT_FAKE");
}

static void
a_run_that_failed_on_vulkan_can_be_repeated(void **state)
{
    static const char *const fault[] = {
        "vkQueueSubmit=-2",     "vkWaitForFences=-2",          "vkResetFences=-2",
        "vkAllocateMemory=-2",  "vkAllocateDescriptorSets=-2", "vkAllocateCommandBuffers=-2",
        "vkEndCommandBuffer=-2"
    };
    (void)state;
    every_failed_run_can_be_repeated(&weft_vulkan_driver, WEFT_API_VULKAN, support_add_spv,
                                     fake_vulkan(), fault, sizeof fault / sizeof *fault);
}

/* What the fake reports of cooperative matrices, and the size of subgroups that goes with it. */
static void
expect_matrices(const char *environment, int shapes, int subgroup)
{
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    setenv("WEFT_FAKE", environment, 1);
    if (weft_vulkan_driver.open(0, diag, &device))
        fail_msg("%s", weft_diag_text(diag));
    assert_int_equal(device->info.target.matrix_shapes, shapes);
    assert_int_equal(device->info.target.matrix, shapes != 0);
    assert_int_equal(device->info.target.subgroup, subgroup);
    weft_vulkan_driver.close(device);
    unsetenv("WEFT_FAKE");
    weft_diag_destroy(diag);
    if (fake_vulkan()->wrong)
        fail_msg("%s", fake_vulkan()->words);
}

static void
matrices_are_those_that_the_device_reports_for_subgroups_of_32(void **state)
{
    (void)state;
    expect_matrices("matrices=1", WEFT_SHAPE_16x16x16_F16_F32, 32);
    expect_matrices("matrices=0", 0, 1);
    expect_matrices("matrices=1,vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR=0", 0, 64);
}

static void
a_gpu_of_vulkan_takes_vectors(void **state)
{
    (void)state;
    weft_drivers drivers = { 1, { &weft_vulkan_driver } };
    weft_diag *diag = weft_diag_create();
    weft_device *d;
    assert_int_equal(weft_device_open(&drivers, "vulkan", diag, &d), WEFT_OK);
    assert_int_equal(d->info.target.cls, WEFT_CLASS_GPU);
    assert_int_equal(d->info.target.vector_lanes, 4);
    weft_device_close(d);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_vulkan_may_fail),
        cmocka_unit_test(memory_may_end_at_any_call_of_vulkan),
        cmocka_unit_test(a_vulkan_device_may_be_lost_at_any_call),
        cmocka_unit_test(so_it_is_where_the_host_sees_no_device_memory),
        cmocka_unit_test(a_run_that_failed_on_vulkan_can_be_repeated),
        cmocka_unit_test(matrices_are_those_that_the_device_reports_for_subgroups_of_32),
        cmocka_unit_test(a_gpu_of_vulkan_takes_vectors),
    };
    setenv("WEFT_CACHE", "0", 1);
    return cmocka_run_group_tests_name("vulkan", tests, NULL, NULL);
}
