/* Importers of operators that go along an axis in an order: running sums, sorting. */
#include "import/ops.h"

/* Input i as the constant axis of x. */
static int64_t
axis_input(onnx_node *n, int i, const weft_value *x)
{
    int count;
    const int64_t *axis = weft_onnx_in_ints(n, i, &count);
    if (axis && count != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the axis has to be one integer, not %d", count);
    return n->status == WEFT_OK ? weft_onnx_axis(n, axis[0], x->ndim, false) : 0;
}

void
weft_onnx_import_cumulative(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t axis = axis_input(n, 1, x);
    weft_attr attr[] = {
        weft_attr_int("axis", &axis),
        weft_attr_int("exclusive", &(int64_t){ weft_onnx_attr_int(n, "exclusive", 0) != 0 }),
        weft_attr_int("reverse", &(int64_t){ weft_onnx_attr_int(n, "reverse", 0) != 0 }),
    };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, (weft_op)n->op->arg, 1, &x, 3, attr));
}
