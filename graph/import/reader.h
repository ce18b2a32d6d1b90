/* import/reader.h: a model while it becomes a graph (onnx.c, inputs.c, node.c). */
#ifndef WEFT_IMPORT_READER_H
#define WEFT_IMPORT_READER_H

#include "import/onnx.h"

typedef struct onnx_names { /* of a graph of the model */
    weft_map *map;          /* index into slot */
    struct onnx_names *outer; /* of the graph around it; NULL */
    const onnx_graph_proto *proto;
    weft_map *declared; /* what the graph says of values by name: an index; NULL before it is asked */
} onnx_names;

typedef struct onnx_reader {
    onnx_file file;
    const onnx_model_proto *model;
    const onnx_graph_proto *proto;
    int64_t opset;
    weft_graph *graph; /* its diag is private until the import is done */
    onnx_mappings *mappings;
    const weft_import_options *options;
    onnx_names *names; /* of the graph that is being read */
    WEFT_VEC(onnx_slot) slot;
    WEFT_VEC(const weft_expr *) iteration; /* of the graphs around, outermost first, that repeat */
    weft_map *bound;    /* symbols that --shape gave a value: the value */
    weft_map *told;     /* addresses of nodes whose fault was told and of graphs that were read */
    weft_map *unsure;   /* names of values that rest on what a refused node should have made */
    WEFT_VEC(weft_value *) wanted; /* what refused nodes read */
    weft_status status; /* the first fault of all */
} onnx_reader;

/* Reports "file: sentence" and remembers the status. */
void weft_reader_fail(onnx_reader *, weft_status, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* Passes on the private messages of the graph, each with the file before it. */
weft_status weft_reader_tell(onnx_reader *);
/* Gives a name of the graph its value; a name that has one is a fault. */
void weft_reader_define(onnx_reader *, const char *name, onnx_slot);
/* Whether the graph or one around it has the name so far. */
bool weft_reader_find(const onnx_reader *, const char *name, onnx_slot *);
/* The nodes of a graph, in order; initializers before. */
void weft_reader_nodes(onnx_reader *, const onnx_graph_proto *);

/* The size that the model declares of an axis of a value; false where it says none. */
bool weft_reader_declared(onnx_reader *, const char *name, int axis, int64_t *size);
/* An input of the graph in place of a value that should have been made, of the type that the model
 * declares; NULL where it does not declare all of it. */
weft_value *weft_reader_stand_in(onnx_reader *, const char *name);

/* ---- refused nodes (refused.c) --------------------------------------------------------------- */
/* The node, its row found; a fault where there is none. */
onnx_node weft_reader_node(onnx_reader *, const onnx_node_proto *);
/* Whether a fault of the node is told: once, and not where it may come of a value that is not known
 * because another node was refused. */
bool weft_reader_tells(const onnx_node *);
/* The node is given up: its outputs are what stands in for them. */
void weft_reader_give_up(onnx_node *);
/* What refused nodes read becomes outputs; nodes that nothing needs then go. */
void weft_reader_keep_rest(onnx_reader *);

/* The file of the te program that the user named for the node's operator;
 * NULL: none (op_user.c). */
const char *weft_reader_user_op(onnx_reader *, const onnx_node_proto *);
/* The node as outputs of that program. */
void weft_reader_import_user(onnx_node *, const char *path);
/* The nodes, each after what makes its inputs (order.c). */
const onnx_node_proto *const *weft_reader_order(onnx_reader *, const onnx_graph_proto *);
/* Initializers become constants, the other inputs inputs (inputs.c). */
void weft_reader_inputs(onnx_reader *);
void weft_reader_initializers(onnx_reader *, const onnx_graph_proto *);

#endif
