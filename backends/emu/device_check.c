/* Emulated devices: every access of a kernel, before it happens.
 *
 * An address lies in a buffer argument, in a shared array of the block, on the thread's own stack,
 * or the access is a fault.  Two accesses of one grain by two threads, one of which writes, are a
 * race unless something orders them: a barrier for that memory between them, an exchange if both
 * are lanes of one warp, or that both are atomic.  A grain remembers its last write and, of the
 * reads since, one and whether there are others.
 *
 * Shared memory is the core's own.  Buffers that a launch writes are watched by all cores: a word
 * is exchanged before the other one is looked at, so that of two that race at least one sees it.
 */
#include "backends/emu/device_priv.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ROOM = 2 * (int)WEFT_EMU_CELL_ROOM, /* addresses for the shared arrays of a core */
    MAX_SHARED = 256 << 10,             /* bytes of them all */
    GAP = 4096,                         /* between two arrays, at least */
    CLOCK_END = (1 << 20) - 2           /* stamps have 20 bits */
};

/* A word of a buffer's grain ends as a cell's does, with a stamp that counts from the block's
 * start; above it stands the block. */
enum { SERIAL = 27, STAMP_MAX = (1 << 14) - 1 };
#define MANY_BLOCKS (UINT64_C(1) << 26) /* other blocks have read it, too */

/* ---- the clock ------------------------------------------------------------------------------- */

static void
set_since(weft_emu_core *c, uint32_t since)
{
    c->base.shared_since = c->global_since = since;
    for (int i = 0; i < WEFT_EMU_MAX_WARPS; i++)
        c->warp_since[i] = since;
}

/* Stamps of the block become 1, older ones 0: what lies before the last barrier. */
static void
rebase(weft_emu_core *c)
{
    for (int k = 0; k < c->ncopy; k++) {
        weft_emu_copy *a = &c->copy[k];
        for (size_t i = 0; i < a->size >> a->shift; i++) {
            uint32_t w = a->cell[i].write;
            bool mine = w >= c->base.block_since;
            a->cell[i].write = mine ? 1u << WEFT_EMU_STAMP | (w & WEFT_EMU_THREAD) : 0;
            a->cell[i].read = 0;
        }
    }
    c->base.block_since = 1u << WEFT_EMU_STAMP;
    c->clock = 2 + STAMP_MAX;
    set_since(c, c->clock << WEFT_EMU_STAMP);
}

uint32_t
weft_emu_tick(weft_emu_core *c)
{
    if (++c->clock >= CLOCK_END)
        rebase(c);
    return c->clock << WEFT_EMU_STAMP;
}

void
weft_emu_check_thread(weft_emu_core *c)
{
    c->base.mine = c->clock << WEFT_EMU_STAMP | (uint32_t)c->running;
    c->base.warp_since = c->warp_since[c->running / WEFT_EMU_WARP];
}

void
weft_emu_check_block(weft_emu_core *c)
{
    c->base.block_since = weft_emu_tick(c);
    set_since(c, c->base.block_since);
    for (int i = 0; i < c->ncopy; i++)
        memset((void *)c->copy[i].start, 0xff, c->copy[i].size);
}

/* ---- shared arrays --------------------------------------------------------------------------- */

bool
weft_emu_shared_create(weft_emu_core *c)
{
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, may = PROT_READ | PROT_WRITE;
    void *room = mmap(NULL, ROOM, may, how, -1, 0);
    void *cell = mmap(NULL, WEFT_EMU_CELL_ROOM / 4 * sizeof(weft_emu_cell), may, how, -1, 0);
    void *fine = mmap(NULL, MAX_SHARED * sizeof(weft_emu_cell), may, how, -1, 0);
    c->base.shared_base = room == MAP_FAILED ? NULL : room;
    c->base.cell = cell == MAP_FAILED ? NULL : cell;
    c->fine = fine == MAP_FAILED ? NULL : fine;
    return c->base.shared_base && c->base.cell && c->fine;
}

void
weft_emu_shared_destroy(weft_emu_core *c)
{
    if (c->base.shared_base)
        munmap(c->base.shared_base, ROOM);
    if (c->base.cell)
        munmap(c->base.cell, WEFT_EMU_CELL_ROOM / 4 * sizeof(weft_emu_cell));
    if (c->fine)
        munmap(c->fine, MAX_SHARED * sizeof(weft_emu_cell));
}

/* Cells from `first` on belong to no array. */
static void
mark_gap(weft_emu_core *c, size_t first, size_t n)
{
    for (size_t i = first; i < first + n && i < WEFT_EMU_CELL_ROOM / 4; i++)
        c->base.cell[i] = (weft_emu_cell){ 0, WEFT_EMU_NOWHERE };
}

void
weft_emu_check_launch(weft_emu_core *c)
{
    const weft_emu_launch *l = c->launch;
    c->base.cell_bytes = 0;
    c->ncopy = 0;
    c->used = c->used_fine = c->cells_fine = 0;
    c->shared_sum = 0;
    memset(c->base.window, 0, sizeof c->base.window);
    for (int i = 0, n = 1; i < l->nrange && n < WEFT_EMU_WINDOWS; i++)
        if (!l->range[i].shadowed && !l->range[i].written)
            c->base.window[n++] = (weft_emu_window){ l->range[i].start, l->range[i].size };
}

static int
grain_shift(uint64_t element)
{
    return element % 4 == 0 ? 2 : element % 2 == 0 ? 1 : 0;
}

/* Where an array of the size begins in its half; the half's end moves on, with a gap behind the
 * array as large as it is. */
static size_t
place_copy(size_t *used, size_t size, size_t align, int nth)
{
    size_t at = *used + GAP + 192 * (size_t)nth;
    at = (at + align - 1) / align * align;
    *used = at + size + (size > GAP ? size : 0);
    return at;
}

static void *
new_copy(weft_emu_core *c, const weft_emu_array *a, uint64_t size)
{
    const weft_target *t = &c->device->base.info.target;
    int64_t limit = c->launch->shared_bytes ? weft_target_shared(t) : t->shared_bytes;
    bool declared = a->line > 0; /* by the text; the shims' own do not count */
    if (declared && (size > (uint64_t)limit || c->shared_sum + (int64_t)size > limit))
        weft_emu_fault(c,
                       "shared array '%s' (%s:%d) of %" PRIu64 " bytes is too much: %" PRId64
                       " bytes are declared before it, and the device has %" PRId64,
                       a->name, a->file, a->line, size, c->shared_sum, limit);
    if (c->ncopy == WEFT_EMU_MAX_ARRAYS)
        weft_emu_fault(c, "more than %d shared arrays; '%s' (%s:%d) is one too many",
                       WEFT_EMU_MAX_ARRAYS, a->name, a->file, a->line);
    if (a->align > GAP)
        weft_emu_fault(c,
                       "shared array '%s' (%s:%d) is aligned to %" PRIu64 " bytes; %d is the most",
                       a->name, a->file, a->line, a->align, GAP);
    weft_emu_copy *to = &c->copy[c->ncopy];
    size_t align = a->align > 16 ? (size_t)a->align : 16, at;
    int shift = size % a->element ? 0 : grain_shift(a->element);
    if (shift == 2) {
        size_t from = c->used;
        at = place_copy(&c->used, (size_t)size, align, c->ncopy);
        mark_gap(c, from / 4, (c->used - from + GAP) / 4);
        c->base.cell_bytes = c->used + GAP;
    } else {
        at = WEFT_EMU_CELL_ROOM + place_copy(&c->used_fine, (size_t)size, align, c->ncopy);
    }
    *to = (weft_emu_copy){ .array = a,
                           .start = (uintptr_t)c->base.shared_base + at,
                           .size = (size_t)size,
                           .shift = shift,
                           .cell = shift == 2 ? c->base.cell + at / 4 : c->fine + c->cells_fine };
    memset((void *)to->start, 0xff, to->size);
    memset(to->cell, 0, sizeof *to->cell * (to->size >> shift)); /* of a launch before, perhaps */
    c->ncopy++;
    c->cells_fine += shift == 2 ? 0 : to->size >> shift;
    c->shared_sum += declared ? (int64_t)size : 0;
    return (void *)to->start;
}

static void *
copy_of(weft_emu_core *c, const weft_emu_array *a, uint64_t size)
{
    for (int i = 0; i < c->ncopy; i++)
        if (c->copy[i].array == a)
            return (void *)c->copy[i].start;
    return new_copy(c, a, size);
}

void *
weft_emu_shared(weft_emu_worker *w, const weft_emu_array *a)
{
    return copy_of((weft_emu_core *)w, a, a->size);
}

void *
weft_emu_dynamic_shared(weft_emu_worker *w, const weft_emu_array *a)
{
    weft_emu_core *c = (weft_emu_core *)w;
    return copy_of(c, a, (uint64_t)c->launch->shared_bytes);
}

/* ---- messages -------------------------------------------------------------------------------- */

typedef enum access { READ, WRITE, ATOMICALLY, SETS_ATOMICALLY } access;

static const char *const verb[] = { "reads", "writes", "writes atomically", "writes atomically" };

/* Whether an access does not race with others that are atomic. */
static inline bool
is_atomic(access how)
{
    return how == ATOMICALLY || how == SETS_ATOMICALLY;
}

static _Noreturn void
uninitialised(weft_emu_core *c, const weft_emu_copy *a, size_t offset)
{
    weft_emu_fault(c,
                   "reads element %zu of shared array '%s' (%s:%d), which no thread of the block "
                   "has written",
                   offset / a->array->element, a->array->name, a->array->file, a->array->line);
}

static _Noreturn void
shared_race(weft_emu_core *c, const weft_emu_copy *a, size_t grain, access mine, access other,
            uint32_t word, bool unknown)
{
    char at[48];
    weft_emu_position(c, (int)(word & WEFT_EMU_THREAD), at);
    weft_emu_fault(c,
                   "race on element %zu of shared array '%s' (%s:%d): thread %s%s %s it and this "
                   "thread %s it with no barrier for shared memory between them",
                   (grain << a->shift) / a->array->element, a->array->name, a->array->file,
                   a->array->line, unknown ? "beside " : "", at,
                   unknown ? "another reads" : verb[other], verb[mine]);
}

static _Noreturn void
global_race(weft_emu_core *c, const weft_emu_range *r, uintptr_t address, access mine, access other,
            uint64_t word)
{
    char at[48];
    uint64_t serial = word >> SERIAL, n = (uint64_t)c->launch->grid[0], m = c->launch->grid[1];
    size_t element = (address - r->start) / r->element;
    weft_emu_position(c, (int)(word & WEFT_EMU_THREAD), at);
    if (serial == c->serial && !(word & MANY_BLOCKS))
        weft_emu_fault(c,
                       "race on element %zu of buffer '%s': thread %s of the same block %s it "
                       "and this thread %s it with no barrier for device memory between them",
                       element, r->name, at, verb[other], verb[mine]);
    uint64_t b = serial - c->launch_serial;
    weft_emu_fault(c,
                   "race on element %zu of buffer '%s': thread %s of block (%" PRIu64 ",%" PRIu64
                   ",%" PRIu64 ")%s %s it and this thread %s it",
                   element, r->name, at, b % n, b / n % m, b / n / m,
                   serial == c->serial ? " and threads of other blocks" : "", verb[other],
                   verb[mine]);
}

/* How far an address is from a range. */
static size_t
distance(uintptr_t p, uintptr_t start, size_t size)
{
    return p < start ? start - p : p >= start + size ? p - (start + size) + 1 : 0;
}

static _Noreturn void
stray(weft_emu_core *c, uintptr_t p, size_t bytes, access how)
{
    const weft_emu_launch *l = c->launch;
    const char *kind = "buffer", *name = NULL;
    uintptr_t start = 0;
    size_t best = SIZE_MAX, size = 0, element = 1;
    for (int i = 0; i < l->nrange; i++) {
        const weft_emu_range *r = &l->range[i];
        if (distance(p, r->start, r->size) < best) {
            best = distance(p, r->start, r->size);
            name = r->name, start = r->start, size = r->size, element = r->element;
        }
    }
    for (int i = 0; i < c->ncopy; i++) {
        const weft_emu_copy *a = &c->copy[i];
        if (distance(p, a->start, a->size) < best) {
            best = distance(p, a->start, a->size);
            kind = "shared array", name = a->array->name, start = a->start, size = a->size,
            element = a->array->element;
        }
    }
    int64_t offset = (int64_t)(p - start), e = (int64_t)element;
    if (!name || best > (size_t)1 << 40)
        weft_emu_fault(
            c, "%s %zu bytes at address 0x%" PRIxPTR ", where no argument and no shared array lies",
            verb[how], bytes, p);
    weft_emu_fault(c,
                   "%s out of bounds: %zu bytes at element %" PRId64 "%s of %s '%s', which has %zu "
                   "elements of %zu bytes",
                   verb[how], bytes, weft_floordiv(offset, e),
                   weft_floormod(offset, e) ? " (within it)" : "", kind, name, size / element,
                   element);
}

/* ---- shared memory --------------------------------------------------------------------------- */

static void
check_copy(weft_emu_core *c, weft_emu_copy *a, size_t offset, size_t bytes, access how)
{
    weft_emu_worker *w = &c->base;
    uint32_t since = w->shared_since;
    size_t last = (offset + bytes - 1) >> a->shift;
    for (size_t i = offset >> a->shift; i <= last; i++) {
        weft_emu_cell *cell = &a->cell[i];
        bool atomic = cell->write & WEFT_EMU_ATOMIC;
        if ((how == READ || how == ATOMICALLY) && cell->write < w->block_since)
            uninitialised(c, a, i << a->shift);
        if (!weft_emu_is_ordered(w, cell->write, since) && !(is_atomic(how) && atomic))
            shared_race(c, a, i, how, atomic ? ATOMICALLY : WRITE, cell->write, false);
        if (how == READ) {
            cell->read = weft_emu_add_reader(w, cell->read, since);
            continue;
        }
        if (weft_emu_readers_race(w, cell->read, since))
            shared_race(c, a, i, how, READ, cell->read,
                        (cell->read & WEFT_EMU_THREAD) == (uint32_t)c->running);
        cell->write = w->mine | (is_atomic(how) ? WEFT_EMU_ATOMIC : 0);
    }
}

/* ---- buffers that the launch writes ---------------------------------------------------------- */

/* Beyond the end of stamps nothing in the block is known to be unordered. */
static uint32_t
stamp_now(const weft_emu_core *c)
{
    uint32_t s = c->clock - (c->base.block_since >> WEFT_EMU_STAMP);
    return s < STAMP_MAX ? s : STAMP_MAX;
}

/* The block's part of a word as a cell has it. */
static uint32_t
block_part(const weft_emu_core *c, uint64_t word)
{
    return (uint32_t)(word & (MANY_BLOCKS - 1)) + c->base.block_since;
}

static bool
writes_race(const weft_emu_core *c, uint64_t word)
{
    uint64_t serial = word >> SERIAL;
    if (serial < c->launch_serial)
        return false;
    return serial != c->serial ||
           (stamp_now(c) < STAMP_MAX &&
            !weft_emu_is_ordered(&c->base, block_part(c, word), c->global_since));
}

static bool
reads_race(const weft_emu_core *c, uint64_t word)
{
    uint64_t serial = word >> SERIAL;
    if (serial < c->launch_serial)
        return false;
    return serial != c->serial || word & MANY_BLOCKS ||
           (stamp_now(c) < STAMP_MAX &&
            weft_emu_readers_race(&c->base, block_part(c, word), c->global_since));
}

static uint64_t
add_read(const weft_emu_core *c, uint64_t word)
{
    uint64_t serial = word >> SERIAL, stamp = stamp_now(c);
    uint64_t mine = c->serial << SERIAL | stamp << WEFT_EMU_STAMP | (uint64_t)c->running;
    if (serial < c->launch_serial)
        return mine;
    if (serial != c->serial)
        return word | MANY_BLOCKS;
    if (stamp == STAMP_MAX)
        return mine | (word & MANY_BLOCKS);
    uint32_t part = weft_emu_add_reader(&c->base, block_part(c, word), c->global_since);
    return (word & ~(MANY_BLOCKS - 1)) | (part - c->base.block_since);
}

static void
check_shadow(weft_emu_core *c, const weft_emu_range *r, uintptr_t p, size_t bytes, access how)
{
    uintptr_t end = p + bytes < r->last ? p + bytes : r->last;
    p = p < r->first ? r->first : p;
    for (size_t i = (p - r->first) >> r->shift; p < end && i <= (end - 1 - r->first) >> r->shift;
         i++) {
        _Atomic uint64_t *word = c->device->shadow + r->shadow + 2 * i;
        uintptr_t at = r->first + (i << r->shift);
        at = at < r->start ? r->start : at;
        if (how == READ) {
            uint64_t old = atomic_load_explicit(&word[1], memory_order_relaxed);
            uint64_t next = add_read(c, old);
            if (next != old)
                atomic_exchange(&word[1], next);
            uint64_t w = atomic_load(&word[0]);
            if (writes_race(c, w))
                global_race(c, r, at, how, w & WEFT_EMU_ATOMIC ? ATOMICALLY : WRITE, w);
            continue;
        }
        uint64_t mine = c->serial << SERIAL | (uint64_t)stamp_now(c) << WEFT_EMU_STAMP |
                        (is_atomic(how) ? WEFT_EMU_ATOMIC : 0) | (uint64_t)c->running;
        uint64_t w = atomic_exchange(&word[0], mine), reads = atomic_load(&word[1]);
        if (writes_race(c, w) && !(is_atomic(how) && w & WEFT_EMU_ATOMIC))
            global_race(c, r, at, how, w & WEFT_EMU_ATOMIC ? ATOMICALLY : WRITE, w);
        if (reads_race(c, reads))
            global_race(c, r, at, how, READ, reads);
    }
}

/* ---- where an address lies ------------------------------------------------------------------- */

static inline bool
lies_in(uintptr_t p, size_t bytes, uintptr_t start, size_t size)
{
    return p - start < size && bytes <= size - (p - start);
}

/* The argument that holds the bytes; for a write one that may be written, if there is one. */
static const weft_emu_range *
find_range(weft_emu_core *c, uintptr_t p, size_t bytes, access how)
{
    const weft_emu_launch *l = c->launch;
    const weft_emu_range *found = NULL;
    int last = c->last_range;
    if (last < l->nrange && lies_in(p, bytes, l->range[last].start, l->range[last].size) &&
        (how == READ || l->range[last].written))
        return &l->range[last];
    for (int i = 0; i < l->nrange; i++) {
        const weft_emu_range *r = &l->range[i];
        if (!lies_in(p, bytes, r->start, r->size))
            continue;
        found = r;
        c->last_range = i;
        if (how == READ || r->written)
            break;
    }
    return found;
}

/* What is neither a buffer's nor a shared array's, and may be touched all the same. */
static bool
is_own(const weft_emu_core *c, uintptr_t p, size_t bytes, access how)
{
    const weft_emu_launch *l = c->launch;
    const weft_fiber *f = c->current;
    if (lies_in(p, bytes, (uintptr_t)f->stack, WEFT_EMU_STACK))
        return true;
    return how == READ &&
           (lies_in(p, bytes, (uintptr_t)c, offsetof(weft_emu_core, device)) ||
            lies_in(p, bytes, (uintptr_t)l->buffer, sizeof *l->buffer * (size_t)l->nrange) ||
            lies_in(p, bytes, (uintptr_t)l->scalar, sizeof *l->scalar * (size_t)l->nscalar) ||
            weft_emu_is_constant(l->code, p, bytes));
}

static inline void
check(weft_emu_core *c, uintptr_t p, size_t bytes, access how)
{
    if (p - (uintptr_t)c->base.shared_base < ROOM) {
        for (int i = 0; i < c->ncopy; i++)
            if (lies_in(p, bytes, c->copy[i].start, c->copy[i].size)) {
                check_copy(c, &c->copy[i], p - c->copy[i].start, bytes, how);
                return;
            }
        stray(c, p, bytes, how);
    }
    const weft_emu_range *r = find_range(c, p, bytes, how);
    if (!r) {
        if (!is_own(c, p, bytes, how))
            stray(c, p, bytes, how);
        return;
    }
    if (how != READ && !r->written)
        weft_emu_fault(c, "%s element %zu of buffer '%s', which the launch only reads", verb[how],
                       (size_t)(p - r->start) / r->element, r->name);
    if (r->shadowed)
        check_shadow(c, r, p, bytes, how);
}

void
weft_emu_read(weft_emu_worker *w, const void *p, size_t bytes)
{
    if (bytes)
        check((weft_emu_core *)w, (uintptr_t)p, bytes, READ);
}

void
weft_emu_write(weft_emu_worker *w, const void *p, size_t bytes)
{
    if (bytes)
        check((weft_emu_core *)w, (uintptr_t)p, bytes, WRITE);
}

void
weft_emu_atomic(weft_emu_worker *w, const void *p, size_t bytes, int reads)
{
    if (bytes)
        check((weft_emu_core *)w, (uintptr_t)p, bytes, reads ? ATOMICALLY : SETS_ATOMICALLY);
}
