/* test_caps.c: caps and printers agree: what a backend claims it prints, what it denies it refuses;
 * and the table of profiles is whole. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const weft_target *
default_target(weft_api api)
{
    return weft_profile_find(weft_api_name(api), NULL);
}

static weft_status
print_text(const char *source, const weft_target *target, char **text)
{
    weft_ir *ir = weft_ir_create(NULL);
    weft_str out = { 0 };
    const weft_kernel *kernel = parse_kernel(ir, "kernel", source);
    weft_status status =
        weft_backend_of(target->api)->print(&out, kernel, target, WEFT_DEFAULT, NULL);
    weft_ir_destroy(ir);
    if (text)
        *text = weft_str_take(&out);
    weft_str_free(&out);
    return status;
}

/* A kernel that stores one call of the intrinsic. */
static char *
call_kernel(weft_intrin f)
{
    const weft_intrin_info *info = &weft_intrin_infos[f];
    static const char *const args[] = { "", "A[i]", "A[i], A[i + 1]", "A[i], A[i + 1], A[i + 2]" };
    weft_str text = { 0 };
    weft_str_addf(
        &text,
        "kernel device k(A: f32[64], C: out %s[64])%s\n    grid(1, 1, 1)\n    block(32, 1, "
        "1)\n{\n",
        info->cls == WEFT_IC_TEST ? "bool" : "f32",
        info->cls == WEFT_IC_LANES ? "\n    subgroup 32" : "");
    weft_str_addf(&text, "    for i in 0..32 on thread.x {\n        C[i] = %s(%s)\n    }\n}\n",
                  info->text, info->cls == WEFT_IC_LANES ? "A[i], 1" : args[info->nargs]);
    return weft_str_take(&text);
}

static void
every_function_that_caps_claims_is_printed_and_no_other(void **state)
{
    (void)state;
    for (int p = 0; p < weft_profile_count(); p++) {
        const weft_target *target = weft_profile(p);
        weft_caps caps;
        if (target->api == WEFT_API_NULL || target->api == WEFT_API_INTERP)
            continue;
        weft_backend_of(target->api)->caps(target, &caps);
        for (int f = 0; f < WEFT_IN_COUNT; f++) {
            char *source = call_kernel((weft_intrin)f);
            weft_status status = print_text(source, target, NULL);
            bool preferred_away = target->cls == WEFT_CLASS_VECTOR_CPU && f == WEFT_IN_ERF;
            bool subgroup =
                weft_intrin_infos[f].cls == WEFT_IC_LANES; /* printable, if the device has it */
            if (caps.intrin[f])
                assert_int_equal(status, WEFT_OK);
            else if (!preferred_away && !subgroup)
                assert_int_equal(status, WEFT_INTERNAL);
            free(source);
        }
    }
}

static void
every_dtype_that_caps_stores_is_copied(void **state)
{
    (void)state;
    for (int p = 0; p < weft_profile_count(); p++) {
        const weft_target *target = weft_profile(p);
        weft_caps caps;
        if (target->api == WEFT_API_NULL)
            continue;
        weft_backend_of(target->api)->caps(target, &caps);
        for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
            char source[512];
            const char *name = weft_dtype_name((weft_dtype)t);
            if (!caps.storage[t] || weft_dtype_bits((weft_dtype)t) < 8)
                continue;
            snprintf(source, sizeof source,
                     "kernel device k(A: %s[64], C: out %s[64])\n    grid(1, 1, 1)\n    block(64, "
                     "1, 1)\n{\n"
                     "    for i in 0..64 on thread.x {\n        C[i] = A[i]\n    }\n}\n",
                     name, name);
            assert_int_equal(print_text(source, target, NULL), WEFT_OK);
        }
    }
}

static void
float_minimum_is_refused_where_legalise_has_to_spell_it(void **state)
{
    (void)state;
    static const char source[] =
        "kernel device k(A: f32[64], C: out f32[64])\n    grid(1, 1, 1)\n    block(63, 1, 1)\n{\n"
        "    for i in 0..63 on thread.x {\n        C[i] = min(A[i], A[i + 1])\n    }\n}\n";
    for (int i = 0; i < LANGUAGES; i++) {
        const weft_target *target = default_target(languages[i]);
        weft_caps caps;
        weft_backend_of(languages[i])->caps(target, &caps);
        assert_int_equal(print_text(source, target, NULL),
                         caps.nan_min_max ? WEFT_OK : WEFT_INTERNAL);
    }
}

static void
pocl_leaves_functions_to_polynomials_and_holds_but_does_not_compute_halves(void **state)
{
    (void)state;
    weft_caps caps;
    weft_opencl_backend.caps(weft_profile_find("opencl:pocl", NULL), &caps);
    assert_false(caps.intrin[WEFT_IN_ERF]);
    assert_true(caps.intrin[WEFT_IN_EXP] && caps.slow[WEFT_IN_EXP]);
    assert_true(caps.storage[WEFT_F16]);
    assert_false(caps.arith[WEFT_F16]);
    assert_true(caps.lanes & 1u << 16);
}

static void
each_profile_is_found_by_its_name_and_each_api_has_a_default(void **state)
{
    (void)state;
    for (int p = 0; p < weft_profile_count(); p++) {
        const weft_target *t = weft_profile(p);
        char spec[96];
        snprintf(spec, sizeof spec, "%s:%s", weft_api_name(t->api), t->name);
        assert_ptr_equal(weft_profile_find(spec, NULL), t);
    }
    for (int api = 0; api < WEFT_API_COUNT; api++)
        assert_non_null(weft_profile_find(weft_api_name((weft_api)api), NULL));
    assert_null(weft_profile(-1));
    assert_null(weft_profile(weft_profile_count()));
}

static void
each_profile_states_every_limit(void **state)
{
    (void)state;
    for (int p = 0; p < weft_profile_count(); p++) {
        const weft_target *t = weft_profile(p);
        assert_true(t->max_threads > 0 && t->shared_bytes > 0 && t->max_alloc > 0 &&
                    t->max_range > 0);
        assert_true(t->max_range <= t->max_alloc || t->api == WEFT_API_VULKAN);
        assert_true(t->offset_align > 0 && (t->offset_align & (t->offset_align - 1)) == 0);
        assert_true(t->offset_align >= 16); /* printers load aligned vectors of 16 bytes */
        assert_true(t->max_buffers >= 8 && t->scalar_bytes >= 128 && t->vector_lanes >= 1 &&
                    t->subgroup >= 1);
        assert_true(t->cores > 0 && t->gflops > 0 && t->gbytes > 0 && t->cache_bytes > 0 &&
                    t->registers > 0);
        for (int i = 0; i < 3; i++)
            assert_true(t->max_block[i] > 0 && t->max_grid[i] > 0);
        assert_true((t->spirv_version != 0) == (t->api == WEFT_API_VULKAN));
        assert_true((t->cuda_arch != 0) == (t->api == WEFT_API_CUDA));
        assert_true((t->metal_version != 0) == (t->api == WEFT_API_METAL));
    }
}

static void
the_generic_profiles_ask_for_no_more_than_the_apis_floors(void **state)
{
    (void)state;
    const weft_target *cl = weft_profile_find("opencl:generic-gpu", NULL),
                      *vk = weft_profile_find("vulkan", NULL);
    assert_true(cl->max_threads <= 256 && cl->shared_bytes <= 32768 && cl->max_range <= 134217728);
    assert_true(vk->max_threads <= 256 && vk->shared_bytes <= 16384 && vk->max_range <= 134217728);
    assert_true(vk->scalar_bytes <= 128 && vk->spirv_version == 0x10300);
    assert_false(cl->f16 || cl->f64 || vk->f16 || vk->f64);
}

static void
an_unknown_profile_is_answered_with_those_there_are(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    assert_null(weft_profile_find("opencl:no-such", diag));
    assert_int_equal(weft_diag_status(diag), WEFT_NOT_FOUND);
    assert_non_null(strstr(weft_diag_text(diag), "opencl:no-such"));
    assert_non_null(strstr(weft_diag_text(diag), "vulkan:lavapipe"));
    assert_null(weft_profile_find("open", NULL));
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_that_caps_claims_is_printed_and_no_other),
        cmocka_unit_test(every_dtype_that_caps_stores_is_copied),
        cmocka_unit_test(float_minimum_is_refused_where_legalise_has_to_spell_it),
        cmocka_unit_test(pocl_leaves_functions_to_polynomials_and_holds_but_does_not_compute_halves),
        cmocka_unit_test(each_profile_is_found_by_its_name_and_each_api_has_a_default),
        cmocka_unit_test(each_profile_states_every_limit),
        cmocka_unit_test(the_generic_profiles_ask_for_no_more_than_the_apis_floors),
        cmocka_unit_test(an_unknown_profile_is_answered_with_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
