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
weft_content_keys(weft_arena *arena, int threads, int n, const weft_const *const *c, const char **key)
{
    keying k = { c, weft_arena_array(arena, (size_t)n + 1, sizeof *k.hex) };
    weft_parallel_for(threads, n, key_of, &k);
    for (int i = 0; i < n; i++)
        key[i] = k.hex[i];
}

const char *
weft_module_blob(weft_module *m, weft_map *seen, const weft_const *c, const char *key)
{
    int64_t *slot = weft_map_slot(seen, key, strlen(key));
    if (*slot < 0) {
        *slot = m->nblob;
        m->blob[m->nblob++] = (weft_blob){ .key = weft_arena_strdup(&m->arena, key),
                                           .dtype = c->dtype,
                                           .ndim = c->ndim,
                                           .dim = weft_arena_dup(&m->arena, c->dim,
                                                                 (size_t)c->ndim * sizeof *c->dim),
                                           .data = c->data,
                                           .size = c->size };
    }
    return m->blob[*slot].key;
}
