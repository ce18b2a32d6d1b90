/* graph/op_vision.c: the te column of ops.def for operators on images. */
#include "graph/op_te.h"

#include <string.h>

/* The dims that inference found. */
static const weft_expr *const *
out_dims(weft_te *te, const weft_graph *g, const weft_node *n)
{
    const weft_value *v = n->out[0];
    const weft_expr **dim = WEFT_NEW_ARRAY(&te->ir->arena, v->ndim + 1, const weft_expr *);
    for (int d = 0; d < v->ndim; d++)
        dim[d] = weft_group_dim(te, g, v->dim[d]);
    return dim;
}

/* ---- resizing -------------------------------------------------------------------------------- */

static weft_resize_axis
resize_axis(weft_te *te, const weft_node *n, int i)
{
    return (weft_resize_axis){ weft_group_factor(te, weft_node_dim(n, "step", i)),
                               weft_group_factor(te, weft_node_dim(n, "offset", i)),
                               weft_group_factor(te, weft_node_dim(n, "divisor", i)) };
}

static weft_resize
resize_of(weft_te *te, const weft_graph *g, const weft_node *n, weft_resize_axis *axis)
{
    const weft_attr *fill = weft_node_attr(n, "fill");
    return (weft_resize){ .dim = out_dims(te, g, n),
                          .axis = axis,
                          .mode = weft_node_attr(n, "mode")->text,
                          .cubic = weft_node_attr(n, "cubic") ? weft_node_float(n, "cubic") : 0,
                          .exclude_outside = weft_node_int(n, "exclude_outside") != 0,
                          .fill = fill ? fill->floats : NULL };
}

TE_OP(resize)
{
    int rank = n->out[0]->ndim;
    weft_resize_axis *axis = WEFT_NEW_ARRAY(&te->ir->arena, rank + 1, weft_resize_axis);
    for (int d = 0; d < rank; d++)
        axis[d] = resize_axis(te, n, d);
    weft_resize how = resize_of(te, g, n, axis);
    return done(te, weft_topi_resize(te, in[0], &how), out);
}

TE_OP(resize_antialias)
{
    int rank = n->out[0]->ndim, at = (int)weft_node_int(n, "axis");
    weft_resize_axis *axis = WEFT_NEW_ARRAY(&te->ir->arena, rank + 1, weft_resize_axis);
    axis[at] = resize_axis(te, n, 0);
    weft_resize how = resize_of(te, g, n, axis);
    return done(te,
                weft_topi_resize_antialias(te, in[0], at,
                                           weft_group_dim(te, g, weft_node_dim(n, "up", 0)),
                                           weft_group_dim(te, g, weft_node_dim(n, "down", 0)),
                                           &how),
                out);
}

/* ---- sampling -------------------------------------------------------------------------------- */

TE_OP(sample)
{
    weft_sample how = { .mode = weft_node_attr(n, "mode")->text,
                        .padding = weft_node_attr(n, "padding")->text,
                        .units = weft_node_attr(n, "units")->text,
                        .reversed = weft_node_int(n, "reversed") != 0 };
    return done(te, weft_topi_sample(te, in[0], in[1], &how), out);
}

/* ---- regions --------------------------------------------------------------------------------- */

TE_OP(roi_align)
{
    weft_roi_align how = { .height = weft_i32(te->ir, weft_node_int(n, "height")),
                           .width = weft_i32(te->ir, weft_node_int(n, "width")),
                           .samples = weft_node_int(n, "samples"),
                           .scale = weft_node_float(n, "scale"),
                           .half_pixel = weft_node_int(n, "half_pixel") != 0,
                           .largest = strcmp(weft_node_attr(n, "mode")->text, "max") == 0 };
    return done(te, weft_topi_roi_align(te, in[0], in[1], in[2], &how), out);
}

TE_OP(max_roi_pool)
{
    return done(te,
                weft_topi_max_roi_pool(te, in[0], in[1], weft_node_float(n, "scale"),
                                       weft_i32(te->ir, weft_node_int(n, "height")),
                                       weft_i32(te->ir, weft_node_int(n, "width"))),
                out);
}
