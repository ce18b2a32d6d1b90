/* rejoin: in a loop, threads that waited for each other in a condition wait behind it once more.
 *
 *   for k { if k < 11 { .. barrier .. } .. }       for k { if k < 11 { .. barrier .. } barrier .. }
 *
 * PoCL cuts a kernel at its barriers and runs each part for all threads.  Where a condition's arms
 * meet without one, its parts lead out of the loop after the first turn (3.1; all of them agree on
 * the condition, so the kernel is right as it stands).
 *
 * needs   level device, and the barriers planned; a target that caps say needs it
 * keeps   everything else: a barrier more where all threads come by */
#include "lower/lower.h"

static bool
find_fence(void *user, const weft_stmt *s)
{
    int *fence = user;
    if (s->kind == WEFT_SK_BARRIER)
        *fence |= s->u.barrier.fence;
    return true;
}

/* What the barriers within a statement make visible; 0: there is none. */
static int
fence_within(const weft_stmt *s)
{
    int fence = 0;
    weft_walk_stmt(&(weft_walker){ .stmt = find_fence, .user = &fence }, s);
    return fence;
}

static const weft_stmt *
rejoin(weft_rewriter *rw, const weft_stmt *s)
{
    int *loops = rw->user;
    bool loop = s->kind == WEFT_SK_WHILE ||
                (s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_SERIAL);
    *loops += loop;
    const weft_stmt *t = weft_rewrite_children(rw, s);
    *loops -= loop;
    int fence = *loops && s->kind == WEFT_SK_IF ? fence_within(s) : 0;
    if (!fence)
        return t;
    const weft_stmt *both[] = { t, weft_barrier(rw->ir, fence) };
    return weft_seq(rw->ir, 2, both);
}

weft_status
weft_pass_rejoin(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)diag;
    if (!o->caps->rejoin)
        return WEFT_OK;
    int loops = 0;
    weft_rewriter rw = { .ir = k->ir, .stmt = rejoin, .user = &loops };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
