/* The kernel cache: hits, and all the ways in which an entry is a miss and nothing fails. */
#include "support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int
setup(void **state)
{
    *state = support_folder();
    setenv("WEFT_CACHE_DIR", *state, 1);
    unsetenv("WEFT_CACHE");
    unsetenv("WEFT_CACHE_MAX_MB");
    return 0;
}

static int
teardown(void **state)
{
    support_remove(*state);
    return 0;
}

static void
key_of(char key[65], const char *a, const char *b)
{
    const char *part[] = { a, b };
    const size_t size[] = { strlen(a), strlen(b) };
    weft_cache_key(key, 2, part, size);
}

static bool
holds(const char *key, const char *text)
{
    void *data;
    size_t n;
    bool hit = weft_cache_get(key, &data, &n);
    if (hit) {
        assert_int_equal(n, strlen(text));
        assert_memory_equal(data, text, n);
    }
    free(data);
    return hit;
}

static void
an_entry_comes_back_under_its_key_alone(void **state)
{
    char key[65], other[65];
    (void)state;
    key_of(key, "ab", "c");
    key_of(other, "a", "bc");
    assert_string_not_equal(key, other);
    assert_false(holds(key, ""));
    weft_cache_put(key, "binary", 6);
    assert_true(holds(key, "binary"));
    assert_false(holds(other, ""));
    assert_false(holds("../../etc/passwd", ""));
}

static void
a_corrupt_or_cut_entry_is_a_miss(void **state)
{
    char key[65], path[200];
    size_t n;
    key_of(key, "x", "y");
    weft_cache_put(key, "binary", 6);
    snprintf(path, sizeof path, "%s/%s", (char *)*state, key);
    char *good = support_read(path, &n);
    for (size_t i = 0; i < n; i++) {
        good[i] ^= 1;
        weft_file_write(NULL, path, good, n);
        assert_false(holds(key, ""));
        good[i] ^= 1;
        weft_file_write(NULL, path, good, i);
        assert_false(holds(key, ""));
    }
    weft_file_write(NULL, path, good, n);
    assert_true(holds(key, "binary"));
    free(good);
}

static void
a_place_that_cannot_be_written_is_no_error(void **state)
{
    char key[65], file[200];
    key_of(key, "x", "y");
    snprintf(file, sizeof file, "%s/file", (char *)*state);
    weft_file_write(NULL, file, "x", 1);
    const char *places[] = { "/proc/weft", file, "/dev/null/x" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        setenv("WEFT_CACHE_DIR", places[i], 1);
        weft_cache_put(key, "binary", 6);
        assert_false(holds(key, ""));
    }
}

static void
the_cache_can_be_switched_off(void **state)
{
    char key[65];
    (void)state;
    key_of(key, "x", "y");
    setenv("WEFT_CACHE", "0", 1);
    weft_cache_put(key, "binary", 6);
    assert_false(holds(key, ""));
    unsetenv("WEFT_CACHE");
    assert_false(holds(key, ""));
}

static void
the_oldest_entries_go_when_the_cap_is_reached(void **state)
{
    char key[4][65], path[400];
    char *big = calloc(1, 400 << 10);
    setenv("WEFT_CACHE_MAX_MB", "1", 1);
    snprintf(path, sizeof path, "%s/notes.txt", (char *)*state);
    weft_file_write(NULL, path, "mine", 4);
    for (int i = 0; i < 4; i++) {
        char name[2] = { (char)('a' + i), 0 };
        struct timespec then[2] = { { 1000 + i, 0 }, { 1000 + i, 0 } };
        key_of(key[i], name, "");
        weft_cache_put(key[i], big, 400 << 10);
        snprintf(path, sizeof path, "%s/%s", (char *)*state, key[i]);
        if (i < 3)
            utimensat(0, path, then, 0);
    }
    void *data;
    size_t n;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(weft_cache_get(key[i], &data, &n), i >= 2);
        free(data);
    }
    snprintf(path, sizeof path, "%s/notes.txt", (char *)*state);
    assert_int_equal(access(path, F_OK), 0);
    free(big);
}

static void
comments_do_not_count(void **state)
{
    static const struct {
        const char *from, *to;
        bool spirv;
    } cases[] = {
        { "a // b\nc", "a \nc", false },
        { "a /* b */ c", "a   c", false },
        { "a /* b\nc\n */ d", "a  \n\n d", false },
        { "s = \"//\"; // x", "s = \"//\"; ", false },
        { "a / b /* open", "a / b  ", false },
        { "'\"' // x", "'\"' ", false },
        { "%a = OpX ; note\n%b", "%a = OpX \n%b", true },
        { "OpName %a \"x;y\" ; z", "OpName %a \"x;y\" ", true },
        { "a // b", "a // b", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_str s = { 0 };
        weft_cache_strip(&s, cases[i].from, cases[i].spirv);
        assert_string_equal(weft_str_text(&s), cases[i].to);
        weft_str_free(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_comes_back_under_its_key_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_corrupt_or_cut_entry_is_a_miss, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_that_cannot_be_written_is_no_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_cache_can_be_switched_off, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_entries_go_when_the_cap_is_reached, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(comments_do_not_count, setup, teardown),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
