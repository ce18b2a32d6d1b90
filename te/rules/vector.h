/* te/rules/vector.h: what the files of the register-tile rule for vector CPUs share. */
#ifndef WEFT_RULES_VECTOR_H
#define WEFT_RULES_VECTOR_H

#include "rules/priv.h"

enum {
    VECTOR_AXES = 4, /* innermost data axes with more than one element that a tile covers */
    UNKNOWN = 512,   /* what a symbolic extent is taken for */
    WEFT_PACK_TILES = 8 /* at least, of a work-group that copies what they read anew */
};

/* A reduce axis whose steps take a read through the places of neighbours along a data axis. */
typedef struct vector_window {
    int read, axis, reduce; /* axis: a candidate; reduce: number of the reduce axis */
    int64_t hop, steps;     /* of the reduce axis: between neighbours; all of it */
} vector_window;

typedef struct vector_tile {
    int lane_axis; /* which of the axes runs in lanes */
    int64_t lanes;
    int64_t size[VECTOR_AXES]; /* results along each axis; of the lane axis: vectors */
    int turned; /* the read whose lanes are apart and that a copy brings side by side; -1: none */
    const vector_window *window; /* whose steps are written out inside the tile's loops; or NULL */
    double cycles;
} vector_tile;

typedef struct vector_search {
    weft_rule *r;
    const weft_te_op *op;     /* the reduction */
    int n, axis[VECTOR_AXES]; /* data axes of the op, inner ones first */
    int64_t extent[VECTOR_AXES];
    bool known[VECTOR_AXES];
    double steps, others; /* of the reduction; results along axes that are no candidates */
    int nread;
    weft_read *read;
    weft_walk *walk;                 /* of every read, for the lanes at hand */
    bool (*apart)[VECTOR_AXES];      /* of every read, by axis: whole pages lie between its steps */
    bool (*uneven)[VECTOR_AXES];     /* of every read, by axis: no one stride, an address each */
    uint64_t (*shared)[VECTOR_AXES]; /* by read and axis: bit n says that a tile's n neighbours are
                                        one place, as the channels of a group are */
    uint64_t (*even)[VECTOR_AXES];   /* of what is uneven: bit n says that a tile's n neighbours lie
                                        side by side, as those of one panel do */
    bool condition[VECTOR_AXES]; /* something is conditional on the axis */
    bool guarded;                /* a condition differs from lane to lane */
    double far;                  /* cycles in which what the lanes read comes from memory */
    bool swept[VECTOR_AXES];     /* an axis that it does not go along: read again for every tile */
    int64_t registers;
    bool may_turn; /* the reduction is as it was written, and may read copies instead */
    WEFT_VEC(vector_window) window;
    vector_tile at, best;
    weft_tensor *turned; /* the copy of what best.turned reads, once it is there; NULL: none */
} vector_search;

/* ---- vector_search.c ------------------------------------------------------------------------- */
/* Product of the extents, symbolic ones being guessed. */
double weft_vector_count(const weft_axis *const *, int n);
/* Which axis runs in lanes and how large a tile is: s->best; false when there is nothing to run. */
bool weft_vector_find(vector_search *);
/* By how much the tile's cycles are more than where all extents are known. */
double weft_vector_unsure(const vector_search *, const vector_tile *);
/* Cycles, of all cores, in which so many bytes come from memory. */
double weft_vector_far(const vector_search *, double bytes);
/* The candidate that a data axis is, or -1. */
int weft_vector_candidate(const vector_search *, int d);
/* Vectors of read i that a tile has along candidate k. */
int64_t weft_vector_places(const vector_search *, const vector_tile *, int i, int k);
/* Whether more than one axis has a last tile that overhangs. */
bool weft_vector_is_crossed(const vector_search *, const vector_tile *);
/* Whether lanes are neighbours in the result. */
bool weft_vector_stores(const vector_search *, const vector_tile *);
/* Vectors that stay in registers while a loop over candidate k of the tile runs around the others:
 * what the other axes alone read. */
double weft_vector_kept(const vector_search *, const vector_tile *, int k);

/* Lanes, a power of two up to `most`, of which vectors leave few of the extent over; 1
 * where it is not known. */
int64_t weft_vector_whole_lanes(int64_t extent, int64_t most);

/* ---- vector_order.c -------------------------------------------------------------------------- */
/* In which order tiles are computed. */
typedef struct vector_order {
    bool *lead; /* by data axis: its tiles are the outer loops, through which those of the other
                   axes sweep; NULL: tiles run in the order of the axes */
    bool *last; /* but for those of these axes, which run inside; NULL: of none */
    int64_t tiles;     /* of a sweep that a work-group computes */
    int64_t turns;     /* panels of a work-group that take turns at each of them; 1 */
    weft_tensor *pack; /* the part of it that a sweep reads is copied together first; NULL */
    int pack_dim;      /* the dimension of it that is read in lanes */
    weft_tensor *border; /* lead goes through planes of it, each of which is copied first; NULL */
    int64_t planes;      /* that a work-group takes */
} vector_order;
vector_order weft_vector_order(const vector_search *);
/* Whether what a read of the tile's lanes meets in a sweep can be copied to
 * a group's own memory. */
bool weft_vector_can_copy(const vector_search *, const vector_tile *, const weft_read *);
/* Tiles that such a copy serves; 0: too few. */
double weft_vector_served(const vector_search *, double panels, double sweep);
/* Bytes of what is read along data axis d, or of all else, for one of the problems apart;
 * `problems`: how many there are. */
double weft_vector_bytes(const vector_search *, int d, bool along, double *problems);

/* ---- vector_operand.c ------------------------------------------------------------------------ */
/* Whether the reduction itself, no inlined stage, reads the tensor. */
bool weft_vector_reads_itself(const vector_search *, const weft_te_op *, const weft_tensor *);
/* Makes best.turned's operand a stage of its own, with lanes side by side; false after an error. */
bool weft_vector_turn(vector_search *, weft_stage *reduce);
/* The only dimension of the read tensor that is data axis d itself; -1 when there is none such. */
int weft_vector_lane_dim(const vector_search *, const weft_read *, int d);
/* An operand whose lanes are apart, shared by several results: gathered once a step of `sum`. */
void weft_vector_gather(vector_search *, weft_tensor *sum);
/* What `sum` reads of order->pack below loop `at` of `out`, copied to memory of its own. */
void weft_vector_pack(vector_search *, const vector_order *, weft_tensor *sum, weft_tensor *out,
                      weft_axis *at);

/* ---- vector_window.c ------------------------------------------------------------------------- */
/* Finds s->window. */
void weft_vector_windows(vector_search *);

/* ---- vector_border.c ------------------------------------------------------------------------- */
/* A stage of planes, each of which few enough bytes for a first cache and read by the results at
 * some data axes alone: those are in lead[].  NULL: there is none. */
weft_tensor *weft_vector_border(const vector_search *, bool *lead);
/* Computes the planes in loop `at` of `out`, before what reads them. */
void weft_vector_copy_border(const vector_search *, weft_tensor *border, weft_tensor *out,
                             weft_axis *at);

/* ---- vector_rows.c --------------------------------------------------------------------------- */
/* Whether all that is reduced lies side by side along the last reduce axis, or stays. */
bool weft_vector_has_rows(weft_rule *, const weft_te_op *);
/* What weft_vector_rows takes for all results, as weft_vector_find's cycles. */
double weft_vector_rows_cycles(weft_rule *, const weft_te_op *);
/* Computes t's reduction in loop `at` of home by vectors along the row; false after an error. */
bool weft_vector_row(weft_rule *, weft_tensor *t, weft_tensor *home, weft_axis *at);
/* Rows of `work` elements each that a work-group takes. */
int64_t weft_vector_rows_of_group(const weft_rule *, double work, double rows);
/* The kernel of a reduction of rows; false, and nothing done, when the output has no axes. */
bool weft_vector_rows(weft_rule *, weft_stage *reduce, weft_stage *out);
/* The kernel of a reduction to several tensors whose reads go along their last axis or stay: that
 * axis in lanes; false, and nothing done, when they do not. */
bool weft_vector_columns(weft_rule *, weft_stage *reduce);
/* A long reduction of few results: the stage of its parts, which it then combines; NULL when there
 * is no need. */
weft_stage *weft_vector_parts(weft_rule *, weft_stage *reduce);

#endif
