/* test_reach.c: kernels of programs over symbols are told apart by whether their i32 arithmetic holds
 * what it comes to at some sizes.
 *
 * What it comes to is computed here in 64 bits, in the first, the last and a middle iteration of every
 * loop: what passes i32 there has to be refused, and what stays far below it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"

/* ---- kernels at given sizes ------------------------------------------------------------------ */

typedef struct trial {
    int64_t *value; /* by a variable's id */
    bool *known;
    int64_t loaded; /* what any i32 in memory is */
    int64_t most;   /* what i32 arithmetic came to, farthest from 0 */
} trial;

static bool eval(trial *, const weft_expr *, int64_t *);

static bool
counts(const weft_expr *e)
{
    weft_ek k = (weft_ek)e->h.kind;
    bool computes = k == WEFT_EK_ADD || k == WEFT_EK_SUB || k == WEFT_EK_MUL || k == WEFT_EK_CAST;
    return computes && e->h.type.dtype == WEFT_I32 && e->h.index;
}

static bool
compute(weft_ek op, int64_t a, int64_t b, int64_t *v)
{
    switch (op) {
    case WEFT_EK_TDIV:
        *v = b ? a / b : 0;
        return true;
    case WEFT_EK_TMOD:
        *v = b ? a % b : 0;
        return true;
    case WEFT_EK_LT:
        *v = a < b;
        return true;
    case WEFT_EK_LE:
        *v = a <= b;
        return true;
    case WEFT_EK_GT:
        *v = a > b;
        return true;
    case WEFT_EK_GE:
        *v = a >= b;
        return true;
    case WEFT_EK_EQ:
        *v = a == b;
        return true;
    case WEFT_EK_AND:
        *v = a && b;
        return true;
    case WEFT_EK_OR:
        *v = a || b;
        return true;
    default:
        return weft_fold_i64(op, a, b, v);
    }
}

static void
note(trial *t, int64_t v)
{
    v = v < 0 ? -v : v;
    t->most = v > t->most ? v : t->most;
}

static bool
eval_load(trial *t, const weft_expr *e, int64_t *v)
{
    for (int i = 0; i < e->h.nargs; i++)
        if (eval(t, e->arg[i], v) && e->arg[i]->h.type.dtype == WEFT_I32)
            note(t, *v);
    *v = t->loaded;
    return e->h.type.dtype == WEFT_I32;
}

/* The arguments of what has no value here are looked at all the same. */
static bool
eval_node(trial *t, const weft_expr *e, int64_t *v)
{
    int64_t a = 0, b = 0;
    bool known = true;
    if (weft_as_int(e, v))
        return true;
    if (e->h.kind == WEFT_EK_VAR) {
        *v = t->value[e->h.u.var->id];
        return t->known[e->h.u.var->id];
    }
    if (e->h.kind == WEFT_EK_GUARD && eval(t, e->arg[0], &a))
        return eval(t, e->arg[a ? 1 : 2], v);
    if (e->h.kind == WEFT_EK_LOAD)
        return eval_load(t, e, v);
    for (int i = 0; i < e->h.nargs; i++)
        known = eval(t, e->arg[i], i ? &b : &a) && known;
    bool whole = weft_is_int((weft_dtype)e->h.type.dtype) || e->h.type.dtype == WEFT_BOOL;
    if (!known || !whole || e->h.type.lanes > 1)
        return false;
    *v = a;
    return e->h.kind == WEFT_EK_CAST ||
           (e->h.nargs == 2 && e->h.kind != WEFT_EK_CALL &&
            compute((weft_ek)e->h.kind, a, b, v));
}

static bool
eval(trial *t, const weft_expr *e, int64_t *v)
{
    bool known = eval_node(t, e, v);
    if (known && counts(e))
        note(t, *v);
    return known;
}

static void run(trial *, const weft_stmt *);

static void
run_loop(trial *t, const weft_stmt *s)
{
    int64_t n = 0, last = -1;
    bool known = eval(t, s->u.loop.extent, &n);
    for (int i = 0; i < 3 && known && n > 0 && s->kind == WEFT_SK_FOR; i++) {
        int64_t at = i == 2 ? n - 1 : i * (n / 2);
        if (at == last)
            continue;
        t->value[s->u.loop.var->id] = last = at;
        t->known[s->u.loop.var->id] = true;
        run(t, s->u.loop.body);
    }
}

static void
run(trial *t, const weft_stmt *s)
{
    int64_t v = 1;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            run(t, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        run_loop(t, s);
        return;
    case WEFT_SK_IF:
        v = !eval(t, s->u.iff.cond, &v) || v;
        if (v || s->u.iff.els)
            run(t, v ? s->u.iff.then : s->u.iff.els);
        return;
    case WEFT_SK_LET:
        t->known[s->u.let.var->id] = eval(t, s->u.let.value, &t->value[s->u.let.var->id]);
        run(t, s->u.let.body);
        return;
    case WEFT_SK_ALLOC:
        run(t, s->u.alloc.body);
        return;
    case WEFT_SK_STORE:
        eval(t, s->u.store.value, &v);
        for (int i = 0; i < s->u.store.n; i++)
            eval(t, s->u.store.index[i], &v);
        return;
    default:
        return;
    }
}

/* ---- programs -------------------------------------------------------------------------------- */

static const char *const programs[] = {
    "te pairs(A: f32[m], B: f32[n]) { C[] = max(i < m, j < n) A[i] + B[j] }",
    "te table(A: f32[m], B: f32[n]) { C[i < m, j < n] = A[i] + B[j] }",
    "te more(A: i8[m, n]) { C[i < m, j < n] = A[i, j] + 1i8 }",
    "te turned(A: f32[m, n]) { C[j < n, i < m] = A[i, j] }",
    "te product(A: f32[m, k], B: f32[k, n]) { C[i < m, j < n] = sum(r < k) A[i, r] * B[r, j] }",
    "te rows(A: f16[m, n]) { S[i < m] = sum(j < n) f32(A[i, j])  C[i < m, j < n] = f32(A[i, j]) / S[i] }",
    "te taken(A: f32[m, n], I: i32[k]) { C[i < k, j < n] = A[I[i], j] }",
    "te line(A: f32[m]) { C[i < m] = A[i] * 2.0 }",
    "te padded(A: f32[m, n]) { C[y < m + 2, x < n + 2] = guard(y >= 1 && y < m + 1 && x >= 1 && "
    "x < n + 1, A[y - 1, x - 1], 0.0) }",
};

static const char *const targets[] = { "interp",         "opencl:generic-gpu", "opencl:pocl",
                                       "vulkan:lavapipe", "cuda:sm_80",        "metal:apple8" };

/* m, n, k */
static const int64_t sizes[][3] = {
    { 1, 1, 1 },           { 7, 300, 5 },           { 0, 9, 3 },          { 1 << 20, 1 << 9, 4 },
    { 1 << 9, 1 << 20, 1 }, { 46340, 46340, 2 },    { 46341, 46341, 2 },  { 50000, 50000, 3 },
    { 2147483647, 1, 1 },  { 1, 2147483647, 1 },    { 2147483600, 2, 1 }, { 3, 100000, 100000 },
    { 100000, 3, 100000 }, { 2000000, 2000000, 9 }, { 1, 1 << 29, 1 },    { 1 << 29, 1, 1 },
};

static int64_t
size_of(const char *name, const int64_t size[3])
{
    return size[*name == 'm' ? 0 : *name == 'n' ? 1 : 2];
}

static int64_t
come_to(const weft_kernel *k, const int64_t size[3])
{
    trial t = { .value = calloc(k->ir->nvar, sizeof *t.value),
                .known = calloc(k->ir->nvar, sizeof *t.known),
                .loaded = size[0] ? size[0] - 1 : 0 };
    for (int i = 0; i < k->nscalar; i++) {
        t.value[k->scalar[i]->id] = size_of(k->scalar[i]->name, size);
        t.known[k->scalar[i]->id] = true;
    }
    run(&t, k->body);
    free(t.value);
    free(t.known);
    return t.most;
}

static int64_t
told(const weft_reach *r, const int64_t size[3])
{
    static const char *const names[] = { "m", "n", "k" };
    int64_t most = 0, v, at[3];
    weft_arena arena = { 0 };
    for (int i = 0; i < 3; i++)
        at[i] = size[i] > 1 ? size[i] : 1;
    for (int i = 0; i < r->n; i++) {
        const weft_iexpr *e =
            weft_iexpr_parse(&arena, NULL, weft_plan_text(&arena, r->most[i]), 3, names);
        assert_non_null(e);
        v = weft_iexpr_eval(e, at, NULL, &v) ? INT64_MAX : v;
        most = v > most ? v : most;
    }
    weft_arena_reset(&arena);
    return most;
}

static void
check_kernel(const weft_kernel *k, const char *target)
{
    weft_reach r = weft_kernel_reach(k);
    if (r.n > 8)
        fail_msg("%s for %s: %d values", k->name, target, r.n);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t is = come_to(k, sizes[i]), said = told(&r, sizes[i]);
        if ((is > INT32_MAX && said <= INT32_MAX) || (is <= INT32_MAX / 4 && said > INT32_MAX))
            fail_msg("%s for %s, m = %lld, n = %lld, k = %lld: it comes to %lld; told: %lld", k->name,
                     target, (long long)sizes[i][0], (long long)sizes[i][1], (long long)sizes[i][2],
                     (long long)is, (long long)said);
    }
}

static void
what_passes_i32_at_some_sizes_is_told(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof programs / sizeof *programs; p++)
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            weft_diag *diag = weft_diag_create();
            weft_target target;
            if (weft_resolve_target(targets[i], NULL, &target, diag))
                fail_msg("%s", weft_diag_text(diag));
            weft_unit u = { .te = weft_te_parse("p", programs[p], diag), .diag = diag };
            weft_compile_job job = { .target = &target, .optimize = 2, .threads = 1 };
            if (!u.te || weft_build_unit(&u, &job, u.te->name, false, WEFT_DUMP_COUNT))
                fail_msg("%s: %s", targets[i], weft_diag_text(diag));
            for (int k = 0; k < u.nkernel; k++)
                check_kernel(u.kernel[k].kernel, targets[i]);
            weft_unit_free(&u); /* and diag */
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_i32_at_some_sizes_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
