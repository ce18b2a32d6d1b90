/* Random small programs and random schedules of them. */
#ifndef TESTS_LOWER_SUPPORT_RANDOM_H
#define TESTS_LOWER_SUPPORT_RANDOM_H

#include "support.h"

typedef struct rng {
    uint64_t s;
} rng;
uint64_t draw(rng *);
/* 0 .. n-1. */
int pick(rng *, int n);
/* One time in n. */
bool once_in(rng *, int n);

/* What random schedules were made of: a count for each primitive that was accepted. */
typedef enum primitive {
    P_SPLIT,
    P_PARTS,
    P_FUSE,
    P_REORDER,
    P_BLOCK,
    P_THREAD,
    P_VTHREAD,
    P_VECTORIZE,
    P_UNROLL,
    P_PARALLEL,
    P_INLINE,
    P_COMPUTE_AT,
    P_CACHE_READ,
    P_CACHE_WRITE,
    P_SCOPE,
    P_ALIGN,
    P_RFACTOR,
    P_TILE,
    P_PREDICATE,
    P_COUNT
} primitive;
extern const char *const primitive_name[P_COUNT];

/* A program of a few tensors over small sizes; the symbol "n", where it occurs, stands for n_value.
 */
weft_te *random_program(rng, weft_diag *, int64_t *n_value);
/* Schedules it; refusals of primitives are swallowed. */
void random_schedule(rng *, weft_te *, int count[P_COUNT]);

#endif
