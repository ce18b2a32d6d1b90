/* weft/expr.h: building expressions, for whoever writes tensor expressions in C.
 *
 * Expressions are immutable, interned and owned by their weft_ir: the same expression made twice is
 * one pointer.  Builders check types: operands of a binary operator have the same type, but a
 * scalar meets a vector by broadcast.  A builder that meets a mistake reports it to the context's
 * diagnostics and returns NULL; NULL arguments give NULL, so that calls chain unchecked and the
 * first error is the one reported.  Builders never fold: what you build is what prints.
 * A context belongs to one thread at a time.
 */
#ifndef WEFT_EXPR_H
#define WEFT_EXPR_H

#include <weft/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_ir weft_ir;
typedef struct weft_expr weft_expr;
typedef struct weft_var weft_var;
typedef struct weft_buf weft_buf;

/* An integer (or bool) constant; a float constant, rounded to dtype. */
WEFT_API const weft_expr *weft_int(weft_ir *, weft_dtype, int64_t);
WEFT_API const weft_expr *weft_float(weft_ir *, weft_dtype, double);
/* An i32 constant: what most indices are. */
WEFT_API const weft_expr *weft_i32(weft_ir *, int64_t);
WEFT_API const weft_expr *weft_ref(weft_ir *, const weft_var *);

WEFT_API const weft_expr *weft_add(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_sub(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_mul(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_div(weft_ir *, const weft_expr *, const weft_expr *); /* floats */
WEFT_API const weft_expr *weft_fdiv(weft_ir *, const weft_expr *,
                                    const weft_expr *); /* integers, floor */
WEFT_API const weft_expr *weft_fmod(weft_ir *, const weft_expr *,
                                    const weft_expr *); /* integers, floor */
WEFT_API const weft_expr *weft_min(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_max(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_eq(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_ne(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_lt(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_le(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_gt(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_ge(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_and(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_or(weft_ir *, const weft_expr *, const weft_expr *);
WEFT_API const weft_expr *weft_not(weft_ir *, const weft_expr *);
WEFT_API const weft_expr *weft_neg(weft_ir *, const weft_expr *);
/* Both arms evaluated, one chosen: never around a load that may be out of bounds. */
WEFT_API const weft_expr *weft_select(weft_ir *, const weft_expr *cond, const weft_expr *,
                                      const weft_expr *);
/* Only the chosen arm is evaluated; cond is a scalar bool. */
WEFT_API const weft_expr *weft_guard(weft_ir *, const weft_expr *cond, const weft_expr *,
                                     const weft_expr *);
WEFT_API const weft_expr *weft_cast(weft_ir *, weft_dtype, const weft_expr *);
/* buf[index 0, index 1, ...] */
WEFT_API const weft_expr *weft_load(weft_ir *, const weft_buf *, int n,
                                    const weft_expr *const *index);
/* An intrinsic by its name in doc/IR.md ("exp", "sqrt", "pow", ...). */
WEFT_API const weft_expr *weft_call(weft_ir *, const char *intrin, int n,
                                    const weft_expr *const *args);

#ifdef __cplusplus
}
#endif
#endif
