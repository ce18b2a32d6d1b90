/* mutate.c: how many faults planted in printed kernels are found, and by whom.
 *
 *   test_mutate [--count N] [--seed N] [--language NAME] [--survivors FILE]
 *   test_mutate --show ID        what a mutant changes
 *
 * N mutants a language, of every kind in turn; those with the least rank, so that a kernel that
 * changes changes no other's sample, and a small sample is part of a large one.  Each runs on the
 * stages of its language until one catches it.  Fails when fewer than 95 % of many are caught, when
 * one that
 * no line of the survivors' file explains is not, and when one that a line explains is.
 * Exit code 77: no device of any language is there.
 */
#include "mutate.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_PERCENT = 95, RATED = 50, HOWS = 6 };
static const char *const hows[HOWS] = { "build", "check", "guard", "output", "simulator", "crash" };

typedef struct options {
    int count;
    uint64_t seed;
    const char *language, *survivors, *self;
} options;

typedef struct result {
    const mutant *mutant;
    const look *stage; /* that caught it; NULL: none */
    int how;
} result;

typedef struct run { /* of a language */
    const tongue *language;
    mutants mutants;
    result *result;
    int n, caught, stages;
} run;

/* ---- sampling -------------------------------------------------------------------------------- */

static int
by_rank(const void *a_, const void *b_)
{
    const result *a = a_, *b = b_;
    return (a->mutant->rank > b->mutant->rank) - (a->mutant->rank < b->mutant->rank);
}

/* A twentieth of each kind, the rest from all places alike: by least rank. */
static void
sample(run *r, int count)
{
    int all = r->mutants.all.n, n[FAULTS] = { 0 };
    result *list = WEFT_NEW_ARRAY(&r->mutants.arena, all + 1, result);
    bool *taken = WEFT_NEW_ARRAY(&r->mutants.arena, all + 1, bool);
    for (int i = 0; i < all; i++)
        list[i].mutant = &r->mutants.all.at[i];
    qsort(list, (size_t)all, sizeof *list, by_rank);
    r->result = WEFT_NEW_ARRAY(&r->mutants.arena, count + 1, result);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < all && r->n < count; i++) {
            int *of_kind = &n[list[i].mutant->fault];
            if (taken[i] || (!pass && *of_kind >= (count + 19) / 20))
                continue;
            taken[i] = true;
            ++*of_kind;
            r->result[r->n++] = list[i];
        }
}

/* ---- workers --------------------------------------------------------------------------------- */

static result *
find_result(run *r, const char *id)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->result[i].mutant->id, id))
            return &r->result[i];
    return NULL;
}

static int
how_index(const char *how)
{
    int i = 0;
    while (i < HOWS - 1 && strcmp(hows[i], how) != 0)
        i++;
    return i;
}

static bool
write_ids(run *r, const bool *done, const char *path)
{
    FILE *f = fopen(path, "w");
    bool any = false;
    for (int i = 0; f && i < r->n; i++)
        if (!r->result[i].stage && !done[i]) {
            fprintf(f, "%s\n", r->result[i].mutant->id);
            any = true;
        }
    if (f)
        fclose(f);
    return any;
}

/* The simulator's driver for the loader of OpenCL, and its log, in a folder of their own. */
static bool
simulator_words(weft_str *command, const char *dir)
{
    glob_t g;
    char path[512];
    bool found = !glob("/usr/lib/oclgrind/liboclgrind-rt-icd.so", 0, NULL, &g) ||
                 !glob("/usr/lib/*/oclgrind/liboclgrind-rt-icd.so", 0, NULL, &g);
    if (!found)
        return false;
    snprintf(path, sizeof path, "%s/oclgrind.icd", dir);
    FILE *f = fopen(path, "w");
    if (f) {
        fprintf(f, "%s\n", g.gl_pathv[0]);
        fclose(f);
    }
    globfree(&g);
    weft_str_addf(command, "OCL_ICD_VENDORS=%s/ OCLGRIND_LOG=%s/log ", dir, dir);
    return f != NULL;
}

static FILE *
start_worker(const options *o, const run *r, int stage_index, const char *dir, const char *ids)
{
    const look *s = &r->language->stage[stage_index];
    weft_str command = { 0 };
    weft_str_add(&command, "env ");
    if (s->simulator && !simulator_words(&command, dir)) {
        weft_str_free(&command);
        return NULL;
    }
    for (int i = 0; i < 4 && s->env[i][0]; i++)
        weft_str_addf(&command, "%s=%s ", s->env[i][0], s->env[i][1]);
    weft_str_addf(&command, "%s --worker %s %d %s --seed %llu 2>%s/stderr", o->self,
                  r->language->name, stage_index, ids, (unsigned long long)o->seed, dir);
    FILE *f = popen(weft_str_text(&command), "r");
    weft_str_free(&command);
    return f;
}

typedef enum ended { FINISHED, DIED, ABSENT, BROKEN } ended;

/* Takes a worker's lines up. */
static ended
read_worker(run *r, const look *s, FILE *f, bool *done)
{
    char line[4096], id[512], how[32];
    result *now = NULL;
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "absent ", 7))
            return printf("%s: %s is not there: %s", r->language->name, s->name, line + 7), ABSENT;
        if (!strncmp(line, "broken ", 7))
            return printf("%s on %s, nothing mutated: %s", r->language->name, s->name, line + 7),
                   BROKEN;
        if (sscanf(line, "begin %511s", id) == 1)
            now = find_result(r, id);
        else if (sscanf(line, "caught %511s %31s", id, how) == 2 && now) {
            now->stage = s;
            now->how = how_index(how);
            now = NULL;
        } else if (now) {
            done[now - r->result] = true;
            now = NULL;
        }
    }
    if (!now)
        return FINISHED;
    now->stage = s;
    now->how = how_index("crash");
    return DIED;
}

/* All that is left through one stage; a worker that dies took one mutant with it. */
static ended
run_stage(const options *o, run *r, int stage_index, const char *dir)
{
    const look *s = &r->language->stage[stage_index];
    bool *done = calloc((size_t)r->n + 1, 1);
    char ids[512];
    ended end = DIED;
    snprintf(ids, sizeof ids, "%s/ids", dir);
    while (end == DIED && write_ids(r, done, ids)) {
        FILE *f = start_worker(o, r, stage_index, dir, ids);
        end = f ? read_worker(r, s, f, done) : ABSENT;
        if (f)
            pclose(f);
    }
    free(done);
    return end == DIED ? FINISHED : end;
}

/* ---- what is printed ------------------------------------------------------------------------- */

static void
print_table(const run *r)
{
    for (int k = 0; k < FAULTS; k++) {
        int n = 0, by[HOWS] = { 0 }, passed = 0;
        for (int i = 0; i < r->n; i++) {
            const result *x = &r->result[i];
            if ((int)x->mutant->fault != k)
                continue;
            n++;
            if (x->stage)
                by[x->how]++;
            else
                passed++;
        }
        printf("%-8s %-8s %5d", r->language->name, fault_names[k], n);
        for (int h = 0; h < HOWS; h++)
            printf(" %9d", by[h]);
        printf(" %9d\n", passed);
    }
    for (int i = 0; i < r->language->nstage; i++) {
        int n = 0;
        for (int k = 0; k < r->n; k++)
            n += r->result[k].stage == &r->language->stage[i];
        printf("%-8s by %s: %d\n", r->language->name, r->language->stage[i].name, n);
    }
}

/* The reason that the file gives for a mutant; NULL: none. */
static const char *
reason_for(const char *file, const char *id, char line[4096])
{
    FILE *f = fopen(file, "r");
    const char *reason = NULL;
    size_t n = strlen(id);
    while (f && !reason && fgets(line, 4096, f))
        if (!strncmp(line, id, n) && line[n] == ' ')
            reason = line + n + 1 + strspn(line + n + 1, " ");
    if (f)
        fclose(f);
    return reason;
}

static int
judge(const options *o, const run *r)
{
    int faults = 0;
    char line[4096];
    for (int i = 0; i < r->n; i++) {
        const result *x = &r->result[i];
        const char *reason = o->survivors ? reason_for(o->survivors, x->mutant->id, line) : NULL;
        if (!x->stage && !reason) {
            printf("NOT CAUGHT  %s\n    %s\n    %s\n", x->mutant->id, x->mutant->was,
                   x->mutant->is);
            faults++;
        } else if (x->stage && reason) {
            printf("STALE  %s is caught by %s (%s); its line can go\n", x->mutant->id,
                   x->stage->name, hows[x->how]);
            faults++;
        }
    }
    return faults;
}

/* ---- public ---------------------------------------------------------------------------------- */

static int
run_language(const options *o, run *r, const char *dir)
{
    make_mutants(&r->mutants, r->language, o->seed);
    sample(r, o->count);
    for (int s = 0; s < r->language->nstage; s++) {
        ended end = run_stage(o, r, s, dir);
        if (end == BROKEN)
            return -1;
        r->stages += end == FINISHED;
        if (s == 0 && end == ABSENT)
            return 0;
    }
    for (int i = 0; i < r->n; i++)
        r->caught += r->result[i].stage != NULL;
    print_table(r);
    return 0;
}

static int
run_all(const options *o)
{
    char dir[] = "/tmp/weft-mutate-XXXXXX";
    int n = 0, caught = 0, faults = 0, ran = 0;
    if (!mkdtemp(dir))
        return 1;
    printf("%-8s %-8s %5s", "language", "fault", "all");
    for (int h = 0; h < HOWS; h++)
        printf(" %9s", hows[h]);
    printf(" %9s\n", "passed");
    for (int i = 0; i < LANGUAGES; i++) {
        run r = { .language = &languages[i] };
        if (o->language && strcmp(o->language, r.language->name) != 0)
            continue;
        faults += run_language(o, &r, dir) < 0;
        if (r.stages) {
            faults += judge(o, &r);
            n += r.n;
            caught += r.caught;
            ran++;
        }
        fflush(stdout);
        weft_arena_reset(&r.mutants.arena);
    }
    weft_str command = { 0 };
    weft_str_addf(&command, "rm -rf %s", dir);
    if (system(weft_str_text(&command)))
        faults++;
    weft_str_free(&command);
    if (!ran && !faults)
        return 77;
    printf("%d mutants, %d caught: %.1f %%\n", n, caught, n ? 100.0 * caught / n : 0);
    bool few = o->count < RATED || o->language; /* of a few, one is several in a hundred */
    return faults || (!few && caught * 100 < n * LEAST_PERCENT);
}

static int
show(const options *o, const char *id)
{
    for (int i = 0; i < LANGUAGES; i++) {
        mutants m = { 0 };
        if (strncmp(id, languages[i].name, strlen(languages[i].name)) != 0)
            continue;
        make_mutants(&m, &languages[i], o->seed);
        for (int k = 0; k < m.all.n; k++)
            if (!strcmp(m.all.at[k].id, id))
                printf("%s\n", m.all.at[k].text);
        weft_arena_reset(&m.arena);
    }
    return 0;
}

static const tongue *
find_language(const char *name)
{
    for (int i = 0; i < LANGUAGES; i++)
        if (!strcmp(languages[i].name, name))
            return &languages[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    options o = { .count = 100, .seed = 1, .self = argv[0] };
    const char *id = NULL, *ids = NULL;
    const tongue *l = NULL;
    int stage = 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], "--count"))
            o.count = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seed"))
            o.seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--language"))
            o.language = argv[++i];
        else if (!strcmp(argv[i], "--survivors"))
            o.survivors = argv[++i];
        else if (!strcmp(argv[i], "--show"))
            id = argv[++i];
        else if (!strcmp(argv[i], "--worker") && i + 3 < argc) {
            l = find_language(argv[i + 1]);
            stage = atoi(argv[i + 2]);
            ids = argv[i += 3];
        }
    }
    if (l && ids && stage >= 0 && stage < l->nstage)
        return run_worker(l, &l->stage[stage], ids, o.seed);
    return id ? show(&o, id) : run_all(&o);
}
