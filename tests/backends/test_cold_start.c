/* test_cold_start.c: PoCL compiles each kernel once, for the groups it is launched with, and all
 * that can be chained together. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include "runtime/device.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s: %s", #call, weft_diag_text(diag));                                       \
    } while (0)

/* ---- folders --------------------------------------------------------------------------------- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* Stops at a shared object, which is removed. */
static int
stop_at_program(const char *path, const struct stat *st, int type, struct FTW *at)
{
    const char *dot = strrchr(path, '.');
    (void)st, (void)at;
    if (type != FTW_F || !dot || strcmp(dot, ".so") != 0)
        return 0;
    return remove(path) == 0 ? 1 : -1;
}

/* How many shared objects are below the folder; they are gone afterwards. */
static int
take_programs(const char *folder)
{
    int n = 0, found;
    while ((found = nftw(folder, stop_at_program, 16, FTW_PHYS)) == 1)
        n++;
    assert_int_equal(found, 0);
    return n;
}

/* PoCL asks for its folder once. */
static char pocl[] = "/tmp/weft-pocl-XXXXXX", own[] = "/tmp/weft-own-XXXXXX";

static int
set_up(void **state)
{
    (void)state;
    if (!mkdtemp(pocl) || !mkdtemp(own))
        return -1;
    return setenv("POCL_CACHE_DIR", pocl, 1) || setenv("WEFT_CACHE_DIR", own, 1);
}

static int
tear_down(void **state)
{
    (void)state;
    nftw(pocl, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(own, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ---- a launch -------------------------------------------------------------------------------- */

static void
launch(weft_device *device, const weft_code *code, int kernel, int threads, weft_diag *diag)
{
    const weft_driver *driver = device->driver;
    weft_arg arg = { NULL, 0, 64, true };
    weft_launch to = { .name = "k",
                       .code = code,
                       .kernel = kernel,
                       .grid = { 16, 1, 1 },
                       .block = { threads, 1, 1 },
                       .nbuffer = 1,
                       .buffer = &arg };
    weft_batch *batch = NULL;
    CHECK(driver->alloc(device, arg.size, &arg.memory, diag));
    CHECK(driver->record(device, &to, 1, &batch, diag));
    CHECK(driver->submit(device, batch, NULL, diag));
    CHECK(driver->sync(device, diag));
    driver->discard(device, batch);
    driver->free(device, arg.memory);
}

/* Programs that PoCL makes of two kernels whose blocks are of so many threads, each launched; -1:
 * it is not there. */
static int
programs_of_two(int threads)
{
    static const char text[] = "__kernel __attribute__((reqd_work_group_size(%d, 1, 1)))\n"
                               "void %s(__global int *out)\n"
                               "{\n    out[get_group_id(0)] = %d;\n}\n";
    const weft_driver *driver = &weft_opencl_driver;
    char one[256], two[256];
    int programs = -1;
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_code *code = NULL;
    bool there = driver->count(NULL) > 0 && driver->open(0, diag, &device) == WEFT_OK;
    if (there && strstr(device->info.driver, "PoCL")) {
        snprintf(one, sizeof one, text, threads, "one", 1);
        snprintf(two, sizeof two, text, threads, "two", 2);
        weft_source source[2] = {
            { .name = "one", .text = one, .block = { threads, 1, 1 }, .nbuffer = 1 },
            { .name = "two", .text = two, .block = { threads, 1, 1 }, .nbuffer = 1 },
        };
        CHECK(driver->load(device, source, 2, WEFT_DEFAULT, &code, diag));
        for (int i = 0; i < 2; i++)
            launch(device, code, i, threads, diag);
        programs = take_programs(pocl);
        driver->unload(device, code);
    }
    if (there)
        driver->close(device);
    weft_diag_destroy(diag);
    return programs;
}

static void
expect_programs(int threads, int expected)
{
    int programs = programs_of_two(threads);
    if (programs < 0) {
        print_message("skipped: the OpenCL device is not PoCL\n");
        skip();
    }
    assert_int_equal(programs, expected);
}

static void
a_launched_kernel_is_compiled_once(void **state)
{
    (void)state;
    expect_programs(2, 2);
}

static void
kernels_that_are_chained_are_compiled_together_and_not_alone(void **state)
{
    (void)state;
    expect_programs(1, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launched_kernel_is_compiled_once),
        cmocka_unit_test(kernels_that_are_chained_are_compiled_together_and_not_alone),
    };
    return cmocka_run_group_tests_name("cold start", tests, set_up, tear_down);
}
