/* import/ops.h: the importers, one a group of operators; onnx_ops.def says which is whose. */
#ifndef WEFT_IMPORT_OPS_H
#define WEFT_IMPORT_OPS_H

#include "import/onnx.h"

#define ONNX(name, since, until, least, most, importer, arg) void onnx_import_##importer(onnx_node *);
#define REFUSED(name, reason)
#include "import/onnx_ops.def"
#undef ONNX
#undef REFUSED

/* ---- shared by importers (op_shape.c) -------------------------------------------------------- */
/* out[0] is `v`, which has to be the last value made under onnx_last(n, 0), or another's value. */
static inline void onnx_set(onnx_node *n, int i, weft_value *v)
{
    if (i < n->nout)
        n->out[i] = v;
}

#endif
