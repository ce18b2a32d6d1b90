/* runtime/session_record.c: what of the plan is submitted together.
 *
 * Steps side by side are one segment, submitted as one batch: launches; where the driver batches
 * copies these as well; and loops and branches over such of which everything is known when shapes
 * are bound, as those over the elements of a sequence, iteration by iteration.  A plan of launches
 * alone is one segment.  Segments in which nothing varies during a run are recorded when shapes are
 * bound, the others when they are reached.
 */
#include "runtime/session_priv.h"

/* What loops and branches in batches come to, in a plan: iterations, launches and copies. */
enum { MOST_UNROLLED = 1 << 16 };

/* ---- which steps a batch can hold ------------------------------------------------------------ */

static bool
is_over_steps(const weft_mod_step *step)
{
    return step->kind == WEFT_STEP_LOOP || step->kind == WEFT_STEP_IF;
}

static int64_t weigh(const weft_session *, int i, bool *unknown);

/* The steps that step i is over, once. */
static int64_t
weigh_body(const weft_session *s, int i, bool *unknown)
{
    int64_t sum = 0;
    for (int k = i + 1; k <= i + s->program->step[i].nbody; k += 1 + s->program->step[k].nbody) {
        int64_t one = weft_session_varies(s, k, unknown) ? -1 : weigh(s, k, unknown);
        sum += one;
        if (one < 0 || sum > MOST_UNROLLED)
            return -1;
    }
    return sum;
}

/* How many iterations, launches and copies step i comes to; below 0: a batch cannot hold it.
 * unknown: the symbols that no step around i binds but others do. */
static int64_t
weigh(const weft_session *s, int i, bool *unknown)
{
    const weft_mod_step *step = &s->program->step[i];
    const weft_step_exprs *e = &s->step_expr[i];
    bool loops = step->kind == WEFT_STEP_LOOP;
    int64_t times, body;
    if (step->kind == WEFT_STEP_LAUNCH)
        return 1;
    if (step->kind == WEFT_STEP_COPY)
        return s->device->driver->batches_copies ? 1 : -1;
    if (!is_over_steps(step) || weft_iexpr_mentions(e->bound, s->unknown) ||
        (loops && (e->test || step->count >= 0)) ||
        weft_iexpr_eval(e->bound, s->symbol_value, NULL, &times))
        return -1;
    times = times < 0 ? 0 : loops ? times : times != 0;
    if (loops)
        unknown[s->symbol_of[step->symbol]] = false;
    body = weigh_body(s, i, unknown);
    if (loops)
        unknown[s->symbol_of[step->symbol]] = true;
    return body < 0 || times > MOST_UNROLLED || times * (body + 1) > MOST_UNROLLED
               ? -1
               : times * (body + 1);
}

/* Steps below one that a batch holds whole are asked for by what runs a part of the plan alone, and
 * their loops are no batches.  *left: of MOST_UNROLLED. */
static void
mark(weft_session *s, int first, int end, bool *unknown, int64_t *left)
{
    for (int i = first; i < end; i += 1 + s->program->step[i].nbody) {
        bool over = is_over_steps(&s->program->step[i]);
        int64_t weight = over && !*left ? -1 : weigh(s, i, unknown), none = 0;
        s->batched[i] = weight >= 0 && (!over || weight <= *left);
        if (over && s->batched[i])
            *left -= weight;
        mark(s, i + 1, i + 1 + s->program->step[i].nbody, unknown, s->batched[i] ? &none : left);
    }
}

int
weft_session_count(const weft_session *s, int i, int end)
{
    bool over = false, varies = false;
    int n = 0;
    while (i + n < end && s->batched[i + n]) {
        const weft_mod_step *step = &s->program->step[i + n];
        over = over || is_over_steps(step);
        varies = varies || s->step_expr[i + n].varies;
        if (over && varies)
            break; /* what is unrolled is recorded once */
        n += 1 + step->nbody;
    }
    return n;
}

/* ---- launches and copies --------------------------------------------------------------------- */

static weft_status
make_arg(weft_session *s, const weft_launch *l, const weft_mod_arg *a, const weft_iexpr *offset,
         weft_arg *out, weft_diag *diag)
{
    const weft_tensor_place *place = &s->place[a->tensor];
    int64_t at = 0, align = s->device->info.target.offset_align;
    weft_status status = weft_session_resize(s, a->tensor, diag);
    if (!status && offset)
        status = weft_iexpr_eval(offset, s->symbol_value, diag, &at);
    if (status)
        return status;
    if (at < 0 || at > s->bytes[a->tensor])
        return weft_fail(diag, WEFT_LIMIT, "kernel '%s': offset %lld into '%s' of %lld bytes",
                         l->name, (long long)at, s->program->tensor[a->tensor].name,
                         (long long)s->bytes[a->tensor]);
    if (align > 0 && (s->at[a->tensor] + at) % align)
        return weft_fail(diag, WEFT_LIMIT,
                         "kernel '%s': '%s' is bound from byte %lld of its memory on, which must "
                         "be a multiple of %lld",
                         l->name, s->program->tensor[a->tensor].name,
                         (long long)(s->at[a->tensor] + at), (long long)align);
    *out = (weft_arg){ place->memory, place->offset + at, weft_session_range(s, a->tensor, at),
                       a->written };
    weft_assert(place->memory, "%s has no memory", s->program->tensor[a->tensor].name);
    return WEFT_OK;
}

static weft_status
make_scalar(const weft_session *s, const weft_launch *l, int i, const weft_iexpr *e, int64_t *out,
            weft_diag *diag)
{
    weft_status status = weft_iexpr_eval(e, s->symbol_value, diag, out);
    bool narrow = weft_session_kernel(s, l)->scalar[i] == WEFT_I32;
    if (!status && narrow && (*out < INT32_MIN || *out > INT32_MAX))
        status = weft_fail(diag, WEFT_LIMIT,
                           "kernel '%s': scalar argument %d is %lld, too large for i32", l->name, i,
                           (long long)*out);
    return status;
}

/* The launch of a step; *skip when its grid is empty. */
static weft_status
make_launch(weft_session *s, weft_arena *scratch, int step, weft_launch *l, bool *skip,
            weft_diag *diag)
{
    const weft_mod_step *from = &s->program->step[step];
    const weft_step_exprs *e = &s->step_expr[step];
    weft_arg *arg = WEFT_NEW_ARRAY(scratch, from->nbuffer, weft_arg);
    int64_t *scalar = WEFT_NEW_ARRAY(scratch, from->nscalar, int64_t);
    weft_status status = WEFT_OK;
    const weft_mod_kernel *k = &s->program->kernel[from->kernel];
    int64_t declared = s->program->profile.shared_bytes; /* at most, in the kernel's text */
    bool asks = declared > 0 && k->shared_bytes > declared;
    *l = (weft_launch){ .name = k->name,
                        .code = s->code,
                        .kernel = s->first_kernel + from->kernel,
                        .shared_bytes = asks ? k->shared_bytes : 0,
                        .flops = from->flops,
                        .nbuffer = from->nbuffer,
                        .nscalar = from->nscalar,
                        .buffer = arg,
                        .scalar = scalar };
    *skip = false;
    for (int a = 0; a < 3 && !status; a++) {
        status = weft_iexpr_eval(e->grid[a], s->symbol_value, diag, &l->grid[a]);
        if (!status)
            status = weft_iexpr_eval(e->block[a], s->symbol_value, diag, &l->block[a]);
        if (!status && l->grid[a] < 0)
            status =
                weft_fail(diag, WEFT_INVALID_INPUT, "kernel '%s': a grid of %lld along axis %d",
                          l->name, (long long)l->grid[a], a);
        *skip = *skip || l->grid[a] == 0;
    }
    if (!*skip && !status)
        status = weft_session_check_reach(s, scratch, step, diag);
    if (*skip || status)
        return status;
    for (int i = 0; i < from->nbuffer && !status; i++)
        status = make_arg(s, l, &from->buffer[i], e->offset[i], &arg[i], diag);
    for (int i = 0; i < from->nscalar && !status; i++)
        status = make_scalar(s, l, i, e->scalar[i], &scalar[i], diag);
    return status ? status : weft_session_check_launch(s, l, diag);
}

weft_status
weft_session_find(const weft_session *s, int step, int b, bool room, weft_tensor_place *at,
                  int64_t *bytes, weft_diag *diag)
{
    const weft_mod_arg *a = &s->program->step[step].buffer[b];
    const weft_iexpr *e = s->step_expr[step].offset[b];
    const char *name = s->program->tensor[a->tensor].name;
    int64_t offset = 0;
    weft_status status = room ? WEFT_OK : weft_session_resize(s, a->tensor, diag);
    if (!status && e)
        status = weft_iexpr_eval(e, s->symbol_value, diag, &offset);
    if (status)
        return status;
    int64_t size = room ? weft_session_left(s, a->tensor) : s->bytes[a->tensor];
    if (offset < 0 || offset > size)
        return weft_fail(diag, WEFT_LIMIT, "step %d (%s): offset %lld into '%s' of %lld bytes",
                         step, weft_step_name(s->program, step), (long long)offset, name,
                         (long long)size);
    *at = (weft_tensor_place){ s->place[a->tensor].memory, s->place[a->tensor].offset + offset };
    *bytes = size - offset;
    return WEFT_OK;
}

static bool
overlap(weft_tensor_place a, weft_tensor_place b, int64_t bytes)
{
    return a.memory == b.memory && a.offset < b.offset + bytes && b.offset < a.offset + bytes;
}

weft_status
weft_session_copy(weft_session *s, weft_arena *arena, int step, weft_launch *l, bool *skip,
                  weft_diag *diag)
{
    const weft_mod_arg *a = s->program->step[step].buffer;
    const weft_mod_tensor *tensor = s->program->tensor;
    weft_tensor_place from = { 0 }, to = { 0 };
    int64_t bytes = 0, room = 0;
    weft_status status = weft_session_find(s, step, 0, false, &from, &bytes, diag);
    *skip = false;
    if (!status)
        status = weft_session_find(s, step, 1, true, &to, &room, diag);
    if (!status && bytes > room)
        status = weft_fail(diag, WEFT_LIMIT,
                           "'%s' has %lld bytes; there is room for %lld in '%s'",
                           tensor[a[0].tensor].name, (long long)bytes, (long long)room,
                           tensor[a[1].tensor].name);
    if (status)
        return status;
    /* a tensor that took over the memory of the other is there already */
    *skip = !bytes || (from.memory == to.memory && from.offset == to.offset);
    if (!*skip && overlap(from, to, bytes))
        return weft_fail(diag, WEFT_INVALID_INPUT,
                         "step %d copies %lld bytes of '%s' over themselves", step,
                         (long long)bytes, tensor[a[0].tensor].name);
    weft_arg *arg = WEFT_NEW_ARRAY(arena, 2, weft_arg);
    arg[0] = (weft_arg){ from.memory, from.offset, bytes, false };
    arg[1] = (weft_arg){ to.memory, to.offset, bytes, true };
    *l = (weft_launch){ .name = weft_step_name(s->program, step),
                        .kernel = -1,
                        .grid = { 1, 1, 1 },
                        .block = { 1, 1, 1 },
                        .nbuffer = 2,
                        .buffer = arg };
    return WEFT_OK;
}

/* ---- recording ------------------------------------------------------------------------------- */

typedef struct recorder {
    weft_session *s;
    weft_arena scratch;
    WEFT_VEC(weft_launch) launch;
    WEFT_VEC(int) step; /* of each */
    weft_diag *diag;
} recorder;

static weft_status record_steps(recorder *, int first, int end);

static weft_status
record_one(recorder *r, int i)
{
    weft_launch l;
    bool skip, copies = r->s->program->step[i].kind == WEFT_STEP_COPY;
    weft_status status = copies ? weft_session_copy(r->s, &r->scratch, i, &l, &skip, r->diag)
                                : make_launch(r->s, &r->scratch, i, &l, &skip, r->diag);
    if (status || skip)
        return status;
    *WEFT_PUSH(&r->scratch, &r->launch) = l;
    *WEFT_PUSH(&r->scratch, &r->step) = i;
    return WEFT_OK;
}

/* A loop or a branch. */
static weft_status
record_over(recorder *r, int i)
{
    weft_session *s = r->s;
    const weft_mod_step *step = &s->program->step[i];
    bool loops = step->kind == WEFT_STEP_LOOP;
    int64_t times;
    weft_status status =
        weft_iexpr_eval(s->step_expr[i].bound, s->symbol_value, r->diag, &times);
    times = times < 0 ? 0 : loops ? times : times != 0;
    for (int64_t k = 0; k < times && !status; k++) {
        if (loops)
            s->symbol_value[s->symbol_of[step->symbol]] = k;
        status = record_steps(r, i + 1, i + 1 + step->nbody);
    }
    return status;
}

static weft_status
record_steps(recorder *r, int first, int end)
{
    weft_status status = WEFT_OK;
    for (int i = first; i < end && !status; i += 1 + r->s->program->step[i].nbody)
        status = is_over_steps(&r->s->program->step[i]) ? record_over(r, i) : record_one(r, i);
    return status;
}

/* What perhaps no run reaches is no error before one does. */
weft_status
weft_session_record(weft_session *s, weft_segment *g, weft_arena *arena, weft_diag *diag)
{
    recorder r = { .s = s, .diag = g->inside ? NULL : diag };
    weft_status status = record_steps(&r, g->first, g->first + g->count);
    g->varies = g->varies || (status && g->inside);
    g->nlaunch = r.launch.n;
    g->step = weft_arena_dup(arena, r.step.at, (size_t)r.step.n * sizeof *r.step.at);
    if (g->inside && status)
        status = WEFT_OK;
    else if (!status && r.launch.n)
        status = s->device->driver->record(s->device, r.launch.at, r.launch.n, &g->batch, diag);
    weft_arena_reset(&r.scratch);
    return status;
}

/* ---- segments -------------------------------------------------------------------------------- */

weft_segment
weft_session_segment(const weft_session *s, int first, int count)
{
    weft_segment g = { .first = first, .count = count };
    for (int i = first; i < first + count; i += 1 + s->program->step[i].nbody)
        g.varies = g.varies || s->step_expr[i].varies;
    return g;
}

/* Segments of the steps from `first` on that one step is over, or the plan. */
static void
cut(weft_session *s, int first, int end, bool inside)
{
    const weft_program *p = s->program;
    for (int i = first; i < end;) {
        int n = weft_session_count(s, i, end);
        if (n) {
            s->segment_at[i] = s->nsegment;
            s->segment[s->nsegment] = weft_session_segment(s, i, n);
            s->segment[s->nsegment++].inside = inside;
            i += n;
        } else {
            cut(s, i + 1, i + 1 + p->step[i].nbody, true);
            i += 1 + p->step[i].nbody;
        }
    }
}

weft_status
weft_session_cut(weft_session *s, weft_diag *diag)
{
    int n = s->program->nstep;
    int64_t left = MOST_UNROLLED;
    weft_status status = WEFT_OK;
    bool *unknown =
        weft_arena_dup(&s->bound_arena, s->unknown, (size_t)s->nsymbol * sizeof *s->unknown);
    s->segment = WEFT_NEW_ARRAY(&s->bound_arena, n, weft_segment);
    s->segment_at = WEFT_NEW_ARRAY(&s->bound_arena, n, int);
    s->batched = WEFT_NEW_ARRAY(&s->bound_arena, n, bool);
    for (int i = 0; i < n; i++)
        s->segment_at[i] = -1;
    mark(s, 0, n, unknown, &left);
    cut(s, 0, n, false);
    for (int i = 0; i < s->nsegment && !status; i++)
        if (!s->segment[i].varies)
            status = weft_session_record(s, &s->segment[i], &s->bound_arena, diag);
    return status;
}
