/* Which program of a module a device runs, and its kernels, loaded for one session or for many. */
#include "runtime/session_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- which program --------------------------------------------------------------------------- */

static bool
is_api_of(const weft_program *p, const weft_device *d)
{
    return d->info.target.api == WEFT_API_NULL || p->profile.api == d->info.target.api;
}

/* Whether what may be asked of floats in SPIR-V can be asked of the device. */
static bool
fits_floats(const weft_target *want, const weft_target *have)
{
    return !(want->denorm_preserve & ~have->denorm_preserve) &&
           !(want->special_preserve & ~have->special_preserve) &&
           !(want->round_even & ~have->round_even);
}

/* Whether the device can do what a kernel compiled for the profile may ask for. */
static bool
fits(const weft_target *want, const weft_target *have)
{
    return want->f16 <= have->f16 && want->f64 <= have->f64 && want->i8 <= have->i8 &&
           want->i16 <= have->i16 && want->i64 <= have->i64 && want->storage8 <= have->storage8 &&
           want->storage16 <= have->storage16 && want->subgroup_shuffle <= have->subgroup_shuffle &&
           want->matrix <= have->matrix && !(want->matrix_shapes & ~have->matrix_shapes) &&
           (want->subgroup <= 1 || want->subgroup == have->subgroup) &&
           want->shared_bytes <= have->shared_bytes && want->max_threads <= have->max_threads &&
           want->max_buffers <= have->max_buffers && want->cuda_arch <= have->cuda_arch &&
           want->metal_version <= have->metal_version &&
           fits_floats(want, have);
}

/* Greater is better: made for this very profile, its class and fitting, fitting, kernels that
 * happen to stay within the limits, the rest. */
static int
rank(const weft_program *p, const weft_device *d)
{
    const weft_target *have = &d->info.target;
    if (weft_session_check_kernels(d, p, NULL))
        return 0;
    if (!strcmp(p->profile.name, have->name))
        return 4;
    return fits(&p->profile, have) ? 2 + (p->profile.cls == have->cls) : 1;
}

static void
no_program(const weft_module *m, const weft_device *d, const char *target, weft_diag *diag)
{
    weft_str have = { 0 };
    for (int i = 0; i < m->nprogram; i++)
        weft_str_addf(&have, "%s%s", i ? ", " : "", m->program[i].target);
    weft_fail(diag, WEFT_NOT_FOUND,
              "the module has no program%s%s for device '%s'; it has: %s",
              target ? " named " : "", target ? target : "", d->info.id,
              have.n ? have.at : "none");
    weft_str_free(&have);
}

const weft_program *
weft_session_choose(const weft_module *m, const weft_device *d, const char *target, weft_diag *diag)
{
    const weft_program *best = NULL;
    for (int i = 0; i < m->nprogram; i++) {
        const weft_program *p = &m->program[i];
        if (!is_api_of(p, d) || (target && strcmp(p->target, target)))
            continue;
        if (!best || rank(p, d) > rank(best, d))
            best = p;
    }
    if (!best)
        no_program(m, d, target, diag);
    return best;
}

/* ---- lost devices ---------------------------------------------------------------------------- */

weft_status
weft_device_alive(const weft_device *device, weft_diag *diag)
{
    const weft_device_info *d = &device->info;
    if (!device->lost)
        return WEFT_OK;
    return weft_fail(
        diag, WEFT_LOST,
        "device '%s' (%s) is lost, with all that its sessions hold; destroy them, close "
        "it and open it again",
        d->id, d->name);
}

weft_status
weft_device_note(weft_device *device, weft_status status, weft_diag *diag)
{
    if (status != WEFT_LOST || device->lost)
        return status;
    device->lost = true;
    return weft_device_alive(device, diag);
}

/* ---- loading --------------------------------------------------------------------------------- */

static weft_source
source_of(const weft_mod_kernel *k)
{
    return (weft_source){ .name = k->name,
                          .text = k->text,
                          .size = k->size,
                          .binary = k->binary,
                          .binary_size = k->binary_size,
                          .nbuffer = k->nbuffer,
                          .nscalar = k->nscalar,
                          .scalar = k->scalar,
                          .block = { k->block[0], k->block[1], k->block[2] },
                          .subgroup = k->subgroup,
                          .shared_bytes = k->shared_bytes };
}

static weft_status
load(weft_kernels *k, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    int total = 0;
    for (int m = 0; m < k->n; m++)
        total += k->program[m]->nkernel;
    weft_source *source = WEFT_NEW_ARRAY(&scratch, total, weft_source);
    total = 0;
    for (int m = 0; m < k->n; m++) {
        k->first[m] = total;
        for (int i = 0; i < k->program[m]->nkernel; i++)
            source[total++] = source_of(&k->program[m]->kernel[i]);
    }
    weft_status status = k->device->driver->load(k->device, source, total,
                                                 k->program[0]->numerics, &k->code, diag);
    weft_arena_reset(&scratch);
    return weft_device_note(k->device, status, diag);
}

static weft_status
check(const weft_kernels *k, weft_diag *diag)
{
    weft_status status = weft_device_alive(k->device, diag);
    for (int m = 0; m < k->n && !status; m++) {
        status = weft_session_check_kernels(k->device, k->program[m], diag);
        if (!status && k->program[m]->numerics != k->program[0]->numerics)
            status = weft_fail(diag, WEFT_INVALID_ARGUMENT,
                               "kernels of different numerics levels are loaded together");
    }
    return status;
}

weft_status
weft_kernels_of(int n, weft_module *const *module, const weft_program *const *program,
                weft_device *d, weft_diag *diag, weft_kernels **kernels)
{
    weft_kernels *k = *kernels = calloc(1, sizeof *k);
    if (!k)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a handle of kernels");
    k->device = d;
    k->n = n;
    k->module = weft_arena_dup(&k->arena, module, (size_t)n * sizeof(*module));
    k->program = weft_arena_dup(&k->arena, program, (size_t)n * sizeof(*program));
    k->first = WEFT_NEW_ARRAY(&k->arena, n, int);
    weft_status status = check(k, diag);
    if (!status)
        status = load(k, diag);
    if (status) {
        weft_kernels_unload(k);
        *kernels = NULL;
    }
    return status;
}

weft_status
weft_kernels_load(int n, weft_module *const *module, weft_device *d, const char *target,
                  weft_diag *diag, weft_kernels **kernels)
{
    weft_arena scratch = { 0 };
    const weft_program **program = WEFT_NEW_ARRAY(&scratch, n, const weft_program *);
    weft_status status = WEFT_OK;
    *kernels = NULL;
    for (int m = 0; m < n && !status; m++) {
        program[m] = weft_session_choose(module[m], d, target, diag);
        status = program[m] ? WEFT_OK : WEFT_NOT_FOUND;
    }
    if (!status)
        status = weft_kernels_of(n, module, program, d, diag, kernels);
    weft_arena_reset(&scratch);
    return status;
}

void
weft_kernels_unload(weft_kernels *k)
{
    if (!k)
        return;
    if (k->code)
        k->device->driver->unload(k->device, k->code);
    weft_arena_reset(&k->arena);
    free(k);
}
