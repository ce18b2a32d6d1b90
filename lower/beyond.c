/* Memory that goes on beyond its tensor's edge (zero_fill), and sums that are computed there:
 * nobody reads those, so no condition has to keep a tile's loops from them.  They come to no harm:
 * they read memory that has such elements, and every operation has a value for all operands. */
#include "lower/priv.h"

static weft_status
check_filled(const weft_plan *p, const weft_site *s)
{
    if (s->parent && s->space == WEFT_SHARED)
        return WEFT_OK;
    return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                     "zero_fill of stage '%s': it lives in %s memory; compute it at a loop of its "
                     "reader, in shared memory",
                     s->name, weft_space_name(s->space));
}

/* A thread's own stage without conditions of its own. */
static bool
may_go_beyond(const weft_site *s)
{
    return s->parent && s->space == WEFT_LOCAL && s->op->kind == WEFT_OP_COMPUTE && !s->op->scan &&
           !s->stage->stored && !s->stage->matrix && s->nread > 0;
}

/* Memory of the same kernel, with what readers come to beyond the edge. */
static bool
reads_whole(const weft_plan *p, const weft_site *s)
{
    for (int i = 0; i < s->nread; i++) {
        const weft_site *from = weft_plan_site(p, s->read[i]);
        if (!from || from->cluster != s->cluster || !from->whole)
            return false;
    }
    return true;
}

static void
hold_whole(weft_plan *p, weft_site *s)
{
    s->whole = true;
    if (!s->step)
        s->step = WEFT_NEW_ARRAY(p->arena, s->op->naxis + 1, int64_t);
    for (int d = 0; d < s->op->naxis; d++)
        s->step[d] = s->step[d] ? s->step[d] : 1;
}

weft_status
weft_plan_beyond(weft_plan *p)
{
    for (int i = 0; i < p->nsite; i++) { /* producers first */
        weft_site *s = &p->site[i];
        if (!s->live || s->inlined)
            continue;
        weft_status st = s->stage->zero_fill ? check_filled(p, s) : WEFT_OK;
        if (st != WEFT_OK)
            return st;
        s->padded |= s->stage->zero_fill && !s->stage->stored;
        if ((s->stage->zero_fill && s->padded) || (may_go_beyond(s) && reads_whole(p, s)))
            hold_whole(p, s);
    }
    return WEFT_OK;
}

/* Where the region of some memory was not to be had beyond the edge, its readers stay within it. */
void
weft_settle_beyond(weft_plan *p)
{
    for (int i = 0; i < p->nsite; i++) {
        weft_site *s = &p->site[i];
        if (!s->live || s->inlined || s->padded || !s->whole)
            continue;
        s->whole = s->whole && reads_whole(p, s);
        s->beyond = s->whole;
    }
}
