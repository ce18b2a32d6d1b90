/* tests/graphfuzz/movement.c: operators that move elements: ranges and errors stay. */
#include "graphfuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ATTRS = GF_TEXT - 8 };

static bool
has_dims(const gf_value *v)
{
    return v->ndim > 0;
}

bool
gf_transpose(gf_graph *g)
{
    int at = gf_pick(g, has_dims);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    int64_t axes[GF_RANK];
    char list[ATTRS], attrs[GF_TEXT];
    for (int d = 0; d < x.ndim; d++) {
        int k = (int)gf_below(g, d + 1);
        axes[d] = axes[k];
        axes[k] = d;
    }
    for (int d = 0; d < x.ndim; d++)
        y.dim[d] = x.dim[axes[d]];
    gf_dims_text(list, sizeof list, x.ndim, axes);
    snprintf(attrs, sizeof attrs, "axes=%s", list);
    return gf_add(g, WEFT_GOP_TRANSPOSE, y, 1, &at, attrs);
}

bool
gf_reshape(gf_graph *g)
{
    int at = gf_pick(g, NULL);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    char list[ATTRS], attrs[GF_TEXT];
    int64_t n = gf_count(&y), most = gf_below(g, GF_RANK) + 1;
    y.ndim = 0;
    while (y.ndim < most - 1) { /* a divisor of what is left, the rest last */
        int64_t d = 1 + gf_below(g, 9);
        if (n % d == 0) {
            y.dim[y.ndim++] = d;
            n /= d;
        }
    }
    y.dim[y.ndim++] = n;
    gf_dims_text(list, sizeof list, y.ndim, y.dim);
    snprintf(attrs, sizeof attrs, "dims=%s", list);
    return gf_add(g, WEFT_GOP_RESHAPE, y, 1, &at, attrs);
}

bool
gf_slice(gf_graph *g)
{
    int at = gf_pick(g, has_dims);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    int64_t start[GF_RANK], step[GF_RANK];
    char a[ATTRS / 4], b[ATTRS / 4], c[ATTRS / 4], attrs[GF_TEXT];
    for (int d = 0; d < y.ndim; d++) {
        int64_t n = y.dim[d], by = 1 + gf_below(g, 3), from = gf_below(g, n);
        bool whole = gf_below(g, 3) == 0, back = gf_below(g, 3) == 0;
        int64_t room = back ? from / by + 1 : (n - 1 - from) / by + 1;
        start[d] = whole ? (back ? n - 1 : 0) : from;
        step[d] = (whole ? 1 : by) * (back ? -1 : 1);
        y.dim[d] = whole ? n : 1 + gf_below(g, room);
    }
    gf_dims_text(a, sizeof a, y.ndim, start);
    gf_dims_text(b, sizeof b, y.ndim, step);
    gf_dims_text(c, sizeof c, y.ndim, y.dim);
    snprintf(attrs, sizeof attrs, "starts=%s, steps=%s, dims=%s", a, b, c);
    return gf_add(g, WEFT_GOP_SLICE, y, 1, &at, attrs);
}

void
gf_join(gf_value *y, const gf_value *w, int axis)
{
    y->dim[axis] += w->dim[axis];
    y->lo = fmin(y->lo, w->lo);
    y->hi = fmax(y->hi, w->hi);
    y->error = fmax(y->error, w->error);
}

bool
gf_concat(gf_graph *g)
{
    int in[3] = { gf_pick(g, has_dims), -1, -1 }, n = 1;
    if (in[0] < 0)
        return false;
    gf_value y = g->value[in[0]];
    int axis = (int)gf_below(g, y.ndim), wanted = 2 + (int)gf_below(g, 2);
    for (int i = g->n - 1; i >= 0 && n < wanted; i--) {
        const gf_value *w = &g->value[i];
        bool fits =
            w->dtype == y.dtype && w->ndim == y.ndim && !w->is_small && w->error <= gf_most(w) / 64;
        for (int d = 0; fits && d < y.ndim; d++)
            fits = d == axis || w->dim[d] == y.dim[d];
        if (!fits || gf_below(g, 3) == 0)
            continue;
        in[n++] = i;
        gf_join(&y, w, axis);
    }
    char attrs[24];
    snprintf(attrs, sizeof attrs, "axis=%d", axis);
    return n > 1 && gf_add(g, WEFT_GOP_CONCAT, y, n, in, attrs);
}

bool
gf_broadcast(gf_graph *g)
{
    int at = gf_pick(g, NULL);
    if (at < 0)
        return false;
    const gf_value x = g->value[at];
    gf_value y = x;
    char list[ATTRS], attrs[GF_TEXT];
    int more = x.ndim < GF_RANK ? (int)gf_below(g, 2) : 0;
    y.ndim = x.ndim + more;
    for (int d = 0; d < y.ndim; d++) {
        int64_t n = d < more ? 1 : x.dim[d - more];
        y.dim[d] = n == 1 ? 1 + gf_below(g, 5) : n;
    }
    gf_dims_text(list, sizeof list, y.ndim, y.dim);
    snprintf(attrs, sizeof attrs, "dims=%s", list);
    return gf_add(g, WEFT_GOP_BROADCAST_TO, y, 1, &at, attrs);
}

bool
gf_pad(gf_graph *g)
{
    static const char *const modes[] = { "constant", "constant", "edge", "reflect", "wrap" };
    int at = gf_pick(g, has_dims), mode = (int)gf_below(g, 5);
    if (at < 0)
        return false;
    gf_value y = g->value[at];
    int64_t before[GF_RANK], after[GF_RANK];
    char a[ATTRS / 4], b[ATTRS / 4], attrs[GF_TEXT];
    for (int d = 0; d < y.ndim; d++) {
        int64_t most = mode == 3 ? y.dim[d] - 1 : mode == 4 ? y.dim[d] : 3;
        before[d] = gf_below(g, 2) ? gf_below(g, (most < 3 ? most : 3) + 1) : 0;
        after[d] = gf_below(g, 2) ? gf_below(g, (most < 3 ? most : 3) + 1) : 0;
        if (mode < 2 && y.dim[d] > 2 && gf_below(g, 6) == 0)
            before[d] = -1;
        y.dim[d] += before[d] + after[d];
    }
    gf_dims_text(a, sizeof a, y.ndim, before);
    gf_dims_text(b, sizeof b, y.ndim, after);
    snprintf(attrs, sizeof attrs, "before=%s, after=%s, mode=\"%s\"", a, b, modes[mode]);
    if (mode < 2) {
        y.lo = fmin(y.lo, 0);
        y.hi = fmax(y.hi, 0);
    }
    return gf_add(g, WEFT_GOP_PAD, y, 1, &at, attrs);
}

static bool
is_index(const gf_value *v)
{
    return (v->dtype == WEFT_I32 || v->dtype == WEFT_I64) && gf_count(v) <= 64 && v->ndim <= 2;
}

bool
gf_take(gf_graph *g)
{
    int in[2] = { gf_pick(g, has_dims), gf_pick(g, is_index) };
    if (in[0] < 0)
        return false;
    const gf_value x = g->value[in[0]];
    int axis = (int)gf_below(g, x.ndim);
    if (in[1] >= 0)
        in[1] = gf_clipped(g, in[1], -(double)x.dim[axis], (double)x.dim[axis] - 1);
    if (in[1] < 0) {
        int64_t n = 1 + gf_below(g, 5);
        in[1] = gf_new_weights(g, gf_below(g, 2) ? WEFT_I32 : WEFT_I64, 1, &n, -(double)x.dim[axis],
                               (double)x.dim[axis] - 1);
    }
    const gf_value i = g->value[in[1]];
    gf_value y = x;
    y.ndim = x.ndim - 1 + i.ndim;
    if (y.ndim > GF_RANK)
        return false;
    memcpy(y.dim + axis, i.dim, (size_t)i.ndim * sizeof *i.dim);
    for (int d = axis + 1; d < x.ndim; d++)
        y.dim[d - 1 + i.ndim] = x.dim[d];
    char attrs[24];
    snprintf(attrs, sizeof attrs, "axis=%d", axis);
    return gf_add(g, WEFT_GOP_GATHER, y, 2, in, attrs);
}

bool
gf_full(gf_graph *g)
{
    int like = gf_pick(g, NULL);
    if (like < 0)
        return false;
    gf_value y = g->value[like];
    char list[ATTRS / 2], attrs[GF_TEXT];
    y.lo = y.hi = (double)gf_below(g, 2);
    y.error = 0;
    gf_dims_text(list, sizeof list, y.ndim, y.dim);
    snprintf(attrs, sizeof attrs, "dims=%s, value=%.1f, dtype=%s", list, y.lo,
             weft_dtype_name(y.dtype));
    return gf_add(g, WEFT_GOP_FULL, y, 0, NULL, attrs);
}
