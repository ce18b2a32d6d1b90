#include "support.h"

#include "rules/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- targets --------------------------------------------------------------------------------- */

#define COMMON                                                                                     \
    .api = WEFT_API_INTERP, .max_alloc = INT64_C(1) << 32, .max_range = INT64_C(1) << 31,          \
    .offset_align = 16, .max_buffers = 16, .scalar_bytes = 128, .subgroup = 1, .f16 = true,        \
    .f64 = true, .i8 = true, .i16 = true, .i64 = true, .storage8 = true, .storage16 = true

const weft_target rule_targets[] = {
    { COMMON, .name = "gpu", .cls = WEFT_CLASS_GPU, .max_threads = 256,
      .max_block = { 256, 256, 64 }, .max_grid = { 65535, 65535, 65535 }, .shared_bytes = 16384,
      .vector_lanes = 4, .cores = 2, .registers = 64 },
    { COMMON, .name = "small gpu", .cls = WEFT_CLASS_GPU, .max_threads = 64,
      .max_block = { 64, 64, 1 }, .max_grid = { 7, 1, 1 }, .shared_bytes = 2048, .vector_lanes = 1,
      .cores = 64, .registers = 32 },
    { COMMON, .name = "mobile", .cls = WEFT_CLASS_MOBILE, .max_threads = 128,
      .max_block = { 128, 128, 64 }, .max_grid = { 65535, 65535, 65535 }, .shared_bytes = 8192,
      .vector_lanes = 4, .cores = 8, .registers = 64 },
    { COMMON, .name = "lanes", .cls = WEFT_CLASS_LANE_CPU, .max_threads = 1024,
      .max_block = { 1024, 1024, 1024 }, .max_grid = { 65535, 65535, 65535 }, .shared_bytes = 32768,
      .vector_lanes = 1, .cores = 2, .registers = 16 },
    { COMMON, .name = "vectors of 16", .cls = WEFT_CLASS_VECTOR_CPU, .max_threads = 4096,
      .max_block = { 4096, 4096, 4096 }, .max_grid = { INT32_MAX, 65535, 65535 },
      .shared_bytes = 1 << 21, .vector_lanes = 16, .cores = 2, .registers = 32,
      .cache_bytes = 1 << 20, .gflops = 250, .gbytes = 15 },
    { COMMON, .name = "vectors of 8", .cls = WEFT_CLASS_VECTOR_CPU, .max_threads = 64,
      .max_block = { 64, 64, 64 }, .max_grid = { 5, 1, 1 }, .shared_bytes = 65536,
      .vector_lanes = 8, .cores = 4, .registers = 16, .cache_bytes = 1 << 18 },
};
const int rule_target_count = sizeof rule_targets / sizeof *rule_targets;

static weft_caps
caps_of(const weft_target *t)
{
    bool vectors = t->vector_lanes > 1;
    uint32_t lanes = 1u << 1;
    for (int n = 2; n <= t->vector_lanes; n *= 2)
        lanes |= 1u << n;
    weft_caps c = { .lanes = lanes,
                    .vector_load = vectors,
                    .aligned_vector_load = vectors,
                    .vector_compare = vectors,
                    .nan_min_max = vectors,
                    .sat_cast = true,
                    .bool_storage = vectors };
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        c.intrin[i] = true;
    for (int t8 = 0; t8 < WEFT_DTYPE_COUNT; t8++)
        c.arith[t8] = c.storage[t8] = true;
    return c;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int64_t
eval(const weft_te *te, const sizes *s, const weft_expr *e)
{
    int64_t v, a, b;
    if (weft_as_int(e, &v))
        return v;
    for (int i = 0; e->h.kind == WEFT_EK_VAR && i < te->symbol.n; i++)
        if (te->symbol.at[i] == e->h.u.var)
            return s->at[i];
    a = eval(te, s, e->arg[0]);
    b = e->h.nargs > 1 ? eval(te, s, e->arg[1]) : 0;
    switch (e->h.kind) {
    case WEFT_EK_ADD:
        return a + b;
    case WEFT_EK_SUB:
        return a - b;
    case WEFT_EK_MUL:
        return a * b;
    case WEFT_EK_FDIV:
        return weft_floordiv(a, b);
    case WEFT_EK_CAST:
        return a;
    default:
        fail_msg("a size of kind %s", weft_expr_infos[e->h.kind].name);
        return 0;
    }
}

static int64_t
elements(const weft_te *te, const sizes *s, const weft_buf *b)
{
    int64_t n = 1;
    for (int d = 0; d < b->ndim; d++)
        n *= eval(te, s, b->shape[d]);
    return n > 0 ? n : 0;
}

/* Small whole numbers, so that the order of a sum does not matter. */
static double
whole(int64_t i, int which)
{
    uint64_t h = ((uint64_t)i + 1) * 0x9e3779b97f4a7c15u + (uint64_t)which * 0xbf58476d1ce4e5b9u;
    return (double)((h >> 40) % 5) - 2;
}

static weft_interp_buffer
buffer(const weft_te *te, const sizes *s, const weft_buf *b, int input)
{
    int64_t n = elements(te, s, b), size = (weft_dtype_bits(b->dtype) + 7) / 8;
    char *data = calloc((size_t)n + 1, (size_t)size);
    for (int64_t i = 0; input >= 0 && i < n; i++)
        switch (b->dtype) {
        case WEFT_F32:
            ((float *)(void *)data)[i] = (float)whole(i, input);
            break;
        case WEFT_F64:
            ((double *)(void *)data)[i] = whole(i, input);
            break;
        case WEFT_I32:
            ((int32_t *)(void *)data)[i] = (int32_t)whole(i, input);
            break;
        case WEFT_I8:
            ((int8_t *)data)[i] = (int8_t)whole(i, input);
            break;
        default:
            fail_msg("no inputs of %s here", weft_dtype_name(b->dtype));
        }
    return (weft_interp_buffer){ data, n, input >= 0, false };
}

static double
element(const weft_interp_buffer *b, weft_dtype t, int64_t i)
{
    switch (t) {
    case WEFT_F32:
        return (double)((float *)b->data)[i];
    case WEFT_F64:
        return ((double *)b->data)[i];
    case WEFT_I32:
        return (double)((int32_t *)b->data)[i];
    case WEFT_I64:
        return (double)((int64_t *)b->data)[i];
    default:
        fail_msg("no outputs of %s here", weft_dtype_name(t));
        return 0;
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct memory {
    weft_interp_buffer *input, *output, *work;
} memory;

static weft_interp_buffer *
slot_of(memory *m, weft_slot s)
{
    return s.kind == WEFT_SLOT_INPUT    ? &m->input[s.index]
           : s.kind == WEFT_SLOT_OUTPUT ? &m->output[s.index]
                                        : &m->work[s.index];
}

static void
complain(const char *text, const char *target, const weft_te *te, const weft_kernel *k,
         weft_diag *diag)
{
    char *schedule = weft_te_print(te);
    weft_str s = { 0 };
    if (k)
        weft_print_kernel(&s, k);
    print_error("%s\n%.12000s\n", schedule, weft_str_text(&s));
    weft_str_free(&s);
    free(schedule);
    fail_msg("%s, for %s: %s", text, target, weft_diag_text(diag));
}

static void
run_kernel(const char *text, const char *target, const weft_te *te, const weft_kernel *k,
           const weft_slot *slot, memory *m, const sizes *s, weft_order order, weft_diag *diag)
{
    weft_interp_buffer at[32];
    int64_t scalar[4] = { 0 };
    weft_interp_options o = { .order = order, .seed = 1, .threads = 1, .max_steps = 400000000 };
    weft_interp *in = weft_interp_create(k, &o, diag);
    if (!in)
        complain(text, target, te, k, diag);
    for (int i = 0; i < k->nparam; i++) {
        at[i] = *slot_of(m, slot[i]);
        at[i].must_write = k->access[i] & WEFT_WRITE;
    }
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = eval(te, s, weft_ref(k->ir, k->scalar[i]));
    if (weft_interp_run(in, at, scalar, diag) != WEFT_OK)
        complain(text, target, te, k, diag);
    weft_interp_destroy(in);
    for (int i = 0; i < k->nparam; i++)
        if (k->access[i] & WEFT_WRITE)
            slot_of(m, slot[i])->initialised = true;
}

static results
collect(const weft_te *te, const memory *m)
{
    results r = { te->output.n, calloc((size_t)te->output.n, sizeof *r.count),
                  calloc((size_t)te->output.n, sizeof *r.value) };
    for (int i = 0; i < r.n; i++) {
        const weft_interp_buffer *b = &m->output[i];
        r.count[i] = b->count;
        r.value[i] = calloc((size_t)b->count + 1, sizeof(double));
        for (int64_t e = 0; e < b->count; e++)
            r.value[i][e] = element(b, te->output.at[i]->buf->dtype, e);
    }
    return r;
}

static void
free_all(weft_interp_buffer *b, int n)
{
    for (int i = 0; i < n; i++)
        free(b[i].data);
    free(b);
}

static results
run_lowered(const char *text, const char *target, const weft_te *te, const weft_lowered *low,
            const sizes *s, weft_order order, weft_diag *diag)
{
    memory m = { calloc((size_t)te->input.n + 1, sizeof *m.input),
                 calloc((size_t)te->output.n + 1, sizeof *m.output),
                 calloc((size_t)low->nwork + 1, sizeof *m.work) };
    for (int i = 0; i < te->input.n; i++)
        m.input[i] = buffer(te, s, te->input.at[i]->buf, i);
    for (int i = 0; i < te->output.n; i++)
        m.output[i] = buffer(te, s, te->output.at[i]->buf, -1);
    for (int i = 0; i < low->nwork; i++)
        m.work[i] = buffer(te, s, low->work[i], -1);
    for (int k = 0; k < low->nkernel; k++)
        run_kernel(text, target, te, low->kernel[k], low->slot[k], &m, s, order, diag);
    results r = collect(te, &m);
    free_all(m.input, te->input.n);
    free_all(m.output, te->output.n);
    free_all(m.work, low->nwork);
    return r;
}

static results
run(const char *text, const sizes *s, const weft_target *target, weft_order order)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("test.te", text, diag);
    const char *name = target ? target->name : "reference";
    weft_lowered low;
    if (!te)
        fail_msg("%s: %s", text, weft_diag_text(diag));
    if (target && weft_schedule_default(te, target, diag) != WEFT_OK)
        complain(text, name, te, NULL, diag);
    if (weft_lower_te(te, &low, diag) != WEFT_OK)
        complain(text, name, te, NULL, diag);
    for (int k = 0; target && k < low.nkernel; k++) {
        weft_caps caps = caps_of(target);
        weft_lower_options o = { .target = target, .caps = &caps, .numerics = WEFT_DEFAULT };
        if (weft_run_passes(low.kernel[k], NULL, &o, diag) != WEFT_OK)
            complain(text, name, te, low.kernel[k], diag);
    }
    results r = run_lowered(text, name, te, &low, s, order, diag);
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    return r;
}

results
run_reference(const char *text, const sizes *s)
{
    return run(text, s, NULL, WEFT_ORDER_FORWARD);
}

results
run_scheduled(const char *text, const sizes *s, const weft_target *target, weft_order order)
{
    return run(text, s, target, order);
}

void
results_free(results *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->value[i]);
    free(r->value);
    free(r->count);
}

void
assert_same(const char *text, const char *target, const results *got, const results *want)
{
    assert_int_equal(got->n, want->n);
    for (int i = 0; i < want->n; i++) {
        assert_int_equal(got->count[i], want->count[i]);
        for (int64_t e = 0; e < want->count[i]; e++) {
            double a = got->value[i][e], b = want->value[i][e];
            if (!(fabs(a - b) <= 1e-4 * fabs(b) + 1e-5) && !(isinf(a) && a == b))
                fail_msg("%s, for %s: element %lld of output %d is %g, not %g", text, target,
                         (long long)e, i, a, b);
        }
    }
}

/* ---- schedules ------------------------------------------------------------------------------- */

static const weft_target *
target_named(const char *name)
{
    for (int i = 0; i < rule_target_count; i++)
        if (strcmp(rule_targets[i].name, name) == 0)
            return &rule_targets[i];
    fail_msg("there is no target '%s'", name);
    return NULL;
}

char *
schedule_of(const char *text, const char *target)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("test.te", text, diag);
    weft_str all = { 0 };
    if (!te || weft_schedule_default(te, target_named(target), diag) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    for (int i = 0; i < te->log.n; i++)
        weft_str_addf(&all, "%s\n", te->log.at[i]);
    char *log = strdup(weft_str_text(&all));
    weft_str_free(&all);
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    return log;
}
