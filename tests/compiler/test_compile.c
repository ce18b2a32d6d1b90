/* The public way in, <weft/compiler.h>: from a file to a module that runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "runtime/session.h"

static const char digits[] = WEFT_TEST_DIR "/../../demo/digits/digits.onnx";

static void
a_model_is_compiled_for_every_target_named(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_compile_options o = WEFT_COMPILE_OPTIONS;
    weft_module *m;
    o.ntarget = 3, o.target = (const char *[]){ "opencl:generic-gpu", "metal:apple8", "interp" };
    assert_int_equal(weft_compile(digits, &o, diag, &m), WEFT_OK);
    assert_int_equal(m->nprogram, 3);
    assert_string_equal(m->program[1].target, "metal:apple8");
    assert_non_null(strstr(m->program[0].kernel[0].text, "__kernel"));

    float picture[28 * 28] = { 0 }, digit[10], sum = 0;
    weft_drivers all = weft_all_drivers();
    weft_device *device;
    weft_session *s;
    assert_int_equal(weft_device_open(&all, "interp", diag, &device), WEFT_OK);
    assert_int_equal(weft_session_create(m, device, NULL, diag, &s), WEFT_OK);
    assert_int_equal(weft_session_set_input(s, 0, picture, sizeof picture, diag), WEFT_OK);
    assert_int_equal(weft_session_run(s, diag), WEFT_OK);
    assert_int_equal(weft_session_get_output(s, 0, digit, sizeof digit, diag), WEFT_OK);
    for (int i = 0; i < 10; i++)
        sum += digit[i];
    assert_float_equal(sum, 1.0f, 1e-5f);
    weft_session_destroy(s);
    weft_device_close(device);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static const weft_mod_step *
step_of(const weft_program *p, const char *kernel)
{
    for (int i = 0; i < p->nstep; i++)
        if (p->step[i].kind == WEFT_STEP_LAUNCH &&
            strcmp(p->kernel[p->step[i].kernel].name, kernel) == 0)
            return &p->step[i];
    fail_msg("no step launches '%s'", kernel);
    return NULL;
}

/* The first convolution is of 8 channels of 28x28 by windows of 3x3, and a copy of the picture with
 * borders: of 28x28 as 30x30. */
static void
each_kernel_of_a_layer_says_what_it_computes_and_moves_itself(void **state)
{
    (void)state;
    weft_target target;
    weft_import_options import = { 0 };
    weft_compile_job job = { .optimize = 2, .import = &import };
    weft_module *m;
    assert_int_equal(weft_resolve_target("opencl:pocl", NULL, &target, NULL), WEFT_OK);
    assert_int_equal(weft_compile_targets(digits, 1, &target, &job, NULL, &m), WEFT_OK);
    const weft_mod_step *copy = step_of(m->program, "conv1_relu_step0"),
                        *conv = step_of(m->program, "conv1_relu_step1");
    assert_true(copy->flops == 0);
    assert_true(copy->bytes == 4 * (28 * 28 + 30 * 30));
    assert_true(conv->flops == 8 * 28 * 28 * (2 * 9 + 1));
    assert_true(conv->bytes == 4 * (30 * 30 + 8 * 9 + 8 + 8 * 28 * 28));
    weft_module_destroy(m);
}

static void
names_of_kernels_begin_as_asked(void **state)
{
    (void)state;
    weft_target target;
    weft_import_options import = { 0 };
    weft_compile_job job = { .optimize = 2, .import = &import, .prefix = "m1_" };
    weft_module *m;
    assert_int_equal(weft_resolve_target("opencl:generic-gpu", NULL, &target, NULL), WEFT_OK);
    assert_int_equal(weft_compile_targets(digits, 1, &target, &job, NULL, &m), WEFT_OK);
    for (int i = 0; i < m->program->nkernel; i++) {
        const weft_mod_kernel *k = &m->program->kernel[i];
        assert_memory_equal(k->name, "m1_", 3);
        assert_non_null(strstr(k->text, k->name));
    }
    weft_module_destroy(m);
}

static void
without_fusion_there_are_more_kernels(void **state)
{
    (void)state;
    weft_compile_options o = WEFT_COMPILE_OPTIONS;
    weft_module *fused, *plain;
    o.ntarget = 1, o.target = (const char *[]){ "vulkan:generic-gpu" };
    assert_int_equal(weft_compile(digits, &o, NULL, &fused), WEFT_OK);
    o.optimize = 0;
    assert_int_equal(weft_compile(digits, &o, NULL, &plain), WEFT_OK);
    assert_true(plain->program[0].nkernel > fused->program[0].nkernel);
    weft_module_destroy(fused);
    weft_module_destroy(plain);
}

static void
options_that_mean_nothing_are_refused_by_name(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_compile_options o = WEFT_COMPILE_OPTIONS;
    weft_module *m;
    assert_int_equal(weft_compile(digits, &o, diag, &m), WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(diag), "no target"));
    o.ntarget = 1, o.target = (const char *[]){ "interp" }, o.numerics = "loose";
    assert_int_equal(weft_compile(digits, &o, diag, &m), WEFT_INVALID_ARGUMENT);
    assert_non_null(strstr(weft_diag_text(diag), "'loose'"));
    o.size = 0;
    assert_int_equal(weft_compile(digits, &o, diag, &m), WEFT_INVALID_ARGUMENT);
    assert_null(m);
    assert_non_null(strstr(weft_diag_text(diag), "WEFT_COMPILE_OPTIONS"));
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_compiled_for_every_target_named),
        cmocka_unit_test(each_kernel_of_a_layer_says_what_it_computes_and_moves_itself),
        cmocka_unit_test(names_of_kernels_begin_as_asked),
        cmocka_unit_test(without_fusion_there_are_more_kernels),
        cmocka_unit_test(options_that_mean_nothing_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
