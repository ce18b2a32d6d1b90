/* Values of the interpreter: memory for their vectors, temporary or remembered by a key, and how
 * they become vectors, scalars and results of nodes. */
#include "ir/interp_priv.h"

#include <string.h>

/* ---- memory for results ---------------------------------------------------------------------- */

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

/* ---- values ---------------------------------------------------------------------------------- */

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

/* ---- results of nodes ------------------------------------------------------------------------ */

dest
weft_interp_dest(ctx *c, const node *n, const val *const *a, int na)
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

void
weft_interp_keep(ctx *c, const node *n, dest d, val *o)
{
    weft_interp_value(c, (icls)n->cls, n->comps, d.o, n->lin, o);
    if (d.w)
        d.w->v = *o;
}

void
weft_interp_finish(ctx *c, const node *n, dest d, val *o)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, d.o, n->comps * c->lanes);
    weft_interp_keep(c, n, d, o);
}

void
weft_interp_finish_uniform(const node *n, scal u, val *o)
{
    if (n->post)
        weft_interp_post((icls)n->cls, (weft_dtype)n->dtype, &u, 1);
    weft_interp_uniform((icls)n->cls, u, o);
}

const val *
weft_interp_argument(ctx *c, const node *n, int i, val *copy)
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

dest
weft_interp_unkeyed(ctx *c, const node *n)
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
