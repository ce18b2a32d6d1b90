/* Questions about programs: who computes, who reads, what an axis is called. */
#include "te/priv.h"

weft_stage *
weft_te_stage(const weft_te *te, const weft_tensor *t)
{
    for (int i = 0; i < te->stage.n; i++)
        if (te->stage.at[i]->op == t->op)
            return te->stage.at[i];
    return NULL;
}

weft_tensor *
weft_te_tensor_of(const weft_te *te, const weft_buf *buf)
{
    weft_tensor *t = buf->id < (uint32_t)te->by_buf.n ? te->by_buf.at[buf->id] : NULL;
    return t && t->buf == buf ? t : NULL;
}

typedef struct reads {
    const weft_te *te;
    const weft_te_op *op;
    weft_arena *arena;
    bool *seen; /* by tensor id */
    WEFT_VEC(weft_tensor *) found;
} reads;

static bool
is_own(const weft_te_op *op, const weft_tensor *t)
{
    for (int i = 0; i < op->nout; i++)
        if (op->out[i] == t)
            return true;
    return false;
}

static bool
note_read(void *user, const weft_expr *e)
{
    reads *r = user;
    weft_tensor *t = e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(r->te, e->h.u.buf) : NULL;
    if (t && !r->seen[t->id] && !is_own(r->op, t)) {
        r->seen[t->id] = true;
        *WEFT_PUSH(r->arena, &r->found) = t;
    }
    return true;
}

int
weft_te_reads(const weft_te *te, const weft_te_op *op, weft_arena *arena, weft_tensor ***tensors)
{
    reads r = {
        .te = te, .op = op, .arena = arena, .seen = WEFT_NEW_ARRAY(arena, te->tensor.n + 1, bool)
    };
    weft_walker w = { .expr = note_read, .user = &r };
    for (int i = 0; op->kind == WEFT_OP_COMPUTE && i < op->nout; i++)
        weft_walk_expr(&w, op->body[i]);
    for (int i = 0; op->first && i < op->nout; i++)
        weft_walk_expr(&w, op->first[i]);
    if (op->cond)
        weft_walk_expr(&w, op->cond);
    if (op->stmt)
        weft_walk_stmt(&w, op->stmt);
    *tensors = r.found.at;
    return r.found.n;
}

static bool
op_reads(const weft_te *te, const weft_te_op *op, const weft_tensor *t, weft_arena *arena)
{
    weft_tensor **at;
    int n = weft_te_reads(te, op, arena, &at);
    for (int i = 0; i < n; i++)
        if (at[i] == t)
            return true;
    return false;
}

int
weft_te_readers(const weft_te *te, const weft_tensor *t, weft_arena *arena, weft_stage ***stages)
{
    WEFT_VEC(weft_stage *) found = { 0 };
    weft_arena scratch = { 0 };
    for (int i = 0; i < te->stage.n; i++)
        if (op_reads(te, te->stage.at[i]->op, t, &scratch))
            *WEFT_PUSH(arena, &found) = te->stage.at[i];
    weft_arena_reset(&scratch);
    *stages = found.at;
    return found.n;
}

bool
weft_te_is_kept(const weft_te *te, const weft_tensor *t)
{
    weft_arena scratch = { 0 };
    weft_stage **reader;
    bool kept = false;
    for (int i = weft_te_readers(te, t, &scratch, &reader); i-- > 0;)
        kept = kept || reader[i]->op->kind == WEFT_OP_EXTERN;
    weft_arena_reset(&scratch);
    return kept;
}

const char *
weft_stage_name(const weft_stage *s)
{
    return s->op->out[0]->buf->name;
}

const char *
weft_axis_label(weft_te *te, const weft_axis *axis)
{
    const weft_te_op *op = axis->stage ? axis->stage->op : NULL;
    for (int i = 0; op && i < op->naxis + op->nreduce; i++)
        if ((i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis]) == axis)
            return weft_arena_printf(&te->ir->arena, "%s.%s", weft_stage_name(axis->stage),
                                     axis->var->name);
    return axis->var->name;
}
