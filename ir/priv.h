/* ir/priv.h: what the files of ir share. */
#ifndef WEFT_IR_PRIV_H
#define WEFT_IR_PRIV_H

#include "ir/ir.h"

/* "f32" or "f32x4".  The text lives in the context. */
const char *weft_type_text(weft_ir *, weft_type);
/* What is wrong with these indices of a buffer, as a sentence, or NULL. */
const char *weft_index_fault(const weft_buf *, int n, const weft_expr *const *index);

#endif
