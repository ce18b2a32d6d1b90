/* check/reference.c: what every tensor of a compiled model has to hold: its groups as unscheduled
 * te programs in the interpreter.
 *
 * Inputs are known by their names, constants by their content, a group's results by a hash over the
 * group's program and what its inputs are known by; so targets whose graphs agree share the work.
 */
#include "check/priv.h"
#include "ir/interp.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>

void
weft_reference_begin(weft_reference *r, int threads)
{
    *r = (weft_reference){ .threads = threads };
    r->known = weft_map_create(&r->arena);
}

void
weft_reference_end(weft_reference *r)
{
    weft_arena_reset(&r->arena);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

weft_status
weft_chain_number(const weft_chain *c, const char *text, int64_t *v, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    const weft_iexpr *e = weft_iexpr_parse(&scratch, diag, text, c->symbols.n, c->symbols.name);
    weft_status status = e ? weft_iexpr_eval(e, c->symbols.value, diag, v) : WEFT_INVALID_INPUT;
    weft_arena_reset(&scratch);
    return status;
}

weft_status
weft_chain_room(weft_chain *c, const char *name, weft_dtype dtype, int ndim,
                const weft_expr *const *dim, weft_const *out, weft_diag *diag)
{
    weft_arena *arena = &c->reference->arena;
    int64_t *size = WEFT_NEW_ARRAY(arena, ndim + 1, int64_t);
    weft_status status = WEFT_OK;
    for (int d = 0; d < ndim && !status; d++)
        status = weft_chain_number(c, weft_plan_text(arena, dim[d]), &size[d], diag);
    *out = (weft_const){ .dtype = dtype, .ndim = ndim, .dim = size };
    return status ? status : weft_tensor_room(name, arena, out, diag);
}

/* A symbol is bound by the first input dimension that is it alone. */
static void
bind_symbols(weft_chain *c, const weft_module *m, const weft_const *in)
{
    weft_arena *arena = &c->reference->arena;
    const weft_program *p = c->origin->program;
    const char **name = WEFT_NEW_ARRAY(arena, m->nsymbol + 1, const char *);
    int64_t *value = WEFT_NEW_ARRAY(arena, m->nsymbol + 1, int64_t);
    int n = 0;
    for (int s = 0; s < m->nsymbol; s++) {
        bool found = false;
        for (int i = 0; i < p->ninput && !found; i++)
            for (int d = 0; d < in[i].ndim && !found; d++)
                if ((found = !strcmp(p->tensor[p->input[i]].dim[d], m->symbol[s].name)))
                    value[n] = in[i].dim[d];
        if (found)
            name[n++] = m->symbol[s].name;
    }
    c->symbol_name = name;
    c->symbol_value = value;
    c->symbols = (weft_symbols){ n, name, value };
}

/* Every dimension of every input is what the bound symbols make it. */
static weft_status
check_sizes(const weft_chain *c, const weft_const *in, weft_diag *diag)
{
    const weft_program *p = c->origin->program;
    for (int i = 0; i < p->ninput; i++) {
        const weft_mod_tensor *t = &p->tensor[p->input[i]];
        for (int d = 0; d < t->ndim; d++) {
            int64_t size = 0;
            weft_status status = weft_chain_number(c, t->dim[d], &size, diag);
            if (!status && size != in[i].dim[d])
                status = weft_mod_wrong_size(t, d, in[i].dim[d], size, diag);
            if (status)
                return status;
        }
    }
    return WEFT_OK;
}

weft_status
weft_chain_begin(weft_chain *c, weft_reference *r, const weft_module *m, const weft_origin *origin,
                 const weft_const *in, weft_diag *diag)
{
    const weft_graph *g = origin->compiled->graph;
    const weft_program *p = origin->program;
    *c = (weft_chain){ .reference = r, .origin = origin };
    c->value = WEFT_NEW_ARRAY(&r->arena, g->value.n + 1, weft_known);
    for (int i = 0; i < p->ninput; i++) {
        const weft_mod_tensor *t = &p->tensor[p->input[i]];
        if (in[i].dtype != t->dtype || in[i].ndim != t->ndim)
            return weft_fail(diag, WEFT_INVALID_INPUT,
                             "input '%s' is %s of rank %d; it is given %s of rank %d", t->name,
                             weft_dtype_name(t->dtype), t->ndim, weft_dtype_name(in[i].dtype),
                             in[i].ndim);
    }
    bind_symbols(c, m, in);
    weft_status status = check_sizes(c, in, diag);
    if (status)
        return status;
    for (int i = 0; i < p->ninput; i++) {
        const weft_value *v = g->input.at[i];
        c->value[v->id] = (weft_known){ in[i], weft_arena_printf(&r->arena, "input %s", v->name) };
    }
    for (int i = 0; i < g->value.n; i++) {
        const weft_value *v = g->value.at[i];
        int t = origin->tensor_of[v->id];
        if (v->data && t >= 0)
            c->value[v->id] =
                (weft_known){ *v->data, weft_arena_strdup(&r->arena, p->tensor[t].blob) };
    }
    return WEFT_OK;
}

/* ---- what may be widened --------------------------------------------------------------------- */

static bool
is_step(const weft_expr *e)
{
    weft_dtype from = e->h.nargs ? e->arg[0]->h.type.dtype : e->h.type.dtype;
    switch (e->h.kind) {
    case WEFT_EK_CAST:
        return weft_is_float(from) && !weft_is_float(e->h.type.dtype);
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
    case WEFT_EK_LT:
    case WEFT_EK_LE:
    case WEFT_EK_GT:
    case WEFT_EK_GE:
        return weft_is_float(from);
    case WEFT_EK_CALL:
        return e->h.u.intrin == WEFT_IN_FLOOR || e->h.u.intrin == WEFT_IN_CEIL ||
               e->h.u.intrin == WEFT_IN_TRUNC || e->h.u.intrin == WEFT_IN_RINT ||
               e->h.u.intrin == WEFT_IN_FREM;
    default:
        return false;
    }
}

/* The greater or the lesser of two values: whichever is chosen, near the step both are the same. */
static bool
is_greater_or_lesser(const weft_expr *e)
{
    if (e->h.kind != WEFT_EK_SELECT || !is_step(e->arg[0]) || e->arg[0]->h.nargs != 2)
        return false;
    const weft_expr *const *compared = e->arg[0]->arg;
    return (compared[0] == e->arg[1] && compared[1] == e->arg[2]) ||
           (compared[0] == e->arg[2] && compared[1] == e->arg[1]);
}

static bool
find_step(void *user, const weft_expr *e)
{
    bool *found = user;
    weft_walker below = { .expr = find_step, .user = found };
    if (is_greater_or_lesser(e)) {
        weft_walk_expr(&below, e->arg[1]);
        weft_walk_expr(&below, e->arg[2]);
        return false;
    }
    *found = *found || is_step(e);
    return !*found;
}

/* Whether a little more precision changes results a little: nothing is rounded to integers, nothing
 * computed is compared. */
static bool
is_smooth(const weft_kernel *k)
{
    bool found = false;
    weft_walker walker = { .expr = find_step, .user = &found };
    weft_walk_stmt(&walker, k->body);
    return !found;
}

/* ---- a group --------------------------------------------------------------------------------- */

typedef struct evaluation {
    weft_chain *c;
    const weft_group *group;
    weft_lowered lowered;
    weft_const *work, *out;
    weft_diag *diag;
} evaluation;

static const weft_const *
slot_tensor(const evaluation *e, weft_slot slot)
{
    return slot.kind == WEFT_SLOT_WORK     ? &e->work[slot.index]
           : slot.kind == WEFT_SLOT_OUTPUT ? &e->out[slot.index]
                                           : &e->c->value[e->group->in[slot.index]->id].c;
}

/* One launch: its buffers, some of them in double beside the tensors they stand for. */
typedef struct launch {
    const weft_kernel *kernel;
    const weft_const **tensor;
    weft_interp_buffer *buffer;
    bool *wide;
} launch;

static weft_status
make_buffers(evaluation *e, int k, launch *l, weft_arena *scratch)
{
    const weft_kernel *kernel = l->kernel;
    for (int i = 0; i < kernel->nparam; i++) {
        const weft_const *c = l->tensor[i] = slot_tensor(e, e->lowered.slot[k][i]);
        bool written = kernel->access[i] == WEFT_WRITE;
        int64_t n = weft_element_count(c);
        /* what is written is the reference's own and aligned */
        void *data = (void *)(uintptr_t)weft_aligned(c, scratch);
        if (!data && n)
            return weft_fail(e->diag, WEFT_OUT_OF_MEMORY, "no memory for a copy of a constant");
        if (l->wide[i]) {
            double *wide = weft_arena_try_alloc(scratch, (size_t)n * sizeof *wide + 1);
            if (!wide)
                return weft_fail(e->diag, WEFT_OUT_OF_MEMORY,
                                 "no memory for %lld elements of the reference", (long long)n);
            for (int64_t at = 0; at < n; at++)
                wide[at] = weft_get_f64(c->dtype, c->data, at);
            data = wide;
        }
        l->buffer[i] = (weft_interp_buffer){ data, n, !written, written };
    }
    return WEFT_OK;
}

static void
round_sums(const launch *l)
{
    for (int i = 0; i < l->kernel->nparam; i++)
        for (int64_t at = 0; l->wide[i] && at < l->buffer[i].count; at++)
            weft_set_f64(l->tensor[i]->dtype, (void *)(uintptr_t)l->tensor[i]->data, at,
                         ((const double *)l->buffer[i].data)[at]);
}

static weft_status
run_kernel(evaluation *e, int k, weft_arena *scratch)
{
    weft_kernel *kernel = e->lowered.kernel[k];
    weft_reference *r = e->c->reference;
    weft_interp_options options = { .widen = is_smooth(kernel),
                                    .threads = r->threads,
                                    .max_steps = weft_interp_steps() };
    launch l = { .kernel = kernel,
                 .tensor = WEFT_NEW_ARRAY(scratch, kernel->nparam + 1, const weft_const *),
                 .buffer = WEFT_NEW_ARRAY(scratch, kernel->nparam + 1, weft_interp_buffer),
                 .wide = WEFT_NEW_ARRAY(scratch, kernel->nparam + 1, bool) };
    int64_t *scalar = WEFT_NEW_ARRAY(scratch, kernel->nscalar + 1, int64_t);
    if (options.widen)
        weft_widen_sums(kernel, l.wide);
    weft_status status = make_buffers(e, k, &l, scratch);
    for (int i = 0; i < kernel->nscalar && !status; i++)
        status = weft_chain_number(e->c, kernel->scalar[i]->name, &scalar[i], e->diag);
    weft_interp *interp = status ? NULL : weft_interp_create(kernel, &options, e->diag);
    if (!status)
        status = interp ? weft_interp_run(interp, l.buffer, scalar, e->diag) : WEFT_INTERNAL;
    weft_interp_destroy(interp);
    if (!status)
        round_sums(&l);
    r->nwidened += options.widen && k == 0;
    return status;
}

static weft_status
evaluate(evaluation *e, weft_te *te)
{
    weft_target reference = { .api = WEFT_API_INTERP, .cls = WEFT_CLASS_REFERENCE };
    weft_arena scratch = { 0 };
    const weft_group *g = e->group;
    weft_status status = weft_schedule_default(te, &reference, e->diag);
    if (!status)
        status = weft_lower_te(te, &e->lowered, e->diag);
    e->out = WEFT_NEW_ARRAY(&scratch, g->nout + 1, weft_const);
    e->work = WEFT_NEW_ARRAY(&scratch, e->lowered.nwork + 1, weft_const);
    for (int i = 0; i < g->nout && !status; i++)
        status = weft_chain_room(e->c, g->out[i]->name, g->out[i]->dtype, g->out[i]->ndim,
                                 g->out[i]->dim, &e->out[i], e->diag);
    for (int i = 0; i < e->lowered.nwork && !status; i++) {
        const weft_buf *b = e->lowered.work[i];
        status = weft_chain_room(e->c, b->name, b->dtype, b->ndim, b->shape, &e->work[i], e->diag);
    }
    for (int k = 0; k < e->lowered.nkernel && !status; k++)
        status = run_kernel(e, k, &scratch);
    for (int i = 0; i < g->nout && !status; i++)
        *WEFT_PUSH(&e->c->reference->arena, &e->c->reference->value) = e->out[i];
    e->c->reference->nevaluated++;
    weft_arena_reset(&scratch);
    return status;
}

/* What the group's results are known by, and its number of outputs beside them. */
static void
group_key(const weft_chain *c, const weft_group *g, const weft_te *te, char hex[65])
{
    weft_str s = { 0 };
    char *text = weft_te_print(te);
    const char *body = strchr(text, '('); /* without its name, which is a layer's */
    weft_str_add(&s, body ? body : text);
    for (int i = 0; i < g->nin; i++)
        weft_str_addf(&s, "\n%s", c->value[g->in[i]->id].key);
    for (int i = 0; i < c->symbols.n; i++)
        weft_str_addf(&s, "\n%s=%lld", c->symbols.name[i], (long long)c->symbols.value[i]);
    weft_sha256(s.at, s.n, hex);
    free(text);
    weft_str_free(&s);
}

static void
take_over(weft_chain *c, const weft_group *g, const char *hex, int64_t first)
{
    weft_reference *r = c->reference;
    for (int i = 0; i < g->nout; i++)
        c->value[g->out[i]->id] =
            (weft_known){ r->value.at[first + i], weft_arena_printf(&r->arena, "%s/%d", hex, i) };
}

/* The same bytes under other dims. */
static weft_status
alias_group(weft_chain *c, const weft_group *g, weft_diag *diag)
{
    const weft_known *in = &c->value[g->in[0]->id];
    const weft_value *v = g->out[0];
    int64_t *dim = WEFT_NEW_ARRAY(&c->reference->arena, v->ndim + 1, int64_t);
    weft_status status = WEFT_OK;
    for (int d = 0; d < v->ndim && !status; d++)
        status =
            weft_chain_number(c, weft_plan_text(&c->reference->arena, v->dim[d]), &dim[d], diag);
    c->value[v->id] = *in;
    c->value[v->id].c.dtype = v->dtype;
    c->value[v->id].c.ndim = v->ndim;
    c->value[v->id].c.dim = dim;
    return status;
}

weft_te *
weft_chain_program(const weft_chain *c, int group, weft_diag *diag)
{
    const weft_graph *g = c->origin->compiled->graph;
    return weft_group_te(g, g->group.at[group], diag);
}

weft_status
weft_chain_group(weft_chain *c, int group, weft_diag *diag)
{
    const weft_group *g = c->origin->compiled->graph->group.at[group];
    weft_reference *r = c->reference;
    char hex[65];
    if (weft_node_flows(g->node[0]))
        return weft_chain_node(c, g->node[0], diag);
    if (g->pattern == WEFT_PAT_ALIAS)
        return alias_group(c, g, diag);
    weft_te *te = weft_chain_program(c, group, diag);
    if (!te)
        return weft_diag_status(diag) ? weft_diag_status(diag) : WEFT_INTERNAL;
    group_key(c, g, te, hex);
    int64_t *slot = weft_map_slot(r->known, hex, strlen(hex));
    weft_status status = WEFT_OK;
    if (*slot < 0) {
        evaluation e = { .c = c, .group = g, .diag = diag };
        int64_t first = r->value.n;
        status = evaluate(&e, te);
        *slot = status ? -1 : first;
    }
    weft_te_destroy(te);
    if (!status)
        take_over(c, g, hex, *slot);
    return status;
}
