/* Emulated devices: the threads of a block, in turn, on fibers.
 *
 * Threads run one after the other until they wait.  A fiber goes on with the next thread when one
 * has ended, so that a kernel without barriers takes one fiber and no switch.  When none can run,
 * what is complete is released: exchanges of a warp first, then the barrier that all threads wait
 * at.
 */
#include "backends/emu/device_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEP = 1 << 26 }; /* its product with a block's number has 64 bits */

/* ---- faults ---------------------------------------------------------------------------------- */

void
weft_emu_position(const weft_emu_core *c, int thread, char out[48])
{
    const uint32_t *n = c->launch->block;
    uint32_t t = (uint32_t)thread;
    snprintf(out, 48, "(%u,%u,%u)", t % n[0], t / n[0] % n[1], t / n[0] / n[1]);
}

/* The first fault is the launch's. */
static void
set_fault(weft_emu_core *c, const char *fmt, va_list args)
{
    if (c->failed)
        return;
    c->failed = true;
    weft_str_addf(&c->message, "%s: kernel '%s': ", c->device->base.info.id, c->launch->name);
    weft_str_vaddf(&c->message, fmt, args);
}

_Noreturn void
weft_emu_fault(weft_emu_core *c, const char *fmt, ...)
{
    char at[48];
    va_list args;
    va_start(args, fmt);
    set_fault(c, fmt, args);
    va_end(args);
    weft_emu_position(c, c->running, at);
    weft_str_addf(&c->message, "; block (%u,%u,%u), thread %s", c->self.block[0], c->self.block[1],
                  c->self.block[2], at);
    weft_fiber_switch(c->current, &c->main, true);
    weft_assert_fail("left", __FILE__, __LINE__, "a thread goes on after its fault");
}

static void WEFT_PRINTF(2, 3) fault_of_block(weft_emu_core *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_fault(c, fmt, args);
    va_end(args);
    weft_str_addf(&c->message, "; block (%u,%u,%u)", c->self.block[0], c->self.block[1],
                  c->self.block[2]);
}

/* ---- order ----------------------------------------------------------------------------------- */

static uint64_t
next_random(weft_emu_core *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return c->random;
}

/* Everyone gets a turn again; a shuffled order is drawn anew. */
static void
new_round(weft_emu_core *c)
{
    c->at = 0;
    if (c->device->order != WEFT_EMU_SHUFFLE)
        return;
    for (int i = c->nthread - 1; i > 0; i--) {
        int k = (int)(next_random(c) % (uint64_t)(i + 1));
        uint16_t t = c->turn[i];
        c->turn[i] = c->turn[k];
        c->turn[k] = t;
    }
}

static void
set_order(weft_emu_core *c)
{
    int n = c->nthread;
    for (int i = 0; i < n; i++)
        c->turn[i] = (uint16_t)(c->device->order == WEFT_EMU_REVERSE ? n - 1 - i : i);
}

/* Block i of the launch in the device's order: every block once. */
static int64_t
block_in_order(const weft_emu_device *d, int64_t i, int64_t n)
{
    uint64_t m = (uint64_t)n, step = (d->seed * 2 + 7919) % MAX_STEP;
    if (d->order == WEFT_EMU_REVERSE)
        return n - 1 - i;
    if (d->order == WEFT_EMU_FORWARD || m < 2)
        return i;
    step = step % m ? step % m : 1;
    for (uint64_t a = m, b = step; b != 1;) { /* until it shares no factor with n */
        while (b) {
            uint64_t r = a % b;
            a = b;
            b = r;
        }
        if (a == 1)
            break;
        step = step + 1 < m ? step + 1 : 1;
        a = m;
        b = step;
    }
    return (int64_t)(((uint64_t)i * step + d->seed % m) % m);
}

/* ---- fibers ---------------------------------------------------------------------------------- */

static weft_fiber *
take_fiber(weft_emu_core *c)
{
    weft_fiber *f = c->free;
    if (f) {
        c->free = f->next;
        return f;
    }
    if (c->nfiber == WEFT_EMU_MAX_THREADS || !(f = calloc(1, sizeof *f)))
        return NULL;
    f->core = c;
    if (!weft_fiber_create(f)) {
        free(f);
        return NULL;
    }
    return c->all[c->nfiber++] = f;
}

/* After a fault fibers stand where nobody resumes them. */
static void
forget_fibers(weft_emu_core *c)
{
    c->free = NULL;
    for (int i = 0; i < c->nfiber; i++) {
        c->all[i]->begun = false;
        c->all[i]->next = c->free;
        c->free = c->all[i];
    }
}

static void
enter_thread(weft_emu_core *c, int t)
{
    const uint32_t *n = c->launch->block;
    c->running = t;
    c->self.thread[0] = (uint32_t)t % n[0];
    c->self.thread[1] = (uint32_t)t / n[0] % n[1];
    c->self.thread[2] = (uint32_t)t / n[0] / n[1];
    c->self.own = NULL;
    c->self.lane = (uint32_t)t % WEFT_EMU_WARP;
    c->self.warp = (uint32_t)t / WEFT_EMU_WARP;
    weft_emu_check_thread(c);
}

static bool resolve(weft_emu_core *c);

/* Whose turn it is: a thread that can run; -1 when the block is done or has failed. */
static int
next_thread(weft_emu_core *c)
{
    do {
        while (c->at < c->nthread) {
            int t = c->turn[c->at++];
            if (c->state[t] == THREAD_READY || c->state[t] == THREAD_NEW)
                return t;
        }
    } while (resolve(c));
    return -1;
}

/* Goes from the fiber that runs to that of the thread, or to main. */
static void
go_on(weft_emu_core *c, int t)
{
    weft_fiber *from = c->current, *to = &c->main;
    if (t >= 0)
        to = c->state[t] == THREAD_NEW ? take_fiber(c) : c->fiber_of[t];
    if (!to) {
        c->status = WEFT_OUT_OF_MEMORY;
        fault_of_block(c, "no memory for the stack of a thread");
        to = &c->main;
    }
    to->thread = t;
    if (to == from)
        return;
    c->current = to;
    c->base.window[0] = (weft_emu_window){ (uintptr_t)to->stack, WEFT_EMU_STACK };
    weft_fiber_switch(from, to, false);
}

_Noreturn void
weft_emu_fiber_main(weft_fiber *f)
{
    weft_emu_core *c = f->core;
    weft_fiber_entered();
    for (;;) {
        int t = f->thread;
        c->fiber_of[t] = f;
        enter_thread(c, t);
        c->launch->entry->run(&c->base, c->launch->buffer, c->launch->scalar);
        c->state[t] = THREAD_ENDED;
        c->nended++;
        f->next = c->free; /* a new thread takes this very fiber */
        c->free = f;
        go_on(c, next_thread(c));
    }
}

static void
wait_here(weft_emu_core *c, weft_emu_state state)
{
    int t = c->running;
    void *own = c->self.own;
    c->state[t] = state;
    go_on(c, next_thread(c));
    enter_thread(c, t);
    c->self.own = own;
}

/* ---- what releases threads ------------------------------------------------------------------- */

static bool
same_place(const weft_emu_place *a, const weft_emu_place *b)
{
    return a == b || (a->line == b->line && !strcmp(a->file, b->file) && !strcmp(a->what, b->what));
}

/* Lanes of a warp get what each of `mask` brought, and can run. */
static void
release_lanes(weft_emu_core *c, int first, uint64_t mask)
{
    c->warp_since[first / WEFT_EMU_WARP] = weft_emu_tick(c);
    for (int i = 0; i < WEFT_EMU_WARP && first + i < c->nthread; i++) {
        weft_emu_wait *w = &c->wait[first + i];
        if (!(mask >> i & 1))
            continue;
        if (w->bytes)
            memset(w->all, 0xff, w->bytes * WEFT_EMU_WARP);
        for (int k = 0; k < WEFT_EMU_WARP && w->bytes; k++)
            if (mask >> k & 1)
                memcpy((char *)w->all + (size_t)k * w->bytes, c->wait[first + k].mine, w->bytes);
    }
    for (int i = 0; i < WEFT_EMU_WARP && first + i < c->nthread; i++)
        if (mask >> i & 1) {
            c->wait[first + i].mask = mask;
            c->state[first + i] = THREAD_READY;
        }
}

/* The lanes that thread t exchanges with when all of its mask that have not ended wait for it; or
 * 0. */
static uint64_t
complete_lanes(const weft_emu_core *c, int t)
{
    const weft_emu_wait *w = &c->wait[t];
    int first = t / WEFT_EMU_WARP * WEFT_EMU_WARP;
    uint64_t lanes = 0;
    for (int i = 0; i < WEFT_EMU_WARP; i++) {
        int k = first + i;
        if (!(w->mask >> i & 1) || k >= c->nthread || c->state[k] == THREAD_ENDED)
            continue;
        if (c->state[k] != THREAD_EXCHANGE || c->wait[k].mask != w->mask ||
            c->wait[k].bytes != w->bytes || !same_place(c->wait[k].place, w->place))
            return 0;
        lanes |= UINT64_C(1) << i;
    }
    return lanes;
}

static bool
release_exchanges(weft_emu_core *c)
{
    bool any = false;
    for (int t = 0; t < c->nthread; t++) {
        uint64_t lanes = c->state[t] == THREAD_EXCHANGE ? complete_lanes(c, t) : 0;
        if (lanes)
            release_lanes(c, t / WEFT_EMU_WARP * WEFT_EMU_WARP, lanes);
        any |= lanes != 0;
    }
    return any;
}

/* Lanes that wait where the first of them does. */
static bool
release_active(weft_emu_core *c)
{
    bool any = false;
    for (int first = 0; first < c->nthread; first += WEFT_EMU_WARP) {
        uint64_t mask = 0;
        int head = -1;
        for (int i = 0; i < WEFT_EMU_WARP && first + i < c->nthread; i++) {
            int t = first + i;
            if (c->state[t] != THREAD_ACTIVE)
                continue;
            head = head < 0 ? t : head;
            if (c->wait[t].bytes == c->wait[head].bytes &&
                same_place(c->wait[t].place, c->wait[head].place))
                mask |= UINT64_C(1) << i;
        }
        if (mask)
            release_lanes(c, first, mask);
        any |= mask != 0;
    }
    return any;
}

static bool
release_barrier(weft_emu_core *c)
{
    int memory = c->wait[0].memory;
    for (int t = 0; t < c->nthread; t++)
        if (c->state[t] != THREAD_BARRIER || !same_place(c->wait[t].place, c->wait[0].place))
            return false;
    uint32_t now = weft_emu_tick(c);
    if (memory & WEFT_EMU_SHARED)
        c->base.shared_since = now;
    if (memory & WEFT_EMU_GLOBAL)
        c->global_since = now;
    for (int t = 0; t < c->nthread; t++)
        c->state[t] = THREAD_READY;
    return true;
}

/* ---- divergence ------------------------------------------------------------------------------ */

static void
describe(const weft_emu_core *c, int t, weft_str *out)
{
    char at[48];
    weft_emu_position(c, t, at);
    if (c->state[t] == THREAD_ENDED)
        weft_str_addf(out, "thread %s has ended", at);
    else
        weft_str_addf(out, "thread %s waits at %s (%s:%d)", at, c->wait[t].place->what,
                      c->wait[t].place->file, c->wait[t].place->line);
}

/* None can run and nothing is complete: who waits for whom. */
static void
report_divergence(weft_emu_core *c)
{
    int t = 0, other = -1, together = 0; /* t: the first that waits */
    weft_str who = { 0 };
    while (t < c->nthread && c->state[t] == THREAD_ENDED)
        t++;
    for (int k = 0; k < c->nthread; k++) {
        bool same = c->state[k] == c->state[t] && same_place(c->wait[k].place, c->wait[t].place);
        bool awaited =
            (c->state[t] != THREAD_EXCHANGE && k != t) ||
            (k / WEFT_EMU_WARP == t / WEFT_EMU_WARP && c->wait[t].mask >> (k % WEFT_EMU_WARP) & 1);
        together += c->state[k] != THREAD_ENDED && same;
        bool ended = c->state[k] == THREAD_ENDED;
        if (awaited && other < 0 && (ended ? c->state[t] == THREAD_BARRIER : !same))
            other = k;
    }
    const weft_emu_place *p = c->wait[t].place;
    if (other >= 0)
        describe(c, other, &who);
    else if (c->state[t] == THREAD_EXCHANGE)
        weft_str_addf(&who, "but name different masks");
    fault_of_block(c, "%d of %d threads wait at %s (%s:%d), %s", together, c->nthread, p->what,
                   p->file, p->line, weft_str_text(&who));
    weft_str_free(&who);
}

/* Called when no thread can run.  Whether one can then. */
static bool
resolve(weft_emu_core *c)
{
    if (c->failed || c->nended == c->nthread)
        return false;
    if (release_exchanges(c) || release_active(c) || release_barrier(c)) {
        new_round(c);
        return true;
    }
    report_divergence(c);
    return false;
}

/* ---- what compiled text calls ---------------------------------------------------------------- */

static void
barrier(weft_emu_worker *w, const weft_emu_place *place, int memory)
{
    weft_emu_core *c = (weft_emu_core *)w;
    c->wait[c->running] = (weft_emu_wait){ .place = place, .memory = memory };
    wait_here(c, THREAD_BARRIER);
}

static uint64_t
exchange(weft_emu_worker *w, const weft_emu_place *place, uint64_t mask, const void *mine,
         size_t bytes, void *all)
{
    weft_emu_core *c = (weft_emu_core *)w;
    if (!(mask >> c->self.lane & 1))
        weft_emu_fault(c,
                       "%s (%s:%d) is called by lane %u, which its mask 0x%" PRIx64 " leaves out",
                       place->what, place->file, place->line, c->self.lane, mask);
    int t = c->running;
    c->wait[t] = (weft_emu_wait){ place, 0, mask, mine, bytes, all };
    wait_here(c, THREAD_EXCHANGE);
    return c->wait[t].mask;
}

static uint64_t
exchange_active(weft_emu_worker *w, const weft_emu_place *place, const void *mine, size_t bytes,
                void *all)
{
    weft_emu_core *c = (weft_emu_core *)w;
    int t = c->running;
    c->wait[t] = (weft_emu_wait){ place, 0, 0, mine, bytes, all };
    wait_here(c, THREAD_ACTIVE);
    return c->wait[t].mask;
}

static void
fault(weft_emu_worker *w, const weft_emu_place *place, const char *sentence)
{
    weft_emu_core *c = (weft_emu_core *)w;
    if (place)
        weft_emu_fault(c, "%s:%d: %s: %s", place->file, place->line, place->what, sentence);
    weft_emu_fault(c, "%s", sentence);
}

static const weft_emu_host host = {
    .read = weft_emu_read,
    .write = weft_emu_write,
    .atomic = weft_emu_atomic,
    .barrier = barrier,
    .exchange = exchange,
    .exchange_active = exchange_active,
    .shared = weft_emu_shared,
    .dynamic_shared = weft_emu_dynamic_shared,
    .fault = fault,
};

/* ---- cores ----------------------------------------------------------------------------------- */

weft_emu_core *
weft_emu_core_create(weft_emu_device *d)
{
    weft_emu_core *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->base.host = &host;
    c->base.self = &c->self;
    c->device = d;
    c->clock = 1;
    if (weft_emu_shared_create(c))
        return c;
    weft_emu_core_destroy(c);
    return NULL;
}

void
weft_emu_core_destroy(weft_emu_core *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->nfiber; i++) {
        weft_fiber_destroy(c->all[i]);
        free(c->all[i]);
    }
    weft_emu_shared_destroy(c);
    weft_str_free(&c->message);
    free(c);
}

void
weft_emu_core_begin(weft_emu_core *c, const weft_emu_launch *l, uint64_t launch_serial)
{
    c->launch = l;
    c->launch_serial = launch_serial;
    c->nthread = l->nthread;
    c->last_range = 0;
    weft_emu_check_launch(c);
    c->failed = false;
    c->status = WEFT_DEVICE;
    weft_str_free(&c->message);
    for (int i = 0; i < 3; i++) {
        c->self.threads[i] = l->block[i];
        c->self.blocks[i] = l->grid[i];
    }
    c->self.warp_size = WEFT_EMU_WARP;
    weft_fiber_adopt(&c->main);
}

static void
begin_block(weft_emu_core *c, int64_t block)
{
    const weft_emu_launch *l = c->launch;
    int64_t row = block / l->grid[0];
    c->self.block[0] = (uint32_t)(block % l->grid[0]);
    c->self.block[1] = (uint32_t)(row % l->grid[1]);
    c->self.block[2] = (uint32_t)(row / l->grid[1]);
    c->serial = c->launch_serial + (uint64_t)block;
    weft_emu_check_block(c);
    c->nended = 0;
    c->random = (c->device->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)block;
    memset(c->state, THREAD_NEW, sizeof *c->state * (size_t)c->nthread);
    set_order(c);
    new_round(c);
}

bool
weft_emu_core_run(weft_emu_core *c, int64_t i)
{
    begin_block(c, block_in_order(c->device, i, c->launch->blocks));
    c->current = &c->main;
    go_on(c, next_thread(c));
    if (c->failed)
        forget_fibers(c);
    return !c->failed;
}
