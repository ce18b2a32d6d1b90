/* Asynchronous stores: from their statement on the place holds nothing, and a read of it is one of
 * uninitialised memory; they arrive when the threads wait for their group.  Both are
 * touches, as far as races go. */
#include "ir/interp_priv.h"

#include <stdlib.h>
#include <string.h>

void
weft_interp_depart(ctx *c, const code *k, const place *p, int comps, const void *value)
{
    size_t n = (size_t)(comps * c->lanes), size = (size_t)weft_interp_size[k->expr->cls];
    if (c->nflight == c->flight_room) {
        c->flight_room = 2 * c->flight_room + 16;
        c->flights = realloc(c->flights, (size_t)c->flight_room * sizeof *c->flights);
        weft_assert(c->flights != NULL, "out of memory");
    }
    flight *f = &c->flights[c->nflight++];
    *f =
        (flight){ .k = k, .off = p->off, .lo = p->lo, .hi = p->hi, .one = p->one, .n = c->mask->n };
    f->own = malloc(n * (sizeof *f->x + size) + (size_t)c->lanes);
    weft_assert(f->own != NULL, "out of memory");
    f->value = f->own;
    f->x = (int32_t *)(void *)(f->value + n * size);
    f->on = (uint8_t *)(f->x + n);
    f->group = c->group;
    memcpy(f->value, value, n * size);
    for (size_t i = 0; i < n; i++)
        f->x[i] = (int32_t)(interp_element(p, (int)i) - p->off);
    for (int l = 0; l < c->lanes; l++)
        f->on[l] = interp_on(c, l);
    weft_interp_forget_init(c, k->store, p, comps);
}

static void
arrive(ctx *c, const flight *f)
{
    const mask *was = c->mask;
    mask m = { f->n == c->lanes ? NULL : f->on, f->n, interp_tick(c) };
    place p = { .x = f->one ? NULL : f->x, .off = f->off, .lo = f->lo, .hi = f->hi, .one = f->one };
    p.ver = interp_tick(c);
    c->mask = &m;
    if (!c->check || weft_interp_touch_write(c, f->k->store, &p, f->k->expr->comps, f->value))
        weft_interp_put_place(c, f->k->store, &p, f->k->expr->comps, f->value);
    c->mask = was;
}

void
weft_interp_async(ctx *c, const code *k)
{
    int left = k->src->u.async.left, kept = 0;
    if (c->mask->n != c->lanes) {
        weft_interp_fault(c, -1, WEFT_INVALID_INPUT,
                          "divergent end of asynchronous stores: %d of %d threads arrive",
                          c->mask->n, c->lanes);
        return;
    }
    if (left == WEFT_ASYNC_COMMIT) {
        c->group++;
        return;
    }
    for (int i = 0; i < c->nflight; i++) {
        if (c->flights[i].group >= c->group - left) {
            c->flights[kept++] = c->flights[i];
            continue;
        }
        if (!c->failed)
            arrive(c, &c->flights[i]);
        free(c->flights[i].own);
    }
    c->nflight = kept;
}

void
weft_interp_ground(ctx *c)
{
    for (int i = 0; i < c->nflight; i++)
        free(c->flights[i].own);
    c->nflight = 0;
    c->group = 0;
}
