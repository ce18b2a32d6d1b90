/* import/ops.h: the importers, one a group of operators; onnx_ops.def says which is whose. */
#ifndef WEFT_IMPORT_OPS_H
#define WEFT_IMPORT_OPS_H

#include "import/onnx.h"

#define ONNX(name, since, until, least, most, importer, arg)                                       \
    void weft_onnx_import_##importer(onnx_node *);
#define REFUSED(name, reason)
#include "import/onnx_ops.def"
#undef ONNX
#undef REFUSED

/* The steps of a recurrence along a dimension that has to be constant and short enough to be
 * unrolled; 0 after a fault (op_rnn.c). */
int64_t weft_onnx_steps(onnx_node *, const weft_value *, int axis);
/* Conv's and MatMul's meaning of a node's attributes (the window's) and these operands.  `last`: the
 * result is output 0. */
weft_value *weft_onnx_conv(onnx_node *, weft_value *x, weft_value *weight, weft_value *bias,
                           bool last);
weft_value *weft_onnx_matmul(onnx_node *, weft_value *a, weft_value *b, bool last);
/* x as it has to be for a cast to t that ends as ONNX wants it: floats of 8 bits take their greatest
 * value for what is greater, where they saturate. */
weft_value *weft_onnx_before_cast(onnx_node *, weft_value *x, weft_dtype t, bool saturate);

/* Output i is `v`: the value made last, under weft_onnx_last(n, i), or one that was there. */
static inline void
weft_onnx_set(onnx_node *n, int i, weft_value *v)
{
    if (i < n->nout)
        n->out[i] = v;
}

#endif
