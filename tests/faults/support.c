/* The wrapping device. */
#include "support.h"

#include "../runtime/support.h"

static const char *const names[FAULT_CALLS] = {
    [FAULT_ALLOC] = "alloc", [FAULT_UPLOAD] = "upload", [FAULT_DOWNLOAD] = "download",
    [FAULT_COPY] = "copy",   [FAULT_LOAD] = "load",     [FAULT_RECORD] = "record",
    [FAULT_SUBMIT] = "submit", [FAULT_SYNC] = "sync",
};

const char *
fault_call_name(fault_call c)
{
    return names[c];
}

static fault_device *
of(weft_device *d)
{
    return (fault_device *)d;
}

static weft_device *
inner(weft_device *d)
{
    return of(d)->inner;
}

/* WEFT_OK, or the chosen fault's status and words. */
static weft_status
pass(weft_device *d, fault_call c, weft_diag *diag)
{
    fault_device *f = of(d);
    if (f->only != FAULT_CALLS && f->only != (int)c)
        return WEFT_OK;
    long i = f->calls++;
    if (f->at < 0 || (f->sticky ? i < f->at : i != f->at))
        return WEFT_OK;
    if (!f->failed)
        f->which = c;
    f->failed = true;
    return weft_fail(diag, f->status, "%s at %s", f->words, names[c]);
}

static void
born(fault_device *f, fault_kind *k, const void *handle)
{
    if (k->n < FAULT_HANDLES)
        k->at[k->n++] = handle;
    else
        f->wrong++;
}

static void
died(fault_device *f, fault_kind *k, const void *handle)
{
    for (int i = 0; i < k->n; i++)
        if (k->at[i] == handle) {
            k->at[i] = k->at[--k->n];
            return;
        }
    f->wrong++;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static void
close_(weft_device *d)
{
    weft_device_close(inner(d));
    free(d);
}

static weft_status
alloc(weft_device *d, int64_t bytes, weft_memory **m, weft_diag *diag)
{
    *m = NULL;
    weft_status s = pass(d, FAULT_ALLOC, diag);
    if (!s)
        s = inner(d)->driver->alloc(inner(d), bytes, m, diag);
    if (!s)
        born(of(d), &of(d)->memories, *m);
    return s;
}

static void
free_(weft_device *d, weft_memory *m)
{
    died(of(d), &of(d)->memories, m);
    inner(d)->driver->free(inner(d), m);
}

static weft_status
upload(weft_device *d, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
       weft_diag *diag)
{
    weft_status s = pass(d, FAULT_UPLOAD, diag);
    return s ? s : inner(d)->driver->upload(inner(d), m, offset, data, bytes, diag);
}

static weft_status
download(weft_device *d, weft_memory *m, int64_t offset, void *data, int64_t bytes, weft_diag *diag)
{
    weft_status s = pass(d, FAULT_DOWNLOAD, diag);
    return s ? s : inner(d)->driver->download(inner(d), m, offset, data, bytes, diag);
}

static weft_status
copy(weft_device *d, weft_memory *to, int64_t to_offset, weft_memory *from, int64_t from_offset,
     int64_t bytes, weft_diag *diag)
{
    weft_status s = pass(d, FAULT_COPY, diag);
    return s ? s
             : inner(d)->driver->copy(inner(d), to, to_offset, from, from_offset, bytes, diag);
}

static weft_status
load(weft_device *d, const weft_source *source, int n, weft_numerics numerics, weft_code **code,
     weft_diag *diag)
{
    *code = NULL;
    weft_status s = pass(d, FAULT_LOAD, diag);
    if (!s)
        s = inner(d)->driver->load(inner(d), source, n, numerics, code, diag);
    if (!s)
        born(of(d), &of(d)->codes, *code);
    return s;
}

static void
unload(weft_device *d, weft_code *code)
{
    died(of(d), &of(d)->codes, code);
    inner(d)->driver->unload(inner(d), code);
}

static weft_status
record(weft_device *d, const weft_launch *launch, int n, weft_batch **batch, weft_diag *diag)
{
    *batch = NULL;
    weft_status s = pass(d, FAULT_RECORD, diag);
    if (!s)
        s = inner(d)->driver->record(inner(d), launch, n, batch, diag);
    if (!s)
        born(of(d), &of(d)->batches, *batch);
    return s;
}

static void
discard(weft_device *d, weft_batch *batch)
{
    died(of(d), &of(d)->batches, batch);
    inner(d)->driver->discard(inner(d), batch);
}

static weft_status
submit(weft_device *d, weft_batch *batch, double *times, weft_diag *diag)
{
    weft_status s = pass(d, FAULT_SUBMIT, diag);
    return s ? s : inner(d)->driver->submit(inner(d), batch, times, diag);
}

static weft_status
sync_(weft_device *d, weft_diag *diag)
{
    weft_status s = pass(d, FAULT_SYNC, diag);
    return s ? s : inner(d)->driver->sync(inner(d), diag);
}

/* ---- for tests ------------------------------------------------------------------------------- */

fault_device *
fault_open(const weft_driver *driver)
{
    weft_str why = { 0 };
    weft_diag *diag = weft_diag_create();
    fault_device *f = NULL;
    weft_device *d = NULL;
    if (driver->count(&why) < 1 || driver->open(0, diag, &d))
        print_message("skipped: %s: %s%s\n", driver->name, weft_str_text(&why),
                      weft_diag_text(diag));
    weft_str_free(&why);
    weft_diag_destroy(diag);
    if (!d)
        return NULL;
    f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->base = *d;
    f->base.driver = &f->driver;
    f->inner = d;
    f->driver = (weft_driver){ .api = driver->api,
                               .name = driver->name,
                               .close = close_,
                               .alloc = alloc,
                               .free = free_,
                               .upload = upload,
                               .download = download,
                               .copy = copy,
                               .load = load,
                               .unload = unload,
                               .record = record,
                               .discard = discard,
                               .submit = submit,
                               .sync = sync_ };
    fault_disarm(f);
    return f;
}

void
fault_arm(fault_device *f, long at, int only, weft_status status, const char *words)
{
    f->at = at;
    f->only = only;
    f->status = status;
    f->words = words;
    f->calls = 0;
    f->failed = f->sticky = false;
}

void
fault_disarm(fault_device *f)
{
    fault_arm(f, -1, FAULT_CALLS, WEFT_OK, "");
}

void
fault_expect_nothing_alive(const fault_device *f, const char *when)
{
    if (f->memories.n || f->codes.n || f->batches.n || f->wrong)
        fail_msg("after %s: %d allocations, %d codes, %d batches are alive, %d handles were wrong",
                 when, f->memories.n, f->codes.n, f->batches.n, f->wrong);
}

const char fault_add_cu[] =
    "extern \"C\" __global__ void __launch_bounds__(64) add(const float *a, const float *b, float "
    "*y, int n,\n"
    "                                                     long long scale)\n"
    "{\n"
    "    int i = blockIdx.x * 64 + threadIdx.x;\n"
    "    if (i < n)\n"
    "        y[i] = (a[i] + b[i]) * (float)scale;\n"
    "}\n";

static const char add_metal[] =
    "#include <metal_stdlib>\n"
    "using namespace metal;\n"
    "kernel void add(device const float *a [[buffer(0)]], device const float *b [[buffer(1)]],\n"
    "                device float *y [[buffer(2)]], constant int &n [[buffer(3)]],\n"
    "                constant long &scale [[buffer(4)]],\n"
    "                uint3 g [[threadgroup_position_in_grid]],\n"
    "                uint3 t [[thread_position_in_threadgroup]])\n"
    "{\n"
    "    int i = int(g.x) * 64 + int(t.x);\n"
    "    if (i < n)\n"
    "        y[i] = (a[i] + b[i]) * float(scale);\n"
    "}\n";

const fault_api fault_apis[] = {
    { &weft_null_driver, WEFT_API_OPENCL, support_add_cl, false },
    { &weft_opencl_driver, WEFT_API_OPENCL, support_add_cl, true },
    { &weft_vulkan_driver, WEFT_API_VULKAN, support_add_spv, true },
    { &weft_cuda_emu_driver, WEFT_API_CUDA, fault_add_cu, true },
    { &weft_metal_emu_driver, WEFT_API_METAL, add_metal, true },
};
const int fault_napi = sizeof fault_apis / sizeof *fault_apis;
