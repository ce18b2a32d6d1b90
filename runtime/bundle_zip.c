/* A module's files in one zip, by libzip.
 *
 * Everything is stored, not compressed: the bytes then depend on no library's version, and the
 * first file's data, which a padding field in its header puts at a multiple of 64 bytes, can be
 * mapped.
 */
#include "runtime/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

enum {
    ALIGN = 64,             /* of the first file's data */
    LOCAL_HEADER = 30,      /* bytes of a zip local header before the name */
    WIDE_SIZES = 20,        /* bytes of the field for sizes beyond 32 bits */
    PADDING_ID = 0xD935,    /* the extra field by which zip files align data */
    DOS_DATE = (1 << 5) | 1 /* 1 January 1980, the least a zip can say */
};

/* ---- reading --------------------------------------------------------------------------------- */

weft_status
weft_zip_open(weft_bundle *b, weft_diag *diag)
{
    int code = 0;
    b->zip = zip_open(b->path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
    if (b->zip)
        return WEFT_OK;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    bool absent = code == ZIP_ER_NOENT || code == ZIP_ER_OPEN;
    weft_status s =
        weft_fail(diag, absent ? WEFT_IO : WEFT_INVALID_INPUT,
                  "%s: not a module: neither a directory nor a zip that can be read: %s", b->path,
                  zip_error_strerror(&error));
    zip_error_fini(&error);
    return s;
}

void
weft_zip_close(weft_bundle *b)
{
    zip_discard(b->zip);
    b->zip = NULL;
}

bool
weft_zip_has(weft_bundle *b, const char *name)
{
    return zip_name_locate(b->zip, name, 0) >= 0;
}

static weft_status
stat_file(weft_bundle *b, const char *name, zip_stat_t *st, weft_diag *diag)
{
    zip_stat_init(st);
    if (zip_stat(b->zip, name, 0, st))
        return weft_fail(diag, WEFT_INVALID_INPUT, "%s: %s is missing: %s", b->path, name,
                         zip_strerror(b->zip));
    zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_INDEX;
    if ((st->valid & need) != need)
        return weft_fail(diag, WEFT_INVALID_INPUT, "%s: %s does not say its size", b->path, name);
    return WEFT_OK;
}

weft_status
weft_zip_text(weft_bundle *b, const char *name, size_t max_bytes, char **text, size_t *n,
              weft_diag *diag)
{
    zip_stat_t st;
    *text = NULL;
    *n = 0;
    weft_status s = stat_file(b, name, &st, diag);
    if (s)
        return s;
    if (st.size > max_bytes)
        return weft_fail(diag, WEFT_LIMIT, "%s: %s has %llu bytes, more than the limit of %zu",
                         b->path, name, (unsigned long long)st.size, max_bytes);
    char *data = malloc((size_t)st.size + 1);
    zip_file_t *in = zip_fopen_index(b->zip, st.index, 0);
    if (!data || !in || zip_fread(in, data, st.size) != (zip_int64_t)st.size) {
        s = data ? weft_fail(diag, WEFT_INVALID_INPUT, "%s: %s cannot be read: %s", b->path, name,
                             in ? zip_file_strerror(in) : zip_strerror(b->zip))
                 : weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s: no memory for %s", b->path, name);
        free(data);
    } else {
        char probe; /* reading up to the end makes libzip compare the checksum */
        if (zip_fread(in, &probe, 1) != 0) {
            s = weft_fail(diag, WEFT_INVALID_INPUT, "%s: %s is damaged: %s", b->path, name,
                          zip_file_strerror(in));
            free(data);
        } else {
            data[st.size] = 0;
            *text = data;
            *n = (size_t)st.size;
        }
    }
    if (in)
        zip_fclose(in);
    return s;
}

static size_t
le16(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8;
}

/* Where the data of the stored file `name` begins if it is the zip's first; 0 if that is not so. */
static size_t
first_data(const weft_file *f, const char *name, const zip_stat_t *st)
{
    size_t length = strlen(name);
    if (f->size < LOCAL_HEADER + length || memcmp(f->data, "PK\3\4", 4) ||
        st->comp_method != ZIP_CM_STORE)
        return 0;
    if (le16(f->data + 26) != length || memcmp(f->data + LOCAL_HEADER, name, length) ||
        st->index != 0)
        return 0;
    size_t at = LOCAL_HEADER + length + le16(f->data + 28);
    bool fits = at <= f->size && st->size <= f->size - at && st->size == st->comp_size;
    return fits && at % 8 == 0 ? at : 0;
}

weft_status
weft_zip_map(weft_bundle *b, const char *name, const uint8_t **data, size_t *n, weft_diag *diag)
{
    zip_stat_t st;
    weft_status s = stat_file(b, name, &st, diag);
    if (s || (s = weft_file_map(diag, b->path, &b->mapped)))
        return s;
    size_t at = first_data(&b->mapped, name, &st);
    if (at) {
        *data = b->mapped.data + at;
        *n = (size_t)st.size;
        return WEFT_OK;
    }
    size_t most =
        b->mapped.size; /* a stored file is not larger than its zip: bounds a hostile size */
    weft_file_unmap(&b->mapped);
    b->mapped = (weft_file){ 0 };
    if (st.comp_method != ZIP_CM_STORE)
        most = most > SIZE_MAX >> 10 ? SIZE_MAX >> 1 : most << 10; /* deflate's greatest ratio */
    char *text;
    s = weft_zip_text(b, name, most, &text, n, diag);
    b->copied = text;
    *data = (const uint8_t *)text;
    return s;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct reader { /* hands a file's pieces to libzip without joining them */
    const weft_bundle_file *file;
    int piece;
    size_t offset;
    zip_error_t error;
} reader;

static zip_int64_t
read_some(reader *r, uint8_t *to, zip_uint64_t want)
{
    zip_uint64_t done = 0;
    while (done < want && r->piece < r->file->npiece) {
        const weft_piece *p = &r->file->piece[r->piece];
        size_t n = p->size - r->offset;
        if (n > want - done)
            n = (size_t)(want - done);
        if (n)
            memcpy(to + done, (const uint8_t *)p->data + r->offset, n);
        done += n;
        r->offset += n;
        if (r->offset == p->size) {
            r->piece++;
            r->offset = 0;
        }
    }
    return (zip_int64_t)done;
}

static zip_uint64_t
total_size(const weft_bundle_file *file)
{
    zip_uint64_t n = 0;
    for (int i = 0; i < file->npiece; i++)
        n += file->piece[i].size;
    return n;
}

static zip_int64_t
source_call(void *user, void *data, zip_uint64_t size, zip_source_cmd_t command)
{
    reader *r = user;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        r->piece = 0;
        r->offset = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_some(r, data, size);
    case ZIP_SOURCE_STAT: {
        zip_stat_t *st = data;
        zip_stat_init(st);
        st->size = total_size(r->file);
        st->valid = ZIP_STAT_SIZE;
        return sizeof *st;
    }
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&r->error, data, size);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              -1);
    default:
        zip_error_set(&r->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

/* Extra field that puts the data of the archive's first file at a multiple of ALIGN. */
static bool
pad_first(zip_t *zip, const weft_bundle_file *file)
{
    static const zip_uint8_t zeros[2 * ALIGN] = { ALIGN };
    size_t wide = total_size(file) > UINT32_MAX ? WIDE_SIZES : 0;
    size_t head = LOCAL_HEADER + strlen(file->name) + wide + 4;
    size_t pad = (ALIGN - (head + 2) % ALIGN) % ALIGN + 2; /* two bytes of it say ALIGN */
    return !zip_file_extra_field_set(zip, 0, PADDING_ID, 0, zeros, (zip_uint16_t)pad, ZIP_FL_LOCAL);
}

static bool
add_file(zip_t *zip, reader *r)
{
    zip_error_init(&r->error);
    zip_source_t *source = zip_source_function(zip, source_call, r);
    if (!source)
        return false;
    zip_int64_t at = zip_file_add(zip, r->file->name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        return false;
    }
    zip_uint64_t i = (zip_uint64_t)at;
    return !zip_set_file_compression(zip, i, ZIP_CM_STORE, 0) &&
           !zip_file_set_dostime(zip, i, 0, DOS_DATE, 0) &&
           !zip_file_set_external_attributes(zip, i, 0, ZIP_OPSYS_UNIX, 0100644u << 16) &&
           (i > 0 || pad_first(zip, r->file));
}

weft_status
weft_zip_write(const char *path, const weft_bundle_file *file, int n, weft_diag *diag)
{
    int code = 0;
    weft_arena arena = { 0 };
    reader *r = WEFT_NEW_ARRAY(&arena, n, reader);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    bool good = zip != NULL;
    for (int i = 0; good && i < n; i++) {
        r[i].file = &file[i];
        good = add_file(zip, &r[i]);
    }
    weft_status s = WEFT_OK;
    if (!zip) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        s = weft_fail(diag, WEFT_IO, "%s: cannot write it: %s", path, zip_error_strerror(&error));
        zip_error_fini(&error);
    } else if (!good || zip_close(zip)) {
        s = weft_fail(diag, WEFT_IO, "%s: cannot write it: %s", path, zip_strerror(zip));
        zip_discard(zip);
    }
    weft_arena_reset(&arena);
    return s;
}
