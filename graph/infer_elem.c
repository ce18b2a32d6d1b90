/* Known elements: small tensors of integers (and floats that are constant) are computed while the
 * graph is built, over symbols too, because shapes are made of them.  What is not covered here has
 * no known elements, which is never wrong. */
#include "graph/priv.h"

#include <math.h>

enum { MAX_RANK = 8 };

typedef const weft_expr *elem; /* i64, or an f64 constant of a float tensor */

typedef struct shape {
    int ndim;
    int64_t dim[MAX_RANK], n;
} shape;

static bool
shape_of(const weft_value *v, shape *s)
{
    s->ndim = v->ndim;
    s->n = 1;
    if (v->ndim > MAX_RANK)
        return false;
    for (int i = 0; i < v->ndim; i++)
        if (!weft_as_int(v->dim[i], &s->dim[i]) || !weft_mul64(s->n, s->dim[i], &s->n))
            return false;
    return s->n <= (weft_is_float(v->dtype) ? WEFT_FLOAT_ELEM_LIMIT : WEFT_ELEM_LIMIT);
}

static bool
known(const weft_value *v)
{
    return v && v->elem;
}

static void
coordinates(const shape *s, int64_t at, int64_t *c)
{
    for (int i = s->ndim - 1; i >= 0; i--) {
        c[i] = at % s->dim[i];
        at /= s->dim[i];
    }
}

static int64_t
offset(const shape *s, const int64_t *c)
{
    int64_t at = 0;
    for (int i = 0; i < s->ndim; i++)
        at = at * s->dim[i] + c[i];
    return at;
}

/* The element of `v` that broadcasting puts at coordinates c of `out`. */
static elem
broadcast_elem(const weft_value *v, const shape *out, const int64_t *c)
{
    shape s;
    int64_t own[MAX_RANK];
    if (!shape_of(v, &s))
        return NULL;
    for (int i = 0; i < s.ndim; i++)
        own[i] = s.dim[i] == 1 ? 0 : c[out->ndim - s.ndim + i];
    return v->elem[offset(&s, own)];
}

/* ---- one element ----------------------------------------------------------------------------- */

static elem
of_int(weft_graph *g, weft_dtype t, int64_t v)
{
    return weft_dim(g, weft_wrap_i64(t, v));
}

static elem
of_float(weft_graph *g, weft_dtype t, double v)
{
    return weft_float(g->ir, WEFT_F64, weft_round_to(t, v));
}

static elem
truth(weft_graph *g, int known_or_not)
{
    return known_or_not < 0 ? NULL : weft_dim(g, known_or_not);
}

static elem
cast_elem(weft_graph *g, weft_dtype from, weft_dtype to, elem a)
{
    int64_t v;
    if (weft_is_float(from)) {
        double x = a->h.u.f;
        if (weft_is_float(to))
            return of_float(g, to, x);
        if (to == WEFT_BOOL)
            return weft_dim(g, x != 0);
        bool fits = x > -9e18 && x < 9e18;
        v = fits ? (int64_t)x : 0;
        return fits && weft_wrap_i64(to, v) == v ? weft_dim(g, v) : NULL;
    }
    if (weft_as_int(a, &v))
        return weft_is_float(to) ? of_float(g, to, (double)v) : of_int(g, to, v);
    if (to == WEFT_BOOL)
        return weft_dim_at_least(g, a, 1) == 1 ? weft_dim(g, 1) : NULL;
    return weft_is_float(to) ? NULL : a;
}

static elem
float_unary(weft_graph *g, weft_op op, weft_dtype t, double x)
{
    switch (op) {
    case WEFT_GOP_NEG:
        return of_float(g, t, -x);
    case WEFT_GOP_ABS:
        return of_float(g, t, fabs(x));
    case WEFT_GOP_RELU:
        return of_float(g, t, x > 0 || isnan(x) ? x : 0);
    case WEFT_GOP_FLOOR:
        return of_float(g, t, floor(x));
    case WEFT_GOP_CEIL:
        return of_float(g, t, ceil(x));
    case WEFT_GOP_RINT:
        return of_float(g, t, rint(x));
    case WEFT_GOP_SQRT:
        return of_float(g, t, sqrt(x));
    case WEFT_GOP_RECIPROCAL:
        return of_float(g, t, 1 / x);
    default:
        return NULL;
    }
}

static elem
unary_elem(weft_graph *g, weft_op op, weft_dtype t, elem a)
{
    if (weft_is_float(t))
        return float_unary(g, op, t, a->h.u.f);
    const weft_expr *zero = weft_dim(g, 0);
    int sign = weft_dim_at_least(g, a, 0);
    switch (op) {
    case WEFT_GOP_NEG:
        return weft_dim_op(g, WEFT_EK_SUB, zero, a);
    case WEFT_GOP_ABS:
        return sign == 1 ? a : sign == 0 ? weft_dim_op(g, WEFT_EK_SUB, zero, a) : NULL;
    case WEFT_GOP_RELU:
        return weft_dim_op(g, WEFT_EK_MAX, zero, a);
    case WEFT_GOP_NOT:
        return weft_is_int_imm(a, 0) ? weft_dim(g, 1) : weft_is_int_imm(a, 1) ? zero : NULL;
    default:
        return NULL;
    }
}

static elem
float_binary(weft_graph *g, weft_op op, weft_dtype t, double a, double b)
{
    switch (op) {
    case WEFT_GOP_ADD:
        return of_float(g, t, a + b);
    case WEFT_GOP_SUB:
        return of_float(g, t, a - b);
    case WEFT_GOP_MUL:
        return of_float(g, t, a * b);
    case WEFT_GOP_DIV:
        return of_float(g, t, a / b);
    case WEFT_GOP_MAXIMUM:
        return a != a || b != b ? NULL : of_float(g, t, a > b ? a : b);
    case WEFT_GOP_MINIMUM:
        return a != a || b != b ? NULL : of_float(g, t, a < b ? a : b);
    default:
        return NULL;
    }
}

/* a < b, and so on by swapping and negating: 1, 0, or -1 where it is not known. */
static int
less(weft_graph *g, elem a, elem b)
{
    return weft_dim_at_least(g, weft_dim_op(g, WEFT_EK_SUB, b, a), 1);
}

static int
negate(int t)
{
    return t < 0 ? t : !t;
}

static elem
compare_elem(weft_graph *g, weft_op op, elem a, elem b)
{
    switch (op) {
    case WEFT_GOP_EQUAL:
        return truth(g, weft_dim_equal(g, a, b));
    case WEFT_GOP_NOT_EQUAL:
        return truth(g, negate(weft_dim_equal(g, a, b)));
    case WEFT_GOP_LESS:
        return truth(g, less(g, a, b));
    case WEFT_GOP_GREATER_EQUAL:
        return truth(g, negate(less(g, a, b)));
    case WEFT_GOP_GREATER:
        return truth(g, less(g, b, a));
    case WEFT_GOP_LESS_EQUAL:
        return truth(g, negate(less(g, b, a)));
    default:
        return NULL;
    }
}

/* Division and remainder that truncate agree with floor where nothing is negative. */
static elem
divide_elem(weft_graph *g, weft_ek op, bool truncates, elem a, elem b)
{
    int64_t x, y;
    if (truncates && weft_as_int(a, &x) && weft_as_int(b, &y)) {
        if (y == 0 || (y == -1 && x == INT64_MIN))
            return NULL;
        return weft_dim(g, op == WEFT_EK_FDIV ? x / y : x % y);
    }
    if (truncates && (weft_dim_at_least(g, a, 0) != 1 || weft_dim_at_least(g, b, 1) != 1))
        return NULL;
    return weft_dim_op(g, op, a, b);
}

static elem
int_binary(weft_graph *g, const weft_node *n, elem a, elem b)
{
    switch (n->op) {
    case WEFT_GOP_ADD:
        return weft_dim_op(g, WEFT_EK_ADD, a, b);
    case WEFT_GOP_SUB:
        return weft_dim_op(g, WEFT_EK_SUB, a, b);
    case WEFT_GOP_MUL:
    case WEFT_GOP_AND: /* of 0 and 1 */
        return weft_dim_op(g, WEFT_EK_MUL, a, b);
    case WEFT_GOP_DIV:
        return divide_elem(g, WEFT_EK_FDIV, true, a, b);
    case WEFT_GOP_MOD:
        return divide_elem(g, WEFT_EK_FMOD, weft_node_int(n, "fmod") != 0, a, b);
    case WEFT_GOP_MAXIMUM:
    case WEFT_GOP_OR:
        return weft_dim_op(g, WEFT_EK_MAX, a, b);
    case WEFT_GOP_MINIMUM:
        return weft_dim_op(g, WEFT_EK_MIN, a, b);
    default:
        return compare_elem(g, n->op, a, b);
    }
}

/* The output element of an elementwise node, from one element of each input. */
static elem
apply(weft_graph *g, const weft_node *n, const elem *a)
{
    weft_dtype from = n->in[0]->dtype, to = n->out[0]->dtype;
    elem e;
    if (n->op == WEFT_GOP_CAST)
        return cast_elem(g, from, to, a[0]);
    if (n->op == WEFT_GOP_WHERE)
        return weft_is_int_imm(a[0], 1)   ? a[1]
               : weft_is_int_imm(a[0], 0) ? a[2]
               : a[1] == a[2]             ? a[1]
                                          : NULL;
    if (n->nin == 1)
        e = unary_elem(g, n->op, from, a[0]);
    else if (weft_is_float(from))
        return weft_is_float(n->in[1]->dtype) ? float_binary(g, n->op, to, a[0]->h.u.f, a[1]->h.u.f)
                                              : NULL;
    else
        e = int_binary(g, n, a[0], a[1]);
    int64_t v;
    return weft_as_int(e, &v) ? of_int(g, to, v) : e;
}

/* ---- moves: which input element an output element is ----------------------------------------- */

static elem
move_concat(const weft_node *n, const shape *out, int64_t *c)
{
    (void)out;
    int64_t axis = weft_node_int(n, "axis");
    for (int i = 0; i < n->nin; i++) {
        shape s;
        if (!shape_of(n->in[i], &s))
            return NULL;
        if (c[axis] < s.dim[axis])
            return n->in[i]->elem[offset(&s, c)];
        c[axis] -= s.dim[axis];
    }
    return NULL;
}

static elem
move_slice(const weft_node *n, const shape *in, int64_t *c)
{
    const int64_t *step = weft_node_attr(n, "steps")->ints;
    for (int i = 0; i < in->ndim; i++) {
        int64_t start, at;
        if (!weft_as_int(weft_node_dim(n, "starts", i), &start) ||
            !weft_mul64(c[i], step[i], &at) || !weft_add64(start, at, &c[i]) || c[i] < 0 ||
            c[i] >= in->dim[i])
            return NULL;
    }
    return n->in[0]->elem[offset(in, c)];
}

static elem
move_gather(const weft_node *n, const shape *in, const int64_t *c)
{
    const weft_value *index = n->in[1];
    int axis = (int)weft_node_int(n, "axis");
    shape s;
    int64_t at[MAX_RANK], v;
    if (!known(index) || !shape_of(index, &s) ||
        !weft_as_int(index->elem[offset(&s, c + axis)], &v))
        return NULL;
    v += v < 0 ? in->dim[axis] : 0;
    if (v < 0 || v >= in->dim[axis])
        return NULL;
    for (int i = 0; i < in->ndim; i++)
        at[i] = i < axis ? c[i] : i == axis ? v : c[i - 1 + s.ndim];
    return n->in[0]->elem[offset(in, at)];
}

/* The element at coordinates c of the output; o is the same as a number. */
static elem
moved(const weft_node *n, const shape *out, int64_t *c, int64_t o)
{
    shape in;
    int64_t at[MAX_RANK] = { 0 };
    if (!shape_of(n->in[0], &in))
        return NULL;
    switch (n->op) {
    case WEFT_GOP_RESHAPE:
    case WEFT_GOP_IDENTITY:
        return n->in[0]->elem[o];
    case WEFT_GOP_BROADCAST_TO:
        return broadcast_elem(n->in[0], out, c);
    case WEFT_GOP_TRANSPOSE:
        for (int i = 0; i < in.ndim; i++)
            at[weft_node_attr(n, "axes")->ints[i]] = c[i];
        return n->in[0]->elem[offset(&in, at)];
    case WEFT_GOP_CONCAT:
        return move_concat(n, out, c);
    case WEFT_GOP_SLICE:
        return move_slice(n, &in, c);
    case WEFT_GOP_GATHER:
        return move_gather(n, &in, c);
    default:
        return NULL;
    }
}

/* ---- reductions ------------------------------------------------------------------------------ */

static bool
reduces(weft_op op, weft_ek *ek, int64_t *first)
{
    *first = op == WEFT_GOP_REDUCE_PROD;
    *ek = op == WEFT_GOP_REDUCE_PROD  ? WEFT_EK_MUL
          : op == WEFT_GOP_REDUCE_SUM ? WEFT_EK_ADD
          : op == WEFT_GOP_REDUCE_MAX ? WEFT_EK_MAX
                                      : WEFT_EK_MIN;
    return op == WEFT_GOP_REDUCE_PROD || op == WEFT_GOP_REDUCE_SUM || op == WEFT_GOP_REDUCE_MAX ||
           op == WEFT_GOP_REDUCE_MIN;
}

/* Walks the input once, each element into the output element it counts for. */
static bool
reduce_elems(weft_graph *g, const weft_node *n, const shape *out, elem *to)
{
    const weft_attr *axes = weft_node_attr(n, "axes");
    bool gone[MAX_RANK] = { false }, keep = weft_node_int(n, "keepdims") != 0;
    weft_ek ek;
    int64_t first, c[MAX_RANK], own[MAX_RANK];
    shape in;
    if (!reduces(n->op, &ek, &first) || !shape_of(n->in[0], &in) || weft_is_float(n->in[0]->dtype))
        return false;
    for (int i = 0; i < axes->n; i++)
        gone[axes->ints[i]] = true;
    for (int64_t i = 0; i < in.n; i++) {
        int ndim = 0;
        coordinates(&in, i, c);
        for (int d = 0; d < in.ndim; d++)
            if (!gone[d] || keep)
                own[ndim++] = gone[d] ? 0 : c[d];
        elem *e = &to[offset(out, own)];
        *e = *e ? weft_dim_op(g, ek, *e, n->in[0]->elem[i]) : n->in[0]->elem[i];
        if (!*e)
            return false;
    }
    for (int64_t i = 0; in.n == 0 && i < out->n; i++)
        to[i] = ek == WEFT_EK_ADD || ek == WEFT_EK_MUL ? weft_dim(g, first) : NULL;
    return true;
}

/* ---- whole tensors --------------------------------------------------------------------------- */

static bool
is_elementwise(weft_op op)
{
    weft_pattern p = weft_op_infos[op].pattern;
    return (p == WEFT_PAT_ELEMWISE || p == WEFT_PAT_BROADCAST) && op != WEFT_GOP_CLIP &&
           op != WEFT_GOP_BATCH_NORM;
}

static elem
elem_at(weft_graph *g, const weft_node *n, const shape *out, int64_t o)
{
    int64_t c[MAX_RANK];
    elem a[3];
    coordinates(out, o, c);
    if (n->op == WEFT_GOP_DIMS)
        return weft_node_dim(n, "value", (int)o);
    if (n->op == WEFT_GOP_ARANGE)
        return cast_elem(g, WEFT_I64, n->out[0]->dtype,
                         weft_dim_op(g, WEFT_EK_ADD, weft_node_dim(n, "start", 0),
                                     weft_dim_op(g, WEFT_EK_MUL, weft_dim(g, o),
                                                 weft_node_dim(n, "step", 0))));
    if (n->op == WEFT_GOP_FULL)
        return cast_elem(g, WEFT_F64, n->out[0]->dtype,
                         weft_float(g->ir, WEFT_F64, weft_node_float(n, "value")));
    if (!is_elementwise(n->op))
        return n->nin ? moved(n, out, c, o) : NULL;
    for (int i = 0; i < n->nin; i++) {
        a[i] = broadcast_elem(n->in[i], out, c);
        if (!a[i])
            return NULL;
    }
    return apply(g, n, a);
}

static bool
may_know(const weft_node *n)
{
    for (int i = 0; i < n->nin; i++)
        if (!known(n->in[i]) || (is_elementwise(n->op) && n->in[i]->ndim > n->out[0]->ndim))
            return false;
    return true;
}

void
weft_infer_elem(weft_graph *g, weft_node *n)
{
    weft_value *v = n->out[0];
    shape out;
    if (weft_node_flows(n) || !may_know(n) || !shape_of(v, &out))
        return;
    elem *to = WEFT_NEW_ARRAY(&g->ir->arena, out.n, elem);
    if (weft_op_infos[n->op].pattern == WEFT_PAT_REDUCTION) {
        if (!weft_node_attr(n, "axes") || !reduce_elems(g, n, &out, to))
            return;
    } else {
        for (int64_t o = 0; o < out.n; o++)
            to[o] = elem_at(g, n, &out, o);
    }
    for (int64_t o = 0; o < out.n; o++)
        if (!to[o])
            return;
    v->elem = to;
    v->nelem = out.n;
}
