/* CUDA: each kernel's text through NVRTC to machine code, in parallel and through the cache. */
#include "backends/cuda/device_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct kernel {
    void *module, *function;
    uint8_t *scalar;
} kernel;

struct weft_code {
    int n;
    kernel *kernel;
    weft_arena arena;
};

typedef struct job {
    const weft_cu_device *device;
    const weft_source *source;
    const char *options;
    bool exact;
    weft_diag *diag;
    void *image; /* CUBIN or PTX */
    size_t size;
    bool kept; /* the image comes from the cache */
    weft_status status;
} job;

static void
cache_key(const job *j, char key[65])
{
    weft_str bare = { 0 };
    const weft_device_info *info = &j->device->base.info;
    weft_cache_strip(&bare, j->source->text, false);
    const char *part[] = { "weft cuda 1", info->driver, j->options, weft_str_text(&bare) };
    const size_t size[] = { strlen(part[0]), strlen(part[1]), strlen(part[2]), bare.n };
    weft_cache_key(key, 4, part, size);
    weft_str_free(&bare);
}

static void
compile(job *j, const char *key)
{
    j->status = weft_nvrtc_image(&j->device->nvrtc, j->source->name, j->source->text, j->options,
                                 j->exact, j->diag, NULL, &j->image, &j->size);
    if (!j->status)
        weft_cache_put(key, j->image, j->size);
}

static void
compile_one(void *user, int i)
{
    job *j = (job *)user + i;
    char key[65];
    cache_key(j, key);
    j->kept = weft_cache_get(key, &j->image, &j->size);
    if (!j->kept)
        compile(j, key);
}

/* A cached image that the driver refuses is compiled anew and kept instead. */
static weft_status
make_kernel(weft_cu_device *d, job *j, kernel *k, weft_diag *diag)
{
    char key[65];
    int code = d->api.module_load(&k->module, j->image);
    if (code && j->kept) {
        free(j->image);
        cache_key(j, key);
        compile(j, key);
        if (j->status)
            return j->status;
        code = d->api.module_load(&k->module, j->image);
    }
    weft_status s = weft_cu_check(&d->api, diag, code, "cuModuleLoadData", j->source->name);
    return s ? s
             : weft_cu_check(&d->api, diag,
                             d->api.module_function(&k->function, k->module, j->source->name),
                             "cuModuleGetFunction", j->source->name);
}

static weft_status
load_all(weft_cu_device *d, weft_code *c, job *j, weft_diag *diag)
{
    weft_status s = weft_cu_enter(d, diag);
    weft_parallel_for(0, s ? 0 : c->n, compile_one, j);
    for (int i = 0; i < c->n; i++) {
        s = s ? s : j[i].status;
        if (!s)
            s = make_kernel(d, &j[i], &c->kernel[i], diag);
        free(j[i].image);
    }
    return s;
}

weft_status
weft_cu_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
             weft_code **code, weft_diag *diag)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_arena scratch = { 0 };
    weft_str options = { 0 };
    bool exact = false;
    weft_code *c = *code = calloc(1, sizeof *c);
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    weft_status s = weft_nvrtc_options(&d->nvrtc, device->info.target.cuda_arch, numerics, &exact,
                                       &options, diag);
    job *j = WEFT_NEW_ARRAY(&scratch, n, job);
    c->n = n;
    c->kernel = WEFT_NEW_ARRAY(&c->arena, n, kernel);
    for (int i = 0; i < n; i++) {
        c->kernel[i].scalar =
            weft_arena_dup(&c->arena, source[i].scalar, (size_t)source[i].nscalar);
        j[i] = (job){
            .device = d, .source = &source[i], .options = options.at, .exact = exact, .diag = diag
        };
    }
    if (!s)
        s = load_all(d, c, j, diag);
    weft_str_free(&options);
    weft_arena_reset(&scratch);
    if (s) {
        weft_cu_unload(device, c);
        *code = NULL;
    }
    return s;
}

void
weft_cu_unload(weft_device *device, weft_code *c)
{
    weft_cu_device *d = (weft_cu_device *)device;
    weft_cu_enter(d, NULL);
    for (int i = 0; i < c->n; i++)
        if (c->kernel[i].module)
            d->api.module_unload(c->kernel[i].module);
    weft_arena_reset(&c->arena);
    free(c);
}

void *
weft_cu_function(const weft_code *c, int k, const uint8_t **scalar)
{
    *scalar = c->kernel[k].scalar;
    return c->kernel[k].function;
}
