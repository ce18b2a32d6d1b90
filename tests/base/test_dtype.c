/* Conversions of elements, against formulas of their own: every code of every small float, every
 * midpoint between two neighbours, every edge of every integer. */
#include "support.h"

#include <math.h>
#include <string.h>

typedef struct shape { /* of a small float with a sign */
    weft_dtype t;
    int bits, mantissa, bias;
    unsigned greatest; /* code of the greatest finite value */
    bool inf, fnuz;
} shape;

static const shape shapes[] = {
    { WEFT_F16, 16, 10, 15, 0x7bff, true, false },
    { WEFT_BF16, 16, 7, 127, 0x7f7f, true, false },
    { WEFT_F8E4M3FN, 8, 3, 7, 0x7e, false, false },
    { WEFT_F8E4M3FNUZ, 8, 3, 8, 0x7f, false, true },
    { WEFT_F8E5M2, 8, 2, 15, 0x7b, true, false },
    { WEFT_F8E5M2FNUZ, 8, 2, 16, 0x7f, false, true },
    { WEFT_F4E2M1, 4, 1, 1, 0x7, false, false },
};
enum { NSHAPE = sizeof shapes / sizeof *shapes };

/* The value of a finite positive code, from the definition. */
static double
value(const shape *s, unsigned code)
{
    int e = (int)(code >> s->mantissa);
    double m = code & ((1u << s->mantissa) - 1);
    return e == 0 ? ldexp(m, 1 - s->bias - s->mantissa)
                  : ldexp(m + ldexp(1, s->mantissa), e - s->bias - s->mantissa);
}

static unsigned
store(const shape *s, double v)
{
    uint16_t cell = 0;
    uint8_t byte = 0;
    if (s->bits == 16) {
        weft_set_f64(s->t, &cell, 0, v);
        return cell;
    }
    weft_set_f64(s->t, &byte, 0, v);
    return byte;
}

static double
load(const shape *s, unsigned code)
{
    uint16_t cell = (uint16_t)code;
    uint8_t byte = (uint8_t)code;
    return s->bits == 16 ? weft_get_f64(s->t, &cell, 0) : weft_get_f64(s->t, &byte, 0);
}

static void
every_code_has_its_value_and_reads_back(void **state)
{
    (void)state;
    for (int k = 0; k < NSHAPE; k++) {
        const shape *s = &shapes[k];
        unsigned sign = 1u << (s->bits - 1);
        for (unsigned code = 0; code <= s->greatest; code++) {
            assert_true(load(s, code) == value(s, code));
            assert_int_equal(store(s, value(s, code)), code);
            if (code == 0 && s->fnuz)
                continue;
            assert_true(load(s, code | sign) == -value(s, code));
            assert_int_equal(store(s, -value(s, code)), code | sign);
        }
    }
}

static void
midpoints_round_to_even_and_their_neighbours_to_the_nearest(void **state)
{
    (void)state;
    for (int k = 0; k < NSHAPE; k++) {
        const shape *s = &shapes[k];
        for (unsigned code = 0; code < s->greatest; code++) {
            double a = value(s, code), b = value(s, code + 1), mid = a + (b - a) / 2;
            assert_int_equal(store(s, mid), code & 1 ? code + 1 : code);
            assert_int_equal(store(s, nextafter(mid, 0)), code);
            assert_int_equal(store(s, nextafter(mid, INFINITY)), code + 1);
        }
    }
}

static void
beyond_the_greatest_there_is_what_the_type_has(void **state)
{
    (void)state;
    for (int k = 0; k < NSHAPE; k++) {
        const shape *s = &shapes[k];
        double most = value(s, s->greatest), step = most - value(s, s->greatest - 1);
        assert_int_equal(store(s, nextafter(most + step / 2, 0)), s->greatest);
        double over[] = { most + step, 1e300, INFINITY };
        for (int i = 0; i < 3; i++) {
            double got = load(s, store(s, over[i])), negative = load(s, store(s, -over[i]));
            if (s->t == WEFT_F4E2M1)
                assert_true(got == most && negative == -most);
            else if (s->inf)
                assert_true(isinf(got) && got > 0 && isinf(negative) && negative < 0);
            else
                assert_true(isnan(got) && isnan(negative));
        }
        if (s->t != WEFT_F4E2M1)
            assert_true(isnan(load(s, store(s, NAN))));
        assert_int_equal(store(s, -0.0), s->fnuz ? 0 : 1u << (s->bits - 1));
        assert_int_equal(store(s, 5e-324), 0);
    }
}

static void
powers_of_two_have_a_type_of_their_own(void **state)
{
    (void)state;
    const shape e8m0 = { WEFT_F8E8M0, 8, 0, 127, 0xfe, false, false };
    for (unsigned code = 0; code <= 0xfe; code++) {
        double v = ldexp(1, (int)code - 127);
        assert_true(load(&e8m0, code) == v);
        assert_int_equal(store(&e8m0, v), code);
        assert_int_equal(store(&e8m0, v * 1.25), code);
    }
    assert_int_equal(store(&e8m0, 1.5), 128); /* 127 is odd */
    assert_int_equal(store(&e8m0, 3.0), 128);
    assert_int_equal(store(&e8m0, 0), 0);
    assert_true(isnan(load(&e8m0, store(&e8m0, -1))));
    assert_true(isnan(load(&e8m0, store(&e8m0, INFINITY))));
}

static const weft_dtype ints[] = { WEFT_I2, WEFT_I4, WEFT_I8, WEFT_I16, WEFT_I32, WEFT_I64,
                                   WEFT_U2, WEFT_U4, WEFT_U8, WEFT_U16, WEFT_U32, WEFT_U64 };
enum { NINT = sizeof ints / sizeof *ints };

static void
floats_become_integers_by_truncation_and_saturation(void **state)
{
    (void)state;
    for (int k = 0; k < NINT; k++) {
        weft_dtype t = ints[k];
        int64_t least = weft_dtype_min(t), most = weft_dtype_max(t), cell = 0;
        struct {
            double v;
            int64_t want;
        } cases[] = { { 1.9, 1 },       { -0.9, 0 },        { NAN, 0 }, { 1e30, most },
                      { -1e30, least }, { INFINITY, most }, { 0, 0 },   { -INFINITY, least } };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            weft_set_f64(t, &cell, 0, cases[i].v);
            int64_t want = cases[i].want > most && t != WEFT_U64 ? most : cases[i].want;
            assert_int_equal(weft_get_i64(t, &cell, 0), want);
        }
    }
}

static void
integers_wrap_into_narrower_ones(void **state)
{
    (void)state;
    for (int k = 0; k < NINT; k++) {
        weft_dtype t = ints[k];
        int bits = weft_dtype_bits(t);
        for (int64_t v = -300; v < 300; v++) {
            int64_t cell = 0, want = v;
            if (bits < 64) {
                want = weft_floormod(v, (int64_t)1 << bits);
                if (weft_dtype_kind(t) == WEFT_KIND_INT && want >> (bits - 1))
                    want -= (int64_t)1 << bits;
            }
            weft_set_i64(t, &cell, 0, v);
            assert_int_equal(weft_get_i64(t, &cell, 0), want);
            assert_int_equal(weft_wrap_i64(t, v), want);
        }
    }
}

static void
packed_elements_do_not_touch_their_neighbours(void **state)
{
    (void)state;
    static const weft_dtype packed[] = { WEFT_I4, WEFT_U4, WEFT_I2, WEFT_U2, WEFT_F4E2M1 };
    for (size_t k = 0; k < sizeof packed / sizeof *packed; k++) {
        uint8_t data[16] = { 0 };
        int64_t bytes;
        uint32_t seed = 7;
        int64_t shadow[32] = { 0 };
        for (int step = 0; step < 500; step++) {
            int i = (int)(next_random(&seed) % 32);
            weft_set_i64(packed[k], data, i, next_random(&seed) % 2);
            shadow[i] = weft_get_i64(packed[k], data, i);
            for (int j = 0; j < 32; j++)
                assert_int_equal(weft_get_i64(packed[k], data, j), shadow[j]);
        }
        assert_true(weft_dtype_bytes(packed[k], 5, &bytes));
        assert_int_equal(bytes, weft_dtype_bits(packed[k]) == 2 ? 2 : 3);
    }
    uint8_t low_first = 0;
    weft_set_i64(WEFT_U4, &low_first, 0, 3);
    weft_set_i64(WEFT_U4, &low_first, 1, 12);
    assert_int_equal(low_first, 0xc3);
}

static void
sixty_four_bit_integers_round_once(void **state)
{
    (void)state;
    uint16_t half = 0;
    float single = 0;
    /* just above the midpoint of two bf16 values: a double on the way would make it the midpoint */
    int64_t v = ((int64_t)0x101 << 54) + 1;
    weft_set_i64(WEFT_BF16, &half, 0, v);
    assert_true(weft_get_f64(WEFT_BF16, &half, 0) == ldexp(0x102, 54));
    v = ((int64_t)0x1000001 << 38) + 1;
    weft_set_i64(WEFT_F32, &single, 0, v);
    assert_true(single == (float)ldexp(0x1000002, 38));
    weft_set_i64(WEFT_BF16, &half, 0, -v);
    assert_true(weft_get_f64(WEFT_BF16, &half, 0) == -ldexp(0x1000000, 38));
}

static void
every_type_knows_its_name_and_size(void **state)
{
    (void)state;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
        const char *name = weft_dtype_name((weft_dtype)t);
        assert_int_equal(weft_dtype_parse(name, strlen(name)), t);
        assert_true(weft_dtype_bits((weft_dtype)t) > 0);
        assert_true(!weft_is_float((weft_dtype)t) || weft_round_to((weft_dtype)t, 1.0) == 1.0);
    }
    int64_t bytes;
    assert_int_equal(weft_dtype_parse("f33", 3), WEFT_DTYPE_COUNT);
    assert_false(weft_dtype_bytes(WEFT_F32, INT64_MAX / 2, &bytes));
    assert_false(weft_dtype_bytes(WEFT_I4, INT64_MAX, &bytes));
    assert_false(weft_dtype_bytes(WEFT_F32, -1, &bytes));
    assert_string_equal(weft_dtype_name((weft_dtype)99), "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_value_and_reads_back),
        cmocka_unit_test(midpoints_round_to_even_and_their_neighbours_to_the_nearest),
        cmocka_unit_test(beyond_the_greatest_there_is_what_the_type_has),
        cmocka_unit_test(powers_of_two_have_a_type_of_their_own),
        cmocka_unit_test(floats_become_integers_by_truncation_and_saturation),
        cmocka_unit_test(integers_wrap_into_narrower_ones),
        cmocka_unit_test(packed_elements_do_not_touch_their_neighbours),
        cmocka_unit_test(sixty_four_bit_integers_round_once),
        cmocka_unit_test(every_type_knows_its_name_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
