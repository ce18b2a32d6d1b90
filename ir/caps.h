/* ir/caps.h: what a printer can say, as data that legalisation asks.
 *
 * A backend fills one for a target; lower/legalize.c rewrites what it lacks; the printers may then
 * rely on it.  It is the one agreement between the two, neither of which sees the other.
 */
#ifndef WEFT_CAPS_H
#define WEFT_CAPS_H

#include "ir/ir.h"

typedef struct weft_caps {
    bool intrin[WEFT_IN_COUNT];     /* a spelling exists for f32 */
    bool intrin16[WEFT_IN_COUNT];   /* and for f16, as accurate, where it is computed with */
    bool intrin64[WEFT_IN_COUNT];   /* and for f64 */
    bool slow[WEFT_IN_COUNT];       /* f32's costs more than what legalise makes of it, which is
                                       as accurate, but flushes denormals: for `strict` alone */
    bool arith[WEFT_DTYPE_COUNT];   /* values of the dtype may be computed with */
    bool storage[WEFT_DTYPE_COUNT]; /* buffers may hold it and be loaded and stored by element */
    uint32_t lanes;           /* bit n set: vectors of n lanes exist (bits 1..31); bit 1 always */
    bool vector_load;         /* a RAMP of stride 1 is one load or store, of any alignment */
    bool aligned_vector_load; /* only where its first element's index is a multiple of the lanes */
    bool aligned_halves;      /* vector_load, but f16 as under aligned_vector_load */
    bool parts;               /* some lanes of a register are loaded or stored as one vector */
    bool rejoin;              /* in loops, threads that waited in a condition wait behind it too */
    bool exact_sums;          /* a sum that is printed is computed, but under `fast` */
    bool vector_compare;      /* comparisons and selects of vectors; else by lane */
    bool nan_min_max; /* MIN and MAX may be printed as they stand; else legalise spells them */
    bool sat_cast;    /* float to int may be printed as it stands; else legalise spells it */
    bool prefetch;    /* the language has one, and a core's cache keeps what is asked for */
    bool stream;      /* vectors of aligned places may be stored past the caches */
    bool overlay;     /* arrays of shared memory may lie over each other, whatever they are of */
    bool async_copy;  /* stores from global to shared memory may be asynchronous */
    bool
        lanes_in_order; /* a subgroup's lanes are neighbours in the block, x fastest: shuffles reach
                            the thread that is meant */
    bool bool_storage;  /* a bool is a byte in memory; else it is loaded from and stored to u8 */
} weft_caps;

#endif
