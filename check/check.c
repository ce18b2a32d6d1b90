/* check/check.c: a model on devices beside the reference: which devices and targets, inputs, the
 * run of each. */
#include "check/priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    const char *path;
    const weft_check_options *o;
    bool reproducer; /* path is one: `given` is its module, and there is no model */
    weft_check_report *report;
    weft_diag *diag;
    weft_drivers drivers;
    weft_reference reference;
    /* the model itself, as the reference runs it */
    weft_module *module;
    weft_origin origin;
    weft_const *in, *out;
    weft_module *given; /* options->module, read */
} job;

static void
tell(const job *j, const char *what)
{
    if (j->o->progress)
        j->o->progress(j->o->user, what);
}

/* A diagnostic's text to be said again by another, which will prefix it itself. */
static const char *
bare_text(weft_arena *arena, const weft_diag *diag)
{
    int n;
    const char *text = weft_diag_said(diag, &n);
    return weft_arena_strndup(arena, text, (size_t)n);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static weft_status
fill_input(job *j, const weft_mod_tensor *t, weft_const *c)
{
    const weft_import_options *sizes = j->o->job.import;
    weft_arena *arena = &j->report->arena;
    int64_t *dim = WEFT_NEW_ARRAY(arena, t->ndim + 1, int64_t);
    if (!j->o->fill)
        return weft_fail(
            j->diag, WEFT_INVALID_ARGUMENT,
            "input '%s' is not given; name a file with -i %s=FILE, or say --fill random:0", t->name,
            t->name);
    for (int d = 0; d < t->ndim; d++) {
        const weft_iexpr *e =
            weft_iexpr_parse(arena, NULL, t->dim[d], sizes->ndim, sizes->dim_name);
        if (!e || weft_iexpr_eval(e, sizes->dim_value, NULL, &dim[d]) || dim[d] < 0)
            return weft_fail(
                j->diag, WEFT_INVALID_ARGUMENT,
                "input '%s' has the symbolic dimension %s; give it with -i, or its size with --dim",
                t->name, t->dim[d]);
    }
    *c = (weft_const){ .dtype = t->dtype, .ndim = t->ndim, .dim = dim };
    weft_status status = weft_tensor_room(t->name, arena, c, j->diag);
    return status ? status : weft_fill(j->o->fill, t->name, c, j->diag);
}

/* The inputs given by name, which have to be the model's. */
static weft_status
check_names(job *j, const weft_program *p)
{
    for (int k = 0; k < j->o->ninput; k++) {
        weft_str names = { 0 };
        bool found = false;
        for (int i = 0; i < p->ninput; i++) {
            const char *name = p->tensor[p->input[i]].name;
            found = found || strcmp(name, j->o->input_name[k]) == 0;
            weft_str_addf(&names, "%s'%s'", i ? ", " : "", name);
        }
        found = found || j->o->job.found[k];
        if (!found)
            weft_fail(j->diag, WEFT_INVALID_ARGUMENT,
                      "the model has no input '%s'; its inputs are %s", j->o->input_name[k],
                      weft_str_text(&names));
        weft_str_free(&names);
        if (!found)
            return WEFT_INVALID_ARGUMENT;
    }
    return WEFT_OK;
}

static weft_status
gather_inputs(job *j, const weft_program *p)
{
    weft_status status = check_names(j, p);
    j->in = WEFT_NEW_ARRAY(&j->report->arena, p->ninput + 1, weft_const);
    for (int i = 0; i < p->ninput && !status; i++) {
        const weft_mod_tensor *t = &p->tensor[p->input[i]];
        int k = 0;
        while (k < j->o->ninput && strcmp(j->o->input_name[k], t->name) != 0)
            k++;
        if (k < j->o->ninput)
            j->in[i] = j->o->input[k];
        else
            status = fill_input(j, t, &j->in[i]);
    }
    return status;
}

/* The reference's inputs for another program of the same model, whose order may differ. */
static weft_status
inputs_for(job *j, const weft_program *p, weft_const **in)
{
    const weft_program *own = j->origin.program;
    *in = WEFT_NEW_ARRAY(&j->report->arena, p->ninput + 1, weft_const);
    for (int i = 0; i < p->ninput; i++) {
        const char *name = p->tensor[p->input[i]].name;
        int k = 0;
        while (k < own->ninput && strcmp(own->tensor[own->input[k]].name, name) != 0)
            k++;
        if (k == own->ninput)
            return weft_fail(j->diag, WEFT_INVALID_INPUT,
                             "program '%s' has an input '%s' that the model has not", p->target,
                             name);
        (*in)[i] = j->in[k];
    }
    return WEFT_OK;
}

/* ---- the reference --------------------------------------------------------------------------- */

static weft_status
run_reference(job *j)
{
    const weft_target *profile = weft_profile_find("interp", j->diag);
    weft_compile_job compile = j->o->job;
    weft_chain chain;
    compile.target = profile;
    tell(j, "reference");
    double start = weft_now();
    weft_status status =
        profile ? weft_compile_traced(j->path, &compile, j->diag, &j->module, &j->origin)
                : WEFT_INTERNAL;
    if (!status)
        status = gather_inputs(j, j->origin.program);
    if (!status)
        status = weft_chain_begin(&chain, &j->reference, j->module, &j->origin, j->in, j->diag);
    if (!status) {
        j->out = WEFT_NEW_ARRAY(&j->report->arena, j->origin.program->noutput + 1, weft_const);
        status = weft_chain_run(&chain, j->out, j->diag);
    }
    j->report->reference_seconds += weft_now() - start;
    return status;
}

/* ---- one device and target ------------------------------------------------------------------- */

const char *
weft_group_kernels(weft_checking *c, int group)
{
    const weft_origin *o = c->origin;
    weft_str s = { 0 };
    int first = o->first_step[group], end = first + weft_origin_steps(o, group);
    for (int i = first; i < end; i++)
        weft_str_addf(&s, "%s%s", s.n ? ", " : "",
                      o->program->kernel[o->program->step[i].kernel].name);
    const char *text = weft_arena_strdup(&c->report->arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

void
weft_add_item(weft_checking *c, weft_check_item item, bool is_kernel, const weft_const *got,
              const weft_const *want)
{
    item.dtype = want->dtype;
    item.ndim = want->ndim;
    item.dim = weft_arena_dup(&c->report->arena, want->dim, (size_t)want->ndim * sizeof *want->dim);
    weft_measure(got, want, &item.m);
    if (!item.m.agree)
        c->run->status = WEFT_MISMATCH;
    if (is_kernel)
        *WEFT_PUSH(&c->report->arena, &c->run->kernel) = item;
    else
        *WEFT_PUSH(&c->report->arena, &c->run->output) = item;
}

static weft_status
check_outputs(job *j, weft_checking *c)
{
    const weft_program *p = weft_session_program(c->session);
    weft_arena scratch = { 0 };
    weft_const *out = WEFT_NEW_ARRAY(&scratch, p->noutput + 1, weft_const);
    weft_status status = weft_run_once(c->session, c->in, &scratch, out, c->diag);
    for (int i = 0; i < p->noutput && !status; i++) {
        weft_check_item item = { .tensor = weft_arena_strdup(&j->report->arena,
                                                             p->tensor[p->output[i]].name) };
        weft_add_item(c, item, false, &out[i], &j->out[i]);
    }
    weft_arena_reset(&scratch);
    return status;
}

/* Binds shapes and runs: the whole, then the parts. */
static weft_status
check_session(job *j, weft_checking *c)
{
    const weft_program *p = weft_session_program(c->session);
    const int64_t **dims = WEFT_NEW_ARRAY(&j->report->arena, p->ninput + 1, const int64_t *);
    weft_chain chain;
    weft_status status = inputs_for(j, p, &c->in);
    for (int i = 0; i < p->ninput && !status; i++)
        dims[i] = c->in[i].dim;
    if (!status)
        status = weft_session_bind(c->session, dims, c->diag);
    if (!status)
        status = check_outputs(j, c);
    if (status || !j->o->per_kernel)
        return status;
    c->chain = &chain;
    status = weft_chain_begin(&chain, &j->reference, c->module, c->origin, c->in, c->diag);
    return status ? status : weft_check_groups(c);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether a program read from a module has the plan of the one compiled now. */
static bool
same_plan(const weft_program *a, const weft_program *b)
{
    bool same = a->ntensor == b->ntensor && a->nkernel == b->nkernel && a->nstep == b->nstep;
    for (int i = 0; same && i < a->ntensor; i++)
        same = same_text(a->tensor[i].name, b->tensor[i].name) &&
               same_text(a->tensor[i].blob, b->tensor[i].blob);
    for (int i = 0; same && i < a->nkernel; i++)
        same = same_text(a->kernel[i].name, b->kernel[i].name);
    for (int i = 0; same && i < a->nstep; i++)
        same = a->step[i].kernel == b->step[i].kernel && a->step[i].nbuffer == b->step[i].nbuffer;
    return same;
}

static weft_status
check_target(job *j, weft_checking *c, weft_device *device, const weft_target *target,
             const weft_program *given)
{
    weft_compile_job compile = j->o->job;
    weft_module *module = NULL;
    weft_origin origin;
    compile.target = target;
    if (given)
        compile.numerics = given->numerics;
    weft_status status = weft_compile_traced(j->path, &compile, c->diag, &module, &origin);
    if (!status && given && !same_plan(given, origin.program))
        status = weft_fail(c->diag, WEFT_INVALID_INPUT,
                           "program '%s' of %s is not what %s compiles to now: it is another "
                           "model's, or was compiled with other options",
                           given->target, j->o->module, j->path);
    c->module = given ? j->given : module;
    c->origin = &origin;
    if (!status)
        status = weft_session_create(c->module, device, given ? given->target : NULL, c->diag,
                                     &c->session);
    if (!status)
        status = check_session(j, c);
    weft_session_destroy(c->session);
    weft_module_destroy(module);
    return status;
}

/* What became of it goes into the run; out of a report nothing is lost when one device fails. */
static void
finish_run(job *j, weft_checking *c, weft_status status, bool asked, double start)
{
    weft_check_run *run = c->run;
    run->seconds = weft_now() - start;
    if (status) {
        run->status = status;
        run->why = bare_text(&j->report->arena, c->diag);
        if (!*run->why)
            run->why = weft_status_text(status);
        run->skipped = !asked && (status == WEFT_UNSUPPORTED || status == WEFT_LIMIT);
    }
    weft_diag_destroy(c->diag);
}

/* What is to be checked on a device. */
typedef struct wish {
    const weft_target *target;
    const weft_program *given; /* of the module that was given; NULL: compiled now */
    bool own;                  /* the target is the device's own */
    bool asked;                /* by name, so that it is no choice to leave it out */
} wish;

static void
check_on(job *j, weft_device *device, const wish *w)
{
    weft_arena *arena = &j->report->arena;
    const char *name = w->given ? w->given->target
                                : weft_arena_printf(arena, "%s:%s", weft_api_name(w->target->api),
                                                    w->target->name);
    weft_checking c = { .o = j->o, .report = j->report, .diag = weft_diag_create() };
    double start = weft_now();
    c.run = WEFT_PUSH(arena, &j->report->run);
    c.run->device = weft_arena_strdup(arena, device->info.id);
    c.run->name = weft_arena_strdup(arena, device->info.name);
    c.run->driver = weft_arena_strdup(arena, device->info.driver);
    c.run->target = weft_arena_strdup(arena, name);
    c.run->own = w->own;
    c.module = j->given;
    tell(j, weft_arena_printf(arena, "%s as %s", c.run->device, c.run->target));
    finish_run(j, &c,
               j->reproducer ? weft_rerun_reproducer(&c, j->path, device)
                             : check_target(j, &c, device, w->target, w->given),
               w->asked, start);
}

/* ---- devices and targets --------------------------------------------------------------------- */

/* The programs of the module that was given, for this device's API and the targets named. */
static bool
check_given(job *j, weft_device *device)
{
    bool any = false;
    for (int i = 0; i < j->given->nprogram; i++) {
        const weft_program *p = &j->given->program[i];
        bool named = j->o->ntarget == 0;
        for (int t = 0; t < j->o->ntarget; t++)
            named = named || strcmp(j->o->target[t], p->target) == 0;
        if (!named || p->profile.api != device->info.target.api)
            continue;
        check_on(j, device, &(wish){ .target = &p->profile, .given = p, .asked = true });
        any = true;
    }
    return any;
}

/* Whether the target is for the API. */
static bool
is_for(const char *target, weft_api api)
{
    size_t n = strcspn(target, ":");
    return strlen(weft_api_name(api)) == n && memcmp(target, weft_api_name(api), n) == 0;
}

/* The targets named for the device's API. */
static weft_status
check_named(job *j, weft_device *device, bool *any)
{
    const char *api = weft_api_name(device->info.target.api);
    for (int t = 0; t < j->o->ntarget; t++) {
        const char *spec = j->o->target[t];
        weft_target target;
        if (!is_for(spec, device->info.target.api))
            continue;
        weft_status status = weft_resolve_target(spec, device, &target, j->diag);
        if (status)
            return status;
        check_on(j, device,
                 &(wish){ .target = &target, .own = strcmp(spec, api) == 0, .asked = true });
        *any = true;
    }
    return WEFT_OK;
}

/* The first named profile of the API that is a GPU's; NULL. */
static const weft_target *
gpu_profile(weft_api api)
{
    for (int i = 0; i < weft_profile_count(); i++)
        if (weft_profile(i)->api == api && weft_profile(i)->cls == WEFT_CLASS_GPU)
            return weft_profile(i);
    return NULL;
}

static weft_status
check_opened(job *j, weft_device *device, bool asked)
{
    bool any = false;
    weft_status status = WEFT_OK;
    const weft_target own = device->info.target, *gpu = gpu_profile(own.api);
    if (j->given) {
        if (!check_given(j, device) && asked)
            status = weft_fail(j->diag, WEFT_NOT_FOUND, "%s has no program for device '%s'%s",
                               j->given->path, device->info.id,
                               j->o->ntarget ? " of the targets named" : "");
    } else {
        status = check_named(j, device, &any);
        if (!status && !any)
            check_on(j, device, &(wish){ .target = &own, .own = true, .asked = asked });
        if (!status && !any && !asked && gpu && own.cls != WEFT_CLASS_GPU)
            check_on(j, device, &(wish){ .target = gpu });
    }
    return status;
}

/* A device that nobody named and that cannot be opened keeps no other from being checked. */
static void
note_unopened(job *j, const char *id, weft_api api, weft_status status, const weft_diag *why)
{
    weft_check_run *run = WEFT_PUSH(&j->report->arena, &j->report->run);
    *run = (weft_check_run){ .device = weft_arena_strdup(&j->report->arena, id),
                             .name = "",
                             .target = weft_api_name(api),
                             .driver = "",
                             .own = true,
                             .status = status,
                             .why = bare_text(&j->report->arena, why) };
}

/* driver: of a device that is there and was not named; else NULL. */
static weft_status
check_device(job *j, const char *id, const weft_driver *driver)
{
    weft_device *device;
    weft_diag *opening = driver ? weft_diag_create() : NULL;
    weft_status status = weft_device_open(&j->drivers, id, driver ? opening : j->diag, &device);
    if (status && driver)
        note_unopened(j, id, driver->api, status, opening);
    weft_diag_destroy(opening);
    if (status)
        return driver ? WEFT_OK : status;
    status = check_opened(j, device, !driver);
    weft_device_close(device);
    return status;
}

static weft_status
check_devices(job *j)
{
    weft_status status = WEFT_OK;
    for (int i = 0; i < j->o->ndevice && !status; i++)
        status = check_device(j, j->o->device[i], NULL);
    for (int i = 0; i < j->drivers.n && !status && j->o->ndevice == 0; i++) {
        const weft_driver *d = j->drivers.at[i];
        int n = d->api == WEFT_API_NULL || d->api == WEFT_API_INTERP ? 0 : d->count(NULL);
        for (int k = 0; k < n && !status; k++) {
            char id[48];
            snprintf(id, sizeof id, k ? "%s:%d" : "%s", d->name, k);
            status = check_device(j, id, d);
        }
    }
    if (!status && j->report->run.n == 0)
        status = weft_fail(j->diag, WEFT_NO_DEVICE,
                           "no device is usable that could be checked; `weft devices` says why");
    return status;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Devices and targets that are named are looked at before what takes long. */
static weft_status
try_devices(job *j)
{
    weft_status status = WEFT_OK;
    bool *used = WEFT_NEW_ARRAY(&j->report->arena, j->o->ntarget + 1, bool);
    for (int i = 0; i < j->o->ndevice && !status; i++) {
        weft_device *device;
        status = weft_device_open(&j->drivers, j->o->device[i], j->diag, &device);
        if (status)
            break;
        for (int t = 0; t < j->o->ntarget && !status; t++) {
            weft_target target;
            if (!is_for(j->o->target[t], device->info.target.api))
                continue;
            used[t] = true;
            if (!j->o->module && !j->reproducer) /* there they name programs */
                status = weft_resolve_target(j->o->target[t], device, &target, j->diag);
        }
        weft_device_close(device);
    }
    for (int t = 0; t < j->o->ntarget && !status && j->o->ndevice; t++)
        if (!used[t])
            status =
                weft_fail(j->diag, WEFT_INVALID_ARGUMENT,
                          "target '%s' is for none of the devices that are named", j->o->target[t]);
    return status;
}

static const weft_import_options no_options;

/* What both kinds of check begin with. */
static weft_status
begin(job *j, weft_check_options *o)
{
    *j->report = (weft_check_report){ 0 };
    j->report->model = weft_arena_strdup(&j->report->arena, base_name(j->path));
    if (!o->job.import)
        o->job.import = &no_options;
    o->job.nconstant = o->ninput; /* a graph's text may lack the contents of constants */
    o->job.constant_name = o->input_name;
    o->job.constant = o->input;
    o->job.found = WEFT_NEW_ARRAY(&j->report->arena, o->ninput + 1, bool);
    j->o = o;
    j->drivers = o->drivers ? *o->drivers : weft_all_drivers();
    return try_devices(j);
}

weft_status
weft_check_model(const char *path, const weft_check_options *o, weft_diag *diag,
                 weft_check_report *report)
{
    weft_check_options with = *o;
    job j = { .path = path, .report = report, .diag = diag };
    weft_status status = begin(&j, &with);
    weft_reference_begin(&j.reference, o->job.threads);
    if (!status && o->module)
        status = weft_module_read(o->module, diag, &j.given);
    if (!status)
        status = run_reference(&j);
    if (!status)
        status = check_devices(&j);
    report->nreference = j.reference.nevaluated;
    report->nwidened = j.reference.nwidened;
    weft_module_destroy(j.module);
    weft_module_destroy(j.given);
    weft_reference_end(&j.reference);
    return status;
}

weft_status
weft_check_reproducer(const char *dir, const weft_check_options *o, weft_diag *diag,
                      weft_check_report *report)
{
    weft_check_options with = *o;
    job j = { .path = dir, .reproducer = true, .report = report, .diag = diag };
    weft_status status = begin(&j, &with);
    if (!status)
        status = weft_module_read(dir, diag, &j.given);
    if (!status)
        status = check_devices(&j);
    weft_module_destroy(j.given);
    return status;
}

weft_status
weft_check_verdict(const weft_check_report *r)
{
    weft_status first = WEFT_OK;
    bool ran = false;
    for (int i = 0; i < r->run.n; i++) {
        const weft_check_run *run = &r->run.at[i];
        if (run->status == WEFT_MISMATCH)
            return WEFT_MISMATCH;
        ran = ran || !run->skipped;
        if (!run->skipped && !first)
            first = run->status;
    }
    return first || ran || r->run.n == 0 ? first : r->run.at[0].status;
}

void
weft_check_report_free(weft_check_report *r)
{
    weft_arena_reset(&r->arena);
}
