/* check/flow.c: the reference of what the run decides: sizes that are read, conditions, loops. */
#include "check/priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct walk {
    weft_chain *c;
    const weft_graph *g;
    weft_visit visit;
    weft_moved moved;
    void *user;
    weft_diag *diag;
} walk;

/* What a step of the plan binds. */
static void
set_symbol(weft_chain *c, const char *name, int64_t value)
{
    int i = 0;
    while (i < c->symbols.n && strcmp(c->symbol_name[i], name) != 0)
        i++;
    c->symbols.n += i == c->symbols.n;
    c->symbol_name[i] = name;
    c->symbol_value[i] = value;
}

static weft_status
number(weft_chain *c, const weft_expr *e, int64_t *v, weft_diag *diag)
{
    return weft_chain_number(c, weft_plan_text(&c->reference->arena, e), v, diag);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static weft_status
read_node(weft_chain *c, const weft_node *n, weft_diag *diag)
{
    const weft_const *from = &c->value[n->in[0]->id].c;
    const char *name = weft_node_attr(n, "symbol")->text;
    int64_t at = weft_node_int(n, "at"), most = 0;
    weft_status status = number(c, weft_node_dim(n, "most", 0), &most, diag);
    if (status)
        return status;
    int64_t v = at < weft_element_count(from) ? weft_get_i64(from->dtype, from->data, at) : -1;
    if (v < 0 || v > most)
        return weft_fail(diag, WEFT_LIMIT, "'%s' is %lld; it is possible from 0 to %lld", name,
                         (long long)v, (long long)most);
    set_symbol(c, name, v);
    return WEFT_OK;
}

/* A stack is made anew in a loop's first iteration; it is known by what went into it. */
static weft_status
stack_node(weft_chain *c, const weft_node *n, weft_diag *diag)
{
    weft_known *to = &c->value[n->out[0]->id];
    const weft_known *from = &c->value[n->in[0]->id];
    const weft_value *v = n->out[0];
    int64_t at = 0, size = 0;
    char hex[65];
    weft_status status = WEFT_OK;
    if (!to->key)
        status = weft_chain_room(c, v->name, v->dtype, v->ndim, v->dim, &to->c, diag);
    if (!status)
        status = number(c, weft_node_dim(n, "at", 0), &at, diag);
    if (status)
        return status;
    size = (int64_t)from->c.size;
    if (at < 0 || at > INT32_MAX || (at + 1) * size > (int64_t)to->c.size)
        return weft_fail(diag, WEFT_LIMIT, "'%s' has no element %lld", v->name, (long long)at);
    if (size)
        memcpy((char *)(uintptr_t)to->c.data + at * size, from->c.data, (size_t)size);
    const char *key = weft_arena_printf(&c->reference->arena, "%s|%lld %s", to->key ? to->key : "",
                                        (long long)at, from->key);
    weft_sha256(key, strlen(key), hex);
    to->key = weft_arena_strdup(&c->reference->arena, hex);
    return WEFT_OK;
}

/* The first elements of a stack, or what a loop carried last. */
static weft_status
result_node(weft_chain *c, const weft_node *n, weft_diag *diag)
{
    const weft_node *made = n->in[0]->node;
    weft_known *to = &c->value[n->out[0]->id];
    const weft_value *v = n->out[0];
    weft_const all;
    if (made->op == WEFT_GOP_YIELD) {
        *to = c->value[made->in[1]->id];
        return WEFT_OK;
    }
    weft_status status = weft_chain_room(c, v->name, v->dtype, v->ndim, v->dim, &all, diag);
    const weft_known *from = &c->value[n->in[0]->id];
    if (status)
        return status;
    if (from->key && all.size <= from->c.size && all.size)
        memcpy((void *)(uintptr_t)all.data, from->c.data, all.size);
    *to = (weft_known){ all, weft_arena_printf(&c->reference->arena, "%s/%zu",
                                               from->key ? from->key : "empty", all.size) };
    return WEFT_OK;
}

static weft_status
merge_node(weft_chain *c, const weft_node *n, weft_diag *diag)
{
    for (int i = 0; i < n->nin; i++)
        if (c->value[n->in[i]->id].key) {
            c->value[n->out[0]->id] = c->value[n->in[i]->id];
            return WEFT_OK;
        }
    return weft_fail(diag, WEFT_INVALID_INPUT, "'%s': none of its conditions held",
                     n->out[0]->name);
}

weft_status
weft_chain_node(weft_chain *c, const weft_node *n, weft_diag *diag)
{
    switch ((int)n->op) {
    case WEFT_GOP_READ:
        return read_node(c, n, diag);
    case WEFT_GOP_STACK:
        return stack_node(c, n, diag);
    case WEFT_GOP_RESULT:
        return result_node(c, n, diag);
    case WEFT_GOP_MERGE:
        return merge_node(c, n, diag);
    default: /* a yield or a carry */
        c->value[n->out[0]->id] = c->value[n->in[0]->id];
        return WEFT_OK;
    }
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static const weft_node *
first_node(const walk *w, int group)
{
    return w->g->group.at[group]->node[0];
}

/* Nothing was yielded or stacked yet. */
static void
forget(const walk *w, int scope, int first, int end)
{
    for (int i = first; i < end; i++) {
        const weft_node *n = first_node(w, i);
        if (n->scope == scope && (n->op == WEFT_GOP_YIELD || n->op == WEFT_GOP_STACK))
            w->c->value[n->out[0]->id].key = NULL;
    }
}

/* The next carried values; yields hold them all by now. */
static weft_status
next_carries(const walk *w, int scope, int first, int end)
{
    weft_status status = WEFT_OK;
    for (int i = first; i < end && !status; i++) {
        const weft_node *n = first_node(w, i);
        if (n->scope != scope || n->op != WEFT_GOP_YIELD || n->nin < 2)
            continue;
        w->c->value[n->in[1]->id] = w->c->value[n->out[0]->id];
        status = w->moved ? w->moved(w->user, n->in[1]->node) : WEFT_OK;
    }
    return status;
}

static weft_status walk_range(const walk *, int scope, int first, int end);

static weft_status
walk_loop(const walk *w, int scope, int first, int end)
{
    const weft_scope *s = &w->g->scope.at[scope];
    int64_t most, i = 0, again = 1;
    weft_status status = number(w->c, s->bound, &most, w->diag);
    while (!status && again && i < most) {
        set_symbol(w->c, s->symbol->name, i++);
        status = walk_range(w, scope, first, end);
        if (!status)
            status = next_carries(w, scope, first, end);
        if (!status && s->test)
            status = number(w->c, s->test, &again, w->diag);
    }
    if (s->count)
        set_symbol(w->c, s->count->name, i);
    return status;
}

static weft_status
walk_scope(const walk *w, int scope, int first, int end)
{
    int64_t v;
    forget(w, scope, first, end);
    if (w->g->scope.at[scope].kind == WEFT_SCOPE_LOOP)
        return walk_loop(w, scope, first, end);
    weft_status status = number(w->c, w->g->scope.at[scope].bound, &v, w->diag);
    return status || !v ? status : walk_range(w, scope, first, end);
}

/* The scope in `outer` that `inner` is or is in. */
static int
child_of(const weft_graph *g, int inner, int outer)
{
    while (g->scope.at[inner].parent != outer)
        inner = g->scope.at[inner].parent;
    return inner;
}

static weft_status
walk_range(const walk *w, int scope, int first, int end)
{
    weft_status status = WEFT_OK;
    for (int i = first; i < end && !status;) {
        int at = first_node(w, i)->scope, from = i;
        if (at == scope) {
            status = w->visit(w->user, i++);
            continue;
        }
        int child = child_of(w->g, at, scope);
        while (i < end && weft_scope_within(w->g, first_node(w, i)->scope, child))
            i++;
        status = walk_scope(w, child, from, i);
    }
    return status;
}

weft_status
weft_chain_walk(weft_chain *c, weft_visit visit, weft_moved moved, void *user, weft_diag *diag)
{
    const weft_graph *g = c->origin->compiled->graph;
    walk w = { .c = c, .g = g, .visit = visit, .moved = moved, .user = user, .diag = diag };
    /* as of a run's beginning: a size that is of no use may be over what was not read */
    for (int i = 0; i < g->symbol.n; i++) {
        int k = 0;
        while (k < c->symbols.n && strcmp(c->symbol_name[k], g->symbol.at[i]->name) != 0)
            k++;
        if (k == c->symbols.n)
            set_symbol(c, g->symbol.at[i]->name, 0);
    }
    return walk_range(&w, 0, 0, g->group.n);
}

typedef struct running {
    weft_chain *c;
    weft_diag *diag;
} running;

static weft_status
run_group(void *user, int group)
{
    running *r = user;
    return weft_chain_group(r->c, group, r->diag);
}

weft_status
weft_chain_run(weft_chain *c, weft_const *out, weft_diag *diag)
{
    const weft_graph *g = c->origin->compiled->graph;
    running r = { c, diag };
    weft_status status = weft_chain_walk(c, run_group, NULL, &r, diag);
    for (int i = 0; i < g->output.n && !status; i++)
        out[i] = c->value[g->output.at[i]->id].c;
    return status;
}
