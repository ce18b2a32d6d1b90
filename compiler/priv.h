/* compiler/priv.h: what the files of compiler/ share. */
#ifndef WEFT_COMPILER_PRIV_H
#define WEFT_COMPILER_PRIV_H

#include "compiler/compiler.h"

/* An integer expression over symbols as a plan's text, in the arena. */
const char *weft_plan_text(weft_arena *, const weft_expr *);

/* The module's blob with that content: found or added.  Returns its key; the bytes are borrowed. */
const char *weft_module_blob(weft_module *, weft_map *seen, const weft_const *, const char *key);
/* Content names of n constants, in parallel: key[i] in the arena. */
void weft_content_keys(weft_arena *, int threads, int n, const weft_const *const *, const char **key);

#endif
