/* Hashes: FNV-1a for tables, SHA-256 for names of content, and the map from byte strings. */
#include "base/priv.h"

#include <string.h>

#include <openssl/evp.h>

uint32_t
weft_hash_mix(uint32_t h, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        h ^= (uint32_t)(v >> (8 * i)) & 0xff;
        h *= 16777619u;
    }
    return h;
}

uint64_t
weft_hash_bytes(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

void
weft_sha256(const void *data, size_t n, char hex[65])
{
    static const char digit[] = "0123456789abcdef";
    uint8_t sum[EVP_MAX_MD_SIZE] = { 0 };
    unsigned size = 0;
    if (EVP_Digest(n ? data : "", n, sum, &size, EVP_sha256(), NULL) != 1)
        weft_out_of_memory(n); /* libcrypto gives no other reason */
    weft_assert(size == 32, "libcrypto has no SHA-256");
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digit[sum[i] >> 4];
        hex[2 * i + 1] = digit[sum[i] & 15];
    }
    hex[64] = 0;
}

/* ---- map ------------------------------------------------------------------------------------- */

typedef struct entry {
    const char *key;
    size_t n;
    uint64_t hash;
    int64_t value;
} entry;

struct weft_map {
    weft_arena *arena;
    WEFT_VEC(entry) entries;
    int *slot; /* 1 + index into entries, 0: free; nslot is a power of two */
    size_t nslot;
};

weft_map *
weft_map_create(weft_arena *arena)
{
    weft_map *m = WEFT_NEW(arena, weft_map);
    m->arena = arena;
    return m;
}

/* The slot that holds the key, or the free one where it belongs. */
static int *
find(const weft_map *m, const void *key, size_t n, uint64_t hash)
{
    for (size_t i = (size_t)hash & (m->nslot - 1);; i = (i + 1) & (m->nslot - 1)) {
        if (!m->slot[i])
            return &m->slot[i];
        const entry *e = &m->entries.at[m->slot[i] - 1];
        if (e->hash == hash && e->n == n && (n == 0 || memcmp(e->key, key, n) == 0))
            return &m->slot[i];
    }
}

static void
grow(weft_map *m)
{
    m->nslot = m->nslot ? 2 * m->nslot : 2;
    m->slot = WEFT_NEW_ARRAY(m->arena, m->nslot, int);
    for (int i = 0; i < m->entries.n; i++) {
        const entry *e = &m->entries.at[i];
        *find(m, e->key, e->n, e->hash) = i + 1;
    }
}

int64_t *
weft_map_slot(weft_map *m, const void *key, size_t n)
{
    if (2 * ((size_t)m->entries.n + 1) > m->nslot)
        grow(m);
    uint64_t hash = weft_hash_bytes(key, n);
    int *slot = find(m, key, n, hash);
    if (!*slot) {
        const char *copy = weft_arena_strndup(m->arena, key, n);
        *WEFT_PUSH(m->arena, &m->entries) = (entry){ copy, n, hash, -1 };
        *slot = m->entries.n;
    }
    return &m->entries.at[*slot - 1].value;
}

int64_t
weft_map_get(const weft_map *m, const void *key, size_t n)
{
    if (!m->nslot)
        return -1;
    int slot = *find(m, key, n, weft_hash_bytes(key, n));
    return slot ? m->entries.at[slot - 1].value : -1;
}

weft_map *
weft_map_copy(const weft_map *m)
{
    weft_map *copy = weft_arena_dup(m->arena, m, sizeof *m);
    copy->entries.n = copy->entries.cap = 0;
    for (int i = 0; i < m->entries.n; i++)
        *WEFT_PUSH(m->arena, &copy->entries) = m->entries.at[i];
    if (m->nslot)
        copy->slot = weft_arena_dup(m->arena, m->slot, m->nslot * sizeof *m->slot);
    return copy;
}
