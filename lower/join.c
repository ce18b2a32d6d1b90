/* join: what threads do under one condition, statement after statement, is one statement.
 *
 *   if t < 5 { a = A[t] }                          if t < 5 {
 *   alloc b                                            alloc b
 *   if t < 5 { b = B[t] }                              b = B[t]
 *   if t < 5 { C[t] = a + b }                          ..
 *
 * A thread's own memory that is used there alone is declared there.  Conditions are the same in
 * whatever order they ask; no memory decides them, so that nothing which is done changes them.
 *
 * needs   barriers in place: before, one may have to stand between two of the statements
 * keeps   everything else */
#include "lower/lower.h"

/* Whether the condition asks for all that the other does. */
static bool
asks_for(const weft_expr *cond, const weft_expr *other)
{
    if (cond != other && other->h.kind == WEFT_EK_AND)
        return asks_for(cond, other->arg[0]) && asks_for(cond, other->arg[1]);
    return cond == other || (cond->h.kind == WEFT_EK_AND &&
                             (asks_for(cond->arg[0], other) || asks_for(cond->arg[1], other)));
}

/* Whether what is done under the first's condition goes on in the second. */
static bool
is_continued(const weft_stmt *a, const weft_stmt *b)
{
    if (a->kind != WEFT_SK_IF || b->kind != WEFT_SK_IF || a->u.iff.els || b->u.iff.els)
        return false;
    const weft_expr *first = a->u.iff.cond, *then = b->u.iff.cond;
    return first->h.pure && asks_for(first, then) && asks_for(then, first);
}

static const weft_stmt *join_seq(weft_ir *, const weft_stmt *);

/* Conditions that go on, in a row, as one: what is in them may go on as well. */
static const weft_stmt *
join_row(weft_ir *ir, int n, const weft_stmt *const *row)
{
    const weft_stmt **body = WEFT_NEW_ARRAY(&ir->arena, n, const weft_stmt *);
    for (int i = 0; i < n; i++)
        body[i] = row[i]->u.iff.then;
    return n == 1 ? row[0]
                  : weft_if(ir, row[0]->u.iff.cond, join_seq(ir, weft_seq(ir, n, body)), NULL);
}

/* Statements that are joined in themselves. */
static const weft_stmt *
join_seq(weft_ir *ir, const weft_stmt *s)
{
    if (s->kind != WEFT_SK_SEQ)
        return s;
    const weft_stmt **at = WEFT_NEW_ARRAY(&ir->arena, s->u.seq.n, const weft_stmt *);
    int n = 0;
    for (int i = 0, k; i < s->u.seq.n; i = k) {
        for (k = i + 1; k < s->u.seq.n && is_continued(s->u.seq.at[i], s->u.seq.at[k]);)
            k++;
        at[n++] = join_row(ir, k - i, s->u.seq.at + i);
    }
    return n < s->u.seq.n ? weft_seq(ir, n, at) : s;
}

/* A thread's own memory all of whose scope is one condition. */
static const weft_stmt *
declare_within(weft_ir *ir, const weft_stmt *s)
{
    const weft_stmt *body = s->u.alloc.body;
    bool own = s->u.alloc.buf->space == WEFT_LOCAL && body->kind == WEFT_SK_IF &&
               !body->u.iff.els && body->u.iff.cond->h.pure;
    return own ? weft_if(ir, body->u.iff.cond, weft_alloc(ir, s->u.alloc.buf, body->u.iff.then),
                         NULL)
               : s;
}

static const weft_stmt *
join(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    return s->kind == WEFT_SK_SEQ     ? join_seq(rw->ir, s)
           : s->kind == WEFT_SK_ALLOC ? declare_within(rw->ir, s)
                                      : s;
}

weft_status
weft_pass_join(weft_kernel *k, const weft_lower_options *options, bool *changed, weft_diag *diag)
{
    weft_rewriter rw = { .ir = k->ir, .stmt = join };
    (void)options, (void)diag;
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
