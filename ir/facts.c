/* What is known where the simplifier stands: a stack of facts, and notes about expressions that
 * hold under a version of it.  Every push makes a new version; a pop brings the old one back, and
 * with it the notes that were made under it and not overwritten since. */
#include "ir/simplify.h"

#include <stdlib.h>
#include <string.h>

weft_facts *
weft_facts_create(weft_ir *ir)
{
    weft_facts *f = calloc(1, sizeof *f);
    weft_assert(f, "out of memory");
    f->ir = ir;
    f->version = f->last_version = 1;
    return f;
}

void
weft_facts_destroy(weft_facts *f)
{
    if (!f)
        return;
    weft_arena_reset(&f->arena);
    free(f);
}

int
weft_facts_mark(const weft_facts *f)
{
    return f->fact.n;
}

/* An && that does not hold, or an || that does. */
static bool
is_clause(const weft_fact *fact)
{
    return fact->kind == WEFT_FACT_TRUE &&
           fact->key->h.kind == (fact->range.lo ? WEFT_EK_OR : WEFT_EK_AND);
}

void
weft_facts_pop(weft_facts *f, int mark)
{
    while (f->fact.n > mark) {
        const weft_fact *fact = &f->fact.at[--f->fact.n];
        f->version = fact->version;
        f->nge0 -= fact->kind == WEFT_FACT_GE0;
        f->nkeyed -= fact->kind == WEFT_FACT_RANGE && fact->key->h.kind != WEFT_EK_VAR;
        f->nclause -= is_clause(fact);
    }
}

weft_note *
weft_facts_note(weft_facts *f, const weft_expr *e)
{
    int page = (int)(e->id / WEFT_NOTE_PAGE);
    while (f->page.n <= page)
        *WEFT_PUSH(&f->arena, &f->page) = NULL;
    if (!f->page.at[page])
        f->page.at[page] = WEFT_NEW_ARRAY(&f->arena, WEFT_NOTE_PAGE, weft_note);
    return &f->page.at[page][e->id % WEFT_NOTE_PAGE];
}

const weft_fact *
weft_facts_find(const weft_facts *f, weft_fact_kind kind, const weft_expr *key)
{
    for (int i = f->fact.n - 1; i >= 0; i--)
        if (f->fact.at[i].key == key && f->fact.at[i].kind == kind)
            return &f->fact.at[i];
    return NULL;
}

static weft_fact *
push(weft_facts *f, weft_fact_kind kind, const weft_expr *key)
{
    weft_fact *fact = WEFT_PUSH(&f->arena, &f->fact);
    *fact = (weft_fact){ .kind = kind, .key = key, .version = f->version, .coeff = 1 };
    f->version = ++f->last_version;
    f->nge0 += kind == WEFT_FACT_GE0;
    f->nkeyed += kind == WEFT_FACT_RANGE && key->h.kind != WEFT_EK_VAR;
    return fact;
}

/* Narrows what is known of `key`; nothing is pushed when it is known already. */
static void
narrow(weft_facts *f, const weft_expr *key, weft_range r, weft_mod m)
{
    weft_range old = weft_range_of(f, key);
    weft_mod known = weft_mod_of(f, key);
    if (m.coeff == 1 || known.coeff == 0 || (m.coeff != 0 && known.coeff % m.coeff == 0))
        m = known;
    weft_range now = weft_range_meet(old, r);
    if (now.lo == old.lo && now.hi == old.hi && m.coeff == known.coeff)
        return;
    weft_fact *fact = push(f, WEFT_FACT_RANGE, key);
    fact->range = now;
    fact->coeff = m.coeff;
    fact->base = m.base;
}

static void
narrow_range(weft_facts *f, const weft_expr *key, int64_t lo, int64_t hi)
{
    narrow(f, key, (weft_range){ lo, hi }, (weft_mod){ 1, 0 });
}

/* ---- inequalities ---------------------------------------------------------------------------- */

/* lin >= 0 bounds each of its atoms by what the others can at most make up for. */
static void
narrow_atoms(weft_facts *f, const weft_lin *lin)
{
    for (int i = 0; i < lin->n; i++) {
        weft_lin rest = *lin;
        int64_t c = lin->t[i].c;
        rest.t[i] = rest.t[--rest.n];
        int64_t most = weft_lin_range(f, &rest).hi; /* c * atom >= -most */
        if (most == INT64_MAX || most == INT64_MIN)
            continue;
        if (c > 0)
            narrow_range(f, lin->t[i].atom, weft_ceildiv(-most, c), INT64_MAX);
        else if (c != INT64_MIN)
            narrow_range(f, lin->t[i].atom, INT64_MIN, weft_floordiv(most, -c));
    }
}

static void
assume_nonneg(weft_facts *f, weft_lin *lin)
{
    if (weft_lin_range(f, lin).lo >= 0)
        return;
    narrow_atoms(f, lin);
    if (lin->n > 1 && weft_lin_safe(f, lin))
        push(f, WEFT_FACT_GE0, weft_lin_build(f, lin));
}

/* a - b + k >= 0 */
static void
assume_order(weft_facts *f, const weft_expr *a, const weft_expr *b, int64_t k)
{
    weft_lin lin;
    weft_lin_init(&lin, weft_dtype_of(a), false);
    if (weft_lin_add(f, &lin, a, 1, WEFT_LIN_POLY) && weft_lin_add(f, &lin, b, -1, WEFT_LIN_POLY) &&
        weft_lin_add_const(&lin, k))
        assume_nonneg(f, &lin);
}

/* x // c within a bound is x within c times as much. */
static void
assume_quotient(weft_facts *f, const weft_expr *a, const weft_expr *b, int64_t k)
{
    int64_t c, v, most;
    bool least = a->h.kind == WEFT_EK_FDIV; /* a >= b - k; else b <= a + k */
    const weft_expr *q = least ? a : b, *bound = least ? b : a;
    if (q->h.kind != WEFT_EK_FDIV || !weft_as_int(q->arg[1], &c) || c <= 0 ||
        !weft_as_int(bound, &v) || !weft_add64(v, least ? -k : k, &v) || !weft_mul64(v, c, &most) ||
        (!least && !weft_add64(most, c - 1, &most)) ||
        weft_wrap_i64((weft_dtype)q->h.type.dtype, most) != most)
        return;
    const weft_expr *edge = weft_const_like(f->ir, q->h.type, most);
    assume_order(f, least ? q->arg[0] : edge, least ? edge : q->arg[0], 0);
}

static void
assume_equal(weft_facts *f, const weft_expr *a, const weft_expr *b)
{
    int64_t c, k;
    assume_order(f, a, b, 0);
    assume_order(f, b, a, 0);
    if (a->h.kind == WEFT_EK_FMOD && weft_as_int(a->arg[1], &c) && weft_as_int(b, &k) && c > 1 &&
        a->arg[0]->h.kind != WEFT_EK_ADD && a->arg[0]->h.kind != WEFT_EK_SUB &&
        a->arg[0]->h.kind != WEFT_EK_MUL)
        narrow(f, a->arg[0], (weft_range){ INT64_MIN, INT64_MAX }, (weft_mod){ c, k });
}

static void
assume_unequal(weft_facts *f, const weft_expr *a, const weft_expr *b)
{
    int64_t k;
    weft_range r = weft_range_of(f, a);
    if (weft_as_int(b, &k) && k == r.lo && k != INT64_MIN)
        narrow_range(f, a, k + 1, INT64_MAX);
    else if (weft_as_int(b, &k) && k == r.hi && k != INT64_MAX)
        narrow_range(f, a, INT64_MIN, k - 1);
}

static void
assume_compare(weft_facts *f, const weft_expr *e)
{
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_LT:
        assume_order(f, b, a, -1);
        assume_quotient(f, b, a, -1);
        break;
    case WEFT_EK_LE:
        assume_order(f, b, a, 0);
        assume_quotient(f, b, a, 0);
        break;
    case WEFT_EK_GT:
        assume_order(f, a, b, -1);
        assume_quotient(f, a, b, -1);
        break;
    case WEFT_EK_GE:
        assume_order(f, a, b, 0);
        assume_quotient(f, a, b, 0);
        break;
    case WEFT_EK_EQ:
        assume_equal(f, a, b);
        break;
    case WEFT_EK_NE:
        assume_unequal(f, a, b);
        break;
    default:
        break;
    }
}

/* A bool that stands for itself, in simple form. */
static void
assume_truth(weft_facts *f, const weft_expr *e, bool truth)
{
    if (weft_is_imm(e) || !e->h.pure)
        return;
    weft_fact *fact = push(f, WEFT_FACT_TRUE, e);
    fact->range = (weft_range){ truth, truth };
    f->nclause += is_clause(fact);
}

/* A comparison of scalar integers that no store can change. */
static bool
is_order(const weft_expr *e)
{
    return e->h.kind >= WEFT_EK_EQ && e->h.kind <= WEFT_EK_GE && e->h.pure &&
           weft_is_scalar_int(e->arg[0]);
}

static void
assume(weft_facts *f, const weft_expr *e, bool truth)
{
    if (e->h.kind == WEFT_EK_NOT) {
        assume(f, e->arg[0], !truth);
    } else if (e->h.kind == (truth ? WEFT_EK_AND : WEFT_EK_OR)) {
        assume(f, e->arg[0], truth);
        assume(f, e->arg[1], truth);
    } else if (is_order(e)) {
        const weft_expr *holds = truth ? e : weft_simp(f, weft_not(f->ir, e));
        assume_truth(f, e, truth);
        if (is_order(holds))
            assume_compare(f, holds);
    } else {
        assume_truth(f, e, truth);
    }
}

/* Where one side of a clause has become void, the other one decides it. */
static void
conclude(weft_facts *f)
{
    int left = f->nclause;
    for (int i = f->fact.n - 1; i >= 0 && left > 0; i--) {
        const weft_fact fact = f->fact.at[i];
        if (!is_clause(&fact))
            continue;
        left--;
        bool truth = fact.range.lo != 0;
        for (int side = 0; side < 2; side++) {
            int64_t v;
            const weft_expr *one = weft_simp(f, fact.key->arg[side]);
            if (weft_as_const(one, &v) && (v != 0) != truth)
                assume(f, weft_simp(f, fact.key->arg[1 - side]), truth);
        }
    }
}

void
weft_facts_assume_simple(weft_facts *f, const weft_expr *e, bool truth)
{
    bool known = f->nclause > 0;
    assume(f, e, truth);
    if (known)
        conclude(f);
}

void
weft_facts_assume(weft_facts *f, const weft_expr *cond)
{
    if (cond && cond->h.type.lanes == 1)
        weft_facts_assume_simple(f, weft_simplify_expr(f->ir, f, cond), true);
}

/* ---- variables ------------------------------------------------------------------------------- */

void
weft_facts_range(weft_facts *f, const weft_var *var, const weft_expr *min, const weft_expr *max)
{
    const weft_expr *v = weft_ref(f->ir, var);
    if (!v || !weft_is_scalar_int(v))
        return;
    if (min)
        assume_order(f, v, weft_simp(f, min), 0);
    if (max)
        assume_order(f, weft_simp(f, max), v, 0);
}

void
weft_facts_extent(weft_facts *f, const weft_var *var, const weft_expr *extent)
{
    const weft_expr *v = weft_ref(f->ir, var);
    if (!v || !extent || !weft_is_scalar_int(v))
        return;
    extent = weft_simp(f, extent);
    if (!weft_same_type(v->h.type, extent->h.type)) {
        weft_range r = weft_range_of(f, extent);
        narrow_range(f, v, 0, r.hi == INT64_MAX ? r.hi : r.hi - 1);
        return;
    }
    if (weft_range_of(f, extent).hi <= 0) /* never runs: nothing is worth knowing */
        return;
    if (extent->h.pure)
        assume_order(f, extent, weft_const_like(f->ir, extent->h.type, 1), 0);
    narrow_range(f, v, 0, INT64_MAX);
    if (extent->h.pure)
        assume_order(f, extent, v, -1);
}

void
weft_facts_define(weft_facts *f, const weft_var *var, const weft_expr *value)
{
    const weft_expr *v = weft_ref(f->ir, var);
    if (weft_is_imm(value) || value->h.kind == WEFT_EK_VAR) {
        push(f, WEFT_FACT_VALUE, v)->value = value;
        return;
    }
    if (!weft_is_scalar_int(v))
        return;
    narrow(f, v, weft_range_of(f, value), weft_mod_of(f, value));
    if (value->h.index) {
        assume_order(f, v, value, 0);
        assume_order(f, value, v, 0);
    }
}

/* ---- effects --------------------------------------------------------------------------------- */

bool
weft_facts_droppable(weft_facts *f, const weft_expr *e)
{
    if (e->h.pure)
        return true;
    weft_note *note = weft_facts_note(f, e);
    if (note->effect)
        return note->effect == 1;
    if (f->look >= WEFT_MAX_DEPTH)
        return false;
    bool effect = e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].effect;
    f->look++;
    for (int i = 0; i < e->h.nargs && !effect; i++)
        effect = !weft_facts_droppable(f, e->arg[i]);
    f->look--;
    weft_facts_note(f, e)->effect = effect ? 2 : 1;
    return !effect;
}
