/* CUDA: opening devices through libcuda, memory, copies.  The driver API alone; nothing of the
 * toolkit is needed to build. */
#include "backends/cuda/device_priv.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* CUdevice_attribute */
enum {
    MAX_THREADS = 1,
    MAX_BLOCK_X = 2,
    MAX_GRID_X = 5,
    SHARED_BYTES = 8,
    WARP_SIZE = 10,
    CLOCK_KHZ = 13,
    MULTIPROCESSORS = 16,
    MEMORY_KHZ = 36,
    BUS_BITS = 37,
    CAPABILITY_MAJOR = 75,
    CAPABILITY_MINOR = 76,
    SHARED_BYTES_SM = 81,
    SHARED_BYTES_OPTIN = 97
};
enum { NON_BLOCKING = 1 }; /* CUstream_flags */

/* ---- the library ----------------------------------------------------------------------------- */

static bool
load_api(weft_cu_api *api, weft_str *why)
{
    const char *missing = NULL;
    weft_str broken = { 0 };
    void *library = weft_library_open("libcuda.so.1", &broken);
    if (!library)
        library = weft_library_open("/usr/lib/wsl/lib/libcuda.so.1", &broken);
    if (!library) {
        weft_library_missing(why, "the NVIDIA driver (libcuda.so.1)", &broken);
        return false;
    }
    weft_str_free(&broken);
#define CU(symbol, name, parameters)                                                               \
    *(void **)&api->name = dlsym(library, #symbol);                                                \
    missing = api->name ? missing : #symbol;
#define CU_OPTIONAL(symbol, name, parameters) *(void **)&api->name = dlsym(library, #symbol);
#define NVRTC(symbol, name, parameters)
#include "backends/cuda/cu_functions.def"
#undef CU
#undef CU_OPTIONAL
#undef NVRTC
    if (missing)
        weft_str_addf(why, "libcuda.so.1 lacks %s: the driver is too old", missing);
    return !missing;
}

static const char *
error_name(const weft_cu_api *api, int code)
{
    const char *name = NULL;
    return !api->error_name(code, &name) && name ? name : "an unknown error";
}

/* Errors that stick to a context: every later call returns the same. */
static bool
is_lost(int code)
{
    static const int lost[] = {
        4 /* DEINITIALIZED */,          214 /* ECC_UNCORRECTABLE */,
        700 /* ILLEGAL_ADDRESS */,      702 /* LAUNCH_TIMEOUT */,
        709 /* CONTEXT_IS_DESTROYED */, 710 /* ASSERT */,
        714 /* HARDWARE_STACK */,       715 /* ILLEGAL_INSTRUCTION */,
        716 /* MISALIGNED_ADDRESS */,   717 /* INVALID_ADDRESS_SPACE */,
        718 /* INVALID_PC */,           719 /* LAUNCH_FAILED */,
    };
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (lost[i] == code)
            return true;
    return false;
}

weft_status
weft_cu_check(const weft_cu_api *api, weft_diag *diag, int code, const char *call,
              const char *object)
{
    const char *words = NULL;
    if (!code)
        return WEFT_OK;
    if (api->error_text(code, &words) || !words)
        words = "no description";
    weft_status s = is_lost(code) ? WEFT_LOST : code == 2 ? WEFT_OUT_OF_MEMORY : WEFT_DEVICE;
    return weft_fail(diag, s, "%s: %s (%d), %s, at %s", call, error_name(api, code), code, words,
                     object);
}

weft_status
weft_cu_enter(weft_cu_device *d, weft_diag *diag)
{
    return weft_cu_check(&d->api, diag, d->api.context_set(d->context), "cuCtxSetCurrent",
                         d->base.info.name);
}

/* Loads both libraries; the number of devices, or 0 and the reason. */
static int
prepare(weft_cu_api *api, weft_nvrtc *nvrtc, weft_str *why)
{
    int n = 0, code;
    if (!load_api(api, why))
        return 0;
    if ((code = api->init(0)))
        weft_str_addf(why, "the NVIDIA driver does not work: cuInit: %s (%d)",
                      error_name(api, code), code);
    else if ((code = api->device_count(&n)))
        weft_str_addf(why, "the NVIDIA driver does not work: cuDeviceGetCount: %s (%d)",
                      error_name(api, code), code);
    else if (n < 1)
        weft_str_add(why, "the NVIDIA driver sees no device");
    else if (weft_nvrtc_open(nvrtc, why))
        return n;
    return 0;
}

static int
cu_count(weft_str *why)
{
    weft_cu_api api;
    weft_nvrtc nvrtc;
    weft_str reason = { 0 };
    int n = prepare(&api, &nvrtc, &reason);
    if (why && !n)
        weft_str_add(why, weft_str_text(&reason));
    weft_str_free(&reason);
    return n;
}

/* ---- the profile ----------------------------------------------------------------------------- */

static int
attribute(const weft_cu_device *d, int what)
{
    int v = 0;
    return d->api.device_attribute(&v, what, d->id) ? 0 : v;
}

static void
fill_limits(const weft_cu_device *d, weft_target *t)
{
    size_t total = 0;
    d->api.device_memory(&total, d->id);
    t->max_threads = attribute(d, MAX_THREADS);
    for (int i = 0; i < 3; i++) {
        t->max_block[i] = attribute(d, MAX_BLOCK_X + i);
        t->max_grid[i] = attribute(d, MAX_GRID_X + i);
    }
    t->shared_bytes = attribute(d, SHARED_BYTES);
    t->shared_optin = attribute(d, SHARED_BYTES_OPTIN);
    t->subgroup = attribute(d, WARP_SIZE);
    t->max_alloc = t->max_range = (int64_t)total;
    t->offset_align = 16;
    t->max_buffers = 256; /* of 4 KiB of arguments half are pointers */
    t->scalar_bytes = 2048;
}

static void
fill_cost(const weft_cu_device *d, weft_target *t)
{
    double ghz = attribute(d, CLOCK_KHZ) * 1e-6, memory_ghz = attribute(d, MEMORY_KHZ) * 1e-6;
    t->cores = attribute(d, MULTIPROCESSORS);
    t->gflops = 2 * 128 * t->cores * (ghz > 0 ? ghz : 1.5);
    t->gbytes = 2 * memory_ghz * attribute(d, BUS_BITS) / 8;
    if (t->gbytes <= 0)
        t->gbytes = 1000;
    t->cache_bytes = attribute(d, SHARED_BYTES_SM);
    t->registers = 64; /* with which a core is full of threads, as in the profiles */
}

static void
query(weft_cu_device *d, int index)
{
    weft_device_info *info = &d->base.info;
    weft_target *t = &info->target;
    int version = 0;
    snprintf(info->id, sizeof info->id, index ? "cuda:%d" : "cuda", index);
    d->api.device_name(info->name, sizeof info->name - 1, d->id);
    d->api.driver_version(&version);
    snprintf(info->driver, sizeof info->driver, "CUDA driver %d.%d, NVRTC %d.%d", version / 1000,
             version % 1000 / 10, d->nvrtc.major, d->nvrtc.minor);
    t->api = WEFT_API_CUDA;
    t->cls = WEFT_CLASS_GPU;
    t->cuda_arch = 10 * attribute(d, CAPABILITY_MAJOR) + attribute(d, CAPABILITY_MINOR);
    snprintf(t->name, sizeof t->name, "sm_%d", t->cuda_arch);
    fill_limits(d, t);
    t->vector_lanes = WEFT_GPU_LANES;
    t->f16 = d->nvrtc.include[0] != 0; /* its operators come from cuda_fp16.h */
    t->f64 = t->i8 = t->i16 = t->i64 = t->storage8 = t->storage16 = t->subgroup_shuffle = true;
    t->matrix = t->f16 && t->cuda_arch >= 70;
    t->denorm_preserve = 16 + 32 + 64;
    t->round_division = 32 + 64;
    fill_cost(d, t);
    d->shared_optin = attribute(d, SHARED_BYTES_OPTIN);
}

/* ---- open and close -------------------------------------------------------------------------- */

static void
cu_close(weft_device *device)
{
    weft_cu_device *d = (weft_cu_device *)device;
    if (d->context) {
        d->api.context_set(d->context);
        if (d->stream)
            d->api.stream_destroy(d->stream);
        d->api.context_set(NULL);
        d->api.context_release(d->id);
    }
    free(d);
}

static weft_status
make_context(weft_cu_device *d, weft_diag *diag)
{
    const char *name = d->base.info.name;
    weft_status s = weft_cu_check(&d->api, diag, d->api.context_retain(&d->context, d->id),
                                  "cuDevicePrimaryCtxRetain", name);
    if (!s)
        s = weft_cu_enter(d, diag);
    return s ? s
             : weft_cu_check(&d->api, diag, d->api.stream_create(&d->stream, NON_BLOCKING),
                             "cuStreamCreate", name);
}

static weft_status
cu_open(int index, weft_diag *diag, weft_device **device)
{
    weft_str why = { 0 };
    weft_cu_device *d = calloc(1, sizeof *d);
    weft_status s = WEFT_OK;
    *device = NULL;
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a device handle");
    d->base.driver = &weft_cuda_driver;
    int n = prepare(&d->api, &d->nvrtc, &why);
    if (index < 0 || index >= n)
        s = weft_fail(diag, WEFT_NO_DEVICE, "cuda: %s",
                      n ? "there is no device of that number" : weft_str_text(&why));
    if (!s)
        s = weft_cu_check(&d->api, diag, d->api.device_get(&d->id, index), "cuDeviceGet",
                          "the device");
    if (!s) {
        query(d, index);
        s = make_context(d, diag);
    }
    weft_str_free(&why);
    if (s)
        cu_close(&d->base);
    else
        *device = &d->base;
    return s;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static weft_status
cu_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_memory *m = calloc(1, sizeof *m);
    char what[64];
    *memory = NULL;
    snprintf(what, sizeof what, "%lld bytes", (long long)bytes);
    if (!m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a buffer handle");
    weft_status s = weft_cu_enter(d, diag);
    if (!s)
        s = weft_cu_check(&d->api, diag, d->api.mem_alloc(&m->address, (size_t)bytes), "cuMemAlloc",
                          what);
    m->bytes = bytes;
    if (s)
        free(m);
    else
        *memory = m;
    return s;
}

static void
cu_free(weft_device *device, weft_memory *m)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_cu_enter(d, NULL); /* what cannot be entered may still be freed */
    d->api.mem_free(m->address);
    free(m);
}

static weft_status
finish(weft_cu_device *d, int code, const char *call, weft_diag *diag)
{
    weft_status s = weft_cu_check(&d->api, diag, code, call, d->base.info.name);
    return s ? s
             : weft_cu_check(&d->api, diag, d->api.stream_wait(d->stream), "cuStreamSynchronize",
                             d->base.info.name);
}

static weft_status
cu_upload(weft_device *device, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
          weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    uint64_t to = m->address + (uint64_t)offset;
    return s ? s
             : finish(d, d->api.copy_in(to, data, (size_t)bytes, d->stream), "cuMemcpyHtoDAsync",
                      diag);
}

static weft_status
cu_download(weft_device *device, weft_memory *m, int64_t offset, void *data, int64_t bytes,
            weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    uint64_t from = m->address + (uint64_t)offset;
    return s ? s
             : finish(d, d->api.copy_out(data, from, (size_t)bytes, d->stream), "cuMemcpyDtoHAsync",
                      diag);
}

static weft_status
cu_copy(weft_device *device, weft_memory *to, int64_t to_offset, weft_memory *from,
        int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    if (s)
        return s;
    int code = d->api.copy_over(to->address + (uint64_t)to_offset,
                                from->address + (uint64_t)from_offset, (size_t)bytes, d->stream);
    return weft_cu_check(&d->api, diag, code, "cuMemcpyDtoDAsync", device->info.name);
}

static weft_status
cu_sync(weft_device *device, weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_status s = weft_cu_enter(d, diag);
    return s ? s : finish(d, 0, "", diag);
}

const weft_driver weft_cuda_driver = {
    .api = WEFT_API_CUDA,
    .name = "cuda",
    .batches_copies = true,
    .count = cu_count,
    .open = cu_open,
    .close = cu_close,
    .alloc = cu_alloc,
    .free = cu_free,
    .upload = cu_upload,
    .download = cu_download,
    .copy = cu_copy,
    .load = weft_cu_load,
    .unload = weft_cu_unload,
    .record = weft_cu_record,
    .discard = weft_cu_discard,
    .submit = weft_cu_submit,
    .sync = cu_sync,
};
