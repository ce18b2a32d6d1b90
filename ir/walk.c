/* Read-only walks.  A set of expressions seen keeps a walk over the DAG linear. */
#include "ir/priv.h"

#include <string.h>

enum { SMALL = 64 };

typedef struct seen { /* a hash set of 1 + id; 0: free */
    weft_arena arena;
    uint32_t small[SMALL];
    uint32_t *at;
    uint32_t n, cap;
} seen;

static uint32_t *
find(const seen *s, uint32_t key)
{
    uint32_t i = key * 2654435761u & (s->cap - 1);
    while (s->at[i] && s->at[i] != key)
        i = (i + 1) & (s->cap - 1);
    return &s->at[i];
}

/* True when e is new to the set. */
static bool
enter(seen *s, const weft_expr *e)
{
    uint32_t *slot = find(s, e->id + 1);
    if (*slot)
        return false;
    *slot = e->id + 1;
    if (2 * ++s->n < s->cap)
        return true;
    const uint32_t *old = s->at;
    uint32_t cap = s->cap;
    s->cap = 4 * cap;
    s->at = WEFT_NEW_ARRAY(&s->arena, s->cap, uint32_t);
    for (uint32_t i = 0; i < cap; i++)
        if (old[i])
            *find(s, old[i]) = old[i];
    return true;
}

static void
start(seen *s)
{
    memset(s, 0, sizeof *s);
    s->at = s->small;
    s->cap = SMALL;
}

static void
walk_expr(const weft_walker *w, seen *s, const weft_expr *e)
{
    if (!e || !w->expr || !enter(s, e) || !w->expr(w->user, e))
        return;
    for (int i = 0; i < e->h.nargs; i++)
        walk_expr(w, s, e->arg[i]);
}

static void
walk_stmt(const weft_walker *w, seen *seen_, const weft_stmt *s)
{
    if (!s || (w->stmt && !w->stmt(w->user, s)))
        return;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            walk_stmt(w, seen_, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        walk_expr(w, seen_, s->u.loop.extent);
        walk_stmt(w, seen_, s->u.loop.body);
        return;
    case WEFT_SK_IF:
        walk_expr(w, seen_, s->u.iff.cond);
        walk_stmt(w, seen_, s->u.iff.then);
        walk_stmt(w, seen_, s->u.iff.els);
        return;
    case WEFT_SK_LET:
        walk_expr(w, seen_, s->u.let.value);
        walk_stmt(w, seen_, s->u.let.body);
        return;
    case WEFT_SK_STORE:
        for (int i = 0; i < s->u.store.n; i++)
            walk_expr(w, seen_, s->u.store.index[i]);
        walk_expr(w, seen_, s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        walk_expr(w, seen_, s->u.atomic.index);
        walk_expr(w, seen_, s->u.atomic.value);
        return;
    case WEFT_SK_ALLOC:
        walk_stmt(w, seen_, s->u.alloc.body);
        return;
    case WEFT_SK_EVAL:
        walk_expr(w, seen_, s->u.eval.call);
        return;
    case WEFT_SK_PREFETCH:
        walk_expr(w, seen_, s->u.prefetch.index);
        return;
    case WEFT_SK_MATRIX:
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++)
            for (int d = 0; d < s->u.matrix.place[i].n; d++)
                walk_expr(w, seen_, s->u.matrix.place[i].index[d]);
        if (s->u.matrix.value)
            walk_expr(w, seen_, s->u.matrix.value);
        if (s->u.matrix.stride)
            walk_expr(w, seen_, s->u.matrix.stride);
        return;
    case WEFT_SK_ALLREDUCE:
        for (int i = 0; i < s->u.all.with->n; i++)
            walk_expr(w, seen_, s->u.all.value[i]);
        walk_stmt(w, seen_, s->u.all.body);
        return;
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
    case WEFT_SK_COUNT:
        return;
    }
}

void
weft_walk_expr(const weft_walker *w, const weft_expr *e)
{
    seen s;
    start(&s);
    walk_expr(w, &s, e);
    weft_arena_reset(&s.arena);
}

void
weft_walk_stmt(const weft_walker *w, const weft_stmt *stmt)
{
    seen s;
    start(&s);
    walk_stmt(w, &s, stmt);
    weft_arena_reset(&s.arena);
}

typedef struct search {
    const weft_var *var;
    bool found;
} search;

static bool
look(void *user, const weft_expr *e)
{
    search *s = user;
    s->found |= e->h.kind == WEFT_EK_VAR && e->h.u.var == s->var;
    return !s->found;
}

bool
weft_uses_var(const weft_expr *e, const weft_var *var)
{
    search s = { var, false };
    weft_walk_expr(&(weft_walker){ .expr = look, .user = &s }, e);
    return s.found;
}
