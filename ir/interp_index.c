/* Index arithmetic on values that are a vector plus a uniform offset: most of what changes in a
 * serial loop is the offset.  Where the exact result would not fit the type, the general way that
 * wraps is taken. */
#include "ir/interp_priv.h"

#include <string.h>

static int64_t
type_min(const node *n)
{
    return n->dtype == WEFT_I32 ? INT32_MIN : INT64_MIN;
}

static int64_t
type_max(const node *n)
{
    return n->dtype == WEFT_I32 ? INT32_MAX : INT64_MAX;
}

/* Whether every element of a vector with offset is in the type's range. */
static bool
fits(const node *n, int64_t min, int64_t max, int64_t off)
{
    int64_t lo, hi;
    return weft_add64(min, off, &lo) && weft_add64(max, off, &hi) && lo >= type_min(n) &&
           hi <= type_max(n);
}

static void
shifted(const val *a, int64_t i, val *o)
{
    *o = *a;
    o->i = i;
}

static void
set_int(val *o, int64_t i)
{
    o->v = NULL;
    o->ver = 0;
    o->i = i;
    o->ranged = false;
}

/* The node's remembered vector for two operands and a tag; computed by set over x and y if new. */
static bool
memo(ctx *c, const node *n, uint64_t a, uint64_t b, uint64_t tag, way **w)
{
    uint64_t key[INTERP_KEYS] = { a, b, tag, [INTERP_KEYS - 1] = 1 };
    bool hit;
    *w = weft_interp_way(c, &c->node[n->id].way, key, &hit);
    weft_interp_way_buf(c, *w, n->comps, (icls)n->cls);
    return hit;
}

static void
remember(ctx *c, const node *n, way *w)
{
    weft_interp_value(c, (icls)n->cls, n->comps, w->buf, true, &w->v);
}

static bool
sum(ctx *c, const node *n, const val *a, const val *b, val *o)
{
    if (!b->v) {
        if (!fits(n, a->min, a->max, 0) || !weft_add64(a->i, b->i, &(int64_t){ 0 }) ||
            !fits(n, a->min, a->max, a->i + b->i))
            return false;
        shifted(a, a->i + b->i, o);
        return true;
    }
    int64_t lo, hi, off;
    if (!weft_add64(a->min, b->min, &lo) || !weft_add64(a->max, b->max, &hi) ||
        !weft_add64(a->i, b->i, &off) || !fits(n, lo, hi, 0) || !fits(n, lo, hi, off))
        return false;
    way *w;
    if (!memo(c, n, a->ver, b->ver, 0, &w)) {
        n->set->vv(w->buf, a->v, b->v, n->comps * c->lanes);
        remember(c, n, w);
    }
    shifted(&w->v, w->v.i + off, o);
    return true;
}

/* a - b where b is a vector: by the vectors and by the offsets. */
static bool
difference(ctx *c, const node *n, const val *a, const val *b, val *o)
{
    int64_t amin = a->v ? a->min : 0, amax = a->v ? a->max : 0, lo, hi, off;
    if (__builtin_sub_overflow(amin, b->max, &lo) || __builtin_sub_overflow(amax, b->min, &hi) ||
        __builtin_sub_overflow(a->i, b->i, &off) || !fits(n, lo, hi, 0) || !fits(n, lo, hi, off))
        return false;
    way *w;
    if (!memo(c, n, a->ver, b->ver, 0, &w)) {
        scal zero = { 0 };
        if (a->v)
            n->set->vv(w->buf, a->v, b->v, n->comps * c->lanes);
        else
            n->set->uv(w->buf, &zero, b->v, n->comps * c->lanes);
        remember(c, n, w);
    }
    shifted(&w->v, w->v.i + off, o);
    return true;
}

static bool
product(ctx *c, const node *n, const val *a, int64_t u, val *o)
{
    int64_t x, y, off;
    if (!weft_mul64(a->min, u, &x) || !weft_mul64(a->max, u, &y) || !weft_mul64(a->i, u, &off))
        return false;
    int64_t lo = x < y ? x : y, hi = x < y ? y : x;
    if (!fits(n, lo, hi, 0) || !fits(n, lo, hi, off))
        return false;
    way *w;
    if (!memo(c, n, a->ver, (uint64_t)u, 1, &w)) {
        scal s = { 0 };
        s.i64 = u;
        if (n->cls == CLS_I32)
            s.i32 = (int32_t)u;
        n->set->vu(w->buf, a->v, &s, n->comps * c->lanes);
        remember(c, n, w);
    }
    shifted(&w->v, w->v.i + off, o);
    return true;
}

/* (v + off) // u and % u for u > 0, with off reduced below u. */
static bool
divided(ctx *c, const node *n, const val *a, int64_t u, val *o)
{
    bool div = n->kind == WEFT_EK_FDIV;
    int64_t lo = a->min + a->i, hi = a->max + a->i; /* fits: invariant of values */
    if (weft_floordiv(lo, u) == weft_floordiv(hi, u)) {
        int64_t q = weft_floordiv(lo, u);
        if (div)
            set_int(o, q);
        else
            shifted(a, a->i - q * u, o);
        return true;
    }
    int64_t q = weft_floordiv(a->i, u), r = weft_floormod(a->i, u);
    if (!fits(n, a->min, a->max, r))
        return false;
    way *w;
    if (!memo(c, n, a->ver, (uint64_t)u, (uint64_t)r << 1, &w)) {
        val part = *a;
        part.i = r;
        const void *x = weft_interp_vector(c, n->arg[0], &part);
        scal s = { 0 };
        s.i64 = u;
        if (n->cls == CLS_I32)
            s.i32 = (int32_t)u;
        n->set->vu(w->buf, x, &s, n->comps * c->lanes);
        remember(c, n, w);
    }
    shifted(&w->v, w->v.i + (div ? q : 0), o);
    return true;
}

/* Decided by ranges, or by one comparison of the vector with u - off. */
static bool
compared(ctx *c, const node *n, weft_ek kind, const val *a, int64_t u, val *o)
{
    int64_t lo = a->min + a->i, hi = a->max + a->i;
    int known = -1;
    switch (kind) {
    case WEFT_EK_LT:
        known = hi < u ? 1 : lo >= u ? 0 : -1;
        break;
    case WEFT_EK_LE:
        known = hi <= u ? 1 : lo > u ? 0 : -1;
        break;
    case WEFT_EK_GT:
        known = lo > u ? 1 : hi <= u ? 0 : -1;
        break;
    case WEFT_EK_GE:
        known = lo >= u ? 1 : hi < u ? 0 : -1;
        break;
    case WEFT_EK_EQ:
        known = hi < u || lo > u ? 0 : -1;
        break;
    default:
        known = hi < u || lo > u ? 1 : -1;
        break;
    }
    if (known >= 0) {
        set_int(o, known);
        return true;
    }
    way *w; /* lo <= u <= hi, so that u - off is between min and max */
    int64_t at = u - a->i;
    if (!memo(c, n, a->ver, (uint64_t)at, 1 + (uint64_t)kind, &w)) {
        icls cls = (icls)n->arg[0]->cls;
        scal s = { 0 };
        s.i64 = at;
        if (cls == CLS_I32)
            s.i32 = (int32_t)at;
        weft_interp_binary(kind, cls)->vu(w->buf, a->v, &s, n->comps * c->lanes);
        weft_interp_value(c, CLS_BOOL, n->comps, w->buf, false, &w->v);
    }
    *o = w->v;
    return true;
}

static weft_ek
turned(weft_ek kind)
{
    switch (kind) {
    case WEFT_EK_LT:
        return WEFT_EK_GT;
    case WEFT_EK_LE:
        return WEFT_EK_GE;
    case WEFT_EK_GT:
        return WEFT_EK_LT;
    case WEFT_EK_GE:
        return WEFT_EK_LE;
    default:
        return kind;
    }
}

/* min and max where one operand is nowhere chosen. */
static bool
clamped(const node *n, const val *a, const val *b, val *o)
{
    int64_t alo = a->v ? a->min + a->i : a->i, ahi = a->v ? a->max + a->i : a->i;
    int64_t blo = b->v ? b->min + b->i : b->i, bhi = b->v ? b->max + b->i : b->i;
    bool least = n->kind == WEFT_EK_MIN;
    if (ahi <= blo)
        *o = least ? *a : *b;
    else if (bhi <= alo)
        *o = least ? *b : *a;
    else
        return false;
    return true;
}

static bool
both_uniform(const node *n, int64_t a, int64_t b, val *o)
{
    int64_t r;
    switch ((weft_ek)n->kind) {
    case WEFT_EK_ADD:
        if (!weft_add64(a, b, &r))
            return false;
        break;
    case WEFT_EK_SUB:
        if (__builtin_sub_overflow(a, b, &r))
            return false;
        break;
    case WEFT_EK_MUL:
        if (!weft_mul64(a, b, &r))
            return false;
        break;
    case WEFT_EK_LT:
        r = a < b;
        break;
    case WEFT_EK_GE:
        r = a >= b;
        break;
    default:
        return false;
    }
    if (n->lin && (r < type_min(n) || r > type_max(n)))
        return false;
    set_int(o, r);
    return true;
}

bool
weft_interp_linear(ctx *c, const node *n, const val *a, const val *b, val *o)
{
    if (!a->v && !b->v)
        return both_uniform(n, a->i, b->i, o);
    switch ((weft_ek)n->kind) {
    case WEFT_EK_ADD:
        return a->v ? sum(c, n, a, b, o) : sum(c, n, b, a, o);
    case WEFT_EK_SUB:
        if (!b->v)
            return b->i != INT64_MIN && sum(c, n, a, &(val){ .i = -b->i }, o);
        return difference(c, n, a, b, o);
    case WEFT_EK_MUL:
        if (a->v && b->v)
            return false;
        return a->v ? product(c, n, a, b->i, o) : product(c, n, b, a->i, o);
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        return a->v && !b->v && b->i > 0 && divided(c, n, a, b->i, o);
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
    case WEFT_EK_LT:
    case WEFT_EK_LE:
    case WEFT_EK_GT:
    case WEFT_EK_GE:
        if (a->v && b->v)
            return false;
        return a->v ? compared(c, n, (weft_ek)n->kind, a, b->i, o)
                    : compared(c, n, turned((weft_ek)n->kind), b, a->i, o);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return clamped(n, a, b, o);
    default:
        return false;
    }
}

/* ---- masks ----------------------------------------------------------------------------------- */

static void
cut(const uint8_t *on, const uint8_t *cond, uint8_t *yes, uint8_t *no, int n, int *nyes, int *nno)
{
    int y = 0, z = 0;
    for (int k = 0; k < n; k++) {
        uint8_t m = on ? on[k] : 1, t = cond[k] & m;
        yes[k] = t;
        no[k] = t ^ m;
        y += t;
        z += t ^ m;
    }
    *nyes = y;
    *nno = z;
}

const mask *
weft_interp_split(ctx *c, way **ways, const val *cond)
{
    uint64_t key[INTERP_KEYS] = { cond->ver, c->mask->ver, [INTERP_KEYS - 1] = 2 };
    bool hit;
    way *w = weft_interp_way(c, ways, key, &hit);
    if (hit)
        return w->m;
    if (!w->buf2)
        w->buf2 = weft_arena_alloc(&c->arena, 2 * (size_t)c->cap);
    uint8_t *yes = w->buf2, *no = yes + c->cap;
    w->m[0].on = yes;
    w->m[1].on = no;
    cut(c->mask->on, cond->v, yes, no, c->lanes, &w->m[0].n, &w->m[1].n);
    for (int i = 0; i < 2; i++) {
        w->m[i].ver = interp_tick(c);
        if (w->m[i].n == c->lanes)
            w->m[i] = c->full;
        else if (w->m[i].n == c->mask->n)
            w->m[i] = *c->mask;
    }
    return w->m;
}
