/* bench/onednn.c: oneDNN as a contender: in layouts of its own choice, which inputs are brought to
 * before, and with activations as they are ("plain"). */
#include "bench.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 6 };
typedef struct dnn_run {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    int narg;
    dnnl_exec_arg_t arg[MAX_ARGS];
    dnnl_memory_t out;        /* as the primitive writes it */
    dnnl_memory_desc_t plain; /* as it is read */
    bool any;                 /* activations in any layout */
} dnn_run;

static dnnl_memory_desc_t
layout(int ndim, const int64_t *dim, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d;
    dnnl_dims_t dims = { 0 };
    for (int i = 0; i < ndim; i++)
        dims[i] = dim[i];
    dnnl_memory_desc_init_by_tag(&d, ndim, dims, dnnl_f32, tag);
    return d;
}

static void
reorder(const dnn_run *r, dnnl_memory_t from, const dnnl_memory_desc_t *from_layout,
        dnnl_memory_t to, const dnnl_memory_desc_t *to_layout)
{
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t move;
    if (dnnl_reorder_primitive_desc_create(&desc, from_layout, r->engine, to_layout, r->engine,
                                           NULL))
        return;
    dnnl_primitive_create(&move, desc);
    dnnl_exec_arg_t arg[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
    dnnl_primitive_execute(move, r->stream, 2, arg);
    dnnl_stream_wait(r->stream);
    dnnl_primitive_destroy(move);
    dnnl_primitive_desc_destroy(desc);
}

/* An argument in the layout the primitive wants; data NULL: NaN. */
static dnnl_memory_t
give(dnn_run *r, int which, dnnl_query_t query, const dnnl_memory_desc_t *plain, float *data)
{
    const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(r->desc, query, 0);
    dnnl_memory_t to, from;
    void *bytes = NULL;
    dnnl_memory_create(&to, wanted, r->engine, DNNL_MEMORY_ALLOCATE);
    if (data) {
        dnnl_memory_create(&from, plain, r->engine, data);
        reorder(r, from, plain, to, wanted);
        dnnl_memory_destroy(from);
    } else {
        dnnl_memory_get_data_handle(to, &bytes);
        memset(bytes, 0xFF, dnnl_memory_desc_get_size(wanted));
    }
    r->arg[r->narg++] = (dnnl_exec_arg_t){ which, to };
    return to;
}

static bool
describe(dnn_run *r, const_dnnl_op_desc_t op)
{
    return !dnnl_primitive_desc_create(&r->desc, op, NULL, r->engine, NULL) &&
           !dnnl_primitive_create(&r->primitive, r->desc);
}

static bool
gemm(dnn_run *r, const bench_case *c, const bench_data *d)
{
    dnnl_format_tag_t tag = r->any && c->constant ? dnnl_format_tag_any : dnnl_ab;
    int64_t da[] = { c->m, c->k }, db[] = { c->k, c->n }, dc[] = { c->m, c->n };
    dnnl_memory_desc_t a = layout(2, da, dnnl_ab), b = layout(2, db, tag);
    dnnl_matmul_desc_t op;
    r->plain = layout(2, dc, dnnl_ab);
    if (dnnl_matmul_desc_init(&op, &a, &b, NULL, &r->plain) || !describe(r, &op))
        return false;
    b = layout(2, db, dnnl_ab);
    give(r, DNNL_ARG_SRC, dnnl_query_src_md, &a, d->in[0]);
    give(r, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, &b, d->in[1]);
    return true;
}

static bool
conv(dnn_run *r, const bench_case *c, const bench_data *d)
{
    int64_t side = bench_out_image(c), g = c->groups;
    int64_t dx[] = { 1, c->channels, c->image, c->image }, dy[] = { 1, c->filters, side, side },
            dw[] = { g, c->filters / g, c->channels / g, c->kernel, c->kernel };
    int64_t *w = g > 1 ? dw : dw + 1;
    int nw = g > 1 ? 5 : 4;
    dw[1] = c->filters / g;
    dnnl_format_tag_t tag = r->any ? dnnl_format_tag_any : dnnl_nchw;
    dnnl_memory_desc_t x = layout(4, dx, tag), y = layout(4, dy, tag),
                       wd = layout(nw, w, dnnl_format_tag_any);
    dnnl_dims_t stride = { c->stride, c->stride }, before = { c->kernel / 2, c->kernel / 2 };
    dnnl_dims_t after = { 0 };
    for (int i = 0; i < 2; i++)
        after[i] = (side - 1) * c->stride + c->kernel - c->image - before[i];
    dnnl_convolution_desc_t op;
    if (dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, &x,
                                           &wd, NULL, &y, stride, before, after) ||
        !describe(r, &op))
        return false;
    x = layout(4, dx, dnnl_nchw);
    wd = layout(nw, w, g > 1 ? dnnl_goihw : dnnl_oihw);
    r->plain = layout(4, dy, dnnl_nchw);
    give(r, DNNL_ARG_SRC, dnnl_query_src_md, &x, d->in[0]);
    give(r, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, &wd, d->in[1]);
    return true;
}

static bool
layer_norm(dnn_run *r, const bench_case *c, const bench_data *d)
{
    int64_t dx[] = { c->m, c->n };
    unsigned flags = dnnl_use_scale | dnnl_use_shift;
    dnnl_memory_desc_t x = layout(2, dx, dnnl_ab), w = layout(1, dx + 1, dnnl_a);
    dnnl_layer_normalization_desc_t op;
    dnnl_memory_t m;
    r->plain = x;
    if (dnnl_layer_normalization_forward_desc_init(&op, dnnl_forward_inference, &x, NULL, 1e-5F,
                                                   flags) ||
        !describe(r, &op))
        return false;
    give(r, DNNL_ARG_SRC, dnnl_query_src_md, &x, d->in[0]);
    dnnl_memory_create(&m, &w, r->engine, d->in[1]);
    r->arg[r->narg++] = (dnnl_exec_arg_t){ DNNL_ARG_SCALE, m };
    dnnl_memory_create(&m, &w, r->engine, d->in[2]);
    r->arg[r->narg++] = (dnnl_exec_arg_t){ DNNL_ARG_SHIFT, m };
    return true;
}

static bool
other(dnn_run *r, const bench_case *c, const bench_data *d)
{
    int64_t dx[] = { c->m, c->n }, dy[] = { 1, 1 };
    dnnl_memory_desc_t x = layout(2, dx, dnnl_ab), y = layout(2, dy, dnnl_ab);
    dnnl_softmax_desc_t soft;
    dnnl_reduction_desc_t sum;
    dnnl_eltwise_desc_t each;
    bool ok;
    r->plain = c->kind == BENCH_SUM ? y : x;
    if (c->kind == BENCH_SOFTMAX)
        ok = !dnnl_softmax_forward_desc_init(&soft, dnnl_forward_inference, &x, 1) &&
             describe(r, &soft);
    else if (c->kind == BENCH_SUM)
        ok = !dnnl_reduction_desc_init(&sum, dnnl_reduction_sum, &x, &y, 0, 0) && describe(r, &sum);
    else
        ok = !dnnl_eltwise_forward_desc_init(
                 &each, dnnl_forward_inference,
                 c->kind == BENCH_GELU ? dnnl_eltwise_gelu_erf : dnnl_eltwise_relu, &x, 0, 0) &&
             describe(r, &each);
    if (ok)
        give(r, DNNL_ARG_SRC, dnnl_query_src_md, &x, d->in[0]);
    return ok;
}

static void
finish(void *user)
{
    dnn_run *r = user;
    for (int i = 0; i < r->narg; i++)
        dnnl_memory_destroy(r->arg[i].memory);
    if (r->primitive)
        dnnl_primitive_destroy(r->primitive);
    if (r->desc)
        dnnl_primitive_desc_destroy(r->desc);
    dnnl_stream_destroy(r->stream);
    dnnl_engine_destroy(r->engine);
    free(r);
}

static void *
open_dnn(const bench_case *c, const bench_data *d, bool any)
{
    dnn_run *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->any = any;
    dnnl_engine_create(&r->engine, dnnl_cpu, 0);
    dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags);
    bool ok = c->kind == BENCH_GEMM         ? gemm(r, c, d)
              : c->kind == BENCH_CONV       ? conv(r, c, d)
              : c->kind == BENCH_LAYER_NORM ? layer_norm(r, c, d)
                                            : other(r, c, d);
    if (!ok) {
        finish(r);
        return NULL;
    }
    r->out = give(r, DNNL_ARG_DST, dnnl_query_dst_md, NULL, NULL);
    return r;
}

static void *
open_any(const bench_case *c, const bench_data *d)
{
    return open_dnn(c, d, true);
}

static void *
open_plain(const bench_case *c, const bench_data *d)
{
    return c->kind == BENCH_CONV ? open_dnn(c, d, false) : NULL;
}

static bool
run(void *user)
{
    dnn_run *r = user;
    return !dnnl_primitive_execute(r->primitive, r->stream, r->narg, r->arg) &&
           !dnnl_stream_wait(r->stream);
}

static bool
read_out(void *user, float *out, int64_t count)
{
    dnn_run *r = user;
    dnnl_memory_t to;
    (void)count;
    if (dnnl_memory_create(&to, &r->plain, r->engine, out))
        return false;
    reorder(r, r->out, dnnl_primitive_desc_query_md(r->desc, dnnl_query_dst_md, 0), to, &r->plain);
    dnnl_memory_destroy(to);
    return true;
}

const bench_contender bench_onednn = { .name = "onednn",
                                       .checked = true,
                                       .cpu = true,
                                       .open = open_any,
                                       .run = run,
                                       .read = read_out,
                                       .close = finish };
const bench_contender bench_onednn_plain = { .name = "onednn-plain",
                                             .checked = true,
                                             .open = open_plain,
                                             .run = run,
                                             .read = read_out,
                                             .close = finish };
