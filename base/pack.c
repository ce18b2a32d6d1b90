/* The memory packer.  Largest first; each block goes into the least gap between the blocks that
 * live while it lives, or after them, in the first arena that has room. */
#include "base/priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct order { /* sorts without the items themselves moving */
    int64_t size;
    int first, index;
} order;

static int
larger_first(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->index - y->index;
}

static bool
lives_with(const weft_pack_item *a, const weft_pack_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

typedef struct placing {
    weft_pack_item *item;
    int *placed; /* indices, by arena and offset */
    int nplaced;
    int64_t max_arena;
} placing;

static bool
fits(const weft_pack_item *it, int64_t offset, int64_t end)
{
    return offset <= end && it->size <= end - offset;
}

/* The next multiple of `align`, or the greatest offset of all. */
static int64_t
aligned(int64_t offset, int64_t align)
{
    return offset > INT64_MAX - align ? INT64_MAX : weft_round_up(offset, align);
}

/* The offset in an arena where the item wastes least, or -1. */
static int64_t
best_offset(const placing *p, const weft_pack_item *it, int arena)
{
    int64_t limit = p->max_arena ? p->max_arena : INT64_MAX;
    int64_t free_from = 0, best = -1, best_gap = INT64_MAX;
    for (int i = 0; i < p->nplaced; i++) {
        const weft_pack_item *other = &p->item[p->placed[i]];
        if (other->arena != arena || !lives_with(it, other))
            continue;
        int64_t at = aligned(free_from, it->align);
        if (fits(it, at, other->offset) && other->offset - free_from < best_gap) {
            best = at;
            best_gap = other->offset - free_from;
        }
        if (other->offset + other->size > free_from)
            free_from = other->offset + other->size;
    }
    if (best >= 0)
        return best;
    int64_t at = aligned(free_from, it->align);
    return fits(it, at, limit) ? at : -1;
}

/* Keeps `placed` sorted by arena, then offset, then index. */
static void
insert(placing *p, int index)
{
    const weft_pack_item *it = &p->item[index];
    int i = p->nplaced++;
    for (; i > 0; i--) {
        const weft_pack_item *other = &p->item[p->placed[i - 1]];
        if (other->arena < it->arena || (other->arena == it->arena && other->offset <= it->offset))
            break;
        p->placed[i] = p->placed[i - 1];
    }
    p->placed[i] = index;
}

static weft_status
check_item(weft_diag *diag, const weft_pack_item *it, int index, int64_t max_arena)
{
    if (it->size < 0 || it->align < 1 || (it->align & (it->align - 1)) || it->last < it->first)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "block %d cannot be placed: %lld bytes, alignment %lld, steps %d to %d",
                         index, (long long)it->size, (long long)it->align, it->first, it->last);
    if (max_arena && it->size > max_arena)
        return weft_fail(diag, WEFT_LIMIT,
                         "block %d of %lld bytes is larger than an allocation may be (%lld bytes)",
                         index, (long long)it->size, (long long)max_arena);
    return WEFT_OK;
}

static weft_status
place(placing *p, weft_diag *diag, int index, int *narena)
{
    weft_pack_item *it = &p->item[index];
    int64_t at = -1;
    it->arena = 0;
    if (it->size == 0) { /* takes no room anywhere */
        it->offset = 0;
        *narena += *narena == 0;
        return WEFT_OK;
    }
    for (; it->arena < *narena; it->arena++)
        if ((at = best_offset(p, it, it->arena)) >= 0)
            break;
    if (at < 0 && it->arena > 0 && !p->max_arena)
        return weft_fail(diag, WEFT_LIMIT, "the blocks take more than 2^63 bytes");
    it->offset = at < 0 ? 0 : at;
    if (it->arena == *narena)
        ++*narena;
    insert(p, index);
    return WEFT_OK;
}

weft_status
weft_pack(weft_arena *arena, weft_diag *diag, weft_pack_item *item, int n, int64_t max_arena,
          int *narena, int64_t **arena_size)
{
    order *o = calloc((size_t)n + 1, sizeof *o);
    placing p = { item, calloc((size_t)n + 1, sizeof(int)), 0, max_arena };
    if (!o || !p.placed)
        weft_out_of_memory((size_t)n * sizeof *o);
    weft_status status = WEFT_OK;
    *narena = 0;
    for (int i = 0; i < n && status == WEFT_OK; i++) {
        status = check_item(diag, &item[i], i, max_arena);
        o[i] = (order){ item[i].size, item[i].first, i };
    }
    qsort(o, (size_t)n, sizeof *o, larger_first);
    for (int i = 0; i < n && status == WEFT_OK; i++)
        status = place(&p, diag, o[i].index, narena);
    *arena_size = WEFT_NEW_ARRAY(arena, *narena, int64_t);
    for (int i = 0; i < p.nplaced; i++) {
        const weft_pack_item *it = &item[p.placed[i]];
        if (it->offset + it->size > (*arena_size)[it->arena])
            (*arena_size)[it->arena] = it->offset + it->size;
    }
    free(o);
    free(p.placed);
    return status;
}
