/* OpenCL: recorded launches.  Kernels, their arguments and sub-buffers are made once; a submission
 * is one enqueue a launch, or a chain of them. */
#include "backends/opencl/device_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct launch { /* or a chain of them, or a copy */
    cl_kernel kernel;
    size_t global[3], local[3];
    const char *name;     /* of the first */
    const weft_arg *copy; /* from and to, in the batch's arena; NULL: none */
} launch;

typedef struct launches {
    int n;
    launch *at;
} launches;

struct weft_batch {
    int n;
    const weft_launch *from;  /* n, copied */
    launches submitted;       /* fewer than n where launches are chained */
    launches alone;           /* what times are taken of, made when they are first asked for */
    WEFT_VEC(cl_mem) ranges;  /* sub-buffers */
    WEFT_VEC(cl_mem) plans;   /* of chains */
    weft_map *known;          /* (memory, offset, size) -> index in ranges */
    weft_arena arena;
};

/* The whole memory, or a sub-buffer of it, made once a range. */
static weft_status
range_of(weft_cl_device *d, weft_batch *b, const weft_arg *a, cl_mem *out, weft_diag *diag)
{
    const struct {
        const weft_memory *memory;
        int64_t offset, size;
    } key = { a->memory, a->offset, a->size > 0 ? a->size : 1 };
    *out = a->memory->mem;
    if (a->offset == 0 && key.size == a->memory->bytes)
        return WEFT_OK;
    int64_t *slot = weft_map_slot(b->known, &key, sizeof key);
    if (*slot < 0) {
        cl_int code;
        cl_buffer_region region = { (size_t)key.offset, (size_t)key.size };
        cl_mem range = d->api.clCreateSubBuffer(a->memory->mem, CL_MEM_READ_WRITE,
                                                CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        char what[96];
        snprintf(what, sizeof what, "bytes %lld to %lld of a buffer of %lld", (long long)key.offset,
                 (long long)(key.offset + key.size), (long long)a->memory->bytes);
        weft_status s = weft_cl_check(diag, code, "clCreateSubBuffer", what);
        if (s)
            return s;
        *slot = b->ranges.n;
        *WEFT_PUSH(&b->arena, &b->ranges) = range;
    }
    *out = b->ranges.at[*slot];
    return WEFT_OK;
}

static weft_status
set_scalar(weft_cl_device *d, const launch *to, const weft_launch *from, const weft_source *source,
           int i, weft_diag *diag)
{
    cl_uint index = (cl_uint)(from->nbuffer + i);
    int64_t wide = from->scalar[i];
    int32_t narrow = (int32_t)wide;
    bool is_narrow = source->scalar[i] == WEFT_I32;
    cl_int code = d->api.clSetKernelArg(to->kernel, index, is_narrow ? 4 : 8,
                                        is_narrow ? (const void *)&narrow : (const void *)&wide);
    return weft_cl_check(diag, code, "clSetKernelArg", from->name);
}

static weft_status
record_launch(weft_cl_device *d, weft_batch *b, launch *to, const weft_launch *from,
              weft_diag *diag)
{
    cl_int code;
    cl_program program;
    const weft_source *source;
    if (!from->code) {
        *to = (launch){ .name = from->name, .copy = from->buffer };
        return WEFT_OK;
    }
    weft_status s = weft_cl_program_of(d, from->code, from->kernel, &program, &source, diag);
    if (s)
        return s;
    to->kernel = d->api.clCreateKernel(program, source->name, &code);
    s = weft_cl_check(diag, code, "clCreateKernel", source->name);
    to->name = from->name;
    for (int i = 0; i < 3; i++) {
        to->local[i] = (size_t)from->block[i];
        to->global[i] = (size_t)(from->grid[i] * from->block[i]);
    }
    for (int i = 0; i < from->nbuffer && !s; i++) {
        cl_mem mem;
        s = range_of(d, b, &from->buffer[i], &mem, diag);
        if (!s)
            s = weft_cl_check(diag, d->api.clSetKernelArg(to->kernel, (cl_uint)i, sizeof mem, &mem),
                              "clSetKernelArg", from->name);
    }
    for (int i = 0; i < from->nscalar && !s; i++)
        s = set_scalar(d, to, from, source, i, diag);
    return s;
}

/* A group for each worker. */
static weft_status
record_chain(weft_cl_device *d, weft_batch *b, launch *to, cl_program program,
             const weft_launch *from, int n, weft_diag *diag)
{
    cl_mem *plan = WEFT_PUSH(&b->arena, &b->plans);
    *to = (launch){ .global = { (size_t)d->workers, 1, 1 },
                    .local = { 1, 1, 1 },
                    .name = from->name };
    *plan = NULL;
    return weft_cl_chain_record(d, program, from, n, &to->kernel, plan, diag);
}

/* By launch and copy: the program of chains that can run it, NULL for none; a copy goes with the
 * launch that follows. */
static cl_program *
find_programs(weft_batch *b)
{
    cl_program *of = WEFT_NEW_ARRAY(&b->arena, b->n + 1, cl_program);
    for (int i = b->n - 1; i >= 0; i--)
        of[i] = b->from[i].code ? weft_cl_chain_of(b->from[i].code, b->from[i].kernel, NULL)
                                : of[i + 1];
    return of;
}

static weft_status
record_all(weft_cl_device *d, weft_batch *b, bool chain, launches *to, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    const cl_program *of = chain ? find_programs(b) : NULL;
    to->at = WEFT_NEW_ARRAY(&b->arena, b->n, launch);
    for (int i = 0; i < b->n && !s;) {
        const weft_launch *from = &b->from[i];
        int length = chain && of[i] ? weft_cl_chain_length(of[i], from, b->n - i) : 0;
        launch *l = &to->at[to->n++];
        s = length ? record_chain(d, b, l, of[i], from, length, diag)
                   : record_launch(d, b, l, from, diag);
        i += length ? length : 1;
    }
    return s;
}

static const weft_launch *
copy_launches(weft_arena *arena, const weft_launch *from, int n)
{
    weft_launch *to = WEFT_NEW_ARRAY(arena, n, weft_launch);
    for (int i = 0; i < n; i++) {
        to[i] = from[i];
        to[i].name = weft_arena_strdup(arena, from[i].name);
        to[i].buffer =
            weft_arena_dup(arena, from[i].buffer, (size_t)from[i].nbuffer * sizeof(weft_arg));
        to[i].scalar =
            weft_arena_dup(arena, from[i].scalar, (size_t)from[i].nscalar * sizeof(int64_t));
    }
    return to;
}

weft_status
weft_cl_record(weft_device *device, const weft_launch *from, int n, weft_batch **batch,
               weft_diag *diag)
{
    weft_batch *b = *batch = calloc(1, sizeof *b);
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a batch handle");
    b->n = n;
    b->from = copy_launches(&b->arena, from, n);
    b->known = weft_map_create(&b->arena);
    weft_status s = record_all((weft_cl_device *)device, b, true, &b->submitted, diag);
    if (s) {
        weft_cl_discard(device, b);
        *batch = NULL;
    }
    return s;
}

static void
release(weft_cl_device *d, launches *l)
{
    for (int i = 0; i < l->n; i++)
        if (l->at[i].kernel)
            d->api.clReleaseKernel(l->at[i].kernel);
    l->n = 0;
}

void
weft_cl_discard(weft_device *device, weft_batch *b)
{
    weft_cl_device *d = (weft_cl_device *)device;
    release(d, &b->submitted);
    release(d, &b->alone);
    for (int i = 0; i < b->ranges.n; i++)
        d->api.clReleaseMemObject(b->ranges.at[i]);
    for (int i = 0; i < b->plans.n; i++)
        if (b->plans.at[i])
            d->api.clReleaseMemObject(b->plans.at[i]);
    weft_arena_reset(&b->arena);
    free(b);
}

static weft_status
enqueue_copy(weft_cl_device *d, cl_command_queue queue, const launch *l, cl_event *event,
             weft_diag *diag)
{
    const weft_arg *from = &l->copy[0], *to = &l->copy[1];
    cl_int code = d->api.clEnqueueCopyBuffer(
        queue, from->memory->mem, to->memory->mem, (size_t)from->offset, (size_t)to->offset,
        (size_t)from->size, 0, NULL, event);
    return weft_cl_check(diag, code, "clEnqueueCopyBuffer", l->name);
}

static weft_status
enqueue(weft_cl_device *d, cl_command_queue queue, const launch *l, cl_event *event,
        weft_diag *diag)
{
    if (l->copy)
        return enqueue_copy(d, queue, l, event, diag);
    cl_int code = d->api.clEnqueueNDRangeKernel(queue, l->kernel, 3, NULL, l->global, l->local, 0,
                                                NULL, event);
    if (!code)
        return WEFT_OK;
    char what[200];
    snprintf(what, sizeof what, "kernel '%.80s', %zux%zux%zu threads in blocks of %zux%zux%zu",
             l->name, l->global[0], l->global[1], l->global[2], l->local[0], l->local[1],
             l->local[2]);
    return weft_cl_check(diag, code, "clEnqueueNDRangeKernel", what);
}

static weft_status
event_seconds(const weft_cl_device *d, cl_event event, double *seconds, weft_diag *diag)
{
    cl_ulong start = 0, end = 0;
    cl_int code = d->api.clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start,
                                                 &start, NULL);
    if (!code)
        code =
            d->api.clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    *seconds = end > start ? (double)(end - start) * 1e-9 : 0;
    return weft_cl_check(diag, code, "clGetEventProfilingInfo", d->base.info.name);
}

static weft_status
record_alone(weft_cl_device *d, weft_batch *b, weft_diag *diag)
{
    if (b->alone.n)
        return WEFT_OK;
    weft_status s = record_all(d, b, false, &b->alone, diag);
    if (s)
        release(d, &b->alone);
    return s;
}

static weft_status
submit_timed(weft_cl_device *d, weft_batch *b, double *times, weft_diag *diag)
{
    cl_int code = CL_SUCCESS;
    if (!d->timed)
        d->timed = d->api.clCreateCommandQueue(d->context, d->id, CL_QUEUE_PROFILING_ENABLE, &code);
    weft_status s =
        weft_cl_check(diag, code, "clCreateCommandQueue", "a queue that measures times");
    if (!s)
        s = record_alone(d, b, diag);
    cl_event *event = s ? NULL : calloc((size_t)b->n + 1, sizeof(cl_event));
    if (!s && !event)
        s = weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for %d events", b->n);
    if (!s) /* two queues: what the other one holds comes first */
        s = weft_cl_check(diag, d->api.clFinish(d->queue), "clFinish", d->base.info.name);
    for (int i = 0; i < b->n && !s; i++)
        s = enqueue(d, d->timed, &b->alone.at[i], &event[i], diag);
    if (d->timed && event && !s)
        s = weft_cl_check(diag, d->api.clFinish(d->timed), "clFinish", d->base.info.name);
    for (int i = 0; i < b->n && event && event[i]; i++) {
        if (!s)
            s = event_seconds(d, event[i], &times[i], diag);
        d->api.clReleaseEvent(event[i]);
    }
    free(event);
    return s;
}

weft_status
weft_cl_submit(weft_device *device, weft_batch *b, double *times, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    weft_status s = WEFT_OK;
    if (times)
        return submit_timed(d, b, times, diag);
    for (int i = 0; i < b->submitted.n && !s; i++)
        s = enqueue(d, d->queue, &b->submitted.at[i], NULL, diag);
    if (!s)
        s = weft_cl_check(diag, d->api.clFlush(d->queue), "clFlush", device->info.name);
    return s;
}
