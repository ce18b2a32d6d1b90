/* test_run.c: kernels at the level device run as printed text on OpenCL and Vulkan devices, where
 * there are any, and on the emulated ones in every order of threads, and give what the interpreter
 * gives for the same kernel.
 *
 *   test_backends_run [opencl|vulkan|cuda|metal [NAME..]]      on that device alone, those kernels
 */
#include "support.h"

#include "ir/interp.h"
#include "runtime/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER WEFT_TEST_DIR "/run"

enum { MAX_PARAM = 16 };

typedef struct test_case {
    char *name, *text;
    weft_ir *ir;
    weft_kernel *kernel;
    int64_t scalar[2], count[MAX_PARAM];
    void *expected[MAX_PARAM], *initial[MAX_PARAM];
    char *source; /* printed */
} test_case;

/* ---- arguments ------------------------------------------------------------------------------- */

static int64_t
extent(const test_case *t, const weft_expr *e)
{
    int64_t v = 0;
    if (weft_as_int(e, &v))
        return v;
    assert_int_equal(e->h.kind, WEFT_EK_VAR);
    for (int i = 0; i < t->kernel->nscalar; i++)
        if (t->kernel->scalar[i] == e->h.u.var)
            v = t->scalar[i];
    assert_true(v > 0);
    return v;
}

static size_t
bytes_of(const test_case *t, int param)
{
    return (size_t)t->count[param] * (size_t)weft_dtype_bits(t->kernel->param[param]->dtype) / 8;
}

/* Small numbers with their share of ties, zeros and negatives; the same on every run. */
static void
fill(weft_dtype dtype, void *data, int64_t n, uint32_t seed, bool specials)
{
    static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN };
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        int64_t v = (int64_t)(seed >> 16) % 401 - 200;
        if (weft_is_float(dtype))
            weft_set_f64(dtype, data, i, (double)v / 100);
        else if (dtype == WEFT_BOOL)
            weft_set_i64(dtype, data, i, v & 1);
        else
            weft_set_i64(dtype, data, i, weft_dtype_kind(dtype) == WEFT_KIND_UINT ? v + 200 : v);
    }
    for (int64_t i = 0; i < 5 && specials && weft_is_float(dtype); i++)
        weft_set_f64(dtype, data, 11 * i, special[i]);
}

/* Arguments filled, and what the interpreter makes of them. */
static void
prepare(test_case *t)
{
    const weft_kernel *k = t->kernel;
    weft_interp_buffer buffer[MAX_PARAM];
    weft_interp_options options = { .threads = 1 };
    weft_diag *diag = weft_diag_create();
    assert_true(k->nparam <= MAX_PARAM && k->nscalar <= 2);
    for (int i = 0; i < k->nparam; i++) {
        t->count[i] = extent(t, k->param[i]->shape[0]);
        t->initial[i] = calloc(1, bytes_of(t, i));
        t->expected[i] = calloc(1, bytes_of(t, i));
        if (k->access[i] == WEFT_READ)
            fill(k->param[i]->dtype, t->initial[i], t->count[i], (uint32_t)i + 7,
                 strstr(t->text, "# specials"));
        memcpy(t->expected[i], t->initial[i], bytes_of(t, i));
        buffer[i] = (weft_interp_buffer){ t->expected[i], t->count[i], k->access[i] != WEFT_WRITE,
                                          k->access[i] == WEFT_WRITE };
    }
    weft_interp *interp = weft_interp_create(k, &options, diag);
    if (!interp || weft_interp_run(interp, buffer, t->scalar, diag) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    weft_interp_destroy(interp);
    weft_diag_destroy(diag);
}

static bool
is_meant_for(const char *text, weft_api api)
{
    const char *only = strstr(text, "# only: "), *name = weft_api_name(api);
    const char *found = only ? strstr(only, name) : NULL;
    return !only || (found && found < only + strcspn(only, "\n"));
}

static bool
meet_matrix(void *user, const weft_stmt *s)
{
    const weft_matrix **found = user;
    if (s->kind == WEFT_SK_MATRIX)
        *found = weft_matrix_held(s)->buf->frag.matrix;
    return true;
}

/* Whether the device has the matrix units of the kernel, if it asks for any. */
static bool
can_multiply(const test_case *t, const weft_target *target)
{
    const weft_matrix *m = NULL;
    weft_walk_stmt(&(weft_walker){ .stmt = meet_matrix, .user = &m }, t->kernel->body);
    return !m || weft_target_multiplies(target, m);
}

static test_case *
read_case(const char *name)
{
    test_case *t = calloc(1, sizeof *t);
    weft_str path = { 0 };
    weft_str_addf(&path, "%s/%s.wir", FOLDER, name);
    t->name = strdup(name);
    t->text = read_text(weft_str_text(&path));
    t->ir = weft_ir_create(NULL);
    t->kernel = parse_kernel(t->ir, weft_str_text(&path), t->text);
    const char *scalars = strstr(t->text, "# scalars: ");
    if (scalars) {
        char *end;
        t->scalar[0] = strtoll(scalars + 11, &end, 10);
        t->scalar[1] = strtoll(end, NULL, 10);
    }
    weft_str_free(&path);
    return t;
}

static void
free_case(test_case *t)
{
    for (int i = 0; i < MAX_PARAM; i++) {
        free(t->initial[i]);
        free(t->expected[i]);
    }
    weft_ir_destroy(t->ir);
    free(t->source);
    free(t->text);
    free(t->name);
    free(t);
}

/* ---- running --------------------------------------------------------------------------------- */

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s: %s", #call, weft_diag_text(diag));                                       \
    } while (0)

/* Elements that differ by more than the tolerance; the first is reported. */
static int
compare(const test_case *t, int param, const void *got)
{
    weft_dtype dtype = t->kernel->param[param]->dtype;
    int differ = 0;
    for (int64_t i = 0; i < t->count[param]; i++) {
        double a = weft_get_f64(dtype, got, i), b = weft_get_f64(dtype, t->expected[param], i);
        double most = weft_is_float(dtype) ? 2e-4 * fabs(b) + 2e-5 : 0;
        bool same = isnan(b) ? isnan(a) : isinf(b) ? a == b : fabs(a - b) <= most;
        if (!same && differ++ == 0)
            print_error("%s: %s[%lld] is %.9g, not %.9g\n", t->name, t->kernel->param[param]->name,
                        (long long)i, a, b);
    }
    return differ;
}

static int
run_case(weft_device *device, const weft_code *code, int index, const test_case *t, weft_diag *diag)
{
    const weft_driver *driver = device->driver;
    const weft_kernel *k = t->kernel;
    weft_arg arg[MAX_PARAM];
    weft_launch launch = { .name = t->name,
                           .code = code,
                           .kernel = index,
                           .nbuffer = k->nparam,
                           .nscalar = k->nscalar,
                           .buffer = arg,
                           .scalar = t->scalar };
    weft_batch *batch = NULL;
    int differ = 0;
    for (int i = 0; i < k->nparam; i++) {
        arg[i] = (weft_arg){ NULL, 0, (int64_t)bytes_of(t, i), k->access[i] != WEFT_READ };
        CHECK(driver->alloc(device, arg[i].size, &arg[i].memory, diag));
        CHECK(driver->upload(device, arg[i].memory, 0, t->initial[i], arg[i].size, diag));
    }
    for (int i = 0; i < 3; i++) {
        weft_as_int(k->grid[i], &launch.grid[i]);
        weft_as_int(k->block[i], &launch.block[i]);
    }
    CHECK(driver->record(device, &launch, 1, &batch, diag));
    CHECK(driver->submit(device, batch, NULL, diag));
    CHECK(driver->sync(device, diag));
    for (int i = 0; i < k->nparam; i++) {
        void *got = calloc(1, bytes_of(t, i));
        CHECK(driver->download(device, arg[i].memory, 0, got, arg[i].size, diag));
        differ += compare(t, i, got);
        driver->free(device, arg[i].memory);
        free(got);
    }
    driver->discard(device, batch);
    return differ;
}

static weft_source
source_of(test_case *t, const weft_target *target, weft_diag *diag)
{
    static const uint8_t types[WEFT_DTYPE_COUNT] = { 0 };
    weft_kernel *k = t->kernel;
    weft_str text = { 0 };
    if (strstr(t->text, "# subgroups of the device\n"))
        k->subgroup = target->subgroup;
    uint8_t *scalar = weft_arena_alloc(&t->ir->arena, sizeof types);
    weft_source source = { .name = k->name,
                           .nbuffer = k->nparam,
                           .nscalar = k->nscalar,
                           .scalar = scalar,
                           .subgroup = k->subgroup };
    CHECK(weft_backend_of(target->api)->print(&text, k, target, WEFT_DEFAULT, diag));
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = k->scalar[i]->type.dtype;
    for (int i = 0; i < 3; i++)
        weft_as_int(k->block[i], &source.block[i]);
    source.size = text.n;
    source.text = t->source = weft_str_take(&text);
    return source;
}

static bool
is_wanted(char *const *wanted, const char *name)
{
    for (int i = 0; wanted[i]; i++)
        if (strcmp(wanted[i], name) == 0)
            return true;
    return !wanted[0];
}

/* All kernels of the folder, or those wanted, in one load, as the profile of PoCL wants it. */
static void
run_all(const weft_driver *driver, char *const *wanted)
{
    weft_diag *diag = weft_diag_create();
    weft_device *device = NULL;
    weft_code *code = NULL;
    weft_str why = { 0 };
    if (driver->count(&why) == 0) {
        print_message("no device: %s\n", weft_str_text(&why));
        weft_str_free(&why);
        weft_diag_destroy(diag);
        skip();
    }
    weft_str_free(&why);
    CHECK(driver->open(0, diag, &device));
    char **names = list_files(FOLDER, ".wir");
    test_case *cases[64];
    weft_source source[64];
    int n = 0, differ = 0;
    for (char **name = names; *name && n < 64; name++) {
        if (!is_wanted(wanted, *name))
            continue;
        test_case *t = read_case(*name);
        if (!is_meant_for(t->text, driver->api) || !can_multiply(t, &device->info.target)) {
            free_case(t);
            continue;
        }
        prepare(t);
        source[n] = source_of(t, &device->info.target, diag);
        cases[n++] = t;
    }
    CHECK(driver->load(device, source, n, WEFT_DEFAULT, &code, diag));
    for (int i = 0; i < n; i++) {
        differ += run_case(device, code, i, cases[i], diag);
        free_case(cases[i]);
    }
    driver->unload(device, code);
    driver->close(device);
    free_list(names);
    weft_diag_destroy(diag);
    assert_true(n >= (wanted[0] ? 1 : 10));
    assert_int_equal(differ, 0);
}

static void
opencl_text_computes_what_the_interpreter_computes(void **state)
{
    run_all(&weft_opencl_driver, *state);
}

static void
spirv_text_computes_what_the_interpreter_computes(void **state)
{
    run_all(&weft_vulkan_driver, *state);
}

static void
run_in_all_orders(const weft_driver *driver, char *const *wanted)
{
    static const char *const orders[] = { "forward", "reverse", "shuffle:1" };
    for (int i = 0; i < 3; i++) {
        setenv("WEFT_EMU_ORDER", orders[i], 1);
        run_all(driver, wanted);
    }
    unsetenv("WEFT_EMU_ORDER");
}

static void
cuda_text_computes_what_the_interpreter_computes(void **state)
{
    run_in_all_orders(&weft_cuda_emu_driver, *state);
}

static void
metal_text_computes_what_the_interpreter_computes(void **state)
{
    run_in_all_orders(&weft_metal_emu_driver, *state);
}

static void
emulated_spirv_computes_what_the_interpreter_computes(void **state)
{
    run_in_all_orders(&weft_vulkan_emu_driver, *state);
}

int
main(int argc, char **argv)
{
    static const char *const filter[][2] = {
        { "opencl", "opencl*" }, { "vulkan", "*spirv*" }, { "cuda", "cuda*" }, { "metal", "metal*" }
    };
    /* The kernels wanted; an empty list: all. */
    char **wanted = argv + (argc > 1 ? 2 : 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(opencl_text_computes_what_the_interpreter_computes, wanted),
        cmocka_unit_test_prestate(spirv_text_computes_what_the_interpreter_computes, wanted),
        cmocka_unit_test_prestate(cuda_text_computes_what_the_interpreter_computes, wanted),
        cmocka_unit_test_prestate(metal_text_computes_what_the_interpreter_computes, wanted),
        cmocka_unit_test_prestate(emulated_spirv_computes_what_the_interpreter_computes, wanted),
    };
    for (int i = 0; argc > 1 && i < 4; i++)
        if (strcmp(argv[1], filter[i][0]) == 0)
            cmocka_set_test_filter(filter[i][1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
