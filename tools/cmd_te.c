/* tools/cmd_te.c: `weft te`: a tensor expression's kernels, or its results. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 16 << 20 };

static const char all_targets[] = "cuda:sm_80,opencl:generic-gpu,metal:apple8,vulkan:generic-gpu";

static weft_te *
read_program(weft_args *a)
{
    char *text;
    size_t n;
    weft_te *te = NULL;
    const char *path = a->operand.at[0];
    if (weft_file_read(a->diag, path, MAX_TEXT, &text, &n))
        return NULL;
    if (strlen(text) != n)
        weft_fail(a->diag, WEFT_INVALID_INPUT, "%s: no text: it holds a zero byte", path);
    else
        te = weft_te_parse(path, text, a->diag);
    free(text);
    return te;
}

static void
print_unit(const weft_unit *u, weft_dump_stage stage)
{
    if (stage == WEFT_DUMP_SOURCE)
        for (int k = 0; k < u->nkernel; k++)
            printf("%s%s", k ? "\n" : "", u->kernel[k].text);
    else if (u->text[stage])
        fputs(u->text[stage], stdout);
}

/* The program at a stage for one target.  Lowering changes it, so each target reads it afresh. */
static weft_status
show(weft_args *a, const weft_target *target, const weft_compile_job *common, weft_dump_stage stage)
{
    weft_compile_job job = *common;
    weft_unit u = { .te = read_program(a), .diag = weft_diag_create() };
    weft_status status = u.te ? WEFT_OK : weft_diag_status(a->diag);
    job.target = target;
    if (!status)
        status = weft_build_unit(&u, &job, u.te->name, u.te->log.n > 0, stage);
    int n;
    const char *said = weft_diag_said(u.diag, &n);
    if (status && u.te)
        weft_fail(a->diag, status, "%s: %s:%s: %.*s", a->operand.at[0], weft_api_name(target->api),
                  target->name, n, said);
    if (!status)
        print_unit(&u, stage);
    weft_unit_free(&u);
    return status;
}

static weft_status
show_all(weft_args *a, const weft_compile_job *job)
{
    const char *name = weft_option_text(a, WEFT_OPT_STAGE),
               *p = weft_option_text(a, WEFT_OPT_TARGET);
    weft_dump_stage stage = name ? weft_dump_stage_parse(name) : WEFT_DUMP_SOURCE;
    if (stage < WEFT_DUMP_TE || stage == WEFT_DUMP_COUNT)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "--stage '%s': it is one of te, loops, flat, device, source", name);
    weft_status status = WEFT_OK;
    for (p = p ? p : all_targets; *p && !status;) {
        size_t length = strcspn(p, ",");
        weft_target target;
        status =
            weft_resolve_target(weft_arena_strndup(&a->arena, p, length), NULL, &target, a->diag);
        if (!status)
            status = show(a, &target, job, stage);
        p += length + (p[length] == ',');
        if (*p)
            putchar('\n');
    }
    return status;
}

static weft_status
run_program(weft_args *a, weft_compile_job *job)
{
    weft_loaded l = { 0 };
    weft_target target;
    weft_te *te = read_program(a);
    weft_status status =
        te ? weft_tool_device(weft_option_text(a, WEFT_OPT_DEVICE), a->diag, &l.device)
           : weft_diag_status(a->diag);
    if (!status)
        status =
            weft_resolve_target(weft_option_text(a, WEFT_OPT_TARGET), l.device, &target, a->diag);
    if (status) {
        if (te)
            weft_te_destroy(te);
        weft_dismiss(&l);
        return status;
    }
    job->target = &target;
    status = weft_te_module(te, job, a->diag, &l.module);
    if (!status)
        status = weft_session_create(l.module, l.device, NULL, a->diag, &l.session);
    if (!status)
        status = weft_run_loaded(a, job->import, &l);
    weft_dismiss(&l);
    return status;
}

static weft_status
run(weft_args *a)
{
    weft_compile_job job;
    weft_import_options import;
    weft_status status = weft_arg_job(a, &job, &import);
    if (status)
        return status;
    bool runs =
        weft_has(a, WEFT_OPT_DEVICE) || weft_has(a, WEFT_OPT_INPUT) || weft_has(a, WEFT_OPT_FILL);
    return runs ? run_program(a, &job) : show_all(a, &job);
}

const weft_command weft_cmd_te = {
    .name = "te",
    .usage = "FILE.te [-t TARGET[,TARGET..] --stage STAGE] | FILE.te -d DEVICE [-i NAME=FILE].. "
             "[--fill HOW]",
    .about = "Shows a tensor expression's kernels (all four languages without -t), or runs it",
    .takes = WEFT_TAKES(TARGET) | WEFT_TAKES(STAGE) | WEFT_TAKES(DEVICE) | WEFT_TAKES(INPUT) |
             WEFT_TAKES(FILL) | WEFT_TAKES(OUT) | WEFT_TAKES(REPEAT) | WEFT_TAKES(PROFILE) |
             WEFT_TAKES(DIM) | WEFT_TAKES(NUMERICS) | WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
