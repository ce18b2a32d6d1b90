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

/* k is an attribute before operator set 10, then an input, whose value may be made of symbols. */
static const weft_expr *
count_of(onnx_node *n)
{
    int count;
    if (n->version < 10) {
        if (!weft_onnx_has_attr(n, "k"))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'k' is missing");
        return weft_dim(n->graph, weft_onnx_attr_int(n, "k", 0));
    }
    const weft_expr *const *k = weft_onnx_elems(n, 1, &count);
    if (n->status == WEFT_OK && (!k || count != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "k has to be one integer");
    return n->status == WEFT_OK ? k[0] : NULL;
}

/* The order is that of the sorted elements, whether that is asked for or not. */
void
weft_onnx_import_top_k(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    const weft_expr *k = count_of(n);
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), x->ndim, false),
            largest = n->version < 11 || weft_onnx_attr_int(n, "largest", 1) != 0;
    weft_onnx_ignore(n, "sorted");
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_int("descending", &largest),
                         weft_attr_dims("count", 1, &k) };
    weft_onnx_last(n, 1);
    weft_value *place = weft_onnx_emit(n, WEFT_GOP_ARGSORT, 1, &x, 3, attr);
    weft_value *in[2] = { x, place };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_TAKE_ALONG_AXIS, 2, in, 1, attr));
    weft_onnx_set(n, 1, place);
}
