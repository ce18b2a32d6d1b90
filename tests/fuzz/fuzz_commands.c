/* tests/fuzz/fuzz_commands.c: damages files and runs the command on them, in process.
 *
 *   fuzz_commands [--seed N] [--count N] [--kind NAME] [--case I] [--more DIR] [--keep DIR]
 *
 * Every case must end in an exit status of 0 to 3 with a message unless it is 0, within the bounds
 * of time and memory below, without a signal or a sanitizer's report.  A damaged file is an input
 * error or still good, so 1 is a failure too, 3 is one unless memory is refused, and 0 is one where
 * a file is cut short and its format shows it.  Cases run in workers, each of which does many and
 * is replaced when one case kills it.  --case runs one alone and shows its output.  Devices are
 * interp and null: what compiles for the others is not weft's.
 */
#include "fuzz.h"
#include "tools/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef FUZZ_SANITIZED
enum { MAX_SECONDS = 10, MAX_MIB = 1536 };
#else
enum { MAX_SECONDS = 2, MAX_MIB = 1024 };
#endif
enum {
    WATCHDOG_SECONDS = 30,
    CASES_A_WORKER = 250,
    LEAK_CHECK_EVERY = 125,
    SAID = 4000,
    LINE = 2000
};

/* What workers leave for the parent. */
typedef struct report {
    long at, done[FUZZ_KINDS][4];
    double slowest[FUZZ_KINDS];
    long slowest_case[FUZZ_KINDS], failures, most_mib;
    int kind;
    char line[LINE], what[LINE], source[LINE];
} report;

typedef struct options {
    uint64_t seed;
    long count, only;
    int kind;
    const char *more, *keep;
} options;

typedef struct run {
    const options *o;
    fuzz_corpus corpus;
    char work[64];
    report *r;
    int said; /* the file that stdout and stderr go to while a case runs */
    int out;  /* the true stderr */
} run;

/* Leaks are looked for now and then; much memory at once is refused, as a small machine would. */
WEFT_API const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "max_allocation_size_mb=256:allocator_may_return_null=1:quarantine_size_mb=16:"
           "hard_rss_limit_mb=3000:detect_leaks=1:leak_check_at_exit=0:exitcode=77:"
           "handle_abort=1:print_scariness=0";
}
WEFT_API const char *__ubsan_default_options(void);
const char *
__ubsan_default_options(void)
{
    return "print_stacktrace=1";
}
#ifdef FUZZ_SANITIZED
int __lsan_do_recoverable_leak_check(void);
#else
static int
__lsan_do_recoverable_leak_check(void)
{
    return 0;
}
#endif

/* ---- one case -------------------------------------------------------------------------------- */

static double
seconds_used(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static const char *
ending(const fuzz_seed *s)
{
    static const char *const with[FUZZ_KINDS] = { ".onnx", ".weft", NULL,   ".npy",
                                                  ".pb",   ".te",   ".wir", ".wir" };
    return with[s->kind];
}

/* Where the damaged file goes, and what the command is given. */
static void
paths(run *f, weft_arena *a, const fuzz_seed *s, const char **file, const char **operand)
{
    if (s->kind == FUZZ_DIRECTORY) {
        *operand = f->corpus.directory;
        *file = weft_arena_printf(a, "%s/%s", f->corpus.directory, s->path);
    } else {
        *operand = *file = weft_arena_printf(a, "%s/case%s", f->work, ending(s));
    }
}

static const char *
said_text(run *f, weft_arena *a)
{
    char *text = weft_arena_alloc(a, SAID + 1);
    ssize_t n = pread(f->said, text, SAID, 0);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void
fail(run *f, weft_arena *a, fuzz_bytes bytes, const char *why)
{
    report *r = f->r;
    const char *path = weft_arena_printf(a, "%s/%s-%llu-%ld", f->o->keep, fuzz_kind_name[r->kind],
                                         (unsigned long long)f->o->seed, r->at);
    r->failures++;
    if (bytes.at)
        weft_file_write(NULL, path, bytes.at, bytes.n);
    dprintf(f->out,
            "FAILED: %s\n  of %s: %s\n  %s\n  file kept as %s\n  again: fuzz_commands --seed %llu "
            "--case %ld%s%s%s%s\n%s\n",
            why, r->source, r->what, r->line, bytes.at ? path : "(not kept)",
            (unsigned long long)f->o->seed, r->at, f->o->kind >= 0 ? " --kind " : "",
            f->o->kind >= 0 ? fuzz_kind_name[f->o->kind] : "", f->o->more ? " --more " : "",
            f->o->more ? f->o->more : "", said_text(f, a));
}

static bool
names_file(const fuzz_seed *s, const char *said)
{
    const char *slash = strrchr(s->path, '/');
    return strstr(said, s->kind == FUZZ_DIRECTORY ? (slash ? slash + 1 : s->path) : "case.");
}

/* Why the status is not one to end in, or NULL. */
static const char *
judge(const fuzz_seed *s, const fuzz_edit *e, int status, const char *said)
{
    bool cut_is_seen = s->kind == FUZZ_NPY || s->kind == FUZZ_MODULE;
    bool may_be_whole = s->kind == FUZZ_TE || s->kind == FUZZ_WIR; /* but for blanks and comments */
    if (status < 0 || status > 3)
        return "the exit status is none of 0 to 3";
    if (status && !*said)
        return "no message";
    if (status == 1)
        return "a comparison failed where none was asked for";
    /* What the file asks for may be more memory than there is. */
    if (status == 3 && !strstr(said, "memory"))
        return "damage to a file is taken for a failure of the device";
    if (e->cut && cut_is_seen && status != 2)
        return "a file cut short is taken for a whole one";
    if (e->cut && status && !may_be_whole && !names_file(s, said))
        return "the message does not say which file is damaged";
    return NULL;
}

static int
call(run *f, const fuzz_call *c, fuzz_bytes bytes)
{
    int status = 0;
    char **argv = calloc((size_t)c->argc + 1, sizeof *argv);
    if (!argv)
        return -1;
    memcpy(argv, c->argv, (size_t)c->argc * sizeof *argv);
    if (ftruncate(f->said, 0) || lseek(f->said, 0, SEEK_SET))
        status = -1;
    else if (c->check)
        c->check(bytes.at, bytes.n);
    else
        status = weft_main(c->argc, argv);
    fflush(stdout);
    fflush(stderr);
    free(argv);
    return status;
}

static const fuzz_seed *
choose_seed(run *f, fuzz_rng *rng, const fuzz_seed **other)
{
    int kind = f->o->kind >= 0 ? f->o->kind : (int)fuzz_below(rng, FUZZ_KINDS);
    size_t n = (size_t)f->corpus.kind[kind].n;
    *other = &f->corpus.kind[kind].at[fuzz_below(rng, n)];
    return &f->corpus.kind[kind].at[fuzz_below(rng, n)];
}

/* Which bound the case went over, or NULL. */
static const char *
limits_kept(double seconds, weft_arena *a)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (seconds > MAX_SECONDS)
        return weft_arena_printf(a, "it took %.1f s of processor time, the bound is %d", seconds,
                                 MAX_SECONDS);
    if (u.ru_maxrss / 1024 > MAX_MIB)
        return weft_arena_printf(a, "it took %ld MiB, the bound is %d", u.ru_maxrss / 1024,
                                 MAX_MIB);
    return NULL;
}

static void
count(report *r, int status, double seconds)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (status >= 0 && status <= 3)
        r->done[r->kind][status]++;
    if (seconds > r->slowest[r->kind]) {
        r->slowest[r->kind] = seconds;
        r->slowest_case[r->kind] = r->at;
    }
    if (u.ru_maxrss / 1024 > r->most_mib)
        r->most_mib = u.ru_maxrss / 1024;
}

/* False when the worker had better end: its memory has grown beyond the bound. */
static bool
run_case(run *f, long number)
{
    report *r = f->r;
    weft_arena arena = { 0 };
    weft_str what = { 0 };
    const fuzz_seed *other;
    const char *file, *operand;
    fuzz_rng rng = { f->o->seed };
    fuzz_edit e = { .rng = &rng, .arena = &arena, .what = &what };
    rng.state = fuzz_next(&rng) + (uint64_t)number * 0xD1B54A32D192ED03u; /* far apart */
    const fuzz_seed *s = choose_seed(f, &rng, &other);
    paths(f, &arena, s, &file, &operand);
    fuzz_bytes bytes = fuzz_damage(&e, s->form, s->bytes, other->bytes);
    fuzz_call c = fuzz_choose_call(&rng, &arena, s->kind, &f->corpus, operand, f->work);
    r->at = number;
    r->kind = s->kind;
    snprintf(r->line, sizeof r->line, "%s", c.line);
    snprintf(r->what, sizeof r->what, "%s", weft_str_text(&what));
    snprintf(r->source, sizeof r->source, "%s", s->path);
    weft_file_write(NULL, file, bytes.at, bytes.n);
    double start = seconds_used();
    alarm(WATCHDOG_SECONDS);
    int status = call(f, &c, bytes);
    alarm(0);
    double seconds = seconds_used() - start;
    const char *why = judge(s, &e, status, c.check ? "." : said_text(f, &arena));
    const char *over = limits_kept(seconds, &arena);
    count(r, status, seconds);
    if (why || over)
        fail(f, &arena, bytes, why ? why : over);
    if (s->kind == FUZZ_DIRECTORY)
        weft_file_write(NULL, file, s->bytes.at, s->bytes.n);
    weft_str_free(&what);
    weft_arena_reset(&arena);
    return !over;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void
limit_memory(void)
{
#ifndef FUZZ_SANITIZED
    struct rlimit most = { (rlim_t)2 * MAX_MIB << 20, (rlim_t)2 * MAX_MIB << 20 };
    setrlimit(RLIMIT_AS, &most);
#endif
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
}

/* Runs cases from `first` on, in a child; leaves r->at at the last one begun. */
static void
work(run *f, long first, long end)
{
    limit_memory();
    dup2(f->said, STDOUT_FILENO);
    dup2(f->said, STDERR_FILENO);
    for (long i = first; i < end; i++) {
        bool small = run_case(f, i);
        bool look =
            !small || (i - first) % LEAK_CHECK_EVERY == LEAK_CHECK_EVERY - 1 || i + 1 == end;
        weft_arena arena = { 0 };
        if (look && __lsan_do_recoverable_leak_check()) {
            fail(f, &arena, (fuzz_bytes){ 0 },
                 "memory leaked by this case or one of the 124 before");
            _exit(0);
        }
        if (!small)
            _exit(0);
    }
    _exit(0);
}

static void
report_death(run *f, int status)
{
    weft_arena arena = { 0 };
    const char *why =
        WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
            ? "it did not end within the watchdog's time"
        : WIFSIGNALED(status)
            ? weft_arena_printf(&arena, "signal %d", WTERMSIG(status))
            : weft_arena_printf(&arena, "the process ended with status %d", WEXITSTATUS(status));
    fuzz_seed s = { .kind = (fuzz_kind)f->r->kind, .path = f->r->source };
    const char *file, *operand;
    char *text = NULL;
    size_t n = 0;
    paths(f, &arena, &s, &file, &operand);
    weft_file_read(NULL, file, SIZE_MAX >> 1, &text, &n);
    fail(f, &arena, (fuzz_bytes){ (uint8_t *)text, n }, why);
    for (int i = 0; s.kind == FUZZ_DIRECTORY && i < f->corpus.kind[FUZZ_DIRECTORY].n; i++) {
        const fuzz_seed *good = &f->corpus.kind[FUZZ_DIRECTORY].at[i];
        if (strcmp(good->path, s.path) == 0)
            weft_file_write(NULL, file, good->bytes.at, good->bytes.n);
    }
    free(text);
    weft_arena_reset(&arena);
}

static void
run_all(run *f)
{
    long end = f->o->only >= 0 ? f->o->only + 1 : f->o->count;
    for (long first = f->o->only >= 0 ? f->o->only : 0; first < end; first = f->r->at + 1) {
        long last = first + CASES_A_WORKER < end ? first + CASES_A_WORKER : end;
        int status;
        f->r->at = first;
        pid_t child = fork();
        if (child == 0)
            work(f, first, last);
        if (child < 0 || waitpid(child, &status, 0) < 0) {
            fprintf(stderr, "fuzz_commands: no worker: %s\n", strerror(errno));
            f->r->failures++;
            return;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            report_death(f, status);
    }
}

static void
print_report(const report *r)
{
    printf("%-10s %7s %7s %7s %7s  slowest\n", "kind", "status0", "1", "2", "3");
    for (int k = 0; k < FUZZ_KINDS; k++)
        printf("%-10s %7ld %7ld %7ld %7ld  %.2f s (case %ld)\n", fuzz_kind_name[k], r->done[k][0],
               r->done[k][1], r->done[k][2], r->done[k][3], r->slowest[k], r->slowest_case[k]);
    printf("at most %ld MiB (bound %d) and %d s of processor time a case allowed; %ld failures\n",
           r->most_mib, MAX_MIB, MAX_SECONDS, r->failures);
}

/* ---- options --------------------------------------------------------------------------------- */

static int
kind_named(const char *name)
{
    int k = 0;
    while (k < FUZZ_KINDS && strcmp(name, fuzz_kind_name[k]) != 0)
        k++;
    return k;
}

static bool
read_options(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!value)
            return false;
        if (strcmp(name, "--seed") == 0)
            o->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--count") == 0)
            o->count = strtol(value, NULL, 10);
        else if (strcmp(name, "--case") == 0)
            o->only = strtol(value, NULL, 10);
        else if (strcmp(name, "--kind") == 0)
            o->kind = kind_named(value);
        else if (strcmp(name, "--more") == 0)
            o->more = value;
        else if (strcmp(name, "--keep") == 0)
            o->keep = value;
        else
            return false;
    }
    return o->kind < FUZZ_KINDS;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

int
main(int argc, char **argv)
{
    options o = { .seed = 1, .count = 1500, .only = -1, .kind = -1, .keep = "fuzz-failures" };
    run f = { .o = &o, .work = "/tmp/weft-fuzz-XXXXXX" };
    if (!read_options(&o, argc, argv)) {
        fputs("usage: fuzz_commands [--seed N] [--count N] [--kind NAME] [--case I] [--more DIR] "
              "[--keep DIR]\n",
              stderr);
        return 2;
    }
    setenv("WEFT_INTERP_STEPS", "2000000", 1); /* a loop without end is an input like any other */
    mkdir(o.keep, 0777);
    if (!mkdtemp(f.work) || !fuzz_corpus_make(&f.corpus, f.work, o.more)) {
        fputs("fuzz_commands: the corpus cannot be made\n", stderr);
        return 1;
    }
    const char *said = weft_arena_printf(&f.corpus.arena, "%s/said", f.work);
    f.r = mmap(NULL, sizeof *f.r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    f.said = open(said, O_CREAT | O_TRUNC | O_RDWR | O_APPEND, 0666);
    f.out = dup(STDERR_FILENO);
    if (f.r == MAP_FAILED || f.said < 0 || f.out < 0)
        return 1;
    run_all(&f);
    if (o.only >= 0)
        printf("%s\n%s\n%s\n", f.r->line, f.r->what, said_text(&f, &f.corpus.arena));
    print_report(f.r);
    nftw(f.work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    weft_arena_reset(&f.corpus.arena);
    return f.r->failures != 0;
}
