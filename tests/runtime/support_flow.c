/* A plan with a step of every kind, and a device of the host's memory. */
#include "support_flow.h"

/* ---- the device ------------------------------------------------------------------------------ */

struct weft_memory {
    int64_t bytes;
    char at[];
};

struct weft_code {
    int nkernel;
};

struct weft_batch {
    int nlaunch;
};

static int
count(weft_str *why)
{
    (void)why;
    return 1;
}

static weft_status
open_(int index, weft_diag *diag, weft_device **device)
{
    weft_status s = weft_null_driver.open(index, diag, device);
    if (!s)
        (*device)->driver = &support_host_driver;
    return s;
}

static weft_status
alloc(weft_device *d, int64_t bytes, weft_memory **m, weft_diag *diag)
{
    (void)d;
    *m = calloc(1, sizeof **m + (size_t)bytes);
    if (!*m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "%lld bytes", (long long)bytes);
    (*m)->bytes = bytes;
    return WEFT_OK;
}

static void
free_(weft_device *d, weft_memory *m)
{
    (void)d;
    free(m);
}

static void
expect_inside(const weft_memory *m, int64_t offset, int64_t bytes)
{
    if (offset < 0 || bytes < 0 || offset > m->bytes || bytes > m->bytes - offset)
        fail_msg("bytes %lld to %lld of an allocation of %lld", (long long)offset,
                 (long long)(offset + bytes), (long long)m->bytes);
}

static weft_status
upload(weft_device *d, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
       weft_diag *diag)
{
    (void)d, (void)diag;
    expect_inside(m, offset, bytes);
    memcpy(m->at + offset, data, (size_t)bytes);
    return WEFT_OK;
}

static weft_status
download(weft_device *d, weft_memory *m, int64_t offset, void *data, int64_t bytes,
         weft_diag *diag)
{
    (void)d, (void)diag;
    expect_inside(m, offset, bytes);
    memcpy(data, m->at + offset, (size_t)bytes);
    return WEFT_OK;
}

static weft_status
copy(weft_device *d, weft_memory *to, int64_t to_offset, weft_memory *from, int64_t from_offset,
     int64_t bytes, weft_diag *diag)
{
    (void)d, (void)diag;
    expect_inside(to, to_offset, bytes);
    expect_inside(from, from_offset, bytes);
    bool apart = to != from || to_offset >= from_offset + bytes || from_offset >= to_offset + bytes;
    assert_true(apart);
    memcpy(to->at + to_offset, from->at + from_offset, (size_t)bytes);
    return WEFT_OK;
}

static weft_status
load(weft_device *d, const weft_source *source, int n, weft_numerics numerics, weft_code **code,
     weft_diag *diag)
{
    (void)d, (void)source, (void)numerics, (void)diag;
    *code = malloc(sizeof **code);
    assert_non_null(*code);
    (*code)->nkernel = n;
    return WEFT_OK;
}

static void
unload(weft_device *d, weft_code *code)
{
    (void)d;
    free(code);
}

static weft_status
record(weft_device *d, const weft_launch *launch, int n, weft_batch **batch, weft_diag *diag)
{
    (void)d, (void)diag;
    for (int i = 0; i < n; i++)
        for (int b = 0; b < launch[i].nbuffer; b++)
            expect_inside(launch[i].buffer[b].memory, launch[i].buffer[b].offset,
                          launch[i].buffer[b].size);
    *batch = malloc(sizeof **batch);
    assert_non_null(*batch);
    (*batch)->nlaunch = n;
    return WEFT_OK;
}

static void
discard(weft_device *d, weft_batch *batch)
{
    (void)d;
    free(batch);
}

static weft_status
submit(weft_device *d, weft_batch *batch, double *times, weft_diag *diag)
{
    (void)d, (void)diag;
    for (int i = 0; times && i < batch->nlaunch; i++)
        times[i] = 0;
    return WEFT_OK;
}

static weft_status
sync_(weft_device *d, weft_diag *diag)
{
    (void)d, (void)diag;
    return WEFT_OK;
}

static void
close_(weft_device *d)
{
    free(d);
}

const weft_driver support_host_driver = {
    .api = WEFT_API_NULL,
    .name = "host",
    .by_name = true,
    .count = count,
    .open = open_,
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
    .sync = sync_,
};

/* ---- the module ------------------------------------------------------------------------------ */

enum { N, K, I, C, M };

static const char *const *
dim(weft_module *m, const char *text)
{
    return weft_arena_dup(&m->arena, &text, sizeof text);
}

static void
add_tensors(weft_module *m, weft_program *p)
{
    const weft_mod_tensor tensor[] = {
        { .name = "x", .role = WEFT_ROLE_INPUT, .dim = dim(m, "n"), .first = -1, .last = -1 },
        { .name = "t", .role = WEFT_ROLE_TEMP, .dim = dim(m, "k"), .first = 1, .last = 1 },
        { .name = "e", .role = WEFT_ROLE_TEMP, .dim = dim(m, "1"), .first = 3, .last = 8 },
        { .name = "y", .role = WEFT_ROLE_OUTPUT, .dim = dim(m, "c"), .first = -1, .last = -1 },
        { .name = "w", .role = WEFT_ROLE_CONSTANT, .dim = dim(m, "1"), .first = -1, .last = -1 },
    };
    p->ntensor = 5;
    p->tensor = weft_arena_dup(&m->arena, tensor, sizeof tensor);
    for (int i = 0; i < p->ntensor; i++) {
        p->tensor[i].dtype = WEFT_I32;
        p->tensor[i].ndim = 1;
        p->tensor[i].alias = p->tensor[i].in_place = -1;
    }
    p->tensor[FLOW_W].blob = "f0r7y";
    p->input = weft_arena_dup(&m->arena, (int[]){ FLOW_X }, sizeof(int));
    p->output = weft_arena_dup(&m->arena, (int[]){ FLOW_Y }, sizeof(int));
    p->ninput = p->noutput = 1;
}

static void
add_step(weft_module *m, weft_mod_step s, weft_mod_arg from, weft_mod_arg to)
{
    weft_program *p = m->program;
    weft_mod_arg arg[] = { from, to };
    s.buffer = weft_arena_dup(&m->arena, arg, sizeof arg);
    s.nbuffer = s.kind == WEFT_STEP_COPY                               ? 2
                : s.kind == WEFT_STEP_READ || s.kind == WEFT_STEP_LAUNCH ? 1
                                                                         : 0;
    if (s.kind == WEFT_STEP_LAUNCH)
        for (int a = 0; a < 3; a++)
            s.grid[a] = s.block[a] = "1";
    else
        s.kernel = -1;
    s.symbol = s.kind == WEFT_STEP_READ || s.kind == WEFT_STEP_LOOP ? s.symbol : -1;
    s.count = s.kind == WEFT_STEP_LOOP ? s.count : -1;
    p->step[p->nstep++] = s;
}

static void
add_steps(weft_module *m)
{
    const weft_mod_arg none = { 0 }, e = { FLOW_E, NULL, true };
    const weft_mod_step launch = { .kind = WEFT_STEP_LAUNCH, .layers = "make" };
    weft_mod_step again = launch;
    again.layers = "remake";
    m->program->step = WEFT_NEW_ARRAY(&m->arena, 9, weft_mod_step);
    add_step(m, (weft_mod_step){ .kind = WEFT_STEP_READ, .symbol = K, .bound = "n", .layers = "first" },
             (weft_mod_arg){ FLOW_X, "0", false }, none);
    add_step(m, (weft_mod_step){ .kind = WEFT_STEP_COPY, .layers = "whole" },
             (weft_mod_arg){ FLOW_X, NULL, false }, (weft_mod_arg){ FLOW_T, NULL, true });
    add_step(m, (weft_mod_step){ .kind = WEFT_STEP_IF, .bound = "k", .nbody = 2, .layers = "some" },
             none, none);
    add_step(m, launch, e, none);
    add_step(m, (weft_mod_step){ .kind = WEFT_STEP_COPY, .layers = "one" },
             (weft_mod_arg){ FLOW_W, NULL, false }, e);
    add_step(m,
             (weft_mod_step){ .kind = WEFT_STEP_LOOP, .symbol = I, .count = C, .bound = "k",
                              .test = "m", .nbody = 3, .layers = "rounds" },
             none, none);
    add_step(m, (weft_mod_step){ .kind = WEFT_STEP_COPY, .layers = "put" },
             (weft_mod_arg){ FLOW_E, NULL, false }, (weft_mod_arg){ FLOW_Y, "i * 4", true });
    add_step(m,
             (weft_mod_step){ .kind = WEFT_STEP_READ, .symbol = M, .bound = "100", .layers = "again" },
             (weft_mod_arg){ FLOW_X, "i * 4", false }, none);
    add_step(m, again, e, none);
}

weft_module *
support_flow(void)
{
    static const int32_t forty_two = 42;
    static const int64_t one = 1;
    static const char *const symbol[] = { "n", "k", "i", "c", "m" };
    weft_module *m = calloc(1, sizeof *m);
    weft_program *p = m->program = WEFT_NEW(&m->arena, weft_program);
    m->model = "flow.onnx";
    m->nprogram = 1;
    m->nsymbol = 5;
    m->symbol = WEFT_NEW_ARRAY(&m->arena, 5, weft_mod_symbol);
    for (int i = 0; i < 5; i++)
        m->symbol[i] = (weft_mod_symbol){ .name = symbol[i], .min = "0" };
    m->nblob = 1;
    m->blob = WEFT_NEW(&m->arena, weft_blob);
    *m->blob = (weft_blob){ "f0r7y", WEFT_I32, 1, &one, &forty_two, sizeof forty_two };
    p->target = "opencl:generic-gpu";
    p->profile = (weft_target){ .name = "generic-gpu", .api = WEFT_API_OPENCL, .cls = WEFT_CLASS_GPU };
    add_tensors(m, p);
    p->nkernel = 1;
    p->kernel = WEFT_NEW(&m->arena, weft_mod_kernel);
    *p->kernel = (weft_mod_kernel){ .name = "fill", .text = "fill", .size = 4, .nbuffer = 1,
                                    .block = { 1, 1, 1 } };
    add_steps(m);
    return m;
}

weft_status
support_flow_run(weft_session *s, int n, const int32_t *x, int64_t *nout, int32_t *out,
                 weft_diag *diag)
{
    int64_t dims = n;
    weft_status status = weft_session_bind(s, (const int64_t *[]){ &dims }, diag);
    if (!status)
        status = weft_session_set_input(s, 0, x, (size_t)n * sizeof *x, diag);
    if (!status)
        status = weft_session_run(s, diag);
    if (!status)
        status = weft_session_sync(s, diag);
    if (!status)
        status = weft_session_dims(s, FLOW_Y, nout, diag);
    if (!status)
        status = weft_session_get_output(s, 0, out, (size_t)*nout * sizeof *out, diag);
    return status;
}
