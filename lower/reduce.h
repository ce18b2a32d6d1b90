/* lower/reduce.h: what the two ways to reduce across threads share. */
#ifndef WEFT_REDUCE_H
#define WEFT_REDUCE_H

#include "lower/lower.h"

typedef struct weft_thread_reducer {
    weft_rewriter rw;
    weft_kernel *kernel;
    const weft_var *thread[3]; /* NULL: nothing is bound to the axis */
    int64_t extent[3];         /* of the loop around; 0: not constant */
    int64_t launched[3];       /* of the block; -1: not constant */
    int lanes;                 /* of a subgroup whose threads may exchange values; 1: none */
    bool shuffles;             /* something is reduced so */
    weft_facts *facts;         /* of the threads */
    WEFT_VEC(const weft_buf *) shared; /* made here; allocated for the whole kernel */
    weft_arena scratch;
    weft_diag *diag;
    weft_status status;
} weft_thread_reducer;

/* The thread's number, x fastest; the axes in `skip`, bits 1u <<
 * WEFT_THREAD_X ..., count as zero. */
const weft_expr *weft_thread_number(weft_thread_reducer *, unsigned skip);
/* Memory of the whole kernel. */
const weft_buf *weft_thread_reducer_memory(weft_thread_reducer *, weft_dtype, int64_t elements);

/* reduce_lanes.c: the ALLREDUCE by shuffles; NULL where its threads are none that can. */
const weft_stmt *weft_reduce_lanes(weft_thread_reducer *, const weft_stmt *);

#endif
