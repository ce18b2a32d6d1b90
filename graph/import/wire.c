/* Walks protobuf's wire format: which fields are kept, entered, emptied or replaced by where they
 * are.  Depth is that of the tables below, as often as graphs and types may be in each other; every
 * length is checked against what encloses it. */
#include "import/wire.h"

#include <string.h>

enum {
    VARINT = 0,
    FIXED64 = 1,
    BYTES = 2,
    FIXED32 = 5,
    LENGTH_BYTES = 5,        /* of a length written before it is known: a padded varint */
    LONG_FLOATS = 1 << 12,   /* packed floats of more bytes than this stay in the file */
    MAX_SKELETON = 512 << 20, /* bytes of a message without its bulk */
    MAX_NESTED = 32           /* graphs, or types, in each other */
};

typedef enum action {
    DROP, /* not in onnx.proto */
    COPY,
    TEXT,  /* copied when it is UTF-8 without zeros */
    ENTER, /* a message whose own table applies */
    EMPTY, /* present, but nothing inside */
    RAW,   /* becomes fields 1001 and 1002 */
    FLOATS /* becomes fields 1003 and 1004 when long */
} action;

typedef struct rule {
    int field;
    unsigned wires; /* 1u << wire type, of those allowed */
    action what;
    weft_wire_kind into; /* of ENTER */
} rule;

#define V       (1u << VARINT)
#define B       (1u << BYTES)
#define NUMBERS (1u << VARINT | 1u << BYTES | 1u << FIXED32 | 1u << FIXED64)

static const rule model_rules[] = {
    { 1, V, COPY, 0 },
    { 2, B, TEXT, 0 },
    { 3, B, TEXT, 0 },
    { 7, B, ENTER, WEFT_WIRE_GRAPH },
    { 8, B, COPY, 0 },
    { 25, B, ENTER, WEFT_WIRE_FUNCTION },
    { 0 },
};
static const rule graph_rules[] = {
    { 1, B, ENTER, WEFT_WIRE_NODE },
    { 2, B, TEXT, 0 },
    { 5, B, ENTER, WEFT_WIRE_TENSOR },
    { 11, B, ENTER, WEFT_WIRE_VALUE_INFO },
    { 12, B, ENTER, WEFT_WIRE_VALUE_INFO },
    { 13, B, ENTER, WEFT_WIRE_VALUE_INFO },
    { 15, B, EMPTY, 0 },
    { 0 },
};
static const rule node_rules[] = {
    { 1, B, TEXT, 0 },
    { 2, B, TEXT, 0 },
    { 3, B, TEXT, 0 },
    { 4, B, TEXT, 0 },
    { 5, B, ENTER, WEFT_WIRE_ATTRIBUTE },
    { 7, B, TEXT, 0 },
    { 0 },
};
static const rule attribute_rules[] = {
    { 1, B, TEXT, 0 },
    { 2, NUMBERS, COPY, 0 },
    { 3, V, COPY, 0 },
    { 4, B, COPY, 0 },
    { 5, B, ENTER, WEFT_WIRE_TENSOR },
    { 6, B, ENTER, WEFT_WIRE_GRAPH },
    { 7, NUMBERS, COPY, 0 },
    { 8, NUMBERS, COPY, 0 },
    { 9, B, COPY, 0 },
    { 10, B, EMPTY, 0 },
    { 11, B, EMPTY, 0 },
    { 14, B, EMPTY, 0 },
    { 20, V, COPY, 0 },
    { 21, B, TEXT, 0 },
    { 22, B, EMPTY, 0 },
    { 0 },
};
static const rule tensor_rules[] = {
    { 1, NUMBERS, COPY, 0 },  { 2, V, COPY, 0 },
    { 3, B, EMPTY, 0 },       { 4, NUMBERS, FLOATS, 0 },
    { 5, NUMBERS, COPY, 0 },  { 6, B, EMPTY, 0 },
    { 7, NUMBERS, COPY, 0 },  { 8, B, TEXT, 0 },
    { 9, B, RAW, 0 },         { 10, NUMBERS, COPY, 0 },
    { 11, NUMBERS, COPY, 0 }, { 13, B, COPY, 0 },
    { 14, V, COPY, 0 },       { 0 },
};
static const rule list_rules[] = {
    { 1, B, TEXT, 0 },
    { 2, V, COPY, 0 },
    { 3, B, ENTER, WEFT_WIRE_TENSOR },
    { 5, B, ENTER, WEFT_WIRE_LIST },
    { 7, B, ENTER, WEFT_WIRE_LIST },
    { 0 },
};
static const rule function_rules[] = { { 1, B, TEXT, 0 }, { 10, B, TEXT, 0 }, { 0 } };
static const rule type_rules[] = {
    { 1, B, COPY, 0 },
    { 4, B, ENTER, WEFT_WIRE_ELEM_TYPE },
    { 5, B, EMPTY, 0 },
    { 7, B, EMPTY, 0 },
    { 8, B, EMPTY, 0 },
    { 9, B, ENTER, WEFT_WIRE_ELEM_TYPE },
    { 0 },
};
static const rule elem_type_rules[] = { { 1, B, ENTER, WEFT_WIRE_TYPE }, { 0 } };
static const rule value_info_rules[] = {
    { 1, B, TEXT, 0 },
    { 2, B, ENTER, WEFT_WIRE_TYPE },
    { 0 },
};

static const struct {
    const rule *rules;
    const char *name;
} messages[WEFT_WIRE_KINDS] = {
    /* ORDER: weft_wire_kind */
    { model_rules, "model" },         { graph_rules, "graph" },      { node_rules, "node" },
    { attribute_rules, "attribute" }, { tensor_rules, "tensor" },    { function_rules, "function" },
    { type_rules, "type" },           { value_info_rules, "value" }, { elem_type_rules, "type" },
    { list_rules, "list" },
};

typedef struct cutter {
    const char *path;
    const uint8_t *data;
    weft_str *out;
    weft_diag *diag;
    int nested; /* graphs and types that this is in */
} cutter;

typedef struct field {
    size_t start;    /* of its tag */
    size_t at, size; /* its payload: of BYTES without the length */
    size_t end;
    int number, wire;
} field;

/* ---- reading --------------------------------------------------------------------------------- */

static bool
read_varint(const uint8_t *data, size_t *at, size_t end, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = data[(*at)++];
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The field that starts at `at`; what is wrong with it, or NULL. */
static const char *
read_field(const uint8_t *data, size_t at, size_t end, field *f)
{
    uint64_t tag, size;
    f->start = at;
    if (!read_varint(data, &at, end, &tag))
        return "the number of a field is cut off";
    if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
        return "a field has an impossible number";
    f->number = (int)(tag >> 3);
    f->wire = (int)(tag & 7);
    f->at = at;
    if (f->wire == VARINT) {
        if (!read_varint(data, &at, end, &size))
            return "an integer is cut off";
        size = at - f->at;
    } else if (f->wire == FIXED64 || f->wire == FIXED32) {
        size = f->wire == FIXED64 ? 8 : 4;
    } else if (f->wire == BYTES) {
        if (!read_varint(data, &at, end, &size))
            return "the length of a field is cut off";
        f->at = at;
    } else {
        return "a field has an unknown wire type";
    }
    if (size > end - f->at)
        return "a field is longer than what is left";
    f->size = (size_t)size;
    f->end = f->at + f->size;
    return NULL;
}

bool
weft_wire_is_model(const uint8_t *data, size_t size)
{
    bool graph = false;
    field f;
    for (size_t at = 0; at < size; at = f.end) {
        if (read_field(data, at, size, &f))
            return false;
        graph = graph || (f.number == 7 && f.wire == BYTES);
        if (f.number > 63)
            return false;
    }
    return graph;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
write_varint(weft_str *out, uint64_t v)
{
    char byte[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        byte[n++] = (char)((v & 0x7f) | 0x80);
    byte[n++] = (char)v;
    weft_str_addn(out, byte, n);
}

static void
write_tag(weft_str *out, int number, int wire)
{
    write_varint(out, (uint64_t)number << 3 | (uint64_t)wire);
}

/* Where a payload stands, in the fields `number` and `number` + 1. */
static void
write_place(weft_str *out, int number, const field *f)
{
    write_tag(out, number, VARINT);
    write_varint(out, f->at);
    write_tag(out, number + 1, VARINT);
    write_varint(out, f->size);
}

static weft_status cut_message(cutter *, weft_wire_kind, size_t at, size_t end);

static weft_status
enter(cutter *c, const field *f, weft_wire_kind kind)
{
    bool nests =
        kind == WEFT_WIRE_GRAPH || kind == WEFT_WIRE_TYPE || kind == WEFT_WIRE_LIST;
    if (nests && c->nested == MAX_NESTED)
        return weft_fail(c->diag, WEFT_LIMIT,
                         "%s: byte %zu: graphs, types or lists are nested deeper than %d levels", c->path,
                         f->at, MAX_NESTED);
    c->nested += nests;
    write_tag(c->out, f->number, BYTES);
    size_t length = c->out->n;
    weft_str_addn(c->out, "\x80\x80\x80\x80\0", LENGTH_BYTES);
    weft_status st = cut_message(c, kind, f->at, f->end);
    size_t size = c->out->n - length - LENGTH_BYTES;
    c->nested -= nests;
    for (int i = 0; i < LENGTH_BYTES; i++)
        c->out->at[length + (size_t)i] =
            (char)((size >> 7 * i & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
    return st;
}

static const rule *
rule_of(weft_wire_kind kind, const field *f)
{
    for (const rule *r = messages[kind].rules; r->field; r++)
        if (r->field == f->number)
            return r->wires & 1u << f->wire ? r : NULL;
    return NULL;
}

/* The length of the UTF-8 sequence at p, the shortest of its character and no surrogate; 0: it is
 * none, or a zero. */
static size_t
sequence(const uint8_t *p, size_t left)
{
    static const uint32_t least[] = { 0, 1, 0x80, 0x800, 0x10000 };
    size_t n = p[0] < 0x80         ? 1
               : p[0] >> 5 == 0x06 ? 2
               : p[0] >> 4 == 0x0e ? 3
               : p[0] >> 3 == 0x1e ? 4
                                   : 0;
    if (n == 0 || n > left)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    return c >= least[n] && c <= 0x10ffff && c >> 11 != 0x1b ? n : 0;
}

static bool
is_text(const uint8_t *data, size_t size)
{
    for (size_t i = 0, n; i < size; i += n) {
        n = sequence(data + i, size - i);
        if (n == 0)
            return false;
    }
    return true;
}

static weft_status
copy(cutter *c, const field *f)
{
    weft_str_addn(c->out, (const char *)c->data + f->start, f->end - f->start);
    return WEFT_OK;
}

static weft_status
cut_field(cutter *c, weft_wire_kind kind, const field *f)
{
    const rule *r = rule_of(kind, f);
    action what = r ? r->what : DROP;
    if (what == FLOATS)
        what = f->wire == BYTES && f->size > LONG_FLOATS ? FLOATS : COPY;
    switch (what) {
    case DROP:
        return WEFT_OK;
    case ENTER:
        return enter(c, f, r->into);
    case EMPTY:
        write_tag(c->out, f->number, BYTES);
        write_varint(c->out, 0);
        return WEFT_OK;
    case RAW:
        write_place(c->out, 1001, f);
        return WEFT_OK;
    case FLOATS:
        write_place(c->out, 1003, f);
        return WEFT_OK;
    case TEXT:
        if (!is_text(c->data + f->at, f->size))
            return weft_fail(c->diag, WEFT_INVALID_INPUT,
                             "%s: byte %zu: a name is not text in UTF-8 (in a %s)", c->path, f->at,
                             messages[kind].name);
        return copy(c, f);
    case COPY:
        return copy(c, f);
    }
    return WEFT_OK;
}

static weft_status
cut_message(cutter *c, weft_wire_kind kind, size_t at, size_t end)
{
    field f;
    weft_status st = WEFT_OK;
    for (; at < end && st == WEFT_OK; at = f.end) {
        const char *fault = read_field(c->data, at, end, &f);
        if (fault)
            return weft_fail(c->diag, WEFT_INVALID_INPUT,
                             "%s: byte %zu: %s (in a %s); the file is damaged or not ONNX", c->path,
                             at, fault, messages[kind].name);
        if (c->out->n > MAX_SKELETON)
            return weft_fail(c->diag, WEFT_LIMIT,
                             "%s: more than %d bytes besides tensor data; weft does not read that",
                             c->path, MAX_SKELETON);
        st = cut_field(c, kind, &f);
    }
    return st;
}

weft_status
weft_wire_cut(const char *path, const weft_file *file, weft_wire_kind kind, weft_str *out,
              weft_diag *diag)
{
    cutter c = { .path = path, .data = file->data, .out = out, .diag = diag };
    return cut_message(&c, kind, 0, file->size);
}
