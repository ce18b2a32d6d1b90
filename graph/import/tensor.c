/* TensorProtos as constants: dtypes, sizes, and where the bytes are.  Raw data and long packed
 * floats stay in the mapped file; typed fields of other widths are decoded. */
#include "import/onnx.h"

#include <stdlib.h>
#include <string.h>

typedef enum storage { NONE, FLOATS, INT32S, INT64S, DOUBLES, UINT64S } storage;

static const struct {
    const char *name;
    weft_dtype dtype; /* WEFT_DTYPE_COUNT: weft has none */
    storage field;    /* the typed field it may stand in */
} dtypes[] = {
    /* ORDER: ONNX's numbers */
    { "UNDEFINED", WEFT_DTYPE_COUNT, NONE },
    { "FLOAT", WEFT_F32, FLOATS },
    { "UINT8", WEFT_U8, INT32S },
    { "INT8", WEFT_I8, INT32S },
    { "UINT16", WEFT_U16, INT32S },
    { "INT16", WEFT_I16, INT32S },
    { "INT32", WEFT_I32, INT32S },
    { "INT64", WEFT_I64, INT64S },
    { "STRING", WEFT_DTYPE_COUNT, NONE },
    { "BOOL", WEFT_BOOL, INT32S },
    { "FLOAT16", WEFT_F16, INT32S },
    { "DOUBLE", WEFT_F64, DOUBLES },
    { "UINT32", WEFT_U32, UINT64S },
    { "UINT64", WEFT_U64, UINT64S },
    { "COMPLEX64", WEFT_DTYPE_COUNT, NONE },
    { "COMPLEX128", WEFT_DTYPE_COUNT, NONE },
    { "BFLOAT16", WEFT_BF16, INT32S },
    { "FLOAT8E4M3FN", WEFT_F8E4M3FN, INT32S },
    { "FLOAT8E4M3FNUZ", WEFT_F8E4M3FNUZ, INT32S },
    { "FLOAT8E5M2", WEFT_F8E5M2, INT32S },
    { "FLOAT8E5M2FNUZ", WEFT_F8E5M2FNUZ, INT32S },
    { "UINT4", WEFT_U4, INT32S },
    { "INT4", WEFT_I4, INT32S },
    { "FLOAT4E2M1", WEFT_F4E2M1, INT32S },
    { "FLOAT8E8M0", WEFT_F8E8M0, INT32S },
    { "UINT2", WEFT_U2, INT32S },
    { "INT2", WEFT_I2, INT32S },
};

enum { NUMBERS = (int)(sizeof dtypes / sizeof *dtypes) };

weft_dtype
weft_onnx_dtype(int64_t number)
{
    return number > 0 && number < NUMBERS ? dtypes[number].dtype : WEFT_DTYPE_COUNT;
}

const char *
weft_onnx_dtype_name(int64_t number)
{
    return number >= 0 && number < NUMBERS ? dtypes[number].name : NULL;
}

int
weft_onnx_dtype_number(weft_dtype t)
{
    for (int i = 1; i < NUMBERS; i++)
        if (dtypes[i].dtype == t && t != WEFT_DTYPE_COUNT)
            return i;
    return 0;
}

int
weft_onnx_dtype_named(const char *name)
{
    for (int i = 1; i < NUMBERS; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return i;
    return 0;
}

void
weft_onnx_release(void *owner)
{
    onnx_mappings *m = owner;
    weft_file_unmap(&m->model);
    for (int i = 0; i < m->n; i++) {
        weft_file_unmap(&m->at[i].map);
        free(m->at[i].path);
    }
    free(m->at);
    free(m);
}

/* ---- one tensor ------------------------------------------------------------------------------ */

typedef struct reading {
    const onnx_file *file;
    const onnx_tensor_proto *proto;
    const char *what;
    weft_arena *arena;
    onnx_mappings *mappings;
    weft_const *c;
    int64_t count;
} reading;

static weft_status WEFT_PRINTF(3, 4) fail(const reading *r, weft_status st, const char *fmt, ...)
{
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&s, fmt, args);
    va_end(args);
    weft_fail(r->file->diag, st, "%s: %s: %s", r->file->leaf, r->what, weft_str_text(&s));
    weft_str_free(&s);
    return st;
}

/* dtype, dims and the bytes that they ask for. */
static weft_status
read_type(reading *r)
{
    const onnx_tensor_proto *t = r->proto;
    weft_const *c = r->c;
    c->dtype = weft_onnx_dtype(t->data_type);
    if (c->dtype == WEFT_DTYPE_COUNT) {
        const char *name = weft_onnx_dtype_name(t->data_type);
        return fail(r, name && t->data_type ? WEFT_UNSUPPORTED : WEFT_INVALID_INPUT,
                    "element type %d%s%s%s is not supported", (int)t->data_type, name ? " (" : "",
                    name ? name : "", name ? ")" : "");
    }
    if (t->segment)
        return fail(r, WEFT_UNSUPPORTED, "tensors in segments are not supported");
    if (t->n_dims > WEFT_ONNX_MAX_RANK)
        return fail(r, WEFT_INVALID_INPUT, "%zu dimensions; at most %d are allowed", t->n_dims,
                    WEFT_ONNX_MAX_RANK);
    c->ndim = (int)t->n_dims;
    c->dim = weft_arena_dup(r->arena, t->dims, t->n_dims * sizeof *t->dims);
    r->count = 1;
    int64_t bytes;
    for (size_t i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || !weft_mul64(r->count, t->dims[i], &r->count))
            return fail(r, WEFT_INVALID_INPUT,
                        "dimension %zu is %lld: negative, or more elements than can be counted", i,
                        (long long)t->dims[i]);
    if (!weft_dtype_bytes(c->dtype, r->count, &bytes))
        return fail(r, WEFT_INVALID_INPUT, "more bytes than can be counted");
    c->size = (size_t)bytes;
    return WEFT_OK;
}

/* Bools are bytes that are 0 or 1; what a file holds may be anything. */
static void
normalise_bools(reading *r)
{
    const uint8_t *in = r->c->data;
    size_t i = 0;
    while (i < r->c->size && in[i] <= 1)
        i++;
    if (r->c->dtype != WEFT_BOOL || i == r->c->size)
        return;
    uint8_t *own = weft_arena_dup(r->arena, in, r->c->size);
    for (; i < r->c->size; i++)
        own[i] = own[i] != 0;
    r->c->data = own;
    r->c->mapped = false;
}

/* Data that stands in a mapped file as it is needed. */
static weft_status
in_place(reading *r, const weft_file *map, uint64_t at, uint64_t size)
{
    if (at > map->size || size > map->size - at)
        return fail(r, WEFT_INVALID_INPUT, "its data ends beyond the file");
    if (size != r->c->size)
        return fail(r, WEFT_INVALID_INPUT,
                    "%llu bytes of data where the dimensions of %s ask for %zu",
                    (unsigned long long)size, weft_dtype_name(r->c->dtype), r->c->size);
    r->c->data = map->data + at;
    r->c->mapped = true;
    if (size == 0) {
        r->c->data = "";
        r->c->mapped = false;
    }
    if (r->c->dtype == WEFT_BOOL)
        normalise_bools(r);
    return WEFT_OK;
}

/* ---- typed fields ---------------------------------------------------------------------------- */

static weft_status
wrong_count(const reading *r, size_t have, int64_t want)
{
    return fail(r, WEFT_INVALID_INPUT, "%zu elements of data where the dimensions ask for %lld",
                have, (long long)want);
}

/* int32_data: integers, or the bits of floats; packed types as the bytes they are packed in. */
static weft_status
of_int32s(reading *r, uint8_t *to)
{
    const onnx_tensor_proto *t = r->proto;
    int bits = weft_dtype_bits(r->c->dtype);
    size_t width = bits < 8 ? 1 : (size_t)bits / 8;
    size_t want = r->c->size / width;
    if (t->n_int32_data != want)
        return wrong_count(r, t->n_int32_data, (int64_t)want);
    for (size_t i = 0; i < want; i++)
        memcpy(to + i * width, &t->int32_data[i], width); /* little-endian: the low bytes first */
    return WEFT_OK;
}

static weft_status
of_uint64s(reading *r, uint8_t *to)
{
    const onnx_tensor_proto *t = r->proto;
    size_t width = (size_t)weft_dtype_bits(r->c->dtype) / 8;
    if (t->n_uint64_data != (size_t)r->count)
        return wrong_count(r, t->n_uint64_data, r->count);
    for (size_t i = 0; i < t->n_uint64_data; i++)
        memcpy(to + i * width, &t->uint64_data[i], width);
    return WEFT_OK;
}

static weft_status
of_wide(reading *r, uint8_t *to, const void *from, size_t n)
{
    if (n != (size_t)r->count)
        return wrong_count(r, n, r->count);
    if (n)
        memcpy(to, from, r->c->size);
    return WEFT_OK;
}

/* Every element of a typed field took a byte of the file at least: nothing is allocated before the
 * count is known to be there. */
static weft_status
of_field(reading *r)
{
    const onnx_tensor_proto *t = r->proto;
    storage field = dtypes[t->data_type].field;
    size_t most =
        t->n_int32_data + t->n_uint64_data + t->n_float_data + t->n_int64_data + t->n_double_data;
    if (r->c->size / 8 > most)
        return wrong_count(r, most, r->count);
    uint8_t *to = weft_arena_alloc(r->arena, r->c->size + 1);
    r->c->data = to;
    switch (field) {
    case FLOATS:
        return of_wide(r, to, t->float_data, t->n_float_data);
    case INT64S:
        return of_wide(r, to, t->int64_data, t->n_int64_data);
    case DOUBLES:
        return of_wide(r, to, t->double_data, t->n_double_data);
    case UINT64S:
        return of_uint64s(r, to);
    case INT32S:
    case NONE:
        break;
    }
    weft_status st = of_int32s(r, to);
    normalise_bools(r);
    return st;
}

/* ---- external data --------------------------------------------------------------------------- */

/* A path below the model's directory, and in it after links are followed. */
static weft_status
external_path(const reading *r, const char *location, char **path)
{
    if (!location || !*location || *location == '/' || strchr(location, '\\'))
        return fail(r, WEFT_INVALID_INPUT, "external data has no relative location");
    for (const char *p = location; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
            return fail(r, WEFT_INVALID_INPUT,
                        "external data '%s' is outside the model's directory", location);
    size_t dir = (size_t)(r->file->leaf - r->file->path);
    weft_arena scratch = { 0 };
    const char *folder = dir ? weft_arena_strndup(&scratch, r->file->path, dir) : "./";
    char *root = realpath(folder, NULL);
    *path = realpath(weft_arena_printf(&scratch, "%s%s", folder, location), NULL);
    size_t n = root ? strlen(root) : 0;
    bool inside = *path && root && strncmp(*path, root, n) == 0 && (n == 1 || (*path)[n] == '/');
    weft_status st = inside ? WEFT_OK
                     : *path
                         ? fail(r, WEFT_INVALID_INPUT,
                                "external data '%s' leads out of the model's directory", location)
                         : fail(r, WEFT_IO, "external data '%s' is not there", location);
    free(root);
    if (!inside) {
        free(*path);
        *path = NULL;
    }
    weft_arena_reset(&scratch);
    return st;
}

/* The mapping of an external file, made when it is not there; takes `path` over. */
static weft_status
external_map(const reading *r, char *path, const weft_file **map)
{
    onnx_mappings *m = r->mappings;
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->at[i].path, path) == 0) {
            free(path);
            *map = &m->at[i].map;
            return WEFT_OK;
        }
    weft_file file;
    weft_status st = weft_file_map(r->file->diag, path, &file);
    if (st != WEFT_OK) {
        free(path);
        return st;
    }
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 4;
        m->at = realloc(m->at, (size_t)m->cap * sizeof *m->at);
        weft_assert(m->at, "out of memory");
    }
    m->at[m->n] = (struct onnx_external){ .path = path, .map = file };
    *map = &m->at[m->n++].map;
    return WEFT_OK;
}

static bool
parse_size(const char *text, uint64_t *v)
{
    char *end;
    if (!text || *text < '0' || *text > '9' || strlen(text) > 19)
        return false;
    *v = strtoull(text, &end, 10);
    return *end == '\0';
}

static weft_status
of_external(reading *r)
{
    const onnx_tensor_proto *t = r->proto;
    const char *location = NULL, *offset = NULL, *length = NULL;
    if (!r->mappings)
        return fail(r, WEFT_UNSUPPORTED, "external data is not possible here");
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = weft_onnx_text(t->external_data[i]->key);
        const char *value = weft_onnx_text(t->external_data[i]->value);
        location = strcmp(key, "location") == 0 ? value : location;
        offset = strcmp(key, "offset") == 0 ? value : offset;
        length = strcmp(key, "length") == 0 ? value : length;
    }
    uint64_t at = 0, size = r->c->size;
    if ((offset && !parse_size(offset, &at)) || (length && !parse_size(length, &size)))
        return fail(r, WEFT_INVALID_INPUT, "offset or length of its external data is not a number");
    char *path;
    const weft_file *map;
    weft_status st = external_path(r, location, &path);
    if (st == WEFT_OK)
        st = external_map(r, path, &map);
    return st == WEFT_OK ? in_place(r, map, at, size) : st;
}

weft_status
weft_onnx_tensor(const onnx_file *file, const onnx_tensor_proto *t, const char *what,
                 weft_arena *arena, onnx_mappings *mappings, weft_const *c)
{
    reading r = { file, t, what, arena, mappings, c, 0 };
    *c = (weft_const){ 0 };
    weft_status st = read_type(&r);
    if (st != WEFT_OK)
        return st;
    if (t->data_location == 1)
        return of_external(&r);
    if (t->has_raw_at)
        return in_place(&r, &file->map, t->raw_at, t->raw_size);
    if (t->has_floats_at && c->dtype == WEFT_F32)
        return in_place(&r, &file->map, t->floats_at, t->floats_size);
    return of_field(&r);
}
