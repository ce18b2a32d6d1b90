/* import/ops.h: the importers, one a group of operators; onnx_ops.def says which is whose. */
#ifndef WEFT_IMPORT_OPS_H
#define WEFT_IMPORT_OPS_H

#include "import/onnx.h"

#define ONNX(name, since, until, least, most, importer, arg)                                       \
    void weft_onnx_import_##importer(onnx_node *);
#define LISTS  ONNX
#define RANDOM ONNX
#define MICROSOFT(name, least, most, importer, arg) void weft_onnx_import_##importer(onnx_node *);
#define REFUSED(name, reason)
#include "import/onnx_ops.def"
#undef ONNX
#undef LISTS
#undef RANDOM
#undef MICROSOFT
#undef REFUSED

/* Conv's and MatMul's meaning of a node's attributes (the window's) and these operands.  `last`:
 * the result is output 0. */
weft_value *weft_onnx_conv(onnx_node *, weft_value *x, weft_value *weight, weft_value *bias,
                           bool last);
weft_value *weft_onnx_matmul(onnx_node *, weft_value *a, weft_value *b, bool last);
/* x as it has to be for a cast to t that ends as ONNX wants it: floats of 8 bits take their
 * greatest value for what is greater, where they saturate. */
weft_value *weft_onnx_before_cast(onnx_node *, weft_value *x, weft_dtype t, bool saturate);

/* Output i is `v`: the value made last, under weft_onnx_last(n, i), or one that was there. */
static inline void
weft_onnx_set(onnx_node *n, int i, weft_value *v)
{
    if (i < n->nout)
        n->out[i] = v;
}

/* ---- axes that the run finds (by_axis.c) ----------------------------------------------------- */
/* What `make` gives for the axis that the value is, one of the first `naxes` of `rank`: each is
 * made in a scope of its own, and one runs. */
typedef weft_value *weft_onnx_of_axis(onnx_node *, int axis, const void *user);
weft_value *weft_onnx_by_axis(onnx_node *, weft_value *axis, int rank, int naxes,
                              weft_onnx_of_axis *make, const void *user);

/* ---- recurrences (recurrence.c) -------------------------------------------------------------- */
/* Steps over a dimension, forwards or in reverse, with states that go from one to the next:
 * unrolled where they are few, else a loop.
 *
 *     weft_onnx_steps s = weft_onnx_steps_over(n, x, axis, reverse, nstate, state);
 *     while ((t = weft_onnx_next_step(&s)))
 *         what step t makes of state[..], put there and into weft_onnx_step_gives(&s, y);
 *
 * Afterwards `state` is what the last step left and `all` the results along a new first axis. */
typedef struct weft_onnx_steps {
    onnx_node *n;
    const weft_expr *count;
    bool reverse, loops;
    int64_t steps, at; /* of unrolled ones */
    int nstate;
    weft_value **state, **carry;
    weft_value **part; /* results of unrolled steps; the stack of a loop's */
    weft_value *all;
    const weft_expr *now;
} weft_onnx_steps;
weft_onnx_steps weft_onnx_steps_over(onnx_node *, const weft_value *x, int axis, bool reverse,
                                     int nstate, weft_value **state);
/* The step's place in the dimension; NULL: there are no more, or after a fault. */
const weft_expr *weft_onnx_next_step(weft_onnx_steps *);
void weft_onnx_step_gives(weft_onnx_steps *, weft_value *);

#endif
