/* compiler/model.c: a model compiled for one target: graph passes, units found and built.
 *
 * Groups whose te programs read the same become one unit, lowered and printed once; units are built
 * in parallel, each in its own context, so the result is the same for any number of workers.
 */
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

enum {
    FLOPS_A_BYTE = 10, /* of a target that does not say */
    PART_ALIGN = 64    /* of tensors at least, wherever they lie: the widest vector load */
};

static int64_t
part_align(const weft_target *t)
{
    return t->offset_align > PART_ALIGN ? t->offset_align : PART_ALIGN;
}

/* Whether matrix units multiply f16 and add up in f32. */
static bool
multiplies_halves(const weft_target *t)
{
    bool any = false;
    for (int i = 0; i < weft_matrix_count(); i++) {
        const weft_matrix *m = weft_matrix_at(i);
        any = any || (t->api == m->api && m->factor == WEFT_F16 && m->sum == WEFT_F32 &&
                      weft_target_multiplies(t, m));
    }
    return any;
}

/* Runs the passes that the job's target and level ask for. */
static weft_status
optimize(weft_graph *graph, const weft_compile_job *job)
{
    const weft_target *t = job->target;
    bool vectors = t->cls == WEFT_CLASS_VECTOR_CPU && job->optimize > 0;
    bool simt = t->cls == WEFT_CLASS_GPU || t->cls == WEFT_CLASS_MOBILE;
    weft_graph_options options = {
        .evaluate = weft_evaluate_node,
        .max_range = t->max_range,
        .max_alloc = t->max_alloc,
        .max_buffers = t->max_buffers,
        .pack_lanes = vectors ? t->vector_lanes : 0,
        .block_lanes = vectors ? t->vector_lanes : 0,
        .float_sums = (vectors || simt) && job->optimize > 0,
        .half_products = multiplies_halves(t),
        .flat_places = vectors,
        .attention_bytes = simt && job->optimize > 0 ? t->shared_bytes : 0,
        .attention_lanes = vectors ? t->vector_lanes : 0,
        .attention_registers = vectors ? t->registers : 0,
        .flops_a_byte = t->gflops > 0 && t->gbytes > 0 ? t->gflops / t->gbytes : FLOPS_A_BYTE,
        .workers = vectors ? t->cores : 0,
        .no_fuse = job->optimize == 0,
        .part_align = job->optimize > 0 ? part_align(t) : 0,
    };
    return weft_run_graph_passes(graph, NULL, &options);
}

static char *
graph_text(const weft_graph *graph)
{
    weft_str text = { 0 };
    weft_print_graph(&text, graph);
    return weft_str_take(&text);
}

/* A program's identity: its text without its name. */
static const char *
body_of(const char *te_text)
{
    const char *open = strchr(te_text, '(');
    return open ? open : te_text;
}

static void
share_layers(weft_te *first, const weft_te *other)
{
    if (!other->info.layers || !first->info.layers)
        return;
    const char *both =
        weft_arena_printf(&first->ir->arena, "%s, %s", first->info.layers, other->info.layers);
    first->info.layers = both;
}

/* Whether one of the messages before says the same. */
static bool
is_repeated(const weft_diag *d, int i)
{
    int n, length;
    weft_status status;
    const char *said = weft_diag_message(d, i, &n, &status);
    for (int k = 0; k < i; k++) {
        const char *before = weft_diag_message(d, k, &length, &status);
        if (length == n && memcmp(before, said, (size_t)n) == 0)
            return true;
    }
    return false;
}

/* Every error of a part of the work, each after `where` and once.  Its status, with a message of
 * its own where nothing was said. */
static weft_status
pass_on(weft_diag *diag, const weft_diag *own, weft_status status, const char *where)
{
    const char *said;
    weft_status each;
    int n;
    bool any = false;
    for (int i = 0; (said = weft_diag_message(own, i, &n, &each)); i++)
        if (each && !is_repeated(own, i)) {
            weft_fail(diag, each, "%s%.*s", where, n, said);
            any = true;
        }
    return any ? status : weft_fail(diag, status, "%s%s", where, weft_status_text(status));
}

/* Makes the group's program and gives it to the unit that has the same one, or to a new unit. */
static weft_status
place_group(weft_compiled *c, weft_map *seen, int group, weft_diag *diag)
{
    weft_diag *own = weft_diag_create();
    weft_te *te = weft_group_te(c->graph, c->graph->group.at[group], own);
    if (!te) {
        weft_status status = weft_diag_status(own);
        status = pass_on(diag, own, status ? status : WEFT_INTERNAL, "");
        weft_diag_destroy(own);
        return status;
    }
    char *text = weft_te_print(te);
    const char *body =
        weft_arena_printf(&c->arena, "%s%s", body_of(text), te->schedule ? te->schedule : "");
    int64_t *slot = weft_map_slot(seen, body, strlen(body));
    if (*slot < 0) {
        *slot = c->nunit;
        c->unit[c->nunit++] = (weft_unit){ .te = te, .diag = own };
    } else {
        share_layers(c->unit[*slot].te, te);
        weft_te_destroy(te);
        weft_diag_destroy(own);
    }
    c->unit_of[group] = (int)*slot;
    free(text);
    return WEFT_OK;
}

static weft_status
find_units(weft_compiled *c, weft_diag *diag)
{
    int ngroup = c->graph->group.n;
    weft_map *seen = weft_map_create(&c->arena);
    weft_status first = WEFT_OK;
    c->unit = WEFT_NEW_ARRAY(&c->arena, ngroup + 1, weft_unit);
    c->unit_of = WEFT_NEW_ARRAY(&c->arena, ngroup + 1, int);
    for (int g = 0; g < ngroup; g++) {
        c->unit_of[g] = -1;
        if (!weft_group_computes(c->graph->group.at[g]))
            continue;
        weft_status status = place_group(c, seen, g, diag);
        first = first ? first : status;
    }
    return first;
}

enum { NAME_MAX_LENGTH = 48 };

/* Whether it reads like a kernel of a program that has several: "..._step1". */
static bool
ends_in_step(const char *name)
{
    size_t n = strlen(name);
    while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
        n--;
    return n > 5 && n < strlen(name) && memcmp(name + n - 5, "_step", 5) == 0;
}

/* A kernel's name from the program's: letters, digits and underscores, never one of a language's
 * own words (those have no underscore), unique among the names taken and what several kernels of
 * one program are called. */
static const char *
kernel_name(weft_arena *arena, weft_map *taken, const char *wanted)
{
    weft_str s = { 0 };
    for (const char *p = wanted; *p && s.n < NAME_MAX_LENGTH; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        bool doubled = !plain && s.n && s.at[s.n - 1] == '_';
        if (!doubled)
            weft_str_addn(&s, plain ? p : "_", 1);
    }
    bool starts_well = s.n && !(s.at[0] >= '0' && s.at[0] <= '9') && s.at[0] != '_';
    bool has_mark = s.n && strchr(weft_str_text(&s), '_');
    const char *stem = weft_arena_printf(arena, "%s%s%s", starts_well ? "" : "k_",
                                         weft_str_text(&s), has_mark || !starts_well ? "" : "_0");
    weft_str_free(&s);
    if (ends_in_step(stem))
        stem = weft_arena_printf(arena, "%s_k", stem);
    const char *name = stem;
    for (int i = 1; weft_map_get(taken, name, strlen(name)) >= 0; i++)
        name = weft_arena_printf(arena, "%s_%d", stem, i);
    *weft_map_slot(taken, name, strlen(name)) = 1;
    return name;
}

typedef struct building {
    weft_compiled *c;
    const weft_compile_job *job;
    const char **name;
    weft_dump_stage stage;
} building;

static void
build_one(void *user, int i)
{
    building *b = user;
    weft_build_unit(&b->c->unit[i], b->job, b->name[i], false, b->stage);
}

static weft_status
build_units(weft_compiled *c, const weft_compile_job *job, weft_dump_stage stage, weft_diag *diag)
{
    weft_map *taken = weft_map_create(&c->arena);
    building b = { c, job, WEFT_NEW_ARRAY(&c->arena, c->nunit + 1, const char *), stage };
    weft_status first = WEFT_OK;
    for (int i = 0; i < c->nunit; i++) {
        weft_te *te = c->unit[i].te;
        const char *wanted =
            job->prefix ? weft_arena_printf(&c->arena, "%s%s", job->prefix, te->name) : te->name;
        b.name[i] = kernel_name(&c->arena, taken, wanted);
        te->name = weft_arena_strdup(&te->ir->arena, b.name[i]);
    }
    weft_parallel_for(job->threads, c->nunit, build_one, &b);
    for (int i = 0; i < c->nunit; i++) {
        weft_unit *u = &c->unit[i];
        if (!u->status)
            continue;
        pass_on(diag, u->diag, u->status,
                weft_arena_printf(&c->arena, "%s: %s: ",
                                  *c->graph->model ? c->graph->model : c->graph->name,
                                  u->te->info.layers ? u->te->info.layers : u->te->name));
        first = first ? first : u->status;
    }
    return first;
}

weft_status
weft_give_constants(weft_graph *g, const weft_compile_job *job, weft_diag *diag)
{
    weft_map *index = weft_map_create(&g->ir->arena);
    for (int i = 0; i < job->nconstant; i++)
        *weft_map_slot(index, job->constant_name[i], strlen(job->constant_name[i])) = i;
    for (int i = 0; i < g->value.n && job->nconstant; i++) {
        weft_value *v = g->value.at[i];
        int64_t k = weft_map_get(index, v->name, strlen(v->name));
        if (k < 0 || !v->data || !weft_graph_hash(g, v->data))
            continue;
        const weft_const *c = &job->constant[k];
        bool same = c->dtype == v->dtype && c->ndim == v->ndim;
        for (int d = 0; same && d < c->ndim; d++)
            same = c->dim[d] == v->data->dim[d];
        if (!same)
            return weft_fail(diag, WEFT_INVALID_INPUT,
                             "constant '%s' is given contents of another type or shape", v->name);
        v->data = c;
        v->elem = NULL;
        if (job->found)
            job->found[k] = true;
    }
    return WEFT_OK;
}

weft_status
weft_compile_model(const char *path, const weft_compile_job *job, weft_dump_stage stage,
                   weft_diag *diag, weft_compiled *c)
{
    *c = (weft_compiled){ .graph = job->text ? weft_parse_graph(path, job->text, diag)
                                             : weft_read_model(path, job->import, diag) };
    weft_status status;
    if (!c->graph) {
        status = weft_diag_status(diag);
        return status ? status : WEFT_INVALID_INPUT;
    }
    if (stage == WEFT_DUMP_GRAPH) {
        c->graph_text = graph_text(c->graph);
        return WEFT_OK;
    }
    status = weft_give_constants(c->graph, job, diag);
    if (!status)
        status = optimize(c->graph, job);
    if (!status && stage != WEFT_DUMP_COUNT)
        c->fused_text = graph_text(c->graph);
    if (status || stage == WEFT_DUMP_FUSED)
        return status;
    status = find_units(c, diag);
    weft_status built = build_units(c, job, stage, diag);
    return status ? status : built;
}

void
weft_compiled_free(weft_compiled *c)
{
    for (int i = 0; i < c->nunit; i++)
        weft_unit_free(&c->unit[i]);
    free(c->graph_text);
    free(c->fused_text);
    if (c->graph)
        weft_graph_destroy(c->graph);
    weft_arena_reset(&c->arena);
}
