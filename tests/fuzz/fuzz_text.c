/* tests/fuzz/fuzz_text.c: te programs and kernels at each level: what is read prints the same again
 * after it was read again, and is lowered and printed for one of the languages. */
#include "fuzz.h"
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

/* The target is the bytes' own choice, so that the same input is the same case. */
static void
choose_target(const uint8_t *data, size_t size, weft_target *target)
{
    static const char *const targets[] = { "opencl:generic-gpu", "vulkan:generic-gpu", "cuda:sm_80",
                                           "metal:apple8", "opencl:pocl" };
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    if (weft_resolve_target(targets[sum % (sizeof targets / sizeof *targets)], NULL, target, NULL))
        abort();
}

/* ---- te -------------------------------------------------------------------------------------- */

static void
check_te_text(const weft_te *te, weft_diag *diag)
{
    char *first = weft_te_print(te);
    weft_te *again = weft_te_parse("again", first, diag);
    if (!again)
        abort();
    char *second = weft_te_print(again);
    if (strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    weft_te_destroy(again);
}

void
fuzz_te(const uint8_t *data, size_t size)
{
    weft_target target;
    weft_arena arena = { 0 };
    weft_compile_job job = { .target = &target, .numerics = WEFT_DEFAULT, .threads = 1 };
    weft_unit u = { .diag = weft_diag_create() };
    choose_target(data, size, &target);
    u.te = weft_te_parse("fuzz", weft_arena_strndup(&arena, (const char *)data, size), u.diag);
    if (!u.te && !weft_diag_status(u.diag))
        abort();
    if (u.te) {
        check_te_text(u.te, u.diag);
        weft_build_unit(&u, &job, "k", u.te->log.n > 0, WEFT_DUMP_COUNT);
    }
    weft_unit_free(&u);
    weft_arena_reset(&arena);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static bool
takes(const weft_pass *p, weft_level level)
{
    return p->from == p->to ? level >= p->from : level == p->from;
}

/* The passes that are left for a kernel's level, and its language. */
static void
finish(weft_kernel *k, const weft_target *target, weft_diag *diag)
{
    weft_caps caps = { 0 };
    weft_lower_options options = { .target = target, .caps = &caps, .numerics = WEFT_DEFAULT };
    const weft_backend *backend = weft_backend_of(target->api);
    weft_str text = { 0 };
    backend->caps(target, &caps);
    weft_status status = WEFT_OK;
    for (int i = 0; i < weft_pass_count && !status; i++)
        if (takes(&weft_passes[i], k->level))
            status = weft_run_passes(k, weft_passes[i].name, &options, diag);
    if (!status && k->level == WEFT_LEVEL_DEVICE)
        backend->print(&text, k, target, WEFT_DEFAULT, diag);
    weft_str_free(&text);
}

void
fuzz_kernels(const uint8_t *data, size_t size)
{
    weft_target target;
    weft_kernel *const *k;
    int n;
    fuzz_ir(data, size);
    weft_arena arena = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    choose_target(data, size, &target);
    const char *text = weft_arena_strndup(&arena, (const char *)data, size);
    if (weft_parse_kernels(ir, "fuzz", text, &n, &k) == WEFT_OK)
        for (int i = 0; i < n; i++)
            if (weft_verify(k[i], "reading", diag) == WEFT_OK)
                finish(k[i], &target, diag);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    weft_arena_reset(&arena);
}
