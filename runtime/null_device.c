/* The null device: everything up to the launch, and no API.  Memory is counted, not kept; downloads
 * are zeros.  It serves for measuring the host side and for tests without a driver. */
#include "runtime/device.h"

#include <stdlib.h>
#include <string.h>

struct weft_memory {
    int64_t bytes;
};

struct weft_code {
    int nkernel;
};

struct weft_batch {
    int nlaunch;
};

static int
null_count(weft_str *why)
{
    (void)why;
    return 1;
}

static const weft_target null_target = {
    .name = "null",
    .api = WEFT_API_NULL,
    .cls = WEFT_CLASS_GPU,
    .max_threads = 1024,
    .max_block = { 1024, 1024, 1024 },
    .max_grid = { INT32_MAX, INT32_MAX, INT32_MAX },
    .shared_bytes = 1 << 20,
    .subgroup = 32,
    .max_alloc = INT64_C(1) << 40,
    .max_range = INT64_C(1) << 40,
    .offset_align = 1,
    .max_buffers = 1024,
    .scalar_bytes = 4096,
    .vector_lanes = 4,
    .f16 = true,
    .f64 = true,
    .i8 = true,
    .i16 = true,
    .i64 = true,
    .storage8 = true,
    .storage16 = true,
    .subgroup_shuffle = true,
    .matrix = true,
    .matrix_shapes = INT32_MAX,
    .spirv_version = 0x10300,
    .cores = 1,
    .gflops = 1,
    .gbytes = 1,
    .cache_bytes = 1 << 20,
    .registers = 255,
};

static weft_status
null_open(int index, weft_diag *diag, weft_device **device)
{
    (void)index;
    weft_device *d = calloc(1, sizeof *d);
    *device = d;
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for the null device");
    d->driver = &weft_null_driver;
    d->info.target = null_target;
    d->info.least_subgroup = 1; /* every kernel may ask for its own */
    d->info.most_subgroup = 128;
    d->info.checks_bounds = true; /* no kernel runs that could leave them */
    strcpy(d->info.id, "null");
    strcpy(d->info.name, "null device");
    strcpy(d->info.driver, "null 1");
    return WEFT_OK;
}

static void
null_close(weft_device *device)
{
    free(device);
}

static weft_status
null_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    (void)device;
    *memory = malloc(sizeof **memory);
    if (!*memory)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a handle of the null device");
    (*memory)->bytes = bytes;
    return WEFT_OK;
}

static void
null_free(weft_device *device, weft_memory *memory)
{
    (void)device;
    free(memory);
}

static weft_status
check_range(const weft_memory *memory, int64_t offset, int64_t bytes, const char *call,
            weft_diag *diag)
{
    if (offset >= 0 && bytes >= 0 && offset <= memory->bytes && bytes <= memory->bytes - offset)
        return WEFT_OK;
    return weft_fail(diag, WEFT_DEVICE, "null %s: bytes %lld to %lld of an allocation of %lld",
                     call, (long long)offset, (long long)(offset + bytes),
                     (long long)memory->bytes);
}

static weft_status
null_upload(weft_device *device, weft_memory *memory, int64_t offset, const void *data,
            int64_t bytes, weft_diag *diag)
{
    (void)device;
    (void)data;
    return check_range(memory, offset, bytes, "upload", diag);
}

static weft_status
null_download(weft_device *device, weft_memory *memory, int64_t offset, void *data, int64_t bytes,
              weft_diag *diag)
{
    (void)device;
    weft_status s = check_range(memory, offset, bytes, "download", diag);
    if (!s && bytes)
        memset(data, 0, (size_t)bytes);
    return s;
}

static weft_status
null_copy(weft_device *device, weft_memory *to, int64_t to_offset, weft_memory *from,
          int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    (void)device;
    weft_status s = check_range(to, to_offset, bytes, "copy", diag);
    return s ? s : check_range(from, from_offset, bytes, "copy", diag);
}

static weft_status
null_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
          weft_code **code, weft_diag *diag)
{
    (void)device;
    (void)source;
    (void)numerics;
    *code = malloc(sizeof **code);
    if (!*code)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a handle of the null device");
    (*code)->nkernel = n;
    return WEFT_OK;
}

static void
null_unload(weft_device *device, weft_code *code)
{
    (void)device;
    free(code);
}

static weft_status
null_record(weft_device *device, const weft_launch *launch, int n, weft_batch **batch,
            weft_diag *diag)
{
    (void)device;
    *batch = NULL;
    for (int i = 0; i < n; i++) {
        const weft_launch *l = &launch[i];
        if (l->code && (l->kernel < 0 || l->kernel >= l->code->nkernel))
            return weft_fail(diag, WEFT_DEVICE, "null launch '%s': kernel %d of %d", l->name,
                             l->kernel, l->code->nkernel);
        for (int k = 0; k < l->nbuffer; k++) {
            const weft_arg *a = &l->buffer[k];
            weft_status s = check_range(a->memory, a->offset, a->size, "launch", diag);
            if (s)
                return s;
        }
    }
    *batch = malloc(sizeof **batch);
    if (!*batch)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a handle of the null device");
    (*batch)->nlaunch = n;
    return WEFT_OK;
}

static void
null_discard(weft_device *device, weft_batch *batch)
{
    (void)device;
    free(batch);
}

static weft_status
null_submit(weft_device *device, weft_batch *batch, double *times, weft_diag *diag)
{
    (void)device;
    (void)diag;
    for (int i = 0; times && i < batch->nlaunch; i++)
        times[i] = 0;
    return WEFT_OK;
}

static weft_status
null_sync(weft_device *device, weft_diag *diag)
{
    (void)device;
    (void)diag;
    return WEFT_OK;
}

const weft_driver weft_null_driver = {
    .api = WEFT_API_NULL,
    .name = "null",
    .by_name = true,
    .batches_copies = true,
    .count = null_count,
    .open = null_open,
    .close = null_close,
    .alloc = null_alloc,
    .free = null_free,
    .upload = null_upload,
    .download = null_download,
    .copy = null_copy,
    .load = null_load,
    .unload = null_unload,
    .record = null_record,
    .discard = null_discard,
    .submit = null_submit,
    .sync = null_sync,
};
