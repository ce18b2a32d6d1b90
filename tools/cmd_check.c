/* tools/cmd_check.c: `weft check`: a model on devices beside the reference interpreter. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The values of an option, split at commas. */
static int
split(weft_args *a, weft_option option, const char *const **out)
{
    WEFT_VEC(const char *) list = { 0 };
    for (int i = 0; i < a->value[option].n; i++) {
        char *text = weft_arena_strdup(&a->arena, a->value[option].at[i]), *rest = text;
        for (char *one; (one = strsep(&rest, ","));)
            *WEFT_PUSH(&a->arena, &list) = one;
    }
    *out = list.at;
    return list.n;
}

/* A line on a terminal, rewritten; none in a pipe. */
static void
show_progress(void *user, const char *what)
{
    (void)user;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s ...", what);
}

static void
end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* Devices that could not be run are errors beside what is printed of the others. */
static weft_status
verdict(weft_args *a, const weft_check_report *report)
{
    for (int i = 0; i < report->run.n; i++) {
        const weft_check_run *r = &report->run.at[i];
        if (r->status && r->status != WEFT_MISMATCH && !r->skipped)
            weft_fail(a->diag, r->status, "%s as %s: %s", r->device, r->target, r->why);
    }
    return weft_check_verdict(report);
}

static weft_status
run(weft_args *a)
{
    weft_import_options import;
    weft_check_report report;
    bool reduce = weft_has(a, WEFT_OPT_REDUCE);
    const char *path = a->operand.at[0];
    weft_check_options o = { .fill = weft_option_text(a, WEFT_OPT_FILL),
                             .per_kernel = weft_has(a, WEFT_OPT_PER_KERNEL),
                             .module = weft_option_text(a, WEFT_OPT_MODULE),
                             .out = weft_option_text(a, WEFT_OPT_OUT),
                             .progress = show_progress };
    weft_status status = weft_arg_job(a, &o.job, &import);
    o.ndevice = split(a, WEFT_OPT_DEVICE, &o.device);
    o.ntarget = split(a, WEFT_OPT_TARGET, &o.target);
    o.ninput = import.ngiven;
    o.input_name = import.given_name;
    o.input = import.given;
    import.keep_symbols = o.module; /* whose symbols may be of any size */
    if (!status && reduce && (o.module || weft_is_reproducer(path)))
        status = weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                           "--reduce compiles parts of the model anew; the kernels of a module "
                           "cannot be");
    if (status)
        return status;
    if (!o.out)
        o.out = "weft-check";
    status = weft_is_reproducer(path) ? weft_check_reproducer(path, &o, a->diag, &report)
                                      : weft_check_model(path, &o, a->diag, &report);
    if (!status && reduce)
        status = weft_check_reduce(path, &o, &report, a->diag);
    end_progress();
    if (!status || report.run.n) {
        if (weft_has(a, WEFT_OPT_JSON))
            weft_print_check_json(stdout, &report);
        else
            weft_print_check(stdout, &report, weft_has(a, WEFT_OPT_ALL));
    }
    if (!status)
        status = verdict(a, &report);
    weft_check_report_free(&report);
    return status;
}

const weft_command weft_cmd_check = {
    .name = "check",
    .usage = "MODEL|REPRODUCER [-d DEVICE,..] [-t TARGET,..] [-i NAME=FILE].. [--fill HOW] "
             "[--per-kernel] [--reduce] [--module MODULE] [-o DIR] [--json]",
    .about = "Runs a model on devices and compares outputs, or every kernel's results, with the "
             "reference interpreter's",
    .takes = WEFT_TAKES(DEVICE) | WEFT_TAKES(TARGET) | WEFT_TAKES(INPUT) | WEFT_TAKES(FILL) |
             WEFT_TAKES(PER_KERNEL) | WEFT_TAKES(REDUCE) | WEFT_TAKES(MODULE) | WEFT_TAKES(OUT) |
             WEFT_TAKES(ALL) | WEFT_TAKES(JSON) | WEFT_TAKES(DIM) | WEFT_TAKES(SHAPE) |
             WEFT_TAKES(OP) | WEFT_TAKES(SEED) | WEFT_TAKES(OPTIMIZE) | WEFT_TAKES(NUMERICS) |
             WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
