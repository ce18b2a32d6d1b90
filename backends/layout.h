/* backends/layout.h: how a kernel uses its buffers, as far as printers choose declarations by it.
 */
#ifndef WEFT_LAYOUT_H
#define WEFT_LAYOUT_H

#include "ir/ir.h"

/* A load or store of n consecutive elements: the index is RAMP(base, 1, n). */
bool weft_is_dense(const weft_expr *index);

/* e / n where e is a multiple of n by its form alone (4*i + 8 by 4), else NULL. */
const weft_expr *weft_quotient(weft_ir *, const weft_expr *e, int64_t n);

/* Pieces of a local array of vectors that a language can name, any of them. */
enum {
    WEFT_PIECE_LANE = 1, /* a scalar at a constant index: a lane of an element */
    WEFT_PIECE_PICK = 2, /* a scalar at any index, if the array has more than one vector */
    WEFT_PIECE_SOME = 4  /* a narrower vector at a constant index, of those that make an element */
};

/* What every access to each buffer agrees on: lane[buf->id] is n > 1 when the buffer may be
 * declared as an array of n-lane vectors, because all its loads and stores are dense, n lanes wide
 * and begin at a multiple of n, but for accesses to the pieces that are allowed.  1 for all others.
 * Lives in `arena`. */
const uint8_t *weft_vector_layout(weft_arena *, const weft_kernel *, unsigned pieces);

/* Elements of an allocation; false when not a constant. */
bool weft_buf_extent(const weft_buf *, int64_t *n);

#endif
