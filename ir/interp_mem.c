/* Loads, stores and atomics of all lanes: from index values to a place (which elements), bounds of
 * every dimension, then memory. */
#include "ir/interp_priv.h"

#include <string.h>

/* ---- where ----------------------------------------------------------------------------------- */

static bool
is_wide(const node *n)
{
    return weft_interp_size[n->cls] == 8;
}

/* Element k of an index vector; an index without components is the same for each. */
static int64_t
index_at(const ctx *c, const node *n, const val *v, int k)
{
    if (!v->v)
        return v->i;
    if (n->comps == 1)
        k %= c->lanes;
    return v->i + (is_wide(n) ? ((const int64_t *)v->v)[k] : ((const int32_t *)v->v)[k]);
}

static void
out_of_bounds(ctx *c, const access *a, const val *const *v, int d, int k)
{
    const bufview *b = &c->buf[a->buf];
    int lane = k % c->lanes;
    weft_str text = { 0 };
    for (int i = 0; i < a->n; i++)
        weft_str_addf(&text, "%s%lld", i ? ", " : "", (long long)index_at(c, a->index[i], v[i], k));
    weft_interp_fault(c, lane, WEFT_INVALID_INPUT,
                      "%s of %s[%s] is out of bounds: index %d must be from 0 to %lld",
                      a->write ? "write" : "read", a->src->name, weft_str_text(&text), d,
                      (long long)b->shape[d] - 1);
    weft_str_free(&text);
}

/* Least and greatest index over the lanes that are on. */
static void
exact_range(ctx *c, const access *a, int d, const val *v, int64_t *lo, int64_t *hi)
{
    acache *k = &c->acc[a->id];
    unsigned slot = (unsigned)(v->ver * 31 + c->mask->ver + (unsigned)d) % INTERP_WAYS;
    if (k->range[slot].v == v->ver && k->range[slot].m == c->mask->ver) {
        *lo = k->range[slot].lo + v->i;
        *hi = k->range[slot].hi + v->i;
        return;
    }
    int64_t least = INT64_MAX, most = INT64_MIN;
    const node *n = a->index[d];
    for (int i = 0; i < n->comps * c->lanes; i += c->lanes)
        for (int l = 0; l < c->lanes; l++) {
            int64_t e =
                is_wide(n) ? ((const int64_t *)v->v)[i + l] : ((const int32_t *)v->v)[i + l];
            bool on = interp_on(c, l);
            least = on && e < least ? e : least;
            most = on && e > most ? e : most;
        }
    k->range[slot].v = v->ver;
    k->range[slot].m = c->mask->ver;
    k->range[slot].lo = least;
    k->range[slot].hi = most;
    *lo = least + v->i;
    *hi = most + v->i;
}

static bool
find_bad(ctx *c, const access *a, int d, const val *const *v, int comps, int64_t limit)
{
    for (int k = 0; k < comps * c->lanes; k++) {
        int64_t e = index_at(c, a->index[d], v[d], k);
        if (!interp_on(c, k % c->lanes) || (e >= 0 && e < limit))
            continue;
        out_of_bounds(c, a, v, d, k);
        return false;
    }
    return true;
}

/* Evaluates one index as i32 or i64 with a known range, measured into *own where it has none. */
static const val *
index_value(ctx *c, const access *a, int d, val *own)
{
    const node *n = a->index[d];
    const val *v = weft_interp_eval(c, n);
    if (!v->v || (v->ranged && !a->guarded))
        return v;
    *own = *v;
    if (v->ranged)
        return own;
    int count = n->comps * c->lanes;
    if (is_wide(n))
        weft_interp_range64(v->v, count, own);
    else
        weft_interp_range32(v->v, count, own);
    return own;
}

static bool
check_dim(ctx *c, const access *a, int d, const val *const *v, int comps, int64_t *lo, int64_t *hi)
{
    int64_t limit = c->buf[a->buf].shape[d];
    if (!v[d]->v)
        *lo = *hi = v[d]->i;
    else {
        *lo = v[d]->min + v[d]->i;
        *hi = v[d]->max + v[d]->i;
        if ((*lo < 0 || *hi >= limit) && c->mask->on)
            exact_range(c, a, d, v[d], lo, hi);
    }
    return (*lo >= 0 && *hi < limit) || find_bad(c, a, d, v, comps, limit);
}

/* x += v * stride in words of 32 bits: exact in the end where the caller knows that it fits. */
static void
add_index(const node *n, const void *v, uint32_t stride, int32_t *x, int lanes)
{
    const int64_t *wide = v;
    const int32_t *narrow = v;
    if (is_wide(n))
        for (int l = 0; l < lanes; l++)
            x[l] = (int32_t)((uint32_t)x[l] + (uint32_t)wide[l] * stride);
    else
        for (int l = 0; l < lanes; l++)
            x[l] = (int32_t)((uint32_t)x[l] + (uint32_t)narrow[l] * stride);
}

static void
flatten(const ctx *c, const access *a, const val *const *v, int comps, int32_t *x)
{
    const bufview *b = &c->buf[a->buf];
    memset(x, 0, interp_bytes(CLS_I32, comps * c->lanes));
    for (int d = 0; d < a->n; d++) {
        const node *n = a->index[d];
        for (int k = 0; k < comps && v[d]->v; k++) {
            size_t from = interp_bytes((icls)n->cls, n->comps == 1 ? 0 : k * c->lanes);
            add_index(n, (const char *)v[d]->v + from, (uint32_t)b->stride[d], x + k * c->lanes,
                      c->lanes);
        }
    }
}

/* Elements relative to the first lane that is on; lanes that are off are put there too. */
static bool
flatten_far(ctx *c, const access *a, const val *const *v, int comps, place *p)
{
    const bufview *b = &c->buf[a->buf];
    int n = comps * c->lanes, first = 0;
    int32_t *x = weft_interp_scratch(c, (size_t)n * sizeof *x);
    int64_t *e = weft_interp_scratch(c, (size_t)n * sizeof *e);
    memset(e, 0, (size_t)n * sizeof *e);
    while (!interp_on(c, first))
        first++;
    for (int d = 0; d < a->n; d++)
        for (int k = 0; k < n && v[d]->v; k++)
            if (interp_on(c, k % c->lanes))
                e[k] += b->stride[d] * (index_at(c, a->index[d], v[d], k) - v[d]->i);
    int64_t base = e[first];
    for (int k = 0; k < n; k++) {
        int64_t far = interp_on(c, k % c->lanes) ? e[k] - base : 0;
        if (far < INT32_MIN || far > INT32_MAX) {
            weft_interp_fault(c, k % c->lanes, WEFT_LIMIT,
                              "threads touch elements of '%s' more than 2147483647 apart at once",
                              a->src->name);
            return false;
        }
        x[k] = (int32_t)far;
    }
    p->x = x;
    p->off += base;
    p->ver = interp_tick(c);
    return true;
}

/* Several dimensions, or one of 64 bits: a remembered vector of flat elements. */
static bool
flat_vector(ctx *c, const access *a, const val *const *v, int comps, place *p)
{
    const bufview *b = &c->buf[a->buf];
    int64_t lo = 0, hi = 0;
    uint64_t key[INTERP_KEYS] = { 0 };
    for (int d = 0; d < a->n; d++) {
        int64_t x, y;
        if (!v[d]->v)
            continue;
        if (d >= INTERP_KEYS - 1 || !weft_mul64(v[d]->min, b->stride[d], &x) ||
            !weft_mul64(v[d]->max, b->stride[d], &y) || !weft_add64(lo, x < y ? x : y, &lo) ||
            !weft_add64(hi, x < y ? y : x, &hi) || lo < INT32_MIN || hi > INT32_MAX)
            return flatten_far(c, a, v, comps, p);
        key[d] = v[d]->ver;
    }
    key[INTERP_KEYS - 1] = b->inst;
    bool hit;
    way *w = weft_interp_way(c, &c->acc[a->id].way, key, &hit);
    int32_t *x = weft_interp_way_buf(c, w, comps, CLS_I32);
    if (!hit) {
        flatten(c, a, v, comps, x);
        w->v.v = x;
        w->v.ver = interp_tick(c);
        weft_interp_range32(x, comps * c->lanes, &w->v);
    }
    p->x = x;
    p->ver = w->v.ver;
    p->contig = w->v.contig && comps == 1;
    p->xlo = w->v.min;
    p->xhi = w->v.max;
    p->xranged = true;
    return true;
}

bool
weft_interp_locate(ctx *c, const access *a, int comps, place *p)
{
    const bufview *b = &c->buf[a->buf];
    val few[8], *own = a->n <= 8 ? few : weft_interp_scratch(c, (size_t)a->n * sizeof *own);
    const val *ptr[8], **v = a->n <= 8 ? ptr : weft_interp_scratch(c, (size_t)a->n * sizeof *v);
    bool one = true;
    *p = (place){ 0 };
    for (int d = 0; d < a->n; d++) {
        v[d] = index_value(c, a, d, &own[d]);
        one &= !v[d]->v;
    }
    for (int d = 0; d < a->n; d++) {
        int64_t lo, hi, s = b->stride[d];
        if (!check_dim(c, a, d, v, comps, &lo, &hi))
            return false;
        p->off += v[d]->i * s;
        p->lo += (s < 0 ? hi : lo) * s;
        p->hi += (s < 0 ? lo : hi) * s;
    }
    p->one = one;
    if (a->n == 1 && !one && b->stride[0] == 1 && !is_wide(a->index[0]) &&
        a->index[0]->comps == comps) {
        p->x = v[0]->v;
        p->ver = v[0]->ver;
        p->contig = v[0]->contig && comps == 1;
        p->xlo = v[0]->min;
        p->xhi = v[0]->max;
        p->xranged = true;
    } else if (!one && !flat_vector(c, a, v, comps, p)) {
        return false;
    }
    if (p->lo >= 0 && p->hi < b->count)
        return true;
    for (int k = 0; k < comps * c->lanes; k++) {
        int64_t e = interp_element(p, k);
        if (!interp_on(c, k % c->lanes) || (e >= 0 && e < b->count))
            continue;
        weft_interp_fault(c, k % c->lanes, WEFT_INVALID_INPUT,
                          "%s of '%s' at element %lld is out of bounds: it has %lld elements",
                          a->write ? "write" : "read", a->src->name, (long long)e,
                          (long long)b->count);
        return false;
    }
    p->lo = p->lo < 0 ? 0 : p->lo;
    p->hi = p->hi >= b->count ? b->count - 1 : p->hi;
    return true;
}

/* ---- loads ----------------------------------------------------------------------------------- */

weft_dtype
weft_interp_stored_dtype(const bufinfo *info)
{
    static const weft_dtype of[CLS_COUNT] = { WEFT_BOOL, WEFT_I32, WEFT_U32, WEFT_I64,
                                              WEFT_U64,  WEFT_F32, WEFT_F64 };
    bool own = info->store == STORE_RAW || info->store == STORE_PLACED;
    return own ? info->dtype : of[info->cls];
}

/* Whether memory holds the class as it is. */
static bool
is_direct(const bufinfo *info, weft_dtype t)
{
    return info->cls != CLS_BOOL && weft_dtype_bits(t) == 8 * weft_interp_size[info->cls];
}

static void
load_rows(ctx *c, const node *n, const place *p, val *o)
{
    const access *a = n->load;
    const bufview *b = &c->buf[a->buf];
    icls cls = c->in->buf[a->buf].cls;
    int lanes = c->lanes;
    if (c->check && !weft_interp_rows_read(c, a, p, n->comps))
        return;
    if (p->one && n->comps == 1) {
        size_t from = interp_bytes(cls, lanes) * (size_t)p->off;
        weft_interp_value(c, cls, 1, (const char *)b->data + from, false, o);
        return;
    }
    char *to = weft_interp_scratch(c, interp_bytes(cls, n->comps * lanes));
    for (int k = 0; k < n->comps * lanes; k++) {
        int l = k % lanes;
        size_t size = (size_t)weft_interp_size[cls];
        if (interp_on(c, l)) {
            size_t from = (size_t)(interp_element(p, k) * lanes + l);
            memcpy(to + (size_t)k * size, (const char *)b->data + from * size, size);
        } else {
            memset(to + (size_t)k * size, 0, size);
        }
    }
    weft_interp_value(c, cls, n->comps, to, false, o);
}

void
weft_interp_load(ctx *c, const node *n, val *o)
{
    const access *a = n->load;
    const bufinfo *info = &c->in->buf[a->buf];
    const bufview *b = &c->buf[a->buf];
    place p;
    weft_interp_uniform(info->cls, (scal){ 0 }, o); /* after an error */
    if (!weft_interp_locate(c, a, n->comps, &p))
        return;
    if (info->store == STORE_ROWS) {
        load_rows(c, n, &p, o);
        return;
    }
    if (c->check && !weft_interp_touch_read(c, a, &p, n->comps))
        return;
    weft_dtype t = weft_interp_stored_dtype(info);
    if (p.one) {
        scal u = { 0 };
        weft_interp_get(t, info->cls, &u, b->data, NULL, p.off, NULL, 1);
        weft_interp_uniform(info->cls, u, o);
        return;
    }
    const uint8_t *on = c->mask->on;
    if (on && p.xranged && p.xlo + p.off >= 0 && p.xhi + p.off < b->count)
        on = NULL; /* lanes that are off may read too */
    if (p.contig && !on && is_direct(info, t)) {
        size_t from = (size_t)(p.off + p.x[0]) * (size_t)weft_interp_size[info->cls];
        weft_interp_value(c, info->cls, 1, (const char *)b->data + from, false, o);
        return;
    }
    char *to = weft_interp_scratch(c, interp_bytes(info->cls, n->comps * c->lanes));
    for (int k = 0; k < n->comps; k++)
        weft_interp_get(t, info->cls, to + interp_bytes(info->cls, k * c->lanes), b->data,
                        p.x + k * c->lanes, p.off, on, c->lanes);
    weft_interp_value(c, info->cls, n->comps, to, false, o);
}

/* ---- stores ---------------------------------------------------------------------------------- */

static void
store_rows(ctx *c, const access *a, const place *p, int comps, const void *value)
{
    bufview *b = &c->buf[a->buf];
    icls cls = c->in->buf[a->buf].cls;
    size_t size = (size_t)weft_interp_size[cls];
    int lanes = c->lanes;
    if (c->check && !weft_interp_rows_written(c, a, p, comps, value))
        return;
    if (p->one && comps == 1) {
        char *row = (char *)b->data + interp_bytes(cls, lanes) * (size_t)p->off;
        if (c->mask->on)
            weft_interp_put(weft_interp_stored_dtype(&c->in->buf[a->buf]), cls, value, row, NULL, 0,
                            c->mask->on, lanes);
        else
            memmove(row, value, interp_bytes(cls, lanes));
        return;
    }
    for (int k = 0; k < comps * lanes; k++) {
        int l = k % lanes;
        size_t to = (size_t)(interp_element(p, k) * lanes + l);
        if (interp_on(c, l))
            memcpy((char *)b->data + to * size, (const char *)value + (size_t)k * size, size);
    }
}

/* Values held in double, rounded to what memory of their dtype would keep. */
static const void *
narrowed(ctx *c, const bufinfo *info, const void *value, int n)
{
    if (!info->widened || info->store != STORE_ONE)
        return value;
    const double *from = value;
    double *o = weft_interp_scratch(c, interp_bytes(CLS_F64, n));
    for (int k = 0; k < n; k++)
        o[k] =
            info->dtype == WEFT_F32 ? (double)(float)from[k] : weft_round_to(info->dtype, from[k]);
    return o;
}

void
weft_interp_put_place(ctx *c, const access *a, const place *p, int comps, const void *value)
{
    const bufinfo *info = &c->in->buf[a->buf];
    bufview *b = &c->buf[a->buf];
    weft_dtype t = weft_interp_stored_dtype(info);
    size_t size = (size_t)weft_interp_size[info->cls];
    if (p->contig && !c->mask->on && is_direct(info, t)) {
        memmove((char *)b->data + (size_t)(p->off + p->x[0]) * size, value,
                size * (size_t)c->lanes);
        return;
    }
    bool packed = weft_dtype_bits(t) < 8 && c->r->nworker > 1;
    if (packed)
        pthread_mutex_lock(&c->r->lock);
    for (int k = 0; k < comps; k++)
        weft_interp_put(t, info->cls, (const char *)value + (size_t)(k * c->lanes) * size, b->data,
                        p->one ? c->zeros : p->x + k * c->lanes, p->off, c->mask->on, c->lanes);
    if (packed)
        pthread_mutex_unlock(&c->r->lock);
}

void
weft_interp_store(ctx *c, const code *s)
{
    const access *a = s->store;
    const node *n = s->expr;
    const bufinfo *info = &c->in->buf[a->buf];
    place p;
    const void *value = weft_interp_vector(c, n, weft_interp_eval(c, n));
    if (c->failed || !weft_interp_locate(c, a, n->comps, &p))
        return;
    if (info->store == STORE_ROWS) {
        store_rows(c, a, &p, n->comps, value);
        return;
    }
    value = narrowed(c, info, value, n->comps * c->lanes);
    if (c->check && !weft_interp_touch_write(c, a, &p, n->comps, value))
        return;
    if (s->src->u.store.async)
        weft_interp_depart(c, s, &p, n->comps, value);
    else
        weft_interp_put_place(c, a, &p, n->comps, value);
}

/* ---- atomics --------------------------------------------------------------------------------- */

static void
update(ctx *c, const code *s, int64_t e, int lane, const void *value)
{
    const bufinfo *info = &c->in->buf[s->store->buf];
    void *data = c->buf[s->store->buf].data;
    weft_dtype t = weft_interp_stored_dtype(info);
    scal was = { 0 }, now = { 0 };
    if (info->store == STORE_ROWS)
        e = e * c->lanes + lane;
    weft_interp_get(t, info->cls, &was, data, NULL, e, NULL, 1);
    weft_interp_binary(s->op, info->cls)
        ->vv(&now, &was, (const char *)value + lane * weft_interp_size[info->cls], 1);
    weft_interp_post(info->cls, info->dtype, &now, 1);
    weft_interp_put(t, info->cls, &now, data, NULL, e, NULL, 1);
}

void
weft_interp_atomic(ctx *c, const code *s)
{
    const access *a = s->store;
    place p;
    const void *value = weft_interp_vector(c, s->expr, weft_interp_eval(c, s->expr));
    if (c->failed || !weft_interp_locate(c, a, 1, &p))
        return;
    bool rows = c->in->buf[a->buf].store == STORE_ROWS;
    if (c->check && rows &&
        (!weft_interp_rows_read(c, a, &p, 1) || !weft_interp_rows_written(c, a, &p, 1, NULL)))
        return;
    if (c->check && !rows && !weft_interp_touch_write(c, a, &p, 1, NULL))
        return;
    bool lock = !rows && c->r->nworker > 1;
    if (lock)
        pthread_mutex_lock(&c->r->lock);
    for (int l = 0; l < c->lanes; l++)
        if (interp_on(c, l))
            update(c, s, interp_element(&p, l), l, value);
    if (lock)
        pthread_mutex_unlock(&c->r->lock);
}
