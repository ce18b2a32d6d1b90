/* From loops to lanes: how a region of parallel iterations, or the launch grid, is cut into chunks,
 * given to workers, and how a worker's state is made. */
#include "ir/interp_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ----------------------------------------------------------------------------------- */

/* Shuffled: i * step + start modulo n, with a step that has no divisor in common with n. */
int64_t
weft_interp_order(const weft_interp_options *o, int64_t i, int64_t n)
{
    if (o->order == WEFT_ORDER_REVERSE)
        return n - 1 - i;
    if (o->order != WEFT_ORDER_SHUFFLE || n < 2)
        return i;
    uint64_t h = (o->seed + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    h ^= h >> 29;
    int64_t step = (int64_t)(h % (1u << 20)) | 1, start = (int64_t)((h >> 20) % (uint64_t)n);
    while (weft_gcd(step, n) != 1)
        step++;
    return (int64_t)(((uint64_t)i * (uint64_t)step + (uint64_t)start) % (uint64_t)n);
}

/* ---- a worker's state ------------------------------------------------------------------------ */

static void
forget(way *ways)
{
    for (int i = 0; ways && i < INTERP_WAYS; i++)
        ways[i].used = false;
}

/* Forgets all results when the number of lanes changes. */
static void
set_lanes(ctx *c, int lanes)
{
    if (lanes == c->lanes)
        return;
    c->lanes = lanes;
    c->full = (mask){ NULL, lanes, interp_tick(c) };
    c->mask = &c->full;
    for (int i = 0; i < c->in->nnode; i++) {
        c->node[i].stamp = 0;
        forget(c->node[i].way);
    }
    for (int i = 0; i < c->in->naccess; i++) {
        c->acc[i].seen = false;
        memset(c->acc[i].range, 0, sizeof c->acc[i].range);
        forget(c->acc[i].way);
    }
    for (int i = 0; i < c->in->ncode; i++) {
        forget(c->code[i].way);
        forget(c->code[i].way2);
    }
    for (int i = 0; i < INTERP_AXES; i++)
        c->fill[i].filled = false;
    for (int l = 0; c->thread && l < lanes; l++) {
        c->thread[l] = (int)weft_interp_order(&c->in->opt, l, lanes);
        c->lane_of[c->thread[l]] = l;
    }
}

ctx *
weft_interp_ctx_create(run *r, int cap)
{
    const weft_interp *in = r->in;
    ctx *c = calloc(1, sizeof *c);
    weft_assert(c != NULL, "out of memory");
    c->r = r;
    c->in = in;
    c->cap = cap;
    c->check = !in->opt.no_checks;
    c->node = WEFT_NEW_ARRAY(&c->arena, in->nnode + 1, ncache);
    c->acc = WEFT_NEW_ARRAY(&c->arena, in->naccess + 1, acache);
    c->code = WEFT_NEW_ARRAY(&c->arena, in->ncode + 1, ccache);
    c->var = WEFT_NEW_ARRAY(&c->arena, in->nslot + 1, val);
    c->buf = WEFT_NEW_ARRAY(&c->arena, in->nbuf + 1, bufview);
    c->stamp = WEFT_NEW_ARRAY(&c->arena, in->ndepth + 1, uint64_t);
    c->loop_inst = WEFT_NEW_ARRAY(&c->arena, in->nloop + 1, uint64_t);
    c->axis = WEFT_NEW_ARRAY(&c->arena, WEFT_BIND_COUNT, val);
    c->fill = WEFT_NEW_ARRAY(&c->arena, INTERP_AXES, axisfill);
    c->zeros = WEFT_NEW_ARRAY(&c->arena, cap, int32_t);
    for (int i = 0; i < in->nbuf; i++) {
        int ndim = in->buf[i].src->ndim;
        c->buf[i].shape = WEFT_NEW_ARRAY(&c->arena, 2 * ndim + 1, int64_t);
        c->buf[i].stride = c->buf[i].shape + ndim;
    }
    if (in->opt.order != WEFT_ORDER_FORWARD && cap > 1) {
        c->thread = WEFT_NEW_ARRAY(&c->arena, cap, int);
        c->lane_of = WEFT_NEW_ARRAY(&c->arena, cap, int);
    }
    set_lanes(c, cap);
    return c;
}

void
weft_interp_ctx_destroy(ctx *c)
{
    if (!c)
        return;
    weft_interp_ground(c);
    free(c->flights);
    for (int i = 0; i < c->in->nbuf; i++) {
        bufview *b = &c->buf[i];
        for (int j = 0; b->iter && j < c->in->buf[i].nloop; j++)
            free(b->iter[j].w);
        free(b->own.data);
        free(b->own.w);
        free(b->own.init);
        free(b->row);
        free(b->bytes);
    }
    free(c->overlay.data);
    free(c->overlay.w);
    free(c->overlay.owner);
    weft_arena_reset(&c->arena);
    free(c);
}

/* ---- buffers --------------------------------------------------------------------------------- */

bool
weft_interp_shape(ctx *c, int buf)
{
    const bufinfo *info = &c->in->buf[buf];
    bufview *b = &c->buf[buf];
    int ndim = info->src->ndim;
    int64_t count = 1, dense = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        const val *n = weft_interp_eval(c, info->shape[d]), step = { .i = dense };
        const val *s = info->stride ? weft_interp_eval(c, info->stride[d]) : &step;
        b->shape[d] = n->i;
        b->stride[d] = s->i;
        if (n->v || s->v || n->i < 0 || !weft_mul64(dense, n->i, &dense)) {
            weft_interp_fault(c, -1, WEFT_INVALID_INPUT,
                              "buffer '%s' has no definite shape: extent %lld of dimension %d",
                              info->src->name, (long long)n->i, d);
            return false;
        }
    }
    for (int d = 0; d < ndim; d++) {
        int64_t far;
        if (!weft_mul64(b->shape[d] - 1, b->stride[d], &far) || !weft_add64(count, far, &count)) {
            weft_interp_fault(c, -1, WEFT_LIMIT, "buffer '%s' is too large", info->src->name);
            return false;
        }
    }
    b->count = dense == 0 || count < 0 ? 0 : count;
    b->cells = info->store == STORE_PLACED ? weft_dtype_bits(info->dtype) / 8 : 1;
    b->cell = info->store == STORE_PLACED ? info->src->place : 0;
    if (info->src->frag.matrix && !weft_mul64(b->count, interp_share(info->src->frag), &b->count))
        b->count = INT64_MAX;
    return true;
}

static bool
out_of_memory(ctx *c, const bufview *b, const char *name)
{
    weft_interp_fault(c, -1, WEFT_OUT_OF_MEMORY, "no memory for the %lld elements of '%s'",
                      (long long)b->count, name);
    return false;
}

/* Memory for b->count elements and their shadow. */
static bool
reserve(ctx *c, int buf)
{
    const bufinfo *info = &c->in->buf[buf];
    bufview *b = &c->buf[buf];
    bool rows = info->store == STORE_ROWS;
    size_t each = (size_t)weft_interp_size[info->cls] * (rows ? (size_t)c->cap : 1);
    if (b->count <= b->cap)
        return true;
    if (b->count > ((int64_t)1 << 36) / (int64_t)each)
        return out_of_memory(c, b, info->src->name);
    size_t n = (size_t)b->count;
    free(b->own.data);
    free(b->own.w);
    free(b->own.init);
    free(b->row);
    free(b->bytes);
    b->own = (mem){ .data = calloc(n, each) };
    b->row = b->part = NULL;
    b->bytes = NULL;
    bool ok = b->own.data != NULL;
    if (c->check && rows) {
        b->row = calloc(2 * n, sizeof *b->row);
        b->bytes = calloc(n, (size_t)c->cap);
        b->part = b->row ? b->row + n : NULL;
        ok &= b->row && b->bytes;
    } else if (c->check) {
        b->own.w = calloc(2 * n, sizeof *b->own.w);
        b->own.r = b->own.w && info->crossed ? b->own.w + n : NULL;
        b->own.init = calloc(n, 1);
        ok &= b->own.w && b->own.init;
    }
    b->cap = ok ? b->count : 0;
    return ok || out_of_memory(c, b, info->src->name);
}

/* The overlay and its shadow. */
static bool
reserve_overlay(ctx *c, int buf)
{
    mem *m = &c->overlay;
    size_t n = (size_t)c->in->overlay;
    if (m->data)
        return true;
    if (c->in->overlay > (int64_t)1 << 36)
        return out_of_memory(c, &c->buf[buf], c->in->buf[buf].src->name);
    m->data = calloc(n, 1);
    m->count = c->in->overlay;
    m->w = c->check ? calloc(2 * n, sizeof *m->w) : NULL;
    m->r = m->w ? m->w + n : NULL;
    m->owner = c->check ? calloc(n, sizeof *m->owner) : NULL;
    bool ok = m->data && (!c->check || (m->w && m->owner));
    return ok || out_of_memory(c, &c->buf[buf], c->in->buf[buf].src->name);
}

/* The buffer's bytes of the overlay, which hold nothing of it yet. */
static bool
take_place(ctx *c, int buf)
{
    bufview *b = &c->buf[buf];
    if (!reserve_overlay(c, buf))
        return false;
    b->m = &c->overlay;
    b->data = (char *)c->overlay.data + b->cell;
    for (int64_t i = b->cell; b->m->owner && i < b->cell + b->count * b->cells; i++)
        b->m->owner[i] = b->m->owner[i] == buf + 1 ? 0 : b->m->owner[i];
    return true;
}

/* Memory of its own. */
static bool
take_memory(ctx *c, int buf)
{
    bufview *b = &c->buf[buf];
    if (!reserve(c, buf))
        return false;
    b->m = &b->own;
    b->data = b->own.data;
    b->own.count = b->count;
    if (b->own.init)
        memset(b->own.init, 0, (size_t)b->count);
    return true;
}

void
weft_interp_alloc(ctx *c, const code *k)
{
    bufview *b = &c->buf[k->buf];
    if (!weft_interp_shape(c, k->buf) ||
        !(interp_placed(c, k->buf) ? take_place : take_memory)(c, k->buf))
        return;
    b->m->shared = c->lanes == 1 && c == c->r->root && c->r->nworker > 1;
    b->ok_lo = b->ok_hi = 0;
    b->inst = interp_tick(c);
    b->mask = c->mask->ver;
    b->first = c->word >> TOUCH_UNIT << TOUCH_UNIT;
    b->lone = c != c->r->root;
    if (b->lone)
        b->first = 0;
    weft_interp_exec(c, k->at[0]);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* The coordinates of the chunk's lanes on one axis. */
static const val *
fill_axis(ctx *c, int i, bool wide, val *one)
{
    const trip *t = c->go;
    axisfill *f = &c->fill[i];
    int64_t below = 1, n = t->extent[i], last = c->base + c->lanes - 1;
    for (int j = i + 1; j < t->naxis; j++)
        below *= t->extent[j];
    if (c->base / below == last / below) {
        *one = (val){ .i = c->base / below % n };
        return one;
    }
    int64_t phase = c->base % (below * n);
    if (f->filled && f->phase == phase && f->below == below && f->extent == n && f->wide == wide)
        return &f->v;
    if (!f->at)
        f->at = weft_arena_alloc(&c->arena, (size_t)c->cap * sizeof(int64_t));
    int64_t at = phase / below, step = phase % below;
    int32_t *x = f->at;
    int64_t *y = f->at;
    for (int l = 0; l < c->lanes; l++) {
        int64_t v = c->thread ? (phase + c->thread[l]) / below % n : at;
        if (wide)
            y[l] = v;
        else
            x[l] = (int32_t)v;
        if (++step == below) {
            step = 0;
            at = at + 1 == n ? 0 : at + 1;
        }
    }
    *f = (axisfill){
        .at = f->at, .filled = true, .wide = wide, .phase = phase, .below = below, .extent = n
    };
    weft_interp_value(c, wide ? CLS_I64 : CLS_I32, 1, f->at, true, &f->v);
    return &f->v;
}

static void
run_chunk(ctx *c, const code *k, int64_t chunk)
{
    const trip *t = c->go;
    int64_t left = t->total - chunk * t->chunk;
    const region *g = t->g;
    int depth = k ? k->depth : 0;
    set_lanes(c, (int)(left < t->chunk ? left : t->chunk));
    c->mask = &c->full;
    c->base = chunk * t->chunk;
    weft_interp_ground(c);
    c->word = c->gword = (t->unit + (uint64_t)chunk) << TOUCH_UNIT;
    for (int i = 0; i < t->naxis; i++) {
        val one, *to = g->slot ? &c->var[g->slot[i]] : &c->axis[t->axis[i]];
        *to = *fill_axis(c, i, g->slot && g->var[i]->type.dtype != WEFT_I32, &one);
    }
    c->stamp[depth] = interp_tick(c);
    weft_interp_exec(c, k ? k->at[0] : c->in->body);
}

/* Takes over what the code around the region has bound. */
static void
inherit(ctx *c, const ctx *parent, const trip *t, const code *k)
{
    const region *g = t->g;
    int depth = k ? k->depth : 1;
    memcpy(c->var, parent->var, (size_t)c->in->nslot * sizeof *c->var);
    for (int d = 0; d < depth; d++)
        c->stamp[d] = interp_tick(c);
    for (int i = 0; i < (k ? g->nvisible : c->in->kernel->nparam); i++) {
        int slot = k ? g->visible[i] : i, ndim = c->in->buf[slot].src->ndim;
        bufview *b = &c->buf[slot];
        const bufview *from = &parent->buf[slot];
        b->data = from->data;
        b->count = from->count;
        b->m = from->m;
        b->inst = from->inst;
        b->cell = from->cell;
        b->cells = from->cells;
        b->ok_lo = b->ok_hi = 0;
        b->first = t->unit << TOUCH_UNIT;
        memcpy(b->shape, from->shape, (size_t)ndim * sizeof *b->shape);
        memcpy(b->stride, from->stride, (size_t)ndim * sizeof *b->stride);
    }
    for (int i = 0; i < WEFT_BIND_COUNT; i++)
        c->axis_size[i] = 1;
    for (int i = 0; i < t->naxis && !g->slot; i++)
        c->axis_size[t->axis[i]] = t->extent[i];
}

static void
region_job(void *user, int i)
{
    run *r = user;
    const trip *t = r->go;
    if (r->worker[i] && r->worker[i]->cap < t->chunk) {
        weft_interp_ctx_destroy(r->worker[i]);
        r->worker[i] = NULL;
    }
    if (!r->worker[i])
        r->worker[i] = weft_interp_ctx_create(r, (int)t->chunk);
    ctx *c = r->worker[i];
    c->go = t;
    c->failed = false;
    inherit(c, r->parent, t, r->body);
    for (;;) {
        int64_t n = __atomic_fetch_add(&r->next, 1, __ATOMIC_RELAXED);
        if (n >= t->nchunk || n > __atomic_load_n(&r->stop, __ATOMIC_RELAXED) || c->failed)
            return;
        c->chunk_at = n;
        run_chunk(c, r->body, weft_interp_order(&c->in->opt, n, t->nchunk));
    }
}

/* ---- regions --------------------------------------------------------------------------------- */

/* How many iterations at once: whole rows where they fit, else an even part of one. */
static int64_t
choose_chunk(const trip *t, int nworker)
{
    int64_t row = 1, most = INTERP_CHUNK;
    for (int i = t->naxis - 1; i >= 0 && row < most; i--) {
        if (row * t->extent[i] <= most) {
            row *= t->extent[i];
            continue;
        }
        if (row * t->extent[i] < most + most / 2)
            return row * t->extent[i];
        int64_t parts = weft_ceildiv(t->extent[i], most / row);
        row *= weft_ceildiv(t->extent[i], parts);
        break;
    }
    while (nworker > 1 && row > 64 && weft_ceildiv(t->total, row) < nworker)
        row = weft_ceildiv(row, 2);
    return row;
}

static bool
plan_launch(ctx *c, const region *g, trip *t)
{
    int64_t size[WEFT_BIND_COUNT];
    static const int order[6] = { WEFT_BLOCK_Z,  WEFT_BLOCK_Y,  WEFT_BLOCK_X,
                                  WEFT_THREAD_Z, WEFT_THREAD_Y, WEFT_THREAD_X };
    for (int i = 0; i < WEFT_BIND_COUNT; i++)
        size[i] = 1;
    for (int i = 0; i < g->naxis; i++) {
        int64_t n = weft_interp_eval(c, g->extent[i])->i;
        size[g->bind[i]] = n > size[g->bind[i]] ? n : size[g->bind[i]];
    }
    t->naxis = 6;
    t->threads = 1;
    for (int i = 0; i < 6; i++) {
        t->axis[i] = order[i];
        t->extent[i] = size[order[i]];
        if (i >= 3 && t->threads <= INTERP_MAX_LANES)
            t->threads *=
                (int)(t->extent[i] > INTERP_MAX_LANES ? INTERP_MAX_LANES + 1 : t->extent[i]);
        if (!weft_mul64(t->total, t->extent[i], &t->total))
            t->threads = INTERP_MAX_LANES + 1;
    }
    if (t->threads > INTERP_MAX_LANES) {
        weft_interp_fault(c, -1, WEFT_LIMIT,
                          "block of %lld x %lld x %lld threads: the interpreter runs at most %d",
                          (long long)t->extent[5], (long long)t->extent[4], (long long)t->extent[3],
                          INTERP_MAX_LANES);
        return false;
    }
    t->chunk = t->threads;
    if (c->in->grouped && t->threads < INTERP_CHUNK)
        t->chunk = choose_chunk(t, c->r->nworker) / t->threads * t->threads;
    if (t->chunk < t->threads)
        t->chunk = t->threads;
    return true;
}

static bool
plan_loops(ctx *c, const region *g, trip *t)
{
    t->naxis = g->naxis;
    for (int i = 0; i < g->naxis; i++) {
        t->axis[i] = i;
        t->extent[i] = weft_interp_eval(c, g->extent[i])->i;
        if (t->extent[i] < 0)
            t->extent[i] = 0;
        if (!weft_mul64(t->total, t->extent[i], &t->total)) {
            weft_interp_fault(c, -1, WEFT_LIMIT, "parallel loops of more than 2**63 iterations");
            return false;
        }
    }
    if (t->total > 0)
        t->chunk = choose_chunk(t, c->r->nworker);
    return true;
}

void
weft_interp_region(ctx *c, const code *k)
{
    run *r = c->r;
    trip t = { .g = k ? k->region : c->in->launch, .total = 1, .chunk = 1 };
    if (!(k ? plan_loops(c, t.g, &t) : plan_launch(c, t.g, &t)) || t.total == 0)
        return;
    t.nchunk = weft_ceildiv(t.total, t.chunk);
    t.unit = r->unit + 1;
    if (t.nchunk >= (int64_t)1 << (64 - TOUCH_UNIT) ||
        t.unit + (uint64_t)t.nchunk >= 1ull << (64 - TOUCH_UNIT)) {
        weft_interp_fault(c, -1, WEFT_LIMIT, "more than 2**%d blocks", 64 - TOUCH_UNIT);
        return;
    }
    r->unit += (uint64_t)t.nchunk + 1;
    r->body = k;
    r->parent = c;
    r->go = &t;
    r->next = 0;
    r->stop = t.nchunk;
    int jobs = t.nchunk < r->nworker ? (int)t.nchunk : r->nworker;
    weft_parallel_for(jobs, jobs, region_job, r);
    c->word = c->gword = r->unit << TOUCH_UNIT; /* all that was touched is ordered before */
    for (int i = 0; i < c->in->nbuf; i++)
        c->buf[i].first = c->word;
    if (r->status)
        c->failed = true;
}
