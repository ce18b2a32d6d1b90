/* A module's files in a directory; a zip is handed on to bundle_zip.c. */
#include "runtime/priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_directory(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static char *
path_of(weft_bundle *b, const char *name)
{
    return weft_arena_printf(&b->arena, "%s/%s", b->path, name);
}

weft_status
weft_bundle_open(const char *path, weft_diag *diag, weft_bundle **bundle)
{
    weft_bundle *b = *bundle = calloc(1, sizeof *b);
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s: no memory for a handle", path);
    b->path = weft_arena_strdup(&b->arena, path);
    weft_status s = is_directory(path) ? WEFT_OK : weft_zip_open(b, diag);
    if (s) {
        weft_bundle_close(b);
        *bundle = NULL;
    }
    return s;
}

void
weft_bundle_close(weft_bundle *b)
{
    if (!b)
        return;
    if (b->zip)
        weft_zip_close(b);
    if (b->mapped.data)
        weft_file_unmap(&b->mapped);
    free(b->copied);
    weft_arena_reset(&b->arena);
    free(b);
}

bool
weft_bundle_has(weft_bundle *b, const char *name)
{
    return b->zip ? weft_zip_has(b, name) : !access(path_of(b, name), R_OK);
}

weft_status
weft_bundle_text(weft_bundle *b, const char *name, size_t max_bytes, char **text, size_t *n,
                 weft_diag *diag)
{
    if (b->zip)
        return weft_zip_text(b, name, max_bytes, text, n, diag);
    return weft_file_read(diag, path_of(b, name), max_bytes, text, n);
}

weft_status
weft_bundle_map(weft_bundle *b, const char *name, const uint8_t **data, size_t *n, weft_diag *diag)
{
    weft_assert(!b->mapped.data && !b->copied, "%s", name);
    if (b->zip)
        return weft_zip_map(b, name, data, n, diag);
    weft_status s = weft_file_map(diag, path_of(b, name), &b->mapped);
    *data = b->mapped.data;
    *n = b->mapped.size;
    return s;
}

static weft_status
write_directory(const char *path, const weft_bundle_file *file, int n, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < n && !s; i++) {
        weft_arena arena = { 0 };
        char *full = weft_arena_printf(&arena, "%s/%s", path, file[i].name);
        char *slash = strrchr(full, '/');
        *slash = 0;
        s = weft_make_dirs(diag, full);
        *slash = '/';
        if (!s)
            s = weft_file_write_pieces(diag, full, file[i].piece, file[i].npiece);
        weft_arena_reset(&arena);
    }
    return s;
}

weft_status
weft_bundle_write(const char *path, const weft_bundle_file *file, int n, weft_diag *diag)
{
    size_t length = strlen(path);
    if (!length)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "a module needs a path to be written to");
    if (path[length - 1] != '/' && !is_directory(path))
        return weft_zip_write(path, file, n, diag);
    weft_arena arena = { 0 };
    char *bare = weft_arena_strdup(&arena, path);
    while (length > 1 && bare[length - 1] == '/')
        bare[--length] = 0;
    weft_status s = write_directory(bare, file, n, diag);
    weft_arena_reset(&arena);
    return s;
}
