/* weights.safetensors: eight bytes of header length, a JSON header, the bytes of all tensors.
 *
 * The file format has no packed or exotic dtypes: those are stored as U8 and their true dtype and
 * shape stand under "__metadata__".  Tensors are in order of falling element size, so that all are
 * aligned.
 */
#include "runtime/priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_ALIGN = 64, MAX_HEAD = 256 << 20 };

static const struct {
    const char *text;
    weft_dtype dtype;
} dtypes[] = {
    { "BOOL", WEFT_BOOL },      { "I8", WEFT_I8 },
    { "I16", WEFT_I16 },        { "I32", WEFT_I32 },
    { "I64", WEFT_I64 },        { "U8", WEFT_U8 },
    { "U16", WEFT_U16 },        { "U32", WEFT_U32 },
    { "U64", WEFT_U64 },        { "F16", WEFT_F16 },
    { "BF16", WEFT_BF16 },      { "F32", WEFT_F32 },
    { "F64", WEFT_F64 },        { "F8_E4M3", WEFT_F8E4M3FN },
    { "F8_E5M2", WEFT_F8E5M2 },
};
enum { NDTYPE = sizeof dtypes / sizeof *dtypes };

static const char *
dtype_text(weft_dtype t)
{
    for (int i = 0; i < NDTYPE; i++)
        if (dtypes[i].dtype == t)
            return dtypes[i].text;
    return NULL;
}

static int
by_width_then_key(const void *a, const void *b)
{
    const weft_blob *x = *(const weft_blob *const *)a, *y = *(const weft_blob *const *)b;
    int p = weft_dtype_bits(x->dtype), q = weft_dtype_bits(y->dtype);
    return p != q ? (p > q ? -1 : 1) : strcmp(x->key, y->key);
}

/* "i4[3,5]" */
static json_t *
true_type(const weft_blob *b)
{
    weft_str s = { 0 };
    weft_str_addf(&s, "%s[", weft_dtype_name(b->dtype));
    for (int i = 0; i < b->ndim; i++)
        weft_str_addf(&s, "%s%lld", i ? "," : "", (long long)b->dim[i]);
    weft_str_add(&s, "]");
    json_t *j = json_string(s.at);
    weft_str_free(&s);
    return j;
}

static json_t *
blob_entry(const weft_blob *b, size_t at)
{
    const char *text = dtype_text(b->dtype);
    json_t *shape = json_array();
    for (int i = 0; text && i < b->ndim; i++)
        json_array_append_new(shape, json_integer(b->dim[i]));
    if (!text)
        json_array_append_new(shape, json_integer((json_int_t)b->size));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", text ? text : "U8", "shape", shape,
                     "data_offsets", (json_int_t)at, (json_int_t)(at + b->size));
}

weft_status
weft_weights_head(const weft_module *m, weft_str *head, int *order, weft_diag *diag)
{
    weft_arena arena = { 0 };
    const weft_blob **sorted = WEFT_NEW_ARRAY(&arena, m->nblob, const weft_blob *);
    json_t *top = json_object(), *meta = json_object();
    size_t at = 0;
    for (int i = 0; i < m->nblob; i++)
        sorted[i] = &m->blob[i];
    if (m->nblob)
        qsort(sorted, (size_t)m->nblob, sizeof *sorted, by_width_then_key);
    for (int i = 0; i < m->nblob; i++)
        if (!dtype_text(sorted[i]->dtype))
            json_object_set_new(meta, sorted[i]->key, true_type(sorted[i]));
    if (json_object_size(meta))
        json_object_set(top, "__metadata__", meta);
    for (int i = 0; i < m->nblob; i++) {
        order[i] = (int)(sorted[i] - m->blob);
        json_object_set_new(top, sorted[i]->key, blob_entry(sorted[i], at));
        at += sorted[i]->size;
    }
    char *text = json_dumps(top, JSON_COMPACT);
    json_decref(meta);
    json_decref(top);
    weft_arena_reset(&arena);
    if (!text)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "no memory for the header of weights.safetensors");
    size_t n = (strlen(text) + 8 + HEAD_ALIGN - 1) / HEAD_ALIGN * HEAD_ALIGN - 8;
    for (int i = 0; i < 8; i++)
        weft_str_addn(head, &(char){ (char)(n >> (8 * i) & 0xff) }, 1);
    weft_str_add(head, text);
    while (head->n < n + 8)
        weft_str_add(head, " ");
    free(text);
    return WEFT_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static weft_status
bad(weft_diag *diag, const char *key, const char *why)
{
    return weft_fail(diag, WEFT_INVALID_INPUT, "weights.safetensors: '%s' %s", key, why);
}

/* dtype and shape from "i4[3,5]", which stand for the plain bytes in the file. */
static weft_status
parse_true_type(weft_module *m, weft_blob *b, const char *text, weft_diag *diag)
{
    size_t n = strcspn(text, "[");
    WEFT_VEC(int64_t) dim = { 0 };
    const char *p = text + n + (text[n] == '[');
    b->dtype = weft_dtype_parse(text, n);
    while (*p && *p != ']') {
        char *end;
        long long v = strtoll(p, &end, 10);
        if (end == p || v < 0 || (*end != ',' && *end != ']'))
            break;
        *WEFT_PUSH(&m->arena, &dim) = v;
        p = end + (*end == ',');
    }
    if (b->dtype == WEFT_DTYPE_COUNT || strcmp(p, "]"))
        return bad(diag, b->key, "has a line under __metadata__ that is not like \"i4[3,5]\"");
    b->ndim = dim.n;
    b->dim = dim.at;
    return WEFT_OK;
}

static weft_status
parse_shape(weft_module *m, weft_blob *b, const json_t *shape, weft_diag *diag)
{
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > INT32_MAX)
        return bad(diag, b->key, "has no array \"shape\"");
    int64_t *dim = WEFT_NEW_ARRAY(&m->arena, n, int64_t);
    for (size_t i = 0; i < n; i++) {
        const json_t *j = json_array_get(shape, i);
        dim[i] = json_is_integer(j) ? json_integer_value(j) : -1;
        if (dim[i] < 0)
            return bad(diag, b->key, "has a dimension that is not a number from 0");
    }
    b->ndim = (int)n;
    b->dim = dim;
    return WEFT_OK;
}

static weft_status
parse_place(weft_blob *b, const json_t *offsets, const uint8_t *data, size_t n, weft_diag *diag)
{
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    int64_t from = json_is_integer(first) ? json_integer_value(first) : -1;
    int64_t to = json_is_integer(last) ? json_integer_value(last) : -1;
    if (json_array_size(offsets) != 2 || from < 0 || to < from || (uint64_t)to > n)
        return bad(diag, b->key, "has \"data_offsets\" that do not lie inside the file");
    b->data = data + from;
    b->size = (size_t)(to - from);
    return WEFT_OK;
}

static weft_status
check_size(const weft_blob *b, weft_diag *diag)
{
    int64_t count = 1, bytes;
    for (int i = 0; i < b->ndim; i++)
        if (!weft_mul64(count, b->dim[i], &count))
            return bad(diag, b->key, "has a shape with more elements than can be counted");
    if (!weft_dtype_bytes(b->dtype, count, &bytes) || (uint64_t)bytes != b->size)
        return bad(diag, b->key, "has another number of bytes than its shape needs");
    return WEFT_OK;
}

static weft_status
parse_blob(weft_module *m, weft_blob *b, const char *key, const json_t *entry, const json_t *meta,
           const uint8_t *data, size_t n, weft_diag *diag)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const char *packed = json_string_value(json_object_get(meta, key));
    b->key = weft_arena_strdup(&m->arena, key);
    b->dtype = WEFT_DTYPE_COUNT;
    for (int i = 0; dtype && i < NDTYPE; i++)
        if (!strcmp(dtypes[i].text, dtype))
            b->dtype = dtypes[i].dtype;
    if (b->dtype == WEFT_DTYPE_COUNT)
        return bad(diag, key, "has no \"dtype\" that weft knows");
    weft_status s = parse_shape(m, b, json_object_get(entry, "shape"), diag);
    if (!s)
        s = parse_place(b, json_object_get(entry, "data_offsets"), data, n, diag);
    if (!s)
        s = check_size(b, diag);
    if (s || !packed || b->dtype != WEFT_U8)
        return s;
    s = parse_true_type(m, b, packed, diag);
    return s ? s : check_size(b, diag);
}

weft_status
weft_weights_parse(weft_module *m, const uint8_t *data, size_t n, weft_diag *diag)
{
    uint64_t head = 0;
    for (int i = 0; i < 8 && n >= 8; i++)
        head |= (uint64_t)data[i] << (8 * i);
    if (n < 8 || head > n - 8 || head > MAX_HEAD)
        return weft_fail(diag, WEFT_INVALID_INPUT,
                         "weights.safetensors: its %zu bytes do not hold a header of %llu bytes", n,
                         (unsigned long long)head);
    json_error_t error;
    json_t *top = json_loadb((const char *)data + 8, (size_t)head, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(top)) {
        weft_status s = weft_fail(diag, WEFT_INVALID_INPUT,
                                  "weights.safetensors: its header is not a JSON object: %s",
                                  top ? "another value" : error.text);
        json_decref(top);
        return s;
    }
    const json_t *meta = json_object_get(top, "__metadata__");
    size_t count = json_object_size(top) - (meta != NULL);
    weft_status s = WEFT_OK;
    const char *key;
    json_t *entry;
    m->blob = WEFT_NEW_ARRAY(&m->arena, count, weft_blob);
    json_object_foreach(top, key, entry)
    {
        if (!s && strcmp(key, "__metadata__"))
            s = parse_blob(m, &m->blob[m->nblob++], key, entry, meta, data + 8 + head,
                           n - 8 - (size_t)head, diag);
    }
    json_decref(top);
    return s;
}
