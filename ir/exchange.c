/* Whether threads may hand values to each other through a parameter of a kernel. */
#include "ir/ir.h"

typedef struct places {
    const weft_buf *buf;
    weft_arena scratch;
    WEFT_VEC(const weft_expr *const *) stored; /* the indices of each store */
    bool elsewhere;                            /* a load of an element that no store names */
} places;

static bool
note_store(void *user, const weft_stmt *s)
{
    places *p = user;
    if (s->kind == WEFT_SK_STORE && s->u.store.buf == p->buf)
        *WEFT_PUSH(&p->scratch, &p->stored) = s->u.store.index;
    return true;
}

static bool
note_load(void *user, const weft_expr *e)
{
    places *p = user;
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf != p->buf)
        return !p->elsewhere;
    bool same = false;
    for (int i = 0; i < p->stored.n && !same; i++) {
        same = true;
        for (int d = 0; d < e->h.nargs; d++)
            same = same && p->stored.at[i][d] == e->arg[d];
    }
    p->elsewhere = p->elsewhere || !same;
    return !p->elsewhere;
}

bool
weft_exchanges(const weft_kernel *k, int param)
{
    places p = { .buf = k->param[param] };
    if (k->access[param] != WEFT_READ_WRITE)
        return false;
    weft_walk_stmt(&(weft_walker){ .stmt = note_store, .user = &p }, k->body);
    weft_walk_stmt(&(weft_walker){ .expr = note_load, .user = &p }, k->body);
    weft_arena_reset(&p.scratch);
    return p.elsewhere;
}
