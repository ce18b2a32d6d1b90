/* check/widen.c: reference kernels whose sums are kept in double.
 *
 * An unscheduled reduction adds up in its output's own memory, which would round every step to the
 * output's dtype.  Float parameters that are read and written become f64 here; who runs the kernel
 * rounds them once, at the end.
 */
#include "check/priv.h"

/* parameter -> its stand-in, NULL: it stays */
typedef struct widener {
    const weft_kernel *kernel;
    const weft_buf **wide;
} widener;

static const weft_buf *
wide_of(const widener *w, const weft_buf *b)
{
    for (int i = 0; i < w->kernel->nparam; i++)
        if (w->kernel->param[i] == b)
            return w->wide[i];
    return NULL;
}

static const weft_expr *
widen_expr(weft_rewriter *rw, const weft_expr *e)
{
    const widener *w = rw->user;
    e = weft_rewrite_args(rw, e);
    const weft_buf *to = e->h.kind == WEFT_EK_LOAD ? wide_of(w, e->h.u.buf) : NULL;
    if (!to)
        return e;
    return weft_cast_to(rw->ir, e->h.type, weft_load(rw->ir, to, e->h.nargs, e->arg));
}

static const weft_stmt *
widen_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    const widener *w = rw->user;
    s = weft_rewrite_children(rw, s);
    const weft_buf *to = s->kind == WEFT_SK_STORE ? wide_of(w, s->u.store.buf) : NULL;
    if (!to)
        return s;
    weft_type type = s->u.store.value->h.type;
    type.dtype = WEFT_F64;
    return weft_store(rw->ir, to, s->u.store.n, s->u.store.index,
                      weft_cast_to(rw->ir, type, s->u.store.value));
}

static bool
is_narrow_float(weft_dtype t)
{
    return t == WEFT_F32 || t == WEFT_F16 || t == WEFT_BF16;
}

bool
weft_widen_sums(weft_kernel *k, bool *wide)
{
    widener w = { k, WEFT_NEW_ARRAY(&k->ir->arena, k->nparam + 1, const weft_buf *) };
    const weft_buf **param =
        weft_arena_dup(&k->ir->arena, k->param, (size_t)k->nparam * sizeof *param);
    bool any = false;
    for (int i = 0; i < k->nparam; i++) {
        const weft_buf *b = k->param[i];
        wide[i] = k->access[i] == WEFT_READ_WRITE && is_narrow_float(b->dtype) && !b->stride;
        if (!wide[i])
            continue;
        param[i] = w.wide[i] = weft_buf_make(k->ir, b->name, WEFT_F64, b->space, b->ndim, b->shape);
        any = true;
    }
    if (!any)
        return false;
    weft_rewriter rw = { .ir = k->ir, .expr = widen_expr, .stmt = widen_stmt, .user = &w };
    k->body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    k->param = param;
    return true;
}
