/* offsets: constants of an index are added where the address is, in 64 bits.
 *
 *   A[base + 24]       A[i64(base) + 24]
 *
 * A CPU's loads and stores take a register and a constant.  In 32 bits the sum is computed, and
 * widened, for each of them: compilers do not see that it cannot wrap.
 *
 * needs   level device; behind the passes that ask what an index is made of
 * keeps   everything else; other classes of targets, whose registers have 32 bits */
#include "lower/priv.h"

static const weft_expr *
widened(weft_ir *ir, const weft_expr *at)
{
    weft_ek k = (weft_ek)at->h.kind;
    int64_t by;
    if (k == WEFT_EK_RAMP && weft_as_int(at->arg[1], &by)) {
        const weft_expr *base = widened(ir, at->arg[0]);
        return base == at->arg[0]
                   ? at
                   : weft_ramp(ir, base, weft_int(ir, WEFT_I64, by), at->h.type.lanes);
    }
    bool sum = (k == WEFT_EK_ADD || k == WEFT_EK_SUB) && at->h.type.lanes == 1;
    if (!sum || at->h.type.dtype != WEFT_I32 || !weft_as_int(at->arg[1], &by))
        return at;
    return weft_binary(ir, k, weft_cast(ir, WEFT_I64, at->arg[0]), weft_int(ir, WEFT_I64, by));
}

static const weft_expr *
widen_load(weft_rewriter *rw, const weft_expr *e)
{
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf->space == WEFT_LOCAL)
        return e;
    const weft_expr *at = widened(rw->ir, e->arg[0]);
    return at == e->arg[0] ? e : weft_expr_with(rw->ir, e, &at);
}

static const weft_stmt *
widen_store(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    if (s->kind != WEFT_SK_STORE || s->u.store.buf->space == WEFT_LOCAL)
        return s;
    const weft_expr *at = widened(rw->ir, s->u.store.index[0]);
    return at == s->u.store.index[0]
               ? s
               : weft_store(rw->ir, s->u.store.buf, 1, &at, s->u.store.value);
}

weft_status
weft_pass_offsets(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)diag;
    if (o->target->cls != WEFT_CLASS_VECTOR_CPU)
        return WEFT_OK;
    weft_rewriter rw = { .ir = k->ir, .expr = widen_load, .stmt = widen_store };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
