/* import/reader.h: a model while it becomes a graph (onnx.c, inputs.c, node.c). */
#ifndef WEFT_IMPORT_READER_H
#define WEFT_IMPORT_READER_H

#include "import/onnx.h"

typedef struct onnx_names { /* of a graph of the model */
    weft_map *map;          /* index into slot */
    struct onnx_names *outer; /* of the graph around it; NULL */
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

/* The size that the model declares of an axis of one of its outputs; false where it says none. */
bool weft_reader_declared(const onnx_reader *, const char *output, int axis, int64_t *size);

/* The file of the te program that the user named for the node's operator; NULL: none (op_user.c). */
const char *weft_reader_user_op(onnx_reader *, const onnx_node_proto *);
/* The node as outputs of that program. */
void weft_reader_import_user(onnx_node *, const char *path);
/* The nodes, each after what makes its inputs (order.c). */
const onnx_node_proto *const *weft_reader_order(onnx_reader *, const onnx_graph_proto *);
/* Initializers become constants, the other inputs inputs (inputs.c). */
void weft_reader_inputs(onnx_reader *);
void weft_reader_initializers(onnx_reader *, const onnx_graph_proto *);

#endif
