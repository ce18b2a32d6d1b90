/* Reductions: the built-in combiners, and a user's own over tuples. */
#include "te/priv.h"

#include "ir/priv.h"

#include <string.h>

const char *const weft_reducer_names[WEFT_REDUCER_COUNT] = {
    /* ORDER: weft_reducer */
    "sum", "prod", "min", "max", "fmin", "fmax", "any", "all",
};

/* a with b: an operator, or for the two that pass over NaN, b where it compares so, else a. */
static const struct {
    weft_ek kind;
    bool chooses;
} combine[WEFT_REDUCER_COUNT] = {
    { WEFT_EK_ADD, false }, { WEFT_EK_MUL, false }, { WEFT_EK_MIN, false }, { WEFT_EK_MAX, false },
    { WEFT_EK_LT, true },   { WEFT_EK_GT, true },   { WEFT_EK_OR, false },  { WEFT_EK_AND, false },
};

static const weft_expr *
combination(weft_ir *ir, weft_reducer r, const weft_expr *a, const weft_expr *b)
{
    if (!combine[r].chooses)
        return weft_binary(ir, combine[r].kind, a, b);
    return weft_select(ir, weft_binary(ir, combine[r].kind, b, a), b, a);
}

static const weft_expr *
identity_of(weft_te *te, weft_reducer r, weft_type t)
{
    switch (r) {
    case WEFT_RMIN:
    case WEFT_FMIN:
        return weft_highest(te->ir, t);
    case WEFT_RMAX:
    case WEFT_FMAX:
        return weft_lowest(te->ir, t);
    case WEFT_PROD:
    case WEFT_ALL:
        return weft_imm(te->ir, t, 1);
    default:
        return weft_imm(te->ir, t, 0);
    }
}

static bool
check_source(weft_te *te, const char *name, weft_reducer r, const weft_expr *source)
{
    bool logical = r == WEFT_ANY || r == WEFT_ALL, is_bool = source->h.type.dtype == WEFT_BOOL;
    if (logical == is_bool)
        return true;
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "'%s' is %s over %s; %s", name,
              weft_reducer_names[r], weft_dtype_name((weft_dtype)source->h.type.dtype),
              logical ? "compare first, any and all take bool"
                      : "use any or all, or cast to a number first");
    return false;
}

weft_tensor *
weft_te_reduce(weft_te *te, const char *name, int ndim, weft_axis *const *axis, int nreduce,
               weft_axis *const *reduce, weft_reducer r, const weft_expr *source)
{
    return weft_te_reduce_where(te, name, ndim, axis, nreduce, reduce, r, source, NULL);
}

/* The arrays a definition is given are not const, though it copies them. */
static weft_axis **
own(weft_te *te, int n, weft_axis *const *axis)
{
    return n ? weft_arena_dup(&te->ir->arena, axis, (size_t)n * sizeof *axis) : NULL;
}

static bool
check_cond(weft_te *te, const char *name, const weft_expr *cond)
{
    if (!cond || weft_same_type(cond->h.type, weft_scalar(WEFT_BOOL)))
        return true;
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "the condition of '%s' is not a bool; compare it with something", name);
    return false;
}

/* The operator's part that a built-in reduction decides; false after an error. */
static bool
built_in(weft_te *te, const char *name, weft_reducer r, const weft_expr *source,
         const weft_expr *cond, weft_te_op *op)
{
    if ((unsigned)r >= WEFT_REDUCER_COUNT)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "'%s' has no reducer of number %d", name,
                         (int)r),
               false;
    if (!check_source(te, name, r, source) || !check_cond(te, name, cond))
        return false;
    weft_arena *a = &te->ir->arena;
    const weft_var **var = WEFT_NEW_ARRAY(a, 2, const weft_var *);
    const weft_expr **e = WEFT_NEW_ARRAY(a, 3, const weft_expr *);
    var[0] = weft_var_make(te->ir, "a", source->h.type);
    var[1] = weft_var_make(te->ir, "b", source->h.type);
    e[0] = source;
    e[1] = combination(te->ir, r, weft_ref(te->ir, var[0]), weft_ref(te->ir, var[1]));
    e[2] = identity_of(te, r, source->h.type);
    op->nout = 1;
    op->body = &e[0];
    op->reducer = r;
    op->lhs = &var[0];
    op->rhs = &var[1];
    op->result = &e[1];
    op->identity = &e[2];
    op->cond = cond;
    return e[1] && e[2];
}

weft_tensor *
weft_te_reduce_where(weft_te *te, const char *name, int ndim, weft_axis *const *axis, int nreduce,
                     weft_axis *const *reduce, weft_reducer r, const weft_expr *source,
                     const weft_expr *cond)
{
    if (!te || !name || !source || (ndim > 0 && !axis) || (nreduce > 0 && !reduce))
        return weft_te_null(te, "weft_te_reduce"), NULL;
    if (nreduce == 0)
        return weft_te_compute(te, name, ndim, axis, source);
    weft_te_op op = { .naxis = ndim, .nreduce = nreduce };
    if (!built_in(te, name, r, source, cond, &op))
        return NULL;
    op.axis = own(te, ndim, axis);
    op.reduce = own(te, nreduce, reduce);
    weft_te_op *made = weft_te_define(te, &op, &name);
    return made ? made->out[0] : NULL;
}

weft_status
weft_te_scan_where(weft_te *te, weft_tensor *state, weft_axis *scan, const weft_expr *first,
                   int nreduce, weft_axis *const *reduce, weft_reducer r, const weft_expr *source,
                   const weft_expr *cond)
{
    if (!te || !state || !scan || !first || !source || nreduce < 1 || !reduce)
        return weft_te_null(te, "weft_te_scan_reduce");
    weft_te_op op = { .naxis = state->op->naxis, .axis = state->op->axis, .nreduce = nreduce };
    if (!built_in(te, state->buf->name, r, source, cond, &op))
        return weft_te_null(te, "weft_te_scan_reduce");
    op.reduce = own(te, nreduce, reduce);
    op.first = &first;
    op.scan = scan;
    return weft_te_define_scan(te, &op, &state);
}

/* ---- tuples ---------------------------------------------------------------------------------- */

typedef struct tuple { /* a definition in the making, arrays in the program's arena */
    const char *name;
    int n;
    const weft_var **lhs, **rhs;
    const weft_expr **result, **identity, **source;
} tuple;

typedef struct var_check {
    const weft_te *te;
    const tuple *t;
    const char *bad;
} var_check;

static bool
check_var(void *user, const weft_expr *e)
{
    var_check *c = user;
    if (e->h.kind == WEFT_EK_LOAD)
        c->bad = e->h.u.buf->name;
    if (e->h.kind != WEFT_EK_VAR)
        return !c->bad;
    const weft_var *v = e->h.u.var;
    for (int i = 0; i < c->t->n; i++)
        if (v == c->t->lhs[i] || v == c->t->rhs[i])
            return true;
    for (int i = 0; i < c->te->symbol.n; i++)
        if (v == c->te->symbol.at[i])
            return true;
    c->bad = v->name;
    return false;
}

static bool
component_fault(weft_te *te, const tuple *t, int i, const char *what)
{
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "component %d of the reducer of '%s': %s", i,
              t->name, what);
    return false;
}

static bool
check_component(weft_te *te, const tuple *t, int i)
{
    weft_type type = t->source[i]->h.type;
    if (!weft_same_type(t->lhs[i]->type, type) || !weft_same_type(t->rhs[i]->type, type))
        return component_fault(te, t, i, "its variables have another type than its source");
    if (!weft_same_type(t->result[i]->h.type, type))
        return component_fault(te, t, i, "its result has another type than its source");
    if (!weft_same_type(t->identity[i]->h.type, type))
        return component_fault(te, t, i, "its identity has another type than its source");
    if (weft_is_imm(t->identity[i]) == false)
        return component_fault(te, t, i, "its identity is not a constant");
    var_check c = { te, t, NULL };
    weft_walker w = { .expr = check_var, .user = &c };
    weft_walk_expr(&w, t->result[i]);
    if (c.bad)
        component_fault(te, t, i,
                        weft_arena_printf(&te->ir->arena,
                                          "its result uses '%s'; it may use the reducer's "
                                          "variables and symbols alone",
                                          c.bad));
    return !c.bad;
}

static bool
name_is_used(const tuple *t, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp((i < t->n ? t->lhs[i] : t->rhs[i - t->n])->name, name) == 0)
            return true;
    return false;
}

/* Variables of its own, whose names are free: text names them without qualifiers. */
static void
rename_vars(weft_te *te, tuple *t)
{
    weft_arena *a = &te->ir->arena;
    const weft_var **from = WEFT_NEW_ARRAY(a, 2 * t->n, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(a, 2 * t->n, const weft_expr *);
    for (int i = 0; i < 2 * t->n; i++) {
        const weft_var **at = i < t->n ? &t->lhs[i] : &t->rhs[i - t->n];
        const char *base = weft_te_identifier(te, (*at)->name), *name = base;
        for (int k = 1; weft_te_name_clash(te, WEFT_NAME_AXIS, name) || name_is_used(t, i, name);
             k++)
            name = weft_arena_printf(a, "%s_%d", base, k);
        from[i] = *at;
        *at = weft_var_make(te->ir, name, (*at)->type);
        to[i] = weft_ref(te->ir, *at);
    }
    for (int i = 0; i < t->n; i++)
        t->result[i] = weft_subst_expr(te->ir, t->result[i], 2 * t->n, from, to);
}

static bool
has_null(const weft_tuple_reducer *r, const char *const *names, const weft_expr *const *source)
{
    for (int i = 0; i < r->n; i++)
        if (!names[i] || !source[i] || !r->lhs[i] || !r->rhs[i] || !r->result[i] || !r->identity[i])
            return true;
    return false;
}

weft_status
weft_te_reduce_tuple(weft_te *te, const char *const *names, int ndim, weft_axis *const *axis,
                     int nreduce, weft_axis *const *reduce, const weft_tuple_reducer *r,
                     const weft_expr *const *source, weft_tensor **out)
{
    return weft_te_reduce_tuple_where(te, names, ndim, axis, nreduce, reduce, r, source, NULL, out);
}

weft_status
weft_te_reduce_tuple_where(weft_te *te, const char *const *names, int ndim, weft_axis *const *axis,
                           int nreduce, weft_axis *const *reduce, const weft_tuple_reducer *r,
                           const weft_expr *const *source, const weft_expr *cond, weft_tensor **out)
{
    if (!te || !names || !r || !source || !out || (ndim > 0 && !axis) || (nreduce > 0 && !reduce))
        return weft_te_null(te, "weft_te_reduce_tuple");
    if (r->n < 1 || nreduce < 1)
        return weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "a reduction of a tuple needs a component and a reduce axis; it was given %d and %d",
            r->n, nreduce);
    if (has_null(r, names, source))
        return weft_te_null(te, "weft_te_reduce_tuple");
    weft_arena *a = &te->ir->arena;
    size_t bytes = (size_t)r->n * sizeof(void *);
    tuple t = { .name = names[0],
                .n = r->n,
                .lhs = weft_arena_dup(a, r->lhs, bytes),
                .rhs = weft_arena_dup(a, r->rhs, bytes),
                .result = weft_arena_dup(a, r->result, bytes),
                .identity = weft_arena_dup(a, r->identity, bytes),
                .source = weft_arena_dup(a, source, bytes) };
    for (int i = 0; i < t.n; i++)
        if (!check_component(te, &t, i))
            return WEFT_INVALID_ARGUMENT;
    if (!check_cond(te, t.name, cond))
        return WEFT_INVALID_ARGUMENT;
    rename_vars(te, &t);
    weft_te_op op = { .naxis = ndim,
                      .axis = own(te, ndim, axis),
                      .nreduce = nreduce,
                      .reduce = own(te, nreduce, reduce),
                      .nout = t.n,
                      .body = t.source,
                      .reducer = WEFT_REDUCER_COUNT,
                      .lhs = t.lhs,
                      .rhs = t.rhs,
                      .result = t.result,
                      .identity = t.identity,
                      .cond = cond };
    weft_te_op *made = weft_te_define(te, &op, names);
    for (int i = 0; made && i < t.n; i++)
        out[i] = made->out[i];
    return made ? WEFT_OK : WEFT_INVALID_ARGUMENT;
}
