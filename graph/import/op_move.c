/* Importers of operators that pick, join and pad: concat, split, gather, pad. */
#include "import/ops.h"

#include <string.h>

void
weft_onnx_import_concat(onnx_node *n)
{
    if (n->version >= 4 && !weft_onnx_has_attr(n, "axis"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'axis' is missing");
    int64_t axis =
        weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 1), weft_onnx_in(n, 0)->ndim, false);
    weft_attr attr = weft_attr_int("axis", &axis);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CONCAT, n->nin, n->in, 1, &attr));
}

void
weft_onnx_import_gather(onnx_node *n)
{
    weft_value *in[] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), in[0]->ndim, false);
    weft_attr attr = weft_attr_int("axis", &axis);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &attr));
}

/* ---- split ----------------------------------------------------------------------------------- */

/* Parts of equal size; with num_outputs (18) the last one may be smaller. */
static const weft_expr **
equal_parts(onnx_node *n, const weft_value *x, int axis)
{
    const weft_expr **part = WEFT_NEW_ARRAY(n->arena, n->nout + 1, const weft_expr *);
    int64_t asked = weft_onnx_attr_int(n, "num_outputs", n->nout), size;
    if (asked != n->nout || n->nout < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "num_outputs is %lld, but there are %d outputs",
                       (long long)asked, n->nout);
    if (n->status != WEFT_OK)
        return NULL;
    bool constant = weft_as_int(x->dim[axis], &size);
    if (constant && size % n->nout != 0 && n->version < 18)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%lld elements do not split into %d equal parts",
                       (long long)size, n->nout);
    const weft_expr *each =
        constant && n->version >= 18
            ? weft_dim(n->graph, weft_ceildiv(size, n->nout))
            : weft_dim_op(n->graph, WEFT_EK_FDIV, x->dim[axis], weft_dim(n->graph, n->nout));
    for (int i = 0; i < n->nout; i++)
        part[i] = each;
    int64_t chunk;
    if (constant && weft_as_int(each, &chunk) && size - chunk * (n->nout - 1) >= 0)
        part[n->nout - 1] = weft_dim(n->graph, size - chunk * (n->nout - 1));
    else if (constant)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%lld elements do not split into %d parts",
                       (long long)size, n->nout);
    return part;
}

static const weft_expr **
split_parts(onnx_node *n, const weft_value *x, int axis)
{
    int count = 0;
    const weft_expr *const *given = NULL;
    const int64_t *ints = n->version < 13 ? weft_onnx_attr_ints(n, "split", &count) : NULL;
    if (!ints)
        given = weft_onnx_elems(n, 1, &count);
    if (n->status != WEFT_OK)
        return NULL;
    if (!ints && !given)
        return equal_parts(n, x, axis);
    if (count != n->nout) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d sizes for %d outputs", count, n->nout);
        return NULL;
    }
    const weft_expr **part = WEFT_NEW_ARRAY(n->arena, n->nout + 1, const weft_expr *);
    const weft_expr *sum = weft_dim(n->graph, 0);
    for (int i = 0; i < count; i++) {
        part[i] = ints ? weft_dim(n->graph, ints[i]) : given[i];
        sum = weft_dim_op(n->graph, WEFT_EK_ADD, sum, part[i]);
    }
    if (weft_dim_equal(n->graph, sum, x->dim[axis]) == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the sizes do not add up to the dimension");
    return part;
}

void
weft_onnx_import_split(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), x->ndim, false);
    const weft_expr **part = n->status == WEFT_OK ? split_parts(n, x, axis) : NULL;
    const weft_expr *start = weft_dim(n->graph, 0);
    for (int i = 0; i < n->nout && part && n->status == WEFT_OK; i++) {
        weft_onnx_last(n, i);
        weft_onnx_set(n, i, weft_onnx_slice(n, x, axis, start, part[i]));
        start = weft_dim_op(n->graph, WEFT_EK_ADD, start, part[i]);
    }
}

/* ---- pad ------------------------------------------------------------------------------------- */

/* The 2 * rank elements of `given` at 2 * k for axis k, spread over the axes named by input 3. */
static void
spread_pads(onnx_node *n, int rank, int count, const weft_expr *const *given,
            const weft_expr **before, const weft_expr **after)
{
    int naxes = rank;
    const int64_t *axes = weft_onnx_axes(n, NULL, 3, rank, &naxes);
    if (!axes)
        naxes = rank;
    if (n->status == WEFT_OK && count != 2 * naxes)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d pads for %d axes; there are two an axis", count,
                       naxes);
    for (int i = 0; i < rank; i++)
        before[i] = after[i] = weft_dim(n->graph, 0);
    for (int i = 0; i < naxes && n->status == WEFT_OK; i++) {
        int axis = axes ? (int)axes[i] : i;
        before[axis] = given[i];
        after[axis] = given[naxes + i];
    }
}

void
weft_onnx_import_pad(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *in[2] = { x, NULL };
    const weft_expr **before = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    const weft_expr **after = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    const weft_expr *const *given = NULL;
    const char *mode = weft_onnx_attr_text(n, "mode", "constant");
    int count = 0;
    if (n->version < 11) {
        const int64_t *ints = weft_onnx_attr_ints(n, n->version < 2 ? "paddings" : "pads", &count);
        const weft_expr **e = WEFT_NEW_ARRAY(n->arena, count + 1, const weft_expr *);
        for (int i = 0; i < count; i++)
            e[i] = weft_dim(n->graph, ints[i]);
        given = ints ? e : NULL;
        in[1] = weft_onnx_scalar(n, x->dtype, weft_onnx_attr_float(n, "value", 0));
    } else {
        given = weft_onnx_elems(n, 1, &count);
        in[1] = weft_onnx_in(n, 2);
    }
    if (!given)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the pads are missing");
    if (n->status != WEFT_OK)
        return;
    spread_pads(n, x->ndim, count, given, before, after);
    weft_attr attr[] = { weft_attr_dims("before", x->ndim, before),
                         weft_attr_dims("after", x->ndim, after), weft_attr_text("mode", mode) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_PAD, in[1] ? 2 : 1, in, 3, attr));
}
