/* te/te.h: tensor expressions and schedules as data, for lowering and the default rules.
 *
 * <weft/te.h> is the way to make them.  The shapes of the structures follow TVM's te: operations,
 * stages, leaf axes, relations (Chen et al., "TVM", OSDI 2018, section 4).
 */
#ifndef WEFT_TE_H
#define WEFT_TE_H

#include "ir/ir.h"
#include <weft/te.h>

typedef enum weft_axis_kind { WEFT_AXIS_DATA, WEFT_AXIS_REDUCE } weft_axis_kind;

typedef struct weft_stage weft_stage;

struct weft_axis {
    int id;            /* order of creation in the program */
    weft_stage *stage; /* whose definition or split it is of; NULL until a definition takes it */
    const weft_var *var;
    const weft_expr *extent; /* declared (root axes) or derived (split, fuse); indices start at 0 */
    weft_axis_kind kind;
    weft_bind bind; /* what runs it when it is a leaf: SERIAL, UNROLL, VECTORIZE, THREAD_X ... */
    int unroll;     /* of a serial leaf: as of a loop in ir */
    bool ordered;   /* of a scan: made of the axis that its steps run along */
    bool crossed;   /* of a scan: a step reads other elements than its own along it */
};

typedef enum weft_relation_kind { WEFT_REL_SPLIT, WEFT_REL_FUSE } weft_relation_kind;
typedef struct weft_relation {
    weft_relation_kind kind;
    weft_axis *outer, *inner; /* SPLIT: made; FUSE: taken */
    weft_axis *whole; /* SPLIT: parent = outer * E(inner) + inner; FUSE: made, same formula */
    const weft_expr *factor; /* SPLIT by factor: declared extent of inner; NULL: by parts */
    const weft_expr *parts;  /* SPLIT by parts: declared extent of outer; NULL: by factor */
} weft_relation;

typedef enum weft_op_kind {
    WEFT_OP_INPUT,
    WEFT_OP_COMPUTE,
    WEFT_OP_EXTERN,
    WEFT_OP_STATE /* of a scan that is not defined yet */
} weft_op_kind;

/* What computes one or several tensors: of the same shape, but for EXTERN, which has no axes and no
 * bodies.  When nreduce > 0 every body is the
 * source of a reduction with the same axes, condition and combiner. */
typedef struct weft_te_op {
    weft_op_kind kind;
    const char *name;
    int naxis, nreduce;
    weft_axis **axis;   /* data axes: naxis, their extents are the shape */
    weft_axis **reduce; /* reduce axes */
    int nout;
    weft_tensor **out;
    const weft_expr **body; /* nout values over axis vars, LOADs of tensors' buffers */
    /* The combiner when nreduce > 0: result over lhs and rhs, starting from identity. */
    weft_reducer reducer; /* WEFT_REDUCER_COUNT: a user's tuple reducer */
    const weft_var **lhs, **rhs;
    const weft_expr **result, **identity;
    const weft_expr *cond; /* contributes only where it holds; NULL: everywhere */
    weft_axis *
        scan; /* a recurrence along this data axis, whose bodies read op's own tensors; else NULL */
    const weft_expr **first; /* of a scan: the nout values where that axis is 0 */
    const weft_stmt *stmt;   /* EXTERN: a kernel's body over the buffers of whole tensors */
} weft_te_op;

struct weft_tensor {
    int id;
    weft_te *te;
    const weft_buf *buf; /* multi-dimensional; LOADs in bodies name it.  space: see the stage */
    weft_te_op *op;
    int index; /* which of op->out */
    bool is_output;
    const weft_tensor *packs; /* of bytes: the tensor whose elements they hold; else NULL */
};

typedef enum weft_attach { WEFT_AT_ROOT, WEFT_AT_INLINE, WEFT_AT_AXIS } weft_attach;

struct weft_stage {
    weft_te_op *op;
    WEFT_VEC(weft_axis *) leaf;       /* loop order, outermost first; data and reduce */
    WEFT_VEC(weft_relation) relation; /* parents before children */
    weft_attach attach;
    weft_stage *attach_stage;  /* AT_AXIS: the consumer and one of its leaves (at call time; */
    weft_axis *attach_axis;    /* later splits move it to the inner, fuses to the fused axis) */
    weft_space space;          /* of the outputs' memory */
    bool space_set;            /* said by set_scope or a cache; else derived from the attach path */
    weft_axis *tensor_axis;    /* the loops from this one on are one instruction; NULL: none are */
    const weft_matrix *matrix; /* that of a matrix unit */
    const weft_expr *stored; /* elements that are computed and stored, over data axes; NULL: all */
    int64_t *align_factor, *align_offset; /* per dimension, 0: none; NULL: none at all */
    int stages;                           /* of its memory (weft_buf); 0: as it stands */
    bool zero_fill; /* its memory goes on beyond the tensor's edge, with zeros */
};

/* What stands behind the parameters of a program whose text is read.  Values are constants, or
 * expressions over the symbols of the program that it is read into. */
typedef struct weft_te_given {
    int nvalue; /* symbols that have a value, by name */
    const char *const *name;
    const weft_expr *const *value;
    bool *used;                 /* set for those that the text knows */
    weft_tensor *const *tensor; /* for the inputs, in order; NULL: inputs are made */
    bool part; /* of another program: marks no outputs, and keeps its schedule for later */
} weft_te_given;

typedef struct weft_te_name { /* buf or value is NULL */
    const char *text;
    const weft_buf *buf;
    const weft_expr *value;
} weft_te_name;

/* A program.  Stages are kept producers first; a root stage becomes a kernel. */
struct weft_te {
    weft_ir *ir;
    weft_diag *diag;     /* never NULL */
    weft_diag *own_diag; /* made where the creator gave none; NULL otherwise */
    const char *name;
    WEFT_VEC(const weft_var *) symbol;
    WEFT_VEC(weft_tensor *) tensor; /* all, in order of creation */
    WEFT_VEC(weft_tensor *) input;  /* in order of declaration */
    WEFT_VEC(weft_tensor *) output;
    WEFT_VEC(weft_stage *) stage;        /* one a compute op, topological order, producers first */
    int naxis;                           /* ids given out */
    WEFT_VEC(const weft_te_op *) source; /* definitions as written, before cache_* rewrote them */
    WEFT_VEC(const char *) log;          /* every primitive that was applied, as its line of text */
    WEFT_VEC(weft_tensor *) by_buf; /* the tensor of a buffer, by the buffer's id; may be NULL */
    weft_map *names;                /* what a name stands for: te/names.c */
    int workers; /* cores of a CPU that definitions with loops of their own deal out to; 0: any number
                  * of threads */
    weft_kernel_info info; /* for the kernels' headers; set by the graph's compiler and the rules */
    /* Of a part: what its text calls things, and its schedule, to be applied; NULL: none */
    WEFT_VEC(weft_te_name) scope;
    const char *schedule;
};

/* Reads a text into a program that has no definitions yet.  `source` names it in messages. */
weft_status weft_te_read(weft_te *, const char *source, const char *text, const weft_te_given *);
/* Applies the schedule that came with a part. */
weft_status weft_te_take_schedule(weft_te *, const char *source);

extern const char *const weft_reducer_names[WEFT_REDUCER_COUNT];

/* Outputs of less than a byte an element become outputs of bytes that hold them.  Before the
 * program is scheduled. */
weft_status weft_te_pack_outputs(weft_te *);
/* Which data axes of a sum of products the rows of a matrix product are made of, and which its
 * columns: those of one factor alone.  What both factors use stays an axis of its own. */
typedef struct weft_te_gather {
    int nboth, nrow, ncol;
    const int *both, *row, *col;
    /* One of `row` of which the other factor uses the quotient by `each` alone, a divisor of its
     * extent: the quotient is an axis of both.  -1: none. */
    int divided;
    int64_t each;
    bool swapped; /* the rows' factor is the second one */
} weft_te_gather;
/* Defines the sum anew, before it is scheduled: stages for the factors' elements as matrices,
 * with all reduce axes in one, and for their product, which the sum reads element by element.
 * Indices are i32.  The product; NULL after an error. */
weft_tensor *weft_te_gather_product(weft_te *, weft_stage *sum, const weft_te_gather *);
/* The stage, whose definition no primitive has changed, reads a copy of t instead whose last
 * dimension is t's dimension d.  The copy, a stage before it; NULL after an error. */
weft_tensor *weft_te_turn(weft_te *, weft_stage *, const weft_tensor *t, int d);
/* Whether the stage's definition is as it was written. */
bool weft_te_is_as_written(const weft_te *, const weft_stage *);
/* A program as it was before one stage was defined anew: what has been defined and applied since is
 * taken back as if it had never been.  Other stages that stood then must not have changed. */
typedef struct weft_te_trial {
    weft_stage *stage, was;
    weft_te_op op;
    weft_axis **leaf;
    int nstage, nsource, ntensor, nlog, naxis;
    weft_stage **stages;
    const weft_te_op **source;
    weft_map *names;
} weft_te_trial;
weft_te_trial weft_te_try(weft_te *, weft_stage *);
void weft_te_take_back(weft_te *, const weft_te_trial *);
/* The stage that computes the tensor; NULL for an input. */
weft_stage *weft_te_stage(const weft_te *, const weft_tensor *);
/* The tensor a LOAD names, or NULL. */
weft_tensor *weft_te_tensor_of(const weft_te *, const weft_buf *);
/* All tensors that the op's bodies read but its own, in first-visit order, into `arena`. */
int weft_te_reads(const weft_te *, const weft_te_op *, weft_arena *, weft_tensor ***tensors);
/* Stages that read t, inlined ones included, in stage order. */
int weft_te_readers(const weft_te *, const weft_tensor *t, weft_arena *, weft_stage ***stages);
/* Whether an extern stage reads t: then t is in memory, never inlined. */
bool weft_te_is_kept(const weft_te *, const weft_tensor *t);
/* How messages and text name an axis: "C.i" for an axis of a definition, "by" for a made one. */
const char *weft_axis_label(weft_te *, const weft_axis *);
/* The op as lowering sees it: every LOAD of a tensor whose stage is inlined is replaced by that
 * stage's body, through any number of inlined stages.  The op itself when it reads none, else a
 * copy (same axes, same out).  compute_inline itself changes no op: the program still prints.
 * NULL after an error: inlining may make an expression grow without bound, and is stopped. */
const weft_te_op *weft_te_inlined(weft_te *, const weft_te_op *);
/* The program as the primitives left it (cache stages, rewritten bodies), as te text without a
 * schedule: for a person and for tests.  malloc'ed. */
char *weft_te_print_stages(const weft_te *);

#endif
