/* Importers of operators that say or change a shape: reshape and its kin, expand, tile, transpose.
 */
#include "import/ops.h"

#include <string.h>

static const weft_expr **
new_dims(onnx_node *n, int count)
{
    return WEFT_NEW_ARRAY(n->arena, count + 1, const weft_expr *);
}

/* ---- reading shapes -------------------------------------------------------------------------- */

void
weft_onnx_import_shape(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int64_t start = weft_onnx_attr_int(n, "start", 0), end = weft_onnx_attr_int(n, "end", x->ndim);
    start = start < -x->ndim ? 0 : start < 0 ? start + x->ndim : start > x->ndim ? x->ndim : start;
    end = end < -x->ndim ? 0 : end < 0 ? end + x->ndim : end > x->ndim ? x->ndim : end;
    int count = end > start ? (int)(end - start) : 0;
    if (n->status == WEFT_OK)
        weft_onnx_set(n, 0, weft_graph_dims(n->graph, n->proto->output[0], count, x->dim + start));
}

void
weft_onnx_import_size(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    const weft_expr *count = weft_dim_product(n->graph, x->dim, 0, x->ndim);
    if (!count)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "the number of elements is too intricate an expression");
    else
        weft_onnx_set(n, 0, weft_graph_dims(n->graph, n->proto->output[0], -1, &count));
}

/* ---- reshape --------------------------------------------------------------------------------- */

/* What is left for the dimension -1: the input's elements over those of the other dimensions.
 * Dimensions on both sides go first, so that symbols cancel. */
static const weft_expr *
left_over(onnx_node *n, const weft_value *x, int count, const weft_expr *const *dim, int at)
{
    const weft_expr **have = new_dims(n, x->ndim), **want = new_dims(n, count);
    int nhave = x->ndim, nwant = 0;
    if (nhave)
        memcpy(have, x->dim, (size_t)nhave * sizeof *have);
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (i != at && k < nhave && (have[k] != dim[i] || weft_is_int_imm(dim[i], 0)))
            k++;
        if (i != at && k < nhave)
            have[k] = have[--nhave];
        else if (i != at)
            want[nwant++] = dim[i];
    }
    const weft_expr *all = weft_dim_product(n->graph, have, 0, nhave);
    const weft_expr *rest = weft_dim_product(n->graph, want, 0, nwant);
    if (weft_is_int_imm(rest, 0))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "dimension %d is -1 beside a dimension of 0: it could be anything", at);
    return all && rest ? weft_dim_op(n->graph, WEFT_EK_FDIV, all, rest) : NULL;
}

/* 0 copies the input's dimension, one -1 is what is left. */
static void
resolve_shape(onnx_node *n, const weft_value *x, int count, const weft_expr **dim, bool allow_zero)
{
    int infer = -1;
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        int64_t v;
        if (!weft_as_int(dim[i], &v))
            continue;
        if (v < -1 || (v == -1 && infer >= 0) || (v == 0 && !allow_zero && i >= x->ndim))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "dimension %d of the new shape is %lld%s", i,
                           (long long)v,
                           v == -1  ? " for the second time"
                           : v == 0 ? ", which the input has not so many dimensions for"
                                    : "");
        else if (v == -1)
            infer = i;
        else if (v == 0 && !allow_zero)
            dim[i] = x->dim[i];
    }
    if (infer >= 0 && n->status == WEFT_OK) {
        dim[infer] = left_over(n, x, count, dim, infer);
        if (!dim[infer])
            weft_onnx_fail(n, WEFT_UNSUPPORTED,
                           "the dimension that is -1 is too intricate an expression");
    }
}

void
weft_onnx_import_reshape(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count = 0;
    const weft_expr **dim = NULL;
    if (n->version < 5) {
        const int64_t *shape = weft_onnx_attr_ints(n, "shape", &count);
        dim = new_dims(n, count);
        for (int i = 0; i < count; i++)
            dim[i] = weft_dim(n->graph, shape[i]);
        if (!shape)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'shape' is missing");
    } else {
        const weft_expr *const *shape = weft_onnx_elems(n, 1, &count);
        dim = new_dims(n, count);
        if (shape && count)
            memcpy(dim, shape, (size_t)count * sizeof *dim);
        if (!weft_onnx_in(n, 1))
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 1, the shape, is missing");
    }
    bool allow_zero = weft_onnx_attr_int(n, "allowzero", 0) != 0;
    if (n->status == WEFT_OK)
        resolve_shape(n, x, count, dim, allow_zero);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, x, count, dim));
}

void
weft_onnx_import_flatten(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 1), x->ndim, true);
    const weft_expr *dim[2] = { weft_dim_product(n->graph, x->dim, 0, axis),
                                weft_dim_product(n->graph, x->dim, axis, x->ndim) };
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, x, 2, dim));
}

/* ---- squeeze, unsqueeze ---------------------------------------------------------------------- */

/* Every dimension of 1; whether a symbol is one has to be known. */
static int64_t *
unit_axes(onnx_node *n, const weft_value *x, int *count)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    *count = 0;
    for (int i = 0; i < x->ndim; i++)
        if (weft_onnx_size(n, x, i) == 1)
            axes[(*count)++] = i;
    return axes;
}

void
weft_onnx_import_squeeze(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count, kept = 0;
    int64_t *axes = weft_onnx_axes(n, n->version < 13 ? "axes" : NULL, 1, x->ndim, &count);
    if (!axes && n->status == WEFT_OK)
        axes = unit_axes(n, x, &count);
    if (n->status != WEFT_OK)
        return;
    const weft_expr **dim = new_dims(n, x->ndim);
    bool *gone = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, bool);
    for (int i = 0; i < count; i++) {
        gone[axes[i]] = true;
        if (weft_onnx_size(n, x, (int)axes[i]) != 1)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "axis %lld is to go, but its size is not 1",
                           (long long)axes[i]);
    }
    for (int i = 0; i < x->ndim; i++)
        if (!gone[i])
            dim[kept++] = x->dim[i];
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, x, kept, dim));
}

void
weft_onnx_import_unsqueeze(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count, at = 0;
    const int64_t *given =
        n->version < 13 ? weft_onnx_attr_ints(n, "axes", &count) : weft_onnx_in_ints(n, 1, &count);
    if (!given)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "axes are missing");
    if (n->status == WEFT_OK && count > WEFT_ONNX_MAX_RANK)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d axes are too many", count);
    if (n->status != WEFT_OK)
        return;
    int rank = x->ndim + count;
    const weft_expr **dim = new_dims(n, rank);
    for (int i = 0; i < count; i++) {
        int axis = weft_onnx_axis(n, given[i], rank, false);
        if (n->status == WEFT_OK && dim[axis])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "axis %d stands twice", axis);
        if (n->status != WEFT_OK)
            return;
        dim[axis] = weft_dim(n->graph, 1);
    }
    for (int i = 0; i < rank; i++)
        if (!dim[i])
            dim[i] = x->dim[at++];
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, x, rank, dim));
}

/* ---- transpose and blocks -------------------------------------------------------------------- */

void
weft_onnx_import_transpose(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    int count;
    const int64_t *perm = weft_onnx_attr_ints(n, "perm", &count);
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, int64_t);
    if (perm && count != x->ndim)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "perm has %d elements; the input has %d dimensions",
                       count, x->ndim);
    for (int i = 0; i < x->ndim && n->status == WEFT_OK; i++)
        axes[i] = perm ? weft_onnx_axis(n, perm[i], x->ndim, false) : x->ndim - 1 - i;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_transpose(n, x, axes));
}

/* Reshape to six dimensions, transpose, reshape back to `to`. */
static void
shuffle(onnx_node *n, weft_value *x, const weft_expr *const six[6], const int64_t order[6],
        const weft_expr *const to[4])
{
    weft_value *v = weft_onnx_transpose(n, weft_onnx_reshape(n, x, 6, six), order);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_reshape(n, v, 4, to));
}

static const weft_expr *
times(onnx_node *n, const weft_expr *a, const weft_expr *b)
{
    return weft_dim_op(n->graph, WEFT_EK_MUL, a, b);
}

/* d / by, which has to be exact. */
static const weft_expr *
parts(onnx_node *n, const weft_expr *d, int64_t by)
{
    const weft_expr *b = weft_dim(n->graph, by);
    if (weft_dim_equal(n->graph, weft_dim_op(n->graph, WEFT_EK_FMOD, d, b),
                       weft_dim(n->graph, 0)) != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "a dimension is not known to be a multiple of %lld",
                       (long long)by);
    return weft_dim_op(n->graph, WEFT_EK_FDIV, d, b);
}

static int64_t
block_size(onnx_node *n, const weft_value *x)
{
    int64_t block = weft_onnx_attr_int(n, "blocksize", 0);
    if (n->status == WEFT_OK && (x->ndim != 4 || block < 1 || block > 1 << 15))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "needs four dimensions and a positive blocksize, not %d and %lld", x->ndim,
                       (long long)block);
    return block;
}

void
weft_onnx_import_depth_to_space(onnx_node *n)
{
    static const int64_t depth_first[] = { 0, 3, 4, 1, 5, 2 },
                         column_first[] = { 0, 1, 4, 2, 5, 3 };
    weft_value *x = weft_onnx_in(n, 0);
    int64_t block = block_size(n, x);
    const char *mode = weft_onnx_attr_text(n, "mode", "DCR");
    bool crd = strcmp(mode, "CRD") == 0;
    if (!crd && strcmp(mode, "DCR") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "mode '%s' is neither DCR nor CRD", mode);
    if (n->status != WEFT_OK)
        return;
    const weft_expr *b = weft_dim(n->graph, block), *c = parts(n, x->dim[1], block * block);
    const weft_expr *h = x->dim[2], *w = x->dim[3];
    const weft_expr *to[4] = { x->dim[0], c, times(n, h, b), times(n, w, b) };
    if (crd)
        shuffle(n, x, (const weft_expr *[]){ x->dim[0], c, b, b, h, w }, column_first, to);
    else
        shuffle(n, x, (const weft_expr *[]){ x->dim[0], b, b, c, h, w }, depth_first, to);
}

void
weft_onnx_import_space_to_depth(onnx_node *n)
{
    static const int64_t order[] = { 0, 3, 5, 1, 2, 4 };
    weft_value *x = weft_onnx_in(n, 0);
    int64_t block = block_size(n, x);
    if (n->status != WEFT_OK)
        return;
    const weft_expr *b = weft_dim(n->graph, block);
    const weft_expr *h = parts(n, x->dim[2], block), *w = parts(n, x->dim[3], block);
    const weft_expr *to[4] = { x->dim[0], times(n, x->dim[1], weft_dim(n->graph, block * block)), h,
                               w };
    shuffle(n, x, (const weft_expr *[]){ x->dim[0], x->dim[1], h, b, w, b }, order, to);
}

/* ---- repeating ------------------------------------------------------------------------------- */

/* Sizes that only the run knows: the input's where that is more than 1, for nothing else
 * broadcasts; where it is 1, what the run finds. */
static void
expand_to_found(onnx_node *n, weft_value *x, weft_value *shape)
{
    int64_t count = 0;
    if (!weft_value_count(shape, &count) || count > WEFT_ONNX_MAX_RANK) {
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "input 1 ('%s') has to be of a known length, of %d at most",
                       shape->name, WEFT_ONNX_MAX_RANK);
        return;
    }
    int rank = count > x->ndim ? (int)count : x->ndim;
    const weft_expr **dim = new_dims(n, rank);
    for (int d = 0; d < rank && n->status == WEFT_OK; d++) {
        int own = d - rank + x->ndim, at = d - rank + (int)count;
        dim[d] = own >= 0 ? x->dim[own] : weft_dim(n->graph, 1);
        if (at < 0 || weft_dim_at_least(n->graph, dim[d], 2) == 1 || weft_is_int_imm(dim[d], 0))
            continue;
        if (!weft_is_int_imm(dim[d], 1))
            weft_onnx_fail(n, WEFT_UNSUPPORTED,
                           "whether axis %d broadcasts depends on symbols; give them a value (--dim)",
                           d);
        dim[d] = weft_onnx_size_at(n, shape, at, d);
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, n->status ? NULL : weft_onnx_broadcast(n, x, rank, dim));
}

void
weft_onnx_import_expand(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *given = weft_onnx_in(n, 1);
    int count;
    if (!weft_is_float(given->dtype) && given->ndim == 1 && !given->elem) {
        expand_to_found(n, x, given);
        return;
    }
    const weft_expr *const *shape = weft_onnx_elems(n, 1, &count);
    if (!shape)
        return;
    int rank = count > x->ndim ? count : x->ndim;
    const weft_expr **dim = new_dims(n, rank);
    if (!weft_broadcast(n->graph, x->ndim, x->dim, count, shape, dim))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the input's shape and the shape asked for do not broadcast");
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_broadcast(n, x, rank, dim));
}

/* How often each axis repeats; NULL after a fault. */
static const weft_expr **
repeats_of(onnx_node *n, const weft_value *x)
{
    int count;
    const weft_expr **repeat = new_dims(n, x->ndim);
    for (int i = 0; i < x->ndim; i++)
        repeat[i] = weft_dim(n->graph, 1);
    if (n->version < 6) {
        double tiles, axis;
        if (!weft_onnx_in_number(n, 1, &tiles) || !weft_onnx_in_number(n, 2, &axis)) {
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "tiles and axis (inputs 1 and 2) are needed");
            return NULL;
        }
        repeat[weft_onnx_axis(n, (int64_t)axis, x->ndim, false)] =
            weft_dim(n->graph, (int64_t)tiles);
        return repeat;
    }
    const weft_expr *const *given = weft_onnx_elems(n, 1, &count);
    if (given && count != x->ndim)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d repeats; the input has %d dimensions", count,
                       x->ndim);
    for (int i = 0; i < x->ndim && n->status == WEFT_OK; i++)
        repeat[i] = given[i];
    return n->status == WEFT_OK ? repeat : NULL;
}

/* [a, b] to [1, a, 1, b] to [r, a, s, b] to [r * a, s * b]. */
void
weft_onnx_import_tile(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *v = x;
    const weft_expr **repeat = repeats_of(n, x);
    if (!repeat || n->status != WEFT_OK)
        return;
    const weft_expr **apart = new_dims(n, 2 * x->ndim), **wide = new_dims(n, 2 * x->ndim);
    const weft_expr **dim = new_dims(n, x->ndim);
    int rank = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (!weft_is_int_imm(repeat[i], 1)) {
            wide[rank] = repeat[i];
            apart[rank++] = weft_dim(n->graph, 1);
        }
        wide[rank] = apart[rank] = x->dim[i];
        rank++;
        dim[i] = times(n, repeat[i], x->dim[i]);
    }
    if (rank > x->ndim) {
        v = weft_onnx_broadcast(n, weft_onnx_reshape(n, x, rank, apart), rank, wide);
        weft_onnx_last(n, 0);
        v = weft_onnx_reshape(n, v, x->ndim, dim);
    }
    weft_onnx_set(n, 0, v);
}
