/* The OpenCL driver against a fake libOpenCL: every call of the API fails in turn. */
#include "support_life.h"

#include "../runtime/support.h"

fake_state *fake_opencl(void);

static void
every_call_of_opencl_may_fail(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_opencl_driver, WEFT_API_OPENCL, support_add_cl, fake_opencl(),
                              -5, false, WEFT_DEVICE); /* CL_OUT_OF_RESOURCES */
}

static void
memory_may_end_at_any_call_of_opencl(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_opencl_driver, WEFT_API_OPENCL, support_add_cl, fake_opencl(),
                              -4, false, WEFT_OUT_OF_MEMORY); /* CL_MEM_OBJECT_ALLOCATION_FAILURE */
}

static void
an_opencl_device_may_go_away_at_any_call(void **state)
{
    (void)state;
    every_api_call_fails_once(&weft_opencl_driver, WEFT_API_OPENCL, support_add_cl, fake_opencl(),
                              -2, true, WEFT_LOST); /* CL_DEVICE_NOT_AVAILABLE */
}

/* The model with blocks of one thread. */
static weft_module *
module_of_chains(void)
{
    weft_module *m = support_copied(WEFT_API_OPENCL, support_add_cl, NULL);
    m->program->kernel->block[0] = 1;
    for (int i = 0; i < m->program->nstep; i++)
        m->program->step[i].block[0] = "1";
    return m;
}

static void
every_call_that_chains_launches_may_fail(void **state)
{
    static const struct {
        int code;
        bool sticky;
        weft_status expected;
    } faults[] = { { -5, false, WEFT_DEVICE },
                   { -4, false, WEFT_OUT_OF_MEMORY },
                   { -2, true, WEFT_LOST } };
    (void)state;
    weft_module *m = module_of_chains();
    setenv("WEFT_FAKE", "pocl=1", 1);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        every_api_call_of_a_life_fails_once(&weft_opencl_driver, m, fake_opencl(), faults[i].code,
                                            faults[i].sticky, faults[i].expected);
    unsetenv("WEFT_FAKE");
    weft_module_destroy(m);
}

static void
a_run_that_failed_on_opencl_can_be_repeated(void **state)
{
    static const char *const fault[] = { "clEnqueueNDRangeKernel=-4", "clFinish=-4",
                                         "clCreateBuffer=-4",         "clEnqueueWriteBuffer=-4",
                                         "clEnqueueReadBuffer=-4",    "clCreateKernel=-6",
                                         "clSetKernelArg=-6" };
    (void)state;
    every_failed_run_can_be_repeated(&weft_opencl_driver, WEFT_API_OPENCL, support_add_cl,
                                     fake_opencl(), fault, sizeof fault / sizeof *fault);
}

/* What the driver says of its vectors is what it computes in. */
static void
a_gpu_of_opencl_takes_vectors_and_is_mobile_by_its_name(void **state)
{
    static const struct {
        const char *name;
        weft_class cls;
        int lanes;
    } devices[] = { { "Fake GPU", WEFT_CLASS_GPU, 4 },
                    { "Mali-G78 r0p1", WEFT_CLASS_MOBILE, 4 },
                    { "QUALCOMM Adreno(TM) 740", WEFT_CLASS_MOBILE, 4 } };
    (void)state;
    weft_drivers drivers = { 1, { &weft_opencl_driver } };
    weft_diag *diag = weft_diag_create();
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        weft_device *d;
        setenv("WEFT_FAKE_NAME", devices[i].name, 1);
        assert_int_equal(weft_device_open(&drivers, "opencl", diag, &d), WEFT_OK);
        assert_string_equal(d->info.name, devices[i].name);
        assert_int_equal(d->info.target.cls, devices[i].cls);
        assert_int_equal(d->info.target.vector_lanes, devices[i].lanes);
        weft_device_close(d);
    }
    unsetenv("WEFT_FAKE_NAME");
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_opencl_may_fail),
        cmocka_unit_test(memory_may_end_at_any_call_of_opencl),
        cmocka_unit_test(an_opencl_device_may_go_away_at_any_call),
        cmocka_unit_test(every_call_that_chains_launches_may_fail),
        cmocka_unit_test(a_run_that_failed_on_opencl_can_be_repeated),
        cmocka_unit_test(a_gpu_of_opencl_takes_vectors_and_is_mobile_by_its_name),
    };
    setenv("WEFT_CACHE", "0", 1);
    return cmocka_run_group_tests_name("opencl", tests, NULL, NULL);
}
