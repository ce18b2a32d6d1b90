/* compiler/interp_device.c: the reference interpreter as a device.
 *
 * Its kernels are IR text, its memory is the host's.  Every check of the interpreter is on.
 * `interp` computes in the kernels' own types; `interp:1` computes f16, bf16 and f32 in double and
 * rounds where memory is written: what results are compared with.
 */
#include "compiler/compiler.h"
#include "ir/interp.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN, WIDENED, DEVICES };

typedef struct interp_device {
    weft_device base; /* first */
    bool widen;
} interp_device;

struct weft_memory {
    int64_t size;
    max_align_t data[];
};

struct weft_code {
    int n;
    weft_interp **kernel;
};

struct weft_batch {
    int n;
    weft_launch *launch; /* with its own copies of buffer and scalar */
};

static int
count(weft_str *why)
{
    (void)why;
    return DEVICES;
}

static weft_status
open_device(int index, weft_diag *diag, weft_device **device)
{
    const weft_target *profile = weft_profile_find("interp", diag);
    if (index < 0 || index >= DEVICES || !profile)
        return weft_fail(diag, WEFT_NO_DEVICE,
                         "the interpreters are 'interp' and, in double, 'interp:1'");
    interp_device *d = calloc(1, sizeof *d);
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "the interpreter's device");
    d->widen = index == WIDENED;
    d->base.driver = &weft_interp_driver;
    d->base.info.target = *profile;
    snprintf(d->base.info.id, sizeof d->base.info.id, d->widen ? "interp:%d" : "interp", index);
    snprintf(d->base.info.name, sizeof d->base.info.name, "reference interpreter%s",
             d->widen ? ", in double" : "");
    snprintf(d->base.info.driver, sizeof d->base.info.driver, "weft");
    *device = &d->base;
    return WEFT_OK;
}

static void
close_device(weft_device *d)
{
    free(d);
}

static weft_status
alloc_memory(weft_device *d, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    (void)d;
    *memory = calloc(1, sizeof **memory + (size_t)bytes);
    if (!*memory)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "interp: the host has no %lld bytes",
                         (long long)bytes);
    (*memory)->size = bytes;
    return WEFT_OK;
}

static void
free_memory(weft_device *d, weft_memory *memory)
{
    (void)d;
    free(memory);
}

static char *
bytes_at(weft_memory *m, int64_t offset)
{
    return (char *)m->data + offset;
}

static weft_status
upload(weft_device *d, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
       weft_diag *diag)
{
    (void)d, (void)diag;
    memcpy(bytes_at(m, offset), data, (size_t)bytes);
    return WEFT_OK;
}

static weft_status
download(weft_device *d, weft_memory *m, int64_t offset, void *data, int64_t bytes, weft_diag *diag)
{
    (void)d, (void)diag;
    memcpy(data, bytes_at(m, offset), (size_t)bytes);
    return WEFT_OK;
}

static weft_status
copy(weft_device *d, weft_memory *to, int64_t to_offset, weft_memory *from, int64_t from_offset,
     int64_t bytes, weft_diag *diag)
{
    (void)d, (void)diag;
    memmove(bytes_at(to, to_offset), bytes_at(from, from_offset), (size_t)bytes);
    return WEFT_OK;
}

static void
unload(weft_device *d, weft_code *code)
{
    (void)d;
    for (int i = 0; i < code->n; i++)
        weft_interp_destroy(code->kernel[i]);
    free(code->kernel);
    free(code);
}

/* An edited kernel may loop for ever. */
int64_t
weft_interp_steps(void)
{
    const char *text = getenv("WEFT_INTERP_STEPS");
    long long n = text ? strtoll(text, NULL, 10) : 0;
    return n > 0 ? n : 0;
}

static weft_interp *
load_one(const weft_source *source, bool widen, weft_diag *diag)
{
    weft_interp_options options = { .widen = widen, .max_steps = weft_interp_steps() };
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *kernel;
    weft_interp *interp = NULL;
    int n;
    const char *file = weft_arena_printf(&ir->arena, "%s.wir", source->name);
    if (!weft_parse_kernels(ir, file, source->text, &n, &kernel)) {
        if (n != 1)
            weft_fail(diag, WEFT_INVALID_INPUT, "%s holds %d kernels; it has to hold one", file, n);
        else if (!weft_verify(kernel[0], "reading its text", diag))
            interp = weft_interp_create(kernel[0], &options, diag);
    }
    weft_ir_destroy(ir);
    return interp;
}

static weft_status
load(weft_device *d, const weft_source *source, int n, weft_numerics numerics, weft_code **out,
     weft_diag *diag)
{
    bool widen = ((const interp_device *)d)->widen;
    (void)numerics;
    weft_code *code = calloc(1, sizeof *code);
    weft_interp **kernel = calloc((size_t)n + 1, sizeof(weft_interp *));
    if (!code || !kernel) {
        free(code);
        free(kernel);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "interp: %d kernels", n);
    }
    *code = (weft_code){ 0, kernel };
    for (; code->n < n; code->n++) {
        code->kernel[code->n] = load_one(&source[code->n], widen, diag);
        if (!code->kernel[code->n]) {
            const char *name = source[code->n].name;
            unload(d, code);
            return weft_fail(diag, WEFT_INVALID_INPUT, "interp: kernel '%s' was refused", name);
        }
    }
    *out = code;
    return WEFT_OK;
}

static void
discard(weft_device *d, weft_batch *batch)
{
    (void)d;
    for (int i = 0; i < batch->n; i++) {
        free((void *)(uintptr_t)batch->launch[i].buffer);
        free((void *)(uintptr_t)batch->launch[i].scalar);
    }
    free(batch->launch);
    free(batch);
}

static void *
dup_bytes(const void *p, size_t n)
{
    void *q = malloc(n ? n : 1);
    if (q && n)
        memcpy(q, p, n);
    return q;
}

static weft_status
record(weft_device *d, const weft_launch *launch, int n, weft_batch **out, weft_diag *diag)
{
    weft_batch *b = calloc(1, sizeof *b);
    if (b)
        b->launch = dup_bytes(launch, (size_t)n * sizeof *launch);
    if (!b || !b->launch) {
        free(b);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "interp: a batch of %d launches", n);
    }
    bool ok = true;
    for (; b->n < n; b->n++) {
        weft_launch *l = &b->launch[b->n];
        l->buffer = dup_bytes(l->buffer, (size_t)l->nbuffer * sizeof *l->buffer);
        l->scalar = dup_bytes(l->scalar, (size_t)l->nscalar * sizeof *l->scalar);
        ok = ok && l->buffer && l->scalar;
    }
    if (!ok) {
        discard(d, b);
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "interp: a batch of %d launches", n);
    }
    *out = b;
    return WEFT_OK;
}

static weft_status
run_copy(const weft_launch *l)
{
    const weft_arg *from = &l->buffer[0], *to = &l->buffer[1];
    memcpy(bytes_at(to->memory, to->offset), bytes_at(from->memory, from->offset),
           (size_t)from->size);
    return WEFT_OK;
}

static weft_status
run_launch(const weft_launch *l, weft_diag *diag)
{
    if (!l->code)
        return run_copy(l);
    weft_interp *kernel = l->code->kernel[l->kernel];
    weft_interp_buffer *buffer = calloc((size_t)l->nbuffer + 1, sizeof *buffer);
    if (!buffer)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "interp: the arguments of %s", l->name);
    for (int i = 0; i < l->nbuffer; i++) {
        const weft_arg *a = &l->buffer[i];
        int64_t bits = weft_dtype_bits(weft_interp_param_dtype(kernel, i));
        buffer[i] = (weft_interp_buffer){ .data = bytes_at(a->memory, a->offset),
                                          .count = a->size * 8 / bits,
                                          .initialised = true };
    }
    weft_status status = weft_interp_run(kernel, buffer, l->scalar, diag);
    free(buffer);
    return status;
}

static weft_status
submit(weft_device *d, weft_batch *batch, double *times, weft_diag *diag)
{
    (void)d;
    for (int i = 0; i < batch->n; i++) {
        double start = weft_now();
        weft_status status = run_launch(&batch->launch[i], diag);
        if (status)
            return status;
        if (times)
            times[i] = weft_now() - start;
    }
    return WEFT_OK;
}

static weft_status
sync(weft_device *d, weft_diag *diag)
{
    (void)d, (void)diag;
    return WEFT_OK;
}

const weft_driver weft_interp_driver = {
    .api = WEFT_API_INTERP,
    .name = "interp",
    .batches_copies = true,
    .count = count,
    .open = open_device,
    .close = close_device,
    .alloc = alloc_memory,
    .free = free_memory,
    .upload = upload,
    .download = download,
    .copy = copy,
    .load = load,
    .unload = unload,
    .record = record,
    .discard = discard,
    .submit = submit,
    .sync = sync,
};
