/* Metal: each kernel's text compiled by the system, in parallel.  The system keeps its own cache of
 * compiled libraries; there is no way to hand it a binary without an archive file, so ours is not
 * used. */
#include "backends/metal/device_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct kernel {
    weft_id pipeline;
    uint8_t *scalar;
} kernel;

struct weft_code {
    int n;
    kernel *kernel;
    weft_arena arena;
};

typedef struct job {
    const weft_mtl_device *device;
    const weft_source *source;
    weft_numerics numerics;
    kernel *kernel;
    weft_diag *diag;
    weft_status status;
} job;

/* What a level maps to; with the text's pragma for contraction. */
static const struct {
    long mode;         /* MTLMathMode: 0 safe, 2 fast */
    long functions;    /* MTLMathFloatingPointFunctions: 0 fast, 1 precise */
    signed char older; /* fastMathEnabled, before macOS 15 and iOS 18 */
} by_numerics[] = {
    [WEFT_STRICT] = { 0, 1, 0 },
    [WEFT_DEFAULT] = { 0, 1, 0 },
    [WEFT_FAST] = { 2, 0, 1 },
};

static weft_id
make_options(const weft_objc *o, weft_numerics numerics)
{
    typedef void (*set_number)(weft_id, weft_id, long);
    typedef void (*set_flag)(weft_id, weft_id, signed char);
    typedef signed char (*has_method)(weft_id, weft_id, weft_id);
    const set_number send_number = *(const set_number *)&o->send;
    const set_flag send_flag = *(const set_flag *)&o->send;
    const has_method responds = *(const has_method *)&o->send;
    weft_id options =
        weft_mtl_get(o, weft_mtl_get(o, o->find_class("MTLCompileOptions"), "alloc"), "init");
    weft_id set_mode = o->selector("setMathMode:");
    if (responds(options, o->selector("respondsToSelector:"), set_mode)) {
        send_number(options, set_mode, by_numerics[numerics].mode);
        send_number(options, o->selector("setMathFloatingPointFunctions:"),
                    by_numerics[numerics].functions);
    } else {
        send_flag(options, o->selector("setFastMathEnabled:"), by_numerics[numerics].older);
    }
    return options;
}

static weft_id
make_pipeline(const job *j, weft_id library)
{
    typedef weft_id (*new_pipeline)(weft_id, weft_id, weft_id, weft_id *);
    const weft_objc *o = &j->device->objc;
    const new_pipeline send = *(const new_pipeline *)&o->send;
    weft_id error = NULL;
    weft_id function =
        weft_mtl_get1(o, library, "newFunctionWithName:", weft_mtl_string(o, j->source->name));
    if (!function) {
        weft_fail(j->diag, WEFT_INVALID_INPUT, "kernel '%s': its text has no function of that name",
                  j->source->name);
        return NULL;
    }
    weft_id pipeline =
        send(j->device->device, o->selector("newComputePipelineStateWithFunction:error:"), function,
             &error);
    if (!pipeline)
        weft_mtl_fail(o, j->diag, "newComputePipelineStateWithFunction:error:", j->source->name,
                      error);
    weft_mtl_release(o, function);
    return pipeline;
}

static void
load_one(void *user, int i)
{
    typedef weft_id (*new_library)(weft_id, weft_id, weft_id, weft_id, weft_id *);
    job *j = (job *)user + i;
    const weft_objc *o = &j->device->objc;
    const new_library send = *(const new_library *)&o->send;
    void *pool = o->pool_push();
    weft_id error = NULL, options = make_options(o, j->numerics);
    weft_id library = send(j->device->device, o->selector("newLibraryWithSource:options:error:"),
                           weft_mtl_string(o, j->source->text), options, &error);
    if (library)
        j->kernel->pipeline = make_pipeline(j, library);
    else
        weft_mtl_fail(o, j->diag, "newLibraryWithSource:options:error:", j->source->name, error);
    j->status = j->kernel->pipeline ? WEFT_OK : library ? WEFT_DEVICE : WEFT_INVALID_INPUT;
    weft_mtl_release(o, library);
    weft_mtl_release(o, options);
    o->pool_pop(pool);
}

weft_status
weft_mtl_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
              weft_code **code, weft_diag *diag)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    weft_arena scratch = { 0 };
    weft_status s = WEFT_OK;
    weft_code *c = *code = calloc(1, sizeof *c);
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    job *j = WEFT_NEW_ARRAY(&scratch, n, job);
    c->n = n;
    c->kernel = WEFT_NEW_ARRAY(&c->arena, n, kernel);
    for (int i = 0; i < n; i++) {
        c->kernel[i].scalar =
            weft_arena_dup(&c->arena, source[i].scalar, (size_t)source[i].nscalar);
        j[i] = (job){ d, &source[i], numerics, &c->kernel[i], diag, WEFT_OK };
    }
    weft_parallel_for(0, n, load_one, j);
    for (int i = 0; i < n; i++)
        s = s ? s : j[i].status;
    weft_arena_reset(&scratch);
    if (s) {
        weft_mtl_unload(device, c);
        *code = NULL;
    }
    return s;
}

void
weft_mtl_unload(weft_device *device, weft_code *c)
{
    weft_mtl_device *d = (weft_mtl_device *)device;
    for (int i = 0; i < c->n; i++)
        weft_mtl_release(&d->objc, c->kernel[i].pipeline);
    weft_arena_reset(&c->arena);
    free(c);
}

weft_id
weft_mtl_pipeline(const weft_code *c, int k, const uint8_t **scalar)
{
    *scalar = c->kernel[k].scalar;
    return c->kernel[k].pipeline;
}
