/* tests/ops/run.c: a graph's text compiled for a target and run once on a device. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

weft_status
ops_open(const char *device, const char *target, weft_diag *diag, ops_place *p)
{
    weft_drivers drivers = weft_all_drivers();
    *p = (ops_place){ 0 };
    weft_status status = weft_device_open(&drivers, device, diag, &p->device);
    if (!status)
        status = weft_resolve_target(target, p->device, &p->target, diag);
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

typedef struct running {
    weft_session *session;
    weft_arena *arena;
    weft_diag *diag;
} running;

static weft_status
room_for(running *r, int tensor, weft_const *c)
{
    const weft_mod_tensor *t = &weft_session_program(r->session)->tensor[tensor];
    int64_t *dim = WEFT_NEW_ARRAY(r->arena, t->ndim + 1, int64_t), n = 1, bytes = 0;
    weft_status status = weft_session_dims(r->session, tensor, dim, r->diag);
    for (int d = 0; d < t->ndim; d++)
        n *= dim[d];
    if (!status && !weft_dtype_bytes(t->dtype, n, &bytes))
        status = weft_fail(r->diag, WEFT_LIMIT, "an output of %lld elements", (long long)n);
    *c = (weft_const){ .dtype = t->dtype, .ndim = t->ndim, .dim = dim, .size = (size_t)bytes };
    c->data = weft_arena_alloc(r->arena, c->size + 1);
    return status;
}

static weft_status
run_session(running *r, const weft_const *in, int nin, weft_const **out, int *nout)
{
    const weft_program *p = weft_session_program(r->session);
    weft_status status = weft_session_poison(r->session, r->diag);
    weft_assert(p->ninput == nin, "%d inputs given, %d taken", nin, p->ninput);
    for (int i = 0; i < nin && !status; i++)
        status = weft_session_set_input(r->session, i, in[i].data, in[i].size, r->diag);
    if (!status)
        status = weft_session_run(r->session, r->diag);
    *nout = p->noutput;
    *out = WEFT_NEW_ARRAY(r->arena, p->noutput + 1, weft_const);
    for (int i = 0; i < p->noutput && !status; i++) {
        weft_const *c = &(*out)[i];
        status = room_for(r, p->output[i], c);
        if (!status)
            status = weft_session_get_output(r->session, i, (void *)(uintptr_t)c->data, c->size,
                                             r->diag);
    }
    return status;
}

weft_status
ops_run(const char *text, const ops_place *place, int optimize, const weft_const *in, int nin,
        weft_arena *arena, weft_const **out, int *nout, weft_diag *diag)
{
    running r = { .arena = arena, .diag = diag };
    weft_module *module = NULL;
    weft_status status = ops_compile(text, &place->target, optimize, diag, &module);
    if (!status)
        status = weft_session_create(module, place->device, NULL, diag, &r.session);
    if (!status)
        status = run_session(&r, in, nin, out, nout);
    weft_session_destroy(r.session);
    weft_module_destroy(module);
    return status;
}
