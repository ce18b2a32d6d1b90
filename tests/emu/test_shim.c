/* test_shim.c: what printed text is compiled against, by texts in both languages.
 *
 * shim: a kernel named as its file, of one block of "// block N" threads.  It counts in
 * out[thread] what it finds wrong; in[i] is i.  In every order of threads.
 * shim_bad: texts that are refused, with a message that holds each "// error: ..." of theirs.
 */
#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER WEFT_TEST_DIR

enum { MAX_TEXTS = 64, NIN = 4096, NOUT = 1024 };

typedef struct text {
    char name[64], *words;
    int64_t block;
} text;

typedef struct texts {
    int n;
    text at[MAX_TEXTS];
} texts;

/* ---- files ----------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const text *)a)->name, ((const text *)b)->name);
}

static void
read_texts(const char *folder, const char *suffix, texts *all)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        char path[600];
        size_t n;
        if (!dot || dot == e->d_name || strcmp(dot, suffix))
            continue;
        assert_true(all->n < MAX_TEXTS);
        text *t = &all->at[all->n++];
        snprintf(t->name, sizeof t->name, "%.*s", (int)(dot - e->d_name), e->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(weft_file_read(NULL, path, 1 << 20, &t->words, &n), WEFT_OK);
        const char *block = strstr(t->words, "// block ");
        t->block = block ? strtoll(block + 9, NULL, 10) : 32;
    }
    closedir(dir);
    if (all->n)
        qsort(all->at, (size_t)all->n, sizeof *all->at, by_name);
}

static void
free_texts(texts *all)
{
    for (int i = 0; i < all->n; i++)
        free(all->at[i].words);
}

static weft_source
source_of(const text *t)
{
    return (weft_source){ .name = t->name,
                          .text = t->words,
                          .size = strlen(t->words),
                          .nbuffer = 2,
                          .block = { t->block, 1, 1 } };
}

/* ---- running --------------------------------------------------------------------------------- */

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != WEFT_OK)                                                                     \
            fail_msg("%s", weft_diag_text(diag));                                                  \
    } while (0)

/* How many threads find something wrong. */
static int
run_text(weft_device *device, const weft_code *code, int index, const text *t, weft_diag *diag)
{
    const weft_driver *d = device->driver;
    static const weft_launch empty;
    weft_launch l = empty;
    weft_memory *memory[2];
    weft_batch *batch = NULL;
    int32_t in[NIN], out[NOUT];
    int wrong = 0;
    for (int i = 0; i < NIN; i++)
        in[i] = i;
    memset(out, 0xff, sizeof out);
    CHECK(d->alloc(device, sizeof in, &memory[0], diag));
    CHECK(d->alloc(device, sizeof out, &memory[1], diag));
    CHECK(d->upload(device, memory[0], 0, in, sizeof in, diag));
    CHECK(d->upload(device, memory[1], 0, out, sizeof out, diag));
    const weft_arg arg[] = { { memory[0], 0, sizeof in, false },
                             { memory[1], 0, sizeof out, true } };
    l = (weft_launch){ .name = t->name,
                       .code = code,
                       .kernel = index,
                       .grid = { 1, 1, 1 },
                       .block = { t->block, 1, 1 },
                       .nbuffer = 2,
                       .buffer = arg };
    CHECK(d->record(device, &l, 1, &batch, diag));
    CHECK(d->submit(device, batch, NULL, diag));
    CHECK(d->sync(device, diag));
    CHECK(d->download(device, memory[1], 0, out, sizeof out, diag));
    d->discard(device, batch);
    d->free(device, memory[0]);
    d->free(device, memory[1]);
    for (int i = 0; i < t->block; i++)
        if (out[i] != 0 && wrong++ == 0)
            print_error("%s: thread %d says %d\n", t->name, i, out[i]);
    return wrong;
}

static void
run_all(int language, const char *suffix)
{
    static const char *const orders[] = { "forward", "reverse", "shuffle:1" };
    texts all = { 0 };
    weft_diag *diag = weft_diag_create();
    int wrong = 0;
    read_texts(FOLDER "/shim", suffix, &all);
    assert_true(all.n >= 5);
    for (int o = 0; o < 3; o++) {
        weft_device *device = support_open(language, orders[o]);
        weft_source source[MAX_TEXTS];
        weft_code *code = NULL;
        if (!device)
            skip();
        for (int i = 0; i < all.n; i++)
            source[i] = source_of(&all.at[i]);
        CHECK(device->driver->load(device, source, all.n, WEFT_DEFAULT, &code, diag));
        for (int i = 0; i < all.n; i++)
            wrong += run_text(device, code, i, &all.at[i], diag);
        device->driver->unload(device, code);
        device->driver->close(device);
    }
    free_texts(&all);
    weft_diag_destroy(diag);
    assert_int_equal(wrong, 0);
}

static void
cuda_texts_find_nothing_wrong_in_any_order(void **state)
{
    (void)state;
    run_all(0, ".cu");
}

static void
metal_texts_find_nothing_wrong_in_any_order(void **state)
{
    (void)state;
    run_all(1, ".metal");
}

/* ---- refusing -------------------------------------------------------------------------------- */

/* The words behind each "// error: " that the message lacks; 0 words are a failure of the test. */
static int
count_missing(const text *t, const char *message)
{
    static const char mark[] = "// error: ";
    int missing = 0, n = 0;
    for (const char *at = t->words; (at = strstr(at, mark)); n++) {
        at += sizeof mark - 1;
        char *words = strndup(at, strcspn(at, "\n"));
        if (!strstr(message, words) && ++missing)
            print_error("%s is not refused with '%s', but with '%s'\n", t->name, words, message);
        free(words);
    }
    assert_true(n > 0);
    return missing;
}

static void
refuse_all(int language, const char *suffix)
{
    texts all = { 0 };
    int missing = 0;
    weft_device *device = support_open(language, "forward");
    if (!device)
        skip();
    read_texts(FOLDER "/shim_bad", suffix, &all);
    assert_true(all.n >= 5);
    for (int i = 0; i < all.n; i++) {
        weft_diag *diag = weft_diag_create();
        weft_source source = source_of(&all.at[i]);
        weft_code *code = NULL;
        weft_status s = device->driver->load(device, &source, 1, WEFT_DEFAULT, &code, diag);
        if (s != WEFT_INVALID_INPUT)
            print_error("%s is taken\n", all.at[i].name);
        missing += s != WEFT_INVALID_INPUT;
        missing += count_missing(&all.at[i], weft_diag_text(diag));
        if (code)
            device->driver->unload(device, code);
        weft_diag_destroy(diag);
    }
    device->driver->close(device);
    free_texts(&all);
    assert_int_equal(missing, 0);
}

static void
what_cuda_text_may_not_hold_is_named(void **state)
{
    (void)state;
    refuse_all(0, ".cu");
}

static void
what_metal_text_may_not_hold_is_named(void **state)
{
    (void)state;
    refuse_all(1, ".metal");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuda_texts_find_nothing_wrong_in_any_order),
        cmocka_unit_test(metal_texts_find_nothing_wrong_in_any_order),
        cmocka_unit_test(what_cuda_text_may_not_hold_is_named),
        cmocka_unit_test(what_metal_text_may_not_hold_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
