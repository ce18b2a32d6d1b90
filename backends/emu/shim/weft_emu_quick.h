/* emu/shim/weft_emu_quick.h: the part of a check that nearly all accesses pass, as C11 and as
 * C++17.
 *
 * Compiled into the text, so that an access costs a few nanoseconds.  What these functions do not
 * let pass the device looks at again (weft_emu_host's read and write), and says what is wrong if
 * something is.
 */
#ifndef WEFT_EMU_QUICK_H
#define WEFT_EMU_QUICK_H

#include "weft_emu.h"

/* As a function of the text: makes no checks itself. */
#ifdef __cplusplus
#define WEFT_EMU_QUICK                                                                             \
    inline __attribute__((always_inline, disable_sanitizer_instrumentation, no_sanitize("all")))
#else
#define WEFT_EMU_QUICK inline
#endif

/* A cell's words are stamp << 12 | flags | thread.  A stamp is older than a barrier when it is less
 * than the barrier's. */
#define WEFT_EMU_STAMP      12
#define WEFT_EMU_THREAD     0x3ffu
#define WEFT_EMU_LANE       0x1fu       /* of the thread */
#define WEFT_EMU_ATOMIC     (1u << 10)  /* the write is atomic */
#define WEFT_EMU_MANY       (1u << 10)  /* other threads of the warp have read it, too */
#define WEFT_EMU_MANY_WARPS (1u << 11)  /* threads of other warps have read it, too */
#define WEFT_EMU_NOWHERE    0xffffffffu /* the reads of a cell that belongs to no array */

/* Whether the write comes before what the thread that runs does now; `since`: the last barrier. */
static WEFT_EMU_QUICK int weft_emu_is_ordered(const weft_emu_worker *w, uint32_t write,
                                              uint32_t since)
{
    uint32_t other = write ^ w->mine;
    return write < since || (other & WEFT_EMU_THREAD) == 0 ||
           ((other & WEFT_EMU_THREAD & ~WEFT_EMU_LANE) == 0 && write < w->warp_since);
}

/* Whether reads race with a write by the thread that runs. */
static WEFT_EMU_QUICK int weft_emu_readers_race(const weft_emu_worker *w, uint32_t read,
                                                uint32_t since)
{
    uint32_t other = read ^ w->mine;
    if (read < since)
        return 0;
    if (read & WEFT_EMU_MANY_WARPS || other & WEFT_EMU_THREAD & ~WEFT_EMU_LANE)
        return 1;
    return read >= w->warp_since && (other & WEFT_EMU_LANE || read & WEFT_EMU_MANY);
}

/* The word of reads after one more by the thread that runs. */
static WEFT_EMU_QUICK uint32_t weft_emu_add_reader(const weft_emu_worker *w, uint32_t read,
                                                   uint32_t since)
{
    uint32_t other = read ^ w->mine;
    if (read < since)
        return w->mine;
    if (other & WEFT_EMU_THREAD & ~WEFT_EMU_LANE)
        return read | WEFT_EMU_MANY_WARPS;
    if (read < w->warp_since)
        return w->mine | (read & WEFT_EMU_MANY_WARPS);
    return other & WEFT_EMU_LANE ? read | WEFT_EMU_MANY : read;
}

/* Whether the bytes lie in memory that anybody may read: a buffer that the launch does not write,
 * the thread's own stack. */
static WEFT_EMU_QUICK int weft_emu_is_plain(const weft_emu_worker *w, uintptr_t p, size_t bytes)
{
    for (int i = 0; i < WEFT_EMU_WINDOWS; i++)
        if (p - w->window[i].start < w->window[i].size &&
            bytes <= w->window[i].size - (p - w->window[i].start))
            return 1;
    return 0;
}

static WEFT_EMU_QUICK int weft_emu_quick_read(weft_emu_worker *w, const void *at, size_t bytes)
{
    uintptr_t p = (uintptr_t)at, offset = p - (uintptr_t)w->shared_base;
    if (offset >= w->cell_bytes)
        return weft_emu_is_plain(w, p, bytes);
    if (bytes > 4 ? offset % 4 != 0 : offset % bytes != 0)
        return 0;
    for (size_t i = offset / 4; i < (offset + bytes + 3) / 4; i++) {
        weft_emu_cell *cell = &w->cell[i];
        uint32_t read = cell->read;
        if (cell->write < w->block_since || !weft_emu_is_ordered(w, cell->write, w->shared_since))
            return 0;
        uint32_t next = weft_emu_add_reader(w, read, w->shared_since);
        if (next != read)
            cell->read = next;
    }
    return 1;
}

static WEFT_EMU_QUICK int weft_emu_quick_write(weft_emu_worker *w, const void *at, size_t bytes)
{
    uintptr_t p = (uintptr_t)at, offset = p - (uintptr_t)w->shared_base;
    if (offset >= w->cell_bytes)
        return p - w->window[0].start < w->window[0].size &&
               bytes <= w->window[0].size - (p - w->window[0].start);
    if (bytes > 4 ? offset % 4 != 0 : offset % bytes != 0)
        return 0;
    for (size_t i = offset / 4; i < (offset + bytes + 3) / 4; i++) {
        weft_emu_cell *cell = &w->cell[i];
        if (!weft_emu_is_ordered(w, cell->write, w->shared_since) ||
            weft_emu_readers_race(w, cell->read, w->shared_since))
            return 0;
        cell->write = w->mine;
    }
    return 1;
}

#endif
