/* import/onnx.h: what the files of the ONNX reader share.
 *
 * Operators are imported by the functions of onnx_ops.def, one node at a time: they read attributes
 * and inputs through an onnx_node and make nodes of weft's graph through it.  The first fault of a
 * node makes all later calls for that node do nothing, so that importers need not check every step.
 */
#ifndef WEFT_IMPORT_ONNX_H
#define WEFT_IMPORT_ONNX_H

#include "graph/priv.h"
#include "import/import.h"
#include "import/wire.h"
#include "onnx.pb-c.h"

typedef WeftOnnx__ModelProto onnx_model_proto;
typedef WeftOnnx__GraphProto onnx_graph_proto;
typedef WeftOnnx__NodeProto onnx_node_proto;
typedef WeftOnnx__AttributeProto onnx_attr_proto;
typedef WeftOnnx__TensorProto onnx_tensor_proto;
typedef WeftOnnx__ValueInfoProto onnx_value_proto;

enum { WEFT_ONNX_MIN_OPSET = 1, WEFT_ONNX_MAX_OPSET = 28, WEFT_ONNX_MAX_RANK = 64 };

/* ---- files (file.c) -------------------------------------------------------------------------- */
/* A mapped file and the messages read from it.  Zeroed before; weft_onnx_close after, whatever came
 * of opening. */
typedef struct onnx_file {
    const char *path, *leaf; /* as given; without directories */
    weft_file map;
    weft_arena arena; /* of the messages, and for whoever reads them */
    weft_diag *diag;
} onnx_file;

/* Maps the file and reads it as one message; NULL after an error. */
const ProtobufCMessage *weft_onnx_open(onnx_file *, const char *path, weft_wire_kind, weft_diag *);
/* The same for a model, its top level checked: a graph is there, the opset is one of ours. */
const onnx_model_proto *weft_onnx_open_model(onnx_file *, const char *path, int64_t *opset,
                                             weft_diag *);
/* Frees the messages; unmaps the file unless `keep`. */
void weft_onnx_close(onnx_file *, bool keep);
/* "" for a missing text. */
static inline const char *
weft_onnx_text(const char *s)
{
    return s ? s : "";
}

/* ---- tensors (tensor.c) ---------------------------------------------------------------------- */
/* The dtype of ONNX's number, or WEFT_DTYPE_COUNT; ONNX's name of the number ("STRING"), or NULL.
 */
weft_dtype weft_onnx_dtype(int64_t number);
const char *weft_onnx_dtype_name(int64_t number);
/* ONNX's number of a dtype, and of the name that Cast had in opset 1 (0: none). */
int weft_onnx_dtype_number(weft_dtype);
int weft_onnx_dtype_named(const char *name);

/* Files that constants live in: the owner of a graph. */
typedef struct onnx_mappings {
    weft_file model;
    int n, cap;
    struct onnx_external {
        char *path;
        weft_file map;
    } * at;
} onnx_mappings;
void weft_onnx_release(void *owner); /* unmaps and frees an onnx_mappings */

/* Bytes and dims of a tensor: of the mapping where they stand there as they are, else made in
 * `arena`.  `what` names it in messages ("initializer 'w'").  mappings NULL: external data is
 * refused. */
weft_status weft_onnx_tensor(const onnx_file *, const onnx_tensor_proto *, const char *what,
                             weft_arena *arena, onnx_mappings *, weft_const *);

/* ---- the operator table (ops.c) -------------------------------------------------------------- */
typedef struct onnx_node onnx_node;
typedef struct onnx_op {
    const char *domain, *name; /* "": ONNX's own */
    int since, until;            /* the opsets that have it; until 0: the newest too */
    int min_in, max_in;          /* max_in -1: any number */
    bool lists;                  /* inputs may be sequences and optionals */
    bool random;                 /* no two engines give the same */
    void (*import)(onnx_node *); /* NULL: refused, for the reason `why` */
    int arg;                     /* a weft_op or another choice of the importer */
    const char *why;
} onnx_op;
/* The row for a node; NULL and *why (in the arena) when weft has none. */
const onnx_op *weft_onnx_find_op(const onnx_node_proto *, int64_t opset, weft_arena *,
                                 const char **why);

/* ---- lists ----------------------------------------------------------------------------------- */
/* A sequence, or an optional: known while the model is read, of so many values or lists. */
typedef struct onnx_list onnx_list;
typedef struct onnx_slot { /* what a name of the model stands for */
    weft_value *value;
    const onnx_list *list; /* both NULL: what should have made it failed and has been reported */
} onnx_slot;
struct onnx_list {
    bool optional; /* n is 0 or 1 */
    int n;
    const onnx_slot *at;
};

/* ---- one node (node.c) ----------------------------------------------------------------------- */
struct onnx_node {
    struct onnx_reader *reader;
    weft_graph *graph;
    weft_arena *arena; /* scratch: the graph keeps nothing of it */
    const onnx_node_proto *proto;
    const onnx_op *op;
    const char *name, *kind; /* provenance */
    int64_t version;         /* the model's opset */
    int nin, nout;
    weft_value **in;    /* NULL: absent, or a list */
    weft_value **out;   /* what the importer sets */
    const onnx_list **in_list, **out_list; /* the same; NULL: a value */
    bool *used;         /* attributes that were asked for */
    const char *next;   /* the name of the next value made */
    weft_status status; /* the node's first fault */
};

/* Reports a fault as "file: node 'x' (Kind): sentence"; the first of a node alone. */
void weft_onnx_fail(onnx_node *, weft_status, const char *fmt, ...) WEFT_PRINTF(3, 4);

/* Attributes; a wrong type is a fault of the node.  Those never asked for are refused afterwards.
 */
bool weft_onnx_has_attr(onnx_node *, const char *name);
int64_t weft_onnx_attr_int(onnx_node *, const char *name, int64_t absent);
double weft_onnx_attr_float(onnx_node *, const char *name, double absent);
const char *weft_onnx_attr_text(onnx_node *, const char *name, const char *absent);
/* NULL when absent; never NULL when present, *n may be 0. */
const int64_t *weft_onnx_attr_ints(onnx_node *, const char *name, int *n);
/* `count` integers from `least` to INT32_MAX, or `absent` in each. */
int64_t *weft_onnx_attr_list(onnx_node *, const char *name, int count, int64_t least,
                             int64_t absent);
const double *weft_onnx_attr_floats(onnx_node *, const char *name, int *n);
const char *const *weft_onnx_attr_texts(onnx_node *, const char *name, int *n);
/* True when present and readable; lives in the graph. */
bool weft_onnx_attr_tensor(onnx_node *, const char *name, weft_const *);
/* The dtype of ONNX's number that an attribute gives; a fault where there is none. */
weft_dtype weft_onnx_element(onnx_node *, int64_t number);
/* A graph; NULL when absent. */
const onnx_graph_proto *weft_onnx_attr_graph(onnx_node *, const char *name);
/* Attributes that change nothing here; separated by spaces. */
void weft_onnx_ignore(onnx_node *, const char *names);

/* Input i, or NULL. */
weft_value *weft_onnx_in(const onnx_node *, int i);
/* Input i as it is; nothing when absent.  Output i is `slot`. */
onnx_slot weft_onnx_slot(const onnx_node *, int i);
void weft_onnx_set_slot(onnx_node *, int i, onnx_slot slot);
/* The nodes of a graph of the node's, whose inputs are `in`: out[i] is its output i.  A fault of
 * the node when there are not so many of them, or one of its nodes has one.  `iteration`: which
 * time, of a graph that stands for several; NULL: it stands for one. */
void weft_onnx_body(onnx_node *, const onnx_graph_proto *, const weft_expr *iteration, int nin,
                    const onnx_slot *in, int nout, onnx_slot *out);
/* The elements of input i as expressions; a fault when they are not known.  An absent input gives
 * NULL without a fault. */
const weft_expr *const *weft_onnx_elems(onnx_node *, int i, int *n);
/* The same as integers: every element has to be constant. */
const int64_t *weft_onnx_in_ints(onnx_node *, int i, int *n);
/* v[at] as the size of an axis of output 0: known, or what the run finds, and then at most what the
 * model or an option declares of that output.  NULL after a fault. */
const weft_expr *weft_onnx_size_at(onnx_node *, weft_value *v, int64_t at, int axis);
/* The same of every element of input i, the sizes of axes 0, 1, .. */
const weft_expr **weft_onnx_sizes(onnx_node *, int i, int *n);
/* Input i as one constant number; false when absent or faulty. */
bool weft_onnx_in_number(onnx_node *, int i, double *v);
/* An axis from -rank .. rank-1 (or rank, when `end`) to 0 ..; a fault when outside. */
int weft_onnx_axis(onnx_node *, int64_t axis, int rank, bool end);
/* Attribute `name` or, when NULL or absent, input i as normalised axes; NULL when both are absent.
 */
int64_t *weft_onnx_axes(onnx_node *, const char *name, int i, int rank, int *n);
/* The size of a dimension that has to be constant. */
int64_t weft_onnx_size(onnx_node *, const weft_value *, int axis);

/* The next value made is output i and has its name. */
void weft_onnx_last(onnx_node *, int i);
/* What the graph made: NULL is a fault of the node, with what the graph said. */
weft_value *weft_onnx_made(onnx_node *, weft_value *);
const weft_expr *weft_onnx_made_dim(onnx_node *, const weft_expr *);
/* Nodes of weft's graph; NULL in, NULL out. */
weft_value *weft_onnx_emit(onnx_node *, weft_op, int nin, weft_value *const *in, int nattr,
                           const weft_attr *);
weft_value *weft_onnx_unary(onnx_node *, weft_op, weft_value *);
weft_value *weft_onnx_binary(onnx_node *, weft_op, weft_value *, weft_value *);
weft_value *weft_onnx_where(onnx_node *, weft_value *cond, weft_value *a, weft_value *b);
weft_value *weft_onnx_cast(onnx_node *, weft_value *,
                           weft_dtype); /* itself when it has that dtype */
weft_value *weft_onnx_reshape(onnx_node *, weft_value *, int ndim, const weft_expr *const *dim);
weft_value *weft_onnx_transpose(onnx_node *, weft_value *, const int64_t *axes);
weft_value *weft_onnx_broadcast(onnx_node *, weft_value *, int ndim, const weft_expr *const *dim);
weft_value *weft_onnx_reduce(onnx_node *, weft_op, weft_value *, int naxes, const int64_t *axes,
                             bool keep);
/* Element from start on, step 1, along one axis. */
weft_value *weft_onnx_slice(onnx_node *, weft_value *, int axis, const weft_expr *start,
                            const weft_expr *dim);
/* v, of one dimension, along axis `at` of `rank` dimensions that are 1 otherwise. */
weft_value *weft_onnx_along(onnx_node *, weft_value *v, int at, int rank);
weft_value *weft_onnx_full(onnx_node *, weft_dtype, int ndim, const weft_expr *const *dim,
                           double value);
/* The first `count[0]` entries along an axis of a tensor that has room for all there can be: a
 * result whose size is known when the model runs.  Several results of one count share the symbol:
 * weft_graph_read once, then weft_onnx_slice from 0. */
weft_value *weft_onnx_counted(onnx_node *, weft_value *, int axis, weft_value *count);
/* Integers start + i * step for i below dim. */
weft_value *weft_onnx_arange(onnx_node *, weft_dtype, const weft_expr *start, int64_t step,
                             const weft_expr *dim);
/* A constant of rank 0. */
weft_value *weft_onnx_scalar(onnx_node *, weft_dtype, double);
/* Zeroed bytes for a constant, to be filled before weft_onnx_constant_of(c); NULL after a fault. */
void *weft_onnx_new_constant(onnx_node *, weft_dtype, int ndim, const int64_t *dim, weft_const *c);
weft_value *weft_onnx_constant_of(onnx_node *, const weft_const *);

#endif
