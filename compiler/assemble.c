/* compiler/assemble.c: a compiled model as a program of the module: tensors, kernels and steps. */
#include "compiler/priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct assembler {
    weft_module *m;
    weft_program *p;
    const weft_compiled *c;
    weft_arena *arena;    /* the module's */
    weft_arena scratch;
    int *tensor_of;       /* value id -> tensor; -1 */
    int *first_kernel;    /* unit -> its first kernel in the program */
    int cap;              /* tensors there is room for */
} assembler;

static const char *const *
dims_text(assembler *a, int ndim, const weft_expr *const *dim)
{
    const char **text = WEFT_NEW_ARRAY(a->arena, ndim + 1, const char *);
    for (int d = 0; d < ndim; d++)
        text[d] = weft_plan_text(a->arena, dim[d]);
    return text;
}

static int
add_tensor(assembler *a, const char *name, weft_role role, weft_dtype dtype, int ndim, const weft_expr *const *dim)
{
    weft_assert(a->p->ntensor < a->cap, "tensors were counted wrong");
    a->p->tensor[a->p->ntensor] = (weft_mod_tensor){
        .name = weft_arena_strdup(a->arena, name),
        .role = role,
        .dtype = dtype,
        .ndim = ndim,
        .dim = dims_text(a, ndim, dim),
        .alias = -1,
        .in_place = -1,
        .first = -1,
        .last = -1,
    };
    return a->p->ntensor++;
}

/* The value's tensor, made at its first mention. */
static int
tensor_of(assembler *a, const weft_value *v)
{
    int *t = &a->tensor_of[v->id];
    if (*t < 0)
        *t = add_tensor(a, v->name, v->data ? WEFT_ROLE_CONSTANT : WEFT_ROLE_TEMP, v->dtype, v->ndim, v->dim);
    return *t;
}

/* The tensor whose memory t is. */
static int
root_of(const weft_program *p, int t)
{
    while (p->tensor[t].alias >= 0)
        t = p->tensor[t].alias;
    return t;
}

static void
use(assembler *a, int tensor, int step)
{
    weft_mod_tensor *t = &a->p->tensor[root_of(a->p, tensor)];
    if (t->first < 0)
        t->first = step;
    if (t->last < step)
        t->last = step;
}

/* ---- inputs and outputs ---------------------------------------------------------------------- */

static void
add_inputs(assembler *a)
{
    const weft_graph *g = a->c->graph;
    a->p->ninput = g->input.n;
    a->p->input = WEFT_NEW_ARRAY(a->arena, g->input.n + 1, int);
    for (int i = 0; i < g->input.n; i++) {
        const weft_value *v = g->input.at[i];
        a->tensor_of[v->id] = add_tensor(a, v->name, WEFT_ROLE_INPUT, v->dtype, v->ndim, v->dim);
        a->p->input[i] = a->tensor_of[v->id];
    }
}

/* An output that is another's value, an input or a constant gets a tensor of its own name over the
 * same memory. */
static void
add_outputs(assembler *a)
{
    const weft_graph *g = a->c->graph;
    a->p->noutput = g->output.n;
    a->p->output = WEFT_NEW_ARRAY(a->arena, g->output.n + 1, int);
    for (int i = 0; i < g->output.n; i++) {
        const weft_value *v = g->output.at[i];
        const char *name = g->output_name.at[i];
        int t = tensor_of(a, v);
        weft_mod_tensor *tensor = &a->p->tensor[t];
        if (tensor->role == WEFT_ROLE_TEMP && tensor->alias < 0) {
            tensor->role = WEFT_ROLE_OUTPUT;
            tensor->name = weft_arena_strdup(a->arena, name);
        } else {
            int own = add_tensor(a, name, WEFT_ROLE_OUTPUT, v->dtype, v->ndim, v->dim);
            a->p->tensor[own].alias = t;
            t = own;
        }
        a->p->output[i] = t;
        use(a, t, a->p->nstep);
    }
}

/* ---- kernels --------------------------------------------------------------------------------- */

static int64_t
constant_or_zero(const weft_expr *e)
{
    int64_t v;
    return !e ? 1 : weft_as_int(e, &v) ? v : 0;
}

static void
add_kernel(assembler *a, const weft_unit_kernel *u)
{
    const weft_kernel *k = u->kernel;
    uint8_t *scalar = WEFT_NEW_ARRAY(a->arena, k->nscalar + 1, uint8_t);
    weft_mod_kernel *out = &a->p->kernel[a->p->nkernel++];
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = k->scalar[i]->type.dtype;
    *out = (weft_mod_kernel){
        .name = weft_arena_strdup(a->arena, u->name),
        .text = weft_arena_strdup(a->arena, u->text),
        .size = strlen(u->text),
        .nbuffer = k->nparam,
        .nscalar = k->nscalar,
        .scalar = scalar,
        .subgroup = k->subgroup,
    };
    for (int d = 0; d < 3; d++)
        out->block[d] = constant_or_zero(k->block[d]);
}

static void
add_kernels(assembler *a)
{
    int n = 0;
    for (int i = 0; i < a->c->nunit; i++)
        n += a->c->unit[i].nkernel;
    a->p->kernel = WEFT_NEW_ARRAY(a->arena, n + 1, weft_mod_kernel);
    a->first_kernel = WEFT_NEW_ARRAY(&a->scratch, a->c->nunit + 1, int);
    for (int i = 0; i < a->c->nunit; i++) {
        a->first_kernel[i] = a->p->nkernel;
        for (int k = 0; k < a->c->unit[i].nkernel; k++)
            add_kernel(a, &a->c->unit[i].kernel[k]);
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int
slot_tensor(assembler *a, const weft_group *g, const int *work, weft_slot s)
{
    return s.kind == WEFT_SLOT_INPUT    ? tensor_of(a, g->in[s.index])
           : s.kind == WEFT_SLOT_OUTPUT ? tensor_of(a, g->out[s.index])
                                        : work[s.index];
}

static const char *
launch_dim(assembler *a, const weft_expr *e)
{
    return e ? weft_plan_text(a->arena, e) : "1";
}

static void
add_step(assembler *a, const weft_group *g, const weft_unit *u, int unit_index, int k, const int *work)
{
    const weft_kernel *kernel = u->kernel[k].kernel;
    weft_mod_arg *arg = WEFT_NEW_ARRAY(a->arena, kernel->nparam + 1, weft_mod_arg);
    const char **scalar = WEFT_NEW_ARRAY(a->arena, kernel->nscalar + 1, const char *);
    for (int i = 0; i < kernel->nparam; i++) {
        arg[i] = (weft_mod_arg){ .tensor = slot_tensor(a, g, work, u->lowered.slot[k][i]),
                                 .written = (kernel->access[i] & WEFT_WRITE) != 0 };
        use(a, arg[i].tensor, a->p->nstep);
    }
    for (int i = 0; i < kernel->nscalar; i++)
        scalar[i] = weft_arena_strdup(a->arena, kernel->scalar[i]->name);
    weft_mod_step *s = &a->p->step[a->p->nstep++];
    *s = (weft_mod_step){
        .kind = WEFT_STEP_LAUNCH,
        .kernel = a->first_kernel[unit_index] + k,
        .nbuffer = kernel->nparam,
        .nscalar = kernel->nscalar,
        .buffer = arg,
        .scalar = scalar,
        .flops = u->te->info.flops / u->nkernel,
        .bytes = (u->te->info.bytes_read + u->te->info.bytes_written) / u->nkernel,
    };
    for (int d = 0; d < 3; d++) {
        s->grid[d] = launch_dim(a, kernel->grid[d]);
        s->block[d] = launch_dim(a, kernel->block[d]);
    }
    weft_str layers = { 0 };
    for (int i = 0; i < g->nnode; i++)
        weft_str_addf(&layers, "%s%s", i ? " + " : "", g->node[i]->name);
    s->layers = weft_arena_strdup(a->arena, weft_str_text(&layers));
    weft_str_free(&layers);
}

static void
add_group(assembler *a, int index)
{
    const weft_group *g = a->c->graph->group.at[index];
    int unit_index = a->c->unit_of[index];
    if (unit_index < 0) { /* ALIAS: the same bytes under other dims */
        int in = tensor_of(a, g->in[0]);
        int out = tensor_of(a, g->out[0]);
        a->p->tensor[out].alias = in;
        return;
    }
    const weft_unit *u = &a->c->unit[unit_index];
    int *work = WEFT_NEW_ARRAY(&a->scratch, u->lowered.nwork + 1, int);
    for (int w = 0; w < u->lowered.nwork; w++) {
        const weft_buf *b = u->lowered.work[w];
        const char *name = weft_arena_printf(&a->scratch, "%s.%d.%d", b->name, index, w);
        work[w] = add_tensor(a, name, WEFT_ROLE_TEMP, b->dtype, b->ndim, b->shape);
    }
    for (int k = 0; k < u->nkernel; k++)
        add_step(a, g, u, unit_index, k, work);
}

static void
count_room(assembler *a)
{
    int steps = 0;
    a->cap = a->c->graph->value.n + a->c->graph->output.n;
    for (int g = 0; g < a->c->graph->group.n; g++)
        if (a->c->unit_of[g] >= 0) {
            a->cap += a->c->unit[a->c->unit_of[g]].lowered.nwork;
            steps += a->c->unit[a->c->unit_of[g]].nkernel;
        }
    a->p->tensor = WEFT_NEW_ARRAY(a->arena, a->cap + 1, weft_mod_tensor);
    a->p->step = WEFT_NEW_ARRAY(a->arena, steps + 1, weft_mod_step);
    a->tensor_of = WEFT_NEW_ARRAY(&a->scratch, a->c->graph->value.n + 1, int);
    for (int i = 0; i < a->c->graph->value.n; i++)
        a->tensor_of[i] = -1;
}

/* ---- constants ------------------------------------------------------------------------------- */

static void
add_blobs(assembler *a, int threads)
{
    const weft_graph *g = a->c->graph;
    const weft_const **c = WEFT_NEW_ARRAY(&a->scratch, g->value.n + 1, const weft_const *);
    const char **key = WEFT_NEW_ARRAY(&a->scratch, g->value.n + 1, const char *);
    int *tensor = WEFT_NEW_ARRAY(&a->scratch, g->value.n + 1, int);
    int n = 0;
    for (int i = 0; i < g->value.n; i++)
        if (g->value.at[i]->data && a->tensor_of[i] >= 0) {
            tensor[n] = a->tensor_of[i];
            c[n++] = g->value.at[i]->data;
        }
    weft_content_keys(&a->scratch, threads, n, c, key);
    weft_blob *more = WEFT_NEW_ARRAY(a->arena, a->m->nblob + n + 1, weft_blob);
    if (a->m->nblob)
        memcpy(more, a->m->blob, (size_t)a->m->nblob * sizeof *more);
    a->m->blob = more;
    weft_map *seen = weft_map_create(&a->scratch);
    for (int i = 0; i < a->m->nblob; i++)
        *weft_map_slot(seen, a->m->blob[i].key, strlen(a->m->blob[i].key)) = i;
    for (int i = 0; i < n; i++)
        a->p->tensor[tensor[i]].blob = weft_module_blob(a->m, seen, c[i], key[i]);
}

static void
add_symbols(assembler *a)
{
    const weft_graph *g = a->c->graph;
    if (a->m->nsymbol || g->symbol.n == 0)
        return;
    a->m->symbol = WEFT_NEW_ARRAY(a->arena, g->symbol.n + 1, weft_mod_symbol);
    for (int i = 0; i < g->symbol.n; i++)
        a->m->symbol[a->m->nsymbol++] =
            (weft_mod_symbol){ .name = weft_arena_strdup(a->arena, g->symbol.at[i]->name), .min = "0" };
}

weft_status
weft_assemble(weft_module *m, const weft_compiled *c, const weft_compile_job *job, weft_diag *diag)
{
    assembler a = { .m = m, .p = &m->program[m->nprogram], .c = c, .arena = &m->arena };
    (void)diag;
    *a.p = (weft_program){
        .target = weft_arena_printf(a.arena, "%s:%s", weft_api_name(job->target->api), job->target->name),
        .profile = *job->target,
        .numerics = job->numerics,
    };
    m->nprogram++;
    count_room(&a);
    add_symbols(&a);
    add_kernels(&a);
    add_inputs(&a);
    for (int g = 0; g < c->graph->group.n; g++)
        add_group(&a, g);
    add_outputs(&a);
    add_blobs(&a, job->threads);
    weft_arena_reset(&a.scratch);
    return WEFT_OK;
}
