/* backends/names.h: identifiers for printed text.
 *
 * IR names repeat and may be words of the printed language; here each gets an identifier that is
 * free in the blocks around it.  Names given inside a block are free again after it.
 */
#ifndef WEFT_NAMES_H
#define WEFT_NAMES_H

#include "base/base.h"

typedef struct weft_names_entry { /* one name in use */
    const char *base, *name;
    int64_t before; /* the suffix `base` was at before */
} weft_names_entry;

typedef struct weft_names {
    weft_arena *arena;
    weft_map *live;   /* name -> 1 in use, 0 free again */
    weft_map *suffix; /* base -> the suffix to try next */
    WEFT_VEC(weft_names_entry) stack;
} weft_names;

/* `reserved`: words separated by blanks that are never given out; may be NULL. */
void weft_names_init(weft_names *, weft_arena *, const char *reserved);
/* `base` made an identifier, with a suffix if it is in use. */
const char *weft_names_add(weft_names *, const char *base);
/* Frees every name given since `mark`, an earlier value of stack.n. */
void weft_names_close(weft_names *, int mark);

#endif
