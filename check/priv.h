/* check/priv.h: what the files of check/ share. */
#ifndef WEFT_CHECK_PRIV_H
#define WEFT_CHECK_PRIV_H

#include "check/check.h"

/* ---- the reference (reference.c) ------------------------------------------------------------- */
/* Results of groups, evaluated once however many targets have the group: a result is known by its
 * program's text and what its inputs are known by. */
typedef struct weft_reference {
    weft_arena arena; /* values */
    weft_map *known;  /* key -> index into value */
    WEFT_VEC(weft_const) value;
    int threads;
    int nevaluated, nwidened;
} weft_reference;
void weft_reference_begin(weft_reference *, int threads);
void weft_reference_end(weft_reference *);

typedef struct weft_known { /* a value of a graph and what it is known by */
    weft_const c;
    const char *key; /* NULL: not evaluated yet */
} weft_known;

/* One program's tensors as the reference has them, of bound shapes. */
typedef struct weft_chain {
    weft_reference *reference;
    const weft_origin *origin;
    weft_symbols symbols; /* over the two lists, which have room for all of the module's */
    const char **symbol_name;
    int64_t *symbol_value;
    weft_known *value; /* by value id */
} weft_chain;
/* Binds shapes to the inputs', which are in the program's order and outlive the chain. */
weft_status weft_chain_begin(weft_chain *, weft_reference *, const weft_module *,
                             const weft_origin *, const weft_const *in, weft_diag *);
/* Evaluates a group whose inputs are known. */
weft_status weft_chain_group(weft_chain *, int group, weft_diag *);
/* All groups; out[i] is output i. */
weft_status weft_chain_run(weft_chain *, weft_const *out, weft_diag *);
/* Dims of a value or buffer and zeroed room for its elements. */
weft_status weft_chain_room(weft_chain *, const char *name, weft_dtype, int ndim,
                            const weft_expr *const *dim, weft_const *out, weft_diag *);

/* ---- what the run decides (flow.c) ----------------------------------------------------------- */
/* Calls `visit` for every group in the order in which a run comes to it, as often as it does. */
typedef weft_status (*weft_visit)(void *user, int group);
/* Is told of a carry whose next value is there, at the end of an iteration; NULL: nobody. */
typedef weft_status (*weft_moved)(void *user, const weft_node *carry);
weft_status weft_chain_walk(weft_chain *, weft_visit, weft_moved, void *user, weft_diag *);
/* A node for the plan alone. */
weft_status weft_chain_node(weft_chain *, const weft_node *, weft_diag *);
/* An integer expression of the plan in the chain's symbols. */
weft_status weft_chain_number(const weft_chain *, const char *text, int64_t *, weft_diag *);
/* The group's te program without a schedule; NULL after an error. */
weft_te *weft_chain_program(const weft_chain *, int group, weft_diag *);

/* Makes float parameters that the kernel reads and writes f64: wide[i] for parameter i.  Whether
 * there are any (widen.c). */
bool weft_widen_sums(weft_kernel *, bool *wide);

/* ---- kernel by kernel (per_kernel.c) --------------------------------------------------------- */
/* What a check of one device and target works on. */
typedef struct weft_checking {
    const weft_check_options *o;
    weft_check_report *report;
    weft_check_run *run;
    weft_diag *diag;
    weft_module *module; /* whose kernels run */
    weft_session *session;
    const weft_origin *origin; /* of the compiled program */
    weft_const *in;            /* the program's inputs */
    weft_chain *chain;
} weft_checking;
weft_status weft_check_groups(weft_checking *);

/* ---- reproducers (reproduce.c) --------------------------------------------------------------- */
/* Writes the group's kernels as a module of their own into a directory under options->out; `path`
 * lives in the report. */
weft_status weft_write_reproducer(weft_checking *, int group, const char **path);
/* Runs the module in `dir` (c->module) on the inputs beside it; items go into the run. */
weft_status weft_rerun_reproducer(weft_checking *c, const char *dir, weft_device *);

/* Appends the text as one word of a shell script. */
void weft_add_quoted(weft_str *, const char *text);

/* Names of the group's kernels, "a, b", in the report's arena; of its layers. */
const char *weft_group_kernels(weft_checking *, int group);
void weft_add_item(weft_checking *, weft_check_item, bool is_kernel, const weft_const *got,
                   const weft_const *want);

#endif
