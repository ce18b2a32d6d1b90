/* tests/fuzz/damage.c: damage to bytes: cuts, flips, odd values, chunks lost, doubled and moved. */
#include "fuzz.h"

#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t
fuzz_next(fuzz_rng *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

size_t
fuzz_below(fuzz_rng *r, size_t n)
{
    return n ? (size_t)(fuzz_next(r) % n) : 0;
}

int64_t
fuzz_odd_number(fuzz_rng *r)
{
    static const int64_t odd[] = {
        0,         1,         -1,        2,         3,          7,         16,        64,
        100,       127,       128,       255,       256,        1000,      65535,     65536,
        1000000,   16777216,  INT32_MAX, INT32_MIN, 4294967295, 0x7fffff,  1LL << 31, 1LL << 32,
        1LL << 40, 1LL << 61, 1LL << 62, INT64_MAX, -INT64_MAX, INT64_MIN, -2,        -100,
    };
    return odd[fuzz_below(r, sizeof odd / sizeof *odd)];
}

fuzz_bytes
fuzz_splice(fuzz_edit *e, fuzz_bytes in, size_t from, size_t to, const void *with, size_t n)
{
    fuzz_bytes out = { NULL, in.n - (to - from) + n };
    out.at = weft_arena_alloc(e->arena, out.n + 1);
    if (from)
        memcpy(out.at, in.at, from);
    if (n)
        memcpy(out.at + from, with, n);
    if (in.n > to)
        memcpy(out.at + from + n, in.at + to, in.n - to);
    return out;
}

/* A place; half of the time near an end, where headers and directories are. */
static size_t
place(fuzz_edit *e, size_t n)
{
    size_t near = n < 256 ? n : 256;
    switch (fuzz_below(e->rng, 4)) {
    case 0:
        return fuzz_below(e->rng, near);
    case 1:
        return n - fuzz_below(e->rng, near);
    default:
        return fuzz_below(e->rng, n + 1);
    }
}

static void
range(fuzz_edit *e, size_t n, size_t *from, size_t *to)
{
    size_t longest = fuzz_below(e->rng, 2) ? 16 : n + 1;
    *from = place(e, n);
    *to = *from + fuzz_below(e->rng, longest);
    if (*to > n)
        *to = n;
}

static fuzz_bytes
flip(fuzz_edit *e, fuzz_bytes in)
{
    fuzz_bytes out = fuzz_splice(e, in, 0, 0, NULL, 0);
    size_t flips = 1 + fuzz_below(e->rng, 4);
    for (size_t i = 0; i < flips && out.n; i++) {
        size_t at = place(e, out.n - 1);
        out.at[at] ^= (uint8_t)(1u << fuzz_below(e->rng, 8));
        weft_str_addf(e->what, "a bit of byte %zu; ", at);
    }
    return out;
}

static fuzz_bytes
overwrite(fuzz_edit *e, fuzz_bytes in)
{
    int64_t v = fuzz_odd_number(e->rng);
    size_t width = (size_t)1 << fuzz_below(e->rng, 4);
    if (in.n < width)
        return in;
    size_t at = place(e, in.n - width);
    weft_str_addf(e->what, "%zu bytes of %lld at %zu; ", width, (long long)v, at);
    return fuzz_splice(e, in, at, at + width, &v, width);
}

static fuzz_bytes
insert(fuzz_edit *e, fuzz_bytes in, fuzz_bytes from)
{
    size_t a, b, at = place(e, in.n);
    range(e, from.n, &a, &b);
    weft_str_addf(e->what, "%zu bytes inserted at %zu; ", b - a, at);
    return fuzz_splice(e, in, at, at, from.at + a, b - a);
}

static fuzz_bytes
leave_out(fuzz_edit *e, fuzz_bytes in)
{
    size_t a, b;
    range(e, in.n, &a, &b);
    weft_str_addf(e->what, "bytes %zu to %zu left out; ", a, b);
    return fuzz_splice(e, in, a, b, NULL, 0);
}

static fuzz_bytes
move(fuzz_edit *e, fuzz_bytes in)
{
    size_t a, b;
    range(e, in.n, &a, &b);
    fuzz_bytes rest = fuzz_splice(e, in, a, b, NULL, 0);
    size_t at = place(e, rest.n);
    weft_str_addf(e->what, "bytes %zu to %zu moved to %zu; ", a, b, at);
    return fuzz_splice(e, rest, at, at, in.at + a, b - a);
}

/* The front of one file and the back of the other. */
static fuzz_bytes
join(fuzz_edit *e, fuzz_bytes in, fuzz_bytes other)
{
    size_t a = place(e, in.n), b = place(e, other.n);
    weft_str_addf(e->what, "from byte %zu on another file from its byte %zu; ", a, b);
    return fuzz_splice(e, in, a, in.n, other.at + b, other.n - b);
}

static fuzz_bytes
cut(fuzz_edit *e, fuzz_bytes in)
{
    size_t n = place(e, in.n - 1);
    weft_str_addf(e->what, "cut to %zu of %zu bytes; ", n, in.n);
    return fuzz_splice(e, in, n, in.n, NULL, 0);
}

static fuzz_bytes
damage_bytes(fuzz_edit *e, fuzz_bytes in, fuzz_bytes other)
{
    switch (fuzz_below(e->rng, 6)) {
    case 0:
        return overwrite(e, in);
    case 1:
        return insert(e, in, fuzz_below(e->rng, 2) ? in : other);
    case 2:
        return leave_out(e, in);
    case 3:
        return move(e, in);
    case 4:
        return join(e, in, other);
    default:
        return flip(e, in);
    }
}

fuzz_bytes
fuzz_damage(fuzz_edit *e, fuzz_form form, fuzz_bytes in, fuzz_bytes other)
{
    size_t times = 1 + (fuzz_below(e->rng, 3) == 0) * fuzz_below(e->rng, 4);
    size_t plain_of = form == FUZZ_TEXT ? 10 : form == FUZZ_PROTOBUF ? 3 : 1;
    e->cut = in.n > 0 && fuzz_below(e->rng, 10) == 0;
    if (e->cut)
        return cut(e, in);
    while (times--) {
        if (fuzz_below(e->rng, plain_of) == 0)
            in = damage_bytes(e, in, other);
        else if (form == FUZZ_TEXT)
            in = fuzz_damage_text(e, in, other);
        else
            in = fuzz_damage_wire(e, in);
    }
    return in;
}
