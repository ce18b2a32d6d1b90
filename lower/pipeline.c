/* The passes in the order they run, and what happens between any two of them: the level is checked,
 * the kernel verified, printed on request, read back on request, and a pass that claims to have
 * changed nothing is believed only when nothing changed. */
#include "lower/priv.h"

#include <stdlib.h>
#include <string.h>

/* Loops are partitioned before they are vectorised and unrolled, so that guards are gone from their
 * full part; barriers are planned when no buffer changes any more. */
const weft_pass weft_passes[] = {
    { "flatten", weft_pass_flatten, WEFT_LEVEL_LOOPS, WEFT_LEVEL_FLAT },
    { "simplify", weft_pass_simplify, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "vthread", weft_pass_vthread, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "double-buffer", weft_pass_double_buffer, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "partition", weft_pass_partition, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "unswitch", weft_pass_unswitch, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "vectorize", weft_pass_vectorize, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "unroll", weft_pass_unroll, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "reduce-threads", weft_pass_reduce_threads, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "simplify", weft_pass_simplify, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "registers", weft_pass_registers, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "storage", weft_pass_storage, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "barriers", weft_pass_barriers, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "join", weft_pass_join, WEFT_LEVEL_FLAT, WEFT_LEVEL_FLAT },
    { "legalize", weft_pass_legalize, WEFT_LEVEL_FLAT, WEFT_LEVEL_DEVICE },
    { "rejoin", weft_pass_rejoin, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
    { "stream", weft_pass_stream, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
    { "hoist", weft_pass_hoist, WEFT_LEVEL_LOOPS, WEFT_LEVEL_LOOPS },
    { "async", weft_pass_async, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
    { "prefetch", weft_pass_prefetch, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
    { "offsets", weft_pass_offsets, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
    { "limits", weft_pass_limits, WEFT_LEVEL_DEVICE, WEFT_LEVEL_DEVICE },
};
const int weft_pass_count = sizeof weft_passes / sizeof *weft_passes;

void
weft_lower_options_env(weft_lower_options *o)
{
    const char *verify = getenv("WEFT_VERIFY"), *time = getenv("WEFT_TIME"),
               *trip = getenv("WEFT_TEST_ROUNDTRIP");
    o->dump = getenv("WEFT_DUMP");
    o->dump_dir = getenv("WEFT_DUMP_DIR");
    o->skip = getenv("WEFT_SKIP");
    o->stop_after = getenv("WEFT_STOP_AFTER");
    o->time = time && strcmp(time, "0") != 0;
    o->no_verify = verify && strcmp(verify, "0") == 0;
    o->roundtrip = trip && strcmp(trip, "0") != 0;
}

void
weft_lower_time(const weft_lower_options *o, const char *name, const char *step, double start)
{
    if (o->time)
        fprintf(stderr, "%-24s %-16s %8.3f ms\n", name, step, (weft_now() - start) * 1e3);
}

/* Whether the comma-separated list has the name. */
static bool
listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == n && memcmp(at, name, n) == 0)
            return true;
    return false;
}

/* ---- between passes -------------------------------------------------------------------------- */

static weft_status
dump(const weft_kernel *k, const weft_pass *pass, int step, bool changed,
     const weft_lower_options *o, weft_diag *diag)
{
    if (!o->dump || (strcmp(o->dump, "all") != 0 && !(strcmp(o->dump, "changed") == 0 && changed) &&
                     !listed(o->dump, pass->name)))
        return WEFT_OK;
    weft_str text = { 0 }, path = { 0 };
    weft_status st = WEFT_OK;
    weft_str_addf(&text, "# %s, after %s%s\n", k->name, pass->name, changed ? "" : " (unchanged)");
    if (changed || o->dump_dir)
        weft_print_kernel(&text, k);
    if (o->dump_dir) {
        weft_str_addf(&path, "%s/%s.%02d-%s.wir", o->dump_dir, k->name, step, pass->name);
        st = weft_make_dirs(diag, o->dump_dir);
        st = st == WEFT_OK ? weft_file_write(diag, weft_str_text(&path), text.at, text.n) : st;
    } else {
        fputs(weft_str_text(&text), stderr);
    }
    weft_str_free(&text);
    weft_str_free(&path);
    return st;
}

/* parse(print(k)) has to print the same. */
static weft_status
roundtrip(const weft_kernel *k, const weft_pass *pass, weft_diag *diag)
{
    weft_str first = { 0 }, second = { 0 };
    weft_ir *ir = weft_ir_create(diag);
    int n = 0;
    weft_kernel *const *again = NULL;
    weft_print_kernel(&first, k);
    weft_status st = weft_parse_kernels(ir, pass->name, weft_str_text(&first), &n, &again);
    if (st == WEFT_OK && n == 1)
        weft_print_kernel(&second, again[0]);
    if (st == WEFT_OK && strcmp(weft_str_text(&first), weft_str_text(&second)) != 0)
        st =
            weft_fail(diag, WEFT_INTERNAL,
                      "after %s: kernel '%s' does not print the same when it is read back:\n%s\n%s",
                      pass->name, k->name, weft_str_text(&first), weft_str_text(&second));
    weft_ir_destroy(ir);
    weft_str_free(&first);
    weft_str_free(&second);
    return st;
}

/* Whether two states of a kernel are the same, pointer by pointer. */
static bool
same(const weft_kernel *a, const weft_kernel *b)
{
    bool eq = a->level == b->level && a->body == b->body && a->nparam == b->nparam &&
              a->param == b->param && a->access == b->access && a->nscalar == b->nscalar &&
              a->scalar == b->scalar && a->shared_bytes == b->shared_bytes &&
              a->subgroup == b->subgroup;
    for (int i = 0; i < 3; i++)
        eq = eq && a->grid[i] == b->grid[i] && a->block[i] == b->block[i];
    return eq;
}

static weft_status
check(const weft_kernel *k, const weft_pass *pass, const weft_lower_options *o, weft_diag *diag)
{
    char when[64];
    snprintf(when, sizeof when, "after %s", pass->name);
    weft_level want = pass->from == pass->to ? k->level : pass->to;
    if (k->level != want)
        return weft_fail(diag, WEFT_INTERNAL, "%s: kernel '%s' is at level %s, not %s", when,
                         k->name, weft_level_name(k->level), weft_level_name(want));
    weft_status st = o->no_verify ? WEFT_OK : weft_verify(k, when, diag);
    return st == WEFT_OK && o->roundtrip ? roundtrip(k, pass, diag) : st;
}

static bool
fits(const weft_kernel *k, const weft_pass *pass)
{
    return pass->from == pass->to ? k->level >= pass->from : k->level == pass->from;
}

static weft_status
run_pass(weft_kernel *k, const weft_pass *pass, int step, const weft_lower_options *o,
         weft_diag *diag)
{
    if (!fits(k, pass))
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "pass '%s' takes kernels at level %s, '%s' is at level %s; run the passes "
                         "in between first",
                         pass->name, weft_level_name(pass->from), k->name,
                         weft_level_name(k->level));
    weft_kernel before = *k;
    bool changed = false;
    double start = weft_now();
    weft_status st = pass->run(k, o, &changed, diag);
    weft_lower_time(o, k->name, pass->name, start);
    if (st != WEFT_OK)
        return st;
    weft_assert(changed || same(&before, k),
                "pass '%s' says it left kernel '%s' alone, but it changed it", pass->name, k->name);
    st = dump(k, pass, step, changed, o, diag);
    start = weft_now();
    st = st == WEFT_OK && changed ? check(k, pass, o, diag) : st;
    weft_lower_time(o, k->name, "verify", start);
    return st;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static const weft_pass *
find_pass(const char *name, size_t n)
{
    for (int i = 0; i < weft_pass_count; i++)
        if (strlen(weft_passes[i].name) == n && memcmp(weft_passes[i].name, name, n) == 0)
            return &weft_passes[i];
    return NULL;
}

static weft_status
unknown_pass(const char *name, size_t n, weft_diag *diag)
{
    weft_str all = { 0 };
    for (int i = 0; i < weft_pass_count; i++)
        if (find_pass(weft_passes[i].name, strlen(weft_passes[i].name)) == &weft_passes[i])
            weft_str_addf(&all, "%s%s", i ? ", " : "", weft_passes[i].name);
    weft_status st = weft_fail(diag, WEFT_NOT_FOUND, "there is no pass '%.*s'; passes are %s",
                               (int)n, name, weft_str_text(&all));
    weft_str_free(&all);
    return st;
}

static weft_status
run_named(weft_kernel *k, const char *names, const weft_lower_options *o, weft_diag *diag)
{
    int step = 0;
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, ",");
        const weft_pass *pass = find_pass(at, n);
        weft_status st = pass ? run_pass(k, pass, step++, o, diag) : unknown_pass(at, n, diag);
        if (st != WEFT_OK)
            return st;
        at += n + (at[n] == ',');
    }
    return WEFT_OK;
}

weft_status
weft_run_passes(weft_kernel *k, const char *names, const weft_lower_options *o, weft_diag *diag)
{
    weft_status st = o->no_verify ? WEFT_OK : weft_verify(k, "before the passes", diag);
    if (st != WEFT_OK || names)
        return st != WEFT_OK ? st : run_named(k, names, o, diag);
    for (int i = 0; i < weft_pass_count; i++) {
        const weft_pass *pass = &weft_passes[i];
        st = listed(o->skip, pass->name) ? WEFT_OK : run_pass(k, pass, i, o, diag);
        if (st != WEFT_OK || listed(o->stop_after, pass->name))
            return st;
    }
    return WEFT_OK;
}
