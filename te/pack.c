/* Outputs of elements that share bytes, as the bytes.
 *
 * Threads that store such elements one by one would race for a byte.  A stage of its own computes
 * whole bytes from the elements in them; what computes an element is inlined into it like anything
 * else that it reads, so that every schedule stores bytes. */
#include "te/te.h"

typedef struct packing {
    weft_te *te;
    weft_tensor *t;
    weft_dtype wide;       /* of numbers of elements */
    const weft_expr *size; /* how many elements there are */
    int bits;              /* of an element */
} packing;

static const weft_expr *
number(const packing *p, int64_t v)
{
    return weft_int(p->te->ir, p->wide, v);
}

static void
measure(packing *p)
{
    const weft_buf *b = p->t->buf;
    p->wide = WEFT_I32;
    p->bits = weft_dtype_bits(b->dtype);
    for (int d = 0; d < b->ndim; d++)
        if (b->shape[d]->h.type.dtype == WEFT_I64)
            p->wide = WEFT_I64;
    p->size = number(p, 1);
    for (int d = 0; d < b->ndim; d++)
        p->size = weft_mul(p->te->ir, p->size, weft_cast(p->te->ir, p->wide, b->shape[d]));
    p->size = weft_simplify_expr(p->te->ir, NULL, p->size);
}

/* Element number `at`, in row-major order, as a byte that is 0 above its bits. */
static const weft_expr *
element(const packing *p, const weft_expr *at)
{
    weft_ir *ir = p->te->ir;
    const weft_buf *b = p->t->buf;
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, b->ndim + 1, const weft_expr *);
    for (int d = b->ndim; d-- > 0;) {
        const weft_expr *dim = weft_cast(ir, p->wide, b->shape[d]);
        index[d] = d == 0 ? at : weft_fmod(ir, at, dim);
        index[d] = weft_simplify_expr(ir, NULL, index[d]);
        at = weft_fdiv(ir, at, dim);
    }
    const weft_expr *v = weft_tensor_at(p->te, p->t, b->ndim, index);
    if (weft_is_float(b->dtype))
        v = weft_bitcast(ir, weft_scalar(WEFT_U4), v);
    return weft_binary(ir, WEFT_EK_BAND, weft_cast(ir, WEFT_U8, v),
                       weft_int(ir, WEFT_U8, (1 << p->bits) - 1));
}

/* The byte whose first element is number `first`; what lies beyond the last one is 0. */
static const weft_expr *
byte(const packing *p, const weft_expr *first)
{
    weft_ir *ir = p->te->ir;
    const weft_expr *all = element(p, first);
    for (int k = 1; k < 8 / p->bits; k++) {
        const weft_expr *at = weft_add(ir, first, number(p, k));
        const weft_expr *v = weft_binary(ir, WEFT_EK_SHL, element(p, at),
                                         weft_int(ir, WEFT_U8, k * p->bits));
        int64_t size;
        if (!weft_as_int(p->size, &size) || size % (8 / p->bits) != 0)
            v = weft_guard(ir, weft_lt(ir, at, p->size), v, weft_int(ir, WEFT_U8, 0));
        all = weft_binary(ir, WEFT_EK_BOR, all, v);
    }
    return all;
}

static weft_tensor *
bytes_of(weft_te *te, weft_tensor *t)
{
    packing p = { .te = te, .t = t };
    measure(&p);
    weft_ir *ir = te->ir;
    const weft_expr *each = number(&p, 8 / p.bits);
    const weft_expr *count =
        weft_fdiv(ir, weft_add(ir, p.size, number(&p, 8 / p.bits - 1)), each);
    weft_axis *axis = weft_te_axis(te, "b", weft_simplify_expr(ir, NULL, count));
    const weft_expr *first = weft_mul(ir, weft_axis_ref(te, axis), each);
    return weft_te_compute(te, weft_arena_printf(&ir->arena, "%s_bytes", t->buf->name), 1, &axis,
                           byte(&p, first));
}

weft_status
weft_te_pack_outputs(weft_te *te)
{
    for (int i = 0; i < te->output.n; i++) {
        weft_tensor *t = te->output.at[i];
        if (weft_dtype_bits(t->buf->dtype) >= 8)
            continue;
        weft_tensor *bytes = bytes_of(te, t);
        if (!bytes)
            return weft_diag_status(te->diag);
        bytes->packs = t;
        bytes->is_output = true;
        t->is_output = false;
        te->output.at[i] = bytes;
    }
    return WEFT_OK;
}
