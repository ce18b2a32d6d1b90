/* stream: what is stored once and will not be found in any cache goes past them to memory.
 *
 * needs   level device, before hoist: indices over loops' variables; a target whose
 *         language has such stores
 * keeps   everything else
 *
 * A store through a cache first reads the line that it changes, and drives out what is read again.
 * Where a launch moves more than the caches hold, whoever reads the result next reads memory
 * anyhow.  The processor gathers such stores by lines: only a loop that stores one place behind the
 * other, each vector whole and aligned, may have them. */
#include "lower/lower.h"

enum {
    SHARE = 16,       /* the cache that cores share is no more than so many times their own */
    LEAST_BYTES = 512, /* that a loop stores; some lines */
    LEAST_VECTOR = 16 /* bytes; narrower ones would be gathered lane by lane */
};

typedef struct streamer {
    const weft_kernel *kernel;
    int64_t most; /* bytes of an aligned vector */
    weft_arena scratch;
    bool *loaded; /* by buffer id */
    const weft_buf *buf;
    int stores; /* to buf, in the loop at hand */
    const weft_stmt *loop;
} streamer;

/* ---- what there is --------------------------------------------------------------------------- */

static bool
note_load(void *user, const weft_expr *e)
{
    const streamer *s = user;
    if (e->h.kind == WEFT_EK_LOAD)
        s->loaded[e->h.u.buf->id] = true;
    return true;
}

/* Whether no cache keeps what a launch moves until its end. */
static bool
is_large(const weft_kernel *k, const weft_target *t)
{
    double near = (double)t->cache_bytes * SHARE * (t->cores > 0 ? t->cores : 1);
    return k->info.bytes_read >= 0 && k->info.bytes_written >= 0 && near > 0 &&
           k->info.bytes_read + k->info.bytes_written >= near;
}

static bool
is_param(const weft_kernel *k, const weft_buf *buf)
{
    for (int i = 0; i < k->nparam; i++)
        if (k->param[i] == buf)
            return true;
    return false;
}

/* ---- one store ------------------------------------------------------------------------------- */

/* Whether the vector, of whole 4-byte words, begins at a multiple of its bytes. */
static bool
is_aligned(const streamer *s, const weft_stmt *store)
{
    const weft_expr *index = store->u.store.index[0];
    const weft_buf *buf = store->u.store.buf;
    int lanes = index->h.type.lanes;
    int64_t coeff, base, bits = weft_dtype_bits(buf->dtype), bytes = lanes * bits / 8;
    if (bits < 32 || bytes < LEAST_VECTOR || bytes > s->most || (bytes & (bytes - 1)) != 0 ||
        (buf->align > 0 && buf->align % bytes != 0))
        return false;
    weft_modular(s->kernel->ir, NULL, index->arg[0], &coeff, &base);
    return coeff % lanes == 0 && base % lanes == 0;
}

/* Whether a step of the loop stores the vector behind that of the step before. */
static bool
follows(const streamer *s, const weft_stmt *store)
{
    const weft_expr *index = store->u.store.index[0], *stride, *rest;
    int64_t by, steps, bytes;
    return weft_affine_in(s->kernel->ir, index->arg[0], s->loop->u.loop.var, &stride, &rest) &&
           weft_as_int(stride, &by) && by == index->h.type.lanes &&
           weft_as_int(s->loop->u.loop.extent, &steps) &&
           weft_dtype_bytes(store->u.store.buf->dtype, by, &bytes) && steps >= LEAST_BYTES / bytes;
}

static bool
count_store(void *user, const weft_stmt *t)
{
    streamer *s = user;
    s->stores += t->kind == WEFT_SK_STORE && t->u.store.buf == s->buf;
    return true;
}

static bool
is_only_store(streamer *s, const weft_buf *buf)
{
    s->buf = buf;
    s->stores = 0;
    weft_walk_stmt(&(weft_walker){ .stmt = count_store, .user = s }, s->loop->u.loop.body);
    return s->stores == 1;
}

static bool
is_stream(streamer *s, const weft_stmt *store)
{
    const weft_buf *buf = store->u.store.buf;
    const weft_expr *index = store->u.store.n == 1 ? store->u.store.index[0] : NULL;
    return s->loop && index && index->h.kind == WEFT_EK_RAMP &&
           weft_is_int_imm(index->arg[1], 1) && is_param(s->kernel, buf) && !s->loaded[buf->id] &&
           is_aligned(s, store) && follows(s, store) && is_only_store(s, buf);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static const weft_expr *
leave(weft_rewriter *rw, const weft_expr *e)
{
    (void)rw;
    return e;
}

static const weft_stmt *
go_past(weft_rewriter *rw, const weft_stmt *t)
{
    streamer *s = rw->user;
    const weft_stmt *outside = s->loop;
    if (t->kind == WEFT_SK_STORE && is_stream(s, t)) {
        weft_stmt past = *t;
        past.u.store.stream = true;
        return weft_stmt_make(rw->ir, past);
    }
    if (t->kind == WEFT_SK_FOR)
        s->loop = t->u.loop.bind == WEFT_SERIAL ? t : NULL;
    else if (t->kind == WEFT_SK_IF || t->kind == WEFT_SK_WHILE)
        s->loop = NULL;
    t = weft_rewrite_children(rw, t);
    s->loop = outside;
    return t;
}

weft_status
weft_pass_stream(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)diag;
    streamer s = { .kernel = k, .most = o->target->offset_align };
    if (!o->caps->stream || !k->no_alias || !is_large(k, o->target))
        return WEFT_OK;
    s.loaded = WEFT_NEW_ARRAY(&s.scratch, k->ir->nbuf + 1, bool);
    weft_walk_stmt(&(weft_walker){ .expr = note_load, .user = &s }, k->body);
    weft_rewriter rw = { .ir = k->ir, .expr = leave, .stmt = go_past, .user = &s };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    weft_arena_reset(&s.scratch);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
