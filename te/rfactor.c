/* rfactor: one loop of a reduction becomes a dimension of a stage of its own, whose elements the
 * stage then combines.  That makes reductions in two steps, across kernels or threads.
 *
 * What the loop was split or fused from is `touched`: in the new stage their indices are computed
 * from the leaves, and what a split overshoots is left out by the reduction's condition. */
#include "te/priv.h"

typedef struct factoring {
    weft_te *te;
    weft_stage *s;
    weft_axis *axis;
    int at;             /* dimension of the new stage that the axis becomes */
    bool *touched;      /* by axis id */
    weft_axis **data;   /* of the new stage: op->naxis + 1 */
    weft_axis **reduce; /* of the new stage: untouched axes of the definition, touched leaves */
    int nreduce;
    const weft_expr **index; /* by axis id: what stands for it in the new stage; NULL: itself */
} factoring;

/* ---- which axes ------------------------------------------------------------------------------ */

/* All that is related to the axis through splits and fuses, in either direction. */
static void
find_touched(factoring *f)
{
    bool more = true;
    f->touched = WEFT_NEW_ARRAY(&f->te->ir->arena, f->te->naxis, bool);
    f->touched[f->axis->id] = true;
    while (more) {
        more = false;
        for (int i = 0; i < f->s->relation.n; i++) {
            const weft_relation *r = &f->s->relation.at[i];
            bool *at[3] = { &f->touched[r->outer->id], &f->touched[r->inner->id],
                            &f->touched[r->whole->id] };
            bool any = *at[0] || *at[1] || *at[2];
            more = more || (any && !(*at[0] && *at[1] && *at[2]));
            *at[0] = *at[1] = *at[2] = any;
        }
    }
}

static void
choose_leaves(factoring *f)
{
    for (int i = 0; i < f->s->leaf.n; i++) {
        weft_axis *leaf = f->s->leaf.at[i];
        if (!f->touched[leaf->id] || leaf == f->axis)
            continue;
        weft_te_root_name(f->te, leaf->var->name);
        f->reduce[f->nreduce++] = leaf;
    }
}

/* The reduce axes of the new definition, in the order of the old one: leaves that are touched
 * become some, where the first is that they were made of. */
static void
choose_reduce(factoring *f)
{
    const weft_te_op *op = f->s->op;
    bool chosen = false;
    f->reduce = WEFT_NEW_ARRAY(&f->te->ir->arena, op->nreduce + f->s->leaf.n, weft_axis *);
    for (int i = 0; i < op->nreduce; i++)
        if (!f->touched[op->reduce[i]->id]) {
            f->reduce[f->nreduce++] = op->reduce[i];
        } else if (!chosen) {
            choose_leaves(f);
            chosen = true;
        }
}

/* ---- indices and what bounds them ------------------------------------------------------------ */

static void
choose_data(factoring *f)
{
    weft_te *te = f->te;
    const weft_te_op *op = f->s->op;
    f->data = WEFT_NEW_ARRAY(&te->ir->arena, op->naxis + 1, weft_axis *);
    for (int i = 0; i <= op->naxis; i++) {
        weft_axis *from = i == f->at ? f->axis : op->axis[i - (i > f->at)];
        f->data[i] = weft_te_axis_like(te, from);
        f->index[from->id] = weft_ref(te->ir, f->data[i]->var);
    }
}

/* In the type of the axis: a part's may be narrower than that of the whole. */
static const weft_expr *
typed(const factoring *f, const weft_axis *axis, const weft_expr *e)
{
    return weft_cast_to(f->te->ir, axis->var->type, e);
}

/* Indices of touched axes that are no leaves, children before parents. */
static void
compute_indices(factoring *f)
{
    weft_ir *ir = f->te->ir;
    for (int i = 0; i < f->nreduce; i++)
        f->index[f->reduce[i]->id] = weft_ref(ir, f->reduce[i]->var);
    for (int i = f->s->relation.n - 1; i >= 0; i--) {
        const weft_relation *r = &f->s->relation.at[i];
        const weft_expr *inner = typed(f, r->whole, r->inner->extent), **index = f->index;
        if (!f->touched[r->whole->id])
            continue;
        if (r->kind == WEFT_REL_SPLIT) {
            index[r->whole->id] =
                weft_add(ir, weft_mul(ir, typed(f, r->whole, index[r->outer->id]), inner),
                         typed(f, r->whole, index[r->inner->id]));
        } else {
            const weft_expr *whole = index[r->whole->id];
            index[r->outer->id] = typed(f, r->outer, weft_fdiv(ir, whole, inner));
            index[r->inner->id] = typed(f, r->inner, weft_fmod(ir, whole, inner));
        }
    }
}

/* Both; b, which may read tensors, is evaluated only where a holds. */
static const weft_expr *
both(weft_ir *ir, const weft_expr *a, const weft_expr *b)
{
    if (!a || !b)
        return a ? a : b;
    return b->h.pure ? weft_and(ir, a, b) : weft_guard(ir, a, b, weft_int(ir, WEFT_BOOL, 0));
}

/* cond and that splits of touched axes stay within what they split; NULL: nothing is overshot. */
static const weft_expr *
bounded(const factoring *f, const weft_expr *cond)
{
    weft_ir *ir = f->te->ir;
    weft_facts *facts = weft_facts_create(ir);
    const weft_expr *within = NULL;
    for (int i = 0; i < f->te->symbol.n; i++) {
        const weft_var *v = f->te->symbol.at[i];
        weft_facts_range(facts, v, weft_int(ir, (weft_dtype)v->type.dtype, 0), NULL);
    }
    weft_facts_extent(facts, f->data[f->at]->var, f->data[f->at]->extent);
    for (int i = 0; i < f->nreduce; i++)
        weft_facts_extent(facts, f->reduce[i]->var, f->reduce[i]->extent);
    for (int i = 0; i < f->s->relation.n; i++) {
        const weft_relation *r = &f->s->relation.at[i];
        if (!f->touched[r->whole->id] || r->kind != WEFT_REL_SPLIT)
            continue;
        const weft_expr *fits =
            weft_simplify_expr(ir, facts, weft_lt(ir, f->index[r->whole->id], r->whole->extent));
        if (!weft_is_int_imm(fits, 1) && !weft_prove(ir, facts, fits))
            within = both(ir, within, fits);
    }
    weft_facts_destroy(facts);
    return both(ir, within, cond);
}

static const weft_expr *
substituted(const factoring *f, const weft_expr *e)
{
    const weft_te_op *op = f->s->op;
    int n = op->naxis + op->nreduce;
    weft_arena scratch = { 0 };
    const weft_var **var = WEFT_NEW_ARRAY(&scratch, n, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(&scratch, n, const weft_expr *);
    for (int i = 0; i < n; i++) {
        const weft_axis *axis = i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
        var[i] = axis->var;
        to[i] = f->index[axis->id];
    }
    e = weft_subst_expr(f->te->ir, e, n, var, to);
    weft_arena_reset(&scratch);
    return e;
}

/* ---- the two definitions --------------------------------------------------------------------- */

/* Variables of its own for the combiner: both may come to stand in one kernel. */
static void
own_combiner(weft_te *te, weft_te_op *op)
{
    weft_arena *a = &te->ir->arena;
    int n = op->nout;
    const weft_var **from = WEFT_NEW_ARRAY(a, 2 * n, const weft_var *),
                   **var = WEFT_NEW_ARRAY(a, 2 * n, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(a, 2 * n, const weft_expr *),
                    **result = WEFT_NEW_ARRAY(a, n, const weft_expr *);
    for (int i = 0; i < 2 * n; i++) {
        from[i] = i < n ? op->lhs[i] : op->rhs[i - n];
        var[i] = weft_var_make(te->ir, from[i]->name, from[i]->type);
        to[i] = weft_ref(te->ir, var[i]);
    }
    for (int i = 0; i < n; i++)
        result[i] = weft_subst_expr(te->ir, op->result[i], 2 * n, from, to);
    op->lhs = var;
    op->rhs = var + n;
    op->result = result;
}

/* With no axis left to reduce over, an element is the one value there is, or what changes nothing.
 */
static void
reduce_nothing(weft_te *te, weft_te_op *op)
{
    for (int i = 0; i < op->nout && op->cond; i++)
        op->body[i] = weft_guard(te->ir, op->cond, op->body[i], op->identity[i]);
    op->cond = NULL;
    op->reducer = WEFT_REDUCER_COUNT;
    op->lhs = op->rhs = NULL;
    op->result = op->identity = NULL;
}

static weft_te_op *
insert_factor(const factoring *f, const char *const *names)
{
    weft_te *te = f->te;
    const weft_te_op *op = f->s->op;
    weft_te_op from = *op;
    int place = 0;
    from.naxis = op->naxis + 1;
    from.axis = f->data;
    from.nreduce = f->nreduce;
    from.reduce = f->reduce;
    from.body = WEFT_NEW_ARRAY(&te->ir->arena, op->nout, const weft_expr *);
    for (int i = 0; i < op->nout; i++)
        from.body[i] = substituted(f, op->body[i]);
    from.cond = bounded(f, op->cond ? substituted(f, op->cond) : NULL);
    own_combiner(te, &from);
    if (!f->nreduce)
        reduce_nothing(te, &from);
    while (te->stage.at[place] != f->s)
        place++;
    return weft_te_insert(te, &from, names, place);
}

/* The loops of the reduction but for the axis, with the stages computed at them, go to `to`. */
static void
move_loops(const factoring *f, weft_stage *to)
{
    weft_stage *s = f->s;
    weft_arena *a = &f->te->ir->arena;
    int nleaf = 0, nrelation = 0;
    to->leaf.n = to->op->naxis;
    for (int i = 0; i < s->leaf.n; i++) {
        weft_axis *leaf = s->leaf.at[i];
        if (leaf->kind == WEFT_AXIS_DATA || leaf == f->axis)
            s->leaf.at[nleaf++] = leaf;
        else
            *WEFT_PUSH(a, &to->leaf) = leaf;
    }
    s->leaf.n = nleaf;
    for (int i = 0; i < s->relation.n; i++) {
        const weft_relation r = s->relation.at[i];
        if (r.whole->kind == WEFT_AXIS_DATA)
            s->relation.at[nrelation++] = r;
        else if (!f->touched[r.whole->id])
            *WEFT_PUSH(a, &to->relation) = r;
    }
    s->relation.n = nrelation;
    for (int i = 0; i < to->relation.n; i++)
        to->relation.at[i].outer->stage = to->relation.at[i].inner->stage =
            to->relation.at[i].whole->stage = to;
    for (int i = 0; i < f->te->stage.n; i++) {
        weft_stage *guest = f->te->stage.at[i];
        if (guest->attach == WEFT_AT_AXIS && guest->attach_stage == s &&
            guest->attach_axis->stage == to)
            guest->attach_stage = to;
    }
}

/* s combines what `factor` computes, over the axis alone. */
static void
combine_factor(const factoring *f, const weft_te_op *factor)
{
    weft_arena *a = &f->te->ir->arena;
    weft_te_op *op = f->s->op;
    const weft_expr **index = WEFT_NEW_ARRAY(a, op->naxis + 1, const weft_expr *);
    for (int i = 0; i <= op->naxis; i++) {
        const weft_axis *axis = i == f->at ? f->axis : op->axis[i - (i > f->at)];
        index[i] = weft_ref(f->te->ir, axis->var);
    }
    op->nreduce = 1;
    op->reduce = WEFT_NEW_ARRAY(a, 1, weft_axis *);
    op->reduce[0] = f->axis;
    op->body = WEFT_NEW_ARRAY(a, op->nout, const weft_expr *);
    for (int i = 0; i < op->nout; i++)
        op->body[i] = weft_load(f->te->ir, factor->out[i]->buf, op->naxis + 1, index);
    op->cond = NULL;
}

/* ---- the primitive --------------------------------------------------------------------------- */

static bool
check_factor(weft_te *te, const weft_stage *s, const weft_axis *axis, int at)
{
    const char *label = weft_axis_label(te, axis), *name = weft_stage_name(s);
    if (axis->kind != WEFT_AXIS_REDUCE)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "rfactor: axis %s of stage '%s' is a data axis; factor a reduce axis, or a part "
                  "that split made of one",
                  label, name);
    else if (at < 0 || at > s->op->naxis)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "rfactor: axis %s of stage '%s' as dimension %d; it can be one from 0 to %d",
                  label, name, at, s->op->naxis);
    else
        return true;
    return false;
}

static void
log_rfactor(weft_te *te, const weft_te_op *factor, const char *label, int at)
{
    weft_str made = { 0 };
    for (int i = 0; i < factor->nout; i++)
        weft_str_addf(&made, "%s%s", i ? ", " : "", factor->out[i]->buf->name);
    if (at)
        weft_te_log(te, "%s = rfactor(%s, %d)", weft_str_text(&made), label, at);
    else
        weft_te_log(te, "%s = rfactor(%s)", weft_str_text(&made), label);
    weft_str_free(&made);
}

weft_tensor *
weft_rfactor_named(weft_te *te, weft_tensor *t, weft_axis *axis, int at, const char *const *names)
{
    weft_stage *s = weft_te_loops_of(te, t, "rfactor");
    if (!s)
        return weft_te_null(te, "rfactor"), NULL;
    if (!weft_te_scan_free(te, s, "rfactor") || weft_te_leaf(te, s, axis, "rfactor") < 0 ||
        !check_factor(te, s, axis, at) || !weft_te_room(te, names ? names[0] : "a factor"))
        return NULL;
    weft_arena *a = &te->ir->arena;
    factoring f = { .te = te, .s = s, .axis = axis, .at = at };
    const char *label = weft_axis_label(te, axis),
               **name = WEFT_NEW_ARRAY(a, s->op->nout, const char *);
    for (int i = 0; i < s->op->nout; i++)
        name[i] = names ? names[i] : weft_arena_printf(a, "%s_rf", s->op->out[i]->buf->name);
    find_touched(&f);
    weft_te_root_name(te, axis->var->name);
    choose_reduce(&f);
    f.index = WEFT_NEW_ARRAY(a, te->naxis + s->op->naxis + 1, const weft_expr *);
    choose_data(&f);
    compute_indices(&f);
    const weft_te_op *factor = insert_factor(&f, name);
    move_loops(&f, weft_te_stage(te, factor->out[0]));
    combine_factor(&f, factor);
    log_rfactor(te, factor, label, at);
    return factor->out[t->index];
}

weft_tensor *
weft_rfactor(weft_te *te, weft_tensor *t, weft_axis *axis, int factor_axis)
{
    return weft_rfactor_named(te, t, axis, factor_axis, NULL);
}
