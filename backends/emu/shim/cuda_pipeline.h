/* emu/shim/cuda_pipeline.h: copies from global to shared memory that go on while the thread does
 * (cp.async), and the primitives of cuda_pipeline.h for them.
 *
 * A copy happens when the thread waits for it; until then the place it goes to holds 0xff, so that
 * a wait that is missing is seen.  As for other accesses, it is written when the copy starts and
 * again when it ends.
 */
#ifndef WEFT_CUDA_PIPELINE_H
#define WEFT_CUDA_PIPELINE_H

#include "cuda.h"

struct weft_copy {
    char *to;
    const char *from;
    uint32_t bytes, filled; /* filled: what comes from memory, the rest is zero */
    uint32_t group;
};

/* A thread's copies under way, oldest first. */
struct weft_copies {
    uint32_t n, group; /* group: the one that is open */
    weft_copy copy[256];
};

static WEFT_QUIET void weft_open_copies(weft_copies *c)
{
    c->n = c->group = 0;
    weft_now->self->own = c;
}

static WEFT_QUIET void weft_start_copy(const char *what, const char *file, int line, void *to,
                                       const void *from, uint32_t bytes, uint32_t filled)
{
    weft_copies *c = (weft_copies *)weft_now->self->own;
    if (bytes != 4 && bytes != 8 && bytes != 16)
        weft_fault(what, file, line, "it copies 4, 8 or 16 bytes");
    if (((uintptr_t)to | (uintptr_t)from) % bytes)
        weft_fault(what, file, line, "an address is no multiple of the bytes that are copied");
    if (filled > bytes)
        weft_fault(what, file, line, "more bytes are read than are copied");
    if (c->n == 256)
        weft_fault(what, file, line, "more than 256 copies of a thread are under way");
    if (filled)
        weft_now->host->read(weft_now, from, filled);
    weft_now->host->write(weft_now, to, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        ((volatile char *)to)[i] = (char)0xff;
    c->copy[c->n++] = weft_copy{ (char *)to, (const char *)from, bytes, filled, c->group };
}

static WEFT_QUIET void weft_commit_copies() { ((weft_copies *)weft_now->self->own)->group++; }

/* Waits until all groups but the last `left` that are closed are done; left < 0: for all copies. */
static WEFT_QUIET void weft_wait_for_copies(long long left)
{
    weft_copies *c = (weft_copies *)weft_now->self->own;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        weft_copy *k = &c->copy[i];
        if (left >= 0 && (long long)k->group + left >= (long long)c->group) {
            c->copy[kept++] = *k;
            continue;
        }
        weft_now->host->write(weft_now, k->to, k->bytes);
        for (uint32_t b = 0; b < k->bytes; b++)
            ((volatile char *)k->to)[b] = b < k->filled ? k->from[b] : (char)0;
    }
    c->n = kept;
}

WEFT_FN void __pipeline_memcpy_async(void *to, const void *from, size_t bytes, size_t zeros = 0,
                                     WEFT_HERE)
{
    if (zeros > bytes)
        weft_fault("__pipeline_memcpy_async", file, line, "more bytes are zeros than are copied");
    weft_start_copy("__pipeline_memcpy_async", file, line, to, from, (uint32_t)bytes,
                    (uint32_t)(bytes - zeros));
}
WEFT_FN void __pipeline_commit() { weft_commit_copies(); }
WEFT_FN void __pipeline_wait_prior(size_t left) { weft_wait_for_copies((long long)left); }

#endif
