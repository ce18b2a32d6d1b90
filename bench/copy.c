/* bench/copy.c: a copy of as many bytes as a case moves, by the API of the GPU that weft runs
 * on. */
#include "bench.h"
#include "compiler/compiler.h"

#include <stdlib.h>

typedef struct copy_run {
    weft_diag *diag;
    weft_device *device;
    weft_memory *from, *to;
    int64_t bytes;
} copy_run;

static void
finish(void *user)
{
    copy_run *r = user;
    if (r->from)
        r->device->driver->free(r->device, r->from);
    if (r->to)
        r->device->driver->free(r->device, r->to);
    weft_device_close(r->device);
    weft_diag_destroy(r->diag);
    free(r);
}

/* Half of the bytes are read, half written; what is read is what the case reads. */
static weft_status
start(const bench_case *c, const bench_data *d, copy_run *r)
{
    weft_drivers drivers = weft_all_drivers();
    weft_status s = weft_device_open(&drivers, c->device, r->diag, &r->device);
    int64_t most = d->count[0] * 4;
    r->bytes = weft_round_up((int64_t)bench_bytes(c, d) / 2, 4);
    if (!s)
        s = r->device->driver->alloc(r->device, r->bytes, &r->from, r->diag);
    if (!s)
        s = r->device->driver->alloc(r->device, r->bytes, &r->to, r->diag);
    return s ? s
             : r->device->driver->upload(r->device, r->from, 0, d->in[0],
                                         r->bytes < most ? r->bytes : most, r->diag);
}

static void *
open_copy(const bench_case *c, const bench_data *d)
{
    copy_run *r = bench_flops(c) > 0 ? NULL : calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->diag = weft_diag_create();
    if (!start(c, d, r))
        return r;
    fprintf(stderr, "%s: copy: %s", c->name, weft_diag_text(r->diag));
    finish(r);
    return NULL;
}

static bool
run(void *user)
{
    copy_run *r = user;
    const weft_driver *driver = r->device->driver;
    return !driver->copy(r->device, r->to, 0, r->from, 0, r->bytes, r->diag) &&
           !driver->sync(r->device, r->diag);
}

const bench_contender bench_device_copy = {
    .name = "copy", .gpu = true, .open = open_copy, .run = run, .close = finish
};
