/* Arenas: chains of blocks, each handed out from front to back.  A request that would waste much of
 * a block gets one of its own, slid in beneath the top one. */
#include "base/priv.h"

#include <stdlib.h>
#include <string.h>

struct weft_block {
    weft_block *next;
    size_t used, cap; /* of data, bytes */
    max_align_t data[];
};

enum {
    ALIGN = _Alignof(max_align_t),
#ifdef WEFT_TORTURE
    FIRST_BLOCK = 64,
    LAST_BLOCK = 64
#else
    FIRST_BLOCK = 4096,
    LAST_BLOCK = 1 << 20
#endif
};

void
weft_out_of_memory(size_t bytes)
{
    fprintf(stderr, "weft: out of memory: %zu bytes asked for\n", bytes);
    abort();
}

void
weft_assert_fail(const char *cond, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "%s:%d: weft broke an invariant of its own: %s", file, line, cond);
    va_start(args, fmt);
    fputs(*fmt ? ": " : "", stderr);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

/* NULL: out of memory. */
static weft_block *
block_make(size_t cap)
{
    weft_block *b = NULL;
    if (cap <= SIZE_MAX - sizeof *b)
        b = calloc(1, sizeof *b + cap);
    if (b)
        b->cap = cap;
    return b;
}

/* A block with room for `bytes`: the top one afterwards, but for a request that is large
 * beside it. */
static weft_block *
block_for(weft_arena *a, size_t bytes)
{
    weft_block *top = a->top;
    size_t cap = a->total < FIRST_BLOCK ? FIRST_BLOCK : a->total;
    if (cap > LAST_BLOCK)
        cap = LAST_BLOCK;
    bool alone = bytes > cap / 4;
    weft_block *b = block_make(alone ? bytes : cap);
    if (!b)
        return NULL;
    if (alone && top) {
        b->next = top->next;
        top->next = b;
    } else {
        b->next = top;
        a->top = b;
    }
    return b;
}

void *
weft_arena_try_alloc(weft_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGN)
        return NULL;
    bytes = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    weft_block *b = a->top;
    if (!b || b->cap - b->used < bytes)
        b = block_for(a, bytes);
    if (!b)
        return NULL;
    void *p = (char *)b->data + b->used;
    b->used += bytes;
    a->total += bytes;
    return p;
}

void *
weft_arena_alloc(weft_arena *a, size_t bytes)
{
    void *p = weft_arena_try_alloc(a, bytes);
    if (!p)
        weft_out_of_memory(bytes);
    return p;
}

void *
weft_arena_array(weft_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        weft_out_of_memory(SIZE_MAX);
    return weft_arena_alloc(a, bytes);
}

void *
weft_arena_dup(weft_arena *a, const void *p, size_t n)
{
    void *copy = weft_arena_alloc(a, n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *
weft_arena_strndup(weft_arena *a, const char *s, size_t n)
{
    if (n == SIZE_MAX)
        weft_out_of_memory(n);
    char *copy = weft_arena_alloc(a, n + 1);
    if (n)
        memcpy(copy, s, n);
    return copy;
}

char *
weft_arena_strdup(weft_arena *a, const char *s)
{
    return s ? weft_arena_strndup(a, s, strlen(s)) : NULL;
}

char *
weft_arena_printf(weft_arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    weft_assert(n >= 0, "bad format '%s'", fmt);
    char *text = weft_arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

void
weft_arena_reset(weft_arena *a)
{
    for (weft_block *b = a->top, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (weft_arena){ 0 };
}
