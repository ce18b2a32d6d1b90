/* backends/idents.h: identifiers for printed text.
 *
 * IR names repeat and may be words of the printed language; here each gets an identifier that is
 * free in the blocks around it.  Names given inside a block are free again after it.
 */
#ifndef WEFT_IDENTS_H
#define WEFT_IDENTS_H

#include "base/base.h"

typedef struct weft_idents_entry { /* one name in use */
    const char *base, *name;
    int64_t before; /* the suffix `base` was at before */
} weft_idents_entry;

typedef struct weft_idents {
    weft_arena *arena;
    weft_map *live;   /* name -> 1 in use, 0 free again */
    weft_map *suffix; /* base -> the suffix to try next */
    WEFT_VEC(weft_idents_entry) stack;
} weft_idents;

/* `reserved`: words separated by blanks that are never given out; may be NULL. */
void weft_idents_init(weft_idents *, weft_arena *, const char *reserved);
/* `base` made an identifier, with a suffix if it is in use. */
const char *weft_idents_add(weft_idents *, const char *base);
/* Frees every name given since `mark`, an earlier value of stack.n. */
void weft_idents_close(weft_idents *, int mark);

#endif
