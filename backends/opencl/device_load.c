/* OpenCL: kernels from text, together or apart as the profile says, through the kernel cache; where
 * launches are chained first of all in programs of chains, and alone when somebody asks for it. */
#include "backends/opencl/device_priv.h"

#include <stdlib.h>
#include <string.h>

enum { CHAINED = 64 }; /* kernels in a program of chains */

struct weft_code {
    int nkernel, nprogram, nchain;
    cl_program *program; /* one, or one a kernel; NULL: not built */
    cl_program *chain;   /* of CHAINED kernels each; NULL: it does not build */
    weft_source *source; /* texts of chained kernels only: those that may have to be built later */
    const char *options;
    weft_arena arena;
};

typedef struct build { /* one program to be made */
    weft_cl_device *device;
    const weft_source *source;
    int n; /* sources in it */
    const char *options;
    weft_diag *diag;
    bool chain; /* a program of chains */
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
    if (b->chain)
        weft_cl_chain_text(&text, b->source, b->n);
    else
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
    if (b->status && b->program)
        api->clReleaseProgram(b->program);
    b->program = b->status ? NULL : b->program;
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

static bool
is_any_chainable(const weft_source *source, int n)
{
    int i = 0;
    while (i < n && !weft_cl_chainable(&source[i]))
        i++;
    return i < n;
}

static weft_code *
make_code(weft_cl_device *d, const weft_source *source, int n, weft_numerics numerics)
{
    weft_code *c = calloc(1, sizeof *c);
    weft_str options = { 0 };
    if (!c)
        return NULL;
    c->nkernel = n;
    c->nprogram = d->base.info.target.one_program ? n > 0 : n;
    if (d->workers && is_any_chainable(source, n))
        c->nchain = (n + CHAINED - 1) / CHAINED;
    c->program = WEFT_NEW_ARRAY(&c->arena, c->nprogram, cl_program);
    c->chain = WEFT_NEW_ARRAY(&c->arena, c->nchain, cl_program);
    c->source = WEFT_NEW_ARRAY(&c->arena, n, weft_source);
    for (int i = 0; i < n; i++) {
        c->source[i] = source[i];
        c->source[i].name = weft_arena_strdup(&c->arena, source[i].name);
        c->source[i].text = c->nchain ? weft_arena_strdup(&c->arena, source[i].text) : NULL;
        c->source[i].scalar =
            weft_arena_dup(&c->arena, source[i].scalar, (size_t)source[i].nscalar);
    }
    make_options(d, numerics, &options);
    c->options = weft_arena_strdup(&c->arena, weft_str_text(&options));
    weft_str_free(&options);
    return c;
}

/* n programs, of chains or not, of `each` of the sources, in parallel. */
static weft_status
build_all(weft_cl_device *d, const weft_code *c, const weft_source *source, bool chain,
          cl_program *program, int n, int each, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    build *b = WEFT_NEW_ARRAY(&scratch, n, build);
    weft_status s = WEFT_OK;
    for (int i = 0; i < n; i++) {
        int left = c->nkernel - i * each;
        b[i] = (build){ .device = d,
                        .source = &source[i * each],
                        .n = left < each ? left : each,
                        .options = c->options,
                        .chain = chain,
                        .diag = diag };
    }
    weft_parallel_for(0, n, build_one, b);
    for (int i = 0; i < n; i++) {
        program[i] = b[i].program;
        s = s ? s : b[i].status;
    }
    weft_arena_reset(&scratch);
    return s;
}

static weft_status
build_alone(weft_cl_device *d, const weft_code *c, const weft_source *source, weft_diag *diag)
{
    int each = c->nprogram > 1 ? 1 : c->nkernel;
    return build_all(d, c, source, false, c->program, c->nprogram, each, diag);
}

weft_status
weft_cl_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
             weft_code **code, weft_diag *diag)
{
    weft_cl_device *d = (weft_cl_device *)device;
    weft_code *c = *code = make_code(d, source, n, numerics);
    bool chained = c && c->nchain;
    weft_status s = WEFT_OK;
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    /* that one does not build is no error: its kernels are launched alone */
    build_all(d, c, source, true, c->chain, c->nchain, CHAINED, NULL);
    for (int i = 0; i < n && chained; i++)
        chained = weft_cl_chain_of(c, i, NULL) != NULL;
    if (!chained)
        s = build_alone(d, c, source, diag);
    if (s) {
        weft_cl_unload(device, c);
        *code = NULL;
    }
    return s;
}

static void
release(const weft_cl_device *d, int n, const cl_program *program)
{
    for (int i = 0; i < n; i++)
        if (program[i])
            d->api.clReleaseProgram(program[i]);
}

void
weft_cl_unload(weft_device *device, weft_code *c)
{
    release((weft_cl_device *)device, c->nprogram, c->program);
    release((weft_cl_device *)device, c->nchain, c->chain);
    weft_arena_reset(&c->arena);
    free(c);
}

weft_status
weft_cl_program_of(weft_cl_device *d, const weft_code *c, int kernel, cl_program *program,
                   const weft_source **source, weft_diag *diag)
{
    weft_status s = c->program[0] ? WEFT_OK : build_alone(d, c, c->source, diag);
    *source = &c->source[kernel];
    *program = c->program[c->nprogram == c->nkernel ? kernel : 0];
    return s;
}

cl_program
weft_cl_chain_of(const weft_code *c, int kernel, int *index)
{
    if (index)
        *index = kernel % CHAINED;
    return c->nchain && weft_cl_chainable(&c->source[kernel]) ? c->chain[kernel / CHAINED] : NULL;
}
