/* Modules as files: what is written is read again, the same module gives the same bytes, and a file
 * that was tampered with is refused with a sentence. */
#include "support.h"

#include <stdio.h>

static void
module_equal(const weft_module *a, const weft_module *b)
{
    assert_string_equal(a->model, b->model);
    assert_int_equal(a->nsymbol, b->nsymbol);
    assert_int_equal(a->nprogram, b->nprogram);
    const weft_program *p = a->program, *q = b->program;
    assert_string_equal(p->target, q->target);
    assert_string_equal(p->profile.name, q->profile.name);
    assert_int_equal(p->profile.api, q->profile.api);
    assert_true(p->profile.gflops == q->profile.gflops);
    assert_int_equal(p->ntensor, q->ntensor);
    for (int i = 0; i < p->ntensor; i++) {
        const weft_mod_tensor *s = &p->tensor[i], *t = &q->tensor[i];
        assert_string_equal(s->name, t->name);
        assert_int_equal(s->role, t->role);
        assert_int_equal(s->dtype, t->dtype);
        assert_string_equal(s->dim[0], t->dim[0]);
        assert_int_equal(s->alias, t->alias);
        assert_int_equal(s->at, t->at);
        assert_int_equal(s->in_place, t->in_place);
        assert_int_equal(s->last, t->last);
    }
    assert_string_equal(p->kernel->text, q->kernel->text);
    assert_memory_equal(p->kernel->scalar, q->kernel->scalar, 2);
    for (int i = 0; i < p->nstep; i++) {
        assert_string_equal(p->step[i].grid[0], q->step[i].grid[0]);
        assert_string_equal(p->step[i].scalar[1], q->step[i].scalar[1]);
        assert_string_equal(p->step[i].layers, q->step[i].layers);
        assert_int_equal(p->step[i].nreach, q->step[i].nreach);
        assert_string_equal(p->step[i].reach[0], q->step[i].reach[0]);
        assert_string_equal(p->step[i].iterations, q->step[i].iterations);
        assert_true(p->step[i].bytes == q->step[i].bytes);
        assert_int_equal(p->step[i].buffer[2].written, q->step[i].buffer[2].written);
        assert_int_equal(p->step[i].buffer[0].tensor, q->step[i].buffer[0].tensor);
    }
    assert_int_equal(a->nblob, b->nblob);
    for (int i = 0; i < a->nblob; i++) {
        assert_string_equal(a->blob[i].key, b->blob[i].key);
        assert_int_equal(a->blob[i].dtype, b->blob[i].dtype);
        assert_int_equal(a->blob[i].dim[0], b->blob[i].dim[0]);
        assert_int_equal(a->blob[i].size, b->blob[i].size);
        assert_memory_equal(a->blob[i].data, b->blob[i].data, a->blob[i].size);
        assert_int_equal((uintptr_t)b->blob[i].data % 4, 0);
    }
}

/* Writes m at folder/name and reads it again. */
static weft_module *
through(const weft_module *m, const char *folder, const char *name)
{
    weft_diag *diag = weft_diag_create();
    weft_module *back = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (weft_module_write(m, path, diag) || weft_module_read(path, diag, &back))
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
    return back;
}

static void
a_module_comes_back_from_a_directory_and_from_a_zip(void **state)
{
    (void)state;
    char *folder = support_folder();
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    weft_module *d = through(m, folder, "dir/"), *z = through(m, folder, "one.weft");
    module_equal(m, d);
    module_equal(m, z);
    weft_module *zd = through(z, folder, "dir2/"), *dz = through(d, folder, "two.weft");
    module_equal(m, zd);
    module_equal(m, dz);
    weft_module_destroy(d);
    weft_module_destroy(z);
    weft_module_destroy(zd);
    weft_module_destroy(dz);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
same_file(const char *folder, const char *a, const char *b)
{
    char path[160];
    size_t n, k;
    snprintf(path, sizeof path, "%s/%s", folder, a);
    char *x = support_read(path, &n);
    snprintf(path, sizeof path, "%s/%s", folder, b);
    char *y = support_read(path, &k);
    assert_int_equal(n, k);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static void
the_same_module_gives_the_same_bytes(void **state)
{
    (void)state;
    char *folder = support_folder();
    weft_module *m = support_module(WEFT_API_VULKAN, support_add_spv, "7");
    weft_module_destroy(through(m, folder, "a/"));
    weft_module_destroy(through(m, folder, "b.weft"));
    weft_module *back = through(m, folder, "a.weft");
    weft_module_destroy(through(back, folder, "c.weft"));
    weft_module_destroy(through(back, folder, "c/"));
    same_file(folder, "a.weft", "b.weft");
    same_file(folder, "a.weft", "c.weft");
    same_file(folder, "a/manifest.json", "c/manifest.json");
    same_file(folder, "a/weights.safetensors", "c/weights.safetensors");
    same_file(folder, "a/kernels/vulkan-generic-gpu/add.spvasm",
              "c/kernels/vulkan-generic-gpu/add.spvasm");
    weft_module_destroy(back);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
weights_in_a_zip_are_aligned_for_mapping(void **state)
{
    (void)state;
    char *folder = support_folder(), path[128];
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    size_t n;
    weft_module_destroy(through(m, folder, "a.weft"));
    snprintf(path, sizeof path, "%s/a.weft", folder);
    char *text = support_read(path, &n);
    assert_memory_equal(text + 30, "weights.safetensors", 19);
    assert_memory_equal(text + 64 + 8, "{\"__metadata__\":{\"packed\":\"i4[1000]\"}", 37);
    free(text);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
an_edited_kernel_is_read_as_it_stands(void **state)
{
    (void)state;
    char *folder = support_folder(), path[160];
    weft_module *m = support_module(WEFT_API_VULKAN, support_add_spv, NULL), *back = NULL;
    m->program->kernel->binary = "\3\2\1"; /* a .spv that belongs to the text */
    m->program->kernel->binary_size = 3;
    back = through(m, folder, "a/");
    assert_int_equal(back->program->kernel->binary_size, 3);
    weft_module_destroy(back);
    snprintf(path, sizeof path, "%s/a/kernels/vulkan-generic-gpu/add.spvasm", folder);
    assert_int_equal(weft_file_write(NULL, path, "; edited\n", 9), WEFT_OK);
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(weft_module_read(path, NULL, &back), WEFT_OK);
    assert_string_equal(back->program->kernel->text, "; edited\n");
    assert_null(back->program->kernel->binary); /* outdated by the edit */
    weft_module_destroy(back);
    weft_diag *diag = weft_diag_create();
    snprintf(path, sizeof path, "%s/a/kernels/vulkan-generic-gpu/add.spvasm", folder);
    assert_int_equal(weft_file_write(NULL, path, "; a\0b\n", 6), WEFT_OK);
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(weft_module_read(path, diag, &back), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "add.spvasm' holds a zero byte"));
    weft_diag_destroy(diag);
    weft_module_destroy(m);
    support_remove(folder);
}

/* ---- hostile files --------------------------------------------------------------------------- */

static const struct {
    const char *from, *to, *message;
} edits[] = {
    { "\"format\": \"weft\"", "\"format\": \"zip\"", "not a weft module" },
    { "\"version\": 1", "\"version\": 2", "version is not 1" },
    { "\"programs\": [", "\"programs\": 3, \"x\": [", "programs is not an array" },
    { "\"name\": \"add\"", "\"name\": \"../add\"", "not a kernel's file name" },
    { "\"name\": \"add\"", "\"name\": \"a/dd\"", "dd.cl" },
    { "\"launch\": 0", "\"launch\": 1", "there is no kernel 1" },
    { "\"launch\": 0", "\"launch\": -1", "is not an integer from 0" },
    { "\"launch\": 0", "\"launch\": 99999999999999999999", "manifest.json:" },
    { "\"tensor\": 4", "\"tensor\": 5", "there is no tensor 5" },
    { "\"tensor\": 2,\n       \"offset\": \"0\"", "\"tensor\": 4,\n       \"offset\": \"0\"",
      "writes 'w'" },
    { "(n + 63) // 64", "(n + 63 // 64", "not valid" },
    { "(n + 63) // 64", "(m + 63) // 64", "not valid" },
    { "\"n + 63\"", "\"n + 63)\"", "the reach of add: the expression is not valid" },
    { "\"n + 63\"", "\"m + 63\"", "the reach of add: the expression is not valid" },
    { "\"n + 63\"", "7", "reach is not a text" },
    { "\"reach\": [", "\"reach\": 1, \"x\": [", "reach is not an array" },
    { "\"iterations\": \"n\"", "\"iterations\": \"n n\"", "the iterations of add: the expression" },
    { "\"iterations\": \"n\"", "\"iterations\": 7", "iterations is not a text" },
    { "\"role\": \"temp\"", "\"role\": \"output\"", "output" },
    { "\"role\": \"temp\"", "\"role\": \"lost\"", "word that weft knows" },
    { "\"last\": 1", "\"last\": 0", "uses 't', whose memory lives" },
    { "\"last\": 1", "\"last\": 4", "lives from step 0 to 4" },
    { "\"name\": \"c\"", "\"name\": \"a\"", "'a' stands twice" },
    { "\"name\": \"c\"", "\"name\": \"\"", "empty name" },
    { "\"blob\": \"b10b\"", "\"blob\": \"nob\"", "'nob' is not in the weights" },
    { "\"1000\"\n     ],\n     \"blob\"", "\"1001\"\n     ],\n     \"blob\"", "needs 4004 bytes" },
    { "\"dtype\": \"f32\"", "\"dtype\": \"f33\"", "dtype is not a word" },
    { "\"i32\"", "\"f32\"", "neither i32 nor i64" },
    { "\"buffers\": 3", "\"buffers\": 2", "it takes 2 and 2" },
    { "\"outputs\": [\n    3", "\"outputs\": [\n    2", "output 0" },
    { "\"target\": \"opencl:generic-gpu\"", "\"target\": \"../x\"", "not" },
    { "\"max\": \"1000\"", "\"max\": \"n\"", "must be numbers" },
    { "\"model\": \"adds.onnx\",", "\"model\": \"a\\u0000b\",", "manifest.json:" },
    { "\"flops\": 2000.0", "\"flops\": -1.0", "flops is not a number" },
    { "}", "", "manifest.json:" },
};

static void
a_manifest_that_was_tampered_with_is_refused(void **state)
{
    (void)state;
    char *folder = support_folder(), path[128], dir[128];
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    weft_diag *diag = weft_diag_create();
    size_t n;
    weft_module_destroy(through(m, folder, "a/"));
    snprintf(dir, sizeof dir, "%s/a", folder);
    snprintf(path, sizeof path, "%s/a/manifest.json", folder);
    char *good = support_read(path, &n);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        weft_str bad = { 0 };
        weft_module *back = NULL;
        const char *at = strstr(good, edits[i].from);
        if (!at)
            fail_msg("the manifest has no %s", edits[i].from);
        weft_str_addn(&bad, good, (size_t)(at - good));
        weft_str_add(&bad, edits[i].to);
        weft_str_add(&bad, at + strlen(edits[i].from));
        weft_file_write(NULL, path, bad.at, bad.n);
        weft_diag_clear(diag);
        weft_status s = weft_module_read(dir, diag, &back);
        if (s == WEFT_OK || back || !strstr(weft_diag_text(diag), edits[i].message))
            fail_msg("edit %zu to %s: %s", i, edits[i].to, weft_diag_text(diag));
        weft_str_free(&bad);
    }
    free(good);
    weft_diag_destroy(diag);
    weft_module_destroy(m);
    support_remove(folder);
}

/* As modules were written before kernels told it. */
static void
a_manifest_that_does_not_say_how_far_kernels_count_is_read(void **state)
{
    (void)state;
    char *folder = support_folder();
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    for (int i = 0; i < m->program->nstep; i++) {
        m->program->step[i].nreach = 0;
        m->program->step[i].iterations = NULL;
    }
    weft_module *back = through(m, folder, "a/");
    assert_int_equal(back->program->step[0].nreach, 0);
    assert_null(back->program->step[0].iterations);
    weft_module_destroy(back);
    weft_module_destroy(m);
    support_remove(folder);
}

/* Every cut and many flipped bytes of a zip end in a status, never in a crash or a hang. */
static void
a_damaged_zip_is_refused_or_read_but_never_crashes(void **state)
{
    (void)state;
    char *folder = support_folder(), path[128], other[128];
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL), *back;
    size_t n;
    weft_module_destroy(through(m, folder, "a.weft"));
    snprintf(path, sizeof path, "%s/a.weft", folder);
    snprintf(other, sizeof other, "%s/b.weft", folder);
    char *good = support_read(path, &n);
    int refused = 0;
    for (size_t cut = 0; cut < n; cut += 97) {
        weft_file_write(NULL, other, good, cut);
        assert_int_not_equal(weft_module_read(other, NULL, &back), WEFT_OK);
        assert_null(back);
    }
    for (size_t i = 0; i < n; i += 29) {
        good[i] ^= 0x55;
        weft_file_write(NULL, other, good, n);
        refused += weft_module_read(other, NULL, &back) != WEFT_OK;
        weft_module_destroy(back);
        good[i] ^= 0x55;
    }
    assert_true(refused > 50);
    free(good);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
weights_that_lie_outside_the_file_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
    } lies[] = {
        { "[0,4000]", "[0,9000]" },
        { "[0,4000]", "[8,4000]" },
        { "\"shape\":[1000]", "\"shape\":[1001]" },
        { "\"shape\":[1000]", "\"shape\":[-100]" },
        { "\"F32\"", "\"F31\"" },
        { "i4[1000]", "i4[1003]" },
        { "i4[1000]", "i4[100x]" },
    };
    (void)state;
    char *folder = support_folder(), path[128], dir[128];
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL), *back;
    size_t n;
    weft_module_destroy(through(m, folder, "a/"));
    snprintf(dir, sizeof dir, "%s/a", folder);
    snprintf(path, sizeof path, "%s/a/weights.safetensors", folder);
    char *good = support_read(path, &n), *bad = malloc(n);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        char *at = strstr(good + 8, lies[i].from);
        assert_non_null(at);
        memcpy(bad, good, n);
        memcpy(bad + (at - good), lies[i].to, strlen(lies[i].to));
        weft_file_write(NULL, path, bad, n);
        assert_int_not_equal(weft_module_read(dir, NULL, &back), WEFT_OK);
        assert_null(back);
    }
    memset(good, 0xff, 8); /* a header of nearly 2^64 bytes */
    weft_file_write(NULL, path, good, n);
    assert_int_not_equal(weft_module_read(dir, NULL, &back), WEFT_OK);
    weft_file_write(NULL, path, good, 5);
    assert_int_not_equal(weft_module_read(dir, NULL, &back), WEFT_OK);
    free(bad);
    free(good);
    weft_module_destroy(m);
    support_remove(folder);
}

static void
aliases_in_a_circle_are_refused(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_module *m = support_module(WEFT_API_OPENCL, support_add_cl, NULL);
    m->program->tensor[2].alias = 3;
    assert_int_equal(weft_module_check(m, diag), WEFT_OK);
    m->program->tensor[3].alias = 2;
    assert_int_equal(weft_module_check(m, diag), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "circle"));
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
parts_of_a_tensor_come_back_from_a_file(void **state)
{
    (void)state;
    char *folder = support_folder();
    weft_module *m = support_parts(WEFT_API_OPENCL, support_add_cl, NULL);
    weft_module *back = through(m, folder, "parts.weft");
    module_equal(m, back);
    weft_module_destroy(back);
    weft_module_destroy(m);
    support_remove(folder);
}

static const struct {
    int tensor, alias;
    int64_t at;
    const char *message;
} hostile_parts[] = {
    { SUPPORT_T, SUPPORT_PAIR, -64, "'t' begins at byte -64; only a temporary" },
    { SUPPORT_T, SUPPORT_PAIR, INT64_MAX, "'t' begins at byte 9223372036854775807" },
    { SUPPORT_T, -1, 64, "'t' begins at byte 64; only a temporary with an alias" },
    { 0, -1, 64, "'a' begins at byte 64" },
    { 0, SUPPORT_PAIR, 64, "input 'a' cannot be an alias" },
    { 3, SUPPORT_PAIR, 64, "'y' begins at byte 64" },
    { 4, SUPPORT_PAIR, 64, "'w' begins at byte 64" },
    { SUPPORT_WHOLE, SUPPORT_T, 64, "aliases go in a circle" },
    { SUPPORT_T, 4, 64, "writes 't', which lies in constant 'w'" },
    { SUPPORT_T, 9, 64, "alias (9)" },
};

static void
a_part_that_begins_nowhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile_parts / sizeof *hostile_parts; i++) {
        weft_diag *diag = weft_diag_create();
        weft_module *m = support_parts(WEFT_API_OPENCL, support_add_cl, NULL);
        weft_mod_tensor *t = &m->program->tensor[hostile_parts[i].tensor];
        assert_int_equal(weft_module_check(m, diag), WEFT_OK);
        t->alias = hostile_parts[i].alias;
        t->at = hostile_parts[i].at;
        assert_int_equal(weft_module_check(m, diag), WEFT_INVALID_INPUT);
        if (!strstr(weft_diag_text(diag), hostile_parts[i].message))
            fail_msg("part %zu: %s", i, weft_diag_text(diag));
        weft_module_destroy(m);
        weft_diag_destroy(diag);
    }
}

/* As far as it can be from its root, at the end of a chain of all the tensors that there may be. */
static void
the_longest_chain_of_parts_is_checked_at_once(void **state)
{
    enum { MANY = 1 << 17 };
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_module *m = support_parts(WEFT_API_OPENCL, support_add_cl, NULL);
    weft_program *p = m->program;
    weft_mod_tensor *tensor = WEFT_NEW_ARRAY(&m->arena, MANY, weft_mod_tensor);
    memcpy(tensor, p->tensor, (size_t)p->ntensor * sizeof *tensor);
    for (int i = p->ntensor; i < MANY; i++) {
        tensor[i] = tensor[SUPPORT_T];
        tensor[i].name = weft_arena_printf(&m->arena, "link%d", i);
        tensor[i].alias = i + 1 < MANY ? i + 1 : SUPPORT_PAIR;
        tensor[i].at = INT64_MAX / 2 / MANY;
    }
    tensor[SUPPORT_T].alias = p->ntensor;
    p->tensor = tensor;
    p->ntensor = MANY;
    assert_int_equal(weft_module_check(m, diag), WEFT_OK);
    tensor[SUPPORT_PAIR].alias = SUPPORT_T;
    assert_int_equal(weft_module_check(m, diag), WEFT_INVALID_INPUT);
    assert_non_null(strstr(weft_diag_text(diag), "circle"));
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

static void
a_path_that_is_no_module_is_refused(void **state)
{
    (void)state;
    weft_module *m = NULL;
    weft_diag *diag = weft_diag_create();
    assert_int_equal(weft_module_read("/nonexistent/x.weft", diag, &m), WEFT_IO);
    assert_null(m);
    assert_non_null(strstr(weft_diag_text(diag), "/nonexistent/x.weft"));
    weft_diag_clear(diag);
    assert_int_not_equal(weft_module_read(WEFT_TEST_DIR, diag, &m), WEFT_OK);
    assert_non_null(strstr(weft_diag_text(diag), "manifest.json"));
    weft_diag_clear(diag);
    assert_int_equal(weft_module_read(WEFT_TEST_DIR "/test_module.c", diag, &m),
                     WEFT_INVALID_INPUT);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_comes_back_from_a_directory_and_from_a_zip),
        cmocka_unit_test(the_same_module_gives_the_same_bytes),
        cmocka_unit_test(weights_in_a_zip_are_aligned_for_mapping),
        cmocka_unit_test(an_edited_kernel_is_read_as_it_stands),
        cmocka_unit_test(a_manifest_that_was_tampered_with_is_refused),
        cmocka_unit_test(a_manifest_that_does_not_say_how_far_kernels_count_is_read),
        cmocka_unit_test(a_damaged_zip_is_refused_or_read_but_never_crashes),
        cmocka_unit_test(weights_that_lie_outside_the_file_are_refused),
        cmocka_unit_test(aliases_in_a_circle_are_refused),
        cmocka_unit_test(parts_of_a_tensor_come_back_from_a_file),
        cmocka_unit_test(a_part_that_begins_nowhere_is_refused),
        cmocka_unit_test(the_longest_chain_of_parts_is_checked_at_once),
        cmocka_unit_test(a_path_that_is_no_module_is_refused),
    };
    return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
