/* compiler/compile.c: the public way in: a model for several targets becomes one module. */
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

weft_status
weft_parse_numerics(const char *name, weft_numerics *level, weft_diag *diag)
{
    for (int i = 0; weft_numerics_name((weft_numerics)i); i++)
        if (strcmp(name, weft_numerics_name((weft_numerics)i)) == 0) {
            *level = (weft_numerics)i;
            return WEFT_OK;
        }
    return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                     "numerics '%s': it is one of strict, default, fast", name);
}

/* The graphs whose bytes the module's blobs borrow. */
typedef struct keeper {
    int n;
    weft_compiled at[];
} keeper;

static void
release(void *owner)
{
    keeper *k = owner;
    for (int i = 0; i < k->n; i++)
        weft_compiled_free(&k->at[i]);
    free(k);
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static weft_status
compile_target(weft_module *m, keeper *k, const char *path, const weft_compile_job *job,
               weft_diag *diag, weft_origin *origin)
{
    weft_status status = weft_compile_model(path, job, WEFT_DUMP_COUNT, diag, &k->at[k->n++]);
    return status ? status : weft_assemble(m, &k->at[k->n - 1], job, diag, origin);
}

static weft_status
compile_targets(const char *path, int ntarget, const weft_target *target,
                const weft_compile_job *common, weft_diag *diag, weft_module **module,
                weft_origin *origin)
{
    weft_module *m = calloc(1, sizeof *m);
    keeper *k = calloc(1, sizeof *k + (size_t)ntarget * sizeof *k->at);
    weft_status status = WEFT_OK;
    if (!m || !k) {
        free(m);
        free(k);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "a module of %d targets", ntarget);
    }
    m->owner = k;
    m->release = release;
    m->model = weft_arena_strdup(&m->arena, base_name(path));
    m->program = WEFT_NEW_ARRAY(&m->arena, ntarget + 1, weft_program);
    for (int i = 0; i < ntarget && !status; i++) {
        weft_compile_job job = *common;
        job.target = &target[i];
        status = compile_target(m, k, path, &job, diag, origin);
    }
    if (!status)
        status = weft_module_check(m, diag);
    if (status) {
        weft_module_destroy(m);
        return status;
    }
    *module = m;
    return WEFT_OK;
}

weft_status
weft_compile_targets(const char *path, int ntarget, const weft_target *target,
                     const weft_compile_job *common, weft_diag *diag, weft_module **module)
{
    weft_origin last;
    return compile_targets(path, ntarget, target, common, diag, module, &last);
}

weft_status
weft_compile_traced(const char *path, const weft_compile_job *job, weft_diag *diag,
                    weft_module **module, weft_origin *origin)
{
    return compile_targets(path, 1, job->target, job, diag, module, origin);
}

static weft_status
resolve_targets(const weft_compile_options *o, weft_target *target, weft_diag *diag)
{
    if (o->ntarget < 1)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "no target is named; `weft targets` lists them");
    for (int i = 0; i < o->ntarget; i++) {
        weft_status status = weft_resolve_target(o->target[i], NULL, &target[i], diag);
        if (status)
            return status;
    }
    return WEFT_OK;
}

weft_status
weft_compile(const char *model, const weft_compile_options *given, weft_diag *diag,
             weft_module **module)
{
    weft_compile_options all = WEFT_COMPILE_OPTIONS, *o = &all;
    *module = NULL;
    if (given->size < sizeof given->size)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "the options have no size; start them with WEFT_COMPILE_OPTIONS");
    memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
    weft_import_options import = { .ndim = o->ndim,
                                   .dim_name = o->dim_name,
                                   .dim_value = o->dim_value,
                                   .nshape = o->nshape,
                                   .shape_name = o->shape_name,
                                   .shape = o->shape,
                                   .nop = o->nop,
                                   .op_name = o->op_name,
                                   .op_file = o->op_file,
                                   .seed = o->seed };
    weft_compile_job job = { .optimize = o->optimize, .threads = o->threads, .import = &import };
    weft_target *target = calloc((size_t)(o->ntarget > 0 ? o->ntarget : 1), sizeof *target);
    weft_status status =
        target ? WEFT_OK : weft_fail(diag, WEFT_OUT_OF_MEMORY, "%d targets", o->ntarget);
    if (!status)
        status = weft_parse_numerics(o->numerics ? o->numerics : "default", &job.numerics, diag);
    if (!status)
        status = resolve_targets(o, target, diag);
    if (!status)
        status = weft_compile_targets(model, o->ntarget, target, &job, diag, module);
    free(target);
    return status;
}
