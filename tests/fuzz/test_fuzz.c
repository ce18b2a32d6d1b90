/* tests/fuzz/test_fuzz.c: damages real files and runs the commands that read them, in this process.
 *
 *   test_fuzz SOURCE_DIRECTORY COUNT [SEED [ONLY]]
 *
 * Every case has to end in a status whose exit code is 0, 1 or 2 (a damaged file is no failure of a
 * device, nor of weft), within MAX_SECONDS; a cut-off file in 2, with a message that names the
 * file. Sanitizers see to the rest.  A case depends on SEED and its number alone; ONLY runs that
 * one and leaves its bytes in ./fuzz.case.
 */
#include "fuzz.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SECONDS = 10, MAX_PEAK_MIB = 1024, MAX_KINDS = 16 };

/* What a memory error would be: reported as one, rather than taking the machine down. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "max_allocation_size_mb=1024:quarantine_size_mb=16:detect_leaks=1";
}

static const weft_command *const commands[] = { &weft_cmd_inspect, &weft_cmd_compile, &weft_cmd_run,
                                                &weft_cmd_te, &weft_cmd_opt };

weft_status
fuzz_run_command(const char *const *argv, weft_str *said)
{
    const weft_command *command = NULL;
    char *copy[FUZZ_MAX_ARGS + 1];
    int argc = 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, argv[0]) == 0)
            command = commands[i];
    for (; argv[argc]; argc++)
        copy[argc] = strdup(argv[argc]);
    weft_args args = { .diag = weft_diag_create() };
    weft_status status = weft_read_args(&args, command, argc - 1, copy + 1);
    if (!status)
        status = command->run(&args);
    weft_str_add(said, weft_diag_text(args.diag));
    weft_diag_destroy(args.diag);
    weft_arena_reset(&args.arena);
    while (argc > 0)
        free(copy[--argc]);
    return status;
}

/* The case that is running, for the handler of the alarm. */
static volatile sig_atomic_t current_case;

static void
too_slow(int signal_number)
{
    char text[64];
    (void)signal_number;
    int n = snprintf(text, sizeof text, "fuzz: case %d hangs\n", (int)current_case);
    (void)!write(STDERR_FILENO, text, (size_t)n);
    _exit(1);
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || (n && fwrite(bytes, 1, n, f) != n) || fclose(f)) {
        fprintf(stderr, "fuzz: %s cannot be written\n", path);
        exit(1);
    }
}

/* What was seen of one kind of file. */
typedef struct tally {
    const char *kind;
    int cases, accepted;
    double slowest;
    long slowest_case;
} tally;

static tally *
tally_of(tally *t, const char *kind)
{
    while (t->kind && strcmp(t->kind, kind) != 0)
        t++;
    t->kind = kind;
    return t;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* NULL, or what is wrong with how the case ended. */
static const char *
judge(const fuzz_seed *s, fuzz_damage damage, weft_status status, const char *said)
{
    if (weft_status_exit_code(status) > 2)
        return "a damaged file is no failure of a device or of weft";
    if (status && status != WEFT_MISMATCH && !*said)
        return "refused without a word";
    if (damage == FUZZ_TRUNCATED && s->whole && !status)
        return "a part of the file was taken for the whole";
    if (damage == FUZZ_TRUNCATED && status && !strstr(said, base_name(s->path)) &&
        !strstr(said, "module"))
        return "the message does not say where";
    return NULL;
}

/* Runs one damaged file; false if something is wrong. */
static bool
run_case(const fuzz_seed *s, fuzz_damage damage, const weft_str *bytes, long number, tally *t)
{
    weft_str said = { 0 };
    weft_status status = WEFT_OK;
    double start = now();
    current_case = (sig_atomic_t)number;
    alarm(3 * MAX_SECONDS);
    if (s->direct) {
        s->direct((const uint8_t *)weft_str_text(bytes), bytes->n);
    } else {
        write_bytes(s->path, weft_str_text(bytes), bytes->n);
        status = fuzz_run_command(s->argv, &said);
        if (s->keep)
            write_bytes(s->path, s->bytes, s->size);
    }
    alarm(0);
    double seconds = now() - start;
    const char *wrong = judge(s, damage, status, weft_str_text(&said));
    wrong = wrong ? wrong : seconds > MAX_SECONDS ? "too slow" : NULL;
    if (wrong)
        fprintf(stderr, "fuzz: case %ld (%s, %s): %s: %s, %.1f s: %s\n", number, s->label,
                damage == FUZZ_TRUNCATED ? "cut off" : "damaged", wrong, weft_status_text(status),
                seconds, weft_str_text(&said));
    t->cases++;
    t->accepted += !status;
    if (seconds > t->slowest) {
        t->slowest = seconds;
        t->slowest_case = number;
    }
    weft_str_free(&said);
    return !wrong;
}

/* Every kind as often as any other, however many files it has. */
static const fuzz_seed *
pick(rng *r, const fuzz_seeds *seeds)
{
    tally kinds[MAX_KINDS] = { 0 };
    size_t n = 0, skip;
    for (int i = 0; i < seeds->n; i++)
        tally_of(kinds, seeds->at[i].kind)->cases++;
    while (kinds[n].kind)
        n++;
    const tally *kind = &kinds[rng_below(r, n)];
    skip = rng_below(r, (size_t)kind->cases);
    for (int i = 0;; i++)
        if (strcmp(seeds->at[i].kind, kind->kind) == 0 && skip-- == 0)
            return &seeds->at[i];
}

static int
run_cases(const fuzz_seeds *seeds, long count, uint64_t seed, long only)
{
    tally tallies[MAX_KINDS] = { 0 };
    int wrong = 0;
    for (long i = only >= 0 ? only : 0; i < (only >= 0 ? only + 1 : count); i++) {
        rng r = { seed * 0x100000001B3u + (uint64_t)i };
        const fuzz_seed *s = pick(&r, seeds);
        weft_str bytes = { 0 };
        fuzz_damage damage = fuzz_mutate(&r, s, seeds, &bytes);
        if (only >= 0)
            write_bytes("fuzz.case", weft_str_text(&bytes), bytes.n);
        wrong += !run_case(s, damage, &bytes, i, tally_of(tallies, s->kind));
        weft_str_free(&bytes);
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    fprintf(stderr, "%d files to damage\n", seeds->n);
    for (tally *t = tallies; t->kind; t++)
        fprintf(stderr, "%-9s %6d cases, %6d accepted, slowest %.3f s (case %ld)\n", t->kind,
                t->cases, t->accepted, t->slowest, t->slowest_case);
    fprintf(stderr, "peak memory %ld MiB, %d wrong\n", use.ru_maxrss / 1024, wrong);
    return wrong || use.ru_maxrss / 1024 > MAX_PEAK_MIB;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static bool
remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: test_fuzz SOURCE_DIRECTORY COUNT [SEED [ONLY]]\n", stderr);
        return 2;
    }
    char work[] = "/tmp/weft-fuzz-XXXXXX";
    fuzz_seeds seeds = { 0 };
    weft_arena arena = { 0 };
    signal(SIGALRM, too_slow);
    if (!mkdtemp(work) || !freopen("/dev/null", "w", stdout))
        return 2;
    fuzz_make_seeds(&arena, argv[1], work, &seeds);
    int code =
        run_cases(&seeds, strtol(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1,
                  argc > 4 ? strtol(argv[4], NULL, 10) : -1);
    weft_arena_reset(&arena);
    return remove_tree(work) ? code : 1;
}
