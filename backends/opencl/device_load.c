/* OpenCL: kernels from text, together or apart as the profile says, through the kernel cache. */
#include "backends/opencl/device_priv.h"

#include <stdlib.h>
#include <string.h>

struct weft_code {
    int nkernel, nprogram;
    cl_program *program; /* one, or one a kernel */
    char **name;         /* of the kernels */
    weft_source *source; /* scalar types only; texts are not kept */
    weft_arena arena;
};

typedef struct build { /* one program to be made */
    weft_cl_device *device;
    const weft_source *source;
    int n; /* sources in it */
    const char *options;
    weft_diag *diag;
    cl_program program;
    weft_status status;
} build;

/* What a level maps to; with the text's FP_CONTRACT pragma.  A mad may round and flush as it likes,
 * which the default level does not allow: its contraction is the pragma's, to fma alone. */
static const char *const by_numerics[] = {
    [WEFT_STRICT] = "",
    [WEFT_DEFAULT] = "",
    [WEFT_FAST] = " -cl-fast-relaxed-math -cl-mad-enable -cl-no-signed-zeros -cl-denorms-are-zero",
};

static void
make_options(const weft_cl_device *d, weft_numerics numerics, weft_str *out)
{
    /* A compiler in the process may write its warnings to the error stream: PoCL does. */
    weft_str_addf(out, "-cl-std=%s%s -w", d->cl_std, by_numerics[numerics]);
    if (numerics == WEFT_STRICT && (d->base.info.target.round_division & 32))
        weft_str_add(out, " -cl-fp32-correctly-rounded-divide-sqrt");
}

/* The sources one after the other; compiler messages name each by its kernel. */
static void
join_sources(const build *b, weft_str *text)
{
    for (int i = 0; i < b->n; i++)
        weft_str_addf(text, "%s#line 1 \"%s.cl\"\n%s", i ? "\n" : "", b->source[i].name,
                      b->source[i].text);
}

static void
cache_key(const build *b, char key[65])
{
    weft_str bare = { 0 };
    for (int i = 0; i < b->n; i++) {
        weft_cache_strip(&bare, b->source[i].text, false);
        weft_str_add(&bare, "\n");
    }
    const weft_device_info *info = &b->device->base.info;
    const char *part[] = { "weft opencl 1", info->name, info->driver, b->options,
                           weft_str_text(&bare) };
    const size_t size[] = { strlen(part[0]), strlen(part[1]), strlen(part[2]), strlen(part[3]),
                            bare.n };
    weft_cache_key(key, 5, part, size);
    weft_str_free(&bare);
}

static bool
build_cached(build *b, const char *key)
{
    const weft_cl_api *api = &b->device->api;
    void *data;
    size_t size;
    cl_int code, status = CL_SUCCESS;
    if (!weft_cache_get(key, &data, &size))
        return false;
    const unsigned char *bytes = data;
    b->program = api->clCreateProgramWithBinary(b->device->context, 1, &b->device->id, &size,
                                                &bytes, &status, &code);
    free(data);
    if (!code && !status)
        code = api->clBuildProgram(b->program, 1, &b->device->id, b->options, NULL, NULL);
    if (!code && !status)
        return true;
    if (b->program)
        api->clReleaseProgram(b->program);
    b->program = NULL;
    return false;
}

static void
keep_binary(build *b, const char *key)
{
    const weft_cl_api *api = &b->device->api;
    size_t size = 0;
    if (api->clGetProgramInfo(b->program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) ||
        !size)
        return;
    unsigned char *bytes = malloc(size);
    if (bytes &&
        !api->clGetProgramInfo(b->program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL))
        weft_cache_put(key, bytes, size);
    free(bytes);
}

static weft_status
build_failed(build *b, cl_int code)
{
    const weft_cl_api *api = &b->device->api;
    weft_arena arena = { 0 };
    size_t n = 0;
    api->clGetProgramBuildInfo(b->program, b->device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
    char *log = weft_arena_alloc(&arena, n + 1);
    if (n)
        api->clGetProgramBuildInfo(b->program, b->device->id, CL_PROGRAM_BUILD_LOG, n, log, NULL);
    char what[96];
    if (b->n > 1)
        snprintf(what, sizeof what, "a program of %d kernels", b->n);
    else
        snprintf(what, sizeof what, "kernel '%.60s'", b->source[0].name);
    weft_status s =
        code == CL_BUILD_PROGRAM_FAILURE
            ? weft_fail(b->diag, WEFT_INVALID_INPUT,
                        "the OpenCL compiler refuses %s (CL_BUILD_PROGRAM_FAILURE)", what)
            : weft_cl_check(b->diag, code, "clBuildProgram", what);
    if (n > 1)
        weft_fail(b->diag, s, "the OpenCL compiler says:\n%s", log);
    weft_arena_reset(&arena);
    return s;
}

/* Keeps the binary under the key, unless that is NULL. */
static void
build_from_text(build *b, const char *key)
{
    const weft_cl_api *api = &b->device->api;
    weft_str text = { 0 };
    cl_int code;
    join_sources(b, &text);
    const char *lines = weft_str_text(&text);
    b->program = api->clCreateProgramWithSource(b->device->context, 1, &lines, &text.n, &code);
    b->status = weft_cl_check(b->diag, code, "clCreateProgramWithSource", b->source[0].name);
    if (!b->status) {
        code = api->clBuildProgram(b->program, 1, &b->device->id, b->options, NULL, NULL);
        if (code)
            b->status = build_failed(b, code);
        else if (key)
            keep_binary(b, key);
    }
    weft_str_free(&text);
}

/* PoCL specialises kernels when they are launched and keeps what it made; a binary asked of it has
 * every kernel compiled once more, for groups of any size, which no launch would use. */
static void
build_one(void *user, int i)
{
    build *b = (build *)user + i;
    char key[65];
    if (b->device->keeps_kernels) {
        build_from_text(b, NULL);
        return;
    }
    cache_key(b, key);
    if (!build_cached(b, key))
        build_from_text(b, key);
}

static weft_code *
make_code(const weft_source *source, int n, int nprogram)
{
    weft_code *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->nkernel = n;
    c->nprogram = nprogram;
    c->program = WEFT_NEW_ARRAY(&c->arena, nprogram, cl_program);
    c->name = WEFT_NEW_ARRAY(&c->arena, n, char *);
    c->source = WEFT_NEW_ARRAY(&c->arena, n, weft_source);
    for (int i = 0; i < n; i++) {
        c->name[i] = weft_arena_strdup(&c->arena, source[i].name);
        c->source[i] = source[i];
        c->source[i].text = c->source[i].name = c->name[i];
        c->source[i].scalar =
            weft_arena_dup(&c->arena, source[i].scalar, (size_t)source[i].nscalar);
    }
    return c;
}

weft_status
weft_cl_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
             weft_code **code, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    bool together = device->info.target.one_program;
    int nprogram = together ? n > 0 : n;
    weft_arena scratch = { 0 };
    weft_str options = { 0 };
    weft_code *c = *code = make_code(source, n, nprogram);
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    build *b = WEFT_NEW_ARRAY(&scratch, nprogram, build);
    weft_status s = WEFT_OK;
    make_options(d, numerics, &options);
    for (int i = 0; i < nprogram; i++)
        b[i] = (build){ d,    &source[i], together ? n : 1, weft_str_text(&options),
                        diag, NULL,       WEFT_OK };
    weft_parallel_for(0, nprogram, build_one, b);
    for (int i = 0; i < nprogram; i++) {
        c->program[i] = b[i].program;
        s = s ? s : b[i].status;
    }
    weft_str_free(&options);
    weft_arena_reset(&scratch);
    if (s) {
        weft_cl_unload(device, c);
        *code = NULL;
    }
    return s;
}

void
weft_cl_unload(weft_device *device, weft_code *c)
{
    weft_cl_device *d = (weft_cl_device *)device;
    for (int i = 0; i < c->nprogram; i++)
        if (c->program[i])
            d->api.clReleaseProgram(c->program[i]);
    weft_arena_reset(&c->arena);
    free(c);
}

cl_program
weft_cl_program_of(const weft_code *c, int kernel, const char **name, const weft_source **source)
{
    *name = c->name[kernel];
    *source = &c->source[kernel];
    return c->program[c->nprogram == c->nkernel ? kernel : 0];
}
