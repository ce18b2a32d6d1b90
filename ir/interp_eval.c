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

static void
set_int(val *o, int64_t i)
{
    o->v = NULL;
    o->ver = 0;
    o->i = i;
    o->ranged = false;
}

void
weft_interp_uniform(icls cls, scal u, val *o)
{
    set_int(o, 0);
    switch (cls) {
    case CLS_BOOL:
        o->i = u.b;
        break;
    case CLS_I32:
        o->i = u.i32;
        break;
    case CLS_U32:
        o->i = u.u32;
        break;
    case CLS_I64:
    case CLS_U64:
        o->i = u.i64;
        break;
    case CLS_F32:
        o->f = (double)u.f32;
        break;
    default:
        o->f = u.f64;
        break;
    }
}

void
weft_interp_value(ctx *c, icls cls, int comps, const void *v, bool measure, val *o)
{
    int n = comps * c->lanes;
    if (n == 1) {
        scal u;
        memcpy(&u, v, (size_t)weft_interp_size[cls]);
        weft_interp_uniform(cls, u, o);
        return;
    }
    o->v = v;
    o->ver = interp_tick(c);
    o->i = 0;
    o->ranged = false;
    if (!measure || (cls != CLS_I32 && cls != CLS_I64))
        return;
    if (cls == CLS_I32)
        weft_interp_range32(v, n, o);
    else
        weft_interp_range64(v, n, o);
    if (o->min == o->max)
        set_int(o, o->min);
}

scal
weft_interp_scalar(icls cls, const val *v)
{
    scal u = { 0 };
    switch (cls) {
    case CLS_BOOL:
        u.b = (uint8_t)(v->i != 0);
        break;
    case CLS_I32:
        u.i32 = (int32_t)v->i;
        break;
    case CLS_U32:
        u.u32 = (uint32_t)v->i;
        break;
    case CLS_F32:
        u.f32 = (float)v->f;
        break;
    default: /* 64 bits of either kind */
        u.i64 = v->i;
        break;
    }
    return u;
}

const void *
weft_interp_vector(ctx *c, const node *n, const val *a)
{
    icls cls = (icls)n->cls;
    int count = n->comps * c->lanes;
    if (a->v && a->i == 0)
        return a->v;
    void *o = weft_interp_scratch(c, interp_bytes(cls, count));
    if (!a->v)
        weft_interp_fill(cls, o, weft_interp_scalar(cls, a), count);
    else {
        scal off = { .i64 = a->i };
        if (cls == CLS_I32)
            off.i32 = (int32_t)a->i;
        weft_interp_binary(WEFT_EK_ADD, cls)->vu(o, a->v, &off, count);
    }
    return o;
}

/* Where a result of the node goes: its own memory, kept with the key, if it is pure. */
typedef struct dest {
    way *w;
    void *o;
    bool hit;
} dest;

static dest
place_for(ctx *c, const node *n, const val *const *a, int na)
{
    dest d = { 0 };
    if (!n->pure) {
        d.o = weft_interp_scratch(c, interp_bytes((icls)n->cls, n->comps * c->lanes));
        return d;
    }
    uint64_t key[INTERP_KEYS] = { 0 };
    for (int i = 0; i < na; i++) {
        key[2 * i] = a[i]->ver;
        key[2 * i + 1] = (uint64_t)a[i]->i;
    }
    d.w = weft_interp_way(c, &c->node[n->id].way, key, &d.hit);
    d.o = weft_interp_way_buf(c, d.w, n->comps, (icls)n->cls);
    return d;
}

/* The vector at d.o as the node's value. */
static void
keep(ctx *c, const node *n, dest d, val *o)
{
    weft_interp_value(c, (icls)n->cls, n->comps, d.o, n->lin, o);
    if (d.w)
        d.w->v = *o;
}

static void
finish(ctx *c, const node *n, dest d, val *o)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, d.o, n->comps * c->lanes);
    keep(c, n, d, o);
}

static void
finish_uniform(const node *n, scal u, val *o)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, &u, 1);
    weft_interp_uniform((icls)n->cls, u, o);
}

/* Argument i; a copy where evaluating argument i + 1 or later may take it away. */
static const val *
argument(ctx *c, const node *n, int i, val *copy)
{
    const val *a = weft_interp_eval(c, n->arg[i]);
    bool lost = false;
    for (int j = i + 1; j < n->n && !n->arg[i]->pure; j++)
        lost |= n->arg[j]->guarded;
    if (!lost)
        return a;
    *copy = *a;
    return copy;
}

/* ---- operators ------------------------------------------------------------------------------------ */

static void
apply2(ctx *c, const node *n, const val *a, const val *b, val *o)
{
    icls ac = (icls)n->arg[0]->cls;
    int count = n->comps * c->lanes;
    if (!a->v && !b->v) {
        scal x = weft_interp_scalar(ac, a), y = weft_interp_scalar(ac, b), r = { 0 };
        n->set->vv(&r, &x, &y, 1);
        finish_uniform(n, r, o);
        return;
    }
    dest d = place_for(c, n, (const val *const[]){ a, b }, 2);
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
    finish(c, n, d, o);
}

/* && and ||: the operand that decides, or the other one. */
static void
eval_logic(ctx *c, const node *n, val *o)
{
    bool and = n->kind == WEFT_EK_AND;
    val copy;
    const val *a = argument(c, n, 0, &copy);
    if (!a->v && (a->i != 0) != and) {
        *o = *a;
        return;
    }
    const val *b = weft_interp_eval(c, n->arg[1]);
    if (!a->v)
        *o = *b;
    else if (!b->v)
        *o = (b->i != 0) == and ? *a : *b;
    else
        apply2(c, n, a, b, o);
}

static void
eval_binary(ctx *c, const node *n, val *o)
{
    val copy;
    const val *a = argument(c, n, 0, &copy), *b = weft_interp_eval(c, n->arg[1]);
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
        finish_uniform(n, r, o);
        return;
    }
    dest d = place_for(c, n, &a, 1);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    f(d.o, weft_interp_vector(c, n->arg[0], a), n->comps * c->lanes);
    finish(c, n, d, o);
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
    dest d = place_for(c, n, &key, 1);
    if (d.hit) {
        *o = d.w->v;
    } else {
        const void *x = weft_interp_vector(c, n->arg[0], key);
        weft_interp_cast(to, (weft_dtype)n->dtype, d.o, from, x, n->comps * c->lanes);
        keep(c, n, d, o);
    }
    o->i += off;
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

static bool
is_whole(const node *n)
{
    return weft_dtype_bits((weft_dtype)n->dtype) == 8 * weft_interp_size[n->cls];
}

static void
eval_bitcast(ctx *c, const node *n, val *o)
{
    const node *from = n->arg[0];
    const val *a = weft_interp_eval(c, from);
    dest d = place_for(c, n, &a, 1);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    const void *x = weft_interp_vector(c, from, a);
    int lanes = c->lanes;
    uint64_t word[256];
    bool same = weft_interp_size[from->cls] == weft_interp_size[n->cls] &&
                from->comps == n->comps && is_whole(n) && is_whole(from);
    if (same)
        memcpy(d.o, x, interp_bytes((icls)n->cls, n->comps * lanes));
    for (int l = 0; l < lanes && !same; l++) {
        for (int k = 0; k < from->comps; k++)
            pack_bits((weft_dtype)from->dtype, (icls)from->cls, word, k, x, k * lanes + l);
        for (int k = 0; k < n->comps; k++)
            unpack_bits((weft_dtype)n->dtype, (icls)n->cls, d.o, k * lanes + l, word, k);
    }
    keep(c, n, d, o);
}

/* ---- vectors -------------------------------------------------------------------------------------- */

/* keep_off: the base's offset stays one. */
static void
ramp(ctx *c, const node *n, const val *base, const val *stride, bool keep_off, val *o)
{
    icls cls = (icls)n->cls;
    val bare = *base;
    int lanes = c->lanes;
    if (keep_off)
        bare.i = 0;
    dest d = place_for(c, n, (const val *const[]){ &bare, stride }, 2);
    if (d.hit) {
        *o = d.w->v;
    } else {
        const char *from = weft_interp_vector(c, n->arg[0], &bare);
        const void *step = weft_interp_vector(c, n->arg[1], stride);
        for (int k = 0; k < n->comps; k++) {
            char *to = (char *)d.o + interp_bytes(cls, k * lanes);
            scal at = weft_interp_scalar(cls, &(val){ .i = k });
            void *far = weft_interp_scratch(c, interp_bytes(cls, lanes));
            weft_interp_binary(WEFT_EK_MUL, cls)->vu(far, step, &at, lanes);
            weft_interp_binary(WEFT_EK_ADD, cls)->vv(to, from, far, lanes);
        }
        finish(c, n, d, o);
    }
    if (!keep_off)
        return;
    int64_t lo = o->v ? o->min : o->i, hi = o->v ? o->max : o->i, off;
    if (!weft_add64(o->i, base->i, &off) || !weft_add64(lo, base->i, &lo) ||
        !weft_add64(hi, base->i, &hi) ||
        (n->dtype == WEFT_I32 && (lo < INT32_MIN || hi > INT32_MAX)))
        ramp(c, n, base, stride, false, o);
    else
        o->i = off;
}

static void
eval_ramp(ctx *c, const node *n, val *o)
{
    val copy;
    const val *base = argument(c, n, 0, &copy);
    ramp(c, n, base, weft_interp_eval(c, n->arg[1]), n->lin, o);
}

static void
eval_bcast(ctx *c, const node *n, val *o)
{
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        *o = *a;
        return;
    }
    val bare = *a;
    const val *key = &bare;
    bare.i = n->lin ? 0 : a->i;
    dest d = place_for(c, n, &key, 1);
    if (d.hit) {
        *o = d.w->v;
    } else {
        size_t bytes = interp_bytes((icls)n->cls, c->lanes);
        const void *x = weft_interp_vector(c, n->arg[0], key);
        for (int k = 0; k < n->comps; k++)
            memcpy((char *)d.o + (size_t)k * bytes, x, bytes);
        keep(c, n, d, o);
    }
    if (n->lin)
        o->i += a->i;
}

static void
eval_lane(ctx *c, const node *n, val *o)
{
    icls cls = (icls)n->cls;
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        *o = *a;
        return;
    }
    dest d = place_for(c, n, &a, 1);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    const char *x = weft_interp_vector(c, n->arg[0], a);
    memcpy(d.o, x + interp_bytes(cls, n->lane * c->lanes), interp_bytes(cls, c->lanes));
    keep(c, n, d, o);
}

/* Memory for a result that no key finds again: of the node, or of the statement. */
static dest
unkeyed(ctx *c, const node *n)
{
    dest d = { 0 };
    size_t bytes = interp_bytes((icls)n->cls, n->comps * c->cap);
    if (!n->pure) {
        d.o = weft_interp_scratch(c, bytes);
        return d;
    }
    if (!c->node[n->id].way)
        c->node[n->id].way = WEFT_NEW_ARRAY(&c->arena, INTERP_WAYS, way);
    d.o = weft_interp_way_buf(c, c->node[n->id].way, n->comps, (icls)n->cls);
    return d;
}

static void
eval_vec(ctx *c, const node *n, val *o)
{
    dest d = unkeyed(c, n);
    size_t bytes = interp_bytes((icls)n->cls, c->lanes);
    for (int k = 0; k < n->n; k++) {
        const val *a = weft_interp_eval(c, n->arg[k]);
        memcpy((char *)d.o + (size_t)k * bytes, weft_interp_vector(c, n->arg[k], a), bytes);
    }
    keep(c, n, d, o);
}

/* ---- choices --------------------------------------------------------------------------------------- */

static void
blend(ctx *c, const node *n, const val *cond, const val *a, const val *b, val *o)
{
    icls cls = (icls)n->cls;
    dest d = place_for(c, n, (const val *const[]){ cond, a, b }, 3);
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
    keep(c, n, d, o);
}

static void
eval_select(ctx *c, const node *n, val *o)
{
    val copy[2];
    const val *cond = argument(c, n, 0, &copy[0]), *a = argument(c, n, 1, &copy[1]);
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

/* ---- calls ----------------------------------------------------------------------------------------- */

static void
eval_fma(ctx *c, const node *n, val *o)
{
    const void *x[3];
    dest d = unkeyed(c, n);
    for (int i = 0; i < 3; i++)
        x[i] = weft_interp_vector(c, n->arg[i], weft_interp_eval(c, n->arg[i]));
    weft_interp_fma((icls)n->cls, d.o, x[0], x[1], x[2], n->comps * c->lanes);
    finish(c, n, d, o);
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

static void
eval_shuffle(ctx *c, const node *n, val *o)
{
    val copy;
    const val *a = argument(c, n, 0, &copy), *b = weft_interp_eval(c, n->arg[1]);
    if (!a->v) {
        *o = *a;
        return;
    }
    int lanes = c->lanes, size = c->in->kernel->subgroup ? c->in->kernel->subgroup : 32;
    const int32_t *by = weft_interp_vector(c, n->arg[1], b);
    const char *x = weft_interp_vector(c, n->arg[0], a);
    size_t bytes = (size_t)weft_interp_size[n->cls];
    char *to = weft_interp_scratch(c, bytes * (size_t)(n->comps * lanes));
    for (int l = 0; l < lanes; l++) {
        int t = c->thread ? c->thread[l] : l;
        int from = shuffle_source(n->intrin, t, size, by[l], lanes);
        from = c->lane_of ? c->lane_of[from] : from;
        if (c->mask->on && !c->mask->on[from])
            from = l;
        for (int k = 0; k < n->comps; k++)
            memcpy(to + (size_t)(k * lanes + l) * bytes, x + (size_t)(k * lanes + from) * bytes,
                   bytes);
    }
    weft_interp_value(c, (icls)n->cls, n->comps, to, false, o);
}

static void
eval_call(ctx *c, const node *n, val *o)
{
    if (weft_intrin_infos[n->intrin].effect)
        eval_shuffle(c, n, o);
    else if (n->intrin == WEFT_IN_FMA)
        eval_fma(c, n, o);
    else if (n->set)
        eval_binary(c, n, o);
    else
        apply1(c, n, weft_interp_math1(n->intrin, (icls)n->arg[0]->cls), o);
}

/* ---- one node --------------------------------------------------------------------------------------- */

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
        eval_bitcast(c, n, o);
        break;
    case WEFT_EK_LOAD:
        weft_interp_load(c, n, o);
        break;
    case WEFT_EK_CALL:
        eval_call(c, n, o);
        break;
    case WEFT_EK_RAMP:
        eval_ramp(c, n, o);
        break;
    case WEFT_EK_BCAST:
        eval_bcast(c, n, o);
        break;
    case WEFT_EK_LANE:
        eval_lane(c, n, o);
        break;
    case WEFT_EK_VEC:
        eval_vec(c, n, o);
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
