/* tools/tools.h: what the subcommands of `weft` share. */
#ifndef WEFT_TOOLS_H
#define WEFT_TOOLS_H

#include "check/check.h"
#include "compiler/compiler.h"
#include "runtime/session.h"

/* ---- options (options.c) --------------------------------------------------------------------- */
typedef enum weft_option {
#define OPTION(id, ...) WEFT_OPT_##id,
#include "tools/options.def"
#undef OPTION
    WEFT_OPT_COUNT
} weft_option;
#define WEFT_TAKES(id) (1u << WEFT_OPT_##id)

/* A command line, read.  Strings are argv's. */
typedef struct weft_args {
    weft_arena arena;
    weft_diag *diag;
    WEFT_VEC(const char *) value[WEFT_OPT_COUNT]; /* in the order given */
    WEFT_VEC(const char *) operand;
} weft_args;

/* A subcommand.  run returns the status that decides the exit code; its messages are in args->diag.
 */
typedef struct weft_command {
    const char *name, *usage, *about;
    uint32_t takes;                 /* WEFT_TAKES(...) of the options it knows */
    int min_operands, max_operands; /* max -1: any number */
    weft_status (*run)(weft_args *);
} weft_command;

extern const weft_command weft_cmd_devices, weft_cmd_targets, weft_cmd_inspect, weft_cmd_compile,
    weft_cmd_run, weft_cmd_check, weft_cmd_dump, weft_cmd_onnx_test, weft_cmd_te, weft_cmd_opt;

/* The whole command (commands.c): the exit code, messages on stderr.  argv[0] is not read. */
int weft_main(int argc, char **argv);
weft_status weft_read_args(weft_args *, const weft_command *, int argc, char **argv);
void weft_print_help(FILE *, const weft_command *);
/* The last value given, or NULL. */
const char *weft_option_text(const weft_args *, weft_option);
static inline bool
weft_has(const weft_args *a, weft_option o)
{
    return a->value[o].n > 0;
}
/* An integer option within [min, max]; `otherwise` when absent. */
weft_status weft_arg_int(weft_args *, weft_option, int64_t min, int64_t max, int64_t otherwise,
                         int64_t *);
/* NAME=VALUE options split at the first '='. */
weft_status weft_arg_pairs(weft_args *, weft_option, int *n, const char *const **name,
                           const char *const **value);
/* The compile options that most commands share: --dim, --shape, --op, --seed, -O, --numerics, -j,
 * and the inputs of -i, read.  import is the caller's, job->import points to it. */
weft_status weft_arg_job(weft_args *, weft_compile_job *, weft_import_options *);

/* ---- running (load.c) ------------------------------------------------------------------------ */
/* A model or module made ready on a device. */
typedef struct weft_loaded {
    weft_module *module;
    weft_device *device;
    weft_session *session;
} weft_loaded;
/* path: a model (compiled in memory for the device's or the named target) or a module. */
weft_status weft_prepare(const char *path, const char *device, const char *target,
                         const weft_compile_job *, weft_diag *, weft_loaded *);
void weft_dismiss(weft_loaded *);
/* Opens the device of that name; NULL: the first usable one of a GPU API, else the interpreter. */
weft_status weft_tool_device(const char *id, weft_diag *, weft_device **);
/* Inputs from -i and --fill, one run, outputs printed and written with -o, --repeat, --profile. */
weft_status weft_run_loaded(weft_args *, const weft_import_options *, const weft_loaded *);

#endif
