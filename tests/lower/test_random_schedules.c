/* Random schedules of random programs compute what the program says, at every level, and write each
 * element of an output once.  WEFT_FUZZ_N: how many pairs; WEFT_FUZZ_SEED: the first. */
#include "support_random.h"

#include "ir/interp.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---------------------------------------------------------------------------------- */

typedef struct memory { /* of a program: inputs, workspace, outputs */
    int ninput, noutput, nwork;
    weft_interp_buffer *input, *output, *work;
} memory;

static int64_t
eval_size(const weft_expr *e, int64_t n)
{
    int64_t v, a, b;
    if (weft_as_int(e, &v))
        return v;
    if (e->h.kind == WEFT_EK_VAR)
        return n;
    a = eval_size(e->arg[0], n);
    b = eval_size(e->arg[1], n);
    switch (e->h.kind) {
    case WEFT_EK_ADD:
        return a + b;
    case WEFT_EK_SUB:
        return a - b;
    case WEFT_EK_MUL:
        return a * b;
    case WEFT_EK_FDIV:
        return weft_floordiv(a, b);
    case WEFT_EK_MIN:
        return a < b ? a : b;
    case WEFT_EK_MAX:
        return a > b ? a : b;
    default:
        fail_msg("a size of kind %s", weft_expr_infos[e->h.kind].name);
        return 0;
    }
}

static int64_t
elements(const weft_buf *b, int64_t n)
{
    int64_t total = 1;
    for (int d = 0; d < b->ndim; d++)
        total *= eval_size(b->shape[d], n);
    return total > 0 ? total : 0;
}

static weft_interp_buffer
buffer(int64_t count, bool input)
{
    double *data = calloc((size_t)count + 1, sizeof *data);
    for (int64_t i = 0; i < count; i++)
        data[i] =
            input ? (double)((i * 7 + 3) % 5 - 2) / 2 > 0 ? 1 : (double)((i * 11) % 3) - 1 : -777;
    return (weft_interp_buffer){ data, count, input, !input };
}

static memory
make_memory(const weft_te *te, const weft_lowered *low, int64_t n)
{
    memory m = { te->input.n, te->output.n, low->nwork, NULL, NULL, NULL };
    m.input = calloc((size_t)m.ninput + 1, sizeof *m.input);
    m.output = calloc((size_t)m.noutput + 1, sizeof *m.output);
    m.work = calloc((size_t)m.nwork + 1, sizeof *m.work);
    for (int i = 0; i < m.ninput; i++)
        m.input[i] = buffer(elements(te->input.at[i]->buf, n), true);
    for (int i = 0; i < m.noutput; i++)
        m.output[i] = buffer(elements(te->output.at[i]->buf, n), false);
    for (int i = 0; i < m.nwork; i++)
        m.work[i] = buffer(elements(low->work[i], n), false);
    return m;
}

static void
free_memory(memory *m)
{
    for (int i = 0; i < m->ninput; i++)
        free(m->input[i].data);
    for (int i = 0; i < m->noutput; i++)
        free(m->output[i].data);
    for (int i = 0; i < m->nwork; i++)
        free(m->work[i].data);
    free(m->input);
    free(m->output);
    free(m->work);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static weft_interp_buffer *
slot_memory(memory *m, weft_slot s)
{
    return s.kind == WEFT_SLOT_INPUT    ? &m->input[s.index]
           : s.kind == WEFT_SLOT_OUTPUT ? &m->output[s.index]
                                        : &m->work[s.index];
}

static weft_status
run_kernel(const weft_kernel *k, const weft_slot *slot, memory *m, int64_t n,
           const weft_interp_options *o, weft_diag *diag)
{
    weft_interp_buffer at[32];
    weft_interp *in = weft_interp_create(k, o, diag);
    if (!in)
        return weft_diag_status(diag);
    for (int i = 0; i < k->nparam; i++) {
        at[i] = *slot_memory(m, slot[i]);
        at[i].must_write = slot[i].kind == WEFT_SLOT_OUTPUT && k->access[i] & WEFT_WRITE;
    }
    weft_status st = weft_interp_run(in, at, &n, diag);
    weft_interp_destroy(in);
    for (int i = 0; i < k->nparam; i++)
        if (k->access[i] & WEFT_WRITE)
            slot_memory(m, slot[i])->initialised = true;
    return st;
}

static void
print_all(const weft_te *te, const weft_lowered *low)
{
    char *text = weft_te_print(te);
    weft_str s = { 0 };
    for (int k = 0; k < low->nkernel; k++)
        if (low->kernel[k])
            weft_print_kernel(&s, low->kernel[k]);
    fprintf(stderr, "%s\n%.20000s\n", text, weft_str_text(&s));
    weft_str_free(&s);
    free(text);
}

static bool
has_shared(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->space == WEFT_SHARED;
    return true;
}

/* Shared memory needs the barriers that a later pass puts in. */
static bool
runs_at(const weft_kernel *k)
{
    bool shared = false;
    weft_walker w = { .stmt = has_shared, .user = &shared };
    weft_walk_stmt(&w, k->body);
    return !shared;
}

typedef struct run {
    uint64_t seed;
    const weft_te *te;
    const weft_lowered *low;
    int64_t n;
    const memory *want;
    weft_diag *diag;
    const char *stage;
    weft_order order;
} run;

static void
check_run(const run *r)
{
    memory m = make_memory(r->te, r->low, r->n);
    weft_interp_options o = {
        .order = r->order, .seed = r->seed, .threads = 1, .max_steps = 50000000
    };
    weft_status st = WEFT_OK;
    for (int k = 0; st == WEFT_OK && k < r->low->nkernel; k++)
        st = run_kernel(r->low->kernel[k], r->low->slot[k], &m, r->n, &o, r->diag);
    int bad = -1;
    for (int i = 0; st == WEFT_OK && i < m.noutput; i++)
        if (memcmp(m.output[i].data, r->want->output[i].data,
                   (size_t)m.output[i].count * sizeof(double)) != 0)
            bad = i;
    if (st != WEFT_OK || bad >= 0) {
        print_all(r->te, r->low);
        fail_msg("seed %llu, %s, n = %lld: %s%s", (unsigned long long)r->seed, r->stage,
                 (long long)r->n, weft_diag_text(r->diag),
                 bad >= 0 ? "other values than without a schedule" : "");
    }
    free_memory(&m);
}

/* ---- each element once ----------------------------------------------------------------------- */

static const weft_stmt *
count_store(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_STORE || s->u.store.buf->space != WEFT_GLOBAL)
        return s;
    const weft_expr *before = weft_load(rw->ir, s->u.store.buf, s->u.store.n, s->u.store.index);
    return weft_store(rw->ir, s->u.store.buf, s->u.store.n, s->u.store.index,
                      weft_add(rw->ir, before, weft_float(rw->ir, WEFT_F64, 1)));
}

/* A kernel that reduces in global memory writes its elements many times. */
static bool
stores_once(const weft_kernel *k)
{
    for (int i = 0; i < k->nparam; i++)
        if (k->access[i] == WEFT_READ_WRITE)
            return false;
    return true;
}

static void
check_counts(const run *r, int i)
{
    weft_kernel k = *r->low->kernel[i];
    if (!stores_once(&k) || !runs_at(&k))
        return;
    weft_rewriter rw = { .ir = k.ir, .stmt = count_store };
    k.body = weft_rewrite_stmt(&rw, k.body);
    weft_rewrite_done(&rw);
    weft_access access[32];
    for (int p = 0; p < k.nparam; p++)
        access[p] = k.access[p] | (k.access[p] & WEFT_WRITE ? WEFT_READ : 0);
    k.access = access;
    memory m = make_memory(r->te, r->low, r->n);
    const weft_slot *slot = r->low->slot[i];
    for (int p = 0; p < k.nparam; p++) {
        weft_interp_buffer *b = slot_memory(&m, slot[p]);
        b->initialised = true;
        for (int64_t e = 0; k.access[p] & WEFT_WRITE && e < b->count; e++)
            ((double *)b->data)[e] = 0;
    }
    weft_interp_options o = { .threads = 1, .max_steps = 50000000 };
    weft_status st = run_kernel(&k, slot, &m, r->n, &o, r->diag);
    for (int p = 0; st == WEFT_OK && p < k.nparam; p++) {
        const weft_interp_buffer *b = slot_memory(&m, slot[p]);
        for (int64_t e = 0; k.access[p] & WEFT_WRITE && e < b->count; e++)
            if (((double *)b->data)[e] != 1) {
                print_all(r->te, r->low);
                fail_msg("seed %llu: element %lld of '%s' is written %g times",
                         (unsigned long long)r->seed, (long long)e, k.param[p]->name,
                         ((double *)b->data)[e]);
            }
    }
    if (st != WEFT_OK)
        fail_msg("seed %llu: %s", (unsigned long long)r->seed, weft_diag_text(r->diag));
    free_memory(&m);
}

/* ---- one pair -------------------------------------------------------------------------------- */

/* The values that the program has without a schedule. */
static memory
reference(uint64_t seed)
{
    weft_diag *diag = weft_diag_create();
    int64_t n;
    weft_te *te = random_program((rng){ seed }, diag, &n);
    weft_lowered low;
    weft_interp_options o = { .threads = 1 };
    if (weft_lower_te(te, &low, diag) != WEFT_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, weft_diag_text(diag));
    memory m = make_memory(te, &low, n);
    for (int k = 0; k < low.nkernel; k++)
        if (run_kernel(low.kernel[k], low.slot[k], &m, n, &o, diag) != WEFT_OK) {
            print_all(te, &low);
            fail_msg("seed %llu: %s", (unsigned long long)seed, weft_diag_text(diag));
        }
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    return m;
}

static void
run_passes(const run *r, const char *names)
{
    weft_lower_options o = plain_options();
    weft_caps caps = plain_caps(r->seed % 2);
    o.caps = &caps;
    o.roundtrip = r->seed % 8 == 0;
    for (int k = 0; k < r->low->nkernel; k++)
        if (weft_run_passes(r->low->kernel[k], names, &o, r->diag) != WEFT_OK) {
            print_all(r->te, r->low);
            fail_msg("seed %llu, %s: %s", (unsigned long long)r->seed, r->stage,
                     weft_diag_text(r->diag));
        }
}

/* Whether the schedule was one that lowering takes. */
static bool
check_pair(uint64_t seed, int count[P_COUNT])
{
    weft_diag *diag = weft_diag_create(), *fresh = weft_diag_create();
    int64_t n;
    weft_te *te = random_program((rng){ seed }, diag, &n);
    rng r = { seed ^ 0xabcdef };
    weft_lowered low;
    random_schedule(&r, te, count);
    weft_status st = weft_lower_te(te, &low, fresh);
    if (st == WEFT_OK) {
        memory want = reference(seed);
        run at = { seed, te, &low, n, &want, fresh, "loops", (weft_order)(seed % 3) };
        bool everywhere = true;
        for (int k = 0; k < low.nkernel; k++) {
            if (weft_verify(low.kernel[k], "after lowering", fresh) != WEFT_OK)
                fail_msg("seed %llu: %s", (unsigned long long)seed, weft_diag_text(fresh));
            check_counts(&at, k);
            everywhere = everywhere && runs_at(low.kernel[k]);
        }
        if (everywhere)
            check_run(&at);
        at.stage = "flat";
        run_passes(&at, "flatten,simplify,vthread,partition,simplify");
        if (everywhere)
            check_run(&at);
        at.stage = "barriers";
        run_passes(&at, "partition,vectorize,unroll,reduce-threads,simplify,barriers");
        check_run(&at);
        at.stage = "device";
        run_passes(&at, "legalize,hoist");
        check_run(&at);
        free_memory(&want);
    } else if (st != WEFT_INVALID_ARGUMENT && st != WEFT_UNSUPPORTED) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, weft_diag_text(fresh));
    } else if (getenv("WEFT_FUZZ_VERBOSE")) {
        print_message("seed %llu: %s\n", (unsigned long long)seed, weft_diag_text(fresh));
    }
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    weft_diag_destroy(fresh);
    return st == WEFT_OK;
}

static void
random_schedules_change_no_value(void **state)
{
    (void)state;
    const char *n = getenv("WEFT_FUZZ_N"), *seed = getenv("WEFT_FUZZ_SEED");
    int pairs = n ? atoi(n) : 300, lowered = 0, count[P_COUNT] = { 0 };
    for (int i = 0; i < pairs; i++)
        lowered += check_pair((uint64_t)i + (uint64_t)(seed ? atoll(seed) : 1), count);
    print_message("%d of %d schedules lowered;", lowered, pairs);
    for (int p = 0; p < P_COUNT; p++) {
        print_message(" %s %d", primitive_name[p], count[p]);
        if (pairs >= 300)
            assert_true(count[p] > 0);
    }
    print_message("\n");
    assert_true(lowered * 2 >= pairs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_schedules_change_no_value) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
