/* store_predicate: which elements of a stage are computed and stored. */
#include "te/priv.h"

typedef struct check {
    const weft_te *te;
    const weft_te_op *op;
    const char *fault; /* a clause about the condition, or NULL */
} check;

static bool
check_node(void *user, const weft_expr *e)
{
    check *c = user;
    if (e->h.kind == WEFT_EK_LOAD)
        c->fault = "reads a tensor; it is made of the stage's data axes and symbols";
    if (e->h.kind != WEFT_EK_VAR)
        return !c->fault;
    for (int i = 0; i < c->op->naxis; i++)
        if (c->op->axis[i]->var == e->h.u.var)
            return true;
    for (int i = 0; i < c->te->symbol.n; i++)
        if (c->te->symbol.at[i] == e->h.u.var)
            return true;
    c->fault = weft_arena_printf(&c->te->ir->arena,
                                 "uses '%s', which is no data axis of its definition and no symbol",
                                 e->h.u.var->name);
    return false;
}

static const char *
fault_of(const weft_te *te, const weft_te_op *op, const weft_expr *cond)
{
    check c = { te, op, NULL };
    weft_walker w = { .expr = check_node, .user = &c };
    if (!weft_same_type(cond->h.type, weft_scalar(WEFT_BOOL)))
        return "is no bool; compare an axis with something";
    weft_walk_expr(&w, cond);
    return c.fault;
}

weft_status
weft_store_predicate(weft_te *te, weft_tensor *t, const weft_expr *cond)
{
    weft_stage *s = cond ? weft_te_loops_of(te, t, "store_predicate") : NULL;
    if (!s)
        return weft_te_null(te, "store_predicate");
    const char *name = weft_stage_name(s), *fault = fault_of(te, s->op, cond);
    for (int i = 0; i < s->op->nout; i++)
        if (s->op->out[i]->is_output)
            return weft_fail(
                te->diag, WEFT_INVALID_ARGUMENT,
                "store_predicate: '%s' is an output, every element of which is "
                "written; cache_write(%s, local) gives a stage that may leave some out",
                s->op->out[i]->buf->name, s->op->out[i]->buf->name);
    if (fault)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "store_predicate: the condition of stage '%s' %s", name, fault);
    if (s->stored)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "store_predicate: stage '%s' has a condition already; join the two by &&",
                         name);
    s->stored = cond;
    weft_str text = { 0 };
    weft_print_expr(&text, cond);
    weft_te_log(te, "store_predicate(%s, %s)", name, weft_str_text(&text));
    weft_str_free(&text);
    return WEFT_OK;
}
