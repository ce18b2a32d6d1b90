/* ir/ir.h: expressions, statements and kernels at the levels loops, flat and device.
 *
 * doc/IR.md says what they mean; this header says what they are.
 */
#ifndef WEFT_IR_H
#define WEFT_IR_H

#include "base/base.h"
#include "base/target.h"
#include <weft/expr.h>

/* ---- types ----------------------------------------------------------------------------------- */

typedef struct weft_type {
    uint8_t dtype; /* weft_dtype */
    uint8_t lanes; /* 1: a scalar */
} weft_type;
static inline weft_type
weft_scalar(weft_dtype t)
{
    return (weft_type){ (uint8_t)t, 1 };
}
static inline bool
weft_same_type(weft_type a, weft_type b)
{
    return a.dtype == b.dtype && a.lanes == b.lanes;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

typedef enum weft_ek {
#define EXPR(kind, ...) WEFT_EK_##kind,
#include "ir/expr.def"
#undef EXPR
    WEFT_EK_COUNT
} weft_ek;

typedef enum weft_form {
    WEFT_FORM_INFIX,
    WEFT_FORM_PREFIX,
    WEFT_FORM_FUNC,
    WEFT_FORM_OWN
} weft_form;

typedef struct weft_expr_info {
    const char *name, *text; /* "ADD", "+" */
    int8_t prec, nargs;
    bool commutes, idempotent, yields_bool;
    uint8_t form; /* weft_form */
} weft_expr_info;
extern const weft_expr_info weft_expr_infos[WEFT_EK_COUNT];

typedef enum weft_intrin {
#define INTRIN(kind, ...) WEFT_IN_##kind,
#include "ir/intrin.def"
#undef INTRIN
    WEFT_IN_COUNT
} weft_intrin;

typedef enum weft_iclass { WEFT_IC_FLOAT, WEFT_IC_TEST, WEFT_IC_ANY, WEFT_IC_LANES } weft_iclass;
typedef struct weft_intrin_info {
    const char *text;
    uint8_t nargs, cls; /* cls: weft_iclass */
    bool effect;
} weft_intrin_info;
extern const weft_intrin_info weft_intrin_infos[WEFT_IN_COUNT];

/* ---- variables and buffers ------------------------------------------------------------------- */

/* A loop index, a let, a scalar parameter or a symbol.  Unique objects: two variables may share a
 * name, the printers make names unique. */
struct weft_var {
    uint32_t id;
    const char *name;
    weft_type type;
};

/* ORDER: rank for bounds inference, outermost first */
typedef enum weft_space {
    WEFT_GLOBAL,
    WEFT_CONSTANT,
    WEFT_SHARED,
    WEFT_LOCAL,
    WEFT_FRAGMENT,
    WEFT_SPACE_COUNT
} weft_space;
const char *weft_space_name(weft_space); /* "global", ... */

/* ---- matrix units (matrix.c, matrix.def) ----------------------------------------------------- */

/* What one instruction of a matrix unit multiplies; a row of ir/matrix.def. */
typedef struct weft_matrix {
    weft_api api;
    const char *name;
    int m, n, k;
    weft_dtype factor, sum; /* as memory holds them */
    int least;              /* oldest architecture or language; 0: the target says whether it has it */
    bool round10;           /* factors lose all but 10 bits of fraction when they are loaded */
    int align, lead; /* bytes that the first element in memory, and a stride, are multiples of */
} weft_matrix;
enum { WEFT_MATRIX_LANES = 32 }; /* threads that hold a matrix together */
int weft_matrix_count(void);
const weft_matrix *weft_matrix_at(int i);
/* The row of that name, or NULL. */
const weft_matrix *weft_matrix_named(const char *name, size_t n);
/* Whether the target computes it: the interpreter does every one. */
bool weft_target_multiplies(const weft_target *, const weft_matrix *);
/* The intrinsic itself where the target has it, else one of the target's that multiplies the same;
 * the intrinsic where there is none. */
const weft_matrix *weft_matrix_on(const weft_target *, const weft_matrix *);

typedef enum weft_matrix_role {
    WEFT_MATRIX_A,
    WEFT_MATRIX_B,
    WEFT_MATRIX_SUM,
    WEFT_MATRIX_ROLES
} weft_matrix_role;
const char *weft_matrix_role_name(weft_matrix_role); /* "a", "b", "sum" */
/* What an element of a buffer in fragment space is. */
typedef struct weft_fragment {
    const weft_matrix *matrix;
    weft_matrix_role role;
    bool columns; /* in memory the elements of a column lie side by side; else those of a row */
} weft_fragment;
int weft_fragment_rows(weft_fragment);
int weft_fragment_cols(weft_fragment);
/* The dtype that its elements have in memory. */
weft_dtype weft_fragment_dtype(weft_fragment);

/* Memory with a shape.  At the levels te and loops it has ndim dimensions; from flat on exactly
 * one.  Elements are scalars; a vector is loaded with a RAMP index.  In fragment space they are
 * whole matrices, which matrix statements alone touch. */
struct weft_buf {
    uint32_t id;
    const char *name;
    weft_dtype dtype;
    weft_space space;
    int ndim;
    const weft_expr *const *shape;  /* ndim extents, integers */
    const weft_expr *const *stride; /* NULL: dense, row-major; else ndim strides in elements */
    int64_t align;                  /* known alignment of element 0 in bytes; 0: its dtype's */
    weft_fragment frag;             /* of fragment space; matrix NULL elsewhere */
    int stages; /* of memory that a loop fills and reads: how many iterations' content is to be kept,
                   so that one is filled while another is read (double_buffer); 0: as it stands */
    int64_t place, room; /* of shared memory: the bytes of the block's overlay that are its own, from
                            `place` on; room 0: it lies apart from all others */
};
enum { WEFT_MAX_STAGES = 8 };
enum { WEFT_PLACE_ALIGN = 16 }; /* bytes that places are multiples of: those of the widest vector */

/* Whether a store to one may change what the other holds. */
static inline bool
weft_buf_meets(const weft_buf *a, const weft_buf *b)
{
    return a == b || (a->room && b->room && a->place < b->place + b->room &&
                      b->place < a->place + a->room);
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* What an expression is, but for its arguments. */
typedef struct weft_head {
    uint8_t kind; /* weft_ek */
    weft_type type;
    bool pure;  /* set at birth: same value wherever it stands, no LOAD and no effect below */
    bool index; /* set at birth: made of i32, i64 and bool constants and variables alone, scalar:
                   does not overflow */
    uint16_t nargs;
    union {
        int64_t i;           /* IMM of an integer type or bool; LANE's number */
        double f;            /* IMM of a float type, representable in it */
        const weft_var *var; /* VAR */
        const weft_buf *buf; /* LOAD */
        weft_intrin intrin;  /* CALL */
    } u;
} weft_head;

/* Never changes once made; the same expression is never made twice in a context, so a == b is
 * structural equality.  It is syntax, not a value: whoever merges or moves one asks for .pure.
 * It is a DAG: a walk without a memo may take exponential time. */
struct weft_expr {
    weft_head h;
    uint32_t id; /* order of creation from 0: the only legal sort key, and a side array's index */
    uint32_t hash;
    weft_expr *next; /* hash chain; private to weft_expr_make */
    const weft_expr *arg[];
};

/* A context: arena, interning table, ids, diagnostics.  One a group being lowered. */
struct weft_ir {
    weft_arena arena;
    weft_diag *diag; /* not owned; where builders report; may be NULL */
    weft_expr **table;
    uint32_t ntable, nexpr;
    uint32_t nvar, nbuf; /* ids given out */
};

weft_ir *weft_ir_create(weft_diag *);
void weft_ir_destroy(weft_ir *); /* all that was made in it dies */

/* Interns, no more: no type check, no folding.  head.pure, .index and .nargs are computed here from
 * `n` and the arguments.  NULL in, NULL out. */
const weft_expr *weft_expr_make(weft_ir *, weft_head, int n, const weft_expr *const *args);
/* The same node over other arguments. */
const weft_expr *weft_expr_with(weft_ir *, const weft_expr *, const weft_expr *const *args);
/* Type-checked makers beside those of <weft/expr.h>. */
const weft_expr *weft_binary(weft_ir *, weft_ek, const weft_expr *, const weft_expr *);
const weft_expr *weft_unary(weft_ir *, weft_ek, const weft_expr *);
const weft_expr *weft_intrinsic(weft_ir *, weft_intrin, int n, const weft_expr *const *args);
const weft_expr *weft_cast_to(weft_ir *, weft_type, const weft_expr *);
const weft_expr *weft_bitcast(weft_ir *, weft_type, const weft_expr *);
const weft_expr *weft_ramp(weft_ir *, const weft_expr *base, const weft_expr *stride, int lanes);
const weft_expr *weft_bcast(weft_ir *, const weft_expr *, int lanes); /* itself when lanes is 1 */
const weft_expr *weft_lane(weft_ir *, const weft_expr *vector, int lane);
const weft_expr *weft_vec(weft_ir *, int n, const weft_expr *const *lanes);
/* The constant `v` of a type, lanes included; v is rounded (floats) or wrapped (integers). */
const weft_expr *weft_imm(weft_ir *, weft_type, double v);
/* The least and the greatest value of a type: -inf and inf for floats. */
const weft_expr *weft_lowest(weft_ir *, weft_type);
const weft_expr *weft_highest(weft_ir *, weft_type);

const weft_var *weft_var_make(weft_ir *, const char *name, weft_type);
const weft_buf *weft_buf_make(weft_ir *, const char *name, weft_dtype, weft_space, int ndim,
                              const weft_expr *const *shape);

static inline bool
weft_is_imm(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_IMM;
}
/* True and *v when e is an integer or bool constant. */
static inline bool
weft_as_int(const weft_expr *e, int64_t *v)
{
    if (!e || e->h.kind != WEFT_EK_IMM || weft_is_float((weft_dtype)e->h.type.dtype))
        return false;
    *v = e->h.u.i;
    return true;
}
static inline bool
weft_is_int_imm(const weft_expr *e, int64_t v)
{
    int64_t i;
    return weft_as_int(e, &i) && i == v;
}
/* a op b for + - * // % min max without a wrap: false where the result is no int64, the divisor is
 * 0 or the operator is another. */
bool weft_fold_i64(weft_ek op, int64_t a, int64_t b, int64_t *r);

/* ---- statements ------------------------------------------------------------------------------ */

/* what runs a loop; ORDER: weft_bind_name */
typedef enum weft_bind {
    WEFT_SERIAL,
    WEFT_PARALLEL,  /* iterations in any order, none depends on another */
    WEFT_UNROLL,    /* constant extent: becomes copies of the body */
    WEFT_VECTORIZE, /* constant extent: becomes lanes */
    WEFT_BLOCK_X,
    WEFT_BLOCK_Y,
    WEFT_BLOCK_Z,
    WEFT_THREAD_X,
    WEFT_THREAD_Y,
    WEFT_THREAD_Z,
    WEFT_VTHREAD,
    WEFT_BIND_COUNT
} weft_bind;
const char *weft_bind_name(weft_bind); /* "serial" ... "block.x" ... "thread.z", "vthread" */
static inline bool
weft_is_block(weft_bind b)
{
    return b >= WEFT_BLOCK_X && b <= WEFT_BLOCK_Z;
}
static inline bool
weft_is_thread(weft_bind b)
{
    return b >= WEFT_THREAD_X && b <= WEFT_THREAD_Z;
}

typedef enum weft_sk {
    WEFT_SK_SEQ,       /* u.seq      */
    WEFT_SK_FOR,       /* u.loop     index from 0 */
    WEFT_SK_WHILE,     /* u.loop.extent is the bool condition, u.loop.body; var NULL */
    WEFT_SK_IF,        /* u.iff      els may be NULL */
    WEFT_SK_LET,       /* u.let      a name for a value in the body */
    WEFT_SK_STORE,     /* u.store    a vector value needs a RAMP (or vector) index, last one */
    WEFT_SK_ATOMIC,    /* u.atomic   integer read-modify-write */
    WEFT_SK_ALLOC,     /* u.alloc    buf lives in the body; contents undefined at first */
    WEFT_SK_BARRIER,   /* u.barrier  of all threads of a block */
    WEFT_SK_EVAL,      /* u.eval     a call for its effect */
    WEFT_SK_PREFETCH,  /* u.prefetch a hint: that place will be accessed; it may lie anywhere */
    WEFT_SK_ASYNC,     /* u.async    a group of asynchronous stores ends, or is waited for */
    WEFT_SK_MATRIX,    /* u.matrix   of matrices that a subgroup holds: all its threads arrive */
    WEFT_SK_ALLREDUCE, /* u.all    names values combined over threads in the body; gone after
                          reduce-threads */
    WEFT_SK_COUNT
} weft_sk;

/* what a barrier orders */
enum { WEFT_FENCE_SHARED = 1, WEFT_FENCE_GLOBAL = 2 };

/* A commutative combination of n-tuples: result[i] over the variables lhs and rhs alone. */
typedef struct weft_combiner {
    int n;
    const weft_var *const *lhs, *const *rhs;
    const weft_expr *const *result, *const *identity;
} weft_combiner;

/* ORDER: weft_matrix_op_name.  Its places: what is written first, then what is read. */
typedef enum weft_matrix_op {
    WEFT_MATRIX_FILL,  /* d = value everywhere */
    WEFT_MATRIX_LOAD,  /* d = memory */
    WEFT_MATRIX_STORE, /* memory = s */
    WEFT_MATRIX_MMA,   /* d = a * b + c */
    WEFT_MATRIX_OPS
} weft_matrix_op;
const char *weft_matrix_op_name(weft_matrix_op); /* "fill", "load", "store", "mma" */
int weft_matrix_op_places(weft_matrix_op);       /* 1, 2, 2, 4 */
typedef struct weft_spot {
    const weft_buf *buf;
    int n;
    const weft_expr *const *index;
} weft_spot;
enum { WEFT_MATRIX_PLACES = 4 };

typedef struct weft_stmt weft_stmt;
struct weft_stmt {
    weft_sk kind;
    union {
        struct {
            int n;
            const weft_stmt *const *at;
        } seq;
        struct {
            const weft_var *var;
            weft_bind bind;
            const weft_expr *extent;
            const weft_stmt *body;
            int unroll; /* of a serial loop: iterations that the language's compiler is asked to
                           write out at a time, 1: none; 0: it is not asked */
        } loop;
        struct {
            const weft_expr *cond;
            const weft_stmt *then, *els;
        } iff;
        struct {
            const weft_var *var;
            const weft_expr *value;
            const weft_stmt *body;
        } let;
        struct {
            const weft_buf *buf;
            int n;
            const weft_expr *const *index;
            const weft_expr *value;
            bool async; /* of global memory to shared: it arrives at a wait; before, the place
                           holds nothing */
            bool stream; /* a hint: to global memory, past the caches; the vector is aligned */
        } store;
        struct {
            weft_ek op; /* ADD MIN MAX BAND BOR BXOR */
            const weft_buf *buf;
            const weft_expr *index, *value;
        } atomic;
        struct {
            const weft_buf *buf;
            const weft_stmt *body;
        } alloc;
        struct {
            int fence;
        } barrier;
        struct {
            const weft_expr *call;
        } eval;
        struct {
            const weft_buf *buf;
            const weft_expr *index;
        } prefetch;
        struct {
            int left; /* the thread waits until at most so many of its groups are under way;
                         WEFT_ASYNC_COMMIT: the stores since the last one are a group */
        } async;
        /* A place in a fragment buffer is a matrix; one in memory its first element. */
        struct {
            weft_matrix_op op;
            weft_spot place[WEFT_MATRIX_PLACES];
            const weft_expr *value;  /* FILL: a scalar; else NULL */
            const weft_expr *stride; /* LOAD, STORE: elements of memory from one row (column, where
                                        the fragment goes by columns) to the next; else NULL */
        } matrix;
        /* Every thread of a block arrives with with->n values; in the body var[i] is their
         * combination over the threads that differ only in `axes`, bits 1u << WEFT_THREAD_X ... */
        struct {
            const weft_combiner *with;
            unsigned axes;
            const weft_var *const *var;
            const weft_expr *const *value;
            const weft_stmt *body;
        } all;
    } u;
};

/* Makers copy their arrays.  NULL in, NULL out.  weft_seq flattens nested sequences, drops
 * NULL-free empties and returns the statement itself when n is 1. */
const weft_stmt *weft_stmt_make(weft_ir *, weft_stmt);
const weft_stmt *weft_seq(weft_ir *, int n, const weft_stmt *const *at);
const weft_stmt *weft_seq2(weft_ir *, const weft_stmt *, const weft_stmt *);
const weft_stmt *weft_nop(weft_ir *); /* a sequence of none */
const weft_stmt *weft_for(weft_ir *, const weft_var *, weft_bind, const weft_expr *extent,
                          const weft_stmt *body);
/* `loop` with another extent and body. */
const weft_stmt *weft_for_like(weft_ir *, const weft_stmt *loop, const weft_expr *extent,
                               const weft_stmt *body);
const weft_stmt *weft_if(weft_ir *, const weft_expr *cond, const weft_stmt *then,
                         const weft_stmt *els);
const weft_stmt *weft_let(weft_ir *, const weft_var *, const weft_expr *value,
                          const weft_stmt *body);
const weft_stmt *weft_store(weft_ir *, const weft_buf *, int n, const weft_expr *const *index,
                            const weft_expr *value);
const weft_stmt *weft_alloc(weft_ir *, const weft_buf *, const weft_stmt *body);
const weft_stmt *weft_barrier(weft_ir *, int fence);
const weft_stmt *weft_prefetch(weft_ir *, const weft_buf *, const weft_expr *index);
enum { WEFT_ASYNC_COMMIT = -1 };
const weft_stmt *weft_async(weft_ir *, int left);
/* What an asynchronous store copies, and the condition under which it does, else zeros; NULL where
 * the value is not such. */
const weft_expr *weft_async_source(const weft_expr *value, const weft_expr **cond);
/* As many places as the op has; their index arrays are copied. */
const weft_stmt *weft_matrix_stmt(weft_ir *, weft_matrix_op, const weft_spot *,
                                  const weft_expr *value, const weft_expr *stride);
/* The same statement over other places. */
const weft_stmt *weft_matrix_with(weft_ir *, const weft_stmt *, const weft_spot *);
/* The place in memory of a LOAD or STORE, and its fragment; NULL where there is no memory. */
static inline const weft_spot *
weft_matrix_memory(const weft_stmt *s)
{
    return s->u.matrix.op == WEFT_MATRIX_LOAD    ? &s->u.matrix.place[1]
           : s->u.matrix.op == WEFT_MATRIX_STORE ? &s->u.matrix.place[0]
                                                 : NULL;
}
static inline const weft_spot *
weft_matrix_held(const weft_stmt *s)
{
    return &s->u.matrix.place[s->u.matrix.op == WEFT_MATRIX_STORE];
}
/* `with` is kept, var and value are copied: with->n of each. */
const weft_stmt *weft_allreduce(weft_ir *, const weft_combiner *with, unsigned axes,
                                const weft_var *const *var, const weft_expr *const *value,
                                const weft_stmt *body);

/* ---- kernels --------------------------------------------------------------------------------- */

typedef enum weft_level {
    WEFT_LEVEL_LOOPS,
    WEFT_LEVEL_FLAT,
    WEFT_LEVEL_DEVICE,
    WEFT_LEVEL_COUNT
} weft_level;
const char *weft_level_name(weft_level);

/* What the header comment of a printed kernel says (DESIGN section 7); every field may be empty. */
typedef struct weft_kernel_info {
    const char *layers;   /* "conv1 (Conv) + relu1 (Relu)", all that share the kernel */
    const char *model;    /* "resnet50.onnx" */
    const char *output;   /* "out f32[1,64,112,112]" */
    const char *schedule; /* "contraction/gpu: tile 64x8x8, ..." */
    double flops, bytes_read, bytes_written; /* of one launch; negative: not known */
} weft_kernel_info;

typedef enum weft_access { WEFT_READ = 1, WEFT_WRITE = 2, WEFT_READ_WRITE = 3 } weft_access;

typedef struct weft_kernel {
    weft_ir *ir;
    const char *name;
    weft_level level;
    int nparam; /* global buffers, in binding order */
    const weft_buf *const *param;
    const weft_access *access; /* one a parameter */
    bool no_alias;             /* parameters do not overlap: may be printed `restrict` */
    int nscalar;               /* integer scalar parameters (symbols), after the buffers */
    const weft_var *const *scalar;
    const weft_stmt *body;
    /* From the level device on, over the scalars; 1 where nothing is bound. */
    const weft_expr *grid[3], *block[3];
    int64_t shared_bytes;
    int subgroup; /* required subgroup size, 0: any */
    weft_kernel_info info;
} weft_kernel;

/* ---- rewriting (rewrite.c) ------------------------------------------------------------------- */

/* A pair of callbacks; a NULL one means "children only".  A callback decides when its children are
 * rewritten by calling weft_rewrite_args or weft_rewrite_children itself.  Results are the same
 * pointer when nothing changed.  Expressions are memoised by id; a rewriter whose answer depends on
 * where the expression stands calls weft_rewrite_forget when that changes. */
typedef struct weft_rewriter weft_rewriter;
struct weft_rewriter {
    weft_ir *ir;
    const weft_expr *(*expr)(weft_rewriter *, const weft_expr *);
    const weft_stmt *(*stmt)(weft_rewriter *, const weft_stmt *);
    void *user;
    weft_arena scratch; /* private: the memo */
    const weft_expr **memo;
    uint32_t nmemo, nused;
};
const weft_expr *weft_rewrite_expr(weft_rewriter *, const weft_expr *);
const weft_stmt *weft_rewrite_stmt(weft_rewriter *, const weft_stmt *);
const weft_expr *weft_rewrite_args(weft_rewriter *, const weft_expr *);
const weft_stmt *weft_rewrite_children(weft_rewriter *, const weft_stmt *);
void weft_rewrite_forget(weft_rewriter *);
void weft_rewrite_done(weft_rewriter *); /* frees the memo */

/* Variables replaced by expressions: n pairs. */
const weft_expr *weft_subst_expr(weft_ir *, const weft_expr *, int n, const weft_var *const *,
                                 const weft_expr *const *);
const weft_stmt *weft_subst_stmt(weft_ir *, const weft_stmt *, int n, const weft_var *const *,
                                 const weft_expr *const *);

/* Visits every statement and, through them, every distinct expression once; either may be NULL.
 * Neither walks nor rewriters look into the shapes of buffers.
 * A callback that returns false prunes what is below. */
typedef struct weft_walker {
    bool (*expr)(void *user, const weft_expr *);
    bool (*stmt)(void *user, const weft_stmt *);
    void *user;
} weft_walker;
void weft_walk_expr(const weft_walker *, const weft_expr *);
void weft_walk_stmt(const weft_walker *, const weft_stmt *);
/* Whether the kernel reads elements of a parameter that it stores to by other indices than those of
 * its stores (exchange.c): threads may hand values over there, as in shared memory. */
bool weft_exchanges(const weft_kernel *, int param);
/* Whether the variable occurs. */
bool weft_uses_var(const weft_expr *, const weft_var *);

/* ---- copying between contexts (clone.c) ------------------------------------------------------ */
/* Copies everything that `e` or the kernel needs into `to`.  `map` keeps variables and buffers that
 * were copied before identical; create it zeroed, it lives in `to`. */
typedef struct weft_clone_map weft_clone_map;
weft_clone_map *weft_clone_map_create(weft_ir *to);
const weft_expr *weft_clone_expr(weft_clone_map *, const weft_expr *);
const weft_var *weft_clone_var(weft_clone_map *, const weft_var *);
const weft_buf *weft_clone_buf(weft_clone_map *, const weft_buf *);
weft_kernel *weft_clone_kernel(weft_clone_map *, const weft_kernel *);

/* ---- text (print.c, parse.c) ----------------------------------------------------------------- */
/* The language of doc/IR.md.  weft_parse_kernels(print(k)) prints the same text. */
void weft_print_kernel(weft_str *, const weft_kernel *);
void weft_print_expr(weft_str *, const weft_expr *);
void weft_print_stmt(weft_str *, const weft_stmt *, int indent);
/* Reads one or more kernels.  Errors are reported with place and caret.  `source` names the text in
 * messages.  Nesting and sizes are bounded. */
weft_status weft_parse_kernels(weft_ir *, const char *source, const char *text, int *n,
                               weft_kernel *const **kernels);
/* Reads an expression over the given variables and buffers: for tests and for te text. */
const weft_expr *weft_parse_expr(weft_ir *, const char *source, const char *text, int nvar,
                                 const weft_var *const *, int nbuf, const weft_buf *const *);

/* ---- verifying (verify.c) -------------------------------------------------------------------- */
/* Checks a kernel against its level: scopes, types, index counts, what may stand where.  Reports
 * every fault with the IR printed around it; `when` as "after flatten". */
weft_status weft_verify(const weft_kernel *, const char *when, weft_diag *);

/* ---- simplifying (simplify.c and its parts) -------------------------------------------------- */
/* Facts about variables: 0 <= var < extent and such.  A scope is pushed around a use and popped
 * after. */
typedef struct weft_facts weft_facts;
weft_facts *weft_facts_create(weft_ir *);
void weft_facts_destroy(weft_facts *);
int weft_facts_mark(const weft_facts *);
void weft_facts_pop(weft_facts *, int mark);
/* min <= var <= max; either may be NULL (unbounded); expressions over variables already
 * in scope. */
void weft_facts_range(weft_facts *, const weft_var *, const weft_expr *min, const weft_expr *max);
/* var is in 0 .. extent-1. */
void weft_facts_extent(weft_facts *, const weft_var *, const weft_expr *extent);
/* cond holds. */
void weft_facts_assume(weft_facts *, const weft_expr *cond);

/* The simplest equal expression that the rules find; never one that evaluates a load or a guard's
 * arm that `e` would not.  facts may be NULL. */
const weft_expr *weft_simplify_expr(weft_ir *, weft_facts *, const weft_expr *);
/* Conditions decided, unit loops substituted, dead branches dropped, lets of constants inlined. */
const weft_stmt *weft_simplify_stmt(weft_ir *, weft_facts *, const weft_stmt *);
/* Whether cond is proven to hold (false: not proven). */
bool weft_prove(weft_ir *, weft_facts *, const weft_expr *cond);
/* Constant bounds of an integer expression; false and INT64_MIN/MAX where there are none. */
bool weft_bounds(weft_ir *, weft_facts *, const weft_expr *, int64_t *min, int64_t *max);
/* e == coeff * k + base for some integer k: the largest coeff known (0: constant base; 1: nothing
 * known). */
void weft_modular(weft_ir *, weft_facts *, const weft_expr *, int64_t *coeff, int64_t *base);
/* e as stride*var + rest with `rest` free of var: false if it is not affine in var. */
bool weft_affine_in(weft_ir *, const weft_expr *e, const weft_var *var, const weft_expr **stride,
                    const weft_expr **rest);
/* The least and greatest value of e while each of the n variables runs from lo to hi (inclusive):
 * expressions free of those variables, NULL where none is found. */
typedef struct weft_interval {
    const weft_expr *lo, *hi;
} weft_interval;
weft_interval weft_eval_interval(weft_ir *, weft_facts *, const weft_expr *e, int n,
                                 const weft_var *const *, const weft_interval *);

#endif
