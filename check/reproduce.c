/* check/reproduce.c: a group's kernels as a module that runs alone, with its inputs and what it has
 * to give beside it.
 *
 *   DIR/manifest.json, kernels/   the module: one program, the group's steps; edit and run again
 *   DIR/inputs/, expected/          what the reference has for its inputs and its outputs
 *   DIR/program.te                  what it computes, without a schedule
 *   DIR/run.sh                      `weft check DIR -d DEVICE`
 *
 * Everything is of the bound shapes: the new program has no symbols.
 */
#include "check/priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct writer {
    weft_checking *c;
    const weft_group *group;
    const weft_program *from;
    weft_module *m;
    weft_program *p;
    const char *dir;
    int *tensor_of, *kernel_of; /* of the old program; -1 */
    weft_status status;
} writer;

/* ---- the module ------------------------------------------------------------------------------ */

static const char *
number(writer *w, const char *text)
{
    int64_t v = 0;
    weft_status status = text ? weft_chain_number(w->c->chain, text, &v, w->c->diag) : WEFT_OK;
    if (status && !w->status)
        w->status = status;
    return text ? weft_arena_printf(&w->m->arena, "%lld", (long long)v) : NULL;
}

static int
add_tensor(writer *w, int old, weft_role role)
{
    if (w->tensor_of[old] >= 0)
        return w->tensor_of[old];
    weft_mod_tensor *t = &w->p->tensor[w->p->ntensor];
    const weft_mod_tensor *from = &w->from->tensor[old];
    const char **dim = WEFT_NEW_ARRAY(&w->m->arena, from->ndim + 1, const char *);
    for (int d = 0; d < from->ndim; d++)
        dim[d] = number(w, from->dim[d]);
    *t = (weft_mod_tensor){ .name = from->name,
                            .role = role,
                            .dtype = from->dtype,
                            .ndim = from->ndim,
                            .dim = dim,
                            .alias = -1,
                            .in_place = -1,
                            .first = -1,
                            .last = -1 };
    w->tensor_of[old] = w->p->ntensor;
    return w->p->ntensor++;
}

static int
add_kernel(writer *w, int old)
{
    if (w->kernel_of[old] < 0) {
        w->kernel_of[old] = w->p->nkernel;
        w->p->kernel[w->p->nkernel++] = w->from->kernel[old];
    }
    return w->kernel_of[old];
}

static void
add_step(writer *w, const weft_mod_step *from)
{
    weft_arena *arena = &w->m->arena;
    weft_mod_step *s = &w->p->step[w->p->nstep];
    weft_mod_arg *arg = WEFT_NEW_ARRAY(arena, from->nbuffer + 1, weft_mod_arg);
    const char **scalar = WEFT_NEW_ARRAY(arena, from->nscalar + 1, const char *);
    *s = *from;
    s->kernel = add_kernel(w, from->kernel);
    for (int a = 0; a < 3; a++) {
        s->grid[a] = number(w, from->grid[a]);
        s->block[a] = number(w, from->block[a]);
    }
    for (int i = 0; i < from->nbuffer; i++) {
        arg[i] = from->buffer[i];
        arg[i].tensor = add_tensor(w, arg[i].tensor, WEFT_ROLE_TEMP);
        arg[i].offset = number(w, from->buffer[i].offset);
        weft_mod_tensor *t = &w->p->tensor[arg[i].tensor];
        t->first = t->first < 0 ? w->p->nstep : t->first;
        t->last = w->p->nstep;
    }
    for (int i = 0; i < from->nscalar; i++)
        scalar[i] = number(w, from->scalar[i]);
    s->buffer = arg;
    s->scalar = scalar;
    w->p->nstep++;
}

static void
add_ends(writer *w)
{
    const weft_group *g = w->group;
    const int *of = w->c->origin->tensor_of;
    w->p->input = WEFT_NEW_ARRAY(&w->m->arena, g->nin + 1, int);
    w->p->output = WEFT_NEW_ARRAY(&w->m->arena, g->nout + 1, int);
    for (int i = 0; i < g->nin; i++)
        w->p->input[w->p->ninput++] = add_tensor(w, of[g->in[i]->id], WEFT_ROLE_INPUT);
    for (int i = 0; i < g->nout; i++) {
        int t = add_tensor(w, of[g->out[i]->id], WEFT_ROLE_OUTPUT);
        w->p->output[w->p->noutput++] = t;
    }
}

static int *
none(weft_arena *arena, int n)
{
    int *map = WEFT_NEW_ARRAY(arena, n + 1, int);
    for (int i = 0; i < n; i++)
        map[i] = -1;
    return map;
}

static void
make_program(writer *w, int group)
{
    weft_arena *arena = &w->m->arena;
    const weft_program *from = w->from;
    int first = w->c->origin->first_step[group];
    int end = first + weft_origin_steps(w->c->origin, group);
    w->m->model = w->c->report->model;
    w->m->program = w->p = WEFT_NEW(arena, weft_program);
    w->m->nprogram = 1;
    *w->p = (weft_program){ .target = from->target,
                            .profile = from->profile,
                            .numerics = from->numerics };
    w->p->tensor = WEFT_NEW_ARRAY(arena, from->ntensor + 1, weft_mod_tensor);
    w->p->kernel = WEFT_NEW_ARRAY(arena, from->nkernel + 1, weft_mod_kernel);
    w->p->step = WEFT_NEW_ARRAY(arena, from->nstep + 1, weft_mod_step);
    w->tensor_of = none(arena, from->ntensor);
    w->kernel_of = none(arena, from->nkernel);
    add_ends(w);
    for (int i = first; i < end; i++)
        add_step(w, &from->step[i]);
}

/* ---- what lies beside it --------------------------------------------------------------------- */

static void
write_tensors(writer *w, const char *folder, int n, weft_value *const *v, const int *tensor)
{
    const char *dir = weft_arena_printf(&w->m->arena, "%s/%s", w->dir, folder);
    if (!w->status)
        w->status = weft_make_dirs(w->c->diag, dir);
    for (int i = 0; i < n && !w->status; i++)
        w->status = weft_write_tensor(dir, w->p->tensor[tensor[i]].name,
                                      &w->c->chain->value[v[i]->id].c, w->c->diag);
}

static void
write_text(writer *w, const char *name, const char *text, int mode)
{
    const char *path = weft_arena_printf(&w->m->arena, "%s/%s", w->dir, name);
    if (!w->status)
        w->status = weft_file_write(w->c->diag, path, text, strlen(text));
    if (!w->status && chmod(path, (mode_t)mode))
        w->status = weft_fail(w->c->diag, WEFT_IO, "%s cannot be made executable", path);
}

static void
write_te(writer *w, int group)
{
    weft_te *te = weft_chain_program(w->c->chain, group, w->c->diag);
    char *text = te ? weft_te_print(te) : NULL;
    if (text)
        write_text(w, "program.te", text, 0644);
    free(text);
    if (te)
        weft_te_destroy(te);
}

void
weft_add_quoted(weft_str *s, const char *text)
{
    weft_str_add(s, "'");
    for (; *text; text++)
        weft_str_add(s, *text == '\'' ? "'\\''" : (const char[]){ *text, '\0' });
    weft_str_add(s, "'");
}

static void
write_command(writer *w)
{
    weft_str s = { 0 };
    weft_str_add(
        &s, "#!/bin/sh\n"
            "# Runs this kernel alone on the inputs that the reference has for it and compares "
            "what it gives.\n"
            "# Edit kernels/ and run it again.  WEFT names the command where it is not on the "
            "path.\n"
            "exec \"${WEFT:-weft}\" check \"$(dirname -- \"$0\")\" -d ");
    weft_add_quoted(&s, w->c->run->device);
    weft_str_add(&s, " \"$@\"\n");
    write_text(w, "run.sh", weft_str_text(&s), 0755);
    weft_str_free(&s);
}

/* "<kernel>-<device>-<profile>": one a group, device and target. */
static const char *
folder_name(writer *w)
{
    const char *profile = strchr(w->from->target, ':');
    char *name =
        weft_arena_printf(&w->c->report->arena, "%s/%s-%s-%s", w->c->o->out, w->p->kernel[0].name,
                          w->c->run->device, profile ? profile + 1 : w->from->target);
    for (char *p = name + strlen(w->c->o->out); *p; p++)
        if (strchr(": ", *p))
            *p = '-';
    return name;
}

weft_status
weft_write_reproducer(weft_checking *c, int group, const char **path)
{
    writer w = { .c = c,
                 .group = c->origin->compiled->graph->group.at[group],
                 .from = weft_session_program(c->session),
                 .m = calloc(1, sizeof(weft_module)) };
    *path = NULL;
    if (!w.m)
        return weft_fail(c->diag, WEFT_OUT_OF_MEMORY, "a module of one kernel");
    make_program(&w, group);
    w.dir = folder_name(&w);
    if (!w.status)
        w.status = weft_module_write(w.m, weft_arena_printf(&w.m->arena, "%s/", w.dir), c->diag);
    write_tensors(&w, "inputs", w.group->nin, w.group->in, w.p->input);
    write_tensors(&w, "expected", w.group->nout, w.group->out, w.p->output);
    write_te(&w, group);
    write_command(&w);
    weft_module_destroy(w.m);
    *path = w.status ? NULL : w.dir;
    return w.status;
}

/* ---- running it again ------------------------------------------------------------------------ */

bool
weft_is_reproducer(const char *dir)
{
    weft_str path = { 0 };
    struct stat st;
    bool is = true;
    for (int i = 0; i < 3 && is; i++) {
        static const char *const parts[] = { "manifest.json", "inputs", "expected" };
        path.n = 0;
        weft_str_addf(&path, "%s/%s", dir, parts[i]);
        is = stat(path.at, &st) == 0;
    }
    weft_str_free(&path);
    return is;
}

static weft_status
read_beside(const char *dir, const char *folder, const weft_mod_tensor *t, weft_arena *arena,
            weft_const *c, weft_diag *diag)
{
    weft_str path = { 0 };
    weft_tensor_path(&path, weft_arena_printf(arena, "%s/%s", dir, folder), t->name, t->dtype);
    weft_status status = weft_read_tensor(path.at, arena, c, diag);
    weft_str_free(&path);
    return status;
}

static weft_status
run_again(weft_checking *c, const char *dir)
{
    const weft_program *p = weft_session_program(c->session);
    weft_arena scratch = { 0 };
    weft_const *in = WEFT_NEW_ARRAY(&scratch, p->ninput + 1, weft_const);
    weft_const *out = WEFT_NEW_ARRAY(&scratch, p->noutput + 1, weft_const), want;
    weft_status status = WEFT_OK;
    for (int i = 0; i < p->ninput && !status; i++)
        status = read_beside(dir, "inputs", &p->tensor[p->input[i]], &scratch, &in[i], c->diag);
    if (!status)
        status = weft_run_once(c->session, in, &scratch, out, c->diag);
    for (int i = 0; i < p->noutput && !status; i++) {
        const weft_mod_tensor *t = &p->tensor[p->output[i]];
        weft_check_item item = { .tensor = weft_arena_strdup(&c->report->arena, t->name) };
        status = read_beside(dir, "expected", t, &scratch, &want, c->diag);
        if (!status)
            weft_add_item(c, item, false, &out[i], &want);
    }
    weft_arena_reset(&scratch);
    return status;
}

weft_status
weft_rerun_reproducer(weft_checking *c, const char *dir, weft_device *device)
{
    weft_status status = weft_session_create(c->module, device, NULL, c->diag, &c->session);
    if (!status)
        status = run_again(c, dir);
    weft_session_destroy(c->session);
    c->session = NULL;
    return status;
}
