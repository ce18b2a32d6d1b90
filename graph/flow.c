/* graph/flow.c: what the run decides: sizes that it finds, conditions, loops. */
#include "graph/priv.h"

#include <string.h>

bool
weft_node_flows(const weft_node *n)
{
    return n->op == WEFT_GOP_READ || n->op == WEFT_GOP_CARRY || n->op == WEFT_GOP_YIELD ||
           n->op == WEFT_GOP_STACK || n->op == WEFT_GOP_RESULT || n->op == WEFT_GOP_MERGE;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

bool
weft_scope_within(const weft_graph *g, int inner, int outer)
{
    while (inner > outer) /* a scope is made after the one that it is in */
        inner = g->scope.at[inner].parent;
    return inner == outer;
}

bool
weft_node_sees(const weft_graph *g, const weft_node *n, const weft_value *v)
{
    if (!v->node)
        return true;
    int made = v->node->scope;
    bool leaves = (n->op == WEFT_GOP_RESULT || n->op == WEFT_GOP_MERGE) && made > 0 &&
                  g->scope.at[made].parent == n->scope;
    return leaves ? v->node->op == WEFT_GOP_YIELD || v->node->op == WEFT_GOP_STACK
                  : weft_scope_within(g, n->scope, made);
}

static void
open_scope(weft_graph *g, weft_scope s)
{
    s.parent = g->within;
    g->within = g->scope.n;
    *WEFT_PUSH(&g->ir->arena, &g->scope) = s;
}

void
weft_graph_if(weft_graph *g, const weft_expr *test)
{
    open_scope(g, (weft_scope){ .kind = WEFT_SCOPE_IF, .bound = test });
}

const weft_expr *
weft_graph_loop(weft_graph *g, const char *name, const weft_expr *bound)
{
    const weft_expr *i = weft_graph_new_symbol(g, name);
    open_scope(g, (weft_scope){ .kind = WEFT_SCOPE_LOOP, .bound = bound, .symbol = i->h.u.var });
    return i;
}

const weft_expr *
weft_graph_until(weft_graph *g, const char *name, const weft_expr *test)
{
    const weft_expr *count = weft_graph_new_symbol(g, name);
    weft_scope *s = &g->scope.at[g->within];
    weft_assert(s->kind == WEFT_SCOPE_LOOP, "no loop is open");
    s->test = test;
    s->count = count->h.u.var;
    return count;
}

void
weft_graph_leave(weft_graph *g)
{
    weft_assert(g->within > 0, "no scope is open");
    g->within = g->scope.at[g->within].parent;
}

static weft_scope_kind
scope_kind(const weft_graph *g, const weft_node *n)
{
    return g->scope.at[n->scope].kind;
}

/* ---- inferring ------------------------------------------------------------------------------- */

static bool
is_readable(weft_dtype t)
{
    return t == WEFT_BOOL || (weft_is_int(t) && weft_dtype_bits(t) >= 8);
}

/* The output holds the symbol, as an element that is known. */
weft_status
weft_infer_read(weft_graph *g, weft_node *n)
{
    const weft_value *v = n->in[0];
    const weft_attr *symbol = weft_node_attr(n, "symbol"), *most = weft_node_attr(n, "most");
    int64_t at = weft_node_int(n, "at"), count;
    if (!is_readable(v->dtype))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a size is read from integers or a bool");
    if (at < 0 || (weft_value_count(v, &count) && at >= count))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "there is no element %lld", (long long)at);
    if (most->n != 1 || !*symbol->text)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "it takes one symbol and one bound");
    const weft_expr **elem = WEFT_NEW(&g->ir->arena, const weft_expr *);
    *elem = weft_graph_symbol(g, symbol->text);
    weft_status st = weft_infer_out(g, n, WEFT_I64, 0, NULL);
    n->out[0]->elem = elem;
    n->out[0]->nelem = 1;
    return st;
}

static weft_status
same_type(weft_graph *g, weft_node *n)
{
    return weft_infer_out(g, n, n->in[0]->dtype, n->in[0]->ndim, n->in[0]->dim);
}

weft_status
weft_infer_carry(weft_graph *g, weft_node *n)
{
    return same_type(g, n);
}

/* Memory for a carried value is the first's: the next has to have its type. */
weft_status
weft_infer_yield(weft_graph *g, weft_node *n)
{
    const weft_value *v = n->in[0], *to = n->nin > 1 ? n->in[1] : NULL;
    if (n->scope == 0)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "it is in no scope");
    bool carried = to && to->node && to->node->op == WEFT_GOP_CARRY &&
                   scope_kind(g, n) == WEFT_SCOPE_LOOP &&
                   to->node->scope == g->scope.at[n->scope].parent;
    if (n->nin > 1 && !carried)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "input 1 is no carry from right before this loop");
    bool same = !to || (to->dtype == v->dtype && to->ndim == v->ndim);
    for (int d = 0; to && same && d < v->ndim; d++)
        same = weft_dim_equal(g, v->dim[d], to->dim[d]) == 1;
    if (!same)
        return weft_node_fail(g, n, WEFT_UNSUPPORTED,
                              "a value that a loop carries changes its type or shape");
    return same_type(g, n);
}

weft_status
weft_infer_stack(weft_graph *g, weft_node *n)
{
    const weft_value *v = n->in[0];
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim + 1, const weft_expr *);
    if (scope_kind(g, n) != WEFT_SCOPE_LOOP)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "it is in no loop");
    if (weft_node_attr(n, "at")->n != 1 || weft_node_attr(n, "size")->n != 1)
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "it takes one place and one size");
    if (weft_dtype_bits(v->dtype) < 8)
        return weft_node_fail(g, n, WEFT_UNSUPPORTED, "elements of less than a byte are not stacked");
    dim[0] = weft_node_dim(n, "size", 0);
    for (int d = 0; d < v->ndim; d++)
        dim[d + 1] = v->dim[d];
    return weft_infer_out(g, n, v->dtype, v->ndim + 1, dim);
}

weft_status
weft_infer_result(weft_graph *g, weft_node *n)
{
    const weft_value *v = n->in[0];
    const weft_attr *size = weft_node_attr(n, "size");
    bool stack = v->node && v->node->op == WEFT_GOP_STACK;
    bool carried = v->node && v->node->op == WEFT_GOP_YIELD && v->node->nin > 1;
    if (n->scope == (v->node ? v->node->scope : 0) || (!stack && !carried))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                              "it takes a stack, or a yield to a carry, of a loop before it");
    if (size && (!stack || size->n != 1))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "a stack alone has a size, and one");
    if (!size)
        return same_type(g, n);
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim, const weft_expr *);
    memcpy(dim, v->dim, (size_t)v->ndim * sizeof *dim);
    dim[0] = size->dims[0];
    return weft_infer_out(g, n, v->dtype, v->ndim, dim);
}

weft_status
weft_infer_merge(weft_graph *g, weft_node *n)
{
    const weft_attr *dims = weft_node_attr(n, "dims");
    for (int i = 0; i < n->nin; i++) {
        const weft_value *v = n->in[i];
        if (!v || !v->node || v->node->op != WEFT_GOP_YIELD || v->node->scope == n->scope ||
            scope_kind(g, v->node) != WEFT_SCOPE_IF)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "input %d is not yielded by a condition before it", i);
        if (v->dtype != n->in[0]->dtype || v->ndim != dims->n)
            return weft_node_fail(g, n, WEFT_UNSUPPORTED,
                                  "the branches give different types or ranks");
    }
    return weft_infer_out(g, n, n->in[0]->dtype, dims->n, dims->dims);
}

/* ---- building -------------------------------------------------------------------------------- */

/* Whether a plan can compute it: sums, products, quotients and extremes of symbols. */
static bool
is_plain(const weft_expr *e)
{
    switch (e->h.kind) {
    case WEFT_EK_IMM:
    case WEFT_EK_VAR:
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        break;
    default:
        return false;
    }
    bool plain = e->h.type.dtype == WEFT_I64;
    for (int i = 0; i < e->h.nargs && plain; i++)
        plain = is_plain(e->arg[i]);
    return plain;
}

const weft_expr *
weft_graph_read(weft_graph *g, const char *name, const char *kind, weft_value *v, int64_t at,
                const weft_expr *most)
{
    if (!v || !most)
        return NULL;
    if (v->elem && at >= 0 && at < v->nelem && is_plain(v->elem[at]))
        return v->elem[at];
    const weft_expr *symbol = weft_graph_new_symbol(g, *name ? name : v->name);
    weft_attr attr[] = { weft_attr_text("symbol", symbol->h.u.var->name),
                         weft_attr_int("at", &at), weft_attr_dims("most", 1, &most) };
    return weft_graph_add(g, WEFT_GOP_READ, name, kind, NULL, 1, &v, 3, attr) ? symbol : NULL;
}
