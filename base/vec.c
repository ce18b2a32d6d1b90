/* How a vector in an arena grows: into a new block twice the size. */
#include "base/priv.h"

#include <limits.h>
#include <string.h>

void *
weft_vec_grow(weft_arena *a, const void *at, int n, int *cap, size_t size)
{
    if (n > INT_MAX / 2)
        weft_out_of_memory(SIZE_MAX);
#ifdef WEFT_TORTURE
    int room = n + 1 + n / 16; /* moves at every push while small, and often later */
#else
    int room = n < 4 ? 8 : 2 * n;
#endif
    void *to = weft_arena_array(a, (size_t)room, size);
    if (n)
        memcpy(to, at, (size_t)n * size);
    *cap = room;
    return to;
}
