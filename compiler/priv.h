/* compiler/priv.h: what the files of compiler/ share. */
#ifndef WEFT_COMPILER_PRIV_H
#define WEFT_COMPILER_PRIV_H

#include "compiler/compiler.h"

/* ---- plan.c: a program being built ---------------------------------------------------------- */
typedef struct weft_draft {
    weft_program *p;
    weft_arena *arena; /* the module's */
    int cap;           /* tensors there is room for in p->tensor */
    int *first_kernel; /* unit -> its first kernel in the program */
} weft_draft;
/* The tensors behind a unit's inputs, outputs and workspace. */
typedef struct weft_draft_slots {
    const int *in, *out;
    int *work; /* made by weft_draft_steps */
} weft_draft_slots;
int weft_draft_tensor(weft_draft *, const char *name, weft_role, weft_dtype, int ndim,
                      const weft_expr *const *dim);
/* The value's tensor, made at its first mention: tensor_of[id], -1 before. */
int weft_draft_value(weft_draft *, int *tensor_of, const weft_value *);
/* The tensor whose memory t is. */
int weft_draft_root(const weft_program *, int t);
/* The tensor's memory lives at that step. */
void weft_draft_use(weft_draft *, int tensor, int step);
/* The memory of t lies in that of `whole` from byte `at` on, and is used where t was. */
void weft_draft_place(weft_draft *, int t, int whole, int64_t at);
void weft_draft_kernels(weft_draft *, const weft_unit *, int nunit);
/* The launches of a unit, its workspace made. */
void weft_draft_steps(weft_draft *, const weft_unit *, int unit, weft_draft_slots *,
                      const char *layers);

/* ---- plan_flow.c: what launches nothing ------------------------------------------------------ */
enum { WEFT_FLOW_STEPS = 2 }; /* of a node at most, but for one a scope */
typedef struct weft_flow {
    weft_draft *b;
    const weft_graph *g;
    const weft_module *m;
    int *tensor_of;    /* value id -> tensor; -1 */
    int scope;         /* of the group before */
    int *step;         /* scope -> the step that is over its nodes */
    int *first;        /* scope -> its first group */
    weft_arena scratch;
} weft_flow;
weft_flow weft_flow_start(weft_draft *, const weft_graph *, const weft_module *, int *tensor_of);
/* Ends the scopes that group `index` is not in, and begins those that it is in; `index` beyond the
 * groups ends all. */
void weft_flow_enter(weft_flow *, int index);
/* The steps of a node for the plan alone, or its place in memory. */
void weft_flow_node(weft_flow *, const weft_node *);

/* ---- modules --------------------------------------------------------------------------------- */
weft_program *weft_module_program(weft_module *, const weft_compile_job *); /* the next one */
void weft_module_symbols(weft_module *, int n, const weft_var *const *symbol);
/* Adds the constants whose key is not there yet; their bytes are borrowed. */
void weft_module_blobs(weft_module *, weft_arena *scratch, int n, const weft_const *const *,
                       const char *const *key);
/* Content names of n constants, in parallel: key[i] in the arena. */
void weft_content_keys(weft_arena *, int threads, int n, const weft_const *const *,
                       const char **key);

#endif
