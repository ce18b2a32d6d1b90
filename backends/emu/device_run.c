/* Emulated devices: recorded launches, and their blocks over the cores. */
#include "backends/emu/device_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define MAX_BLOCKS (INT64_C(1) << 36) /* of a launch */

struct weft_batch {
    int n;
    weft_emu_launch *at;
    weft_arena arena;
};

/* ---- record ---------------------------------------------------------------------------------- */

static weft_status
check_limits(const weft_device *d, const weft_launch *l, const weft_emu_entry *e, weft_diag *diag)
{
    const weft_target *t = &d->info.target;
    int64_t threads = l->block[0] * l->block[1] * l->block[2], blocks;
    for (int i = 0; i < 3; i++) {
        if (l->block[i] < 1 || l->block[i] > t->max_block[i])
            return weft_fail(
                diag, WEFT_LIMIT,
                "kernel '%s': a block of %lld threads in dimension %d; '%s' takes 1 to "
                "%lld",
                l->name, (long long)l->block[i], i, d->info.id, (long long)t->max_block[i]);
        if (l->grid[i] < 0 || l->grid[i] > t->max_grid[i])
            return weft_fail(diag, WEFT_LIMIT,
                             "kernel '%s': a grid of %lld blocks in dimension %d; '%s' takes up to "
                             "%lld",
                             l->name, (long long)l->grid[i], i, d->info.id,
                             (long long)t->max_grid[i]);
    }
    if (!weft_mul64(l->grid[0], l->grid[1], &blocks) || !weft_mul64(blocks, l->grid[2], &blocks) ||
        blocks > MAX_BLOCKS)
        return weft_fail(diag, WEFT_LIMIT,
                         "kernel '%s': %lldx%lldx%lld blocks; '%s' runs up to %lld", l->name,
                         (long long)l->grid[0], (long long)l->grid[1], (long long)l->grid[2],
                         d->info.id, (long long)MAX_BLOCKS);
    int64_t limit =
        e->max_threads > 0 && e->max_threads < t->max_threads ? e->max_threads : t->max_threads;
    if (threads > limit)
        return weft_fail(diag, WEFT_LIMIT, "kernel '%s': a block of %lld threads; %s allow%s %lld",
                         l->name, (long long)threads,
                         limit < t->max_threads ? "its launch bounds" : d->info.id,
                         limit < t->max_threads ? "" : "s", (long long)limit);
    if (l->shared_bytes < 0 || l->shared_bytes > weft_target_shared(t))
        return weft_fail(diag, WEFT_LIMIT,
                         "kernel '%s': %lld bytes of dynamic shared memory; '%s' has %lld", l->name,
                         (long long)l->shared_bytes, d->info.id, (long long)weft_target_shared(t));
    return WEFT_OK;
}

static weft_status
check_arguments(const weft_device *d, const weft_launch *l, const weft_emu_entry *e,
                weft_diag *diag)
{
    if (l->nbuffer != e->nbuffer || l->nscalar != e->nscalar)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "kernel '%s' takes %d buffers and %d scalars; the launch gives %d and %d",
                         l->name, e->nbuffer, e->nscalar, l->nbuffer, l->nscalar);
    for (int i = 0; i < l->nbuffer; i++) {
        const weft_arg *a = &l->buffer[i];
        int64_t bytes = a->memory->bytes;
        if (a->offset < 0 || a->size < 0 || a->offset > bytes || a->size > bytes - a->offset)
            return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                             "kernel '%s': buffer '%s' is bytes %lld to %lld of an allocation of "
                             "%lld",
                             l->name, e->buffer[i], (long long)a->offset,
                             (long long)(a->offset + a->size), (long long)bytes);
        if (a->size > d->info.target.max_range)
            return weft_fail(diag, WEFT_LIMIT,
                             "kernel '%s': buffer '%s' has %lld bytes; '%s' takes up to %lld",
                             l->name, e->buffer[i], (long long)a->size, d->info.id,
                             (long long)d->info.target.max_range);
    }
    return WEFT_OK;
}

static int
grain_shift(uint32_t element)
{
    return element % 4 == 0 ? 2 : element % 2 == 0 ? 1 : 0;
}

/* Written ranges that overlap share the words of their hull; so does what is read from it. */
static void
place_shadow(weft_emu_launch *l)
{
    for (int i = 0; i < l->nrange; i++) {
        weft_emu_range *r = &l->range[i];
        r->first = r->start;
        r->last = r->start + r->size;
        r->shift = grain_shift(r->element);
        r->shadowed = r->written && r->size;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < l->nrange; i++)
            for (int k = 0; k < l->nrange; k++) {
                weft_emu_range *a = &l->range[i], *b = &l->range[k];
                if (i == k || !b->shadowed || !a->size || a->first >= b->last ||
                    b->first >= a->last)
                    continue;
                uintptr_t first = a->first < b->first ? a->first : b->first;
                uintptr_t last = a->last > b->last ? a->last : b->last;
                int shift = a->shift < b->shift ? a->shift : b->shift;
                changed |= a->first != first || a->last != last || a->shift != shift ||
                           b->first != first || b->last != last || b->shift != shift ||
                           !a->shadowed;
                a->first = b->first = first;
                a->last = b->last = last;
                a->shift = b->shift = shift;
                a->shadowed = true;
            }
    }
    for (int i = 0; i < l->nrange; i++) {
        weft_emu_range *r = &l->range[i];
        bool found = false;
        for (int k = 0; k < i && r->shadowed && !found; k++)
            if ((found = l->range[k].shadowed && l->range[k].first == r->first &&
                         l->range[k].last == r->last))
                r->shadow = l->range[k].shadow;
        if (!r->shadowed || found)
            continue;
        r->shadow = l->shadow_words;
        l->shadow_words += 2 * (((r->last - r->first - 1) >> r->shift) + 1);
    }
}

static void
fill_launch(weft_batch *b, weft_emu_launch *to, const weft_launch *l, const weft_emu_entry *e)
{
    weft_arena *arena = &b->arena;
    to->name = weft_arena_strdup(arena, l->name);
    to->code = l->code;
    to->entry = e;
    to->shared_bytes = l->shared_bytes;
    to->blocks = l->grid[0] * l->grid[1] * l->grid[2];
    to->nthread = (int)(l->block[0] * l->block[1] * l->block[2]);
    for (int i = 0; i < 3; i++) {
        to->grid[i] = (uint32_t)l->grid[i];
        to->block[i] = (uint32_t)l->block[i];
    }
    to->nrange = l->nbuffer;
    to->nscalar = l->nscalar;
    to->range = WEFT_NEW_ARRAY(arena, l->nbuffer + 1, weft_emu_range);
    to->buffer = WEFT_NEW_ARRAY(arena, l->nbuffer + 1, void *);
    to->scalar = WEFT_NEW_ARRAY(arena, l->nscalar + 1, int64_t);
    for (int i = 0; i < l->nbuffer; i++) {
        const weft_arg *a = &l->buffer[i];
        to->buffer[i] = a->memory->at + a->offset;
        to->range[i] = (weft_emu_range){ .start = (uintptr_t)to->buffer[i],
                                         .size = (size_t)a->size,
                                         .written = a->written,
                                         .name = e->buffer[i],
                                         .element = e->element[i] ? e->element[i] : 1 };
    }
    for (int i = 0; i < l->nscalar; i++)
        to->scalar[i] = l->scalar[i];
    place_shadow(to);
}

weft_status
weft_emu_record(weft_device *device, const weft_launch *launch, int n, weft_batch **batch,
                weft_diag *diag)
{
    weft_batch *b = calloc(1, sizeof *b);
    weft_status s = WEFT_OK;
    *batch = NULL;
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a batch");
    b->n = n;
    b->at = WEFT_NEW_ARRAY(&b->arena, n + 1, weft_emu_launch);
    for (int i = 0; i < n && !s; i++) {
        const weft_launch *l = &launch[i];
        const weft_emu_entry *e = weft_emu_entry_of(l->code, l->kernel);
        if (!e)
            s = weft_fail(diag, WEFT_INVALID_ARGUMENT, "launch '%s': there is no kernel %d",
                          l->name, l->kernel);
        if (!s)
            s = check_limits(device, l, e, diag);
        if (!s)
            s = check_arguments(device, l, e, diag);
        if (!s)
            fill_launch(b, &b->at[i], l, e);
    }
    if (s)
        weft_emu_discard(device, b);
    else
        *batch = b;
    return s;
}

void
weft_emu_discard(weft_device *device, weft_batch *b)
{
    (void)device;
    if (!b)
        return;
    weft_arena_reset(&b->arena);
    free(b);
}

/* ---- submit ---------------------------------------------------------------------------------- */

/* Words for the largest launch, all zero when new. */
static weft_status
make_shadow(weft_emu_device *d, size_t words, weft_diag *diag)
{
    if (words <= d->shadow_words)
        return WEFT_OK;
    void *map = mmap(NULL, words * sizeof *d->shadow, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "%s: no memory for %zu bytes that tell who wrote what", d->base.info.id,
                         words * sizeof *d->shadow);
    weft_emu_free_shadow(d);
    d->shadow = map;
    d->shadow_words = words;
    return WEFT_OK;
}

void
weft_emu_free_shadow(weft_emu_device *d)
{
    if (d->shadow)
        munmap(d->shadow, d->shadow_words * sizeof *d->shadow);
    d->shadow = NULL;
    d->shadow_words = 0;
}

typedef struct work {
    weft_emu_device *device;
    const weft_emu_launch *launch;
    uint64_t serial;
    int64_t chunk;
    _Atomic int64_t next;
    atomic_bool failed;
} work;

/* Denormals are zero in fast numerics, as Metal's and CUDA's fast math has it. */
static unsigned
flush_denormals(bool on)
{
#ifdef __x86_64__
    unsigned old = _mm_getcsr();
    if (on)
        _mm_setcsr(old | 0x8040);
    return old;
#else
    (void)on;
    return 0;
#endif
}

static void
restore_denormals(unsigned old)
{
#ifdef __x86_64__
    _mm_setcsr(old);
#else
    (void)old;
#endif
}

static void
run_blocks(void *user, int i)
{
    work *w = user;
    weft_emu_core *c = w->device->core[i];
    unsigned old = flush_denormals(weft_emu_flushes(w->launch->code));
    weft_emu_core_begin(c, w->launch, w->serial);
    for (;;) {
        int64_t at = atomic_fetch_add(&w->next, w->chunk), n = w->launch->blocks;
        for (int64_t k = at; k < n && k < at + w->chunk; k++)
            if (atomic_load_explicit(&w->failed, memory_order_relaxed) ||
                !weft_emu_core_run(c, k)) {
                atomic_store(&w->failed, true);
                restore_denormals(old);
                return;
            }
        if (at >= n - w->chunk)
            break;
    }
    restore_denormals(old);
}

static weft_status
make_cores(weft_emu_device *d, int n, weft_diag *diag)
{
    for (int i = 0; i < n; i++)
        if (!d->core[i] && !(d->core[i] = weft_emu_core_create(d)))
            return weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s: no memory for a core", d->base.info.id);
    return WEFT_OK;
}

/* How many cores a launch is worth: a thread costs as much to start as some ten thousand steps. */
static int
cores_for(const weft_emu_device *d, const weft_emu_launch *l)
{
    int64_t n = d->ncore;
    if (n > l->blocks)
        n = l->blocks;
    return l->blocks * l->nthread < 512 ? 1 : (int)n;
}

static weft_status
run_launch(weft_emu_device *d, const weft_emu_launch *l, weft_diag *diag)
{
    int n = cores_for(d, l);
    if (!l->blocks)
        return WEFT_OK;
    weft_status s = make_shadow(d, l->shadow_words, diag);
    if (!s)
        s = make_cores(d, n, diag);
    if (s)
        return s;
    if (d->serial + (uint64_t)l->blocks + 1 >= WEFT_EMU_SERIAL_END) {
        weft_emu_free_shadow(d);
        d->serial = 0;
        if ((s = make_shadow(d, l->shadow_words, diag)))
            return s;
    }
    work w = { .device = d, .launch = l, .serial = d->serial + 1, .chunk = l->blocks / n / 8 + 1 };
    d->serial += (uint64_t)l->blocks;
    weft_parallel_for(n, n, run_blocks, &w);
    for (int i = 0; i < n && !s; i++)
        if (d->core[i]->failed)
            s = weft_fail(diag, d->core[i]->status, "%s", weft_str_text(&d->core[i]->message));
    return s;
}

weft_status
weft_emu_submit(weft_device *device, weft_batch *b, double *times, weft_diag *diag)
{
    weft_emu_device *d = (weft_emu_device *)device;
    weft_status s = WEFT_OK;
    for (int i = 0; i < b->n && !s; i++) {
        double start = weft_now();
        s = run_launch(d, &b->at[i], diag);
        if (times)
            times[i] = weft_now() - start;
    }
    return s;
}
