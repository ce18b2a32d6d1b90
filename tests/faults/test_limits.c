/* Modules whose kernels exceed a device: every limit of a profile is shrunk below what the module
 * asks for, on every device; a session is refused with kernel, number, limit and remedy, and the
 * driver is not asked to load anything. */
#include "support.h"

#include "../runtime/support.h"

typedef struct bench {
    fault_device *f;
    weft_module *m;
    weft_diag *diag;
    weft_session *s;
} bench;

static bench
make(const fault_api *api, const char *n)
{
    bench b = { .f = fault_open(api->driver), .diag = weft_diag_create() };
    if (b.f)
        b.m = support_module(api->api, api->text, n);
    return b;
}

static void
drop(bench *b)
{
    if (b->f) {
        weft_session_destroy(b->s);
        fault_expect_nothing_alive(b->f, "a refusal");
        weft_device_close(&b->f->base);
        weft_module_destroy(b->m);
    }
    weft_diag_destroy(b->diag);
}

/* Expects that no session can be made, with these words in the message, and nothing compiled. */
static void
expect_refused(bench *b, const char *const words[], int n)
{
    char of_device[80];
    fault_arm(b->f, -1, FAULT_LOAD, WEFT_OK, "");
    weft_status s = weft_session_create(b->m, &b->f->base, NULL, b->diag, &b->s);
    const char *text = weft_diag_text(b->diag);
    if (s != WEFT_LIMIT || b->s)
        fail_msg("'%s': status %d: %s", words[0], (int)s, text);
    snprintf(of_device, sizeof of_device, "device '%s' (", b->f->base.info.id);
    assert_non_null(strstr(text, of_device));
    for (int i = 0; i < n; i++)
        if (!strstr(text, words[i]))
            fail_msg("no '%s' in: %s", words[i], text);
    weft_diag_clear(b->diag);
}

/* Before shapes are known: nothing is compiled either. */
static void
expect_refused_early(bench *b, const char *what, const char *number, const char *limit)
{
    const char *words[] = { "kernel 'add'", what, number, limit, "compile the model for it" };
    expect_refused(b, words, 5);
    assert_int_equal(b->f->calls, 0);
}

static void
on_every_device(void (*check)(bench *, weft_target *), const char *n)
{
    for (int i = 0; i < fault_napi; i++) {
        bench b = make(&fault_apis[i], n);
        if (b.f)
            check(&b, &b.f->base.info.target);
        drop(&b);
    }
}

static void
shrink_threads(bench *b, weft_target *t)
{
    t->max_threads = 32;
    expect_refused_early(b, "its block", "is 64", "at most 32");
}

static void
more_threads_a_block_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_threads, NULL);
}

static void
shrink_side(bench *b, weft_target *t)
{
    t->max_block[0] = 63;
    expect_refused_early(b, "one side of its block", "is 64", "at most 63");
}

static void
a_longer_side_of_a_block_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_side, NULL);
}

static void
shrink_shared(bench *b, weft_target *t)
{
    t->shared_bytes = 16384;
    t->shared_optin = 0;
    b->m->program->kernel[0].shared_bytes = 16400;
    expect_refused_early(b, "shared memory", "is 16400", "at most 16384");
    b->m->program->kernel[0].shared_bytes = 16384;
    assert_int_equal(weft_session_create(b->m, &b->f->base, NULL, b->diag, &b->s), WEFT_OK);
}

static void
more_shared_memory_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_shared, NULL);
}

static void
shrink_buffers(bench *b, weft_target *t)
{
    t->max_buffers = 2;
    expect_refused_early(b, "number of buffers", "is 3", "at most 2");
}

static void
more_buffers_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_buffers, NULL);
}

static void
shrink_scalars(bench *b, weft_target *t)
{
    t->scalar_bytes = 15; /* i32, then i64 on its own boundary: 16 */
    expect_refused_early(b, "scalar arguments' bytes", "is 16", "at most 15");
}

static void
more_scalar_bytes_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_scalars, NULL);
}

static void
ask_subgroup(bench *b, weft_target *t)
{
    weft_device_info *info = &b->f->base.info;
    info->least_subgroup = info->most_subgroup = 0;
    t->subgroup = 8;
    b->m->program->kernel[0].subgroup = 32;
    expect_refused_early(b, "subgroups of 32", "", "has 8");
    info->least_subgroup = 4;
    info->most_subgroup = 16;
    expect_refused_early(b, "subgroups of 32", "", "has 4 to 16");
}

static void
a_subgroup_size_that_the_device_has_not(void **state)
{
    (void)state;
    on_every_device(ask_subgroup, NULL);
}

static void
ask_whole_subgroups(bench *b, weft_target *t)
{
    weft_mod_kernel *k = &b->m->program->kernel[0];
    b->f->base.info.least_subgroup = b->f->base.info.most_subgroup = 0;
    t->subgroup = k->subgroup = 8;
    t->whole_subgroups = true;
    for (int a = 0; a < 3; a++)
        k->block[a] = a ? 1 : 12;
    expect_refused_early(b, "its block of 12 threads", "whole subgroups of 8", "needs it");
    k->block[0] = 0;
    expect_refused_early(b, "its block of 0 threads", "whole subgroups of 8", "needs it");
    k->block[0] = 24;
    t->max_subgroups = 2;
    expect_refused_early(b, "number of subgroups", "is 3", "at most 2");
}

static void
a_block_that_is_not_of_whole_subgroups(void **state)
{
    (void)state;
    on_every_device(ask_whole_subgroups, NULL);
}

/* Each need in turn, on a device that has all but that. */
static void
take_away_needs(bench *b, weft_target *t)
{
    const weft_target whole = *t;
    for (int i = 0; i < WEFT_NEED_COUNT; i++) {
        bool *has[] = {
#define NEED(field, words) &t->field,
#include "base/need.def"
#undef NEED
        };
        *t = whole;
        *has[i] = false;
        b->m->program->kernel[0].needs = 1u << i;
        expect_refused_early(b, weft_need_words((weft_need)i), "", "has not");
    }
}

static void
arithmetic_or_storage_that_the_device_has_not(void **state)
{
    (void)state;
    on_every_device(take_away_needs, NULL);
}

static void
shrink_grid(bench *b, weft_target *t)
{
    const char *words[] = { "kernel 'add'", "one side of its grid is 16", "at most 15",
                            "compile the model for it" };
    t->max_grid[0] = 15;
    expect_refused(b, words, 4);
}

static void
more_blocks_than_the_device_has(void **state)
{
    (void)state;
    on_every_device(shrink_grid, "1000");
}

static void
shrink_range(bench *b, weft_target *t)
{
    const char *words[] = { "kernel 'add'", "the bytes of one buffer is 4000", "at most 3999" };
    t->max_range = 3999;
    expect_refused(b, words, 3);
}

static void
a_buffer_beyond_the_range_that_a_kernel_sees(void **state)
{
    (void)state;
    on_every_device(shrink_range, "1000");
}

static void
shrink_alloc(bench *b, weft_target *t)
{
    const char *constant[] = { "a constant of 4000 bytes", "at most 3999", "another device" };
    const char *tensor[] = { "tensor 'a' has 4800 bytes", "at most 4608", "smaller shapes" };
    t->max_alloc = 3999;
    expect_refused(b, constant, 3);
    t->max_alloc = 4608; /* the constant fits, an input of 1200 numbers does not */
    expect_refused(b, tensor, 3);
}

static void
an_allocation_beyond_the_limit(void **state)
{
    (void)state;
    on_every_device(shrink_alloc, "1200");
}

/* A module for several targets: the program that fits is taken, wherever it stands. */
static void
of_several_programs_the_one_that_fits_is_taken(void **state)
{
    (void)state;
    bench b = make(&fault_apis[0], "1000");
    weft_program *two = WEFT_NEW_ARRAY(&b.m->arena, 2, weft_program);
    two[0] = two[1] = b.m->program[0];
    two[1].target = "opencl:small";
    two[0].kernel = weft_arena_dup(&b.m->arena, two[0].kernel, sizeof *two[0].kernel);
    two[0].kernel[0].shared_bytes = 65536;
    b.m->program = two;
    b.m->nprogram = 2;
    b.f->base.info.target.shared_bytes = 32768;
    assert_int_equal(weft_session_create(b.m, &b.f->base, NULL, b.diag, &b.s), WEFT_OK);
    assert_string_equal(weft_session_program(b.s)->target, "opencl:small");
    drop(&b);
}

/* The driver's own count of what is in use, before the API is asked. */
static void
more_memory_than_the_device_has(void **state)
{
    (void)state;
    for (int i = 0; i < fault_napi; i++) {
        fault_device *f = fault_apis[i].computes ? fault_open(fault_apis[i].driver) : NULL;
        weft_diag *diag = weft_diag_create();
        weft_memory *m = NULL;
        if (f) {
            weft_status s = f->driver.alloc(&f->base, INT64_C(1) << 50, &m, diag);
            assert_int_equal(s, WEFT_OUT_OF_MEMORY);
            assert_null(m);
            assert_non_null(strstr(weft_diag_text(diag), "1125899906842624 bytes"));
            assert_non_null(strstr(weft_diag_text(diag), f->base.info.id));
            weft_device_close(&f->base);
        }
        weft_diag_destroy(diag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_threads_a_block_than_the_device_has),
        cmocka_unit_test(a_longer_side_of_a_block_than_the_device_has),
        cmocka_unit_test(more_shared_memory_than_the_device_has),
        cmocka_unit_test(more_buffers_than_the_device_has),
        cmocka_unit_test(more_scalar_bytes_than_the_device_has),
        cmocka_unit_test(a_subgroup_size_that_the_device_has_not),
        cmocka_unit_test(a_block_that_is_not_of_whole_subgroups),
        cmocka_unit_test(arithmetic_or_storage_that_the_device_has_not),
        cmocka_unit_test(more_blocks_than_the_device_has),
        cmocka_unit_test(a_buffer_beyond_the_range_that_a_kernel_sees),
        cmocka_unit_test(an_allocation_beyond_the_limit),
        cmocka_unit_test(of_several_programs_the_one_that_fits_is_taken),
        cmocka_unit_test(more_memory_than_the_device_has),
    };
    char *folder = support_folder();
    setenv("WEFT_CACHE_DIR", folder, 1);
    int failed = cmocka_run_group_tests_name("limits", tests, NULL, NULL);
    support_remove(folder);
    return failed;
}
