/* import/reader.h: a model while it becomes a graph (onnx.c, inputs.c, node.c). */
#ifndef WEFT_IMPORT_READER_H
#define WEFT_IMPORT_READER_H

#include "import/onnx.h"

typedef struct onnx_slot { /* a name of the model */
    weft_value *value;     /* NULL: what should have made it failed and has been reported */
} onnx_slot;

typedef struct onnx_reader {
    onnx_file file;
    const onnx_model_proto *model;
    const onnx_graph_proto *proto;
    int64_t opset;
    weft_graph *graph; /* its diag is private until the import is done */
    onnx_mappings *mappings;
    const weft_import_options *options;
    weft_map *name; /* of the model's values: index into slot */
    WEFT_VEC(onnx_slot) slot;
    weft_map *bound;    /* symbols that --shape gave a value: the value */
    weft_status status; /* the first fault of all */
} onnx_reader;

/* Reports "file: sentence" and remembers the status. */
void weft_reader_fail(onnx_reader *, weft_status, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* Passes on the private messages of the graph, each with the file before it. */
weft_status weft_reader_tell(onnx_reader *);
/* Gives a name its value; a name that has one is a fault. */
void weft_reader_define(onnx_reader *, const char *name, weft_value *);
/* Whether the model has the name so far. */
bool weft_reader_find(const onnx_reader *, const char *name, weft_value **);

/* The size that the model declares of an axis of one of its outputs; false where it says none. */
bool weft_reader_declared(const onnx_reader *, const char *output, int axis, int64_t *size);

/* The file of the te program that the user named for the node's operator; NULL: none (op_user.c). */
const char *weft_reader_user_op(onnx_reader *, const onnx_node_proto *);
/* The node as outputs of that program. */
void weft_reader_import_user(onnx_node *, const char *path);
/* The nodes, each after what makes its inputs (order.c). */
const onnx_node_proto *const *weft_reader_order(onnx_reader *);
/* Initializers become constants, the other inputs inputs (inputs.c). */
void weft_reader_inputs(onnx_reader *);

#endif
