/* ir/simplify.h: what the files of the simplifier share.
 *
 * The simplifier knows a value from four sides: constant bounds (bounds.c), what it is congruent to
 * (modular.c), the facts of the scopes around (facts.c) and its form as an affine sum
 * (simplify_sum.c); what they leave open at few points is tried there (points.c).  Everything it
 * finds out is kept beside the expression's id under the version of the facts it was found under.
 */
#ifndef WEFT_SIMPLIFY_H
#define WEFT_SIMPLIFY_H

#include "ir/ir.h"

/* ---- ranges ---------------------------------------------------------------------------------- */

/* lo <= value <= hi; INT64_MIN and INT64_MAX: no bound on that side but the type's. */
typedef struct weft_range {
    int64_t lo, hi;
} weft_range;

static inline bool
weft_range_is_point(weft_range r)
{
    return r.lo == r.hi && r.lo != INT64_MIN && r.lo != INT64_MAX;
}

weft_range weft_range_add(weft_range, weft_range);
weft_range weft_range_scale(weft_range, int64_t c);
weft_range weft_range_meet(weft_range, weft_range);
/* What a dtype allows. */
weft_range weft_range_of_dtype(weft_dtype);
/* Whether every value of the range is one of the type's; false when a side is unbounded. */
bool weft_range_fits(weft_range, weft_dtype);

/* The bounds of an integer or bool expression, of all lanes together; never an error. */
weft_range weft_range_of(weft_facts *, const weft_expr *);
/* Bounds of x % c, c > 0, from the values that x may have (residues.c); 0 .. c-1 when not found. */
weft_range weft_residues(weft_facts *, const weft_expr *x, int64_t c);
/* Whether the node computes the mathematical result from its arguments' values: it cannot wrap. */
bool weft_expr_exact(weft_facts *, const weft_expr *);

/* ---- facts ----------------------------------------------------------------------------------- */

typedef enum weft_fact_kind {
    WEFT_FACT_RANGE, /* key is within range, and key == base modulo coeff (coeff 0: base itself) */
    WEFT_FACT_TRUE,  /* the bool `key` is range.lo */
    WEFT_FACT_GE0,   /* the integer `key`, an affine sum that is exact, is >= 0 */
    WEFT_FACT_VALUE  /* the variable `key` stands for `value` */
} weft_fact_kind;

typedef struct weft_fact {
    weft_fact_kind kind;
    const weft_expr *key, *value;
    weft_range range;
    int64_t coeff, base;
    uint32_t version; /* of the facts before this one */
} weft_fact;

/* What is known of one expression; each part holds while its version is that of the facts. */
typedef struct weft_note {
    const weft_expr *simple;
    weft_range range;
    int64_t coeff, base;
    uint32_t simple_version, range_version, mod_version;
    int8_t effect; /* 0: not looked at, 1: none below, 2: a call with an effect below */
} weft_note;

enum {
    WEFT_NOTE_PAGE = 64,
    WEFT_MAX_DEPTH = 1000 /* what is nested deeper is not looked into */
};

struct weft_facts {
    weft_ir *ir;
    weft_arena arena;
    WEFT_VEC(weft_fact) fact;
    WEFT_VEC(weft_note *) page; /* notes by id, WEFT_NOTE_PAGE to a page; NULL: none yet */
    uint32_t version, last_version;
    int nge0, nkeyed;           /* facts of kind GE0; facts about others than variables */
    int nclause;                /* facts that one of two conditions holds, or that not both do */
    int depth, look;            /* of the recursion of weft_simp; of bounds and congruences */
    int budget;                 /* steps the prover may still take */
    int contexts;               /* arms and sides that may still be simplified under a condition */
};

weft_note *weft_facts_note(weft_facts *, const weft_expr *);
/* The innermost fact of a kind about an expression, or NULL. */
const weft_fact *weft_facts_find(const weft_facts *, weft_fact_kind, const weft_expr *key);
/* The scalar condition, simple already, is `truth`. */
void weft_facts_assume_simple(weft_facts *, const weft_expr *cond, bool truth);
/* The variable is the expression from here on. */
void weft_facts_define(weft_facts *, const weft_var *, const weft_expr *value);
/* No call with an effect is below: the expression may be dropped. */
bool weft_facts_droppable(weft_facts *, const weft_expr *);

/* value == base (mod coeff); coeff 0: value == base; coeff 1: nothing known. */
typedef struct weft_mod {
    int64_t coeff, base;
} weft_mod;
weft_mod weft_mod_of(weft_facts *, const weft_expr *);

/* ---- affine sums (simplify_sum.c) ------------------------------------------------------------ */

enum { WEFT_LIN_MAX = 24 }; /* a longer sum is left as it is written */

typedef struct weft_term {
    const weft_expr *atom; /* no sum, no constant; a product's factors are sorted by id */
    int64_t c;             /* never 0 */
} weft_term;

/* k + sum of c * atom, over one scalar integer type. */
typedef struct weft_lin {
    weft_dtype dtype;
    bool wraps;   /* equal modulo 2^bits only; else equal as integers */
    bool index;   /* every atom is an index */
    int n, steps;
    int64_t k;
    weft_term t[WEFT_LIN_MAX];
} weft_lin;

/* How far a sum is taken apart. */
typedef enum weft_lin_mode {
    WEFT_LIN_RING,  /* through nodes that may wrap: for +, -, *, == and != */
    WEFT_LIN_EXACT, /* only through exact nodes: for order, // and % */
    WEFT_LIN_POLY   /* like EXACT, and products of sums are multiplied out */
} weft_lin_mode;

void weft_lin_init(weft_lin *, weft_dtype, bool wraps);
/* lin += c * e.  False, and lin is spoilt, when there are too many terms or too large ones. */
bool weft_lin_add(weft_facts *, weft_lin *, const weft_expr *, int64_t c, weft_lin_mode);
bool weft_lin_add_lin(weft_lin *, const weft_lin *, int64_t c);
bool weft_lin_add_term(weft_lin *, const weft_expr *atom, int64_t c);
bool weft_lin_add_const(weft_lin *, int64_t k);
/* The product of two sums, multiplied out. */
bool weft_lin_mul(weft_facts *, weft_lin *to, const weft_lin *, const weft_lin *);
bool weft_lin_of(weft_facts *, weft_lin *, const weft_expr *, weft_lin_mode);
weft_range weft_lin_range(weft_facts *, const weft_lin *);
/* Whether the sum may be built: it is over indices, or its bounds fit the type. */
bool weft_lin_safe(weft_facts *, const weft_lin *);
/* The expression, terms in canonical order. */
const weft_expr *weft_lin_build(weft_facts *, weft_lin *);
/* The part of a sum whose terms are positive, or negative (then negated); k is left 0. */
void weft_lin_side(const weft_lin *, bool positive, weft_lin *side);
/* The product without a factor, NULL when nothing is left; *count grows by how often it is one. */
const weft_expr *weft_atom_without(weft_facts *, const weft_expr *atom, const weft_expr *factor,
                                   int *count);

/* ---- the rewriting itself -------------------------------------------------------------------- */

/* weft_simplify_expr without the preparations. */
const weft_expr *weft_simp(weft_facts *, const weft_expr *);
/* Each takes a node whose arguments are simple and returns what it becomes, or NULL for no change.
 * A result may hold parts that are not simple yet. */
const weft_expr *weft_simp_sum(weft_facts *, const weft_expr *);     /* + - * neg */
const weft_expr *weft_simp_div(weft_facts *, const weft_expr *);     /* // % */
const weft_expr *weft_simp_compare(weft_facts *, const weft_expr *); /* == != < <= > >= */
const weft_expr *weft_simp_minmax(weft_facts *, const weft_expr *);
const weft_expr *weft_simp_cast(weft_facts *, const weft_expr *);
const weft_expr *weft_simp_vector(weft_facts *, const weft_expr *);
const weft_expr *weft_simp_logic(weft_facts *, const weft_expr *);   /* guard */
const weft_expr *weft_simp_call(weft_facts *, const weft_expr *);
const weft_expr *weft_simp_float_div(weft_facts *, const weft_expr *);
const weft_expr *weft_simp_fold(weft_facts *, const weft_expr *);    /* constants */
const weft_expr *weft_simp_points(weft_facts *, const weft_expr *);  /* by trial */
const weft_expr *weft_simp_rules(weft_facts *, const weft_expr *);   /* rules.def */
/* An operation on integers of the type, or their comparison, in 64 bits (simplify_fold.c). */
int64_t weft_fold_ints(weft_dtype, weft_ek, int64_t a, int64_t b);
/* && || select guard with their arguments made simple, each under what holds where it counts. */
const weft_expr *weft_simp_context(weft_facts *, const weft_expr *);
/* x // c and x % c of a simple exact x, c > 0. */
const weft_expr *weft_floor_div(weft_facts *, const weft_expr *, int64_t c);
const weft_expr *weft_floor_mod(weft_facts *, const weft_expr *, int64_t c);
/* Merges x // c * c + x % c and their like within a sum; whether anything was found
 * (simplify_digits.c). */
bool weft_lin_recombine(weft_facts *, weft_lin *);

/* Whether there is anything to prove such a sum's sign with but its range. */
bool weft_lin_provable(const weft_facts *, const weft_lin *);
/* Whether the sum is >= 0 under the facts (false: not proven). */
bool weft_lin_nonneg(weft_facts *, const weft_lin *);
/* Whether a simple expression is >= lo: a range, or a proof. */
bool weft_expr_at_least(weft_facts *, const weft_expr *, int64_t lo);
/* 0 <= e < n. */
bool weft_expr_within(weft_facts *, const weft_expr *e, const weft_expr *n);

/* ---- rules (rules.def, simplify_rules.c) ----------------------------------------------------- */

/* What a pattern is written in, in prefix order: kinds of expressions (never IMM) and these. */
enum {
    WEFT_PAT_END = 0,
    WEFT_PAT_X = 100, WEFT_PAT_Y, WEFT_PAT_Z, WEFT_PAT_W, /* any expression */
    WEFT_PAT_P, WEFT_PAT_Q,                               /* a pure one */
    WEFT_PAT_A = 110, WEFT_PAT_B,                         /* a constant */
    WEFT_PAT_0 = 120, WEFT_PAT_1, WEFT_PAT_M1, WEFT_PAT_M0, /* 0, 1, -1 and the float -0 */
    WEFT_PAT_F, WEFT_PAT_T                                /* false, true */
};

/* What the operands of a rule have to be: a set. */
enum {
    WEFT_FOR_BOOL = 1, WEFT_FOR_INT = 2, WEFT_FOR_FLOAT = 4,
    WEFT_FOR_INDEX = 8 /* integers, each a scalar index */
};

typedef struct weft_rule {
    uint8_t of; /* WEFT_FOR_... */
    uint8_t lhs[20], rhs[20], when[20]; /* `when` WEFT_PAT_END: always */
} weft_rule;
extern const weft_rule weft_simplify_rules[];
extern const int weft_nsimplify_rules;

static inline weft_dtype
weft_dtype_of(const weft_expr *e)
{
    return (weft_dtype)e->h.type.dtype;
}
static inline bool
weft_is_scalar_int(const weft_expr *e)
{
    return e->h.type.lanes == 1 && weft_is_int(weft_dtype_of(e));
}
/* A constant of the expression's type, lanes included. */
const weft_expr *weft_const_like(weft_ir *, weft_type, int64_t);
const weft_expr *weft_bool_const(weft_ir *, weft_type, bool);
/* True and *v when e is an integer constant, or a broadcast of one. */
bool weft_as_const(const weft_expr *e, int64_t *v);
bool weft_as_float(const weft_expr *e, double *v);

#endif
