/* Importers of operators that go along an axis in an order: running sums, sorting. */
#include "import/ops.h"

static weft_value *
cumulative_along(onnx_node *n, int along, const void *user)
{
    weft_value *x = weft_onnx_in(n, 0);
    (void)user;
    weft_attr attr[] = {
        weft_attr_int("axis", &(int64_t){ along }),
        weft_attr_int("exclusive", &(int64_t){ weft_onnx_attr_int(n, "exclusive", 0) != 0 }),
        weft_attr_int("reverse", &(int64_t){ weft_onnx_attr_int(n, "reverse", 0) != 0 }),
    };
    return weft_onnx_emit(n, (weft_op)n->op->arg, 1, &x, 3, attr);
}

void
weft_onnx_import_cumulative(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *axis = weft_onnx_in(n, 1);
    int count;
    if (!axis->elem) {
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0, weft_onnx_by_axis(n, axis, x->ndim, x->ndim, cumulative_along, NULL));
        return;
    }
    const int64_t *given = weft_onnx_in_ints(n, 1, &count);
    if (given && count != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the axis has to be one integer, not %d", count);
    int at = n->status ? 0 : weft_onnx_axis(n, given[0], x->ndim, false);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, cumulative_along(n, at, NULL));
}

/* k is an attribute before operator set 10, then an input, whose value may be made of symbols or be
 * known when the model runs: at most what the axis has. */
static const weft_expr *
count_of(onnx_node *n, const weft_expr *most)
{
    weft_value *k = weft_onnx_in(n, 1);
    int64_t count;
    if (n->version < 10) {
        if (!weft_onnx_has_attr(n, "k"))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'k' is missing");
        return weft_dim(n->graph, weft_onnx_attr_int(n, "k", 0));
    }
    if (n->status == WEFT_OK &&
        (!k || weft_is_float(k->dtype) || !weft_value_count(k, &count) || count != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "k has to be one integer");
    if (n->status != WEFT_OK)
        return NULL;
    return k->elem ? k->elem[0]
                   : weft_onnx_made_dim(n, weft_graph_read(n->graph, n->name, n->kind, k, 0, most));
}

/* The order is that of the sorted elements, whether that is asked for or not. */
void
weft_onnx_import_top_k(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -1), x->ndim, false),
            largest = n->version < 11 || weft_onnx_attr_int(n, "largest", 1) != 0;
    const weft_expr *k = n->status ? NULL : count_of(n, x->dim[axis]);
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
