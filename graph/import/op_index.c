/* Importers of operators that pick and put by indices, and of those that are made of picking. */
#include "import/ops.h"

#include <string.h>

void
weft_onnx_import_along_axis(onnx_node *n)
{
    bool puts = n->op->arg == WEFT_GOP_PUT_ALONG_AXIS;
    weft_value *in[3] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    int64_t axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), in[0]->ndim, false);
    const char *reduction = puts ? weft_onnx_attr_text(n, "reduction", "none") : "none";
    weft_attr attr[] = { weft_attr_int("axis", &axis), weft_attr_text("reduction", reduction) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0,
                  weft_onnx_emit(n, (weft_op)n->op->arg, puts ? 3 : 2, in, puts ? 2 : 1, attr));
}

void
weft_onnx_import_gather_nd(onnx_node *n)
{
    weft_value *in[2] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1) };
    int64_t batch = weft_onnx_attr_int(n, "batch_dims", 0);
    weft_attr attr = weft_attr_int("batch", &batch);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_GATHER_ND, 2, in, 1, &attr));
}

void
weft_onnx_import_scatter_nd(onnx_node *n)
{
    weft_value *in[3] = { weft_onnx_in(n, 0), weft_onnx_in(n, 1), weft_onnx_in(n, 2) };
    weft_attr attr = weft_attr_text("reduction", weft_onnx_attr_text(n, "reduction", "none"));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_SCATTER_ND, 3, in, 1, &attr));
}

/* ---- made of picking ------------------------------------------------------------------------- */

/* 0, 1, ... along an axis of x, of the dtype of indices. */
static weft_value *
places_along(onnx_node *n, const weft_value *x, int axis)
{
    weft_value *at = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, x->dim[axis]);
    return weft_onnx_along(n, at, axis, x->ndim);
}

static weft_value *
take_along(onnx_node *n, weft_value *x, weft_value *index, int axis)
{
    weft_value *in[2] = { x, index };
    weft_attr attr = weft_attr_int("axis", &(int64_t){ axis });
    return weft_onnx_emit(n, WEFT_GOP_TAKE_ALONG_AXIS, 2, in, 1, &attr);
}

/* The first elements along an axis backwards, as many as `lengths` says for each of the batch. */
void
weft_onnx_import_reverse_sequence(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *length = weft_onnx_in(n, 1);
    int batch = weft_onnx_axis(n, weft_onnx_attr_int(n, "batch_axis", 1), x->ndim, false);
    int time = weft_onnx_axis(n, weft_onnx_attr_int(n, "time_axis", 0), x->ndim, false);
    if (n->status == WEFT_OK && (batch == time || length->ndim != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "batch_axis and time_axis have to be two axes, and the lengths a list");
    if (n->status != WEFT_OK)
        return;
    weft_value *at = places_along(n, x, time);
    length = weft_onnx_along(n, weft_onnx_cast(n, length, WEFT_I64), batch, x->ndim);
    weft_value *last = weft_onnx_binary(n, WEFT_GOP_SUB, length, weft_onnx_scalar(n, WEFT_I64, 1));
    weft_value *index =
        weft_onnx_where(n, weft_onnx_binary(n, WEFT_GOP_LESS, at, length),
                        weft_onnx_binary(n, WEFT_GOP_SUB, last, at), at);
    index = weft_onnx_broadcast(n, index, x->ndim, x->dim);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, take_along(n, x, index, time));
}

/* The place in `update` of each place of the cache along the axis. */
static weft_value *
place_in_update(onnx_node *n, const weft_value *cache, int axis, bool circular)
{
    weft_value *at = places_along(n, cache, axis), *start = weft_onnx_in(n, 2);
    if (start && n->status == WEFT_OK && start->ndim != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 2, write_indices, has to be a list");
    if (start && n->status == WEFT_OK)
        at = weft_onnx_binary(
            n, WEFT_GOP_SUB, at,
            weft_onnx_along(n, weft_onnx_cast(n, start, WEFT_I64), 0, cache->ndim));
    if (!circular || n->status != WEFT_OK)
        return at;
    weft_value *size = weft_graph_dims(n->graph, NULL, 1, &cache->dim[axis]);
    weft_attr attr = weft_attr_int("fmod", &(int64_t){ 0 });
    return weft_onnx_emit(n, WEFT_GOP_MOD, 2, (weft_value *[]){ at, size }, 1, &attr);
}

/* Where the update has a place for an element of the cache, that of the
 * update, else the cache's. */
void
weft_onnx_import_tensor_scatter(onnx_node *n)
{
    weft_value *cache = weft_onnx_in(n, 0), *update = weft_onnx_in(n, 1);
    const char *mode = weft_onnx_attr_text(n, "mode", "linear");
    int axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", -2), cache->ndim, false);
    bool circular = strcmp(mode, "circular") == 0;
    if (!circular && strcmp(mode, "linear") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode '%s' is neither linear nor circular", mode);
    if (n->status == WEFT_OK && (axis == 0 || update->ndim != cache->ndim))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "axis 0 is the batch's, and the update has the cache's %d dimensions",
                       cache->ndim);
    weft_value *at = n->status == WEFT_OK ? place_in_update(n, cache, axis, circular) : NULL;
    if (n->status != WEFT_OK)
        return;
    weft_value *size = weft_graph_dims(n->graph, NULL, 1, &update->dim[axis]);
    weft_value *index = weft_onnx_broadcast(n, at, cache->ndim, cache->dim);
    weft_value *from = take_along(n, update, index, axis);
    weft_value *zero = weft_onnx_scalar(n, WEFT_I64, 0);
    weft_value *inside = weft_onnx_binary(
        n, WEFT_GOP_AND,
        weft_onnx_unary(n, WEFT_GOP_NOT, weft_onnx_binary(n, WEFT_GOP_LESS, at, zero)),
        weft_onnx_binary(n, WEFT_GOP_LESS, at, size));
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_where(n, inside, from, cache));
}

/* ---- CenterCropPad --------------------------------------------------------------------------- */

/* Half of what `more` exceeds `less` by, rounded down; 0 where it does not. */
static const weft_expr *
half_beyond(weft_graph *g, const weft_expr *more, const weft_expr *less)
{
    const weft_expr *by = weft_dim_op(g, WEFT_EK_SUB, more, less);
    by = weft_dim_op(g, WEFT_EK_MAX, by, weft_dim(g, 0));
    return weft_dim_op(g, WEFT_EK_FDIV, by, weft_dim(g, 2));
}

void
weft_onnx_import_center_crop_pad(onnx_node *n)
{
    weft_graph *g = n->graph;
    weft_value *x = weft_onnx_in(n, 0);
    int naxes = x->ndim, count = 0, rank = x->ndim;
    const weft_expr *const *want = weft_onnx_elems(n, 1, &count);
    const int64_t *axes = weft_onnx_axes(n, "axes", n->nin, rank, &naxes);
    if (n->status == WEFT_OK && count != (axes ? naxes : rank))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d sizes for %d axes", count, axes ? naxes : rank);
    if (n->status != WEFT_OK)
        return;
    const weft_expr **start = WEFT_NEW_ARRAY(n->arena, 4 * rank + 1, const weft_expr *),
                    **size = start + rank, **before = size + rank, **after = before + rank;
    int64_t *step = WEFT_NEW_ARRAY(n->arena, rank + 1, int64_t);
    for (int d = 0; d < rank; d++) {
        start[d] = before[d] = after[d] = weft_dim(g, 0);
        size[d] = x->dim[d];
        step[d] = 1;
    }
    for (int i = 0; i < count; i++) {
        int d = axes ? (int)axes[i] : i;
        start[d] = half_beyond(g, x->dim[d], want[i]);
        size[d] = weft_dim_op(g, WEFT_EK_MIN, x->dim[d], want[i]);
        before[d] = half_beyond(g, want[i], x->dim[d]);
        after[d] =
            weft_dim_op(g, WEFT_EK_SUB, weft_dim_op(g, WEFT_EK_SUB, want[i], size[d]), before[d]);
    }
    weft_attr cut[] = { weft_attr_dims("starts", rank, start), weft_attr_ints("steps", rank, step),
                        weft_attr_dims("dims", rank, size) };
    weft_attr pad[] = { weft_attr_dims("before", rank, before), weft_attr_dims("after", rank, after),
                        weft_attr_text("mode", "constant") };
    x = weft_onnx_emit(n, WEFT_GOP_SLICE, 1, &x, 3, cut);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_PAD, 1, &x, 3, pad));
}
