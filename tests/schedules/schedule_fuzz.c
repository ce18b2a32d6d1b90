/* tests/schedules/schedule_fuzz.c: random te programs under random legal schedules.
 *
 *   schedule_fuzz [--count N | --forever] [--seed S] [--first]     --first: until one fails
 *   schedule_fuzz -d DEVICE[@TARGET] [--count N] [--seed S] [--batch N]
 *   schedule_fuzz --case S [--show]    the pair of that seed alone
 *
 * Pairs are run in the interpreter: at the level loops, at flat, and lowered for a target of each
 * class.  One that fails is made smaller and printed.  With -d they are run on the device, --batch of
 * them (50) compiled together, 60 in all, 500 with WEFT_TEST_LONG.  Without it 2000 pairs, 20000 with WEFT_TEST_LONG;
 * WEFT_FUZZ_N and WEFT_FUZZ_SEED are --count and --seed, and WEFT_FUZZ_N=0 is --forever.
 * Exit status: 0, 1 when a pair failed or too few pairs of primitives were seen, 77 when there is no
 * such device.
 */
#include "schedules.h"

#include "backends/backend.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW = 2000,
    MANY = 20000,
    ON_DEVICE = 60,
    LONG_ON_DEVICE = 500,
    MAX_ROWS = 32,
    NO_SUCH_DEVICE = 77
};

typedef struct options {
    int64_t count; /* 0: for ever */
    uint64_t seed;
    bool one, show, first;
    const char *device;
    int batch;
} options;

/* ---- coverage -------------------------------------------------------------------------------- */

typedef struct coverage {
    int64_t pairs, scans, tiles, widths, primitives, by_length[MAX_MOVES + 1];
    int64_t one[MAX_ROWS],
        two[MAX_ROWS][MAX_ROWS]; /* schedules with it; with one before the other */
} coverage;

static void
cover(coverage *c, const pair *p)
{
    bool one[MAX_ROWS] = { 0 }, two[MAX_ROWS][MAX_ROWS] = { 0 };
    c->pairs++;
    c->tiles += p->target != NULL;
    c->widths += p->widths > 0;
    c->scans += strstr(p->program, "= scan(") && p->nmove > 0;
    c->primitives += p->nmove;
    c->by_length[p->nmove < MAX_MOVES ? p->nmove : MAX_MOVES]++;
    for (int i = 0; i < p->nmove; i++) {
        one[p->move[i]] = true;
        for (int k = 0; k < i; k++)
            two[p->move[k]][p->move[i]] = true;
    }
    for (int i = 0; i < move_count; i++) {
        c->one[i] += one[i];
        for (int k = 0; k < move_count; k++)
            c->two[i][k] += two[i][k];
    }
}

/* Primitives that no schedule has together: those for threads and those for one CPU. */
static bool
apart(const coverage *c, int i, int k)
{
    (void)c;
    return (strcmp(move_name(i), "parallel") == 0 &&
            (strcmp(move_name(k), "block") == 0 || strcmp(move_name(k), "thread") == 0)) ||
           (strcmp(move_name(k), "parallel") == 0 &&
            (strcmp(move_name(i), "block") == 0 || strcmp(move_name(i), "thread") == 0));
}

/* How many ordered pairs of primitives were seen together, of how many that can be. */
static int
pairs_seen(const coverage *c, int *of, weft_str *missing)
{
    int seen = 0;
    *of = 0;
    for (int i = 0; i < move_count; i++)
        for (int k = 0; k < move_count; k++) {
            if (apart(c, i, k))
                continue;
            (*of)++;
            seen += c->two[i][k] > 0;
            if (!c->two[i][k])
                weft_str_addf(missing, " %s-%s", move_name(i), move_name(k));
        }
    return seen;
}

/* Each primitive in one schedule of 50, scans, matrix units and widths too, and 97 of 100 of their
 * ordered pairs. */
static bool
report(const coverage *c, bool demand)
{
    int of, rare = -1;
    weft_str missing = { 0 };
    int seen = pairs_seen(c, &of, &missing);
    printf("%" PRId64 " pairs, %.1f primitives each;", c->pairs,
           (double)c->primitives / (double)(c->pairs ? c->pairs : 1));
    for (int i = 0; i < move_count; i++) {
        printf(" %s %" PRId64, move_name(i), c->one[i]);
        rare = c->one[i] * 50 < c->pairs ? i : rare;
    }
    printf("\n%" PRId64 " with a scan, %" PRId64
           " on matrix units, %" PRId64
           " with widths over each other, %d of %d ordered pairs of primitives;%s%s\n",
           c->scans, c->tiles, c->widths, seen, of, missing.n ? " never:" : "",
           weft_str_text(&missing));
    bool others = c->scans * 50 >= c->pairs && c->tiles * 50 >= c->pairs &&
                  c->widths * 50 >= c->pairs;
    bool enough = rare < 0 && others && seen * 100 >= of * 97;
    if (demand && rare >= 0)
        printf("too few schedules with %s\n", move_name(rare));
    if (demand && !enough)
        printf("the schedules drawn do not cover what they are to\n");
    weft_str_free(&missing);
    return !demand || enough;
}

/* ---- failures -------------------------------------------------------------------------------- */

/* The pair without one line of its schedule; false if it cannot be read so. */
static bool
without_line(const pair *p, int skip, pair *to)
{
    *to = *p;
    to->line = (weft_str){ 0 };
    int i = 0;
    for (const char *at = weft_str_text(&p->line); *at; i++) {
        size_t n = strcspn(at, "\n") + 1;
        if (i != skip)
            weft_str_addn(&to->line, at, n);
        at += n;
    }
    bool complete = false;
    weft_diag *diag = weft_diag_create();
    weft_te *te = skip < i ? read_pair(to, diag) : NULL;
    bool legal = te && !broken_rule(te, &complete) && complete;
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    return legal;
}

static int
lines_of(const pair *p)
{
    int n = 0;
    for (const char *at = weft_str_text(&p->line); *at; at++)
        n += *at == '\n';
    return n;
}

/* Leaves out what the failure does not need. */
static char *
make_smaller(pair *p, char *wrong)
{
    for (int skip = lines_of(p) - 1; skip >= 0 && !p->refusal && !p->target; skip--) {
        pair less;
        char *now = without_line(p, skip, &less) ? check_pair(&less) : NULL;
        if (now && *now) {
            weft_str_free(&p->line);
            p->line = less.line;
            free(wrong);
            wrong = now;
            skip = skip < lines_of(p) ? skip : lines_of(p);
        } else {
            weft_str_free(&less.line);
            free(now);
        }
    }
    return wrong;
}

static void
print_pair(const pair *p)
{
    printf("%s", p->program);
    if (p->line.n)
        printf("schedule {\n%s}\n", weft_str_text(&p->line));
}

/* Whether the pair of the seed failed. */
static bool
try_pair(uint64_t seed, const options *o, coverage *c)
{
    pair p = make_pair(seed);
    if (o->show)
        print_pair(&p);
    char *wrong = check_pair(&p);
    bool failed = wrong && *wrong;
    cover(c, &p);
    if (failed) {
        wrong = o->first ? wrong : make_smaller(&p, wrong);
        printf("FAILED --case %" PRIu64 ": %s\n", seed, wrong);
        print_pair(&p);
        fflush(stdout);
    }
    free(wrong);
    free_pair(&p);
    return failed;
}

/* ---- devices --------------------------------------------------------------------------------- */

/* "opencl@opencl:generic-gpu": the device, and the target; its own where none is named. */
static weft_device *
open_device(const char *spec, const weft_target **target, weft_diag *diag)
{
    char id[64];
    const char *at = strchr(spec, '@');
    weft_drivers all = weft_linked_drivers();
    weft_device *device = NULL;
    snprintf(id, sizeof id, "%.*s", (int)(at ? (size_t)(at - spec) : strlen(spec)), spec);
    if (weft_device_open(&all, id, diag, &device) != WEFT_OK)
        return NULL;
    *target = at ? weft_profile_find(at + 1, diag) : &device->info.target;
    return device;
}

static int
on_a_device(const options *o)
{
    weft_diag *diag = weft_diag_create();
    const weft_target *target = NULL;
    weft_device *device = open_device(o->device, &target, diag);
    if (!device || !target) {
        printf("%s\n", weft_diag_text(diag));
        weft_diag_destroy(diag);
        return NO_SUCH_DEVICE;
    }
    int failures = 0;
    pair *p = calloc((size_t)o->batch + 1, sizeof *p);
    for (int64_t done = 0; done < o->count && failures < 20; done += o->batch) {
        int n = (int)(o->count - done < o->batch ? o->count - done : o->batch);
        int used = 0;
        for (int i = 0; i < n; i++) {
            p[used] = make_pair(o->seed + (uint64_t)(done + i));
            if (p[used++].target) /* the unit's, not the device's */
                free_pair(&p[--used]);
        }
        failures += run_on_device(device, target, used, p);
        for (int i = 0; i < used; i++)
            free_pair(&p[i]);
    }
    printf("%" PRId64 " pairs on %s for %s, %d failed\n", o->count, device->info.name, target->name,
           failures);
    free(p);
    weft_device_close(device);
    weft_diag_destroy(diag);
    return failures > 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int
in_the_interpreter(const options *o)
{
    coverage c = { 0 };
    int failures = 0;
    for (int64_t i = 0; (o->count == 0 || i < o->count) && failures < (o->first ? 1 : 20); i++) {
        failures += try_pair(o->seed + (uint64_t)i, o, &c);
        if (o->count == 0 && i % 10000 == 9999)
            report(&c, false);
    }
    bool covered = o->one || report(&c, o->count >= FEW);
    return failures || !covered;
}

static options
read_options(int n, char **arg)
{
    const char *env = getenv("WEFT_FUZZ_N"), *seed = getenv("WEFT_FUZZ_SEED"),
               *many = getenv("WEFT_TEST_LONG");
    options o = { .count = env ? atoll(env) : -1,
                  .seed = seed ? (uint64_t)atoll(seed) : 1,
                  .batch = 50 };
    for (int i = 1; i < n; i++) {
        const char *value = i + 1 < n ? arg[i + 1] : "0";
        if (strcmp(arg[i], "--forever") == 0)
            o.count = 0;
        else if (strcmp(arg[i], "--show") == 0)
            o.show = true;
        else if (strcmp(arg[i], "--count") == 0)
            o.count = atoll(value), i++;
        else if (strcmp(arg[i], "--seed") == 0)
            o.seed = (uint64_t)atoll(value), i++;
        else if (strcmp(arg[i], "--first") == 0)
            o.first = true;
        else if (strcmp(arg[i], "--batch") == 0)
            o.batch = atoi(value), i++;
        else if (strcmp(arg[i], "-d") == 0)
            o.device = value, i++;
        else if (strcmp(arg[i], "--case") == 0)
            o.one = true, o.count = 1, o.seed = (uint64_t)atoll(value), i++;
        else {
            fprintf(stderr, "schedule_fuzz: unknown option %s; see the file's first lines\n",
                    arg[i]);
            exit(2);
        }
    }
    bool is_long = many && *many;
    if (o.count < 0)
        o.count = o.device ? (is_long ? LONG_ON_DEVICE : ON_DEVICE) : (is_long ? MANY : FEW);
    return o;
}

int
main(int n, char **arg)
{
    options o = read_options(n, arg);
    return o.device ? on_a_device(&o) : in_the_interpreter(&o);
}
