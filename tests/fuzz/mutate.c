/* tests/fuzz/mutate.c: how files are damaged: cut off, bits flipped, or edited as a hand or a bad
 * disk would.  Half of all places are near the ends, where formats keep their headers.
 */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>

static const char *const numbers[] = {
    "0",
    "-1",
    "1",
    "2",
    "3",
    "16",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "1e308",
    "1e999",
    "0.5",
    "nan",
};
enum { NUMBERS = sizeof numbers / sizeof *numbers, NEAR = 1024, MAX_SPAN = 64 };

static size_t
place(rng *r, size_t size)
{
    size_t near = size < NEAR ? size : NEAR;
    switch (rng_below(r, 4)) {
    case 0:
        return rng_below(r, near);
    case 1:
        return size - 1 - rng_below(r, near);
    default:
        return rng_below(r, size);
    }
}

static void
flip(rng *r, weft_str *s)
{
    for (size_t n = 1 + rng_below(r, 4); n > 0; n--)
        s->at[place(r, s->n)] ^= (char)(1 << rng_below(r, 8));
}

/* Replaces `cut` bytes at `at` by n others. */
static void
replace(weft_str *s, size_t at, size_t cut, const void *with, size_t n)
{
    weft_str out = { 0 };
    cut = cut < s->n - at ? cut : s->n - at;
    weft_str_addn(&out, s->at, at);
    weft_str_addn(&out, with, n);
    weft_str_addn(&out, s->at + at + cut, s->n - at - cut);
    weft_str_free(s);
    *s = out;
}

static void
edit_bytes(rng *r, weft_str *s)
{
    uint8_t random[MAX_SPAN];
    size_t at = place(r, s->n), n = 1 + rng_below(r, MAX_SPAN);
    for (int i = 0; i < MAX_SPAN; i++)
        random[i] = (uint8_t)rng_next(r);
    static const uint8_t edges[] = { 0, 0x7F, 0x80, 0xFF };
    switch (rng_below(r, 4)) {
    case 0: /* overwritten with an edge value: lengths and varints break at these */
        memset(random, edges[rng_below(r, 4)], sizeof random);
        n = 1 + rng_below(r, 8);
        replace(s, at, n, random, n);
        break;
    case 1:
        replace(s, at, n, random, n);
        break;
    case 2:
        replace(s, at, n, "", 0);
        break;
    default:
        replace(s, at, 0, random, n);
        break;
    }
}

/* Copies a span from another file of the kind, or of the same one, to a random place. */
static void
splice(rng *r, weft_str *s, const fuzz_seed *seed, const fuzz_seeds *others)
{
    const fuzz_seed *from = &others->at[rng_below(r, (size_t)others->n)];
    if (strcmp(from->kind, seed->kind) != 0)
        from = seed;
    size_t at = rng_below(r, from->size), n = 1 + rng_below(r, 4 * MAX_SPAN);
    n = n < from->size - at ? n : from->size - at;
    replace(s, place(r, s->n), rng_below(r, 2) * n, from->bytes + at, n);
}

/* Another number where one stands. */
static void
edit_number(rng *r, weft_str *s)
{
    size_t at = rng_below(r, s->n), start;
    for (start = at; start < s->n && !isdigit((unsigned char)s->at[start]);)
        start++;
    size_t n = 0;
    while (start + n < s->n && isdigit((unsigned char)s->at[start + n]))
        n++;
    const char *with = numbers[rng_below(r, NUMBERS)];
    if (n)
        replace(s, start, n, with, strlen(with));
}

/* A word taken away, or another of the file's words put in its place. */
static void
edit_word(rng *r, weft_str *s)
{
    size_t at[2], n[2];
    for (int i = 0; i < 2; i++) {
        at[i] = rng_below(r, s->n);
        while (at[i] < s->n && !isalnum((unsigned char)s->at[at[i]]))
            at[i]++;
        for (n[i] = 0; at[i] + n[i] < s->n && isalnum((unsigned char)s->at[at[i] + n[i]]);)
            n[i]++;
    }
    char word[MAX_SPAN];
    size_t length = n[1] < sizeof word ? n[1] : sizeof word;
    memcpy(word, s->at + at[1], length);
    replace(s, at[0], n[0], word, rng_below(r, 4) ? length : 0);
}

/* A line taken away or given twice. */
static void
edit_line(rng *r, weft_str *s)
{
    size_t at = rng_below(r, s->n), end;
    while (at > 0 && s->at[at - 1] != '\n')
        at--;
    for (end = at; end < s->n && s->at[end] != '\n';)
        end++;
    end += end < s->n;
    weft_str line = { 0 };
    weft_str_addn(&line, s->at + at, end - at);
    if (rng_below(r, 2))
        replace(s, at, end - at, "", 0);
    else
        replace(s, at, 0, line.at, line.n);
    weft_str_free(&line);
}

static void
edit(rng *r, weft_str *s, const fuzz_seed *seed, const fuzz_seeds *others)
{
    size_t how = rng_below(r, seed->text ? 10 : 4);
    if (how < 2)
        edit_bytes(r, s);
    else if (how < 4)
        splice(r, s, seed, others);
    else if (how < 7)
        edit_number(r, s);
    else if (how < 9)
        edit_word(r, s);
    else
        edit_line(r, s);
}

fuzz_damage
fuzz_mutate(rng *r, const fuzz_seed *seed, const fuzz_seeds *others, weft_str *out)
{
    weft_str_addn(out, (const char *)seed->bytes, seed->size);
    size_t how = rng_below(r, 6);
    if (how == 0) {
        out->n = place(r, seed->size);
        return FUZZ_TRUNCATED;
    }
    if (how == 1) {
        flip(r, out);
        return FUZZ_FLIPPED;
    }
    for (size_t n = rng_below(r, 4) ? 1 : 3; n > 0 && out->n; n--)
        edit(r, out, seed, others);
    return FUZZ_EDITED;
}
