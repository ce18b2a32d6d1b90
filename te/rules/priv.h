/* te/rules/priv.h: what the rules share. */
#ifndef WEFT_RULES_PRIV_H
#define WEFT_RULES_PRIV_H

#include "rules/rules.h"

/* A program being scheduled. */
typedef struct weft_rule {
    weft_te *te;
    const weft_target *target;
    weft_arena scratch;
    weft_diag *diag;
    weft_str note; /* what goes into the kernel's header */
} weft_rule;

/* ---- reading a program (shape.c) ------------------------------------------------------------- */
/* A constant extent, or -1. */
int64_t weft_rule_extent(const weft_axis *);
/* Product of the extents of axes [from, to); -1 when one is symbolic. */
int64_t weft_rule_count(weft_axis *const *, int from, int to);
bool weft_rule_is_output(const weft_te_op *);
/* The only stage that reads the op's tensors; NULL when there are none or several. */
weft_stage *weft_rule_reader(weft_rule *, const weft_te_op *);
/* The op reads t, if at all, at its own data axes one to one. */
bool weft_rule_elementwise(weft_rule *, const weft_te_op *, const weft_tensor *t);
/* The first of the op's data axes from which on all can be run as one: every access steps through
 * them as through one contiguous axis, or not at all. */
int weft_rule_flat_from(weft_rule *, const weft_te_op *);
/* Whether every access moves by 0 or 1 a step of data axis d. */
bool weft_rule_steps_along(weft_rule *, const weft_te_op *, int d);
/* Whether lanes can run along it: no condition depends on it either. */
bool weft_rule_lanes_along(weft_rule *, const weft_te_op *, int d);

/* Whether a condition of the op depends on data axis d. */
bool weft_rule_guarded_along(weft_rule *, const weft_te_op *, int d);
/* The address of a load as one row-major index; NULL when its shape is symbolic. */
const weft_expr *weft_rule_address(weft_rule *, const weft_expr *load);

/* ---- reads and lanes (access.c) -------------------------------------------------------------- */
/* A load of an op's body as it will be lowered. */
typedef struct weft_read {
    const weft_expr *load, *address; /* address NULL: of a symbolic shape */
    bool *along;                     /* by data axis: its place depends on the axis */
} weft_read;
int weft_rule_reads(weft_rule *, const weft_te_op *, weft_read **);
/* What aligned groups of `lanes` neighbours on data axis d read: one element, neighbours in memory,
 * or elements apart. */
typedef enum weft_walk { WEFT_WALK_SAME, WEFT_WALK_NEXT, WEFT_WALK_APART } weft_walk;
weft_walk weft_rule_walk(weft_rule *, const weft_te_op *, const weft_read *, int d, int64_t lanes);
/* The dimension in which such a group reads neighbours, being at one place in all others. */
enum { WEFT_NO_DIM = -1, WEFT_ODD_DIM = -2 }; /* all read one element; elements apart */
int weft_rule_dim_along(weft_rule *, const weft_expr *load, const weft_axis *, int64_t lanes);
/* Whether a few vectors hold all that such a group reads, as every second element: then a CPU that
 * takes vectors picks its lanes from them. */
bool weft_rule_near(weft_rule *, const weft_te_op *, int d, int64_t lanes);
/* The widest such groups, up to `most`, that are vectors in all the op reads: they begin at
 * multiples of their lanes, and no condition differs within one. */
int64_t weft_rule_vector_of(weft_rule *, const weft_te_op *, int d, int64_t most);
/* The same on any axis of the op, reduce axes among them, in what it reads along that axis. */
int64_t weft_rule_vector_along(weft_rule *, const weft_te_op *, const weft_axis *, int64_t most);
/* How often the op divides data axis d; *period becomes a multiple of itself after which the
 * remainders begin anew. */
int weft_rule_divisions(weft_rule *, const weft_te_op *, int d, int64_t *period);

/* A sum of products: which data axes belong to which factor. */
typedef struct weft_product {
    weft_stage *stage;
    const weft_tensor *a, *b; /* the factors' tensors */
    int na, nb, nboth;
    int *only_a, *only_b, *both; /* indices of data axes */
} weft_product;
bool weft_rule_factors(weft_rule *, weft_stage *, weft_product *);
/* The same, where each factor has axes of its own. */
bool weft_rule_product(weft_rule *, weft_stage *, weft_product *);

/* ---- where a reduction is computed (home.c) -------------------------------------------------- */
/* The loops of an output that step along a sum's axes. */
typedef struct weft_home {
    bool plain; /* they are its axes, one to one */
    int naxis, nrest, last; /* last: the output's axis that the sum's last steps along; -1: a part of one */
    weft_axis **axis; /* by the sum's data axis; NULL: of one step, the output has none for it */
    weft_axis **rest; /* those that the sum lacks */
} weft_home;
/* Whether the output reads the sum in one way, its axes being digits of the sum's indices. */
bool weft_rule_is_home(weft_rule *, const weft_te_op *sum, const weft_te_op *out);
/* The loops, split and fused until they are there.  False after an error. */
bool weft_rule_home_loops(weft_rule *, const weft_te_op *sum, weft_tensor *out, weft_home *);

/* ---- primitives in a row (steps.c) ----------------------------------------------------------- */
/* All leaves from `first` (n of them) fused into one; NULL when n is 0. */
weft_axis *weft_rule_fuse(weft_rule *, weft_tensor *, int n, weft_axis *const *);
/* The axis, whatever its extent, on block.x within the target's grid. */
void weft_rule_bind_grid(weft_rule *, weft_tensor *, weft_axis *);
/* The axis over blocks of `threads` threads. */
void weft_rule_bind_threads(weft_rule *, weft_tensor *, weft_axis *, int64_t threads);
/* A stage that fills shared memory together with all threads of the block, z, y and x of them,
 * `lanes` neighbours at once. */
void weft_rule_fetch(weft_rule *, weft_tensor *, const int64_t threads[3], int64_t lanes);
/* Steps of the axis that a work-group takes: `most`, or, where it is not known how many there are,
 * fewer, but at least `least`, so that few are still some for every core. */
int64_t weft_rule_chunk(const weft_rule *, const weft_axis *, int64_t least, int64_t most);
/* Work-groups of so many steps of the axis each; the loop in which one step runs. */
weft_axis *weft_rule_bind_chunks(weft_rule *, weft_tensor *, weft_axis *, int64_t chunk);
/* Threads that a GPU has to have for its cores to be busy while some wait for memory. */
int64_t weft_rule_busy_threads(const weft_rule *);
/* Whether copies from global memory to shared go on while the thread does (cp.async). */
bool weft_rule_copies_alone(const weft_rule *);
const weft_expr *weft_rule_num(weft_rule *, int64_t);
/* Begins a note on a kernel: "kind/class: ", behind those there are; what follows is appended. */
weft_str *weft_rule_note(weft_rule *, const char *kind);
static inline int64_t
weft_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- runs of neighbours that a GPU's thread takes at once (runs.c) ---------------------------- */
/* The longest, up to `most`, that the op may take along the axis, a data axis or the innermost reduce
 * axis: what it reads there are vectors of the target. */
int64_t weft_rule_run(weft_rule *, const weft_te_op *, const weft_axis *, double most);
/* The loop over a row dealt to so many threads of a block, bound to the axis `on`, a run at a time.
 * A reduction reads its runs first. */
bool weft_rule_deal(weft_rule *, weft_tensor *, weft_axis *row, int64_t threads, int64_t run,
                    const char *on);

/* ---- rules: each schedules the stage (and what belongs to it) as a kernel of its own --------- */
void weft_rule_reference(weft_rule *, weft_stage *);
void weft_rule_injective(weft_rule *, weft_stage *);
void weft_rule_scan(weft_rule *, weft_stage *);
void weft_rule_reduction(weft_rule *, weft_stage *reduce, weft_stage *out);
/* The stage that reduces parts of `size` steps, whose results the stage combines from then on; NULL
 * after an error. */
weft_stage *weft_rule_parts(weft_rule *, weft_stage *reduce, int64_t size);
/* False, and nothing done, when the program is not of the kind. */
bool weft_rule_rowwise(weft_rule *, weft_stage *out);
bool weft_rule_attention(weft_rule *, weft_stage *out);
bool weft_rule_contraction(weft_rule *, weft_stage *reduce, weft_stage *out);
bool weft_rule_across(weft_rule *, weft_stage *);
/* What a block of threads is estimated to take for it, in cycles of a core;
 * infinite: no rule takes it. */
double weft_rule_block_time(weft_rule *, weft_stage *reduce);
double weft_rule_matrix_time(weft_rule *, weft_stage *reduce, weft_stage *out);
/* Defines a sum of products anew as what reads a product of gathered matrices, where that is
 * estimated to take less time than the sum in the loops of `home`; the product's stage.  NULL:
 * the sum is as it was. */
weft_stage *weft_rule_gather(weft_rule *, weft_stage *sum, weft_stage *home);
/* Those of contraction.c, by class. */
bool weft_rule_vector_tile(weft_rule *, weft_stage *reduce, weft_stage *out);
bool weft_rule_lane_tile(weft_rule *, weft_stage *reduce, weft_stage *out);
bool weft_rule_matrix_tile(weft_rule *, weft_stage *reduce, weft_stage *out);
bool weft_rule_block_tile(weft_rule *, weft_stage *reduce, weft_stage *out);

#endif
