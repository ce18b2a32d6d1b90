/* lower/legalize.h: what the files of the legalise pass share.
 *
 * A value whose dtype the target cannot compute with lives in a *carrier*: f16, bf16 and the f8s in
 * f32, narrow integers in i32 or u32 (sign- or zero-extended, wrapped after every operation that
 * may leave their range).  Only loads and stores know the dtype in memory.
 */
#ifndef WEFT_LEGALIZE_H
#define WEFT_LEGALIZE_H

#include "lower/lower.h"

typedef struct weft_legal_name {
    const weft_var *var;
    const weft_expr *value;
} weft_legal_name;

typedef struct weft_legal_arm {
    const weft_expr *cond;
    bool otherwise; /* the arm of its being false */
} weft_legal_arm;

typedef struct weft_legal {
    weft_kernel *kernel;
    weft_ir *ir;
    const weft_lower_options *options;
    const weft_caps *caps;
    weft_diag *diag;
    weft_status status; /* the first thing that cannot be had */
    weft_facts *facts;
    weft_arena scratch;
    WEFT_VEC(weft_legal_name) name; /* lets that the statement at hand needs, in order */
    WEFT_VEC(weft_legal_arm) arm;   /* the arms of GUARDs that the expression at hand is in */
    const weft_expr **memo;         /* by id of the original; valid for one statement */
    uint32_t nmemo;
    WEFT_VEC(uint32_t)
    known; /* ids in the memo, in order: what an arm of a GUARD added goes with it */
    const weft_expr
        *stored; /* the value at hand goes to memory of its dtype, which wraps and rounds */
    const weft_buf **buf;  /* by id: what a buffer became */
    int *aligned;          /* by id: memory that matrices are loaded from or stored to, which keeps
                              its dtype: the alignment they ask for, in bytes; else 0 */
    const weft_expr **var; /* by id: what a let variable became */
    uint32_t nbuf, nvar;
    const weft_expr *original; /* the node at hand as it was: more is known of its arguments */
    bool in_range; /* what is computed does not overflow: a sum of an index, a narrow number in a
                      word */
} weft_legal;

/* e under a name of its own, so that it can be used twice; itself when it is an atom.  The name's
 * let stands before the statement; under a guard its value is guarded too. */
const weft_expr *weft_legal_bind(weft_legal *, const char *hint, const weft_expr *e);
/* The rules of one node whose arguments are legal already. */
const weft_expr *weft_legal_apply(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_expr(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_index(weft_legal *, const weft_expr *);
/* Refuses what no rewriting can give: names kernel, construct and target. */
const weft_expr *weft_legal_refuse(weft_legal *, const char *what, weft_dtype);

/* legalize_type.c */
weft_dtype weft_legal_carrier(const weft_legal *, weft_dtype);
weft_dtype weft_legal_memory(const weft_legal *, weft_dtype, weft_space);
/* x, computed in a narrow dtype's carrier, brought back into the dtype's range. */
const weft_expr *weft_legal_wrap(weft_legal *, weft_dtype, const weft_expr *x);
/* A value of dtype `from` to `to`.  `stored`: memory of that dtype wraps and rounds, registers need
 * not. */
const weft_expr *weft_legal_cast(weft_legal *, weft_dtype to, const weft_expr *, weft_dtype from,
                                 bool stored);
const weft_expr *weft_legal_bitcast(weft_legal *, const weft_expr *, weft_dtype from);
/* Whether the conversion is made of comparisons and selects. */
bool weft_legal_cast_compares(const weft_legal *, weft_dtype to, weft_dtype from);
bool weft_legal_memory_compares(weft_dtype, weft_dtype memory);
const weft_expr *weft_legal_from_byte(weft_legal *, weft_dtype, const weft_expr *byte,
                                      const weft_expr *shift);
const weft_expr *weft_legal_from_memory(weft_legal *, weft_dtype, const weft_expr *load);
const weft_expr *weft_legal_to_memory(weft_legal *, weft_dtype, weft_dtype memory,
                                      const weft_expr *value);

/* legalize_float.c: values of small floats in f32. */
bool weft_legal_has_layout(weft_dtype); /* what the following know */
const weft_expr *weft_legal_round(weft_legal *, weft_dtype, const weft_expr *x);
const weft_expr *weft_legal_round_to_odd(weft_legal *, const weft_expr *f64);
const weft_expr *weft_legal_float_bits(weft_legal *, weft_dtype,
                                       const weft_expr *x); /* rounded; as u32 */
const weft_expr *weft_legal_float_of_bits(weft_legal *, weft_dtype, const weft_expr *u32);

/* legalize_int.c: FDIV, FMOD, shifts, wrapping arithmetic. */
const weft_expr *weft_legal_division(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_shift(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_wrapping(weft_legal *, const weft_expr *);

/* legalize_math.c: MIN and MAX of floats, intrinsics that the target lacks. */
const weft_expr *weft_legal_min_max(weft_legal *, const weft_expr *);
bool weft_legal_has_intrinsic(const weft_legal *, weft_intrin, weft_dtype);
const weft_expr *weft_legal_intrinsic(weft_legal *, const weft_expr *);

/* legalize_math64.c */
const weft_expr *weft_legal_exp64(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_expm1_64(weft_legal *, const weft_expr *);
const weft_expr *weft_legal_log64(weft_legal *, const weft_expr *);

/* legalize_lanes.c: vectors the target lacks, lane by lane; what it cannot shuffle as it stands. */
const weft_expr *weft_legal_shuffle(weft_legal *, const weft_expr *);
bool weft_legal_needs_lanes(const weft_legal *, const weft_expr *);
const weft_expr *weft_legal_lane(weft_legal *, const weft_expr *, int lane);
const weft_expr *weft_legal_by_lane(weft_legal *, const weft_expr *);
/* legalize_near.c: whole vectors that hold what a load's lanes ask for. */
typedef struct weft_near {
    int n;
    const weft_expr **load;
    int *piece, *lane; /* of each of the load's lanes */
} weft_near;
/* False where a load of each lane is as good, or the only way. */
bool weft_legal_near(weft_legal *, const weft_expr *load, weft_near *);

/* A vector's lanes apart, where what is done to them compares and the target does not compare
 * vectors. */
const weft_expr *weft_legal_lanes_to_compare(weft_legal *, const weft_expr *, bool compares);
/* A copy into shared memory of more bytes than the target has vectors of, which may go by itself all
 * the same (async.c); NULL: it is none. */
const weft_stmt *weft_legal_copy(weft_legal *, const weft_stmt *store);
/* value: of dtype t, in its carrier */
const weft_stmt *weft_legal_store(weft_legal *, weft_dtype t, const weft_buf *,
                                  const weft_expr *index, const weft_expr *value);

#endif
