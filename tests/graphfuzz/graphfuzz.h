/* tests/graphfuzz/graphfuzz.h: random graphs whose results on every device are predictable.
 *
 * A graph is made node by node.  Of every value is known in which range its elements lie and how
 * far a device's may be from the exact ones, so that
 *   - no operator leaves its domain and nothing overflows: no NaN, no infinity;
 *   - what steps (comparisons, rounding, arg max) reads values without error alone: a rounding
 *     apart never becomes a different branch;
 *   - a result may differ by the error that its operators' roundings can add up to (`error`) beside
 *     the budget of tests/tolerances.def.  The table stands for one operator; sums that cancel and
 *     chains of twenty are what `error` is for.  It is a bound over ranges, not a guess: each
 *     operator multiplies the error of its operands by how steep it is there and adds its own
 *     rounding.  Values whose error grows beyond 1/64 of their range are not read any more, so the
 *     allowance stays small beside what a wrong kernel would do.
 * Inputs are what `--fill random:SEED` gives: floats in [-1, 1), integers 0..9, bool.
 */
#ifndef WEFT_GRAPHFUZZ_H
#define WEFT_GRAPHFUZZ_H

#include "check/check.h"

enum { GF_RANK = 5, GF_VALUES = 160, GF_OPERANDS = 5, GF_NAME = 24, GF_TEXT = 400 };

typedef struct gf_value {
    char name[GF_NAME];
    weft_dtype dtype;
    int ndim;
    int64_t dim[GF_RANK];
    double lo, hi; /* of the elements */
    double error;  /* absolute; 0: exact */
    bool is_input, is_output;
    bool is_small;  /* part of a constant, read by nothing else */
    bool is_read;   /* by some node */
    bool is_folded; /* made of constants alone: read less often */
    /* what makes it */
    weft_op op;
    int nin, in[GF_OPERANDS]; /* -1: absent */
    char attrs[GF_TEXT];      /* of a constant: its elements */
} gf_value;

typedef struct gf_graph {
    uint64_t random; /* state */
    bool wide;       /* f64 too */
    long id;
    int n, nodes;
    gf_value value[GF_VALUES];
} gf_graph;

/* ---- making (make.c) ------------------------------------------------------------------------- */
void gf_make(gf_graph *, uint64_t seed, long id);

/* ---- for the makers of operators ------------------------------------------------------------- */
int64_t gf_below(gf_graph *, int64_t n); /* 0..n-1 */
double gf_unit(weft_dtype);              /* rounding of one operation, relative */
int64_t gf_count(const gf_value *);
double gf_most(const gf_value *); /* the largest magnitude in the range */
bool gf_is_exact(const gf_value *);
/* A value, any; of a dtype's kind; -1: none is found. */
typedef bool gf_filter(const gf_value *);
int gf_pick(gf_graph *, gf_filter *);
/* One that has v's dtype and broadcasts with it to at most so many elements; v itself possibly. */
int gf_pick_beside(gf_graph *, int v, gf_filter *);
/* An input, or a constant of few elements repeated (weights), of the shape. */
int gf_new_input(gf_graph *, weft_dtype, int ndim, const int64_t *dim);
int gf_new_weights(gf_graph *, weft_dtype, int ndim, const int64_t *dim, double lo, double hi);
/* A scalar constant. */
int gf_new_scalar(gf_graph *, weft_dtype, double);
/* v brought into [lo, hi] by a clip. */
int gf_clipped(gf_graph *, int v, double lo, double hi);
/* Appends the node; false, and nothing is added, where the range or error is not to be had. */
bool gf_add(gf_graph *, weft_op, gf_value like, int nin, const int *in, const char *attrs);
/* y with w behind it along the axis. */
void gf_join(gf_value *y, const gf_value *w, int axis);
/* "[1, 2]" */
void gf_dims_text(char *to, size_t room, int n, const int64_t *dim);

/* Each adds a node of its kind, or gives up. */
typedef bool gf_maker(gf_graph *);
gf_maker gf_unary, gf_step, gf_binary, gf_power, gf_integers, gf_compare, gf_logic, gf_where,
    gf_cast, gf_clip; /* elements.c */
gf_maker gf_transpose, gf_reshape, gf_slice, gf_concat, gf_broadcast, gf_pad, gf_take,
    gf_full;                                                            /* movement.c */
gf_maker gf_reduce, gf_argreduce, gf_softmax, gf_norm, gf_pool, gf_lrn; /* sums.c */
gf_maker gf_matmul, gf_products, gf_conv, gf_conv_transpose;            /* contract.c */

/* ---- text (text.c) --------------------------------------------------------------------------- */
/* Several graphs as one; names are apart by the graphs' ids. */
char *gf_text(const gf_graph *const *, int n);

/* ---- shrinking (shrink.c) -------------------------------------------------------------------- */
/* Whether the graph still fails. */
typedef bool gf_fails(void *user, const gf_graph *);
void gf_shrink(gf_graph *, gf_fails *, void *user);

#endif
