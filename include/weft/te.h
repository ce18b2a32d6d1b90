/* weft/te.h: tensor expressions and their schedules.
 *
 * A program (weft_te) says what is computed: tensors defined element by element.  Its schedule says
 * how: every tensor has a stage, whose loops are split, fused, reordered, bound to threads and
 * placed inside one another.  A schedule never changes a result beyond the order of a reduction.
 *
 * Ownership: everything belongs to the program and dies with it.  Errors are reported to the
 * program's diagnostics in a sentence that names stage, axis and remedy; makers then return NULL,
 * primitives the status, and NULL arguments give NULL or the first error's status, so that calls
 * may be chained and checked once.  A program belongs to one thread at a time.
 */
#ifndef WEFT_TE_PUBLIC_H
#define WEFT_TE_PUBLIC_H

#include <weft/expr.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_diag weft_diag;
typedef struct weft_te weft_te;
typedef struct weft_tensor weft_tensor; /* one output of one operation */
typedef struct weft_axis weft_axis;     /* an iteration variable: 0 <= axis < extent */

/* ---- programs -------------------------------------------------------------------------------- */

/* diag NULL: messages are kept where nobody reads them; statuses are the same. */
WEFT_API weft_te *weft_te_create(const char *name, weft_diag *);
WEFT_API void weft_te_destroy(weft_te *);
WEFT_API weft_ir *weft_te_ir(weft_te *); /* for the builders of <weft/expr.h> */

/* A size known only at run time (i32 or i64): for shapes; a scalar argument of the kernels.  The
 * same name gives the same symbol.
 *
 * Names: every name given becomes an identifier (other bytes turn to '_'), with a suffix if a
 * symbol, a tensor or a word of the text has it.  Make symbols before tensors to have theirs kept.
 */
WEFT_API const weft_expr *weft_te_symbol(weft_te *, const char *name, weft_dtype);
WEFT_API weft_tensor *weft_te_input(weft_te *, const char *name, weft_dtype, int ndim,
                                    const weft_expr *const *shape);
/* A data axis (of an output dimension) and a reduction axis. */
WEFT_API weft_axis *weft_te_axis(weft_te *, const char *name, const weft_expr *extent);
WEFT_API weft_axis *weft_te_reduce_axis(weft_te *, const char *name, const weft_expr *extent);
WEFT_API const weft_expr *weft_axis_ref(weft_te *, const weft_axis *);
/* The tensor's element at the given indices: ndim integer expressions. */
WEFT_API const weft_expr *weft_tensor_at(weft_te *, weft_tensor *, int n,
                                         const weft_expr *const *index);
WEFT_API int weft_tensor_ndim(const weft_tensor *);
WEFT_API const weft_expr *weft_tensor_dim(const weft_tensor *, int d);
WEFT_API weft_dtype weft_tensor_dtype(const weft_tensor *);

/* tensor[axis 0, axis 1, ...] = value.  The axes' extents are the shape. */
WEFT_API weft_tensor *weft_te_compute(weft_te *, const char *name, int ndim, weft_axis *const *axis,
                                      const weft_expr *value);
/* n tensors of one shape, computed by one stage: names[i][axes] = value[i]; out[n] is written. */
WEFT_API weft_status weft_te_compute_tuple(weft_te *, int n, const char *const *names, int ndim,
                                           weft_axis *const *axis, const weft_expr *const *value,
                                           weft_tensor **out);

/* ORDER: weft_reducer_names in te/reduce.c.  Beside each, its identity. */
typedef enum weft_reducer {
    WEFT_SUM,  /* 0 */
    WEFT_PROD, /* 1 */
    WEFT_RMIN, /* inf, or the greatest integer */
    WEFT_RMAX, /* -inf, or the least integer */
    WEFT_FMIN, /* as WEFT_RMIN; NaN is passed over, so that NaNs alone give the identity */
    WEFT_FMAX, /* as WEFT_RMAX; the same */
    WEFT_ANY,  /* false */
    WEFT_ALL,  /* true */
    WEFT_REDUCER_COUNT
} weft_reducer;
/* tensor[axes] = reducer over the reduce axes of source; without any, source itself.  The order of
 * combination is unspecified. */
WEFT_API weft_tensor *weft_te_reduce(weft_te *, const char *name, int ndim, weft_axis *const *axis,
                                     int nreduce, weft_axis *const *reduce, weft_reducer,
                                     const weft_expr *source);
/* A user's commutative reducer over n-tuples: result combines the variables lhs and rhs; identity
 * is n constants that change nothing. */
typedef struct weft_tuple_reducer {
    int n;
    const weft_var *const *lhs, *const *rhs;
    const weft_expr *const *result, *const *identity;
} weft_tuple_reducer;
WEFT_API weft_status weft_te_reduce_tuple(weft_te *, const char *const *names, int ndim,
                                          weft_axis *const *axis, int nreduce,
                                          weft_axis *const *reduce, const weft_tuple_reducer *,
                                          const weft_expr *const *source, weft_tensor **out);
/* Makes a variable for a tuple reducer. */
WEFT_API const weft_var *weft_te_var(weft_te *, const char *name, weft_dtype);

/* Scans: recurrences along one data axis.  A state is a tensor of a scan to come, for its steps to
 * read.  The scan makes it: states of one scan share their axes, one of which is `scan`; where that
 * axis is 0 an element is first[i], elsewhere step[i], which may read the states where the axis is
 * one less, at any place of the others. */
WEFT_API weft_tensor *weft_te_state(weft_te *, const char *name, weft_dtype, int ndim,
                                    weft_axis *const *axis);
WEFT_API weft_status weft_te_scan(weft_te *, int n, weft_tensor *const *state, weft_axis *scan,
                                  const weft_expr *const *first, const weft_expr *const *step);
/* The same of one state whose step is a reduction. */
WEFT_API weft_status weft_te_scan_reduce(weft_te *, weft_tensor *state, weft_axis *scan,
                                         const weft_expr *first, int nreduce,
                                         weft_axis *const *reduce, weft_reducer,
                                         const weft_expr *source);

/* Tensors that statements compute: the text of a kernel's body at the level loops (doc/IR.md, 3 and
 * 6), without the brackets around it.  It names tensors and symbols of the program and stores to
 * the n tensors it makes, every element of them.  The stage is a kernel of its own, and has no
 * loops to be scheduled; what it reads is computed whole before. */
WEFT_API weft_status weft_te_extern(weft_te *, int n, const char *const *names,
                                    const weft_dtype *dtype, const int *ndim,
                                    const weft_expr *const *const *shape, const char *statements,
                                    weft_tensor **out);

/* Marks a result; outputs are written to global memory, in the order of the calls. */
WEFT_API weft_status weft_te_output(weft_te *, weft_tensor *);

/* ---- schedule primitives --------------------------------------------------------------------- */
/* `t` names the stage that computes t.  Axes are leaves of that stage unless said otherwise. */

/* Axis i of the tensor's definition (data axes first, then reduce axes), for scheduling. */
WEFT_API weft_axis *weft_stage_axis(weft_te *, weft_tensor *t, int i);
/* axis = outer * factor + inner; a tail that does not divide is guarded.  A constant size takes the
 * axis's type; outer and inner may be NULL. */
WEFT_API weft_status weft_split(weft_te *, weft_tensor *t, weft_axis *, const weft_expr *factor,
                                weft_axis **outer, weft_axis **inner);
/* axis = outer * ceil(extent / parts) + inner, outer < parts. */
WEFT_API weft_status weft_split_parts(weft_te *, weft_tensor *t, weft_axis *,
                                      const weft_expr *parts, weft_axis **outer, weft_axis **inner);
/* Two neighbouring leaves of one kind become one: fused = outer * extent(inner) + inner; given in
 * either order. */
WEFT_API weft_status weft_fuse(weft_te *, weft_tensor *t, weft_axis *outer, weft_axis *inner,
                               weft_axis **fused);
/* Both axes split by their factors, and in their places: outer y, outer x, inner y, inner x, which
 * are written to made (may be NULL). */
WEFT_API weft_status weft_tile(weft_te *, weft_tensor *t, weft_axis *y, weft_axis *x,
                               const weft_expr *y_factor, const weft_expr *x_factor,
                               weft_axis *made[4]);
/* The listed leaves are permuted among the places they hold. */
WEFT_API weft_status weft_reorder(weft_te *, weft_tensor *t, int n, weft_axis *const *axis);
/* what: "block.x" ... "thread.z", "vthread", "parallel".  A reduce axis takes threads only. */
WEFT_API weft_status weft_bind_axis(weft_te *, weft_tensor *t, weft_axis *, const char *what);
WEFT_API weft_status weft_vectorize(weft_te *, weft_tensor *t, weft_axis *);
WEFT_API weft_status weft_unroll(weft_te *, weft_tensor *t, weft_axis *);
/* Asks the compiler of the printed language, which may decline.  key: "unroll": to write out
 * `value` iterations of the loop at a time, 1 or more; 1: to leave it a loop. */
WEFT_API weft_status weft_pragma(weft_te *, weft_tensor *t, weft_axis *, const char *key,
                                 int64_t value);
/* The loops from this one on become one instruction of a matrix unit, by its name in ir/matrix.def:
 * of a sum of products over M, N and K steps in "fragment" memory, or of a copy into or out of such
 * memory over a matrix's rows and columns. */
WEFT_API weft_status weft_tensorize(weft_te *, weft_tensor *t, weft_axis *, const char *intrinsic);
/* t is computed inside the consumer's loop `at`, as much of it as that iteration needs.  If `at` is
 * split later, t moves to the inner loop; if it is fused, to the fused one. */
WEFT_API weft_status weft_compute_at(weft_te *, weft_tensor *t, weft_tensor *consumer,
                                     weft_axis *at);
/* t's definition stands in its readers' place of t: no reduction, no output, one tensor. */
WEFT_API weft_status weft_compute_inline(weft_te *, weft_tensor *t);
/* Undoes compute_at and compute_inline. */
WEFT_API weft_status weft_compute_root(weft_te *, weft_tensor *t);
/* A copy of t in `space` ("global", "shared", "local", "fragment") that the n readers
 * read instead of t; all readers when n is 0.  Its axes are its own, named like t's (i0,
 * i1, ... for an input). */
WEFT_API weft_tensor *weft_cache_read(weft_te *, weft_tensor *t, const char *space, int n,
                                      weft_tensor *const *readers);
/* t's definition, with its reduce axes, moves to a tensor in `space` that t then copies; a stage of
 * several tensors moves whole.  Before t is split, fused or computed at. */
WEFT_API weft_tensor *weft_cache_write(weft_te *, weft_tensor *t, const char *space);
/* One loop of t's reduction, the reduce leaf `axis`, becomes dimension factor_axis (0 to ndim) of a
 * stage of its own that reduces over t's other reduce axes; t combines its elements over the axis
 * alone, which stays a leaf of t.  The other reduce leaves, with what is computed at them, go to
 * the new stage: reduce axes of its definition if they share a split or fuse with the axis.  The
 * factor's tensor for t; a stage of several tensors is factored whole.  Their loops remain as they
 * were scheduled. */
WEFT_API weft_tensor *weft_rfactor(weft_te *, weft_tensor *t, weft_axis *axis, int factor_axis);
WEFT_API weft_status weft_set_scope(weft_te *, weft_tensor *t, const char *space);
/* Only the elements for which cond holds, a bool over t's data axes (weft_stage_axis) and symbols,
 * are computed and stored: for those that no reader uses.  Never of an output.  The caller answers
 * for no other being read; the interpreter reports a read of what was not stored. */
WEFT_API weft_status weft_store_predicate(weft_te *, weft_tensor *t, const weft_expr *cond);
/* t, shared or local and computed at a serial loop of its reader, is kept for two iterations of the
 * loop: the next one's is computed, or copied, while this one's is read. */
WEFT_API weft_status weft_double_buffer(weft_te *, weft_tensor *t);
/* The same for n iterations, 2 to 8: t is computed n - 1 ahead. */
WEFT_API weft_status weft_buffer_stages(weft_te *, weft_tensor *t, int n);
/* t's shared memory reaches beyond the tensor's edge as far as its readers' loops do, with zeros
 * there: sums in local memory that read such tensors alone go without conditions. */
WEFT_API weft_status weft_zero_fill(weft_te *, weft_tensor *t);
/* Stride of dimension d of t's own memory: a multiple of `factor` plus `offset`, in elements. */
WEFT_API weft_status weft_storage_align(weft_te *, weft_tensor *t, int d, int64_t factor,
                                        int64_t offset);

/* ---- text ------------------------------------------------------------------------------------ */
/* Reads "te f(...) {...}" with an optional "schedule {...}".  NULL after an error. */
WEFT_API weft_te *weft_te_parse(const char *source, const char *text, weft_diag *);
/* The program and its schedule as text (malloc'ed); parsing and printing it gives the same text. */
WEFT_API char *weft_te_print(const weft_te *);

#ifdef __cplusplus
}
#endif
#endif
