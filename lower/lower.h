/* lower/lower.h: from a scheduled te program to kernels that are legal for a target.
 *
 * pipeline.c is the table of contents: one pass a file, in the order they run.
 */
#ifndef WEFT_LOWER_H
#define WEFT_LOWER_H

#include "ir/caps.h"
#include "te/te.h"

/* ---- te to loops ----------------------------------------------------------------------------- */

/* What a kernel's buffer parameter is. */
typedef enum weft_slot_kind { WEFT_SLOT_INPUT, WEFT_SLOT_OUTPUT, WEFT_SLOT_WORK } weft_slot_kind;
typedef struct weft_slot {
    weft_slot_kind kind;
    int index; /* into te->input, te->output, or weft_lowered.work */
} weft_slot;

/* Kernels in the order to be launched.  Everything lives in the program's context. */
typedef struct weft_lowered {
    int nkernel;
    weft_kernel **kernel;  /* one a root stage */
    weft_slot **slot;      /* slot[k][i]: parameter i of kernel k */
    int nwork;             /* root stages that are no outputs: global workspace */
    const weft_buf **work; /* dtype and shape of each */
} weft_lowered;

/* Bounds inference and loop nests: the schedule as kernels at the level loops.
 * infer-bounds (bounds.c): every axis's range, every tensor's realised region.
 * loop-nest (nest.c): loops, guards, initialisation and update, allocations at their scopes.
 * Errors in the schedule end in a sentence that names stage and axis. */
weft_status weft_lower_te(weft_te *, weft_lowered *, weft_diag *);

/* ---- passes over kernels --------------------------------------------------------------------- */

typedef struct weft_lower_options {
    const weft_target *target;
    const weft_caps
        *caps; /* of the target's printer; NULL: not known, for passes before legalize */
    weft_numerics numerics;
    /* Debugging, from the environment by weft_lower_options_env: doc/HACKING.md */
    const char *dump;                /* "all", "changed" or a pass's name; NULL: nothing */
    const char *dump_dir;            /* a file a pass instead of stderr */
    const char *skip, *stop_after;   /* names of passes, comma-separated; NULL */
    bool time, no_verify, roundtrip; /* roundtrip: print, parse and print again after every pass */
} weft_lower_options;
void weft_lower_options_env(weft_lower_options *);
/* Tells what the step that began at `start` (weft_now) took, if times are wanted. */
void weft_lower_time(const weft_lower_options *, const char *name, const char *step, double start);

/* A pass rewrites kernel->body and what hangs on it; *changed says whether it did anything.  A pass
 * that says it did not is checked to have left the same pointers. */
typedef weft_status weft_pass_run(weft_kernel *, const weft_lower_options *, bool *changed,
                                  weft_diag *);
typedef struct weft_pass {
    const char *name; /* file, function weft_pass_<name with _>, command line and dump say this */
    weft_pass_run *run;
    weft_level from, to; /* needs and makes; from == to: any level from there on is kept */
} weft_pass;
extern const weft_pass weft_passes[]; /* in the order they run */
extern const int weft_pass_count;

weft_pass_run weft_pass_flatten, weft_pass_simplify, weft_pass_vthread, weft_pass_double_buffer,
    weft_pass_partition, weft_pass_unswitch, weft_pass_vectorize, weft_pass_unroll,
    weft_pass_reduce_threads, weft_pass_barriers, weft_pass_legalize, weft_pass_stream,
    weft_pass_hoist, weft_pass_async, weft_pass_prefetch, weft_pass_offsets, weft_pass_limits,
    weft_pass_registers, weft_pass_storage, weft_pass_join, weft_pass_rejoin;

/* What memory that a kernel allocates holds elements of the dtype as, once they are legal: carriers
 * (legalize_type.c).  Memory that matrices are loaded from or stored to keeps its dtype. */
weft_dtype weft_held_dtype(const weft_caps *, weft_dtype);

/* pieces.c: the most lanes that vectors of the target have of which so many are whole vectors, and a
 * store as stores of so many lanes each, which divide its own; NULL where it cannot be cut. */
int weft_lanes_within(const weft_caps *, int lanes);
const weft_stmt *weft_store_in_pieces(weft_ir *, const weft_stmt *store, int lanes);

/* Grid and block of a launch from the loops bound to block and thread axes, 1 where none is. */
void weft_launch_dims(const weft_kernel *, const weft_expr *grid[3], const weft_expr *block[3]);

/* reach.c: how far a kernel counts, in i64 over variables of its scalars' names, which are at least
 * 1.  Where it has none the types of its indices were chosen for its sizes. */
typedef struct weft_reach {
    int n;
    const weft_expr *const *most; /* what its i32 arithmetic comes to at most: i32 has to hold each */
    const weft_expr *iterations;  /* of all loops that a thread runs; a `while` counts as one */
} weft_reach;
weft_reach weft_kernel_reach(const weft_kernel *);

/* limits.c: whether the threads of such a block, -1 where its size is no constant, may be in
 * subgroups of so many lanes that are asked for. */
bool weft_may_ask_subgroups(const weft_target *, int lanes, const int64_t block[3]);

/* Runs the whole table (NULL names) or the comma-separated passes on a kernel. */
weft_status weft_run_passes(weft_kernel *, const char *names, const weft_lower_options *,
                            weft_diag *);

#endif
