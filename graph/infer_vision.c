/* Inference of operators on images: resizing. */
#include "graph/priv.h"
#include "topi/topi.h"

#include <string.h>

/* Attributes of as many elements as the first of them has to have. */
static weft_status
check_lists(weft_graph *g, weft_node *n, int count, int nnames, const char *const *names)
{
    for (int i = 0; i < nnames; i++) {
        const weft_attr *a = weft_node_attr(n, names[i]);
        if (a->n != count)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "attribute '%s' has %d elements where %d are needed", names[i],
                                  a->n, count);
    }
    return WEFT_OK;
}

static weft_status
check_mode(weft_graph *g, weft_node *n)
{
    const char *mode = weft_node_attr(n, "mode")->text;
    bool cubic = strcmp(mode, "cubic") == 0, linear = strcmp(mode, "linear") == 0;
    if (!weft_topi_resize_knows(mode) ||
        (n->op == WEFT_GOP_RESIZE_ANTIALIAS && !cubic && !linear))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "mode '%s' is not known", mode);
    if (cubic && !weft_node_attr(n, "cubic"))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "the mode cubic needs attribute 'cubic'");
    if ((cubic || linear) && n->in[0]->dtype == WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a number is needed, cast it");
    return WEFT_OK;
}

/* Element i of the list is not below `least` for certain, if it is constant within 31 bits. */
static weft_status
check_dim(weft_graph *g, weft_node *n, const char *name, int i, int64_t least)
{
    int64_t v;
    const weft_expr *e = weft_node_dim(n, name, i);
    if (weft_as_int(e, &v) ? v >= least && v <= INT32_MAX : weft_dim_at_least(g, e, least) != 0)
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "element %d of '%s' is not in %lld..%d", i,
                          name, (long long)least, INT32_MAX);
}

static weft_status
check_map(weft_graph *g, weft_node *n, int i)
{
    weft_status st = check_dim(g, n, "divisor", i, 1);
    if (st == WEFT_OK)
        st = check_dim(g, n, "step", i, -INT32_MAX);
    return st == WEFT_OK ? check_dim(g, n, "offset", i, -INT32_MAX) : st;
}

/* An axis without elements has none to read. */
static weft_status
check_source(weft_graph *g, weft_node *n, int axis, const weft_expr *to)
{
    if (!weft_is_int_imm(n->in[0]->dim[axis], 0) || weft_is_int_imm(to, 0))
        return WEFT_OK;
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %d is empty: it cannot be made larger",
                          axis);
}

weft_status
weft_infer_resize(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "dims", "step", "offset", "divisor" };
    const weft_value *x = n->in[0];
    weft_status st = check_lists(g, n, x->ndim, 4, lists);
    if (st == WEFT_OK)
        st = check_mode(g, n);
    for (int i = 0; i < x->ndim && st == WEFT_OK; i++) {
        st = check_map(g, n, i);
        if (st == WEFT_OK)
            st = check_source(g, n, i, weft_node_dim(n, "dims", i));
    }
    return st ? st : weft_infer_out(g, n, x->dtype, x->ndim, weft_node_attr(n, "dims")->dims);
}

weft_status
weft_infer_resize_antialias(weft_graph *g, weft_node *n)
{
    static const char *const lists[] = { "dim", "step", "offset", "divisor", "up", "down" };
    const weft_value *x = n->in[0];
    int64_t axis = weft_node_int(n, "axis");
    if (axis < 0 || axis >= x->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d",
                              (long long)axis, x->ndim - 1);
    weft_status st = check_lists(g, n, 1, 6, lists);
    if (st == WEFT_OK)
        st = check_mode(g, n);
    if (st == WEFT_OK)
        st = check_map(g, n, 0);
    if (st == WEFT_OK)
        st = check_dim(g, n, "up", 0, 1);
    if (st == WEFT_OK)
        st = check_dim(g, n, "down", 0, 1);
    if (st == WEFT_OK)
        st = check_source(g, n, (int)axis, weft_node_dim(n, "dim", 0));
    if (st != WEFT_OK)
        return st;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
    memcpy(dim, x->dim, (size_t)x->ndim * sizeof *dim);
    dim[axis] = weft_node_dim(n, "dim", 0);
    return weft_infer_out(g, n, x->dtype, x->ndim, dim);
}
