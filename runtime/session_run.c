/* runtime/session_run.c: running the plan.
 *
 * Segments of steps are submitted as one batch each (session_record.c); the host goes through the
 * steps that no batch can hold.  The device works in order, so it waits for nothing but what it
 * reads back.
 */
#include "runtime/session_priv.h"

#include <string.h>

enum { MAX_IDLE = 1 << 24 };

typedef struct runner {
    weft_session *s;
    bool timed, waits; /* waits: every segment is waited for and its guards are looked at */
    int idle;          /* iterations one after the other in which the device had nothing to do */
    weft_diag *diag;
} runner;

/* ---- segments -------------------------------------------------------------------------------- */

void
weft_session_land(weft_session *s)
{
    for (int i = 0; i < s->nflight; i++)
        s->device->driver->discard(s->device, s->flight[i]);
    s->nflight = 0;
}

static weft_status
wait_for_all(weft_session *s, weft_diag *diag)
{
    weft_status status = s->device->driver->sync(s->device, diag);
    if (!status)
        weft_session_land(s);
    return status;
}

/* Waits, and adds the times of the launches to those of their steps. */
static weft_status
submit_timed(runner *r, const weft_segment *g)
{
    weft_session *s = r->s;
    weft_arena scratch = { 0 };
    double *times = WEFT_NEW_ARRAY(&scratch, g->nlaunch, double);
    weft_status status = s->device->driver->submit(s->device, g->batch, times, r->diag);
    for (int i = 0; i < g->nlaunch && !status; i++)
        s->time[g->step[i]] += times[i];
    weft_arena_reset(&scratch);
    return status;
}

static weft_status
submit(runner *r, const weft_segment *g)
{
    weft_session *s = r->s;
    weft_status status = WEFT_OK;
    r->idle = g->batch ? 0 : r->idle;
    if (g->batch)
        status = r->timed ? submit_timed(r, g)
                          : s->device->driver->submit(s->device, g->batch, NULL, r->diag);
    if (!status && r->waits)
        status = s->device->driver->sync(s->device, r->diag);
    return !status && r->waits ? weft_session_check_guards(s, g->first, g->count, r->diag) : status;
}

/* Records what varies, or is a part of a segment, for this once. */
static weft_status
submit_once(runner *r, int first, int count)
{
    weft_session *s = r->s;
    weft_arena scratch = { 0 };
    weft_segment g = weft_session_segment(s, first, count);
    weft_status status =
        s->nflight == WEFT_MAX_FLIGHT ? wait_for_all(s, r->diag) : WEFT_OK;
    if (!status)
        status = weft_session_record(s, &g, &scratch, r->diag);
    if (g.batch)
        s->flight[s->nflight++] = g.batch;
    if (!status)
        status = submit(r, &g);
    weft_arena_reset(&scratch);
    return status;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static weft_status
copy(runner *r, int step)
{
    weft_session *s = r->s;
    weft_arena scratch = { 0 };
    weft_launch l;
    bool skip;
    r->idle = 0;
    weft_status status = weft_session_copy(s, &scratch, step, &l, &skip, r->diag);
    if (!status && !skip) {
        const weft_arg *from = &l.buffer[0], *to = &l.buffer[1];
        status = s->device->driver->copy(s->device, to->memory, to->offset, from->memory,
                                         from->offset, from->size, r->diag);
    }
    weft_arena_reset(&scratch);
    return status;
}

/* A copy that varies is no batch. */
static weft_status
run_segment(runner *r, int first, int count)
{
    const weft_session *s = r->s;
    const weft_segment *g = s->segment_at[first] < 0 ? NULL : &s->segment[s->segment_at[first]];
    if (g && g->count == count && !g->varies)
        return submit(r, g);
    return count == 1 && s->program->step[first].kind == WEFT_STEP_COPY
               ? copy(r, first)
               : submit_once(r, first, count);
}

static weft_status
read_back(runner *r, int step)
{
    weft_session *s = r->s;
    const weft_mod_step *from = &s->program->step[step];
    const weft_mod_tensor *t = &s->program->tensor[from->buffer[0].tensor];
    int64_t bytes, most, word = 0, size = weft_dtype_bits(t->dtype) / 8;
    weft_tensor_place at;
    r->idle = 0;
    weft_status status = weft_session_find(s, step, 0, false, &at, &bytes, r->diag);
    if (!status && bytes < size)
        status = weft_fail(r->diag, WEFT_LIMIT, "step %d reads beyond the end of '%s'", step,
                           t->name);
    if (!status)
        status = weft_iexpr_eval(s->step_expr[step].bound, s->symbol_value, r->diag, &most);
    if (!status)
        status = s->device->driver->download(s->device, at.memory, at.offset, &word, size, r->diag);
    if (status)
        return status;
    weft_session_land(s);
    int64_t v = t->dtype == WEFT_BOOL ? word != 0 : weft_get_i64(t->dtype, &word, 0);
    if (v < 0 || v > most)
        return weft_fail(r->diag, WEFT_LIMIT,
                         "'%s', read from '%s'%s%s, is %lld; it is possible from 0 to %lld",
                         s->symbol_name[s->symbol_of[from->symbol]], t->name,
                         from->layers && *from->layers ? " for " : "",
                         from->layers ? from->layers : "",
                         (long long)v, (long long)most);
    s->symbol_value[s->symbol_of[from->symbol]] = v;
    return WEFT_OK;
}

static weft_status run_range(runner *, int first, int end);

static weft_status
repeat(runner *r, int step)
{
    const weft_session *s = r->s;
    const weft_mod_step *loop = &s->program->step[step];
    const weft_step_exprs *e = &s->step_expr[step];
    int64_t most, i = 0, again = 1;
    weft_status status = weft_iexpr_eval(e->bound, s->symbol_value, r->diag, &most);
    if (!status && !loop->nbody && !e->test)
        i = most > 0 ? most : 0;
    while (!status && again && i < most) {
        s->symbol_value[s->symbol_of[loop->symbol]] = i++;
        if (r->idle++ == MAX_IDLE)
            return weft_fail(r->diag, WEFT_LIMIT,
                             "step %d: %d iterations of loops did nothing; its bound is %lld", step,
                             MAX_IDLE, (long long)most);
        status = run_range(r, step + 1, step + 1 + loop->nbody);
        if (!status && e->test)
            status = weft_iexpr_eval(e->test, s->symbol_value, r->diag, &again);
    }
    if (!status && loop->count >= 0)
        s->symbol_value[s->symbol_of[loop->count]] = i;
    return status;
}

static weft_status
choose(runner *r, int step)
{
    const weft_session *s = r->s;
    int64_t v;
    weft_status status = weft_iexpr_eval(s->step_expr[step].bound, s->symbol_value, r->diag, &v);
    int end = step + 1 + s->program->step[step].nbody;
    return status || !v ? status : run_range(r, step + 1, end);
}

/* Nesting is bounded by weft_module_check. */
static weft_status
run_range(runner *r, int first, int end)
{
    const weft_program *p = r->s->program;
    weft_status status = WEFT_OK;
    for (int i = first; i < end && !status;) {
        const weft_mod_step *step = &p->step[i];
        int n = weft_session_count(r->s, i, end);
        if (n)
            status = run_segment(r, i, n);
        else if (step->kind == WEFT_STEP_READ)
            status = read_back(r, i);
        else if (step->kind == WEFT_STEP_COPY)
            status = copy(r, i);
        else
            status = step->kind == WEFT_STEP_IF ? choose(r, i) : repeat(r, i);
        i += n ? n : 1 + step->nbody;
    }
    return status;
}

/* ---- public ---------------------------------------------------------------------------------- */

/* What the run has decided: outputs have the sizes that it found. */
static weft_status
resize_outputs(weft_session *s, weft_diag *diag)
{
    weft_status status = WEFT_OK;
    for (int i = 0; i < s->program->noutput && !status; i++)
        status = weft_session_resize(s, s->program->output[i], diag);
    return status;
}

static weft_status
run(weft_session *s, bool timed, weft_diag *diag)
{
    runner r = { .s = s, .timed = timed, .diag = diag };
    weft_status status = weft_session_need_bound(s, diag);
    for (int i = 0; i < s->program->ninput && !status; i++)
        if (!s->input_set[i] && s->bytes[s->program->input[i]])
            status = weft_fail(diag, WEFT_INVALID_ARGUMENT, "input '%s' has no data",
                               s->program->tensor[s->program->input[i]].name);
    if (!status && s->nflight)
        status = wait_for_all(s, diag);
    for (int i = s->nbound; i < s->nsymbol && !status; i++)
        s->symbol_value[i] = 0;
    if (!status)
        status = run_range(&r, 0, s->program->nstep);
    if (!status)
        status = resize_outputs(s, diag);
    return weft_session_note(s, status, diag);
}

weft_status
weft_session_run(weft_session *s, weft_diag *diag)
{
    return run(s, false, diag);
}

weft_status
weft_session_run_steps(weft_session *s, int first, int count, weft_diag *diag)
{
    runner r = { .s = s, .waits = true, .diag = diag };
    int nstep = s->program->nstep;
    weft_status status = weft_session_need_bound(s, diag);
    if (!status && (first < 0 || count < 0 || first > nstep || count > nstep - first))
        status = weft_fail(diag, WEFT_INVALID_ARGUMENT, "steps %d to %lld of a program that has %d",
                           first, (long long)first + count, nstep);
    if (!status && count < nstep && !s->keep_temps)
        status = weft_fail(diag, WEFT_INVALID_ARGUMENT,
                           "a part of the steps needs temporaries that are kept");
    for (int i = first; i < first + count && !status; i++)
        if (s->program->step[i].nbody > first + count - i - 1)
            status = weft_fail(diag, WEFT_INVALID_ARGUMENT,
                               "step %d is over steps that are not to run", i);
    if (!status)
        status = run_range(&r, first, first + count);
    if (!status)
        status = wait_for_all(s, diag);
    return weft_session_note(s, status, diag);
}

weft_status
weft_session_set_symbol(weft_session *s, const char *name, int64_t value, weft_diag *diag)
{
    weft_status status = weft_session_need_bound(s, diag);
    for (int i = s->nbound; i < s->nsymbol && !status; i++)
        if (!strcmp(s->symbol_name[i], name)) {
            s->symbol_value[i] = value;
            return WEFT_OK;
        }
    return status ? status
                  : weft_fail(diag, WEFT_INVALID_ARGUMENT, "no step binds a symbol '%s'", name);
}

weft_status
weft_session_sync(weft_session *s, weft_diag *diag)
{
    weft_status status = weft_session_alive(s, diag);
    return status ? status : weft_session_note(s, wait_for_all(s, diag), diag);
}

weft_status
weft_session_profile(weft_session *s, weft_diag *diag)
{
    weft_status status = weft_session_need_bound(s, diag);
    if (status)
        return status;
    int n = s->program->nstep;
    if (!s->time)
        s->time = WEFT_NEW_ARRAY(&s->bound_arena, n, double);
    for (int i = 0; i < n; i++)
        s->time[i] = 0;
    return run(s, true, diag);
}

const double *
weft_session_times(const weft_session *s)
{
    return s->time;
}
