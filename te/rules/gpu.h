/* te/rules/gpu.h: a block's tile of a sum of products, between its choice (gpu_tile.c), what it
 * fetches (gpu_factor.c), its estimate (gpu_cost.c) and its schedule (gpu.c). */
#ifndef WEFT_RULES_GPU_H
#define WEFT_RULES_GPU_H

#include "rules/priv.h"

/* A data axis cut into tiles: axis = ((block * groups + group) * threads + thread) * each + step.
 * A group is a virtual thread: what neighbouring threads have at a time lies side by side. */
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
    /* Of a stage of its own: neighbours that are computed at once, as they are in memory;
     * after how many steps of the reduction its indices have the same digits, and how often
     * steps are divided in it. */
    int64_t vector, period;
    int divisions;
    /* The stride of `along` is made a multiple of align_factor plus align_offset, so that threads
     * do not read different words of one bank; factor 0: as it comes. */
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
    int64_t deep;               /* threads along rows are cut into so many groups, on thread.z */
    /* Of the columns' factor a thread fetches one place of the tile for so many steps in a row:
     * what is computed of the place is computed once, and digits of the steps are constants.  0: it
     * fetches what comes next. */
    int64_t part;
    weft_home home;             /* the result's loops */
    bool lanes;                 /* results along columns are vectors of col.each */
} weft_block_tile;

enum {
    WEFT_TILE_VECTOR = 4,    /* words that one load may bring */
    WEFT_TILE_UNKNOWN = 1024 /* a symbolic extent is taken for this long */
};
static inline int64_t
weft_tile_steps(int64_t extent)
{
    return extent < 0 ? WEFT_TILE_UNKNOWN : extent;
}

/* Chooses axes and sizes, before any primitive is applied; false where nothing fits the target. */
bool weft_block_tile_choose(weft_block_tile *);

/* ---- what is fetched (gpu_factor.c) ---------------------------------------------------------- */
/* A factor, along the results' axis.  False where a stage that would be inlined has other
 * readers, which need it there. */
bool weft_tile_take_factor(const weft_block_tile *, const weft_expr *, int axis,
                           weft_tile_factor *);
int64_t weft_tile_threads(const weft_block_tile *);
/* Elements of dimension d of a factor that a tile needs for a chunk; -1: not known. */
int64_t weft_tile_span(const weft_block_tile *, const weft_tile_factor *, int d);
/* Steps of axis i of the op, data, then reduce, that a tile takes. */
int64_t weft_tile_of(const weft_block_tile *, int i);
int64_t weft_tile_shared_bytes(const weft_block_tile *);
/* Elements that are fetched at once: neighbours in global memory and in shared. */
int64_t weft_tile_lanes(const weft_block_tile *, const weft_tile_factor *);
/* Chooses gaps between a factor's rows in shared memory. */
void weft_tile_pad(const weft_block_tile *, weft_tile_factor *, bool columns);
/* Chooses `deep` and `part`. */
void weft_tile_share_columns(weft_block_tile *);

/* ---- what it costs (gpu_cost.c) -------------------------------------------------------------- */
/* Work of equal blocks, each in chunks that its threads fetch into shared memory. */
typedef struct weft_block_work {
    double blocks, chunks, threads;
    double registers;    /* 32-bit, of a thread, */
    double most_registers; /* and how many it may have; 0: twice as many as with a full core */
    double instructions; /* of a thread for a chunk, as many cycles as products of a lane take */
    double apart;        /* sums of a thread that do not wait for each other; 0: one */
    bool ahead;          /* a chunk is fetched while the one before is used */
} weft_block_work;
/* Cycles until the last core is done; infinite where registers would not do. */
double weft_block_time(const weft_target *, const weft_block_work *);
double weft_tile_time(const weft_block_tile *);
#endif
