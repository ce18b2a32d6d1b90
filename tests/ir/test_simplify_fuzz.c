/* Random expressions have the value they had before, whatever the variables, and load nothing they
 * did not load.  WEFT_FUZZ_N: how many (100000, a million with WEFT_TEST_LONG); WEFT_FUZZ_SEED: which (1). */
#include "support_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NVAR = 12, PER_CONTEXT = 400, POINTS = 6, LANES = 4 };

/* Index variables (the first nine) with the bounds that the facts state; symbols n and m. */
typedef struct world {
    weft_ir *ir;
    weft_diag *diag;
    weft_facts *facts;
    const weft_var *var[NVAR];
    value at[NVAR];
    const weft_buf *buf[5];
    uint64_t rng;
} world;

enum { VAR_N, VAR_M, VAR_O, VAR_I, VAR_J, VAR_R, VAR_S, VAR_X, VAR_Y, VAR_P, VAR_Q, VAR_F };

static const char *const buf_name[5] = { "A", "B", "C", "D", "F" };
static const weft_dtype buf_type[5] = { WEFT_I32, WEFT_U8, WEFT_I8, WEFT_U32, WEFT_F32 };

static int
pick(world *w, int n)
{
    return (int)(next_random(&w->rng) % (uint64_t)n);
}

static const weft_expr *
ref(world *w, int v)
{
    return weft_ref(w->ir, w->var[v]);
}

static void
set_up(world *w)
{
    static const char *const name[NVAR] = { "n", "m", "o", "i", "j", "r",
                                            "s", "x", "y", "p", "q", "f" };
    w->diag = weft_diag_create();
    w->ir = weft_ir_create(w->diag);
    w->facts = weft_facts_create(w->ir);
    for (int k = 0; k < NVAR; k++) {
        weft_dtype t = k < VAR_P ? WEFT_I32 : k < VAR_F ? WEFT_BOOL : WEFT_F32;
        w->var[k] = weft_var_make(w->ir, name[k], weft_scalar(t));
    }
    const weft_expr *shape = weft_i32(w->ir, 1000);
    for (int k = 0; k < 5; k++)
        w->buf[k] = weft_buf_make(w->ir, buf_name[k], buf_type[k], WEFT_GLOBAL, 1, &shape);
    weft_facts_range(w->facts, w->var[VAR_N], weft_i32(w->ir, 1), NULL);
    weft_facts_range(w->facts, w->var[VAR_M], weft_i32(w->ir, 1), weft_i32(w->ir, 5));
    weft_facts_extent(w->facts, w->var[VAR_O], weft_i32(w->ir, 7));
    weft_facts_extent(w->facts, w->var[VAR_I], weft_i32(w->ir, 16));
    weft_facts_extent(w->facts, w->var[VAR_J], weft_i32(w->ir, 4));
    weft_facts_extent(w->facts, w->var[VAR_R], ref(w, VAR_N));
    weft_facts_extent(w->facts, w->var[VAR_S], ref(w, VAR_M));
}

static void
tear_down(world *w)
{
    if (!w->ir)
        return;
    assert_string_equal(weft_diag_text(w->diag), ""); /* what is generated is well typed */
    weft_facts_destroy(w->facts);
    weft_ir_destroy(w->ir);
    weft_diag_destroy(w->diag);
}

/* A point where the facts hold. */
static void
choose_point(world *w)
{
    static const double some[] = { 0, -0.0, 1, -1, 0.5, 3, INFINITY, -INFINITY, NAN };
    int64_t n = 1 + pick(w, 6), m = 1 + pick(w, 5);
    int64_t v[VAR_F] = { n,
                         m,
                         pick(w, 7),
                         pick(w, 16),
                         pick(w, 4),
                         pick(w, (int)n),
                         pick(w, (int)m),
                         pick(w, 101) - 50,
                         pick(w, 21) - 10,
                         pick(w, 2),
                         pick(w, 2) };
    for (int k = 0; k < NVAR; k++)
        w->at[k] = (value){ .type = w->var[k]->type, .i = { k < VAR_F ? v[k] : 0 } };
    w->at[VAR_F].f[0] = some[pick(w, 9)];
}

/* ---- random expressions ---------------------------------------------------------------------- */

static const weft_expr *gen(world *, weft_type, bool index, int depth);

static const weft_expr *
gen_int_leaf(world *w, weft_dtype t, bool index)
{
    static const int64_t some[] = { 0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 32, -1, -3, -4, -16, 64 };
    if (pick(w, 3) == 0)
        return weft_int(w->ir, t, some[pick(w, 16)]);
    if (t == WEFT_I32 && (index || pick(w, 2)))
        return ref(w, pick(w, VAR_P));
    if (index && t == WEFT_I64)
        return weft_cast(w->ir, t, ref(w, pick(w, VAR_P)));
    if (index)
        return weft_int(w->ir, t, some[pick(w, 16)]);
    const weft_expr *at = gen(w, weft_scalar(WEFT_I32), true, 1);
    for (int k = 0; k < 4; k++)
        if (buf_type[k] == t)
            return weft_load(w->ir, w->buf[k], 1, &at);
    return weft_cast(w->ir, t, weft_load(w->ir, w->buf[pick(w, 4)], 1, &at));
}

static const weft_expr *
gen_binary(world *w, weft_type t, bool index, int depth, const weft_ek *kind, int n)
{
    const weft_expr *a = gen(w, t, index, depth - 1);
    return weft_binary(w->ir, kind[pick(w, n)], a, gen(w, t, index, depth - 1));
}

static const weft_expr *
gen_choice(world *w, weft_type t, bool index, int depth)
{
    weft_type b = { WEFT_BOOL, t.lanes };
    bool guard = pick(w, 2);
    const weft_expr *c = gen(w, guard ? weft_scalar(WEFT_BOOL) : b, index, depth - 1);
    const weft_expr *x = gen(w, t, index, depth - 1), *y = gen(w, t, index, depth - 1);
    return guard ? weft_guard(w->ir, c, x, y) : weft_select(w->ir, c, x, y);
}

/* x * c, x // c, x % c: what index arithmetic is made of. */
static const weft_expr *
gen_scaled(world *w, weft_type t, bool index, int depth)
{
    static const weft_ek kinds[] = { WEFT_EK_MUL, WEFT_EK_FDIV, WEFT_EK_FMOD };
    static const int64_t by[] = { 2, 3, 4, 4, 6, 8, 12, 16, 16, 32, -4, 1 };
    const weft_expr *c = weft_int(w->ir, (weft_dtype)t.dtype, by[pick(w, 12)]);
    const weft_expr *x = gen(w, t, index, depth - 1);
    return weft_binary(w->ir, kinds[pick(w, 3)], x, weft_bcast(w->ir, c, t.lanes));
}

static const weft_expr *
gen_int(world *w, weft_type t, bool index, int depth)
{
    static const weft_ek sums[] = { WEFT_EK_ADD, WEFT_EK_ADD, WEFT_EK_SUB, WEFT_EK_MUL };
    static const weft_ek others[] = { WEFT_EK_MIN, WEFT_EK_MAX, WEFT_EK_FDIV, WEFT_EK_FMOD };
    static const weft_ek bits[] = { WEFT_EK_BAND, WEFT_EK_BOR, WEFT_EK_BXOR, WEFT_EK_SHL,
                                    WEFT_EK_SHR };
    static const weft_dtype other[] = { WEFT_I32, WEFT_I8, WEFT_U8, WEFT_I64, WEFT_U32, WEFT_BOOL };
    if (index && pick(w, 10) == 0) { /* from the other index type */
        weft_type from = weft_scalar(t.dtype == WEFT_I32 ? WEFT_I64 : WEFT_I32);
        return weft_cast_to(w->ir, t, gen(w, from, true, depth - 1));
    }
    switch (pick(w, index ? 9 : 12)) {
    case 0:
    case 1:
    case 2:
        return gen_binary(w, t, index, depth, sums, 4);
    case 3:
    case 4:
    case 5:
        return gen_scaled(w, t, index, depth);
    case 6:
        return gen_binary(w, t, index, depth, others, 4);
    case 7:
        return gen_choice(w, t, index, depth);
    case 8:
        return weft_neg(w->ir, gen(w, t, index, depth - 1));
    case 9:
        return gen_binary(w, t, index, depth, bits, 5);
    case 10: {
        const weft_expr *x = gen(w, t, index, depth - 1);
        return weft_intrinsic(w->ir, WEFT_IN_ABS, 1, &x);
    }
    default: {
        weft_type from = { (uint8_t)other[pick(w, 6)], t.lanes };
        return weft_cast_to(w->ir, t, gen(w, from, false, depth - 1));
    }
    }
}

static const weft_expr *
gen_bool(world *w, weft_type t, bool index, int depth)
{
    static const weft_ek logic[] = { WEFT_EK_AND, WEFT_EK_OR, WEFT_EK_AND, WEFT_EK_EQ, WEFT_EK_NE };
    static const weft_ek order[] = { WEFT_EK_LT, WEFT_EK_LE, WEFT_EK_GT,
                                     WEFT_EK_GE, WEFT_EK_EQ, WEFT_EK_NE };
    static const weft_dtype of[] = { WEFT_I32, WEFT_I32, WEFT_U8, WEFT_F32, WEFT_I64 };
    weft_type operand = { (uint8_t)(index ? WEFT_I32 : of[pick(w, 5)]), t.lanes };
    switch (pick(w, 6)) {
    case 0:
        return gen_binary(w, t, index, depth, logic, 5);
    case 1:
        return weft_not(w->ir, gen(w, t, index, depth - 1));
    case 2:
        return gen_choice(w, t, index, depth);
    case 3:
        operand.dtype = pick(w, 4) ? WEFT_I32 : WEFT_I64;
        return gen_binary(w, operand, true, depth, order, 6);
    default:
        return gen_binary(w, operand, index, depth, order, 6);
    }
}

static const weft_expr *
gen_float(world *w, weft_type t, int depth)
{
    static const weft_ek kinds[] = { WEFT_EK_ADD, WEFT_EK_SUB, WEFT_EK_MUL,
                                     WEFT_EK_DIV, WEFT_EK_MIN, WEFT_EK_MAX };
    static const weft_dtype other[] = { WEFT_I32, WEFT_U8, WEFT_I8, WEFT_BOOL, WEFT_F16, WEFT_F64 };
    weft_type from = { (uint8_t)other[pick(w, 6)], t.lanes };
    switch (pick(w, 8)) {
    case 0:
        return weft_neg(w->ir, gen(w, t, false, depth - 1));
    case 1:
        return gen_choice(w, t, false, depth);
    case 2:
        if (t.dtype == WEFT_F32)
            return weft_cast_to(w->ir, t, gen(w, from, false, depth - 1));
        return weft_cast_to(w->ir, t, gen(w, (weft_type){ WEFT_F32, t.lanes }, false, depth - 1));
    default:
        return gen_binary(w, t, false, depth, kinds, 6);
    }
}

static const weft_expr *
gen_float_leaf(world *w, weft_dtype t)
{
    static const double some[] = { 0, -0.0, 1, -1, 2, 0.5, 4, 3, INFINITY };
    if (pick(w, 2))
        return weft_float(w->ir, t, some[pick(w, 9)]);
    if (pick(w, 2))
        return weft_cast(w->ir, t, ref(w, VAR_F));
    const weft_expr *at = gen(w, weft_scalar(WEFT_I32), true, 1);
    return weft_cast(w->ir, t, weft_load(w->ir, w->buf[4], 1, &at));
}

static const weft_expr *
gen_vector_leaf(world *w, weft_type t)
{
    weft_dtype s = (weft_dtype)t.dtype;
    weft_type i32 = weft_scalar(WEFT_I32);
    if (s == WEFT_I32 && pick(w, 3)) {
        bool index = pick(w, 4);
        const weft_expr *stride =
            pick(w, 3) ? weft_i32(w->ir, pick(w, 5) - 1) : gen(w, i32, index, 1);
        return weft_ramp(w->ir, gen(w, i32, index, 2), stride, t.lanes);
    }
    if (pick(w, 4) == 0) {
        const weft_expr *lane[LANES];
        for (int k = 0; k < LANES; k++)
            lane[k] = gen(w, weft_scalar(s), false, 1);
        return weft_vec(w->ir, LANES, lane);
    }
    for (int k = 0; k < 5; k++) {
        if (buf_type[k] != s || pick(w, 2))
            continue;
        const weft_expr *at = gen_vector_leaf(w, (weft_type){ WEFT_I32, LANES });
        return weft_load(w->ir, w->buf[k], 1, &at);
    }
    return weft_bcast(w->ir, gen(w, weft_scalar(s), false, 1), t.lanes);
}

static const weft_expr *
gen(world *w, weft_type t, bool index, int depth)
{
    weft_dtype s = (weft_dtype)t.dtype;
    if (t.lanes > 1 && (depth <= 0 || pick(w, 6) == 0))
        return gen_vector_leaf(w, t);
    if (depth > 0 && t.lanes == 1 && !index && pick(w, 12) == 0)
        return weft_lane(w->ir, gen(w, (weft_type){ t.dtype, LANES }, false, depth - 1),
                         pick(w, LANES));
    if (t.lanes == 1 && (depth <= 0 || pick(w, 8) == 0)) {
        if (s == WEFT_BOOL)
            return pick(w, 4) ? ref(w, VAR_P + pick(w, 2)) : weft_int(w->ir, s, pick(w, 2));
        return weft_is_float(s) ? gen_float_leaf(w, s) : gen_int_leaf(w, s, index);
    }
    if (s == WEFT_BOOL)
        return gen_bool(w, t, index, depth);
    return weft_is_float(s) ? gen_float(w, t, depth) : gen_int(w, t, index, depth);
}

/* ---- the test -------------------------------------------------------------------------------- */

static void
complain(world *w, const char *what, const weft_expr *cond, const weft_expr *a, const weft_expr *b)
{
    weft_str s = { 0 };
    weft_print_expr(&s, a);
    weft_str_add(&s, "\n  became   ");
    weft_print_expr(&s, b);
    if (cond) {
        weft_str_add(&s, "\n  where    ");
        weft_print_expr(&s, cond);
    }
    weft_str_add(&s, "\n  at      ");
    for (int k = 0; k < VAR_F; k++)
        weft_str_addf(&s, " %s=%lld", w->var[k]->name, (long long)w->at[k].i[0]);
    weft_str_addf(&s, " f=%g", w->at[VAR_F].f[0]);
    print_error("%s\n%s\n", what, weft_str_text(&s));
    weft_str_free(&s);
}

static bool
loads_no_more(const env *before, const env *after)
{
    for (int i = 0; i < after->nload && before->nload < EVAL_LOADS; i++) {
        bool known = false;
        for (int j = 0; j < before->nload && !known; j++)
            known = before->load[j] == after->load[i];
        if (!known)
            return false;
    }
    return true;
}

/* The bounds and the congruence that are claimed for an integer hold. */
static bool
claims_hold(world *w, const weft_expr *e, const value *v)
{
    int64_t lo, hi, c, k;
    if (weft_is_float((weft_dtype)e->h.type.dtype))
        return true;
    weft_bounds(w->ir, w->facts, e, &lo, &hi);
    weft_modular(w->ir, w->facts, e, &c, &k);
    for (int i = 0; i < v->type.lanes; i++) {
        if (v->type.dtype != WEFT_U64 && (v->i[i] < lo || v->i[i] > hi))
            return false;
        if (weft_is_int((weft_dtype)v->type.dtype) &&
            (c == 0 ? v->i[i] != k : weft_floormod(v->i[i] - k, c) != 0))
            return false;
    }
    return true;
}

static bool
compare(world *w, const weft_expr *cond, const weft_expr *e, const weft_expr *r)
{
    env v = { .n = NVAR, .var = w->var, .of = w->at, .seed = w->rng };
    env c = v, u = v;
    value holds = cond ? eval(&c, cond) : (value){ .i = { 1 } };
    value want = eval(&v, e);
    if (!holds.i[0] || c.overflow || v.overflow)
        return true;
    value got = eval(&u, r);
    if (!e->h.index && u.overflow) /* what became an index has to keep its promise too */
        return true;
    if (!same_value(&want, &got, true)) {
        complain(w, "the value changed", cond, e, r);
        return false;
    }
    if (!loads_no_more(&v, &u)) {
        complain(w, "a load was added", cond, e, r);
        return false;
    }
    if (!claims_hold(w, e, &want)) {
        complain(w, "bounds or congruence do not hold", cond, e, r);
        return false;
    }
    return true;
}

static const weft_expr *
gen_any(world *w)
{
    static const weft_dtype type[] = { WEFT_I32, WEFT_BOOL, WEFT_F32, WEFT_I8,
                                       WEFT_U8,  WEFT_I64,  WEFT_U32 };
    int depth = 2 + pick(w, 3);
    if (pick(w, 2))
        return gen(w,
                   weft_scalar(pick(w, 4) == 0 ? WEFT_BOOL
                               : pick(w, 4)    ? WEFT_I32
                                               : WEFT_I64),
                   true, depth + 1);
    weft_type t = { (uint8_t)type[pick(w, 7)], (uint8_t)(pick(w, 3) ? 1 : LANES) };
    return gen(w, t, false, depth);
}

static bool
try_one(world *w)
{
    bool ok = true;
    const weft_expr *cond = pick(w, 3) == 0 ? gen(w, weft_scalar(WEFT_BOOL), true, 3) : NULL;
    const weft_expr *e = gen_any(w);
    assert_string_equal(weft_diag_text(w->diag), "");
    int mark = weft_facts_mark(w->facts);
    if (cond)
        weft_facts_assume(w->facts, cond);
    const weft_expr *r = weft_simplify_expr(w->ir, w->facts, e);
    assert_true(weft_same_type(r->h.type, e->h.type));
    for (int k = 0; k < POINTS && ok; k++) {
        choose_point(w);
        ok = compare(w, cond, e, r);
    }
    weft_facts_pop(w->facts, mark);
    return ok;
}

/* ---- few points ------------------------------------------------------------------------------ */

/* A digit of a flat index over o and j, as gathers from images have them. */
static const weft_expr *
gen_digit(world *w, const weft_expr *flat, int64_t width, int64_t height)
{
    const weft_expr *row = weft_fdiv(w->ir, flat, weft_i32(w->ir, width));
    switch (pick(w, 4)) {
    case 0:
        return weft_fdiv(w->ir, flat, weft_i32(w->ir, width * height));
    case 1:
        return weft_fmod(w->ir, flat, weft_i32(w->ir, width));
    default:
        return weft_fmod(w->ir, row, weft_i32(w->ir, height));
    }
}

/* Up to four comparisons of digits, and a digit that is wanted only where they hold. */
static const weft_expr *
gen_gather(world *w)
{
    static const weft_ek order[] = { WEFT_EK_LT, WEFT_EK_GE, WEFT_EK_GE, WEFT_EK_LT, WEFT_EK_EQ };
    int64_t width = 2 + pick(w, 30), height = 2 + pick(w, 30);
    weft_ir *ir = w->ir;
    const weft_expr *all = NULL;
    const weft_expr *flat = weft_mul(ir, ref(w, VAR_O), weft_i32(ir, 1 + pick(w, 500)));
    flat = weft_add(ir, weft_add(ir, flat, ref(w, VAR_J)), weft_i32(ir, pick(w, 1000)));
    weft_ek joined = pick(w, 4) ? WEFT_EK_AND : WEFT_EK_OR;
    for (int n = 1 + pick(w, 4); n > 0; n--) {
        const weft_expr *edge = weft_i32(ir, pick(w, (int)(pick(w, 2) ? 4 : width)));
        const weft_expr *digit = gen_digit(w, flat, width, height);
        const weft_expr *one = weft_binary(ir, order[pick(w, 5)], digit, edge);
        all = all ? weft_binary(ir, joined, all, one) : one;
    }
    return weft_guard(ir, all, gen_digit(w, flat, width, height), weft_i32(ir, -1));
}

static bool
try_points(world *w)
{
    bool ok = true;
    const weft_expr *cond = pick(w, 2) ? weft_lt(w->ir, ref(w, VAR_O), weft_i32(w->ir, 3)) : NULL;
    const weft_expr *e = gen_gather(w);
    int mark = weft_facts_mark(w->facts);
    if (cond)
        weft_facts_assume(w->facts, cond);
    const weft_expr *r = weft_simplify_expr(w->ir, w->facts, e);
    weft_facts_pop(w->facts, mark);
    choose_point(w);
    for (int k = 0; k < 28 && ok; k++) {
        w->at[VAR_O].i[0] = k / 4;
        w->at[VAR_J].i[0] = k % 4;
        ok = compare(w, cond, e, r);
    }
    return ok;
}

/* ---- intervals and affine parts -------------------------------------------------------------- */

/* Whether lo <= value <= hi at a point, for bounds free of i and r. */
static bool
is_between(world *w, const weft_expr *e, weft_interval x)
{
    const weft_expr *end[2] = { x.lo, x.hi };
    for (int k = 0; k < 2; k++) {
        env v = { .n = NVAR, .var = w->var, .of = w->at, .seed = w->rng };
        env u = v;
        if (!end[k])
            continue;
        assert_false(weft_uses_var(end[k], w->var[VAR_I]) || weft_uses_var(end[k], w->var[VAR_R]));
        value at = eval(&v, e), limit = eval(&u, end[k]);
        if (v.overflow || u.overflow)
            continue;
        if (k == 0 ? at.i[0] >= limit.i[0] : at.i[0] <= limit.i[0])
            continue;
        complain(w, k ? "above its interval" : "below its interval", NULL, e, end[k]);
        return false;
    }
    return true;
}

/* e == stride * i + rest */
static bool
adds_up(world *w, const weft_expr *e, const weft_expr *stride, const weft_expr *rest)
{
    const weft_expr *sum = weft_add(w->ir, weft_mul(w->ir, stride, ref(w, VAR_I)), rest);
    env v = { .n = NVAR, .var = w->var, .of = w->at, .seed = w->rng };
    value a = eval(&v, e), b = eval(&v, sum);
    assert_false(weft_uses_var(stride, w->var[VAR_I]) || weft_uses_var(rest, w->var[VAR_I]));
    if (v.overflow || same_value(&a, &b, false))
        return true;
    complain(w, "affine parts do not add up", NULL, e, sum);
    return false;
}

static bool
try_parts(world *w)
{
    bool ok = true;
    const weft_expr *zero = weft_i32(w->ir, 0), *n = ref(w, VAR_N), *stride, *rest;
    const weft_interval of[2] = { { zero, weft_i32(w->ir, 15) },
                                  { zero, weft_sub(w->ir, n, weft_i32(w->ir, 1)) } };
    const weft_var *const var[2] = { w->var[VAR_I], w->var[VAR_R] };
    const weft_expr *e = gen(w, weft_scalar(WEFT_I32), pick(w, 4) != 0, 2 + pick(w, 3));
    weft_interval x = weft_eval_interval(w->ir, w->facts, e, 2, var, of);
    bool affine = weft_affine_in(w->ir, e, var[0], &stride, &rest);
    for (int k = 0; k < POINTS && ok; k++) {
        choose_point(w);
        ok = is_between(w, e, x) && (!affine || adds_up(w, e, stride, rest));
    }
    return ok;
}

static int64_t
number(const char *name, int64_t otherwise)
{
    const char *s = getenv(name);
    return s ? strtoll(s, NULL, 10) : otherwise;
}

static int64_t
expressions(void)
{
    const char *is_long = getenv("WEFT_TEST_LONG");
    return number("WEFT_FUZZ_N", is_long && *is_long ? 1000000 : 100000);
}

static void
run(bool (*try)(world *), int64_t n)
{
    int failed = 0;
    world w = { .rng = (uint64_t)number("WEFT_FUZZ_SEED", 1) };
    for (int64_t k = 0; k < n && failed < 10; k++) {
        if (k % PER_CONTEXT == 0) {
            tear_down(&w);
            set_up(&w);
        }
        failed += !try(&w);
    }
    tear_down(&w);
    assert_int_equal(failed, 0);
}

static void
simplified_expressions_keep_their_values(void **state)
{
    (void)state;
    run(try_one, expressions());
}

static void
intervals_hold_every_value_and_affine_parts_add_up(void **state)
{
    (void)state;
    run(try_parts, expressions() / 5);
}

static void
what_is_decided_at_few_points_is_so_at_all_of_them(void **state)
{
    (void)state;
    run(try_points, expressions() / 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simplified_expressions_keep_their_values),
        cmocka_unit_test(what_is_decided_at_few_points_is_so_at_all_of_them),
        cmocka_unit_test(intervals_hold_every_value_and_affine_parts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
