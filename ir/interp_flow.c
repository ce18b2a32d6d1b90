/* Which accesses can race at all: of a buffer that threads share, those that are not kept apart by
 * barriers on every path.  Loads and stores of a tile that a barrier separates need no tracking. */
#include "ir/interp_priv.h"

#include <string.h>

enum { WAS_READ = 1, WAS_WRITTEN = 2 };

/* What a statement touches, by buffer: before its first barrier, and after its last. */
typedef struct span {
    uint8_t *head, *tail;
    bool through; /* a path has no barrier: head and tail meet what is around */
} span;

typedef struct flow {
    weft_interp *in;
    weft_arena scratch;
    uint8_t *seen; /* by node id: visited in this statement */
} flow;

static span
new_span(flow *f)
{
    uint8_t *both = WEFT_NEW_ARRAY(&f->scratch, 2 * f->in->nbuf + 1, uint8_t);
    return (span){ both, both + f->in->nbuf, true };
}

static void
join(const flow *f, uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < f->in->nbuf; i++)
        to[i] |= from[i];
}

/* Two touches with no barrier between. */
static void
meet(const flow *f, const uint8_t *tail, const uint8_t *head)
{
    for (int i = 0; i < f->in->nbuf; i++)
        f->in->buf[i].crossed |= (tail[i] & WAS_READ && head[i] & WAS_WRITTEN) ||
                                 (tail[i] & WAS_WRITTEN && head[i] & WAS_READ);
}

/* b after a. */
static span
then(flow *f, span a, span b)
{
    span s = new_span(f);
    meet(f, a.tail, b.head);
    join(f, s.head, a.head);
    join(f, s.tail, b.tail);
    if (a.through)
        join(f, s.head, b.head);
    if (b.through)
        join(f, s.tail, a.tail);
    s.through = a.through && b.through;
    return s;
}

/* ---- one statement --------------------------------------------------------------------------- */

static void
touch(const access *a, uint8_t *touched)
{
    touched[a->buf] |= (a->write ? WAS_WRITTEN : 0) | (!a->write || a->atomic ? WAS_READ : 0);
}

static void
visit(flow *f, const node *n, uint8_t *touched)
{
    if (!n || f->seen[n->id])
        return;
    f->seen[n->id] = 1;
    for (int i = 0; i < n->n; i++)
        visit(f, n->arg[i], touched);
    if (!n->load)
        return;
    for (int i = 0; i < n->load->n; i++)
        visit(f, n->load->index[i], touched);
    touch(n->load, touched);
}

/* What the statement itself touches, without its body. */
static span
own_touches(flow *f, const code *k)
{
    span s = new_span(f);
    memset(f->seen, 0, (size_t)f->in->nnode);
    visit(f, k->expr, s.head);
    for (int i = 0; k->kind == C_ALLREDUCE && i < k->src->u.all.with->n; i++)
        visit(f, k->value[i], s.head);
    for (int i = 0; k->store && i < k->store->n; i++)
        visit(f, k->store->index[i], s.head);
    if (k->store)
        touch(k->store, s.head);
    visit(f, k->stride, s.head);
    for (int i = 0; i < WEFT_MATRIX_PLACES && k->place[i]; i++) {
        for (int d = 0; d < k->place[i]->n; d++)
            visit(f, k->place[i]->index[d], s.head);
        touch(k->place[i], s.head);
    }
    join(f, s.tail, s.head);
    meet(f, s.tail, s.head);
    return s;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static span
barrier(flow *f)
{
    span s = new_span(f);
    s.through = false;
    return s;
}

static span walk(flow *, const code *);

static span
walk_branches(flow *f, const code *k)
{
    span a = walk(f, k->at[0]), b = k->at[1] ? walk(f, k->at[1]) : new_span(f);
    join(f, a.head, b.head);
    join(f, a.tail, b.tail);
    a.through |= b.through;
    return a;
}

static span
walk(flow *f, const code *k)
{
    span s = own_touches(f, k);
    if (k->kind == C_BARRIER)
        return k->fence & WEFT_FENCE_SHARED ? barrier(f) : s;
    if (k->kind == C_IF)
        return then(f, s, walk_branches(f, k));
    span body = new_span(f);
    for (int i = 0; i < k->n; i++) {
        body = then(f, body, walk(f, k->at[i]));
        if (f->in->implied && k->kind == C_SEQ)
            body = then(f, body, barrier(f));
    }
    if (k->kind == C_FOR || k->kind == C_WHILE) {
        if (!f->in->implied) { /* the next iteration */
            meet(f, body.tail, body.head);
            meet(f, body.tail, s.head);
        }
        body.through = true; /* it may not run at all */
    }
    return then(f, s, body);
}

/* ---- results --------------------------------------------------------------------------------- */

static void
set_track(const weft_interp *in, access *a)
{
    const bufinfo *b = &in->buf[a->buf];
    if (a->write)
        a->track = b->store != STORE_ROWS;
    else
        a->track = b->store == STORE_RAW ? b->stored : b->store != STORE_ROWS && b->crossed;
}

static void
mark_phases(const weft_interp *in, code *k)
{
    k->phase = in->implied && (k->kind == C_SEQ || k->kind == C_FOR || k->kind == C_WHILE);
    for (int i = 0; i < k->n; i++)
        if (k->at[i])
            mark_phases(in, k->at[i]);
}

void
weft_interp_flow(weft_interp *in)
{
    flow f = { .in = in };
    f.seen = WEFT_NEW_ARRAY(&f.scratch, in->nnode + 1, uint8_t);
    walk(&f, in->body);
    for (int i = 0; i < in->nbuf; i++)
        if (in->buf[i].store == STORE_PLACED) /* what lies over it is touched, too */
            in->buf[i].crossed = true;
        else if (in->buf[i].store == STORE_ONE && !in->launch) /* workers share it */
            in->buf[i].crossed = in->buf[i].stored && in->buf[i].loaded;
    for (int i = 0; i < in->naccess; i++)
        set_track(in, in->access[i]);
    mark_phases(in, in->body);
    weft_arena_reset(&f.scratch);
}
