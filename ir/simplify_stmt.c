/* Simplification of statements: loops, conditions and lets push what they make true, and go where
 * they decide nothing any more.  A loop bound to a block or thread index stays even with one
 * iteration, since it says how the kernel is launched; its variable is 0 all the same.
 */
#include "ir/simplify.h"

static const weft_stmt *simplify(weft_facts *, const weft_stmt *);

static const weft_expr *
value(weft_facts *f, const weft_expr *e)
{
    return weft_simplify_expr(f->ir, f, e);
}

static bool
is_nop(const weft_stmt *s)
{
    return !s || (s->kind == WEFT_SK_SEQ && s->u.seq.n == 0);
}

/* The same statement if it is the old one, else a copy of the new. */
static const weft_stmt *
rebuilt(weft_facts *f, bool changed, const weft_stmt *old, weft_stmt now)
{
    return changed ? weft_stmt_make(f->ir, now) : old;
}

static const weft_stmt *
simplify_seq(weft_facts *f, const weft_stmt *s)
{
    int n = s->u.seq.n;
    bool changed = false;
    const weft_stmt **at = WEFT_NEW_ARRAY(&f->arena, n, const weft_stmt *);
    for (int i = 0; i < n; i++) {
        at[i] = simplify(f, s->u.seq.at[i]);
        changed |= at[i] != s->u.seq.at[i] || is_nop(at[i]);
    }
    return changed ? weft_seq(f->ir, n, at) : s;
}

static const weft_stmt *simplify_if(weft_facts *, const weft_stmt *);

/* A loop of at most one step is a condition: its variable is 0. */
static const weft_stmt *
once(weft_facts *f, const weft_stmt *s, const weft_expr *extent)
{
    const weft_expr *zero = weft_int(f->ir, weft_dtype_of(extent), 0);
    int mark = weft_facts_mark(f);
    weft_facts_range(f, s->u.loop.var, zero, zero);
    s = simplify_if(f, weft_if(f->ir, weft_lt(f->ir, zero, extent), s->u.loop.body, NULL));
    weft_facts_pop(f, mark);
    return s;
}

static const weft_stmt *
simplify_loop(weft_facts *f, const weft_stmt *s)
{
    int64_t n;
    weft_stmt now = *s;
    weft_bind bind = s->u.loop.bind;
    bool stays = weft_is_block(bind) || weft_is_thread(bind);
    now.u.loop.extent = value(f, s->u.loop.extent);
    bool known = weft_as_int(now.u.loop.extent, &n);
    if (known && n <= 0 && !stays)
        return weft_nop(f->ir);
    if (!known && !stays && weft_range_of(f, now.u.loop.extent).hi == 1)
        return once(f, s, now.u.loop.extent);
    int mark = weft_facts_mark(f);
    weft_facts_extent(f, s->u.loop.var, now.u.loop.extent);
    now.u.loop.body = simplify(f, s->u.loop.body);
    weft_facts_pop(f, mark);
    if (!stays && known && n == 1)
        return now.u.loop.body;
    if (!stays && is_nop(now.u.loop.body) && weft_facts_droppable(f, now.u.loop.extent))
        return weft_nop(f->ir);
    bool changed = now.u.loop.extent != s->u.loop.extent || now.u.loop.body != s->u.loop.body;
    return rebuilt(f, changed, s, now);
}

static const weft_stmt *
simplify_while(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.loop.extent = value(f, s->u.loop.extent);
    if (weft_is_int_imm(now.u.loop.extent, 0))
        return weft_nop(f->ir);
    now.u.loop.body = simplify(f, s->u.loop.body);
    bool changed = now.u.loop.extent != s->u.loop.extent || now.u.loop.body != s->u.loop.body;
    return rebuilt(f, changed, s, now);
}

/* A branch where the condition, simple already, is `truth`. */
static const weft_stmt *
branch(weft_facts *f, const weft_expr *cond, bool truth, const weft_stmt *s)
{
    int mark = weft_facts_mark(f);
    weft_facts_assume_simple(f, cond, truth);
    s = simplify(f, s);
    weft_facts_pop(f, mark);
    return s;
}

static const weft_stmt *
simplify_if(weft_facts *f, const weft_stmt *s)
{
    int64_t v;
    weft_stmt now = *s;
    const weft_expr *cond = now.u.iff.cond = value(f, s->u.iff.cond);
    if (weft_as_int(cond, &v)) {
        const weft_stmt *taken = v ? s->u.iff.then : s->u.iff.els;
        return taken ? simplify(f, taken) : weft_nop(f->ir);
    }
    now.u.iff.then = branch(f, cond, true, s->u.iff.then);
    now.u.iff.els = s->u.iff.els ? branch(f, cond, false, s->u.iff.els) : NULL;
    if (is_nop(now.u.iff.els))
        now.u.iff.els = NULL;
    if (is_nop(now.u.iff.then)) {
        if (!now.u.iff.els && weft_facts_droppable(f, cond))
            return weft_nop(f->ir);
        if (now.u.iff.els)
            return weft_if(f->ir, value(f, weft_not(f->ir, cond)), now.u.iff.els, NULL);
    }
    bool changed =
        cond != s->u.iff.cond || now.u.iff.then != s->u.iff.then || now.u.iff.els != s->u.iff.els;
    return rebuilt(f, changed, s, now);
}

typedef struct search {
    const weft_var *var;
    bool found;
} search;

static bool
look_for_var(void *user, const weft_expr *e)
{
    search *s = user;
    s->found |= e->h.kind == WEFT_EK_VAR && e->h.u.var == s->var;
    return !s->found;
}

static bool
uses(const weft_stmt *s, const weft_var *var)
{
    search what = { .var = var };
    weft_walk_stmt(&(weft_walker){ .expr = look_for_var, .user = &what }, s);
    return what.found;
}

static const weft_stmt *
simplify_let(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.let.value = value(f, s->u.let.value);
    bool gone = weft_is_imm(now.u.let.value) || now.u.let.value->h.kind == WEFT_EK_VAR;
    int mark = weft_facts_mark(f);
    weft_facts_define(f, s->u.let.var, now.u.let.value);
    now.u.let.body = simplify(f, s->u.let.body);
    weft_facts_pop(f, mark);
    if (gone)
        return now.u.let.body;
    if (weft_facts_droppable(f, now.u.let.value) && !uses(now.u.let.body, s->u.let.var))
        return now.u.let.body;
    bool changed = now.u.let.value != s->u.let.value || now.u.let.body != s->u.let.body;
    return rebuilt(f, changed, s, now);
}

static const weft_stmt *
simplify_store(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    bool changed = false;
    const weft_expr **index = WEFT_NEW_ARRAY(&f->arena, s->u.store.n, const weft_expr *);
    for (int i = 0; i < s->u.store.n; i++) {
        index[i] = value(f, s->u.store.index[i]);
        changed |= index[i] != s->u.store.index[i];
    }
    now.u.store.index = index;
    now.u.store.value = value(f, s->u.store.value);
    changed |= now.u.store.value != s->u.store.value;
    return rebuilt(f, changed, s, now);
}

static const weft_stmt *
simplify_atomic(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.atomic.index = value(f, s->u.atomic.index);
    now.u.atomic.value = value(f, s->u.atomic.value);
    bool changed =
        now.u.atomic.index != s->u.atomic.index || now.u.atomic.value != s->u.atomic.value;
    return rebuilt(f, changed, s, now);
}

static const weft_stmt *
simplify_matrix(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    bool changed = false;
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        const weft_spot *at = &s->u.matrix.place[i];
        const weft_expr **index = WEFT_NEW_ARRAY(&f->arena, at->n, const weft_expr *);
        for (int d = 0; d < at->n; d++) {
            index[d] = value(f, at->index[d]);
            changed |= index[d] != at->index[d];
        }
        now.u.matrix.place[i].index = index;
    }
    if (s->u.matrix.value)
        now.u.matrix.value = value(f, s->u.matrix.value);
    if (s->u.matrix.stride)
        now.u.matrix.stride = value(f, s->u.matrix.stride);
    changed |= now.u.matrix.value != s->u.matrix.value || now.u.matrix.stride != s->u.matrix.stride;
    return rebuilt(f, changed, s, now);
}

typedef struct meeting {
    const weft_buf *buf;
    bool found;
} meeting;

static bool
look_for_load(void *user, const weft_expr *e)
{
    meeting *m = user;
    m->found |= e->h.kind == WEFT_EK_LOAD && e->h.u.buf == m->buf;
    return !m->found;
}

static bool
look_for_access(void *user, const weft_stmt *s)
{
    meeting *m = user;
    const weft_buf *buf = s->kind == WEFT_SK_STORE      ? s->u.store.buf
                          : s->kind == WEFT_SK_ATOMIC   ? s->u.atomic.buf
                          : s->kind == WEFT_SK_PREFETCH ? s->u.prefetch.buf
                                                        : NULL;
    m->found |= buf == m->buf;
    for (int i = 0; s->kind == WEFT_SK_MATRIX && i < weft_matrix_op_places(s->u.matrix.op); i++)
        m->found |= s->u.matrix.place[i].buf == m->buf;
    return !m->found;
}

static bool
accesses(const weft_stmt *s, const weft_buf *buf)
{
    meeting m = { .buf = buf };
    weft_walk_stmt(&(weft_walker){ look_for_load, look_for_access, &m }, s);
    return m.found;
}

/* Memory that nobody accesses, as behind the last turn of a loop that filled it for the next, is not
 * declared. */
static const weft_stmt *
simplify_alloc(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.alloc.body = simplify(f, s->u.alloc.body);
    if (!accesses(now.u.alloc.body, s->u.alloc.buf))
        return now.u.alloc.body;
    return rebuilt(f, now.u.alloc.body != s->u.alloc.body, s, now);
}

static const weft_stmt *
simplify_eval(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.eval.call = value(f, s->u.eval.call);
    if (weft_facts_droppable(f, now.u.eval.call)) /* no effect, no use */
        return weft_nop(f->ir);
    if (now.u.eval.call->h.kind != WEFT_EK_CALL)
        return s;
    return rebuilt(f, now.u.eval.call != s->u.eval.call, s, now);
}

static const weft_stmt *
simplify_prefetch(weft_facts *f, const weft_stmt *s)
{
    weft_stmt now = *s;
    now.u.prefetch.index = value(f, s->u.prefetch.index);
    return rebuilt(f, now.u.prefetch.index != s->u.prefetch.index, s, now);
}

static const weft_stmt *
simplify_allreduce(weft_facts *f, const weft_stmt *s)
{
    int n = s->u.all.with->n;
    bool changed = false;
    const weft_expr **arrives = WEFT_NEW_ARRAY(&f->arena, n, const weft_expr *);
    for (int i = 0; i < n; i++) {
        arrives[i] = value(f, s->u.all.value[i]);
        changed |= arrives[i] != s->u.all.value[i];
    }
    weft_stmt now = *s;
    now.u.all.value = arrives;
    now.u.all.body = simplify(f, s->u.all.body);
    return rebuilt(f, changed || now.u.all.body != s->u.all.body, s, now);
}

static const weft_stmt *
simplify(weft_facts *f, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return simplify_seq(f, s);
    case WEFT_SK_FOR:
        return simplify_loop(f, s);
    case WEFT_SK_WHILE:
        return simplify_while(f, s);
    case WEFT_SK_IF:
        return simplify_if(f, s);
    case WEFT_SK_LET:
        return simplify_let(f, s);
    case WEFT_SK_STORE:
        return simplify_store(f, s);
    case WEFT_SK_ATOMIC:
        return simplify_atomic(f, s);
    case WEFT_SK_ALLOC:
        return simplify_alloc(f, s);
    case WEFT_SK_EVAL:
        return simplify_eval(f, s);
    case WEFT_SK_PREFETCH:
        return simplify_prefetch(f, s);
    case WEFT_SK_MATRIX:
        return simplify_matrix(f, s);
    case WEFT_SK_ALLREDUCE:
        return simplify_allreduce(f, s);
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
    case WEFT_SK_COUNT:
        break;
    }
    return s;
}

const weft_stmt *
weft_simplify_stmt(weft_ir *ir, weft_facts *facts, const weft_stmt *s)
{
    if (!s)
        return NULL;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    s = simplify(f, s);
    if (!facts)
        weft_facts_destroy(f);
    return s;
}
