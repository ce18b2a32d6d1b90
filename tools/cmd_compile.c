/* tools/cmd_compile.c: `weft compile`: a model to a module. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>

/* "opencl,vulkan:generic-gpu" as profiles, in the order named. */
static weft_status
read_targets(weft_args *a, int *n, weft_target **target)
{
    WEFT_VEC(weft_target) list = { 0 };
    for (int i = 0; i < a->value[WEFT_OPT_TARGET].n; i++) {
        const char *p = a->value[WEFT_OPT_TARGET].at[i];
        while (*p) {
            size_t length = strcspn(p, ",");
            const char *name = weft_arena_strndup(&a->arena, p, length);
            weft_status status =
                weft_resolve_target(name, NULL, WEFT_PUSH(&a->arena, &list), a->diag);
            if (status)
                return status;
            p += length + (p[length] == ',');
        }
    }
    if (list.n == 0)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "-t names no target; `weft targets` lists them");
    *n = list.n;
    *target = list.at;
    return WEFT_OK;
}

static weft_status
run(weft_args *a)
{
    weft_compile_job job;
    weft_import_options import;
    weft_target *target = NULL;
    weft_module *module;
    int n = 0;
    const char *out = weft_option_text(a, WEFT_OPT_OUT);
    if (!out)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "-o says where the module goes: OUT.weft, or OUTDIR/ for a directory");
    weft_status status = weft_arg_job(a, &job, &import);
    if (!status)
        status = read_targets(a, &n, &target);
    if (!status)
        status = weft_compile_targets(a->operand.at[0], n, target, &job, a->diag, &module);
    if (status)
        return status;
    status = weft_module_write(module, out, a->diag);
    for (int i = 0; i < module->nprogram && !status; i++)
        printf("%s: %d kernels, %d launches\n", module->program[i].target,
               module->program[i].nkernel, module->program[i].nstep);
    weft_module_destroy(module);
    return status;
}

const weft_command weft_cmd_compile = {
    .name = "compile",
    .usage = "MODEL -t TARGET[,TARGET..] -o OUT.weft|OUTDIR/",
    .about = "Compiles a model to a module that `weft run` and libweft_rt run",
    .takes = WEFT_TAKES(TARGET) | WEFT_TAKES(OUT) | WEFT_TAKES(DIM) | WEFT_TAKES(SHAPE) |
             WEFT_TAKES(OP) | WEFT_TAKES(SEED) | WEFT_TAKES(OPTIMIZE) | WEFT_TAKES(NUMERICS) |
             WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
