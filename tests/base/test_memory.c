/* Arenas, vectors, strings, hashes, maps and diagnostics. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void
allocations_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    uint32_t seed = 1;
    unsigned char *p[500];
    size_t size[500];
    for (int i = 0; i < 500; i++) {
        size[i] = i % 50 == 49 ? 100000 : next_random(&seed) % 300;
        p[i] = weft_arena_alloc(&a, size[i]);
        assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < size[i]; j++)
            assert_int_equal(p[i][j], 0);
        memset(p[i], i & 255, size[i]);
    }
    for (int i = 0; i < 500; i++)
        for (size_t j = 0; j < size[i]; j++)
            if (p[i][j] != (i & 255))
                fail_msg("block %d was overwritten at %zu", i, j);
    assert_true(a.total > 0);
    weft_arena_reset(&a);
    assert_int_equal(a.total, 0);
    assert_non_null(weft_arena_alloc(&a, 0));
    weft_arena_reset(&a);
}

static void
copies_of_strings_belong_to_the_arena(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    assert_null(weft_arena_strdup(&a, NULL));
    assert_string_equal(weft_arena_strdup(&a, "abc"), "abc");
    assert_string_equal(weft_arena_strndup(&a, "abc", 2), "ab");
    assert_string_equal(weft_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    assert_non_null(weft_arena_dup(&a, NULL, 0));
    weft_arena_reset(&a);
}

static void
a_vector_keeps_its_elements_when_it_grows(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    WEFT_VEC(int) v = { 0 };
    for (int i = 0; i < 1000; i++) {
        int *last = WEFT_PUSH(&a, &v);
        assert_int_equal(*last, 0);
        *last = i;
    }
    assert_int_equal(v.n, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v.at[i], i);
    weft_arena_reset(&a);
}

static void
a_string_grows_and_is_handed_over(void **state)
{
    (void)state;
    weft_str s = { 0 };
    assert_string_equal(weft_str_text(&s), "");
    for (int i = 0; i < 100; i++)
        weft_str_addf(&s, "%d,", i);
    assert_int_equal(s.n, 290);
    weft_str_addn(&s, "xyz", 1);
    assert_string_equal(weft_str_text(&s) + 285, "8,99,x");
    char *text = weft_str_take(&s);
    assert_int_equal(strlen(text), 291);
    free(text);
    text = weft_str_take(&s);
    assert_string_equal(text, "");
    free(text);
}

static void
hashes_are_the_published_ones(void **state)
{
    (void)state;
    char hex[65];
    weft_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    weft_sha256(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(weft_hash_bytes("a", 1) == 0xaf63dc4c8601ec8cull);
    assert_true(weft_hash_bytes("foobar", 6) == 0x85944171f73967e8ull);
}

static void
a_map_finds_what_was_put(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    weft_map *m = weft_map_create(&a);
    assert_int_equal(weft_map_get(m, "x", 1), -1);
    for (int i = 0; i < 3000; i++) {
        int64_t *slot = weft_map_slot(m, &i, sizeof i);
        assert_int_equal(*slot, -1);
        *slot = i * 3;
    }
    for (int i = 0; i < 3000; i++)
        assert_int_equal(weft_map_get(m, &i, sizeof i), i * 3);
    *weft_map_slot(m, "", 0) = 5;
    assert_int_equal(weft_map_get(m, "", 0), 5);
    assert_int_equal(weft_map_get(m, "absent", 6), -1);
    weft_arena_reset(&a);
}

static void
a_map_and_its_copy_change_apart(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    weft_map *m = weft_map_create(&a);
    assert_int_equal(weft_map_get(weft_map_copy(m), "x", 1), -1);
    for (int i = 0; i < 100; i++)
        *weft_map_slot(m, &i, sizeof i) = i;
    weft_map *copy = weft_map_copy(m);
    for (int i = 0; i < 300; i++)
        *weft_map_slot(copy, &i, sizeof i) = -i;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(weft_map_get(m, &i, sizeof i), i < 100 ? i : -1);
        assert_int_equal(weft_map_get(copy, &i, sizeof i), -i);
    }
    weft_arena_reset(&a);
}

static void
the_first_error_decides_the_status(void **state)
{
    (void)state;
    weft_diag *d = weft_diag_create();
    weft_warn(d, "a %s", "warning");
    assert_int_equal(weft_diag_status(d), WEFT_OK);
    assert_int_equal(weft_fail(d, WEFT_LIMIT, "too %s", "large"), WEFT_LIMIT);
    assert_int_equal(weft_fail(d, WEFT_IO, "second"), WEFT_IO);
    assert_int_equal(weft_diag_status(d), WEFT_LIMIT);
    assert_string_equal(weft_diag_text(d), "warning: a warning\nerror: too large\nerror: second\n");
    int n;
    weft_status each;
    assert_non_null(weft_diag_message(d, 0, &n, &each));
    assert_int_equal(each, WEFT_OK);
    assert_int_equal(n, strlen("warning: a warning"));
    const char *said = weft_diag_message(d, 2, &n, &each);
    assert_int_equal(each, WEFT_IO);
    assert_int_equal(n, 6);
    assert_memory_equal(said, "second", 6);
    assert_null(weft_diag_message(d, 3, &n, &each));
    weft_diag_clear(d);
    assert_null(weft_diag_message(d, 0, &n, &each));
    assert_int_equal(weft_diag_status(d), WEFT_OK);
    assert_string_equal(weft_diag_text(d), "");
    assert_int_equal(weft_fail(NULL, WEFT_IO, "nowhere"), WEFT_IO);
    assert_int_equal(weft_diag_status(NULL), WEFT_OK);
    assert_string_equal(weft_diag_text(NULL), "");
    weft_diag_destroy(d);
}

static void
a_place_shows_line_and_caret(void **state)
{
    (void)state;
    weft_diag *d = weft_diag_create();
    const char *source = "first\n\tx = \xc3\xa9 + y\nlast";
    weft_fail_at(d, WEFT_INVALID_INPUT, (weft_place){ "f.wir", 2, 9, source }, "no %c", 'y');
    assert_string_equal(weft_diag_text(d),
                        "f.wir:2:9: error: no y\n\tx = \xc3\xa9 + y\n\t      ^\n");
    weft_diag_clear(d);
    weft_fail_at(d, WEFT_INVALID_INPUT, (weft_place){ "f.wir", 0, 0, NULL }, "empty");
    weft_fail_at(d, WEFT_INVALID_INPUT, (weft_place){ "f.wir", 99, 1, source }, "beyond");
    assert_string_equal(weft_diag_text(d), "f.wir: error: empty\nf.wir:99:1: error: beyond\n");
    weft_diag_destroy(d);
}

static void
what_was_said_is_said_again_without_its_first_word(void **state)
{
    (void)state;
    int n;
    weft_diag *d = weft_diag_create();
    assert_string_equal(weft_diag_said(d, &n), "");
    assert_int_equal(n, 0);
    weft_fail(d, WEFT_LIMIT, "too large");
    weft_fail(d, WEFT_IO, "second");
    const char *text = weft_diag_said(d, &n);
    assert_int_equal(n, strlen("too large\nerror: second"));
    assert_memory_equal(text, "too large\nerror: second", (size_t)n);
    text = weft_diag_first(d, &n);
    assert_int_equal(n, strlen("too large"));
    assert_memory_equal(text, "too large", (size_t)n);
    weft_diag_destroy(d);
}

static void
messages_are_bounded(void **state)
{
    (void)state;
    weft_diag *d = weft_diag_create();
    for (int i = 0; i < 20000; i++)
        weft_fail(d, WEFT_INVALID_INPUT, "message %d of very many that say nothing new", i);
    assert_true(strlen(weft_diag_text(d)) < 300000);
    assert_non_null(strstr(weft_diag_text(d), "the rest is left out"));
    weft_diag_destroy(d);
}

static void
every_status_has_a_sentence_and_a_code(void **state)
{
    (void)state;
    for (int s = 0; s < WEFT_STATUS_COUNT; s++) {
        assert_true(*weft_status_text((weft_status)s));
        assert_in_range(weft_status_exit_code((weft_status)s), 0, 3);
    }
    assert_int_equal(weft_status_exit_code(WEFT_MISMATCH), 1);
    assert_non_null(weft_status_text((weft_status)99));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
        cmocka_unit_test(copies_of_strings_belong_to_the_arena),
        cmocka_unit_test(a_vector_keeps_its_elements_when_it_grows),
        cmocka_unit_test(a_string_grows_and_is_handed_over),
        cmocka_unit_test(hashes_are_the_published_ones),
        cmocka_unit_test(a_map_finds_what_was_put),
        cmocka_unit_test(a_map_and_its_copy_change_apart),
        cmocka_unit_test(the_first_error_decides_the_status),
        cmocka_unit_test(a_place_shows_line_and_caret),
        cmocka_unit_test(what_was_said_is_said_again_without_its_first_word),
        cmocka_unit_test(messages_are_bounded),
        cmocka_unit_test(every_status_has_a_sentence_and_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
