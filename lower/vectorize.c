/* lower/vectorize.c: loops bound to lanes become vector statements.
 *
 * needs   level flat; VECTORIZE loops of constant extent
 * keeps   every lane computes what its iteration did; iterations are independent of each other
 * breaks  VECTORIZE loops are gone
 *
 * A statement that cannot be a vector (a condition that differs between lanes, a store of all lanes
 * to one place) stays a serial loop over the lanes; the statements beside it become vectors.
 * Memory allocated inside the loop is one copy a lane, the lanes next to each other.
 */
#include "lower/lower.h"

typedef struct vectorizer {
    weft_rewriter rw;   /* over statements, finds the loops */
    weft_rewriter lane; /* over expressions, with its memo */
    weft_arena scratch;
    const weft_var *var; /* of the loop being turned into lanes; NULL outside */
    int lanes;
    const weft_expr **let; /* by var id: a let that became a vector */
    const weft_buf **wide; /* by buf id: memory that became one copy a lane */
    uint32_t nlet, nwide;
    bool failed; /* the expression at hand differs between lanes where it must not */
    bool torn;   /* one lane alone asked for a let that had become a vector */
} vectorizer;

static const weft_expr *
lanes_of(vectorizer *v, const weft_expr *e)
{
    return weft_rewrite_expr(&v->lane, e);
}

static const weft_expr *
lane_numbers(vectorizer *v, weft_type type)
{
    weft_ir *ir = v->rw.ir;
    return weft_ramp(ir, weft_int(ir, (weft_dtype)type.dtype, 0),
                     weft_int(ir, (weft_dtype)type.dtype, 1), v->lanes);
}

static const weft_expr *
widen(vectorizer *v, const weft_expr *e)
{
    return e->h.type.lanes == 1 ? weft_bcast(v->rw.ir, e, v->lanes) : e;
}

/* index * lanes + lane, in memory that has one copy a lane. */
static const weft_expr *
own_element(vectorizer *v, const weft_expr *index)
{
    weft_ir *ir = v->rw.ir;
    weft_type scalar = weft_scalar((weft_dtype)index->h.type.dtype);
    const weft_expr *n = weft_int(ir, (weft_dtype)index->h.type.dtype, v->lanes);
    if (index->h.type.lanes == 1)
        return weft_ramp(ir, weft_mul(ir, index, n), weft_int(ir, (weft_dtype)scalar.dtype, 1),
                         v->lanes);
    return weft_add(ir, weft_mul(ir, index, n), lane_numbers(v, scalar));
}

static const weft_expr *
load_lanes(vectorizer *v, const weft_expr *e)
{
    const weft_buf *buf = e->h.u.buf, *wide = buf->id < v->nwide ? v->wide[buf->id] : NULL;
    const weft_expr *index = lanes_of(v, e->arg[0]);
    if (wide)
        index = own_element(v, index);
    return weft_load(v->rw.ir, wide ? wide : buf, 1, &index);
}

/* An index converted to a wider type: it does not overflow, so its lanes stay in a row. */
static const weft_expr *
wider_index(vectorizer *v, const weft_expr *e, const weft_expr *lanes)
{
    weft_ir *ir = v->rw.ir;
    if (!e->arg[0]->h.index || e->h.type.dtype != WEFT_I64 || lanes->h.type.dtype != WEFT_I32)
        return NULL;
    lanes = weft_simplify_expr(ir, NULL, lanes);
    if (lanes->h.kind != WEFT_EK_RAMP)
        return NULL;
    const weft_expr *base = weft_cast(ir, WEFT_I64, lanes->arg[0]);
    return weft_ramp(ir, base, weft_cast(ir, WEFT_I64, lanes->arg[1]), v->lanes);
}

/* The node over its arguments' lanes: all scalar, and it stays as it is; else all of one width. */
static const weft_expr *
node_lanes(vectorizer *v, const weft_expr *e)
{
    const weft_expr **arg = WEFT_NEW_ARRAY(&v->scratch, e->h.nargs + 1, const weft_expr *);
    bool vector = false, changed = false;
    for (int i = 0; i < e->h.nargs; i++) {
        arg[i] = lanes_of(v, e->arg[i]);
        vector |= arg[i]->h.type.lanes > 1;
        changed |= arg[i] != e->arg[i];
    }
    if (!changed)
        return e;
    if (!vector)
        return weft_expr_with(v->rw.ir, e, arg);
    if (e->h.type.lanes > 1) { /* a vector already: vectors of vectors do not exist */
        v->failed = true;
        return e;
    }
    const weft_expr *wide = e->h.kind == WEFT_EK_CAST ? wider_index(v, e, arg[0]) : NULL;
    if (wide)
        return wide;
    bool guard = e->h.kind == WEFT_EK_GUARD;
    if (guard && arg[0]->h.type.lanes > 1) {
        v->failed = true;
        return e;
    }
    for (int i = guard; i < e->h.nargs; i++)
        arg[i] = widen(v, arg[i]);
    weft_head head = e->h;
    head.type.lanes = (uint8_t)v->lanes;
    return weft_expr_make(v->rw.ir, head, e->h.nargs, arg);
}

static const weft_expr *
visit_expr(weft_rewriter *rw, const weft_expr *e)
{
    vectorizer *v = rw->user;
    if (e->h.kind == WEFT_EK_LOAD)
        return load_lanes(v, e);
    if (e->h.kind != WEFT_EK_VAR)
        return node_lanes(v, e);
    const weft_var *var = e->h.u.var;
    if (var == v->var)
        return lane_numbers(v, var->type);
    return var->id < v->nlet && v->let[var->id] ? v->let[var->id] : e;
}

/* ---- statements ------------------------------------------------------------------------------ */

static const weft_stmt *stmt_lanes(vectorizer *, const weft_stmt *);

/* A memory's element for one lane of a serial loop over them. */
static const weft_expr *
one_lane_expr(weft_rewriter *rw, const weft_expr *e)
{
    vectorizer *v = rw->user;
    if (e->h.kind == WEFT_EK_VAR) {
        const weft_var *var = e->h.u.var;
        v->torn = v->torn || (var->id < v->nlet && v->let[var->id]);
        return e;
    }
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf->id >= v->nwide || !v->wide[e->h.u.buf->id])
        return e;
    const weft_expr *n = weft_int(rw->ir, (weft_dtype)e->arg[0]->h.type.dtype, v->lanes);
    const weft_expr *lane =
        weft_cast(rw->ir, (weft_dtype)n->h.type.dtype, weft_ref(rw->ir, v->var));
    const weft_expr *index = weft_add(rw->ir, weft_mul(rw->ir, e->arg[0], n), lane);
    return weft_load(rw->ir, v->wide[e->h.u.buf->id], 1, &index);
}

static const weft_stmt *
one_lane_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    vectorizer *v = rw->user;
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_STORE || s->u.store.buf->id >= v->nwide || !v->wide[s->u.store.buf->id])
        return s;
    const weft_expr *index = s->u.store.index[0];
    const weft_expr *n = weft_int(rw->ir, (weft_dtype)index->h.type.dtype, v->lanes);
    const weft_expr *lane =
        weft_cast(rw->ir, (weft_dtype)n->h.type.dtype, weft_ref(rw->ir, v->var));
    index = weft_add(rw->ir, weft_mul(rw->ir, index, n), lane);
    return weft_store(rw->ir, v->wide[s->u.store.buf->id], 1, &index, s->u.store.value);
}

/* The statement once a lane, in a serial loop. */
static const weft_stmt *
serial_lanes(vectorizer *v, const weft_stmt *s)
{
    weft_rewriter rw = { .ir = v->rw.ir, .expr = one_lane_expr, .stmt = one_lane_stmt, .user = v };
    const weft_stmt *body = weft_rewrite_stmt(&rw, s);
    weft_rewrite_done(&rw);
    weft_ir *ir = v->rw.ir;
    const weft_var *lane = weft_var_make(ir, v->var->name, v->var->type);
    const weft_expr *ref = weft_ref(ir, lane);
    body = weft_subst_stmt(ir, body, 1, &v->var, &ref);
    return weft_for(ir, lane, WEFT_SERIAL, weft_int(ir, (weft_dtype)lane->type.dtype, v->lanes),
                    body);
}

static const weft_expr *
try_lanes(vectorizer *v, const weft_expr *e)
{
    v->failed = false;
    e = lanes_of(v, e);
    if (v->failed)
        weft_rewrite_forget(&v->lane);
    return e;
}

static const weft_stmt *
store_lanes(vectorizer *v, const weft_stmt *s)
{
    const weft_buf *buf = s->u.store.buf, *wide = buf->id < v->nwide ? v->wide[buf->id] : NULL;
    const weft_expr *index = try_lanes(v, s->u.store.index[0]);
    bool failed = v->failed;
    const weft_expr *value = try_lanes(v, s->u.store.value);
    if (failed || v->failed)
        return serial_lanes(v, s);
    if (wide)
        index = own_element(v, index);
    bool one_place = index->h.type.lanes == 1; /* a sum over the lanes, perhaps */
    if (one_place && (value->h.type.lanes > 1 || !value->h.pure))
        return serial_lanes(v, s);
    if (index->h.type.lanes > 1)
        value = widen(v, value);
    return weft_store(v->rw.ir, wide ? wide : buf, 1, &index, value);
}

static bool
forget_bound(void *user, const weft_stmt *s)
{
    vectorizer *v = user;
    if (s->kind == WEFT_SK_LET)
        v->let[s->u.let.var->id] = NULL;
    if (s->kind == WEFT_SK_ALLOC)
        v->wide[s->u.alloc.buf->id] = NULL;
    return true;
}

/* A let becomes a vector, unless a statement of its body that goes lane by lane needs it: then it
 * goes lane by lane with its whole body. */
static const weft_stmt *
let_lanes(vectorizer *v, const weft_stmt *s)
{
    const weft_var *var = s->u.let.var;
    const weft_expr *value = try_lanes(v, s->u.let.value);
    if (v->failed)
        return serial_lanes(v, s);
    if (value->h.type.lanes == 1)
        return weft_let(v->rw.ir, var, value, stmt_lanes(v, s->u.let.body));
    const weft_var *own = weft_var_make(v->rw.ir, var->name, value->h.type);
    bool torn = v->torn;
    v->torn = false;
    v->let[var->id] = weft_ref(v->rw.ir, own);
    const weft_stmt *body = stmt_lanes(v, s->u.let.body);
    if (!v->torn) {
        v->torn = torn;
        return weft_let(v->rw.ir, own, value, body);
    }
    weft_walk_stmt(&(weft_walker){ .stmt = forget_bound, .user = v }, s);
    weft_rewrite_forget(&v->lane);
    v->torn = torn;
    return serial_lanes(v, s);
}

static const weft_stmt *
alloc_lanes(vectorizer *v, const weft_stmt *s)
{
    weft_ir *ir = v->rw.ir;
    const weft_buf *buf = s->u.alloc.buf;
    const weft_expr *n = weft_int(ir, (weft_dtype)buf->shape[0]->h.type.dtype, v->lanes);
    const weft_expr *size = weft_simplify_expr(ir, NULL, weft_mul(ir, buf->shape[0], n));
    v->wide[buf->id] = weft_buf_make(ir, buf->name, buf->dtype, buf->space, 1, &size);
    return weft_alloc(ir, v->wide[buf->id], stmt_lanes(v, s->u.alloc.body));
}

static const weft_stmt *
seq_lanes(vectorizer *v, const weft_stmt *s)
{
    const weft_stmt **at = WEFT_NEW_ARRAY(&v->scratch, s->u.seq.n + 1, const weft_stmt *);
    for (int i = 0; i < s->u.seq.n; i++)
        at[i] = stmt_lanes(v, s->u.seq.at[i]);
    return weft_seq(v->rw.ir, s->u.seq.n, at);
}

static const weft_stmt *
stmt_lanes(vectorizer *v, const weft_stmt *s)
{
    const weft_expr *e;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return seq_lanes(v, s);
    case WEFT_SK_STORE:
        return store_lanes(v, s);
    case WEFT_SK_LET:
        return let_lanes(v, s);
    case WEFT_SK_ALLOC: /* what a subgroup holds has no lanes of its own */
        return s->u.alloc.buf->frag.matrix ? serial_lanes(v, s) : alloc_lanes(v, s);
    case WEFT_SK_FOR:
        e = try_lanes(v, s->u.loop.extent);
        if (v->failed || e->h.type.lanes > 1)
            return serial_lanes(v, s);
        return weft_for_like(v->rw.ir, s, e, stmt_lanes(v, s->u.loop.body));
    case WEFT_SK_IF:
        e = try_lanes(v, s->u.iff.cond);
        if (v->failed || e->h.type.lanes > 1)
            return serial_lanes(v, s);
        return weft_if(v->rw.ir, e, stmt_lanes(v, s->u.iff.then),
                       s->u.iff.els ? stmt_lanes(v, s->u.iff.els) : NULL);
    case WEFT_SK_BARRIER:
        return s;
    default:
        return serial_lanes(v, s);
    }
}

/* ---- loops ----------------------------------------------------------------------------------- */

static const weft_stmt *
visit(weft_rewriter *rw, const weft_stmt *s)
{
    vectorizer *v = rw->user;
    int64_t n;
    s = weft_rewrite_children(
        rw, s); /* inner lanes first: then the outer loop finds vectors and stays serial */
    if (s->kind != WEFT_SK_FOR || s->u.loop.bind != WEFT_VECTORIZE)
        return s;
    if (!weft_as_int(s->u.loop.extent, &n) || n > 64)
        return weft_for(rw->ir, s->u.loop.var, WEFT_SERIAL, s->u.loop.extent, s->u.loop.body);
    if (n <= 1)
        return weft_for(rw->ir, s->u.loop.var, WEFT_UNROLL, s->u.loop.extent, s->u.loop.body);
    weft_rewrite_forget(&v->lane);
    v->var = s->u.loop.var;
    v->lanes = (int)n;
    v->nlet = rw->ir->nvar;
    v->nwide = rw->ir->nbuf;
    v->let = WEFT_NEW_ARRAY(&v->scratch, v->nlet + 1, const weft_expr *);
    v->wide = WEFT_NEW_ARRAY(&v->scratch, v->nwide + 1, const weft_buf *);
    return stmt_lanes(v, s->u.loop.body);
}

weft_status
weft_pass_vectorize(weft_kernel *k, const weft_lower_options *options, bool *changed,
                    weft_diag *diag)
{
    vectorizer v = { .rw = { .ir = k->ir, .stmt = visit },
                     .lane = { .ir = k->ir, .expr = visit_expr } };
    (void)options, (void)diag;
    v.rw.user = v.lane.user = &v;
    const weft_stmt *body = weft_rewrite_stmt(&v.rw, k->body);
    weft_rewrite_done(&v.rw);
    weft_rewrite_done(&v.lane);
    weft_arena_reset(&v.scratch);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
