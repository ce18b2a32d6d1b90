/* The interpreter's public side: prepares a kernel, binds arguments, runs, and looks at the
 * outputs. */
#include "ir/interp_priv.h"

#include <stdlib.h>
#include <string.h>

weft_interp *
weft_interp_create(const weft_kernel *kernel, const weft_interp_options *options, weft_diag *diag)
{
    weft_interp *in = calloc(1, sizeof *in);
    if (!in) {
        weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for kernel '%s'", kernel->name);
        return NULL;
    }
    if (options)
        in->opt = *options;
    in->ir = weft_ir_create(diag);
    in->kernel = weft_clone_kernel(weft_clone_map_create(in->ir), kernel);
    if (weft_interp_compile(in, diag)) {
        weft_interp_destroy(in);
        return NULL;
    }
    return in;
}

void
weft_interp_destroy(weft_interp *in)
{
    if (!in)
        return;
    weft_arena_reset(&in->arena);
    weft_ir_destroy(in->ir);
    free(in);
}

weft_dtype
weft_interp_param_dtype(const weft_interp *in, int i)
{
    return in->buf[i].dtype;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static bool
add_shadow(run *r, int i)
{
    const bufinfo *info = &r->in->buf[i];
    const weft_interp_buffer *b = &r->buffer[i];
    mem *m = &r->mem[i];
    size_t n = b->count > 0 ? (size_t)b->count : 1;
    bool ok = true;
    if (r->in->opt.no_checks)
        return true;
    if (info->stored) {
        m->w = calloc(n, sizeof *m->w);
        ok &= m->w != NULL;
    }
    if (info->stored && info->loaded) {
        m->r = calloc(n, sizeof *m->r);
        ok &= m->r != NULL;
    }
    if (info->loaded && !b->initialised) {
        m->init = calloc(n, 1);
        ok &= m->init != NULL;
    }
    return ok;
}

static bool
bind_params(run *r, const int64_t *scalar)
{
    const weft_interp *in = r->in;
    ctx *c = r->root;
    for (int i = 0; i < in->kernel->nscalar; i++)
        c->var[in->scalar_slot[i]] = (val){ .i = scalar[i] };
    for (int d = 0; d <= in->ndepth; d++)
        c->stamp[d] = interp_tick(c);
    c->stmt = interp_tick(c);
    for (int i = 0; i < in->kernel->nparam; i++) {
        bufview *b = &c->buf[i];
        if (!weft_interp_shape(c, i))
            return false;
        r->mem[i] = (mem){ .data = r->buffer[i].data, .count = r->buffer[i].count };
        r->mem[i].shared = r->nworker > 1;
        if (!add_shadow(r, i)) {
            weft_interp_fault(c, -1, WEFT_OUT_OF_MEMORY, "no memory to check argument '%s'",
                              in->buf[i].src->name);
            return false;
        }
        b->data = r->buffer[i].data;
        b->count = r->buffer[i].count;
        b->m = &r->mem[i];
        b->first = c->word;
    }
    return true;
}

static void
check_written(run *r)
{
    const weft_interp *in = r->in;
    for (int i = 0; i < in->kernel->nparam; i++) {
        const weft_interp_buffer *b = &r->buffer[i];
        const uint64_t *w = r->mem[i].w;
        int64_t e = 0;
        if (!b->must_write || in->opt.no_checks)
            continue;
        while (e < b->count && w && w[e])
            e++;
        if (e >= b->count)
            continue;
        access whole = { .buf = i, .n = in->buf[i].src->ndim, .src = in->buf[i].src };
        weft_str what = { 0 };
        r->root->where = NULL;
        weft_interp_name_element(r->root, &what, &whole, e);
        weft_interp_fault(r->root, -1, WEFT_INVALID_INPUT,
                          "output element %s (number %lld of %lld) is never written",
                          weft_str_text(&what), (long long)e, (long long)b->count);
        weft_str_free(&what);
        return;
    }
}

static void
free_run(run *r)
{
    for (int i = 0; i < r->nworker; i++)
        weft_interp_ctx_destroy(r->worker[i]);
    weft_interp_ctx_destroy(r->root);
    for (int i = 0; i < r->in->kernel->nparam; i++) {
        free(r->mem[i].w);
        free(r->mem[i].r);
        free(r->mem[i].init);
    }
    free(r->mem);
    free(r->worker);
    weft_str_free(&r->text);
    pthread_mutex_destroy(&r->lock);
}

weft_status
weft_interp_run(weft_interp *in, const weft_interp_buffer *buffer, const int64_t *scalar,
                weft_diag *diag)
{
    run r = { .in = in, .buffer = buffer, .diag = diag };
    r.nworker = in->opt.threads > 0 ? in->opt.threads : weft_cpu_count();
    r.mem = calloc((size_t)in->nbuf + 1, sizeof *r.mem);
    r.worker = calloc((size_t)r.nworker, sizeof *r.worker);
    weft_assert(r.mem && r.worker, "out of memory");
    pthread_mutex_init(&r.lock, NULL);
    r.unit = 1;
    r.root = weft_interp_ctx_create(&r, 1);
    r.root->word = r.root->gword = 1ull << TOUCH_UNIT;
    if (bind_params(&r, scalar)) {
        if (in->launch)
            weft_interp_region(r.root, NULL);
        else
            weft_interp_exec(r.root, in->body);
    }
    if (!r.status)
        check_written(&r);
    weft_status status = r.status;
    if (status)
        weft_fail(diag, status, "%s", weft_str_text(&r.text));
    free_run(&r);
    return status;
}
