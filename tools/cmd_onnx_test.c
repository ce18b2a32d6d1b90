/* tools/cmd_onnx_test.c: `weft onnx-test`: directories in the layout of the ONNX backend suite. */
#include "tools/onnx_case.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 8, MAX_TEXT = 16 << 20 };

typedef struct suite {
    weft_args *a;
    weft_case_options o;
    WEFT_VEC(const char *) dir;
    weft_case_result *result;
    char *expected; /* the text of --expect; NULL without */
    int printed, count[3];
    FILE *report;
} suite;

static const char *
name_of(const char *dir)
{
    const char *slash = strrchr(dir, '/');
    return slash ? slash + 1 : dir;
}

/* ---- finding cases --------------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The entries of a directory that do not begin with a dot, sorted; empty when it cannot be read. */
static int
list_directory(weft_arena *arena, const char *path, const char ***names)
{
    WEFT_VEC(const char *) list = { 0 };
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            *WEFT_PUSH(arena, &list) = weft_arena_printf(arena, "%s/%s", path, e->d_name);
    if (d)
        closedir(d);
    if (list.n)
        qsort(list.at, (size_t)list.n, sizeof *list.at, by_text);
    *names = list.at;
    return list.n;
}

static void
find_cases(suite *s, const char *path, int depth)
{
    const char **entry;
    if (!access(weft_arena_printf(&s->a->arena, "%s/model.onnx", path), R_OK)) {
        *WEFT_PUSH(&s->a->arena, &s->dir) = path;
        return;
    }
    int n = depth < MAX_DEPTH ? list_directory(&s->a->arena, path, &entry) : 0;
    for (int i = 0; i < n; i++)
        find_cases(s, entry[i], depth + 1);
}

static weft_status
find_all(suite *s)
{
    for (int i = 0; i < s->a->operand.n; i++) {
        char *path = weft_arena_strdup(&s->a->arena, s->a->operand.at[i]);
        size_t n = strlen(path);
        int before = s->dir.n;
        while (n > 1 && path[n - 1] == '/')
            path[--n] = '\0';
        find_cases(s, path, 0);
        if (s->dir.n == before)
            return weft_fail(s->a->diag, WEFT_NOT_FOUND,
                             "%s holds no case: no directory in it has a model.onnx", path);
    }
    return WEFT_OK;
}

/* ---- running them ---------------------------------------------------------------------------- */

static const char *const verdicts[] = {
    [WEFT_PASSED] = "PASS", [WEFT_FAILED] = "FAIL", [WEFT_SKIPPED] = "UNSUPPORTED"
};

static void
print_result(suite *s, int i)
{
    const weft_case_result *r = &s->result[i];
    printf("%s %s%s%s\n", verdicts[r->verdict], name_of(s->dir.at[i]), *r->why ? ": " : "", r->why);
    if (s->report)
        fprintf(s->report, "%s\t%s\t%.3f\t%s\n", name_of(s->dir.at[i]), verdicts[r->verdict],
                r->seconds, r->why);
    s->count[r->verdict]++;
}

/* Results are printed in the order of the cases, as soon as all before them are there. */
static void
take_result(void *user, int i, const weft_case_result *result)
{
    suite *s = user;
    s->result[i] = *result;
    for (; s->printed < s->dir.n && s->result[s->printed].done; s->printed++)
        print_result(s, s->printed);
    fflush(stdout);
}

/* ---- expectations ---------------------------------------------------------------------------- */

/* The file of --expect, read before anything runs. */
static weft_status
read_expected(suite *s)
{
    const char *path = weft_option_text(s->a, WEFT_OPT_EXPECT);
    size_t n;
    return path ? weft_file_read(s->a->diag, path, MAX_TEXT, &s->expected, &n) : WEFT_OK;
}

/* The expected names, one a line; # starts a comment. */
static void
check_expected(suite *s)
{
    weft_map *index = weft_map_create(&s->a->arena);
    for (int i = 0; i < s->dir.n; i++)
        *weft_map_slot(index, name_of(s->dir.at[i]), strlen(name_of(s->dir.at[i]))) = i;
    for (char *line = strtok(s->expected, "\n"); line; line = strtok(NULL, "\n")) {
        size_t length = strcspn(line, " \t\r#");
        int64_t at = weft_map_get(index, line, length);
        if (length == 0 || (at >= 0 && s->result[at].verdict == WEFT_PASSED))
            continue;
        printf("EXPECTED %.*s: %s\n", (int)length, line,
               at < 0 ? "no such case" : "it has to pass");
        s->count[WEFT_FAILED] += at < 0 || s->result[at].verdict == WEFT_SKIPPED;
        s->count[WEFT_SKIPPED] -= at >= 0 && s->result[at].verdict == WEFT_SKIPPED;
    }
}

static weft_status
run_suite(suite *s)
{
    int64_t jobs;
    weft_status status = weft_arg_int(s->a, WEFT_OPT_JOBS, 1, 1024, 0, &jobs);
    if (!status)
        status = read_expected(s);
    if (!status)
        status = find_all(s);
    if (status)
        return status;
    s->result = WEFT_NEW_ARRAY(&s->a->arena, s->dir.n + 1, weft_case_result);
    status = weft_run_suite(&s->o, jobs ? (int)jobs : weft_cpu_count(), s->dir.n, s->dir.at, s,
                            take_result, s->a->diag);
    if (!status && s->expected)
        check_expected(s);
    if (!status)
        printf("%d passed, %d failed, %d skipped\n", s->count[WEFT_PASSED], s->count[WEFT_FAILED],
               s->count[WEFT_SKIPPED]);
    for (int i = 0; i < s->dir.n; i++)
        free(s->result[i].why);
    return status ? status : s->count[WEFT_FAILED] ? WEFT_MISMATCH : WEFT_OK;
}

static weft_status
run(weft_args *a)
{
    suite s = { .a = a,
                .o = { .device = weft_option_text(a, WEFT_OPT_DEVICE),
                       .target = weft_option_text(a, WEFT_OPT_TARGET) } };
    weft_import_options import;
    const char *report = weft_option_text(a, WEFT_OPT_REPORT);
    weft_status status = weft_arg_job(a, &s.o.job, &import);
    if (status)
        return status;
    if (report && !(s.report = fopen(report, "w")))
        return weft_fail(a->diag, WEFT_IO, "%s cannot be written", report);
    status = run_suite(&s);
    free(s.expected);
    if (s.report)
        fclose(s.report);
    return status;
}

const weft_command weft_cmd_onnx_test = {
    .name = "onnx-test",
    .usage = "[-d DEVICE] [-t TARGET] [-j N] [--report FILE.tsv] [--expect FILE] DIR..",
    .about = "Runs cases in the layout of the ONNX backend suite and compares their outputs",
    .takes = WEFT_TAKES(DEVICE) | WEFT_TAKES(TARGET) | WEFT_TAKES(JOBS) | WEFT_TAKES(REPORT) |
             WEFT_TAKES(EXPECT) | WEFT_TAKES(DIM) | WEFT_TAKES(SHAPE) | WEFT_TAKES(SEED) |
             WEFT_TAKES(OPTIMIZE) | WEFT_TAKES(NUMERICS),
    .min_operands = 1,
    .max_operands = -1,
    .run = run,
};
