/* tests/graph/support_onnx.h: small ONNX models, written as bytes by the test itself. */
#ifndef WEFT_TEST_GRAPH_ONNX_H
#define WEFT_TEST_GRAPH_ONNX_H

#include "import/import.h"
#include "support.h"

/* Protobuf's wire format. */
void put_varint(weft_str *, uint64_t);
void put_int(weft_str *, int field, int64_t);
void put_bytes(weft_str *, int field, const void *, size_t);
void put_text(weft_str *, int field, const char *);
void put_message(weft_str *, int field, weft_str *child); /* takes the child over */

enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_F16 = 10,
    ONNX_DOUBLE = 11
};

/* A model that grows; the fields of its graph are in `graph`. */
typedef struct model {
    weft_str graph;
    int64_t ir, opset;
} model;
model model_make(int64_t opset);
/* An input or output; dims as "1,n,?,3", NULL: no shape at all. */
void model_input(model *, const char *name, int type, const char *dims);
void model_output(model *, const char *name); /* of no type */
void model_output_of(model *, const char *name, int type, const char *dims);
/* The type of a value inside. */
void model_declare(model *, const char *name, int type, const char *dims);
/* Inputs and outputs separated by spaces ("_": absent); attributes as
 * "axis=1 alpha=0.5 pads=[1,1] scales=[0.5,2.0] mode='edge'". */
void model_node(model *, const char *op, const char *in, const char *out, const char *attrs);
/* The same of an operator of another domain. */
void model_node_of(model *, const char *domain, const char *op, const char *in, const char *out,
                   const char *attrs);
/* The same with graphs of its own, as attributes; each is taken over. */
void model_node_graphs(model *, const char *op, const char *in, const char *out, const char *attrs,
                       int n, const char *const *name, model *graph);
/* The same with a tensor attribute `name`, given as a serialised TensorProto that is taken over. */
void model_node_tensor(model *, const char *op, const char *in, const char *out, const char *name,
                       weft_str *tensor);
/* A model of one node that makes y, over x of the type and dims; model_one: of f32. */
model model_over(int64_t opset, int type, const char *dims, const char *op, const char *in,
                 const char *attrs);
model model_one(int64_t opset, const char *dims, const char *op, const char *in,
                const char *attrs);
/* Initializers: floats 0, 1, 2 ...; a list of integers. */
void model_floats(model *, const char *name, const char *dims);
void model_ints(model *, const char *name, const char *dims, const char *values);
/* A TensorProto without data. */
weft_str tensor_head(const char *name, int type, const char *dims);
/* The whole as bytes; the model is empty afterwards. */
weft_str model_bytes(model *);

/* Files in the current directory that are the test's own; the path goes to `path`. */
enum { PATH_SIZE = 64 };
void write_model(model *, char path[PATH_SIZE]);
void write_bytes(const void *, size_t, char path[PATH_SIZE]);
/* Imports and expects the lines of the graph between its braces, without "from". */
void check_nodes(model *, const weft_import_options *, const char *lines);
/* Expects the status and a message with every part (separated by '|') in it. */
void check_refused(model *, const weft_import_options *, weft_status, const char *parts);
/* Imports; fails the test when that fails. */
weft_graph *import(model *, const weft_import_options *);

#endif
