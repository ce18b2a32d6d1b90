/* What is defined on trial, and taken back. */
#include "te/priv.h"

#include <string.h>

static void *
copy(weft_te *te, const void *from, int n, size_t size)
{
    return n ? weft_arena_dup(&te->ir->arena, from, (size_t)n * size) : NULL;
}

weft_te_trial
weft_te_try(weft_te *te, weft_stage *s)
{
    return (weft_te_trial){
        .stage = s,
        .was = *s,
        .op = *s->op,
        .leaf = copy(te, s->leaf.at, s->leaf.n, sizeof *s->leaf.at),
        .nstage = te->stage.n,
        .nsource = te->source.n,
        .ntensor = te->tensor.n,
        .nlog = te->log.n,
        .naxis = te->naxis,
        .stages = copy(te, te->stage.at, te->stage.n, sizeof *te->stage.at),
        .source = copy(te, te->source.at, te->source.n, sizeof *te->source.at),
        .names = weft_map_copy(te->names),
    };
}

void
weft_te_take_back(weft_te *te, const weft_te_trial *t)
{
    for (int i = t->ntensor; i < te->tensor.n; i++)
        te->by_buf.at[te->tensor.at[i]->buf->id] = NULL;
    *t->stage = t->was;
    *t->stage->op = t->op;
    memcpy(t->stage->leaf.at, t->leaf, (size_t)t->was.leaf.n * sizeof *t->leaf);
    te->stage.n = t->nstage;
    te->source.n = t->nsource;
    te->tensor.n = t->ntensor;
    te->log.n = t->nlog;
    te->naxis = t->naxis;
    memcpy(te->stage.at, t->stages, (size_t)t->nstage * sizeof *t->stages);
    memcpy(te->source.at, t->source, (size_t)t->nsource * sizeof *t->source);
    te->names = t->names;
}
