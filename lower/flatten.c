/* flatten: every buffer gets one dimension; indices become sums of index * stride.
 *
 * needs  level loops
 * makes  level flat; indices in i32 where the buffer has provably no more than 2^31 elements (by
 *        its shape, or by what a target can bind), else in i64 but for its last dimensions, as
 *        far as they have no more
 * keeps  loops, guards, spaces, names; bool stays bool */
#include "lower/priv.h"

typedef struct flat {
    const weft_buf *from, *to;
    const weft_expr **stride;
    weft_dtype index;
    int inner; /* the dimensions from here on are counted in i32 */
} flat;

typedef struct flattener {
    weft_ir *ir;
    const weft_target *target;
    weft_arena arena;
    WEFT_VEC(flat *) by_id;
} flattener;

/* How far a buffer with strides reaches, whatever the order of its dimensions; false when that is
 * not a constant. */
static bool
strided_elements(const weft_buf *b, int64_t *reach)
{
    int64_t n, stride, all;
    *reach = 1;
    for (int d = 0; d < b->ndim; d++) {
        if (!weft_as_int(b->stride[d], &stride) || !weft_as_int(b->shape[d], &n) ||
            !weft_mul64(stride, n, &all))
            return false;
        *reach = all > *reach ? all : *reach;
    }
    return true;
}

/* The most elements a buffer may have; INT64_MAX where nothing is known. */
static int64_t
most_elements(const flattener *f, const weft_buf *b)
{
    int64_t n = 1, d;
    if (b->stride && b->ndim > 0)
        return strided_elements(b, &n) ? n : INT64_MAX;
    bool known = true;
    for (int i = 0; i < b->ndim; i++) {
        bool constant = weft_as_int(b->shape[i], &d);
        if (!constant)
            d = b->shape[i]->h.type.dtype == WEFT_I32 ? INT32_MAX : INT64_MAX;
        known = known && constant;
        n = weft_mul64(n, d, &n) ? n : INT64_MAX;
    }
    int64_t range = f->target ? f->target->max_range : 0, bits = weft_dtype_bits(b->dtype);
    if (known || range <= 0 || range >= INT64_MAX / 8)
        return n;
    return n < range * 8 / bits ? n : range * 8 / bits;
}

/* The first of the last dimensions whose elements are surely counted in 32 bits. */
static int
find_inner(const weft_buf *b)
{
    int64_t n = 1, d;
    int inner = b->ndim;
    while (inner > 0 && !b->stride && weft_as_int(b->shape[inner - 1], &d) &&
           weft_mul64(n, d, &n) && n <= INT32_MAX)
        inner--;
    return inner;
}

static flat *
make_flat(flattener *f, const weft_buf *b)
{
    weft_ir *ir = f->ir;
    int64_t reach;
    flat *to = WEFT_NEW(&f->arena, flat);
    to->from = b;
    to->index = most_elements(f, b) <= INT32_MAX ? WEFT_I32 : WEFT_I64;
    to->inner = to->index == WEFT_I32 ? b->ndim : find_inner(b);
    to->stride = WEFT_NEW_ARRAY(&f->arena, b->ndim, const weft_expr *);
    const weft_expr *total = weft_int(ir, to->index, 1);
    for (int d = b->ndim - 1; d >= 0; d--) {
        if (b->stride)
            total = weft_ix_cast(ir, to->index, b->stride[d]);
        to->stride[d] = total;
        total = weft_ix(ir, WEFT_EK_MUL, total, weft_ix_cast(ir, to->index, b->shape[d]));
    }
    if (b->stride && strided_elements(b, &reach))
        total = weft_int(ir, to->index, reach);
    bool own = b->space != WEFT_GLOBAL && b->space != WEFT_CONSTANT;
    if (own && weft_is_int_imm(total, 0)) /* no language has an array of none */
        total = weft_int(ir, to->index, 1);
    const weft_buf *made = weft_buf_make(ir, b->name, b->dtype, b->space, 1, &total);
    weft_buf *aligned = weft_arena_dup(&ir->arena, made, sizeof *made);
    aligned->align = b->align;
    aligned->frag = b->frag;
    aligned->stages = b->stages;
    to->to = aligned;
    return to;
}

static const flat *
flat_of(flattener *f, const weft_buf *b)
{
    while (f->by_id.n <= (int)b->id)
        *WEFT_PUSH(&f->arena, &f->by_id) = NULL;
    if (!f->by_id.at[b->id])
        f->by_id.at[b->id] = make_flat(f, b);
    return f->by_id.at[b->id];
}

/* Where the dimensions from `from` to before `to` lead, counted in type t. */
static const weft_expr *
add_places(flattener *f, const flat *b, weft_dtype t, int from, int to,
           const weft_expr *const *index)
{
    const weft_expr *sum = weft_int(f->ir, t, 0);
    for (int d = from; d < to; d++)
        sum = weft_ix(f->ir, WEFT_EK_ADD, sum,
                      weft_ix(f->ir, WEFT_EK_MUL, weft_ix_cast(f->ir, t, index[d]),
                              weft_ix_cast(f->ir, t, b->stride[d])));
    return sum;
}

/* In 64 bits no more than needs them. */
static const weft_expr *
flat_index(flattener *f, const flat *b, const weft_expr *const *index)
{
    int n = b->from->ndim;
    const weft_expr *sum = add_places(f, b, b->index, 0, b->inner, index);
    if (b->inner < n)
        sum = weft_ix(f->ir, WEFT_EK_ADD, sum,
                      weft_ix_cast(f->ir, b->index,
                                   add_places(f, b, WEFT_I32, b->inner, n, index)));
    bool widened = sum && sum->h.kind == WEFT_EK_CAST && sum->h.type.dtype == WEFT_I64 &&
                   sum->arg[0]->h.type.dtype == WEFT_I32;
    return widened ? sum->arg[0] : sum;
}

static const weft_expr *
flatten_expr(weft_rewriter *rw, const weft_expr *e)
{
    e = weft_rewrite_args(rw, e);
    if (!e || e->h.kind != WEFT_EK_LOAD)
        return e;
    const flat *b = flat_of(rw->user, e->h.u.buf);
    const weft_expr *index = flat_index(rw->user, b, e->arg);
    return weft_load(rw->ir, b->to, 1, &index);
}

static const weft_stmt *
flatten_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    if (s && s->kind == WEFT_SK_STORE) {
        const flat *b = flat_of(rw->user, s->u.store.buf);
        const weft_expr *index = flat_index(rw->user, b, s->u.store.index);
        weft_stmt t = *s;
        t.u.store.buf = b->to;
        t.u.store.n = 1;
        t.u.store.index = &index;
        return weft_stmt_make(rw->ir, t);
    }
    if (s && s->kind == WEFT_SK_MATRIX) {
        weft_spot at[WEFT_MATRIX_PLACES];
        const weft_expr *index[WEFT_MATRIX_PLACES];
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
            const flat *b = flat_of(rw->user, s->u.matrix.place[i].buf);
            index[i] = flat_index(rw->user, b, s->u.matrix.place[i].index);
            at[i] = (weft_spot){ b->to, 1, &index[i] };
        }
        return weft_matrix_with(rw->ir, s, at);
    }
    if (s && s->kind == WEFT_SK_ALLOC)
        return weft_alloc(rw->ir, flat_of(rw->user, s->u.alloc.buf)->to, s->u.alloc.body);
    if (s && s->kind == WEFT_SK_ATOMIC) { /* has one dimension already */
        weft_stmt t = *s;
        t.u.atomic.buf = flat_of(rw->user, s->u.atomic.buf)->to;
        return weft_stmt_make(rw->ir, t);
    }
    return s;
}

weft_status
weft_pass_flatten(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    flattener f = { .ir = k->ir, .target = o->target };
    weft_rewriter rw = { .ir = k->ir, .expr = flatten_expr, .stmt = flatten_stmt, .user = &f };
    const weft_buf **param = WEFT_NEW_ARRAY(&k->ir->arena, k->nparam, const weft_buf *);
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    for (int i = 0; i < k->nparam; i++)
        param[i] = flat_of(&f, k->param[i])->to;
    weft_rewrite_done(&rw);
    weft_arena_reset(&f.arena);
    if (!body)
        return weft_fail(diag, WEFT_INTERNAL, "flatten: kernel '%s' could not be rebuilt", k->name);
    k->body = body;
    k->param = param;
    k->level = WEFT_LEVEL_FLAT;
    *changed = true;
    return WEFT_OK;
}
