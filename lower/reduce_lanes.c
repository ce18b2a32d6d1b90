/* lower/reduce_lanes.c: reductions across threads by shuffles.
 *
 * The threads of a group, which reduce together, are `stride` apart.  `lanes` of them, a power
 * of two that divides the group, are in one subgroup: they combine by log2(lanes) exchanges,
 * after which each has the result.  Where the group has more, one of them leaves it in a slot
 * of shared memory; behind one barrier all take the slots of their group, a few each, and
 * exchange once more.  No lane reads another that is not there or belongs to another group,
 * whatever the number of threads.
 */
#include "lower/reduce.h"

#include <string.h>

enum { MOST_SLOTS = 8 }; /* that a thread combines by itself; beyond them the tree is faster */

typedef WEFT_VEC(const weft_var *) var_list;

/* One ALLREDUCE being replaced. */
typedef struct folding {
    weft_thread_reducer *r;
    const weft_stmt *s;
    const weft_combiner *with;
    int64_t stride, count; /* of a group */
    int64_t lanes, slots;  /* count = lanes * slots */
    var_list var;          /* names for steps, in order, and what they name */
    WEFT_VEC(const weft_expr *) value;
} folding;

/* ---- which threads --------------------------------------------------------------------------- */

/* Whether all threads of the block are here, and the group's are one stretch of their numbers, but
 * for axes that vary faster. */
static bool
find_group(folding *f)
{
    bool reduced = false, ended = false;
    f->stride = f->count = 1;
    for (int t = 0; t < 3; t++) {
        bool in = f->s->u.all.axes >> (WEFT_THREAD_X + t) & 1;
        if (f->r->extent[t] == 1 && f->r->launched[t] == 1)
            continue;
        if (f->r->extent[t] != f->r->launched[t] || (in && ended))
            return false;
        ended = reduced && !in;
        reduced = reduced || in;
        if (in)
            f->count *= f->r->extent[t];
        else if (!reduced)
            f->stride *= f->r->extent[t];
    }
    return true;
}

static bool
find_lanes(folding *f)
{
    for (f->lanes = 1; f->count % (2 * f->lanes) == 0 &&
                       f->r->lanes % (2 * f->lanes * f->stride) == 0;)
        f->lanes *= 2;
    f->slots = f->count / f->lanes;
    return f->lanes > 1 && weft_ceildiv(f->slots, f->lanes) <= MOST_SLOTS;
}

/* Variables whose values lanes have found for themselves, and whether loops
 * or conditions ask them. */
typedef struct asking {
    bool *own; /* by id */
    uint32_t n;
    bool found, any;
} asking;

static bool
look_for_own(void *user, const weft_expr *e)
{
    asking *a = user;
    a->any |= e->h.kind == WEFT_EK_VAR && e->h.u.var->id < a->n && a->own[e->h.u.var->id];
    return !a->any;
}

static bool
is_own(asking *a, const weft_expr *e)
{
    a->any = false;
    weft_walk_expr(&(weft_walker){ .expr = look_for_own, .user = a }, e);
    return a->any;
}

static bool
look_for_question(void *user, const weft_stmt *s)
{
    asking *a = user;
    if (s->kind == WEFT_SK_LET && is_own(a, s->u.let.value))
        a->own[s->u.let.var->id] = true;
    if (s->kind == WEFT_SK_FOR || s->kind == WEFT_SK_WHILE)
        a->found |= is_own(a, s->u.loop.extent);
    if (s->kind == WEFT_SK_IF)
        a->found |= is_own(a, s->u.iff.cond);
    return !a->found;
}

/* Whether what all threads agree on decides where they go: barriers may stand there. */
static bool
decides(const folding *f)
{
    asking a = { .n = f->r->rw.ir->nvar };
    for (int t = 0; t < 3; t++)
        if (f->r->extent[t] > 1 && !(f->s->u.all.axes >> (WEFT_THREAD_X + t) & 1))
            return false;
    a.own = WEFT_NEW_ARRAY(&f->r->scratch, (int)a.n, bool);
    for (int i = 0; i < f->with->n; i++)
        a.own[f->s->u.all.var[i]->id] = true;
    weft_walk_stmt(&(weft_walker){ .stmt = look_for_question, .user = &a }, f->s->u.all.body);
    return a.found;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static const weft_expr *
name(folding *f, const char *hint, const weft_expr *value)
{
    const weft_var *v = weft_var_make(f->r->rw.ir, hint, value->h.type);
    *WEFT_PUSH(&f->r->scratch, &f->var) = v;
    *WEFT_PUSH(&f->r->scratch, &f->value) = value;
    return weft_ref(f->r->rw.ir, v);
}

/* s below the names from `first` on, which are used up. */
static const weft_stmt *
under_names(folding *f, int first, const weft_stmt *s)
{
    while (f->var.n > first) {
        f->var.n--;
        s = weft_let(f->r->rw.ir, f->var.at[f->var.n], f->value.at[f->var.n], s);
    }
    f->value.n = first;
    return s;
}

static bool
is_operand(const weft_expr *e, const weft_var *v)
{
    return e->h.kind == WEFT_EK_VAR && e->h.u.var == v;
}

/* Whether the combination is one operator that takes both sides once, whatever they are. */
static bool
is_operator(const weft_combiner *w)
{
    const weft_expr *e = w->result[0];
    bool strict = e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_MUL ||
                  e->h.kind == WEFT_EK_MIN || e->h.kind == WEFT_EK_MAX;
    return w->n == 1 && strict && is_operand(e->arg[0], w->lhs[0]) &&
           is_operand(e->arg[1], w->rhs[0]);
}

/* x = x combined with the other values; all new ones from the old. */
static void
combine(folding *f, const weft_expr **x, const weft_expr **other)
{
    weft_ir *ir = f->r->rw.ir;
    int n = f->with->n;
    const weft_var **from = WEFT_NEW_ARRAY(&f->r->scratch, 2 * n, const weft_var *);
    const weft_expr **to = WEFT_NEW_ARRAY(&f->r->scratch, 2 * n, const weft_expr *);
    for (int i = 0; i < n; i++) {
        from[i] = f->with->lhs[i];
        to[i] = x[i];
        from[n + i] = f->with->rhs[i];
        to[n + i] = is_operator(f->with) ? other[i] : name(f, "other", other[i]);
    }
    for (int i = 0; i < n; i++)
        x[i] = name(f, f->s->u.all.var[i]->name,
                    weft_subst_expr(ir, f->with->result[i], 2 * n, from, to));
}

/* Each of so many lanes gets the combination of all. */
static void
exchange(folding *f, const weft_expr **x, int64_t lanes)
{
    weft_ir *ir = f->r->rw.ir;
    const weft_expr **other = WEFT_NEW_ARRAY(&f->r->scratch, f->with->n, const weft_expr *);
    for (int64_t half = lanes / 2; half > 0; half /= 2) {
        for (int i = 0; i < f->with->n; i++)
            other[i] = weft_intrinsic(
                ir, WEFT_IN_SHFL_XOR, 2,
                (const weft_expr *const[]){ x[i], weft_i32(ir, half * f->stride) });
        combine(f, x, other);
    }
}

/* ---- slots ----------------------------------------------------------------------------------- */

static const weft_expr *
by(folding *f, weft_ek op, const weft_expr *e, int64_t n)
{
    weft_ir *ir = f->r->rw.ir;
    return weft_simplify_expr(ir, f->r->facts, weft_binary(ir, op, e, weft_i32(ir, n)));
}

/* a * n + b */
static const weft_expr *
place(folding *f, const weft_expr *a, int64_t n, const weft_expr *b)
{
    weft_ir *ir = f->r->rw.ir;
    return weft_simplify_expr(ir, f->r->facts,
                              weft_add(ir, weft_mul(ir, a, weft_i32(ir, n)), b));
}

/* The first lane of those that have combined leaves the result. */
static const weft_stmt *
leave(folding *f, const weft_expr *number, const weft_buf *const *slot, const weft_expr *const *x)
{
    weft_ir *ir = f->r->rw.ir;
    const weft_expr *lane = by(f, WEFT_EK_FMOD, by(f, WEFT_EK_FDIV, number, f->stride), f->lanes);
    const weft_expr *at = place(f, by(f, WEFT_EK_FDIV, number, f->stride * f->lanes), f->stride,
                                by(f, WEFT_EK_FMOD, number, f->stride));
    const weft_stmt *s = weft_nop(ir);
    for (int i = 0; i < f->with->n; i++)
        s = weft_seq2(ir, s, weft_store(ir, slot[i], 1, &at, x[i]));
    return weft_if(ir, weft_binary(ir, WEFT_EK_EQ, lane, weft_i32(ir, 0)), s, NULL);
}

/* What is in the group's slot number j, or what changes nothing where there is none. */
static void
take(folding *f, const weft_expr *first, const weft_buf *const *slot, const weft_expr *j,
     const weft_expr **x)
{
    weft_ir *ir = f->r->rw.ir;
    const weft_expr *at = place(f, j, f->stride, first);
    const weft_expr *there = weft_simplify_expr(
        ir, f->r->facts, weft_binary(ir, WEFT_EK_LT, j, weft_i32(ir, f->slots)));
    for (int i = 0; i < f->with->n; i++) {
        const weft_expr *load = weft_load(ir, slot[i], 1, &at);
        x[i] = weft_is_int_imm(there, 1) ? load
                                         : weft_guard(ir, there, load, f->with->identity[i]);
    }
}

/* x becomes the combination of all slots of the group. */
static void
take_all(folding *f, const weft_expr *number, const weft_buf *const *slot, const weft_expr **x)
{
    weft_ir *ir = f->r->rw.ir;
    int64_t lanes = 2;
    while (lanes < f->slots && lanes < f->lanes)
        lanes *= 2;
    const weft_expr *lane = by(f, WEFT_EK_FMOD, by(f, WEFT_EK_FDIV, number, f->stride), lanes);
    const weft_expr *first =
        place(f, by(f, WEFT_EK_FDIV, number, f->stride * f->count), f->stride * f->slots,
              by(f, WEFT_EK_FMOD, number, f->stride));
    const weft_expr **more = WEFT_NEW_ARRAY(&f->r->scratch, f->with->n, const weft_expr *);
    take(f, first, slot, lane, x);
    for (int i = 0; i < f->with->n; i++)
        x[i] = name(f, f->s->u.all.var[i]->name, x[i]);
    for (int64_t j = lanes; j < f->slots; j += lanes) {
        take(f, first, slot, weft_add(ir, lane, weft_i32(ir, j)), more);
        combine(f, x, more);
    }
    exchange(f, x, lanes);
}

/* ---- the statement --------------------------------------------------------------------------- */

static const weft_stmt *
with_results(folding *f, const weft_expr *const *x)
{
    const weft_stmt *body = f->s->u.all.body;
    for (int i = f->with->n; i-- > 0;)
        body = weft_let(f->r->rw.ir, f->s->u.all.var[i], x[i], body);
    return body;
}

static const weft_stmt *
fold(folding *f)
{
    weft_thread_reducer *r = f->r;
    weft_ir *ir = r->rw.ir;
    int n = f->with->n;
    const weft_expr *number = weft_thread_number(r, 0);
    const weft_expr **x = WEFT_NEW_ARRAY(&r->scratch, n, const weft_expr *);
    const weft_buf **slot = WEFT_NEW_ARRAY(&r->scratch, n, const weft_buf *);
    for (int i = 0; i < n; i++)
        x[i] = name(f, f->s->u.all.var[i]->name, f->s->u.all.value[i]);
    exchange(f, x, f->lanes);
    if (f->slots == 1)
        return under_names(f, 0, with_results(f, x));
    for (int i = 0; i < n; i++)
        slot[i] = weft_thread_reducer_memory(r, (weft_dtype)x[i]->h.type.dtype,
                                      r->extent[0] * r->extent[1] * r->extent[2] / f->lanes);
    const weft_stmt *first = leave(f, number, slot, x);
    int named = f->var.n;
    take_all(f, number, slot, x);
    const weft_stmt *rest = under_names(f, named, with_results(f, x));
    return under_names(f, 0, weft_seq2(ir, first, rest));
}

const weft_stmt *
weft_reduce_lanes(weft_thread_reducer *r, const weft_stmt *s)
{
    folding f = { .r = r, .s = s, .with = s->u.all.with };
    if (r->lanes < 2 || !find_group(&f) || !find_lanes(&f) || decides(&f))
        return NULL;
    r->shuffles = true;
    return fold(&f);
}
