/* te/rules/gpu.c: products on SIMT devices, by tiles in shared memory.
 *
 * A block computes a tile of results; its threads fetch what a chunk of the reduction needs of both
 * factors into shared memory, and each accumulates a small tile in registers.  Columns are the
 * factor that has the output's innermost axis: neighbouring threads take neighbouring results. */
#include "rules/priv.h"

enum {
    SIDE = 16,         /* threads along rows and along columns */
    REGISTERS = 4,     /* results of a thread along rows and along columns */
    CHUNK = 16,        /* steps of the longest reduce axis at a time */
    MAX_SHARED = 24576 /* bytes: more would keep blocks from running side by side */
};

/* A data axis cut into tiles of threads * registers. */
typedef struct cut {
    int axis; /* -1: none */
    int64_t extent, threads, registers;
} cut;

typedef struct block_tile {
    weft_rule *r;
    const weft_te_op *op; /* the reduction */
    weft_tensor *a, *b;
    cut row, col, col2; /* col2: the column axis next to the innermost */
    int64_t *chunk;     /* by reduce axis: steps at a time */
    int main;           /* the reduce axis that is cut first */
} block_tile;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int64_t
power_up(int64_t n, int64_t most)
{
    int64_t p = 1;
    while (p < most && (n < 0 || p < n))
        p *= 2;
    return p;
}

static int64_t
registers_for(const cut *c, int64_t most)
{
    int64_t n = c->extent < 0 ? most : weft_ceildiv(c->extent, c->threads), p = 1;
    while (p * 2 <= most && p * 2 <= n)
        p *= 2;
    return p;
}

static bool
has_axis(const int *list, int n, int d)
{
    for (int i = 0; i < n; i++)
        if (list[i] == d)
            return true;
    return false;
}

/* The axis of a list with the most elements; -1 in an empty one. */
static int
longest(const weft_te_op *op, const int *list, int n)
{
    int best = -1;
    int64_t most = -1;
    for (int i = 0; i < n; i++) {
        int64_t e = weft_rule_extent(op->axis[list[i]]);
        if ((e < 0 ? INT32_MAX : e) > most) {
            most = e < 0 ? INT32_MAX : e;
            best = list[i];
        }
    }
    return best;
}

static cut
whole(const weft_te_op *op, int d)
{
    return (cut){ d, d < 0 ? 1 : weft_rule_extent(op->axis[d]), 1, 1 };
}

static bool
choose_axes(block_tile *t, const weft_product *p)
{
    int last = t->op->naxis - 1, before = -1;
    bool in_a = has_axis(p->only_a, p->na, last), in_b = has_axis(p->only_b, p->nb, last);
    if (!in_a && !in_b)
        return false;
    const int *col = in_a ? p->only_a : p->only_b, *row = in_a ? p->only_b : p->only_a;
    int ncol = in_a ? p->na : p->nb, nrow = in_a ? p->nb : p->na;
    for (int i = 0; i < ncol; i++)
        if (col[i] != last && col[i] > 0 && weft_rule_extent(t->op->axis[col[i]]) != 1)
            before = col[i];
    t->row = whole(t->op, longest(t->op, row, nrow));
    t->col = whole(t->op, last);
    t->col2 = whole(t->op, before);
    return true;
}

static int64_t
threads_of(const block_tile *t)
{
    return t->row.threads * t->col.threads * t->col2.threads;
}

static double
tiles(const cut *c)
{
    int64_t size = c->threads * c->registers;
    return (double)(c->extent < 0 ? weft_ceildiv(1024, size) : weft_ceildiv(c->extent, size));
}

/* Fewer registers a thread where blocks would be too few to fill the device. */
static void
spread(block_tile *t)
{
    double others = 1, cores = t->r->target->cores > 0 ? t->r->target->cores : 8;
    for (int d = 0; d < t->op->naxis; d++) {
        int64_t n = weft_rule_extent(t->op->axis[d]);
        if (d != t->row.axis && d != t->col.axis && d != t->col2.axis)
            others *= (double)(n < 0 ? 16 : n);
    }
    cut *order[3] = { &t->col2, &t->row, &t->col };
    for (int i = 0; i < 6; i++) {
        cut *c = order[i % 3];
        if (others * tiles(&t->row) * tiles(&t->col) * tiles(&t->col2) < cores && c->registers > 1)
            c->registers /= 2;
    }
}

static void
choose_sizes(block_tile *t)
{
    int64_t most = weft_least(t->r->target->max_threads, SIDE * SIDE);
    t->col.threads = power_up(t->col.extent, SIDE);
    t->col2.threads = power_up(t->col2.extent, SIDE / t->col.threads);
    t->row.threads = power_up(t->row.extent, SIDE);
    while (threads_of(t) > most)
        *(t->row.threads > 1    ? &t->row.threads
          : t->col2.threads > 1 ? &t->col2.threads
                                : &t->col.threads) /= 2;
    t->row.registers = registers_for(&t->row, REGISTERS);
    t->col.registers = registers_for(&t->col, REGISTERS);
    t->col2.registers = registers_for(&t->col2, REGISTERS / t->col.registers);
    spread(t);
}

/* ---- shared memory --------------------------------------------------------------------------- */

static int64_t
tile_of(const block_tile *t, int d)
{
    const cut *all[3] = { &t->row, &t->col, &t->col2 };
    for (int i = 0; i < 3; i++)
        if (all[i]->axis == d)
            return all[i]->threads * all[i]->registers;
    return 1;
}

/* Elements of a factor that a tile needs for a chunk; -1 when that is not known. */
static int64_t
fetched(const block_tile *t, const weft_expr *load)
{
    weft_ir *ir = t->r->te->ir;
    weft_facts *facts = weft_facts_create(ir);
    int64_t n = 1, lo, hi;
    for (int d = 0; d < t->op->naxis; d++)
        weft_facts_extent(facts, t->op->axis[d]->var,
                          weft_int(ir, (weft_dtype)t->op->axis[d]->var->type.dtype, tile_of(t, d)));
    for (int i = 0; i < t->op->nreduce; i++)
        weft_facts_extent(facts, t->op->reduce[i]->var,
                          weft_int(ir, (weft_dtype)t->op->reduce[i]->var->type.dtype, t->chunk[i]));
    for (int i = 0; i < load->h.nargs && n > 0; i++)
        if (!weft_bounds(ir, facts, load->arg[i], &lo, &hi) || !weft_mul64(n, hi - lo + 1, &n))
            n = -1;
    weft_facts_destroy(facts);
    return n;
}

typedef struct sum_bytes {
    const block_tile *t;
    int64_t bytes; /* -1: not known */
} sum_bytes;

static bool
add_bytes(void *user, const weft_expr *e)
{
    sum_bytes *s = user;
    if (e->h.kind != WEFT_EK_LOAD || s->bytes < 0)
        return true;
    int64_t n = fetched(s->t, e);
    s->bytes = n < 0 ? -1 : s->bytes + n * ((weft_dtype_bits((weft_dtype)e->h.type.dtype) + 7) / 8);
    return true;
}

static int64_t
shared_bytes(const block_tile *t)
{
    sum_bytes s = { t, 0 };
    weft_walk_expr(&(weft_walker){ .expr = add_bytes, .user = &s }, t->op->body[0]);
    return s.bytes;
}

/* The longest chunk that shared memory holds: less of the longest axis first, then of the others.
 */
static bool
choose_chunk(block_tile *t)
{
    int64_t room = weft_least(t->r->target->shared_bytes, MAX_SHARED), most = -1;
    t->chunk = WEFT_NEW_ARRAY(&t->r->scratch, t->op->nreduce + 1, int64_t);
    for (int i = 0; i < t->op->nreduce; i++) {
        int64_t e = weft_rule_extent(t->op->reduce[i]);
        t->chunk[i] = e < 0 ? 1 : e > 0 ? e : 1;
        if ((e < 0 ? INT32_MAX : e) > most) {
            most = e < 0 ? INT32_MAX : e;
            t->main = i;
        }
    }
    t->chunk[t->main] = power_up(most, CHUNK);
    for (int i = 0;;) {
        int64_t bytes = shared_bytes(t);
        if (bytes < 0)
            return false;
        if (bytes <= room)
            return true;
        if (t->chunk[t->main] > 1) {
            t->chunk[t->main] /= 2;
            continue;
        }
        while (i < t->op->nreduce && t->chunk[i] == 1)
            i++;
        if (i == t->op->nreduce)
            return false;
        t->chunk[i] = 1;
    }
}

/* ---- the schedule ---------------------------------------------------------------------------- */

typedef struct pieces {
    weft_axis *block, *thread, *each;
} pieces;

static bool
split_cut(const block_tile *t, weft_tensor *out, const cut *c, pieces *p)
{
    weft_axis *inside;
    *p = (pieces){ NULL, NULL, NULL };
    return c->axis < 0 ||
           (!weft_split(t->r->te, out, out->op->axis[c->axis],
                        weft_rule_num(t->r, c->threads * c->registers), &p->block, &inside) &&
            !weft_split(t->r->te, out, inside, weft_rule_num(t->r, c->registers), &p->thread,
                        &p->each));
}

static void
push(weft_axis **list, int *n, weft_axis *axis)
{
    if (axis)
        list[(*n)++] = axis;
}

/* Blocks, threads, registers; the innermost thread loop. */
static weft_axis *
schedule_out(const block_tile *t, weft_tensor *out)
{
    weft_te *te = t->r->te;
    weft_axis **all = WEFT_NEW_ARRAY(&t->r->scratch, out->op->naxis + 9, weft_axis *), *block,
              *thread;
    pieces row, col, col2;
    int n = 0, nblock;
    if (!split_cut(t, out, &t->row, &row) || !split_cut(t, out, &t->col, &col) ||
        !split_cut(t, out, &t->col2, &col2))
        return NULL;
    for (int d = 0; d < out->op->naxis; d++)
        push(all, &n,
             d == t->row.axis    ? row.block
             : d == t->col.axis  ? col.block
             : d == t->col2.axis ? col2.block
                                 : out->op->axis[d]);
    nblock = n;
    push(all, &n, row.thread);
    push(all, &n, col2.thread);
    push(all, &n, col.thread);
    push(all, &n, row.each);
    push(all, &n, col2.each);
    push(all, &n, col.each);
    if (weft_reorder(te, out, n, all))
        return NULL;
    block = weft_rule_fuse(t->r, out, nblock, all);
    thread = col.thread;
    if (!block || (col2.thread && weft_fuse(te, out, col2.thread, col.thread, &thread)))
        return NULL;
    weft_rule_bind_grid(t->r, out, block);
    if (row.thread)
        (void)weft_bind_axis(te, out, row.thread, "thread.y");
    (void)weft_bind_axis(te, out, thread, "thread.x");
    weft_axis *each[3] = { row.each, col2.each, col.each };
    for (int i = 0; i < 3; i++)
        if (each[i])
            (void)weft_unroll(te, out, each[i]);
    return thread;
}

/* Chunks outside, the chunk's steps inside, around the thread's results; the innermost chunk loop.
 */
static weft_axis *
schedule_sum(const block_tile *t, weft_tensor *sum)
{
    weft_te *te = t->r->te;
    const weft_te_op *op = sum->op;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, 2 * op->nreduce + 4, weft_axis *);
    weft_axis **inner = WEFT_NEW_ARRAY(&t->r->scratch, op->nreduce + 1, weft_axis *), *at = NULL;
    int n = 0, ninner = 0;
    for (int i = 0; i < op->nreduce; i++) {
        weft_axis *outer = op->reduce[i], *steps = NULL;
        bool cut_it = i == t->main || weft_rule_extent(outer) != t->chunk[i];
        if (!cut_it) {
            inner[ninner++] = outer;
            continue;
        }
        if (t->chunk[i] > 1 &&
            weft_split(te, sum, op->reduce[i], weft_rule_num(t->r, t->chunk[i]), &outer, &steps))
            return NULL;
        at = order[n++] = outer;
        if (steps)
            inner[ninner++] = steps;
    }
    for (int i = 0; i < ninner; i++)
        order[n++] = inner[i];
    const cut *mine[3] = { &t->row, &t->col2, &t->col };
    weft_axis *each[3] = { NULL, NULL, NULL };
    for (int i = 0; i < 3; i++)
        if (mine[i]->registers > 1) {
            weft_axis *whole_axis = op->axis[mine[i]->axis], *outer;
            if (weft_split(te, sum, whole_axis, weft_rule_num(t->r, mine[i]->registers), &outer,
                           &each[i]))
                return NULL;
            order[n++] = each[i];
        }
    if (weft_reorder(te, sum, n, order))
        return NULL;
    for (int i = 0; i < 3; i++)
        if (each[i])
            (void)weft_unroll(te, sum, each[i]);
    return at;
}

static bool
is_inlined(const weft_te *te, const weft_tensor *t)
{
    const weft_stage *s = weft_te_stage(te, t);
    return s && s->attach == WEFT_AT_INLINE;
}

/* An inlined stage can be fetched when nobody else needs it. */
static bool
can_fetch(const block_tile *t, const weft_tensor *from)
{
    return !is_inlined(t->r->te, from) || weft_rule_reader(t->r, from->op);
}

/* The factor in shared memory: a copy, or the stage itself where it would be inlined. */
static bool
fetch(const block_tile *t, weft_tensor *from, weft_tensor *sum, weft_axis *at)
{
    weft_te *te = t->r->te;
    bool own = is_inlined(te, from);
    weft_tensor *copy = own ? from : weft_cache_read(te, from, "shared", 1, &sum);
    if (!copy || (own && weft_compute_root(te, copy)) || weft_compute_at(te, copy, sum, at) ||
        (own && weft_set_scope(te, copy, "shared")))
        return false;
    weft_rule_fetch(t->r, copy, t->row.threads, t->col.threads * t->col2.threads);
    return true;
}

static void
say(const block_tile *t)
{
    const cut *all[3] = { &t->row, &t->col2, &t->col };
    weft_str_addf(weft_rule_note(t->r, "contraction"), "tile");
    for (int i = 0; i < 3; i++)
        if (all[i]->axis >= 0)
            weft_str_addf(&t->r->note, " %d %s", (int)(all[i]->threads * all[i]->registers),
                          t->op->axis[all[i]->axis]->var->name);
    weft_str_addf(&t->r->note, ", %dx%d registers, %s by %d through shared", (int)t->row.registers,
                  (int)(t->col.registers * t->col2.registers), t->op->reduce[t->main]->var->name,
                  (int)t->chunk[t->main]);
}

bool
weft_rule_block_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_product p;
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    block_tile t = { .r = r, .op = reduce->op };
    if (!weft_rule_product(r, reduce, &p) || p.a == p.b || !choose_axes(&t, &p) ||
        t.row.extent == 1 || (t.col.extent == 1 && t.col2.axis < 0))
        return false;
    choose_sizes(&t);
    t.a = weft_te_tensor_of(r->te, p.a->buf);
    t.b = weft_te_tensor_of(r->te, p.b->buf);
    if (!can_fetch(&t, t.a) || !can_fetch(&t, t.b) || !choose_chunk(&t))
        return false;
    say(&t);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    weft_axis *thread = sum ? schedule_out(&t, result) : NULL;
    if (!thread || weft_compute_at(r->te, sum, result, thread) ||
        weft_set_scope(r->te, sum, "local"))
        return true;
    weft_axis *at = schedule_sum(&t, sum);
    if (at && fetch(&t, t.a, sum, at))
        (void)fetch(&t, t.b, sum, at);
    return true;
}
