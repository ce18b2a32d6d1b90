/* What a statement touches, of memory that threads share. */
#include "lower/barriers.h"

typedef struct collecting {
    weft_waits *p;
    weft_touches *list;
    const weft_stmt *store; /* a sum's own element, `s[i] = s[i] + x`, counts as stored alone */
} collecting;

static bool
is_watched(const weft_waits *p, const weft_buf *buf)
{
    if (buf->space == WEFT_SHARED)
        return true;
    for (int i = 0; buf->space == WEFT_GLOBAL && i < p->kernel->nparam; i++)
        if (p->kernel->param[i] == buf)
            return p->kernel->access[i] == WEFT_READ_WRITE;
    return false;
}

static void
add_access(weft_waits *p, weft_touches *list, const weft_buf *buf, const weft_expr *index,
           bool write)
{
    if (!is_watched(p, buf))
        return;
    weft_touch *a = WEFT_PUSH(&p->scratch, list);
    index = weft_subst_expr(p->ir, index, p->turn.n, p->turn.at, p->turn_value.at);
    *a = (weft_touch){ .buf = buf, .index = index, .write = write };
    weft_touch_locate(p, a);
}

static bool
reads_buffer(void *user, const weft_expr *e)
{
    const weft_buf **buf = user;
    if (e->h.kind == WEFT_EK_LOAD && e->h.u.buf == *buf)
        *buf = NULL;
    return *buf;
}

static void
add_store(weft_waits *p, weft_touches *list, const weft_stmt *s)
{
    const weft_buf *buf = s->u.store.buf;
    int n = list->n;
    add_access(p, list, buf, s->u.store.index[0], true);
    if (list->n == n)
        return;
    weft_walk_expr(&(weft_walker){ .expr = reads_buffer, .user = &buf }, s->u.store.value);
    list->at[n].plain = buf && buf->space == WEFT_SHARED;
}

/* The elements of a matrix: `lines` of `width`, each line `stride` after the one before. */
static void
add_matrix(weft_waits *p, weft_touches *list, const weft_stmt *s)
{
    const weft_spot *at = weft_matrix_memory(s);
    weft_fragment f = weft_matrix_held(s)->buf->frag;
    int rows = weft_fragment_rows(f), cols = weft_fragment_cols(f);
    int64_t stride, lines = f.columns ? cols : rows, width = f.columns ? rows : cols;
    if (!at || !is_watched(p, at->buf))
        return;
    add_access(p, list, at->buf, at->index[0], s->u.matrix.op == WEFT_MATRIX_STORE);
    weft_touch *a = &list->at[list->n - 1];
    a->matrix = true;
    a->affine &= weft_as_int(s->u.matrix.stride, &stride) && stride >= 0;
    a->bounded &= a->affine;
    if (a->affine)
        weft_touch_widen(a, (lines - 1) * stride + width, 1);
}

static bool
collect_load(void *user, const weft_expr *e)
{
    collecting *c = user;
    bool own = c->store && e->h.kind == WEFT_EK_LOAD && e->h.u.buf == c->store->u.store.buf &&
               e->arg[0] == c->store->u.store.index[0];
    if (e->h.kind == WEFT_EK_LOAD && !own)
        add_access(c->p, c->list, e->h.u.buf, e->arg[0], false);
    return true;
}

static void
collect_expr(weft_waits *p, weft_touches *list, const weft_expr *e, const weft_stmt *store)
{
    collecting c = { p, list, store };
    if (e)
        weft_walk_expr(&(weft_walker){ .expr = collect_load, .user = &c }, e);
}

void
weft_touch_collect(weft_waits *p, weft_touches *list, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        collect_expr(p, list, s->u.loop.extent, NULL);
        return;
    case WEFT_SK_IF:
        collect_expr(p, list, s->u.iff.cond, NULL);
        return;
    case WEFT_SK_LET:
        collect_expr(p, list, s->u.let.value, NULL);
        return;
    case WEFT_SK_STORE:
        collect_expr(p, list, s->u.store.index[0], NULL);
        collect_expr(p, list, s->u.store.value, s);
        add_store(p, list, s);
        return;
    case WEFT_SK_ATOMIC:
        collect_expr(p, list, s->u.atomic.index, NULL);
        collect_expr(p, list, s->u.atomic.value, NULL);
        add_access(p, list, s->u.atomic.buf, s->u.atomic.index, true);
        return;
    case WEFT_SK_EVAL:
        collect_expr(p, list, s->u.eval.call, NULL);
        return;
    case WEFT_SK_MATRIX:
        add_matrix(p, list, s);
        return;
    default:
        return;
    }
}
