/* te/rules/vector_cpu.c: reductions on CPUs that take vectors, by register tiles.
 *
 * One data axis runs in lanes; a tile of results along it and along other axes is accumulated in
 * vector registers while the reduction runs around it.  vector_search.c chooses the tile,
 * vector_order.c the loops around it. */
#include "rules/vector.h"

enum {
    FEW_STEPS = 32,         /* of a reduction that is written out */
    WORK_OF_A_GROUP = 32768 /* multiply-adds: some microseconds, against one for the group itself */
};

/* ---- the schedule ---------------------------------------------------------------------------- */

/* Leaves in the order they are to run. */
typedef struct loops {
    weft_arena *arena;
    WEFT_VEC(weft_axis *) outer, inner; /* inner: those first that keep little in registers */
    WEFT_VEC(double) kept;              /* of each inner one */
    int nlead;                          /* of outer, the first ones */
    weft_axis *panel, *lane;            /* of the lane axis: vectors of a tile, lanes */
    WEFT_VEC(weft_axis *) middle;       /* reduce axes around the tile */
    weft_axis *window;                  /* the one that is written out inside it; NULL */
} loops;

static void
push_outer(loops *l, weft_axis *axis)
{
    *WEFT_PUSH(l->arena, &l->outer) = axis;
}

static void
push_inner(loops *l, weft_axis *axis, double much)
{
    int i = l->inner.n;
    *WEFT_PUSH(l->arena, &l->inner) = axis;
    *WEFT_PUSH(l->arena, &l->kept) = much;
    for (; i > 0 && l->kept.at[i - 1] > much; i--) {
        l->inner.at[i] = l->inner.at[i - 1];
        l->kept.at[i] = l->kept.at[i - 1];
    }
    l->inner.at[i] = axis;
    l->kept.at[i] = much;
}

/* The lane axis as tiles * vectors * lanes; the tiles. */
static weft_axis *
split_lanes(vector_search *s, weft_tensor *t, weft_axis *axis, loops *l)
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

/* The tiles of a data axis; what is inside goes to the loops. */
static weft_axis *
split_axis(vector_search *s, weft_tensor *t, int d, loops *l)
{
    int k = weft_vector_candidate(s, d);
    weft_axis *outer = t->op->axis[d], *inner = NULL;
    if (k >= 0 && k == s->best.lane_axis)
        return split_lanes(s, t, outer, l);
    if (k >= 0 && s->best.size[k] > 1 &&
        weft_split(s->r->te, t, outer, weft_rule_num(s->r, s->best.size[k]), &outer, &inner))
        return NULL;
    if (inner)
        push_inner(l, inner, weft_vector_kept(s, &s->best, k));
    return outer;
}

/* The tile's loops of a stage, split off its data axes; the tiles in their order. */
static bool
split_tile(vector_search *s, const vector_order *o, weft_tensor *t, loops *l)
{
    int n = t->op->naxis;
    weft_axis **tiles = WEFT_NEW_ARRAY(l->arena, n + 1, weft_axis *);
    for (int d = 0; d < n; d++)
        if (!(tiles[d] = split_axis(s, t, d, l)))
            return false;
    for (int d = 0; d < n; d++)
        if (o->lead && o->lead[d])
            push_outer(l, tiles[d]);
    l->nlead = l->outer.n;
    for (int d = 0; d < n; d++)
        if (o->lead ? !o->lead[d] : !o->last || !o->last[d])
            push_outer(l, tiles[d]);
    for (int d = 0; d < n; d++)
        if (!o->lead && o->last && o->last[d])
            push_outer(l, tiles[d]);
    return true;
}

/* Runs the tile without loops, the innermost axis in lanes. */
static void
unroll_tile(vector_search *s, weft_tensor *t, const loops *l)
{
    for (int i = 0; i < l->inner.n; i++)
        (void)weft_unroll(s->r->te, t, l->inner.at[i]);
    if (l->panel)
        (void)weft_unroll(s->r->te, t, l->panel);
    if (l->window)
        (void)weft_unroll(s->r->te, t, l->window);
    if (l->lane)
        (void)weft_vectorize(s->r->te, t, l->lane);
}

/* outer.. middle.. inner.. panel window lane, or with the lanes outside of the inner loops. */
static bool
order(vector_search *s, weft_tensor *t, const loops *l, bool lanes_outside)
{
    WEFT_VEC(weft_axis *) all = { 0 };
    weft_axis *lanes[3] = { l->panel, l->window, l->lane };
    for (int i = 0; i < l->outer.n; i++)
        *WEFT_PUSH(l->arena, &all) = l->outer.at[i];
    for (int i = 0; i < l->middle.n; i++)
        *WEFT_PUSH(l->arena, &all) = l->middle.at[i];
    for (int i = 0; i < 3; i++)
        if (lanes[i] && lanes_outside)
            *WEFT_PUSH(l->arena, &all) = lanes[i];
    for (int i = 0; i < l->inner.n; i++)
        *WEFT_PUSH(l->arena, &all) = l->inner.at[i];
    for (int i = 0; i < 3; i++)
        if (lanes[i] && !lanes_outside)
            *WEFT_PUSH(l->arena, &all) = lanes[i];
    return !weft_reorder(s->r->te, t, all.n, all.at);
}

/* The reduce axes of a stage, if it has any: around the tile, or a window's inside it. */
static void
place_reduction(const vector_search *s, const weft_tensor *t, loops *l)
{
    const vector_window *w = s->best.window;
    for (int i = 0; i < t->op->nreduce; i++)
        if (w && w->reduce == i)
            l->window = t->op->reduce[i];
        else
            *WEFT_PUSH(l->arena, &l->middle) = t->op->reduce[i];
}

static int64_t
chunk_of(const vector_search *s, double tiles)
{
    double work = s->steps, cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    for (int k = 0; k < s->n; k++)
        work *= (double)s->best.size[k];
    double chunk = WORK_OF_A_GROUP / (work * (double)s->best.lanes + 64),
           most = tiles / (4 * cores);
    return (int64_t)(chunk < most ? chunk : most);
}

/* The tiles over work-groups: `group` is the loop of the groups, `at` that of their tiles. */
static void
bind_tiles(vector_search *s, const vector_order *o, weft_tensor *out, const loops *l,
           weft_axis **group, weft_axis **at)
{
    double tiles = s->others;
    for (int k = 0; k < s->n; k++)
        tiles *= (double)s->extent[k] /
                 (double)(s->best.size[k] * (k == s->best.lane_axis ? s->best.lanes : 1));
    weft_axis *all = weft_rule_fuse(s->r, out, l->outer.n, l->outer.at);
    *group = *at = all ? weft_rule_bind_chunks(s->r, out, all, chunk_of(s, tiles)) : NULL;
    (void)o;
}

/* The same where sweeps go through panels: groups are parts of sweeps, of one panel or of
 * several that take turns. */
static void
bind_sweeps(vector_search *s, const vector_order *o, weft_tensor *out, const loops *l,
            weft_axis **group, weft_axis **at)
{
    weft_axis *panel = weft_rule_fuse(s->r, out, l->nlead, l->outer.at),
              *sweep = weft_rule_fuse(s->r, out, l->outer.n - l->nlead, l->outer.at + l->nlead),
              *part = NULL, *turn = NULL;
    int64_t n = sweep ? weft_rule_extent(sweep) : 1, least = o->pack ? WEFT_PACK_TILES : 1;
    *group = *at = NULL;
    if (!panel || !sweep)
        return;
    if (o->turns > 1 && weft_rule_extent(panel) % o->turns == 0 &&
        (weft_split(s->r->te, out, panel, weft_rule_num(s->r, o->turns), &panel, &turn) ||
         weft_reorder(s->r->te, out, 2, (weft_axis *[]){ sweep, turn })))
        return;
    if ((n < 0 || o->tiles < n) &&
        (weft_split(s->r->te, out, sweep,
                    weft_rule_num(s->r, weft_rule_chunk(s->r, sweep, least, o->tiles)), &part,
                    &sweep) ||
         weft_fuse(s->r->te, out, panel, part, &panel)))
        return;
    *group = weft_rule_bind_chunks(s->r, out, panel, o->border ? o->planes : 1);
    *at = turn ? turn : sweep;
}

/* The result: in vectors where its lanes are neighbours, else element by element in loops, which
 * read the tile from memory. */
static bool
schedule_out(vector_search *s, const vector_order *o, weft_tensor *out, bool in_loops,
             weft_axis **group, weft_axis **at)
{
    loops l = { .arena = &s->r->scratch };
    if (!split_tile(s, o, out, &l) || !order(s, out, &l, in_loops))
        return false;
    (o->lead ? bind_sweeps : bind_tiles)(s, o, out, &l, group, at);
    if (!in_loops)
        unroll_tile(s, out, &l);
    return *at != NULL;
}

/* A stage whose part for a tile is computed in registers: the sums, or their copy. */
static bool
schedule_part(vector_search *s, const vector_order *o, weft_tensor *part, weft_tensor *out,
              weft_axis *at)
{
    loops l = { .arena = &s->r->scratch };
    if (weft_compute_at(s->r->te, part, out, at) || weft_set_scope(s->r->te, part, "local") ||
        !split_tile(s, o, part, &l))
        return false;
    place_reduction(s, part, &l);
    if (!order(s, part, &l, false))
        return false;
    unroll_tile(s, part, &l);
    return true;
}

static void
say(const vector_search *s, const vector_order *o)
{
    weft_str *note = weft_rule_note(s->r, s->nread > 1 ? "contraction" : "reduction");
    weft_str_addf(note, "%d lanes of %s", (int)s->best.lanes,
                  s->op->axis[s->axis[s->best.lane_axis]]->var->name);
    for (int k = s->n; k-- > 0;)
        if (s->best.size[k] > 1)
            weft_str_addf(note, " x %d %s%s", (int)s->best.size[k],
                          s->op->axis[s->axis[k]]->var->name,
                          k == s->best.lane_axis ? " vectors" : "");
    if (s->best.window)
        weft_str_addf(note, " x window %s", s->op->reduce[s->best.window->reduce]->var->name);
    weft_str_addf(note, " in registers%s", o->lead && !o->border ? ", panels outside" : "");
    if (o->lead && o->turns > 1)
        weft_str_addf(note, ", %d in turns", (int)o->turns);
    weft_str_add(note, o->pack ? " and copied together" : "");
    weft_str_add(note, o->border ? ", planes with borders" : "");
}

/* Whether results are stored element by element from a copy of the tile in memory: many stores of
 * single lanes make a program that takes a compiler long. */
static bool
leaves_through_memory(const vector_search *s)
{
    int64_t vectors = 1;
    for (int k = 0; k < s->n; k++)
        vectors *= s->best.size[k];
    return s->best.lanes > 1 && vectors > 1 && !weft_vector_stores(s, &s->best);
}

/* ---- results one by one ---------------------------------------------------------------------- */

/* Whether a result takes few steps, all of them known, and nothing runs in lanes: a compiler makes
 * vectors of the plain loop over the innermost axis, and gathers better than lanes one by one. */
static bool
is_plain_loop(const vector_search *s)
{
    int64_t steps = weft_rule_count(s->op->reduce, 0, s->op->nreduce);
    return s->best.lanes == 1 && steps > 0 && steps <= FEW_STEPS && !s->condition[0];
}

/* Results of a row one by one; false after an error. */
static bool
sum_in_loop(vector_search *s, weft_tensor *sum, weft_tensor *out, weft_axis *loop)
{
    weft_te *te = s->r->te;
    if (weft_compute_at(te, sum, out, loop) || weft_set_scope(te, sum, "local"))
        return false;
    for (int i = 0; i < sum->op->nreduce; i++)
        (void)weft_unroll(te, sum, sum->op->reduce[i]);
    return true;
}

/* Rows that work-groups take: some microseconds of them, and every core some. */
static int64_t
rows_of_group(const vector_search *s)
{
    double rows = s->others, work = s->steps * (double)s->extent[0],
           cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    for (int k = 1; k < s->n; k++)
        rows *= (double)s->extent[k];
    double chunk = WORK_OF_A_GROUP / (work + 64), most = rows / (4 * cores);
    return (int64_t)(chunk < most ? chunk : most);
}

/* Axes of the planes, if any, then the others, the innermost last. */
static bool
order_plain(vector_search *s, const vector_order *o, weft_tensor *out, weft_axis **axis, int *nlead)
{
    int inner = s->axis[0], n = 0;
    for (int d = 0; o->border && d < out->op->naxis; d++)
        if (o->lead[d])
            axis[n++] = out->op->axis[d];
    *nlead = n;
    for (int d = 0; d < out->op->naxis; d++)
        if (d != inner && !(o->border && o->lead[d]))
            axis[n++] = out->op->axis[d];
    axis[n] = out->op->axis[inner];
    return !weft_reorder(s->r->te, out, n + 1, axis);
}

static void
schedule_plain(vector_search *s, const vector_order *o, weft_tensor *sum, weft_tensor *out)
{
    weft_axis **axis = WEFT_NEW_ARRAY(&s->r->scratch, out->op->naxis + 1, weft_axis *), *at = NULL;
    int nlead, last = out->op->naxis - 1;
    if (!order_plain(s, o, out, axis, &nlead))
        return;
    weft_axis *all = weft_rule_fuse(s->r, out, o->border ? nlead : last, axis);
    if (all)
        at = weft_rule_bind_chunks(s->r, out, all, o->border ? o->planes : rows_of_group(s));
    if (sum_in_loop(s, sum, out, axis[last]) && at && o->border)
        weft_vector_copy_border(s, o->border, out, at);
}

/* The reduction as a kernel of tiles or rows, or with `out`; false, and nothing done, when it has
 * no results to share anything. */
static bool
schedule_reduction(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    vector_search s = { .r = r, .op = reduce->op, .others = 1 };
    if (reduce->op->nout != 1)
        return (weft_vector_has_rows(r, reduce->op) && weft_vector_rows(r, reduce, out)) ||
               weft_vector_columns(r, reduce);
    s.steps = weft_vector_count((const weft_axis *const *)reduce->op->reduce, reduce->op->nreduce);
    s.nread = weft_rule_reads(r, reduce->op, &s.read);
    s.walk = WEFT_NEW_ARRAY(&r->scratch, s.nread + 1, weft_walk);
    s.registers = (r->target->registers > 8 ? r->target->registers : 16);
    s.may_turn = weft_te_is_as_written(r->te, reduce);
    bool found = weft_vector_find(&s);
    if (weft_vector_has_rows(r, reduce->op) &&
        (!found || weft_vector_rows_cycles(r, reduce->op) * weft_vector_unsure(&s, &s.best) <
                       s.best.cycles) &&
        weft_vector_rows(r, reduce, out))
        return true;
    if (!found)
        return false;
    if (s.best.turned >= 0 && !weft_vector_turn(&s, reduce))
        return true;
    vector_order o = weft_vector_order(&s);
    bool plain = is_plain_loop(&s);
    if (plain)
        weft_str_addf(weft_rule_note(r, "reduction"), "a loop over %s%s",
                      reduce->op->axis[s.axis[0]]->var->name,
                      o.border ? ", planes with borders" : "");
    else
        say(&s, &o);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    if (!sum)
        return false;
    if (plain) {
        schedule_plain(&s, &o, sum, result);
        return true;
    }
    weft_axis *group, *at;
    weft_tensor *copy = NULL;
    s.op = sum->op;
    if (leaves_through_memory(&s)) {
        copy = weft_cache_read(r->te, sum, "local", 0, NULL);
        if (!copy)
            return true;
    }
    bool ok = schedule_out(&s, &o, result, copy != NULL, &group, &at) &&
              schedule_part(&s, &o, sum, result, at);
    if (ok && copy)
        ok = schedule_part(&s, &o, copy, result, at);
    if (ok && o.border)
        weft_vector_copy_border(&s, o.border, result, group);
    if (ok && o.pack)
        weft_vector_pack(&s, &o, sum, result, group);
    else if (ok)
        weft_vector_gather(&s, sum);
    return true;
}

bool
weft_rule_vector_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_stage *parts = weft_vector_parts(r, reduce);
    if (parts && !schedule_reduction(r, parts, parts))
        return false;
    return schedule_reduction(r, reduce, out);
}
