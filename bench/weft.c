/* bench/weft.c: weft as a contender: a graph's text, compiled, in a session on the device of
 * the case. */
#include "bench.h"
#include "compiler/compiler.h"
#include "runtime/session.h"

#include <math.h>
#include <stdlib.h>

typedef struct weft_run {
    const bench_case *c;
    int64_t block; /* channels side by side in the layout that weft takes; 1: plain rows */
    weft_target target;
    weft_diag *diag;
    weft_device *device;
    weft_module *module;
    weft_session *session;
} weft_run;

#define HASH "weights(\"0000000000000000\")"

static void
write_gemm(const weft_run *w, weft_str *s)
{
    const bench_case *c = w->c;
    long long m = c->m, n = c->n, k = c->k;
    const char *type = weft_dtype_name(c->dtype);
    weft_str_addf(s, "graph bench(a: %s[%lld, %lld]", type, m, k);
    if (!c->constant)
        weft_str_addf(s, ", b: %s[%lld, %lld]", type, k, n);
    weft_str_addf(s, ") -> (y) {\n");
    if (c->constant)
        weft_str_addf(s, "b: %s[%lld, %lld] = constant " HASH "\n", type, k, n);
    weft_str_addf(s, "y: %s[%lld, %lld] = matmul(a, b) {ta=0, tb=0}\n}\n", type, m, n);
}

/* As models have it: the pass fuse-attention makes one operator of it where that pays. */
static void
write_attention(const weft_run *w, weft_str *s)
{
    const bench_case *c = w->c;
    const char *type = weft_dtype_name(c->dtype);
    for (int i = 0; i < 3; i++)
        weft_str_addf(s, "%s%c: %s[%lld, %lld, %lld, %lld]", i ? ", " : "graph bench(", 'a' + i,
                      type, (long long)c->batch, (long long)c->heads, (long long)c->m,
                      (long long)c->n);
    weft_str_addf(s,
                  ") -> (y) {\n"
                  "by: %s[] = constant [%.17g]\n"
                  "s = matmul(a, b) {ta=0, tb=1}\n"
                  "t = multiply(s, by)\n"
                  "p = softmax(t) {axis=3}\n"
                  "y = matmul(p, c) {ta=0, tb=0}\n}\n",
                  type, 1 / sqrt((double)c->n));
}

/* What networks run between two convolutions, on targets of class vector-cpu: channels in blocks,
 * where they are whole ones. */
static bool
in_blocks(const weft_run *w, int64_t channels)
{
    return w->c->kind == BENCH_CONV && w->block > 1 && channels % w->block == 0;
}

/* A convolution between operands in the layout that weft takes: the pass layout undoes
 * `unblock` and `block`. */
static void
write_conv(const weft_run *w, weft_str *s)
{
    const bench_case *c = w->c;
    long long k = c->kernel, p = k / 2, st = c->stride, f = c->filters, ch = c->channels;
    long long batch = c->batch, image = c->image, block = w->block;
    bool from = in_blocks(w, ch), to = in_blocks(w, f);
    if (from)
        weft_str_addf(s,
                      "graph bench(a: f32[%lld, %lld, %lld, %lld, %lld]) -> (y) {\n"
                      "x: f32[%lld, %lld, %lld, %lld] = unblock(a)\n",
                      batch, ch / block, image, image, block, batch, ch, image, image);
    else
        weft_str_addf(s, "graph bench(a: f32[%lld, %lld, %lld, %lld]) -> (y) {\n", batch, ch, image,
                      image);
    weft_str_addf(s, "b: f32[%lld, %lld, %lld, %lld] = constant " HASH "\n", f,
                  ch / (long long)c->groups, k, k);
    weft_str_addf(s,
                  "%s = conv(%s, b) {strides=[%lld, %lld], dilations=[1, 1], "
                  "pads=[%lld, %lld, %lld, %lld], groups=%lld}\n",
                  to ? "z" : "y", from ? "x" : "a", st, st, p, p, p, p, (long long)c->groups);
    if (to)
        weft_str_addf(s, "y = block(z) {lanes=%lld}\n", block);
    weft_str_addf(s, "}\n");
}

static void
write_other(const weft_run *w, weft_str *s)
{
    const bench_case *c = w->c;
    long long m = c->m, n = c->n;
    weft_str_addf(s, "graph bench(a: f32[%lld, %lld]) -> (y) {\n", m, n);
    switch (c->kind) {
    case BENCH_SOFTMAX:
        weft_str_addf(s, "y = softmax(a) {axis=1}\n");
        break;
    case BENCH_LAYER_NORM:
        weft_str_addf(s,
                      "b: f32[%lld] = constant " HASH "\nc: f32[%lld] = constant " HASH
                      "\ny = layer_norm(a, b, c) {axis=1, epsilon=1e-05}\n",
                      n, n);
        break;
    case BENCH_SUM:
        weft_str_addf(s, "y = sum(a) {axes=[0, 1], keepdims=0}\n");
        break;
    case BENCH_GELU:
        weft_str_addf(s, "s: f32[] = constant [0.70710678118654752]\n"
                         "h: f32[] = constant [0.5]\none: f32[] = constant [1.0]\n"
                         "t = multiply(a, s)\ne = erf(t)\nu = add(e, one)\n"
                         "v = multiply(a, u)\ny = multiply(v, h)\n");
        break;
    default:
        weft_str_addf(s, "y = relu(a)\n");
    }
    weft_str_addf(s, "}\n");
}

/* [channels, pixels] from or to [channels / lanes, pixels, lanes]. */
static void
swap_layout(float *to, const float *from, int64_t channels, int64_t pixels, int64_t lanes,
            bool block)
{
    for (int64_t ch = 0; ch < channels; ch++)
        for (int64_t i = 0; i < pixels; i++) {
            int64_t plain = ch * pixels + i,
                    blocked = (ch / lanes * pixels + i) * lanes + ch % lanes;
            to[block ? blocked : plain] = from[block ? plain : blocked];
        }
}

static weft_status
set_input(const bench_case *c, const bench_data *d, int i, weft_run *w)
{
    void *packed = bench_pack(c, d->in[i], d->count[i]);
    if (!packed)
        return weft_fail(w->diag, WEFT_LIMIT, "no memory for an input");
    if (i == 0 && in_blocks(w, c->channels))
        swap_layout(packed, d->in[i], c->batch * c->channels, c->image * c->image, w->block, true);
    int64_t bytes = d->count[i] * weft_dtype_bits(c->dtype) / 8;
    weft_status s = weft_session_set_input(w->session, i, packed, (size_t)bytes, w->diag);
    free(packed);
    return s;
}

static weft_const
as_constant(const bench_case *c, const bench_data *d, int i, int64_t dim[4])
{
    int ndim = 1;
    dim[0] = d->count[i];
    if (c->kind == BENCH_GEMM)
        ndim = 2, dim[0] = c->k, dim[1] = c->n;
    if (c->kind == BENCH_CONV)
        ndim = 4, dim[0] = c->filters, dim[1] = c->channels / c->groups,
        dim[2] = dim[3] = c->kernel;
    return (weft_const){ .dtype = WEFT_F32,
                         .ndim = ndim,
                         .dim = dim,
                         .data = d->in[i],
                         .size = (size_t)d->count[i] * 4 };
}

static weft_status
open_device(weft_run *w, const char *device)
{
    weft_drivers drivers = weft_all_drivers();
    weft_status s = weft_device_open(&drivers, device, w->diag, &w->device);
    if (!s)
        s = weft_resolve_target(NULL, w->device, &w->target, w->diag);
    w->block = w->target.cls == WEFT_CLASS_VECTOR_CPU ? w->target.vector_lanes : 1;
    return s;
}

bool
bench_is_gpu(const char *device, bool *gpu)
{
    weft_run w = { .diag = weft_diag_create() };
    bool ok = !open_device(&w, device);
    if (!ok)
        fprintf(stderr, "%s", weft_diag_text(w.diag));
    *gpu = w.target.cls == WEFT_CLASS_GPU;
    weft_device_close(w.device);
    weft_diag_destroy(w.diag);
    return ok;
}

static weft_status
start(const bench_case *c, const bench_data *d, const char *text, weft_run *w)
{
    static const char *const names[] = { "b", "c" };
    int64_t dim[2][4];
    bool found[2] = { false };
    int given = c->constant ? d->nin - 1 : 0;
    weft_const constant[2];
    for (int i = 0; i < given; i++)
        constant[i] = as_constant(c, d, i + 1, dim[i]);
    weft_compile_job job = { .numerics = WEFT_DEFAULT,
                             .optimize = 2,
                             .text = text,
                             .nconstant = given,
                             .constant_name = names,
                             .constant = constant,
                             .found = found };
    weft_status s = weft_compile_targets("bench.wir", 1, &w->target, &job, w->diag, &w->module);
    if (!s)
        s = weft_session_create(w->module, w->device, NULL, w->diag, &w->session);
    for (int i = 0; !s && i < d->nin - given; i++)
        s = set_input(c, d, i, w);
    return s ? s : weft_session_poison(w->session, w->diag);
}

static void
finish(void *user)
{
    weft_run *w = user;
    weft_session_destroy(w->session);
    weft_module_destroy(w->module);
    weft_device_close(w->device);
    weft_diag_destroy(w->diag);
    free(w);
}

static void *
open_weft(const bench_case *c, const bench_data *d)
{
    weft_run *w = calloc(1, sizeof *w);
    weft_str text = { 0 };
    if (!w)
        return NULL;
    w->c = c;
    w->diag = weft_diag_create();
    weft_status s = open_device(w, c->device);
    (c->kind == BENCH_GEMM        ? write_gemm
     : c->kind == BENCH_ATTENTION ? write_attention
     : c->kind == BENCH_CONV      ? write_conv
                                  : write_other)(w, &text);
    if (!s)
        s = start(c, d, weft_str_text(&text), w);
    weft_str_free(&text);
    if (!s)
        return w;
    fprintf(stderr, "%s: %s\n", c->name, weft_diag_text(w->diag));
    finish(w);
    return NULL;
}

static bool
run(void *user)
{
    weft_run *w = user;
    return !weft_session_run(w->session, w->diag) && !weft_session_sync(w->session, w->diag);
}

static bool
read_out(void *user, float *out, int64_t count)
{
    weft_run *w = user;
    const bench_case *c = w->c;
    int64_t bytes = count * weft_dtype_bits(c->dtype) / 8, channels = c->batch * c->filters;
    void *packed = malloc((size_t)bytes);
    bool ok = packed && !weft_session_get_output(w->session, 0, packed, (size_t)bytes, w->diag);
    if (ok && in_blocks(w, c->filters))
        swap_layout(out, packed, channels, count / channels, w->block, false);
    else if (ok)
        bench_unpack(c, packed, out, count);
    free(packed);
    return ok;
}

const bench_contender bench_weft = { .name = "weft",
                                     .checked = true,
                                     .open = open_weft,
                                     .run = run,
                                     .read = read_out,
                                     .close = finish };
