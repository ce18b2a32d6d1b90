/* graph/flow.c: what the run decides: sizes that it finds. */
#include "graph/priv.h"

#include <string.h>

bool
weft_node_flows(const weft_node *n)
{
    return n->op == WEFT_GOP_READ;
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

/* ---- building -------------------------------------------------------------------------------- */

const weft_expr *
weft_graph_read(weft_graph *g, const char *name, const char *kind, weft_value *v, int64_t at,
                const weft_expr *most)
{
    if (!v || !most)
        return NULL;
    if (v->elem && at >= 0 && at < v->nelem)
        return v->elem[at];
    const weft_expr *symbol = weft_graph_new_symbol(g, *name ? name : v->name);
    weft_attr attr[] = { weft_attr_text("symbol", symbol->h.u.var->name),
                         weft_attr_int("at", &at), weft_attr_dims("most", 1, &most) };
    return weft_graph_add(g, WEFT_GOP_READ, name, kind, NULL, 1, &v, 3, attr) ? symbol : NULL;
}
