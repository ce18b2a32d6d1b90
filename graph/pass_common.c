/* common-subexpressions: of nodes of a scope that do the same with the same inputs, and of small
 * constants with the same content, the first stays.
 *
 * needs   order
 * keeps   order, types; breaks provenance of what goes
 */
#include "graph/passes.h"

#include <string.h>

enum { SMALL = 256 }; /* bytes of a constant that is compared by content */

static void
add_bytes(weft_str *key, const void *at, size_t n)
{
    weft_str_addn(key, at, n);
}

static void
add_int(weft_str *key, int64_t v)
{
    add_bytes(key, &v, sizeof v);
}

static void
add_attr(weft_str *key, const weft_attr *a)
{
    weft_str_addn(key, a->name, strlen(a->name) + 1);
    add_int(key, a->kind);
    add_int(key, a->n);
    for (int i = 0; i < a->n; i++) {
        if (a->kind == WEFT_ATTR_INTS)
            add_int(key, a->ints[i]);
        else if (a->kind == WEFT_ATTR_FLOATS)
            add_bytes(key, &a->floats[i], sizeof a->floats[i]);
        else if (a->kind == WEFT_ATTR_TEXT)
            weft_str_addn(key, a->text, strlen(a->text) + 1);
        else if (a->kind == WEFT_ATTR_DIMS)
            add_int(key, a->dims[i]->id); /* interned: the same id is the same expression */
        else
            add_int(key, a->dtype);
    }
}

/* Everything that decides a node's result.  Attributes are in the row's order or the importer's:
 * another order is another key, which costs a merge and no more. */
static void
node_key(weft_str *key, const weft_node *n)
{
    key->n = 0;
    add_int(key, n->op);
    add_int(key, n->scope);
    for (int i = 0; i < n->nin; i++)
        add_int(key, n->in[i] ? n->in[i]->id : -1);
    for (int i = 0; i < n->nattr; i++)
        add_attr(key, &n->attr[i]);
}

static void
const_key(weft_str *key, const weft_const *c)
{
    key->n = 0;
    add_int(key, -1);
    add_int(key, c->dtype);
    add_int(key, c->ndim);
    add_bytes(key, c->dim, (size_t)c->ndim * sizeof *c->dim);
    add_bytes(key, c->data, c->size);
}

/* The value seen first under the key; v itself when that is it. */
static weft_value *
first_of(weft_map *seen, const weft_str *key, weft_graph *g, weft_value *v)
{
    int64_t *slot = weft_map_slot(seen, key->at, key->n);
    if (*slot < 0)
        *slot = v->id;
    return g->value.at[*slot];
}

weft_status
weft_pass_common_subexpressions(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    (void)options;
    weft_sweep s = weft_sweep_start(g);
    weft_map *seen = weft_map_create(&s.scratch);
    weft_str key = { 0 };
    for (int i = 0; i < g->value.n; i++) {
        weft_value *v = g->value.at[i];
        if (!v->data || v->data->size > SMALL || weft_graph_hash(g, v->data))
            continue;
        const_key(&key, v->data);
        weft_value *first = first_of(seen, &key, g, v);
        if (first != v)
            weft_sweep_put(&s, v, first);
    }
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        node_key(&key, n);
        weft_value *first =
            weft_node_flows(n) ? n->out[0] : first_of(seen, &key, g, n->out[0]);
        if (first == n->out[0])
            weft_sweep_keep(&s, n);
        else
            weft_sweep_put(&s, n->out[0], first);
    }
    weft_str_free(&key);
    *changed = weft_sweep_end(&s);
    return WEFT_OK;
}
