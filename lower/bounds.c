/* Bounds inference: the range of every axis and, for a stage computed inside another, the region of
 * it that one iteration of the loop around needs.
 *
 * Consumers come first.  What a stage must hold is the union over all reads of it of the least and
 * greatest index while the relaxed loops run: those inside the attach point, and block and thread
 * axes whose threads share the stage's memory (`scope.rank <= thread.rank`; cooperative fetch). */
#include "lower/priv.h"

/* The loops whose variables run over their whole range in a request. */
typedef struct relaxed {
    int n;
    const weft_var **var;
    weft_interval *range;
} relaxed;

static void
relax(const weft_plan *p, relaxed *r, const weft_var *var, const weft_expr *extent)
{
    const weft_expr *zero = weft_int(p->ir, (weft_dtype)extent->h.type.dtype, 0);
    const weft_expr *one = weft_int(p->ir, (weft_dtype)extent->h.type.dtype, 1);
    weft_facts_extent(p->facts, var, extent);
    r->var[r->n] = var;
    r->range[r->n++] = (weft_interval){ zero, weft_ix(p->ir, WEFT_EK_SUB, extent, one) };
}

/* Leaves first..last of a site that have a loop of their own. */
static void
relax_leaves(const weft_plan *p, relaxed *r, const weft_site *s, int first, int last)
{
    for (int i = first; i <= last; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        if (s->loop[leaf->id])
            relax(p, r, s->loop[leaf->id], s->extent[leaf->id]);
    }
}

/* Virtual threads are threads of a block: what they share holds what any of them needs. */
static void
relax_virtual(const weft_plan *p, relaxed *r, const weft_site *s)
{
    for (const weft_site *c = s; c->parent; c = c->parent)
        for (int i = 0; i <= c->at; i++)
            if (c->parent->stage->leaf.at[i]->bind == WEFT_VTHREAD)
                relax_leaves(p, r, c->parent, i, i);
}

static void
fix_leaves(const weft_plan *p, const weft_site *s, int last)
{
    for (int i = 0; i <= last; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        if (s->loop[leaf->id])
            weft_facts_extent(p->facts, s->loop[leaf->id], s->extent[leaf->id]);
    }
}

/* Whether all threads (blocks) of the axis share memory of that space. */
static bool
shares(weft_space space, weft_bind bind)
{
    return weft_is_block(bind) ? space == WEFT_GLOBAL : space <= WEFT_SHARED;
}

static void
relax_bound(const weft_plan *p, relaxed *r, const weft_site *s)
{
    const weft_cluster *g = s->cluster;
    for (int b = 0; b < WEFT_BIND_COUNT; b++) {
        if (!g->var[b] ||
            !g->extent[b]) /* no extent: bound by stages further up alone, not in these indices */
            continue;
        if (shares(s->space, (weft_bind)b) || weft_site_reduces_over(s, (weft_bind)b))
            relax(p, r, g->var[b], g->extent[b]);
        else
            weft_facts_extent(p->facts, g->var[b], g->extent[b]);
    }
}

/* The loops between the attach point of s and a reader's statement; false when the reader is not
 * inside the attach point. */
static bool
relax_path(const weft_plan *p, relaxed *r, const weft_site *s, const weft_site *reader)
{
    int last = reader->stage->leaf.n - 1;
    for (; reader; last = reader->at, reader = reader->parent) {
        if (reader == s->parent) {
            relax_leaves(p, r, reader, s->at + 1, last);
            return last >= s->at;
        }
        relax_leaves(p, r, reader, 0, last);
    }
    return false;
}

/* ---- requests -------------------------------------------------------------------------------- */

typedef struct request {
    const weft_plan *p;
    const weft_site *site, *reader;
    const relaxed *relaxed;
    const weft_var **axis_var; /* the reader's axes and their indices over its loops */
    const weft_expr **axis_value;
    const weft_expr *guard; /* under which the reader reads; NULL: always */
    weft_interval *region; /* a dimension: what was asked so far */
    bool any;
} request;

static const weft_expr *
join(const weft_plan *p, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    if (!a || !b || a == b)
        return a && b ? a : NULL;
    bool least = op == WEFT_EK_MIN;
    if (weft_prove(p->ir, p->facts, weft_le(p->ir, a, b)))
        return least ? a : b;
    if (weft_prove(p->ir, p->facts, weft_le(p->ir, b, a)))
        return least ? b : a;
    return weft_binary(p->ir, op, a, b);
}

/* An index where the reader reads: quotients and remainders of axes that are
 * split are parts of them. */
static const weft_expr *
simplified_within(const request *q, const weft_expr *index)
{
    const weft_plan *p = q->p;
    int mark = weft_facts_mark(p->facts);
    if (q->guard)
        weft_facts_assume(p->facts, q->guard);
    index = weft_simplify_expr(p->ir, p->facts, index);
    weft_facts_pop(p->facts, mark);
    return index;
}

static void
ask(request *q, int d, const weft_expr *index)
{
    const weft_plan *p = q->p;
    int n = q->reader->op->naxis + q->reader->op->nreduce;
    const weft_axis *axis = q->site->op->axis[d];
    index = weft_subst_expr(p->ir, index, n, q->axis_var, q->axis_value);
    index = weft_ix_cast(p->ir, (weft_dtype)axis->var->type.dtype, index);
    index = simplified_within(q, index);
    weft_interval i = weft_eval_interval(p->ir, p->facts, index, q->relaxed->n, q->relaxed->var,
                                         q->relaxed->range);
    weft_interval *to = &q->region[d];
    i.lo = i.lo ? weft_simplify_expr(p->ir, p->facts, i.lo) : NULL;
    i.hi = i.hi ? weft_simplify_expr(p->ir, p->facts, i.hi) : NULL;
    *to = q->any ? (weft_interval){ join(p, WEFT_EK_MIN, to->lo, i.lo),
                                    join(p, WEFT_EK_MAX, to->hi, i.hi) }
                 : i;
}

static bool
ask_load(void *user, const weft_expr *e)
{
    request *q = user;
    if (e->h.kind != WEFT_EK_LOAD)
        return true;
    const weft_tensor *t = weft_te_tensor_of(q->p->te, e->h.u.buf);
    if (!t || t->op != q->site->op)
        return true;
    for (int d = 0; d < e->h.nargs; d++)
        ask(q, d, e->arg[d]);
    q->any = true;
    return true;
}

/* The reader's axes as indices over its loops. */
static void
name_axes(request *q, const weft_site *reader)
{
    const weft_plan *p = q->p;
    int n = reader->op->naxis + reader->op->nreduce;
    q->reader = reader;
    q->axis_var = WEFT_NEW_ARRAY(p->arena, n, const weft_var *);
    q->axis_value = WEFT_NEW_ARRAY(p->arena, n, const weft_expr *);
    for (int d = 0; d < n; d++) {
        q->axis_var[d] = weft_site_axis(reader, d)->var;
        q->axis_value[d] = weft_site_absolute(p, reader, reader->value, d);
    }
}

static void
ask_bodies(request *q)
{
    weft_walker w = { .expr = ask_load, .user = q };
    for (int k = 0; q->reader->body && k < q->reader->op->nout; k++) /* an extern has none */
        weft_walk_expr(&w, q->reader->body[k]);
    for (int k = 0; q->reader->first && k < q->reader->op->nout; k++)
        weft_walk_expr(&w, q->reader->first[k]);
    if (q->reader->cond)
        weft_walk_expr(&w, q->reader->cond);
}

static relaxed
relaxed_none(const weft_plan *p)
{
    int cap = p->te->naxis + WEFT_BIND_COUNT;
    return (relaxed){ .var = WEFT_NEW_ARRAY(p->arena, cap, const weft_var *),
                      .range = WEFT_NEW_ARRAY(p->arena, cap, weft_interval) };
}

static bool
look_for_load(void *user, const weft_expr *e)
{
    request *q = user;
    const weft_tensor *t =
        e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(q->p->te, e->h.u.buf) : NULL;
    q->any = q->any || (t && t->op == q->site->op);
    return !q->any;
}

/* Whether a scan's first values, which are none of its reduction's, need
 * what is computed within. */
static bool
starts_outside(const request *q, const weft_site *reader)
{
    request of = { .p = q->p, .site = q->site };
    bool within = false;
    for (int i = 0; reader == q->site->parent && i <= q->site->at; i++)
        within = within || reader->stage->leaf.at[i]->kind == WEFT_AXIS_REDUCE;
    for (int k = 0; within && reader->first && k < reader->op->nout; k++)
        weft_walk_expr(&(weft_walker){ .expr = look_for_load, .user = &of }, reader->first[k]);
    return of.any;
}

/* Adds what one reader needs. */
static weft_status
ask_reader(request *q, const weft_site *reader)
{
    const weft_plan *p = q->p;
    const weft_site *s = q->site;
    relaxed r = relaxed_none(p);
    int mark = weft_facts_mark(p->facts);
    for (const weft_site *c = s; c->parent; c = c->parent)
        fix_leaves(p, c->parent, c->at);
    relax_bound(p, &r, s);
    if (shares(s->space, WEFT_VTHREAD))
        relax_virtual(p, &r, s);
    bool inside = reader->cluster == s->cluster && relax_path(p, &r, s, reader) &&
                  !starts_outside(q, reader);
    name_axes(q, reader);
    q->relaxed = &r;
    q->guard = reader->whole || reader->padded || reader->stage->tensor_axis
                   ? NULL /* it reads beyond the edge */
                   : weft_site_guard(p, reader, reader->value, false);
    ask_bodies(q);
    weft_facts_pop(p->facts, mark);
    if (inside)
        return WEFT_OK;
    return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                     "stage '%s' is computed at axis '%s' of '%s', but '%s' reads it outside of "
                     "that loop; attach it "
                     "further out, or use compute_root",
                     s->name, weft_axis_label(p->te, s->stage->attach_axis), s->parent->name,
                     reader->name);
}

/* ---- regions --------------------------------------------------------------------------------- */

static bool
proves(const weft_plan *p, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    return weft_prove(p->ir, p->facts, weft_binary(p->ir, op, a, b));
}

/* An end that is beyond the tensor moves to its edge, if the other end is proven to be on its side:
 * an interval stays one. */
static weft_interval
clip(const weft_plan *p, weft_interval i, const weft_expr *size)
{
    const weft_expr *zero = weft_int(p->ir, (weft_dtype)size->h.type.dtype, 0);
    const weft_expr *last =
        weft_ix(p->ir, WEFT_EK_SUB, size, weft_int(p->ir, (weft_dtype)size->h.type.dtype, 1));
    weft_interval whole = { zero, last };
    if (!i.lo || !i.hi)
        return whole;
    bool below = proves(p, WEFT_EK_LE, i.lo, zero), above = proves(p, WEFT_EK_GE, i.hi, last);
    if (below && above)
        return whole;
    if (below && proves(p, WEFT_EK_GE, i.hi, zero))
        i.lo = zero;
    if (above && proves(p, WEFT_EK_LE, i.lo, last))
        i.hi = last;
    return i;
}

/* Extent of a region that is free of loop variables; NULL where none is found.  What loops without
 * iterations ask for is nothing. */
static const weft_expr *
fixed_extent(const weft_plan *p, const weft_site *s, const weft_expr *extent)
{
    int64_t v, lo, hi;
    weft_dtype t = (weft_dtype)extent->h.type.dtype;
    if (weft_as_int(extent, &v))
        return v < 0 ? weft_int(p->ir, t, 0) : extent;
    if (weft_bounds(p->ir, p->facts, extent, &lo, &hi) && hi >= 0 && hi < weft_dtype_max(t))
        return weft_int(p->ir, t, hi);
    relaxed r = relaxed_none(p);
    for (const weft_site *c = s; c->parent; c = c->parent)
        relax_leaves(p, &r, c->parent, 0, c->at);
    for (int b = 0; b < WEFT_BIND_COUNT; b++)
        if (s->cluster->var[b] && s->cluster->extent[b])
            relax(p, &r, s->cluster->var[b], s->cluster->extent[b]);
    return weft_eval_interval(p->ir, p->facts, extent, r.n, r.var, r.range).hi;
}

static weft_status set_region(const weft_plan *, weft_site *, int d, weft_interval asked);

/* Whole tiles from the first element that is asked for, beyond the edge where it must be. */
static weft_status
set_tiles(const weft_plan *p, weft_site *s, int d, weft_interval asked)
{
    const weft_axis *axis = s->op->axis[d];
    weft_dtype t = (weft_dtype)axis->extent->h.type.dtype;
    int64_t n;
    weft_interval i = asked.lo && asked.hi ? asked : clip(p, asked, axis->extent);
    const weft_expr *extent =
        weft_ix(p->ir, WEFT_EK_ADD, weft_ix(p->ir, WEFT_EK_SUB, i.hi, i.lo), weft_int(p->ir, t, 1));
    extent = fixed_extent(p, s, weft_simplify_expr(p->ir, p->facts, extent));
    bool known = asked.lo && asked.hi && extent && weft_as_int(extent, &n);
    if (!known && s->whole) {
        s->whole = false;
        s->step[d] = 0;
        return set_region(p, s, d, asked);
    }
    if (!extent || !weft_as_int(extent, &n))
        return weft_fail(
            p->diag, WEFT_UNSUPPORTED,
            "stage '%s' in %s memory is held in tiles, but how much of its axis '%s' one iteration "
            "of '%s' needs is not known; compute it at an inner loop",
            s->name, weft_space_name(s->space), axis->var->name,
            weft_axis_label(p->te, s->stage->attach_axis));
    s->min[d] = i.lo;
    s->extent[axis->id] = weft_int(p->ir, t, weft_round_up(n, s->step[d]));
    return WEFT_OK;
}

/* An extent that may be negative where symbols are 0, which bounds do not ask, is nothing there. */
static const weft_expr *
not_negative(const weft_plan *p, const weft_expr *extent)
{
    const weft_expr *zero = weft_int(p->ir, (weft_dtype)extent->h.type.dtype, 0);
    bool fits = weft_prove(p->ir, p->sizes, weft_ge(p->ir, extent, zero));
    return fits ? extent : weft_binary(p->ir, WEFT_EK_MAX, extent, zero);
}

static weft_status
set_region(const weft_plan *p, weft_site *s, int d, weft_interval asked)
{
    const weft_axis *axis = s->op->axis[d];
    const weft_expr *size = axis->extent, *one = weft_int(p->ir, (weft_dtype)size->h.type.dtype, 1);
    if (s->step && s->step[d])
        return set_tiles(p, s, d, asked);
    weft_interval i = clip(p, asked, size);
    const weft_expr *extent =
        weft_ix(p->ir, WEFT_EK_ADD, weft_ix(p->ir, WEFT_EK_SUB, i.hi, i.lo), one);
    extent = fixed_extent(p, s, weft_simplify_expr(p->ir, p->facts, extent));
    int64_t n = 0, whole = 0;
    bool constant = weft_as_int(extent, &n), known = weft_as_int(size, &whole);
    if (!extent || (known && (!constant || n >= whole))) {
        extent = size;
        i.lo = weft_int(p->ir, (weft_dtype)size->h.type.dtype, 0);
        constant = known;
    }
    if (!constant && s->space != WEFT_GLOBAL)
        return weft_fail(
            p->diag, WEFT_UNSUPPORTED,
            "stage '%s' in %s memory needs a constant size, but how much of its axis '%s' one "
            "iteration of "
            "'%s' needs is not known; compute it at an inner loop, or use compute_root",
            s->name, weft_space_name(s->space), axis->var->name,
            weft_axis_label(p->te, s->stage->attach_axis));
    s->min[d] = i.lo;
    s->extent[axis->id] = constant ? extent : not_negative(p, extent);
    return WEFT_OK;
}

static bool
reads(const weft_plan *p, const weft_site *reader, const weft_site *s)
{
    for (int i = 0; i < reader->nread; i++)
        if (weft_plan_site(p, reader->read[i]) == s)
            return true;
    return false;
}

static weft_status
attached_region(const weft_plan *p, weft_site *s)
{
    request q = { .p = p,
                  .site = s,
                  .region = WEFT_NEW_ARRAY(p->arena, s->op->naxis + 1, weft_interval) };
    for (int i = s->place + 1; i < p->nsite; i++) {
        const weft_site *reader = &p->site[i];
        if (!reader->live || reader->inlined || !reads(p, reader, s))
            continue;
        weft_status st = ask_reader(&q, reader);
        if (st != WEFT_OK)
            return st;
    }
    int mark = weft_facts_mark(p->facts);
    for (const weft_site *c = s; c->parent; c = c->parent)
        fix_leaves(p, c->parent, c->at);
    for (int b = 0; b < WEFT_BIND_COUNT; b++)
        if (s->cluster->var[b] && s->cluster->extent[b])
            weft_facts_extent(p->facts, s->cluster->var[b], s->cluster->extent[b]);
    weft_status st = WEFT_OK;
    for (int d = 0; d < s->op->naxis && st == WEFT_OK; d++)
        st = set_region(p, s, d, q.region[d]);
    weft_facts_pop(p->facts, mark);
    return st;
}

static weft_status
whole_region(const weft_plan *p, weft_site *s)
{
    for (int d = 0; d < s->op->naxis; d++) {
        s->min[d] = weft_int(p->ir, (weft_dtype)s->op->axis[d]->extent->h.type.dtype, 0);
        s->extent[s->op->axis[d]->id] = s->op->axis[d]->extent;
    }
    return WEFT_OK;
}

/* ---- block and thread ranges ----------------------------------------------------------------- */

/* The kernel's range of an axis is the largest of its stages'; the others are guarded.  One that
 * runs over nothing is guarded too: a reduction of no values has one. */
static weft_status
take_bound(const weft_plan *p, const weft_site *s, const weft_axis *leaf)
{
    weft_cluster *g = s->cluster;
    const weft_expr **have = &g->extent[leaf->bind];
    weft_dtype type = (weft_dtype)g->var[leaf->bind]->type.dtype;
    const weft_expr *mine = weft_ix_cast(p->ir, type, s->extent[leaf->id]);
    if (weft_is_int_imm(mine, 0))
        mine = weft_int(p->ir, type, 1);
    if (!*have || *have == mine) {
        *have = mine;
        return WEFT_OK;
    }
    bool less = proves(p, WEFT_EK_LE, mine, *have), more = proves(p, WEFT_EK_GE, mine, *have);
    if (!less && !more)
        return weft_fail(
            p->diag, WEFT_INVALID_ARGUMENT,
            "axis '%s' of stage '%s' is bound to %s, but its extent cannot be compared with that "
            "of the "
            "other stages of kernel '%s' bound to it; split by parts of one constant size in each",
            weft_axis_label(p->te, leaf), s->name, weft_bind_name(leaf->bind), g->root->name);
    *have = more ? mine : *have;
    return WEFT_OK;
}

/* Loops that become copies or lanes take a constant number of steps. */
static weft_status
check_constant(const weft_plan *p, const weft_site *s, const weft_axis *leaf)
{
    int64_t n;
    if ((leaf->bind != WEFT_UNROLL && leaf->bind != WEFT_VECTORIZE && leaf->bind != WEFT_VTHREAD) ||
        weft_as_int(s->extent[leaf->id], &n))
        return WEFT_OK;
    return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                     "axis '%s' of stage '%s' is bound to %s, which takes a constant number of "
                     "steps; split it by a "
                     "number and bind the inner part",
                     weft_axis_label(p->te, leaf), s->name, weft_bind_name(leaf->bind));
}

static weft_status
infer_site(weft_plan *p, weft_site *s)
{
    for (int i = 0; i < s->op->nreduce; i++)
        s->extent[s->op->reduce[i]->id] = s->op->reduce[i]->extent;
    weft_status st = s->parent ? attached_region(p, s) : whole_region(p, s);
    st = st == WEFT_OK ? weft_site_extents(p, s) : st;
    for (int i = 0; st == WEFT_OK && i < s->stage->leaf.n; i++) {
        const weft_axis *leaf = s->stage->leaf.at[i];
        st = check_constant(p, s, leaf);
        if (s->cluster->var[leaf->bind])
            st = st == WEFT_OK ? take_bound(p, s, leaf) : st;
        else if (weft_is_int_imm(s->extent[leaf->id], 1)) /* a loop of one step is none */
            s->loop[leaf->id] = NULL;
        s->value[leaf->id] = weft_site_leaf(p, s, leaf);
    }
    if (st == WEFT_OK)
        weft_site_values(p, s, s->value);
    return st;
}

weft_status
weft_infer_bounds(weft_plan *p)
{
    weft_status st = WEFT_OK;
    for (int i = p->nsite - 1; st == WEFT_OK && i >= 0; i--)
        if (p->site[i].live && !p->site[i].inlined)
            st = infer_site(p, &p->site[i]);
    if (st == WEFT_OK)
        weft_settle_beyond(p);
    return st;
}
