/* backends/clike.h: one walker for the C-like languages; a dialect is data.
 *
 * Kernels reach it legal for their target (backends' caps), so that it never asks which language it
 * prints.  Where strings do not suffice a dialect has two hooks, and a prelude for functions.
 *
 * Templates:  %0 %1 %2  an argument, to stand in brackets or between commas
 *             %t the type's name   %s its scalar's name   %n its lanes, nothing for a scalar
 *             %b a buffer's name   %i an index   %a the qualifier of a buffer's space
 */
#ifndef WEFT_CLIKE_H
#define WEFT_CLIKE_H

#include "backends/backend.h"
#include "backends/layout.h"
#include "backends/idents.h"

typedef struct weft_clike weft_clike;

/* How a language says matrix statements.  Templates:
 *             %d the fragment that is written or held   %a %b %c what is multiplied and added
 *             %p a pointer to the first element in memory   %s the stride   %v a value
 *             %e the type of an element   %m %n %k the intrinsic's sizes
 *             %l the layout's word   %t whether it is by columns */
typedef struct weft_matrix_words {
    const char *type[WEFT_MATRIX_ROLES];
    const char *layout[2]; /* by rows, by columns */
    const char *rounded;   /* type of an element that is rounded when it is loaded */
    const char *fill, *load, *load_sum, *store, *mma;
    const char *round; /* the statement behind such a load */
} weft_matrix_words;

typedef struct weft_dialect {
    /* the kernel */
    const char *reserved;       /* words no name may be */
    void (*open)(weft_clike *); /* prelude and everything up to the body's "{" */
    /* types */
    const char *type[WEFT_DTYPE_COUNT];   /* of a scalar; NULL: not to be had */
    const char *vector[WEFT_DTYPE_COUNT]; /* stem of vector types where it differs */
    const char *space[WEFT_SPACE_COUNT];  /* qualifier of a pointer's target, blank included */
    const char *array[WEFT_SPACE_COUNT];  /* qualifier of an array's declaration */
    /* values */
    const char *suffix[WEFT_DTYPE_COUNT]; /* of literals; a '%0' makes it a template */
    const char *inf[WEFT_DTYPE_COUNT], *nan[WEFT_DTYPE_COUNT]; /* of floats computed with */
    const char *cast, *vector_cast;     /* "(%t)" stands before, vector_cast is a template */
    const char *bitcast, *make, *splat; /* "as_%t(%0)", "make_%t(" up to the lanes, "(%t)(%0)" */
    const char *lane, *lanes;           /* ".s", "0123...": how a lane is named */
    bool mask;                          /* vector comparisons give integers, all bits set */
    const char *vector_call;            /* wraps an intrinsic of vectors; NULL: overloaded */
    const char *choose;                 /* vector condition: template of cond, then, else */
    const char *half_load, *half_store; /* where f16 is held but not computed with */
    /* memory */
    const char *load, *store; /* dense vectors; store's %0 is the value */
    const char *element;      /* a scalar of an array of vectors at any index, or NULL */
    const char *part;         /* vector %i of fewer lanes that such an array is made of, %0 being "&" where
                                 it has one element; or NULL */
    const char
        *align; /* how an array is declared on a multiple of so many bytes; NULL: it is not */
    const char *grown; /* before shared memory whose bytes the launch says, being more than a
                          declaration may have; NULL: there is none */
    const char
        *overlay[2]; /* around the number of bytes that the array of a block's overlay is declared
                               on a multiple of; NULL: shared arrays lie apart */
    const char *bool_in_memory;     /* type of a bool in a parameter or array */
    const char *const (*atomic)[2]; /* by kind; [0] 32 bits, [1] 64 */
    /* statements */
    const char *index[WEFT_BIND_COUNT];
    const char *barrier[4]; /* by WEFT_FENCE bits */
    /* functions: f32 (and f16 where overloaded), f64, integers */
    const char *call[WEFT_IN_COUNT], *call64[WEFT_IN_COUNT];
    bool narrow_calls;               /* call[] takes f32 alone: f16 goes through it */
    const weft_matrix_words *matrix; /* NULL: none */
    /* Asynchronous stores: the function of destination, source, bytes and how many of them are
     * zeros instead; the call that ends a group, and the function that waits until so many are
     * left.  NULL: none */
    const char *async_copy, *async_commit, *async_wait;
    const char *prefetch; /* the function of an address; NULL: none */
    const char *stream;   /* the function of a vector's type, an address and a value; NULL: none */
    const char *min[3], *max[3]; /* of integers, f32, f64; NULL: legalise spells them */
    const char *iabs[2];         /* ABS of integers up to 32 bits, of 64 */
} weft_dialect;

/* State of one print. */
struct weft_clike {
    const weft_dialect *d;
    const weft_kernel *kernel;
    const weft_target *target;
    weft_numerics numerics;
    weft_diag *diag;
    weft_status status; /* the first failure; printing goes on to the end */
    weft_str *out;
    weft_arena arena;
    weft_idents names;
    const char **var, **buf; /* identifiers by id */
    const uint8_t *layout;   /* weft_vector_layout of local arrays */
    bool *by_vector;         /* by buffer id: loaded or stored by vectors too */
    WEFT_VEC(const weft_buf *) shared;
    const char *overlay;                  /* the array of bytes that some of them lie in */
    bool grown;                           /* all of them, and the launch says how many */
    int64_t *place;                       /* by buffer id, of those that lie there */
    WEFT_VEC(const weft_buf *) waiting;   /* variables to be declared */
    bool uses[WEFT_DTYPE_COUNT];          /* dtypes of any value, parameter or array */
    uint32_t vectors[WEFT_DTYPE_COUNT];   /* bit n: there are vectors of n lanes */
    uint32_t operators[WEFT_DTYPE_COUNT]; /* ... that arithmetic is done with */
    uint32_t functions;                   /* ... that are made, converted or passed to functions */
    bool matrix;                          /* there are matrix statements */
    bool async;                           /* there are asynchronous stores */
    bool prefetches, streams;             /* there are prefetches, stores past the caches */
    bool atomic64, subgroup;              /* what extensions hang on */
    int depth;
};

weft_status weft_clike_print(const weft_dialect *, weft_str *, const weft_kernel *,
                             const weft_target *, weft_numerics, weft_diag *);

/* Words that no C-like dialect gives to a name: C's own and the IR's functions. */
#define WEFT_C_WORDS                                                                               \
    "auto bool break case char const continue default do double else enum extern false float for " \
    "goto half if inline int kernel long register restrict return short signed sizeof static "     \
    "struct switch true typedef uchar uint ulong union unsigned ushort void volatile while "       \
    "abs acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh erf exp exp2 expm1 fabs "   \
    "floor fma fmax fmin fmod isinf isnan log log1p log2 main max min pow rint rsqrt select sin "  \
    "sinh sqrt tan tanh trunc INFINITY NAN NULL "

/* What follows from the table alone: functions that have a spelling, types that have a name.
 * Integers of fewer than 32 bits are held, not computed with. */
void weft_clike_caps(const weft_dialect *, weft_caps *);

/* ---- for hooks ---------------------------------------------------------------------------- */
/* "float4"; bool vectors are the masks of the dialect. */
const char *weft_clike_type(weft_clike *, weft_type);
/* The type of parameter i's elements in memory. */
const char *weft_clike_element(weft_clike *, const weft_buf *);
/* Prints "head(param, param)\n{\n", one parameter a line where they do not fit one line. */
void weft_clike_signature(weft_clike *, const char *head, int n, const char *const *param);
/* True and the threads of a block, when constant. */
bool weft_clike_block(const weft_kernel *, int64_t block[3]);

/* ---- between clike*.c ------------------------------------------------------------------------ */
/* C's precedences; a template's arguments stand at 0 */
enum {
    CLIKE_CHOICE = 5,
    CLIKE_OR = 10,
    CLIKE_AND = 20,
    CLIKE_BOR = 30,
    CLIKE_BXOR = 40,
    CLIKE_BAND = 50,
    CLIKE_EQ = 60,
    CLIKE_LT = 70,
    CLIKE_SHIFT = 80,
    CLIKE_ADD = 90,
    CLIKE_MUL = 100,
    CLIKE_UNARY = 110,
    CLIKE_POSTFIX = 120
};
/* Prints e, bracketed if it binds less than prec. */
void weft_clike_expr(weft_clike *, const weft_expr *e, int prec);
/* The part of it that makes and takes apart vectors: IMM, LOAD, RAMP, BCAST, LANE, VEC. */
void weft_clike_vector(weft_clike *, const weft_expr *e, int prec);
/* Lane i of a vector, as an expression. */
const weft_expr *weft_clike_lane_of(weft_clike *, const weft_expr *, int lane);
/* Prints a bool vector as a mask of integers of `bits` (dialects with .mask). */
void weft_clike_mask(weft_clike *, const weft_expr *e, int bits, int prec);
/* Prints a template over arguments; `type` gives %t, %s and %n. */
typedef struct weft_clike_fill {
    weft_type type;
    const weft_buf *buf;
    const weft_expr *index, *arg[3];
    const char *name[3]; /* instead of arg, where it is a name already */
} weft_clike_fill;
void weft_clike_template(weft_clike *, const char *text, const weft_clike_fill *);
/* An f16 that lives in a f32 between load and store. */
bool weft_clike_half_as_float(const weft_clike *, weft_dtype);
/* The element of an access: "A[i]", "acc", "acc[2].s3". */
void weft_clike_place(weft_clike *, const weft_buf *, const weft_expr *index, int lanes);
/* Whether a dense vector of the buffer is one access: an array kept in registers is
 * not addressed. */
bool weft_clike_dense(const weft_clike *, const weft_buf *);
/* Matrix statements and the arrays they are about (clike_matrix.c). */
void weft_clike_matrix(weft_clike *, const weft_stmt *);
void weft_clike_fragments(weft_clike *, const weft_buf *);
/* Records that the kernel is not legal for the target. */
void weft_clike_fail(weft_clike *, const char *what, const char *detail);

#endif
