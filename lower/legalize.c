/* lower/legalize.c: what a target's printer cannot say, said otherwise.
 *
 * needs   level flat; final loops; weft_lower_options.caps
 * keeps   what is computed, up to the accuracy doc/IR.md promises
 * breaks  FDIV and FMOD are gone (TDIV, TMOD instead); dtypes become carriers; the level is device
 */
#include "lower/legalize.h"

#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

static bool
is_atom(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_VAR || e->h.kind == WEFT_EK_IMM ||
           (e->h.kind == WEFT_EK_BCAST && is_atom(e->arg[0]));
}

static bool
find_division(void *user, const weft_expr *e)
{
    bool *found = user;
    bool divides = e->h.kind == WEFT_EK_TDIV || e->h.kind == WEFT_EK_TMOD;
    *found = *found || (divides && !weft_is_imm(e->arg[1]));
    return !*found;
}

/* Whether e may be computed where the conditions around it do not hold: no load, no division, whose
 * divisor may be known to be positive by them alone. */
static bool
is_safe(const weft_expr *e)
{
    bool divides = false;
    if (e->h.pure)
        weft_walk_expr(&(weft_walker){ .expr = find_division, .user = &divides }, e);
    return e->h.pure && !divides;
}

const weft_expr *
weft_legal_bind(weft_legal *l, const char *hint, const weft_expr *e)
{
    if (e && e->h.kind == WEFT_EK_VEC) {
        const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, e->h.nargs, const weft_expr *);
        for (int i = 0; i < e->h.nargs; i++)
            lane[i] = weft_legal_bind(l, hint, e->arg[i]);
        return weft_vec(l->ir, e->h.nargs, lane);
    }
    if (!e || is_atom(e))
        return e;
    const weft_expr *value = e;
    const weft_expr *none = weft_imm(l->ir, e->h.type, 0);
    for (int i = is_safe(e) ? 0 : l->arm.n; i-- > 0;)
        value = l->arm.at[i].otherwise ? weft_guard(l->ir, l->arm.at[i].cond, none, value)
                                       : weft_guard(l->ir, l->arm.at[i].cond, value, none);
    for (int i = 0; i < l->name.n; i++)
        if (l->name.at[i].value == value)
            return weft_ref(l->ir, l->name.at[i].var);
    const weft_var *var = weft_var_make(l->ir, hint, e->h.type);
    *WEFT_PUSH(&l->scratch, &l->name) = (weft_legal_name){ var, value };
    return weft_ref(l->ir, var);
}

const weft_expr *
weft_legal_refuse(weft_legal *l, const char *what, weft_dtype t)
{
    const weft_target *target = l->options->target;
    weft_status s = weft_fail(l->diag, WEFT_UNSUPPORTED,
                              "kernel '%s': %s of %s is not to be had on %s:%s", l->kernel->name,
                              what, weft_dtype_name(t), weft_api_name(target->api), target->name);
    l->status = l->status ? l->status : s;
    return NULL;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static const weft_expr *legal(weft_legal *, const weft_expr *);

/* Drops what the memo learned after the mark. */
static void
forget(weft_legal *l, int mark)
{
    while (l->known.n > mark)
        l->memo[l->known.at[--l->known.n]] = NULL;
}

static void
remember(weft_legal *l, const weft_expr *from, const weft_expr *to)
{
    if (from->id >= l->nmemo) {
        uint32_t n = from->id * 2 + 64;
        const weft_expr **memo = WEFT_NEW_ARRAY(&l->scratch, n, const weft_expr *);
        if (l->nmemo)
            memcpy(memo, l->memo, l->nmemo * sizeof *memo);
        l->memo = memo;
        l->nmemo = n;
    }
    l->memo[from->id] = to;
    *WEFT_PUSH(&l->scratch, &l->known) = from->id;
}

/* An arm of a GUARD: what is named inside is named under its condition, and known inside alone. */
static const weft_expr *
legal_arm(weft_legal *l, weft_legal_arm arm, const weft_expr *e)
{
    int mark = weft_facts_mark(l->facts), known = l->known.n;
    *WEFT_PUSH(&l->scratch, &l->arm) = arm;
    weft_facts_assume(l->facts, arm.otherwise ? weft_not(l->ir, arm.cond) : arm.cond);
    e = legal(l, e);
    forget(l, known);
    l->arm.n--;
    weft_facts_pop(l->facts, mark);
    return e;
}

static const weft_expr *
arm_lane(weft_legal *l, weft_legal_arm arm, const weft_expr *e, int lane)
{
    *WEFT_PUSH(&l->scratch, &l->arm) = arm;
    e = weft_legal_lane(l, e, lane);
    l->arm.n--;
    return e;
}

static const weft_expr *
legal_guard(weft_legal *l, const weft_expr *e)
{
    const weft_expr *cond = legal(l, e->arg[0]);
    if (!cond)
        return NULL;
    weft_legal_arm yes = { cond, false }, no = { cond, true };
    const weft_expr *then = legal_arm(l, yes, e->arg[1]), *els = legal_arm(l, no, e->arg[2]);
    if (!then || !els)
        return NULL;
    int lanes = then->h.type.lanes;
    if (lanes == 1 || (then->h.kind != WEFT_EK_VEC && els->h.kind != WEFT_EK_VEC))
        return weft_guard(l->ir, cond, then, els);
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    for (int i = 0; i < lanes; i++)
        lane[i] = weft_guard(l->ir, cond, arm_lane(l, yes, then, i), arm_lane(l, no, els, i));
    return weft_vec(l->ir, lanes, lane);
}

/* Elements of less than a byte, one by one. */
static const weft_expr *
load_packed(weft_legal *l, weft_dtype t, const weft_buf *bytes, const weft_expr *index)
{
    weft_ir *ir = l->ir;
    int lanes = index->h.type.lanes, bits = weft_dtype_bits(t);
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    for (int i = 0; i < lanes; i++) {
        const weft_expr *at = weft_legal_bind(l, "e", weft_legal_lane(l, index, i));
        const weft_expr *per = weft_imm(ir, at->h.type, 8 / bits);
        const weft_expr *byte = weft_binary(ir, WEFT_EK_TDIV, at, per);
        const weft_expr *rest = weft_binary(ir, WEFT_EK_TMOD, at, per);
        int64_t known;
        if (weft_as_int(at, &known)) {
            byte = weft_int(ir, (weft_dtype)at->h.type.dtype, known / (8 / bits));
            rest = weft_int(ir, (weft_dtype)at->h.type.dtype, known % (8 / bits));
        }
        const weft_expr *shift = weft_mul(ir, rest, weft_imm(ir, at->h.type, bits));
        lane[i] = weft_legal_from_byte(l, t, weft_load(ir, bytes, 1, &byte), shift);
    }
    return lanes == 1 ? lane[0] : weft_vec(ir, lanes, lane);
}

static const weft_expr *
load_near(weft_legal *l, const weft_expr *e, const weft_near *near)
{
    int lanes = e->h.type.lanes;
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *),
                    **piece = WEFT_NEW_ARRAY(&l->scratch, near->n, const weft_expr *);
    for (int p = 0; p < near->n; p++) {
        const weft_expr *load = legal(l, near->load[p]);
        if (!load)
            return NULL;
        piece[p] = weft_legal_bind(l, "v", load);
    }
    for (int i = 0; i < lanes; i++)
        lane[i] = weft_legal_lane(l, piece[near->piece[i]], near->lane[i]);
    return weft_vec(l->ir, lanes, lane);
}

static const weft_expr *
legal_load(weft_legal *l, const weft_expr *e)
{
    weft_near near;
    if (weft_legal_near(l, e, &near))
        return load_near(l, e, &near);
    const weft_buf *old = e->h.u.buf, *buf = l->buf[old->id] ? l->buf[old->id] : old;
    bool before = l->in_range;
    l->in_range = true;
    const weft_expr *index = legal(l, e->arg[0]);
    l->in_range = before;
    if (!index)
        return NULL;
    if (weft_dtype_bits(old->dtype) < 8 && buf->dtype == WEFT_U8)
        return load_packed(l, old->dtype, buf, index);
    const weft_expr *load = weft_legal_apply(l, weft_load(l->ir, buf, 1, &index));
    load = weft_legal_lanes_to_compare(l, load, weft_legal_memory_compares(old->dtype, buf->dtype));
    if (load->h.kind != WEFT_EK_VEC)
        return weft_legal_from_memory(l, old->dtype, load);
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, load->h.nargs, const weft_expr *);
    for (int i = 0; i < load->h.nargs; i++)
        lane[i] = weft_legal_from_memory(l, old->dtype, load->arg[i]);
    return weft_vec(l->ir, load->h.nargs, lane);
}

static const weft_expr *
apply_call(weft_legal *l, const weft_expr *e)
{
    if (weft_intrin_infos[e->h.u.intrin].cls == WEFT_IC_LANES)
        return weft_legal_shuffle(l, e);
    return weft_legal_has_intrinsic(l, e->h.u.intrin, (weft_dtype)e->arg[0]->h.type.dtype)
               ? e
               : weft_legal_intrinsic(l, e);
}

const weft_expr *
weft_legal_apply(weft_legal *l, const weft_expr *e)
{
    if (!e)
        return NULL;
    if (weft_legal_needs_lanes(l, e))
        return weft_legal_by_lane(l, e);
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    switch (e->h.kind) {
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        return weft_legal_division(l, e);
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
        return weft_legal_shift(l, e);
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_NEG:
        return weft_legal_wrapping(l, e);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return weft_is_float(t) && !l->caps->nan_min_max ? weft_legal_min_max(l, e) : e;
    case WEFT_EK_CALL:
        return apply_call(l, e);
    case WEFT_EK_LOAD:
        if (e->arg[0]->h.kind == WEFT_EK_BCAST)
            return weft_bcast(l->ir, weft_load(l->ir, e->h.u.buf, 1, e->arg[0]->arg),
                              e->h.type.lanes);
        return e;
    case WEFT_EK_LANE:
        return e->arg[0]->h.kind == WEFT_EK_VEC ? e->arg[0]->arg[e->h.u.i] : e;
    default:
        return e;
    }
}

/* A conversion from values of `from`, lane by lane where the vector cannot be had. */
static const weft_expr *
legal_cast(weft_legal *l, const weft_expr *cast, weft_dtype from, bool stored)
{
    int lanes = cast->h.type.lanes;
    weft_dtype to = (weft_dtype)cast->h.type.dtype;
    const weft_expr *x = cast->arg[0];
    bool apart = weft_legal_needs_lanes(l, cast) || x->h.kind == WEFT_EK_VEC ||
                 (weft_legal_cast_compares(l, to, from) && !l->caps->vector_compare);
    if (lanes == 1 || !apart)
        return weft_legal_cast(l, to, x, from, stored);
    const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
    for (int i = 0; i < lanes; i++)
        lane[i] = weft_legal_cast(l, to, weft_legal_lane(l, x, i), from, stored);
    return weft_vec(l->ir, lanes, lane);
}

/* Sums and products of an index do not overflow; below anything else values may wrap. */
static bool
is_sum(const weft_expr *e)
{
    weft_ek k = (weft_ek)e->h.kind;
    return k == WEFT_EK_ADD || k == WEFT_EK_SUB || k == WEFT_EK_MUL || k == WEFT_EK_NEG ||
           k == WEFT_EK_RAMP || k == WEFT_EK_BCAST || k == WEFT_EK_VEC;
}

static const weft_expr *
refuse_dtype(weft_legal *l, const weft_expr *e)
{
    return weft_legal_refuse(l, e->h.nargs ? "arithmetic" : "a value", (weft_dtype)e->h.type.dtype);
}

/* The node with its arguments, its value in a carrier and wrapped into the dtype's range. */
static const weft_expr *
legal_node(weft_legal *l, const weft_expr *e)
{
    const weft_expr *arg_room[4],
        **arg =
            e->h.nargs <= 4 ? arg_room : WEFT_NEW_ARRAY(&l->scratch, e->h.nargs, const weft_expr *);
    weft_dtype t = (weft_dtype)e->h.type.dtype, carrier = weft_legal_carrier(l, t);
    bool stored = e == l->stored, in_range = l->in_range;
    l->in_range = in_range && is_sum(e);
    for (int i = 0; i < e->h.nargs; i++) {
        arg[i] = legal(l, e->arg[i]);
        if (!arg[i])
            return NULL;
    }
    l->in_range = in_range;
    if (!l->caps->arith[carrier] && carrier != WEFT_BOOL)
        return refuse_dtype(l, e);
    if (e->h.kind == WEFT_EK_CAST)
        return legal_cast(l, weft_expr_with(l->ir, e, arg), (weft_dtype)e->arg[0]->h.type.dtype,
                          stored);
    if (e->h.kind == WEFT_EK_BITCAST)
        return weft_legal_bitcast(l, weft_expr_with(l->ir, e, arg),
                                  (weft_dtype)e->arg[0]->h.type.dtype);
    weft_head head = e->h;
    head.type.dtype = (uint8_t)carrier;
    l->in_range = in_range || weft_dtype_bits(t) < weft_dtype_bits(carrier);
    l->original = e;
    const weft_expr *node = weft_legal_apply(l, weft_expr_make(l->ir, head, e->h.nargs, arg));
    l->in_range = in_range;
    bool may_leave = weft_expr_infos[e->h.kind].form == WEFT_FORM_INFIX ||
                     weft_expr_infos[e->h.kind].form == WEFT_FORM_PREFIX ||
                     (e->h.kind == WEFT_EK_CALL &&
                      weft_intrin_infos[e->h.u.intrin].cls != WEFT_IC_LANES);
    return node && may_leave && carrier != t && !stored ? weft_legal_wrap(l, t, node) : node;
}

static const weft_expr *
legal_leaf(weft_legal *l, const weft_expr *e)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype, carrier = weft_legal_carrier(l, t);
    if (e->h.kind == WEFT_EK_VAR && e->h.u.var->id < l->nvar && l->var[e->h.u.var->id])
        return l->var[e->h.u.var->id];
    if (!l->caps->arith[carrier] && carrier != WEFT_BOOL)
        return refuse_dtype(l, e);
    if (carrier == t || e->h.kind == WEFT_EK_VAR)
        return e;
    weft_type type = { (uint8_t)carrier, e->h.type.lanes };
    return weft_imm(l->ir, type, weft_is_float(t) ? e->h.u.f : (double)e->h.u.i);
}

static const weft_expr *
legal(weft_legal *l, const weft_expr *e)
{
    if (e->id < l->nmemo && l->memo[e->id])
        return l->memo[e->id];
    const weft_expr *r = e->h.kind == WEFT_EK_VAR || e->h.kind == WEFT_EK_IMM ? legal_leaf(l, e)
                         : e->h.kind == WEFT_EK_GUARD                         ? legal_guard(l, e)
                         : e->h.kind == WEFT_EK_LOAD                          ? legal_load(l, e)
                                                                              : legal_node(l, e);
    if (!r)
        return NULL;
    remember(l, e, r);
    return r;
}

/* ---- statements ------------------------------------------------------------------------------ */

static const weft_stmt *legal_stmt(weft_legal *, const weft_stmt *);

typedef WEFT_VEC(weft_legal_name) name_list;

/* The names that the expressions legalised so far need, taken from the context. */
static name_list
take_names(weft_legal *l)
{
    name_list names = { 0 };
    for (int i = 0; i < l->name.n; i++)
        *WEFT_PUSH(&l->scratch, &names) = l->name.at[i];
    l->name.n = 0;
    forget(l, 0);
    return names;
}

/* Their lets around a statement, the first outermost. */
static const weft_stmt *
under_names(weft_legal *l, name_list names, const weft_stmt *s)
{
    for (int i = names.n; s && i-- > 0;)
        s = weft_let(l->ir, names.at[i].var, names.at[i].value, s);
    return s;
}

static const weft_stmt *
with_names(weft_legal *l, const weft_stmt *s)
{
    return under_names(l, take_names(l), s);
}

const weft_expr *
weft_legal_expr(weft_legal *l, const weft_expr *e)
{
    return legal(l, e);
}

const weft_expr *
weft_legal_index(weft_legal *l, const weft_expr *index)
{
    l->in_range = true;
    index = legal(l, index);
    l->in_range = false;
    return index;
}

/* Of more lanes than vectors have: a copy that goes by itself, or pieces.  NULL: neither. */
static const weft_stmt *
legal_wide_store(weft_legal *l, const weft_stmt *s)
{
    int lanes = s->u.store.value->h.type.lanes, n = weft_lanes_within(l->caps, lanes);
    if (n == lanes)
        return NULL;
    const weft_stmt *copy = weft_legal_copy(l, s);
    if (copy)
        return with_names(l, copy);
    (void)take_names(l);
    const weft_stmt *pieces = n > 1 ? weft_store_in_pieces(l->ir, s, n) : NULL;
    return pieces ? legal_stmt(l, pieces) : NULL;
}

static const weft_stmt *
legal_store(weft_legal *l, const weft_stmt *s)
{
    const weft_stmt *wide = legal_wide_store(l, s);
    if (wide)
        return wide;
    const weft_buf *old = s->u.store.buf, *buf = l->buf[old->id] ? l->buf[old->id] : old;
    const weft_expr *index = weft_legal_index(l, s->u.store.index[0]);
    bool own = buf->space != WEFT_GLOBAL &&
               !l->aligned[old->id]; /* holds carriers, which neither wrap nor round */
    l->stored = own ? NULL : s->u.store.value;
    const weft_expr *value = legal(l, s->u.store.value);
    l->stored = NULL;
    if (!index || !value)
        return NULL;
    return with_names(l, weft_legal_store(l, old->dtype, buf, index, value));
}

static const weft_stmt *
legal_atomic(weft_legal *l, const weft_stmt *s)
{
    weft_stmt t = *s;
    if (l->buf[s->u.atomic.buf->id])
        t.u.atomic.buf = l->buf[s->u.atomic.buf->id];
    t.u.atomic.index = weft_legal_index(l, s->u.atomic.index);
    t.u.atomic.value = legal(l, s->u.atomic.value);
    return t.u.atomic.index && t.u.atomic.value ? with_names(l, weft_stmt_make(l->ir, t)) : NULL;
}

/* What is known of a name: the bounds of its value. */
static void
know_let(weft_legal *l, const weft_var *var, const weft_expr *value)
{
    int64_t min, max;
    weft_dtype t = (weft_dtype)var->type.dtype;
    if (!weft_is_int(t) || t == WEFT_U64 || var->type.lanes > 1)
        return;
    (void)weft_bounds(l->ir, l->facts, value, &min, &max);
    weft_facts_range(l->facts, var, min == INT64_MIN ? NULL : weft_int(l->ir, t, min),
                     max == INT64_MAX ? NULL : weft_int(l->ir, t, max));
}

/* A LET of a vector that cannot be had becomes one LET a lane. */
static const weft_stmt *
legal_let(weft_legal *l, const weft_stmt *s)
{
    const weft_var *var = s->u.let.var;
    const weft_expr *value = legal(l, s->u.let.value);
    if (!value)
        return NULL;
    int lanes = value->h.type.lanes;
    if (value->h.kind == WEFT_EK_VEC) {
        const weft_expr **lane = WEFT_NEW_ARRAY(&l->scratch, lanes, const weft_expr *);
        for (int i = 0; i < lanes; i++)
            lane[i] = weft_legal_bind(l, var->name, value->arg[i]);
        l->var[var->id] = weft_vec(l->ir, lanes, lane);
    } else {
        const weft_var *own = weft_same_type(var->type, value->h.type)
                                  ? var
                                  : weft_var_make(l->ir, var->name, value->h.type);
        *WEFT_PUSH(&l->scratch, &l->name) = (weft_legal_name){ own, value };
        l->var[var->id] = weft_ref(l->ir, own);
    }
    name_list names = take_names(l);
    int mark = weft_facts_mark(l->facts);
    know_let(l, var, s->u.let.value);
    const weft_stmt *body = legal_stmt(l, s->u.let.body);
    weft_facts_pop(l->facts, mark);
    return under_names(l, names, body);
}

static const weft_stmt *
legal_if(weft_legal *l, const weft_stmt *s)
{
    const weft_expr *cond = legal(l, s->u.iff.cond);
    if (!cond)
        return NULL;
    name_list names = take_names(l);
    int mark = weft_facts_mark(l->facts);
    weft_facts_assume(l->facts, s->u.iff.cond);
    const weft_stmt *then = legal_stmt(l, s->u.iff.then);
    weft_facts_pop(l->facts, mark);
    const weft_stmt *els = s->u.iff.els ? legal_stmt(l, s->u.iff.els) : NULL;
    bool ok = then && (els || !s->u.iff.els);
    return ok ? under_names(l, names, weft_if(l->ir, cond, then, els)) : NULL;
}

/* The extents of block and thread loops are the launch's: the host computes them. */
static const weft_stmt *
legal_loop(weft_legal *l, const weft_stmt *s)
{
    bool bound = weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind);
    const weft_expr *extent = bound ? s->u.loop.extent : weft_legal_index(l, s->u.loop.extent);
    if (!extent)
        return NULL;
    name_list names = take_names(l);
    int mark = weft_facts_mark(l->facts);
    weft_facts_extent(l->facts, s->u.loop.var, s->u.loop.extent);
    const weft_stmt *body = legal_stmt(l, s->u.loop.body);
    weft_facts_pop(l->facts, mark);
    forget(l, 0);
    return body
               ? under_names(l, names, weft_for_like(l->ir, s, extent, body))
               : NULL;
}

/* A loop's condition is evaluated each time: its names are replaced by their values. */
static const weft_expr *
without_names(weft_legal *l, const weft_expr *e)
{
    name_list names = take_names(l);
    for (int i = names.n; e && i-- > 0;)
        e = weft_subst_expr(l->ir, e, 1, &names.at[i].var, &names.at[i].value);
    return e;
}

static const weft_stmt *
legal_while(weft_legal *l, const weft_stmt *s)
{
    weft_stmt t = *s;
    t.u.loop.extent = without_names(l, legal(l, s->u.loop.extent));
    t.u.loop.body = legal_stmt(l, s->u.loop.body);
    return t.u.loop.extent && t.u.loop.body ? weft_stmt_make(l->ir, t) : NULL;
}

/* The target's intrinsic for a matrix statement, which may be written for another API. */
static const weft_matrix *
unit_of(const weft_legal *l, const weft_buf *held)
{
    return weft_matrix_on(l->options->target, held->frag.matrix);
}

static const weft_buf *
own_fragments(weft_legal *l, const weft_buf *b)
{
    const weft_matrix *unit = unit_of(l, b);
    if (unit == b->frag.matrix)
        return b;
    weft_buf *copy = (weft_buf *)(uintptr_t)weft_buf_make(l->ir, b->name, b->dtype, b->space,
                                                          b->ndim, b->shape);
    copy->frag = b->frag;
    copy->frag.matrix = unit;
    l->buf[b->id] = copy;
    return copy;
}

/* In the overlay as it was, where its elements still have room there; else apart. */
static void
keep_place(weft_buf *copy, const weft_buf *b)
{
    int64_t n, bytes;
    bool fits = b->room && weft_as_int(copy->shape[0], &n) &&
                weft_dtype_bytes(copy->dtype, n, &bytes) && bytes <= b->room;
    if (!fits || (copy->align && b->place % copy->align))
        return;
    copy->place = b->place;
    copy->room = b->room;
}

static const weft_buf *
own_buffer(weft_legal *l, const weft_buf *b)
{
    if (b->space == WEFT_FRAGMENT)
        return own_fragments(l, b);
    int align = b->space == WEFT_SHARED ? l->aligned[b->id] : 0;
    weft_dtype t = weft_legal_memory(l, b->dtype, align ? WEFT_GLOBAL : b->space);
    bool global = b->space == WEFT_GLOBAL || b->space == WEFT_CONSTANT;
    if (global && !l->caps->storage[t] && t != WEFT_BOOL)
        return weft_legal_refuse(l, "a buffer", b->dtype), b;
    if (t == b->dtype && align <= b->align && (l->caps->overlay || !b->room))
        return b;
    const weft_expr *size = b->shape[0];
    if (global && weft_dtype_bits(b->dtype) < 8) {
        const weft_expr *per =
            weft_int(l->ir, (weft_dtype)size->h.type.dtype, 8 / weft_dtype_bits(b->dtype));
        const weft_expr *less = weft_int(l->ir, (weft_dtype)size->h.type.dtype, -1);
        size = weft_fdiv(l->ir, weft_add(l->ir, size, weft_add(l->ir, per, less)), per);
        size = weft_simplify_expr(l->ir, NULL, size);
    }
    weft_buf *copy = (weft_buf *)(uintptr_t)weft_buf_make(l->ir, b->name, t, b->space, 1, &size);
    copy->stride = b->stride;
    copy->align = align > b->align ? align : b->align;
    if (l->caps->overlay)
        keep_place(copy, b);
    l->buf[b->id] = copy;
    return copy;
}

static const weft_stmt *
legal_seq(weft_legal *l, const weft_stmt *s)
{
    const weft_stmt **at = WEFT_NEW_ARRAY(&l->scratch, s->u.seq.n + 1, const weft_stmt *);
    for (int i = 0; i < s->u.seq.n; i++) {
        at[i] = legal_stmt(l, s->u.seq.at[i]);
        if (!at[i])
            return NULL;
    }
    return weft_seq(l->ir, s->u.seq.n, at);
}

/* ---- matrices -------------------------------------------------------------------------------- */

static bool
note_memory(void *user, const weft_stmt *s)
{
    weft_legal *l = user;
    const weft_spot *memory = s->kind == WEFT_SK_MATRIX ? weft_matrix_memory(s) : NULL;
    if (memory)
        l->aligned[memory->buf->id] = unit_of(l, weft_matrix_held(s)->buf)->align;
    return true;
}

/* Whether e elements of the dtype are always a multiple of so many bytes. */
static bool
is_multiple(weft_legal *l, const weft_expr *e, weft_dtype t, int bytes)
{
    int64_t coeff, base, most = 8 * bytes / weft_dtype_bits(t);
    weft_modular(l->ir, l->facts, e, &coeff, &base);
    return most <= 1 || (coeff % most == 0 && base % most == 0);
}

static bool
check_matrix(weft_legal *l, const weft_stmt *s)
{
    const weft_target *t = l->options->target;
    const weft_matrix *m = unit_of(l, weft_matrix_held(s)->buf);
    const weft_spot *memory = weft_matrix_memory(s);
    weft_status st = WEFT_OK;
    if (!weft_target_multiplies(t, m))
        st = weft_fail(l->diag, WEFT_UNSUPPORTED,
                       "kernel '%s': %s:%s has no matrix units that do %s; use a schedule without "
                       "tensorize, or with an intrinsic of this target",
                       l->kernel->name, weft_api_name(t->api), t->name, m->name);
    else if (memory && !is_multiple(l, memory->index[0], memory->buf->dtype, m->align))
        st = weft_fail(l->diag, WEFT_UNSUPPORTED,
                       "kernel '%s': matrices of '%s' begin at places that are not known to be "
                       "multiples of %d bytes, as %s needs; split by multiples of its sizes, and "
                       "cache the tensor in shared memory",
                       l->kernel->name, memory->buf->name, m->align, m->name);
    else if (memory && !is_multiple(l, s->u.matrix.stride, memory->buf->dtype, m->lead))
        st = weft_fail(l->diag, WEFT_UNSUPPORTED,
                       "kernel '%s': the lines of '%s' are not known to be multiples of %d bytes "
                       "apart, as %s needs; storage_align a copy of it in shared memory",
                       l->kernel->name, memory->buf->name, m->lead, m->name);
    l->status = l->status ? l->status : st;
    return st == WEFT_OK;
}

static const weft_stmt *
legal_matrix(weft_legal *l, const weft_stmt *s)
{
    weft_stmt t = *s;
    const weft_expr *index[WEFT_MATRIX_PLACES];
    if (!check_matrix(l, s))
        return NULL;
    for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
        weft_spot *at = &t.u.matrix.place[i];
        at->buf = l->buf[at->buf->id] ? l->buf[at->buf->id] : at->buf;
        index[i] = weft_legal_index(l, at->index[0]);
        at->index = &index[i];
        if (!index[i])
            return NULL;
    }
    if (s->u.matrix.stride && !(t.u.matrix.stride = weft_legal_index(l, s->u.matrix.stride)))
        return NULL;
    if (s->u.matrix.value && !(t.u.matrix.value = legal(l, s->u.matrix.value)))
        return NULL;
    if (s->u.matrix.value)
        t.u.matrix.value = weft_cast_to(l->ir, s->u.matrix.value->h.type, t.u.matrix.value);
    return with_names(l, weft_stmt_make(l->ir, t));
}

static const weft_stmt *
legal_stmt(weft_legal *l, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return legal_seq(l, s);
    case WEFT_SK_FOR:
        return legal_loop(l, s);
    case WEFT_SK_WHILE:
        return legal_while(l, s);
    case WEFT_SK_IF:
        return legal_if(l, s);
    case WEFT_SK_LET:
        return legal_let(l, s);
    case WEFT_SK_STORE:
        return legal_store(l, s);
    case WEFT_SK_ATOMIC:
        return legal_atomic(l, s);
    case WEFT_SK_MATRIX:
        return legal_matrix(l, s);
    case WEFT_SK_ALLOC: {
        const weft_buf *buf = own_buffer(l, s->u.alloc.buf);
        const weft_stmt *body = legal_stmt(l, s->u.alloc.body);
        return body ? weft_alloc(l->ir, buf, body) : NULL;
    }
    case WEFT_SK_EVAL: {
        weft_stmt t = *s;
        t.u.eval.call = legal(l, s->u.eval.call);
        return t.u.eval.call ? with_names(l, weft_stmt_make(l->ir, t)) : NULL;
    }
    default:
        return s;
    }
}

static void
legal_params(weft_legal *l)
{
    weft_kernel *k = l->kernel;
    const weft_buf **param = WEFT_NEW_ARRAY(&l->ir->arena, k->nparam + 1, const weft_buf *);
    for (int i = 0; i < k->nparam; i++) {
        weft_dtype t = k->param[i]->dtype;
        param[i] = own_buffer(l, k->param[i]);
        if (weft_dtype_bits(t) < 8 && param[i]->dtype != t && k->access[i] != WEFT_READ)
            weft_legal_refuse(l, "a written buffer", t); /* threads would race for its bytes */
    }
    k->param = param;
}

weft_status
weft_pass_legalize(weft_kernel *k, const weft_lower_options *options, bool *changed,
                   weft_diag *diag)
{
    weft_legal l = {
        .kernel = k, .ir = k->ir, .options = options, .caps = options->caps, .diag = diag
    };
    l.nbuf = k->ir->nbuf;
    l.nvar = k->ir->nvar;
    l.buf = WEFT_NEW_ARRAY(&l.scratch, l.nbuf + 1, const weft_buf *);
    l.var = WEFT_NEW_ARRAY(&l.scratch, l.nvar + 1, const weft_expr *);
    l.aligned = WEFT_NEW_ARRAY(&l.scratch, l.nbuf + 1, int);
    weft_walk_stmt(&(weft_walker){ .stmt = note_memory, .user = &l }, k->body);
    l.facts = weft_facts_create(k->ir);
    legal_params(&l);
    for (int i = 0; i < k->nscalar;
         i++) /* an empty extent launches nothing: where a size divides, it is not 0 */
        weft_facts_range(l.facts, k->scalar[i],
                         weft_int(k->ir, (weft_dtype)k->scalar[i]->type.dtype, 1), NULL);
    const weft_stmt *body = l.status ? NULL : legal_stmt(&l, k->body);
    weft_facts_destroy(l.facts);
    weft_arena_reset(&l.scratch);
    if (!body)
        return l.status
                   ? l.status
                   : weft_fail(diag, WEFT_INTERNAL, "kernel '%s' could not be legalised", k->name);
    *changed = true;
    k->body = body;
    k->level = WEFT_LEVEL_DEVICE;
    weft_launch_dims(k, k->grid, k->block);
    return WEFT_OK;
}
