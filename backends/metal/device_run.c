/* Metal: recorded launches.  A command buffer cannot be used twice, so a submission encodes the
 * batch anew: one compute encoder, whose dispatches are in order.  When times are asked each launch
 * has its own command buffer, as that is what Metal measures everywhere. */
#include "backends/metal/device_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct launch {
    weft_id pipeline;
    int nbuffer, nscalar;
    weft_id *buffer;
    unsigned long *offset;
    const uint8_t *scalar_type;
    int64_t *scalar;
    weft_mtl_size grid, block;
    unsigned long shared;
} launch;

struct weft_batch {
    int n;
    launch *at;
    weft_arena arena;
};

static weft_status
record_launch(weft_mtl_device *d, weft_batch *b, launch *to, const weft_launch *from,
              weft_diag *diag)
{
    to->pipeline = weft_mtl_pipeline(from->code, from->kernel, &to->scalar_type);
    to->nbuffer = from->nbuffer;
    to->nscalar = from->nscalar;
    to->buffer = WEFT_NEW_ARRAY(&b->arena, from->nbuffer, weft_id);
    to->offset = WEFT_NEW_ARRAY(&b->arena, from->nbuffer, unsigned long);
    to->scalar =
        weft_arena_dup(&b->arena, from->scalar, (size_t)from->nscalar * sizeof *from->scalar);
    for (int i = 0; i < from->nbuffer; i++) {
        to->buffer[i] = from->buffer[i].memory->buffer;
        to->offset[i] = (unsigned long)from->buffer[i].offset;
    }
    to->grid = (weft_mtl_size){ (unsigned long)from->grid[0], (unsigned long)from->grid[1],
                                (unsigned long)from->grid[2] };
    to->block = (weft_mtl_size){ (unsigned long)from->block[0], (unsigned long)from->block[1],
                                 (unsigned long)from->block[2] };
    to->shared = (unsigned long)from->shared_bytes;
    unsigned long most = weft_mtl_number(&d->objc, to->pipeline, "maxTotalThreadsPerThreadgroup");
    int64_t threads = from->block[0] * from->block[1] * from->block[2];
    if ((unsigned long)threads > most)
        return weft_fail(
            diag, WEFT_LIMIT,
            "kernel '%s': its block is %lld threads; as compiled for '%s' it can have %lu",
            from->name, (long long)threads, d->base.info.id, most);
    return WEFT_OK;
}

weft_status
weft_mtl_record(weft_device *device, const weft_launch *from, int n, weft_batch **batch,
                weft_diag *diag)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    weft_status s = WEFT_OK;
    weft_batch *b = *batch = calloc(1, sizeof *b);
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a batch handle");
    b->n = n;
    b->at = WEFT_NEW_ARRAY(&b->arena, n, launch);
    for (int i = 0; i < n && !s; i++)
        s = record_launch(d, b, &b->at[i], &from[i], diag);
    if (s) {
        weft_mtl_discard(device, b);
        *batch = NULL;
    }
    return s;
}

void
weft_mtl_discard(weft_device *device, weft_batch *b)
{
    (void)device;
    weft_arena_reset(&b->arena);
    free(b);
}

static void
encode(const weft_objc *o, weft_id encoder, const launch *l)
{
    typedef void (*set_buffer)(weft_id, weft_id, weft_id, unsigned long, unsigned long);
    typedef void (*set_bytes)(weft_id, weft_id, const void *, unsigned long, unsigned long);
    typedef void (*set_shared)(weft_id, weft_id, unsigned long, unsigned long);
    typedef void (*dispatch)(weft_id, weft_id, weft_mtl_size, weft_mtl_size);
    const set_buffer buffer = *(const set_buffer *)&o->send;
    const set_bytes bytes = *(const set_bytes *)&o->send;
    const set_shared shared = *(const set_shared *)&o->send;
    const dispatch go = *(const dispatch *)&o->send;
    weft_mtl_tell1(o, encoder, "setComputePipelineState:", l->pipeline);
    for (int i = 0; i < l->nbuffer; i++)
        buffer(encoder, o->selector("setBuffer:offset:atIndex:"), l->buffer[i], l->offset[i],
               (unsigned long)i);
    for (int i = 0; i < l->nscalar; i++) {
        int32_t narrow = (int32_t)l->scalar[i];
        bool is_narrow = l->scalar_type[i] == WEFT_I32;
        bytes(encoder, o->selector("setBytes:length:atIndex:"),
              is_narrow ? (const void *)&narrow : &l->scalar[i], is_narrow ? 4 : 8,
              (unsigned long)(l->nbuffer + i));
    }
    if (l->shared)
        shared(encoder, o->selector("setThreadgroupMemoryLength:atIndex:"),
               (l->shared + 15) / 16 * 16, 0);
    go(encoder, o->selector("dispatchThreadgroups:threadsPerThreadgroup:"), l->grid, l->block);
}

/* Encodes and commits n launches in one command buffer, which becomes the device's last. */
static weft_status
commit(weft_mtl_device *d, const launch *l, int n, weft_diag *diag)
{
    const weft_objc *o = &d->objc;
    weft_id commands = weft_mtl_get(o, d->queue, "commandBuffer");
    weft_id encoder = commands ? weft_mtl_get(o, commands, "computeCommandEncoder") : NULL;
    if (!encoder)
        return weft_mtl_fail(o, diag, "computeCommandEncoder", d->base.info.name, NULL);
    for (int i = 0; i < n; i++)
        encode(o, encoder, &l[i]);
    weft_mtl_tell(o, encoder, "endEncoding");
    weft_mtl_release(o, d->last);
    d->last = weft_mtl_get(o, commands, "retain");
    weft_mtl_tell(o, commands, "commit");
    return WEFT_OK;
}

static weft_status
submit_timed(weft_mtl_device *d, const weft_batch *b, double *times, weft_diag *diag)
{
    weft_status s = weft_mtl_wait(d, diag);
    for (int i = 0; i < b->n && !s; i++) {
        s = commit(d, &b->at[i], 1, diag);
        if (s)
            break;
        weft_id commands = weft_mtl_get(&d->objc, d->last, "retain");
        s = weft_mtl_wait(d, diag);
        times[i] = weft_mtl_real(&d->objc, commands, "GPUEndTime") -
                   weft_mtl_real(&d->objc, commands, "GPUStartTime");
        weft_mtl_release(&d->objc, commands);
    }
    return s;
}

weft_status
weft_mtl_submit(weft_device *device, weft_batch *b, double *times, weft_diag *diag)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    void *pool = d->objc.pool_push();
    weft_status s = times ? submit_timed(d, b, times, diag) : commit(d, b->at, b->n, diag);
    d->objc.pool_pop(pool);
    return s;
}
