/* Integer expressions and the memory packer. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "n", "batch", "n.2" };
static const int64_t values[] = { 10, 3, -7 };

static void
check_value(const char *text, int64_t want)
{
    weft_arena a = { 0 };
    weft_diag *d = weft_diag_create();
    int64_t got = 0;
    const weft_iexpr *e = weft_iexpr_parse(&a, d, text, 3, names);
    if (!e || weft_iexpr_eval(e, values, d, &got) != WEFT_OK)
        fail_msg("%s: %s", text, weft_diag_text(d));
    if (got != want)
        fail_msg("%s is %lld, not %lld", text, (long long)got, (long long)want);
    weft_diag_destroy(d);
    weft_arena_reset(&a);
}

static void
expressions_mean_what_they_say(void **state)
{
    (void)state;
    check_value("42", 42);
    check_value(" n * batch + 1 ", 31);
    check_value("n + batch * 2 - 1", 15);
    check_value("(n + batch) * 2", 26);
    check_value("10 - 3 - 2", 5);
    check_value("n.2 // 2", -4);
    check_value("n.2 % 4", 1);
    check_value("(n + 63) // 64 * 64", 64);
    check_value("min(n, batch) + max(n, batch)", 13);
    check_value("-5 // 2", -3);
    check_value("9223372036854775807", INT64_MAX);
}

static void
check_refused(const char *text, const char *want)
{
    weft_arena a = { 0 };
    weft_diag *d = weft_diag_create();
    int64_t v;
    const weft_iexpr *e = weft_iexpr_parse(&a, d, text, 3, names);
    if (e && weft_iexpr_eval(e, values, d, &v) == WEFT_OK)
        fail_msg("%s was taken", text);
    if (!strstr(weft_diag_text(d), want))
        fail_msg("expected '%s' in: %s", want, weft_diag_text(d));
    weft_diag_destroy(d);
    weft_arena_reset(&a);
}

static void
malformed_expressions_are_refused(void **state)
{
    (void)state;
    check_refused("", "a value is expected");
    check_refused("n +", "a value is expected");
    check_refused("(n", "')' is expected");
    check_refused("n n", "an operator or the end");
    check_refused("m", "no such symbol");
    check_refused("nn", "no such symbol");
    check_refused("min(n)", "',' is expected");
    check_refused("n / 2", "an operator or the end");
    check_refused("9223372036854775808", "out of the range");
    check_refused("9223372036854775807 + 1", "exceeds the range");
    check_refused("9223372036854775807 * 2", "exceeds the range");
    check_refused("(0 - 9223372036854775807 - 1) // (0 - 1)", "exceeds the range");
    check_refused("n // (batch - 3)", "divides by zero");
    check_refused("n % 0", "divides by zero");
}

static void
deep_and_long_expressions_are_refused(void **state)
{
    (void)state;
    weft_str s = { 0 };
    for (int i = 0; i < 1000; i++)
        weft_str_add(&s, "(");
    check_refused(s.at, "too deep");
    weft_str_free(&s);
    for (int i = 0; i < 1000; i++)
        weft_str_add(&s, "1+");
    weft_str_add(&s, "1");
    check_refused(s.at, "too deep");
    for (int i = 0; i < 100000; i++)
        weft_str_add(&s, " ");
    check_refused(s.at, "at most");
    weft_str_free(&s);
}

static void
an_expression_without_symbols_is_a_constant(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    int64_t v;
    assert_true(weft_iexpr_const(weft_iexpr_parse(&a, NULL, "2 * 3 + 1", 0, NULL), &v));
    assert_int_equal(v, 7);
    assert_false(weft_iexpr_const(weft_iexpr_parse(&a, NULL, "n * 0", 3, names), &v));
    assert_false(weft_iexpr_const(weft_iexpr_parse(&a, NULL, "1 // 0", 0, NULL), &v));
    weft_arena_reset(&a);
}

static void
check_range(const char *text, int64_t least, int64_t most)
{
    weft_arena a = { 0 };
    int64_t low[] = { 0, 2, -3 }, high[] = { 4, 2, 5 }, got[2];
    const weft_iexpr *e = weft_iexpr_parse(&a, NULL, text, 3, names);
    assert_non_null(e);
    if (weft_iexpr_range(e, low, high, NULL, &got[0], &got[1]) != WEFT_OK || got[0] != least ||
        got[1] != most)
        fail_msg("'%s' is from %lld to %lld", text, (long long)got[0], (long long)got[1]);
    weft_arena_reset(&a);
}

static void
an_expression_has_a_range(void **state)
{
    weft_arena a = { 0 };
    int64_t zero[3] = { 0 }, v;
    (void)state;
    weft_str s = { 0 };
    const struct {
        const char *text;
        int64_t least, most;
    } rows[] = {
        { "%s + %s", 2, 6 },         { "5 - %s", 1, 5 },           { "%s * 3 - %s", -2, 10 },
        { "max(%s, %s)", 2, 4 },     { "min(%s, %s)", 0, 2 },      { "7 // %s", 1, 7 },
        { "%s %% 3", 0, 2 },         { "%s %% 9", 0, 4 },          { "(0 - %s) // %s", -2, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s.n = 0;
        weft_str_addf(&s, rows[i].text, names[0], names[1]);
        check_range(weft_str_text(&s), rows[i].least, rows[i].most);
    }
    weft_str_free(&s);
    const weft_iexpr *e = weft_iexpr_parse(&a, NULL, "1 // 0", 0, NULL);
    assert_int_equal(weft_iexpr_range(e, zero, zero, NULL, &v, &v), WEFT_INVALID_INPUT);
    weft_arena_reset(&a);
}

/* ---- packer ---------------------------------------------------------------------------------- */

static void
check_packed(const weft_pack_item *it, int n, int narena, const int64_t *size, int64_t limit)
{
    for (int i = 0; i < n; i++) {
        assert_in_range(it[i].arena, 0, narena - 1);
        assert_int_equal(it[i].offset % it[i].align, 0);
        assert_true(it[i].offset >= 0 && it[i].offset + it[i].size <= size[it[i].arena]);
        for (int j = 0; j < i; j++) {
            bool together = it[i].first <= it[j].last && it[j].first <= it[i].last;
            bool overlap = it[i].arena == it[j].arena && it[i].offset < it[j].offset + it[j].size &&
                           it[j].offset < it[i].offset + it[i].size;
            if (together && overlap)
                fail_msg("blocks %d and %d live at once and overlap", i, j);
        }
    }
    for (int i = 0; limit && i < narena; i++)
        assert_true(size[i] <= limit);
}

static void
no_two_live_blocks_overlap(void **state)
{
    (void)state;
    uint32_t seed = 42;
    for (int round = 0; round < 200; round++) {
        weft_arena a = { 0 };
        weft_pack_item it[60] = { { 0 } };
        int n = 1 + (int)(next_random(&seed) % 60), narena;
        int64_t *size, limit = round % 2 ? 4096 : 0, peak = 0;
        for (int i = 0; i < n; i++) {
            it[i].size = next_random(&seed) % 1000;
            it[i].align = 1 << next_random(&seed) % 9;
            it[i].first = (int)(next_random(&seed) % 50);
            it[i].last = it[i].first + (int)(next_random(&seed) % 10);
        }
        assert_int_equal(weft_pack(&a, NULL, it, n, limit, &narena, &size), WEFT_OK);
        check_packed(it, n, narena, size, limit);
        for (int step = 0; step < 60; step++) {
            int64_t live = 0;
            for (int i = 0; i < n; i++)
                live += it[i].first <= step && step <= it[i].last ? it[i].size : 0;
            peak = live > peak ? live : peak;
        }
        if (!limit) /* waste: alignment and gaps, far from one place a block */
            assert_true(size[0] <= 2 * peak + 512 * 8);
        weft_arena_reset(&a);
    }
}

static void
a_chain_of_equal_blocks_takes_two_places(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    weft_pack_item it[100];
    int narena;
    int64_t *size;
    for (int i = 0; i < 100; i++)
        it[i] = (weft_pack_item){ 256, 64, i, i + 1, 0, 0 };
    assert_int_equal(weft_pack(&a, NULL, it, 100, 0, &narena, &size), WEFT_OK);
    assert_int_equal(narena, 1);
    assert_int_equal(size[0], 512);
    weft_arena_reset(&a);
}

static void
what_cannot_be_placed_is_refused(void **state)
{
    (void)state;
    weft_arena a = { 0 };
    int narena;
    int64_t *size;
    weft_pack_item large = { 5000, 1, 0, 1, 0, 0 }, odd = { 8, 3, 0, 1, 0, 0 };
    weft_pack_item huge[2] = { { INT64_MAX, 1, 0, 1, 0, 0 }, { INT64_MAX, 1, 0, 1, 0, 0 } };
    assert_int_equal(weft_pack(&a, NULL, &large, 1, 4096, &narena, &size), WEFT_LIMIT);
    assert_int_equal(weft_pack(&a, NULL, &odd, 1, 0, &narena, &size), WEFT_INVALID_ARGUMENT);
    assert_int_equal(weft_pack(&a, NULL, huge, 2, 0, &narena, &size), WEFT_LIMIT);
    assert_int_equal(weft_pack(&a, NULL, NULL, 0, 0, &narena, &size), WEFT_OK);
    assert_int_equal(narena, 0);
    weft_arena_reset(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_mean_what_they_say),
        cmocka_unit_test(malformed_expressions_are_refused),
        cmocka_unit_test(deep_and_long_expressions_are_refused),
        cmocka_unit_test(an_expression_without_symbols_is_a_constant),
        cmocka_unit_test(an_expression_has_a_range),
        cmocka_unit_test(no_two_live_blocks_overlap),
        cmocka_unit_test(a_chain_of_equal_blocks_takes_two_places),
        cmocka_unit_test(what_cannot_be_placed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
