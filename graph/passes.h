/* graph/passes.h: the passes of passes.c's table, one file each. */
#ifndef WEFT_GRAPH_PASSES_H
#define WEFT_GRAPH_PASSES_H

#include "graph/sweep.h"

#define PASS(name)                                                                                 \
    weft_status weft_pass_##name(weft_graph *, const weft_graph_options *, bool *changed)
PASS(infer);
PASS(simplify_inference);
PASS(fold_constants);
PASS(clean_up);
PASS(common_subexpressions);
PASS(fold_scale);
PASS(float_sums);
PASS(split_phases);
PASS(fuse_attention);
PASS(split_large);
PASS(layout);
PASS(flat_places);
PASS(pack_weights);
PASS(eliminate_dead);
PASS(fuse);
#undef PASS

/* Gives groups of concatenations alone the pattern PARTS where every input can lie in the result's
 * memory, from a multiple of `align` on (parts.c). */
void weft_place_parts(weft_graph *, int64_t align);
/* A constant's bytes for somebody to fill: zeroed room that goes with the last value over it. */
weft_const weft_const_make(weft_graph *, weft_dtype, int ndim, const int64_t *dim);
/* Number of elements. */
int64_t weft_const_count(const weft_const *);
/* The elements of v in row-major order as a value of the dims: a node, or a constant
 * over the bytes of v's. */
weft_value *weft_reshaped(weft_graph *, weft_value *v, const char *name, int ndim,
                          const weft_expr *const *dim);
/* "a (A) + b (B, folded)": the provenance of a node that took another in. */
void weft_node_absorb(weft_graph *, weft_node *into, const weft_node *taken, const char *how);

#endif
