/* te/rules/attention.h: the stages of attention by blocks (te/topi/attention.c). */
#ifndef WEFT_RULES_ATTENTION_H
#define WEFT_RULES_ATTENTION_H

#include "rules/priv.h"

typedef struct weft_blocked {
    weft_stage *out, *all; /* the result; what combines blocks of keys, NULL: there is one block */
    weft_stage *most, *total, *weighted, *weights, *scores, *products;
    weft_stage *queries, *keys, *values; /* values NULL: they are read where they lie */
    int nbatch;
    int64_t rows, cols, width; /* queries, keys of a block; columns of the result */
    int64_t ty, tx;            /* threads, where there are any */
} weft_blocked;

/* s computed at the consumer's loop, in `space`; false after an error. */
bool weft_blocked_place(weft_rule *, weft_stage *s, weft_stage *consumer, weft_axis *at,
                        const char *space);
/* Blocks of queries of the whole batch on the grid, `in` the loop over the queries of one. */
bool weft_blocked_grid(weft_rule *, const weft_blocked *, weft_axis **in);
/* In vectors, for a CPU; false, and nothing done, when keys do not lie so. */
bool weft_rule_attention_vectors(weft_rule *, const weft_blocked *);

#endif
