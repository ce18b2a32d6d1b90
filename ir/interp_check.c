/* Shadow memory: which elements hold a value, and who touched them last.  Two touches of an
 * element, at least one a write, by different lanes with no barrier between, or by different
 * blocks, are a race; except that several lanes may write the same bits. */
#include "ir/interp_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

static uint64_t
unit_of(uint64_t word)
{
    return word >> TOUCH_UNIT;
}

/* Whether the touch is of a time that is over. */
static bool
is_past(const bufview *b, uint64_t old, uint64_t word)
{
    return old < b->first || (b->lone && unit_of(old) != unit_of(word));
}

/* Whether the touch `old` has no order with one by `lane` under `word`. */
static bool
unordered(const bufview *b, uint64_t old, uint64_t word, int lane)
{
    if (is_past(b, old, word) || ((old & TOUCH_ATOMIC) && (word & TOUCH_ATOMIC)))
        return false;
    if ((old & TOUCH_UNITS) || unit_of(old) != unit_of(word))
        return true;
    return (old ^ word) >> TOUCH_EPOCH == 0 && (int)(old & TOUCH_LANE) != lane;
}

/* What a read leaves behind: several lanes or units stay marked. */
static uint64_t
read_word(const bufview *b, uint64_t old, uint64_t word, int lane)
{
    uint64_t mine = word | (uint64_t)lane;
    if (is_past(b, old, word))
        return mine;
    if ((old & TOUCH_UNITS) || unit_of(old) != unit_of(word))
        return mine | TOUCH_UNITS;
    return (old ^ word) >> TOUCH_EPOCH == 0 && (old & TOUCH_LANE) != (uint64_t)lane
               ? word | TOUCH_LANE
               : mine;
}

/* Word j of element e's shadow. */
static int64_t
cell_of(const bufview *b, int64_t e, int j)
{
    return b->cell + e * b->cells + j;
}

static void
note_read(const bufview *b, uint64_t word, int64_t at, int lane)
{
    const mem *m = b->m;
    uint64_t old = __atomic_load_n(&m->r[at], __ATOMIC_RELAXED);
    for (;;) {
        uint64_t now = read_word(b, old, word, lane);
        if (!m->shared) {
            m->r[at] = now;
            return;
        }
        if (now == old || __atomic_compare_exchange_n(&m->r[at], &old, now, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return;
    }
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The buffer that was stored over the element, or NULL. */
static const weft_buf *
stored_over(const ctx *c, const access *a, int64_t e)
{
    const bufview *b = &c->buf[a->buf];
    for (int j = 0; b->m && b->m->owner && j < b->cells; j++) {
        int owner = b->m->owner[cell_of(b, e, j)];
        if (owner && owner != a->buf + 1)
            return c->in->buf[owner - 1].src;
    }
    return NULL;
}

static void
uninitialised(ctx *c, const access *a, int64_t e, int lane)
{
    weft_str what = { 0 };
    const weft_buf *over = stored_over(c, a, e);
    weft_interp_name_element(c, &what, a, e);
    if (over)
        weft_str_addf(&what, ", where '%s' was stored", over->name);
    weft_interp_fault(c, lane, WEFT_INVALID_INPUT, "read of uninitialised memory %s",
                      weft_str_text(&what));
    weft_str_free(&what);
}

/* `did` is what the other one did. */
static void
race(ctx *c, const access *a, int64_t e, int lane, uint64_t old, const char *did)
{
    weft_str what = { 0 };
    weft_interp_name_element(c, &what, a, e);
    weft_str_addf(&what, ": %s by ", did);
    if ((old & TOUCH_UNITS) || (old & TOUCH_LANE) == TOUCH_LANE)
        weft_str_add(&what, "several threads");
    else
        weft_interp_name_lane(c, &what, unit_of(old), (int)(old & TOUCH_LANE));
    weft_str_addf(&what, " and %s by ", a->write ? "written" : "read");
    weft_interp_name_lane(c, &what, unit_of(c->gword), lane);
    weft_interp_fault(c, -1, WEFT_INVALID_INPUT, "data race on %s, with no barrier between",
                      weft_str_text(&what));
    weft_str_free(&what);
}

/* ---- nothing new ----------------------------------------------------------------------------- */

/* Whether this access touched the same elements under the same mask in this epoch already. */
static bool
seen(const ctx *c, const access *a, const place *p)
{
    const acache *k = &c->acc[a->id];
    return k->seen && !__atomic_load_n(&c->r->met, __ATOMIC_RELAXED) && a->nloop == 0 &&
           !interp_placed(c, a->buf) && k->seen_ver == p->ver &&
           k->seen_off == p->off && k->seen_mask == c->mask->ver &&
           k->seen_word == interp_word(c, a) && k->seen_inst == c->buf[a->buf].inst;
}

static void
remember(ctx *c, const access *a, const place *p)
{
    acache *k = &c->acc[a->id];
    k->seen = true;
    k->seen_ver = p->ver;
    k->seen_off = p->off;
    k->seen_mask = c->mask->ver;
    k->seen_word = interp_word(c, a);
    k->seen_inst = c->buf[a->buf].inst;
}

/* ---- iterations of loops inside a lane ------------------------------------------------------- */

static iterlog *
loop_log(ctx *c, const access *a, int j, int64_t count)
{
    const bufinfo *info = &c->in->buf[a->buf];
    bufview *b = &c->buf[a->buf];
    for (int i = 0; i < info->nloop; i++) {
        if (info->loop[i] != a->loop[j])
            continue;
        if (!b->iter)
            b->iter = WEFT_NEW_ARRAY(&c->arena, info->nloop, iterlog);
        if (!b->iter[i].w || b->iter[i].count < count) {
            free(b->iter[i].w);
            b->iter[i].w = calloc((size_t)count * 2, sizeof(uint64_t));
            weft_assert(b->iter[i].w != NULL, "out of memory");
            b->iter[i].r = b->iter[i].w + count;
            b->iter[i].count = count;
        }
        return &b->iter[i];
    }
    return NULL;
}

static bool
meets(uint64_t old, uint64_t now)
{
    return old >> 32 == now >> 32 && old != now;
}

static bool
same_row_bits(const ctx *c, const access *a, int64_t e, int lane, const void *value, int k)
{
    const bufinfo *info = &c->in->buf[a->buf];
    size_t size = (size_t)weft_interp_size[info->cls];
    if (info->store != STORE_ROWS)
        return weft_interp_same_bits(c, a, e, value, k);
    const char *was = (const char *)c->buf[a->buf].data + (size_t)(e * c->lanes + lane) * size;
    return value && memcmp(was, (const char *)value + (size_t)k * size, size) == 0;
}

/* value as of a write, or NULL: then `write` tells. */
static bool
check_loops(ctx *c, const access *a, const place *p, int comps, bool write, const void *value)
{
    bool rows = c->in->buf[a->buf].store == STORE_ROWS;
    int64_t count = c->buf[a->buf].count * (rows ? c->lanes : 1);
    for (int j = 0; j < a->nloop; j++) {
        iterlog *log = loop_log(c, a, j, count);
        uint64_t now = c->loop_inst[a->loop[j]];
        for (int k = 0; log && k < comps * c->lanes; k++) {
            int l = k % c->lanes;
            if (!interp_on(c, l))
                continue;
            int64_t at = interp_element(p, k), e = rows ? at * c->lanes + l : at;
            bool bad = meets(log->w[e], now) && !(write && same_row_bits(c, a, at, l, value, k));
            if (bad || (write && meets(log->r[e], now))) {
                weft_str what = { 0 };
                weft_interp_name_element(c, &what, a, at);
                weft_interp_fault(
                    c, l, WEFT_INVALID_INPUT,
                    "data race on %s: two iterations of a parallel or vectorised loop "
                    "touch it",
                    weft_str_text(&what));
                weft_str_free(&what);
                return false;
            }
            if (write)
                log->w[e] = now;
            else
                log->r[e] = meets(log->r[e], now) ? now | UINT32_MAX : now;
        }
    }
    return true;
}

/* ---- initialised memory ---------------------------------------------------------------------- */

static void
grow_known(bufview *b, int64_t lo, int64_t hi)
{
    if (lo <= b->ok_hi && hi + 1 >= b->ok_lo && b->ok_hi > b->ok_lo) {
        b->ok_lo = lo < b->ok_lo ? lo : b->ok_lo;
        b->ok_hi = hi + 1 > b->ok_hi ? hi + 1 : b->ok_hi;
    } else {
        b->ok_lo = lo;
        b->ok_hi = hi + 1;
    }
}

/* Whether the element's bytes are those that a store to this buffer left. */
static bool
is_owned(const ctx *c, const access *a, int64_t e)
{
    const bufview *b = &c->buf[a->buf];
    for (int j = 0; j < b->cells; j++)
        if (b->m->owner[cell_of(b, e, j)] != a->buf + 1)
            return false;
    return true;
}

static bool
check_owned(ctx *c, const access *a, const place *p, int comps)
{
    for (int k = 0; k < comps * c->lanes; k++) {
        int64_t e = interp_element(p, k);
        if (interp_on(c, k % c->lanes) && !is_owned(c, a, e)) {
            uninitialised(c, a, e, k % c->lanes);
            return false;
        }
    }
    return true;
}

static void
set_owner(ctx *c, const access *a, const place *p, int comps, int owner)
{
    const bufview *b = &c->buf[a->buf];
    for (int k = 0; k < comps * c->lanes; k++)
        for (int j = 0; j < b->cells && interp_on(c, k % c->lanes); j++)
            b->m->owner[cell_of(b, interp_element(p, k), j)] = owner;
}

static bool
check_init(ctx *c, const access *a, const place *p, int comps)
{
    bufview *b = &c->buf[a->buf];
    if (b->m->owner)
        return check_owned(c, a, p, comps);
    const uint8_t *init = b->m->init;
    if (!init || (p->lo >= b->ok_lo && p->hi < b->ok_hi))
        return true;
    int64_t span = p->hi - p->lo + 1;
    if (span <= 64 * (int64_t)c->lanes && !memchr(init + p->lo, 0, (size_t)span)) {
        grow_known(b, p->lo, p->hi);
        return true;
    }
    for (int k = 0; k < comps * c->lanes; k++) {
        int64_t e = interp_element(p, k);
        if (interp_on(c, k % c->lanes) && !init[e]) {
            uninitialised(c, a, e, k % c->lanes);
            return false;
        }
    }
    return true;
}

static void
mark_init(ctx *c, const access *a, const place *p, int comps)
{
    uint8_t *init = c->buf[a->buf].m->init;
    if (c->buf[a->buf].m->owner)
        set_owner(c, a, p, comps, a->buf + 1);
    if (!init)
        return;
    if (p->contig && !c->mask->on) {
        memset(init + p->off + p->x[0], 1, (size_t)c->lanes);
        return;
    }
    for (int k = 0; k < comps * c->lanes; k++)
        if (interp_on(c, k % c->lanes))
            init[interp_element(p, k)] = 1;
}

void
weft_interp_forget_init(ctx *c, const access *a, const place *p, int comps)
{
    bufview *b = &c->buf[a->buf];
    if (b->m->owner)
        set_owner(c, a, p, comps, 0);
    for (int k = 0; b->m->init && k < comps * c->lanes; k++)
        if (interp_on(c, k % c->lanes))
            b->m->init[interp_element(p, k)] = 0;
    b->ok_lo = b->ok_hi = 0;
    for (int i = 0; i < c->in->naccess; i++) /* reads of it have to be checked again */
        if (c->in->access[i]->buf == a->buf)
            c->acc[i].seen = false;
}

/* ---- reads ----------------------------------------------------------------------------------- */

/* Word j of each element. */
static bool
read_words(ctx *c, const access *a, const place *p, int comps, int j)
{
    const bufview *b = &c->buf[a->buf];
    const mem *m = b->m;
    uint64_t word = interp_word(c, a);
    for (int k = 0; m->r && k < comps * c->lanes; k++)
        if (interp_on(c, k % c->lanes))
            note_read(b, word, cell_of(b, interp_element(p, k), j), k % c->lanes);
    for (int k = 0; m->w && k < comps * c->lanes; k++) {
        int l = k % c->lanes;
        if (!interp_on(c, l))
            continue;
        int64_t e = interp_element(p, k);
        uint64_t old = __atomic_load_n(&m->w[cell_of(b, e, j)], __ATOMIC_RELAXED);
        if (unordered(b, old, word, l)) {
            race(c, a, e, l, old, "written");
            return false;
        }
    }
    return true;
}

bool
weft_interp_touch_read(ctx *c, const access *a, const place *p, int comps)
{
    const mem *m = c->buf[a->buf].m;
    if (!m->init && !a->track && a->nloop == 0)
        return true;
    if (seen(c, a, p))
        return true;
    for (int j = 0; a->track && j < c->buf[a->buf].cells; j++)
        if (!read_words(c, a, p, comps, j))
            return false;
    if (!check_init(c, a, p, comps))
        return false;
    if (a->nloop > 0 && !check_loops(c, a, p, comps, false, NULL))
        return false;
    remember(c, a, p);
    return true;
}

/* ---- writes ---------------------------------------------------------------------------------- */

bool
weft_interp_same_bits(const ctx *c, const access *a, int64_t e, const void *value, int k)
{
    const bufinfo *info = &c->in->buf[a->buf];
    const void *data = c->buf[a->buf].data;
    weft_dtype t = weft_interp_stored_dtype(info);
    if (!value)
        return false;
    const char *from = (const char *)value + interp_bytes(info->cls, k);
    uint64_t now = 0, was = 0;
    if (weft_dtype_bits(t) < 8) {
        weft_interp_put(t, info->cls, from, &now, NULL, 0, NULL, 1);
        return weft_get_i64(t, &now, 0) == weft_get_i64(t, data, e);
    }
    size_t size = (size_t)weft_dtype_bits(t) / 8;
    weft_interp_put(t, info->cls, from, &now, NULL, 0, NULL, 1);
    memcpy(&was, (const char *)data + (size_t)e * size, size);
    return now == was;
}

/* Whether what lane k is about to write equals what stands there: written before, or by a lane of
 * this very statement. */
static bool
agrees(const ctx *c, const access *a, const place *p, int k, uint64_t old, const void *value)
{
    int64_t e = interp_element(p, k);
    size_t size = (size_t)weft_interp_size[c->in->buf[a->buf].cls];
    if (!value)
        return false;
    if ((old ^ interp_word(c, a)) >> TOUCH_EPOCH == 0)
        for (int j = k - 1; j >= 0; j--)
            if (interp_on(c, j % c->lanes) && interp_element(p, j) == e)
                return memcmp((const char *)value + (size_t)j * size,
                              (const char *)value + (size_t)k * size, size) == 0;
    if (c->buf[a->buf].m->owner && !is_owned(c, a, e))
        return false;
    return weft_interp_same_bits(c, a, e, value, k);
}

static uint64_t
swap(const mem *m, int64_t at, uint64_t word)
{
    if (m->shared)
        return __atomic_exchange_n(&m->w[at], word, __ATOMIC_SEQ_CST);
    uint64_t old = m->w[at];
    m->w[at] = word;
    return old;
}

/* 1 unless the touch is ordered before one under `mine`, by the words alone. */
static uint64_t
clashes(uint64_t first, uint64_t lone, uint64_t old, uint64_t mine)
{
    uint64_t x = old ^ mine, far = (uint64_t)(x >> TOUCH_UNIT != 0);
    return (uint64_t)(old >= first) & ~(lone & far) &
           (far | ((uint64_t)(x >> TOUCH_EPOCH == 0) & (uint64_t)(x != 0)) |
            (uint64_t)((old & TOUCH_UNITS) != 0));
}

/* Contiguous, by one worker and without a clash: marked at once. */
static bool
write_run(const bufview *b, uint64_t word, int64_t at, int lanes)
{
    uint64_t *w = b->m->w + at, bad = 0;
    const uint64_t *r = b->m->r ? b->m->r + at : NULL;
    if (b->m->shared)
        return false;
    for (int l = 0; l < lanes; l++)
        bad |= clashes(b->first, b->lone, w[l], word | (uint64_t)l);
    for (int l = 0; r && l < lanes; l++)
        bad |= clashes(b->first, b->lone, r[l], word | (uint64_t)l);
    for (int l = 0; l < lanes && !bad; l++)
        w[l] = word | (uint64_t)l;
    return !bad;
}

/* Word j of each element. */
static bool
write_words(ctx *c, const access *a, const place *p, int comps, const void *value, int j)
{
    const bufview *b = &c->buf[a->buf];
    const mem *m = b->m;
    uint64_t word = interp_word(c, a) | (a->atomic ? TOUCH_ATOMIC : 0);
    if (p->contig && !c->mask->on && !a->atomic && !m->owner &&
        write_run(b, word, p->off + p->x[0], c->lanes))
        return true;
    for (int k = 0; k < comps * c->lanes; k++) {
        int l = k % c->lanes;
        if (!interp_on(c, l))
            continue;
        int64_t e = interp_element(p, k), at = cell_of(b, e, j);
        uint64_t old = swap(m, at, word | (uint64_t)l);
        if (unordered(b, old, word, l)) {
            if (!agrees(c, a, p, k, old, value)) {
                race(c, a, e, l, old, "written");
                return false;
            }
            __atomic_store_n(&c->r->met, true, __ATOMIC_RELAXED);
        }
        if (!m->r)
            continue;
        old = __atomic_load_n(&m->r[at], __ATOMIC_SEQ_CST);
        if (unordered(b, old, word & ~(uint64_t)TOUCH_ATOMIC, l)) {
            race(c, a, e, l, old, "read");
            return false;
        }
    }
    return true;
}

bool
weft_interp_touch_write(ctx *c, const access *a, const place *p, int comps, const void *value)
{
    const mem *m = c->buf[a->buf].m;
    if (seen(c, a, p))
        return true;
    if (a->atomic && !check_init(c, a, p, comps))
        return false;
    for (int j = 0; m->w && j < c->buf[a->buf].cells; j++)
        if (!write_words(c, a, p, comps, value, j))
            return false;
    if (a->nloop > 0 && !a->atomic && !check_loops(c, a, p, comps, true, value))
        return false;
    mark_init(c, a, p, comps);
    remember(c, a, p);
    return true;
}

/* ---- memory of one lane ---------------------------------------------------------------------- */

static bool
row_holds(const ctx *c, const bufview *b, int64_t e, int lane)
{
    return b->row[e] == b->inst || (b->part[e] == b->inst && b->bytes[e * c->cap + lane]);
}

/* A row that every lane of the allocation has written by parts. */
static void
promote(const ctx *c, bufview *b, int64_t e)
{
    if (b->row[e] == b->inst || b->mask != c->mask->ver)
        return;
    b->row[e] = b->inst;
}

bool
weft_interp_rows_read(ctx *c, const access *a, const place *p, int comps)
{
    bufview *b = &c->buf[a->buf];
    if (a->nloop > 0 && !check_loops(c, a, p, comps, false, NULL))
        return false;
    if (p->one && b->row[p->off] == b->inst)
        return true;
    if (p->lo >= b->ok_lo && p->hi < b->ok_hi)
        return true;
    for (int k = 0; k < comps * c->lanes; k++) {
        int64_t e = interp_element(p, k);
        if (interp_on(c, k % c->lanes) && !row_holds(c, b, e, k % c->lanes)) {
            uninitialised(c, a, e, k % c->lanes);
            return false;
        }
    }
    if (p->one) {
        promote(c, b, p->off);
        return true;
    }
    int64_t e = p->lo;
    while (e <= p->hi && b->row[e] == b->inst)
        e++;
    if (e > p->hi)
        grow_known(b, p->lo, p->hi);
    return true;
}

static void
mark_part(const ctx *c, bufview *b, int64_t e, int lane)
{
    if (b->part[e] != b->inst) {
        memset(b->bytes + e * c->cap, 0, (size_t)c->cap);
        b->part[e] = b->inst;
    }
    b->bytes[e * c->cap + lane] = 1;
}

bool
weft_interp_rows_written(ctx *c, const access *a, const place *p, int comps, const void *value)
{
    bufview *b = &c->buf[a->buf];
    if (a->nloop > 0 && !check_loops(c, a, p, comps, true, value))
        return false;
    if (p->one && (!c->mask->on || b->mask == c->mask->ver)) {
        b->row[p->off] = b->inst;
        return true;
    }
    if (p->one && b->row[p->off] == b->inst)
        return true;
    for (int k = 0; k < comps * c->lanes; k++)
        if (interp_on(c, k % c->lanes))
            mark_part(c, b, interp_element(p, k), k % c->lanes);
    return true;
}
