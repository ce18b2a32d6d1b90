/* tests/ops/run.c: a graph's text compiled for a target and run once on a device. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

/* A class runs with what the device has: what the profile promises beyond that is taken off. */
static void
keep_to_device(weft_target *target, const weft_target *device)
{
#define NEED(field, words) target->field = target->field && device->field;
#include "base/need.def"
#undef NEED
}

weft_status
ops_open(const char *device, const char *target, weft_diag *diag, ops_place *p)
{
    weft_drivers drivers = weft_all_drivers();
    *p = (ops_place){ 0 };
    weft_status status = weft_device_open(&drivers, device, diag, &p->device);
    if (!status)
        status = weft_resolve_target(target, p->device, &p->target, diag);
    if (!status)
        keep_to_device(&p->target, &p->device->info.target);
    snprintf(p->name, sizeof p->name, "%s%s%s", device, target ? " as " : "", target ? target : "");
    if (status)
        ops_close(p);
    return status;
}

void
ops_close(ops_place *p)
{
    weft_device_close(p->device);
    p->device = NULL;
}

/* ---- compiling ------------------------------------------------------------------------------- */

weft_status
ops_compile(const char *text, const weft_target *target, int optimize, weft_diag *diag,
            weft_module **module)
{
    weft_compile_job job = {
        .target = target, .numerics = WEFT_DEFAULT, .optimize = optimize, .threads = 1, .text = text
    };
    *module = NULL;
    return weft_compile_targets("ops.wir", 1, target, &job, diag, module);
}

/* ---- running --------------------------------------------------------------------------------- */

weft_status
ops_run(const char *text, const ops_place *place, int optimize, const weft_const *in, int nin,
        weft_arena *arena, weft_const **out, int *nout, weft_diag *diag)
{
    weft_session *session = NULL;
    weft_module *module = NULL;
    weft_status status = ops_compile(text, &place->target, optimize, diag, &module);
    if (!status)
        status = weft_session_create(module, place->device, NULL, diag, &session);
    if (!status) {
        const weft_program *p = weft_session_program(session);
        weft_assert(p->ninput == nin, "%d inputs given, %d taken", nin, p->ninput);
        *nout = p->noutput;
        *out = WEFT_NEW_ARRAY(arena, p->noutput + 1, weft_const);
        status = weft_run_once(session, in, arena, *out, diag);
    }
    weft_session_destroy(session);
    weft_module_destroy(module);
    return status;
}
