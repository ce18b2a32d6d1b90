/* tests/graphfuzz/graph_fuzz.c: random graphs checked on every device, as `weft check` does.
 *
 *   graph_fuzz [--count N] [--first K] [--seed S] [--case K] [-d DEVICE[@TARGET]]..
 *              [--batch N] [--keep DIR]
 *   graph_fuzz --ranges [--count N] [--seed S]       are all values where they are said to be?
 *   graph_fuzz --case K --show
 *
 * Graphs share programs, --batch of them, as a program costs more than a graph.  One that fails is
 * checked alone, made smaller and printed; --keep writes it to DIR as well.  Without -d: every
 * usable device, in its own class and in the gpu class.  200 graphs, 5000 with WEFT_TEST_LONG.
 * Exit status: 0, 1 when a graph failed, 77 when a device named is not there.
 */
#include "../ops/ops.h"
#include "graphfuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BATCH = 100, MAX_DEVICES = 16, NO_SUCH_DEVICE = 77, FEW = 200, MANY = 5000 };

typedef struct options {
    uint64_t seed;
    long count, only, batch, first;
    int ndevice;
    const char *device[MAX_DEVICES], *keep;
    bool ranges, show;
} options;

typedef struct fuzz {
    const options *o;
    long checked, failures;
    weft_str runs; /* "opencl as opencl:pocl, ..." of the first batch */
    weft_str skipped;
} fuzz;

/* ---- judging --------------------------------------------------------------------------------- */

static const gf_value *
value_named(const gf_graph *const *list, int n, const char *name)
{
    for (int k = 0; k < n; k++)
        for (int i = 0; i < list[k]->n; i++)
            if (strcmp(list[k]->value[i].name, name) == 0)
                return &list[k]->value[i];
    return NULL;
}

/* Whether the difference is what roundings add up to. */
static bool
is_allowed(const weft_check_item *item, const gf_value *v)
{
    const weft_metrics *m = &item->m;
    return m->same_type && !m->nonfinite && v && v->error > 0 &&
           m->max_abs <= v->error + m->abs * m->scale;
}

static void
print_item(const weft_check_run *run, const weft_check_item *item, const gf_value *v)
{
    weft_str s = { 0 };
    weft_metrics_text(&s, &item->m);
    printf("  %s as %s: %s: %s; allowed beside the budget: %.3g\n", run->device, run->target,
           item->tensor, weft_str_text(&s), v ? v->error : 0);
    weft_str_free(&s);
}

/* The target takes no graph of the batch, for a reason that is known: it lacks a dtype. */
static bool
is_refused(const weft_check_run *run)
{
    return run->skipped || (run->status == WEFT_UNSUPPORTED && ops_reason(run->why) >= 0);
}

/* Which graphs of the list failed on some device; a run that failed as a whole fails them all. */
static void
judge(const gf_graph *const *list, int n, const weft_check_report *report, bool tell, bool *failed)
{
    for (int r = 0; r < report->run.n; r++) {
        const weft_check_run *run = &report->run.at[r];
        bool ran = run->status == WEFT_OK || run->status == WEFT_MISMATCH || is_refused(run);
        if (!ran && tell)
            printf("  %s as %s: %s\n", run->device, run->target, run->why);
        for (int k = 0; k < n && !ran; k++)
            failed[k] = true;
        for (int i = 0; i < run->output.n; i++) {
            const weft_check_item *item = &run->output.at[i];
            const gf_value *v = value_named(list, n, item->tensor);
            if (item->m.agree || is_allowed(item, v))
                continue;
            if (tell)
                print_item(run, item, v);
            for (int k = 0; k < n; k++)
                failed[k] |= v >= list[k]->value && v < list[k]->value + GF_VALUES;
        }
    }
}

static weft_status
check_list(const fuzz *f, const gf_graph *const *list, int n, weft_check_report *report,
           weft_diag *diag)
{
    char *text = gf_text(list, n), fill[40];
    weft_check_options o = { .job = { .optimize = 2, .numerics = WEFT_DEFAULT, .text = text } };
    const char *target[MAX_DEVICES], *device[MAX_DEVICES];
    char name[MAX_DEVICES][OPS_LABEL];
    snprintf(fill, sizeof fill, "random:%llu", (unsigned long long)f->o->seed);
    o.fill = fill;
    for (int i = 0; i < f->o->ndevice; i++) {
        snprintf(name[i], sizeof name[i], "%s", f->o->device[i]);
        char *at = strchr(name[i], '@');
        if (at)
            *at = 0;
        device[o.ndevice++] = name[i];
        if (at)
            target[o.ntarget++] = at + 1;
    }
    o.device = device;
    o.target = target;
    weft_status status = weft_check_model("fuzz.wir", &o, diag, report);
    free(text);
    return status;
}

/* ---- one graph ------------------------------------------------------------------------------- */

static bool
fails(void *user, const gf_graph *g)
{
    weft_check_report report;
    weft_diag *diag = weft_diag_create();
    bool failed = false;
    if (check_list(user, &g, 1, &report, diag))
        failed = true;
    judge(&g, 1, &report, false, &failed);
    weft_check_report_free(&report);
    weft_diag_destroy(diag);
    return failed;
}

static void
tell(fuzz *f, gf_graph *g, bool fails_alone)
{
    long id = g->id;
    f->failures++;
    printf("FAIL graph %ld%s; again: graph_fuzz --seed %llu --case %ld\n", id,
           fails_alone ? "" : ", among others only", (unsigned long long)f->o->seed, id);
    if (fails_alone)
        gf_shrink(g, fails, f);
    weft_check_report report;
    weft_diag *diag = weft_diag_create();
    bool failed = false;
    const gf_graph *one = g;
    check_list(f, &one, 1, &report, diag);
    printf("%s", weft_diag_text(diag));
    judge(&one, 1, &report, true, &failed);
    char *text = gf_text(&one, 1);
    printf("%s", text);
    fflush(stdout);
    if (f->o->keep) {
        char path[400];
        snprintf(path, sizeof path, "%s/graph-%llu-%ld.wir", f->o->keep,
                 (unsigned long long)f->o->seed, id);
        weft_file_write(NULL, path, text, strlen(text));
    }
    free(text);
    weft_check_report_free(&report);
    weft_diag_destroy(diag);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void
note_runs(fuzz *f, const weft_check_report *report)
{
    for (int r = 0; r < report->run.n; r++) {
        const weft_check_run *run = &report->run.at[r];
        weft_str *s = is_refused(run) ? &f->skipped : &f->runs;
        char name[OPS_LABEL + 40];
        snprintf(name, sizeof name, "%s as %s", run->device, run->target);
        if (!strstr(weft_str_text(s), name))
            weft_str_addf(s, "%s%s", s->n ? ", " : "", name);
    }
}

static void
check_batch(fuzz *f, gf_graph *graph, int n)
{
    const gf_graph *list[MAX_BATCH];
    bool failed[MAX_BATCH] = { 0 };
    weft_check_report report;
    weft_diag *diag = weft_diag_create();
    for (int k = 0; k < n; k++)
        list[k] = &graph[k];
    weft_status status = check_list(f, list, n, &report, diag);
    for (int k = 0; k < n; k++)
        failed[k] = status != WEFT_OK;
    judge(list, n, &report, false, failed);
    note_runs(f, &report);
    f->checked += n;
    weft_check_report_free(&report);
    weft_diag_destroy(diag);
    bool any = false;
    for (int k = 0; k < n; k++)
        any |= failed[k];
    long before = f->failures;
    for (int k = 0; k < n; k++)
        if (failed[k] && fails(f, &graph[k]))
            tell(f, &graph[k], true);
    if (any && f->failures == before) /* it takes several */
        for (int k = 0; k < n; k++)
            if (failed[k])
                tell(f, &graph[k], false);
}

static void
check_all(fuzz *f)
{
    const options *o = f->o;
    gf_graph *graph = calloc((size_t)o->batch, sizeof *graph);
    long end = o->only >= 0 ? o->only + 1 : o->first + o->count;
    int n = 0;
    for (long id = o->only >= 0 ? o->only : o->first; graph && id < end; id++) {
        gf_make(&graph[n], o->seed, id);
        if (++n == o->batch || id + 1 == end) {
            check_batch(f, graph, n);
            n = 0;
        }
    }
    free(graph);
}

/* ---- the ranges themselves ------------------------------------------------------------------- */

/* Every value of the graph, as the interpreter has it in double, is in its range. */
static bool
ranges_hold(const options *o, gf_graph *g, const ops_place *place)
{
    weft_arena arena = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_const in[GF_VALUES], *out = NULL;
    int nin = 0, nout = 0, at = 0;
    char fill[40];
    bool ok = true;
    snprintf(fill, sizeof fill, "random:%llu", (unsigned long long)o->seed);
    for (int i = 0; i < g->n; i++) {
        gf_value *v = &g->value[i];
        v->is_output = !v->is_input && !v->is_small;
        if (!v->is_input)
            continue;
        in[nin] = (weft_const){ .dtype = v->dtype, .ndim = v->ndim, .dim = v->dim };
        weft_tensor_room(v->name, &arena, &in[nin], diag);
        weft_fill(fill, v->name, &in[nin++], diag);
    }
    char *text = gf_text((const gf_graph *const[]){ g }, 1);
    ok = !ops_run(text, place, 0, in, nin, &arena, &out, &nout, diag);
    if (!ok)
        printf("FAIL graph %ld: %s%s", g->id, weft_diag_text(diag), text);
    for (int i = 0; i < g->n && ok; i++) {
        const gf_value *v = &g->value[i];
        if (!v->is_output)
            continue;
        const weft_const *c = &out[at++];
        for (int64_t e = 0; e < weft_element_count(c); e++) {
            double x = weft_get_f64(c->dtype, c->data, e);
            double room = v->error + 1e-6 * gf_most(v);
            if (x >= v->lo - room && x <= v->hi + room)
                continue;
            printf("FAIL graph %ld: %s[%lld] is %.9g, not in %.9g..%.9g\n%s", g->id, v->name,
                   (long long)e, x, v->lo, v->hi, text);
            ok = false;
            break;
        }
    }
    free(text);
    weft_arena_reset(&arena);
    weft_diag_destroy(diag);
    return ok;
}

static long
check_ranges(const options *o)
{
    ops_place place;
    long failures = 0;
    gf_graph *g = calloc(1, sizeof *g);
    if (!g || ops_open("interp:1", NULL, NULL, &place))
        return 1;
    for (long id = o->first; id < o->first + o->count; id++) {
        gf_make(g, o->seed, id);
        failures += !ranges_hold(o, g, &place);
    }
    ops_close(&place);
    free(g);
    printf("%ld graphs, %ld with a value outside its range\n", o->count, failures);
    return failures;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int
usage(const char *word)
{
    fprintf(stderr,
            "graph_fuzz: '%s' is not understood\n"
            "graph_fuzz [--count N] [--seed S] [--first K] [--case K] [-d DEVICE[@TARGET]].. "
            "[--batch N] [--keep DIR] [--ranges] [--show]\n",
            word);
    return 2;
}

static bool
read_value(options *o, const char *word, const char *value)
{
    long n = strtol(value, NULL, 10);
    if (strcmp(word, "--count") == 0)
        o->count = n;
    else if (strcmp(word, "--seed") == 0)
        o->seed = strtoull(value, NULL, 10);
    else if (strcmp(word, "--case") == 0)
        o->only = n;
    else if (strcmp(word, "--first") == 0)
        o->first = n;
    else if (strcmp(word, "--batch") == 0 && n > 0)
        o->batch = n > MAX_BATCH ? MAX_BATCH : n;
    else if (strcmp(word, "--keep") == 0)
        o->keep = value;
    else if (strcmp(word, "-d") == 0 && o->ndevice < MAX_DEVICES)
        o->device[o->ndevice++] = value;
    else
        return false;
    return true;
}

static bool
devices_are_there(const options *o)
{
    for (int i = 0; i < o->ndevice; i++) {
        const char *at = strchr(o->device[i], '@');
        char name[OPS_LABEL];
        ops_place place;
        weft_diag *diag = weft_diag_create();
        snprintf(name, sizeof name, "%.*s", (int)strcspn(o->device[i], "@"), o->device[i]);
        weft_status status = ops_open(name, at ? at + 1 : NULL, diag, &place);
        if (status)
            printf("SKIP %s", weft_diag_text(diag));
        else
            ops_close(&place);
        weft_diag_destroy(diag);
        if (status)
            return false;
    }
    return true;
}

static int
fuzz_run(const options *o)
{
    fuzz f = { .o = o };
    double start = weft_now();
    if (!devices_are_there(o))
        return NO_SUCH_DEVICE;
    check_all(&f);
    printf("seed %llu: %ld graphs checked, %ld failed, %.0f s\n  on %s\n",
           (unsigned long long)o->seed, f.checked, f.failures, weft_now() - start,
           weft_str_text(&f.runs));
    if (f.skipped.n)
        printf("  some not on %s, which lacks a dtype\n", weft_str_text(&f.skipped));
    weft_str_free(&f.runs);
    weft_str_free(&f.skipped);
    return f.failures > 0 || f.checked == 0;
}

int
main(int argc, char **argv)
{
    const char *everything = getenv("WEFT_TEST_LONG");
    options o = {
        .seed = 1, .count = everything && *everything ? MANY : FEW, .only = -1, .batch = 25
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--ranges") == 0)
            o.ranges = true;
        else if (strcmp(argv[i], "--show") == 0)
            o.show = true;
        else if (i + 1 == argc || !read_value(&o, argv[i], argv[i + 1]))
            return usage(argv[i]);
        else
            i++;
    }
    if (o.show && o.only >= 0) {
        gf_graph *g = calloc(1, sizeof *g);
        if (!g)
            return 1;
        gf_make(g, o.seed, o.only);
        char *text = gf_text((const gf_graph *const[]){ g }, 1);
        printf("%s", text);
        free(text);
        free(g);
        return 0;
    }
    return o.ranges ? check_ranges(&o) > 0 : fuzz_run(&o);
}
