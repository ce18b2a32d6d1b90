/* A sum of products defined anew as a product of two matrices that are gathered from the factors:
 * what a convolution is.  The matrices are stages like others, which a schedule computes where it
 * needs a part of them. */
#include "te/priv.h"

typedef struct gathering {
    weft_te *te;
    weft_stage *s;
    const weft_te_gather *plan;
    weft_te_op sum; /* the definition there was */
} gathering;

/* The axes of a stage that is made, and what the sum's are over them. */
typedef struct view {
    int n, nvalue;
    weft_axis **axis;
    const weft_var **var;
    const weft_expr **value;
} view;

/* An axis fused of several: one of them may count in parts of `each` alone. */
typedef struct group {
    int n;
    weft_axis *const *axis;
    const weft_expr **extent;
} group;

static group
group_of(const gathering *g, int n, weft_axis *const *all, const int *at)
{
    weft_arena *a = &g->te->ir->arena;
    group made = { .n = n };
    weft_axis **axis = WEFT_NEW_ARRAY(a, n + 1, weft_axis *);
    made.extent = WEFT_NEW_ARRAY(a, n + 1, const weft_expr *);
    for (int i = 0; i < n; i++) {
        int d = at ? at[i] : i;
        bool part = at && d == g->plan->divided;
        axis[i] = all[d];
        made.extent[i] = part ? weft_i32(g->te->ir, g->plan->each) : all[d]->extent;
    }
    made.axis = axis;
    return made;
}

static const weft_expr *
simple(const gathering *g, const weft_expr *e)
{
    return weft_simplify_expr(g->te->ir, NULL, e);
}

static const weft_expr *
size_of(const gathering *g, const group *of)
{
    const weft_expr *n = weft_i32(g->te->ir, 1);
    for (int i = 0; i < of->n; i++)
        n = weft_mul(g->te->ir, n, of->extent[i]);
    return simple(g, n);
}

static void
stand_for(view *v, const weft_axis *axis, const weft_expr *value)
{
    v->var[v->nvalue] = axis->var;
    v->value[v->nvalue++] = value;
}

static const weft_axis *
divided_axis(const gathering *g)
{
    return g->plan->divided < 0 ? NULL : g->sum.axis[g->plan->divided];
}

/* The group's axes as digits of `at`; `quotient`: of the axis that counts in parts, or NULL. */
static void
take_digits(const gathering *g, view *v, const group *of, const weft_expr *at,
            const weft_expr *quotient)
{
    weft_ir *ir = g->te->ir;
    for (int i = of->n; i-- > 0;) {
        const weft_expr *digit = i ? weft_fmod(ir, at, of->extent[i]) : at;
        if (of->axis[i] == divided_axis(g))
            digit = weft_add(ir, weft_mul(ir, quotient, of->extent[i]), digit);
        stand_for(v, of->axis[i], simple(g, digit));
        at = simple(g, weft_fdiv(ir, at, of->extent[i]));
    }
}

/* The axes that every stage begins with: those of both factors, and which part it is of the divided
 * one; its reference, or NULL. */
static const weft_expr *
begin_view(const gathering *g, view *v)
{
    const weft_te_gather *plan = g->plan;
    weft_arena *a = &g->te->ir->arena;
    weft_ir *ir = g->te->ir;
    int most = g->sum.naxis + g->sum.nreduce + 4;
    *v = (view){ .axis = WEFT_NEW_ARRAY(a, most, weft_axis *),
                 .var = WEFT_NEW_ARRAY(a, most, const weft_var *),
                 .value = WEFT_NEW_ARRAY(a, most, const weft_expr *) };
    for (int i = 0; i < plan->nboth; i++) {
        v->axis[v->n] = weft_te_axis_like(g->te, g->sum.axis[plan->both[i]]);
        stand_for(v, g->sum.axis[plan->both[i]], weft_ref(ir, v->axis[v->n++]->var));
    }
    if (plan->divided < 0)
        return NULL;
    const weft_expr *parts = weft_fdiv(ir, divided_axis(g)->extent, weft_i32(ir, plan->each));
    v->axis[v->n] = weft_te_axis(g->te, "g", simple(g, parts));
    return v->axis[v->n] ? weft_ref(ir, v->axis[v->n++]->var) : NULL;
}

static const weft_expr *
add_axis(const gathering *g, view *v, const char *name, const group *of)
{
    weft_axis *axis = weft_te_axis(g->te, name, size_of(g, of));
    v->axis[v->n++] = axis;
    return weft_ref(g->te->ir, axis->var);
}

static const weft_expr *
without_cast(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_CAST ? e->arg[0] : e;
}

static weft_te_op *
insert(const gathering *g, weft_te_op from, const char *suffix)
{
    return weft_te_insert_before(
        g->te, g->s, &from,
        weft_arena_printf(&g->te->ir->arena, "%s_%s", weft_stage_name(g->s), suffix));
}

/* The matrix of a factor: rows by steps, or steps by columns. */
static weft_te_op *
gather(const gathering *g, bool columns)
{
    const weft_te_gather *plan = g->plan;
    const weft_expr *factor = without_cast(g->sum.body[0]->arg[columns != plan->swapped]);
    group k = group_of(g, g->sum.nreduce, g->sum.reduce, NULL);
    group own = columns ? group_of(g, plan->ncol, g->sum.axis, plan->col)
                        : group_of(g, plan->nrow, g->sum.axis, plan->row);
    view v;
    const weft_expr *part = begin_view(g, &v), *at;
    if (columns) {
        at = add_axis(g, &v, "k", &k);
        take_digits(g, &v, &k, at, NULL);
        if (part) /* any of the part does */
            stand_for(&v, divided_axis(g),
                      weft_mul(g->te->ir, part, weft_i32(g->te->ir, plan->each)));
    }
    at = add_axis(g, &v, columns ? "p" : "i", &own);
    take_digits(g, &v, &own, at, part);
    if (!columns) {
        at = add_axis(g, &v, "k", &k);
        take_digits(g, &v, &k, at, NULL);
    }
    const weft_expr *body =
        simple(g, weft_subst_expr(g->te->ir, factor, v.nvalue, v.var, v.value));
    weft_te_op op = { .naxis = v.n, .axis = v.axis, .nout = 1, .body = &body,
                      .reducer = WEFT_REDUCER_COUNT };
    return insert(g, op, columns ? "columns" : "rows");
}

/* An element of a gathered matrix, converted as the factor was. */
static const weft_expr *
element(const gathering *g, const weft_te_op *of, bool columns, const weft_expr *const *index)
{
    const weft_expr *e = weft_load(g->te->ir, of->out[0]->buf, of->naxis, index);
    const weft_expr *was = g->sum.body[0]->arg[columns != g->plan->swapped];
    return was->h.kind == WEFT_EK_CAST ? weft_cast_to(g->te->ir, was->h.type, e) : e;
}

static weft_te_op *
multiply(const gathering *g, const weft_te_op *rows, const weft_te_op *columns)
{
    weft_te *te = g->te;
    weft_ir *ir = te->ir;
    group i = group_of(g, g->plan->nrow, g->sum.axis, g->plan->row),
          p = group_of(g, g->plan->ncol, g->sum.axis, g->plan->col),
          k = group_of(g, g->sum.nreduce, g->sum.reduce, NULL);
    view v;
    (void)begin_view(g, &v);
    int n = v.n;
    const weft_expr **a = WEFT_NEW_ARRAY(&ir->arena, n + 2, const weft_expr *),
                    **b = WEFT_NEW_ARRAY(&ir->arena, n + 2, const weft_expr *);
    for (int d = 0; d < n; d++)
        a[d] = b[d] = weft_ref(ir, v.axis[d]->var);
    a[n] = add_axis(g, &v, "i", &i);
    b[n + 1] = add_axis(g, &v, "p", &p);
    weft_axis *step = weft_te_reduce_axis(te, "k", size_of(g, &k));
    a[n + 1] = b[n] = weft_ref(ir, step->var);
    const weft_expr *x = element(g, rows, false, a), *y = element(g, columns, true, b),
                    *body = weft_mul(ir, x, y);
    weft_te_op op = g->sum; /* the combiner */
    op.naxis = v.n;
    op.axis = v.axis;
    op.nreduce = 1;
    op.reduce = &step;
    op.body = &body;
    return insert(g, op, "product");
}

/* The number that the group's axes are digits of. */
static const weft_expr *
number(const gathering *g, const group *of)
{
    weft_ir *ir = g->te->ir;
    const weft_expr *n = weft_i32(ir, 0);
    for (int i = 0; i < of->n; i++) {
        const weft_expr *digit = weft_ref(ir, of->axis[i]->var);
        if (of->axis[i] == divided_axis(g))
            digit = weft_fmod(ir, digit, of->extent[i]);
        n = weft_add(ir, weft_mul(ir, n, of->extent[i]), digit);
    }
    return simple(g, n);
}

/* The sum becomes what the product has at its axes. */
static void
become_reader(const gathering *g, const weft_te_op *product)
{
    weft_ir *ir = g->te->ir;
    const weft_te_gather *plan = g->plan;
    weft_te_op *op = g->s->op;
    group i = group_of(g, plan->nrow, g->sum.axis, plan->row),
          p = group_of(g, plan->ncol, g->sum.axis, plan->col);
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, product->naxis, const weft_expr *),
                    **body = WEFT_NEW_ARRAY(&ir->arena, 1, const weft_expr *);
    int n = 0;
    for (int d = 0; d < plan->nboth; d++)
        index[n++] = weft_ref(ir, g->sum.axis[plan->both[d]]->var);
    if (plan->divided >= 0)
        index[n++] = weft_fdiv(ir, weft_ref(ir, divided_axis(g)->var), weft_i32(ir, plan->each));
    index[n++] = number(g, &i);
    index[n++] = number(g, &p);
    body[0] = weft_load(ir, product->out[0]->buf, n, index);
    *op = (weft_te_op){ .kind = op->kind, .name = op->name, .naxis = op->naxis, .axis = op->axis,
                        .nout = 1, .out = op->out, .body = body, .reducer = WEFT_REDUCER_COUNT };
    g->s->leaf.n = 0;
    for (int d = 0; d < op->naxis; d++)
        g->s->leaf.at[g->s->leaf.n++] = op->axis[d];
    weft_te_rewritten(g->te, g->s);
}

weft_tensor *
weft_te_gather_product(weft_te *te, weft_stage *s, const weft_te_gather *plan)
{
    gathering g = { .te = te, .s = s, .plan = plan, .sum = *s->op };
    weft_te_op *rows = gather(&g, false), *columns = rows ? gather(&g, true) : NULL,
               *product = columns ? multiply(&g, rows, columns) : NULL;
    if (!product)
        return NULL;
    become_reader(&g, product);
    return product->out[0];
}
