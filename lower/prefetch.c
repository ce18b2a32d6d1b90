/* prefetch: memory is asked for ahead where a core would wait for it
 * although it has much to compute.
 *
 * needs   level device; a target whose language has a prefetch
 * keeps   everything else
 *
 * - A loop over rows whose body is loops along the row, phases: memory is idle while they compute
 *   with what a cache holds, and the next row is waited for.  The phase that does most of those
 *   that meet nothing new asks for what the others meet first: what is met before it, of the next
 *   row, what is met behind it, of the same.
 * - A loop that goes through memory, and stores or reads what no cache has kept: it asks for what
 *   is a page ahead, or two, as the hardware stops at the end of each, and looks no further than
 *   its window of instructions. */
#include "lower/lower.h"
#include <math.h>

enum {
    LINE = 64,          /* bytes */
    LEAST_ROW = 1024,   /* bytes */
    LEAST_STEPS = 4,    /* of a phase */
    MOST_LINES = 16,    /* a step */
    PART_OF_CACHE = 4,  /* a row takes up at most */
    AHEAD = 4096,       /* bytes; a page; of a loop that stores */
    AHEAD_READ = 8192,  /* bytes; what comes from memory in the time that one line takes */
    LEAST_LOOP = 16384, /* bytes of each operand that a loop goes through */
    LEAST_STEP = 32,    /* bytes, of such a loop: an instruction a line, or two */
    MOST_STEP = 256
};

/* Elements of a parameter that a phase meets one after another: `step` on from one of its steps to
 * the next, `row` on from one row to the next. */
typedef struct stream {
    const weft_buf *buf;
    const weft_expr *first; /* of the phase; over the rows' variable */
    int64_t row, step;
    int phase;
    bool stored;
    bool spread; /* a step of the phase meets other lines of the buffer as well */
} stream;

typedef struct phase {
    const weft_stmt *loop;
    int64_t steps, work;
    bool meets; /* something new */
} phase;

typedef struct around {
    const weft_stmt *loop;
    const struct around *outside;
} around;

typedef struct fetcher {
    weft_kernel *kernel;
    const weft_target *target;
    const around *around; /* serial loops, outside of the statement at hand */
    weft_arena scratch;
    const weft_expr **value; /* by id: of a let */
    int *inside, turn;       /* by id: the last turn in which it was that of a loop inside */
    const weft_var *rows;    /* NULL: there is the one loop */
    WEFT_VEC(phase) phases;
    WEFT_VEC(stream) streams;
    bool passes; /* something is stored past the caches: no lines of it are wanted */
    bool apart; /* an expression at hand depends on no loop inside the rows and no memory */
    const weft_stmt *carrier, *carried; /* a phase, and what it becomes */
} fetcher;

/* ---- accesses -------------------------------------------------------------------------------- */

static const weft_expr *
by_value(weft_rewriter *rw, const weft_expr *e)
{
    const fetcher *f = rw->user;
    const weft_expr *value = e->h.kind == WEFT_EK_VAR ? f->value[e->h.u.var->id] : NULL;
    return value ? weft_rewrite_expr(rw, value) : weft_rewrite_args(rw, e);
}

/* e over the variables of loops and the kernel's scalars. */
static const weft_expr *
without_lets(fetcher *f, const weft_expr *e)
{
    weft_rewriter rw = { .ir = f->kernel->ir, .expr = by_value, .user = f };
    e = weft_rewrite_expr(&rw, e);
    weft_rewrite_done(&rw);
    return e;
}

static bool
find_inside(void *user, const weft_expr *e)
{
    fetcher *f = user;
    f->apart &= e->h.kind != WEFT_EK_LOAD &&
                (e->h.kind != WEFT_EK_VAR || f->inside[e->h.u.var->id] != f->turn);
    return f->apart;
}

/* Takes `var` out of *e, whose stride is to be known; *e is what is left. */
static bool
take_out(fetcher *f, const weft_expr **e, const weft_var *var, int64_t *by)
{
    const weft_expr *stride;
    return weft_affine_in(f->kernel->ir, *e, var, &stride, e) && weft_as_int(stride, by);
}

static stream *
find_stream(fetcher *f, const weft_buf *buf)
{
    for (int i = 0; i < f->streams.n; i++)
        if (f->streams.at[i].buf == buf)
            return &f->streams.at[i];
    return NULL;
}

/* Whether what stream s begins at moves with the rows, and is apart from all other loops inside. */
static bool
moves(fetcher *f, stream *s, int64_t steps)
{
    const weft_expr *rest = s->first;
    if (f->rows && (!take_out(f, &rest, f->rows, &s->row) || s->step > s->row / steps))
        return false;
    f->apart = true;
    weft_walk_expr(&(weft_walker){ .expr = find_inside, .user = f }, rest);
    return f->apart;
}

/* Whether an access is to the line that the stream begins at, or to one next to it. */
static bool
is_beside(fetcher *f, const stream *s, const weft_expr *index)
{
    const weft_var *var = f->phases.at[s->phase].loop->u.loop.var;
    weft_ir *ir = f->kernel->ir;
    int64_t step, apart, bits = weft_dtype_bits(s->buf->dtype);
    const weft_expr *first =
        without_lets(f, index->h.kind == WEFT_EK_RAMP ? index->arg[0] : index);
    if (first->h.type.lanes != 1 || !take_out(f, &first, var, &step) || step != s->step ||
        !weft_as_int(weft_simplify_expr(ir, NULL, weft_sub(ir, first, s->first)), &apart))
        return false;
    return apart * bits / 8 > -LINE && apart * bits / 8 < LINE;
}

/* The first time that a phase meets a parameter, it streams; what stays through the rows is
 * cached. */
static void
note_access(fetcher *f, const weft_buf *buf, const weft_expr *index, bool stored)
{
    phase *p = &f->phases.at[f->phases.n - 1];
    stream s = { .buf = buf, .phase = f->phases.n - 1, .stored = stored }, *known;
    if (buf->space != WEFT_GLOBAL)
        return;
    if ((known = find_stream(f, buf))) {
        known->spread = known->spread || (known->phase == s.phase && !is_beside(f, known, index));
        return;
    }
    s.first = without_lets(f, index->h.kind == WEFT_EK_RAMP ? index->arg[0] : index);
    if (s.first->h.type.lanes != 1 || !take_out(f, &s.first, p->loop->u.loop.var, &s.step) ||
        s.step <= 0 || !moves(f, &s, p->steps))
        return;
    p->meets = true;
    *WEFT_PUSH(&f->scratch, &f->streams) = s;
}

static bool
note_expr(void *user, const weft_expr *e)
{
    fetcher *f = user;
    f->phases.at[f->phases.n - 1].work++;
    if (e->h.kind == WEFT_EK_LOAD)
        note_access(f, e->h.u.buf, e->arg[0], false);
    return true;
}

static bool
note_stmt(void *user, const weft_stmt *s)
{
    fetcher *f = user;
    if (s->kind == WEFT_SK_STORE && s->u.store.stream)
        f->passes = true;
    else if (s->kind == WEFT_SK_STORE)
        note_access(f, s->u.store.buf, s->u.store.index[0], true);
    return true;
}

/* ---- phases ---------------------------------------------------------------------------------- */

static bool
note_names(void *user, const weft_stmt *s)
{
    fetcher *f = user;
    if (s->kind == WEFT_SK_LET)
        f->value[s->u.let.var->id] = s->u.let.value;
    if (s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_SERIAL)
        f->inside[s->u.loop.var->id] = f->turn;
    return true;
}

static void
note_phase(fetcher *f, const weft_stmt *loop)
{
    int64_t steps;
    if (!weft_as_int(loop->u.loop.extent, &steps) || steps < LEAST_STEPS)
        return;
    *WEFT_PUSH(&f->scratch, &f->phases) = (phase){ .loop = loop, .steps = steps };
    weft_walk_stmt(&(weft_walker){ note_expr, note_stmt, f }, loop->u.loop.body);
    f->phases.at[f->phases.n - 1].work *= steps;
}

static void
find_phases(fetcher *f, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            find_phases(f, s->u.seq.at[i]);
        return;
    case WEFT_SK_ALLOC:
        find_phases(f, s->u.alloc.body);
        return;
    case WEFT_SK_LET:
        find_phases(f, s->u.let.body);
        return;
    case WEFT_SK_IF:
        find_phases(f, s->u.iff.then);
        return;
    case WEFT_SK_FOR:
        if (s->u.loop.bind == WEFT_SERIAL)
            note_phase(f, s);
        return;
    default:
        return;
    }
}

/* The phase that does most of those that meet nothing new; -1: none. */
static int
find_carrier(const fetcher *f)
{
    int best = -1;
    for (int i = 0; i < f->phases.n; i++)
        if (!f->phases.at[i].meets &&
            (best < 0 || f->phases.at[i].work > f->phases.at[best].work))
            best = i;
    return best;
}

static int64_t
bytes_of(const fetcher *f, const stream *s)
{
    return f->phases.at[s->phase].steps * s->step * weft_dtype_bits(s->buf->dtype) / 8;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const weft_expr *
long_sum(weft_ir *ir, const weft_expr *a, const weft_expr *i, int64_t by, int64_t more)
{
    const weft_expr *step = weft_mul(ir, weft_cast_to(ir, weft_scalar(WEFT_I64), i),
                                     weft_int(ir, WEFT_I64, by));
    return weft_add(ir, weft_add(ir, weft_cast_to(ir, weft_scalar(WEFT_I64), a), step),
                    weft_int(ir, WEFT_I64, more));
}

/* Lines of a stream to each step of the carrier. */
static int64_t
lines_of(const fetcher *f, const stream *s, int carrier)
{
    return weft_ceildiv(weft_ceildiv(bytes_of(f, s), LINE), f->phases.at[carrier].steps);
}

/* The lines of a stream that a step of the carrier asks for, behind those of the step before. */
static const weft_stmt *
ask(const fetcher *f, const stream *s, int carrier)
{
    weft_ir *ir = f->kernel->ir;
    const phase *p = &f->phases.at[carrier];
    int64_t elements = (int64_t)LINE * 8 / weft_dtype_bits(s->buf->dtype),
            lines = lines_of(f, s, carrier),
            ahead = s->phase < carrier ? s->row : 0;
    const weft_stmt *all = weft_nop(ir);
    for (int64_t i = 0; i < lines; i++) {
        const weft_expr *at =
            long_sum(ir, s->first, weft_ref(ir, p->loop->u.loop.var), lines * elements,
                     ahead + i * elements);
        all = weft_seq2(ir, all, weft_prefetch(ir, s->buf, at));
    }
    return all;
}

static const weft_stmt *
carry(const fetcher *f, int carrier)
{
    weft_ir *ir = f->kernel->ir;
    weft_stmt t = *f->phases.at[carrier].loop;
    const weft_stmt *all = weft_nop(ir);
    for (int i = 0; i < f->streams.n; i++)
        all = weft_seq2(ir, all, ask(f, &f->streams.at[i], carrier));
    t.u.loop.body = weft_seq2(ir, all, t.u.loop.body);
    return weft_stmt_make(ir, t);
}

static void
start(fetcher *f, const weft_stmt *loop)
{
    f->turn++;
    f->rows = NULL;
    f->phases.n = f->streams.n = 0;
    f->passes = false;
    weft_walk_stmt(&(weft_walker){ .stmt = note_names, .user = f }, loop->u.loop.body);
}

/* Whether s is a loop over rows with a phase that may ask for all that they meet. */
static bool
has_rows(fetcher *f, const weft_stmt *s)
{
    int64_t bytes = 0;
    start(f, s);
    f->rows = s->u.loop.var;
    find_phases(f, s->u.loop.body);
    int carrier = find_carrier(f);
    for (int i = 0; carrier >= 0 && i < f->streams.n; i++) {
        bytes += bytes_of(f, &f->streams.at[i]);
        if (lines_of(f, &f->streams.at[i], carrier) > MOST_LINES)
            return false;
    }
    if (carrier < 0 || bytes < LEAST_ROW || bytes > f->target->cache_bytes / PART_OF_CACHE)
        return false;
    f->carrier = f->phases.at[carrier].loop;
    f->carried = carry(f, carrier);
    return true;
}

/* ---- single loops ---------------------------------------------------------------------------- */

static bool
find_loop(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_FOR || s->kind == WEFT_SK_WHILE || s->kind == WEFT_SK_BARRIER;
    return !*found;
}

static bool
is_long(const stream *s, int64_t steps)
{
    int64_t step = s->step * weft_dtype_bits(s->buf->dtype) / 8;
    return step >= LEAST_STEP && step <= MOST_STEP && steps >= LEAST_LOOP / step;
}

/* Bytes of a buffer; infinite where that is not known. */
static double
bytes_of_buffer(const weft_buf *buf)
{
    double all = weft_dtype_bits(buf->dtype) / 8.0;
    int64_t extent;
    for (int d = 0; d < buf->ndim; d++)
        all *= weft_as_int(buf->shape[d], &extent) ? (double)extent : INFINITY;
    return all;
}

/* Whether a loop of so many steps waits for what it reads.  The buffer is in no core's cache, nor
 * is there a loop around that meets the same once more while a cache has it; and a step meets one
 * line of it, so that few are under way in a core's window of instructions. */
static bool
waits(const fetcher *f, const stream *s, int64_t steps)
{
    int64_t extent;
    if (s->spread)
        return false;
    double near = (double)f->target->cache_bytes,
           bytes = (double)(steps * s->step * weft_dtype_bits(s->buf->dtype)) / 8;
    for (const around *a = f->around; a; a = a->outside) {
        bool moves = weft_uses_var(s->first, a->loop->u.loop.var);
        if (!moves && bytes <= near)
            return false;
        bytes *= !moves                                         ? 1
                 : weft_as_int(a->loop->u.loop.extent, &extent) ? (double)extent
                                                                : INFINITY;
    }
    return bytes_of_buffer(s->buf) > near * (f->target->cores > 0 ? f->target->cores : 1);
}

static const weft_stmt *
ask_ahead(const fetcher *f, const stream *s, int64_t ahead)
{
    weft_ir *ir = f->kernel->ir;
    int64_t bits = weft_dtype_bits(s->buf->dtype);
    const weft_stmt *all = weft_nop(ir);
    for (int64_t at = 0; at < s->step * bits / 8; at += LINE) {
        const weft_expr *var = weft_ref(ir, f->phases.at[0].loop->u.loop.var);
        const weft_expr *index = long_sum(ir, s->first, var, s->step, (ahead + at) * 8 / bits);
        all = weft_seq2(ir, all, weft_prefetch(ir, s->buf, index));
    }
    return all;
}

/* Whether a loop of so many steps stores to memory: lines of it are read
 * first, or are not wanted. */
static bool
stores(const fetcher *f, int64_t steps)
{
    bool any = f->passes;
    for (int i = 0; i < f->streams.n; i++)
        any |= f->streams.at[i].stored && is_long(&f->streams.at[i], steps);
    return any;
}

/* A loop that goes through memory, with what it asks for; s itself: it is none. */
static const weft_stmt *
with_streams(fetcher *f, const weft_stmt *s)
{
    weft_stmt t = *s;
    const weft_stmt *all = weft_nop(f->kernel->ir);
    bool nested = false, asks = false;
    weft_walk_stmt(&(weft_walker){ .stmt = find_loop, .user = &nested }, s->u.loop.body);
    if (nested)
        return s;
    start(f, s);
    note_phase(f, s);
    int64_t steps = f->phases.n ? f->phases.at[0].steps : 0;
    bool stored = stores(f, steps);
    for (int i = 0; i < f->streams.n; i++) {
        const stream *one = &f->streams.at[i];
        if (!is_long(one, steps) || (!stored && !waits(f, one, steps)))
            continue;
        all = weft_seq2(f->kernel->ir, all, ask_ahead(f, one, stored ? AHEAD : AHEAD_READ));
        asks = true;
    }
    if (!asks)
        return s;
    t.u.loop.body = weft_seq2(f->kernel->ir, all, s->u.loop.body);
    return weft_stmt_make(f->kernel->ir, t);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static const weft_stmt *
replace_carrier(weft_rewriter *rw, const weft_stmt *s)
{
    const fetcher *f = rw->user;
    return s == f->carrier ? f->carried : weft_rewrite_children(rw, s);
}

static const weft_expr *
leave(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

static const weft_stmt *
inside_of(weft_rewriter *rw, const weft_stmt *loop)
{
    fetcher *f = rw->user;
    around a = { loop, f->around };
    f->around = &a;
    loop = weft_rewrite_children(rw, loop);
    f->around = a.outside;
    return loop;
}

static const weft_stmt *
fetch_ahead(weft_rewriter *rw, const weft_stmt *s)
{
    fetcher *f = rw->user;
    if (s->kind == WEFT_SK_LET)
        f->value[s->u.let.var->id] = s->u.let.value;
    if (s->kind != WEFT_SK_FOR || s->u.loop.bind != WEFT_SERIAL)
        return weft_rewrite_children(rw, s);
    if (!has_rows(f, s)) {
        const weft_stmt *asking = with_streams(f, s);
        return asking != s ? asking : inside_of(rw, s);
    }
    weft_rewriter one = { .ir = rw->ir, .expr = leave, .stmt = replace_carrier, .user = f };
    s = weft_rewrite_stmt(&one, s);
    weft_rewrite_done(&one);
    return s;
}

weft_status
weft_pass_prefetch(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)diag;
    fetcher f = { .kernel = k, .target = o->target };
    if (!o->caps->prefetch)
        return WEFT_OK;
    f.value = WEFT_NEW_ARRAY(&f.scratch, k->ir->nvar + 1, const weft_expr *);
    f.inside = WEFT_NEW_ARRAY(&f.scratch, k->ir->nvar + 1, int);
    weft_rewriter rw = { .ir = k->ir, .expr = leave, .stmt = fetch_ahead, .user = &f };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    weft_arena_reset(&f.scratch);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
