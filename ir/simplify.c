/* Simplification of expressions: arguments first, then the node by whatever applies to its kind,
 * until nothing does.
 *
 * It ends: a rule of rules.def makes an expression smaller under a fixed measure; the normal forms
 * of sums, quotients and comparisons are functions of what they are made of and map a normal form
 * to itself; and a node that went through MAX_ROUNDS steps is left as it is.
 * It is linear in the distinct nodes: results are kept by id under the version of the facts, and
 * how often a part is looked at under a condition of its own is budgeted.
 */
#include "ir/simplify.h"

enum { MAX_ROUNDS = 24, MAX_CONTEXTS = 256 };

/* ---- constants ------------------------------------------------------------------------------- */

const weft_expr *
weft_const_like(weft_ir *ir, weft_type type, int64_t v)
{
    return weft_bcast(ir, weft_int(ir, (weft_dtype)type.dtype, v), type.lanes);
}

const weft_expr *
weft_bool_const(weft_ir *ir, weft_type type, bool v)
{
    return weft_bcast(ir, weft_int(ir, WEFT_BOOL, v), type.lanes);
}

bool
weft_as_const(const weft_expr *e, int64_t *v)
{
    return weft_as_int(e->h.kind == WEFT_EK_BCAST ? e->arg[0] : e, v);
}

bool
weft_as_float(const weft_expr *e, double *v)
{
    if (e->h.kind == WEFT_EK_BCAST)
        e = e->arg[0];
    if (!weft_is_imm(e) || !weft_is_float(weft_dtype_of(e)))
        return false;
    *v = e->h.u.f;
    return true;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool
has_context(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_AND || e->h.kind == WEFT_EK_OR || e->h.kind == WEFT_EK_SELECT ||
           e->h.kind == WEFT_EK_GUARD;
}

static const weft_expr *
simplify_args(weft_facts *f, const weft_expr *e)
{
    enum { FEW = 8 };
    const weft_expr *few[FEW], **arg = few;
    bool changed = false;
    if (has_context(e))
        return weft_simp_context(f, e);
    if (e->h.nargs > FEW)
        arg = WEFT_NEW_ARRAY(&f->arena, e->h.nargs, const weft_expr *);
    for (int i = 0; i < e->h.nargs; i++) {
        arg[i] = weft_simp(f, e->arg[i]);
        changed |= arg[i] != e->arg[i];
    }
    return changed ? weft_expr_with(f->ir, e, arg) : e;
}

/* Operators that commute have a constant on the right. */
static const weft_expr *
constant_right(weft_facts *f, const weft_expr *e)
{
    int64_t v;
    double d;
    if (e->h.nargs != 2 || !weft_expr_infos[e->h.kind].commutes)
        return NULL;
    bool left = weft_as_const(e->arg[0], &v) || weft_as_float(e->arg[0], &d);
    bool right = weft_as_const(e->arg[1], &v) || weft_as_float(e->arg[1], &d);
    const weft_expr *arg[2] = { e->arg[1], e->arg[0] };
    return left && !right ? weft_expr_with(f->ir, e, arg) : NULL;
}

static const weft_expr *
by_kind(weft_facts *f, const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_NEG:
        return weft_is_scalar_int(e) ? weft_simp_sum(f, e) : NULL;
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        return weft_is_scalar_int(e) ? weft_simp_div(f, e) : NULL;
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
    case WEFT_EK_LT:
    case WEFT_EK_LE:
    case WEFT_EK_GT:
    case WEFT_EK_GE:
        return weft_simp_compare(f, e);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return weft_simp_minmax(f, e);
    case WEFT_EK_GUARD:
        return weft_simp_logic(f, e);
    case WEFT_EK_CAST:
        return weft_simp_cast(f, e);
    case WEFT_EK_CALL:
        return weft_simp_call(f, e);
    case WEFT_EK_DIV:
        return weft_simp_float_div(f, e);
    default:
        return NULL;
    }
}

/* A comparison or division that bounds and proofs left, decided by trial. */
static const weft_expr *
by_points(weft_facts *f, const weft_expr *e)
{
    bool compares = e->h.kind >= WEFT_EK_EQ && e->h.kind <= WEFT_EK_GE;
    bool divides = e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD;
    return compares || divides ? weft_simp_points(f, e) : NULL;
}

/* A bool that a fact says outright, or an integer with one value left. */
static const weft_expr *
known_value(weft_facts *f, const weft_expr *e)
{
    weft_dtype t = weft_dtype_of(e);
    if (weft_is_imm(e) || !e->h.pure || e->h.type.lanes != 1)
        return NULL;
    if (t == WEFT_BOOL) {
        const weft_fact *fact = weft_facts_find(f, WEFT_FACT_TRUE, e);
        return fact ? weft_bool_const(f->ir, e->h.type, fact->range.lo != 0) : NULL;
    }
    if (!weft_is_int(t))
        return NULL;
    weft_range r = weft_range_of(f, e);
    return weft_range_is_point(r) && weft_range_fits(r, t) ? weft_const_like(f->ir, e->h.type, r.lo)
                                                           : NULL;
}

/* One step at the root of a node with simple arguments; NULL: it is simple. */
static const weft_expr *
step(weft_facts *f, const weft_expr *e)
{
    const weft_expr *r = weft_simp_fold(f, e);
    r = r ? r : known_value(f, e);
    r = r ? r : constant_right(f, e);
    r = r ? r : weft_simp_vector(f, e);
    r = r ? r : weft_simp_rules(f, e);
    r = r ? r : by_kind(f, e);
    return r ? r : by_points(f, e);
}

static const weft_expr *
simplify_var(weft_facts *f, const weft_expr *e)
{
    const weft_fact *fact = weft_facts_find(f, WEFT_FACT_VALUE, e);
    if (fact)
        return weft_simp(f, fact->value);
    const weft_expr *r = known_value(f, e);
    return r ? r : e;
}

static const weft_expr *
rewrite(weft_facts *f, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_VAR)
        return simplify_var(f, e);
    const weft_expr *r = simplify_args(f, e);
    for (int round = 0; round < MAX_ROUNDS; round++) {
        const weft_expr *next = step(f, r);
        if (!next || next == r)
            return r;
        const weft_note *note = weft_facts_note(f, next);
        if (weft_is_imm(next) || note->simple_version == f->version)
            return weft_simp(f, next);
        r = next->h.kind == WEFT_EK_VAR ? simplify_var(f, next) : simplify_args(f, next);
    }
    return r;
}

const weft_expr *
weft_simp(weft_facts *f, const weft_expr *e)
{
    if (weft_is_imm(e))
        return e;
    weft_note *note = weft_facts_note(f, e);
    if (note->simple_version == f->version)
        return note->simple;
    if (f->depth >= WEFT_MAX_DEPTH)
        return e;
    f->depth++;
    const weft_expr *r = rewrite(f, e);
    f->depth--;
    note->simple = r;
    note->simple_version = f->version;
    note = weft_facts_note(f, r);
    note->simple = r;
    note->simple_version = f->version;
    return r;
}

const weft_expr *
weft_simplify_expr(weft_ir *ir, weft_facts *facts, const weft_expr *e)
{
    if (!e)
        return NULL;
    weft_facts *f = facts ? facts : weft_facts_create(ir);
    f->contexts = MAX_CONTEXTS;
    const weft_expr *r = weft_simp(f, e);
    if (!facts)
        weft_facts_destroy(f);
    return r;
}
