/* Definitions: the checks every definition passes, and the tensors and stage it makes. */
#include "te/priv.h"

#include <string.h>

/* ---- what a body may say --------------------------------------------------------------------- */

typedef struct body_check {
    const weft_te *te;
    const weft_te_op *op;
    const char *fault; /* the first one found, a clause about the definition */
    const char *name;  /* of what it is about, or "" */
} body_check;

static bool
is_axis_of(const weft_te_op *op, const weft_var *v)
{
    for (int i = 0; i < op->naxis; i++)
        if (op->axis[i]->var == v)
            return true;
    for (int i = 0; i < op->nreduce; i++)
        if (op->reduce[i]->var == v)
            return true;
    return false;
}

static bool
is_symbol(const weft_te *te, const weft_var *v)
{
    for (int i = 0; i < te->symbol.n; i++)
        if (te->symbol.at[i] == v)
            return true;
    return false;
}

static bool
body_fault(body_check *c, const char *fault, const char *name)
{
    c->fault = fault;
    c->name = name;
    return false;
}

static bool
check_node(void *user, const weft_expr *e)
{
    body_check *c = user;
    if (c->fault)
        return false;
    if (e->h.type.lanes != 1)
        return body_fault(
            c, "makes a vector; expressions are scalar, vectors come from weft_vectorize", "");
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_VAR:
        if (!is_axis_of(c->op, e->h.u.var) && !is_symbol(c->te, e->h.u.var))
            return body_fault(c, "uses a variable that is neither one of its axes nor a symbol:",
                              e->h.u.var->name);
        return true;
    case WEFT_EK_LOAD:
        if (!weft_te_tensor_of(c->te, e->h.u.buf))
            return body_fault(c, "reads what is no tensor of this program:", e->h.u.buf->name);
        if (weft_te_tensor_of(c->te, e->h.u.buf)->op->kind == WEFT_OP_STATE)
            return body_fault(c, "reads a state that no scan has made yet:", e->h.u.buf->name);
        return true;
    case WEFT_EK_CALL:
        if (weft_intrin_infos[e->h.u.intrin].effect)
            return body_fault(c, "moves values between threads, which is lowering's to do:",
                              weft_intrin_infos[e->h.u.intrin].text);
        return true;
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        return body_fault(c, "divides towards zero; use // and %, which are floor", "");
    default:
        return true;
    }
}

static bool
check_body(weft_te *te, const weft_te_op *op, const char *name, const weft_expr *e)
{
    body_check c = { .te = te, .op = op };
    weft_walker w = { .expr = check_node, .user = &c };
    weft_walk_expr(&w, e);
    if (c.fault)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "the definition of '%s' %s%s%s", name, c.fault,
                  *c.name ? " " : "", c.name);
    return !c.fault;
}

/* ---- axes of a definition -------------------------------------------------------------------- */

static bool
check_axis(weft_te *te, const char *name, const weft_axis *axis, weft_axis_kind kind)
{
    if (!axis)
        return weft_te_null(te, name), false;
    if (axis->stage)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "axis '%s' of '%s' belongs to '%s' already; make a new axis for it",
                  axis->var->name, name, weft_stage_name(axis->stage));
    else if (axis->kind != kind)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "axis '%s' of '%s' is a %s; make it with %s",
                  axis->var->name, name,
                  kind == WEFT_AXIS_DATA ? "reduce axis where a dimension stands"
                                         : "data axis where a reduction stands",
                  kind == WEFT_AXIS_DATA ? "weft_te_axis" : "weft_te_reduce_axis");
    else
        return true;
    return false;
}

static bool
check_axes(weft_te *te, const weft_te_op *op, const char *name)
{
    for (int i = 0; i < op->naxis + op->nreduce; i++) {
        const weft_axis *axis = i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
        if (!check_axis(te, name, axis, i < op->naxis ? WEFT_AXIS_DATA : WEFT_AXIS_REDUCE))
            return false;
        for (int j = 0; j < i; j++)
            if (axis == (j < op->naxis ? op->axis[j] : op->reduce[j - op->naxis]))
                return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                                 "'%s' has axis '%s' twice; make two axes", name, axis->var->name),
                       false;
    }
    return true;
}

/* ---- making ---------------------------------------------------------------------------------- */

static weft_tensor *
new_tensor(weft_te *te, weft_te_op *op, int index, const char *name)
{
    weft_arena *a = &te->ir->arena;
    weft_tensor *t = WEFT_NEW(a, weft_tensor);
    const weft_expr **shape = WEFT_NEW_ARRAY(a, op->naxis, const weft_expr *);
    for (int i = 0; i < op->naxis; i++)
        shape[i] = op->axis[i]->extent;
    t->id = te->tensor.n;
    t->te = te;
    t->op = op;
    t->index = index;
    t->buf =
        weft_buf_make(te->ir, weft_te_take_name(te, WEFT_NAME_TENSOR, name),
                      (weft_dtype)op->body[index]->h.type.dtype, WEFT_GLOBAL, op->naxis, shape);
    weft_te_register(te, t);
    return t;
}

void
weft_te_register(weft_te *te, weft_tensor *t)
{
    weft_arena *a = &te->ir->arena;
    *WEFT_PUSH(a, &te->tensor) = t;
    while (te->by_buf.n <= (int)t->buf->id)
        *WEFT_PUSH(a, &te->by_buf) = NULL;
    te->by_buf.at[t->buf->id] = t;
}

static void
adopt(weft_te *te, weft_stage *s, weft_axis *axis)
{
    axis->stage = s;
    weft_te_settle_name(te, axis->var->name);
    *WEFT_PUSH(&te->ir->arena, &s->leaf) = axis;
}

void
weft_te_insert_stage(weft_te *te, weft_te_op *op, int place)
{
    weft_stage *s = WEFT_NEW(&te->ir->arena, weft_stage);
    s->op = op;
    s->space = WEFT_GLOBAL;
    for (int i = 0; i < op->naxis; i++)
        adopt(te, s, op->axis[i]);
    for (int i = 0; i < op->nreduce; i++)
        adopt(te, s, op->reduce[i]);
    *WEFT_PUSH(&te->ir->arena, &te->stage) = NULL;
    memmove(&te->stage.at[place + 1], &te->stage.at[place],
            (size_t)(te->stage.n - 1 - place) * sizeof *te->stage.at);
    te->stage.at[place] = s;
}

static void *
copy(weft_te *te, const void *from, int n, size_t size)
{
    return n ? weft_arena_dup(&te->ir->arena, from, (size_t)n * size) : NULL;
}

bool
weft_te_room(weft_te *te, const char *name)
{
    if (te->stage.n < WEFT_TE_MAX_STAGES)
        return true;
    weft_fail(te->diag, WEFT_LIMIT, "'%s' would be stage %d of the program, which has at most %d",
              name, te->stage.n + 1, WEFT_TE_MAX_STAGES);
    return false;
}

weft_te_op *
weft_te_insert(weft_te *te, const weft_te_op *from, const char *const *names, int place)
{
    if (!weft_te_room(te, names[0]))
        return NULL;
    weft_te_op *op = copy(te, from, 1, sizeof *from);
    op->kind = WEFT_OP_COMPUTE;
    op->axis = copy(te, from->axis, op->naxis, sizeof *op->axis);
    op->reduce = copy(te, from->reduce, op->nreduce, sizeof *op->reduce);
    op->body = copy(te, from->body, op->nout, sizeof *op->body);
    op->out = WEFT_NEW_ARRAY(&te->ir->arena, op->nout, weft_tensor *);
    if (op->nreduce) {
        op->lhs = copy(te, from->lhs, op->nout, sizeof *op->lhs);
        op->rhs = copy(te, from->rhs, op->nout, sizeof *op->rhs);
        op->result = copy(te, from->result, op->nout, sizeof *op->result);
        op->identity = copy(te, from->identity, op->nout, sizeof *op->identity);
    }
    for (int i = 0; i < op->nout; i++)
        op->out[i] = new_tensor(te, op, i, names[i]);
    op->name = op->out[0]->buf->name;
    weft_te_insert_stage(te, op, place);
    return op;
}

/* Where the stage's definition stands among those that are written; -1: it is none of them. */
static int
source_of(const weft_te *te, const weft_stage *s)
{
    for (int i = 0; i < te->source.n; i++)
        if (te->source.at[i]->out[0] == s->op->out[0])
            return i;
    return -1;
}

weft_te_op *
weft_te_insert_before(weft_te *te, const weft_stage *s, const weft_te_op *from, const char *name)
{
    int place = 0, source = source_of(te, s);
    while (te->stage.at[place] != s)
        place++;
    weft_te_op *op = weft_te_insert(te, from, &name, place);
    if (!op)
        return NULL;
    *WEFT_PUSH(&te->ir->arena, &te->source) = NULL;
    memmove(&te->source.at[source + 1], &te->source.at[source],
            (size_t)(te->source.n - 1 - source) * sizeof *te->source.at);
    te->source.at[source] = copy(te, op, 1, sizeof *op);
    return op;
}

void
weft_te_rewritten(weft_te *te, const weft_stage *s)
{
    te->source.at[source_of(te, s)] = copy(te, s->op, 1, sizeof *s->op);
}

bool
weft_te_is_as_written(const weft_te *te, const weft_stage *s)
{
    int at = source_of(te, s);
    const weft_te_op *was = at < 0 ? NULL : te->source.at[at], *op = s->op;
    return was && s->relation.n == 0 && was->naxis == op->naxis && was->nreduce == op->nreduce &&
           was->body[0] == op->body[0];
}

static bool
check_all(weft_te *te, const weft_te_op *op, const char *const *names)
{
    bool ok = check_axes(te, op, names[0]);
    for (int i = 0; ok && i < op->nout; i++)
        ok = check_body(te, op, names[i], op->body[i]) &&
             (!op->first || check_body(te, op, names[i], op->first[i]));
    return ok && (!op->cond || check_body(te, op, names[0], op->cond));
}

bool
weft_te_check_definition(weft_te *te, const weft_te_op *op)
{
    const char **names = WEFT_NEW_ARRAY(&te->ir->arena, op->nout, const char *);
    for (int i = 0; i < op->nout; i++)
        names[i] = op->out[i]->buf->name;
    return check_all(te, op, names);
}

weft_te_op *
weft_te_define(weft_te *te, const weft_te_op *from, const char *const *names)
{
    if (!check_all(te, from, names))
        return NULL;
    weft_te_op *op = weft_te_insert(te, from, names, te->stage.n);
    if (!op)
        return NULL;
    *WEFT_PUSH(&te->ir->arena, &te->source) = copy(te, op, 1, sizeof *op);
    return op;
}

weft_status
weft_te_compute_tuple(weft_te *te, int n, const char *const *names, int ndim,
                      weft_axis *const *axis, const weft_expr *const *value, weft_tensor **out)
{
    if (!te || !names || !value || !out || (ndim > 0 && !axis))
        return weft_te_null(te, "weft_te_compute");
    if (n < 1)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "a definition of %d tensors; give one",
                         n);
    for (int i = 0; i < n; i++)
        if (!names[i] || !value[i])
            return weft_te_null(te, "weft_te_compute");
    weft_te_op op = { .naxis = ndim, .nout = n, .reducer = WEFT_REDUCER_COUNT };
    op.axis = copy(te, axis, ndim, sizeof *axis);
    op.body = copy(te, value, n, sizeof *value);
    weft_te_op *made = weft_te_define(te, &op, names);
    for (int i = 0; made && i < n; i++)
        out[i] = made->out[i];
    return made ? WEFT_OK : weft_te_null(te, "weft_te_compute");
}

weft_tensor *
weft_te_compute(weft_te *te, const char *name, int ndim, weft_axis *const *axis,
                const weft_expr *value)
{
    weft_tensor *t = NULL;
    weft_te_compute_tuple(te, 1, &name, ndim, axis, &value, &t);
    return t;
}
