/* backends/emu/device_priv.h: what the files of an emulated device share.
 *
 * A device has one core a worker thread.  A core runs whole blocks, one after the other; the
 * threads of its block are fibers on stacks that the core keeps.  What is ordered and what is not
 * is told by a clock of the core: it ticks when a barrier or an exchange releases threads, and an
 * access is older than a barrier when its stamp is.
 */
#ifndef WEFT_EMU_DEVICE_PRIV_H
#define WEFT_EMU_DEVICE_PRIV_H

#include "backends/emu/emu.h"
#include "backends/emu/shim/weft_emu_quick.h"

#include <stdatomic.h>

enum {
    WEFT_EMU_MAX_THREADS = 1024, /* a block */
    WEFT_EMU_WARP = 32,
    WEFT_EMU_MAX_WARPS = WEFT_EMU_MAX_THREADS / WEFT_EMU_WARP,
    WEFT_EMU_MAX_ARRAYS = 64,   /* shared arrays a kernel */
    WEFT_EMU_STACK = 512 << 10, /* bytes of a fiber's stack */
    WEFT_EMU_MAX_CORES = 64
};

/* Bytes of shared memory that have cells of four bytes; as many behind them have finer ones. */
#define WEFT_EMU_CELL_ROOM ((size_t)2 << 20)
/* Bytes of one function's frame: the compiler refuses more. */
#define WEFT_EMU_MAX_FRAME_BYTES 163840

/* ---- the device (device.c) ------------------------------------------------------------------- */

typedef struct weft_emu_core weft_emu_core;

typedef enum weft_emu_order { WEFT_EMU_FORWARD, WEFT_EMU_REVERSE, WEFT_EMU_SHUFFLE } weft_emu_order;

typedef struct weft_emu_compiler {
    char path[256];
    char version[128]; /* the first line of --version */
} weft_emu_compiler;

typedef struct weft_emu_device {
    weft_device base;
    const weft_emu_language *language;
    weft_emu_compiler compiler;
    weft_emu_order order;
    uint64_t seed;
    int ncore;
    weft_emu_core **core; /* made when first needed */
    uint64_t serial;      /* blocks run so far: what names a block in global shadow */
    _Atomic uint64_t *shadow;
    size_t shadow_words;
} weft_emu_device;

struct weft_memory {
    char *at;
    int64_t bytes;
    void *map; /* with its guard pages */
    size_t map_bytes;
};

/* ---- code (device_compile.c) ----------------------------------------------------------------- */

/* A clang of version 15 or later: $WEFT_EMU_CXX or the newest found; else why not. */
bool weft_emu_find_compiler(weft_emu_compiler *, weft_str *why);
weft_status weft_emu_load(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                          weft_diag *);
void weft_emu_unload(weft_device *, weft_code *);

/* ---- launches (device_run.c) ----------------------------------------------------------------- */

/* A buffer argument as accesses are checked against it. */
typedef struct weft_emu_range {
    uintptr_t start;
    size_t size;
    bool written;
    const char *name;
    uint32_t element;
    /* Where the launch writes memory that this one overlaps: words [write, read] of each grain from
     * `first` to `last` (excluded).  shadow NULL: nothing writes here. */
    uintptr_t first, last;
    int shift; /* log2 of the grain */
    size_t shadow;
    bool shadowed;
} weft_emu_range;

typedef struct weft_emu_launch {
    const char *name;
    const weft_code *code;
    const weft_emu_entry *entry;
    uint32_t grid[3], block[3];
    int64_t blocks, shared_bytes;
    int nthread, nrange, nscalar;
    weft_emu_range *range;
    void **buffer;
    int64_t *scalar;
    size_t shadow_words;
} weft_emu_launch;

/* A kernel of loaded code; NULL where there is none of that number. */
const weft_emu_entry *weft_emu_entry_of(const weft_code *, int kernel);
/* Whether it runs with denormals as zeros. */
bool weft_emu_flushes(const weft_code *);
/* Whether bytes belong to the code's own constants. */
bool weft_emu_is_constant(const weft_code *, uintptr_t, size_t bytes);

/* Serial numbers of blocks have 37 bits. */
#define WEFT_EMU_SERIAL_END (UINT64_C(1) << 37)
void weft_emu_free_shadow(weft_emu_device *);
weft_status weft_emu_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_emu_discard(weft_device *, weft_batch *);
weft_status weft_emu_submit(weft_device *, weft_batch *, double *times, weft_diag *);

/* ---- fibers (device_fiber.c) ----------------------------------------------------------------- */

typedef struct weft_fiber {
    void *sp; /* where it stands */
    char *stack, *top;
    struct weft_fiber *next; /* free */
    void *fake;              /* AddressSanitizer's */
    weft_emu_core *core;
    int thread; /* that it runs, or is to begin with */
    bool begun;
} weft_fiber;

/* Makes a fiber's stack; false when out of memory. */
bool weft_fiber_create(weft_fiber *);
void weft_fiber_destroy(weft_fiber *);
/* The stack that the OS thread runs on, as a fiber to come back to. */
void weft_fiber_adopt(weft_fiber *);
/* What a fiber calls first. */
void weft_fiber_entered(void);
/* From one to another.  One that has not begun calls weft_emu_fiber_main; `leave` says that `from`
 * is never resumed where it stands. */
void weft_fiber_switch(weft_fiber *from, weft_fiber *to, bool leave);
_Noreturn void weft_emu_fiber_main(weft_fiber *); /* device_block.c */

/* ---- a block (device_block.c) ---------------------------------------------------------------- */

typedef enum weft_emu_state { /* of a thread */
                              THREAD_NEW,
                              THREAD_READY,
                              THREAD_BARRIER,
                              THREAD_EXCHANGE,
                              THREAD_ACTIVE,
                              THREAD_ENDED
} weft_emu_state;

typedef struct weft_emu_wait { /* what a thread waits for */
    const weft_emu_place *place;
    int memory;    /* barrier */
    uint64_t mask; /* exchange; the mask found, of exchange_active */
    const void *mine;
    size_t bytes;
    void *all;
} weft_emu_wait;

/* A block's copy of a shared array. */
typedef struct weft_emu_copy {
    const weft_emu_array *array;
    uintptr_t start;
    size_t size;
    int shift; /* log2 of the grain */
    weft_emu_cell *cell;
} weft_emu_copy;

struct weft_emu_core {
    weft_emu_worker base;
    weft_emu_thread self; /* the thread that runs */
    weft_emu_device *device;
    const weft_emu_launch *launch;
    int running; /* number of the thread that runs */
    /* order */
    uint32_t clock, global_since, warp_since[WEFT_EMU_MAX_WARPS]; /* but for clock, as in cells */
    uint64_t serial, launch_serial; /* of the block; of the launch's first */
    /* shared memory */
    int ncopy;
    weft_emu_copy copy[WEFT_EMU_MAX_ARRAYS];
    weft_emu_cell *fine;    /* cells of arrays of smaller grain */
    size_t used, used_fine; /* bytes of shared memory's two halves */
    size_t cells_fine;      /* used of fine */
    int64_t shared_sum;     /* bytes that the text declares */
    int last_range;
    /* threads */
    int nthread, nended, at;
    uint64_t random;
    weft_emu_state state[WEFT_EMU_MAX_THREADS];
    uint16_t turn[WEFT_EMU_MAX_THREADS]; /* the order of threads */
    weft_emu_wait wait[WEFT_EMU_MAX_THREADS];
    weft_fiber *fiber_of[WEFT_EMU_MAX_THREADS];
    weft_fiber main, *free, *all[WEFT_EMU_MAX_THREADS];
    int nfiber;
    weft_fiber *current;
    /* faults */
    bool failed;
    weft_str message;
    weft_status status;
};

weft_emu_core *weft_emu_core_create(weft_emu_device *);
void weft_emu_core_destroy(weft_emu_core *);
/* Makes a core ready for a launch; runs one of its blocks.  False after a fault: see message. */
void weft_emu_core_begin(weft_emu_core *, const weft_emu_launch *, uint64_t launch_serial);
bool weft_emu_core_run(weft_emu_core *, int64_t block);
/* Reports "kernel 'x': ..., in block (..), thread (..)" and leaves the thread. */
_Noreturn void weft_emu_fault(weft_emu_core *, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* Coordinates of a thread of the block: "(1,0,0)". */
void weft_emu_position(const weft_emu_core *, int thread, char out[48]);

/* ---- accesses (device_check.c) --------------------------------------------------------------- */

void weft_emu_read(weft_emu_worker *, const void *, size_t bytes);
void weft_emu_write(weft_emu_worker *, const void *, size_t bytes);
void weft_emu_atomic(weft_emu_worker *, const void *, size_t bytes, int reads);
/* The clock ticks, and starts anew where it is near its end; the new time as a cell's stamp. */
uint32_t weft_emu_tick(weft_emu_core *);
/* Thread `c->running` runs from here on. */
void weft_emu_check_thread(weft_emu_core *);
/* No shared array is there yet; buffers that are only read can be read without a second look. */
void weft_emu_check_launch(weft_emu_core *);
/* Shared memory of the block that begins is nobody's. */
void weft_emu_check_block(weft_emu_core *);
/* A core's room for shared arrays and for what is known of their grains. */
bool weft_emu_shared_create(weft_emu_core *);
void weft_emu_shared_destroy(weft_emu_core *);
void *weft_emu_shared(weft_emu_worker *, const weft_emu_array *);
void *weft_emu_dynamic_shared(weft_emu_worker *, const weft_emu_array *);

#endif
