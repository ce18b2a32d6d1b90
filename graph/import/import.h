/* graph/import/import.h: reading models into graphs; one reader a format. */
#ifndef WEFT_IMPORT_H
#define WEFT_IMPORT_H

#include "graph/graph.h"

typedef struct weft_import_options {
    int ndim; /* --dim SYMBOL=N; value -1: keep symbolic */
    const char *const *dim_name;
    const int64_t *dim_value;
    /* --shape INPUT=1x3x224x224; INPUT.0=.. of a sequence's or an optional's tensors; OUTPUT=.. the
     * most that a result may be whose size the run finds, as is --dim of its symbol */
    int nshape;
    const char *const *shape_name;
    const char *const *shape; /* the text after '=' */
    /* Inputs whose value is fixed now (it decides a shape): name and data. */
    int nfixed;
    const char *const *fixed_name;
    const weft_const *fixed;
    /* Inputs at hand, -i NAME=FILE: name and dims.  A symbol of which no option above says a size has
     * theirs; one that --dim keeps does not. */
    int ngiven;
    const char *const *given_name;
    const weft_const *given;
    bool keep_symbols; /* all of them, whatever the inputs at hand show */
    int nop; /* --op DOMAIN.OP=FILE.te: a user's operators */
    const char *const *op_name;
    const char *const *op_file;
    const int64_t *seed; /* --seed N, 0 to INT32_MAX: random numbers are those of it; NULL: refused */
    /* Of a model with faults, which are reported all the same, the graph of the rest: what refused
     * nodes make is inputs of it where the model declares its type, what they read is outputs. */
    bool partial;
} weft_import_options;

/* Reads an ONNX model (by content, not by name): mapped, constants not copied, external data
 * resolved beside the file and nowhere else.  Every unsupported or malformed thing is an error that
 * names file, node, operator and reason; all of them are reported, not only the first.  NULL after
 * errors.  Constants keep the alignment they have in the file: none. */
weft_graph *weft_import_onnx(const char *path, const weft_import_options *, weft_diag *);
/* Whether the file starts like an ONNX model. */
bool weft_is_onnx(const void *data, size_t size);
/* A TensorProto file (.pb): *c lives in the arena. */
weft_status weft_read_tensor_pb(const char *path, weft_arena *, weft_const *c, const char **name,
                                weft_diag *);
/* The tensors of a file that holds a sequence or an optional, in order. */
weft_status weft_read_list_pb(const char *path, weft_arena *, int *n, weft_const **, weft_diag *);
weft_status weft_write_tensor_pb(const char *path, const char *name, const weft_const *,
                                 weft_diag *);

/* What a model holds and needs: for `weft inspect`. */
typedef struct weft_model_op { /* a distinct operator */
    const char *domain, *name;
    int64_t count;
    bool supported;
    const char *reason; /* why not */
} weft_model_op;

typedef struct weft_model_side { /* an input or output */
    const char *name;
    weft_dtype dtype; /* WEFT_DTYPE_COUNT and rank -1 where the model does not say */
    int ndim;
    const char *const *dim;
    bool list;    /* a sequence or an optional */
    bool refused; /* of a type that the model says and weft does not have */
    bool random;  /* of an output: made of random numbers, which differ from engine to engine */
} weft_model_side;

typedef struct weft_model_summary {
    const char *format;        /* "ONNX", "graph text" */
    int64_t ir_version, opset; /* of ONNX; 0 elsewhere */
    const char *producer;
    int nop; /* in the order of their first use */
    weft_model_op *op;
    int nin, nout;
    weft_model_side *in, *out;
    int64_t parameters, parameter_bytes;
} weft_model_summary;
weft_status weft_inspect_onnx(const char *path, weft_arena *, weft_model_summary *, weft_diag *);

#endif
