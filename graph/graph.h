/* graph/graph.h: a model as typed SSA of tensor operators.
 *
 * Values have a dtype and dims that are integer expressions (constants or symbols) from the first
 * day.  Nodes stand in topological order.  Passes change a graph in place; nothing is freed before
 * the graph is.  One thread at a time.
 *
 * Control flow is scopes of one flat list: every node is in one, the nodes of a scope and of those
 * in it stand together, and a node reads what is made in its own scope or one around it.  What
 * comes out of a scope, or goes from one iteration to the next, does so through nodes of its own
 * (ops.def: carry, yield, stack, result, merge).
 */
#ifndef WEFT_GRAPH_H
#define WEFT_GRAPH_H

#include "ir/ir.h"
#include "te/te.h"

typedef enum weft_op {
#define OP(kind, ...) WEFT_GOP_##kind,
#include "graph/ops.def"
#undef OP
    WEFT_GOP_COUNT
} weft_op;

/* ORDER: fusion compares them */
typedef enum weft_pattern {
    WEFT_PAT_CONST,
    WEFT_PAT_ELEMWISE,    /* out[i] from in[i] */
    WEFT_PAT_BROADCAST,   /* out[i] from in[some of i] */
    WEFT_PAT_ALIAS,       /* the same bytes under another shape; injective when fused */
    WEFT_PAT_PARTS,       /* of a group: concatenations whose inputs lie in the result's memory */
    WEFT_PAT_INJECTIVE,   /* out[i] from in[f(i)] */
    WEFT_PAT_REDUCTION,   /* a sink of what comes before; cheap elementwise after it */
    WEFT_PAT_CONTRACTION, /* elementwise after it fuses; anchors a group */
    WEFT_PAT_ROWWISE,     /* reductions and what joins them over the same rows */
    WEFT_PAT_OPAQUE
} weft_pattern;

/* What becomes of an operator when a tensor that it reads has its channels in blocks,
 * [N, C/L, spatial.., L] (the pass layout). */
typedef enum weft_layout {
    WEFT_LAYOUT_PLAIN, /* reads [N, C, spatial..] alone */
    WEFT_LAYOUT_SAME,  /* element by element */
    WEFT_LAYOUT_JOIN,  /* along an axis, in whole blocks */
    WEFT_LAYOUT_CUT,   /* reduces spatial axes */
    WEFT_LAYOUT_POOL,  /* windows over spatial axes */
    WEFT_LAYOUT_CONV   /* gains from it */
} weft_layout;

typedef struct weft_graph weft_graph;
typedef struct weft_value weft_value;
typedef struct weft_node weft_node;

/* Bytes of a constant: mapped from the model file or owned by the graph's arena. */
typedef struct weft_const {
    weft_dtype dtype;
    int ndim;
    const int64_t *dim;
    const void *data; /* row-major, little-endian, packed types packed */
    size_t size;      /* bytes */
    bool mapped;      /* in a file's mapping: its pages may be let go and come back */
} weft_const;

struct weft_value {
    int id;
    const char *name; /* the model's name, or one made from it; unique in the graph */
    weft_dtype dtype;
    int ndim; /* -1: not known yet */
    const weft_expr *const *dim;
    weft_node *node;        /* what makes it; NULL: an input of the graph or a constant */
    int index;              /* which output of node */
    const weft_const *data; /* of a constant; NULL otherwise */
    /* Elements known as i64 expressions, row-major: small integer and bool tensors (shape
     * arithmetic), so that shapes computed from shapes stay symbolic; of float tensors f64
     * constants alone.  NULL: not known. */
    const weft_expr *const *elem;
    int64_t nelem;
};

typedef enum weft_attr_kind {
    WEFT_ATTR_INTS,
    WEFT_ATTR_FLOATS,
    WEFT_ATTR_TEXT,
    WEFT_ATTR_DIMS,
    WEFT_ATTR_DTYPE
} weft_attr_kind;
typedef struct weft_attr {
    const char *name;
    weft_attr_kind kind;
    bool list; /* printed in brackets, even of one element */
    int n;
    const int64_t *ints;          /* INTS; a bool is 0 or 1 */
    const double *floats;         /* FLOATS */
    const char *text;             /* TEXT */
    const weft_expr *const *dims; /* DIMS */
    weft_dtype dtype;             /* DTYPE */
} weft_attr;

typedef enum weft_scope_kind { WEFT_SCOPE_GRAPH, WEFT_SCOPE_IF, WEFT_SCOPE_LOOP } weft_scope_kind;
typedef struct weft_scope {
    weft_scope_kind kind;
    int parent;             /* the scope that it is in; -1: the graph itself, which is scope 0 */
    const weft_expr *bound; /* IF: its nodes run where this is not 0; LOOP: so many times at most */
    const weft_expr *test;  /* LOOP: no more after an iteration that left this 0; NULL: all */
    const weft_var *symbol; /* LOOP: the iteration, from 0 */
    const weft_var *count;  /* LOOP with a test: how many iterations there were; NULL */
} weft_scope;

struct weft_node {
    int id;
    int scope;
    weft_op op;
    const char *name; /* provenance: the model's node name, "conv1"; several joined by " + " */
    const char *kind; /* provenance: the model's operator, "Conv" */
    int nin, nout;
    weft_value **in; /* NULL: absent optional input */
    weft_value **out;
    int nattr;
    const weft_attr *attr;
    int group; /* after fusion: index into graph->group; -1 */
};

/* Nodes that become one te program. */
typedef struct weft_group {
    weft_pattern pattern; /* of its anchor */
    int nnode, nin, nout;
    weft_node **node;       /* topological order */
    weft_value **in, **out; /* crossing in (constants included) and out, each once */
} weft_group;

struct weft_graph {
    weft_ir *ir; /* of dims; owns everything through its arena */
    weft_diag *diag;
    const char *name;
    const char *model; /* file name without directories */
    WEFT_VEC(const weft_var *) symbol;
    WEFT_VEC(weft_value *) value;
    WEFT_VEC(weft_node *) node; /* topological order */
    WEFT_VEC(weft_value *) input;
    WEFT_VEC(weft_value *) output;
    /* one an output: the model's name, whatever passes put there */
    WEFT_VEC(const char *) output_name;
    WEFT_VEC(weft_group *) group; /* empty before fusion; topological order */
    WEFT_VEC(weft_scope) scope;   /* 0 is the graph */
    int workers;                  /* the options' of the passes, for programs of groups */
    int within;                   /* the scope of nodes that are added */
    void *owner;                  /* private: mappings that constants live in */
    void (*release)(void *owner);
};

/* ---- the operator table (ops.c) -------------------------------------------------------------- */
/* What a te definition is given and makes: in[i] is NULL for an absent input. */
typedef struct weft_op_info {
    const char *name, *text;
    int min_in, max_in;
    const char *attrs; /* "axis:i axes:I? ...", as ops.def explains */
    weft_pattern pattern;
    weft_layout layout;
    weft_status (*infer)(weft_graph *, weft_node *);
    weft_status (*te)(weft_te *, const weft_graph *, const weft_node *, weft_tensor *const *in,
                      weft_tensor **out);
} weft_op_info;
extern const weft_op_info weft_op_infos[WEFT_GOP_COUNT];
const char *weft_pattern_name(weft_pattern); /* "const", "elementwise", ... "opaque" */

/* ---- building (graph.c) ---------------------------------------------------------------------- */
weft_graph *weft_graph_create(const char *name, weft_diag *);
void weft_graph_destroy(weft_graph *);
/* The symbol of that name, made if new (i64). */
const weft_expr *weft_graph_symbol(weft_graph *, const char *name);
weft_value *weft_graph_input(weft_graph *, const char *name, weft_dtype, int ndim,
                             const weft_expr *const *dim);
/* A constant over bytes that outlive the graph (or were copied into its arena). */
weft_value *weft_graph_constant(weft_graph *, const char *name, const weft_const *);
/* A small i64 constant of rank 1 (or 0 when n is -1). */
weft_value *weft_graph_ints(weft_graph *, const char *name, int n, const int64_t *);
/* The same of expressions over the graph's symbols, as a model's Shape yields them: weft_graph_ints
 * where all are constant, else a node `dims`. */
weft_value *weft_graph_dims(weft_graph *, const char *name, int n, const weft_expr *const *);
/* Appends a node with one output, infers it at once and returns the output; NULL after an error
 * that names the node.  `name` and `kind` are provenance; out_name NULL makes one. */
weft_value *weft_graph_add(weft_graph *, weft_op, const char *name, const char *kind,
                           const char *out_name, int nin, weft_value *const *in, int nattr,
                           const weft_attr *attr);
weft_status weft_graph_output(weft_graph *, weft_value *);
weft_attr weft_attr_int(const char *name, const int64_t *one);
weft_attr weft_attr_ints(const char *name, int n, const int64_t *);
weft_attr weft_attr_float(const char *name, const double *one);
weft_attr weft_attr_text(const char *name, const char *);
weft_attr weft_attr_dims(const char *name, int n, const weft_expr *const *);
weft_attr weft_attr_dtype(const char *name, weft_dtype);
/* The attribute, or NULL; its first integer, float. */
const weft_attr *weft_node_attr(const weft_node *, const char *name);
int64_t weft_node_int(const weft_node *, const char *name);
double weft_node_float(const weft_node *, const char *name);
/* Element i of a list of expressions; NULL when there is none. */
const weft_expr *weft_node_dim(const weft_node *, const char *name, int i);
/* i64 arithmetic over dims, simplified; constants fold.  NULL gives NULL, and what grows beyond a
 * bound becomes NULL: not known. */
const weft_expr *weft_dim(weft_graph *, int64_t);
const weft_expr *weft_dim_op(weft_graph *, weft_ek, const weft_expr *, const weft_expr *);
/* A size that the run finds: element `at` of an integer tensor, a new symbol.  The run fails where
 * it is not from 0 to `most`, for which memory is laid out; tensors over the symbol come after
 * this.  `name` and `kind` are provenance and give the symbol its name.  A known element needs no
 * reading: it is what comes back.  NULL after an error.
 *
 * So are results of unknown size made: by nodes that fill a tensor of the largest size and count,
 * and a slice of the count (an importer's: weft_onnx_counted). */
const weft_expr *weft_graph_read(weft_graph *, const char *name, const char *kind, weft_value *,
                                 int64_t at, const weft_expr *most);
/* Whether the node is for the plan alone, and no kernel is made of it. */
bool weft_node_flows(const weft_node *);
/* Opens a scope for the nodes that are added next. */
void weft_graph_if(weft_graph *, const weft_expr *test);
/* The same for a loop; what comes back is the iteration.  `name` gives the symbol its name. */
const weft_expr *weft_graph_loop(weft_graph *, const char *name, const weft_expr *bound);
/* The loop that is open ends after an iteration that leaves `test` 0; gives the number of
 * iterations, for nodes after it. */
const weft_expr *weft_graph_until(weft_graph *, const char *name, const weft_expr *test);
void weft_graph_leave(weft_graph *); /* closes the scope opened last */
/* Whether scope `inner` is `outer` or in it. */
bool weft_scope_within(const weft_graph *, int inner, int outer);
/* Product of the dims; false when it is not constant. */
bool weft_value_count(const weft_value *, int64_t *n);

/* ---- text ------------------------------------------------------------------------------------ */
/* graph f(x: f32[1, 3, 224, 224]) -> (y) { ... }; constants print as `constant` with dtype, dims
 * and either their elements (small ones) or a content hash (weights(...)). */
void weft_print_graph(weft_str *, const weft_graph *);
enum { WEFT_TEXT_ELEMENTS = 16 }; /* constants of so many elements at most print them */
/* NULL after an error with place and caret.  A constant given by hash alone becomes zeros. */
weft_graph *weft_parse_graph(const char *source, const char *text, weft_diag *);
/* The content hash that a constant's text gave in place of its bytes; NULL: none did. */
const char *weft_graph_hash(const weft_graph *, const weft_const *);

/* A dim as graph text spells it: "n + 1". */
void weft_print_dim(weft_str *, const weft_expr *);

/* ---- passes ---------------------------------------------------------------------------------- */
/* Evaluates a node whose inputs are all constants: given by the compiler (te through the
 * interpreter). */
typedef weft_status (*weft_evaluate)(void *user, weft_graph *, const weft_node *, weft_const *out,
                                     weft_diag *);

typedef struct weft_graph_options {
    weft_evaluate evaluate; /* NULL: no constant folding beyond known elements */
    void *user;
    int64_t fold_max_bytes; /* of a folded result at most; 0: 1 MiB beyond its inputs */
    /* of the target; constants beyond are split (split-large); 0: no limit */
    int64_t max_range, max_alloc;
    int max_buffers; /* kernel arguments of the target; fusion stays below; 0: 31 */
    int pack_lanes;  /* weights of contractions re-laid for so many output channels; 0: no */
    int block_lanes; /* channels of convolutions' tensors in blocks of so many; 0: no */
    bool float_sums; /* products of small integers in f32 where that is exact, */
    bool half_products; /* and their factors in f16, which units multiply with sums in f32 */
    bool flat_places; /* spatial dimensions of convolutions of single elements as one */
    /* attention in one kernel: shared memory that a block may take, 0: no attention; operations
     * that the target does while it moves a byte */
    int64_t attention_bytes;
    int attention_lanes; /* attention in vectors of so many keys, where attention_bytes is 0; 0: no */
    int attention_registers; /* for such vectors */
    double flops_a_byte;
    int workers; /* cores of a CPU that takes vectors; 0: another target */
    bool no_fuse;
    int64_t part_align; /* concatenations in place, of parts that begin at multiples of it; 0: no */
} weft_graph_options;
typedef struct weft_graph_pass {
    const char *name; /* "fold-constants", ...: file, command line, dump and test say this */
    weft_status (*run)(weft_graph *, const weft_graph_options *, bool *changed);
} weft_graph_pass;
extern const weft_graph_pass weft_graph_passes[];
extern const int weft_graph_pass_count;
/* The whole table (NULL), or the comma-separated passes. */
weft_status weft_run_graph_passes(weft_graph *, const char *names, const weft_graph_options *);
/* Types, arities, order, uniqueness of names; `when` as "after fuse". */
weft_status weft_graph_verify(const weft_graph *, const char *when);

/* Whether kernels compute the group's results: not what is for the plan alone, nor what lies in the
 * memory of its inputs or they in its own. */
bool weft_group_computes(const weft_group *);

/* ---- a group as a te program (group_te.c) ---------------------------------------------------- */
/* The group's program: inputs in the order of group->in, outputs in the order of group->out,
 * operands named by their roles so that equal layers have equal programs; the program's name is the
 * model's; info.layers, model, output, flops and bytes filled.  NULL after an error. */
weft_te *weft_group_te(const weft_graph *, const weft_group *, weft_diag *);
/* A dim of the graph as an i32 expression of the program; NULL after an error when a constant does
 * not fit.  The graph's symbols are the program's, found by name or declared. */
const weft_expr *weft_group_dim(weft_te *, const weft_graph *, const weft_expr *);
/* The same as an operand of index arithmetic: i32 where it is such a constant, else i64. */
const weft_expr *weft_group_factor(weft_te *, const weft_expr *);

#endif
