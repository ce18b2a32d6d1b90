/* te/rules/vector_cpu.c: reductions on CPUs that take vectors, by register tiles.
 *
 * One data axis runs in lanes; a tile of results along it and along other axes is accumulated in
 * vector registers while the reduction runs around it.  Which axis and which tile is decided by an
 * estimate of the cycles of the whole: multiply-adds, loads that the tile shares, tails, stores. */
#include "rules/priv.h"

enum {
    MAX_AXES = 4,        /* innermost data axes with more than one element that a tile covers */
    SPARE_REGISTERS = 4, /* for operands */
    LATENCY = 8,         /* accumulators that keep two pipelines of latency 4 busy */
    UNKNOWN = 512,       /* what a symbolic extent is taken for */
    VECTOR_BYTES = 64,
    FIRST_CACHE = 24 << 10, /* bytes that stay near while a tile is computed */
    FEW_STEPS = 32,         /* of a reduction that is written out */
    BRANCH = 3,             /* a condition that differs within a tile, in loads */
    STREAMED = 3,           /* a vector from farther away, in loads */
    WORK_OF_A_GROUP = 32768 /* multiply-adds: some microseconds, against one for the group itself */
};

typedef struct tile {
    int lane_axis; /* which of the axes runs in lanes */
    int64_t lanes;
    int64_t size[MAX_AXES]; /* results along each axis; of the lane axis: vectors */
    double cycles;
} tile;

typedef struct search {
    weft_rule *r;
    const weft_te_op *op;  /* the reduction */
    int n, axis[MAX_AXES]; /* data axes of the op, inner ones first */
    int64_t extent[MAX_AXES];
    bool known[MAX_AXES];
    double steps, others; /* of the reduction; results along axes that are no candidates */
    int nread;
    weft_read *read;
    weft_walk *walk;          /* of every read, for the lanes at hand */
    bool condition[MAX_AXES]; /* something is conditional on the axis */
    bool guarded;             /* a condition differs from lane to lane */
    int64_t registers;
    tile at, best;
} search;

/* ---- the estimate ---------------------------------------------------------------------------- */

static double
count(const weft_axis *const *axis, int n)
{
    double all = 1;
    for (int i = 0; i < n; i++) {
        int64_t e = weft_rule_extent(axis[i]);
        all *= (double)(e < 0 ? UNKNOWN : e > 0 ? e : 1);
    }
    return all;
}

/* Loads a step of the reduction, lanes that are gathered counting one each; a little more for those
 * along outer axes, whose cache lines are their own. */
static double
loads(const search *s)
{
    double all = 0, branch = 0;
    for (int k = 0; k < s->n; k++)
        branch += s->condition[k] && s->at.size[k] > 1 ? BRANCH : 0;
    for (int i = 0; i < s->nread; i++) {
        double n = 1, apart = 1;
        for (int k = 0; k < s->n; k++) {
            n *= s->read[i].along[s->axis[k]] ? (double)s->at.size[k] : 1;
            apart += s->at.size[k] > 1 ? 0.1 * k : 0;
        }
        double each = s->walk[i] == WEFT_WALK_APART ? 2.0 * (double)s->at.lanes : 1;
        if (s->walk[i] == WEFT_WALK_NEXT && s->steps * n * VECTOR_BYTES > FIRST_CACHE)
            each = STREAMED;
        all += n * apart * (branch + (s->guarded ? each + 4.0 * (double)s->at.lanes : each));
    }
    return all;
}

/* Vectors that stay in registers while a loop over candidate k of the tile runs around the others:
 * what the other axes alone read. */
static double
kept(const search *s, const tile *t, int k)
{
    double all = 0;
    for (int i = 0; i < s->nread; i++) {
        double n = 1;
        if (s->read[i].along[s->axis[k]])
            continue;
        for (int j = 0; j < s->n; j++)
            n *= s->read[i].along[s->axis[j]] ? (double)t->size[j] : 1;
        all += n;
    }
    return all;
}

/* Tiles along an axis, those that overhang weighing more. */
static double
tiles_along(const search *s, int k)
{
    bool in_lanes = k == s->at.lane_axis;
    int64_t size = s->at.size[k] * (in_lanes ? s->at.lanes : 1), whole = s->extent[k] / size,
            left = s->extent[k] % size;
    if (!s->known[k])
        return (double)whole * 1.2;
    if (!left)
        return (double)whole;
    double tail = in_lanes && left % s->at.lanes ? (double)s->at.lanes : 1.5;
    return ((double)whole + tail) * 1.25;
}

/* Whether lanes are neighbours in the result. */
static bool
stores_vectors(const search *s, const tile *t)
{
    for (int d = s->axis[t->lane_axis] + 1; d < s->op->naxis; d++)
        if (!weft_is_int_imm(s->op->axis[d]->extent, 1))
            return false;
    return true;
}

static double
estimate(const search *s)
{
    double results = 1, tiles = s->others,
           cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    for (int k = 0; k < s->n; k++) {
        results *= (double)s->at.size[k];
        tiles *= tiles_along(s, k);
    }
    double arithmetic = (results < LATENCY ? LATENCY : results) / 2, fetch = loads(s) / 2;
    double step = (arithmetic > fetch ? arithmetic : fetch) + 0.2 * fetch + 0.5;
    double store = stores_vectors(s, &s->at) ? 2 : 1.5 * (double)s->at.lanes;
    double rounds = (double)(int64_t)((tiles + cores - 1) / cores) * cores;
    return rounds * (s->steps * step + results * store + 20);
}

/* ---- the search ------------------------------------------------------------------------------ */

static void
try_sizes(search *s, int k, int64_t room)
{
    if (k == s->n) {
        s->at.cycles = estimate(s);
        if (s->best.cycles == 0 || s->at.cycles < s->best.cycles)
            s->best = s->at;
        return;
    }
    int64_t all = s->extent[k];
    if (k == s->at.lane_axis)
        all = weft_ceildiv(all, s->at.lanes);
    for (int64_t n = 1; n <= room && n <= all; n++) {
        s->at.size[k] = n;
        try_sizes(s, k + 1, room / n);
    }
}

static void
try_lanes(search *s, int k, int64_t lanes)
{
    int d = s->axis[k];
    s->at = (tile){ .lane_axis = k, .lanes = lanes };
    s->guarded = lanes > 1 && s->condition[k];
    for (int i = 0; i < s->nread; i++)
        s->walk[i] =
            lanes > 1 ? weft_rule_walk(s->r, s->op, &s->read[i], d, lanes) : WEFT_WALK_SAME;
    try_sizes(s, 0, s->registers);
}

static int64_t
most_lanes(const weft_rule *r, weft_dtype t)
{
    int64_t lanes = r->target->vector_lanes > 0 ? r->target->vector_lanes : 1;
    return weft_dtype_bits(t) > 32 && lanes > 1 ? lanes / 2 : lanes;
}

static bool
find_tile(search *s)
{
    const weft_te_op *op = s->op;
    for (int d = op->naxis; d-- > 0;) {
        int64_t extent = weft_rule_extent(op->axis[d]);
        if (extent == 1 || s->n == MAX_AXES) {
            s->others *= count((const weft_axis *const *)op->axis + d, 1);
            continue;
        }
        s->axis[s->n] = d;
        s->known[s->n] = extent >= 0;
        s->condition[s->n] = weft_rule_guarded_along(s->r, op, d);
        s->extent[s->n++] = extent < 0 ? UNKNOWN : extent;
    }
    for (int k = 0; k < s->n; k++)
        for (int64_t lanes = most_lanes(s->r, op->out[0]->buf->dtype); lanes >= 1; lanes /= 2)
            if (lanes <= s->extent[k])
                try_lanes(s, k, lanes);
    return s->best.cycles > 0;
}

/* ---- the schedule ---------------------------------------------------------------------------- */

/* Leaves in the order they are to run. */
typedef struct loops {
    weft_arena *arena;
    WEFT_VEC(weft_axis *) outer, inner; /* inner: those first that keep little in registers */
    WEFT_VEC(double) kept;              /* of each inner one */
    weft_axis *panel, *lane;            /* of the lane axis: vectors of a tile, lanes */
} loops;

static void
push_outer(loops *l, weft_axis *axis)
{
    if (axis)
        *WEFT_PUSH(l->arena, &l->outer) = axis;
}

static void
push_inner(loops *l, weft_axis *axis, double kept)
{
    int i = l->inner.n;
    *WEFT_PUSH(l->arena, &l->inner) = axis;
    *WEFT_PUSH(l->arena, &l->kept) = kept;
    for (; i > 0 && l->kept.at[i - 1] > kept; i--) {
        l->inner.at[i] = l->inner.at[i - 1];
        l->kept.at[i] = l->kept.at[i - 1];
    }
    l->inner.at[i] = axis;
    l->kept.at[i] = kept;
}

static int
candidate(const search *s, int d)
{
    for (int k = 0; k < s->n; k++)
        if (s->axis[k] == d)
            return k;
    return -1;
}

/* The lane axis as tiles * vectors * lanes; the tiles. */
static weft_axis *
split_lanes(search *s, weft_tensor *t, weft_axis *axis, loops *l)
{
    weft_rule *r = s->r;
    int64_t vectors = s->best.size[s->best.lane_axis];
    weft_axis *rest = axis;
    if (s->best.lanes > 1 &&
        weft_split(r->te, t, axis, weft_rule_num(r, s->best.lanes), &rest, &l->lane))
        return NULL;
    if (vectors > 1) {
        weft_axis *whole = rest;
        if (weft_split(r->te, t, whole, weft_rule_num(r, vectors), &rest, &l->panel))
            return NULL;
    }
    return rest;
}

/* Whether all that lanes read is less than what the other axes read: it is then what is streamed
 * again for every tile. */
static bool
lanes_read_less(const search *s)
{
    double with = 0, without = 0;
    for (int i = 0; i < s->nread; i++) {
        double n = s->steps;
        for (int k = 0; k < s->n; k++)
            n *= s->read[i].along[s->axis[k]] ? (double)s->extent[k] : 1;
        *(s->read[i].along[s->axis[s->best.lane_axis]] ? &with : &without) += n;
    }
    return with < without;
}

/* The tile's loops of a stage, split off its data axes. */
static bool
split_tile(search *s, weft_tensor *t, loops *l)
{
    weft_rule *r = s->r;
    const weft_te_op *op = t->op;
    weft_axis *lanes_outer = NULL;
    bool lanes_last = lanes_read_less(s);
    for (int d = 0; d < op->naxis; d++) {
        int k = candidate(s, d);
        weft_axis *outer = op->axis[d], *inner = NULL;
        if (k >= 0 && k == s->best.lane_axis) {
            outer = split_lanes(s, t, outer, l);
            if (!outer)
                return false;
            lanes_outer = lanes_last ? outer : NULL;
            outer = lanes_last ? NULL : outer;
        } else if (k >= 0 && s->best.size[k] > 1 &&
                   weft_split(r->te, t, op->axis[d], weft_rule_num(r, s->best.size[k]), &outer,
                              &inner)) {
            return false;
        }
        push_outer(l, outer);
        if (inner)
            push_inner(l, inner, kept(s, &s->best, k));
    }
    push_outer(l, lanes_outer);
    return true;
}

/* Runs the tile without loops, the innermost axis in lanes. */
static void
unroll_tile(search *s, weft_tensor *t, const loops *l)
{
    for (int i = 0; i < l->inner.n; i++)
        (void)weft_unroll(s->r->te, t, l->inner.at[i]);
    if (l->panel)
        (void)weft_unroll(s->r->te, t, l->panel);
    if (l->lane)
        (void)weft_vectorize(s->r->te, t, l->lane);
}

/* outer.. middle.. inner.. panel lane, or with the lanes outside of the inner loops. */
static bool
order(search *s, weft_tensor *t, const loops *l, int nmiddle, weft_axis *const *middle,
      bool lanes_outside)
{
    WEFT_VEC(weft_axis *) all = { 0 };
    weft_axis *lanes[2] = { l->panel, l->lane };
    for (int i = 0; i < l->outer.n; i++)
        *WEFT_PUSH(l->arena, &all) = l->outer.at[i];
    for (int i = 0; i < nmiddle; i++)
        *WEFT_PUSH(l->arena, &all) = middle[i];
    for (int i = 0; i < 2; i++)
        if (lanes[i] && lanes_outside)
            *WEFT_PUSH(l->arena, &all) = lanes[i];
    for (int i = 0; i < l->inner.n; i++)
        *WEFT_PUSH(l->arena, &all) = l->inner.at[i];
    for (int i = 0; i < 2; i++)
        if (lanes[i] && !lanes_outside)
            *WEFT_PUSH(l->arena, &all) = lanes[i];
    return !weft_reorder(s->r->te, t, all.n, all.at);
}

static int64_t
chunk_of(const search *s, double tiles)
{
    double work = s->steps, cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    for (int k = 0; k < s->n; k++)
        work *= (double)s->best.size[k];
    double chunk = WORK_OF_A_GROUP / (work * (double)s->best.lanes + 64),
           most = tiles / (4 * cores);
    return (int64_t)(chunk < most ? chunk : most);
}

/* The result: in vectors where its lanes are neighbours, else element by element in loops, which
 * read the tile from memory. */
static bool
schedule_out(search *s, weft_tensor *out, bool in_loops, weft_axis **at)
{
    loops l = { .arena = &s->r->scratch };
    double tiles = s->others;
    for (int k = 0; k < s->n; k++)
        tiles *= (double)s->extent[k] /
                 (double)(s->best.size[k] * (k == s->best.lane_axis ? s->best.lanes : 1));
    if (!split_tile(s, out, &l) || !order(s, out, &l, 0, NULL, in_loops))
        return false;
    weft_axis *all = weft_rule_fuse(s->r, out, l.outer.n, l.outer.at);
    if (!all)
        return false;
    *at = weft_rule_bind_chunks(s->r, out, all, chunk_of(s, tiles));
    if (!in_loops)
        unroll_tile(s, out, &l);
    return *at != NULL;
}

/* A stage whose part for a tile is computed in registers: the sums, or their copy. */
static bool
schedule_part(search *s, weft_tensor *part, weft_tensor *out, weft_axis *at)
{
    loops l = { .arena = &s->r->scratch };
    if (weft_compute_at(s->r->te, part, out, at) || weft_set_scope(s->r->te, part, "local") ||
        !split_tile(s, part, &l) || !order(s, part, &l, part->op->nreduce, part->op->reduce, false))
        return false;
    unroll_tile(s, part, &l);
    return true;
}

static void
say(search *s)
{
    weft_str *note = weft_rule_note(s->r, s->nread > 1 ? "contraction" : "reduction");
    weft_str_addf(note, "%d lanes of %s", (int)s->best.lanes,
                  s->op->axis[s->axis[s->best.lane_axis]]->var->name);
    for (int k = s->n; k-- > 0;)
        if (s->best.size[k] > 1)
            weft_str_addf(note, " x %d %s%s", (int)s->best.size[k],
                          s->op->axis[s->axis[k]]->var->name,
                          k == s->best.lane_axis ? " vectors" : "");
    weft_str_addf(note, " in registers");
}

/* ---- gathered operands ----------------------------------------------------------------------- */

static bool
reads_itself(search *s, const weft_tensor *sum, const weft_tensor *t)
{
    weft_tensor **read;
    const weft_stage *stage = weft_te_stage(s->r->te, t);
    int n = weft_te_reads(s->r->te, sum->op, &s->r->scratch, &read);
    for (int i = 0; i < n; i++)
        if (read[i] == t)
            return !stage || stage->attach != WEFT_AT_INLINE;
    return false;
}

/* Whether the lanes of a read are apart and several results of the tile share them. */
static bool
is_shared_gather(search *s, const weft_read *read)
{
    int lane_axis = s->axis[s->best.lane_axis];
    bool shared = false;
    for (int k = 0; k < s->n; k++) {
        if (k == s->best.lane_axis || s->best.size[k] == 1)
            continue;
        if (read->along[s->axis[k]])
            return false;
        shared = true;
    }
    return shared && s->best.lanes > 1 &&
           weft_rule_walk(s->r, s->op, read, lane_axis, s->best.lanes) == WEFT_WALK_APART;
}

/* The only dimension of the read tensor that the lanes move along; -1 when there is none such. */
static int
gathered_dimension(const search *s, const weft_read *read)
{
    const weft_var *v = s->op->axis[s->axis[s->best.lane_axis]]->var;
    int at = -1;
    for (int i = 0; i < read->load->h.nargs; i++) {
        if (!weft_uses_var(read->load->arg[i], v))
            continue;
        if (at >= 0 || read->load->arg[i]->h.kind != WEFT_EK_VAR)
            return -1;
        at = i;
    }
    return at;
}

/* The operand's lanes for one step of the reduction, gathered once into registers. */
static void
gather(search *s, weft_tensor *sum, weft_tensor *from, int d)
{
    weft_te *te = s->r->te;
    weft_tensor *copy = weft_cache_read(te, from, "local", 1, &sum);
    if (!copy || weft_compute_at(te, copy, sum, sum->op->reduce[sum->op->nreduce - 1]))
        return;
    weft_axis **order = WEFT_NEW_ARRAY(&s->r->scratch, copy->op->naxis + 2, weft_axis *), *vector,
              *lane;
    int n = 0;
    if (weft_split(te, copy, copy->op->axis[d], weft_rule_num(s->r, s->best.lanes), &vector, &lane))
        return;
    for (int i = 0; i < copy->op->naxis; i++)
        order[n++] = i == d ? vector : copy->op->axis[i];
    order[n++] = lane;
    if (weft_reorder(te, copy, n, order))
        return;
    if (s->best.size[s->best.lane_axis] > 1)
        (void)weft_unroll(te, copy, vector);
    (void)weft_vectorize(te, copy, lane);
}

static void
gather_operands(search *s, weft_tensor *sum)
{
    weft_read *read;
    int n = weft_rule_reads(s->r, s->op, &read);
    for (int i = 0; i < n; i++) {
        weft_tensor *t = weft_te_tensor_of(s->r->te, read[i].load->h.u.buf);
        int d = gathered_dimension(s, &read[i]);
        if (n == 2 && read[0].load->h.u.buf == read[1].load->h.u.buf)
            return; /* one tensor, read in two ways */
        if (t && d >= 0 && is_shared_gather(s, &read[i]) && reads_itself(s, sum, t)) {
            gather(s, sum, t, d);
            return;
        }
    }
}

/* Whether results are stored element by element from a copy of the tile in memory: many stores of
 * single lanes make a program that takes a compiler long. */
static bool
leaves_through_memory(const search *s)
{
    int64_t vectors = 1;
    for (int k = 0; k < s->n; k++)
        vectors *= s->best.size[k];
    return s->best.lanes > 1 && vectors > 1 && !stores_vectors(s, &s->best);
}

/* ---- results one by one ---------------------------------------------------------------------- */

/* Whether a result takes few steps, all of them known, and nothing runs in lanes: a compiler makes
 * vectors of the plain loop over the innermost axis, and gathers better than lanes one by one. */
static bool
is_plain_loop(const search *s)
{
    int64_t steps = weft_rule_count(s->op->reduce, 0, s->op->nreduce);
    return s->best.lanes == 1 && steps > 0 && steps <= FEW_STEPS && !s->condition[0];
}

static void
schedule_plain(search *s, weft_tensor *sum, weft_tensor *out)
{
    weft_te *te = s->r->te;
    int inner = s->axis[0];
    weft_axis **axis = WEFT_NEW_ARRAY(&s->r->scratch, out->op->naxis + 1, weft_axis *);
    double rows = s->others, work = s->steps * (double)s->extent[0];
    int n = 0;
    for (int d = 0; d < out->op->naxis; d++)
        if (d != inner)
            axis[n++] = out->op->axis[d];
    for (int k = 1; k < s->n; k++)
        rows *= (double)s->extent[k];
    axis[n] = out->op->axis[inner];
    weft_axis *loop = axis[n];
    if (weft_reorder(te, out, n + 1, axis))
        return;
    weft_axis *all = weft_rule_fuse(s->r, out, n, axis);
    double cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    double chunk = WORK_OF_A_GROUP / (work + 64), most = rows / (4 * cores);
    if (all)
        (void)weft_rule_bind_chunks(s->r, out, all, (int64_t)(chunk < most ? chunk : most));
    if (weft_compute_at(te, sum, out, loop) || weft_set_scope(te, sum, "local"))
        return;
    for (int i = 0; i < sum->op->nreduce; i++)
        (void)weft_unroll(te, sum, sum->op->reduce[i]);
}

bool
weft_rule_vector_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    search s = { .r = r, .op = reduce->op, .others = 1 };
    if (reduce->op->nout != 1)
        return false;
    s.steps = count((const weft_axis *const *)reduce->op->reduce, reduce->op->nreduce);
    s.nread = weft_rule_reads(r, reduce->op, &s.read);
    s.walk = WEFT_NEW_ARRAY(&r->scratch, s.nread + 1, weft_walk);
    s.registers = (r->target->registers > 8 ? r->target->registers : 16) - SPARE_REGISTERS;
    if (!find_tile(&s))
        return false;
    bool plain = is_plain_loop(&s);
    if (plain)
        weft_str_addf(weft_rule_note(r, "reduction"), "a loop over %s",
                      reduce->op->axis[s.axis[0]]->var->name);
    else
        say(&s);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    if (!sum)
        return false;
    if (plain) {
        schedule_plain(&s, sum, result);
        return true;
    }
    weft_axis *at;
    weft_tensor *copy = NULL;
    s.op = sum->op;
    if (leaves_through_memory(&s)) {
        copy = weft_cache_read(r->te, sum, "local", 0, NULL);
        if (!copy)
            return true;
    }
    if (schedule_out(&s, result, copy != NULL, &at) && schedule_part(&s, sum, result, at) && copy)
        (void)schedule_part(&s, copy, result, at);
    gather_operands(&s, sum);
    return true;
}
