/* OpenCL: opening devices, memory, copies.  The library is found at run time. */
#include "backends/opencl/device_priv.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* ---- the library ----------------------------------------------------------------------------- */

static void *
open_library(weft_str *broken)
{
    static const char *const names[] = { "libOpenCL.so.1", "libOpenCL.so",
                                         "/System/Library/Frameworks/OpenCL.framework/OpenCL" };
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = weft_library_open(names[i], broken);
    return library;
}

/* Finds the library and its functions; NULL why is allowed. */
static bool
load_api(weft_cl_api *api, weft_str *why)
{
    weft_str broken = { 0 };
    void *library = open_library(&broken);
    const char *missing = NULL;
    if (!library) {
        weft_library_missing(why, "the OpenCL loader (libOpenCL.so.1)", &broken);
        return false;
    }
    weft_str_free(&broken);
#define CL(result, name, parameters)                                                               \
    *(void **)&api->name = dlsym(library, #name);                                                  \
    missing = api->name ? missing : #name;
#include "backends/opencl/cl_functions.def"
#undef CL
    if (missing && why)
        weft_str_addf(why, "libOpenCL lacks %s, which OpenCL 1.2 has", missing);
    return !missing;
}

static const char *
error_name(cl_int code)
{
    switch (code) {
#define ERROR(name)                                                                                \
    case name:                                                                                     \
        return #name;
#include "backends/opencl/cl_errors.def"
#undef ERROR
    default:
        return "an unknown error";
    }
}

weft_status
weft_cl_check(weft_diag *diag, cl_int code, const char *call, const char *object)
{
    if (code == CL_SUCCESS)
        return WEFT_OK;
    bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
    /* After a crash of the device drivers know queue and context no more. */
    bool lost = code == CL_DEVICE_NOT_AVAILABLE || code == CL_INVALID_CONTEXT ||
                code == CL_INVALID_COMMAND_QUEUE;
    return weft_fail(diag,
                     lost     ? WEFT_LOST
                     : memory ? WEFT_OUT_OF_MEMORY
                              : WEFT_DEVICE,
                     "%s: %s (%d) at %s", call, error_name(code), (int)code, object);
}

/* ---- enumeration ----------------------------------------------------------------------------- */

typedef struct device_list {
    WEFT_VEC(cl_device_id) device;
    WEFT_VEC(cl_platform_id) platform; /* of each */
    cl_int code;                       /* of the first enumeration that failed */
    const char *call;
} device_list;

static bool
note_code(device_list *l, cl_int code, const char *call)
{
    if (code && !l->code) {
        l->code = code;
        l->call = call;
    }
    return !code;
}

/* A platform's devices that have a compiler: its processors, or all but those. */
static void
add_devices(const weft_cl_api *api, weft_arena *arena, cl_platform_id platform, bool cpus,
            device_list *l)
{
    cl_uint n = 0;
    cl_int code = api->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n);
    if (code == CL_DEVICE_NOT_FOUND || !note_code(l, code, "clGetDeviceIDs"))
        return;
    cl_device_id *ids = WEFT_NEW_ARRAY(arena, n, cl_device_id);
    code = n ? api->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids, NULL) : CL_SUCCESS;
    if (!note_code(l, code, "clGetDeviceIDs"))
        return;
    for (cl_uint i = 0; i < n; i++) {
        cl_device_type type = 0;
        cl_bool compiler = CL_FALSE;
        api->clGetDeviceInfo(ids[i], CL_DEVICE_TYPE, sizeof type, &type, NULL);
        api->clGetDeviceInfo(ids[i], CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler,
                             NULL);
        if (!compiler || ((type & CL_DEVICE_TYPE_CPU) != 0) != cpus)
            continue;
        *WEFT_PUSH(arena, &l->device) = ids[i];
        *WEFT_PUSH(arena, &l->platform) = platform;
    }
}

/* All devices of all platforms in their order, processors last: GPUs get the low numbers.  None,
 * and the reason. */
static int
list_devices(const weft_cl_api *api, weft_arena *arena, device_list *l, weft_str *why)
{
    enum { PLATFORM_NOT_FOUND_KHR = -1001 }; /* no driver is registered: the loader's own */
    cl_uint n = 0;
    cl_int code = api->clGetPlatformIDs(0, NULL, &n);
    *l = (device_list){ 0 };
    if (code == PLATFORM_NOT_FOUND_KHR || !note_code(l, code, "clGetPlatformIDs"))
        n = 0;
    cl_platform_id *platform = WEFT_NEW_ARRAY(arena, n, cl_platform_id);
    if (n && !note_code(l, api->clGetPlatformIDs(n, platform, NULL), "clGetPlatformIDs"))
        n = 0;
    for (int cpus = 0; cpus < 2; cpus++)
        for (cl_uint p = 0; p < n; p++)
            add_devices(api, arena, platform[p], cpus, l);
    if (l->device.n || !why)
        return l->device.n;
    if (l->code)
        weft_str_addf(why, "%s: %s (%d)", l->call, error_name(l->code), (int)l->code);
    else
        weft_str_add(why, "the OpenCL loader knows no device with a compiler; "
                          "a driver registers itself in /etc/OpenCL/vendors");
    return 0;
}

static int
cl_count(weft_str *why)
{
    weft_cl_api api;
    weft_arena arena = { 0 };
    device_list list;
    if (!load_api(&api, why))
        return 0;
    int n = list_devices(&api, &arena, &list, why);
    weft_arena_reset(&arena);
    return n;
}

/* ---- open and close -------------------------------------------------------------------------- */

static void
cl_close(weft_device *device)
{
    weft_cl_device *d = (weft_cl_device *)device;
    if (d->counters)
        d->api.clReleaseMemObject(d->counters);
    if (d->timed)
        d->api.clReleaseCommandQueue(d->timed);
    if (d->queue)
        d->api.clReleaseCommandQueue(d->queue);
    if (d->context)
        d->api.clReleaseContext(d->context);
    free(d);
}

static weft_status
make_context(weft_cl_device *d, weft_diag *diag)
{
    cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)d->platform,
                                           0 };
    cl_int code;
    d->context = d->api.clCreateContext(properties, 1, &d->id, NULL, NULL, &code);
    weft_status s = weft_cl_check(diag, code, "clCreateContext", d->base.info.name);
    if (s)
        return s;
    d->queue = d->api.clCreateCommandQueue(d->context, d->id, 0, &code);
    return weft_cl_check(diag, code, "clCreateCommandQueue", d->base.info.name);
}

static weft_status
cl_open(int index, weft_diag *diag, weft_device **device)
{
    weft_str why = { 0 };
    weft_arena arena = { 0 };
    device_list list;
    weft_status s = WEFT_OK;
    weft_cl_device *d = calloc(1, sizeof *d);
    *device = NULL;
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a device handle");
    d->base.driver = &weft_opencl_driver;
    int n = load_api(&d->api, &why) ? list_devices(&d->api, &arena, &list, &why) : 0;
    if (!n)
        s = weft_fail(diag, WEFT_NO_DEVICE, "opencl: %s", weft_str_text(&why));
    else if (index < 0 || index >= n)
        s = weft_fail(diag, WEFT_NO_DEVICE, "opencl: there is no device %d", index);
    if (!s) {
        d->id = list.device.at[index];
        d->platform = list.platform.at[index];
        weft_cl_query(d, index);
        s = make_context(d, diag);
    }
    weft_arena_reset(&arena);
    weft_str_free(&why);
    if (s)
        cl_close(&d->base);
    else
        *device = &d->base;
    return s;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static weft_status
cl_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    cl_int code;
    *memory = NULL;
    if (bytes > d->global_bytes - d->used_bytes)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "%lld bytes on device '%s': %lld of its %lld are in use", (long long)bytes,
                         device->info.id, (long long)d->used_bytes, (long long)d->global_bytes);
    weft_memory *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a buffer handle");
    m->mem = d->api.clCreateBuffer(d->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    if (code) {
        char what[64];
        free(m);
        snprintf(what, sizeof what, "%lld bytes", (long long)bytes);
        return weft_cl_check(diag, code, "clCreateBuffer", what);
    }
    m->bytes = bytes;
    d->used_bytes += bytes;
    *memory = m;
    return WEFT_OK;
}

static void
cl_free(weft_device *device, weft_memory *m)
{
    weft_cl_device *d = (weft_cl_device *)device;
    d->api.clReleaseMemObject(m->mem);
    d->used_bytes -= m->bytes;
    free(m);
}

static weft_status
cl_upload(weft_device *device, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
          weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    cl_int code = d->api.clEnqueueWriteBuffer(d->queue, m->mem, CL_TRUE, (size_t)offset,
                                              (size_t)bytes, data, 0, NULL, NULL);
    return weft_cl_check(diag, code, "clEnqueueWriteBuffer", device->info.name);
}

static weft_status
cl_download(weft_device *device, weft_memory *m, int64_t offset, void *data, int64_t bytes,
            weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    cl_int code = d->api.clEnqueueReadBuffer(d->queue, m->mem, CL_TRUE, (size_t)offset,
                                             (size_t)bytes, data, 0, NULL, NULL);
    return weft_cl_check(diag, code, "clEnqueueReadBuffer", device->info.name);
}

static weft_status
cl_copy(weft_device *device, weft_memory *to, int64_t to_offset, weft_memory *from,
        int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    cl_int code = d->api.clEnqueueCopyBuffer(d->queue, from->mem, to->mem, (size_t)from_offset,
                                             (size_t)to_offset, (size_t)bytes, 0, NULL, NULL);
    return weft_cl_check(diag, code, "clEnqueueCopyBuffer", device->info.name);
}

static weft_status
cl_sync(weft_device *device, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    return weft_cl_check(diag, d->api.clFinish(d->queue), "clFinish", device->info.name);
}

const weft_driver weft_opencl_driver = {
    .api = WEFT_API_OPENCL,
    .name = "opencl",
    .batches_copies = true,
    .count = cl_count,
    .open = cl_open,
    .close = cl_close,
    .alloc = cl_alloc,
    .free = cl_free,
    .upload = cl_upload,
    .download = cl_download,
    .copy = cl_copy,
    .load = weft_cl_load,
    .unload = weft_cl_unload,
    .record = weft_cl_record,
    .discard = weft_cl_discard,
    .submit = weft_cl_submit,
    .sync = cl_sync,
};
