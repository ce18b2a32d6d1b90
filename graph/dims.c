/* Arithmetic over dims: i64 expressions that are constant nearly always, so constants fold here and
 * only the rest goes to the simplifier.  Also how dims and types print. */
#include "graph/priv.h"

#include <string.h>

/* An expression of more nodes than this, counted as a tree, is "not known": whoever walks one may
 * recurse. */
enum { SIZE_LIMIT = 256 };

static int
size_within(const weft_expr *e, int left)
{
    if (left <= 0)
        return 0;
    left--;
    for (int i = 0; i < e->h.nargs && left > 0; i++)
        left = size_within(e->arg[i], left);
    return left;
}

const weft_expr *
weft_dim(weft_graph *g, int64_t v)
{
    return weft_int(g->ir, WEFT_I64, v);
}

static void
add_facts(weft_graph *g, weft_facts *facts, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_VAR)
        weft_facts_range(facts, e->h.u.var, weft_dim(g, 0), NULL);
    for (int i = 0; i < e->h.nargs; i++)
        add_facts(g, facts, e->arg[i]);
}

/* Symbols are sizes: never negative. */
static weft_facts *
facts_of(weft_graph *g, const weft_expr *e)
{
    weft_facts *facts = weft_facts_create(g->ir);
    add_facts(g, facts, e);
    return facts;
}

/* Constant bounds, as wide as int64 where none are known. */
static void
bounds_of(weft_graph *g, const weft_expr *e, int64_t *min, int64_t *max)
{
    weft_facts *facts = facts_of(g, e);
    *min = INT64_MIN;
    *max = INT64_MAX;
    weft_bounds(g->ir, facts, e, min, max);
    weft_facts_destroy(facts);
}

/* The operand that the operation gives back, where it obviously does. */
static const weft_expr *
shortcut(weft_ek op, const weft_expr *a, const weft_expr *b)
{
    switch (op) {
    case WEFT_EK_ADD:
        return weft_is_int_imm(a, 0) ? b : weft_is_int_imm(b, 0) ? a : NULL;
    case WEFT_EK_SUB:
        return weft_is_int_imm(b, 0) ? a : NULL;
    case WEFT_EK_MUL:
        return weft_is_int_imm(a, 1) || weft_is_int_imm(b, 0)   ? b
               : weft_is_int_imm(b, 1) || weft_is_int_imm(a, 0) ? a
                                                                : NULL;
    case WEFT_EK_FDIV:
        return weft_is_int_imm(b, 1) ? a : NULL;
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return a == b ? a : NULL;
    default:
        return NULL;
    }
}

const weft_expr *
weft_dim_op(weft_graph *g, weft_ek op, const weft_expr *a, const weft_expr *b)
{
    int64_t x, y, r;
    if (!a || !b)
        return NULL;
    if (weft_as_int(a, &x) && weft_as_int(b, &y))
        return weft_fold_i64(op, x, y, &r) ? weft_dim(g, r) : NULL;
    if ((op == WEFT_EK_FDIV || op == WEFT_EK_FMOD) && weft_is_int_imm(b, 0))
        return NULL;
    const weft_expr *e = shortcut(op, a, b);
    if (e)
        return e;
    e = weft_binary(g->ir, op, a, b);
    if (!e || size_within(e, SIZE_LIMIT) == 0)
        return NULL;
    weft_facts *facts = facts_of(g, e);
    e = weft_simplify_expr(g->ir, facts, e);
    weft_facts_destroy(facts);
    return e;
}

int
weft_dim_equal(weft_graph *g, const weft_expr *a, const weft_expr *b)
{
    if (a == b)
        return a ? 1 : -1;
    const weft_expr *d = weft_dim_op(g, WEFT_EK_SUB, a, b);
    int64_t v, min, max;
    if (!d)
        return -1;
    if (weft_as_int(d, &v))
        return v == 0;
    bounds_of(g, d, &min, &max);
    return min > 0 || max < 0 ? 0 : -1;
}

int
weft_dim_at_least(weft_graph *g, const weft_expr *a, int64_t least)
{
    int64_t v, min, max;
    if (!a)
        return -1;
    if (weft_as_int(a, &v))
        return v >= least;
    bounds_of(g, a, &min, &max);
    return min >= least ? 1 : max < least ? 0 : -1;
}

const weft_expr *
weft_dim_ceildiv(weft_graph *g, const weft_expr *a, int64_t by)
{
    const weft_expr *up = weft_dim_op(g, WEFT_EK_ADD, a, weft_dim(g, by - 1));
    return weft_dim_op(g, WEFT_EK_FDIV, up, weft_dim(g, by));
}

const weft_expr *
weft_dim_product(weft_graph *g, const weft_expr *const *dim, int from, int to)
{
    const weft_expr *n = weft_dim(g, 1);
    for (int i = from; i < to; i++)
        n = weft_dim_op(g, WEFT_EK_MUL, n, dim[i]);
    return n;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void print_dim(weft_str *, const weft_expr *, int prec);

static void
print_call(weft_str *s, const char *name, const weft_expr *e)
{
    weft_str_addf(s, "%s(", name);
    for (int i = 0; i < e->h.nargs; i++) {
        weft_str_add(s, i ? ", " : "");
        print_dim(s, e->arg[i], 0);
    }
    weft_str_add(s, ")");
}

/* As weft_print_expr, but that all integers are i64 and so need no suffix. */
static void
print_dim(weft_str *s, const weft_expr *e, int prec)
{
    const weft_expr_info *info = &weft_expr_infos[e->h.kind];
    if (e->h.kind == WEFT_EK_IMM) {
        weft_str_addf(s, prec > 0 && e->h.u.i < 0 ? "(%lld)" : "%lld", (long long)e->h.u.i);
    } else if (e->h.kind == WEFT_EK_VAR) {
        weft_str_add(s, e->h.u.var->name);
    } else if (info->form == WEFT_FORM_INFIX) {
        weft_str_add(s, info->prec < prec ? "(" : "");
        print_dim(s, e->arg[0], info->prec);
        weft_str_addf(s, " %s ", info->text);
        print_dim(s, e->arg[1], info->prec + 1);
        weft_str_add(s, info->prec < prec ? ")" : "");
    } else if (info->form == WEFT_FORM_PREFIX) {
        weft_str_addf(s, "%s", info->text);
        print_dim(s, e->arg[0], info->prec + 1);
    } else {
        print_call(s, e->h.kind == WEFT_EK_CAST ? "i64" : info->text, e);
    }
}

void
weft_print_dim(weft_str *s, const weft_expr *e)
{
    if (e)
        print_dim(s, e, 0);
    else
        weft_str_add(s, "?");
}

void
weft_print_dims(weft_str *s, int n, const weft_expr *const *dim)
{
    weft_str_add(s, "[");
    for (int i = 0; i < n; i++) {
        weft_str_add(s, i ? ", " : "");
        weft_print_dim(s, dim[i]);
    }
    weft_str_add(s, "]");
}

void
weft_print_type(weft_str *s, const weft_value *v)
{
    weft_str_add(s, weft_dtype_name(v->dtype));
    if (v->ndim < 0)
        weft_str_add(s, "[?]");
    else
        weft_print_dims(s, v->ndim, v->dim);
}
