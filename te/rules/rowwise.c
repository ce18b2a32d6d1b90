/* te/rules/rowwise.c: reductions over rows and what joins them, in one kernel: softmax,
 * normalisations. */
#include "rules/vector.h"

#include <math.h>

enum {
    ROW_THREADS = 256,
    LEAST_ALONG = 8,    /* threads of a row */
    COLUMNS = 32,       /* rows side by side */
    EACH = 4,           /* elements of a row that a thread takes, or more */
    LONG_ROW = 32768,   /* elements */
    FEW_ROWS = 8,       /* one of so many cores has a row, or fewer */
    KEPT_BYTES = 16384, /* of rows that are kept in shared memory */
    LANE_ROWS = 64,
    LEAST_LANES = 4, /* of neighbouring rows */
    KEPT_ROW = 16384 /* elements of a row that is kept while it is read again */
};

typedef struct row_program {
    weft_stage *out;
    int nreduce;
    weft_stage **reduce; /* in order; each reads those before it at most at its own row */
    int nkeep, *keep;    /* data axes of out that name the row */
    int nover, *over;    /* and those along it */
} row_program;

/* Whether the extents agree one to one. */
static bool
same_extents(const weft_te_op *reduce, const weft_te_op *out, const int *keep)
{
    for (int d = 0; d < reduce->naxis; d++)
        if (reduce->axis[d]->extent != out->axis[keep[d]]->extent)
            return false;
    return true;
}

/* The out axis that position `d` of every load of t is, when it is a plain one; -1 otherwise. */
static int
axis_at(const weft_te_op *op, const weft_expr *load, int d)
{
    for (int i = 0; i < op->naxis; i++)
        if (load->arg[d]->h.kind == WEFT_EK_VAR && load->arg[d]->h.u.var == op->axis[i]->var)
            return i;
    return -1;
}

typedef struct finding {
    const weft_buf *buf;
    const weft_expr *load;
} finding;

static bool
find(void *user, const weft_expr *e)
{
    finding *f = user;
    if (e->h.kind == WEFT_EK_LOAD && e->h.u.buf == f->buf)
        f->load = e;
    return true;
}

/* Which axes of out name the row of the reduction's tensor. */
static bool
find_rows(weft_rule *r, row_program *p, const weft_tensor *scalar)
{
    const weft_te_op *out = weft_te_inlined(r->te, p->out->op);
    finding f = { scalar->buf, NULL };
    if (!out)
        return false;
    weft_walk_expr(&(weft_walker){ .expr = find, .user = &f }, out->body[0]);
    if (!f.load)
        return false;
    bool *is_row = WEFT_NEW_ARRAY(&r->scratch, out->naxis + 1, bool);
    p->keep = WEFT_NEW_ARRAY(&r->scratch, out->naxis + 1, int);
    p->over = WEFT_NEW_ARRAY(&r->scratch, out->naxis + 1, int);
    for (int d = 0; d < f.load->h.nargs; d++) {
        int at = axis_at(out, f.load, d);
        if (at < 0 || is_row[at] || (d > 0 && at < p->keep[d - 1]))
            return false;
        is_row[at] = true;
        p->keep[p->nkeep++] = at;
    }
    for (int d = 0; d < out->naxis; d++)
        if (!is_row[d])
            p->over[p->nover++] = d;
    return p->nover > 0;
}

/* All live reductions lead to the one output and have its rows. */
static bool
recognise(weft_rule *r, weft_stage *out, row_program *p)
{
    *p = (row_program){ .out = out,
                        .reduce = WEFT_NEW_ARRAY(&r->scratch, r->te->stage.n + 1, weft_stage *) };
    if (out->op->nreduce || out->op->nout != 1)
        return false;
    for (int i = 0; i < r->te->stage.n; i++) {
        weft_stage *s = r->te->stage.at[i];
        if (s == out || s->attach == WEFT_AT_INLINE)
            continue;
        if (s->op->nreduce == 0 || s->op->nout != 1)
            return false;
        p->reduce[p->nreduce++] = s;
    }
    if (p->nreduce < 2 || !find_rows(r, p, p->reduce[p->nreduce - 1]->op->out[0]))
        return false;
    for (int i = 0; i < p->nreduce; i++)
        if (p->reduce[i]->op->naxis != p->nkeep ||
            !same_extents(p->reduce[i]->op, out->op, p->keep))
            return false;
    return true;
}

static void
pick_axes(const weft_te_op *op, int n, const int *which, weft_axis **axis)
{
    for (int i = 0; i < n; i++)
        axis[i] = op->axis[which[i]];
}

/* Rows outside, what is along them inside; the fused row axis, NULL when there is but one row. */
static weft_axis *
rows_first(weft_rule *r, const row_program *p, weft_axis **along)
{
    weft_tensor *t = p->out->op->out[0];
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, p->out->op->naxis + 1, weft_axis *);
    pick_axes(p->out->op, p->nkeep, p->keep, order);
    pick_axes(p->out->op, p->nover, p->over, order + p->nkeep);
    if (weft_reorder(r->te, t, p->nkeep + p->nover, order))
        return NULL;
    *along = weft_rule_fuse(r, t, p->nover, order + p->nkeep);
    return weft_rule_fuse(r, t, p->nkeep, order);
}

static double
elements(weft_axis *const *axis, int n, const int *which)
{
    double all = 1;
    for (int i = 0; i < n; i++)
        all *= weft_vector_count((const weft_axis *const *)axis + which[i], 1);
    return all;
}

/* ---- what is computed once ------------------------------------------------------------------- */

static bool
find_call(void *user, const weft_expr *e)
{
    *(bool *)user |= e->h.kind == WEFT_EK_CALL;
    return !*(bool *)user;
}

/* An inlined stage with an element for each of the output's that is dear and read more than once:
 * `rows` rows of it are better kept than computed again. */
static bool
is_worth_keeping(weft_rule *r, const row_program *p, const weft_stage *s, int64_t rows)
{
    const weft_te_op *op = s->op;
    weft_stage **reader;
    bool dear = false;
    if (s->attach != WEFT_AT_INLINE || op->naxis != p->out->op->naxis ||
        weft_te_readers(r->te, op->out[0], &r->scratch, &reader) < 2)
        return false;
    for (int d = 0; d < op->naxis; d++)
        if (op->axis[d]->extent != p->out->op->axis[d]->extent)
            return false;
    weft_walk_expr(&(weft_walker){ .expr = find_call, .user = &dear }, op->body[0]);
    int64_t row = rows;
    for (int i = 0; i < p->nover; i++) {
        int64_t n = weft_rule_extent(op->axis[p->over[i]]);
        row = n >= 0 && n <= KEPT_ROW ? row * n : KEPT_ROW + 1;
        row = row <= KEPT_ROW ? row : KEPT_ROW + 1;
    }
    return dear && row <= KEPT_ROW;
}

/* ---- rows on GPUs ---------------------------------------------------------------------------- */

/* Threads of a block: `along` a row, `beside` rows of it.  Neighbouring ones are on neighbouring
 * elements: of a row, or of rows that lie side by side. */
typedef struct row_block {
    int64_t along, beside;
    int64_t run;                  /* neighbours along a row that a thread takes at once */
    const char *on_row, *on_rows; /* thread axes */
} row_block;

/* Which of the axes that name the row those of a block lie along: the last of more than one step. */
static int
beside_at(const row_program *p)
{
    int i = p->nkeep - 1;
    while (i > 0 && weft_rule_extent(p->out->op->axis[p->keep[i]]) == 1)
        i--;
    return i;
}

/* Each thread takes some elements of a row, more threads where rows are too few to keep all cores
 * busy; short rows share a block. */
static row_block
block_of(const weft_rule *r, const row_program *p)
{
    const weft_te_op *op = p->out->op;
    double length = elements(op->axis, p->nover, p->over),
           rows = elements(op->axis, p->nkeep, p->keep), wanted = (double)weft_rule_busy_threads(r);
    int64_t most = weft_least(r->target->max_threads, r->target->max_block[0]),
            last = weft_rule_extent(op->axis[p->keep[beside_at(p)]]);
    bool columns = p->keep[beside_at(p)] == op->naxis - 1;
    row_block b = { weft_least(LEAST_ALONG, most), 1, 1, columns ? "thread.y" : "thread.x",
                    columns ? "thread.x" : "thread.y" };
    int64_t least = columns ? weft_least(COLUMNS, most / b.along) : 1,
            each = columns ? ROW_THREADS / COLUMNS : ROW_THREADS;
    while (b.beside * 2 <= least && (last < 0 || last > b.beside))
        b.beside *= 2;
    while (b.along * b.beside * 2 <= most && length > (double)(b.along * EACH) &&
           (b.along < each || rows * (double)b.along < wanted))
        b.along *= 2;
    while (b.along * b.beside * 2 <= weft_least(ROW_THREADS / 2, most) &&
           b.beside * 2 <= r->target->max_block[1] && (last < 0 || last >= b.beside * 2))
        b.beside *= 2;
    return b;
}

/* Runs are of what everybody reads along a row, the innermost axes of all. */
static int64_t
run_of(weft_rule *r, const row_program *p, const row_block *b)
{
    const weft_te_op *op = p->out->op;
    double most = elements(op->axis, p->nover, p->over) / (double)b->along;
    if (p->over[p->nover - 1] != op->naxis - 1)
        return 1;
    int64_t run = weft_rule_run(r, op, op->axis[op->naxis - 1], most);
    for (int i = 0; i < p->nreduce; i++) {
        const weft_te_op *reduce = p->reduce[i]->op;
        run = weft_least(run, weft_rule_run(r, reduce, reduce->reduce[reduce->nreduce - 1], most));
    }
    return run;
}

/* Rows outside, those of a block on threads, what is along them inside and on threads; the loop of a
 * thread's row. */
static weft_axis *
rows_on_blocks(weft_rule *r, const row_program *p, const row_block *b)
{
    weft_tensor *t = p->out->op->out[0];
    int n = p->nkeep, at = beside_at(p);
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, p->out->op->naxis + 2, weft_axis *), *row,
              *along;
    pick_axes(p->out->op, n, p->keep, order);
    pick_axes(p->out->op, p->nover, p->over, order + n + 1);
    if (weft_split(r->te, t, order[at], weft_rule_num(r, b->beside), &order[at], &order[n]) ||
        weft_reorder(r->te, t, n + 1 + p->nover, order))
        return NULL;
    along = weft_rule_fuse(r, t, p->nover, order + n + 1);
    row = weft_rule_fuse(r, t, n, order);
    if (!along || !row || !weft_rule_deal(r, t, along, b->along, b->run, b->on_row) ||
        (b->beside > 1 && weft_bind_axis(r->te, t, order[n], b->on_rows)))
        return NULL;
    weft_rule_bind_grid(r, t, row);
    return order[n];
}

/* A reduction of a block's rows by the threads of each. */
static bool
share_row(weft_rule *r, weft_tensor *s, weft_tensor *home, weft_axis *at, const row_block *b)
{
    weft_axis *all = weft_rule_fuse(r, s, s->op->nreduce, s->op->reduce);
    return all && !weft_compute_at(r->te, s, home, at) && !weft_set_scope(r->te, s, "local") &&
           weft_rule_deal(r, s, all, b->along, b->run, b->on_row);
}

/* A stage that is kept in shared memory, each thread computing what it reads. */
static bool
share_kept(weft_rule *r, const row_program *p, weft_tensor *t, weft_axis *at, const row_block *b)
{
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, t->op->naxis + 1, weft_axis *), *row;
    if (weft_compute_root(r->te, t) || weft_compute_at(r->te, t, p->out->op->out[0], at) ||
        weft_set_scope(r->te, t, "shared"))
        return false;
    pick_axes(t->op, p->nkeep, p->keep, order);
    pick_axes(t->op, p->nover, p->over, order + p->nkeep);
    if (weft_reorder(r->te, t, t->op->naxis, order))
        return false;
    weft_axis *along = weft_rule_fuse(r, t, p->nover, order + p->nkeep);
    if (!along || !weft_rule_deal(r, t, along, b->along, b->run, b->on_row))
        return false;
    return b->beside == 1 ||
           (!weft_split(r->te, t, order[beside_at(p)], weft_rule_num(r, b->beside), NULL, &row) &&
            !weft_bind_axis(r->te, t, row, b->on_rows));
}

/* Bytes of a block's rows of the stage. */
static double
kept_bytes(const row_program *p, const weft_stage *s, const row_block *b)
{
    return elements(s->op->axis, p->nover, p->over) * (double)b->beside *
           weft_dtype_bits(s->op->out[0]->buf->dtype) / 8;
}

/* Rows of a block: its threads share every reduction and the elements. */
static void
by_block(weft_rule *r, const row_program *p)
{
    weft_te *te = r->te;
    weft_tensor *t = p->out->op->out[0];
    row_block b = block_of(r, p);
    b.run = run_of(r, p, &b);
    weft_axis *at = rows_on_blocks(r, p, &b);
    bool ok = at;
    double kept = 0, most = fmin(KEPT_BYTES, (double)r->target->shared_bytes / 4);
    for (int i = p->nreduce; ok && i-- > 0;)
        ok = share_row(r, p->reduce[i]->op->out[0], t, at, &b);
    for (int i = te->stage.n; ok && i-- > 0;) {
        weft_stage *s = te->stage.at[i];
        if (!is_worth_keeping(r, p, s, b.beside) || kept + kept_bytes(p, s, &b) > most)
            continue; /* blocks beside need some, too */
        kept += kept_bytes(p, s, &b);
        ok = share_kept(r, p, s->op->out[0], at, &b);
    }
    weft_str_addf(weft_rule_note(r, "rowwise"), "%d threads a row, %d rows a block%s", (int)b.along,
                  (int)b.beside, kept ? ", kept in shared" : "");
    if (b.run > 1)
        weft_str_addf(&r->note, ", %d lanes", (int)b.run);
}

/* A row a thread. */
static void
by_row(weft_rule *r, const row_program *p)
{
    weft_te *te = r->te;
    weft_tensor *t = p->out->op->out[0];
    weft_axis *along, *row = rows_first(r, p, &along);
    if (!row || !along)
        return;
    weft_rule_bind_threads(r, t, row, LANE_ROWS);
    weft_axis *at = NULL;
    for (int i = 0; i < p->out->leaf.n; i++) {
        weft_bind b = p->out->leaf.at[i]->bind;
        if (weft_is_block(b) || weft_is_thread(b))
            at = p->out->leaf.at[i];
    }
    for (int i = p->nreduce; at && i-- > 0;) {
        weft_tensor *s = p->reduce[i]->op->out[0];
        if (weft_compute_at(te, s, t, at) || weft_set_scope(te, s, "local"))
            return;
    }
    weft_str_addf(weft_rule_note(r, "rowwise"), "a row a thread");
}

/* ---- rows on CPUs that take vectors ---------------------------------------------------------- */

/* The last axis of a stage in lanes, if rows are long enough and lie side by side. */
static void
vectorize_last(weft_rule *r, weft_tensor *t, weft_axis *last, bool contiguous)
{
    weft_axis *lane;
    int64_t lanes = r->target->vector_lanes;
    if (weft_dtype_bits(t->buf->dtype) > 32)
        lanes /= 2;
    if (contiguous && lanes > 1 && weft_rule_extent(last) >= lanes &&
        !weft_split(r->te, t, last, weft_rule_num(r, lanes), NULL, &lane))
        (void)weft_vectorize(r->te, t, lane);
}

static void
keep_row(weft_rule *r, weft_stage *s, weft_tensor *home, weft_axis *at, bool contiguous)
{
    weft_tensor *t = s->op->out[0];
    if (weft_compute_root(r->te, t) || weft_compute_at(r->te, t, home, at) ||
        weft_set_scope(r->te, t, "local"))
        return;
    vectorize_last(r, t, s->op->axis[s->op->naxis - 1], contiguous);
}

static void
by_vectors(weft_rule *r, const row_program *p)
{
    weft_te *te = r->te;
    weft_tensor *t = p->out->op->out[0];
    const weft_te_op *op = p->out->op;
    int last = op->naxis - 1;
    bool contiguous = p->nover == 1 && p->over[0] == last && weft_rule_lanes_along(r, op, last);
    double work = elements(op->axis, p->nover, p->over),
           rows = elements(op->axis, p->nkeep, p->keep);
    weft_axis *along, *row = rows_first(r, p, &along);
    if (!row || !along)
        return;
    vectorize_last(r, t, along, contiguous);
    weft_axis *at = weft_rule_bind_chunks(r, t, row, weft_vector_rows_of_group(r, work, rows));
    bool lanes = true, ok = at;
    for (int i = p->nreduce; ok && i-- > 0;) {
        weft_tensor *s = p->reduce[i]->op->out[0];
        bool vectors = weft_vector_has_rows(r, p->reduce[i]->op);
        lanes = lanes && vectors;
        ok = vectors ? weft_vector_row(r, s, t, at)
                     : !weft_compute_at(te, s, t, at) && !weft_set_scope(te, s, "local");
    }
    for (int i = te->stage.n; ok && i-- > 0;)
        if (is_worth_keeping(r, p, te->stage.at[i], 1))
            keep_row(r, te->stage.at[i], t, at, contiguous);
    weft_str_addf(weft_rule_note(r, "rowwise"), "rows in groups%s", lanes ? ", in lanes" : "");
}

/* ---- rows side by side ----------------------------------------------------------------------- */

static int64_t
lanes_of(const weft_rule *r, const weft_te_op *op)
{
    int64_t lanes = r->target->vector_lanes;
    return weft_dtype_bits(op->out[0]->buf->dtype) > 32 ? lanes / 2 : lanes;
}

/* Rows that run in lanes: neighbours along the innermost axis, where it names the row and all that
 * is read of them lies side by side; 0: there are none. */
static int64_t
neighbours(weft_rule *r, const row_program *p)
{
    const weft_te_op *op = p->out->op;
    int last = op->naxis - 1;
    int64_t most = lanes_of(r, op);
    if (p->keep[p->nkeep - 1] != last || !weft_rule_lanes_along(r, op, last))
        return 0;
    for (int i = 0; i < p->nreduce; i++) {
        const weft_te_op *reduce = p->reduce[i]->op;
        most = weft_least(most, lanes_of(r, reduce));
        if (!weft_rule_lanes_along(r, reduce, reduce->naxis - 1))
            return 0;
    }
    int64_t lanes = weft_vector_whole_lanes(weft_rule_extent(op->axis[last]), most);
    return lanes >= LEAST_LANES ? lanes : 0;
}

/* A stage for the rows at hand in loop `at` of the output, its reduction outside of the lanes. */
static bool
run_beside(weft_rule *r, weft_tensor *t, weft_tensor *home, weft_axis *at, int64_t lanes)
{
    const weft_te_op *op = t->op;
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, op->nreduce + 2, weft_axis *), *last, *lane;
    if (weft_compute_at(r->te, t, home, at) || weft_set_scope(r->te, t, "local") ||
        weft_split(r->te, t, op->axis[op->naxis - 1], weft_rule_num(r, lanes), &last, &lane))
        return false;
    for (int i = 0; i < op->nreduce; i++)
        order[i] = op->reduce[i];
    order[op->nreduce] = last;
    order[op->nreduce + 1] = lane;
    return !weft_reorder(r->te, t, op->nreduce + 2, order) && !weft_vectorize(r->te, t, lane);
}

/* Groups of neighbouring rows outside, what is along them next, the rows of a group in lanes; the
 * loop of a group, NULL after an error. */
static weft_axis *
groups_first(weft_rule *r, const row_program *p, int64_t lanes)
{
    const weft_te_op *op = p->out->op;
    weft_tensor *t = op->out[0];
    weft_axis **order = WEFT_NEW_ARRAY(&r->scratch, op->naxis + 2, weft_axis *), *lane;
    double work = elements(op->axis, p->nover, p->over) * (double)lanes,
           groups = elements(op->axis, p->nkeep, p->keep) / (double)lanes;
    pick_axes(op, p->nkeep, p->keep, order);
    pick_axes(op, p->nover, p->over, order + p->nkeep);
    weft_axis **last = &order[p->nkeep - 1];
    if (weft_split(r->te, t, *last, weft_rule_num(r, lanes), last, &lane))
        return NULL;
    order[op->naxis] = lane;
    if (weft_reorder(r->te, t, op->naxis + 1, order) || weft_vectorize(r->te, t, lane))
        return NULL;
    weft_axis *group = weft_rule_fuse(r, t, p->nkeep, order);
    return group ? weft_rule_bind_chunks(r, t, group, weft_vector_rows_of_group(r, work, groups))
                 : NULL;
}

/* False, and nothing done, where rows have no neighbours. */
static bool
by_neighbours(weft_rule *r, const row_program *p)
{
    weft_te *te = r->te;
    weft_tensor *t = p->out->op->out[0];
    int64_t lanes = neighbours(r, p);
    weft_axis *at = lanes ? groups_first(r, p, lanes) : NULL;
    bool ok = at;
    if (!lanes)
        return false;
    for (int i = p->nreduce; ok && i-- > 0;)
        ok = run_beside(r, p->reduce[i]->op->out[0], t, at, lanes);
    for (int i = te->stage.n; ok && i-- > 0;)
        if (is_worth_keeping(r, p, te->stage.at[i], lanes))
            ok = !weft_compute_root(te, te->stage.at[i]->op->out[0]) &&
                 run_beside(r, te->stage.at[i]->op->out[0], t, at, lanes);
    weft_str_addf(weft_rule_note(r, "rowwise"), "%d neighbouring rows in lanes", (int)lanes);
    return true;
}

/* Rows of which a GPU has more cores than there are, and each is long: several blocks are better for
 * one than one. */
static bool
are_few_and_long(const weft_rule *r, const row_program *p)
{
    bool gpu = r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE;
    const weft_te_op *op = p->out->op;
    return gpu && elements(op->axis, p->nover, p->over) >= LONG_ROW &&
           elements(op->axis, p->nkeep, p->keep) * FEW_ROWS <= (double)r->target->cores;
}

bool
weft_rule_rowwise(weft_rule *r, weft_stage *out)
{
    row_program p;
    if (!recognise(r, out, &p) || p.nkeep == 0 || are_few_and_long(r, &p))
        return false;
    if (r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE)
        by_block(r, &p);
    else if (r->target->cls != WEFT_CLASS_VECTOR_CPU)
        by_row(r, &p);
    else if (!by_neighbours(r, &p))
        by_vectors(r, &p);
    return true;
}
