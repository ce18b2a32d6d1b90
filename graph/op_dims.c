/* The te columns of `dims` and `arange`: elements that sizes decide. */
#include "graph/priv.h"

weft_status
weft_te_op_dims(weft_te *te, const weft_graph *g, const weft_node *n, weft_tensor *const *in,
                weft_tensor **out)
{
    (void)in;
    weft_ir *ir = weft_te_ir(te);
    const weft_attr *value = weft_node_attr(n, "value");
    bool scalar = weft_node_int(n, "scalar") != 0;
    weft_axis *axis = scalar ? NULL : weft_te_axis(te, "i", weft_i32(ir, value->n));
    const weft_expr *at = axis ? weft_axis_ref(te, axis) : NULL, *e = weft_int(ir, WEFT_I64, 0);
    for (int i = value->n - 1; i >= 0; i--) {
        const weft_expr *v = weft_cast(ir, WEFT_I64, weft_group_dim(te, g, value->dims[i]));
        e = i == value->n - 1 ? v : weft_select(ir, weft_eq(ir, at, weft_i32(ir, i)), v, e);
    }
    out[0] = weft_te_compute(te, "dims", scalar ? 0 : 1, &axis, e);
    return out[0] ? WEFT_OK : WEFT_UNSUPPORTED;
}

weft_status
weft_te_op_arange(weft_te *te, const weft_graph *g, const weft_node *n, weft_tensor *const *in,
                  weft_tensor **out)
{
    (void)in;
    weft_ir *ir = weft_te_ir(te);
    weft_dtype t = n->out[0]->dtype;
    weft_axis *axis = weft_te_axis(te, "i", weft_group_dim(te, g, weft_node_dim(n, "dim", 0)));
    const weft_expr *start = weft_cast(ir, t, weft_group_dim(te, g, weft_node_dim(n, "start", 0))),
                    *step = weft_cast(ir, t, weft_group_dim(te, g, weft_node_dim(n, "step", 0))),
                    *i = weft_cast(ir, t, weft_axis_ref(te, axis));
    out[0] = weft_te_compute(te, "arange", 1, &axis, weft_add(ir, start, weft_mul(ir, i, step)));
    return out[0] ? WEFT_OK : WEFT_UNSUPPORTED;
}
