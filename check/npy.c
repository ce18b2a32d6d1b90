/* check/npy.c: NumPy's .npy format, versions 1 to 3 (NEP 1): read with every field checked, written
 * as version 1.
 */
#include "check/tensors.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    weft_dtype dtype;
    const char *descr;
} descrs[] = {
    { WEFT_BOOL, "|b1" }, { WEFT_I8, "|i1" },  { WEFT_U8, "|u1" },  { WEFT_I16, "<i2" },
    { WEFT_U16, "<u2" },  { WEFT_I32, "<i4" }, { WEFT_U32, "<u4" }, { WEFT_I64, "<i8" },
    { WEFT_U64, "<u8" },  { WEFT_F16, "<f2" }, { WEFT_F32, "<f4" }, { WEFT_F64, "<f8" },
};
enum { DESCRS = sizeof descrs / sizeof *descrs, MAX_RANK = 64 };

bool
weft_npy_descr(weft_dtype dtype, const char **descr)
{
    for (int i = 0; i < DESCRS; i++)
        if (descrs[i].dtype == dtype) {
            *descr = descrs[i].descr;
            return true;
        }
    return false;
}

/* The text after 'key': in the header's dictionary, or NULL. */
static const char *
field(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    if (!p)
        return NULL;
    p += strlen(key);
    while (*p == ' ' || *p == ':')
        p++;
    return p;
}

static bool
read_dtype(const char *header, weft_dtype *dtype)
{
    const char *p = field(header, "'descr'");
    for (int i = 0; p && i < DESCRS; i++) {
        const char *d = descrs[i].descr;
        bool order = p[0] && (p[1] == d[0] || p[1] == '=' || p[1] == '|');
        if (order && (p[0] == '\'' || p[0] == '"') && strncmp(p + 2, d + 1, 2) == 0 &&
            p[4] == p[0]) {
            *dtype = descrs[i].dtype;
            return true;
        }
    }
    return false;
}

static bool
read_shape(const char *header, int64_t *dim, int *ndim)
{
    const char *p = field(header, "'shape'");
    *ndim = 0;
    if (!p || *p++ != '(')
        return false;
    for (;;) {
        char *end;
        while (*p == ' ' || *p == ',')
            p++;
        if (*p == ')')
            return true;
        if (!isdigit((unsigned char)*p) || *ndim == MAX_RANK)
            return false;
        dim[(*ndim)++] = strtoll(p, &end, 10);
        p = end;
    }
}

/* Where the header's text starts and how long it is; false when the file is too short for it. */
static bool
find_header(const weft_file *f, size_t *at, size_t *n)
{
    if (f->size < 12 || memcmp(f->data, "\x93NUMPY", 6) != 0)
        return false;
    bool wide = f->data[6] >= 2;
    *at = wide ? 12 : 10;
    *n = f->data[8] | (size_t)f->data[9] << 8;
    if (wide)
        *n |= (size_t)f->data[10] << 16 | (size_t)f->data[11] << 24;
    return *n <= f->size - *at;
}

static bool
is_fortran(const char *header)
{
    const char *p = field(header, "'fortran_order'");
    return p && strncmp(p, "True", 4) == 0;
}

static weft_status
read_mapped(const char *path, const weft_file *f, weft_arena *arena, weft_const *c, weft_diag *diag)
{
    size_t at, n;
    int64_t dim[MAX_RANK], count = 1, bytes;
    if (!find_header(f, &at, &n))
        return weft_fail(diag, WEFT_INVALID_INPUT, "%s: no .npy file, or cut off in its header",
                         path);
    const char *header = weft_arena_strndup(arena, (const char *)f->data + at, n);
    if (!read_dtype(header, &c->dtype))
        return weft_fail(diag, WEFT_UNSUPPORTED,
                         "%s: its dtype is not a little-endian number or bool", path);
    if (!read_shape(header, dim, &c->ndim))
        return weft_fail(diag, WEFT_INVALID_INPUT, "%s: its shape cannot be read", path);
    if (is_fortran(header) && c->ndim > 1)
        return weft_fail(diag, WEFT_UNSUPPORTED,
                         "%s: stored in Fortran order; save it with numpy.ascontiguousarray", path);
    for (int d = 0; d < c->ndim; d++)
        if (!weft_mul64(count, dim[d], &count))
            return weft_fail(diag, WEFT_INVALID_INPUT,
                             "%s: its shape has more elements than can be counted", path);
    if (!weft_dtype_bytes(c->dtype, count, &bytes) || (size_t)bytes > f->size - at - n)
        return weft_fail(diag, WEFT_INVALID_INPUT,
                         "%s: %zu bytes of data, its shape needs %lld elements of %s", path,
                         f->size - at - n, (long long)count, weft_dtype_name(c->dtype));
    c->dim = weft_arena_dup(arena, dim, (size_t)c->ndim * sizeof *dim);
    c->data = weft_arena_dup(arena, f->data + at + n, (size_t)bytes);
    c->size = (size_t)bytes;
    return WEFT_OK;
}

weft_status
weft_read_npy(const char *path, weft_arena *arena, weft_const *c, weft_diag *diag)
{
    weft_file f;
    weft_status status = weft_file_map(diag, path, &f);
    if (status)
        return status;
    status = read_mapped(path, &f, arena, c, diag);
    weft_file_unmap(&f);
    return status;
}
