/* check/reduce.c: the smallest part of a model that still disagrees.
 *
 * A part is any set of nodes.  What its nodes read and it does not make becomes an input with the
 * reference's value; constants stay constants, so that what passes do with them is kept.
 */
#include "check/priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct part { /* nodes by their index, ascending */
    int n, *at;
} part;

typedef struct reducer {
    const char *path;
    const weft_check_options *o;
    const weft_check_run *run; /* what disagrees */
    weft_check_report *report;
    weft_diag *diag;
    weft_graph *graph;
    weft_arena arena;
    bool *given; /* value id: a constant of the model, not one that was computed */
    int tests;
} reducer;

/* ---- sizes ----------------------------------------------------------------------------------- */

typedef struct sizes { /* symbols that the inputs given decide */
    weft_ir *ir;
    int n;
    const weft_var **var;
    const weft_expr **value;
} sizes;

static const weft_expr *const *
sized(const sizes *z, int64_t n, const weft_expr *const *e)
{
    if (!e || n < 1)
        return e;
    const weft_expr **to = WEFT_NEW_ARRAY(&z->ir->arena, n, const weft_expr *);
    for (int64_t i = 0; i < n; i++)
        if (e[i])
            to[i] = weft_simplify_expr(z->ir, NULL,
                                       weft_subst_expr(z->ir, e[i], z->n, z->var, z->value));
    return to;
}

static bool
has_size(const sizes *z, const weft_var *v)
{
    for (int i = 0; i < z->n; i++)
        if (z->var[i] == v)
            return true;
    return false;
}

static void
find_sizes(const reducer *r, sizes *z)
{
    const weft_graph *g = r->graph;
    for (int i = 0; i < g->input.n; i++)
        for (int k = 0; k < r->o->ninput; k++) {
            const weft_value *v = g->input.at[i];
            if (strcmp(v->name, r->o->input_name[k]) != 0 || v->ndim != r->o->input[k].ndim)
                continue;
            for (int d = 0; d < v->ndim && z->n < g->symbol.n; d++)
                if (v->dim[d]->h.kind == WEFT_EK_VAR && !has_size(z, v->dim[d]->h.u.var)) {
                    z->var[z->n] = v->dim[d]->h.u.var;
                    z->value[z->n++] = weft_int(z->ir, WEFT_I64, r->o->input[k].dim[d]);
                }
        }
}

/* A graph whose symbols are numbers. */
static void
give_sizes(reducer *r)
{
    weft_graph *g = r->graph;
    sizes z = { .ir = g->ir,
                .var = WEFT_NEW_ARRAY(&g->ir->arena, g->symbol.n + 1, const weft_var *),
                .value = WEFT_NEW_ARRAY(&g->ir->arena, g->symbol.n + 1, const weft_expr *) };
    find_sizes(r, &z);
    if (z.n == 0)
        return;
    for (int i = 0; i < g->value.n; i++) {
        weft_value *v = g->value.at[i];
        v->dim = sized(&z, v->ndim, v->dim);
        v->elem = sized(&z, v->nelem, v->elem);
    }
    for (int i = 0; i < g->node.n; i++) {
        weft_node *n = g->node.at[i];
        weft_attr *attr = weft_arena_dup(&g->ir->arena, n->attr, (size_t)n->nattr * sizeof *attr);
        for (int a = 0; a < n->nattr; a++)
            if (attr[a].kind == WEFT_ATTR_DIMS)
                attr[a].dims = sized(&z, attr[a].n, attr[a].dims);
        n->attr = attr;
    }
}

/* ---- values of the whole --------------------------------------------------------------------- */

static weft_status
set_inputs(reducer *r)
{
    weft_graph *g = r->graph;
    for (int i = 0; i < g->input.n; i++) {
        weft_value *v = g->input.at[i];
        weft_const *c = WEFT_NEW(&g->ir->arena, weft_const);
        int64_t *dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim + 1, int64_t);
        int k = 0;
        for (int d = 0; d < v->ndim; d++)
            if (!weft_as_int(v->dim[d], &dim[d]))
                return weft_fail(r->diag, WEFT_UNSUPPORTED,
                                 "input '%s' has a symbolic dimension; a model is reduced with its "
                                 "sizes given: --dim SYMBOL=N",
                                 v->name);
        while (k < r->o->ninput && strcmp(r->o->input_name[k], v->name) != 0)
            k++;
        *c = (weft_const){ .dtype = v->dtype, .ndim = v->ndim, .dim = dim };
        if (k < r->o->ninput) {
            *c = r->o->input[k];
        } else {
            weft_status status = weft_tensor_room(v->name, &g->ir->arena, c, r->diag);
            if (!status)
                status = weft_fill(r->o->fill ? r->o->fill : "random:0", v->name, c, r->diag);
            if (status)
                return status;
        }
        v->data = c;
    }
    return WEFT_OK;
}

static weft_status
evaluate_all(reducer *r)
{
    weft_evaluate_effort effort = { r->o->job.threads, weft_interp_steps() };
    weft_graph *g = r->graph;
    weft_status status = set_inputs(r);
    for (int i = 0; i < g->node.n && !status; i++) {
        weft_node *n = g->node.at[i];
        weft_const *out = WEFT_NEW_ARRAY(&g->ir->arena, n->nout + 1, weft_const);
        status = weft_evaluate_node(&effort, g, n, out, r->diag);
        for (int k = 0; k < n->nout && !status; k++)
            n->out[k]->data = &out[k];
    }
    return status;
}

/* Parts are cut from straight lines alone. */
static weft_status
check_straight(const reducer *r)
{
    for (int i = 0; i < r->graph->node.n; i++)
        if (weft_node_flows(r->graph->node.at[i]))
            return weft_fail(r->diag, WEFT_UNSUPPORTED,
                             "a model that decides by its data what runs, or how large results are, "
                             "is not reduced; the reproducers hold the kernels that differ");
    return WEFT_OK;
}

static weft_status
read_graph(reducer *r)
{
    static const weft_import_options no_options;
    const weft_compile_job *job = &r->o->job;
    weft_graph_options options = { .evaluate = weft_evaluate_node };
    r->graph = job->text
                   ? weft_parse_graph(r->path, job->text, r->diag)
                   : weft_read_model(r->path, job->import ? job->import : &no_options, r->diag);
    if (!r->graph)
        return weft_diag_status(r->diag) ? weft_diag_status(r->diag) : WEFT_INVALID_INPUT;
    weft_compile_job given = *job;
    given.nconstant = r->o->ninput;
    given.constant_name = r->o->input_name;
    given.constant = r->o->input;
    weft_status status = weft_give_constants(r->graph, &given, r->diag);
    give_sizes(r);
    if (!status)
        status = weft_run_graph_passes(
            r->graph, "infer,simplify-inference,fold-constants,clean-up,eliminate-dead", &options);
    r->given = WEFT_NEW_ARRAY(&r->arena, r->graph->value.n + 1, bool);
    for (int i = 0; i < r->graph->value.n; i++)
        r->given[r->graph->value.at[i]->id] = r->graph->value.at[i]->data != NULL;
    if (!status)
        status = check_straight(r);
    return status ? status : evaluate_all(r);
}

/* ---- a part as a graph of its own ------------------------------------------------------------ */

typedef WEFT_VEC(weft_value *) values;

typedef struct cut { /* a part being made a graph */
    reducer *r;
    weft_arena *arena;
    const bool *inside; /* node index */
    weft_value **copy;  /* value id: its stand-in; NULL: not needed */
    values value, input, output;
    WEFT_VEC(const char *) output_name;
    WEFT_VEC(weft_node *) node;
} cut;

static bool
is_inside(const cut *c, const weft_value *v)
{
    const weft_graph *g = c->r->graph;
    for (int i = 0; v->node && i < g->node.n; i++)
        if (g->node.at[i] == v->node)
            return c->inside[i];
    return false;
}

static bool
has_elements(const weft_value *v)
{
    return v->elem && !weft_is_float(v->dtype);
}

/* The value as the part sees it: its own, a constant, or an input. */
static weft_value *
stand_in(cut *c, weft_value *v)
{
    weft_value **to = &c->copy[v->id];
    if (*to)
        return *to;
    *to = weft_arena_dup(c->arena, v, sizeof *v);
    *WEFT_PUSH(c->arena, &c->value) = *to;
    bool inside = is_inside(c, v);
    bool constant = c->r->given[v->id] || (!inside && has_elements(v));
    if (!constant)
        (*to)->data = NULL;
    if (!inside && !constant)
        *WEFT_PUSH(c->arena, &c->input) = *to;
    return *to;
}

static weft_node *
copy_node(cut *c, const weft_node *n)
{
    weft_node *to = weft_arena_dup(c->arena, n, sizeof *n);
    to->in = WEFT_NEW_ARRAY(c->arena, n->nin + 1, weft_value *);
    to->out = WEFT_NEW_ARRAY(c->arena, n->nout + 1, weft_value *);
    to->group = -1;
    for (int i = 0; i < n->nin; i++)
        to->in[i] = n->in[i] ? stand_in(c, n->in[i]) : NULL;
    for (int i = 0; i < n->nout; i++)
        to->out[i] = stand_in(c, n->out[i]);
    return to;
}

/* What the part makes and somebody outside needs, or nobody at all. */
static bool
is_output(const cut *c, const weft_value *v)
{
    const weft_graph *g = c->r->graph;
    int inside = 0;
    for (int i = 0; i < g->output.n; i++)
        if (g->output.at[i] == v)
            return true;
    for (int i = 0; i < g->node.n; i++)
        for (int k = 0; k < g->node.at[i]->nin; k++) {
            if (g->node.at[i]->in[k] != v)
                continue;
            if (!c->inside[i])
                return true;
            inside++;
        }
    return inside == 0;
}

static void
make_cut(cut *c, const part *p)
{
    weft_graph *g = c->r->graph;
    bool *inside = WEFT_NEW_ARRAY(c->arena, g->node.n + 1, bool);
    c->inside = inside;
    c->copy = WEFT_NEW_ARRAY(c->arena, g->value.n + 1, weft_value *);
    for (int i = 0; i < p->n; i++)
        inside[p->at[i]] = true;
    for (int i = 0; i < p->n; i++)
        *WEFT_PUSH(c->arena, &c->node) = copy_node(c, g->node.at[p->at[i]]);
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < g->node.at[p->at[i]]->nout; k++) {
            weft_value *v = g->node.at[p->at[i]]->out[k];
            if (!is_output(c, v))
                continue;
            *WEFT_PUSH(c->arena, &c->output) = c->copy[v->id];
            *WEFT_PUSH(c->arena, &c->output_name) = v->name;
        }
}

/* The printer's graph is the whole one with the part's lists in place of its own for a moment. */
static char *
cut_text(cut *c)
{
    weft_graph *g = c->r->graph, whole = *g;
    weft_str text = { 0 };
#define LIST(name)                                                                                 \
    g->name.at = c->name.at;                                                                       \
    g->name.n = c->name.n;
    LIST(value)
    LIST(input)
    LIST(output)
    LIST(output_name)
    LIST(node)
#undef LIST
    weft_print_graph(&text, g);
    *g = whole;
    return weft_str_take(&text);
}

/* Inputs, and constants whose elements the text does not hold, by name. */
static int
cut_tensors(cut *c, const char ***name, const weft_const **tensor)
{
    int n = 0;
    *name = WEFT_NEW_ARRAY(c->arena, c->value.n + 1, const char *);
    weft_const *t = WEFT_NEW_ARRAY(c->arena, c->value.n + 1, weft_const);
    for (int i = 0; i < c->value.n; i++) {
        const weft_value *v = c->value.at[i], *of = NULL;
        for (int k = 0; k < c->r->graph->value.n; k++)
            if (c->r->graph->value.at[k]->id == v->id)
                of = c->r->graph->value.at[k];
        bool input = false;
        for (int k = 0; k < c->input.n; k++)
            input = input || c->input.at[k] == v;
        bool told = v->data && weft_element_count(v->data) <= WEFT_TEXT_ELEMENTS;
        if (!of || !of->data || (!input && (!v->data || told)))
            continue;
        (*name)[n] = v->name;
        t[n++] = *of->data;
    }
    *tensor = t;
    return n;
}

/* ---- does it disagree ------------------------------------------------------------------------ */

static bool
disagrees(reducer *r, const part *p)
{
    weft_arena scratch = { 0 };
    weft_check_report report;
    weft_check_options o = *r->o;
    cut c = { .r = r, .arena = &scratch };
    make_cut(&c, p);
    char *text = cut_text(&c);
    const char **name;
    o.job.text = text;
    o.device = (const char *const[]){ r->run->device };
    o.target = (const char *const[]){ r->run->target };
    o.ndevice = 1;
    o.ntarget = r->run->own ? 0 : 1;
    o.ninput = cut_tensors(&c, &name, &o.input);
    o.input_name = name;
    o.per_kernel = false;
    o.module = o.out = NULL;
    if (o.progress)
        o.progress(o.user, weft_arena_printf(&scratch, "%d nodes", p->n));
    o.progress = NULL;
    weft_diag *unsaid = weft_diag_create(); /* a part that does not compile is no part */
    weft_status status = weft_check_model(r->path, &o, unsaid, &report);
    bool bad = !status && weft_check_verdict(&report) == WEFT_MISMATCH;
    weft_check_report_free(&report);
    weft_diag_destroy(unsaid);
    weft_arena_reset(&scratch);
    free(text);
    r->tests++;
    return bad;
}

/* ---- delta debugging ------------------------------------------------------------------------- */

/* The part's chunk i of n, or all but it. */
static part
chunk_of(reducer *r, const part *p, int i, int n, bool without)
{
    int from = (int)((int64_t)p->n * i / n), to = (int)((int64_t)p->n * (i + 1) / n);
    part q = { 0, WEFT_NEW_ARRAY(&r->arena, p->n + 1, int) };
    for (int k = 0; k < p->n; k++)
        if ((k >= from && k < to) != without)
            q.at[q.n++] = p->at[k];
    return q;
}

/* Tries all chunks, or all complements; whether one of them disagrees, which then is *p. */
static bool
shrink(reducer *r, part *p, int n, bool without)
{
    for (int i = 0; i < n; i++) {
        part q = chunk_of(r, p, i, n, without);
        if (q.n == 0 || q.n == p->n || !disagrees(r, &q))
            continue;
        *p = q;
        return true;
    }
    return false;
}

static void
minimize(reducer *r, part *p)
{
    int n = 2;
    while (p->n > 1) {
        if (shrink(r, p, n, false))
            n = 2;
        else if (n > 2 && shrink(r, p, n, true))
            n = n - 1;
        else if (n < p->n)
            n = 2 * n < p->n ? 2 * n : p->n;
        else
            break;
    }
}

/* Where kernels were compared, the nodes of the first that disagrees are tried before all
 * others. */
static part
first_part(reducer *r)
{
    const weft_graph *g = r->graph;
    const char *layers = NULL;
    part p = { 0, WEFT_NEW_ARRAY(&r->arena, g->node.n + 1, int) };
    for (int i = 0; i < r->run->kernel.n && !layers; i++)
        if (!r->run->kernel.at[i].m.agree)
            layers = r->run->kernel.at[i].layers;
    for (int i = 0; i < g->node.n && layers; i++)
        if (*g->node.at[i]->name && strstr(layers, g->node.at[i]->name))
            p.at[p.n++] = i;
    if (p.n && disagrees(r, &p))
        return p;
    for (p.n = 0; p.n < g->node.n; p.n++)
        p.at[p.n] = p.n;
    if (!disagrees(r, &p))
        p.n = 0;
    return p;
}

/* ---- what is left ---------------------------------------------------------------------------- */

static weft_status
write_tensors(reducer *r, cut *c, const char *dir, weft_str *command)
{
    const char **name;
    const weft_const *tensor;
    const char *inputs = weft_arena_printf(c->arena, "%s/inputs", dir);
    weft_status status = weft_make_dirs(r->diag, inputs);
    int n = cut_tensors(c, &name, &tensor);
    for (int i = 0; i < n && !status; i++) {
        weft_str option = { 0 };
        status = weft_write_tensor(inputs, name[i], &tensor[i], r->diag);
        weft_str_addf(&option, "%s=", name[i]);
        weft_tensor_path(&option, "inputs", name[i], tensor[i].dtype);
        weft_str_add(command, " \\\n    -i ");
        weft_add_quoted(command, option.at);
        weft_str_free(&option);
    }
    return status;
}

static weft_status
write_part(reducer *r, const part *p, weft_reduction *out)
{
    weft_arena scratch = { 0 }, *arena = &r->report->arena;
    cut c = { .r = r, .arena = &scratch };
    weft_str command = { 0 };
    const char *dir = weft_arena_printf(arena, "%s/reduced", r->o->out ? r->o->out : "weft-check");
    make_cut(&c, p);
    char *text = cut_text(&c);
    weft_str_add(&command, "#!/bin/sh\n"
                           "# The smallest part of a model that was seen to disagree.  WEFT names "
                           "the command where it is not on the path.\n"
                           "CDPATH='' cd -- \"$(dirname -- \"$0\")\" &&\n"
                           "    exec \"${WEFT:-weft}\" check graph.wir -d ");
    weft_add_quoted(&command, r->run->device);
    if (!r->run->own) {
        weft_str_add(&command, " -t ");
        weft_add_quoted(&command, r->run->target);
    }
    weft_str_add(&command, " \"$@\"");
    out->path = weft_arena_printf(arena, "%s/graph.wir", dir);
    out->again = weft_arena_printf(arena, "%s/run.sh", dir);
    weft_status status = write_tensors(r, &c, dir, &command);
    weft_str_add(&command, "\n");
    if (!status)
        status = weft_file_write(r->diag, out->path, text, strlen(text));
    if (!status)
        status = weft_file_write(r->diag, out->again, command.at, command.n);
    if (!status && chmod(out->again, 0755))
        status = weft_fail(r->diag, WEFT_IO, "%s cannot be made executable", out->again);
    weft_str_free(&command);
    free(text);
    weft_arena_reset(&scratch);
    return status;
}

weft_status
weft_check_reduce(const char *path, const weft_check_options *o, weft_check_report *report,
                  weft_diag *diag)
{
    weft_reduction *out = &report->reduced;
    reducer r = { .path = path, .o = o, .report = report, .diag = diag };
    *out = (weft_reduction){ 0 };
    for (int i = 0; i < report->run.n && !r.run; i++)
        if (report->run.at[i].status == WEFT_MISMATCH)
            r.run = &report->run.at[i];
    if (!r.run)
        return WEFT_OK;
    weft_status status = read_graph(&r);
    if (!status) {
        part p = first_part(&r);
        minimize(&r, &p);
        out->before = r.graph->node.n;
        out->after = p.n;
        if (p.n)
            status = write_part(&r, &p, out);
        else
            status = weft_fail(diag, WEFT_NOT_FOUND,
                               "the model compiled anew agrees on '%s'; only its kernels one by "
                               "one differ, and the reproducers hold them",
                               r.run->device);
        out->tests = r.tests;
    }
    if (r.graph)
        weft_graph_destroy(r.graph);
    weft_arena_reset(&r.arena);
    return status;
}
