/* tests/fuzz/wire.c: damage to protobuf messages, field by field.
 *
 * The schema is not known: a payload that reads as fields is taken for a message.  The lengths of
 * the messages around a changed field are set right, so that the damage gets past the decoder.
 */
#include "fuzz.h"

#include <string.h>

enum { MAX_DEPTH = 12, MAX_FIELDS = 20000, VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct field {
    size_t tag, length, at,
        end; /* where its tag, its length (BYTES) and its value start; its end */
    int parent, wire;
} field;
typedef WEFT_VEC(field) fields;

static bool
read_varint(fuzz_bytes b, size_t *at, size_t end, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t c = b.at[(*at)++];
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static size_t
write_varint(uint8_t out[10], uint64_t v)
{
    size_t n = 0;
    do {
        out[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    return n;
}

/* One field; false when there is none. */
static bool
read_field(fuzz_bytes b, size_t *at, size_t end, field *f)
{
    uint64_t tag, n;
    *f = (field){ .tag = *at };
    if (!read_varint(b, at, end, &tag) || tag >> 3 == 0 || tag >> 3 > 1000)
        return false;
    f->wire = (int)(tag & 7);
    f->length = f->at = *at;
    switch (f->wire) {
    case VARINT:
        if (!read_varint(b, at, end, &n))
            return false;
        break;
    case BYTES:
        if (!read_varint(b, at, end, &n) || n > end - *at)
            return false;
        f->at = *at;
        *at += (size_t)n;
        break;
    case FIXED64:
    case FIXED32:
        n = f->wire == FIXED64 ? 8 : 4;
        if (end - *at < n)
            return false;
        *at += (size_t)n;
        break;
    default:
        return false;
    }
    f->end = *at;
    return true;
}

static bool
is_message(fuzz_bytes b, size_t at, size_t end)
{
    field f;
    if (at == end)
        return false;
    while (at < end)
        if (!read_field(b, &at, end, &f))
            return false;
    return true;
}

static void
collect(fuzz_edit *e, fuzz_bytes b, size_t at, size_t end, int parent, int depth, fields *all)
{
    field f;
    while (at < end && all->n < MAX_FIELDS && read_field(b, &at, end, &f)) {
        int me = all->n;
        f.parent = parent;
        *WEFT_PUSH(e->arena, all) = f;
        if (f.wire == BYTES && depth < MAX_DEPTH && is_message(b, f.at, f.end))
            collect(e, b, f.at, f.end, me, depth + 1, all);
    }
}

/* [from, to), in field `inside` or (-1) in none, replaced; the lengths around it set right. */
static fuzz_bytes
replace(fuzz_edit *e, fuzz_bytes in, const fields *all, int inside, size_t from, size_t to,
        const void *with, size_t n)
{
    fuzz_bytes out = fuzz_splice(e, in, from, to, with, n);
    size_t grown = n - (to - from); /* modulo 2^64, as the sums below */
    for (int i = inside; i >= 0; i = all->at[i].parent) {
        const field *f = &all->at[i];
        uint8_t length[10];
        size_t m = write_varint(length, f->end - f->at + grown);
        out = fuzz_splice(e, out, f->length, f->at, length, m);
        grown += m - (f->at - f->length);
    }
    return out;
}

static fuzz_bytes
put_value(fuzz_edit *e, fuzz_bytes in, const fields *all, int i)
{
    const field *f = &all->at[i];
    int64_t v = fuzz_odd_number(e->rng);
    uint8_t text[10];
    size_t n = write_varint(text, (uint64_t)v);
    weft_str_addf(e->what, "%lld in the field at %zu; ", (long long)v, f->tag);
    if (f->wire == VARINT)
        return replace(e, in, all, f->parent, f->at, f->end, text, n);
    if (f->wire != BYTES)
        return replace(e, in, all, f->parent, f->at, f->end, &v, f->end - f->at);
    size_t at = f->at + fuzz_below(e->rng, f->end - f->at + 1);
    size_t end = at + (at < f->end && fuzz_below(e->rng, 2));
    return replace(e, in, all, i, at, end, text, n);
}

/* A field number or wire type another one. */
static fuzz_bytes
put_tag(fuzz_edit *e, fuzz_bytes in, const fields *all, const field *f)
{
    uint8_t tag = (uint8_t)((1 + fuzz_below(e->rng, 16)) << 3 | (size_t)f->wire);
    uint64_t old;
    size_t end = f->tag;
    read_varint(in, &end, in.n, &old);
    weft_str_addf(e->what, "the field at %zu as number %d; ", f->tag, tag >> 3);
    return replace(e, in, all, f->parent, f->tag, end, &tag, 1);
}

fuzz_bytes
fuzz_damage_wire(fuzz_edit *e, fuzz_bytes in)
{
    fields all = { 0 };
    collect(e, in, 0, in.n, -1, 0, &all);
    if (all.n == 0)
        return in;
    int i = (int)fuzz_below(e->rng, (size_t)all.n), j = (int)fuzz_below(e->rng, (size_t)all.n);
    const field *f = &all.at[i], *g = &all.at[j];
    for (int k = 0; k < 8 && fuzz_below(e->rng, 2) && f->wire != VARINT; k++)
        f = &all.at[i = (int)fuzz_below(e->rng, (size_t)all.n)];
    switch (fuzz_below(e->rng, 8)) {
    case 0:
        weft_str_addf(e->what, "the field at %zu left out; ", f->tag);
        return replace(e, in, &all, f->parent, f->tag, f->end, NULL, 0);
    case 1:
        weft_str_addf(e->what, "the field at %zu twice; ", f->tag);
        return replace(e, in, &all, f->parent, f->tag, f->tag, in.at + f->tag, f->end - f->tag);
    case 2:
        weft_str_addf(e->what, "the field at %zu before the one at %zu; ", g->tag, f->tag);
        return replace(e, in, &all, f->parent, f->tag, f->tag, in.at + g->tag, g->end - g->tag);
    case 3:
        weft_str_addf(e->what, "the value at %zu in the field at %zu; ", g->at, f->tag);
        return f->wire == BYTES && g->wire == BYTES
                   ? replace(e, in, &all, i, f->at, f->end, in.at + g->at, g->end - g->at)
                   : put_value(e, in, &all, i);
    case 4:
        return put_tag(e, in, &all, f);
    default:
        return put_value(e, in, &all, i);
    }
}
