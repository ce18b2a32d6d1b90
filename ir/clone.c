/* Copies between contexts.  What was copied once stays one thing: a table from old to new. */
#include "ir/priv.h"

typedef struct pair {
    const void *from, *to;
} pair;

struct weft_clone_map {
    weft_ir *to;
    pair *at; /* open addressing; cap is a power of two or 0; never iterated for output */
    size_t n, cap;
};

weft_clone_map *
weft_clone_map_create(weft_ir *to)
{
    weft_clone_map *m = WEFT_NEW(&to->arena, weft_clone_map);
    m->to = to;
    return m;
}

static pair *
find(const weft_clone_map *m, const void *from)
{
    size_t i = (size_t)weft_hash_mix(WEFT_HASH_SEED, (uint64_t)(uintptr_t)from) & (m->cap - 1);
    while (m->at[i].from && m->at[i].from != from)
        i = (i + 1) & (m->cap - 1);
    return &m->at[i];
}

static const void *
get(const weft_clone_map *m, const void *from)
{
    return m->cap ? find(m, from)->to : NULL;
}

static void
put(weft_clone_map *m, const void *from, const void *to)
{
    if (2 * (m->n + 1) > m->cap) {
        const pair *old = m->at;
        size_t cap = m->cap;
        m->cap = cap ? 2 * cap : 64;
        m->at = WEFT_NEW_ARRAY(&m->to->arena, m->cap, pair);
        for (size_t i = 0; i < cap; i++)
            if (old[i].from)
                *find(m, old[i].from) = old[i];
    }
    *find(m, from) = (pair){ from, to };
    m->n++;
}

const weft_var *
weft_clone_var(weft_clone_map *m, const weft_var *v)
{
    if (!v)
        return NULL;
    const weft_var *to = get(m, v);
    if (to)
        return to;
    to = weft_var_make(m->to, v->name, v->type);
    put(m, v, to);
    return to;
}

static const weft_expr *const *
clone_all(weft_clone_map *m, int n, const weft_expr *const *at)
{
    if (!at)
        return NULL;
    const weft_expr **to = WEFT_NEW_ARRAY(&m->to->arena, n, const weft_expr *);
    for (int i = 0; i < n; i++)
        to[i] = weft_clone_expr(m, at[i]);
    return to;
}

const weft_buf *
weft_clone_buf(weft_clone_map *m, const weft_buf *b)
{
    if (!b)
        return NULL;
    const weft_buf *known = get(m, b);
    if (known)
        return known;
    weft_buf *to = WEFT_NEW(&m->to->arena, weft_buf);
    *to = *b;
    to->id = m->to->nbuf++;
    to->name = weft_arena_strdup(&m->to->arena, b->name);
    to->shape = clone_all(m, b->ndim, b->shape);
    to->stride = clone_all(m, b->ndim, b->stride);
    put(m, b, to);
    return to;
}

const weft_expr *
weft_clone_expr(weft_clone_map *m, const weft_expr *e)
{
    if (!e)
        return NULL;
    const weft_expr *to = get(m, e);
    if (to)
        return to;
    weft_head h = e->h;
    if (h.kind == WEFT_EK_VAR)
        h.u.var = weft_clone_var(m, h.u.var);
    else if (h.kind == WEFT_EK_LOAD)
        h.u.buf = weft_clone_buf(m, h.u.buf);
    const weft_expr *few[8];
    const weft_expr **arg =
        h.nargs <= 8 ? few : WEFT_NEW_ARRAY(&m->to->arena, h.nargs, const weft_expr *);
    for (int i = 0; i < h.nargs; i++)
        arg[i] = weft_clone_expr(m, e->arg[i]);
    to = weft_expr_make(m->to, h, h.nargs, arg);
    put(m, e, to);
    return to;
}

static const weft_var *const *
clone_vars(weft_clone_map *m, int n, const weft_var *const *at)
{
    const weft_var **to = WEFT_NEW_ARRAY(&m->to->arena, n, const weft_var *);
    for (int i = 0; i < n; i++)
        to[i] = weft_clone_var(m, at[i]);
    return to;
}

static const weft_combiner *
clone_combiner(weft_clone_map *m, const weft_combiner *c)
{
    weft_combiner *to = WEFT_NEW(&m->to->arena, weft_combiner);
    to->n = c->n;
    to->lhs = clone_vars(m, c->n, c->lhs);
    to->rhs = clone_vars(m, c->n, c->rhs);
    to->result = clone_all(m, c->n, c->result);
    to->identity = clone_all(m, c->n, c->identity);
    return to;
}

static const weft_stmt *
clone_stmt(weft_clone_map *m, const weft_stmt *s)
{
    if (!s)
        return NULL;
    weft_stmt t = *s;
    switch (s->kind) {
    case WEFT_SK_SEQ: {
        const weft_stmt **at = WEFT_NEW_ARRAY(&m->to->arena, s->u.seq.n, const weft_stmt *);
        for (int i = 0; i < s->u.seq.n; i++)
            at[i] = clone_stmt(m, s->u.seq.at[i]);
        t.u.seq.at = at;
        break;
    }
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        t.u.loop.var = weft_clone_var(m, s->u.loop.var);
        t.u.loop.extent = weft_clone_expr(m, s->u.loop.extent);
        t.u.loop.body = clone_stmt(m, s->u.loop.body);
        break;
    case WEFT_SK_IF:
        t.u.iff.cond = weft_clone_expr(m, s->u.iff.cond);
        t.u.iff.then = clone_stmt(m, s->u.iff.then);
        t.u.iff.els = clone_stmt(m, s->u.iff.els);
        break;
    case WEFT_SK_LET:
        t.u.let.var = weft_clone_var(m, s->u.let.var);
        t.u.let.value = weft_clone_expr(m, s->u.let.value);
        t.u.let.body = clone_stmt(m, s->u.let.body);
        break;
    case WEFT_SK_STORE:
        t.u.store.buf = weft_clone_buf(m, s->u.store.buf);
        t.u.store.index = clone_all(m, s->u.store.n, s->u.store.index);
        t.u.store.value = weft_clone_expr(m, s->u.store.value);
        break;
    case WEFT_SK_ATOMIC:
        t.u.atomic.buf = weft_clone_buf(m, s->u.atomic.buf);
        t.u.atomic.index = weft_clone_expr(m, s->u.atomic.index);
        t.u.atomic.value = weft_clone_expr(m, s->u.atomic.value);
        break;
    case WEFT_SK_ALLOC:
        t.u.alloc.buf = weft_clone_buf(m, s->u.alloc.buf);
        t.u.alloc.body = clone_stmt(m, s->u.alloc.body);
        break;
    case WEFT_SK_EVAL:
        t.u.eval.call = weft_clone_expr(m, s->u.eval.call);
        break;
    case WEFT_SK_PREFETCH:
        t.u.prefetch.buf = weft_clone_buf(m, s->u.prefetch.buf);
        t.u.prefetch.index = weft_clone_expr(m, s->u.prefetch.index);
        break;
    case WEFT_SK_MATRIX:
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
            const weft_spot *at = &s->u.matrix.place[i];
            t.u.matrix.place[i] =
                (weft_spot){ weft_clone_buf(m, at->buf), at->n, clone_all(m, at->n, at->index) };
        }
        t.u.matrix.value = weft_clone_expr(m, s->u.matrix.value);
        t.u.matrix.stride = weft_clone_expr(m, s->u.matrix.stride);
        break;
    case WEFT_SK_ALLREDUCE:
        t.u.all.with = clone_combiner(m, s->u.all.with);
        t.u.all.var = clone_vars(m, s->u.all.with->n, s->u.all.var);
        t.u.all.value = clone_all(m, s->u.all.with->n, s->u.all.value);
        t.u.all.body = clone_stmt(m, s->u.all.body);
        break;
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
    case WEFT_SK_COUNT:
        break;
    }
    return weft_stmt_make(m->to, t);
}

weft_kernel *
weft_clone_kernel(weft_clone_map *m, const weft_kernel *k)
{
    weft_arena *a = &m->to->arena;
    weft_kernel *to = WEFT_NEW(a, weft_kernel);
    const weft_buf **param = WEFT_NEW_ARRAY(a, k->nparam, const weft_buf *);
    const weft_var **scalar = WEFT_NEW_ARRAY(a, k->nscalar, const weft_var *);
    *to = *k;
    to->ir = m->to;
    to->name = weft_arena_strdup(a, k->name);
    for (int i = 0; i < k->nparam; i++)
        param[i] = weft_clone_buf(m, k->param[i]);
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = weft_clone_var(m, k->scalar[i]);
    to->param = param;
    to->scalar = scalar;
    to->access = weft_arena_dup(a, k->access, (size_t)k->nparam * sizeof *k->access);
    to->body = clone_stmt(m, k->body);
    for (int i = 0; i < 3; i++) {
        to->grid[i] = weft_clone_expr(m, k->grid[i]);
        to->block[i] = weft_clone_expr(m, k->block[i]);
    }
    to->info.layers = weft_arena_strdup(a, k->info.layers);
    to->info.model = weft_arena_strdup(a, k->info.model);
    to->info.output = weft_arena_strdup(a, k->info.output);
    to->info.schedule = weft_arena_strdup(a, k->info.schedule);
    return to;
}
