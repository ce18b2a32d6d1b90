/* Importers of If, Loop and Scan.
 *
 * A condition that is known chooses its branch here.  A loop that is short and whose number of
 * iterations is known is unrolled, and so is one that carries lists or values which change their
 * shape; the others become loops of the plan.
 */
#include "import/ops.h"

#include <string.h>

enum {
    UNROLL = 8,             /* iterations of what is unrolled though it need not be */
    UNROLL_NODES = 256,     /* and nodes that this makes */
    UNROLL_MOST = 1 << 14,  /* nodes of what has to be unrolled */
    BATCHES = 64            /* of a Scan of operator set 8 */
};

static onnx_slot
slot_of(weft_value *v)
{
    return (onnx_slot){ .value = v };
}

/* The one element of a condition, where it is known. */
static bool
known_condition(const weft_value *v, bool *holds)
{
    int64_t k;
    if (!v->elem || v->nelem != 1 || !weft_as_int(v->elem[0], &k))
        return false;
    *holds = k != 0;
    return true;
}

/* The condition as 0 or 1, read when the run comes to it; NULL after a fault. */
static const weft_expr *
condition(onnx_node *n, weft_value *v, const char *what)
{
    int64_t count;
    if (n->status != WEFT_OK)
        return NULL;
    if (v->dtype != WEFT_BOOL || (weft_value_count(v, &count) && count != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%s ('%s') has to be one bool", what, v->name);
    const weft_expr *k =
        n->status ? NULL : weft_graph_read(n->graph, n->name, n->kind, v, 0, weft_dim(n->graph, 1));
    return weft_onnx_made_dim(n, k);
}

/* ---- If -------------------------------------------------------------------------------------- */

static weft_value *
yield(onnx_node *n, weft_value *v, weft_value *carry)
{
    weft_value *in[] = { v, carry };
    return weft_onnx_emit(n, WEFT_GOP_YIELD, carry ? 2 : 1, in, 0, NULL);
}

/* What a branch gives, and that yielded. */
static onnx_slot
yield_slot(onnx_node *n, onnx_slot s)
{
    if (!s.list)
        return slot_of(yield(n, s.value, NULL));
    onnx_slot *at = WEFT_NEW_ARRAY(n->arena, s.list->n + 1, onnx_slot);
    onnx_list *list = WEFT_NEW(n->arena, onnx_list);
    for (int i = 0; i < s.list->n && n->status == WEFT_OK; i++)
        at[i] = yield_slot(n, s.list->at[i]);
    *list = (onnx_list){ s.list->optional, s.list->n, at };
    return (onnx_slot){ .list = list };
}

static void
import_branch(onnx_node *n, const onnx_graph_proto *p, const weft_expr *test, int nout,
              onnx_slot *out, onnx_slot *yielded)
{
    if (n->status != WEFT_OK)
        return;
    weft_graph_if(n->graph, test);
    weft_onnx_body(n, p, NULL, 0, NULL, nout, out);
    for (int i = 0; i < nout && n->status == WEFT_OK; i++)
        yielded[i] = yield_slot(n, out[i]);
    weft_graph_leave(n->graph);
}

/* a where k is 1, b where it is 0. */
static const weft_expr *
either(weft_graph *g, const weft_expr *k, const weft_expr *a, const weft_expr *b)
{
    if (weft_dim_equal(g, a, b) == 1)
        return a;
    const weft_expr *other = weft_dim_op(g, WEFT_EK_SUB, weft_dim(g, 1), k);
    return weft_dim_op(g, WEFT_EK_ADD, weft_dim_op(g, WEFT_EK_MUL, k, a),
                       weft_dim_op(g, WEFT_EK_MUL, other, b));
}

/* Known elements of both branches are known of the result: shapes go through conditions, too. */
static void
merge_elems(onnx_node *n, const weft_expr *k, const weft_value *a, const weft_value *b,
            weft_value *out)
{
    if (!out || !a->elem || !b->elem || a->nelem != b->nelem || weft_is_float(a->dtype))
        return;
    const weft_expr **elem = WEFT_NEW_ARRAY(&n->graph->ir->arena, a->nelem + 1, const weft_expr *);
    for (int64_t i = 0; i < a->nelem; i++) {
        bool sizes = a->elem[i]->h.type.dtype == WEFT_I64 && b->elem[i]->h.type.dtype == WEFT_I64;
        elem[i] = sizes ? either(n->graph, k, a->elem[i], b->elem[i]) : NULL;
        if (!elem[i])
            return;
    }
    out->elem = elem;
    out->nelem = a->nelem;
}

static weft_value *
merge(onnx_node *n, const weft_expr *k, weft_value *const from[2], weft_value *const yielded[2])
{
    const weft_value *a = from[0], *b = from[1];
    if (a->dtype != b->dtype || a->ndim != b->ndim) {
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "one branch gives %s of rank %d, the other %s of rank %d; give the condition "
                       "a fixed value",
                       weft_dtype_name(a->dtype), a->ndim, weft_dtype_name(b->dtype), b->ndim);
        return NULL;
    }
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, a->ndim + 1, const weft_expr *);
    for (int d = 0; d < a->ndim; d++)
        if (!(dim[d] = either(n->graph, k, a->dim[d], b->dim[d])))
            return weft_onnx_made(n, NULL);
    weft_attr dims = weft_attr_dims("dims", a->ndim, dim);
    weft_value *out = weft_onnx_emit(n, WEFT_GOP_MERGE, 2, yielded, 1, &dims);
    merge_elems(n, k, a, b, out);
    return out;
}

static onnx_slot
merge_slots(onnx_node *n, const weft_expr *k, const onnx_slot from[2], const onnx_slot yielded[2])
{
    const onnx_list *a = from[0].list, *b = from[1].list;
    if (!a && !b)
        return slot_of(merge(n, k, (weft_value *[]){ from[0].value, from[1].value },
                             (weft_value *[]){ yielded[0].value, yielded[1].value }));
    if (!a || !b || a->n != b->n || a->optional != b->optional) {
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "the branches give sequences or optionals of different lengths; give the "
                       "condition a fixed value");
        return (onnx_slot){ 0 };
    }
    onnx_slot *at = WEFT_NEW_ARRAY(n->arena, a->n + 1, onnx_slot);
    onnx_list *list = WEFT_NEW(n->arena, onnx_list);
    for (int i = 0; i < a->n && n->status == WEFT_OK; i++)
        at[i] = merge_slots(n, k, (onnx_slot[]){ a->at[i], b->at[i] },
                            (onnx_slot[]){ yielded[0].list->at[i], yielded[1].list->at[i] });
    *list = (onnx_list){ a->optional, a->n, at };
    return (onnx_slot){ .list = list };
}

static void
import_both(onnx_node *n, const onnx_graph_proto *const branch[2], int nout)
{
    weft_graph *g = n->graph;
    onnx_slot *out[2], *yielded[2];
    const weft_expr *k = condition(n, n->in[0], "the condition");
    for (int b = 0; b < 2 && n->status == WEFT_OK; b++) {
        out[b] = WEFT_NEW_ARRAY(n->arena, nout + 1, onnx_slot);
        yielded[b] = WEFT_NEW_ARRAY(n->arena, nout + 1, onnx_slot);
        const weft_expr *test = b ? weft_dim_op(g, WEFT_EK_SUB, weft_dim(g, 1), k) : k;
        import_branch(n, branch[b], test, nout, out[b], yielded[b]);
    }
    for (int i = 0; i < n->nout && n->status == WEFT_OK; i++) {
        weft_onnx_last(n, i);
        weft_onnx_set_slot(n, i, merge_slots(n, k, (onnx_slot[]){ out[0][i], out[1][i] },
                                             (onnx_slot[]){ yielded[0][i], yielded[1][i] }));
    }
}

void
weft_onnx_import_if(onnx_node *n)
{
    const onnx_graph_proto *branch[2] = { weft_onnx_attr_graph(n, "then_branch"),
                                          weft_onnx_attr_graph(n, "else_branch") };
    bool holds;
    if (!branch[0] || !branch[1] || !n->in[0])
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it needs a condition and two branches");
    if (n->status != WEFT_OK)
        return;
    int nout = (int)branch[0]->n_output;
    if (n->nout > nout)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has %d outputs, and its branch %d", n->nout, nout);
    if (!known_condition(n->in[0], &holds)) {
        import_both(n, branch, nout);
        return;
    }
    const onnx_graph_proto *p = branch[holds ? 0 : 1];
    onnx_slot *out = WEFT_NEW_ARRAY(n->arena, p->n_output + 1, onnx_slot);
    weft_onnx_body(n, p, NULL, 0, NULL, (int)p->n_output, out);
    if (n->nout > (int)p->n_output)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has %d outputs, and its branch %zu", n->nout,
                       p->n_output);
    for (int i = 0; i < n->nout && n->status == WEFT_OK; i++)
        weft_onnx_set_slot(n, i, out[i]);
}

/* ---- what Loop and Scan share ---------------------------------------------------------------- */

typedef struct along { /* of a tensor that is taken apart or put together */
    int64_t axis;
    bool back; /* from its end */
} along;

typedef struct repeated {
    onnx_node *n;
    const onnx_graph_proto *body;
    bool counted; /* Loop: iteration and condition come first, a condition comes out first */
    int nstate, nscan, nstack;
    weft_value **scanned;
    const along *in, *out; /* of each scanned, each stacked */
    const weft_expr *trips; /* at most */
    bool bounded;           /* memory can be laid out for so many */
} repeated;

/* Results: states, and what the iterations put together. */
typedef struct results {
    onnx_slot *state;
    weft_value **stack;
} results;

static int
outputs_of(const repeated *r)
{
    return r->counted + r->nstate + r->nstack;
}

static size_t
nodes_of(const onnx_graph_proto *p)
{
    size_t n = p->n_node;
    for (size_t i = 0; i < p->n_node; i++)
        for (size_t k = 0; k < p->node[i]->n_attribute; k++)
            n += p->node[i]->attribute[k]->g ? nodes_of(p->node[i]->attribute[k]->g) : 0;
    return n;
}

/* Input i of the body, a number, has one dimension or none. */
static int
number_rank(const repeated *r, size_t i)
{
    const WeftOnnx__TypeProto *t = i < r->body->n_input ? r->body->input[i]->type : NULL;
    const WeftOnnx__TensorShapeProto *s = t && t->tensor_type ? t->tensor_type->shape : NULL;
    return s && s->n_dim == 1 ? 1 : 0;
}

static weft_value *
iteration_number(const repeated *r, const weft_expr *i)
{
    onnx_node *n = r->n;
    const char *name = weft_arena_printf(n->arena, "%s_iteration", n->name);
    return weft_onnx_made(
        n, weft_graph_dims(n->graph, name, number_rank(r, 0) ? 1 : -1, &i));
}

/* In an iteration the condition holds: there would be none otherwise. */
static weft_value *
true_value(const repeated *r)
{
    int64_t one = 1;
    weft_const c;
    char *data = weft_onnx_new_constant(r->n, WEFT_BOOL, number_rank(r, 1), &one, &c);
    if (!data)
        return NULL;
    *data = 1;
    return weft_onnx_constant_of(r->n, &c);
}

static const weft_expr *
place_of(const repeated *r, const weft_expr *i, bool back)
{
    weft_graph *g = r->n->graph;
    if (!back)
        return i;
    const weft_expr *last = weft_dim_op(g, WEFT_EK_SUB, r->trips, weft_dim(g, 1));
    return weft_dim_op(g, WEFT_EK_SUB, last, i);
}

/* Element i of a scanned tensor, without the axis. */
static weft_value *
scanned_at(const repeated *r, int k, const weft_expr *i)
{
    onnx_node *n = r->n;
    weft_value *x = r->scanned[k];
    int axis = (int)r->in[k].axis, rank = 0;
    weft_value *one = weft_onnx_slice(n, x, axis, place_of(r, i, r->in[k].back),
                                      weft_dim(n->graph, 1));
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
    for (int d = 0; d < x->ndim; d++)
        if (d != axis)
            dim[rank++] = x->dim[d];
    return one ? weft_onnx_reshape(n, one, rank, dim) : NULL;
}

/* The body once: out[] is its outputs. */
static void
iterate(const repeated *r, const weft_expr *i, const onnx_slot *state, onnx_slot *out)
{
    onnx_node *n = r->n;
    int k = 0;
    onnx_slot *in = WEFT_NEW_ARRAY(n->arena, 3 + r->nstate + r->nscan, onnx_slot);
    if (r->counted) {
        in[k++].value = iteration_number(r, i);
        in[k++].value = true_value(r);
    }
    for (int s = 0; s < r->nstate; s++)
        in[k++] = state[s];
    for (int s = 0; s < r->nscan && n->status == WEFT_OK; s++)
        in[k++].value = scanned_at(r, s, i);
    weft_onnx_body(n, r->body, i, k, in, outputs_of(r), out);
    for (int s = outputs_of(r) - r->nstack; s < outputs_of(r) && n->status == WEFT_OK; s++)
        if (!out[s].value)
            weft_onnx_fail(n, WEFT_UNSUPPORTED, "output %d of its graph is stacked and no tensor", s);
}

/* ---- unrolled -------------------------------------------------------------------------------- */

static int
stack_axis(const repeated *r, int k, int rank)
{
    return r->out ? weft_onnx_axis(r->n, r->out[k].axis, rank + 1, false) : 0;
}

static weft_value *
with_axis(onnx_node *n, weft_value *v, int axis)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, v->ndim + 1, const weft_expr *);
    for (int d = 0; d <= v->ndim; d++)
        dim[d] = d == axis ? weft_dim(n->graph, 1) : v->dim[d - (d > axis)];
    return weft_onnx_reshape(n, v, v->ndim + 1, dim);
}

/* Of no iteration: as the first would have it. */
static weft_value *
empty_stack(const repeated *r, int k, const weft_value *v)
{
    onnx_node *n = r->n;
    int axis = stack_axis(r, k, v->ndim);
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, v->ndim + 1, const weft_expr *);
    for (int d = 0; d <= v->ndim; d++)
        dim[d] = d == axis ? weft_dim(n->graph, 0) : v->dim[d - (d > axis)];
    return weft_onnx_full(n, v->dtype, v->ndim + 1, dim, 0);
}

static weft_value *
join(const repeated *r, int k, int count, weft_value *const *v)
{
    onnx_node *n = r->n;
    if (count == 0)
        return empty_stack(r, k, v[0]);
    int axis = stack_axis(r, k, v[0]->ndim);
    const char *next = n->next;
    weft_value **part = WEFT_NEW_ARRAY(n->arena, count + 1, weft_value *);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        n->next = NULL;
        part[r->out && r->out[k].back ? count - 1 - i : i] = with_axis(n, v[i], axis);
    }
    n->next = next;
    weft_attr attr = weft_attr_int("axis", &(int64_t){ axis });
    return n->status ? NULL : weft_onnx_emit(n, WEFT_GOP_CONCAT, count, part, 1, &attr);
}

/* What an iteration would stack, for its type; the nodes are dead. */
static void
try_one(const repeated *r, const onnx_slot *state, onnx_slot *out, weft_value ***part)
{
    if (r->nstack)
        iterate(r, weft_dim(r->n->graph, 0), state, out);
    for (int k = 0; k < r->nstack; k++)
        part[k][0] = out[r->counted + r->nstate + k].value;
}

/* `count` iterations one after the other.  False: whether there are so many is known when the model
 * runs alone; what was made until then is dead. */
static bool
unroll(const repeated *r, int count, results *to)
{
    onnx_node *n = r->n;
    weft_value ***part = WEFT_NEW_ARRAY(n->arena, r->nstack + 1, weft_value **);
    onnx_slot *state = weft_arena_dup(n->arena, to->state, (size_t)(r->nstate + 1) * sizeof *state);
    onnx_slot *out = WEFT_NEW_ARRAY(n->arena, outputs_of(r) + 1, onnx_slot);
    bool again = true;
    int ran = 0;
    for (int k = 0; k < r->nstack; k++)
        part[k] = WEFT_NEW_ARRAY(n->arena, count + 1, weft_value *);
    if (count == 0)
        try_one(r, state, out, part);
    for (; ran < count && again && n->status == WEFT_OK; ran++) {
        iterate(r, weft_dim(n->graph, ran), state, out);
        if (n->status == WEFT_OK && r->counted &&
            (!out[0].value || !known_condition(out[0].value, &again)))
            return false;
        for (int s = 0; s < r->nstate; s++)
            state[s] = out[r->counted + s];
        for (int k = 0; k < r->nstack; k++)
            part[k][ran] = out[r->counted + r->nstate + k].value;
    }
    memcpy(to->state, state, (size_t)r->nstate * sizeof *state);
    for (int k = 0; k < r->nstack && n->status == WEFT_OK; k++) {
        weft_onnx_last(n, r->nstate + k);
        to->stack[k] = join(r, k, ran, part[k]);
    }
    return true;
}

/* ---- as a loop of the plan ------------------------------------------------------------------- */

static bool
has_lists(const repeated *r, const onnx_slot *state)
{
    for (int s = 0; s < r->nstate; s++)
        if (state[s].list)
            return true;
    return false;
}

static bool
mentions(const weft_graph *g, const weft_expr *e, int first)
{
    for (int s = first; s < g->symbol.n && e->h.kind == WEFT_EK_VAR; s++)
        if (g->symbol.at[s] == e->h.u.var)
            return true;
    for (int i = 0; i < e->h.nargs; i++)
        if (mentions(g, e->arg[i], first))
            return true;
    return false;
}

/* Whether the value has the same shape in every iteration: over symbols from before the loop. */
static bool
keeps_shape(const weft_graph *g, const weft_value *v, int first)
{
    for (int d = 0; d < v->ndim; d++)
        if (mentions(g, v->dim[d], first))
            return false;
    return true;
}

static bool
same_type(weft_graph *g, const weft_value *a, const weft_value *b)
{
    bool same = a->dtype == b->dtype && a->ndim == b->ndim;
    for (int d = 0; same && d < a->ndim; d++)
        same = weft_dim_equal(g, a->dim[d], b->dim[d]) == 1;
    return same;
}

/* The name of an output of the body that memory cannot be laid out for; NULL: there is none. */
static const char *
find_changing(const repeated *r, const onnx_slot *carry, const onnx_slot *out, int first)
{
    const weft_graph *g = r->n->graph;
    for (int i = r->counted; i < outputs_of(r); i++) {
        int s = i - r->counted;
        bool state = s < r->nstate;
        if (!out[i].value || !keeps_shape(g, out[i].value, first) ||
            (state && !same_type(r->n->graph, carry[s].value, out[i].value)))
            return weft_onnx_text(r->body->output[i]->name);
    }
    return NULL;
}

static weft_value *
stack(const repeated *r, int k, const weft_expr *i, weft_value *v)
{
    const weft_expr *at = place_of(r, i, r->out && r->out[k].back);
    weft_attr attr[] = { weft_attr_dims("at", 1, &at), weft_attr_dims("size", 1, &r->trips) };
    return at ? weft_onnx_emit(r->n, WEFT_GOP_STACK, 1, &v, 2, attr) : weft_onnx_made(r->n, NULL);
}

/* The first axis of a stack to its place. */
static weft_value *
result_stack(const repeated *r, int k, weft_value *v, const weft_expr *size)
{
    onnx_node *n = r->n;
    weft_attr attr = weft_attr_dims("size", 1, &size);
    int axis = v ? stack_axis(r, k, v->ndim - 1) : 0;
    const char *next = n->next;
    n->next = axis ? NULL : next;
    v = v ? weft_onnx_emit(n, WEFT_GOP_RESULT, 1, &v, 1, &attr) : NULL;
    if (!v || !axis)
        return v;
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, v->ndim, int64_t);
    for (int d = 0; d < v->ndim; d++)
        axes[d] = d < axis ? d + 1 : d == axis ? 0 : d;
    n->next = next;
    return weft_onnx_transpose(n, v, axes);
}

static weft_value *
result_state(const repeated *r, weft_value *v)
{
    return v ? weft_onnx_emit(r->n, WEFT_GOP_RESULT, 1, &v, 0, NULL) : NULL;
}

/* Yields and stacks of an iteration, and its test; the number of iterations, NULL: all. */
static const weft_expr *
end_iteration(const repeated *r, const weft_expr *i, const onnx_slot *carry, const onnx_slot *out,
              weft_value **given)
{
    onnx_node *n = r->n;
    const weft_expr *count = NULL;
    bool holds = true;
    for (int k = 0; k < r->nstack && n->status == WEFT_OK; k++)
        given[r->nstate + k] = stack(r, k, i, out[r->counted + r->nstate + k].value);
    if (r->counted && n->status == WEFT_OK &&
        (!out[0].value || !known_condition(out[0].value, &holds) || !holds)) {
        const weft_expr *test = out[0].value ? condition(n, out[0].value, "the condition of its graph") : NULL;
        if (!out[0].value)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "the condition of its graph is no tensor");
        if (test)
            count = weft_graph_until(
                n->graph, weft_arena_printf(n->arena, "%s_count", n->name), test);
    }
    for (int s = 0; s < r->nstate && n->status == WEFT_OK; s++)
        given[s] = yield(n, out[r->counted + s].value, carry[s].value);
    return count;
}

/* NULL: done, or a fault.  Else the name of a value that changes its shape from iteration to
 * iteration; what was made until then is dead. */
static const char *
loop(const repeated *r, results *to)
{
    onnx_node *n = r->n;
    weft_graph *g = n->graph;
    int first = g->symbol.n;
    onnx_slot *carry = WEFT_NEW_ARRAY(n->arena, r->nstate + 1, onnx_slot);
    onnx_slot *out = WEFT_NEW_ARRAY(n->arena, outputs_of(r) + 1, onnx_slot);
    weft_value **given = WEFT_NEW_ARRAY(n->arena, r->nstate + r->nstack + 1, weft_value *);
    const weft_expr *count = NULL;
    for (int s = 0; s < r->nstate && n->status == WEFT_OK; s++)
        carry[s].value = weft_onnx_unary(n, WEFT_GOP_CARRY, to->state[s].value);
    const weft_expr *i = weft_graph_loop(g, weft_arena_printf(n->arena, "%s_i", n->name), r->trips);
    if (n->status == WEFT_OK)
        iterate(r, i, carry, out);
    const char *changing = n->status ? NULL : find_changing(r, carry, out, first);
    if (!changing && n->status == WEFT_OK)
        count = end_iteration(r, i, carry, out, given);
    weft_graph_leave(g);
    for (int s = 0; s < r->nstate && n->status == WEFT_OK && !changing; s++) {
        weft_onnx_last(n, s);
        to->state[s].value = result_state(r, given[s]);
    }
    for (int k = 0; k < r->nstack && n->status == WEFT_OK && !changing; k++) {
        weft_onnx_last(n, r->nstate + k);
        to->stack[k] = result_stack(r, k, given[r->nstate + k], count ? count : r->trips);
    }
    return changing;
}

/* How many nodes so many iterations make stays below a bound. */
static bool
is_short(const repeated *r, int64_t count, int64_t most)
{
    int64_t nodes = (int64_t)nodes_of(r->body) + 1, all;
    return weft_mul64(nodes, count, &all) && all <= most;
}

static void
repeat(const repeated *r, results *to)
{
    onnx_node *n = r->n;
    int64_t count = 0;
    bool constant = weft_as_int(r->trips, &count) && r->bounded;
    bool lists = has_lists(r, to->state);
    if (constant &&
        (count == 0 || (count <= UNROLL && is_short(r, count, UNROLL_NODES)) || lists) &&
        is_short(r, count, UNROLL_MOST) && unroll(r, (int)count, to))
        return;
    if (lists)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "it carries a sequence or an optional, and how often it runs, or that it does "
                       "so rarely, is not known; give the inputs that decide it a fixed value");
    if (r->nstack && !r->bounded)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "how often it runs is known when the model runs alone, and output %d has a "
                       "part of each iteration; give the inputs that decide it a fixed value",
                       r->nstate);
    const char *changing = n->status ? NULL : loop(r, to);
    if (!changing)
        return;
    if (!constant || !is_short(r, count, UNROLL_MOST) || !unroll(r, (int)count, to))
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "'%s' of its graph changes its type or shape from iteration to iteration; give "
                       "the inputs that decide how often it runs a fixed value",
                       changing);
}

static results
start_results(const repeated *r, int first)
{
    onnx_node *n = r->n;
    results to = { WEFT_NEW_ARRAY(n->arena, r->nstate + 1, onnx_slot),
                   WEFT_NEW_ARRAY(n->arena, r->nstack + 1, weft_value *) };
    for (int s = 0; s < r->nstate; s++) {
        to.state[s] = weft_onnx_slot(n, first + s);
        if (!to.state[s].value && !to.state[s].list)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d is missing", first + s);
    }
    return to;
}

static void
set_results(const repeated *r, const results *to)
{
    for (int s = 0; s < r->nstate && r->n->status == WEFT_OK; s++)
        weft_onnx_set_slot(r->n, s, to->state[s]);
    for (int k = 0; k < r->nstack && r->n->status == WEFT_OK; k++)
        weft_onnx_set(r->n, r->nstate + k, to->stack[k]);
}

/* ---- Loop ------------------------------------------------------------------------------------ */

/* Iterations at most: input 0 and, where the condition does not hold at the start, none. */
static void
find_trips(repeated *r)
{
    onnx_node *n = r->n;
    weft_graph *g = n->graph;
    weft_value *most = weft_onnx_in(n, 0), *cond = weft_onnx_in(n, 1);
    const weft_expr *m = weft_dim(g, INT64_MAX), *all = m;
    int64_t count;
    if (most && (!weft_is_int(most->dtype) || (weft_value_count(most, &count) && count != 1)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 0 ('%s') has to be one integer", most->name);
    if (most && n->status == WEFT_OK)
        m = weft_onnx_made_dim(n, weft_graph_read(g, n->name, n->kind, most, 0, all));
    r->bounded = most && most->elem && m == most->elem[0];
    if (m && r->bounded)
        m = weft_dim_op(g, WEFT_EK_MAX, m, weft_dim(g, 0));
    const weft_expr *k = cond && m ? condition(n, cond, "input 1") : NULL;
    r->trips = k ? weft_dim_op(g, WEFT_EK_MUL, m, k) : m;
    if (n->status == WEFT_OK)
        weft_onnx_made_dim(n, r->trips);
}

void
weft_onnx_import_loop(onnx_node *n)
{
    repeated r = { .n = n, .body = weft_onnx_attr_graph(n, "body"), .counted = true };
    if (!r.body)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has no graph 'body'");
    r.nstate = n->nin > 2 ? n->nin - 2 : 0;
    r.nstack = r.body ? (int)r.body->n_output - 1 - r.nstate : 0;
    if (r.nstack < 0 || (r.body && n->nout > r.nstate + r.nstack))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "its graph has %d outputs; a condition and %d carried values are %d, and it "
                       "has %d outputs itself",
                       (int)r.body->n_output, r.nstate, 1 + r.nstate, n->nout);
    results to = start_results(&r, 2);
    if (n->status == WEFT_OK)
        find_trips(&r);
    if (n->status == WEFT_OK)
        repeat(&r, &to);
    set_results(&r, &to);
}

/* ---- Scan ------------------------------------------------------------------------------------ */

/* Axes and directions of n tensors; absent ones are 0. */
static along *
read_along(onnx_node *n, const char *axes, const char *directions, int count)
{
    along *a = WEFT_NEW_ARRAY(n->arena, count + 1, along);
    int naxes = 0, nback = 0;
    const int64_t *axis = axes ? weft_onnx_attr_ints(n, axes, &naxes) : NULL;
    const int64_t *back = directions ? weft_onnx_attr_ints(n, directions, &nback) : NULL;
    if ((axis && naxes != count) || (back && nback != count))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attributes '%s' and '%s' have to have %d elements",
                       axes ? axes : "", directions, count);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        a[i] = (along){ axis ? axis[i] : 0, back && back[i] };
        if (back && back[i] != 0 && back[i] != 1)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "a direction of '%s' is neither 0 nor 1",
                           directions);
    }
    return a;
}

/* What all scanned tensors have along their axes. */
static void
find_length(repeated *r, along *in)
{
    onnx_node *n = r->n;
    for (int k = 0; k < r->nscan && n->status == WEFT_OK; k++) {
        in[k].axis = weft_onnx_axis(n, in[k].axis, r->scanned[k]->ndim, false);
        if (n->status != WEFT_OK)
            return;
        const weft_expr *length = r->scanned[k]->dim[in[k].axis];
        if (k && weft_dim_equal(n->graph, r->trips, length) == 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "the scanned inputs are of different lengths");
        r->trips = k ? r->trips : length;
    }
    r->in = in;
    r->bounded = true;
}

static void
find_scanned(repeated *r, int first)
{
    onnx_node *n = r->n;
    r->scanned = WEFT_NEW_ARRAY(n->arena, r->nscan + 1, weft_value *);
    for (int k = 0; k < r->nscan; k++) {
        r->scanned[k] = weft_onnx_in(n, first + k);
        if (!r->scanned[k])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be a tensor", first + k);
    }
}

/* Entry b of the first dimension. */
static weft_value *
batch_of(onnx_node *n, weft_value *v, int b)
{
    weft_value *one = weft_onnx_slice(n, v, 0, weft_dim(n->graph, b), weft_dim(n->graph, 1));
    return one ? weft_onnx_reshape(n, one, v->ndim - 1, v->dim + 1) : NULL;
}

/* Operator set 8: everything has a batch before its other dimensions; each is scanned by itself. */
static void
scan_batches(repeated *r, along *in, results *to)
{
    onnx_node *n = r->n;
    weft_value **whole = r->scanned, **part = WEFT_NEW_ARRAY(n->arena, r->nscan + 1, weft_value *);
    int64_t batches = weft_onnx_size(n, whole[0], 0);
    int nall = r->nstate + r->nstack;
    weft_value ***all = WEFT_NEW_ARRAY(n->arena, nall + 1, weft_value **);
    repeated joined = { .n = n, .body = r->body, .nstack = nall };
    if (n->status == WEFT_OK && (batches < 1 || batches > BATCHES))
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "a batch of %lld; from 1 to %d are supported",
                       (long long)batches, BATCHES);
    for (int i = 0; i < nall && n->status == WEFT_OK; i++)
        all[i] = WEFT_NEW_ARRAY(n->arena, batches + 1, weft_value *);
    r->scanned = part;
    for (int b = 0; b < batches && n->status == WEFT_OK; b++) {
        results one = { WEFT_NEW_ARRAY(n->arena, r->nstate + 1, onnx_slot), to->stack };
        for (int k = 0; k < r->nscan; k++)
            part[k] = batch_of(n, whole[k], b);
        for (int s = 0; s < r->nstate; s++)
            one.state[s].value = to->state[s].value ? batch_of(n, to->state[s].value, b) : NULL;
        if (n->status == WEFT_OK && b == 0)
            find_length(r, in);
        if (n->status == WEFT_OK)
            repeat(r, &one);
        for (int i = 0; i < nall && n->status == WEFT_OK; i++)
            all[i][b] = i < r->nstate ? one.state[i].value : one.stack[i - r->nstate];
    }
    for (int i = 0; i < nall && n->status == WEFT_OK; i++) {
        weft_value *v = join(&joined, i, (int)batches, all[i]);
        if (i < r->nstate)
            to->state[i].value = v;
        else
            to->stack[i - r->nstate] = v;
    }
}

/* Lengths of sequences: weft knows those alone that are whole. */
static void
check_lengths(onnx_node *n, const repeated *r)
{
    int count;
    const int64_t *length = weft_onnx_in_ints(n, 0, &count);
    int64_t size = length ? weft_onnx_size(n, r->scanned[0], 1) : 0;
    for (int i = 0; length && i < count && n->status == WEFT_OK; i++)
        if (length[i] != size)
            weft_onnx_fail(n, WEFT_UNSUPPORTED,
                           "input 0 ('%s'), the lengths of sequences: %lld of %lld; only whole ones "
                           "are supported",
                           n->in[0]->name, (long long)length[i], (long long)size);
}

void
weft_onnx_import_scan(onnx_node *n)
{
    repeated r = { .n = n, .body = weft_onnx_attr_graph(n, "body") };
    bool batched = n->version < 9;
    int64_t nscan = weft_onnx_attr_int(n, "num_scan_inputs", 0);
    if (!r.body || nscan < 1 || nscan > n->nin - batched)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has no graph 'body', or scans %lld of %d inputs",
                       (long long)nscan, n->nin - batched);
    if (n->status != WEFT_OK)
        return;
    r.nscan = (int)nscan;
    r.nstate = n->nin - batched - r.nscan;
    r.nstack = (int)r.body->n_output - r.nstate;
    if (r.nstack < 0 || n->nout > r.nstate + r.nstack)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "its graph has %zu outputs, and it %d states and %d "
                       "outputs",
                       r.body->n_output, r.nstate, n->nout);
    along *in = read_along(n, batched ? NULL : "scan_input_axes",
                           batched ? "directions" : "scan_input_directions", r.nscan);
    r.out = batched || n->status ? NULL
                                 : read_along(n, "scan_output_axes", "scan_output_directions",
                                              r.nstack);
    results to = start_results(&r, batched);
    find_scanned(&r, batched + r.nstate);
    if (n->status == WEFT_OK && batched && weft_onnx_in(n, 0))
        check_lengths(n, &r);
    if (n->status == WEFT_OK && batched)
        scan_batches(&r, in, &to);
    else if (n->status == WEFT_OK)
        find_length(&r, in);
    if (n->status == WEFT_OK && !batched)
        repeat(&r, &to);
    set_results(&r, &to);
}
