/* worker.c: one process that runs mutants on one device.
 *
 * A program runs once as it is: its outputs have to be the reference interpreter's, and every
 * tensor of that run is kept.  A mutant is its kernel alone, on what the kernel read then; what it
 * writes is compared with what the kernel wrote then.  Lines on stdout:
 *
 *   begin ID          the mutant that runs now: a worker that dies was killed by it
 *   caught ID HOW     build, check (the device's), guard, output, simulator
 *   passed ID
 *   broken WORDS      the programs as they are do not pass: nothing after counts
 */
#include "mutate.h"

#include "check/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct base { /* a program that ran as it is */
    weft_module *module;
    weft_const *tensor; /* of the program; data NULL: it has no memory of its own */
} base;

typedef struct worker {
    const tongue *language;
    const look *stage;
    weft_device *device;
    weft_diag *diag;
    weft_arena arena;
    base base[PROGRAMS];
    const char *log; /* of the simulator; NULL */
    long log_size;
} worker;

weft_module *
compile_program(int program, const char *target, weft_diag *diag)
{
    weft_target t;
    weft_import_options import = { 0 };
    weft_compile_job job = {
        .numerics = WEFT_DEFAULT, .optimize = 2, .threads = 1, .import = &import
    };
    weft_module *module = NULL;
    if (weft_resolve_target(target, NULL, &t, diag) ||
        weft_compile_targets(program_files[program], 1, &t, &job, diag, &module))
        return NULL;
    return module;
}

/* ---- tensors --------------------------------------------------------------------------------- */

/* All negative, so that sums and extrema that begin with 0 are seen, and of 16 values, so that
 * equal ones compete; programs/rows.wir says what spikes are. */
static double
value(const weft_const *c, int64_t i, double part, bool spikes)
{
    int64_t width = c->ndim ? c->dim[c->ndim - 1] : 1, row = i / width;
    bool far = spikes && (row % 3 == 2 || (row % 3 == 0 && i % width != row * 29 % width));
    return far ? -120 - part : -0.5 - 1.5 * part;
}

static void
fill(const char *tensor, weft_const *c)
{
    uint64_t state = 1;
    for (const char *p = tensor; *p; p++)
        state = state * 31 + (unsigned char)*p;
    for (int64_t i = 0; i < weft_element_count(c); i++) {
        void *data = (void *)(uintptr_t)c->data;
        state = state * 6364136223846793005u + 1442695040888963407u;
        double part = (double)(state >> 60) / 16;
        if (weft_is_float(c->dtype))
            weft_set_f64(c->dtype, data, i, value(c, i, part, !strcmp(tensor, "spikes")));
        else
            weft_set_i64(c->dtype, data, i, (int64_t)(part * 24) - 3);
    }
}

static weft_status
fill_inputs(worker *w, weft_session *s, weft_const **in)
{
    const weft_program *p = weft_session_program(s);
    weft_status status = WEFT_OK;
    *in = WEFT_NEW_ARRAY(&w->arena, p->ninput + 1, weft_const);
    for (int i = 0; i < p->ninput && !status; i++) {
        status = weft_session_room(s, p->input[i], &w->arena, &(*in)[i], w->diag);
        if (!status)
            fill(p->tensor[p->input[i]].name, &(*in)[i]);
    }
    return status;
}

/* ---- the program as it is -------------------------------------------------------------------- */

static bool
agrees_with_reference(worker *w, int program, const weft_program *p, const base *b)
{
    weft_session *s = NULL;
    weft_device *interp = NULL;
    weft_const *in, out[16];
    weft_str why = { 0 };
    weft_drivers all = weft_all_drivers();
    weft_module *m = compile_program(program, "interp", w->diag);
    bool same = m && !weft_device_open(&all, "interp", w->diag, &interp) &&
                !weft_session_create(m, interp, NULL, w->diag, &s) && !fill_inputs(w, s, &in) &&
                !weft_run_once(s, in, &w->arena, out, w->diag);
    for (int i = 0; same && i < p->noutput; i++) {
        same = weft_compare(&b->tensor[p->output[i]], &out[i], &why);
        if (!same)
            weft_fail(w->diag, WEFT_MISMATCH, "output '%s': %s", p->tensor[p->output[i]].name,
                      weft_str_text(&why));
    }
    weft_str_free(&why);
    weft_session_destroy(s);
    if (interp)
        weft_device_close(interp);
    weft_module_destroy(m);
    return same;
}

static weft_status
keep_tensors(worker *w, weft_session *s, base *b)
{
    const weft_program *p = weft_session_program(s);
    weft_status status = WEFT_OK;
    b->tensor = WEFT_NEW_ARRAY(&w->arena, p->ntensor + 1, weft_const);
    for (int i = 0; i < p->ntensor && !status; i++) {
        if (p->tensor[i].role == WEFT_ROLE_CONSTANT)
            continue;
        status = weft_session_room(s, i, &w->arena, &b->tensor[i], w->diag);
        if (!status)
            status = weft_session_get_tensor(s, i, (void *)(uintptr_t)b->tensor[i].data,
                                             b->tensor[i].size, w->diag);
    }
    return status;
}

static long
log_size(const worker *w)
{
    FILE *f = w->log ? fopen(w->log, "r") : NULL;
    long n = 0;
    if (f) {
        fseek(f, 0, SEEK_END);
        n = ftell(f);
        fclose(f);
    }
    return n;
}

static bool
run_base(worker *w, int program)
{
    base *b = &w->base[program];
    weft_session *s = NULL;
    weft_const *in;
    if (b->module)
        return true;
    b->module = compile_program(program, w->stage->target, w->diag);
    weft_status status = b->module ? WEFT_OK : WEFT_INTERNAL;
    if (!status)
        status = weft_session_create(b->module, w->device, NULL, w->diag, &s);
    if (!status)
        status = weft_session_keep_temps(s, true, w->diag);
    if (!status)
        status = weft_session_poison(s, w->diag);
    if (!status)
        status = fill_inputs(w, s, &in);
    for (int i = 0; !status && i < b->module->program[0].ninput; i++)
        status = weft_session_set_input(s, i, in[i].data, in[i].size, w->diag);
    if (!status)
        status = weft_session_run_steps(s, 0, b->module->program[0].nstep, w->diag);
    if (!status)
        status = keep_tensors(w, s, b);
    weft_session_destroy(s);
    if (!status && log_size(w) > w->log_size)
        status = weft_fail(w->diag, WEFT_MISMATCH, "the simulator reports: see %s", w->log);
    return !status && agrees_with_reference(w, program, &b->module->program[0], b);
}

/* ---- a mutant -------------------------------------------------------------------------------- */

/* The first step of the kernel as a program of its own, its text the mutant's. */
static void
reduce_program(const mutant *x, const weft_program *from, weft_program *to, weft_mod_kernel *kernel,
               weft_mod_step *step)
{
    int at = 0;
    while (from->step[at].kernel != x->kernel_index)
        at++;
    *to = *from;
    *kernel = from->kernel[x->kernel_index];
    *step = from->step[at];
    kernel->text = x->text;
    kernel->size = strlen(x->text);
    kernel->binary = NULL;
    kernel->sha256 = NULL;
    step->kernel = 0;
    to->nkernel = to->nstep = 1;
    to->kernel = kernel;
    to->step = step;
}

static weft_status
set_arguments(worker *w, weft_session *s, const base *b, const weft_mod_step *step)
{
    weft_status status = weft_session_poison(s, w->diag);
    for (int i = 0; i < step->nbuffer && !status; i++) {
        const weft_const *c = &b->tensor[step->buffer[i].tensor];
        if (c->data && !step->buffer[i].written)
            status = weft_session_set_tensor(s, step->buffer[i].tensor, c->data, c->size, w->diag);
    }
    return status;
}

/* Whether what the step wrote is what it wrote in the program as it is. */
static bool
same_results(worker *w, weft_session *s, const base *b, const weft_mod_step *step)
{
    weft_arena scratch = { 0 };
    weft_str why = { 0 };
    bool same = true;
    for (int i = 0; i < step->nbuffer && same; i++) {
        weft_const got;
        int t = step->buffer[i].tensor;
        if (!step->buffer[i].written)
            continue;
        same = !weft_session_room(s, t, &scratch, &got, w->diag) &&
               !weft_session_get_tensor(s, t, (void *)(uintptr_t)got.data, got.size, w->diag) &&
               weft_compare(&got, &b->tensor[t], &why);
    }
    weft_str_free(&why);
    weft_arena_reset(&scratch);
    return same;
}

/* Who catches the mutant; NULL: nobody. */
static const char *
run_mutant(worker *w, const mutant *x)
{
    const base *b = &w->base[x->program_index];
    weft_module module = *b->module;
    weft_program program;
    weft_mod_kernel kernel;
    weft_mod_step step;
    weft_session *s = NULL;
    const char *how = NULL;
    reduce_program(x, &b->module->program[0], &program, &kernel, &step);
    module.program = &program;
    module.nprogram = 1;
    if (weft_session_create(&module, w->device, NULL, w->diag, &s))
        return "build";
    weft_status status = weft_session_keep_temps(s, true, w->diag);
    if (!status)
        status = set_arguments(w, s, b, &step);
    if (!status)
        status = weft_session_run_steps(s, 0, 1, w->diag);
    if (status)
        how = status == WEFT_MISMATCH ? "guard" : "check";
    else if (log_size(w) > w->log_size)
        how = "simulator";
    else if (!same_results(w, s, b, &step))
        how = "output";
    weft_session_destroy(s);
    w->log_size = log_size(w);
    return how;
}

/* ---- public ---------------------------------------------------------------------------------- */

static const mutant *
find_mutant(const mutants *m, const char *id)
{
    for (int i = 0; i < m->all.n; i++)
        if (!strcmp(m->all.at[i].id, id))
            return &m->all.at[i];
    return NULL;
}

static void
run_one(worker *w, const mutant *x, const char *id)
{
    printf("begin %s\n", id);
    fflush(stdout);
    const char *how = x ? run_mutant(w, x) : "build";
    if (how)
        printf("caught %s %s\n", id, how);
    else
        printf("passed %s\n", id);
    fflush(stdout);
}

int
run_worker(const tongue *l, const look *stage, const char *ids, uint64_t seed)
{
    worker w = { .language = l, .stage = stage, .diag = weft_diag_create() };
    mutants m = { 0 };
    weft_drivers all = weft_all_drivers();
    FILE *f = fopen(ids, "r");
    char line[256];
    make_mutants(&m, l, seed);
    if (stage->simulator)
        w.log = getenv("OCLGRIND_LOG");
    if (!f || weft_device_open(&all, stage->device, w.diag, &w.device)) {
        printf("absent %s\n", weft_diag_text(w.diag));
        return 0;
    }
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        const mutant *x = find_mutant(&m, line);
        if (x && !run_base(&w, x->program_index)) {
            printf("broken %s\n", weft_diag_text(w.diag));
            return 0;
        }
        run_one(&w, x, line);
        weft_diag_destroy(w.diag);
        w.diag = weft_diag_create();
    }
    fclose(f);
    weft_device_close(w.device);
    for (int i = 0; i < PROGRAMS; i++)
        weft_module_destroy(w.base[i].module);
    weft_diag_destroy(w.diag);
    weft_arena_reset(&w.arena);
    weft_arena_reset(&m.arena);
    return 0;
}
