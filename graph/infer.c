/* Inference: the frame (arity, attributes, the row's function, known elements), how faults are
 * told, and the elementwise operators.  Movement is in infer_move.c, reductions, contractions and
 * windows in infer_reduce.c, known elements in infer_elem.c. */
#include "graph/priv.h"

#include <string.h>

weft_status
weft_node_fail(weft_graph *g, const weft_node *n, weft_status st, const char *fmt, ...)
{
    weft_str what = { 0 }, inputs = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&what, fmt, args);
    va_end(args);
    for (int i = 0; i < n->nin; i++) {
        weft_str_add(&inputs, i ? ", " : "; inputs ");
        if (n->in[i]) {
            weft_str_addf(&inputs, "%s: ", n->in[i]->name);
            weft_print_type(&inputs, n->in[i]);
        } else {
            weft_str_add(&inputs, "none");
        }
    }
    bool kind = *n->kind != 0;
    weft_fail(g->diag, st, "node '%s'%s%s%s: %s: %s%s", n->name, kind ? " (" : "", n->kind,
              kind ? ")" : "", weft_op_infos[n->op].text, weft_str_text(&what),
              weft_str_text(&inputs));
    weft_str_free(&what);
    weft_str_free(&inputs);
    return st;
}

static weft_status
check_inputs(weft_graph *g, weft_node *n)
{
    const weft_op_info *info = &weft_op_infos[n->op];
    if (n->nin < info->min_in || (info->max_in >= 0 && n->nin > info->max_in))
        return weft_node_fail(
            g, n, WEFT_INVALID_INPUT, "takes %d%s%.0d inputs, not %d", info->min_in,
            info->max_in == info->min_in ? ""
            : info->max_in < 0           ? " or more"
                                         : " to ",
            info->max_in == info->min_in || info->max_in < 0 ? 0 : info->max_in, n->nin);
    for (int i = 0; i < n->nin; i++) {
        bool optional = i >= info->min_in && info->max_in >= 0;
        if (!n->in[i] && !optional)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input %d is missing", i);
        if (n->in[i] && n->in[i]->node && n->in[i]->node->op == WEFT_GOP_READ)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input %d is a size that the run reads; `dims` makes it a tensor",
                                  i);
        if (n->in[i] && !weft_node_sees(g, n, n->in[i]))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input %d is made in a scope that this is not in", i);
        if (n->in[i] && n->in[i]->ndim < 0)
            return weft_node_fail(g, n, WEFT_UNSUPPORTED, "the rank of input %d is not known", i);
    }
    return WEFT_OK;
}

weft_status
weft_graph_infer_node(weft_graph *g, weft_node *n)
{
    weft_status st = check_inputs(g, n);
    if (st == WEFT_OK)
        st = weft_attr_check(g, n);
    if (st == WEFT_OK)
        st = weft_op_infos[n->op].infer(g, n);
    if (st == WEFT_OK)
        weft_infer_elem(g, n);
    return st;
}

weft_status
weft_infer_out(weft_graph *g, weft_node *n, weft_dtype dtype, int ndim, const weft_expr *const *dim)
{
    for (int i = 0; i < ndim; i++) {
        if (!dim[i])
            return weft_node_fail(g, n, WEFT_UNSUPPORTED,
                                  "dimension %d of the output overflows or is "
                                  "too intricate an expression",
                                  i);
        if (weft_dim_at_least(g, dim[i], 0) == 0) {
            weft_str s = { 0 };
            weft_print_dims(&s, ndim, dim);
            const char *text = weft_arena_strdup(&g->ir->arena, weft_str_text(&s));
            weft_str_free(&s);
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "the output would be %s, which has a "
                                  "negative dimension",
                                  text);
        }
    }
    weft_value *v = n->out[0];
    v->dtype = dtype;
    v->ndim = ndim;
    v->dim = weft_arena_dup(&g->ir->arena, dim, (size_t)ndim * sizeof *dim);
    v->elem = NULL;
    v->nelem = 0;
    return WEFT_OK;
}

bool
weft_broadcast(weft_graph *g, int na, const weft_expr *const *a, int nb, const weft_expr *const *b,
               const weft_expr **out)
{
    int n = na > nb ? na : nb;
    for (int i = 0; i < n; i++) {
        const weft_expr *x = i < n - na ? NULL : a[i - (n - na)];
        const weft_expr *y = i < n - nb ? NULL : b[i - (n - nb)];
        if (!y || weft_is_int_imm(y, 1))
            out[i] = x ? x : y;
        else if (!x || weft_is_int_imm(x, 1))
            out[i] = y;
        else if (weft_dim_equal(g, x, y) == 1)
            out[i] = x;
        else
            return false;
    }
    return true;
}

/* ---- dtypes ---------------------------------------------------------------------------------- */

static bool
is_number(weft_dtype t)
{
    return t != WEFT_BOOL;
}

/* What the elements of input 0 have to be, as it stands in a message; NULL: they are. */
static const char *
unary_fault(weft_op op, weft_dtype t)
{
    switch (op) {
    case WEFT_GOP_IDENTITY:
        return NULL;
    case WEFT_GOP_NOT:
        return t == WEFT_BOOL ? NULL : "bool is needed";
    case WEFT_GOP_BIT_NOT:
        return weft_is_int(t) ? NULL : "an integer is needed";
    case WEFT_GOP_NEG:
    case WEFT_GOP_ABS:
    case WEFT_GOP_SIGN:
    case WEFT_GOP_RELU:
        return is_number(t) ? NULL : "a number is needed (bool: cast it)";
    default:
        return weft_is_float(t) ? NULL : "a float is needed, cast it";
    }
}

static weft_status
check_vectors(weft_graph *g, weft_node *n, const weft_expr *c)
{
    for (int i = 1; i < n->nin; i++)
        if (n->in[i]->ndim != 1 || weft_dim_equal(g, n->in[i]->dim[0], c) != 1)
            return weft_node_fail(
                g, n, WEFT_INVALID_INPUT,
                "input %d has to be a vector of as many elements as there are channels", i);
    return WEFT_OK;
}

weft_status
weft_infer_constant(weft_graph *g, weft_node *n)
{
    return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a constant is a value, not a node");
}

weft_status
weft_infer_same(weft_graph *g, weft_node *n)
{
    weft_value *x = n->in[0];
    const char *fault = unary_fault(n->op, x->dtype);
    if (fault)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 is %s: %s",
                              weft_dtype_name(x->dtype), fault);
    const weft_attr *axis = weft_node_attr(n, "axis");
    if (axis && (axis->ints[0] < 0 || axis->ints[0] >= (x->ndim ? x->ndim : 1)))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "axis %lld is outside 0..%d",
                              (long long)axis->ints[0], x->ndim - 1);
    bool channels =
        n->op == WEFT_GOP_BATCH_NORM || n->op == WEFT_GOP_INSTANCE_NORM || n->op == WEFT_GOP_LRN;
    if (n->op == WEFT_GOP_LRN && weft_node_int(n, "size") < 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "size has to be positive");
    if (channels && x->ndim < 2)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "needs at least two dimensions, N and C");
    if (channels) {
        weft_status st = check_vectors(g, n, x->dim[1]);
        if (st != WEFT_OK)
            return st;
    }
    bool scaled = n->op == WEFT_GOP_LAYER_NORM || n->op == WEFT_GOP_RMS_NORM;
    for (int i = 1; scaled && i < n->nin; i++) {
        const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, x->ndim, const weft_expr *);
        if (n->in[i] && (n->in[i]->ndim > x->ndim ||
                         !weft_broadcast(g, x->ndim, x->dim, n->in[i]->ndim, n->in[i]->dim, dim)))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input %d does not broadcast to input 0", i);
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, x->dim);
}

weft_status
weft_infer_cast(weft_graph *g, weft_node *n)
{
    return weft_infer_out(g, n, weft_node_attr(n, "dtype")->dtype, n->in[0]->ndim, n->in[0]->dim);
}

weft_status
weft_infer_bitcast(weft_graph *g, weft_node *n)
{
    weft_dtype from = n->in[0]->dtype, to = weft_node_attr(n, "dtype")->dtype;
    if (weft_dtype_bits(from) != weft_dtype_bits(to))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "%s has %d bits, %s has %d",
                              weft_dtype_name(from), weft_dtype_bits(from), weft_dtype_name(to),
                              weft_dtype_bits(to));
    return weft_infer_out(g, n, to, n->in[0]->ndim, n->in[0]->dim);
}

weft_status
weft_infer_test(weft_graph *g, weft_node *n)
{
    if (!weft_is_float(n->in[0]->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 has to be a float");
    return weft_infer_out(g, n, WEFT_BOOL, n->in[0]->ndim, n->in[0]->dim);
}

/* ---- broadcasting ---------------------------------------------------------------------------- */

/* The shape that all inputs from `first` on broadcast to. */
static weft_status
joint_shape(weft_graph *g, weft_node *n, int first, int *ndim, const weft_expr ***dim)
{
    *ndim = n->in[first]->ndim;
    for (int i = first; i < n->nin; i++)
        if (n->in[i]->ndim > *ndim)
            *ndim = n->in[i]->ndim;
    *dim = WEFT_NEW_ARRAY(&g->ir->arena, *ndim, const weft_expr *);
    int have = n->in[first]->ndim;
    if (have)
        memcpy(*dim, n->in[first]->dim, (size_t)have * sizeof **dim);
    for (int i = first + 1; i < n->nin; i++) {
        const weft_expr **next = WEFT_NEW_ARRAY(&g->ir->arena, *ndim, const weft_expr *);
        if (!weft_broadcast(g, have, *dim, n->in[i]->ndim, n->in[i]->dim, next))
            return weft_node_fail(
                g, n, WEFT_INVALID_INPUT,
                "the shapes do not broadcast (dimensions, "
                "counted from the last, have to be equal or 1; give symbols that are "
                "known a value)");
        have = have > n->in[i]->ndim ? have : n->in[i]->ndim;
        *dim = next;
    }
    return WEFT_OK;
}

static bool
is_logical(weft_op op)
{
    return op == WEFT_GOP_AND || op == WEFT_GOP_OR || op == WEFT_GOP_XOR;
}

static bool
is_bitwise(weft_op op)
{
    return op >= WEFT_GOP_BIT_AND && op <= WEFT_GOP_RIGHT_SHIFT;
}

/* Whether the operator is defined for operands of t. */
static bool
takes(weft_op op, weft_dtype t)
{
    if (is_logical(op))
        return t == WEFT_BOOL;
    if (is_bitwise(op))
        return weft_is_int(t);
    return op == WEFT_GOP_EQUAL || op == WEFT_GOP_NOT_EQUAL || is_number(t);
}

static weft_status
check_operands(weft_graph *g, weft_node *n)
{
    weft_dtype a = n->in[0]->dtype, b = n->in[1]->dtype;
    if (a != b && n->op != WEFT_GOP_POW)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the operands are %s and %s: cast one of them", weft_dtype_name(a),
                              weft_dtype_name(b));
    if (!takes(n->op, a) || !takes(n->op, b))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "operands of %s are not possible",
                              weft_dtype_name(a));
    return WEFT_OK;
}

weft_status
weft_infer_broadcast(weft_graph *g, weft_node *n)
{
    int ndim;
    const weft_expr **dim;
    weft_status st = check_operands(g, n);
    if (st == WEFT_OK)
        st = joint_shape(g, n, 0, &ndim, &dim);
    if (st != WEFT_OK)
        return st;
    if (n->op == WEFT_GOP_PRELU && ndim != n->in[0]->ndim)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "the slope has more dimensions than the input");
    return weft_infer_out(g, n, n->in[0]->dtype, ndim, dim);
}

weft_status
weft_infer_compare(weft_graph *g, weft_node *n)
{
    int ndim;
    const weft_expr **dim;
    weft_status st = check_operands(g, n);
    if (st == WEFT_OK)
        st = joint_shape(g, n, 0, &ndim, &dim);
    return st == WEFT_OK ? weft_infer_out(g, n, WEFT_BOOL, ndim, dim) : st;
}

weft_status
weft_infer_where(weft_graph *g, weft_node *n)
{
    int ndim;
    const weft_expr **dim;
    if (n->in[0]->dtype != WEFT_BOOL)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0, the condition, has to be bool");
    if (n->in[1]->dtype != n->in[2]->dtype)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "inputs 1 and 2 have to be of one dtype");
    weft_status st = joint_shape(g, n, 0, &ndim, &dim);
    return st == WEFT_OK ? weft_infer_out(g, n, n->in[1]->dtype, ndim, dim) : st;
}

weft_status
weft_infer_clip(weft_graph *g, weft_node *n)
{
    weft_value *x = n->in[0];
    if (!is_number(x->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input 0 has to be a number");
    for (int i = 1; i < n->nin; i++) {
        int64_t count;
        if (n->in[i] &&
            (n->in[i]->dtype != x->dtype || !weft_value_count(n->in[i], &count) || count != 1))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "input %d has to be one element of %s",
                                  i, weft_dtype_name(x->dtype));
    }
    return weft_infer_out(g, n, x->dtype, x->ndim, x->dim);
}

/* ---- what has no input ----------------------------------------------------------------------- */

weft_status
weft_infer_full(weft_graph *g, weft_node *n)
{
    const weft_attr *dims = weft_node_attr(n, "dims");
    return weft_infer_out(g, n, weft_node_attr(n, "dtype")->dtype, dims->n, dims->dims);
}

weft_status
weft_infer_dims(weft_graph *g, weft_node *n)
{
    const weft_attr *value = weft_node_attr(n, "value");
    bool scalar = weft_node_int(n, "scalar") != 0;
    if (scalar && value->n != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a scalar has one element, not %d",
                              value->n);
    const weft_expr *dim = weft_dim(g, value->n);
    return weft_infer_out(g, n, WEFT_I64, scalar ? 0 : 1, &dim);
}

weft_status
weft_infer_arange(weft_graph *g, weft_node *n)
{
    static const char *const names[] = { "start", "step", "dim" };
    weft_dtype t = weft_node_attr(n, "dtype")->dtype;
    for (int i = 0; i < 3; i++)
        if (weft_node_attr(n, names[i])->n != 1)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "'%s' has to be one number", names[i]);
    if (!weft_is_int(t) || weft_dtype_bits(t) < 8)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "%s: integers of 8 bits and more are made",
                              weft_dtype_name(t));
    return weft_infer_out(g, n, t, 1, weft_node_attr(n, "dim")->dims);
}
