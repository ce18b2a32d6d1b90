/* Asks Z3 of kernels at the level device what the simplifier should have found:
 *
 *   check_redundant FILE.wir..
 *
 * Reported, with exit status 1, is every condition, and every part of an && or ||, that is decided
 * by the ranges of the loops and the conditions around it, every division and remainder that is one
 * value or does nothing, every min and max of which one side always wins, and every question that
 * Z3 gave up.  Expressions are unbounded integers, as an index does not overflow (doc/IR.md, 1);
 * what they are made of beyond integer arithmetic (loads, floats, bits) is a value of which nothing
 * is known.
 */
#include "base/base.h"
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>
#include <z3.h>

/* WORK: Z3's own count of a question's steps, whatever else the machine does: some 300 ms. */
enum { WORK = 300000, MAX_BYTES = 1 << 28, MAX_PARTS = 64, MAX_LANES = 16 };

typedef struct checker {
    Z3_context z;
    Z3_solver s;
    weft_arena arena;
    WEFT_VEC(Z3_ast) term;      /* by expression id */
    WEFT_VEC(Z3_ast) let;       /* by variable id: what it stands for; NULL: itself */
    WEFT_VEC(uint32_t) seen;    /* by expression id: the context it was looked at in */
    uint32_t context, contexts; /* the one at hand, and how many there were */
    const char *file;
    const weft_kernel *kernel;
    int asked, found, unknown;
} checker;

/* ---- translation ----------------------------------------------------------------------------- */

static Z3_ast
number(const checker *c, int64_t v)
{
    return Z3_mk_int64(c->z, v, Z3_mk_int_sort(c->z));
}

static bool
is_bool(const weft_expr *e)
{
    return e->h.type.dtype == WEFT_BOOL;
}

static Z3_ast
constant(const checker *c, const char *kind, uint32_t id, bool truth)
{
    char name[32];
    snprintf(name, sizeof name, "%s%u", kind, id);
    return Z3_mk_const(c->z, Z3_mk_string_symbol(c->z, name),
                       truth ? Z3_mk_bool_sort(c->z) : Z3_mk_int_sort(c->z));
}

static Z3_ast
variable(const checker *c, const weft_var *v)
{
    if ((int)v->id < c->let.n && c->let.at[v->id])
        return c->let.at[v->id];
    return constant(c, "v", v->id, v->type.dtype == WEFT_BOOL);
}

static Z3_ast
two(const checker *c, Z3_ast f(Z3_context, unsigned, Z3_ast const[]), Z3_ast a, Z3_ast b)
{
    return f(c->z, 2, (Z3_ast[]){ a, b });
}

/* Z3's div and mod are the floor ones for positive divisors, the only ones that are printed. */
static Z3_ast
division(const checker *c, weft_ek kind, Z3_ast a, Z3_ast b)
{
    Z3_ast zero = number(c, 0), up = Z3_mk_unary_minus(c->z, a);
    bool negated = kind == WEFT_EK_TDIV || kind == WEFT_EK_TMOD;
    bool quotient = kind == WEFT_EK_FDIV || kind == WEFT_EK_TDIV;
    Z3_ast r = quotient ? Z3_mk_div(c->z, a, b) : Z3_mk_mod(c->z, a, b);
    if (!negated)
        return r;
    Z3_ast of_negated = quotient ? Z3_mk_div(c->z, up, b) : Z3_mk_mod(c->z, up, b);
    return Z3_mk_ite(c->z, Z3_mk_ge(c->z, a, zero), r, Z3_mk_unary_minus(c->z, of_negated));
}

static Z3_ast
arithmetic(const checker *c, const weft_expr *e, const Z3_ast *a)
{
    switch (e->h.kind) {
    case WEFT_EK_ADD:
        return two(c, Z3_mk_add, a[0], a[1]);
    case WEFT_EK_SUB:
        return two(c, Z3_mk_sub, a[0], a[1]);
    case WEFT_EK_MUL:
        return two(c, Z3_mk_mul, a[0], a[1]);
    case WEFT_EK_NEG:
        return Z3_mk_unary_minus(c->z, a[0]);
    case WEFT_EK_MIN:
        return Z3_mk_ite(c->z, Z3_mk_lt(c->z, a[1], a[0]), a[1], a[0]);
    case WEFT_EK_MAX:
        return Z3_mk_ite(c->z, Z3_mk_lt(c->z, a[0], a[1]), a[1], a[0]);
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        return division(c, (weft_ek)e->h.kind, a[0], a[1]);
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        return Z3_mk_ite(c->z, a[0], a[1], a[2]);
    case WEFT_EK_RAMP:
        if (e->h.type.lanes > MAX_LANES)
            return NULL;
        return two(c, Z3_mk_add, a[0],
                   two(c, Z3_mk_mul, a[1], constant(c, "lane", e->h.type.lanes, false)));
    case WEFT_EK_CAST:
    case WEFT_EK_BCAST:
        return a[0];
    default:
        return NULL;
    }
}

static Z3_ast
condition(const checker *c, const weft_expr *e, const Z3_ast *a)
{
    switch (e->h.kind) {
    case WEFT_EK_AND:
        return two(c, Z3_mk_and, a[0], a[1]);
    case WEFT_EK_OR:
        return two(c, Z3_mk_or, a[0], a[1]);
    case WEFT_EK_NOT:
        return Z3_mk_not(c->z, a[0]);
    case WEFT_EK_EQ:
        return Z3_mk_eq(c->z, a[0], a[1]);
    case WEFT_EK_NE:
        return Z3_mk_not(c->z, Z3_mk_eq(c->z, a[0], a[1]));
    case WEFT_EK_LT:
        return Z3_mk_lt(c->z, a[0], a[1]);
    case WEFT_EK_LE:
        return Z3_mk_le(c->z, a[0], a[1]);
    case WEFT_EK_GT:
        return Z3_mk_gt(c->z, a[0], a[1]);
    case WEFT_EK_GE:
        return Z3_mk_ge(c->z, a[0], a[1]);
    case WEFT_EK_SELECT:
    case WEFT_EK_GUARD:
        return Z3_mk_ite(c->z, a[0], a[1], a[2]);
    case WEFT_EK_BCAST:
        return a[0];
    default:
        return NULL;
    }
}

static bool
is_division(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD || e->h.kind == WEFT_EK_TDIV ||
           e->h.kind == WEFT_EK_TMOD;
}

/* Whether Z3 is told what the node does: integers and truth values, divisors that are positive. */
static bool
is_known(const weft_expr *e)
{
    int64_t v;
    if (!is_bool(e) && !weft_is_int((weft_dtype)e->h.type.dtype))
        return false;
    if (is_division(e) && (!weft_as_int(e->arg[1], &v) || v <= 0))
        return false;
    for (int i = 0; i < e->h.nargs; i++)
        if (!is_bool(e->arg[i]) && !weft_is_int((weft_dtype)e->arg[i]->h.type.dtype))
            return false;
    bool converts = e->h.kind == WEFT_EK_CAST || e->h.kind == WEFT_EK_EQ || e->h.kind == WEFT_EK_NE;
    return e->h.kind != WEFT_EK_LOAD && e->h.kind != WEFT_EK_CALL &&
           !(converts && is_bool(e->arg[0]));
}

static Z3_ast term(checker *, const weft_expr *);

static Z3_ast
make_term(checker *c, const weft_expr *e)
{
    Z3_ast a[3] = { NULL }, made = NULL;
    int64_t v;
    if (weft_as_int(e, &v))
        return is_bool(e) ? (v ? Z3_mk_true(c->z) : Z3_mk_false(c->z)) : number(c, v);
    if (e->h.kind == WEFT_EK_VAR)
        return variable(c, e->h.u.var);
    if (is_known(e) && e->h.nargs <= 3) {
        for (int i = 0; i < e->h.nargs; i++)
            a[i] = term(c, e->arg[i]);
        made = is_bool(e) ? condition(c, e, a) : arithmetic(c, e, a);
    }
    return made ? made : constant(c, "e", e->id, is_bool(e));
}

static Z3_ast
term(checker *c, const weft_expr *e)
{
    while (c->term.n <= (int)e->id)
        *WEFT_PUSH(&c->arena, &c->term) = NULL;
    if (!c->term.at[e->id]) {
        Z3_ast made = make_term(c, e);
        c->term.at[e->id] = made;
    }
    return c->term.at[e->id];
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Whether `claim` holds wherever the context does. */
static bool
holds(checker *c, Z3_ast claim)
{
    Z3_solver_push(c->z, c->s);
    Z3_solver_assert(c->z, c->s, Z3_mk_not(c->z, claim));
    Z3_lbool r = Z3_solver_check(c->z, c->s);
    Z3_solver_pop(c->z, c->s, 1);
    c->asked++;
    if (r == Z3_L_UNDEF)
        printf("%s: %s: not answered: %s\n", c->file, c->kernel->name,
               Z3_ast_to_string(c->z, claim));
    c->unknown += r == Z3_L_UNDEF;
    return r == Z3_L_FALSE;
}

/* Whether the context can be at all: in dead code everything holds. */
static bool
is_possible(checker *c)
{
    return !holds(c, Z3_mk_false(c->z));
}

static void
report(checker *c, const char *what, const weft_expr *e)
{
    weft_str text = { 0 };
    weft_print_expr(&text, e);
    printf("%s: %s: %s: %s\n", c->file, c->kernel->name, what, weft_str_text(&text));
    weft_str_free(&text);
    c->found++;
}

/* A value that e has in the context, or NULL. */
static Z3_ast
some_value(checker *c, Z3_ast e)
{
    Z3_ast value = NULL;
    if (Z3_solver_check(c->z, c->s) != Z3_L_TRUE)
        return NULL;
    Z3_model m = Z3_solver_get_model(c->z, c->s);
    Z3_model_inc_ref(c->z, m);
    if (!Z3_model_eval(c->z, m, e, true, &value))
        value = NULL;
    Z3_model_dec_ref(c->z, m);
    return value;
}

static void
ask_division(checker *c, const weft_expr *e)
{
    Z3_ast t = term(c, e), value = some_value(c, t);
    if (value && holds(c, Z3_mk_eq(c->z, t, value)))
        report(c, "always one value", e);
    else if ((e->h.kind == WEFT_EK_FMOD || e->h.kind == WEFT_EK_TMOD) &&
             holds(c, Z3_mk_eq(c->z, t, term(c, e->arg[0]))))
        report(c, "a remainder that does nothing", e);
}

static void
ask_extremum(checker *c, const weft_expr *e)
{
    Z3_ast a = term(c, e->arg[0]), b = term(c, e->arg[1]);
    if (holds(c, Z3_mk_le(c->z, a, b)) || holds(c, Z3_mk_le(c->z, b, a)))
        report(c, "one side always wins", e);
}

/* The operands of nested && or ||. */
static int
parts_of(const weft_expr *e, weft_ek kind, int n, const weft_expr *part[MAX_PARTS])
{
    if (e->h.kind == kind && n < MAX_PARTS - 1)
        return parts_of(e->arg[1], kind, parts_of(e->arg[0], kind, n, part), part);
    part[n] = e;
    return n + 1;
}

/* Each part of an && where the others hold, of an || where they do not. */
static void
ask_parts(checker *c, const weft_expr *e)
{
    const weft_expr *part[MAX_PARTS];
    bool all = e->h.kind == WEFT_EK_AND;
    int n = parts_of(e, (weft_ek)e->h.kind, 0, part);
    for (int i = 0; i < n; i++) {
        Z3_solver_push(c->z, c->s);
        for (int k = 0; k < n; k++)
            if (k != i)
                Z3_solver_assert(c->z, c->s,
                                 all ? term(c, part[k]) : Z3_mk_not(c->z, term(c, part[k])));
        Z3_ast t = term(c, part[i]);
        if (is_possible(c) && holds(c, all ? t : Z3_mk_not(c->z, t)))
            report(c, "follows from the rest", part[i]);
        Z3_solver_pop(c->z, c->s, 1);
    }
}

static void
ask_condition(checker *c, const weft_expr *e)
{
    Z3_ast t = term(c, e);
    if (holds(c, t))
        report(c, "always true", e);
    else if (holds(c, Z3_mk_not(c->z, t)))
        report(c, "never true", e);
    else if (e->h.kind == WEFT_EK_AND || e->h.kind == WEFT_EK_OR)
        ask_parts(c, e);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* In a context of its own: what is assumed until leave(). */
static uint32_t
enter(checker *c)
{
    uint32_t before = c->context;
    c->context = ++c->contexts;
    Z3_solver_push(c->z, c->s);
    return before;
}

static void
leave(checker *c, uint32_t before)
{
    Z3_solver_pop(c->z, c->s, 1);
    c->context = before;
}

/* What is said of memory holds but for a moment. */
static void
assume(checker *c, const weft_expr *cond, bool truth)
{
    if (cond->h.pure)
        Z3_solver_assert(c->z, c->s, truth ? term(c, cond) : Z3_mk_not(c->z, term(c, cond)));
}

static void
assume_range(checker *c, Z3_ast v, Z3_ast extent)
{
    Z3_solver_assert(c->z, c->s, Z3_mk_ge(c->z, v, number(c, 0)));
    Z3_solver_assert(c->z, c->s, Z3_mk_lt(c->z, v, extent));
}

static bool
is_new_here(checker *c, const weft_expr *e)
{
    while (c->seen.n <= (int)e->id)
        *WEFT_PUSH(&c->arena, &c->seen) = 0;
    if (c->seen.at[e->id] == c->context)
        return false;
    c->seen.at[e->id] = c->context;
    return true;
}

static void ask(checker *, const weft_expr *);

static void
ask_under(checker *c, const weft_expr *cond, bool truth, const weft_expr *e)
{
    uint32_t before = enter(c);
    assume(c, cond, truth);
    ask(c, e);
    leave(c, before);
}

/* Everything below e; lanes of vectors are any lane. */
static void
ask(checker *c, const weft_expr *e)
{
    if (e->h.nargs == 0 || !is_new_here(c, e))
        return;
    if (is_bool(e) && is_known(e))
        ask_condition(c, e);
    if (is_division(e) && is_known(e))
        ask_division(c, e);
    if ((e->h.kind == WEFT_EK_MIN || e->h.kind == WEFT_EK_MAX) && is_known(e))
        ask_extremum(c, e);
    bool chooses = e->h.kind == WEFT_EK_GUARD || e->h.kind == WEFT_EK_SELECT;
    for (int i = 0; i < e->h.nargs; i++)
        if (chooses && i > 0)
            ask_under(c, e->arg[0], i == 1, e->arg[i]);
        else if (!(e->h.kind == WEFT_EK_NOT || e->h.kind == WEFT_EK_AND || e->h.kind == WEFT_EK_OR))
            ask(c, e->arg[i]);
        else if (!is_bool(e->arg[i]) || !is_known(e->arg[i]))
            ask(c, e->arg[i]);
        else
            for (int k = 0; k < e->arg[i]->h.nargs; k++) /* asked as a part already */
                ask(c, e->arg[i]->arg[k]);
}

static void walk(checker *, const weft_stmt *);

static void
walk_under(checker *c, const weft_expr *cond, bool truth, const weft_stmt *s)
{
    uint32_t before = enter(c);
    assume(c, cond, truth);
    if (s)
        walk(c, s);
    leave(c, before);
}

static void
walk_loop(checker *c, const weft_stmt *s)
{
    uint32_t before = enter(c);
    if (s->kind == WEFT_SK_FOR)
        assume_range(c, variable(c, s->u.loop.var), term(c, s->u.loop.extent));
    ask(c, s->u.loop.extent);
    walk(c, s->u.loop.body);
    leave(c, before);
}

static void
walk_let(checker *c, const weft_stmt *s)
{
    const weft_expr *value = s->u.let.value;
    ask(c, value);
    while (c->let.n <= (int)s->u.let.var->id)
        *WEFT_PUSH(&c->arena, &c->let) = NULL;
    if (value->h.pure && (is_bool(value) || weft_is_int((weft_dtype)value->h.type.dtype)) &&
        value->h.type.lanes == 1)
        c->let.at[s->u.let.var->id] = term(c, value);
    walk(c, s->u.let.body);
}

static void
walk_matrix(checker *c, const weft_stmt *s)
{
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++)
        for (int d = 0; d < s->u.matrix.place[i].n; d++)
            ask(c, s->u.matrix.place[i].index[d]);
    if (s->u.matrix.value)
        ask(c, s->u.matrix.value);
    if (s->u.matrix.stride)
        ask(c, s->u.matrix.stride);
}

static void
walk(checker *c, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            walk(c, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        walk_loop(c, s);
        return;
    case WEFT_SK_IF:
        ask(c, s->u.iff.cond);
        walk_under(c, s->u.iff.cond, true, s->u.iff.then);
        walk_under(c, s->u.iff.cond, false, s->u.iff.els);
        return;
    case WEFT_SK_LET:
        walk_let(c, s);
        return;
    case WEFT_SK_STORE:
        for (int i = 0; i < s->u.store.n; i++)
            ask(c, s->u.store.index[i]);
        ask(c, s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        ask(c, s->u.atomic.index);
        ask(c, s->u.atomic.value);
        return;
    case WEFT_SK_ALLOC:
        walk(c, s->u.alloc.body);
        return;
    case WEFT_SK_EVAL:
        ask(c, s->u.eval.call);
        return;
    case WEFT_SK_PREFETCH:
        ask(c, s->u.prefetch.index);
        return;
    case WEFT_SK_MATRIX:
        walk_matrix(c, s);
        return;
    default:
        return;
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

static void
check_kernel(checker *c, const weft_kernel *k)
{
    Z3_config cfg = Z3_mk_config();
    c->z = Z3_mk_context(cfg);
    Z3_del_config(cfg);
    c->s = Z3_mk_solver(c->z);
    Z3_solver_inc_ref(c->z, c->s);
    Z3_params p = Z3_mk_params(c->z);
    Z3_params_inc_ref(c->z, p);
    Z3_params_set_uint(c->z, p, Z3_mk_string_symbol(c->z, "rlimit"), WORK);
    Z3_solver_set_params(c->z, c->s, p);
    Z3_params_dec_ref(c->z, p);
    c->kernel = k;
    c->context = c->contexts = 1;
    c->term.n = c->let.n = c->seen.n = 0;
    for (uint32_t lanes = 2; lanes <= MAX_LANES; lanes++) /* any lane of a vector */
        assume_range(c, constant(c, "lane", lanes, false), number(c, lanes));
    for (int i = 0; i < k->nscalar; i++)
        Z3_solver_assert(c->z, c->s, Z3_mk_ge(c->z, variable(c, k->scalar[i]), number(c, 0)));
    walk(c, k->body);
    Z3_solver_dec_ref(c->z, c->s);
    Z3_del_context(c->z);
}

static bool
check_file(checker *c, const char *path)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *kernel = NULL;
    char *text = NULL;
    size_t size;
    int n = 0;
    weft_status st = weft_file_read(diag, path, MAX_BYTES, &text, &size);
    st = st == WEFT_OK ? weft_parse_kernels(ir, path, text, &n, &kernel) : st;
    if (st != WEFT_OK)
        fprintf(stderr, "%s\n", weft_diag_text(diag));
    c->file = path;
    for (int i = 0; i < n; i++)
        check_kernel(c, kernel[i]);
    free(text);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    return st == WEFT_OK;
}

int
main(int argc, char **argv)
{
    checker c = { 0 };
    bool read = argc > 1;
    for (int i = 1; i < argc; i++)
        read = check_file(&c, argv[i]) && read;
    printf("%d questions, %d not answered within %d steps, %d redundant\n", c.asked, c.unknown, WORK,
           c.found);
    weft_arena_reset(&c.arena);
    return !read ? 2 : c.found || c.unknown ? 1 : 0;
}
