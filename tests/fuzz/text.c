/* tests/fuzz/text.c: damage to texts by tokens: lost, doubled, exchanged, replaced, nested. */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>

typedef struct token {
    size_t from, to;
} token;
typedef WEFT_VEC(token) tokens;

static int
class_of(uint8_t c)
{
    return isalnum(c) || c == '_' ? 1 : isspace(c) ? 2 : 0;
}

/* Words and numbers, blanks, and every other character alone; comments are left out. */
static tokens
split(fuzz_edit *e, fuzz_bytes in)
{
    tokens t = { 0 };
    for (size_t i = 0; i < in.n;) {
        size_t from = i++;
        int c = class_of(in.at[from]);
        if (in.at[from] == '#') {
            while (i < in.n && in.at[i] != '\n')
                i++;
            continue;
        }
        while (c && i < in.n && class_of(in.at[i]) == c)
            i++;
        if (c != 2)
            *WEFT_PUSH(e->arena, &t) = (token){ from, i };
    }
    return t;
}

static token
any(fuzz_edit *e, const tokens *t)
{
    return t->at[fuzz_below(e->rng, (size_t)t->n)];
}

/* A token of the kind asked for, if one is met soon. */
static token
any_number(fuzz_edit *e, fuzz_bytes in, const tokens *t)
{
    token k = any(e, t);
    for (int i = 0; i < 64 && !isdigit(in.at[k.from]); i++)
        k = any(e, t);
    return k;
}

static const char *
word(fuzz_edit *e)
{
    static const char *const words[] = {
        "0",          "1",        "-1",       "0.0",    "nan",    "inf",        "1e308",
        "-0.0",       "f16",      "i64",      "bool",   "u8",     "f64x4",      "f32x16",
        "i4",         "(",        ")",        "[",      "]",      "{",          "}",
        ",",          ":",        "=",        "<",      "\"",     "#",          "//",
        "%",          "/",        "-",        "min",    "max",    "sum",        "select",
        "if",         "for",      "while",    "let",    "store",  "shared",     "local",
        "const",      "block.x",  "thread.x", "vector", "unroll", "pragma",     "split",
        "bind",       "reorder",  "fuse",     "tile",   "inline", "cache_read", "rfactor",
        "compute_at", "schedule", "te",       "kernel", "graph",  "flat",       "device",
        "loops",      "null",     "true",     "[]",     "{}",     "\"\"",       "..",
        "?",          "x1000000",
    };
    return words[fuzz_below(e->rng, sizeof words / sizeof *words)];
}

static fuzz_bytes
put_number(fuzz_edit *e, fuzz_bytes in, const tokens *t)
{
    token k = any_number(e, in, t);
    int64_t v = fuzz_below(e->rng, 3) ? (int64_t)fuzz_below(e->rng, 40) : fuzz_odd_number(e->rng);
    const char *text = weft_arena_printf(e->arena, "%lld", (long long)v);
    weft_str_addf(e->what, "%s at %zu; ", text, k.from);
    return fuzz_splice(e, in, k.from, k.to, text, strlen(text));
}

/* The token many times over: brackets that open thousands of levels, long numbers and names. */
static fuzz_bytes
nest(fuzz_edit *e, fuzz_bytes in, const tokens *t)
{
    static const char *const openers[] = { "(", "[", "{", "-", "!", "min(", "x[", "1+", "1-(" };
    token k = any(e, t);
    const char *one = openers[fuzz_below(e->rng, sizeof openers / sizeof *openers)];
    size_t times = (size_t)10 << fuzz_below(e->rng, 14), n = strlen(one);
    char *many = weft_arena_alloc(e->arena, times * n + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(many + i * n, one, n);
    weft_str_addf(e->what, "%zu times %s at %zu; ", times, one, k.from);
    return fuzz_splice(e, in, k.from, k.from, many, times * n);
}

static fuzz_bytes
put_word(fuzz_edit *e, fuzz_bytes in, const tokens *t)
{
    token k = any(e, t);
    const char *text = word(e);
    weft_str_addf(e->what, "%s at %zu; ", text, k.from);
    return fuzz_splice(e, in, k.from, fuzz_below(e->rng, 2) ? k.from : k.to, text, strlen(text));
}

/* One token in place of another, of this text or the other one. */
static fuzz_bytes
put_token(fuzz_edit *e, fuzz_bytes in, const tokens *t, fuzz_bytes other)
{
    token k = any(e, t), with;
    tokens theirs = fuzz_below(e->rng, 4) == 0 ? split(e, other) : (tokens){ 0 };
    const uint8_t *from = theirs.n ? other.at : in.at;
    with = any(e, theirs.n ? &theirs : t);
    for (int i = 0; i < 64 && class_of(from[with.from]) != class_of(in.at[k.from]); i++)
        with = any(e, theirs.n ? &theirs : t); /* a word for a word passes for longer */
    weft_str_addf(e->what, "%.*s at %zu; ", (int)(with.to - with.from),
                  (const char *)from + with.from, k.from);
    return fuzz_splice(e, in, k.from, k.to, from + with.from, with.to - with.from);
}

/* A line left out, or one set before another line. */
static fuzz_bytes
move_line(fuzz_edit *e, fuzz_bytes in)
{
    size_t a = fuzz_below(e->rng, in.n), at = fuzz_below(e->rng, in.n), b = a;
    while (a && in.at[a - 1] != '\n')
        a--;
    while (b < in.n && in.at[b++] != '\n')
        ;
    while (at && in.at[at - 1] != '\n')
        at--;
    if (fuzz_below(e->rng, 3) == 0) {
        weft_str_addf(e->what, "the line at %zu left out; ", a);
        return fuzz_splice(e, in, a, b, NULL, 0);
    }
    weft_str_addf(e->what, "the line at %zu set at %zu too; ", a, at);
    return fuzz_splice(e, in, at, at, in.at + a, b - a);
}

fuzz_bytes
fuzz_damage_text(fuzz_edit *e, fuzz_bytes in, fuzz_bytes other)
{
    tokens t = split(e, in);
    if (t.n == 0)
        return in;
    token k = any(e, &t);
    switch (fuzz_below(e->rng, 16)) {
    case 0:
        return nest(e, in, &t);
    case 1:
    case 2:
        return put_word(e, in, &t);
    case 3:
    case 4:
    case 5:
        return put_token(e, in, &t, other);
    case 6:
    case 7:
    case 8:
        return move_line(e, in);
    case 9:
        weft_str_addf(e->what, "the token at %zu left out; ", k.from);
        return fuzz_splice(e, in, k.from, k.to, NULL, 0);
    default:
        return put_number(e, in, &t);
    }
}
