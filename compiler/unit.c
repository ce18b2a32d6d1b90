/* compiler/unit.c: one te program to printed kernels: schedule, lower, print. */
#include "compiler/compiler.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>

static const char *const stage_names[WEFT_DUMP_COUNT] = {
    [WEFT_DUMP_GRAPH] = "graph",   [WEFT_DUMP_FUSED] = "fused", [WEFT_DUMP_TE] = "te",
    [WEFT_DUMP_LOOPS] = "loops",   [WEFT_DUMP_FLAT] = "flat",   [WEFT_DUMP_DEVICE] = "device",
    [WEFT_DUMP_SOURCE] = "source",
};

const char *
weft_dump_stage_name(weft_dump_stage stage)
{
    return stage_names[stage];
}

weft_dump_stage
weft_dump_stage_parse(const char *name)
{
    int i = 0;
    while (i < WEFT_DUMP_COUNT && strcmp(stage_names[i], name) != 0)
        i++;
    return (weft_dump_stage)i;
}

/* Keeps the text of all kernels at the level they are at now. */
static void
keep_kernels(weft_unit *u, weft_dump_stage stage)
{
    weft_str text = { 0 };
    for (int i = 0; i < u->lowered.nkernel; i++)
        weft_print_kernel(&text, u->lowered.kernel[i]);
    u->text[stage] = weft_str_take(&text);
}

/* The flat level is passed on the way: shows it from a copy, the IR being immutable. */
static weft_status
keep_flat(weft_unit *u, const weft_lower_options *options)
{
    weft_lower_options until_flat = *options;
    weft_str text = { 0 };
    weft_status status = WEFT_OK;
    until_flat.stop_after = "flatten";
    for (int i = 0; i < u->lowered.nkernel && !status; i++) {
        weft_kernel flat = *u->lowered.kernel[i];
        status = weft_run_passes(&flat, NULL, &until_flat, u->diag);
        if (!status)
            weft_print_kernel(&text, &flat);
    }
    u->text[WEFT_DUMP_FLAT] = weft_str_take(&text);
    return status;
}

static weft_status
run_passes(weft_unit *u, const weft_lower_options *options, weft_dump_stage stage)
{
    weft_status status = WEFT_OK;
    if (stage >= WEFT_DUMP_FLAT && stage != WEFT_DUMP_COUNT)
        status = keep_flat(u, options);
    for (int i = 0; i < u->lowered.nkernel; i++) { /* each tells what stops it */
        weft_status own = weft_run_passes(u->lowered.kernel[i], NULL, options, u->diag);
        status = status ? status : own;
    }
    return status;
}

static weft_status
print_kernels(weft_unit *u, const weft_compile_job *job, const weft_backend *backend)
{
    u->nkernel = u->lowered.nkernel;
    u->kernel = calloc((size_t)u->nkernel + 1, sizeof *u->kernel);
    if (!u->kernel)
        return weft_fail(u->diag, WEFT_OUT_OF_MEMORY, "%d kernels", u->nkernel);
    for (int i = 0; i < u->nkernel; i++) {
        weft_kernel *k = u->lowered.kernel[i];
        weft_str text = { 0 };
        weft_status status = backend->print(&text, k, job->target, job->numerics, u->diag);
        u->kernel[i] = (weft_unit_kernel){ strdup(k->name), weft_str_take(&text), k };
        if (status)
            return status;
    }
    return WEFT_OK;
}

static void
name_kernels(weft_unit *u, const char *name)
{
    for (int i = 0; i < u->lowered.nkernel; i++) {
        weft_kernel *k = u->lowered.kernel[i];
        k->name = u->lowered.nkernel == 1 ? weft_arena_strdup(&k->ir->arena, name)
                                          : weft_arena_printf(&k->ir->arena, "%s_step%d", name, i);
        k->info = u->te->info;
    }
    weft_unit_costs(u->lowered.kernel, u->lowered.nkernel);
}

/* The operator's own schedule, or that of the rules, unless the program comes with one. */
static weft_status
schedule(weft_unit *u, const weft_compile_job *job, bool scheduled)
{
    bool reference = job->target->cls == WEFT_CLASS_REFERENCE;
    weft_status status = WEFT_OK;
    if (u->te->schedule && !reference)
        return weft_te_take_schedule(u->te, "the operator's schedule");
    if (!u->te->schedule && !scheduled && !reference)
        status = weft_te_pack_outputs(u->te);
    if (!scheduled && !status)
        status = weft_schedule_default(u->te, job->target, u->diag);
    return status;
}

/* Loops, then kernels that are legal for the target; the reference runs loops. */
static weft_status
lower(weft_unit *u, const weft_compile_job *job, const char *name,
      const weft_lower_options *options, weft_dump_stage stage)
{
    double start = weft_now();
    weft_status status = weft_lower_te(u->te, &u->lowered, u->diag);
    weft_lower_time(options, name, "loops", start);
    if (status)
        return status;
    name_kernels(u, name);
    if (stage != WEFT_DUMP_COUNT)
        keep_kernels(u, WEFT_DUMP_LOOPS);
    if (stage != WEFT_DUMP_LOOPS && job->target->cls != WEFT_CLASS_REFERENCE)
        status = run_passes(u, options, stage);
    if (!status && stage != WEFT_DUMP_COUNT && stage != WEFT_DUMP_LOOPS)
        keep_kernels(u, WEFT_DUMP_DEVICE);
    return status;
}

static weft_status
build(weft_unit *u, const weft_compile_job *job, const char *name, bool scheduled,
      weft_dump_stage stage)
{
    const weft_backend *backend = weft_backend_of(job->target->api);
    weft_caps caps = { 0 };
    backend->caps(job->target, &caps);
    weft_lower_options options = { .target = job->target,
                                   .caps = &caps,
                                   .numerics = job->numerics };
    weft_lower_options_env(&options);
    double start = weft_now();
    weft_status status = schedule(u, job, scheduled);
    weft_lower_time(&options, name, "schedule", start);
    if (!status && stage != WEFT_DUMP_COUNT)
        u->text[WEFT_DUMP_TE] = weft_te_print(u->te);
    if (status || stage == WEFT_DUMP_TE)
        return status;
    status = lower(u, job, name, &options, stage);
    if (status || stage == WEFT_DUMP_LOOPS)
        return status;
    start = weft_now();
    status = print_kernels(u, job, backend);
    weft_lower_time(&options, name, "print", start);
    return status;
}

weft_status
weft_build_unit(weft_unit *u, const weft_compile_job *job, const char *name, bool scheduled,
                weft_dump_stage stage)
{
    u->status = build(u, job, name, scheduled, stage);
    if (u->status && !weft_diag_status(u->diag))
        weft_fail(u->diag, u->status, "kernel '%s' could not be made", name);
    return u->status;
}

void
weft_unit_free(weft_unit *u)
{
    for (int i = 0; i < u->nkernel; i++) {
        free(u->kernel[i].name);
        free(u->kernel[i].text);
    }
    for (int i = 0; i < WEFT_DUMP_COUNT; i++)
        free(u->text[i]);
    free(u->kernel);
    if (u->te)
        weft_te_destroy(u->te);
    weft_diag_destroy(u->diag);
}
