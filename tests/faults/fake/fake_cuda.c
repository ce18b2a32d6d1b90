/* A libcuda without a GPU: memory of the host, launches checked and `add` computed. */
#define FAKE_LIBRARY
#include "fake.h"

enum {
    INVALID_VALUE = 1,
    INVALID_CONTEXT = 201,
    INVALID_IMAGE = 200,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    MAX_PARAMETERS = 16,
    MAX_NODES = 64,
    STATIC_SHARED = 48 << 10
};

typedef struct object {
    fake_handle h;
} object;

typedef struct memory {
    fake_handle h;
    size_t size;
    char data[];
} memory;

typedef struct function {
    fake_handle h;
    char name[64];
    int nparameter;
    char kind[MAX_PARAMETERS]; /* p: pointer, i: 32 bits, l: 64 bits */
    int max_shared;
} function;

typedef struct module {
    fake_handle h;
    function *function;
} module;

typedef struct node { /* a launch with its arguments' values */
    function *f;
    uint64_t value[MAX_PARAMETERS];
} node;

typedef struct graph {
    fake_handle h;
    int n;
    node node[MAX_NODES];
} graph;

typedef struct stream {
    fake_handle h;
    graph *capture;
} stream;

FAKE_API fake_state *fake_cuda(void);
FAKE_API fake_state *
fake_cuda(void)
{
    return &fake;
}

static _Thread_local void *current;
static object *context;
static int retained;

#define ENTER(name)                                                                                \
    do {                                                                                           \
        int code_ = fake_enter(name);                                                              \
        if (code_)                                                                                 \
            return code_;                                                                          \
    } while (0)
/* A call that needs the context to be the thread's. */
#define ENTER_CONTEXT(name)                                                                        \
    do {                                                                                           \
        ENTER(name);                                                                               \
        if (!current || current != context) {                                                      \
            fake_wrong(name, "no context is current");                                             \
            return INVALID_CONTEXT;                                                                \
        }                                                                                          \
    } while (0)
#define CALL(name, ...)                                                                            \
    FAKE_API int name(__VA_ARGS__);                                                                \
    int name(__VA_ARGS__)

/* ---- devices --------------------------------------------------------------------------------- */

CALL(cuInit, unsigned flags)
{
    ENTER("cuInit");
    return flags ? INVALID_VALUE : 0;
}

CALL(cuDriverGetVersion, int *version)
{
    *version = 12040;
    return 0;
}

CALL(cuGetErrorName, int code, const char **name)
{
    static const struct {
        int code;
        const char *name;
    } known[] = { { 1, "CUDA_ERROR_INVALID_VALUE" },     { 2, "CUDA_ERROR_OUT_OF_MEMORY" },
                  { 3, "CUDA_ERROR_NOT_INITIALIZED" },   { 100, "CUDA_ERROR_NO_DEVICE" },
                  { 700, "CUDA_ERROR_ILLEGAL_ADDRESS" }, { 719, "CUDA_ERROR_LAUNCH_FAILED" },
                  { 999, "CUDA_ERROR_UNKNOWN" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code) {
            *name = known[i].name;
            return 0;
        }
    *name = NULL;
    return INVALID_VALUE;
}

CALL(cuGetErrorString, int code, const char **words)
{
    *words = "words of the driver";
    return code == 12345;
}

CALL(cuDeviceGetCount, int *n)
{
    bool found;
    ENTER("cuDeviceGetCount");
    *n = fake_env("devices", &found);
    *n = found ? *n : 1;
    return 0;
}

CALL(cuDeviceGet, int *device, int index)
{
    ENTER("cuDeviceGet");
    *device = index;
    return index ? INVALID_VALUE : 0;
}

CALL(cuDeviceGetName, char *name, int size, int device)
{
    (void)device;
    snprintf(name, (size_t)size, "Fake GPU");
    return 0;
}

CALL(cuDeviceGetAttribute, int *value, int what, int device)
{
    (void)device;
    switch (what) {
    case 1: /* threads a block */
    case 2:
    case 3:
        *value = 1024;
        return 0;
    case 4:
        *value = 64;
        return 0;
    case 5:
        *value = INT32_MAX;
        return 0;
    case 6:
    case 7:
        *value = 65535;
        return 0;
    case 8: /* shared bytes a block */
        *value = STATIC_SHARED;
        return 0;
    case 10: /* warp */
        *value = 32;
        return 0;
    case 75: /* capability */
        *value = 8;
        return 0;
    case 97:
        *value = 100 << 10;
        return 0;
    default:
        *value = what == 76 ? 0 : 1000;
        return 0;
    }
}

CALL(cuDeviceTotalMem_v2, size_t *bytes, int device)
{
    (void)device;
    *bytes = (size_t)1 << 30;
    return 0;
}

/* ---- contexts and streams -------------------------------------------------------------------- */

CALL(cuDevicePrimaryCtxRetain, void **out, int device)
{
    (void)device;
    ENTER("cuDevicePrimaryCtxRetain");
    if (!retained++)
        context = fake_new(sizeof *context, "context");
    *out = context;
    return 0;
}

CALL(cuDevicePrimaryCtxRelease_v2, int device)
{
    (void)device;
    if (retained < 1)
        fake_wrong("cuDevicePrimaryCtxRelease", "it was not retained");
    else if (!--retained) {
        fake_drop(context, "context", "cuDevicePrimaryCtxRelease");
        context = NULL;
    }
    return 0;
}

CALL(cuCtxSetCurrent, void *c)
{
    ENTER("cuCtxSetCurrent");
    if (c && !fake_is(c, "context", "cuCtxSetCurrent"))
        return INVALID_CONTEXT;
    current = c;
    return 0;
}

CALL(cuStreamCreate, void **out, unsigned flags)
{
    ENTER_CONTEXT("cuStreamCreate");
    *out = fake_new(sizeof(stream), "stream");
    return flags > 1 ? INVALID_VALUE : 0;
}

CALL(cuStreamDestroy_v2, void *s)
{
    fake_drop(s, "stream", "cuStreamDestroy");
    return 0;
}

CALL(cuStreamSynchronize, void *s)
{
    ENTER_CONTEXT("cuStreamSynchronize");
    if (!fake_is(s, "stream", "cuStreamSynchronize"))
        return INVALID_HANDLE;
    if (((stream *)s)->capture)
        fake_wrong("cuStreamSynchronize", "the stream is being captured");
    return 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Where the bytes at a device address are on the host; NULL and a complaint if they are nowhere. */
static void *
at(uint64_t address, size_t size, const char *call)
{
    pthread_mutex_lock(&fake.lock);
    char *found = NULL;
    for (fake_handle *h = fake.handles; h && !found; h = h->next) {
        memory *m = (memory *)h;
        if (strcmp(h->kind, "memory") != 0)
            continue;
        uint64_t start = (uint64_t)(uintptr_t)m->data;
        if (address >= start && size <= m->size && address - start <= m->size - size)
            found = m->data + (address - start);
    }
    pthread_mutex_unlock(&fake.lock);
    if (!found)
        fake_wrong(call, "bytes outside of every allocation");
    return found;
}

CALL(cuMemAlloc_v2, uint64_t *address, size_t bytes)
{
    ENTER_CONTEXT("cuMemAlloc");
    if (!bytes || bytes > (size_t)1 << 30)
        return bytes ? 2 : INVALID_VALUE;
    memory *m = fake_new(sizeof *m + bytes, "memory");
    m->size = bytes;
    *address = (uint64_t)(uintptr_t)m->data;
    return 0;
}

CALL(cuMemFree_v2, uint64_t address)
{
    fake_drop((char *)(uintptr_t)address - offsetof(memory, data), "memory", "cuMemFree");
    return 0;
}

/* A launch, or a copy: no function, from, to, bytes. */
static void
execute(const node *n)
{
    int32_t count;
    if (!n->f) {
        memmove(at(n->value[1], n->value[2], "copy"), at(n->value[0], n->value[2], "copy"),
                n->value[2]);
        return;
    }
    __atomic_add_fetch(&fake.launches, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < n->f->nparameter; i++)
        if (n->f->kind[i] == 'p')
            at(n->value[i], 1, n->f->name);
    if (strcmp(n->f->name, "add") != 0 || n->f->nparameter != 5)
        return;
    memcpy(&count, &n->value[3], sizeof count);
    size_t bytes = (size_t)count * sizeof(float);
    const float *a = at(n->value[0], bytes, "add"), *b = at(n->value[1], bytes, "add");
    float *y = at(n->value[2], bytes, "add");
    if (a && b && y)
        fake_add(a, b, y, count, (int64_t)n->value[4]);
}

static void
run_or_capture(stream *s, const node *n)
{
    if (s->capture && s->capture->n < MAX_NODES)
        s->capture->node[s->capture->n++] = *n;
    else
        execute(n);
}

CALL(cuMemcpyHtoDAsync_v2, uint64_t to, const void *from, size_t n, void *s)
{
    ENTER_CONTEXT("cuMemcpyHtoDAsync");
    void *p = at(to, n, "cuMemcpyHtoDAsync");
    if (!p || !fake_is(s, "stream", "cuMemcpyHtoDAsync"))
        return INVALID_VALUE;
    memcpy(p, from, n);
    return 0;
}

CALL(cuMemcpyDtoHAsync_v2, void *to, uint64_t from, size_t n, void *s)
{
    ENTER_CONTEXT("cuMemcpyDtoHAsync");
    const void *p = at(from, n, "cuMemcpyDtoHAsync");
    if (!p || !fake_is(s, "stream", "cuMemcpyDtoHAsync"))
        return INVALID_VALUE;
    memcpy(to, p, n);
    return 0;
}

CALL(cuMemcpyDtoDAsync_v2, uint64_t to, uint64_t from, size_t n, void *s)
{
    ENTER_CONTEXT("cuMemcpyDtoDAsync");
    void *p = at(to, n, "cuMemcpyDtoDAsync");
    const void *q = at(from, n, "cuMemcpyDtoDAsync");
    if (!p || !q || !fake_is(s, "stream", "cuMemcpyDtoDAsync"))
        return INVALID_VALUE;
    run_or_capture(s, &(node){ .value = { from, to, n } });
    return 0;
}

/* ---- modules --------------------------------------------------------------------------------- */

/* An image of the fake NVRTC: "fake image\n<name> <kinds of parameters>\n". */
CALL(cuModuleLoadData, void **out, const void *image)
{
    char name[64], kinds[MAX_PARAMETERS + 1] = "";
    ENTER_CONTEXT("cuModuleLoadData");
    if (sscanf(image, "fake image\n%63s %16s", name, kinds) < 1)
        return INVALID_IMAGE;
    module *m = fake_new(sizeof *m, "module");
    m->function = fake_new(sizeof *m->function, "function");
    strcpy(m->function->name, name);
    m->function->nparameter = (int)strlen(kinds);
    memcpy(m->function->kind, kinds, strlen(kinds));
    m->function->max_shared = STATIC_SHARED;
    *out = m;
    return 0;
}

CALL(cuModuleUnload, void *m)
{
    if (!fake_is(m, "module", "cuModuleUnload"))
        return INVALID_HANDLE;
    fake_drop(((module *)m)->function, "function", "cuModuleUnload");
    fake_drop(m, "module", "cuModuleUnload");
    return 0;
}

CALL(cuModuleGetFunction, void **out, void *m, const char *name)
{
    ENTER_CONTEXT("cuModuleGetFunction");
    if (!fake_is(m, "module", "cuModuleGetFunction"))
        return INVALID_HANDLE;
    *out = ((module *)m)->function;
    return strcmp(((module *)m)->function->name, name) ? NOT_FOUND : 0;
}

CALL(cuFuncSetAttribute, void *f, int what, int value)
{
    ENTER_CONTEXT("cuFuncSetAttribute");
    if (!fake_is(f, "function", "cuFuncSetAttribute") || what != 8)
        return INVALID_VALUE;
    ((function *)f)->max_shared = value;
    return 0;
}

/* ---- launches -------------------------------------------------------------------------------- */

CALL(cuLaunchKernel, void *function_, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
     unsigned by, unsigned bz, unsigned shared, void *stream_, void **argument, void **extra)
{
    static const char call[] = "cuLaunchKernel";
    function *f = function_;
    stream *s = stream_;
    node n = { f, { 0 } };
    ENTER_CONTEXT(call);
    if (!fake_is(f, "function", call) || !fake_is(s, "stream", call) || extra)
        return INVALID_HANDLE;
    if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || !bx || !by || !bz || bz > 64 ||
        (uint64_t)bx * by * bz > 1024 || (int)shared > f->max_shared) {
        fake_wrong(call, "dimensions or shared bytes out of range");
        return INVALID_VALUE;
    }
    fake.shared = shared;
    for (int i = 0; i < f->nparameter; i++)
        memcpy(&n.value[i], argument[i], f->kind[i] == 'i' ? 4 : 8);
    run_or_capture(s, &n);
    return 0;
}

CALL(cuStreamBeginCapture_v2, void *s, int mode)
{
    ENTER_CONTEXT("cuStreamBeginCapture");
    if (!fake_is(s, "stream", "cuStreamBeginCapture") || ((stream *)s)->capture || mode > 2)
        return INVALID_VALUE;
    ((stream *)s)->capture = fake_new(sizeof(graph), "graph");
    return 0;
}

/* After an error the capture is over, and there is no graph. */
CALL(cuStreamEndCapture, void *s, void **out)
{
    int code = fake_enter("cuStreamEndCapture");
    if (!fake_is(s, "stream", "cuStreamEndCapture") || !((stream *)s)->capture)
        return INVALID_VALUE;
    graph *g = ((stream *)s)->capture;
    ((stream *)s)->capture = NULL;
    *out = code ? NULL : g;
    if (code)
        fake_drop(g, "graph", "cuStreamEndCapture");
    return code;
}

CALL(cuGraphInstantiateWithFlags, void **out, void *g, unsigned long long flags)
{
    ENTER_CONTEXT("cuGraphInstantiate");
    if (!fake_is(g, "graph", "cuGraphInstantiate") || flags)
        return INVALID_VALUE;
    graph *e = fake_new(sizeof *e, "graph exec");
    e->n = ((graph *)g)->n;
    memcpy(e->node, ((graph *)g)->node, sizeof e->node);
    *out = e;
    return 0;
}

CALL(cuGraphLaunch, void *e, void *s)
{
    ENTER_CONTEXT("cuGraphLaunch");
    if (!fake_is(e, "graph exec", "cuGraphLaunch") || !fake_is(s, "stream", "cuGraphLaunch"))
        return INVALID_HANDLE;
    for (int i = 0; i < ((graph *)e)->n; i++)
        execute(&((graph *)e)->node[i]);
    return 0;
}

CALL(cuGraphDestroy, void *g)
{
    fake_drop(g, "graph", "cuGraphDestroy");
    return 0;
}

CALL(cuGraphExecDestroy, void *e)
{
    fake_drop(e, "graph exec", "cuGraphExecDestroy");
    return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

CALL(cuEventCreate, void **out, unsigned flags)
{
    (void)flags;
    ENTER_CONTEXT("cuEventCreate");
    *out = fake_new(sizeof(object), "event");
    return 0;
}

CALL(cuEventDestroy_v2, void *e)
{
    fake_drop(e, "event", "cuEventDestroy");
    return 0;
}

CALL(cuEventRecord, void *e, void *s)
{
    ENTER_CONTEXT("cuEventRecord");
    bool good = fake_is(e, "event", "cuEventRecord") && fake_is(s, "stream", "cuEventRecord");
    return good ? 0 : INVALID_HANDLE;
}

CALL(cuEventElapsedTime, float *milliseconds, void *from, void *to)
{
    ENTER_CONTEXT("cuEventElapsedTime");
    *milliseconds = 0.25F;
    bool good =
        fake_is(from, "event", "cuEventElapsedTime") && fake_is(to, "event", "cuEventElapsedTime");
    return good ? 0 : INVALID_HANDLE;
}
