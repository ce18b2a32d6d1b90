/* Emulated devices: three drivers of one mechanism, their profiles, and memory on the host's
 * heap. */
#include "backends/emu/device_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what the three are ---------------------------------------------------------------------- */

static const weft_emu_language cuda = { WEFT_API_CUDA, "cuda-emu", "cu", "cuda.h", false };
static const weft_emu_language metal = { WEFT_API_METAL, "metal-emu", "metal", "metal_stdlib",
                                         true };
static const weft_emu_language spirv = { WEFT_API_VULKAN, "vulkan-emu", "spvasm", "cuda.h", false };

#define LARGEST (INT64_C(4) << 30)

/* What the profiles have in common: what the host does for any of them, and a GPU's registers. */
#define ANY_TARGET(NAME, API)                                                                      \
    .name = NAME, .api = API, .cls = WEFT_CLASS_GPU, .max_threads = WEFT_EMU_MAX_THREADS,          \
    .offset_align = 256, .vector_lanes = 4, .f16 = true, .i8 = true, .i16 = true, .i64 = true,     \
    .storage8 = true, .storage16 = true, .one_program = true, .registers = 64

/* sm_80's figures, so that schedules are those of a real part; any architecture's text can be
 * run. */
static const weft_target cuda_target = {
    ANY_TARGET("cuda-emu", WEFT_API_CUDA),
    .max_block = { 1024, 1024, 64 },
    .max_grid = { 2147483647, 65535, 65535 },
    .shared_bytes = 49152,
    .shared_optin = 166912,
    .subgroup = WEFT_EMU_WARP,
    .max_buffers = 128,
    .scalar_bytes = 1024,
    .f64 = true,
    .subgroup_shuffle = true,
    .denorm_preserve = 16 + 32 + 64,
    .round_division = 32 + 64,
    .cuda_arch = 90,
    .matrix = true,
    .cores = 108,
    .gflops = 19500,
    .gbytes = 1555,
    .cache_bytes = 196608,
};

/* apple8's. */
static const weft_target metal_target = {
    ANY_TARGET("metal-emu", WEFT_API_METAL),
    .max_block = { 1024, 1024, 1024 },
    .max_grid = { 2147483647, 2147483647, 2147483647 },
    .shared_bytes = 32768,
    .subgroup = WEFT_EMU_WARP,
    .max_buffers = 31,
    .scalar_bytes = 1024,
    .subgroup_shuffle = true,
    .metal_version = 31,
    .matrix = true,
    .denorm_preserve = 16,
    .round_division = 32,
    .cores = 5,
    .gflops = 1800,
    .gbytes = 34,
    .cache_bytes = 8192,
};

/* vulkan:generic-gpu's, with f16, f64, subgroups and matrices of all shapes. */
static const weft_target spirv_target = {
    ANY_TARGET("vulkan-emu", WEFT_API_VULKAN),
    .max_block = { 1024, 1024, 64 },
    .max_grid = { 65535, 65535, 65535 },
    .shared_bytes = 32768,
    .subgroup = WEFT_EMU_WARP,
    .subgroup_shuffle = true,
    .whole_subgroups = true,
    .matrix = true,
    .matrix_shapes = INT32_MAX,
    .max_buffers = 32,
    .scalar_bytes = 128,
    .f64 = true,
    .spirv_version = 0x10300,
    .denorm_preserve = 16 + 32 + 64,
    .special_preserve = 16 + 32 + 64,
    .round_even = 16 + 32 + 64,
    .cores = 16,
    .gflops = 2000,
    .gbytes = 100,
    .cache_bytes = 16384,
};

/* ---- the order of threads -------------------------------------------------------------------- */

/* "forward", "reverse", "shuffle", "shuffle:SEED". */
static bool
parse_order(const char *text, weft_emu_order *order, uint64_t *seed)
{
    char *end = NULL;
    *order = WEFT_EMU_FORWARD;
    *seed = 0;
    if (!text || !*text || !strcmp(text, "forward"))
        return true;
    *order = strcmp(text, "reverse") ? WEFT_EMU_SHUFFLE : WEFT_EMU_REVERSE;
    if (!strcmp(text, "reverse") || !strcmp(text, "shuffle"))
        return true;
    if (strncmp(text, "shuffle:", 8) || text[8] < '0' || text[8] > '9')
        return false;
    *seed = strtoull(text + 8, &end, 10);
    return !*end;
}

/* ---- open and close -------------------------------------------------------------------------- */

static bool
has_headers(const weft_emu_language *language)
{
    int n;
    const weft_emu_file *file = weft_emu_shim_files(&n);
    for (int i = 0; i < n; i++)
        if (!strcmp(file[i].name, language->prologue))
            return true;
    return false;
}

static int
count_language(const weft_emu_language *language, weft_str *why)
{
    weft_emu_compiler compiler;
    weft_str reason = { 0 };
    bool found = has_headers(language) && weft_emu_find_compiler(&compiler, &reason);
    if (!found && !reason.n)
        weft_str_add(&reason, "this build has no headers for its kernels");
    if (!found && why)
        weft_str_add(why, weft_str_text(&reason));
    weft_str_free(&reason);
    return found;
}

static int
cuda_count(weft_str *why)
{
    return count_language(&cuda, why);
}

static int
spirv_count(weft_str *why)
{
    return count_language(&spirv, why);
}

static int
metal_count(weft_str *why)
{
    return count_language(&metal, why);
}

static void
emu_close(weft_device *device)
{
    weft_emu_device *d = (weft_emu_device *)device;
    for (int i = 0; i < d->ncore; i++)
        weft_emu_core_destroy(d->core[i]);
    weft_emu_free_shadow(d);
    free(d->core);
    free(d);
}

static void
fill_info(weft_emu_device *d, const weft_target *target)
{
    weft_device_info *info = &d->base.info;
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    info->target = *target;
    info->checks_bounds = true;
    info->target.max_alloc = memory > 0 && memory < LARGEST ? memory : LARGEST;
    info->target.max_range = info->target.max_alloc;
    snprintf(info->id, sizeof info->id, "%s", d->language->device);
    snprintf(info->name, sizeof info->name, "emulated %s, every access checked",
             d->language->metal                  ? "Metal"
             : d->language->api == WEFT_API_CUDA ? "CUDA"
                                                 : "Vulkan");
    snprintf(info->driver, sizeof info->driver, "%s", d->compiler.version);
}

static weft_status
open_language(const weft_emu_language *language, const weft_driver *driver,
              const weft_target *target, weft_diag *diag, weft_device **device)
{
    const char *order = getenv("WEFT_EMU_ORDER");
    weft_emu_device *d = calloc(1, sizeof *d);
    weft_str why = { 0 };
    weft_status s = WEFT_OK;
    *device = NULL;
    if (d && (d->ncore = weft_cpu_count()) > WEFT_EMU_MAX_CORES)
        d->ncore = WEFT_EMU_MAX_CORES;
    if (!d || !(d->core = calloc((size_t)d->ncore, sizeof *d->core))) {
        free(d);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a device handle");
    }
    d->base.driver = driver;
    d->language = language;
    if (!parse_order(order, &d->order, &d->seed))
        s = weft_fail(diag, WEFT_INVALID_ARGUMENT,
                      "WEFT_EMU_ORDER is '%s'; it may be forward, reverse, shuffle or shuffle:SEED",
                      order);
    else if (!weft_emu_find_compiler(&d->compiler, &why))
        s = weft_fail(diag, WEFT_NO_DEVICE, "%s: %s", language->device, weft_str_text(&why));
    weft_str_free(&why);
    if (s) {
        emu_close(&d->base);
        return s;
    }
    fill_info(d, target);
    *device = &d->base;
    return WEFT_OK;
}

static weft_status
cuda_open(int index, weft_diag *diag, weft_device **device)
{
    (void)index;
    return open_language(&cuda, &weft_cuda_emu_driver, &cuda_target, diag, device);
}

static weft_status
spirv_open(int index, weft_diag *diag, weft_device **device)
{
    (void)index;
    return open_language(&spirv, &weft_vulkan_emu_driver, &spirv_target, diag, device);
}

static weft_status
metal_open(int index, weft_diag *diag, weft_device **device)
{
    (void)index;
    return open_language(&metal, &weft_metal_emu_driver, &metal_target, diag, device);
}

/* ---- memory: its end lies before a page that nobody may touch -------------------------------- */

static weft_status
emu_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    const weft_device_info *info = &device->info;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *memory = NULL;
    if (bytes < 0 || bytes > info->target.max_alloc)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "%s: an allocation of %lld bytes; it takes up to %lld", info->id,
                         (long long)bytes, (long long)info->target.max_alloc);
    weft_memory *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a buffer handle");
    size_t align = (size_t)info->target.offset_align;
    size_t room = ((size_t)bytes + align - 1) / align * align;
    size_t body = (room + page - 1) / page * page;
    m->bytes = bytes;
    m->map_bytes = body + 2 * page;
    m->map =
        mmap(NULL, m->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->map == MAP_FAILED ||
        (body && mprotect((char *)m->map + page, body, PROT_READ | PROT_WRITE))) {
        if (m->map != MAP_FAILED)
            munmap(m->map, m->map_bytes);
        free(m);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s: no memory for %lld bytes", info->id,
                         (long long)bytes);
    }
    m->at = (char *)m->map + page + body - room;
    *memory = m;
    return WEFT_OK;
}

static void
emu_free(weft_device *device, weft_memory *m)
{
    (void)device;
    munmap(m->map, m->map_bytes);
    free(m);
}

static weft_status
check_range(const weft_device *d, const weft_memory *m, int64_t offset, int64_t bytes,
            const char *call, weft_diag *diag)
{
    if (offset >= 0 && bytes >= 0 && offset <= m->bytes && bytes <= m->bytes - offset)
        return WEFT_OK;
    return weft_fail(diag, WEFT_DEVICE, "%s %s: bytes %lld to %lld of an allocation of %lld",
                     d->info.id, call, (long long)offset, (long long)(offset + bytes),
                     (long long)m->bytes);
}

static weft_status
emu_upload(weft_device *d, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
           weft_diag *diag)
{
    weft_status s = check_range(d, m, offset, bytes, "upload", diag);
    if (!s && bytes)
        memcpy(m->at + offset, data, (size_t)bytes);
    return s;
}

static weft_status
emu_download(weft_device *d, weft_memory *m, int64_t offset, void *data, int64_t bytes,
             weft_diag *diag)
{
    weft_status s = check_range(d, m, offset, bytes, "download", diag);
    if (!s && bytes)
        memcpy(data, m->at + offset, (size_t)bytes);
    return s;
}

static weft_status
emu_copy(weft_device *d, weft_memory *to, int64_t to_offset, weft_memory *from, int64_t from_offset,
         int64_t bytes, weft_diag *diag)
{
    weft_status s = check_range(d, to, to_offset, bytes, "copy", diag);
    if (!s)
        s = check_range(d, from, from_offset, bytes, "copy", diag);
    if (!s && bytes)
        memmove(to->at + to_offset, from->at + from_offset, (size_t)bytes);
    return s;
}

static weft_status
emu_sync(weft_device *d, weft_diag *diag)
{
    (void)d;
    (void)diag;
    return WEFT_OK;
}

#define EMULATED(API, NAME, COUNT, OPEN)                                                           \
    .api = API, .name = NAME, .by_name = true, .count = COUNT, .open = OPEN, .close = emu_close,   \
    .alloc = emu_alloc, .free = emu_free, .upload = emu_upload, .download = emu_download,          \
    .copy = emu_copy, .load = weft_emu_load, .unload = weft_emu_unload, .record = weft_emu_record, \
    .discard = weft_emu_discard, .submit = weft_emu_submit, .sync = emu_sync

const weft_driver weft_cuda_emu_driver = { EMULATED(WEFT_API_CUDA, "cuda-emu", cuda_count,
                                                    cuda_open) };
const weft_driver weft_metal_emu_driver = { EMULATED(WEFT_API_METAL, "metal-emu", metal_count,
                                                     metal_open) };
const weft_driver weft_vulkan_emu_driver = { EMULATED(WEFT_API_VULKAN, "vulkan-emu", spirv_count,
                                                      spirv_open) };
