/* tools/cmd_run.c: `weft run`: a model or a module on a device. */
#include "tools/tools.h"

#include <stdlib.h>
#include <string.h>

typedef struct running {
    weft_args *a;
    const weft_import_options *import;
    weft_loaded l;
    const weft_program *p;
    weft_const *in, *out;
} running;

/* ---- inputs ---------------------------------------------------------------------------------- */

static int
input_named(const weft_program *p, const char *name)
{
    for (int i = 0; i < p->ninput; i++)
        if (strcmp(p->tensor[p->input[i]].name, name) == 0)
            return i;
    return -1;
}

static weft_status
unknown_input(running *r, const char *name)
{
    weft_str names = { 0 };
    for (int i = 0; i < r->p->ninput; i++)
        weft_str_addf(&names, "%s'%s'", i ? ", " : "", r->p->tensor[r->p->input[i]].name);
    weft_status status =
        weft_fail(r->a->diag, WEFT_INVALID_ARGUMENT,
                  "the model has no input '%s'; its inputs are %s", name, weft_str_text(&names));
    weft_str_free(&names);
    return status;
}

static weft_status
take_inputs(running *r, bool *given)
{
    const weft_import_options *o = r->import;
    for (int i = 0; i < o->ngiven; i++) {
        int at = input_named(r->p, o->given_name[i]);
        if (at < 0)
            return unknown_input(r, o->given_name[i]);
        const weft_const *c = &o->given[i];
        const weft_mod_tensor *t = &r->p->tensor[r->p->input[at]];
        if (c->dtype != t->dtype || c->ndim != t->ndim)
            return weft_fail(r->a->diag, WEFT_INVALID_INPUT,
                             "%s holds %s of rank %d; input '%s' is %s of rank %d",
                             strchr(r->a->value[WEFT_OPT_INPUT].at[i], '=') + 1,
                             weft_dtype_name(c->dtype), c->ndim, t->name, weft_dtype_name(t->dtype),
                             t->ndim);
        r->in[at] = *c;
        given[at] = true;
    }
    return WEFT_OK;
}

/* The input's dims from its own text and the sizes of --dim. */
static weft_status
default_dims(running *r, int i)
{
    const weft_import_options *sizes = r->import;
    const weft_mod_tensor *t = &r->p->tensor[r->p->input[i]];
    int64_t *dim = WEFT_NEW_ARRAY(&r->a->arena, t->ndim + 1, int64_t);
    for (int d = 0; d < t->ndim; d++) {
        const weft_iexpr *e =
            weft_iexpr_parse(&r->a->arena, NULL, t->dim[d], sizes->ndim, sizes->dim_name);
        if (!e || weft_iexpr_eval(e, sizes->dim_value, NULL, &dim[d]) || dim[d] < 0)
            return weft_fail(
                r->a->diag, WEFT_INVALID_ARGUMENT,
                "input '%s' has the symbolic dimension %s; give it with -i, or its size with --dim",
                t->name, t->dim[d]);
    }
    r->in[i] = (weft_const){ .dtype = t->dtype, .ndim = t->ndim, .dim = dim };
    return WEFT_OK;
}

static weft_status
fill_input(running *r, int i)
{
    const char *how = weft_option_text(r->a, WEFT_OPT_FILL);
    const char *name = r->p->tensor[r->p->input[i]].name;
    if (!how)
        return weft_fail(
            r->a->diag, WEFT_INVALID_ARGUMENT,
            "input '%s' is not given; name a file with -i %s=FILE, or say --fill random:0", name,
            name);
    weft_status status = default_dims(r, i);
    if (status)
        return status;
    weft_const *c = &r->in[i];
    status = weft_tensor_room(name, &r->a->arena, c, r->a->diag);
    return status ? status : weft_fill(how, name, c, r->a->diag);
}

static weft_status
prepare_inputs(running *r)
{
    bool *given = WEFT_NEW_ARRAY(&r->a->arena, r->p->ninput + 1, bool);
    const int64_t **dims = WEFT_NEW_ARRAY(&r->a->arena, r->p->ninput + 1, const int64_t *);
    r->in = WEFT_NEW_ARRAY(&r->a->arena, r->p->ninput + 1, weft_const);
    r->out = WEFT_NEW_ARRAY(&r->a->arena, r->p->noutput + 1, weft_const);
    weft_status status = take_inputs(r, given);
    for (int i = 0; i < r->p->ninput && !status; i++)
        if (!given[i])
            status = fill_input(r, i);
    for (int i = 0; i < r->p->ninput; i++)
        dims[i] = r->in[i].dim;
    return status ? status : weft_session_bind(r->l.session, dims, r->a->diag);
}

/* ---- runs and results ------------------------------------------------------------------------ */

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
print_times(const char *what, double *t, int64_t n)
{
    qsort(t, (size_t)n, sizeof *t, by_value);
    printf("%s time: median %.3f ms, minimum %.3f ms over %lld runs\n", what, t[n / 2] * 1e3,
           t[0] * 1e3, (long long)n);
}

static double
device_time(running *r)
{
    const double *times = weft_session_times(r->l.session);
    double sum = 0;
    for (int i = 0; times && i < r->p->nstep; i++)
        sum += times[i];
    return sum;
}

/* Runs one after the other, and then as many again whose launches are timed each. */
static weft_status
repeat(running *r, int64_t n)
{
    double *wall = WEFT_NEW_ARRAY(&r->a->arena, n, double),
           *device = WEFT_NEW_ARRAY(&r->a->arena, n, double);
    weft_status status = WEFT_OK;
    for (int64_t i = 0; i < n && !status; i++) {
        double start = weft_now();
        status = weft_session_run(r->l.session, r->a->diag);
        if (!status)
            status = weft_session_sync(r->l.session, r->a->diag);
        wall[i] = weft_now() - start;
    }
    for (int64_t i = 0; i < n && !status; i++) {
        status = weft_session_profile(r->l.session, r->a->diag);
        device[i] = device_time(r);
    }
    if (!status) {
        print_times("wall", wall, n);
        print_times("device", device, n);
    }
    return status;
}

static weft_status
write_outputs(running *r)
{
    const char *dir = weft_option_text(r->a, WEFT_OPT_OUT);
    weft_status status = dir ? weft_make_dirs(r->a->diag, dir) : WEFT_OK;
    for (int i = 0; i < r->p->noutput && !status; i++) {
        const char *name = r->p->tensor[r->p->output[i]].name;
        weft_print_tensor(name, &r->out[i]);
        if (dir)
            status = weft_write_tensor(dir, name, &r->out[i], r->a->diag);
    }
    return status;
}

static weft_status
write_profile(running *r)
{
    const char *path = weft_option_text(r->a, WEFT_OPT_PROFILE);
    if (!path)
        return WEFT_OK;
    weft_status status = weft_session_profile(r->l.session, r->a->diag);
    return status ? status : weft_session_write_trace(r->l.session, path, r->a->diag);
}

weft_status
weft_run_loaded(weft_args *a, const weft_import_options *import, const weft_loaded *l)
{
    running r = { .a = a, .import = import, .l = *l, .p = weft_session_program(l->session) };
    int64_t times;
    weft_status status = weft_arg_int(a, WEFT_OPT_REPEAT, 1, 1000000, 0, &times);
    if (!status)
        status = prepare_inputs(&r);
    if (!status)
        status = weft_run_once(r.l.session, r.in, &a->arena, r.out, a->diag);
    if (!status)
        status = write_outputs(&r);
    if (!status && times)
        status = repeat(&r, times);
    return status ? status : write_profile(&r);
}

static weft_status
run(weft_args *a)
{
    weft_compile_job job;
    weft_import_options import;
    weft_loaded l;
    int64_t times;
    weft_status status = weft_arg_job(a, &job, &import);
    if (!status)
        status =
            weft_arg_int(a, WEFT_OPT_REPEAT, 1, 1000000, 0, &times); /* before what takes long */
    if (!status)
        status = weft_prepare(a->operand.at[0], weft_option_text(a, WEFT_OPT_DEVICE),
                              weft_option_text(a, WEFT_OPT_TARGET), &job, a->diag, &l);
    if (status)
        return status;
    status = weft_run_loaded(a, &import, &l);
    weft_dismiss(&l);
    return status;
}

const weft_command weft_cmd_run = {
    .name = "run",
    .usage = "MODEL|MODULE [-d DEVICE] [-i NAME=FILE].. [--fill HOW] [-o DIR] [--repeat N] "
             "[--profile FILE.json]",
    .about = "Runs a model or a module and prints what came out",
    .takes = WEFT_TAKES(DEVICE) | WEFT_TAKES(TARGET) | WEFT_TAKES(INPUT) | WEFT_TAKES(FILL) |
             WEFT_TAKES(OUT) | WEFT_TAKES(REPEAT) | WEFT_TAKES(PROFILE) | WEFT_TAKES(DIM) |
             WEFT_TAKES(SHAPE) | WEFT_TAKES(OP) | WEFT_TAKES(SEED) | WEFT_TAKES(OPTIMIZE) |
             WEFT_TAKES(NUMERICS) | WEFT_TAKES(JOBS),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
