/* lower/barriers.h: what threads touch, for the pass that lets them wait (barriers.c). */
#ifndef WEFT_LOWER_BARRIERS_H
#define WEFT_LOWER_BARRIERS_H

#include "lower/lower.h"

/* An access: which element, as a function of the threads. */
typedef struct weft_touch {
    const weft_buf *buf;
    const weft_expr *index;
    bool write;
    bool plain;  /* a store of what does not read the place */
    bool matrix; /* of a subgroup: the element is the first of a matrix */
    bool affine; /* index = sum of stride[t] * thread[t] + shift + rest, lo <= rest <= hi, */
    int64_t stride[3], lo, hi;
    const weft_expr *shift; /* the same for all threads of a block at all times; NULL: 0 */
    bool bounded;           /* least <= index - shift <= most, for all threads */
    int64_t least, most;
    int64_t step, offset;      /* rest = step * k + offset for some k; 0: it is offset */
    int64_t first[3], last[3]; /* the threads that get here, by the conditions around */
} weft_touch;

typedef WEFT_VEC(weft_touch) weft_touches;

typedef struct weft_waits {
    weft_ir *ir;
    weft_kernel *kernel;
    weft_facts *facts;
    weft_arena scratch;
    const weft_var *thread[3];
    int64_t extent[3];                  /* 1 where nothing is bound */
    weft_touches pending;               /* since the last barrier */
    WEFT_VEC(const weft_stmt *) before; /* statements with a barrier before them */
    WEFT_VEC(const weft_var *) turn;    /* of loops that go in cycles, with what they are in the */
    WEFT_VEC(const weft_expr *) turn_value; /* iterations at hand */
    WEFT_VEC(const weft_var *) uniform;     /* never change in a block: its numbers, the scalars */
    WEFT_VEC(const weft_var *) varying;     /* names of what depends on the thread */
    int fence;
    weft_diag *diag;
    weft_status status;
} weft_waits;

/* ---- barrier_conflict.c ---------------------------------------------------------------------- */
/* Who touches what: fills the access from its index. */
void weft_touch_locate(const weft_waits *, weft_touch *);
/* The elements from the access's own on, `step` apart. */
void weft_touch_widen(weft_touch *, int64_t elements, int64_t step);
/* Whether one of them writes and two different threads may touch one element. */
bool weft_touch_conflict(const weft_waits *, const weft_touch *, const weft_touch *);

/* ---- barrier_access.c ------------------------------------------------------------------------ */
/* The statement's own expressions and store, not those of statements inside it. */
void weft_touch_collect(weft_waits *, weft_touches *, const weft_stmt *);

#endif
