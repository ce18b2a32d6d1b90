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
} test_set;

typedef struct running {
    const weft_case_options *o;
    const char *dir;
    weft_arena arena;
    weft_diag *diag;
    weft_model_summary model;
    test_set set;
    int nrandom; /* outputs of the data sets whose numbers were not compared */
} running;

/* What a file holds: a tensor, or those of a sequence or an optional, "x.0", "x.1", .. */
static weft_status
read_file(running *r, const char *path, const weft_model_side *of, side *to)
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
read_side(running *r, const char *set, const char *which, int nside, const weft_model_side *model,
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

/* Every input has the shape of its test data; some their value too. */
static void
import_options(running *r, fix which, weft_import_options *o)
{
    const side *in = &r->set.in;
    int n = in->tensor.n, nempty = in->empty.n;
    const char **name = WEFT_NEW_ARRAY(&r->arena, n + nempty + 1, const char *);
    const char **shape = WEFT_NEW_ARRAY(&r->arena, n + nempty + 1, const char *);
    const char **fixed_name = WEFT_NEW_ARRAY(&r->arena, n + 1, const char *);
    weft_const *fixed = WEFT_NEW_ARRAY(&r->arena, n + 1, weft_const);
    *o = (weft_import_options){
        .shape_name = name, .shape = shape, .fixed_name = fixed_name, .fixed = fixed
    };
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
}

static weft_status
compile(running *r, const char *model, weft_device *device, weft_module **module)
{
    weft_import_options import;
    weft_compile_job job = r->o->job;
    weft_target target;
    weft_status status = weft_resolve_target(r->o->target, device, &target, r->diag);
    job.import = &import;
    job.threads = 1;
    for (fix which = FIX_NONE; which < FIX_COUNT; which++) {
        weft_diag *diag = weft_diag_create();
        import_options(r, which, &import);
        if (!status)
            status = weft_compile_targets(model, 1, &target, &job, diag, module);
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
pick_inputs(running *r, const weft_program *p, weft_const *in)
{
    for (int i = 0; i < p->ninput; i++) {
        const char *name = p->tensor[p->input[i]].name;
        int at = 0;
        while (at < r->set.in.tensor.n && strcmp(r->set.in.name.at[at], name) != 0)
            at++;
        if (at >= r->set.in.tensor.n)
            return weft_fail(r->diag, WEFT_INVALID_INPUT, "%s: no test data for input '%s'", r->dir,
                             name);
        in[i] = r->set.in.tensor.at[at];
    }
    return WEFT_OK;
}

/* Whether the model's output, one of those of a list or the whole, is made of random numbers. */
static bool
is_random(const running *r, const char *name)
{
    for (int i = 0; i < r->model.nout; i++) {
        const weft_model_side *of = &r->model.out[i];
        size_t n = strlen(of->name);
        if (of->random && strncmp(name, of->name, n) == 0 && (!name[n] || (of->list && name[n] == '.')))
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
agrees(running *r, const char *name, const weft_const *got, const weft_const *want, weft_str *why)
{
    bool random = is_random(r, name) && same_type(got, want);
    r->nrandom += random;
    return random || weft_compare(got, want, why);
}

static weft_status
compare_outputs(running *r, const weft_program *p, const weft_const *out)
{
    weft_str why = { 0 };
    weft_status status = WEFT_OK;
    for (int i = 0; i < r->set.out.tensor.n && i < p->noutput && !status; i++) {
        const char *name = p->tensor[p->output[i]].name;
        if (!agrees(r, name, &out[i], &r->set.out.tensor.at[i], &why))
            status = weft_fail(r->diag, WEFT_MISMATCH, "output %s: %s", name, weft_str_text(&why));
    }
    weft_str_free(&why);
    return status;
}

static weft_status
run_module(running *r, weft_module *module, weft_device *device)
{
    weft_session *session;
    weft_status status = weft_session_create(module, device, NULL, r->diag, &session);
    if (status)
        return status;
    const weft_program *p = weft_session_program(session);
    weft_const *in = WEFT_NEW_ARRAY(&r->arena, p->ninput + 1, weft_const);
    weft_const *out = WEFT_NEW_ARRAY(&r->arena, p->noutput + 1, weft_const);
    const int64_t **dims = WEFT_NEW_ARRAY(&r->arena, p->ninput + 1, const int64_t *);
    status = pick_inputs(r, p, in);
    for (int i = 0; i < p->ninput; i++)
        dims[i] = in[i].dim;
    if (!status)
        status = weft_session_bind(session, dims, r->diag);
    if (!status)
        status = weft_run_once(session, in, &r->arena, out, r->diag);
    if (!status)
        status = compare_outputs(r, p, out);
    weft_session_destroy(session);
    return status;
}

static weft_status
run_set(running *r, const char *model, weft_device *device, const char *set)
{
    weft_module *module = NULL;
    weft_status status = read_side(r, set, "input", r->model.nin, r->model.in, &r->set.in);
    if (!status)
        status = read_side(r, set, "output", r->model.nout, r->model.out, &r->set.out);
    if (!status)
        status = compile(r, model, device, &module);
    if (status)
        return status;
    status = run_module(r, module, device);
    weft_module_destroy(module);
    return status;
}

/* What the model's own listing says that it needs and weft lacks, before its test data is read. */
static weft_status
check_support(running *r, const char *model)
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
run_sets(running *r, const char *model, weft_device *device)
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
        status = run_set(r, model, device, set);
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

void
weft_run_case(const weft_case_options *o, const char *dir, weft_case_result *result)
{
    running r = { .o = o, .dir = dir, .diag = weft_diag_create() };
    weft_device *device = NULL;
    double start = weft_now();
    const char *model = weft_arena_printf(&r.arena, "%s/model.onnx", dir);
    weft_status status = weft_tool_device(o->device, r.diag, &device);
    if (!status)
        status = run_sets(&r, model, device);
    if (device)
        weft_device_close(device);
    result->verdict = !status                      ? WEFT_PASSED
                      : status == WEFT_UNSUPPORTED ? WEFT_SKIPPED
                                                   : WEFT_FAILED;
    const char *said = *weft_diag_text(r.diag) ? weft_diag_text(r.diag) : weft_status_text(status);
    const char *note = "random numbers: dtype and shape alone are compared";
    result->why = one_line(status ? said : r.nrandom ? note : "");
    result->seconds = weft_now() - start;
    result->done = true;
    weft_diag_destroy(r.diag);
    weft_arena_reset(&r.arena);
}
