/* The public API alone runs a module: what <weft/weft.h> shows at its top, and DLPack tensors. */
#include "support.h"

#include <stdio.h>
#include <weft/weft.h>

static char *
write_module(char *folder, const char *n)
{
    weft_diag *diag = weft_diag_create();
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, n);
    char *path = malloc(128);
    snprintf(path, 128, "%s/model.weft", folder);
    if (weft_module_write(m, path, diag))
        fail_msg("%s", weft_diag_text(diag));
    weft_module_destroy(m);
    weft_diag_destroy(diag);
    return path;
}

static bool
has_opencl(void)
{
    bool there = weft_opencl_driver.count(NULL) > 0;
    if (!there)
        print_message("skipped: there is no OpenCL device\n");
    return there;
}

static void
a_module_runs_in_a_few_lines(void **state)
{
    (void)state;
    if (!has_opencl())
        skip();
    char *folder = support_folder(), *path = write_module(folder, "4");
    const float a[4] = { 1, 2, 3, 4 }, c[4] = { 5, 6, 7, 8 };
    float y[4] = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_module *module = NULL;
    weft_session *session = NULL;
    if (weft_open_device("opencl", diag, &device) == WEFT_OK &&
        weft_module_read(path, diag, &module) == WEFT_OK &&
        weft_session_create(module, device, NULL, diag, &session) == WEFT_OK &&
        weft_session_set_input(session, 0, a, sizeof a, diag) == WEFT_OK &&
        weft_session_set_input(session, 1, c, sizeof c, diag) == WEFT_OK &&
        weft_session_run(session, diag) == WEFT_OK)
        weft_session_get_output(session, 0, y, sizeof y, diag);
    assert_string_equal(weft_diag_text(diag), "");
    for (int i = 0; i < 4; i++)
        assert_float_equal(y[i], (a[i] + (float)i * 0.5f + c[i]) * 3, 0);
    weft_session_destroy(session);
    weft_module_destroy(module);
    weft_device_close(device);
    weft_diag_destroy(diag);
    support_remove(folder);
    free(path);
}

static void
descriptions_write_no_more_than_the_caller_has_room_for(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = write_module(folder, "4");
    weft_device *device = NULL;
    weft_module *module = NULL;
    weft_session *session = NULL;
    weft_tensor_desc tensor = { .size = offsetof(weft_tensor_desc, dim), .bytes = -77 };
    weft_device_desc about = { .size = sizeof about };
    assert_int_equal(weft_open_device("null", NULL, &device), WEFT_OK);
    assert_int_equal(weft_module_read(path, NULL, &module), WEFT_OK);
    assert_int_equal(weft_session_create(module, device, NULL, NULL, &session), WEFT_OK);
    assert_int_equal(weft_session_input_count(session), 2);
    assert_int_equal(weft_session_output_count(session), 1);
    assert_int_equal(weft_session_input(session, 1, &tensor), WEFT_OK);
    assert_string_equal(tensor.name, "c");
    assert_int_equal(tensor.ndim, 1);
    assert_int_equal(tensor.bytes, -77);
    tensor.size = sizeof tensor;
    assert_int_equal(weft_session_output(session, 0, &tensor), WEFT_OK);
    assert_int_equal(tensor.bytes, 16);
    assert_int_equal(tensor.dim[0], 4);
    assert_int_equal(weft_session_output(session, 1, &tensor), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_device_describe(device, &about), WEFT_OK);
    assert_string_equal(about.id, "null");
    weft_session_destroy(session);
    weft_module_destroy(module);
    weft_device_close(device);
    support_remove(folder);
    free(path);
}

static void
dlpack_tensors_go_in_and_out_with_strides(void **state)
{
    (void)state;
    if (!has_opencl())
        skip();
    char *folder = support_folder(), *path = write_module(folder, "4");
    float wide[9] = { 0, 1, 0, 2, 0, 3, 0, 4, 0 }, c[4] = { 5, 6, 7, 8 }, y[8] = { 0 };
    int64_t shape = 4, step = 2, back = -2;
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_module *module = NULL;
    weft_session *session = NULL;
    DLTensor t = { .data = wide,
                   .device = { kDLCPU, 0 },
                   .ndim = 1,
                   .dtype = { kDLFloat, 32, 1 },
                   .shape = &shape,
                   .strides = &step,
                   .byte_offset = sizeof(float) };
    assert_int_equal(weft_open_device("opencl", diag, &device), WEFT_OK);
    assert_int_equal(weft_module_read(path, diag, &module), WEFT_OK);
    assert_int_equal(weft_session_create(module, device, NULL, diag, &session), WEFT_OK);
    weft_session_set_input_dlpack(session, 0, &t, diag);
    weft_session_set_input(session, 1, c, sizeof c, diag);
    weft_session_run(session, diag);
    t.data = y; /* written from the last to the first */
    t.strides = &back;
    t.byte_offset = 6 * sizeof(float);
    weft_session_get_output_dlpack(session, 0, &t, diag);
    assert_string_equal(weft_diag_text(diag), "");
    for (int i = 0; i < 4; i++)
        assert_float_equal(y[6 - 2 * i], ((float)(i + 1) + (float)i * 0.5f + c[i]) * 3, 0);
    t.dtype.code = kDLInt;
    assert_int_equal(weft_session_set_input_dlpack(session, 0, &t, diag), WEFT_INVALID_ARGUMENT);
    t.dtype.code = kDLFloat;
    shape = 5;
    assert_int_equal(weft_session_set_input_dlpack(session, 0, &t, diag), WEFT_INVALID_ARGUMENT);
    shape = 4;
    t.device.device_type = kDLCUDA;
    assert_int_equal(weft_session_set_input_dlpack(session, 0, &t, diag), WEFT_UNSUPPORTED);
    weft_session_destroy(session);
    weft_module_destroy(module);
    weft_device_close(device);
    weft_diag_destroy(diag);
    support_remove(folder);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_runs_in_a_few_lines),
        cmocka_unit_test(descriptions_write_no_more_than_the_caller_has_room_for),
        cmocka_unit_test(dlpack_tensors_go_in_and_out_with_strides),
    };
    return cmocka_run_group_tests_name("public", tests, NULL, NULL);
}
