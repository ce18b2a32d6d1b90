/* te/rules/gpu.h: a block's tile of a sum of products, between its choice (gpu_tile.c) and its schedule
 * (gpu.c). */
#ifndef WEFT_RULES_GPU_H
#define WEFT_RULES_GPU_H

#include "rules/priv.h"

/* A data axis cut into tiles: axis = ((block * groups + group) * threads + thread) * each + step.  A
 * group is a virtual thread: what neighbouring threads have at a time lies side by side. */
typedef struct weft_cut {
    int axis; /* -1: none */
    int64_t extent, threads, groups, each;
} weft_cut;

static inline int64_t
weft_cut_size(const weft_cut *c)
{
    return c->threads * c->groups * c->each;
}

/* What a block fetches of a factor. */
typedef struct weft_tile_factor {
    const weft_expr *load;
    weft_tensor *from;
    int64_t *step; /* [dimension * axes + axis]: how an index moves along axes, data, then reduce */
    bool *affine;  /* by dimension: step says it all */
    int *lone;     /* by dimension: the axis that the index is, in tiles; -1: it is none alone */
    bool own;      /* computed into shared memory: the stage would be inlined otherwise */
    int along;     /* the dimension that steps with the results' axis; -1: none, or several */
    bool next;     /* that is the last one, by steps of one: neighbours read neighbours */
    bool vectors;  /* and the index is that axis alone: they may be read by vectors */
    int64_t lanes; /* fetched at once */
    /* The stride of `along` is made a multiple of align_factor plus align_offset, so that threads do
     * not read different words of one bank; factor 0: as it comes. */
    int64_t align_factor, align_offset;
} weft_tile_factor;

typedef struct weft_block_tile {
    weft_rule *r;
    const weft_te_op *op;       /* the reduction */
    weft_tile_factor factor[2]; /* of rows, of columns */
    weft_cut row, col, col2;    /* col2: the column axis next to the innermost */
    int64_t *chunk;             /* by reduce axis: steps at a time */
    int main;                   /* the reduce axis that is cut first */
    int stages;                 /* chunks in shared memory at a time */
    weft_home home;             /* the result's loops */
    bool lanes;                 /* results along columns are vectors of col.each */
} weft_block_tile;

/* Chooses axes and sizes, before any primitive is applied; false where nothing fits the target. */
bool weft_block_tile_choose(weft_block_tile *);
#endif
