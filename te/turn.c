/* An operand that is read across its rows, as a copy whose rows are what the reader goes along. */
#include "te/priv.h"

weft_tensor *
weft_te_turn(weft_te *te, weft_stage *s, const weft_tensor *t, int d)
{
    int n = t->buf->ndim, at = 0;
    weft_axis **axis = WEFT_NEW_ARRAY(&te->ir->arena, n, weft_axis *);
    const weft_expr **index = WEFT_NEW_ARRAY(&te->ir->arena, n, const weft_expr *);
    for (int i = 0; i < n; i++) {
        weft_axis **made = &axis[i == d ? n - 1 : at++];
        *made = weft_te_axis(te, weft_arena_printf(&te->ir->arena, "t%d", i), t->buf->shape[i]);
        if (!*made)
            return NULL;
        index[i] = weft_ref(te->ir, (*made)->var);
    }
    const weft_expr *body = weft_load(te->ir, t->buf, n, index);
    weft_te_op from = {
        .naxis = n, .axis = axis, .nout = 1, .body = &body, .reducer = WEFT_REDUCER_COUNT
    };
    weft_te_op *op = weft_te_insert_before(
        te, s, &from, weft_arena_printf(&te->ir->arena, "%s_turned", t->buf->name));
    if (!op)
        return NULL;
    weft_te_redirect(te, s->op, t, op->out[0], d);
    weft_te_rewritten(te, s);
    return op->out[0];
}
