/* CUDA: recorded launches.  Arguments are laid out once; where the driver knows graphs the whole
 * batch is one graph launch. */
#include "backends/cuda/device_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_DYNAMIC_SHARED = 8 /* CUfunction_attribute */,
    CAPTURE_THREAD_LOCAL = 1,
    STATIC_SHARED = 48 << 10
};

typedef struct launch { /* or a copy: no function */
    void *function;
    unsigned grid[3], block[3], shared;
    void **argument; /* addresses of the values, buffers first */
    const char *name;
    uint64_t from, to; /* of a copy */
    size_t bytes;
} launch;

struct weft_batch {
    int n;
    launch *at;
    void *graph; /* CUgraphExec; NULL: launched one by one */
    weft_arena arena;
};

static uint64_t
address_of(const weft_arg *a)
{
    return a->memory->address + (uint64_t)a->offset;
}

static void
lay_out(weft_batch *b, launch *to, const weft_launch *from, const uint8_t *scalar)
{
    int n = from->nbuffer + from->nscalar;
    uint64_t *value = WEFT_NEW_ARRAY(&b->arena, n, uint64_t);
    to->argument = WEFT_NEW_ARRAY(&b->arena, n, void *);
    for (int i = 0; i < n; i++)
        to->argument[i] = &value[i];
    for (int i = 0; i < from->nbuffer; i++)
        value[i] = address_of(&from->buffer[i]);
    for (int i = 0; i < from->nscalar; i++) {
        int32_t narrow = (int32_t)from->scalar[i];
        bool is_narrow = scalar[i] == WEFT_I32;
        memcpy(&value[from->nbuffer + i], is_narrow ? (const void *)&narrow : &from->scalar[i],
               is_narrow ? sizeof narrow : sizeof *from->scalar);
    }
}

static weft_status
record_launch(weft_cu_device *d, weft_batch *b, launch *to, const weft_launch *from,
              weft_diag *diag)
{
    const uint8_t *scalar;
    to->name = weft_arena_strdup(&b->arena, from->name);
    if (!from->code) {
        to->from = address_of(&from->buffer[0]);
        to->to = address_of(&from->buffer[1]);
        to->bytes = (size_t)from->buffer[0].size;
        return WEFT_OK;
    }
    to->function = weft_cu_function(from->code, from->kernel, &scalar);
    to->shared = (unsigned)from->shared_bytes;
    for (int i = 0; i < 3; i++) {
        to->grid[i] = (unsigned)from->grid[i];
        to->block[i] = (unsigned)from->block[i];
    }
    lay_out(b, to, from, scalar);
    if (from->shared_bytes > d->shared_optin)
        return weft_fail(
            diag, WEFT_LIMIT, "kernel '%s' asks for %lld shared bytes; device '%s' has %lld",
            from->name, (long long)from->shared_bytes, d->base.info.id, (long long)d->shared_optin);
    if (from->shared_bytes <= STATIC_SHARED)
        return WEFT_OK;
    return weft_cu_check(
        &d->api, diag,
        d->api.function_set(to->function, MAX_DYNAMIC_SHARED, (int)from->shared_bytes),
        "cuFuncSetAttribute", from->name);
}

static weft_status
start(weft_cu_device *d, const launch *l, weft_diag *diag)
{
    if (!l->function)
        return weft_cu_check(&d->api, diag, d->api.copy_over(l->to, l->from, l->bytes, d->stream),
                             "cuMemcpyDtoDAsync", l->name);
    int code = d->api.launch(l->function, l->grid[0], l->grid[1], l->grid[2], l->block[0],
                             l->block[1], l->block[2], l->shared, d->stream, l->argument, NULL);
    if (!code)
        return WEFT_OK;
    char what[200];
    snprintf(what, sizeof what, "kernel '%.80s', grid %ux%ux%u, block %ux%ux%u, %u shared bytes",
             l->name, l->grid[0], l->grid[1], l->grid[2], l->block[0], l->block[1], l->block[2],
             l->shared);
    return weft_cu_check(&d->api, diag, code, "cuLaunchKernel", what);
}

/* A graph of the whole batch.  Without one it is launched kernel by kernel: no failure. */
static void
make_graph(weft_cu_device *d, weft_batch *b)
{
    const weft_cu_api *api = &d->api;
    void *graph = NULL;
    weft_status s = WEFT_OK;
    if (!api->capture_begin || !api->capture_end || !api->graph_instantiate || !api->graph_launch ||
        !api->graph_destroy || !api->graph_exec_destroy)
        return;
    if (api->capture_begin(d->stream, CAPTURE_THREAD_LOCAL))
        return;
    for (int i = 0; i < b->n && !s; i++)
        s = start(d, &b->at[i], NULL);
    int code = api->capture_end(d->stream, &graph);
    if (!code && !s && graph && api->graph_instantiate(&b->graph, graph, 0))
        b->graph = NULL;
    if (!code && graph)
        api->graph_destroy(graph);
}

weft_status
weft_cu_record(weft_device *device, const weft_launch *from, int n, weft_batch **batch,
               weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    weft_batch *b = *batch = s ? NULL : calloc(1, sizeof *b);
    if (s)
        return s;
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a batch handle");
    b->n = n;
    b->at = WEFT_NEW_ARRAY(&b->arena, n, launch);
    for (int i = 0; i < n && !s; i++)
        s = record_launch(d, b, &b->at[i], &from[i], diag);
    if (!s && n > 1)
        make_graph(d, b);
    if (s) {
        weft_cu_discard(device, b);
        *batch = NULL;
    }
    return s;
}

void
weft_cu_discard(weft_device *device, weft_batch *b)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_cu_enter(d, NULL);
    if (b->graph)
        d->api.graph_exec_destroy(b->graph);
    weft_arena_reset(&b->arena);
    free(b);
}

/* ---- times ----------------------------------------------------------------------------------- */

static weft_status
record_events(weft_cu_device *d, const weft_batch *b, void **event, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i <= b->n && !s; i++)
        s = weft_cu_check(&d->api, diag, d->api.event_create(&event[i], 0), "cuEventCreate",
                          "a time");
    for (int i = 0; i <= b->n && !s; i++) {
        s = weft_cu_check(&d->api, diag, d->api.event_record(event[i], d->stream), "cuEventRecord",
                          "a time");
        if (!s && i < b->n)
            s = start(d, &b->at[i], diag);
    }
    return s ? s
             : weft_cu_check(&d->api, diag, d->api.stream_wait(d->stream), "cuStreamSynchronize",
                             d->base.info.name);
}

static weft_status
submit_timed(weft_cu_device *d, const weft_batch *b, double *times, weft_diag *diag)
{
    weft_arena arena = { 0 };
    void **event = WEFT_NEW_ARRAY(&arena, b->n + 1, void *);
    weft_status s = record_events(d, b, event, diag);
    for (int i = 0; i < b->n && !s; i++) {
        float milliseconds = 0;
        s = weft_cu_check(&d->api, diag,
                          d->api.event_elapsed(&milliseconds, event[i], event[i + 1]),
                          "cuEventElapsedTime", b->at[i].name);
        times[i] = (double)milliseconds * 1e-3;
    }
    for (int i = 0; i <= b->n; i++)
        if (event[i])
            d->api.event_destroy(event[i]);
    weft_arena_reset(&arena);
    return s;
}

weft_status
weft_cu_submit(weft_device *device, weft_batch *b, double *times, weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    if (s || times)
        return s ? s : submit_timed(d, b, times, diag);
    if (b->graph)
        return weft_cu_check(&d->api, diag, d->api.graph_launch(b->graph, d->stream),
                             "cuGraphLaunch", device->info.name);
    for (int i = 0; i < b->n && !s; i++)
        s = start(d, &b->at[i], diag);
    return s;
}
