/* Expressions that move elements between components and between lanes, and reinterpret bits. */
#include "ir/interp_priv.h"

#include <string.h>

/* ---- bits ------------------------------------------------------------------------------------ */

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
        weft_set_i64(t, to, at,
                     cls == CLS_BOOL ? ((const uint8_t *)from)[k] : ((const int32_t *)from)[k]);
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

void
weft_interp_eval_bitcast(ctx *c, const node *n, val *o)
{
    const node *from = n->arg[0];
    const val *a = weft_interp_eval(c, from);
    dest d = weft_interp_dest(c, n, &a, 1);
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
    weft_interp_keep(c, n, d, o);
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* keep_off: the base's offset stays one. */
static void
ramp(ctx *c, const node *n, const val *base, const val *stride, bool keep_off, val *o)
{
    icls cls = (icls)n->cls;
    val bare = *base;
    int lanes = c->lanes;
    if (keep_off)
        bare.i = 0;
    dest d = weft_interp_dest(c, n, (const val *const[]){ &bare, stride }, 2);
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
        weft_interp_finish(c, n, d, o);
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

void
weft_interp_eval_ramp(ctx *c, const node *n, val *o)
{
    val copy;
    const val *base = weft_interp_argument(c, n, 0, &copy);
    ramp(c, n, base, weft_interp_eval(c, n->arg[1]), n->lin, o);
}

void
weft_interp_eval_bcast(ctx *c, const node *n, val *o)
{
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        *o = *a;
        return;
    }
    val bare = *a;
    const val *key = &bare;
    bare.i = n->lin ? 0 : a->i;
    dest d = weft_interp_dest(c, n, &key, 1);
    if (d.hit) {
        *o = d.w->v;
    } else {
        size_t bytes = interp_bytes((icls)n->cls, c->lanes);
        const void *x = weft_interp_vector(c, n->arg[0], key);
        for (int k = 0; k < n->comps; k++)
            memcpy((char *)d.o + (size_t)k * bytes, x, bytes);
        weft_interp_keep(c, n, d, o);
    }
    if (n->lin)
        o->i += a->i;
}

void
weft_interp_eval_lane(ctx *c, const node *n, val *o)
{
    icls cls = (icls)n->cls;
    const val *a = weft_interp_eval(c, n->arg[0]);
    if (!a->v) {
        *o = *a;
        return;
    }
    dest d = weft_interp_dest(c, n, &a, 1);
    if (d.hit) {
        *o = d.w->v;
        return;
    }
    const char *x = weft_interp_vector(c, n->arg[0], a);
    memcpy(d.o, x + interp_bytes(cls, n->lane * c->lanes), interp_bytes(cls, c->lanes));
    weft_interp_keep(c, n, d, o);
}

void
weft_interp_eval_vec(ctx *c, const node *n, val *o)
{
    dest d = weft_interp_unkeyed(c, n);
    size_t bytes = interp_bytes((icls)n->cls, c->lanes);
    for (int k = 0; k < n->n; k++) {
        const val *a = weft_interp_eval(c, n->arg[k]);
        memcpy((char *)d.o + (size_t)k * bytes, weft_interp_vector(c, n->arg[k], a), bytes);
    }
    weft_interp_keep(c, n, d, o);
}

/* ---- shuffles -------------------------------------------------------------------------------- */

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

/* All threads of a subgroup arrive, or none. */
static void
check_arrival(ctx *c, int size)
{
    for (int first = 0; first < c->lanes && !c->failed; first += size) {
        int here = 0, all = c->lanes - first < size ? c->lanes - first : size;
        for (int t = first; t < first + all; t++)
            here += interp_on(c, c->lane_of ? c->lane_of[t] : t);
        if (here > 0 && here < all)
            weft_interp_fault(c, -1, WEFT_INVALID_INPUT,
                              "divergent shuffle: %d of the %d threads of a subgroup arrive", here,
                              all);
    }
}

void
weft_interp_eval_shuffle(ctx *c, const node *n, val *o)
{
    val copy;
    const val *a = weft_interp_argument(c, n, 0, &copy), *b = weft_interp_eval(c, n->arg[1]);
    int lanes = c->lanes, size = c->in->kernel->subgroup ? c->in->kernel->subgroup : 32;
    if (c->mask->on)
        check_arrival(c, size);
    if (!a->v) {
        *o = *a;
        return;
    }
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
