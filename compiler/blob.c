/* compiler/blob.c: constants by content: each distinct one is stored once, under its own hash. */
#include "compiler/priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct keying {
    const weft_const *const *c;
    char (*hex)[65];
} keying;

/* SHA-256 over "dtype[dims]:" and the bytes' own SHA-256. */
static void
key_of(void *user, int i)
{
    keying *k = user;
    const weft_const *c = k->c[i];
    weft_str what = { 0 };
    char bytes[65];
    weft_str_addf(&what, "%s[", weft_dtype_name(c->dtype));
    for (int d = 0; d < c->ndim; d++)
        weft_str_addf(&what, "%lld,", (long long)c->dim[d]);
    weft_sha256(c->data, c->size, bytes);
    weft_str_addf(&what, "]:%s", bytes);
    weft_sha256(what.at, what.n, k->hex[i]);
    weft_str_free(&what);
}

void
weft_content_keys(weft_arena *arena, int threads, int n, const weft_const *const *c,
                  const char **key)
{
    keying k = { c, weft_arena_array(arena, (size_t)n + 1, sizeof *k.hex) };
    weft_parallel_for(threads, n, key_of, &k);
    for (int i = 0; i < n; i++)
        key[i] = k.hex[i];
}

static weft_blob
blob_of(weft_arena *arena, const weft_const *c, const char *key)
{
    return (weft_blob){ .key = weft_arena_strdup(arena, key),
                        .dtype = c->dtype,
                        .ndim = c->ndim,
                        .dim = weft_arena_dup(arena, c->dim, (size_t)c->ndim * sizeof *c->dim),
                        .data = c->data,
                        .size = c->size };
}

void
weft_module_blobs(weft_module *m, weft_arena *scratch, int n, const weft_const *const *c,
                  const char *const *key)
{
    weft_blob *all = WEFT_NEW_ARRAY(&m->arena, m->nblob + n + 1, weft_blob);
    weft_map *seen = weft_map_create(scratch);
    if (m->nblob)
        memcpy(all, m->blob, (size_t)m->nblob * sizeof *all);
    m->blob = all;
    for (int i = 0; i < m->nblob; i++)
        *weft_map_slot(seen, all[i].key, strlen(all[i].key)) = i;
    for (int i = 0; i < n; i++) {
        int64_t *slot = weft_map_slot(seen, key[i], strlen(key[i]));
        if (*slot >= 0)
            continue;
        *slot = m->nblob;
        all[m->nblob++] = blob_of(&m->arena, c[i], key[i]);
    }
}
