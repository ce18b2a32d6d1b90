/* The launch of a kernel, as its block and thread loops say. */
#include "lower/lower.h"

typedef struct dims {
    const weft_expr **grid, **block;
} dims;

/* Of two loops on one axis the longer counts: they agree, or the shorter is guarded. */
static void
take(const weft_expr **at, const weft_expr *extent)
{
    int64_t have, n;
    if (!*at || (weft_as_int(*at, &have) && weft_as_int(extent, &n) && n > have))
        *at = extent;
}

static bool
note_loop(void *user, const weft_stmt *s)
{
    dims *d = user;
    if (s->kind != WEFT_SK_FOR)
        return true;
    weft_bind b = s->u.loop.bind;
    if (weft_is_block(b))
        take(&d->grid[b - WEFT_BLOCK_X], s->u.loop.extent);
    else if (weft_is_thread(b))
        take(&d->block[b - WEFT_THREAD_X], s->u.loop.extent);
    return true;
}

void
weft_launch_dims(const weft_kernel *k, const weft_expr *grid[3], const weft_expr *block[3])
{
    for (int i = 0; i < 3; i++)
        grid[i] = block[i] = NULL;
    dims d = { grid, block };
    weft_walker w = { .stmt = note_loop, .user = &d };
    weft_walk_stmt(&w, k->body);
    for (int i = 0; i < 3; i++) {
        grid[i] = grid[i] ? grid[i] : weft_i32(k->ir, 1);
        block[i] = block[i] ? block[i] : weft_i32(k->ir, 1);
    }
}
