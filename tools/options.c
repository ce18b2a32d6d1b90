/* tools/options.c: reads command lines by the one table of options. */
#include "tools/tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct option {
    const char *brief, *name, *value, *help;
} option;

static const option options[WEFT_OPT_COUNT] = {
#define OPTION(id, brief, name, value, help) [WEFT_OPT_##id] = { brief, name, value, help },
#include "tools/options.def"
#undef OPTION
};

/* The option that `arg` starts; *value is set when it is written into the same argument. */
static int
find_option(const char *arg, const char **value)
{
    const char *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
    *value = NULL;
    for (int i = 0; i < WEFT_OPT_COUNT; i++) {
        const option *o = &options[i];
        if (strlen(o->name) == n && strncmp(o->name, arg, n) == 0) {
            *value = equals ? equals + 1 : NULL;
            return i;
        }
        if (!o->brief || strncmp(arg, o->brief, 2) != 0)
            continue;
        if (arg[2] != '\0' && !o->value)
            continue;
        *value = arg[2] ? arg + 2 : NULL;
        return i;
    }
    return WEFT_OPT_COUNT;
}

static weft_status
read_option(weft_args *a, const weft_command *c, int argc, char **argv, int *i)
{
    const char *value;
    int o = find_option(argv[*i], &value);
    if (o == WEFT_OPT_COUNT || !((c->takes | WEFT_TAKES(HELP)) & (1u << o)))
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "`weft %s` has no option '%s'; see `weft %s --help`", c->name, argv[*i],
                         c->name);
    if (options[o].value && !value) {
        if (++*i == argc)
            return weft_fail(a->diag, WEFT_INVALID_ARGUMENT, "option '%s' needs %s", argv[*i - 1],
                             options[o].value);
        value = argv[*i];
    }
    if (!options[o].value && value)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT, "option '%s' takes no value",
                         options[o].name);
    *WEFT_PUSH(&a->arena, &a->value[o]) = value ? value : "";
    return WEFT_OK;
}

weft_status
weft_read_args(weft_args *a, const weft_command *c, int argc, char **argv)
{
    bool only_operands = false;
    for (int i = 0; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
            *WEFT_PUSH(&a->arena, &a->operand) = argv[i];
        } else {
            weft_status status = read_option(a, c, argc, argv, &i);
            if (status)
                return status;
        }
    }
    if (weft_has(a, WEFT_OPT_HELP))
        return WEFT_OK;
    if (a->operand.n < c->min_operands || (c->max_operands >= 0 && a->operand.n > c->max_operands))
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT, "usage: weft %s %s", c->name, c->usage);
    return WEFT_OK;
}

void
weft_print_help(FILE *f, const weft_command *c)
{
    fprintf(f, "usage: weft %s %s\n\n%s.\n", c->name, c->usage, c->about);
    if (c->takes)
        fputs("\noptions:\n", f);
    for (int i = 0; i < WEFT_OPT_COUNT; i++) {
        const option *o = &options[i];
        if (!(c->takes & (1u << i)))
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "",
                 o->name, o->value ? " " : "", o->value ? o->value : "");
        fprintf(f, "  %-28s  %s\n", left, o->help);
    }
}

const char *
weft_option_text(const weft_args *a, weft_option o)
{
    return a->value[o].n ? a->value[o].at[a->value[o].n - 1] : NULL;
}

static bool
parse_int(const char *text, int64_t *v)
{
    char *end;
    errno = 0;
    *v = strtoll(text, &end, 10);
    return *text && !*end && errno == 0;
}

weft_status
weft_arg_int(weft_args *a, weft_option o, int64_t min, int64_t max, int64_t otherwise, int64_t *v)
{
    const char *text = weft_option_text(a, o);
    *v = otherwise;
    if (!text)
        return WEFT_OK;
    if (!parse_int(text, v) || *v < min || *v > max)
        return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                         "%s '%s': it is a number from %lld to %lld", options[o].name, text,
                         (long long)min, (long long)max);
    return WEFT_OK;
}

weft_status
weft_arg_pairs(weft_args *a, weft_option o, int *n, const char *const **name,
               const char *const **value)
{
    const char **names = WEFT_NEW_ARRAY(&a->arena, a->value[o].n + 1, const char *);
    const char **values = WEFT_NEW_ARRAY(&a->arena, a->value[o].n + 1, const char *);
    for (int i = 0; i < a->value[o].n; i++) {
        const char *text = a->value[o].at[i], *equals = strchr(text, '=');
        if (!equals || equals == text)
            return weft_fail(a->diag, WEFT_INVALID_ARGUMENT, "%s '%s': it is written %s",
                             options[o].name, text, options[o].value);
        names[i] = weft_arena_strndup(&a->arena, text, (size_t)(equals - text));
        values[i] = equals + 1;
    }
    *n = a->value[o].n;
    *name = names;
    *value = values;
    return WEFT_OK;
}

static weft_status
read_dims(weft_args *a, weft_import_options *import)
{
    const char *const *value;
    weft_status status = weft_arg_pairs(a, WEFT_OPT_DIM, &import->ndim, &import->dim_name, &value);
    int64_t *dim = WEFT_NEW_ARRAY(&a->arena, import->ndim + 1, int64_t);
    for (int i = 0; i < import->ndim && !status; i++) {
        dim[i] = -1;
        if (strcmp(value[i], "?") != 0 && (!parse_int(value[i], &dim[i]) || dim[i] < 0))
            status = weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                               "--dim %s=%s: it is a size from 0, or `?`", import->dim_name[i],
                               value[i]);
    }
    import->dim_value = dim;
    return status;
}

static weft_status
read_seed(weft_args *a, weft_import_options *import)
{
    int64_t *seed = WEFT_NEW(&a->arena, int64_t);
    import->seed = weft_has(a, WEFT_OPT_SEED) ? seed : NULL;
    return weft_arg_int(a, WEFT_OPT_SEED, 0, INT32_MAX, 0, seed);
}

static weft_status
read_inputs(weft_args *a, weft_import_options *import)
{
    const char *const *file;
    weft_status status =
        weft_arg_pairs(a, WEFT_OPT_INPUT, &import->ngiven, &import->given_name, &file);
    weft_const *tensor = WEFT_NEW_ARRAY(&a->arena, import->ngiven + 1, weft_const);
    for (int i = 0; i < import->ngiven && !status; i++) {
        for (int k = 0; k < i; k++)
            if (strcmp(import->given_name[k], import->given_name[i]) == 0)
                return weft_fail(a->diag, WEFT_INVALID_ARGUMENT,
                                 "input '%s' is given twice, as %s and as %s", import->given_name[i],
                                 file[k], file[i]);
        status = weft_read_tensor(file[i], &a->arena, &tensor[i], a->diag);
    }
    import->given = tensor;
    return status;
}

weft_status
weft_arg_job(weft_args *a, weft_compile_job *job, weft_import_options *import)
{
    int64_t optimize, jobs;
    *import = (weft_import_options){ 0 };
    *job = (weft_compile_job){ .import = import };
    const char *numerics = weft_option_text(a, WEFT_OPT_NUMERICS);
    weft_status status =
        weft_parse_numerics(numerics ? numerics : "default", &job->numerics, a->diag);
    if (!status)
        status = weft_arg_int(a, WEFT_OPT_OPTIMIZE, 0, 3, 2, &optimize);
    if (!status)
        status = weft_arg_int(a, WEFT_OPT_JOBS, 1, 1024, 0, &jobs);
    if (!status)
        status = read_dims(a, import);
    if (!status)
        status =
            weft_arg_pairs(a, WEFT_OPT_SHAPE, &import->nshape, &import->shape_name, &import->shape);
    if (!status)
        status = weft_arg_pairs(a, WEFT_OPT_OP, &import->nop, &import->op_name, &import->op_file);
    if (!status)
        status = read_seed(a, import);
    if (!status)
        status = read_inputs(a, import);
    if (!status) {
        job->optimize = (int)optimize;
        job->threads = (int)jobs;
    }
    return status;
}
