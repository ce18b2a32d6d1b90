/* compiler/plan_flow.c: the steps of a plan that launch nothing: sizes read back, conditions,
 * loops, and the copies that bring values into or out of their scopes.
 *
 * A carried value has one place in memory, from before its loop to after it; results of a loop or
 * of conditions have one that is there in all of them.  What a scope yields is copied to its place
 * at the scope's end, when nothing in it reads the place any more.
 */
#include "compiler/priv.h"

#include <string.h>

static int
tensor_of(weft_flow *f, const weft_value *v)
{
    return weft_draft_value(f->b, f->tensor_of, v);
}

static int
symbol_index(const weft_module *m, const char *name)
{
    int i = 0;
    while (strcmp(m->symbol[i].name, name) != 0)
        i++;
    return i;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static weft_mod_step *
add_step(weft_flow *f, weft_step_kind kind, const char *layers)
{
    weft_mod_step *s = &f->b->p->step[f->b->p->nstep++];
    *s = (weft_mod_step){ .kind = kind,
                          .kernel = -1,
                          .symbol = -1,
                          .count = -1,
                          .layers = weft_arena_strdup(f->b->arena, layers) };
    return s;
}

static void
add_read(weft_flow *f, const weft_node *n)
{
    weft_mod_arg *arg = WEFT_NEW(f->b->arena, weft_mod_arg);
    int64_t at = weft_node_int(n, "at") * (weft_dtype_bits(n->in[0]->dtype) / 8);
    arg->tensor = tensor_of(f, n->in[0]);
    arg->offset = at ? weft_arena_printf(f->b->arena, "%lld", (long long)at) : NULL;
    weft_draft_use(f->b, arg->tensor, f->b->p->nstep);
    weft_mod_step *s = add_step(f, WEFT_STEP_READ, n->name);
    s->nbuffer = 1;
    s->buffer = arg;
    s->symbol = symbol_index(f->m, weft_node_attr(n, "symbol")->text);
    s->bound = weft_plan_text(f->b->arena, weft_node_dim(n, "most", 0));
}

static void
add_copy(weft_flow *f, int from, int to, const char *offset, const char *layers)
{
    weft_mod_arg *arg = WEFT_NEW_ARRAY(f->b->arena, 2, weft_mod_arg);
    arg[0] = (weft_mod_arg){ .tensor = from };
    arg[1] = (weft_mod_arg){ .tensor = to, .offset = offset, .written = true };
    weft_draft_use(f->b, from, f->b->p->nstep);
    weft_draft_use(f->b, to, f->b->p->nstep);
    weft_mod_step *s = add_step(f, WEFT_STEP_COPY, layers);
    s->nbuffer = 2;
    s->buffer = arg;
}

/* ---- the end of a scope ---------------------------------------------------------------------- */

/* The byte at which an element of a stack begins. */
static const char *
stack_offset(weft_flow *f, const weft_node *n)
{
    const weft_value *v = n->in[0];
    weft_str s = { 0 };
    weft_str_addf(&s, "(%s) * %d", weft_plan_text(f->b->arena, weft_node_dim(n, "at", 0)),
                  weft_dtype_bits(v->dtype) / 8);
    for (int d = 0; d < v->ndim; d++)
        weft_str_addf(&s, " * (%s)", weft_plan_text(f->b->arena, v->dim[d]));
    const char *text = weft_arena_strdup(f->b->arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

static bool
is_carried(const weft_node *n)
{
    return n->op == WEFT_GOP_YIELD && n->nin > 1;
}

/* Whether the tensor lies in the place of a value that the scope carries. */
static bool
lies_in_carry(weft_flow *f, int scope, int tensor)
{
    int root = weft_draft_root(f->b->p, tensor);
    for (int i = f->first[scope]; i < f->g->group.n; i++) {
        const weft_node *n = f->g->group.at[i]->node[0];
        if (!weft_scope_within(f->g, n->scope, scope))
            break;
        if (n->scope == scope && is_carried(n) &&
            weft_draft_root(f->b->p, tensor_of(f, n->in[1])) == root)
            return true;
    }
    return false;
}

/* Whether the node has a place for what is yielded or stacked. */
static bool
takes(const weft_node *n, const weft_value *v)
{
    if (n->op != WEFT_GOP_MERGE && n->op != WEFT_GOP_RESULT)
        return false;
    for (int j = 0; j < n->nin; j++)
        if (n->in[j] == v)
            return true;
    return false;
}

/* What goes to its place before any carried value changes: all but those; of a value that is next
 * for one of them and lies in the place of another, a copy is made. */
static void
give_early(weft_flow *f, const weft_node *n)
{
    int from = tensor_of(f, n->in[0]);
    if (is_carried(n)) {
        int place = tensor_of(f, n->in[1]);
        if (!lies_in_carry(f, n->scope, from) ||
            weft_draft_root(f->b->p, from) == weft_draft_root(f->b->p, place))
            return;
        int copy =
            weft_draft_tensor(f->b, weft_arena_printf(f->b->arena, "%s.next", n->out[0]->name),
                              WEFT_ROLE_TEMP, n->in[0]->dtype, n->in[0]->ndim, n->in[0]->dim);
        add_copy(f, from, copy, NULL, n->name);
        f->tensor_of[n->out[0]->id] = copy;
        return;
    }
    const char *offset = n->op == WEFT_GOP_STACK ? stack_offset(f, n) : NULL;
    for (int i = n->id + 1; i < f->g->node.n; i++)
        if (takes(f->g->node.at[i], n->out[0]))
            add_copy(f, from, tensor_of(f, f->g->node.at[i]->out[0]), offset, n->name);
}

/* The next value to its place; a yield is known by it from here on. */
static void
give_carried(weft_flow *f, const weft_node *n)
{
    int *staged = &f->tensor_of[n->out[0]->id];
    int from = *staged >= 0 ? *staged : tensor_of(f, n->in[0]), place = tensor_of(f, n->in[1]);
    if (weft_draft_root(f->b->p, from) != weft_draft_root(f->b->p, place))
        add_copy(f, from, place, NULL, n->name);
    *staged = place;
}

static void
give_all(weft_flow *f, int scope, int end, bool carried)
{
    for (int i = f->first[scope]; i < end; i++) {
        const weft_node *n = f->g->group.at[i]->node[0];
        if (n->scope != scope || (n->op != WEFT_GOP_YIELD && n->op != WEFT_GOP_STACK))
            continue;
        if (!carried)
            give_early(f, n);
        else if (is_carried(n))
            give_carried(f, n);
    }
}

/* What was there before a loop and is read in it is there for all its rounds. */
static void
extend_lives(weft_flow *f, int loop)
{
    weft_program *p = f->b->p;
    for (int i = 0; i < p->ntensor; i++) {
        weft_mod_tensor *t = &p->tensor[i];
        if (t->alias < 0 && t->first >= 0 && t->first <= loop && t->last > loop)
            t->last = p->nstep - 1;
    }
}

static void
leave(weft_flow *f, int scope, int end)
{
    const weft_scope *s = &f->g->scope.at[scope];
    give_all(f, scope, end, false);
    give_all(f, scope, end, true);
    weft_mod_step *step = &f->b->p->step[f->step[scope]];
    step->nbody = f->b->p->nstep - f->step[scope] - 1;
    if (s->kind == WEFT_SCOPE_LOOP)
        extend_lives(f, f->step[scope]);
    f->scope = s->parent;
}

/* ---- the beginning of a scope ---------------------------------------------------------------- */

/* What a loop stacks has its place before it. */
static void
prepare_loop(weft_flow *f, int scope)
{
    for (int i = f->first[scope]; i < f->g->group.n; i++) {
        const weft_node *n = f->g->group.at[i]->node[0];
        if (n->op == WEFT_GOP_RESULT && n->in[0]->node->scope == scope &&
            n->in[0]->node->op == WEFT_GOP_STACK)
            weft_draft_use(f->b, tensor_of(f, n->out[0]), f->b->p->nstep);
    }
}

static void
enter(weft_flow *f, int scope, int group)
{
    const weft_scope *s = &f->g->scope.at[scope];
    if (s->parent != f->scope)
        enter(f, s->parent, group);
    f->first[scope] = group;
    bool loop = s->kind == WEFT_SCOPE_LOOP;
    if (loop)
        prepare_loop(f, scope);
    f->step[scope] = f->b->p->nstep;
    weft_mod_step *step = add_step(f, loop ? WEFT_STEP_LOOP : WEFT_STEP_IF, "");
    step->bound = weft_plan_text(f->b->arena, s->bound);
    step->test = s->test ? weft_plan_text(f->b->arena, s->test) : NULL;
    step->symbol = loop ? symbol_index(f->m, s->symbol->name) : -1;
    step->count = s->count ? symbol_index(f->m, s->count->name) : -1;
    f->scope = scope;
}

void
weft_flow_enter(weft_flow *f, int index)
{
    int to = index < f->g->group.n ? f->g->group.at[index]->node[0]->scope : 0;
    while (!weft_scope_within(f->g, to, f->scope))
        leave(f, f->scope, index);
    if (to != f->scope)
        enter(f, to, index);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

weft_flow
weft_flow_start(weft_draft *b, const weft_graph *g, const weft_module *m, int *of)
{
    weft_flow f = { .b = b, .g = g, .m = m, .tensor_of = of };
    f.step = WEFT_NEW_ARRAY(&f.scratch, g->scope.n, int);
    f.first = WEFT_NEW_ARRAY(&f.scratch, g->scope.n, int);
    return f;
}

void
weft_flow_node(weft_flow *f, const weft_node *n)
{
    if (n->op == WEFT_GOP_READ)
        add_read(f, n);
    if (n->op == WEFT_GOP_CARRY)
        add_copy(f, tensor_of(f, n->in[0]), tensor_of(f, n->out[0]), NULL, n->name);
    if (n->op == WEFT_GOP_RESULT && n->in[0]->node->op == WEFT_GOP_YIELD)
        f->b->p->tensor[tensor_of(f, n->out[0])].alias = tensor_of(f, n->in[0]->node->in[1]);
}
