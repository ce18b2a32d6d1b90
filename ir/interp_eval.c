/* Evaluates expressions for all lanes of a worker.  Pure nodes are looked up: first by the binders
 * they depend on, then by the versions of their operands.  Others are computed once a statement. */
#include "ir/interp_priv.h"

/* ---- operators ------------------------------------------------------------------------------- */

static void
apply2(ctx *c, const node *n, const val *a, const val *b, val *o)
{
    icls ac = (icls)n->arg[0]->cls;
    int count = n->comps * c->lanes;
    if (!a->v && !b->v) {
        scal x = weft_interp_scalar(ac, a), y = weft_interp_scalar(ac, b), r = { 0 };
        n->set->vv(&r, &x, &y, 1);
        weft_interp_finish_uniform(n, r, o);
        return;
    }
    dest d = weft_interp_dest(c, n, (const val *const[]){ a, b }, 2);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    if (!b->v) {
        scal y = weft_interp_scalar(ac, b);
        n->set->vu(d.o, weft_interp_vector(c, n->arg[0], a), &y, count);
    } else if (!a->v) {
        scal x = weft_interp_scalar(ac, a);
        n->set->uv(d.o, &x, weft_interp_vector(c, n->arg[1], b), count);
    } else {
        const void *x = weft_interp_vector(c, n->arg[0], a);
        n->set->vv(d.o, x, weft_interp_vector(c, n->arg[1], b), count);
    }
    weft_interp_finish(c, n, d, o);
}

/* && and ||: the operand that decides, or the other one. */
static void
eval_logic(ctx *c, const node *n, val *o)
{
    bool and = n->kind == WEFT_EK_AND;
    val copy;
    const val *a = weft_interp_argument(c, n, 0, &copy);
    if (!a->v && (a->i != 0) != and) {
        *o = *a;
        return;
    }
    const val *b = weft_interp_eval(c, n->arg[1]);
    if (!a->v)
        *o = *b;
    else if (!b->v)
        *o = (b->i != 0) == and? *a : *b;
    else
        apply2(c, n, a, b, o);
}

static void
eval_binary(ctx *c, const node *n, val *o)
{
    val copy;
    const val *a = weft_interp_argument(c, n, 0, &copy), *b = weft_interp_eval(c, n->arg[1]);
    if (!n->arg[0]->lin || !n->arg[1]->lin || !weft_interp_linear(c, n, a, b, o))
        apply2(c, n, a, b, o);
}

static void
apply1(ctx *c, const node *n, kern1 f, val *o)
{
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        scal x = weft_interp_scalar((icls)n->arg[0]->cls, a), r = { 0 };
        f(&r, &x, 1);
        weft_interp_finish_uniform(n, r, o);
        return;
    }
    dest d = weft_interp_dest(c, n, &a, 1);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    f(d.o, weft_interp_vector(c, n->arg[0], a), n->comps * c->lanes);
    weft_interp_finish(c, n, d, o);
}

static void
eval_cast(ctx *c, const node *n, val *o)
{
    icls from = (icls)n->arg[0]->cls, to = (icls)n->cls;
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        scal x = weft_interp_scalar(from, a), r = { 0 };
        weft_interp_cast(to, (weft_dtype)n->dtype, &r, from, &x, 1);
        weft_interp_uniform(to, r, o);
        return;
    }
    val bare = *a;
    const val *key = &bare;
    int64_t off = 0;
    if (n->lin && n->arg[0]->lin && to == CLS_I64) { /* widening keeps the offset */
        off = a->i;
        bare.i = 0;
    }
    dest d = weft_interp_dest(c, n, &key, 1);
    if (d.hit) {
        *o = d.w->v;
    } else {
        const void *x = weft_interp_vector(c, n->arg[0], key);
        weft_interp_cast(to, (weft_dtype)n->dtype, d.o, from, x, n->comps * c->lanes);
        weft_interp_keep(c, n, d, o);
    }
    o->i += off;
}

/* ---- choices --------------------------------------------------------------------------------- */

static void
blend(ctx *c, const node *n, const val *cond, const val *a, const val *b, val *o)
{
    icls cls = (icls)n->cls;
    dest d = weft_interp_dest(c, n, (const val *const[]){ cond, a, b }, 3);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    const void *x = weft_interp_vector(c, n->arg[1], a), *y = weft_interp_vector(c, n->arg[2], b);
    size_t step = interp_bytes(cls, c->lanes);
    bool each = n->arg[0]->comps > 1; /* a condition a component */
    for (int k = 0; k < n->comps; k++) {
        size_t at = (size_t)k * step;
        const uint8_t *on = (const uint8_t *)cond->v + (each ? k * c->lanes : 0);
        weft_interp_blend(cls, (char *)d.o + at, on, (const char *)x + at, (const char *)y + at,
                          c->lanes);
    }
    weft_interp_keep(c, n, d, o);
}

static void
eval_select(ctx *c, const node *n, val *o)
{
    val copy[2];
    const val *cond = weft_interp_argument(c, n, 0, &copy[0]),
              *a = weft_interp_argument(c, n, 1, &copy[1]);
    const val *b = weft_interp_eval(c, n->arg[2]);
    if (!cond->v)
        *o = cond->i ? *a : *b;
    else
        blend(c, n, cond, a, b, o);
}

static val
eval_under(ctx *c, const node *n, const mask *m)
{
    const mask *was = c->mask;
    c->mask = m;
    val v = *weft_interp_eval(c, n);
    c->mask = was;
    return v;
}

static void
eval_guard(ctx *c, const node *n, val *o)
{
    const val *cond = weft_interp_eval(c, n->arg[0]);
    if (!cond->v) {
        *o = *weft_interp_eval(c, n->arg[cond->i ? 1 : 2]);
        return;
    }
    val keep_cond = *cond;
    if (n->arg[1]->pure && n->arg[2]->pure) {
        const val *a = weft_interp_eval(c, n->arg[1]);
        blend(c, n, &keep_cond, a, weft_interp_eval(c, n->arg[2]), o);
        return;
    }
    const mask *m = weft_interp_split(c, &c->node[n->id].way, cond);
    if (m[1].n == 0 || m[0].n == 0) {
        int arm = m[0].n == 0;
        *o = eval_under(c, n->arg[1 + arm], &m[arm]);
        return;
    }
    val a = eval_under(c, n->arg[1], &m[0]), b = eval_under(c, n->arg[2], &m[1]);
    blend(c, n, &keep_cond, &a, &b, o);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void
eval_fma(ctx *c, const node *n, val *o)
{
    const void *x[3];
    dest d = weft_interp_unkeyed(c, n);
    for (int i = 0; i < 3; i++)
        x[i] = weft_interp_vector(c, n->arg[i], weft_interp_eval(c, n->arg[i]));
    weft_interp_fma((icls)n->cls, d.o, x[0], x[1], x[2], n->comps * c->lanes);
    weft_interp_finish(c, n, d, o);
}

static void
eval_call(ctx *c, const node *n, val *o)
{
    if (weft_intrin_infos[n->intrin].effect)
        weft_interp_eval_shuffle(c, n, o);
    else if (n->intrin == WEFT_IN_FMA)
        eval_fma(c, n, o);
    else if (n->set)
        eval_binary(c, n, o);
    else
        apply1(c, n, weft_interp_math1(n->intrin, (icls)n->arg[0]->cls), o);
}

/* ---- one node -------------------------------------------------------------------------------- */

static void
eval_node(ctx *c, const node *n, val *o)
{
    switch ((weft_ek)n->kind) {
    case WEFT_EK_NEG:
    case WEFT_EK_NOT:
    case WEFT_EK_BNOT:
        apply1(c, n, weft_interp_unary((weft_ek)n->kind, (icls)n->arg[0]->cls), o);
        break;
    case WEFT_EK_AND:
    case WEFT_EK_OR:
        eval_logic(c, n, o);
        break;
    case WEFT_EK_SELECT:
        eval_select(c, n, o);
        break;
    case WEFT_EK_GUARD:
        eval_guard(c, n, o);
        break;
    case WEFT_EK_CAST:
        eval_cast(c, n, o);
        break;
    case WEFT_EK_BITCAST:
        weft_interp_eval_bitcast(c, n, o);
        break;
    case WEFT_EK_LOAD:
        weft_interp_load(c, n, o);
        break;
    case WEFT_EK_CALL:
        eval_call(c, n, o);
        break;
    case WEFT_EK_RAMP:
        weft_interp_eval_ramp(c, n, o);
        break;
    case WEFT_EK_BCAST:
        weft_interp_eval_bcast(c, n, o);
        break;
    case WEFT_EK_LANE:
        weft_interp_eval_lane(c, n, o);
        break;
    case WEFT_EK_VEC:
        weft_interp_eval_vec(c, n, o);
        break;
    default:
        eval_binary(c, n, o);
        break;
    }
}

const val *
weft_interp_eval(ctx *c, const node *n)
{
    if (n->kind == WEFT_EK_IMM)
        return &n->imm;
    if (n->kind == WEFT_EK_VAR)
        return &c->var[n->slot];
    ncache *k = &c->node[n->id];
    uint64_t stamp = n->pure ? c->stamp[n->level] : c->stmt;
    uint64_t under = n->pure ? 0 : c->mask->ver;
    if (k->stamp == stamp && k->mask == under)
        return &k->out;
    eval_node(c, n, &k->out);
    k->stamp = stamp;
    k->mask = under;
    return &k->out;
}
