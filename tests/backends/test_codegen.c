/* test_codegen.c: one kernel as IR text, four printed texts beside it, each given to its compiler.
 * WEFT_UPDATE=1 rewrites what is expected. */
#include "support.h"

#include "backends/vulkan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER WEFT_TEST_DIR "/codegen"

/* The text, or "error: ..." where the kernel is not legal for the target. */
static char *
print_for(const weft_kernel *kernel, const char *source, weft_api api)
{
    weft_diag *diag = weft_diag_create();
    weft_str text = { 0 };
    weft_status status = weft_backend_of(api)->print(&text, kernel, target_of(source, api),
                                                     numerics_of(source), diag);
    if (status != WEFT_OK) {
        assert_int_equal(status, WEFT_INTERNAL);
        assert_int_equal(text.n, 0);
        weft_str_add(&text, weft_diag_text(diag));
    }
    weft_diag_destroy(diag);
    return weft_str_take(&text);
}

static char *
golden_path(const char *name, weft_api api)
{
    weft_str path = { 0 };
    weft_str_addf(&path, "%s/%s.%s", FOLDER, name, weft_api_extension(api));
    return weft_str_take(&path);
}

static int
compare_golden(const char *name, weft_api api, const char *text)
{
    char *path = golden_path(name, api), *expected = read_text(path);
    int differs = !expected || strcmp(expected, text) != 0;
    if (differs && getenv("WEFT_UPDATE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        differs = 0;
    }
    if (differs)
        print_error("%s differs from what is printed:\n%s\n", path, text);
    free(expected);
    free(path);
    return differs;
}

static void
every_kernel_prints_as_its_row_of_goldens_says(void **state)
{
    (void)state;
    char **names = list_files(FOLDER, ".wir");
    int differ = 0, n = 0;
    for (char **name = names; *name; name++, n++) {
        weft_str path = { 0 };
        weft_str_addf(&path, "%s/%s.wir", FOLDER, *name);
        char *source = read_text(weft_str_text(&path));
        weft_ir *ir = weft_ir_create(NULL);
        const weft_kernel *kernel = parse_kernel(ir, weft_str_text(&path), source);
        for (int i = 0; i < LANGUAGES; i++) {
            char *text = print_for(kernel, source, languages[i]);
            differ += compare_golden(*name, languages[i], text);
            free(text);
        }
        weft_ir_destroy(ir);
        weft_str_free(&path);
        free(source);
    }
    free_list(names);
    assert_true(n >= 10);
    assert_int_equal(differ, 0);
}

static void
printing_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    char *source = read_text(FOLDER "/vectors.wir");
    weft_ir *ir = weft_ir_create(NULL);
    const weft_kernel *kernel = parse_kernel(ir, "vectors.wir", source);
    for (int i = 0; i < LANGUAGES; i++) {
        char *first = print_for(kernel, source, languages[i]),
             *second = print_for(kernel, source, languages[i]);
        assert_string_equal(first, second);
        free(first);
        free(second);
    }
    weft_ir_destroy(ir);
    free(source);
}

/* Calls check(path, text) on every golden of a language that is a kernel; the number of faults. */
static int
for_each_golden(weft_api api, char *(*check)(const char *path, const char *text))
{
    char suffix[16];
    snprintf(suffix, sizeof suffix, ".%s", weft_api_extension(api));
    char **names = list_files(FOLDER, suffix);
    int faults = 0, checked = 0;
    for (char **name = names; *name; name++) {
        char *path = golden_path(*name, api), *text = read_text(path);
        char *fault = strncmp(text, "error:", 6) == 0 ? NULL : check(path, text);
        checked += strncmp(text, "error:", 6) != 0;
        if (fault) {
            faults++;
            print_error("%s is refused:\n%s\n", path, fault);
        }
        free(fault);
        free(text);
        free(path);
    }
    free_list(names);
    assert_true(checked >= 10);
    return faults;
}

static char *
by_clang(const char *path, const char *text)
{
    char *output = NULL;
    (void)text;
    int status =
        run_command(&output,
                    "clang-15 -x cl -cl-std=CL1.2 -target spir64 -Xclang -finclude-default-header "
                    "-fsyntax-only -Werror -Wno-bitwise-op-parentheses %s",
                    path);
    if (status == 0) {
        free(output);
        return NULL;
    }
    return output;
}

static void
opencl_goldens_are_accepted_by_clang(void **state)
{
    (void)state;
    if (!has_program("clang-15"))
        skip();
    assert_int_equal(for_each_golden(WEFT_API_OPENCL, by_clang), 0);
}

/* By what stands in for tools that are older than the extension. */
static char *
by_own_check(const char *path, const char *text)
{
    weft_diag *diag = weft_diag_create();
    const weft_source source = { .name = path, .text = text, .size = strlen(text) };
    char *fault = weft_spirv_check(&source, diag) ? strdup(weft_diag_text(diag)) : NULL;
    weft_diag_destroy(diag);
    return fault;
}

static char *
by_spirv_tools(const char *path, const char *text)
{
    if (strstr(text, "CooperativeMatrixKHR"))
        return by_own_check(path, text);
    char binary[] = "/tmp/weft-test-XXXXXX", *output = NULL;
    int fd = mkstemp(binary);
    assert_true(fd >= 0);
    close(fd);
    (void)text;
    int status = run_command(
        &output, "spirv-as --target-env vulkan1.1 %s -o %s && spirv-val --target-env vulkan1.1 %s",
        path, binary, binary);
    unlink(binary);
    if (status == 0) {
        free(output);
        return NULL;
    }
    return output;
}

static void
spirv_goldens_assemble_and_validate(void **state)
{
    (void)state;
    if (!has_program("spirv-as") || !has_program("spirv-val"))
        skip();
    assert_int_equal(for_each_golden(WEFT_API_VULKAN, by_spirv_tools), 0);
}

static char *
by_nvrtc(const char *path, const char *text)
{
    bool found;
    (void)path;
    char *fault = nvrtc_faults(text, 80, &found);
    return fault ? fault : nvrtc_faults(text, 90, &found);
}

static void
cuda_goldens_compile_with_nvrtc(void **state)
{
    (void)state;
    bool found;
    free(nvrtc_faults("extern \"C\" __global__ void k() { }", 80, &found));
    if (!found)
        skip();
    assert_int_equal(for_each_golden(WEFT_API_CUDA, by_nvrtc), 0);
}

static char *
by_metal_stub(const char *path, const char *text)
{
    (void)text;
    return metal_faults(path);
}

static void
metal_goldens_are_accepted_by_the_stub(void **state)
{
    (void)state;
    if (!has_program("clang-15"))
        skip();
    assert_int_equal(for_each_golden(WEFT_API_METAL, by_metal_stub), 0);
}

static void
each_known_bad_metal_text_is_refused(void **state)
{
    (void)state;
    char **names = list_files(WEFT_TEST_DIR "/metal_bad", ".metal");
    int accepted = 0, n = 0;
    if (!has_program("clang-15"))
        skip();
    for (char **name = names; *name; name++, n++) {
        weft_str path = { 0 };
        weft_str_addf(&path, "%s/metal_bad/%s.metal", WEFT_TEST_DIR, *name);
        char *fault = metal_faults(weft_str_text(&path));
        if (!fault) {
            accepted++;
            print_error("%s is accepted\n", weft_str_text(&path));
        }
        free(fault);
        weft_str_free(&path);
    }
    free_list(names);
    assert_true(n >= 30);
    assert_int_equal(accepted, 0);
}

static void
a_kernel_above_the_level_device_is_refused(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    weft_diag *diag = weft_diag_create();
    weft_str text = { 0 };
    const weft_kernel *kernel =
        parse_kernel(ir, "flat",
                     "kernel flat copy(A: f32[4], C: out f32[4]) {\n"
                     "    for i in 0..4 {\n        C[i] = A[i]\n    }\n}\n");
    for (int i = 0; i < LANGUAGES; i++) {
        weft_status status =
            weft_backend_of(languages[i])
                ->print(&text, kernel, target_of("", languages[i]), WEFT_DEFAULT, diag);
        assert_int_equal(status, WEFT_INTERNAL);
    }
    assert_int_equal(text.n, 0);
    weft_diag_destroy(diag);
    weft_ir_destroy(ir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_prints_as_its_row_of_goldens_says),
        cmocka_unit_test(printing_twice_gives_the_same_bytes),
        cmocka_unit_test(opencl_goldens_are_accepted_by_clang),
        cmocka_unit_test(spirv_goldens_assemble_and_validate),
        cmocka_unit_test(cuda_goldens_compile_with_nvrtc),
        cmocka_unit_test(metal_goldens_are_accepted_by_the_stub),
        cmocka_unit_test(each_known_bad_metal_text_is_refused),
        cmocka_unit_test(a_kernel_above_the_level_device_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
