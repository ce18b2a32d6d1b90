/* compiler/assemble.c: a compiled model as a program of the module. */
#include "compiler/priv.h"

#include <string.h>

typedef struct assembler {
    weft_draft b;
    weft_module *m;
    const weft_compiled *c;
    weft_arena scratch;
    int *tensor_of;  /* value id -> tensor; -1 */
    int *first_step; /* group -> its first step */
    weft_flow flow;
} assembler;

static int
tensor_of(assembler *a, const weft_value *v)
{
    return weft_draft_value(&a->b, a->tensor_of, v);
}

static void
add_inputs(assembler *a)
{
    const weft_graph *g = a->c->graph;
    weft_program *p = a->b.p;
    p->ninput = g->input.n;
    p->input = WEFT_NEW_ARRAY(a->b.arena, g->input.n + 1, int);
    for (int i = 0; i < g->input.n; i++) {
        const weft_value *v = g->input.at[i];
        a->tensor_of[v->id] =
            weft_draft_tensor(&a->b, v->name, WEFT_ROLE_INPUT, v->dtype, v->ndim, v->dim);
        p->input[i] = a->tensor_of[v->id];
    }
}

/* Another tensor than `but` that has the name; -1: none. */
static int
find_name(const weft_program *p, const char *name, int but)
{
    for (int i = 0; i < p->ntensor; i++)
        if (i != but && strcmp(p->tensor[i].name, name) == 0)
            return i;
    return -1;
}

/* The tensor gives its name to the output over its memory. */
static void
rename_apart(assembler *a, int t, const char *taken)
{
    weft_program *p = a->b.p;
    const char *name = p->tensor[t].name;
    for (int i = 0; strcmp(name, taken) == 0 || find_name(p, name, t) >= 0; i++)
        name = weft_arena_printf(a->b.arena, "%s.value%d", taken, i);
    p->tensor[t].name = name;
}

/* An output that is another's value, an input or a constant gets a tensor of its own name over the
 * same memory.  A graph in the model's may have given the name to a value of its own. */
static void
add_output(assembler *a, int i)
{
    const weft_value *v = a->c->graph->output.at[i];
    const char *name = a->c->graph->output_name.at[i];
    weft_program *p = a->b.p;
    int t = tensor_of(a, v);
    int other = find_name(p, name, t);
    if (other >= 0 && p->tensor[other].role == WEFT_ROLE_TEMP)
        rename_apart(a, other, name);
    if (p->tensor[t].role == WEFT_ROLE_TEMP) {
        p->tensor[t].role = WEFT_ROLE_OUTPUT;
        p->tensor[t].name = weft_arena_strdup(a->b.arena, name);
    } else {
        if (p->tensor[t].role == WEFT_ROLE_CONSTANT)
            rename_apart(a, t, name);
        int own = weft_draft_tensor(&a->b, name, WEFT_ROLE_OUTPUT, v->dtype, v->ndim, v->dim);
        p->tensor[own].alias = t;
        t = own;
    }
    p->output[i] = t;
    weft_draft_use(&a->b, t, p->nstep);
}

static const char *
layers_of(assembler *a, const weft_group *g)
{
    weft_str layers = { 0 };
    for (int i = 0; i < g->nnode; i++)
        weft_str_addf(&layers, "%s%s", i ? " + " : "", g->node[i]->name);
    const char *text = weft_arena_strdup(&a->scratch, weft_str_text(&layers));
    weft_str_free(&layers);
    return text;
}

static int *
tensors_of(assembler *a, int n, weft_value *const *v)
{
    int *t = WEFT_NEW_ARRAY(&a->scratch, n + 1, int);
    for (int i = 0; i < n; i++)
        t[i] = tensor_of(a, v[i]);
    return t;
}

/* The same bytes under other dims. */
static void
place_alias(assembler *a, const weft_group *g)
{
    int in = tensor_of(a, g->in[0]);
    a->b.p->tensor[tensor_of(a, g->out[0])].alias = in;
}

/* The inputs one after the other in the memory of the result. */
static void
place_parts(assembler *a, const weft_node *concat)
{
    int whole = tensor_of(a, concat->out[0]);
    int64_t before = 0, at, n;
    for (int i = 0; i < concat->nin; i++) {
        bool known = weft_dtype_bytes(concat->in[i]->dtype, before, &at) &&
                     weft_value_count(concat->in[i], &n);
        weft_assert(known, "a part of unknown size");
        weft_draft_place(&a->b, tensor_of(a, concat->in[i]), whole, at);
        before += n;
    }
}

static void
add_group(assembler *a, int index)
{
    const weft_group *g = a->c->graph->group.at[index];
    int unit = a->c->unit_of[index];
    weft_flow_enter(&a->flow, index);
    a->first_step[index] = a->b.p->nstep;
    if (weft_node_flows(g->node[0])) {
        weft_flow_node(&a->flow, g->node[0]);
        return;
    }
    if (unit < 0) {
        for (int i = 0; i < g->nnode && g->pattern == WEFT_PAT_PARTS; i++)
            place_parts(a, g->node[i]);
        if (g->pattern == WEFT_PAT_ALIAS)
            place_alias(a, g);
        return;
    }
    weft_draft_slots slots = { .in = tensors_of(a, g->nin, g->in),
                               .out = tensors_of(a, g->nout, g->out) };
    weft_draft_steps(&a->b, &a->c->unit[unit], unit, &slots, layers_of(a, g));
}

static void
make_room(assembler *a)
{
    const weft_graph *g = a->c->graph;
    int steps = 0;
    a->b.cap = g->value.n + g->output.n;
    for (int i = 0; i < g->group.n; i++)
        if (a->c->unit_of[i] >= 0) {
            a->b.cap += a->c->unit[a->c->unit_of[i]].lowered.nwork;
            steps += a->c->unit[a->c->unit_of[i]].nkernel;
        } else {
            steps += WEFT_FLOW_STEPS + g->group.at[i]->node[0]->nin; /* if it is for the plan alone */
            a->b.cap++;
        }
    steps += g->scope.n;
    a->b.p->tensor = WEFT_NEW_ARRAY(a->b.arena, a->b.cap + 1, weft_mod_tensor);
    a->b.p->step = WEFT_NEW_ARRAY(a->b.arena, steps + 1, weft_mod_step);
    a->b.p->output = WEFT_NEW_ARRAY(a->b.arena, g->output.n + 1, int);
    a->tensor_of = WEFT_NEW_ARRAY(a->b.arena, g->value.n + 1, int);
    a->first_step = WEFT_NEW_ARRAY(a->b.arena, g->group.n + 1, int);
    for (int i = 0; i < g->value.n; i++)
        a->tensor_of[i] = -1;
    a->flow = weft_flow_start(&a->b, g, a->m, a->tensor_of);
}

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
    weft_module_blobs(a->m, &a->scratch, n, c, key);
    for (int i = 0; i < n; i++)
        a->b.p->tensor[tensor[i]].blob = weft_arena_strdup(a->b.arena, key[i]);
}

void
weft_module_symbols(weft_module *m, int n, const weft_var *const *symbol)
{
    if (m->nsymbol || n == 0)
        return;
    m->symbol = WEFT_NEW_ARRAY(&m->arena, n + 1, weft_mod_symbol);
    for (int i = 0; i < n; i++)
        m->symbol[m->nsymbol++] =
            (weft_mod_symbol){ .name = weft_arena_strdup(&m->arena, symbol[i]->name), .min = "0" };
}

weft_program *
weft_module_program(weft_module *m, const weft_compile_job *job)
{
    weft_program *p = &m->program[m->nprogram++];
    *p = (weft_program){
        .target = weft_arena_printf(&m->arena, "%s:%s", weft_api_name(job->target->api),
                                    job->target->name),
        .profile = *job->target,
        .numerics = job->numerics,
    };
    return p;
}

weft_status
weft_assemble(weft_module *m, const weft_compiled *c, const weft_compile_job *job, weft_diag *diag,
              weft_origin *origin)
{
    assembler a = { .b = { .p = weft_module_program(m, job), .arena = &m->arena }, .m = m, .c = c };
    (void)diag;
    weft_module_symbols(m, c->graph->symbol.n, c->graph->symbol.at);
    make_room(&a);
    weft_draft_kernels(&a.b, c->unit, c->nunit);
    add_inputs(&a);
    for (int g = 0; g < c->graph->group.n; g++)
        add_group(&a, g);
    weft_flow_enter(&a.flow, c->graph->group.n);
    a.b.p->noutput = c->graph->output.n;
    for (int i = 0; i < c->graph->output.n; i++)
        add_output(&a, i);
    add_blobs(&a, job->threads);
    *origin = (weft_origin){ c, a.b.p, a.tensor_of, a.first_step };
    weft_arena_reset(&a.flow.scratch);
    weft_arena_reset(&a.scratch);
    return WEFT_OK;
}
