/* te/extern.h: what the two files of extern stages share. */
#ifndef WEFT_TE_EXTERN_H
#define WEFT_TE_EXTERN_H

#include "te/parse.h"

typedef struct weft_extern { /* a definition in the making */
    int n;
    const weft_buf **buf; /* what it makes: names are free */
    const weft_stmt *body;
} weft_extern;

/* Memory for a tensor of that name, which is an identifier; NULL after an error. */
const weft_buf *weft_extern_buf(weft_te *, const char *name, weft_dtype, int ndim,
                                const weft_expr *const *shape);
/* Checks the statements and makes the stage; out[n] is written. */
weft_status weft_extern_define(weft_te *, const weft_extern *, weft_tensor **out);

#endif
