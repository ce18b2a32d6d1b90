/* Evaluates expressions for all lanes of a worker.  Pure nodes are looked up: first by the binders
 * they depend on, then by the versions of their operands.  Others are computed once a statement. */
#include "ir/interp_priv.h"

#include <string.h>

/* ---- memory for results -------------------------------------------------------------------------- */

enum { SCRATCH_BLOCK = 1 << 18 };

static void
add_scratch(ctx *c, size_t bytes)
{
    int n = c->nscratch + 1;
    char **block = WEFT_NEW_ARRAY(&c->arena, n, char *);
    size_t *size = WEFT_NEW_ARRAY(&c->arena, n, size_t);
    if (c->nscratch) {
        memcpy(block, c->scratch, (size_t)c->nscratch * sizeof *block);
        memcpy(size, c->scratch_size, (size_t)c->nscratch * sizeof *size);
    }
    size[n - 1] = bytes > SCRATCH_BLOCK ? bytes : SCRATCH_BLOCK;
    block[n - 1] = weft_arena_alloc(&c->arena, size[n - 1]);
    c->scratch = block;
    c->scratch_size = size;
    c->nscratch = n;
}

void *
weft_interp_scratch(ctx *c, size_t bytes)
{
    bytes = (bytes + 63) & ~(size_t)63;
    while (c->scratch_at < c->nscratch &&
           c->scratch_used + bytes > c->scratch_size[c->scratch_at]) {
        c->scratch_at++;
        c->scratch_used = 0;
    }
    if (c->scratch_at == c->nscratch)
        add_scratch(c, bytes);
    void *p = c->scratch[c->scratch_at] + c->scratch_used;
    c->scratch_used += bytes;
    return p;
}

way *
weft_interp_way(ctx *c, way **ways, const uint64_t *key, bool *hit)
{
    if (!*ways)
        *ways = WEFT_NEW_ARRAY(&c->arena, INTERP_WAYS, way);
    uint64_t h = 0;
    for (int i = 0; i < INTERP_KEYS; i++)
        h = (h ^ key[i]) * 0x9e3779b97f4a7c15u;
    way *w = &(*ways)[h >> 32 & (INTERP_WAYS - 1)];
    *hit = w->used && memcmp(w->key, key, sizeof w->key) == 0;
    if (!*hit) {
        memcpy(w->key, key, sizeof w->key);
        w->used = true;
    }
    return w;
}

void *
weft_interp_way_buf(ctx *c, way *w, int comps, icls cls)
{
    if (!w->buf)
        w->buf = weft_arena_alloc(&c->arena, interp_bytes(cls, comps * c->cap));
    return w->buf;
}

/* ---- values -------------------------------------------------------------------------------------- */

static val
uniform(icls cls, scal u)
{
    switch (cls) {
    case CLS_BOOL:
        return (val){ .i = u.b };
    case CLS_I32:
        return (val){ .i = u.i32 };
    case CLS_U32:
        return (val){ .i = u.u32 };
    case CLS_I64:
    case CLS_U64:
        return (val){ .i = u.i64 };
    case CLS_F32:
        return (val){ .f = (double)u.f32 };
    default:
        return (val){ .f = u.f64 };
    }
}

val
weft_interp_value(ctx *c, icls cls, int comps, const void *v, bool measure)
{
    val o = { .v = v, .ver = interp_tick(c) };
    int n = comps * c->lanes;
    if (n == 1) {
        scal u;
        memcpy(&u, v, (size_t)weft_interp_size[cls]);
        return uniform(cls, u);
    }
    if (!measure || (cls != CLS_I32 && cls != CLS_I64))
        return o;
    if (cls == CLS_I32)
        weft_interp_range32(v, n, &o);
    else
        weft_interp_range64(v, n, &o);
    if (o.min == o.max)
        return (val){ .i = o.min };
    return o;
}

scal
weft_interp_scalar(icls cls, val v)
{
    scal u = { 0 };
    switch (cls) {
    case CLS_BOOL:
        u.b = (uint8_t)(v.i != 0);
        break;
    case CLS_I32:
        u.i32 = (int32_t)v.i;
        break;
    case CLS_U32:
        u.u32 = (uint32_t)v.i;
        break;
    case CLS_I64:
    case CLS_U64:
        u.i64 = v.i;
        break;
    case CLS_F32:
        u.f32 = (float)v.f;
        break;
    default:
        u.f64 = v.f;
        break;
    }
    return u;
}

const void *
weft_interp_vector(ctx *c, const node *n, val a)
{
    icls cls = (icls)n->cls;
    int count = n->comps * c->lanes;
    if (a.v && a.i == 0)
        return a.v;
    void *o = weft_interp_scratch(c, interp_bytes(cls, count));
    if (!a.v)
        weft_interp_fill(cls, o, weft_interp_scalar(cls, a), count);
    else {
        scal off = { 0 };
        off.i64 = a.i;
        if (cls == CLS_I32)
            off.i32 = (int32_t)a.i;
        weft_interp_binary(WEFT_EK_ADD, cls)->vu(o, a.v, &off, count);
    }
    return o;
}

/* Where a result of the node goes: its own memory, kept with the key, if it is pure. */
typedef struct dest {
    way *w;
    void *o;
    bool hit;
} dest;

static uint64_t
bits_of(val a)
{
    uint64_t x;
    memcpy(&x, &a.f, sizeof x);
    return x ^ (uint64_t)a.i;
}

static dest
place_for(ctx *c, const node *n, const val *a, int na)
{
    dest d = { 0 };
    if (!n->pure) {
        d.o = weft_interp_scratch(c, interp_bytes((icls)n->cls, n->comps * c->lanes));
        return d;
    }
    uint64_t key[INTERP_KEYS] = { 0 };
    for (int i = 0; i < na; i++) {
        key[2 * i] = a[i].ver;
        key[2 * i + 1] = bits_of(a[i]);
    }
    d.w = weft_interp_way(c, &c->node[n->id].way, key, &d.hit);
    d.o = weft_interp_way_buf(c, d.w, n->comps, (icls)n->cls);
    return d;
}

static val
finish(ctx *c, const node *n, dest d)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, d.o, n->comps * c->lanes);
    val v = weft_interp_value(c, (icls)n->cls, n->comps, d.o, n->lin);
    if (d.w)
        d.w->v = v;
    return v;
}

static val
finish_uniform(const node *n, scal u)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, &u, 1);
    return uniform((icls)n->cls, u);
}

/* ---- operators ------------------------------------------------------------------------------------ */

static val
apply2(ctx *c, const node *n, const kernset *set, val a, val b)
{
    icls ac = (icls)n->arg[0]->cls;
    int count = n->comps * c->lanes;
    if (!a.v && !b.v) {
        scal x = weft_interp_scalar(ac, a), y = weft_interp_scalar(ac, b), o = { 0 };
        set->vv(&o, &x, &y, 1);
        return finish_uniform(n, o);
    }
    val both[2] = { a, b };
    dest d = place_for(c, n, both, 2);
    if (d.hit)
        return d.w->v;
    if (!b.v) {
        scal y = weft_interp_scalar(ac, b);
        set->vu(d.o, weft_interp_vector(c, n->arg[0], a), &y, count);
    } else if (!a.v) {
        scal x = weft_interp_scalar(ac, a);
        set->uv(d.o, &x, weft_interp_vector(c, n->arg[1], b), count);
    } else {
        const void *x = weft_interp_vector(c, n->arg[0], a);
        set->vv(d.o, x, weft_interp_vector(c, n->arg[1], b), count);
    }
    return finish(c, n, d);
}

static val
eval_binary(ctx *c, const node *n)
{
    val a = weft_interp_eval(c, n->arg[0]), o;
    if (!a.v && n->kind == WEFT_EK_AND && !a.i)
        return a; /* pure by rule: nothing to evaluate for effect */
    if (!a.v && n->kind == WEFT_EK_OR && a.i)
        return a;
    val b = weft_interp_eval(c, n->arg[1]);
    if (n->arg[0]->lin && n->arg[1]->lin && weft_interp_linear(c, n, &a, &b, &o))
        return o;
    if ((n->kind == WEFT_EK_AND || n->kind == WEFT_EK_OR) && !(a.v && b.v)) {
        val known = a.v ? b : a, other = a.v ? a : b;
        return (known.i != 0) == (n->kind == WEFT_EK_AND) ? other : known;
    }
    return apply2(c, n, n->set, a, b);
}

static val
apply1(ctx *c, const node *n, kern1 f, val a)
{
    icls ac = (icls)n->arg[0]->cls;
    if (!a.v) {
        scal x = weft_interp_scalar(ac, a), o = { 0 };
        f(&o, &x, 1);
        return finish_uniform(n, o);
    }
    dest d = place_for(c, n, &a, 1);
    if (d.hit)
        return d.w->v;
    f(d.o, weft_interp_vector(c, n->arg[0], a), n->comps * c->lanes);
    return finish(c, n, d);
}

static val
eval_cast(ctx *c, const node *n)
{
    icls from = (icls)n->arg[0]->cls, to = (icls)n->cls;
    val a = weft_interp_eval(c, n->arg[0]);
    if (!a.v) {
        scal x = weft_interp_scalar(from, a), o = { 0 };
        weft_interp_cast(to, (weft_dtype)n->dtype, &o, from, &x, 1);
        return uniform(to, o);
    }
    val key = a;
    bool keep = n->lin && n->arg[0]->lin && to == CLS_I64; /* widening keeps the offset */
    if (keep)
        key.i = 0;
    dest d = place_for(c, n, &key, 1);
    if (!d.hit) {
        const void *x = weft_interp_vector(c, n->arg[0], key);
        weft_interp_cast(to, (weft_dtype)n->dtype, d.o, from, x, n->comps * c->lanes);
        val v = weft_interp_value(c, to, n->comps, d.o, n->lin);
        if (d.w)
            d.w->v = v;
        key = v;
    } else {
        key = d.w->v;
    }
    if (keep)
        key.i += a.i;
    return key;
}

/* Integers have one copy of each value's bits; floats held wider than their dtype are narrowed. */
static void
pack_bits(weft_dtype t, icls cls, void *to, int64_t at, const void *from, int k)
{
    if (cls == CLS_F32)
        weft_set_f64(t, to, at, (double)((const float *)from)[k]);
    else if (cls == CLS_F64)
        weft_set_f64(t, to, at, ((const double *)from)[k]);
    else if (weft_interp_size[cls] == 8)
        weft_set_i64(t, to, at, ((const int64_t *)from)[k]);
    else
        weft_set_i64(t, to, at, cls == CLS_BOOL ? ((const uint8_t *)from)[k]
                                                : ((const int32_t *)from)[k]);
}

static void
unpack_bits(weft_dtype t, icls cls, void *to, int k, const void *from, int64_t at)
{
    if (cls == CLS_F32)
        ((float *)to)[k] = (float)weft_get_f64(t, from, at);
    else if (cls == CLS_F64)
        ((double *)to)[k] = weft_get_f64(t, from, at);
    else if (weft_interp_size[cls] == 8)
        ((int64_t *)to)[k] = weft_get_i64(t, from, at);
    else if (cls == CLS_BOOL)
        ((uint8_t *)to)[k] = (uint8_t)weft_get_i64(t, from, at);
    else
        ((int32_t *)to)[k] = (int32_t)weft_get_i64(t, from, at);
}

static val
eval_bitcast(ctx *c, const node *n)
{
    const node *from = n->arg[0];
    val a = weft_interp_eval(c, from);
    dest d = place_for(c, n, &a, 1);
    if (d.hit)
        return d.w->v;
    const void *x = weft_interp_vector(c, from, a);
    int lanes = c->lanes;
    uint64_t word[256];
    bool same = weft_interp_size[from->cls] == weft_interp_size[n->cls] && from->comps == n->comps &&
                weft_dtype_bits((weft_dtype)n->dtype) == 8 * weft_interp_size[n->cls] &&
                weft_dtype_bits((weft_dtype)from->dtype) == 8 * weft_interp_size[n->cls];
    if (same)
        memcpy(d.o, x, interp_bytes((icls)n->cls, n->comps * lanes));
    for (int l = 0; l < lanes && !same; l++) {
        for (int k = 0; k < from->comps; k++)
            pack_bits((weft_dtype)from->dtype, (icls)from->cls, word, k, x, k * lanes + l);
        for (int k = 0; k < n->comps; k++)
            unpack_bits((weft_dtype)n->dtype, (icls)n->cls, d.o, k * lanes + l, word, k);
    }
    val v = weft_interp_value(c, (icls)n->cls, n->comps, d.o, n->lin);
    if (d.w)
        d.w->v = v;
    return v;
}

/* ---- vectors -------------------------------------------------------------------------------------- */

/* keep: the base's offset stays one. */
static val
ramp(ctx *c, const node *n, val base, val stride, bool keep)
{
    icls cls = (icls)n->cls;
    val key[2] = { base, stride };
    int lanes = c->lanes;
    if (keep)
        key[0].i = 0;
    dest d = place_for(c, n, key, 2);
    val v;
    if (d.hit) {
        v = d.w->v;
    } else {
        const char *from = weft_interp_vector(c, n->arg[0], key[0]);
        const void *step = weft_interp_vector(c, n->arg[1], stride);
        for (int k = 0; k < n->comps; k++) {
            char *o = (char *)d.o + interp_bytes(cls, k * lanes);
            scal at = weft_interp_scalar(cls, (val){ .i = k, .f = k });
            void *far = weft_interp_scratch(c, interp_bytes(cls, lanes));
            weft_interp_binary(WEFT_EK_MUL, cls)->vu(far, step, &at, lanes);
            weft_interp_binary(WEFT_EK_ADD, cls)->vv(o, from, far, lanes);
        }
        v = finish(c, n, d);
    }
    if (!keep)
        return v;
    int64_t lo = v.v ? v.min : v.i, hi = v.v ? v.max : v.i, off;
    bool wide = n->dtype == WEFT_I64;
    if (!weft_add64(v.v ? 0 : v.i, base.i, &off) || !weft_add64(lo, base.i, &lo) ||
        !weft_add64(hi, base.i, &hi) || (!wide && (lo < INT32_MIN || hi > INT32_MAX)))
        return ramp(c, n, base, stride, false);
    v.i = off;
    return v;
}

static val
eval_ramp(ctx *c, const node *n)
{
    val base = weft_interp_eval(c, n->arg[0]);
    return ramp(c, n, base, weft_interp_eval(c, n->arg[1]), n->lin);
}

static val
eval_bcast(ctx *c, const node *n)
{
    val a = weft_interp_eval(c, n->arg[0]), key = a;
    if (!a.v)
        return a;
    key.i = n->lin ? 0 : a.i;
    dest d = place_for(c, n, &key, 1);
    val v;
    if (d.hit) {
        v = d.w->v;
    } else {
        size_t bytes = interp_bytes((icls)n->cls, c->lanes);
        const void *x = weft_interp_vector(c, n->arg[0], key);
        for (int k = 0; k < n->comps; k++)
            memcpy((char *)d.o + (size_t)k * bytes, x, bytes);
        v = weft_interp_value(c, (icls)n->cls, n->comps, d.o, n->lin);
        if (d.w)
            d.w->v = v;
    }
    if (n->lin)
        v.i += a.i;
    return v;
}

static val
eval_lane(ctx *c, const node *n)
{
    icls cls = (icls)n->cls;
    val a = weft_interp_eval(c, n->arg[0]);
    if (!a.v)
        return a;
    dest d = place_for(c, n, &a, 1);
    if (d.hit)
        return d.w->v;
    const char *x = weft_interp_vector(c, n->arg[0], a);
    memcpy(d.o, x + interp_bytes(cls, n->lane * c->lanes), interp_bytes(cls, c->lanes));
    val v = weft_interp_value(c, cls, 1, d.o, n->lin);
    if (d.w)
        d.w->v = v;
    return v;
}

static val
eval_vec(ctx *c, const node *n)
{
    icls cls = (icls)n->cls;
    size_t bytes = interp_bytes(cls, c->lanes);
    char *o = weft_interp_scratch(c, bytes * (size_t)n->comps);
    for (int k = 0; k < n->n; k++) {
        val a = weft_interp_eval(c, n->arg[k]);
        memcpy(o + (size_t)k * bytes, weft_interp_vector(c, n->arg[k], a), bytes);
    }
    if (n->pure) { /* outlives the statement */
        if (!c->node[n->id].way)
            c->node[n->id].way = WEFT_NEW_ARRAY(&c->arena, INTERP_WAYS, way);
        void *kept = weft_interp_way_buf(c, c->node[n->id].way, n->comps, cls);
        o = memcpy(kept, o, bytes * (size_t)n->comps);
    }
    return weft_interp_value(c, cls, n->comps, o, n->lin);
}

/* ---- choices --------------------------------------------------------------------------------------- */

static val
blend(ctx *c, const node *n, val cond, val a, val b)
{
    icls cls = (icls)n->cls;
    val key[3] = { cond, a, b };
    dest d = place_for(c, n, key, 3);
    if (d.hit)
        return d.w->v;
    const void *x = weft_interp_vector(c, n->arg[1], a), *y = weft_interp_vector(c, n->arg[2], b);
    size_t step = interp_bytes(cls, c->lanes);
    bool each = n->arg[0]->comps > 1; /* a condition a component */
    for (int k = 0; k < n->comps; k++) {
        size_t at = (size_t)k * step;
        const uint8_t *on = (const uint8_t *)cond.v + (each ? k * c->lanes : 0);
        weft_interp_blend(cls, (char *)d.o + at, on, (const char *)x + at, (const char *)y + at,
                          c->lanes);
    }
    val v = weft_interp_value(c, cls, n->comps, d.o, n->lin);
    if (d.w)
        d.w->v = v;
    return v;
}

static val
eval_select(ctx *c, const node *n)
{
    val cond = weft_interp_eval(c, n->arg[0]);
    val a = weft_interp_eval(c, n->arg[1]), b = weft_interp_eval(c, n->arg[2]);
    if (!cond.v)
        return cond.i ? a : b;
    return blend(c, n, cond, a, b);
}

static val
eval_under(ctx *c, const node *n, const mask *m)
{
    const mask *was = c->mask;
    if (n->pure)
        return weft_interp_eval(c, n);
    c->mask = m;
    val v = weft_interp_eval(c, n);
    c->mask = was;
    return v;
}

static val
eval_guard(ctx *c, const node *n)
{
    val cond = weft_interp_eval(c, n->arg[0]);
    if (!cond.v)
        return weft_interp_eval(c, n->arg[cond.i ? 1 : 2]);
    if (n->arg[1]->pure && n->arg[2]->pure)
        return blend(c, n, cond, weft_interp_eval(c, n->arg[1]), weft_interp_eval(c, n->arg[2]));
    const mask *m = weft_interp_split(c, &c->node[n->id].way, cond);
    if (m[1].n == 0)
        return eval_under(c, n->arg[1], &m[0]);
    if (m[0].n == 0)
        return eval_under(c, n->arg[2], &m[1]);
    val a = eval_under(c, n->arg[1], &m[0]), b = eval_under(c, n->arg[2], &m[1]);
    return blend(c, n, cond, a, b);
}

/* ---- calls ----------------------------------------------------------------------------------------- */

static val
eval_fma(ctx *c, const node *n)
{
    const void *x[3];
    for (int i = 0; i < 3; i++)
        x[i] = weft_interp_vector(c, n->arg[i], weft_interp_eval(c, n->arg[i]));
    int count = n->comps * c->lanes;
    icls cls = (icls)n->cls;
    char *o = weft_interp_scratch(c, interp_bytes(cls, count));
    weft_interp_fma(cls, o, x[0], x[1], x[2], count);
    if (n->post)
        weft_interp_post(cls, (weft_dtype)n->dtype, o, count);
    if (n->pure) {
        if (!c->node[n->id].way)
            c->node[n->id].way = WEFT_NEW_ARRAY(&c->arena, INTERP_WAYS, way);
        void *kept = weft_interp_way_buf(c, c->node[n->id].way, n->comps, cls);
        o = memcpy(kept, o, interp_bytes(cls, count));
    }
    return weft_interp_value(c, cls, n->comps, o, false);
}

/* The lane whose value thread `t` of a subgroup of `size` gets; its own where there is none. */
static int
shuffle_source(weft_intrin f, int t, int size, int64_t by, int threads)
{
    int in = t % size, first = t - in;
    int64_t from = f == WEFT_IN_SHFL ? by : f == WEFT_IN_SHFL_DOWN ? in + by : in ^ by;
    if (from < 0 || from >= size || first + from >= threads)
        return t;
    return first + (int)from;
}

static val
eval_shuffle(ctx *c, const node *n)
{
    val a = weft_interp_eval(c, n->arg[0]), b = weft_interp_eval(c, n->arg[1]);
    if (!a.v)
        return a;
    int lanes = c->lanes, size = c->in->kernel->subgroup ? c->in->kernel->subgroup : 32;
    const int32_t *by = weft_interp_vector(c, n->arg[1], b);
    const char *x = weft_interp_vector(c, n->arg[0], a);
    size_t bytes = (size_t)weft_interp_size[n->cls];
    char *o = weft_interp_scratch(c, bytes * (size_t)(n->comps * lanes));
    for (int l = 0; l < lanes; l++) {
        int t = c->thread ? c->thread[l] : l;
        int from = shuffle_source(n->intrin, t, size, by[l], lanes);
        from = c->lane_of ? c->lane_of[from] : from;
        if (c->mask->on && !c->mask->on[from])
            from = l;
        for (int k = 0; k < n->comps; k++)
            memcpy(o + (size_t)(k * lanes + l) * bytes, x + (size_t)(k * lanes + from) * bytes, bytes);
    }
    return weft_interp_value(c, (icls)n->cls, n->comps, o, false);
}

static val
eval_call(ctx *c, const node *n)
{
    if (weft_intrin_infos[n->intrin].effect)
        return eval_shuffle(c, n);
    if (n->intrin == WEFT_IN_FMA)
        return eval_fma(c, n);
    val a = weft_interp_eval(c, n->arg[0]);
    if (n->set)
        return apply2(c, n, n->set, a, weft_interp_eval(c, n->arg[1]));
    return apply1(c, n, weft_interp_math1(n->intrin, (icls)n->arg[0]->cls), a);
}

/* ---- one node --------------------------------------------------------------------------------------- */

static val
eval_node(ctx *c, const node *n)
{
    switch ((weft_ek)n->kind) {
    case WEFT_EK_IMM:
        return n->imm;
    case WEFT_EK_VAR:
        return c->var[n->slot];
    case WEFT_EK_NEG:
    case WEFT_EK_NOT:
    case WEFT_EK_BNOT: {
        val a = weft_interp_eval(c, n->arg[0]);
        return apply1(c, n, weft_interp_unary((weft_ek)n->kind, (icls)n->arg[0]->cls), a);
    }
    case WEFT_EK_SELECT:
        return eval_select(c, n);
    case WEFT_EK_GUARD:
        return eval_guard(c, n);
    case WEFT_EK_CAST:
        return eval_cast(c, n);
    case WEFT_EK_BITCAST:
        return eval_bitcast(c, n);
    case WEFT_EK_LOAD:
        return weft_interp_load(c, n);
    case WEFT_EK_CALL:
        return eval_call(c, n);
    case WEFT_EK_RAMP:
        return eval_ramp(c, n);
    case WEFT_EK_BCAST:
        return eval_bcast(c, n);
    case WEFT_EK_LANE:
        return eval_lane(c, n);
    case WEFT_EK_VEC:
        return eval_vec(c, n);
    default:
        return eval_binary(c, n);
    }
}

val
weft_interp_eval(ctx *c, const node *n)
{
    ncache *k = &c->node[n->id];
    uint64_t stamp = n->pure ? c->stamp[n->level] : c->stmt;
    uint64_t under = n->pure ? 0 : c->mask->ver;
    if (k->stamp == stamp && k->mask == under)
        return k->out;
    k->out = eval_node(c, n);
    k->stamp = stamp;
    k->mask = under;
    return k->out;
}
