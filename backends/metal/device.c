/* Metal: opening devices, memory, copies.  Frameworks are found at run time, through the
 * Objective-C runtime; the file compiles everywhere and finds devices on Apple's systems. */
#include "backends/metal/device_priv.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* ---- the libraries --------------------------------------------------------------------------- */

static bool
load_objc(weft_objc *o)
{
    int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
    void *runtime = dlopen("/usr/lib/libobjc.A.dylib", how);
    void *metal = dlopen("/System/Library/Frameworks/Metal.framework/Metal", how);
    *o = (weft_objc){ 0 };
    if (!runtime || !metal)
        return false;
    dlopen("/System/Library/Frameworks/Foundation.framework/Foundation", how);
    dlopen("/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics",
           how); /* for default_device */
    o->send = dlsym(runtime, "objc_msgSend");
    *(void **)&o->find_class = dlsym(runtime, "objc_getClass");
    *(void **)&o->selector = dlsym(runtime, "sel_registerName");
    *(void **)&o->pool_push = dlsym(runtime, "objc_autoreleasePoolPush");
    *(void **)&o->pool_pop = dlsym(runtime, "objc_autoreleasePoolPop");
    *(void **)&o->all_devices = dlsym(metal, "MTLCopyAllDevices");
    *(void **)&o->default_device = dlsym(metal, "MTLCreateSystemDefaultDevice");
    return o->send && o->find_class && o->selector && o->pool_push && o->pool_pop &&
           o->default_device;
}

/* Device i, retained; NULL beyond the last. */
static weft_id
get_device(const weft_objc *o, int i)
{
    typedef weft_id (*at)(weft_id, weft_id, unsigned long);
    if (!o->all_devices)
        return i == 0 ? o->default_device() : NULL;
    weft_id all = o->all_devices(), found = NULL;
    if (i >= 0 && all && (unsigned long)i < weft_mtl_number(o, all, "count")) {
        const at send = *(const at *)&o->send;
        found =
            weft_mtl_get(o, send(all, o->selector("objectAtIndex:"), (unsigned long)i), "retain");
    }
    weft_mtl_release(o, all);
    return found;
}

static int
mtl_count(weft_str *why)
{
    weft_objc o;
    if (!load_objc(&o)) {
        if (why)
            weft_str_add(why, "Metal exists on macOS and iOS only");
        return 0;
    }
    void *pool = o.pool_push();
    int n = 0;
    for (weft_id d; (d = get_device(&o, n)); n++)
        weft_mtl_release(&o, d);
    o.pool_pop(pool);
    if (!n && why)
        weft_str_add(why, "Metal knows no device");
    return n;
}

/* ---- the profile ----------------------------------------------------------------------------- */

/* MTLGPUFamily */
enum { FAMILY_APPLE1 = 1001 };

/* 1 to 10 for Apple's own GPUs; 0 for others. */
static int
apple_family(const weft_mtl_device *d)
{
    int family = 0;
    for (int i = 1; i <= 10; i++)
        if (weft_mtl_flag1(&d->objc, d->device, "supportsFamily:", FAMILY_APPLE1 - 1 + i))
            family = i;
    return family;
}

static void
query(weft_mtl_device *d, int index)
{
    const weft_objc *o = &d->objc;
    weft_device_info *info = &d->base.info;
    weft_target *t = &info->target;
    int family = apple_family(d);
    snprintf(info->id, sizeof info->id, index ? "metal:%d" : "metal", index);
    snprintf(info->name, sizeof info->name, "%s",
             weft_mtl_text(o, weft_mtl_get(o, d->device, "name")));
    weft_id process = weft_mtl_get(o, o->find_class("NSProcessInfo"), "processInfo");
    snprintf(info->driver, sizeof info->driver, "Metal, system %s",
             weft_mtl_text(o, weft_mtl_get(o, process, "operatingSystemVersionString")));
    snprintf(t->name, sizeof t->name, family ? "apple%d" : "mac", family);
    t->api = WEFT_API_METAL;
    t->cls = WEFT_CLASS_GPU;
    t->max_threads = 1024; /* a pipeline may allow fewer: checked when it is recorded */
    for (int i = 0; i < 3; i++) {
        t->max_block[i] = 1024;
        t->max_grid[i] = INT32_MAX;
    }
    t->shared_bytes = (int64_t)weft_mtl_number(o, d->device, "maxThreadgroupMemoryLength");
    t->subgroup = 32;
    t->max_alloc = (int64_t)weft_mtl_number(o, d->device, "maxBufferLength");
    t->max_range = t->max_alloc;
    t->offset_align = family ? 16 : 256;
    t->max_buffers = 31;
    t->scalar_bytes = 4096;
    t->vector_lanes = WEFT_GPU_LANES;
    t->f16 = t->i8 = t->i16 = t->i64 = t->storage8 = t->storage16 = t->subgroup_shuffle = true;
    t->metal_version = family >= 9 ? 31 : 30; /* which systems have that know the family */
    t->denorm_preserve = 16; /* "may be flushed" in single precision */
    t->round_division = 32;
    t->cores = 8;
    t->gflops = 2600;
    t->gbytes = 68;
    t->cache_bytes = 32 << 10;
    t->registers = 128;
}

/* ---- open and close -------------------------------------------------------------------------- */

static void
mtl_close(weft_device *device)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    if (d->objc.send) {
        void *pool = d->objc.pool_push();
        weft_mtl_wait(d, NULL);
        weft_mtl_release(&d->objc, d->queue);
        weft_mtl_release(&d->objc, d->device);
        d->objc.pool_pop(pool);
    }
    free(d);
}

static weft_status
mtl_open(int index, weft_diag *diag, weft_device **device)
{
    weft_mtl_device *d = calloc(1, sizeof *d);
    weft_status s = WEFT_OK;
    *device = NULL;
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a device handle");
    d->base.driver = &weft_metal_driver;
    if (!load_objc(&d->objc)) {
        free(d);
        return weft_fail(diag, WEFT_NO_DEVICE, "metal: Metal exists on macOS and iOS only");
    }
    void *pool = d->objc.pool_push();
    d->device = get_device(&d->objc, index);
    if (d->device) {
        query(d, index);
        d->queue = weft_mtl_get(&d->objc, d->device, "newCommandQueue");
    }
    if (!d->queue)
        s = weft_fail(diag, WEFT_NO_DEVICE, "metal: there is no device %d", index);
    d->objc.pool_pop(pool);
    if (s)
        mtl_close(&d->base);
    else
        *device = &d->base;
    return s;
}

/* ---- memory: shared between host and device -------------------------------------------------- */

static weft_status
mtl_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    typedef weft_id (*new_buffer)(weft_id, weft_id, unsigned long, unsigned long);
    weft_mtl_device *d = (weft_mtl_device *)device;
    weft_memory *m = calloc(1, sizeof *m);
    *memory = NULL;
    if (!m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a buffer handle");
    const new_buffer send = *(const new_buffer *)&d->objc.send;
    m->bytes = bytes;
    m->buffer =
        send(d->device, d->objc.selector("newBufferWithLength:options:"), (unsigned long)bytes, 0);
    m->contents = m->buffer ? weft_mtl_get(&d->objc, m->buffer, "contents") : NULL;
    if (!m->contents) {
        weft_mtl_release(&d->objc, m->buffer);
        free(m);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "newBufferWithLength:options: at %lld bytes on '%s'", (long long)bytes,
                         device->info.id);
    }
    *memory = m;
    return WEFT_OK;
}

static void
mtl_free(weft_device *device, weft_memory *m)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    weft_mtl_release(&d->objc, m->buffer);
    free(m);
}

weft_status
weft_mtl_wait(weft_mtl_device *d, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    if (!d->last)
        return s;
    weft_mtl_tell(&d->objc, d->last, "waitUntilCompleted");
    weft_id error = weft_mtl_get(&d->objc, d->last, "error");
    if (error)
        s = weft_mtl_fail(&d->objc, diag, "MTLCommandBuffer", d->base.info.name, error);
    weft_mtl_release(&d->objc, d->last);
    d->last = NULL;
    return s;
}

static weft_status
mtl_sync(weft_device *device, weft_diag *diag)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    void *pool = d->objc.pool_push();
    weft_status s = weft_mtl_wait(d, diag);
    d->objc.pool_pop(pool);
    return s;
}

static weft_status
mtl_upload(weft_device *device, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
           weft_diag *diag)
{
    weft_status s = mtl_sync(device, diag);
    if (!s)
        memcpy(m->contents + offset, data, (size_t)bytes);
    return s;
}

static weft_status
mtl_download(weft_device *device, weft_memory *m, int64_t offset, void *data, int64_t bytes,
             weft_diag *diag)
{
    weft_status s = mtl_sync(device, diag);
    if (!s)
        memcpy(data, m->contents + offset, (size_t)bytes);
    return s;
}

static weft_status
mtl_copy(weft_device *device, weft_memory *to, int64_t to_offset, weft_memory *from,
         int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    weft_status s = mtl_sync(device, diag);
    if (!s)
        memmove(to->contents + to_offset, from->contents + from_offset, (size_t)bytes);
    return s;
}

const weft_driver weft_metal_driver = {
    .api = WEFT_API_METAL,
    .name = "metal",
    .count = mtl_count,
    .open = mtl_open,
    .close = mtl_close,
    .alloc = mtl_alloc,
    .free = mtl_free,
    .upload = mtl_upload,
    .download = mtl_download,
    .copy = mtl_copy,
    .load = weft_mtl_load,
    .unload = weft_mtl_unload,
    .record = weft_mtl_record,
    .discard = weft_mtl_discard,
    .submit = weft_mtl_submit,
    .sync = mtl_sync,
};
