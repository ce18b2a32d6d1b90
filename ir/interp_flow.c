/* Which accesses can race at all: of a buffer that threads share, those that are not kept apart by
 * barriers on every path.  Loads and stores of a tile that a barrier separates need no tracking. */
#include "ir/interp_priv.h"

#include <string.h>

typedef struct flow {
    weft_interp *in;
    uint8_t *seen; /* by node id: the statement that visited it */
    bool track;    /* second walk: sets access.track */
} flow;

enum { WAS_READ = 1, WAS_WRITTEN = 2 };

static void
touch(flow *f, access *a, uint8_t *state)
{
    bufinfo *b = &f->in->buf[a->buf];
    if (f->track) {
        bool parameter = b->store == STORE_RAW;
        if (a->write)
            a->track = b->store != STORE_ROWS;
        else
            a->track = parameter ? b->stored : b->store == STORE_ONE && b->crossed;
        return;
    }
    uint8_t other = a->write ? WAS_READ : WAS_WRITTEN;
    if ((state[a->buf] & other) || a->atomic)
        b->crossed = true;
    state[a->buf] |= a->write ? WAS_WRITTEN : WAS_READ;
}

static void
visit(flow *f, const node *n, uint8_t *state)
{
    if (!n || f->seen[n->id])
        return;
    f->seen[n->id] = 1;
    for (int i = 0; i < n->n; i++)
        visit(f, n->arg[i], state);
    if (!n->load)
        return;
    for (int i = 0; i < n->load->n; i++)
        visit(f, n->load->index[i], state);
    touch(f, n->load, state);
}

static void
visit_statement(flow *f, const code *k, uint8_t *state)
{
    memset(f->seen, 0, (size_t)f->in->nnode);
    visit(f, k->expr, state);
    for (int i = 0; k->kind == C_ALLREDUCE && i < k->src->u.all.with->n; i++)
        visit(f, k->value[i], state);
    if (!k->store)
        return;
    for (int i = 0; i < k->store->n; i++)
        visit(f, k->store->index[i], state);
    touch(f, k->store, state);
}

static void
barrier(const flow *f, uint8_t *state)
{
    memset(state, 0, (size_t)f->in->nbuf);
}

static void
walk(flow *f, const code *k, uint8_t *state)
{
    size_t n = (size_t)f->in->nbuf;
    visit_statement(f, k, state);
    if (k->kind == C_BARRIER && (k->fence & WEFT_FENCE_SHARED))
        barrier(f, state);
    if (k->kind == C_IF) {
        uint8_t *other = weft_arena_dup(&f->in->arena, state, n);
        walk(f, k->at[0], state);
        if (k->at[1])
            walk(f, k->at[1], other);
        for (size_t i = 0; i < n; i++)
            state[i] |= other[i];
        return;
    }
    bool loop = k->kind == C_FOR || k->kind == C_WHILE;
    uint8_t *skipped = loop ? weft_arena_dup(&f->in->arena, state, n) : NULL;
    for (int again = 0; again <= loop; again++)
        for (int i = 0; i < k->n; i++) {
            walk(f, k->at[i], state);
            if (f->in->implied && (loop || k->kind == C_SEQ))
                barrier(f, state);
        }
    for (size_t i = 0; loop && i < n; i++)
        state[i] |= skipped[i];
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
    f.seen = WEFT_NEW_ARRAY(&in->arena, in->nnode + 1, uint8_t);
    uint8_t *state = WEFT_NEW_ARRAY(&in->arena, in->nbuf + 1, uint8_t);
    walk(&f, in->body, state);
    for (int i = 0; i < in->nbuf; i++)
        if (in->buf[i].store == STORE_ONE && !in->launch) /* workers share it */
            in->buf[i].crossed = in->buf[i].stored && in->buf[i].loaded;
    f.track = true;
    walk(&f, in->body, state);
    mark_phases(in, in->body);
}
