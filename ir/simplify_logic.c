/* Conditions in their context: what stands under a condition is simplified with the condition as a
 * fact.  && and || evaluate both sides, select both arms; so a load below one of them keeps its
 * index as it is, since it runs where the condition does not hold too.
 */
#include "ir/simplify.h"

/* `e` simplified where cond is `truth`. */
static const weft_expr *
under(weft_facts *f, const weft_expr *cond, bool truth, const weft_expr *e)
{
    if (f->contexts <= 0 || e->h.nargs == 0 || cond->h.type.lanes != 1 || weft_is_imm(cond))
        return weft_simp(f, e);
    f->contexts--;
    int mark = weft_facts_mark(f);
    weft_facts_assume_simple(f, cond, truth);
    const weft_expr *r = weft_simp(f, e);
    weft_facts_pop(f, mark);
    return r;
}

/* ---- && and || ------------------------------------------------------------------------------- */

enum { MAX_PARTS = 16 };

typedef struct parts {
    int n;
    const weft_expr *at[MAX_PARTS];
} parts;

/* The operands of a chain of `kind`; false when there are too many. */
static bool
flatten(weft_ek kind, const weft_expr *e, parts *p)
{
    if (e->h.kind == kind)
        return flatten(kind, e->arg[0], p) && flatten(kind, e->arg[1], p);
    if (p->n == MAX_PARTS)
        return false;
    p->at[p->n++] = e;
    return true;
}

static bool
is_decided(const weft_expr *e, bool truth)
{
    int64_t v;
    return weft_as_const(e, &v) && (v != 0) == truth;
}

/* Each part under the ones before it (then, on the way back, under the ones after it).  True when
 * one became another on the way back, under which those after it may be simpler yet. */
static bool
simplify_parts(weft_facts *f, parts *p, bool truth)
{
    bool changed = false;
    int mark = weft_facts_mark(f);
    for (int i = 0; i < p->n; i++) {
        if (p->at[i]->h.pure || i == 0)
            p->at[i] = weft_simp(f, p->at[i]);
        if (p->at[i]->h.pure && i < p->n - 1)
            weft_facts_assume_simple(f, p->at[i], truth);
    }
    weft_facts_pop(f, mark);
    for (int i = p->n - 1; i >= 0; i--) {
        weft_ek kind = (weft_ek)p->at[i]->h.kind;
        const weft_expr *before = p->at[i];
        if (kind >= WEFT_EK_EQ && kind <= WEFT_EK_GE && p->at[i]->h.pure && i < p->n - 1)
            p->at[i] = weft_simp(f, p->at[i]);
        changed |= p->at[i] != before && !weft_is_imm(p->at[i]);
        if (p->at[i]->h.pure && i > 0)
            weft_facts_assume_simple(f, p->at[i], truth);
    }
    weft_facts_pop(f, mark);
    return changed;
}

/* The parts one after the other; what became a chain itself is laid out flat. */
static const weft_expr *
join(weft_facts *f, weft_ek kind, const parts *p)
{
    bool truth = kind == WEFT_EK_AND;
    const weft_expr *all = NULL;
    for (int i = 0; i < p->n; i++) {
        parts flat = { 0 };
        if (is_decided(p->at[i], truth))
            continue;
        if (!flatten(kind, p->at[i], &flat)) {
            flat.n = 1;
            flat.at[0] = p->at[i];
        }
        for (int j = 0; j < flat.n; j++)
            all = all ? weft_binary(f->ir, kind, all, flat.at[j]) : flat.at[j];
    }
    return all ? all : weft_bool_const(f->ir, p->at[0]->h.type, truth);
}

/* Each part by itself. */
static bool
simplify_apart(weft_facts *f, weft_ek kind, parts *p)
{
    parts flat = { 0 };
    for (int i = 0; i < p->n; i++)
        if (!flatten(kind, weft_simp(f, p->at[i]), &flat))
            return false;
    *p = flat;
    return true;
}

/* A chain whose parts are simplified under one another. */
static const weft_expr *
simplify_chain(weft_facts *f, const weft_expr *e)
{
    parts p = { 0 };
    weft_ek kind = (weft_ek)e->h.kind;
    bool truth = kind == WEFT_EK_AND, droppable = true;
    if (e->h.type.lanes != 1 || f->contexts < MAX_PARTS || !flatten(kind, e, &p) ||
        !simplify_apart(f, kind, &p)) {
        const weft_expr *arg[2] = { weft_simp(f, e->arg[0]), weft_simp(f, e->arg[1]) };
        return weft_expr_with(f->ir, e, arg);
    }
    f->contexts -= p.n;
    if (simplify_parts(f, &p, truth))
        simplify_parts(f, &p, truth);
    for (int i = 0; i < p.n; i++)
        droppable &= weft_facts_droppable(f, p.at[i]);
    for (int i = 0; i < p.n && droppable; i++)
        if (is_decided(p.at[i], !truth))
            return p.at[i];
    return join(f, kind, &p);
}

/* ---- choice ---------------------------------------------------------------------------------- */

static const weft_expr *
simplify_choice(weft_facts *f, const weft_expr *e)
{
    const weft_expr *cond = weft_simp(f, e->arg[0]);
    bool guard = e->h.kind == WEFT_EK_GUARD;
    int64_t v;
    if (weft_as_const(cond, &v) && (guard || weft_facts_droppable(f, e->arg[v ? 2 : 1])))
        return weft_simp(f, e->arg[v ? 1 : 2]);
    const weft_expr *arg[3] = { cond, NULL, NULL };
    for (int i = 1; i <= 2; i++)
        arg[i] = guard || e->arg[i]->h.pure ? under(f, cond, i == 1, e->arg[i])
                                            : weft_simp(f, e->arg[i]);
    return weft_expr_with(f->ir, e, arg);
}

/* A guard around what costs nothing and cannot fail is a select. */
static const weft_expr *
unguard(weft_facts *f, const weft_expr *e)
{
    for (int i = 1; i <= 2; i++) {
        const weft_expr *a = e->arg[i];
        while (a->h.kind == WEFT_EK_BCAST)
            a = a->arg[0];
        if (a->h.nargs != 0 || !a->h.pure)
            return NULL;
    }
    return weft_select(f->ir, e->arg[0], e->arg[1], e->arg[2]);
}

const weft_expr *
weft_simp_context(weft_facts *f, const weft_expr *e)
{
    return e->h.kind == WEFT_EK_AND || e->h.kind == WEFT_EK_OR ? simplify_chain(f, e)
                                                               : simplify_choice(f, e);
}

const weft_expr *
weft_simp_logic(weft_facts *f, const weft_expr *e)
{
    return e->h.kind == WEFT_EK_GUARD ? unguard(f, e) : NULL;
}
