/* te/priv.h: what the files of te share. */
#ifndef WEFT_TE_PRIV_H
#define WEFT_TE_PRIV_H

#include "te/te.h"

/* ---- names (names.c) ------------------------------------------------------------------------- */

/* Symbols, tensors and axes made by primitives share one space of names; root axes may share theirs
 * with root axes of other definitions only.  So a program's text needs no qualifiers but
 * TENSOR.axis. */
typedef enum weft_name_kind {
    WEFT_NAME_SYMBOL,
    WEFT_NAME_TENSOR,
    WEFT_NAME_AXIS,
    WEFT_NAME_MADE
} weft_name_kind;
/* A free name as close to `want` as can be, an identifier; taken by the call. */
const char *weft_te_take_name(weft_te *, weft_name_kind, const char *want);
/* What the name stands for already ("a symbol", "a tensor", ...) if that forbids its use as `kind`,
 * or why it is no name at all; NULL when it is free. */
const char *weft_te_name_clash(const weft_te *, weft_name_kind, const char *name);
/* `want` with everything that no identifier may hold replaced by '_'. */
const char *weft_te_identifier(weft_te *, const char *want);
/* An axis that a primitive made has become one of a definition: others may be named like it. */
void weft_te_root_name(weft_te *, const char *name);
/* A root axis has found its definition: later definitions may use the name again. */
void weft_te_settle_name(weft_te *, const char *name);

/* ---- errors and the log (program.c) ---------------------------------------------------------- */

/* The status for an argument that is NULL: the first error's; if there was none, NULL itself is. */
weft_status weft_te_null(weft_te *, const char *what);
void weft_te_log(weft_te *, const char *fmt, ...) WEFT_PRINTF(2, 3);

/* ---- expressions of sizes (program.c) -------------------------------------------------------- */

/* Why e is no size (an i32 or i64 over symbols alone, not a negative constant), or NULL. */
const char *weft_te_size_fault(const weft_te *, const weft_expr *e);
/* The value, a constant or an integer expression, in the type; NULL when it does not hold it. */
const weft_expr *weft_te_constant(weft_te *, const weft_expr *value, weft_dtype);
/* ceil(a / b), a * b; NULL and an error when a constant result does not fit the type. */
const weft_expr *weft_te_ceildiv(weft_te *, const weft_expr *a, const weft_expr *b);
const weft_expr *weft_te_product(weft_te *, const weft_expr *a, const weft_expr *b);

/* ---- definitions (compute.c, reduce.c) ------------------------------------------------------- */

weft_axis *weft_te_new_axis(weft_te *, const char *name, const weft_expr *extent, weft_axis_kind);
/* A data axis of its own with the name and the extent of another. */
weft_axis *weft_te_axis_like(weft_te *, const weft_axis *);
/* A definition: checks it, makes its tensors (names[nout]) and its stage at the end of te->stage.
 * `op` gives naxis, axis, nreduce, reduce, nout, body, cond and the combiner; arrays are copied.
 * NULL after an error. */
weft_te_op *weft_te_define(weft_te *, const weft_te_op *op, const char *const *names);
enum { WEFT_TE_MAX_STAGES = 4096 }; /* far beyond any real program; keeps hostile text cheap */
/* Whether there may be one more; false after an error about the one of that name. */
bool weft_te_room(weft_te *, const char *name);
/* The same without checks and without a place in te->source, its stage at `place`. */
weft_te_op *weft_te_insert(weft_te *, const weft_te_op *op, const char *const *names, int place);
/* A definition that is added before that of stage s, as if it had been written so. */
weft_te_op *weft_te_insert_before(weft_te *, const weft_stage *s, const weft_te_op *op,
                                  const char *name);
/* The definition of the stage as it is now is as if it had been written so. */
void weft_te_rewritten(weft_te *, const weft_stage *);
/* cache.c.  Reads of `from` in the op's bodies become reads of `to`, whose last dimension is from's
 * dimension d. */
void weft_te_redirect(weft_te *, weft_te_op *, const weft_tensor *from, const weft_tensor *to,
                      int d);
/* Whether axes and bodies are as they have to be; false after an error.  op->out is set. */
bool weft_te_check_definition(weft_te *, const weft_te_op *op);
/* scan.c.  A scan over states: `op` as for weft_te_define, with scan and first. */
weft_status weft_te_define_scan(weft_te *, const weft_te_op *op, weft_tensor *const *state);
/* As weft_te_scan_reduce, contributing only where cond holds (NULL: everywhere). */
weft_status weft_te_scan_where(weft_te *, weft_tensor *state, weft_axis *scan,
                               const weft_expr *first, int nreduce, weft_axis *const *reduce,
                               weft_reducer, const weft_expr *source, const weft_expr *cond);
/* Whether the primitive may move the stage: none that is a scan; false after an error. */
bool weft_te_scan_free(weft_te *, const weft_stage *, const char *primitive);
/* Whether the axis is not one that a scan runs along; `how` as "be fused"; false after an error. */
bool weft_te_check_ordered(weft_te *, const weft_stage *, const weft_axis *, const char *primitive,
                           const char *how);
/* A loop that stands outside of the steps and has to be inside; NULL: there is none. */
const weft_axis *weft_te_out_of_order(const weft_stage *);
/* Its stage at `place`; its axes become the stage's. */
void weft_te_insert_stage(weft_te *, weft_te_op *op, int place);
/* Enters a tensor that has its buffer into the program's tables. */
void weft_te_register(weft_te *, weft_tensor *);
/* As weft_te_reduce, contributing only where cond holds (NULL: everywhere). */
weft_tensor *weft_te_reduce_where(weft_te *, const char *name, int ndim, weft_axis *const *axis,
                                  int nreduce, weft_axis *const *reduce, weft_reducer,
                                  const weft_expr *source, const weft_expr *cond);
weft_status weft_te_reduce_tuple_where(weft_te *, const char *const *names, int ndim,
                                       weft_axis *const *axis, int nreduce,
                                       weft_axis *const *reduce, const weft_tuple_reducer *,
                                       const weft_expr *const *source, const weft_expr *cond,
                                       weft_tensor **out);

/* ---- primitives, with names for what they make (schedule.c, cache.c) ------------------------- */
/* A NULL name is made up from the operands. */

/* The stage of t, ready to be scheduled; NULL after an error that names the primitive. */
weft_stage *weft_te_stage_for(weft_te *, weft_tensor *t, const char *primitive);
/* The same, of a stage with loops of its own: none that is computed inline. */
weft_stage *weft_te_loops_of(weft_te *, weft_tensor *t, const char *primitive);
/* Where the axis stands among the stage's leaves, -1 after an error. */
int weft_te_leaf(weft_te *, weft_stage *, const weft_axis *, const char *primitive);
const char *weft_stage_name(const weft_stage *); /* of its first output */
weft_status weft_split_named(weft_te *, weft_tensor *t, weft_axis *, const weft_expr *size,
                             bool parts, const char *const name[2], weft_axis **outer,
                             weft_axis **inner);
/* Whether the axis can be split by *size with `more` loops made by the primitive in all: *size in
 * the axis's type, and ceil(extent / *size); NULL after an error. */
const weft_expr *weft_te_split_rest(weft_te *, weft_stage *, const weft_axis *,
                                    const weft_expr **size, int more, const char *primitive);
/* axis, factor: y and x; name, made: outer y, outer x, inner y, inner x. */
weft_status weft_tile_named(weft_te *, weft_tensor *t, weft_axis *const axis[2],
                            const weft_expr *const factor[2], const char *const name[4],
                            weft_axis *made[4]);
weft_status weft_fuse_named(weft_te *, weft_tensor *t, weft_axis *outer, weft_axis *inner,
                            const char *name, weft_axis **fused);
weft_tensor *weft_cache_read_named(weft_te *, weft_tensor *t, const char *space, int n,
                                   weft_tensor *const *readers, const char *name);
/* names: one an output of t's op, or NULL. */
weft_tensor *weft_cache_write_named(weft_te *, weft_tensor *t, const char *space,
                                    const char *const *names);
weft_tensor *weft_rfactor_named(weft_te *, weft_tensor *t, weft_axis *, int factor_axis,
                                const char *const *names);
/* The space of that name for a tensor's memory, or WEFT_SPACE_COUNT after an error. */
weft_space weft_te_space(weft_te *, const weft_tensor *t, const char *space, const char *primitive);

#endif
