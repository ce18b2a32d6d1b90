/* bench/cuda.c: loading NVIDIA's libraries; operands in the memory of weft's CUDA driver. */
#include "cuda.h"

#include "compiler/compiler.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

bool
bench_cuda_library(const char *const *name, int n, const bench_symbol *symbol, int symbols,
                   void *functions)
{
    weft_str why = { 0 }, broken = { 0 };
    void *library = NULL;
    for (int i = 0; i < n && !library; i++)
        library = weft_library_open(name[i], &broken);
    if (!library)
        weft_library_missing(&why, name[0], &broken);
    for (int i = 0; library && i < symbols; i++) {
        void *f = dlsym(library, symbol[i].name);
        memcpy((char *)functions + symbol[i].at, &f, sizeof f);
        if (!f && !why.n)
            weft_str_addf(&why, "%s lacks %s", name[0], symbol[i].name);
    }
    if (why.n)
        fprintf(stderr, "%s\n", weft_str_text(&why));
    bool ok = !why.n;
    weft_str_free(&why);
    weft_str_free(&broken);
    return ok;
}

/* ---- the device ------------------------------------------------------------------------------ */

static weft_status
open_device(const char *id, weft_diag *diag, weft_cu_device **device)
{
    weft_drivers all = { 1, { &weft_cuda_driver } };
    bool same = strcmp(id, "cuda") == 0 || strncmp(id, "cuda:", 5) == 0;
    weft_device *d;
    weft_status s = weft_device_open(&all, same ? id : "cuda", diag, &d);
    *device = (weft_cu_device *)d;
    return s;
}

bool
bench_cuda_ready(const char *id, const char *whom)
{
    weft_diag *diag = weft_diag_create();
    weft_cu_device *device = NULL;
    bool ok = !open_device(id, diag, &device);
    if (ok)
        weft_device_close(&device->base);
    else
        fprintf(stderr, "%s: %s", whom, weft_diag_text(diag));
    weft_diag_destroy(diag);
    return ok;
}

/* ---- operands -------------------------------------------------------------------------------- */

/* Memory with these numbers in the case's dtype; NULL: NaN. */
static weft_status
give(bench_cuda *u, const float *from, int64_t count, weft_memory **to)
{
    weft_device *d = &u->device->base;
    int64_t bytes = count * weft_dtype_bits(u->c->dtype) / 8;
    void *packed = bench_pack(u->c, from, count);
    weft_status s = packed ? d->driver->alloc(d, bytes, to, u->diag)
                           : weft_fail(u->diag, WEFT_LIMIT, "no memory for an operand");
    if (!s)
        s = d->driver->upload(d, *to, 0, packed, bytes, u->diag);
    free(packed);
    return s;
}

bool
bench_cuda_open(bench_cuda *u, const bench_case *c, const bench_data *d)
{
    *u = (bench_cuda){ .c = c, .diag = weft_diag_create() };
    weft_status s = open_device(c->device, u->diag, &u->device);
    for (int i = 0; !s && i < d->nin; i++)
        s = give(u, d->in[i], d->count[i], &u->in[i]);
    if (!s)
        s = give(u, NULL, d->out, &u->out);
    if (!s)
        return true;
    fprintf(stderr, "%s: %s", c->name, weft_diag_text(u->diag));
    bench_cuda_close(u);
    return false;
}

void
bench_cuda_close(bench_cuda *u)
{
    weft_memory *all[] = { u->in[0], u->in[1], u->in[2], u->out, u->scratch };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            u->device->base.driver->free(&u->device->base, all[i]);
    if (u->device)
        weft_device_close(&u->device->base);
    weft_diag_destroy(u->diag);
}

bool
bench_cuda_enter(bench_cuda *u)
{
    return !weft_cu_enter(u->device, u->diag);
}

bool
bench_cuda_scratch(bench_cuda *u, size_t bytes)
{
    weft_device *d = &u->device->base;
    return !bytes || !d->driver->alloc(d, (int64_t)bytes, &u->scratch, u->diag);
}

void *
bench_cuda_at(const weft_memory *m)
{
    return m ? (void *)(uintptr_t)m->address : NULL;
}

bool
bench_cuda_wait(bench_cuda *u)
{
    return !u->device->base.driver->sync(&u->device->base, u->diag);
}

bool
bench_cuda_read(void *run, float *out, int64_t count)
{
    bench_cuda *u = run;
    weft_device *d = &u->device->base;
    int64_t bytes = count * weft_dtype_bits(u->c->dtype) / 8;
    void *packed = malloc((size_t)bytes);
    bool ok = packed && !d->driver->download(d, u->out, 0, packed, bytes, u->diag);
    if (ok)
        bench_unpack(u->c, packed, out, count);
    free(packed);
    return ok;
}
