/* tools/cmd_dump.c: `weft dump`: a model at any level of its lowering, or as an editable module. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>

static bool
wanted(const char *filter, const weft_unit *u)
{
    bool any = !filter || (u->te && strcmp(u->te->name, filter) == 0);
    for (int k = 0; k < u->lowered.nkernel; k++)
        any = any || strcmp(u->lowered.kernel[k]->name, filter) == 0;
    return any;
}

static bool
print_sources(const weft_unit *u, const char *filter)
{
    bool any = false;
    for (int k = 0; k < u->nkernel; k++)
        if (!filter || strcmp(filter, u->kernel[k].name) == 0) {
            printf("%s\n", u->kernel[k].text);
            any = true;
        }
    return any;
}

/* Whether the stage showed anything of what was asked for. */
static bool
print_compiled(const weft_compiled *c, weft_dump_stage stage, const char *filter)
{
    bool any = stage <= WEFT_DUMP_FUSED;
    if (stage == WEFT_DUMP_GRAPH)
        fputs(c->graph_text, stdout);
    if (stage == WEFT_DUMP_FUSED)
        fputs(c->fused_text, stdout);
    for (int i = 0; stage > WEFT_DUMP_FUSED && i < c->nunit; i++) {
        const weft_unit *u = &c->unit[i];
        if (stage == WEFT_DUMP_SOURCE) {
            any |= print_sources(u, filter);
        } else if (wanted(filter, u) && u->text[stage]) {
            printf("%s\n", u->text[stage]);
            any = true;
        }
    }
    return any;
}

static weft_status
print_stage(weft_args *a, const weft_target *target, weft_compile_job *job, weft_dump_stage stage)
{
    weft_compiled c;
    const char *kernel = weft_option_text(a, WEFT_OPT_KERNEL);
    job->target = target;
    weft_status status = weft_compile_model(a->operand.at[0], job, stage, a->diag, &c);
    bool any = status || print_compiled(&c, stage, kernel);
    if (!any && kernel)
        status = weft_fail(a->diag, WEFT_NOT_FOUND,
                           "no kernel is named '%s'; without --kernel all are shown", kernel);
    else if (!any && c.nunit > 0)
        status = weft_fail(a->diag, WEFT_UNSUPPORTED, "kernels for %s have no stage %s",
                           weft_api_name(target->api), weft_dump_stage_name(stage));
    weft_compiled_free(&c);
    return status;
}

/* A module in the directory form, made to be edited and run. */
static weft_status
write_directory(weft_args *a, const weft_target *target, const weft_compile_job *job,
                const char *out)
{
    weft_module *module;
    weft_str dir = { 0 };
    weft_status status = weft_compile_targets(a->operand.at[0], 1, target, job, a->diag, &module);
    if (status)
        return status;
    weft_str_addf(&dir, "%s%s", out, out[0] && out[strlen(out) - 1] == '/' ? "" : "/");
    status = weft_module_write(module, dir.at, a->diag);
    weft_str_free(&dir);
    weft_module_destroy(module);
    return status;
}

static weft_status
run(weft_args *a)
{
    weft_compile_job job;
    weft_import_options import;
    weft_target target;
    const char *spec = weft_option_text(a, WEFT_OPT_TARGET),
               *name = weft_option_text(a, WEFT_OPT_STAGE),
               *out = weft_option_text(a, WEFT_OPT_OUT);
    weft_dump_stage stage = name ? weft_dump_stage_parse(name) : WEFT_DUMP_SOURCE;
    if (stage == WEFT_DUMP_COUNT)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "--stage '%s': it is one of graph, fused, te, loops, flat, device, source",
                         name);
    if (out && stage != WEFT_DUMP_SOURCE)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "-o writes a module's sources; it does not go with --stage %s", name);
    weft_status status = weft_arg_job(a, &job, &import);
    if (!status)
        status = weft_resolve_target(spec ? spec : "opencl", NULL, &target, a->diag);
    if (status)
        return status;
    return out ? write_directory(a, &target, &job, out) : print_stage(a, &target, &job, stage);
}

const weft_command weft_cmd_dump = {
    .name = "dump",
    .usage = "MODEL -t TARGET [--stage STAGE] [--kernel NAME] [-o DIR]",
    .about =
        "Prints a model at a level of its lowering, or writes its kernels to a directory that runs",
    .takes = WEFT_TAKES(TARGET) | WEFT_TAKES(STAGE) | WEFT_TAKES(KERNEL) | WEFT_TAKES(OUT) |
             WEFT_TAKES(DIM) | WEFT_TAKES(SHAPE) | WEFT_TAKES(OP) | WEFT_TAKES(SEED) |
             WEFT_TAKES(OPTIMIZE) | WEFT_TAKES(NUMERICS) | WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
