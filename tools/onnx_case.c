/* tools/onnx_case.c: one case of the ONNX backend suite: a model, its test data, a verdict. */
#include "tools/onnx_case.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TENSORS = 4096, SHORT_LIST = 16 /* elements */ };

typedef struct side { /* inputs or outputs; those of a list one by one */
    WEFT_VEC(weft_const) tensor;
    WEFT_VEC(const char *) name;  /* of each; "" beyond the model's */
    WEFT_VEC(const char *) empty; /* lists of nothing */
} side;

typedef struct test_set {
    side in, out;
    weft_module *module;
} test_set;

struct weft_case {
    const weft_case_options *o;
    weft_device *device;
    const char *dir, *prefix;
    double seconds;
    weft_arena arena;
    weft_diag *diag;
    weft_model_summary model;
    WEFT_VEC(test_set) set;
    int nrandom; /* outputs of the data sets whose numbers were not compared */
};

/* What a file holds: a tensor, or those of a sequence or an optional, "x.0", "x.1", .. */
static weft_status
read_file(weft_case *r, const char *path, const weft_model_side *of, side *to)
{
    weft_const one, *c = &one;
    const char *name, *whole = of ? of->name : "";
    int n = 1;
    weft_status status = of && of->list
                             ? weft_read_list_pb(path, &r->arena, &n, &c, r->diag)
                             : weft_read_tensor_pb(path, &r->arena, &one, &name, r->diag);
    for (int i = 0; i < n && !status; i++) {
        *WEFT_PUSH(&r->arena, &to->tensor) = c[i];
        *WEFT_PUSH(&r->arena, &to->name) =
            of && of->list ? weft_arena_printf(&r->arena, "%s.%d", whole, i) : whole;
    }
    if (n == 0 && !status)
        *WEFT_PUSH(&r->arena, &to->empty) = whole;
    return status;
}

static weft_status
read_side(weft_case *r, const char *set, const char *which, int nside, const weft_model_side *model,
          side *to)
{
    *to = (side){ 0 };
    for (int i = 0; i < MAX_TENSORS; i++) {
        const char *path = weft_arena_printf(&r->arena, "%s/%s/%s_%d.pb", r->dir, set, which, i);
        if (access(path, R_OK))
            break;
        weft_status status = read_file(r, path, i < nside ? &model[i] : NULL, to);
        if (status)
            return status;
    }
    return WEFT_OK;
}

/* "1x3x224x224"; rank 0 is "". */
static const char *
shape_text(weft_arena *arena, const weft_const *c)
{
    weft_str s = { 0 };
    for (int d = 0; d < c->ndim; d++)
        weft_str_addf(&s, "%s%lld", d ? "x" : "", (long long)c->dim[d]);
    const char *text = weft_arena_strdup(arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

/* Which inputs have the value of their test data, and not its shape alone. */
typedef enum fix { FIX_NONE, FIX_INTEGERS, FIX_NUMBERS, FIX_COUNT } fix;

/* Lists of integers may decide shapes; scales and regions, which are short lists of floats, too. */
static bool
is_fixed(fix which, const weft_const *c)
{
    bool ints = weft_is_int(c->dtype), few = c->ndim == 0 || c->dim[0] <= SHORT_LIST;
    return c->ndim <= 1 && which != FIX_NONE && (ints || (which == FIX_NUMBERS && few));
}

/* As the command line has them, but that every input has the shape of its test data, some their
 * value too, and results that the run sizes may be as large as the expected ones. */
static void
import_options(weft_case *r, const test_set *set, fix which, weft_import_options *o)
{
    const side *in = &set->in, *out = &set->out;
    const weft_import_options *base = r->o->job.import;
    int n = in->tensor.n, nempty = in->empty.n, nout = out->tensor.n;
    int most = n + nempty + nout + base->nshape + 1;
    const char **name = WEFT_NEW_ARRAY(&r->arena, most, const char *);
    const char **shape = WEFT_NEW_ARRAY(&r->arena, most, const char *);
    const char **fixed_name = WEFT_NEW_ARRAY(&r->arena, n + 1, const char *);
    weft_const *fixed = WEFT_NEW_ARRAY(&r->arena, n + 1, weft_const);
    *o = *base;
    o->nshape = 0;
    o->shape_name = name;
    o->shape = shape;
    o->fixed_name = fixed_name;
    o->fixed = fixed;
    for (int i = 0; i < n; i++) {
        const weft_const *c = &in->tensor.at[i];
        name[o->nshape] = in->name.at[i];
        shape[o->nshape++] = shape_text(&r->arena, c);
        if (is_fixed(which, c)) {
            fixed_name[o->nfixed] = in->name.at[i];
            fixed[o->nfixed++] = *c;
        }
    }
    for (int i = 0; i < nempty; i++) {
        name[o->nshape] = in->empty.at[i];
        shape[o->nshape++] = "";
    }
    for (int i = 0; i < nout; i++) {
        name[o->nshape] = out->name.at[i];
        shape[o->nshape++] = shape_text(&r->arena, &out->tensor.at[i]);
    }
    for (int i = 0; i < base->nshape; i++) {
        name[o->nshape] = base->shape_name[i];
        shape[o->nshape++] = base->shape[i];
    }
}

static weft_status
compile(weft_case *r, const char *model, int nth, test_set *set)
{
    weft_import_options import;
    weft_compile_job job = r->o->job;
    weft_target target;
    weft_status status = weft_resolve_target(r->o->target, r->device, &target, r->diag);
    job.import = &import;
    job.threads = 1;
    if (r->prefix)
        job.prefix = weft_arena_printf(&r->arena, "%s_%d_", r->prefix, nth);
    for (fix which = FIX_NONE; which < FIX_COUNT; which++) {
        weft_diag *diag = weft_diag_create();
        import_options(r, set, which, &import);
        if (!status)
            status = weft_compile_targets(model, 1, &target, &job, diag, &set->module);
        bool again = status && which + 1 < FIX_COUNT;
        int n;
        const char *said = weft_diag_said(diag, &n);
        if (status && !again)
            weft_fail(r->diag, status, "%.*s", n, said);
        weft_diag_destroy(diag);
        if (!again)
            break;
        status = WEFT_OK;
    }
    return status;
}

/* The test data of every input the program still has, by the model's input names. */
static weft_status
pick_inputs(weft_case *r, const side *data, const weft_program *p, weft_const *in)
{
    for (int i = 0; i < p->ninput; i++) {
        const char *name = p->tensor[p->input[i]].name;
        int at = 0;
        while (at < data->tensor.n && strcmp(data->name.at[at], name) != 0)
            at++;
        if (at >= data->tensor.n)
            return weft_fail(r->diag, WEFT_INVALID_INPUT, "%s: no test data for input '%s'", r->dir,
                             name);
        in[i] = data->tensor.at[at];
    }
    return WEFT_OK;
}

/* Whether the model's output, one of those of a list or the whole, is made of random numbers. */
static bool
is_random(const weft_case *r, const char *name)
{
    for (int i = 0; i < r->model.nout; i++) {
        const weft_model_side *of = &r->model.out[i];
        size_t n = strlen(of->name);
        if (of->random && strncmp(name, of->name, n) == 0 &&
            (!name[n] || (of->list && name[n] == '.')))
            return true;
    }
    return false;
}

static bool
same_type(const weft_const *a, const weft_const *b)
{
    return a->dtype == b->dtype && a->ndim == b->ndim &&
           (a->ndim == 0 || memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof *a->dim) == 0);
}

/* Another engine's random numbers are others: of them dtype and shape alone have to agree. */
static bool
agrees(weft_case *r, const char *name, const weft_const *got, const weft_const *want, weft_str *why)
{
    bool random = is_random(r, name) && same_type(got, want);
    r->nrandom += random;
    return random || weft_compare(got, want, why);
}

static weft_status
compare_outputs(weft_case *r, const side *data, const weft_program *p, const weft_const *out)
{
    weft_str why = { 0 };
    weft_status status = WEFT_OK;
    for (int i = 0; i < data->tensor.n && i < p->noutput && !status; i++) {
        const char *name = p->tensor[p->output[i]].name;
        if (!agrees(r, name, &out[i], &data->tensor.at[i], &why))
            status = weft_fail(r->diag, WEFT_MISMATCH, "output %s: %s", name, weft_str_text(&why));
    }
    weft_str_free(&why);
    return status;
}

static weft_status
run_session(weft_case *r, const test_set *set, weft_session *session)
{
    const weft_program *p = weft_session_program(session);
    weft_const *in = WEFT_NEW_ARRAY(&r->arena, p->ninput + 1, weft_const);
    weft_const *out = WEFT_NEW_ARRAY(&r->arena, p->noutput + 1, weft_const);
    const int64_t **dims = WEFT_NEW_ARRAY(&r->arena, p->ninput + 1, const int64_t *);
    weft_status status = pick_inputs(r, &set->in, p, in);
    for (int i = 0; i < p->ninput; i++)
        dims[i] = in[i].dim;
    if (!status)
        status = weft_session_bind(session, dims, r->diag);
    if (!status)
        status = weft_run_once(session, in, &r->arena, out, r->diag);
    return status ? status : compare_outputs(r, &set->out, p, out);
}

static weft_status
open_set(weft_case *r, const char *model, const char *name)
{
    int nth = r->set.n;
    test_set *set = WEFT_PUSH(&r->arena, &r->set);
    *set = (test_set){ 0 };
    weft_status status = read_side(r, name, "input", r->model.nin, r->model.in, &set->in);
    if (!status)
        status = read_side(r, name, "output", r->model.nout, r->model.out, &set->out);
    return status ? status : compile(r, model, nth, set);
}

/* What the model's own listing says that it needs and weft lacks, before its test data is read. */
static weft_status
check_support(weft_case *r, const char *model)
{
    const weft_model_summary *m = &r->model;
    for (int i = 0; i < m->nop; i++)
        if (!m->op[i].supported)
            return weft_fail(r->diag, WEFT_UNSUPPORTED, "%s: operator %s%s%s: %s", model,
                             m->op[i].domain, *m->op[i].domain ? "." : "", m->op[i].name,
                             m->op[i].reason);
    for (int i = 0; i < m->nin + m->nout; i++) {
        bool in = i < m->nin;
        const weft_model_side *one = in ? &m->in[i] : &m->out[i - m->nin];
        if (one->refused)
            return weft_fail(r->diag, WEFT_UNSUPPORTED, "%s: %s '%s' is no tensor of numbers",
                             model, in ? "input" : "output", one->name);
    }
    return WEFT_OK;
}

static weft_status
open_sets(weft_case *r, const char *model)
{
    weft_status status = weft_inspect_onnx(model, &r->arena, &r->model, r->diag);
    if (!status)
        status = check_support(r, model);
    for (int i = 0; !status; i++) {
        const char *set = weft_arena_printf(&r->arena, "test_data_set_%d", i);
        if (access(weft_arena_printf(&r->arena, "%s/%s", r->dir, set), R_OK)) {
            if (i == 0)
                status = weft_fail(r->diag, WEFT_NOT_FOUND, "%s holds no test_data_set_0", r->dir);
            break;
        }
        status = open_set(r, model, set);
    }
    return status;
}

/* One line, however many the messages were. */
static char *
one_line(const char *text)
{
    char *line = strdup(text);
    size_t n = strlen(line);
    while (n && line[n - 1] == '\n')
        line[--n] = '\0';
    for (char *p = line; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    return line;
}

/* ---- for who runs cases ---------------------------------------------------------------------- */

weft_case *
weft_case_open(const weft_case_options *o, weft_device *device, const char *dir, const char *prefix)
{
    double start = weft_now();
    weft_case *r = calloc(1, sizeof *r);
    weft_assert(r, "no memory for a case");
    *r = (weft_case){ .o = o, .device = device, .dir = dir, .prefix = prefix };
    r->diag = weft_diag_create();
    open_sets(r, weft_arena_printf(&r->arena, "%s/model.onnx", dir));
    r->seconds = weft_now() - start;
    return r;
}

weft_status
weft_case_list(const weft_case *r, weft_arena *arena, weft_case_modules *list)
{
    for (int i = 0; i < r->set.n; i++)
        if (r->set.at[i].module)
            *WEFT_PUSH(arena, list) = r->set.at[i].module;
    return weft_diag_status(r->diag);
}

weft_status
weft_case_run(weft_case *r, const weft_kernels *kernels, int first)
{
    double start = weft_now();
    weft_status status = weft_diag_status(r->diag);
    for (int i = 0; i < r->set.n && !status; i++) {
        weft_session *session;
        const test_set *set = &r->set.at[i];
        status = kernels ? weft_session_create_with(kernels, first + i, r->diag, &session)
                         : weft_session_create(set->module, r->device, NULL, r->diag, &session);
        if (status)
            break;
        status = run_session(r, set, session);
        weft_session_destroy(session);
    }
    r->seconds += weft_now() - start;
    return status;
}

static void
judge(const weft_case *r, weft_case_result *result)
{
    weft_status status = weft_diag_status(r->diag);
    const char *why = weft_diag_text(r->diag);
    result->verdict = !status                      ? WEFT_PASSED
                      : status == WEFT_UNSUPPORTED ? WEFT_SKIPPED
                                                   : WEFT_FAILED;
    const char *note = r->nrandom ? "random numbers: dtype and shape alone are compared" : "";
    result->why = one_line(!status ? note : *why ? why : weft_status_text(status));
    result->seconds = r->seconds;
    result->done = true;
}

void
weft_case_close(weft_case *r, weft_case_result *result)
{
    if (result)
        judge(r, result);
    for (int i = 0; i < r->set.n; i++)
        if (r->set.at[i].module)
            weft_module_destroy(r->set.at[i].module);
    weft_diag_destroy(r->diag);
    weft_arena_reset(&r->arena);
    free(r);
}
