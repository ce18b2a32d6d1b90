/* tests/schedules/device.c: pairs on a device, the kernels of many compiled together. */
#include "schedules.h"

#include "backends/backend.h"
#include "lower/lower.h"

#include <stdlib.h>
#include <string.h>

typedef struct job { /* a pair on its way through the device */
    const pair *p;
    weft_te *te;
    weft_lowered low;
    int first; /* its first kernel among the sources */
    tensors want;
    bool ready;
} job;

typedef struct batch {
    weft_device *device;
    const weft_target *target;
    weft_diag *diag;
    int failures, nsource;
    weft_source *source;
    weft_code *code;
} batch;

static void
report(batch *b, const job *j, const char *what)
{
    b->failures++;
    printf("FAILED --case %llu, on %s: %s%s\n%s%s", (unsigned long long)j->p->seed,
           b->device->info.id, what, weft_diag_text(b->diag), j->p->program,
           j->p->line.n ? "schedule {\n" : "");
    printf("%s%s", weft_str_text(&j->p->line), j->p->line.n ? "}\n" : "");
    fflush(stdout);
    weft_diag_clear(b->diag);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static bool
lower_job(batch *b, job *j)
{
    weft_caps caps;
    weft_lower_options o = { .target = b->target, .caps = &caps };
    weft_backend_of(b->target->api)->caps(b->target, &caps);
    j->te = j->p->refusal ? NULL : read_pair(j->p, b->diag);
    if (!j->te || weft_lower_te(j->te, &j->low, b->diag) != WEFT_OK)
        return false;
    for (int k = 0; k < j->low.nkernel; k++) {
        weft_kernel *kernel = j->low.kernel[k];
        kernel->name =
            weft_arena_printf(&j->te->ir->arena, "k%llu_%d", (unsigned long long)j->p->seed, k);
        if (weft_run_passes(kernel, NULL, &o, b->diag) != WEFT_OK)
            return false;
    }
    return reference_outputs(j->p, j->p->value[0], &j->want, b->diag);
}

static bool
print_kernel(batch *b, job *j, const weft_kernel *k)
{
    weft_str text = { 0 };
    weft_source *s = &b->source[b->nsource];
    uint8_t *scalar = WEFT_NEW_ARRAY(&j->te->ir->arena, k->nscalar + 1, uint8_t);
    if (weft_backend_of(b->target->api)->print(&text, k, b->target, WEFT_DEFAULT, b->diag) !=
        WEFT_OK) {
        weft_str_free(&text);
        return false;
    }
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = k->scalar[i]->type.dtype;
    *s = (weft_source){ .name = k->name,
                        .nbuffer = k->nparam,
                        .nscalar = k->nscalar,
                        .scalar = scalar,
                        .subgroup = k->subgroup,
                        .size = text.n };
    for (int d = 0; d < 3; d++)
        s->block[d] = weft_as_int(k->block[d], &s->block[d]) ? s->block[d] : 0;
    s->text = weft_str_take(&text);
    b->nsource++;
    return true;
}

/* The program's size for the scalars of what a kernel comes to. */
static const weft_expr *
at_size(weft_rewriter *rw, const weft_expr *e)
{
    const job *j = rw->user;
    return e->h.kind == WEFT_EK_VAR ? weft_int(rw->ir, (weft_dtype)e->h.type.dtype, j->p->value[0])
                                    : weft_rewrite_args(rw, e);
}

/* Whether the device's threads run the kernel's loops to their end. */
static bool
is_run_out(const batch *b, const job *j, const weft_kernel *k)
{
    weft_rewriter rw = { .ir = j->te->ir, .expr = at_size, .user = (void *)(uintptr_t)j };
    const weft_expr *e = weft_rewrite_expr(&rw, weft_kernel_reach(k).iterations);
    int64_t n;
    weft_rewrite_done(&rw);
    e = weft_simplify_expr(j->te->ir, NULL, e);
    return b->target->max_iterations == 0 || (weft_as_int(e, &n) && n <= b->target->max_iterations);
}

/* Sources of all kernels, or none: a schedule that computes again and again may be more than a
 * device's threads do (llvmpipe). */
static void
prepare(batch *b, job *j)
{
    bool run_out = true;
    j->first = b->nsource;
    j->ready = lower_job(b, j);
    for (int k = 0; j->ready && k < j->low.nkernel; k++) {
        run_out = run_out && is_run_out(b, j, j->low.kernel[k]);
        j->ready = print_kernel(b, j, j->low.kernel[k]);
    }
    if (!run_out)
        j->ready = false;
    else if (!j->ready && strstr(weft_diag_text(b->diag), "iterations of a thread's loops"))
        weft_diag_clear(b->diag);
    else if (!j->ready)
        report(b, j, "");
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct arrays { /* of a program, on the device */
    int n;
    weft_memory *memory[64];
    int64_t size[64];
} arrays;

static weft_status
to_device(batch *b, arrays *a, const void *data, weft_dtype t, int64_t count)
{
    const weft_driver *d = b->device->driver;
    int64_t bytes = 0;
    weft_dtype_bytes(t, count, &bytes);
    a->size[a->n] = bytes > 0 ? weft_round_up(bytes, 4) : 4;
    weft_status st = d->alloc(b->device, a->size[a->n], &a->memory[a->n], b->diag);
    if (st == WEFT_OK && data && bytes)
        st = d->upload(b->device, a->memory[a->n], 0, data, bytes, b->diag);
    a->n++;
    return st;
}

static weft_status
all_to_device(batch *b, const job *j, const tensors *in, arrays *input, arrays *output,
              arrays *work)
{
    weft_status st = WEFT_OK;
    for (int i = 0; !st && i < in->n; i++)
        st = to_device(b, input, in->data[i], in->dtype[i], in->count[i]);
    for (int i = 0; !st && i < j->want.n; i++)
        st = to_device(b, output, NULL, j->want.dtype[i], j->want.count[i]);
    for (int i = 0; !st && i < j->low.nwork; i++)
        st = to_device(b, work, NULL, j->low.work[i]->dtype,
                       count_elements(j->low.work[i], j->p->value[0]));
    return st;
}

/* False where there is nothing to launch. */
static bool
launch_of(const batch *b, const job *j, int k, const arrays *of[3], weft_arg *arg,
          weft_launch *launch)
{
    const weft_kernel *kernel = j->low.kernel[k];
    const int64_t *n = &j->p->value[0];
    *launch = (weft_launch){ .name = kernel->name,
                             .code = b->code,
                             .kernel = j->first + k,
                             .nbuffer = kernel->nparam,
                             .buffer = arg,
                             .nscalar = kernel->nscalar,
                             .scalar = n };
    for (int i = 0; i < kernel->nparam; i++) {
        weft_slot s = j->low.slot[k][i];
        const arrays *a = of[s.kind];
        arg[i] = (weft_arg){ a->memory[s.index], 0, a->size[s.index],
                             (kernel->access[i] & WEFT_WRITE) != 0 };
    }
    bool any = true;
    for (int d = 0; d < 3; d++) {
        launch->grid[d] = eval_size(kernel->grid[d], *n);
        launch->block[d] = eval_size(kernel->block[d], *n);
        any = any && launch->grid[d] > 0 && launch->block[d] > 0;
    }
    return any;
}

static weft_status
launch_all(batch *b, const job *j, const arrays *of[3])
{
    enum { MOST_KERNELS = 24, MOST_ARGS = 48 };
    weft_launch launch[MOST_KERNELS];
    weft_arg *arg = calloc(MOST_KERNELS * MOST_ARGS, sizeof *arg);
    const weft_driver *d = b->device->driver;
    weft_batch *work = NULL;
    int n = 0;
    for (int k = 0; k < j->low.nkernel && n < MOST_KERNELS; k++)
        n += launch_of(b, j, k, of, &arg[n * MOST_ARGS], &launch[n]);
    weft_status st = WEFT_OK;
    if (n) {
        st = d->record(b->device, launch, n, &work, b->diag);
        st = st ? st : d->submit(b->device, work, NULL, b->diag);
        st = st ? st : d->sync(b->device, b->diag);
    }
    if (work)
        d->discard(b->device, work);
    free(arg);
    return st;
}

static weft_status
fetch(batch *b, const job *j, const arrays *output, tensors *got)
{
    weft_status st = WEFT_OK;
    for (int i = 0; !st && i < got->n; i++) {
        int64_t bytes = 0;
        weft_dtype_bytes(j->want.dtype[i], j->want.count[i], &bytes);
        if (bytes)
            st = b->device->driver->download(b->device, output->memory[i], 0, got->data[i], bytes,
                                             b->diag);
    }
    return st;
}

static void
free_arrays(batch *b, arrays *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->memory[i])
            b->device->driver->free(b->device, a->memory[i]);
}

static void
run_job(batch *b, const job *j)
{
    arrays input = { 0 }, output = { 0 }, work = { 0 };
    const arrays *of[3] = {
        [WEFT_SLOT_INPUT] = &input, [WEFT_SLOT_OUTPUT] = &output, [WEFT_SLOT_WORK] = &work
    };
    const weft_te *te = j->te;
    int64_t n = j->p->value[0], element;
    int bad;
    tensors in = make_tensors(te->input.at, te->input.n, n, true),
            got = make_tensors(te->output.at, te->output.n, n, false);
    weft_status st = all_to_device(b, j, &in, &input, &output, &work);
    st = st ? st : launch_all(b, j, of);
    st = st ? st : fetch(b, j, &output, &got);
    if (st)
        report(b, j, "");
    else if (!same_tensors(&got, &j->want, &bad, &element)) {
        char what[160];
        snprintf(what, sizeof what, "%.40s[%lld] is %g, without a schedule %g",
                 te->output.at[bad]->buf->name, (long long)element,
                 weft_get_f64(got.dtype[bad], got.data[bad], element),
                 weft_get_f64(got.dtype[bad], j->want.data[bad], element));
        report(b, j, what);
    }
    free_arrays(b, &input);
    free_arrays(b, &output);
    free_arrays(b, &work);
    free_tensors(&in);
    free_tensors(&got);
}

int
run_on_device(weft_device *device, const weft_target *target, int n, const pair *p)
{
    batch b = { .device = device, .target = target, .diag = weft_diag_create() };
    job *jobs = calloc((size_t)n + 1, sizeof *jobs);
    b.source = calloc((size_t)n * 24 + 1, sizeof *b.source);
    for (int i = 0; i < n; i++) {
        jobs[i].p = &p[i];
        prepare(&b, &jobs[i]);
    }
    if (b.nsource && device->driver->load(device, b.source, b.nsource, WEFT_DEFAULT, &b.code,
                                          b.diag) != WEFT_OK) {
        printf("FAILED to load the kernels of %d pairs: %s\n", n, weft_diag_text(b.diag));
        b.failures++;
    }
    for (int i = 0; i < n; i++) {
        if (b.code && jobs[i].ready)
            run_job(&b, &jobs[i]);
        free_tensors(&jobs[i].want);
        weft_te_destroy(jobs[i].te);
    }
    if (b.code)
        device->driver->unload(device, b.code);
    for (int i = 0; i < b.nsource; i++)
        free((char *)(uintptr_t)b.source[i].text);
    free(b.source);
    free(jobs);
    weft_diag_destroy(b.diag);
    return b.failures;
}
