/* bench/bench.c: the cases of cases.def, weft beside what else is installed.
 *
 * Contenders take turns: each waits until the threads of the one before have gone to sleep, runs
 * once unmeasured, then for a moment; all that for some rounds.  Before that every result is held
 * against the same computed in double. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const bench_case cases[] = {
#define GEMM(title, m_, n_, k_, constant_, peer_, target_)                                         \
    { .name = (title),                                                                             \
      .kind = BENCH_GEMM,                                                                          \
      .m = (m_),                                                                                   \
      .n = (n_),                                                                                   \
      .k = (k_),                                                                                   \
      .constant = (constant_),                                                                     \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#define CONV(title, in, out, side, window, step, parts, peer_, target_)                            \
    { .name = (title),                                                                             \
      .kind = BENCH_CONV,                                                                          \
      .channels = (in),                                                                            \
      .filters = (out),                                                                            \
      .image = (side),                                                                             \
      .kernel = (window),                                                                          \
      .stride = (step),                                                                            \
      .groups = (parts),                                                                           \
      .constant = true,                                                                            \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#define OTHER(title, kind_, rows, columns, peer_, target_)                                         \
    { .name = (title),                                                                             \
      .kind = BENCH_##kind_,                                                                       \
      .m = (rows),                                                                                 \
      .n = (columns),                                                                              \
      .constant = true,                                                                            \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#include "cases.def"
};

static const bench_contender *const contenders[] = {
    &bench_weft,
#ifdef BENCH_OPENBLAS
    &bench_openblas,
#endif
#ifdef BENCH_ONEDNN
    &bench_onednn,   &bench_onednn_plain,
#endif
#ifdef BENCH_OPENCL
    &bench_copy,
#endif
#ifdef BENCH_CLBLAST
    &bench_clblast,
#endif
};

enum {
    CASES = sizeof cases / sizeof *cases,
    CONTENDERS = sizeof contenders / sizeof *contenders,
    MAX_RUNS = 4096, /* of a contender and case */
    SAMPLES = 64,    /* elements of a result that are computed in double */
    ENOUGH = 20,     /* turns' time after which a slow contender is known */
    QUIET_US = 60000
};

typedef struct measured {
    void *state;
    int n;
    double time[MAX_RUNS]; /* seconds */
    double least, median, spent;
} measured;

typedef struct options {
    const char *only, *without, *json;
    double slice; /* seconds of a turn */
    int rounds;
} options;

/* ---- right results --------------------------------------------------------------------------- */

static double
worst_error(const bench_case *c, const bench_data *d, const float *out)
{
    double worst = 0;
    int samples = c->kind == BENCH_SUM ? 1 : SAMPLES;
    for (int i = 0; i < samples; i++) {
        int64_t at = i == 0 ? d->out - 1 : (int64_t)i * 7919 * 7919 % d->out;
        double scale, want = bench_expect(c, d, at, &scale),
                      error = fabs((double)out[at] - want) / (scale + 1e-30);
        worst = error <= worst ? worst : error;
    }
    for (int64_t i = 0; i < d->out; i++)
        if (isnan(out[i]))
            return NAN;
    return worst;
}

/* Whether two whole results agree; of a case's magnitude the scale is not known: that of all. */
static bool
agree(const float *a, const float *b, int64_t n)
{
    double most = 0, apart = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i]));
        apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
    }
    return apart <= 1e-4 * most;
}

static bool
check(const bench_case *c, const bench_data *d, measured *all)
{
    float *first = malloc((size_t)d->out * 4), *out = malloc((size_t)d->out * 4);
    bool ok = first && out, any = false;
    for (int i = 0; ok && i < CONTENDERS; i++) {
        const bench_contender *p = contenders[i];
        if (!all[i].state)
            continue;
        ok = p->run(all[i].state) && (!p->checked || p->read(all[i].state, out, d->out));
        double error = ok && p->checked ? worst_error(c, d, out) : 0;
        ok = ok && error <= 1e-4 && (!any || !p->checked || agree(first, out, d->out));
        if (!ok)
            fprintf(stderr, "%s: %s: the result is wrong (error %.3g)\n", c->name, p->name, error);
        if (p->checked && !any)
            memcpy(first, out, (size_t)d->out * 4), any = true;
    }
    free(first);
    free(out);
    return ok;
}

/* ---- times ----------------------------------------------------------------------------------- */

static double
clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool
turn(const bench_contender *p, measured *m, double slice)
{
    if (m->spent > slice * ENOUGH)
        return true;
    usleep(QUIET_US);
    if (!p->run(m->state))
        return false;
    double start = clock_seconds(), now = start;
    while (m->n < MAX_RUNS && (now < start + slice || m->n == 0)) {
        if (!p->run(m->state))
            return false;
        double end = clock_seconds();
        m->time[m->n++] = end - now;
        m->spent += end - now;
        now = end;
    }
    return true;
}

static int
by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool
measure(measured *all, const options *o)
{
    for (int round = 0; round < o->rounds; round++)
        for (int i = 0; i < CONTENDERS; i++)
            if (all[i].state && !turn(contenders[i], &all[i], o->slice))
                return false;
    for (int i = 0; i < CONTENDERS; i++) {
        measured *m = &all[i];
        if (!m->n)
            continue;
        qsort(m->time, (size_t)m->n, sizeof *m->time, by_size);
        m->least = m->time[0];
        m->median = m->time[m->n / 2];
    }
    return true;
}

/* ---- what came of it ------------------------------------------------------------------------- */

/* The least time of the case's peer; 0: it is not there. */
static double
peer_time(const bench_case *c, const measured *all)
{
    double best = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        bool counts = strcmp(c->peer, "cpu") == 0 ? contenders[i]->cpu
                                                  : strcmp(c->peer, contenders[i]->name) == 0;
        if (counts && all[i].n && (best == 0 || all[i].least < best))
            best = all[i].least;
    }
    return best;
}

static void
say(const bench_case *c, const bench_data *d, const measured *all)
{
    double work = bench_flops(c), peer = peer_time(c, all), ratio = peer / all[0].least;
    const char *unit = work > 0 ? "GFLOP/s" : "GB/s";
    work = work > 0 ? work : bench_bytes(d);
    printf("%-26s", c->name);
    for (int i = 0; i < CONTENDERS; i++)
        if (all[i].n)
            printf("  %s %.3f/%.3f ms %.1f", contenders[i]->name, all[i].least * 1e3,
                   all[i].median * 1e3, work / all[i].least * 1e-9);
    printf(" %s", unit);
    if (peer > 0)
        printf("  ratio to %s %.2f", c->peer, ratio);
    if (peer > 0 && c->target > 0)
        printf(" of %.2f%s", c->target, ratio >= c->target ? "" : " MISSED");
    printf("\n");
    fflush(stdout);
}

static void
write_json(FILE *f, bool first, const bench_case *c, const bench_data *d, const measured *all)
{
    fprintf(f, "%s\n{\"case\": \"%s\", \"flops\": %.0f, \"bytes\": %.0f, \"peer\": \"%s\", ",
            first ? "" : ",", c->name, bench_flops(c), bench_bytes(d), c->peer);
    fprintf(f, "\"target\": %.2f, \"ratio\": %.4f", c->target, peer_time(c, all) / all[0].least);
    for (int i = 0; i < CONTENDERS; i++)
        if (all[i].n)
            fprintf(f, ", \"%s\": {\"runs\": %d, \"min_s\": %.9f, \"median_s\": %.9f}",
                    contenders[i]->name, all[i].n, all[i].least, all[i].median);
    fprintf(f, "}");
}

static bool
run_case(const bench_case *c, const options *o, FILE *json, bool first)
{
    bench_data d;
    measured *all = calloc(CONTENDERS, sizeof *all);
    bool ok = all && bench_make_data(c, &d);
    for (int i = 0; ok && i < CONTENDERS; i++)
        if (!o->without || !strstr(o->without, contenders[i]->name))
            all[i].state = contenders[i]->open(c, &d);
    ok = ok && all[0].state && check(c, &d, all) && measure(all, o);
    if (ok)
        say(c, &d, all);
    if (ok && json)
        write_json(json, first, c, &d, all);
    for (int i = 0; all && i < CONTENDERS; i++)
        if (all[i].state)
            contenders[i]->close(all[i].state);
    if (all)
        bench_free_data(&d);
    free(all);
    return ok;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool
parse(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value && strcmp(argv[i], "--only") == 0)
            o->only = value;
        else if (value && strcmp(argv[i], "--without") == 0)
            o->without = value;
        else if (value && strcmp(argv[i], "--rounds") == 0)
            o->rounds = atoi(value);
        else if (value && strcmp(argv[i], "--slice") == 0)
            o->slice = atof(value);
        else if (value && strcmp(argv[i], "--json") == 0)
            o->json = value;
        else
            return false;
    }
    return o->rounds > 0;
}

/* Libraries read these as they are loaded, before main. */
/* Whether the processor has AVX-512. */
static bool
has_wide_vectors(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512f");
#else
    return false;
#endif
}

/* Every library's threads keep a core each. */
static void
set_environment(char **argv)
{
    /* PoCL's sleep between kernels, and wake up on one core together now and then. */
    setenv("POCL_AFFINITY", "1", 0);
    if (getenv("OPENBLAS_CORETYPE"))
        return;
    /* 0.3.21 takes newer processors for old ones. */
    setenv("OPENBLAS_CORETYPE", has_wide_vectors() ? "SkylakeX" : "Haswell", 1);
    execv("/proc/self/exe", argv);
}

int
main(int argc, char **argv)
{
    options o = { .slice = 0.05, .rounds = 8 };
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: bench [--only PART-OF-NAME] [--without CONTENDER,..] [--rounds N] "
                        "[--slice SECONDS] [--json FILE]\n");
        return 2;
    }
    set_environment(argv);
    FILE *json = o.json ? fopen(o.json, "w") : NULL;
    bool ok = !o.json || json, first = true;
    if (json)
        fprintf(json, "[");
    for (int i = 0; i < CASES; i++) {
        if (o.only && !strstr(cases[i].name, o.only))
            continue;
        ok &= run_case(&cases[i], &o, json, first);
        first = false;
    }
    if (json) {
        fprintf(json, "\n]\n");
        ok &= !fclose(json);
    }
    return ok ? 0 : 1;
}
