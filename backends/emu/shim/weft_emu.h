/* emu/shim/weft_emu.h: between an emulated device and the text it runs, as C11 and as C++17.
 *
 * An emulated device translates the printed CUDA C or Metal of a module into one C++ translation
 * unit (device_source.c), compiles it to a shared object with every memory access instrumented, and
 * runs it thread by thread: each GPU thread is a fiber of the worker (an OS thread) that runs its
 * block.  Blocks run on several workers at once and never move between them.
 *
 * This header is all that both sides know.  What is compiled into the shared object calls the
 * device through `weft_emu_host`; the device calls the shared object through `weft_emu_entries`.
 * Nothing else crosses.  No function here returns after it has found a fault: the fiber is left
 * where it stands, the launch fails with the message.
 */
#ifndef WEFT_EMU_H
#define WEFT_EMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_EMU_VERSION 2

/* Memory that a barrier orders; bits. */
enum { WEFT_EMU_SHARED = 1, WEFT_EMU_GLOBAL = 2 };

/* The thread that runs, as both languages see it.  lane and warp number the threads of a block in
 * order of x, then y, then z. */
typedef struct weft_emu_thread {
    uint32_t thread[3], block[3], threads[3], blocks[3];
    uint32_t lane, warp, warp_size;
    void *own; /* the text's; NULL when the thread starts */
} weft_emu_thread;

/* Who touched four bytes of shared memory last: see weft_emu_quick.h.  0: nobody in this block. */
typedef struct weft_emu_cell {
    uint32_t write, read;
} weft_emu_cell;

typedef struct weft_emu_window {
    uintptr_t start;
    size_t size;
} weft_emu_window;

enum { WEFT_EMU_WINDOWS = 5 };
/* The last bytes of a fiber's stack, in which no function may begin: more than the largest frame
 * that the compiler lets pass, and what a message takes. */
#define WEFT_EMU_STACK_END ((uintptr_t)192 << 10)

/* A worker's state as far as compiled text sees it; the device's own stands behind it. */
typedef struct weft_emu_worker {
    const struct weft_emu_host *host;
    weft_emu_thread *self; /* the thread that runs now */
    /* All shared memory that the worker ever hands out lies in the 4 GiB from here: the text calls
     * a place in it by 32 bits, as PTX does. */
    char *shared_base;
    /* What a check that passes looks at.  Stamps as in a cell's words, of the last barrier for
     * shared memory, the last exchange of the warp, the block's start; and the word of an access
     * made now. */
    uint32_t mine, shared_since, warp_since, block_since;
    weft_emu_cell *cell; /* one for four bytes, of the first cell_bytes from shared_base */
    size_t cell_bytes;
    weft_emu_window window[WEFT_EMU_WINDOWS]; /* 0: the fiber's stack; buffers only read */
} weft_emu_worker;

/* A declaration of shared memory: one static object each in the compiled text. */
typedef struct weft_emu_array {
    const char *name, *file; /* of the variable; of the kernel's text */
    int line;         /* 0: the shim's own, which does not count as the kernel's */
    uint32_t element; /* bytes of an element: the grain at which races are told apart */
    uint64_t size, align;
} weft_emu_array;

/* Where in the text something is asked for.  It lives as long as the call that it is given to; two
 * are the same place when what, file and line are equal as text. */
typedef struct weft_emu_place {
    const char *what, *file; /* "__syncthreads"; "conv1.cu" */
    int line;
} weft_emu_place;

/* What the device does for compiled text.  The worker is the one whose thread runs. */
typedef struct weft_emu_host {
    /* Called before each access of the text to memory that is not a plain local variable. */
    void (*read)(weft_emu_worker *, const void *, size_t bytes);
    void (*write)(weft_emu_worker *, const void *, size_t bytes);
    /* An atomic access follows: bounds are checked, and races with what is not atomic.  One that
     * does not read may be the first to the place. */
    void (*atomic)(weft_emu_worker *, const void *, size_t bytes, int reads);
    /* All threads of the block wait for each other at the same place; orders `memory`. */
    void (*barrier)(weft_emu_worker *, const weft_emu_place *, int memory);
    /* Lanes of `mask` (bit i: lane i of the warp) wait for each other at the same place; each
     * brings `bytes` of its own.  all[i * bytes] is what lane i brought, for lanes of the mask; the
     * others' bytes are 0xff.  bytes 0: they wait alone.  A lane of the mask that has ended, or
     * that the warp does not have, is left out (CUDA speaks of the lanes that have not exited); one
     * that waits elsewhere is a fault; a mask without the caller, too.  Gives the lanes that took
     * part.  Orders the lanes' accesses to all memory. */
    uint64_t (*exchange)(weft_emu_worker *, const weft_emu_place *, uint64_t mask, const void *mine,
                         size_t bytes, void *all);
    /* The same with all lanes of the warp that have not ended and are not waiting elsewhere by the
     * time that none can run: what Metal calls the active threads.  Gives their mask. */
    uint64_t (*exchange_active)(weft_emu_worker *, const weft_emu_place *, const void *mine,
                                size_t bytes, void *all);
    /* The block's copy of an array; the same address for all its threads, filled with 0xff at the
     * block's start, reading it before it is written is a fault. */
    void *(*shared)(weft_emu_worker *, const weft_emu_array *);
    /* The launch's dynamic shared memory, `launch->shared_bytes` of it. */
    void *(*dynamic_shared)(weft_emu_worker *, const weft_emu_array *);
    /* Reports what is wrong in a sentence and ends the launch. */
    void (*fault)(weft_emu_worker *, const weft_emu_place *, const char *sentence);
} weft_emu_host;

/* A kernel of the shared object. */
typedef struct weft_emu_entry {
    const char *name;
    int nbuffer, nscalar;
    const uint32_t *element;   /* of each buffer: bytes of what its parameter points to */
    const uint8_t *written;    /* of each buffer: its parameter does not point to const */
    const char *const *buffer; /* names of the parameters, for messages */
    int max_threads;           /* a block's, from launch bounds; 0: not said */
    /* Runs one thread: worker->self says which.  scalar[i] is converted to the parameter's type. */
    void (*run)(weft_emu_worker *, void *const *buffer, const int64_t *scalar);
} weft_emu_entry;

typedef struct weft_emu_entries {
    int version, n;
    const weft_emu_entry *entry; /* in the order of the sources */
} weft_emu_entries;

/* The one symbol of the shared object: `const weft_emu_entries *weft_emu_entries_of(void)`. */
typedef const weft_emu_entries *weft_emu_entries_fn(void);
#define WEFT_EMU_SYMBOL "weft_emu_entries_of"

#ifdef __cplusplus
}
#endif
#endif
