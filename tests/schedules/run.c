/* tests/schedules/run.c: pairs in the interpreter, at every level, for a target of every class. */
#include "schedules.h"

#include "backends/backend.h"
#include "ir/interp.h"
#include "lower/lower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARAMS = 48 };

/* ---- memory ---------------------------------------------------------------------------------- */

int64_t
eval_size(const weft_expr *e, int64_t n)
{
    int64_t v, a, b;
    if (weft_as_int(e, &v))
        return v;
    if (e->h.kind == WEFT_EK_VAR)
        return n;
    a = eval_size(e->arg[0], n);
    b = e->h.nargs > 1 ? eval_size(e->arg[1], n) : 0;
    switch (e->h.kind) {
    case WEFT_EK_ADD:
        return a + b;
    case WEFT_EK_SUB:
        return a - b;
    case WEFT_EK_MUL:
        return a * b;
    case WEFT_EK_FDIV:
        return b ? weft_floordiv(a, b) : 0;
    case WEFT_EK_MIN:
        return a < b ? a : b;
    case WEFT_EK_MAX:
        return a > b ? a : b;
    case WEFT_EK_CAST:
        return a;
    default:
        weft_assert(false, "a size of kind %s", weft_expr_infos[e->h.kind].name);
        return 0;
    }
}

int64_t
count_elements(const weft_buf *b, int64_t n)
{
    int64_t total = 1;
    for (int d = 0; d < b->ndim; d++) {
        int64_t size = eval_size(b->shape[d], n);
        total *= size > 0 ? size : 0;
    }
    return total;
}

static tensors
new_tensors(int n)
{
    tensors t = { n, calloc((size_t)n + 1, sizeof *t.dtype), calloc((size_t)n + 1, sizeof *t.count),
                  calloc((size_t)n + 1, sizeof *t.data) };
    return t;
}

static void
set_tensor(tensors *t, int i, const weft_buf *b, int64_t n, bool input)
{
    t->dtype[i] = b->dtype;
    t->count[i] = count_elements(b, n);
    t->data[i] = calloc((size_t)t->count[i] + 1, 8);
    for (int64_t e = 0; e < t->count[i]; e++) {
        int64_t v = (e * 7 + i * 3 + e / 5) % 5 - 2;
        weft_set_f64(t->dtype[i], t->data[i], e, (double)(!input ? 77 : v == 2 ? 1 : v));
    }
}

tensors
make_tensors(weft_tensor *const *at, int n, int64_t value, bool input)
{
    tensors t = new_tensors(n);
    for (int i = 0; i < n; i++)
        set_tensor(&t, i, at[i]->buf, value, input);
    return t;
}

void
free_tensors(tensors *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->data[i]);
    free(t->dtype);
    free(t->count);
    free(t->data);
    *t = (tensors){ 0 };
}

static bool
same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool
same_tensors(const tensors *a, const tensors *b, int *bad, int64_t *element)
{
    for (int i = 0; i < a->n; i++)
        for (int64_t e = 0; e < a->count[i]; e++)
            if (!same_value(weft_get_f64(a->dtype[i], a->data[i], e),
                            weft_get_f64(b->dtype[i], b->data[i], e))) {
                *bad = i;
                *element = e;
                return false;
            }
    return true;
}

/* ---- kernels --------------------------------------------------------------------------------- */

typedef struct memory { /* of a program */
    tensors input, output, work;
    bool *written; /* workspace */
} memory;

static memory
make_memory(const weft_te *te, const weft_lowered *low, int64_t n)
{
    memory m = { make_tensors(te->input.at, te->input.n, n, true),
                 make_tensors(te->output.at, te->output.n, n, false), new_tensors(low->nwork),
                 calloc((size_t)low->nwork + (size_t)te->output.n + 1, sizeof *m.written) };
    for (int i = 0; i < low->nwork; i++)
        set_tensor(&m.work, i, low->work[i], n, false);
    return m;
}

static void
free_memory(memory *m)
{
    free_tensors(&m->input);
    free_tensors(&m->output);
    free_tensors(&m->work);
    free(m->written);
}

static tensors *
tensors_of(memory *m, weft_slot s)
{
    return s.kind == WEFT_SLOT_INPUT    ? &m->input
           : s.kind == WEFT_SLOT_OUTPUT ? &m->output
                                        : &m->work;
}

static bool *
written_flag(memory *m, weft_slot s)
{
    return &m->written[s.index + (s.kind == WEFT_SLOT_OUTPUT ? m->work.n : 0)];
}

static weft_status
run_kernel(const weft_kernel *k, const weft_slot *slot, memory *m, int64_t n,
           const weft_interp_options *o, weft_diag *diag)
{
    weft_interp_buffer at[MAX_PARAMS];
    weft_interp *in = weft_interp_create(k, o, diag);
    if (!in)
        return weft_diag_status(diag);
    for (int i = 0; i < k->nparam; i++) {
        tensors *t = tensors_of(m, slot[i]);
        bool input = slot[i].kind == WEFT_SLOT_INPUT;
        at[i] =
            (weft_interp_buffer){ t->data[slot[i].index], t->count[slot[i].index],
                                  input || *written_flag(m, slot[i]),
                                  slot[i].kind == WEFT_SLOT_OUTPUT && k->access[i] & WEFT_WRITE };
    }
    weft_status st = weft_interp_run(in, at, &n, diag);
    weft_interp_destroy(in);
    for (int i = 0; i < k->nparam; i++)
        if (slot[i].kind != WEFT_SLOT_INPUT && k->access[i] & WEFT_WRITE)
            *written_flag(m, slot[i]) = true;
    return st;
}

static weft_status
run_all(const weft_lowered *low, memory *m, int64_t n, const weft_interp_options *o,
        weft_diag *diag)
{
    weft_status st = WEFT_OK;
    for (int k = 0; st == WEFT_OK && k < low->nkernel; k++)
        st = run_kernel(low->kernel[k], low->slot[k], m, n, o, diag);
    return st;
}

bool
reference_outputs(const pair *p, int64_t value, tensors *out, weft_diag *diag)
{
    pair plain = { .program = p->program };
    weft_te *te = read_pair(&plain, diag);
    weft_lowered low;
    weft_interp_options o = { .threads = 1 };
    *out = (tensors){ 0 };
    if (!te || weft_lower_te(te, &low, diag) != WEFT_OK) {
        weft_te_destroy(te);
        return false;
    }
    memory m = make_memory(te, &low, value);
    bool ok = run_all(&low, &m, value, &o, diag) == WEFT_OK;
    *out = m.output;
    m.output = (tensors){ 0 };
    free_memory(&m);
    weft_te_destroy(te);
    return ok;
}

/* ---- one pair -------------------------------------------------------------------------------- */

typedef struct run {
    pair *p;
    weft_te *te;
    weft_lowered low;
    tensors want[2]; /* a value of n */
    weft_diag *diag;
    weft_str wrong; /* what was found; empty: nothing */
} run;

static const char *const order_name[] = { "forward", "reverse", "shuffled" };

static bool
check_values(run *r, const weft_lowered *low, const char *stage, weft_order order)
{
    weft_interp_options o = {
        .order = order, .seed = r->p->seed, .threads = 1, .max_steps = 50000000
    };
    for (int v = 0; v < r->p->nvalue && !r->wrong.n; v++) {
        int bad;
        int64_t element, n = r->p->value[v];
        if (!r->want[v].data)
            continue;
        memory m = make_memory(r->te, low, n);
        if (run_all(low, &m, n, &o, r->diag) != WEFT_OK)
            weft_str_addf(&r->wrong, "%s, %s, n = %lld: %s", stage, order_name[order], (long long)n,
                          weft_diag_text(r->diag));
        else if (!same_tensors(&m.output, &r->want[v], &bad, &element))
            weft_str_addf(&r->wrong, "%s, %s, n = %lld: %s[%lld] is %g, without a schedule %g",
                          stage, order_name[order], (long long)n, r->te->output.at[bad]->buf->name,
                          (long long)element,
                          weft_get_f64(m.output.dtype[bad], m.output.data[bad], element),
                          weft_get_f64(m.output.dtype[bad], r->want[v].data[bad], element));
        free_memory(&m);
    }
    return !r->wrong.n;
}

/* ---- each element once ----------------------------------------------------------------------- */

typedef struct counter { /* a buffer that counts the stores to each element of a parameter */
    const weft_kernel *k;
    const weft_buf *of[MAX_PARAMS];
} counter;

static const weft_stmt *
count_store(weft_rewriter *rw, const weft_stmt *s)
{
    const counter *c = rw->user;
    s = weft_rewrite_children(rw, s);
    for (int i = 0; s->kind == WEFT_SK_STORE && i < c->k->nparam; i++) {
        if (c->k->param[i] != s->u.store.buf)
            continue;
        const weft_expr *before = weft_load(rw->ir, c->of[i], s->u.store.n, s->u.store.index);
        const weft_expr *after = weft_add(rw->ir, before, weft_i32(rw->ir, 1));
        return weft_seq2(rw->ir, s,
                         weft_store(rw->ir, c->of[i], s->u.store.n, s->u.store.index, after));
    }
    return s;
}

/* A kernel that reduces in global memory writes its elements many times; a matrix is no store. */
static bool
stores_once(const weft_kernel *k)
{
    for (int i = 0; i < k->nparam; i++)
        if (k->access[i] == WEFT_READ_WRITE)
            return false;
    return true;
}

/* The kernel with a counter a parameter behind its parameters. */
static weft_kernel
counting(const weft_kernel *from, weft_slot *slot, const weft_slot *was)
{
    counter c = { .k = from };
    weft_kernel k = *from;
    int n = k.nparam;
    const weft_buf **param = WEFT_NEW_ARRAY(&k.ir->arena, 2 * n, const weft_buf *);
    weft_access *access = WEFT_NEW_ARRAY(&k.ir->arena, 2 * n, weft_access);
    for (int i = 0; i < n; i++) {
        const weft_buf *b = k.param[i];
        param[i] = b;
        param[n + i] = c.of[i] =
            weft_buf_make(k.ir, "count", WEFT_I32, WEFT_GLOBAL, b->ndim, b->shape);
        access[i] = k.access[i];
        access[n + i] = WEFT_READ_WRITE;
        slot[i] = was[i];
        slot[n + i] = (weft_slot){ WEFT_SLOT_WORK, i };
    }
    weft_rewriter rw = { .ir = k.ir, .stmt = count_store, .user = &c };
    k.body = weft_rewrite_stmt(&rw, k.body);
    weft_rewrite_done(&rw);
    k.nparam = 2 * n;
    k.param = param;
    k.access = access;
    return k;
}

/* Workspace whose readers were simplified away: a stage may compute it again in a loop. */
static bool
is_unread(const run *r, weft_slot of)
{
    bool read = of.kind != WEFT_SLOT_WORK;
    for (int k = 0; k < r->low.nkernel; k++)
        for (int i = 0; i < r->low.kernel[k]->nparam; i++)
            read = read || (r->low.slot[k][i].kind == of.kind &&
                            r->low.slot[k][i].index == of.index &&
                            r->low.kernel[k]->access[i] & WEFT_READ);
    return !read;
}

static bool
check_counts(run *r, int at)
{
    const weft_kernel *k = r->low.kernel[at];
    weft_slot slot[MAX_PARAMS];
    weft_interp_options o = { .threads = 1, .max_steps = 50000000 };
    int64_t n = r->p->value[0];
    int params = k->nparam;
    if (!stores_once(k) || 2 * params > MAX_PARAMS || r->p->target)
        return true;
    weft_kernel c = counting(k, slot, r->low.slot[at]);
    weft_interp_buffer b[MAX_PARAMS];
    for (int i = 0; i < c.nparam; i++) {
        int64_t elements = count_elements(c.param[i], n);
        b[i] = (weft_interp_buffer){ calloc((size_t)elements + 1, 8), elements, true, false };
    }
    weft_interp *in = weft_interp_create(&c, &o, r->diag);
    if (!in || weft_interp_run(in, b, &n, r->diag) != WEFT_OK)
        weft_str_addf(&r->wrong, "counting stores: %s", weft_diag_text(r->diag));
    weft_interp_destroy(in);
    for (int i = 0; i < params; i++)
        for (int64_t e = 0; !r->wrong.n && k->access[i] & WEFT_WRITE && e < b[i].count; e++) {
            int32_t times = ((int32_t *)b[params + i].data)[e];
            if (times != 1 && !(times > 1 && is_unread(r, r->low.slot[at][i])))
                weft_str_addf(&r->wrong, "element %lld of '%s' is written %d times", (long long)e,
                              k->param[i]->name, times);
        }
    for (int i = 0; i < c.nparam; i++)
        free(b[i].data);
    return !r->wrong.n;
}

/* ---- targets --------------------------------------------------------------------------------- */

/* Of each class some targets; a pair is lowered for one of each. */
static const char *const targets[][4] = {
    { "opencl:generic-gpu", "vulkan:generic-gpu", "cuda:sm_80", "interp:gpu" },
    { "opencl:mali-g78", "interp:mobile", "metal:apple8", "opencl:adreno-740" },
    { "opencl:pocl", "interp:vector-cpu", "opencl:pocl", "interp:vector-cpu" },
    { "vulkan:lavapipe", "interp:lane-cpu", "vulkan:lavapipe", "interp:lane-cpu" },
};

/* Kernels that passes may change, of the same contexts. */
static weft_lowered
copy_kernels(const run *r)
{
    weft_lowered copy = r->low;
    weft_arena *a = &r->te->ir->arena;
    copy.kernel = WEFT_NEW_ARRAY(a, copy.nkernel, weft_kernel *);
    for (int i = 0; i < copy.nkernel; i++)
        copy.kernel[i] = weft_arena_dup(a, r->low.kernel[i], sizeof(weft_kernel));
    return copy;
}

static bool
run_passes(run *r, const weft_lowered *low, const char *names, const weft_target *target,
           const char *stage)
{
    weft_caps caps;
    weft_lower_options o = { .target = target, .caps = &caps, .roundtrip = r->p->seed % 16 == 0 };
    weft_backend_of(target->api)->caps(target, &caps);
    for (int k = 0; k < low->nkernel && !r->wrong.n; k++)
        if (weft_run_passes(low->kernel[k], names, &o, r->diag) != WEFT_OK)
            weft_str_addf(&r->wrong, "%s, passes: %s", stage, weft_diag_text(r->diag));
    return !r->wrong.n;
}

typedef struct overlay { /* the buffers of a kernel that lie over others */
    int n;
    const weft_buf *at[16];
    bool unlike; /* two that meet are of elements of two sizes */
} overlay;

static bool
note_overlay(void *user, const weft_stmt *s)
{
    overlay *o = user;
    const weft_buf *b = s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->room ? s->u.alloc.buf : NULL;
    for (int i = 0; b && i < o->n; i++)
        o->unlike |= weft_buf_meets(b, o->at[i]) &&
                     weft_dtype_bits(b->dtype) != weft_dtype_bits(o->at[i]->dtype);
    if (b && o->n < 16)
        o->at[o->n++] = b;
    return true;
}

static void
count_overlays(run *r, const weft_lowered *low)
{
    for (int k = 0; k < low->nkernel; k++) {
        overlay o = { 0 };
        weft_walk_stmt(&(weft_walker){ .stmt = note_overlay, .user = &o }, low->kernel[k]->body);
        r->p->widths += o.unlike;
    }
}

static bool
print_kernels(run *r, const weft_lowered *low, const weft_target *target, const char *stage)
{
    weft_str text = { 0 };
    for (int k = 0; k < low->nkernel && !r->wrong.n; k++)
        if (weft_backend_of(target->api)
                ->print(&text, low->kernel[k], target, WEFT_DEFAULT, r->diag) != WEFT_OK)
            weft_str_addf(&r->wrong, "%s, printing: %s", stage, weft_diag_text(r->diag));
    weft_str_free(&text);
    return !r->wrong.n;
}

static bool
check_class(run *r, int cls)
{
    const char *name = targets[cls][r->p->seed % 4];
    if (r->p->target && cls > 0)
        return true;
    if (r->p->target)
        name = r->p->target;
    weft_target patient = *weft_profile_find(name, r->diag), *target = &patient;
    patient.max_iterations = 0; /* a schedule may compute again as often as it likes */
    weft_lowered low = copy_kernels(r);
    int orders = (int)(r->p->seed % 4) == cls ? 3 : 1;
    bool ok = run_passes(r, &low, NULL, target, name) && print_kernels(r, &low, target, name);
    count_overlays(r, &low);
    for (int k = 0; ok && k < orders; k++)
        ok = check_values(r, &low, name, (weft_order)((r->p->seed / 4 + (uint64_t)k) % 3));
    return ok;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Whether n may have the value: no size is negative. */
static bool
has_sizes(const weft_te *te, int64_t n)
{
    for (int i = 0; i < te->tensor.n; i++)
        for (int d = 0; d < te->tensor.at[i]->buf->ndim; d++)
            if (eval_size(te->tensor.at[i]->buf->shape[d], n) < 0)
                return false;
    return true;
}

static bool
start(run *r)
{
    r->te = read_pair(r->p, r->diag);
    for (int v = 0; r->te && v < r->p->nvalue; v++)
        if (has_sizes(r->te, r->p->value[v]) &&
            !reference_outputs(r->p, r->p->value[v], &r->want[v], r->diag)) {
            weft_str_addf(&r->wrong, "without a schedule: %s", weft_diag_text(r->diag));
            return false;
        }
    if (!r->te || weft_lower_te(r->te, &r->low, r->diag) != WEFT_OK)
        weft_str_addf(&r->wrong, "a legal schedule is refused: %s", weft_diag_text(r->diag));
    for (int k = 0; !r->wrong.n && k < r->low.nkernel; k++)
        if (weft_verify(r->low.kernel[k], "after lowering", r->diag) != WEFT_OK)
            weft_str_addf(&r->wrong, "%s", weft_diag_text(r->diag));
    return !r->wrong.n;
}

/* The text of what was read prints the same when it is read again. */
static bool
check_text(run *r)
{
    weft_diag *diag = weft_diag_create();
    char *first = weft_te_print(r->te), *second = NULL;
    weft_te *again = weft_te_parse("printed.te", first, diag);
    if (again)
        second = weft_te_print(again);
    if (!second || strcmp(first, second) != 0)
        weft_str_addf(&r->wrong, "the text does not print the same: %s\n%s\n%s",
                      weft_diag_text(diag), first, second ? second : "");
    weft_te_destroy(again);
    weft_diag_destroy(diag);
    free(first);
    free(second);
    return !r->wrong.n;
}

static bool
check_flat(run *r)
{
    weft_lowered low = copy_kernels(r);
    return run_passes(r, &low, "flatten,simplify,vthread,double-buffer,partition",
                      weft_profile_find("interp", NULL), "flat") &&
           check_values(r, &low, "flat", (weft_order)((r->p->seed + 1) % 3));
}

char *
check_pair(pair *p)
{
    run r = { .p = p, .diag = weft_diag_create() };
    if (p->refusal)
        weft_str_add(&r.wrong, p->refusal);
    bool ok = !p->refusal && start(&r) && (p->seed % 16 || check_text(&r)) &&
              check_values(&r, &r.low, "loops", (weft_order)(p->seed % 3));
    for (int k = 0; ok && k < r.low.nkernel; k++)
        ok = check_counts(&r, k);
    ok = ok && check_flat(&r);
    for (int cls = 0; ok && cls < 4; cls++)
        ok = check_class(&r, cls);
    for (int v = 0; v < 2; v++)
        free_tensors(&r.want[v]);
    weft_te_destroy(r.te);
    weft_diag_destroy(r.diag);
    return weft_str_take(&r.wrong);
}
