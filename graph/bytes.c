/* The bytes of constants that passes make: large ones are given back when no value needs them any
 * more, so that a model whose weights are scaled and re-laid is not in memory once a pass. */
#include "graph/priv.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE = 64 << 10 }; /* smaller ones live in the graph's arena */

void *
weft_graph_bytes(weft_graph *g, size_t size)
{
    if (size < LARGE)
        return weft_arena_alloc(&g->ir->arena, size ? size : 1);
    weft_blocks *b = weft_graph_blocks(g);
    char *at = calloc(1, size);
    weft_assert(at, "out of memory: a constant of %zu bytes", size);
    *WEFT_PUSH(&g->ir->arena, b) = (weft_bytes){ at, size, false };
    return at;
}

static int
by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const weft_bytes *)a)->at,
              y = (uintptr_t)((const weft_bytes *)b)->at;
    return (x > y) - (x < y);
}

/* The block that an address lies in; NULL: it is not ours. */
static weft_bytes *
block_of(const weft_blocks *b, const void *data)
{
    int lo = 0, hi = b->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if ((uintptr_t)b->at[mid].at <= (uintptr_t)data)
            lo = mid + 1;
        else
            hi = mid;
    }
    weft_bytes *found = lo ? &b->at[lo - 1] : NULL;
    return found && (uintptr_t)data < (uintptr_t)found->at + found->size ? found : NULL;
}

/* Whether the constant is all of one of our blocks and no other value points into that. */
static bool
is_own_block(weft_graph *g, const weft_value *v)
{
    const weft_blocks *b = weft_graph_blocks(g);
    const char *at = v->data->data;
    bool own = false;
    for (int i = 0; i < b->n; i++)
        own |= b->at[i].at == at && b->at[i].size == v->data->size;
    for (int i = 0; i < g->value.n && own; i++) {
        const weft_const *c = g->value.at[i] != v ? g->value.at[i]->data : NULL;
        own = !c || (uintptr_t)c->data < (uintptr_t)at ||
              (uintptr_t)c->data >= (uintptr_t)at + v->data->size;
    }
    return own;
}

/* Whole pages of the constant leave memory: those of a mapped file come back when they are read
 * again, others as zeros. */
static void
let_pages_go(const weft_const *c)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)c->data + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)c->data + c->size) / page * page;
    if (to > from)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void
weft_graph_let_go(weft_graph *g, const weft_value *v)
{
    if (v->data && (v->data->mapped || is_own_block(g, v)))
        let_pages_go(v->data);
}

void
weft_graph_free_bytes(weft_graph *g, int ndead, weft_value *const *dead)
{
    weft_blocks *b = weft_graph_blocks(g);
    int kept = 0;
    if (b->n)
        qsort(b->at, (size_t)b->n, sizeof *b->at, by_address);
    for (int i = 0; i < b->n; i++)
        b->at[i].used = false;
    for (int i = 0; i < g->value.n; i++) {
        const weft_const *c = g->value.at[i]->data;
        weft_bytes *block = c ? block_of(b, c->data) : NULL;
        if (block)
            block->used = true;
    }
    for (int i = 0; i < ndead; i++)
        if (dead[i]->data && dead[i]->data->mapped)
            let_pages_go(dead[i]->data);
    for (int i = 0; i < b->n; i++) {
        if (b->at[i].used)
            b->at[kept++] = b->at[i];
        else
            free(b->at[i].at);
    }
    b->n = kept;
}
