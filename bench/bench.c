/* bench/bench.c: the cases of cases.def for the kind of device that weft runs on, weft beside what
 * else is installed.
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

#define GEMM_ON(gpu_, title, type, m_, n_, k_, constant_, peer_, target_)                          \
    { .name = (title),                                                                             \
      .kind = BENCH_GEMM,                                                                          \
      .gpu = (gpu_),                                                                               \
      .dtype = WEFT_##type,                                                                        \
      .m = (m_),                                                                                   \
      .n = (n_),                                                                                   \
      .k = (k_),                                                                                   \
      .constant = (constant_),                                                                     \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#define CONV_ON(gpu_, title, batch_, in, out, side, window, step, parts, peer_, target_)           \
    { .name = (title),                                                                             \
      .kind = BENCH_CONV,                                                                          \
      .gpu = (gpu_),                                                                               \
      .dtype = WEFT_F32,                                                                           \
      .batch = (batch_),                                                                           \
      .channels = (in),                                                                            \
      .filters = (out),                                                                            \
      .image = (side),                                                                             \
      .kernel = (window),                                                                          \
      .stride = (step),                                                                            \
      .groups = (parts),                                                                           \
      .constant = true,                                                                            \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#define OTHER_ON(gpu_, title, kind_, rows, columns, peer_, target_)                                \
    { .name = (title),                                                                             \
      .kind = BENCH_##kind_,                                                                       \
      .gpu = (gpu_),                                                                               \
      .dtype = WEFT_F32,                                                                           \
      .m = (rows),                                                                                 \
      .n = (columns),                                                                              \
      .constant = true,                                                                            \
      .peer = (peer_),                                                                             \
      .target = (target_) },
#define GPU_ATTENTION(title, type, batch_, heads_, sequence, depth, tflops_)                       \
    { .name = (title),                                                                             \
      .kind = BENCH_ATTENTION,                                                                     \
      .gpu = true,                                                                                 \
      .dtype = WEFT_##type,                                                                        \
      .m = (sequence),                                                                             \
      .n = (depth),                                                                                \
      .batch = (batch_),                                                                           \
      .heads = (heads_),                                                                           \
      .peer = "",                                                                                  \
      .tflops = (tflops_) },
#define GEMM(title, m, n, k, constant, peer, target)                                               \
    GEMM_ON(false, title, F32, m, n, k, constant, peer, target)
#define CONV(title, ...) CONV_ON(false, title, 1, __VA_ARGS__)
#define OTHER(...)       OTHER_ON(false, __VA_ARGS__)
#define GPU_GEMM(title, type, m, n, k, peer, target)                                               \
    GEMM_ON(true, title, type, m, n, k, false, peer, target)
#define GPU_CONV(...)  CONV_ON(true, __VA_ARGS__)
#define GPU_OTHER(...) OTHER_ON(true, __VA_ARGS__)

static const bench_case cases[] = {
#include "cases.def"
};

static const bench_contender *const contenders[] = {
    &bench_weft, /* is the first */
#ifdef BENCH_OPENBLAS
    &bench_openblas,
#endif
#ifdef BENCH_ONEDNN
    &bench_onednn,      &bench_onednn_plain,
#endif
#ifdef BENCH_OPENCL
    &bench_copy,
#endif
#ifdef BENCH_CLBLAST
    &bench_clblast,
#endif
    &bench_device_copy, &bench_cublas,       &bench_cudnn,
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
    const char *device, *only, *without, *json;
    double slice; /* seconds of a turn */
    int rounds;
    bool gpu;             /* the device is one */
    bool off[CONTENDERS]; /* they do not take part */
} options;

/* ---- right results --------------------------------------------------------------------------- */

/* The largest, as a multiple of what it may be. */
static double
worst_error(const bench_case *c, const bench_data *d, const float *out)
{
    double worst = 0;
    int samples = c->kind == BENCH_SUM ? 1 : SAMPLES;
    for (int i = 0; i < samples; i++) {
        int64_t at = i == 0 ? d->out - 1 : (int64_t)i * 7919 * 7919 % d->out;
        double scale,
            want = bench_expect(c, d, at, &scale),
            error = fabs((double)out[at] - want) / bench_tolerance(c, want, scale + 1e-30);
        worst = error <= worst ? worst : error;
    }
    for (int64_t i = 0; i < d->out; i++)
        if (isnan(out[i]))
            return NAN;
    return worst;
}

/* Whether two whole results agree; of a case's magnitude the scale is not known: that of all. */
static bool
agree(const bench_case *c, const float *a, const float *b, int64_t n)
{
    double most = 0, apart = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i]));
        apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
    }
    return apart <= bench_tolerance(c, 2 * most, most); /* both have been rounded */
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
        ok = ok && error <= 1 && (!any || !p->checked || agree(c, first, out, d->out));
        if (!ok)
            fprintf(stderr, "%s: %s: the result is wrong (%.3g times what it may be)\n", c->name,
                    p->name, error);
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

/* What is aimed at, and whether it is reached. */
static void
say_target(const bench_case *c, const measured *all)
{
    double peer = peer_time(c, all), ratio = peer / all[0].least,
           tflops = bench_flops(c) / all[0].least * 1e-12;
    if (peer > 0)
        printf("  ratio to %s %.2f", c->peer, ratio);
    if (peer > 0 && c->target > 0)
        printf(" of %.2f%s", c->target, ratio >= c->target ? "" : " MISSED");
    if (c->tflops > 0)
        printf("  of %.0f%s", c->tflops, tflops >= c->tflops ? "" : " MISSED");
}

static void
say(const bench_case *c, const bench_data *d, const measured *all)
{
    double work = bench_flops(c), unit = work > 0 && c->gpu ? 1e12 : 1e9;
    const char *name = work <= 0 ? "GB/s" : c->gpu ? "TFLOP/s" : "GFLOP/s";
    work = work > 0 ? work : bench_bytes(c, d);
    printf("%-26s", c->name);
    for (int i = 0; i < CONTENDERS; i++)
        if (all[i].n)
            printf("  %s %.3f/%.3f ms %.1f", contenders[i]->name, all[i].least * 1e3,
                   all[i].median * 1e3, work / all[i].least / unit);
    printf(" %s", name);
    say_target(c, all);
    printf("\n");
    fflush(stdout);
}

static void
write_json(FILE *f, bool first, const bench_case *c, const bench_data *d, const measured *all)
{
    fprintf(f, "%s\n{\"case\": \"%s\", \"device\": \"%s\", ", first ? "" : ",", c->name, c->device);
    fprintf(f, "\"flops\": %.0f, \"bytes\": %.0f, \"peer\": \"%s\", ", bench_flops(c),
            bench_bytes(c, d), c->peer);
    fprintf(f, "\"target\": %.2f, \"target_tflops\": %.0f, \"ratio\": %.4f", c->target, c->tflops,
            peer_time(c, all) / all[0].least);
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
        if (!o->off[i])
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
        if (value && strcmp(argv[i], "-d") == 0)
            o->device = value;
        else if (value && strcmp(argv[i], "--only") == 0)
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

/* What the device is, and who takes part. */
static bool
choose(options *o)
{
    if (!bench_is_gpu(o->device, &o->gpu))
        return false;
    for (int i = 0; i < CONTENDERS; i++) {
        const bench_contender *p = contenders[i];
        o->off[i] = (i > 0 && p->gpu != o->gpu) || (o->without && strstr(o->without, p->name)) ||
                    (p->ready && !p->ready(o->device));
    }
    return true;
}

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

/* Every library's threads keep a core each.  Libraries read these as they are loaded, before
 * main. */
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

/* All cases of the device's kind that are asked for. */
static bool
run_cases(const options *o, FILE *json)
{
    bool ok = true, first = true;
    for (int i = 0; i < CASES; i++) {
        bench_case c = cases[i];
        if (c.gpu != o->gpu || (o->only && !strstr(c.name, o->only)))
            continue;
        c.device = o->device;
        ok &= run_case(&c, o, json, first);
        first = false;
    }
    return ok;
}

int
main(int argc, char **argv)
{
    options o = { .device = "opencl", .slice = 0.05, .rounds = 8 };
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: bench [-d DEVICE] [--only PART-OF-NAME] [--without CONTENDER,..] "
                        "[--rounds N] [--slice SECONDS] [--json FILE]\n");
        return 2;
    }
    set_environment(argv);
    if (!choose(&o))
        return 1;
    FILE *json = o.json ? fopen(o.json, "w") : NULL;
    bool ok = !o.json || json;
    if (json)
        fprintf(json, "[");
    ok &= run_cases(&o, json);
    if (json) {
        fprintf(json, "\n]\n");
        ok &= !fclose(json);
    }
    return ok ? 0 : 1;
}
