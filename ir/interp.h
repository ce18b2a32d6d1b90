/* ir/interp.h: the reference interpreter.  It runs kernels at any level on host memory and checks
 * every access.  It is the oracle of every numerical test, and the device `interp`.
 *
 * How a kernel is run.  All threads of a block, or a run of iterations of the outermost parallel
 * loops, are lanes that execute each statement together before any goes on to the next; chunks of
 * lanes are taken by worker threads.  Other loops run in order inside each lane.
 *
 * What is a race.  Two accesses to an element of shared or global memory, at least one a write and
 * not both atomic, by threads of a block with no barrier of that space between them, by different
 * blocks, or by iterations of a parallel (or vectorised) loop; except that several threads may
 * write the same bits.  A kernel of the levels loops or flat that has shared memory, or reads a
 * parameter elsewhere than it writes it, and has no barrier yet is run as if one stood between any
 * two statements, as barrier planning will see to.
 */
#ifndef WEFT_INTERP_H
#define WEFT_INTERP_H

#include "ir/ir.h"

typedef enum weft_order { WEFT_ORDER_FORWARD, WEFT_ORDER_REVERSE, WEFT_ORDER_SHUFFLE } weft_order;

typedef struct weft_interp_options {
    weft_order order; /* in which threads of a block, blocks and parallel iterations are taken */
    uint64_t seed;    /* of the shuffle */
    bool widen;     /* f16, bf16 and f32 arithmetic and locals in double; memory keeps its dtype */
    bool no_checks; /* bounds are always checked; this drops races, uninitialised reads, unwritten
                       outputs */
    int threads;    /* worker threads over blocks; 0: one a core */
    int64_t max_steps; /* statements executed before it gives up with WEFT_LIMIT; 0: no bound */
} weft_interp_options;

/* A kernel argument: host memory and how many elements it has. */
typedef struct weft_interp_buffer {
    void *data;
    int64_t count;    /* elements; an access at or beyond is out of bounds */
    bool initialised; /* inputs: true; a read of an element neither initialised nor written is
                         reported */
    bool must_write;  /* outputs: every element has to be written by the end */
} weft_interp_buffer;

/* Prepares a kernel (compiles it to the interpreter's own code) once for many runs.  NULL after an
 * error reported to diag.  Keeps no reference to the kernel's context. */
typedef struct weft_interp weft_interp;
weft_interp *weft_interp_create(const weft_kernel *, const weft_interp_options *, weft_diag *);
void weft_interp_destroy(weft_interp *);
/* The element type of buffer parameter i. */
weft_dtype weft_interp_param_dtype(const weft_interp *, int i);
/* Runs the whole launch grid.  buffer[nparam] in the kernel's order, scalar[nscalar].
 * WEFT_INVALID_INPUT with a message that names kernel, buffer, index, thread and the statement for:
 * out of bounds, read of uninitialised memory, data race between barriers, divergent barrier,
 * output element never written. */
weft_status weft_interp_run(weft_interp *, const weft_interp_buffer *buffer, const int64_t *scalar,
                            weft_diag *);

#endif
